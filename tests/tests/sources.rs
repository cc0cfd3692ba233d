//! Archives from elsewhere than an index: folders of files, paths and URLs.

use layerpress_tests::{LoopbackIndex, Sdist, TestContext, Wheel};

/// The request cannot be met.
const UNMET: i32 = 1;

#[test]
fn a_folder_of_files_is_enough() {
    let context = TestContext::new();
    let wheel = Wheel::new("app", "1.0").requires("library").build();
    context.put("wheels", &wheel);
    context.put("wheels", &Sdist::new("library", "2.0").build());
    context.write("requirements.txt", "--no-index\n--find-links wheels\napp\n");
    let layer = context.build(&[]);
    assert_eq!(
        layer.text("python/library/__init__.py"),
        "VERSION = \"2.0\"\n"
    );
    let lock = context.read("pylock.toml");
    assert!(lock.contains(&wheel.sha256()), "{lock}");
    assert!(
        lock.contains("path = \"wheels/app-1.0-py3-none-any.whl\""),
        "{lock}"
    );
}

#[test]
fn a_missing_folder_in_a_variable_is_no_trouble() {
    let index = LoopbackIndex::of([Wheel::new("app", "1.0").build()]);
    let context = TestContext::new()
        .with_index(&index)
        .with_variable("PIP_FIND_LINKS", "/nonexistent/wheels");
    context.write("requirements.txt", "app\n");
    let run = context.run(["build", "requirements.txt"]);
    run.expect_code(0);
    assert!(!run.stderr.contains("nonexistent"), "{}", run.stderr);
}

#[test]
fn archives_named_by_url_and_path_are_pinned() {
    let wheel = Wheel::new("app", "1.0").build();
    let sdist = Sdist::new("source", "1.0").build();
    let index = LoopbackIndex::of([wheel.clone(), sdist.clone()]);
    let context = TestContext::new().with_index(&index);
    let local = Wheel::new("local", "1.0").build();
    context.put("files", &local);
    context.write(
        "requirements.txt",
        format!(
            "{}\nsource @ {}\n./files/{}\n",
            index.file_url(&wheel.file_name),
            index.file_url(&sdist.file_name),
            local.file_name,
        ),
    );
    let layer = context.build(&[]);
    for module in ["app", "source", "local"] {
        layer.text(&format!("python/{module}/__init__.py"));
    }
    let lock = context.read("pylock.toml");
    for package in [&wheel, &sdist, &local] {
        assert!(lock.contains(&package.sha256()), "{lock}");
    }
    assert!(!lock.contains("hashes = {}"), "{lock}");
}

#[test]
fn a_local_wheel_that_was_built_again_is_locked_again() {
    let context = TestContext::new();
    let text = |text: &str| {
        Wheel::new("local", "1.0")
            .file("local/text.py", text)
            .build()
    };
    context.put(".", &text("A = 1\n"));
    context.write(
        "requirements.txt",
        "--no-index\n./local-1.0-py3-none-any.whl\n",
    );
    context.build(&[]);
    context.put(".", &text("A = 2\n"));
    let run = context.run(["build", "requirements.txt", "--locked"]);
    run.expect_code(UNMET);
    run.says(&["requirements.txt:2", "not the one that was locked"]);
    let layer = context.build(&[]);
    assert_eq!(layer.text("python/local/text.py"), "A = 2\n");
}
