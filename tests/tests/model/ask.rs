//! A call as questions to the model: which objects its paths lead to, and what is asked of them.

use crate::act::Scene;
use crate::case::{Bare, Between, Call, On, OnPort, Place};
use crate::walk::{Walk, walk};
use nono_core::{Host, NodeKind, OpenFlags, Port, Request};
use rustix::fs::OFlags;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A call, looked up.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) walks: Vec<Walk>,
    /// What the model is asked, in the kernel's order.
    pub(crate) requests: Vec<Request>,
}

impl Asked {
    /// Whether two names of one object are given, below whatever is mounted there: nothing is moved then, and that succeeds
    /// (fs/namei.c, `vfs_rename`).
    pub(crate) fn moves_nothing(&self) -> bool {
        matches!(self.walks.as_slice(), [from, to] if from.identity.is_some() && from.identity == to.identity)
    }
}

/// Looks a call up in the tree as it is; none if a path of it leads nowhere.
pub(crate) fn ask(call: &Call, scene: &Scene) -> Option<Asked> {
    let look = |place: &Place, follow| walk(&place.under(&scene.root, &scene.pty), follow);
    let (walks, requests) = match call {
        Call::Open(flags, at) => {
            let exclusive = flags.contains(OFlags::CREATE | OFlags::EXCL) && !flags.contains(OFlags::PATH);
            let walk = look(at, !flags.contains(OFlags::NOFOLLOW) && !exclusive)?;
            let request = Request::open(&walk.end, open_flags(*flags, walk.kind));
            (vec![walk], vec![request])
        }
        Call::On(verb, at) => {
            let walk = look(at, follows(*verb))?;
            let mut requests = on(*verb, &walk)?;
            let mut walks = vec![walk];
            if *verb == On::Execute {
                for walk in interpreters(&walks[0]) {
                    requests.push(Request::Execute { path: walk.end.clone() });
                    walks.push(walk);
                }
            }
            (walks, requests)
        }
        Call::Between(verb, from, to) => {
            let (from, to) = (look(from, *verb == Between::LinkFollow)?, look(to, false)?);
            let requests = between(*verb, &from, &to)?;
            (vec![from, to], requests)
        }
        Call::OnPort(verb, port) => (Vec::new(), vec![on_port(*verb, Port::try_from(*port).ok()?)]),
        Call::Bare(Bare::ListenAny) => (Vec::new(), Vec::new()),
        Call::Bare(Bare::Abstract) => (Vec::new(), vec![Request::AbstractConnect]),
        Call::Bare(Bare::Signal) => (Vec::new(), vec![Request::Signal]),
    };
    Some(Asked { walks, requests })
}

/// The flags of open(2), as the model has them.
fn open_flags(flags: OFlags, kind: Option<NodeKind>) -> OpenFlags {
    if flags.contains(OFlags::PATH) {
        return OpenFlags::empty();
    }
    let mut asked = match flags.bits() & 3 {
        0 => OpenFlags::READ,
        1 => OpenFlags::WRITE,
        2 => OpenFlags::READ | OpenFlags::WRITE,
        // Neither reads nor writes, though it takes permission for both (fs/open.c, build_open_flags).
        _ => OpenFlags::empty(),
    };
    if flags.contains(OFlags::TMPFILE) {
        // It is empty: nothing is truncated (fs/namei.c, do_tmpfile).
        return asked | OpenFlags::UNNAMED;
    }
    asked.set(OpenFlags::DIRECTORY, kind == Some(NodeKind::Directory));
    asked.set(OpenFlags::CREATE, kind.is_none() && flags.contains(OFlags::CREATE));
    // Only regular files are emptied (fs/namei.c, do_open).
    let empties = kind.is_none_or(|kind| kind == NodeKind::Regular);
    asked.set(OpenFlags::TRUNCATE, empties && flags.contains(OFlags::TRUNC));
    asked
}

fn follows(verb: On) -> bool {
    matches!(verb, On::List | On::Truncate | On::Execute | On::Ioctl | On::Connect | On::Send)
}

fn on(verb: On, walk: &Walk) -> Option<Vec<Request>> {
    let path = walk.end.clone();
    let make = |kind| Request::Make { path: path.clone(), kind };
    Some(vec![match verb {
        On::List => Request::open(path, OpenFlags::READ | OpenFlags::DIRECTORY),
        On::Mkdir => make(NodeKind::Directory),
        On::Symlink => make(NodeKind::Symlink),
        On::Regular => make(NodeKind::Regular),
        On::Fifo => make(NodeKind::Fifo),
        On::Socket | On::BindUnix => make(NodeKind::Socket),
        On::Char | On::Whiteout => make(NodeKind::CharDevice),
        On::Block => make(NodeKind::BlockDevice),
        On::Unlink | On::Rmdir => Request::Remove { path, kind: walk.kind? },
        On::Truncate => Request::Truncate { path },
        On::Execute => Request::Execute { path },
        On::Ioctl => {
            let opened = Request::open(&path, OpenFlags::READ | OpenFlags::WRITE);
            return Some(vec![opened, Request::Ioctl { path }]);
        }
        On::Connect | On::Send => Request::UnixConnect { path },
    }])
}

/// The interpreter of a script, and its interpreter: what is behind `#!`, to the first blank (`fs/binfmt_script.c`).
fn interpreters(script: &Walk) -> Vec<Walk> {
    let mut found: Vec<Walk> = Vec::new();
    // The kernel goes no further (fs/exec.c, exec_binprm).
    for _ in 0..5 {
        let current = found.last().unwrap_or(script);
        let content = if current.kind == Some(NodeKind::Regular) { std::fs::read(&current.end) } else { break };
        let content = content.unwrap_or_default();
        let Some(line) = content.strip_prefix(b"#!") else { break };
        let path = line.trim_ascii_start().split(u8::is_ascii_whitespace).next().unwrap_or_default();
        let Some(walk) = walk(Path::new(OsStr::from_bytes(path)), true) else { break };
        found.push(walk);
    }
    found
}

fn between(verb: Between, from: &Walk, to: &Walk) -> Option<Vec<Request>> {
    let kind = from.kind?;
    let rename = |from: &Walk, to: &Walk, kind, replaces| Request::Rename {
        from: from.end.clone(),
        to: to.end.clone(),
        kind,
        replaces,
    };
    Some(match verb {
        Between::Rename => vec![rename(from, to, kind, to.kind)],
        Between::NoReplace => vec![rename(from, to, kind, None)],
        // Each goes where the other was.
        Between::Exchange => {
            let other = to.kind?;
            vec![rename(from, to, kind, Some(other)), rename(to, from, other, Some(kind))]
        }
        Between::Link | Between::LinkFollow => {
            vec![Request::Link { from: from.end.clone(), to: to.end.clone(), kind }]
        }
    })
}

fn on_port(verb: OnPort, port: Port) -> Request {
    match verb {
        OnPort::Connect => Request::Connect { port, host: Host::ThisMachine },
        OnPort::Bind | OnPort::Listen => Request::Bind { port },
        OnPort::UdpSend => Request::UdpSend { port },
        OnPort::UdpBind => Request::UdpBind { port },
    }
}
