//! What the user keeps by its path stays as it came, byte for byte; and which files are pressed that come from no
//! archive.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use layerpress_tests::{Layer, LoopbackIndex, LoopbackRegistry, NpmPackage, TestContext, Wheel};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const PYTHON: &str = "x = 1  # a note that nobody reads while a function runs\n";
const SCRIPT: &str = "// a note that nobody reads while a function runs\nexports.x = 1;\n";

fn build(context: &TestContext, options: &[&str]) -> (Layer, Value) {
    let all = ["build", "-o", "out.zip", "--json"];
    let run = context.run(all.iter().chain(options));
    run.expect_code(0);
    (context.layer("out.zip"), run.json()["layers"][0].clone())
}

/// How many files the pass made smaller.
fn smaller(document: &Value, pass: &str) -> u64 {
    let rows = document["removed"].as_array().expect("removed");
    let row = rows.iter().find(|it| it["rule"] == pass);
    row.map_or(0, |it| it["files"].as_u64().expect("a number"))
}

#[test]
fn a_kept_file_of_a_wheel_is_the_archives_and_record_says_so() {
    let index = LoopbackIndex::start();
    let wheel = |name: &str| {
        let wheel = Wheel::new(name, "1.0").file(&format!("{name}/a.py"), PYTHON);
        wheel.file(&format!("{name}/b.py"), PYTHON).build()
    };
    index.add([wheel("one"), wheel("two")]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "one\ntwo\n");
    let small = [
        "requirements.txt",
        "--profile",
        "small",
        "--keep",
        "rule:install-notes",
    ];
    for compression in ["fast", "best"] {
        let small = [&small[..], &["--compression", compression]].concat();
        let (pressed, document) = build(&context, &small);
        assert_eq!(smaller(&document, "python-source"), 6);
        let keep = [&small[..], &["--keep", "one/a.py", "--keep", "two:**/b.py"]].concat();
        let (kept, document) = build(&context, &keep);
        for (path, is_kept) in [
            ("python/one/a.py", true),
            ("python/one/b.py", false),
            ("python/two/a.py", false),
            ("python/two/b.py", true),
        ] {
            let expected = match is_kept {
                true => PYTHON.to_owned(),
                false => pressed.text(path),
            };
            assert_eq!(kept.text(path), expected, "{path}");
            let sum = URL_SAFE_NO_PAD.encode(Sha256::digest(&expected));
            let line = path.trim_start_matches("python/");
            let line = format!("{line},sha256={sum},{}", expected.len());
            let record = kept.text(&format!("python/{}-1.0.dist-info/RECORD", &line[..3]));
            assert!(record.lines().any(|it| it == line), "{line}: {record}");
        }
        assert_eq!(smaller(&document, "python-source"), 4);
        let digest = document["sha256"].as_str().expect("a digest");
        let again = ["--offline", "--check-digest", digest];
        build(&context, &[&keep[..], &again].concat());
        // What was kept is taken for no other choice.
        let (again, _) = build(&context, &small);
        assert_eq!(again.listing(), pressed.listing());
    }

    let explain = [&small[..], &["--keep", "one/a.py", "--explain", "one/a.py"]].concat();
    let run = context.run(["build", "-o", "out.zip"].iter().chain(&explain));
    run.expect_code(0);
    assert_eq!(
        run.stdout,
        "out.zip\npython/one/a.py: stays: `--keep one/a.py` says so\n"
    );
}

#[test]
fn a_kept_file_of_an_npm_package_is_the_archives_at_that_place_alone() {
    let registry = LoopbackRegistry::start();
    let package = |version: &str| NpmPackage::new("one", version).file("a.js", SCRIPT);
    registry.publish([
        package("1.0.0").build(),
        NpmPackage::new("two", "1.0.0")
            .depends("one", "1.0.0")
            .build(),
        package("2.0.0").file("b.js", SCRIPT).build(),
    ]);
    let context = TestContext::new().with_registry(&registry);
    context.write(
        "package.json",
        json!({ "name": "app", "dependencies": { "one": "2.0.0", "two": "1.0.0" } }).to_string(),
    );
    let small = ["package.json", "--profile", "small"];
    let places = ["one/a.js", "one/b.js", "two/node_modules/one/a.js"];
    let kept = |options: &[&str]| {
        let (layer, document) = build(&context, &[&small[..], options].concat());
        let digest = document["sha256"].as_str().expect("a digest");
        let again = ["--offline", "--check-digest", digest];
        build(&context, &[&small[..], options, &again].concat());
        let text = |place: &str| layer.text(&format!("nodejs/node_modules/{place}"));
        let kept = places.map(|place| text(place) == SCRIPT);
        (kept, smaller(&document, "js-whitespace"))
    };
    assert_eq!(kept(&[]), ([false, false, false], 6));
    assert_eq!(kept(&["--keep", "one:a.js"]), ([true, false, true], 4));
    assert_eq!(
        kept(&["--keep", "nodejs/node_modules/two/**"]),
        ([false, false, true], 3)
    );
    let last = ["--keep", "a.js", "--drop", "rule:js-whitespace"];
    assert_eq!(kept(&last), ([false, false, false], 6));
}

#[test]
fn packages_from_folders_are_pressed_and_the_teams_own_code_is_not() {
    let registry = LoopbackRegistry::start();
    let context = TestContext::new().with_registry(&registry);
    context
        .write(
            "layer/nodejs/package.json",
            json!({ "name": "app", "dependencies": { "local": "file:../../local" } }).to_string(),
        )
        .write(
            "local/package.json",
            json!({ "name": "local", "version": "1.0.0" }).to_string(),
        )
        .write("local/a.js", SCRIPT)
        .write("local/b.js", SCRIPT)
        .write("layer/nodejs/own.js", SCRIPT);
    let is_whole = |options: &[&str]| {
        let (layer, document) = build(&context, &[&["layer"], options].concat());
        let files = [
            "node_modules/local/a.js",
            "node_modules/local/b.js",
            "own.js",
        ];
        let whole = files.map(|path| layer.text(&format!("nodejs/{path}")) == SCRIPT);
        (whole, smaller(&document, "js-whitespace"))
    };
    assert_eq!(is_whole(&[]), ([true; 3], 0));
    let small = ["--profile", "small"];
    assert_eq!(is_whole(&small), ([false, false, true], 2));
    let keep = ["--keep", "local:b.js"];
    assert_eq!(is_whole(&[small, keep].concat()), ([false, true, true], 1));
    let keep = ["--keep", "local:rule:js-whitespace"];
    assert_eq!(is_whole(&[small, keep].concat()), ([true; 3], 0));
}
