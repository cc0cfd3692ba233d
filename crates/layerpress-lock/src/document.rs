//! [`document`]: a lock's text as a TOML document, or why it is none.

use toml_edit::Document;

use crate::error::shown;
use crate::fields::{Fields, Place};
use crate::{Fault, LockError};

/// Bytes that a lockfile may have: thousands of packages with every wheel they ever had.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Reads a TOML lock with `read`.
pub(crate) fn document<T>(
    text: &str,
    read: impl FnOnce(&Fields<'_>) -> Result<T, LockError>,
) -> Result<T, LockError> {
    bounded(text)?;
    let root = Place::root(text);
    let document = Document::parse(text).map_err(|error| {
        conflict(text).unwrap_or_else(|| {
            root.at(error.span()).fault(Fault::Syntax {
                language: "TOML",
                message: shown(&error.message().replace('\n', ", ")),
            })
        })
    })?;
    read(&Fields::new(document.as_table(), root))
}

/// Refuses what is larger than any lock.
pub(crate) fn bounded(text: &str) -> Result<(), LockError> {
    if text.len() > MAX_BYTES {
        return Err(Place::root(text).fault(Fault::TooLarge {
            bytes: text.len(),
            limit: MAX_BYTES,
        }));
    }
    Ok(())
}

/// What is wrong with a text that cannot be parsed, if it is that git left both sides in it.
pub(crate) fn conflict(text: &str) -> Option<LockError> {
    let mark = text.lines().position(|line| line.starts_with("<<<<<<< "))?;
    Some(LockError {
        line: u32::try_from(mark + 1).ok(),
        field: String::new(),
        package: None,
        fault: Fault::Conflict,
    })
}
