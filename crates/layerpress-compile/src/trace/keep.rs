//! [`untouched`]: what may go of a layer of which it is known which files were opened.

use std::collections::{BTreeMap, BTreeSet};

use layerpress_press::proof::reached;
use layerpress_press::{Class, linked};
use layerpress_tree::{LayerPath, LayerTree, Mode};

/// What stays of a layer beside the files that were opened, and what these cannot be loaded without.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TraceKeep {
    /// What is no code, in the packages of which something was opened.
    pub data: bool,
    /// The modules that those packages offer others by name, with what these import; commands are none of
    /// them.
    pub entry_points: bool,
    /// Those packages, whole.
    pub packages: bool,
}

/// How many folders are named of what goes.
const NAMED: usize = 8;

/// What was not opened.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Untouched {
    /// The files that may go.
    pub(crate) paths: BTreeSet<LayerPath>,
    /// How many stay since a library that stays is linked with them.
    pub(crate) linked: usize,
    /// How many stay since an entry point leads to them.
    pub(crate) entry_points: usize,
}

impl Untouched {
    /// The same without files that are not the packages'.
    pub(crate) fn without<'a>(mut self, files: impl IntoIterator<Item = &'a LayerPath>) -> Self {
        for path in files {
            self.paths.remove(path);
        }
        self
    }

    /// What goes, in one sentence.
    pub(crate) fn told(&self, layer: &LayerTree, opened: &BTreeSet<LayerPath>) -> String {
        let mut folders: BTreeMap<&str, u64> = BTreeMap::new();
        for path in &self.paths {
            let size = layer.get(path.as_str()).map_or(0, |it| it.content.size);
            *folders.entry(package(path.as_str())).or_default() += size;
        }
        let bytes = folders.values().sum();
        let mut folders: Vec<_> = folders.into_iter().collect();
        folders.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
        let named = folders.iter().take(NAMED);
        let named = named.map(|(folder, size)| format!("`{folder}` {}", megabytes(*size)));
        let named: Vec<String> = named.collect();
        let most = match named.as_slice() {
            [] => String::new(),
            some => format!(", most of it in {}", some.join(", ")),
        };
        let others = [
            (
                self.linked,
                "since libraries that stay are linked with them",
            ),
            (self.entry_points, "since entry points lead to them"),
        ];
        let others = others.iter().filter(|(files, _)| *files > 0);
        let others = others.map(|(files, why)| format!("; {files} others stay {why}"));
        format!(
            "the traced command opened {} of {} files; {} that it did not open are left out, {} unzipped{most}{}",
            opened.len(),
            layer.len(),
            self.paths.len(),
            megabytes(bytes),
            others.collect::<String>()
        )
    }
}

fn megabytes(bytes: u64) -> String {
    // Tenths, rounded; whole numbers alone, so that no float is in the way.
    let tenths = (bytes + 50_000) / 100_000;
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

/// The files of `layer` that may go.
///
/// What always stays: what a package says of itself (metadata, licences, `.pth` files), links, the
/// `__init__.py` above a module, a module's source beside its bytecode, what lies outside `python`
/// and `nodejs`, which Lambda itself may start, and the libraries that any library or program is linked
/// with that stays.
pub(crate) fn untouched(
    layer: &LayerTree,
    opened: &BTreeSet<LayerPath>,
    keep: TraceKeep,
    is_function: bool,
) -> Untouched {
    let modules: BTreeSet<String> = opened.iter().filter_map(|it| module(it.as_str())).collect();
    let folders: BTreeSet<&str> = opened.iter().flat_map(|it| folders(it.as_str())).collect();
    let packages: BTreeSet<&str> = opened.iter().map(|it| package(it.as_str())).collect();
    let stays = |path: &LayerPath, mode: Mode| {
        let path = path.as_str();
        let class = Class::of(path, Vec::new);
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let is_code = is_function || path.starts_with("python/") || path.starts_with("nodejs/");
        !is_code
            || mode == Mode::Link
            || matches!(class, Class::Metadata | Class::Licence)
            || folder.ends_with(".dist-info")
            || folder.contains(".dist-info/")
            || name.ends_with(".pth")
            || (name == "__init__.py" && folders.contains(folder))
            || module(path).is_some_and(|module| modules.contains(&module))
            || (keep.data && is_data(class) && packages.contains(package(path)))
            || (keep.packages && packages.contains(package(path)))
    };
    let untouched = layer
        .iter()
        .filter(|(path, entry)| !opened.contains(*path) && !stays(path, entry.mode));
    let mut untouched = Untouched {
        paths: untouched.map(|(path, _)| path.clone()).collect(),
        ..Untouched::default()
    };
    if keep.entry_points {
        let offered = offering(layer, opened);
        untouched.entry_points = reached(layer, &mut untouched.paths, &offered).len();
    }
    let kept = layer.iter().map(|(path, _)| path);
    let kept = kept.filter(|path| !untouched.paths.contains(*path));
    for library in linked(layer, &kept.cloned().collect()) {
        untouched.linked += usize::from(untouched.paths.remove(&library));
    }
    untouched
}

/// The lists of entry points of the distributions of which something was opened beside their metadata,
/// which whoever looks for entry points reads of all of them.
fn offering(layer: &LayerTree, opened: &BTreeSet<LayerPath>) -> Vec<LayerPath> {
    let distributions = layerpress_python::installed::distributions(layer);
    let lists = distributions.into_iter().filter_map(|it| {
        let is_code = |path: &LayerPath| !path.as_str().contains(".dist-info/");
        let mut touched = it.files.iter().filter(|path| is_code(path));
        if !touched.any(|path| opened.contains(path)) {
            return None;
        }
        let mut files = it.files.into_iter();
        files.find(|path| path.as_str().ends_with(".dist-info/entry_points.txt"))
    });
    lists.collect()
}

fn is_data(class: Class) -> bool {
    matches!(class, Class::Data | Class::Wasm)
}

/// The module that a file is the source or the bytecode of.
fn module(path: &str) -> Option<String> {
    if let Some(source) = path.strip_suffix(".py") {
        return Some(source.to_owned());
    }
    let (folder, name) = path.strip_suffix(".pyc")?.rsplit_once('/')?;
    match folder.strip_suffix("/__pycache__") {
        Some(folder) => {
            let (name, _) = name.split_once(".cpython-")?;
            Some(format!("{folder}/{name}"))
        }
        None => Some(format!("{folder}/{name}")),
    }
}

/// The folders that a file lies in.
fn folders(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

/// The folder of the package that a file is of, as far as places tell it.
fn package(path: &str) -> &str {
    let place = ["node_modules/", "site-packages/", "python/"]
        .iter()
        .find_map(|place| Some(path.rfind(place)? + place.len()))
        .unwrap_or(0);
    let inner = &path[place..];
    let parts = if inner.starts_with('@') { 2 } else { 1 };
    let end: usize = inner.split_inclusive('/').take(parts).map(str::len).sum();
    &path[..place + end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use layerpress_pack::stored;
    use layerpress_tree::Entry;

    const LAYER: &[&str] = &[
        "bin/tool",
        "lib/libz.so.1",
        "nodejs/node_modules/@s/a/index.js",
        "nodejs/node_modules/@s/a/table.json",
        "nodejs/node_modules/@s/a/other.js",
        "nodejs/node_modules/@s/a/package.json",
        "nodejs/node_modules/@s/b/index.js",
        "nodejs/node_modules/@s/b/table.json",
        "nodejs/node_modules/@s/b/package.json",
        "python/p-1.dist-info/METADATA",
        "python/p-1.dist-info/entry_points.txt",
        "python/p-1.dist-info/licenses/LICENSE",
        "python/p/__init__.py",
        "python/p/_c.so",
        "python/p/data.csv",
        "python/p/q/__init__.py",
        "python/p/q/__pycache__/m.cpython-313.pyc",
        "python/p/q/m.py",
        "python/p/q/n.py",
        "python/r/__init__.py",
        "python/r/data.csv",
    ];

    fn gone(opened: &[&str], keep: TraceKeep) -> Vec<String> {
        let path = |text: &&str| LayerPath::new(text).expect("a path");
        let entry = |text: &&str| {
            let text_of = match text.rsplit_once('/') {
                Some((_, "entry_points.txt")) => "[things]\nq = p.q.n:main\n",
                _ => "text",
            };
            let content = stored(text_of.as_bytes().to_vec().into());
            let mode = Mode::File;
            (path(text), Entry { mode, content })
        };
        let layer = LayerTree::from_entries(LAYER.iter().map(entry).collect()).expect("a tree");
        let opened = opened.iter().map(path).collect();
        let gone = untouched(&layer, &opened, keep, false).paths;
        gone.iter().map(ToString::to_string).collect()
    }

    const FILES: TraceKeep = TraceKeep {
        data: false,
        entry_points: false,
        packages: false,
    };

    const OPENED: &[&str] = &[
        "nodejs/node_modules/@s/a/index.js",
        "python/p/q/__pycache__/m.cpython-313.pyc",
    ];

    #[test]
    fn what_was_opened_stays_with_what_it_needs_to_be_found() {
        assert_eq!(
            gone(OPENED, FILES),
            [
                "nodejs/node_modules/@s/a/other.js",
                "nodejs/node_modules/@s/a/table.json",
                "nodejs/node_modules/@s/b/index.js",
                "nodejs/node_modules/@s/b/table.json",
                "python/p/_c.so",
                "python/p/data.csv",
                "python/p/q/n.py",
                "python/r/__init__.py",
                "python/r/data.csv",
            ]
        );
    }

    #[test]
    fn data_or_all_of_touched_packages_stays_if_that_is_asked_for() {
        assert_eq!(
            gone(
                OPENED,
                TraceKeep {
                    data: true,
                    ..FILES
                }
            ),
            [
                "nodejs/node_modules/@s/a/other.js",
                "nodejs/node_modules/@s/b/index.js",
                "nodejs/node_modules/@s/b/table.json",
                "python/p/_c.so",
                "python/p/q/n.py",
                "python/r/__init__.py",
                "python/r/data.csv",
            ]
        );
        assert_eq!(
            gone(
                OPENED,
                TraceKeep {
                    packages: true,
                    ..FILES
                }
            ),
            [
                "nodejs/node_modules/@s/b/index.js",
                "nodejs/node_modules/@s/b/table.json",
                "python/r/__init__.py",
                "python/r/data.csv",
            ]
        );
    }

    #[test]
    fn what_touched_packages_offer_by_name_stays_if_that_is_asked_for() {
        let keep = TraceKeep {
            entry_points: true,
            ..FILES
        };
        let gone = gone(OPENED, keep);
        assert!(
            !gone.iter().any(|path| path == "python/p/q/n.py"),
            "{gone:?}"
        );
        assert!(gone.iter().any(|path| path == "python/p/_c.so"), "{gone:?}");
        // What is read of every distribution touches none.
        let gone = self::gone(&["python/p-1.dist-info/entry_points.txt"], keep);
        assert!(
            gone.iter().any(|path| path == "python/p/q/n.py"),
            "{gone:?}"
        );
    }
}
