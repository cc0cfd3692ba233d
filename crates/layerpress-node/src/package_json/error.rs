//! What can be wrong with a package.json.

/// A package.json that cannot be used; every variant names the place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackageJsonError {
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
        /// The field, its parents before it: `dependencies.express`.
        field: String,
        /// What was found and what was expected.
        message: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// It is larger than any package.json is.
    #[error("{file}: {bytes} bytes are more than the {limit} that a package.json may have")]
    TooLarge {
        /// The file as the user wrote it.
        file: String,
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        limit: usize,
    },
}

impl PackageJsonError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            PackageJsonError::Json { .. } => {
                "package.json is strict JSON: no comments, no comma after the last entry"
            }
            PackageJsonError::Field { hint, .. } => hint,
            PackageJsonError::TooLarge { .. } => "is this the right file?",
        }
    }
}
