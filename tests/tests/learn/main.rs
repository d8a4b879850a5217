//! `nono learn`: the profile works the first time, grants no more than the work needs, and where a grant is taken away,
//! `nono run --explain` names it.
//!
//! By default one kind of user and at most two grants a kind of work; `NONO_TEST_FULL=1` takes each grant away.
//! `NONO_RENEW_DOCS=1` writes what was measured to `docs/learn.md`.
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "tests")]

mod works;

use nono_tests::figures;
use nono_tests::jail::{Jail, Ran, User};
use nono_tests::need::{self, Need};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::{Table, Value as Toml};
use works::{WORKS, Work};

/// Where the user who runs the tests has a Rust of their own, if not from the system.
fn rust_homes() -> Vec<(&'static str, PathBuf)> {
    let home = env::home_dir().unwrap_or_default();
    let place = |name, default: &str| (name, env::var_os(name).map_or_else(|| home.join(default), PathBuf::from));
    let homes = [place("RUSTUP_HOME", ".rustup"), place("CARGO_HOME", ".cargo")];
    homes.into_iter().filter(|(_, path)| fs::metadata(path).is_ok_and(|found| found.is_dir())).collect()
}

fn jail(work: &Work, user: User) -> Jail {
    let jail = Jail::of(user);
    renew(&jail, work);
    jail.file("home/.secret/token", "planted\n");
    jail
}

/// The files as they were before.
fn renew(jail: &Jail, work: &Work) {
    for directory in ["work", "share"] {
        let _gone = fs::remove_dir_all(jail.root().join(directory));
        jail.file(format!("{directory}/.here"), "");
    }
    for (name, content) in work.files {
        jail.file(name, content);
    }
}

fn nono(jail: &Jail, words: &[&str], command: &[&str]) -> Ran {
    let run = jail.args(words).cmd(["--"]).cmd(command);
    // A virtual environment for Python takes its time on a machine that has other work.
    let run = run.deadline(Duration::from_mins(4));
    rust_homes().into_iter().fold(run, |run, (name, path)| run.env(name, path)).run()
}

/// What is measured of one kind of work.
#[derive(Debug, Default)]
struct Row {
    bytes: usize,
    rules: usize,
    taken: usize,
    named: usize,
    unneeded: usize,
}

/// Learns, runs, and takes grants away.
fn try_out(work: &Work, user: User, most: usize) -> Row {
    let jail = jail(work, user);
    let profile = jail.root().join("learnt.toml");
    let file = profile.to_str().unwrap();
    let script = ["sh", "-c", work.script];
    nono(&jail, &["learn", "-o", file], &script).success().stderr_has(work.says);
    let text = fs::read_to_string(&profile).unwrap();
    renew(&jail, work);
    nono(&jail, &["run", "-q", "-p", file], &script).success().stderr_has(work.says);
    for refused in ["cat ~/.secret/token", "cat ~/.ssh/id_ed25519", "echo x > ../beside", "echo x > ~/beside"] {
        let ran = nono(&jail, &["run", "-q", "-p", file], &["sh", "-c", refused]);
        ran.stdout_is("").stderr_has("ermission denied");
    }
    let whole: Table = text.parse().unwrap();
    let grants = grants(&whole);
    // What the profile leaves to the user is refused with all of it too.
    let always = explain(&jail, work, file).1;
    let always: BTreeSet<&str> = words(&always).into_iter().collect();
    let mut row = Row { bytes: text.len(), rules: grants.len(), ..Row::default() };
    for grant in grants.iter().take(most) {
        fs::write(&profile, as_text(&without(&whole, grant))).unwrap();
        let (ran, explained) = explain(&jail, work, file);
        let words: Vec<&str> = words(&explained).into_iter().filter(|word| !always.contains(word)).collect();
        if ran.captured().status.success() && words.is_empty() {
            row.unneeded += 1;
            continue;
        }
        row.taken += 1;
        if names(&jail, grant, &words) {
            row.named += 1;
        } else {
            println!("{}: {grant:?} was not named: {explained:#}\n{}", work.name, ran.stderr());
        }
    }
    row
}

/// Runs the work with a profile, and what was refused.
fn explain(jail: &Jail, work: &Work, profile: &str) -> (Ran, Value) {
    renew(jail, work);
    let report = jail.root().join("report.json");
    let words = ["run", "-q", "--explain", "--report", report.to_str().unwrap(), "-p", profile];
    let ran = nono(jail, &words, &["sh", "-c", work.script]);
    let report: Value = serde_json::from_str(&fs::read_to_string(report).unwrap()).unwrap();
    (ran, report["explained"].clone())
}

/// The flags that are offered, word by word.
fn words(explained: &Value) -> Vec<&str> {
    explained["flags"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
}

/// A grant of a profile: its table, key, and place in a list.
type Grant = (String, String, Option<usize>, Toml);

fn grants(profile: &Table) -> Vec<Grant> {
    let mut all = Vec::new();
    for (table, keys) in profile.iter().filter(|(table, _)| *table != "meta") {
        for (key, value) in keys.as_table().unwrap() {
            match value {
                Toml::Array(list) => {
                    all.extend(
                        list.iter().enumerate().map(|(at, one)| (table.clone(), key.clone(), Some(at), one.clone())),
                    );
                }
                one => all.push((table.clone(), key.clone(), None, one.clone())),
            }
        }
    }
    all
}

fn without(profile: &Table, (table, key, at, _): &Grant) -> Table {
    let mut profile = profile.clone();
    let keys = profile[table].as_table_mut().unwrap();
    match (at, keys.get_mut(key)) {
        (Some(at), Some(Toml::Array(list))) => drop(list.remove(*at)),
        _ => drop(keys.remove(key)),
    }
    profile
}

/// A profile again. What JSON has for numbers, texts and lists of them, TOML reads too.
fn as_text(profile: &Table) -> String {
    let mut text = String::new();
    for (table, keys) in profile {
        writeln!(text, "[{table}]").unwrap();
        for (key, value) in keys.as_table().unwrap() {
            writeln!(text, "{key} = {}", serde_json::to_string(value).unwrap()).unwrap();
        }
    }
    text
}

/// Whether what is offered is the grant or part of it, and nothing else.
fn names(jail: &Jail, (table, _, _, value): &Grant, words: &[&str]) -> bool {
    if table == "network" && !value.is_str() {
        return words.iter().any(|word| word.starts_with("--net") || word.starts_with("--allow-"));
    }
    let place = match value.as_str() {
        _ if table == "workdir" => jail.work(),
        Some(path) => path
            .strip_prefix('~')
            .map_or_else(|| PathBuf::from(path), |rest| PathBuf::from(format!("{}{rest}", jail.home().display()))),
        None => return false,
    };
    let paths: Vec<&Path> = words.iter().filter(|word| word.starts_with('/')).map(|word| Path::new(*word)).collect();
    !paths.is_empty() && paths.iter().all(|path| path.starts_with(&place))
}

#[test]
fn learnt_profiles_work_the_first_time_and_a_missing_grant_is_named() {
    nono_tests::need!(Need::Landlock(3), Need::Seccomp);
    let full = env::var_os("NONO_TEST_FULL").is_some();
    let most = if full { usize::MAX } else { 2 };
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    for work in WORKS {
        if let Some(missing) = work.needs.iter().find(|need| !need.is_met()) {
            need::skip(&format!("learn::{}", work.name), &missing.to_string());
            continue;
        }
        // A Rust in a private home is nobody else's.
        let users = if full && work.name != "cargo" { User::all() } else { vec![User::Same] };
        for user in users {
            let row = try_out(work, user, most);
            println!("{} {user:?}: {row:?}", work.name);
            rows.insert(work.name, row);
        }
    }
    let sum = |of: fn(&Row) -> usize| rows.values().map(of).sum::<usize>();
    let (works, taken, named) = (rows.len(), sum(|row| row.taken), sum(|row| row.named));
    figures::say(
        "learn",
        &[(&works, "works"), (&taken, "grants taken away and missed"), (&named, "named")],
        User::Same,
    );
    assert!(named * 100 >= taken * 95, "named {named} of {taken}: {rows:#?}");
    if full && env::var_os("NONO_RENEW_DOCS").is_some() {
        let mut table =
            String::from("| work | bytes | grants | needed when taken away | named |\n|---|---|---|---|---|\n");
        for (name, row) in &rows {
            writeln!(table, "| {name} | {} | {} | {} | {} |", row.bytes, row.rules, row.taken, row.named).unwrap();
        }
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/learn.md");
        let text = fs::read_to_string(&docs).unwrap();
        let (before, _) = text.split_once("| work |").unwrap();
        fs::write(docs, format!("{before}{table}")).unwrap();
    }
}

#[test]
fn files_are_not_lost() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let jail = Jail::new();
    jail.file("mine.toml", "# mine\n");
    let learn = |words: &[&str], command: &[&str]| nono(&jail, &[&["learn"], words].concat(), command);
    learn(&["-o", "../mine.toml"], &["true"]).status(125).stderr_has("--merge");
    learn(&["--merge", "-o", "../mine.toml"], &["true"]).status(125).stderr_has("not written by nono learn");
    assert_eq!(fs::read_to_string(jail.root().join("mine.toml")).unwrap(), "# mine\n");
    jail.file("share/one", "1");
    jail.file("share/two", "2");
    learn(&[], &["cat", "../share/one"]).success().stdout_is("1").stderr_has("without restrictions");
    learn(&["--merge"], &["cat", "../share/two"]).success().stderr_has("cat.toml");
    nono(&jail, &["run", "-q", "-p", "cat.toml"], &["cat", "../share/one", "../share/two"]).success().stdout_is("12");
    // By name, for everywhere; its status is the command's.
    learn(&["--name", "mine"], &["sh", "-c", "cat ../share/one; exit 7"]).status(7);
    nono(&jail, &["run", "-q", "-p", "mine"], &["cat", "../share/one"]).success().stdout_is("1");
    let told = learn(&["--diff", "mine"], &["cat", "../share/two"]);
    told.success().stdout_has("needed beyond mine").stdout_has("share/two").stdout_has("granted and not used");
    let told = learn(&["--diff", "mine", "--json"], &["true"]).stdout();
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((told["version"].as_u64(), told["unused"].as_array().map(Vec::len)), (Some(1), Some(1)), "{told:#}");
    learn(&["--nonsense"], &["true"]).status(125);
    learn(&["-o", "../x.toml"], &["no-such-command"]).status(127);
}

#[test]
fn what_cannot_be_written_is_found_before_the_command_runs() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let jail = Jail::new();
    let names = || fs::read_dir(jail.work()).unwrap().map(|one| one.unwrap().file_name()).collect::<BTreeSet<_>>();
    let before = names();
    for (flag, value) in [("-o", ""), ("-o", "missing/p.toml"), ("-o", "/proc/p.toml"), ("-o", ".."), ("-o", "/")] {
        let ran = nono(&jail, &["learn", flag, value], &["sh", "-c", "echo ran"]);
        ran.status(125).stdout_is("");
    }
    for name in ["", "../x", "a b", "a\nb", "x.toml", ".x", "\u{1b}[31m"] {
        let ran = nono(&jail, &["learn", "-o", "p.toml", "--name", name], &["sh", "-c", "echo ran"]);
        ran.status(125).stdout_is("").stderr_has("--name");
    }
    assert_eq!(names(), before);
    // A name is for the profile; it is found by that only where profiles are looked for.
    nono(&jail, &["learn", "-o", "p.toml", "--name", "mine"], &["true"]).success().stderr_has("run -p p.toml --");
    nono(&jail, &["learn", "--name", "mine"], &["true"]).success().stderr_has("run -p mine --");
}

#[test]
fn what_is_of_one_process_is_in_no_profile() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let jail = Jail::new();
    let script = "echo 0 > /proc/self/oom_score_adj; echo done";
    nono(&jail, &["learn", "-o", "../p.toml"], &["sh", "-c", script]).success();
    let text = fs::read_to_string(jail.root().join("p.toml")).unwrap();
    assert!(text.contains("# \"/proc/PID/oom_score_adj\"  # of a process"), "{text}");
    nono(&jail, &["run", "-q", "-p", "../p.toml"], &["sh", "-c", script]).success().stdout_is("done\n");
}

#[test]
fn ports_are_compared_too() {
    nono_tests::need!(Need::Landlock(4), Need::Seccomp, Need::Program("python3"));
    let jail = Jail::new();
    jail.file("p.toml", "[network]\nconnect = [80, 47115]\nbind = [81]\ndns = true\n");
    let script = "import socket\ns = socket.socket()\ns.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n\
                  s.bind(('127.0.0.1', 47115))\ns.listen()\nsocket.create_connection(('127.0.0.1', 47115))";
    let diff = |words: &[&str]| {
        let words = [&["learn", "--diff", "../p.toml"], words].concat();
        nono(&jail, &words, &["python3", "-c", script]).success().stdout()
    };
    let told = diff(&[]);
    assert!(told.contains("bind = [47115]") && !told.contains("connect = "), "{told}");
    let unused: Vec<&str> = told.lines().filter_map(|line| line.strip_prefix("granted and not used: ")).collect();
    assert_eq!(unused, ["connecting to port 80", "listening on port 81", "name lookups"], "{told}");
    let told: Value = serde_json::from_str(&diff(&["--json"])).unwrap();
    let expected = serde_json::json!({"connect": [80], "bind": [81], "dns": true, "open": false});
    assert_eq!(told["unused_network"], expected, "{told:#}");
}

#[test]
fn what_is_protected_is_left_to_the_user() {
    nono_tests::need!(Need::Landlock(1), Need::Seccomp);
    let jail = Jail::new();
    nono(&jail, &["learn", "-o", "../p.toml"], &["cat", jail.home().join(".ssh/id_ed25519").to_str().unwrap()])
        .success();
    let text = fs::read_to_string(jail.root().join("p.toml")).unwrap();
    assert!(text.contains("# \"~/.ssh/id_ed25519\"  # protected"), "{text}");
    nono(&jail, &["run", "-q", "-p", "../p.toml"], &["sh", "-c", "cat ~/.ssh/id_ed25519"]).status(1);
}
