//! What can go wrong between a repository's address and a commit's files.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::ErrorKind;

/// Why a repository gave nothing. Addresses are shown without credentials.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// The `git` program is not there.
    #[error("`git` is needed for `{repository}` and was not found")]
    NoGit {
        /// The repository.
        repository: String,
    },
    /// The reference cannot be one of git's.
    #[error("`{repository}`: `{reference}` is no git reference")]
    Reference {
        /// The repository.
        repository: String,
        /// What was asked for.
        reference: String,
    },
    /// The repository's address is of a kind that is not fetched.
    #[error("`{repository}`: git repositories are fetched by https, http, ssh, git or file")]
    Scheme {
        /// The repository.
        repository: String,
    },
    /// The repository has no such reference.
    #[error("`{repository}` has no branch, tag or commit `{reference}`")]
    Unknown {
        /// The repository.
        repository: String,
        /// What was asked for.
        reference: String,
    },
    /// Another failure of `git`.
    #[error("`{repository}`: `git {command}` failed: {output}")]
    Failed {
        /// The repository.
        repository: String,
        /// Which of git's commands.
        command: String,
        /// The last of what it printed, in one line.
        output: String,
    },
    /// A temporary folder cannot be made.
    #[error("`{}`: {error}", .path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        error: Arc<io::Error>,
    },
}

impl GitError {
    /// What sort of failure it is; `None` when what was asked for cannot be had on this machine.
    #[must_use]
    pub fn kind(&self) -> Option<ErrorKind> {
        match self {
            Self::NoGit { .. } | Self::Unknown { .. } => None,
            Self::Reference { .. } | Self::Scheme { .. } => Some(ErrorKind::Input),
            Self::Failed { .. } => Some(ErrorKind::Network),
            Self::Io { .. } => Some(ErrorKind::Io),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoGit { .. } => Some("install git, or name an archive's URL instead"),
            Self::Unknown { .. } => Some(
                "a commit is written with all its digits where the server does not tell short ones",
            ),
            Self::Failed { .. } => Some(
                "git runs with this machine's own settings and asks nobody: a private repository needs a \
                 key or a credential helper, as for `git ls-remote`",
            ),
            _ => None,
        }
    }

    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Io {
            path,
            error: Arc::new(error),
        }
    }
}
