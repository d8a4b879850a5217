//! `held SECRET OUTSIDE [DENIED]`: says which promises do not hold for it. SECRET is a file, OUTSIDE a directory that were not
//! granted, DENIED a file that was denied. The status is 0 if all hold, 90 if not. Says where its temporary directory is, too.

use nono_tests::raw;
use rustix::net::{AddressFamily, SocketType, socket};
use rustix::process::{Resource, getppid, getrlimit, test_kill_process};
use rustix::thread::{CapabilitySet, capabilities, no_new_privs};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let [secret, outside, denied @ ..] = words.as_slice() else { return ExitCode::from(70) };
    let reads = |path: &Path| std::fs::read(path).is_ok();
    let kept = CapabilitySet::DAC_OVERRIDE;
    let broken = [
        ("files", reads(secret.as_ref())),
        ("files, for writing", std::fs::write(Path::new(outside).join("made"), "made").is_ok()),
        ("deny", denied.iter().any(|path| reads(path.as_ref()))),
        ("tcp-ports", socket(AddressFamily::INET, SocketType::STREAM, None).is_ok()),
        ("unix-sockets", reaches(&Path::new(outside).join("socket"))),
        ("signals", getppid().is_some_and(|parent| test_kill_process(parent).is_ok())),
        ("no_new_privs", !no_new_privs().unwrap_or(false)),
        ("capabilities", !capabilities(None).is_ok_and(|sets| kept.contains(sets.permitted | sets.effective))),
        ("core-dumps", getrlimit(Resource::Core).current.is_none_or(|limit| limit > 1)),
        ("descriptors", std::fs::read_link("/proc/self/fd/9").is_ok()),
        ("environment", std::env::var_os("AWS_SECRET_ACCESS_KEY").is_some()),
        // Last: in it there is every capability.
        ("user-namespaces", raw::call(number("unshare"), [0x1000_0000, 0, 0, 0, 0, 0]).is_ok()),
    ];
    let names: Vec<&str> = broken.iter().filter(|(_, open)| *open).map(|(name, _)| *name).collect();
    #[expect(clippy::print_stdout, reason = "this is what it is asked for")]
    {
        println!("open: {}", names.join("; "));
        println!("temporary: {}", std::env::temp_dir().display());
    }
    if names.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(90) }
}

/// Whether a unix socket of somebody else's is connected to: by some kernels there are sockets, and no way to those outside.
fn reaches(socket: &Path) -> bool {
    UnixDatagram::unbound().is_ok_and(|own| own.connect(socket).is_ok())
}

fn number(name: &str) -> u32 {
    let named = nono_seccomp::Arch::NATIVE.and_then(|arch| nono_seccomp::Syscall::named(arch, name));
    named.map_or(u32::MAX, nono_seccomp::Syscall::number)
}
