//! From the text of a profile back to rules: exactly the forms that [`generate`](crate::generate()) writes, and an error
//! with its place for everything else. Nothing is skipped because it is unknown.

use crate::error::{ParseError, Problem};
use crate::operation::Operation;
use crate::read::{Expression, Form, read};
use crate::sbpl::{Effect, End, Filter, HostName, Item, KINDS, Profile, Rule, TERMINALS, Target, Transport};

/// Reads a profile. Comments are not kept.
///
/// ```
/// use nono_macos::{generate, parse};
///
/// let set = nono_core::CapabilitySet::default();
/// assert_eq!(parse(&generate(&set))?.to_string(), parse(&generate(&set))?.to_string());
/// assert!(parse("(version 1)(deny default)(allow file-everything)").is_err());
/// # Ok::<(), nono_macos::ParseError>(())
/// ```
///
/// # Errors
/// [`ParseError`] with line and column of what is not known.
pub fn parse(text: &str) -> Result<Profile, ParseError> {
    let fail = |one: &Expression, problem| ParseError::new(text, one.at, problem);
    let all = read(text)?;
    let mut forms = all.iter();
    match forms.next() {
        Some(first) if is_version(first) => {}
        Some(first) => return Err(fail(first, Problem::Version)),
        None => return Err(ParseError::new(text, 0, Problem::Version)),
    }
    let rules = forms.map(|one| rule(one).map_err(|(at, problem)| ParseError::new(text, at, problem)).map(Item::Rule));
    Ok(Profile { items: rules.collect::<Result<_, _>>()? })
}

type Part<T> = Result<T, (usize, Problem)>;

fn is_version(one: &Expression) -> bool {
    let Form::List(parts) = &one.form else { return false };
    matches!(parts.as_slice(), [word, number] if symbol(word) == Some("version") && symbol(number) == Some("1"))
}

fn symbol(one: &Expression) -> Option<&str> {
    match &one.form {
        Form::Symbol(name) => Some(name),
        _ => None,
    }
}

/// The word a list begins with, and the rest.
fn form(one: &Expression) -> Part<(&str, &[Expression])> {
    let unknown = || (one.at, Problem::Form);
    let Form::List(parts) = &one.form else { return Err(unknown()) };
    let (head, rest) = parts.split_first().ok_or_else(unknown)?;
    Ok((symbol(head).ok_or_else(unknown)?, rest))
}

fn rule(one: &Expression) -> Part<Rule> {
    match form(one)? {
        ("allow", rest) => effect(one, Effect::Allow, rest),
        ("deny", rest) => effect(one, Effect::Deny, rest),
        ("when", [condition, guarded]) => {
            let ("defined?", [name]) = form(condition)? else { return Err((condition.at, Problem::Form)) };
            let inner = rule(guarded)?;
            let quoted = symbol(name).and_then(|name| name.strip_prefix('\''));
            match inner.operations.as_slice() {
                [only] if !inner.guarded && quoted == Some(only.name()) => Ok(Rule { guarded: true, ..inner }),
                _ => Err((guarded.at, Problem::Form)),
            }
        }
        _ => Err((one.at, Problem::Form)),
    }
}

fn effect(one: &Expression, effect: Effect, rest: &[Expression]) -> Part<Rule> {
    let names = rest.iter().take_while(|part| symbol(part).is_some());
    let operations: Vec<Operation> = names
        .map(|part| symbol(part).and_then(Operation::from_name).ok_or((part.at, Problem::Operation)))
        .collect::<Result<_, _>>()?;
    let filters: Vec<Filter> = rest.iter().skip(operations.len()).map(filter).collect::<Result<_, _>>()?;
    let default = operations.contains(&Operation::Default);
    if operations.is_empty() || (default && (operations.len() > 1 || !filters.is_empty())) {
        return Err((one.at, Problem::Form));
    }
    Ok(Rule { effect, operations, filters, guarded: false })
}

fn filter(one: &Expression) -> Part<Filter> {
    let unknown = (one.at, Problem::Filter);
    let (name, rest) = form(one)?;
    match (name, rest) {
        ("require-all", [_, ..]) => rest.iter().map(filter).collect::<Result<_, _>>().map(Filter::All),
        ("require-not", [part]) => Ok(Filter::Not(Box::new(filter(part)?))),
        (_, [Expression { form: Form::Symbol(word), .. }]) => word_filter(name, word).ok_or(unknown),
        (_, [Expression { form: Form::Text(text), .. }]) => text_filter(name, text).ok_or(unknown),
        ("regex", [Expression { form: Form::Pattern(text), .. }]) if text == TERMINALS => Ok(Filter::Terminals),
        (
            "local" | "remote",
            [Expression { form: Form::Symbol(over), .. }, Expression { form: Form::Text(text), .. }],
        ) => address(name, over, text).ok_or(unknown),
        _ => Err(unknown),
    }
}

fn word_filter(name: &str, word: &str) -> Option<Filter> {
    match (name, word) {
        ("vnode-type", _) => KINDS.iter().find(|(_, known)| *known == word).map(|(kind, _)| Filter::Kind(*kind)),
        ("target", "self") => Some(Filter::Target(Target::Itself)),
        ("target", "same-sandbox") => Some(Filter::Target(Target::SameSandbox)),
        ("socket-domain", "AF_INET" | "AF_INET6" | "AF_UNIX") => Some(Filter::SocketDomain(word.to_owned())),
        _ => None,
    }
}

fn text_filter(name: &str, text: &str) -> Option<Filter> {
    // What no path can be, the system would take for something else: a variable, a prefix of names, an end by `/`.
    let path = text.starts_with('/') && !text.contains("${") && (text == "/" || !text.ends_with('/'));
    match name {
        "literal" if path => Some(Filter::Literal(text.to_owned())),
        "subpath" if path => Some(Filter::Subpath(text.to_owned())),
        "global-name" => Some(Filter::GlobalName(text.to_owned())),
        "ipc-posix-name" => Some(Filter::PosixName(text.to_owned())),
        _ => None,
    }
}

fn address(end: &str, over: &str, text: &str) -> Option<Filter> {
    let (host, port) = text.split_once(':')?;
    Some(Filter::Address {
        end: if end == "local" { End::Local } else { End::Remote },
        transport: match over {
            "ip" => Transport::Ip,
            "tcp" => Transport::Tcp,
            _ => return None,
        },
        // A literal address makes the system refuse the whole profile.
        host: match host {
            "*" => HostName::Any,
            "localhost" => HostName::Localhost,
            _ => return None,
        },
        port: if port == "*" { None } else { Some(port.parse().ok()?) },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_an_error_with_its_place() {
        for (text, place, problem) in [
            ("", (1, 1), Problem::Version),
            ("(version 2)", (1, 1), Problem::Version),
            ("(version 1)\n(import \"system.sb\")", (2, 1), Problem::Form),
            ("(version 1)\n(allow)", (2, 1), Problem::Form),
            ("(version 1)\n(allow default file-ioctl)", (2, 1), Problem::Form),
            ("(version 1)\n(allow file-read-data file-frob)", (2, 23), Problem::Operation),
            ("(version 1)\n (allow file-ioctl (prefix \"/a\"))", (2, 20), Problem::Filter),
            ("(version 1)(allow file-ioctl (subpath \"/a/\"))", (1, 30), Problem::Filter),
            ("(version 1)(allow file-ioctl (literal \"${HOME}\"))", (1, 30), Problem::Filter),
            ("(version 1)(allow file-ioctl (regex #\"^/\"))", (1, 30), Problem::Filter),
            ("(version 1)(allow network-outbound (remote ip \"127.0.0.1:*\"))", (1, 36), Problem::Filter),
            ("(version 1)(allow network-outbound (remote tcp \"*:0\"))", (1, 36), Problem::Filter),
            ("(version 1)(allow file-ioctl (with no-sandbox))", (1, 30), Problem::Filter),
            ("(version 1)(allow file-ioctl (literal \"/a\\n\"))", (1, 42), Problem::Escape),
            ("(version 1)(allow file-ioctl (literal \"/a", (1, 39), Problem::Unclosed),
            ("(version 1)(allow file-ioctl", (1, 12), Problem::Unclosed),
            ("(version 1))", (1, 12), Problem::Unopened),
            ("(version 1)\t(allow file-ioctl)", (1, 12), Problem::Character),
            ("(version 1)((((((((((((((((((", (1, 28), Problem::TooDeep),
        ] {
            let error = parse(text).expect_err(text);
            assert_eq!(((error.line, error.column), error.problem), (place, problem), "{text}");
        }
    }
}
