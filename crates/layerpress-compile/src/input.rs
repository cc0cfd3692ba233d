//! [`find`]: which files an input means, and which ecosystem each is of.

use std::path::{Path, PathBuf};

use layerpress_target::Ecosystem;

use crate::error::CompileError;
use crate::{node, python};

/// What one input, or one half of it, turns out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Input {
    /// What it asks for packages of.
    pub ecosystem: Ecosystem,
    /// The manifest or lockfile.
    pub file: PathBuf,
    /// The folder that the user named in its place.
    pub folder: Option<PathBuf>,
    /// Whether the folder is laid out as a layer, so that what lies beside the manifest belongs
    /// into it.
    pub own_code: bool,
    /// The part of a layer that the folder is, where it is not the whole of one: `nodejs`.
    pub part: Option<&'static str>,
    /// Manifests and lockfiles of the folder's other ecosystem, which has a layer of its own.
    pub other_half: Vec<PathBuf>,
}

/// What a folder holds of one ecosystem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InFolder {
    /// The manifest, or the lockfile where there is none.
    pub file: PathBuf,
    /// What else stands for packages there: the lockfile, manifests that do not count.
    pub others: Vec<PathBuf>,
    /// Whether the folder is laid out as a layer.
    pub own_code: bool,
    /// The part of a layer that the folder is, where it is not the whole of one.
    pub part: Option<&'static str>,
}

/// Finds the manifest, or lockfile, that the user named by itself or by its folder; two in a folder
/// that holds both ecosystems'.
///
/// # Errors
/// An input that does not exist or is of no known kind.
pub(crate) fn find(path: &Path) -> Result<Vec<Input>, CompileError> {
    let metadata = std::fs::metadata(path).map_err(|source| CompileError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    if metadata.is_dir() {
        return find_in(path);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let ecosystem = if python::is_known(&name) {
        Ecosystem::Python
    } else if node::is_known(&name) {
        Ecosystem::Node
    } else {
        return Err(CompileError::UnknownInput {
            path: path.to_owned(),
        });
    };
    Ok(vec![Input {
        ecosystem,
        file: path.to_owned(),
        folder: None,
        own_code: false,
        part: None,
        other_half: Vec::new(),
    }])
}

fn find_in(folder: &Path) -> Result<Vec<Input>, CompileError> {
    let python = python::find_in(folder);
    let node = node::find_in(folder, python.is_some());
    // One folder is one layer's source or it is not, whichever packages go into it.
    let own_code = [&python, &node].into_iter().flatten().any(|it| it.own_code);
    let files = |half: &Option<InFolder>| -> Vec<PathBuf> {
        let half = half.iter();
        half.flat_map(|it| it.others.iter().chain([&it.file]).cloned())
            .collect()
    };
    let (of_python, of_node) = (files(&python), files(&node));
    let input = |ecosystem, found: InFolder, other_half| Input {
        ecosystem,
        file: found.file,
        folder: Some(folder.to_owned()),
        own_code,
        part: found.part,
        other_half,
    };
    let python = python.map(|found| input(Ecosystem::Python, found, of_node));
    let node = node.map(|found| input(Ecosystem::Node, found, of_python));
    let found: Vec<Input> = python.into_iter().chain(node).collect();
    if found.is_empty() {
        let places = python::LOOKED_FOR.iter().chain(&node::LOOKED_FOR);
        let names: Vec<String> = places.map(|name| format!("`{name}`")).collect();
        return Err(CompileError::NoManifest {
            folder: folder.to_owned(),
            looked_for: names.join(", "),
        });
    }
    Ok(found)
}

impl Input {
    /// The paths of a folder's own code that belong to the layer of the other half alone.
    pub(crate) fn is_of_other_half(&self, path: &str) -> bool {
        let other = match self.ecosystem {
            Ecosystem::Python => "nodejs/",
            Ecosystem::Node => "python/",
        };
        !self.other_half.is_empty() && path.starts_with(other)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn found(files: &[(&str, &str)]) -> Result<Vec<(String, bool)>, CompileError> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("below the folder")).expect("created");
            fs::write(path, text).expect("written");
        }
        let shown = |input: Input| {
            let file = input.file.strip_prefix(folder.path()).expect("inside");
            (file.display().to_string(), input.own_code)
        };
        Ok(find(folder.path())?.into_iter().map(shown).collect())
    }

    #[test]
    fn a_folder_of_both_ecosystems_has_two_halves() {
        let requirements = ("python/requirements.txt", "");
        let package = ("nodejs/package.json", "{}");
        let asking = ("package.json", r#"{"dependencies": {"a": "1"}}"#);
        let of_tools = ("package.json", r#"{"devDependencies": {"a": "1"}}"#);
        let names = |files: &[(&str, &str)]| found(files).expect("found");
        assert_eq!(
            names(&[requirements, package]),
            [
                ("python/requirements.txt".to_owned(), true),
                ("nodejs/package.json".to_owned(), true)
            ]
        );
        assert_eq!(
            names(&[("pyproject.toml", "[project]"), asking]),
            [
                ("pyproject.toml".to_owned(), false),
                ("package.json".to_owned(), false)
            ]
        );
        assert_eq!(names(&[requirements, of_tools]).len(), 1);
        assert_eq!(names(&[of_tools]), [("package.json".to_owned(), false)]);
        assert_eq!(
            names(&[("package-lock.json", "")]),
            [("package-lock.json".to_owned(), false)]
        );
    }

    #[test]
    fn a_folder_without_a_manifest_says_what_was_looked_for() {
        let error = found(&[("pyproject.toml", "[tool.black]")]).expect_err("there is none");
        assert!(error.to_string().ends_with(": no manifest in this folder"));
        insta::assert_snapshot!(error.hint().expect("a hint"), @"looked for `requirements.txt`, `python/requirements.txt`, `pyproject.toml`, `python/pyproject.toml`, `pylock.toml`, `python/pylock.toml`, `uv.lock`, `poetry.lock`, `pdm.lock`, `Pipfile.lock`, `package.json`, `nodejs/package.json`, `npm-shrinkwrap.json`, `package-lock.json`, `pnpm-lock.yaml`, `yarn.lock`, `bun.lock`, `bun.lockb`, `nodejs/npm-shrinkwrap.json`, `nodejs/package-lock.json`, `nodejs/pnpm-lock.yaml`, `nodejs/yarn.lock`, `nodejs/bun.lock`, `nodejs/bun.lockb`");
    }
}
