//! [`own_files`]: the team's own files in a layer's folder, and where each belongs in the layer.

mod error;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use ignore::{DirEntry, WalkBuilder};
use layerpress_tree::LayerPath;

use crate::input::Input;

pub use error::OwnCodeError;

/// Folders that Lambda unpacks below `/opt` and looks into; what lies in them keeps its place.
const OWN_PLACE: [&str; 4] = ["bin", "lib", "nodejs", "python"];

/// Names that never belong into a layer: version control, environments, caches, build results,
/// editors' files, secrets.
const LEFT_OUT: [&str; 38] = [
    ".DS_Store",
    ".aws-sam",
    ".bzr",
    ".coverage",
    ".direnv",
    ".editorconfig",
    ".eggs",
    ".env",
    ".envrc",
    ".git",
    ".gitattributes",
    ".gitignore",
    ".gitmodules",
    ".hg",
    ".idea",
    ".ipynb_checkpoints",
    ".layerpressignore",
    ".mypy_cache",
    ".nox",
    ".npmrc",
    ".pytest_cache",
    ".python-version",
    ".ruff_cache",
    ".serverless",
    ".svn",
    ".terraform",
    ".tox",
    ".venv",
    ".vscode",
    "Thumbs.db",
    "__pycache__",
    "cdk.out",
    "desktop.ini",
    "layerpress-prebuilt.json",
    "node_modules",
    "package-lock.json",
    "venv",
    "virtualenv",
];

/// Endings that never belong into a layer: compiled files, editors' copies.
const LEFT_OUT_ENDINGS: [&str; 8] = [
    ".egg-info",
    ".pyc",
    ".pyo",
    ".sublime-project",
    ".sublime-workspace",
    ".swo",
    ".swp",
    "~",
];

/// One of the team's own files: where it goes in the layer, and where it lies.
pub(crate) type OwnFile = (LayerPath, PathBuf);

/// The team's own files in `folder`, by their path in the layer, in the order of a layer.
///
/// The folder stands for `/opt`: what lies in `python/`, `nodejs/`, `bin/` and `lib/` keeps its
/// place. Any other file or folder that holds Python goes below `python/`, so that
/// `utils/common_util.py` imports as `utils.common_util`; one that holds JavaScript below
/// `nodejs/node_modules/`; the rest keeps its place. Or it stands for a `part` of `/opt` of that
/// name, where everything keeps its place. Left out are the files `built_from`, every `pylock.toml`
/// and `package-lock.json`, version control, environments, caches, `dist/`, editors' files, and what
/// `.gitignore` and `.layerpressignore` in the folder name. Ignore files above the folder do not
/// count: a layer depends on its folder alone.
///
/// # Errors
/// An [`OwnCodeError`] for a link that leaves the folder or leads to another folder, for a name that
/// cannot stand in a layer, for two files with one path there, and for what cannot be read.
fn own_code(
    folder: &Path,
    part: Option<&str>,
    built_from: &[PathBuf],
) -> Result<Vec<OwnFile>, OwnCodeError> {
    let root = folder
        .canonicalize()
        .map_err(|source| read_error(folder, source))?;
    let skipped: BTreeSet<PathBuf> = built_from
        .iter()
        .filter_map(|path| path.canonicalize().ok())
        .collect();
    let mut files = Vec::new();
    for entry in walk(folder) {
        let entry = entry.map_err(|error| {
            let message = error.to_string();
            read_error(
                folder,
                error
                    .into_io_error()
                    .unwrap_or_else(|| io::Error::other(message)),
            )
        })?;
        if let Some(file) = relevant(&entry, &root, &skipped)? {
            files.push(file);
        }
    }
    let mut placed: BTreeMap<LayerPath, PathBuf> = BTreeMap::new();
    let homes = match part {
        Some(_) => BTreeMap::new(),
        None => homes(folder, &files),
    };
    for file in files {
        let path = layer_path(folder, &file, part, &homes)?;
        if let Some(first) = placed.get(&path) {
            return Err(OwnCodeError::Twice {
                path: path.to_string(),
                first: first.display().to_string(),
                second: file.display().to_string(),
            });
        }
        placed.insert(path, file);
    }
    Ok(placed.into_iter().collect())
}

/// The team's own files for the layer of an input: none where it is no folder laid out as a layer.
///
/// # Errors
/// As [`own_code`].
pub(crate) fn own_files(
    input: &Input,
    built_from: Vec<PathBuf>,
) -> Result<Vec<OwnFile>, OwnCodeError> {
    let Some(folder) = input.folder.as_deref().filter(|_| input.own_code) else {
        return Ok(Vec::new());
    };
    let left_out: Vec<PathBuf> = built_from
        .into_iter()
        .chain(input.other_half.iter().cloned())
        .collect();
    let mut own = own_code(folder, input.part, &left_out)?;
    own.retain(|(path, _)| !input.is_of_other_half(path.as_str()));
    Ok(own)
}

fn walk(folder: &Path) -> ignore::Walk {
    WalkBuilder::new(folder)
        .standard_filters(false)
        .git_ignore(true)
        .require_git(false)
        .add_custom_ignore_filename(".layerpressignore")
        .follow_links(false)
        .sort_by_file_name(std::cmp::Ord::cmp)
        .filter_entry(|entry| entry.depth() == 0 || !is_left_out(entry))
        .build()
}

fn is_left_out(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    // Finished layers lie beside the manifest; a `dist` deeper inside belongs to somebody's package.
    let beside_manifest = match entry.depth() {
        1 => true,
        2 => entry
            .path()
            .parent()
            .is_some_and(|parent| OWN_PLACE.iter().any(|place| parent.ends_with(place))),
        _ => false,
    };
    if name == "dist" && beside_manifest {
        return true;
    }
    LEFT_OUT.contains(&&*name)
        || name.starts_with(".env.")
        || LEFT_OUT_ENDINGS.iter().any(|ending| name.ends_with(ending))
        || (name.starts_with("pylock.") && name.ends_with(".toml"))
}

/// The path of `entry` if it is a file for the layer.
fn relevant(
    entry: &DirEntry,
    root: &Path,
    skipped: &BTreeSet<PathBuf>,
) -> Result<Option<PathBuf>, OwnCodeError> {
    let path = entry.path();
    let Some(kind) = entry.file_type() else {
        return Ok(None);
    };
    if entry.depth() == 0 || kind.is_dir() {
        return Ok(None);
    }
    if kind.is_symlink() {
        check_link(path, root)?;
    } else if !kind.is_file() {
        return Err(OwnCodeError::NotAFile {
            path: path.display().to_string(),
        });
    }
    let real = path
        .canonicalize()
        .map_err(|source| read_error(path, source))?;
    Ok((!skipped.contains(&real)).then(|| path.to_owned()))
}

/// A link may only stand for a file of the same folder.
fn check_link(path: &Path, root: &Path) -> Result<(), OwnCodeError> {
    let fault = match path.canonicalize() {
        Err(_) => "leads nowhere",
        Ok(target) if !target.starts_with(root) => "lies outside of the folder",
        Ok(target) if !target.is_file() => "is not a file",
        Ok(_) => return Ok(()),
    };
    let target = path.read_link().unwrap_or_default();
    Err(OwnCodeError::Link {
        path: path.display().to_string(),
        target: target.display().to_string(),
        fault,
    })
}

/// Where the parts of a folder that have no place of their own belong.
fn homes(folder: &Path, files: &[PathBuf]) -> BTreeMap<PathBuf, &'static str> {
    let mut homes = BTreeMap::new();
    for file in files {
        let Some(top) = top_of(folder, file) else {
            continue;
        };
        match file.extension().and_then(|ending| ending.to_str()) {
            Some("py") => {
                homes.insert(top, "python");
            }
            Some("js" | "cjs" | "mjs") => {
                homes.entry(top).or_insert("nodejs/node_modules");
            }
            _ => {}
        }
    }
    homes
}

/// The first component of a file's path below `folder`.
fn top_of(folder: &Path, file: &Path) -> Option<PathBuf> {
    let relative = file.strip_prefix(folder).ok()?;
    relative
        .components()
        .next()
        .map(|first| PathBuf::from(first.as_os_str()))
}

fn layer_path(
    folder: &Path,
    file: &Path,
    part: Option<&str>,
    homes: &BTreeMap<PathBuf, &'static str>,
) -> Result<LayerPath, OwnCodeError> {
    let wrong = |reason: String| OwnCodeError::Path {
        path: file.display().to_string(),
        reason,
    };
    let relative = file.strip_prefix(folder).unwrap_or(file);
    let parts: Option<Vec<&str>> = relative
        .components()
        .map(|part| part.as_os_str().to_str())
        .collect();
    let Some(parts) = parts else {
        return Err(wrong("its name is not UTF-8".into()));
    };
    let path = parts.join("/");
    let home = top_of(folder, file)
        .filter(|top| !OWN_PLACE.iter().any(|place| top == Path::new(place)))
        .and_then(|top| homes.get(&top).copied());
    let placed = match part.or(home) {
        Some(home) => format!("{home}/{path}"),
        None => path,
    };
    LayerPath::new(&placed).map_err(|error| wrong(error.to_string()))
}

fn read_error(path: &Path, source: io::Error) -> OwnCodeError {
    OwnCodeError::Read {
        path: path.display().to_string(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("below the folder")).expect("created");
            fs::write(path, text).expect("written");
        }
        folder
    }

    fn placed(folder: &Path, built_from: &[&str]) -> Vec<String> {
        let built_from: Vec<PathBuf> = built_from.iter().map(|name| folder.join(name)).collect();
        let found = own_code(folder, None, &built_from).expect("readable");
        found
            .into_iter()
            .map(|(path, _)| path.to_string())
            .collect()
    }

    #[test]
    fn the_layout_of_the_layer_guide() {
        let folder = folder(&[
            ("python/requirements.txt", "requests"),
            ("python/pylock.toml", ""),
            ("python/shared.py", ""),
            ("utils/common_util.py", ""),
            ("utils/table.json", ""),
            ("helper.py", ""),
            ("web/index.mjs", ""),
            ("bin/tool", ""),
            ("data/words.txt", ""),
            ("LICENSE", ""),
        ]);
        assert_eq!(
            placed(folder.path(), &["python/requirements.txt"]),
            [
                "LICENSE",
                "bin/tool",
                "data/words.txt",
                "nodejs/node_modules/web/index.mjs",
                "python/helper.py",
                "python/shared.py",
                "python/utils/common_util.py",
                "python/utils/table.json",
            ]
        );
    }

    #[test]
    fn in_a_part_of_a_layer_everything_keeps_its_place() {
        let folder = folder(&[
            ("shared.mjs", ""),
            ("web/index.js", ""),
            ("package.json", ""),
        ]);
        let built_from = [folder.path().join("package.json")];
        let found = own_code(folder.path(), Some("nodejs"), &built_from).expect("readable");
        let paths: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["nodejs/shared.mjs", "nodejs/web/index.js"]);
    }

    #[test]
    fn what_nobody_ships_is_left_out() {
        let folder = folder(&[
            (".git/config", ""),
            (".venv/a.py", ""),
            (".env", "SECRET=1"),
            (".gitignore", "*.log\n"),
            (".layerpressignore", "notes/\n"),
            ("dist/layer.zip", ""),
            ("python/dist/layer.zip", ""),
            ("app/dist/page.html", ""),
            ("notes/a.py", ""),
            ("app/__pycache__/a.pyc", ""),
            ("app/a.py", ""),
            ("app/a.py~", ""),
            ("app/a.log", ""),
            ("app/.gitignore", "b.py\n"),
            ("app/b.py", ""),
            ("node_modules/x/index.js", ""),
        ]);
        assert_eq!(
            placed(folder.path(), &[]),
            ["python/app/a.py", "python/app/dist/page.html"]
        );
    }

    #[test]
    fn links_inside_count_and_links_outside_are_refused() {
        let outside = folder(&[("secret.py", "")]);
        let inside = folder(&[("app/a.py", "")]);
        symlink("a.py", inside.path().join("app/b.py")).expect("linked");
        assert_eq!(
            placed(inside.path(), &[]),
            ["python/app/a.py", "python/app/b.py"]
        );
        for (target, fault) in [
            (
                outside.path().join("secret.py"),
                "lies outside of the folder",
            ),
            (outside.path().to_owned(), "lies outside of the folder"),
            (PathBuf::from("app"), "is not a file"),
            (PathBuf::from("missing"), "leads nowhere"),
        ] {
            let link = inside.path().join("link.py");
            symlink(&target, &link).expect("linked");
            let error = own_code(inside.path(), None, &[]).expect_err("refused");
            assert!(error.to_string().ends_with(fault), "{error}");
            assert!(
                error
                    .hint()
                    .is_some_and(|hint| hint.contains(".layerpressignore"))
            );
            fs::remove_file(link).expect("removed");
        }
    }

    #[test]
    fn two_files_for_one_path_are_refused() {
        let folder = folder(&[("utils/a.py", ""), ("python/utils/a.py", "")]);
        let error = own_code(folder.path(), None, &[]).expect_err("refused");
        assert!(
            error
                .to_string()
                .ends_with("would both become `python/utils/a.py` in the layer")
        );
    }

    #[test]
    fn names_that_no_layer_can_hold_are_refused() {
        let folder = folder(&[("app/a\\b.py", "")]);
        let error = own_code(folder.path(), None, &[]).expect_err("refused");
        assert!(
            error.to_string().contains("cannot stand in a layer"),
            "{error}"
        );
    }
}
