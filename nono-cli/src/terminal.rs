//! All that nono prints. Messages go to standard error and start with `nono: `; results go to standard output.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this module is the one that prints")]

use std::error::Error;
use std::fmt::Write;
use std::io::IsTerminal;

/// Prints an error with its causes, and what to do, on one line.
pub(crate) fn error(error: &dyn Error, remedy: Option<&str>) {
    let (between, remedy) = remedy.map_or(("", ""), |remedy| ("; ", remedy));
    eprintln!("nono: {}{between}{remedy}", chain(error));
}

/// Prints something worth knowing that is no error.
pub(crate) fn note(text: &str) {
    eprintln!("nono: note: {text}");
}

/// Prints what clap has to say: help to standard output, wrong usage to standard error.
pub(crate) fn clap(error: &clap::Error) {
    if error.use_stderr() {
        let text = error.to_string();
        eprint!("nono: {}", text.strip_prefix("error: ").unwrap_or(&text));
    } else {
        print!("{error}");
    }
}

/// Prints whole lines that are messages already.
pub(crate) fn message(text: &str) {
    eprint!("{text}");
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

/// Breaks `text` at spaces into lines of at most `width` characters; longer words stand alone.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
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
    }
}
