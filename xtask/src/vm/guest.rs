//! One guest from its boot to its end.

use super::console::{Event, Run, Story};
use super::qemu::{self, Boot, Console, Machine};
use anyhow::Context;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

/// A guest says that it is alive each ten seconds once its tests have begun; booting takes ten, or forty on a busy machine.
const SILENCE: Duration = Duration::from_mins(2);

/// How much of a console is shown of a guest that hangs.
const SCREEN: usize = 30;

/// What became of a guest.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) story: Story,
    /// What is wrong with the guest as a whole, if anything is: it hung, or ended too early.
    pub(super) fault: Option<String>,
    /// It said nothing any more.
    pub(super) hung: bool,
    pub(super) took: Duration,
}

/// Boots a guest and follows it to its end; `heard` is told of each run that ends. Everything it says goes to `log`.
pub(super) fn follow(
    machine: &Machine,
    boot: &Boot<'_>,
    expected: usize,
    log: &Path,
    mut heard: impl FnMut(&Run),
) -> anyhow::Result<Ending> {
    let began = Instant::now();
    let mut log = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    let mut child = machine.start(boot, Console::Pipe)?;
    let lines = qemu::lines(&mut child)?;
    let mut errors = child.stderr.take().context("qemu has a standard error")?;
    let mut story = Story::default();
    let mut screen = VecDeque::new();
    let (mut fault, mut hung) = (None, false);
    loop {
        match lines.recv_timeout(SILENCE) {
            Ok(line) => {
                writeln!(log, "{line}")?;
                if !line.starts_with("@@ALIVE") {
                    screen.push_back(line.clone());
                    if screen.len() > SCREEN {
                        screen.pop_front();
                    }
                }
                if story.line(&line) == Event::Ended
                    && let Some(run) = story.runs.last()
                {
                    heard(run);
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                hung = true;
                fault = Some(format!("it hung: nothing was said for {} s", SILENCE.as_secs()));
                break;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    // It has ended, or hangs.
    let _ended = child.kill();
    child.wait()?;
    let mut said = String::new();
    let _read = errors.read_to_string(&mut said);
    if fault.is_none() && story.done != Some(expected) {
        let count = story.runs.len();
        fault = Some(format!("it ended after {count} of {expected} test programs"));
    }
    if let Some(fault) = &mut fault {
        if let Some(run) = &story.current {
            fault.push_str(&format!(", in {} ({})", run.group, run.user));
        }
        fault.push_str(&format!("; its last screen:\n{}", Vec::from(screen).join("\n")));
        if !said.is_empty() {
            fault.push_str(&format!("\nqemu: {}", said.trim()));
        }
    }
    Ok(Ending { story, fault, hung, took: began.elapsed() })
}
