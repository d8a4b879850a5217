//! Installing: what each kind of filter does, and what each failure is called.

use crate::child::{features, isolated, run, skip, unprivileged};
use crate::raw;
use crate::target::{MKDIR, filter};
use nono_seccomp::{
    Action, Arch, Condition, Errno, InstallError, InstallFlags, Operator, Program, Syscall, set_no_new_privs,
};
use std::fs::create_dir;
use std::os::unix::process::ExitStatusExt;
use std::sync::mpsc::channel;
use std::thread;

fn mkdir_errno(name: &str) -> Option<i32> {
    let folder = tempfile::tempdir().unwrap();
    create_dir(folder.path().join(name)).err().map(|error| error.raw_os_error().unwrap())
}

/// A folder made beforehand, for tests where making one is refused.
fn attempt(folder: &tempfile::TempDir) -> Option<i32> {
    create_dir(folder.path().join("new")).err().map(|error| error.raw_os_error().unwrap())
}

fn install(names: &[&str], action: Action) {
    set_no_new_privs().unwrap();
    filter(names, action).install(InstallFlags::empty()).unwrap();
}

#[test]
fn a_call_fails_with_the_errno_of_its_rule() {
    isolated(a_call_fails_with_the_errno_of_its_rule, || {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(mkdir_errno("before"), None, "allowed without the filter");
        install(MKDIR, Errno::EXDEV.into());
        assert_eq!(attempt(&folder), Some(libc::EXDEV));
    });
}

#[test]
fn an_unprivileged_thread_needs_no_new_privs() {
    unprivileged(an_unprivileged_thread_needs_no_new_privs, || {
        let filter = filter(&["getppid"], Action::Allow);
        assert!(matches!(filter.install(InstallFlags::empty()), Err(InstallError::NotPrivileged { .. })));
        set_no_new_privs().unwrap();
        filter.install(InstallFlags::empty()).unwrap();
    });
}

#[test]
fn a_second_listener_is_refused() {
    isolated(a_second_listener_is_refused, || {
        if !features().notification {
            return skip("notification");
        }
        set_no_new_privs().unwrap();
        let filter = filter(&["getppid"], Action::Notify);
        let _first = filter.install_with_listener(InstallFlags::empty()).unwrap();
        let second = filter.install_with_listener(InstallFlags::empty());
        assert!(matches!(second, Err(InstallError::AlreadyListening { .. })), "{second:?}");
    });
}

#[test]
fn unknown_flags_are_named() {
    isolated(unknown_flags_are_named, || {
        set_no_new_privs().unwrap();
        let unknown = InstallFlags::from_bits_retain(1 << 20);
        let filter = filter(&[], Action::Allow);
        for result in [filter.install(InstallFlags::LOG | unknown), filter.install_with_listener(unknown).map(drop)] {
            assert!(
                matches!(&result, Err(InstallError::UnknownFlags { flags, .. }) if *flags == unknown),
                "{result:?}"
            );
        }
    });
}

#[test]
fn tsync_reaches_the_other_threads() {
    isolated(tsync_reaches_the_other_threads, || {
        let folder = tempfile::tempdir().unwrap();
        let (go, wait) = channel::<()>();
        let other = thread::spawn(move || {
            wait.recv().unwrap();
            attempt(&folder)
        });
        set_no_new_privs().unwrap();
        filter(MKDIR, Errno::EXDEV.into()).install(InstallFlags::TSYNC).unwrap();
        go.send(()).unwrap();
        assert_eq!(other.join().unwrap(), Some(libc::EXDEV));
    });
}

#[test]
fn a_thread_with_other_filters_prevents_tsync() {
    isolated(a_thread_with_other_filters_prevents_tsync, || {
        let flags = features().flags;
        let ((ready, wait), (done, hold)) = (channel::<()>(), channel::<()>());
        let other = thread::spawn(move || {
            install(&["getppid"], Action::Log);
            ready.send(()).unwrap();
            hold.recv().unwrap();
        });
        wait.recv().unwrap();
        set_no_new_privs().unwrap();
        let filter = filter(&[], Action::Allow);
        let told = filter.install(InstallFlags::TSYNC);
        assert!(matches!(told, Err(InstallError::ThreadDiverged { thread: Some(1..) })), "{told:?}");
        if flags.contains(InstallFlags::TSYNC_ESRCH) {
            for result in [
                filter.install(InstallFlags::TSYNC | InstallFlags::TSYNC_ESRCH),
                filter.install_with_listener(InstallFlags::TSYNC).map(drop),
            ] {
                assert!(matches!(result, Err(InstallError::ThreadDiverged { thread: None })), "{result:?}");
            }
        } else {
            skip("TSYNC_ESRCH");
        }
        done.send(()).unwrap();
        other.join().unwrap();
    });
}

#[test]
fn another_architecture_kills_the_process() {
    let ended = run(another_architecture_kills_the_process, None, || {
        let other = Arch::ALL.into_iter().find(|arch| Some(*arch) != Arch::NATIVE).unwrap();
        set_no_new_privs().unwrap();
        let filter = Program::new(other, Action::Allow).assemble().unwrap();
        filter.install(InstallFlags::empty()).unwrap();
        println!("survived");
    });
    if let Some(output) = ended {
        assert_eq!(output.status.signal(), Some(libc::SIGSYS), "{output:?}");
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn the_i386_table_kills_the_process() {
    let ended = run(the_i386_table_kills_the_process, None, || {
        let before = raw::by_int_0x80();
        println!("i386 calls: {}", if before == u64::from(std::process::id()) { "there" } else { "none" });
        install(&["getppid"], Action::Log);
        raw::by_int_0x80();
        println!("survived");
    });
    if let Some(output) = ended {
        let text = String::from_utf8(output.stdout).unwrap();
        if text.contains("i386 calls: there") {
            assert_eq!(output.status.signal(), Some(libc::SIGSYS), "{text}");
        } else {
            skip("i386 calls in this kernel");
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn x32_numbers_are_unknown_calls() {
    isolated(x32_numbers_are_unknown_calls, || {
        install(&["getppid"], Action::Log);
        for number in [nono_seccomp::X32_BIT | 0x27, u32::MAX] {
            let error = raw::number_call(number, [0; 6]).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::ENOSYS), "{number:#x}");
        }
    });
}

#[test]
fn bit_32_does_not_hide_an_int_argument() {
    isolated(bit_32_does_not_hide_an_int_argument, || {
        let arch = Arch::NATIVE.unwrap();
        let mut program = Program::new(arch, Action::Allow);
        let inet = u64::from(libc::AF_INET.cast_unsigned());
        let stream = u64::from(libc::SOCK_STREAM.cast_unsigned());
        let condition = Condition::int(0, Operator::Equal(inet)).unwrap();
        let socket = Syscall::named(arch, "socket").unwrap();
        program.on_match(socket, [condition], Errno::EXDEV.into()).unwrap();
        let hidden = [1 << 32 | inet, stream, 0, 0, 0, 0];
        assert!(raw::call("socket", hidden).is_ok(), "the kernel ignores bit 32");
        set_no_new_privs().unwrap();
        program.assemble().unwrap().install(InstallFlags::empty()).unwrap();
        assert_eq!(raw::call("socket", hidden).unwrap_err().raw_os_error(), Some(libc::EXDEV));
        let unix = u64::from(libc::AF_UNIX.cast_unsigned());
        assert!(raw::call("socket", [unix, stream, 0, 0, 0, 0]).is_ok());
    });
}

#[test]
fn a_filter_near_the_limit_is_accepted_and_works() {
    isolated(a_filter_near_the_limit_is_accepted_and_works, || {
        let folder = tempfile::tempdir().unwrap();
        let arch = Arch::NATIVE.unwrap();
        let mut program = Program::new(arch, Action::Allow);
        for syscall in MKDIR.iter().filter_map(|name| Syscall::named(arch, name)) {
            for value in 0..550 {
                let never = Condition::long(5, Operator::Equal(0xdead_beef_0000_0000 | value)).unwrap();
                program.on_match(syscall, [never], Action::Errno(u16::try_from(value).unwrap())).unwrap();
            }
            program.on(syscall, Errno::EXDEV.into()).unwrap();
        }
        for number in 2000..2300 {
            let odd = Condition::long(0, Operator::AnyBit(1 << (number % 64))).unwrap();
            program.on_match(Syscall::from_number(number * 2), [odd], Action::Log).unwrap();
        }
        let filter = program.assemble().unwrap();
        println!("{} instructions", filter.instructions().len());
        assert!(filter.instructions().len() > 3000);
        set_no_new_privs().unwrap();
        filter.install(InstallFlags::empty()).unwrap();
        assert_eq!(attempt(&folder), Some(libc::EXDEV));
    });
}
