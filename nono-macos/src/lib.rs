//! Sandboxing programs on macOS with Seatbelt. Nothing of it is built yet.
#![forbid(unsafe_code)]
