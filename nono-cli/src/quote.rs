//! Words as a shell reads them back: for lines that are to be pasted.

use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;

/// `word` so that a shell takes it for one word with these bytes, and a terminal for text. Control characters and what is not
/// UTF-8 take `$'...'` (POSIX.1-2024; bash, zsh, ksh).
pub(crate) fn quoted(word: impl AsRef<OsStr>) -> String {
    let bytes = word.as_ref().as_bytes();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(byte);
    match str::from_utf8(bytes) {
        Ok(text) if !bytes.is_empty() && bytes.iter().all(plain) => text.to_owned(),
        Ok(text) if text.chars().all(is_shown) => format!("'{}'", text.replace('\'', r"'\''")),
        _ => escaped(bytes),
    }
}

/// Whether it is shown as itself: neither a control character, nor one that changes the direction or hides.
fn is_shown(character: char) -> bool {
    character == ' ' || character.escape_debug().count() == 1 || matches!(character, '\'' | '"' | '\\')
}

fn escaped(bytes: &[u8]) -> String {
    let mut text = String::from("$'");
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\'' | '\\' => text.extend(['\\', character]),
                '\n' => text.push_str("\\n"),
                '\t' => text.push_str("\\t"),
                _ if is_shown(character) => text.push(character),
                _ => octal(&mut text, character.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        octal(&mut text, chunk.invalid());
    }
    text.push('\'');
    text
}

/// Three digits each: what follows cannot be taken for one more.
fn octal(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        write!(text, "\\{byte:03o}").unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    const HOSTILE: [&[u8]; 12] = [
        b"",
        b"plain-1.0/x_y",
        b"with space",
        b"it's",
        b"\"double\" $HOME `id` \\",
        b"new\nline\tand tab",
        b"\x1b[31mred",
        b"not utf-8 \xff\xfe1",
        b"*?[a]{b}~#;&|<>()!",
        "umlaut ä 漢".as_bytes(),
        "hidden \u{202e}gpj".as_bytes(),
        b"-n",
    ];

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        for word in HOSTILE {
            let quoted = quoted(OsStr::from_bytes(word));
            assert!(!quoted.contains(char::is_control), "{quoted:?}");
            let shell = if quoted.starts_with("$'") { "bash" } else { "sh" };
            let line = format!("printf %s {quoted}; printf %s end");
            let Ok(out) = Command::new(shell).arg("-c").arg(line.replace("printf %s -n", "printf %s '-n'")).output()
            else {
                eprintln!("SKIPPED {quoted}: there is no {shell}");
                continue;
            };
            assert_eq!(out.stdout, [word, b"end"].concat(), "{quoted}");
        }
    }

    #[test]
    fn what_needs_no_quotes_has_none() {
        assert_eq!(quoted("/usr/lib/x86_64-linux-gnu"), "/usr/lib/x86_64-linux-gnu");
        assert_eq!(quoted("~/x"), "'~/x'");
    }
}
