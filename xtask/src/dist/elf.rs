//! Whether an ELF file is complete in itself: no loader, no library, no table of symbols.

use anyhow::{Context, ensure};
use object::elf::{DT_NEEDED, ET_DYN, ET_EXEC, PT_INTERP};
use object::read::elf::{Dyn, ElfFile64, FileHeader, ProgramHeader};
use object::{Endianness, Object, ObjectSection};

/// Refuses what is not a static and stripped program.
pub(super) fn check(file: &[u8]) -> anyhow::Result<()> {
    let elf = ElfFile64::<Endianness>::parse(file).context("it is no ELF file of 64 bits")?;
    let (endian, header) = (elf.endian(), elf.elf_header());
    let kind = header.e_type(endian);
    ensure!(kind == ET_DYN || kind == ET_EXEC, "it is no program, but an ELF file of type {kind}");
    for segment in elf.elf_program_headers() {
        ensure!(segment.p_type(endian) != PT_INTERP, "it is not static: it names a loader (PT_INTERP)");
        for entry in segment.dynamic(endian, file).context("its dynamic segment")?.unwrap_or_default() {
            ensure!(entry.tag32(endian) != Some(DT_NEEDED), "it is not static: it needs a library (DT_NEEDED)");
        }
    }
    ensure!(elf.symbol_table().is_none(), "it is not stripped: it has a table of symbols");
    let debug = elf.sections().filter_map(|section| section.name().ok().map(str::to_owned));
    for name in debug {
        ensure!(!name.starts_with(".debug"), "it is not stripped: it has a section {name}");
    }
    Ok(())
}

/// The section that holds the byte at `offset` of the file.
pub(super) fn section(file: &[u8], offset: u64) -> Option<String> {
    let elf = ElfFile64::<Endianness>::parse(file).ok()?;
    let holds = |section: &object::read::elf::ElfSection64<'_, '_>| {
        section.file_range().is_some_and(|(start, size)| (start..start.saturating_add(size)).contains(&offset))
    };
    elf.sections().find(holds)?.name().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_a_loader_is_not_static() {
        // This test is linked as cargo links by default: against shared libraries.
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        if cfg!(all(target_os = "linux", not(target_feature = "crt-static"))) {
            assert!(check(&own).unwrap_err().to_string().contains("PT_INTERP"));
        }
    }

    #[test]
    fn what_is_no_program_is_refused() {
        for file in [&b""[..], b"#!/bin/sh\n", &[0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0]] {
            assert!(check(file).is_err());
            assert_eq!(section(file, 0), None);
        }
    }
}
