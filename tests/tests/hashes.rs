//! Hashes that the manifest or the user's settings ask for, end to end.

use std::fs;

use layerpress_tests::{IndexFeatures, LoopbackIndex, Request, TestContext, Wheel};

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
    let words = ["requirements.txt:1", "app", &given, &found];
    run.says(&words);
    run.says(&[&other.file_name, "127.0.0.1"]);
    assert_eq!(context.files(), ["requirements.txt"]);

    // Where a lock is kept, it follows the line.
    context.write("requirements.txt", line(&one.sha256()));
    context.run(["lock", "requirements.txt"]).expect_code(0);
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
fn a_file_of_pins_and_hashes_is_a_lock_of_its_own() {
    let app = Wheel::new("app", "1.0").requires("library>=1").build();
    let library = Wheel::new("library", "1.0").build();
    let old = Wheel::new("tool", "1.0").tag("cp312-cp312-manylinux_2_17_x86_64");
    let old = old.build();
    let text = format!(
        "app==1.0 --hash=sha256:{}\n-r more.txt\n\
         tool==1.0 ; python_version < '3.13' --hash=sha256:{}\n\
         tool==9.9 ; sys_platform == 'win32' --hash=sha256:{}\n",
        app.sha256(),
        old.sha256(),
        "0".repeat(64),
    );
    let more = format!("library==1.0 --hash=sha256:{}\n", library.sha256());
    let index = LoopbackIndex::of([app, library, old, Wheel::new("library", "2.0").build()]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", text.clone());
    context.write("more.txt", more);

    // Neither a version is chosen nor metadata read: the files alone are asked for.
    let build = |more: &[&str]| {
        let arguments = [
            "build",
            "requirements.txt",
            "--runtime",
            "python3.12",
            "--json",
        ];
        let run = context.run(arguments.iter().chain(more));
        run.expect_code(0);
        run.json()["layers"][0].clone()
    };
    let layer = build(&[]);
    let packages = layer["packages"].as_array().expect("packages");
    let versions = packages
        .iter()
        .map(|it| (it["name"].as_str(), it["version"].as_str()));
    let expected = [("app", "1.0"), ("library", "1.0"), ("tool", "1.0")];
    assert!(versions.eq(expected.map(|(name, version)| (Some(name), Some(version)))));
    let asked = index.requests();
    let is_metadata = |request: &Request| request.path.ends_with(".metadata");
    assert!(!asked.iter().any(is_metadata), "{asked:?}");
    assert!(!context.files().contains(&"pylock.toml".to_owned()));
    let before = index.requests().len();
    assert_eq!(build(&["--locked", "--offline"])["sha256"], layer["sha256"]);
    assert_eq!(index.requests().len(), before);

    // Without a runtime it is for the newest that it has wheels for.
    context.write(
        "requirements.txt",
        text.replace(" ; python_version < '3.13'", ""),
    );
    let run = context.run(["build", "requirements.txt", "--json"]);
    run.expect_code(0);
    assert_eq!(run.json()["layers"][0]["runtime"], "python3.12");
    let run = context.run(["build", "requirements.txt", "--runtime", "python3.13"]);
    run.expect_code(UNMET);
    run.says(&[
        "requirements.txt:3",
        "tool",
        "python3.13",
        "python3.12 on x86_64",
    ]);

    let run = context.run(["build", "requirements.txt", "--upgrade"]);
    run.expect_code(2);
    run.says(&["requirements.txt", "no version in it moves"]);
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
    let run = context.run(["build", "requirements.txt", "--exclude", "library"]);
    run.expect_code(0);
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
