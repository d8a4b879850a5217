//! Kinds of work that people learn profiles of.

use nono_tests::need::Need;

/// One of them.
pub(crate) struct Work {
    pub(crate) name: &'static str,
    pub(crate) needs: &'static [Need],
    /// Below the tree of the test, which holds `home`, `work` and `share`.
    pub(crate) files: &'static [(&'static str, &'static str)],
    /// Run in `work`.
    pub(crate) script: &'static str,
    /// Part of what it says.
    pub(crate) says: &'static str,
}

pub(crate) const WORKS: &[Work] = &[
    Work {
        name: "shell",
        needs: &[],
        files: &[("share/list", "b\na\n"), ("home/.toolrc", "setting\n")],
        script: "cat <<E | sort ../share/list - ~/.toolrc > out\nzz\nE\nmkdir -p d && mv out d/out && cat d/out >&2",
        says: "setting",
    },
    Work {
        name: "make",
        needs: &[Need::Program("make"), Need::Program("cc")],
        files: &[
            ("share/include/name.h", "#define NAME \"made\"\n"),
            ("work/main.c", "#include <stdio.h>\n#include <name.h>\nint main(void) { return puts(NAME) < 0; }\n"),
            (
                "work/configure",
                "echo 'int main(void){return 0;}' > conftest.c && cc conftest.c -o conftest && ./conftest && rm conftest* \
              && printf 'main: main.c\\n\\tcc -I../share/include -o main main.c\\ninstall: main\\n\\tcp main ../share/bin/\\n' > Makefile\n",
            ),
            ("share/bin/.keep", ""),
        ],
        script: "sh ./configure && make -s && make -s install && ../share/bin/main >&2",
        says: "made",
    },
    Work {
        name: "git",
        needs: &[Need::Program("git")],
        files: &[
            ("share/.keep", ""),
            ("home/.gitconfig", "[user]\nname = A\nemail = a@example.org\n[safe]\ndirectory = *\n"),
        ],
        script: "test -d ../share/origin || { git init -q ../share/origin && git -C ../share/origin commit -q --allow-empty -m one; }; \
                 rm -rf clone && git clone -q file://$PWD/../share/origin clone && cd clone && echo x > file && git add file && \
                 git commit -q -m two && git gc -q && git log --oneline >&2",
        says: "two",
    },
    Work {
        name: "tar",
        needs: &[Need::Full("tar"), Need::Program("zip"), Need::Program("unzip")],
        files: &[("share/tree/a", "one\n"), ("share/tree/b/c", "two\n")],
        script: "tar czf all.tgz -C ../share tree && rm -rf tree all.zip && tar xzf all.tgz && zip -qr all.zip tree && \
                 rm -rf un && mkdir un && cd un && unzip -q ../all.zip && cat tree/b/c >&2",
        says: "two",
    },
    Work {
        name: "sqlite",
        needs: &[Need::Program("python3")],
        files: &[("share/db/.keep", "")],
        script: "python3 -c 'import sqlite3, sys; c = sqlite3.connect(\"../share/db/data\"); c.execute(\"create table if not exists t(x)\"); \
                 c.execute(\"insert into t values(7)\"); c.commit(); print(c.execute(\"select x from t\").fetchone(), file=sys.stderr)'",
        says: "7",
    },
    Work {
        name: "sqlite3",
        needs: &[Need::Program("sqlite3")],
        files: &[
            ("share/db/.keep", ""),
            ("share/rows.csv", "7,seven\n8,eight\n"),
            ("home/.sqliterc", ".headers off\n"),
        ],
        script: "sqlite3 ../share/db/data 'pragma journal_mode=wal; create table if not exists t(number, name); delete from t;' && \
                 sqlite3 -csv ../share/db/data '.import ../share/rows.csv t' && \
                 sqlite3 ../share/db/data \"begin; update t set name = name || '!'; commit; vacuum; select name from t;\" >&2 && \
                 sqlite3 ../share/db/data .dump > dump.sql && sqlite3 copy < dump.sql",
        says: "eight!",
    },
    Work {
        name: "tcp",
        needs: &[Need::Landlock(4), Need::Program("python3")],
        files: &[("share/page", "served\n")],
        script: "python3 -c 'import socket, sys\ns = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n\
                 s.bind((\"127.0.0.1\", 47113)); s.listen()\nc = socket.create_connection((\"127.0.0.1\", 47113)); a, _ = s.accept()\n\
                 a.send(open(\"../share/page\", \"rb\").read()); print(c.recv(9), file=sys.stderr)'",
        says: "served",
    },
    Work {
        name: "cargo",
        needs: &[Need::Program("cargo"), Need::Program("cc")],
        files: &[
            ("share/vendor/part/Cargo.toml", "[package]\nname = \"part\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
            ("share/vendor/part/src/lib.rs", "pub fn hello() -> &'static str { \"hello from cargo\" }\n"),
            ("share/vendor/part/.cargo-checksum.json", "{\"files\":{}}\n"),
            (
                "work/.cargo/config.toml",
                "[source.crates-io]\nreplace-with = \"v\"\n[source.v]\ndirectory = \"../share/vendor\"\n",
            ),
            (
                "work/Cargo.toml",
                "[package]\nname = \"small\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\npart = \"0.1\"\n",
            ),
            (
                "work/src/main.rs",
                "fn main() { eprintln!(\"{}\", part::hello()); }\n#[test]\nfn works() { assert!(part::hello().len() > 4); }\n",
            ),
        ],
        script: "cargo build -q --offline && cargo test -q --offline >&2 && target/debug/small",
        says: "hello from cargo",
    },
    Work {
        name: "npm",
        needs: &[Need::Program("node"), Need::Program("npm"), Need::Full("tar")],
        files: &[
            ("share/package/package.json", "{\"name\":\"hello-nono\",\"version\":\"1.0.0\",\"main\":\"run.js\"}"),
            ("share/package/run.js", "exports.hello = 'hello from npm'\n"),
            (
                "work/package.json",
                "{\"name\":\"mine\",\"version\":\"1.0.0\",\"private\":true,\"scripts\":{\"test\":\"node --test test.js\"}}",
            ),
            (
                "work/test.js",
                "const { test } = require('node:test')\nconst assert = require('node:assert')\n\
                 test('says ' + require('hello-nono').hello, () => assert.equal(require('hello-nono').hello, 'hello from npm'))\n",
            ),
        ],
        script: "tar czf hello.tgz -C ../share package && npm install --no-audit --no-fund --offline ./hello.tgz && npm test --silent >&2",
        says: "hello from npm",
    },
    Work {
        name: "pip",
        needs: &[Need::Program("/usr/bin/python3")],
        files: &[("share/wheel.py", include_str!("wheel.py"))],
        script: "/usr/bin/python3 ../share/wheel.py && rm -rf env && /usr/bin/python3 -m venv env && \
                 env/bin/pip install -q --no-index hello_nono-1.0-py3-none-any.whl && env/bin/hello-nono",
        says: "hello from the wheel",
    },
    Work {
        name: "pytest",
        // Of the system: one of the user's own is in a home directory that the test has not.
        needs: &[Need::Program("/usr/bin/pytest")],
        files: &[
            ("share/lib/greeting.py", "def hello():\n    return 'hello from pytest'\n"),
            ("work/pytest.ini", "[pytest]\npythonpath = ../share/lib\n"),
            (
                "work/test_greeting.py",
                "import greeting\n\ndef test_hello(tmp_path, capsys):\n    (tmp_path / 'said').write_text(greeting.hello())\n    \
                 assert (tmp_path / 'said').read_text() == greeting.hello()\n    with capsys.disabled():\n        print(greeting.hello())\n",
            ),
        ],
        script: "/usr/bin/pytest -q >&2",
        says: "hello from pytest",
    },
];
