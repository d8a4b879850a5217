//! Does `nono-linux` do by its public interface what the command does not use: ports, and processes with threads?
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use nono_core::{Accepted, AccessMode, Backend, Builder, CapabilitySet, Guarantee, NetworkMode, Port, Prepared};
use nono_linux::{Abi, ApplyError, CommandExt, Linux, PrepareError};
use nono_tests::child::{self, Child};
use nono_tests::need::{self, Need};
use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;

/// What the attempts need to start, and nothing else.
fn program() -> Builder {
    let paths = ["/usr", "/lib", "/lib64", "/etc/ld.so.cache", env!("CARGO_BIN_EXE_attempt")];
    let there = paths.iter().filter(|path| std::fs::exists(path).unwrap());
    there.fold(CapabilitySet::builder(), |builder, path| builder.allow(path, AccessMode::Read).unwrap())
}

/// Grants a port in one of the ways there are.
type Grant = fn(Builder, u16) -> Builder;

fn port(number: u16) -> Port {
    Port::try_from(number).unwrap()
}

/// A port that nobody listens on now.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// What an attempt says under the capabilities of `builder`, all gaps accepted.
fn said(builder: Builder, attempt: &str, value: &str) -> String {
    let here: Accepted = [Guarantee::AnyHost].into_iter().collect();
    let policy = Linux::probe().prepare(&builder.build().unwrap(), &here).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_attempt"));
    command.args(["run", attempt, "/nowhere", value, "token=token"]).current_dir("/");
    let output = command.sandbox(policy).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn tcp_connects_and_binds_only_on_granted_ports() {
    nono_tests::need!(Need::Landlock(4));
    let servers = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    let [granted, other] = [0, 1].map(|at: usize| servers[at].local_addr().unwrap().port());
    let address = |port: u16| format!("address=127.0.0.1:{port}");
    let [free, taken] = [free_port(), free_port()];
    let modes: [(&str, Grant, bool, bool); 5] = [
        ("connect", |builder, number| builder.allow_tcp_connect(port(number)), true, false),
        ("bind", |builder, number| builder.allow_tcp_bind(port(number)), false, true),
        ("localhost", |builder, number| builder.allow_localhost_port(port(number)), true, true),
        (
            "proxy",
            |builder, number| {
                let proxy = NetworkMode::ProxyOnly { port: port(number), bind_ports: Vec::new() };
                builder.network(proxy)
            },
            true,
            false,
        ),
        ("blocked", |builder, _| builder, false, false),
    ];
    for (mode, grant, connects, binds) in modes {
        let word = |yes: bool| if yes { "done" } else { "errno=EACCES" };
        let connect = |port| said(grant(program(), granted), "tcp-connect", &address(port));
        assert_eq!(connect(granted), word(connects), "{mode}: connect to the granted port");
        assert_eq!(connect(other), word(false), "{mode}: connect to another");
        let bind = |port: u16| said(grant(program(), free), "tcp-bind", &format!("port={port}"));
        assert_eq!(bind(free), word(binds), "{mode}: bind the granted port");
        assert_eq!(bind(taken), word(false), "{mode}: bind another");
    }
    let open = program().network(NetworkMode::AllowAll);
    assert_eq!(said(open, "tcp-connect", &address(other)), "done");
}

#[test]
fn a_port_for_this_machine_alone_is_refused_until_its_gap_is_accepted() {
    nono_tests::need!(Need::Landlock(4));
    let set = program().allow_localhost_port(port(3000)).build().unwrap();
    let prepare = |accepted: &Accepted| Linux::probe().prepare(&set, accepted);
    let Err(PrepareError::Unenforceable { gap }) = prepare(&Accepted::from_iter([Guarantee::TcpPorts])) else {
        panic!("it was prepared")
    };
    assert_eq!(gap.guarantee, Guarantee::AnyHost);
    let policy = prepare(&Accepted::from_iter([Guarantee::AnyHost, Guarantee::TcpPorts])).unwrap();
    assert!(policy.enforcement().gap(Guarantee::AnyHost).is_some(), "accepted is not closed");
}

/// Restricts this process, which has the threads of the test harness. What came of it, and whether files are open still.
fn restrict_with_threads() -> (String, bool) {
    let set = CapabilitySet::builder().build().unwrap();
    let policy = Linux::probe().prepare(&set, &Accepted::default()).unwrap();
    let readable = || std::fs::read("/etc/passwd").is_ok();
    // It is there before, so that it could be left out.
    let (ask, asked) = std::sync::mpsc::channel();
    let other = std::thread::spawn(move || asked.recv().is_ok() && readable());
    let told = match policy.apply() {
        Ok(()) => "applied",
        Err(ApplyError::Threads { threads, .. }) if threads > 1 => "threads",
        Err(ApplyError::PrivilegedThreads { threads }) if threads > 1 => "privileged threads",
        Err(error) => panic!("{error}"),
    };
    ask.send(()).unwrap();
    (told.to_owned(), other.join().unwrap() || readable())
}

/// What a user without privileges is told: from ABI 8 on Landlock restricts all threads.
fn for_a_user() -> (String, bool) {
    let all = Linux::probe().kernel().abi >= Abi(8);
    if all { ("applied".to_owned(), false) } else { ("threads".to_owned(), true) }
}

#[test]
fn a_process_with_threads_is_restricted_in_all_of_them_or_not_at_all() {
    nono_tests::need!(Need::Landlock(1));
    let expected = if need::is_root() { ("privileged threads".to_owned(), true) } else { for_a_user() };
    assert_eq!(child::run(restrict_with_threads), expected);
}

#[test]
fn a_process_of_nobody_with_threads_likewise() {
    nono_tests::need!(Need::Landlock(1), Need::Root);
    assert_eq!(Child::default().as_nobody().run(restrict_with_threads), for_a_user());
}
