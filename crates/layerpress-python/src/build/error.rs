//! [`BuildError`]: why a source tree could not become a wheel for the target.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use layerpress_fetch::git::GitError;
use layerpress_fetch::{ErrorKind, StoreError};
use layerpress_pack::{ArchiveError, TarballError};

use super::remedies;
use crate::wheel::{MergeError, WheelError};

/// Why a source could not be built, or its wheel not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// No interpreter is there to run the build.
    #[error("no Python was found on this machine to build with")]
    NoPython {
        /// The minor version that would be best.
        wanted: (u8, u8),
    },
    /// The interpreter that the user named cannot be used.
    #[error("`{request}` {problem}")]
    RequestedPython {
        /// What the user named.
        request: String,
        /// Why it is no use.
        problem: String,
    },
    /// The source archive is of no known kind.
    #[error("`{file}` is neither a `.tar.gz` nor a `.zip`")]
    Format {
        /// Its file name.
        file: String,
    },
    /// The source archive is damaged or hostile.
    #[error("`{file}`: {error}")]
    Tarball {
        /// Its file name.
        file: String,
        /// What is wrong with it.
        error: TarballError,
    },
    /// The source archive, a zip, is damaged or hostile; or the wheel that a backend wrote.
    #[error("`{file}`: {error}")]
    Archive {
        /// Its file name.
        file: String,
        /// What is wrong with it.
        error: ArchiveError,
    },
    /// There is nothing to build.
    #[error("`{package}` has neither a `pyproject.toml` nor a `setup.py`{}", within(.folder))]
    NoProject {
        /// The package.
        package: String,
        /// The subdirectory that was asked for.
        folder: Option<String>,
    },
    /// `pyproject.toml` cannot be used.
    #[error("`{package}`: `pyproject.toml` {problem}")]
    Pyproject {
        /// The package.
        package: String,
        /// What is wrong with it.
        problem: String,
    },
    /// What the build needs could not be resolved, fetched or built.
    #[error("`{package}`: its build requirements cannot be met: {message}")]
    Requirements {
        /// The package.
        package: String,
        /// Why, in the words of the resolver.
        message: String,
        /// What the resolver would do about it.
        hint: Option<String>,
    },
    /// A wheel that the build needs is no good.
    #[error("`{package}`: its build environment cannot be laid out: {error}")]
    RequirementWheel {
        /// The package.
        package: String,
        /// What is wrong.
        error: WheelError,
    },
    /// Two wheels that the build needs cannot lie in one folder.
    #[error("`{package}`: its build environment cannot be laid out: {error}")]
    RequirementConflict {
        /// The package.
        package: String,
        /// What is wrong.
        error: MergeError,
    },
    /// The build backend failed.
    #[error("`{package}`: {}", failure(command, outcome, output, note.as_deref()))]
    Backend {
        /// The package.
        package: String,
        /// What was run, for display.
        command: String,
        /// How it ended, for display: `exit status: 1`.
        outcome: String,
        /// The last lines that it printed.
        output: String,
        /// What a build that works would still not be good for.
        note: Option<String>,
    },
    /// The build backend took longer than its budget.
    #[error("`{package}`: `{command}` was stopped after {} seconds", budget.as_secs())]
    TimedOut {
        /// The package.
        package: String,
        /// What was run, for display.
        command: String,
        /// What it had.
        budget: Duration,
    },
    /// The backend did not give what it must.
    #[error("`{package}`: its build backend {problem}")]
    Answer {
        /// The package.
        package: String,
        /// What it did.
        problem: String,
    },
    /// What was built is another package, or another version of it.
    #[error("`{package}`: what was built calls itself `{found}`")]
    Identity {
        /// The package and version that were asked for.
        package: String,
        /// What METADATA says.
        found: String,
    },
    /// The wheel that was built holds code for another machine, Python or C library.
    #[error("`{package}` comes as source, and a wheel built here does not fit {target}: {reason}")]
    Foreign {
        /// The package and version.
        package: String,
        /// The target, for display.
        target: String,
        /// What does not fit.
        reason: String,
    },
    /// A path of a source tree does not lead into it.
    #[error("`{package}`: the path `{path}` {problem}")]
    Path {
        /// The package.
        package: String,
        /// The path.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A git repository gave nothing.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A temporary folder or file cannot be read or written.
    #[error("`{}`: {error}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The store cannot be written.
    #[error("{0}")]
    Store(StoreError),
}

/// The classes of build errors, by whose fault they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BuildErrorKind {
    /// What was asked for cannot be had on this machine, or for this target.
    Unmet,
    /// A source, an archive or a setting is wrong in itself.
    Input,
    /// A repository did not answer.
    Network,
    /// This machine's files.
    Io,
}

impl BuildError {
    /// Its class.
    #[must_use]
    pub fn kind(&self) -> BuildErrorKind {
        match self {
            Self::NoPython { .. }
            | Self::RequestedPython { .. }
            | Self::Requirements { .. }
            | Self::RequirementConflict { .. }
            | Self::Backend { .. }
            | Self::TimedOut { .. }
            | Self::Foreign { .. } => BuildErrorKind::Unmet,
            Self::Format { .. }
            | Self::Tarball { .. }
            | Self::Archive { .. }
            | Self::NoProject { .. }
            | Self::Pyproject { .. }
            | Self::RequirementWheel { .. }
            | Self::Answer { .. }
            | Self::Identity { .. }
            | Self::Path { .. } => BuildErrorKind::Input,
            Self::Git(error) => match error.kind() {
                None => BuildErrorKind::Unmet,
                Some(ErrorKind::Input) => BuildErrorKind::Input,
                Some(ErrorKind::Network | ErrorKind::Offline) => BuildErrorKind::Network,
                Some(ErrorKind::Io) => BuildErrorKind::Io,
            },
            Self::Io { .. } | Self::Store(_) => BuildErrorKind::Io,
        }
    }

    pub(super) fn io(path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Io { path, error }
    }

    /// What to do about it, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoPython {
                wanted: (major, minor),
            } => Some(format!(
                "install Python {major}.{minor}, or name one with `--python`; or keep to wheels \
                 with `--only-binary :all:`"
            )),
            Self::RequestedPython { .. } => Some(
                "`--python` takes the path of an interpreter, a version such as `3.12`, or the \
                 name of a command"
                    .to_owned(),
            ),
            Self::Archive { error, .. } => error.hint().map(ToOwned::to_owned),
            Self::Requirements { hint, .. } => hint.clone(),
            Self::RequirementWheel { error, .. } => error.hint(),
            Self::Backend {
                package, output, ..
            } => Some(remedies::of_failure(package, output)),
            Self::Foreign { package, .. } => Some(remedies::of_foreign(package)),
            Self::TimedOut { .. } => {
                Some("take a version that has a wheel, or build the wheel by hand".to_owned())
            }
            Self::Git(error) => error.hint().map(str::to_owned),
            Self::Store(error) => error.hint(),
            _ => None,
        }
    }
}

fn within(folder: &Option<String>) -> String {
    folder
        .as_ref()
        .map(|folder| format!(" in `{folder}`"))
        .unwrap_or_default()
}

fn failure(command: &str, outcome: &str, output: &str, note: Option<&str>) -> String {
    let mut text = format!("`{command}` failed ({outcome})");
    if let Some(note) = note {
        text += &format!("; {note}");
    }
    if output.is_empty() {
        return text + " and printed nothing";
    }
    text += "; it printed last:";
    text.extend(output.lines().map(|line| format!("\n  {line}")));
    text
}
