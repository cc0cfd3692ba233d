//! [`PrebuiltError`]: why the machine code of a package cannot be downloaded.

use std::path::PathBuf;

use layerpress_node::prebuilt::{NoPrebuilt, PrebuiltPinsError};
use layerpress_target::Target;

use crate::error::ExitClass;

/// Why the machine code that a package's authors built cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrebuiltError {
    /// The file that pins it.
    #[error(transparent)]
    Pins(PrebuiltPinsError),
    /// It cannot be told where it is.
    #[error("`{package}`: it cannot be told where its native part is: {reason}")]
    NoAddress {
        /// The package with its version.
        package: String,
        /// Why not.
        reason: NoPrebuilt,
    },
    /// Nothing may be pinned anew.
    #[error("`{package}`: its native part for {target} is not pinned in `{}`", file.display())]
    NotPinned {
        /// The package with its version.
        package: String,
        /// The target.
        target: Target,
        /// The file of pins.
        file: PathBuf,
    },
    /// It is not where its authors publish what they built.
    #[error("`{package}`: there is no native part for {target} at `{url}` (status {status})")]
    Missing {
        /// The package with its version.
        package: String,
        /// The target.
        target: Target,
        /// Where it should be, without credentials.
        url: String,
        /// What the server says.
        status: u16,
    },
    /// What came cannot be used.
    #[error("`{package}`: what `{url}` gave cannot be used: {what}")]
    Archive {
        /// The package with its version.
        package: String,
        /// Where it came from, without credentials.
        url: String,
        /// What is wrong with it.
        what: String,
    },
}

impl PrebuiltError {
    /// Which class of failure it is.
    pub(crate) fn exit_class(&self) -> ExitClass {
        match self {
            Self::Pins(_) | Self::Archive { .. } => ExitClass::Input,
            Self::NoAddress { .. } | Self::NotPinned { .. } | Self::Missing { .. } => {
                ExitClass::Unmet
            }
        }
    }

    /// A short name that scripts can hold on to.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Pins(_) => "lockfile",
            Self::NotPinned { .. } => "lockfile-outdated",
            Self::Archive { .. } => "tarball",
            Self::NoAddress { .. } | Self::Missing { .. } => "install-script",
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Pins(_) => {
                "take it from version control again, or delete it and pin anew with `--prebuilt`".into()
            }
            Self::NoAddress { .. } => {
                "leave its name out of `--prebuilt`, and put what is built on Amazon Linux below \
                 `nodejs/node_modules` of a layer folder"
                    .into()
            }
            Self::NotPinned { .. } => "run it once without `--locked`".into(),
            Self::Missing { .. } => {
                "its authors built none for that version of Node.js or that processor: name another \
                 `--runtime` or version, or a mirror that has it with `NAME_binary_host` in `.npmrc`"
                    .into()
            }
            Self::Archive { .. } => {
                "name another version, or a mirror with `NAME_binary_host` in `.npmrc`".into()
            }
        }
    }
}
