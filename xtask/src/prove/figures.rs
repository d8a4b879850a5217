//! What a test says of itself: `figures: NAME: 12 cases, 0 disagreements; NOTE`, in a line that the test harness may have begun.

use anyhow::{Context, bail, ensure};

/// Numbers by what they count, in the order in which they were said. What several lines count is added up.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Figures(Vec<(String, u64)>);

impl Figures {
    /// Reads a line, which may have none.
    pub(super) fn read(&mut self, line: &str) -> anyhow::Result<()> {
        let Some((_, said)) = line.split_once("figures: ") else { return Ok(()) };
        let (_, said) = said.split_once(": ").with_context(|| format!("no name before the figures: {line}"))?;
        for one in said.split(';').next().unwrap_or_default().split(", ") {
            let (number, what) = one.trim().split_once(' ').with_context(|| format!("no figure: {one:?} of {line}"))?;
            let number: u64 = number.parse().with_context(|| format!("no number: {one:?} of {line}"))?;
            match self.0.iter_mut().find(|(other, _)| other == what) {
                Some((_, sum)) => *sum += number,
                None => self.0.push((what.to_owned(), number)),
            }
        }
        Ok(())
    }

    fn of(&self, what: &str) -> Option<u64> {
        self.0.iter().find(|(other, _)| other == what).map(|(_, number)| *number)
    }

    /// Whether there are `least` of the first of `some` and one of each other, and `none` was counted and is none.
    pub(super) fn check(&self, least: u64, some: &[&str], none: &[&str]) -> anyhow::Result<()> {
        for (at, what) in some.iter().enumerate() {
            let (number, least) = (self.of(what), if at == 0 { least.max(1) } else { 1 });
            let number = number.with_context(|| format!("the test did not say how many {what}: {}", self.says()))?;
            ensure!(number >= least, "{number} {what}, and {least} are needed: {}", self.says());
        }
        for what in none {
            match self.of(what) {
                Some(0) => {}
                Some(number) => bail!("{number} {what}, and there may be none: {}", self.says()),
                None => bail!("the test did not say how many {what}: {}", self.says()),
            }
        }
        Ok(())
    }

    pub(super) fn says(&self) -> String {
        let all: Vec<String> = self.0.iter().map(|(what, number)| format!("{} {what}", grouped(*number))).collect();
        all.join(", ")
    }
}

/// With commas between thousands.
fn grouped(number: u64) -> String {
    if number < 1000 { number.to_string() } else { format!("{},{:03}", grouped(number / 1000), number % 1000) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Figures {
        let mut figures = Figures::default();
        for line in lines {
            figures.read(line).unwrap();
        }
        figures
    }

    #[test]
    fn what_several_users_say_is_added_up() {
        let figures = read(&[
            "test a::b ... figures: filters: 1200 cases, 0 disagreements; as Same, 3 seeds",
            ".figures: filters: 34567 cases, 0 disagreements; as Nobody",
            "figures: filters: 2 more",
            "test a::b ... ok",
        ]);
        assert_eq!(figures.says(), "35,767 cases, 0 disagreements, 2 more");
        assert_eq!(grouped(1_000_023), "1,000,023");
    }

    #[test]
    fn what_is_no_figure_is_an_error() {
        for line in ["figures: cases", "figures: x: many cases", "figures: x: 12", "figures: x: 1 case, ; n"] {
            assert!(Figures::default().read(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_figure_that_is_missing_too_small_or_not_none_is_a_failure() {
        let figures = read(&["figures: x: 100 cases, 5 denied, 0 escapes, 1 leftovers"]);
        let good = |least, some: &[&str], none: &[&str]| figures.check(least, some, none).is_ok();
        assert!(good(100, &["cases", "denied"], &["escapes"]));
        assert!(!good(101, &["cases"], &[]), "too few");
        assert!(!good(0, &["escapes"], &[]), "none of what must be there");
        assert!(!good(0, &["acts"], &[]) && !good(0, &[], &["disagreements"]), "never said");
        assert!(!good(0, &[], &["leftovers"]), "not none");
    }
}
