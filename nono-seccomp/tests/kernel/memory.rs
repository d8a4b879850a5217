//! Reading what a target points to.

use crate::child::{features, isolated, skip};
use crate::raw;
use crate::target::{notified, serve_all};
use nono_seccomp::{Errno, Malformed, OpenHow, SocketAddress, TargetError};
use std::fs::File;
use std::io::Write;
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};

const PAGE: u64 = 4096;

/// Runs `body` in a child if the kernel has notification.
fn with_notification<T: Copy>(test: T, body: impl FnOnce()) {
    isolated(test, || if features().notification { body() } else { skip("notification") });
}

/// Maps two pages, unmaps the second if told to, and puts `bytes` so that they begin `before_end` bytes before its end.
fn mapped(bytes: &[u8], before_end: u64, guarded: bool) -> u64 {
    // PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS
    let pages = u64::try_from(raw::call("mmap", [0, 2 * PAGE, 3, 0x22, u64::MAX, 0]).unwrap()).unwrap();
    if guarded {
        raw::call("munmap", [pages + PAGE, PAGE, 0, 0, 0, 0]).unwrap();
    }
    let address = pages + PAGE - before_end;
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    let number = u64::try_from(file.as_raw_fd()).unwrap();
    let length = u64::try_from(bytes.len()).unwrap();
    let read = raw::call("pread64", [number, address, length, 0, 0, 0]).unwrap();
    assert_eq!(u64::try_from(read).unwrap(), length, "the kernel wrote the mapping");
    address
}

/// What is read of the path at `address`, given to `mkdirat`.
fn path_at(address: u64) -> Result<Vec<u8>, TargetError> {
    let mut read = None;
    let act = move || drop(raw::call("mkdirat", [0, address, 0, 0, 0, 0]));
    notified(&["mkdirat"], act, |listener| {
        serve_all(listener, |notification| {
            read = Some(notification.target().path(notification.call().arguments[1]));
            notification.fail(Errno::EPERM).unwrap();
        });
    });
    read.unwrap().map(std::ffi::CString::into_bytes)
}

#[test]
fn a_path_may_end_where_memory_does() {
    with_notification(a_path_may_end_where_memory_does, || {
        assert_eq!(path_at(mapped(b"/a/\xff\0", 5, true)).unwrap(), b"/a/\xff");
        assert_eq!(path_at(mapped(b"\0", 1, true)).unwrap(), b"");
    });
}

#[test]
fn a_path_may_cross_a_page() {
    with_notification(a_path_may_cross_a_page, || {
        assert_eq!(path_at(mapped(b"/a/path/across\0", 5, false)).unwrap(), b"/a/path/across");
        let long = [vec![b'x'; 4095], vec![0]].concat();
        for before_end in [1, 2000, PAGE] {
            assert_eq!(path_at(mapped(&long, before_end, false)).unwrap(), long[..4095], "{before_end} before the end");
        }
    });
}

#[test]
fn paths_that_cannot_be_read_are_told_apart() {
    with_notification(paths_that_cannot_be_read_are_told_apart, || {
        let endless = vec![b'x'; 4096];
        for before_end in [1, 2000, PAGE] {
            let read = path_at(mapped(&endless, before_end, false));
            assert!(matches!(read, Err(TargetError::Malformed(Malformed::PathTooLong))), "{read:?}");
        }
        for address in [0, 1, u64::MAX, u64::MAX - PAGE, mapped(b"/cut", 4, true)] {
            let read = path_at(address);
            assert!(matches!(read, Err(TargetError::Unreadable { .. })), "{address:#x}: {read:?}");
        }
    });
}

#[test]
fn open_how_is_judged_by_size_and_tail() {
    with_notification(open_how_is_judged_by_size_and_tail, || {
        let mut bytes = vec![0_u8; 5000];
        bytes[0] = 1;
        let mut tail = bytes.clone();
        tail[4095] = 1;
        let how = OpenHow { flags: u64::from_ne_bytes([1, 0, 0, 0, 0, 0, 0, 0]), mode: 0, resolve: 0 };
        let rows = [
            (&bytes, 24, Ok(how)),
            (&bytes, 4096, Ok(how)),
            (&bytes, 0, Err(Errno::EINVAL)),
            (&bytes, 23, Err(Errno::EINVAL)),
            (&bytes, 4097, Err(Errno::E2BIG)),
            (&bytes, u64::MAX, Err(Errno::E2BIG)),
            (&tail, 4095, Ok(how)),
            (&tail, 4096, Err(Errno::E2BIG)),
        ];
        for (bytes, size, expected) in rows {
            let mut read = None;
            let act = || raw::call("openat2", [0, 0, bytes.as_ptr().addr() as u64, size, 0, 0]).map(drop);
            let result = notified(&["openat2"], act, |listener| {
                serve_all(listener, |notification| {
                    let [_, _, address, size, ..] = notification.call().arguments;
                    let how = notification.target().open_how(address, size).map_err(|error| error.errno().unwrap());
                    read = Some(how);
                    notification.fail(how.err().unwrap_or(Errno::EXDEV)).unwrap();
                });
            });
            assert_eq!(read, Some(expected), "size {size}");
            let errno = result.unwrap_err().raw_os_error();
            assert_eq!(errno, Some(i32::from(expected.err().unwrap_or(Errno::EXDEV).number())), "size {size}");
        }
    });
}

#[test]
fn the_kernel_judges_open_how_as_we_do() {
    with_notification(the_kernel_judges_open_how_as_we_do, || {
        let mut bytes = vec![0_u8; 5000];
        bytes[4095] = 1;
        let (name, address) = (c"/dev/null", bytes.as_ptr().addr() as u64);
        for size in [0, 23, 24, 25, 4095, 4096, 4097] {
            let ours = match usize::try_from(size).map(|size| nono_seccomp::decode::open_how(&bytes[..size])).unwrap() {
                Ok(_) => None,
                Err(malformed) => Some(i32::from(malformed.errno().number())),
            };
            let kernels = raw::call("openat2", [0, name.as_ptr().addr() as u64, address, size, 0, 0]);
            if matches!(&kernels, Err(error) if error.raw_os_error() == Some(libc::ENOSYS)) {
                return skip("openat2");
            }
            assert_eq!(kernels.err().and_then(|error| error.raw_os_error()), ours, "size {size}");
        }
    });
}

/// What is read of the address that `act` connects to.
fn connecting(act: impl FnOnce() + Send) -> SocketAddress {
    let mut read = None;
    notified(&["connect"], act, |listener| {
        serve_all(listener, |notification| {
            let [_, address, length, ..] = notification.call().arguments;
            read = Some(notification.target().socket_address(address, length).unwrap());
            notification.fail(Errno::ECONNREFUSED).unwrap();
        });
    });
    read.unwrap()
}

#[test]
fn socket_addresses_by_family() {
    with_notification(socket_addresses_by_family, || {
        let unix = connecting(|| drop(UnixStream::connect("/run/nono/socket")));
        assert_eq!(unix, SocketAddress::UnixPath(b"/run/nono/socket".to_vec()));
        let named = SocketAddr::from_abstract_name(b"no\0no").unwrap();
        let hidden = connecting(move || drop(UnixStream::connect_addr(&named)));
        assert_eq!(hidden, SocketAddress::UnixAbstract(b"no\0no".to_vec()));
        let inet = connecting(|| drop(TcpStream::connect("127.0.0.1:9")));
        assert_eq!(inet, SocketAddress::Inet("127.0.0.1:9".parse().unwrap()));
        assert!(File::open("/dev/null").is_ok(), "nothing else is filtered");
    });
}
