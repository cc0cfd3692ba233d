//! Tarballs honest and hostile, unpacked through the pressed store.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use layerpress_pack::read_all;
use proptest::prelude::*;
use tar::{EntryType, Header};

use super::*;

/// A package under construction.
#[derive(Default)]
struct Tarball(Vec<u8>);

impl Tarball {
    fn of(manifest: &str) -> Self {
        Self::default().file("package/package.json", manifest)
    }

    fn file(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        self.member(path, EntryType::Regular, 0o644, text.as_ref())
    }

    fn member(mut self, path: &str, kind: EntryType, mode: u32, bytes: &[u8]) -> Self {
        let mut header = Header::new_ustar();
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(bytes.len() as u64);
        if kind == EntryType::Symlink {
            header.set_link_name_literal("../../x").expect("short");
        }
        header.set_cksum();
        self.0.extend(header.as_bytes());
        self.0.extend(bytes);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn gzip(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&self.0).expect("memory");
        encoder.finish().expect("memory")
    }
}

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&folder.path().join("cache")).expect("opens");
    (folder, store)
}

fn digest(bytes: &[u8]) -> Sha256 {
    Sha256(sha2::Sha256::digest(bytes).into())
}

fn unpack_in(store: &Store, archive: &[u8]) -> Result<PackageTree, TarballError> {
    let bytes = Bytes::copy_from_slice(archive);
    let options = UnpackOptions::default();
    unpack("a@1.0.0", &bytes, digest(archive), store, &options)
}

/// Unpacks twice; the second time gives the same.
fn unpacked_twice(tarball: Tarball) -> PackageTree {
    let (_folder, store) = store();
    let archive = tarball.gzip();
    let first = unpack_in(&store, &archive).expect("honest");
    let options = UnpackOptions::default();
    let second = unpacked(digest(&archive), &store, &options);
    assert_eq!(second, Ok(Some(first.clone())));
    first
}

fn list(package: &PackageTree) -> String {
    let line = |(path, entry): (&LayerPath, &layerpress_tree::Entry)| {
        let text = String::from_utf8(read_all(&entry.content).expect("whole"));
        let text = text.unwrap_or_else(|_| "(bytes)".into());
        format!("{:o} {path} {}", entry.mode.bits(), text.escape_debug())
    };
    package.tree.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn refusal(tarball: Tarball) -> String {
    let (_folder, store) = store();
    let archive = tarball.gzip();
    let error = unpack_in(&store, &archive).expect_err("hostile");
    assert!(!error.is_damage());
    assert!(store.all_pressed().expect("lists").is_empty());
    match error.hint() {
        Some(hint) => format!("{error}\n  hint: {hint}"),
        None => error.to_string(),
    }
}

#[test]
fn files_are_laid_out_as_npm_does() {
    let package = unpacked_twice(
        Tarball::default()
            .member("any-name/", EntryType::Directory, 0o700, b"")
            .member("any-name/lib", EntryType::Directory, 0o600, b"")
            .file(
                "any-name/package.json",
                r#"{"name":"a","version":"1.0.0","bin":"./cli.js"}"#,
            )
            .member("any-name/lib/a.js", EntryType::Regular, 0o666, b"0666")
            .member("any-name/lib/A.js", EntryType::Regular, 0o600, b"0600")
            .member("another/tool", EntryType::Regular, 0o777, b"0777")
            .member("any-name/cli.js", EntryType::Regular, 0o644, b"a command")
            .file("._any-name", "left out")
            .file("any-name/lib/a.js", "the last one counts"),
    );
    insta::assert_snapshot!(list(&package), @r#"
    755 cli.js a command
    644 lib/A.js 0600
    644 lib/a.js the last one counts
    644 package.json {\"name\":\"a\",\"version\":\"1.0.0\",\"bin\":\"./cli.js\"}
    755 tool 0777
    "#);
    assert_eq!(package.warnings, Vec::<String>::new());
}

#[test]
fn links_escapes_and_contradictions_are_refused() {
    let hostile = [
        Tarball::of("{}").member("package/a", EntryType::Symlink, 0o777, b""),
        Tarball::of("{}").file("package/../../etc/passwd", ""),
        Tarball::of("{}")
            .file("package/a", "")
            .file("package/a/b", ""),
        Tarball::of("{}")
            .file("package/a", "")
            .member("package/a", EntryType::Directory, 0, b""),
        Tarball::of("{}").member("package/tty", EntryType::Char, 0o666, b""),
        Tarball::default().file("beside", ""),
        Tarball::default(),
    ];
    let refusals = hostile.map(refusal).join("\n");
    insta::assert_snapshot!(refusals, @r"
    `a@1.0.0`: `a` is a symbolic link to `../../x`
      hint: npm leaves links out of packages; take a version whose tarball holds files only, or pack it again with `npm pack`
    `a@1.0.0`: an entry's name is no path inside the archive: `package/../../etc/passwd` holds the component `..`
      hint: readers of tarballs would disagree about it; take another version
    `a@1.0.0`: `a` is a file, and a folder of `a/b`
      hint: readers of tarballs would disagree about it; take another version
    `a@1.0.0`: `a` is a file, and a folder
      hint: readers of tarballs would disagree about it; take another version
    `a@1.0.0`: `tty` is a character device, not a file
      hint: readers of tarballs would disagree about it; take another version
    `a@1.0.0`: there is no file in it
      hint: the tarball is not what `npm pack` makes; take another version
    `a@1.0.0`: there is no file in it
      hint: the tarball is not what `npm pack` makes; take another version
    ");
}

#[test]
fn what_a_script_would_make_executable_is() {
    let manifest = r#"{"name":"a","scripts":{"postinstall":"chmod u+x ./ffmpeg"}}"#;
    let package = unpacked_twice(Tarball::of(manifest).file("package/ffmpeg", "ELF"));
    assert!(list(&package).starts_with("755 ffmpeg ELF"));
    let scripts: Vec<_> = package.package.scripts.iter().collect();
    assert_eq!(scripts, [("postinstall", "chmod u+x ./ffmpeg")]);
}

#[test]
fn manifests_tell_what_they_can() {
    let manifest = "\u{feff}{
        \"name\": \"@s/a\", \"version\": \"1.0.0\", \"type\": \"module\", \"os\": \"linux\", \"cpu\": [\"x64\"],
        \"bin\": {\"b\": \"../../x.js\"}, \"scripts\": {\"preinstall\": 3, \"postinstall\": \" \"},
        \"dependencies\": {\"c\": \"1\", \"d\": \"1\"}, \"optionalDependencies\": {\"d\": \"1\"}
    }";
    let tarball = Tarball::of(manifest).file("package/binding.gyp", "{}");
    let facts = unpacked_twice(tarball).package;
    assert_eq!(facts.name.as_deref(), Some("@s/a"));
    assert_eq!(facts.bin, [("b".to_owned(), "x.js".to_owned())]);
    assert_eq!(
        (facts.os, facts.cpu),
        (vec!["linux".to_owned()], vec!["x64".to_owned()])
    );
    assert!(facts.is_module);
    assert_eq!(facts.scripts.install.as_deref(), Some("node-gyp rebuild"));
    assert_eq!(facts.scripts.iter().count(), 1);
    assert_eq!(facts.dependencies, ["c"]);
    assert_eq!(facts.optional_dependencies, ["d"]);

    let own = r#"{"gypfile": false}"#;
    let tarball = Tarball::of(own).file("package/binding.gyp", "{}");
    assert!(unpacked_twice(tarball).package.scripts.is_empty());
}

#[test]
fn manifests_that_cannot_be_read_are_told() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for (text, expected) in [
        ("{", "EOF while parsing an object at line 1 column 1"),
        (&deep, "recursion limit exceeded at line 1 column 128"),
    ] {
        let package = unpacked_twice(Tarball::of(text));
        let warning = format!("the `package.json` in its tarball cannot be read: {expected}");
        assert_eq!(package.warnings, [warning]);
        assert_eq!(package.package, Facts::default());
    }
    let package = unpacked_twice(Tarball::default().file("package/index.js", ""));
    assert_eq!(
        package.warnings,
        ["there is no `package.json` in its tarball"]
    );
    // No object either: nothing is known, nothing is wrong enough to say.
    let package = unpacked_twice(Tarball::of("[1]"));
    assert_eq!(package.warnings, Vec::<String>::new());
}

fn with_bundled() -> Tarball {
    let of = |name: &str| format!(r#"{{"name":"{name}","version":"2.0.0"}}"#);
    Tarball::of(r#"{"name":"outer","bundleDependencies":["a"]}"#)
        .file("package/npm-shrinkwrap.json", "{}")
        .file("package/node_modules/a/package.json", of("a"))
        .file("package/node_modules/a/lib/package.json", of("no package"))
        .file(
            "package/node_modules/a/node_modules/@s/b/package.json",
            of("@s/b"),
        )
        .file("package/node_modules/@s/package.json", of("a scope"))
        .file("package/node_modules/.cache/package.json", of("hidden"))
        .file("package/test/node_modules/c/package.json", of("a fixture"))
        .file("package/node_modules/d/index.js", "no manifest")
}

#[test]
fn bundled_packages_are_listed() {
    let package = unpacked_twice(with_bundled());
    let bundled: Vec<String> = package
        .bundled
        .iter()
        .map(|it| format!("{} {:?}", it.location, it.package.name))
        .collect();
    insta::assert_snapshot!(bundled.join("\n"), @r#"
    node_modules/a Some("a")
    node_modules/a/node_modules/@s/b Some("@s/b")
    "#);
    assert!(package.tree.get("npm-shrinkwrap.json").is_some());
}

#[test]
fn manifests_are_read_without_unpacking() {
    let manifests = manifests_of("a.tgz", &with_bundled().gzip()).expect("honest");
    assert!(manifests.package_json.starts_with(b"{\"name\":\"outer\""));
    assert_eq!(manifests.shrinkwrap.as_deref(), Some(&b"{}"[..]));
    let locations: Vec<_> = manifests.bundled.keys().collect();
    assert_eq!(
        locations,
        ["node_modules/a", "node_modules/a/node_modules/@s/b"]
    );
    let none = manifests_of("a.tgz", &Tarball::default().file("package/a", "").gzip());
    insta::assert_snapshot!(none.expect_err("none"), @"`a.tgz`: there is no `package.json` in it");
    let other = manifests_of("b\u{1b}[2J.tgz", b"PK\x03\x04");
    insta::assert_snapshot!(other.expect_err("none"), @r"`b\u{1b}[2J.tgz`: a package is a gzipped tar archive, and this is zip");
}

#[test]
fn damage_is_told_from_a_bad_tarball() {
    let (_folder, store) = store();
    let options = UnpackOptions::default();
    let good = Tarball::of("{}").gzip();
    let stored = store.put_archive(&good[..]).expect("stored");
    let cut = Bytes::copy_from_slice(&good[..good.len() - 9]);
    let damaged = unpack("a@1", &cut, stored.digest, &store, &options).expect_err("cut");
    insta::assert_snapshot!(damaged, @"`a@1`: the cached copy is damaged");
    assert!(damaged.is_damage());
    assert!(store.archive(stored.digest).is_none(), "it is forgotten");

    let bad = unpack("a@1", &cut, digest(&cut), &store, &options).expect_err("cut");
    insta::assert_snapshot!(bad, @"`a@1`: the archive is damaged: incomplete deflate stream");
    assert!(!bad.is_damage());
}

#[test]
fn a_damaged_pressed_copy_is_made_anew_and_that_is_said() {
    let (_folder, store) = store();
    let archive = Tarball::of("{}").file("package/a.js", "text").gzip();
    let first = unpack_in(&store, &archive).expect("honest");
    let pressed = store.pressed_path(digest(&archive), &UnpackOptions::default().recipe.id());
    let mut bytes = std::fs::read(&pressed).expect("there");
    let at = bytes.windows(4).position(|it| it == b"text");
    bytes[at.expect("stored")] = b'T';
    std::fs::remove_file(&pressed).expect("there");
    std::fs::write(&pressed, bytes).expect("writes");

    let options = UnpackOptions::default();
    assert!(unpacked(digest(&archive), &store, &options).is_err());
    let again = unpack_in(&store, &archive).expect("honest");
    assert_eq!(again.tree, first.tree);
    insta::assert_snapshot!(again.warnings.join("\n"), @"`a@1.0.0`: its pressed copy in the cache was damaged; it was pressed again");
    let third = unpack_in(&store, &archive).expect("honest");
    assert_eq!(third, first);
}

#[test]
fn budgets_hold_the_second_time_too() {
    let (_folder, store) = store();
    let archive = Tarball::of("{}").file("package/a", [b'a'; 5000]).gzip();
    unpack_in(&store, &archive).expect("within");
    let tight = |limits| UnpackOptions {
        limits,
        ..UnpackOptions::default()
    };
    for limits in [
        Limits {
            total_bytes: 5000,
            ..Limits::default()
        },
        Limits {
            entries: 1,
            ..Limits::default()
        },
    ] {
        let bytes = Bytes::from(archive.clone());
        unpack("a@1", &bytes, digest(&archive), &store, &tight(limits)).expect_err("too large");
    }
}

fn any_files() -> impl Strategy<Value = BTreeMap<String, (bool, Vec<u8>)>> {
    let bytes = proptest::collection::vec(any::<u8>(), 0..1200);
    let name = "(node_modules/)?[a-c]{1,2}(/[a-cé]{1,2}){0,2}";
    proptest::collection::btree_map(name, (any::<bool>(), bytes), 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_tree_comes_out_as_it_went_in(files in any_files()) {
        let is_tree = files.keys().all(|a| !files.keys().any(|b| b.starts_with(&format!("{a}/"))));
        prop_assume!(is_tree);
        let tarball = files.iter().fold(Tarball::default(), |tarball, (path, (executable, bytes))| {
            let mode = if *executable { 0o755 } else { 0o644 };
            tarball.member(&format!("x/{path}"), EntryType::Regular, mode, bytes)
        });
        let package = unpacked_twice(tarball);
        let found: BTreeMap<String, (bool, Vec<u8>)> = package
            .tree
            .iter()
            .map(|(path, entry)| {
                let bytes = read_all(&entry.content).expect("whole");
                (path.to_string(), (entry.mode == layerpress_tree::Mode::Executable, bytes))
            })
            .collect();
        prop_assert_eq!(found, files);
    }

    #[test]
    fn changed_bytes_do_no_harm(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in proptest::option::of(any::<prop::sample::Index>()),
        inside in any::<bool>(),
    ) {
        let tarball = with_bundled().file("package/binding.gyp", "{}");
        let mut bytes = if inside { tarball.0 } else { tarball.gzip() };
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let archive = if inside { Tarball(bytes).gzip() } else { bytes };
        let (_folder, store) = store();
        let _ = manifests_of("a", &archive);
        if let Ok(first) = unpack_in(&store, &archive) {
            prop_assert_eq!(unpack_in(&store, &archive).expect("again"), first);
        }
    }
}
