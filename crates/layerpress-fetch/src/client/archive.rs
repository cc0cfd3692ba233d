//! Archives: streamed into the store while they are hashed, and in place only once they are right.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{Shared, WeakShared};
use layerpress_tree::{Algorithm, Digest, Sha256};
use url::Url;

use super::local::{self, LocalFile};
use super::{Client, beside_others};
use crate::error::FetchError;
use crate::events::Event;
use crate::freshness::Freshness;
use crate::redact::{redacted, without_userinfo};
use crate::store::{ArchiveWriter, Finished, Namespace, StoredArchive, digests_of, first_mismatch};

mod download;
mod sink;

type Download = Pin<Box<dyn Future<Output = Result<StoredArchive, FetchError>> + Send>>;

/// A download under way that others may join.
pub(super) type SharedDownload = WeakShared<Download>;

/// An archive to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveRequest {
    /// Where it is.
    pub url: Url,
    /// Its name, for display.
    pub file_name: String,
    /// What it is promised to be; all of them must hold. None: whatever comes is taken.
    pub digests: Vec<Digest>,
    /// Its size in bytes, where an index or lockfile tells.
    pub size: Option<u64>,
}

impl ArchiveRequest {
    fn sha256(&self) -> Option<Sha256> {
        self.digests.iter().find_map(Digest::sha256)
    }

    /// The algorithms beside SHA-256 that are needed to tell whether the promises hold.
    fn other_algorithms(&self) -> Vec<Algorithm> {
        self.other_digests().map(Digest::algorithm).collect()
    }

    fn other_digests(&self) -> impl Iterator<Item = &Digest> {
        self.digests
            .iter()
            .filter(|digest| digest.algorithm() != Algorithm::Sha256)
    }

    /// What the archive is remembered under when its SHA-256 is not known beforehand.
    fn url_key(&self) -> String {
        let mut url = self.url.clone();
        without_userinfo(&mut url);
        url.set_fragment(None);
        format!("url\n{url}")
    }
}

impl Client {
    /// An archive in the store: what is there already, else fetched and verified.
    ///
    /// Identical requests at the same time share one download. A download that turns out not to be
    /// what was promised is fetched once more.
    ///
    /// # Errors
    /// [`FetchError::Mismatch`] if it is not what was promised; otherwise whatever kept it from
    /// coming.
    pub async fn archive(&self, request: &ArchiveRequest) -> Result<StoredArchive, FetchError> {
        if let Some(stored) = beside_others(|| self.stored(request))? {
            return Ok(stored);
        }
        if local::is_local(&request.url) {
            return beside_others(|| self.local_archive(request));
        }
        let name = format!("`{}`", request.file_name.escape_default());
        self.refuse_offline(&request.url, &name)?;
        self.join_download(request).await
    }

    /// The same, if the store holds it: asks nobody, and needs no runtime.
    ///
    /// # Errors
    /// [`FetchError::Mismatch`] if what is there under one of the digests has not all of them.
    pub fn archive_now(
        &self,
        request: &ArchiveRequest,
    ) -> Result<Option<StoredArchive>, FetchError> {
        self.stored(request)
    }

    fn join_download(&self, request: &ArchiveRequest) -> Shared<Download> {
        let key = format!("{:?}\n{}", request.digests, request.url);
        let mut running = self.lock_downloads();
        running.retain(|_, download| download.upgrade().is_some());
        let under_way = running
            .get(&key)
            .and_then(WeakShared::upgrade)
            // One that just ended: what it fetched may have been forgotten since.
            .filter(|download| download.peek().is_none());
        if let Some(download) = under_way {
            return download;
        }
        let (client, request) = (self.clone(), request.clone());
        let download: Download = Box::pin(async move { client.download(&request).await });
        let download = download.shared();
        if let Some(weak) = download.downgrade() {
            running.insert(key, weak);
        }
        download
    }

    fn lock_downloads(&self) -> MutexGuard<'_, HashMap<String, SharedDownload>> {
        self.shared
            .downloads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The archive, if the store holds it and all promises are known to hold.
    fn stored(&self, request: &ArchiveRequest) -> Result<Option<StoredArchive>, FetchError> {
        let known = self.known_digest(request);
        let Some(digest) = known.or_else(|| self.likely_digest(request)) else {
            return Ok(None);
        };
        let Some(size) = self.store().archive_size(digest) else {
            return Ok(None);
        };
        let stored = StoredArchive {
            digest,
            size,
            cached: true,
        };
        if request.size.is_some_and(|expected| expected != size) && !self.is_whole(digest) {
            self.store().forget_archive(digest);
            self.say_damaged(request, "the cached copy of");
            return Ok(None);
        }
        if known.is_none() && !request.digests.is_empty() {
            self.prove(request, digest)?;
        }
        Ok(Some(stored))
    }

    /// The SHA-256 of what is asked for, if all its promises are known to hold for one archive, which
    /// need not be in the store any more.
    #[must_use]
    pub fn known_digest(&self, request: &ArchiveRequest) -> Option<Sha256> {
        let mut digests = request.digests.iter().map(|digest| match digest.sha256() {
            Some(own) => Some(own),
            None => self.alias(&digest.to_string()),
        });
        let first = digests.next()??;
        digests.all(|other| other == Some(first)).then_some(first)
    }

    /// The SHA-256 of what was asked for, by one of its own digests or by what was learnt before.
    fn likely_digest(&self, request: &ArchiveRequest) -> Option<Sha256> {
        if let Some(digest) = request.sha256() {
            return Some(digest);
        }
        if !request.digests.is_empty() {
            return request
                .other_digests()
                .find_map(|other| self.alias(&other.to_string()));
        }
        let alias = self.store().blob(Namespace::Alias, &request.url_key())?;
        let usable = if local::is_local(&request.url) {
            local::stamp_of(&request.url) == alias.freshness().etag
        } else {
            self.may_use(alias.freshness())
        };
        usable.then(|| Some(Sha256(alias.as_ref().try_into().ok()?)))?
    }

    fn alias(&self, name: &str) -> Option<Sha256> {
        let blob = self.store().blob(Namespace::Alias, name)?;
        Some(Sha256(blob.as_ref().try_into().ok()?))
    }

    fn is_whole(&self, digest: Sha256) -> bool {
        self.store()
            .archive(digest)
            .is_some_and(|bytes| digests_of(&bytes, &[Algorithm::Sha256]) == [Digest::from(digest)])
    }

    /// Checks the promises that the archive's SHA-256 does not answer.
    fn prove(&self, request: &ArchiveRequest, digest: Sha256) -> Result<(), FetchError> {
        let bytes = self.store().archive(digest).unwrap_or_default();
        let found = digests_of(&bytes, &request.other_algorithms());
        if let Some((expected, found)) = first_mismatch(&request.digests, &found) {
            return Err(FetchError::Mismatch {
                url: redacted(&request.url),
                expected: expected.clone(),
                found,
                html: false,
            });
        }
        self.remember(request, digest, None);
        Ok(())
    }

    /// Puts a finished archive in its place and notes its other names.
    fn accept(
        &self,
        request: &ArchiveRequest,
        finished: Finished,
        freshness: Option<Freshness>,
    ) -> Result<StoredArchive, FetchError> {
        if let Some(error) = finished.unkept() {
            self.say_unkept(error);
        }
        let stored = finished.keep(self.store())?;
        self.remember(request, stored.digest, freshness);
        Ok(stored)
    }

    fn remember(&self, request: &ArchiveRequest, digest: Sha256, freshness: Option<Freshness>) {
        let mut names: Vec<(String, Freshness)> = request
            .other_digests()
            .map(|other| (other.to_string(), Freshness::default()))
            .collect();
        if request.digests.is_empty() {
            names.extend(freshness.map(|freshness| (request.url_key(), freshness)));
        }
        for (name, freshness) in names {
            let store = self.store();
            let (_, written) = store.put_fresh_blob(Namespace::Alias, &name, &digest.0, freshness);
            if let Err(error) = written {
                self.say_unkept(&error);
            }
        }
    }

    fn local_archive(&self, request: &ArchiveRequest) -> Result<StoredArchive, FetchError> {
        let local = LocalFile::open(&request.url)?;
        let mut writer = ArchiveWriter::new(self.store(), &request.other_algorithms())?;
        writer.take_all(&local.file).map_err(|error| match error {
            crate::StoreError::Input { source } => FetchError::File {
                path: local.path.clone(),
                source,
            },
            other => other.into(),
        })?;
        let finished = writer.finish();
        if let Some((expected, found)) = finished.mismatch(&request.digests) {
            return Err(FetchError::Mismatch {
                url: redacted(&request.url),
                expected: expected.clone(),
                found,
                html: false,
            });
        }
        let freshness = Freshness {
            etag: Some(local.stamp),
            ..Freshness::default()
        };
        self.accept(request, finished, Some(freshness))
    }

    fn say_damaged(&self, request: &ArchiveRequest, what: &str) {
        let name = request.file_name.escape_default();
        self.reporter()
            .warn(format!("{what} `{name}` is damaged; fetching it again"));
    }
}

/// What is reported of one download: that it began, how far it came, and, when dropped, that it
/// ended. Bytes that come a second time are not reported again.
struct Announced<'a> {
    client: &'a Client,
    name: &'a str,
    id: u64,
    begun: AtomicBool,
    reported: AtomicU64,
}

impl<'a> Announced<'a> {
    fn new(client: &'a Client, name: &'a str) -> Self {
        Self {
            client,
            name,
            id: client.shared.next_download.fetch_add(1, Ordering::Relaxed),
            begun: AtomicBool::new(false),
            reported: AtomicU64::new(0),
        }
    }

    fn begin(&self, bytes: Option<u64>) {
        if !self.begun.swap(true, Ordering::Relaxed) {
            self.client.reporter().report(Event::DownloadStarted {
                id: self.id,
                name: self.name.to_owned(),
                bytes,
            });
        }
    }

    fn reached(&self, received: u64) {
        let before = self.reported.fetch_max(received, Ordering::Relaxed);
        if received > before {
            self.client.reporter().report(Event::DownloadAdvanced {
                id: self.id,
                bytes: received - before,
            });
        }
    }
}

impl Drop for Announced<'_> {
    fn drop(&mut self) {
        if *self.begun.get_mut() {
            self.client
                .reporter()
                .report(Event::DownloadFinished { id: self.id });
        }
    }
}
