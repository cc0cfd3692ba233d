//! The end of an archive: finds the end record, and by it the central directory.

use crate::ArchiveError;
use crate::format::{
    CENTRAL_HEADER, CENTRAL_HEADER_BYTES, END, END_BYTES, LOCAL_HEADER, ZIP64_END, ZIP64_END_BYTES,
    ZIP64_LOCATOR, ZIP64_LOCATOR_BYTES, u16_at, u32_at, u64_at,
};

/// Where the central directory lies; it is inside the archive and ends where the end records begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Directory {
    /// Offset of its first byte.
    pub(super) start: usize,
    /// Offset of the byte after its last.
    pub(super) end: usize,
    /// How many headers it holds; not more than there is room for.
    pub(super) count: u64,
}

/// Finds the central directory of `archive` by the end record at its very end.
pub(super) fn locate(archive: &[u8]) -> Result<Directory, ArchiveError> {
    let at = find_end(archive)?;
    let (end, comment) = archive[at..].split_at(END_BYTES);
    if hides_archive(comment) {
        return Err(ArchiveError::Comment);
    }
    let stated = Stated::from_end(end);
    match zip64_locator(&archive[..at]) {
        Some(locator) => {
            let (record, wide) = read_zip64(archive, locator, &stated)?;
            check(&wide, record)
        }
        None => check(&stated, at),
    }
}

/// What an end record states, in either form.
struct Stated {
    this_disk: u32,
    directory_disk: u32,
    entries_here: u64,
    entries: u64,
    size: u64,
    start: u64,
}

impl Stated {
    /// Section 4.3.16. `end` holds the fixed part, 22 bytes.
    fn from_end(end: &[u8]) -> Self {
        Self {
            this_disk: u16_at(end, 4).into(),
            directory_disk: u16_at(end, 6).into(),
            entries_here: u16_at(end, 8).into(),
            entries: u16_at(end, 10).into(),
            size: u32_at(end, 12).into(),
            start: u32_at(end, 16).into(),
        }
    }

    /// Section 4.3.14. `end` holds the fixed part, 56 bytes.
    fn from_zip64(end: &[u8]) -> Self {
        Self {
            this_disk: u32_at(end, 16),
            directory_disk: u32_at(end, 20),
            entries_here: u64_at(end, 24),
            entries: u64_at(end, 32),
            size: u64_at(end, 40),
            start: u64_at(end, 48),
        }
    }
}

/// The offset of the last end record whose comment reaches exactly to the end of the archive.
fn find_end(archive: &[u8]) -> Result<usize, ArchiveError> {
    let last = archive
        .len()
        .checked_sub(END_BYTES)
        .ok_or(ArchiveError::NoEnd)?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    let mut misplaced = None;
    for at in (first..=last).rev() {
        if archive[at] != b'P' || u32_at(archive, at) != END {
            continue;
        }
        let after = archive.len() - at - END_BYTES;
        let comment = usize::from(u16_at(archive, at + 20));
        if comment == after {
            return Ok(at);
        }
        if comment < after && misplaced.is_none() {
            misplaced = Some(after - comment);
        }
    }
    Err(match misplaced {
        Some(bytes) => ArchiveError::Trailing {
            bytes: bytes as u64,
        },
        None => ArchiveError::NoEnd,
    })
}

/// A comment with any of the records that an archive is made of could be taken for one by a reader
/// that looks for records from the other side.
fn hides_archive(comment: &[u8]) -> bool {
    const RECORDS: [u32; 5] = [LOCAL_HEADER, CENTRAL_HEADER, END, ZIP64_END, ZIP64_LOCATOR];
    comment
        .windows(4)
        .any(|window| window[0] == b'P' && RECORDS.contains(&u32_at(window, 0)))
}

/// The zip64 locator at the end of `before_end`, if there is one (section 4.3.15).
fn zip64_locator(before_end: &[u8]) -> Option<usize> {
    let at = before_end.len().checked_sub(ZIP64_LOCATOR_BYTES)?;
    (u32_at(before_end, at) == ZIP64_LOCATOR).then_some(at)
}

/// The zip64 end record's offset and statement; it must lie right before its locator, and agree
/// with the plain end record wherever that is not all ones (section 4.4.1.4).
fn read_zip64(
    archive: &[u8],
    locator: usize,
    plain: &Stated,
) -> Result<(usize, Stated), ArchiveError> {
    let disk = u32_at(archive, locator + 4);
    let disks = u32_at(archive, locator + 16);
    // A single file counts as one disk; Info-ZIP and others have written nought as well.
    if disk != 0 || disks > 1 {
        return Err(ArchiveError::Disks);
    }
    let at = usize::try_from(u64_at(archive, locator + 8)).map_err(|_| ArchiveError::Zip64End)?;
    let record = archive
        .get(at..locator)
        .filter(|record| record.len() == ZIP64_END_BYTES)
        .ok_or(ArchiveError::Zip64End)?;
    // The stated size leaves out the signature and itself; version 2 of the record, which would
    // be longer, is for encrypted directories.
    if u32_at(record, 0) != ZIP64_END || u64_at(record, 4) != ZIP64_END_BYTES as u64 - 12 {
        return Err(ArchiveError::Zip64End);
    }
    let wide = Stated::from_zip64(record);
    agree(
        "disk number",
        plain.this_disk.into(),
        wide.this_disk.into(),
        0xffff,
    )?;
    agree(
        "directory's disk number",
        plain.directory_disk.into(),
        wide.directory_disk.into(),
        0xffff,
    )?;
    agree(
        "number of entries on this disk",
        plain.entries_here,
        wide.entries_here,
        0xffff,
    )?;
    agree("number of entries", plain.entries, wide.entries, 0xffff)?;
    agree("directory size", plain.size, wide.size, 0xffff_ffff)?;
    agree("directory offset", plain.start, wide.start, 0xffff_ffff)?;
    Ok((at, wide))
}

fn agree(field: &'static str, plain: u64, wide: u64, ones: u64) -> Result<(), ArchiveError> {
    if plain == wide || plain == ones {
        Ok(())
    } else {
        Err(ArchiveError::End {
            field,
            found: plain,
            expected: wide,
        })
    }
}

/// Holds the statement against the place where the end records begin.
fn check(stated: &Stated, end: usize) -> Result<Directory, ArchiveError> {
    if stated.this_disk != 0 || stated.directory_disk != 0 || stated.entries_here != stated.entries
    {
        return Err(ArchiveError::Disks);
    }
    let start = (end as u64)
        .checked_sub(stated.size)
        .ok_or(ArchiveError::End {
            field: "directory size",
            found: stated.size,
            expected: (end as u64).saturating_sub(stated.start),
        })?;
    if stated.start < start {
        return Err(ArchiveError::Foreign {
            bytes: start - stated.start,
        });
    }
    if stated.start != start {
        return Err(ArchiveError::End {
            field: "directory offset",
            found: stated.start,
            expected: start,
        });
    }
    let room = stated.size / CENTRAL_HEADER_BYTES as u64;
    if stated.entries > room {
        return Err(ArchiveError::End {
            field: "number of entries",
            found: stated.entries,
            expected: room,
        });
    }
    Ok(Directory {
        start: usize::try_from(start).expect("not after `end`, an offset into memory"),
        end,
        count: stated.entries,
    })
}
