//! [`OwnCodeError`]: why the team's own files cannot go into a layer.

use std::io;

/// Why the team's own files cannot go into a layer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OwnCodeError {
    /// A file or folder that cannot be read.
    #[error("{path}: cannot be read")]
    Read {
        /// The file or folder.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A device, pipe or socket.
    #[error("{path}: not a regular file")]
    NotAFile {
        /// The path.
        path: String,
    },
    /// A link that leaves the folder, or leads to a folder or nowhere.
    #[error("{path}: a link to `{target}`, which {fault}")]
    Link {
        /// The link.
        path: String,
        /// What it names.
        target: String,
        /// What is wrong with that.
        fault: &'static str,
    },
    /// A file that cannot be named in a layer.
    #[error("{path}: cannot stand in a layer: {reason}")]
    Path {
        /// The file.
        path: String,
        /// What is wrong with its name.
        reason: String,
    },
    /// Two files that would get one path in the layer.
    #[error("{first} and {second} would both become `{path}` in the layer")]
    Twice {
        /// The path in the layer.
        path: String,
        /// One file.
        first: String,
        /// The other.
        second: String,
    },
}

impl OwnCodeError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read { .. } => None,
            Self::Link { .. } => Some(
                "put a copy in its place, or name it in `.layerpressignore` to leave it out".into(),
            ),
            Self::NotAFile { .. } => Some("name it in `.layerpressignore` to leave it out".into()),
            Self::Path { .. } | Self::Twice { .. } => {
                Some("rename it, or name it in `.layerpressignore` to leave it out".into())
            }
        }
    }
}
