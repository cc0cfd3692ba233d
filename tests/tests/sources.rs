//! `layerpress build` end to end: what comes from elsewhere than the one index, or must hold more
//! than a version: hashes, find-links, files, folders, repositories, several indexes, logins.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::thread;

use layerpress_tests::{
    BuiltPackage, IndexFeatures, Layer, LoopbackIndex, Run, Sdist, TestContext, Wheel,
};

/// The request cannot be met.
const UNMET: i32 = 1;
/// The input is wrong in itself.
const INPUT: i32 = 4;

#[test]
fn a_file_must_have_one_of_the_hashes_given() {
    let one = Wheel::new("app", "1.0").build();
    let other = Wheel::new("app", "1.0").tag("py3-none-manylinux_2_17_x86_64");
    let other = other.build();
    let index = index([one.clone(), other.clone()]);
    let context = TestContext::new().with_index(&index);
    let line = |digest: &str| format!("app==1.0 --hash=sha256:{digest}\n");

    context.write("requirements.txt", line(&"0".repeat(64)));
    let run = context.run(["build", "requirements.txt"]);
    run.expect_code(UNMET);
    let (found, given) = (other.sha256(), "0".repeat(64));
    let words = ["requirements.txt:1", "app 1.0", &given, &found];
    says(&run, &words);
    says(&run, &[&other.file_name, "127.0.0.1"]);
    assert_eq!(context.files(), ["requirements.txt"]);

    context.write("requirements.txt", line(&one.sha256()));
    build(&context, &[]);
    let lock = context.read("pylock.toml");
    assert!(lock.contains(&one.sha256()), "{lock}");
    assert!(!lock.contains(&other.sha256()), "{lock}");

    // The lock no longer meets the line: it pins another file.
    context.write("requirements.txt", line(&other.sha256()));
    let run = context.run(["build", "requirements.txt", "--locked"]);
    run.expect_code(UNMET);
    says(&run, &["requirements.txt:1", &one.file_name]);
    build(&context, &[]);
    assert!(context.read("pylock.toml").contains(&other.sha256()));
}

#[test]
fn hashes_that_an_index_does_not_tell_are_taken_from_the_bytes() {
    let wheel = Wheel::new("app", "1.0").build();
    let index = LoopbackIndex::with(IndexFeatures {
        hashes: false,
        ..IndexFeatures::default()
    });
    index.add([wheel.clone()]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    build(&context, &[]);
    assert!(context.read("pylock.toml").contains(&wheel.sha256()));

    let wrong = format!("app==1.0 --hash=sha256:{}\n", "0".repeat(64));
    context.write("requirements.txt", wrong);
    let run = context.run(["build", "requirements.txt"]);
    run.expect_code(INPUT);
    says(&run, &[&wheel.file_name, &wheel.sha256()]);
}

#[test]
fn a_transitive_dependency_needs_a_hash_too() {
    let app = Wheel::new("app", "1.0").requires("library").build();
    let line = format!("app==1.0 --hash=sha256:{}\n", app.sha256());
    let index = index([app, Wheel::new("library", "1.0").build()]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", line);
    let run = context.run(["build", "requirements.txt"]);
    run.expect_code(UNMET);
    says(&run, &["app 1.0 needs library", "hint: add library"]);
}

#[test]
fn a_folder_of_files_is_enough() {
    let context = TestContext::new();
    let wheel = Wheel::new("app", "1.0").requires("library").build();
    put(&context, "wheels", &wheel);
    put(&context, "wheels", &Sdist::new("library", "2.0").build());
    context.write("requirements.txt", "--no-index\n--find-links wheels\napp\n");
    let layer = build(&context, &[]);
    assert_eq!(
        layer.text("python/library/__init__.py"),
        "VERSION = \"2.0\"\n"
    );
    let lock = context.read("pylock.toml");
    assert!(lock.contains(&wheel.sha256()), "{lock}");
    assert!(
        lock.contains("path = \"wheels/app-1.0-py3-none-any.whl\""),
        "{lock}"
    );
}

#[test]
fn a_missing_folder_in_a_variable_is_no_trouble() {
    let index = index([Wheel::new("app", "1.0").build()]);
    let context = TestContext::new()
        .with_index(&index)
        .with_variable("PIP_FIND_LINKS", "/nonexistent/wheels");
    context.write("requirements.txt", "app\n");
    let run = context.run(["build", "requirements.txt"]);
    run.expect_code(0);
    assert!(!run.stderr.contains("nonexistent"), "{}", run.stderr);
}

#[test]
fn archives_named_by_url_and_path_are_pinned() {
    let wheel = Wheel::new("app", "1.0").build();
    let sdist = Sdist::new("source", "1.0").build();
    let index = index([wheel.clone(), sdist.clone()]);
    let context = TestContext::new().with_index(&index);
    let local = Wheel::new("local", "1.0").build();
    put(&context, "files", &local);
    context.write(
        "requirements.txt",
        format!(
            "{}\nsource @ {}\n./files/{}\n",
            index.file_url(&wheel.file_name),
            index.file_url(&sdist.file_name),
            local.file_name,
        ),
    );
    let layer = build(&context, &[]);
    for module in ["app", "source", "local"] {
        layer.text(&format!("python/{module}/__init__.py"));
    }
    let lock = context.read("pylock.toml");
    for package in [&wheel, &sdist, &local] {
        assert!(lock.contains(&package.sha256()), "{lock}");
    }
    assert!(!lock.contains("hashes = {}"), "{lock}");
}

#[test]
fn a_local_wheel_that_was_built_again_is_locked_again() {
    let context = TestContext::new();
    let text = |text: &str| {
        Wheel::new("local", "1.0")
            .file("local/text.py", text)
            .build()
    };
    put(&context, ".", &text("A = 1\n"));
    context.write(
        "requirements.txt",
        "--no-index\n./local-1.0-py3-none-any.whl\n",
    );
    build(&context, &[]);
    put(&context, ".", &text("A = 2\n"));
    let run = context.run(["build", "requirements.txt", "--locked"]);
    run.expect_code(UNMET);
    says(&run, &["requirements.txt:2", "not the one that was locked"]);
    let layer = build(&context, &[]);
    assert_eq!(layer.text("python/local/text.py"), "A = 2\n");
}

#[test]
fn a_folder_is_built_as_it_is_now() {
    let index = index([Wheel::new("library", "1.0").build()]);
    let context = TestContext::new().with_index(&index);
    let project = Sdist::new("project", "0.1").requires("library").build();
    unpack(&context, "project", &project);
    context.write("requirements.txt", "-e ./project\n");
    let before = tree(&context, "project");
    let layer = build(&context, &[]);
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
    let layer = build(&context, &["--locked"]);
    assert_eq!(
        layer.text("python/project/__init__.py"),
        "VERSION = 'changed'\n"
    );
}

#[test]
fn a_project_comes_along_when_asked_for() {
    let index = index([Wheel::new("library", "1.0").build()]);
    let context = TestContext::new().with_index(&index);
    let project = Sdist::new("project", "0.1").requires("library").build();
    unpack(&context, ".", &project);
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
fn a_target_that_the_project_does_not_admit_is_refused() {
    let index = index([Wheel::new("library", "1.0").build()]);
    let context = TestContext::new().with_index(&index);
    context.write(
        "pyproject.toml",
        "[project]\nname = \"app\"\nversion = \"1\"\nrequires-python = \">=3.11,<3.13\"\n\
         dependencies = [\"library\"]\n",
    );
    let run = context.run(["build", "pyproject.toml", "--runtime", "python3.13"]);
    run.expect_code(UNMET);
    says(
        &run,
        &["pyproject.toml:4", ">=3.11,<3.13", "--runtime python3.12"],
    );
    context
        .run(["build", "pyproject.toml", "--runtime", "python3.12"])
        .expect_code(0);
}

#[test]
fn a_repository_is_built_at_the_commit_that_was_locked() {
    let context = TestContext::new();
    let repository = Repository::new(&context, "origin", &Sdist::new("tool", "1.0").build());
    repository.git(&["tag", "v1"]);
    let first = repository.git(&["rev-parse", "HEAD"]);
    context.write(
        "requirements.txt",
        format!("--no-index\ntool @ {}@main\n", repository.url()),
    );
    build(&context, &[]);
    let lock = context.read("pylock.toml");
    assert!(lock.contains(&first), "{lock}");
    assert!(lock.contains("requested-revision = \"main\""), "{lock}");

    context.write("origin/module.py", "VERSION = 'later'\n");
    repository.git(&["commit", "-qam", "later"]);
    fs::remove_dir_all(context.cache()).expect("a cache that was made");
    let layer = build(&context, &[]);
    assert_eq!(layer.text("python/tool/__init__.py"), "VERSION = \"1.0\"\n");
    let layer = build(&context, &["--upgrade"]);
    assert_eq!(layer.text("python/tool/__init__.py"), "VERSION = 'later'\n");
    assert!(!context.read("pylock.toml").contains(&first));

    context.write(
        "requirements.txt",
        format!("--no-index\ntool @ {}@v1\n", repository.url()),
    );
    let layer = build(&context, &[]);
    assert_eq!(layer.text("python/tool/__init__.py"), "VERSION = \"1.0\"\n");
}

#[test]
fn a_reference_that_does_not_exist_is_named() {
    let context = TestContext::new();
    let repository = Repository::new(&context, "origin", &Sdist::new("tool", "1.0").build());
    let line = format!("tool @ {}@nowhere\n", repository.url());
    context.write("requirements.txt", format!("--no-index\n{line}"));
    let run = context.run(["build", "requirements.txt"]);
    run.expect_code(UNMET);
    says(
        &run,
        &["requirements.txt:2", "no branch, tag or commit `nowhere`"],
    );
}

#[test]
fn a_subdirectory_of_a_repository_is_the_project() {
    let context = TestContext::new();
    let outer = Sdist::new("outer", "1.0").build();
    unpack(
        &context,
        "origin/inner/part",
        &Sdist::new("part", "1.0").build(),
    );
    let repository = Repository::new(&context, "origin", &outer);
    let line = format!("{}#subdirectory=inner/part\n", repository.url());
    context.write("requirements.txt", format!("--no-index\n{line}"));
    let layer = build(&context, &[]);
    layer.text("python/part/__init__.py");
    assert!(
        context
            .read("pylock.toml")
            .contains("subdirectory = \"inner/part\"")
    );
}

#[test]
fn the_first_index_that_has_the_name_gives_it() {
    let inside = index([Wheel::new("private", "1.0").build()]);
    let outside = index([
        Wheel::new("private", "99.0").build(),
        Wheel::new("public", "1.0").build(),
    ]);
    let context = TestContext::new().with_index(&outside);
    let inside_url = inside.url();
    context.write("requirements.txt", "private\npublic\n");
    let layer = build(&context, &["--extra-index-url", &inside_url]);
    assert_eq!(
        layer.text("python/private/__init__.py"),
        "VERSION = \"1.0\"\n"
    );
    let asked = outside.requests();
    assert!(
        asked
            .iter()
            .all(|request| !request.path.contains("private")),
        "the name of a private package went out: {asked:?}"
    );

    let both = ["--extra-index-url", &inside_url, "--upgrade"];
    let best = [&both[..], &["--index-strategy", "unsafe-best-match"]].concat();
    let layer = build(&context, &best);
    assert_eq!(
        layer.text("python/private/__init__.py"),
        "VERSION = \"99.0\"\n"
    );
}

#[test]
fn a_package_with_an_index_of_its_own_comes_from_nowhere_else() {
    let inside = index([Wheel::new("private", "1.0").build()]);
    let outside = index([Wheel::new("private", "99.0").build()]);
    let context = TestContext::new().with_index(&outside);
    context.write(
        "pyproject.toml",
        format!(
            "[project]\nname = \"app\"\nversion = \"1\"\ndependencies = [\"private\"]\n\
             [[tool.uv.index]]\nname = \"inside\"\nurl = \"{}\"\nexplicit = true\n\
             [tool.uv.sources]\nprivate = {{ index = \"inside\" }}\n",
            inside.url()
        ),
    );
    context
        .run(["build", "pyproject.toml", "-o", "out.zip"])
        .expect_code(0);
    let layer = context.layer("out.zip");
    assert_eq!(
        layer.text("python/private/__init__.py"),
        "VERSION = \"1.0\"\n"
    );
    assert_eq!(outside.requests(), []);
}

#[test]
fn a_machine_without_python_builds_wheels_and_says_what_sources_need() {
    let index = index([
        Wheel::new("app", "1.0").build(),
        Sdist::new("source", "1.0").build(),
    ]);
    let context = TestContext::new()
        .with_index(&index)
        .with_variable("PATH", "/nonexistent")
        .with_variable("PYENV_ROOT", "/nonexistent");
    context.write("requirements.txt", "app\n");
    build(&context, &[]);
    context.write("requirements.txt", "source\n");
    let run = context.run(["build", "requirements.txt", "--runtime", "python3.13"]);
    if run.code == Some(0) {
        // A Python stands where programs are looked for without `PATH`.
        return;
    }
    run.expect_code(UNMET);
    says(&run, &["no Python", "Python 3.13", "--python"]);
}

#[test]
fn constraints_and_hashes_of_the_settings_count() {
    let index = index([
        Wheel::new("app", "1.0").build(),
        Wheel::new("app", "2.0").build(),
    ]);
    let context = TestContext::new()
        .with_index(&index)
        .with_variable("PIP_CONSTRAINT", "limits.txt");
    context.write("requirements.txt", "app\n");
    context.write("limits.txt", "app<2\nunused==7\n");
    let layer = build(&context, &[]);
    assert_eq!(layer.text("python/app/__init__.py"), "VERSION = \"1.0\"\n");
    fs::remove_file(context.folder().join("limits.txt")).expect("it was written");
    let run = context.run(["build", "requirements.txt"]);
    assert_ne!(run.code, Some(0));
    says(&run, &["limits.txt", "PIP_CONSTRAINT"]);

    let context = TestContext::new()
        .with_index(&index)
        .with_variable("PIP_REQUIRE_HASHES", "1");
    context.write("requirements.txt", "app==1.0\n");
    let run = context.run(["build", "requirements.txt"]);
    run.expect_code(INPUT);
    says(&run, &["requirements.txt:1", "hash"]);
}

#[test]
fn the_proxy_of_pips_settings_is_used() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    let asked = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("the rest of a request");
            asked.push(byte[0]);
        }
        let answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        stream.write_all(answer).expect("a listener");
        String::from_utf8_lossy(&asked).into_owned()
    });
    let context = TestContext::new()
        .with_variable("NO_PROXY", "")
        .with_variable("no_proxy", "")
        .with_variable("PIP_PROXY", &format!("user:s3cret@127.0.0.1:{port}"))
        .with_variable("PIP_INDEX_URL", "http://index.example/simple");
    context.write("requirements.txt", "app\n");
    let run = context.run(["build", "requirements.txt", "-v"]);
    run.expect_code(UNMET);
    assert!(!run.stderr.contains("s3cret"), "{}", run.stderr);
    let asked = asked.join().expect("the proxy ended");
    assert!(
        asked.starts_with("GET http://index.example/simple/app/ "),
        "{asked}"
    );
    let login = "proxy-authorization: basic";
    assert!(asked.to_ascii_lowercase().contains(login), "{asked}");
}

#[test]
fn a_password_is_written_nowhere() {
    let index = LoopbackIndex::with(IndexFeatures {
        login: Some(("user".to_owned(), "s3cret".to_owned())),
        ..IndexFeatures::default()
    });
    let wheel = Wheel::new("app", "1.0").build();
    index.add([wheel.clone()]);
    let context = TestContext::new();
    let url = index.url_with_login("user", "s3cret");
    let file = index
        .file_url(&wheel.file_name)
        .replace("http://", "http://user:s3cret@");
    for requirements in [
        format!("--index-url {url}\napp\n"),
        format!("--no-index\n{file}\n"),
        format!("--no-index\napp @ {file}\n"),
        format!("--index-url {url}\napp==2\n"),
        format!("--no-index\n{file}x\n"),
    ] {
        context.write("requirements.txt", &requirements);
        for arguments in [&["-v"][..], &["--json"]] {
            let run = context.run(["build", "requirements.txt"].iter().chain(arguments));
            let told = format!("{}{}", run.raw_stdout, run.stderr);
            assert!(!told.contains("s3cret"), "{told}");
        }
        for file in context.files() {
            let text = fs::read(context.folder().join(&file)).expect("a file that was listed");
            let text = String::from_utf8_lossy(&text);
            assert!(
                file == "requirements.txt" || !text.contains("s3cret"),
                "{file}: {text}"
            );
        }
        let _ = fs::remove_file(context.folder().join("pylock.toml"));
    }
}

/// Builds the context's requirements for the newest runtime but one, and opens the layer.
fn build(context: &TestContext, options: &[&str]) -> Layer {
    let arguments = [
        "build",
        "requirements.txt",
        "-o",
        "out.zip",
        "--runtime",
        "python3.13",
    ];
    context.run(arguments.iter().chain(options)).expect_code(0);
    context.layer("out.zip")
}

fn index(packages: impl IntoIterator<Item = BuiltPackage>) -> LoopbackIndex {
    let index = LoopbackIndex::start();
    index.add(packages);
    index
}

fn says(run: &Run, words: &[&str]) {
    for word in words {
        assert!(run.stderr.contains(word), "no `{word}` in:\n{}", run.stderr);
    }
}

/// Writes an archive into a folder.
fn put(context: &TestContext, folder: &str, package: &BuiltPackage) {
    context.write(&format!("{folder}/{}", package.file_name), &package.bytes);
}

/// Unpacks a source distribution's content into a folder.
fn unpack(context: &TestContext, folder: &str, sdist: &BuiltPackage) {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&sdist.bytes[..]));
    for entry in archive.entries().expect("a tar archive") {
        let mut entry = entry.expect("an entry");
        let path = entry.path().expect("a path").into_owned();
        let inner = path.components().skip(1).collect::<std::path::PathBuf>();
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut content).expect("its bytes");
        context.write(&format!("{folder}/{}", inner.display()), content);
    }
}

/// The files below a folder.
fn tree(context: &TestContext, folder: &str) -> Vec<String> {
    let prefix = format!("{folder}/");
    let mut files = context.files();
    files.retain(|file| file.starts_with(&prefix));
    files
}

/// A git repository that holds an unpacked source distribution.
struct Repository {
    folder: std::path::PathBuf,
}

impl Repository {
    fn new(context: &TestContext, folder: &str, sdist: &BuiltPackage) -> Self {
        unpack(context, folder, sdist);
        let repository = Self {
            folder: context.folder().join(folder),
        };
        repository.git(&["init", "-q", "-b", "main"]);
        repository.git(&["add", "."]);
        repository.git(&["commit", "-qm", "first"]);
        repository
    }

    fn url(&self) -> String {
        format!("git+file://{}", Path::new(&self.folder).display())
    }

    /// Runs git there; its output, trimmed.
    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .arg("-C")
            .arg(&self.folder)
            .args(["-c", "user.name=test", "-c", "user.email=test@test.example"])
            .args(["-c", "commit.gpgsign=false"])
            .args(arguments)
            .output()
            .expect("git is installed");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
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
    let index = index([
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
    says(&run, &["`app 2.0` comes as source", "`--only-binary app`"]);
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
    let index = index([
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
    says(
        &run,
        &["manylinux_2_28", "glibc 2.26", "`--only-binary app`", "1.0"],
    );
    context
        .run(target.iter().chain(&["--only-binary", "app"]))
        .expect_code(0);
    assert!(context.read("pylock.toml").contains("version = \"1.0\""));
}
