//! Does docs/first-steps.md say what happens? Its commands are run one after the other, and say what stands below them.
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]
#![expect(clippy::unwrap_used, reason = "tests")]

use nono_tests::jail::{Jail, User};
use nono_tests::need::Need;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../../docs/first-steps.md");

/// The blocks of the page in this language.
fn blocks(language: &str) -> Vec<&'static str> {
    let parts = PAGE.split("\n```").collect::<Vec<_>>();
    parts.iter().filter_map(|part| part.strip_prefix(language)?.strip_prefix('\n')).collect()
}

/// Commands, and what each says.
fn steps() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut all: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in blocks("console").into_iter().flat_map(str::lines) {
        match (line.strip_prefix("$ "), all.last_mut()) {
            (Some(command), _) => all.push((command, Vec::new())),
            (None, Some((_, said))) => said.push(line),
            (None, None) => {}
        }
    }
    all
}

/// A line without what differs: the width of columns, and the quotes of other programs.
fn plain(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ").replace(['‘', '’'], "'")
}

/// Says hello to whoever comes.
fn greeter() -> u16 {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for connection in server.incoming() {
            let mut connection = connection.unwrap();
            let _request = connection.read(&mut [0; 4096]).unwrap();
            connection.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n").unwrap();
        }
    });
    port
}

#[test]
fn the_page_says_what_happens() {
    nono_tests::need!(Need::Landlock(4), Need::Seccomp, Need::Program("curl"), Need::Full("cat"), Need::Full("mkdir"));
    let port = greeter().to_string();
    for user in User::all() {
        let jail = Jail::of(user);
        let home = jail.home().display().to_string();
        let [script] = blocks("sh")[..] else { panic!("one script") };
        let [profile] = blocks("toml")[..] else { panic!("one profile") };
        jail.file("home/.cache/other", "");
        jail.file("home/report/report.sh", script);
        jail.file("home/report/report.toml", profile);
        // Last, because a copy of sh may be beside it.
        let nono = PathBuf::from(jail.args([""; 0]).command().get_program());
        let path = format!("/usr/local/bin:/usr/bin:/bin:{}", nono.parent().unwrap_or(Path::new("/")).display());
        let steps = steps();
        assert!(steps.len() >= 9, "{steps:?}");
        for (command, expected) in steps {
            let line = format!("{{ {}; }} 2>&1", command.replace("8000", &port));
            let ran =
                jail.program("/bin/sh").cmd(["-c", &line]).cwd(jail.home().join("report")).env("PATH", &path).run();
            let left_out = |line: &&str| {
                !line.starts_with("nono: note: not enforced here: ") && !line.starts_with("nono: not shown: ")
            };
            let said = ran.stdout().replace(&home, "/home/you");
            let said: Vec<String> = said.lines().filter(left_out).map(plain).collect();
            let expected: Vec<String> = expected.into_iter().map(plain).collect();
            assert_eq!(said, expected, "{command}");
        }
    }
}
