//! [`Keeping`]: pages' parsed forms on their way into the store.
//!
//! Nobody has to wait until one is written: what is asked for next follows from the page. On a busy disk
//! hundreds of small files otherwise hold up the threads that read the next pages. They are written by a
//! thread of its own, in the order in which they came; until then they are read from here.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::error::StoreError;
use crate::store::{Blob, Namespace, Store};

/// How much may wait, in bytes: then whoever brings more waits too.
const MOST_BYTES: usize = 64 << 20;

/// What is on its way into a store. All of it has been written when this is dropped.
#[derive(Debug)]
pub(super) struct Keeping {
    store: Store,
    line: Arc<Line>,
    /// What writes, once there is something to write.
    writer: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Line {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The first of them is the one that is being written.
    waiting: VecDeque<Job>,
    /// What is waiting last under each key, which counts in place of what the store has.
    last: HashMap<Key, (u64, Option<Blob>)>,
    bytes: usize,
    jobs: u64,
    /// The first thing that could not be kept.
    failed: Option<StoreError>,
    is_closed: bool,
}

type Key = (Namespace, String);

/// Something to be put under a key, or nothing.
#[derive(Debug)]
struct Job {
    number: u64,
    key: Key,
    blob: Option<Blob>,
}

impl Keeping {
    pub(super) fn new(store: Store) -> Self {
        Self {
            store,
            line: Arc::default(),
            writer: Mutex::default(),
        }
    }

    /// What was last put under a key, written or not.
    pub(super) fn blob(&self, namespace: Namespace, key: &str) -> Option<Blob> {
        {
            let state = self.line.lock();
            if !state.last.is_empty()
                && let Some((_, waiting)) = state.last.get(&(namespace, key.to_owned()))
            {
                return waiting.clone();
            }
        }
        self.store.blob(namespace, key)
    }

    /// Puts a blob under a key, soon; without a blob, what is there is removed.
    pub(super) fn put(&self, namespace: Namespace, key: String, blob: Option<Blob>) {
        let mut state = self.line.lock();
        while state.bytes > MOST_BYTES {
            state = self.line.wait(state);
        }
        state.jobs += 1;
        let number = state.jobs;
        let key = (namespace, key);
        state.last.insert(key.clone(), (number, blob.clone()));
        state.bytes += size(blob.as_ref());
        state.waiting.push_back(Job { number, key, blob });
        drop(state);
        self.line.changed.notify_all();
        self.begin();
    }

    /// Waits until all has been written; what could not be kept first since the last time.
    pub(super) fn settle(&self) -> Option<StoreError> {
        let mut state = self.line.lock();
        while !state.waiting.is_empty() {
            state = self.line.wait(state);
        }
        state.failed.take()
    }

    fn begin(&self) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.is_some() {
            return;
        }
        let (line, store) = (Arc::clone(&self.line), self.store.clone());
        let work = move || while line.write_next(&store, true) {};
        match std::thread::Builder::new().name("store".into()).spawn(work) {
            Ok(begun) => *writer = Some(begun),
            // Where there are no threads to be had, all is written here.
            Err(_) => while self.line.write_next(&self.store, false) {},
        }
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        self.line.lock().is_closed = true;
        self.line.changed.notify_all();
        let writer = self.writer.get_mut();
        if let Some(writer) = writer.unwrap_or_else(PoisonError::into_inner).take() {
            // A writer that panicked has said so; what it had to write is fetched again next time.
            let _ = writer.join();
        }
    }
}

impl Line {
    /// Writes what has waited longest; whether there may be more. If it `waits`, that is until no more
    /// can come.
    fn write_next(&self, store: &Store, waits: bool) -> bool {
        let mut state = self.lock();
        while state.waiting.is_empty() && waits && !state.is_closed {
            state = self.wait(state);
        }
        let Some(Job { number, key, blob }) = state.waiting.front() else {
            return false;
        };
        let (number, key, blob) = (*number, key.clone(), blob.clone());
        drop(state);
        let written = match &blob {
            Some(blob) => store.put_made_blob(key.0, &key.1, blob),
            None => {
                store.forget_blob(key.0, &key.1);
                Ok(())
            }
        };
        let mut state = self.lock();
        state.waiting.pop_front();
        state.bytes -= size(blob.as_ref());
        if state
            .last
            .get(&key)
            .is_some_and(|(last, _)| *last == number)
        {
            state.last.remove(&key);
        }
        if let Err(error) = written {
            state.failed.get_or_insert(error);
        }
        drop(state);
        self.changed.notify_all();
        true
    }

    /// What is behind the lock is whole at all times: a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        let changed = self.changed.wait(state);
        changed.unwrap_or_else(PoisonError::into_inner)
    }
}

fn size(blob: Option<&Blob>) -> usize {
    blob.map_or(0, |blob| blob.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::freshness::Freshness;

    const KIND: Namespace = Namespace::Index;

    fn blob(key: &str, text: &str) -> Option<Blob> {
        Some(Store::made_blob(
            KIND,
            key,
            text.as_bytes(),
            Freshness::default(),
        ))
    }

    fn read(found: Option<Blob>) -> Option<String> {
        found.map(|blob| String::from_utf8_lossy(&blob).into_owned())
    }

    #[test]
    fn what_came_last_is_read_at_once_and_written_in_the_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("opens");
        let keeping = Keeping::new(store.clone());
        for round in 0..50 {
            for key in ["a", "b"] {
                let text = format!("{key}{round}");
                keeping.put(KIND, key.to_owned(), blob(key, &text));
                assert_eq!(read(keeping.blob(KIND, key)), Some(text));
            }
        }
        keeping.put(KIND, "b".to_owned(), None);
        assert_eq!(read(keeping.blob(KIND, "b")), None);
        assert!(keeping.settle().is_none());
        assert!(keeping.line.lock().last.is_empty());
        for found in [&|key| keeping.blob(KIND, key), &|key| store.blob(KIND, key)]
            as [&dyn Fn(&str) -> Option<Blob>; 2]
        {
            assert_eq!(read(found("a")).as_deref(), Some("a49"));
            assert_eq!(read(found("b")), None);
        }
    }

    #[test]
    fn all_is_written_when_it_is_dropped() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("opens");
        let keeping = Keeping::new(store.clone());
        for number in 0..100 {
            let key = number.to_string();
            keeping.put(KIND, key.clone(), blob(&key, "x"));
        }
        drop(keeping);
        assert!((0..100).all(|number| store.blob(KIND, &number.to_string()).is_some()));
    }

    #[test]
    fn what_cannot_be_kept_is_told_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("cache")).expect("opens");
        // A file stands where the store's folder would be.
        std::fs::write(folder.path().join("cache"), "").expect("is written");
        let keeping = Keeping::new(store.clone());
        keeping.put(KIND, "a".to_owned(), blob("a", "x"));
        keeping.put(KIND, "b".to_owned(), blob("b", "x"));
        assert!(keeping.settle().is_some());
        assert!(keeping.settle().is_none());
    }
}
