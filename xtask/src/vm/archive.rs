//! A cpio archive as the kernel unpacks it at its start: format `newc`, `Documentation/driver-api/early-userspace/buffer-format.rst`.

use anyhow::{Context, ensure};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

const DIRECTORY: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
const LINK: u32 = 0o120_000;
const CHARACTER: u32 = 0o020_000;

/// An archive that is being written. Everything in it is root's.
#[derive(Debug)]
pub(super) struct Archive {
    out: BufWriter<File>,
    entries: u32,
    /// Directories that are in it.
    made: BTreeSet<Vec<u8>>,
}

impl Archive {
    /// Begins one at `place`.
    pub(super) fn create(place: &Path) -> io::Result<Archive> {
        Ok(Archive { out: BufWriter::new(File::create(place)?), entries: 0, made: BTreeSet::new() })
    }

    /// A directory, and those above it that are not there yet.
    pub(super) fn directory(&mut self, path: &Path, mode: u32) -> anyhow::Result<()> {
        // The root is there already.
        let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) else { return Ok(()) };
        self.directory(above, 0o755)?;
        if self.made.insert(name(path)?) {
            self.header(path, DIRECTORY | mode, 0, (0, 0))?;
        }
        Ok(())
    }

    /// A file with this text.
    pub(super) fn text(&mut self, path: &Path, mode: u32, text: &[u8]) -> anyhow::Result<()> {
        self.above(path)?;
        self.header(path, REGULAR | mode, text.len() as u64, (0, 0))?;
        self.out.write_all(text)?;
        self.pad(text.len() as u64)
    }

    /// The file `from`.
    pub(super) fn file(&mut self, path: &Path, mode: u32, from: &Path) -> anyhow::Result<()> {
        self.above(path)?;
        let file = File::open(from).with_context(|| format!("cannot open {}", from.display()))?;
        let size = file.metadata()?.len();
        self.header(path, REGULAR | mode, size, (0, 0))?;
        let copied = io::copy(&mut file.take(size), &mut self.out)?;
        ensure!(copied == size, "{} became shorter while it was read", from.display());
        self.pad(size)
    }

    /// A symbolic link.
    pub(super) fn link(&mut self, path: &Path, target: &OsStr) -> anyhow::Result<()> {
        self.above(path)?;
        self.header(path, LINK | 0o777, target.len() as u64, (0, 0))?;
        self.out.write_all(target.as_bytes())?;
        self.pad(target.len() as u64)
    }

    /// A character device.
    pub(super) fn device(&mut self, path: &Path, mode: u32, number: (u32, u32)) -> anyhow::Result<()> {
        self.above(path)?;
        self.header(path, CHARACTER | mode, 0, number)
    }

    /// Ends it.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        self.header(Path::new("TRAILER!!!"), 0, 0, (0, 0))?;
        Ok(self.out.flush()?)
    }

    fn above(&mut self, path: &Path) -> anyhow::Result<()> {
        path.parent().map_or(Ok(()), |above| self.directory(above, 0o755))
    }

    fn header(&mut self, path: &Path, mode: u32, size: u64, device: (u32, u32)) -> anyhow::Result<()> {
        let name = name(path)?;
        let size = u32::try_from(size).with_context(|| format!("{} is too large", path.display()))?;
        self.entries += 1;
        let links = if mode & DIRECTORY != 0 { 2 } else { 1 };
        let length = u32::try_from(name.len() + 1)?;
        let fields = [self.entries, mode, 0, 0, links, 0, size, 0, 0, device.0, device.1, length, 0];
        let header: String = fields.iter().map(|field| format!("{field:08x}")).collect();
        self.out.write_all(b"070701")?;
        self.out.write_all(header.as_bytes())?;
        self.out.write_all(&name)?;
        self.out.write_all(b"\0")?;
        self.pad(6 + 13 * 8 + u64::from(length))
    }

    /// Up to a multiple of four bytes, where the next part begins.
    fn pad(&mut self, written: u64) -> anyhow::Result<()> {
        let missing = (4 - written % 4) % 4;
        Ok(self.out.write_all([0; 3].get(..usize::try_from(missing)?).unwrap_or_default())?)
    }
}

/// The path as it is written in an archive: without the slash at its begin.
fn name(path: &Path) -> anyhow::Result<Vec<u8>> {
    ensure!(!path.components().any(|part| part == Component::ParentDir), "{} leads upwards", path.display());
    let path = path.strip_prefix("/").unwrap_or(path);
    Ok(path.as_os_str().as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_cpio_reads() -> anyhow::Result<()> {
        let dir = std::env::temp_dir().join(format!("nono-xtask-archive-{}", std::process::id()));
        let mut archive = Archive::create(&dir)?;
        archive.text(Path::new("/a/b/text"), 0o640, b"words")?;
        archive.link(Path::new("/a/link"), OsStr::new("b/text"))?;
        archive.directory(Path::new("/a/b"), 0o700)?;
        archive.device(Path::new("/null"), 0o666, (1, 3))?;
        archive.finish()?;
        let bytes = std::fs::read(&dir)?;
        std::fs::remove_file(&dir)?;
        ensure!(bytes.len() % 4 == 0);
        // Magic, thirteen fields, name: each entry begins at a multiple of four.
        let mut names = Vec::new();
        let mut at = 0;
        while let Some(header) = bytes.get(at..at + 110) {
            let field =
                |n: usize| usize::from_str_radix(str::from_utf8(&header[6 + n * 8..14 + n * 8]).unwrap_or(""), 16);
            let (mode, size, length) = (field(1)?, field(6)?, field(11)?);
            let name = String::from_utf8(bytes[at + 110..at + 109 + length].to_vec())?;
            at = (at + 110 + length).next_multiple_of(4) + size.next_multiple_of(4);
            names.push(format!("{name} {mode:o} {size}"));
        }
        let expected =
            ["a 40755 0", "a/b 40755 0", "a/b/text 100640 5", "a/link 120777 6", "null 20666 0", "TRAILER!!! 0 0"];
        ensure!(names == expected, "{names:?}");
        Ok(())
    }
}
