//! `shrink --trace`: what a command opens stays, and a command that fails changes nothing.
#![cfg(target_os = "linux")]

use std::io::{Cursor, Write as _};

use layerpress_tests::TestContext;
use zip::write::SimpleFileOptions;

/// The request cannot be met.
const UNMET: i32 = 1;

/// The command line is wrong.
const USAGE: i32 = 2;

fn layer() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for path in [
        "bin/tool",
        "python/a/__init__.py",
        "python/a/data.csv",
        "python/a/used.py",
        "python/a/unused.py",
        "python/a-1.dist-info/METADATA",
        "python/b/__init__.py",
    ] {
        let options = SimpleFileOptions::default();
        zip.start_file(path, options).expect("a file");
        zip.write_all(b"x = 1\n").expect("its bytes");
    }
    zip.finish().expect("a zip").into_inner()
}

const USES: &str = "sh -c 'cat \"$LAYERPRESS_LAYER\"/python/a/used.py'";

#[test]
fn what_is_not_opened_is_left_out_and_said() {
    let context = TestContext::new();
    context.write("layer.zip", layer());
    let run = context.run(["shrink", "layer.zip", "--trace", USES]);
    run.expect_code(0)
        .says(&["opened 1 of 7 files; 2 that", "`python/b/`", "(not-opened)"]);
    assert_eq!(
        context.layer("layer.small.zip").paths(),
        [
            "bin/tool",
            "python/a-1.dist-info/METADATA",
            "python/a/__init__.py",
            "python/a/data.csv",
            "python/a/used.py"
        ]
    );
}

#[test]
fn a_command_that_fails_is_shown_and_nothing_is_written() {
    let context = TestContext::new();
    context.write("layer.zip", layer());
    let run = context.run([
        "shrink",
        "layer.zip",
        "--trace",
        "echo no such test; exit 4",
    ]);
    run.expect_code(UNMET)
        .expect_words(&["exit code 4", "no such test", "nothing was left out"]);
    assert_eq!(context.files(), ["layer.zip"]);
    let run = context.run(["shrink", "layer.zip", "--trace", "true"]);
    run.expect_code(UNMET).expect_words(&["opened no file"]);
    assert_eq!(context.files(), ["layer.zip"]);
}

#[test]
fn hot_bytecode_without_anything_that_is_run_is_a_mistake() {
    let context = TestContext::new();
    context.write("layer.zip", layer());
    let run = context.run([
        "shrink",
        "layer.zip",
        "--bytecode",
        "hot",
        "--runtime",
        "python3.13",
    ]);
    run.expect_code(USAGE).expect_words(&["--smoke", "--trace"]);
    let run = context.run(["build", "requirements.txt", "--bytecode", "hot"]);
    run.expect_code(USAGE).expect_words(&["layerpress shrink"]);
    assert_eq!(context.files(), ["layer.zip"]);
}
