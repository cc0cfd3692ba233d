//! Locks that were made elsewhere, built through the index or registry that the user names: addresses
//! are the mirror's, choices and digests the lock's.

use layerpress_tests::{
    BuiltPackage, BuiltTarball, Fault, LoopbackIndex, LoopbackRegistry, NpmPackage, On,
    TestContext, Wheel,
};

/// The input is wrong in itself.
const INPUT: i32 = 4;
/// The request cannot be met.
const UNMET: i32 = 1;

fn wheels() -> Vec<BuiltPackage> {
    vec![
        Wheel::new("app", "1.0").requires("library").build(),
        Wheel::new("library", "1.0").build(),
    ]
}

/// A `pylock.toml` of [`wheels`] whose addresses are example ones, and the layer's digest.
fn elsewhere() -> (String, String) {
    let index = LoopbackIndex::of(wheels());
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    let digest = context.build(&[]).sha256;
    let lock = context.read("pylock.toml");
    let page = lock.replace(&index.url(), "https://index.example/simple/");
    let host = format!("http://127.0.0.1:{}/", index.port());
    (page.replace(&host, "https://files.example/"), digest)
}

fn build_lock(context: &TestContext, more: &[&str]) -> layerpress_tests::Run {
    let build = ["build", "pylock.toml", "-o", "out.zip"];
    context.run(build.iter().chain(more))
}

#[test]
fn a_python_lock_is_built_from_the_index_that_is_named() {
    let (lock, digest) = elsewhere();
    assert!(lock.contains("https://files.example/") && lock.contains("https://index.example/"));
    let mirror = LoopbackIndex::of(wheels());
    let context = TestContext::new();
    context.write("pylock.toml", &lock);
    let index_url = mirror.url();
    build_lock(&context, &["--index-url", &index_url]).expect_code(0);
    assert_eq!(context.layer("out.zip").sha256, digest);
    assert_eq!(context.read("pylock.toml"), lock, "a lock is not rewritten");

    // What is there is asked for nowhere, whoever is named.
    mirror.forget_requests();
    build_lock(&context, &["--index-url", &index_url]).expect_code(0);
    build_lock(&context, &["--offline"]).expect_code(0);
    assert!(mirror.requests().is_empty(), "{:?}", mirror.requests());

    // Variables and configuration name an index as well, and the manifest does not matter.
    let context = TestContext::new();
    context.write("pylock.toml", &lock);
    context.write("requirements.txt", "app\n");
    let config = format!("[global]\nindex-url = {index_url}\n");
    context.write("pip.conf", config);
    let file = context.folder().join("pip.conf").display().to_string();
    let context = context.with_variable("PIP_CONFIG_FILE", &file);
    let run = context.run(["build", "requirements.txt", "--locked", "-o", "out.zip"]);
    run.expect_code(0);
    assert_eq!(context.layer("out.zip").sha256, digest);
}

#[test]
fn folders_of_wheels_stand_in_for_the_index_too() {
    let (lock, digest) = elsewhere();
    let context = TestContext::new();
    context.write("pylock.toml", &lock);
    for wheel in wheels() {
        context.put("wheels", &wheel);
    }
    build_lock(&context, &["--no-index", "--find-links", "wheels"]).expect_code(0);
    assert_eq!(context.layer("out.zip").sha256, digest);
}

#[test]
fn a_mirror_with_other_files_is_refused() {
    let (lock, _) = elsewhere();
    let ours = &wheels()[0];
    let other = Wheel::new("app", "1.0").file("app/more.py", "").build();
    let mirror = LoopbackIndex::of([other.clone(), wheels()[1].clone()]);
    let context = TestContext::new().with_index(&mirror);
    context.write("pylock.toml", &lock);
    let run = build_lock(&context, &[]);
    run.expect_code(INPUT);
    run.says(&[&ours.file_name, &ours.sha256(), &other.sha256()]);

    let empty = LoopbackIndex::of([Wheel::new("app", "2.0").build(), wheels()[1].clone()]);
    let context = TestContext::new().with_index(&empty);
    context.write("pylock.toml", &lock);
    let run = build_lock(&context, &[]);
    run.expect_code(UNMET);
    run.says(&["app: the index has no 1.0, which the lock pins"]);
    assert!(!context.files().contains(&"out.zip".to_owned()));
}

fn tarballs() -> Vec<BuiltTarball> {
    vec![
        NpmPackage::new("app", "1.0.0")
            .depends("@team/library", "1")
            .build(),
        NpmPackage::new("@team/library", "1.0.0").build(),
    ]
}

/// A world with a `package-lock.json` of [`tarballs`] whose addresses are example ones, and the
/// layer's digest.
fn npm_elsewhere() -> (TestContext, String) {
    let registry = LoopbackRegistry::start();
    registry.publish(tarballs());
    let context = TestContext::new().with_registry(&registry);
    let manifest = r#"{ "name": "test", "version": "1.0.0", "dependencies": { "app": "1" } }"#;
    context.write("package.json", manifest);
    context
        .run(["build", "package.json", "-o", "first.zip"])
        .expect_code(0);
    let digest = context.layer("first.zip").sha256;
    let lock = context
        .read("package-lock.json")
        .replace(&registry.url(), "https://registry.example/");
    assert_eq!(lock.matches("https://registry.example/").count(), 2);
    let fresh = TestContext::new();
    fresh.write("package-lock.json", lock);
    fresh.write("package.json", manifest);
    (fresh, digest)
}

#[test]
fn a_node_lock_is_built_from_the_registry_that_is_named() {
    let (context, digest) = npm_elsewhere();
    let lock = context.read("package-lock.json");
    let mirror = LoopbackRegistry::start();
    mirror.publish(tarballs());
    let url = mirror.url();
    let build = ["build", "package-lock.json", "-o", "out.zip"];
    let named = ["--registry", &url];
    context.run(build.iter().chain(&named)).expect_code(0);
    assert_eq!(context.layer("out.zip").sha256, digest);
    assert_eq!(
        context.read("package-lock.json"),
        lock,
        "it is not rewritten"
    );
    let paths: Vec<String> = mirror.requests().iter().map(|it| it.path.clone()).collect();
    assert!(
        paths.iter().all(|path| path.ends_with(".tgz")),
        "nothing but the files is asked for: {paths:?}"
    );
    mirror.forget_requests();
    let locked = ["build", "package.json", "--locked", "-o", "out.zip"];
    context.run(locked.iter().chain(&named)).expect_code(0);
    assert!(mirror.requests().is_empty(), "{:?}", mirror.requests());
}

#[test]
fn a_registry_that_keeps_its_tarballs_elsewhere_is_asked_where() {
    let (context, digest) = npm_elsewhere();
    let files = LoopbackRegistry::start();
    files.publish(tarballs());
    let mirror = LoopbackRegistry::start();
    mirror.publish(tarballs());
    mirror.reform(|it| it.tarballs_at = Some(files.url().trim_end_matches('/').to_owned()));
    for tarball in tarballs() {
        mirror.fault(On::tarball(&tarball.file_name()), Fault::Status(404));
    }
    let url = mirror.url();
    let build = ["build", "package-lock.json", "-o", "out.zip"];
    context
        .run(build.iter().chain(&["--registry", &url]))
        .expect_code(0);
    assert_eq!(context.layer("out.zip").sha256, digest);
    assert_eq!(files.requests().len(), 2);
}

#[test]
fn a_registry_with_other_files_is_refused() {
    let (context, _) = npm_elsewhere();
    let mirror = LoopbackRegistry::start();
    let other = NpmPackage::new("app", "1.0.0").file("more.js", "").build();
    mirror.publish([other, tarballs()[1].clone()]);
    let context = context.with_registry(&mirror);
    let run = context.run(["build", "package-lock.json", "-o", "out.zip"]);
    run.expect_code(INPUT);
    run.says(&["app@1.0.0", "sha512"]);
    assert!(!context.files().contains(&"out.zip".to_owned()));
}
