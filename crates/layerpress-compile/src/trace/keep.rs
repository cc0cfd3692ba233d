//! [`untouched`]: what may go of a layer of which it is known which files were opened.

use std::collections::BTreeSet;

use layerpress_press::Class;
use layerpress_tree::{LayerPath, LayerTree, Mode};

/// What stays of a layer beside the files that were opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TraceKeep {
    /// Nothing.
    Files,
    /// What is no code in the packages of which something was opened.
    #[default]
    Data,
    /// The packages of which something was opened, whole.
    Packages,
}

/// The files of `layer` that may go.
///
/// What always stays: what a package says of itself (metadata, entry points, licences), links, the
/// `__init__.py` above a module, a module's source beside its bytecode, and what lies outside `python`
/// and `nodejs`, which Lambda itself may start.
pub(crate) fn untouched(
    layer: &LayerTree,
    opened: &BTreeSet<LayerPath>,
    keep: TraceKeep,
    is_function: bool,
) -> BTreeSet<LayerPath> {
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
            || (name == "__init__.py" && folders.contains(folder))
            || module(path).is_some_and(|module| modules.contains(&module))
            || match keep {
                TraceKeep::Files => false,
                TraceKeep::Data => is_data(class) && packages.contains(package(path)),
                TraceKeep::Packages => packages.contains(package(path)),
            }
    };
    let untouched = layer
        .iter()
        .filter(|(path, entry)| !opened.contains(*path) && !stays(path, entry.mode));
    untouched.map(|(path, _)| path.clone()).collect()
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
pub(crate) fn package(path: &str) -> &str {
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
            let content = stored(b"text".to_vec().into());
            let mode = Mode::File;
            (path(text), Entry { mode, content })
        };
        let layer = LayerTree::from_entries(LAYER.iter().map(entry).collect()).expect("a tree");
        let opened = opened.iter().map(path).collect();
        let gone = untouched(&layer, &opened, keep, false);
        gone.iter().map(ToString::to_string).collect()
    }

    const OPENED: &[&str] = &[
        "nodejs/node_modules/@s/a/index.js",
        "python/p/q/__pycache__/m.cpython-313.pyc",
    ];

    #[test]
    fn what_was_opened_stays_with_what_it_needs_to_be_found() {
        assert_eq!(
            gone(OPENED, TraceKeep::Files),
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
            gone(OPENED, TraceKeep::Data),
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
            gone(OPENED, TraceKeep::Packages),
            [
                "nodejs/node_modules/@s/b/index.js",
                "nodejs/node_modules/@s/b/table.json",
                "python/r/__init__.py",
                "python/r/data.csv",
            ]
        );
    }
}
