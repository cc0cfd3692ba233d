//! The central directory: one header for each entry (APPNOTE section 4.3.12).

use layerpress_tree::{LayerPath, PathError};

use super::end::Directory;
use super::extra::Extra;
use super::name;
use crate::format::{
    CENTRAL_HEADER, CENTRAL_HEADER_BYTES, FLAG_ENCRYPTED, FLAG_MASKED, FLAG_PATCH,
    FLAG_STRONG_ENCRYPTION, METHOD_DEFLATE, METHOD_STORED, u16_at, u32_at,
};
use crate::{ArchiveError, EntryFault, Limits};

/// Deflate spends at least two bits on a match of at most 258 bytes (RFC 1951, section 3.2.5).
const DEFLATE_MAX_RATIO: u64 = 258 * 4;

/// Linux `stat.h`: the file type in a mode, and that of a symbolic link.
const S_IFMT: u32 = 0o170_000;
const S_IFLNK: u32 = 0o120_000;

/// One entry as the central directory has it, checked as far as one header can be.
#[derive(Debug)]
pub(super) struct Central<'a> {
    pub(super) raw_name: &'a [u8],
    pub(super) path: LayerPath,
    pub(super) is_folder: bool,
    pub(super) is_link: bool,
    pub(super) method: u16,
    pub(super) crc32: u32,
    pub(super) compressed: u64,
    pub(super) size: u64,
    pub(super) offset: u64,
    /// Permission bits without the type; 0 if the archive has none.
    pub(super) mode: u32,
}

/// Reads all headers; together they must fill the directory.
pub(super) fn read<'a>(
    archive: &'a [u8],
    directory: &Directory,
    limits: &Limits,
) -> Result<Vec<Central<'a>>, ArchiveError> {
    if directory.count > u64::from(limits.entries) {
        return Err(ArchiveError::TooManyEntries {
            found: directory.count,
            limit: limits.entries,
        });
    }
    let mut entries = Vec::with_capacity(usize::try_from(directory.count).unwrap_or(0));
    let mut total = 0u64;
    let mut at = directory.start;
    for _ in 0..directory.count {
        let (entry, next) = header(&archive[..directory.end], at)?;
        total = total.saturating_add(entry.size);
        entries.push(entry);
        at = next;
    }
    if at != directory.end {
        return Err(ArchiveError::Directory { offset: at as u64 });
    }
    if total > limits.total_bytes {
        return Err(ArchiveError::TooLarge {
            found: total,
            limit: limits.total_bytes,
        });
    }
    match limits.ratio_over(total, archive.len() as u64) {
        Some(found) => Err(ArchiveError::Ratio {
            found,
            limit: limits.ratio,
        }),
        None => Ok(entries),
    }
}

/// Reads the header at `at`, and where the next one begins.
fn header(bytes: &[u8], at: usize) -> Result<(Central<'_>, usize), ArchiveError> {
    let malformed = ArchiveError::Directory { offset: at as u64 };
    let Some(fixed) = bytes.get(at..at + CENTRAL_HEADER_BYTES) else {
        return Err(malformed);
    };
    let lengths = [28, 30, 32].map(|at| usize::from(u16_at(fixed, at)));
    let name_at = at + CENTRAL_HEADER_BYTES;
    let extra_at = name_at + lengths[0];
    let next = extra_at + lengths[1] + lengths[2];
    if u32_at(fixed, 0) != CENTRAL_HEADER || next > bytes.len() {
        return Err(malformed);
    }
    let raw_name = &bytes[name_at..extra_at];
    let extra = &bytes[extra_at..extra_at + lengths[1]];
    let entry = entry(fixed, raw_name, extra).map_err(|fault| match fault {
        Fault::Entry(fault) => ArchiveError::entry(&String::from_utf8_lossy(raw_name), fault),
        Fault::Path(error) => ArchiveError::Path(error),
    })?;
    Ok((entry, next))
}

enum Fault {
    Entry(EntryFault),
    Path(PathError),
}

impl From<EntryFault> for Fault {
    fn from(fault: EntryFault) -> Self {
        Self::Entry(fault)
    }
}

impl From<PathError> for Fault {
    fn from(error: PathError) -> Self {
        Self::Path(error)
    }
}

fn entry<'a>(fixed: &[u8], raw_name: &'a [u8], extra: &'a [u8]) -> Result<Central<'a>, Fault> {
    let flags = u16_at(fixed, 8);
    let method = u16_at(fixed, 10);
    check_coding(flags, method)?;
    let extra = Extra::parse(extra).ok_or(EntryFault::Extra)?;
    let [size, compressed, offset] = extra
        .widen([u32_at(fixed, 24), u32_at(fixed, 20), u32_at(fixed, 42)])
        .ok_or(EntryFault::Extra)?;
    check_sizes(method, compressed, size)?;
    let name = name::decode(raw_name, flags, &extra)?;
    let folder = name.strip_suffix('/');
    let path = LayerPath::new(folder.unwrap_or(&name))?;
    // The upper half of the external attributes is a Unix mode, whatever system the header claims:
    // this is how pip reads it, and a link must not slip through under another system's name.
    let mode = u32_at(fixed, 38) >> 16;
    check_kind(mode & S_IFMT, folder.is_some())?;
    if folder.is_some() && size != 0 {
        return Err(EntryFault::FolderContent(size).into());
    }
    Ok(Central {
        raw_name,
        path,
        is_folder: folder.is_some(),
        is_link: mode & S_IFMT == S_IFLNK,
        method,
        crc32: u32_at(fixed, 16),
        compressed,
        size,
        offset,
        mode: mode & !S_IFMT,
    })
}

/// Refuses entries whose bytes are not simply stored or deflated.
pub(super) fn check_coding(flags: u16, method: u16) -> Result<(), EntryFault> {
    if flags & (FLAG_ENCRYPTED | FLAG_STRONG_ENCRYPTION | FLAG_MASKED) != 0 {
        return Err(EntryFault::Encrypted);
    }
    if flags & FLAG_PATCH != 0 {
        return Err(EntryFault::Patch);
    }
    // Section 4.4.5.
    let name = match method {
        METHOD_STORED | METHOD_DEFLATE => return Ok(()),
        9 => "deflate64",
        12 => "bzip2",
        14 => "LZMA",
        93 => "zstandard",
        95 => "xz",
        98 => "PPMd",
        99 => return Err(EntryFault::Encrypted),
        _ => "unknown",
    };
    Err(EntryFault::Method { method, name })
}

/// Refuses sizes that no stream can have, before anything is allocated for them.
fn check_sizes(method: u16, compressed: u64, size: u64) -> Result<(), EntryFault> {
    let possible = match method {
        METHOD_STORED => compressed == size,
        _ => size <= compressed.saturating_mul(DEFLATE_MAX_RATIO),
    };
    if possible {
        Ok(())
    } else {
        Err(EntryFault::Size { compressed, size })
    }
}

/// Refuses all but files, folders and links; `kind` is 0 where the archive has no modes.
fn check_kind(kind: u32, folder_name: bool) -> Result<(), EntryFault> {
    Err(EntryFault::Kind(match kind {
        0 | 0o100_000 => return Ok(()),
        0o040_000 if folder_name => return Ok(()),
        0o040_000 => "folder with a file's name",
        S_IFLNK if !folder_name => return Ok(()),
        S_IFLNK => "symbolic link with a folder's name",
        0o020_000 => "character device",
        0o060_000 => "block device",
        0o010_000 => "pipe",
        0o140_000 => "socket",
        _ => "file of an unknown type",
    }))
}
