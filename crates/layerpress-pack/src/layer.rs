//! The writer: a layer tree as a zip, the same bytes every time.

use std::convert::Infallible;
use std::io::{self, Write};
use std::thread;

use layerpress_tree::{Encoding, Entry, LayerPath, LayerTree, Mode, Sha256};
use sha2::Digest as _;

use crate::LayerTooLarge;
use crate::format::{
    CENTRAL_HEADER, CENTRAL_HEADER_BYTES, END, END_BYTES, FLAG_UTF8, LOCAL_HEADER,
    LOCAL_HEADER_BYTES, METHOD_DEFLATE, METHOD_STORED, ZIP64_END, ZIP64_END_BYTES, ZIP64_LOCATOR,
    ZIP64_LOCATOR_BYTES,
};

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The zip's size.
    pub bytes: u64,
    /// The zip's digest.
    pub digest: Sha256,
    /// How many files it holds.
    pub files: u64,
    /// What the files take when unzipped, as Lambda counts it.
    pub unzipped_bytes: u64,
}

/// Writes `tree` as a zip to `out`, without flushing it.
///
/// The bytes depend on the tree alone: entries sorted by the raw bytes of their paths, times
/// 1980-01-01 00:00, no extra fields, no comments, no folder entries, modes 0644 and 0755 (links 0777)
/// by a Unix host, the UTF-8 flag where a path is not ASCII. Streams are copied as they are. From 65,535
/// files on, a zip64 end record follows the directory.
///
/// # Errors
/// Those of `out`, and [`LayerTooLarge`] if the zip would need 64-bit sizes or offsets; nothing is
/// written then.
pub fn write_layer(tree: &LayerTree, out: &mut dyn Write) -> io::Result<Written> {
    beside_digest(tree, || write_zip(tree, out))
}

/// Writes the zip that [`write_layer`] would write, without its digest: for zips that nobody pins.
///
/// # Errors
/// As [`write_layer`]'s.
pub fn write_undigested(tree: &LayerTree, out: &mut dyn Write) -> io::Result<()> {
    check_size(tree)?;
    write_zip(tree, out)
}

/// Digests the zip of `tree` on another thread while `write` writes it on this one.
///
/// Each thread walks the tree for itself: that costs less than handing the bytes over, and the
/// disk never waits for the digest, which is the slower of the two.
pub(crate) fn beside_digest(
    tree: &LayerTree,
    write: impl FnOnce() -> io::Result<()>,
) -> io::Result<Written> {
    let (bytes, unzipped_bytes) = check_size(tree)?;
    let digest = thread::scope(|scope| {
        let digest = thread::Builder::new()
            .name("layer-digest".into())
            .spawn_scoped(scope, || digest(tree))?;
        write()?;
        digest
            .join()
            .map_err(|_| io::Error::other("the digest thread died"))
    })?;
    Ok(Written {
        bytes,
        digest,
        files: tree.len() as u64,
        unzipped_bytes,
    })
}

/// How large the zip will be, and its files unzipped.
fn check_size(tree: &LayerTree) -> io::Result<(u64, u64)> {
    let bytes = zip_size(tree);
    let unzipped_bytes = tree.unzipped_size();
    // Below this, no field of any header needs its 64-bit form; a layer is 16 times smaller.
    if bytes.max(unzipped_bytes) >= u64::from(u32::MAX) {
        let error = LayerTooLarge {
            bytes: bytes.max(unzipped_bytes),
        };
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, error));
    }
    Ok((bytes, unzipped_bytes))
}

/// Writes the zip in large pieces.
pub(crate) fn write_zip(tree: &LayerTree, out: &mut dyn Write) -> io::Result<()> {
    let mut gathered = Vec::with_capacity(CHUNK);
    walk(tree, |bytes| {
        if bytes.len() < DIRECT {
            gathered.extend_from_slice(bytes);
            if gathered.len() < CHUNK - DIRECT {
                return Ok(());
            }
        }
        out.write_all(&gathered)?;
        gathered.clear();
        if bytes.len() < DIRECT {
            return Ok(());
        }
        out.write_all(bytes)
    })?;
    out.write_all(&gathered)
}

fn digest(tree: &LayerTree) -> Sha256 {
    let mut digest = sha2::Sha256::new();
    let Ok(()) = walk(tree, |bytes| {
        digest.update(bytes);
        Ok::<_, Infallible>(())
    });
    Sha256(digest.finalize().into())
}

/// How many bytes are gathered before they are written.
const CHUNK: usize = 256 << 10;

/// Streams from this size on are written from where they lie, uncopied.
const DIRECT: usize = 64 << 10;

/// From this many entries on, the end record's 16 bits do not do (APPNOTE section 4.4.1.4).
const ZIP64_ENTRIES: usize = 0xffff;

/// 1980-01-01, the first day that MS-DOS knows; the time beside it is 0 (APPNOTE section 4.4.6).
const DOS_DATE: u16 = 1 << 5 | 1;

/// Made by a Unix host (APPNOTE section 4.4.2.2), by version 2.0 of the format.
const MADE_BY: u16 = 3 << 8 | VERSION;

/// Version 2.0 of the format: deflate (APPNOTE section 4.4.3.2).
const VERSION: u16 = 20;

/// Version 4.5 of the format: zip64 (APPNOTE section 4.4.3.2).
const ZIP64_VERSION: u16 = 45;

/// Linux `stat.h`: a regular file, a symbolic link.
const S_IFREG: u32 = 0o100_000;
const S_IFLNK: u32 = 0o120_000;

/// The size of the zip that [`write_layer`] makes of `tree`, in bytes.
#[must_use]
pub fn zip_size(tree: &LayerTree) -> u64 {
    let headers = LOCAL_HEADER_BYTES + CENTRAL_HEADER_BYTES;
    let entries: u64 = tree
        .iter()
        .map(|(path, entry)| {
            (headers + 2 * path.as_str().len()) as u64 + entry.content.stream_size()
        })
        .sum();
    let zip64 = if tree.len() < ZIP64_ENTRIES {
        0
    } else {
        ZIP64_END_BYTES + ZIP64_LOCATOR_BYTES
    };
    entries + (zip64 + END_BYTES) as u64
}

/// Hands the bytes of the zip to `sink`, piece by piece.
fn walk<E>(tree: &LayerTree, mut sink: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    let mut directory = Vec::with_capacity(tree.len() * (CENTRAL_HEADER_BYTES + 64));
    let mut local = Vec::with_capacity(LOCAL_HEADER_BYTES + 256);
    let mut offset = 0;
    for (path, entry) in tree.iter() {
        let header = Header::new(path, entry);
        header.push_central(&mut directory, offset);
        local.clear();
        header.push_local(&mut local);
        sink(&local)?;
        sink(&entry.content.data)?;
        offset += small(local.len() as u64 + entry.content.stream_size());
    }
    push_end(&mut directory, tree.len(), offset);
    sink(&directory)
}

/// What the local and the central header of an entry have in common.
struct Header<'a> {
    path: &'a LayerPath,
    entry: &'a Entry,
    /// From the version that is needed to the lengths of name and extra field: 26 bytes that are
    /// the same in both headers (APPNOTE sections 4.3.7 and 4.3.12).
    common: [u8; 26],
}

impl<'a> Header<'a> {
    fn new(path: &'a LayerPath, entry: &'a Entry) -> Self {
        let content = &entry.content;
        let flags = if path.as_str().is_ascii() {
            0
        } else {
            FLAG_UTF8
        };
        let method = match content.encoding {
            Encoding::Stored => METHOD_STORED,
            Encoding::Deflate => METHOD_DEFLATE,
        };
        let mut common = [0; 26];
        common[0..2].copy_from_slice(&VERSION.to_le_bytes());
        common[2..4].copy_from_slice(&flags.to_le_bytes());
        common[4..6].copy_from_slice(&method.to_le_bytes());
        common[8..10].copy_from_slice(&DOS_DATE.to_le_bytes());
        common[10..14].copy_from_slice(&content.crc32.to_le_bytes());
        common[14..18].copy_from_slice(&small(content.stream_size()).to_le_bytes());
        common[18..22].copy_from_slice(&small(content.size).to_le_bytes());
        common[22..26].copy_from_slice(&small(path.as_str().len() as u64).to_le_bytes());
        Self {
            path,
            entry,
            common,
        }
    }

    fn push_local(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&LOCAL_HEADER.to_le_bytes());
        to.extend_from_slice(&self.common);
        to.extend_from_slice(self.path.as_str().as_bytes());
    }

    fn push_central(&self, to: &mut Vec<u8>, offset: u32) {
        to.extend_from_slice(&CENTRAL_HEADER.to_le_bytes());
        to.extend_from_slice(&MADE_BY.to_le_bytes());
        to.extend_from_slice(&self.common);
        // The lengths of the comment, the disk's number and the internal attributes.
        to.extend_from_slice(&[0; 6]);
        let mode = self.entry.mode;
        let kind = match mode {
            Mode::File | Mode::Executable => S_IFREG,
            Mode::Link => S_IFLNK,
        };
        to.extend_from_slice(&((kind | mode.bits()) << 16).to_le_bytes());
        to.extend_from_slice(&offset.to_le_bytes());
        to.extend_from_slice(self.path.as_str().as_bytes());
    }
}

/// Ends `directory`, which begins at `start` in the zip and holds `entries` headers.
fn push_end(directory: &mut Vec<u8>, entries: usize, start: u32) {
    let size = directory.len();
    if entries >= ZIP64_ENTRIES {
        let record = [
            &ZIP64_END.to_le_bytes()[..],
            &(ZIP64_END_BYTES as u64 - 12).to_le_bytes(),
            &(3 << 8 | ZIP64_VERSION).to_le_bytes(),
            &ZIP64_VERSION.to_le_bytes(),
            &[0; 8],
            &(entries as u64).to_le_bytes(),
            &(entries as u64).to_le_bytes(),
            &(size as u64).to_le_bytes(),
            &u64::from(start).to_le_bytes(),
        ];
        let locator = [
            &ZIP64_LOCATOR.to_le_bytes()[..],
            &[0; 4],
            &(u64::from(start) + size as u64).to_le_bytes(),
            &1u32.to_le_bytes(),
        ];
        directory.extend(record.concat());
        directory.extend(locator.concat());
    }
    let count = u16::try_from(entries).unwrap_or(u16::MAX).to_le_bytes();
    let end = [
        &END.to_le_bytes()[..],
        &[0; 4],
        &count,
        &count,
        &small(size as u64).to_le_bytes(),
        &start.to_le_bytes(),
        &[0; 2],
    ];
    directory.extend(end.concat());
}

/// A size inside a layer that [`write_layer`] has found to take less than 4 GiB, zipped or not.
fn small(size: u64) -> u32 {
    u32::try_from(size).expect("the whole layer takes less than 4 GiB")
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use super::*;
    use crate::{Archive, Level, Limits, compress, read_all, stored};
    use bytes::Bytes;
    use proptest::prelude::*;

    fn tree(files: &[(&str, Mode, &str)]) -> LayerTree {
        let mut tree = LayerTree::new();
        for (path, mode, text) in files {
            let entry = Entry {
                mode: *mode,
                content: compress(text.as_bytes(), Level::Fast),
            };
            let path = LayerPath::new(path).expect("valid");
            tree.insert(path, entry).expect("no conflict");
        }
        tree
    }

    fn written(tree: &LayerTree) -> (Vec<u8>, Written) {
        let mut zip = Vec::new();
        let written = write_layer(tree, &mut zip).expect("memory takes all");
        (zip, written)
    }

    fn small_tree() -> LayerTree {
        tree(&[
            ("python/b.py", Mode::File, &"pass\n".repeat(50)),
            ("bin/tool", Mode::Executable, "#!/bin/sh\n"),
            ("python/ä.txt", Mode::File, ""),
        ])
    }

    #[test]
    fn the_account_is_that_of_the_bytes() {
        let (zip, account) = written(&small_tree());
        let digest = Sha256(sha2::Sha256::digest(&zip).into());
        let expected = Written {
            bytes: zip.len() as u64,
            digest,
            files: 3,
            unzipped_bytes: 260,
        };
        assert_eq!(account, expected);
        let mut undigested = Vec::new();
        write_undigested(&small_tree(), &mut undigested).expect("memory takes all");
        assert_eq!(undigested, zip);
    }

    /// The bytes are what users pin; a change of them is a change that a release announces.
    #[test]
    fn the_bytes_are_pinned() {
        let (_, account) = written(&small_tree());
        insta::assert_snapshot!(account.digest, @"903fc57da6b350d820277a548b81d8a702c10034837ef78ee123b011ef660ff1");
        let (empty, _) = written(&LayerTree::new());
        assert_eq!(empty, [&b"PK\x05\x06"[..], &[0; 18]].concat());
    }

    #[test]
    fn another_reader_finds_the_same_files() {
        let (zip, _) = written(&small_tree());
        let mut archive = zip::ZipArchive::new(Cursor::new(zip)).expect("a zip");
        let mut found = Vec::new();
        for index in 0..archive.len() {
            let mut file = archive.by_index(index).expect("readable");
            let mut text = String::new();
            file.read_to_string(&mut text).expect("verified");
            assert_eq!(file.last_modified(), Some(zip::DateTime::default()));
            assert!(file.extra_data().as_deref().is_none_or(<[u8]>::is_empty));
            let mode = file.unix_mode().expect("made by unix");
            let name = file.name().expect("utf-8");
            found.push(format!("{mode:o} {name} {}", text.len()));
        }
        insta::assert_snapshot!(found.join("\n"), @r#"
100755 bin/tool 10
100644 python/b.py 250
100644 python/ä.txt 0
"#);
    }

    #[test]
    fn more_files_than_sixteen_bits_can_count() {
        let content = stored(Bytes::from_static(b"x"));
        for count in [65_534, 65_535] {
            let mut tree = LayerTree::new();
            for number in 0..count {
                let path = LayerPath::new(&format!("{:03}/{number}", number / 1000));
                let entry = Entry {
                    mode: Mode::File,
                    content: content.clone(),
                };
                tree.insert(path.expect("valid"), entry).expect("new");
            }
            let (zip, account) = written(&tree);
            assert_eq!(account.bytes, zip.len() as u64);
            let own = Archive::open(zip.clone().into(), &Limits::default()).expect("strict");
            assert_eq!(own.to_tree(), tree);
            let other = zip::ZipArchive::new(Cursor::new(zip)).expect("a zip");
            assert_eq!(other.len(), count);
        }
    }

    #[test]
    fn what_needs_wide_offsets_is_refused_before_a_byte_is_written() {
        let mut tree = tree(&[("a", Mode::File, "x")]);
        let mut content = stored(Bytes::from_static(b"x"));
        content.size = 1 << 32;
        let entry = Entry {
            mode: Mode::File,
            content,
        };
        tree.insert(LayerPath::new("b").expect("valid"), entry)
            .expect("new");
        let mut zip = Vec::new();
        let error = write_layer(&tree, &mut zip).expect_err("too large");
        insta::assert_snapshot!(error, @"the layer would take 4294967297 bytes, more than the 4,294,967,294 of a plain zip");
        assert!(zip.is_empty());
    }

    #[test]
    fn a_full_output_is_an_error() {
        let mut room = [0; 100];
        let error = write_layer(&small_tree(), &mut &mut room[..]).expect_err("no room");
        assert_eq!(error.kind(), io::ErrorKind::WriteZero);
    }

    /// Paths, modes and contents of all sizes that the writer treats differently.
    fn any_tree() -> impl Strategy<Value = LayerTree> {
        let path = "[a-c]{1,2}(/[a-cü]{1,2}){0,3}";
        let size = prop_oneof![0..200usize, Just(DIRECT), (DIRECT - 2..2 * DIRECT)];
        let file = (path, any::<bool>(), any::<u8>(), size, 0..3u8);
        proptest::collection::vec(file, 0..40).prop_map(|files| {
            let mut tree = LayerTree::new();
            for (path, executable, seed, size, form) in files {
                let bytes: Vec<u8> = (0..size)
                    .map(|n| seed.wrapping_mul(n.to_le_bytes()[0]) ^ n.to_le_bytes()[1])
                    .collect();
                let entry = Entry {
                    mode: if executable {
                        Mode::Executable
                    } else {
                        Mode::File
                    },
                    content: match form {
                        0 => stored(bytes.into()),
                        1 => compress(&bytes, Level::Fast),
                        _ => compress(&bytes, Level::Best),
                    },
                };
                // Two of the random paths may not stand in one tree; the rest makes the tree.
                let _ = tree.insert(LayerPath::new(&path).expect("plain"), entry);
            }
            tree
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn reading_what_was_written_gives_the_same_tree(tree in any_tree()) {
            let (zip, account) = written(&tree);
            prop_assert_eq!(account.bytes, zip.len() as u64);
            let archive = Archive::open(zip.into(), &Limits::default()).expect("strict");
            prop_assert_eq!(&archive.to_tree(), &tree);
            for entry in archive.entries() {
                prop_assert!(read_all(&entry.content).is_ok());
            }
            let order: Vec<_> = archive.entries().iter().map(|entry| &entry.path).collect();
            prop_assert!(order.is_sorted());
        }
    }
}
