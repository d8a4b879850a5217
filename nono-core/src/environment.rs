//! Which variables of the environment a sandbox withholds: credentials, known by their names, and orders to the loader.
//!
//! Values are not looked at: what a token looks like differs by service and year, what its variable is called does not.
//! A wrong guess costs a user one flag, a missed one the credential; so words that mean a secret count wherever they are
//! in a name, and words that also mean something else (`KEY`, `AUTH`) only behind one that makes them a secret.

use std::ffi::OsStr;

/// Why a variable is withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Withheld {
    /// Its name says that it holds a credential.
    Credential,
    /// It makes the dynamic loader load code into every program (`ld.so(8)`, `dyld(1)`).
    Loader,
}

/// Variables that make a loader load a library. `LD_LIBRARY_PATH` is none: it says where, not what.
const LOADER: [&str; 3] = ["LD_PRELOAD", "LD_AUDIT", "DYLD_INSERT_LIBRARIES"];

/// Endings of words that mean a secret: `GITHUB_TOKEN`, `PGPASSWORD`, `npm_config_authToken`.
const SECRET: [&str; 12] = [
    "TOKEN",
    "TOKENS",
    "SECRET",
    "SECRETS",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "CREDENTIALS",
    "APIKEY",
    "ACCESSKEY",
    "SECRETKEY",
    "PRIVATEKEY",
];

/// What comes before a `KEY` (or its `ID`) that is a secret.
const KEYS: [&str; 8] = ["API", "ACCESS", "SECRET", "PRIVATE", "ENCRYPTION", "SIGNING", "MASTER", "DEPLOY"];

/// Names that no rule finds.
const NAMES: [&str; 8] = [
    "MYSQL_PWD",
    "DATABASE_URL",
    "REDIS_URL",
    "MONGODB_URI",
    "SSHPASS",
    "GIT_CONFIG_PARAMETERS",
    "NPM_CONFIG__AUTH",
    "AZURE_STORAGE_CONNECTION_STRING",
];

/// Whether, and why, the variable `name` is withheld from a program unless it is passed by name.
///
/// # Examples
/// ```
/// use nono_core::environment::{Withheld, withheld};
/// assert_eq!(withheld("GITHUB_TOKEN".as_ref()), Some(Withheld::Credential));
/// assert_eq!(withheld("LD_PRELOAD".as_ref()), Some(Withheld::Loader));
/// assert_eq!(withheld("PATH".as_ref()), None);
/// ```
pub fn withheld(name: &OsStr) -> Option<Withheld> {
    let name = name.as_encoded_bytes();
    if LOADER.iter().any(|known| known.as_bytes() == name) {
        return Some(Withheld::Loader);
    }
    // Asked of every variable at each start: nothing is copied.
    let is = |known: &str, word: &[u8]| known.as_bytes().eq_ignore_ascii_case(word);
    let mut before: &[u8] = b"";
    let secret = name.split(|byte| !byte.is_ascii_alphanumeric()).any(|word| {
        let key = is("KEY", word) && KEYS.iter().any(|kind| is(kind, before));
        before = word;
        key || SECRET.iter().any(|ending| {
            let start = word.len().checked_sub(ending.len());
            start.and_then(|start| word.get(start..)).is_some_and(|end| is(ending, end))
        })
    });
    (secret || NAMES.iter().any(|known| is(known, name))).then_some(Withheld::Credential)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn credentials_are_known_by_their_names() {
        for name in [
            "GITHUB_TOKEN",
            "GH_TOKEN",
            "NPM_TOKEN",
            "npm_config_//registry.example/:_authToken",
            "NPM_CONFIG__AUTH",
            "NODE_AUTH_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_ACCESS_KEY_ID",
            "AWS_SESSION_TOKEN",
            "OPENAI_API_KEY",
            "ANTHROPIC_API_KEY",
            "PGPASSWORD",
            "MYSQL_PWD",
            "DB_PASSWORD",
            "db_password_file",
            "VAULT_TOKEN",
            "CLIENT_SECRET",
            "SECRET_KEY_BASE",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "SSH_PRIVATE_KEY",
            "GPG_PASSPHRASE",
            "DATABASE_URL",
            "HF_TOKEN",
            "CARGO_REGISTRY_TOKEN",
            "TWINE_PASSWORD",
            "SOMEAPIKEY_APIKEY",
        ] {
            assert_eq!(withheld(OsStr::new(name)), Some(Withheld::Credential), "{name}");
        }
    }

    #[test]
    fn what_programs_need_is_passed() {
        for name in [
            "PATH",
            "HOME",
            "PWD",
            "OLDPWD",
            "LANG",
            "TERM",
            "SHELL",
            "USER",
            "LD_LIBRARY_PATH",
            "SSH_AUTH_SOCK",
            "SSH_ASKPASS",
            "GIT_ASKPASS",
            "XAUTHORITY",
            "DBUS_SESSION_BUS_ADDRESS",
            "TOKENIZERS_PARALLELISM",
            "KEYBOARD",
            "KEY",
            "GIT_AUTHOR_NAME",
            "CARGO_HOME",
            "NODE_OPTIONS",
            "HTTP_PROXY",
            "PYTHONPATH",
            "",
        ] {
            assert_eq!(withheld(OsStr::new(name)), None, "{name}");
        }
    }

    #[test]
    fn a_name_need_not_be_text() {
        assert_eq!(withheld(OsStr::from_bytes(b"\xff_TOKEN")), Some(Withheld::Credential));
        assert_eq!(withheld(OsStr::from_bytes(b"\xff")), None);
    }

    #[test]
    fn the_loader_reads_names_as_they_are() {
        assert_eq!(withheld(OsStr::new("LD_AUDIT")), Some(Withheld::Loader));
        assert_eq!(withheld(OsStr::new("ld_audit")), None);
    }
}
