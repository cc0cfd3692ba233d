//! The store: what was fetched or worked out once, kept in the user's cache folder.
//!
//! ```text
//! <root>/index|packuments|metadata|…/ab/cdef…                  blobs, by the digest of their key
//! <root>/archives/ab/abcdef…                                  archives as downloaded, by SHA-256
//! <root>/pressed/ab/abcdef…-<recipe>.zip                      archives pressed by a recipe
//! <root>/tmp/                                                 files that are still being written
//! <root>/lock                                                 locked by who uses the store
//! ```
//!
//! Every file is written in `tmp` and renamed into place once it is whole, then never written
//! again: two processes may work on one store, and either may be killed at any moment. Blobs carry
//! their own checksum, so that a damaged one counts as absent; archives are synced to disk before
//! their rename, since nothing checks them again. A file's modification time is when it was last
//! used (to the day), which is what pruning goes by.

mod archive;
mod blob;
mod bundle;
mod in_use;
mod pressed;
mod upkeep;

use std::collections::HashMap;
use std::fs::{self, File, FileTimes, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use layerpress_scratch::{Naming, ScratchFile};
use layerpress_tree::Sha256;

use crate::clock::Clock;
use crate::error::StoreError;
use crate::freshness::Freshness;
use crate::map;

pub use archive::StoredArchive;
pub(crate) use archive::{ArchiveWriter, Finished, digests_of, first_mismatch};
pub use blob::Blob;
pub use bundle::Bundling;
pub use in_use::Alone;
pub use pressed::{NewPressed, PressedFile, facts_key};
pub use upkeep::{Area, Removed, Usage, Verification};

const ARCHIVES: &str = "archives";
const PRESSED: &str = "pressed";
const TEMPORARY: &str = "tmp";

/// What is still being written; it has the folder to itself.
const UNFINISHED: Naming = Naming {
    prefix: "part-",
    suffix: "",
};

/// How stale a last-use stamp may get before it is worth a system call.
const STAMP_EVERY: Duration = Duration::from_secs(24 * 3600);

/// The kinds of blobs, each in a folder of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Namespace {
    /// Parsed index pages.
    Index,
    /// Parsed packuments.
    Packuments,
    /// Parsed package metadata.
    Metadata,
    /// Receipts of archives whose contents were verified.
    Verified,
    /// What was built from sources.
    Built,
    /// From another name of an archive (a URL, another digest) to its SHA-256.
    Alias,
    /// What is known of the files in a pressed archive.
    Facts,
    /// What an archive's code says about files that could be left out.
    Evidence,
    /// The blobs that the build of one lock reads, once more in one file.
    Bundles,
}

impl Namespace {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Index,
        Self::Packuments,
        Self::Metadata,
        Self::Verified,
        Self::Built,
        Self::Alias,
        Self::Facts,
        Self::Evidence,
        Self::Bundles,
    ];

    /// The folder's name.
    #[must_use]
    pub fn folder(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Packuments => "packuments",
            Self::Metadata => "metadata",
            Self::Verified => "verified",
            Self::Built => "built",
            Self::Alias => "alias",
            Self::Facts => "facts",
            Self::Evidence => "evidence",
            Self::Bundles => "bundles",
        }
    }
}

/// The store. Cheap to clone; all clones are the same store.
#[derive(Debug, Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    root: PathBuf,
    clock: Clock,
    /// Archives that could not be put in their place: mapped from an unnamed file instead, so that
    /// a cache that cannot be written costs the next run time, not this one its result.
    held: Mutex<HashMap<Sha256, Bytes>>,
    in_use: in_use::InUse,
    /// Where a run takes its small blobs from.
    bundle: Mutex<Option<Arc<bundle::Bundle>>>,
    /// The first thing that could not be kept.
    unkept: OnceLock<StoreError>,
}

impl Store {
    /// The store in the folder `root`, which need not exist nor be writable: folders are created
    /// when something is first written. What killed processes left half-written is removed.
    ///
    /// # Errors
    /// [`StoreError::NotAFolder`] if something else is in its place.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        if fs::metadata(root).is_ok_and(|place| !place.is_dir()) {
            return Err(StoreError::NotAFolder {
                path: root.to_owned(),
            });
        }
        let store = Self {
            shared: Arc::new(Shared {
                root: root.to_owned(),
                clock: Clock::System,
                held: Mutex::default(),
                in_use: Default::default(),
                bundle: Mutex::default(),
                unkept: OnceLock::new(),
            }),
        };
        store.sweep();
        Ok(store)
    }

    /// The store's folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.shared.root
    }

    /// Why something could not be kept in this store, if so: the first reason that was met. Archives
    /// are not counted, whose keeper hears of it at once.
    #[must_use]
    pub fn unkept(&self) -> Option<&StoreError> {
        self.shared.unkept.get()
    }

    /// Notes why something could not be kept.
    fn noting<T>(&self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        outcome.inspect_err(|error| {
            self.shared.unkept.get_or_init(|| error.clone());
        })
    }

    /// The blob that was last put under `key`; a damaged one counts as absent.
    #[must_use]
    pub fn blob(&self, namespace: Namespace, key: &str) -> Option<Blob> {
        let name = blob::Name::of(namespace, key);
        let bundle = self.bundle(namespace);
        let bundled = bundle.as_ref().and_then(|it| it.blob(&name));
        if bundled.is_some() {
            return bundled;
        }
        let file = File::open(self.blob_path(namespace, &name)).ok()?;
        let meta = file.metadata().ok()?;
        let blob = Blob::read(&file, meta.len(), &name).ok()?;
        self.stamp_if_stale(&file, &meta);
        if let Some(bundle) = bundle {
            bundle.note(name, Some(blob.clone()));
        }
        Some(blob)
    }

    /// Puts `bytes` under `key`, replacing what was there; readers see the old or the new, whole.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be written or the disk is full.
    pub fn put_blob(
        &self,
        namespace: Namespace,
        key: &str,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        self.put_fresh_blob(namespace, key, bytes, Freshness::default())
            .1
    }

    /// As [`Store::put_blob`], with freshness; also gives the blob, which is good even if it could
    /// not be written.
    pub(crate) fn put_fresh_blob(
        &self,
        namespace: Namespace,
        key: &str,
        bytes: &[u8],
        freshness: Freshness,
    ) -> (Blob, Result<(), StoreError>) {
        let blob = Self::made_blob(namespace, key, bytes, freshness);
        let written = self.put_made_blob(namespace, key, &blob);
        (blob, written)
    }

    /// A blob to be put under `key`.
    pub(crate) fn made_blob(
        namespace: Namespace,
        key: &str,
        bytes: &[u8],
        freshness: Freshness,
    ) -> Blob {
        Blob::new(&blob::Name::of(namespace, key), bytes, freshness)
    }

    /// Puts a blob under the key that it was made for.
    pub(crate) fn put_made_blob(
        &self,
        namespace: Namespace,
        key: &str,
        blob: &Blob,
    ) -> Result<(), StoreError> {
        let name = blob::Name::of(namespace, key);
        let written = self.write_blob(&self.blob_path(namespace, &name), blob.file_bytes());
        if let Some(bundle) = self.bundle(namespace) {
            bundle.note(name, Some(blob.clone()));
        }
        self.noting(written)
    }

    /// Removes the blob under `key`, if there is one.
    pub fn forget_blob(&self, namespace: Namespace, key: &str) {
        let name = blob::Name::of(namespace, key);
        // If it cannot be removed it is overwritten later or stays as it is: nothing to be done.
        let _ = fs::remove_file(self.blob_path(namespace, &name));
        if let Some(bundle) = self.bundle(namespace) {
            bundle.note(name, None);
        }
    }

    /// An archive's bytes, mapped; `None` if the store does not hold it.
    #[must_use]
    pub fn archive(&self, digest: Sha256) -> Option<Bytes> {
        if let Some(bytes) = self.held(digest) {
            return Some(bytes);
        }
        let file = File::open(self.archive_path(digest)).ok()?;
        self.map_used(&file)
    }

    /// Where an archive lies, or would lie, in the store.
    #[must_use]
    pub fn archive_path(&self, digest: Sha256) -> PathBuf {
        let hex = digest.hex();
        self.root().join(ARCHIVES).join(&hex[..2]).join(&hex)
    }

    /// The size in bytes of an archive that the store holds.
    #[must_use]
    pub fn archive_size(&self, digest: Sha256) -> Option<u64> {
        if let Some(bytes) = self.held(digest) {
            return Some(bytes.len() as u64);
        }
        let meta = fs::metadata(self.archive_path(digest)).ok()?;
        meta.is_file().then_some(meta.len())
    }

    /// Puts an archive into the store: a local file, or one that was built here.
    ///
    /// # Errors
    /// [`StoreError::Input`] if `bytes` cannot be read, otherwise whatever keeps the store from
    /// being written.
    pub fn put_archive(&self, bytes: impl Read) -> Result<StoredArchive, StoreError> {
        let mut writer = ArchiveWriter::new(self, &[])?;
        writer.take_all(bytes)?;
        writer.finish().keep(self)
    }

    /// Removes an archive that turned out to be damaged, so that it is fetched anew.
    pub fn forget_archive(&self, digest: Sha256) {
        self.lock_held().remove(&digest);
        // If it cannot be removed, the caller meets the damage again and says so.
        let _ = fs::remove_file(self.archive_path(digest));
    }

    fn held(&self, digest: Sha256) -> Option<Bytes> {
        self.lock_held().get(&digest).cloned()
    }

    fn lock_held(&self) -> std::sync::MutexGuard<'_, HashMap<Sha256, Bytes>> {
        self.shared
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn blob_path(&self, namespace: Namespace, name: &blob::Name) -> PathBuf {
        let hex = name.hex();
        let mut path = self.root().join(namespace.folder());
        path.push(&hex[..2]);
        path.push(&hex[2..]);
        path
    }

    /// Puts a bundle into its place. That it could not be kept is no news: whatever is in it is kept too,
    /// or was told of.
    fn put_bundle(&self, key: &str, contents: &[u8]) -> Result<(), StoreError> {
        let name = blob::Name::of(Namespace::Bundles, key);
        let blob = Blob::new(&name, contents, Freshness::default());
        self.write_blob(
            &self.blob_path(Namespace::Bundles, &name),
            blob.file_bytes(),
        )
    }

    fn write_blob(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        let file = self.temporary_file()?;
        file.file()
            .write_all(bytes)
            .map_err(|error| unfinished(&file, error))?;
        put_in_place(file, path).map_err(|(error, _)| error)
    }

    /// A new file in `tmp`, which is gone when dropped before its rename.
    fn temporary_file(&self) -> Result<ScratchFile, StoreError> {
        let folder = self.root().join(TEMPORARY);
        let create = || ScratchFile::create(&folder, &UNFINISHED);
        let created = match create() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self
                .create_root()
                .and_then(|()| fs::create_dir_all(&folder))
                .and_then(|()| create()),
            other => other,
        };
        created.map_err(|error| StoreError::writing(&folder, error))
    }

    /// Creates the root, marked as a folder that backups may leave out (bford.info/cachedir).
    fn create_root(&self) -> io::Result<()> {
        fs::create_dir_all(self.root())?;
        self.shared.in_use.hold(self.root());
        let tag = self.root().join("CACHEDIR.TAG");
        if tag.exists() {
            return Ok(());
        }
        fs::write(
            tag,
            "Signature: 8a477f597d28d172789f06886806bc55\n# This folder is a cache of layerpress and can be removed.\n",
        )
    }

    /// A file's bytes, mapped; notes that it was used.
    fn map_used(&self, file: &File) -> Option<Bytes> {
        let meta = file.metadata().ok()?;
        let bytes = map::map_sized(file, meta.len()).ok()?;
        self.stamp_if_stale(file, &meta);
        Some(bytes)
    }

    /// Notes that a file was used, unless that was noted lately.
    fn stamp_if_stale(&self, file: &File, meta: &Metadata) {
        let now = self.shared.clock.now();
        let since = |used| now.duration_since(used).ok();
        if meta.modified().ok().and_then(since) > Some(STAMP_EVERY) {
            // A store that is only read keeps old stamps.
            let _ = file.set_times(FileTimes::new().set_modified(now));
        }
    }
}

/// Why an unfinished file could not be written; its random name says nothing, its folder does.
fn unfinished(file: &ScratchFile, error: io::Error) -> StoreError {
    StoreError::writing(file.path().parent().unwrap_or(file.path()), error)
}

/// Renames a finished file, creating the folder it goes to if need be; gives the file back if that
/// fails.
fn put_in_place(file: ScratchFile, path: &Path) -> Result<(), (StoreError, ScratchFile)> {
    let Err((error, file)) = file.persist(path) else {
        return Ok(());
    };
    let Some(folder) = path
        .parent()
        .filter(|_| error.kind() == io::ErrorKind::NotFound)
    else {
        return Err((StoreError::writing(path, error), file));
    };
    if let Err(error) = fs::create_dir_all(folder) {
        return Err((StoreError::writing(folder, error), file));
    }
    file.persist(path)
        .map_err(|(error, file)| (StoreError::writing(path, error), file))
}

#[cfg(test)]
mod tests;
