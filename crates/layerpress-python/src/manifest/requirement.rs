//! [`Requirement`]: one thing asked for, with the place where it is asked.

use std::fmt;
use std::path::PathBuf;

use layerpress_tree::Digest;
use pep440_rs::{Operator, VersionSpecifiers};
use pep508_rs::{ExtraName, MarkerTree, PackageName};
use url::Url;

use super::shown::shown;

/// Where a requirement or option stands. Displays as `requirements.txt:3`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The file as the user named it (a URL is masked), or the name of a variable or flag.
    pub file: String,
    /// The first line of it, from 1, if it stands in a file.
    pub line: Option<u32>,
    /// The text there as written: variables unexpanded, URLs masked, fit for a message.
    pub text: String,
}

/// One requirement or constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The package; `None` for a folder, source distribution or repository that was named without
    /// one, until it has been looked into.
    pub name: Option<PackageName>,
    /// The extras asked for, in the order written, each once.
    pub extras: Vec<ExtraName>,
    /// When it counts; true for always.
    pub marker: MarkerTree,
    /// Where it comes from.
    pub source: Source,
    /// The digests of which the file must have one; empty for any file.
    pub hashes: Vec<Digest>,
    /// Asked for with `-e`. A layer holds a copy all the same.
    pub editable: bool,
    /// What the build backend is to be told, in the order written; a key may occur twice.
    pub config_settings: Vec<(String, String)>,
    /// The one index that the package may come from (`[tool.uv.sources]`).
    pub index: Option<Url>,
    /// Where it is asked for.
    pub origin: Origin,
}

/// Where a required package comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An index, in one of these versions.
    Index(VersionSpecifiers),
    /// An archive at a URL.
    Url {
        /// The archive, without fragment; user and password may be in it.
        url: Url,
        /// The project's folder inside a source archive.
        subdirectory: Option<String>,
    },
    /// A git repository.
    Git {
        /// The repository, without `git+`, reference and fragment.
        repository: Url,
        /// A branch, tag or commit; `None` for the default branch.
        reference: Option<String>,
        /// The project's folder inside the repository.
        subdirectory: Option<String>,
    },
    /// A wheel or source distribution on this machine.
    File(PathBuf),
    /// A project's folder on this machine.
    Folder(PathBuf),
}

impl Origin {
    /// An origin whose text is made fit for a message.
    #[must_use]
    pub fn new(file: &str, line: Option<u32>, text: &str) -> Self {
        Self {
            file: shown(file),
            line,
            text: shown(text.trim()),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        match self.line {
            Some(line) => write!(f, ":{line}"),
            None => Ok(()),
        }
    }
}

impl Requirement {
    /// Whether exactly one version is admitted: `==1.0`, `===1.0`, or a file or URL.
    #[must_use]
    pub fn is_pinned(&self) -> bool {
        match &self.source {
            Source::Index(specifiers) => specifiers.iter().any(|specifier| {
                matches!(specifier.operator(), Operator::Equal | Operator::ExactEqual)
            }),
            Source::Url { .. } | Source::File(_) => true,
            Source::Git { .. } | Source::Folder(_) => false,
        }
    }
}

/// As a line of a requirements file, with user and password of URLs masked.
impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.editable {
            f.write_str("-e ")?;
        }
        let extras: Vec<&str> = self.extras.iter().map(AsRef::as_ref).collect();
        let extras = if extras.is_empty() {
            String::new()
        } else {
            format!("[{}]", extras.join(","))
        };
        match (&self.name, &self.source) {
            (Some(name), Source::Index(specifiers)) => {
                let clauses: Vec<String> = specifiers.iter().map(ToString::to_string).collect();
                write!(f, "{name}{extras}{}", clauses.join(","))?;
            }
            (Some(name), source) => write!(f, "{name}{extras} @ {source}")?,
            (None, source) => write!(f, "{source}{extras}")?,
        }
        if let Some(marker) = self.marker.contents() {
            write!(f, " ; {marker}")?;
        }
        for hash in &self.hashes {
            write!(f, " --hash={hash}")?;
        }
        Ok(())
    }
}

/// As after the `@` of a requirement, with user and password of URLs masked.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, subdirectory) = match self {
            Self::Index(specifiers) => (specifiers.to_string(), &None),
            Self::Url { url, subdirectory } => (url.to_string(), subdirectory),
            Self::Git {
                repository,
                reference,
                subdirectory,
            } => {
                let at = reference.as_ref().map(|r| format!("@{r}"));
                (
                    format!("git+{repository}{}", at.unwrap_or_default()),
                    subdirectory,
                )
            }
            Self::File(path) | Self::Folder(path) => (path.display().to_string(), &None),
        };
        f.write_str(&shown(&text))?;
        match subdirectory {
            Some(subdirectory) => write!(f, "#subdirectory={subdirectory}"),
            None => Ok(()),
        }
    }
}
