//! Wheels made to do harm: each is refused with its own name and the culprit's, nothing is written,
//! and nothing that acts on a terminal reaches it.
//!
//! The pack and python crates prove every rule by itself; here the whole program meets them.

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
        run.says(&["app-1.0-py3-none-any.whl"]);
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
        run.says(&["app-1.0-py3-none-any.whl"]);
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
    refused(&bomb).says(&["app-1.0-py3-none-any.whl", "times its size"]);
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
        run.says(&["app-1.0-py3-none-any.whl", "Requires-Dist"]);
        assert!(run.stderr.len() < 2_000, "{} bytes", run.stderr.len());
    }
}

#[test]
fn a_wheel_of_another_name() {
    let mut wheel = Wheel::new("other", "1.0").build();
    wheel.file_name = "app-1.0-py3-none-any.whl".to_owned();
    refused(&wheel).says(&["app-1.0-py3-none-any.whl", "other 1.0"]);
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
