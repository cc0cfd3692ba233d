//! [`Bundle`]: the small blobs that the build of one lock reads, once more in one file.
//!
//! A layer of many packages needs a few blobs of each, and opening thousands of files takes longer than
//! reading them. What a run reads one by one is therefore written together in a blob of its own, under a
//! key that says what the run is for, and the next run for the same takes it from there. Each part is a
//! whole blob under its own name, checked as if it lay alone: a bundle that is old or damaged answers
//! less, and never anything else.
//!
//! The contents, all numbers little-endian:
//!
//! | at | bytes | |
//! |---|---|---|
//! | 0 | 8 | how many parts there are |
//! | 8 | 8 | zero |
//! | 16 | 48 each | the parts, by name: the name (32), where in the contents it begins, how long it is |
//! | | | the parts, each at a multiple of 16 |

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::blob::{Blob, Name};
use super::{Namespace, Store};

const HEADER: usize = 16;
const ENTRY: usize = 48;
const ALIGNMENT: usize = 16;

/// From so many blobs on one file for all of them is worth writing.
const WORTH_PARTS: usize = 64;

/// A run that takes blobs from a bundle, and makes it anew where that lacked any.
#[derive(Debug)]
#[must_use = "the bundle is used until this is dropped"]
pub struct Bundling<'a> {
    store: &'a Store,
    key: String,
    bundle: Arc<Bundle>,
}

/// The blobs of a run.
#[derive(Debug, Default)]
pub(super) struct Bundle {
    kept: Option<Kept>,
    /// What was read or written beside, or is gone.
    others: Mutex<BTreeMap<Name, Option<Blob>>>,
}

/// A bundle as it lies in the store.
#[derive(Debug)]
struct Kept {
    whole: Blob,
    parts: usize,
    /// Which of the parts were asked for.
    used: Vec<AtomicBool>,
}

impl Store {
    /// Takes small blobs from the bundle under `key`, until what this gives is dropped; one at a time.
    pub fn bundling(&self, key: String) -> Bundling<'_> {
        let kept = self.blob(Namespace::Bundles, &key).and_then(Kept::new);
        let bundle = Arc::new(Bundle {
            kept,
            ..Bundle::default()
        });
        *self.lock_bundle() = Some(Arc::clone(&bundle));
        Bundling {
            store: self,
            key,
            bundle,
        }
    }

    /// The bundle in use, for blobs of a kind that bundles have.
    pub(super) fn bundle(&self, namespace: Namespace) -> Option<Arc<Bundle>> {
        let is_bundled = match namespace {
            Namespace::Alias | Namespace::Facts | Namespace::Evidence | Namespace::Verified => true,
            Namespace::Index
            | Namespace::Packuments
            | Namespace::Metadata
            | Namespace::Built
            | Namespace::Bundles => false,
        };
        is_bundled.then(|| self.lock_bundle().clone())?
    }

    fn lock_bundle(&self) -> MutexGuard<'_, Option<Arc<Bundle>>> {
        let bundle = self.shared.bundle.lock();
        bundle.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bundling<'_> {
    /// Writes the bundle anew if the run read blobs that it lacked.
    pub fn keep(self) {
        if let Some(contents) = self.bundle.contents() {
            // A store that cannot be written costs time, and what it cannot keep is told by others.
            let _unkept = self.store.put_bundle(&self.key, &contents);
        }
    }
}

impl Drop for Bundling<'_> {
    fn drop(&mut self) {
        *self.store.lock_bundle() = None;
    }
}

impl Bundle {
    /// A blob, if it is here.
    pub(super) fn blob(&self, name: &Name) -> Option<Blob> {
        let kept = self.kept.as_ref()?;
        let index = kept.find(name)?;
        if self.lock_others().contains_key(name) {
            return None;
        }
        let part = kept.part(index)?;
        kept.used.get(index)?.store(true, Ordering::Relaxed);
        Some(part)
    }

    /// Notes what the store has under a name, and had not here. What was fetched is left alone: it
    /// changes.
    pub(super) fn note(&self, name: Name, blob: Option<Blob>) {
        let blob = blob.filter(|blob| *blob.freshness() == Default::default());
        self.lock_others().insert(name, blob);
    }

    fn lock_others(&self) -> MutexGuard<'_, BTreeMap<Name, Option<Blob>>> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the bundle should hold, if that is more than it does and worth a file.
    fn contents(&self) -> Option<Vec<u8>> {
        let others = self.lock_others();
        others.values().flatten().next()?;
        let mut parts: BTreeMap<Name, Blob> = BTreeMap::new();
        for (index, used) in self.kept.iter().flat_map(|it| it.used.iter().enumerate()) {
            let part = self.kept.as_ref().and_then(|kept| {
                let is_used = used.load(Ordering::Relaxed);
                is_used.then(|| Some((kept.entry(index)?.0, kept.part(index)?)))?
            });
            parts.extend(part);
        }
        for (name, blob) in &*others {
            match blob {
                Some(blob) => parts.insert(name.clone(), blob.clone()),
                None => parts.remove(name),
            };
        }
        (parts.len() >= WORTH_PARTS).then(|| written(&parts))
    }
}

impl Kept {
    /// `None` for contents that are no bundle.
    fn new(whole: Blob) -> Option<Self> {
        let parts = usize::try_from(u64_at(&whole, 0)?).ok()?;
        let end = parts.checked_mul(ENTRY)?.checked_add(HEADER)?;
        let used = (end <= whole.len()).then(|| (0..parts).map(|_| AtomicBool::default()))?;
        Some(Self {
            used: used.collect(),
            whole,
            parts,
        })
    }

    /// The name of a part, and where it lies.
    fn entry(&self, index: usize) -> Option<(Name, Range<usize>)> {
        let at = HEADER + index * ENTRY;
        let name = self.whole.get(at..at + 32)?;
        let start = usize::try_from(u64_at(&self.whole, at + 32)?).ok()?;
        let length = usize::try_from(u64_at(&self.whole, at + 40)?).ok()?;
        let end = start.checked_add(length)?;
        Some((Name::from_bytes(name)?, start..end))
    }

    fn find(&self, name: &Name) -> Option<usize> {
        let (mut low, mut high) = (0, self.parts);
        while low < high {
            let middle = low + (high - low) / 2;
            let (found, _) = self.entry(middle)?;
            match found.cmp(name) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(middle),
            }
        }
        None
    }

    fn part(&self, index: usize) -> Option<Blob> {
        let (name, range) = self.entry(index)?;
        Blob::part(&self.whole, range, &name)
    }
}

/// The names of the blobs in the bundle that lies at `path`; none if it is none.
pub(super) fn names_in(path: &Path) -> io::Result<Vec<Name>> {
    let Some(kept) = Blob::at(path)?.and_then(Kept::new) else {
        return Ok(Vec::new());
    };
    let entries = (0..kept.parts).filter_map(|index| kept.entry(index));
    Ok(entries.map(|(name, _)| name).collect())
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(8)?)?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

fn written(parts: &BTreeMap<Name, Blob>) -> Vec<u8> {
    let sizes = parts.values().map(|part| part.file_bytes().len());
    let room: usize = sizes.map(|it| it + ENTRY + ALIGNMENT).sum();
    let mut contents = Vec::with_capacity(room + HEADER);
    contents.extend_from_slice(&(parts.len() as u64).to_le_bytes());
    contents.extend_from_slice(&[0; 8]);
    let mut at = HEADER + parts.len() * ENTRY;
    for (name, part) in parts {
        let length = part.file_bytes().len();
        contents.extend_from_slice(name.as_bytes());
        contents.extend_from_slice(&(at as u64).to_le_bytes());
        contents.extend_from_slice(&(length as u64).to_le_bytes());
        at += length.next_multiple_of(ALIGNMENT);
    }
    for part in parts.values() {
        contents.extend_from_slice(part.file_bytes());
        contents.resize(contents.len().next_multiple_of(ALIGNMENT), 0);
    }
    contents
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File, FileTimes};
    use std::path::PathBuf;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::super::{Area, blob};
    use super::*;
    use crate::freshness::Freshness;

    const LOCK: &str = "a lock";

    /// A store with `count` blobs, which a run has read.
    fn read_once(count: usize) -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("cache")).expect("opens");
        for index in 0..count {
            let (key, value) = (format!("key {index}"), [7].repeat(index * 5));
            store
                .put_blob(Namespace::Facts, &key, &value)
                .expect("writes");
        }
        assert_eq!(read(&store, count), count);
        (folder, store)
    }

    /// How many of the first `count` blobs a run gets, each as it was put.
    fn read(store: &Store, count: usize) -> usize {
        let run = store.bundling(LOCK.to_owned());
        let found = (0..count).filter(|index| {
            let blob = store.blob(Namespace::Facts, &format!("key {index}"));
            blob.is_some_and(|blob| {
                assert_eq!(*blob, [7].repeat(index * 5));
                assert_eq!(blob.as_ptr().align_offset(ALIGNMENT), 0);
                true
            })
        });
        let found = found.count();
        run.keep();
        found
    }

    fn path(store: &Store, namespace: Namespace, key: &str) -> PathBuf {
        store.blob_path(namespace, &blob::Name::of(namespace, key))
    }

    fn bundle(store: &Store) -> PathBuf {
        path(store, Namespace::Bundles, LOCK)
    }

    fn without_facts(store: &Store) {
        fs::remove_dir_all(store.root().join("facts")).expect("removes");
    }

    #[test]
    fn a_second_run_opens_one_file() {
        let (_folder, store) = read_once(100);
        without_facts(&store);
        assert_eq!(read(&store, 101), 100);
        // Other runs have other bundles.
        let _run = store.bundling("another lock".to_owned());
        assert!(store.blob(Namespace::Facts, "key 1").is_none());
    }

    #[test]
    fn outside_a_run_there_is_no_bundle() {
        let (_folder, store) = read_once(100);
        without_facts(&store);
        drop(store.bundling(LOCK.to_owned()));
        assert!(store.blob(Namespace::Facts, "key 1").is_none());
    }

    #[test]
    fn a_few_blobs_are_not_worth_a_bundle() {
        let (_folder, store) = read_once(WORTH_PARTS - 1);
        assert!(!bundle(&store).exists());
    }

    #[test]
    fn a_bundle_has_what_its_last_change_needed() {
        let (_folder, store) = read_once(100);
        let size = || fs::metadata(bundle(&store)).expect("there").len();
        let before = size();
        // Less is no reason to write it anew.
        assert_eq!(read(&store, 70), 70);
        assert_eq!(size(), before);
        let run = store.bundling(LOCK.to_owned());
        for index in 0..70 {
            assert!(
                store
                    .blob(Namespace::Facts, &format!("key {index}"))
                    .is_some()
            );
        }
        store
            .put_blob(Namespace::Evidence, "new", b"new")
            .expect("writes");
        run.keep();
        assert!(size() < before);
        without_facts(&store);
        assert_eq!(read(&store, 100), 70);
    }

    #[test]
    fn what_is_replaced_or_forgotten_is_not_taken_from_a_bundle() {
        let (_folder, store) = read_once(100);
        let run = store.bundling(LOCK.to_owned());
        assert!(store.blob(Namespace::Facts, "key 1").is_some());
        store.forget_blob(Namespace::Facts, "key 1");
        assert!(store.blob(Namespace::Facts, "key 1").is_none());
        store
            .put_blob(Namespace::Facts, "key 2", b"two")
            .expect("writes");
        for index in 3..100 {
            assert!(
                store
                    .blob(Namespace::Facts, &format!("key {index}"))
                    .is_some()
            );
        }
        run.keep();
        let _run = store.bundling(LOCK.to_owned());
        assert!(store.blob(Namespace::Facts, "key 1").is_none());
        assert_eq!(
            *store.blob(Namespace::Facts, "key 2").expect("there"),
            *b"two"
        );
    }

    #[test]
    fn what_was_fetched_may_change_and_is_not_bundled() {
        let (_folder, store) = read_once(100);
        let fetched = Freshness {
            fetched_at: 7,
            ..Freshness::default()
        };
        let run = store.bundling(LOCK.to_owned());
        let put = store.put_fresh_blob(Namespace::Alias, "url", b"old", fetched.clone());
        put.1.expect("writes");
        store
            .put_blob(Namespace::Alias, "digest", b"same")
            .expect("writes");
        run.keep();
        let another = Store::open(store.root()).expect("opens");
        let put = another.put_fresh_blob(Namespace::Alias, "url", b"new", fetched);
        put.1.expect("writes");
        let _run = store.bundling(LOCK.to_owned());
        assert_eq!(
            *store.blob(Namespace::Alias, "url").expect("there"),
            *b"new"
        );
    }

    #[test]
    fn what_a_bundle_has_is_as_lately_used_as_the_bundle() {
        let (_folder, store) = read_once(100);
        store
            .put_blob(Namespace::Facts, "alone", b"")
            .expect("writes");
        let days = |days: u64| Duration::from_secs(days * 24 * 3600);
        let age = |path: &Path| {
            let used = store.shared.clock.now() - days(40);
            let file = File::options().write(true).open(path).expect("there");
            file.set_times(FileTimes::new().set_modified(used))
                .expect("sets");
        };
        let of = |key: &str| path(&store, Namespace::Facts, key);
        for key in ["key 1", "key 2", "alone"] {
            age(&of(key));
        }
        let prune = || store.prune(Some(days(30)), None).expect("prunes").files;
        assert_eq!(prune(), 1);
        assert!(of("key 1").exists() && !of("alone").exists());
        age(&bundle(&store));
        assert_eq!(prune(), 3);
        assert!(!of("key 1").exists() && of("key 3").exists() && !bundle(&store).exists());
    }

    #[test]
    fn a_bundle_counts_and_is_verified_like_any_blob() {
        let (_folder, store) = read_once(100);
        let area = Area::Blobs(Namespace::Bundles);
        assert_eq!(store.usage().expect("lists")[&area].files, 1);
        assert_eq!(
            store.verify().expect("verifies").damaged,
            [] as [PathBuf; 0]
        );
        fs::write(bundle(&store), "no bundle").expect("writes");
        assert_eq!(store.verify().expect("verifies").damaged, [bundle(&store)]);
        assert_eq!(read(&store, 100), 100);
        assert_eq!(store.clean().expect("cleans").files, 101);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn contents_that_are_no_bundle_answer_nothing(
            at in any::<prop::sample::Index>(), byte: u8, cut: bool,
        ) {
            let (_folder, store) = read_once(WORTH_PARTS);
            let whole = store.blob(Namespace::Bundles, LOCK).expect("there");
            let mut contents = whole.to_vec();
            let at = at.index(contents.len());
            match cut {
                true => contents.truncate(at),
                false => contents[at] = byte,
            }
            store.put_blob(Namespace::Bundles, LOCK, &contents).expect("writes");
            without_facts(&store);
            // Whatever it still gives was put that way.
            read(&store, WORTH_PARTS);
            names_in(&bundle(&store)).expect("reads");
        }
    }
}
