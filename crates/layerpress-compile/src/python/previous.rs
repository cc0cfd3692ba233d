//! [`Previous`]: the `pylock.toml` that is there before a command.

use std::path::Path;

use layerpress_lock::{Fault, LockError, Pylock};

use super::error::PythonError;
use crate::error::CompileError;
use crate::session::Session;

/// A lockfile as it was found.
pub(super) struct Previous {
    /// As it is written.
    pub(super) text: String,
    /// What it says.
    pub(super) lock: Pylock,
}

impl Previous {
    /// Reads the lockfile at `path`; nothing if there is none.
    ///
    /// # Errors
    /// A file that cannot be read, or that is no lockfile.
    pub(super) fn read(path: &Path, session: &Session) -> Result<Option<Self>, CompileError> {
        let text = match read_text(path) {
            Err(CompileError::Unreadable { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                return Ok(None);
            }
            text => text?,
        };
        match Pylock::parse_with_warnings(&text) {
            Ok((lock, warnings)) => {
                let told = |warning| format!("{}: {warning}", path.display());
                session.warn_all(warnings.iter().map(told));
                Ok(Some(Self { text, lock }))
            }
            Err(error) => Err(PythonError::Lock {
                path: path.to_owned(),
                error: Box::new(error),
            }
            .into()),
        }
    }
}

/// A lockfile's text.
///
/// # Errors
/// A file that cannot be read, or that is no text.
pub(super) fn read_text(path: &Path) -> Result<String, CompileError> {
    let bytes = std::fs::read(path).map_err(|source| CompileError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        PythonError::Lock {
            path: path.to_owned(),
            error: Box::new(LockError {
                line: u32::try_from(line).ok(),
                field: String::new(),
                package: None,
                fault: Fault::NotText,
            }),
        }
        .into()
    })
}
