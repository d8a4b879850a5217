//! Receiving and answering.

use crate::child::{features, is_linux, isolated, skip};
use crate::raw;
use crate::target::{MKDIR, OPEN, filter, notified, path, serve_all};
use nono_seccomp::{Action, Answer, Errno, Listener, Readiness, TargetError};
use std::fs::{File, create_dir};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{ExitStatusExt, parent_id};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// Runs `body` in a child if the kernel has notification.
fn with_notification<T: Copy>(test: T, body: impl FnOnce()) {
    isolated(test, || if features().notification { body() } else { skip("notification") });
}

#[test]
fn each_answer_reaches_the_caller() {
    with_notification(each_answer_reaches_the_caller, || {
        let real = parent_id();
        let mut answers = 0..3;
        let act = || [parent_id(), parent_id(), parent_id()];
        let seen = notified(&["getppid"], act, |listener| {
            let served = serve_all(listener, |notification| {
                assert!(notification.is_pending().unwrap());
                assert!(notification.thread().is_some(), "the caller is in our pid namespace");
                let answer = match answers.next() {
                    Some(0) => notification.resume(),
                    Some(1) => notification.succeed(4242),
                    _ => notification.fail(Errno::EACCES),
                };
                assert_eq!(answer.unwrap(), Answer::Delivered);
            });
            assert_eq!(served, 3);
        });
        assert_eq!(seen, [real, 4242, (-libc::EACCES).cast_unsigned()], "getppid(2) made, replaced, and failed");
    });
}

#[test]
fn a_dropped_notification_fails_the_call() {
    with_notification(a_dropped_notification_fails_the_call, || {
        let folder = tempfile::tempdir().unwrap();
        let act = || create_dir(folder.path().join("new")).unwrap_err().raw_os_error();
        let errno = notified(MKDIR, act, |listener| {
            serve_all(listener, |notification| drop(notification));
        });
        assert_eq!(errno, Some(libc::EPERM));
    });
}

#[test]
fn a_panic_while_judging_fails_the_call() {
    with_notification(a_panic_while_judging_fails_the_call, || {
        let folder = tempfile::tempdir().unwrap();
        let act = || create_dir(folder.path().join("new")).unwrap_err().raw_os_error();
        let errno = notified(MKDIR, act, |listener| {
            serve_all(listener, |notification| {
                let judged = catch_unwind(AssertUnwindSafe(|| {
                    let _held = notification;
                    panic!("on purpose");
                }));
                assert!(judged.is_err());
            });
        });
        assert_eq!(errno, Some(libc::EPERM));
    });
}

#[test]
fn polling_ends_at_its_deadline_and_when_nobody_is_left() {
    with_notification(polling_ends_at_its_deadline_and_when_nobody_is_left, || {
        let (go, wait) = std::sync::mpsc::channel::<()>();
        notified(
            &["getppid"],
            move || wait.recv(),
            |listener| {
                let deadline = Instant::now() + Duration::from_millis(20);
                assert_eq!(listener.poll(Some(deadline)).unwrap(), Readiness::DeadlinePassed);
                assert!(Instant::now() >= deadline);
                assert_eq!(listener.poll(Some(Instant::now())).unwrap(), Readiness::DeadlinePassed, "a deadline now");
                go.send(()).unwrap();
                assert_eq!(listener.poll(None).unwrap(), Readiness::Unused);
                if is_linux(6, 12) {
                    assert!(listener.recv().unwrap().is_none(), "nothing to receive when nobody is left");
                }
            },
        )
        .unwrap();
    });
}

#[test]
fn sync_wake_up_is_set_where_the_kernel_has_it() {
    with_notification(sync_wake_up_is_set_where_the_kernel_has_it, || {
        let act = || (0..10).map(|_| parent_id()).collect::<Vec<_>>();
        let seen = notified(&["getppid"], act, |listener| {
            assert_eq!(listener.set_sync_wake_up(true).unwrap(), is_linux(6, 6));
            let mut next = 0;
            serve_all(listener, |notification| {
                notification.succeed(next).unwrap();
                next += 1;
            });
            assert_eq!(listener.set_sync_wake_up(false).ok(), listener.set_sync_wake_up(true).ok());
        });
        assert_eq!(seen, (0..10).collect::<Vec<u32>>());
    });
}

#[test]
fn the_answer_to_a_killed_target_is_gone() {
    with_notification(the_answer_to_a_killed_target_is_gone, || {
        let marker = b"/nono/no/such/file";
        let act = || Command::new("cat").arg("/nono/no/such/file").status().unwrap();
        let status = notified(OPEN, act, |listener| {
            serve_all(listener, |notification| {
                let address = crate::target::path_address(&notification);
                if path(&notification) != marker {
                    notification.resume().unwrap();
                    return;
                }
                let target = notification.thread().unwrap().to_string();
                assert!(Command::new("kill").args(["-9", &target]).status().unwrap().success());
                let limit = Instant::now() + Duration::from_secs(10);
                while notification.is_pending().unwrap() {
                    assert!(Instant::now() < limit, "a killed process still waits");
                    thread::yield_now();
                }
                let read = notification.target().path(address);
                assert!(matches!(read, Err(TargetError::Gone | TargetError::Unreadable { .. })), "{read:?}");
                assert_eq!(notification.succeed(3).unwrap(), Answer::TargetGone);
            });
        });
        assert_eq!(status.signal(), Some(libc::SIGKILL));
    });
}

#[test]
fn a_closed_listener_fails_calls_with_enosys() {
    with_notification(a_closed_listener_fails_calls_with_enosys, || {
        let folder = tempfile::tempdir().unwrap();
        nono_seccomp::set_no_new_privs().unwrap();
        let listener = filter(MKDIR, Action::Notify).install_with_listener(features().listener_flags()).unwrap();
        drop(listener);
        let error = create_dir(folder.path().join("new")).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOSYS));
    });
}

#[test]
fn a_forked_child_hands_its_listener_over() {
    with_notification(a_forked_child_hands_its_listener_over, || {
        let (here, there) = UnixStream::pair().unwrap();
        let server = thread::spawn(move || {
            let listener = Listener::receive(&here).unwrap();
            let mut seen = Vec::new();
            serve_all(&listener, |notification| {
                seen.push(path(&notification));
                notification.resume().unwrap();
            });
            seen
        });
        let mut command = Command::new("cat");
        command.arg("/dev/null");
        raw::install_before_exec(&mut command, filter(OPEN, Action::Notify), features().listener_flags(), there);
        let status = command.status().unwrap();
        drop(command);
        assert!(status.success(), "{status}");
        let seen = server.join().unwrap();
        assert!(seen.contains(&b"/dev/null".to_vec()), "{seen:?}");
        assert!(File::open("/dev/null").is_ok(), "this process has no filter");
    });
}
