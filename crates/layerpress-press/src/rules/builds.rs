//! [`bundler_build`]: the second build of an npm package that only bundlers look for.
//!
//! Node.js finds a package's code by `exports`, or by `main` where there are none, and files by their
//! paths. It never reads `module`, which bundlers prefer to `main`: what lies below that folder is the same
//! code once more, as ES modules, and a layer is run and not bundled. (Who bundles a function leaves out of
//! it what its layer has.) So the folder may go if nothing but such fields points to it, and if Node.js
//! does not take it for ES modules: its files end in `.js`, and the package does not say what those are. (From
//! 22.7 on it tells them by their syntax. A function that imports one by its path, past `main`, is what the
//! profile `small` takes the risk of.)
//! A package with `exports` is left alone, since `import` and `require` may lead to either build.
//! <https://nodejs.org/api/packages.html#determining-module-system>

use serde_json::Value;

use super::node::{is_for_types, targets};

/// Names that folders of ES modules have beside those that `main` points to.
pub(super) const FOLDERS: [&str; 9] = [
    "dist-es", "dist-esm", "dist-es6", "es", "es6", "esm", "lib-esm", "lib-es", "module",
];

/// Fields that only bundlers read.
const OF_BUNDLERS: [&str; 4] = ["module", "jsnext:main", "es2015", "esnext"];

/// Fields by which Node.js and npm find files.
const OF_NODE: [&str; 4] = ["main", "bin", "imports", "config"];

/// The folder at the package's root that only bundlers look for, by the package's package.json and the
/// paths of its files.
pub(super) fn bundler_build<'a>(
    package_json: &[u8],
    mut paths: impl Iterator<Item = &'a str>,
) -> Option<&'static str> {
    let text = package_json;
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let json: Value = serde_json::from_slice(text).ok()?;
    if !json["exports"].is_null() || json["type"] == "module" {
        return None;
    }
    let module = OF_BUNDLERS.iter().find_map(|field| json[*field].as_str())?;
    let top = top_folder(module)?;
    let folder = FOLDERS.into_iter().find(|it| *it == top)?;
    let of_node = targets(&json, &OF_NODE, is_for_types);
    let is_found = of_node.iter().any(|it| leads_into(it, folder));
    let is_loaded = paths.any(|path| {
        let inner = path
            .strip_prefix(folder)
            .and_then(|it| it.strip_prefix('/'));
        inner.is_some_and(|inner| inner.ends_with(".mjs") || inner.ends_with("package.json"))
    });
    (!is_found && !is_loaded).then_some(folder)
}

/// The first folder of a path as package.json writes it.
fn top_folder(path: &str) -> Option<&str> {
    let (top, _) = path.trim_start_matches("./").split_once('/')?;
    Some(top)
}

/// Whether a path may lead into the folder; one that is not plain may.
fn leads_into(path: &str, folder: &str) -> bool {
    let path = path.trim_start_matches("./");
    path == folder || path.contains("..") || top_folder(path) == Some(folder)
}

#[cfg(test)]
mod tests {
    use super::bundler_build;

    fn found(package_json: &str) -> Option<&'static str> {
        bundler_build(package_json.as_bytes(), ["dist-es/index.js"].into_iter())
    }

    #[test]
    fn a_folder_that_only_bundlers_are_pointed_to_is_found() {
        assert_eq!(
            found(r#"{"main": "./dist-cjs/index.js", "module": "./dist-es/index.js"}"#),
            Some("dist-es")
        );
        assert_eq!(found(r#"{"module": "esm/index.js"}"#), Some("esm"));
        assert_eq!(
            found(
                r#"{"main": "lib/a", "jsnext:main": "es/a.js", "browser": {"./a": "./es/b.js"}}"#
            ),
            Some("es")
        );
    }

    #[test]
    fn a_folder_that_node_js_may_look_into_is_not() {
        for package_json in [
            r#"{"main": "a.js"}"#,
            r#"{"main": "es", "module": "es/a.js"}"#,
            r#"{"main": "es/a.js", "module": "es/b.js"}"#,
            r#"{"main": "./lib/../es/a.js", "module": "es/b.js"}"#,
            r#"{"main": "a.js", "module": "es/b.js", "exports": "./a.js"}"#,
            r#"{"main": "a.js", "module": "es/b.js", "type": "module"}"#,
            r#"{"main": "a.js", "module": "es/b.js", "bin": {"a": "./es/cli.js"}}"#,
            r##"{"main": "a.js", "module": "es/b.js", "imports": {"#a": ["./es/a.js"]}}"##,
            r#"{"main": "a.js", "module": "src/b.js"}"#,
            r#"{"main": "a.js", "module": "b.js"}"#,
            r#"{"main": "a.js", "module": ["es/b.js"]}"#,
            "[]",
            "{",
        ] {
            assert_eq!(found(package_json), None, "{package_json}");
        }
    }

    #[test]
    fn a_folder_that_node_js_could_load_is_not() {
        let package_json = br#"{"main": "a.js", "module": "es/b.js"}"#;
        let found = |path| bundler_build(package_json, [path].into_iter());
        assert_eq!(found("es/b.js"), Some("es"));
        assert_eq!(found("es/b.mjs"), None);
        assert_eq!(found("es/package.json"), None);
        assert_eq!(found("es/a/package.json"), None);
        assert_eq!(found("est/package.json"), Some("es"));
    }
}
