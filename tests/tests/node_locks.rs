//! `package-lock.json` over its life: what is honoured, what moves, and what is refused.

use std::fs;
use std::process::Command;

use layerpress_tests::{
    Digests, LoopbackRegistry, NpmPackage, RegistryFeatures, Run, TestContext, not_run,
};
use serde_json::{Value, json};

/// The request cannot be met.
const UNMET: i32 = 1;
/// The network did not do its part.
const NETWORK: i32 = 3;
/// The input is wrong in itself.
const INPUT: i32 = 4;

#[test]
fn a_change_moves_only_what_it_must() {
    let registry = registry();
    let context = TestContext::new().with_registry(&registry);
    wants(&context, &[("app", "^1"), ("other", "*")]);
    assert_eq!(
        lock(&context),
        ["app 1.0.0", "library 1.0.0", "other 1.0.0"]
    );
    let first = context.read("package-lock.json");
    registry.publish([
        NpmPackage::new("app", "1.1.0")
            .depends("library", "*")
            .build(),
        NpmPackage::new("library", "2.0.0").build(),
        NpmPackage::new("other", "2.0.0").build(),
        NpmPackage::new("added", "1.0.0")
            .depends("library", "*")
            .build(),
    ]);
    lock(&context);
    assert_eq!(
        context.read("package-lock.json"),
        first,
        "nothing new is asked for"
    );

    wants(&context, &[("app", "^1"), ("other", "*"), ("added", "1")]);
    assert_eq!(
        lock(&context),
        ["added 1.0.0", "app 1.0.0", "library 1.0.0", "other 1.0.0"]
    );
    wants(&context, &[("app", "^1.1"), ("other", "*")]);
    assert_eq!(
        lock(&context),
        ["app 1.1.0", "library 1.0.0", "other 1.0.0"]
    );
    let one = context.run([
        "lock",
        "package.json",
        "--refresh",
        "--upgrade-package",
        "other",
    ]);
    one.expect_code(0);
    assert_eq!(
        pins(&context),
        ["app 1.1.0", "library 1.0.0", "other 2.0.0"]
    );
    context
        .run(["lock", "package.json", "--refresh", "--upgrade"])
        .expect_code(0);
    assert_eq!(
        pins(&context),
        ["app 1.1.0", "library 2.0.0", "other 2.0.0"]
    );
}

#[test]
fn locked_takes_the_lock_as_it_is_or_says_why_not() {
    let registry = registry();
    let context = TestContext::new().with_registry(&registry);
    wants(&context, &[("app", "^1")]);
    locked(&context)
        .expect_code(UNMET)
        .expect_words(&["package-lock.json"]);
    lock(&context);
    let text = context.read("package-lock.json");
    locked(&context).expect_code(0);
    wants(&context, &[("app", "^1"), ("other", "*")]);
    locked(&context).expect_code(UNMET).expect_words(&[
        "package-lock.json",
        "package.json:4: the project needs other@",
    ]);
    wants(&context, &[("app", "^2")]);
    locked(&context).expect_code(UNMET).expect_words(&[
        "package.json:3: the project needs app@",
        "app@1.0.0",
        "app@^2",
    ]);
    assert_eq!(context.read("package-lock.json"), text);
}

#[test]
fn a_lock_without_addresses_works() {
    let registry = registry();
    let context = TestContext::new().with_registry(&registry);
    wants(&context, &[("app", "^1"), ("alias", "npm:other@1")]);
    lock(&context);
    edit(&context, |_, entry| {
        entry.remove("resolved");
    });
    let text = context.read("package-lock.json");
    let fresh = TestContext::new().with_registry(&registry);
    fresh
        .write("package.json", context.read("package.json"))
        .write("package-lock.json", &text);
    locked(&fresh).expect_code(0);
    assert!(!fresh.layer("out.zip").entries.is_empty());
    assert_eq!(fresh.read("package-lock.json"), text);
}

#[test]
fn a_lock_of_an_old_npm_works() {
    let registry = registry();
    let app = NpmPackage::new("app", "1.0.0")
        .depends("library", "*")
        .build();
    let library = NpmPackage::new("library", "1.0.0").build();
    let dependencies = json!({
        "app": {
            "version": "1.0.0",
            "resolved": registry.tarball_url(&app),
            "integrity": app.integrity(),
            "requires": { "library": "*" },
        },
        "library": {
            "version": "1.0.0",
            "resolved": registry.tarball_url(&library),
            "integrity": library.integrity(),
        },
    });
    for file in ["package-lock.json", "npm-shrinkwrap.json"] {
        let context = TestContext::new().with_registry(&registry);
        wants(&context, &[("app", "^1")]);
        let old = json!({
            "name": "test", "version": "1.0.0", "lockfileVersion": 1, "requires": true,
            "dependencies": dependencies,
        });
        context.write(file, old.to_string());
        registry.publish([]);
        context
            .run(["build", "package.json", "-o", "out.zip"])
            .expect_code(0);
        let layer = context.layer("out.zip");
        let text = layer.text("nodejs/node_modules/library/index.js");
        assert_eq!(text, "module.exports = 'library@1.0.0';\n", "{file}");
    }
}

/// A registry of before 2017 tells SHA-1 alone: the lock gets a SHA-512 of the bytes that came.
#[test]
fn a_sha1_is_not_enough_for_a_lock() {
    let registry = LoopbackRegistry::with(RegistryFeatures {
        digests: Digests::Sha1,
        ..RegistryFeatures::default()
    });
    let package = NpmPackage::new("app", "1.0.0").build();
    registry.publish([package.clone()]);
    let context = TestContext::new().with_registry(&registry);
    wants(&context, &[("app", "1")]);
    context
        .run(["build", "package.json", "-o", "out.zip"])
        .expect_code(0);
    let lock = context.read("package-lock.json");
    assert!(lock.contains(&package.integrity()), "{lock}");
}

/// An old lock's SHA-1 is made stronger by what the registry says of exactly that version.
#[test]
fn an_old_locks_sha1_is_checked_and_made_stronger() {
    let registry = registry();
    let package = NpmPackage::new("other", "1.0.0").build();
    let context = TestContext::new().with_registry(&registry);
    wants(&context, &[("other", "1")]);
    lock(&context);
    let sha1 = format!("sha1-{}", base64(&package.shasum()));
    let set = |context: &TestContext, integrity: &str| {
        edit(context, |_, entry| {
            entry.insert("integrity".to_owned(), json!(integrity));
        });
    };
    set(&context, &sha1);
    let offline = context.run(["build", "package.json", "-o", "out.zip", "--offline"]);
    assert!(
        matches!(offline.code, Some(NETWORK | UNMET)),
        "{}",
        offline.stderr
    );
    // What the registry told once is enough for later, wherever the lock stays as it is.
    for more in [&[][..], &["--offline"]] {
        let arguments = ["build", "package-lock.json", "-o", "out.zip"];
        context.run(arguments.iter().chain(more)).expect_code(0);
    }
    context
        .run(["build", "package.json", "-o", "out.zip"])
        .expect_code(0);
    let wrong = format!("sha1-{}", base64(&"0".repeat(40)));
    set(&context, &wrong);
    fs::remove_file(context.folder().join("out.zip")).expect("it was built");
    let run = context.run(["build", "package.json", "-o", "out.zip"]);
    run.expect_code(INPUT);
    run.expect_words(&["other@1.0.0", &sha1, &wrong]);
    assert!(!context.files().contains(&"out.zip".to_owned()));
}

#[test]
fn a_lock_edited_into_nonsense() {
    let registry = registry();
    let context = TestContext::new().with_registry(&registry);
    wants(&context, &[("app", "^1")]);
    lock(&context);
    let lock = context.read("package-lock.json");
    let edits: [(&str, &str, &[&str]); 6] = [
        ("\"lockfileVersion\": 3", "\"lockfileVersion\": 9", &["9"]),
        (
            "\"packages\": {",
            "\"packages\": [",
            &["package-lock.json:"],
        ),
        ("\"sha512-", "\"md5-", &["md5"]),
        (
            "\"version\": \"1.0.0\",\n      \"resolved\"",
            "\"version\": \"one\",\n      \"resolved\"",
            &["one"],
        ),
        (
            "\"node_modules/library\"",
            "\"node_modules/../library\"",
            &["node_modules/../library"],
        ),
        (
            "\"node_modules/library\"",
            "\"../node_modules/library\"",
            &["../node_modules/library"],
        ),
    ];
    for (from, to, words) in edits {
        let edited = lock.replacen(from, to, 1);
        assert_ne!(edited, lock, "{from} is not in\n{lock}");
        context.write("package-lock.json", &edited);
        let run = locked(&context);
        assert!(
            matches!(run.code, Some(INPUT | UNMET)),
            "{to}: {}",
            run.stderr
        );
        run.expect_words(words).expect_words(&["package-lock.json"]);
        assert!(!context.files().contains(&"out.zip".to_owned()), "{to}");
    }
}

/// npm takes the lock for its own: `npm ci` installs from it and does not touch it.
#[test]
fn npm_accepts_the_lock_and_leaves_it_alone() {
    if !has_npm() {
        return;
    }
    let registry = registry();
    registry.publish([
        NpmPackage::new("native", "1.0.0")
            .optional("native-darwin", "1.0.0")
            .build(),
        NpmPackage::new("native-darwin", "1.0.0")
            .field("os", json!(["darwin"]))
            .build(),
        NpmPackage::new("@scope/peer", "1.0.0")
            .peer("other", "*")
            .build(),
    ]);
    let context = TestContext::new().with_registry(&registry);
    let wanted = [
        ("app", "^1"),
        ("native", "1"),
        ("@scope/peer", "*"),
        ("alias", "npm:other@1"),
    ];
    wants(&context, &wanted);
    lock(&context);
    let text = context.read("package-lock.json");
    npm(&context, &registry, &["ci"]);
    assert!(
        context
            .folder()
            .join("node_modules/alias/index.js")
            .is_file()
    );
    assert_eq!(context.read("package-lock.json"), text);
    npm(&context, &registry, &["install", "--package-lock-only"]);
    assert_eq!(context.read("package-lock.json"), text);
}

/// `npm ci` refuses the lock that npm 11 itself writes here.
#[test]
fn what_is_optional_and_nowhere_keeps_the_lock_valid() {
    let registry = registry();
    registry.publish([NpmPackage::new("lacks", "1.0.0")
        .optional("not-there-either", "1")
        .build()]);
    let context = TestContext::new().with_registry(&registry);
    let package = json!({
        "name": "test",
        "version": "1.0.0",
        "dependencies": { "app": "1", "lacks": "1" },
        "optionalDependencies": {
            "not-there": "1",
            "other": "^99",
            "renamed": "npm:not-there@*",
        },
    });
    context.write("package.json", format!("{package:#}\n"));
    assert_eq!(
        lock(&context),
        ["app 1.0.0", "lacks 1.0.0", "library 1.0.0"]
    );
    let text = context.read("package-lock.json");
    let read: Value = serde_json::from_str(&text).expect("JSON");
    let below = "lacks/node_modules/not-there-either";
    for name in ["not-there", "other", "renamed", below] {
        let entry = &read["packages"][format!("node_modules/{name}")];
        assert_eq!(*entry, json!({ "optional": true }), "{name}");
    }
    locked(&context).expect_code(0);
    if has_npm() {
        npm(&context, &registry, &["ci"]);
        assert_eq!(context.read("package-lock.json"), text);
    }
    // Whenever the lock is extended it is looked for again.
    registry.publish([NpmPackage::new("not-there", "1.0.0").build()]);
    let mut package = package;
    package["dependencies"]["library"] = json!("1");
    context.write("package.json", format!("{package:#}\n"));
    let found = lock(&context);
    assert!(found.contains(&"not-there 1.0.0".to_owned()), "{found:?}");
    assert!(
        !found.iter().any(|pin| pin.starts_with("other")),
        "{found:?}"
    );
}

/// Whether there is an npm to try a lock with; if not, that is said.
fn has_npm() -> bool {
    let version = Command::new("npm").arg("--version").output();
    let there = version.is_ok_and(|output| output.status.success());
    if !there {
        not_run("no npm on this machine, so nothing shows that it accepts our lock");
    }
    there
}

/// Runs npm in the project's folder; it has to succeed.
fn npm(context: &TestContext, registry: &LoopbackRegistry, arguments: &[&str]) {
    let output = Command::new("npm")
        .args(arguments)
        .args(["--ignore-scripts", "--no-audit", "--no-fund"])
        .arg(format!("--registry={}", registry.url()))
        .current_dir(context.folder())
        .env("HOME", context.home())
        .env("npm_config_cache", context.home().join("npm-cache"))
        .env("npm_config_update_notifier", "false")
        .output()
        .expect("npm was there a moment ago");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn registry() -> LoopbackRegistry {
    let registry = LoopbackRegistry::start();
    registry.publish([
        NpmPackage::new("app", "1.0.0")
            .depends("library", "*")
            .build(),
        NpmPackage::new("library", "1.0.0").build(),
        NpmPackage::new("other", "1.0.0").build(),
    ]);
    registry
}

fn wants(context: &TestContext, dependencies: &[(&str, &str)]) {
    let dependencies: Value = dependencies.iter().copied().collect();
    let package = json!({ "name": "test", "version": "1.0.0", "dependencies": dependencies });
    context.write("package.json", format!("{package:#}\n"));
}

fn lock(context: &TestContext) -> Vec<String> {
    context
        .run(["lock", "package.json", "--refresh"])
        .expect_code(0);
    pins(context)
}

/// The lock's packages, as `name version`, in its order.
fn pins(context: &TestContext) -> Vec<String> {
    let lock: Value = serde_json::from_str(&context.read("package-lock.json")).expect("JSON");
    let packages = lock["packages"].as_object().expect("packages");
    packages
        .iter()
        .filter_map(|(place, entry)| {
            let name = place.strip_prefix("node_modules/")?;
            Some(format!("{name} {}", entry["version"].as_str()?))
        })
        .collect()
}

fn locked(context: &TestContext) -> Run {
    context.run(["build", "package.json", "--locked", "-o", "out.zip"])
}

/// Changes every package of the lock.
fn edit(context: &TestContext, change: impl Fn(&str, &mut serde_json::Map<String, Value>)) {
    let mut lock: Value = serde_json::from_str(&context.read("package-lock.json")).expect("JSON");
    let packages = lock["packages"].as_object_mut().expect("packages");
    for (place, entry) in packages.iter_mut().filter(|(place, _)| !place.is_empty()) {
        change(place, entry.as_object_mut().expect("an entry"));
    }
    context.write("package-lock.json", format!("{lock:#}\n"));
}

/// Hexadecimal to base64.
fn base64(hex: &str) -> String {
    use base64::Engine as _;
    let bytes: Vec<u8> = (0..hex.len() / 2)
        .filter_map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok())
        .collect();
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
