//! Looking after the store: how big it is, what to remove, what is damaged.
//!
//! Everything here works beside other processes that use the store: files are removed by unlinking,
//! which leaves those who have them open alone, and what is gone is fetched again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use layerpress_scratch::{Swept, sweep_one};
use layerpress_tree::{Algorithm, Digest, Sha256};

use super::archive::digests_of;
use super::blob::{Blob, Name};
use super::pressed::named;
use super::{ARCHIVES, Namespace, PRESSED, STAMP_EVERY, Store, TEMPORARY, bundle};
use crate::error::StoreError;
use crate::map;

/// How long nothing may have been written to an unfinished file before it is taken for a killed
/// process's, where files cannot be locked; a download that stands still for seconds is given up.
const ABANDONED_AFTER: Duration = Duration::from_secs(3600);

/// A part of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// The archives as downloaded.
    Archives,
    /// The archives as pressed.
    Pressed,
    /// One kind of blobs.
    Blobs(Namespace),
    /// Files that are being written, or were when a process was killed.
    Temporary,
}

impl Area {
    /// The folder's name.
    #[must_use]
    pub fn folder(self) -> &'static str {
        match self {
            Self::Archives => ARCHIVES,
            Self::Pressed => PRESSED,
            Self::Blobs(namespace) => namespace.folder(),
            Self::Temporary => TEMPORARY,
        }
    }

    fn all() -> impl Iterator<Item = Self> {
        let blobs = Namespace::ALL.into_iter().map(Self::Blobs);
        [Self::Archives, Self::Pressed, Self::Temporary]
            .into_iter()
            .chain(blobs)
    }
}

/// How much a part of the store holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// How many files.
    pub files: u64,
    /// Their sizes together, in bytes.
    pub bytes: u64,
}

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// How many files.
    pub files: u64,
    /// Their sizes together, in bytes.
    pub bytes: u64,
}

impl Removed {
    fn and(self, more: Self) -> Self {
        Self {
            files: self.files + more.files,
            bytes: self.bytes + more.bytes,
        }
    }
}

/// What a look at every file of the store found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verification {
    /// How many files were looked at.
    pub checked: u64,
    /// Those that were not what they should be; they have been removed. Sorted.
    pub damaged: Vec<PathBuf>,
}

impl Store {
    /// How much each part of the store holds; parts that hold nothing are listed too.
    ///
    /// # Errors
    /// [`StoreError::Read`] if a folder cannot be listed.
    pub fn usage(&self) -> Result<BTreeMap<Area, Usage>, StoreError> {
        let mut usage: BTreeMap<Area, Usage> =
            Area::all().map(|area| (area, Usage::default())).collect();
        for file in self.files()? {
            let usage = usage.entry(file.area).or_default();
            usage.files += 1;
            usage.bytes += file.bytes;
        }
        Ok(usage)
    }

    /// Removes everything but what other processes are writing.
    ///
    /// # Errors
    /// [`StoreError`] if a folder cannot be listed or a file not removed.
    pub fn clean(&self) -> Result<Removed, StoreError> {
        let (unfinished, finished) = self.parted()?;
        let left_behind = self.sweep_all(unfinished);
        Ok(left_behind.and(self.remove(finished)?))
    }

    /// Removes what has not been used for `unused_for`, then, if the rest is larger than
    /// `max_bytes`, the least recently used of it. Use is noted to the day; of one day's files those
    /// go first that take the room, archives and pressed ones, since what is known of them is small
    /// and saves asking for it again. A pressed archive goes together with what is known of it, and what
    /// is in a bundle was used when the bundle was.
    ///
    /// # Errors
    /// [`StoreError`] if a folder cannot be listed or a file not removed.
    pub fn prune(
        &self,
        unused_for: Option<Duration>,
        max_bytes: Option<u64>,
    ) -> Result<Removed, StoreError> {
        let now = self.shared.clock.now();
        let unused = |file: &StoredFile| now.duration_since(file.used).unwrap_or_default();
        let (unfinished, mut finished) = self.parted()?;
        use_with_bundles(&mut finished)?;
        let (mut old, mut kept): (Vec<_>, Vec<_>) = self
            .paired(finished)
            .into_iter()
            .partition(|file| unused_for.is_some_and(|limit| unused(file) > limit));
        let mut total: u64 = kept.iter().map(StoredFile::all_bytes).sum();
        kept.sort_by(|a, b| a.order().cmp(&b.order()));
        for file in kept {
            if max_bytes.is_none_or(|max| total <= max) {
                break;
            }
            total -= file.all_bytes();
            old.push(file);
        }
        let left_behind = self.sweep_all(unfinished);
        Ok(left_behind.and(self.remove(old)?))
    }

    /// Puts what is known of a pressed archive beside it.
    fn paired(&self, files: Vec<StoredFile>) -> Vec<StoredFile> {
        let facts = Area::Blobs(Namespace::Facts);
        let (facts, mut files): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|file| file.area == facts);
        let mut facts: BTreeMap<PathBuf, StoredFile> = facts
            .into_iter()
            .map(|file| (file.path.clone(), file))
            .collect();
        for file in &mut files {
            let pressed = (file.area == Area::Pressed)
                .then(|| named(file.path.clone()))
                .flatten();
            let beside = pressed.and_then(|pressed| facts.remove(&self.facts_path(&pressed)));
            if let Some(beside) = beside {
                file.used = file.used.max(beside.used);
                file.beside = Some(Box::new(beside));
            }
        }
        files.extend(facts.into_values());
        files
    }

    /// Checks every archive against its digest and every blob against its checksum, and removes
    /// those that are damaged. Pressed archives are for those to check who know what is in them.
    ///
    /// # Errors
    /// [`StoreError`] if a folder cannot be listed or a damaged file not removed.
    pub fn verify(&self) -> Result<Verification, StoreError> {
        let mut found = Verification::default();
        let mut damaged = Vec::new();
        for file in self.files()? {
            let whole = match file.area {
                Area::Temporary | Area::Pressed => continue,
                Area::Archives => archive_is_whole(&file.path),
                Area::Blobs(_) => Blob::at(&file.path).map(|blob| blob.is_some()),
            };
            match whole {
                Ok(true) => {}
                Ok(false) => damaged.push(file),
                // Another process replaced or removed it meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(StoreError::reading(&file.path, error)),
            }
            found.checked += 1;
        }
        found.damaged = damaged.iter().map(|file| file.path.clone()).collect();
        found.damaged.sort();
        self.remove(damaged)?;
        Ok(found)
    }

    /// Removes what killed processes left behind.
    pub(super) fn sweep(&self) {
        let folder = self.root().join(TEMPORARY);
        self.sweep_all(list(&folder, Area::Temporary, 0).unwrap_or_default());
    }

    /// Removes those of the unfinished files that nobody will finish.
    fn sweep_all(&self, unfinished: Vec<StoredFile>) -> Removed {
        let now = self.shared.clock.now();
        let mut removed = Removed::default();
        for file in unfinished {
            let gone = match sweep_one(&file.path) {
                Swept::Removed => true,
                Swept::Left => false,
                Swept::Unknown => {
                    let age = now.duration_since(file.used).unwrap_or_default();
                    age > ABANDONED_AFTER && fs::remove_file(&file.path).is_ok()
                }
            };
            if gone {
                removed.files += 1;
                removed.bytes += file.bytes;
            }
        }
        removed
    }

    /// All files: those that are still being written, and the others.
    fn parted(&self) -> Result<(Vec<StoredFile>, Vec<StoredFile>), StoreError> {
        let files = self.files()?.into_iter();
        Ok(files.partition(|file| file.area == Area::Temporary))
    }

    fn files(&self) -> Result<Vec<StoredFile>, StoreError> {
        let mut files = Vec::new();
        for area in Area::all() {
            let folder = self.root().join(area.folder());
            let depth = usize::from(area != Area::Temporary);
            files.extend(
                list(&folder, area, depth).map_err(|error| StoreError::reading(&folder, error))?,
            );
        }
        Ok(files)
    }

    fn remove(&self, files: Vec<StoredFile>) -> Result<Removed, StoreError> {
        let mut removed = Removed::default();
        // What is beside a file goes after it: facts of nothing are harmless.
        let with_beside = |mut file: StoredFile| {
            let beside = file.beside.take().map(|beside| *beside);
            std::iter::once(file).chain(beside)
        };
        for file in files.into_iter().flat_map(with_beside) {
            match fs::remove_file(&file.path) {
                Ok(()) => {
                    removed.files += 1;
                    removed.bytes += file.bytes;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(StoreError::writing(&file.path, error)),
            }
        }
        self.lock_held().clear();
        Ok(removed)
    }
}

pub(super) struct StoredFile {
    area: Area,
    pub(super) path: PathBuf,
    bytes: u64,
    used: SystemTime,
    /// What is of no use without it.
    beside: Option<Box<StoredFile>>,
}

impl StoredFile {
    /// What of two files is removed first.
    fn order(&self) -> (u64, bool, SystemTime, &Path) {
        let since = self.used.duration_since(UNIX_EPOCH).unwrap_or_default();
        let day = since.as_secs() / STAMP_EVERY.as_secs();
        let is_small = matches!(self.area, Area::Blobs(_));
        (day, is_small, self.used, &self.path)
    }

    fn all_bytes(&self) -> u64 {
        self.bytes + self.beside.as_ref().map_or(0, |beside| beside.bytes)
    }
}

/// Lets blobs count as used when a bundle was that has them: nobody opens them any more.
fn use_with_bundles(files: &mut [StoredFile]) -> Result<(), StoreError> {
    let mut used: BTreeMap<Name, SystemTime> = BTreeMap::new();
    for file in files.iter() {
        if file.area != Area::Blobs(Namespace::Bundles) {
            continue;
        }
        let names = match bundle::names_in(&file.path) {
            Ok(names) => names,
            // Another process replaced or removed it meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(StoreError::reading(&file.path, error)),
        };
        for name in names {
            let last = used.entry(name).or_insert(file.used);
            *last = file.used.max(*last);
        }
    }
    for file in files {
        let name = matches!(file.area, Area::Blobs(_)).then(|| Name::of_path(&file.path));
        if let Some(used) = name.flatten().and_then(|name| used.get(&name)) {
            file.used = file.used.max(*used);
        }
    }
    Ok(())
}

/// The regular files `depth` folders below `folder`; none if it does not exist.
pub(super) fn list(folder: &Path, area: Area, depth: usize) -> io::Result<Vec<StoredFile>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        let meta = match entry.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            meta => meta?,
        };
        if depth > 0 && meta.is_dir() {
            files.extend(list(&entry.path(), area, depth - 1)?);
        } else if depth == 0 && meta.is_file() {
            files.push(StoredFile {
                area,
                path: entry.path(),
                bytes: meta.len(),
                used: meta.modified()?,
                beside: None,
            });
        }
    }
    Ok(files)
}

fn archive_is_whole(path: &Path) -> io::Result<bool> {
    let bytes = map::map_archive(&File::open(path)?)?;
    let expected = path
        .file_name()
        .and_then(|name| name.to_str()?.parse::<Sha256>().ok())
        .map(Digest::from);
    Ok(expected == digests_of(&bytes, &[Algorithm::Sha256]).pop())
}
