//! The kinds of race, by what changes.

pub(crate) mod create;
pub(crate) mod how;
pub(crate) mod links;
pub(crate) mod memory;
pub(crate) mod mixed;
pub(crate) mod places;

use crate::ground::Ground;
use crate::race::Race;
use rustix::io::Errno;

/// One kind: what it is called, and how it is prepared.
pub(crate) type Kind = (&'static str, for<'a> fn(&'a Ground) -> Result<Race<'a>, Errno>);

/// All of them.
pub(crate) fn all() -> impl Iterator<Item = &'static Kind> {
    [memory::KINDS, links::KINDS, places::KINDS, how::KINDS, create::KINDS, mixed::KINDS].into_iter().flatten()
}
