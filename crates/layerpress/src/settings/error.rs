//! [`SettingsError`]: what can be wrong with what was asked, before anything is done.

use std::io;
use std::path::PathBuf;

use layerpress_compile::OverrideError;
use layerpress_python::manifest::ManifestError;
use layerpress_target::TargetError;
use thiserror::Error;

use crate::exit::Outcome;

/// A setting that cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum SettingsError {
    /// An option's value is wrong.
    #[error("`{option}`: {found:?} {problem}")]
    Option {
        /// The option, as `--index-url`.
        option: &'static str,
        /// What was given, without credentials.
        found: String,
        /// What is wrong with it.
        problem: String,
        /// What would be right.
        hint: Option<String>,
    },
    /// A runtime or architecture that there is not.
    #[error("`{option}`: {fault}")]
    Target {
        /// The option.
        option: &'static str,
        /// What would be right.
        hint: String,
        /// What is wrong: told with it, so that it is no cause of its own.
        fault: TargetError,
    },
    /// A variable's or a settings file's value is wrong.
    #[error(transparent)]
    Configured(#[from] ManifestError),
    /// What shall stay or go cannot be understood.
    #[error(transparent)]
    Override(#[from] OverrideError),
    /// A settings file could not be read.
    #[error("{}: cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no folder for the cache.
    #[error("no folder for the cache: neither a home nor a cache folder is set")]
    NoCacheFolder,
}

impl SettingsError {
    /// How the program ends with it.
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Option { .. } | Self::Target { .. } | Self::Override(_) | Self::NoCacheFolder => {
                Outcome::Usage
            }
            Self::Configured(_) => Outcome::Input,
            Self::Unreadable { .. } => Outcome::Io,
        }
    }

    /// Its name in JSON.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Option { .. } | Self::Target { .. } | Self::Override(_) => "usage",
            Self::NoCacheFolder => "no-cache-folder",
            Self::Configured(_) => "bad-settings",
            Self::Unreadable { .. } => "unreadable-settings",
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Option { hint, .. } => hint.clone(),
            Self::Target { hint, .. } => Some(hint.clone()),
            Self::NoCacheFolder => Some("name one with `--cache-dir`".to_owned()),
            Self::Override(error) => error.hint(),
            Self::Configured(error) => error.hint(),
            Self::Unreadable { .. } => None,
        }
    }
}
