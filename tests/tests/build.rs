//! `layerpress build` end to end against the loopback index: what a well-behaved world gets.

use std::fs;

use layerpress_tests::{Fault, IndexFeatures, LoopbackIndex, On, Sdist, TestContext, Wheel};

#[test]
fn a_requirements_file_becomes_a_layer_and_a_lockfile() {
    let index = small_world();
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app>=1 # the newest\n");
    let run = context.run([
        "build",
        "requirements.txt",
        "-o",
        "out.zip",
        "--runtime",
        "python3.13",
    ]);
    run.expect_code(0);
    assert_eq!(run.stdout, "out.zip\n");
    let layer = context.layer("out.zip");
    layer.assert_safe_to_attach(&["python/"]);
    assert_eq!(layer.text("python/app/__init__.py"), "VERSION = \"2.0\"\n");
    assert_eq!(
        layer.text("python/library/__init__.py"),
        "VERSION = \"1.5\"\n"
    );
    let lock = context.read("pylock.toml");
    assert!(lock.contains("lock-version = \"1.0\""), "{lock}");
    assert!(lock.contains("name = \"library\""), "{lock}");
    assert_eq!(
        context.files(),
        ["out.zip", "pylock.toml", "requirements.txt"]
    );
}

#[test]
fn the_layers_content_is_what_the_wheels_hold() {
    let index = LoopbackIndex::start();
    index.add([Wheel::new("app", "1.0")
        .file("app-1.0.data/purelib/extra.py", "EXTRA = 1\n")
        .file("namespace/part/module.py", "")
        .build()]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    context
        .run(["build", "requirements.txt", "-o", "out.zip"])
        .expect_code(0);
    let paths = context.layer("out.zip");
    let paths: Vec<_> = paths
        .paths()
        .into_iter()
        .filter(|path| !path.contains("dist-info"))
        .map(str::to_owned)
        .collect();
    assert_eq!(
        paths,
        [
            "python/app/__init__.py",
            "python/extra.py",
            "python/namespace/part/module.py"
        ]
    );
}

#[test]
fn the_json_document_is_exact() {
    let index = small_world();
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    let run = context.run([
        "build",
        "requirements.txt",
        "--json",
        "--runtime",
        "python3.12",
    ]);
    run.expect_code(0);
    let document = run.json();
    let layer = &document["layers"][0];
    let path = layer["path"].as_str().expect("a path");
    assert!(
        path.starts_with("dist/") && path.ends_with("-python3.12-x86_64.zip"),
        "{path}"
    );
    let zip = context.layer(path);
    assert_eq!(layer["sha256"], zip.sha256.as_str());
    assert_eq!(layer["zipped_bytes"], zip.zipped_bytes);
    assert_eq!(layer["unzipped_bytes"], zip.unzipped_bytes());
    assert_eq!(layer["files"], zip.entries.len());
    let names: Vec<_> = layer["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .map(|package| package["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(names, ["app", "library"]);
    assert_eq!(document["lockfiles"][0], "pylock.toml");
    for stage in ["resolve", "fetch", "pack", "total"] {
        assert!(document["seconds"][stage].is_number(), "{document}");
    }
}

#[test]
fn the_same_lock_gives_the_same_bytes_everywhere() {
    let index = small_world();
    let first = TestContext::new().with_index(&index);
    first.write("requirements.txt", "app\n");
    first
        .run(["build", "requirements.txt", "-o", "one.zip", "--jobs", "1"])
        .expect_code(0);
    // Warm, with many threads, to another place.
    first
        .run(["build", "requirements.txt", "-o", "two.zip", "--jobs", "16"])
        .expect_code(0);
    // Cold, in another folder, from the lock alone, at another time zone.
    let second = TestContext::new()
        .with_index(&index)
        .with_variable("TZ", "Pacific/Chatham")
        .with_variable("LC_ALL", "tr_TR.UTF-8");
    second.write("elsewhere/pylock.toml", first.read("pylock.toml"));
    second
        .run(["build", "elsewhere/pylock.toml", "-o", "three.zip"])
        .expect_code(0);
    let digest = first.layer("one.zip").sha256;
    assert_eq!(first.layer("two.zip").sha256, digest);
    assert_eq!(second.layer("three.zip").sha256, digest);
}

#[test]
fn a_warm_build_asks_nobody_and_works_offline() {
    let index = small_world();
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
fn pages_are_fresh_for_a_while_and_refresh_asks_anew() {
    let index = small_world();
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "library\n");
    let lock = |arguments: &[&str]| {
        let arguments = ["lock", "requirements.txt", "-o", "pylock.new.toml"]
            .iter()
            .chain(arguments);
        context.run(arguments).expect_code(0);
        let lock = context.read("pylock.new.toml");
        fs::remove_file(context.folder().join("pylock.new.toml")).expect("it was read");
        lock
    };
    assert!(lock(&[]).contains("\"2.0\""));
    index.add([Wheel::new("library", "2.1").build()]);
    assert!(!lock(&[]).contains("\"2.1\""));
    assert!(lock(&["--refresh"]).contains("\"2.1\""));
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
    let index = small_world();
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
fn the_target_decides_and_not_the_host() {
    let index = LoopbackIndex::start();
    let native = |arch: &str| {
        Wheel::new("native", "1.0")
            .tag(&format!("cp312-cp312-manylinux_2_17_{arch}"))
            .file("native/arch.py", format!("ARCH = {arch:?}\n"))
            .build()
    };
    index.add([
        native("x86_64"),
        native("aarch64"),
        Wheel::new("app", "1.0")
            .requires("native")
            .requires("windows-only ; sys_platform == 'win32'")
            .requires("arm-only ; platform_machine == 'aarch64'")
            .build(),
        Wheel::new("arm-only", "1.0").build(),
    ]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    let run = context.run([
        "build",
        "requirements.txt",
        "--runtime",
        "python3.12",
        "--arch",
        "arm64,x86_64",
        "-o",
        "out",
        "--json",
    ]);
    run.expect_code(0);
    for layer in run.json()["layers"].as_array().expect("layers") {
        let zip = context.layer(layer["path"].as_str().expect("a path"));
        let arch = if layer["arch"] == "arm64" {
            "aarch64"
        } else {
            "x86_64"
        };
        assert_eq!(
            zip.text("python/native/arch.py"),
            format!("ARCH = {arch:?}\n")
        );
        let has_arm = zip.paths().contains(&"python/arm_only/__init__.py");
        assert_eq!(has_arm, arch == "aarch64");
    }
    assert_eq!(context.files().len(), 4, "{:?}", context.files());
}

#[test]
fn a_folder_of_a_layer_brings_its_own_code() {
    let index = small_world();
    let context = TestContext::new().with_index(&index);
    context
        .write("layer/python/requirements.txt", "library\n")
        .write(
            "layer/utils/common_util.py",
            "def add(a, b):\n    return a + b\n",
        )
        .write(
            "layer/utils/__pycache__/common_util.cpython-311.pyc",
            "host",
        )
        .write("layer/.git/config", "");
    context
        .run(["build", "layer", "-o", "out.zip"])
        .expect_code(0);
    let layer = context.layer("out.zip");
    layer.assert_safe_to_attach(&["python/"]);
    assert!(
        layer
            .text("python/utils/common_util.py")
            .contains("return a + b")
    );
    assert!(layer.paths().contains(&"python/library/__init__.py"));
    assert!(layer.bytecode().is_empty());
    let unwanted = |path: &&&str| {
        path.contains("requirements.txt") || path.contains(".git") || path.contains("pylock")
    };
    assert_eq!(layer.paths().iter().find(unwanted), None);
}

#[test]
fn a_project_with_extras_and_groups() {
    let index = LoopbackIndex::start();
    index.add(["base", "cloud", "checker"].map(|name| Wheel::new(name, "1.0").build()));
    let context = TestContext::new().with_index(&index);
    context.write(
        "pyproject.toml",
        "[project]\nname = \"api\"\nversion = \"1.0\"\ndependencies = [\"base\"]\n\
         [project.optional-dependencies]\ns3 = [\"cloud\"]\n\
         [dependency-groups]\ndev = [\"checker\"]\n",
    );
    let packages = |arguments: &[&str]| -> Vec<String> {
        let all = ["build", "pyproject.toml", "-o", "out.zip", "--json"];
        let run = context.run(all.iter().chain(arguments));
        run.expect_code(0);
        fs::remove_file(context.folder().join("pylock.toml")).expect("a lock");
        run.json()["layers"][0]["packages"]
            .as_array()
            .expect("packages")
            .iter()
            .map(|package| package["name"].as_str().expect("a name").to_owned())
            .collect()
    };
    assert_eq!(packages(&[]), ["base"]);
    assert_eq!(packages(&["--extra", "s3"]), ["base", "cloud"]);
    assert_eq!(packages(&["--dev"]), ["base", "checker"]);
}

#[test]
fn a_source_distribution_is_built_where_it_must_be() {
    let index = LoopbackIndex::start();
    index.add([
        Sdist::new("sourced", "1.0")
            .requires("library")
            .dynamic()
            .build(),
        Wheel::new("library", "1.0").build(),
    ]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "sourced\n");
    let refused = context.run(["build", "requirements.txt", "-o", "out.zip", "--no-build"]);
    refused.expect_code(1);
    assert!(refused.stderr.contains("sourced"), "{}", refused.stderr);
    let run = context.run([
        "build",
        "requirements.txt",
        "-o",
        "out.zip",
        "--runtime",
        "python3.13",
    ]);
    run.expect_code(0);
    assert!(run.stderr.contains("its own code runs"), "{}", run.stderr);
    let layer = context.layer("out.zip");
    assert_eq!(
        layer.text("python/sourced/__init__.py"),
        "VERSION = \"1.0\"\n"
    );
    assert!(layer.paths().contains(&"python/library/__init__.py"));
}

#[test]
fn credentials_reach_the_index_and_nothing_else() {
    let index = LoopbackIndex::with(IndexFeatures {
        login: Some(("user".to_owned(), "s3cret".to_owned())),
        ..IndexFeatures::default()
    });
    index.add([Wheel::new("app", "1.0").build()]);
    let world = || {
        let context = TestContext::new();
        context.write("requirements.txt", "app\n");
        context
    };
    let build = ["build", "requirements.txt", "-o", "out.zip", "-v"];
    let in_url = world().with_variable(
        "LAYERPRESS_INDEX_URL",
        &index.url_with_login("user", "s3cret"),
    );
    let in_netrc = world().with_index(&index);
    let netrc = "machine 127.0.0.1 login user password s3cret\n";
    fs::write(in_netrc.home().join(".netrc"), netrc).expect("a file");
    let in_pip = world().with_variable("PIP_INDEX_URL", &index.url_with_login("user", "s3cret"));
    for context in [in_url, in_netrc, in_pip] {
        let run = context.run(build);
        run.expect_code(0);
        let lock = context.read("pylock.toml");
        for text in [&run.raw_stdout, &run.stderr, &lock] {
            assert!(!text.contains("s3cret"), "{text}");
        }
    }
    let without = world().with_index(&index).run(build);
    without.expect_code(3);
    assert!(without.stderr.contains("401"), "{}", without.stderr);
}

#[test]
fn troubles_that_pass_are_outlived() {
    let wheel = || Wheel::new("app", "1.0").build();
    let name = wheel().file_name;
    for (on, fault) in [
        (On::page("app"), Fault::Status(500)),
        (On::page("app"), Fault::TooManyRequests { retry_after: 1 }),
        (On::page("app"), Fault::ResetMidBody),
        (On::file(&name), Fault::Status(503)),
        (On::file(&name), Fault::ResetMidBody),
        (On::file(&name), Fault::WrongBytes),
        (On::metadata(&name), Fault::Status(500)),
        (On::metadata(&name), Fault::Status(404)),
    ] {
        let index = LoopbackIndex::start();
        index
            .add([wheel()])
            .fault_times(on.clone(), fault.clone(), 1);
        let context = TestContext::new().with_index(&index);
        context.write("requirements.txt", "app\n");
        let run = context.run(["build", "requirements.txt", "-o", "out.zip"]);
        assert_eq!(run.code, Some(0), "{on:?} {fault:?}: {}", run.stderr);
    }
}

#[test]
fn plain_indexes_are_enough() {
    let plain = IndexFeatures {
        json: false,
        core_metadata: false,
        etags: false,
        cache_control: None,
        gzip: false,
        ranges: false,
        ..IndexFeatures::default()
    };
    let index = LoopbackIndex::with(plain);
    index.add([
        Wheel::new("app", "1.0").requires("library").build(),
        Wheel::new("library", "1.0").build(),
    ]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    context
        .run(["build", "requirements.txt", "-o", "out.zip"])
        .expect_code(0);
    let layer = context.layer("out.zip");
    assert!(layer.paths().contains(&"python/library/__init__.py"));
}

#[test]
fn scripts_come_when_asked_for() {
    let index = LoopbackIndex::start();
    index.add([Wheel::new("tool", "1.0")
        .console_script("tool = tool:main")
        .build()]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "tool\n");
    let build = [
        "build",
        "requirements.txt",
        "-o",
        "out.zip",
        "--runtime",
        "python3.13",
    ];
    context.run(build).expect_code(0);
    assert!(
        !context
            .layer("out.zip")
            .paths()
            .contains(&"python/bin/tool")
    );
    context
        .run(build.iter().chain(&["--scripts"]))
        .expect_code(0);
    let layer = context.layer("out.zip");
    assert!(
        layer
            .text("python/bin/tool")
            .starts_with("#!/var/lang/bin/python3.13")
    );
    let mode = layer
        .entries
        .iter()
        .find(|entry| entry.path == "python/bin/tool");
    assert_eq!(mode.map(|entry| entry.mode), Some(0o100_755));
}

#[test]
fn the_versioned_layout_is_the_runtimes_own() {
    let index = small_world();
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "library\n");
    context
        .run([
            "build",
            "requirements.txt",
            "-o",
            "out.zip",
            "--runtime",
            "python3.12",
            "--layout",
            "versioned",
        ])
        .expect_code(0);
    let layer = context.layer("out.zip");
    layer.assert_safe_to_attach(&["python/lib/python3.12/site-packages/"]);
}

#[test]
fn an_empty_manifest_is_valid() {
    let index = LoopbackIndex::start();
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "# nothing yet\n");
    let run = context.run(["build", "requirements.txt"]);
    run.expect_code(0);
    assert_eq!(run.stdout, "");
    assert!(run.stderr.contains("no layer"), "{}", run.stderr);
    assert_eq!(context.files(), ["pylock.toml", "requirements.txt"]);
}

#[test]
fn a_filled_cache_builds_offline() {
    let index = small_world();
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
fn a_digest_that_must_be_is_checked_before_anything_is_written() {
    let index = small_world();
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    context
        .run(["build", "requirements.txt", "-o", "one.zip"])
        .expect_code(0);
    let digest = context.layer("one.zip").sha256;
    let build = [
        "build",
        "requirements.txt",
        "-o",
        "two.zip",
        "--check-digest",
    ];
    let wrong = "0".repeat(64);
    let refused = context.run(build.iter().copied().chain([wrong.as_str()]));
    refused.expect_code(1);
    assert!(refused.stderr.contains(&digest), "{}", refused.stderr);
    assert!(!context.files().contains(&"two.zip".to_owned()));
    context
        .run(build.iter().copied().chain([digest.as_str()]))
        .expect_code(0);
}

/// `app` 1.0 and 2.0, of which the newer needs `library`, 1.5 of which is the newest below 2.
fn small_world() -> LoopbackIndex {
    let index = LoopbackIndex::start();
    index.add([
        Wheel::new("app", "1.0").build(),
        Wheel::new("app", "2.0").requires("library<2").build(),
        Wheel::new("library", "1.0").build(),
        Wheel::new("library", "1.5").build(),
        Wheel::new("library", "2.0").build(),
        Wheel::new("library", "1.9a1").build(),
    ]);
    index
}
