//! System V and POSIX message queues, semaphores and shared memory: names that all programs of a user share.

use crate::act::{Act, Attempt, Scene, Stop};
use crate::sys::call;
use nono_tests::attempt::Guarantee::{Files, Ipc};
use nono_tests::attempt::Party::Queue;
use std::ffi::{CString, OsString};
use std::fs;
use std::path::Path;

pub(crate) const ATTEMPTS: &[Attempt] = &[
    Attempt::new("ipc-shared-memory", &[Ipc], shared_memory),
    Attempt::new("ipc-semaphores", &[Ipc], semaphores),
    Attempt::new("ipc-message-queue", &[Ipc], message_queue),
    Attempt::new("ipc-posix-queue", &[Ipc], posix_queue).with(Queue),
    Attempt::new("ipc-posix-shared-memory", &[Files], posix_shared_memory).absent(&["ENOENT"]),
];

const IPC_PRIVATE: i32 = 0;
const IPC_RMID: i32 = 0;

fn shared_memory(_: &Scene) -> Act {
    let segment = call!(libc::SYS_shmget, IPC_PRIVATE, 4096, 0o600)?;
    call!(libc::SYS_shmctl, segment, IPC_RMID, 0)?;
    Ok(())
}

fn semaphores(_: &Scene) -> Act {
    let set = call!(libc::SYS_semget, IPC_PRIVATE, 1, 0o600)?;
    call!(libc::SYS_semctl, set, 0, IPC_RMID, 0)?;
    Ok(())
}

fn message_queue(_: &Scene) -> Act {
    let queue = call!(libc::SYS_msgget, IPC_PRIVATE, 0o600)?;
    call!(libc::SYS_msgctl, queue, IPC_RMID, 0)?;
    Ok(())
}

/// A name of this process only.
fn name() -> String {
    format!("nono-attempt-{}", std::process::id())
}

fn posix_queue(scene: &Scene) -> Act {
    let name = queue_name(scene.dir());
    drop(crate::sys::descriptor(call!(libc::SYS_mq_open, &name, libc::O_CREAT | libc::O_RDWR, 0o600, 0))?);
    Ok(())
}

/// A name that the harness knows too.
fn queue_name(dir: &Path) -> CString {
    let scene = dir.parent().and_then(Path::file_name).unwrap_or_default();
    CString::new(scene.as_encoded_bytes()).unwrap_or_default()
}

/// Removes what the attempt left, for its harness.
pub(crate) fn remove_queue(args: &[OsString]) -> Act {
    let [dir] = args else { return Err(Stop::Unsupported("remove-queue DIR".into())) };
    call!(libc::SYS_mq_unlink, &queue_name(Path::new(dir)))?;
    Ok(())
}

fn posix_shared_memory(_: &Scene) -> Act {
    let path = format!("/dev/shm/{}", name());
    fs::write(&path, "x")?;
    Ok(fs::remove_file(path)?)
}
