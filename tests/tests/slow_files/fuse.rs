//! A file system whose server is in the test: FUSE, fuse(4) and linux/fuse.h, by bytes.
#![expect(
    clippy::indexing_slicing,
    reason = "the kernel sends requests whole; a server that panics ends the connection"
)]

use nono_tests::jail::Jail;
use nono_tests::need;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The server ends then whatever happens, for who waits for it could not be ended otherwise.
const LONGEST: Duration = Duration::from_secs(45);

/// What the server does with requests for slow files.
const KEEP: u8 = 0;
const ANSWER: u8 = 1;
const END: u8 = 2;

/// `quick` is a file in it; looking up `slow-lookup*` and opening `slow-open*` is answered when the test says so.
#[derive(Debug)]
pub(crate) struct Slow {
    /// Where it is mounted.
    pub(crate) at: PathBuf,
    told: Arc<AtomicU8>,
    kept: Arc<AtomicUsize>,
    server: Option<JoinHandle<()>>,
}

impl Slow {
    /// Mounts it; none, with the reason said, where that is not possible.
    pub(crate) fn mount(jail: &Jail, test: &str) -> Option<Slow> {
        let at = jail.root().join("slow");
        fs::create_dir(&at).unwrap();
        let opened = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open("/dev/fuse");
        let Ok(device) = opened.inspect_err(|error| need::skip(test, &format!("no /dev/fuse: {error}"))) else {
            return None;
        };
        let options = format!("fd={},rootmode=40000,user_id=0,group_id=0", device.as_raw_fd());
        let flags = MountFlags::NOSUID | MountFlags::NODEV;
        if let Err(errno) = mount("nono-test", &at, "fuse", flags, CString::new(options).unwrap().as_c_str()) {
            need::skip(test, &format!("FUSE cannot be mounted: {errno}"));
            return None;
        }
        let (told, kept) = (Arc::new(AtomicU8::new(KEEP)), Arc::default());
        let mut slow = Slow { at, told, kept, server: None };
        let (told, kept) = (Arc::clone(&slow.told), Arc::clone(&slow.kept));
        slow.server = Some(thread::spawn(move || serve(device, &told, &kept)));
        Some(slow)
    }

    /// How many requests for slow files wait.
    pub(crate) fn waiting(&self) -> usize {
        self.kept.load(Ordering::Relaxed)
    }

    /// Answers them, and at once what is asked for from now on.
    pub(crate) fn answer(&self) {
        self.told.store(ANSWER, Ordering::Relaxed);
    }

    /// Ends the server, and with it the connection: whoever waits gets an error.
    pub(crate) fn abort(&mut self) {
        self.told.store(END, Ordering::Relaxed);
        drop(self.server.take().map(JoinHandle::join));
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        let _ = unmount(&self.at, UnmountFlags::DETACH);
        self.abort();
    }
}

fn serve(mut device: File, told: &AtomicU8, kept: &AtomicUsize) {
    let (until, mut waiting) = (Instant::now() + LONGEST, Vec::<Vec<u8>>::new());
    // No smaller buffer is read into than FUSE_MIN_READ_BUFFER (8 KiB).
    let mut buffer = vec![0; 1 << 16];
    while told.load(Ordering::Relaxed) != END && Instant::now() < until {
        let keeps = told.load(Ordering::Relaxed) == KEEP;
        if !keeps {
            // Who asked may be gone (ENOENT).
            waiting.drain(..).filter_map(|request| answer(&request)).for_each(|bytes| drop(device.write(&bytes)));
        }
        let tick = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };
        let _ = poll(&mut [PollFd::new(&device, PollFlags::IN)], Some(&tick));
        match device.read(&mut buffer).map(|length| buffer[..length].to_vec()) {
            Ok(request) if keeps && is_slow(&request) => {
                waiting.push(request);
                kept.store(waiting.len(), Ordering::Relaxed);
            }
            Ok(request) => drop(answer(&request).map(|bytes| device.write(&bytes))),
            // It is mounted nowhere any more.
            Err(error) if Errno::from_io_error(&error) == Some(Errno::NODEV) => return,
            Err(_) => {}
        }
    }
}

// struct fuse_in_header: the length, the code, a number, the node, and more; 40 bytes.
const LOOKUP: u32 = 1;
const OPEN: u32 = 14;
const CONTENT: &[u8] = b"quick\n";
const ROOT: u64 = 1;
const QUICK: u64 = 2;
const SLOW_TO_OPEN: u64 = 3;
const SLOW_TO_LOOK_UP: u64 = 4;

fn code(request: &[u8]) -> u32 {
    u32::from_ne_bytes(request[4..8].try_into().unwrap())
}

fn node(request: &[u8]) -> u64 {
    u64::from_ne_bytes(request[16..24].try_into().unwrap())
}

/// The node of the name that is looked up. All names of a kind are one.
fn named(request: &[u8]) -> Option<u64> {
    [(&b"quick"[..], QUICK), (b"slow-open", SLOW_TO_OPEN), (b"slow-lookup", SLOW_TO_LOOK_UP)]
        .into_iter()
        .find_map(|(name, node)| request[40..].starts_with(name).then_some(node))
}

fn is_slow(request: &[u8]) -> bool {
    match code(request) {
        LOOKUP => named(request) == Some(SLOW_TO_LOOK_UP),
        OPEN => node(request) == SLOW_TO_OPEN,
        _ => false,
    }
}

/// `struct fuse_out_header` and what belongs behind it; none for what is not answered.
fn answer(request: &[u8]) -> Option<Vec<u8>> {
    let word = |value: u64| value.to_ne_bytes().to_vec();
    let half = |value: u32| value.to_ne_bytes().to_vec();
    let valid = u64::from(u32::MAX);
    let (error, body) = match code(request) {
        // FORGET, INTERRUPT, BATCH_FORGET.
        2 | 36 | 42 => return None,
        LOOKUP => match named(request) {
            // struct fuse_entry_out: node, generation, how long name and attributes are valid, parts of these seconds.
            Some(node) => (0, [word(node), word(0), word(valid), word(valid), word(0), attributes(node)].concat()),
            None => (Errno::NOENT.raw_os_error(), Vec::new()),
        },
        // GETATTR
        3 => (0, [word(valid), word(0), attributes(node(request))].concat()),
        // OPEN, OPENDIR: struct fuse_open_out, all zero. RELEASE, RELEASEDIR.
        OPEN | 27 => (0, vec![0; 16]),
        18 | 29 => (0, Vec::new()),
        // READ, which is for all of it.
        15 => (0, CONTENT.to_vec()),
        // STATFS: struct fuse_kstatfs, empty.
        17 => (0, vec![0; 80]),
        // INIT: version 7.31, read ahead, flags, in the background, what is written at once, and nothing more. Without
        // the flag FUSE_PARALLEL_DIROPS the kernel looks up the names of a directory one after the other.
        26 => (0, [half(7), half(31), half(4096), half(1 << 18), half(0), half(4096), vec![0; 40]].concat()),
        _ => (Errno::NOSYS.raw_os_error(), Vec::new()),
    };
    let length = u32::try_from(16 + body.len()).unwrap();
    Some([half(length), (-error).to_ne_bytes().to_vec(), request[8..16].to_vec(), body].concat())
}

/// `struct fuse_attr`: inode, size, blocks, times, their parts, mode, links, user, group, device, block, flags.
fn attributes(node: u64) -> Vec<u8> {
    let (mode, size) = if node == ROOT { (0o040_755_u32, 0) } else { (0o100_644, CONTENT.len() as u64) };
    let mut bytes: Vec<u8> = [node, size, 0, 0, 0, 0].iter().flat_map(|word| word.to_ne_bytes()).collect();
    bytes.extend([0, 0, 0, mode, 1, 0, 0, 0, 4096, 0].iter().flat_map(|half| half.to_ne_bytes()));
    bytes
}
