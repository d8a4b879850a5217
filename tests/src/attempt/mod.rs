//! What is an attempt to break out, and what must it show outside the sandbox and inside?
//!
//! The program `attempt` makes one attempt a run. `attempt list` prints its table, a [`Row`] each; `attempt run NAME DIR
//! [KEY=VALUE]...` makes one against the files in `DIR` and the outside parties named by the values, and ends with
//!
//! * 0: the act succeeded,
//! * 1: it was refused, with `errno=NAME` on stdout,
//! * 2: it could not be made on this kernel, with the reason on stdout.
//!
//! The harness does not take its word alone: a [`Proof`] is something seen from outside (the secret was printed, the tree
//! changed, the byte arrived). An attempt that does not succeed outside is a broken test. Whether one must fail inside
//! follows from the report of `nono`: it must if one of the row's guarantees is enforced.

mod row;
mod scene;
mod trial;
mod verdict;

pub use row::{Guarantee, Party, Promise, Proof, Row};
pub use scene::Scene;
pub use trial::{Attempts, End, Trial};
pub use verdict::{Report, Verdict, judge, judge_outside};
