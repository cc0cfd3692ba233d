//! [`inspect`]: what a layer holds and what weighs how much, whoever made it.
//!
//! The zip's directory tells the sizes; of the files themselves only what names packages and machines
//! is inflated.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use layerpress_check::Inferred;
use layerpress_pack::reader;
use layerpress_press::{Class, Profile};
use layerpress_target::{Arch, Runtime};
use layerpress_tree::{Content, LayerPath, LayerTree, Mode};

use crate::existing::{self, Existing, InspectError};
use crate::report::RemovedReport;
use crate::shrink::{by_rule, doubt, savings, targets};

/// A layer as it was found.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// The file.
    pub path: PathBuf,
    /// The zip's size in bytes, headers and directory included; of a folder that of the zip that it
    /// would be.
    pub zipped_bytes: u64,
    /// What it was made for, as far as its files tell.
    pub inferred: Inferred,
    /// What rules would leave out of it and passes save in it, in bytes unzipped, the largest first;
    /// nothing if that was not asked for.
    pub savings: Option<Vec<RemovedReport>>,
    /// Why it is no layer, if it looks like something else.
    pub doubt: Option<Doubt>,
    /// The packages found, by ecosystem and name.
    pub packages: Vec<FoundPackage>,
    /// Its files, by the raw bytes of their paths.
    pub files: Vec<FoundFile>,
}

/// Why something is no layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// What it is instead.
    pub message: String,
    /// Where to go with that.
    pub hint: Option<String>,
}

/// How to look at a layer.
#[derive(Debug, Clone, Copy, Default)]
pub struct InspectOptions {
    /// The runtime, instead of what the layer's files tell.
    pub runtime: Option<Runtime>,
    /// The architecture, instead of what the layer's files tell.
    pub arch: Option<Arch>,
    /// Which profile's savings are wanted: for those every file is read.
    pub savings: Option<Profile>,
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
    /// What a rule or pass would save of it, if one would and that was asked for.
    pub saving: Option<Saving>,
}

/// What would be saved of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Saving {
    /// The rule that takes it, or the pass that makes it smaller.
    pub by: &'static str,
    /// How much, in bytes unzipped: of what a rule takes all of it.
    pub bytes: u64,
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

/// Looks at the layer at `path`: a zip, or a folder that is to be one.
///
/// # Errors
/// What cannot be read, a zip that not every reader understands alike, or a folder that holds what
/// cannot stand in a layer.
pub fn inspect(path: &Path, options: &InspectOptions) -> Result<Inspection, InspectError> {
    let Existing {
        tree, zipped_bytes, ..
    } = existing::open(path)?;
    let inferred = targets(&tree, options.runtime, options.arch);
    let (packages, owners) = packages(&tree);
    let asked = options.savings;
    let savings = asked.map(|profile| savings(path, &tree, &inferred, profile));
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
            saving: savings.as_ref().and_then(|it| it.get(path)).copied(),
        }
    });
    Ok(Inspection {
        path: path.to_owned(),
        zipped_bytes,
        files: files.collect(),
        savings: savings.map(|it| by_rule(it.values().map(|saving| (saving.by, saving.bytes)))),
        inferred,
        doubt: doubt(path, &tree),
        packages,
    })
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
pub(crate) fn packages(tree: &LayerTree) -> (Vec<FoundPackage>, BTreeMap<LayerPath, usize>) {
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
pub(crate) fn place_of_packages(path: &str) -> usize {
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
}
