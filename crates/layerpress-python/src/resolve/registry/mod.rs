//! The real world: a [`Provider`] that asks package indexes, reads archives, and has source
//! distributions built where nothing else tells their metadata.

mod fixed;
mod listed;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use layerpress_fetch::{ArchiveRequest, ErrorKind, Event, FetchError};
use layerpress_target::Target;
use layerpress_tree::Sha256;
use pep440_rs::Version;
use pep508_rs::PackageName;

use super::inputs::Wanted;
use super::provider::{
    FaultKind, Fixed, Listing, MetadataFault, Missing, PassedOver, ProvideError, Provider, Shelf,
    Unusable,
};
use crate::index::{FileRecord, IndexError, Registry, SdistMetadata, Versions};
use crate::manifest::BuildPolicy;
use crate::{Compatibility, Metadata};

pub use fixed::FixedFile;
pub use listed::ListedFile;
use listed::ListedShelf;

/// Package indexes as a [`Provider`], for one target.
#[derive(Debug, Clone)]
pub struct RegistryProvider {
    registry: Arc<Registry>,
    target: String,
    compatibility: Arc<Compatibility>,
    policy: BuildPolicy,
    builder: Option<Arc<dyn SdistBuilder>>,
    /// What the build backends of listed packages are told.
    config_settings: BTreeMap<PackageName, Vec<(String, String)>>,
}

/// Where a chosen release comes from.
#[derive(Debug, Clone)]
pub enum Artifact {
    /// A release on an index or in a place of find-links.
    Listed(Arc<ListedFile>),
    /// What a line of the user's names outright.
    Fixed(Arc<FixedFile>),
}

/// Who finds out the metadata of sources that do not tell it.
pub trait SdistBuilder: fmt::Debug + Send + Sync {
    /// The metadata of a project, as a wheel built from it for the target would have it.
    fn metadata(&self, project: Project) -> Told<'_>;
}

/// The answer of a [`SdistBuilder`]: metadata, and for a repository the commit that it is of.
pub type Told<'a> = Pin<
    Box<dyn Future<Output = Result<(Arc<Metadata>, Option<String>), ProvideError>> + Send + 'a>,
>;

/// A project that is not a wheel.
#[derive(Debug, Clone)]
pub struct Project {
    /// What it is called in messages: `docopt 0.6.2`, or as the user wrote it.
    pub label: String,
    /// The name that it must have, if that is known.
    pub name: Option<PackageName>,
    /// The version that it must have, if that is known.
    pub version: Option<Version>,
    /// Where it is.
    pub place: Place,
    /// What the user tells the build backend.
    pub config_settings: Vec<(String, String)>,
}

/// Where a project is.
#[derive(Debug, Clone)]
pub enum Place {
    /// An archive in the store.
    Archive {
        /// Its file name.
        file_name: String,
        /// Its digest in the store.
        digest: Sha256,
        /// The project's folder inside it.
        subdirectory: Option<String>,
    },
    /// A folder of this machine.
    Folder(std::path::PathBuf),
    /// A git repository.
    Git {
        /// The repository.
        repository: url::Url,
        /// A branch, tag or commit; `None` for the default branch.
        reference: Option<String>,
        /// The project's folder inside it.
        subdirectory: Option<String>,
    },
}

impl RegistryProvider {
    /// The indexes of a run, seen from one target; without a builder, releases whose metadata only
    /// a build tells end the run.
    #[must_use]
    pub fn new(
        registry: Arc<Registry>,
        target: Target,
        policy: BuildPolicy,
        builder: Option<Arc<dyn SdistBuilder>>,
    ) -> Self {
        Self::for_wheels(
            registry,
            target.to_string(),
            Compatibility::new(&target),
            policy,
            builder,
        )
    }

    /// As [`new`](Self::new), for whatever loads the wheels that `compatibility` admits; `target`
    /// is what messages call it.
    #[must_use]
    pub fn for_wheels(
        registry: Arc<Registry>,
        target: String,
        compatibility: Compatibility,
        policy: BuildPolicy,
        builder: Option<Arc<dyn SdistBuilder>>,
    ) -> Self {
        Self {
            registry,
            target,
            compatibility: Arc::new(compatibility),
            policy,
            builder,
            config_settings: BTreeMap::new(),
        }
    }

    /// The same, that tells the build backends of releases what `settings` holds for their packages.
    #[must_use]
    pub fn with_config_settings(
        mut self,
        settings: BTreeMap<PackageName, Vec<(String, String)>>,
    ) -> Self {
        self.config_settings = settings;
        self
    }

    /// The indexes that are asked.
    #[must_use]
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    fn listing(&self, versions: &Versions) -> Listing<Artifact> {
        let formats = self.policy.formats(versions.name());
        let shelves = versions.shelves().iter().map(|shelf| {
            let compatibility = Arc::clone(&self.compatibility);
            let shelf = ListedShelf::new(Arc::clone(shelf), compatibility, formats);
            Arc::new(shelf) as Arc<dyn Shelf<Artifact>>
        });
        Listing::Found(shelves.collect())
    }

    async fn listed_metadata(
        &self,
        name: &PackageName,
        version: &Version,
        listed: &ListedFile,
    ) -> Result<Arc<Metadata>, MetadataFault> {
        let file = &listed.told_by;
        if file.is_wheel() {
            return self.registry.metadata(file).await.map_err(per_file);
        }
        let found = self.registry.sdist_metadata(file, name, version).await;
        if let SdistMetadata::Static(metadata) = found.map_err(per_file)? {
            return Ok(metadata);
        }
        let project = Project {
            label: format!("{name} {version}"),
            name: Some(name.clone()),
            version: Some(version.clone()),
            place: Place::Archive {
                file_name: file.file_name.clone(),
                digest: self.stored(file).await.map_err(MetadataFault::Failed)?,
                subdirectory: None,
            },
            config_settings: self.config_settings.get(name).cloned().unwrap_or_default(),
        };
        let built = self.build(project).await.map_err(MetadataFault::Failed)?;
        Ok(built.0)
    }

    async fn build(
        &self,
        project: Project,
    ) -> Result<(Arc<Metadata>, Option<String>), ProvideError> {
        match &self.builder {
            Some(builder) => builder.metadata(project).await,
            None => Err(ProvideError {
                kind: FaultKind::Build,
                hint: Some("allow builds, or ask for a version that has a wheel".to_owned()),
                source: Arc::new(BuildsOff),
            }),
        }
    }

    /// The digest of a file, which is fetched into the store.
    async fn stored(&self, file: &FileRecord) -> Result<Sha256, ProvideError> {
        let request = ArchiveRequest {
            url: file.url.clone(),
            file_name: file.file_name.clone(),
            digests: file.hashes.clone(),
            size: file.size,
        };
        let archive = self.registry.client().archive(&request).await;
        archive.map(|stored| stored.digest).map_err(fetch_fault)
    }
}

/// Only a build would tell, and builds are off.
#[derive(Debug, thiserror::Error)]
#[error("only building it would tell what it needs, and builds are switched off")]
struct BuildsOff;

impl Provider for RegistryProvider {
    type File = Artifact;

    fn releases_now(&self, name: &PackageName) -> Option<Listing<Artifact>> {
        let versions = self.registry.versions_now(name)?;
        Some(self.listing(&versions))
    }

    async fn releases(&self, name: &PackageName) -> Result<Listing<Artifact>, ProvideError> {
        match self.registry.versions(name).await {
            Ok(versions) => Ok(self.listing(&versions)),
            Err(IndexError::Unknown { no_index: true, .. }) => {
                Ok(Listing::Missing(Missing::NoIndex))
            }
            Err(IndexError::Unknown { .. }) => Ok(Listing::Missing(Missing::Unknown)),
            Err(error) if error.kind() == ErrorKind::Offline => {
                Ok(Listing::Missing(Missing::Offline))
            }
            Err(error) => Err(index_fault(error)),
        }
    }

    fn metadata_now(
        &self,
        _name: &PackageName,
        _version: &Version,
        file: &Artifact,
    ) -> Option<Result<Arc<Metadata>, MetadataFault>> {
        match file {
            Artifact::Fixed(fixed) => Some(Ok(Arc::clone(&fixed.metadata))),
            Artifact::Listed(listed) if listed.told_by.is_wheel() => {
                self.registry.metadata_now(&listed.told_by).map(Ok)
            }
            Artifact::Listed(_) => None,
        }
    }

    async fn metadata(
        &self,
        name: &PackageName,
        version: &Version,
        file: &Artifact,
    ) -> Result<Arc<Metadata>, MetadataFault> {
        match file {
            Artifact::Fixed(fixed) => Ok(Arc::clone(&fixed.metadata)),
            Artifact::Listed(listed) => {
                let reporter = self.registry.client().reporter();
                reporter.report(Event::Considering {
                    package: name.to_string(),
                    version: version.to_string(),
                });
                self.listed_metadata(name, version, listed).await
            }
        }
    }

    fn places(&self, name: &PackageName) -> Vec<String> {
        self.registry.unusual_places(name)
    }

    async fn passed_over(&self, name: &PackageName) -> Vec<PassedOver<Artifact>> {
        let found = self.registry.passed_over(name).await.into_iter();
        found
            .map(|it| PassedOver {
                listing: self.listing(&it.versions),
                index: it.index,
                before: it.before,
            })
            .collect()
    }

    fn without_builds(&self) -> Self {
        Self {
            builder: None,
            ..self.clone()
        }
    }

    async fn fixed(&self, wanted: &Wanted) -> Result<Fixed<Artifact>, ProvideError> {
        self.look_at(wanted).await
    }
}

/// A fault of one file shuts that release out; one of the network ends the run.
fn per_file(error: IndexError) -> MetadataFault {
    if error.spares_others() {
        let problem = error.to_string();
        return MetadataFault::Unusable(Unusable::Metadata { problem });
    }
    MetadataFault::Failed(index_fault(error))
}

fn index_fault(error: IndexError) -> ProvideError {
    ProvideError {
        kind: fault_kind(error.kind()),
        hint: error.hint(),
        source: Arc::new(error),
    }
}

fn fetch_fault(error: FetchError) -> ProvideError {
    ProvideError {
        kind: fault_kind(error.kind()),
        hint: error.hint(),
        source: Arc::new(error),
    }
}

fn fault_kind(kind: ErrorKind) -> FaultKind {
    match kind {
        ErrorKind::Network => FaultKind::Network,
        ErrorKind::Offline => FaultKind::Offline,
        ErrorKind::Input => FaultKind::Input,
        ErrorKind::Io => FaultKind::Io,
    }
}
