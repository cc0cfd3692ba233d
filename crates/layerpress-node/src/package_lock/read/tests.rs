//! Lockfiles good, old and bad.

use super::*;

const SHA512: &str = "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==";
const SHA1: &str = "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=";

fn lock(text: &str) -> PackageLock {
    super::read("package-lock.json", text.as_bytes()).unwrap()
}

fn refused(text: &str) -> String {
    let error = super::read("package-lock.json", text.as_bytes()).unwrap_err();
    format!("{error}\nhint: {}", error.hint())
}

fn packages(entries: &str) -> String {
    format!("{{\"lockfileVersion\": 3, \"packages\": {{\n{entries}\n}}}}")
}

#[test]
fn an_entry_is_read_with_all_that_npm_writes() {
    let lock = lock(&packages(&format!(
        r#""": {{"name": "app", "devDependencies": {{"d": "1"}}, "workspaces": ["packages/*"]}},
        "node_modules/old": {{"name": "a", "version": "1.0.0", "resolved": "https://r.example/a.tgz",
            "integrity": "{SHA512}", "dev": true, "optional": true, "peer": true,
            "hasInstallScript": true, "os": ["!win32"], "cpu": "x64", "libc": ["glibc"],
            "engines": {{"node": ">=20"}}, "dependencies": {{"b": "^1"}}, "bin": {{"a": "./a.js"}},
            "peerDependencies": {{"p": "*"}}, "peerDependenciesMeta": {{"p": {{"optional": true}}}},
            "unheardOf": [1]}},
        "node_modules/tool": {{"resolved": "packages/tool", "link": true}},
        "packages/tool": {{"version": "0.1.0"}}"#
    )));
    let entry = &lock.packages["node_modules/old"];
    let manifest = &entry.manifest;
    assert_eq!(manifest.name.as_deref(), Some("a"));
    assert_eq!(manifest.tarball.as_deref(), Some("https://r.example/a.tgz"));
    assert_eq!(entry.integrity.to_string(), SHA512);
    assert!(entry.is_dev && entry.is_optional && entry.is_peer && !entry.is_extraneous);
    assert!(manifest.has_install_script);
    assert_eq!(manifest.os, ["!win32".into()]);
    assert_eq!(manifest.cpu, ["x64".into()]);
    assert_eq!(manifest.node.as_deref(), Some(">=20"));
    assert_eq!(manifest.optional_peers, ["p".into()]);
    assert_eq!(manifest.bin, [("a".into(), "a.js".into())]);
    assert_eq!(
        lock.packages["node_modules/tool"].link.as_deref(),
        Some("packages/tool")
    );
    assert_eq!(
        lock.packages["packages/tool"].manifest.name.as_deref(),
        Some("tool")
    );
    let project = lock.project();
    assert_eq!(
        project.workspaces,
        [("tool".into(), "packages/tool".into())]
    );
    assert_eq!(project.package.dev_dependencies, [("d".into(), "1".into())]);
    assert_eq!(lock.lacking(), []);
}

#[test]
fn version_1_nests_and_lacks_manifests() {
    let mut lock = lock(&format!(
        r#"{{"name": "app", "version": "1.0.0", "lockfileVersion": 1, "requires": true, "dependencies": {{
        "a": {{"version": "1.0.0", "resolved": "https://r.example/a/-/a-1.0.0.tgz", "integrity": "{SHA1}",
            "requires": {{"b": "^2", "o": "*"}},
            "dependencies": {{"b": {{"version": "2.0.0", "integrity": "{SHA512}", "dev": true}}}}}},
        "o": {{"version": "1.0.0", "optional": true, "bundled": true}},
        "alias": {{"version": "npm:@s/real@3.0.0", "integrity": "{SHA512}"}},
        "git": {{"version": "git+ssh://git@h.example/x.git#0123456789012345678901234567890123456789",
            "from": "git+ssh://git@h.example/x.git"}},
        "url": {{"version": "https://h.example/url-4.0.0.tgz", "integrity": "{SHA512}"}},
        "tgz": {{"version": "file:lib/tgz-1.2.3.tgz"}},
        "local": {{"version": "file:lib/local", "dependencies": {{"c": {{"version": "1.0.0"}}}}}}}}}}"#
    ));
    let shown: Vec<String> = lock
        .packages
        .iter()
        .map(|(location, of)| {
            let text = |text: &Option<Arc<str>>| text.as_deref().unwrap_or("-").to_owned();
            let m = &of.manifest;
            let link = of.link.as_deref().map(|to| format!(" -> {to}"));
            format!(
                "{location}: {} {} {}{}",
                text(&m.name),
                text(&m.version),
                text(&m.tarball),
                link.unwrap_or_default()
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "node_modules/a: a 1.0.0 https://r.example/a/-/a-1.0.0.tgz",
            "node_modules/a/node_modules/b: b 2.0.0 -",
            "node_modules/o: o 1.0.0 -",
            "node_modules/alias: @s/real 3.0.0 -",
            "node_modules/git: git - git+ssh://git@h.example/x.git#0123456789012345678901234567890123456789",
            "node_modules/url: url 4.0.0 https://h.example/url-4.0.0.tgz",
            "node_modules/tgz: tgz 1.2.3 file:lib/tgz-1.2.3.tgz",
            "node_modules/local: local - - -> lib/local",
            "lib/local: local - -",
            "lib/local/node_modules/c: c 1.0.0 -",
        ]
    );
    let a = &lock.packages["node_modules/a"];
    assert_eq!(a.manifest.dependencies, [("b".into(), "^2".into())]);
    assert_eq!(a.manifest.optional_dependencies, [("o".into(), "*".into())]);
    assert!(!a.integrity.is_strong() && a.integrity.sha1.is_some());
    assert!(lock.packages["node_modules/o"].in_bundle);
    assert_eq!(lock.lacking().len(), 8);
    let manifest = Manifest {
        os: vec!["darwin".into()],
        tarball: Some("https://elsewhere.example/a.tgz".into()),
        ..Manifest::default()
    };
    lock.supply("node_modules/a", &manifest);
    let a = &lock.packages["node_modules/a"].manifest;
    assert_eq!(a.os, ["darwin".into()]);
    assert_eq!(
        a.tarball.as_deref(),
        Some("https://r.example/a/-/a-1.0.0.tgz")
    );
    assert_eq!(lock.lacking().len(), 7);
}

#[test]
fn what_is_no_lockfile_is_refused_with_its_place() {
    insta::assert_snapshot!(refused("{\"lockfileVersion\": 3,\n}"), @r"
    package-lock.json:2:1: trailing comma
    hint: delete the file and have it written again from package.json
    ");
    insta::assert_snapshot!(refused("{\n<<<<<<< HEAD\n\"lockfileVersion\": 3\n"), @r"
    package-lock.json:2:1: key must be a string
    hint: the file holds both sides of a merge: take one of them, then have it written again
    ");
    insta::assert_snapshot!(refused("[]"), @r"
    package-lock.json:1:1: expected an object, found a list
    hint: delete the file and have it written again from package.json
    ");
    for (version, found) in [
        ("4", "4"),
        ("\"3\"", "\\\"3\\\""),
        ("0", "0"),
        ("null", "missing"),
    ] {
        let text = refused(&format!("{{\"lockfileVersion\": {version}}}"));
        assert!(
            text.starts_with(&format!(
                "package-lock.json: `lockfileVersion` is `{found}`; known are 1, 2 and 3\n"
            )),
            "{text}"
        );
    }
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    insta::assert_snapshot!(refused(&packages(&format!("\"\": {{\"license\": {deep}}}"))), @r"
    package-lock.json:2:141: recursion limit exceeded
    hint: delete the file and have it written again from package.json
    ");
}

#[test]
fn fields_that_hold_what_they_cannot_are_named() {
    let entry = |fields: &str| refused(&packages(&format!("\"node_modules/a\": {{{fields}}}")));
    insta::assert_snapshot!(entry("\"version\": 1"), @r#"
    package-lock.json:2:31: `packages["node_modules/a"].version`: expected a text
    hint: delete the file and have it written again from package.json
    "#);
    insta::assert_snapshot!(entry("\"dev\": \"yes\""), @r#"
    package-lock.json:2:27: `packages["node_modules/a"].dev`: expected `true` or `false`
    hint: delete the file and have it written again from package.json
    "#);
    insta::assert_snapshot!(entry("\"dependencies\": {\"b\": {}}"), @r#"
    package-lock.json:2:42: `packages["node_modules/a"].dependencies.b`: expected a version or range
    hint: delete the file and have it written again from package.json
    "#);
    insta::assert_snapshot!(entry("\"dependencies\": {\"../b\": \"1\"}"), @r#"
    package-lock.json:2:37: `packages["node_modules/a"].dependencies["../b"]`: is no name of a package
    hint: delete the file and have it written again from package.json
    "#);
    insta::assert_snapshot!(entry("\"integrity\": \"md5-1B2M2Y8AsgTpgAmY7PhCfg==\""), @r#"
    package-lock.json:2:33: `packages["node_modules/a"].integrity`: `md5` is too weak or not known
    hint: the entry would prove nothing: delete it
    "#);
    insta::assert_snapshot!(entry("\"os\": [1]"), @r#"
    package-lock.json:2:26: `packages["node_modules/a"].os`: expected a list of texts
    hint: delete the file and have it written again from package.json
    "#);
    insta::assert_snapshot!(entry("\"link\": true, \"resolved\": \"/etc\""), @r#"
    package-lock.json:2:46: `packages["node_modules/a"].resolved`: a folder is relative to the project and written with `/`
    hint: the file was not written by npm: look who did
    "#);
}

#[test]
fn folders_that_lead_elsewhere_are_refused() {
    insta::assert_snapshot!(refused(&packages("\"node_modules/../x\": {}")), @r#"
    package-lock.json:2:1: `packages["node_modules/../x"]`: what follows `node_modules` is no name of a package
    hint: the file was not written by npm: look who did
    "#);
    insta::assert_snapshot!(refused(&packages("\"../x\": {}")), @r#"
    package-lock.json:2:1: `packages["../x"]`: is outside of the project
    hint: delete the file and have it written again from package.json
    "#);
    insta::assert_snapshot!(refused(&packages("\"node_modules/a\": {},\n\"node_modules/a\": {}")), @r#"
    package-lock.json:3:1: `packages["node_modules/a"]`: is given twice
    hint: delete the file and have it written again from package.json
    "#);
    let link = "\"node_modules/a\": {\"link\": true, \"resolved\": \"lib/a\"}";
    insta::assert_snapshot!(refused(&packages(link)), @r#"
    package-lock.json:2:1: `packages["node_modules/a"]`: leads to `lib/a`, which the file does not have
    hint: delete the file and have it written again from package.json
    "#);
    let outside = "\"node_modules/a\": {\"link\": true, \"resolved\": \"../a\"}, \"../a\": {}";
    assert_eq!(lock(&packages(outside)).packages.len(), 2);
    insta::assert_snapshot!(
        refused(r#"{"lockfileVersion": 1, "dependencies": {"a": {"dependencies": {"../b": {}}}}}"#),
        @r#"
    package-lock.json:1:64: `dependencies.a.dependencies["../b"]`: is no name of a package
    hint: delete the file and have it written again from package.json
    "#
    );
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[\\[\\]{}:,\"a-z0-9 ./\\\\-]{0,200}") {
        let _ = super::read("package-lock.json", text.as_bytes());
        let _ = super::read("package-lock.json", packages(&text).as_bytes());
    }
}
