//! What the cache is good for: a build that asks nobody, and one without a network.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use layerpress_tests::{
    Fault, LoopbackIndex, LoopbackRegistry, NpmPackage, On, TestContext, Wheel,
};

#[test]
fn a_warm_build_asks_nobody_and_works_offline() {
    let index = LoopbackIndex::small_world();
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    context
        .run(["build", "requirements.txt", "-o", "one.zip"])
        .expect_code(0);
    assert!(!index.requests().is_empty());
    index.forget_requests();
    context
        .run(["build", "requirements.txt", "-o", "two.zip"])
        .expect_code(0);
    assert_eq!(index.requests(), []);
    fs::remove_file(context.folder().join("pylock.toml")).expect("the lock is there");
    index.fault(On::Everything, Fault::Status(500));
    context
        .run(["build", "requirements.txt", "-o", "three.zip", "--offline"])
        .expect_code(0);
    assert_eq!(index.requests(), []);
    assert_eq!(
        context.layer("one.zip").sha256,
        context.layer("three.zip").sha256
    );
}

#[test]
fn a_filled_cache_builds_offline() {
    let index = LoopbackIndex::small_world();
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    context.run(["lock", "requirements.txt"]).expect_code(0);
    context.run(["fetch", "pylock.toml"]).expect_code(0);
    index.fault(On::Everything, Fault::Status(500));
    context
        .run(["build", "pylock.toml", "--offline", "-o", "out.zip"])
        .expect_code(0);
    assert!(context.files().contains(&"out.zip".to_owned()));
}

#[test]
fn offline_names_everything_that_is_missing() {
    let index = LoopbackIndex::start();
    index.add([
        Wheel::new("app", "1.0").requires("library").build(),
        Wheel::new("library", "1.0").build(),
    ]);
    let first = TestContext::new().with_index(&index);
    first.write("requirements.txt", "app\n");
    first.run(["lock", "requirements.txt"]).expect_code(0);
    let context = cold(&index, &first);
    index.forget_requests();
    let run = context.run(["build", "pylock.toml", "-o", "out.zip", "--offline"]);
    run.expect_code(3);
    insta::assert_snapshot!(run.stderr, @r"
    error: 2 archives are not in the cache, and the network is switched off:
      app-1.0-py3-none-any.whl
      library-1.0-py3-none-any.whl
    hint: run once without `--offline`, or fill the cache with `layerpress fetch`
    ");
    assert_eq!(context.files(), ["pylock.toml"]);
    assert!(index.requests().is_empty());
}

/// A world with a cold cache that holds the lock alone.
fn cold(index: &LoopbackIndex, from: &TestContext) -> TestContext {
    let context = TestContext::new().with_index(index);
    context.write("pylock.toml", from.read("pylock.toml"));
    context
}

#[test]
fn a_damaged_archive_is_fetched_again_and_that_is_said() {
    let index = LoopbackIndex::small_world();
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app<2\n");
    let digest = context.build(&[]).sha256;
    let archives = archives(&context.cache().join("archives"));
    assert_eq!(archives.len(), 1);
    let whole = fs::read(&archives[0]).expect("an archive");
    let mut changed = whole.clone();
    changed[60] ^= 0x55;
    for damaged in [&whole[..whole.len() - 9], &changed] {
        fs::write(&archives[0], damaged).expect("it can be damaged");
        let run = context.run(["build", "pylock.toml", "-o", "out.zip"]);
        run.expect_code(0).says(&["warning: ", "again"]);
        assert_eq!(run.stderr.matches("again").count(), 1, "{}", run.stderr);
        assert_eq!(context.layer("out.zip").sha256, digest);
        assert_eq!(fs::read(&archives[0]).expect("an archive"), whole);
        let quiet = context.run(["build", "pylock.toml", "-o", "out.zip"]);
        quiet.expect_code(0);
        assert!(!quiet.stderr.contains("warning"), "{}", quiet.stderr);
    }
}

#[test]
fn a_layer_of_many_packages_is_rebuilt_from_one_bundle() {
    let registry = LoopbackRegistry::start();
    let names: Vec<String> = (0..40).map(|index| format!("package-{index}")).collect();
    registry.publish(names.iter().map(|it| NpmPackage::new(it, "1.0.0").build()));
    let context = TestContext::new().with_registry(&registry);
    let wanted: BTreeMap<&String, &str> = names.iter().map(|name| (name, "1.0.0")).collect();
    let manifest = serde_json::json!({ "name": "app", "dependencies": wanted });
    context.write("package.json", manifest.to_string());
    let build = |more: &[&str]| {
        let run = context.run(
            [
                &["build", "package.json", "-o", "out.zip", "--locked"],
                more,
            ]
            .concat(),
        );
        run.expect_code(0);
        context.layer("out.zip").sha256
    };
    context.run(["lock", "package.json"]).expect_code(0);
    let first = build(&[]);
    let bundles = archives(&context.cache().join("bundles"));
    assert_eq!(bundles.len(), 1);
    // Everything that a rebuild needs beside the packages themselves is in there.
    for area in ["alias", "evidence", "facts"] {
        fs::remove_dir_all(context.cache().join(area)).expect("it is there");
    }
    assert_eq!(build(&["--offline"]), first);
    // Without the bundle they are fetched and looked at again.
    fs::write(&bundles[0], "damaged").expect("it can be damaged");
    assert_eq!(build(&[]), first);
    assert_ne!(fs::read(&bundles[0]).expect("a bundle"), b"damaged");
    assert_eq!(build(&["--offline"]), first);
}

#[test]
fn pruning_waits_for_who_uses_the_cache_and_keeps_the_latest() {
    let index = LoopbackIndex::small_world();
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    context.build(&["--compression", "best"]);
    let lock = fs::File::open(context.cache().join("lock")).expect("the cache was used");
    lock.lock_shared().expect("nobody has it alone");
    let prune = ["cache", "prune", "--max-size", "0"];
    let mut waiting = context.command(prune);
    let mut waiting = waiting.stderr(Stdio::piped()).spawn().expect("starts");
    let stderr = waiting.stderr.take().expect("piped");
    let mut told = String::new();
    let mut stderr = BufReader::new(stderr);
    stderr.read_line(&mut told).expect("a line");
    assert_eq!(
        told,
        "waiting for other runs of layerpress that use the cache\n"
    );
    assert!(!archives(&context.cache().join("pressed")).is_empty());
    drop(lock);
    assert!(waiting.wait().expect("it ends").success());
    for area in ["archives", "pressed", "facts", "verified"] {
        assert_eq!(
            archives(&context.cache().join(area)),
            [""; 0].map(PathBuf::from),
            "{area}"
        );
    }
}

/// The files in the folders of a folder.
fn archives(folder: &Path) -> Vec<PathBuf> {
    let entries = |folder: &Path| fs::read_dir(folder).expect("a folder").flatten();
    entries(folder)
        .flat_map(|folder| entries(&folder.path()))
        .map(|file| file.path())
        .collect()
}
