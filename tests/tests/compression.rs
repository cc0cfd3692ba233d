//! `--compression`: part of the recipe, so the bytes depend on it and on nothing that the cache held.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use layerpress_tests::{Layer, LoopbackIndex, LoopbackRegistry, NpmPackage, TestContext, Wheel};

/// Text that compresses, better the harder one tries.
fn lines(seed: u32) -> String {
    (0..3000_u32)
        .map(|n| format!("x{:x} = {}\n", n.wrapping_mul(n), n.wrapping_mul(seed) % 97))
        .collect()
}

fn index() -> LoopbackIndex {
    LoopbackIndex::of([
        Wheel::new("app", "1.0")
            .requires("library")
            .file("app/more.py", lines(7))
            .build(),
        Wheel::new("library", "1.0")
            .file("library/more.py", lines(13))
            .build(),
        Wheel::new("other", "1.0").requires("library").build(),
    ])
}

/// Paths, modes and contents.
fn files(layer: &Layer) -> Vec<(&str, u32, &[u8])> {
    let files = layer.entries.iter();
    files
        .map(|file| (&*file.path, file.mode, &*file.content))
        .collect()
}

/// When each pressed archive was written.
fn pressed(context: &TestContext) -> BTreeMap<PathBuf, SystemTime> {
    let entries = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten();
    entries(&context.cache().join("pressed"))
        .flat_map(|folder| fs::read_dir(folder.path()).expect("a folder").flatten())
        .map(|file| (file.path(), file.metadata().expect("there")))
        .map(|(path, meta)| (path, meta.modified().expect("a time")))
        .collect()
}

#[test]
fn best_is_the_same_layer_in_fewer_bytes_whatever_the_cache_holds() {
    let index = index();
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    let best = context.build(&["--compression", "best"]);
    let fast = context.build(&[]);
    assert_eq!(files(&best), files(&fast));
    assert!(best.zipped_bytes < fast.zipped_bytes);
    // Warm, and from other caches: one that only the other recipe filled, and an empty one.
    assert_eq!(
        context.build(&["--compression", "best"]).sha256,
        best.sha256
    );
    assert_eq!(
        context.build(&["--compression", "fast"]).sha256,
        fast.sha256
    );
    let filled = TestContext::new().with_index(&index);
    filled.write("requirements.txt", "app\n");
    assert_eq!(filled.build(&[]).sha256, fast.sha256);
    let offline = ["--compression", "best", "--offline", "--jobs", "1"];
    assert_eq!(filled.build(&offline).sha256, best.sha256);
}

#[test]
fn what_two_layers_share_is_pressed_once() {
    let index = index();
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    context.build(&["--compression", "best"]);
    let first = pressed(&context);
    assert_eq!(first.len(), 2);
    fs::remove_file(context.folder().join("pylock.toml")).expect("the lock");
    context.write("requirements.txt", "other\n");
    context.build(&["--compression", "best"]);
    let second = pressed(&context);
    assert_eq!(second.len(), 3, "`other` alone was pressed");
    for (path, written) in &first {
        assert_eq!(second.get(path), Some(written), "{}", path.display());
    }
}

#[test]
fn pressed_archives_do_without_the_archives() {
    let index = index();
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    let best = context.build(&["--compression", "best"]);
    fs::remove_dir_all(context.cache().join("archives")).expect("the archives");
    index.forget_requests();
    let again = context.build(&["--compression", "best", "--offline"]);
    assert_eq!(again.sha256, best.sha256);
    // What only the archives hold is fetched again.
    context.build(&[]);
    assert_eq!(index.requests().len(), 2, "{:?}", index.requests());
}

#[test]
fn a_damaged_pressed_archive_is_pressed_again_and_that_is_said() {
    let index = index();
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "library\n");
    let best = context.build(&["--compression", "best"]);
    let files: Vec<PathBuf> = pressed(&context).into_keys().collect();
    let whole = fs::read(&files[0]).expect("a pressed archive");
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 0x55;
    for damaged in [&whole[..whole.len() - 9], &changed] {
        fs::write(&files[0], damaged).expect("it can be damaged");
        let arguments = [
            "build",
            "pylock.toml",
            "-o",
            "out.zip",
            "--compression",
            "best",
        ];
        let run = context.run(arguments);
        run.expect_code(0).says(&["warning: ", "pressed again"]);
        assert_eq!(run.stderr.matches("again").count(), 1, "{}", run.stderr);
        assert_eq!(context.layer("out.zip").sha256, best.sha256);
        assert_eq!(fs::read(&files[0]).expect("a pressed archive"), whole);
        let quiet = context.run(arguments);
        assert!(!quiet.stderr.contains("warning"), "{}", quiet.stderr);
    }
}

#[test]
fn packages_of_node_and_own_code_are_pressed_alike() {
    let registry = LoopbackRegistry::start();
    let text = |seed| format!("/*\n{}*/\n", lines(seed));
    registry.publish([NpmPackage::new("app", "1.0.0")
        .file("more.js", text(7))
        .build()]);
    let context = TestContext::new().with_registry(&registry);
    let manifest = r#"{"name": "api", "dependencies": {"app": "1"}}"#;
    context.write("layer/nodejs/package.json", manifest);
    context.write("layer/own/own.js", text(13));
    let build = |options: &[&str]| {
        let arguments = ["build", "layer", "-o", "out.zip"];
        context.run(arguments.iter().chain(options)).expect_code(0);
        context.layer("out.zip")
    };
    let fast = build(&[]);
    let best = build(&["--compression", "best"]);
    assert_eq!(files(&best), files(&fast));
    assert!(best.zipped_bytes < fast.zipped_bytes);
    assert_eq!(pressed(&context).len(), 2, "one by each recipe");
    let variable = context.with_variable("LAYERPRESS_COMPRESSION", "best");
    let run = variable.run(["build", "layer", "-o", "out.zip"]);
    run.expect_code(0);
    assert_eq!(variable.layer("out.zip").sha256, best.sha256);
}

#[test]
fn a_cache_is_filled_for_a_build_that_compresses_best() {
    let index = index();
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    context.run(["lock", "requirements.txt"]).expect_code(0);
    let best = ["--compression", "best"];
    context
        .run(["fetch", "pylock.toml"].iter().chain(&best))
        .expect_code(0);
    let filled = pressed(&context);
    assert_eq!(filled.len(), 2, "one for each package");
    let build = ["build", "pylock.toml", "--offline", "-o", "layer.zip"];
    context.run(build.iter().chain(&best)).expect_code(0);
    assert_eq!(pressed(&context), filled, "the build presses nothing");
}
