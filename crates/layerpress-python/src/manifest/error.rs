//! [`ManifestError`]: why a manifest cannot be used.

use std::io;

use layerpress_fetch::FetchError;

use super::decode::DecodeError;
use super::mistake::Mistake;
use super::requirement::Origin;
use super::shown::shown;

/// What the caller's way of fetching text reports when it fails.
pub type FetchTextError = Box<dyn std::error::Error + Send + Sync>;

/// Why a manifest cannot be used. Every text names the file, and the line where there is one.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// One line is wrong.
    #[error("{origin}: `{}`: {mistake}", origin.text)]
    Line {
        /// Where it stands, and its text.
        origin: Box<Origin>,
        /// What is wrong.
        mistake: Box<Mistake>,
    },
    /// The file is of another kind.
    #[error("{file}: this is {kind}, not a requirements file")]
    WrongKind {
        /// The file as the user named it.
        file: String,
        /// What it is, with its article.
        kind: &'static str,
        /// What to do about it.
        remedy: &'static str,
    },
    /// A line names a file that is not there.
    #[error("{origin}: `{}`: there is no file `{file}`", origin.text)]
    NoSuchFile {
        /// The line.
        origin: Box<Origin>,
        /// The file as it is named there.
        file: String,
    },
    /// The file cannot be read.
    #[error("{file}: cannot be read")]
    Read {
        /// The file as the user named it.
        file: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A folder, device, pipe or socket where a file was expected.
    #[error("{file}: not a regular file")]
    NotAFile {
        /// The path as the user named it.
        file: String,
    },
    /// The file is bigger than any manifest.
    #[error("{file}: larger than {limit} bytes")]
    TooBig {
        /// The file as the user named it.
        file: String,
        /// The limit, in bytes.
        limit: u64,
    },
    /// The bytes are not text.
    #[error("{file}: {fault}")]
    Decode {
        /// The file as the user named it, with the line where it is known.
        file: String,
        /// What is wrong with the bytes.
        fault: DecodeError,
    },
    /// A requirements file by URL cannot be fetched.
    #[error("{origin}: `{url}` cannot be fetched")]
    Fetch {
        /// The line that names it.
        origin: Box<Origin>,
        /// The URL, masked.
        url: String,
        /// Why.
        #[source]
        source: FetchTextError,
    },
    /// A file includes itself, directly or through others.
    #[error("{origin}: requirements files include each other: {chain}")]
    Cycle {
        /// The line that closes the circle.
        origin: Box<Origin>,
        /// The files, in order, joined by arrows.
        chain: String,
    },
    /// Too many files include one another.
    #[error("{origin}: more than {limit} requirements files {how}")]
    Includes {
        /// The line that is one too many.
        origin: Box<Origin>,
        /// The limit.
        limit: usize,
        /// `deep` or `in all`.
        how: &'static str,
    },
    /// TOML that cannot be parsed.
    #[error("{origin}: not valid TOML: {reason}")]
    Toml {
        /// Where the parser stopped.
        origin: Box<Origin>,
        /// What it found.
        reason: String,
    },
    /// A field of `pyproject.toml` that is not as its specification has it.
    #[error("{origin}: {field} {fault}")]
    Field {
        /// Where it stands.
        origin: Box<Origin>,
        /// The field, in backticks.
        field: String,
        /// What is wrong with it.
        fault: String,
        /// What would be right.
        remedy: Option<String>,
    },
    /// A set of dependencies was asked for that the manifest does not have.
    #[error("{file}: there is no {kind} `{name}`")]
    NoSuchSet {
        /// The file as the user named it.
        file: String,
        /// `extra` or `dependency group`.
        kind: &'static str,
        /// What was asked for.
        name: String,
        /// The names there are, sorted.
        known: Vec<String>,
    },
    /// Groups or extras include each other.
    #[error("{origin}: the {kind}s include each other: {chain}")]
    SetCycle {
        /// Where the circle closes.
        origin: Box<Origin>,
        /// `extra` or `dependency group`.
        kind: &'static str,
        /// The names, in order, joined by arrows.
        chain: String,
    },
    /// A value of pip's or uv's configuration cannot be used.
    #[error("{place}: `{value}` is not {expected}")]
    Setting {
        /// The variable, or the file and key.
        place: String,
        /// The value, masked.
        value: String,
        /// What is taken there, with its article.
        expected: &'static str,
    },
}

/// The class of a [`ManifestError`], for exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManifestErrorKind {
    /// The manifest is wrong in itself.
    Input,
    /// A file cannot be read.
    Io,
    /// A requirements file by URL cannot be fetched.
    Network,
}

impl ManifestError {
    pub(crate) fn line(origin: &Origin, mistake: Mistake) -> Self {
        Self::Line {
            origin: Box::new(origin.clone()),
            mistake: Box::new(mistake),
        }
    }

    pub(crate) fn field(origin: &Origin, field: &str, fault: String) -> Self {
        Self::Field {
            origin: Box::new(origin.clone()),
            field: field.to_owned(),
            fault,
            remedy: None,
        }
    }

    /// The class of this error; every variant has one.
    #[must_use]
    pub fn kind(&self) -> ManifestErrorKind {
        match self {
            Self::Read { .. } => ManifestErrorKind::Io,
            // That there is nothing where a line points is the line's fault.
            Self::Fetch { source, .. } => match source.downcast_ref().map(FetchError::status) {
                Some(Some(404 | 410)) => ManifestErrorKind::Input,
                _ => ManifestErrorKind::Network,
            },
            Self::Line { .. }
            | Self::NoSuchFile { .. }
            | Self::WrongKind { .. }
            | Self::NotAFile { .. }
            | Self::TooBig { .. }
            | Self::Decode { .. }
            | Self::Cycle { .. }
            | Self::Includes { .. }
            | Self::Toml { .. }
            | Self::Field { .. }
            | Self::NoSuchSet { .. }
            | Self::SetCycle { .. }
            | Self::Setting { .. } => ManifestErrorKind::Input,
        }
    }

    /// What would be right, as one lowercase fragment, where it is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Line { mistake, .. } => mistake.hint(),
            Self::WrongKind { remedy, .. } => Some((*remedy).into()),
            Self::NoSuchFile { .. } => {
                Some("paths after `-r` and `-c` are relative to the file that they stand in".into())
            }
            Self::NotAFile { .. } => Some("manifests are read from regular files only".into()),
            Self::Decode { fault, .. } => Some(match fault {
                DecodeError::UnknownEncoding(_) => {
                    "save the file as UTF-8 and take the coding line out".into()
                }
                DecodeError::Invalid { .. } => {
                    "save the file as UTF-8, or say `# -*- coding: latin-1 -*-` in its first line"
                        .into()
                }
            }),
            Self::Cycle { .. } => Some("take one of the `-r` or `-c` lines out".into()),
            Self::SetCycle { .. } => Some("take one of the inclusions out".into()),
            Self::Field { remedy, .. } => remedy.clone(),
            Self::NoSuchSet {
                kind, name, known, ..
            } => Some(known_sets(kind, name, known)),
            Self::Read { .. }
            | Self::TooBig { .. }
            | Self::Fetch { .. }
            | Self::Includes { .. }
            | Self::Toml { .. }
            | Self::Setting { .. } => None,
        }
    }
}

fn known_sets(kind: &str, name: &str, known: &[String]) -> String {
    let list = |names: &[String]| {
        let quoted: Vec<String> = names
            .iter()
            .map(|name| format!("`{}`", shown(name)))
            .collect();
        quoted.join(", ")
    };
    if known.is_empty() {
        return format!("the file declares no {kind}s");
    }
    match super::nearest::nearest(name, known.iter().map(String::as_str)) {
        Some(nearest) => format!("did you mean `{}`?", shown(nearest)),
        None => format!("there are {}", list(known)),
    }
}
