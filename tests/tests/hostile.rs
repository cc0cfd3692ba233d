//! Wheels made to do harm: each is refused with its own name and the culprit's, nothing is written,
//! and nothing that acts on a terminal reaches it.
//!
//! The pack and python crates prove every rule by itself; here the whole program meets them.

use std::io::Write as _;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use layerpress_tests::{BuiltPackage, Run, TestContext, Wheel};

/// What came is wrong in itself.
const INPUT: i32 = 4;

#[test]
fn paths_that_lead_out_of_the_layer() {
    let paths = [
        "../evil.py",
        "/etc/evil",
        "app/../../evil.py",
        "C:/evil.py",
        "app\\evil.py",
        "app-1.0.data/purelib/../../evil.py",
        "app/\u{1b}[2Jred.py",
        "app/\nline.py",
    ];
    for path in paths {
        let run = refused(&Wheel::new("app", "1.0").file(path, "evil").build());
        run.expect_words(&["app-1.0-py3-none-any.whl"]);
        assert!(!run.stderr.contains("\u{1b}"), "{:?}", run.stderr);
        assert!(!run.stderr.contains("\nline.py"), "{:?}", run.stderr);
    }
}

#[test]
fn an_archive_that_tells_two_stories() {
    let says_of = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut wheel = Wheel::new("app", "1.0").build();
        change(&mut wheel.bytes);
        let run = refused(&wheel);
        run.expect_words(&["app-1.0-py3-none-any.whl"]);
        run.stderr
    };
    let prepended = says_of(&|bytes| {
        bytes.splice(0..0, *b"#!/bin/sh\n");
    });
    assert!(prepended.contains("archive"), "{prepended}");
    says_of(&|bytes| bytes.extend(b"trailing"));
    says_of(&|bytes| bytes.truncate(bytes.len() / 2));
    says_of(&Vec::clear);

    let renamed = says_of(&|bytes| {
        let at = position(bytes, b"app/__init__.py");
        bytes[at] = b'A';
    });
    assert!(renamed.contains("differ in the name"), "{renamed}");
    // APPNOTE 4.3.7 and 4.3.12: the flags' lowest bit says that an entry is encrypted.
    let encrypted = says_of(&|bytes| {
        let local = position(bytes, b"PK\x03\x04");
        let central = position(bytes, b"PK\x01\x02");
        bytes[local + 6] |= 1;
        bytes[central + 8] |= 1;
    });
    assert!(encrypted.contains("is encrypted"), "{encrypted}");
    // APPNOTE 4.3.12: host system Unix, and the mode of a symbolic link in the upper half.
    let link = says_of(&|bytes| {
        let central = position(bytes, b"PK\x01\x02");
        bytes[central + 5] = 3;
        bytes[central + 38..central + 42].copy_from_slice(&(0o120_777_u32 << 16).to_le_bytes());
    });
    assert!(link.contains("symbolic link"), "{link}");
}

#[test]
fn a_small_file_that_unpacks_to_a_large_one() {
    let zeros = vec![0; 30_000_000];
    let bomb = Wheel::new("app", "1.0")
        .file("app/zeros.bin", zeros)
        .build();
    assert!(bomb.bytes.len() < 100_000, "no bomb: {}", bomb.bytes.len());
    refused(&bomb).expect_words(&["app-1.0-py3-none-any.whl", "times its size"]);
}

#[test]
fn metadata_that_would_take_all_time() {
    let markers = [
        format!(
            "{}python_version > '3'{}",
            "(".repeat(2_000),
            ")".repeat(2_000)
        ),
        vec!["os_name == 'a'"; 5_000].join(" or "),
    ];
    for marker in markers {
        let requirement = format!("other ; {marker}");
        let run = refused(&Wheel::new("app", "1.0").requires(&requirement).build());
        run.expect_words(&["app-1.0-py3-none-any.whl", "Requires-Dist"]);
        assert!(run.stderr.len() < 2_000, "{} bytes", run.stderr.len());
    }
}

#[test]
fn a_wheel_of_another_name() {
    let mut wheel = Wheel::new("other", "1.0").build();
    wheel.file_name = "app-1.0-py3-none-any.whl".to_owned();
    refused(&wheel).expect_words(&["app-1.0-py3-none-any.whl", "other 1.0"]);
}

/// Every entry quotes the header of the next one and shares all data behind it: a small file that
/// would unpack to its size many times over, without one entry being a bomb by itself.
#[test]
fn entries_that_share_their_bytes() {
    let bomb = BuiltPackage {
        bytes: overlapping(200, 60_000),
        ..Wheel::new("app", "1.0").build()
    };
    assert!(bomb.bytes.len() < 40_000, "{} bytes", bomb.bytes.len());
    refused(&bomb).expect_words(&["app-1.0-py3-none-any.whl", "overlap"]);
}

/// A zip of so many entries, the last of which inflates to so many zeros.
fn overlapping(entries: usize, zeros: usize) -> Vec<u8> {
    let mut deflated = DeflateEncoder::new(Vec::new(), Compression::best());
    deflated
        .write_all(&vec![0; zeros])
        .expect("memory takes everything");
    let mut stream = deflated.finish().expect("memory takes everything");
    let mut plain = vec![0; zeros];
    let mut headers: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    for number in (0..entries).rev() {
        let name = format!("app/{number}.py");
        let common = header(8, &name, &plain, stream.len());
        let local = [b"PK\x03\x04", &common[..], name.as_bytes()].concat();
        headers.push((common, name.into_bytes()));
        // A stored block that is not the last: the next header, as data of this entry's neighbour.
        let length = u16::try_from(local.len()).expect("small");
        let block = [
            &[0][..],
            &length.to_le_bytes(),
            &(!length).to_le_bytes(),
            &local,
        ]
        .concat();
        plain = [&local[..], &plain].concat();
        stream = [&block[..], &stream].concat();
    }
    let name = "app-1.0.dist-info/METADATA".to_owned();
    let metadata = b"Metadata-Version: 2.1\nName: app\nVersion: 1.0\n";
    let common = header(0, &name, metadata, metadata.len());
    let first = [b"PK\x03\x04", &common[..], name.as_bytes(), metadata].concat();
    // The outermost block's five bytes belong to no entry.
    let mut zip = [&first, &stream[5..]].concat();
    let mut directory = [
        &b"PK\x01\x02\x14\x03"[..],
        &common,
        &[0; 14],
        name.as_bytes(),
    ]
    .concat();
    let mut offset = u32::try_from(first.len()).expect("small");
    for (common, name) in headers.iter().rev() {
        directory.extend_from_slice(b"PK\x01\x02\x14\x03");
        directory.extend_from_slice(common);
        directory.extend_from_slice(&[0; 10]);
        directory.extend_from_slice(&offset.to_le_bytes());
        directory.extend_from_slice(name);
        offset += u32::try_from(30 + name.len() + 5).expect("small");
    }
    let count = u16::try_from(entries + 1).expect("small").to_le_bytes();
    let end = [
        &b"PK\x05\x06\0\0\0\0"[..],
        &count,
        &count,
        &u32::try_from(directory.len()).expect("small").to_le_bytes(),
        &u32::try_from(zip.len()).expect("small").to_le_bytes(),
        &[0, 0],
    ]
    .concat();
    zip.extend(directory);
    zip.extend(end);
    zip
}

/// What the local and the central header of an entry have in common.
fn header(method: u8, name: &str, plain: &[u8], stream_bytes: usize) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(plain);
    [
        &[20, 0, 0, 0, method, 0, 0, 0, 0x21, 0][..],
        &crc.sum().to_le_bytes(),
        &u32::try_from(stream_bytes).expect("small").to_le_bytes(),
        &u32::try_from(plain.len()).expect("small").to_le_bytes(),
        &u16::try_from(name.len()).expect("small").to_le_bytes(),
        &[0, 0],
    ]
    .concat()
}

/// Builds a layer of the wheel, which must be refused with nothing written.
fn refused(wheel: &BuiltPackage) -> Run {
    let context = TestContext::new();
    context
        .write(&wheel.file_name, &wheel.bytes)
        .write("requirements.txt", format!("./{}\n", wheel.file_name));
    let run = context.run(["build", "requirements.txt", "--no-index"]);
    run.expect_code(INPUT);
    assert_eq!(run.stdout, "");
    let mut files = context.files();
    files.retain(|file| *file != wheel.file_name);
    assert_eq!(files, ["requirements.txt"]);
    run
}

fn position(bytes: &[u8], part: &[u8]) -> usize {
    bytes
        .windows(part.len())
        .position(|window| window == part)
        .expect("the wheel holds it")
}
