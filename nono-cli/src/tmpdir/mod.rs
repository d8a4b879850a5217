//! Where the command puts its temporary files: a private directory, and what happens to it afterwards.
//!
//! nono becomes the command, so usually nobody is there to remove the directory when the command ends:
//! a later start does, of those whose leader (the process that nono was) is gone. Their content was made
//! by programs that are not trusted, and may still be written to by what they left running. What such a
//! program can reach by preparing it is what it could reach before: everything here is done by
//! descriptor, inside the directory that is removed, and never through a link.
//!
//! ```text
//! name    what a directory is called            leader  whether its process runs
//! place   where one may be made                 create  making one
//! sweep   which are left over                   age     how long nothing changed
//! tree    removing a hostile tree               open    opening without following
//! ```

mod age;
mod create;
mod leader;
mod name;
mod open;
mod place;
mod sweep;
#[cfg(test)]
mod tests;
mod tree;

pub(crate) use create::{PrivateTmp, TmpError, create};
pub(crate) use leader::Start;
pub(crate) use place::Places;
pub(crate) use sweep::Limits;
