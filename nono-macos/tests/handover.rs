//! The way from a policy to a command, through a helper: this test program, executed again. Applying is left out where
//! there is no Seatbelt; that without it nothing is started is a test of its own.
//!
//! No harness of tests: it would read the arguments that are meant for the helper.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the harness of its own tests")]
#![expect(clippy::unwrap_used, reason = "tests")]

use nono_core::{Accepted, Backend, CapabilitySet, Guarantee};
use nono_macos::{Handover, Policy, Seatbelt, withheld_variables};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Output, Stdio};

/// Set for a helper that is to apply nothing, and to say which profile it was given.
const PRETEND: &str = "NONO_TEST_PRETEND";

/// A variable with something like a credential.
const TOKEN: &str = "NONO_TEST_TOKEN";

/// A shell that is one by whatever name it is called; `/bin/sh` may be a program of many names.
const SHELL: &str = "/bin/bash";

fn main() -> ExitCode {
    match Handover::read(std::env::args_os()) {
        Ok(Some(handover)) => return helper(handover),
        Ok(None) => {}
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(126);
        }
    }
    let tests: [(&str, fn()); 6] = [
        ("descriptors_are_inherited_by_number_only", descriptors_are_inherited_by_number_only),
        ("credentials_are_withheld_unless_they_are_named", credentials_are_withheld_unless_they_are_named),
        ("a_command_is_started_as_it_was_written", a_command_is_started_as_it_was_written),
        ("the_helper_is_given_the_profile_of_the_policy", the_helper_is_given_the_profile_of_the_policy),
        ("without_seatbelt_nothing_is_started", without_seatbelt_nothing_is_started),
        ("a_message_of_another_version_starts_nothing", a_message_of_another_version_starts_nothing),
    ];
    for (name, test) in tests {
        test();
        println!("test {name} ... ok");
    }
    println!("\ntest result: ok. {} passed; 0 failed; 0 ignored; 0 measured; 0 filtered out", tests.len());
    ExitCode::SUCCESS
}

fn helper(handover: Handover) -> ExitCode {
    let error = if std::env::var_os(PRETEND).is_some() {
        handover.exec_after(|profile| {
            eprintln!("{profile}");
            Ok(())
        })
    } else {
        handover.exec()
    };
    eprintln!("{error}");
    ExitCode::from(126)
}

fn policy() -> Policy {
    Seatbelt.prepare(&CapabilitySet::default(), &Accepted::default()).unwrap()
}

fn sandboxed(program: &str, policy: &Policy) -> Command {
    nono_macos::sandboxed(program, policy, &std::env::current_exe().unwrap())
}

fn run(command: &mut Command) -> Output {
    command.env(PRETEND, "1").output().unwrap()
}

fn a_command_is_started_as_it_was_written() {
    let hostile = OsString::from_vec(b"\"))(allow default)\\\n\xff $(id)".to_vec());
    let mut command = sandboxed(SHELL, &policy());
    command.arg0("sh by another name").env("VALUE", "v w").current_dir("/");
    command.args(["-c", "printf '%s|' \"$@\" \"$VALUE\"; pwd -P; exit 7", "-x"]).args([&hostile, &OsString::new()]);
    let output = run(&mut command);
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    assert_eq!(output.stdout, b"\"))(allow default)\\\n\xff $(id)||v w|/\n", "{output:?}");
    // Without -c a shell calls itself by its first argument.
    let mut named = sandboxed(SHELL, &policy());
    named.arg0("sh by another name").stdin(Stdio::null()).args(["-c", "echo \"$0\""]);
    assert_eq!(run(&mut named).stdout, b"sh by another name\n");
}

fn descriptors_are_inherited_by_number_only() {
    // A shell between this process and the helper leaves descriptors open, as a user's may.
    let open = "exec 7>&1 8>&1; exec \"$@\"";
    let shows = "for n in 7 8; do if (: >&$n) 2>/dev/null; then echo $n; fi; done";
    for (policy, expected) in [
        (policy(), ""),
        (policy().pass_descriptors([8]), "8\n"),
        (Seatbelt.prepare(&CapabilitySet::default(), &accepted(Guarantee::Descriptors)).unwrap(), "7\n8\n"),
    ] {
        let inner = sandboxed(SHELL, &policy);
        let mut outer = Command::new("/bin/sh");
        outer.args(["-c", open, "sh"]).arg(inner.get_program()).args(inner.get_args()).args(["-c", shows]);
        let output = run(&mut outer);
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    }
}

fn credentials_are_withheld_unless_they_are_named() {
    let Some(name) = std::env::vars_os().map(|(name, _)| name).find(|name| name == TOKEN) else {
        // The environment is read when a command is made: this test has to be started with the variable.
        let own = Command::new(std::env::current_exe().unwrap()).env(TOKEN, "secret").output().unwrap();
        assert!(own.status.success(), "{own:?}");
        return;
    };
    let shows = ["-c", "echo \"${NONO_TEST_TOKEN-none}\""];
    let mut command = sandboxed(SHELL, &policy());
    assert_eq!(withheld_variables(&command), [name]);
    assert_eq!(run(command.args(shows)).stdout, b"none\n");
    let mut named = sandboxed(SHELL, &policy());
    named.env(TOKEN, "given");
    assert!(withheld_variables(&named).is_empty());
    assert_eq!(run(named.args(shows)).stdout, b"given\n");
    let policy = Seatbelt.prepare(&CapabilitySet::default(), &accepted(Guarantee::Environment)).unwrap();
    assert_eq!(run(sandboxed(SHELL, &policy).args(shows)).stdout, b"secret\n");
}

fn accepted(guarantee: Guarantee) -> Accepted {
    Accepted::from_iter([guarantee])
}

fn the_helper_is_given_the_profile_of_the_policy() {
    let output = run(&mut sandboxed("/bin/true", &policy()));
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stderr, format!("{}\n", policy().profile()).into_bytes());
}

fn without_seatbelt_nothing_is_started() {
    if cfg!(target_os = "macos") {
        return;
    }
    let output = sandboxed("/bin/echo", &policy()).arg("started").output().unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(126), &b""[..]));
    assert_eq!(output.stderr, b"this system is not macOS, and Seatbelt exists there only\n");
}

fn a_message_of_another_version_starts_nothing() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args(["nono-seatbelt-exec", "1", "(version 1)", "/bin/echo", "started"]).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(126), &b""[..]));
}
