//! What was probably meant by a name that is not known.

use nono_core::Guarantee;

/// A name that no guarantee has.
#[derive(Debug, thiserror::Error)]
#[error("no guarantee is called {name:?}; {hint}")]
pub(crate) struct NoGuarantee {
    name: String,
    hint: String,
}

/// The guarantee of this name.
pub(crate) fn guarantee(name: &str) -> Result<Guarantee, NoGuarantee> {
    let known = Guarantee::ALL.map(Guarantee::name);
    name.parse().map_err(|_unknown| NoGuarantee { name: name.to_owned(), hint: hint(name, &known) })
}

/// The nearest of those that are known, or all of them.
pub(crate) fn hint(given: &str, known: &[&str]) -> String {
    match nearest(given, known) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("there are {}", known.join(", ")),
    }
}

/// The one of `known` that was most likely meant by `given`: one that is nearly the same, or a part of it, as `connect` is of
/// `allow_connect`.
pub(crate) fn nearest<'k>(given: &str, known: &[&'k str]) -> Option<&'k str> {
    let plain: String = given.to_ascii_lowercase().replace('-', "_");
    // Two letters that changed places leave little alike of a short word.
    let alike =
        |word: &&&str| strsim::jaro(&plain, word) > 0.75 || word.len() > 2 && strsim::osa_distance(&plain, word) == 1;
    let part = |word: &&&str| plain.split('_').any(|part| part == **word);
    if let Some(word) = known.iter().find(|word| **word == plain) {
        return Some(word);
    }
    let by_likeness = |one: &&&str, other: &&&str| strsim::jaro(&plain, one).total_cmp(&strsim::jaro(&plain, other));
    let near = known.iter().filter(alike).max_by(by_likeness);
    known.iter().find(part).or(near).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_guessed_from_a_flag_or_a_typing_error() {
        let known = ["open", "block", "connect", "bind", "port", "proxy_port", "dns", "unix"];
        for (given, expected) in [
            ("allow_connect", Some("connect")),
            ("allow-port", Some("port")),
            ("net-block", Some("block")),
            ("conect", Some("connect")),
            ("DNS", Some("dns")),
            ("dsn", Some("dns")),
            ("proxyport", Some("proxy_port")),
            ("colour", None),
        ] {
            assert_eq!(nearest(given, &known), expected, "{given}");
        }
    }

    #[test]
    fn a_guarantee_is_guessed_or_all_are_named() {
        for (given, expected) in [
            ("any-hots", "did you mean \"any-host\"?"),
            ("any_host", "did you mean \"any-host\"?"),
            ("user-namespace", "did you mean \"user-namespaces\"?"),
            ("IPC", "did you mean \"ipc\"?"),
            ("nothing", "there are files, truncate, "),
        ] {
            let said = guarantee(given).unwrap_err().to_string();
            assert!(said.contains(expected), "{said}");
        }
        assert_eq!(guarantee("ipc").unwrap(), Guarantee::Ipc);
    }
}
