//! Bytes from the kernel or from a target, taken apart.
//!
//! Everything here is a function of a slice, for a target chooses these bytes: no function may panic or read past the
//! end, whatever they are. The targets in `fuzz/` of the workspace hold them to it.

use crate::error::Malformed;
use crate::{Call, Syscall};
use std::ffi::CString;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};

/// The longest path a call may be given, its NUL included (`PATH_MAX`).
pub const PATH_MAX: usize = 4096;
/// The smallest `open_how` (`OPEN_HOW_SIZE_VER0`).
pub const OPEN_HOW_MIN: usize = 24;
/// The largest `open_how`: a page.
pub const OPEN_HOW_MAX: usize = 4096;
/// The largest socket address (`struct sockaddr_storage`).
pub const ADDRESS_MAX: usize = 128;
/// What the kernel writes for a notification (`struct seccomp_notif`).
pub const NOTIFICATION_SIZE: usize = 80;

/// A notification as the kernel writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawNotification {
    /// By which it is answered.
    pub id: u64,
    /// The calling thread, as the listener's owner sees it; 0 if it does not.
    pub thread: u32,
    /// Reserved: 0 so far.
    pub flags: u32,
    /// The call.
    pub call: Call,
}

/// How a file is to be opened: the part of `struct open_how` that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct OpenHow {
    /// `O_*`. The kernel refuses unknown ones for `openat2`, all 64 bits of them.
    pub flags: u64,
    /// Permission bits of a new file.
    pub mode: u64,
    /// `RESOLVE_*`.
    pub resolve: u64,
}

/// An address given to `connect`, `bind` or `sendto`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SocketAddress {
    /// No address: of length 0, or `AF_UNSPEC`, which disconnects.
    Unspecified,
    /// A Unix socket without a name: the kernel picks one.
    UnixUnnamed,
    /// A Unix socket in the file system; bytes up to the first NUL.
    UnixPath(Vec<u8>),
    /// A Unix socket in the abstract space; all bytes after the first NUL count.
    UnixAbstract(Vec<u8>),
    /// IPv4.
    Inet(SocketAddrV4),
    /// IPv6.
    Inet6(SocketAddrV6),
    /// Another family, with all its bytes.
    Other {
        /// `AF_*`.
        family: u16,
        /// The whole address, the family included.
        bytes: Vec<u8>,
    },
}

/// The notification in the bytes the kernel wrote; `None` if they are too few.
pub fn notification(bytes: &[u8]) -> Option<RawNotification> {
    let mut arguments = [0; 6];
    for (argument, at) in arguments.iter_mut().zip((32..).step_by(8)) {
        *argument = u64_at(bytes, at)?;
    }
    let call = Call {
        number: u32_at(bytes, 16)?,
        arch: u32_at(bytes, 20)?,
        instruction_pointer: u64_at(bytes, 24)?,
        arguments,
    };
    Some(RawNotification { id: u64_at(bytes, 0)?, thread: u32_at(bytes, 8)?, flags: u32_at(bytes, 12)?, call })
}

/// Checks the size a caller gave for an `open_how`, before anything is read.
///
/// # Errors
/// [`Malformed::OpenHowTooSmall`] and [`Malformed::OpenHowTooLarge`], as the kernel checks it.
pub fn open_how_size(size: u64) -> Result<usize, Malformed> {
    match usize::try_from(size) {
        Ok(size) if size < OPEN_HOW_MIN => Err(Malformed::OpenHowTooSmall { size: widen(size) }),
        Ok(size) if size <= OPEN_HOW_MAX => Ok(size),
        _ => Err(Malformed::OpenHowTooLarge { size }),
    }
}

/// The `open_how` in these bytes, which are all that the caller gave.
///
/// # Errors
/// Those of [`open_how_size`]; [`Malformed::OpenHowUnknown`] if there is anything but zeros after what is known.
pub fn open_how(bytes: &[u8]) -> Result<OpenHow, Malformed> {
    let size = widen(bytes.len());
    open_how_size(size)?;
    let too_small = Malformed::OpenHowTooSmall { size };
    let field = |at| u64_at(bytes, at).ok_or(too_small);
    let how = OpenHow { flags: field(0)?, mode: field(8)?, resolve: field(16)? };
    let tail = bytes.get(OPEN_HOW_MIN..).unwrap_or_default();
    if tail.iter().any(|byte| *byte != 0) { Err(Malformed::OpenHowUnknown) } else { Ok(how) }
}

/// The string up to the first NUL; `None` if there is none.
pub fn path(bytes: &[u8]) -> Option<CString> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    CString::new(bytes.get(..end)?).ok()
}

/// Checks the length a caller gave for a socket address (an `int`), before anything is read.
///
/// # Errors
/// [`Malformed::AddressLength`] above 128 or below 0, as the kernel checks it.
pub fn socket_address_length(length: u64) -> Result<usize, Malformed> {
    // The kernel reads an int: only the low half counts, and its top bit makes it negative.
    let low = length & u64::from(u32::MAX);
    match usize::try_from(low) {
        Ok(length) if length <= ADDRESS_MAX => Ok(length),
        _ => Err(Malformed::AddressLength { size: low }),
    }
}

/// The socket address in these bytes, which are all that the caller gave.
///
/// # Errors
/// [`Malformed::AddressLength`] if they are more than 128, or fewer than the family needs.
pub fn socket_address(bytes: &[u8]) -> Result<SocketAddress, Malformed> {
    let size = widen(bytes.len());
    socket_address_length(size)?;
    let wrong = Malformed::AddressLength { size };
    if bytes.is_empty() {
        return Ok(SocketAddress::Unspecified);
    }
    let family = u16::from_ne_bytes(array_at(bytes, 0).ok_or(wrong)?);
    let rest = bytes.get(2..).unwrap_or_default();
    match libc::c_int::from(family) {
        libc::AF_UNSPEC => Ok(SocketAddress::Unspecified),
        libc::AF_UNIX => unix_address(rest).ok_or(wrong),
        libc::AF_INET => inet_address(bytes).ok_or(wrong),
        libc::AF_INET6 => inet6_address(bytes).ok_or(wrong),
        _ => Ok(SocketAddress::Other { family, bytes: bytes.to_vec() }),
    }
}

/// `rest` is what follows the family; the kernel takes at most 108 bytes of it.
fn unix_address(rest: &[u8]) -> Option<SocketAddress> {
    match rest {
        [] => Some(SocketAddress::UnixUnnamed),
        _ if rest.len() > 108 => None,
        [0, name @ ..] => Some(SocketAddress::UnixAbstract(name.to_vec())),
        _ => Some(SocketAddress::UnixPath(rest.iter().copied().take_while(|byte| *byte != 0).collect())),
    }
}

fn inet_address(bytes: &[u8]) -> Option<SocketAddress> {
    bytes.get(..16)?;
    let address = Ipv4Addr::from(array_at::<4>(bytes, 4)?);
    Some(SocketAddress::Inet(SocketAddrV4::new(address, u16::from_be_bytes(array_at(bytes, 2)?))))
}

/// The scope was added later: the kernel takes 24 bytes without it.
fn inet6_address(bytes: &[u8]) -> Option<SocketAddress> {
    let port = u16::from_be_bytes(array_at(bytes, 2)?);
    let flow = u32::from_be_bytes(array_at(bytes, 4)?);
    let address = Ipv6Addr::from(array_at::<16>(bytes, 8)?);
    let scope = u32_at(bytes, 24).unwrap_or_default();
    Some(SocketAddress::Inet6(SocketAddrV6::new(address, port, flow, scope)))
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array_at(bytes, at).map(u32::from_ne_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    array_at(bytes, at).map(u64::from_ne_bytes)
}

fn widen(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

impl RawNotification {
    /// Which system call it is about.
    pub const fn syscall(&self) -> Syscall {
        self.call.syscall()
    }
}

#[cfg(test)]
mod tests;
