//! Does a lookup of a name that needs DNS fail at once where there is none, while names of this machine are found?
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]

use nono_linux::Linux;
use nono_tests::jail::{Jail, Ran, User};
use nono_tests::need::{self, Need};
use std::time::{Duration, Instant};

const PYTHON: &str = "/usr/bin/python3";

/// The resolver waits 5 seconds for each of two answers that do not come (resolv.conf(5)): this is less than one.
const AT_ONCE: Duration = Duration::from_millis(4500);

const LOOK_UP: &str = "
import socket, sys
try: print('found', socket.getaddrinfo(sys.argv[1], 80, type=socket.SOCK_STREAM)[0][4][0])
except socket.gaierror as error: print('no address', error.errno)
";

/// What is asked for, by `nono` with these words; none for asking outside. And how long it took.
fn look_up(jail: &Jail, words: Option<&[&str]>, name: &str) -> (Ran, Duration) {
    let run = match words {
        Some(words) => jail.args(["run", "-q", "--allow-cwd"]).cmd(words).cmd(["--", PYTHON]),
        None => jail.program("/usr/bin/env").cmd(["RES_OPTIONS=use-vc", PYTHON]),
    };
    let started = Instant::now();
    let ran = run.cmd(["-c", LOOK_UP, name]).run();
    (ran, started.elapsed())
}

/// All ways to have no network, or a part of it.
const MODES: [&[&str]; 6] = [
    &[],
    &["--net-block"],
    &["--allow-connect", "443"],
    &["--allow-bind", "8080"],
    &["--allow-port", "8080", "--accept-gap", "any-host"],
    &["--proxy-port", "8080", "--accept-gap", "any-host"],
];

const DNS: &[&str] = &["--allow-dns"];

#[test]
fn without_dns_a_lookup_fails_at_once() {
    nono_tests::need!(Need::Landlock(4), Need::Seccomp, Need::Program(PYTHON));
    for user in User::all() {
        let jail = Jail::of(user);
        for mode in MODES {
            let (ran, took) = look_up(&jail, Some(mode), "example.invalid");
            ran.success().stderr_is("").stdout_has("no address -");
            assert!(took < AT_ONCE, "{mode:?}: {took:?}");
        }
    }
}

#[test]
fn with_dns_a_lookup_takes_no_longer_than_outside() {
    nono_tests::need!(Need::Landlock(4), Need::Seccomp, Need::Program(PYTHON));
    for user in User::all() {
        let jail = Jail::of(user);
        let (outside, took) = look_up(&jail, None, "example.invalid");
        if took > AT_ONCE {
            return need::skip("lookups::with_dns", "name servers do not answer TCP here");
        }
        outside.success().stdout_has("no address -");
        let (ran, took) = look_up(&jail, Some(DNS), "example.invalid");
        ran.success().stderr_is("").stdout_has("no address -");
        assert!(took < AT_ONCE, "{took:?}");
    }
}

#[test]
fn names_in_the_hosts_file_are_found_in_every_mode() {
    nono_tests::need!(Need::Landlock(4), Need::Program(PYTHON));
    for user in User::all() {
        let jail = Jail::of(user);
        if !look_up(&jail, None, "localhost").0.stdout().starts_with("found ") {
            return need::skip("lookups::names_in_the_hosts_file", "localhost has no address outside");
        }
        for mode in MODES.into_iter().chain([DNS, &["--net"]]) {
            let (ran, took) = look_up(&jail, Some(mode), "localhost");
            let said = ran.success().stderr_is("").stdout();
            assert!(matches!(said.as_str(), "found 127.0.0.1\n" | "found ::1\n"), "{mode:?}: {said}");
            assert!(took < AT_ONCE, "{mode:?}: {took:?}");
        }
    }
}

#[test]
fn lookups_are_by_tcp_where_udp_cannot_be_granted_and_it_is_said() {
    nono_tests::need!(Need::Landlock(4), Need::Seccomp);
    for user in User::all() {
        let jail = Jail::of(user);
        let options = |flags: &[&str], own: Option<&str>| {
            let run = jail.args(["run"]).cmd(flags).cmd(["--", "sh", "-c", "echo ${RES_OPTIONS-unset}"]);
            own.into_iter().fold(run, |run, own| run.env("RES_OPTIONS", own)).run()
        };
        let note =
            "nono: note: names are looked up by TCP (RES_OPTIONS=use-vc), which programs in Go or with musl cannot";
        let said = options(DNS, None);
        if Linux::probe().kernel().has_udp_by_port() {
            said.success().stdout_is("unset\n");
            assert!(!said.stderr().contains("RES_OPTIONS"), "{}", said.stderr());
            continue;
        }
        said.success().stdout_is("use-vc\n");
        assert_eq!(said.stderr().lines().filter(|line| *line == note).count(), 1, "{}", said.stderr());
        options(DNS, Some("timeout:1")).success().stdout_is("use-vc timeout:1\n");
        let debug = options(&["--allow-dns", "--env", "RES_OPTIONS=debug"], Some("timeout:1"));
        debug.success().stdout_is("debug\n");
        // Said only where it is so.
        let silent = options(&[], Some("timeout:1"));
        silent.success().stdout_is("timeout:1\n");
        assert!(!silent.stderr().contains("TCP"), "{}", silent.stderr());
        options(&["-q", "--allow-dns"], None).success().stderr_is("");
    }
}
