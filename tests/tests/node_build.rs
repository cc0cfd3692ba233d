//! `layerpress build package.json` end to end against the loopback registry: what a well-behaved
//! world gets.

use layerpress_tests::{LoopbackRegistry, NpmPackage, TestContext};
use serde_json::{Value, json};

#[test]
fn a_package_json_becomes_a_layer_and_a_lockfile() {
    let registry = small_world();
    let context = TestContext::new().with_registry(&registry);
    context.write(
        "package.json",
        r#"{"name": "api", "dependencies": {"app": "^1.0.0"}}"#,
    );
    let run = context.run(["build", "package.json", "-o", "out.zip"]);
    run.expect_code(0);
    assert_eq!(run.stdout, "out.zip\n");
    let layer = context.layer("out.zip");
    layer.assert_safe_to_attach(&["nodejs/node_modules/"]);
    assert_eq!(
        layer.paths(),
        [
            "nodejs/node_modules/app/index.js",
            "nodejs/node_modules/app/package.json",
            "nodejs/node_modules/library/index.js",
            "nodejs/node_modules/library/package.json",
        ]
    );
    let text = layer.text("nodejs/node_modules/app/index.js");
    assert_eq!(text, "module.exports = 'app@1.1.0';\n");
    let lock = lock(&context);
    assert_eq!(lock["lockfileVersion"], 3);
    assert_eq!(lock["packages"][""]["dependencies"]["app"], "^1.0.0");
    let app = &lock["packages"]["node_modules/app"];
    assert_eq!(app["version"], "1.1.0");
    let integrity = app["integrity"].as_str().expect("an integrity");
    assert!(integrity.starts_with("sha512-"), "{integrity}");
    assert_eq!(
        context.files(),
        ["out.zip", "package-lock.json", "package.json"]
    );
}

/// A lock holds everything whatever is omitted: the settings may be another machine's tomorrow.
#[test]
fn what_npms_settings_omit_stays_out_of_the_layer() {
    let registry = small_world();
    registry.publish([
        NpmPackage::new("extra", "1.0.0").build(),
        NpmPackage::new("tool", "1.0.0").build(),
    ]);
    let context = TestContext::new().with_registry(&registry);
    let manifest = json!({
        "name": "api",
        "dependencies": { "library": "*" },
        "devDependencies": { "tool": "1" },
        "optionalDependencies": { "extra": "1" },
    });
    context.write("package.json", manifest.to_string());
    for (settings, options, expected) in [
        ("", &[][..], "extra library"),
        ("include=dev\n", &[], "extra library"),
        ("omit=optional\n", &[], "library"),
        ("omit=optional\ninclude=optional\n", &[], "extra library"),
        ("optional=false\n", &["--dev"], "library tool"),
        ("omit=dev\n", &["--dev"], "extra library tool"),
    ] {
        context.write(".npmrc", settings);
        let build = ["build", "package.json", "-o", "out.zip"];
        context.run(build.iter().chain(options)).expect_code(0);
        let layer = context.layer("out.zip");
        let paths = layer.paths();
        let names: Vec<&str> = paths
            .iter()
            .filter_map(|path| path.strip_suffix("/package.json"))
            .filter_map(|folder| folder.rsplit('/').next())
            .collect();
        assert_eq!(names.join(" "), expected, "{settings} {options:?}");
        let packages = lock(&context)["packages"].clone();
        assert_eq!(packages.as_object().map(serde_json::Map::len), Some(4));
    }
}

#[test]
fn the_json_document_is_exact() {
    let registry = small_world();
    let inner = NpmPackage::new("inner", "3.0.0");
    let scoped = NpmPackage::new("@scope/carrier", "1.0.0").bundles(&inner);
    registry.publish([scoped.build()]);
    let context = TestContext::new().with_registry(&registry);
    let dependencies = json!({ "other": "npm:app@1", "@scope/carrier": "1" });
    let manifest = json!({ "name": "@team/api", "dependencies": dependencies });
    context.write("package.json", manifest.to_string());
    let run = context.run(["build", "package.json", "--json", "--runtime", "nodejs22.x"]);
    run.expect_code(0);
    let document = run.json();
    let layer = &document["layers"][0];
    let path = layer["path"].as_str().expect("a path");
    assert!(path.ends_with("api-nodejs22.x-x86_64.zip"), "{path}");
    let zip = context.layer(path);
    assert_eq!(layer["runtime"], "nodejs22.x");
    assert_eq!(layer["sha256"], zip.sha256.as_str());
    assert_eq!(layer["zipped_bytes"], zip.zipped_bytes);
    assert_eq!(layer["unzipped_bytes"], zip.unzipped_bytes());
    assert_eq!(layer["files"], zip.entries.len());
    let packages = layer["packages"].as_array().expect("packages");
    let told: Vec<_> = packages
        .iter()
        .map(|it| format!("{} {} {}", it["ecosystem"], it["name"], it["version"]).replace('"', ""))
        .collect();
    // The alias under its real name, the bundled package too.
    assert_eq!(
        told,
        [
            "node @scope/carrier 1.0.0",
            "node app 1.1.0",
            "node inner 3.0.0",
            "node library 1.5.0",
        ]
    );
    assert_eq!(document["lockfiles"], json!(["package-lock.json"]));
    for stage in ["resolve", "fetch", "pack", "total"] {
        assert!(document["seconds"][stage].is_number(), "{document}");
    }
}

#[test]
fn every_kind_of_dependency_finds_its_place() {
    let registry = LoopbackRegistry::start();
    let host = NpmPackage::new("host", "1.0.0");
    registry.publish([
        NpmPackage::new("plugin", "1.0.0")
            .peer("host", "^1")
            .optional_peer("spare", "*")
            .build(),
        host.clone().build(),
        NpmPackage::new("host", "2.0.0").build(),
        NpmPackage::new("spare", "1.0.0").build(),
        NpmPackage::new("needs-old", "1.0.0")
            .depends("shared", "^1")
            .build(),
        NpmPackage::new("needs-new", "1.0.0")
            .depends("shared", "^2")
            .build(),
        NpmPackage::new("shared", "1.0.0").build(),
        NpmPackage::new("shared", "2.0.0").build(),
        NpmPackage::new("tagged", "5.0.0-beta.1").build(),
        NpmPackage::new("deep", "1.0.0")
            .depends("deeper", "1")
            .build(),
        NpmPackage::new("deeper", "1.0.0").build(),
        NpmPackage::new("deeper", "1.9.0").build(),
        NpmPackage::new("tester", "1.0.0").build(),
    ]);
    registry.tag("tagged", "next", "5.0.0-beta.1");
    let context = TestContext::new().with_registry(&registry);
    let manifest = json!({
        "dependencies": {
            "plugin": "1",
            "needs-old": "1",
            "needs-new": "1",
            "tagged": "next",
            "deep": "1",
            "old-host": "npm:host@2",
        },
        "optionalDependencies": { "not-published": "^1" },
        "devDependencies": { "tester": "1" },
        "overrides": { "deep": { "deeper": "1.0.0" } },
    });
    context.write("package.json", manifest.to_string());
    context
        .run(["build", "package.json", "-o", "out.zip"])
        .expect_code(0);
    let layer = context.layer("out.zip");
    let what = |path: &str| {
        let text = layer.text(&format!("nodejs/node_modules/{path}/index.js"));
        text.replace("module.exports = '", "").replace("';\n", "")
    };
    assert_eq!(what("host"), "host@1.0.0");
    assert_eq!(what("old-host"), "host@2.0.0");
    assert_eq!(what("shared"), "shared@2.0.0");
    assert_eq!(what("needs-old/node_modules/shared"), "shared@1.0.0");
    assert_eq!(what("tagged"), "tagged@5.0.0-beta.1");
    assert_eq!(what("deeper"), "deeper@1.0.0");
    for absent in ["spare", "tester", "not-published"] {
        let folder = format!("nodejs/node_modules/{absent}/");
        assert!(!layer.paths().iter().any(|path| path.starts_with(&folder)));
    }
    // For development they come too.
    context
        .run(["build", "package.json", "-o", "dev.zip", "--dev"])
        .expect_code(0);
    let dev = context.layer("dev.zip");
    assert!(dev.paths().contains(&"nodejs/node_modules/tester/index.js"));
}

#[test]
fn the_target_decides_and_not_the_host() {
    let registry = LoopbackRegistry::start();
    let native = |platform: &str, os: &str, cpu: &str, libc: Option<&str>| {
        let package = NpmPackage::new(&format!("@native/{platform}"), "1.0.0")
            .field("os", json!([os]))
            .field("cpu", json!([cpu]));
        match libc {
            Some(libc) => package.field("libc", json!([libc])).build(),
            None => package.build(),
        }
    };
    let platforms = [
        ("linux-x64", "linux", "x64", Some("glibc")),
        ("linux-arm64", "linux", "arm64", Some("glibc")),
        ("linuxmusl-x64", "linux", "x64", Some("musl")),
        ("darwin-arm64", "darwin", "arm64", None),
        ("win32-x64", "win32", "x64", None),
    ];
    let mut app = NpmPackage::new("app", "1.0.0");
    for (platform, os, cpu, libc) in platforms {
        app = app.optional(&format!("@native/{platform}"), "1.0.0");
        registry.publish([native(platform, os, cpu, libc)]);
    }
    registry.publish([app.build()]);
    let context = TestContext::new().with_registry(&registry);
    context.write("package.json", r#"{"dependencies": {"app": "1"}}"#);
    let both = ["--arch", "arm64", "--arch", "x86_64", "-o", "out", "--json"];
    let run = context.run(["build", "package.json"].iter().chain(&both));
    run.expect_code(0);
    for layer in run.json()["layers"].as_array().expect("layers") {
        let zip = context.layer(layer["path"].as_str().expect("a path"));
        let paths = zip.paths();
        let natives: Vec<_> = paths
            .iter()
            .filter_map(|path| path.strip_prefix("nodejs/node_modules/@native/"))
            .filter_map(|path| path.strip_suffix("/index.js"))
            .collect();
        let expected = match layer["arch"].as_str() {
            Some("arm64") => "linux-arm64",
            _ => "linux-x64",
        };
        assert_eq!(natives, [expected]);
    }
    // One lock serves every platform.
    let packages = lock(&context)["packages"].clone();
    for (platform, ..) in platforms {
        let entry = &packages[format!("node_modules/@native/{platform}")];
        assert_eq!(entry["optional"], true, "{platform}");
    }
    assert_eq!(context.files().len(), 4, "{:?}", context.files());
}

#[test]
fn tarballs_of_every_shape_come_out_alike() {
    let registry = LoopbackRegistry::start();
    let long = format!(
        "lib/{}/end.js",
        "a-long-folder-name/".repeat(12).trim_end_matches('/')
    );
    registry.publish([
        NpmPackage::new("odd-root", "1.0.0")
            .root("odd-root-1.0")
            .build(),
        NpmPackage::new("odd-modes", "1.0.0")
            .folder("lib", 0o644)
            .file_with_mode("lib/secret.js", "1", 0o600)
            .file_with_mode("lib/all.js", "2", 0o666)
            .file_with_mode("bin/run", "#!/usr/bin/env node\n", 0o777)
            .build(),
        NpmPackage::new("long-path", "1.0.0")
            .file(&long, "3")
            .build(),
        NpmPackage::new("tool", "1.0.0")
            .field("bin", json!({ "tool": "cli.js" }))
            .file("cli.js", "#!/usr/bin/env node\n")
            .build(),
    ]);
    let names = ["odd-root", "odd-modes", "long-path", "tool"];
    let dependencies: Value = names.iter().map(|name| (*name, "1")).collect();
    let context = TestContext::new().with_registry(&registry);
    context.write(
        "package.json",
        json!({ "dependencies": dependencies }).to_string(),
    );
    context
        .run(["build", "package.json", "-o", "out.zip"])
        .expect_code(0);
    let layer = context.layer("out.zip");
    layer.assert_safe_to_attach(&["nodejs/node_modules/"]);
    let mode = |path: &str| {
        let path = format!("nodejs/node_modules/{path}");
        let entry = layer.entries.iter().find(|entry| entry.path == path);
        entry.map(|entry| entry.mode & 0o777)
    };
    assert_eq!(mode("odd-root/index.js"), Some(0o644));
    assert_eq!(mode("odd-modes/lib/secret.js"), Some(0o644));
    assert_eq!(mode("odd-modes/lib/all.js"), Some(0o644));
    assert_eq!(mode("odd-modes/bin/run"), Some(0o755));
    assert_eq!(mode(&format!("long-path/{long}")), Some(0o644));
    let bin = |path: &&&str| path.contains("/.bin/");
    assert_eq!(layer.paths().iter().find(bin), None);
}

#[test]
fn a_folder_of_a_layer_brings_its_own_code() {
    let registry = small_world();
    let context = TestContext::new().with_registry(&registry);
    context
        .write(
            "layer/nodejs/package.json",
            r#"{"dependencies": {"library": "1"}}"#,
        )
        .write("layer/utils/common.js", "exports.add = (a, b) => a + b;\n")
        .write("layer/nodejs/node_modules/stale/index.js", "host")
        .write("layer/.git/config", "");
    context
        .run(["build", "layer", "-o", "out.zip"])
        .expect_code(0);
    let layer = context.layer("out.zip");
    layer.assert_safe_to_attach(&["nodejs/"]);
    assert_eq!(
        layer.paths(),
        [
            "nodejs/node_modules/library/index.js",
            "nodejs/node_modules/library/package.json",
            "nodejs/node_modules/utils/common.js",
        ]
    );
}

#[test]
fn no_script_runs_and_what_may_miss_one_is_said_once() {
    let registry = LoopbackRegistry::start();
    let marker = "touch \"$HOME/ran\"";
    registry.publish([
        NpmPackage::new("compiles", "1.0.0")
            .script("install", marker)
            .file("binding.gyp", "{}")
            .build(),
        NpmPackage::new("app", "1.0.0")
            .script("postinstall", marker)
            .depends("compiles", "1")
            .build(),
    ]);
    let context = TestContext::new().with_registry(&registry);
    context.write(
        "package.json",
        json!({
            "dependencies": { "app": "1" },
            "scripts": { "preinstall": marker, "prepare": marker },
        })
        .to_string(),
    );
    let run = context.run(["build", "package.json", "-o", "out.zip"]);
    assert!(!context.home().join("ran").exists());
    assert!(run.stderr.contains("compiles"), "{}", run.stderr);
}

#[test]
fn an_empty_manifest_is_a_valid_one() {
    let registry = LoopbackRegistry::start();
    let context = TestContext::new().with_registry(&registry);
    context.write("package.json", "{}");
    let run = context.run(["build", "package.json"]);
    run.expect_code(0);
    assert_eq!(context.files(), ["package-lock.json", "package.json"]);
    assert_eq!(registry.requests(), []);
}

#[test]
fn a_warm_build_asks_nobody_and_works_offline() {
    let registry = small_world();
    let context = TestContext::new().with_registry(&registry);
    context.write("package.json", r#"{"dependencies": {"app": "1"}}"#);
    let build = |output: &str, more: &[&str]| {
        let arguments = ["build", "package.json", "-o", output];
        context.run(arguments.iter().chain(more)).expect_code(0);
        context.layer(output).sha256
    };
    let first = build("one.zip", &[]);
    assert!(!registry.requests().is_empty());
    registry.forget_requests();
    assert_eq!(build("two.zip", &[]), first);
    std::fs::remove_file(context.folder().join("package-lock.json")).expect("the lock is there");
    assert_eq!(build("three.zip", &["--offline"]), first);
    assert_eq!(registry.requests(), []);
}

fn small_world() -> LoopbackRegistry {
    let registry = LoopbackRegistry::start();
    registry.publish([
        NpmPackage::new("app", "1.0.0")
            .depends("library", "^1")
            .build(),
        NpmPackage::new("app", "1.1.0")
            .depends("library", "^1")
            .build(),
        NpmPackage::new("app", "2.0.0")
            .depends("library", "^2")
            .build(),
        NpmPackage::new("library", "1.5.0").build(),
        NpmPackage::new("library", "2.0.0").build(),
    ]);
    registry
}

fn lock(context: &TestContext) -> Value {
    serde_json::from_str(&context.read("package-lock.json")).expect("a JSON document")
}

#[test]
fn a_zip_without_machine_code_is_said_to_serve_other_targets() {
    let registry = LoopbackRegistry::start();
    registry.publish([
        NpmPackage::new("app", "1.0.0").build(),
        NpmPackage::new("fast", "1.0.0")
            .field("os", json!(["linux"]))
            .field("cpu", json!(["x64"]))
            .build(),
    ]);
    let context = TestContext::new().with_registry(&registry);
    let build = ["build", "package.json", "--runtime", "nodejs22.x", "--json"];
    let same_for = |manifest: Value| {
        context.write("package.json", manifest.to_string());
        let run = context.run(build);
        run.expect_code(0);
        let same = run.json()["layers"][0]["same_for"].clone();
        let targets = same.as_array().expect("targets").clone();
        let shown = targets.iter().filter_map(|it| {
            Some(format!(
                "{} {}",
                it["runtime"].as_str()?,
                it["arch"].as_str()?
            ))
        });
        shown.collect::<Vec<_>>()
    };
    let pure = same_for(json!({ "name": "a", "dependencies": { "app": "1" } }));
    assert!(pure.contains(&"nodejs22.x arm64".to_owned()), "{pure:?}");
    assert!(pure.contains(&"nodejs24.x x86_64".to_owned()), "{pure:?}");
    let optional = json!({ "app": "1" });
    let more = same_for(json!({
        "name": "a", "dependencies": optional, "optionalDependencies": { "fast": "1" }
    }));
    assert!(!more.iter().any(|it| it.ends_with("arm64")), "{more:?}");
    assert!(more.contains(&"nodejs24.x x86_64".to_owned()), "{more:?}");
}
