//! Packages from git repositories, end to end: the commit that was locked is what is built.

use std::fs;
use std::path::Path;
use std::process::Command;

use layerpress_tests::{BuiltPackage, Sdist, TestContext};

/// The request cannot be met.
const UNMET: i32 = 1;

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
    context.build(&[]);
    let lock = context.read("pylock.toml");
    assert!(lock.contains(&first), "{lock}");
    assert!(lock.contains("requested-revision = \"main\""), "{lock}");

    context.write("origin/module.py", "VERSION = 'later'\n");
    repository.git(&["commit", "-qam", "later"]);
    fs::remove_dir_all(context.cache()).expect("a cache that was made");
    let layer = context.build(&[]);
    assert_eq!(layer.text("python/tool/__init__.py"), "VERSION = \"1.0\"\n");
    let layer = context.build(&["--upgrade"]);
    assert_eq!(layer.text("python/tool/__init__.py"), "VERSION = 'later'\n");
    assert!(!context.read("pylock.toml").contains(&first));

    context.write(
        "requirements.txt",
        format!("--no-index\ntool @ {}@v1\n", repository.url()),
    );
    let layer = context.build(&[]);
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
    run.says(&["requirements.txt:2", "no branch, tag or commit `nowhere`"]);
}

#[test]
fn a_subdirectory_of_a_repository_is_the_project() {
    let context = TestContext::new();
    let outer = Sdist::new("outer", "1.0").build();
    context.unpack("origin/inner/part", &Sdist::new("part", "1.0").build());
    let repository = Repository::new(&context, "origin", &outer);
    let line = format!("{}#subdirectory=inner/part\n", repository.url());
    context.write("requirements.txt", format!("--no-index\n{line}"));
    let layer = context.build(&[]);
    layer.text("python/part/__init__.py");
    assert!(
        context
            .read("pylock.toml")
            .contains("subdirectory = \"inner/part\"")
    );
}

/// A git repository that holds an unpacked source distribution.
struct Repository {
    folder: std::path::PathBuf,
}

impl Repository {
    fn new(context: &TestContext, folder: &str, sdist: &BuiltPackage) -> Self {
        context.unpack(folder, sdist);
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
