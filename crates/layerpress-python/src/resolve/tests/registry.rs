//! The provider for package indexes, on a folder of tiny wheels and source distributions.

use std::path::Path;
use std::str::FromStr as _;
use std::sync::{Arc, Mutex};

use insta::assert_snapshot;
use layerpress_fetch::{Client, ClientOptions, Silent, Store};
use layerpress_target::{Arch, Runtime, Target};
use layerpress_tree::Sha256;
use pep508_rs::PackageName;
use sha2::Digest as _;
use tempfile::TempDir;
use url::Url;

use crate::Metadata;
use crate::index::{FindLinks, Registry, RegistryOptions};
use crate::manifest::{BuildPolicy, Environment, Manifest, read_requirements};
use crate::resolve::{
    Artifact, FaultKind, Place, Project, ProvideError, RegistryProvider, Request, Resolution,
    ResolveError, SdistBuilder, Told, resolve,
};
use crate::wheel::testing::TestWheel;

/// A folder of files, and what is asked of it.
struct World {
    folder: TempDir,
    policy: BuildPolicy,
    arch: Arch,
    builder: Option<Arc<Builds>>,
    hashed: bool,
}

/// A builder that knows the answers beforehand and writes down what it was asked.
#[derive(Debug, Default)]
struct Builds {
    metadata: String,
    asked: Mutex<Vec<String>>,
}

impl SdistBuilder for Builds {
    fn metadata(&self, project: Project) -> Told<'_> {
        let place = match &project.place {
            Place::Archive { file_name, .. } => file_name.clone(),
            Place::Folder(path) => path.file_name().unwrap().to_string_lossy().into_owned(),
            Place::Git { repository, .. } => repository.to_string(),
        };
        self.asked.lock().unwrap().push(place);
        let metadata = Metadata::parse(self.metadata.as_bytes()).map(Arc::new);
        let commit = matches!(project.place, Place::Git { .. }).then(|| "abc".to_owned());
        Box::pin(async move {
            metadata
                .map(|metadata| (metadata, commit))
                .map_err(|error| ProvideError {
                    kind: FaultKind::Build,
                    hint: None,
                    source: Arc::new(error),
                })
        })
    }
}

impl World {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            policy: BuildPolicy::default(),
            arch: Arch::X86_64,
            builder: None,
            hashed: false,
        }
    }

    /// Lists the files on a page that gives their hashes, not in a folder.
    fn hashed(mut self) -> Self {
        self.hashed = true;
        self
    }

    fn sha256(&self, name: &str) -> String {
        let bytes = std::fs::read(self.path().join(name)).unwrap();
        Sha256(sha2::Sha256::digest(&bytes).into()).hex()
    }

    fn find_links(&self) -> FindLinks {
        if !self.hashed {
            return FindLinks::Folder(self.path().to_owned());
        }
        let page = self.path().join("links.html");
        let mut links = String::new();
        for entry in std::fs::read_dir(self.path()).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.contains("-1") {
                links += &format!(
                    "<a href=\"{name}#sha256={}\">{name}</a>\n",
                    self.sha256(&name)
                );
            }
        }
        std::fs::write(&page, links).unwrap();
        FindLinks::Url(Url::from_file_path(page).unwrap())
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Adds a wheel; `requires` become its dependencies.
    fn wheel(self, file_name: &str, requires: &[&str]) -> Self {
        let mut parts = file_name.split('-');
        let (name, version) = (parts.next().unwrap(), parts.next().unwrap());
        let requires = requires
            .iter()
            .map(|line| format!("Requires-Dist: {line}\n"));
        let metadata = format!(
            "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{}",
            requires.collect::<String>()
        );
        let wheel = TestWheel::versioned(name, version)
            .named(file_name)
            .info("METADATA", &metadata);
        self.file(file_name, &wheel.bytes())
    }

    fn file(self, name: &str, bytes: &[u8]) -> Self {
        std::fs::write(self.path().join(name), bytes).unwrap();
        self
    }

    fn building(mut self, metadata: &str) -> Self {
        self.builder = Some(Arc::new(Builds {
            metadata: metadata.to_owned(),
            asked: Mutex::default(),
        }));
        self
    }

    fn built(&self) -> Vec<String> {
        let builder = self.builder.as_ref().unwrap();
        builder.asked.lock().unwrap().clone()
    }

    fn manifest(&self, text: &str) -> Manifest {
        let path = self.path().join("requirements.txt");
        std::fs::write(&path, text).unwrap();
        read_requirements(&path, &Environment::default(), &|_| unreachable!()).unwrap()
    }

    fn run(&self, text: &str) -> Result<Resolution<Artifact>, ResolveError> {
        let cache = tempfile::tempdir().unwrap();
        let target = Target {
            runtime: Runtime::from_str("python3.13").unwrap(),
            arch: self.arch,
        };
        let manifest = self.manifest(text);
        let mut policy = manifest.build.clone();
        if self.policy != BuildPolicy::default() {
            policy = self.policy.clone();
        }
        let client = Client::new(
            ClientOptions::default(),
            Store::open(cache.path()).unwrap(),
            Arc::new(Silent),
        );
        let options = RegistryOptions {
            no_index: true,
            find_links: vec![self.find_links()],
            ..RegistryOptions::default()
        };
        let registry = Arc::new(Registry::new(options, client));
        let builder = self
            .builder
            .clone()
            .map(|builder| builder as Arc<dyn SdistBuilder>);
        let provider = RegistryProvider::new(registry, target, policy, builder);
        let request = Request::new(&manifest, &target).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(resolve(request, Arc::new(provider)))
    }

    /// `a==1 (a-1-py3-none-any.whl)` for each package, or the error with its hint.
    fn answer(&self, text: &str) -> String {
        match self.run(text) {
            Ok(resolution) => {
                let line = |package: &crate::resolve::Resolved<Artifact>| {
                    let file = match &package.file {
                        Artifact::Listed(listed) => listed.installed.file_name.clone(),
                        Artifact::Fixed(fixed) => match (&fixed.record, &fixed.commit) {
                            (Some(record), _) => format!("fixed {}", record.file_name),
                            (None, Some(commit)) => format!("commit {commit}"),
                            (None, None) => "folder".to_owned(),
                        },
                    };
                    format!("{}=={} ({file})", package.name, package.version)
                };
                let lines: Vec<String> = resolution.packages.iter().map(line).collect();
                lines.join("\n")
            }
            Err(error) => {
                let hint = error.hint().map(|hint| format!("\nhint: {hint}"));
                let text = format!("{error}{}", hint.unwrap_or_default());
                text.replace(&*self.path().to_string_lossy(), "/project")
            }
        }
    }
}

const SDIST: &str = "Metadata-Version: 2.1\nName: a\nVersion: 1\nRequires-Dist: b\n";

#[test]
fn the_best_wheel_for_the_target_is_installed() {
    let world = World::new()
        .wheel("a-1-py3-none-any.whl", &["b"])
        .wheel("a-1-cp313-cp313-manylinux_2_17_x86_64.whl", &["b"])
        .wheel("a-1-cp313-cp313-manylinux_2_28_x86_64.whl", &["b"])
        .wheel("a-1-cp313-cp313-win_amd64.whl", &["b"])
        .wheel("a-2-cp312-cp312-manylinux_2_17_x86_64.whl", &[])
        .wheel("b-1-1-py3-none-any.whl", &[])
        .wheel("b-1-2-py3-none-any.whl", &[]);
    assert_snapshot!(world.answer("a"), @r#"
    a==1 (a-1-cp313-cp313-manylinux_2_28_x86_64.whl)
    b==1 (b-1-2-py3-none-any.whl)
    "#);
    let resolution = world.run("a").unwrap();
    let Artifact::Listed(a) = &resolution.packages[0].file else {
        panic!("a is on the index");
    };
    let files = a.usable_files();
    let names: Vec<&str> = files.iter().map(|file| &*file.file_name).collect();
    assert_eq!(
        names,
        [
            "a-1-cp313-cp313-manylinux_2_28_x86_64.whl",
            "a-1-cp313-cp313-manylinux_2_17_x86_64.whl",
            "a-1-py3-none-any.whl",
        ]
    );
}

#[test]
fn a_file_without_one_of_the_users_hashes_is_not_taken() {
    let world = World::new()
        .wheel("a-1-py3-none-any.whl", &["b ; os_name == 'nt'"])
        .wheel("a-1-cp313-cp313-manylinux_2_17_x86_64.whl", &[])
        .wheel("a-1-cp313-cp313-manylinux_2_28_x86_64.whl", &[])
        .hashed();
    let pure = world.sha256("a-1-py3-none-any.whl");
    let line = format!("a==1 --hash=sha256:{pure} --hash=sha256:{}", "0".repeat(64));
    assert_snapshot!(world.answer(&line), @"a==1 (a-1-py3-none-any.whl)");
    let resolution = world.run(&line).unwrap();
    let Artifact::Listed(a) = &resolution.packages[0].file else {
        panic!("a is on the page");
    };
    let files = a.usable_files();
    assert_eq!(files.len(), 1, "a lock may name no other file: {files:?}");

    let line = format!("a==1 --hash=sha256:{}", "0".repeat(64));
    let answer = world.answer(&line).replace(&"0".repeat(64), "…");
    let newest = world.sha256("a-1-cp313-cp313-manylinux_2_28_x86_64.whl");
    let answer = answer.replace(&newest, "…");
    assert_snapshot!(answer, @r"
    a requirement cannot be met for python3.13 x86_64:
      /project/requirements.txt:1 asks for `a==1 --hash=sha256:…`
      a 1 has no file with a hash that you give: `a-1-cp313-cp313-manylinux_2_28_x86_64.whl` has `sha256:…` (`file:///project/a-1-cp313-cp313-manylinux_2_28_x86_64.whl`)
    hint: compare the hashes given for a with those on the index; each file has its own
    ");
}

#[test]
fn an_archive_that_a_line_names_is_pinned_by_its_bytes() {
    let world = World::new().wheel("a-1-py3-none-any.whl", &[]);
    let digest = world.sha256("a-1-py3-none-any.whl");
    let fixed = |text: &str| {
        let resolution = world.run(text).unwrap();
        let Artifact::Fixed(a) = &resolution.packages[0].file else {
            panic!("a is named outright");
        };
        a.stored.map(|stored| stored.hex())
    };
    assert_eq!(fixed("./a-1-py3-none-any.whl"), Some(digest.clone()));
    let zeros = "0".repeat(64);
    let several = format!("./a-1-py3-none-any.whl --hash=sha256:{zeros}");
    assert_eq!(
        fixed(&format!("{several} --hash=sha256:{digest}")),
        Some(digest.clone())
    );
    let ones = "1".repeat(64);
    let wrong = world.answer(&format!("{several} --hash=sha256:{ones}"));
    let wrong = wrong.replace(&zeros, "0…").replace(&ones, "1…");
    assert_snapshot!(wrong.replace(&digest, "…"), @"/project/requirements.txt:1 `./a-1-py3-none-any.whl --hash=sha256:0… --hash=sha256:1…`: `a-1-py3-none-any.whl`: its `sha256:…` is none of the hashes given");
}

#[test]
fn a_wheel_for_another_platform_tells_what_the_source_needs() {
    let world = World::new()
        .wheel("a-1-cp313-cp313-win_amd64.whl", &["b"])
        .file("a-1.tar.gz", b"never opened")
        .wheel("b-1-py3-none-any.whl", &[])
        .building(SDIST);
    assert_snapshot!(world.answer("a"), @r#"
    a==1 (a-1.tar.gz)
    b==1 (b-1-py3-none-any.whl)
    "#);
    assert!(world.built().is_empty());
}

#[test]
fn a_source_distribution_is_built_only_where_nothing_else_tells() {
    let world = World::new()
        .file("a-1.tar.gz", &gzipped_tarball("a-1/setup.py", b"setup()"))
        .wheel("b-1-py3-none-any.whl", &[])
        .building(SDIST);
    assert_snapshot!(world.answer("a"), @r#"
    a==1 (a-1.tar.gz)
    b==1 (b-1-py3-none-any.whl)
    "#);
    assert_eq!(world.built(), ["a-1.tar.gz"]);

    let told = "Metadata-Version: 2.2\nName: a\nVersion: 1\n";
    let world = World::new()
        .file(
            "a-1.tar.gz",
            &gzipped_tarball("a-1/PKG-INFO", told.as_bytes()),
        )
        .building(SDIST);
    assert_snapshot!(world.answer("a"), @"a==1 (a-1.tar.gz)");
    assert!(world.built().is_empty());
}

#[test]
fn without_builds_the_reason_is_given() {
    let world = World::new().file("a-1.tar.gz", &gzipped_tarball("a-1/setup.py", b""));
    assert_snapshot!(world.answer("a"), @r#"
    a 1: only building it would tell what it needs, and builds are switched off
    hint: allow builds, or ask for a version that has a wheel
    "#);
    assert_snapshot!(world.answer("--only-binary :all:\na"), @r#"
    a requirement cannot be met for python3.13 x86_64:
      /project/requirements.txt:2 asks for `a`
      a 1 has no wheel, and building it is switched off
    hint: allow a to be built: it only comes as source
    "#);
    let world = World::new().wheel("a-1-py3-none-any.whl", &[]);
    assert_snapshot!(world.answer("--no-binary a\na"), @r#"
    a requirement cannot be met for python3.13 x86_64:
      /project/requirements.txt:2 asks for `a`
      a 1 has no source distribution, and its wheels are switched off
    hint: allow wheels for a
    "#);
}

#[test]
fn other_platforms_are_listed_when_none_fits() {
    let mut world = World::new()
        .wheel("psycopg2-2.9-cp313-cp313-win_amd64.whl", &[])
        .wheel("psycopg2-2.9-cp312-cp312-win32.whl", &[]);
    world.arch = Arch::Arm64;
    assert_snapshot!(world.answer("psycopg2"), @r#"
    a requirement cannot be met for python3.13 arm64:
      /project/requirements.txt:1 asks for `psycopg2`
      psycopg2 2.9 has no wheel for the target
    hint: psycopg2 2.9 has wheels for Windows only; `psycopg2-binary` ships wheels; no version of psycopg2 can be used on python3.13 arm64
    "#);
}

#[test]
fn files_folders_and_repositories_are_looked_into() {
    let world = World::new()
        .wheel("a-2-py3-none-any.whl", &["b"])
        .wheel("b-1-py3-none-any.whl", &[])
        .wheel("c-1-cp312-cp312-win_amd64.whl", &[])
        .file("a-1.tar.gz", b"never opened")
        .building(SDIST);
    let own = |name: &str| format!("{}/{name}", world.path().display());
    std::fs::create_dir(own("project")).unwrap();
    std::fs::write(own("project/pyproject.toml"), "").unwrap();
    assert_snapshot!(world.answer(&own("a-2-py3-none-any.whl")), @r#"
    a==2 (fixed a-2-py3-none-any.whl)
    b==1 (b-1-py3-none-any.whl)
    "#);
    assert_snapshot!(world.answer(&format!("a @ file://{}", own("a-1.tar.gz"))), @r#"
    a==1 (fixed a-1.tar.gz)
    b==1 (b-1-py3-none-any.whl)
    "#);
    assert_snapshot!(world.answer(&format!("-e {}", own("project"))), @r#"
    a==1 (folder)
    b==1 (b-1-py3-none-any.whl)
    "#);
    assert_snapshot!(world.answer("a @ git+https://git.example/a.git@main"), @r#"
    a==1 (commit abc)
    b==1 (b-1-py3-none-any.whl)
    "#);
    assert_snapshot!(world.answer(&own("c-1-cp312-cp312-win_amd64.whl")), @"/project/requirements.txt:1 `/project/c-1-cp312-cp312-win_amd64.whl`: `c-1-cp312-cp312-win_amd64.whl` does not fit python3.13 x86_64");
    assert_snapshot!(world.answer("wrong @ git+https://git.example/a.git"), @r#"
    /project/requirements.txt:1 `wrong @ git+https://git.example/a.git`: the package there is called `a`
    hint: write `a @ …` instead
    "#);
    assert_eq!(
        world.built(),
        [
            "a-1.tar.gz",
            "project",
            "https://git.example/a.git",
            "https://git.example/a.git"
        ]
    );
}

#[test]
fn hashes_choose_among_the_files_of_a_release() {
    let world = World::new()
        .wheel("a-1-cp313-cp313-manylinux_2_28_x86_64.whl", &[])
        .wheel("a-1-py3-none-any.whl", &[]);
    let name: PackageName = "a".parse().unwrap();
    let other = format!("a==1 --hash=sha256:{}", "0".repeat(64));
    let resolution = world.run(&other).unwrap();
    assert_eq!(resolution.packages[0].name, name);
    // A folder gives no hashes: whether they hold is seen when the file is read.
    assert_snapshot!(world.answer(&other), @"a==1 (a-1-cp313-cp313-manylinux_2_28_x86_64.whl)");
}

/// A `.tar.gz` with one file.
fn gzipped_tarball(path: &str, contents: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut header = [0u8; 512];
    header[..path.len()].copy_from_slice(path.as_bytes());
    header[100..107].copy_from_slice(b"0000644");
    header[124..135].copy_from_slice(format!("{:011o}", contents.len()).as_bytes());
    header[136..147].copy_from_slice(b"00000000000");
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&header).unwrap();
    encoder.write_all(contents).unwrap();
    encoder
        .write_all(&vec![0; 1024 + (512 - contents.len() % 512) % 512])
        .unwrap();
    encoder.finish().unwrap()
}
