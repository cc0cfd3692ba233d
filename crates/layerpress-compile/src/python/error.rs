//! [`PythonError`]: why a Python layer cannot be built, and which class of failure that is.

use std::path::PathBuf;

use layerpress_fetch::ErrorKind;
use layerpress_lock::LockError;
use layerpress_python::build::{BuildError, BuildErrorKind};
use layerpress_python::lockfile::{LockfileError, Unlisted};
use layerpress_python::manifest::{ManifestError, ManifestErrorKind, Origin};
use layerpress_python::resolve::{FaultKind, ResolveError};
use layerpress_python::wheel::{MergeError, WheelError};
use layerpress_target::{Runtime, Target};
use layerpress_tree::Digest;
use pep508_rs::PackageName;

use crate::error::{CompileError, ExitClass};

/// Why a Python layer cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PythonError {
    /// The manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A target whose Python the project does not admit.
    #[error("{origin} `{}`: {target} has Python {}", origin.text, target.runtime.full_version())]
    OtherPython {
        /// Where the project says which Pythons it is for.
        origin: Box<Origin>,
        /// The target.
        target: Target,
        /// The newest runtime that it admits.
        newest: Option<Runtime>,
    },
    /// Two lines that name different indexes for one package.
    #[error(
        "{name}: {} names the index `{}` for it, and {} names `{}`",
        .lines[0].0, .lines[0].1, .lines[1].0, .lines[1].1
    )]
    ConflictingIndexes {
        /// The package.
        name: PackageName,
        /// Each line, and its index, redacted.
        lines: Box<[(String, String); 2]>,
    },
    /// A file that has none of the hashes that the user gave.
    #[error("`{file_name}`: its `{found}` is none of the hashes given")]
    OtherHash {
        /// The file.
        file_name: String,
        /// What it hashes to.
        found: Digest,
    },
    /// The lockfile.
    #[error("{}", error.in_file(&path.display().to_string()))]
    Lock {
        /// The lockfile.
        path: PathBuf,
        /// What is wrong with it.
        error: Box<LockError>,
    },
    /// A lockfile that leaves it to a manifest what is asked for, and no manifest.
    #[error("{}: it does not say which packages are for production", path.display())]
    NoRoots {
        /// The lockfile.
        path: PathBuf,
    },
    /// The resolution.
    #[error("{source}")]
    Resolve {
        /// Why there is none.
        source: Box<ResolveError>,
    },
    /// Between resolution, lockfile and artifacts.
    #[error(transparent)]
    Lockfile(#[from] LockfileError),
    /// The same in a lock that another tool keeps.
    #[error("{place}: {error}")]
    InLock {
        /// The lock, with the line that is the package's where that is known.
        place: String,
        /// The targets that it is good for, in words; empty where that plays no part, is not known, or
        /// is none.
        serves: String,
        /// What is wrong.
        error: Box<LockfileError>,
    },
    /// A requirements file with hashes that lacks what its packages need.
    #[error("{file}: {} and the file does not list {}", needs(missing), it(missing.len()))]
    Unlisted {
        /// The file.
        file: String,
        /// The target that they need it on.
        target: Target,
        /// What is missing, at least one package.
        missing: Vec<Unlisted>,
    },
    /// A wheel.
    #[error(transparent)]
    Wheel(#[from] WheelError),
    /// A source distribution's build.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A source distribution where builds are switched off.
    #[error("{package}: its lock entry is a source, and building it is switched off")]
    BuildsOff {
        /// The package.
        package: String,
    },
    /// A source distribution that would have to be compiled for another machine.
    #[error("{error}")]
    ForeignBuild {
        /// Which one, and why not.
        error: Box<BuildError>,
        /// The package's name.
        package: String,
        /// The newest version of it with a wheel for the target.
        with_wheel: Option<String>,
    },
    /// A build needs something that is not an archive.
    #[error("{package}: a build needs it from `{place}`, which is no archive")]
    BuildNeedsTree {
        /// What the build needs.
        package: String,
        /// Where it says that it is.
        place: String,
    },
    /// Two distributions.
    #[error(transparent)]
    Merge(#[from] MergeError),
}

/// A conversion by way of [`PythonError`] for each error of the crates below.
macro_rules! by_way_of_python {
    ($($error:ty),*) => {$(
        impl From<$error> for CompileError {
            fn from(error: $error) -> Self {
                Self::Python(error.into())
            }
        }
    )*};
}

by_way_of_python!(
    ManifestError,
    LockfileError,
    WheelError,
    BuildError,
    MergeError
);

fn needs(missing: &[Unlisted]) -> String {
    let each = |it: &Unlisted| format!("{} needs {}", it.needed_by, it.name);
    let all: Vec<String> = missing.iter().map(each).collect();
    all.join(", ")
}

fn it(how_many: usize) -> &'static str {
    match how_many {
        1 => "it",
        _ => "them",
    }
}

fn of_lockfile(error: &LockfileError) -> ExitClass {
    let kind = match error {
        LockfileError::OtherFiles { .. } => return ExitClass::Input,
        LockfileError::Index(error) => error.kind(),
        LockfileError::Fetch(error) => error.kind(),
        _ => return ExitClass::Unmet,
    };
    match kind {
        ErrorKind::Network | ErrorKind::Offline => ExitClass::Network,
        ErrorKind::Input => ExitClass::Input,
        ErrorKind::Io => ExitClass::Io,
    }
}

fn code_of_lockfile(error: &LockfileError) -> &'static str {
    match error {
        LockfileError::OtherFiles { .. } => "artifact",
        LockfileError::Index(_) | LockfileError::Fetch(_) => "index",
        _ => "lockfile-target",
    }
}

impl PythonError {
    /// Which class of failure it is.
    pub(crate) fn exit_class(&self) -> ExitClass {
        match self {
            Self::Lock { .. } | Self::NoRoots { .. } | Self::OtherHash { .. } | Self::Wheel(_) => {
                ExitClass::Input
            }
            Self::Lockfile(error) => of_lockfile(error),
            Self::InLock { error, .. } => of_lockfile(error),
            Self::OtherPython { .. }
            | Self::ConflictingIndexes { .. }
            | Self::Unlisted { .. }
            | Self::Merge(_)
            | Self::BuildsOff { .. }
            | Self::ForeignBuild { .. }
            | Self::BuildNeedsTree { .. } => ExitClass::Unmet,
            Self::Manifest(error) => match error.kind() {
                ManifestErrorKind::Input => ExitClass::Input,
                ManifestErrorKind::Io => ExitClass::Io,
                ManifestErrorKind::Network => ExitClass::Network,
            },
            Self::Resolve { source, .. } => match source.fault() {
                None | Some(FaultKind::Build) => ExitClass::Unmet,
                Some(FaultKind::Network | FaultKind::Offline) => ExitClass::Network,
                Some(FaultKind::Input) => ExitClass::Input,
                Some(FaultKind::Io) => ExitClass::Io,
            },
            Self::Build(error) => match error.kind() {
                BuildErrorKind::Unmet => ExitClass::Unmet,
                BuildErrorKind::Input => ExitClass::Input,
                BuildErrorKind::Network => ExitClass::Network,
                BuildErrorKind::Io => ExitClass::Io,
            },
        }
    }

    /// A short name that scripts can hold on to.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Manifest(_) => "manifest",
            Self::OtherHash { .. } => "artifact",
            Self::Unlisted { .. } => "unlisted",
            Self::OtherPython { .. } => "requires-python",
            Self::ConflictingIndexes { .. } => "conflicting-indexes",
            Self::Lock { .. } | Self::NoRoots { .. } => "lockfile",
            Self::Resolve { source, .. } => match **source {
                ResolveError::NoSolution { offline: true, .. } => "offline",
                ResolveError::NoSolution {
                    other_hashes: true, ..
                } => "artifact",
                ResolveError::NoSolution { .. } | ResolveError::ConflictingSources { .. } => {
                    "no-solution"
                }
                ResolveError::Budget { .. } => "budget",
                ResolveError::Provide { ref error, .. } => match error.kind {
                    FaultKind::Network => "network",
                    FaultKind::Offline => "offline",
                    FaultKind::Input => "metadata",
                    FaultKind::Io => "unreadable",
                    FaultKind::Build => "build",
                },
                ResolveError::NameMismatch { .. } => "name-mismatch",
                ResolveError::Interrupted => "interrupted",
            },
            Self::Lockfile(error) => code_of_lockfile(error),
            Self::InLock { error, .. } => code_of_lockfile(error),
            Self::Wheel(_) => "wheel",
            Self::Build(_) | Self::ForeignBuild { .. } | Self::BuildNeedsTree { .. } => "build",
            Self::BuildsOff { .. } => "builds-off",
            Self::Merge(_) => "package-conflict",
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::OtherPython { newest, .. } => match newest {
                Some(newest) => format!("the newest runtime that it admits: `--runtime {newest}`"),
                None => "it admits the Python of no runtime".into(),
            },
            Self::ConflictingIndexes { .. } => {
                "name one of them, or give each line a marker that shuts the other out".into()
            }
            Self::OtherHash { .. } => {
                "the file was replaced since its hash was noted, or the hash is another file's".into()
            }
            Self::BuildsOff { .. } => {
                "leave `--no-build` and `--only-binary` out, or lock again so that a version with a \
                 wheel is chosen"
                    .into()
            }
            Self::ForeignBuild { with_wheel: Some(version), package, .. } => format!(
                "`--only-binary {package}` (or `:all:`) takes the newest version with a wheel for \
                 it, {version}"
            ),
            Self::ForeignBuild { error, .. } => return error.hint(),
            Self::BuildNeedsTree { .. } => "take a version that has a wheel".into(),
            Self::NoRoots { .. } => {
                "put the `pyproject.toml` that it was locked from beside it, or lock again with a \
                 newer release of its tool"
                    .into()
            }
            Self::Manifest(error) => return error.hint(),
            Self::Lock { error, .. } => return error.hint().map(str::to_owned),
            Self::Resolve { source, .. } => return source.hint(),
            Self::Lockfile(error) => return error.hint(),
            Self::InLock { error, serves, .. } if error.is_of_target() => {
                let lists = error.lists().map(|lists| format!("{lists}; "));
                let serves = match serves.is_empty() {
                    true => String::new(),
                    false => format!("it serves {serves}; "),
                };
                format!(
                    "{}{serves}lock again for this target with the tool that wrote it",
                    lists.unwrap_or_default()
                )
            }
            Self::InLock { error, .. } => return error.hint(),
            Self::Unlisted { missing, .. } => {
                let names: Vec<&str> = missing.iter().map(|it| it.name.as_ref()).collect();
                format!(
                    "add {} with its hashes, or leave it out with `--exclude {}`",
                    names.join(", "),
                    names.join(" --exclude ")
                )
            }
            Self::Wheel(error) => return error.hint(),
            Self::Build(error) => return error.hint(),
            Self::Merge(error) => error.hint(),
        };
        Some(hint)
    }
}
