//! Whole builds: tiny sources with a backend of their own, run by a Python of this machine, which
//! these tests need; and repositories made by git.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use layerpress_fetch::git::{Commit, Repository};
use layerpress_fetch::{Event, Reporter, Store};
use layerpress_pack::{Level, compress, write_layer};
use layerpress_target::Target;
use layerpress_tree::{Entry, LayerPath, LayerTree, Mode, Sha256};
use tempfile::TempDir;
use url::Url;

use super::*;
use crate::lenient::Dependency;
use crate::wheel::{UnpackOptions, WheelFile, unpack};

/// A backend in the source tree that needs nothing: it zips what `WHEEL` of its settings says.
const BACKEND: &str = r#"
import hashlib, base64, os, zipfile

NAME, VERSION, TAG = "tiny", "1.0", "py3-none-any"
FILES = {"tiny.py": b"x = 1\n"}

def metadata():
    return ("Metadata-Version: 2.1\nName: %s\nVersion: %s\nRequires-Dist: six\n" % (NAME, VERSION)).encode()

def build_wheel(folder, config_settings=None, metadata_directory=None):
    info = "%s-%s.dist-info" % (NAME, VERSION)
    files = dict(FILES)
    files[info + "/METADATA"] = metadata()
    files[info + "/WHEEL"] = ("Wheel-Version: 1.0\nTag: %s\n" % TAG).encode()
    record = ""
    for path, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record += "%s,sha256=%s,%d\n" % (path, digest, len(data))
    files[info + "/RECORD"] = (record + info + "/RECORD,,\n").encode()
    name = "%s-%s-%s.whl" % (NAME, VERSION, TAG)
    with zipfile.ZipFile(os.path.join(folder, name), "w", zipfile.ZIP_DEFLATED, compresslevel=1) as wheel:
        for path, data in files.items():
            wheel.writestr(path, data)
    return name
"#;

const PYPROJECT: &str =
    "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n";

/// Meets no requirement.
struct Nothing;

impl BuildRequirements for Nothing {
    fn wheels<'a>(
        &'a self,
        _: &'a str,
        requirements: &'a [Dependency],
        _: &'a Interpreter,
    ) -> BoxFuture<'a, Result<Vec<RequiredWheel>, RequirementsError>> {
        let message = format!("there is no `{}`", requirements[0]);
        async {
            Err(RequirementsError {
                message,
                hint: None,
            })
        }
        .boxed()
    }
}

#[derive(Debug, Default)]
struct Events(Mutex<Vec<Event>>);

impl Reporter for Events {
    fn report(&self, event: Event) {
        self.0.lock().expect("no panic").push(event);
    }
}

/// A store and all else that builds are made with.
struct World {
    folder: TempDir,
    store: Store,
    events: Events,
    candidates: Candidates,
    variables: BTreeMap<OsString, OsString>,
    budget: Duration,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let variables: BTreeMap<_, _> = std::env::vars_os().collect();
        let path = variables.get(OsStr::new("PATH")).expect("a PATH");
        Self {
            store: Store::open(&folder.path().join("store")).expect("store"),
            events: Events::default(),
            candidates: Candidates {
                path_folders: std::env::split_paths(path).collect(),
                ..Candidates::default()
            },
            variables,
            budget: Duration::from_secs(60),
            folder,
        }
    }

    fn builder(&self) -> Builder<'_> {
        Builder {
            store: &self.store,
            reporter: &self.events,
            candidates: &self.candidates,
            requirements: &Nothing,
            variables: &self.variables,
            temporary: self.folder.path(),
            budget: self.budget,
        }
    }

    /// Puts a zip of `files` into the store.
    fn sdist(&self, files: &[(&str, &str)]) -> Sha256 {
        let mut tree = LayerTree::new();
        for (path, text) in files {
            let path = LayerPath::new(&format!("tiny-1.0/{path}")).expect("valid");
            let content = compress(text.as_bytes(), Level::Fast);
            let mode = Mode::File;
            tree.insert(path, Entry { mode, content }).expect("once");
        }
        let mut zip = Vec::new();
        write_layer(&tree, &mut zip).expect("written to memory");
        self.store.put_archive(&zip[..]).expect("stored").digest
    }

    async fn wheel(&self, digest: Sha256, target: &str) -> Result<BuiltWheel, BuildError> {
        let target = parse_target(target);
        let request = Request {
            label: "tiny 1.0",
            ..request(archive(digest), &target)
        };
        self.builder().wheel(&request).await
    }

    /// The error of a build with `backend` for the machine that this is not.
    async fn error(&self, backend: &str) -> String {
        let foreign = match std::env::consts::ARCH {
            "x86_64" => "arm64",
            _ => "x86_64",
        };
        let digest = self.sdist(&[("pyproject.toml", PYPROJECT), ("backend.py", backend)]);
        let error = self
            .wheel(digest, &format!("python3.13 {foreign}"))
            .await
            .expect_err("an error");
        let hint = error.hint().map(|hint| format!("\nhint: {hint}"));
        let text = format!("{error}{}", hint.unwrap_or_default());
        text.replace(std::env::consts::ARCH, "[host]")
            .replace(foreign, "[other]")
    }

    fn builds(&self) -> usize {
        let events = self.events.0.lock().expect("no panic");
        let started = |event: &&Event| matches!(event, Event::BuildStarted { .. });
        events.iter().filter(started).count()
    }
}

fn parse_target(text: &str) -> Target {
    let (runtime, arch) = text.split_once(' ').expect("two words");
    Target {
        runtime: runtime.parse().expect("exists"),
        arch: arch.parse().expect("exists"),
    }
}

fn archive(digest: Sha256) -> Source<'static> {
    Source::Archive {
        file_name: "tiny-1.0.zip",
        digest,
        subdirectory: None,
    }
}

fn request<'a>(source: Source<'a>, target: &'a Target) -> Request<'a> {
    Request {
        label: "tiny",
        name: None,
        version: None,
        source,
        target,
        config_settings: &[],
    }
}

#[tokio::test]
async fn a_pure_wheel_is_built_once_for_every_target() {
    let world = World::new();
    let digest = world.sdist(&[("pyproject.toml", PYPROJECT), ("backend.py", BACKEND)]);
    let first = world
        .wheel(digest, "python3.13 arm64")
        .await
        .expect("built");
    assert_eq!(first.file_name, "tiny-1.0-py3-none-any.whl");
    let wheel = WheelFile {
        name: &first.file_name,
        digest: first.digest,
        archive: world.store.archive(first.digest).expect("stored"),
    };
    let tree = unpack(&wheel, &UnpackOptions::default(), &world.store).expect("a sound wheel");
    assert!(tree.tree.get("tiny.py").is_some());

    let again = world
        .wheel(digest, "python3.13 x86_64")
        .await
        .expect("kept");
    assert_eq!(
        (again.digest, again.cached, world.builds()),
        (first.digest, true, 1)
    );
    world.store.forget_archive(first.digest);
    let anew = world
        .wheel(digest, "python3.13 x86_64")
        .await
        .expect("built");
    assert_eq!(
        (anew.digest, anew.cached, world.builds()),
        (first.digest, false, 2)
    );
}

#[tokio::test]
async fn builds_that_fail_explain_themselves() {
    let world = World::new();
    let on = |line: &str| BACKEND.replace("def metadata", &format!("{line}\n\ndef metadata"));
    let raising =
        on("def get_requires_for_build_wheel(s=None): import sys; sys.exit('no pg_config')");
    insta::assert_snapshot!(world.error(&raising).await, @r"
    `tiny 1.0`: `get_requires_for_build_wheel of backend` failed (exit status: 1); what is compiled on this machine ([host]) would not run on python3.13 [other] either; it printed last:
      no pg_config
    hint: the PostgreSQL client's development files are needed; `psycopg2-binary` has wheels
    ");
    insta::assert_snapshot!(
        world.error(&on("def get_requires_for_build_wheel(s=None): return ['cython>=3']")).await,
        @"`tiny 1.0`: its build requirements cannot be met: there is no `cython>=3`"
    );
    insta::assert_snapshot!(
        world.error(&on("def get_requires_for_build_wheel(s=None): return 1")).await,
        @"`tiny 1.0`: its build backend `backend`: `get_requires_for_build_wheel` gave no list of strings"
    );
    insta::assert_snapshot!(world.error("").await, @"`tiny 1.0`: its build backend `backend`: `build_wheel` is missing");
    insta::assert_snapshot!(
        world.error("def build_wheel(*a): return '../tiny-1.0-py3-none-any.whl'").await,
        @"`tiny 1.0`: its build backend `backend`: `build_wheel` gave no name"
    );
    insta::assert_snapshot!(world.error("def build_wheel(*a): return 'x.whl'").await, @"`tiny 1.0`: its build backend `backend`: `build_wheel` did not write what it named");
    let compiled = BACKEND.replace("py3-none-any", "cp313-cp313-linux_riscv64");
    insta::assert_snapshot!(world.error(&compiled).await, @r"
    `tiny 1.0` comes as source, and a wheel built here does not fit python3.13 [other]: it is compiled on [host] for linux_riscv64
    hint: let a version come as a wheel that fits the target, or build on such a machine and name the wheel's file
    ");
}

#[tokio::test]
async fn a_hanging_build_is_stopped() {
    let world = World {
        budget: Duration::from_millis(700),
        ..World::new()
    };
    let error = world.error("import time; time.sleep(60)").await;
    assert!(error.contains("was stopped after"), "{error}");
}

#[tokio::test]
async fn another_package_than_asked_for_is_refused() {
    let world = World::new();
    let digest = world.sdist(&[("pyproject.toml", PYPROJECT), ("backend.py", BACKEND)]);
    let target = parse_target("python3.13 x86_64");
    let version = "1.1".parse().expect("valid");
    let wanted = Request {
        version: Some(&version),
        ..request(archive(digest), &target)
    };
    let error = world.builder().wheel(&wanted).await.expect_err("another");
    insta::assert_snapshot!(error, @"`tiny`: what was built calls itself `tiny 1.0`");
    let error = world
        .builder()
        .metadata(&wanted)
        .await
        .expect_err("another");
    insta::assert_snapshot!(error, @"`tiny`: what was built calls itself `tiny 1.0`");
}

#[tokio::test]
async fn metadata_by_the_cheapest_way() {
    let world = World::new();
    let target = parse_target("python3.13 x86_64");
    let prepare = format!(
        "{BACKEND}
def prepare_metadata_for_build_wheel(folder, config_settings=None):
    os.mkdir(os.path.join(folder, 'tiny-1.0.dist-info'))
    with open(os.path.join(folder, 'tiny-1.0.dist-info', 'METADATA'), 'wb') as file:
        file.write(metadata())
    return 'tiny-1.0.dist-info'
build_wheel = None
"
    );
    let info = "Metadata-Version: 2.2\nName: tiny\nVersion: 1.0\nRequires-Dist: six\n";
    let project =
        format!("{PYPROJECT}[project]\nname = 'tiny'\nversion = '1.0'\ndependencies = ['six']\n");
    let cases: [(&[(&str, &str)], usize); 4] = [
        (&[("PKG-INFO", info)], 0),
        (&[("pyproject.toml", &project)], 0),
        (
            &[("pyproject.toml", PYPROJECT), ("backend.py", &prepare)],
            1,
        ),
        (&[("pyproject.toml", PYPROJECT), ("backend.py", BACKEND)], 1),
    ];
    let mut expected = 0;
    for (files, builds) in cases {
        let source = archive(world.sdist(files));
        let request = request(source, &target);
        for _ in 0..2 {
            let metadata = world.builder().metadata(&request).await.expect("metadata");
            assert_eq!(metadata.version.to_string(), "1.0");
            assert_eq!(metadata.dependency_count(), 1);
        }
        expected += builds;
        assert_eq!(world.builds(), expected);
    }
}

#[tokio::test]
async fn a_folder_is_built_without_a_trace() {
    let world = World::new();
    let target = parse_target("python3.13 x86_64");
    let folder = tempfile::tempdir().expect("temporary folder");
    let noisy = format!("open('left-behind', 'w').close()\n{BACKEND}");
    fs::write(folder.path().join("pyproject.toml"), PYPROJECT).expect("written");
    fs::write(folder.path().join("backend.py"), noisy).expect("written");
    let request = request(Source::Folder(folder.path()), &target);
    let first = world.builder().wheel(&request).await.expect("built");
    assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 2);
    let again = world.builder().wheel(&request).await.expect("kept");
    assert_eq!((again.digest, again.cached), (first.digest, true));
    let changed = BACKEND.replace("x = 1", "x = 2");
    fs::write(folder.path().join("backend.py"), changed).expect("written");
    let changed = world.builder().wheel(&request).await.expect("built");
    assert_ne!(changed.digest, first.digest);
}

#[tokio::test]
async fn hostile_sources_write_nothing_outside() {
    let world = World::new();
    let target = parse_target("python3.13 x86_64");
    let digest = |bytes: &[u8]| world.store.put_archive(bytes).expect("stored").digest;
    let no_archive = archive(digest(b"<html>"));
    let error = world.builder().wheel(&request(no_archive, &target)).await;
    insta::assert_snapshot!(error.expect_err("no archive"), @"`tiny-1.0.zip` is neither a `.tar.gz` nor a `.zip`");
    let nothing = archive(world.sdist(&[("README", "")]));
    let error = world.builder().wheel(&request(nothing, &target)).await;
    insta::assert_snapshot!(error.expect_err("no project"), @"`tiny` has neither a `pyproject.toml` nor a `setup.py`");
    let outside = Source::Archive {
        file_name: "tiny-1.0.zip",
        digest: world.sdist(&[("README", "")]),
        subdirectory: Some("../.."),
    };
    let error = world.builder().wheel(&request(outside, &target)).await;
    insta::assert_snapshot!(error.expect_err("outside"), @"`tiny-1.0.zip`: the path `../..` leads out of the source tree");
}

#[tokio::test]
async fn tarballs_are_extracted_and_their_links_refused() {
    let world = World::new();
    let target = parse_target("python3.13 x86_64");
    let tarball = |link: bool| {
        let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut tar = tar::Builder::new(gzip);
        for (path, text) in [("pyproject.toml", PYPROJECT), ("backend.py", BACKEND)] {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o755);
            header.set_size(text.len() as u64);
            let path = format!("tiny-1.0/{path}");
            tar.append_data(&mut header, path, text.as_bytes())
                .expect("written to memory");
        }
        if link {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            tar.append_link(&mut header, "tiny-1.0/out", "/etc")
                .expect("written to memory");
        }
        let bytes = tar.into_inner().and_then(flate2::write::GzEncoder::finish);
        let stored = world
            .store
            .put_archive(&bytes.expect("written to memory")[..]);
        stored.expect("stored").digest
    };
    let source = |digest| Source::Archive {
        file_name: "tiny-1.0.tar.gz",
        digest,
        subdirectory: None,
    };
    let plain = request(source(tarball(false)), &target);
    world.builder().wheel(&plain).await.expect("built");
    let linked = request(source(tarball(true)), &target);
    let error = world.builder().wheel(&linked).await.expect_err("a link");
    insta::assert_snapshot!(error, @"`tiny-1.0.tar.gz`: `tiny-1.0/out` is a symbolic link to `/etc`");
}

#[tokio::test]
async fn without_a_python_it_is_said_how_to_name_one() {
    let mut world = World::new();
    world.candidates.path_folders = vec![PathBuf::from("/nonexistent")];
    let digest = world.sdist(&[("setup.py", "")]);
    let shown = |error: BuildError| format!("{error}\nhint: {}", error.hint().expect("a hint"));
    let error = world.wheel(digest, "python3.13 x86_64").await;
    insta::assert_snapshot!(shown(error.expect_err("none")), @r"
    no Python was found on this machine to build with
    hint: install Python 3.13, or name one with `--python`; or keep to wheels with `--only-binary :all:`
    ");
    world.candidates.request = Some("/bin/sh".to_owned());
    let error = world.wheel(digest, "python3.13 x86_64").await;
    insta::assert_snapshot!(shown(error.expect_err("no Python")), @r"
    `/bin/sh` is no Python that runs here
    hint: `--python` takes the path of an interpreter, a version such as `3.12`, or the name of a command
    ");
}

#[tokio::test]
async fn the_interpreter_that_was_asked_for() {
    let world = World::new();
    let found = find_interpreter(&world.candidates, (3, 13), &world.store)
        .await
        .expect("a Python");
    let (major, minor) = found.minor();
    for text in [
        format!("{major}.{minor}"),
        found.version().to_string(),
        found.executable().display().to_string(),
    ] {
        let candidates = Candidates {
            request: Some(text.clone()),
            ..world.candidates.clone()
        };
        let again = find_interpreter(&candidates, (3, 8), &world.store).await;
        assert_eq!(again.expect(&text).version(), found.version(), "{text}");
    }
    assert_eq!(found.machine(), std::env::consts::ARCH);
    assert!(!found.wheel_tags().is_empty());
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@b.example"])
        .args([
            "-c",
            "init.defaultBranch=main",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("git runs");
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
    String::from_utf8(output.stdout)
        .expect("text")
        .trim()
        .to_owned()
}

#[tokio::test]
async fn git_repositories() {
    let world = World::new();
    let folder = tempfile::tempdir().expect("temporary folder");
    let at = folder.path();
    fs::create_dir(at.join("sub")).expect("made");
    fs::write(at.join("sub/pyproject.toml"), PYPROJECT).expect("written");
    fs::write(at.join("sub/backend.py"), BACKEND).expect("written");
    git(at, &["init", "--quiet"]);
    git(at, &["add", "."]);
    git(at, &["commit", "--quiet", "-m", "one"]);
    let first = git(at, &["rev-parse", "HEAD"]);

    let url = Url::from_directory_path(at).expect("absolute");
    let repository = Repository {
        url: &url,
        variables: &world.variables,
        temporary: world.folder.path(),
        budget: world.budget,
    };
    let commit: Commit = first.parse().expect("a commit");
    let target = parse_target("python3.13 x86_64");
    let source = Source::Git {
        repository,
        commit: &commit,
        subdirectory: Some("sub"),
    };
    let built = world.builder().wheel(&request(source, &target)).await;
    assert_eq!(built.expect("built").file_name, "tiny-1.0-py3-none-any.whl");
}
