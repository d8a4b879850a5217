//! What users of sandboxes complain about: the answers of docs/users.md that no other suite shows. Each test is named after
//! the promise.
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]

use nono_tests::jail::{Jail, Ran, User};
use nono_tests::need::Need;

/// `nono run` with these flags, of a script.
fn sh(jail: &Jail, flags: &[&str], script: &str) -> Ran {
    jail.args(["run", "-q"]).cmd(flags).cmd(["--", "sh", "-c", script]).run()
}

#[test]
fn a_pattern_is_an_error_that_says_so() {
    let jail = Jail::new();
    jail.file("work/.env", "a secret\n");
    let flags =
        ["--allow", "--read", "--write", "--allow-file", "--read-file", "--write-file", "--deny", "--allow-unix"];
    for flag in flags {
        for more in [&[][..], &["--allow-missing"]] {
            for pattern in ["*.env", "src/?", "../home/[ab]"] {
                let ran = sh(&jail, &[&["--allow-cwd", flag, pattern], more].concat(), "cat .env");
                ran.status(125)
                    .stdout_is("")
                    .stderr_has(&format!("nono: {flag}: "))
                    .stderr_has("patterns are not expanded");
            }
        }
    }
    for key in ["allow", "read", "deny"] {
        let profile = jail.file("own.toml", format!("[filesystem]\n{key} = [\"$WORKDIR/*.env\"]\n"));
        let ran = sh(&jail, &["-p", profile.to_str().unwrap_or_default()], "cat .env");
        ran.status(125).stdout_is("").stderr_has("line 2").stderr_has("patterns are not expanded");
    }
}

#[test]
fn a_file_that_is_called_like_a_pattern_can_be_granted_and_denied() {
    nono_tests::need!(Need::Landlock(1), Need::UserNamespaces);
    let jail = Jail::new();
    jail.file("home/[a]*", "an odd name\n");
    sh(&jail, &["--read", "../home/[a]*"], "cat '../home/[a]*'").success().stdout_is("an odd name\n");
    sh(&jail, &["--read", "../home"], "cat '../home/[a]*'").success();
    sh(&jail, &["--read", "../home", "--deny", "../home/[a]*"], "cat '../home/[a]*'").status(1);
}

#[test]
fn files_are_renamed_and_linked_within_what_is_granted_as_npm_and_cargo_do() {
    nono_tests::need!(Need::Landlock(2), Need::Program("ln"), Need::Program("mv"));
    for user in User::all() {
        let jail = Jail::of(user);
        for dir in ["one", "two", "three"] {
            jail.file(format!("{dir}/there"), dir);
        }
        // A hard link does not fall back to a copy, as mv does. From one grant to the other, and deeper.
        let script = "mkdir -p ../one/deep ../two/tmp && echo new > ../two/tmp/part && ln ../two/tmp/part ../one/deep/whole \
                      && mv ../two/tmp ../one/deep/tmp && cat ../one/deep/tmp/part ../one/deep/whole";
        let grants = ["--allow", "../one", "--allow", "../two"];
        sh(&jail, &grants, script).success().stdout_is("new\nnew\n");
        // Not out of them, nor into.
        for script in ["ln ../one/there ../three/link", "ln ../three/there ../one/link"] {
            let ran = sh(&jail, &[&grants[..], &["--read", "../three"]].concat(), script);
            ran.status(1).stderr_has("link");
        }
    }
}

#[test]
fn a_denied_directory_is_no_empty_one_to_write_to() {
    nono_tests::need!(Need::Landlock(1), Need::UserNamespaces, Need::Program("mkdir"));
    for user in User::all() {
        let jail = Jail::of(user);
        jail.file("work/private/key", "a secret\n");
        let acts =
            ["echo x > private/new", "mkdir private/new", "echo x > private/key", "rm -r private", "mv private other"];
        for act in acts {
            let ran = sh(&jail, &["--allow-cwd", "--deny", "private"], &format!("{act} || echo refused"));
            ran.success().stdout_is("refused\n");
        }
        let left = std::fs::read_dir(jail.work().join("private")).map(Iterator::count);
        assert_eq!(left.ok(), Some(1));
        let kept = std::fs::read_to_string(jail.work().join("private/key"));
        assert_eq!(kept.ok().as_deref(), Some("a secret\n"));
    }
}

#[test]
fn a_broad_grant_works_and_one_line_says_what_it_lacks() {
    nono_tests::need!(Need::Landlock(1), Need::UserNamespaces);
    for user in User::all() {
        let jail = Jail::of(user);
        let script = "cat ../home/notes.txt; cat ../home/.ssh/id_ed25519 || echo refused";
        let ran = jail.args(["run", "--allow", "../home", "--", "sh", "-c", script]).run();
        ran.success().stdout_is("in the home directory\nrefused\n");
        // Protected names that are not there yet must not be made: a line for it, beside what every start says here.
        let usual = jail.args(["run", "true"]).run().stderr();
        let said = ran.stderr();
        let own: Vec<&str> = said.lines().filter(|line| line.starts_with("nono:") && !usual.contains(line)).collect();
        assert!(matches!(own[..], [line] if line.contains("nothing new can be made directly in")), "{own:?}");
    }
}

#[test]
fn one_more_variable_leaves_the_others() {
    nono_tests::need!(Need::Landlock(1));
    let jail = Jail::new();
    let show = "echo ${HOME:+home} ${USER:+user} $MORE";
    sh(&jail, &["--env", "MORE=1"], show).success().stdout_is("home user 1\n");
    sh(&jail, &["--env-clear", "--env", "MORE=1", "--env", "PATH"], show).success().stdout_is("1\n");
}

#[test]
fn a_client_and_a_server_on_this_machine_by_one_flag() {
    nono_tests::need!(Need::Landlock(4), Need::Seccomp, Need::Program("/usr/bin/python3"));
    let jail = Jail::new();
    let script = "import socket, sys\n\
                  server = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n\
                  client = socket.create_connection(server.getsockname())\n\
                  server.accept()[0].sendall(b'hello')\n\
                  print(client.recv(5).decode())\n\
                  try: socket.create_connection(('192.0.2.1', int(sys.argv[1])), timeout=5)\n\
                  except PermissionError: print('refused')\n";
    jail.file("work/both.py", script);
    // One that is free now; nothing else of the tests listens on a port that was not given to it.
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr());
    let port = port.map(|address| address.port().to_string()).unwrap_or_default();
    let run = |flags: &[&str]| {
        let command = ["--allow-cwd", "--", "/usr/bin/python3", "both.py", &port];
        jail.args(["run", "-q"]).cmd(flags).cmd(command).run()
    };
    run(&["--allow-port", &port]).success().stdout_is("hello\nrefused\n");
    run(&[]).status(1).stdout_is("");
}
