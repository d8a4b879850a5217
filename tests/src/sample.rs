//! Part of a mass test where the whole takes too long: of many kernels each makes another part, and the whole is made
//! elsewhere.
//!
//! `NONO_TEST_SAMPLE` is a comma list of `SUITE:PART/PARTS`, such as `deputy:2/8`; parts are counted from 0. A suite that it
//! does not name is made whole. A suite that is not whole says so past the capture of the test harness.

use std::io::{self, Write};

/// Those of `rows` that this process is to make for `suite`.
///
/// # Panics
/// When `NONO_TEST_SAMPLE` cannot be read: everything, or nothing, would be a guess.
pub fn part<T>(suite: &str, rows: Vec<T>) -> Vec<T> {
    let list = std::env::var("NONO_TEST_SAMPLE").unwrap_or_default();
    let found = find(suite, &list);
    assert!(found.is_ok(), "NONO_TEST_SAMPLE={list}: SUITE:PART/PARTS is expected, with PART below PARTS");
    let Ok(Some((part, parts))) = found else { return rows };
    let all = rows.len();
    let some: Vec<T> = rows.into_iter().skip(part).step_by(parts).collect();
    // A closed stdout loses only the line.
    drop(writeln!(io::stdout(), "SAMPLE {suite}: part {part} of {parts}, {} of {all}", some.len()));
    some
}

/// What a list says of `suite`: a part, or the whole.
fn find(suite: &str, list: &str) -> Result<Option<(usize, usize)>, ()> {
    let mut found = None;
    for word in list.split(',').filter(|word| !word.is_empty()) {
        let (name, part) = word.split_once(':').ok_or(())?;
        let (part, parts) = part.split_once('/').ok_or(())?;
        let (part, parts) = (part.parse().map_err(drop)?, parts.parse().map_err(drop)?);
        if part >= parts {
            return Err(());
        }
        if name == suite {
            found = Some((part, parts));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_is_whole_unless_it_is_named() {
        assert_eq!(find("deputy", ""), Ok(None));
        assert_eq!(find("deputy", "escape:0/2"), Ok(None));
        assert_eq!(find("deputy", "escape:0/2,deputy:3/4"), Ok(Some((3, 4))));
        for wrong in ["deputy", "deputy:1", "deputy:x/2", "deputy:2/2", "deputy:0/0"] {
            assert_eq!(find("deputy", wrong), Err(()), "{wrong}");
        }
    }

    #[test]
    fn the_parts_are_the_whole() {
        let mut all: Vec<usize> = (0..4).flat_map(|part| (0..103).skip(part).step_by(4)).collect();
        all.sort_unstable();
        assert_eq!(all, (0..103).collect::<Vec<_>>());
    }
}
