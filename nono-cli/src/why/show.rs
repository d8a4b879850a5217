//! An answer in words for 80 columns, and as JSON.

use super::Query;
use super::remedy::Remedy;
use super::verdict::{By, Said, Verdict};
use crate::quote::quoted;
use crate::report;
use crate::terminal::{self, Style};
use nono_core::serial::LosslessPath;
use nono_core::{Mechanism, Port, Source};
use serde::Serialize;
use std::ffi::OsString;
use std::fmt::Write;
use std::path::Path;

/// The columns of a terminal, and those of the words in front of a line.
const WIDTH: usize = 80;
const MARGIN: usize = 12;

/// What is printed.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "two of them are of the printed object")]
pub(super) struct Answer {
    version: u32,
    op: &'static str,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    path: Option<LosslessPath>,
    /// Of a move: where to.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<LosslessPath>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<Port>,
    allowed: bool,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<Told>,
    /// What keeps a no: one of the sandbox's, or the kernel in any case.
    #[serde(skip_serializing_if = "Option::is_none")]
    mechanism: Option<Keeper>,
    remedy: Option<Change>,
    protected: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    /// Whether it is about the sandbox this is run in, which no flag changes.
    #[serde(skip)]
    own: bool,
}

/// The rule that says so.
#[derive(Debug, Serialize)]
struct Told {
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    path: Option<LosslessPath>,
    /// A flag, a file and its line, the system group; none for what holds without being said.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
    kind: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Keeper {
    Sandbox(Mechanism),
    Kernel(&'static str),
}

/// What would change it.
#[derive(Debug, Serialize)]
struct Change {
    /// To be pasted.
    #[serde(skip_serializing_if = "String::is_empty")]
    flag: String,
    /// The same, word by word.
    #[serde(serialize_with = "report::words", skip_serializing_if = "Vec::is_empty")]
    words: Vec<OsString>,
    /// What would have to go.
    #[serde(skip_serializing_if = "Option::is_none")]
    leave_out: Option<String>,
    protected: bool,
}

impl Answer {
    pub(super) fn new(query: &Query, verdict: Verdict, remedy: Option<Remedy>, protected: bool) -> Answer {
        let lossless = |path: &Path| Some(LosslessPath::from(path));
        let (op, path, to, port) = match query {
            Query::Path { path, op } => (op.word(), lossless(path), None, None),
            Query::Rename { from, to } => ("rename", lossless(from), lossless(to), None),
            Query::Connect(port) => ("connect", None, None, Some(*port)),
            Query::Bind(port) => ("bind", None, None, Some(*port)),
            Query::Unix(path) => ("unix", lossless(path), None, None),
        };
        let rule = verdict.rule.map(|rule| {
            let path = rule.path.as_deref().map(LosslessPath::from);
            match rule.source {
                Said::By(source) => Told { path, source: Some(source), kind: "given" },
                Said::Protected => Told { path, source: None, kind: "protected" },
                Said::BuiltIn => Told { path, source: None, kind: "built-in" },
            }
        });
        let remedy = remedy.map(|remedy| Change {
            flag: remedy.line(),
            words: remedy.flags,
            leave_out: remedy.leave_out,
            protected: remedy.protected,
        });
        let mechanism = verdict.by.map(|by| match by {
            By::Sandbox(mechanism) => Keeper::Sandbox(mechanism),
            By::Kernel => Keeper::Kernel("kernel"),
        });
        let (allowed, reason, notes) = (verdict.allowed, verdict.reason, verdict.notes);
        let own = false;
        Answer { version: 1, op, path, to, port, allowed, reason, rule, mechanism, remedy, protected, notes, own }
    }

    /// Of the sandbox this is run in.
    pub(super) fn own(self) -> Answer {
        Answer { own: true, ..self }
    }

    pub(super) fn is_allowed(&self) -> bool {
        self.allowed
    }

    /// In words.
    pub(super) fn human(&self, colours: bool) -> String {
        let mut text = String::new();
        let (word, style) = if self.allowed { ("allowed", Style::Good) } else { ("denied", Style::Bad) };
        let protected = if self.protected { " (protected: keys, tokens or histories)" } else { "" };
        let what = format!("{} {}{protected}", self.op, self.object());
        row(&mut text, (word, Some((style, colours))), &what);
        row(&mut text, ("because", None), &self.reason);
        if let Some(rule) = &self.rule {
            row(&mut text, ("rule", None), &rule.human());
        }
        match &self.mechanism {
            Some(Keeper::Sandbox(mechanism)) => row(&mut text, ("kept by", None), &mechanism.to_string()),
            Some(Keeper::Kernel(_)) => row(&mut text, ("kept by", None), "the kernel, with nono and without"),
            None => {}
        }
        for note in &self.notes {
            row(&mut text, ("note", None), note);
        }
        self.change(&mut text);
        text
    }

    fn change(&self, text: &mut String) {
        let Some(change) = &self.remedy else {
            if !self.allowed && !self.own {
                row(text, ("to allow it", None), "no flag does");
            }
            return;
        };
        let title = "to allow it";
        match (&change.leave_out, change.flag.is_empty()) {
            (Some(left), true) => line(text, title, &format!("leave out {left}")),
            (Some(left), false) => line(text, title, &format!("leave out {left}, and add {}", change.flag)),
            (None, _) => line(text, title, &change.flag),
        }
        if change.protected {
            row(text, ("", None), "(protected: that hands over keys, tokens or histories)");
        }
    }

    fn object(&self) -> String {
        let name = |path: &LosslessPath| match path {
            LosslessPath::Path(path) => quoted(path),
            LosslessPath::PathBytes(_) => std::path::PathBuf::try_from(path.clone()).map(quoted).unwrap_or_default(),
        };
        match (&self.path, &self.to, self.port) {
            (Some(from), Some(to), _) => format!("{} to {}", name(from), name(to)),
            (Some(path), ..) => name(path),
            (_, _, Some(port)) => format!("port {port}"),
            _ => String::new(),
        }
    }
}

impl Told {
    fn human(&self) -> String {
        let path = self.path.clone().and_then(|path| std::path::PathBuf::try_from(path).ok()).map(quoted);
        let path = path.unwrap_or_default();
        let said = match (&self.source, self.kind) {
            (Some(Source::Flag(flag)), _) => format!("{flag} {path}"),
            (Some(source), _) => format!("{path} ({})", report::source(source)),
            (None, "protected") => format!("{path} (protected paths)"),
            _ => "what is not granted is closed (built in)".to_owned(),
        };
        said.trim().to_owned()
    }
}

/// A title and a sentence, folded.
fn row(text: &mut String, (title, style): (&str, Option<(Style, bool)>), sentence: &str) {
    let plain = format!("{title:<MARGIN$}");
    let mut title = style.map_or(plain.clone(), |(style, colours)| terminal::styled(&plain, style, colours));
    for folded in terminal::wrap(sentence, WIDTH.saturating_sub(MARGIN)) {
        writeln!(text, "{title}{folded}").unwrap_or_default();
        title = " ".repeat(MARGIN);
    }
}

/// A title and a line that is to be pasted: it is not folded.
fn line(text: &mut String, title: &str, line: &str) {
    writeln!(text, "{title:<MARGIN$}{line}").unwrap_or_default();
}
