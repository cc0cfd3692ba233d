//! [`inspect`]: what a layer holds and what weighs how much, whoever made it.
//!
//! The zip's directory tells the sizes; of the files themselves only what names packages is
//! inflated.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use layerpress_pack::{Archive, ArchiveError, Limits, reader};
use layerpress_press::Class;
use layerpress_tree::{Content, LayerPath, LayerTree, Mode};

/// A layer as it was found.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// The file.
    pub path: PathBuf,
    /// Its size in bytes, headers and directory included.
    pub zipped_bytes: u64,
    /// The packages found, by ecosystem and name.
    pub packages: Vec<FoundPackage>,
    /// Its files, by the raw bytes of their paths.
    pub files: Vec<FoundFile>,
}

/// A package that a layer holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FoundPackage {
    /// `python` or `node`.
    pub ecosystem: &'static str,
    /// The normalised name.
    pub name: String,
    /// The version; empty where nothing tells it.
    pub version: String,
}

/// A file that a layer holds.
#[derive(Debug, Clone)]
pub struct FoundFile {
    /// Where it lies.
    pub path: LayerPath,
    /// Which of the packages it belongs to, if any.
    pub package: Option<usize>,
    /// What sort of file it is.
    pub class: Class,
    /// Its permissions.
    pub mode: Mode,
    /// Its CRC-32, whatever the compression.
    pub crc32: u32,
    /// What it takes in the zip and out of it.
    pub weight: Weight,
}

/// What some files weigh.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Weight {
    /// How many files.
    pub files: u64,
    /// Their compressed streams, in bytes.
    pub zipped_bytes: u64,
    /// The files, in bytes.
    pub unzipped_bytes: u64,
}

/// Why a layer cannot be looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// The file cannot be read.
    #[error("`{}` cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no zip, or one that no two readers need agree on.
    #[error("{}: {source}", path.display())]
    NoLayer {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ArchiveError,
        /// What it looks like instead.
        looks_like: Option<&'static str>,
    },
}

/// A layer may be far over the limit that makes somebody look at it; what is a bomb is refused.
const LIMITS: Limits = Limits {
    entries: 1_000_000,
    total_bytes: 16 << 30,
    ratio: 1_000,
};

/// Looks at the layer zip at `path`.
///
/// # Errors
/// A file that cannot be read, or is not a zip that every reader understands alike.
pub fn inspect(path: &Path) -> Result<Inspection, InspectError> {
    let unreadable = |source| InspectError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let bytes = fs::read(path).map_err(unreadable)?;
    let zipped_bytes = bytes.len() as u64;
    let looks_like = looks_like(&bytes);
    let archive = Archive::open(bytes.into(), &LIMITS);
    let archive = archive.map_err(|source| InspectError::NoLayer {
        path: path.to_owned(),
        source,
        looks_like,
    })?;
    let tree = archive.to_tree();
    let (packages, owners) = packages(&tree);
    let files = tree.iter().map(|(path, entry)| {
        let content = &entry.content;
        FoundFile {
            path: path.clone(),
            package: owners.get(path).copied(),
            class: Class::of(path.as_str(), || head(content)),
            mode: entry.mode,
            crc32: content.crc32,
            weight: Weight {
                files: 1,
                zipped_bytes: content.stream_size(),
                unzipped_bytes: content.size,
            },
        }
    });
    Ok(Inspection {
        path: path.to_owned(),
        zipped_bytes,
        packages,
        files: files.collect(),
    })
}

impl InspectError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable { .. } => None,
            Self::NoLayer { looks_like, .. } => {
                looks_like.map(|it| format!("it looks like {it}; a layer is a zip file"))
            }
        }
    }
}

impl Inspection {
    /// What all files weigh; the zip itself is a little more than their streams.
    #[must_use]
    pub fn total(&self) -> Weight {
        let mut total = Weight::default();
        for file in &self.files {
            total.add(file.weight);
        }
        total
    }

    /// What each package weighs, the heaviest first; what is no package's stands under `None`.
    #[must_use]
    pub fn by_package(&self) -> Vec<(Option<&FoundPackage>, Weight)> {
        // A package without a file of its own is there all the same.
        let known = (0..self.packages.len()).map(|index| (Some(index), Weight::default()));
        let weights = self.weights(|file| file.package, known.collect());
        let named = |(index, weight)| {
            let package = Option::and_then(index, |index: usize| self.packages.get(index));
            (package, weight)
        };
        weights.into_iter().map(named).collect()
    }

    /// What each class of files weighs, the heaviest first.
    #[must_use]
    pub fn by_class(&self) -> Vec<(Class, Weight)> {
        self.weights(|file| file.class, BTreeMap::new())
    }

    /// What each folder weighs that holds packages or stands beside them, the heaviest first.
    #[must_use]
    pub fn by_folder(&self) -> Vec<(&str, Weight)> {
        self.weights(|file| top_folder(&file.path), BTreeMap::new())
    }

    fn weights<'a, K: Ord>(
        &'a self,
        key: impl Fn(&'a FoundFile) -> K,
        mut weights: BTreeMap<K, Weight>,
    ) -> Vec<(K, Weight)> {
        for file in &self.files {
            weights.entry(key(file)).or_default().add(file.weight);
        }
        let mut weights: Vec<_> = weights.into_iter().collect();
        // Stable: what weighs the same stays in the order of keys.
        weights.sort_by_key(|(_, weight)| std::cmp::Reverse(weight.unzipped_bytes));
        weights
    }
}

impl Weight {
    /// Adds what others weigh.
    pub(crate) fn add(&mut self, other: Self) {
        self.files += other.files;
        self.zipped_bytes += other.zipped_bytes;
        self.unzipped_bytes += other.unzipped_bytes;
    }
}

/// The packages of a layer, and to which of them its files belong.
fn packages(tree: &LayerTree) -> (Vec<FoundPackage>, BTreeMap<LayerPath, usize>) {
    let python = layerpress_python::installed::distributions(tree);
    let python = python
        .into_iter()
        .map(|it| ("python", it.name, it.version, it.files));
    let node = layerpress_node::installed::packages(tree);
    let node = node
        .into_iter()
        .map(|it| ("node", it.name, it.version, it.files));
    let mut found = Vec::new();
    let mut owners = BTreeMap::new();
    for (ecosystem, name, version, files) in python.chain(node) {
        let index = found.len();
        // Both are whatever stands in the layer's files.
        let line = |text: String| text.replace(char::is_control, " ");
        found.push(FoundPackage {
            ecosystem,
            name: line(name),
            version: line(version),
        });
        // Some distributions bring npm packages: those are told on their own too, but weigh once.
        for file in files {
            owners.entry(file).or_insert(index);
        }
    }
    (found, owners)
}

/// The folder that a file counts for: the one below where Lambda looks for packages. A file that
/// lies there itself counts for that place.
fn top_folder(path: &LayerPath) -> &str {
    let text = path.as_str();
    let start = place_of_packages(text);
    let scope = usize::from(text[start..].starts_with('@'));
    let end = text[start..].match_indices('/').nth(scope);
    end.map_or_else(
        || path.parent().unwrap_or_default(),
        |(end, _)| &text[..start + end],
    )
}

/// The length of the path's beginning that is in Lambda's search path: `python/`,
/// `python/lib/python3.13/site-packages/`, `nodejs/node_modules/`, `nodejs/node22/node_modules/`.
fn place_of_packages(path: &str) -> usize {
    let parts: Vec<&str> = path.splitn(5, '/').collect();
    let parts = match parts[..] {
        ["python", "lib", version, "site-packages", _] if version.starts_with("python") => 4,
        ["nodejs", version, "node_modules", _, ..] if version.starts_with("node") => 3,
        ["nodejs", "node_modules", _, ..] => 2,
        ["python", _, ..] => 1,
        _ => return 0,
    };
    path.split_inclusive('/').take(parts).map(str::len).sum()
}

/// The first bytes of a file, as far as they can be read.
fn head(content: &Content) -> Vec<u8> {
    let mut head = Vec::new();
    // What cannot be inflated is found by whoever needs it.
    let _unread = reader(content).take(4).read_to_end(&mut head);
    head
}

/// What a file is that is no zip, by its first bytes.
fn looks_like(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [] => Some("an empty file"),
        [0x1f, 0x8b, ..] => Some("a gzip file, perhaps a `.tar.gz`"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("a zstandard file"),
        [b'7', b'z', 0xbc, 0xaf, ..] => Some("a 7z archive"),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => Some("an xz file"),
        [b'{' | b'[', ..] => Some("JSON"),
        [b'<', ..] => Some("HTML or XML, perhaps an error page that was saved"),
        _ if bytes.get(257..262) == Some(b"ustar") => Some("a tar archive"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_count_for_the_folder_below_where_packages_lie() {
        for (path, folder) in [
            ("python/six.py", "python"),
            ("python/numpy/core/a.so", "python/numpy"),
            (
                "python/lib/python3.13/site-packages/numpy/a.py",
                "python/lib/python3.13/site-packages/numpy",
            ),
            (
                "python/lib/python3.13/site-packages/six.py",
                "python/lib/python3.13/site-packages",
            ),
            ("python/lib/mine.py", "python/lib"),
            ("nodejs/node_modules/a/b/c.js", "nodejs/node_modules/a"),
            ("nodejs/node_modules/@s/a/c.js", "nodejs/node_modules/@s/a"),
            (
                "nodejs/node22/node_modules/a/c.js",
                "nodejs/node22/node_modules/a",
            ),
            ("nodejs/mine.js", "nodejs"),
            ("bin/tool", "bin"),
            ("top", ""),
        ] {
            let path = LayerPath::new(path).expect("a path");
            assert_eq!(top_folder(&path), folder, "{path}");
        }
    }

    #[test]
    fn what_is_no_zip_is_named() {
        assert_eq!(
            looks_like(b"\x1f\x8b\x08"),
            Some("a gzip file, perhaps a `.tar.gz`")
        );
        assert_eq!(looks_like(b"PK\x03\x04"), None);
    }
}
