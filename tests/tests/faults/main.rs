//! Does anything run unprotected when a call of the set-up fails? Each call that `nono` makes before it executes the command is
//! made to fail, one at a time, with each error it can have: the command must not start, the message must say why, the status
//! is 125, and nothing is left. Where the command starts all the same, it says itself whether every promise holds. Without
//! `nono` it says that none does: so what it says is worth something.
//!
//! Harmless is what nono asks for something that may be missing anyway (configuration, old temporaries, mounts, paths of the
//! system group, errata of Landlock), what only tells it more, and closing.
//!
//! What is supervised has a listener of its own, and a process has no two: those set-ups cannot be watched this way.
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod errnos;

use nono_tests::capture::text;
use nono_tests::jail::{Jail, User};
use nono_tests::need::Need;
use nono_tests::{errno, figures, sample};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

/// How the command is set up: a name, and whether with something denied, for which there is a cover.
const SETUPS: [(&str, bool); 2] = [("plain", false), ("with a cover", true)];

/// What every user can do without a sandbox. Not here: what only root has (capabilities), and what systems withhold (core
/// dumps, namespaces).
const OPEN_OUTSIDE: [&str; 9] = [
    "files",
    "files, for writing",
    "deny",
    "tcp-ports",
    "unix-sockets",
    "signals",
    "no_new_privs",
    "descriptors",
    "environment",
];

/// A command and how it is given.
struct Setup {
    jail: Jail,
    name: &'static str,
    /// `nono` with its flags.
    nono: Vec<PathBuf>,
    /// What it is to run.
    held: Vec<PathBuf>,
    temporary: PathBuf,
    /// What may not be connected to.
    _socket: UnixDatagram,
}

impl Setup {
    fn new(name: &'static str, with_deny: bool) -> Setup {
        let jail = Jail::of(User::Same);
        let temporary = jail.root().join("temporary");
        fs::create_dir(&temporary).unwrap();
        let socket = UnixDatagram::bind(jail.root().join("socket")).unwrap();
        let denied = jail.file("work/denied", "a secret\n");
        let nono = jail.args([""; 0]).command().get_program().to_owned();
        let mut nono: Vec<PathBuf> = vec![nono.into(), "run".into(), "--no-system".into(), "--allow-cwd".into()];
        for path in ["/usr", "/lib", "/lib64", "/etc/ld.so.cache", env!("CARGO_BIN_EXE_held")] {
            if fs::exists(path).unwrap() {
                nono.extend(["--read".into(), path.into()]);
            }
        }
        if with_deny {
            nono.extend(["--deny".into(), denied.clone()]);
        }
        nono.push("--".into());
        let mut held = vec![env!("CARGO_BIN_EXE_held").into(), jail.root().join("secrets/key"), jail.root()];
        held.extend(with_deny.then_some(denied));
        Setup { jail, name, nono, held, temporary, _socket: socket }
    }

    /// Runs the command by the launcher.
    fn run(&self, how: &[String]) -> Output {
        let mut command = self.command();
        command.arg(env!("CARGO_BIN_EXE_fault")).args(how).args(&self.nono).args(&self.held);
        command.output().unwrap()
    }

    /// Runs what is to be held with nothing that holds it.
    fn outside(&self) -> Output {
        let output = self.command().args(&self.held).output().unwrap();
        fs::remove_file(self.jail.root().join("made")).unwrap();
        output
    }

    /// What executes its arguments, with all that is withheld inside: a descriptor, and a variable.
    fn command(&self) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "exec \"$@\" 9<\"$0\""]).arg(self.jail.root().join("secrets/key"));
        command.env_clear().env("HOME", self.jail.home()).env("TMPDIR", &self.temporary).env("PATH", "/usr/bin:/bin");
        command.env("AWS_SECRET_ACCESS_KEY", "secret").current_dir(self.jail.work());
        command
    }

    /// What is in the temporary directory.
    fn left(&self) -> Vec<PathBuf> {
        let list =
            |at: &Path| fs::read_dir(at).into_iter().flatten().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
        list(&self.temporary).iter().flat_map(|at| list(at)).collect()
    }

    fn clear(&self) {
        for old in self.left() {
            fs::remove_dir_all(old).unwrap();
        }
    }

    /// Removes a temporary directory with a name of its own in `/tmp`, which a command got where the usual place failed: no later
    /// start would find it.
    fn clear_unguessable(output: &Output) {
        let said = text(&output.stdout);
        let place = said.lines().find_map(|line| line.strip_prefix("temporary: ")).map(Path::new);
        let Some((place, base)) = place.and_then(|place| Some((place, place.parent()?))) else { return };
        if base.to_str().is_some_and(|base| base.starts_with("/tmp/nono.")) {
            fs::remove_dir(place).unwrap();
            fs::remove_dir(base).unwrap();
        }
    }

    /// The calls, each with how often it was made by then.
    fn calls(&self) -> Vec<(usize, String)> {
        // What the first run makes for all that come is there then.
        drop(self.run(&["list".to_owned()]));
        self.clear();
        let listed = self.run(&["list".to_owned()]);
        assert_eq!(listed.status.code(), Some(0), "{}: {listed:?}", self.name);
        let lines = text(&listed.stderr);
        let of_call = |line: &str| {
            let mut words = line.split(' ');
            Some((words.next()?.parse().ok()?, words.next()?.to_owned()))
        };
        lines.lines().filter_map(of_call).collect()
    }
}

/// What came of the faults.
#[derive(Debug, Default)]
struct Tally {
    /// Calls, and the errors they were made to fail with.
    calls: usize,
    errors: usize,
    injected: u64,
    /// The call of that number was another one.
    moved: u64,
    refused: u64,
    /// The command started, and every promise held.
    harmless: BTreeMap<String, u64>,
    /// The command started without promises that this kernel then seems unable to keep, and `nono` said which.
    told: BTreeMap<String, u64>,
    unprotected: Vec<String>,
    /// The command did not start, but something of it is left.
    leftovers: Vec<String>,
    /// The command did not start, but not as it should.
    unclear: Vec<String>,
}

impl Tally {
    fn judge(&mut self, what: &str, call: (usize, &str), output: &Output, left: &[PathBuf]) {
        let name = call.1;
        let (said, status) = (text(&output.stderr), output.status.code());
        if status == Some(71) {
            self.moved += 1;
            return;
        }
        self.injected += 1;
        let line = || format!("{what}: {status:?} {} {said}", text(&output.stdout));
        match status {
            Some(0) => *self.harmless.entry(name.to_owned()).or_default() += 1,
            Some(90) if is_told(&text(&output.stdout), &said) => *self.told.entry(name.to_owned()).or_default() += 1,
            Some(72) => self.leftovers.push(format!("a process: {}", line())),
            _ if !output.stdout.is_empty() => self.unprotected.push(line()),
            _ if !left.is_empty() => self.leftovers.push(format!("{left:?}: {}", line())),
            _ if is_refusal(call, status, &said) => self.refused += 1,
            _ => self.unclear.push(line()),
        }
    }

    /// What went wrong, line by line.
    fn wrong(&self) -> Vec<String> {
        let lists = [
            ("the command started", &self.unprotected),
            ("not all was cleared away", &self.leftovers),
            ("not said why", &self.unclear),
        ];
        lists.iter().flat_map(|(what, list)| list.iter().map(move |line| format!("{what}: {line}"))).collect()
    }

    fn add(&mut self, other: Tally) {
        self.calls += other.calls;
        self.errors += other.errors;
        self.injected += other.injected;
        self.moved += other.moved;
        self.refused += other.refused;
        self.unprotected.extend(other.unprotected);
        self.leftovers.extend(other.leftovers);
        self.unclear.extend(other.unclear);
        for (all, own) in [(&mut self.harmless, other.harmless), (&mut self.told, other.told)] {
            for (name, count) in own {
                *all.entry(name).or_default() += count;
            }
        }
    }
}

/// Whether `nono` says why nothing ran, with a status of its own.
fn is_refusal((number, name): (usize, &str), status: Option<i32>, said: &str) -> bool {
    match (name, status) {
        // The C library gives up before there is a program: by its own status, or by a signal (128 and its number). And what
        // cannot be written cannot be said.
        ("brk" | "arch_prctl" | "mprotect", Some(127 | 139)) | ("write", Some(125)) => true,
        // So does musl, whose first memory is that of the main thread's variables (src/env/__init_tls.c).
        ("mmap", Some(139)) => cfg!(target_env = "musl") && number == 1,
        // A library takes for granted that the call cannot fail; a panic is a refusal.
        (_, Some(125)) => said.contains("nono: "),
        // What looks the command up, or executes it: as if it were not there, or not executable.
        (_, Some(126 | 127)) => said.contains("nono: \"") || said.contains("nono: cannot execute"),
        _ => false,
    }
}

/// Whether every promise that is open was said to be not enforced: as on a kernel that does not have the call.
fn is_told(open: &str, said: &str) -> bool {
    let list = |text: &str, before: &str, after: char, between: &str| {
        let line = text.lines().find_map(|line| line.split_once(before)).map(|(_, rest)| rest.to_owned());
        let names = line.unwrap_or_default();
        names.split(after).next().unwrap_or_default().split(between).map(str::to_owned).collect::<Vec<_>>()
    };
    let said = list(said, "not enforced here: ", ';', ", ");
    list(open, "open: ", '\n', "; ").iter().all(|name| said.contains(name))
}

fn inject(setup: &Setup) -> Tally {
    let calls = setup.calls();
    let errors = |(number, name): &(usize, String)| {
        let (number, name) = (*number, name.clone());
        errnos::of(&name).iter().map(move |errno| (number, name.clone(), *errno))
    };
    let rows: Vec<(usize, String, Errno)> = calls.iter().flat_map(errors).collect();
    let mut tally = Tally { calls: calls.len(), errors: rows.len(), ..Tally::default() };
    for (number, name, errno) in sample::part("faults", rows) {
        setup.clear();
        let output = setup.run(&[number.to_string(), name.clone(), errno.raw_os_error().to_string()]);
        let what = format!("{}, call {number} {name} {}", setup.name, errno::name(errno));
        tally.judge(&what, (number, &name), &output, &setup.left());
        Setup::clear_unguessable(&output);
    }
    tally
}

#[test]
fn no_fault_of_the_set_up_starts_a_command_unprotected() {
    nono_tests::need!(Need::Landlock(6), Need::Seccomp);
    let tally = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for (name, with_deny) in SETUPS {
            let tally = &tally;
            scope.spawn(move || {
                let own = inject(&Setup::new(name, with_deny));
                assert!(own.calls > 0 && own.refused > 0, "{name}: nothing was injected, or nothing refused: {own:?}");
                tally.lock().unwrap().add(own);
            });
        }
    });
    let tally = tally.into_inner().unwrap();
    println!("harmless: {:?}; told: {:?}; another call: {}", tally.harmless, tally.told, tally.moved);
    let wrong = tally.wrong();
    let [harmless, told] = [&tally.harmless, &tally.told].map(|counts| counts.values().sum::<u64>());
    let figures: [(&dyn Display, _); 6] = [
        (&tally.calls, "calls of the set-up"),
        (&tally.injected, "faults injected"),
        (&tally.refused, "commands not started"),
        (&harmless, "started with every promise kept"),
        (&told, "started with an open promise that is said"),
        (&wrong.len(), "unsafe outcomes"),
    ];
    figures::say("faults", &figures, User::Same);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Else that a promise holds inside would prove nothing.
#[test]
fn without_nono_no_promise_holds() {
    for (name, with_deny) in SETUPS {
        let output = Setup::new(name, with_deny).outside();
        let (status, said) = (output.status.code(), text(&output.stdout));
        let open: Vec<&str> = said.trim_end().strip_prefix("open: ").unwrap_or_default().split("; ").collect();
        assert_eq!(status, Some(90), "{name}: {output:?}");
        for promise in OPEN_OUTSIDE.iter().filter(|one| **one != "deny" || with_deny) {
            assert!(open.contains(promise), "{name}: {promise} is held without nono: {said}");
        }
    }
}
