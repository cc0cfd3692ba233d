//! The glibc ceiling: hides version names above a runtime's, so that a file from outside that needs
//! a newer glibc fails to load as it would on Lambda.
//!
//! A symbol version is a name and its ELF hash, in `.gnu.version_d` where it is defined and in
//! `.gnu.version_r` where it is needed (LSB core, "Symbol Versioning"). Renaming `GLIBC_2.35` to
//! `GLIBD_2.35` in every library of the root keeps them in agreement with each other, and with
//! nobody else.

use std::fs;
use std::io;
use std::path::Path;

use object::elf::{FileHeader64, SHT_GNU_VERDEF, SHT_GNU_VERNEED};
use object::read::elf::{FileHeader as _, SectionHeader as _};
use object::{Endianness, elf};

/// Copies `from` to `to`, with every glibc version above `ceiling` (a minor version: 34) hidden, if
/// it is a 64-bit little-endian ELF file.
pub(crate) fn copy_below(from: &Path, to: &Path, ceiling: u32) -> io::Result<()> {
    let mut bytes = fs::read(from)?;
    let renamings = versions_above(&bytes, ceiling);
    for renaming in renamings {
        bytes[renaming.name..renaming.name + 6].copy_from_slice(b"GLIBD_");
        bytes[renaming.hash..renaming.hash + 4].copy_from_slice(&renaming.new_hash.to_le_bytes());
    }
    fs::write(to, bytes)?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())
}

/// One version name to change: offsets in the file.
#[derive(Debug)]
struct Renaming {
    name: usize,
    hash: usize,
    new_hash: u32,
}

fn versions_above(bytes: &[u8], ceiling: u32) -> Vec<Renaming> {
    let mut renamings = Vec::new();
    let Ok(header) = FileHeader64::<Endianness>::parse(bytes) else {
        return renamings;
    };
    let Ok(endian) = header.endian() else {
        return renamings;
    };
    let Ok(sections) = header.section_headers(endian, bytes) else {
        return renamings;
    };
    for section in sections {
        let kind = section.sh_type(endian);
        if kind != SHT_GNU_VERDEF && kind != SHT_GNU_VERNEED {
            continue;
        }
        let strings = sections.get(section.sh_link(endian) as usize);
        let Some((names, _)) = strings.and_then(|strings| strings.file_range(endian)) else {
            continue;
        };
        let Some((start, _)) = section.file_range(endian) else {
            continue;
        };
        let mut add = |hash: usize, name: usize| {
            let name = names as usize + name;
            let text = text_at(bytes, name);
            if minor(text).is_some_and(|minor| minor > ceiling) {
                let renamed = text.replacen("GLIBC_", "GLIBD_", 1);
                renamings.push(Renaming {
                    name,
                    hash,
                    new_hash: elf::hash(renamed.as_bytes()),
                });
            }
        };
        if kind == SHT_GNU_VERDEF {
            definitions(bytes, start as usize, &mut add);
        } else {
            needs(bytes, start as usize, &mut add);
        }
    }
    renamings
}

/// Walks `.gnu.version_d`: `Elf64_Verdef { version, flags, ndx, cnt: u16, hash, aux, next: u32 }`,
/// whose first `Elf64_Verdaux { name, next: u32 }` is its name.
fn definitions(bytes: &[u8], start: usize, add: &mut impl FnMut(usize, usize)) {
    let mut at = start;
    loop {
        let name = at + word(bytes, at + 12);
        add(at + 8, word(bytes, name));
        match word(bytes, at + 16) {
            0 => break,
            next => at += next,
        }
    }
}

/// Walks `.gnu.version_r`: `Elf64_Verneed { version, cnt: u16, file, aux, next: u32 }` and its
/// `Elf64_Vernaux { hash: u32, flags, other: u16, name, next: u32 }`.
fn needs(bytes: &[u8], start: usize, add: &mut impl FnMut(usize, usize)) {
    let mut at = start;
    loop {
        let mut need = at + word(bytes, at + 8);
        loop {
            add(need, word(bytes, need + 8));
            match word(bytes, need + 12) {
                0 => break,
                next => need += next,
            }
        }
        match word(bytes, at + 12) {
            0 => break,
            next => at += next,
        }
    }
}

fn word(bytes: &[u8], at: usize) -> usize {
    bytes
        .get(at..at + 4)
        .and_then(|word| word.try_into().ok())
        .map_or(0, |word| u32::from_le_bytes(word) as usize)
}

fn text_at(bytes: &[u8], at: usize) -> &str {
    let rest = bytes.get(at..).unwrap_or_default();
    let end = rest.iter().position(|byte| *byte == 0).unwrap_or(0);
    std::str::from_utf8(&rest[..end]).unwrap_or_default()
}

/// The minor version of `GLIBC_2.35`: 35.
fn minor(name: &str) -> Option<u32> {
    let version = name.strip_prefix("GLIBC_2.")?;
    version.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_glibcs_own_versions_have_a_minor_version() {
        assert_eq!(minor("GLIBC_2.35"), Some(35));
        assert_eq!(minor("GLIBC_2.2.5"), Some(2));
        assert_eq!(minor("GLIBC_PRIVATE"), None);
        assert_eq!(minor("GLIBCXX_3.4.29"), None);
    }

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[test]
    fn a_program_loses_its_newer_versions_and_nothing_else() {
        let program = std::env::current_exe().expect("a test is a program");
        let bytes = fs::read(&program).expect("readable");
        assert!(
            !versions_above(&bytes, 2).is_empty(),
            "this program needs something newer than 2.2"
        );
        let folder = tempfile::tempdir().expect("a folder");
        let copy = folder.path().join("copy");
        copy_below(&program, &copy, 2).expect("a copy");
        let copied = fs::read(&copy).expect("readable");
        assert_eq!(copied.len(), bytes.len());
        assert!(versions_above(&copied, 2).is_empty());
    }
}
