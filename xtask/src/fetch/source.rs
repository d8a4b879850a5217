//! Where this machine gets Debian's packages from, which is where ours come from too.

use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use xshell::{Shell, cmd};

/// A place of packages of this name would be used instead of those of this machine.
const MIRROR: &str = "NONO_DEBIAN_MIRROR";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The suites that have kernels or a toolchain of ours: of the archive itself, and of its security updates.
const SUITES: [&str; 4] = ["trixie", "trixie-backports", "sid", "experimental"];
const SECURITY: [&str; 3] = ["bullseye-security", "bookworm-security", "trixie-security"];

/// The lines of a `sources.list(5)`.
pub(crate) fn list(shell: &Shell) -> anyhow::Result<String> {
    let keyring = Path::new(KEYRING);
    if !keyring.is_file() {
        bail!("Debian's packages are checked by {KEYRING}, which is missing: install debian-archive-keyring");
    }
    let (archive, security) = sites(shell)?;
    let line = |site: &str, suite: &str| format!("deb [signed-by={KEYRING}] {site} {suite} main\n");
    let mut list: String = SUITES.iter().map(|suite| line(&archive, suite)).collect();
    list.extend(SECURITY.iter().map(|suite| line(&security, suite)));
    Ok(list)
}

/// The archive and that of security updates, which lies beside it.
fn sites(shell: &Shell) -> anyhow::Result<(String, String)> {
    if let Ok(mirror) = std::env::var(MIRROR) {
        let mirror = mirror.trim_end_matches('/');
        return Ok((mirror.to_owned(), format!("{mirror}-security")));
    }
    let format = "$(REPO_URI) $(RELEASE) $(ORIGIN)";
    let targets = cmd!(shell, "apt-get indextargets --format {format}").quiet().read();
    let targets = targets.context("apt-get, which fetches Debian's packages, does not work here")?;
    // Before the first `apt-get update` no origin is known: then the name of the place tells.
    let of = |name: &str| {
        let ends = |line: &&str| line.split(' ').next().is_some_and(|site| site.trim_end_matches('/').ends_with(name));
        let site = targets.lines().find(ends)?.split(' ').next()?;
        Some(site.trim_end_matches('/').to_owned())
    };
    match (of("/debian"), of("/debian-security")) {
        (Some(archive), security) => {
            let beside = format!("{archive}-security");
            Ok((archive, security.unwrap_or(beside)))
        }
        (None, _) => bail!("apt has no Debian archive here: name one in {MIRROR}, as in sources.list(5)"),
    }
}

/// The configuration of an apt that has nothing in common with the one of this machine, but its proxies.
pub(crate) fn configuration(root: &Path, architecture: &str) -> String {
    let place = |name: &str| root.join(name).display().to_string();
    let entries: [(&str, String); 11] = [
        ("Dir::State", place("state")),
        ("Dir::State::status", place("status")),
        ("Dir::Cache", place("cache")),
        ("Dir::Etc::sourcelist", place("sources.list")),
        ("Dir::Etc::sourceparts", "/dev/null".into()),
        ("Dir::Etc::preferencesparts", "/dev/null".into()),
        ("APT::Architecture", architecture.into()),
        ("APT::Sandbox::User", String::new()),
        // A mirror that is no longer written to is as good as ever: apt still checks who signed.
        ("Acquire::Check-Valid-Until", "false".into()),
        ("Acquire::Languages", "none".into()),
        ("Acquire::Retries", "3".into()),
    ];
    let mut text: String = entries.iter().map(|(name, value)| format!("{name} \"{value}\";\n")).collect();
    // `#clear` first: these lists would be added to.
    text.push_str(&format!("#clear APT::Architectures;\nAPT::Architectures {{ \"{architecture}\"; }};\n"));
    text
}

/// Directories that apt wants to find.
pub(crate) fn directories(root: &Path) -> [PathBuf; 3] {
    ["state/lists/partial", "cache/archives/partial", "packages"].map(|name| root.join(name))
}
