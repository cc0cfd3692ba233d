//! `shrink`: what rules take of a layer, what its users say to that, and what a smoke test finds missed.

use std::fs;

use layerpress_tests::{LoopbackIndex, TestContext, Wheel, foreign_zip};

/// The request cannot be met.
const UNMET: i32 = 1;

/// The command line is wrong.
const USAGE: i32 = 2;

/// A layer with what rules leave out, what they must keep, and what users say of both.
fn with_tests() -> Vec<u8> {
    let metadata = |name: &str| format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n");
    foreign_zip(&[
        (
            "python/a-1.0.dist-info/METADATA",
            0o644,
            metadata("a").as_bytes(),
        ),
        ("python/a-1.0.dist-info/RECORD", 0o644, b""),
        ("python/a-1.0.dist-info/INSTALLER", 0o644, b"pip\n"),
        ("python/a/__init__.py", 0o644, b"value_3 = 9\n"),
        ("python/a/py.typed", 0o644, b""),
        ("python/a/__init__.pyi", 0o644, b"x: int\n"),
        ("python/a/tests/__init__.py", 0o644, b""),
        ("python/a/tests/test_a.py", 0o644, b"import a\n"),
        (
            "python/b-1.0.dist-info/METADATA",
            0o644,
            metadata("b").as_bytes(),
        ),
        (
            "python/b/__init__.py",
            0o644,
            b"from b.tests import helpers\n",
        ),
        ("python/b/tests/__init__.py", 0o644, b""),
        ("python/b/tests/helpers.py", 0o644, b"value = 42\n"),
        ("python/app/tests/test_app.py", 0o644, b"import a\n"),
    ])
}

fn rules(document: &serde_json::Value, key: &str) -> Vec<String> {
    let rows = document[key].as_array().expect("a list").iter();
    let mut rules: Vec<_> = rows
        .map(|row| format!("{} {}", row["rule"].as_str().expect("a name"), row["files"]))
        .collect();
    rules.sort();
    rules
}

#[test]
fn rules_leave_out_what_nothing_needs_and_the_team_keeps_its_own() {
    let context = TestContext::new();
    context.write("layer.zip", with_tests());
    let run = context.run(["shrink", "layer.zip", "--json"]);
    let document = run.expect_code(0).json();
    assert_eq!(
        rules(&document, "removed"),
        ["install-notes 2", "tests 2", "type-stubs 2"]
    );
    insta::assert_snapshot!(context.layer("layer.small.zip").paths().join("\n"), @r"
    python/a-1.0.dist-info/METADATA
    python/a/__init__.py
    python/app/tests/test_app.py
    python/b-1.0.dist-info/METADATA
    python/b/__init__.py
    python/b/tests/__init__.py
    python/b/tests/helpers.py
    ");
    let inspected = context
        .run(["inspect", "layer.zip", "--rules", "--json"])
        .json();
    assert_eq!(rules(&inspected, "rules"), rules(&document, "removed"));
    let run = context.run(["inspect", "layer.zip", "--rules"]);
    assert!(run.stdout.contains("type-stubs"), "{}", run.stdout);
    let run = context.run(["shrink", "layer.small.zip", "-o", "again.zip"]);
    run.expect_code(0).says(&["nothing was left to gain"]);
    assert_eq!(
        context.layer("again.zip").sha256,
        context.layer("layer.small.zip").sha256
    );
}

#[test]
fn users_have_the_last_word() {
    let context = TestContext::new();
    context.write("layer.zip", with_tests());
    let run = context.run([
        "shrink",
        "layer.zip",
        "--keep",
        "rule:tests",
        "--drop",
        "*.pyi",
        "--drop",
        "python/app/**",
        "--keep",
        "nowhere",
    ]);
    run.expect_code(0).says(&["`--keep nowhere` means no file"]);
    let layer = context.layer("layer.small.zip");
    let has = |path: &str| layer.paths().contains(&path);
    assert!(has("python/a/tests/test_a.py"));
    assert!(!has("python/a/__init__.pyi"));
    assert!(!has("python/app/tests/test_app.py"));
    // `b` imports it, which keeps it from the rule and not from whoever names it.
    let drop = ["shrink", "layer.zip", "--drop", "b/tests/helpers.py"];
    context
        .run(drop.iter().chain(&["-o", "drop.zip"]))
        .expect_code(0);
    let helpers = "python/b/tests/helpers.py".to_owned();
    assert!(
        !context
            .layer("drop.zip")
            .paths()
            .contains(&helpers.as_str())
    );
    let run = context.run(["shrink", "layer.zip", "-o", "x.zip", "--keep", "rule:test"]);
    run.expect_code(USAGE).says(&["rule:tests"]);
    let run = context.run(["shrink", "layer.zip", "-o", "none.zip", "--profile", "none"]);
    run.expect_code(0);
    assert_eq!(context.layer("none.zip").entries.len(), 13);
}

#[test]
fn what_tools_left_beside_packages_goes() {
    let context = TestContext::new();
    let files = [
        ("nodejs/mine.js", "1;\n"),
        ("nodejs/node_modules/.package-lock.json", "{}"),
        (
            "nodejs/node_modules/a/package.json",
            "{\"name\":\"a\",\"version\":\"1.0.0\"}",
        ),
        ("nodejs/package-lock.json", "{}"),
        ("nodejs/package.json", "{}"),
        ("python/.DS_Store", ""),
        ("python/.lock", ""),
        ("python/mine.py", "x = 1\n"),
    ];
    let files = files.map(|(path, text)| (path, 0o644, text.as_bytes()));
    context.write("layer.zip", foreign_zip(&files));
    let run = context.run(["shrink", "layer.zip", "--json"]);
    let document = run.expect_code(0).json();
    assert_eq!(
        rules(&document, "removed"),
        ["install-notes 2", "tool-config 2"]
    );
    assert_eq!(
        context.layer("layer.small.zip").paths(),
        [
            "nodejs/mine.js",
            "nodejs/node_modules/a/package.json",
            "nodejs/package.json",
            "python/mine.py",
        ]
    );
    let run = context.run([
        "shrink",
        "layer.zip",
        "--keep",
        "**/.DS_Store",
        "-o",
        "kept.zip",
    ]);
    run.expect_code(0);
    assert_eq!(context.layer("kept.zip").entries.len(), 5);
}

#[cfg(unix)]
#[test]
fn the_smoke_test_finds_what_is_missed() {
    let context = TestContext::new();
    context.write("layer.zip", with_tests());
    let smoke = |code: &str| {
        let run = context.run(["shrink", "layer.zip", "--smoke", code, "-o", "out.zip"]);
        let there = context.folder().join("out.zip").exists();
        drop(fs::remove_file(context.folder().join("out.zip")));
        (run, there)
    };
    let (run, written) = smoke("import b; print(b.helpers.value)");
    if run.stderr.contains("no Python was found") {
        layerpress_tests::not_run("a smoke test of a layer: there is no Python");
        return;
    }
    run.expect_code(0).says(&["the same before and after"]);
    assert!(written);
    let (run, written) = smoke("import importlib; importlib.import_module('a.te' + 'sts.test_a')");
    run.expect_code(UNMET)
        .expect_words(&["tests did it", "python/a/tests/", "ModuleNotFoundError"])
        .says(&["--keep"]);
    assert!(!written);
    let (run, written) = smoke("import nothing");
    run.expect_code(0)
        .says(&["fails with the layer as it came, too"]);
    assert!(written);
    let (run, _) = smoke("import random; print(random.random())");
    run.expect_code(0).says(&["something else each time"]);
    let [init, other] = ["python/a/__init__.py", "python/b/__init__.py"];
    let code = "import a, b; a.value_3; b.helpers";
    let run = [
        "shrink",
        "layer.zip",
        "--drop",
        init,
        "--drop",
        other,
        "--smoke",
        code,
    ];
    let run = context.run(run);
    run.expect_code(UNMET)
        .expect_words(&["your-drop did it, on `python/a/__init__.py` and on others"])
        .says(&["take back the `--drop`"]);
    context.write("handler.py", "import a\nprint(a.value_3)\n");
    let (run, _) = smoke("handler.py");
    run.expect_code(0).says(&["the same before and after"]);
}

#[cfg(unix)]
#[test]
fn a_build_that_fails_its_smoke_test_is_not_written() {
    let index = LoopbackIndex::of([Wheel::new("app", "1.0")
        .file("app/tests/helpers.py", "value = 42\n")
        .file("app/part.py", "value = 42\n")
        .build()]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    let build_with = |options: &[&str], code: &str| {
        let build = ["build", "requirements.txt", "--runtime", "python3.13"];
        let rest = ["-o", "out.zip", "--smoke", code];
        context.run(build.iter().chain(options).chain(&rest))
    };
    let build = |code: &str| build_with(&[], code);
    let run = build("import app");
    if run.stderr.contains("no Python 3.13 was found") {
        layerpress_tests::not_run("a smoke test of a build: there is no Python 3.13");
        return;
    }
    run.expect_code(0);
    let written = fs::read(context.folder().join("out.zip")).expect("there");
    let run = build("import importlib; importlib.import_module('app.te' + 'sts.helpers')");
    run.expect_code(UNMET)
        .expect_words(&["`tests` did it", "out.zip"])
        .says(&["--keep rule:tests"]);
    let run = build_with(&["--drop", "app/part.py"], "import app.part");
    run.expect_code(UNMET)
        .expect_words(&["`your-drop` did it"])
        .says(&["take back the `--drop`"]);
    let run = build("import nothing");
    run.expect_code(UNMET).says(&["nothing left out"]);
    assert_eq!(
        fs::read(context.folder().join("out.zip")).expect("there"),
        written
    );
}
