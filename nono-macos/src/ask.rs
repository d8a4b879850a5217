//! From what a program does to the operations that Seatbelt is asked about.

use crate::eval::{EvalError, Protocol, Subject, decision};
use crate::operation::Operation::{
    self, FileIoctl, FileLink, FileMknod, FileReadData, FileWriteCreate, FileWriteData, FileWriteUnlink, NetworkBind,
    NetworkInbound, NetworkOutbound, ProcessExec, Signal,
};
use crate::place::kernel_path;
use crate::sbpl::{Effect, End, Profile};
use nono_core::{Host, NodeKind, OpenFlags, Request};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Whether `profile` allows `request`; none for what macOS does not have (abstract sockets, files without a name).
///
/// # Errors
/// [`EvalError`]: the profile means different things on different systems.
pub fn allows(profile: &Profile, request: &Request) -> Result<Option<bool>, EvalError> {
    let path = |operations: &[Operation], path: &Path, kind| {
        let path = kernel_path(path);
        all(profile, operations, Subject::Path(path.as_os_str().as_bytes(), kind))
    };
    let answer = match request {
        Request::Open { flags, .. } if flags.contains(OpenFlags::UNNAMED) => return Ok(None),
        Request::Open { path: file, flags } => {
            let directory = flags.contains(OpenFlags::DIRECTORY);
            let kind = if directory { NodeKind::Directory } else { NodeKind::Regular };
            path(&opening(*flags), file, kind)?
        }
        Request::Make { path: name, kind } => path(making(*kind), name, *kind)?,
        Request::Remove { path: name, kind } => path(&[FileWriteUnlink], name, *kind)?,
        Request::Rename { from, to, kind, replaces } => {
            let replaced = match replaces {
                Some(gone) => path(&[FileWriteUnlink], to, *gone)?,
                None => true,
            };
            replaced && path(&[FileWriteUnlink], from, *kind)? && path(&[FileWriteCreate], to, *kind)?
        }
        // Which of the two names the filter sees is not known, so both are asked.
        Request::Link { from, to, kind } => {
            path(&[FileLink], from, *kind)? && path(&[FileLink, FileWriteCreate], to, *kind)?
        }
        Request::Truncate { path: file } => path(&[FileWriteData], file, NodeKind::Regular)?,
        Request::Execute { path: file } => path(&[ProcessExec, FileReadData], file, NodeKind::Regular)?,
        Request::Ioctl { path: file } => path(&[FileIoctl], file, NodeKind::CharDevice)?,
        Request::UnixConnect { path: socket } => path(&[NetworkOutbound], socket, NodeKind::Socket)?,
        Request::Connect { port, host } => {
            all(profile, &[NetworkOutbound], Subject::Address(End::Remote, Protocol::Tcp, *host, *port))?
        }
        Request::Bind { port } => {
            let own = Subject::Address(End::Local, Protocol::Tcp, Host::Other, *port);
            all(profile, &[NetworkBind, NetworkInbound], own)?
        }
        Request::UdpSend { port } => {
            all(profile, &[NetworkOutbound], Subject::Address(End::Remote, Protocol::Udp, Host::Other, *port))?
        }
        Request::UdpBind { port } => {
            all(profile, &[NetworkBind], Subject::Address(End::Local, Protocol::Udp, Host::Other, *port))?
        }
        Request::Signal => all(profile, &[Signal], Subject::ProcessOutside)?,
        _ => return Ok(None),
    };
    Ok(Some(answer))
}

fn all(profile: &Profile, operations: &[Operation], subject: Subject<'_>) -> Result<bool, EvalError> {
    let mut allowed = true;
    for operation in operations {
        // Each is asked, also after a no, so that an ambiguous one is found.
        allowed &= decision(profile, *operation, subject)? == Effect::Allow;
    }
    Ok(allowed)
}

fn opening(flags: OpenFlags) -> Vec<Operation> {
    let operations =
        [(OpenFlags::READ, FileReadData), (OpenFlags::WRITE, FileWriteData), (OpenFlags::CREATE, FileWriteCreate)];
    let mut needed: Vec<Operation> =
        operations.iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, operation)| *operation).collect();
    // A new file is empty: there is nothing to truncate.
    if flags.contains(OpenFlags::TRUNCATE) && !flags.contains(OpenFlags::CREATE) {
        needed.push(FileWriteData);
    }
    needed
}

fn making(kind: NodeKind) -> &'static [Operation] {
    match kind {
        NodeKind::Socket => &[FileWriteCreate, NetworkBind],
        NodeKind::CharDevice | NodeKind::BlockDevice => &[FileWriteCreate, FileMknod],
        _ => &[FileWriteCreate],
    }
}
