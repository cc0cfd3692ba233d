//! [`described`]: what the packages of a layer need of each other, by their own package.json and by the
//! folders that Node.js looks into.

use std::collections::BTreeMap;
use std::sync::Arc;

use layerpress_pack::read_all;
use layerpress_tree::{LayerPath, LayerTree, follow};

use super::{TEXT_LIMIT, package_folder};
use crate::json::Json;
use crate::place::Dependency;

/// A package in a layer, as it describes itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The folder that it lies in: `nodejs/node_modules/a`; `nodejs` of what holds them all.
    pub folder: Arc<str>,
    /// Its name, as its own package.json has it; the folder's where that tells none.
    pub name: String,
    /// Its version, if its package.json tells one.
    pub version: Option<String>,
    /// What it asks for and in which folder that is.
    pub dependencies: Vec<Dependency>,
}

/// The folder that a layer's packages are installed in, with a package.json of its own if they were
/// installed there (AWS Lambda's documentation, "Working with layers for Node.js").
const HOME: &str = "nodejs";

/// The packages of a layer by their folders, and before them what holds them all, if it describes itself.
/// `links` are the layer's links, by path, and what they name.
#[must_use]
pub fn described(tree: &LayerTree, links: &BTreeMap<&str, String>) -> Vec<Described> {
    let folders = tree.iter().filter_map(|(path, _)| {
        let folder = path.as_str().strip_suffix("/package.json")?;
        let is_home = folder == HOME;
        (is_home || package_folder(folder).is_some()).then_some((folder, path))
    });
    let folders: BTreeMap<&str, &LayerPath> = folders.collect();
    let layer = Layer {
        modules: modules_of_runtimes(&folders),
        folders: &folders,
        links,
    };
    let described = folders
        .iter()
        .map(|(folder, path)| layer.describe(tree, folder, path));
    described.collect()
}

/// The `node_modules` that Lambda looks into wherever it is asked from (`NODE_PATH`; AWS Lambda's
/// documentation, "Layer paths for each Lambda runtime").
fn modules_of_runtimes(folders: &BTreeMap<&str, &LayerPath>) -> Vec<String> {
    let versioned = folders.keys().filter_map(|folder| {
        let (version, _) = folder
            .strip_prefix("nodejs/")?
            .split_once("/node_modules/")?;
        let is_runtime = version.starts_with("node") && !version.contains('/');
        is_runtime.then(|| format!("{HOME}/{version}"))
    });
    let mut modules: Vec<String> = versioned.collect();
    modules.dedup();
    modules.push(HOME.to_owned());
    modules
}

/// A layer's folders, to be looked into.
struct Layer<'a> {
    folders: &'a BTreeMap<&'a str, &'a LayerPath>,
    modules: Vec<String>,
    links: &'a BTreeMap<&'a str, String>,
}

impl Layer<'_> {
    fn describe(&self, tree: &LayerTree, folder: &str, path: &LayerPath) -> Described {
        let content = tree.get(path.as_str()).map(|entry| &entry.content);
        let text = content.filter(|content| content.size <= TEXT_LIMIT);
        let text = text
            .and_then(|content| read_all(content).ok())
            .unwrap_or_default();
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
        // What cannot be read needs nothing that is known.
        let json: Json<'_> = serde_json::from_slice(text).unwrap_or_default();
        let own = |field: &str| json.get(field).text().map(str::to_owned);
        Described {
            folder: folder.into(),
            name: own("name")
                .or_else(|| package_folder(folder).map(str::to_owned))
                .unwrap_or_else(|| folder.to_owned()),
            version: own("version"),
            dependencies: self.dependencies(folder, &json),
        }
    }

    /// What a package.json asks for; of a name that stands in several lists the first counts, as for npm.
    fn dependencies(&self, folder: &str, json: &Json<'_>) -> Vec<Dependency> {
        let optional_peers = json.get("peerDependenciesMeta").optional_peers();
        let mut dependencies: Vec<Dependency> = Vec::new();
        for (field, is_optional, is_peer) in [
            ("optionalDependencies", true, false),
            ("dependencies", false, false),
            ("peerDependencies", false, true),
        ] {
            for (name, spec) in json.get(field).pairs() {
                if dependencies.iter().any(|known| *known.name == *name) {
                    continue;
                }
                dependencies.push(Dependency {
                    name: name.into(),
                    spec: spec.into(),
                    is_optional: is_optional || is_peer && optional_peers.contains(&name),
                    is_peer,
                    location: self.find(folder, name).map(Arc::from),
                });
            }
        }
        dependencies
    }

    /// Where Node.js finds a package, asked from a folder (its documentation, "Loading from
    /// `node_modules` folders" and "Loading from the global folders").
    fn find(&self, from: &str, name: &str) -> Option<String> {
        let ends = from.match_indices('/').map(|(end, _)| &from[..end]);
        let above = ends.chain([from]).rev();
        let above = above.filter(|folder| !folder.ends_with("/node_modules"));
        let mut all = above.chain(self.modules.iter().map(String::as_str));
        all.find_map(|folder| self.real(&format!("{folder}/node_modules/{name}")))
    }

    /// The folder of the package that lies at a path, or to which a link there leads.
    fn real(&self, path: &str) -> Option<String> {
        let Some(target) = self.links.get(path) else {
            return self.folders.contains_key(path).then(|| path.to_owned());
        };
        let link_at = |at: &str| self.links.get(at).map(String::as_str);
        let real = follow(path, target, link_at).ok()?;
        self.folders.contains_key(real.as_str()).then_some(real)
    }
}

#[cfg(test)]
mod tests {
    use layerpress_pack::stored;
    use layerpress_tree::{Entry, Mode};

    use super::*;

    fn told(files: &[(&str, &str)], links: &[(&'static str, &str)]) -> Vec<String> {
        let mut tree = LayerTree::new();
        for (path, text) in files {
            let entry = Entry {
                mode: Mode::File,
                content: stored(text.as_bytes().to_vec().into()),
            };
            let path = LayerPath::new(path).expect("a path");
            tree.insert(path, entry).expect("no conflict");
        }
        let links = links
            .iter()
            .map(|(path, target)| (*path, (*target).to_owned()));
        let told = |it: Described| {
            let needs = it.dependencies.iter().map(|of| {
                let kind = match (of.is_peer, of.is_optional) {
                    (false, false) => "",
                    (false, true) => "?",
                    (true, false) => "^",
                    (true, true) => "^?",
                };
                format!(
                    " {}{kind}>{}",
                    of.name,
                    of.location.as_deref().unwrap_or("-")
                )
            });
            format!("{} {}:{}", it.folder, it.name, needs.collect::<String>())
        };
        let described = described(&tree, &links.collect());
        described.into_iter().map(told).collect()
    }

    #[test]
    fn what_is_nearest_above_is_found_then_what_the_runtime_looks_into() {
        let found = told(
            &[
                ("nodejs/package.json", r#"{"dependencies":{"a":"1"}}"#),
                (
                    "nodejs/node_modules/a/package.json",
                    r#"{"name":"a","dependencies":{"b":"1","c":"1","gone":"1"},
                    "optionalDependencies":{"c":"1"}}"#,
                ),
                (
                    "nodejs/node_modules/a/node_modules/b/package.json",
                    r#"{"dependencies":{"b":"1","@s/d":"1"}}"#,
                ),
                ("nodejs/node_modules/b/package.json", "{}"),
                (
                    "nodejs/node_modules/c/package.json",
                    r#"{"peerDependencies":{"a":"1","n":"1"},"peerDependenciesMeta":{"n":{"optional":true}}}"#,
                ),
                ("nodejs/node_modules/@s/d/package.json", "not JSON"),
                (
                    "nodejs/node22/node_modules/n/package.json",
                    r#"{"dependencies":{"b":"1"}}"#,
                ),
            ],
            &[],
        );
        assert_eq!(
            found,
            [
                "nodejs nodejs: a>nodejs/node_modules/a",
                "nodejs/node22/node_modules/n n: b>nodejs/node_modules/b",
                "nodejs/node_modules/@s/d @s/d:",
                "nodejs/node_modules/a a: c?>nodejs/node_modules/c b>nodejs/node_modules/a/node_modules/b gone>-",
                "nodejs/node_modules/a/node_modules/b b: b>nodejs/node_modules/a/node_modules/b @s/d>nodejs/node_modules/@s/d",
                "nodejs/node_modules/b b:",
                "nodejs/node_modules/c c: a^>nodejs/node_modules/a n^?>nodejs/node22/node_modules/n",
            ]
        );
    }

    #[test]
    fn links_are_followed() {
        let found = told(
            &[
                (
                    "nodejs/node_modules/.pnpm/a@1/node_modules/a/package.json",
                    r#"{"dependencies":{"b":"1","c":"1"}}"#,
                ),
                (
                    "nodejs/node_modules/.pnpm/b@1/node_modules/b/package.json",
                    "{}",
                ),
            ],
            &[
                (
                    "nodejs/node_modules/.pnpm/a@1/node_modules/b",
                    "../../b@1/node_modules/b",
                ),
                ("nodejs/node_modules/.pnpm/a@1/node_modules/c", "c"),
            ],
        );
        assert_eq!(
            found[0],
            "nodejs/node_modules/.pnpm/a@1/node_modules/a a: b>nodejs/node_modules/.pnpm/b@1/node_modules/b c>-"
        );
    }
}
