//! Profiles: grants in files, to be given by name.
//!
//! ```text
//! find       by path, in the user's configuration, built in     builtin    those that nono brings along
//! read       a file that may be anything                        toml json  into a document of values with lines
//! format network   the keys of a profile in TOML                     version011 those of nono 0.11's JSON
//! load       with what it extends                               variables  ~ and $NAME
//! resolve    paths to capabilities                              make       create = true
//! combine    profiles and flags together
//! show check skeleton   what `nono profile` prints and writes
//! ```

mod builtin;
mod check;
mod combine;
mod document;
mod error;
mod find;
mod format;
mod json;
mod load;
mod make;
mod model;
mod network;
mod place;
mod read;
mod resolve;
mod show;
mod skeleton;
mod toml;
mod variables;
mod version011;

pub(crate) use check::check;
#[cfg(not(seatbelt))]
pub(crate) use combine::approve;
pub(crate) use combine::{Added, Flags, Rules, combine};
pub(crate) use error::ProfileError;
pub use find::Language;
#[cfg(not(seatbelt))]
pub(crate) use find::check_name;
pub(crate) use load::load;
pub(crate) use model::Profile;
pub(crate) use place::Place;
#[cfg(not(seatbelt))]
pub(crate) use read::text;
pub(crate) use resolve::Absent;
pub(crate) use show::{list, raw, show};
#[cfg(not(seatbelt))]
pub(crate) use skeleton::place_of;
pub(crate) use skeleton::write_new;
