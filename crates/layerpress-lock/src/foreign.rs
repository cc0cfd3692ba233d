//! [`ForeignLock`]: a lockfile of another tool, read as pinned input and never rewritten.
//!
//! Each format has a module that reads it into one shape, the [`graph`]: packages, what they need,
//! and what the project asks for. From there on all formats are one: [`ForeignLock::select`] walks
//! the graph for a target and gives [`Package`]s, as [`Pylock::select`](crate::Pylock::select) does.
//!
//! | file | versions | names what it is for | addresses |
//! |---|---|---|---|
//! | `uv.lock` | 1 | yes, by the project's entry | yes |
//! | `poetry.lock` | before 1.0 | no: `pyproject.toml` does | no: digests alone |
//! | `poetry.lock` | 1.0 to 2.0 | no: `pyproject.toml` does | no: file names and digests |
//! | `poetry.lock` | 2.1 | yes, by groups and markers | no: file names and digests |
//! | `pdm.lock` | 4.0 to 4.5 | by groups, from 4.4.2 on | file names and digests, or URLs |
//! | `Pipfile.lock` | 6 | yes, by section | no: digests alone |
//!
//! Sources: each tool's documentation and what its releases write; the fixtures in `lockfiles/` were
//! written by the tools themselves.

mod graph;
mod pdm;
mod pipfile;
mod poetry;
mod source;
mod uv;

#[cfg(test)]
mod tests;

use std::fmt;

use layerpress_target::Target;
use layerpress_tree::Digest;
use pep440_rs::VersionSpecifiers;
use pep508_rs::{ExtraName, PackageName};

use crate::select::{check_covered, marker_environment, unmet};
use crate::{LockError, Package, SelectError, Selection};
use graph::Graph;

/// A tool's lockfile format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ForeignFormat {
    /// `uv.lock`.
    Uv,
    /// `poetry.lock`.
    Poetry,
    /// `pdm.lock`.
    Pdm,
    /// `Pipfile.lock`.
    Pipfile,
}

/// A lockfile of another tool, or what is as good as one.
#[derive(Debug, Clone)]
pub struct ForeignLock {
    graph: Graph,
}

/// One package that a target gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignPackage {
    /// What is known of it. Where `listed` is not empty its source has no files yet.
    pub package: Package,
    /// Files that the lock pins without saying where they are: the package's index does.
    pub listed: Vec<Listed>,
}

/// A file that a lock pins without an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Its name, where the lock says it.
    pub name: Option<String>,
    /// What its bytes hash to.
    pub digest: Digest,
}

/// What is asked of a lock that does not say itself what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// The package.
    pub name: PackageName,
    /// Its extras.
    pub extras: Vec<ExtraName>,
}

impl ForeignFormat {
    /// The format of a file of this name.
    #[must_use]
    pub fn of_file_name(name: &str) -> Option<Self> {
        [Self::Uv, Self::Poetry, Self::Pdm, Self::Pipfile]
            .into_iter()
            .find(|format| format.file_name() == name)
    }

    /// The name that the tool gives its lockfile.
    #[must_use]
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Uv => "uv.lock",
            Self::Poetry => "poetry.lock",
            Self::Pdm => "pdm.lock",
            Self::Pipfile => "Pipfile.lock",
        }
    }
}

impl fmt::Display for ForeignFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.file_name())
    }
}

impl ForeignLock {
    /// Reads a lockfile.
    ///
    /// # Errors
    /// [`LockError`] with the first thing that is wrong, or a version of the format that is not known.
    pub fn parse(format: ForeignFormat, text: &str) -> Result<Self, LockError> {
        let graph = match format {
            ForeignFormat::Uv => uv::read(text)?,
            ForeignFormat::Poetry => poetry::read(text)?,
            ForeignFormat::Pdm => pdm::read(text)?,
            ForeignFormat::Pipfile => pipfile::read(text)?,
        };
        Ok(Self { graph })
    }

    /// The pins of a file that is a plain list of them, such as a requirements file with hashes: what
    /// is listed is what is installed, each package where its marker says so.
    #[must_use]
    pub fn of_list(packages: Vec<ForeignPackage>) -> Self {
        Self {
            graph: Graph::of_list(packages),
        }
    }

    /// Whether the lock leaves it to the manifest beside it what is asked for: [`select`] then needs
    /// roots.
    ///
    /// [`select`]: Self::select
    #[must_use]
    pub fn needs_roots(&self) -> bool {
        self.graph.asked.is_none()
    }

    /// The Python versions that the lock is for.
    #[must_use]
    pub fn requires_python(&self) -> Option<&VersionSpecifiers> {
        self.graph.requires_python.as_ref()
    }

    /// Whether it has a package of a name.
    #[must_use]
    pub fn has(&self, name: &PackageName) -> bool {
        self.graph
            .nodes
            .iter()
            .any(|node| node.package.name == *name)
    }

    /// How many packages it pins, for all targets and sets together.
    #[must_use]
    pub fn len(&self) -> usize {
        self.graph.nodes.len()
    }

    /// Whether it pins nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.graph.nodes.is_empty()
    }

    /// The packages to install on a target, by name, no name twice.
    ///
    /// `roots` count where the lock [needs](Self::needs_roots) them, and only there. The project
    /// that the lock belongs to is not among the packages.
    ///
    /// # Errors
    /// [`SelectError`] if the lock is not for the target, knows nothing of an extra or group, leaves
    /// open which of two entries to install, or lacks what one of them needs.
    pub fn select(
        &self,
        target: &Target,
        selection: &Selection,
        roots: &[Root],
    ) -> Result<Vec<ForeignPackage>, SelectError> {
        let environment = marker_environment(target);
        let python = &environment.python_full_version().version;
        if let Some(requires_python) = unmet(self.requires_python(), python) {
            return Err(SelectError::Python {
                requires_python,
                target: target.to_string(),
                version: python.to_string(),
            });
        }
        check_covered(&self.graph.environments, &environment, &[], target)?;
        self.graph.select(target, &environment, selection, roots)
    }
}
