//! Source distributions and projects: what is built, when, and what is not begun at all.

use layerpress_tests::{Layer, LoopbackIndex, Sdist, TestContext, Wheel};

/// The request cannot be met.
const UNMET: i32 = 1;

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
fn a_folder_is_built_as_it_is_now() {
    let index = LoopbackIndex::of([Wheel::new("library", "1.0").build()]);
    let context = TestContext::new().with_index(&index);
    let project = Sdist::new("project", "0.1").requires("library").build();
    context.unpack("project", &project);
    context.write("requirements.txt", "-e ./project\n");
    let before = tree(&context, "project");
    let layer = context.build(&[]);
    layer.text("python/library/__init__.py");
    assert_eq!(
        layer.text("python/project/__init__.py"),
        "VERSION = \"0.1\"\n"
    );
    assert_eq!(
        tree(&context, "project"),
        before,
        "the build left something behind"
    );
    context.write("project/module.py", "VERSION = 'changed'\n");
    let layer = context.build(&["--locked"]);
    assert_eq!(
        layer.text("python/project/__init__.py"),
        "VERSION = 'changed'\n"
    );
}

#[test]
fn a_project_comes_along_when_asked_for() {
    let index = LoopbackIndex::of([Wheel::new("library", "1.0").build()]);
    let context = TestContext::new().with_index(&index);
    let project = Sdist::new("project", "0.1").requires("library").build();
    context.unpack(".", &project);
    let text = context.read("pyproject.toml");
    context.write(
        "pyproject.toml",
        format!(
            "{text}[project]\nname = \"project\"\nversion = \"0.1\"\ndependencies = [\"library\"]\n"
        ),
    );
    let arguments = ["build", "pyproject.toml", "-o", "out.zip"];
    context.run(arguments).expect_code(0);
    let paths = context.layer("out.zip");
    let owns = |layer: &Layer| layer.paths().iter().any(|path| path.contains("project/"));
    assert!(!owns(&paths));
    context
        .run(arguments.into_iter().chain(["--with-project"]))
        .expect_code(0);
    let layer = context.layer("out.zip");
    assert!(owns(&layer));
    layer.text("python/library/__init__.py");
}

#[test]
fn a_machine_without_python_builds_wheels_and_says_what_sources_need() {
    let index = LoopbackIndex::of([
        Wheel::new("app", "1.0").build(),
        Sdist::new("source", "1.0").build(),
    ]);
    let context = TestContext::new()
        .with_index(&index)
        .with_variable("PATH", "/nonexistent")
        .with_variable("PYENV_ROOT", "/nonexistent");
    context.write("requirements.txt", "app\n");
    context.build(&[]);
    context.write("requirements.txt", "source\n");
    let run = context.run(["build", "requirements.txt", "--runtime", "python3.13"]);
    if run.code == Some(0) {
        // A Python stands where programs are looked for without `PATH`.
        return;
    }
    run.expect_code(UNMET);
    run.says(&["no Python", "Python 3.13", "--python"]);
}

/// Nothing is compiled only to find that it is for the wrong machine.
#[test]
fn a_build_that_cannot_fit_the_target_is_not_begun() {
    let other = if cfg!(target_arch = "x86_64") {
        "arm64"
    } else {
        "x86_64"
    };
    let fits = if other == "arm64" {
        "aarch64"
    } else {
        "x86_64"
    };
    let index = LoopbackIndex::of([
        Wheel::new("app", "1.0")
            .tag(&format!("cp313-cp313-manylinux_2_17_{fits}"))
            .build(),
        Wheel::new("app", "2.0")
            .tag("cp313-cp313-win_amd64")
            .build(),
        Sdist::new("app", "2.0").build(),
    ]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    let run = context.run([
        "build",
        "requirements.txt",
        "--runtime",
        "python3.13",
        "--arch",
        other,
    ]);
    run.expect_code(UNMET);
    run.says(&["`app 2.0` comes as source", "`--only-binary app`"]);
    assert!(!run.stderr.contains("its own code runs"), "{}", run.stderr);
    assert_eq!(context.files(), ["requirements.txt"]);
}

/// The older base image's glibc is below what the wheels need; compiling would take as much.
#[test]
fn a_release_for_a_newer_glibc_is_not_compiled_unasked() {
    let machine = std::env::consts::ARCH;
    let arch = if machine == "aarch64" {
        "arm64"
    } else {
        "x86_64"
    };
    let tag = |glibc: &str| format!("cp311-cp311-manylinux_{glibc}_{machine}");
    let index = LoopbackIndex::of([
        Wheel::new("app", "1.0").tag(&tag("2_17")).build(),
        Wheel::new("app", "2.0").tag(&tag("2_28")).build(),
        Sdist::new("app", "2.0").build(),
    ]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    let target = [
        "build",
        "requirements.txt",
        "--runtime",
        "python3.11",
        "--arch",
        arch,
    ];
    let run = context.run(target);
    run.expect_code(UNMET);
    run.says(&["manylinux_2_28", "glibc 2.26", "`--only-binary app`", "1.0"]);
    context
        .run(target.iter().chain(&["--only-binary", "app"]))
        .expect_code(0);
    assert!(context.read("pylock.toml").contains("version = \"1.0\""));
}

/// The files below a folder.
fn tree(context: &TestContext, folder: &str) -> Vec<String> {
    let prefix = format!("{folder}/");
    let mut files = context.files();
    files.retain(|file| file.starts_with(&prefix));
    files
}
