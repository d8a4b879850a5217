//! Any bytes as a socket address or a path: taken as the kernel takes them, and never a path with a NUL inside.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nono_seccomp::SocketAddress;
use nono_seccomp::decode::{ADDRESS_MAX, path, socket_address, socket_address_length};
use std::ffi::CStr;

/// Of `bits/socket.h`.
const UNIX: u16 = 1;
const INET: u16 = 2;
const INET6: u16 = 10;

fuzz_target!(|bytes: &[u8]| check(bytes));

fn check(bytes: &[u8]) {
    assert_eq!(path(bytes).as_deref(), CStr::from_bytes_until_nul(bytes).ok());
    if let Some(first) = bytes.first_chunk() {
        // The kernel reads an int.
        let (length, read) = (u64::from_ne_bytes(*first), u64::from_ne_bytes(*first) as u32 as i32);
        let fits = (0..=ADDRESS_MAX as i32).contains(&read);
        assert_eq!(socket_address_length(length).ok(), fits.then_some(read as usize));
    }
    let family = bytes.first_chunk().map(|first| u16::from_ne_bytes(*first));
    let fewest = match family {
        Some(INET) => 16,
        Some(INET6) => 24,
        Some(_) => 2,
        None => 0,
    };
    let most = if family == Some(UNIX) { 2 + 108 } else { ADDRESS_MAX };
    let address = socket_address(bytes);
    // One byte is no family.
    assert_eq!(address.is_ok(), (fewest..=most).contains(&bytes.len()) && bytes.len() != 1, "{address:?}");
    match address {
        Ok(SocketAddress::Unspecified) => assert!(matches!(family, None | Some(0))),
        Ok(SocketAddress::UnixUnnamed) => assert_eq!((family, bytes.len()), (Some(UNIX), 2)),
        Ok(SocketAddress::UnixPath(name)) => {
            assert!(!name.is_empty() && !name.contains(&0) && bytes[2..].starts_with(&name));
            assert!(bytes.get(2 + name.len()).is_none_or(|after| *after == 0), "all of it up to the NUL");
        }
        Ok(SocketAddress::UnixAbstract(name)) => {
            assert_eq!((family, bytes[2], &bytes[3..]), (Some(UNIX), 0, name.as_slice()));
        }
        Ok(SocketAddress::Inet(address)) => {
            assert_eq!((address.port().to_be_bytes(), address.ip().octets()), (at(bytes, 2), at(bytes, 4)));
        }
        Ok(SocketAddress::Inet6(address)) => {
            assert_eq!((address.port().to_be_bytes(), address.ip().octets()), (at(bytes, 2), at(bytes, 8)));
        }
        Ok(SocketAddress::Other { bytes: all, .. }) => assert_eq!(all, bytes),
        Ok(other) => panic!("an address of a kind that this target does not know: {other:?}"),
        Err(_) => {}
    }
}

fn at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("so many")
}
