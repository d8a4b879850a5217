//! Giving a target a descriptor.

use crate::child::{features, isolated, skip};
use crate::raw;
use crate::target::{OPEN, notified, path, serve_all};
use nono_seccomp::{Answer, InjectFlags, ListenError, Notification};
use std::fs::{File, read_to_string};
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd};

const MARKER: &str = "/nono/marker";

/// Runs `act` with every open notified; opens of [`MARKER`] go to `answer`, others are resumed.
fn marked<T: Send>(act: impl FnOnce() -> T + Send, mut answer: impl FnMut(Notification<'_>)) -> T {
    notified(OPEN, act, |listener| {
        serve_all(listener, |notification| {
            if path(&notification) == MARKER.as_bytes() {
                answer(notification);
            } else {
                notification.resume().unwrap();
            }
        });
    })
}

/// Whether the kernel closes this descriptor on exec.
fn closes_on_exec(file: &File) -> bool {
    let info = read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd())).unwrap();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap();
    i32::from_str_radix(flags.trim(), 8).unwrap() & libc::O_CLOEXEC != 0
}

#[test]
fn the_target_gets_the_file_with_the_flag_that_was_given() {
    isolated(the_target_gets_the_file_with_the_flag_that_was_given, || {
        if !features().notification {
            return skip("notification");
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("real"), "injected").unwrap();
        let real = File::open(folder.path().join("real")).unwrap();
        for flags in [InjectFlags::CLOEXEC, InjectFlags::empty()] {
            let act = || {
                let mut file = File::from(raw::open(MARKER, libc::O_RDONLY));
                let mut text = String::new();
                file.read_to_string(&mut text).unwrap();
                (text, closes_on_exec(&file))
            };
            let seen = marked(act, |notification| {
                assert_eq!(notification.inject(real.as_fd(), flags).unwrap(), Answer::Delivered);
            });
            assert_eq!(seen, ("injected".to_owned(), flags.contains(InjectFlags::CLOEXEC)));
            io::Seek::rewind(&mut &real).unwrap();
        }
    });
}

#[test]
fn the_flag_the_target_asked_for_is_mirrored() {
    isolated(the_flag_the_target_asked_for_is_mirrored, || {
        if !features().notification {
            return skip("notification");
        }
        let real = File::open("/dev/null").unwrap();
        let act = || closes_on_exec(&File::open(MARKER).unwrap());
        let mirrored = marked(act, |notification| {
            // std opens with openat, or with open on some C libraries: the flags follow the path.
            let arguments = notification.call().arguments;
            let openat = notification.call().syscall().name(nono_seccomp::Arch::NATIVE.unwrap()) == Some("openat");
            let flags = InjectFlags::mirroring(arguments[if openat { 2 } else { 1 }]);
            notification.inject(real.as_fd(), flags).unwrap();
        });
        assert!(mirrored, "std opens everything to be closed on exec");
    });
}

#[test]
fn a_path_descriptor_cannot_be_injected() {
    isolated(a_path_descriptor_cannot_be_injected, || {
        if !features().notification {
            return skip("notification");
        }
        let handle = raw::open("/dev/null", libc::O_PATH);
        let act = || File::open(MARKER).unwrap_err().raw_os_error();
        let errno = marked(act, |notification| {
            let answer = notification.inject(handle.as_fd(), InjectFlags::CLOEXEC);
            assert!(matches!(answer, Err(ListenError::NotInjectable { .. })), "{answer:?}");
        });
        assert_eq!(errno, Some(libc::EPERM));
    });
}

#[test]
fn a_full_table_is_an_answer() {
    isolated(a_full_table_is_an_answer, || {
        if !features().notification {
            return skip("notification");
        }
        let real = File::open("/dev/null").unwrap();
        raw::limit_descriptors(40);
        let act = || {
            let filled: Vec<File> = std::iter::from_fn(|| real.try_clone().ok()).collect();
            let errno = File::open(MARKER).unwrap_err().raw_os_error();
            drop(filled);
            errno
        };
        let errno = marked(act, |notification| {
            assert_eq!(notification.inject(real.as_fd(), InjectFlags::CLOEXEC).unwrap(), Answer::TableFull);
        });
        assert_eq!(errno, Some(libc::EMFILE));
    });
}
