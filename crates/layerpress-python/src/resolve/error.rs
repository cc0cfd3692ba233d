//! Why a resolution fails.

use thiserror::Error;

use pep508_rs::PackageName;

use super::provider::{FaultKind, ProvideError};

/// Why there is no resolution.
#[derive(Debug, Error)]
pub enum ResolveError {
    /// The requirements contradict each other, or something that they need is not to be had.
    #[error("{explanation}")]
    NoSolution {
        /// The user's own lines, then the chain of facts that makes them impossible.
        explanation: String,
        /// What would help, the most promising first.
        hints: Vec<String>,
        /// Something is only missing because it is not in the cache, and the network is off.
        offline: bool,
        /// Something has no version for the target's Python: another one might do.
        other_python: bool,
        /// No file has the hashes that the user gave.
        other_hashes: bool,
    },
    /// The set is too hard.
    #[error(
        "no answer after {decisions} decisions: the versions of {} can be combined in too many ways",
        .busiest.join(", ")
    )]
    Budget {
        /// How often a version was chosen.
        decisions: u64,
        /// The packages whose versions were tried most, with how many.
        busiest: Vec<String>,
    },
    /// An index, a file or a build failed.
    #[error("{what}: {error}")]
    Provide {
        /// The package, with its version where it is one version's fault, or the user's line.
        what: String,
        /// What happened.
        error: ProvideError,
    },
    /// Two lines name different sources for one package.
    #[error("{name}: {first} and {second} name different sources for it")]
    ConflictingSources {
        /// The package.
        name: PackageName,
        /// One line.
        first: String,
        /// The other.
        second: String,
    },
    /// A line gives a name that is not the name of what it points to.
    #[error("{line}: the package there is called `{actual}`")]
    NameMismatch {
        /// The user's line.
        line: String,
        /// The name in its metadata.
        actual: PackageName,
    },
    /// Nobody waited for the answer.
    #[error("the resolution was interrupted")]
    Interrupted,
}

impl ResolveError {
    /// What would help.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoSolution { hints, .. } if hints.is_empty() => None,
            Self::NoSolution { hints, .. } => Some(hints.join("\n")),
            Self::Budget { .. } => {
                Some("pin or bound these packages, for example to versions known to work".into())
            }
            Self::Provide { error, .. } => error.hint.clone(),
            Self::ConflictingSources { .. } => Some("keep one of the two lines".into()),
            Self::NameMismatch { actual, .. } => Some(format!("write `{actual} @ …` instead")),
            Self::Interrupted => None,
        }
    }

    /// Whether it may be met for another Python.
    #[must_use]
    pub fn may_be_the_python(&self) -> bool {
        matches!(
            self,
            Self::NoSolution {
                other_python: true,
                offline: false,
                ..
            }
        )
    }

    /// Adds what would help, before what is known already.
    pub fn add_hint(&mut self, hint: String) {
        if let Self::NoSolution { hints, .. } = self {
            hints.insert(0, hint);
        }
    }

    /// The kind of fault behind it, where it is not the request itself that cannot be met.
    #[must_use]
    pub fn fault(&self) -> Option<FaultKind> {
        match self {
            Self::Provide { error, .. } => Some(error.kind),
            Self::NoSolution { offline: true, .. } => Some(FaultKind::Offline),
            // Where the index tells no hashes, the bytes themselves would be refused so.
            Self::NoSolution {
                other_hashes: true, ..
            }
            | Self::NameMismatch { .. } => Some(FaultKind::Input),
            Self::NoSolution { .. }
            | Self::Budget { .. }
            | Self::ConflictingSources { .. }
            | Self::Interrupted => None,
        }
    }
}
