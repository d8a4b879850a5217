//! How does a test restrict itself without restricting the tests after it?
//!
//! It runs the part that restricts in a child. Landlock and seccomp cannot be undone, and from ABI 8 on a whole process
//! may be restricted, so a thread is not enough; a bare fork of the threaded test harness may only make
//! async-signal-safe calls. The child is therefore the test binary executed again, for this one test, up to the same
//! call of [`run`]; there the body runs, and its result or panic comes back.
//!
//! ```
//! # if std::env::var_os("RUN_AS_A_TEST").is_none() { return; }
//! let left = nono_tests::child::run(|| {
//!     // restrict this process, then look at what still works
//!     std::fs::read("/etc/hostname").is_ok()
//! });
//! assert!(!left);
//! ```
//!
//! A test may call [`run`] often, in a loop too. The calls are counted, and the child of the third is told the results
//! of the first two, so that it comes to its own call by the same way; code between the calls runs in the children as
//! well. The result travels by descriptor 0, a file without a name: it survives `close_range(3, ..)`, and needs no path
//! that a sandbox might forbid.

use crate::capture::{self, Captured, Group, text};
use serde_json::{Value, json};
use std::any::type_name;
use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Names the call that the child is for: `INDEX TEST`.
const VARIABLE: &str = "NONO_TEST_CHILD";

thread_local! {
    /// How many calls this test made so far. A test has its own thread.
    static CALLS: Cell<usize> = const { Cell::new(0) };
    /// Their results.
    static EARLIER: RefCell<Vec<Value>> = const { RefCell::new(Vec::new()) };
}

/// What can come back from a child.
pub trait Message: Sized {
    /// As JSON.
    fn to_json(&self) -> Value;
    /// Back; `None` when the JSON is of another type.
    fn from_json(value: &Value) -> Option<Self>;
}

/// How a child ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<T> {
    /// The body returned.
    Returned(T),
    /// The body panicked, with this message.
    Panicked(String),
    /// A signal ended it: seccomp's verdict is one.
    Killed(i32),
    /// It exited by itself before the body had returned.
    Exited(i32),
    /// The deadline ended it.
    TimedOut,
}

/// How a body is run.
#[derive(Debug, Clone)]
pub struct Child {
    deadline: Duration,
    env: Vec<(OsString, OsString)>,
    nobody: bool,
}

impl Default for Child {
    fn default() -> Self {
        Self { deadline: Duration::from_mins(1), env: Vec::new(), nobody: false }
    }
}

/// Runs `body` in a child process and returns what it returned.
///
/// # Panics
/// With the child's message and all it wrote, when the body panicked or did not come to its end.
pub fn run<T: Message, F: FnOnce() -> T>(body: F) -> T {
    Child::default().run(body)
}

impl Child {
    /// Ends the child after `deadline` (60 seconds if not given).
    #[must_use = "this is the changed setting"]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Adds a variable to the child's environment.
    #[must_use = "this is the changed setting"]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Runs the child as user and group 65534, without capabilities. For a test that needs [`crate::need::Need::Root`].
    #[must_use = "this is the changed setting"]
    pub fn as_nobody(mut self) -> Self {
        self.nobody = true;
        self
    }

    /// As [`run`].
    ///
    /// # Panics
    /// As [`run`].
    pub fn run<T: Message, F: FnOnce() -> T>(&self, body: F) -> T {
        let (outcome, said) = self.start(body);
        match outcome {
            Outcome::Returned(value) => value,
            Outcome::Panicked(message) => panicked(&format!("in the child: {message}\n{said}")),
            Outcome::Killed(signal) => panicked(&format!("the child was killed by signal {signal}\n{said}")),
            Outcome::Exited(status) => panicked(&format!("the child exited with {status} before its end\n{said}")),
            Outcome::TimedOut => panicked(&format!("the child was not done after {:?}\n{said}", self.deadline)),
        }
    }

    /// Runs `body` in a child process and tells how it ended.
    ///
    /// # Panics
    /// When the child cannot be started.
    pub fn outcome<T: Message, F: FnOnce() -> T>(&self, body: F) -> Outcome<T> {
        self.start(body).0
    }

    fn start<T: Message, F: FnOnce() -> T>(&self, body: F) -> (Outcome<T>, String) {
        let index = CALLS.replace(CALLS.get().saturating_add(1));
        if let Some(wanted) = wanted_call() {
            if index == 0 {
                EARLIER.set(earlier_results());
            }
            return (replay_or_perform(index, wanted, body), String::new());
        }
        let test = test_name::<F>();
        let (outcome, said) = match self.execute(&test, index) {
            Ok((captured, result)) => judge(&captured, result.as_ref()),
            Err(error) => panicked(&format!("cannot run a child for {test}: {error}")),
        };
        EARLIER.with_borrow_mut(|earlier| earlier.push(to_value(&outcome)));
        (outcome, said)
    }

    /// Executes the test binary again, for call `index` of `test`.
    fn execute(&self, test: &str, index: usize) -> io::Result<(Captured, Option<Value>)> {
        let mut channel = tempfile::tempfile()?;
        channel.write_all(format!("{}\n", EARLIER.with_borrow(|earlier| json!(earlier))).as_bytes())?;
        let results_from = channel.stream_position()?;
        channel.rewind()?;
        let mut program = std::env::current_exe()?;
        let copy = if self.nobody { Some(world_readable_copy(&program)?) } else { None };
        let mut command = Command::new(&program);
        if let Some(dir) = &copy {
            program = dir.path().join("test");
            command = Command::new(&program);
            command.uid(65534).gid(65534).current_dir("/");
        }
        command.args([test, "--exact", "--nocapture", "--include-ignored", "--test-threads=1"]);
        command.env(VARIABLE, format!("{index} {test}")).envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::from(channel.try_clone()?));
        let captured = capture::run(&mut command, None, Group::Own, self.deadline)?;
        channel.seek(SeekFrom::Start(results_from))?;
        let mut result = String::new();
        channel.read_to_string(&mut result)?;
        Ok((captured, serde_json::from_str(&result).ok()))
    }
}

/// The name libtest has for the running test: its thread's, or where it runs tests on the main thread, that of the
/// function the body is in, after which a closure's type is named.
fn test_name<F>() -> String {
    if let Some(name) = std::thread::current().name().filter(|name| *name != "main") {
        return name.to_owned();
    }
    let path = type_name::<F>().trim_end_matches("::{{closure}}");
    path.split_once("::").map_or(path, |(_crate, rest)| rest).to_owned()
}

/// The index of the call that this process was started for, if it is such a child.
fn wanted_call() -> Option<usize> {
    std::env::var(VARIABLE).ok()?.split_once(' ')?.0.parse().ok()
}

/// Whether this process is the child of a test.
pub fn is_child() -> bool {
    wanted_call().is_some()
}

fn earlier_results() -> Vec<Value> {
    let mut line = String::new();
    let read = io::stdin().read_line(&mut line);
    read.ok().and_then(|_| serde_json::from_str(&line).ok()).unwrap_or_default()
}

/// In the child: gives the results of the calls before the wanted one, and at that one runs the body and ends.
fn replay_or_perform<T: Message, F: FnOnce() -> T>(index: usize, wanted: usize, body: F) -> Outcome<T> {
    if index != wanted {
        let earlier = EARLIER.with_borrow(|earlier| earlier.get(index).and_then(from_value));
        return earlier
            .unwrap_or_else(|| panicked("a body runs a child of its own, or the calls differ from run to run"));
    }
    let outcome = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => Outcome::Returned(value),
        Err(payload) => Outcome::Panicked(message_of(payload.as_ref())),
    };
    let line = to_value(&outcome).to_string();
    let written = rustix::io::write(rustix::stdio::stdin(), line.as_bytes());
    leave(i32::from(written != Ok(line.len())))
}

#[expect(clippy::exit, clippy::disallowed_methods, reason = "the rest of the test belongs to the parent")]
fn leave(status: i32) -> ! {
    std::process::exit(status)
}

#[expect(clippy::panic, reason = "this is how a test fails")]
fn panicked(message: &str) -> ! {
    panic!("{message}")
}

fn message_of(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("a panic without text").to_owned()
}

fn judge<T: Message>(captured: &Captured, result: Option<&Value>) -> (Outcome<T>, String) {
    let said =
        format!("--- child's stdout\n{}\n--- child's stderr\n{}", text(&captured.stdout), text(&captured.stderr));
    let outcome = match (captured.timed_out, captured.status.signal(), result.and_then(from_value)) {
        (true, ..) => Outcome::TimedOut,
        (_, Some(signal), _) => Outcome::Killed(signal),
        (_, _, Some(outcome)) => outcome,
        _ => Outcome::Exited(captured.status.code().unwrap_or(-1)),
    };
    (outcome, said)
}

fn to_value<T: Message>(outcome: &Outcome<T>) -> Value {
    match outcome {
        Outcome::Returned(value) => json!({"returned": value.to_json()}),
        Outcome::Panicked(message) => json!({"panicked": message}),
        Outcome::Killed(signal) => json!({"killed": signal}),
        Outcome::Exited(status) => json!({"exited": status}),
        Outcome::TimedOut => json!({"timed out": null}),
    }
}

fn from_value<T: Message>(value: &Value) -> Option<Outcome<T>> {
    let (kind, content) = value.as_object()?.iter().next()?;
    Some(match kind.as_str() {
        "returned" => Outcome::Returned(T::from_json(content)?),
        "panicked" => Outcome::Panicked(content.as_str()?.to_owned()),
        "killed" => Outcome::Killed(i32::from_json(content)?),
        "exited" => Outcome::Exited(i32::from_json(content)?),
        _ => Outcome::TimedOut,
    })
}

/// The test binary where another user can execute it: build directories are often below a private home.
fn world_readable_copy(program: &std::path::Path) -> io::Result<tempfile::TempDir> {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir()?;
    crate::copy::executable(program, &dir.path().join("test"))?;
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755))?;
    Ok(dir)
}

mod fork;
mod message;

pub use fork::{Fork, become_nobody, fork, own_mounts, start};

#[cfg(test)]
mod tests;
