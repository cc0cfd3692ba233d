//! [`merge`]: the trees of several distributions in one, and the paths that two of them claim.

use std::collections::BTreeMap;

use layerpress_pack::read_all;
use layerpress_tree::{Conflict, Content, Entry, LayerPath, LayerTree, Mode};

use super::error::MergeError;
use super::unpack::WheelTree;

/// Several distributions in one tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Merged {
    /// The files, by paths relative to the layer's `python` folder.
    pub tree: LayerTree,
    /// What the user should know: a lowercase sentence each.
    pub warnings: Vec<String>,
}

/// Puts `wheels` into one tree; their order does not matter.
///
/// The same bytes from two distributions are fine and stand once (executable, if either is). Two
/// namespace packages of the old kind may differ in the `__init__.py` that only says so; the one of
/// the distribution that sorts first stays, and a warning tells.
///
/// # Errors
/// A [`MergeError`] if two distributions write one path with different contents, or one has a file
/// where the other needs a folder.
pub fn merge(mut wheels: Vec<WheelTree>) -> Result<Merged, MergeError> {
    wheels.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    let labels: Vec<String> = wheels
        .iter()
        .map(|wheel| format!("{} {}", wheel.name, wheel.version))
        .collect();
    let mut all: Vec<(LayerPath, Entry, usize)> = Vec::new();
    for (wheel, tree) in wheels.into_iter().enumerate() {
        all.extend(
            tree.tree
                .into_iter()
                .map(|(path, entry)| (path, entry, wheel)),
        );
    }
    // A stable sort: of one path the wheels stay in their order.
    all.sort_by(|a, b| a.0.cmp(&b.0));
    let mut warnings = Vec::new();
    let mut clashes: BTreeMap<(usize, usize), Vec<LayerPath>> = BTreeMap::new();
    let mut kept: Vec<(LayerPath, Entry)> = Vec::with_capacity(all.len());
    let mut owners: Vec<usize> = Vec::with_capacity(all.len());
    for (path, entry, wheel) in all {
        let (Some((_, there)), Some(&owner)) =
            (kept.last_mut().filter(|it| it.0 == path), owners.last())
        else {
            kept.push((path, entry));
            owners.push(wheel);
            continue;
        };
        match settle(there, entry, &path) {
            Settled::Same => {}
            Settled::Namespace => warnings.push(format!(
                "`{}` and `{}` spell the namespace package `{path}` differently; one of them is \
                 kept",
                labels[owner], labels[wheel]
            )),
            Settled::Clash => clashes.entry((owner, wheel)).or_default().push(path),
        }
    }
    if let Some(((first, second), paths)) = clashes.into_iter().next() {
        return Err(MergeError::Different {
            first: labels[first].clone(),
            second: labels[second].clone(),
            path: paths[0].to_string(),
            others: paths.len() - 1,
        });
    }
    let paths: Vec<LayerPath> = kept.iter().map(|(path, _)| path.clone()).collect();
    let tree = LayerTree::from_entries(kept).map_err(|conflict| {
        let owner = |path: &LayerPath| owners[paths.binary_search(path).unwrap_or_default()];
        file_and_folder(conflict, owner, &labels)
    })?;
    Ok(Merged { tree, warnings })
}

enum Settled {
    Same,
    Namespace,
    Clash,
}

/// Decides what stands at `path`, where `there` stands already.
fn settle(there: &mut Entry, entry: Entry, path: &LayerPath) -> Settled {
    let same =
        there.content.size == entry.content.size && there.content.crc32 == entry.content.crc32;
    if same {
        if entry.mode == Mode::Executable && there.mode == Mode::File {
            *there = entry;
        }
        return Settled::Same;
    }
    if path.file_name() != "__init__.py" {
        return Settled::Clash;
    }
    match (init_kind(&there.content), init_kind(&entry.content)) {
        (Init::Namespace, Init::Namespace | Init::Blank) => Settled::Namespace,
        (Init::Blank, Init::Namespace) => {
            *there = entry;
            Settled::Namespace
        }
        (Init::Blank, Init::Blank) => Settled::Same,
        _ => Settled::Clash,
    }
}

/// What an `__init__.py` is for.
enum Init {
    /// Nothing but white space and comments.
    Blank,
    /// It declares a namespace package and does nothing else worth keeping apart.
    Namespace,
    Code,
}

/// The two old ways to declare a namespace package (packaging guide, "Packaging namespace
/// packages": pkgutil-style and pkg_resources-style) are a few lines around one call; whatever is
/// longer holds code of its own.
fn init_kind(content: &Content) -> Init {
    const LONGEST_DECLARATION: usize = 8;
    if content.size > 8 << 10 {
        return Init::Code;
    }
    let Some(text) = read_all(content)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
    else {
        return Init::Code;
    };
    let lines: Vec<&str> = text
        .trim_start_matches('\u{feff}')
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let declares = lines.iter().any(|line| {
        line.contains("extend_path(__path__, __name__)")
            || line.contains("declare_namespace(__name__)")
    });
    if lines.is_empty() {
        Init::Blank
    } else if declares && lines.len() <= LONGEST_DECLARATION {
        Init::Namespace
    } else {
        Init::Code
    }
}

fn file_and_folder(
    conflict: Conflict,
    owner: impl Fn(&LayerPath) -> usize,
    labels: &[String],
) -> MergeError {
    let (one, other) = match &conflict {
        Conflict::FileAndFolder { file, below } => (owner(file), owner(below)),
        Conflict::Different { path } => (owner(path), owner(path)),
    };
    MergeError::FileAndFolder {
        first: labels[one.min(other)].clone(),
        second: labels[one.max(other)].clone(),
        conflict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wheel::UnpackOptions;
    use crate::wheel::testing::{TestWheel, listing, text};

    const PKGUTIL: &str = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n";
    const PKG_RESOURCES: &str = "__import__('pkg_resources').declare_namespace(__name__)\n";

    fn merged(wheels: &[TestWheel]) -> Result<Merged, MergeError> {
        let trees = wheels
            .iter()
            .map(|wheel| wheel.unpack(&UnpackOptions::default()).expect("unpacked"))
            .collect();
        merge(trees)
    }

    fn refused(wheels: &[TestWheel]) -> String {
        let error = merged(wheels).expect_err("a conflict");
        format!("{error}\nhint: {}", error.hint())
    }

    #[test]
    fn two_builds_of_one_project() {
        let wheels = [
            TestWheel::new("opencv_python_headless")
                .file("cv2/cv2.so", "b")
                .file("cv2/z.py", "b"),
            TestWheel::new("opencv_python")
                .file("cv2/cv2.so", "a")
                .file("cv2/z.py", "a"),
        ];
        insta::assert_snapshot!(refused(&wheels), @r"
        `opencv-python 1.0` and `opencv-python-headless 1.0` both write `cv2/cv2.so` (and one more), with different contents
        hint: they are two builds of one project: require one of them only, or leave one out with `--exclude opencv-python` or `--exclude opencv-python-headless`
        ");
    }

    #[test]
    fn a_file_where_another_has_a_folder() {
        let wheels = [
            TestWheel::new("a").file("x/y.py", ""),
            TestWheel::new("b").file("x", ""),
        ];
        insta::assert_snapshot!(refused(&wheels), @r"
        `a 1.0` and `b 1.0` cannot lie in one folder: `x` is a file, and a folder of `x/y.py`
        hint: leave one out with `--exclude a` or `--exclude b`, or take versions that agree
        ");
    }

    #[test]
    fn equal_files_stand_once() {
        let wheels = [
            TestWheel::new("a").entry("x/run", b"1", Mode::File),
            TestWheel::new("b").entry("x/run", b"1", Mode::Executable),
        ];
        let both = merged(&wheels).expect("merged");
        assert!(listing(&both.tree).contains("755    1 x/run"));
        assert_eq!(both.warnings, [""; 0]);
        let [a, b] = wheels;
        assert_eq!(
            merged(&[b, a]).expect("merged"),
            both,
            "the order does not matter"
        );
    }

    #[test]
    fn namespace_packages_of_the_old_kind() {
        let wheels = [
            TestWheel::new("ns_a")
                .file("ns/__init__.py", "# nothing\n")
                .file("ns/a.py", ""),
            TestWheel::new("ns_b")
                .file("ns/__init__.py", PKGUTIL)
                .file("ns/b.py", ""),
            TestWheel::new("ns_c")
                .file("ns/__init__.py", PKG_RESOURCES)
                .file("ns/c.py", ""),
        ];
        let all = merged(&wheels).expect("merged");
        assert_eq!(text(&all.tree, "ns/__init__.py"), PKGUTIL);
        insta::assert_snapshot!(all.warnings.join("\n"), @r"
    `ns-a 1.0` and `ns-b 1.0` spell the namespace package `ns/__init__.py` differently; one of them is kept
    `ns-a 1.0` and `ns-c 1.0` spell the namespace package `ns/__init__.py` differently; one of them is kept
    ");
        let code = TestWheel::new("ns_d").file("ns/__init__.py", "import os\n");
        insta::assert_snapshot!(refused(&[wheels[1].clone(), code]), @r"
        `ns-b 1.0` and `ns-d 1.0` both write `ns/__init__.py`, with different contents
        hint: leave one out with `--exclude ns-b` or `--exclude ns-d`, or take versions that agree
        ");
    }
}
