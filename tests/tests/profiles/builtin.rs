//! The built-in profiles: each with the real programs that it is for, doing what people do with them, and what it keeps out.

use crate::{is_there, run};
use nono_tests::jail::{Jail, Run, User};
use nono_tests::need::{self, Need};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{env, fs, thread};

const ALL: [&str; 9] = ["agent", "build", "download", "git", "go", "node", "offline", "python", "rust"];

/// A server on this machine that says hello to whoever connects, until the test ends.
fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let answered = stream
                .read(&mut [0; 1024])
                .and_then(|_| stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n"));
            drop(answered);
        }
    });
    port
}

/// A program of `PATH`, not sandboxed.
fn outside<'a>(jail: &'a Jail, words: &[&str]) -> Run<'a> {
    jail.program("/usr/bin/env").cmd(words)
}

/// A script that must work outside, and fail inside for a missing permission.
#[track_caller]
fn kept_out(jail: &Jail, named: &str, script: &str) {
    jail.program("/bin/sh").cmd(["-c", script]).run().success();
    let ran = run(jail, named, &[], script);
    assert!(ran.captured().status.code() != Some(0), "{named}: {script}");
    let said = ran.stderr();
    // No network: an error of its own kind, whatever the program makes of it.
    assert!(said.contains("ermission denied") || script.contains("curl"), "{named}: {script}: {said}");
}

/// Each works outside, any number of times.
const NOBODYS_BUSINESS: [&str; 12] = [
    "cat ~/.ssh/id_ed25519",
    "cat ~/.npmrc",
    "cat ~/.config/gh/hosts.yml",
    "cat ~/.cargo/credentials.toml",
    "cat ~/notes.txt",
    "ls ~",
    "echo evil >> ~/.bashrc",
    "mkdir -p ~/.local/bin && echo evil > ~/.local/bin/ls && rm -r ~/.local",
    "echo evil > ~/.cargo/bin/tool",
    "cat ../beside/project",
    "echo evil > ../beside/project && echo 'another one' > ../beside/project",
    "mv file.txt ../beside/file.txt && mv ../beside/file.txt .",
];

/// All of that in one sandbox, where each must fail for a missing permission: what it said ends in its number and its status.
fn all_kept_out(jail: &Jail, named: &str) {
    let scripts = NOBODYS_BUSINESS.iter().enumerate();
    let scripts: Vec<String> = scripts.map(|(number, one)| format!("({one}) 2>&1\necho \"=$?\" {number}")).collect();
    let said = run(jail, named, &[], &scripts.join("\n")).success().stdout();
    let mut rest = said.as_str();
    for (number, script) in NOBODYS_BUSINESS.iter().enumerate() {
        let end = format!(" {number}\n");
        let (one, after) = rest.split_once(&end).unwrap_or_default();
        assert!(one.contains("ermission denied") && !one.ends_with("=0"), "{named}: {script}: {said}");
        rest = after;
    }
}

#[test]
fn none_opens_what_is_nobodys_business() {
    nono_tests::need!(Need::Landlock(4), Need::Seccomp);
    for user in User::all() {
        let jail = Jail::of(user);
        jail.file("home/.config/gh/hosts.yml", "oauth_token: secret\n");
        jail.file("home/.cargo/credentials.toml", "token = \"secret\"\n");
        jail.file("home/.cargo/bin/tool", "");
        jail.file("beside/project", "another one");
        for script in NOBODYS_BUSINESS {
            jail.program("/bin/sh").cmd(["-c", script]).run().success();
        }
        for named in ALL {
            run(&jail, named, &[], "echo made > new && cat new file.txt && rm new").success().stdout_has("made");
            all_kept_out(&jail, named);
        }
        // A credential in the environment does not get in either.
        let script = "test -z \"$SOME_API_KEY\"";
        for named in ALL {
            jail.args(["run", "-q", "-p", named, "--", "sh", "-c", script]).env("SOME_API_KEY", "x").run().success();
        }
    }
}

#[test]
fn the_network_is_closed_where_it_is_said_to_be() {
    nono_tests::need!(Need::Landlock(4), Need::Seccomp, Need::Program("curl"));
    let port = server();
    for user in User::all() {
        let jail = Jail::of(user);
        let fetch = format!("curl -sS --max-time 20 http://127.0.0.1:{port}/");
        for named in ALL {
            if named == "download" {
                let script = format!("{fetch} -o got && cat got");
                run(&jail, named, &[], &script).success().stdout_is("hello\n");
            } else {
                kept_out(&jail, named, &fetch);
                // `offline` is overruled by a flag too, but not by another profile.
                let port = port.to_string();
                run(&jail, named, &["--allow-connect", &port], &fetch).success().stdout_is("hello\n");
            }
        }
        run(&jail, "download", &["--net-block"], &fetch).stderr_has("curl");
        run(&jail, "offline", &["-p", "download"], &fetch).status(125).stderr_has("contradicts");
        let dry = jail.args(["run", "-q", "--dry-run", "--json", "-p", "agent", "--", "true"]).run();
        dry.success().stdout_has("\"tcp_connect\":[443]").stdout_has("\"name_lookups\":true");
    }
}

const WHEEL: &str = r#"
import zipfile
info = 'hello_nono-1.0.dist-info/'
files = {
    'hello_nono.py': 'def main():\n    print("hello from the wheel")\n',
    info + 'METADATA': 'Metadata-Version: 2.1\nName: hello-nono\nVersion: 1.0\n',
    info + 'WHEEL': 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    info + 'entry_points.txt': '[console_scripts]\nhello-nono = hello_nono:main\n',
}
files[info + 'RECORD'] = ''.join(name + ',,\n' for name in files) + info + 'RECORD,,\n'
with zipfile.ZipFile('hello_nono-1.0-py3-none-any.whl', 'w') as wheel:
    for name, text in files.items():
        wheel.writestr(name, text)
"#;

#[test]
fn python_makes_an_environment_and_installs_a_wheel() {
    nono_tests::need!(Need::Landlock(1), Need::Program("/usr/bin/python3"));
    let can = Command::new("/usr/bin/python3").args(["-c", "import ensurepip"]).output();
    if !can.is_ok_and(|ran| ran.status.success()) {
        return need::skip("profiles::python", "this Python cannot make environments with pip");
    }
    for user in User::all() {
        let jail = Jail::of(user);
        jail.file("work/wheel.py", WHEEL);
        let script = "/usr/bin/python3 wheel.py && /usr/bin/python3 -m venv env && \
                      env/bin/pip install -q --no-index hello_nono-1.0-py3-none-any.whl && env/bin/hello-nono && \
                      env/bin/pip cache dir";
        let ran = run(&jail, "python", &[], script);
        ran.success().stdout_has("hello from the wheel\n").stdout_has("home/.cache/nono/pip");
        assert!(is_there(&jail, "work/env/bin/hello-nono"));
        // Not where the user's own pip would find it.
        assert!(!is_there(&jail, "home/.cache/pip"));
        kept_out(&jail, "python", "/usr/bin/python3 -c 'open(\"../beside\", \"w\")'");
    }
}

const LOCKS: &str = "import multiprocessing as m\nl = m.Lock()\nwith l: print('locked')\n\
    with m.get_context('fork').Pool(2) as p: print(p.map(abs, [-1, -2]))";

#[test]
fn python_has_locks_and_pools_of_its_own() {
    nono_tests::need!(Need::Landlock(1), Need::UserNamespaces, Need::Program("/usr/bin/python3"));
    if !fs::exists("/dev/shm").unwrap() {
        return need::skip("profiles::python_has_locks", "no /dev/shm");
    }
    for user in User::all() {
        let jail = Jail::of(user);
        let python = |named: &str| jail.args(["run", "-q", "-p", named, "--", "/usr/bin/python3", "-c", LOCKS]).run();
        python("python").success().stdout_is("locked\n[1, 2]\n");
        python("build").stdout_is("").stderr_has("Permission denied");
    }
}

#[test]
fn where_no_namespace_is_permitted_python_works_but_for_shared_memory_and_that_is_said() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    for user in User::all() {
        let jail = Jail::of(user);
        jail.file("home/.cache/x", "");
        let nono = jail.executable(PathBuf::from(env::var_os("NONO_TEST_BIN_DIR").unwrap()).join("nono"));
        // Inside of a sandbox there are none.
        let outer = jail.args(["run", "-q", "--allow", ".", "--allow", "../home/.cache", "--read"]).cmd([&nono]);
        let inner = outer.cmd(["--"]).cmd([&nono]).cmd(["run", "-p", "python", "--", "echo", "runs"]).run();
        inner.success().stdout_is("runs\n").stderr_has("\"built-in:python\" line 30: no /dev/shm of its own");
    }
}

#[test]
fn npm_installs_a_package_and_runs_it() {
    nono_tests::need!(Need::Landlock(1), Need::Program("node"), Need::Program("npm"), Need::Program("tar"));
    for user in User::all() {
        let jail = Jail::of(user);
        jail.file("work/package/package.json", r#"{"name":"hello-nono","version":"1.0.0","bin":{"hello-nono":"run.js"},"scripts":{"postinstall":"node post.js"}}"#);
        jail.file("work/package/run.js", "#!/usr/bin/env node\nconsole.log('hello from the package')\n");
        jail.file("work/package/post.js", "require('fs').writeFileSync('post', 'x')\n");
        jail.file("work/package.json", r#"{"name":"mine","version":"1.0.0","private":true}"#);
        let script = "tar czf hello.tgz package && npm install --no-audit --no-fund ./hello.tgz && npx --no-install hello-nono && \
                      cat node_modules/hello-nono/post";
        let ran = run(&jail, "node", &[], script);
        ran.success().stdout_has("hello from the package\n").stdout_has("x");
        // The cache, which was not there, is one of its own.
        assert!(is_there(&jail, "home/.cache/nono/npm/_cacache") && !is_there(&jail, "home/.npm"));
        // An install script that reaches for more gets nothing.
        jail.file("work/package/post.js", "require('fs').readFileSync(process.env.HOME + '/.npmrc')\n");
        let ran = run(&jail, "node", &[], "tar czf evil.tgz package && npm install --no-audit --no-fund ./evil.tgz");
        ran.stderr_has("EACCES");
        assert!(ran.captured().status.code() != Some(0));
    }
}

/// Where the user who runs the tests has a Rust of their own, if not from the system.
fn rust_homes() -> Vec<(&'static str, PathBuf)> {
    let home = env::home_dir().unwrap_or_default();
    let place = |name, default: &str| (name, env::var_os(name).map_or_else(|| home.join(default), PathBuf::from));
    [place("RUSTUP_HOME", ".rustup"), place("CARGO_HOME", ".cargo")]
        .into_iter()
        .filter(|(_, path)| fs::metadata(path).is_ok_and(|found| found.is_dir()))
        .collect()
}

#[test]
fn cargo_builds_and_tests() {
    nono_tests::need!(Need::Landlock(1), Need::Program("cargo"), Need::Program("cc"));
    let jail = Jail::new();
    let dependency = "[package]\nname = \"part\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";
    jail.file("work/part/Cargo.toml", dependency);
    jail.file("work/part/src/lib.rs", "pub fn hello() -> &'static str { \"hello from cargo\" }\n");
    jail.file("work/Cargo.toml", "[package]\nname = \"small\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\npart = { path = \"part\" }\n");
    jail.file(
        "work/src/main.rs",
        "fn main() { println!(\"{}\", part::hello()); }\n#[test]\nfn works() { assert!(part::hello().len() > 4); }\n",
    );
    let cargo = |script: &str| {
        let nono = jail.args(["run", "-q", "-p", "rust", "--", "sh", "-c", script]);
        rust_homes().into_iter().fold(nono, |run, (name, path)| run.env(name, path)).run()
    };
    cargo("cargo build && cargo run -q && cargo test").success().stdout_has("hello from cargo").stdout_has("1 passed");
    // A build script that reaches for more gets nothing.
    jail.file("work/build.rs", "fn main() { std::fs::read(\"../secrets/key\").unwrap(); }\n");
    let ran = cargo("cargo build");
    ran.stderr_has("PermissionDenied");
    let homes = rust_homes();
    if let Some((_, cargo_home)) = homes.iter().find(|(name, _)| *name == "CARGO_HOME") {
        cargo(&format!("touch {cargo_home:?}/bin/evil")).stderr_has("ermission denied");
    }
}

#[test]
fn go_builds_and_tests() {
    nono_tests::need!(Need::Landlock(1), Need::Program("go"));
    for user in User::all() {
        let jail = Jail::of(user);
        jail.file("work/go.mod", "module example.org/small\n\ngo 1.18\n");
        jail.file("work/main.go", "package main\n\nimport \"fmt\"\n\nfunc hello() string { return \"hello from go\" }\n\nfunc main() { fmt.Println(hello()) }\n");
        jail.file(
            "work/main_test.go",
            "package main\n\nimport \"testing\"\n\nfunc TestHello(t *testing.T) { if hello() == \"\" { t.Fatal() } }\n",
        );
        run(&jail, "go", &[], "go build && ./small && go test ./...")
            .success()
            .stdout_has("hello from go\n")
            .stdout_has("ok");
        assert!(!is_there(&jail, "home/.cache/go-build"));
    }
}

#[test]
fn git_clones_commits_and_cleans_up() {
    nono_tests::need!(Need::Landlock(1), Need::Program("git"));
    for user in User::all() {
        let jail = Jail::of(user);
        let script = "git init -q one && cd one && echo a > a && git add a && git commit -qm first && cd .. && \
                      git clone -q file://$PWD/one two && cd two && echo b >> a && git commit -qam second && \
                      git gc -q && git fsck && git log --format=%s%an && git push -q origin HEAD:refs/heads/other";
        run(&jail, "git", &[], script).success().stdout_has("secondA Tester\nfirstA Tester\n");
        // What lies beside the working directory cannot be cloned from.
        let cloned = outside(&jail, &["git"]).cmd(["clone", "-q", "--bare", "one", "../beside"]).run();
        cloned.success();
        kept_out(
            &jail,
            "git",
            "rm -rf three && git -c safe.directory='*' clone -q file://$PWD/../beside three 2>&1 | grep -v fatal: >&2; test -d three || echo Permission denied >&2; test -d three",
        );
    }
}

/// A server of the test, ended with it.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.kill().and_then(|()| self.0.wait()));
    }
}

/// An agent with one key, and that key as git names it.
fn agent(jail: &Jail, socket: &Path) -> (Server, String) {
    let key = jail.root().join("key");
    let keygen =
        outside(jail, &["ssh-keygen"]).cmd(["-q", "-t", "ed25519", "-N", "", "-C", "the tests", "-f"]).cmd([&key]);
    keygen.run().success();
    let mut command = outside(jail, &["ssh-agent"]).cmd(["-D", "-a"]).cmd([socket]).command();
    let server = Server(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let add = || {
        let added = outside(jail, &["ssh-add", "-q"]).cmd([&key]).env("SSH_AUTH_SOCK", socket).run();
        added.captured().status.success()
    };
    // The agent binds its socket when it is ready.
    assert!(
        (0..2000).any(|_| add() || {
            thread::yield_now();
            false
        }),
        "the agent takes no key"
    );
    let public = fs::read_to_string(key.with_extension("pub")).unwrap();
    fs::remove_file(&key).unwrap();
    (server, format!("key::{}", public.trim()))
}

#[test]
fn git_signs_with_the_agent_and_nothing_else_reaches_it() {
    nono_tests::need!(
        Need::Landlock(1),
        Need::Seccomp,
        Need::Program("git"),
        Need::Program("ssh-agent"),
        Need::Program("ssh-keygen")
    );
    let known = Command::new("git").args(["-c", "gpg.format=ssh", "-c", "user.signingkey=key::x", "version"]).output();
    if !known.is_ok_and(|ran| ran.status.success()) {
        return need::skip("profiles::git_signs", "git knows no signatures of ssh");
    }
    for user in User::all() {
        let jail = Jail::of(user);
        let socket = jail.root().join("agent");
        let (_server, key) = agent(&jail, &socket);
        let nono = |named: &str, script: &str| {
            jail.args(["run", "-q", "-p", named, "--", "sh", "-c", script])
                .env("SSH_AUTH_SOCK", &socket)
                .env("KEY", &key)
                .run()
        };
        let script = "ssh-add -L && git init -q one && cd one && \
                      git -c gpg.format=ssh -c user.signingkey=\"$KEY\" commit -q -S --allow-empty -m signed && \
                      git cat-file commit HEAD";
        nono("git", script).success().stdout_has("the tests").stdout_has("BEGIN SSH SIGNATURE");
        for other in ["build", "agent", "python"] {
            let ran = nono(other, "ssh-add -L");
            assert!(ran.captured().status.code() != Some(0), "{other} reaches the agent");
        }
        // The key itself is nobody's.
        nono("git", "cat ~/.ssh/id_ed25519").stderr_has("ermission denied");
    }
}

#[test]
fn configure_make_and_install() {
    nono_tests::need!(Need::Landlock(1), Need::Program("make"), Need::Program("cc"), Need::Program("install"));
    for user in User::all() {
        let jail = Jail::of(user);
        let configure = "#!/bin/sh\nset -e\nprefix=/usr/local\nfor one; do case $one in --prefix=*) prefix=${one#*=};; esac; done\n\
                         printf '#include <stdio.h>\\nint main(void) { return 0; }\\n' > conftest.c\n\
                         cc -o conftest conftest.c && ./conftest && rm -f conftest conftest.c\n\
                         t=$(mktemp) && echo checked > \"$t\" && rm \"$t\"\n\
                         sed \"s|@prefix@|$prefix|\" Makefile.in > Makefile\n";
        jail.file("work/configure", configure);
        jail.file("work/Makefile.in", "prefix = @prefix@\nhello: hello.c\n\tcc -O2 -o $@ hello.c\ninstall: hello\n\tinstall -d $(prefix)/bin\n\tinstall -m 755 hello $(prefix)/bin/hello\n");
        jail.file("work/hello.c", "#include <stdio.h>\nint main(void) { return puts(\"hello from make\") < 0; }\n");
        jail.file("home/opt/keep", "");
        let build = "sh ./configure --prefix=$HOME/opt && make -s && make -s install";
        let flags = ["--allow", "../home/opt"];
        run(&jail, "build", &flags, &format!("{build} && ~/opt/bin/hello")).success().stdout_has("hello from make\n");
        assert!(is_there(&jail, "home/opt/bin/hello"));
        // Installing is granted by name.
        fs::remove_dir_all(jail.home().join("opt/bin")).unwrap();
        let ran = run(&jail, "build", &[], build);
        assert!(ran.captured().status.code() != Some(0), "{}", ran.stderr());
        assert!(!is_there(&jail, "home/opt/bin"));
    }
}
