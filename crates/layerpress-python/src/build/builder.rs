//! [`Builder`]: from a source to a wheel in the store, built at most once.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

use layerpress_fetch::git::{Commit, Repository};
use layerpress_fetch::{Event, Namespace, Reporter, Store};
use layerpress_scratch::{ScratchFolder, sweep};
use layerpress_target::Target;
use layerpress_tree::Sha256;
use pep440_rs::Version;
use pep508_rs::PackageName;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::SCRATCH;
use super::error::BuildError;
use super::fit::{self, Need};
use super::interpreter::{Candidates, Interpreter, find_interpreter};
use super::session::{BuildRequirements, Session, Tools, off_thread};
use super::{folder, metadata, remedies, repack, source};
use crate::metadata::Metadata;
use crate::wheel_name::WheelParts;

/// Part of every key: what was kept by another way of building is built again.
const FORMAT: u32 = 2;

/// What builds are made with; one for a run of the program.
#[derive(Clone, Copy)]
pub struct Builder<'a> {
    /// Where sources come from and wheels go to.
    pub store: &'a Store,
    /// Told when somebody else's code begins and ends to run.
    pub reporter: &'a dyn Reporter,
    /// Where Pythons may lie.
    pub candidates: &'a Candidates,
    /// Who resolves and fetches what builds need.
    pub requirements: &'a dyn BuildRequirements,
    /// The variables of the process that runs this program; builds see those that hold no secret.
    pub variables: &'a BTreeMap<OsString, OsString>,
    /// Where temporary folders are made; it must allow programs to run.
    pub temporary: &'a Path,
    /// How long each hook may take. Half an hour is enough for the largest extensions.
    pub budget: Duration,
}

/// A wheel that is wanted of a source.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// What it is called in messages: `docopt 0.6.2`, or the path as the user wrote it.
    pub label: &'a str,
    /// The name that it must have; nothing if that is to be found out.
    pub name: Option<&'a PackageName>,
    /// The version that it must have; nothing if that is to be found out.
    pub version: Option<&'a Version>,
    /// Where the source is.
    pub source: Source<'a>,
    /// What the wheel is for.
    pub target: &'a Target,
    /// What the user tells the backend: a key may come several times.
    pub config_settings: &'a [(String, String)],
}

/// Where a source is.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// An archive in the store.
    Archive {
        /// Its file name.
        file_name: &'a str,
        /// Its digest in the store.
        digest: Sha256,
        /// The folder to build within it; nothing for its root.
        subdirectory: Option<&'a str>,
    },
    /// A folder of this machine.
    Folder(&'a Path),
    /// A commit of a git repository.
    Git {
        /// The repository.
        repository: Repository<'a>,
        /// The commit.
        commit: &'a Commit,
        /// The folder to build within it; nothing for its root.
        subdirectory: Option<&'a str>,
    },
}

/// A wheel that was built, now or earlier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltWheel {
    /// The file name that the backend gave it.
    pub file_name: String,
    /// Its digest in the store.
    pub digest: Sha256,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Whether it was there already.
    pub cached: bool,
}

/// A built wheel as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    file_name: String,
    digest: String,
    size_bytes: u64,
    needs: Vec<Need>,
}

/// A source on disk, and what it is kept by.
struct Tree {
    /// Removed with everything below it when dropped.
    scratch: ScratchFolder,
    root: PathBuf,
}

impl std::fmt::Debug for Builder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("candidates", &self.candidates)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}

impl Builder<'_> {
    /// The wheel of a source, from the store if it was built of the same source before.
    ///
    /// # Errors
    /// A [`BuildError`]: there is no Python, the build fails, or what is built is something else or
    /// does not fit the target.
    pub async fn wheel(&self, request: &Request<'_>) -> Result<BuiltWheel, BuildError> {
        let interpreter = self.interpreter(request).await?;
        let mut prepared = None;
        let key = self.key(request, &interpreter, &mut prepared).await?;
        if let Some((kept, digest)) = key.as_deref().and_then(|key| self.kept(key)) {
            return self.accept(request, &interpreter, kept, digest, true);
        }
        let tree = self.tree(request, prepared).await?;
        let (kept, digest) = self.build(request, &interpreter, &tree).await?;
        if let Some(key) = key
            && let Ok(bytes) = serde_json::to_vec(&kept)
        {
            // A store that cannot be written costs the next run a build.
            let _ = self.store.put_blob(Namespace::Built, &key, &bytes);
        }
        self.accept(request, &interpreter, kept, digest, false)
    }

    /// The wheel, if it fits the target, with a word on what it expects to find there.
    fn accept(
        &self,
        request: &Request<'_>,
        interpreter: &Interpreter,
        kept: Kept,
        digest: Sha256,
        cached: bool,
    ) -> Result<BuiltWheel, BuildError> {
        let missing = fit::missing_libraries(&kept.needs)
            .into_iter()
            .map(|library| format!("`{library}`"))
            .collect::<Vec<_>>()
            .join(", ");
        let built = accept(request, interpreter, kept, digest, cached)?;
        if !missing.is_empty() {
            self.reporter.report(Event::Warning {
                message: format!(
                    "{}: what was built here is linked to {missing}, which Lambda does not have",
                    request.label
                ),
                hint: Some(remedies::of_libraries(request.label)),
            });
        }
        Ok(built)
    }

    /// The metadata of a source: read from it where the standards allow, else from its backend, and
    /// only if that cannot tell, from its wheel. The wheel need not fit the target.
    ///
    /// # Errors
    /// A [`BuildError`], as for [`Self::wheel`].
    pub async fn metadata(&self, request: &Request<'_>) -> Result<Metadata, BuildError> {
        if let Some(metadata) = self.static_metadata(request).await? {
            return identified(request, metadata);
        }
        let interpreter = self.interpreter(request).await?;
        let mut prepared = None;
        let key = self
            .key(request, &interpreter, &mut prepared)
            .await?
            .map(|key| format!("metadata {key}"));
        let kept = key
            .as_deref()
            .and_then(|key| self.store.blob(Namespace::Built, key))
            .and_then(|blob| Metadata::from_stored(&blob));
        if let Some(metadata) = kept {
            return identified(request, metadata);
        }
        let tree = self.tree(request, prepared).await?;
        if let Some(metadata) = metadata::folder_metadata(&tree.root) {
            return identified(request, metadata);
        }
        let text = self.built_metadata(request, &interpreter, &tree).await?;
        let metadata = Metadata::parse(&text).map_err(|error| BuildError::Answer {
            package: request.label.to_owned(),
            problem: format!("wrote METADATA that cannot be read: {error}"),
        })?;
        if let Some(key) = key {
            let _ = self
                .store
                .put_blob(Namespace::Built, &key, &metadata.to_stored());
        }
        identified(request, metadata)
    }

    async fn static_metadata(&self, request: &Request<'_>) -> Result<Option<Metadata>, BuildError> {
        match request.source {
            Source::Folder(path) => Ok(metadata::folder_metadata(path)),
            Source::Git { .. } => Ok(None),
            Source::Archive {
                digest,
                subdirectory,
                ..
            } => {
                // Large archives are read to their end to find nothing: once is enough.
                let version = request.version.is_some();
                let nothing = ["no static metadata", &digest.hex()];
                let nothing = json!([FORMAT, nothing, subdirectory, version]).to_string();
                if self.store.blob(Namespace::Built, &nothing).is_some() {
                    return Ok(None);
                }
                let Some(bytes) = self.store.archive(digest) else {
                    return Ok(None);
                };
                let subdirectory = subdirectory.map(str::to_owned);
                let version = request.version.cloned();
                let found = off_thread(move || {
                    let subdirectory = subdirectory.as_deref();
                    let version = version.as_ref();
                    Ok(metadata::archive_metadata(&bytes, subdirectory, version))
                })
                .await?;
                if found.is_none() {
                    // A store that cannot be written costs the next run a look.
                    let _ = self.store.put_blob(Namespace::Built, &nothing, b"");
                }
                Ok(found)
            }
        }
    }

    async fn interpreter(&self, request: &Request<'_>) -> Result<Interpreter, BuildError> {
        let wanted = request.target.runtime.version();
        find_interpreter(self.candidates, wanted, self.store).await
    }

    /// What a result is kept by; nothing if it cannot be kept. A folder has to be copied to know.
    async fn key(
        &self,
        request: &Request<'_>,
        interpreter: &Interpreter,
        prepared: &mut Option<Tree>,
    ) -> Result<Option<String>, BuildError> {
        let (source, subdirectory) = match request.source {
            Source::Archive {
                digest,
                subdirectory,
                ..
            } => (format!("sha256 {digest}"), subdirectory),
            Source::Git {
                commit,
                subdirectory,
                ..
            } => (format!("git {commit}"), subdirectory),
            Source::Folder(path) => {
                let (tree, digest) = self.copy(path).await?;
                *prepared = Some(tree);
                match digest {
                    Some(digest) => (format!("folder {digest}"), None),
                    None => return Ok(None),
                }
            }
        };
        let key = json!([
            FORMAT,
            source,
            subdirectory,
            interpreter.minor(),
            interpreter.markers().implementation_name,
            interpreter.machine(),
            request.config_settings,
        ]);
        Ok(Some(key.to_string()))
    }

    fn kept(&self, key: &str) -> Option<(Kept, Sha256)> {
        let blob = self.store.blob(Namespace::Built, key)?;
        let kept: Kept = serde_json::from_slice(&blob).ok()?;
        let digest = kept.digest.parse().ok()?;
        // The archive may have been removed by itself.
        (self.store.archive_size(digest) == Some(kept.size_bytes)).then_some((kept, digest))
    }

    async fn copy(&self, path: &Path) -> Result<(Tree, Option<Sha256>), BuildError> {
        let scratch = self.scratch()?;
        let root = scratch.path().join("source");
        let (from, into) = (path.to_owned(), root.clone());
        let copied = off_thread(move || folder::copy(&from, &into)).await?;
        for link in &copied.left_out {
            self.reporter.warn(format!(
                "`{}` leads out of its folder and was left out of the build",
                path.join(link).display()
            ));
        }
        Ok((Tree { scratch, root }, copied.digest))
    }

    /// The source on disk.
    async fn tree(
        &self,
        request: &Request<'_>,
        prepared: Option<Tree>,
    ) -> Result<Tree, BuildError> {
        if let Some(tree) = prepared {
            return Ok(tree);
        }
        let scratch = self.scratch()?;
        let into = scratch.path().join("source");
        std::fs::create_dir_all(&into).map_err(BuildError::io(&into))?;
        let root = match request.source {
            Source::Folder(path) => return Ok(self.copy(path).await?.0),
            Source::Archive {
                file_name,
                digest,
                subdirectory,
            } => {
                let missing = || std::io::Error::from(std::io::ErrorKind::NotFound);
                let bytes = self
                    .store
                    .archive(digest)
                    .ok_or_else(|| BuildError::io(&self.store.archive_path(digest))(missing()))?;
                let file_name = file_name.to_owned();
                let subdirectory = subdirectory.map(str::to_owned);
                off_thread(move || {
                    source::extract(&file_name, &bytes, &into, subdirectory.as_deref())
                })
                .await?
            }
            Source::Git {
                repository,
                commit,
                subdirectory,
            } => {
                repository
                    .check_out(commit, &into, folder::needs_history)
                    .await?;
                source::below(&into, subdirectory, request.label)?
            }
        };
        Ok(Tree { scratch, root })
    }

    async fn build(
        &self,
        request: &Request<'_>,
        interpreter: &Interpreter,
        tree: &Tree,
    ) -> Result<(Kept, Sha256), BuildError> {
        let settings = settings(request.config_settings);
        let wheel = self
            .running(request, async {
                let tools = self.tools(request, interpreter, &settings);
                let session = Session::begin(tools, tree.root.clone(), tree.scratch.path()).await?;
                session.wheel().await
            })
            .await
            .map_err(|error| with_note(error, request.target, interpreter))?;
        let file_name = wheel.file_name().unwrap_or_default();
        let file_name = file_name.to_string_lossy().into_owned();
        identify(request, &file_name)?;
        let (scratch, store) = (tree.scratch.path().to_owned(), self.store.clone());
        let (stored, needs) = off_thread(move || repack::repack(&wheel, &scratch, &store)).await?;
        let kept = Kept {
            file_name,
            digest: stored.digest.hex(),
            size_bytes: stored.size,
            needs,
        };
        Ok((kept, stored.digest))
    }

    async fn built_metadata(
        &self,
        request: &Request<'_>,
        interpreter: &Interpreter,
        tree: &Tree,
    ) -> Result<Vec<u8>, BuildError> {
        let settings = settings(request.config_settings);
        let (told, wheel) = self
            .running(request, async {
                let tools = self.tools(request, interpreter, &settings);
                let session = Session::begin(tools, tree.root.clone(), tree.scratch.path()).await?;
                match session.metadata().await? {
                    Some(text) => Ok((Some(text), None)),
                    None => session.wheel().await.map(|wheel| (None, Some(wheel))),
                }
            })
            .await
            .map_err(|error| with_note(error, request.target, interpreter))?;
        match (told, wheel) {
            (Some(text), _) => Ok(text),
            (None, wheel) => {
                let wheel = wheel.unwrap_or_default();
                let scratch = tree.scratch.path().to_owned();
                off_thread(move || repack::metadata_of(&wheel, &scratch)).await
            }
        }
    }

    fn tools<'t>(
        &'t self,
        request: &Request<'t>,
        interpreter: &'t Interpreter,
        config_settings: &'t Value,
    ) -> Tools<'t> {
        Tools {
            package: request.label,
            interpreter,
            requirements: self.requirements,
            variables: self.variables,
            config_settings,
            budget: self.budget,
            store: self.store,
        }
    }

    async fn running<T>(
        &self,
        request: &Request<'_>,
        work: impl Future<Output = Result<T, BuildError>>,
    ) -> Result<T, BuildError> {
        let package = request.label.to_owned();
        self.reporter.report(Event::BuildStarted {
            package: package.clone(),
        });
        let done = work.await;
        self.reporter.report(Event::BuildFinished { package });
        done
    }

    fn scratch(&self) -> Result<ScratchFolder, BuildError> {
        sweep(self.temporary, &SCRATCH);
        ScratchFolder::create(self.temporary, &SCRATCH).map_err(BuildError::io(self.temporary))
    }
}

/// The wheel, if it fits the target.
fn accept(
    request: &Request<'_>,
    interpreter: &Interpreter,
    kept: Kept,
    digest: Sha256,
    cached: bool,
) -> Result<BuiltWheel, BuildError> {
    identify(request, &kept.file_name)?;
    match fit::misfit(&kept.file_name, &kept.needs, request.target, interpreter) {
        Some(reason) => Err(BuildError::Foreign {
            package: request.label.to_owned(),
            target: request.target.to_string(),
            reason,
        }),
        None => Ok(BuiltWheel {
            file_name: kept.file_name,
            digest,
            size_bytes: kept.size_bytes,
            cached,
        }),
    }
}

/// The metadata, if it is of the package that was asked for.
fn identified(request: &Request<'_>, metadata: Metadata) -> Result<Metadata, BuildError> {
    let named = request.name.is_none_or(|name| *name == metadata.name);
    let versioned = request.version.is_none_or(|it| *it == metadata.version);
    if named && versioned {
        return Ok(metadata);
    }
    Err(BuildError::Identity {
        package: request.label.to_owned(),
        found: format!("{} {}", metadata.name, metadata.version),
    })
}

/// Whether the file name is that of the package that was asked for.
fn identify(request: &Request<'_>, file_name: &str) -> Result<(), BuildError> {
    let parts = WheelParts::split(file_name).map_err(|error| BuildError::Answer {
        package: request.label.to_owned(),
        problem: format!("wrote a file that is no wheel: {error}"),
    })?;
    let named = request
        .name
        .is_none_or(|name| PackageName::from_str(parts.name).as_ref() == Ok(name));
    let versioned = request
        .version
        .is_none_or(|version| Version::from_str(parts.version).as_ref() == Ok(version));
    if named && versioned {
        return Ok(());
    }
    Err(BuildError::Identity {
        package: request.label.to_owned(),
        found: format!("{} {}", parts.name, parts.version),
    })
}

/// As the hooks take them: a key that comes several times has a list.
fn settings(pairs: &[(String, String)]) -> Value {
    let mut map = Map::new();
    for (key, value) in pairs {
        match map.get_mut(key) {
            None => {
                map.insert(key.clone(), json!(value));
            }
            Some(Value::Array(values)) => values.push(json!(value)),
            Some(first) => *first = json!([first.take(), value]),
        }
    }
    if map.is_empty() {
        Value::Null
    } else {
        Value::Object(map)
    }
}

/// Says of a failed build that its success would not have helped either, where that may be.
fn with_note(error: BuildError, target: &Target, interpreter: &Interpreter) -> BuildError {
    let BuildError::Backend {
        package,
        command,
        outcome,
        output,
        ..
    } = error
    else {
        return error;
    };
    let (host, wanted) = (interpreter.machine(), target.arch.machine());
    let note = (host != wanted).then(|| {
        format!("what is compiled on this machine ({host}) would not run on {target} either")
    });
    BuildError::Backend {
        package,
        command,
        outcome,
        output,
        note,
    }
}
