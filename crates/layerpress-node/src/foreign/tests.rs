//! The fixtures in `lockfiles/foreign` were locked by the tools themselves; the rest is by hand.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use layerpress_target::{Arch, Target};
use proptest::prelude::*;

use super::*;
use crate::manifest::{Manifest, Pairs};
use crate::npmrc::Omit;
use crate::package_lock::{Pin, PinOptions, Resolved, pins};
use crate::source::WorkspaceError;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../lockfiles/foreign")
        .join(name)
}

/// Reads the lockfile in a fixture, with what lies beside it.
fn read_fixture(name: &str) -> Foreign {
    let folder = fixture(name);
    let there = |name: &&&str| folder.join(name).is_file();
    let file = ForeignFormat::FILE_NAMES
        .iter()
        .find(there)
        .expect("a lock");
    let text = fs::read(folder.join(file)).expect("a lock");
    let beside = Beside {
        files: &|file| fs::read(folder.join(file)).ok(),
        workspaces: &|globs| {
            let all = ["packages/a", "packages/b"]
                .iter()
                .filter(|_| !globs.is_empty());
            Ok(all.map(|it| ("".into(), Arc::from(*it))).collect())
        },
    };
    let format = ForeignFormat::of_file_name(file).expect("a format");
    match read(format, file, &text, &beside) {
        Ok(read) => read,
        Err(error) => panic!("{name}: {error}"),
    }
}

fn read_text(name: &str, text: &str, files: &[(&str, &str)]) -> Result<Foreign, ForeignLockError> {
    let find = |name: &str| {
        let found = files.iter().find(|(file, _)| *file == name);
        found.map(|(_, text)| text.as_bytes().to_vec())
    };
    let beside = Beside {
        files: &find,
        workspaces: &|_| Ok::<Pairs, WorkspaceError>(Pairs::new()),
    };
    let format = ForeignFormat::of_file_name(name).expect("a format");
    read(format, name, text.as_bytes(), &beside)
}

fn pins_of(foreign: &Foreign, dev: bool) -> Vec<Pin> {
    let options = PinOptions {
        target: Target {
            runtime: "nodejs22.x".parse().expect("a runtime"),
            arch: Arch::X86_64,
        },
        omit: (!dev).then_some(Omit::Dev).into_iter().collect(),
        exclude: Vec::new(),
    };
    let found = pins(&foreign.project, &foreign.lock, &|_| None, &options);
    found.unwrap_or_else(|error| panic!("{error}"))
}

fn shown(pins: &[Pin]) -> String {
    let line = |pin: &Pin| {
        let version = pin.version.as_deref().unwrap_or("local");
        let from = match &pin.resolved {
            Resolved::Registry => String::new(),
            other => format!(" {other:?}"),
        };
        format!("{} {}@{version}{from}\n", pin.location, pin.name)
    };
    pins.iter().map(line).collect()
}

/// Gives every package whose platforms a lock does not tell what another lock tells of them.
fn supplied(mut foreign: Foreign, by: &Foreign) -> Foreign {
    for lacking in foreign.lock.lacking() {
        let mut known = by.lock.packages.values().map(|locked| &locked.manifest);
        let manifest = known
            .find(|it| it.name.as_ref() == Some(&lacking.name) && it.version == lacking.version);
        if let Some(manifest) = manifest {
            foreign.lock.supply(&lacking.location, manifest);
        }
    }
    foreign
}

const SAME_PROJECT: [&str; 10] = [
    "pnpm-5.4", "pnpm-6", "pnpm-9", "yarn-1", "yarn-6", "yarn-8", "yarn-10", "bun-0", "bun-1",
    "bun-2",
];

#[test]
fn every_tool_locks_the_same_packages() {
    let pnpm = read_fixture("pnpm-9");
    let set = |foreign: &Foreign| {
        let mut all: Vec<(Arc<str>, Option<Arc<str>>)> = pins_of(foreign, false)
            .into_iter()
            .filter(|pin| &*pin.name != "local-lib")
            .map(|pin| (pin.name, pin.version))
            .collect();
        all.sort();
        all.dedup();
        all
    };
    let expected = set(&pnpm);
    assert_eq!(expected.len(), 93);
    for name in SAME_PROJECT {
        let foreign = supplied(read_fixture(name), &pnpm);
        assert_eq!(set(&foreign), expected, "{name}");
    }
}

#[test]
fn packages_lie_as_far_up_as_they_can() {
    let foreign = read_fixture("pnpm-9");
    let all = pins_of(&foreign, false);
    let nested: Vec<Pin> = all
        .iter()
        .filter(|pin| pin.location.matches("node_modules/").count() > 1 || *pin.name == *"ms")
        .cloned()
        .collect();
    insta::assert_snapshot!(shown(&nested), @r"
    node_modules/body-parser/node_modules/debug debug@2.6.9
    node_modules/body-parser/node_modules/ms ms@2.0.0
    node_modules/express/node_modules/debug debug@2.6.9
    node_modules/express/node_modules/ms ms@2.0.0
    node_modules/finalhandler/node_modules/debug debug@2.6.9
    node_modules/finalhandler/node_modules/ms ms@2.0.0
    node_modules/ms ms@2.1.3
    node_modules/ms-one ms@1.0.0
    node_modules/send/node_modules/debug debug@2.6.9
    node_modules/send/node_modules/debug/node_modules/ms ms@2.0.0
    node_modules/sharp/node_modules/semver semver@7.8.6
    ");
    // What is for development, or for other platforms, is not among them.
    let has = |pins: &[Pin], location: &str| pins.iter().any(|pin| &*pin.location == location);
    assert!(!has(&all, "node_modules/fsevents"));
    assert!(!has(&all, "node_modules/@img/sharp-linuxmusl-x64"));
    assert!(has(&all, "node_modules/@img/sharp-linux-x64"));
    let with_dev = pins_of(&foreign, true);
    let semver = |pins: &[Pin]| -> Vec<String> {
        let found = pins.iter().filter(|pin| *pin.name == *"semver");
        found
            .map(|pin| format!("{}@{}", pin.location, pin.version.as_deref().unwrap_or("")))
            .collect()
    };
    insta::assert_snapshot!(semver(&all).join(", "), @"node_modules/sharp/node_modules/semver@7.8.6");
    insta::assert_snapshot!(semver(&with_dev).join(", "), @"node_modules/semver@6.3.2, node_modules/sharp/node_modules/semver@7.8.6");
}

#[test]
fn workspaces_see_the_versions_that_are_locked_for_them() {
    let expected = shown(&pins_of(&read_fixture("pnpm-9-workspace"), false));
    insta::assert_snapshot!(expected, @r#"
    node_modules/@shop/cart @shop/cart@1.0.0 Folder("packages/a")
    node_modules/@shop/price @shop/price@1.0.0 Folder("packages/b")
    node_modules/@shop/price/node_modules/ms ms@1.0.0
    node_modules/@shop/price/node_modules/react react@17.0.2
    node_modules/@shop/price/node_modules/use-sync-external-store use-sync-external-store@1.2.0
    node_modules/js-tokens js-tokens@4.0.0
    node_modules/loose-envify loose-envify@1.4.0
    node_modules/ms ms@2.1.3
    node_modules/object-assign object-assign@4.1.1
    node_modules/react react@18.3.1
    node_modules/use-sync-external-store use-sync-external-store@1.2.0
    node_modules/zod zod@3.25.76
    "#);
    assert_eq!(
        shown(&pins_of(&read_fixture("yarn-10-workspace"), false)),
        expected
    );
    // Neither Yarn 1 nor bun tells packages apart by the peers that they get.
    let without_peers = expected.replace(
        "node_modules/@shop/price/node_modules/use-sync-external-store use-sync-external-store@1.2.0\n",
        "",
    );
    for name in ["yarn-1-workspace", "bun-2-workspace"] {
        let found = shown(&pins_of(&read_fixture(name), false));
        let plain = |text: &str| {
            text.replace(" Tarball(", "\0")
                .lines()
                .map(|line| line.split('\0').next().unwrap_or_default().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(plain(&found), plain(&without_peers), "{name}");
    }
}

#[test]
fn every_name_leads_where_the_lock_says() {
    for name in SAME_PROJECT {
        let foreign = read_fixture(name);
        for (location, locked) in &foreign.lock.packages {
            let manifest: &Manifest = &locked.manifest;
            for (wanted, _) in &manifest.dependencies {
                assert!(
                    found(&foreign, location, wanted).is_some(),
                    "{name}: `{wanted}` from `{location}`"
                );
            }
        }
    }
}

/// What Node.js finds by a name from a folder.
fn found<'f>(foreign: &'f Foreign, from: &str, name: &str) -> Option<&'f Manifest> {
    let packages = &foreign.lock.packages;
    let mut folder = from;
    loop {
        let slash = if folder.is_empty() { "" } else { "/" };
        let place = format!("{folder}{slash}node_modules/{name}");
        if let Some(locked) = packages.get(&*place) {
            return match &locked.link {
                Some(target) => packages.get(target).map(|locked| &*locked.manifest),
                None => Some(&locked.manifest),
            };
        }
        if folder.is_empty() {
            return None;
        }
        folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
    }
}

const APP: (&str, &str) = ("package.json", r#"{"dependencies": {"a": "^1.0.0"}}"#);

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let cases: [(&str, &str); 22] = [
        ("pnpm-lock.yaml", "lockfileVersion: 5.3\n"),
        ("pnpm-lock.yaml", "lockfileVersion: '10.0'\n"),
        ("pnpm-lock.yaml", "a: &x [1]\nb: *x\n"),
        (
            "pnpm-lock.yaml",
            "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies: [a]\n",
        ),
        (
            "pnpm-lock.yaml",
            "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a: {specifier: ^1.0.0, version: 1.0.0}\n",
        ),
        (
            "pnpm-lock.yaml",
            "lockfileVersion: '9.0'\npackages:\n  a@1.0.0:\n    resolution: {integrity: md5-AAAA}\nsnapshots:\n  a@1.0.0: {}\n",
        ),
        (
            "pnpm-lock.yaml",
            "lockfileVersion: '9.0'\npackages:\n  ../x@1.0.0:\n    resolution: {}\nsnapshots:\n  ../x@1.0.0: {}\n",
        ),
        (
            "pnpm-lock.yaml",
            "lockfileVersion: '9.0'\npatchedDependencies:\n  a@1.0.0: {hash: x, path: p}\n",
        ),
        (
            "pnpm-lock.yaml",
            "lockfileVersion: '9.0'\nsnapshots:\n  a@1.0.0: {}\n",
        ),
        (
            "pnpm-lock.yaml",
            "<<<<<<< HEAD\nlockfileVersion: '9.0'\n=======\n",
        ),
        (
            "pnpm-lock.yaml",
            "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a: {specifier: ^2.0.0, version: 'link:../a'}\n",
        ),
        (
            "yarn.lock",
            "# yarn lockfile v1\na@^1.0.0:\n   version \"1.0.0\"\n",
        ),
        (
            "yarn.lock",
            "# yarn lockfile v1\na@^1.0.0:\n  resolved \"https://registry.example/a.tgz\"\n",
        ),
        (
            "yarn.lock",
            "# yarn lockfile v1\nb@^1.0.0:\n  version \"1.0.0\"\n",
        ),
        ("yarn.lock", "__metadata:\n  version: 3\n"),
        (
            "yarn.lock",
            "__metadata:\n  version: 8\n\"a@patch:a@npm%3A1.0.0#./a.patch\":\n  version: 1.0.0\n  resolution: \"a@patch:a@npm%3A1.0.0#./a.patch::version=1.0.0\"\n",
        ),
        (
            "yarn.lock",
            "__metadata:\n  version: 8\n\"a@portal:../a\":\n  version: 0.0.0\n  resolution: \"a@portal:../a::locator=x%40workspace%3A.\"\n",
        ),
        ("bun.lock", "{\"lockfileVersion\": 4}"),
        (
            "bun.lock",
            "{\"lockfileVersion\": 1, \"workspaces\": {\"\": {}}, \"packages\": {\"a/b\": [\"b@1.0.0\", \"\", {}, \"\"]}}",
        ),
        (
            "bun.lock",
            "{\"lockfileVersion\": 1, \"workspaces\": {\"\": {}}, \"patchedDependencies\": {\"a@1.0.0\": \"p\"}}",
        ),
        ("bun.lock", "{\"lockfileVersion\": 1,, }"),
        ("bun.lockb", ""),
    ];
    let told = cases.map(|(name, text)| match read_text(name, text, &[APP]) {
        Err(error) => format!("{error}\n    hint: {}\n", error.hint()),
        Ok(_) => format!("{name} is taken:\n{text}"),
    });
    insta::assert_snapshot!(told.concat(), @r#"
    pnpm-lock.yaml: `lockfileVersion` is `5.3`; known are 5.4, 6 and 9
        hint: have it written again by pnpm 7 to 10, or newer
    pnpm-lock.yaml: `lockfileVersion` is `10.0`; known are 5.4, 6 and 9
        hint: have it written again by pnpm 7 to 10, or newer
    pnpm-lock.yaml:1:4: an anchor, which no lockfile needs
        hint: have it written again with `pnpm install`
    pnpm-lock.yaml:4: `importers["."].dependencies`: expected a map
        hint: have it written again with `pnpm install`
    pnpm-lock.yaml:5: `importers["."].dependencies.a`: leads to `a@1.0.0`, which the file does not have
        hint: have it written again with `pnpm install`
    pnpm-lock.yaml:4: `packages["a@1.0.0"].resolution.integrity`: `md5` is too weak or not known
        hint: have it written again with `pnpm install`
    pnpm-lock.yaml:4: `packages["../x@1.0.0"]`: `../x` is no name of a package: it begins with `.`
        hint: have it written again with `pnpm install`
    pnpm-lock.yaml:3: `patchedDependencies`: `a@1.0.0` is patched, which pnpm alone can do
        hint: take the patch out with `pnpm patch-remove a@1.0.0`, or vendor the package
    pnpm-lock.yaml:3: `snapshots["a@1.0.0"]`: `packages` has no `a@1.0.0`
        hint: have it written again with `pnpm install`
    pnpm-lock.yaml:2:16: mapping values are not allowed in this context
        hint: the file holds both sides of a merge: take one of them, then have it written again
    pnpm-lock.yaml: the lockfile does not meet `package.json`: `a@^1.0.0` is asked for, and it was written for `^2.0.0`
        hint: run `pnpm install` to bring it up to date
    yarn.lock:3:4: is indented too far
        hint: have it written again with `yarn install`
    yarn.lock:2: `["a@^1.0.0"]`: has no `version`
        hint: have it written again with `yarn install`
    yarn.lock: the lockfile does not meet `package.json`: `a@^1.0.0` is not in it
        hint: run `yarn install` to bring it up to date
    yarn.lock: `__metadata.version` is `3`; known are 4 to 10, and Yarn 1's format
        hint: have it written again by Yarn 2 to 4, or newer
    yarn.lock:4: `["a@patch:a@npm%3A1.0.0#./a.patch"]`: `a` is patched, which Yarn alone can do
        hint: take the patch out of package.json, or vendor the package
    yarn.lock:4: `["a@portal:../a"]`: `portal:` is known to Yarn alone
        hint: ask for the folder with `file:` or `link:`, or as a workspace
    bun.lock: `lockfileVersion` is `4`; known are 0 to 3
        hint: have it written again with `bun install`
    bun.lock:1: `packages["a/b"]`: the file does not have what it is in
        hint: have it written again with `bun install`
    bun.lock:1: `patchedDependencies`: `a@1.0.0` is patched, which bun alone can do
        hint: take the patch out of package.json, or vendor the package
    bun.lock:1:23: expected a key in double quotes or `}`
        hint: have it written again with `bun install`
    bun.lockb: bun's binary lockfile is known to bun alone
        hint: write it as text with `bun install --save-text-lockfile`
    "#);
}

#[test]
fn what_came_from_elsewhere_keeps_its_address() {
    let commit = "98e8ff1da1a89f93d1397a24d7413ed15421c139";
    let manifest = r#"{"dependencies": {"a": "user/a", "b": "https://files.example/b.tgz",
        "c": "file:c.tgz", "d": "git+ssh://git@git.example/d.git", "e": "file:../e"}}"#;
    let files = [("package.json", manifest)];
    let pnpm = format!(
        "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n\
         \x20     a: {{specifier: user/a, version: https://codeload.github.com/user/a/tar.gz/{commit}}}\n\
         \x20     b: {{specifier: https://files.example/b.tgz, version: https://files.example/b.tgz}}\n\
         \x20     c: {{specifier: 'file:c.tgz', version: 'file:c.tgz'}}\n\
         \x20     d: {{specifier: git+ssh://git@git.example/d.git, version: git+ssh://git@git.example/d.git#{commit}}}\n\
         \x20     e: {{specifier: 'file:../e', version: 'file:../e'}}\n\
         packages:\n\
         \x20 a@https://codeload.github.com/user/a/tar.gz/{commit}: {{resolution: {{tarball: https://codeload.github.com/user/a/tar.gz/{commit}}}, version: 1.0.0}}\n\
         \x20 b@https://files.example/b.tgz: {{resolution: {{tarball: https://files.example/b.tgz, integrity: sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=}}, version: 1.0.0}}\n\
         \x20 c@file:c.tgz: {{resolution: {{tarball: 'file:c.tgz', integrity: sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=}}, version: 1.0.0}}\n\
         \x20 d@git+ssh://git@git.example/d.git#{commit}: {{resolution: {{type: git, repo: 'ssh://git@git.example/d.git', commit: {commit}}}, version: 1.0.0}}\n\
         \x20 e@file:../e: {{resolution: {{type: directory, directory: ../e}}}}\n\
         snapshots:\n\
         \x20 a@https://codeload.github.com/user/a/tar.gz/{commit}: {{}}\n\
         \x20 b@https://files.example/b.tgz: {{}}\n\
         \x20 c@file:c.tgz: {{}}\n\
         \x20 d@git+ssh://git@git.example/d.git#{commit}: {{}}\n\
         \x20 e@file:../e: {{}}\n"
    );
    let classic = format!(
        "a@user/a:\n  version \"1.0.0\"\n  resolved \"https://codeload.github.com/user/a/tar.gz/{commit}\"\n\
         \"b@https://files.example/b.tgz\":\n  version \"1.0.0\"\n  resolved \"https://files.example/b.tgz#da39a3ee5e6b4b0d3255bfef95601890afd80709\"\n\
         \"c@file:c.tgz\":\n  version \"1.0.0\"\n  resolved \"file:c.tgz#da39a3ee5e6b4b0d3255bfef95601890afd80709\"\n\
         \"d@git+ssh://git@git.example/d.git\":\n  version \"1.0.0\"\n  resolved \"git+ssh://git@git.example/d.git#{commit}\"\n\
         \"e@file:../e\":\n  version \"1.0.0\"\n"
    );
    let bound = "::locator=app%40workspace%3A.";
    let berry = format!(
        "__metadata:\n  version: 8\n\
         \"app@workspace:.\": {{version: 0.0.0-use.local, resolution: \"app@workspace:.\"}}\n\
         \"a@user/a\": {{version: 1.0.0, resolution: \"a@https://github.com/user/a.git#commit={commit}\"}}\n\
         \"b@https://files.example/b.tgz\": {{version: 1.0.0, resolution: \"b@https://files.example/b.tgz\"}}\n\
         \"c@file:c.tgz{bound}\": {{version: 1.0.0, resolution: \"c@file:c.tgz#c.tgz::hash=1&locator=app%40workspace%3A.\"}}\n\
         \"d@git+ssh://git@git.example/d.git\": {{version: 1.0.0, resolution: \"d@git+ssh://git@git.example/d.git#commit={commit}\"}}\n\
         \"e@file:../e{bound}\": {{version: 1.0.0, resolution: \"e@file:../e#../e::hash=1&locator=app%40workspace%3A.\"}}\n"
    );
    let bun = format!(
        r#"{{"lockfileVersion": 1, "workspaces": {{"": {manifest}}}, "packages": {{
            "a": ["a@github:user/a#{commit}", {{}}, "user-a-98e8ff1"],
            "b": ["b@https://files.example/b.tgz", {{}}],
            "c": ["c@c.tgz", {{}}],
            "d": ["d@git+ssh://git@git.example/d.git#{commit}", {{}}, "98e8ff1"],
            "e": ["e@file:../e", {{}}],
        }}}}"#
    );
    let locks = [
        ("pnpm-lock.yaml", pnpm),
        ("yarn.lock", classic),
        ("yarn.lock", berry),
        ("bun.lock", bun),
    ];
    for (name, text) in locks {
        let read = read_text(name, &text, &files);
        let read = read.unwrap_or_else(|error| panic!("{name}: {error}"));
        let found: Vec<String> = pins_of(&read, false)
            .iter()
            .map(|pin| format!("{} {:?}", pin.location, pin.resolved))
            .collect();
        let git = |address: &str| format!("Git(\"{address}#{commit}\")");
        let expected = [
            format!(
                "node_modules/a {}",
                git("git+https://github.com/user/a.git")
            ),
            "node_modules/b Tarball(\"https://files.example/b.tgz\")".to_owned(),
            "node_modules/c File(\"c.tgz\")".to_owned(),
            format!("node_modules/d {}", git("git+ssh://git@git.example/d.git")),
            "node_modules/e Folder(\"../e\")".to_owned(),
        ];
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn yarns_own_name_for_the_registry_leads_to_the_one_that_is_asked() {
    let manifest = r#"{"dependencies": {"a": "^1.0.0", "b": "^1.0.0"}}"#;
    let sha1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
    let text = format!(
        "a@^1.0.0:\n  version \"1.0.0\"\n  resolved \"https://registry.yarnpkg.example/a/-/a-1.0.0.tgz#{sha1}\"\n\
         b@^1.0.0:\n  version \"1.0.0\"\n  resolved \"https://own.example/b/-/b-1.0.0.tgz#{sha1}\"\n"
    );
    let read = read_text("yarn.lock", &text, &[("package.json", manifest)]);
    let read = read.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        shown(&pins_of(&read, false)),
        "node_modules/a a@1.0.0\nnode_modules/b b@1.0.0 Tarball(\"https://own.example/b/-/b-1.0.0.tgz\")\n"
    );
}

#[test]
fn bombs_are_refused() {
    let deep = |open: &str| open.repeat(100_000);
    let steps = (0..5000).map(|depth| format!("{}k:\n", "  ".repeat(depth)));
    let bombs = [
        ("pnpm-lock.yaml", deep("[")),
        ("pnpm-lock.yaml", deep("{a: ")),
        ("pnpm-lock.yaml", deep("- ")),
        ("yarn.lock", format!("__metadata:\n  x: {}", deep("["))),
        ("yarn.lock", steps.collect()),
        ("bun.lock", deep("[")),
        ("bun.lock", deep("{\"a\": ")),
        ("bun.lock", "/*".to_owned()),
    ];
    for (name, text) in bombs {
        let read = read_text(name, &text, &[APP]);
        assert!(
            matches!(read, Err(ForeignLockError::Syntax { .. })),
            "{name}"
        );
    }
}

#[test]
fn versions_without_end_are_refused() {
    // Both need each other in the other version, on and on: no tree of folders ends.
    let edges = |a: u8, b: u8| BTreeMap::from([(a, b)]);
    let cycle = [edges(1, 0), edges(1, 1), edges(0, 1), edges(0, 0)];
    let text = pnpm_lock(&edges(0, 0), &cycle);
    let read = read_text("pnpm-lock.yaml", &text, &[]);
    let error = read.expect_err("there is no end").to_string();
    insta::assert_snapshot!(error, @"pnpm-lock.yaml: `p0` cannot be laid out: more than 64 folders would lie in one another");
}

proptest! {
    #[test]
    fn a_damaged_lock_is_read_or_refused(
        which in 0usize..SAME_PROJECT.len(),
        place in 0.0f64..1.0,
        length in 0usize..40,
        put in "[\\[\\]{}='\":@/a-z0-9,\\n -]{0,6}",
    ) {
        let folder = fixture(SAME_PROJECT[which]);
        let there = |name: &&&str| folder.join(name).is_file();
        let file = ForeignFormat::FILE_NAMES.iter().find(there).expect("a lock");
        let text = fs::read_to_string(folder.join(file)).expect("a lock");
        // The fixtures are ASCII, so any place is one between characters.
        let start = (place * text.len() as f64) as usize;
        let end = (start + length).min(text.len());
        let damaged = format!("{}{put}{}", &text[..start], &text[end..]);
        let manifest = fs::read_to_string(folder.join("package.json")).expect("a manifest");
        if let Ok(foreign) = read_text(file, &damaged, &[("package.json", &manifest)]) {
            let options = PinOptions {
                target: Target { runtime: "nodejs22.x".parse().expect("known"), arch: Arch::X86_64 },
                omit: [Omit::Dev].into(),
                exclude: Vec::new(),
            };
            let _ = pins(&foreign.project, &foreign.lock, &|_| None, &options);
        }
    }

    #[test]
    fn every_graph_is_laid_out_as_it_is(
        edges in proptest::collection::vec(proptest::collection::btree_map(0u8..5, 0u8..2, 0..3), 10..16),
        root in proptest::collection::btree_map(0u8..5, 0u8..2, 1..5),
    ) {
        // Packages `p0` to `p4` in two versions each, which need each other at random.
        let text = pnpm_lock(&root, &edges);
        match read_text("pnpm-lock.yaml", &text, &[]) {
            Err(ForeignLockError::TooDeep { .. } | ForeignLockError::TooManyPackages { .. }) => {}
            Err(error) => panic!("{error}"),
            Ok(foreign) => {
                for (location, locked) in &foreign.lock.packages {
                    for (name, version) in &locked.manifest.dependencies {
                        let found = found(&foreign, location, name);
                        let found = found.and_then(|it| it.version.clone());
                        prop_assert_eq!(found.as_ref(), Some(version), "`{}` from `{}`", name, location);
                    }
                }
            }
        }
    }
}

fn pnpm_lock(root: &BTreeMap<u8, u8>, edges: &[BTreeMap<u8, u8>]) -> String {
    let count = edges.len() / 2;
    let is_there = |name: &u8| usize::from(*name) < count;
    let mut text = "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n".to_owned();
    for (name, version) in root.iter().filter(|(name, _)| is_there(name)) {
        text += &format!("      p{name}: {{specifier: {version}.0.0, version: {version}.0.0}}\n");
    }
    let keys = (0..count).flat_map(|name| (0..2).map(move |version| (name, version)));
    let keys: Vec<(usize, usize)> = keys.collect();
    text += "packages:\n";
    for (name, version) in &keys {
        text += &format!("  p{name}@{version}.0.0: {{resolution: {{}}}}\n");
    }
    text += "snapshots:\n";
    for (name, version) in &keys {
        text += &format!("  p{name}@{version}.0.0:\n    dependencies:\n");
        for (to, version) in edges[name * 2 + version]
            .iter()
            .filter(|(to, _)| is_there(to))
        {
            text += &format!("      p{to}: {version}.0.0\n");
        }
    }
    text
}
