//! [`restore`]: the proof that what was left out of a layer is not missed, over the whole layer.
//!
//! The rules look at each package for evidence before they take anything; this looks at the finished
//! layer instead, and only at what stands in it. Whatever a kept file needs by name, and what found its
//! file in the layer before, must find it now:
//! - a Python import, absolute or relative;
//! - a JavaScript module specifier, and what a package.json points to;
//! - a shared library that an ELF file names, the file that a link leads to.
//!
//! Where one does not, the file that it found is put back, and so on for what that one needs.

mod native;
mod node;
mod python;

use std::collections::{BTreeMap, BTreeSet};

use layerpress_pack::read_all;
use layerpress_tree::{LayerPath, LayerTree, Mode};
use rayon::prelude::*;

use crate::linked::links;

pub use native::same_when_loaded;
pub use node::{ENDINGS, specifiers};

/// A kept file that needs one that had been left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Needed {
    /// The file that was put back.
    pub path: LayerPath,
    /// The file that needs it.
    pub by: LayerPath,
    /// How: `imports it`.
    pub how: &'static str,
}

/// No code file that a person wrote comes near this.
const MOST_BYTES: u64 = 64 << 20;

/// What every look at a file needs to know of the layer.
struct Layer<'a> {
    tree: &'a LayerTree,
    removed: &'a BTreeSet<LayerPath>,
    /// Whether the modules behind commands count as named.
    commands: bool,
    links: BTreeMap<String, String>,
}

/// Takes out of `removed` what the rest of `tree` needs, and tells why.
#[must_use]
pub fn restore(tree: &LayerTree, removed: &mut BTreeSet<LayerPath>) -> Vec<Needed> {
    let kept = tree.iter().filter(|(path, _)| !removed.contains(*path));
    let kept = kept.map(|(path, _)| path.clone()).collect();
    put_back(tree, removed, kept, true)
}

/// Takes out of `removed` what the files of `from` name, what those files name, and so on; of a list of
/// entry points those alone that other code looks for, and no commands.
#[must_use]
pub fn reached(
    tree: &LayerTree,
    removed: &mut BTreeSet<LayerPath>,
    from: &[LayerPath],
) -> Vec<Needed> {
    put_back(tree, removed, from.to_vec(), false)
}

/// Looks at the files of `fresh`, then at those that they brought back.
fn put_back(
    tree: &LayerTree,
    removed: &mut BTreeSet<LayerPath>,
    mut fresh: Vec<LayerPath>,
    commands: bool,
) -> Vec<Needed> {
    let mut restored = Vec::new();
    while !removed.is_empty() && !fresh.is_empty() {
        let needed = needed(tree, removed, &fresh, commands);
        fresh.clear();
        for needed in needed {
            if removed.remove(&needed.path) {
                fresh.push(needed.path.clone());
                restored.push(needed);
            }
        }
    }
    restored
}

/// What `files` need of what is removed, in an order that does not depend on threads.
fn needed(
    tree: &LayerTree,
    removed: &BTreeSet<LayerPath>,
    files: &[LayerPath],
    commands: bool,
) -> Vec<Needed> {
    let layer = Layer {
        tree,
        removed,
        commands,
        links: links(tree),
    };
    let python = python::Modules::new(&layer);
    let native = native::Native::new(&layer);
    let found = files.par_iter().flat_map_iter(|path| {
        let mut found: Vec<(LayerPath, &'static str)> = Vec::new();
        look(&layer, &python, &native, path, &mut found);
        found.into_iter().map(|(needed, how)| Needed {
            path: needed,
            by: path.clone(),
            how,
        })
    });
    let mut found: Vec<Needed> = found.collect();
    found.sort();
    found.dedup_by(|later, first| later.path == first.path);
    found
}

fn look(
    layer: &Layer<'_>,
    python: &python::Modules,
    native: &native::Native<'_>,
    path: &LayerPath,
    found: &mut Vec<(LayerPath, &'static str)>,
) {
    let Some(entry) = layer.tree.get(path.as_str()) else {
        return;
    };
    if entry.mode == Mode::Link {
        found.extend(native::link(layer, path));
        return;
    }
    if entry.content.size > MOST_BYTES && !native.may_need(path) {
        return;
    }
    let (_, extension) = path.file_name().rsplit_once('.').unwrap_or_default();
    let name = path.file_name();
    let is_python = extension == "py" && !python.is_empty();
    let is_script = matches!(extension, "js" | "mjs" | "cjs");
    let is_text = is_python || is_script || matches!(name, "package.json" | "entry_points.txt");
    if !is_text && !native.may_need(path) {
        return;
    }
    // Whoever pressed the layer has read every file already.
    let Ok(bytes) = read_all(&entry.content) else {
        return;
    };
    if is_python {
        python.imported(path, &String::from_utf8_lossy(&bytes), found);
    } else if name == "entry_points.txt" {
        let text = String::from_utf8_lossy(&bytes);
        python.entry_points(path, &text, layer.commands, found);
    } else if name == "package.json" {
        node::entry_points(layer, path, &bytes, found);
    } else if is_script {
        node::named(layer, path, &String::from_utf8_lossy(&bytes), found);
    } else {
        native.named(path, &bytes, found);
    }
}

impl Layer<'_> {
    /// The path, if it was taken out.
    fn taken(&self, path: &str) -> Option<LayerPath> {
        self.removed.get(path).cloned()
    }

    fn is_file(&self, path: &str) -> bool {
        self.tree.get(path).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use layerpress_pack::stored;
    use layerpress_tree::Entry;

    /// A layer of text files; what is named `-a` is left out, what is named `@a` is a link.
    fn restored(files: &[(&str, &str)]) -> Vec<String> {
        let mut tree = LayerTree::new();
        let mut removed = BTreeSet::new();
        for (name, text) in files {
            let path = LayerPath::new(name.trim_start_matches(['-', '@'])).expect("a path");
            if name.starts_with('-') {
                removed.insert(path.clone());
            }
            let mode = match name.starts_with('@') {
                true => Mode::Link,
                false => Mode::File,
            };
            let content = stored(text.as_bytes().to_vec().into());
            tree.insert(path, Entry { mode, content })
                .expect("no conflict");
        }
        let told = |it: Needed| format!("{}: {} {}", it.path, it.by, it.how);
        restore(&tree, &mut removed).into_iter().map(told).collect()
    }

    #[test]
    fn what_kept_python_imports_is_put_back_with_what_that_imports() {
        let found = restored(&[
            ("python/a/__init__.py", "from a.tests import util\n"),
            ("-python/a/tests/__init__.py", ""),
            (
                "-python/a/tests/util.py",
                "def f():\n    from . import deep\n",
            ),
            ("-python/a/tests/deep.py", ""),
            ("-python/a/tests/test_a.py", "import a\n"),
            ("python/b.py", "from .a.tests import test_a\n"),
        ]);
        assert_eq!(
            found,
            [
                "python/a/tests/__init__.py: python/a/__init__.py imports it",
                "python/a/tests/test_a.py: python/b.py imports it",
                "python/a/tests/util.py: python/a/__init__.py imports it",
                "python/a/tests/deep.py: python/a/tests/util.py imports it",
            ]
        );
    }

    #[test]
    fn modules_are_found_in_versioned_folders_and_beside_extension_modules() {
        let found = restored(&[
            (
                "python/lib/python3.13/site-packages/a.py",
                "import b.c, d\n",
            ),
            (
                "-python/lib/python3.13/site-packages/b/c.cpython-313-x86_64-linux-gnu.so",
                "",
            ),
            // Its source goes, the compiled module stays.
            ("-python/d.py", ""),
            ("python/d.cpython-313.so", ""),
            ("-python/e.py", ""),
        ]);
        assert_eq!(
            found,
            [
                "python/lib/python3.13/site-packages/b/c.cpython-313-x86_64-linux-gnu.so: \
              python/lib/python3.13/site-packages/a.py imports it"
            ]
        );
    }

    #[test]
    fn entry_points_keep_their_modules() {
        let found = restored(&[
            (
                "python/a-1.dist-info/entry_points.txt",
                "[console_scripts]\na = a.cli:main\n[pytest11]\nx=a.testing.plugin\n; b = b:c\n",
            ),
            ("-python/a/cli.py", ""),
            ("-python/a/testing/plugin.py", ""),
            ("-python/b.py", ""),
        ]);
        assert_eq!(
            found,
            [
                "python/a/cli.py: python/a-1.dist-info/entry_points.txt names it as an entry point",
                "python/a/testing/plugin.py: python/a-1.dist-info/entry_points.txt names it as an \
                 entry point",
            ]
        );
    }

    #[test]
    fn what_others_look_for_by_name_is_reached_and_commands_are_not() {
        let mut tree = LayerTree::new();
        let mut removed = BTreeSet::new();
        let list = "[console_scripts]\na = a.cli:main\n[opentelemetry_context]\nx = a.plugin:X\n";
        for (name, text) in [
            ("python/a-1.dist-info/entry_points.txt", list),
            ("python/a/__init__.py", "import a.other\n"),
            ("python/a/cli.py", ""),
            ("python/a/other.py", ""),
            ("python/a/plugin.py", "from .deep import y\n"),
            ("python/a/deep.py", ""),
        ] {
            let path = LayerPath::new(name).expect("a path");
            let content = stored(text.as_bytes().to_vec().into());
            let mode = Mode::File;
            tree.insert(path.clone(), Entry { mode, content })
                .expect("no conflict");
            if name.ends_with(".py") && !name.ends_with("__init__.py") {
                removed.insert(path);
            }
        }
        let list = LayerPath::new("python/a-1.dist-info/entry_points.txt").expect("a path");
        let found = reached(&tree, &mut removed, &[list]);
        let found: Vec<_> = found.iter().map(|it| it.path.as_str()).collect();
        assert_eq!(found, ["python/a/plugin.py", "python/a/deep.py"]);
    }

    #[test]
    fn what_kept_scripts_name_is_put_back() {
        let found = restored(&[
            (
                "nodejs/node_modules/a/index.js",
                "const x = require('./lib/x'); // don't\nimport(\"../b/test/y.js\");\n\
                 import z from 'b/dist/z';\nrequire('./here')\n",
            ),
            ("nodejs/node_modules/a/package.json", r#"{"name":"a"}"#),
            (
                "-nodejs/node_modules/a/lib/x/index.js",
                "require('./deep.json')",
            ),
            ("-nodejs/node_modules/a/lib/x/deep.json", ""),
            ("nodejs/node_modules/a/here.js", ""),
            ("-nodejs/node_modules/a/here.json", ""),
            ("-nodejs/node_modules/b/test/y.js", ""),
            ("-nodejs/node_modules/b/dist/z.js", ""),
            ("-nodejs/node_modules/b/dist/w.js", ""),
            ("nodejs/node_modules/b/package.json", r#"{"name":"b"}"#),
        ]);
        assert_eq!(
            found,
            [
                "nodejs/node_modules/a/lib/x/index.js: nodejs/node_modules/a/index.js loads it",
                "nodejs/node_modules/b/dist/z.js: nodejs/node_modules/a/index.js loads it",
                "nodejs/node_modules/b/test/y.js: nodejs/node_modules/a/index.js loads it",
                "nodejs/node_modules/a/lib/x/deep.json: nodejs/node_modules/a/lib/x/index.js loads it",
            ]
        );
    }

    #[test]
    fn what_a_package_points_to_is_put_back() {
        let found = restored(&[
            (
                "nodejs/node_modules/a/package.json",
                r#"{
                    "main": "lib/main", "bin": {"a": "./bin/a"},
                    "types": "index.d.ts",
                    "exports": {
                        ".": {
                            "@a/source": "./src/main.ts", "types": "./t.d.ts",
                            "import": "./esm.mjs", "require": "./lib/main.js"
                        },
                        "./x": "./x.js", "./null": null, "./deep/*": "./deep/*.js"
                    }
                }"#,
            ),
            ("-nodejs/node_modules/a/lib/main.js", ""),
            ("-nodejs/node_modules/a/bin/a", ""),
            ("-nodejs/node_modules/a/index.d.ts", ""),
            ("-nodejs/node_modules/a/t.d.ts", ""),
            ("-nodejs/node_modules/a/src/main.ts", ""),
            ("-nodejs/node_modules/a/esm.mjs", ""),
            ("-nodejs/node_modules/a/x.js", ""),
            ("-nodejs/node_modules/a/deep/y.js", ""),
            ("-nodejs/node_modules/a/deep/z.js", ""),
            ("nodejs/mine.js", "require('a/deep/y')"),
        ]);
        let paths: Vec<_> = found
            .iter()
            .filter_map(|it| it.strip_prefix("nodejs/node_modules/a/")?.split(':').next())
            .collect();
        assert_eq!(
            paths,
            ["bin/a", "deep/y.js", "esm.mjs", "lib/main.js", "x.js"]
        );
    }

    #[test]
    fn links_keep_what_they_lead_to() {
        let found = restored(&[
            ("@lib/libz.so", "libz.so.1"),
            ("@lib/libz.so.1", "/opt/lib/libz.so.1.3"),
            ("-lib/libz.so.1.3", ""),
        ]);
        assert_eq!(found, ["lib/libz.so.1.3: lib/libz.so is a link to it"]);
    }
}
