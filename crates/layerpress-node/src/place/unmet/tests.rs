//! Pairs of package.json and lockfile, each judged as `npm ci` 11.19 judges it.

use super::*;
use crate::package_json::PackageJson;
use crate::package_lock::read;

const LOCK: &str = r#"{"lockfileVersion": 3, "packages": {
    "": {"dependencies": {"a": "^1", "old": "npm:b@1"}, "devDependencies": {"d": "1"},
         "optionalDependencies": {"gone": "1"}, "workspaces": ["packages/*"]},
    "node_modules/a": {"version": "1.2.0", "dependencies": {"c": "^1"},
         "optionalDependencies": {"lost": "1"}, "peerDependencies": {"p": "^2"}},
    "node_modules/c": {"version": "1.0.0"},
    "node_modules/d": {"version": "1.0.0", "dev": true},
    "node_modules/old": {"name": "b", "version": "1.0.0"},
    "node_modules/p": {"version": "1.0.0", "peer": true},
    "node_modules/tool": {"resolved": "packages/tool", "link": true},
    "packages/tool": {"dependencies": {"c": "1"}}}}"#;

fn parsed(text: &str) -> PackageJson {
    PackageJson::parse("package.json", text.as_bytes()).unwrap()
}

fn judged_on(lock: &str, package: &str, tool: &str) -> String {
    let lock = read("package-lock.json", lock.as_bytes()).unwrap();
    let package = parsed(package);
    let workspaces = [("tool", "packages/tool"), ("new", "packages/new")];
    let count = package.workspaces.len();
    let project = Project {
        package,
        workspaces: workspaces
            .map(|(n, p)| (n.into(), p.into()))
            .into_iter()
            .take(count)
            .collect(),
        ..Project::default()
    };
    let folders = |location: &str| (location == "packages/tool").then(|| parsed(tool));
    unmet(&project, &lock, &folders).map_or_else(
        || "serves".to_owned(),
        |u| format!("{}: {u}", u.path.join(".")),
    )
}

fn judged(package: &str) -> String {
    judged_on(
        LOCK,
        package,
        r#"{"name": "tool", "dependencies": {"c": "1"}}"#,
    )
}

#[test]
fn what_is_asked_for_as_locked_or_less_is_served() {
    for package in [
        r#"{"dependencies": {"a": "^1", "old": "npm:b@1"}, "devDependencies": {"d": "1"},
            "optionalDependencies": {"gone": "1"}, "workspaces": ["packages/*"]}"#,
        // Removed, moved, a range that what is locked is still in.
        r#"{"dependencies": {"a": "1.x", "d": "*"}}"#,
        "{}",
    ] {
        assert_eq!(judged(package), "serves", "{package}");
    }
    let without_root = LOCK.replacen(
        r#""": {"dependencies": {"a": "^1", "old": "npm:b@1"}, "devDependencies": {"d": "1"},
         "optionalDependencies": {"gone": "1"}, "workspaces": ["packages/*"]},"#,
        "",
        1,
    );
    assert!(without_root.len() < LOCK.len());
    assert_eq!(
        judged_on(&without_root, r#"{"dependencies": {"a": "^1"}}"#, "{}"),
        "serves"
    );
}

#[test]
fn what_is_missing_or_another_is_named_with_its_field() {
    insta::assert_snapshot!(judged(r#"{"dependencies": {"x": "^1"}}"#),
        @"dependencies.x: the project needs x@^1, which is missing");
    insta::assert_snapshot!(judged(r#"{"dependencies": {"a": "^2"}}"#),
        @"dependencies.a: the project needs a@^2, but has a@1.2.0");
    insta::assert_snapshot!(judged(r#"{"devDependencies": {"d": "2"}}"#),
        @"devDependencies.d: the project needs d@2, but has d@1.0.0");
    insta::assert_snapshot!(judged(r#"{"optionalDependencies": {"gone": "2"}}"#),
        @"optionalDependencies.gone: the project needs gone@2, which is missing");
    insta::assert_snapshot!(judged(r#"{"dependencies": {"gone": "1"}}"#),
        @"dependencies.gone: the project needs gone@1, which is missing");
    insta::assert_snapshot!(judged(r#"{"peerDependencies": {"p": "2"}}"#),
        @"peerDependencies.p: the project needs p@2, but has p@1.0.0");
    insta::assert_snapshot!(judged(r#"{"dependencies": {"old": "npm:b@2"}}"#),
        @"dependencies.old: the project needs old@npm:b@2, but has b@1.0.0");
    insta::assert_snapshot!(judged(r#"{"dependencies": {"a": "1"}, "overrides": {"c": "2"}}"#),
        @"overrides: a@1.2.0 needs c@2, but has c@1.0.0");
    insta::assert_snapshot!(judged(r#"{"dependencies": {"tool": "file:packages/other"}}"#),
        @"dependencies.tool: the project needs tool@file:packages/other, but has a link to `packages/tool`");
    insta::assert_snapshot!(judged(r#"{"dependencies": {"tool": "latest"}}"#),
        @"dependencies.tool: the project needs tool@latest, but has a link to `packages/tool`");
    insta::assert_snapshot!(judged(r#"{"workspaces": ["packages/tool", "packages/new"]}"#),
        @"workspaces: the project needs new@file:packages/new, which is missing");
}

#[test]
fn what_a_workspace_asks_for_is_read_from_its_folder() {
    let project = r#"{"workspaces": ["packages/tool"]}"#;
    insta::assert_snapshot!(judged_on(LOCK, project, r#"{"name": "tool", "dependencies": {"c": "2"}}"#),
        @"dependencies.c: tool needs c@2, but has c@1.0.0");
}

#[test]
fn a_nested_package_that_is_missing_is_missed() {
    let lock = LOCK.replace(r#""node_modules/c": {"version": "1.0.0"},"#, "");
    insta::assert_snapshot!(judged_on(&lock, r#"{"dependencies": {"a": "1"}}"#, "{}"),
        @"dependencies.c: a@1.2.0 needs c@^1, which is missing");
    let lock = LOCK.replace(
        r#""node_modules/p": {"version": "1.0.0", "peer": true},"#,
        "",
    );
    insta::assert_snapshot!(judged_on(&lock, r#"{"dependencies": {"a": "1"}}"#, "{}"),
        @"peerDependencies.p: a@1.2.0 needs p@^2, which is missing");
}

#[test]
fn another_branch_is_another_wish() {
    let lock = r#"{"lockfileVersion": 3, "packages": {
        "": {"dependencies": {"g": "git+https://h.example/g.git#main"}},
        "node_modules/g": {"version": "1.0.0",
            "resolved": "git+https://h.example/g.git#0123456789012345678901234567890123456789"}}}"#;
    let of = |reference: &str| {
        let package =
            format!(r#"{{"dependencies": {{"g": "git+https://h.example/g.git{reference}"}}}}"#);
        judged_on(lock, &package, "{}")
    };
    assert_eq!(of("#main"), "serves");
    assert_eq!(of("#0123456789012345678901234567890123456789"), "serves");
    assert_eq!(of("#semver:^1"), "serves");
    insta::assert_snapshot!(of("#next"), @"dependencies.g: the project needs g@git+https://h.example/g.git#next, but has g@1.0.0");
    assert!(of("").starts_with("dependencies.g: "));
    assert!(of("#1123456789012345678901234567890123456789").starts_with("dependencies.g: "));
}
