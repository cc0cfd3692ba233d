//! Which scripts that were taken out are still loaded.

use layerpress_tree::{LayerPath, seen_from};
use serde_json::Value;

use super::Layer;
use crate::rules::{collect, targets};

/// What stands before a module specifier in a script; what follows is a string.
const BEFORE: [&str; 5] = ["require(", "import(", "resolve(", "from", "import"];

/// Conditions under which Node.js never picks a target: for checkers, browsers, and other runtimes
/// (<https://nodejs.org/api/packages.html#community-conditions-definitions>).
const OTHERS: [&str; 10] = [
    "types",
    "typings",
    "browser",
    "deno",
    "bun",
    "worker",
    "workerd",
    "edge-light",
    "react-native",
    "electron",
];

/// The endings that `require` tries (<https://nodejs.org/api/modules.html#all-together>).
pub const ENDINGS: [&str; 7] = [
    "",
    ".js",
    ".json",
    ".node",
    "/index.js",
    "/index.json",
    "/index.node",
];

/// The strings in a script that may say what it loads: a bundler's own look at it, not a parser's.
#[must_use]
pub fn specifiers(source: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for word in BEFORE {
        for (at, _) in source.match_indices(word) {
            let rest = source[at + word.len()..].trim_start();
            let Some(quote) = rest.chars().next().filter(|it| "'\"`".contains(*it)) else {
                continue;
            };
            let rest = &rest[1..];
            let end = rest.find([quote, '\n']).unwrap_or(0);
            if rest[end..].starts_with(quote) {
                found.push(&rest[..end]);
            }
        }
    }
    found
}

/// What the script at `path` loads by a string.
pub(super) fn named(
    layer: &Layer<'_>,
    path: &LayerPath,
    source: &str,
    found: &mut Vec<(LayerPath, &'static str)>,
) {
    let specifiers = specifiers(source).into_iter();
    let loaded = specifiers.filter_map(|it| loaded(layer, path, it));
    found.extend(loaded.map(|it| (it, "loads it")));
}

/// What the package.json at `path` names for others.
pub(super) fn entry_points(
    layer: &Layer<'_>,
    path: &LayerPath,
    bytes: &[u8],
    found: &mut Vec<(LayerPath, &'static str)>,
) {
    let Ok(package) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    let folder = path.parent().unwrap_or_default();
    let main = package["main"].as_str().unwrap_or("index");
    let targets = targets(&package, &["bin", "exports", "imports"], is_others);
    let main = taken(layer, folder, main, &ENDINGS);
    // Which files a pattern means, only those tell who load one.
    let targets = targets.iter().filter(|target| !target.contains('*'));
    let targets = targets.filter_map(|target| taken(layer, folder, target, &[""]));
    found.extend(
        main.into_iter()
            .chain(targets)
            .map(|it| (it, "points to it")),
    );
}

/// Whether what stands under a name of `exports` is never for Node.js.
fn is_others(name: &str) -> bool {
    OTHERS.contains(&name) || name.starts_with("types@")
}

/// The file that a specifier found before, if it was taken out.
fn loaded(layer: &Layer<'_>, path: &LayerPath, specifier: &str) -> Option<LayerPath> {
    if specifier.starts_with("./") || specifier.starts_with("../") || specifier == "." {
        return taken(
            layer,
            path.parent().unwrap_or_default(),
            specifier,
            &ENDINGS,
        );
    }
    let scope = usize::from(specifier.starts_with('@'));
    let (end, _) = specifier.match_indices('/').nth(scope)?;
    let (name, inner) = (&specifier[..end], &specifier[end + 1..]);
    // The package's own entry points are kept with its package.json.
    let folder = modules(path).find_map(|modules| {
        let folder = seen_from(&modules, name)?;
        layer
            .is_file(&format!("{folder}/package.json"))
            .then_some(folder)
    })?;
    taken(layer, &folder, inner, &ENDINGS).or_else(|| {
        let entry = layer.tree.get(&format!("{folder}/package.json"))?;
        let bytes = layerpress_pack::read_all(&entry.content).ok()?;
        let package: Value = serde_json::from_slice(&bytes).ok()?;
        let exports = package["exports"].as_object()?;
        exports.iter().find_map(|(key, value)| {
            let (start, end) = key.strip_prefix("./")?.split_once('*')?;
            let middle = inner.strip_prefix(start)?.strip_suffix(end)?;
            let mut targets = Vec::new();
            collect(value, true, is_others, &mut targets);
            let mut targets = targets.iter().map(|target| target.replace('*', middle));
            targets.find_map(|target| taken(layer, &folder, &target, &[""]))
        })
    })
}

/// Where Node.js looks for packages that a file names, the nearest first; what a function brings finds
/// those of layers by `NODE_PATH`.
fn modules(path: &LayerPath) -> impl Iterator<Item = String> {
    let own = path
        .folders()
        .map(|folder| format!("{folder}/node_modules"));
    let own: Vec<String> = own.collect();
    let around = path
        .folders()
        .filter(|folder| folder.ends_with("node_modules"));
    let around: Vec<String> = around.map(str::to_owned).collect();
    own.into_iter()
        .chain(around)
        .chain(["nodejs/node_modules".to_owned(), "node_modules".to_owned()])
}

/// The first file of a name with one of `endings` that was there, if it was taken out.
fn taken(layer: &Layer<'_>, folder: &str, name: &str, endings: &[&str]) -> Option<LayerPath> {
    let path = seen_from(folder, name)?;
    let found = endings.iter().find_map(|ending| {
        let path = format!("{path}{ending}");
        layer.is_file(&path).then_some(path)
    })?;
    layer.taken(&found)
}
