//! [`linked`]: the libraries of a layer that others of its files cannot be loaded without.
//!
//! Where the loader looks is told by ld.so(8): the folders that a file names itself, those of
//! `LD_LIBRARY_PATH`, which on Lambda is the layer's `lib`, and before all of them what is in memory
//! already under that name. So a library that stands in no such place is found by its name wherever it is.

use std::collections::{BTreeMap, BTreeSet};

use layerpress_pack::read_all;
use layerpress_tree::{LayerPath, LayerTree, Mode, follow};
use rayon::prelude::*;

use crate::binary::{Linkage, linkage};

/// The libraries that the files of `from` name, those that these name, and so on, without `from` itself.
#[must_use]
pub fn linked(tree: &LayerTree, from: &BTreeSet<LayerPath>) -> BTreeSet<LayerPath> {
    let libraries = Libraries::new(tree);
    let files: Vec<_> = tree
        .iter()
        .filter(|(path, _)| may_be_linked(path))
        .collect();
    let named = files.into_par_iter().filter_map(|(path, entry)| {
        // What cannot be read cannot be loaded either.
        let bytes = read_all(&entry.content).ok()?;
        let linkage = linkage(&bytes);
        let found = libraries.needed_by(path, &linkage);
        let name = linkage
            .name
            .map(|it| String::from_utf8_lossy(it).into_owned());
        (name.is_some() || !found.is_empty()).then_some((path, name, found))
    });
    let named: Vec<_> = named.collect();
    let mut by_name: BTreeMap<&str, Vec<&LayerPath>> = BTreeMap::new();
    for (path, name, _) in &named {
        if let Some(name) = name {
            by_name.entry(name).or_default().push(path);
        }
    }
    let needs: BTreeMap<&LayerPath, &Vec<Found>> = named
        .iter()
        .map(|(path, _, found)| (*path, found))
        .collect();
    let mut reached = BTreeSet::new();
    let mut fresh: Vec<&LayerPath> = from.iter().collect();
    while let Some(path) = fresh.pop() {
        for found in needs.get(path).into_iter().copied().flatten() {
            let paths = match found {
                Found::At(paths) => paths.iter().collect(),
                Found::Nowhere(name) => by_name.get(&**name).cloned().unwrap_or_default(),
            };
            for path in paths {
                if !from.contains(path) && reached.insert(path.clone()) {
                    fresh.push(path);
                }
            }
        }
    }
    reached
}

/// Where a library that a file names stands in the layer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Where the loader looks; else wherever a file has its name.
    At(Vec<LayerPath>),
    /// No file has its name; it may be one's name for the loader.
    Nowhere(String),
}

/// The libraries of a layer, to look names up.
#[derive(Debug)]
pub(crate) struct Libraries<'a> {
    tree: &'a LayerTree,
    links: BTreeMap<String, String>,
    by_file_name: BTreeMap<&'a str, Vec<&'a LayerPath>>,
}

impl<'a> Libraries<'a> {
    pub(crate) fn new(tree: &'a LayerTree) -> Self {
        let mut by_file_name: BTreeMap<&str, Vec<&LayerPath>> = BTreeMap::new();
        for (path, entry) in tree.iter() {
            if entry.mode != Mode::Link && is_library(path) {
                by_file_name.entry(path.file_name()).or_default().push(path);
            }
        }
        Self {
            tree,
            links: links(tree),
            by_file_name,
        }
    }

    /// What the file at `path` needs, as far as the layer may have it.
    pub(crate) fn needed_by(&self, path: &LayerPath, linkage: &Linkage<'_>) -> Vec<Found> {
        let folders: Vec<String> = linkage.paths.iter().flat_map(|it| folders(it)).collect();
        let needed = linkage.needed.iter().map(|name| {
            let name = String::from_utf8_lossy(name).into_owned();
            let own = folders.iter().map(|folder| format!("{folder}/{name}"));
            // What has a slash in it is a path (ld.so(8)).
            let places: Vec<String> = match name.contains('/') {
                true => vec![name.replace("$ORIGIN", ".").replace("${ORIGIN}", ".")],
                false => own.chain([format!("/opt/lib/{name}")]).collect(),
            };
            if let Some(found) = places.iter().find_map(|place| self.at(path, place)) {
                return Found::At(vec![found]);
            }
            match self.by_file_name.get(&*name) {
                Some(paths) => Found::At(paths.iter().map(|path| (*path).clone()).collect()),
                None => Found::Nowhere(name),
            }
        });
        needed.collect()
    }

    /// The file that stands at `place`, as seen from the file at `path`.
    fn at(&self, path: &LayerPath, place: &str) -> Option<LayerPath> {
        let link_at = |at: &str| self.links.get(at).map(String::as_str);
        let found = follow(path.as_str(), place, link_at).ok()?;
        self.tree.get(&found)?;
        LayerPath::new(&found).ok()
    }
}

/// The folders of a list, from the folder of the file that names them.
fn folders(list: &[u8]) -> Vec<String> {
    let list = String::from_utf8_lossy(list).into_owned();
    let folders = list.split(':').filter(|folder| !folder.is_empty());
    let folders = folders.map(|it| it.replace("$ORIGIN", ".").replace("${ORIGIN}", "."));
    folders.collect()
}

/// The links of a tree, by path, and what they name.
pub(crate) fn links(tree: &LayerTree) -> BTreeMap<String, String> {
    let links = tree.iter().filter(|(_, entry)| entry.mode == Mode::Link);
    links
        .filter_map(|(path, entry)| {
            let target = String::from_utf8(read_all(&entry.content).ok()?).ok()?;
            Some((path.as_str().to_owned(), target))
        })
        .collect()
}

/// Whether others may be linked with the file at `path`, by its name.
pub(crate) fn is_library(path: &LayerPath) -> bool {
    let name = path.file_name();
    name.ends_with(".so") || name.contains(".so.") || name.ends_with(".node")
}

/// Whether the file at `path` may name libraries: programs mostly have no ending.
#[must_use]
pub fn may_be_linked(path: &LayerPath) -> bool {
    is_library(path) || !path.file_name().contains('.')
}

#[cfg(test)]
mod tests {
    use layerpress_pack::stored;
    use layerpress_tree::Entry;

    use super::*;
    use crate::binary::tests::{Elf, LINUX};

    /// What `from` is linked with in a layer of libraries; what is named `@a` is a link.
    fn reached(files: &[(&str, Elf)], links: &[(&str, &str)], from: &str) -> Vec<String> {
        let path = |text: &str| LayerPath::new(text).expect("a path");
        let entry = |bytes: Vec<u8>, mode| Entry {
            content: stored(bytes.into()),
            mode,
        };
        let files = files.iter();
        let files = files.map(|(name, elf)| (path(name), entry(elf.bytes(), Mode::File)));
        let links = links.iter();
        let links = links.map(|(name, to)| (path(name), entry(to.as_bytes().into(), Mode::Link)));
        let tree = LayerTree::from_entries(files.chain(links).collect()).expect("a tree");
        let reached = linked(&tree, &BTreeSet::from([path(from)]));
        reached.iter().map(ToString::to_string).collect()
    }

    fn elf(needed: &'static [&'static str], paths: &'static [&'static str]) -> Elf {
        Elf {
            needed,
            paths,
            ..LINUX
        }
    }

    #[test]
    fn libraries_are_found_where_the_loader_looks_first() {
        let found = reached(
            &[
                (
                    "python/a/_a.so",
                    elf(&["libx.so.1", "libc.so.6"], &["$ORIGIN/../a.libs"]),
                ),
                ("python/a.libs/libx.so.1", elf(&["liby.so"], &[])),
                ("python/b.libs/libx.so.1", elf(&["libz.so"], &[])),
                ("lib/liby.so", elf(&[], &[])),
                ("python/b.libs/liby.so", elf(&[], &[])),
                ("python/b.libs/libz.so", elf(&[], &[])),
            ],
            &[],
            "python/a/_a.so",
        );
        assert_eq!(found, ["lib/liby.so", "python/a.libs/libx.so.1"]);
    }

    #[test]
    fn a_library_in_memory_already_serves_by_either_of_its_names() {
        let named = Elf {
            name: Some("libq.so.2"),
            ..LINUX
        };
        let found = reached(
            &[
                ("python/a/_a.so", elf(&["libq.so.2", "libp.so"], &[])),
                ("python/q/libq-1f2e.so", named),
                ("python/p/libp.so", elf(&["libq.so.2"], &[])),
                ("python/r/libr.so", elf(&[], &[])),
            ],
            &[],
            "python/a/_a.so",
        );
        assert_eq!(found, ["python/p/libp.so", "python/q/libq-1f2e.so"]);
    }

    #[test]
    fn links_lead_to_the_file_and_circles_end() {
        let found = reached(
            &[
                ("bin/tool", elf(&["liba.so"], &["$ORIGIN/../opt/lib"])),
                ("opt/lib/liba.so.1", elf(&["libb.so"], &["${ORIGIN}"])),
                ("opt/lib/libb.so", elf(&["liba.so"], &["${ORIGIN}"])),
            ],
            &[("opt/lib/liba.so", "liba.so.1")],
            "bin/tool",
        );
        assert_eq!(found, ["opt/lib/liba.so.1", "opt/lib/libb.so"]);
    }
}
