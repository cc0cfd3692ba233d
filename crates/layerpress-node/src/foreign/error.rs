//! What can be wrong with another tool's lockfile.

use crate::source::WorkspaceError;

/// A lockfile that cannot be used; every variant names the file and the place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ForeignLockError {
    /// The text is not what its format allows.
    #[error("{file}:{line}:{column}: {message}")]
    Syntax {
        /// The file as the user wrote it.
        file: String,
        /// Counted from one.
        line: usize,
        /// Counted from one.
        column: usize,
        /// What the parser did not expect.
        message: String,
        /// What to do about it.
        hint: String,
    },
    /// A field holds what it cannot hold.
    #[error("{file}:{line}: `{field}`: {message}")]
    Field {
        /// The file as the user wrote it.
        file: String,
        /// Counted from one.
        line: usize,
        /// The field, its parents before it: `packages["a@1.0.0"].resolution`.
        field: String,
        /// What was found and what was expected.
        message: String,
        /// What to do about it.
        hint: String,
    },
    /// Something that only the tool itself can do.
    #[error("{file}:{line}: `{field}`: {what}")]
    Unsupported {
        /// The file as the user wrote it.
        file: String,
        /// Counted from one.
        line: usize,
        /// The field, its parents before it.
        field: String,
        /// What it asks for.
        what: String,
        /// The way out.
        hint: String,
    },
    /// A version of the format that this program does not know.
    #[error("{file}: `{field}` is `{found}`; known are {known}")]
    Version {
        /// The file as the user wrote it.
        file: String,
        /// The field that says it.
        field: &'static str,
        /// What stands there.
        found: String,
        /// The versions that are known.
        known: &'static str,
        /// The way out.
        hint: &'static str,
    },
    /// Bun's older lockfile, which is no text.
    #[error("{file}: bun's binary lockfile is known to bun alone")]
    Binary {
        /// The file as the user wrote it.
        file: String,
    },
    /// The lockfile does not say what it is for, and no package.json beside it does.
    #[error("{file}: {tool} leaves to package.json what is asked for, and there is none beside it")]
    NoManifest {
        /// The file as the user wrote it.
        file: String,
        /// Whose lockfile it is.
        tool: &'static str,
    },
    /// The workspaces of the project.
    #[error(transparent)]
    Workspaces(#[from] WorkspaceError),
    /// It does not hold what a package.json asks for.
    #[error("{file}: the lockfile does not meet `{manifest}`: {unmet}")]
    Outdated {
        /// The lockfile as the user wrote it.
        file: String,
        /// The package.json.
        manifest: String,
        /// What is not met.
        unmet: String,
        /// The command that brings the lockfile up to date.
        command: &'static str,
    },
    /// Packages that need each other in versions that no tree of folders can hold.
    #[error(
        "{file}: `{package}` cannot be laid out: more than {limit} folders would lie in one another"
    )]
    TooDeep {
        /// The file as the user wrote it.
        file: String,
        /// The package.
        package: String,
        /// How many folders there may be.
        limit: usize,
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

impl ForeignLockError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            ForeignLockError::Syntax { hint, .. }
            | ForeignLockError::Field { hint, .. }
            | ForeignLockError::Unsupported { hint, .. } => hint.clone(),
            ForeignLockError::Version { hint, .. } => (*hint).to_owned(),
            ForeignLockError::Workspaces(_) => {
                "`workspaces` of package.json names folders that have a package.json".to_owned()
            }
            ForeignLockError::Binary { .. } => {
                "write it as text with `bun install --save-text-lockfile`".to_owned()
            }
            ForeignLockError::NoManifest { .. } => {
                "put the project's package.json beside it".to_owned()
            }
            ForeignLockError::Outdated { command, .. } => {
                format!("run `{command}` to bring it up to date")
            }
            ForeignLockError::TooDeep { .. } => {
                "have one version of the package with `overrides` or `resolutions`".to_owned()
            }
            ForeignLockError::TooLarge { .. } | ForeignLockError::TooManyPackages { .. } => {
                "is this the right file?".to_owned()
            }
        }
    }

    /// Whether the file is sound, and only does not serve the project as it is now.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        matches!(self, ForeignLockError::Outdated { .. })
    }
}
