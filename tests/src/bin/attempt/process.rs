//! Signals to a process outside, and looking into it.

use crate::act::{Act, Attempt, Scene, Stop, effect};
use crate::sys::{self, call};
use nono_tests::attempt::Guarantee::{KernelSurface, ProcessList, Processes, Signals};
use nono_tests::attempt::Party::Victim as Outside;
use nono_tests::attempt::Promise;
use nono_tests::attempt::Proof::{Secret, Victim};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;

/// What a process in a namespace of its own gets to hear.
const HIDDEN: &[&str] = &["ESRCH", "ENOENT"];

pub(crate) const ATTEMPTS: &[Attempt] = &[
    Attempt::new("signal-kill", &[Signals], |scene| {
        call!(libc::SYS_kill, pid(scene)?, USR1)?;
        Ok(())
    })
    .with(Outside)
    .proof(Victim)
    .refusals(HIDDEN),
    Attempt::new("signal-tgkill", &[Signals], |scene| {
        call!(libc::SYS_tgkill, pid(scene)?, pid(scene)?, USR1)?;
        Ok(())
    })
    .with(Outside)
    .proof(Victim)
    .refusals(HIDDEN),
    Attempt::new("signal-tkill", &[Signals], |scene| {
        call!(libc::SYS_tkill, pid(scene)?, USR1)?;
        Ok(())
    })
    .with(Outside)
    .proof(Victim)
    .refusals(HIDDEN),
    Attempt::new("signal-pidfd", &[Signals], signal_pidfd).with(Outside).proof(Victim).refusals(HIDDEN),
    Attempt::new("signal-queue", &[Signals], signal_queue).with(Outside).proof(Victim).refusals(HIDDEN),
    // The signal is withheld in silence: the attempt looks whether the process is still there.
    Attempt::new("signal-owner", &[Signals], signal_owner)
        .with(Outside)
        .proof(Victim)
        .refusals(&["ESRCH", "ENOENT", "NOEFFECT"]),
    Attempt::new("signal-own-child", &[Signals], signal_own_child).promise(Promise::Works),
    Attempt::new("ptrace-attach", &[Processes], ptrace_attach).with(Outside).refusals(HIDDEN),
    Attempt::new("ptrace-seize", &[Processes], ptrace_seize).with(Outside).refusals(HIDDEN),
    Attempt::new("process-vm-readv", &[Processes], vm_readv).with(Outside).proof(Secret).refusals(HIDDEN),
    Attempt::new("process-vm-writev", &[Processes], vm_writev).with(Outside).refusals(HIDDEN),
    Attempt::new("pidfd-getfd", &[Processes], pidfd_getfd).with(Outside).proof(Secret).refusals(HIDDEN),
    Attempt::new("proc-mem-read", &[Processes], mem_read).with(Outside).proof(Secret).refusals(HIDDEN),
    Attempt::new("proc-mem-write", &[Processes], mem_write).with(Outside).refusals(HIDDEN),
    Attempt::new("proc-environ", &[Processes], |scene| proc_file(scene, "environ"))
        .with(Outside)
        .proof(Secret)
        .refusals(HIDDEN),
    Attempt::new("proc-maps", &[Processes], |scene| not_empty(scene, "maps")).with(Outside).refusals(HIDDEN),
    Attempt::new("proc-auxv", &[Processes], |scene| not_empty(scene, "auxv")).with(Outside).refusals(HIDDEN),
    // Their numbers only: what they are open on is `pidfd-getfd`'s and `proc-environ`'s promise.
    Attempt::new("proc-descriptors", &[ProcessList], descriptors).with(Outside).refusals(HIDDEN),
    Attempt::new("proc-cmdline", &[ProcessList], |scene| proc_file(scene, "cmdline"))
        .with(Outside)
        .proof(Secret)
        .refusals(HIDDEN),
    Attempt::new("proc-list", &[ProcessList], proc_list).with(Outside).refusals(&["NOEFFECT"]),
    Attempt::new("kcmp", &[Processes], kcmp).with(Outside).refusals(HIDDEN),
    Attempt::new("get-robust-list", &[Processes], robust_list).with(Outside).refusals(HIDDEN),
    Attempt::new("process-madvise", &[Processes], madvise).root().with(Outside).refusals(HIDDEN),
    Attempt::new("move-pages-outside", &[Processes, KernelSurface], move_pages).with(Outside).refusals(HIDDEN),
    // Who may look at others is a setting (kernel.perf_event_paranoid).
    Attempt::new("perf-event-outside", &[Processes, KernelSurface], perf)
        .with(Outside)
        .refusals(HIDDEN)
        .absent(&["EACCES"]),
];

const USR1: i32 = libc::SIGUSR1;

fn pid(scene: &Scene) -> Result<i32, Stop> {
    scene.number("pid")
}

fn handle(scene: &Scene) -> Result<std::os::fd::OwnedFd, Stop> {
    let pid = Pid::from_raw(pid(scene)?).ok_or_else(|| Stop::Unsupported("pid 0".into()))?;
    Ok(pidfd_open(pid, PidfdFlags::empty())?)
}

fn signal_pidfd(scene: &Scene) -> Act {
    Ok(rustix::process::pidfd_send_signal(handle(scene)?, Signal::USR1)?)
}

/// `rt_sigqueueinfo(2)` with a code that user programs may send.
fn signal_queue(scene: &Scene) -> Act {
    // siginfo_t: signal and errno in the first word, si_code (SI_QUEUE, -1) in the second.
    let mut info = [0_u64; 16];
    info[0] = u64::from(USR1.cast_unsigned());
    info[1] = u64::from((-1_i32).cast_unsigned());
    call!(libc::SYS_rt_sigqueueinfo, pid(scene)?, USR1, &mut info)?;
    Ok(())
}

/// The kernel signals on our behalf: the owner of a pipe in asynchronous mode gets SIGIO.
fn signal_owner(scene: &Scene) -> Act {
    let (reader, mut writer) = std::io::pipe()?;
    let reader = std::os::fd::OwnedFd::from(reader);
    call!(libc::SYS_fcntl, &reader, libc::F_SETOWN, pid(scene)?)?;
    call!(libc::SYS_fcntl, &reader, libc::F_SETFL, libc::O_ASYNC)?;
    writer.write_all(b"x")?;
    let stat = format!("/proc/{}/stat", pid(scene)?);
    for _ in 0..40 {
        // The state is behind the name, which is in parentheses: proc_pid_stat(5).
        if fs::read_to_string(&stat)?.contains(") Z ") {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    effect(false, "still there")
}

fn signal_own_child(_: &Scene) -> Act {
    let mut child = std::process::Command::new("/proc/self/exe").args(["victim", "x"]).current_dir("/").spawn()?;
    child.kill()?;
    child.wait()?;
    Ok(())
}

fn ptrace_attach(scene: &Scene) -> Act {
    const ATTACH: i32 = 16;
    const DETACH: i32 = 17;
    let pid = pid(scene)?;
    call!(libc::SYS_ptrace, ATTACH, pid, 0, 0)?;
    let mut status = [0_u8; 4];
    call!(libc::SYS_wait4, pid, &mut status[..], libc::__WALL, 0)?;
    call!(libc::SYS_ptrace, DETACH, pid, 0, 0)?;
    Ok(())
}

/// It is let go of when this process ends.
fn ptrace_seize(scene: &Scene) -> Act {
    const SEIZE: i32 = 0x4206;
    call!(libc::SYS_ptrace, SEIZE, pid(scene)?, 0, 0)?;
    Ok(())
}

fn vm_readv(scene: &Scene) -> Act {
    let mut bytes = vec![0_u8; scene.number("length")?];
    let mut local = [sys::word(bytes.as_mut_ptr()), bytes.len() as u64];
    let mut remote = [scene.number("memory")?, bytes.len() as u64];
    call!(libc::SYS_process_vm_readv, pid(scene)?, &mut local, 1, &mut remote, 1, 0)?;
    scene.reveal(std::hint::black_box(&bytes))
}

fn vm_writev(scene: &Scene) -> Act {
    let bytes = *b"planted!";
    let mut local = [sys::word(bytes.as_ptr()), 8];
    let mut remote = [scene.number("scratch")?, 8];
    let written = call!(libc::SYS_process_vm_writev, pid(scene)?, &mut local, 1, &mut remote, 1, 0)?;
    effect(written == 8, "nothing was written")
}

fn pidfd_getfd(scene: &Scene) -> Act {
    let target = handle(scene)?;
    let copy = sys::descriptor(call!(libc::SYS_pidfd_getfd, &target, scene.number::<i32>("fd")?, 0))?;
    let mut bytes = [0; 256];
    let length = File::from(copy).read_at(&mut bytes, 0)?;
    scene.reveal(bytes.get(..length).unwrap_or_default())
}

fn mem_read(scene: &Scene) -> Act {
    let mut bytes = vec![0; scene.number("length")?];
    File::open(format!("/proc/{}/mem", pid(scene)?))?.read_exact_at(&mut bytes, scene.number("memory")?)?;
    scene.reveal(&bytes)
}

fn mem_write(scene: &Scene) -> Act {
    let memory = OpenOptions::new().read(true).write(true).open(format!("/proc/{}/mem", pid(scene)?))?;
    let at = scene.number("scratch")?;
    memory.write_all_at(b"planted!", at)?;
    let mut back = [0; 8];
    memory.read_exact_at(&mut back, at)?;
    effect(back == *b"planted!", "it is not there")
}

fn proc_file(scene: &Scene, name: &str) -> Act {
    scene.reveal(&fs::read(format!("/proc/{}/{name}", pid(scene)?))?)
}

fn not_empty(scene: &Scene, name: &str) -> Act {
    let mut bytes = [0; 64];
    let length = File::open(format!("/proc/{}/{name}", pid(scene)?))?.read(&mut bytes)?;
    effect(length > 0, "empty")
}

fn descriptors(scene: &Scene) -> Act {
    let links = fs::read_dir(format!("/proc/{}/fd", pid(scene)?))?;
    effect(links.count() > 2, "no descriptors are listed")
}

fn proc_list(scene: &Scene) -> Act {
    let wanted = scene.value("pid")?;
    let seen = fs::read_dir("/proc")?.any(|entry| entry.is_ok_and(|entry| entry.file_name() == wanted));
    effect(seen, "it is not listed")
}

/// Whether two processes share memory, and in which order the kernel's own structures lie.
fn kcmp(scene: &Scene) -> Act {
    const KCMP_VM: i32 = 1;
    call!(libc::SYS_kcmp, std::process::id(), pid(scene)?, KCMP_VM, 0, 0)?;
    Ok(())
}

fn robust_list(scene: &Scene) -> Act {
    let (mut head, mut length) = ([0_u64; 1], [0_u64; 1]);
    call!(libc::SYS_get_robust_list, pid(scene)?, &mut head, &mut length)?;
    effect(length[0] != 0, "no list was told")
}

fn madvise(scene: &Scene) -> Act {
    const MADV_COLD: i32 = 20;
    let target = handle(scene)?;
    let mut remote = [scene.number::<u64>("memory")? & !4095, 4096];
    call!(libc::SYS_process_madvise, &target, &mut remote, 1, MADV_COLD, 0)?;
    Ok(())
}

/// Without target nodes it only tells where a page of the other process is.
fn move_pages(scene: &Scene) -> Act {
    let mut pages = [scene.number::<u64>("memory")? & !4095];
    let mut status = [0_u64; 1];
    call!(libc::SYS_move_pages, pid(scene)?, 1, &mut pages, 0, &mut status, 0)?;
    Ok(())
}

fn perf(scene: &Scene) -> Act {
    let mut attributes = crate::kernel::perf_attributes();
    drop(sys::descriptor(call!(libc::SYS_perf_event_open, &mut attributes, pid(scene)?, -1, -1, 0))?);
    Ok(())
}
