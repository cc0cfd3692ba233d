//! Packuments as registries send them, strange ones included.

use rkyv::util::AlignedVec;

use super::*;

fn name(text: &str) -> PackageName {
    PackageName::parse(text).unwrap()
}

fn aligned(bytes: &[u8]) -> PackumentBytes {
    let mut aligned = AlignedVec::<16>::new();
    aligned.extend_from_slice(bytes);
    Box::new(aligned)
}

fn open(package: &str, json: &str) -> Packument {
    let bytes = compile(&name(package), json.as_bytes()).unwrap();
    Packument::open(name(package), aligned(&bytes)).unwrap()
}

fn shown(pairs: &Pairs) -> Vec<String> {
    pairs
        .iter()
        .map(|(name, spec)| format!("{name}@{spec}"))
        .collect()
}

#[test]
fn versions_come_highest_first_and_tags_point() {
    let packument = open(
        "a",
        r#"{"name": "a", "dist-tags": {"latest": "1.9.0", "next": "2.0.0-rc.1"},
            "time": {"created": "x", "1.9.0": "2024-02-03T04:05:06.789Z"},
            "versions": {"1.9.0": {}, "not one": {}, "1.10.0+a": {}, "2.0.0-rc.1": {},
                         "1.10.0+b": {}, "0.1.0": {"deprecated": "old", "engines": {"node": ">=4"}}}}"#,
    );
    let versions: Vec<&str> = packument.versions().map(|version| version.text()).collect();
    assert_eq!(
        versions,
        [
            "2.0.0-rc.1",
            "1.10.0+a",
            "1.10.0+b",
            "1.9.0",
            "0.1.0",
            "not one"
        ]
    );
    assert_eq!(packument.tag("latest"), Some("1.9.0"));
    assert_eq!(packument.tag("beta"), None);
    assert_eq!(
        packument.version("1.9.0").unwrap().published(),
        Some(1_706_933_106)
    );
    let old = packument.version("0.1.0").unwrap();
    assert_eq!((old.deprecated(), old.node()), (Some("old"), Some(">=4")));
    assert_eq!(old.published(), None);
}

#[test]
fn a_version_is_read_as_npm_normalises_it() {
    let packument = open(
        "@s/a",
        r#"{"name": "@s/a", "readme": "x", "versions": {"1.0.0": {
            "name": "@s/a", "version": "1.0.0",
            "dependencies": {"z": "1", "o": "2", "bad": 3, "a": "1"},
            "optionalDependencies": {"o": "^2"},
            "peerDependencies": {"p": "*", "q": "1"}, "peerDependenciesMeta": {"p": {"optional": true}},
            "bundledDependencies": ["z"], "os": ["!win32"], "cpu": "x64", "libc": ["glibc"],
            "engines": {"node": ">= 18"}, "bin": "cli.js", "scripts": {"install": "node-gyp rebuild"},
            "_hasShrinkwrap": false, "license": "MIT", "funding": ["https://f.example"],
            "dist": {"tarball": "https://r.example/@s/a/-/a-1.0.0.tgz", "integrity": "sha512-abc==",
                     "shasum": "0000000000000000000000000000000000000000", "signatures": [{"sig": 1}]}}}}"#,
    );
    let manifest = packument.version("1.0.0").unwrap().manifest().unwrap();
    assert_eq!(shown(&manifest.dependencies), ["z@1", "a@1"]);
    assert_eq!(shown(&manifest.optional_dependencies), ["o@^2"]);
    assert_eq!(shown(&manifest.peer_dependencies), ["p@*", "q@1"]);
    assert_eq!(manifest.optional_peers, ["p".into()]);
    assert_eq!(manifest.bundled, ["z".into()]);
    assert_eq!(manifest.os, ["!win32".into()]);
    assert_eq!(manifest.cpu, ["x64".into()]);
    assert_eq!(manifest.libc, ["glibc".into()]);
    let lone = manifest.extra.lone;
    assert!(lone.cpu && !lone.os && !lone.libc);
    assert_eq!(shown(&manifest.bin), ["a@cli.js"]);
    assert!(manifest.has_install_script);
    assert!(!manifest.has_shrinkwrap);
    assert_eq!(
        manifest.tarball.as_deref(),
        Some("https://r.example/@s/a/-/a-1.0.0.tgz")
    );
    assert_eq!(manifest.integrity.as_deref(), Some("sha512-abc=="));
    assert_eq!(manifest.extra.license.as_deref(), Some(r#""MIT""#));
    assert_eq!(
        manifest.extra.funding.as_deref(),
        Some(r#"["https://f.example"]"#)
    );
    assert_eq!(
        manifest.extra.engines.as_deref(),
        Some(r#"{"node":">= 18"}"#)
    );
}

#[test]
fn old_packages_have_a_sha1_and_any_address() {
    let packument = open(
        "a",
        r#"{"versions": {"0.0.1": {"dist": {"tarball": "https://r.example/old.tgz",
            "shasum": "da39a3ee5e6b4b0d3255bfef95601890afd80709"}}, "0.0.2": {"dist": {"shasum": "x"}},
            "0.0.3": {"dependencies": [], "engines": ["node >= 0.6"], "bin": 3, "os": {}, "dist": null}}}"#,
    );
    let manifest = |version| packument.version(version).unwrap().manifest().unwrap();
    let oldest = manifest("0.0.1");
    assert_eq!(oldest.tarball.as_deref(), Some("https://r.example/old.tgz"));
    assert_eq!(
        oldest.integrity.as_deref(),
        Some("sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=")
    );
    assert_eq!(manifest("0.0.2").integrity, None);
    assert_eq!(
        manifest("0.0.3").extra.engines.as_deref(),
        Some(r#"["node >= 0.6"]"#)
    );
}

#[test]
fn the_document_of_one_version_is_a_packument_of_one() {
    let json = br#"{"name": "a", "version": "1.2.3", "dependencies": {"b": "1"}}"#;
    let bytes = compile_version(&name("a"), json).unwrap();
    let packument = Packument::open(name("a"), aligned(&bytes)).unwrap();
    let manifest = packument.version("1.2.3").unwrap().manifest().unwrap();
    assert_eq!(shown(&manifest.dependencies), ["b@1"]);
    assert_eq!(packument.tags().count(), 0);
}

#[test]
fn what_is_no_packument_is_refused() {
    let refused = |json: &str| {
        let error = compile(&name("a"), json.as_bytes()).unwrap_err();
        assert!(!error.hint().is_empty());
        error.to_string()
    };
    insta::assert_snapshot!(refused("<html>"), @"a: the registry's answer cannot be read at line 1, column 1: expected value");
    insta::assert_snapshot!(refused("{\"versions\": {\"1.0.0\": 3}}"), @"a: the registry's answer cannot be read at line 1, column 24: invalid type: integer `3`, expected a version: an object");
    insta::assert_snapshot!(refused("{\"name\": \"b\", \"versions\": {\"1.0.0\": {}}}"), @"a: the registry answered with `b`");
    insta::assert_snapshot!(refused("{\"name\": \"a\", \"versions\": {}}"), @"a: the registry has no version of it");
    assert!(refused(&"[".repeat(100_000)).contains("expected a packument"));
    let deep = format!(
        "{{\"versions\": {{\"1.0.0\": {{\"bin\": {}",
        "[".repeat(100_000)
    );
    assert!(refused(&deep).contains("recursion limit"));
}

#[test]
fn a_damaged_buffer_is_absent() {
    let json = br#"{"versions": {"1.0.0": {"dependencies": {"b": "1"}}}}"#;
    let bytes = compile(&name("a"), json).unwrap();
    for length in 0..bytes.len() {
        assert!(
            Packument::open(name("a"), aligned(&bytes[..length])).is_none(),
            "{length}"
        );
    }
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0xff;
        // Whatever can be opened can be looked at.
        if let Some(packument) = Packument::open(name("a"), aligned(&damaged)) {
            for version in packument.versions() {
                let _ = (version.deprecated(), version.node(), version.manifest());
            }
        }
    }
}
