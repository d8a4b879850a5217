//! All that nono prints. Messages go to standard error and start with `nono: `; results go to standard output.

#![expect(clippy::print_stdout, reason = "this module is the one that prints")]

use std::error::Error;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};

/// The columns of a terminal that text is made for.
pub(crate) const WIDTH: usize = 80;

/// What goes before the second line of a message: as much as `nono: `.
const INDENT: usize = 6;

/// Prints an error with its causes, and what to do, on one line.
pub(crate) fn error(error: &dyn Error, remedy: Option<&str>) {
    let (between, remedy) = remedy.map_or(("", ""), |remedy| ("; ", remedy));
    say(&format!("nono: {}{between}{remedy}\n", chain(error)));
}

/// Prints something worth knowing that is no error.
pub(crate) fn note(text: &str) {
    say(&format!("nono: note: {text}\n"));
}

/// Prints what clap has to say: help to standard output, wrong usage to standard error.
pub(crate) fn clap(error: &clap::Error) {
    if error.use_stderr() {
        let text = error.to_string();
        say(&format!("nono: {}", text.strip_prefix("error: ").unwrap_or(&text)));
    } else {
        print!("{error}");
    }
}

/// Prints whole lines that are messages already.
pub(crate) fn message(text: &str) {
    // Where nobody reads it (EPIPE, EIO of a terminal that was hung up), the command goes on all the same.
    let _unread = std::io::stderr().write_all(text.as_bytes());
}

/// Prints lines to standard error. They are folded on a terminal alone: elsewhere programs look for whole lines.
fn say(text: &str) {
    if std::io::stderr().is_terminal() { message(&folded(text)) } else { message(text) }
}

/// Prints a result that is for people.
pub(crate) fn table(text: &str) {
    if std::io::stdout().is_terminal() { print!("{}", folded(text)) } else { print!("{text}") }
}

/// Prints a result.
pub(crate) fn output(text: &str) {
    print!("{text}");
}

/// An error with its causes, on one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        // A transparent error and its cause say the same.
        let said = next.to_string();
        if !text.ends_with(&said) {
            write!(text, ": {said}").unwrap_or_default();
        }
        cause = next.source();
    }
    text
}

/// How a word is shown on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Good.
    Good,
    /// Bad.
    Bad,
    /// Less important.
    Faint,
}

/// Whether standard output takes colours: a terminal, and `NO_COLOR` is not set.
pub(crate) fn colours() -> bool {
    takes_colours(&std::io::stdout())
}

/// Whether standard error does.
pub(crate) fn message_colours() -> bool {
    takes_colours(&std::io::stderr())
}

fn takes_colours(stream: &impl IsTerminal) -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    stream.is_terminal() && !refused && !dumb
}

/// `text` in `style`, where colours are wanted.
pub(crate) fn styled(text: &str, style: Style, colours: bool) -> String {
    let code = match style {
        Style::Good => "32",
        Style::Bad => "33",
        Style::Faint => "2",
    };
    if colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// Breaks what is too long for [`WIDTH`]; what follows is indented below it.
fn folded(text: &str) -> String {
    let mut all = String::new();
    for line in text.split_inclusive('\n') {
        if width(line.trim_end()) <= WIDTH {
            all.push_str(line);
            continue;
        }
        let (margin, more) = (line.len().saturating_sub(line.trim_start().len()), " ".repeat(INDENT));
        let start = line.get(..margin).unwrap_or_default();
        for (number, part) in wrap(line.trim(), WIDTH.saturating_sub(margin.max(INDENT))).iter().enumerate() {
            let before = if number == 0 { start } else { &more };
            writeln!(all, "{before}{part}").unwrap_or_default();
        }
    }
    all
}

/// The columns of `text`, without codes for colours.
fn width(text: &str) -> usize {
    let mut parts = text.split('\x1b');
    let plain = parts.next().map_or(0, |part| part.chars().count());
    parts
        .map(|part| part.split_once('m').map_or(0, |(_, shown)| shown.chars().count()))
        .sum::<usize>()
        .saturating_add(plain)
}

/// Words, each with its quotes: a path or a command is copied as a whole.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let (mut quote, mut escaped) = (None, false);
    let within = move |letter: char| {
        match quote {
            Some(_) if escaped => escaped = false,
            Some('"') if letter == '\\' => escaped = true,
            Some(open) if letter == open => quote = None,
            None if matches!(letter, '"' | '`') => quote = Some(letter),
            _ => {}
        }
        quote.is_none() && letter == ' '
    };
    text.split(within).filter(|word| !word.is_empty())
}

/// Breaks `text` at spaces into lines of at most `width` characters; longer words stand alone.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words(text) {
        match lines.last_mut() {
            Some(line) if line.chars().count().saturating_add(1).saturating_add(word.chars().count()) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_stand_on_one_line_and_none_twice() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot open \"x\"")]
        struct Outer(#[source] std::io::Error);
        #[derive(Debug, thiserror::Error)]
        #[error(transparent)]
        struct Transparent(#[from] Outer);
        let error = Transparent(Outer(std::io::Error::from_raw_os_error(13)));
        assert_eq!(chain(&error), "cannot open \"x\": Permission denied (os error 13)");
    }

    #[test]
    fn lines_are_broken_at_spaces() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("extraordinary a", 5), ["extraordinary", "a"]);
        assert!(wrap("", 5).is_empty());
        // What is quoted is one word, whatever is in it.
        assert_eq!(wrap(r#"a "b \" c" d"#, 3), ["a", r#""b \" c""#, "d"]);
        assert_eq!(wrap("do `x y z` now", 4), ["do", "`x y z`", "now"]);
    }

    #[test]
    fn what_is_too_long_goes_on_below() {
        let short = "nono: all is well\n";
        assert_eq!(folded(short), short);
        let coloured = format!("\x1b[33m{}\x1b[0m\n", "x".repeat(80));
        assert_eq!(folded(&coloured), coloured);
        let long = format!("nono: {}\n  [{}]\n", "word ".repeat(20).trim(), "more ".repeat(20).trim());
        let text = folded(&long);
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
        assert!(text.contains("\n      word") && text.contains("\n  [more") && text.contains("\n      more"), "{text}");
        assert_eq!(text.split_whitespace().collect::<Vec<_>>(), long.split_whitespace().collect::<Vec<_>>());
    }
}
