//! What can be wrong with a lockfile.

/// A lockfile that cannot be used; every variant names the file and the place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackageLockError {
    /// It is no JSON.
    #[error("{file}:{line}:{column}: {message}")]
    Json {
        /// The file as the user wrote it.
        file: String,
        /// Counted from one.
        line: usize,
        /// Counted from one.
        column: usize,
        /// What the parser did not expect.
        message: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// A field holds what it cannot hold.
    #[error("{file}:{line}:{column}: `{field}`: {message}")]
    Field {
        /// The file as the user wrote it.
        file: String,
        /// Counted from one.
        line: usize,
        /// Counted from one.
        column: usize,
        /// The field, its parents before it: `packages["node_modules/a"].version`.
        field: String,
        /// What was found and what was expected.
        message: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// A version of the format that this program does not know.
    #[error("{file}: `lockfileVersion` is `{found}`; known are 1, 2 and 3")]
    Version {
        /// The file as the user wrote it.
        file: String,
        /// What stands there.
        found: String,
    },
    /// It is larger than any lockfile is.
    #[error("{file}: {bytes} bytes are more than the {limit} that a lockfile may have")]
    TooLarge {
        /// The file as the user wrote it.
        file: String,
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        limit: usize,
    },
    /// It has more packages than any project has.
    #[error("{file}: more than {limit} packages")]
    TooManyPackages {
        /// The file as the user wrote it.
        file: String,
        /// How many there may be.
        limit: usize,
    },
}

impl PackageLockError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            PackageLockError::Json { hint, .. } | PackageLockError::Field { hint, .. } => hint,
            PackageLockError::Version { .. } => {
                "write the file again with `npm install --lockfile-version=3`, or delete it"
            }
            PackageLockError::TooLarge { .. } | PackageLockError::TooManyPackages { .. } => {
                "is this the right file?"
            }
        }
    }
}

/// The way out of a damaged file.
pub(super) const REWRITE: &str = "delete the file and have it written again from package.json";
