//! One small file out of a zip of which only parts are at hand: METADATA from a wheel's last bytes.
//!
//! In come the parts of the archive that were fetched so far; out goes the file, or the range that is
//! needed next. No I/O here. The wheel as a whole is verified elsewhere before anything of it is
//! installed; what is read here only steers the resolver, but it is read no less carefully: every
//! offset is checked, sizes are capped before anything is inflated, and the CRC must hold.
//! Sections are those of PKWARE's APPNOTE 6.3.

use std::io::Read;
use std::ops::Range;

use bytes::Bytes;
use flate2::read::DeflateDecoder;

/// How much of an archive's end to ask for first: it holds the central directory of nine wheels in
/// ten, and METADATA, which tools write last, of many.
pub(crate) const FIRST_GUESS: u64 = 16 * 1024;

/// An archive's comment has at most 65,535 bytes (4.3.16), so that its end record begins within
/// this many bytes of the end.
const END_RECORD_REACH: u64 = 22 + 65_535;

/// How large a central directory may be, in bytes; 100,000 entries have about 10 MiB.
const MAX_DIRECTORY: u64 = 64 * 1024 * 1024;

/// How large METADATA may be, in bytes, packed or not. The largest real ones have 300 KiB.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// A part of the archive.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// Where it begins.
    pub(crate) start: u64,
    /// Its bytes.
    pub(crate) bytes: Bytes,
}

/// How far the parts at hand go.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// These bytes are needed too.
    Need(Range<u64>),
    /// The file's contents.
    Done(Vec<u8>),
}

/// Why the file cannot be had from this archive; none of it is worth more than a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveFault {
    /// It is no zip, or what it says about itself does not hold.
    #[error("not a sound zip archive: {0}")]
    Damaged(&'static str),
    /// The file is not in it.
    #[error("no `{0}` in the archive")]
    Absent(&'static str),
    /// It is there more than once.
    #[error("more than one `{0}` in the archive")]
    Ambiguous(&'static str),
}

use ArchiveFault::Damaged;

/// What to look for in an archive.
pub(crate) struct Wanted<'a> {
    /// How to name it in errors.
    pub(crate) what: &'static str,
    /// How well a path fits, higher is better; `None` if it does not.
    pub(crate) fit: &'a dyn Fn(&str) -> Option<u8>,
}

/// Goes as far as the parts allow in an archive of `total` bytes.
///
/// # Errors
/// [`ArchiveFault`] if the archive is damaged or the file is not there.
pub(crate) fn advance(
    parts: &[Part],
    total: u64,
    wanted: &Wanted<'_>,
) -> Result<Progress, ArchiveFault> {
    let directory = match directory(parts, total)? {
        Step::Need(range) => return Ok(Progress::Need(range)),
        Step::Have(directory) => directory,
    };
    let Some(listed) = piece(parts, &directory.range) else {
        return Ok(Progress::Need(directory.range));
    };
    let entry = find(listed, &directory, wanted)?;
    contents(parts, &entry, directory.range.start)
}

enum Step<T> {
    Need(Range<u64>),
    Have(T),
}

/// Where the central directory lies, and how many entries it has.
struct Directory {
    range: Range<u64>,
    entries: u64,
}

/// Reads the end of central directory record (4.3.16), and its zip64 form (4.3.14, 4.3.15) if that
/// is needed.
fn directory(parts: &[Part], total: u64) -> Result<Step<Directory>, ArchiveFault> {
    let reach = total.saturating_sub(END_RECORD_REACH)..total;
    let tail = parts
        .iter()
        .filter(|part| part.start + part.bytes.len() as u64 == total)
        .min_by_key(|part| part.start);
    let record = tail.and_then(|tail| {
        let first = tail.bytes.len().checked_sub(22)?;
        let lowest = tail.bytes.len().saturating_sub(22 + 65_535);
        (lowest..=first)
            .rev()
            .find(|at| {
                let record = &tail.bytes[*at..];
                record.starts_with(b"PK\x05\x06")
                    && u16_at(record, 20).is_some_and(|c| 22 + usize::from(c) == record.len())
            })
            .map(|at| (tail.start + at as u64, &tail.bytes[at..]))
    });
    let Some((at, record)) = record else {
        return match tail {
            Some(tail) if tail.start <= reach.start => Err(Damaged("it has no end record")),
            _ => Ok(Step::Need(reach)),
        };
    };
    let short = Damaged("its end record is cut off");
    let (Some(entries), Some(size), Some(start)) =
        (u16_at(record, 10), u32_at(record, 12), u32_at(record, 16))
    else {
        return Err(short);
    };
    let mut directory = Directory {
        range: u64::from(start)..u64::from(start) + u64::from(size),
        entries: u64::from(entries),
    };
    if entries == u16::MAX || size == u32::MAX || start == u32::MAX {
        let Some(locator_at) = at.checked_sub(20) else {
            return Err(short);
        };
        let Some(locator) = piece(parts, &(locator_at..at)) else {
            return Ok(Step::Need(locator_at..total));
        };
        if locator.starts_with(b"PK\x06\x07") {
            let record_at = u64_at(locator, 8).ok_or(short.clone())?;
            let range = record_at..record_at.checked_add(56).ok_or(short.clone())?;
            if range.end > locator_at {
                return Err(Damaged("its zip64 end record lies outside"));
            }
            let Some(record) = piece(parts, &range) else {
                return Ok(Step::Need(range));
            };
            let (true, Some(entries), Some(size), Some(start)) = (
                record.starts_with(b"PK\x06\x06"),
                u64_at(record, 32),
                u64_at(record, 40),
                u64_at(record, 48),
            ) else {
                return Err(Damaged("its zip64 end record is not one"));
            };
            directory = Directory {
                range: start..start.checked_add(size).ok_or(short)?,
                entries,
            };
        }
    }
    let size = directory.range.end - directory.range.start;
    if directory.range.end > at || size > MAX_DIRECTORY || directory.entries > size / 46 {
        return Err(Damaged("its central directory lies outside"));
    }
    Ok(Step::Have(directory))
}

/// An entry of the central directory (4.3.12).
struct Entry<'a> {
    name: &'a str,
    method: u16,
    crc: u32,
    packed: u64,
    unpacked: u64,
    header: u64,
}

fn find<'a>(
    mut listed: &'a [u8],
    directory: &Directory,
    wanted: &Wanted<'_>,
) -> Result<Entry<'a>, ArchiveFault> {
    let short = Damaged("its central directory is cut off");
    let mut best: Option<(u8, Entry<'a>)> = None;
    let mut tied = false;
    for _ in 0..directory.entries {
        if !listed.starts_with(b"PK\x01\x02") {
            return Err(Damaged("its central directory is not one"));
        }
        let (Some(name), Some(extra), Some(comment)) =
            (u16_at(listed, 28), u16_at(listed, 30), u16_at(listed, 32))
        else {
            return Err(short);
        };
        let name_end = 46 + usize::from(name);
        let extra_end = name_end + usize::from(extra);
        let end = extra_end + usize::from(comment);
        let (Some(name), Some(extra), Some(rest)) = (
            listed.get(46..name_end),
            listed.get(name_end..extra_end),
            listed.get(end..),
        ) else {
            return Err(short);
        };
        if let Ok(name) = std::str::from_utf8(name)
            && let Some(fit) = (wanted.fit)(name)
        {
            let best_fit = best.as_ref().map(|(fit, _)| *fit);
            tied = best_fit == Some(fit) || (tied && best_fit > Some(fit));
            if best_fit < Some(fit) {
                best = Some((fit, entry(listed, name, extra).ok_or(short.clone())?));
            }
        }
        listed = rest;
    }
    if !listed.is_empty() {
        return Err(Damaged("its central directory is longer than it says"));
    }
    match best {
        Some(_) if tied => Err(ArchiveFault::Ambiguous(wanted.what)),
        Some((_, entry)) => Ok(entry),
        None => Err(ArchiveFault::Absent(wanted.what)),
    }
}

fn entry<'a>(header: &[u8], name: &'a str, extra: &[u8]) -> Option<Entry<'a>> {
    let mut entry = Entry {
        name,
        method: u16_at(header, 10)?,
        crc: u32_at(header, 16)?,
        packed: u64::from(u32_at(header, 20)?),
        unpacked: u64::from(u32_at(header, 24)?),
        header: u64::from(u32_at(header, 42)?),
    };
    let encrypted = u16_at(header, 8)? & 1 != 0;
    if encrypted {
        return None;
    }
    // 4.5.3: of the zip64 field only those values are there that did not fit, in this order.
    let mut zip64 = zip64_field(extra).unwrap_or_default();
    for value in [&mut entry.unpacked, &mut entry.packed, &mut entry.header] {
        if *value == u64::from(u32::MAX) {
            *value = u64_at(zip64, 0)?;
            zip64 = &zip64[8..];
        }
    }
    Some(entry)
}

fn zip64_field(mut extra: &[u8]) -> Option<&[u8]> {
    loop {
        let length = usize::from(u16_at(extra, 2)?);
        let field = extra.get(4..4 + length)?;
        if u16_at(extra, 0)? == 1 {
            return Some(field);
        }
        extra = &extra[4 + length..];
    }
}

/// Reads an entry that lies before the central directory: its local header (4.3.7) and its data.
fn contents(parts: &[Part], entry: &Entry<'_>, limit: u64) -> Result<Progress, ArchiveFault> {
    let outside = || Damaged("an entry lies outside");
    if entry.packed > MAX_FILE || entry.unpacked > MAX_FILE {
        return Err(Damaged("its metadata is too large"));
    }
    let header_end = entry
        .header
        .checked_add(30 + entry.name.len() as u64)
        .filter(|end| *end <= limit)
        .ok_or_else(outside)?;
    // The local extra field is as long as it likes to be; most have none.
    let guess = entry.header..(header_end + 64 + entry.packed).min(limit);
    let Some(header) = piece(parts, &(entry.header..header_end)) else {
        return Ok(Progress::Need(guess));
    };
    let (Some(method), Some(name), Some(extra)) =
        (u16_at(header, 8), u16_at(header, 26), u16_at(header, 28))
    else {
        return Err(outside());
    };
    if !header.starts_with(b"PK\x03\x04")
        || method != entry.method
        || usize::from(name) != entry.name.len()
        || &header[30..] != entry.name.as_bytes()
    {
        return Err(Damaged("a local header differs from the central directory"));
    }
    let start = header_end + u64::from(extra);
    let range = start..start + entry.packed;
    if range.end > limit {
        return Err(outside());
    }
    let Some(packed) = piece(parts, &range) else {
        return Ok(Progress::Need(range));
    };
    let unpacked = match method {
        0 => packed.to_vec(),
        8 => {
            let mut unpacked = Vec::new();
            DeflateDecoder::new(packed)
                .take(entry.unpacked + 1)
                .read_to_end(&mut unpacked)
                .map_err(|_| Damaged("its metadata cannot be inflated"))?;
            unpacked
        }
        _ => return Err(Damaged("its metadata is packed by an unknown method")),
    };
    if unpacked.len() as u64 != entry.unpacked || crc32fast::hash(&unpacked) != entry.crc {
        return Err(Damaged("its metadata is not what its checksum says"));
    }
    Ok(Progress::Done(unpacked))
}

/// A range of the archive, if one of the parts holds it whole.
fn piece<'a>(parts: &'a [Part], range: &Range<u64>) -> Option<&'a [u8]> {
    parts.iter().find_map(|part| {
        let start = usize::try_from(range.start.checked_sub(part.start)?).ok()?;
        let end = usize::try_from(range.end.checked_sub(part.start)?).ok()?;
        part.bytes.get(start..end)
    })
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::DeflateEncoder;
    use proptest::prelude::*;
    use std::io::Write;

    /// A zip of (path, contents, whether deflated), as simple as can be.
    pub(crate) fn zip(files: &[(&str, &[u8], bool)]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut directory = Vec::new();
        for (path, contents, deflated) in files {
            let packed = if *deflated {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(contents).expect("to memory");
                encoder.finish().expect("to memory")
            } else {
                contents.to_vec()
            };
            let length = |n: usize| u32::try_from(n).expect("small").to_le_bytes();
            let mut common = Vec::new();
            common.extend([20, 0, 0, 0, if *deflated { 8 } else { 0 }, 0, 0, 0, 0x21, 0]);
            common.extend(crc32fast::hash(contents).to_le_bytes());
            common.extend(length(packed.len()));
            common.extend(length(contents.len()));
            common.extend(u16::try_from(path.len()).expect("small").to_le_bytes());
            common.extend([0, 0]);
            directory.extend(b"PK\x01\x02\x14\x00");
            directory.extend(&common);
            directory.extend([0; 10]);
            directory.extend(length(out.len()));
            directory.extend(path.as_bytes());
            out.extend(b"PK\x03\x04");
            out.extend(&common);
            out.extend(path.as_bytes());
            out.extend(packed);
        }
        let start = u32::try_from(out.len()).expect("small");
        let size = u32::try_from(directory.len()).expect("small");
        let count = u16::try_from(files.len()).expect("small").to_le_bytes();
        out.extend(directory);
        out.extend(b"PK\x05\x06\0\0\0\0");
        out.extend(count.into_iter().chain(count));
        out.extend(size.to_le_bytes());
        out.extend(start.to_le_bytes());
        out.extend([0, 0]);
        out
    }

    const WANTED: Wanted<'static> = Wanted {
        what: "METADATA",
        fit: &|path| path.ends_with("METADATA").then_some(1),
    };

    /// Plays the server: gives each range that is asked for, and counts them.
    fn fetch(archive: &[u8], first: u64) -> (Result<Vec<u8>, ArchiveFault>, usize) {
        let total = archive.len() as u64;
        let part = |range: Range<u64>| Part {
            start: range.start,
            bytes: Bytes::copy_from_slice(
                &archive[usize::try_from(range.start).expect("small")
                    ..usize::try_from(range.end).expect("small")],
            ),
        };
        let mut parts = vec![part(total.saturating_sub(first)..total)];
        loop {
            match advance(&parts, total, &WANTED) {
                Ok(Progress::Done(bytes)) => return (Ok(bytes), parts.len()),
                Ok(Progress::Need(range)) => {
                    assert!(parts.len() < 8 && range.start < range.end && range.end <= total);
                    parts.push(part(range));
                }
                Err(fault) => return (Err(fault), parts.len()),
            }
        }
    }

    fn example(deflated: bool) -> Vec<u8> {
        let filler: Vec<u8> = (0..40_000u32).flat_map(u32::to_le_bytes).collect();
        zip(&[
            ("a/METADATA", b"Name: a", deflated),
            ("a/filler", &filler, false),
            ("a/other", b"x", true),
        ])
    }

    #[test]
    fn the_file_is_found_wherever_it_lies() {
        for deflated in [true, false] {
            let archive = example(deflated);
            assert_eq!(fetch(&archive, FIRST_GUESS), (Ok(b"Name: a".to_vec()), 2));
            assert_eq!(fetch(&archive, 1 << 20), (Ok(b"Name: a".to_vec()), 1));
            assert_eq!(fetch(&archive, 30).0, Ok(b"Name: a".to_vec()));
        }
    }

    #[test]
    fn an_archive_comment_is_skipped() {
        let mut archive = example(true);
        let end = archive.len();
        archive[end - 2..].copy_from_slice(&300u16.to_le_bytes());
        archive.extend([b'x'; 300]);
        assert_eq!(fetch(&archive, 100).0, Ok(b"Name: a".to_vec()));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let mut said = Vec::new();
        let mut say = |archive: &[u8]| {
            said.push(
                fetch(archive, FIRST_GUESS)
                    .0
                    .expect_err("damaged")
                    .to_string(),
            );
        };
        say(b"");
        say(&[b'x'; 30]);
        say(&zip(&[("a/other", b"", true)]));
        say(&zip(&[
            ("a/METADATA", b"", true),
            ("b/METADATA", b"", true),
        ]));
        let whole = example(true);
        let end = whole.len();
        say(&whole[..end - 1]);
        for (at, flipped) in [
            (end - 4, 0xff), // the directory's place
            (end - 12, 1),   // the number of entries
            (8, 8),          // the local method
            (30, 1),         // the local name
            (41, 0xff),      // the data
        ] {
            let mut broken = whole.clone();
            broken[at] ^= flipped;
            say(&broken);
        }
        insta::assert_snapshot!(said.join("\n"), @r"
        not a sound zip archive: it has no end record
        not a sound zip archive: it has no end record
        no `METADATA` in the archive
        more than one `METADATA` in the archive
        not a sound zip archive: it has no end record
        not a sound zip archive: its central directory lies outside
        not a sound zip archive: its central directory is longer than it says
        not a sound zip archive: a local header differs from the central directory
        not a sound zip archive: a local header differs from the central directory
        not a sound zip archive: its metadata is not what its checksum says
        ");
    }

    proptest! {
        #[test]
        fn no_damage_panics(at in any::<proptest::sample::Index>(), value in any::<u8>(), first in 0u64..300) {
            let mut archive = zip(&[("a/METADATA", b"Name: a", true), ("b", b"", false)]);
            let at = at.index(archive.len());
            archive[at] = value;
            let _ = fetch(&archive, first);
        }

        #[test]
        fn no_bytes_panic(archive in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = fetch(&archive, 100);
        }
    }
}
