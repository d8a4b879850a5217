//! The terminal: typing into it what its owner's shell will read.

use crate::act::{Act, Attempt, Scene, effect, reached};
use crate::sys::call;
use nono_tests::attempt::Guarantee::{self, Terminal};
use nono_tests::attempt::Party::Terminal as Tty;
use nono_tests::attempt::Promise;
use rustix::io::Errno;
use rustix::stdio::stdin;
use std::fs::OpenOptions;
use std::os::fd::{AsFd, BorrowedFd};

const TERMINAL: &[Guarantee] = &[Terminal];
/// Newer kernels can have TIOCSTI switched off (`dev.tty.legacy_tiocsti`).
const SWITCHED_OFF: &[&str] = &["EIO"];

pub(crate) const ATTEMPTS: &[Attempt] = &[
    Attempt::new("tty-type", TERMINAL, |_| type_line(stdin(), i64::from(TIOCSTI))).with(Tty).absent(SWITCHED_OFF),
    Attempt::new("tty-type-high-bit", TERMINAL, |_| type_line(stdin(), i64::from(TIOCSTI) | 1 << 32))
        .with(Tty)
        .absent(SWITCHED_OFF),
    Attempt::new("tty-type-dev-tty", TERMINAL, type_dev_tty).with(Tty).absent(SWITCHED_OFF),
    Attempt::new("tty-console-ioctl", TERMINAL, |_| console(i64::from(TIOCLINUX))).with(Tty),
    Attempt::new("tty-console-ioctl-high-bit", TERMINAL, |_| console(i64::from(TIOCLINUX) | 1 << 32)).with(Tty),
    Attempt::new("tty-line-discipline", TERMINAL, line_discipline).with(Tty),
    Attempt::new("tty-key-string", TERMINAL, |_| keyboard(0x4b49)).with(Tty),
    Attempt::new("tty-key-map", TERMINAL, |_| keyboard(0x4b47)).with(Tty),
    Attempt::new("tty-window-size", TERMINAL, window_size).with(Tty).promise(Promise::Works),
];

const TIOCSTI: i32 = 0x5412;
const TIOCLINUX: i32 = 0x541C;

/// Puts a character and a newline into the input queue, and looks whether a reader would get them.
fn type_line(terminal: BorrowedFd<'_>, request: i64) -> Act {
    for byte in [b"x", b"\n"] {
        call!(libc::SYS_ioctl, terminal, request, &byte[..])?;
    }
    effect(rustix::io::ioctl_fionread(terminal)? >= 2, "the line is not there")
}

fn type_dev_tty(_: &Scene) -> Act {
    let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    type_line(terminal.as_fd(), i64::from(TIOCSTI))
}

/// Only a virtual console knows it (there it can select and paste); a pseudo-terminal that says so was asked.
fn console(request: i64) -> Act {
    const SHIFT_STATE: u8 = 6;
    let mut argument = [SHIFT_STATE, 0, 0, 0, 0, 0, 0, 0];
    reached(&call!(libc::SYS_ioctl, stdin(), request, &mut argument[..]), &[Errno::NOTTY])
}

/// Sets the discipline that a terminal has anyway (`N_TTY`).
fn line_discipline(_: &Scene) -> Act {
    const TIOCSETD: i64 = 0x5423;
    let mut number = [0_u64];
    call!(libc::SYS_ioctl, stdin(), TIOCSETD, &mut number)?;
    Ok(())
}

/// What a key types is a console's to change; a pseudo-terminal that says that it is none was asked.
fn keyboard(request: i64) -> Act {
    let mut entry = [0_u64; 65];
    reached(&call!(libc::SYS_ioctl, stdin(), request, &mut entry), &[Errno::NOTTY])
}

/// What an interactive program asks first.
fn window_size(_: &Scene) -> Act {
    rustix::termios::tcgetwinsize(stdin())?;
    rustix::termios::tcgetattr(stdin())?;
    Ok(())
}
