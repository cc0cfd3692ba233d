//! Why a lockfile cannot be written, used, or does not meet a manifest.

use std::path::PathBuf;

use layerpress_fetch::FetchError;
use layerpress_lock::SelectError;
use layerpress_target::Target;
use layerpress_tree::Digest;
use pep440_rs::Version;
use pep508_rs::PackageName;

use crate::index::IndexError;
use crate::manifest::Origin;

/// Why no lock can be made of a resolution, or no artifact be chosen from a lock.
#[derive(Debug, thiserror::Error)]
pub enum LockfileError {
    /// A path cannot be told from the lock's folder.
    #[error("{package}: `{}` cannot stand in a lockfile: {source}", path.display())]
    Path {
        /// The package.
        package: PackageName,
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        source: layerpress_lock::PathError,
    },
    /// The index gives no digest for a file.
    #[error("{package}: the index gives no SHA-2 digest for `{file}`, so nothing pins it")]
    Unhashed {
        /// The package.
        package: PackageName,
        /// The file.
        file: String,
    },
    /// The lock lists no file of a package for a target.
    #[error("{package}: the lock lists no file of it for {target}{}", nor(also))]
    NoFile {
        /// The package.
        package: PackageName,
        /// Its version.
        version: Option<Version>,
        /// The target.
        target: Target,
        /// The files that it lists.
        listed: Vec<String>,
        /// The other packages that it lists no file of.
        also: Vec<PackageName>,
    },
    /// A repository of another kind than git.
    #[error("{package}: a repository of kind `{kind}` cannot be checked out")]
    Vcs {
        /// The package.
        package: PackageName,
        /// The kind.
        kind: String,
    },
    /// A local repository whose path is no URL.
    #[error("{package}: `{}` is no path to a repository", path.display())]
    Repository {
        /// The package.
        package: PackageName,
        /// The path.
        path: PathBuf,
    },
    /// The index has nothing of a version that the lock pins without an address.
    #[error("{package}: the index has no {version}, which the lock pins")]
    NoRelease {
        /// The package.
        package: PackageName,
        /// The version.
        version: Version,
    },
    /// The index has other files of a version than those that the lock pins.
    #[error("{package}: `{url}` has {found}, and {}", expected(listed))]
    OtherFiles {
        /// The package.
        package: PackageName,
        /// The version.
        version: Version,
        /// The file of the index that the target would get, redacted.
        url: String,
        /// What it hashes to.
        found: Digest,
        /// What the lock lists for the version.
        listed: Vec<Digest>,
    },
    /// A file that had to be looked into.
    #[error(transparent)]
    Fetch(#[from] Box<FetchError>),
    /// The index could not be asked for files.
    #[error(transparent)]
    Index(Box<IndexError>),
    /// The lock is not for the target, or leaves open what to install.
    #[error(transparent)]
    Select(#[from] SelectError),
}

/// What a file of a version should hash to.
fn expected(listed: &[Digest]) -> String {
    match listed {
        [only] => format!("the lock lists {only}"),
        [first, more @ ..] => format!("the lock lists {first} and {} more", more.len()),
        [] => "the lock lists nothing".to_owned(),
    }
}

/// `, nor of a, b`
fn nor(also: &[PackageName]) -> String {
    let names: Vec<&str> = also.iter().map(AsRef::as_ref).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!(", nor of {}", names.join(", ")),
    }
}

impl LockfileError {
    /// The package that it is about, where it is about one.
    #[must_use]
    pub fn package(&self) -> Option<&PackageName> {
        match self {
            Self::Path { package, .. }
            | Self::Unhashed { package, .. }
            | Self::NoFile { package, .. }
            | Self::Vcs { package, .. }
            | Self::Repository { package, .. }
            | Self::NoRelease { package, .. }
            | Self::OtherFiles { package, .. } => Some(package),
            Self::Fetch(_) | Self::Index(_) | Self::Select(_) => None,
        }
    }

    /// Whether the lock is sound, and only does not serve the target.
    #[must_use]
    pub fn is_of_target(&self) -> bool {
        match self {
            Self::NoFile { .. } => true,
            Self::Select(error) => matches!(
                error,
                SelectError::Python { .. }
                    | SelectError::Environment { .. }
                    | SelectError::PackagePython { .. }
                    | SelectError::Unpinned { .. }
            ),
            _ => false,
        }
    }

    /// What the lock has in the place of what is missing, the nearest first.
    #[must_use]
    pub fn lists(&self) -> Option<String> {
        match self {
            Self::NoFile { listed, .. } if !listed.is_empty() => {
                let some = listed.iter().take(3).map(|name| format!("`{name}`"));
                let some: Vec<String> = some.collect();
                let more = if listed.len() > some.len() {
                    ", …"
                } else {
                    ""
                };
                Some(format!("it lists {}{more}", some.join(", ")))
            }
            Self::Select(SelectError::Environment { covered, .. }) => {
                let quoted: Vec<String> = covered.iter().map(|it| format!("`{it}`")).collect();
                Some(format!("it covers {}", quoted.join(", ")))
            }
            _ => None,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Path { .. } | Self::Repository { .. } => {
                Some("keep it on the same drive as the manifest".into())
            }
            Self::Unhashed { .. } => Some(
                "name the file by URL with `#sha256=…`, or use an index that lists digests".into(),
            ),
            Self::NoFile { .. } => {
                let lists = self.lists().map(|lists| format!("{lists}; "));
                Some(format!(
                    "{}lock again with this target among `--runtime` and `--arch`",
                    lists.unwrap_or_default()
                ))
            }
            Self::NoRelease { .. } => {
                Some("`--index-url` or `--extra-index-url` names the index that the lock was made from".into())
            }
            Self::OtherFiles { .. } => Some(
                "is it the index that the lock was made from? A file that was replaced there is not installed".into(),
            ),
            Self::Index(error) => error.hint(),
            Self::Fetch(error) => error.hint(),
            Self::Vcs { .. } => Some("only git repositories are supported".into()),
            Self::Select(source) => Some(source.hint()),
        }
    }
}

/// The first thing of a manifest that a lock does not meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmet {
    /// A line of the manifest.
    Line {
        /// The line.
        origin: Origin,
        /// What is wrong.
        why: Unmeetable,
        /// The target on which it is.
        target: Target,
    },
    /// A target that the lock is not for.
    Target {
        /// Why not.
        source: SelectError,
    },
}

/// Why a lock does not meet a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmeetable {
    /// The package is not in the lock.
    Missing,
    /// The locked version is not among those that the line admits.
    Version {
        /// The locked version.
        locked: String,
    },
    /// The lock has the package from another place.
    Elsewhere {
        /// The locked version, if the lock has one.
        locked: Option<String>,
    },
    /// The lock was made without some of the line's extras.
    Extras,
    /// The lock was made without some of the line's `--config-settings`.
    ConfigSettings,
    /// The file is no longer the one that the lock pins.
    Changed,
    /// The file that the lock gives the target has none of the line's hashes.
    Hashes {
        /// The file.
        file: String,
    },
}

impl std::fmt::Display for Unmet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (origin, why, target) = match self {
            Self::Target { source } => return source.fmt(f),
            Self::Line {
                origin,
                why,
                target,
            } => (origin, why, target),
        };
        write!(f, "{origin} `{}`: ", origin.text)?;
        match why {
            Unmeetable::Missing => write!(f, "the lock has no such package for {target}"),
            Unmeetable::Version { locked } => write!(f, "the lock pins {locked} for {target}"),
            Unmeetable::Elsewhere {
                locked: Some(locked),
            } => {
                write!(f, "the lock has {locked} from another place")
            }
            Unmeetable::Elsewhere { locked: None } => {
                f.write_str("the lock has it from another place")
            }
            Unmeetable::Changed => f.write_str("the file is not the one that was locked"),
            Unmeetable::Hashes { file } => {
                write!(f, "the lock has `{file}`, whose hash is none of the line's")
            }
            Unmeetable::ConfigSettings => {
                f.write_str("the lock was made with other `--config-settings`")
            }
            Unmeetable::Extras => f.write_str("the lock was made without these extras"),
        }
    }
}
