//! What the library offers beside the command: shared memory of a program's own, and processes with threads.

use nono_core::{Accepted, AccessMode, Backend, Builder, CapabilitySet, Prepared};
use nono_linux::{ApplyError, CommandExt, Kernel, Linux, Namespaces, NoNamespace, PrepareError};
use nono_tests::child::{Child, is_child};
use nono_tests::need::{self, Need};
use std::process::Command;

fn program() -> Builder {
    let paths = ["/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/proc"];
    let there = paths.iter().filter(|path| std::fs::exists(path).unwrap());
    let builder = there.fold(CapabilitySet::builder(), |all, path| all.allow(path, AccessMode::Read).unwrap());
    builder.allow("/dev/null", AccessMode::ReadWrite).unwrap()
}

/// What a program says that has shared memory of its own; as nobody too, where that is another user.
fn says(name: &str, arguments: &[&str]) -> Vec<String> {
    let run = || {
        let policy = Linux::probe().private_shared_memory();
        let policy = policy.prepare(&program().build().unwrap(), &Accepted::default()).unwrap();
        let mut command = Command::new(name);
        let output = command.args(arguments).current_dir("/").sandbox(policy).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let mut said = vec![Child::default().run(run)];
    // The child of the second call comes here as nobody.
    if need::is_root() && Need::UserNamespaces.is_met() || is_child() {
        said.push(Child::default().as_nobody().run(run));
    }
    said
}

fn has_shared_memory() -> bool {
    std::fs::exists("/dev/shm").unwrap()
}

#[test]
fn shared_memory_is_empty_writable_and_nobody_elses() {
    nono_tests::need!(Need::Landlock(1), Need::UserNamespaces);
    if !has_shared_memory() {
        return need::skip("shared_memory_is_empty_writable_and_nobody_elses", "no /dev/shm");
    }
    let outside = format!("/dev/shm/nono-test-{}", std::process::id());
    std::fs::write(&outside, "outside").unwrap();
    let script = "ls -A /dev/shm; echo mine > /dev/shm/nono-inside && cat /dev/shm/nono-inside; stat -c %a /dev/shm";
    for said in says("/bin/sh", &["-c", script]) {
        assert_eq!(said, "mine\n1777\n");
    }
    std::fs::remove_file(&outside).unwrap();
    assert!(!std::fs::exists("/dev/shm/nono-inside").unwrap());
}

#[test]
fn python_has_locks_and_pools() {
    nono_tests::need!(Need::Landlock(1), Need::UserNamespaces, Need::Program("/usr/bin/python3"));
    let script = "import multiprocessing as m\nl = m.Lock()\nwith l: print('locked')\n\
                  with m.get_context('fork').Pool(2) as p: print(p.map(abs, [-1, -2]))";
    for said in says("/usr/bin/python3", &["-c", script]) {
        assert_eq!(said, "locked\n[1, 2]\n");
    }
}

#[test]
fn without_namespaces_there_is_none_and_that_is_said() {
    nono_tests::need!(Need::Landlock(1));
    let why = NoNamespace::Unshare(libc::ENOSPC);
    let kernel = Kernel { namespaces: Namespaces::Refused(why), ..Kernel::probe() };
    let made = Linux::with_kernel(kernel).private_shared_memory();
    let error = made.prepare(&program().build().unwrap(), &Accepted::default()).unwrap_err();
    assert!(matches!(error, PrepareError::SharedMemory { .. }), "{error}");
    assert!(
        error.to_string().contains("max_user_namespaces") && error.to_string().contains("--allow /dev/shm"),
        "{error}"
    );
}

#[test]
fn a_process_with_threads_does_not_enter_a_namespace_in_part() {
    nono_tests::need!(Need::Landlock(1), Need::UserNamespaces);
    let refused = Child::default().run(|| {
        let set = program().deny("/usr/share").unwrap().build().unwrap();
        let policy = Linux::probe().prepare(&set, &Accepted::default()).unwrap();
        // The test harness has a thread beside this one.
        let _other = std::thread::spawn(std::thread::park);
        matches!(policy.apply(), Err(ApplyError::NamespaceThreads { .. })) && std::fs::read_dir("/usr/share").is_ok()
    });
    assert!(refused);
}
