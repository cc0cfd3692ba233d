//! [`BuildSystem`]: which backend builds a source tree, and what it needs.
//!
//! PEP 517 and 518; <https://packaging.python.org/en/latest/specifications/pyproject-toml/>,
//! "Declaring build system dependencies: the `[build-system]` table".

use std::path::{Path, PathBuf};

use layerpress_tree::LayerPath;
use toml_edit::{Document, Item};

use super::error::BuildError;
use crate::lenient::{self, Dependency};

/// What a tree without a backend of its own is built with: PEP 517, "Source trees", and PEP 518,
/// "build-system table", say what a tool assumes.
const LEGACY_BACKEND: &str = "setuptools.build_meta:__legacy__";
const LEGACY_REQUIREMENT: &str = "setuptools>=40.8.0";

/// No `pyproject.toml` that people write comes near this.
const PYPROJECT_LIMIT: u64 = 4 << 20;

/// The `[build-system]` table, or what stands for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BuildSystem {
    pub(super) requires: Vec<Dependency>,
    /// `module[:object]`.
    pub(super) backend: String,
    /// Folders of the tree that the backend is imported from.
    pub(super) backend_path: Vec<PathBuf>,
}

impl BuildSystem {
    /// Reads the one of the source tree `root`, called `package` in errors.
    pub(super) fn of(root: &Path, package: &str) -> Result<Self, BuildError> {
        let Some(text) = read_pyproject(root, package)? else {
            if root.join("setup.py").is_file() {
                return Ok(Self::legacy());
            }
            return Err(BuildError::NoProject {
                package: package.to_owned(),
                folder: None,
            });
        };
        let refused = |problem: String| BuildError::Pyproject {
            package: package.to_owned(),
            problem,
        };
        let system = Self::parse(&text).map_err(refused)?;
        for folder in &system.backend_path {
            let real = root.join(folder).canonicalize();
            let inside = root
                .canonicalize()
                .is_ok_and(|root| real.is_ok_and(|real| real.starts_with(root)));
            if !inside {
                return Err(refused(format!(
                    "names the `backend-path` `{}`, which is not a folder of the project",
                    folder.display()
                )));
            }
        }
        Ok(system)
    }

    fn legacy() -> Self {
        Self {
            requires: parse_requirements([LEGACY_REQUIREMENT].into_iter()).unwrap_or_default(),
            backend: LEGACY_BACKEND.to_owned(),
            backend_path: Vec::new(),
        }
    }

    /// Reads the table out of `pyproject.toml`; says what is wrong with it.
    fn parse(text: &str) -> Result<Self, String> {
        let document = parse_document(text)?;
        let Some(table) = document.get("build-system") else {
            return Ok(Self::legacy());
        };
        let table = table
            .as_table_like()
            .ok_or("has a `build-system` that is no table")?;
        let requires = table
            .get("requires")
            .ok_or("has a `build-system` without `requires`")?;
        let requires = strings(requires).ok_or("has a `requires` that is no list of strings")?;
        let requires = parse_requirements(requires.iter().map(String::as_str))?;
        let backend = match table.get("build-backend") {
            None => LEGACY_BACKEND.to_owned(),
            Some(item) => item
                .as_str()
                .filter(|name| is_object_path(name))
                .ok_or("has a `build-backend` that is no `module:object`")?
                .to_owned(),
        };
        let folders = match table.get("backend-path") {
            None => Vec::new(),
            Some(item) => strings(item).ok_or("has a `backend-path` that is no list of strings")?,
        };
        let backend_path = folders
            .iter()
            .map(|folder| match folder.trim_end_matches('/') {
                "." | "" | "./" => Ok(PathBuf::from(".")),
                folder => LayerPath::new(folder.trim_start_matches("./"))
                    .map(|path| PathBuf::from(path.as_str()))
                    .map_err(|error| format!("has a `backend-path` that leads outside: {error}")),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            requires,
            backend,
            backend_path,
        })
    }
}

/// The text of the tree's `pyproject.toml`, if there is one.
pub(super) fn read_pyproject(root: &Path, package: &str) -> Result<Option<String>, BuildError> {
    let path = root.join("pyproject.toml");
    let Ok(metadata) = std::fs::metadata(&path) else {
        return Ok(None);
    };
    let refused = |problem: &str| BuildError::Pyproject {
        package: package.to_owned(),
        problem: problem.to_owned(),
    };
    if !metadata.is_file() {
        return Err(refused("is no file"));
    }
    if metadata.len() > PYPROJECT_LIMIT {
        return Err(refused("is too long"));
    }
    let bytes = std::fs::read(&path).map_err(BuildError::io(&path))?;
    String::from_utf8(bytes)
        .map(Some)
        .map_err(|_| refused("is not UTF-8"))
}

/// A TOML document, or what is wrong with it in one line.
pub(super) fn parse_document(text: &str) -> Result<Document<&str>, String> {
    Document::parse(text).map_err(|error| {
        let line = error
            .span()
            .and_then(|span| text.get(..span.start))
            .map_or(1, |before| before.matches('\n').count() + 1);
        let message = error.message().lines().next().unwrap_or_default();
        format!("is no TOML: line {line}: {message}")
    })
}

/// The strings of an array.
pub(super) fn strings(item: &Item) -> Option<Vec<String>> {
    item.as_array()?
        .iter()
        .map(|value| value.as_str().map(str::to_owned))
        .collect()
}

/// Requirements as a backend or a table lists them.
pub(super) fn parse_requirements<'a>(
    texts: impl Iterator<Item = &'a str>,
) -> Result<Vec<Dependency>, String> {
    texts
        .map(|text| {
            lenient::dependency(text)
                .map(|(requirement, _)| requirement)
                .map_err(|error| {
                    format!("lists the requirement `{}`: {error}", text.escape_debug())
                })
        })
        .collect()
}

fn is_object_path(text: &str) -> bool {
    let dotted = |text: &str| {
        text.split('.')
            .all(|part| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_'))
    };
    match text.split_once(':') {
        None => dotted(text),
        Some((module, object)) => dotted(module) && dotted(object),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> String {
        match BuildSystem::parse(text) {
            Ok(system) => format!(
                "{} {:?} {:?}",
                system.backend,
                system
                    .requires
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>(),
                system.backend_path
            ),
            Err(problem) => problem,
        }
    }

    #[test]
    fn what_stands_in_the_table() {
        insta::assert_snapshot!(parse("[project]\nname = 'a'\n"), @r#"setuptools.build_meta:__legacy__ ["setuptools>=40.8.0"] []"#);
        insta::assert_snapshot!(parse("[build-system]\nrequires = ['wheel']\n"), @r#"setuptools.build_meta:__legacy__ ["wheel"] []"#);
        insta::assert_snapshot!(
            parse("[build-system]\nrequires = []\nbuild-backend = 'a.b:c'\nbackend-path = ['.', './x/y/']\n"),
            @r#"a.b:c [] [".", "x/y"]"#
        );
    }

    #[test]
    fn tables_that_are_wrong() {
        insta::assert_snapshot!(parse("[build-system]\n\nrequires = "), @"is no TOML: line 3: string values must be quoted, expected literal string");
        insta::assert_snapshot!(parse("[build-system]\n"), @"has a `build-system` without `requires`");
        insta::assert_snapshot!(parse("build-system = 1"), @"has a `build-system` that is no table");
        insta::assert_snapshot!(parse("[build-system]\nrequires = ['a b']\n"), @"lists the requirement `a b`: Expected one of `@`, `(`, `<`, `=`, `>`, `~`, `!`, `;`, found `b`");
        insta::assert_snapshot!(
            parse("[build-system]\nrequires = []\nbuild-backend = 'os; x'\n"),
            @"has a `build-backend` that is no `module:object`"
        );
        insta::assert_snapshot!(
            parse("[build-system]\nrequires = []\nbackend-path = ['../x']\n"),
            @"has a `backend-path` that leads outside: `../x` holds the component `..`"
        );
    }
}
