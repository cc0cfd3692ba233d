//! Hostile archives, each refused for its own reason, and odd but honest ones, let through.

use bytes::Bytes;
use layerpress_tree::{Encoding, Mode};
use proptest::prelude::*;

use super::forge::{Forged, Zip};
use super::*;
use crate::format::{FLAG_UTF8, METHOD_DEFLATE};
use crate::{Level, compress};

fn open(zip: &Zip) -> Result<Archive, ArchiveError> {
    Archive::open(zip.build().into(), &Limits::default())
}

/// The text of the refusal.
fn refusal(zip: &Zip) -> String {
    open(zip)
        .expect_err("a hostile archive was opened")
        .to_string()
}

fn of(entry: Forged) -> Zip {
    Zip::of([entry])
}

fn file() -> Forged {
    Forged::stored("a.py", b"pass\n")
}

fn deflated(name: &str, text: &[u8]) -> Forged {
    let content = compress(text, Level::Fast);
    assert_eq!(content.encoding, Encoding::Deflate, "the text shrinks");
    Forged::new(name, METHOD_DEFLATE, content.data.to_vec(), text)
}

fn record(id: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).expect("short");
    [&id.to_le_bytes(), &length.to_le_bytes(), data].concat()
}

fn wide_sizes(size: u64, compressed: u64) -> Vec<u8> {
    record(1, &[size, compressed].map(u64::to_le_bytes).concat())
}

/// Stands before a slice of lines, so that one snapshot pins many refusals.
fn lines(refusals: &[String]) -> String {
    refusals.join("\n")
}

#[test]
fn files_come_out_in_the_archives_order() {
    let text = b"import os\n".repeat(30);
    let folder = Forged::stored("pkg/", b"").with(|entry| entry.attributes = 0o040_755 << 16);
    let tool = Forged::stored("pkg-1.data/scripts/tool", b"#!").with(|entry| {
        entry.attributes = 0o100_755 << 16;
    });
    let zip = Zip::of([deflated("pkg/b.py", &text), folder, tool, file()]);
    let archive = open(&zip).expect("honest");
    let paths: Vec<_> = archive.entries().iter().map(|e| e.path.as_str()).collect();
    assert_eq!(paths, ["pkg/b.py", "pkg-1.data/scripts/tool", "a.py"]);
    let found = archive.find("pkg/b.py").expect("there");
    assert_eq!(read_all(&found.content), Ok(text));
    assert_eq!(archive.find("pkg"), None);
    let tool = archive.find("pkg-1.data/scripts/tool").expect("there");
    assert_eq!((tool.mode, tool.to_entry().mode), (0o755, Mode::Executable));
    assert_eq!(archive.to_tree().len(), 3);
    assert!(open(&Zip::default()).expect("empty").entries().is_empty());
}

#[test]
fn a_layer_may_link_to_what_it_holds() {
    let link = |name: &str, target: &str| {
        Forged::stored(name, target.as_bytes()).with(|entry| entry.attributes = 0o120_777 << 16)
    };
    let layer = |links: Vec<Forged>| {
        let zip = Zip::of([vec![Forged::stored("lib/libz.so.1.3", b"z")], links].concat());
        Archive::open_layer(zip.build().into(), &Limits::default())
    };
    let archive = layer(vec![
        link("lib/libz.so", "libz.so.1"),
        link("lib/libz.so.1", "/opt/lib/libz.so.1.3"),
        link("lib/lost", "nothing"),
    ])
    .expect("all stay inside");
    let tree = archive.to_tree();
    assert_eq!(tree.get("lib/libz.so").expect("there").mode, Mode::Link);
    let mut zip = Vec::new();
    crate::write_layer(&tree, &mut zip).expect("memory takes all");
    let again = Archive::open_layer(zip.into(), &Limits::default()).expect("whole");
    assert_eq!(again.to_tree(), tree);
    let refused = [
        vec![link("lib/libz.so", "/usr/lib/libz.so")],
        vec![link("lib/libz.so", "../../libz.so")],
        vec![link("lib/libz.so", "\0")],
        vec![link("lib/libz.so", "")],
        vec![link("lib/libz.so", &"x".repeat(5000))],
        vec![link("a/b/up", "../.."), link("a/b/x", "up/../x")],
        vec![link("out", "lib"), Forged::stored("out/passwd", b"")],
        vec![link("folder/", "lib")],
    ];
    let refused = refused.map(|links| layer(links).expect_err("hostile").to_string());
    insta::assert_snapshot!(lines(&refused), @r"
    `lib/libz.so`: the entry is a link to `/usr/lib/libz.so`, which leads to an absolute path
    `lib/libz.so`: the entry is a link to `../../libz.so`, which leads out of the layer
    `lib/libz.so`: the entry is a link to `\u{0}`, which names no path
    `lib/libz.so`: the entry is a link to ``, which names no path
    `lib/libz.so`: the entry is a symbolic link longer than any path, not a file
    `a/b/x`: the entry is a link to `up/../x`, which leads out of the layer
    `out`: the name is a file, and a folder of `out/passwd`
    `folder/`: the entry is a symbolic link with a folder's name, not a file
    ");
}

#[test]
fn honest_oddities_are_let_through() {
    let fine = |zip: &Zip| {
        let archive = open(zip).expect("honest");
        for entry in archive.entries() {
            read_all(&entry.content).expect("readable");
        }
    };
    for (signed, wide) in [(true, false), (false, false), (true, true), (false, true)] {
        let mut entry = file().streamed(signed, wide);
        if wide {
            entry.local.extra = wide_sizes(0, 0);
            (entry.local.size, entry.local.compressed) = (u32::MAX, u32::MAX);
        }
        fine(&Zip::of([
            entry,
            file().both(|header| header.name = b"b".into()),
        ]));
    }
    // Sizes known before the data, and a descriptor nevertheless.
    fine(&of(file().streamed(true, false).with(|entry| {
        let flags = entry.local.flags;
        entry.local = entry.central.clone();
        entry.local.flags = flags;
    })));
    // Python's `force_zip64`.
    fine(&of(file().with(|entry| {
        entry.local.extra = wide_sizes(5, 5);
        (entry.local.size, entry.local.compressed) = (u32::MAX, u32::MAX);
    })));
    // Times, and padding by zipalign, in one header alone.
    fine(&of(file().with(|entry| {
        entry.local.extra = [record(0x5455, &[3, 0, 0, 0, 0]), vec![0; 3]].concat();
    })));
    fine(&Zip::of([file()]).with(|zip| zip.comment = b"made with care".into()));
    fine(&Zip::of([file()]).with(|zip| zip.zip64 = true));
    fine(&Zip::of([file()]).with(|zip| {
        zip.zip64 = true;
        zip.change_end = Some(|end| {
            (end.count, end.size, end.start) = (u16::MAX, u32::MAX, u32::MAX);
        });
    }));
    // Folders of `jar`, entries from systems without modes, a deflated nothing.
    fine(&of(Forged::new("pkg/", METHOD_DEFLATE, vec![3, 0], b"")));
    fine(&of(file().with(|entry| entry.attributes = 0x20)));
    fine(&of(Forged::new("__init__.py", METHOD_DEFLATE, vec![], b"")));
    fine(&of(
        Forged::stored("ü.py", b"").both(|header| header.flags = FLAG_UTF8)
    ));
    fine(&of(Forged::stored("ü.py", b"")));
}

#[test]
fn what_is_no_whole_zip_is_refused() {
    let whole = Zip::of([file(), deflated("b", &[b'b'; 100])]).build();
    let limits = Limits::default();
    for cut in 0..whole.len() {
        let part = Bytes::copy_from_slice(&whole[..cut]);
        let error = Archive::open(part, &limits).expect_err("cut short");
        assert_eq!(error, ArchiveError::NoEnd);
    }
    let page = Bytes::from_static(b"<!doctype html><title>Sign in</title>");
    let error = Archive::open(page, &limits).expect_err("a web page");
    insta::assert_snapshot!(error, @"not a whole zip archive: there is no end record");
    insta::assert_snapshot!(error.hint().expect("says what to do"), @"the file may be cut short, or be another format: fetch it again");
}

#[test]
fn bytes_outside_of_the_archive_are_refused() {
    let zip = || Zip::of([file(), Forged::stored("b", b"b")]);
    let other = zip().build();
    let front = |bytes: &[u8]| [bytes, &other].concat();
    let prepended = |bytes: &[u8]| {
        Archive::open(front(bytes).into(), &Limits::default())
            .expect_err("prepended")
            .to_string()
    };
    let shifted = zip().with(|zip| zip.entries[0].before = b"#!/bin/sh\n".into());
    insta::assert_snapshot!(lines(&[
        refusal(&zip().with(|zip| zip.after = b"\n".into())),
        refusal(&zip().with(|zip| zip.after = b"payload".into())),
        prepended(b"#!/bin/sh\n"),
        prepended(&other),
        refusal(&shifted),
        refusal(&zip().with(|zip| zip.after = other.clone())),
        refusal(&zip().with(|zip| zip.comment = other.clone())),
        refusal(&zip().with(|zip| zip.comment = other[other.len() - 22..].into())),
        refusal(&zip().with(|zip| zip.before_directory = b"hidden".into())),
        refusal(&zip().with(|zip| zip.after_directory = b"hidden".into())),
        refusal(&zip().with(|zip| zip.entries[1].before = b"hidden".into())),
        refusal(&zip().with(|zip| zip.entries[1].before = other.clone())),
    ]), @r#"
1 bytes follow the archive's end record
7 bytes follow the archive's end record
the archive holds 10 bytes that its end record does not know of
the archive holds 190 bytes that its end record does not know of
10 bytes precede the archive's first entry
the archive holds 190 bytes that its end record does not know of
the archive holds 190 bytes that its end record does not know of
the archive holds 22 bytes that its end record does not know of
`b` is followed by 6 bytes that belong to no entry
the archive holds 6 bytes that its end record does not know of
`a.py` is followed by 6 bytes that belong to no entry
`a.py` is followed by 190 bytes that belong to no entry
"#);
}

#[test]
fn end_records_that_lie_are_refused() {
    type Change = fn(&mut super::forge::EndRecord);
    let lie =
        |change: Change| refusal(&Zip::of([file()]).with(|zip| zip.change_end = Some(change)));
    insta::assert_snapshot!(lines(&[
        lie(|end| end.disk = 1),
        lie(|end| end.count = 0),
        lie(|end| end.count = 2),
        lie(|end| end.size -= 1),
        lie(|end| end.size = u32::MAX),
        lie(|end| end.start -= 1),
        lie(|end| end.start = u32::MAX),
        lie(|end| end.start += 46),
    ]), @r#"
the archive is one of several parts
the archive's central directory is malformed at byte 39
the archive's end record states a number of entries of 2 instead of 1
the archive holds 1 bytes that its end record does not know of
the archive's end record states a directory size of 4294967295 instead of 50
the archive holds 1 bytes that its end record does not know of
the archive's end record states a directory offset of 4294967295 instead of 39
the archive's end record states a directory offset of 85 instead of 39
"#);
    let wide = |change: fn(&mut Vec<u8>)| {
        refusal(&Zip::of([file()]).with(|zip| {
            zip.zip64 = true;
            zip.change_zip64 = Some(change);
        }))
    };
    insta::assert_snapshot!(lines(&[
        wide(|records| records[0] = 0),
        wide(|records| records[4] += 1),
        wide(|records| records[16] = 1),
        wide(|records| records[24] = 2),
        wide(|records| records[32] = 2),
        wide(|records| records[40] += 1),
        wide(|records| records[48] += 1),
        wide(|records| records[60] = 1),
        wide(|records| records[64] += 1),
        wide(|records| records[72] = 2),
        wide(|records| { records.splice(56..56, [0; 4]); }),
    ]), @r#"
the archive's zip64 end record is malformed
the archive's zip64 end record is malformed
the archive's end record states a disk number of 0 instead of 1
the archive's end record states a number of entries on this disk of 1 instead of 2
the archive's end record states a number of entries of 1 instead of 2
the archive's end record states a directory size of 50 instead of 51
the archive's end record states a directory offset of 39 instead of 40
the archive is one of several parts
the archive's zip64 end record is malformed
the archive is one of several parts
the archive's zip64 end record is malformed
"#);
}

#[test]
fn the_two_headers_must_agree() {
    let lie = |change: fn(&mut Forged)| refusal(&of(deflated("a", &[7; 500]).with(change)));
    insta::assert_snapshot!(lines(&[
        lie(|entry| entry.local.name = b"b".into()),
        lie(|entry| entry.local.method = 0),
        lie(|entry| entry.local.crc32 ^= 1),
        lie(|entry| entry.local.size += 1),
        lie(|entry| entry.local.compressed += 1),
        lie(|entry| entry.local.size = 0),
        lie(|entry| entry.local.flags = 1),
        lie(|entry| entry.local.size = u32::MAX),
        lie(|entry| {
            entry.local.extra = wide_sizes(501, 9);
            (entry.local.size, entry.local.compressed) = (u32::MAX, u32::MAX);
        }),
        lie(|entry| entry.local.extra = wide_sizes(1, 1)),
        lie(|entry| entry.local.extra = record(0x7075, b"\x01\0\0\0\0b")),
        lie(|entry| entry.local.extra = vec![1, 2, 3]),
        lie(|entry| entry.central.extra = vec![1, 0, 9, 0]),
        lie(|entry| entry.central.compressed += 1),
        lie(|entry| entry.central.compressed += 100_000),
        lie(|entry| entry.offset = Some(1)),
        lie(|entry| entry.offset = Some(1 << 30)),
    ]), @r#"
`a`: the local header and the central directory differ in the name
`a`: the local header and the central directory differ in the method
`a`: the local header and the central directory differ in the CRC-32
`a`: the local header and the central directory differ in the size
`a`: the local header and the central directory differ in the compressed size
`a`: the local header and the central directory differ in the size
`a`: the entry is encrypted
`a`: the local header and the central directory differ in the size
`a`: the local header and the central directory differ in the size
`a`: the extra fields are malformed
`a`: the name differs from its Unicode form
`a`: the extra fields are malformed
`a`: the extra fields are malformed
`a`: the entry runs past the end of the archive's entries
`a`: the entry runs past the end of the archive's entries
`a`: there is no local header at byte 1
`a`: there is no local header at byte 1073741824
"#);
    let marked = Forged::stored("x", b"").both(|header| header.name = b"\x81".into());
    let marked = marked.with(|entry| entry.local.flags = FLAG_UTF8);
    insta::assert_snapshot!(refusal(&of(marked)), @"`ü`: the name is marked as UTF-8 and is not");
}

#[test]
fn data_descriptors_must_agree() {
    let lie = |change: fn(&mut Forged)| {
        let first = deflated("a", &[7; 500]).streamed(true, false).with(change);
        refusal(&Zip::of([first, file()]))
    };
    insta::assert_snapshot!(lines(&[
        lie(|entry| entry.after[4] ^= 1),
        lie(|entry| entry.after[8] += 1),
        lie(|entry| entry.after[12] += 1),
        lie(|entry| entry.after.clear()),
        lie(|entry| entry.after.truncate(8)),
        lie(|entry| entry.after.extend(b"hidden")),
        lie(|entry| entry.local.flags = 0),
        lie(|entry| entry.local.crc32 = 1),
        // 64-bit sizes, which nothing in the header announces.
        lie(|entry| *entry = deflated("a", &[7; 500]).streamed(true, true)),
    ]), @r#"
`a`: the data descriptor and the central directory differ
`a`: the data descriptor and the central directory differ
`a`: the data descriptor and the central directory differ
`a`: the data descriptor and the central directory differ
`a`: the data descriptor and the central directory differ
`a` is followed by 6 bytes that belong to no entry
`a`: the local header and the central directory differ in the size
`a`: the local header and the central directory differ in the CRC-32
`a`: the data descriptor and the central directory differ
"#);
}

#[test]
fn entries_may_not_overlap() {
    let text = vec![0; 3000];
    let kernel = deflated("a", &text);
    // Quotes the next header as a stored block of its own data, as the overlap bombs do.
    let second = deflated("b", &text);
    let mut quoted = Zip::of([second.clone()]).build();
    quoted.truncate(31 + second.data.len());
    let bomb = Zip::of([
        Forged::stored("a", &quoted),
        second.clone().with(|entry| entry.offset = Some(31)),
    ]);
    let mut built = bomb.build();
    let cut = 31 + quoted.len();
    built.drain(cut..cut + quoted.len());
    let start = u32::try_from(cut).expect("small").to_le_bytes();
    let at = built.len() - 6;
    built[at..at + 4].copy_from_slice(&start);
    let error = Archive::open(built.into(), &Limits::default()).expect_err("a bomb");
    let twice = Zip::of([
        kernel.clone(),
        kernel.both(|header| header.name = b"b".into()),
    ])
    .with(|zip| zip.entries[1].offset = Some(0));
    insta::assert_snapshot!(lines(&[error.to_string(), refusal(&twice)]), @r#"
`a` and `b` overlap in the archive
`b`: the local header and the central directory differ in the name
"#);
}

#[test]
fn every_name_is_one_place() {
    let named = |name: &str| Forged::stored(name, b"");
    let raw = |name: &'static [u8]| of(named("").both(|header| header.name = name.into()));
    let with = |names: &[&str]| refusal(&Zip::of(names.iter().map(|name| named(name))));
    let marked = raw(b"\xff").with(|zip| {
        zip.entries[0].central.flags = FLAG_UTF8;
    });
    insta::assert_snapshot!(lines(&[
        with(&["a", "b", "a"]),
        with(&["a/", "a/"]),
        with(&["a", "a/"]),
        with(&["a/b/c", "a-", "a"]),
        with(&["a", "a-b", "a/b/c/d"]),
        with(&["a/b/", "a"]),
        with(&["../a"]),
        with(&["a/../../b"]),
        with(&["/etc/passwd"]),
        with(&["C:/a"]),
        with(&["a\\b"]),
        with(&["a\0b"]),
        with(&["a\x1b[31m"]),
        with(&[""]),
        with(&["/"]),
        with(&["./a"]),
        with(&[&"x".repeat(300)]),
        refusal(&marked),
    ]), @r#"
`a`: the name is there twice
`a`: the name is there twice
`a`: the name is a file, and a folder of `a/`
`a`: the name is a file, and a folder of `a/b/c`
`a`: the name is a file, and a folder of `a/b/c/d`
`a`: the name is a file, and a folder of `a/b`
an entry's name is no path inside the archive: `../a` holds the component `..`
an entry's name is no path inside the archive: `a/../../b` holds the component `..`
an entry's name is no path inside the archive: `/etc/passwd` is an absolute path
an entry's name is no path inside the archive: `C:/a` is an absolute path
an entry's name is no path inside the archive: `a\\b` holds the character '\\'
an entry's name is no path inside the archive: `a\u{0}b` holds the character '\0'
an entry's name is no path inside the archive: `a\u{1b}[31m` holds the character '\u{1b}'
an entry's name is no path inside the archive: the path is empty
an entry's name is no path inside the archive: the path is empty
an entry's name is no path inside the archive: `./a` holds the component `.`
an entry's name is no path inside the archive: `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…` is longer than 255 bytes
`�`: the name is marked as UTF-8 and is not
"#);
}

#[test]
fn only_plain_files_and_folders_are_entries() {
    let kind = |mode: u32| refusal(&of(file().with(|entry| entry.attributes = mode << 16)));
    let coded = |flags: u16, method: u16| {
        refusal(&of(file().both(|header| {
            header.flags = flags;
            header.method = method;
        })))
    };
    insta::assert_snapshot!(lines(&[
        kind(0o120_777),
        kind(0o020_644),
        kind(0o060_644),
        kind(0o010_644),
        kind(0o140_644),
        kind(0o040_755),
        kind(0o170_644),
        refusal(&of(Forged::stored("a/", b"text"))),
        refusal(&of(Forged::new("a/", METHOD_DEFLATE, b"hidden".to_vec(), b""))),
        coded(1, 0),
        coded(1 << 6, 0),
        coded(1 << 13, 0),
        coded(0, 99),
        coded(1 << 5, 0),
        coded(0, 9),
        coded(0, 12),
        coded(0, 14),
        coded(0, 93),
        coded(0, 1),
    ]), @r#"
`a.py`: the entry is a symbolic link, not a file
`a.py`: the entry is a character device, not a file
`a.py`: the entry is a block device, not a file
`a.py`: the entry is a pipe, not a file
`a.py`: the entry is a socket, not a file
`a.py`: the entry is a folder with a file's name, not a file
`a.py`: the entry is a file of an unknown type, not a file
`a/`: the entry is a folder and holds 4 bytes
`a`: the entry is a folder and holds 6 bytes
`a.py`: the entry is encrypted
`a.py`: the entry is encrypted
`a.py`: the entry is encrypted
`a.py`: the entry is encrypted
`a.py`: the entry is a patch of another file
`a.py`: the compression method 9 (deflate64) is not supported
`a.py`: the compression method 12 (bzip2) is not supported
`a.py`: the compression method 14 (LZMA) is not supported
`a.py`: the compression method 93 (zstandard) is not supported
`a.py`: the compression method 1 (unknown) is not supported
"#);
}

#[test]
fn budgets_hold_before_anything_is_inflated() {
    let many = Zip::of((0..20).map(|n| deflated(&format!("{n}"), &[0; 50_000]))).build();
    let with = |limits: &Limits| Archive::open(many.clone().into(), limits);
    let limits = Limits::default();
    assert!(with(&limits).is_ok());
    let zeros = deflated("zeros", &vec![0; 20 << 20]);
    let huge = file().both(|header| {
        header.method = METHOD_DEFLATE;
        header.size = 6000;
    });
    let errors = [
        with(&Limits {
            entries: 19,
            ..limits
        })
        .expect_err("too many"),
        with(&Limits {
            total_bytes: 999_999,
            ..limits
        })
        .expect_err("too large"),
        open(&of(zeros)).expect_err("too dense"),
        open(&of(huge)).expect_err("impossible"),
    ];
    assert_eq!(
        errors.each_ref().map(ArchiveError::is_over_budget),
        [true, true, true, false]
    );
    insta::assert_snapshot!(lines(&errors.map(|error| error.to_string())), @r#"
the archive holds 20 entries, more than 19
the archive's files take 1000000 bytes unzipped, more than 999999
the archive inflates to 984 times its size, more than 200 times
`a.py`: 5 compressed bytes cannot hold 6000 bytes
"#);
}

proptest! {
    /// Whatever single byte is changed: either the archive is refused, or the files are found
    /// where they were, or the change is in the files' own bytes and their CRC tells.
    #[test]
    fn no_changed_byte_moves_a_file(at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let zip = Zip::of([
            deflated("a/b.py", &[b'x'; 400]).streamed(true, false),
            file(),
            Forged::stored("c/", b""),
        ]);
        let mut bytes = zip.build();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let Ok(archive) = Archive::open(bytes.into(), &Limits::default()) else {
            return Ok(());
        };
        let honest = open(&zip).expect("honest");
        for (entry, honest) in archive.entries().iter().zip(honest.entries()) {
            prop_assert_eq!(&entry.path, &honest.path);
            if let Ok(file) = read_all(&entry.content) {
                prop_assert_eq!(file, read_all(&honest.content).expect("honest"));
            }
        }
    }

    #[test]
    fn no_input_breaks_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let zip = [&bytes[..], b"PK\x05\x06\0\0\0\0\x01\0\x01\0", &bytes[..bytes.len().min(10)]];
        let _ = Archive::open(zip.concat().into(), &Limits::default());
    }
}
