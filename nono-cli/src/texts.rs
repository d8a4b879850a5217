//! Texts that are part of the program, each with its name.

use clap::builder::PossibleValuesParser;

/// Names, and the text of each. One may be without a name.
#[derive(Debug)]
pub(crate) struct Texts<const N: usize>(pub(crate) [(&'static str, &'static str); N]);

impl<const N: usize> Texts<N> {
    /// Takes one of the names as an argument.
    pub(crate) fn names(&self) -> PossibleValuesParser {
        PossibleValuesParser::new(self.0.iter().map(|(name, _)| *name).filter(|name| !name.is_empty()))
    }

    /// The text of this name.
    pub(crate) fn of(&self, name: &str) -> &'static str {
        self.0.iter().find(|(known, _)| *known == name).map_or("", |(_, text)| text)
    }
}
