//! The subcommands, one file each: arguments in, library calls, report out.

pub(crate) mod profile;
pub(crate) mod run;
pub(crate) mod shell;
