//! Source builds end to end: what a build backend is told, what it sees, and how often it runs.
//!
//! The backends are modules of the projects themselves and need nothing but a Python.

use layerpress_tests::{Layer, LoopbackIndex, Sdist, TestContext};

/// A backend that writes what it was told, and what it could import, into the wheel.
const TELLING: &str = r#"
import base64, hashlib, json, os, zipfile

INFO = "app-1.0.dist-info"


def build_wheel(folder, config_settings=None, metadata_directory=None):
    try:
        import stray
    except ImportError:
        stray = None
    name = "app-1.0-py3-none-any.whl"
    files = {
        "app.json": json.dumps([config_settings, stray is not None]),
        INFO + "/METADATA": "Metadata-Version: 2.1\nName: app\nVersion: 1.0\n",
        INFO + "/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for path, content in files.items():
        digest = hashlib.sha256(content.encode()).digest()
        digest = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        record += "%s,sha256=%s,%d\n" % (path, digest, len(content.encode()))
    files[INFO + "/RECORD"] = record + INFO + "/RECORD,,\n"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return name
"#;

/// A context with a project in `app` whose backend tells what it sees.
fn telling() -> TestContext {
    let context = TestContext::new().with_index(&LoopbackIndex::start());
    project(&context, "app", "");
    context
}

/// Writes such a project, with what its build requires.
fn project(context: &TestContext, name: &str, requires: &str) {
    context.write(
        &format!("{name}/pyproject.toml"),
        format!(
            "[build-system]\nrequires = [{requires}]\nbuild-backend = \"backend\"\n\
             backend-path = [\".\"]\n"
        ),
    );
    let backend = TELLING.replace("app", name);
    context.write(&format!("{name}/backend.py"), backend);
}

fn build(context: &TestContext, options: &[&str]) -> Layer {
    let arguments = ["build", "requirements.txt", "-o", "out.zip"];
    context.run(arguments.iter().chain(options)).expect_code(0);
    context.layer("out.zip")
}

#[test]
fn what_a_backend_is_told_is_locked_with_its_package() {
    let context = telling();
    let line = "./app --config-settings a=1 --config-settings b=2 --config-settings b=3\n";
    context.write("requirements.txt", line);
    let told = |layer: &Layer| layer.text("python/app.json");
    assert_eq!(
        told(&build(&context, &[])),
        r#"[{"a": "1", "b": ["2", "3"]}, false]"#
    );
    // The lock alone says it too.
    let from_lock = ["build", "pylock.toml", "-o", "out.zip"];
    context.run(from_lock).expect_code(0);
    assert_eq!(
        told(&context.layer("out.zip")),
        r#"[{"a": "1", "b": ["2", "3"]}, false]"#
    );

    context.write("requirements.txt", "./app --config-settings a=2\n");
    let run = context.run(["build", "requirements.txt", "--locked"]);
    run.expect_code(1);
    assert!(run.stderr.contains("--config-settings"), "{}", run.stderr);
    assert_eq!(told(&build(&context, &[])), r#"[{"a": "2"}, false]"#);
    context.write("requirements.txt", "./app\n");
    assert_eq!(told(&build(&context, &[])), "[null, false]");
    assert!(!context.read("pylock.toml").contains("config-settings"));
}

#[test]
fn a_backend_sees_no_package_of_the_users() {
    let context = telling();
    let versions = (8..20).map(|minor| format!("python3.{minor}"));
    for python in versions {
        let path = format!("../home/.local/lib/{python}/site-packages/stray.py");
        context.write(&path, "");
    }
    context.write("elsewhere/stray.py", "");
    let elsewhere = context.folder().join("elsewhere").display().to_string();
    let context = context.with_variable("PYTHONPATH", &elsewhere);
    context.write("requirements.txt", "./app\n");
    let layer = build(&context, &[]);
    assert_eq!(layer.text("python/app.json"), "[null, false]");
}

#[test]
fn what_several_builds_need_is_built_once() {
    let index = LoopbackIndex::start();
    index.add([Sdist::new("tool", "1.0").build()]);
    let context = TestContext::new().with_index(&index);
    for name in ["one", "two", "three"] {
        project(&context, name, "\"tool\"");
    }
    context.write("requirements.txt", "./one\n./two\n./three\n");
    let run = context.run(["build", "requirements.txt", "-o", "out.zip"]);
    run.expect_code(0);
    let began = run.stderr.matches("building tool 1.0").count();
    assert_eq!(began, 1, "{}", run.stderr);
    let paths = context.layer("out.zip");
    assert!(!paths.paths().iter().any(|path| path.contains("tool")));
}

#[test]
fn static_metadata_is_locked_without_a_build() {
    let index = LoopbackIndex::start();
    let boom = "this must not run";
    index.add([
        Sdist::new("app", "1.0")
            .requires("library")
            .failing(boom)
            .build(),
        Sdist::new("library", "2.0").failing(boom).build(),
    ]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    let run = context.run(["lock", "requirements.txt"]);
    run.expect_code(0);
    assert!(!run.stderr.contains("building"), "{}", run.stderr);
    assert!(context.read("pylock.toml").contains("library-2.0.tar.gz"));
    let run = context.run(["build", "requirements.txt"]);
    run.expect_code(1);
    assert!(run.stderr.contains(boom), "{}", run.stderr);
}
