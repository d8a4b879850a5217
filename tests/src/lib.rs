//! What the tests of this workspace share: a process to restrict, preconditions, the command in a temporary tree,
//! and attempts to break out.
//!
//! The library depends on no crate of the workspace, so each of them can have it as a development dependency.
//!
//! Variables it reads: `NONO_TEST_BIN_DIR` (where `nono` and `attempt` are), `NONO_TEST_REQUIRE` (which missing
//! preconditions are failures), `NONO_TEST_ABI` (the Landlock ABI this machine must have), `NONO_TEST_SKIPS` (a file
//! that lists what was skipped), `NONO_TEST_SAMPLE` (which part of a mass test is made), `NONO_TEST_USERS` (`own`: root's
//! tests do not run everything as nobody too).

pub mod attempt;
pub mod capture;
pub mod child;
mod copy;
pub mod errno;
pub mod figures;
pub mod jail;
pub mod need;
mod probe;
pub mod raw;
pub mod sample;
pub mod terminal;
