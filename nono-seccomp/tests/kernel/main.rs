//! What the running kernel does with filters, listeners and answers.
//!
//! A filter cannot be removed, so each test runs its body in a process of its own: see [`child`]. A feature the kernel
//! lacks is a skip that names it; `NONO_TEST_REQUIRE=seccomp` (or `all`) makes it a failure.
#![cfg(test)]

mod child;
mod inject;
mod install;
mod memory;
mod notify;
mod raw;
mod target;
