//! Does a denied path stay closed below a grant, whatever a program tries, and does everything beside it work?
#![expect(clippy::tests_outside_test_module, reason = "an integration test is one")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod attempts;
mod beside;
mod library;
mod protected;
mod refused;
mod scene;
