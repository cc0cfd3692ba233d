//! A package.json on the disk: the project's own, a workspace's, that of a local folder.
//!
//! In comes its text, out comes a [`PackageJson`]; a fault is named with line, column and field.

mod error;
mod read;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::de::DeserializeSeed as _;

use crate::manifest::{Manifest, Pairs};
use crate::seek;
use crate::trail::{Fault, Trail};

pub use error::PackageJsonError;

/// More than any real package.json; 1 MiB is already rare.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// What some editors write before a text.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// A package.json.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageJson {
    /// What is said of any package; its `bundled` holds the names, whatever way they were given.
    pub manifest: Manifest,
    /// What only its own developers need.
    pub dev_dependencies: Pairs,
    /// What to put in the place of dependencies anywhere in the tree, by `name` or `name@range`.
    pub overrides: Vec<(Arc<str>, Override)>,
    /// Folders of the project that are packages too; globs.
    pub workspaces: Vec<Arc<str>>,
}

/// What stands in the place of a package, and of those below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Override {
    /// The specifier for the package itself, `$name` for what the project asks for by that name.
    pub value: Option<Arc<str>>,
    /// What holds below the package only.
    pub children: Vec<(Arc<str>, Override)>,
}

impl PackageJson {
    /// Reads a package.json; `file` is what messages call it.
    ///
    /// # Errors
    /// What is no JSON, a field of the wrong kind, a dependency that cannot be fetched.
    pub fn parse(file: &str, text: &[u8]) -> Result<PackageJson, PackageJsonError> {
        if text.len() > MAX_BYTES {
            let (file, bytes) = (file.to_owned(), text.len());
            return Err(PackageJsonError::TooLarge {
                file,
                bytes,
                limit: MAX_BYTES,
            });
        }
        let text = text.strip_prefix(BOM).unwrap_or(text);
        let trail = Trail::default();
        let mut json = serde_json::Deserializer::from_slice(text);
        let read = read::Document(&trail)
            .deserialize(&mut json)
            .and_then(|read| {
                json.end()?;
                Ok(read)
            });
        read.map_err(|error| located(file, trail.located(text, &error)))
    }
}

/// The line on which a field stands, counted from one; its parents come before it in `path`.
/// Nothing when there is no such field, or the text is no JSON before it.
#[must_use]
pub fn line_of(text: &[u8], path: &[String]) -> Option<usize> {
    let found = seek::field(text.strip_prefix(BOM).unwrap_or(text), path, text.len())?;
    Some(seek::position(text, found.key).0)
}

fn located(file: &str, fault: Fault) -> PackageJsonError {
    let file = file.to_owned();
    let Fault {
        line,
        column,
        message,
        ..
    } = fault;
    match fault.field {
        None => PackageJsonError::Json {
            file,
            line,
            column,
            message,
        },
        Some(field) => PackageJsonError::Field {
            file,
            line,
            column,
            field,
            message,
            hint: fault
                .hint
                .unwrap_or("see the documentation of package.json for this field"),
        },
    }
}
