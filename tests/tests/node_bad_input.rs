//! What bad input gets from `layerpress build package.json`: a sentence with place and remedy, the
//! documented exit code, and nothing written.

use layerpress_tests::{BuiltTarball, LoopbackRegistry, NpmPackage, Run, TestContext};
use serde_json::json;

/// The request cannot be met.
const UNMET: i32 = 1;
/// The input is wrong in itself.
const INPUT: i32 = 4;

#[test]
fn json_that_is_none() {
    let cases = [
        (
            "{\n  \"dependencies\": {\n    \"app\": \"1\",\n  }\n}",
            "package.json:4:3",
        ),
        ("{\"name\": \"app\"", "package.json:1:"),
        ("", "package.json"),
        ("[]", "package.json"),
        ("{\"dependencies\": [\"app\"]}", "dependencies"),
        ("{\"dependencies\": {\"app\": 1}}", "app"),
    ];
    for (text, word) in cases {
        let run = refused(&[], text, INPUT);
        run.expect_words(&["package.json", word]);
    }
    let deep = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    let run = refused(&[], &format!("{{\"overrides\": {deep}}}"), INPUT);
    run.expect_words(&["package.json:1:"]);
}

#[test]
fn names_that_are_none() {
    for name in [
        "../evil",
        "/etc/passwd",
        "a/b",
        ".hidden",
        "@scope",
        "a b",
        "node_modules",
        "a%2fb",
    ] {
        let manifest = json!({ "dependencies": { name: "1" } }).to_string();
        refused(&[], &manifest, INPUT).expect_words(&["package.json", name]);
    }
    let run = refused(&[], "{\"dependencies\": {\"a\u{1b}[2J\": \"1\"}}", INPUT);
    assert!(!run.stderr.contains('\u{1b}'), "{:?}", run.stderr);
}

#[test]
fn a_tag_that_does_not_exist_and_specifiers_that_make_no_sense() {
    let app = || vec![NpmPackage::new("app", "1.0.0").build()];
    let run = refused(&app(), r#"{"dependencies": {"app": "nxt"}}"#, UNMET);
    run.expect_words(&["app", "nxt", "hint: ", "latest"]);
    for (spec, code) in [("npm:", INPUT), ("npm:../x@1", INPUT)] {
        let manifest = json!({ "dependencies": { "app": spec } }).to_string();
        refused(&app(), &manifest, code).expect_words(&["app", spec]);
    }
}

#[test]
fn peers_that_exclude_each_other() {
    let packages = [
        NpmPackage::new("plugin", "1.0.0")
            .peer("host", "^1")
            .build(),
        NpmPackage::new("host", "1.0.0").build(),
        NpmPackage::new("host", "2.0.0").build(),
    ];
    let manifest = r#"{"dependencies": {"plugin": "1", "host": "2"}}"#;
    let run = refused(&packages, manifest, UNMET);
    run.expect_words(&["plugin@1.0.0", "host@^1", "host@2.0.0", "hint: "]);
}

#[test]
fn packages_and_versions_that_do_not_exist() {
    let packages = [
        NpmPackage::new("app", "1.0.0").build(),
        NpmPackage::new("app", "1.1.0").build(),
        NpmPackage::new("asks", "1.0.0")
            .depends("nowhere", "1")
            .build(),
    ];
    let run = refused(&packages, r#"{"dependencies": {"app": "^3"}}"#, UNMET);
    run.expect_words(&["app", "^3", "hint: ", "1.1.0"]);
    let run = refused(&packages, r#"{"dependencies": {"app": "1.0.5"}}"#, UNMET);
    run.expect_words(&["app", "1.0.5", "1.0.0"]);
    let run = refused(&packages, r#"{"dependencies": {"nowhere": "1"}}"#, UNMET);
    run.expect_words(&["nowhere", "127.0.0.1"]);
    let run = refused(&packages, r#"{"dependencies": {"asks": "1"}}"#, UNMET);
    run.expect_words(&["asks", "nowhere"]);
}

#[test]
fn a_misspelt_name_gets_the_ones_that_exist() {
    let packages = [
        NpmPackage::new("left-pad", "1.0.0").build(),
        NpmPackage::new("@team/widgets", "1.0.0").build(),
        NpmPackage::new("asks", "1.0.0")
            .depends("leftpad", "1")
            .build(),
    ];
    for (name, meant) in [
        ("leftpad", "`left-pad`"),
        ("left-pads", "`left-pad`"),
        ("left-apd", "`left-pad`"),
        ("left-padd", "`left-pad`"),
        ("team-widgets", "`@team/widgets`"),
        ("@team/widget", "`@team/widgets`"),
        ("asks", "`left-pad`"),
    ] {
        let manifest = json!({ "dependencies": { name: "1" } }).to_string();
        let run = refused(&packages, &manifest, UNMET);
        run.expect_words(&["hint: did you mean ", meant]);
    }
    let alias = r#"{"dependencies": {"pad": "npm:leftpad@1"}}"#;
    refused(&packages, alias, UNMET).expect_words(&["did you mean `left-pad`?"]);
    // Nothing is proposed that does not exist.
    let run = refused(&packages, r#"{"dependencies": {"far": "1"}}"#, UNMET);
    assert!(!run.stderr.contains("did you mean"), "{}", run.stderr);
}

#[test]
fn local_packages_that_are_not_there() {
    for (name, spec, word) in [
        ("a", "file:./nowhere", "nowhere"),
        ("a", "file:empty", "empty"),
        ("a", "file:nowhere.tgz", "./nowhere.tgz"),
        ("a", "file:broken.tgz", "broken.tgz"),
        ("a", "file:../../../nowhere.tgz", "nowhere.tgz"),
    ] {
        let context = TestContext::new();
        let manifest = json!({ "dependencies": { name: spec } }).to_string();
        context
            .write("package.json", &manifest)
            .write("empty/readme", "no package.json")
            .write("broken.tgz", "no tarball");
        let run = context.run(["build", "package.json"]);
        run.expect_code(INPUT);
        run.expect_words(&[
            "the project needs ",
            &format!("{name}@{spec}"),
            word,
            "hint: ",
        ]);
        assert!(!context.files().contains(&"package-lock.json".to_owned()));
    }
    // An address that leads nowhere is no better than a path.
    let registry = registry(&[]);
    let context = TestContext::new().with_registry(&registry);
    let url = format!("{}gone.tgz", registry.url());
    let manifest = json!({ "dependencies": { "a": url } }).to_string();
    context.write("package.json", manifest);
    let run = context.run(["build", "package.json"]);
    run.expect_code(INPUT)
        .expect_words(&["the project needs a@", "gone.tgz"]);
}

/// Both digests are told as the lock has them.
#[test]
fn a_tarball_that_is_not_the_locked_one() {
    let right = NpmPackage::new("app", "1.0.0").build();
    let other = NpmPackage::new("app", "1.0.0").file("other.js", "").build();
    let registry = registry(std::slice::from_ref(&right));
    let context = TestContext::new().with_registry(&registry);
    context.write("package.json", r#"{"dependencies": {"app": "1"}}"#);
    context.run(["lock", "package.json"]).expect_code(0);
    let replaced = self::registry(std::slice::from_ref(&other));
    let lock = context.read("package-lock.json");
    let context = TestContext::new().with_registry(&replaced);
    context
        .write("package.json", r#"{"dependencies": {"app": "1"}}"#)
        .write(
            "package-lock.json",
            lock.replace(&registry.url(), &replaced.url()),
        );
    let run = context.run(["build", "package.json", "--locked", "-o", "out.zip"]);
    run.expect_code(INPUT);
    run.expect_words(&[
        "app@1.0.0",
        &right.integrity(),
        &other.integrity(),
        "hint: ",
    ]);
    assert!(!context.files().contains(&"out.zip".to_owned()));
}

#[test]
fn a_lock_that_does_not_meet_the_manifest_is_told_by_its_line() {
    let packages = [
        NpmPackage::new("app", "1.0.0").build(),
        NpmPackage::new("app", "2.0.0").build(),
        NpmPackage::new("tool", "1.0.0").build(),
    ];
    let registry = registry(&packages);
    let context = TestContext::new().with_registry(&registry);
    context.write(
        "package.json",
        "{\n  \"dependencies\": {\n    \"app\": \"1\"\n  }\n}\n",
    );
    context.run(["lock", "package.json"]).expect_code(0);
    let lock = context.read("package-lock.json");
    for (manifest, place) in [
        (
            "{\n  \"dependencies\": {\n    \"app\": \"^2\"\n  }\n}\n",
            "package.json:3: the project needs app@^2, but has app@1.0.0",
        ),
        (
            "{\n  \"dependencies\": {\n    \"app\": \"1\",\n    \"tool\": \"1\"\n  }\n}\n",
            "package.json:4: the project needs tool@1, which is missing",
        ),
    ] {
        context.write("package.json", manifest);
        let run = context.run(["build", "package.json", "--locked", "-o", "out.zip"]);
        run.expect_code(UNMET);
        run.expect_words(&["package-lock.json", place, "hint: "]);
        assert_eq!(context.read("package-lock.json"), lock);
        assert!(!context.files().contains(&"out.zip".to_owned()));
    }
}

#[test]
fn a_required_package_for_another_platform() {
    let packages = [NpmPackage::new("fsevents", "2.0.0")
        .field("os", json!(["darwin"]))
        .build()];
    let run = refused(&packages, r#"{"dependencies": {"fsevents": "2"}}"#, UNMET);
    run.expect_words(&["fsevents", "darwin", "linux", "hint: "]);
}

#[test]
fn engines_warn_and_are_strict_when_asked() {
    let app = NpmPackage::new("app", "1.0.0")
        .field("engines", json!({ "node": ">=99" }))
        .build();
    let registry = registry(&[app]);
    let context = TestContext::new().with_registry(&registry);
    context.write("package.json", r#"{"dependencies": {"app": "1"}}"#);
    let run = context.run(["build", "package.json", "-o", "out.zip"]);
    run.expect_code(0);
    let warns = run.stderr.contains("app") && run.stderr.contains(">=99");
    assert!(warns, "{}", run.stderr);
    let strict = TestContext::new().with_registry(&registry);
    strict
        .write("package.json", r#"{"dependencies": {"app": "1"}}"#)
        .write(".npmrc", "engine-strict=true\n");
    let run = strict.run(["build", "package.json", "-o", "out.zip"]);
    run.expect_code(UNMET);
    run.expect_words(&["app", ">=99"]);
}

#[test]
fn an_override_of_what_the_project_asks_for_itself() {
    let packages = [NpmPackage::new("app", "1.0.0").build()];
    let manifest = r#"{"dependencies": {"app": "1"}, "overrides": {"app": "2"}}"#;
    refused(&packages, manifest, UNMET).expect_words(&["app", "hint: "]);
    let manifest = r#"{"dependencies": {"app": "1"}, "overrides": {"x": "$y"}}"#;
    refused(&packages, manifest, UNMET).expect_words(&["x", "$y"]);
}

#[test]
fn tarballs_made_to_do_harm() {
    let app = || NpmPackage::new("app", "1.0.0");
    let cases: [(BuiltTarball, &str); 9] = [
        (app().symlink("link.js", "index.js").build(), "link.js"),
        (
            app().hard_link("hard.js", "package/index.js").build(),
            "hard.js",
        ),
        (
            app().file_at("package/../../evil.js", "").build(),
            "evil.js",
        ),
        (app().file_at("/etc/evil.js", "").build(), "evil.js"),
        (app().file_at("package/a\\evil.js", "").build(), "evil.js"),
        (app().file_at("package/C:/evil.js", "").build(), "C:"),
        (app().file_at("package/red\u{1b}[2J.js", "").build(), "red"),
        (app().endless("huge.bin", 1 << 32).build(), "1073741824"),
        (app().endless("short.bin", 4_000).build(), ""),
    ];
    for (package, culprit) in cases {
        let run = refused(&[package], r#"{"dependencies": {"app": "1"}}"#, INPUT);
        run.expect_words(&["app@1.0.0", culprit]);
        assert!(!run.stderr.contains('\u{1b}'), "{:?}", run.stderr);
    }
}

#[test]
fn tarballs_that_are_none() {
    let app = NpmPackage::new("app", "1.0.0").build();
    let with = |bytes: Vec<u8>| BuiltTarball {
        bytes,
        ..app.clone()
    };
    let half = app.bytes[..app.bytes.len() / 2].to_vec();
    for bytes in [Vec::new(), b"hello".to_vec(), half] {
        let run = refused(&[with(bytes)], r#"{"dependencies": {"app": "1"}}"#, INPUT);
        run.expect_words(&["app@1.0.0"]);
    }
}

#[test]
fn a_tarball_that_swells() {
    // 300 MB of nothing, 300 kB packed.
    let nothing = vec![0_u8; 300_000_000];
    let app = NpmPackage::new("app", "1.0.0")
        .file("zeros.bin", nothing)
        .build();
    let registry = registry(&[app]);
    let context = TestContext::new().with_registry(&registry);
    context.write("package.json", r#"{"dependencies": {"app": "1"}}"#);
    let run = context.run(["build", "package.json", "-o", "out.zip"]);
    assert!(matches!(run.code, Some(UNMET | INPUT)), "{}", run.stderr);
    run.expect_words(&["app@1.0.0", "200 times"]);
    assert!(!context.files().contains(&"out.zip".to_owned()));
}

#[test]
fn settings_that_make_no_sense() {
    for (line, word) in [
        ("registry=not an address", "`registry`"),
        ("registry=ftp://registry.example/", "`registry`"),
        ("@team:registry=${NO_SUCH_VARIABLE}", "NO_SUCH_VARIABLE"),
        ("before=soon", "`before`"),
    ] {
        let context = TestContext::new();
        context
            .write("package.json", r#"{"dependencies": {"@team/x": "1"}}"#)
            .write(".npmrc", format!("# ours\n{line}\n"));
        let run = context.run(["build", "package.json"]);
        run.expect_code(INPUT).expect_words(&[".npmrc", word]);
    }
}

/// The words themselves, so that a change of one is seen.
#[test]
fn the_messages_in_full() {
    let packages = [
        NpmPackage::new("app", "1.0.0").build(),
        NpmPackage::new("app", "1.1.0").build(),
        NpmPackage::new("asks", "1.0.0")
            .depends("nowhere", "1")
            .build(),
        NpmPackage::new("plugin", "1.0.0").peer("app", "^2").build(),
        NpmPackage::new("mac", "1.0.0")
            .field("os", json!(["darwin"]))
            .build(),
        NpmPackage::new("escapes", "1.0.0")
            .file_at("package/../../evil.js", "")
            .build(),
        NpmPackage::new("linked", "1.0.0")
            .symlink("link.js", "/etc/passwd")
            .build(),
    ];
    let wants = |name: &str, spec: &str| json!({ "dependencies": { name: spec } }).to_string();
    let told = |manifest: &str| {
        let registry = registry(&packages);
        let context = TestContext::new().with_registry(&registry);
        context.write("package.json", manifest);
        let run = context.run(["build", "package.json", "-q"]);
        format!("{}: {}", run.code.unwrap_or(-1), run.stderr)
    };
    insta::assert_snapshot!(told("{\n  \"dependencies\": {\"app\": \"1\",}\n}"), @r#"
    4: error: package.json:2:31: trailing comma
    hint: package.json is strict JSON: no comments, no comma after the last entry
    "#);
    insta::assert_snapshot!(told(&wants("../evil", "1")), @r#"
    4: error: package.json:1:18: `dependencies["../evil"]`: `../evil` is not a package name: it begins with `.`
    hint: names are like `express` or `@scope/name`
    "#);
    insta::assert_snapshot!(told(&wants("app", "what?")), @r"
    4: error: package.json:1:24: `dependencies.app`: `app@what?` names neither a version, a range nor a tag
    hint: write a range such as `^1.2.3`, or a tag such as `latest`
    ");
    insta::assert_snapshot!(told(&wants("app", "^3")), @r#"
    1: error: the project needs app@^3, which cannot be had: app: no version is `^3`
    hint: the nearest are `1.1.0`, `1.0.0`
    "#);
    insta::assert_snapshot!(told(&wants("apps", "1")), @r"
    1: error: the project needs apps@1, which cannot be had: apps: `http://127.0.0.1:[PORT]/` has no such package
    hint: did you mean `app`?
    ");
    insta::assert_snapshot!(told(&wants("asks", "1")), @r#"
    1: error: asks@1.0.0 needs nowhere@1, which cannot be had: nowhere: `http://127.0.0.1:[PORT]/` has no such package
    hint: check the name; a private one needs its registry and a token in `.npmrc`, and to look again for a new one there is `--refresh`
    "#);
    insta::assert_snapshot!(told(r#"{"dependencies": {"plugin": "1", "app": "1"}}"#), @r#"
    1: error: plugin@1.0.0 wants app@^2, but app@1.1.0 is there for the project (app@1)
    hint: choose a version that fits, or override app@^2
    "#);
    insta::assert_snapshot!(told(&wants("mac", "1")), @r#"
    1: error: mac@1.0.0 does not run on linux x64 glibc: it is for os `darwin`; the project needs mac@1.0.0
    hint: have it as an optional dependency, replace it, or leave it out with `--exclude mac`
    "#);
    insta::assert_snapshot!(told(&wants("escapes", "1")), @r#"
    4: error: `escapes@1.0.0`: an entry's name is no path inside the archive: `package/../../evil.js` holds the component `..`
    hint: readers of tarballs would disagree about it; take another version
    "#);
    insta::assert_snapshot!(told(&wants("linked", "1")), @r#"
    4: error: `linked@1.0.0`: `link.js` is a symbolic link to `/etc/passwd`
    hint: npm leaves links out of packages; take a version whose tarball holds files only, or pack it again with `npm pack`
    "#);
}

#[test]
fn errors_in_json_say_the_same() {
    let registry = registry(&[NpmPackage::new("app", "1.0.0").build()]);
    let cases = [
        (r#"{"dependencies": {"app": "^3"}}"#, UNMET, "no-solution"),
        ("{", INPUT, "manifest"),
    ];
    for (manifest, exit, code) in cases {
        let context = TestContext::new().with_registry(&registry);
        context.write("package.json", manifest);
        let run = context.run(["build", "package.json", "--json"]);
        run.expect_code(exit);
        let error = &run.json()["error"];
        assert_eq!(
            (&error["exit"], &error["code"]),
            (&json!(exit), &json!(code))
        );
    }
}

fn registry(packages: &[BuiltTarball]) -> LoopbackRegistry {
    let registry = LoopbackRegistry::start();
    registry.publish(packages.iter().cloned());
    registry
}

/// Builds a package.json, which must fail so and write nothing but perhaps the lock.
fn refused(packages: &[BuiltTarball], manifest: &str, code: i32) -> Run {
    let registry = registry(packages);
    let context = TestContext::new().with_registry(&registry);
    context.write("package.json", manifest);
    let run = context.run(["build", "package.json"]);
    assert_eq!(run.code, Some(code), "{manifest}\n{}", run.stderr);
    assert_eq!(run.stdout, "");
    let files = context.files();
    let written = |file: &&String| file.contains("dist") || file.ends_with(".zip");
    assert_eq!(files.iter().find(written), None);
    run
}
