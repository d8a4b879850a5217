//! `--approve`: a program, or a server on a unix socket, that is asked in JSON, a line each way.
//!
//! It is slow, silent, gone or mad, and then the answer is no. Nothing here waits for it longer than a question may take: it
//! is written to and read from by threads of their own.

use super::wire;
use nono_core::{Approval, Approver, Patience, Question};
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// How many lines may wait on either side: one question is open at a time, so more are of no use.
const LINES: usize = 4;
/// The longest answer that is read.
const LONGEST: u64 = 64 * 1024;

/// Someone who answers in lines.
#[derive(Debug)]
pub(crate) struct LineApprover {
    name: &'static str,
    next: AtomicU64,
    questions: SyncSender<Vec<u8>>,
    answers: Mutex<Receiver<String>>,
}

/// An approver that was started: it ends with this.
#[derive(Debug)]
pub(crate) struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        // It has nothing to answer any more, and may not notice that its input ended.
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}

impl LineApprover {
    /// Connects to the socket that `given` names behind `unix:`, or starts it as a command of the shell.
    pub(crate) fn start(given: &OsStr) -> io::Result<(LineApprover, Option<Started>)> {
        if let Some(path) = given.as_bytes().strip_prefix(b"unix:") {
            let socket = UnixStream::connect(Path::new(OsStr::from_bytes(path)))?;
            return Ok((LineApprover::over("socket", socket.try_clone()?, socket)?, None));
        }
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(given).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut started = Started(shell.spawn()?);
        match (started.0.stdin.take(), started.0.stdout.take()) {
            (Some(input), Some(output)) => Ok((LineApprover::over("command", output, input)?, Some(started))),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn over(
        name: &'static str,
        reader: impl Read + Send + 'static,
        mut writer: impl Write + Send + 'static,
    ) -> io::Result<LineApprover> {
        let (questions, to_write) = sync_channel::<Vec<u8>>(LINES);
        let (read, answers) = sync_channel(LINES);
        thread::Builder::new().name("nono-questions".into()).spawn(move || {
            for line in to_write {
                if writer.write_all(&line).and_then(|()| writer.flush()).is_err() {
                    break;
                }
            }
        })?;
        thread::Builder::new().name("nono-answers".into()).spawn(move || {
            let mut reader = BufReader::new(reader);
            loop {
                let mut line = Vec::new();
                let got = reader.by_ref().take(LONGEST).read_until(b'\n', &mut line);
                if !matches!(got, Ok(length) if length > 0) {
                    break;
                }
                // What is no text is no answer either.
                if read.send(String::from_utf8(line).unwrap_or_default()).is_err() {
                    break;
                }
            }
        })?;
        Ok(LineApprover { name, next: AtomicU64::new(1), questions, answers: Mutex::new(answers) })
    }
}

impl Approver for LineApprover {
    fn name(&self) -> &str {
        self.name
    }

    fn ask(&self, question: &Question, patience: &Patience<'_>) -> Approval {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let sent = wire::question(id, question).ok().and_then(|line| self.questions.try_send(line).ok());
        if sent.is_none() {
            return Approval::Deny;
        }
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match answers.recv_timeout(patience.next_look()) {
                Ok(line) => match wire::answer(&line) {
                    // Late, to a question that was given up.
                    Some((other, _)) if other < id => {}
                    Some((this, approval)) if this == id => return approval,
                    _ => return Approval::Deny,
                },
                Err(RecvTimeoutError::Timeout) if !patience.is_over() => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Approval::Deny,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nono_core::OpenFlags;
    use std::time::{Duration, Instant};

    fn ask(approver: &LineApprover, patience_ms: u64) -> Approval {
        let question = Question { process: 1, program: None, path: "/x".into(), flags: OpenFlags::READ };
        approver.ask(&question, &Patience::new(Instant::now() + Duration::from_millis(patience_ms), &|| true))
    }

    fn command(text: &str) -> (LineApprover, Option<Started>) {
        LineApprover::start(OsStr::new(text)).unwrap()
    }

    const YES: &str = r#"printf '{"version":1,"id":%d,"decision":"allow","for":"file"}\n' $n"#;

    #[test]
    fn a_command_answers() {
        let (approver, _started) = command(&format!("n=0; while read -r line; do n=$((n+1)); {YES}; done"));
        assert_eq!(ask(&approver, 10_000), Approval::File);
        assert_eq!(ask(&approver, 10_000), Approval::File);
    }

    #[test]
    fn one_that_is_gone_silent_or_mad_says_no() {
        for mad in ["exit 0", "read -r line; echo yes", "read -r line; n=7; YES", "head -c 100000 /dev/zero"] {
            let (approver, _started) = command(&mad.replace("YES", YES));
            assert_eq!(ask(&approver, 10_000), Approval::Deny, "{mad}");
        }
        let (silent, _started) = command("exec sleep 100");
        for _ in 0..LINES * 2 {
            assert_eq!(ask(&silent, 10), Approval::Deny);
        }
    }

    #[test]
    fn a_late_answer_is_not_taken_for_the_next_one() {
        let (approver, _started) = command(&format!("read -r a; read -r b; n=1; {YES}; n=2; echo '{{}}'; sleep 100"));
        assert_eq!(ask(&approver, 50), Approval::Deny, "no answer in time");
        assert_eq!(ask(&approver, 10_000), Approval::Deny, "yes to the first, nonsense to the second");
    }

    #[test]
    fn a_server_answers_on_a_socket() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let server = thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).unwrap();
            writeln!(&stream, r#"{{"version":1,"id":1,"decision":"allow"}}"#).unwrap();
        });
        let mut given = std::ffi::OsString::from("unix:");
        given.push(&path);
        let (approver, _none) = LineApprover::start(&given).unwrap();
        assert_eq!(ask(&approver, 10_000), Approval::Once);
        server.join().unwrap();
    }
}
