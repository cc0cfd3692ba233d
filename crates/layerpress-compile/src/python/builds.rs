//! [`Builds`]: source distributions, folders and repositories, built with what their backends need.
//!
//! The builder itself lives in `layerpress-python`; here it meets the resolver and the client, since a
//! build needs packages of its own, resolved for the interpreter that runs it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, try_join_all};
use layerpress_fetch::git::{Commit, GitError, Repository};
use layerpress_fetch::{Client, redacted};
use layerpress_python::build::{
    self, BuildError, BuildErrorKind, BuildRequirements, Builder, BuiltWheel, Candidates,
    Interpreter, RequiredWheel, RequirementsError, Source,
};
use layerpress_python::index::Registry;
use layerpress_python::manifest::BuildPolicy;
use layerpress_python::resolve::{
    self, FaultKind, Place, Project, ProvideError, RegistryProvider, Resolved, SdistBuilder, Told,
};
use layerpress_python::{Compatibility, Dependency};
use layerpress_target::Target;
use pep508_rs::PackageName;
use tokio::sync::Semaphore;
use url::Url;

use super::archives;
use super::error::PythonError;
use super::flights::{Circle, Flights, Key};
use crate::error::CompileError;
use crate::request::PythonOptions;

/// How long one hook of a backend may take.
const BUDGET: Duration = Duration::from_secs(30 * 60);

/// How deep builds may need builds.
const DEPTH: u32 = 8;

/// Builds for one target. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Builds {
    shared: Arc<Shared>,
    target: Target,
    depth: u32,
    /// The build that these builds are for.
    parent: Option<Key>,
}

#[derive(Debug)]
struct Shared {
    /// How many builds go on at once, not counting those that builds need.
    slots: Semaphore,
    client: Client,
    registry: Arc<Registry>,
    policy: BuildPolicy,
    candidates: Candidates,
    variables: BTreeMap<OsString, OsString>,
    temporary: PathBuf,
    flights: Flights,
}

impl Builds {
    /// Builds for `target`, with requirements from `registry`.
    pub(crate) fn new(
        options: &PythonOptions,
        policy: BuildPolicy,
        registry: Arc<Registry>,
        target: Target,
        at_once: NonZeroUsize,
    ) -> Self {
        let shared = Shared {
            slots: Semaphore::new(at_once.get().min(Semaphore::MAX_PERMITS)),
            client: registry.client().clone(),
            registry,
            policy,
            candidates: options.interpreters.clone(),
            variables: options.process.clone(),
            temporary: options.temporary.clone(),
            flights: Flights::default(),
        };
        Self {
            shared: Arc::new(shared),
            target,
            depth: 0,
            parent: None,
        }
    }

    /// The same for another target.
    pub(crate) fn for_target(&self, target: Target) -> Self {
        Self {
            target,
            ..self.clone()
        }
    }

    /// In which forms packages may come.
    pub(crate) fn policy(&self) -> &BuildPolicy {
        &self.shared.policy
    }

    /// Whether sources of a package may be built at all.
    pub(crate) fn allow(&self, name: &PackageName) -> bool {
        self.shared.policy.formats(name).sdist
    }

    /// The wheel of a project, from the store if it was built before.
    ///
    /// # Errors
    /// A source that cannot be had, or whose build fails or does not fit the target.
    pub(crate) async fn wheel(&self, project: &Project) -> Result<BuiltWheel, BuildError> {
        let commit = self.commit(project).await?;
        let request = self.request(project, commit.as_ref())?;
        self.with_builder(project, async |builder| builder.wheel(&request).await)
            .await?
    }

    /// Runs `work` with a builder that takes its own requirements from one level deeper, when nobody
    /// else builds the project.
    async fn with_builder<T>(
        &self,
        project: &Project,
        work: impl AsyncFnOnce(&Builder<'_>) -> T,
    ) -> Result<T, BuildError> {
        let key = key(project);
        let turn = self.shared.flights.turn(self.parent.as_ref(), &key).await;
        let _turn = turn.map_err(|Circle| BuildError::Requirements {
            package: project.label.clone(),
            message: "to build it, it must be built before".to_owned(),
            hint: Some("let it come as a wheel: leave it out of `--no-binary`".to_owned()),
        })?;
        let deeper = Self {
            depth: self.depth + 1,
            parent: Some(key),
            ..self.clone()
        };
        let shared = &self.shared;
        // A build that another one waits for does not wait itself.
        let _slot = match self.depth {
            0 => shared.slots.acquire().await.ok(),
            _ => None,
        };
        let builder = Builder {
            store: shared.client.store(),
            reporter: shared.client.reporter(),
            candidates: &shared.candidates,
            requirements: &deeper,
            variables: &shared.variables,
            temporary: &shared.temporary,
            budget: BUDGET,
        };
        Ok(work(&builder).await)
    }

    /// The commit that a repository's reference leads to now.
    async fn commit(&self, project: &Project) -> Result<Option<Commit>, BuildError> {
        match &project.place {
            Place::Git {
                repository,
                reference,
                ..
            } => {
                let repository = self.repository(repository);
                Ok(Some(repository.resolve(reference.as_deref()).await?))
            }
            Place::Archive { .. } | Place::Folder(_) => Ok(None),
        }
    }

    fn repository<'a>(&'a self, url: &'a Url) -> Repository<'a> {
        Repository {
            url,
            variables: &self.shared.variables,
            budget: BUDGET,
            temporary: &self.shared.temporary,
        }
    }

    fn request<'a>(
        &'a self,
        project: &'a Project,
        commit: Option<&'a Commit>,
    ) -> Result<build::Request<'a>, BuildError> {
        let source = match (&project.place, commit) {
            (
                Place::Archive {
                    file_name,
                    digest,
                    subdirectory,
                },
                _,
            ) => Source::Archive {
                file_name,
                digest: *digest,
                subdirectory: subdirectory.as_deref(),
            },
            (
                Place::Git {
                    repository,
                    subdirectory,
                    ..
                },
                Some(commit),
            ) => Source::Git {
                repository: self.repository(repository),
                commit,
                subdirectory: subdirectory.as_deref(),
            },
            (Place::Folder(path), _) => Source::Folder(path),
            (Place::Git { repository, .. }, None) => {
                return Err(BuildError::Git(GitError::Unknown {
                    repository: redacted(repository),
                    reference: "HEAD".to_owned(),
                }));
            }
        };
        Ok(build::Request {
            label: &project.label,
            name: project.name.as_ref(),
            version: project.version.as_ref(),
            source,
            target: &self.target,
            config_settings: &project.config_settings,
        })
    }
}

impl SdistBuilder for Builds {
    fn metadata(&self, project: Project) -> Told<'_> {
        Box::pin(async move {
            let fault = |error: BuildError| ProvideError {
                kind: match error.kind() {
                    BuildErrorKind::Unmet => FaultKind::Build,
                    BuildErrorKind::Network => FaultKind::Network,
                    BuildErrorKind::Input => FaultKind::Input,
                    BuildErrorKind::Io => FaultKind::Io,
                },
                hint: error.hint(),
                source: Arc::new(error),
            };
            let commit = self.commit(&project).await.map_err(fault)?;
            let request = self.request(&project, commit.as_ref()).map_err(fault)?;
            let metadata = self
                .with_builder(&project, async |builder| builder.metadata(&request).await)
                .await
                .flatten()
                .map_err(fault)?;
            Ok((
                Arc::new(metadata),
                commit.map(|commit| commit.as_str().to_owned()),
            ))
        })
    }
}

impl BuildRequirements for Builds {
    fn wheels<'a>(
        &'a self,
        package: &'a str,
        requirements: &'a [Dependency],
        interpreter: &'a Interpreter,
    ) -> BoxFuture<'a, Result<Vec<RequiredWheel>, RequirementsError>> {
        Box::pin(async move {
            if self.depth > DEPTH {
                return Err(RequirementsError {
                    message: format!("building {package} needs builds more than {DEPTH} deep"),
                    hint: Some(
                        "one of them may need itself; take a version that has a wheel".into(),
                    ),
                });
            }
            let failed = |error: &dyn std::fmt::Display, hint: Option<String>| RequirementsError {
                message: error.to_string(),
                hint,
            };
            let compatibility = Compatibility::from_tags(interpreter.wheel_tags());
            let provider = RegistryProvider::for_wheels(
                Arc::clone(&self.shared.registry),
                format!("the build of {package}"),
                compatibility,
                self.shared.policy.clone(),
                Some(Arc::new(self.clone())),
            );
            let request =
                resolve::Request::for_build(package, requirements, &interpreter.markers())
                    .ok_or_else(|| {
                        failed(&"the interpreter's version is none that markers know", None)
                    })?;
            let resolution = resolve::resolve(request, Arc::new(provider))
                .await
                .map_err(|error| failed(&error, error.hint()))?;
            let wheels = resolution
                .packages
                .iter()
                .map(|resolved| self.required(resolved));
            try_join_all(wheels.collect::<Vec<_>>())
                .await
                .map_err(|error| failed(&error, error.hint()))
        })
    }
}

impl Builds {
    /// The wheel of one requirement of a build: fetched, or built in its turn.
    async fn required(
        &self,
        resolved: &Resolved<resolve::Artifact>,
    ) -> Result<RequiredWheel, CompileError> {
        let name = &resolved.name;
        let (record, place) = match &resolved.file {
            resolve::Artifact::Listed(listed) => (Some(&listed.installed), None),
            resolve::Artifact::Fixed(fixed) => (fixed.record.as_ref(), Some(&fixed.source)),
        };
        let Some(record) = record else {
            let place = place.map(ToString::to_string).unwrap_or_default();
            return Err(PythonError::BuildNeedsTree {
                package: name.to_string(),
                place,
            }
            .into());
        };
        let stored = self
            .shared
            .client
            .archive(&archives::record_request(record))
            .await?;
        let extras = resolved.extras.iter().cloned().collect();
        if record.is_wheel() {
            let file_name = record.file_name.clone();
            return Ok(RequiredWheel {
                file_name,
                digest: stored.digest,
                extras,
            });
        }
        let project = Project {
            label: format!("{name} {}", resolved.version),
            name: Some(name.clone()),
            version: Some(resolved.version.clone()),
            place: Place::Archive {
                file_name: record.file_name.clone(),
                digest: stored.digest,
                subdirectory: None,
            },
            config_settings: Vec::new(),
        };
        let built = Box::pin(self.wheel(&project)).await?;
        Ok(RequiredWheel {
            file_name: built.file_name,
            digest: built.digest,
            extras,
        })
    }
}

/// What tells a project from others.
fn key(project: &Project) -> Key {
    match &project.place {
        Place::Archive {
            digest,
            subdirectory,
            ..
        } => format!("{digest} {subdirectory:?}"),
        Place::Folder(path) => path.display().to_string(),
        Place::Git {
            repository,
            reference,
            subdirectory,
        } => format!("{repository} {reference:?} {subdirectory:?}"),
    }
    .into()
}
