//! Do ordinary programs work when their opens are notified, and with files that a rule approves while they run?
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]
#![expect(clippy::unwrap_used, reason = "tests")]

use nono_tests::jail::{Jail, Ran, User};
use nono_tests::need::{self, Need};
use std::process::Command;

/// A jail whose directory `data` holds `files`; rules allow all of it, no grant does.
fn jail(user: User, files: &[(&str, &str)]) -> Jail {
    let jail = Jail::of(user);
    for (name, content) in files {
        jail.file(format!("data/{name}"), content);
    }
    let data = jail.work().parent().unwrap().join("data");
    jail.file("rules.toml", format!("[approve]\nallow = [{data:?}]\n"));
    jail
}

/// Runs a script of the shell under rules, in the granted working directory.
#[track_caller]
fn works(jail: &Jail, flags: &[&str], script: &str) -> Ran {
    let run = jail.args(["run", "-q", "--allow-cwd", "--approve-rules", "../rules.toml"].iter().chain(flags));
    let ran = run.cmd(["--", "bash", "-euc", script]).run();
    ran.success();
    ran
}

#[test]
fn python() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp, Need::Program("/usr/bin/python3"), Need::Program("bash"));
    let program = "
import helper, json, threading, subprocess, os, tempfile
assert helper.VALUE == 7
def read(): assert open('../data/text').read() == 'approved'
threads = [threading.Thread(target=read) for _ in range(16)]
for t in threads: t.start()
for t in threads: t.join()
with open('../data/out.json', 'w') as f: json.dump({'a': 1}, f)
assert json.load(open('../data/out.json')) == {'a': 1}
assert sorted(os.listdir('../data'))[0] == 'helper.py'
assert subprocess.run(['cat', '../data/text'], capture_output=True).stdout == b'approved'
with tempfile.TemporaryFile() as f: f.write(b'x')
try: open('../secrets/key')
except PermissionError: print('kept')
";
    for user in User::all() {
        let jail = jail(user, &[("helper.py", "VALUE = 7\n"), ("text", "approved")]);
        jail.file("work/program.py", program);
        works(&jail, &[], "PYTHONPATH=../data /usr/bin/python3 program.py").stdout_is("kept\n");
    }
}

#[test]
fn git() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp, Need::Program("git"), Need::Program("bash"));
    let jail = jail(User::Same, &[("origin/file", "one\n")]);
    let made = "cd ../data/origin && git init -q && git add . && git -c user.name=a -c user.email=a@b commit -qm first";
    let outside = Command::new("bash").args(["-euc", made]).current_dir(jail.work()).status().unwrap();
    assert!(outside.success());
    let script = "git -c safe.directory=* clone -q ../data/origin copy && cd copy && cat file && echo two >> file && \
                  git -c user.name=a -c user.email=a@b commit -qam second && git log --oneline --stat && git gc -q";
    works(&jail, &[], script).stdout_has("one").stdout_has("second");
}

#[test]
fn compilers() {
    nono_tests::need!(
        Need::Landlock(1),
        Need::Seccomp,
        Need::Program("cc"),
        Need::Program("make"),
        Need::Program("bash")
    );
    let jail = jail(
        User::Same,
        &[
            ("main.c", "#include \"part.h\"\n#include <stdio.h>\nint main(void) { puts(PART); return 0; }\n"),
            ("part.h", "#define PART \"built\"\n"),
        ],
    );
    jail.file("work/Makefile", "program: ../data/main.c\n\tcc -I../data -o $@ $<\n");
    works(&jail, &[], "make -s && ./program").stdout_is("built\n");
}

#[test]
fn cargo() {
    nono_tests::need!(
        Need::Landlock(1),
        Need::Seccomp,
        Need::Program("cargo"),
        Need::Program("cc"),
        Need::Program("bash")
    );
    let jail = jail(
        User::Same,
        &[
            ("crate/Cargo.toml", "[package]\nname = \"small\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n"),
            ("crate/src/main.rs", "fn main() { println!(\"{}\", include_str!(\"text\")) }\n"),
            ("crate/src/text", "compiled"),
        ],
    );
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().unwrap().stdout;
    let sysroot = String::from_utf8(sysroot).unwrap();
    let script = format!(
        "export CARGO_HOME=$PWD/home CARGO_TARGET_DIR=$PWD/target PATH={}/bin:$PATH && \
         cargo build -q --offline --manifest-path ../data/crate/Cargo.toml && target/debug/small",
        sysroot.trim()
    );
    works(&jail, &["--read", sysroot.trim()], &script).stdout_is("compiled\n");
}

#[test]
fn node() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp, Need::Program("node"), Need::Program("bash"));
    let jail =
        jail(User::Same, &[("node_modules/part/index.js", "module.exports = 'required'\n"), ("text", "approved")]);
    let script = "
const fs = require('fs');
console.log(require('../data/node_modules/part'));
Promise.all(Array.from({length: 20}, () => fs.promises.readFile('../data/text', 'utf8')))
  .then(all => { console.log(all.every(text => text === 'approved')); });
";
    jail.file("work/program.js", script);
    works(&jail, &[], "node program.js").stdout_is("required\ntrue\n");
}

/// A C library that opens by open(2).
#[test]
fn a_static_program_of_musl() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp, Need::Program("musl-gcc"), Need::Program("bash"));
    let source = r#"
#include <dirent.h>
#include <stdio.h>
int main(void) {
    char text[16] = "";
    FILE *file = fopen("../data/text", "r"), *made = fopen("../data/made", "w");
    DIR *directory = opendir("../data");
    if (!file || !made || !directory) return perror("data"), 1;
    if (fopen("../secrets/key", "r")) return puts("secret"), 1;
    fgets(text, sizeof text, file);
    fprintf(made, "%s", text);
    fclose(made);
    int names = 0;
    while (readdir(directory)) names++;
    printf("%s %d\n", text, names);
    return 0;
}
"#;
    let jail = jail(User::Same, &[("text", "approved")]);
    jail.file("work/program.c", source);
    let built =
        Command::new("musl-gcc").args(["-static", "-o", "program", "program.c"]).current_dir(jail.work()).status();
    assert!(built.unwrap().success());
    works(&jail, &[], "./program").stdout_is("approved 4\n");
    assert_eq!(std::fs::read_to_string(jail.work().join("../data/made")).unwrap(), "approved");
}

/// As musl's C library opens, which has no use for openat(2); and under a storm of signals, as Go's runtime sends them to its
/// threads.
#[test]
fn a_static_program_with_the_oldest_calls_under_a_storm_of_signals() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp, Need::Program("cc"), Need::Program("bash"));
    let source = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>
static volatile long signals;
static void count(int number) { (void)number; signals++; }
static int opened(const char *path, int flags) {
#ifdef SYS_open
    return syscall(SYS_open, path, flags, 0600);
#else
    return syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
#endif
}
int main(void) {
    struct sigaction action = { .sa_handler = count, .sa_flags = SA_RESTART };
    struct itimerval each = { { 0, 1000 }, { 0, 1000 } };
    long interrupted = 0;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &each, NULL);
    for (int at = 0; at < 5000; at++) {
        int fd = opened("../data/text", O_RDONLY);
        if (fd < 0 && errno == EINTR) { interrupted++; continue; }
        if (fd != 3) return perror("open"), 1;
        close(fd);
    }
    if (opened("../secrets/key", O_RDONLY) >= 0 || (errno != EACCES && errno != EINTR)) return perror("secret"), 1;
    puts(signals > 10 && interrupted == 0 ? "steady" : "disturbed");
    return 0;
}
"#;
    let jail = jail(User::Same, &[("text", "approved")]);
    jail.file("work/program.c", source);
    let built =
        Command::new("cc").args(["-static", "-O1", "-o", "program", "program.c"]).current_dir(jail.work()).status();
    if !built.unwrap().success() {
        need::skip("a_static_program_with_the_oldest_calls_under_a_storm_of_signals", "no static C library");
        return;
    }
    works(&jail, &[], "./program").stdout_is("steady\n");
}
