//! `pyproject.toml`: what is taken, and how every mistake reads.

use super::{folder, printed};
use crate::manifest::*;

fn options(extras: &[&str], groups: &[&str]) -> PyprojectOptions {
    PyprojectOptions {
        extras: match extras {
            [] => Extras::None,
            ["*"] => Extras::All,
            names => Extras::Named(names.iter().map(|n| n.parse().expect("valid")).collect()),
        },
        groups: groups.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn taken(text: &str, extras: &[&str], groups: &[&str]) -> Manifest {
    let folder = folder(&[
        ("pyproject.toml", text),
        ("lib/pyproject.toml", ""),
        ("req.txt", "d>=1\n"),
    ]);
    read_pyproject(
        &folder.path().join("pyproject.toml"),
        &options(extras, groups),
    )
    .unwrap_or_else(|error| panic!("{}", printed(&error, folder.path())))
}

fn lines(manifest: &Manifest) -> Vec<String> {
    manifest
        .requirements
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn refused(text: &str, extras: &[&str], groups: &[&str]) -> String {
    let folder = folder(&[("pyproject.toml", text)]);
    let path = folder.path().join("pyproject.toml");
    let error = read_pyproject(&path, &options(extras, groups)).expect_err("refused");
    printed(&error, folder.path())
}

const PROJECT: &str = r#"
[project]
name = "My.Proj"
version = "1.2"
requires-python = ">=3.11"
dependencies = [
    "requests>=2", # why
    "boto3 ; python_version < '4'",
]

[project.optional-dependencies]
all = ["my-proj[fast,Slow_er]"]
fast = ["orjson"]
slow-er = ["my_proj[fast] ; os_name == 'nt'", "simplejson"]

[dependency-groups]
Test_Tools = ["pytest", {include-group = "lint"}]
lint = ["ruff>=0.5"]
self = ["my-proj[fast]"]
"#;

#[test]
fn a_project_with_extras_and_groups() {
    let manifest = taken(PROJECT, &[], &[]);
    assert_eq!(
        lines(&manifest),
        ["requests>=2", "boto3 ; python_full_version < '4'"]
    );
    assert_eq!(manifest.requirements[1].origin.line, Some(8));
    let (python, origin) = manifest.requires_python.expect("given");
    assert_eq!(
        (python.to_string().as_str(), origin.line),
        (">=3.11", Some(5))
    );
    let project = manifest.project.expect("given");
    assert_eq!(
        project.name.map(|n| n.to_string()).as_deref(),
        Some("my-proj")
    );
    assert_eq!(
        lines(&taken(PROJECT, &["all"], &[]))[2..],
        ["orjson", "orjson ; os_name == 'nt'", "simplejson"]
    );
    assert_eq!(lines(&taken(PROJECT, &["*"], &[])).len(), 8);
    assert_eq!(
        lines(&taken(PROJECT, &[], &["test-tools"]))[2..],
        ["pytest", "ruff>=0.5"]
    );
    assert_eq!(lines(&taken(PROJECT, &[], &["self"]))[2..], ["orjson"]);
}

#[test]
fn groups_without_a_project_and_dynamic_dependencies_of_setuptools() {
    let groups = "[dependency-groups]\na = ['x']\n";
    assert_eq!(lines(&taken(groups, &[], &["a"])), ["x"]);
    let dynamic = "[project]\nname='p'\ndynamic=['dependencies']\n[tool.setuptools.dynamic]\ndependencies={file=['req.txt']}\n";
    assert_eq!(lines(&taken(dynamic, &[], &[])), ["d>=1"]);
}

#[test]
fn mistakes_name_their_line() {
    insta::assert_snapshot!(refused("[project]\nname='p'\ndependencies=['requests=1']", &[], &[]), @r"
    pyproject.toml:3: `requests=1`: `=` is not a version operator
    hint: did you mean `requests==1`?
    ");
    insta::assert_snapshot!(refused("[project]\nname='p'\ndependencies={requests='1'}", &[], &[]), @r#"
    pyproject.toml:3: `project.dependencies` is an inline table, not an array of strings
    hint: tables of versions are Poetry's form; write `["name>=1.0"]`
    "#);
    insta::assert_snapshot!(refused("[project]\nname='p'\ndependencies=[1]", &[], &[]), @"pyproject.toml:3: `project.dependencies` holds an integer, not strings only");
    insta::assert_snapshot!(refused("[project]\nname='p q'", &[], &[]), @"pyproject.toml:2: `project.name` holds `p q`, which is not a package name");
    insta::assert_snapshot!(refused("[project]\nname='p'\nrequires-python='3.9'", &[], &[]), @r"
    pyproject.toml:3: `3.9`: `3.9` is not a version clause
    hint: did you mean `>=3.9`?
    ");
    insta::assert_snapshot!(refused("[project]\nname='p'\ndynamic=['dependencies']", &[], &[]), @r"
    pyproject.toml:3: `project.dynamic` leaves `dependencies` to the build backend, which is not run to find out
    hint: list them under `[project] dependencies`, or give a requirements file or lockfile instead
    ");
    insta::assert_snapshot!(refused("[project\nname='p'", &[], &[]), @"pyproject.toml:1: not valid TOML: unclosed table, expected `]`");
    insta::assert_snapshot!(refused(PROJECT, &["fats"], &[]), @r"
    pyproject.toml: there is no extra `fats`
    hint: did you mean `fast`?
    ");
    insta::assert_snapshot!(refused(PROJECT, &[], &["docs"]), @r"
    pyproject.toml: there is no dependency group `docs`
    hint: there are `Test_Tools`, `lint`, `self`
    ");
    insta::assert_snapshot!(refused("[project]\nname='p'", &[], &["docs"]), @r"
    pyproject.toml: there is no dependency group `docs`
    hint: the file declares no dependency groups
    ");
    insta::assert_snapshot!(refused("[project]\nname='p'\n[project.optional-dependencies]\na=['p[b]']\nb=['p[a]']", &["a"], &[]), @r"
    pyproject.toml:5: the extras include each other: `a` → `b` → `a`
    hint: take one of the inclusions out
    ");
    insta::assert_snapshot!(refused("[dependency-groups]\na=[{include-group='b'}]\nb=[{include-group='A'}]", &[], &["a"]), @r"
    pyproject.toml:3: the dependency groups include each other: `a` → `b` → `a`
    hint: take one of the inclusions out
    ");
    insta::assert_snapshot!(refused("[dependency-groups]\na=[{include='b'}]", &[], &["a"]), @r#"
    pyproject.toml:2: `dependency-groups.a` holds an entry that is neither a requirement nor an inclusion
    hint: write `"name>=1.0"` or `{include-group = "name"}`
    "#);
    insta::assert_snapshot!(refused("[dependency-groups]\na_b=[]\na-b=[]", &[], &["a.b"]), @"pyproject.toml:3: `dependency-groups` has `a_b` and `a-b`, which are one name");
    let deep = format!("x = {}", "[".repeat(200));
    assert!(refused(&deep, &[], &[]).contains("not valid TOML"));
}

#[test]
fn sources_and_indexes_of_uv() {
    let manifest = taken(
        r#"
[project]
name = "p"
dependencies = ["torch", "lib", "tool>=1", "plain", "arch"]
[tool.uv]
constraint-dependencies = ["urllib3<2", "arch<9"]
override-dependencies = ["six==1", "Torch==2 ; sys_platform == 'linux'"]
no-build-package = ["torch"]
prerelease = "allow"
[tool.uv.sources]
torch = [
  { index = "cpu", marker = "sys_platform == 'linux'" },
  { index = "gpu", marker = "sys_platform == 'win32'" },
]
Lib = { path = "lib", editable = true }
tool = { git = "https://git.example/tool", tag = "v1", subdirectory = "py" }
arch = { url = "https://pkg.example/arch.zip" }
[[tool.uv.index]]
name = "cpu"
url = "https://cpu.example/simple"
explicit = true
[[tool.uv.index]]
name = "gpu"
url = "https://gpu.example/simple"
[[tool.uv.index]]
url = "https://main.example/simple"
default = true
"#,
        &[],
        &[],
    );
    let shown = lines(&manifest);
    assert_eq!(shown[0], "torch ; sys_platform == 'linux'");
    assert_eq!(shown[1], "torch ; sys_platform == 'win32'");
    assert_eq!(
        shown[2],
        "torch ; sys_platform != 'linux' and sys_platform != 'win32'"
    );
    assert!(shown[3].starts_with("-e lib @ ") && shown[3].ends_with("/lib"));
    assert_eq!(
        shown[4..],
        [
            "tool @ git+https://git.example/tool@v1#subdirectory=py",
            "plain",
            "arch @ https://pkg.example/arch.zip",
        ]
    );
    let index = |at: usize| {
        manifest.requirements[at]
            .index
            .as_ref()
            .map(url::Url::as_str)
    };
    assert_eq!(
        (index(0), index(2)),
        (Some("https://cpu.example/simple"), None)
    );
    assert_eq!(
        manifest.indexes.index_url.as_ref().map(url::Url::as_str),
        Some("https://main.example/simple")
    );
    assert_eq!(manifest.indexes.extra_index_urls.len(), 1);
    assert_eq!(
        (
            manifest.constraints.len(),
            manifest.overrides.len(),
            manifest.pre
        ),
        (2, 2, true)
    );
    // A source is one for constraints and overrides too.
    assert_eq!(
        manifest.constraints[1].to_string(),
        "arch @ https://pkg.example/arch.zip"
    );
    assert_eq!(
        manifest.overrides[1].index.as_ref().map(url::Url::as_str),
        Some("https://cpu.example/simple")
    );
    assert!(
        !manifest
            .build
            .formats(&"torch".parse().expect("valid"))
            .sdist
    );
}

#[test]
fn mistakes_in_uv_tables() {
    let with = |sources: &str| {
        refused(
            &format!("[project]\nname='p'\ndependencies=['x']\n[tool.uv.sources]\n{sources}"),
            &[],
            &[],
        )
    };
    insta::assert_snapshot!(with("x = { workspace = true }"), @r#"
    pyproject.toml:5: `tool.uv.sources.x` has `workspace`, which is not read here
    hint: name the member's folder: `{ path = "…" }`
    "#);
    insta::assert_snapshot!(with("x = { gti = 'https://git.example/x' }"), @r"
    pyproject.toml:5: `tool.uv.sources.x` has `gti`, which is not read here
    hint: did you mean `git`?
    ");
    insta::assert_snapshot!(with("x = { index = 'cpu' }"), @r#"
    pyproject.toml:5: `tool.uv.sources.x` names the index `cpu`, which is not declared
    hint: declare it: `[[tool.uv.index]]` with `name = "cpu"`
    "#);
    insta::assert_snapshot!(with("x = { path = 'missing' }"), @r#"
    pyproject.toml:5: `{ path = "missing" }`: there is no file or folder `missing`
    "#);
    let twice = "x = [{ url = 'https://x.example/x.zip' }, { url = 'https://y.example/x.zip', marker = \"os_name == 'nt'\" }]";
    insta::assert_snapshot!(with(twice), @r#"
    pyproject.toml:5: `tool.uv.sources.x` names two sources that are for one machine
    hint: give each a `marker` that shuts the others out
    "#);
    insta::assert_snapshot!(with("x = { git = 'not a url' }"), @"pyproject.toml:5: `tool.uv.sources.x` holds `not a url`: relative URL without a base");
    insta::assert_snapshot!(with("x = 'y'"), @"pyproject.toml:5: `tool.uv.sources.x` is a string, not a table");
}

const POETRY: &str = r#"
[tool.poetry]
name = "p"
version = "0.1"
[tool.poetry.dependencies]
python = "^3.11"
requests = "^2.31"
Django = { version = "~4.2", extras = ["argon2"] }
old = { version = "*", python = "<3.12", platform = "linux" }
psycopg = { version = "^3", optional = true }
several = [{ version = "<2", python = "<3.12" }, { version = ">=2", python = ">=3.12" }]
repo = { git = "https://git.example/repo.git", branch = "main" }
local = { path = "lib", develop = true }
priv = { version = "1.0", source = "corp" }
[tool.poetry.extras]
postgres = ["psycopg"]
[tool.poetry.group.test.dependencies]
pytest = ">=7 <9"
[[tool.poetry.source]]
name = "corp"
url = "https://corp.example/simple"
priority = "explicit"
"#;

#[test]
fn poetry_tables_are_translated() {
    let manifest = taken(POETRY, &[], &[]);
    let mut shown = lines(&manifest);
    let local = shown.remove(6);
    assert!(local.starts_with("-e local @ ") && local.ends_with("/lib"));
    assert_eq!(
        shown,
        [
            "requests>=2.31,<3",
            "django[argon2]>=4.2,<4.3",
            "old ; python_full_version < '3.12' and sys_platform == 'linux'",
            "several<2 ; python_full_version < '3.12'",
            "several>=2 ; python_full_version >= '3.12'",
            "repo @ git+https://git.example/repo.git@main",
            "priv==1.0",
        ]
    );
    assert_eq!(
        manifest
            .requires_python
            .map(|(p, _)| p.to_string())
            .as_deref(),
        Some(">=3.11, <4")
    );
    assert!(manifest.indexes.index_url.is_none() && manifest.indexes.extra_index_urls.is_empty());
    assert!(
        manifest
            .requirements
            .last()
            .is_some_and(|r| r.index.is_some())
    );
    assert!(lines(&taken(POETRY, &["postgres"], &[])).contains(&"psycopg>=3,<4".to_owned()));
    assert!(lines(&taken(POETRY, &[], &["test"])).contains(&"pytest>=7,<9".to_owned()));
}

#[test]
fn mistakes_in_poetry_tables() {
    let with = |line: &str| refused(&format!("[tool.poetry.dependencies]\n{line}\n"), &[], &[]);
    insta::assert_snapshot!(with("x = '^1 || ^2'"), @r"
    pyproject.toml:2: `tool.poetry.dependencies.x` holds `^1 || ^2`: alternatives with `||` cannot be said in PEP 440
    hint: move the dependencies to `[project]` (PEP 621), or give what `poetry export` writes
    ");
    insta::assert_snapshot!(with("x = 'latest'"), @r"
    pyproject.toml:2: `tool.poetry.dependencies.x` holds `latest`, which is not a version constraint
    hint: move the dependencies to `[project]` (PEP 621), or give what `poetry export` writes
    ");
    insta::assert_snapshot!(with("x = { version = '1', source = 'corp' }"), @r"
    pyproject.toml:2: `tool.poetry.dependencies.x` names the source `corp`, which is not declared
    hint: move the dependencies to `[project]` (PEP 621), or give what `poetry export` writes
    ");
    insta::assert_snapshot!(with("'x y' = '1'"), @r"
    pyproject.toml:2: `tool.poetry.dependencies.x y` has a key that is not a package name
    hint: move the dependencies to `[project]` (PEP 621), or give what `poetry export` writes
    ");
    insta::assert_snapshot!(with("x = 1"), @"pyproject.toml:2: `tool.poetry.dependencies.x` is an integer, not a version or a table");
}

#[test]
fn manifests_are_merged() {
    let project = taken(PROJECT, &[], &[]);
    let other = Manifest {
        require_hashes: true,
        pre: true,
        ..Manifest::default()
    };
    let merged = other.merge(project);
    assert!(merged.require_hashes && merged.pre && merged.project.is_some());
    assert_eq!((merged.requirements.len(), merged.files_read.len()), (2, 1));
    let more = taken("[project]\nname='q'\nrequires-python='<3.14'", &[], &[]);
    let (python, _) = merged.merge(more).requires_python.expect("given");
    assert_eq!(python.to_string(), ">=3.11, <3.14");
}
