//! [`NpmPackage`]: npm packages built in code, the same bytes every time.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Map, Value, json};
use sha1::Sha1;
use sha2::{Digest as _, Sha512};
use tar::{Builder, EntryType, Header};

use crate::package::hex;

/// A package's tarball, ready to be served or written to a folder.
#[derive(Debug, Clone)]
pub struct BuiltTarball {
    /// The package's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its package.json as the registry tells it: with `dist` left out.
    pub manifest: Map<String, Value>,
    /// The tarball.
    pub bytes: Vec<u8>,
    /// When it was published, RFC 3339.
    pub published: String,
}

impl BuiltTarball {
    /// The tarball's file name: `name-1.0.0.tgz`, without the scope.
    pub fn file_name(&self) -> String {
        let name = self.name.rsplit('/').next().unwrap_or(&self.name);
        format!("{name}-{}.tgz", self.version)
    }

    /// The tarball's integrity: `sha512-…`.
    pub fn integrity(&self) -> String {
        format!("sha512-{}", STANDARD.encode(Sha512::digest(&self.bytes)))
    }

    /// The tarball's SHA-1 in hexadecimal, as old registries tell it.
    pub fn shasum(&self) -> String {
        hex(&Sha1::digest(&self.bytes))
    }

    /// The same package, published at another time (RFC 3339).
    #[must_use]
    pub fn published(mut self, time: &str) -> Self {
        time.clone_into(&mut self.published);
        self
    }

    /// The same package, deprecated.
    #[must_use]
    pub fn deprecated(self, reason: &str) -> Self {
        self.told("deprecated", json!(reason))
    }

    /// The same package, of which the registry tells something else than its package.json.
    #[must_use]
    pub fn told(mut self, field: &str, value: Value) -> Self {
        self.manifest.insert(field.to_owned(), value);
        self
    }
}

/// An npm package under construction.
#[derive(Debug, Clone)]
pub struct NpmPackage {
    manifest: Map<String, Value>,
    root: String,
    entries: Vec<Entry>,
    has_manifest: bool,
}

/// An entry of its tarball.
#[derive(Debug, Clone)]
struct Entry {
    path: String,
    kind: EntryType,
    mode: u32,
    target: String,
    content: Vec<u8>,
    size: Option<u64>,
}

impl NpmPackage {
    /// A package whose `index.js` exports its name and version: `one@1.0.0`.
    pub fn new(name: &str, version: &str) -> Self {
        let empty = Self {
            manifest: Map::new(),
            root: "package".to_owned(),
            entries: Vec::new(),
            has_manifest: true,
        };
        empty
            .field("name", json!(name))
            .field("version", json!(version))
            .file(
                "index.js",
                format!("module.exports = '{name}@{version}';\n"),
            )
    }

    /// A tarball that is no package: below `root` it holds what is added to it and no more.
    pub fn archive(root: &str) -> Self {
        Self {
            manifest: Map::new(),
            root: root.to_owned(),
            entries: Vec::new(),
            has_manifest: false,
        }
    }

    /// Sets a field of its package.json.
    #[must_use]
    pub fn field(mut self, name: &str, value: Value) -> Self {
        self.manifest.insert(name.to_owned(), value);
        self
    }

    /// Adds a dependency.
    #[must_use]
    pub fn depends(self, name: &str, range: &str) -> Self {
        self.pair("dependencies", name, json!(range))
    }

    /// Adds an optional dependency.
    #[must_use]
    pub fn optional(self, name: &str, range: &str) -> Self {
        self.pair("optionalDependencies", name, json!(range))
    }

    /// Adds a peer dependency.
    #[must_use]
    pub fn peer(self, name: &str, range: &str) -> Self {
        self.pair("peerDependencies", name, json!(range))
    }

    /// Adds a peer dependency that it can do without.
    #[must_use]
    pub fn optional_peer(self, name: &str, range: &str) -> Self {
        self.peer(name, range)
            .pair("peerDependenciesMeta", name, json!({ "optional": true }))
    }

    /// Adds an install script or another.
    #[must_use]
    pub fn script(self, event: &str, command: &str) -> Self {
        self.pair("scripts", event, json!(command))
    }

    /// Adds a file.
    #[must_use]
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.file_with_mode(path, content, 0o644)
    }

    /// Adds a file with a mode of its own.
    #[must_use]
    pub fn file_with_mode(self, path: &str, content: impl AsRef<[u8]>, mode: u32) -> Self {
        let path = format!("{}/{path}", self.root);
        self.entry(&path, EntryType::Regular, mode, "", content.as_ref())
    }

    /// Adds a file at exactly this path, root folder or not, sound or not.
    #[must_use]
    pub fn file_at(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.entry(path, EntryType::Regular, 0o644, "", content.as_ref())
    }

    /// Adds a folder with a mode of its own.
    #[must_use]
    pub fn folder(self, path: &str, mode: u32) -> Self {
        let path = format!("{}/{path}/", self.root);
        self.entry(&path, EntryType::Directory, mode, "", b"")
    }

    /// Adds a symbolic link.
    #[must_use]
    pub fn symlink(self, path: &str, target: &str) -> Self {
        let path = format!("{}/{path}", self.root);
        self.entry(&path, EntryType::Symlink, 0o777, target, b"")
    }

    /// Adds a hard link.
    #[must_use]
    pub fn hard_link(self, path: &str, target: &str) -> Self {
        let path = format!("{}/{path}", self.root);
        self.entry(&path, EntryType::Link, 0o644, target, b"")
    }

    /// Adds a file that says it is larger than it is: the archive ends in its middle.
    #[must_use]
    pub fn endless(mut self, path: &str, size: u64) -> Self {
        self = self.file(path, b"short");
        if let Some(entry) = self.entries.last_mut() {
            entry.size = Some(size);
        }
        self
    }

    /// Puts everything added from here on below another folder than `package`, and package.json too.
    #[must_use]
    pub fn root(mut self, root: &str) -> Self {
        for entry in &mut self.entries {
            if let Some(rest) = entry.path.strip_prefix(&self.root) {
                entry.path = format!("{root}{rest}");
            }
        }
        root.clone_into(&mut self.root);
        self
    }

    /// Leaves package.json out of the tarball; the registry tells it all the same.
    #[must_use]
    pub fn without_manifest(mut self) -> Self {
        self.has_manifest = false;
        self
    }

    /// Carries another package in its own `node_modules`, and says so.
    #[must_use]
    pub fn bundles(mut self, other: &Self) -> Self {
        let name = other.text("name");
        let own = format!("{}/node_modules/{name}", self.root);
        self.push(&format!("{own}/package.json"), other.manifest_text());
        for entry in &other.entries {
            let rest = entry.path.strip_prefix(&other.root).unwrap_or_default();
            let mut entry = entry.clone();
            entry.path = format!("{own}{rest}");
            self.entries.push(entry);
        }
        let bundled = self.manifest.entry("bundleDependencies");
        if let Value::Array(names) = bundled.or_insert_with(|| json!([])) {
            names.push(json!(name));
        }
        let version = other.text("version");
        self.depends(&name, &version)
    }

    /// The finished package.
    ///
    /// # Panics
    ///
    /// If memory cannot take it.
    pub fn build(self) -> BuiltTarball {
        let encoder = GzEncoder::new(Vec::new(), Compression::default());
        let mut archive = Builder::new(encoder);
        let mut entries = self.entries.clone();
        if self.has_manifest {
            let path = format!("{}/package.json", self.root);
            let content = self.manifest_text().into_bytes();
            entries.insert(0, Entry::new(&path, content));
        }
        for entry in &entries {
            entry.append(&mut archive);
        }
        let bytes = archive
            .into_inner()
            .and_then(GzEncoder::finish)
            .expect("memory takes everything");
        BuiltTarball {
            name: self.text("name"),
            version: self.text("version"),
            manifest: self.manifest,
            bytes,
            published: PUBLISHED.to_owned(),
        }
    }

    fn entry(
        mut self,
        path: &str,
        kind: EntryType,
        mode: u32,
        target: &str,
        content: &[u8],
    ) -> Self {
        self.entries.push(Entry {
            kind,
            mode,
            target: target.to_owned(),
            ..Entry::new(path, content.to_vec())
        });
        self
    }

    fn push(&mut self, path: &str, content: String) {
        self.entries.push(Entry::new(path, content.into_bytes()));
    }

    fn pair(mut self, field: &str, name: &str, value: Value) -> Self {
        let pairs = self.manifest.entry(field).or_insert_with(|| json!({}));
        pairs[name] = value;
        self
    }

    fn text(&self, field: &str) -> String {
        let value = self.manifest.get(field).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    }

    fn manifest_text(&self) -> String {
        format!("{:#}\n", Value::Object(self.manifest.clone()))
    }
}

impl Entry {
    fn new(path: &str, content: Vec<u8>) -> Self {
        Self {
            path: path.to_owned(),
            kind: EntryType::Regular,
            mode: 0o644,
            target: String::new(),
            content,
            size: None,
        }
    }

    /// Writes it without a look at whether it makes sense; a path that is too long for the header
    /// goes into a PAX header before it (POSIX.1-2001, pax, "Extended Header").
    fn append(&self, archive: &mut Builder<GzEncoder<Vec<u8>>>) {
        let mut header = Header::new_ustar();
        let path = self.path.as_bytes();
        if path.len() > 100 {
            archive
                .append_pax_extensions([("path", path)])
                .expect("memory takes everything");
        }
        let fields = header.as_old_mut();
        let length = path.len().min(100);
        fields.name[..length].copy_from_slice(&path[..length]);
        let length = self.target.len().min(100);
        fields.linkname[..length].copy_from_slice(&self.target.as_bytes()[..length]);
        header.set_entry_type(self.kind);
        header.set_mode(self.mode);
        header.set_size(self.size.unwrap_or(self.content.len() as u64));
        header.set_cksum();
        archive
            .append(&header, self.content.as_slice())
            .expect("memory takes everything");
    }
}

/// When packages are published, if a test does not say otherwise.
const PUBLISHED: &str = "2024-01-02T03:04:05.000Z";

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_tarball_is_the_same_every_time_and_holds_what_was_said() {
        let long = format!("{}/end.js", "deep/".repeat(40));
        let build = || {
            let inner = NpmPackage::new("inner", "2.0.0");
            NpmPackage::new("@scope/one", "1.0.0")
                .depends("two", "^1")
                .file_with_mode("bin/run", "#!/bin/sh\n", 0o777)
                .file(&long, "")
                .file_at("package/../../escape.js", "")
                .symlink("link.js", "/etc/passwd")
                .bundles(&inner)
                .build()
        };
        let built = build();
        assert_eq!(built.bytes, build().bytes);
        assert_eq!(built.file_name(), "one-1.0.0.tgz");
        assert_eq!(built.manifest["dependencies"]["inner"], "2.0.0");
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&built.bytes[..]));
        let mut seen = Vec::new();
        for entry in archive.entries().expect("a tarball") {
            let mut entry = entry.expect("an entry");
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let mut content = String::new();
            entry.read_to_string(&mut content).expect("text");
            seen.push((path, entry.header().entry_type(), content.len()));
        }
        let paths: Vec<_> = seen.iter().map(|(path, ..)| path.as_str()).collect();
        let deep = format!("package/{long}");
        let expected = [
            "package/package.json",
            "package/index.js",
            "package/bin/run",
            deep.as_str(),
            "package/../../escape.js",
            "package/link.js",
            "package/node_modules/inner/package.json",
            "package/node_modules/inner/index.js",
        ];
        assert_eq!(paths, expected);
        assert_eq!(seen[5].1, EntryType::Symlink);
    }

    #[test]
    fn another_root_folder_is_everybodys() {
        let built = NpmPackage::new("one", "1.0.0").root("one-1").build();
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&built.bytes[..]));
        let entries = archive.entries().expect("a tarball");
        let paths: Vec<_> = entries
            .map(|entry| String::from_utf8_lossy(&entry.expect("an entry").path_bytes()).into())
            .collect::<Vec<String>>();
        assert_eq!(paths, ["one-1/package.json", "one-1/index.js"]);
    }
}
