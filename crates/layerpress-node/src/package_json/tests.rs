//! package.json files good and bad.

use super::*;

fn read(text: &str) -> PackageJson {
    PackageJson::parse("package.json", text.as_bytes()).unwrap()
}

fn refused(text: &str) -> String {
    let error = PackageJson::parse("package.json", text.as_bytes()).unwrap_err();
    assert!(!error.hint().is_empty());
    format!("{error}\nhint: {}", error.hint())
}

fn shown(pairs: &Pairs) -> Vec<String> {
    pairs
        .iter()
        .map(|(name, spec)| format!("{name}@{spec}"))
        .collect()
}

#[test]
fn dependencies_keep_their_order_and_optional_ones_win() {
    let read = read(
        r#"{"name": "app", "version": "1.0.0",
            "dependencies": {"z": "1", "sharp": "^0.33", "a": "2", "z": "3"},
            "optionalDependencies": {"sharp": "^0.34"},
            "devDependencies": {"typescript": "*"},
            "peerDependencies": {"react": ">=18"},
            "peerDependenciesMeta": {"react": {"optional": true}, "vue": {"optional": false}}}"#,
    );
    assert_eq!(shown(&read.manifest.dependencies), ["a@2", "z@3"]);
    assert_eq!(shown(&read.manifest.optional_dependencies), ["sharp@^0.34"]);
    assert_eq!(shown(&read.dev_dependencies), ["typescript@*"]);
    assert_eq!(shown(&read.manifest.peer_dependencies), ["react@>=18"]);
    assert_eq!(read.manifest.optional_peers, ["react".into()]);
}

#[test]
fn bundled_dependencies_are_a_list_however_written() {
    let names = |text: &str| read(text).manifest.bundled;
    let both: Vec<Arc<str>> = vec!["a".into(), "b".into()];
    let deps = r#""dependencies": {"a": "1", "b": "1"}"#;
    assert_eq!(
        names(&format!(r#"{{{deps}, "bundleDependencies": true}}"#)),
        both
    );
    assert_eq!(
        names(&format!(r#"{{{deps}, "bundleDependencies": ["a", "b"]}}"#)),
        both
    );
    assert_eq!(
        names(r#"{"bundledDependencies": {"a": "1", "b": "1"}}"#),
        both
    );
    assert_eq!(
        names(&format!(r#"{{{deps}, "bundleDependencies": false}}"#)),
        []
    );
    assert_eq!(
        names(r#"{"bundleDependencies": [], "bundledDependencies": ["a"]}"#),
        []
    );
}

#[test]
fn overrides_nest() {
    let read =
        read(r#"{"overrides": {"a": "1.0.0", "b@^2": {".": "2.5.0", "c": "$c", "d": {"e": ""}}}}"#);
    let [(a, one), (b, two)] = read.overrides.as_slice() else {
        panic!("{:?}", read.overrides)
    };
    assert_eq!((&**a, one.value.as_deref()), ("a", Some("1.0.0")));
    assert_eq!((&**b, two.value.as_deref()), ("b@^2", Some("2.5.0")));
    assert_eq!(two.children[0].1.value.as_deref(), Some("$c"));
    assert_eq!(two.children[1].1.value, None);
    assert_eq!(two.children[1].1.children[0].1.value.as_deref(), Some(""));
}

#[test]
fn the_rest_is_read_as_npm_normalises_it() {
    let read = read(
        r#"{"name": "@s/tool", "bin": "./cli.js", "os": "linux", "cpu": ["x64", "!arm"],
            "engines": {"node": ">=18", "npm": "*"}, "scripts": {"postinstall": "node x", "test": 1},
            "license": {"type": "MIT", "url": "x"}, "funding": "https://f.example",
            "workspaces": {"packages": ["packages/*"], "nohoist": ["x"]}, "exports": {"a": [null]}}"#,
    );
    let manifest = &read.manifest;
    assert_eq!(shown(&manifest.bin), ["tool@cli.js"]);
    assert_eq!(manifest.os, ["linux".into()]);
    assert!(manifest.extra.lone.os && !manifest.extra.lone.cpu);
    assert_eq!(manifest.cpu, ["x64".into(), "!arm".into()]);
    assert_eq!(manifest.node.as_deref(), Some(">=18"));
    assert!(manifest.has_install_script);
    assert_eq!(manifest.extra.license.as_deref(), Some(r#""MIT""#));
    assert_eq!(
        manifest.extra.funding.as_deref(),
        Some(r#"{"url":"https://f.example"}"#)
    );
    assert_eq!(read.workspaces, ["packages/*".into()]);
    let repeated = read.manifest.extra.workspaces.as_deref();
    let written = r#"{"packages":["packages/*"],"nohoist":["x"]}"#;
    assert_eq!(repeated, Some(written));
}

#[test]
fn a_byte_order_mark_and_nulls_are_passed_over() {
    let read = read(
        "\u{feff}{\"name\": null, \"dependencies\": null, \"workspaces\": null, \"os\": null}",
    );
    assert_eq!(read, PackageJson::default());
}

#[test]
fn faults_are_named_with_their_place() {
    insta::assert_snapshot!(refused("{\n  \"name\": \"x\",\n}"), @r"
    package.json:3:1: trailing comma
    hint: package.json is strict JSON: no comments, no comma after the last entry
    ");
    insta::assert_snapshot!(refused("[]"), @r"
    package.json:1:1: expected an object, found a list
    hint: package.json is strict JSON: no comments, no comma after the last entry
    ");
    insta::assert_snapshot!(refused("{\n  \"dependencies\": {\n    \"a\": 3\n  }\n}"), @r"
    package.json:3:10: `dependencies.a`: expected a version or range
    hint: see the documentation of package.json for this field
    ");
    insta::assert_snapshot!(refused("{\"dependencies\": {\"../evil\": \"1\"}}"), @r#"
    package.json:1:19: `dependencies["../evil"]`: `../evil` is not a package name: it begins with `.`
    hint: names are like `express` or `@scope/name`
    "#);
    insta::assert_snapshot!(refused("{\"dependencies\": {\"a\": \"one two\"}}"), @r"
    package.json:1:24: `dependencies.a`: `a@one two` names neither a version, a range nor a tag
    hint: write a range such as `^1.2.3`, or a tag such as `latest`
    ");
    insta::assert_snapshot!(refused("{\"dependencies\": [\"a\"]}"), @r#"
    package.json:1:18: `dependencies`: expected an object of names and ranges, found a list
    hint: see the documentation of package.json for this field
    "#);
    insta::assert_snapshot!(refused("{\"overrides\": {\"a\": {\"b\": 1}}}"), @r#"
    package.json:1:27: `overrides.a.b`: expected a version or an object of overrides, found `1`
    hint: see the documentation of package.json for this field
    "#);
    insta::assert_snapshot!(refused("{\"workspaces\": \"packages/*\"}"), @r#"
    package.json:1:16: `workspaces`: expected a list of folders, found "packages/*"
    hint: see the documentation of package.json for this field
    "#);
    insta::assert_snapshot!(refused("{\"name\": 1}"), @r#"
    package.json:1:10: `name`: expected a string, found `1`
    hint: see the documentation of package.json for this field
    "#);
    insta::assert_snapshot!(refused("{} {}"), @r#"
    package.json:1:4: trailing characters
    hint: package.json is strict JSON: no comments, no comma after the last entry
    "#);
}

#[test]
fn nesting_and_size_are_bounded() {
    let deep = |n: usize| {
        format!(
            "{{\"overrides\": {}{}}}",
            "{\"a\":".repeat(n),
            "}".repeat(n)
        )
    };
    assert!(refused(&deep(100_000)).contains("recursion limit"));
    let deep = format!("{{\"engines\": {}}}", "[".repeat(100_000));
    assert!(refused(&deep).contains("recursion limit"));
    let error = PackageJson::parse("package.json", &vec![b' '; MAX_BYTES + 1]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "package.json: 16777217 bytes are more than the 16777216 that a package.json may have"
    );
}

#[test]
fn a_field_is_found_by_its_line() {
    let text = "{\n\"name\": \"x\",\n\"a\": {\"dependencies\": {\"c\": 1}},\n\"dependencies\": {\n  \"a\": \"1\",\n  \"b/c\": \"1\"\n}\n}";
    let line = |path: &[&str]| {
        let path: Vec<String> = path.iter().map(|&part| part.to_owned()).collect();
        line_of(text.as_bytes(), &path)
    };
    assert_eq!(line(&["dependencies"]), Some(4));
    assert_eq!(line(&["dependencies", "a"]), Some(5));
    assert_eq!(line(&["dependencies", "b/c"]), Some(6));
    assert_eq!(line(&["dependencies", "c"]), None);
    assert_eq!(line(&["name", "x"]), None);
    assert_eq!(line_of(b"[", &["a".to_owned()]), None);
}
