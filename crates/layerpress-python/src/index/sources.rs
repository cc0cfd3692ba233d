//! Metadata of files: by the cheapest way that works, and kept.
//!
//! For a wheel: from memory; from the store; from the archive if the store holds it; the `.metadata`
//! file beside it (PEP 658), where the index advertises that or the host is not known to have none;
//! the end of the zip by range requests; the whole archive. Each way that fails leads to the next,
//! except when nobody answers at all. For a source distribution: PKG-INFO, where that is binding.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use layerpress_fetch::{ArchiveRequest, FetchError, Namespace, RangeSpec};
use pep440_rs::Version;
use pep508_rs::PackageName;
use rustc_hash::FxHashMap;
use tokio::sync::OnceCell;
use url::Url;

use super::error::IndexError;
use super::file::{CoreMetadata, FileRecord, digest_matches};
use super::registry::{Registry, lock};
use super::tail::{self, ArchiveFault, Part, Progress, Wanted};
use crate::metadata::Metadata;
use crate::wheel_name::{WheelName, package_name};

/// To be raised with every change of the stored form of metadata, or of how it is read.
const FORM: &str = "metadata-1";

/// How large a `.metadata` file may be, in bytes.
const MAX_METADATA: u64 = 16 * 1024 * 1024;

/// How many parts of an archive are asked for before it is fetched as a whole: tail, central
/// directory, local header with data, data after a long extra field.
const MAX_PARTS: usize = 5;

/// What is remembered about metadata during a run.
#[derive(Debug, Default)]
pub(super) struct Sources {
    known: Mutex<FxHashMap<String, Arc<OnceCell<Arc<Metadata>>>>>,
    hosts: Mutex<FxHashMap<String, Host>>,
}

/// What a host was found to give.
#[derive(Debug, Clone, Copy, Default)]
struct Host {
    /// `.metadata` files that no index advertised.
    sidecars: Answer,
    /// Parts of files.
    ranges: Answer,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Answer {
    #[default]
    Untried,
    Works,
    Fails,
}

impl Registry {
    /// The metadata of a wheel, if it is known without asking anybody.
    #[must_use]
    pub fn metadata_now(&self, file: &FileRecord) -> Option<Arc<Metadata>> {
        let cell = self.metadata_cell(file);
        if let Some(metadata) = cell.get() {
            return Some(Arc::clone(metadata));
        }
        let key = stored_key(file)?;
        let blob = self.client().store().blob(Namespace::Metadata, &key)?;
        let metadata = Arc::new(Metadata::from_stored(&blob)?);
        // If another task was quicker, its answer is the same.
        let _ = cell.set(Arc::clone(&metadata));
        Some(metadata)
    }

    /// The metadata of a wheel.
    ///
    /// # Errors
    /// [`IndexError`] if it cannot be had by any way, cannot be used, or is that of something else.
    pub async fn metadata(&self, file: &FileRecord) -> Result<Arc<Metadata>, IndexError> {
        if let Some(metadata) = self.metadata_now(file) {
            return Ok(metadata);
        }
        let cell = self.metadata_cell(file);
        let metadata = cell
            .get_or_try_init(async || {
                let wheel = file.wheel_name().map_err(|_| IndexError::Archive {
                    file_name: file.file_name.clone(),
                    fault: ArchiveFault::Absent("METADATA"),
                })?;
                let bytes = self.wheel_metadata(file, &wheel).await?;
                let metadata = parsed(file, &bytes, Some((&wheel.name, &wheel.version)))?;
                self.keep(file, &metadata);
                Ok(Arc::new(metadata))
            })
            .await?;
        Ok(Arc::clone(metadata))
    }

    fn metadata_cell(&self, file: &FileRecord) -> Arc<OnceCell<Arc<Metadata>>> {
        let key = stored_key(file).unwrap_or_else(|| file.url.to_string());
        Arc::clone(lock(&self.sources.known).entry(key).or_default())
    }

    /// Keeps metadata for later runs. A store that cannot be written costs those time, not this one
    /// its result; the client says so when it meets the same fault.
    pub(super) fn keep(&self, file: &FileRecord, metadata: &Metadata) {
        if let Some(key) = stored_key(file) {
            let store = self.client().store();
            let _ = store.put_blob(Namespace::Metadata, &key, &metadata.to_stored());
        }
    }

    async fn wheel_metadata(
        &self,
        file: &FileRecord,
        wheel: &WheelName,
    ) -> Result<Bytes, IndexError> {
        if let Some(archive) = file.sha256().and_then(|d| self.client().store().archive(d))
            && let Ok(bytes) = from_archive(archive, wheel)
        {
            return Ok(bytes);
        }
        let failed = |cause| IndexError::File {
            file_name: file.file_name.clone(),
            cause,
        };
        if file.url.scheme() != "file" {
            match self.sidecar(file).await {
                Ok(Some(bytes)) => return Ok(bytes),
                Err(cause) if is_final(&cause) => return Err(failed(cause)),
                Ok(None) | Err(_) => {}
            }
            match self.tail(file, wheel).await {
                Ok(Some(bytes)) => return Ok(bytes),
                Err(cause) if is_final(&cause) => return Err(failed(cause)),
                Ok(None) | Err(_) => {}
            }
        }
        let archive = self.archive(file).await?;
        from_archive(archive, wheel).map_err(|fault| IndexError::Archive {
            file_name: file.file_name.clone(),
            fault,
        })
    }

    /// The `.metadata` file, its hash verified if the index gives one; `None` if there is no point
    /// in asking, or what came is something else.
    async fn sidecar(&self, file: &FileRecord) -> Result<Option<Bytes>, FetchError> {
        let expected = match &file.core_metadata {
            CoreMetadata::Advertised(hash) => hash.as_ref(),
            CoreMetadata::Unsaid if self.host(&file.url).sidecars == Answer::Fails => {
                return Ok(None);
            }
            CoreMetadata::Unsaid => None,
        };
        let mut url = file.url.clone();
        url.set_path(&format!("{}.metadata", file.url.path()));
        let answer = self.client().bytes(&url, MAX_METADATA).await;
        if file.core_metadata == CoreMetadata::Unsaid {
            let refused = answer.as_ref().is_err_and(|e| e.status().is_some());
            self.learn(&file.url, |host| match host.sidecars {
                _ if answer.is_ok() => host.sidecars = Answer::Works,
                Answer::Untried if refused => host.sidecars = Answer::Fails,
                _ => {}
            });
        }
        let bytes = answer?;
        let genuine = expected.is_none_or(|expected| digest_matches(expected, &bytes));
        // A server that answers everything with a page of its own is not believed.
        let plausible = Metadata::parse(&bytes).is_ok() || expected.is_some();
        Ok((genuine && plausible).then_some(bytes))
    }

    /// METADATA by range requests; `None` if the server does not serve parts, or the archive cannot
    /// be read that way.
    async fn tail(
        &self,
        file: &FileRecord,
        wheel: &WheelName,
    ) -> Result<Option<Bytes>, FetchError> {
        if self.host(&file.url).ranges == Answer::Fails {
            return Ok(None);
        }
        let client = self.client();
        let mut spec = RangeSpec::Last(tail::FIRST_GUESS);
        let mut parts: Vec<Part> = Vec::new();
        let mut total = None;
        while parts.len() < MAX_PARTS {
            let answer = client.range(&file.url, spec).await;
            self.learn(&file.url, |host| match &answer {
                Ok(_) => host.ranges = Answer::Works,
                Err(FetchError::RangeUnsupported { .. }) if host.ranges == Answer::Untried => {
                    host.ranges = Answer::Fails;
                }
                Err(_) => {}
            });
            let answer = answer?;
            // A file that changes between two answers is none to take parts of.
            if *total.get_or_insert(answer.total) != answer.total {
                return Ok(None);
            }
            parts.push(Part {
                start: answer.start,
                bytes: answer.bytes,
            });
            match look(&parts, answer.total, wheel) {
                Ok(Progress::Done(bytes)) => return Ok(Some(bytes.into())),
                Ok(Progress::Need(range)) => {
                    spec = RangeSpec::Part {
                        start: range.start,
                        length: range.end.saturating_sub(range.start).max(1),
                    };
                }
                Err(_) => return Ok(None),
            }
        }
        Ok(None)
    }

    /// The whole archive, from the store or into it.
    pub(super) async fn archive(&self, file: &FileRecord) -> Result<Bytes, IndexError> {
        let request = ArchiveRequest {
            url: file.url.clone(),
            file_name: file.file_name.clone(),
            digests: file.hashes.clone(),
            size: file.size,
        };
        let failed = |cause| IndexError::File {
            file_name: file.file_name.clone(),
            cause,
        };
        let stored = self.client().archive(&request).await.map_err(failed)?;
        let archive = self.client().store().archive(stored.digest);
        archive.ok_or_else(|| IndexError::Archive {
            file_name: file.file_name.clone(),
            fault: ArchiveFault::Damaged("the store lost it again"),
        })
    }

    fn host(&self, url: &Url) -> Host {
        let hosts = lock(&self.sources.hosts);
        hosts.get(&origin(url)).copied().unwrap_or_default()
    }

    fn learn(&self, url: &Url, lesson: impl FnOnce(&mut Host)) {
        lesson(lock(&self.sources.hosts).entry(origin(url)).or_default());
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Under which key metadata is kept: only under what the file's bytes are, never under a URL whose
/// contents may change.
fn stored_key(file: &FileRecord) -> Option<String> {
    Some(format!("{FORM}\n{}", file.sha256()?))
}

/// Whether nobody answered: then the other ways to the same host are as hopeless, and slow.
fn is_final(error: &FetchError) -> bool {
    matches!(
        error,
        FetchError::Connect { .. }
            | FetchError::Certificate { .. }
            | FetchError::Silent { .. }
            | FetchError::Setup { .. }
            | FetchError::Wait { .. }
            | FetchError::Store(_)
    )
}

/// Parses metadata and holds it against the name of the file that it came from.
pub(super) fn parsed(
    file: &FileRecord,
    bytes: &[u8],
    expected: Option<(&PackageName, &Version)>,
) -> Result<Metadata, IndexError> {
    let metadata = Metadata::parse(bytes).map_err(|fault| IndexError::Metadata {
        file_name: file.file_name.clone(),
        fault,
    })?;
    match expected {
        Some(expected) if expected != (&metadata.name, &metadata.version) => {
            Err(IndexError::Mismatch {
                file_name: file.file_name.clone(),
                found: format!("{} {}", metadata.name, metadata.version),
            })
        }
        _ => Ok(metadata),
    }
}

fn from_archive(archive: Bytes, wheel: &WheelName) -> Result<Bytes, ArchiveFault> {
    let total = archive.len() as u64;
    let part = Part {
        start: 0,
        bytes: archive,
    };
    match look(&[part], total, wheel)? {
        Progress::Done(bytes) => Ok(bytes.into()),
        Progress::Need(_) => Err(ArchiveFault::Damaged("an entry lies outside")),
    }
}

fn look(parts: &[Part], total: u64, wheel: &WheelName) -> Result<Progress, ArchiveFault> {
    let wanted = Wanted {
        what: "METADATA",
        fit: &|path| fit(path, wheel),
    };
    tail::advance(parts, total, &wanted)
}

/// `{name}-{version}.dist-info/METADATA` at the top: of several, that of the wheel's own name.
fn fit(path: &str, wheel: &WheelName) -> Option<u8> {
    let stem = path.strip_suffix(".dist-info/METADATA")?;
    if stem.contains('/') {
        return None;
    }
    let own = stem
        .split_once('-')
        .and_then(|(name, _)| package_name(name))
        .is_some_and(|name| name == wheel.name);
    Some(u8::from(own))
}
