//! What is read, and what is refused with which words.

use proptest::prelude::*;

use crate::{LockError, Pylock, Source};

const HASH: &str = "0101010101010101010101010101010101010101010101010101010101010101";

/// A lock with everything in it that the format has.
const EVERYTHING: &str = r#"lock-version = '1.0'
environments = ["sys_platform == 'linux'", "sys_platform == 'win32'"]
requires-python = '>=3.9'
extras = ['Soc_ks']
dependency-groups = ['dev']
default-groups = ['main']
created-by = 'somebody'

[[packages]]
name = 'Attrs'
version = '25.1.0'
marker = "'dev' in dependency_groups"
requires-python = '>=3.8'
index = 'https://me:secret@index.example/simple/'
sdist = {name = 'attrs-25.1.0.tar.gz', url = 'https://files.example/x', size = 5, hashes = {sha256 = '0101010101010101010101010101010101010101010101010101010101010101', md5 = '00'}}
wheels = [
  {upload-time = 2025-01-25T11:30:10.164985+00:00, url = 'https://files.example/attrs-25.1.0-py3-none-any.whl', size = 63152, hashes = {SHA256 = '0101010101010101010101010101010101010101010101010101010101010101'}},
]
[[packages.dependencies]]
name = 'b'
version = '1'
[[packages.dependencies]]
vcs = {url = 'https://code.example/c'}
[[packages.attestation-identities]]
kind = 'GitHub'
repository = 'x/y'
[packages.tool.x]
y = 1

[[packages]]
name = 'b'
vcs = {type = 'git', url = 'https://u:p@code.example/b', requested-revision = 'main', commit-id = 'abc123', subdirectory = 'python'}

[[packages]]
name = 'c'
[packages.directory]
path = '..\shared'
editable = true

[[packages]]
name = 'd'
[packages.archive]
path = '/srv/d.zip'
upload-time = 2025-01-25 11:30:10
[packages.archive.hashes]
sha512 = '01010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101'

[tool.layerpress]
targets = [{runtime = 'python3.13', arch = 'arm64'}]
[tool.other]
a.b = {c = [1, 2.5, true]}
"#;

#[test]
fn everything_in_the_format_is_read() {
    let (lock, warnings) = Pylock::parse_with_warnings(EVERYTHING).expect("a lock");
    assert!(warnings.is_empty(), "{warnings:?}");
    let [attrs, b, c, d] = lock.packages.as_slice() else {
        panic!("not four packages");
    };
    assert_eq!(lock.targets[0].to_string(), "python3.13 arm64");
    assert_eq!(
        lock.extras
            .as_deref()
            .map(|it| it[0].to_string())
            .as_deref(),
        Some("soc-ks")
    );
    assert_eq!(attrs.name.to_string(), "attrs");
    assert_eq!(attrs.wheels()[0].name, "attrs-25.1.0-py3-none-any.whl");
    let time = attrs.wheels()[0].upload_time.expect("has a time");
    assert_eq!(time.to_string(), "2025-01-25T11:30:10.164985Z");
    assert_eq!(attrs.sdist().expect("has one").hashes.len(), 1);
    assert_eq!(attrs.dependencies.len(), 1);
    assert!(!format!("{lock:?}").contains("secret"));
    assert!(matches!(&b.source, Source::Vcs(vcs) if vcs.kind == "git"));
    assert!(
        matches!(&c.source, Source::Directory(it) if it.path.as_str() == "../shared" && it.editable)
    );
    assert!(matches!(&d.source, Source::Archive(it) if it.upload_time.is_some()));
}

/// The error of [`EVERYTHING`] with one thing replaced.
fn error(from: &str, to: &str) -> String {
    assert!(EVERYTHING.contains(from), "{from} is not there");
    told(Pylock::parse(&EVERYTHING.replacen(from, to, 1)).map(drop))
}

fn told(result: Result<(), LockError>) -> String {
    let error = result.expect_err("is refused");
    match error.hint() {
        Some(hint) => format!("{error}\nhint: {hint}"),
        None => error.to_string(),
    }
}

#[test]
fn each_fault_is_named_with_line_and_field() {
    insta::assert_snapshot!(error("created-by = 'somebody'", "created-by = somebody"), @r"
    line 7: the lockfile is not TOML: string values must be quoted, expected literal string
    hint: undo the last edit by hand, or delete the file and lock again
    ");
    insta::assert_snapshot!(error("created-by = 'somebody'", ""), @r"
    `created-by` is missing
    hint: the format requires it; undo the last edit, or lock again
    ");
    insta::assert_snapshot!(error("created-by = 'somebody'", "created-by = 1"), @"line 7: `created-by` is an integer, expected a string");
    insta::assert_snapshot!(error("lock-version = '1.0'", "lock-version = '2.0'"), @r"
    line 1: `lock-version` is `2.0`, a format that this release cannot read: it knows `1.0`
    hint: use a newer release, or lock again with this one
    ");
    insta::assert_snapshot!(error("lock-version = '1.0'", "lock-version = 'one'"), @"line 1: `lock-version` is `one`, expected `1.0`");
    insta::assert_snapshot!(error("requires-python = '>=3.9'", "requires-python = '3.9'"), @"line 3: `requires-python` is `3.9`, expected version specifiers such as `>=3.10`");
    insta::assert_snapshot!(error("\"sys_platform == 'win32'\"", "\"sys_platform = 'win32'\""), @"line 2: `environments[1]` is not a marker: expected a valid marker operator (such as `>=` or `not in`), found `=` in `sys_platform = 'win32'`");
    insta::assert_snapshot!(error("['dev']", "['de v']"), @"line 5: `dependency-groups[0]` is `de v`, expected the name of a group");
    insta::assert_snapshot!(error("['dev']", "'dev'"), @"line 5: `dependency-groups` is a string, expected an array");
    insta::assert_snapshot!(error("version = '25.1.0'", "version = 'latest'"), @"line 11: `packages[0].version` of `Attrs` is `latest`, expected a version such as `1.2.3`");
    insta::assert_snapshot!(error("version = '25.1.0'", "version = '25.2.0'"), @r"
    line 17: `packages[0].wheels[0]` of `Attrs` names `attrs-25.1.0-py3-none-any.whl`, which is not a wheel of attrs 25.2.0
    hint: was it pasted under the wrong package?
    ");
    insta::assert_snapshot!(error("name = 'b'\nvcs", "name = '../b'\nvcs"), @"line 31: `packages[1].name` of `../b` is `../b`, expected the name of a package");
    insta::assert_snapshot!(error("name = 'b'\nvcs", "vcs"), @r"
    line 30: `packages[1].name` is missing
    hint: the format requires it; undo the last edit, or lock again
    ");
    insta::assert_snapshot!(error("vcs = {type", "archive = {type"), @r"
    line 32: `packages[1].archive.hashes` of `b` holds no hash, and an artifact without one cannot be verified
    hint: lock again: every artifact needs a `sha256`, `sha384` or `sha512`
    ");
    insta::assert_snapshot!(error("vcs = {type", "vc = {type"), @r"
    line 30: `packages[1]` of `b` has none of `wheels`, `sdist`, `archive`, `directory`, `vcs`
    hint: add `wheels`, or delete the file and lock again
    ");
    insta::assert_snapshot!(error("vcs = {type", "wheels = 1\nvcs = {type"), @"line 32: `packages[1].wheels` of `b` is an integer, expected an array of tables");
    insta::assert_snapshot!(error("[packages.directory]", "archive = {}\n[packages.directory]"), @r"
    line 34: `packages[2]` of `c` has both `directory` and `archive`, which exclude each other
    hint: a package comes from one place: an index, an archive, a folder or a repository
    ");
    insta::assert_snapshot!(error("size = 63152", "size = -1"), @"line 17: `packages[0].wheels[0].size` of `Attrs` is `-1`, expected a number of bytes");
    insta::assert_snapshot!(error("size = 63152", "size = '63152'"), @"line 17: `packages[0].wheels[0].size` of `Attrs` is a string, expected an integer");
    insta::assert_snapshot!(error("commit-id = 'abc123'", "commit-id = '--upload-pack=x'"), @"line 32: `packages[1].vcs.commit-id` of `b` is `--upload-pack=x`, expected the full identifier of a commit");
    insta::assert_snapshot!(error("subdirectory = 'python'", "subdirectory = '../..'"), @"line 32: `packages[1].vcs.subdirectory` of `b` is not a path to use: `../..` leads out of the source tree");
    insta::assert_snapshot!(error("path = '/srv/d.zip'", ""), @r"
    line 42: `packages[3].archive` of `d` has neither `url` nor `path`
    hint: add the `url` that the file comes from
    ");
    insta::assert_snapshot!(error("path = '/srv/d.zip'", "path = \"a\\u0000b\""), @r"line 43: `packages[3].archive.path` of `d` is not a path to use: `a\u{0}b` holds a control character");
    insta::assert_snapshot!(error("path = '/srv/d.zip'", "url = 'http://me:secret@'"), @"line 43: `packages[3].archive.url` of `d` is not a URL: empty host");
    insta::assert_snapshot!(error("name = 'attrs-25.1.0.tar.gz'", "name = '../x'"), @"line 15: `packages[0].sdist.name` of `Attrs` is `../x`, expected the name of a file");
    insta::assert_snapshot!(error("runtime = 'python3.13'", "runtime = 'python9'"), @"line 49: `tool.layerpress.targets[0].runtime` is `python9`, expected a runtime such as `python3.13`");
    insta::assert_snapshot!(error("name = 'd'", "name = 'c'"), @r"
    line 40: `packages[3]` of `c` repeats `packages[2]`: both apply in the same environments
    hint: remove one of the two, or give both a `marker` that tells them apart
    ");
}

#[test]
fn a_dependency_without_an_entry_is_refused_where_dependencies_decide() {
    let lock = |roots: &str| {
        format!(
            "lock-version = '1.0'\ncreated-by = 'x'\n[[packages]]\nname = 'a'\n\
             dependencies = [{{ name = 'b' }}]\ndirectory = {{ path = 'a' }}\n{roots}"
        )
    };
    let error = Pylock::parse(&lock("[tool.layerpress]\nroots = ['a']\n")).expect_err("a hole");
    insta::assert_snapshot!(error, @"line 3: `packages[0]` of `a` depends on `b`, which the lockfile does not hold");
    // Another tool's lock is installed by its markers alone.
    Pylock::parse(&lock("")).expect("whole enough");
}

#[test]
fn hashes_that_pin_nothing_are_refused() {
    let hashes = format!("{{sha256 = '{HASH}', md5 = '00'}}");
    insta::assert_snapshot!(error(&hashes, "{}"), @r"
    line 15: `packages[0].sdist.hashes` of `Attrs` holds no hash, and an artifact without one cannot be verified
    hint: lock again: every artifact needs a `sha256`, `sha384` or `sha512`
    ");
    insta::assert_snapshot!(error(&hashes, "{md5 = '00', blake2b = '00'}"), @r"
    line 15: `packages[0].sdist.hashes` of `Attrs` holds only `md5`, `blake2b`, none of which pins an artifact
    hint: lock again: every artifact needs a `sha256`, `sha384` or `sha512`
    ");
    insta::assert_snapshot!(error(&hashes, "{sha256 = 'zz'}"), @r"
    line 15: `packages[0].sdist.hashes.sha256` of `Attrs` is not a hash: `zz` is not 64 hexadecimal digits
    hint: lock again rather than edit hashes by hand
    ");
    insta::assert_snapshot!(error(&hashes, "{sha256 = 1}"), @"line 15: `packages[0].sdist.hashes.sha256` of `Attrs` is an integer, expected a string");
    insta::assert_snapshot!(error(&format!(", hashes = {hashes}"), ""), @r"
    line 15: `packages[0].sdist.hashes` of `Attrs` holds no hash, and an artifact without one cannot be verified
    hint: lock again: every artifact needs a `sha256`, `sha384` or `sha512`
    ");
}

#[test]
fn an_empty_name_is_none() {
    for (from, to) in [
        ("name = 'Attrs'", "name = ''"),
        ("dependency-groups = ['dev']", "dependency-groups = ['']"),
        (
            "\"'dev' in dependency_groups\"",
            "\"'' in dependency_groups\"",
        ),
        ("\"'dev' in dependency_groups\"", "\"'' not in extras\""),
    ] {
        let text = EVERYTHING.replacen(from, to, 1);
        assert_ne!(text, EVERYTHING, "{from}");
        assert!(Pylock::parse(&text).is_err(), "{to}");
    }
}

#[test]
fn locks_are_known_by_their_file_names() {
    for name in ["pylock.toml", "pylock.dev.toml", "pylock.a-b_c.toml"] {
        assert!(Pylock::is_file_name(name), "{name}");
    }
    for name in [
        "pylock..toml",
        "pylock.a.b.toml",
        "xpylock.toml",
        "pylock.toml.bak",
        "uv.lock",
    ] {
        assert!(!Pylock::is_file_name(name), "{name}");
    }
}

#[test]
fn a_later_minor_version_is_read_with_a_warning() {
    let text = EVERYTHING.replace("'1.0'", "'1.7'").replace(
        "editable = true",
        "editable = true\n[packages.future]\nx = 1",
    );
    let (lock, warnings) = Pylock::parse_with_warnings(&text).expect("a lock");
    assert_eq!(lock.lock_version.to_string(), "1.7");
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(warnings.join("\n"), @r"
    `lock-version` is `1.7`: what that adds to `1.0` is not understood
    line 39: `packages[2].future` is not a key of the format, and is passed over
    ");
}

#[test]
fn hostile_sizes_end_in_an_error() {
    let deep = format!("x = {}{}", "[".repeat(50_000), "]".repeat(50_000));
    let tables = format!("x = {}1{}", "{a=".repeat(50_000), "}".repeat(50_000));
    let dotted = format!("{}x = 1", "a.".repeat(50_000));
    let nested = EVERYTHING.replace("'dev' in", &format!("{}'dev' in", "(".repeat(5000)));
    for text in [deep, tables, dotted, nested] {
        assert!(Pylock::parse(&text).is_err());
    }
    let large = told(Pylock::parse(&"#".repeat(65 * 1024 * 1024)).map(drop));
    insta::assert_snapshot!(large, @r"
    the lockfile holds 68157440 bytes, the limit is 67108864
    hint: is this the right file?
    ");
}

/// One edit as a hand that slips makes it.
fn slip() -> impl Strategy<Value = (u8, usize, usize, String)> {
    let junk = prop_oneof![
        "[ -~\n]{0,12}",
        Just("'".to_owned()),
        Just("\"\"\"".to_owned()),
        Just("[[packages]]\n".to_owned()),
        Just("{}".to_owned()),
        Just("name = ''".to_owned()),
        Just(" or 'a' in extras".to_owned()),
        "\\PC{0,4}",
    ];
    (0..4_u8, any::<usize>(), 0..80_usize, junk)
}

fn slipped(text: &str, slips: &[(u8, usize, usize, String)]) -> String {
    let mut text = text.to_owned();
    for (kind, place, length, junk) in slips {
        let floor = |mut at: usize| {
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let start = floor(place % (text.len() + 1));
        let end = floor((start + length).min(text.len()));
        match kind {
            0 => text.replace_range(start..end, ""),
            1 => text.insert_str(start, junk),
            2 => text.replace_range(start..end, junk),
            _ => {
                let copy = text[start..end].to_owned();
                text.insert_str(end, &copy);
            }
        }
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn edited_by_hand_it_is_read_or_refused(slips in prop::collection::vec(slip(), 1..4)) {
        let text = slipped(EVERYTHING, &slips);
        if let Ok(lock) = Pylock::parse(&text) {
            prop_assert_eq!(&lock.write(Some(&text)), &text);
            let fresh = lock.write(None);
            let read = Pylock::parse(&fresh);
            prop_assert_eq!(read.map(|read| read.write(None)), Ok(fresh));
        }
    }

    #[test]
    fn any_update_says_what_the_lock_says(
        old in prop::collection::vec(slip(), 0..3),
        new in prop::collection::vec(slip(), 0..3),
    ) {
        let (old, new) = (slipped(EVERYTHING, &old), slipped(EVERYTHING, &new));
        if let Ok(lock) = Pylock::parse(&new) {
            let written = lock.write(Some(&old));
            let read = Pylock::parse(&written).map(|read| read.write(Some(&written)));
            prop_assert_eq!(read, Ok(written.clone()));
            prop_assert_eq!(lock.write(Some(&written)), written);
        }
    }
}
