//! `tree` and `why`: who asks for whom, from manifest, lock and layer.

use layerpress_tests::{
    BuiltPackage, LoopbackIndex, LoopbackRegistry, NpmPackage, TestContext, Wheel,
};
use serde_json::{Value, json};

/// The request cannot be met.
const UNMET: i32 = 1;

/// The input is wrong in itself.
const INPUT: i32 = 4;

fn wheels() -> [BuiltPackage; 5] {
    [
        Wheel::new("app", "1.0")
            .requires("library>=1,<3")
            .requires("tools[fast]>=2")
            .requires("windows-only ; sys_platform == 'win32'")
            .build(),
        Wheel::new("library", "2.0").requires("base").build(),
        Wheel::new("tools", "2.1")
            .requires("base>=0.5")
            .extra("fast", "speedups==1.0")
            .extra("slow", "brakes")
            .build(),
        Wheel::new("speedups", "1.0").requires("tools").build(),
        Wheel::new("base", "1.0").build(),
    ]
}

fn python() -> (LoopbackIndex, TestContext) {
    let index = LoopbackIndex::of(wheels());
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "# the team's\napp\nbase >= 0.9\n");
    (index, context)
}

fn node() -> (LoopbackRegistry, TestContext) {
    let registry = LoopbackRegistry::start();
    registry.publish([
        NpmPackage::new("app", "1.0.0")
            .depends("library", "^1.0.0")
            .depends("other", "*")
            .optional("for-macs", "*")
            .build(),
        NpmPackage::new("for-macs", "1.0.0")
            .field("os", json!(["darwin"]))
            .build(),
        NpmPackage::new("library", "1.5.0")
            .depends("app", "1")
            .build(),
        NpmPackage::new("library", "2.0.0").build(),
        NpmPackage::new("other", "1.0.0")
            .peer("library", ">=1")
            .optional_peer("nobody", "*")
            .build(),
        NpmPackage::new("tool", "1.0.0").build(),
    ]);
    let context = TestContext::new().with_registry(&registry);
    let manifest = json!({
        "name": "api",
        "dependencies": { "app": "1", "library": "2", "same": "npm:other@1" },
        "devDependencies": { "tool": "*", "other": "1" },
    });
    context.write("package.json", manifest.to_string());
    (registry, context)
}

fn shown(context: &TestContext, arguments: &[&str]) -> String {
    let run = context.run(arguments);
    run.expect_code(0);
    run.stdout
}

#[test]
fn a_python_manifest_is_resolved_and_nothing_is_written() {
    let (_index, context) = python();
    let tree = shown(
        &context,
        &["tree", "requirements.txt", "--runtime", "python3.13"],
    );
    insta::assert_snapshot!(tree, @r"
    requirements.txt (python3.13 x86_64)
    ├── app 1.0
    │   ├── library 2.0
    │   │   └── base 1.0
    │   └── tools[fast] 2.1
    │       ├── base 1.0
    │       └── speedups 1.0 (extra fast)
    │           └── tools 2.1 (*)
    └── base 1.0
    ");
    assert_eq!(context.files(), ["requirements.txt"]);
    let why = shown(
        &context,
        &["why", "requirements.txt", "Base", "--runtime", "python3.13"],
    );
    insta::assert_snapshot!(why, @r"
    base 1.0
    ├── requirements.txt:3 asks for base>=0.9
    ├── library 2.0 needs base
    │   └── app 1.0 needs library>=1,<3
    │       └── requirements.txt:2 asks for app
    └── tools 2.1 needs base>=0.5
        ├── app 1.0 needs tools[fast]>=2 (*)
        └── speedups 1.0 needs tools
            └── tools 2.1 needs speedups==1.0 (extra fast) (*)
    ");
    assert_eq!(context.files(), ["requirements.txt"]);
}

#[test]
fn lock_and_layer_say_the_same_as_the_manifest() {
    let (_index, context) = python();
    let build = ["build", "requirements.txt", "-o", "layer.zip"];
    context
        .run(build.iter().chain(&["--runtime", "python3.13"]))
        .expect_code(0);
    let without_first = |text: String| text.split_once('\n').expect("a root").1.to_owned();
    let manifest = without_first(shown(&context, &["tree", "requirements.txt"]));
    let lock = without_first(shown(&context, &["tree", "pylock.toml"]));
    assert_eq!(manifest, lock);
    context.write("requirements.txt", "library\n");
    let run = context.run(["tree", "requirements.txt"]);
    run.says(&["`pylock.toml` would change"]);
    assert!(!run.stdout.contains("app"), "{}", run.stdout);
    assert!(
        context.read("pylock.toml").contains("app"),
        "nothing is written"
    );
    // Nothing in a layer tells that its `base` was asked for.
    let layer = shown(&context, &["tree", "layer.zip"]);
    insta::assert_snapshot!(layer, @r"
    layer.zip
    └── app 1.0
        ├── library 2.0
        │   └── base 1.0
        └── tools[fast] 2.1
            ├── base 1.0
            └── speedups 1.0 (extra fast)
                └── tools 2.1 (*)
    ");
    let why = shown(&context, &["why", "layer.zip", "tools"]);
    insta::assert_snapshot!(why, @r"
    tools 2.1
    ├── app 1.0 needs tools[fast]>=2
    │   └── layer.zip, where nothing else needs it
    └── speedups 1.0 needs tools
        └── tools 2.1 needs speedups==1.0 (extra fast) (*)
    ");

    let apart = TestContext::new();
    apart.write("pylock.toml", context.read("pylock.toml"));
    let run = apart.run(["tree", "pylock.toml", "--offline"]);
    run.expect_code(0);
    let plain = lock.replace("[fast]", "").replace(" (extra fast)", "");
    assert_eq!(without_first(run.stdout), plain, "a lock needs no metadata");
}

#[test]
fn a_list_of_hashes_is_told_by_its_packages() {
    let (_index, context) = python();
    let names = [
        "app==1.0",
        "library==2.0",
        "tools[fast]==2.1",
        "speedups==1.0",
        "base==1.0",
    ];
    let lines = names.iter().zip(wheels());
    let lines = lines.map(|(name, wheel)| format!("{name} --hash=sha256:{}\n", wheel.sha256()));
    context.write("pinned.txt", lines.collect::<String>());
    let tree = shown(
        &context,
        &[
            "tree",
            "pinned.txt",
            "--runtime",
            "python3.13",
            "--depth",
            "2",
        ],
    );
    insta::assert_snapshot!(tree, @r"
    pinned.txt (python3.13 x86_64)
    └── app 1.0
        ├── library 2.0 ...
        └── tools[fast] 2.1 ...
    ");
}

#[test]
fn what_npm_nests_is_told_by_its_place() {
    let (_registry, context) = node();
    let arguments = |command| [command, "package.json", "--runtime", "nodejs22.x"];
    let tree = shown(&context, &arguments("tree"));
    insta::assert_snapshot!(tree, @r"
    package.json (nodejs22.x x86_64)
    ├── app 1.0.0
    │   ├── library 1.5.0 in node_modules/app/node_modules/library
    │   │   └── app 1.0.0 (*)
    │   └── other 1.0.0 in node_modules/other
    │       └── library 2.0.0 in node_modules/library (peer)
    ├── library 2.0.0 in node_modules/library
    └── same = other 1.0.0 in node_modules/same
        └── library 2.0.0 in node_modules/library (peer)
    ");
    assert_eq!(context.files(), ["package.json"]);
    let dev = [&arguments("tree")[..], &["--dev", "--depth", "1"]].concat();
    insta::assert_snapshot!(shown(&context, &dev), @r"
    package.json (nodejs22.x x86_64)
    ├── app 1.0.0 ...
    ├── library 2.0.0 in node_modules/library
    ├── other 1.0.0 in node_modules/other (dev) ...
    ├── same = other 1.0.0 in node_modules/same ...
    └── tool 1.0.0 (dev)
    ");
    let why = [&arguments("why")[..], &["library"]].concat();
    insta::assert_snapshot!(shown(&context, &why), @r"
    library 1.5.0 in node_modules/app/node_modules/library
    └── app 1.0.0 needs library@^1.0.0
        ├── package.json asks for app@1
        └── library 1.5.0 in node_modules/app/node_modules/library needs app@1 (*)

    library 2.0.0 in node_modules/library
    ├── package.json asks for library@2
    ├── other 1.0.0 in node_modules/same needs library@>=1 (peer)
    │   └── package.json asks for same@npm:other@1
    └── other 1.0.0 in node_modules/other needs library@>=1 (peer)
        └── app 1.0.0 needs other@*
            ├── package.json asks for app@1
            └── library 1.5.0 in node_modules/app/node_modules/library needs app@1
                └── app 1.0.0 needs library@^1.0.0 (*)
    ");
    let alias = [&arguments("why")[..], &["same"]].concat();
    insta::assert_snapshot!(shown(&context, &alias), @r"
    other 1.0.0 in node_modules/same
    └── package.json asks for same@npm:other@1
    ");

    let build = ["build", "package.json", "-o", "layer.zip"];
    context.run(build).expect_code(0);
    let lock = shown(
        &context,
        &["tree", "package-lock.json", "--runtime", "nodejs22.x"],
    );
    assert_eq!(lock.replace("package-lock.json", "package.json"), tree);
    let layer = shown(&context, &["tree", "layer.zip"]);
    insta::assert_snapshot!(layer, @r"
    layer.zip
    ├── app 1.0.0
    │   ├── library 1.5.0 in nodejs/node_modules/app/node_modules/library
    │   │   └── app 1.0.0 (*)
    │   └── other 1.0.0 in nodejs/node_modules/other
    │       └── library 2.0.0 in nodejs/node_modules/library (peer)
    └── other 1.0.0 in nodejs/node_modules/same
        └── library 2.0.0 in nodejs/node_modules/library (peer)
    ");
}

#[test]
fn a_folder_of_both_ecosystems_has_two_trees() {
    let (_index, context) = python();
    let registry = LoopbackRegistry::start();
    registry.publish([NpmPackage::new("base", "3.0.0").build()]);
    let context = context.with_registry(&registry);
    context.write("package.json", r#"{"dependencies": {"base": "*"}}"#);
    let why = shown(&context, &["why", ".", "base", "--depth", "1"]);
    insta::assert_snapshot!(why, @r"
    base 1.0
    ├── ./requirements.txt:3 asks for base>=0.9
    ├── library 2.0 needs base ...
    └── tools 2.1 needs base>=0.5 ...

    base 3.0.0
    └── ./package.json asks for base@*
    ");
    let document = context.run(["tree", ".", "--json"]).json();
    let ecosystems: Vec<&Value> = document["graphs"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|graph| &graph["ecosystem"])
        .collect();
    assert_eq!(ecosystems, ["python", "node"]);
}

#[test]
fn documents_hold_all_of_it() {
    let (_index, context) = python();
    let document = context
        .run([
            "tree",
            "requirements.txt",
            "--runtime",
            "python3.13",
            "--json",
        ])
        .json();
    let graph = &document["graphs"][0];
    assert_eq!(graph["runtime"], "python3.13");
    assert_eq!(
        graph["dependencies"][1],
        json!({
            "name": "base", "requirement": ">=0.9", "extras": [], "kind": "required",
            "extra": null, "asked_at": "requirements.txt:3",
            "package": { "name": "base", "version": "1.0", "place": null },
        })
    );
    let tools = &graph["packages"][4];
    assert_eq!(tools["name"], "tools");
    assert_eq!(tools["dependencies"][1]["extra"], "fast");

    let document = context
        .run(["why", "requirements.txt", "speedups", "--json"])
        .json();
    let package = &document["packages"][0];
    assert_eq!(package["package"]["version"], "1.0");
    let asked = &package["asked_for"][0];
    assert_eq!(asked["by"]["name"], "tools");
    assert_eq!(asked["requirement"], "==1.0");
    let path = asked["path"].as_array().expect("a list");
    let path: Vec<&Value> = path.iter().map(|step| &step["name"]).collect();
    assert_eq!(path, ["app", "tools"]);
}

#[test]
fn a_package_that_is_not_there_is_told_with_what_may_be_meant() {
    let (_index, context) = python();
    let run = context.run(["why", "requirements.txt", "libary"]);
    run.expect_code(UNMET);
    run.says(&["`requirements.txt` has no package `libary`", "`library`"]);
    let run = context.run(["why", "requirements.txt", "brakes", "--json"]);
    run.expect_code(UNMET);
    assert_eq!(run.json()["error"]["code"], "no-such-package");
}

#[test]
fn what_a_layer_was_made_for_is_told_with_what_told_it() {
    let index = LoopbackIndex::start();
    index.add([Wheel::new("base", "1.0").build()]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "base\n");
    let build = ["build", "requirements.txt", "-o", "layer.zip"];
    let build = build.iter().chain(&["--layout", "versioned"]);
    context
        .run(build.chain(&["--runtime", "python3.12"]))
        .expect_code(0);
    let tree = shown(&context, &["tree", "layer.zip"]);
    insta::assert_snapshot!(tree, @r"
    layer.zip (made for python3.12: by folders)
    └── base 1.0
    ");
    let why = context.run(["why", "layer.zip", "base"]);
    why.expect_code(0)
        .says(&["layer.zip: made for python3.12: by folders"]);
    let document = context.run(["tree", "layer.zip", "--json"]).json();
    let graph = &document["graphs"][0];
    assert_eq!(graph["runtime"], "python3.12");
    assert_eq!(graph["runtime_by"], "folders");
    assert!(graph["arch_by"].is_null());
    let named = ["tree", "layer.zip", "--runtime", "python3.13"];
    let named = shown(&context, &named);
    assert!(named.starts_with("layer.zip (made for python3.13: by `--runtime`)"));
}

#[test]
fn what_is_neither_manifest_nor_layer_is_refused() {
    let context = TestContext::new();
    context.write("notes.md", "nothing");
    context.write("broken.zip", "nothing");
    context.write("empty/file", "");
    for input in ["notes.md", "broken.zip", "empty"] {
        let run = context.run(["tree", input]);
        run.expect_code(INPUT);
        run.says(&[input, "hint"]);
    }
}

#[test]
fn lines_are_drawn_with_what_the_locale_has() {
    let (_index, context) = python();
    let context = context.with_variable("LC_ALL", "C");
    let tree = shown(&context, &["tree", "requirements.txt", "--depth", "1"]);
    assert!(
        tree.is_ascii() && tree.contains("|-- app 1.0 ...\n`-- base 1.0\n"),
        "{tree}"
    );
}
