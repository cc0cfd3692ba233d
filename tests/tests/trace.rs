//! `--trace`: what a command opens stays, and a command that fails changes nothing; `--bytecode hot`: what is
//! loaded is compiled.
#![cfg(target_os = "linux")]

use layerpress_tests::{LoopbackIndex, Run, TestContext, Wheel, foreign_zip, not_run};

/// The request cannot be met.
const UNMET: i32 = 1;

/// The command line is wrong.
const USAGE: i32 = 2;

fn layer() -> Vec<u8> {
    let paths = [
        "bin/tool",
        "python/a/__init__.py",
        "python/a/data.csv",
        "python/a/used.py",
        "python/a/unused.py",
        "python/a-1.dist-info/METADATA",
        "python/b/__init__.py",
    ];
    foreign_zip(&paths.map(|path| (path, 0o644, &b"x = 1\n"[..])))
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
fn bytecode_that_python_only_looks_at_is_not_kept() {
    let context = TestContext::new();
    let stamped = [&[0xf3, 0x0d, 0x0d, 0x0a, 0, 0, 0, 0][..], &[1; 20]].concat();
    let layer = foreign_zip(&[
        ("python/a/__init__.py", 0o644, b"x = 1\n"),
        (
            "python/a/__pycache__/__init__.cpython-313.pyc",
            0o644,
            &stamped,
        ),
        ("python/a-1.dist-info/METADATA", 0o644, b"Name: a\n"),
    ]);
    context.write("layer.zip", layer);
    let command =
        "sh -c 'cat \"$LAYERPRESS_LAYER\"/python/a/*.py \"$LAYERPRESS_LAYER\"/python/a/*/*'";
    let run = context.run(["shrink", "layer.zip", "--trace", command]);
    run.expect_code(0)
        .says(&["opened 2 of 3 files", "(stale-bytecode)"]);
    assert_eq!(
        context.layer("layer.small.zip").paths(),
        ["python/a-1.dist-info/METADATA", "python/a/__init__.py"]
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
    run.expect_code(USAGE).expect_words(&["--smoke", "--trace"]);
    assert_eq!(context.files(), ["layer.zip"]);
}

fn index() -> LoopbackIndex {
    let app = Wheel::new("app", "1.0")
        .file("app/used.py", "value = 42\n")
        .file("app/unused.py", "value = 43\n")
        .file("app/data.csv", "1\n");
    let other = Wheel::new("other", "2.0").file("other/big.py", "x = 1\n".repeat(100));
    LoopbackIndex::of([app.build(), other.build()])
}

const READS: &str =
    "test \"$LAYERPRESS_RUNTIME\" = python3.13 && cat \"$LAYERPRESS_LAYER\"/python/app/used.py";

fn build(context: &TestContext, options: &[&str]) -> Run {
    let mut arguments = vec![
        "build",
        "requirements.txt",
        "--runtime",
        "python3.13",
        "-o",
        "out.zip",
    ];
    arguments.extend(options);
    context.run(arguments)
}

fn files(context: &TestContext, layer: &str, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let layer = context.layer(layer);
    let paths = layer.paths().into_iter();
    paths.filter(|it| wanted(it)).map(str::to_owned).collect()
}

#[test]
fn a_build_leaves_out_what_a_command_does_not_open() {
    let index = index();
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\nother\n");
    context.write("own.py", "");
    let run = build(
        &context,
        &["--trace", READS, "--keep", "other:**/big.py", "--json"],
    );
    run.expect_code(0).says(&["opened 1 of"]);
    let code = files(&context, "out.zip", |it| !it.contains(".dist-info/"));
    assert_eq!(
        code,
        [
            "python/app/__init__.py",
            "python/app/data.csv",
            "python/app/used.py",
            "python/other/big.py"
        ]
    );
    let layer = &run.json()["layers"][0];
    let sizes = layer["packages"].as_array().expect("packages").iter();
    let sizes = sizes.map(|it| it["unzipped_bytes"].as_u64().expect("a size"));
    assert_eq!(Some(sizes.sum()), layer["unzipped_bytes"].as_u64());
    let removed = layer["removed"].as_array().expect("rules");
    let unopened = removed.iter().find(|it| it["rule"] == "not-opened");
    assert_eq!(unopened.expect("the rule")["files"], 2);

    let run = build(&context, &["--trace", READS, "--trace-keep", "files"]);
    run.expect_code(0);
    let code = files(&context, "out.zip", |it| !it.contains(".dist-info/"));
    assert_eq!(code, ["python/app/__init__.py", "python/app/used.py"]);
}

#[test]
fn a_build_whose_command_fails_is_not_written() {
    let index = index();
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\nother\n");
    let run = build(&context, &["--trace", "echo no such test; exit 4"]);
    run.expect_code(UNMET)
        .expect_words(&["exit code 4", "no such test", "nothing was left out"]);
    assert_eq!(context.files(), ["requirements.txt"]);
}

#[test]
fn a_build_compiles_what_is_loaded_and_tests_the_layer_with_it() {
    let index = index();
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\nother\n");
    let hot = ["--bytecode", "hot", "--smoke", "import app.used"];
    let run = build(&context, &hot);
    if run.stderr.contains("no Python 3.13 was found") {
        not_run("bytecode of what a build loads: there is no Python 3.13");
        return;
    }
    run.expect_code(0).says(&["bytecode of 2 modules"]);
    let compiled = |layer: &str| files(&context, layer, |it| it.ends_with(".pyc"));
    assert_eq!(
        compiled("out.zip"),
        [
            "python/app/__pycache__/__init__.cpython-313.pyc",
            "python/app/__pycache__/used.cpython-313.pyc"
        ]
    );
    let code = "import app.used, os; \
                assert not os.path.exists(os.path.dirname(app.used.__file__) + '/__pycache__')";
    let run = build(&context, &["--bytecode", "hashed", "--smoke", code]);
    run.expect_code(UNMET)
        .expect_words(&["(bytecode did it)", "leave `--bytecode` out"]);
    let missed = ["--trace", READS, "--smoke", "import app.unused"];
    let run = build(&context, &missed);
    run.expect_code(UNMET)
        .expect_words(&["what `--trace` left out did it", "--trace-keep packages"]);
    let shrink = |options: &[&str]| {
        let mut arguments = vec![
            "shrink",
            "out.zip",
            "-o",
            "small.zip",
            "--runtime",
            "python3.13",
        ];
        arguments.extend(options);
        context.run(arguments)
    };
    let run = shrink(&["--bytecode", "hashed", "--smoke", "import app.unused"]);
    run.expect_code(0).says(&["the same before and after"]);
    assert_eq!(compiled("small.zip").len(), 5);
    let run = shrink(&missed);
    run.expect_code(UNMET)
        .expect_words(&["not-opened did it", "--trace-keep packages"]);
}
