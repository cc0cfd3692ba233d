//! Why a registry does not say what it was asked for.

use layerpress_fetch::{ErrorKind, FetchError};

use crate::packument::PackumentError;

/// What a registry does not say, and why.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// There is no such package.
    #[error("{name}: `{registry}` has no such package")]
    Unknown {
        /// The package.
        name: String,
        /// The registry, without credentials.
        registry: String,
    },
    /// All of its versions are gone.
    #[error("{name}: `{registry}` has no version of it any more")]
    Unpublished {
        /// The package.
        name: String,
        /// The registry, without credentials.
        registry: String,
    },
    /// The registry cannot be asked.
    #[error("{name}: {cause}")]
    Unreachable {
        /// The package.
        name: String,
        /// What went wrong.
        cause: FetchError,
    },
    /// The answer is no packument.
    #[error("{cause}, asked at `{registry}`")]
    Packument {
        /// The registry, without credentials.
        registry: String,
        /// What is wrong with it.
        cause: PackumentError,
    },
    /// What was stored of the answer cannot be read back.
    #[error("{name}: what was kept of the answer of `{registry}` cannot be read")]
    Stored {
        /// The package.
        name: String,
        /// The registry, without credentials.
        registry: String,
    },
}

impl RegistryError {
    /// Whether the registry was asked and has no such package: what is optional is left out then.
    /// All other failures say nothing about the package.
    #[must_use]
    pub fn is_absence(&self) -> bool {
        matches!(self, Self::Unknown { .. } | Self::Unpublished { .. })
    }

    /// What sort of failure it is; `None` for an absence.
    #[must_use]
    pub fn kind(&self) -> Option<ErrorKind> {
        match self {
            Self::Unknown { .. } | Self::Unpublished { .. } => None,
            Self::Unreachable { cause, .. } => Some(cause.kind()),
            Self::Packument { .. } => Some(ErrorKind::Network),
            Self::Stored { .. } => Some(ErrorKind::Io),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { .. } => Some(
                "check the name; a private one needs its registry and a token in `.npmrc`, and to look \
                 again for a new one there is `--refresh`"
                    .to_owned(),
            ),
            Self::Unpublished { .. } => Some("all of its versions were unpublished".to_owned()),
            Self::Unreachable { cause, .. } => match cause.status() {
                Some(401 | 403) => Some(
                    "give a token in `.npmrc`: `//HOST/PATH/:_authToken=TOKEN`, as `npm login` does"
                        .to_owned(),
                ),
                _ => cause.hint(),
            },
            Self::Packument { cause, .. } => Some(cause.hint().to_owned()),
            Self::Stored { .. } => Some("remove it with `layerpress cache clean`".to_owned()),
        }
    }
}
