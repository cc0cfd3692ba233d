//! What the solver asks of the world: which releases a package has, and what one of them needs.
//!
//! Every question has two forms. The `_now` form answers at once from what is at hand and lets a
//! warm run stay on one thread; the async form goes and gets it. Both give the same answer.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use layerpress_tree::Digest;
use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::PackageName;

use super::inputs::Wanted;
use crate::Metadata;

/// Where releases and their metadata come from.
pub trait Provider: Sized + Send + Sync + 'static {
    /// What this provider needs to fetch the metadata of one file.
    type File: Clone + fmt::Debug + Send + Sync + 'static;

    /// The releases of `name`, if that is known without waiting.
    fn releases_now(&self, name: &PackageName) -> Option<Listing<Self::File>>;

    /// The releases of `name`.
    ///
    /// # Errors
    /// When an index cannot be asked or answers nonsense; an unknown name is no error but
    /// [`Listing::Missing`].
    fn releases(
        &self,
        name: &PackageName,
    ) -> impl Future<Output = Result<Listing<Self::File>, ProvideError>> + Send;

    /// The metadata of a release, if that is known without waiting.
    fn metadata_now(
        &self,
        name: &PackageName,
        version: &Version,
        file: &Self::File,
    ) -> Option<Result<Arc<Metadata>, MetadataFault>>;

    /// The metadata of a release.
    ///
    /// # Errors
    /// [`MetadataFault::Unusable`] shuts out this one release, [`MetadataFault::Failed`] ends the
    /// run.
    fn metadata(
        &self,
        name: &PackageName,
        version: &Version,
        file: &Self::File,
    ) -> impl Future<Output = Result<Arc<Metadata>, MetadataFault>> + Send;

    /// The places where a package is looked for, for display; none if that is only the default index.
    fn places(&self, name: &PackageName) -> Vec<String>;

    /// What is not looked at, since an index that goes first has a package of that name.
    fn passed_over(
        &self,
        name: &PackageName,
    ) -> impl Future<Output = Vec<PassedOver<Self::File>>> + Send;

    /// The same world, in which nothing may be built: for questions that are not worth running
    /// anybody's code.
    #[must_use]
    fn without_builds(&self) -> Self;

    /// Looks into an archive, a folder or a checkout that a requirement names outright.
    ///
    /// # Errors
    /// When it cannot be had, or is no Python project.
    fn fixed(
        &self,
        wanted: &Wanted,
    ) -> impl Future<Output = Result<Fixed<Self::File>, ProvideError>> + Send;
}

/// What an index has under a name.
#[derive(Debug, Clone)]
pub enum Listing<F> {
    /// Its releases, one shelf per index in order of preference; usually there is just one.
    Found(Vec<Arc<dyn Shelf<F>>>),
    /// Nothing, and why.
    Missing(Missing),
}

/// What an index has of a package that it is not asked for.
#[derive(Debug, Clone)]
pub struct PassedOver<F> {
    /// The index, for display.
    pub index: String,
    /// The index that is asked instead, for display.
    pub before: String,
    /// What it has.
    pub listing: Listing<F>,
}

/// Why a package has no releases at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// No index knows the name.
    Unknown,
    /// No index may be asked (`--no-index`), and no `--find-links` has it.
    NoIndex,
    /// It is not in the cache, and the network may not be used.
    Offline,
}

/// The releases of one package on one index.
pub trait Shelf<F>: fmt::Debug + Send + Sync {
    /// All versions in ascending order, each once; releases too new for `--exclude-newer` are left
    /// out.
    fn versions(&self) -> &[Version];

    /// What can be used of the release at `position` of [`Shelf::versions`].
    fn release(&self, position: usize, rules: &FileRules) -> Release<F>;
}

/// What a requirement says about the files of a release.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileRules {
    /// The user pinned this version, or the lockfile has it: yanked files will do.
    pub allow_yanked: bool,
    /// The digests that the user allows; empty if any will do.
    pub hashes: Vec<Digest>,
}

/// One release of a package, as far as the target is concerned.
#[derive(Debug, Clone)]
pub enum Release<F> {
    /// It can be installed or built.
    Usable(Pick<F>),
    /// It cannot.
    Unusable(Unusable),
    /// As if it were not there.
    Hidden,
}

/// The file of a release that tells its dependencies.
#[derive(Debug, Clone)]
pub struct Pick<F> {
    /// The file to read the metadata from.
    pub file: F,
    /// Whether that is a wheel, whose metadata is cheap and safe to get ahead of need.
    pub wheel: bool,
    /// Whether what would be installed has to be built first.
    pub built: bool,
    /// `Requires-Python` of the file that would be installed, as the index states it.
    pub requires_python: Option<Arc<VersionSpecifiers>>,
    /// The reason given for a yank, if the file to be installed is yanked (it may be empty).
    pub yanked: Option<String>,
}

/// Why a release cannot be used on this target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusable {
    /// It has wheels, but none for the target, and no source distribution that may be built.
    NoWheel {
        /// The platform tags that its wheels have, in order, each once.
        platforms: Vec<String>,
        /// The Python tags of its wheels, likewise.
        pythons: Vec<String>,
    },
    /// All its files were yanked.
    Yanked {
        /// Why, in the words of whoever did it; may be empty.
        reason: String,
    },
    /// It needs another Python.
    Python {
        /// Its `Requires-Python`.
        specifiers: Arc<VersionSpecifiers>,
    },
    /// Only a source distribution is there, and builds are switched off for it.
    NoBuild,
    /// Only wheels are there, and those are switched off for it.
    NoBinary,
    /// Its metadata is beyond reading.
    Metadata {
        /// What is wrong with it.
        problem: String,
    },
    /// It has a requirement that nothing can meet.
    Contradiction {
        /// That requirement.
        requirement: String,
    },
    /// It asks for a package by URL, which only the user may.
    UrlDependency {
        /// That requirement.
        requirement: String,
    },
    /// The user gave hashes for every requirement, but none for this one.
    Unhashed,
    /// None of its files has one of the hashes that the user gave.
    OtherHashes {
        /// The file that would have been taken.
        file_name: String,
        /// Where it is, redacted.
        url: String,
        /// Its hashes.
        found: Vec<Digest>,
    },
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoWheel { .. } => f.write_str("has no wheel for the target"),
            Self::Yanked { reason } if reason.is_empty() => f.write_str("was yanked"),
            Self::Yanked { reason } => write!(f, "was yanked (`{reason}`)"),
            Self::Python { specifiers } => write!(f, "needs Python {specifiers}"),
            Self::NoBuild => f.write_str("has no wheel, and building it is switched off"),
            Self::NoBinary => {
                f.write_str("has no source distribution, and its wheels are switched off")
            }
            Self::Metadata { problem } => write!(f, "has unreadable metadata ({problem})"),
            Self::Contradiction { requirement } => {
                write!(f, "needs `{requirement}`, which no version can meet")
            }
            Self::UrlDependency { requirement } => write!(
                f,
                "needs `{requirement}`, a URL that your own requirements do not name"
            ),
            Self::Unhashed => f.write_str("has no hash among your requirements"),
            Self::OtherHashes {
                file_name,
                url,
                found,
            } => {
                let found: Vec<String> = found.iter().map(|it| format!("`{it}`")).collect();
                write!(
                    f,
                    "has no file with a hash that you give: `{file_name}` has {} (`{url}`)",
                    found.join(", ")
                )
            }
        }
    }
}

/// A requirement that is not looked up on an index: the one candidate for its name.
#[derive(Debug, Clone)]
pub struct Fixed<F> {
    /// What its metadata says.
    pub metadata: Arc<Metadata>,
    /// How to get it.
    pub file: F,
    /// The same text for the same thing, however it was written.
    pub identity: String,
}

/// Why there is no metadata.
#[derive(Debug, Clone)]
pub enum MetadataFault {
    /// This release is out, others may do.
    Unusable(Unusable),
    /// Nothing more can be done.
    Failed(ProvideError),
}

/// A question that got no answer.
#[derive(Debug, Clone)]
pub struct ProvideError {
    /// What kind of fault it is.
    pub kind: FaultKind,
    /// What would help.
    pub hint: Option<String>,
    /// The error of whoever was asked.
    pub source: Arc<dyn Error + Send + Sync>,
}

/// Kinds of faults, for the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The network.
    Network,
    /// Something is not in the cache, and the network may not be used.
    Offline,
    /// What was got is wrong in itself.
    Input,
    /// A file could not be read or written.
    Io,
    /// A build failed, or may not or cannot run.
    Build,
}

impl fmt::Display for ProvideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.source, f)
    }
}

impl Error for ProvideError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.source()
    }
}
