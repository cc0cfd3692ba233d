//! What is written, and what stays as it was.

use layerpress_target::{Arch, Target};
use layerpress_tree::{Algorithm, Digest};
use pep508_rs::MarkerTree;

use crate::{
    Archive, ConfigSetting, DependencyRef, Directory, File, Location, LockPath, Package, Pylock,
    Source, Vcs, marker_for, parse_marker,
};

fn digest(byte: u8) -> Digest {
    Digest::from_bytes(Algorithm::Sha256, &[byte; 32]).expect("is 32 bytes")
}

fn wheel(name: &str, byte: u8) -> File {
    let url = format!("https://files.example/{byte:02x}/{name}");
    File {
        name: name.to_owned(),
        upload_time: "2026-01-02T03:04:05.678901+00:00".parse().ok(),
        location: Location::url(url.parse().expect("a URL")),
        size: Some(1000 + u64::from(byte)),
        hashes: vec![digest(byte)],
    }
}

fn package(name: &str, version: &str, byte: u8) -> Package {
    let file = format!("{}-{version}-py3-none-any.whl", name.replace('-', "_"));
    Package {
        name: name.parse().expect("a name"),
        version: version.parse().ok(),
        marker: MarkerTree::TRUE,
        requires_python: ">=3.9".parse().ok(),
        dependencies: Vec::new(),
        index: "https://user:secret@index.example/simple/".parse().ok(),
        source: Source::Files {
            sdist: None,
            wheels: vec![wheel(&file, byte)],
        },
    }
}

fn source_tree(name: &str, source: Source) -> Package {
    Package {
        version: None,
        requires_python: None,
        index: None,
        source,
        ..package(name, "1", 0)
    }
}

/// A lock for two targets, with one of everything.
fn everything() -> Pylock {
    let targets = Arch::ALL.map(|arch| Target {
        runtime: "python3.13".parse().expect("a runtime"),
        arch,
    });
    let path = |path: &str| LockPath::new(path).expect("a path");
    let mut numpy = package("numpy", "2.3.4", 3);
    numpy.marker = parse_marker("platform_machine == 'aarch64'").expect("a marker");
    numpy.dependencies = ["idna", "b"]
        .map(|name| DependencyRef {
            name: name.parse().expect("a name"),
            version: None,
        })
        .into();
    let mut attrs = package("attrs", "25.1.0", 1);
    if let Source::Files { sdist, wheels } = &mut attrs.source {
        *sdist = Some(wheel("attrs-25.1.0.tar.gz", 2));
        wheels.push(wheel(
            "attrs-25.1.0-cp313-cp313-manylinux_2_28_aarch64.whl",
            4,
        ));
    }
    Pylock {
        environments: targets.iter().map(marker_for).collect(),
        requires_python: ">=3.13".parse().ok(),
        extras: Some(Vec::new()),
        dependency_groups: Some(vec!["dev".parse().expect("a name")]),
        targets: targets.into(),
        packages: vec![
            numpy,
            attrs,
            source_tree(
                "a-folder",
                Source::Directory(Directory {
                    path: path("../shared"),
                    editable: true,
                    subdirectory: None,
                }),
            ),
            source_tree(
                "an-archive",
                Source::Archive(Archive {
                    location: Location::Path(path("vendor/x.zip")),
                    size: Some(7),
                    upload_time: None,
                    hashes: vec![digest(5)],
                    subdirectory: Some(path("python")),
                }),
            ),
            source_tree(
                "b",
                Source::Vcs(Vcs {
                    kind: "git".to_owned(),
                    location: Location::url("ssh://git@code.example/b.git".parse().expect("a URL")),
                    requested_revision: Some("main".to_owned()),
                    commit_id: "0123456789abcdef0123456789abcdef01234567".to_owned(),
                    subdirectory: None,
                }),
            ),
        ],
        ..Pylock::new()
    }
}

/// The lines that differ, as `-old` and `+new`.
fn difference(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let shared = |one: &str, others: &[&str]| others.contains(&one);
    let gone = old
        .iter()
        .filter(|line| !shared(line, &new))
        .map(|line| format!("-{line}"));
    let come = new
        .iter()
        .filter(|line| !shared(line, &old))
        .map(|line| format!("+{line}"));
    gone.chain(come).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_canonical_form() {
    insta::assert_snapshot!(everything().write(None), @r#"
    lock-version = "1.0"
    environments = [
        "python_full_version == '3.13.*' and platform_machine == 'x86_64' and sys_platform == 'linux'",
        "python_full_version == '3.13.*' and platform_machine == 'aarch64' and sys_platform == 'linux'",
    ]
    requires-python = ">=3.13"
    extras = []
    dependency-groups = ["dev"]
    created-by = "layerpress"

    [[packages]]
    name = "a-folder"
    directory = { path = "../shared", editable = true }

    [[packages]]
    name = "an-archive"
    archive = { path = "vendor/x.zip", size = 7, hashes = { sha256 = "0505050505050505050505050505050505050505050505050505050505050505" }, subdirectory = "python" }

    [[packages]]
    name = "attrs"
    version = "25.1.0"
    requires-python = ">=3.9"
    index = "https://index.example/simple/"
    sdist = { upload-time = 2026-01-02T03:04:05.678901Z, url = "https://files.example/02/attrs-25.1.0.tar.gz", size = 1002, hashes = { sha256 = "0202020202020202020202020202020202020202020202020202020202020202" } }
    wheels = [
        { upload-time = 2026-01-02T03:04:05.678901Z, url = "https://files.example/04/attrs-25.1.0-cp313-cp313-manylinux_2_28_aarch64.whl", size = 1004, hashes = { sha256 = "0404040404040404040404040404040404040404040404040404040404040404" } },
        { upload-time = 2026-01-02T03:04:05.678901Z, url = "https://files.example/01/attrs-25.1.0-py3-none-any.whl", size = 1001, hashes = { sha256 = "0101010101010101010101010101010101010101010101010101010101010101" } },
    ]

    [[packages]]
    name = "b"
    vcs = { type = "git", url = "ssh://git@code.example/b.git", requested-revision = "main", commit-id = "0123456789abcdef0123456789abcdef01234567" }

    [[packages]]
    name = "numpy"
    version = "2.3.4"
    marker = "platform_machine == 'aarch64'"
    requires-python = ">=3.9"
    dependencies = [
        { name = "b" },
        { name = "idna" },
    ]
    index = "https://index.example/simple/"
    wheels = [
        { upload-time = 2026-01-02T03:04:05.678901Z, url = "https://files.example/03/numpy-2.3.4-py3-none-any.whl", size = 1003, hashes = { sha256 = "0303030303030303030303030303030303030303030303030303030303030303" } },
    ]

    [tool.layerpress]
    targets = [
        { runtime = "python3.13", arch = "x86_64" },
        { runtime = "python3.13", arch = "arm64" },
    ]
    "#);
    insta::assert_snapshot!(Pylock::new().write(None), @r#"
    lock-version = "1.0"
    created-by = "layerpress"
    packages = []
    "#);
}

#[test]
fn what_is_written_is_read_back() {
    let text = everything().write(None);
    let (read, warnings) = Pylock::parse_with_warnings(&text).expect("a lock");
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(read.write(None), text);
    assert_eq!(read.write(Some(&text)), text);
    assert_eq!(everything().write(Some(&text)), text);
    let index = read
        .packages
        .iter()
        .find_map(|package| package.index.as_ref());
    assert_eq!(
        index.map(url::Url::as_str),
        Some("https://index.example/simple/")
    );
}

#[test]
fn config_settings_come_and_go_with_their_order_kept() {
    let plain = everything();
    let mut lock = everything();
    let setting = |package: &str, key: &str, value: &str| ConfigSetting {
        package: package.parse().expect("a name"),
        key: key.to_owned(),
        value: value.to_owned(),
    };
    lock.config_settings = vec![
        setting("b", "z", "2"),
        setting("a-folder", "x", "\"quoted\""),
        setting("b", "z", "1"),
    ];
    let before = plain.write(None);
    let after = lock.write(Some(&before));
    insta::assert_snapshot!(difference(&before, &after), @r#"
    +config-settings = [
    +    { package = "a-folder", key = "x", value = '"quoted"' },
    +    { package = "b", key = "z", value = "2" },
    +    { package = "b", key = "z", value = "1" },
    "#);
    assert_eq!(plain.write(Some(&after)), before);
    let read = Pylock::parse(&after).expect("a lock");
    let told: Vec<_> = read
        .config_settings_of(&"b".parse().expect("a name"))
        .collect();
    assert_eq!(told, [("z", "2"), ("z", "1")]);
    assert!(Pylock::parse(&after.replace("key = \"x\", ", "")).is_err());
}

#[test]
fn a_new_version_touches_its_own_table_only() {
    let lock = everything();
    let old = lock.write(None);
    let mut newer = lock.clone();
    let mut numpy = package("numpy", "2.4.0", 9);
    numpy.marker = newer.packages[0].marker.clone();
    numpy.dependencies = newer.packages[0].dependencies.clone();
    newer.packages[0] = numpy;
    let new = newer.write(Some(&old));
    assert_eq!(new, newer.write(None));
    insta::assert_snapshot!(difference(&old, &new), @r#"
    -version = "2.3.4"
    -    { upload-time = 2026-01-02T03:04:05.678901Z, url = "https://files.example/03/numpy-2.3.4-py3-none-any.whl", size = 1003, hashes = { sha256 = "0303030303030303030303030303030303030303030303030303030303030303" } },
    +version = "2.4.0"
    +    { upload-time = 2026-01-02T03:04:05.678901Z, url = "https://files.example/09/numpy-2.4.0-py3-none-any.whl", size = 1009, hashes = { sha256 = "0909090909090909090909090909090909090909090909090909090909090909" } },
    "#);
}

/// A lock as a person and another tool leave it: comments, another order, other spacing.
const FOREIGN: &str = r#"# how we lock: ask Ada
lock-version = '1.0'   # the only one
created-by = "other"
environments = ["sys_platform == 'linux'"]

# the first
[[packages]]
version = "2.0"     # do not touch
name = "zeta"
wheels = [{url="https://files.example/zeta-2.0-py3-none-any.whl",hashes={sha256="0101010101010101010101010101010101010101010101010101010101010101"}}]
[packages.tool.other]
note = 'kept'

[[packages]]
name = "alpha"
version = "1.0"
wheels = [
  # the good one
  {url = "https://files.example/alpha-1.0-py3-none-any.whl", upload-time = 2026-01-02T03:04:05Z, size = 5, hashes = {sha256 = "0202020202020202020202020202020202020202020202020202020202020202", blake2b = "00"}}, # really
  {url = "https://files.example/alpha-1.0-py2-none-any.whl", hashes = {sha256 = "0303030303030303030303030303030303030303030303030303030303030303"}}
]
[[packages.attestation-identities]]
kind = "GitHub"

[tool.other]
x = 1
# the end
"#;

#[test]
fn a_foreign_lock_is_left_as_it_is_where_nothing_changed() {
    let lock = Pylock::parse(FOREIGN).expect("a lock");
    assert_eq!(lock.write(Some(FOREIGN)), FOREIGN);
}

#[test]
fn a_foreign_lock_keeps_its_comments_where_something_changed() {
    let mut lock = Pylock::parse(FOREIGN).expect("a lock");
    lock.packages.push(package("beta", "3", 7));
    lock.packages.push(package("zz", "1", 8));
    lock.packages[0].version = "2.0.0".parse().ok();
    if let Source::Files { wheels, .. } = &mut lock.packages[1].source {
        wheels[1] = wheel("alpha-1.0-cp313-abi3-linux_x86_64.whl", 6);
        // Only the old text knows these.
        (wheels[0].size, wheels[0].upload_time) = (None, None);
    }
    lock.created_by = "layerpress".to_owned();
    lock.targets = everything().targets;
    lock.requires_python = ">=3.13".parse().ok();
    insta::assert_snapshot!(lock.write(Some(FOREIGN)), @r#"
    # how we lock: ask Ada
    lock-version = '1.0'   # the only one
    requires-python = ">=3.13"
    created-by = "layerpress"
    environments = ["sys_platform == 'linux'"]

    [[packages]]
    name = "beta"
    version = "3"
    requires-python = ">=3.9"
    index = "https://index.example/simple/"
    wheels = [
        { upload-time = 2026-01-02T03:04:05.678901Z, url = "https://files.example/07/beta-3-py3-none-any.whl", size = 1007, hashes = { sha256 = "0707070707070707070707070707070707070707070707070707070707070707" } },
    ]

    # the first
    [[packages]]
    version = "2.0.0"     # do not touch
    name = "zeta"
    wheels = [{url="https://files.example/zeta-2.0-py3-none-any.whl",hashes={sha256="0101010101010101010101010101010101010101010101010101010101010101"}}]
    [packages.tool.other]
    note = 'kept'

    [[packages]]
    name = "alpha"
    version = "1.0"
    wheels = [
        { upload-time = 2026-01-02T03:04:05.678901Z, url = "https://files.example/06/alpha-1.0-cp313-abi3-linux_x86_64.whl", size = 1006, hashes = { sha256 = "0606060606060606060606060606060606060606060606060606060606060606" } },
      # the good one
      {url = "https://files.example/alpha-1.0-py3-none-any.whl", upload-time = 2026-01-02T03:04:05Z, size = 5, hashes = {sha256 = "0202020202020202020202020202020202020202020202020202020202020202", blake2b = "00"}}, # really
    ]

    [[packages]]
    name = "zz"
    version = "1"
    requires-python = ">=3.9"
    index = "https://index.example/simple/"
    wheels = [
        { upload-time = 2026-01-02T03:04:05.678901Z, url = "https://files.example/08/zz-1-py3-none-any.whl", size = 1008, hashes = { sha256 = "0808080808080808080808080808080808080808080808080808080808080808" } },
    ]

    [tool.other]
    x = 1

    [tool.layerpress]
    targets = [
        { runtime = "python3.13", arch = "x86_64" },
        { runtime = "python3.13", arch = "arm64" },
    ]
    # the end
    "#);
}

#[test]
fn packages_that_go_take_nothing_with_them() {
    let mut lock = Pylock::parse(FOREIGN).expect("a lock");
    lock.packages.remove(1);
    insta::assert_snapshot!(difference(FOREIGN, &lock.write(Some(FOREIGN))), @r#"
    -name = "alpha"
    -version = "1.0"
    -wheels = [
    -  # the good one
    -  {url = "https://files.example/alpha-1.0-py3-none-any.whl", upload-time = 2026-01-02T03:04:05Z, size = 5, hashes = {sha256 = "0202020202020202020202020202020202020202020202020202020202020202", blake2b = "00"}}, # really
    -  {url = "https://files.example/alpha-1.0-py2-none-any.whl", hashes = {sha256 = "0303030303030303030303030303030303030303030303030303030303030303"}}
    -]
    -[[packages.attestation-identities]]
    -kind = "GitHub"
    "#);
    lock.packages.clear();
    let empty = lock.write(Some(FOREIGN));
    insta::assert_snapshot!(empty, @r#"
    # how we lock: ask Ada
    lock-version = '1.0'   # the only one
    created-by = "other"
    environments = ["sys_platform == 'linux'"]
    packages = []

    [tool.other]
    x = 1
    # the end
    "#);
    let full = Pylock::parse(FOREIGN).expect("a lock").write(Some(&empty));
    assert_eq!(
        Pylock::parse(&full),
        Pylock::parse(FOREIGN).map(super::Pylock::in_normal_form)
    );
}

#[test]
fn of_two_entries_of_one_name_the_changed_one_is_touched() {
    let entry = |version: &str, byte, marker: &str| Package {
        marker: parse_marker(marker).expect("a marker"),
        ..package("numpy", version, byte)
    };
    let (older, newer) = ("python_version < '3.12'", "python_version >= '3.12'");
    let mut lock = Pylock::new();
    lock.packages = vec![entry("1.26.4", 1, older), entry("2.3.0", 2, newer)];
    let old = lock.write(None);
    lock.packages = vec![entry("2.4.0", 3, newer), entry("1.26.4", 1, older)];
    insta::assert_snapshot!(difference(&old, &lock.write(Some(&old))), @r#"
    -version = "2.3.0"
    -    { upload-time = 2026-01-02T03:04:05.678901Z, url = "https://files.example/02/numpy-2.3.0-py3-none-any.whl", size = 1002, hashes = { sha256 = "0202020202020202020202020202020202020202020202020202020202020202" } },
    +version = "2.4.0"
    +    { upload-time = 2026-01-02T03:04:05.678901Z, url = "https://files.example/03/numpy-2.4.0-py3-none-any.whl", size = 1003, hashes = { sha256 = "0303030303030303030303030303030303030303030303030303030303030303" } },
    "#);
    lock.packages = vec![entry("2.4.0", 3, newer)];
    lock.packages[0].marker = MarkerTree::TRUE;
    assert_eq!(lock.write(Some(&old)), lock.write(None));
}

#[test]
fn wheels_in_tables_of_their_own_are_rewritten_only_if_they_change() {
    let hash = "02".repeat(32);
    let table = |name: &str, version: &str| {
        let file = format!("{name}-{version}-py3-none-any.whl");
        format!(
            "[[packages]]\nname = \"{name}\"\nversion = \"{version}\"\n\n[[packages.wheels]]\n\
             name = \"{file}\"\nurl = \"https://files.example/{file}\"\n\n\
             [packages.wheels.hashes]\nsha256 = \"{hash}\"\n\n"
        )
    };
    let head = "lock-version = \"1.0\"\ncreated-by = \"pip\"\n\n";
    let old = format!(
        "{head}{}{}{}",
        table("a", "1"),
        table("b", "1"),
        table("c", "1")
    );
    let mut lock = Pylock::parse(&old).expect("a lock");
    lock.packages[1] = package("b", "2", 3);
    insta::assert_snapshot!(lock.write(Some(&old)), @r#"
    lock-version = "1.0"
    created-by = "pip"

    [[packages]]
    name = "a"
    version = "1"

    [[packages.wheels]]
    name = "a-1-py3-none-any.whl"
    url = "https://files.example/a-1-py3-none-any.whl"

    [packages.wheels.hashes]
    sha256 = "0202020202020202020202020202020202020202020202020202020202020202"

    [[packages]]
    name = "b"
    version = "2"
    requires-python = ">=3.9"
    index = "https://index.example/simple/"
    wheels = [
        { upload-time = 2026-01-02T03:04:05.678901Z, url = "https://files.example/03/b-2-py3-none-any.whl", size = 1003, hashes = { sha256 = "0303030303030303030303030303030303030303030303030303030303030303" } },
    ]

    [[packages]]
    name = "c"
    version = "1"

    [[packages.wheels]]
    name = "c-1-py3-none-any.whl"
    url = "https://files.example/c-1-py3-none-any.whl"

    [packages.wheels.hashes]
    sha256 = "0202020202020202020202020202020202020202020202020202020202020202"
    "#);
}

#[test]
fn the_file_keeps_its_kind_of_newline() {
    let text = FOREIGN.replace('\n', "\r\n");
    let mut lock = Pylock::parse(&text).expect("a lock");
    assert_eq!(lock.write(Some(&text)), text);
    lock.created_by = "layerpress".to_owned();
    let written = lock.write(Some(&text));
    assert_eq!(written, text.replace("\"other\"", "\"layerpress\""));
}

#[test]
fn nonsense_in_the_old_file_does_not_come_back() {
    let lock = everything();
    for nonsense in ["", "=", "lock-version = '9.0'", "packages = 1"] {
        assert_eq!(lock.write(Some(nonsense)), lock.write(None));
    }
}

#[test]
fn a_path_of_this_machine_is_found() {
    let mut lock = everything();
    assert_eq!(lock.check_portable(), Ok(()));
    if let Source::Files { wheels, .. } = &mut lock.packages[1].source {
        wheels[1].location = Location::Path(LockPath::new("/home/me/x.whl").expect("a path"));
    }
    let error = lock.check_portable().expect_err("is not portable");
    insta::assert_snapshot!(error, @"`packages[1].wheels[1].path` of `attrs` is `/home/me/x.whl`, an absolute path that no other machine has");
}
