//! The kernel's structures and constants, from `linux/seccomp.h` and `linux/filter.h`.
//!
//! The structures are libc's. The assertions hold them, and ours, to the layout the kernel has: a wrong one does not
//! compile. `tests/headers.rs` compares the constants with the headers of the machine.

use crate::instruction::Instruction;
use std::mem::{align_of, offset_of, size_of};

pub(crate) use libc::{seccomp_notif_addfd, seccomp_notif_resp, seccomp_notif_sizes, sock_filter, sock_fprog};

pub(crate) const SET_MODE_FILTER: libc::c_uint = 1;
pub(crate) const GET_ACTION_AVAIL: libc::c_uint = 2;
pub(crate) const GET_NOTIF_SIZES: libc::c_uint = 3;

pub(crate) const FLAG_TSYNC: u32 = 1 << 0;
pub(crate) const FLAG_LOG: u32 = 1 << 1;
pub(crate) const FLAG_SPEC_ALLOW: u32 = 1 << 2;
pub(crate) const FLAG_NEW_LISTENER: u32 = 1 << 3;
pub(crate) const FLAG_TSYNC_ESRCH: u32 = 1 << 4;
pub(crate) const FLAG_WAIT_KILLABLE_RECV: u32 = 1 << 5;

pub(crate) const RESPONSE_CONTINUE: u32 = 1;
pub(crate) const ADDFD_SEND: u32 = 1 << 1;
pub(crate) const SYNC_WAKE_UP: u64 = 1;

pub(crate) const RECV: libc::Ioctl = libc::SECCOMP_IOCTL_NOTIF_RECV;
pub(crate) const SEND: libc::Ioctl = libc::SECCOMP_IOCTL_NOTIF_SEND;
pub(crate) const ID_VALID: libc::Ioctl = libc::SECCOMP_IOCTL_NOTIF_ID_VALID;
/// The direction bits were wrong before 5.8; newer kernels still take it.
pub(crate) const ID_VALID_BEFORE_5_8: libc::Ioctl = ID_VALID ^ (libc::_IOW::<u64>(0, 0) ^ libc::_IOR::<u64>(0, 0));
pub(crate) const ADDFD: libc::Ioctl = libc::SECCOMP_IOCTL_NOTIF_ADDFD;
pub(crate) const SET_FLAGS: libc::Ioctl = libc::SECCOMP_IOCTL_NOTIF_SET_FLAGS;

/// Where the kernel writes a notification: zeroed, aligned for `struct seccomp_notif`.
#[derive(Debug)]
#[repr(C, align(8))]
pub(crate) struct NotificationBuffer(pub(crate) [u8; crate::decode::NOTIFICATION_SIZE]);

/// Asserts a size, an alignment and the offset of each field at compile time.
macro_rules! assert_layout {
    ($type:ty, size $size:literal, align $align:expr, { $($field:tt: $offset:literal),* $(,)? }) => {
        const _: () = {
            assert!(size_of::<$type>() == $size);
            assert!(align_of::<$type>() == $align);
            $(assert!(offset_of!($type, $field) == $offset);)*
        };
    };
}

/// 8 wherever filters can be written for, 4 on some 32-bit machines, where offsets and sizes are the same.
const U64: usize = align_of::<u64>();

assert_layout!(sock_filter, size 8, align 4, { code: 0, jt: 2, jf: 3, k: 4 });
assert_layout!(Instruction, size 8, align 4, { code: 0, jump_true: 2, jump_false: 3, constant: 4 });
assert_layout!(libc::seccomp_data, size 64, align U64, { nr: 0, arch: 4, instruction_pointer: 8, args: 16 });
assert_layout!(libc::seccomp_notif, size 80, align U64, { id: 0, pid: 8, flags: 12, data: 16 });
assert_layout!(NotificationBuffer, size 80, align 8, {});
assert_layout!(seccomp_notif_resp, size 24, align U64, { id: 0, val: 8, error: 16, flags: 20 });
assert_layout!(seccomp_notif_addfd, size 24, align U64, { id: 0, flags: 8, srcfd: 12, newfd: 16, newfd_flags: 20 });
assert_layout!(seccomp_notif_sizes, size 6, align 2, { seccomp_notif: 0, seccomp_notif_resp: 2, seccomp_data: 4 });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ioctl_numbers_are_those_of_every_supported_architecture() {
        for (name, number, expected) in [
            ("RECV", RECV, 0xc050_2100_u32),
            ("SEND", SEND, 0xc018_2101),
            ("ID_VALID", ID_VALID, 0x4008_2102),
            ("ID_VALID before 5.8", ID_VALID_BEFORE_5_8, 0x8008_2102),
            ("ADDFD", ADDFD, 0x4018_2103),
            ("SET_FLAGS", SET_FLAGS, 0x4008_2104),
        ] {
            // The type of a request differs between C libraries, and is signed in some.
            assert_eq!(i128::from(number) & 0xffff_ffff, i128::from(expected), "{name}");
        }
    }
}
