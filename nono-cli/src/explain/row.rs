//! One line for each thing that was refused.

use super::remedy::{Cure, Remedies};
use crate::platform::{Refused, RefusedCall, What};
use nono_core::{OpenFlags, Request};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// What a refusal was about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Object {
    Path(PathBuf),
    /// So many files of a directory are shown as one.
    Files(PathBuf),
    Port(u16),
    AnyPort,
    Call(String),
}

/// A line.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) object: Object,
    pub(super) wanted: BTreeSet<&'static str>,
    pub(super) programs: BTreeSet<PathBuf>,
    pub(super) count: u64,
    pub(super) cure: Cure,
    pub(super) protected: bool,
}

/// Errors by which a kernel says that it lacks something: programs try, and go on without.
const PROBES: [i32; 4] = [libc::ENOSYS, libc::EAFNOSUPPORT, libc::EOPNOTSUPP, libc::EPROTONOSUPPORT];

/// Parts what mattered from what programs went on without, which is counted. What only looks like that matters if the command
/// failed and nothing else was refused.
pub(super) fn matter(refused: &[Refused], failed: bool) -> (Vec<&Refused>, u64) {
    let is_probe = |one: &Refused| match &one.what {
        What::Call(call) => PROBES.contains(&call.errno),
        What::Request(Request::Open { path, .. } | Request::Make { path, .. }) => is_cache(path),
        _ => false,
    };
    let (recovered, rest): (Vec<_>, Vec<_>) = refused.iter().partition(|one| one.recovered);
    let (probes, mut shown): (Vec<_>, Vec<_>) = rest.into_iter().partition(|one| is_probe(one));
    let mut folded = recovered.len();
    if failed && shown.is_empty() {
        shown = probes;
    } else {
        folded = folded.saturating_add(probes.len());
    }
    (shown, u64::try_from(folded).unwrap_or(u64::MAX))
}

/// Compiled modules of Python, which it keeps where it can (PEP 3147).
fn is_cache(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "__pycache__")
}

/// The lines, in the order in which things were asked for.
pub(super) fn rows(refused: &[&Refused], remedies: &mut Remedies<'_>) -> Vec<Row> {
    remedies.expect(refused.iter().filter_map(|one| match &one.what {
        What::Request(request) => Some(request),
        _ => None,
    }));
    let mut rows: Vec<Row> = Vec::new();
    let mut known: HashMap<Object, usize> = HashMap::new();
    for one in refused {
        let (object, wanted) = describe(&one.what, remedies);
        let cure = match &one.what {
            What::Request(request) => remedies.cure(request),
            What::Call(call) => remedies.cure_call(call),
            _ => remedies.network(),
        };
        let at = *known.entry(object.clone()).or_insert(rows.len());
        if at == rows.len() {
            let path = match &object {
                Object::Path(path) | Object::Files(path) => Some(path),
                _ => None,
            };
            let protected = path.is_some_and(|path| remedies.is_protected(path));
            let (wanted, programs) = (BTreeSet::new(), BTreeSet::new());
            rows.push(Row { object, wanted, programs, count: 0, cure, protected });
        }
        if let Some(row) = rows.get_mut(at) {
            row.wanted.extend(wanted);
            row.programs.extend(one.program.clone());
            row.count = row.count.saturating_add(one.count);
        }
    }
    rows
}

fn describe(what: &What, remedies: &Remedies<'_>) -> (Object, Vec<&'static str>) {
    let path = |path: &Path| Object::Path(path.to_owned());
    let request = match what {
        What::Request(request) => request,
        What::Call(call) => return (Object::Call(name(call)), vec!["call"]),
        What::Listen => return (Object::AnyPort, vec!["listen"]),
        _ => return (Object::AnyPort, vec!["bind"]),
    };
    match request {
        Request::Open { path: file, flags } => {
            let crowd = remedies.crowd(file).map(|directory| Object::Files(directory.to_owned()));
            (crowd.unwrap_or_else(|| path(file)), words(*flags))
        }
        Request::Execute { path: file } => {
            let crowd = remedies.crowd(file).map(|directory| Object::Files(directory.to_owned()));
            (crowd.unwrap_or_else(|| path(file)), vec!["execute"])
        }
        Request::Make { path: file, .. } => (path(file), vec!["create"]),
        Request::Remove { path: file, .. } => (path(file), vec!["delete"]),
        Request::Rename { to, .. } => (path(to), vec!["rename"]),
        Request::Link { to, .. } => (path(to), vec!["link"]),
        Request::Truncate { path: file } => (path(file), vec!["truncate"]),
        Request::Ioctl { path: file } => (path(file), vec!["ioctl"]),
        Request::UnixConnect { path: file } => (path(file), vec!["connect"]),
        Request::Connect { port, .. } => (Object::Port(port.get()), vec!["connect"]),
        Request::UdpSend { port } => (Object::Port(port.get()), vec!["send"]),
        Request::Bind { port } | Request::UdpBind { port } => (Object::Port(port.get()), vec!["bind"]),
        Request::AbstractConnect => (Object::Call("an abstract unix socket".into()), vec!["connect"]),
        _ => (Object::Call("another process".into()), vec!["reach"]),
    }
}

fn words(flags: OpenFlags) -> Vec<&'static str> {
    let question = nono_core::Question { process: 0, program: None, path: PathBuf::new(), flags };
    question.words()
}

/// A call as it is shown; of a socket, which kind.
fn name(call: &RefusedCall) -> String {
    let Some((family, kind)) = call.socket else { return call.name.to_owned() };
    let family = match family {
        1 => "unix".to_owned(),
        2 => "IPv4".to_owned(),
        10 => "IPv6".to_owned(),
        16 => "netlink".to_owned(),
        17 => "packet".to_owned(),
        other => format!("family {other}"),
    };
    let kind = match kind {
        1 => "stream",
        2 => "datagram",
        3 => "raw",
        _ => "other",
    };
    format!("{} ({family}, {kind})", call.name)
}
