use super::*;

#[test]
fn a_notification_is_read_field_by_field() {
    let mut bytes = [0; NOTIFICATION_SIZE];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::try_from(at).unwrap();
    }
    let raw = notification(&bytes).unwrap();
    assert_eq!(raw.id.to_ne_bytes(), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(raw.thread.to_ne_bytes(), [8, 9, 10, 11]);
    assert_eq!(raw.flags.to_ne_bytes(), [12, 13, 14, 15]);
    assert_eq!(raw.syscall().number().to_ne_bytes(), [16, 17, 18, 19]);
    assert_eq!(raw.call.arch.to_ne_bytes(), [20, 21, 22, 23]);
    assert_eq!(raw.call.instruction_pointer.to_ne_bytes()[0], 24);
    assert_eq!(raw.call.arguments[0].to_ne_bytes()[0], 32);
    assert_eq!(raw.call.arguments[5].to_ne_bytes(), [72, 73, 74, 75, 76, 77, 78, 79]);
    assert_eq!(notification(&bytes[..79]), None);
}

#[test]
fn open_how_by_size_and_tail() {
    let mut bytes = vec![0; OPEN_HOW_MAX + 1];
    bytes[0] = 2;
    bytes[16] = 8;
    let how = OpenHow {
        flags: u64::from_ne_bytes([2, 0, 0, 0, 0, 0, 0, 0]),
        mode: 0,
        resolve: u64::from_ne_bytes([8, 0, 0, 0, 0, 0, 0, 0]),
    };
    for (size, expected) in [
        (0, Err(Malformed::OpenHowTooSmall { size: 0 })),
        (23, Err(Malformed::OpenHowTooSmall { size: 23 })),
        (24, Ok(how)),
        (25, Ok(how)),
        (4096, Ok(how)),
        (4097, Err(Malformed::OpenHowTooLarge { size: 4097 })),
    ] {
        assert_eq!(open_how(&bytes[..size]), expected, "{size} bytes");
        assert_eq!(open_how_size(size as u64).is_ok(), expected.is_ok(), "{size} bytes");
    }
    assert_eq!(open_how_size(u64::MAX), Err(Malformed::OpenHowTooLarge { size: u64::MAX }));
    bytes[30] = 1;
    assert_eq!(open_how(&bytes[..31]), Err(Malformed::OpenHowUnknown));
    assert_eq!(open_how(&bytes[..30]), Ok(how), "what follows the size does not count");
}

#[test]
fn a_path_ends_at_its_nul_and_need_not_be_text() {
    assert_eq!(path(b"/\xff\0rest").unwrap().as_bytes(), b"/\xff");
    assert_eq!(path(b"\0").unwrap().as_bytes(), b"");
    assert_eq!(path(b"/endless"), None);
    assert_eq!(path(b""), None);
}

fn address(family: libc::c_int, rest: &[u8]) -> Result<SocketAddress, Malformed> {
    socket_address(&[&u16::try_from(family).unwrap().to_ne_bytes()[..], rest].concat())
}

#[test]
fn unix_addresses() {
    assert_eq!(address(libc::AF_UNIX, b""), Ok(SocketAddress::UnixUnnamed));
    assert_eq!(address(libc::AF_UNIX, b"/run/s\0junk"), Ok(SocketAddress::UnixPath(b"/run/s".to_vec())));
    assert_eq!(address(libc::AF_UNIX, b"\0a\0b"), Ok(SocketAddress::UnixAbstract(b"a\0b".to_vec())));
    assert_eq!(address(libc::AF_UNIX, &[b'a'; 108]), Ok(SocketAddress::UnixPath(vec![b'a'; 108])));
    assert_eq!(address(libc::AF_UNIX, &[b'a'; 109]), Err(Malformed::AddressLength { size: 111 }));
}

#[test]
fn internet_addresses() {
    let inet = [0x1f, 0x90, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(address(libc::AF_INET, &inet), Ok(SocketAddress::Inet("127.0.0.1:8080".parse().unwrap())));
    assert_eq!(address(libc::AF_INET, &inet[..13]), Err(Malformed::AddressLength { size: 15 }));
    let mut inet6 = [0; 26];
    inet6[..2].copy_from_slice(&[0, 80]);
    inet6[21] = 1;
    let expected = Ok(SocketAddress::Inet6("[::1]:80".parse().unwrap()));
    assert_eq!(address(libc::AF_INET6, &inet6), expected);
    assert_eq!(address(libc::AF_INET6, &inet6[..22]), expected, "without the scope");
    assert_eq!(address(libc::AF_INET6, &inet6[..21]), Err(Malformed::AddressLength { size: 23 }));
}

#[test]
fn other_addresses_and_lengths() {
    assert_eq!(socket_address(b""), Ok(SocketAddress::Unspecified));
    assert_eq!(socket_address(b"\x01"), Err(Malformed::AddressLength { size: 1 }));
    assert_eq!(address(libc::AF_UNSPEC, &[0; 14]), Ok(SocketAddress::Unspecified));
    assert!(
        matches!(address(libc::AF_NETLINK, &[7; 10]), Ok(SocketAddress::Other { family: 16, bytes }) if bytes.len() == 12)
    );
    assert_eq!(socket_address_length(128), Ok(128));
    assert_eq!(socket_address_length(0xdead_0000_0010), Ok(16), "an int");
    for length in [129, u64::from(u32::MAX)] {
        assert_eq!(socket_address_length(length), Err(Malformed::AddressLength { size: length }));
    }
}
