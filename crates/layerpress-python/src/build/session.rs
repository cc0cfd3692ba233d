//! A build in progress: the source on disk, the environment, and the backend's answers.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::BoxFuture;
use layerpress_fetch::Store;
use layerpress_tree::Sha256;
use pep508_rs::ExtraName;
use serde_json::Value;

use super::backend::{BuildSystem, parse_requirements};
use super::environment::{Environment, Running};
use super::error::BuildError;
use super::hooks::Backend;
use super::interpreter::Interpreter;
use crate::lenient::Dependency;
use crate::wheel::{self, UnpackOptions, WheelFile, WheelTree};

/// Whoever resolves and fetches what a build needs.
pub trait BuildRequirements: Send + Sync {
    /// The wheels that meet `requirements` on `interpreter`, all of their own requirements included;
    /// their archives lie in the store. `package` is what is built, for messages, and to notice a
    /// package that needs itself.
    fn wheels<'a>(
        &'a self,
        package: &'a str,
        requirements: &'a [Dependency],
        interpreter: &'a Interpreter,
    ) -> BoxFuture<'a, Result<Vec<RequiredWheel>, RequirementsError>>;
}

/// A wheel that a build needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequiredWheel {
    /// Its file name.
    pub file_name: String,
    /// Its digest in the store.
    pub digest: Sha256,
    /// The extras that are asked for.
    pub extras: BTreeSet<ExtraName>,
}

/// Why what a build needs cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RequirementsError {
    /// A lowercase sentence.
    pub message: String,
    /// What to do about it, if there is something.
    pub hint: Option<String>,
}

/// What a session works with.
#[derive(Clone, Copy)]
pub(super) struct Tools<'a> {
    pub(super) package: &'a str,
    pub(super) interpreter: &'a Interpreter,
    pub(super) requirements: &'a dyn BuildRequirements,
    pub(super) variables: &'a BTreeMap<OsString, OsString>,
    pub(super) config_settings: &'a Value,
    pub(super) budget: Duration,
    pub(super) store: &'a Store,
}

/// A source tree with the environment that builds it; all below one temporary folder.
pub(super) struct Session<'a> {
    tools: Tools<'a>,
    scratch: &'a Path,
    source: PathBuf,
    system: BuildSystem,
    environment: Environment,
}

impl<'a> Session<'a> {
    /// Lays out what the backend of `source` needs, in a folder below `scratch`.
    pub(super) async fn begin(
        tools: Tools<'a>,
        source: PathBuf,
        scratch: &'a Path,
    ) -> Result<Self, BuildError> {
        let system = BuildSystem::of(&source, tools.package)?;
        let environment = lay_out(tools, &system.requires, scratch, "first").await?;
        let mut session = Self {
            tools,
            scratch,
            source,
            system,
            environment,
        };
        let more = session.backend().requires_for_wheel().await?;
        if !more.is_empty() {
            let more = parse_requirements(more.iter().map(String::as_str)).map_err(|problem| {
                BuildError::Answer {
                    package: tools.package.to_owned(),
                    problem,
                }
            })?;
            // Resolved together, so that the second answer cannot break the first.
            let all = [session.system.requires.clone(), more].concat();
            session.environment = lay_out(tools, &all, scratch, "second").await?;
        }
        Ok(session)
    }

    /// The text of METADATA, if the backend can tell it without a build.
    pub(super) async fn metadata(&self) -> Result<Option<Vec<u8>>, BuildError> {
        let into = self.folder("metadata")?;
        let Some(dist_info) = self.backend().prepare_metadata(&into).await? else {
            return Ok(None);
        };
        let path = dist_info.join("METADATA");
        fs::read(&path).map(Some).map_err(BuildError::io(&path))
    }

    /// The wheel, below the temporary folder.
    pub(super) async fn wheel(&self) -> Result<PathBuf, BuildError> {
        let into = self.folder("wheel")?;
        self.backend().build_wheel(&into).await
    }

    fn folder(&self, name: &str) -> Result<PathBuf, BuildError> {
        let folder = self.scratch.join(name);
        fs::create_dir_all(&folder).map_err(BuildError::io(&folder))?;
        Ok(folder)
    }

    fn backend(&self) -> Backend<'_> {
        Backend {
            package: self.tools.package,
            source: &self.source,
            system: &self.system,
            environment: &self.environment,
            running: Running {
                variables: self.tools.variables,
                budget: self.tools.budget,
                scratch: self.scratch,
            },
            config_settings: self.tools.config_settings,
        }
    }
}

async fn lay_out(
    tools: Tools<'_>,
    requirements: &[Dependency],
    scratch: &Path,
    name: &str,
) -> Result<Environment, BuildError> {
    let package = || tools.package.to_owned();
    let wheels = if requirements.is_empty() {
        Vec::new()
    } else {
        tools
            .requirements
            .wheels(tools.package, requirements, tools.interpreter)
            .await
            .map_err(|error| BuildError::Requirements {
                package: package(),
                message: error.message,
                hint: error.hint,
            })?
    };
    let root = scratch.join("environment").join(name);
    fs::create_dir_all(&root).map_err(BuildError::io(&root))?;
    let environment =
        Environment::create(&root, tools.interpreter).map_err(BuildError::io(&root))?;
    let (package, store) = (package(), tools.store.clone());
    let options = environment.unpack_options();
    off_thread(move || {
        let mut trees = Vec::new();
        for wheel in &wheels {
            trees.push(unpack(wheel, &options, &store).map_err(|error| {
                BuildError::RequirementWheel {
                    package: package.clone(),
                    error,
                }
            })?);
        }
        let merged = wheel::merge(trees)
            .map_err(|error| BuildError::RequirementConflict { package, error })?;
        wheel::write_folder(&merged.tree, &root).map_err(BuildError::io(&root))
    })
    .await?;
    Ok(environment)
}

fn unpack(
    required: &RequiredWheel,
    options: &UnpackOptions,
    store: &Store,
) -> Result<WheelTree, wheel::WheelError> {
    let mut options = options.clone();
    if let Some(scripts) = &mut options.scripts {
        scripts.extras.clone_from(&required.extras);
    }
    let file = WheelFile {
        name: &required.file_name,
        digest: required.digest,
        // An archive that went missing has not its digest either, and is told so.
        archive: store.archive(required.digest).unwrap_or_default(),
    };
    wheel::unpack(&file, &options, store)
}

/// Runs what reads, inflates and writes many files away from the threads that wait for the network.
pub(super) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BuildError> + Send + 'static,
) -> Result<T, BuildError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => Err(BuildError::Io {
                path: PathBuf::new(),
                error: error.into(),
            }),
        },
    }
}
