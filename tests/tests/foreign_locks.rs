//! Lockfiles of other tools as inputs: the same pins give the same layer, whoever wrote them down.

use std::fs;
use std::path::Path;

use layerpress_tests::{BuiltPackage, LoopbackIndex, TestContext, Wheel};

fn packages() -> Vec<BuiltPackage> {
    vec![
        Wheel::new("app", "1.0").requires("library").build(),
        Wheel::new("library", "1.0").build(),
        Wheel::new("queue", "1.0").build(),
        Wheel::new("tool", "1.0").build(),
    ]
}

/// What is locked: `app` and what it needs, `queue` as an extra, `tool` for developers.
fn locks(packages: &[BuiltPackage]) -> [(&'static str, String); 5] {
    let [app, library, queue, tool] = packages else {
        panic!("four packages are locked");
    };
    let hash = |package: &BuiltPackage| format!("sha256:{}", package.sha256());
    let uv = |package: &BuiltPackage, rest: &str| {
        format!(
            "[[package]]\nname = '{name}'\nversion = '1.0'\nsource = {{ registry = 'https://i.example/simple' }}\n\
             {rest}wheels = [{{ url = 'https://files.example/{file}', hash = '{hash}' }}]\n",
            name = package.name,
            file = package.file_name,
            hash = hash(package),
        )
    };
    let listed = |package: &BuiltPackage, rest: &str| {
        format!(
            "[[package]]\nname = '{name}'\nversion = '1.0'\n{rest}\
             files = [{{ file = '{file}', hash = '{hash}' }}]\n",
            name = package.name,
            file = package.file_name,
            hash = hash(package),
        )
    };
    let needs_library = "[package.dependencies]\nlibrary = '*'\n";
    let poetry_21 = [
        listed(app, "groups = ['main']\n") + needs_library,
        listed(library, "groups = ['main']\n"),
        listed(queue, "groups = ['main']\nmarkers = \"extra == 'jobs'\"\n"),
        listed(tool, "groups = ['dev']\n"),
        "[extras]\njobs = ['queue']\n[metadata]\nlock-version = '2.1'\n".to_owned(),
    ];
    let poetry_20 = [
        listed(app, "") + needs_library,
        listed(library, ""),
        listed(queue, ""),
        listed(tool, ""),
        "[extras]\njobs = ['queue']\n[metadata]\nlock-version = '2.0'\n".to_owned(),
    ];
    let pdm = [
        "[metadata]\ngroups = ['default', 'jobs', 'dev']\nlock_version = '4.5.0'\n".to_owned(),
        listed(app, "groups = ['default']\ndependencies = ['library']\n"),
        listed(library, "groups = ['default']\n"),
        listed(queue, "groups = ['jobs']\n"),
        listed(tool, "groups = ['dev']\n"),
    ];
    let pipfile = serde_json::json!({
        "_meta": { "pipfile-spec": 6, "requires": { "python_version": "3.13" }, "sources": [] },
        "default": {
            "app": { "version": "==1.0", "hashes": [hash(app)] },
            "library": { "version": "==1.0", "hashes": [hash(library)] },
        },
        "jobs": { "queue": { "version": "==1.0", "hashes": [hash(queue)] } },
        "develop": { "tool": { "version": "==1.0", "hashes": [hash(tool)] } },
    });
    let uv_lock = [
        "version = 1\nrequires-python = '>=3.9'\n".to_owned(),
        "[[package]]\nname = 'project'\nversion = '1'\nsource = { virtual = '.' }\n\
         dependencies = [{ name = 'app' }]\n\
         [package.optional-dependencies]\njobs = [{ name = 'queue' }]\n\
         [package.dev-dependencies]\ndev = [{ name = 'tool' }]\n"
            .to_owned(),
        uv(app, "dependencies = [{ name = 'library' }]\n"),
        uv(library, ""),
        uv(queue, ""),
        uv(tool, ""),
    ];
    [
        ("uv.lock", uv_lock.concat()),
        ("poetry.lock", poetry_21.concat()),
        ("poetry.lock", poetry_20.concat()),
        ("pdm.lock", pdm.concat()),
        ("Pipfile.lock", pipfile.to_string()),
    ]
}

const MANIFEST: &str = "[project]\nname = 'project'\nversion = '1'\ndependencies = ['app']\n\
                        [project.optional-dependencies]\njobs = ['queue']\n";

fn build(context: &TestContext, input: &str, more: &[&str]) -> serde_json::Value {
    let arguments = [
        "build",
        input,
        "--runtime",
        "python3.13",
        "--json",
        "-o",
        "layer.zip",
    ];
    let run = context.run(arguments.iter().chain(more));
    run.expect_code(0);
    run.json()["layers"][0].clone()
}

fn names(layer: &serde_json::Value) -> Vec<&str> {
    let packages = layer["packages"].as_array().expect("packages");
    packages
        .iter()
        .filter_map(|it| it["name"].as_str())
        .collect()
}

#[test]
fn a_lock_of_another_tool_is_for_building_alone() {
    let packages = packages();
    let index = LoopbackIndex::start();
    index.add(packages.clone());
    for (name, text) in locks(&packages) {
        let context = TestContext::new().with_index(&index);
        context.write(name, &text);
        context.write("pyproject.toml", MANIFEST);
        for option in [&["--upgrade"][..], &["--upgrade-package", "app"]] {
            let run = context.run(["build", name].iter().chain(option));
            run.expect_code(2);
            run.says(&[name, "no version in it moves"]);
        }
        let run = context.run(["lock", name]);
        run.expect_code(2);
        run.says(&[name, "nothing to lock"]);
        // The manifest beside it is another matter, and what the folder means to `lock`.
        context.run(["lock", "."]).expect_code(0);
        assert!(context.read("pylock.toml").contains("app"), "{name}");
        assert_eq!(context.read(name), text);
        let run = context.run(["build", "pyproject.toml", "-o", "layer.zip"]);
        run.expect_code(0);
        run.says(&["`pylock.toml` is taken", name, "passed over"]);
    }
}

#[test]
fn every_lock_of_the_same_pins_gives_the_same_bytes() {
    let packages = packages();
    let index = LoopbackIndex::start();
    index.add(packages.clone());
    let expected = {
        let context = TestContext::new().with_index(&index);
        context.write("requirements.txt", "app==1.0\n");
        build(&context, "requirements.txt", &[])
    };
    for (name, text) in locks(&packages) {
        let context = TestContext::new().with_index(&index);
        context.write(name, &text);
        context.write("pyproject.toml", MANIFEST);
        let layer = build(&context, name, &[]);
        assert_eq!(names(&layer), ["app", "library"], "{name}");
        assert_eq!(layer["sha256"], expected["sha256"], "{name}");
        assert_eq!(
            context.read(name),
            text,
            "a lock of another tool is never rewritten"
        );
        assert!(!context.files().contains(&"pylock.toml".to_owned()));
        let again = build(&context, name, &["--offline"]);
        assert_eq!(
            again["sha256"], expected["sha256"],
            "{name}: nobody is asked again"
        );
    }
}

#[test]
fn extras_and_groups_are_what_the_tool_calls_so() {
    let packages = packages();
    let index = LoopbackIndex::start();
    index.add(packages.clone());
    for (name, text) in locks(&packages) {
        let context = TestContext::new().with_index(&index);
        context.write(name, &text);
        context.write("pyproject.toml", MANIFEST);
        let more = match name {
            "Pipfile.lock" => ["--group", "jobs"],
            _ => ["--extra", "jobs"],
        };
        let layer = build(&context, name, &more);
        assert_eq!(names(&layer), ["app", "library", "queue"], "{name}");
        let without = build(&context, name, &["--exclude", "library"]);
        assert_eq!(names(&without), ["app"], "{name}");
    }
}

#[test]
fn a_folder_is_built_from_the_lock_of_its_own_tool() {
    let packages = packages();
    let index = LoopbackIndex::start();
    index.add(packages.clone());
    let [(_, uv), (_, poetry), ..] = locks(&packages);
    let context = TestContext::new().with_index(&index);
    context.write("pyproject.toml", MANIFEST);
    context.write("uv.lock", uv);
    let run = context.run(["build", ".", "--runtime", "python3.13"]);
    run.expect_code(0);
    assert!(!context.files().contains(&"pylock.toml".to_owned()));
    context.write("poetry.lock", poetry);
    let run = context.run(["build", ".", "--runtime", "python3.13"]);
    run.expect_code(0);
    assert!(
        run.stderr
            .contains("`./uv.lock` is taken, and `./poetry.lock` is passed over"),
        "{}",
        run.stderr
    );
}

#[test]
fn what_a_lock_lacks_is_told() {
    let packages = packages();
    let index = LoopbackIndex::start();
    index.add(packages.clone());
    let [_, _, (name, old), ..] = locks(&packages);
    let context = TestContext::new().with_index(&index);
    context.write(name, &old);
    let run = context.run(["build", name]);
    run.expect_code(4);
    insta::assert_snapshot!(run.stderr, @r"
    error: poetry.lock: it does not say which packages are for production
    hint: put the `pyproject.toml` that it was locked from beside it, or lock again with a newer release of its tool
    ");

    // Another file than the one that was locked stands on the index.
    let [_, (_, poetry), _, _, (_, pipfile)] = locks(&packages);
    let other = LoopbackIndex::start();
    other.add([
        Wheel::new("app", "1.0").file("app/more.py", "").build(),
        packages[1].clone(),
    ]);
    let context = TestContext::new().with_index(&other);
    context.write("Pipfile.lock", &pipfile);
    let run = context.run(["build", "Pipfile.lock"]);
    run.expect_code(4);
    run.says(&[
        "error: Pipfile.lock: app: `http://127.0.0.1:",
        &packages[0].file_name,
        "has sha256:",
        "and the lock lists sha256:",
        &packages[0].sha256(),
        "A file that was replaced there is not installed",
    ]);
    context.write("poetry.lock", &poetry);
    let run = context.run(["build", "poetry.lock"]);
    run.expect_code(4);
    assert!(run.stderr.contains(&packages[0].sha256()), "{}", run.stderr);

    // Or nothing of that version.
    let empty = LoopbackIndex::start();
    empty.add([Wheel::new("app", "2.0").build(), packages[1].clone()]);
    let context = TestContext::new().with_index(&empty);
    context.write("poetry.lock", &poetry);
    let run = context.run(["build", "poetry.lock"]);
    run.expect_code(1);
    insta::assert_snapshot!(run.stderr, @r"
    error: poetry.lock: app: the index has no 1.0, which the lock pins
    hint: `--index-url` or `--extra-index-url` names the index that the lock was made from
    ");
    assert!(context.files().iter().all(|file| !file.ends_with(".zip")));
}

#[test]
fn a_cache_that_was_filled_elsewhere_serves_offline() {
    let packages = packages();
    let index = LoopbackIndex::start();
    index.add(packages.clone());
    for (name, text) in locks(&packages) {
        let files = |context: &TestContext| {
            context.write(name, &text);
            context.write("pyproject.toml", MANIFEST);
        };
        let filled = TestContext::new().with_index(&index);
        files(&filled);
        let target = ["--runtime", "python3.13", "-o", "layer.zip"];
        let extra = match name {
            "Pipfile.lock" => ["--group", "jobs"],
            _ => ["--extra", "jobs"],
        };
        let fetch = ["fetch", name, "--runtime", "python3.13"];
        filled.run(fetch.iter().chain(&extra)).expect_code(0);
        index.forget_requests();
        let expected = build(&filled, name, &extra);
        assert!(index.requests().is_empty(), "{name}: all is there");

        // The store on another machine: another path, other times, no index that anybody names.
        let copy = TestContext::new();
        copy_folder(filled.cache(), &copy.folder().join("copied/cache"));
        let cache = copy.folder().join("copied/cache");
        let copy = copy.sharing_cache(&cache);
        files(&copy);
        let build = ["build", name, "--offline", "--locked", "--json"];
        let run = copy.run(build.iter().chain(&target).chain(&extra));
        run.expect_code(0);
        let layer = run.json()["layers"][0].clone();
        assert_eq!(layer["sha256"], expected["sha256"], "{name}");
        assert!(index.requests().is_empty(), "{name}");

        // Without it, everything that is missing is named.
        let cold = TestContext::new();
        files(&cold);
        let run = cold.run(build.iter().chain(&target));
        run.expect_code(3);
        for package in &packages[..2] {
            let shown = match name {
                "Pipfile.lock" => format!("{} 1.0", package.name),
                _ => package.file_name.clone(),
            };
            assert!(run.stderr.contains(&shown), "{name}: {}", run.stderr);
        }
        assert!(!run.stderr.contains("tool"), "{name}: {}", run.stderr);
    }
}

/// Copies a folder; every file is as new as its copy.
fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        match path.is_dir() {
            true => copy_folder(&path, &to),
            false => drop(fs::copy(&path, &to).expect("a copy")),
        }
    }
}
