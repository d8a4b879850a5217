//! The structures and numbers of this crate, against the kernel's headers on this machine.
//!
//! A small C program is compiled that prints them. Without `cc`, or for a constant that the headers are too old for,
//! a skip is printed.
#![cfg(test)]

use nono_seccomp::{Action, Arch, InstallFlags, Syscall};
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// A preprocessor constant or `sizeof`/`offsetof` expression, and what we take it for.
type Row = (String, u64);

fn constants() -> Vec<Row> {
    let flag = |flag: InstallFlags| u64::from(flag.bits());
    let action = |action: Action| u64::from(action.to_return());
    [
        ("SECCOMP_SET_MODE_FILTER", 1),
        ("SECCOMP_GET_ACTION_AVAIL", 2),
        ("SECCOMP_GET_NOTIF_SIZES", 3),
        ("SECCOMP_FILTER_FLAG_TSYNC", flag(InstallFlags::TSYNC)),
        ("SECCOMP_FILTER_FLAG_LOG", flag(InstallFlags::LOG)),
        ("SECCOMP_FILTER_FLAG_SPEC_ALLOW", flag(InstallFlags::SPEC_ALLOW)),
        ("SECCOMP_FILTER_FLAG_NEW_LISTENER", 8),
        ("SECCOMP_FILTER_FLAG_TSYNC_ESRCH", flag(InstallFlags::TSYNC_ESRCH)),
        ("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", flag(InstallFlags::WAIT_KILLABLE_RECV)),
        ("SECCOMP_RET_KILL_PROCESS", action(Action::KillProcess)),
        ("SECCOMP_RET_KILL_THREAD", action(Action::KillThread)),
        ("SECCOMP_RET_TRAP", action(Action::Trap)),
        ("SECCOMP_RET_ERRNO", action(Action::Errno(0))),
        ("SECCOMP_RET_USER_NOTIF", action(Action::Notify)),
        ("SECCOMP_RET_TRACE", action(Action::Trace(0))),
        ("SECCOMP_RET_LOG", action(Action::Log)),
        ("SECCOMP_RET_ALLOW", action(Action::Allow)),
        ("SECCOMP_USER_NOTIF_FLAG_CONTINUE", 1),
        ("SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP", 1),
        ("SECCOMP_ADDFD_FLAG_SEND", 2),
        ("SECCOMP_IOCTL_NOTIF_RECV", 0xc050_2100),
        ("SECCOMP_IOCTL_NOTIF_SEND", 0xc018_2101),
        ("SECCOMP_IOCTL_NOTIF_ID_VALID", 0x4008_2102),
        ("SECCOMP_IOCTL_NOTIF_ADDFD", 0x4018_2103),
        ("SECCOMP_IOCTL_NOTIF_SET_FLAGS", 0x4008_2104),
        ("AUDIT_ARCH_X86_64", u64::from(Arch::X86_64.audit())),
        ("AUDIT_ARCH_AARCH64", u64::from(Arch::Aarch64.audit())),
        ("AUDIT_ARCH_RISCV64", u64::from(Arch::Riscv64.audit())),
        ("BPF_MAXINSNS", nono_seccomp::Filter::MAX_LENGTH as u64),
        ("PATH_MAX", nono_seccomp::decode::PATH_MAX as u64),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

/// A structure's name and size, and its fields with their offsets.
type Structure = (&'static str, u64, &'static [(&'static str, u64)]);

fn layouts() -> Vec<Row> {
    let structures: [Structure; 7] = [
        ("seccomp_data", 64, &[("nr", 0), ("arch", 4), ("instruction_pointer", 8), ("args", 16)]),
        ("seccomp_notif", 80, &[("id", 0), ("pid", 8), ("flags", 12), ("data", 16)]),
        ("seccomp_notif_resp", 24, &[("id", 0), ("val", 8), ("error", 16), ("flags", 20)]),
        ("seccomp_notif_addfd", 24, &[("id", 0), ("flags", 8), ("srcfd", 12), ("newfd", 16), ("newfd_flags", 20)]),
        ("seccomp_notif_sizes", 6, &[("seccomp_notif", 0), ("seccomp_notif_resp", 2), ("seccomp_data", 4)]),
        ("sock_filter", 8, &[("code", 0), ("jt", 2), ("jf", 3), ("k", 4)]),
        ("open_how", 24, &[("flags", 0), ("mode", 8), ("resolve", 16)]),
    ];
    let mut rows = Vec::new();
    for (name, size, fields) in structures {
        rows.push((format!("sizeof(struct {name})"), size));
        rows.extend(fields.iter().map(|(field, at)| (format!("offsetof(struct {name}, {field})"), *at)));
    }
    rows
}

fn numbers() -> Vec<Row> {
    let native = Arch::NATIVE.into_iter().flat_map(Syscall::all);
    native.map(|(name, call)| (format!("__NR_{name}"), u64::from(call.number()))).collect()
}

/// A program that prints one line a row: the value, or nothing where the headers lack the constant.
fn source(rows: &[Row]) -> String {
    let mut text = String::from(
        "#include <stdio.h>\n#include <stddef.h>\n#include <limits.h>\n#include <sys/ioctl.h>\n#include <sys/syscall.h>\n\
         #include <linux/types.h>\n#include <linux/audit.h>\n#include <linux/filter.h>\n#include <linux/seccomp.h>\n\
         #include <linux/openat2.h>\nint main(void) {\n",
    );
    for (name, _) in rows {
        let is_expression = name.contains('(');
        let guard = if is_expression { "#if 1".to_owned() } else { format!("#ifdef {name}") };
        writeln!(text, "{guard}\nprintf(\"%llu\", (unsigned long long)({name}));\n#endif\nprintf(\"\\n\");").unwrap();
    }
    text + "return 0; }\n"
}

/// What the headers say of each row; `None` if no program could be built.
fn ask(folder: &Path, rows: &[Row]) -> Option<Vec<Option<u64>>> {
    let (code, program) = (folder.join("probe.c"), folder.join("probe"));
    std::fs::write(&code, source(rows)).unwrap();
    let built = Command::new("cc").arg("-o").args([&program, &code]).output().ok()?;
    assert!(built.status.success(), "{}", String::from_utf8(built.stderr).unwrap());
    let answer = String::from_utf8(Command::new(&program).output().unwrap().stdout).unwrap();
    Some(answer.lines().map(|line| line.parse().ok()).collect())
}

#[test]
fn structures_and_numbers_are_the_headers() {
    let rows = [constants(), layouts(), numbers()].concat();
    let folder = tempfile::tempdir().unwrap();
    let Some(answers) = ask(folder.path(), &rows) else { return println!("skipped: no cc") };
    assert_eq!(answers.len(), rows.len());
    let mut compared = 0;
    for ((name, ours), answer) in rows.iter().zip(answers) {
        match answer {
            Some(theirs) => {
                assert_eq!(*ours, theirs, "{name}");
                compared += 1;
            }
            None => println!("skipped: the headers have no {name}"),
        }
    }
    println!("{compared} of {} rows compared", rows.len());
    assert!(compared > 50, "only {compared} rows compared");
}
