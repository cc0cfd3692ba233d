//! `layerpress build` end to end against the loopback index: what a well-behaved world gets.

use std::fs;

use layerpress_tests::{LoopbackIndex, TestContext, Wheel};

/// The request cannot be met.
const UNMET: i32 = 1;

#[test]
fn a_requirements_file_becomes_a_layer_and_a_lockfile() {
    let index = LoopbackIndex::small_world();
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
    let index = LoopbackIndex::small_world();
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
    let index = LoopbackIndex::small_world();
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
    let index = LoopbackIndex::small_world();
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
fn a_digest_that_must_be_is_checked_before_anything_is_written() {
    let index = LoopbackIndex::small_world();
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
    assert!(refused.stderr.contains(&wrong), "{}", refused.stderr);
    assert!(!context.files().contains(&"two.zip".to_owned()));
    let told = context.run(["build", "requirements.txt", "-o", "one.zip", "--json"]);
    let layer = told.json()["layers"][0].clone();
    let code_sha256 = layer["code_sha256"].as_str().expect("a digest");
    assert!(refused.stderr.contains(code_sha256), "{}", refused.stderr);
    for right in [digest.as_str(), code_sha256] {
        context
            .run(build.iter().copied().chain([right]))
            .expect_code(0);
    }
}

#[test]
fn a_target_that_the_project_does_not_admit_is_refused() {
    let index = LoopbackIndex::of([Wheel::new("library", "1.0").build()]);
    let context = TestContext::new().with_index(&index);
    context.write(
        "pyproject.toml",
        "[project]\nname = \"app\"\nversion = \"1\"\nrequires-python = \">=3.11,<3.13\"\n\
         dependencies = [\"library\"]\n",
    );
    let run = context.run(["build", "pyproject.toml", "--runtime", "python3.13"]);
    run.expect_code(UNMET);
    run.says(&["pyproject.toml:4", ">=3.11,<3.13", "--runtime python3.12"]);
    context
        .run(["build", "pyproject.toml", "--runtime", "python3.12"])
        .expect_code(0);
}

#[test]
fn a_zip_that_serves_several_targets_is_said_to() {
    let index = LoopbackIndex::of([
        Wheel::new("pure", "1.0").build(),
        Wheel::new("abi", "1.0")
            .tag("cp312-abi3-manylinux_2_28_x86_64")
            .build(),
        Wheel::new("abi", "1.0")
            .tag("cp312-abi3-manylinux_2_28_aarch64")
            .build(),
    ]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "pure\n");
    let all = [
        "--runtime",
        "python3.12,python3.13",
        "--arch",
        "x86_64,arm64",
    ];
    let one = ["--runtime", "python3.13", "--arch", "arm64"];
    let build = ["build", "requirements.txt", "-o", "out"];
    context.run(build.iter().chain(&all)).expect_code(0);
    let alone = context.run(build.iter().chain(&one));
    alone.expect_code(0);
    alone.says(&["same for  python3.12, python3.13; x86_64, arm64"]);
    let versioned = context.run(build.iter().chain(&one).chain(&["--layout", "versioned"]));
    versioned.says(&["same for  python3.13; x86_64, arm64"]);

    context.write("requirements.txt", "pure\nabi\n");
    let both = context.run(build.iter().chain(&all).chain(&["--json"]));
    both.expect_code(0);
    let layers = both.json()["layers"].clone();
    let layers = layers.as_array().expect("layers");
    assert_eq!(layers.len(), 4);
    for layer in layers {
        let other = match layer["runtime"].as_str() {
            Some("python3.12") => "python3.13",
            _ => "python3.12",
        };
        let same = serde_json::json!([{ "runtime": other, "arch": layer["arch"] }]);
        assert_eq!(layer["same_for"], same);
    }
}
