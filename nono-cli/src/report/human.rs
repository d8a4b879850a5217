//! The report for people: what is granted, what is enforced by what, and what is not.

use super::{Network, Report};
use crate::terminal::{self, Style, WIDTH};
use nono_core::{AccessMode, FsAccess, FsCapability, Gap, Guarantee, Mechanism, NetworkMode, Port, Source};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Renders a report; the system group is one line unless `verbose`.
pub(crate) fn human(report: &Report<'_>, verbose: bool) -> String {
    let (mut text, colours) = (String::from("granted\n"), terminal::colours());
    let (system, given): (Vec<_>, Vec<_>) = report.grants.iter().partition(|one| *one.source() == Source::System);
    for one in &given {
        grant(&mut text, one);
    }
    if verbose {
        for one in &system {
            grant(&mut text, one);
        }
    } else if !system.is_empty() {
        line(&mut text, &format!("  {:<11} the system group: {} paths (-v lists them)", "", system.len()));
    }
    if given.is_empty() && system.is_empty() {
        line(&mut text, "  no path");
    }
    for granted in network(&report.network) {
        line(&mut text, &format!("  {:<11} {granted}", "network"));
    }
    denied(&mut text, report, verbose);
    line(&mut text, "enforced");
    for kept in &report.enforcement.enforced {
        let sentence = format!("{}: {}", kept.guarantee.promise(), kept.mechanism);
        row(&mut text, kept.guarantee, Style::Good, colours, &sentence);
    }
    for (title, gaps) in
        [("not enforced", &report.enforcement.gaps), ("limits of every kernel", &report.enforcement.limits)]
    {
        if !gaps.is_empty() {
            line(&mut text, title);
        }
        for one in gaps {
            gap(&mut text, one, colours);
        }
    }
    text
}

/// What is granted, for people; the whole of it, without a system group.
pub(crate) fn grants(all: &[FsCapability], opened: &Network<'_>) -> String {
    let mut text = String::from("granted\n");
    for one in all {
        grant(&mut text, one);
    }
    for granted in network(opened) {
        line(&mut text, &format!("  {:<11} {granted}", "network"));
    }
    text
}

/// A gap in a table: its name and what a hostile program could do, folded, then what would close it.
pub(crate) fn gap(text: &mut String, gap: &Gap, colours: bool) {
    let sentence = format!("{}; closed by {}", gap.risk, gap.remedy);
    row(text, gap.guarantee, Style::Bad, colours, &sentence);
}

/// A row of a table of guarantees: the name in its style, and a sentence folded beside it.
pub(crate) fn row(text: &mut String, guarantee: Guarantee, style: Style, colours: bool, sentence: &str) {
    let mut name = terminal::styled(&format!("{:<17}", guarantee.name()), style, colours);
    for folded in terminal::wrap(sentence, WIDTH.saturating_sub(20)) {
        line(text, &format!("  {name} {folded}"));
        name = " ".repeat(17);
    }
}

pub(crate) fn line(text: &mut String, line: &str) {
    // Writing to a String does not fail.
    writeln!(text, "{line}").unwrap_or_default();
}

fn grant(text: &mut String, one: &FsCapability) {
    line(text, &format!("  {:<11} {:?} ({})", words(one.access()), one.resolved(), source(one.source())));
}

/// Where something comes from, in words.
pub(crate) fn source(source: &Source) -> String {
    match source {
        Source::Flag(flag) => flag.to_string(),
        Source::Implied(why) => why.to_string(),
        Source::System => "system group".to_owned(),
        Source::Inherited(descriptor) => format!("descriptor {descriptor}"),
        Source::Profile { file, line } => format!("{file:?} line {line}"),
        _ => String::new(),
    }
}

/// What is denied and by what, a line each; protected paths are a line for each mechanism unless `verbose`.
fn denied(text: &mut String, report: &Report<'_>, verbose: bool) {
    if report.denied.is_empty() {
        return;
    }
    line(text, "denied");
    let mut folded = Vec::<(Mechanism, usize)>::new();
    for one in &report.denied {
        let (path, mechanism) = (&one.closed.path, one.closed.mechanism);
        if !one.automatic || verbose {
            let source = one.source.map_or_else(|| "protected".to_owned(), source);
            line(text, &format!("  {path:?} ({source}): {mechanism}"));
            continue;
        }
        match folded.iter_mut().find(|(by, _)| *by == mechanism) {
            Some((_, count)) => *count += 1,
            None => folded.push((mechanism, 1)),
        }
    }
    for (mechanism, count) in folded {
        line(text, &format!("  {count} protected paths (-v lists them): {mechanism}"));
    }
    for loss in report.lost {
        line(text, &format!("  {} {:?}", loss.ability, loss.directory));
    }
}

/// What of the network is granted, a line each.
fn network(network: &Network<'_>) -> Vec<String> {
    if *network.mode == NetworkMode::AllowAll {
        return vec!["the whole network".to_owned()];
    }
    let ports = |what: &str, ports: &BTreeSet<Port>| {
        let numbers: Vec<String> = ports.iter().map(Port::to_string).collect();
        (!ports.is_empty()).then(|| format!("{what} port {}", numbers.join(", ")))
    };
    let granted: Vec<String> = [
        ports("TCP to any host,", network.tcp_connect),
        ports("TCP to this machine,", &network.tcp_connect_here),
        ports("TCP listening on", &network.tcp_bind),
        network.name_lookups.then(|| "name lookups".to_owned()),
    ]
    .into_iter()
    .flatten()
    .collect();
    if granted.is_empty() { vec!["no network".to_owned()] } else { granted }
}

/// The everyday word for `access`.
fn words(access: FsAccess) -> &'static str {
    let covers = |mode: AccessMode| access.contains(FsAccess::from(mode) & FsAccess::FILE);
    match (covers(AccessMode::Read), covers(AccessMode::Write)) {
        (true, true) => "read, write",
        (true, false) => "read",
        (false, true) => "write",
        (false, false) if access.contains(FsAccess::IOCTL_DEV) => "device",
        (false, false) if access == FsAccess::RESOLVE_UNIX => "connect",
        (false, false) => "some rights",
    }
}
