//! Node packages from elsewhere than the registry: folders, tarballs, repositories, workspaces, and
//! a folder with a manifest of each ecosystem.

use std::fs;
use std::path::Path;
use std::process::Command;

use layerpress_tests::{
    BuiltTarball, Layer, LoopbackIndex, LoopbackRegistry, NpmPackage, TestContext, Wheel,
};
use serde_json::{Value, json};

#[test]
fn folders_and_tarballs_beside_the_project() {
    let registry = registry();
    let context = TestContext::new().with_registry(&registry);
    let tarball = NpmPackage::new("packed", "2.0.0")
        .depends("library", "1")
        .build();
    context
        .write("vendor/packed.tgz", &tarball.bytes)
        .write("local/package.json", manifest("local", &[("library", "1")]))
        .write("local/index.js", "module.exports = require('library');\n")
        .write("local/node_modules/stale/index.js", "stale")
        .write(
            "package.json",
            manifest(
                "app",
                &[
                    ("local", "file:./local"),
                    ("packed", "file:vendor/packed.tgz"),
                ],
            ),
        );
    let layer = build(&context, &[]);
    assert_eq!(
        js(&layer),
        ["library/index.js", "local/index.js", "packed/index.js"]
    );
    let lock = lock(&context);
    let packages = &lock["packages"];
    assert_eq!(packages["node_modules/local"]["link"], true);
    assert_eq!(packages["node_modules/local"]["resolved"], "local");
    let packed = &packages["node_modules/packed"];
    assert_eq!(packed["resolved"], "file:vendor/packed.tgz");
    assert_eq!(packed["integrity"], tarball.integrity());

    // A folder is as it is now; a tarball is as it was locked.
    context.write("local/index.js", "module.exports = 'changed';\n");
    let layer = build(&context, &["--locked"]);
    let text = layer.text("nodejs/node_modules/local/index.js");
    assert_eq!(text, "module.exports = 'changed';\n");
    let other = NpmPackage::new("packed", "2.0.0")
        .file("more.js", "")
        .build();
    let cold = TestContext::new().with_registry(&registry);
    for file in ["package.json", "package-lock.json", "local/package.json"] {
        cold.write(file, context.read(file));
    }
    cold.write("vendor/packed.tgz", &other.bytes);
    let run = cold.run(["build", "package.json", "-o", "out.zip", "--locked"]);
    assert!(matches!(run.code, Some(1 | 4)), "{}", run.stderr);
    run.expect_words(&["vendor/packed.tgz", "expected `sha512-", "found `sha512-"]);
    assert!(!cold.files().contains(&"out.zip".to_owned()));
}

#[test]
fn a_tarball_at_an_address() {
    let registry = registry();
    let elsewhere = LoopbackRegistry::start();
    let hidden = NpmPackage::new("hidden", "1.2.3")
        .depends("library", "1")
        .build();
    elsewhere.publish([hidden.clone()]);
    let context = TestContext::new().with_registry(&registry);
    let url = elsewhere.tarball_url(&hidden);
    context.write("package.json", manifest("app", &[("hidden", &url)]));
    let layer = build(&context, &[]);
    assert_eq!(js(&layer), ["hidden/index.js", "library/index.js"]);
    let entry = lock(&context)["packages"]["node_modules/hidden"].clone();
    assert_eq!(entry["version"], "1.2.3");
    assert_eq!(entry["resolved"], url);
    assert_eq!(entry["integrity"], hidden.integrity());
}

#[test]
fn a_repository_at_a_commit_a_tag_and_a_range() {
    let registry = registry();
    let context = TestContext::new().with_registry(&registry);
    let repository = context.home().join("repository");
    let first = commit(&repository, "1.0.0");
    let second = commit(&repository, "1.1.0");
    let url = format!("git+file://{}", repository.display());
    let cases = [
        (format!("{url}#{first}"), &first, "1.0.0"),
        (format!("{url}#v1.0.0"), &first, "1.0.0"),
        (format!("{url}#semver:^1.0.0"), &second, "1.1.0"),
        (url.clone(), &second, "1.1.0"),
    ];
    for (spec, expected, version) in cases {
        let context = TestContext::new().with_registry(&registry);
        context.write("package.json", manifest("app", &[("from-git", &spec)]));
        let layer = build(&context, &[]);
        let text = layer.text("nodejs/node_modules/from-git/index.js");
        assert_eq!(text, format!("module.exports = '{version}';\n"), "{spec}");
        assert!(js(&layer).contains(&"library/index.js"), "{:?}", js(&layer));
        let entry = lock(&context)["packages"]["node_modules/from-git"].clone();
        assert_eq!(entry["resolved"], format!("{url}#{expected}"), "{spec}");
        // The same commit again, though the branch has moved on.
        build(&context, &["--locked"]);
    }
}

#[test]
fn workspaces_are_copied_and_never_linked() {
    let registry = registry();
    let context = TestContext::new().with_registry(&registry);
    let root = json!({
        "name": "mono",
        "private": true,
        "workspaces": ["packages/*", "apps/api"],
        "dependencies": { "library": "1" },
    });
    context
        .write("package.json", root.to_string())
        .write(
            "packages/one/package.json",
            manifest("@mono/one", &[("two", "*")]),
        )
        .write(
            "packages/one/index.js",
            "module.exports = require('two');\n",
        )
        .write(
            "packages/two/package.json",
            manifest("two", &[("library", "2")]),
        )
        .write(
            "packages/two/index.js",
            "module.exports = require('library');\n",
        )
        .write(
            "apps/api/package.json",
            manifest("api", &[("@mono/one", "^1.0.0")]),
        )
        .write(
            "apps/api/index.js",
            "module.exports = require('@mono/one');\n",
        );
    let layer = build(&context, &[]);
    layer.assert_safe_to_attach(&["nodejs/node_modules/"]);
    assert_eq!(
        js(&layer),
        [
            "@mono/one/index.js",
            "api/index.js",
            "library/index.js",
            "two/index.js",
            "two/node_modules/library/index.js",
        ]
    );
    let lock = lock(&context);
    assert_eq!(lock["packages"]["node_modules/two"]["link"], true);
    let nested = &lock["packages"]["packages/two/node_modules/library"];
    assert_eq!(nested["version"], "2.0.0");
}

/// npm links it, and a layer has no links: there is nothing to lay out.
#[test]
fn a_project_that_depends_on_itself_is_no_circle() {
    let context = TestContext::new();
    let manifest = json!({ "name": "app", "dependencies": { "self": "file:." } });
    context.write("package.json", manifest.to_string());
    context.run(["build", "package.json"]).expect_code(0);
    let lock: Value = serde_json::from_str(&context.read("package-lock.json")).expect("JSON");
    let link = json!({ "resolved": "", "link": true });
    assert_eq!(lock["packages"]["node_modules/self"], link);
    assert_eq!(
        lock["packages"].as_object().map(serde_json::Map::len),
        Some(2)
    );
    context
        .run(["lock", "package.json", "--locked"])
        .expect_code(0);
}

/// What a script would have built is taken from the layer folder, and nothing else from there.
#[test]
fn a_native_part_that_the_team_built_comes_along() {
    let elf = |machine: u8| {
        let mut header = b"\x7fELF\x02\x01\x01".to_vec();
        header.resize(64, 0);
        (header[16], header[18], header[20]) = (3, machine, 1);
        header[52] = 64;
        header
    };
    let registry = LoopbackRegistry::start();
    registry.publish([NpmPackage::new("better-sqlite3", "11.0.0")
        .script("install", "prebuild-install || node-gyp rebuild")
        .build()]);
    let context = TestContext::new().with_registry(&registry);
    let own = "layer/nodejs/node_modules/better-sqlite3";
    let manifest = json!({ "name": "db", "dependencies": { "better-sqlite3": "11" } });
    context.write("layer/nodejs/package.json", manifest.to_string());
    let build = || {
        let build = ["build", "layer", "-o", "out.zip", "--runtime", "nodejs20.x"];
        context.run(build.iter().chain(&["--arch", "x86_64"]))
    };
    build().expect_code(1).expect_words(&[
        "better-sqlite3@11.0.0",
        "put its folder below `nodejs/node_modules` of a layer folder",
    ]);
    let built = |version: &str, machine: u8| {
        let package = json!({ "name": "better-sqlite3", "version": version });
        context
            .write(&format!("{own}/package.json"), package.to_string())
            .write(&format!("{own}/index.js"), "changed();")
            .write(
                &format!("{own}/build/Release/better_sqlite3.node"),
                elf(machine),
            )
            .write(
                &format!("{own}/build/Release/obj.target/x.node"),
                elf(machine),
            );
    };
    // Of another version, or for another processor, it helps nobody.
    built("11.0.1", 62);
    build().expect_code(1);
    built("11.0.0", 183);
    build().expect_code(1);
    built("11.0.0", 62);
    let run = build();
    run.expect_code(0);
    let said = "`better-sqlite3@11.0.0`: its native part is taken from `layer/nodejs/node_modules`";
    assert!(run.stderr.contains(said), "{}", run.stderr);
    let layer = context.layer("out.zip");
    layer.assert_safe_to_attach(&["nodejs/node_modules/"]);
    let inside = |path: &str| format!("nodejs/node_modules/better-sqlite3/{path}");
    assert_eq!(
        layer.paths(),
        [
            inside("build/Release/better_sqlite3.node"),
            inside("index.js"),
            inside("package.json"),
        ]
    );
    assert!(!layer.text(&inside("index.js")).contains("changed"));
}

#[test]
fn one_folder_with_both_manifests_gives_both_layers() {
    let registry = registry();
    let index = LoopbackIndex::start();
    index.add([Wheel::new("wheel", "1.0").build()]);
    let context = TestContext::new()
        .with_registry(&registry)
        .with_index(&index);
    context
        .write("service/requirements.txt", "wheel\n")
        .write("service/package.json", manifest("api", &[("library", "1")]));
    let run = context.run(["build", "service", "-o", "out", "--json"]);
    run.expect_code(0);
    let document = run.json();
    let layers = document["layers"].as_array().expect("layers");
    assert_eq!(layers.len(), 2, "{document}");
    for layer in layers {
        let zip = context.layer(layer["path"].as_str().expect("a path"));
        let is_python = layer["runtime"]
            .as_str()
            .expect("a runtime")
            .starts_with("python");
        let folder = if is_python { "python/" } else { "nodejs/" };
        zip.assert_safe_to_attach(&[folder]);
    }
    let files = context.files();
    for lock in ["service/package-lock.json", "service/pylock.toml"] {
        assert!(files.contains(&lock.to_owned()), "{files:?}");
    }
}

/// Commits a package of a version to a repository, tagged, and tells the commit.
fn commit(repository: &Path, version: &str) -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .arg("-C")
            .arg(repository)
            .args(["-c", "user.name=Test", "-c", "user.email=test@mail.example"])
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .output()
            .expect("git was there a moment ago");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    fs::create_dir_all(repository).expect("a folder");
    git(&["init", "-q", "-b", "main"]);
    let package = json!({
        "name": "from-git", "version": version, "dependencies": { "library": "1" },
    });
    fs::write(repository.join("package.json"), package.to_string()).expect("a file");
    let code = format!("module.exports = '{version}';\n");
    fs::write(repository.join("index.js"), code).expect("a file");
    git(&["add", "."]);
    git(&["commit", "-q", "-m", version]);
    git(&["tag", &format!("v{version}")]);
    git(&["rev-parse", "HEAD"])
}

fn registry() -> LoopbackRegistry {
    let library = |version| -> BuiltTarball { NpmPackage::new("library", version).build() };
    let registry = LoopbackRegistry::start();
    registry.publish([library("1.0.0"), library("2.0.0")]);
    registry
}

fn manifest(name: &str, dependencies: &[(&str, &str)]) -> String {
    let dependencies: Value = dependencies.iter().copied().collect();
    json!({ "name": name, "version": "1.0.0", "dependencies": dependencies }).to_string()
}

fn build(context: &TestContext, options: &[&str]) -> Layer {
    let build = ["build", "package.json", "-o", "out.zip"];
    context.run(build.iter().chain(options)).expect_code(0);
    context.layer("out.zip")
}

/// The layer's JavaScript, below `node_modules`.
fn js(layer: &Layer) -> Vec<&str> {
    let paths = layer.paths().into_iter();
    paths
        .filter(|path| path.ends_with(".js"))
        .filter_map(|path| path.strip_prefix("nodejs/node_modules/"))
        .collect()
}

fn lock(context: &TestContext) -> Value {
    serde_json::from_str(&context.read("package-lock.json")).expect("a JSON document")
}
