//! [`Failure`]: how a command fails, whichever part of it did.

use std::error::Error;
use std::io;

use layerpress_compile::{CompileError, ExitClass};
use layerpress_fetch::StoreError;
use thiserror::Error;

use crate::exit::Outcome;
use crate::settings::SettingsError;

/// Why a command could not be done.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// What was asked cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The library could not do it.
    #[error(transparent)]
    Compile(#[from] CompileError),
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

impl Failure {
    /// How the program ends with it.
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Settings(error) => error.outcome(),
            Self::Compile(error) => match error.exit_class() {
                ExitClass::Unmet => Outcome::Unmet,
                ExitClass::Usage => Outcome::Usage,
                ExitClass::Network => Outcome::Network,
                ExitClass::Input => Outcome::Input,
                ExitClass::Io => Outcome::Io,
                ExitClass::Bug => Outcome::Bug,
            },
            Self::CacheDamaged { .. } => Outcome::Unmet,
            Self::Store(_) | Self::Output(_) => Outcome::Io,
        }
    }

    /// Its name in JSON.
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Settings(error) => error.code(),
            Self::Compile(error) => error.code(),
            Self::Store(_) => "cache",
            Self::CacheDamaged { .. } => "cache-damaged",
            Self::Output(_) => "output",
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Settings(error) => error.hint(),
            Self::Compile(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::CacheDamaged { .. } => Some("what is needed is fetched again".to_owned()),
            Self::Output(_) => None,
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
