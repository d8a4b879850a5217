//! A question as it is shown on a terminal, and what is taken for an answer.
//!
//! All that the command has a say in (paths) is hostile: nothing of it but printable ASCII is shown, so that no terminal
//! takes any of it for an order, and a space never stands alone, so that no path looks like a line of nono's. No line is
//! longer than [`WIDTH`]; what does not fit is left out of the middle, for both ends say what matters.

use nono_core::{Approval, OpenFlags, Question};
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The columns that any terminal has.
const WIDTH: usize = 80;
/// What stands before all lines but the first.
const INDENT: &str = "      ";
/// How many lines a path may take.
const LINES: usize = 4;

/// What stands before the answer.
pub(super) const PROMPT: &str = "      allow? yes (once) / file / directory / no [no]: ";
/// The same where an answer can be kept.
pub(super) const LASTING_PROMPT: &str = "      allow? yes (once) / file / directory / always / no [no]: ";
/// What stands before the last answer.
pub(super) const KEEP_PROMPT: &str = "      write it? yes / no [no]: ";

/// Who asks for what: some lines, each with its end.
pub(crate) fn text(question: &Question) -> String {
    let room = WIDTH.saturating_sub(INDENT.len());
    let program = question.program.as_deref().map_or_else(|| "a program".to_owned(), escaped);
    let asks = format!("(pid {}) asks to {}", question.process, listed(&question.words()));
    let mut text = if program.len().saturating_add(asks.len()) < room {
        format!("nono: {program} {asks}\n")
    } else {
        format!("nono: {}\n{INDENT}{asks}\n", shortened(&program, room))
    };
    lines(&mut text, &escaped(&question.path), LINES);
    if let Some(directory) = directory(question) {
        lines(&mut text, &format!("(directory: all in {})", escaped(directory)), LINES);
    }
    text
}

/// The directory that the answer "directory" is about.
fn directory(question: &Question) -> Option<&Path> {
    if question.flags.contains(OpenFlags::DIRECTORY) { Some(&question.path) } else { question.path.parent() }
}

/// What a line means; none if it is not understood, which is no.
pub(crate) fn answer(line: &[u8]) -> Option<Approval> {
    Some(match line {
        b"y" | b"yes" => Approval::Once,
        b"f" | b"file" => Approval::File,
        b"d" | b"directory" => Approval::Directory,
        b"" | b"n" | b"no" => Approval::Deny,
        _ => return None,
    })
}

/// Whether a line means that this file is approved, and kept.
pub(super) fn is_always(line: &[u8]) -> bool {
    matches!(line, b"a" | b"always")
}

/// Whether a line means yes.
pub(super) fn is_yes(line: &[u8]) -> bool {
    matches!(line, b"y" | b"yes")
}

fn lines(text: &mut String, all: &str, most: usize) {
    let room = WIDTH.saturating_sub(INDENT.len());
    let shown = shortened(all, room.saturating_mul(most));
    let mut rest = shown.as_str();
    while !rest.is_empty() {
        // All of it is ASCII, so that any place is between two characters.
        let (line, after) = rest.split_at_checked(room).unwrap_or((rest, ""));
        writeln!(text, "{INDENT}{line}").unwrap_or_default();
        rest = after;
    }
}

/// Without its middle if it is longer than `room`. No path has a space without a backslash before it.
fn shortened(text: &str, room: usize) -> String {
    const GAP: &str = " [..] ";
    if text.len() <= room {
        return text.to_owned();
    }
    let kept = room.saturating_sub(GAP.len());
    let head = text.get(..kept / 2).unwrap_or_default();
    let tail = text.get(text.len().saturating_sub(kept.saturating_sub(head.len()))..).unwrap_or_default();
    format!("{head}{GAP}{tail}")
}

/// In printable ASCII, as in a shell's `$'..'`, and a space with a backslash before it.
fn escaped(path: &Path) -> String {
    let mut text = String::new();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b' ' => text.push_str("\\ "),
            b'\'' | b'"' => text.push(char::from(*byte)),
            byte => write!(text, "{}", byte.escape_ascii()).unwrap_or_default(),
        }
    }
    text
}

/// `read, write and create`.
fn listed(words: &[&str]) -> String {
    match words {
        [] => "use".to_owned(),
        [one] => (*one).to_owned(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    fn question(path: &[u8], flags: OpenFlags) -> Question {
        let program = Some("/usr/bin/git".into());
        Question { process: 4711, program, path: Path::new(OsStr::from_bytes(path)).to_owned(), flags }
    }

    #[test]
    fn it_says_who_asks_for_what() {
        let expected = "nono: /usr/bin/git (pid 4711) asks to read\n      /home/u/.gitconfig\n      \
                        (directory: all in /home/u)\n";
        assert_eq!(text(&question(b"/home/u/.gitconfig", OpenFlags::READ)), expected);
        let list = text(&question(b"/srv", OpenFlags::READ | OpenFlags::DIRECTORY));
        assert!(list.contains("asks to list\n      /srv\n      (directory: all in /srv)\n"), "{list}");
        let write = text(&question(b"/a", OpenFlags::READ | OpenFlags::WRITE | OpenFlags::CREATE));
        assert!(write.contains("asks to read, write and create\n"), "{write}");
    }

    #[test]
    fn a_path_is_no_order_to_the_terminal_and_no_line_of_nonos() {
        let hostile = b"/a\x1b[2J\n\r\x07\x9b\xffk allow? [yes]: \\ \xc3\xa4";
        for path in [&hostile[..], &[b'\n'; 4000], &[b' '; 74], b"/"] {
            let asked = Question { program: Some(OsStr::from_bytes(path).into()), ..question(path, OpenFlags::READ) };
            let text = text(&asked);
            assert!(text.bytes().all(|byte| byte == b'\n' || byte == b' ' || byte.is_ascii_graphic()), "{text}");
            assert!(text.lines().all(|line| line.len() <= WIDTH) && text.lines().count() <= 10, "{text}");
        }
        assert!(escaped(Path::new("a  allow? x")).contains("a\\ \\ allow?\\ x"));
    }

    #[test]
    fn both_ends_of_a_long_path_are_shown() {
        let path = format!("/begin/{}/the-end", "x".repeat(3000));
        let text = text(&question(path.as_bytes(), OpenFlags::WRITE));
        let joined: String = text.lines().map(str::trim_start).collect();
        assert!(joined.contains("/begin/xx") && joined.contains(" [..] ") && joined.contains("xx/the-end"), "{text}");
        assert!(LASTING_PROMPT.len() < WIDTH);
        assert!(PROMPT.len() < WIDTH);
    }

    #[test]
    fn an_answer_is_a_whole_line_and_the_default_is_no() {
        for (line, expected) in [
            ("y", Some(Approval::Once)),
            ("yes", Some(Approval::Once)),
            ("f", Some(Approval::File)),
            ("file", Some(Approval::File)),
            ("d", Some(Approval::Directory)),
            ("directory", Some(Approval::Directory)),
            ("", Some(Approval::Deny)),
            ("no", Some(Approval::Deny)),
            ("\x1b[1;1Ry", None),
            ("Yes please", None),
            ("yy", None),
            (" y", None),
        ] {
            assert_eq!(answer(line.as_bytes()), expected, "{line:?}");
        }
    }
}
