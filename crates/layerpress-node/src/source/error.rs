//! Why a manifest cannot be had, and why a tree cannot be built.

use std::path::PathBuf;
use std::sync::Arc;

use layerpress_fetch::git::GitError;
use layerpress_fetch::{ErrorKind, FetchError};

use crate::integrity::told;
use crate::name::NameFault;
use crate::package_json::PackageJsonError;
use crate::package_lock::PackageLockError;
use crate::pick::PickError;
use crate::place::PlaceError;
use crate::registry::RegistryError;
use crate::tarball::TarballError;

/// Why the manifest of what was asked for cannot be had.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// What a dependency is called is no name.
    #[error("`{name}` is no name of a package: {fault}")]
    Name {
        /// What it is called.
        name: String,
        /// What is wrong with it.
        fault: NameFault,
    },
    /// The registry does not say.
    #[error(transparent)]
    Registry(RegistryError),
    /// No version is what was asked for.
    #[error(transparent)]
    Pick(PickError),
    /// What was kept of a registry's answer is damaged.
    #[error("{name}: what was kept of the registry's answer is damaged")]
    Damaged {
        /// The package.
        name: String,
    },
    /// A tarball cannot be fetched.
    #[error("{}", told(.0))]
    Fetch(FetchError),
    /// A repository cannot be had.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A tarball cannot be read.
    #[error("{0}")]
    Tarball(Arc<TarballError>),
    /// A package.json cannot be read.
    #[error("{0}")]
    PackageJson(Arc<PackageJsonError>),
    /// The lockfile inside a tarball cannot be read.
    #[error("{0}")]
    Shrinkwrap(Arc<PackageLockError>),
    /// A tarball or folder of the disk is not there.
    #[error("{}: there is no such {}", .path.display(), if *.folder { "folder" } else { "file" })]
    NotFound {
        /// Where it should be.
        path: PathBuf,
        /// Whether a folder is asked for.
        folder: bool,
    },
    /// A file or folder cannot be read.
    #[error("{}: cannot be read: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: Arc<std::io::Error>,
    },
    /// The project has no such workspace.
    #[error("the project has no workspace `{name}`")]
    NoWorkspace {
        /// What it is called.
        name: String,
    },
    /// Something that nothing is taken from.
    #[error("`{what}`: packages are not taken from there")]
    Unsupported {
        /// What was asked for, without credentials.
        what: String,
    },
}

impl SourceError {
    /// Whether the package itself is what is missing or wrong, so that the tree can do without it
    /// where it is optional. All other failures end the resolution.
    #[must_use]
    pub fn is_about_the_package(&self) -> bool {
        match self {
            Self::Registry(error) => error.is_absence(),
            Self::Fetch(error) => matches!(error.status(), Some(404 | 410)),
            Self::Git(error) => matches!(error.kind(), None | Some(ErrorKind::Input)),
            Self::Name { .. }
            | Self::Pick(_)
            | Self::Tarball(_)
            | Self::Shrinkwrap(_)
            | Self::NotFound { .. }
            | Self::NoWorkspace { .. }
            | Self::Unsupported { .. } => true,
            Self::Damaged { .. } | Self::PackageJson(_) | Self::Io { .. } => false,
        }
    }

    /// What sort of failure it is; `None` when the request cannot be met.
    #[must_use]
    pub fn kind(&self) -> Option<ErrorKind> {
        match self {
            Self::Registry(error) => error.kind(),
            // An address that leads nowhere is wrong in itself.
            Self::Fetch(error) if matches!(error.status(), Some(404 | 410)) => {
                Some(ErrorKind::Input)
            }
            Self::Fetch(error) => Some(error.kind()),
            Self::Git(error) => error.kind(),
            Self::Name { .. }
            | Self::Tarball(_)
            | Self::Shrinkwrap(_)
            | Self::PackageJson(_)
            | Self::NotFound { .. } => Some(ErrorKind::Input),
            Self::Damaged { .. } | Self::Io { .. } => Some(ErrorKind::Io),
            Self::Pick(_) | Self::NoWorkspace { .. } | Self::Unsupported { .. } => None,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Registry(error) => error.hint(),
            Self::Pick(error) => Some(error.hint()),
            Self::Fetch(error) => error.hint(),
            Self::Git(error) => error.hint().map(str::to_owned),
            Self::PackageJson(error) => Some(error.hint().to_owned()),
            Self::Tarball(error) => error.hint().map(str::to_owned),
            Self::Shrinkwrap(error) => Some(error.hint().to_owned()),
            Self::NoWorkspace { .. } => {
                Some("`workspaces` in package.json lists the folders of workspaces".to_owned())
            }
            Self::NotFound { .. } => {
                Some("paths in package.json are relative to its folder".to_owned())
            }
            Self::Damaged { .. } => Some("remove it with `layerpress cache clean`".to_owned()),
            _ => None,
        }
    }
}

/// Why the workspaces of a project cannot be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkspaceError {
    /// A pattern is none.
    #[error("package.json: `workspaces`: `{pattern}` is no pattern: {cause}")]
    Pattern {
        /// What stands there.
        pattern: String,
        /// What is wrong with it.
        cause: String,
    },
    /// Two workspaces have one name.
    #[error("package.json: `workspaces`: `{first}` and `{second}` are both called `{name}`")]
    SameName {
        /// The name.
        name: String,
        /// The first folder.
        first: String,
        /// Another one.
        second: String,
    },
    /// A package.json among them cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// Why a project cannot be resolved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The tree cannot be built.
    #[error("{error}")]
    Place {
        /// Why not.
        error: PlaceError,
        /// Packages whose names are near to that of the missing one, the likeliest first.
        similar: Vec<String>,
    },
    /// A registry, a server, the network or the disk failed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The workspaces cannot be told.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// It was given up without a reason.
    #[error("the resolution was given up")]
    Stopped,
}

impl ResolveError {
    /// What sort of failure it is; `None` when the request cannot be met.
    #[must_use]
    pub fn kind(&self) -> Option<ErrorKind> {
        match self {
            Self::Place {
                error: PlaceError::Unavailable { failure, .. },
                ..
            } if failure.is_input => Some(ErrorKind::Input),
            Self::Place { .. } | Self::Stopped => None,
            Self::Source(error) | Self::Workspace(WorkspaceError::Source(error)) => error.kind(),
            Self::Workspace(_) => Some(ErrorKind::Input),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Place { similar, .. } if !similar.is_empty() => {
                let names: Vec<String> = similar.iter().map(|name| format!("`{name}`")).collect();
                Some(format!("did you mean {}?", names.join(" or ")))
            }
            Self::Place { error, .. } => Some(error.hint()).filter(|hint| !hint.is_empty()),
            Self::Source(error) | Self::Workspace(WorkspaceError::Source(error)) => error.hint(),
            Self::Workspace(WorkspaceError::SameName { .. }) => {
                Some("give each workspace a `name` of its own".to_owned())
            }
            Self::Workspace(_) | Self::Stopped => None,
        }
    }
}
