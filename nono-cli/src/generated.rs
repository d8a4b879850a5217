//! Completions and manual pages: made of the definition of the arguments, and kept with the documentation, so that they can
//! be read and packaged without the program. A test makes them again and compares; `NONO_RENEW_DOCS=1` writes them.

use crate::texts::Texts;

/// Shells, and what each completes by.
pub(crate) const COMPLETIONS: Texts<3> = Texts([
    ("bash", include_str!("../../docs/completions/nono.bash")),
    ("zsh", include_str!("../../docs/completions/_nono")),
    ("fish", include_str!("../../docs/completions/nono.fish")),
]);

/// Commands, as they are typed behind `nono` with a dash between, and their pages for `man -l`. `nono` itself has no name.
pub(crate) const PAGES: Texts<14> = Texts([
    ("", include_str!("../../docs/man/nono.1")),
    ("run", include_str!("../../docs/man/nono-run.1")),
    ("learn", include_str!("../../docs/man/nono-learn.1")),
    ("shell", include_str!("../../docs/man/nono-shell.1")),
    ("why", include_str!("../../docs/man/nono-why.1")),
    ("doctor", include_str!("../../docs/man/nono-doctor.1")),
    ("profile", include_str!("../../docs/man/nono-profile.1")),
    ("profile-list", include_str!("../../docs/man/nono-profile-list.1")),
    ("profile-show", include_str!("../../docs/man/nono-profile-show.1")),
    ("profile-check", include_str!("../../docs/man/nono-profile-check.1")),
    ("profile-new", include_str!("../../docs/man/nono-profile-new.1")),
    ("profile-schema", include_str!("../../docs/man/nono-profile-schema.1")),
    ("completions", include_str!("../../docs/man/nono-completions.1")),
    ("man", include_str!("../../docs/man/nono-man.1")),
]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Arguments;
    use clap::{Command, CommandFactory};
    use clap_complete::Shell;
    use std::collections::BTreeMap;
    use std::path::Path;

    /// The pages of a command and of those below it, by name.
    fn pages(command: &Command, name: &str, all: &mut BTreeMap<String, String>) {
        // Of no version: else a release would be a change of every page.
        let page_of = command.clone().version("").disable_help_subcommand(true);
        let mut page = Vec::new();
        clap_mangen::Man::new(page_of).date("").source("nono").render(&mut page).unwrap();
        all.insert(name.to_owned(), String::from_utf8(page).unwrap());
        for below in command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help") {
            let dash = if name.is_empty() { "" } else { "-" };
            pages(below, &format!("{name}{dash}{}", below.get_name()), all);
        }
    }

    fn compare(file: &str, made: &str, kept: &str) {
        if std::env::var_os("NONO_RENEW_DOCS").is_some() {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, made).unwrap();
        } else {
            assert!(made == kept, "docs/{file} is not what the definition says: run the tests with NONO_RENEW_DOCS=1");
        }
    }

    /// The definition without what is not for people: some shells would offer it.
    fn shown() -> Command {
        let whole = Arguments::command();
        let shown: Vec<Command> = whole.get_subcommands().filter(|below| !below.is_hide_set()).cloned().collect();
        Command::new("nono").version(env!("CARGO_PKG_VERSION")).subcommands(shown)
    }

    #[test]
    fn completions_are_current() {
        for (shell, file) in [(Shell::Bash, "nono.bash"), (Shell::Zsh, "_nono"), (Shell::Fish, "nono.fish")] {
            let mut made = Vec::new();
            clap_complete::generate(shell, &mut shown(), "nono", &mut made);
            let made = String::from_utf8(made).unwrap();
            compare(&format!("completions/{file}"), &made, COMPLETIONS.of(&shell.to_string()));
        }
    }

    #[test]
    fn pages_are_current() {
        let mut command = Arguments::command();
        command.build();
        let mut all = BTreeMap::new();
        pages(&command, "", &mut all);
        for (name, made) in &all {
            let file = if name.is_empty() { "nono".to_owned() } else { format!("nono-{name}") };
            compare(&format!("man/{file}.1"), made, PAGES.of(name));
        }
        assert_eq!(all.len(), PAGES.0.len(), "{:?}", all.keys());
    }
}
