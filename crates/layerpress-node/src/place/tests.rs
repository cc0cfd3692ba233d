//! Trees that npm builds of small registries, by name and recorded.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt as _;
use rkyv::util::AlignedVec;

use super::*;
use crate::json::Json;
use crate::name::PackageName;
use crate::packument::{Packument, compile};
use crate::pick::{PickOptions, pick};
use crate::semver::Version;

/// A registry in memory, and folders beside the project.
#[derive(Default)]
pub(crate) struct Registry {
    packages: BTreeMap<String, Packument>,
    pub(crate) folders: BTreeMap<String, PackageJson>,
    /// What comes inside the tarballs of packages, by name.
    inside: BTreeMap<String, Inside>,
}

impl Registry {
    pub(crate) fn add(&mut self, name: &str, packument: &str) {
        let name = PackageName::parse(name).unwrap();
        let mut bytes = AlignedVec::<16>::new();
        bytes.extend_from_slice(&compile(&name, packument.as_bytes()).unwrap());
        let packument = Packument::open(name.clone(), Box::new(bytes)).unwrap();
        self.packages.insert(name.to_string(), packument);
    }

    fn find(&self, ask: &Ask<'_>) -> Result<Arc<Manifest>, Failure> {
        let (name, wanted) = match ask.spec {
            Spec::Registry(wanted) => (ask.name, wanted),
            Spec::Alias { name, wanted } => (name.as_str(), wanted),
            other => panic!("{other:?} is not asked of a registry"),
        };
        let failure = |message: String| Failure {
            message,
            hint: "look elsewhere".into(),
            is_input: false,
        };
        let packument = self
            .packages
            .get(name)
            .ok_or_else(|| failure("there is no such package".into()))?;
        let options = PickOptions {
            node: Version::strict("22.11.0").unwrap(),
            before: None,
        };
        let version =
            pick(packument, wanted, &options).map_err(|error| failure(error.to_string()))?;
        Ok(Arc::new(version.manifest().unwrap()))
    }
}

impl Source for Registry {
    async fn manifest(&self, ask: &Ask<'_>) -> Result<Arc<Manifest>, Failure> {
        self.find(ask)
    }

    async fn folder(&self, location: &str) -> Option<PackageJson> {
        self.folders.get(location).cloned()
    }

    async fn inside(&self, manifest: &Manifest) -> Result<Inside, Failure> {
        let name = manifest.name.as_deref().unwrap_or_default();
        Ok(self.inside.get(name).cloned().unwrap_or_default())
    }

    fn prefetch(&self, ask: &Ask<'_>) {
        // What is asked for soon is something that can be asked for.
        let _ = self.find(ask);
    }
}

/// A registry of lines such as `a 1.0.0 b@^1 peer:c@2 optional:d@* maybe:e@1` (an optional peer).
/// The last version of each package is its latest.
pub(crate) fn registry(lines: &[&str]) -> Registry {
    let mut packages: BTreeMap<&str, Vec<(&str, String)>> = BTreeMap::new();
    for line in lines {
        let mut words = line.splitn(3, ' ');
        let (name, version) = (words.next().unwrap(), words.next().unwrap());
        let manifest = manifest(words.next().unwrap_or_default());
        packages.entry(name).or_default().push((version, manifest));
    }
    let mut registry = Registry::default();
    for (name, versions) in packages {
        let latest = versions.last().unwrap().0;
        let all: Vec<String> = versions
            .iter()
            .map(|(v, m)| format!(r#""{v}": {m}"#))
            .collect();
        let all = all.join(", ");
        registry.add(
            name,
            &format!(r#"{{"dist-tags": {{"latest": "{latest}"}}, "versions": {{{all}}}}}"#),
        );
    }
    registry
}

pub(crate) fn manifest(words: &str) -> String {
    let mut fields: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for word in words.split_whitespace() {
        let (kind, ask) = word
            .split_once(':')
            .filter(|(k, _)| !k.contains('@'))
            .unwrap_or(("", word));
        let at = ask.rfind('@').unwrap();
        let pair = format!(r#""{}": "{}""#, &ask[..at], ask[at + 1..].replace('_', " "));
        let field = match kind {
            "" => "dependencies",
            "dev" => "devDependencies",
            "optional" => "optionalDependencies",
            _ => "peerDependencies",
        };
        fields.entry(field).or_default().push(pair);
        if kind == "maybe" {
            let meta = format!(r#""{}": {{"optional": true}}"#, &ask[..at]);
            fields.entry("peerDependenciesMeta").or_default().push(meta);
        }
    }
    let fields: Vec<String> = fields
        .iter()
        .map(|(f, pairs)| format!(r#""{f}": {{{}}}"#, pairs.join(", ")))
        .collect();
    format!("{{{}}}", fields.join(", "))
}

fn build(project: &str, registry: &Registry) -> Result<IdealTree, PlaceError> {
    build_with(project, registry, Peers::Installed)
}

fn build_with(project: &str, registry: &Registry, peers: Peers) -> Result<IdealTree, PlaceError> {
    let package = PackageJson::parse("package.json", project.as_bytes()).unwrap();
    let project = Project {
        package,
        peers,
        ..Project::default()
    };
    ideal_tree(&project, registry).now_or_never().unwrap()
}

/// Location, version and flags of each package, as a lockfile has them.
pub(crate) fn shown(tree: &IdealTree) -> Vec<String> {
    let flags = |p: &Placed| {
        let all = [
            (p.is_extraneous, "extraneous"),
            (p.is_peer && !p.is_extraneous, "peer"),
            (p.is_dev && !p.is_extraneous, "dev"),
            (p.is_optional && !p.is_extraneous, "optional"),
            (
                p.is_dev_optional && !p.is_dev && !p.is_optional && !p.is_extraneous,
                "devOptional",
            ),
        ];
        all.into_iter()
            .filter(|(set, _)| *set)
            .map(|(_, flag)| format!(" {flag}"))
            .collect::<String>()
    };
    let kept = |p: &&Placed| !(p.location.is_empty() || p.is_inert && p.manifest.version.is_none());
    tree.packages
        .iter()
        .filter(kept)
        .map(|p| match (&p.link, &p.manifest.version) {
            (Some(_), _) => format!("{}: link", p.location),
            (None, Some(version)) => format!("{}: {version}{}", p.location, flags(p)),
            (None, None) => format!("{}: none{}", p.location, flags(p)),
        })
        .collect()
}

fn tree(project: &str, lines: &[&str]) -> Vec<String> {
    shown(&build(&manifest(project), &registry(lines)).unwrap())
}

fn refused(project: &str, lines: &[&str]) -> String {
    let error = build(&manifest(project), &registry(lines)).unwrap_err();
    format!("{error}\nhint: {}", error.hint())
}

#[test]
fn the_newest_is_hoisted_even_where_an_older_one_would_do_for_all() {
    let lines = ["a 1.0.0 b@^1", "b 1.0.0", "b 2.0.0"];
    assert_eq!(
        tree("a@1 b@1_||_2", &lines),
        [
            "node_modules/a: 1.0.0",
            "node_modules/a/node_modules/b: 1.0.0",
            "node_modules/b: 2.0.0",
        ]
    );
}

#[test]
fn the_first_by_name_is_hoisted_and_names_have_the_order_of_the_locale() {
    // In byte order `B` comes before `a`.
    let lines = ["B 1.0.0 x@^2", "a 1.0.0 x@^1", "x 1.0.0", "x 2.0.0"];
    assert_eq!(
        tree("B@1 a@1", &lines),
        [
            "node_modules/a: 1.0.0",
            "node_modules/B: 1.0.0",
            "node_modules/B/node_modules/x: 2.0.0",
            "node_modules/x: 1.0.0",
        ]
    );
}

#[test]
fn an_older_one_is_replaced_where_the_newer_does_for_all() {
    let lines = [
        "a 1.0.0 x@1.0.0_-_1.1.0",
        "b 1.0.0 y@1",
        "y 1.0.0 x@1.0.0",
        "x 1.0.0",
        "x 1.1.0",
    ];
    assert_eq!(
        tree("a@1 b@1", &lines),
        [
            "node_modules/a: 1.0.0",
            "node_modules/b: 1.0.0",
            "node_modules/x: 1.1.0",
            "node_modules/y: 1.0.0",
            "node_modules/y/node_modules/x: 1.0.0",
        ]
    );
}

#[test]
fn peers_are_shared_and_come_without_being_asked_for() {
    let lines = [
        "react 17.0.0",
        "react 18.0.0",
        "dom 17.0.0 peer:react@17",
        "dom 18.0.0 peer:react@18",
        "ui 1.0.0 peer:react@>=17 peer:dom@>=17 maybe:theme@1",
        "theme 1.0.0",
    ];
    assert_eq!(
        tree("ui@1 dom@17", &lines),
        [
            "node_modules/dom: 17.0.0",
            "node_modules/react: 17.0.0 peer",
            "node_modules/ui: 1.0.0",
        ]
    );
    assert_eq!(
        tree("ui@1", &lines),
        [
            "node_modules/dom: 18.0.0 peer",
            "node_modules/react: 18.0.0 peer",
            "node_modules/ui: 1.0.0",
        ]
    );
}

#[test]
fn a_peer_conflict_of_the_project_is_an_error_in_sentences() {
    let lines = ["react 17.0.0", "react 18.0.0", "dom 18.0.0 peer:react@^18"];
    insta::assert_snapshot!(refused("react@17 dom@18", &lines), @r#"
    dom@18.0.0 wants react@^18, but react@17.0.0 is there for the project (react@17)
    hint: choose a version that fits, or override react@^18
    "#);
}

#[test]
fn a_peer_conflict_of_others_is_noted_and_passed_over() {
    let lines = [
        "a 1.0.0 b@1 c@1",
        "b 1.0.0 peer:x@1",
        "c 1.0.0 peer:x@2",
        "x 1.0.0",
        "x 2.0.0",
    ];
    let built = build(&manifest("a@1 x@1"), &registry(&lines)).unwrap();
    assert_eq!(
        shown(&built),
        [
            "node_modules/a: 1.0.0",
            "node_modules/a/node_modules/c: 1.0.0",
            "node_modules/a/node_modules/x: 2.0.0 peer",
            "node_modules/b: 1.0.0",
            "node_modules/x: 1.0.0",
        ]
    );
}

#[test]
fn what_is_optional_and_missing_takes_its_set_out() {
    let lines = [
        "a 1.0.0 optional:b@1 optional:gone@1",
        "b 1.0.0 c@1 lost@1",
        "c 1.0.0",
    ];
    let built = build(&manifest("a@1"), &registry(&lines)).unwrap();
    assert_eq!(
        shown(&built),
        [
            "node_modules/a: 1.0.0",
            "node_modules/b: 1.0.0 optional",
            "node_modules/c: 1.0.0 optional",
        ]
    );
    let inert = |p: &&Placed| p.is_inert;
    let inert: Vec<&str> = built
        .packages
        .iter()
        .filter(inert)
        .map(|p| &*p.name)
        .collect();
    assert_eq!(inert, ["gone", "b", "lost", "c"]);
}

#[test]
fn what_is_needed_and_missing_is_an_error() {
    insta::assert_snapshot!(refused("a@1", &["a 1.0.0 b@^2", "b 1.0.0"]), @r#"
    a@1.0.0 needs b@^2, which cannot be had: b: no version is `^2`
    hint: look elsewhere
    "#);
    insta::assert_snapshot!(refused("gone@1", &["a 1.0.0"]), @r#"
    the project needs gone@1, which cannot be had: there is no such package
    hint: look elsewhere
    "#);
}

#[test]
fn a_circle_of_versions_is_closed_by_a_link() {
    let lines = ["a 1.0.0 b@1", "a 2.0.0 b@2", "b 1.0.0 a@2", "b 2.0.0 a@1"];
    assert_eq!(
        tree("a@1 b@2", &lines),
        [
            "node_modules/a: 1.0.0",
            "node_modules/a/node_modules/a: 2.0.0",
            "node_modules/a/node_modules/a/node_modules/a: link",
            "node_modules/a/node_modules/a/node_modules/b: 2.0.0",
            "node_modules/a/node_modules/b: 1.0.0",
            "node_modules/b: 2.0.0",
        ]
    );
}

#[test]
fn peers_without_end_are_an_error() {
    let lines: Vec<String> = (0..5000)
        .map(|at| format!("p{at} 1.0.0 peer:p{}@1", at + 1))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    insta::assert_snapshot!(refused("p0@1", &lines), @r"
    p200: more than 200 packages in a row ask for the next as a peer
    hint: does the registry hold what it should?
    ");
}

#[test]
fn development_and_optional_packages_are_told_apart() {
    let lines = [
        "a 1.0.0 s@1",
        "d 1.0.0 s@1 t@1",
        "o 1.0.0 t@1",
        "s 1.0.0",
        "t 1.0.0",
    ];
    assert_eq!(
        tree("a@1 dev:d@1 optional:o@1", &lines),
        [
            "node_modules/a: 1.0.0",
            "node_modules/d: 1.0.0 dev",
            "node_modules/o: 1.0.0 optional",
            "node_modules/s: 1.0.0",
            "node_modules/t: 1.0.0 devOptional",
        ]
    );
}

#[test]
fn an_alias_has_its_own_folder() {
    let lines = ["lodash 3.0.0", "lodash 4.0.0", "a 1.0.0 lodash@^4"];
    let project = r#"{"dependencies": {"old": "npm:lodash@^3", "a": "1"}}"#;
    let built = build(project, &registry(&lines)).unwrap();
    assert_eq!(
        shown(&built),
        [
            "node_modules/a: 1.0.0",
            "node_modules/lodash: 4.0.0",
            "node_modules/old: 3.0.0",
        ]
    );
    assert_eq!(built.packages[3].manifest.name.as_deref(), Some("lodash"));
}

#[test]
fn overrides_reach_down_and_contradictions_are_errors() {
    let lines = [
        "a 1.0.0 b@1",
        "b 1.0.0 c@^1",
        "c 1.0.0",
        "c 1.5.0",
        "c 2.0.0",
        "d 1.0.0 c@^1",
    ];
    let with = |overrides: &str| {
        let project =
            format!(r#"{{"dependencies": {{"a": "1", "d": "1"}}, "overrides": {overrides}}}"#);
        build(&project, &registry(&lines))
            .map(|tree| shown(&tree))
            .map_err(|e| format!("{e}\nhint: {}", e.hint()))
    };
    assert_eq!(
        with(r#"{"a": {"c": "2.0.0"}}"#).unwrap(),
        [
            "node_modules/a: 1.0.0",
            "node_modules/b: 1.0.0",
            "node_modules/c: 2.0.0",
            "node_modules/d: 1.0.0",
            "node_modules/d/node_modules/c: 1.5.0",
        ]
    );
    insta::assert_snapshot!(with(r#"{"c": "$x"}"#).unwrap_err(), @r#"
    the override of `c` refers to `$x`, which is no dependency of the project
    hint: add `x` to the dependencies, or write its version in the override
    "#);
    insta::assert_snapshot!(with(r#"{"a": "2"}"#).unwrap_err(), @r#"
    the override of `a` contradicts the project's own `a@1`
    hint: change the dependency itself, or write the override as `$a`
    "#);
}

#[test]
fn folders_and_workspaces_are_links_that_bring_what_they_need() {
    let mut registry = registry(&["x 1.0.0", "x 2.0.0", "y 1.0.0"]);
    let folder = |text: &str| PackageJson::parse("package.json", text.as_bytes()).unwrap();
    let one = r#"{"name": "one", "version": "1.0.0", "dependencies": {"x": "1", "two": "*"}}"#;
    let two = r#"{"name": "two", "version": "2.0.0", "devDependencies": {"y": "1"}}"#;
    registry.folders.insert("packages/one".into(), folder(one));
    registry.folders.insert("packages/two".into(), folder(two));
    let package = folder(r#"{"dependencies": {"x": "2"}}"#);
    let workspaces =
        [("one", "packages/one"), ("two", "packages/two")].map(|(n, p)| (n.into(), p.into()));
    let project = Project {
        package,
        workspaces: workspaces.to_vec(),
        ..Project::default()
    };
    let built = ideal_tree(&project, &registry)
        .now_or_never()
        .unwrap()
        .unwrap();
    assert_eq!(
        shown(&built),
        [
            "node_modules/one: link",
            "node_modules/two: link",
            "node_modules/x: 2.0.0",
            "node_modules/y: 1.0.0 dev",
            "packages/one: 1.0.0",
            "packages/one/node_modules/x: 1.0.0",
            "packages/two: 2.0.0",
        ]
    );
}

#[test]
fn what_a_tarball_brings_stays_inside_and_is_asked_for_no_more() {
    let mut registry = Registry::default();
    registry.add(
        "b",
        r#"{"versions": {"1.0.0": {"dependencies": {"i": "1", "o": "1"},
            "bundleDependencies": ["i"], "dist": {"tarball": "https://r.example/b.tgz"}}}}"#,
    );
    registry.add(
        "s",
        r#"{"versions": {"1.0.0": {"dependencies": {"o": "1"}, "_hasShrinkwrap": true,
            "dist": {"tarball": "https://r.example/s.tgz"}}}}"#,
    );
    registry.add("o", r#"{"versions": {"1.0.0": {}, "1.9.0": {}}}"#);
    let inner = |text: &str| {
        let package = PackageJson::parse("package.json", text.as_bytes()).unwrap();
        Arc::new(package.manifest)
    };
    let bundled = [
        (
            "node_modules/i",
            r#"{"name": "i", "version": "1.0.0", "dependencies": {"j": "2"}}"#,
        ),
        (
            "node_modules/i/node_modules/j",
            r#"{"name": "j", "version": "2.0.0"}"#,
        ),
        (
            "node_modules/unasked",
            r#"{"name": "unasked", "version": "3.0.0"}"#,
        ),
        (
            "node_modules/lost/node_modules/k",
            r#"{"name": "k", "version": "4.0.0"}"#,
        ),
    ];
    let bundled = bundled.map(|(location, text)| (location.into(), inner(text)));
    let inside = Inside {
        bundled: BTreeMap::from(bundled),
        shrinkwrap: None,
    };
    registry.inside.insert("b".into(), inside);
    let shrinkwrap = br#"{"lockfileVersion": 3, "packages": {
        "": {"name": "s", "version": "1.0.0", "dependencies": {"o": "1"}},
        "node_modules/o": {"version": "1.0.0", "resolved": "https://r.example/o.tgz",
            "integrity": "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="}}}"#;
    let inside = Inside {
        bundled: BTreeMap::new(),
        shrinkwrap: Some(crate::package_lock::read("npm-shrinkwrap.json", shrinkwrap).unwrap()),
    };
    registry.inside.insert("s".into(), inside);
    let tree = build(r#"{"dependencies": {"b": "1", "s": "1"}}"#, &registry).unwrap();
    assert_eq!(
        shown(&tree),
        [
            "node_modules/b: 1.0.0",
            "node_modules/b/node_modules/i: 1.0.0",
            "node_modules/b/node_modules/i/node_modules/j: 2.0.0",
            "node_modules/b/node_modules/unasked: 3.0.0 extraneous",
            "node_modules/o: 1.9.0",
            "node_modules/s: 1.0.0",
            "node_modules/s/node_modules/o: 1.0.0",
        ]
    );
    let in_bundle = tree.packages.iter().filter(|placed| placed.in_bundle);
    let in_bundle: Vec<_> = in_bundle.map(|placed| &*placed.name).collect();
    assert_eq!(in_bundle, ["i", "j"]);
}

#[test]
fn recorded_trees_of_npm_are_built_again() {
    // Random registries, each with what `@npmcli/arborist` 9.9.1 made of it; null where it refused.
    for (at, line) in include_str!("tests/recorded.jsonl").lines().enumerate() {
        let recorded: Json<'_> = serde_json::from_str(line).unwrap();
        let mut registry = Registry::default();
        for (name, packument) in recorded.get("registry").entries() {
            registry.add(name, &packument.to_string());
        }
        let built = build(&recorded.get("project").to_string(), &registry);
        let expected = recorded.get("tree");
        match built {
            Ok(built) => {
                let mut expected: Vec<String> = expected
                    .pairs()
                    .iter()
                    .map(|(place, of)| format!("{place}: {of}"))
                    .collect();
                let mut found = shown(&built);
                expected.sort();
                found.sort();
                assert_eq!(found, expected, "line {}", at + 1);
            }
            Err(error) => assert_eq!(*expected, Json::Null, "line {}: {error}", at + 1),
        }
    }
}

#[test]
fn peers_come_along_must_fit_or_are_left() {
    let registry = registry(&[
        "a 1.0.0 b@1 c@1",
        "b 1.0.0 peer:c@2",
        "c 1.0.0",
        "c 2.0.0",
        "d 1.0.0 peer:c@2",
    ]);
    let of = |project, peers| match build_with(project, &registry, peers) {
        Ok(tree) => shown(&tree).join("\n"),
        Err(error) => error.to_string(),
    };
    let project = r#"{"dependencies": {"d": "1"}}"#;
    assert_eq!(
        of(project, Peers::Installed),
        "node_modules/c: 2.0.0 peer\nnode_modules/d: 1.0.0"
    );
    assert_eq!(of(project, Peers::Left), "node_modules/d: 1.0.0");
    let project = r#"{"dependencies": {"d": "1", "c": "1"}}"#;
    assert_eq!(
        of(project, Peers::Left),
        "node_modules/c: 1.0.0\nnode_modules/d: 1.0.0"
    );
    // One that only somebody else's package has is let pass, or not.
    let project = r#"{"dependencies": {"a": "1"}}"#;
    assert!(of(project, Peers::Installed).contains("b: 1.0.0"));
    assert!(of(project, Peers::Strict).contains("c@2"));
}
