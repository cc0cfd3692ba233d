//! [`packages`]: what a layer holds of npm, whoever laid it there.
//!
//! A package is a folder in a `node_modules` with a package.json; its files are all below that folder
//! but those of packages nested in it. [`described`] tells what they need of each other.

mod needs;

use std::collections::BTreeMap;

use layerpress_pack::read_all;
use layerpress_tree::{LayerPath, LayerTree};

use crate::tarball::Facts;

pub use needs::{Described, described};

/// A package in a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Its name, as its own package.json has it: not that of an alias.
    pub name: String,
    /// Its version; empty where its package.json tells none.
    pub version: String,
    /// Its files, by the raw bytes of their paths.
    pub files: Vec<LayerPath>,
}

/// No package.json of a real package comes near this.
const TEXT_LIMIT: u64 = 8 << 20;

/// The packages of a layer, by name; one that is there several times is told as often.
#[must_use]
pub fn packages(tree: &LayerTree) -> Vec<Installed> {
    let mut found: BTreeMap<&str, Installed> = tree
        .iter()
        .filter_map(|(path, _)| {
            let folder = path.as_str().strip_suffix("/package.json")?;
            let name = package_folder(folder)?;
            Some((folder, installed(tree, path, name)))
        })
        .collect();
    for (path, _) in tree.iter() {
        let owner = path.folders().find(|folder| found.contains_key(folder));
        if let Some(package) = owner.and_then(|folder| found.get_mut(folder)) {
            package.files.push(path.clone());
        }
    }
    let mut packages: Vec<_> = found.into_values().collect();
    packages.sort_by(|one, other| (&one.name, &one.files).cmp(&(&other.name, &other.files)));
    packages
}

/// The name that a folder has in its `node_modules`, if it can be a package's.
fn package_folder(folder: &str) -> Option<&str> {
    let (parent, name) = folder.rsplit_once('/')?;
    let is_modules = |folder: &str| folder == "node_modules" || folder.ends_with("/node_modules");
    if is_modules(parent) {
        return (!name.starts_with('@')).then_some(name);
    }
    let (grandparent, scope) = parent.rsplit_once('/')?;
    let scoped = scope.starts_with('@') && is_modules(grandparent);
    scoped.then(|| &folder[grandparent.len() + 1..])
}

fn installed(tree: &LayerTree, path: &LayerPath, folder_name: &str) -> Installed {
    let content = tree.get(path.as_str()).map(|entry| &entry.content);
    let text = content.filter(|content| content.size <= TEXT_LIMIT);
    let text = text.and_then(|content| read_all(content).ok());
    let facts = text.and_then(|text| Facts::parse(&text, false).ok());
    let facts = facts.unwrap_or_default();
    Installed {
        name: facts.name.unwrap_or_else(|| folder_name.to_owned()),
        version: facts.version.unwrap_or_default(),
        files: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use layerpress_pack::stored;
    use layerpress_tree::{Entry, Mode};

    use super::*;

    #[test]
    fn packages_are_folders_of_node_modules() {
        let mut tree = LayerTree::new();
        for (path, text) in [
            (
                "nodejs/node_modules/a/package.json",
                r#"{"name":"a","version":"1.0.0"}"#,
            ),
            (
                "nodejs/node_modules/a/lib/package.json",
                r#"{"type":"module"}"#,
            ),
            (
                "nodejs/node_modules/a/node_modules/@s/b/package.json",
                r#"{"version":"2.0.0"}"#,
            ),
            ("nodejs/node_modules/a/node_modules/@s/b/index.js", ""),
            (
                "nodejs/node_modules/alias/package.json",
                r#"{"name":"a","version":"3.0.0"}"#,
            ),
            ("nodejs/node_modules/broken/package.json", "{"),
            ("nodejs/node_modules/.bin/a", ""),
            ("nodejs/package.json", r#"{"name":"own"}"#),
        ] {
            let entry = Entry {
                mode: Mode::File,
                content: stored(text.as_bytes().to_vec().into()),
            };
            let path = LayerPath::new(path).expect("a path");
            tree.insert(path, entry).expect("no conflict");
        }
        let told = |it: Installed| format!("{} {} {}", it.name, it.version, it.files.len());
        let told: Vec<_> = packages(&tree).into_iter().map(told).collect();
        assert_eq!(
            told,
            ["@s/b 2.0.0 2", "a 1.0.0 2", "a 3.0.0 1", "broken  1"]
        );
    }
}
