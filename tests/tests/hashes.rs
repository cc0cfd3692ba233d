//! Hashes that the manifest or the user's settings ask for, end to end.

use std::fs;

use layerpress_tests::{IndexFeatures, LoopbackIndex, TestContext, Wheel};

/// The request cannot be met.
const UNMET: i32 = 1;

/// The input is wrong in itself.
const INPUT: i32 = 4;

#[test]
fn a_file_must_have_one_of_the_hashes_given() {
    let one = Wheel::new("app", "1.0").build();
    let other = Wheel::new("app", "1.0").tag("py3-none-manylinux_2_17_x86_64");
    let other = other.build();
    let index = LoopbackIndex::of([one.clone(), other.clone()]);
    let context = TestContext::new().with_index(&index);
    let line = |digest: &str| format!("app==1.0 --hash=sha256:{digest}\n");

    context.write("requirements.txt", line(&"0".repeat(64)));
    let run = context.run(["build", "requirements.txt"]);
    run.expect_code(INPUT);
    let (found, given) = (other.sha256(), "0".repeat(64));
    let words = ["requirements.txt:1", "app 1.0", &given, &found];
    run.says(&words);
    run.says(&[&other.file_name, "127.0.0.1"]);
    assert_eq!(context.files(), ["requirements.txt"]);

    context.write("requirements.txt", line(&one.sha256()));
    context.build(&[]);
    let lock = context.read("pylock.toml");
    assert!(lock.contains(&one.sha256()), "{lock}");
    assert!(!lock.contains(&other.sha256()), "{lock}");

    // The lock no longer meets the line: it pins another file.
    context.write("requirements.txt", line(&other.sha256()));
    let run = context.run(["build", "requirements.txt", "--locked"]);
    run.expect_code(UNMET);
    run.says(&["requirements.txt:1", &one.file_name]);
    context.build(&[]);
    assert!(context.read("pylock.toml").contains(&other.sha256()));
}

#[test]
fn hashes_that_an_index_does_not_tell_are_taken_from_the_bytes() {
    let wheel = Wheel::new("app", "1.0").build();
    let index = LoopbackIndex::with(IndexFeatures {
        hashes: false,
        ..IndexFeatures::default()
    });
    index.add([wheel.clone()]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    context.build(&[]);
    assert!(context.read("pylock.toml").contains(&wheel.sha256()));

    let wrong = format!("app==1.0 --hash=sha256:{}\n", "0".repeat(64));
    context.write("requirements.txt", wrong);
    let run = context.run(["build", "requirements.txt"]);
    run.expect_code(INPUT);
    run.says(&[&wheel.file_name, &wheel.sha256()]);
}

#[test]
fn a_transitive_dependency_needs_a_hash_too() {
    let app = Wheel::new("app", "1.0").requires("library").build();
    let line = format!("app==1.0 --hash=sha256:{}\n", app.sha256());
    let index = LoopbackIndex::of([app, Wheel::new("library", "1.0").build()]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", line);
    let run = context.run(["build", "requirements.txt"]);
    run.expect_code(UNMET);
    run.says(&["app 1.0 needs library", "hint: add library"]);
}

#[test]
fn constraints_and_hashes_of_the_settings_count() {
    let index = LoopbackIndex::of([
        Wheel::new("app", "1.0").build(),
        Wheel::new("app", "2.0").build(),
    ]);
    let context = TestContext::new()
        .with_index(&index)
        .with_variable("PIP_CONSTRAINT", "limits.txt");
    context.write("requirements.txt", "app\n");
    context.write("limits.txt", "app<2\nunused==7\n");
    let layer = context.build(&[]);
    assert_eq!(layer.text("python/app/__init__.py"), "VERSION = \"1.0\"\n");
    fs::remove_file(context.folder().join("limits.txt")).expect("it was written");
    let run = context.run(["build", "requirements.txt"]);
    assert_ne!(run.code, Some(0));
    run.says(&["limits.txt", "PIP_CONSTRAINT"]);

    let context = TestContext::new()
        .with_index(&index)
        .with_variable("PIP_REQUIRE_HASHES", "1");
    context.write("requirements.txt", "app==1.0\n");
    let run = context.run(["build", "requirements.txt"]);
    run.expect_code(INPUT);
    run.says(&["requirements.txt:1", "hash"]);
}
