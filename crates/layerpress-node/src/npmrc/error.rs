//! What can be wrong with npm's settings.

use std::io;
use std::path::PathBuf;

/// A setting that cannot be followed. What stands in it is not repeated where it may be a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NpmrcError {
    /// A file is there but cannot be read.
    #[error("{}: cannot be read: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The address of a registry is none.
    #[error("{place}: `{key}` is no address of a registry: {cause}")]
    Registry {
        /// The file, or the environment.
        place: String,
        /// The setting.
        key: String,
        /// What is wrong with it.
        cause: String,
    },
    /// A variable in the address of a registry is not set.
    #[error("{place}: `{key}` asks for the variable `{variable}`, which is not set")]
    Variable {
        /// The file, or the environment.
        place: String,
        /// The setting.
        key: String,
        /// The variable's name.
        variable: String,
    },
    /// A date is none.
    #[error("{place}: `{key}` is no date: `{found}`")]
    Date {
        /// The file, or the environment.
        place: String,
        /// The setting.
        key: String,
        /// What stands there.
        found: String,
    },
    /// A number of days is none.
    #[error("{place}: `{key}` is no number of days: `{found}`")]
    Days {
        /// The file, or the environment.
        place: String,
        /// The setting.
        key: String,
        /// What stands there.
        found: String,
    },
}

impl NpmrcError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Read { .. } => None,
            Self::Registry { .. } => Some("write it in full: `registry=https://HOST/PATH/`"),
            Self::Variable { .. } => {
                Some("set the variable; with a `?` behind its name it may be missing")
            }
            Self::Date { .. } => Some("write it as `2026-01-31` or `2026-01-31T12:00:00Z`"),
            Self::Days { .. } => Some("write a number of days, such as `7`"),
        }
    }
}
