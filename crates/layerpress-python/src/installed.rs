//! [`distributions`]: what a layer holds of Python, whoever laid it there.
//!
//! A distribution is known by its dist-info folder (or its older egg-info), and its files by RECORD.
//! A layer may have lost its RECORDs, or hold files that none names: then what lies where the
//! distribution's modules would lie is taken for its own.
//! <https://packaging.python.org/en/latest/specifications/recording-installed-packages/>

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::str::FromStr;

use layerpress_pack::read_all;
use layerpress_tree::{LayerPath, LayerTree, seen_from};
use pep508_rs::PackageName;

use crate::Metadata;
use crate::wheel::recorded;

/// A distribution in a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    /// Its normalised name; the folder's where METADATA cannot be read.
    pub name: String,
    /// Its version; empty where neither METADATA nor the folder tells one.
    pub version: String,
    /// Its files, by the raw bytes of their paths.
    pub files: Vec<LayerPath>,
}

/// A distribution in a layer, as it describes itself.
#[derive(Debug)]
pub struct Described {
    /// Its normalised name; the folder's where METADATA cannot be read.
    pub name: String,
    /// Its version; empty where neither METADATA nor the folder tells one.
    pub version: String,
    /// The folder that its modules lie in: `python`.
    pub root: String,
    /// What it says of itself, if that can be read.
    pub metadata: Option<Metadata>,
}

/// No text of a real distribution that is read here comes near this.
const TEXT_LIMIT: u64 = 32 << 20;

/// What the distributions of a layer say of themselves, in the order of their folders; those inside of
/// others are passed over, as by [`distributions`].
#[must_use]
pub fn described(tree: &LayerTree) -> Vec<Described> {
    let infos = infos(tree);
    let described = infos.iter().map(|info| {
        let (name, version, metadata) = identity(tree, info);
        let root = info.root.to_owned();
        Described {
            name,
            version,
            root,
            metadata,
        }
    });
    described.collect()
}

/// The distributions of a layer, in the order of their folders.
///
/// A distribution inside of another one (setuptools brings some) is a part of that.
#[must_use]
pub fn distributions(tree: &LayerTree) -> Vec<Distribution> {
    let infos = infos(tree);
    let roots: BTreeSet<&str> = infos.iter().map(|info| info.root).collect();
    let mut claims = Claims::new(tree);
    let mut found: Vec<(Info<'_>, String, String)> = Vec::new();
    for info in infos {
        let owner = found.len();
        claims.folder(info.folder, owner);
        for path in recorded_files(tree, &info) {
            claims.file(&path, owner);
        }
        let (name, version, _) = identity(tree, &info);
        found.push((info, name, version));
    }
    for (owner, (info, name, _)) in found.iter().enumerate() {
        for module in modules(tree, info, name) {
            claims.module(info.root, &module, owner);
        }
    }
    claims.fill_folders(&roots);
    let mut files = claims.by_owner(found.len());
    let distributions = found.into_iter().enumerate();
    let mut distributions: Vec<_> = distributions
        .map(|(owner, (_, name, version))| Distribution {
            name,
            version,
            files: std::mem::take(&mut files[owner]),
        })
        .collect();
    distributions.sort_by(|one, other| (&one.name, &one.files).cmp(&(&other.name, &other.files)));
    distributions
}

/// A dist-info or egg-info folder.
#[derive(Debug, Clone, Copy)]
struct Info<'a> {
    /// Where the modules lie: `python`, or nothing.
    root: &'a str,
    /// The folder: `python/six-1.17.0.dist-info`.
    folder: &'a str,
    /// METADATA or PKG-INFO.
    metadata: &'a str,
}

impl<'a> Info<'a> {
    fn at(path: &'a LayerPath) -> Option<Self> {
        let (folder, name) = path.as_str().rsplit_once('/')?;
        let kind = match name {
            "METADATA" => ".dist-info",
            "PKG-INFO" => ".egg-info",
            _ => return None,
        };
        folder.ends_with(kind).then(|| Self {
            root: folder.rsplit_once('/').map_or("", |(root, _)| root),
            folder,
            metadata: path.as_str(),
        })
    }

    /// What the folder's own name says: `six-1.17.0`.
    fn stem(&self) -> &'a str {
        let name = self.folder.rsplit('/').next().unwrap_or(self.folder);
        name.rsplit_once('.').map_or(name, |(stem, _)| stem)
    }
}

/// The folders that describe distributions, but for those inside of others.
fn infos(tree: &LayerTree) -> Vec<Info<'_>> {
    let all: Vec<Info<'_>> = tree.iter().filter_map(|(path, _)| Info::at(path)).collect();
    let roots: BTreeSet<&str> = all.iter().map(|info| info.root).collect();
    let outer = all.iter().filter(|info| !is_inside(info.root, &roots));
    outer.copied().collect()
}

/// Whose the files of a tree are.
struct Claims {
    owners: BTreeMap<LayerPath, Option<usize>>,
}

impl Claims {
    fn new(tree: &LayerTree) -> Self {
        let owners = tree.iter().map(|(path, _)| (path.clone(), None)).collect();
        Self { owners }
    }

    /// Gives a file to who claims it first.
    fn file(&mut self, path: &str, owner: usize) {
        if let Some(slot) = self.owners.get_mut(path) {
            slot.get_or_insert(owner);
        }
    }

    /// Gives all files below a folder that are nobody's.
    fn folder(&mut self, folder: &str, owner: usize) {
        let below = format!("{folder}/");
        // '0' is the character after '/'.
        let end = format!("{folder}0");
        for (_, slot) in self.between(&below, &end) {
            slot.get_or_insert(owner);
        }
    }

    /// Gives the module of a name: a folder, a file, an extension module, and the libraries that
    /// auditwheel puts beside them.
    fn module(&mut self, root: &str, module: &str, owner: usize) {
        let place = |name: &str| match root {
            "" => name.to_owned(),
            root => format!("{root}/{name}"),
        };
        let start = place(module);
        self.folder(&start, owner);
        self.folder(&format!("{start}.libs"), owner);
        let dotted = format!("{start}.");
        // '/' is the character after '.'.
        let end = format!("{start}/");
        for (path, slot) in self.between(&dotted, &end) {
            if !path.as_str()[dotted.len()..].contains('/') {
                slot.get_or_insert(owner);
            }
        }
    }

    /// The files from `start` on, before `end`.
    fn between(
        &mut self,
        start: &str,
        end: &str,
    ) -> impl Iterator<Item = (&LayerPath, &mut Option<usize>)> {
        let range = (Bound::Included(start), Bound::Excluded(end));
        self.owners.range_mut::<str, _>(range)
    }

    /// Gives files that nobody named to who owns all the others of their folder, or of the nearest
    /// one above that has any: compiled files, and what was added after the installation. What lies
    /// beside distributions, not inside one, stays nobody's.
    fn fill_folders(&mut self, roots: &BTreeSet<&str>) {
        let mut single: BTreeMap<String, Option<usize>> = BTreeMap::new();
        for (path, owner) in &self.owners {
            let Some(owner) = owner else { continue };
            for folder in path.folders().take_while(|folder| !roots.contains(folder)) {
                match single.get_mut(folder) {
                    Some(known) => *known = known.filter(|known| known == owner),
                    None => {
                        single.insert(folder.to_owned(), Some(*owner));
                    }
                }
            }
        }
        for (path, slot) in self.owners.iter_mut().filter(|(_, slot)| slot.is_none()) {
            *slot = path
                .folders()
                .find_map(|folder| single.get(folder))
                .copied()
                .flatten();
        }
    }

    fn by_owner(self, count: usize) -> Vec<Vec<LayerPath>> {
        let mut files = vec![Vec::new(); count];
        for (path, owner) in self.owners {
            if let Some(owner) = owner {
                files[owner].push(path);
            }
        }
        files
    }
}

/// Whether modules at `root` are a part of something at another root: of a distribution that brings
/// its own copies of others.
fn is_inside(root: &str, roots: &BTreeSet<&str>) -> bool {
    let below = |outer: &&str| match root.strip_prefix(*outer) {
        Some(rest) => rest.starts_with('/') || outer.is_empty() && !rest.is_empty(),
        None => false,
    };
    !root.ends_with("site-packages") && roots.iter().any(below)
}

/// The files that RECORD names, as paths of the layer; scripts lie outside of the modules' folder, some
/// outside of the layer.
fn recorded_files(tree: &LayerTree, info: &Info<'_>) -> Vec<String> {
    let text = text(tree, &format!("{}/RECORD", info.folder)).unwrap_or_default();
    recorded(&text)
        .filter_map(|path| seen_from(info.root, &path))
        .collect()
}

/// Name and version of a distribution, and where they are from if not from the folder's name.
fn identity(tree: &LayerTree, info: &Info<'_>) -> (String, String, Option<Metadata>) {
    let bytes = text(tree, info.metadata).unwrap_or_default();
    match Metadata::parse(bytes.as_bytes()) {
        Ok(metadata) => {
            let (name, version) = (metadata.name.to_string(), metadata.version.to_string());
            (name, version, Some(metadata))
        }
        Err(_) => {
            let stem = info.stem();
            let (name, version) = stem.split_once('-').unwrap_or((stem, ""));
            (normalised(name), version.to_owned(), None)
        }
    }
}

/// The names under which a distribution's modules are imported, as far as it says so.
fn modules(tree: &LayerTree, info: &Info<'_>, name: &str) -> Vec<String> {
    let listed = text(tree, &format!("{}/top_level.txt", info.folder)).unwrap_or_default();
    let mut modules: Vec<String> = listed
        .lines()
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.is_empty() && !line.contains(".."))
        .collect();
    // Most modules are called as their distribution is, but for case and separators, and for the
    // underscore before one that only others shall import.
    let depth = info.root.len() + usize::from(!info.root.is_empty());
    let below = tree.iter().filter_map(|(path, _)| {
        let inside = info.root.is_empty() || path.strip_prefix(info.root).is_some();
        inside.then(|| &path.as_str()[depth..])
    });
    let mut last = "";
    for path in below {
        let first = path.split('/').next().unwrap_or(path);
        let module = first.split('.').next().unwrap_or(first);
        if module != last && normalised(module.trim_matches('_')) == name {
            modules.push(module.to_owned());
        }
        last = module;
    }
    modules
}

/// A name as PEP 503 compares them; what can be none is left as it is.
fn normalised(name: &str) -> String {
    PackageName::from_str(name).map_or_else(|_| name.to_owned(), |name| name.to_string())
}

/// A file of a tree, if it is there and no larger than a text of a dist-info folder is.
pub(crate) fn text(tree: &LayerTree, path: &str) -> Option<String> {
    let content = &tree.get(path)?.content;
    if content.size > TEXT_LIMIT {
        return None;
    }
    let bytes = read_all(content).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use layerpress_pack::stored;
    use layerpress_tree::{Entry, Mode};

    use super::*;

    fn tree(files: &[(&str, &str)]) -> LayerTree {
        let mut tree = LayerTree::new();
        for (path, text) in files {
            let entry = Entry {
                mode: Mode::File,
                content: stored(text.as_bytes().to_vec().into()),
            };
            let path = LayerPath::new(path).expect("a path");
            tree.insert(path, entry).expect("no conflict");
        }
        tree
    }

    fn told(files: &[(&str, &str)]) -> Vec<String> {
        let of = |it: Distribution| {
            let files: Vec<_> = it.files.iter().map(LayerPath::as_str).collect();
            format!("{} {}: {}", it.name, it.version, files.join(" "))
        };
        distributions(&tree(files)).into_iter().map(of).collect()
    }

    const SIX: &str = "Metadata-Version: 2.1\nName: Six\nVersion: 1.17.0\n";

    #[test]
    fn files_belong_to_the_record_that_names_them() {
        let found = told(&[
            ("python/six-1.17.0.dist-info/METADATA", SIX),
            (
                "python/six-1.17.0.dist-info/RECORD",
                "six.py,,\n../python/bin/six,,\n../../lost,,\n",
            ),
            ("python/six.py", ""),
            ("python/bin/six", ""),
            ("python/mine.py", ""),
        ]);
        assert_eq!(
            found,
            [
                "six 1.17.0: python/bin/six python/six-1.17.0.dist-info/METADATA \
              python/six-1.17.0.dist-info/RECORD python/six.py"
            ]
        );
    }

    #[test]
    fn without_a_record_modules_are_found_by_their_names() {
        let yaml = "Metadata-Version: 2.1\nName: PyYAML\nVersion: 6.0\n";
        let found = told(&[
            ("six-1.17.0.dist-info/METADATA", SIX),
            ("six.py", ""),
            ("_six/core.so", ""),
            ("sixteen.py", ""),
            ("PyYAML-6.0.dist-info/METADATA", yaml),
            ("PyYAML-6.0.dist-info/top_level.txt", "_yaml\nyaml\n"),
            ("yaml/__init__.py", ""),
            ("yaml/_yaml.cpython-313.so", ""),
            ("_yaml/__init__.py", ""),
            ("pyyaml.libs/libyaml.so.0", ""),
        ]);
        assert_eq!(
            found,
            [
                "pyyaml 6.0: PyYAML-6.0.dist-info/METADATA PyYAML-6.0.dist-info/top_level.txt \
                 _yaml/__init__.py pyyaml.libs/libyaml.so.0 yaml/__init__.py \
                 yaml/_yaml.cpython-313.so",
                "six 1.17.0: _six/core.so six-1.17.0.dist-info/METADATA six.py"
            ]
        );
    }

    #[test]
    fn what_lies_inside_a_distribution_is_a_part_of_it() {
        let outer = "Metadata-Version: 2.1\nName: outer\nVersion: 1\n";
        let found = told(&[
            ("python/outer-1.dist-info/METADATA", outer),
            ("python/outer-1.dist-info/RECORD", "outer/__init__.py,,\n"),
            ("python/outer/__init__.py", ""),
            ("python/outer/__pycache__/__init__.cpython-313.pyc", ""),
            ("python/outer/_vendor/six-1.17.0.dist-info/METADATA", SIX),
            ("python/outer/_vendor/six.py", ""),
            ("python/utils/common.py", ""),
        ]);
        assert_eq!(
            found,
            [
                "outer 1: python/outer-1.dist-info/METADATA python/outer-1.dist-info/RECORD \
              python/outer/__init__.py python/outer/__pycache__/__init__.cpython-313.pyc \
              python/outer/_vendor/six-1.17.0.dist-info/METADATA python/outer/_vendor/six.py"
            ]
        );
    }

    #[test]
    fn unreadable_metadata_leaves_the_folders_name() {
        let found = told(&[("python/Odd_Name-2.dist-info/METADATA", "nothing")]);
        assert_eq!(found, ["odd-name 2: python/Odd_Name-2.dist-info/METADATA"]);
    }
}
