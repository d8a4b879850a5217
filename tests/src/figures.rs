//! What a mass test came to, in a line that `cargo xtask prove` adds up and keeps in docs/proof.md.

use crate::jail::User;
use std::fmt::Display;
use std::io::{self, Write};

/// `figures: NAME: 12 cases, 0 disagreements; NOTE`: numbers, each with what it counts.
#[must_use]
pub fn line(name: &str, figures: &[(&dyn Display, &str)], note: &str) -> String {
    let figures: Vec<String> = figures.iter().map(|(number, what)| format!("{number} {what}")).collect();
    format!("figures: {name}: {}; {note}", figures.join(", "))
}

/// Writes it, past the capture of the test harness.
pub fn say(name: &str, figures: &[(&dyn Display, &str)], user: User) {
    // A closed stdout loses only the line.
    drop(writeln!(io::stdout(), "{}", line(name, figures, &format!("as {user:?}"))));
}
