//! What `cargo test` and the list of skips say, as figures.

use std::collections::BTreeSet;

/// The figures of one test program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Row {
    /// What cargo calls it.
    pub(crate) name: String,
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) ignored: usize,
}

/// Puts rows together from the lines of `cargo test`, as they come.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) rows: Vec<Row>,
    name: String,
}

impl Tally {
    /// Reads one line.
    pub(crate) fn line(&mut self, line: &str) {
        let line = line.trim();
        if let Some(name) = line.strip_prefix("Running ").or_else(|| line.strip_prefix("Doc-tests ")) {
            let kind = if line.starts_with("Doc") { "doc tests of " } else { "" };
            let name = name.split(" (").next().unwrap_or(name).trim_start_matches("unittests ");
            let file = line.split_once(" (").and_then(|(_, file)| file.rsplit('/').next());
            // target/debug/deps/NAME-HASH
            let program = file.and_then(|file| file.rsplit_once('-')).map(|(program, _)| program);
            self.name = program.map_or_else(|| format!("{kind}{name}"), |program| format!("{program} ({name})"));
        } else if let Some(result) = line.strip_prefix("test result: ") {
            let ([passed, failed, ignored], name) = (counts(result), std::mem::take(&mut self.name));
            self.rows.push(Row { name, passed, failed, ignored });
        }
    }

    /// Passed, failed and skipped in all: a test that said it was skipped has not passed.
    pub(crate) fn totals(&self, skips: &Skips) -> (usize, usize, usize) {
        let sum = |of: fn(&Row) -> usize| self.rows.iter().map(of).sum::<usize>();
        let said = skips.tests.len();
        (sum(|row| row.passed).saturating_sub(said), sum(|row| row.failed), sum(|row| row.ignored) + said)
    }
}

/// Passed, failed and ignored, from what follows `test result: ` in the last line of a test program.
pub(crate) fn counts(result: &str) -> [usize; 3] {
    ["passed", "failed", "ignored"].map(|word| {
        let part = result.split([';', '.']).find_map(|part| part.trim().strip_suffix(word));
        part.and_then(|part| part.trim().parse().ok()).unwrap_or(0)
    })
}

/// The list of what was left out, from lines `NAME<tab>REASON`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Skips {
    /// Whole tests.
    pub(crate) tests: BTreeSet<(String, String)>,
    /// Parts of tests, whose names have a space.
    pub(crate) parts: BTreeSet<(String, String)>,
}

impl Skips {
    /// Reads the list.
    pub(crate) fn parse(text: &str) -> Self {
        let mut skips = Self::default();
        for (name, reason) in text.lines().filter_map(|line| line.split_once('\t')) {
            let list = if name.contains(' ') { &mut skips.parts } else { &mut skips.tests };
            list.insert((name.to_owned(), reason.to_owned()));
        }
        skips
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_counted_and_skips_are_not_passes() {
        let mut tally = Tally::default();
        for line in [
            "     Running unittests src/lib.rs (target/debug/deps/nono_core-0123456789abcdef)",
            "test a ... ok",
            "test result: FAILED. 28 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.06s",
            "   Doc-tests nono_core",
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        ] {
            tally.line(line);
        }
        let names: Vec<_> = tally.rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["nono_core (src/lib.rs)", "doc tests of nono_core"]);
        let skips = Skips::parse("programs::node\tno node\nattempt smc\tENOPROTOOPT\nprograms::node\tno node\n");
        assert_eq!((skips.tests.len(), skips.parts.len()), (1, 1));
        assert_eq!(tally.totals(&skips), (30, 2, 2));
    }
}
