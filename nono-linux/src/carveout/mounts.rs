//! Other names of a place: the same file system may be mounted more than once, or a part of it be bound elsewhere.
//!
//! Asked of `/proc/self/mountinfo` (`proc_pid_mountinfo(5)`), whose text is parsed here without a kernel.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mounted {
    id: u64,
    /// Major and minor number, as written.
    device: Vec<u8>,
    /// The directory of the file system that is mounted.
    root: PathBuf,
    /// Where.
    at: PathBuf,
}

/// Parses the whole text; lines that are not understood are left out.
pub(super) fn parse(text: &[u8]) -> Vec<Mounted> {
    text.split(|byte| *byte == b'\n').filter_map(line).collect()
}

/// `36 35 98:0 /root /at options ...`
fn line(line: &[u8]) -> Option<Mounted> {
    let mut fields = line.split(|byte| *byte == b' ');
    let id = str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    let device = fields.nth(1)?.to_owned();
    let (root, at) = (unescaped(fields.next()?), unescaped(fields.next()?));
    (root.is_absolute() && at.is_absolute()).then_some(Mounted { id, device, root, at })
}

/// Space, tab, newline and backslash are written as `\040` and the like.
fn unescaped(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..3).filter(|_| *first == b'\\');
        let octal = digits.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 8).ok());
        bytes.push(octal.unwrap_or(*first));
        rest = if octal.is_some() { after.get(3..).unwrap_or_default() } else { after };
    }
    PathBuf::from(OsString::from_vec(bytes))
}

/// The paths by which `path`, which is in the mount of this number, or a part of what is below it, is also reached; each
/// with the number of its mount, unless another one lies over it.
pub(super) fn aliases(path: &Path, mount: u64, all: &[Mounted]) -> Vec<(PathBuf, u64)> {
    let Some(own) = all.iter().find(|one| one.id == mount) else { return Vec::new() };
    let Ok(below) = path.strip_prefix(&own.at) else { return Vec::new() };
    let place = joined(&own.root, below);
    let same = all.iter().filter(|one| one.device == own.device && one.id != own.id);
    let reached = same.filter_map(|one| match place.strip_prefix(&one.root) {
        Ok(below) => Some((joined(&one.at, below), one.id)),
        Err(_) if one.root.starts_with(&place) => Some((one.at.clone(), one.id)),
        Err(_) => None,
    });
    reached.filter(|(alias, _)| !alias.starts_with(path)).collect()
}

/// The mounts below `path`, each with another path by which what is there is reached; each of the two with the number of its
/// mount, unless another one lies over it.
pub(super) fn mounted_below(path: &Path, all: &[Mounted]) -> Vec<[(PathBuf, u64); 2]> {
    let inside = all.iter().filter(|one| one.at.starts_with(path) && one.at != path);
    let named = inside.flat_map(|one| {
        let others = aliases(&one.at, one.id, all).into_iter();
        others.map(|alias| [(one.at.clone(), one.id), alias])
    });
    named.filter(|[_, (alias, _)]| !alias.starts_with(path)).collect()
}

/// Joined without a slash at the end.
fn joined(above: &Path, below: &Path) -> PathBuf {
    if below.as_os_str().as_bytes().is_empty() { above.to_owned() } else { above.join(below) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
21 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw
22 21 0:5 / /proc rw - proc proc rw
23 21 8:1 /home/u /srv/my\\040home rw - ext4 /dev/sda1 rw
24 21 8:1 /home/u/.ssh/keys /srv/keys rw - ext4 /dev/sda1 rw
25 21 8:2 /home/u /other rw - ext4 /dev/sdb1 rw
nonsense
26 21 0:4 net:[4026531840] /run/netns/x rw - nsfs nsfs rw
";

    #[test]
    fn a_place_is_found_by_every_mount_of_its_file_system() {
        let all = parse(TEXT.as_bytes());
        assert_eq!(all.len(), 5);
        let of = |path: &str, mount| aliases(Path::new(path), mount, &all);
        let (home, keys) = (PathBuf::from("/srv/my home"), PathBuf::from("/srv/keys"));
        assert_eq!(of("/home/u/.ssh", 21), [(home.join(".ssh"), 23), (keys.clone(), 24)]);
        assert_eq!(of("/srv/my home/.ssh", 23), [("/home/u/.ssh".into(), 21), (keys.clone(), 24)]);
        assert_eq!(of("/home/u", 21), [(home, 23), (keys, 24)]);
        assert!(of("/etc", 21).is_empty());
        assert!(of("/home/u/.ssh", 99).is_empty());
    }

    #[test]
    fn what_is_mounted_below_a_path_has_its_other_names() {
        let all = parse(TEXT.as_bytes());
        let named = |path: &str| mounted_below(Path::new(path), &all);
        let at = |path: &str, mount| (PathBuf::from(path), mount);
        assert!(named("/srv/my home").is_empty());
        let home = at("/srv/my home", 23);
        let keys = at("/srv/keys", 24);
        let below = [[home.clone(), at("/home/u", 21)], [keys.clone(), at("/home/u/.ssh/keys", 21)]];
        assert_eq!(named("/srv"), below);
        assert!(named("/").is_empty());
    }
}
