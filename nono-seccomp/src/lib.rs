//! Seccomp filters and user notification. Nothing of it is built yet.
