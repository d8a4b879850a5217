//! Parts of the kernel that a confined program has no business with. Calls that would do harm are made with arguments
//! that cannot: the error tells whether they came through to the kernel.

use crate::act::{Act, Attempt, Scene, c_path, effect, reached};
use crate::sys::{self, call};
use nono_tests::attempt::Guarantee::{self, Capabilities, Files, KernelSurface};
use nono_tests::attempt::Proof::Secret;
use rustix::io::Errno;
use std::fs;

const SURFACE: &[Guarantee] = &[KernelSurface];
/// What also takes a capability that the sandbox drops.
const ROOTS: &[Guarantee] = &[KernelSurface, Capabilities];

pub(crate) const ATTEMPTS: &[Attempt] = &[
    Attempt::new("io-uring-setup", SURFACE, io_uring_setup).absent(&["EPERM"]),
    Attempt::new("io-uring-open", &[Files], io_uring_open).proof(Secret).absent(&["EPERM", "EINVAL"]),
    Attempt::new("userfaultfd", SURFACE, |_| made(call!(libc::SYS_userfaultfd, libc::O_CLOEXEC | 1))),
    Attempt::new("bpf-map", ROOTS, bpf_map).root(),
    Attempt::new("perf-event", SURFACE, perf_event).absent(&["EACCES"]),
    Attempt::new("keyctl", SURFACE, |_| {
        call!(libc::SYS_keyctl, 0, -3, 0)?;
        Ok(())
    }),
    Attempt::new("add-key", SURFACE, add_key),
    Attempt::new("request-key", SURFACE, request_key),
    Attempt::new("fanotify", SURFACE, |_| made(call!(libc::SYS_fanotify_init, 0x200, libc::O_RDONLY)))
        .absent(&["EPERM", "EINVAL"]),
    Attempt::new("quotactl", SURFACE, |_| {
        call!(libc::SYS_quotactl, 0x8000_0100_u32, 0, 0, 0)?;
        Ok(())
    }),
    Attempt::new("swapon", ROOTS, |_| reached(&call!(libc::SYS_swapon, c"/nonexistent", 0), &[Errno::NOENT])).root(),
    Attempt::new("swapoff", ROOTS, |_| reached(&call!(libc::SYS_swapoff, c"/nonexistent"), &[Errno::NOENT])).root(),
    Attempt::new("acct", ROOTS, |_| reached(&call!(libc::SYS_acct, c"/nonexistent/file"), &[Errno::NOENT])).root(),
    Attempt::new("kexec-load", ROOTS, |_| reached(&call!(libc::SYS_kexec_load, 0, 1000, 0, 0xff00), &[Errno::INVAL]))
        .root(),
    Attempt::new("init-module", ROOTS, |_| module(call!(libc::SYS_init_module, 0, 0, c""))).root(),
    Attempt::new("finit-module", ROOTS, |_| module(call!(libc::SYS_finit_module, -1, c"", 0))).root(),
    Attempt::new("delete-module", ROOTS, |_| {
        module(call!(libc::SYS_delete_module, c"no_such_module", libc::O_NONBLOCK))
    })
    .root(),
    Attempt::new("reboot", ROOTS, reboot).root(),
    Attempt::new("syslog", ROOTS, |_| {
        call!(libc::SYS_syslog, 10, 0, 0)?;
        Ok(())
    })
    .root(),
    Attempt::new("settimeofday", SURFACE, settimeofday),
    Attempt::new("clock-settime", SURFACE, clock_settime),
    Attempt::new("sethostname", ROOTS, |_| same_name(libc::SYS_sethostname, "hostname")).root(),
    Attempt::new("setdomainname", ROOTS, |_| same_name(libc::SYS_setdomainname, "domainname")).root(),
    Attempt::new("personality", SURFACE, personality),
    Attempt::new("memfd-secret", SURFACE, |_| made(call!(SYS_MEMFD_SECRET, 0))),
    Attempt::new("name-to-handle", SURFACE, name_to_handle).absent(&["EOPNOTSUPP"]),
    Attempt::new("open-by-handle", ROOTS, open_by_handle).root().absent(&["EOPNOTSUPP"]),
    Attempt::new("move-pages", SURFACE, |_| {
        call!(libc::SYS_move_pages, 0, 0, 0, 0, 0, 0)?;
        Ok(())
    }),
    Attempt::new("mbind", SURFACE, |_| {
        call!(libc::SYS_mbind, 0, 0, 0, 0, 0, 0)?;
        Ok(())
    }),
    Attempt::new("set-mempolicy", SURFACE, |_| {
        call!(libc::SYS_set_mempolicy, 0, 0, 0)?;
        Ok(())
    }),
    Attempt::new("migrate-pages", SURFACE, |_| reached(&call!(libc::SYS_migrate_pages, 0, 0, 0, 0), &[Errno::INVAL])),
    Attempt::new("old-asynchronous-io", SURFACE, asynchronous_io).promise(nono_tests::attempt::Promise::Unpromised),
];

const SYS_MEMFD_SECRET: libc::c_long = 447;

/// A call that makes a descriptor.
fn made(answer: Result<i64, Errno>) -> Act {
    drop(sys::descriptor(answer)?);
    Ok(())
}

fn io_uring_setup(_: &Scene) -> Act {
    let mut parameters = [0_u64; 15];
    made(call!(libc::SYS_io_uring_setup, 1, &mut parameters))
}

/// A page of ring memory; since Linux 6.5 the program may bring its own.
#[repr(align(4096))]
struct Page([u64; 512]);

impl Page {
    /// The 32-bit number at this offset.
    fn get(&self, offset: u64) -> u32 {
        let word = usize::try_from(offset / 8).ok().and_then(|index| self.0.get(index)).copied().unwrap_or_default();
        u32::try_from(word >> (offset % 8 * 8) & u64::from(u32::MAX)).unwrap_or_default()
    }

    /// Sets the 32-bit number at this offset, which is zero.
    fn set(&mut self, offset: u64, value: u32) {
        if let Some(word) = usize::try_from(offset / 8).ok().and_then(|index| self.0.get_mut(index)) {
            *word |= u64::from(value) << (offset % 8 * 8);
        }
    }
}

/// The kernel opens the secret on behalf of the ring: no filter sees the call.
fn io_uring_open(scene: &Scene) -> Act {
    const NO_MMAP: u64 = 1 << 14;
    const OPENAT: u64 = 18;
    const GET_EVENTS: i32 = 1;
    let path = c_path(scene.outside("secret"))?;
    let (mut rings, mut entries) = (Box::new(Page([0; 512])), Box::new(Page([0; 512])));
    // struct io_uring_params: flags at 8, sq_off at 40, cq_off at 80, in each the user's address at 32.
    let mut parameters = [0_u64; 15];
    parameters[1] = NO_MMAP;
    parameters[9] = sys::word(entries.0.as_mut_ptr());
    parameters[14] = sys::word(rings.0.as_mut_ptr());
    let ring = sys::descriptor(call!(libc::SYS_io_uring_setup, 1, &mut parameters))?;
    let here = u64::from(libc::AT_FDCWD.cast_unsigned());
    entries.0[0] = OPENAT | here << 32;
    entries.0[2] = sys::word(path.as_ptr());
    let offset = |word: usize, high: u32| {
        u64::from(u32::try_from(parameters.get(word).map_or(0, |bits| bits >> high & 0xffff_ffff)).unwrap_or(0))
    };
    // sq_off: head, tail; cq_off: head, tail, mask, entries, overflow, entries themselves.
    std::hint::black_box(&mut rings).set(offset(5, 32), 1);
    call!(libc::SYS_io_uring_enter, &ring, 1, 1, GET_EVENTS, 0, 0)?;
    let answer = std::hint::black_box(&rings).get(offset(12, 32) + 8).cast_signed();
    if answer < 0 {
        return Err(Errno::from_raw_os_error(-answer).into());
    }
    let opened = sys::descriptor(Ok(answer.into()))?;
    let mut bytes = [0; 256];
    let length = rustix::io::read(&opened, &mut bytes)?;
    scene.reveal(bytes.get(..length).unwrap_or_default())
}

/// An array of one number.
fn bpf_map(_: &Scene) -> Act {
    const MAP_CREATE: i32 = 0;
    let mut attributes = [2 | 4 << 32, 4 | 1 << 32];
    made(call!(libc::SYS_bpf, MAP_CREATE, &mut attributes, 16))
}

/// Counts the processor's clock in user mode, in software.
pub(crate) fn perf_attributes() -> [u64; 8] {
    const SOFTWARE: u64 = 1;
    const DISABLED: u64 = 1;
    const EXCLUDE_KERNEL_AND_HYPERVISOR: u64 = 3 << 5;
    [SOFTWARE | 64 << 32, 0, 0, 0, 0, DISABLED | EXCLUDE_KERNEL_AND_HYPERVISOR, 0, 0]
}

fn perf_event(_: &Scene) -> Act {
    let mut attributes = perf_attributes();
    made(call!(libc::SYS_perf_event_open, &mut attributes, 0, -1, -1, 0))
}

/// Into the keyring of this thread, which ends with it.
fn add_key(_: &Scene) -> Act {
    const THREAD_KEYRING: i32 = -1;
    let payload = b"x";
    call!(libc::SYS_add_key, c"user", c"attempt", &payload[..], 1, THREAD_KEYRING)?;
    Ok(())
}

fn request_key(_: &Scene) -> Act {
    reached(&call!(libc::SYS_request_key, c"user", c"no such key", 0, 0), &[Errno::NOKEY])
}

/// With an empty image, no descriptor, or the name of no module.
fn module(answer: Result<i64, Errno>) -> Act {
    reached(&answer, &[Errno::NOEXEC, Errno::BADF, Errno::NOENT, Errno::FAULT, Errno::INVAL])
}

/// The right magic numbers and no such command.
fn reboot(_: &Scene) -> Act {
    const NO_COMMAND: u32 = 0x1111_1111;
    reached(&call!(libc::SYS_reboot, 0xfee1_dead_u32, 672_274_793, NO_COMMAND, 0), &[Errno::INVAL])
}

/// Two million microseconds: no time.
fn settimeofday(_: &Scene) -> Act {
    let mut time = [0, 2_000_000];
    reached(&call!(libc::SYS_settimeofday, &mut time, 0), &[Errno::INVAL])
}

fn clock_settime(_: &Scene) -> Act {
    let mut time = [0, 2_000_000_000];
    reached(&call!(libc::SYS_clock_settime, libc::CLOCK_REALTIME, &mut time), &[Errno::INVAL])
}

/// Sets the name it has.
fn same_name(number: libc::c_long, file: &str) -> Act {
    let name = fs::read_to_string(format!("/proc/sys/kernel/{file}"))?;
    let name = name.trim_end_matches('\n').as_bytes();
    call!(number, name, i64::try_from(name.len()).unwrap_or(0))?;
    Ok(())
}

/// No address randomisation in what this process executes.
fn personality(_: &Scene) -> Act {
    const NO_RANDOMIZE: i64 = 0x0004_0000;
    let old = call!(libc::SYS_personality, 0xffff_ffff_u32)?;
    call!(libc::SYS_personality, old | NO_RANDOMIZE)?;
    let new = call!(libc::SYS_personality, 0xffff_ffff_u32)?;
    effect(new & NO_RANDOMIZE != 0, "it is as before")
}

fn handle_of_mine() -> Result<[u8; 136], Errno> {
    let (mut handle, mut mount) = ([0_u8; 136], [0_u8; 4]);
    handle[0] = 128;
    call!(libc::SYS_name_to_handle_at, libc::AT_FDCWD, c"mine", &mut handle[..], &mut mount[..], 0)?;
    Ok(handle)
}

fn name_to_handle(_: &Scene) -> Act {
    let handle = handle_of_mine()?;
    effect(handle[0] != 0, "no handle")
}

fn open_by_handle(_: &Scene) -> Act {
    let mut handle = handle_of_mine()?;
    let here = fs::File::open(".")?;
    let here = std::os::fd::OwnedFd::from(here);
    made(call!(libc::SYS_open_by_handle_at, &here, &mut handle[..], libc::O_RDONLY))
}

/// Old asynchronous I/O, which is not closed: the row tells whether it is there.
fn asynchronous_io(_: &Scene) -> Act {
    let mut context = [0_u64; 1];
    call!(libc::SYS_io_setup, 1, &mut context)?;
    call!(libc::SYS_io_destroy, context[0].cast_signed())?;
    Ok(())
}
