//! What a project asks for: `requirements.txt`, `pyproject.toml`, or a folder that holds them.
//!
//! Text comes in, a [`Manifest`] goes out: requirements and constraints with the file and line that
//! they came from, and the options that a requirements file may set. Whatever the user wrote wrong
//! is a [`ManifestError`] that names the place, quotes the text and says what would be right.
//!
//! - [`read_requirements`] and [`read_constraints`]: the requirements.txt language as pip has it.
//! - [`read_pyproject`]: PEP 621, extras, PEP 735 groups, `[tool.uv]` and Poetry's own tables.
//! - [`find_manifest`]: a folder given as input.
//! - [`Settings`]: pip's and uv's configuration, from text and variables handed in.
//!
//! Nothing here reads the environment; `${VARIABLES}` come in as an [`Environment`].

mod arguments;
mod decode;
mod diagnose;
mod error;
mod find;
mod index_options;
mod lines;
mod location;
mod marker;
mod mistake;
mod nearest;
mod poetry;
mod pyproject;
mod pyproject_groups;
mod pyproject_uv;
mod read;
mod requirement;
mod requirement_text;
mod requirements;
mod settings;
mod shown;
#[cfg(test)]
mod tests;
mod toml_file;

pub use crate::index::FindLinks;
pub use error::{FetchTextError, ManifestError, ManifestErrorKind};
pub use find::{FoundManifest, LOOKED_FOR, find_manifest};
pub use index_options::{BuildPolicy, Formats, IndexOptions, Names};
pub use mistake::Mistake;
pub use pyproject::{Extras, Project, PyprojectOptions, read_pyproject};
pub use requirement::{Origin, Requirement, Source};
pub use requirement_text::parse_requirement;
pub use requirements::{FetchText, read_constraints, read_requirements, read_settings_constraints};
pub use settings::{IndexCredentials, Settings, SettingsFile};

use std::collections::BTreeMap;
use std::path::PathBuf;

use pep440_rs::VersionSpecifiers;

/// The variables that `${NAME}` in a requirements file may stand for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

/// Everything that one or several manifests ask for.
#[derive(Debug, Clone, Default)]
pub struct Manifest {
    /// What is to be installed, in the order of the files.
    pub requirements: Vec<Requirement>,
    /// What limits versions without installing anything.
    pub constraints: Vec<Requirement>,
    /// What replaces every other requirement on the same name (`[tool.uv] override-dependencies`).
    pub overrides: Vec<Requirement>,
    /// Where packages are looked for.
    pub indexes: IndexOptions,
    /// Which packages may come as wheels, and which as source distributions.
    pub build: BuildPolicy,
    /// Every requirement must be pinned and carry a hash: asked for, or one requirement has one.
    pub require_hashes: bool,
    /// Prereleases are taken like any other release.
    pub pre: bool,
    /// A wheel of an older version is preferred to a source distribution of a newer one.
    pub prefer_binary: bool,
    /// Hosts (`name` or `name:port`) that may be talked to without a valid certificate.
    pub trusted_hosts: Vec<String>,
    /// The Python versions that the project supports, and where it says so.
    pub requires_python: Option<(VersionSpecifiers, Origin)>,
    /// The project itself, if the manifest describes one.
    pub project: Option<Project>,
    /// Every local file that was read, the including file before the included.
    pub files_read: Vec<PathBuf>,
    /// What was passed over, as sentences for the user.
    pub warnings: Vec<String>,
}

impl Environment {
    /// The value of `name`, if it is set to something: as in pip, empty counts as unset.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        Self(
            variables
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

impl Manifest {
    /// This manifest and `other` together, as if `other` had been included at the end.
    ///
    /// Lists are joined, switches that are on stay on, and the index URL and the project of `other`
    /// win where it has them. Both `requires-python` apply.
    #[must_use]
    pub fn merge(mut self, other: Manifest) -> Manifest {
        self.requirements.extend(other.requirements);
        self.constraints.extend(other.constraints);
        self.overrides.extend(other.overrides);
        self.indexes = self.indexes.merge(other.indexes);
        self.build = self.build.merge(other.build);
        self.require_hashes |= other.require_hashes;
        self.pre |= other.pre;
        self.prefer_binary |= other.prefer_binary;
        self.trusted_hosts.extend(other.trusted_hosts);
        self.requires_python = match (self.requires_python, other.requires_python) {
            (Some((ours, origin)), Some((theirs, _))) => {
                let both = ours.iter().chain(theirs.iter()).cloned().collect();
                Some((both, origin))
            }
            (ours, theirs) => ours.or(theirs),
        };
        self.project = other.project.or(self.project);
        for file in other.files_read {
            if !self.files_read.contains(&file) {
                self.files_read.push(file);
            }
        }
        self.warnings.extend(other.warnings);
        self
    }

    /// Checks what pip demands of every requirement once one of them has a hash: a pin and a hash.
    ///
    /// To be asked after the last [`merge`](Self::merge), since one hash anywhere counts for all.
    ///
    /// # Errors
    /// The first requirement that has no hash, or no exact version.
    pub fn check_hashes(&self) -> Result<(), ManifestError> {
        if !self.require_hashes {
            return Ok(());
        }
        for requirement in &self.requirements {
            let mistake = match &requirement.source {
                Source::Git { .. } | Source::Folder(_) => Some(Mistake::NotHashable),
                Source::Index(_) if !self.is_pinned(requirement) => Some(Mistake::NotPinned),
                _ if self.has_hash(requirement) => None,
                _ => Some(Mistake::NoHash),
            };
            if let Some(mistake) = mistake {
                return Err(ManifestError::line(&requirement.origin, mistake));
            }
        }
        Ok(())
    }

    fn is_pinned(&self, requirement: &Requirement) -> bool {
        requirement.is_pinned() || self.others_on(requirement).any(Requirement::is_pinned)
    }

    fn has_hash(&self, requirement: &Requirement) -> bool {
        let mut all = self.others_on(requirement).chain([requirement]);
        all.any(|requirement| !requirement.hashes.is_empty())
    }

    /// What else speaks of the same package: as in pip, pins and hashes of constraints count too.
    fn others_on<'a>(
        &'a self,
        requirement: &'a Requirement,
    ) -> impl Iterator<Item = &'a Requirement> {
        let all = self.constraints.iter().chain(&self.requirements);
        all.filter(|other| other.name.is_some() && other.name == requirement.name)
    }
}
