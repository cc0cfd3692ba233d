//! [`Shelf`]: what the packages of a lock say of themselves, without unpacking them.

use std::path::Path;
use std::sync::Arc;

use layerpress_lock::{ForeignPackage, Pylock};
use layerpress_python::index::{CoreMetadata, FileRecord, Registry, SdistMetadata};
use layerpress_python::lockfile::{
    ArchivePin, Artifact, Place, best_name, locate, pins, relocated,
};
use layerpress_python::{Compatibility, Metadata};
use layerpress_target::Target;
use layerpress_tree::Digest;
use url::Url;

/// Where metadata is looked for.
pub(super) struct Shelf<'a> {
    /// The indexes, and the store.
    pub(super) registry: &'a Registry,
    /// What files are chosen for.
    pub(super) target: &'a Target,
    /// Where the lock's relative paths start.
    pub(super) folder: &'a Path,
    /// Whether what the store does not hold is fetched.
    pub(super) fetches: bool,
}

impl Shelf<'_> {
    /// What a package says of itself: as the store knows it from any of its files, else as the file says
    /// that the target gets, if that may be fetched. Nothing where only a build tells.
    pub(super) async fn metadata(&self, foreign: &ForeignPackage) -> Option<Arc<Metadata>> {
        let listed = foreign.listed.iter().map(|it| {
            let name = it.name.clone().unwrap_or_default();
            record(name, nowhere()?, &it.digest)
        });
        let wheels = foreign.package.wheels().iter().map(|wheel| {
            let name = wheel.name.clone();
            record(name, nowhere()?, wheel.hashes.first()?)
        });
        let best = self.best(foreign);
        let records = best.iter().cloned().chain(listed.chain(wheels).flatten());
        for record in records {
            if let Some(metadata) = self.registry.metadata_now(&record) {
                return Some(metadata);
            }
        }
        let store = self.registry.client().store();
        let is_there = |record: &FileRecord| {
            let digest = record.sha256();
            digest.is_some_and(|digest| store.archive(digest).is_some())
        };
        if let Some(best) = &best
            && (self.fetches || is_there(best))
            && let Some(metadata) = self.read(foreign, best).await
        {
            return Some(metadata);
        }
        if !self.fetches {
            return None;
        }
        // The index knows where it is where the lock does not, or where what the lock says is no more.
        let unplaced = match foreign.listed.is_empty() {
            true => relocated(foreign.package.clone(), self.target),
            false => foreign.clone(),
        };
        let located = locate(unplaced, self.registry, self.target).await.ok()?;
        let located = ForeignPackage {
            package: located,
            listed: Vec::new(),
        };
        self.read(foreign, &self.best(&located)?).await
    }

    async fn read(&self, foreign: &ForeignPackage, record: &FileRecord) -> Option<Arc<Metadata>> {
        if record.is_wheel() {
            return self.registry.metadata(record).await.ok();
        }
        let package = &foreign.package;
        let version = package.version.as_ref()?;
        let found = self.registry.sdist_metadata(record, &package.name, version);
        match found.await.ok()? {
            SdistMetadata::Static(metadata) => Some(metadata),
            SdistMetadata::NeedsBuild => None,
        }
    }

    /// The file that the target gets, if the lock says where it is.
    fn best(&self, foreign: &ForeignPackage) -> Option<FileRecord> {
        let names = foreign.listed.iter().filter_map(|it| it.name.as_deref());
        let names: Vec<&str> = names.collect();
        if let Some(best) = best_name(&names, &Compatibility::new(self.target)) {
            let mut listed = foreign.listed.iter();
            let listed = listed.find(|it| it.name.as_deref() == Some(best))?;
            // The store may hold it, wherever it is.
            let found = record(best.to_owned(), nowhere()?, &listed.digest)?;
            let store = self.registry.client().store();
            return found
                .sha256()
                .and_then(|it| store.archive(it))
                .map(|_| found);
        }
        let package = [&foreign.package];
        let pins = pins(&Pylock::new(), &package, self.target, self.folder).ok()?;
        let (Artifact::Wheel(archive) | Artifact::Sdist { archive, .. }) =
            pins.into_iter().next()?.artifact
        else {
            return None;
        };
        let ArchivePin {
            file_name,
            place,
            hashes,
            ..
        } = archive;
        let url = match place {
            Place::Url(url) => url,
            Place::Path(path) => Url::from_file_path(std::path::absolute(path).ok()?).ok()?,
        };
        record(file_name, url, hashes.first()?)
    }
}

/// The address of what the store knows by its digest.
fn nowhere() -> Option<Url> {
    "file:///".parse().ok()
}

fn record(file_name: String, url: Url, digest: &Digest) -> Option<FileRecord> {
    digest.sha256()?;
    Some(FileRecord {
        file_name,
        url,
        hashes: vec![digest.clone()],
        size: None,
        upload_time: None,
        requires_python: None,
        yanked: None,
        core_metadata: CoreMetadata::Unsaid,
        index: None,
    })
}
