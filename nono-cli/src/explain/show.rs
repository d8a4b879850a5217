//! What was refused, as a table with a line to be pasted, and as JSON.

use super::remedy::{Cure, Remedies};
use super::row::{Object, Row};
use crate::platform::Observations;
use crate::quote::quoted;
use crate::report;
use crate::terminal::{Style, styled};
use serde::Serialize;
use std::ffi::OsString;
use std::fmt::Write;
use std::path::PathBuf;

/// So many lines are shown; the rest is in `--json` and `--report`.
const LINES: usize = 40;

/// What a command was refused, and what grants it.
#[derive(Debug, Serialize)]
pub(crate) struct Explanation {
    version: u32,
    refused: Vec<Line>,
    /// Refusals that programs went on without.
    recovered: u64,
    /// Files that were looked for and are not there.
    missing: u64,
    /// Calls of which it could not be told what they were about.
    unknown: u64,
    /// Refusals that there was no room for.
    beyond: u64,
    /// The command was ended by SIGSYS.
    bad_call: bool,
    /// The flags that grant all of it but what is protected.
    #[serde(serialize_with = "report::words")]
    flags: Vec<OsString>,
}

/// One thing that was refused.
#[derive(Debug, Serialize)]
struct Line {
    wanted: Vec<&'static str>,
    #[serde(flatten)]
    object: Target,
    programs: Vec<Program>,
    count: u64,
    /// Whether it is among the paths that hold keys, tokens or histories.
    protected: bool,
    /// The flag that grants it; empty if none does, or a path or port has to be filled in.
    #[serde(serialize_with = "report::words")]
    flag: Vec<OsString>,
    /// What to do in words, where a flag alone does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Target {
    Path(#[serde(with = "nono_core::serial::path")] PathBuf),
    /// Files of a directory.
    Files {
        #[serde(flatten, with = "nono_core::serial::path")]
        directory: PathBuf,
        files: bool,
    },
    Port {
        port: u16,
    },
    Call {
        call: String,
    },
}

/// A path, of several.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Program(#[serde(with = "nono_core::serial::path")] PathBuf);

impl Explanation {
    pub(super) fn new(
        rows: Vec<Row>,
        remedies: &Remedies<'_>,
        recovered: u64,
        observed: &Observations,
        bad_call: bool,
    ) -> Explanation {
        let Observations { missing, unknown, beyond, .. } = *observed;
        let flags = remedies.flags();
        let refused = rows.into_iter().map(|row| Line::new(row, remedies)).collect();
        Explanation { version: 1, refused, recovered, missing, unknown, beyond, bad_call, flags }
    }

    /// The table, and the command line `arguments` again, whose last `command` words are the command, with the flags added.
    pub(crate) fn human(&self, arguments: &[OsString], command: usize, colours: bool) -> String {
        let mut text = String::new();
        if self.bad_call {
            text.push_str("nono: ended by SIGSYS, as 32-bit programs are here; no flag lets them run\n");
        }
        if self.refused.is_empty() && !self.bad_call {
            text.push_str("nono: nothing was refused that mattered\n");
        } else if !self.refused.is_empty() {
            text.push_str("nono: refused, and the flag that grants it:\n");
            self.table(&mut text, colours);
        }
        let counts = [
            (self.recovered, "refusals that programs went on without"),
            (self.missing, "files looked for that are not there"),
            (self.unknown, "calls that could not be looked into"),
            (self.beyond, "refusals that there was no room for"),
        ];
        let counts: Vec<_> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(n, what)| format!("{n} {what}")).collect();
        if !counts.is_empty() {
            writeln!(text, "nono: not shown: {}", counts.join(", ")).unwrap_or_default();
        }
        if !self.flags.is_empty() {
            writeln!(text, "nono: to grant it: {}", self.again(arguments, command)).unwrap_or_default();
        }
        text
    }

    fn again(&self, arguments: &[OsString], command: usize) -> String {
        let cut = arguments.len().saturating_sub(command);
        let (own, command) = arguments.split_at_checked(cut).unwrap_or_default();
        let (own, dashes) = match own {
            [own @ .., last] if last == "--" => (own, Some("--".to_owned())),
            own => (own, None),
        };
        let own = own.iter().map(quoted).chain(self.flags.iter().map(quoted));
        own.chain(dashes).chain(command.iter().map(quoted)).collect::<Vec<_>>().join(" ")
    }

    fn table(&self, text: &mut String, colours: bool) {
        let shown: Vec<[String; 5]> = self.refused.iter().take(LINES).map(Line::columns).collect();
        let width = |column: usize| {
            shown.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths = [width(0), width(1), width(2), width(3)];
        for (line, row) in shown.iter().zip(&self.refused) {
            let [wanted, object, program, count, flag] = line;
            let [a, b, c, d] = widths;
            let style = if row.protected { Style::Bad } else { Style::Good };
            let flag = styled(flag, style, colours);
            let before = format!("  {wanted:a$}  {object:b$}  {program:c$}  {count:>d$}  {flag}");
            writeln!(text, "{}", before.trim_end()).unwrap_or_default();
        }
        let more = self.refused.len().saturating_sub(LINES);
        if more > 0 {
            writeln!(text, "  and {more} more; all of them are in --json and --report FILE").unwrap_or_default();
        }
    }
}

impl Line {
    fn new(row: Row, remedies: &Remedies<'_>) -> Line {
        let hint = match &row.cure {
            Cure::SomePort => Some("--net, or --allow-connect PORT or --allow-bind PORT".to_owned()),
            Cure::Network => Some("--net; for name lookups alone --allow-dns".to_owned()),
            Cure::SomeSocket => Some("--allow-unix PATH".to_owned()),
            Cure::Lift(deny) if remedies.is_protected(deny) => Some("granted only by its exact path".to_owned()),
            Cure::Lift(deny) => Some(format!("without --deny {}", quoted(deny))),
            Cure::None => Some("no flag grants it".to_owned()),
            _ => None,
        };
        let object = match row.object {
            Object::Path(path) => Target::Path(path),
            Object::Files(path) => Target::Files { directory: path, files: true },
            Object::Port(port) => Target::Port { port },
            Object::AnyPort => Target::Call { call: "a port that the kernel picks".into() },
            Object::Call(call) => Target::Call { call },
        };
        Line {
            wanted: row.wanted.into_iter().collect(),
            object,
            programs: row.programs.into_iter().map(Program).collect(),
            count: row.count,
            protected: row.protected,
            flag: remedies.flag(&row.cure),
            hint,
        }
    }

    fn columns(&self) -> [String; 5] {
        let object = match &self.object {
            Target::Path(path) => quoted(path),
            Target::Files { directory, .. } => format!("files in {}", quoted(directory)),
            Target::Port { port } => format!("port {port}"),
            Target::Call { call } => call.clone(),
        };
        let name = |Program(path): &Program| path.file_name().map(quoted).unwrap_or_default();
        let programs = match self.programs.as_slice() {
            [] => "?".to_owned(),
            [one] => name(one),
            [one, more @ ..] => format!("{} +{}", name(one), more.len()),
        };
        let flag = self.flag.iter().map(quoted).collect::<Vec<_>>().join(" ");
        let flag = self.hint.clone().unwrap_or(flag);
        let mark = if self.protected { "  (protected: keys, tokens or histories)" } else { "" };
        [self.wanted.join(","), object, programs, format!("{}x", self.count), format!("{flag}{mark}")]
    }
}
