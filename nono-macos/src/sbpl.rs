//! Profiles as data, and how they are written: the part of SBPL that is generated and read here.
//!
//! A path is always a cooked string, in which a quote and a backslash are escaped, in one pass: no byte can end it. A
//! pattern is always a constant of this crate.

use crate::operation::Operation;
use nono_core::{NodeKind, Port};
use std::fmt::{self, Write};

/// Whether a rule allows or denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the words of SBPL")]
pub enum Effect {
    Allow,
    Deny,
}

/// Transport of a network filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Any of IP.
    Ip,
    /// TCP.
    Tcp,
}

/// Which end of a connection a network filter is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the words of SBPL")]
pub enum End {
    Local,
    Remote,
}

/// The only hosts that SBPL can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HostName {
    /// `*`
    Any,
    /// `localhost`
    Localhost,
}

/// Whom signals and questions about processes are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the words of SBPL")]
pub enum Target {
    Itself,
    SameSandbox,
}

/// A condition of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// This path.
    Literal(String),
    /// This path and all below it.
    Subpath(String),
    /// Any terminal: the one pattern there is.
    Terminals,
    /// An object of this kind.
    Kind(NodeKind),
    /// A network address; no port: any.
    Address {
        /// Of which end.
        end: End,
        /// Over what.
        transport: Transport,
        /// Which host.
        host: HostName,
        /// Which port.
        port: Option<Port>,
    },
    /// A process.
    Target(Target),
    /// A mach service.
    GlobalName(String),
    /// Shared memory.
    PosixName(String),
    /// The family of a socket.
    SocketDomain(String),
    /// All of these.
    All(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
}

/// What is allowed or denied, and where: any of the filters. Without filters: everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Allow or deny.
    pub effect: Effect,
    /// Operations.
    pub operations: Vec<Operation>,
    /// Conditions, of which one must hold.
    pub filters: Vec<Filter>,
    /// Whether the system is asked first if it knows the operation. For rules with one operation.
    pub guarded: bool,
}

/// A line of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A comment, without the semicolons.
    Comment(&'static str),
    /// A rule.
    Rule(Rule),
}

/// A profile: rules in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// Rules and comments.
    pub items: Vec<Item>,
}

/// The pattern of [`Filter::Terminals`].
pub(crate) const TERMINALS: &str = "^/dev/ttys[0-9]+$";

/// The kinds that have a name in Apple's profiles or in products that run there.
pub(crate) const KINDS: [(NodeKind, &str); 5] = [
    (NodeKind::Regular, "REGULAR-FILE"),
    (NodeKind::Directory, "DIRECTORY"),
    (NodeKind::Symlink, "SYMLINK"),
    (NodeKind::Socket, "SOCKET"),
    (NodeKind::CharDevice, "CHARACTER-DEVICE"),
];

impl Profile {
    /// The rules.
    pub fn rules(&self) -> impl DoubleEndedIterator<Item = &Rule> {
        self.items.iter().filter_map(|item| match item {
            Item::Rule(rule) => Some(rule),
            Item::Comment(_) => None,
        })
    }

    pub(crate) fn comment(&mut self, text: &'static str) {
        self.items.push(Item::Comment(text));
    }

    pub(crate) fn allow(&mut self, operations: &[Operation], filters: Vec<Filter>) {
        self.push(Effect::Allow, operations, filters);
    }

    pub(crate) fn deny(&mut self, operations: &[Operation], filters: Vec<Filter>) {
        self.push(Effect::Deny, operations, filters);
    }

    fn push(&mut self, effect: Effect, operations: &[Operation], filters: Vec<Filter>) {
        self.items.push(Item::Rule(Rule { effect, operations: operations.to_vec(), filters, guarded: false }));
    }
}

/// Writes a cooked string. The only place where a path becomes part of a program.
fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for letter in text.chars() {
        if matches!(letter, '"' | '\\') {
            f.write_char('\\')?;
        }
        f.write_char(letter)?;
    }
    f.write_char('"')
}

fn form(f: &mut fmt::Formatter<'_>, name: &str, text: &str) -> fmt::Result {
    write!(f, "({name} ")?;
    quoted(f, text)?;
    f.write_char(')')
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Filter::Literal(path) => form(f, "literal", path),
            Filter::Subpath(path) => form(f, "subpath", path),
            Filter::Terminals => write!(f, "(regex #\"{TERMINALS}\")"),
            Filter::Kind(kind) => {
                let name = KINDS.iter().find(|(known, _)| known == kind).map_or("UNNAMED", |(_, name)| name);
                write!(f, "(vnode-type {name})")
            }
            Filter::Address { end, transport, host, port } => {
                let end = if *end == End::Local { "local" } else { "remote" };
                let transport = if *transport == Transport::Ip { "ip" } else { "tcp" };
                let host = if *host == HostName::Any { "*" } else { "localhost" };
                match port {
                    Some(port) => write!(f, "({end} {transport} \"{host}:{port}\")"),
                    None => write!(f, "({end} {transport} \"{host}:*\")"),
                }
            }
            Filter::Target(Target::Itself) => f.write_str("(target self)"),
            Filter::Target(Target::SameSandbox) => f.write_str("(target same-sandbox)"),
            Filter::GlobalName(name) => form(f, "global-name", name),
            Filter::PosixName(name) => form(f, "ipc-posix-name", name),
            Filter::SocketDomain(name) => write!(f, "(socket-domain {name})"),
            Filter::All(parts) => {
                f.write_str("(require-all")?;
                parts.iter().try_for_each(|part| write!(f, " {part}"))?;
                f.write_char(')')
            }
            Filter::Not(part) => write!(f, "(require-not {part})"),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (true, Some(first)) = (self.guarded, self.operations.first()) {
            write!(f, "(when (defined? '{}) ", first.name())?;
        }
        f.write_str(if self.effect == Effect::Allow { "(allow" } else { "(deny" })?;
        self.operations.iter().try_for_each(|one| write!(f, " {}", one.name()))?;
        self.filters.iter().try_for_each(|filter| write!(f, "\n    {filter}"))?;
        f.write_str(if self.guarded { "))" } else { ")" })
    }
}

impl fmt::Display for Profile {
    /// The text that the system takes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "(version 1)")?;
        self.items.iter().try_for_each(|item| match item {
            Item::Comment(text) => writeln!(f, "\n;; {text}"),
            Item::Rule(rule) => writeln!(f, "{rule}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_behind_a_backslash_does_not_end_the_string() {
        // Escaping quotes first and backslashes then makes \\" of it, which ends the string.
        assert_eq!(Filter::Literal("/a\"b".into()).to_string(), r#"(literal "/a\"b")"#);
        assert_eq!(Filter::Literal("/a\\\"b\\".into()).to_string(), r#"(literal "/a\\\"b\\")"#);
    }
}
