//! Versions of packages, as far as kernels and toolchains need them told apart.

use std::cmp::Ordering;

/// A version that is compared by its numbers, and by `~` as deb-version(7) says: `6.1.0-56` comes after `6.1.0-9`, and `6.12` after `6.9`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version(String);

impl Version {
    /// Takes any text.
    pub(crate) fn new(text: &str) -> Version {
        Version(text.to_owned())
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Its numbers, in order; what is between them tells nothing here.
    fn numbers(&self) -> impl Iterator<Item = u64> {
        numbers(&self.0)
    }

    /// The first two numbers: of a kernel, its series.
    pub(crate) fn series(&self) -> Option<(u64, u64)> {
        let mut numbers = self.numbers();
        Some((numbers.next()?, numbers.next()?))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Version) -> Ordering {
        // What has a `~` comes before what ends there: a backport before what it was made of.
        let parts = |version: &Version| {
            let (whole, early) =
                version.0.split_once('~').map_or((&*version.0, None), |(whole, rest)| (whole, Some(rest)));
            (numbers(whole).collect::<Vec<_>>(), early.is_none(), early.map(|rest| numbers(rest).collect::<Vec<_>>()))
        };
        parts(self).cmp(&parts(other)).then_with(|| self.0.cmp(&other.0))
    }
}

fn numbers(text: &str) -> impl Iterator<Item = u64> {
    text.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        for (older, newer) in [
            ("6.1.0-9", "6.1.0-56"),
            ("6.9", "6.12.1"),
            ("7.2.12+deb14", "7.2.13+deb14"),
            ("7.3", "7.3.4"),
            ("7.3.4-1~bpo13+1", "7.3.4-1"),
            ("7.3.4-1~bpo12+1", "7.3.4-1~bpo13+1"),
            ("7.3.4-1", "7.3.5-1~bpo13+1"),
        ] {
            assert!(Version::new(older) < Version::new(newer), "{older} {newer}");
        }
        assert_eq!(Version::new("6.12.117+deb13").series(), Some((6, 12)));
        assert_eq!(Version::new("6").series(), None);
    }
}
