//! Tarballs honest and hostile, unpacked through the pressed store.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use layerpress_pack::read_all;
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
