//! From pins to unpacked distributions: what is in the store at once, the rest as it arrives.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use layerpress_fetch::{ArchiveRequest, FetchError, redacted};
use layerpress_pack::Level;
use layerpress_press::rules::{Ecosystem, Overrides, Owner};
use layerpress_press::{Recipe, pressed};
use layerpress_python::index::FileRecord;
use layerpress_python::lockfile::{ArchivePin, Artifact, Pin, Place};
use layerpress_python::resolve::{self, Project};
use layerpress_python::wheel::{
    KnownWheel, Spared, UnpackOptions, WheelFile, WheelTree, unpack, unpacked,
};
use layerpress_tree::{Digest, Sha256};
use url::Url;

use super::builds::Builds;
use super::error::PythonError;
use super::pins::layout;
use crate::error::CompileError;
use crate::pins::{Job, Tally};
use crate::session::Session;

/// How many archives are on their way or being unpacked at once; the client bounds the requests.
const AT_ONCE: usize = 64;

/// Unpacks the wheel of each pin, in the pins' order, fetching and building what the store lacks.
///
/// # Errors
/// The first archive that cannot be had, is not what its digest promises, or is no sound wheel.
pub(crate) fn unpack_all(
    job: &Job<'_>,
    builds: &Builds,
    pins: &[Pin],
    options: &UnpackOptions,
) -> Result<Vec<WheelTree>, CompileError> {
    let (session, tally) = (job.session, job.tally);
    let overrides = &job.pruning.overrides;
    let overrides = overrides
        .spare_files()
        .then(|| Arc::new((*overrides).clone()));
    let options_of = |pin: &Pin| UnpackOptions {
        recipe: recipe(job, pin),
        spared: overrides.clone().map(|it| spared(job, pin, it)),
        ..options.clone()
    };
    crate::archives::unpack_all(
        session,
        pins,
        AT_ONCE,
        tally,
        |pin| from_store(session, pin, &options_of(pin)),
        |pin| not_stored(job, pin),
        |index| async move {
            let pin = &pins[index];
            arrive(session, builds, pin, &options_of(pin), tally).await
        },
    )
}

/// How the files of a pin's wheel are pressed.
fn recipe(job: &Job<'_>, pin: &Pin) -> Recipe {
    job.recipe(Ecosystem::Python, pin.name.as_ref())
}

/// The wheel, if it was unpacked before and the pin knows its digest.
fn from_store(
    session: &Session,
    pin: &Pin,
    options: &UnpackOptions,
) -> Result<Option<WheelTree>, CompileError> {
    let Artifact::Wheel(archive) = &pin.artifact else {
        return Ok(None);
    };
    let only_sha256 = archive.hashes.iter().all(|hash| hash.sha256().is_some());
    let (Some(digest), true) = (archive.hashes.iter().find_map(Digest::sha256), only_sha256) else {
        return Ok(None);
    };
    let wheel = KnownWheel {
        name: &archive.file_name,
        digest,
        // Of another size the client tells a damaged copy from a lock that is wrong.
        size: archive.size,
    };
    match unpacked(&wheel, options, session.store()) {
        Ok(tree) => Ok(tree),
        Err(error) if error.is_damage() => {
            session.say_damaged(&archive.file_name);
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Over which files of a pin's wheel fewer passes go.
fn spared(job: &Job<'_>, pin: &Pin, overrides: Arc<Overrides>) -> Spared {
    let runtime = job.target.runtime;
    let flat = runtime.layer_prefix(layerpress_target::Layout::Flat);
    let place = runtime.layer_prefix(layout(job));
    let (profile, package) = (job.pruning.profile, pin.name.to_string());
    Spared::new(move |path| {
        let owner = Owner {
            ecosystem: Ecosystem::Python,
            package: &package,
            place: &place,
        };
        overrides.passes_of_file(profile, owner, &format!("{flat}/{path}"))
    })
}

/// The file name of a remote archive that the store is known not to hold, neither as it came nor
/// pressed.
pub(super) fn not_stored(job: &Job<'_>, pin: &Pin) -> Option<String> {
    let recipe = recipe(job, pin);
    let (Artifact::Wheel(archive) | Artifact::Sdist { archive, .. }) = &pin.artifact else {
        return None;
    };
    let remote = matches!(&archive.place, Place::Url(url) if url.scheme() != "file");
    // Without a sha256, only the client knows what the store has for it.
    let digest = archive.hashes.iter().find_map(Digest::sha256)?;
    let store = job.session.store();
    // Under `fast` only what passes changed is pressed: the rest is in the archive alone.
    let is_pressed = recipe.compression == Level::Best
        && matches!(pressed::open(store, digest, recipe), Ok(Some(_)));
    let absent = remote && store.archive_size(digest).is_none() && !is_pressed;
    absent.then(|| archive.file_name.clone())
}

/// The wheel, from wherever the pin says.
async fn arrive(
    session: &Session,
    builds: &Builds,
    pin: &Pin,
    options: &UnpackOptions,
    tally: &Tally,
) -> Result<WheelTree, CompileError> {
    match &pin.artifact {
        Artifact::Wheel(archive) => {
            let request = request(archive)?;
            match fetch_and_unpack(session, archive, &request, options, tally).await {
                Err(CompileError::Python(PythonError::Wheel(error))) if error.is_damage() => {
                    session
                        .reporter()
                        .warn(format!("{error}; it is fetched again"));
                    fetch_and_unpack(session, archive, &request, options, tally).await
                }
                outcome => outcome,
            }
        }
        Artifact::Sdist {
            archive,
            subdirectory,
        } => {
            let digest = fetch(session, &request(archive)?, tally).await?;
            let place = resolve::Place::Archive {
                file_name: archive.file_name.clone(),
                digest,
                subdirectory: subdirectory.clone(),
            };
            build(session, builds, pin, place, options).await
        }
        Artifact::Folder { path, subdirectory } => {
            let path = subdirectory
                .iter()
                .fold(path.clone(), |path, inner| path.join(inner));
            build(session, builds, pin, resolve::Place::Folder(path), options).await
        }
        Artifact::Git {
            repository,
            commit,
            subdirectory,
        } => {
            let place = resolve::Place::Git {
                repository: repository.clone(),
                reference: Some(commit.clone()),
                subdirectory: subdirectory.clone(),
            };
            build(session, builds, pin, place, options).await
        }
    }
}

async fn build(
    session: &Session,
    builds: &Builds,
    pin: &Pin,
    place: resolve::Place,
    options: &UnpackOptions,
) -> Result<WheelTree, CompileError> {
    if !builds.allow(&pin.name) {
        return Err(PythonError::BuildsOff {
            package: pin.name.to_string(),
        }
        .into());
    }
    let label = match &pin.version {
        Some(version) => format!("{} {version}", pin.name),
        None => pin.name.to_string(),
    };
    let project = Project {
        label,
        name: Some(pin.name.clone()),
        version: pin.version.clone(),
        place,
        config_settings: pin.config_settings.clone(),
    };
    let built = builds.wheel(&project).await?;
    let bytes = stored(session, built.digest, &built.file_name)?;
    unpack_beside(session, &built.file_name, built.digest, bytes, options).await
}

async fn fetch_and_unpack(
    session: &Session,
    archive: &ArchivePin,
    request: &ArchiveRequest,
    options: &UnpackOptions,
    tally: &Tally,
) -> Result<WheelTree, CompileError> {
    let digest = fetch(session, request, tally).await?;
    let bytes = stored(session, digest, &archive.file_name)?;
    unpack_beside(session, &archive.file_name, digest, bytes, options).await
}

/// Brings an archive into the store and counts it.
///
/// # Errors
/// Whatever keeps it from coming, or that it is not what was promised.
pub(crate) async fn fetch(
    session: &Session,
    request: &ArchiveRequest,
    tally: &Tally,
) -> Result<Sha256, FetchError> {
    let stored = session.client.archive(request).await?;
    if let Some(expected) = request.size.filter(|&size| size != stored.size) {
        return Err(FetchError::OtherSize {
            url: redacted(&request.url),
            expected,
            found: stored.size,
        });
    }
    if stored.cached {
        tally.cached.fetch_add(1, Ordering::Relaxed);
    } else {
        tally
            .downloaded_bytes
            .fetch_add(stored.size, Ordering::Relaxed);
    }
    Ok(stored.digest)
}

/// What the client is asked for a pinned archive.
///
/// # Errors
/// A path that cannot be named.
pub(crate) fn request(archive: &ArchivePin) -> Result<ArchiveRequest, CompileError> {
    let url = match &archive.place {
        Place::Url(url) => url.clone(),
        Place::Path(path) => std::path::absolute(path)
            .and_then(|path| {
                Url::from_file_path(path).map_err(|()| std::io::ErrorKind::InvalidInput.into())
            })
            .map_err(|source| CompileError::Unreadable {
                path: path.clone(),
                source,
            })?,
    };
    Ok(ArchiveRequest {
        url,
        file_name: archive.file_name.clone(),
        digests: archive.hashes.clone(),
        size: archive.size,
    })
}

/// What the client is asked for a file of an index.
pub(crate) fn record_request(record: &FileRecord) -> ArchiveRequest {
    ArchiveRequest {
        url: record.url.clone(),
        file_name: record.file_name.clone(),
        digests: record.hashes.clone(),
        size: record.size,
    }
}

/// Inflating, hashing and pressing a wheel takes all cores; the network goes on beside it.
async fn unpack_beside(
    session: &Session,
    file_name: &str,
    digest: Sha256,
    bytes: Bytes,
    options: &UnpackOptions,
) -> Result<WheelTree, CompileError> {
    let store = session.store().clone();
    let file_name = file_name.to_owned();
    let options = options.clone();
    let _turn = session.client.turn().await;
    let work = move || {
        let wheel = WheelFile {
            name: &file_name,
            digest,
            archive: bytes,
        };
        unpack(&wheel, &options, &store)
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => {
            let tree = outcome?;
            session.warn_all(tree.warnings.iter().cloned());
            Ok(tree)
        }
        Err(stopped) => std::panic::resume_unwind(stopped.into_panic()),
    }
}

/// An archive that was put into the store a moment ago.
pub(crate) fn stored(
    session: &Session,
    digest: Sha256,
    file_name: &str,
) -> Result<Bytes, CompileError> {
    session
        .store()
        .archive(digest)
        .ok_or_else(|| CompileError::Vanished {
            path: session.store().archive_path(digest),
            file_name: file_name.to_owned(),
        })
}
