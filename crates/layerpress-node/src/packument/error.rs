//! What can be wrong with what a registry says of a package.

/// An answer of a registry that is no packument.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackumentError {
    /// It is no JSON, or not in the form of a packument.
    #[error(
        "{name}: the registry's answer cannot be read at line {line}, column {column}: {message}"
    )]
    Json {
        /// The package that was asked for.
        name: String,
        /// Counted from one.
        line: usize,
        /// Counted from one.
        column: usize,
        /// What the parser did not expect.
        message: String,
    },
    /// It speaks of another package.
    #[error("{name}: the registry answered with `{found}`")]
    OtherPackage {
        /// The package that was asked for.
        name: String,
        /// The package that the answer names.
        found: String,
    },
    /// There is no version in it.
    #[error("{name}: the registry has no version of it")]
    NoVersions {
        /// The package that was asked for.
        name: String,
    },
    /// It is larger than any packument is.
    #[error("{name}: the registry's answer has {bytes} bytes")]
    TooLarge {
        /// The package that was asked for.
        name: String,
        /// How large it is.
        bytes: usize,
    },
}

impl PackumentError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            PackumentError::Json { .. } | PackumentError::OtherPackage { .. } => {
                "is the registry's address right, and is there no login page in between?"
            }
            PackumentError::NoVersions { .. } => "all of its versions were unpublished",
            PackumentError::TooLarge { .. } => "answers of up to 512 MiB are read",
        }
    }
}
