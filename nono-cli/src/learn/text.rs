//! A learnt profile as text, in the words of `docs/profiles.md`.

use super::general::General;
use super::uses::{Use, Uses};
use nono_core::{Guarantee, Port};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What a profile says, ready to be written.
#[derive(Debug)]
pub(super) struct Learnt {
    pub(super) name: String,
    pub(super) home: Option<PathBuf>,
    pub(super) uses: Uses,
    pub(super) general: General,
}

impl Learnt {
    /// How many grants there are.
    pub(super) fn rules(&self) -> usize {
        let uses = &self.uses;
        let network = usize::from(uses.network) + usize::from(uses.lookups) + uses.connect.len() + uses.bind.len();
        usize::from(self.general.workdir.is_some()) + self.general.paths.len() + uses.unix.len() + network
    }

    /// The profile. What no profile can say (a path that is not UTF-8) is a comment.
    pub(super) fn text(&self) -> String {
        let mut text =
            format!("# Written by nono learn. Read it before you rely on it.\n\n[meta]\nname = {:?}\n", self.name);
        if let Some(one) = self.general.workdir {
            write!(text, "\n[workdir]\naccess = {:?}\n", access(one)).unwrap_or_default();
        }
        self.filesystem(&mut text);
        self.network(&mut text);
        for gap in &self.uses.gaps {
            let what = gap.promise();
            write!(text, "\n# It made calls that are refused to keep this promise: {what}.\n").unwrap_or_default();
            write!(text, "# [options]\n# accept_gap = [{:?}]\n", Guarantee::name(*gap)).unwrap_or_default();
        }
        text
    }

    fn filesystem(&self, text: &mut String) {
        if self.general.paths.is_empty() && self.general.withheld.is_empty() {
            return;
        }
        text.push_str("\n[filesystem]\n");
        let kinds = [("read", true, false), ("write", false, true), ("allow", true, true)];
        for (key, read, write) in kinds {
            let of_kind = |one: &Use| (one.read, one.write) == (read, write);
            let all: Vec<String> =
                self.general.paths.iter().filter(|(_, one)| of_kind(one)).map(|(path, _)| self.line(path)).collect();
            list(text, key, &all);
        }
        for (path, reason) in &self.general.withheld {
            writeln!(text, "# {}  # {reason}", self.line(path)).unwrap_or_default();
        }
    }

    fn network(&self, text: &mut String) {
        let uses = &self.uses;
        let ports = |ports: &BTreeSet<Port>| ports.iter().map(Port::to_string).collect::<Vec<_>>().join(", ");
        let unix: Vec<String> = uses.unix.iter().map(|path| self.line(path)).collect();
        let none = uses.connect.is_empty() && uses.bind.is_empty() && !uses.lookups && !uses.network;
        if none && unix.is_empty() {
            return;
        }
        text.push_str("\n[network]\n");
        if uses.network {
            text.push_str("open = true  # UDP, or a port that the kernel picks, which no single grant names\n");
        } else {
            // Listened on, and connected to on this machine alone.
            let here: BTreeSet<Port> = uses.bind.intersection(&uses.connect).copied().collect();
            let here = here.difference(&uses.far).copied().collect();
            let without = |all: &BTreeSet<Port>| all.difference(&here).copied().collect();
            for (key, all) in [("port", &here), ("connect", &without(&uses.connect)), ("bind", &without(&uses.bind))] {
                if !all.is_empty() {
                    writeln!(text, "{key} = [{}]", ports(all)).unwrap_or_default();
                }
            }
            text.push_str(if uses.lookups { "dns = true\n" } else { "" });
        }
        list(text, "unix", &unix);
    }

    /// A path as an entry of a list, home as `~`. In a profile a dollar is a variable.
    fn line(&self, path: &Path) -> String {
        let inside = self.home.as_ref().and_then(|home| path.strip_prefix(home).ok());
        let shown = match inside {
            Some(rest) if rest.as_os_str().is_empty() => Some("~".to_owned()),
            Some(rest) => rest.to_str().map(|rest| format!("~/{}", rest.replace('$', "$$"))),
            None => path.to_str().map(|path| path.replace('$', "$$")),
        };
        match shown {
            Some(text) if !text.contains(['*', '?', '[', '{']) => string(&text),
            _ => format!("# no text that a profile takes for a path: {path:?}"),
        }
    }
}

/// A list; comments stand for what cannot be in it.
fn list(text: &mut String, key: &str, entries: &[String]) {
    if entries.is_empty() {
        return;
    }
    writeln!(text, "{key} = [").unwrap_or_default();
    for entry in entries {
        let comma = if entry.starts_with('#') { "" } else { "," };
        writeln!(text, "    {entry}{comma}").unwrap_or_default();
    }
    text.push_str("]\n");
}

/// A TOML basic string (toml.io, v1.0.0).
fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            _ if character.is_control() => write!(quoted, "\\u{:04X}", u32::from(character)).unwrap_or_default(),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

fn access(one: Use) -> &'static str {
    match (one.read, one.write) {
        (_, false) => "read",
        (false, true) => "write",
        (true, true) => "readwrite",
    }
}
