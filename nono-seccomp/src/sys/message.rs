//! sendmsg(2) and recvmsg(2) with one descriptor (`SCM_RIGHTS`, unix(7)), on buffers of fixed size.

use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

/// Room for the control message of one descriptor, aligned for its header.
#[repr(C, align(8))]
struct Control([u8; 64]);

/// What one descriptor takes in a control message.
const PAYLOAD: libc::c_uint = 4;
const _: () = assert!(size_of::<libc::c_int>() == 4);

/// Calls `with` on a message of one byte that has `control` attached.
fn with_message<T>(byte: &mut u8, control: &mut Control, with: impl FnOnce(&mut libc::msghdr) -> T) -> T {
    let mut part = libc::iovec { iov_base: ptr::from_mut(byte).cast(), iov_len: 1 };
    // SAFETY: `msghdr` is a C structure of pointers, lengths and padding (which musl names privately, so that it cannot
    // be written as a literal): all zeros is a value of it, the empty message.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.0.as_mut_ptr().cast();
    // SAFETY: CMSG_SPACE computes with its argument and touches no memory.
    let space = unsafe { libc::CMSG_SPACE(PAYLOAD) };
    message.msg_controllen = space as _;
    with(&mut message)
}

/// Sends one byte with a duplicate of `descriptor`. The socket is connected.
pub(crate) fn send_descriptor(socket: BorrowedFd<'_>, descriptor: BorrowedFd<'_>) -> io::Result<()> {
    let (mut byte, mut control) = (0, Control([0; 64]));
    with_message(&mut byte, &mut control, |message| {
        // SAFETY: `message` points to a control buffer of CMSG_SPACE(4) bytes, more than a header takes, so the macro
        // returns the buffer's start, which is aligned for a header (`Control` is aligned to 8).
        let header = unsafe { libc::CMSG_FIRSTHDR(message) };
        // SAFETY: as above, `CMSG_LEN` only computes.
        let length = unsafe { libc::CMSG_LEN(PAYLOAD) };
        // SAFETY: `header` is that start: inside `control`, aligned, zeroed, and borrowed for writing by `message`.
        let fields = unsafe { &mut *header };
        fields.cmsg_len = length as _;
        fields.cmsg_level = libc::SOL_SOCKET;
        fields.cmsg_type = libc::SCM_RIGHTS;
        // SAFETY: the macro adds the header's size to its argument, which stays inside the 64 bytes of `control`.
        let data = unsafe { libc::CMSG_DATA(header) };
        // SAFETY: CMSG_SPACE(4) leaves 4 bytes at `data`, inside `control`; the write asks for no alignment.
        unsafe { data.cast::<libc::c_int>().write_unaligned(descriptor.as_raw_fd()) };
        loop {
            // SAFETY: all pointers of `message` are to buffers that outlive the call, with their lengths; the kernel
            // reads them. NOSIGNAL: a closed socket is an error number, not a signal.
            let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), message, libc::MSG_NOSIGNAL) };
            match usize::try_from(sent) {
                Ok(_) => return Ok(()),
                Err(_negative) => {
                    let error = io::Error::last_os_error();
                    if error.kind() != io::ErrorKind::Interrupted {
                        return Err(error);
                    }
                }
            }
        }
    })
}

/// Receives one byte and the descriptor with it, which is closed on exec; `None` if there was none.
pub(crate) fn receive_descriptor(socket: BorrowedFd<'_>) -> io::Result<Option<OwnedFd>> {
    let (mut byte, mut control) = (0, Control([0; 64]));
    with_message(&mut byte, &mut control, |message| {
        loop {
            // SAFETY: all pointers of `message` are to buffers that outlive the call and are borrowed for writing, with
            // their lengths, which the kernel keeps to.
            let received = unsafe { libc::recvmsg(socket.as_raw_fd(), message, libc::MSG_CMSG_CLOEXEC) };
            match usize::try_from(received) {
                Ok(_) => return Ok(first_descriptor(message)),
                Err(_negative) => {
                    let error = io::Error::last_os_error();
                    if error.kind() != io::ErrorKind::Interrupted {
                        return Err(error);
                    }
                }
            }
        }
    })
}

/// The descriptor in a message that recvmsg has filled. There is room for one, so the kernel gave no more.
fn first_descriptor(message: &libc::msghdr) -> Option<OwnedFd> {
    // SAFETY: recvmsg set `msg_controllen` to what it wrote; the macro returns null if that is less than a header, else
    // the start of the control buffer.
    let header = unsafe { libc::CMSG_FIRSTHDR(message) };
    // SAFETY: null, or a header that the kernel wrote whole, in a buffer aligned for it that `message` borrows.
    let fields = unsafe { header.as_ref() }?;
    // SAFETY: CMSG_LEN only computes.
    let length = unsafe { libc::CMSG_LEN(PAYLOAD) };
    if fields.cmsg_level != libc::SOL_SOCKET || fields.cmsg_type != libc::SCM_RIGHTS || fields.cmsg_len != length as _ {
        return None;
    }
    // SAFETY: the macro adds the header's size to `header`, and the header says that 4 bytes follow it.
    let data = unsafe { libc::CMSG_DATA(header) };
    // SAFETY: those 4 bytes are a descriptor's number, written by the kernel; the read asks for no alignment.
    let number = unsafe { data.cast::<libc::c_int>().read_unaligned() };
    // SAFETY: SCM_RIGHTS made this descriptor for this process and nothing else knows its number; it is taken once, as
    // the message is dropped by the only caller.
    Some(unsafe { OwnedFd::from_raw_fd(number) })
}
