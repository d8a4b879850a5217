//! Deny inside allow: how a path below a grant is kept closed.
//!
//! Landlock's rights add up downwards, and no rule takes any away. So there are two ways, and where neither goes, the policy
//! is refused:
//!
//! * A private mount namespace, where one is permitted: an empty read-only directory or file that nobody may open lies over
//!   each denied one. What is granted below is bound back in. Directories on the way there are bound over themselves: they
//!   cannot be moved out of the way then (`EBUSY`), and what lies in them is on another mount than what lies beside them
//!   (`EXDEV` for a rename or a link between the two, upon which programs copy).
//! * Narrower grants, in place of a grant for reading: of every entry but the denied one, on each level down to it. What is
//!   not there yet can be covered by no mount: where it could be made, the right to make anything there is withheld, and
//!   granted again for each directory below ([`mod@narrow`]).
//!   A rule opens an object by all of its names: where what is mounted below a denied path is reached by another name, that
//!   is closed too. And an entry that is a hard link or a mount is open by all of its names, as it would be if it were
//!   granted by its path.
//!
//! What programs see: reading, listing or entering a denied path is `EACCES`, what is below it is `EACCES` (to root with
//! `CAP_DAC_OVERRIDE`, an empty directory: `ENOENT`), writing or making is `EROFS` or `EACCES`, and renaming, removing or
//! replacing it `EBUSY`. `stat(2)` shows the cover. Where grants are narrowed, all is `EACCES`, and `stat(2)` shows the object.
//!
//! Around what is granted below a denied directory nothing is there (`ENOENT`), and what is granted for reading there, below
//! a grant for writing, is on a read-only mount (`EROFS`): that keeps files and directories. Pipes, sockets and devices are
//! written to on read-only mounts too: one that is granted by its path is refused, one in a granted directory stays open.
//! Where a denied path does not exist, directories on the way to it may be removed, and do not come back.
//!
//! A cover lies on the object that has the name when the command starts. Who may remove that object from outside, or puts
//! another in its place, uncovers the name: a limit of mounts (rename(2) and `detach_mounts` of fs/namespace.c).
//!
//! ```text
//! place       what is at each denied path, and by which other mounts it is reached
//! namespaces  whether a mount namespace is permitted, found by making one in a child
//! choose      which way for which path: a pure function
//! narrow      the narrower grants
//! cover       the calls made in the child
//! ```

mod choose;
mod cover;
mod mounts;
mod namespaces;
mod narrow;
mod place;

pub use namespaces::{Namespaces, NoNamespace};

pub(crate) use choose::{Choice, choose};
pub(crate) use cover::{Namespace, SHARED_MEMORY};
pub use narrow::NarrowError;

pub(crate) use narrow::{list, narrow};
pub(crate) use place::{Place, look};

#[cfg(test)]
mod tests;
