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
use crate::trail::Trail;

pub use error::PackageJsonError;

/// More than any real package.json; 1 MiB is already rare.
const MAX_BYTES: usize = 16 * 1024 * 1024;

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
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let trail = Trail::default();
        let mut json = serde_json::Deserializer::from_slice(text);
        let read = read::Document(&trail)
            .deserialize(&mut json)
            .and_then(|read| {
                json.end()?;
                Ok(read)
            });
        read.map_err(|error| located(file, &error, &trail))
    }
}

/// The line on which a field stands, counted from one; its parents come before it in `path`.
/// Nothing when there is no such field, or the text is no JSON before it.
#[must_use]
pub fn line_of(text: &[u8], path: &[String]) -> Option<usize> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let found = std::cell::Cell::new(false);
    let mut json = serde_json::Deserializer::from_slice(text);
    let end = read::Field {
        path,
        found: &found,
    }
    .deserialize(&mut json);
    // Reading ends where the field is found, and the parser says where that was.
    end.err().filter(|_| found.get()).map(|error| error.line())
}

fn located(file: &str, error: &serde_json::Error, trail: &Trail) -> PackageJsonError {
    let (file, line, column) = (file.to_owned(), error.line(), error.column());
    let text = error.to_string();
    let message = text
        .split(" at line ")
        .next()
        .unwrap_or_default()
        .to_owned();
    let fields = trail.fields.borrow();
    if !error.is_data() || fields.is_empty() {
        return PackageJsonError::Json {
            file,
            line,
            column,
            message,
        };
    }
    let hint = trail
        .hint
        .get()
        .unwrap_or("see the documentation of package.json for this field");
    PackageJsonError::Field {
        file,
        line,
        column,
        field: fields.join("."),
        message,
        hint,
    }
}
