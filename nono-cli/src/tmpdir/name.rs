//! How a private temporary directory is called, so that its leader can be told from the name alone.
//!
//! The whole path may have 40 bytes, three directories deep, whatever the user's number is:
//!
//! ```text
//! /tmp/nono-  user, base 62   /NAME  /NAME  /NAME
//!    10    +  at most 6 bytes  + 8   + 8    + 8   = 40 at most
//! /tmp/nono-G8/0aZ3k1-                              20 for user 1000, 28 and 36 below that
//! ```
//!
//! A name is six digits in base 62 and a mark. Six digits hold 62^6 = 56 800 235 584 values, and
//! 2^22 process ids (the kernel's largest) x 64 x 211 = 56 639 881 216 of them are used: the start
//! time is kept modulo 64 clock ticks, and the rest is a tag of the `/proc` in which alone the first
//! two mean anything: each pid namespace has another. What is cut off can only keep a directory
//! longer: of the processes that get a dead leader's pid, one in 64 passes for it, until it ends. The
//! mark is what a program does not put at the end of a name by chance: inside an outer private
//! directory ours lie among the command's own files.

use super::leader::Start;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const WIDTH: usize = 6;
/// One more than the largest pid the kernel gives out (`PID_MAX_LIMIT`, `include/linux/threads.h`).
pub(super) const PIDS: u64 = 1 << 22;
/// What a start time is kept modulo.
pub(super) const TICKS: u64 = 64;
/// How many tags of `/proc` there are; tag 0 says that it is not known.
pub(super) const SCOPES: u64 = 211;
/// The bytes a name can end in; the later ones serve when a dead leader's directory has the first.
const MARKS: [char; 4] = ['-', '_', '+', '='];
/// Bytes of a name.
pub(super) const LEN_BYTES: usize = WIDTH + 1;

/// What a name says about the leader, cut to what fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name {
    /// Process id of the leader, below [`PIDS`].
    pub(super) pid: u64,
    /// Its start time modulo [`TICKS`].
    pub(super) ticks: u64,
    /// Tag of its `/proc`, below [`SCOPES`]; 0: not known.
    pub(super) scope: u64,
}

/// What stands at a place where names of ours are expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// Somebody's private directory, in use or left over.
    Private(Name),
    /// Condemned earlier: what is left of it is removed without another look at its age.
    Dying,
}

impl Name {
    /// The name for the leader `start`.
    pub(super) fn of(start: &Start) -> Self {
        Self { pid: u64::from(start.pid) % PIDS, ticks: start.ticks % TICKS, scope: start.scope % SCOPES }
    }

    /// Its spellings, the usual one first.
    pub(super) fn spellings(self) -> impl Iterator<Item = String> {
        MARKS.iter().map(move |mark| format!("{}{mark}", self.digits()))
    }

    fn digits(self) -> String {
        let value = (self.ticks * SCOPES + self.scope) * PIDS + self.pid;
        format!("{:0>WIDTH$}", base62(value))
    }
}

/// Reads an entry of a directory; `None` if it is none of ours.
pub(super) fn parse(entry: &[u8]) -> Option<Entry> {
    let (digits, mark) = entry.split_at_checked(WIDTH)?;
    let value = digits.iter().try_fold(0, |sum: u64, byte| {
        let digit = DIGITS.iter().position(|known| known == byte)?;
        Some(sum * 62 + u64::try_from(digit).ok()?)
    })?;
    let (high, pid) = (value / PIDS, value % PIDS);
    let (ticks, scope) = (high / SCOPES, high % SCOPES);
    if pid == 0 || ticks >= TICKS {
        return None;
    }
    match mark {
        b"--" => Some(Entry::Dying),
        [byte] if MARKS.contains(&char::from(*byte)) => Some(Entry::Private(Name { pid, ticks, scope })),
        _ => None,
    }
}

/// What the private directory `name` is called from the moment it is condemned.
pub(super) fn dying(name: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = name.iter().copied().take(WIDTH).collect();
    bytes.extend_from_slice(b"--");
    bytes
}

/// `value` in the 62 digits, without leading zeros.
pub(super) fn base62(mut value: u64) -> String {
    let mut digits = Vec::new();
    loop {
        let digit = usize::try_from(value % 62).ok().and_then(|place| DIGITS.get(place)).copied().unwrap_or(b'0');
        digits.push(char::from(digit));
        value /= 62;
        if value == 0 {
            return digits.iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_was_put_in() {
        for (label, pid, ticks, scope) in
            [("smallest", 1, 0, 0), ("largest", PIDS - 1, TICKS - 1, SCOPES - 1), ("ordinary", 31_337, 17, 99)]
        {
            let name = Name { pid, ticks, scope };
            for spelling in name.spellings() {
                assert_eq!(spelling.len(), LEN_BYTES, "{label}");
                assert_eq!(parse(spelling.as_bytes()), Some(Entry::Private(name)), "{label}");
                assert_eq!(parse(&dying(spelling.as_bytes())), Some(Entry::Dying), "{label}");
            }
        }
    }

    #[test]
    fn a_start_time_is_cut_to_what_fits() {
        let start = Start { pid: 77, ticks: 1_000_000_007, scope: 5 };
        assert_eq!(Name::of(&start), Name { pid: 77, ticks: 1_000_000_007 % 64, scope: 5 });
    }

    #[test]
    fn other_programs_names_are_not_ours() {
        for other in [
            "",
            "-",
            "000000",
            "000000-",
            "00001-",
            "0000001-",
            "00001--",
            "00001---",
            "0000 1-",
            "project-",
            "node-gyp",
            "tmp.Ab12Cd",
            ".swept",
            "zzzzzz-",
            "00001\u{e9}-",
            "project--",
        ] {
            assert_eq!(parse(other.as_bytes()), None, "{other:?}");
        }
    }

    #[test]
    fn three_levels_fit_in_forty_bytes_for_every_user() {
        for (user, outermost, third) in [(0, 19, 35), (1000, 20, 36), (65_534, 21, 37), (u64::from(u32::MAX), 24, 40)] {
            let len_bytes = "/tmp/nono-".len() + base62(user).len() + 1 + LEN_BYTES;
            assert_eq!((len_bytes, len_bytes + 2 * (1 + LEN_BYTES)), (outermost, third), "user {user}");
        }
    }
}
