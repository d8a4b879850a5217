//! The network flags of the command: what each opens, what stays closed beside it, and which do not go together.
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]
#![expect(clippy::unwrap_used, reason = "tests")]

use nono_linux::{Kernel, Linux};
use nono_tests::jail::{Jail, Ran, Run};
use nono_tests::need::{self, Need};
use rustix::net::{AddressFamily, SocketType};
use serde_json::Value;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixListener;

const PYTHON: &str = "/usr/bin/python3";

/// Begins a script.
const ATTEMPT: &str = "import errno, socket, sys\n\
    def attempt(name, act):\n    \
        try: act(); print(name, 'done')\n    \
        except OSError as error: print(name, errno.errorcode.get(error.errno, error))\n";

/// `nono run -q FLAGS -- python3 -c SCRIPT`.
#[track_caller]
fn python(jail: &Jail, flags: &[&str], script: &str) -> Ran {
    let preamble = format!("{ATTEMPT}{script}");
    jail.args(["run", "-q"]).cmd(flags).cmd(["--", PYTHON, "-c", &preamble]).run()
}

fn server() -> (TcpListener, String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    (listener, port)
}

fn abi() -> u32 {
    Linux::probe().kernel().abi.0
}

/// One line a kind of socket and of act.
fn everything(granted: &str, other: &str, udp: &str) -> String {
    format!(
        "attempt('connect', lambda: socket.create_connection(('127.0.0.1', {granted}), 5))\n\
         attempt('connect-other', lambda: socket.create_connection(('127.0.0.1', {other}), 5))\n\
         attempt('bind', lambda: socket.socket().bind(('127.0.0.1', 0)))\n\
         attempt('listen', lambda: socket.socket().listen())\n\
         attempt('udp', lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {udp})))\n\
         attempt('raw', lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))\n\
         attempt('mptcp', lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262))\n\
         attempt('netlink', lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0))\n\
         attempt('netlink-generic', lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16))\n\
         attempt('vsock', lambda: socket.socket(40, socket.SOCK_STREAM))\n\
         attempt('pair', lambda: socket.socketpair())\n"
    )
}

#[test]
fn each_flag_opens_what_it_says_and_nothing_else() {
    nono_tests::need!(Need::Landlock(4), Need::Seccomp, Need::Program(PYTHON));
    let jail = Jail::new();
    let ((_granted, port), (_other, other)) = (server(), server());
    let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let script = everything(&port, &other, &udp.local_addr().unwrap().port().to_string());
    let no = "EACCES";
    for (flags, expected) in [
        (&[][..], [no, no, no, no, no, no, no, "EAFNOSUPPORT", "EAFNOSUPPORT", "EAFNOSUPPORT", "done"]),
        (&["--net-block"], [no, no, no, no, no, no, no, "EAFNOSUPPORT", "EAFNOSUPPORT", "EAFNOSUPPORT", "done"]),
        (
            &["--allow-connect", &port],
            ["done", no, no, no, no, no, "EPROTONOSUPPORT", "done", "EPROTONOSUPPORT", "EAFNOSUPPORT", "done"],
        ),
        (
            // Without a supervisor a port is the same on every host.
            &["--proxy-port", &port, "--accept-gap", "any-host"],
            ["done", no, no, no, no, no, "EPROTONOSUPPORT", "done", "EPROTONOSUPPORT", "EAFNOSUPPORT", "done"],
        ),
        (
            &["--proxy-port", &port],
            ["done", no, no, no, no, no, "EPROTONOSUPPORT", "done", "EPROTONOSUPPORT", "EAFNOSUPPORT", "done"],
        ),
        (
            &["--allow-bind", &port],
            [no, no, no, no, no, no, "EPROTONOSUPPORT", "done", "EPROTONOSUPPORT", "EAFNOSUPPORT", "done"],
        ),
        (
            // A port that the kernel picks is listened on.
            &["--allow-bind", &port, "--accept-gap", "listen-any-port"],
            [no, no, no, "done", no, no, "EPROTONOSUPPORT", "done", "EPROTONOSUPPORT", "EAFNOSUPPORT", "done"],
        ),
        (
            &["--allow-port", &port],
            ["done", no, no, no, no, no, "EPROTONOSUPPORT", "done", "EPROTONOSUPPORT", "EAFNOSUPPORT", "done"],
        ),
        (
            &["--allow-connect", &port, "--allow-bind", &other],
            ["done", no, no, no, no, no, "EPROTONOSUPPORT", "done", "EPROTONOSUPPORT", "EAFNOSUPPORT", "done"],
        ),
    ] {
        let ran = python(&jail, flags, &script);
        ran.success();
        let said: Vec<String> =
            ran.stdout().lines().map(|line| line.split(' ').nth(1).unwrap_or_default().to_owned()).collect();
        assert_eq!(said, expected, "{flags:?}: {}", ran.stdout());
    }
}

#[test]
fn an_open_network_is_open() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp, Need::Program(PYTHON));
    let jail = Jail::new();
    let ((_granted, port), (_other, other)) = (server(), server());
    let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let ran = python(&jail, &["--net"], &everything(&port, &other, &udp.local_addr().unwrap().port().to_string()));
    ran.success();
    for open in ["connect", "connect-other", "bind", "listen", "udp", "netlink", "pair"] {
        ran.stdout_has(&format!("{open} done\n"));
    }
    ran.stdout_has("raw EACCES").stdout_has("netlink-generic EPROTONOSUPPORT").stdout_has("vsock EAFNOSUPPORT");
    let ran = python(&jail, &["--net", "--accept-gap", "kernel-surface"], &everything(&port, &other, "9"));
    ran.stdout_has("netlink-generic done");
}

#[test]
fn ports_hold_for_both_families() {
    nono_tests::need!(Need::Landlock(4), Need::Program(PYTHON));
    let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) else {
        return need::skip("network::ports_hold_for_both_families", "no IPv6");
    };
    let jail = Jail::new();
    let port = listener.local_addr().unwrap().port().to_string();
    let script = format!("attempt('six', lambda: socket.create_connection(('::1', {port}), 5))");
    python(&jail, &["--allow-connect", &port], &script).stdout_is("six done\n");
    python(&jail, &["--allow-connect", "1"], &script).stdout_is("six EACCES\n");
}

#[test]
fn a_server_inside_is_reached_from_outside() {
    nono_tests::need!(Need::Landlock(4), Need::Program(PYTHON));
    let jail = Jail::new();
    let port = server().1;
    let script = "s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); print('ready', flush=True)\nc, _ = s.accept(); c.sendall(b'hello')";
    let script = format!("import socket, sys\n{script}");
    let mut command = jail.args(["run", "-q", "--allow-bind", &port, "--", PYTHON, "-c", &script, &port]).command();
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut lines, &mut line).unwrap();
    assert_eq!(line, "ready\n");
    let mut greeting = String::new();
    let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, port.parse().unwrap())).unwrap();
    std::io::Read::read_to_string(&mut client, &mut greeting).unwrap();
    assert_eq!(greeting, "hello");
    assert!(child.wait().unwrap().success());
}

#[test]
fn flags_that_contradict_each_other_are_one_line_and_125() {
    let jail = Jail::new();
    for (flags, said) in [
        (&["--net-block", "--allow-connect", "443"][..], "--net-block and --allow-connect contradict each other"),
        (&["--net", "--net-block"], "--net and --net-block contradict each other"),
        (&["--net", "--allow-dns"], "--net and --allow-dns contradict each other"),
        (&["--net", "--allow-port", "80"], "--net and --allow-port contradict each other"),
        (&["--net-block", "--proxy-port", "80"], "--net-block and --proxy-port contradict each other"),
        (&["--allow-port", "80", "--allow-connect", "80"], "port 80 is granted to this machine only and to any host"),
        (&["--allow-connect", "0"], "ports are the numbers 1 to 65535"),
        (&["--allow-bind", "65536"], "ports are the numbers 1 to 65535"),
        (&["--allow-port", "http"], "ports are the numbers 1 to 65535"),
        (&["--proxy-port", "-1"], "--proxy-port"),
        (&["--keep-cap", "ROOT"], "no capability is called \"ROOT\""),
        (&["--pass-fd", "two"], "--pass-fd"),
        // Found out when there is a sandbox to pass it to.
        (
            &["--pass-fd", "4711"],
            if need::landlock_abi() > 0 { "descriptor 4711 cannot be passed" } else { "Landlock" },
        ),
    ] {
        let ran = jail.args(["run"]).cmd(flags).cmd(["--", "touch", "started"]).run();
        ran.status(125).stdout_is("").stderr_has("nono: ").stderr_has(said);
        assert!(!std::fs::exists(jail.work().join("started")).unwrap(), "{flags:?}");
    }
}

#[test]
fn a_unix_socket_is_granted_by_its_path_or_not_at_all() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp, Need::Program(PYTHON));
    let jail = Jail::new();
    let path = jail.work().join("socket");
    let _server = UnixListener::bind(&path).unwrap();
    let script = "attempt('unix', lambda: socket.socket(socket.AF_UNIX).connect('socket'))";
    let granted = python(&jail, &["--allow-unix", "socket"], script);
    if abi() < 9 {
        granted.stdout_is("unix done\n");
        let (_another, another) = (UnixListener::bind(jail.work().join("another")).unwrap(), another(script));
        python(&jail, &["--allow-unix", "socket"], &another).stdout_is("unix EACCES\n");
        python(&jail, &[], script).stdout_is("unix EAFNOSUPPORT\n");
        python(&jail, &["--net"], script).stdout_is("unix done\n");
        let open = python(&jail, &["--allow-unix", "socket", "--accept-gap", "unix-sockets"], script);
        open.stdout_is("unix done\n");
    } else {
        granted.stdout_is("unix done\n");
        python(&jail, &[], script).stdout_is("unix EACCES\n");
        python(&jail, &["--net"], script).stdout_is("unix EACCES\n");
    }
    jail.file("work/file", "");
    let long = format!("{}socket", "./".repeat(60));
    for (path, said) in [
        ("file", "neither a unix socket nor a directory"),
        (long.as_str(), "the address of a unix socket holds 107"),
        ("missing", "does not exist"),
        ("", "an empty path was given"),
    ] {
        jail.args(["run", "--allow-unix", path, "--", "true"]).run().status(125).stdout_is("").stderr_has(said);
    }
}

fn another(script: &str) -> String {
    script.replace("'socket'", "'another'")
}

#[test]
fn a_supervisor_connects_and_listens_for_what_was_granted_alone() {
    nono_tests::need!(Need::Landlock(4), Need::Seccomp, Need::Program(PYTHON));
    let jail = Jail::new();
    let ((_granted, port), (_other, other)) = (server(), server());
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port().to_string();
    let script = format!(
        "import os
def over(address, port, family=socket.AF_INET, blocking=True):
    s = socket.socket(family)
    s.setblocking(blocking)
    return s.connect((address, port)) if blocking else s.connect_ex((address, port))
def listening(port):
    s = socket.socket()
    if port: s.bind(('127.0.0.1', port))
    s.listen()
def no_socket():
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.connect(os.open('/dev/null', 0), bytes([2, 0, 1, 1, 127, 0, 0, 1] + [0] * 8), 16): raise OSError(ctypes.get_errno(), '')
attempt('here', lambda: over('127.0.0.1', {port}))
attempt('mapped', lambda: over('::ffff:127.0.0.1', {port}, socket.AF_INET6))
attempt('anywhere', lambda: over('0.0.0.0', {port}))
attempt('at-once', lambda: over('127.0.0.1', {port}, blocking=False))
attempt('elsewhere', lambda: over('10.255.255.1', {port}))
attempt('elsewhere6', lambda: over('2001:db8::1', {port}, socket.AF_INET6))
attempt('other-port', lambda: over('127.0.0.1', {other}))
attempt('listen', lambda: listening({free}))
attempt('listen-unbound', lambda: listening(0))
attempt('no-socket', no_socket)
"
    );
    let ran = python(&jail, &["--proxy-port", &port, "--allow-bind", &free], &script);
    let expected = "here done\nmapped done\nanywhere done\nat-once done\nelsewhere EACCES\nelsewhere6 EACCES\n\
                    other-port EACCES\nlisten done\nlisten-unbound EACCES\nno-socket ENOTSOCK\n";
    ran.success().stdout_is(expected);
}

#[test]
fn what_is_granted_of_the_network_is_in_the_report() {
    nono_tests::need!(Need::Landlock(4));
    let jail = Jail::new();
    let flags = ["--allow-connect", "443", "--allow-bind", "8080", "--allow-dns"];
    let ran = jail.args(["run", "--dry-run", "--json"]).cmd(flags).cmd(["--", "true"]).run();
    let report: Value = serde_json::from_str(&ran.stdout()).unwrap();
    let network = &report["network"];
    assert_eq!(network["mode"], "blocked");
    assert_eq!(network["tcp_connect"], serde_json::json!([443]));
    assert_eq!(network["tcp_bind"], serde_json::json!([8080]));
    assert_eq!(network["name_lookups"], true);
    let people = jail.args(["run", "--dry-run"]).cmd(flags).cmd(["--", "true"]).run();
    people.success().stdout_has("443").stdout_has("8080").stdout_has("name lookups");
    jail.args(["run", "--dry-run", "--", "true"]).run().success().stdout_has("no network");
    jail.args(["run", "--dry-run", "--net", "--", "true"]).run().success().stdout_has("the whole network");
}

#[test]
fn ports_that_landlock_cannot_keep_are_refused_unless_accepted() {
    // As a kernel before 6.7 would have it.
    let set = nono_core::CapabilitySet::builder().allow_tcp_connect(nono_core::Port::DNS).build().unwrap();
    let planned = Linux::with_kernel(Kernel::with_abi(3)).planned(&set).unwrap();
    let refused: Vec<String> =
        planned.refused(&nono_core::Accepted::default()).map(|gap| gap.remedy.clone().into_owned()).collect();
    assert_eq!(refused, ["Linux 6.7 (Landlock ABI 4); this kernel has ABI 3"]);
}

/// Whether sending may connect a socket (tcp(7), `tcp_fastopen`).
fn sends_to_connect() -> bool {
    let set = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_fastopen").unwrap_or_default();
    set.trim().parse::<u32>().is_ok_and(|set| set & 1 != 0)
}

/// inetd and socket activation start programs with a socket for standard input.
#[test]
fn a_standard_stream_that_is_a_socket_reaches_nobody_and_listens_nowhere() {
    nono_tests::need!(Need::Landlock(4), Need::Seccomp, Need::Program(PYTHON));
    let jail = Jail::new();
    let (server, port) = server();
    let fast_open = 0x2000_0000;
    for (name, act) in [
        ("connect", format!("stream.connect(('127.0.0.1', {port}))")),
        ("fast-open", format!("stream.sendto(b'x', {fast_open}, ('127.0.0.1', {port}))")),
        ("listen", "stream.listen()".to_owned()),
    ] {
        let script = format!("{ATTEMPT}stream = socket.socket(fileno=0)\nattempt('{name}', lambda: {act})\n");
        if name == "fast-open" && !sends_to_connect() {
            println!("SKIPPED fast-open: net.ipv4.tcp_fastopen is off");
            continue;
        }
        let ran = |run: Run<'_>| with_socket(&run.cmd(["-c", &script])).0;
        assert_eq!(ran(jail.program(PYTHON)), format!("{name} done\n"), "outside");
        let inside = ran(jail.args(["run", "-q"]).cmd(["--", PYTHON]));
        let expected = match name {
            "fast-open" => "EPERM",
            "listen" if abi() >= 9 => "done",
            _ => "EACCES",
        };
        assert_eq!(inside, format!("{name} {expected}\n"));
    }
    drop(server);
}

/// Unix sockets listen by the same call: where the program may make some, it is said that such a stream can listen.
#[test]
fn a_standard_stream_that_can_listen_is_a_gap() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp, Need::Program(PYTHON));
    let jail = Jail::new();
    let _server = UnixListener::bind(jail.work().join("socket")).unwrap();
    let script = format!("{ATTEMPT}stream = socket.socket(fileno=0)\nattempt('listen', lambda: stream.listen())\n");
    let run =
        |flags: &[&str]| jail.args(["run", "--no-system", "--read", "/"]).cmd(flags).cmd(["--", PYTHON, "-c", &script]);
    let unix = ["--allow-unix", "socket"];
    let (said, noted) = with_socket(&run(&unix));
    assert_eq!(said, "listen done\n");
    assert!(noted.contains("listen-any-port"), "{noted}");
    let (said, noted) = with_socket(&run(&[]));
    assert_eq!((said == "listen done\n", noted.contains("listen-any-port")), (abi() >= 9, abi() >= 9), "{said}{noted}");
    // Nothing to listen by.
    let noted = run(&unix).run().stderr();
    assert!(!noted.contains("listen-any-port"), "{noted}");
    let report = jail.args(["run", "--dry-run", "--json"]).cmd(unix).cmd(["--", "true"]);
    let report: Value = serde_json::from_str(&with_socket(&report).0).unwrap();
    let gap = report["gaps"].as_array().unwrap().iter().find(|gap| gap["name"] == "listen-any-port").unwrap();
    assert_eq!(gap["risk"], "the program can listen by descriptor 0, which is a TCP socket");
}

/// Output and errors of a command whose standard input is a TCP socket.
fn with_socket(run: &Run<'_>) -> (String, String) {
    let stream = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    let output = run.command().stdin(stream).output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}
