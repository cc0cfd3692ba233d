//! Projects resolved against a registry on the loopback address.

mod ahead;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use layerpress_fetch::ClientOptions;
use layerpress_tree::LayerPath;
use tempfile::TempDir;

use super::*;
use crate::registry::tests::server::{Server, ok, status};
use crate::registry::tests::{client, options};
use crate::{ResolveOptions, resolve};

/// A project on the disk, its registry and its cache.
struct Bed {
    server: Server,
    folder: TempDir,
    cache: TempDir,
}

impl Bed {
    fn new(package_json: &str) -> Self {
        let bed = Self {
            server: Server::start(),
            folder: tempfile::tempdir().expect("writable"),
            cache: tempfile::tempdir().expect("writable"),
        };
        bed.write("package.json", package_json);
        bed
    }

    fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a file")).expect("writable");
        fs::write(path, bytes).expect("writable");
    }

    async fn resolved(&self) -> Result<crate::Resolution, ResolveError> {
        let text = fs::read(self.folder.path().join("package.json")).expect("readable");
        let package = PackageJson::parse("package.json", &text).expect("a package.json");
        let options = ResolveOptions {
            node: Version::strict("22.11.0").expect("a version"),
            registry: options(&self.server),
        };
        let client = client(self.cache.path(), ClientOptions::default());
        let resolved = resolve(self.folder.path(), package, &options, &client).await;
        client.settle();
        resolved
    }

    /// The tree, or why there is none.
    async fn shown(&self) -> String {
        let mut text = String::new();
        match self.resolved().await {
            Ok(resolution) => {
                for placed in resolution.tree.packages.iter().skip(1) {
                    let manifest = &placed.manifest;
                    let version = manifest.version.as_deref().unwrap_or("-");
                    let _ = write!(text, "{} {version}", placed.location);
                    if let Some(target) = &placed.link {
                        let _ = write!(text, " -> {target}");
                    }
                    let resolved = manifest.tarball.as_deref().unwrap_or_default();
                    if !resolved.starts_with(self.server.url.as_str())
                        || resolved.contains("/files/")
                    {
                        let _ = write!(text, " {resolved}");
                    }
                    text.push_str(if placed.is_inert { " inert\n" } else { "\n" });
                }
            }
            Err(error) => {
                let hint = error.hint().unwrap_or_default();
                let _ = write!(text, "{error}\nhint: {hint}\n{:?}\n", error.kind());
            }
        }
        text.replace(self.server.url.as_str(), "http://r.example/")
            .replace(&self.folder.path().display().to_string(), "/project")
    }
}

/// A tarball of one file, `package/package.json`.
fn tarball(package_json: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut header = tar::Header::new_ustar();
    header.set_size(package_json.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    tar.append_data(&mut header, "package/package.json", package_json.as_bytes())
        .expect("in memory");
    tar.into_inner()
        .and_then(GzEncoder::finish)
        .expect("in memory")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_package_is_asked_for_once() {
    let bed = Bed::new(
        r#"{"dependencies": {"a": "^1", "four": "npm:d@4.0.0"}, "devDependencies": {"e": "latest"}}"#,
    );
    bed.server.package(
        "a",
        &[
            ("1.0.0", r#""dependencies": {"b": "^1", "@s/c": "~2.1"}"#),
            ("1.2.0", r#""dependencies": {"b": "^1", "@s/c": "~2.1"}"#),
        ],
    );
    bed.server.package("b", &[("1.0.0", r#""peerDependencies": {"e": "*", "never": "*"}, "peerDependenciesMeta": {"never": {"optional": true}}"#)]);
    bed.server.package(
        "@s/c",
        &[
            ("2.1.3", r#""dependencies": {"b": "1.0.0"}"#),
            ("2.2.0", ""),
        ],
    );
    bed.server.package("d", &[("4.0.0", ""), ("5.0.0", "")]);
    bed.server.package("e", &[("1.0.0", ""), ("2.0.0-rc", "")]);
    let tree = "node_modules/@s/c 2.1.3\nnode_modules/a 1.2.0\nnode_modules/b 1.0.0\nnode_modules/e 2.0.0-rc\nnode_modules/four 4.0.0\n";
    assert_eq!(bed.shown().await, tree);
    // Documents of single versions may be looked ahead at, or cut off by the end of the first tree.
    let packuments = || {
        let asked = bed.server.asked().into_iter();
        let whole = asked.filter(|path| !path.contains(".0.0"));
        whole.collect::<Vec<String>>()
    };
    assert_eq!(packuments(), ["/@s%2fc", "/a", "/b", "/d", "/e", "/never"]);
    assert_eq!(bed.shown().await, tree);
    assert_eq!(packuments(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lockfile_gives_is_not_asked_for() {
    let bed = Bed::new(r#"{"dependencies": {"a": "^1", "b": "^1"}}"#);
    bed.server
        .package("a", &[("1.0.0", r#""dependencies": {"c": "^1"}"#)]);
    bed.server.package("b", &[("1.0.0", "")]);
    bed.server.package("c", &[("1.0.0", "")]);
    let before = bed.resolved().await.expect("a tree");
    let style = crate::package_lock::Style::default();
    let text = crate::package_lock::write(&before.project, &before.tree, "x", &style);
    let lock = crate::package_lock::read("lock", text.as_bytes()).expect("a lockfile");
    bed.server.asked();
    let client = client(
        tempfile::tempdir().expect("writable").path(),
        ClientOptions::default(),
    );
    let registry = Registry::new(options(&bed.server), client);
    let node = Version::strict("22.11.0").expect("a version");
    let desk = Desk::new(bed.folder.path(), registry, node);
    let asked = PackageJson::parse(
        "package.json",
        br#"{"dependencies": {"a": "^1", "b": "*", "d": "1"}}"#,
    );
    let project = desk
        .project(asked.expect("a package.json"))
        .expect("a project");
    bed.server
        .package("d", &[("1.0.0", r#""dependencies": {"e": "*"}"#)]);
    bed.server.package("e", &[("1.0.0", "")]);
    let tree = crate::place::ideal_tree_from(&project, &lock, &crate::place::Update::None, &desk);
    let tree = desk.build(&project, tree).await.expect("a tree");
    assert_eq!(tree.packages.len(), 6);
    assert_eq!(bed.server.asked(), ["/d", "/e"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pins_are_read_from_their_own_documents() {
    let bed = Bed::new(r#"{"dependencies": {"a": "1.0.0", "b": "=2.0.0"}}"#);
    bed.server.put(
        "/a/1.0.0",
        ok(r#"{"name": "a", "version": "1.0.0", "dist": {"tarball": "https://t.example/a.tgz"}}"#),
    );
    bed.server.package("b", &[("2.0.0", ""), ("3.0.0", "")]);
    assert_eq!(
        bed.shown().await,
        "node_modules/a 1.0.0 https://t.example/a.tgz\nnode_modules/b 2.0.0\n"
    );
    assert_eq!(bed.server.asked(), ["/a/1.0.0 full", "/b", "/b/2.0.0 full"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_left_out_only_where_it_is_optional() {
    let bed = Bed::new(r#"{"optionalDependencies": {"missing": "1", "a": "1"}}"#);
    bed.server
        .package("a", &[("1.0.0", r#""dependencies": {"expres": "^4"}"#)]);
    assert_eq!(
        bed.shown().await,
        "node_modules/a 1.0.0 inert\nnode_modules/a/node_modules/expres -  inert\nnode_modules/missing -  inert\n"
    );

    let bed = Bed::new(r#"{"dependencies": {"expres": "^4", "express": "^4"}}"#);
    bed.server.package("express", &[("4.0.0", "")]);
    insta::assert_snapshot!(bed.shown().await, @r"
    the project needs expres@^4, which cannot be had: expres: `http://r.example/` has no such package
    hint: did you mean `express`?
    None
    ");

    let bed = Bed::new(r#"{"dependencies": {"lodahs": "^4"}}"#);
    bed.server.put(
        "/-/v1/search?text=lodahs&size=10",
        ok(r#"{"objects": [{"package": {"name": "lodash-es"}}, {"package": {"name": "lodash"}}]}"#),
    );
    insta::assert_snapshot!(bed.shown().await, @r"
    the project needs lodahs@^4, which cannot be had: lodahs: `http://r.example/` has no such package
    hint: did you mean `lodash`?
    None
    ");

    let bed = Bed::new(r#"{"dependencies": {"a": "^2"}}"#);
    bed.server.package("a", &[("1.0.0", ""), ("3.0.0", "")]);
    insta::assert_snapshot!(bed.shown().await, @r"
    the project needs a@^2, which cannot be had: a: no version is `^2`
    hint: the nearest are `3.0.0`, `1.0.0`
    None
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_registry_leaves_nothing_out() {
    let bed = Bed::new(r#"{"optionalDependencies": {"a": "1"}, "dependencies": {"b": "1"}}"#);
    bed.server.package("b", &[("1.0.0", "")]);
    bed.server.put("/a", status(503));
    insta::assert_snapshot!(bed.shown().await, @r"
    a: `http://r.example/a`: the server failed (503)
    hint: try again later; what was fetched already stays in the cache
    Some(Network)
    ");
    bed.server.put("/a", status(401));
    insta::assert_snapshot!(bed.shown().await, @r"
    a: `http://r.example/a`: the server asks for a user name and password (401)
    hint: give a token in `.npmrc`: `//HOST/PATH/:_authToken=TOKEN`, as `npm login` does
    Some(Network)
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn tarballs_come_from_addresses_and_the_disk() {
    let bed = Bed::new("{}");
    let address = bed.server.url("/files/remote-1.tgz");
    bed.write("package.json", format!(r#"{{"dependencies": {{"remote": "{address}", "local": "file:./packed/local.tgz", "lost": "file:lost.tgz"}}}}"#));
    let remote = r#"{"name": "remote", "version": "1.0.0", "dependencies": {"a": "*"}, "devDependencies": {"x": "catalog:"}}"#;
    bed.server.put("/files/remote-1.tgz", ok(tarball(remote)));
    bed.server.package("a", &[("1.0.0", "")]);
    bed.write(
        "packed/local.tgz",
        tarball(r#"{"name": "local", "bin": "x.js"}"#),
    );
    insta::assert_snapshot!(bed.shown().await, @r"
    the project needs lost@file:lost.tgz, which cannot be had: /project/lost.tgz: there is no such file
    hint: paths in package.json are relative to its folder
    Some(Input)
    ");
    bed.write("lost.tgz", "no tarball");
    insta::assert_snapshot!(bed.shown().await, @r"
    the project needs lost@file:lost.tgz, which cannot be had: `lost.tgz`: not a gzip or tar archive
    hint: the tarball is not what `npm pack` makes; take another version
    Some(Input)
    ");
    bed.write(
        "lost.tgz",
        tarball(r#"{"name": "found", "version": "3.0.0"}"#),
    );
    insta::assert_snapshot!(bed.shown().await, @r"
    node_modules/a 1.0.0
    node_modules/local - file:packed/local.tgz
    node_modules/lost 3.0.0 file:lost.tgz
    node_modules/remote 1.0.0 http://r.example/files/remote-1.tgz
    ");
    let resolution = bed.resolved().await.expect("a tree");
    let local = resolution
        .tree
        .packages
        .iter()
        .find(|placed| &*placed.name == "remote");
    let integrity = local.and_then(|placed| placed.manifest.integrity.as_deref());
    assert!(integrity.is_some_and(|text| text.starts_with("sha512-") && text.len() == 95));
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_and_workspaces_are_linked() {
    let bed = Bed::new(
        r#"{"workspaces": {"packages": ["packages/*", "!packages/not"]}, "dependencies": {"near": "file:./near/", "bare": "file:bare"}}"#,
    );
    bed.write(
        "packages/one/package.json",
        r#"{"name": "@w/one", "version": "1.0.0", "dependencies": {"two": "^2", "a": "1"}}"#,
    );
    bed.write(
        "packages/two/package.json",
        r#"{"name": "two", "version": "2.0.0"}"#,
    );
    bed.write("packages/not/package.json", r#"{"name": "two"}"#);
    bed.server.package("a", &[("1.0.0", "")]);
    bed.write(
        "near/package.json",
        r#"{"name": "named", "version": "1.0.0"}"#,
    );
    fs::create_dir(bed.folder.path().join("bare")).expect("writable");
    insta::assert_snapshot!(bed.shown().await, @r"
    bare - 
    near 1.0.0 
    node_modules/@w/one 1.0.0 -> packages/one 
    node_modules/a 1.0.0
    node_modules/bare - -> bare 
    node_modules/near 1.0.0 -> near 
    node_modules/two 2.0.0 -> packages/two 
    packages/one 1.0.0 
    packages/two 2.0.0
    ");
    bed.write("packages/three/package.json", r#"{"name": "two"}"#);
    insta::assert_snapshot!(bed.shown().await, @r"
    package.json: `workspaces`: `packages/three` and `packages/two` are both called `two`
    hint: give each workspace a `name` of its own
    Some(Input)
    ");
    bed.write("packages/three/package.json", r#"{"name": 3}"#);
    insta::assert_snapshot!(bed.shown().await, @r"
    packages/three/package.json:1:10: `name`: expected a string, found `3`
    hint: see the documentation of package.json for this field
    Some(Input)
    ");
}

/// The folders that patterns name in a tree of packages.
fn found(patterns: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("writable");
    for path in [
        "a/x",
        "a/y",
        "a/.z",
        "a/x/node_modules/m",
        "b/deep/er",
        "b/deep",
        "@s/c",
        "d",
    ] {
        let path = folder.path().join(path);
        fs::create_dir_all(&path).expect("writable");
        fs::write(path.join("package.json"), "{}").expect("writable");
    }
    fs::create_dir(folder.path().join("a/empty")).expect("writable");
    fs::write(folder.path().join("a/file"), "").expect("writable");
    let patterns: Vec<Arc<str>> = patterns.iter().map(|pattern| Arc::from(*pattern)).collect();
    match workspaces::find(Path::new(folder.path()), &patterns) {
        Ok(found) => found
            .iter()
            .map(|(name, path)| format!("{name}={path}"))
            .collect::<Vec<_>>()
            .join(" "),
        Err(error) => error.to_string(),
    }
}

#[test]
fn workspaces_are_found_as_npm_finds_them() {
    // What `@npmcli/map-workspaces` 5 gives.
    let cases: [&[&str]; 13] = [
        &["a/*"],
        &["./a/*/", "d"],
        &["d", "a/*"],
        &["**"],
        &["b/**"],
        &["a/*", "!a/x"],
        &["a/*", "!a/*", "a/y"],
        &["!a/x", "a/*"],
        &["{a/x,b/deep}", "@s/*"],
        &["a/.*"],
        &["a/[xz]", "b/d??p"],
        &["nothing", "a/file", "a/empty"],
        &["b/deep/er", "b/*"],
    ];
    let shown: Vec<String> = cases
        .iter()
        .map(|patterns| format!("{patterns:?}: {}", found(patterns)))
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    ["a/*"]: x=a/x y=a/y
    ["./a/*/", "d"]: x=a/x y=a/y d=d
    ["d", "a/*"]: d=d x=a/x y=a/y
    ["**"]: @s/c=@s/c x=a/x y=a/y deep=b/deep er=b/deep/er d=d
    ["b/**"]: deep=b/deep er=b/deep/er
    ["a/*", "!a/x"]: y=a/y
    ["a/*", "!a/*", "a/y"]: x=a/x y=a/y
    ["!a/x", "a/*"]: y=a/y
    ["{a/x,b/deep}", "@s/*"]: x=a/x deep=b/deep @s/c=@s/c
    ["a/.*"]: .z=a/.z
    ["a/[xz]", "b/d??p"]: x=a/x deep=b/deep
    ["nothing", "a/file", "a/empty"]: 
    ["b/deep/er", "b/*"]: deep=b/deep er=b/deep/er
    "#);
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = std::process::Command::new("git")
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

/// All files at the top of a folder but git's own, and one of a package in it.
fn packing(folder: &Path) -> std::io::Result<Vec<(LayerPath, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            let name = entry.file_name().to_string_lossy().into_owned();
            files.push((LayerPath::new(&name).expect("plain"), entry.path()));
        }
    }
    Ok(files)
}

#[tokio::test(flavor = "multi_thread")]
async fn repositories_are_packed_by_commit() {
    let repository = tempfile::tempdir().expect("writable");
    let at = repository.path();
    git(at, &["init", "--quiet"]);
    let mut commits = Vec::new();
    for (version, tag) in [
        ("1.0.0", "v1.0.0"),
        ("1.2.0", "release-1.2.0"),
        ("2.0.0", "next"),
    ] {
        let text =
            format!(r#"{{"name": "g", "version": "{version}", "scripts": {{"prepare": "make"}}}}"#);
        fs::create_dir_all(at.join("sub")).expect("writable");
        fs::write(at.join("package.json"), text).expect("writable");
        fs::write(
            at.join("sub/package.json"),
            r#"{"name": "below", "version": "7.0.0"}"#,
        )
        .expect("writable");
        git(at, &["add", "."]);
        git(at, &["commit", "--quiet", "-m", version]);
        git(at, &["tag", "-a", tag, "-m", "annotated"]);
        commits.push(git(at, &["rev-parse", "HEAD"]));
    }
    git(at, &["branch", "next", &commits[0]]);
    let address = format!("git+file://{}", at.display());
    let commit = |at: usize| commits[at].as_str();
    let short = commit(1)[..9].to_owned();
    let cases = [
        ("", "2.0.0", commit(2)),
        ("#main", "2.0.0", commit(2)),
        ("#v1.0.0", "1.0.0", commit(0)),
        ("#semver:^1", "1.2.0", commit(1)),
        // Of a branch and a tag of one name, npm takes the tag.
        ("#next", "2.0.0", commit(2)),
        (&format!("#{short}"), "1.2.0", commit(1)),
        (&format!("#{}", commit(0)), "1.0.0", commit(0)),
        ("#semver:^1::path:sub", "7.0.0", commit(1)),
    ];
    let (cache, temporary) = (
        tempfile::tempdir().expect("writable"),
        tempfile::tempdir().expect("writable"),
    );
    let desk = || {
        let server = Server::start();
        let client = client(cache.path(), ClientOptions::default());
        let registry = Registry::new(options(&server), client);
        let node = Version::strict("22.11.0").expect("a version");
        Desk::new(at, registry, node).with_git(GitOptions {
            variables: std::env::vars_os().collect(),
            temporary: temporary.path().to_owned(),
            budget: std::time::Duration::from_secs(60),
            packing: Arc::new(packing),
        })
    };
    let mut archives = Vec::new();
    for (fragment, version, commit) in cases {
        let spec = Spec::parse("g", &format!("{address}{fragment}")).expect("a repository");
        let ask = Ask {
            name: "g",
            spec: &spec,
        };
        let manifest = desk().manifest(&ask).await.expect(fragment);
        assert_eq!(manifest.version.as_deref(), Some(version), "{fragment}");
        let folder = if fragment.contains("path") {
            "::path:sub"
        } else {
            ""
        };
        let resolved = format!("{address}#{commit}{folder}");
        assert_eq!(manifest.tarball.as_deref(), Some(resolved.as_str()));
        archives.push(desk().git_package(&resolved).await.expect(fragment).digest);
    }
    assert_eq!(archives[0], archives[1]);
    // What is packed once is there without the repository.
    fs::remove_dir_all(at).expect("removable");
    let again = desk()
        .git_package(&format!("{address}#{}", commit(2)))
        .await
        .expect("stored");
    assert!(again.cached && again.digest == archives[0]);
    let spec = Spec::parse("g", &format!("{address}#semver:^9")).expect("a repository");
    let ask = Ask {
        name: "g",
        spec: &spec,
    };
    let gone = desk();
    let project = Project::default();
    let lost = gone
        .build(&project, async { Ok(gone.manifest(&ask).await) })
        .await;
    assert_eq!(
        lost.expect_err("it is gone").kind(),
        Some(layerpress_fetch::ErrorKind::Network)
    );
}

/// How many blobs the cache holds in the folder of packuments.
fn kept(bed: &Bed) -> Vec<std::path::PathBuf> {
    let folders = fs::read_dir(bed.cache.path().join("packuments")).expect("there is one");
    let files =
        folders.flat_map(|it| fs::read_dir(it.expect("readable").path()).expect("readable"));
    let mut files: Vec<_> = files.map(|it| it.expect("readable").path()).collect();
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_remembered_for_as_long_as_what_they_follow_from() {
    let manifest = r#"{"dependencies": {"a": "^1"}, "optionalDependencies": {"gone": "1"}}"#;
    let bed = Bed::new(manifest);
    let dependency = ("1.0.0", r#""dependencies": {"b": "^1"}"#);
    bed.server.package("a", &[dependency]);
    bed.server.package("b", &[("1.0.0", "")]);
    let tree = "node_modules/a 1.0.0\nnode_modules/b 1.0.0\nnode_modules/gone -  inert\n";
    assert_eq!(bed.shown().await, tree);
    // Two packuments, one that is missing, and the answers.
    let all = kept(&bed);
    assert_eq!(all.len(), 4);
    // The answers do without the rest.
    let answers = all
        .iter()
        .max_by_key(|path| fs::metadata(path).expect("it is").len());
    let answers = answers.expect("there are four").clone();
    for path in all.iter().filter(|path| **path != answers) {
        fs::remove_file(path).expect("removed");
    }
    bed.server.asked();
    assert_eq!(bed.shown().await, tree);
    assert_eq!(bed.server.asked(), ["/gone"]);
    // They are for this project alone, and a damaged blob is no answer.
    bed.write("package.json", manifest.replace("\"gone\": \"1\"", ""));
    assert_eq!(
        bed.shown().await,
        "node_modules/a 1.0.0\nnode_modules/b 1.0.0\n"
    );
    assert_eq!(bed.server.asked(), ["/a", "/b"]);
    bed.write("package.json", manifest);
    fs::write(&answers, "no blob").expect("writable");
    assert_eq!(bed.shown().await, tree);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_must_be_asked_for_again_are_not_remembered() {
    let bed = Bed::new(r#"{"dependencies": {"a": "^1"}}"#);
    let publish = |version: &str| {
        let text = bed.server.packument("a", &[(version, "")]);
        bed.server
            .put("/a", ok(text).header("cache-control", "no-cache"));
    };
    publish("1.0.0");
    assert_eq!(bed.shown().await, "node_modules/a 1.0.0\n");
    assert_eq!(kept(&bed).len(), 1);
    // What a run fetched itself it may use again, and runs are told apart by the millisecond.
    tokio::time::sleep(Duration::from_millis(2)).await;
    publish("1.1.0");
    assert_eq!(bed.shown().await, "node_modules/a 1.1.0\n");
}
