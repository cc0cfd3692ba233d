//! [`Release`]: what a lockfile records of one package that was resolved for one target.

use std::path::PathBuf;

use layerpress_tree::Digest;
use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::PackageName;
use url::Url;

use crate::index::FileRecord;

/// One package of a resolution, with the files that the target could use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The normalised name.
    pub name: PackageName,
    /// The version. A lock leaves it out for a folder, whose version is its own affair.
    pub version: Version,
    /// The Python versions that it runs on.
    pub requires_python: Option<VersionSpecifiers>,
    /// The packages that it needs on the target, in order of names.
    pub dependencies: Vec<PackageName>,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a release comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// An index, or a place of files.
    Index {
        /// The index; `None` for find-links.
        index: Option<Url>,
        /// The wheels that fit the target; every one of them can be told by its digest.
        wheels: Vec<FileRecord>,
        /// The source distribution, where it is what will be installed.
        sdist: Option<Box<FileRecord>>,
    },
    /// An archive that a requirement names by URL.
    Url {
        /// The archive.
        url: Url,
        /// The project's folder inside a source archive.
        subdirectory: Option<String>,
        /// Its digests, at least one.
        hashes: Vec<Digest>,
        /// Its size in bytes.
        size: Option<u64>,
    },
    /// An archive that a requirement names by path.
    File {
        /// The archive, as an absolute path.
        path: PathBuf,
        /// Its digests, at least one.
        hashes: Vec<Digest>,
        /// Its size in bytes.
        size: Option<u64>,
    },
    /// A folder with a project.
    Folder {
        /// The folder, as an absolute path.
        path: PathBuf,
        /// Whether it was asked for as editable.
        editable: bool,
    },
    /// A commit of a git repository.
    Git {
        /// The repository.
        repository: Url,
        /// The branch, tag or commit asked for.
        requested: Option<String>,
        /// The commit.
        commit: String,
        /// The project's folder inside the repository.
        subdirectory: Option<String>,
    },
}
