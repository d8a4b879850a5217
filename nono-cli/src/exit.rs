//! The exit statuses of nono's own, which scripts rely on. A command that ran has its own.

/// All went well.
pub(crate) const SUCCESS: u8 = 0;
/// The sandbox could not be set up: usage, policy or kernel. Nothing of the command has run.
pub const SETUP: u8 = 125;
/// The command could not be executed, or the policy forbids executing it.
pub(crate) const NOT_EXECUTABLE: u8 = 126;
/// The command was not found.
pub(crate) const NOT_FOUND: u8 = 127;
/// Wrong usage of a subcommand that runs no command.
pub(crate) const USAGE: u8 = 2;
/// `profile check`: the profile cannot be used.
pub(crate) const INVALID: u8 = 1;
/// `doctor`: some guarantee is a gap.
pub(crate) const SOME_GAP: u8 = 1;
/// `doctor`: no sandbox is possible.
pub(crate) const NO_SANDBOX: u8 = 2;
/// `why`: it would be denied.
pub(crate) const DENIED: u8 = 1;
