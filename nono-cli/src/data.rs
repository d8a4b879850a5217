//! Data files, taken apart by the compiler: a start does not have to.
#![expect(clippy::indexing_slicing, reason = "by the compiler, for which a panic is an error")]

/// How many lines of `text` are neither empty nor a comment.
pub(crate) const fn count(text: &str) -> usize {
    let (mut rest, mut count) = (text, 0);
    while let Some((line, after)) = split_line(rest) {
        rest = after;
        count += holds_data(line) as usize;
    }
    count
}

/// Those lines; `N` is their [`count`].
pub(crate) const fn lines<const N: usize>(text: &'static str) -> [&'static str; N] {
    let (mut rest, mut lines, mut at) = (text, [""; N], 0);
    while let Some((line, after)) = split_line(rest) {
        rest = after;
        if holds_data(line) {
            lines[at] = line;
            at += 1;
        }
    }
    assert!(at == N, "N is the number of lines");
    lines
}

const fn holds_data(line: &str) -> bool {
    !matches!(line.as_bytes(), [] | [b'#', ..])
}

/// The first line of `text`, and what follows it.
const fn split_line(text: &str) -> Option<(&str, &str)> {
    if text.is_empty() {
        return None;
    }
    let mut end = 0;
    while end < text.len() && text.as_bytes()[end] != b'\n' {
        end += 1;
    }
    let (line, rest) = text.split_at(end);
    Some((line, if rest.is_empty() { rest } else { rest.split_at(1).1 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_empty_lines_are_left_out() {
        const TEXT: &str = "# about\n\nread /usr\n~/.ssh\n#\nlast";
        const LINES: [&str; count(TEXT)] = lines(TEXT);
        assert_eq!(LINES, ["read /usr", "~/.ssh", "last"]);
        assert_eq!(count(""), 0);
    }
}
