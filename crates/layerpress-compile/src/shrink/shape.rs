//! [`Shape`]: whether a tree is a layer, and what it looks like if it is none.

use std::collections::BTreeSet;
use std::path::Path;

use layerpress_tree::{LayerPath, LayerTree};

use super::ShrinkError;
use crate::inspect::place_of_packages;

/// What a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// It stands for `/opt`.
    Layer,
    /// It stands for `/var/task`: packages lie at its top.
    Function,
}

impl Shape {
    /// The path of a file as its package's archive has it, or as seen from where Lambda looks for
    /// code; nothing for files that are neither Python's nor Node.js's.
    pub(super) fn inside(self, path: &str) -> Option<&str> {
        if let Some((_, inner)) = path.rsplit_once("node_modules/") {
            let parts = if inner.starts_with('@') { 2 } else { 1 };
            let package = inner.split_inclusive('/').take(parts).map(str::len);
            let file = &inner[package.sum::<usize>()..];
            // What lies beside packages is no package's.
            return Some(if file.is_empty() { inner } else { file });
        }
        let start = place_of_packages(path);
        match self {
            Self::Function => Some(path),
            Self::Layer if start > 0 => Some(&path[start..]),
            Self::Layer => path.strip_prefix("nodejs/"),
        }
    }
}

/// The folders of `/opt` that Lambda and its runtimes look into (AWS Lambda developer guide, "Packaging
/// your layer content", "Lambda extensions API").
const FOLDERS: [&str; 8] = [
    "python",
    "nodejs",
    "bin",
    "lib",
    "extensions",
    "java",
    "ruby",
    "dotnetcore",
];

/// Tells layers, and function packages: zips with packages at their top.
///
/// # Errors
/// What the zip looks like, and where to go with that.
pub(super) fn shape(input: &Path, tree: &LayerTree) -> Result<Shape, ShrinkError> {
    let top: BTreeSet<&str> = tree
        .iter()
        .filter_map(|(path, _)| path.components().next())
        .collect();
    let refused = |looks_like: &str, hint: &str| {
        Err(ShrinkError::NotALayer {
            path: input.to_owned(),
            looks_like: looks_like.to_owned(),
            hint: hint.to_owned(),
        })
    };
    if tree.is_empty() {
        return refused(
            "holds no file",
            "a layer holds `python/`, `nodejs/`, `bin/` or `lib/`",
        );
    }
    if ["python", "nodejs", "extensions"]
        .iter()
        .any(|it| top.contains(it))
    {
        return Ok(Shape::Layer);
    }
    if is_wheel(input, tree, &top) {
        return refused(
            "is a wheel, not a layer",
            "`layerpress build` makes a layer of it: name it in a requirements file as `./NAME.whl`",
        );
    }
    if top.contains("node_modules") || top.iter().any(|it| is_info(it)) {
        return Ok(Shape::Function);
    }
    if let Some(kind) = document(tree) {
        return refused(
            &format!("is {kind}, not a layer"),
            "a layer holds `python/`, `nodejs/`, `bin/` or `lib/`",
        );
    }
    if tree.get("META-INF/MANIFEST.MF").is_some() {
        return refused(
            "is a Java archive, not a layer",
            "layers hold archives of Java in `java/lib/`",
        );
    }
    if let Some(inner) = only_zip(tree) {
        return refused(
            &format!("holds nothing but `{inner}`, a zip in a zip"),
            "unpack it once: perhaps the zip inside is the layer",
        );
    }
    if tree.get("package/package.json").is_some() {
        return refused(
            "is a package of npm, not a layer",
            "`layerpress build package.json` makes a layer of what a project depends on",
        );
    }
    if FOLDERS.iter().any(|it| top.contains(it)) {
        return Ok(Shape::Layer);
    }
    // Packages are often shipped without their metadata.
    let is_code = |path: &LayerPath| {
        let path = path.as_str();
        let ends = [".py", ".js", ".mjs", ".cjs"];
        !path.contains('/') && ends.iter().any(|it| path.ends_with(it))
    };
    if tree.iter().any(|(path, _)| is_code(path)) {
        return Ok(Shape::Function);
    }
    let inside = |folder: &&&str| {
        FOLDERS.iter().any(|it| {
            let below = format!("{folder}/{it}/");
            tree.iter()
                .any(|(path, _)| path.as_str().starts_with(&below))
        })
    };
    if let Some(folder) = top.iter().find(inside) {
        return refused(
            &format!("holds a layer in its folder `{folder}`, where Lambda finds nothing"),
            "zip what is in that folder, not the folder itself",
        );
    }
    refused(
        "is no layer: nothing in it lies where Lambda looks, nor is it a package that is known",
        "a layer holds `python/`, `nodejs/`, `bin/` or `lib/`, a function `node_modules/` or dist-info folders",
    )
}

/// Documents and programs that are zips: what their first file is, by their own rules (ECMA-376 part 2, 10.2;
/// OpenDocument 1.3 part 2, 3.3; EPUB OCF 3.3, 4.3; Android's manifest).
fn document(tree: &LayerTree) -> Option<&'static str> {
    let has = |path: &str| tree.get(path).is_some();
    if has("[Content_Types].xml") {
        return Some("a document of an office program, or a package of NuGet");
    }
    if has("META-INF/container.xml") {
        return Some("a book (EPUB)");
    }
    if has("META-INF/manifest.xml") && has("mimetype") {
        return Some("a document of an office program");
    }
    has("AndroidManifest.xml").then_some("an Android program")
}

/// The name of the one zip that a zip holds.
fn only_zip(tree: &LayerTree) -> Option<&str> {
    let (path, _) = tree.iter().next().filter(|_| tree.len() == 1)?;
    let (_, ending) = path.file_name().rsplit_once('.')?;
    ending.eq_ignore_ascii_case("zip").then_some(path.as_str())
}

fn is_info(folder: &str) -> bool {
    folder.ends_with(".dist-info") || folder.ends_with(".egg-info")
}

/// A wheel, and not the one distribution that an installer laid down: those leave their name.
fn is_wheel(input: &Path, tree: &LayerTree, top: &BTreeSet<&str>) -> bool {
    let extension = input.extension();
    if extension.is_some_and(|it| it.eq_ignore_ascii_case("whl")) {
        return true;
    }
    let mut infos = top.iter().filter(|it| it.ends_with(".dist-info"));
    let (Some(info), None) = (infos.next(), infos.next()) else {
        return false;
    };
    let has = |name: &str| tree.get(&format!("{info}/{name}")).is_some();
    has("WHEEL") && has("RECORD") && !has("INSTALLER") && !has("REQUESTED")
}

#[cfg(test)]
mod tests {
    use super::*;
    use layerpress_pack::stored;
    use layerpress_tree::{Entry, Mode};

    fn told(file: &str, paths: &[&str]) -> String {
        let mut tree = LayerTree::new();
        for path in paths {
            let entry = Entry {
                mode: Mode::File,
                content: stored(bytes::Bytes::new()),
            };
            let path = LayerPath::new(path).expect("a path");
            tree.insert(path, entry).expect("no conflict");
        }
        match shape(Path::new(file), &tree) {
            Ok(shape) => format!("{shape:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn layers_and_functions_are_let_through() {
        for paths in [
            &["python/a.py"][..],
            &["nodejs/node_modules/a/index.js"],
            &["lib/libz.so"],
            &["extensions/agent"],
        ] {
            assert_eq!(told("a.zip", paths), "Layer", "{paths:?}");
        }
        for paths in [
            &["index.js", "node_modules/a/index.js"][..],
            &["handler.py", "six/__init__.py"],
            &[
                "app.py",
                "six.py",
                "six-1.dist-info/METADATA",
                "six-1.dist-info/WHEEL",
            ],
            &[
                "six-1.dist-info/WHEEL",
                "six-1.dist-info/RECORD",
                "six-1.dist-info/INSTALLER",
            ],
        ] {
            assert_eq!(told("a.zip", paths), "Function", "{paths:?}");
        }
    }

    #[test]
    fn passes_see_paths_as_archives_have_them() {
        for (path, inside) in [
            ("python/six.py", Some("six.py")),
            ("python/lib/python3.13/site-packages/a/b.py", Some("a/b.py")),
            ("nodejs/node_modules/a/lib/b.js", Some("lib/b.js")),
            ("nodejs/node_modules/a/node_modules/@s/b/c.js", Some("c.js")),
            ("nodejs/node22/node_modules/a/b.js", Some("b.js")),
            ("nodejs/mine.js", Some("mine.js")),
            (
                "nodejs/node_modules/.package-lock.json",
                Some(".package-lock.json"),
            ),
            ("lib/libz.so", None),
            ("bin/tool", None),
        ] {
            assert_eq!(Shape::Layer.inside(path), inside, "{path}");
        }
        assert_eq!(Shape::Function.inside("app.py"), Some("app.py"));
        assert_eq!(Shape::Function.inside("node_modules/a/b.js"), Some("b.js"));
    }

    #[test]
    fn what_is_no_layer_is_told_by_what_it_is() {
        let wheel = ["six.py", "six-1.dist-info/WHEEL", "six-1.dist-info/RECORD"];
        let told = [
            told("a.zip", &[]),
            told("a.zip", &wheel),
            told("a.whl", &["six-1.dist-info/METADATA"]),
            told("a.jar", &["META-INF/MANIFEST.MF", "A.class"]),
            told("a.docx", &["[Content_Types].xml", "word/document.xml"]),
            told("a.odt", &["META-INF/manifest.xml", "mimetype"]),
            told("a.epub", &["META-INF/container.xml", "mimetype"]),
            told("a.apk", &["AndroidManifest.xml", "classes.dex"]),
            told("a.zip", &["artifact/layer.zip"]),
            told("a.zip", &["package/package.json"]),
            told("a.zip", &["layer/python/six.py", "layer/README.md"]),
            told("a.zip", &["notes.txt"]),
        ];
        insta::assert_snapshot!(told.join("\n"), @r"
        a.zip: it holds no file
        a.zip: it is a wheel, not a layer
        a.whl: it is a wheel, not a layer
        a.jar: it is a Java archive, not a layer
        a.docx: it is a document of an office program, or a package of NuGet, not a layer
        a.odt: it is a document of an office program, not a layer
        a.epub: it is a book (EPUB), not a layer
        a.apk: it is an Android program, not a layer
        a.zip: it holds nothing but `artifact/layer.zip`, a zip in a zip
        a.zip: it is a package of npm, not a layer
        a.zip: it holds a layer in its folder `layer`, where Lambda finds nothing
        a.zip: it is no layer: nothing in it lies where Lambda looks, nor is it a package that is known
        ");
    }
}
