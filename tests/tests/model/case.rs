//! A case as data: a tree, wishes and calls; and as text, a line each, that is read back.

use nono_core::FsAccess;
use rustix::fs::OFlags;
use std::fmt::{self, Display};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// An enumeration whose members have names in texts.
macro_rules! named {
    ($(#[$about:meta])* $name:ident { $($member:ident $text:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum $name { $($member),+ }

        impl $name {
            pub(crate) const ALL: &[$name] = &[$($name::$member),+];

            pub(crate) fn name(self) -> &'static str {
                match self { $($name::$member => $text),+ }
            }

            fn of(name: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|one| one.name() == name)
            }
        }
    };
}

named! {
    /// What is in a tree under one name.
    Kind {
        Directory "dir", File "file", Program "program", Fifo "fifo", Stream "stream-server", Datagram "datagram-server",
        Tmpfs "tmpfs",
    }
}

named! {
    /// What takes two paths: the second leads to the first, or is made of it.
    Tie { Symlink "symlink", Hard "hard", Bind "bind", Script "script" }
}

named! {
    /// A wish without more to say.
    Plain {
        Open "network-open", Lookups "lookups", Signals "signals", Abstract "abstract-sockets",
        NoNamespaces "no-namespaces", KeepMknod "keep-mknod",
    }
}

named! {
    /// A wish about a path.
    Close { Deny "deny", Inherited "deny-inherited" }
}

named! {
    /// A wish about a port.
    PortWish { Connect "allow-connect", Bind "allow-bind", Local "allow-port", Proxy "proxy" }
}

named! {
    /// A call about one path.
    On {
        List "list", Mkdir "mkdir", Symlink "make-symlink", Regular "mknod-regular", Fifo "mknod-fifo",
        Socket "mknod-socket", Char "mknod-char", Whiteout "mknod-whiteout", Block "mknod-block", BindUnix "bind-unix",
        Unlink "unlink", Rmdir "rmdir", Truncate "truncate", Execute "execute", Ioctl "ioctl", Connect "connect-unix",
        Send "send-unix",
    }
}

named! {
    /// A call about two paths.
    Between { Rename "rename", Exchange "exchange", NoReplace "rename-noreplace", Link "link", LinkFollow "link-follow" }
}

named! {
    /// A call about a port.
    OnPort { Connect "connect", Bind "bind", Listen "listen", UdpSend "udp-send", UdpBind "udp-bind" }
}

named! {
    /// A call about nothing of these.
    Bare { ListenAny "listen-any", Abstract "connect-abstract", Signal "signal" }
}

/// A path below the root of a tree, as a program writes it; absolute, that path; `@pty`, a terminal; `@far`, a file beside the
/// root. Nothing else of this machine may be named: calls are made outside of the sandbox too, by root.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(pub(crate) Vec<u8>);

impl Place {
    /// The path a program is to use.
    pub(crate) fn under(&self, root: &Path, pty: &Path) -> PathBuf {
        match self.0.as_slice() {
            b"@pty" => pty.to_owned(),
            b"@far" => root.with_file_name("far"),
            [b'/', ..] => PathBuf::from(std::ffi::OsString::from_vec(self.0.clone())),
            [] => root.to_owned(),
            below => {
                let mut bytes = root.as_os_str().to_owned().into_vec();
                bytes.push(b'/');
                bytes.extend(below);
                PathBuf::from(std::ffi::OsString::from_vec(bytes))
            }
        }
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(".");
        }
        if self.0 == b"." {
            return f.write_str("\\2e");
        }
        for byte in &self.0 {
            match byte {
                b'!'..=b'~' if *byte != b'\\' => write!(f, "{}", char::from(*byte))?,
                _ => write!(f, "\\{byte:02x}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

/// What a tree holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    Of(Kind, Place),
    Tied(Tie, Place, Place),
}

/// What a sandbox is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wish {
    Grant(FsAccess, Place),
    Close(Close, Place),
    Port(PortWish, u16),
    Plain(Plain),
    /// The kernel has this ABI of Landlock, or a lower one.
    Abi(u32),
}

/// What a program does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Call {
    Open(OFlags, Place),
    On(On, Place),
    Between(Between, Place, Place),
    OnPort(OnPort, u16),
    Bare(Bare),
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Case {
    pub(crate) nodes: Vec<Node>,
    pub(crate) wishes: Vec<Wish>,
    pub(crate) calls: Vec<Call>,
}

/// The flags of open(2) that are drawn, but for the mode.
pub(crate) const FLAGS: [(&str, OFlags); 8] = [
    ("CREAT", OFlags::CREATE),
    ("EXCL", OFlags::EXCL),
    ("TRUNC", OFlags::TRUNC),
    ("APPEND", OFlags::APPEND),
    ("NOFOLLOW", OFlags::NOFOLLOW),
    ("PATH", OFlags::PATH),
    // It has the bit of the next.
    ("TMPFILE", OFlags::TMPFILE),
    ("DIRECTORY", OFlags::DIRECTORY),
];

/// The modes, by their numbers; the last is for drivers alone.
pub(crate) const MODES: [&str; 4] = ["RDONLY", "WRONLY", "RDWR", "MODE3"];

fn flags_text(flags: OFlags) -> String {
    let mode = usize::try_from(flags.bits() & 3).unwrap_or(0);
    let mut rest = flags;
    let mut words = vec![MODES[mode]];
    for (name, flag) in FLAGS {
        if rest.contains(flag) {
            words.push(name);
            rest.remove(flag);
        }
    }
    words.join("|")
}

fn flags_of(text: &str) -> Option<OFlags> {
    text.split('|').try_fold(OFlags::empty(), |all, word| {
        let mode = MODES.iter().position(|mode| *mode == word).and_then(|mode| u32::try_from(mode).ok());
        let named = || FLAGS.iter().find(|(name, _)| *name == word).map(|(_, flag)| *flag);
        Some(all | mode.map(OFlags::from_bits_retain).or_else(named)?)
    })
}

impl Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::Of(kind, at) => write!(f, "{} {at}", kind.name()),
            Node::Tied(tie, at, of) => write!(f, "{} {at} {of}", tie.name()),
        }
    }
}

impl Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wish::Grant(access, at) => {
                let names: Vec<&str> = access.iter_names().map(|(name, _)| name).collect();
                write!(f, "grant {} {at}", names.join("|"))
            }
            Wish::Close(how, at) => write!(f, "{} {at}", how.name()),
            Wish::Port(how, port) => write!(f, "{} {port}", how.name()),
            Wish::Plain(one) => f.write_str(one.name()),
            Wish::Abi(abi) => write!(f, "abi {abi}"),
        }
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::Open(flags, at) => write!(f, "call open {} {at}", flags_text(*flags)),
            Call::On(verb, at) => write!(f, "call {} {at}", verb.name()),
            Call::Between(verb, from, to) => write!(f, "call {} {from} {to}", verb.name()),
            Call::OnPort(verb, port) => write!(f, "call {} {port}", verb.name()),
            Call::Bare(verb) => write!(f, "call {}", verb.name()),
        }
    }
}

impl Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.nodes.iter().try_for_each(|one| writeln!(f, "{one}"))?;
        self.wishes.iter().try_for_each(|one| writeln!(f, "{one}"))?;
        self.calls.iter().try_for_each(|one| writeln!(f, "{one}"))
    }
}

fn place(text: &str) -> Option<Place> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'\\' {
            bytes.push(u8::from_str_radix(str::from_utf8(after.get(..2)?).ok()?, 16).ok()?);
            rest = after.get(2..)?;
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    Some(Place(if text == "." { Vec::new() } else { bytes }))
}

fn access(text: &str) -> Option<FsAccess> {
    text.split('|').try_fold(FsAccess::empty(), |all, word| Some(all | FsAccess::from_name(word)?))
}

fn call(words: &[&str]) -> Option<Call> {
    Some(match words {
        ["open", flags, at] => Call::Open(flags_of(flags)?, place(at)?),
        [verb, from, to] => Call::Between(Between::of(verb)?, place(from)?, place(to)?),
        [verb, one] => match (On::of(verb), OnPort::of(verb)) {
            (Some(verb), _) => Call::On(verb, place(one)?),
            (_, Some(verb)) => Call::OnPort(verb, one.parse().ok()?),
            _ => return None,
        },
        [verb] => Call::Bare(Bare::of(verb)?),
        _ => return None,
    })
}

impl Case {
    /// Reads what was printed.
    pub(crate) fn parse(text: &str) -> Case {
        let mut case = Case::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            assert!(case.line(line).is_some(), "no line of a case: {line}");
        }
        case
    }

    fn line(&mut self, line: &str) -> Option<()> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["call", words @ ..] => self.calls.push(call(words)?),
            ["grant", rights, at] => self.wishes.push(Wish::Grant(access(rights)?, place(at)?)),
            ["abi", abi] => self.wishes.push(Wish::Abi(abi.parse().ok()?)),
            [word, at, of] => self.nodes.push(Node::Tied(Tie::of(word)?, place(at)?, place(of)?)),
            [word, one] => match (Kind::of(word), Close::of(word), PortWish::of(word)) {
                (Some(kind), ..) => self.nodes.push(Node::Of(kind, place(one)?)),
                (_, Some(how), _) => self.wishes.push(Wish::Close(how, place(one)?)),
                (.., Some(how)) => self.wishes.push(Wish::Port(how, one.parse().ok()?)),
                _ => return None,
            },
            [word] => self.wishes.push(Wish::Plain(Plain::of(word)?)),
            _ => return None,
        }
        Some(())
    }
}
