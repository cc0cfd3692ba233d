//! The text of a lockfile, held against what npm wrote for the same registry.

use futures_util::FutureExt as _;

use super::*;
use crate::package_json::PackageJson;
use crate::place::tests::Registry;
use crate::place::{IdealTree, Project, ideal_tree};

const PROJECT: &str = r#"{"name": "app", "version": "1.0.0", "license": "MIT",
    "engines": {"node": ">=20"}, "bin": "./cli.js", "workspaces": ["packages/*"],
    "dependencies": {"old": "npm:a@^1", "a": "2"},
    "optionalDependencies": {"native": "1", "gone": "1"}, "devDependencies": {"Z": "*"}}"#;
const TOOL: &str = r#"{"name": "@s/tool", "version": "0.1.0", "dependencies": {"a": "^1"},
    "peerDependencies": {"p": "1"}}"#;

fn built() -> (Project, IdealTree) {
    let mut registry = Registry::default();
    for (name, packument) in [
        (
            "a",
            r#"{"dist-tags": {"latest": "2.0.0"}, "versions": {
                "1.0.0": {"deprecated": "use 2", "engines": ["node >= 0.6"],
                    "dist": {"tarball": "https://r.example/a/-/a-1.0.0.tgz",
                             "shasum": "da39a3ee5e6b4b0d3255bfef95601890afd80709"}},
                "2.0.0": {"license": {"type": "ISC", "url": "x"}, "funding": "https://f.example",
                    "bin": {"a": "./a.js"}, "peerDependencies": {"p": "*"},
                    "peerDependenciesMeta": {"p": {"optional": true}},
                    "dist": {"tarball": "https://r.example/a/-/a-2.0.0.tgz",
                             "integrity": "sha512-AAAA"}}}}"#,
        ),
        (
            "native",
            r#"{"versions": {"1.0.0": {"os": ["linux"], "cpu": ["x64", "arm64"],
                "scripts": {"install": "node-gyp rebuild"},
                "dist": {"tarball": "https://r.example/native.tgz", "integrity": "sha512-BBBB"}}}}"#,
        ),
        (
            "p",
            r#"{"versions": {"1.0.0": {"license": "MIT",
                "dist": {"tarball": "https://r.example/p/-/p-1.0.0.tgz", "integrity": "sha512-CCCC"}}}}"#,
        ),
        (
            "Z",
            r#"{"versions": {"1.0.0": {"dependencies": {"b": "1", "a": "2"},
                "dist": {"tarball": "https://r.example/Z/-/Z-1.0.0.tgz", "integrity": "sha512-DDDD"}}}}"#,
        ),
        (
            "b",
            r#"{"versions": {"1.0.0": {
                "dist": {"tarball": "https://r.example/b/-/b-1.0.0.tgz", "integrity": "sha512-EEEE"}}}}"#,
        ),
    ] {
        registry.add(name, packument);
    }
    let read = |text: &str| PackageJson::parse("package.json", text.as_bytes()).unwrap();
    registry.folders.insert("packages/tool".into(), read(TOOL));
    let workspaces = vec![("@s/tool".into(), "packages/tool".into())];
    let project = Project {
        package: read(PROJECT),
        workspaces,
        ..Project::default()
    };
    let tree = ideal_tree(&project, &registry)
        .now_or_never()
        .unwrap()
        .unwrap();
    (project, tree)
}

#[test]
fn the_lockfile_is_npms_to_the_byte() {
    let (project, tree) = built();
    let written = write(&project, &tree, "folder", &Style::default());
    // Written by npm's own `@npmcli/arborist` 9.9.1 for the same registry, but for the entry of
    // `gone`, which npm 11 leaves out and then misses.
    assert_eq!(written, include_str!("tests/package-lock.json"));
}

#[test]
fn a_platform_that_is_no_list_is_none_in_the_lockfile_either() {
    let native = r#"{"versions": {"1.0.0": {"os": ["linux"], "cpu": "x64", "libc": "glibc"}}}"#;
    let mut registry = Registry::default();
    registry.add("native", native);
    let text = r#"{"dependencies": {"native": "1"}}"#;
    let project = Project {
        package: PackageJson::parse("package.json", text.as_bytes()).unwrap(),
        ..Project::default()
    };
    let tree = ideal_tree(&project, &registry).now_or_never();
    let tree = tree.unwrap().unwrap();
    let written = write(&project, &tree, "folder", &Style::default());
    let written: serde_json::Value = serde_json::from_str(&written).unwrap();
    let native = &written["packages"]["node_modules/native"];
    assert_eq!(native["os"], serde_json::json!(["linux"]));
    assert_eq!(native["cpu"], "x64");
    assert_eq!(native["libc"], "glibc");
}

#[test]
fn indentation_and_line_ends_are_kept_as_asked() {
    let (project, tree) = built();
    let style = Style {
        indent: "\t".to_owned(),
        newline: "\r\n".to_owned(),
        ..Style::default()
    };
    let written = write(&project, &tree, "folder", &style);
    assert!(written.starts_with("{\r\n\t\"name\": \"app\",\r\n\t\"version\""));
    let plain = written.replace("\r\n", "\n").replace('\t', "  ");
    assert_eq!(plain, write(&project, &tree, "folder", &Style::default()));
}

#[test]
fn a_project_without_a_name_goes_by_its_folder() {
    let registry = Registry::default();
    let project = Project::default();
    let tree = ideal_tree(&project, &registry)
        .now_or_never()
        .unwrap()
        .unwrap();
    assert_eq!(
        write(&project, &tree, "folder", &Style::default()),
        "{\n  \"name\": \"folder\",\n  \"lockfileVersion\": 3,\n  \"requires\": true,\n  \"packages\": {}\n}\n"
    );
}

#[test]
fn the_layout_is_package_jsons_and_the_rest_the_old_lockfiles() {
    let of = |text: &str| {
        let style = Style::of(text);
        (style.indent, style.newline)
    };
    let pair = |indent: &str, newline: &str| (indent.to_owned(), newline.to_owned());
    assert_eq!(of("{\r\n\t\"a\": 1\r\n}"), pair("\t", "\r\n"));
    assert_eq!(of("\u{feff}{\n    \"a\": 1}"), pair("    ", "\n"));
    assert_eq!(of("{\"a\": 1}"), pair("  ", "\n"));
    assert_eq!(of("{}"), pair("  ", "\n"));
    let kept = |text: &str| {
        let lock = read("package-lock.json", text.as_bytes()).unwrap();
        let style = Style::default().keeping(&lock);
        let project = Project::default();
        let registry = Registry::default();
        let tree = ideal_tree(&project, &registry);
        let tree = tree.now_or_never().unwrap().unwrap();
        write(&project, &tree, "app", &style)
    };
    // As npm 11.19 writes over each of them.
    insta::assert_snapshot!(kept(r#"{"lockfileVersion": 1, "dependencies": {}}"#), @r#"
    {
      "name": "app",
      "lockfileVersion": 3,
      "requires": true,
      "packages": {}
    }
    "#);
    insta::assert_snapshot!(
        kept(r#"{"lockfileVersion": 2, "version": "1.0.0", "note": {"z": 1}, "packages": {}}"#),
        @r#"
    {
      "name": "app",
      "version": "1.0.0",
      "lockfileVersion": 2,
      "requires": true,
      "packages": {},
      "note": {
        "z": 1
      }
    }
    "#
    );
}

#[test]
fn registry_addresses_are_left_out_on_demand() {
    let (project, tree) = built();
    let style = Style {
        omits_resolved: true,
        ..Style::default()
    };
    let written = write(&project, &tree, "folder", &style);
    assert!(!written.contains("https://r.example/a"));
    assert!(written.contains(r#""resolved": "packages/tool""#));
}

#[test]
fn a_weak_digest_is_replaced_wherever_it_stands() {
    let text = r#"{"packages": {"x": {"integrity": "sha1-AAAA"}}, "dependencies": {"x": {"integrity": "sha1-AAAA"}, "y": {"integrity": "sha1-AAAAB"}}}"#;
    let written = with_integrity(text, &[("sha1-AAAA".into(), "sha512-CC==".into())]);
    assert_eq!(written.matches("\"sha512-CC==\"").count(), 2);
    assert!(written.contains("\"sha1-AAAAB\""));
}
