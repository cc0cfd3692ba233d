//! The fixtures in `lockfiles/foreign` were locked by the tools themselves; the rest is by hand.

use layerpress_target::{Arch, Target};
use proptest::prelude::*;

use super::*;
use crate::Source;

const UV: &str = include_str!("../../../../lockfiles/foreign/uv/uv.lock");
const POETRY_21: &str = include_str!("../../../../lockfiles/foreign/poetry-2.1/poetry.lock");
const POETRY_20: &str = include_str!("../../../../lockfiles/foreign/poetry-2.0/poetry.lock");
const POETRY_11: &str = include_str!("../../../../lockfiles/foreign/poetry-1.1/poetry.lock");
const POETRY_10: &str = include_str!("../../../../lockfiles/foreign/poetry-1.0/poetry.lock");
const POETRY_012: &str = include_str!("../../../../lockfiles/foreign/poetry-0.12/poetry.lock");
const PDM_45: &str = include_str!("../../../../lockfiles/foreign/pdm-4.5/pdm.lock");
const PDM_43: &str = include_str!("../../../../lockfiles/foreign/pdm-4.3/pdm.lock");
const PIPFILE: &str = include_str!("../../../../lockfiles/foreign/pipenv-6/Pipfile.lock");

/// What is asked of a lock, on one line: `python3.12 arm64 +extra @group root root[extra]`.
fn ask(question: &str) -> (Target, Selection, Vec<Root>) {
    let mut words = question.split_whitespace();
    let mut next = || words.next().expect("a runtime and an architecture");
    let (runtime, arch) = (next(), next());
    let target = Target {
        runtime: runtime.parse().expect("a runtime"),
        arch: arch.parse().expect("an architecture"),
    };
    let mut selection = Selection::default();
    let mut roots = Vec::new();
    for word in words {
        if let Some(extra) = word.strip_prefix('+') {
            selection.extras.push(extra.parse().expect("an extra"));
        } else if let Some(group) = word.strip_prefix('@') {
            let groups = selection.groups.get_or_insert_default();
            groups.push(group.parse().expect("a group"));
        } else {
            let (name, extras) = word
                .trim_end_matches(']')
                .split_once('[')
                .unwrap_or((word, ""));
            let extras = extras.split(',').filter(|it| !it.is_empty());
            roots.push(Root {
                name: name.parse().expect("a name"),
                extras: extras.map(|it| it.parse().expect("an extra")).collect(),
            });
        }
    }
    (target, selection, roots)
}

fn chosen(format: ForeignFormat, text: &str, question: &str) -> String {
    let lock = match ForeignLock::parse(format, text) {
        Ok(lock) => lock,
        Err(error) => return format!("{error}\nhint: {}", error.hint().unwrap_or_default()),
    };
    let (target, selection, roots) = ask(question);
    match lock.select(&target, &selection, &roots) {
        Ok(packages) => {
            let packages = packages
                .iter()
                .map(|it| format!("{} {}", it.package.name, it.package.edition()));
            packages.collect::<Vec<_>>().join(", ")
        }
        Err(error) => format!("{error}\nhint: {}", error.hint()),
    }
}

#[test]
fn uv_is_walked_from_the_project() {
    let uv = |question: &str| chosen(ForeignFormat::Uv, UV, question);
    insta::assert_snapshot!(uv("python3.12 x86_64"), @"annotated-types 0.8.0, certifi 2026.10.18, charset-normalizer 3.5.2, dnspython 2.9.2, email-validator 2.4.0, idna 3.20, numpy 2.2.6, pydantic 2.14.3, pydantic-core 2.50.4, requests 2.34.2, typing-extensions 4.16.0, typing-inspection 0.4.5, urllib3 2.8.0");
    insta::assert_snapshot!(uv("python3.13 arm64 +queue @lint"), @"annotated-types 0.8.0, boto3 1.44.5, botocore 1.44.5, certifi 2026.10.18, charset-normalizer 3.5.2, dnspython 2.9.2, email-validator 2.4.0, idna 3.20, jmespath 1.1.0, numpy 2.5.5, pydantic 2.14.3, pydantic-core 2.50.4, python-dateutil 2.9.0.post0, requests 2.34.2, ruff 0.17.6, s3transfer 0.19.3, six 1.17.0, typing-extensions 4.16.0, typing-inspection 0.4.5, urllib3 2.8.0");
    insta::assert_snapshot!(uv("python3.10 x86_64"), @r"
    the lock is for Python `>=3.11`, python3.10 x86_64 has 3.10.20
    hint: lock again for this target
    ");
    insta::assert_snapshot!(uv("python3.12 x86_64 +queues"), @r"
    the lock has no extra `queues`
    hint: it has `queue`
    ");
    insta::assert_snapshot!(uv("python3.12 x86_64 @docs"), @r"
    the lock has no dependency group `docs`
    hint: it has `dev`, `lint`
    ");
}

#[test]
fn poetry_tells_groups_or_asks_for_roots() {
    let poetry = |text: &str, question: &str| chosen(ForeignFormat::Poetry, text, question);
    insta::assert_snapshot!(poetry(POETRY_21, "python3.12 x86_64"), @"annotated-types 0.8.0, certifi 2026.10.18, charset-normalizer 3.5.2, dnspython 2.9.2, email-validator 2.4.0, idna 3.20, numpy 2.2.6, pydantic 2.14.3, pydantic-core 2.50.4, requests 2.34.2, typing-extensions 4.16.0, typing-inspection 0.4.5, urllib3 2.8.0");
    insta::assert_snapshot!(poetry(POETRY_21, "python3.13 x86_64 +queue @dev"), @"annotated-types 0.8.0, boto3 1.40.0, botocore 1.40.76, certifi 2026.10.18, charset-normalizer 3.5.2, dnspython 2.9.2, email-validator 2.4.0, idna 3.20, iniconfig 2.3.1, jmespath 1.1.0, numpy 2.5.5, packaging 26.3, pluggy 1.7.0, pydantic 2.14.3, pydantic-core 2.50.4, pygments 2.21.0, pytest 9.2.0, python-dateutil 2.9.0.post0, requests 2.34.2, s3transfer 0.13.1, six 1.17.0, typing-extensions 4.16.0, typing-inspection 0.4.5, urllib3 2.8.0");
    insta::assert_snapshot!(poetry(POETRY_20, "python3.12 x86_64 requests pydantic[email]"), @"annotated-types 0.7.0, certifi 2026.10.18, charset-normalizer 3.5.2, dnspython 2.7.0, email-validator 2.3.0, idna 3.20, pydantic 2.13.5, pydantic-core 2.46.5, requests 2.32.5, typing-extensions 4.16.0, typing-inspection 0.4.2, urllib3 1.26.20");
    insta::assert_snapshot!(poetry(POETRY_11, "python3.10 arm64 requests pydantic[email]"), @"certifi 2026.10.18, charset-normalizer 3.5.2, email-validator 2.4.0, idna 3.20, pydantic 1.10.9, requests 2.31.0, typing-extensions 4.16.0, urllib3 1.26.20");
    insta::assert_snapshot!(poetry(POETRY_11, "python3.10 arm64 flask"), @r"
    flask: the lock has no entry of it for python3.10 arm64
    hint: is the lock older than its manifest? Lock again with the tool that wrote it
    ");
    let roots = |text| {
        let lock = ForeignLock::parse(ForeignFormat::Poetry, text).expect("a lock");
        lock.needs_roots()
    };
    assert_eq!(
        [POETRY_21, POETRY_20, POETRY_11, POETRY_10, POETRY_012].map(roots),
        [false, true, true, true, true]
    );
}

#[test]
fn the_first_locks_of_poetry_are_read() {
    for (text, names) in [(POETRY_10, true), (POETRY_012, false)] {
        let shown = chosen(ForeignFormat::Poetry, text, "python3.12 x86_64 requests");
        assert_eq!(
            shown,
            "certifi 2026.10.18, chardet 4.0.0, idna 2.10, requests 2.25.1, urllib3 1.26.20"
        );
        let (target, selection, roots) = ask("python3.12 x86_64 requests");
        let lock = ForeignLock::parse(ForeignFormat::Poetry, text).expect("a lock");
        let packages = lock.select(&target, &selection, &roots).expect("it serves");
        for package in packages {
            assert_eq!(package.listed.len(), 2, "{}", package.package.name);
            assert!(
                package
                    .listed
                    .iter()
                    .all(|file| file.name.is_some() == names)
            );
        }
    }
    let wrong = POETRY_012.replace("certifi = [", "certifi = [] # ");
    let error = ForeignLock::parse(ForeignFormat::Poetry, &wrong).expect_err("nothing pins it");
    assert!(
        error.to_string().contains("metadata.hashes.certifi"),
        "{error}"
    );
}

#[test]
fn pdm_tells_groups_or_asks_for_roots() {
    let pdm = |text: &str, question: &str| chosen(ForeignFormat::Pdm, text, question);
    insta::assert_snapshot!(pdm(PDM_45, "python3.12 x86_64"), @"annotated-types 0.8.0, certifi 2026.10.18, charset-normalizer 3.5.2, dnspython 2.9.2, email-validator 2.4.0, idna 3.20, pydantic 2.14.3, pydantic-core 2.50.4, requests 2.34.2, typing-extensions 4.16.0, typing-inspection 0.4.5, urllib3 2.8.0");
    insta::assert_snapshot!(pdm(PDM_45, "python3.12 x86_64 +queue @lint"), @"annotated-types 0.8.0, boto3 1.44.5, botocore 1.44.5, certifi 2026.10.18, charset-normalizer 3.5.2, dnspython 2.9.2, email-validator 2.4.0, idna 3.20, jmespath 1.1.0, pydantic 2.14.3, pydantic-core 2.50.4, python-dateutil 2.9.0.post0, requests 2.34.2, ruff 0.17.6, s3transfer 0.19.3, six 1.17.0, typing-extensions 4.16.0, typing-inspection 0.4.5, urllib3 2.8.0");
    insta::assert_snapshot!(pdm(PDM_43, "python3.12 x86_64 requests"), @"certifi 2026.10.18, charset-normalizer 3.5.2, idna 3.20, requests 2.34.2, urllib3 2.8.0");
}

#[test]
fn pipenv_has_sections() {
    let pipenv = |question: &str| chosen(ForeignFormat::Pipfile, PIPFILE, question);
    insta::assert_snapshot!(pipenv("python3.12 x86_64"), @"annotated-types 0.8.0, certifi 2026.10.18, charset-normalizer 3.5.2, dnspython 2.9.2, email-validator 2.4.0, idna 3.20, pydantic 2.14.3, pydantic-core 2.50.4, requests 2.34.2, typing-extensions 4.16.0, typing-inspection 0.4.5, urllib3 2.8.0");
    insta::assert_snapshot!(pipenv("python3.12 x86_64 @dev"), @"annotated-types 0.8.0, certifi 2026.10.18, charset-normalizer 3.5.2, dnspython 2.9.2, email-validator 2.4.0, idna 3.20, iniconfig 2.3.1, packaging 26.3, pluggy 1.7.0, pydantic 2.14.3, pydantic-core 2.50.4, pygments 2.21.0, pytest 9.2.0, requests 2.34.2, typing-extensions 4.16.0, typing-inspection 0.4.5, urllib3 2.8.0");
    insta::assert_snapshot!(pipenv("python3.13 x86_64"), @r"
    the lock is for Python `==3.12.*`, python3.13 x86_64 has 3.13.12
    hint: lock again for this target
    ");
}

#[test]
fn where_files_are_is_told_or_left_to_the_index() {
    let (target, selection, _) = ask("python3.12 x86_64");
    let of = |format, text, name: &str| {
        let lock = ForeignLock::parse(format, text).expect("a lock");
        let packages = lock
            .select(&target, &selection, &[])
            .expect("covers the target");
        packages
            .into_iter()
            .find(|it| it.package.name.as_ref() == name)
            .expect("is locked")
    };
    let uv = of(ForeignFormat::Uv, UV, "idna");
    assert_eq!(uv.package.wheels()[0].name, "idna-3.20-py3-none-any.whl");
    assert!(uv.listed.is_empty());
    let poetry = of(ForeignFormat::Poetry, POETRY_21, "idna");
    assert_eq!(
        poetry.listed[0].name.as_deref(),
        Some("idna-3.20-py3-none-any.whl")
    );
    let pipenv = of(ForeignFormat::Pipfile, PIPFILE, "idna");
    assert_eq!(pipenv.listed.len(), 2);
    assert!(pipenv.listed.iter().all(|file| file.name.is_none()));
    let digests = |listed: &[Listed]| {
        let digests: std::collections::BTreeSet<_> =
            listed.iter().map(|file| file.digest.clone()).collect();
        digests
    };
    assert_eq!(digests(&poetry.listed), digests(&pipenv.listed));
}

/// A `uv.lock` with this after its head.
fn uv_lock(rest: &str) -> String {
    format!("version = 1\nrequires-python = '>=3.9'\n{rest}")
}

#[test]
fn uv_knows_every_kind_of_source() {
    let hash = "00".repeat(32);
    let text = uv_lock(&format!(
        "[[package]]\nname = 'app'\nversion = '1'\nsource = {{ editable = '.' }}\n\
         dependencies = [{{ name = 'a' }}, {{ name = 'b' }}, {{ name = 'c' }}, {{ name = 'd' }}]\n\
         [[package]]\nname = 'a'\nversion = '1'\n\
         source = {{ git = 'https://u:p@code.example/a?rev=main&subdirectory=x#{commit}' }}\n\
         [[package]]\nname = 'b'\nversion = '1'\n\
         source = {{ url = 'https://files.example/b-1-py3-none-any.whl' }}\n\
         wheels = [{{ url = 'https://files.example/b-1-py3-none-any.whl', hash = 'sha256:{hash}' }}]\n\
         [[package]]\nname = 'c'\nversion = '1'\nsource = {{ directory = '../c' }}\n\
         [[package]]\nname = 'd'\nversion = '1'\nsource = {{ registry = '../shelf' }}\n\
         wheels = [{{ path = 'd-1-py3-none-any.whl', hash = 'sha256:{hash}' }}]\n",
        commit = "ab".repeat(20),
    ));
    let lock = ForeignLock::parse(ForeignFormat::Uv, &text).expect("a lock");
    let (target, selection, _) = ask("python3.12 x86_64");
    let packages = lock
        .select(&target, &selection, &[])
        .expect("covers the target");
    let sources: Vec<String> = packages
        .iter()
        .map(|it| match &it.package.source {
            Source::Vcs(vcs) => format!("{} {:?} {:?}", vcs.kind, vcs.location, vcs.subdirectory),
            Source::Archive(archive) => format!("{:?}", archive.location),
            Source::Directory(directory) => format!("{}", directory.path),
            Source::Files { wheels, .. } => format!("{:?}", wheels[0].location),
        })
        .collect();
    insta::assert_snapshot!(sources.join("\n"), @r#"
    git Url(Url { scheme: "https", cannot_be_a_base: false, username: "", password: None, host: Some(Domain("code.example")), port: None, path: "/a", query: None, fragment: None }) Some(LockPath("x"))
    Url(Url { scheme: "https", cannot_be_a_base: false, username: "", password: None, host: Some(Domain("files.example")), port: None, path: "/b-1-py3-none-any.whl", query: None, fragment: None })
    ../c
    Path(LockPath("../shelf/d-1-py3-none-any.whl"))
    "#);
}

#[test]
fn extras_and_groups_of_uv_may_conflict() {
    let hash = "00".repeat(32);
    let entry = |version: &str| {
        format!(
            "[[package]]\nname = 'torch'\nversion = '{version}'\n\
             source = {{ registry = 'https://index.example/simple' }}\n\
             sdist = {{ url = 'https://files.example/t-{version}.tar.gz', hash = 'sha256:{hash}' }}\n"
        )
    };
    let text = uv_lock(&format!(
        "[[package]]\nname = 'app'\nversion = '1'\nsource = {{ virtual = '.' }}\n\
         [package.optional-dependencies]\n\
         cpu = [{{ name = 'torch', version = '1', marker = \"extra == 'extra-3-app-cpu'\" }}]\n\
         gpu = [{{ name = 'torch', version = '2', marker = \"extra == 'extra-3-app-gpu'\" }}]\n{}{}",
        entry("1"),
        entry("2"),
    ));
    let chosen = |question: &str| chosen(ForeignFormat::Uv, &text, question);
    assert_eq!(chosen("python3.12 x86_64"), "");
    assert_eq!(chosen("python3.12 x86_64 +cpu"), "torch 1");
    assert_eq!(chosen("python3.12 x86_64 +gpu"), "torch 2");
    insta::assert_snapshot!(chosen("python3.12 x86_64 +cpu +gpu"), @r"
    torch: two entries of the lock apply to python3.12 x86_64: 1 and 2
    hint: give the entries markers that exclude each other, or lock again
    ");
}

#[test]
fn a_lock_says_for_which_environments_it_is() {
    let hash = "00".repeat(32);
    let uv = "version = 1\nrequires-python = '>=3.9'\n\
        supported-markers = [\"sys_platform == 'darwin'\", \"platform_machine == 'aarch64'\"]\n\
        [[package]]\nname = 'app'\nversion = '1'\nsource = { virtual = '.' }\n";
    let poetry = |pythons: &str| {
        format!(
            "[[package]]\nname = 'a'\nversion = '1'\ngroups = ['main']\n\
             files = [{{ file = 'a-1-py3-none-any.whl', hash = 'sha256:{hash}' }}]\n\
             [metadata]\nlock-version = '2.1'\npython-versions = '{pythons}'\n"
        )
    };
    let pdm = |platform: &str| {
        format!(
            "[metadata]\ngroups = ['default']\nlock_version = '4.5.0'\n\
             [[metadata.targets]]\nrequires_python = '>=3.9'\nplatform = '{platform}'\n\
             [[metadata.targets]]\nrequires_python = '==3.11.*'\n\
             [[package]]\nname = 'a'\nversion = '1'\ngroups = ['default']\n\
             files = [{{ file = 'a-1-py3-none-any.whl', hash = 'sha256:{hash}' }}]\n"
        )
    };
    let of = |format, text: &str| chosen(format, text, "python3.12 x86_64");
    use ForeignFormat::{Pdm, Poetry, Uv};
    let refused = [
        of(Uv, uv),
        of(Poetry, &poetry(">=3.9,<3.12")),
        of(Poetry, &poetry("^3.8 <3.10 || ~3.13")),
        of(Pdm, &pdm("macos_arm64")),
        of(Pdm, &pdm("manylinux_2_28_aarch64")),
    ];
    insta::assert_snapshot!(refused.join("\n"), @r"
    the lock does not cover python3.12 x86_64
    hint: lock again for this target; the lock covers `sys_platform == 'darwin'`, `platform_machine == 'aarch64'`
    the lock does not cover python3.12 x86_64
    hint: lock again for this target; the lock covers `python_full_version >= '3.9' and python_full_version < '3.12'`
    the lock does not cover python3.12 x86_64
    hint: lock again for this target; the lock covers `(python_full_version >= '3.8' and python_full_version < '3.10') or python_full_version == '3.13.*'`
    the lock does not cover python3.12 x86_64
    hint: lock again for this target; the lock covers `python_full_version >= '3.9' and platform_machine == 'aarch64' and sys_platform == 'darwin'`, `python_full_version == '3.11.*'`
    the lock does not cover python3.12 x86_64
    hint: lock again for this target; the lock covers `python_full_version >= '3.9' and platform_machine == 'aarch64' and sys_platform == 'linux'`, `python_full_version == '3.11.*'`
    ");
    assert_eq!(chosen(Uv, uv, "python3.12 arm64"), "");
    for pythons in [">=3.9,<4", "*", "^3.8", "~3.8 || >=3.12"] {
        assert_eq!(of(Poetry, &poetry(pythons)), "a 1", "{pythons}");
    }
    for platform in ["linux", "manylinux_2_17_x86_64"] {
        assert_eq!(of(Pdm, &pdm(platform)), "a 1", "{platform}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let wrong = |format, text: &str| chosen(format, text, "python3.12 x86_64 a");
    let uv = |rest: &str| wrong(ForeignFormat::Uv, &uv_lock(rest));
    let all = [
        wrong(ForeignFormat::Uv, "version = 2"),
        wrong(ForeignFormat::Uv, "version ="),
        uv("[[package]]\nname = 'a'\nversion = '1'\n"),
        uv("[[package]]\nname = 'a'\nversion = 'x'\nsource = { virtual = '.' }"),
        uv(
            "[[package]]\nname = 'a'\nversion = '1'\nsource = { registry = 'https://i.example' }\n\
            wheels = [{ url = 'https://f.example/a-1-py3-none-any.whl', hash = 'md5:00' }]",
        ),
        uv(
            "[[package]]\nname = 'a'\nversion = '1'\nsource = { git = 'https://c.example/a#--upload' }",
        ),
        wrong(ForeignFormat::Poetry, "[metadata]\nlock-version = '3.0'"),
        wrong(
            ForeignFormat::Poetry,
            "[metadata]\nlock-version = '2.0'\n[[package]]\nname = 'a'\nversion = '1'\nfiles = []",
        ),
        wrong(
            ForeignFormat::Poetry,
            "[metadata]\nlock-version = '2.0'\n[[package]]\nname = 'a'\nversion = '1'\nfiles = []\n\
             source = { type = 'legacy', url = 'https://i.example', reference = 'i' }",
        ),
        uv(
            "[[package]]\nname = 'a'\nversion = '1'\nsource = { registry = 'https://i.example' }\n\
             sdist = { url = 'https://f.example/a-1.tar.gz' }",
        ),
        wrong(ForeignFormat::Pdm, "[metadata]\nlock_version = '5.0'"),
        wrong(ForeignFormat::Pipfile, "{\n  \"_meta\": {},\n}"),
        wrong(ForeignFormat::Pipfile, r#"{"_meta": {"pipfile-spec": 7}}"#),
        wrong(
            ForeignFormat::Pipfile,
            "{\"_meta\": {\"pipfile-spec\": 6},\n\"default\": {\n\"a\": {\"version\": \"==1\",\n\"hashes\": [\"md5:00\"]}}}",
        ),
        wrong(
            ForeignFormat::Pipfile,
            r#"{"_meta": {"pipfile-spec": 6}, "default": {"a": {"version": "*"}}}"#,
        ),
    ];
    insta::assert_snapshot!(all.join("\n"), @r"
    line 1: `version` is `2`, a format that this release cannot read: it knows `1`
    hint: use a newer release, or lock again with this one
    line 1: the lockfile is not TOML: string values must be quoted, expected literal string
    hint: undo the last edit by hand, or delete the file and lock again
    line 3: `package[0].source` of `a` is missing
    hint: the format requires it; undo the last edit, or lock again
    line 5: `package[0].version` of `a` is `x`, expected a version such as `1.2.3`
    hint: 
    line 7: `package[0].wheels[0].hash` of `a` holds only `md5`, none of which pins an artifact
    hint: lock again: every artifact needs a `sha256`, `sha384` or `sha512`
    line 6: `package[0].source` of `a` is `--upload`, expected the identifier of a commit
    hint: 
    line 2: `metadata.lock-version` is `3.0`, a format that this release cannot read: it knows `1.0` to `2.1`
    hint: use a newer release, or lock again with this one
    line 6: `package[0].files` of `a` holds no hash, and an artifact without one cannot be verified
    hint: lock again: every artifact needs a `sha256`, `sha384` or `sha512`
    line 6: `package[0].files` of `a` holds no hash, and an artifact without one cannot be verified
    hint: lock again: every artifact needs a `sha256`, `sha384` or `sha512`
    line 7: `package[0].sdist.hash` of `a` holds no hash, and an artifact without one cannot be verified
    hint: lock again: every artifact needs a `sha256`, `sha384` or `sha512`
    line 2: `metadata.lock_version` is `5.0`, a format that this release cannot read: it knows `4.0` to `4.5`
    hint: use a newer release, or lock again with this one
    line 3: the lockfile is not JSON: trailing comma
    hint: undo the last edit by hand, or delete the file and lock again
    line 1: `_meta.pipfile-spec` is `7`, a format that this release cannot read: it knows `6`
    hint: use a newer release, or lock again with this one
    line 4: `default.a.hashes` of `a` holds only `md5`, none of which pins an artifact
    hint: lock again: every artifact needs a `sha256`, `sha384` or `sha512`
    a: the lock pins no file of it, and python3.12 x86_64 needs it
    hint: lock again on a machine like the target, with the tool that wrote it
    ");
}

proptest! {
    #[test]
    fn a_damaged_lock_is_read_or_refused(
        which in 0usize..8,
        place in 0.0f64..1.0,
        length in 0usize..40,
        put in "[\\[\\]{}='\"a-z0-9,\\n]{0,6}",
    ) {
        let (format, text) = [
            (ForeignFormat::Uv, UV),
            (ForeignFormat::Poetry, POETRY_21),
            (ForeignFormat::Poetry, POETRY_20),
            (ForeignFormat::Poetry, POETRY_11),
            (ForeignFormat::Poetry, POETRY_012),
            (ForeignFormat::Pdm, PDM_45),
            (ForeignFormat::Pdm, PDM_43),
            (ForeignFormat::Pipfile, PIPFILE),
        ][which];
        // The fixtures are ASCII, so any place is one between characters.
        let start = (place * text.len() as f64) as usize;
        let end = (start + length).min(text.len());
        let damaged = format!("{}{put}{}", &text[..start], &text[end..]);
        if let Ok(lock) = ForeignLock::parse(format, &damaged) {
            let target = Target { runtime: "python3.12".parse().expect("known"), arch: Arch::X86_64 };
            let _ = lock.select(&target, &Selection::default(), &[]);
        }
    }
}
