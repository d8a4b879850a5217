//! The way from a policy to a command, through a helper: this test program, executed again. Applying is left out where
//! there is no Seatbelt; that without it nothing is started is a test of its own.
//!
//! No harness of tests: it would read the arguments that are meant for the helper.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the harness of its own tests")]
#![expect(clippy::unwrap_used, reason = "tests")]

use nono_core::{Accepted, Backend, CapabilitySet};
use nono_macos::{Handover, Policy, Seatbelt, sandboxed};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::process::{Command, ExitCode, Output};

/// Set for a helper that is to apply nothing, and to say which profile it was given.
const PRETEND: &str = "NONO_TEST_PRETEND";

fn main() -> ExitCode {
    match Handover::read(std::env::args_os().skip(1)) {
        Ok(Some(handover)) => return helper(handover),
        Ok(None) => {}
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(126);
        }
    }
    let tests: [(&str, fn()); 4] = [
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

fn run(command: &Command, pretend: bool) -> Output {
    let mut command = sandboxed(command, &policy(), &std::env::current_exe().unwrap());
    if pretend {
        command.env(PRETEND, "1");
    }
    command.output().unwrap()
}

fn a_command_is_started_as_it_was_written() {
    let hostile = OsString::from_vec(b"\"))(allow default)\\\n\xff $(id)".to_vec());
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "printf '%s|' \"$@\" \"$VALUE\"; pwd -P; exit 7", "-x"]).args([&hostile, &OsString::new()]);
    command.env("VALUE", "v w").current_dir("/");
    let output = run(&command, true);
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    assert_eq!(output.stdout, b"\"))(allow default)\\\n\xff $(id)||v w|/\n", "{output:?}");
}

fn the_helper_is_given_the_profile_of_the_policy() {
    let output = run(&Command::new("/bin/true"), true);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stderr, format!("{}\n", policy().profile()).into_bytes());
}

fn without_seatbelt_nothing_is_started() {
    if cfg!(target_os = "macos") {
        return;
    }
    let output = run(Command::new("/bin/echo").arg("started"), false);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(126), &b""[..]));
    assert_eq!(output.stderr, b"this system is not macOS, and Seatbelt exists there only\n");
}

fn a_message_of_another_version_starts_nothing() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args(["nono-seatbelt-exec", "0", "(version 1)", "/bin/echo", "started"]).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(126), &b""[..]));
}
