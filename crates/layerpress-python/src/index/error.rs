//! [`IndexError`]: what goes wrong between the program and a package index.

use layerpress_fetch::{ErrorKind, FetchError};
use pep508_rs::PackageName;

use super::tail::ArchiveFault;
use crate::metadata::MetadataError;

/// Why an index or a file on it did not give what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IndexError {
    /// No index has the package.
    #[error("`{package}`: not found {}", places(.asked, *.no_index))]
    Unknown {
        /// The package.
        package: PackageName,
        /// The indexes and pages of find-links that were asked, redacted.
        asked: Vec<String>,
        /// Whether indexes were switched off.
        no_index: bool,
    },
    /// An index could not be asked. It is never skipped: another one's package of the same name may
    /// be somebody else's.
    #[error("{cause}")]
    Unreachable {
        /// The package that was looked for.
        package: PackageName,
        /// What went wrong.
        cause: FetchError,
    },
    /// A page of find-links could not be had.
    #[error("find-links {cause}")]
    FindLinks {
        /// What went wrong.
        cause: FetchError,
    },
    /// What the server gave is no index page.
    #[error("`{url}`: {fault}")]
    Page {
        /// The page, redacted.
        url: String,
        /// What it is instead.
        fault: PageFault,
    },
    /// A file, or its metadata, could not be fetched.
    #[error("{}", place(.file_name, .cause))]
    File {
        /// The file.
        file_name: String,
        /// What went wrong.
        cause: FetchError,
    },
    /// A file is not the archive it should be.
    #[error("`{file_name}`: {fault}")]
    Archive {
        /// The file.
        file_name: String,
        /// What is wrong with it.
        fault: ArchiveFault,
    },
    /// A file's metadata cannot be used.
    #[error("`{file_name}`: {fault}")]
    Metadata {
        /// The file.
        file_name: String,
        /// What is wrong with it.
        fault: MetadataError,
    },
    /// A file's metadata belongs to something else.
    #[error("`{file_name}`: its metadata is that of `{found}`")]
    Mismatch {
        /// The file.
        file_name: String,
        /// Name and version in the metadata.
        found: String,
    },
}

/// Why the body of an index page is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PageFault {
    /// A page for people stands where an index should be.
    #[error("a web page with a form stands where a package index should be")]
    Login,
    /// It is of a media type that no index has.
    #[error("content of type `{content_type}` stands where a package index should be")]
    ContentType {
        /// What the server called it, escaped.
        content_type: String,
    },
    /// It is newer than this program (PEP 629).
    #[error("the index speaks version {found} of the simple API, only 1.x is understood")]
    ApiVersion {
        /// The declared version.
        found: String,
    },
    /// It is not the JSON of PEP 691.
    #[error("the index page is not valid JSON: {reason}")]
    Json {
        /// What the parser says.
        reason: String,
    },
    /// What the store keeps of it cannot be read; it is not damaged, so that this is a fault of the
    /// program.
    #[error("the cached form of the page cannot be read")]
    Stored,
}

impl IndexError {
    /// What sort of failure it is; exit codes are mapped from this.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Unreachable { cause, .. }
            | Self::FindLinks { cause }
            | Self::File { cause, .. } => cause.kind(),
            // Whatever answered, it is no package index: the way there is at fault.
            Self::Page {
                fault: PageFault::Login | PageFault::ContentType { .. },
                ..
            } => ErrorKind::Network,
            Self::Unknown { .. }
            | Self::Page { .. }
            | Self::Archive { .. }
            | Self::Metadata { .. }
            | Self::Mismatch { .. } => ErrorKind::Input,
        }
    }

    /// Whether only the one file is useless, so that another version may do.
    #[must_use]
    pub fn spares_others(&self) -> bool {
        match self {
            Self::Archive { .. } | Self::Metadata { .. } | Self::Mismatch { .. } => true,
            Self::Unknown { .. }
            | Self::Unreachable { .. }
            | Self::FindLinks { .. }
            | Self::Page { .. }
            | Self::File { .. } => false,
        }
    }

    /// What the user could do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { no_index: true, .. } => {
                Some("indexes are switched off by `--no-index`".to_owned())
            }
            Self::Unreachable { cause, .. }
            | Self::FindLinks { cause }
            | Self::File { cause, .. } => cause.hint(),
            Self::Page { fault, .. } => match fault {
                PageFault::Login | PageFault::ContentType { .. } => {
                    Some("is there a login page in between?".to_owned())
                }
                PageFault::ApiVersion { .. } => {
                    Some("a newer release of layerpress may understand it".to_owned())
                }
                PageFault::Json { .. } => Some(
                    "is that the address of an index, as `https://index.example/simple`?"
                        .to_owned(),
                ),
                PageFault::Stored => Some("`--refresh` fetches the page anew".to_owned()),
            },
            Self::Archive { .. } => Some(
                "the file is damaged, or no wheel at all: take another one, or another version"
                    .to_owned(),
            ),
            Self::Unknown { .. } | Self::Metadata { .. } | Self::Mismatch { .. } => None,
        }
    }
}

/// The file's name, unless the URL tells it.
fn place(file_name: &str, cause: &FetchError) -> String {
    let cause = cause.to_string();
    match cause.contains(file_name) {
        true => cause,
        false => format!("`{file_name}`: {cause}"),
    }
}

fn places(asked: &[String], no_index: bool) -> String {
    let list = asked
        .iter()
        .map(|place| format!("`{place}`"))
        .collect::<Vec<_>>()
        .join(", ");
    match (list.is_empty(), no_index) {
        (true, _) => "anywhere".to_owned(),
        (false, true) => format!("in {list}"),
        (false, false) => format!("on {list}"),
    }
}
