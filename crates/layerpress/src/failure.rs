//! [`Failure`]: how a command fails, whichever part of it did.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use layerpress_compile::{CompileError, ExitClass, InspectError, ShrinkError};
use layerpress_fetch::StoreError;
use thiserror::Error;

use crate::exit::Outcome;
use crate::settings::SettingsError;
use crate::size::{Growth, exact};

/// Why a command could not be done.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// What was asked cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The library could not do it.
    #[error(transparent)]
    Compile(Box<CompileError>),
    /// A layer could not be looked at.
    #[error(transparent)]
    Inspect(#[from] InspectError),
    /// A layer could not be made smaller.
    #[error(transparent)]
    Shrink(Box<ShrinkError>),
    /// A page could not be written.
    #[error("`{}` cannot be written: {source}", path.display())]
    Unwritable {
        /// The page.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A layer that was written and is no use as it is; the report of what was done tells it too.
    #[error("{message}")]
    StillTooLarge {
        /// By how much.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// A layer grew by more than was allowed.
    #[error(
        "the layer grew from {} to {} {measure}, by more than {allowed}",
        exact(*before), exact(*after)
    )]
    Grown {
        /// `zipped` or `unzipped`.
        measure: &'static str,
        /// What it was, in bytes.
        before: u64,
        /// What it is, in bytes.
        after: u64,
        /// What was allowed.
        allowed: Growth,
    },
    /// `why` was asked of a package that is not there.
    #[error("`{input}` has no package `{name}`")]
    NoSuchPackage {
        /// The name.
        name: String,
        /// Where it was looked for.
        input: String,
        /// The names that may have been meant, the nearest first.
        nearest: Vec<String>,
    },
    /// The cache could not be looked at or tidied.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// `cache verify` found damage.
    #[error("the cache held {files} damaged files, which were removed")]
    CacheDamaged {
        /// How many files.
        files: usize,
    },
    /// stdout could not be written.
    #[error("stdout cannot be written")]
    Output(#[source] io::Error),
}

impl From<CompileError> for Failure {
    fn from(error: CompileError) -> Self {
        Self::Compile(Box::new(error))
    }
}

impl From<ShrinkError> for Failure {
    fn from(error: ShrinkError) -> Self {
        Self::Shrink(Box::new(error))
    }
}

impl Failure {
    /// How the program ends with it.
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Settings(error) => error.outcome(),
            Self::Compile(error) => of_class(error.exit_class()),
            Self::Shrink(error) => of_class(error.exit_class()),
            Self::CacheDamaged { .. }
            | Self::Grown { .. }
            | Self::StillTooLarge { .. }
            | Self::NoSuchPackage { .. } => Outcome::Unmet,
            Self::Inspect(InspectError::Unreadable { .. })
            | Self::Unwritable { .. }
            | Self::Store(_)
            | Self::Output(_) => Outcome::Io,
            Self::Inspect(_) => Outcome::Input,
        }
    }

    /// Whether what was done is told in a document of its own, which has this in it.
    pub(crate) fn is_in_report(&self) -> bool {
        matches!(self, Self::StillTooLarge { .. })
    }

    /// Its name in JSON.
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Settings(error) => error.code(),
            Self::Compile(error) => error.code(),
            Self::Store(_) => "cache",
            Self::CacheDamaged { .. } => "cache-damaged",
            Self::Inspect(InspectError::Unreadable { .. }) => "unreadable",
            Self::Inspect(_) => "no-layer",
            Self::Shrink(error) => error.code(),
            Self::Grown { .. } => "grown",
            Self::StillTooLarge { .. } => "over-limit",
            Self::NoSuchPackage { .. } => "no-such-package",
            Self::Unwritable { .. } | Self::Output(_) => "output",
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Settings(error) => error.hint(),
            Self::Compile(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::CacheDamaged { .. } => Some("what is needed is fetched again".to_owned()),
            Self::Inspect(error) => error.hint(),
            Self::Shrink(error) => error.hint(),
            Self::StillTooLarge { hint, .. } => hint.clone(),
            Self::Grown { .. } => Some(
                "the packages above that grew say why; allow more with `--max-growth`".to_owned(),
            ),
            Self::NoSuchPackage { nearest, .. } if nearest.is_empty() => {
                Some("`layerpress tree` shows all that there are".to_owned())
            }
            Self::NoSuchPackage { nearest, .. } => {
                Some(format!("perhaps `{}` is meant", nearest.join("` or `")))
            }
            Self::Unwritable { .. } | Self::Output(_) => None,
        }
    }

    /// `man` was asked for a page that there is not.
    pub(crate) fn no_such_command(name: &str) -> Self {
        Self::Settings(SettingsError::Option {
            option: "man",
            found: name.to_owned(),
            problem: "is not a command".to_owned(),
            hint: Some("`layerpress --help` lists the commands".to_owned()),
        })
    }

    /// The error and all that caused it, in one line.
    pub(crate) fn sentence(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let further = error.to_string();
            if !text.contains(&further) {
                text.push_str(": ");
                text.push_str(&further);
            }
            cause = error.source();
        }
        text
    }
}

fn of_class(class: ExitClass) -> Outcome {
    match class {
        ExitClass::Unmet => Outcome::Unmet,
        ExitClass::Usage => Outcome::Usage,
        ExitClass::Network => Outcome::Network,
        ExitClass::Input => Outcome::Input,
        ExitClass::Io => Outcome::Io,
        ExitClass::Bug => Outcome::Bug,
    }
}
