//! `inspect` and `diff`: what a layer holds, whoever made it.

use layerpress_tests::{LoopbackIndex, TestContext, Wheel, foreign_zip};
use serde_json::Value;

/// The request cannot be met.
const UNMET: i32 = 1;

/// The command line cannot be understood.
const USAGE: i32 = 2;

/// The input is wrong in itself.
const INPUT: i32 = 4;

/// Something cannot be read or written.
const IO: i32 = 5;

fn one_and_two() -> TestContext {
    let index = LoopbackIndex::of([
        Wheel::new("app", "1.0").requires("library").build(),
        Wheel::new("library", "1.0").build(),
        Wheel::new("library", "2.0")
            .file("library/data.bin", vec![b'x'; 50_000])
            .build(),
        Wheel::new("extra", "1.0").build(),
    ]);
    let context = TestContext::new().with_index(&index);
    context.write("one.txt", "app\nlibrary==1.0\n");
    context.write("two.txt", "app\nlibrary==2.0\nextra\n");
    for name in ["one", "two"] {
        let output = format!("{name}.zip");
        let run = context.run(["build", &format!("{name}.txt"), "-o", &output]);
        run.expect_code(0);
    }
    context
}

fn names(rows: &Value) -> Vec<String> {
    let rows = rows.as_array().expect("a list");
    let name = |row: &Value| {
        let text = |key| row[key].as_str().unwrap_or("-").to_owned();
        format!("{} {} {}", text("ecosystem"), text("name"), text("version"))
    };
    rows.iter().map(name).collect()
}

#[test]
fn a_layer_is_told_by_package_class_and_folder() {
    let context = one_and_two();
    let run = context.run(["inspect", "two.zip"]);
    run.expect_code(0);
    for words in [
        "library 2.0",
        "app 1.0",
        "class",
        "folder",
        "python/library",
        "of what a function",
    ] {
        assert!(run.stdout.contains(words), "{words}: {}", run.stdout);
    }
    let run = context.run(["inspect", "two.zip", "--json"]);
    let document = run.json();
    let packages = names(&document["packages"]);
    assert_eq!(packages[0], "python library 2.0", "the heaviest first");
    assert_eq!(packages.len(), 3, "{packages:?}");
    let layer = context.layer("two.zip");
    assert_eq!(document["unzipped_bytes"], layer.unzipped_bytes());
    let sum: u64 = document["classes"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| row["unzipped_bytes"].as_u64().expect("a number"))
        .sum();
    assert_eq!(sum, layer.unzipped_bytes());
}

#[test]
fn the_page_is_one_file_that_holds_the_layer() {
    let context = one_and_two();
    let run = context.run(["inspect", "two.zip", "--html", "two.html"]);
    run.expect_code(0);
    let page = context.read("two.html");
    assert!(page.contains("data.bin") && page.contains("library 2.0"));
    assert!(page.contains(r#""rules":null"#), "nothing was asked for");
    let build = ["build", "two.txt", "--profile", "none", "-o", "plain.zip"];
    context.run(build).expect_code(0);
    let rules = ["inspect", "plain.zip", "--rules", "--html", "rules.html"];
    context.run(rules).expect_code(0);
    let page = context.read("rules.html");
    assert!(
        page.contains(r#"["install-notes","installers keep them"#),
        "{page}"
    );
    let run = context.run(["inspect", "two.zip", "--html", "no/such/folder/two.html"]);
    run.expect_code(IO);
    run.says(&["two.html"]);
}

#[test]
fn layers_of_other_tools_are_understood() {
    let context = TestContext::new();
    let files = [
        ("python/", ""),
        (
            "python/Six-1.17.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: Six\nVersion: 1.17.0\n",
        ),
        ("python/six.py", "x = 1\n"),
        ("python/__pycache__/six.cpython-313.pyc", "compiled"),
        ("python/mine.py", "y = 1\n"),
        (
            "nodejs/node_modules/@s/a/package.json",
            r#"{"name":"@s/a","version":"1.2.3"}"#,
        ),
        ("nodejs/node_modules/@s/a/index.js", "module.exports = 1;\n"),
    ];
    let files = files.map(|(path, text)| (path, 0o644, text.as_bytes()));
    context.write("layer.zip", foreign_zip(&files));
    let run = context.run(["inspect", "layer.zip", "--json"]);
    let mut found = names(&run.json()["packages"]);
    found.sort();
    assert_eq!(found, ["- - -", "node @s/a 1.2.3", "python six 1.17.0"]);
}

#[test]
fn what_is_no_layer_is_refused() {
    let context = TestContext::new();
    context.write("layer.zip", b"\x1f\x8b\x08\x00 rest".as_slice());
    let run = context.run(["inspect", "layer.zip"]);
    run.expect_code(INPUT);
    run.says(&["layer.zip", "gzip", "hint"]);
    let run = context.run(["inspect", "missing.zip"]);
    run.expect_code(IO);
    run.says(&["missing.zip"]);
    assert_eq!(context.files(), ["layer.zip"]);
}

#[test]
fn a_zip_that_is_no_layer_is_looked_at_and_said_to_be_none() {
    let context = TestContext::new();
    let paths = ["[Content_Types].xml", "word/document.xml"];
    let letter = foreign_zip(&paths.map(|path| (path, 0o644, &b""[..])));
    context.write("letter.docx.zip", letter);
    let run = context.run(["inspect", "letter.docx.zip"]);
    run.expect_code(0).says(&["document of an office program"]);
    assert!(run.stdout.contains("word"), "{}", run.stdout);
    let run = context.run(["tree", "letter.docx.zip"]);
    run.expect_code(0).says(&["holds no package that is known"]);
}

#[test]
fn a_diff_tells_packages_files_and_growth() {
    let context = one_and_two();
    let run = context.run(["diff", "one.zip", "two.zip"]);
    run.expect_code(0);
    for words in [
        "library 1.0 -> 2.0",
        "extra 1.0 added",
        "+ python/library/data.bin",
    ] {
        assert!(run.stdout.contains(words), "{words}: {}", run.stdout);
    }
    let run = context.run(["diff", "two.zip", "one.zip", "--max-growth", "5%"]);
    run.expect_code(0);
    assert!(run.stdout.contains("extra 1.0 removed"), "{}", run.stdout);
    let run = context.run(["diff", "one.zip", "two.zip", "--max-growth", "5%"]);
    run.expect_code(UNMET);
    run.says(&["grew", "5.0 %"]);
    let run = context.run(["diff", "one.zip", "two.zip", "--json"]);
    let document = run.json();
    let packages = document["packages"].as_array().expect("a list");
    assert_eq!(packages.len(), 2, "app did not change: {packages:?}");
    assert_eq!(packages[1]["versions"]["after"][0], "2.0");
    let run = context.run(["diff", "one.zip", "two.zip", "--runtime", "python3.12"]);
    run.expect_code(0);
    assert!(
        run.stdout
            .starts_with("made for python3.12: by `--runtime`\n"),
        "{}",
        run.stdout
    );
    let target = ["--runtime", "python3.12", "--arch", "arm64", "--json"];
    let run = context.run(["diff", "one.zip", "two.zip"].iter().chain(&target));
    for side in ["before", "after"] {
        assert_eq!(run.json()[side]["runtimes"][0], "python3.12");
        assert_eq!(run.json()[side]["arch"], "arm64");
    }
    let run = context.run(["diff", "one.zip", "two.zip", "--arch", "mips"]);
    run.expect_code(USAGE);
    let run = context.run(["diff", "one.zip", "one.zip"]);
    assert_eq!(run.stdout, "both layers hold the same files\n");
}
