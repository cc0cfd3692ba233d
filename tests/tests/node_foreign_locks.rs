//! Lockfiles of pnpm, Yarn and bun as inputs: the same pins give the same layer, whoever wrote them
//! down.

use layerpress_tests::{BuiltTarball, LoopbackRegistry, NpmPackage, TestContext};
use serde_json::json;

/// The request cannot be met.
const UNMET: i32 = 1;
/// The input is wrong in itself.
const INPUT: i32 = 4;

const MANIFEST: &str = r#"{
  "name": "project",
  "dependencies": { "app": "^1.0.0", "second": "npm:library@^2.0.0" },
  "optionalDependencies": { "native": "^1.0.0" },
  "devDependencies": { "tool": "^1.0.0" }
}
"#;

/// What is locked; newer versions of each are there too.
struct Locked {
    registry: LoopbackRegistry,
    app: BuiltTarball,
    library: BuiltTarball,
    second: BuiltTarball,
    native: BuiltTarball,
    tool: BuiltTarball,
}

fn locked() -> Locked {
    let package = |name: &str, version: &str| NpmPackage::new(name, version);
    let locked = Locked {
        registry: LoopbackRegistry::start(),
        app: package("app", "1.0.0").depends("library", "^1.0.0").build(),
        library: package("library", "1.0.0").build(),
        second: package("library", "2.0.0").build(),
        native: package("native", "1.0.0")
            .field("os", json!(["darwin"]))
            .build(),
        tool: package("tool", "1.0.0").build(),
    };
    let all = [
        &locked.app,
        &locked.library,
        &locked.second,
        &locked.native,
        &locked.tool,
    ];
    locked.registry.publish(all.map(Clone::clone));
    locked
}

/// Versions that no lock knows.
fn publish_newer(registry: &LoopbackRegistry) {
    registry.publish([
        NpmPackage::new("app", "1.9.0").build(),
        NpmPackage::new("library", "1.9.0").build(),
        NpmPackage::new("library", "2.9.0").build(),
    ]);
}

fn locks(of: &Locked) -> [(&'static str, String); 5] {
    let Locked {
        app,
        library,
        second,
        native,
        tool,
        ..
    } = of;
    let packages = [app, library, second, native, tool];
    let os = |package: &BuiltTarball| match package.name.as_str() {
        "native" => ", os: [darwin]",
        _ => "",
    };
    let pnpm_importer = |name: &str, spec: &str, version: &str| {
        format!("      {name}:\n        specifier: {spec}\n        version: {version}\n")
    };
    let pnpm_packages = packages.map(|it| {
        let (name, version, integrity) = (&it.name, &it.version, it.integrity());
        format!(
            "  {name}@{version}: {{resolution: {{integrity: {integrity}}}{}}}\n",
            os(it)
        )
    });
    let pnpm_9 = [
        "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n".to_owned(),
        pnpm_importer("app", "^1.0.0", "1.0.0"),
        pnpm_importer("second", "npm:library@^2.0.0", "library@2.0.0"),
        "    optionalDependencies:\n".to_owned(),
        pnpm_importer("native", "^1.0.0", "1.0.0"),
        "    devDependencies:\n".to_owned(),
        pnpm_importer("tool", "^1.0.0", "1.0.0"),
        format!("packages:\n{}", pnpm_packages.concat()),
        "snapshots:\n  app@1.0.0: {dependencies: {library: 1.0.0}}\n  library@1.0.0: {}\n\
         \x20 library@2.0.0: {}\n  native@1.0.0: {optional: true}\n  tool@1.0.0: {}\n"
            .to_owned(),
    ];
    let pnpm_6 = pnpm_9[..7].concat().replace("'9.0'", "'6.0'");
    let pnpm_6 = pnpm_6.replace("version: library@", "version: /library@");
    let of_6 = packages.map(|it| {
        let (name, version, integrity) = (&it.name, &it.version, it.integrity());
        let needs = match name.as_str() {
            "app" => ", dependencies: {library: 1.0.0}",
            _ => "",
        };
        format!(
            "  /{name}@{version}: {{resolution: {{integrity: {integrity}}}{}{needs}}}\n",
            os(it)
        )
    });
    let classic = |keys: &str, it: &BuiltTarball, rest: &str| {
        let (name, version) = (&it.name, &it.version);
        let (file, integrity) = (it.file_name(), it.integrity());
        format!(
            "{keys}:\n  version \"{version}\"\n  resolved \"https://registry.example/{name}/-/{file}\"\n\
             \x20 integrity {integrity}\n{rest}\n"
        )
    };
    let classic = [
        "# yarn lockfile v1\n\n\n".to_owned(),
        classic(
            "app@^1.0.0",
            app,
            "  dependencies:\n    library \"^1.0.0\"\n",
        ),
        classic("library@^1.0.0", library, ""),
        classic("native@^1.0.0", native, ""),
        classic("\"second@npm:library@^2.0.0\"", second, ""),
        classic("tool@^1.0.0", tool, ""),
    ];
    let berry = |keys: &str, it: &BuiltTarball, rest: &str| {
        let (name, version) = (&it.name, &it.version);
        format!(
            "\"{keys}\":\n  version: {version}\n  resolution: \"{name}@npm:{version}\"\n{rest}\
             \x20 checksum: 10c0/{}\n  languageName: node\n  linkType: hard\n\n",
            "0".repeat(128)
        )
    };
    let berry = [
        "__metadata:\n  version: 8\n  cacheKey: 10c0\n\n".to_owned(),
        berry("app@npm:^1.0.0", app, "  dependencies:\n    library: \"npm:^1.0.0\"\n"),
        berry("library@npm:^1.0.0", library, ""),
        berry("native@npm:^1.0.0", native, "  conditions: os=darwin\n"),
        "\"project@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"project@workspace:.\"\n"
            .to_owned(),
        berry("second@npm:library@^2.0.0", second, ""),
        berry("tool@npm:^1.0.0", tool, ""),
    ];
    let bun = |key: &str, it: &BuiltTarball, facts: &str| {
        let (name, version, integrity) = (&it.name, &it.version, it.integrity());
        format!("    \"{key}\": [\"{name}@{version}\", \"\", {facts}, \"{integrity}\"],\n")
    };
    let bun = [
        format!(
            "{{\n  \"lockfileVersion\": 1,\n  \"workspaces\": {{\"\": {MANIFEST}}},\n  \"packages\": {{\n"
        ),
        bun("app", app, r#"{ "dependencies": { "library": "^1.0.0" } }"#),
        bun("library", library, "{}"),
        bun("native", native, r#"{ "os": "darwin" }"#),
        bun("second", second, "{}"),
        bun("tool", tool, "{}"),
        "  }\n}\n".to_owned(),
    ];
    [
        ("pnpm-lock.yaml", pnpm_9.concat()),
        (
            "pnpm-lock.yaml",
            format!("{pnpm_6}packages:\n{}", of_6.concat()),
        ),
        ("yarn.lock", classic.concat()),
        ("yarn.lock", berry.concat()),
        ("bun.lock", bun.concat()),
    ]
}

fn context(of: &Locked) -> TestContext {
    let context = TestContext::new().with_registry(&of.registry);
    context.write("package.json", MANIFEST);
    context
}

fn build(context: &TestContext, input: &str, more: &[&str]) -> serde_json::Value {
    let arguments = [
        "build",
        input,
        "--runtime",
        "nodejs22.x",
        "--json",
        "-o",
        "layer.zip",
    ];
    let run = context.run(arguments.iter().chain(more));
    run.expect_code(0);
    run.json()["layers"][0].clone()
}

fn names(layer: &serde_json::Value) -> Vec<String> {
    let packages = layer["packages"].as_array().expect("packages").iter();
    let name =
        |it: &serde_json::Value| format!("{} {}", it["name"], it["version"]).replace('"', "");
    packages.map(name).collect()
}

#[test]
fn every_lock_of_the_same_pins_gives_the_same_bytes() {
    let locked = locked();
    let expected = build(&context(&locked), "package.json", &[]);
    publish_newer(&locked.registry);
    for (name, text) in locks(&locked) {
        let context = context(&locked);
        context.write(name, &text);
        locked.registry.forget_requests();
        let layer = build(&context, name, &[]);
        assert_eq!(
            names(&layer),
            ["app 1.0.0", "library 1.0.0", "library 2.0.0"],
            "{text}"
        );
        assert_eq!(layer["sha256"], expected["sha256"], "{text}");
        assert_eq!(
            context.read(name),
            text,
            "a lock of another tool is never rewritten"
        );
        assert!(!context.files().contains(&"package-lock.json".to_owned()));
        // Whole packuments, from which versions could be chosen, are not asked for.
        for request in locked.registry.requests() {
            let parts = request.path.trim_matches('/').split('/').count();
            assert!(parts > 1, "{name}: {}", request.path);
        }
        let again = build(&context, name, &["--offline", "--locked"]);
        assert_eq!(again["sha256"], expected["sha256"], "{text}");
    }
}

#[test]
fn what_only_developers_need_comes_when_it_is_asked_for() {
    let locked = locked();
    for (name, text) in locks(&locked) {
        let context = context(&locked);
        context.write(name, &text);
        let layer = build(&context, name, &["--dev"]);
        assert!(names(&layer).contains(&"tool 1.0.0".to_owned()), "{text}");
    }
}

#[test]
fn a_folder_is_built_from_the_lock_that_it_has() {
    let locked = locked();
    publish_newer(&locked.registry);
    let [(name, text), ..] = locks(&locked);
    let context = context(&locked);
    context
        .write(name, &text)
        .write("yarn.lock", "# yarn lockfile v1\n");
    let run = context.run([
        "build",
        ".",
        "--runtime",
        "nodejs22.x",
        "--json",
        "-o",
        "layer.zip",
    ]);
    run.expect_code(0)
        .says(&["pnpm-lock.yaml", "yarn.lock", "passed over"]);
    let expected = ["app 1.0.0", "library 1.0.0", "library 2.0.0"];
    assert_eq!(names(&run.json()["layers"][0]), expected);
    let fetched = context.run(["fetch", "pnpm-lock.yaml", "--runtime", "nodejs22.x"]);
    fetched.expect_code(0);
    // npm's own lock comes first, and is what `lock` writes.
    context.run(["lock", "package.json"]).expect_code(0);
    assert!(context.read("package-lock.json").contains("1.9.0"));
    let layer = build(&context, "package.json", &[]);
    assert!(names(&layer).contains(&"app 1.9.0".to_owned()));
}

#[test]
fn a_lock_that_is_used_as_it_is_moves_for_nobody() {
    let locked = locked();
    let context = context(&locked);
    let (name, text) = locks(&locked).into_iter().next().expect("a lock");
    context.write(name, &text).write("package.json", MANIFEST);
    for input in [name, "package.json"] {
        let run = context.run(["build", input, "--upgrade"]);
        run.expect_code(2).says(&[name, "no version in it moves"]);
    }
    let run = context.run(["lock", name]);
    run.expect_code(2).says(&[name, "nothing to lock"]);
}

#[test]
fn a_lock_that_the_manifest_has_left_behind_is_refused() {
    let locked = locked();
    for (name, text) in locks(&locked) {
        let context = context(&locked);
        context.write(name, &text);
        context.write(
            "package.json",
            MANIFEST.replace("\"app\": \"^1.0.0\"", "\"app\": \"^1.5.0\""),
        );
        let run = context.run(["build", ".", "-o", "layer.zip"]);
        run.expect_code(UNMET)
            .expect_words(&[name, "package.json", "app@^1.5.0", " install"]);
    }
}

#[test]
fn bytes_that_no_lock_vouches_for_are_refused() {
    let locked = locked();
    let right = locked.app.integrity();
    for (name, text) in locks(&locked) {
        if !text.contains(&right) {
            continue;
        }
        let context = context(&locked);
        context.write(name, text.replace(&right, &locked.library.integrity()));
        let run = context.run(["build", name, "-o", "layer.zip"]);
        run.expect_code(INPUT).expect_words(&["app@1.0.0"]);
    }
}

#[test]
fn a_sha1_alone_has_to_match_beside_the_registrys_digest() {
    let locked = locked();
    let [_, _, (name, text), ..] = locks(&locked);
    let right = locked.app.integrity();
    let file = "app-1.0.0.tgz";
    let weak = |sha1: &str| {
        text.replace(&format!("  integrity {right}\n"), "")
            .replace(file, &format!("{file}#{sha1}"))
    };
    let context = context(&locked);
    context.write(name, weak(&locked.app.shasum()));
    let arguments = [
        "build",
        name,
        "--registry",
        &locked.registry.url(),
        "-o",
        "layer.zip",
    ];
    context.run(arguments).expect_code(0);
    context
        .run(arguments.iter().chain(&["--offline"]))
        .expect_code(0);

    // The right bytes are in the store already, which does not make another SHA-1 right.
    context.write(name, weak(&locked.library.shasum()));
    let run = context.run(arguments);
    run.expect_code(INPUT)
        .expect_words(&["app@1.0.0", "expected `sha1-", "found `sha1-"]);
}

#[test]
fn what_only_the_tool_can_read_is_refused_with_a_way_out() {
    let locked = locked();
    let context = context(&locked);
    context.write("bun.lockb", b"#!/usr/bin/env bun\nbun-lockfile-format-v0\n");
    for input in [".", "bun.lockb"] {
        let run = context.run(["build", input]);
        run.expect_code(INPUT)
            .expect_words(&["bun.lockb", "--save-text-lockfile"]);
    }
    let [(_, text), ..] = locks(&locked);
    let patched =
        format!("{text}patchedDependencies:\n  app@1.0.0:\n    hash: x\n    path: app.patch\n");
    context.write("pnpm-lock.yaml", patched);
    let run = context.run(["build", "pnpm-lock.yaml"]);
    run.expect_code(INPUT)
        .expect_words(&["patchedDependencies", "app@1.0.0", "patch-remove"]);
    context.write("yarn.lock", "__metadata:\n  version: 99\n");
    let run = context.run(["build", "yarn.lock"]);
    run.expect_code(INPUT).expect_words(&["99", "4 to 10"]);
}
