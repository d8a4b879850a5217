//! Do the tools of a developer work under the filter: debuggers, archives, copies of attributes, clients and servers?
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]
#![expect(clippy::unwrap_used, reason = "tests")]

use nono_tests::jail::{Jail, Ran, User};
use nono_tests::need::{self, Need};
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};
use std::time::Duration;

/// `nono run -q --allow-cwd FLAGS -- bash -euc SCRIPT`.
fn script(jail: &Jail, flags: &[&str], script: &str) -> Ran {
    jail.args(["run", "-q", "--allow-cwd"].iter().chain(flags)).cmd(["--", "bash", "-euc", script]).run()
}

#[test]
fn git_repositories() {
    nono_tests::need!(Need::Landlock(1), Need::Program("git"), Need::Program("bash"));
    for user in User::all() {
        let jail = Jail::of(user);
        let ran = script(
            &jail,
            &[],
            "git init -q one; cd one; for n in 1 2 3; do echo $n > file; git add file; git commit -qm \"commit $n\"; done; \
             cd ..; git clone -q one two; git clone -q --no-local one three; cd two; git checkout -qb side; \
             git rebase -q HEAD~2; git stash list; git gc -q; git fsck --strict; git worktree add -q ../four HEAD~1; \
             git archive HEAD | tar t; git -C ../three log --format=%s",
        );
        ran.success().stdout_is("file\ncommit 3\ncommit 2\ncommit 1\n");
    }
}

#[test]
fn keys_are_made() {
    nono_tests::need!(Need::Landlock(1), Need::Program("ssh-keygen"), Need::Program("bash"));
    for user in User::all() {
        let jail = Jail::of(user);
        if !jail.program("/bin/sh").cmd(["-c", "ssh-keygen -q -t ed25519 -N '' -f outside"]).run().stderr().is_empty() {
            need::skip("hardened_programs::keys_are_made", "ssh-keygen does not work outside for this user");
            continue;
        }
        let ran = script(&jail, &[], "ssh-keygen -q -t ed25519 -N '' -f key; stat -c %a key; ssh-keygen -lf key.pub");
        ran.success().stderr_is("").stdout_has("600\n").stdout_has("(ED25519)");
    }
}

const ANSWER: &str = "int answer = 42;\nvoid stop(void) { answer++; }\nint main(void) { stop(); return 0; }\n";

#[test]
fn a_debugger_and_a_tracer() {
    nono_tests::need!(Need::Landlock(1), Need::Program("gdb"), Need::Program("strace"), Need::Program("cc"));
    for user in User::all() {
        let jail = Jail::of(user);
        jail.file("work/answer.c", ANSWER);
        let outside = "cc -g -O0 -o answer answer.c && strace -o log true && grep -q execve log";
        if jail.program("/bin/sh").cmd(["-c", outside]).run().captured().status.code() != Some(0) {
            return need::skip("hardened_programs::a_debugger_and_a_tracer", "nothing can be traced outside");
        }
        let ran = script(
            &jail,
            &[],
            "gdb -nx -batch -ex 'break stop' -ex run -ex finish -ex 'print answer' -ex continue ./answer; \
             strace -f -o trace sh -c 'true; (cat file.txt)'; grep -o 'file.txt' trace | head -n 1",
        );
        ran.success().stdout_has("Breakpoint 1, stop ()").stdout_has("$1 = 43").stdout_has("exited normally");
        ran.stdout_has("in the working directory\nfile.txt\n");
        // Addresses stay random: the filter refuses the personality without. Memory is written by ptrace(2): files below
        // /proc are granted for reading only.
        for line in ran.stderr().lines() {
            let random = line.contains("disabling address space randomization: Operation not permitted");
            let memory = line.contains("opening /proc/") && line.contains("/mem file");
            assert!(random || memory, "{line}");
        }
    }
}

#[test]
fn archives_copies_and_moves_keep_attributes() {
    nono_tests::need!(Need::Landlock(1), Need::Full("tar"), Need::Program("install"), Need::Program("bash"));
    for user in User::all() {
        let jail = Jail::of(user);
        let ran = script(
            &jail,
            &[],
            "mkdir -p a/b other; echo x > a/b/file; chmod 4750 a/b/file; touch -d 2001-02-03 a/b/file; ln -s file a/b/link; \
             ln a/b/file a/b/hard; tar cpf a.tar a; mkdir out; tar xpf a.tar -C out; cp -a a copy; cp -p a/b/file plain; \
             mv a/b/hard other/moved; mv a/b other/b; install -m 711 plain installed; install -d -m 700 made; \
             stat -c '%a %y' out/a/b/file copy/b/file plain other/moved other/b/file | cut -c 1-15; \
             stat -c '%h %a' copy/b/hard installed made; readlink copy/b/link out/a/b/link",
        );
        // On one line each: the mode, and the day it was changed; then links and modes.
        let kept = "4750 2001-02-03\n".repeat(5);
        ran.success().stderr_is("").stdout_is(&format!("{kept}2 4750\n1 711\n2 700\nfile\nfile\n"));
    }
}

#[test]
fn extended_attributes_are_left_behind_in_silence() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp, Need::Program("/usr/bin/python3"), Need::Program("bash"));
    for user in User::all() {
        let jail = Jail::of(user);
        let set = "import os; os.setxattr('file.txt', 'user.note', b'kept')";
        let names = "import os; print(os.listxattr('file.txt'), os.listxattr('copy'), os.listxattr('plain'))";
        let outside = format!(
            "/usr/bin/python3 -c \"{set}\" && cp -a file.txt copy && cp -p file.txt plain && /usr/bin/python3 -c \"{names}\""
        );
        let outside = jail.program("/bin/sh").cmd(["-c", &outside]).run();
        if !outside.stdout().contains("['user.note'] ['user.note']") {
            return need::skip("hardened_programs::extended_attributes", "no user attributes on this file system");
        }
        let copy =
            format!("rm -f copy plain; cp -a file.txt copy; cp -p file.txt plain; /usr/bin/python3 -c \"{names}\"");
        script(&jail, &[], &copy).success().stderr_is("").stdout_is("['user.note'] [] []\n");
        // Who asks for them by name is told.
        let ran = script(&jail, &[], "cp --preserve=xattr file.txt asked");
        ran.status(1).stderr_has("Operation not supported");
        script(&jail, &["--accept-gap", "attributes"], &copy).success().stdout_has("['user.note'] ['user.note']");
    }
}

#[test]
fn work_in_parallel() {
    nono_tests::need!(Need::Landlock(1), Need::Program("xargs"), Need::Program("make"), Need::Program("cc"));
    for user in User::all() {
        let jail = Jail::of(user);
        for part in ["a", "b", "c", "d"] {
            jail.file(format!("work/{part}.c"), format!("int {part}(void) {{ return 1; }}\n"));
        }
        jail.file(
            "work/main.c",
            "int a(void), b(void), c(void), d(void);\nint main(void) { return a()+b()+c()+d()-4; }\n",
        );
        let ran = script(
            &jail,
            &[],
            "seq 200000 | sort -R --random-source=/dev/zero | sort -n --parallel=4 -S 1M | tail -n 1; \
             seq 20 | xargs -P 4 -n 1 sh -c 'echo $0' | sort -n | tail -n 1; \
             printf 'main: a.o b.o c.o d.o main.o\\n\\tcc -o $@ $^\\n' > Makefile; make -s -j 4 CC='gcc -flto -O2'; ./main",
        );
        ran.success().stderr_is("").stdout_is("200000\n20\n");
    }
}

#[test]
fn npm_starts() {
    nono_tests::need!(Need::Landlock(1), Need::Program("npm"), Need::Program("bash"));
    for user in User::all() {
        let jail = Jail::of(user);
        let outside = jail.program("/bin/sh").cmd(["-c", "npm --version"]).run();
        if outside.captured().status.code() != Some(0) {
            need::skip("hardened_programs::npm_starts", "npm does not start outside for this user");
            continue;
        }
        script(&jail, &[], "npm --version").success().stderr_is("").stdout_is(&outside.stdout());
    }
}

/// Leads a process group, and ends with the test, whatever happens: nono, and the command that it stands in for.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        drop(self.0.wait());
    }
}

/// Answers one request and ends.
fn answer_once(listener: &TcpListener) {
    let (mut client, _) = listener.accept().unwrap();
    let mut lines = BufReader::new(client.try_clone().unwrap()).lines();
    while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
    client.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\nserved\n").unwrap();
}

#[test]
fn a_client_reaches_the_granted_port_and_no_other() {
    nono_tests::need!(Need::Landlock(4), Need::Program("curl"), Need::Program("bash"));
    for user in User::all() {
        let jail = Jail::of(user);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let fetch = format!("curl -sS --max-time 20 http://127.0.0.1:{port}/");
        for flags in [&[][..], &["--net-block"], &["--allow-connect", "9"]] {
            script(&jail, flags, &fetch).status(7).stdout_is("").stderr_has("curl: (7)");
        }
        // Nobody came, or this would be another's answer.
        let server = std::thread::spawn(move || answer_once(&listener));
        script(&jail, &["--allow-connect", &port], &fetch).success().stderr_is("").stdout_is("served\n");
        server.join().unwrap();
    }
}

#[test]
fn a_server_is_reached_on_the_granted_port() {
    nono_tests::need!(Need::Landlock(4), Need::Program("/usr/bin/python3"));
    for user in User::all() {
        let jail = Jail::of(user);
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port().to_string();
        let command = ["/usr/bin/python3", "-u", "-m", "http.server", "--bind", "127.0.0.1", &free];
        let refused = jail.args(["run", "-q", "--allow-cwd", "--"]).cmd(command).run();
        refused.status(1).stderr_has("Permission denied");
        let refused = jail.args(["run", "-q", "--allow-cwd", "--allow-bind", "9", "--"]).cmd(command).run();
        refused.status(1).stderr_has("Permission denied");
        let run = jail.args(["run", "-q", "--allow-cwd", "--allow-bind", &free, "--"]).cmd(command);
        let mut started = run.command();
        started.stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut server = Server(started.spawn().unwrap());
        let mut line = String::new();
        BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("Serving HTTP"), "{line:?}");
        let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, free.parse().unwrap())).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        client.write_all(b"GET /file.txt HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("200 OK") && answer.ends_with("in the working directory\n"), "{answer}");
    }
}
