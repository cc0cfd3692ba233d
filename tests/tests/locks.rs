//! `pylock.toml` over its life: what moves when the manifest changes, and what must not.

use layerpress_tests::{LoopbackIndex, TestContext, Wheel};

/// The versions in a lock, as `name version`, in its order.
fn pins(lock: &str) -> Vec<String> {
    let value = |line: &str, key: &str| {
        let value = line.strip_prefix(key)?.strip_prefix(" = \"")?;
        Some(value.trim_end_matches('"').to_owned())
    };
    let mut pins = Vec::new();
    for line in lock.lines() {
        if let Some(name) = value(line, "name") {
            pins.push(name);
        } else if let (Some(version), Some(pin)) = (value(line, "version"), pins.last_mut()) {
            *pin = format!("{pin} {version}");
        }
    }
    pins
}

/// Two unrelated packages in an old and a new version, and one of each more.
fn index() -> LoopbackIndex {
    let index = LoopbackIndex::start();
    index.add([
        Wheel::new("app", "1.0").requires("library").build(),
        Wheel::new("library", "1.0").build(),
        Wheel::new("other", "1.0").build(),
    ]);
    index
}

fn add_newer(index: &LoopbackIndex) {
    index.add([
        Wheel::new("app", "2.0").requires("library").build(),
        Wheel::new("library", "2.0").build(),
        Wheel::new("other", "2.0").build(),
        Wheel::new("added", "1.0").requires("library").build(),
    ]);
}

fn lock(context: &TestContext) -> String {
    context
        .run([
            "lock",
            "requirements.txt",
            "--refresh",
            "--runtime",
            "python3.13",
        ])
        .expect_code(0);
    context.read("pylock.toml")
}

#[test]
fn a_change_moves_only_what_it_must() {
    let index = index();
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\nother\n");
    assert_eq!(
        pins(&lock(&context)),
        ["app 1.0", "library 1.0", "other 1.0"]
    );
    add_newer(&index);
    let first = context.read("pylock.toml");
    assert_eq!(
        lock(&context),
        first,
        "nothing is asked for that is not there"
    );

    context.write("requirements.txt", "app\nother\nadded\n");
    assert_eq!(
        pins(&lock(&context)),
        ["added 1.0", "app 1.0", "library 1.0", "other 1.0"]
    );
    context.write("requirements.txt", "app>=2\nother\n");
    assert_eq!(
        pins(&lock(&context)),
        ["app 2.0", "library 1.0", "other 1.0"]
    );
    context.write("requirements.txt", "app\nother\n");
    assert_eq!(
        pins(&lock(&context)),
        ["app 2.0", "library 1.0", "other 1.0"]
    );
    context.write("requirements.txt", "app<2\nother\n");
    assert_eq!(
        lock(&context),
        first,
        "back where it came from, byte for byte"
    );
    context.write("requirements.txt", "other\n");
    assert_eq!(pins(&lock(&context)), ["other 1.0"]);
}

#[test]
fn comments_and_foreign_tables_outlive_an_update() {
    let index = index();
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\nother\n");
    let first = lock(&context);
    let noted = first
        .replace(
            "[[packages]]\nname = \"other\"",
            "# held\n[[packages]]\nname = \"other\" # why",
        )
        .replace(
            "[tool.layerpress]",
            "[tool.scanner]\nseen = true # yes\n\n[tool.layerpress]",
        );
    context.write("pylock.toml", format!("# ours\n{noted}"));
    add_newer(&index);
    context.write("requirements.txt", "app>=2\nother\n");
    let after = lock(&context);
    for kept in [
        "# ours\nlock-version",
        "# held\n[[packages]]\nname = \"other\" # why",
        "[tool.scanner]\nseen = true # yes",
    ] {
        assert!(after.contains(kept), "{kept}\n---\n{after}");
    }
    assert_eq!(pins(&after)[0], "app 2.0");
}

#[test]
fn a_further_target_keeps_the_versions_of_the_first() {
    let index = index();
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    context
        .run(["lock", "requirements.txt", "--runtime", "python3.12"])
        .expect_code(0);
    add_newer(&index);
    let run = context.run([
        "lock",
        "requirements.txt",
        "--refresh",
        "--runtime",
        "python3.12",
        "--runtime",
        "python3.13",
        "--arch",
        "x86_64",
        "--arch",
        "arm64",
    ]);
    run.expect_code(0);
    let lock = context.read("pylock.toml");
    assert_eq!(pins(&lock), ["app 1.0", "library 1.0"]);
    assert!(
        !lock.contains("marker"),
        "shared by all, so no marker:\n{lock}"
    );
    assert_eq!(lock.matches("runtime = ").count(), 4, "{lock}");
}

#[test]
fn a_folders_dependencies_and_extras_count_as_lines() {
    let index = index();
    add_newer(&index);
    let context = TestContext::new().with_index(&index);
    let project = |dependencies: &str| {
        context.write(
            "pkg/pyproject.toml",
            format!(
                "[project]\nname = \"pkg\"\nversion = \"1\"\ndependencies = [{dependencies}]\n\
                 [project.optional-dependencies]\nmore = [\"added\"]\n"
            ),
        );
    };
    project("\"other\"");
    context.write("requirements.txt", "./pkg\n");
    assert_eq!(pins(&lock(&context)), ["other 2.0", "pkg"]);

    context.write("requirements.txt", "./pkg[more]\n");
    let refused = context.run([
        "lock",
        "requirements.txt",
        "--locked",
        "--runtime",
        "python3.13",
    ]);
    refused.expect_code(1);
    assert_eq!(pins(&lock(&context)).len(), 4, "with `added` and `library`");
    context.write("requirements.txt", "./pkg\n");
    assert_eq!(pins(&lock(&context)).len(), 2);

    project("\"other<2\"");
    let refused = context.run([
        "lock",
        "requirements.txt",
        "--locked",
        "--runtime",
        "python3.13",
    ]);
    refused.expect_code(1);
    insta::assert_snapshot!(refused.stderr, @r"
    error: `pylock.toml` does not meet the manifest: ./pkg/pyproject.toml:4 `other<2`: the lock pins 2.0 for python3.13 x86_64
    hint: run `layerpress lock` to bring it up to date, or leave `--locked` out
    ");
    let after = lock(&context);
    assert!(after.contains("version = \"1.0\""), "{after}");
    project("");
    assert_eq!(pins(&lock(&context)), ["pkg"]);
    context
        .run([
            "lock",
            "requirements.txt",
            "--locked",
            "--runtime",
            "python3.13",
        ])
        .expect_code(0);
}

#[test]
fn a_lock_with_a_hole_is_not_built_from() {
    let index = index();
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    let whole = lock(&context);
    let entry = whole.find("[[packages]]\nname = \"library\"").expect("it");
    let end = whole.find("[tool.layerpress]").expect("it");
    context.write(
        "pylock.toml",
        format!("{}{}", &whole[..entry], &whole[end..]),
    );
    let run = context.run(["build", "pylock.toml", "-o", "out.zip"]);
    run.expect_code(4);
    insta::assert_snapshot!(run.stderr, @r"
    error: pylock.toml:7: `packages[0]` of `app` depends on `library`, which the lockfile does not hold
    hint: undo the last edit by hand, or delete the file and lock again
    ");
    assert_eq!(context.files(), ["pylock.toml", "requirements.txt"]);
}

#[test]
fn inputs_that_would_overwrite_each_other_are_refused() {
    let index = index();
    let context = TestContext::new().with_index(&index);
    context
        .write("api/requirements.txt", "other\n")
        .write("api/dev.txt", "app\n");
    let run = context.run([
        "build",
        "api/requirements.txt",
        "api/dev.txt",
        "-o",
        "out",
        "--runtime",
        "python3.13",
    ]);
    run.expect_code(2);
    insta::assert_snapshot!(run.stderr, @r"
    error: `out/api-python3.13-x86_64.zip` would be written for `api/requirements.txt` and for `api/dev.txt`
    hint: give each input a run of its own with `--output`, or a folder of its own
    ");
    assert_eq!(context.files(), ["api/dev.txt", "api/requirements.txt"]);
    context
        .run([
            "build",
            "api/requirements.txt",
            "api/dev.txt",
            "-o",
            "one.zip",
        ])
        .expect_code(2);
    context.write("api/requirements.in", "app\n");
    context
        .run(["lock", "api/requirements.txt", "api/requirements.in"])
        .expect_code(2);
}

#[test]
fn a_layer_of_nothing_is_not_written() {
    let index = index();
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "other\n");
    let run = context.run([
        "build",
        "requirements.txt",
        "--exclude",
        "other",
        "-o",
        "out.zip",
    ]);
    run.expect_code(0);
    assert!(run.stderr.contains("nothing is left"), "{}", run.stderr);
    assert_eq!(context.files(), ["pylock.toml", "requirements.txt"]);
}

#[test]
fn another_tools_lock_is_built_for_the_newest_runtime_that_it_serves() {
    let index = LoopbackIndex::start();
    let tag = "cp312-cp312-manylinux_2_17_x86_64";
    index.add([Wheel::new("app", "1.0").tag(tag).build()]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    let lock = ["lock", "requirements.txt", "--runtime", "python3.12"];
    context.run(lock).expect_code(0);
    let ours = context.read("pylock.toml");
    // What other tools write: no table of ours, and often no environments.
    let packages = ours.find("[[packages]]").expect("a package");
    let own = ours.find("[tool.layerpress]").expect("a table of ours");
    let head = "lock-version = \"1.0\"\ncreated-by = \"another\"\n\n";
    context.write("pylock.toml", format!("{head}{}", &ours[packages..own]));
    let run = context.run(["build", "pylock.toml", "-o", "layer.zip", "--json"]);
    run.expect_code(0);
    assert_eq!(run.json()["layers"][0]["runtime"], "python3.12");
    assert!(run.stderr.contains("names no runtime"), "{}", run.stderr);
}

#[test]
fn names_that_an_option_gets_wrong_are_said() {
    let index = index();
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    let run = context.run(["build", "requirements.txt", "--exclude", "libary"]);
    run.expect_code(0);
    assert!(run.stderr.contains("`--exclude libary`"), "{}", run.stderr);
    let run = context.run(["lock", "requirements.txt", "--upgrade-package", "ap"]);
    run.expect_code(0);
    assert!(
        run.stderr.contains("`--upgrade-package ap`"),
        "{}",
        run.stderr
    );
}

#[test]
fn versions_move_only_when_told() {
    let index = LoopbackIndex::start();
    index.add([
        Wheel::new("one", "1.0").build(),
        Wheel::new("two", "1.0").build(),
    ]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "one\ntwo\n");
    context.run(["lock", "requirements.txt"]).expect_code(0);
    let before = context.read("pylock.toml");
    index.add([
        Wheel::new("one", "2.0").build(),
        Wheel::new("two", "2.0").build(),
    ]);
    context
        .run(["lock", "requirements.txt", "--refresh"])
        .expect_code(0);
    assert_eq!(context.read("pylock.toml"), before);
    context
        .run([
            "lock",
            "requirements.txt",
            "--refresh",
            "--upgrade-package",
            "Two",
        ])
        .expect_code(0);
    let after = context.read("pylock.toml");
    let versions = |lock: &str| -> Vec<String> {
        lock.lines()
            .filter(|line| line.starts_with("version = "))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(versions(&after), ["version = \"1.0\"", "version = \"2.0\""]);
}

#[test]
fn locked_refuses_a_lock_that_does_not_meet_the_manifest() {
    let index = LoopbackIndex::small_world();
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "library\n");
    let missing = context.run(["build", "requirements.txt", "--locked"]);
    missing.expect_code(1);
    assert!(missing.stderr.contains("pylock.toml"), "{}", missing.stderr);
    context.run(["lock", "requirements.txt"]).expect_code(0);
    let lock = context.read("pylock.toml");
    context.write("requirements.txt", "library\napp\n");
    let stale = context.run(["build", "requirements.txt", "--locked"]);
    stale.expect_code(1);
    assert!(
        stale.stderr.contains("requirements.txt:2"),
        "{}",
        stale.stderr
    );
    assert_eq!(context.read("pylock.toml"), lock);
    assert_eq!(context.files(), ["pylock.toml", "requirements.txt"]);
}

#[test]
fn a_size_that_is_not_the_files_is_refused_cached_or_not() {
    let index = LoopbackIndex::small_world();
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app<2\n");
    context.build(&[]);
    let lock = context.read("pylock.toml");
    let size = lock.split("size = ").nth(1).expect("a size in the lock");
    let size: String = size.chars().take_while(char::is_ascii_digit).collect();
    let wrong = lock.replace(&format!("size = {size}"), "size = 7");
    context.write("pylock.toml", wrong);
    let arguments = ["build", "pylock.toml", "-o", "again.zip"];
    for cold in [false, true] {
        if cold {
            context.run(["cache", "clean"]).expect_code(0);
        }
        let run = context.run(arguments);
        run.expect_code(4).says(&[
            "app-1.0-py3-none-any.whl",
            "expected 7 bytes",
            &format!("found {size}"),
        ]);
        assert!(!context.files().contains(&"again.zip".to_owned()));
    }
}

#[test]
fn a_lock_for_another_platform_tells_all_that_is_missing() {
    let context = TestContext::new();
    let package = |name: &str, tag: &str| {
        let file = format!("{name}-1.0-{tag}.whl");
        let hash = "0".repeat(64);
        format!(
            "[[packages]]\nname = '{name}'\nversion = '1.0'\nwheels = [{{ name = '{file}', \
             url = 'https://files.example/{file}', hashes = {{ sha256 = '{hash}' }} }}]\n"
        )
    };
    let lock = [
        "lock-version = '1.0'\ncreated-by = 'another'\n".to_owned(),
        package("fast", "cp313-cp313-manylinux_2_17_x86_64"),
        package("plain", "py3-none-any"),
        package("quick", "cp313-cp313-macosx_11_0_arm64"),
    ];
    context.write("pylock.toml", lock.concat());
    let target = ["--runtime", "python3.13", "--arch", "arm64"];
    let run = context.run(["build", "pylock.toml"].iter().chain(&target));
    run.expect_code(1);
    insta::assert_snapshot!(run.stderr, @r"
    error: pylock.toml: fast: the lock lists no file of it for python3.13 arm64, nor of quick
    hint: it lists `fast-1.0-cp313-cp313-manylinux_2_17_x86_64.whl`; lock again for this target with the tool that wrote it
    ");
}
