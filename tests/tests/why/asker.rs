//! The program that does things for real, inside or outside: one process for many requests.

use nono_tests::jail::Jail;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub(crate) struct Asker {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// Where it is, for the user of `jail`.
pub(crate) fn program(jail: &Jail) -> String {
    jail.executable(env!("CARGO_BIN_EXE_asker")).to_str().unwrap().to_owned()
}

impl Asker {
    /// Starts what `command` starts.
    pub(crate) fn start(mut command: Command) -> Asker {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (requests, answers) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Asker { child, requests, answers }
    }

    /// What came of a request; nothing if it is not there any more, or never was.
    pub(crate) fn ask(&mut self, words: &[String]) -> Option<String> {
        let mut line = words.join("\t");
        line.push('\n');
        let requests = self.requests.as_mut().unwrap();
        // A start that was refused leaves nobody to read.
        requests.write_all(line.as_bytes()).and_then(|()| requests.flush()).ok()?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer).ok().filter(|read| *read > 0)?;
        Some(answer.trim_end().to_owned())
    }

    /// How it ended, and what it said then.
    pub(crate) fn last_words(&mut self) -> String {
        let status = self.end();
        let mut said = String::new();
        let read = self.child.stderr.take().map(|mut stderr| stderr.read_to_string(&mut said));
        format!("{status:?} {read:?} {said}")
    }

    /// Ends it: its exit status.
    pub(crate) fn end(&mut self) -> Option<i32> {
        drop(self.requests.take());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        drop(self.requests.take());
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}
