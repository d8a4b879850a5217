//! Do ordinary programs work under the system group and `--allow-cwd`, and fail without one grant as they would outside?
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]
#![expect(clippy::unwrap_used, reason = "tests")]

use nono_tests::jail::{Jail, Ran, User};
use nono_tests::need::{self, Need};
use std::path::Path;
use std::process::Command;

/// What a program prints, in one line.
fn said(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok().map(|text| text.trim().to_owned())
}

/// `nono run -q FLAGS -- COMMAND`.
#[track_caller]
fn nono(jail: &Jail, flags: &[&str], command: &[&str]) -> Ran {
    jail.args(["run", "-q"].iter().chain(flags).chain(&["--"])).cmd(command).run()
}

/// Runs a script of the shell that must succeed, under the system group and `--allow-cwd`.
#[track_caller]
fn works(jail: &Jail, flags: &[&str], script: &str) -> Ran {
    let flags: Vec<&str> = ["--allow-cwd"].iter().chain(flags).copied().collect();
    let ran = nono(jail, &flags, &["bash", "-euc", script]);
    ran.success();
    ran
}

/// Runs a script that must fail for a missing grant, with the message of the program and nothing of nono's.
#[track_caller]
fn refused(jail: &Jail, flags: &[&str], script: &str) {
    let ran = nono(jail, flags, &["bash", "-euc", script]);
    let said = format!("{}{}", ran.stdout(), ran.stderr());
    assert!(ran.captured().status.code() != Some(0), "{script} succeeded: {said}");
    assert!(said.contains("ermission denied"), "{script}: {said}");
    // The jail's own place is called after us.
    let root = jail.work().parent().and_then(Path::to_str).unwrap().to_owned();
    assert!(!said.replace(&root, "").contains("nono"), "{script}: {said}");
}

#[test]
fn git() {
    nono_tests::need!(Need::Landlock(1), Need::Program("git"), Need::Program("bash"));
    for user in User::all() {
        let jail = Jail::of(user);
        let ran = works(
            &jail,
            &[],
            "git init -q repo && cd repo && echo one > file && git add file && git commit -qm first && \
             git mv file renamed && git commit -qam second && git st && git log --oneline --stat",
        );
        ran.stdout_has("first").stdout_has("second").stderr_is("");
        // Read only: the repository cannot be made.
        refused(&jail, &["--read", "."], "git init -q other");
    }
}

/// Directories that a Python outside of the system group lies in.
fn python_grants(program: &str) -> Vec<String> {
    let script = "import sys,os\nprint(sys.base_prefix); print(os.path.realpath(sys.executable))";
    let found = said(program, &["-c", script]).unwrap_or_default();
    let outside = found.lines().filter(|path| !path.starts_with("/usr"));
    outside.flat_map(|path| ["--read".to_owned(), path.to_owned()]).collect()
}

const STDLIB: &str = "
import json, sqlite3, tempfile, subprocess, zipfile, csv, hashlib, threading, multiprocessing, ssl, ctypes
import asyncio, concurrent.futures, logging, urllib.parse, xml.etree.ElementTree, os, shutil, glob, random
from multiprocessing import Process, Pipe
def child(pipe): pipe.send(os.getpid())
if __name__ == '__main__':
    with tempfile.NamedTemporaryFile() as file: file.write(b'x'); file.flush(); assert os.path.getsize(file.name) == 1
    with tempfile.TemporaryDirectory() as place: shutil.copy(__file__, place); assert glob.glob(place + '/*')
    base = sqlite3.connect('test.db'); base.execute('create table t (a)'); base.execute('insert into t values (1)'); base.commit()
    with zipfile.ZipFile('test.zip', 'w') as archive: archive.writestr('a', 'b')
    assert subprocess.run(['sh', '-c', 'echo hi'], capture_output=True).stdout == b'hi\\n'
    with concurrent.futures.ThreadPoolExecutor(4) as pool: assert sum(pool.map(abs, range(-9, 0))) == 45
    ours, theirs = Pipe(); process = Process(target=child, args=(theirs,)); process.start(); assert ours.recv() != os.getpid(); process.join()
    assert asyncio.run(asyncio.sleep(0, 7)) == 7
    print(hashlib.sha256(json.dumps({'a': 1}).encode()).hexdigest()[:4], 'all good')
";

#[test]
fn python() {
    nono_tests::need!(Need::Landlock(1), Need::Program("/usr/bin/python3"), Need::Program("bash"));
    for user in User::all() {
        let jail = Jail::of(user);
        jail.file("work/script.py", STDLIB);
        let grants = python_grants("/usr/bin/python3");
        let grants: Vec<&str> = grants.iter().map(String::as_str).collect();
        works(&jail, &grants, "/usr/bin/python3 script.py").stdout_has("all good");
        let flags: Vec<&str> = ["--read", "."].iter().chain(&grants).copied().collect();
        refused(&jail, &flags, "/usr/bin/python3 -c 'open(\"new\", \"w\")'");
    }
}

#[test]
fn python_venv() {
    nono_tests::need!(Need::Landlock(1), Need::Program("/usr/bin/python3"), Need::Program("bash"));
    if said("/usr/bin/python3", &["-c", "import ensurepip"]).is_none() {
        return need::skip("programs::python_venv", "this Python cannot make environments with pip");
    }
    for user in User::all() {
        let jail = Jail::of(user);
        works(&jail, &[], "/usr/bin/python3 -m venv env && env/bin/python -m pip --version").stdout_has("pip");
        refused(&jail, &["--read", "."], "/usr/bin/python3 -m venv other");
    }
}

#[test]
fn make_and_cc() {
    nono_tests::need!(Need::Landlock(1), Need::Program("make"), Need::Program("cc"), Need::Program("bash"));
    for user in User::all() {
        let jail = Jail::of(user);
        jail.file("work/hello.c", "#include <stdio.h>\nint main(void) { return puts(\"compiled\") < 0; }\n");
        jail.file("work/Makefile", "hello: hello.o\n\tcc -o $@ $<\nhello.o: hello.c\n\tcc -O2 -g -c -o $@ $<\n");
        works(&jail, &[], "make && ./hello").stdout_has("compiled");
        refused(&jail, &["--read", "."], "rm -f hello.o; make -B");
    }
}

#[test]
fn cargo_build_offline() {
    nono_tests::need!(Need::Landlock(1), Need::Program("cargo"), Need::Program("cc"), Need::Program("bash"));
    let Some(sysroot) = said("rustc", &["--print", "sysroot"]) else {
        return need::skip("programs::cargo_build_offline", "rustc does not say where it is");
    };
    let jail = Jail::new();
    jail.file("work/Cargo.toml", "[package]\nname = \"small\"\nversion = \"0.1.0\"\nedition = \"2021\"\n");
    jail.file("work/src/main.rs", "fn main() { println!(\"built\"); }\n");
    let script = format!("PATH={sysroot}/bin:$PATH CARGO_HOME=$PWD/.cargo-home cargo run --offline");
    works(&jail, &["--read", &sysroot], &script).stdout_has("built");
    refused(&jail, &["--read", ".", "--read", &sysroot], &script.replace("cargo run", "cargo run --target-dir other"));
}

#[test]
fn shell() {
    nono_tests::need!(Need::Landlock(1), Need::Program("bash"));
    for user in User::all() {
        let jail = Jail::of(user);
        let script = "seq 9 | grep -v 5 | sort -rn | head -n 2; cat <(echo from) <(echo pipes) | tee copy; \
                      diff <(echo a) <(echo b) || true; cat <<< here; (sleep 0 & wait); echo x >/dev/null";
        works(&jail, &[], script).stdout_has("9\n8\n").stdout_has("from\npipes\n").stdout_has("here");
        refused(&jail, &["--read", "."], "echo text > file");
        refused(&jail, &["--allow-cwd"], "cat ../secrets/key");
        refused(&jail, &["--allow-cwd"], "ls ~");
    }
}

#[test]
fn tar_find_and_sort() {
    nono_tests::need!(
        Need::Landlock(1),
        Need::Full("tar"),
        Need::Program("find"),
        Need::Full("sort"),
        Need::Program("bash")
    );
    for user in User::all() {
        let jail = Jail::of(user);
        let script = "mkdir -p a/b && seq 30000 > a/b/numbers && tar czf a.tar.gz a && tar xzf a.tar.gz --one-top-level=c && \
                      find . -name numbers | wc -l && sort -S 64k -R c/a/b/numbers | sort -S 64k -n | tail -n 1 && mktemp";
        works(&jail, &[], script).stdout_has("2\n30000\n");
        refused(&jail, &["--read", "."], "tar czf a2.tar.gz a");
        refused(&jail, &["--allow-cwd"], "find ../secrets");
    }
}

#[test]
fn terminal() {
    nono_tests::need!(Need::Landlock(1), Need::Program("script"), Need::Program("less"), Need::Program("bash"));
    let jail = Jail::new();
    works(&jail, &[], "script -qec 'test -t 0 && stty size && echo on a terminal' log").stdout_has("on a terminal");
    works(&jail, &[], "script -qec 'less -FX file.txt' log < /dev/null").stdout_has("in the working directory");
    refused(&jail, &["--allow-cwd"], "script -qec 'less ../secrets/key' log < /dev/null");
    if Path::new("/usr/bin/python3").symlink_metadata().is_ok() {
        let curses = "import curses; curses.wrapper(lambda s: (s.addstr('drawn'), s.refresh()))";
        jail.file("work/draw.py", curses);
        works(&jail, &[], "TERM=xterm script -qec '/usr/bin/python3 draw.py' log").stdout_has("drawn");
    }
}

#[test]
fn node() {
    nono_tests::need!(Need::Landlock(1), Need::Program("node"), Need::Program("bash"));
    let Some(path) = said("node", &["-p", "require('path').dirname(require('path').dirname(process.execPath))"]) else {
        return need::skip("programs::node", "node does not start here");
    };
    let jail = Jail::new();
    let script = "node -e 'require(\"fs\").writeFileSync(\"made\", \"x\"); console.log(\"node works\")'";
    works(&jail, &["--read", &path], script).stdout_has("node works");
    refused(&jail, &["--read", ".", "--read", &path], &script.replace("made", "made2"));
}
