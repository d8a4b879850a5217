//! One tree, one set of flags, several questions.

use crate::asker::{Asker, program};
use crate::random::Random;
use crate::tree::Tree;
use nono_tests::jail::{Jail, User};
use serde_json::Value;
use std::fmt::{self, Write};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const QUESTIONS: usize = 10;

#[derive(Debug, Default)]
pub(crate) struct Count {
    pub(crate) compared: u64,
    pub(crate) allowed: u64,
    pub(crate) denied: u64,
    /// Flags that were added, and helped.
    pub(crate) remedies: u64,
    /// Answers of `--self`.
    pub(crate) own: u64,
    /// Questions that it says it cannot answer, and policies that are refused, by both.
    pub(crate) untold: u64,
    pub(crate) refused: u64,
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Count { compared, allowed, denied, remedies, own, untold, refused } = self;
        write!(
            f,
            "{compared} answers compared with the kernel ({allowed} yes, {denied} no), {remedies} remedies tried, {own} answers \
             of --self compared ({untold} not to be told), {refused} policies refused by both"
        )
    }
}

/// What stays the same for all questions of a case.
struct Scene<'a> {
    jail: &'a Jail,
    nono: String,
    namespaces: bool,
    flags: Vec<String>,
    label: String,
}

impl Scene<'_> {
    /// `nono` with these words, where namespaces can be made or not.
    fn line(&self, words: &[String]) -> Vec<String> {
        let mut line = Vec::new();
        if !self.namespaces {
            let wrapper = self.jail.executable(env!("CARGO_BIN_EXE_without-namespaces"));
            line.extend([wrapper.to_str().unwrap().to_owned(), "EPERM".to_owned()]);
        }
        line.push(self.nono.clone());
        line.extend(words.iter().cloned());
        line
    }

    fn inside(&self, flags: &[String]) -> Asker {
        let mut words = vec!["run".to_owned(), "-q".to_owned()];
        words.extend(flags.iter().cloned());
        words.extend(["--read-file".to_owned(), program(self.jail), "--read-file".to_owned(), self.nono.clone()]);
        words.extend(["--".to_owned(), program(self.jail)]);
        let line = self.line(&words);
        Asker::start(self.jail.program(&line[0]).cmd(&line[1..]).command())
    }

    fn outside(&self) -> Asker {
        Asker::start(self.jail.program(program(self.jail)).command())
    }

    /// What `nono why` says: its exit status, and JSON.
    fn why(&self, flags: &[String], question: &[String]) -> (Option<i32>, Value, String) {
        let mut words = vec!["why".to_owned(), "--json".to_owned()];
        words.extend(flags.iter().cloned());
        words.extend(as_query(question));
        let line = self.line(&words);
        let ran = self.jail.program(&line[0]).cmd(&line[1..]).run();
        let answer = serde_json::from_str(&ran.stdout()).unwrap_or(Value::Null);
        (ran.captured().status.code(), answer, ran.stderr())
    }
}

fn as_query(question: &[String]) -> Vec<String> {
    let [op, rest @ ..] = question else { panic!("no question") };
    match op.as_str() {
        "rename" | "connect" | "bind" | "unix" => [vec![format!("--{op}")], rest.to_vec()].concat(),
        _ => vec!["--path".to_owned(), rest[0].clone(), "--op".to_owned(), op.clone()],
    }
}

pub(crate) fn run(seed: u64, user: User, namespaces: bool, count: &mut Count, faults: &mut Vec<String>) {
    let mut random = Random::new(seed);
    let jail = Jail::of(user);
    let tree = Tree::make(&jail, user, &mut random);
    let nono = jail.args([""; 0]).command().get_program().to_str().unwrap().to_owned();
    let grants = tree.grants(&mut random);
    let mut flags = if random.one_in(3) { by_profile(&jail, &grants) } else { by_flags(&grants) };
    flags.extend(tree.network(&mut random, namespaces));
    let label = format!("seed {seed}, {user:?}, namespaces {namespaces}: {}", flags.join(" "));
    let scene = Scene { jail: &jail, nono, namespaces, flags, label };
    let mut inside = scene.inside(&scene.flags);
    if inside.ask(&["list".to_owned(), "/usr".to_owned()]).is_none() {
        return refused_by_both(&scene, inside.end(), count, faults);
    }
    for _ in 0..QUESTIONS {
        let question = tree.question(&mut random);
        if !compare(&scene, &mut inside, &question, count, faults) {
            break;
        }
        if removes(&question) {
            // With what would allow it, it was done.
            inside = scene.inside(&scene.flags);
        }
    }
}

/// Whether it takes a name away. What is removed outside loses its cover in all namespaces (`detach_mounts` in fs/namespace.c): a
/// sandbox that was there before is not the one that is asked about any more.
fn removes(question: &[String]) -> bool {
    matches!(question[0].as_str(), "delete" | "rename")
}

fn by_flags(grants: &[(&'static str, String)]) -> Vec<String> {
    grants.iter().flat_map(|(flag, path)| [(*flag).to_owned(), path.clone()]).collect()
}

fn by_profile(jail: &Jail, grants: &[(&'static str, String)]) -> Vec<String> {
    let mut text = "[filesystem]\n".to_owned();
    for key in ["allow", "read", "write", "deny"] {
        let paths = grants.iter().filter(|(flag, _)| flag[2..] == *key);
        let paths: Vec<String> = paths.map(|(_, path)| format!("{:?}", jail.work().join(path))).collect();
        writeln!(text, "{key} = [{}]", paths.join(", ")).unwrap();
    }
    jail.file("home/.config/nono/profiles/random.toml", text);
    vec!["-p".to_owned(), "random".to_owned()]
}

/// What is no policy for a run is none for a question.
fn refused_by_both(scene: &Scene<'_>, status: Option<i32>, count: &mut Count, faults: &mut Vec<String>) {
    let (why, _, said) = scene.why(&scene.flags, &["read".to_owned(), "/usr".to_owned()]);
    if (status, why) == (Some(125), Some(2)) {
        count.refused += 1;
    } else {
        faults.push(format!("{}: run {status:?}, why {why:?}: {said}", scene.label));
    }
}

/// Asks, and does it: no if the tree is not what it was afterwards.
fn compare(
    scene: &Scene<'_>,
    inside: &mut Asker,
    question: &[String],
    count: &mut Count,
    faults: &mut Vec<String>,
) -> bool {
    let undo = Undo::of(scene.jail, question);
    let outside = scene.outside().ask(question).unwrap();
    if !undo.now() || outside != "ok" {
        // What fails outside proves nothing.
        return undo.now();
    }
    let label = format!("{}: {}", scene.label, question.join(" "));
    if removes(question) {
        *inside = scene.inside(&scene.flags);
    }
    let (status, answer, said) = scene.why(&scene.flags, question);
    let own = inside.ask(&[vec!["self".to_owned(), scene.nono.clone()], as_query(question)].concat());
    let (Some(own), Some(done)) = (own, inside.ask(question)) else {
        panic!("{label}: the program inside is gone: {}", inside.last_words());
    };
    let whole = undo.now();
    let allowed = done == "ok";
    count.compared += 1;
    *(if allowed { &mut count.allowed } else { &mut count.denied }) += 1;
    if status != Some(i32::from(!allowed)) {
        faults.push(format!("{label}: why says {status:?} {answer} {said}, the kernel {done}"));
        return whole;
    }
    compare_own(&label, &own, &done, count, faults);
    if !allowed && whole {
        return remedy(scene, &answer, question, (&label, count), faults);
    }
    whole
}

fn compare_own(label: &str, own: &str, done: &str, count: &mut Count, faults: &mut Vec<String>) {
    let expected = if done == "ok" { "exit 0 " } else { "exit 1 " };
    if own.starts_with("exit 2 ") && own.contains("cannot be tried") {
        count.untold += 1;
    } else if own.starts_with(expected) {
        count.own += 1;
    } else {
        faults.push(format!("{label}: --self says {own}, the kernel {done}"));
    }
}

/// The flags of the answer allow it. No if the tree is not what it was afterwards.
fn remedy(
    scene: &Scene<'_>,
    answer: &Value,
    question: &[String],
    (label, count): (&str, &mut Count),
    faults: &mut Vec<String>,
) -> bool {
    let Some(remedy) = answer.get("remedy").filter(|remedy| !remedy.is_null()) else { return true };
    let Some(mut flags) = without(&scene.flags, remedy.get("leave_out").and_then(Value::as_str), scene) else {
        return true;
    };
    let words = remedy.get("words").and_then(Value::as_array).cloned().unwrap_or_default();
    let words: Vec<String> = words.iter().map(|word| word.as_str().unwrap().to_owned()).collect();
    let pasted = pasted(remedy.get("flag").and_then(Value::as_str).unwrap_or_default());
    if pasted != words {
        faults.push(format!("{label}: with {remedy} a shell reads {pasted:?}"));
    }
    flags.extend(pasted);
    let (again, other, said) = scene.why(&flags, question);
    if again != Some(0) {
        faults.push(format!("{label}: with {remedy} why says {again:?} {other} {said}"));
    }
    if !scene.namespaces && words.iter().any(|word| *word == "--allow-bind" || *word == "--allow-unix") {
        // These take a supervisor: see `Tree::network`.
        return true;
    }
    let undo = Undo::of(scene.jail, question);
    let done = scene.inside(&flags).ask(question);
    if done.as_deref() == Some("ok") {
        count.remedies += 1;
    } else {
        faults.push(format!("{label}: with {remedy} the kernel says {done:?}"));
    }
    undo.now()
}

/// The words of a line that was pasted into a shell.
fn pasted(line: &str) -> Vec<String> {
    let mut shell = Command::new("/bin/sh");
    let printed = shell.args(["-c", &format!("for word in {line}; do printf '%s\\n' \"$word\"; done")]);
    let printed = String::from_utf8(printed.output().unwrap().stdout).unwrap();
    printed.lines().map(str::to_owned).collect()
}

/// The flags without what is to be left out; none where a profile says it.
fn without(flags: &[String], left: Option<&str>, scene: &Scene<'_>) -> Option<Vec<String>> {
    let Some(left) = left else { return Some(flags.to_vec()) };
    let mut rest = flags.to_vec();
    for left in left.split(" and ") {
        let Some(deny) = left.strip_prefix("--deny ").map(|deny| pasted(deny).concat()) else {
            if !rest.iter().any(|flag| flag == left) {
                return None;
            }
            rest.retain(|flag| flag != left);
            continue;
        };
        let is = |path: &str| {
            let path = scene.jail.work().join(path);
            path.canonicalize().unwrap_or(path) == Path::new(&deny)
        };
        let at: Vec<usize> = (1..rest.len()).filter(|at| rest[at - 1] == "--deny" && is(&rest[*at])).collect();
        for at in at.into_iter().rev() {
            rest.drain(at - 1..=at);
        }
    }
    Some(rest)
}

/// Makes what a request does undone, by the same objects: rules are tied to them.
struct Undo {
    kept: Option<(PathBuf, PathBuf)>,
    made: Option<PathBuf>,
    moved: Option<(PathBuf, PathBuf)>,
}

impl Undo {
    fn of(jail: &Jail, question: &[String]) -> Undo {
        let path = |word: &String| jail.work().join(word);
        let mut undo = Undo { kept: None, made: None, moved: None };
        match question {
            [op, name] if op == "delete" => {
                let (path, stash) = (path(name), jail.root().join("stash"));
                drop(fs::remove_file(&stash));
                // A directory cannot have two names: it is made anew, and the case ends.
                let linked =
                    rustix::fs::linkat(rustix::fs::CWD, &path, rustix::fs::CWD, &stash, rustix::fs::AtFlags::empty());
                undo.kept = linked.is_ok().then_some((stash, path));
            }
            [op, name] if op == "create" => undo.made = Some(path(name)),
            [op, from, to] if op == "rename" => {
                // The way to it may lead through what is moved.
                let to = path(to);
                let parent = to.parent().and_then(|parent| parent.canonicalize().ok());
                undo.moved = parent.zip(to.file_name()).map(|(parent, name)| (path(from), parent.join(name)));
            }
            _ => {}
        }
        undo
    }

    /// Whether everything is what it was.
    fn now(&self) -> bool {
        if let Some(made) = &self.made {
            drop(fs::remove_file(made));
        }
        if let Some((from, to)) = self.moved.as_ref().filter(|(from, _)| fs::symlink_metadata(from).is_err()) {
            fs::rename(to, from).unwrap();
        }
        if let Some((stash, path)) = self.kept.as_ref().filter(|(_, path)| fs::symlink_metadata(path).is_err()) {
            fs::rename(stash, path).unwrap();
            fs::hard_link(path, stash).unwrap();
        }
        true
    }
}
