//! Who works with the store: commands that read and fill it share it, those that remove what may be
//! of use want it for themselves.
//!
//! Both go by a lock on the file `lock` in the store's folder, which the system takes away from
//! processes that ended, however they did. Where a file system knows no locks nobody waits: a file
//! that is removed under a process is fetched again.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::Store;

const LOCK: &str = "lock";

/// Whether this process counts as one that uses the store.
#[derive(Debug, Default)]
pub(super) struct InUse(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    /// It does not.
    #[default]
    No,
    /// It does as soon as there is a folder to lock.
    Wanted,
    /// It does until the file is closed.
    Held(#[expect(dead_code, reason = "closing it gives the lock back")] File),
}

/// The store for one process alone, until it is dropped.
#[derive(Debug)]
pub struct Alone {
    _lock: Option<File>,
}

impl Store {
    /// Keeps others from removing what is in the store, for as long as this store or a clone of it
    /// lives; waits for those that are at it.
    pub fn keep_in_use(&self) {
        self.shared.in_use.want();
        self.shared.in_use.hold(self.root());
    }

    /// The store for this process alone, unless others use it right now.
    #[must_use]
    pub fn alone_now(&self) -> Option<Alone> {
        let Some(file) = open(self.root()) else {
            return Some(Alone { _lock: None });
        };
        match file.try_lock() {
            Ok(()) => Some(Alone { _lock: Some(file) }),
            Err(TryLockError::WouldBlock) => None,
            Err(TryLockError::Error(_)) => Some(Alone { _lock: None }),
        }
    }

    /// The store for this process alone, as soon as no other one uses it.
    #[must_use]
    pub fn alone(&self) -> Alone {
        Alone {
            _lock: open(self.root()).filter(|file| file.lock().is_ok()),
        }
    }
}

impl InUse {
    fn want(&self) {
        let mut state = self.state();
        if matches!(*state, State::No) {
            *state = State::Wanted;
        }
    }

    /// Takes the lock in the folder `root`, if it is wanted and there is one.
    pub(super) fn hold(&self, root: &Path) {
        let mut state = self.state();
        if matches!(*state, State::Wanted)
            && let Some(file) = open(root).filter(|file| file.lock_shared().is_ok())
        {
            *state = State::Held(file);
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The file to lock, made if need be; a store that may only be read has it from who filled it.
fn open(root: &Path) -> Option<File> {
    let path = root.join(LOCK);
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    options.open(&path).or_else(|_| File::open(&path)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_uses_the_store_keeps_others_from_having_it_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("cache");
        let open = || Store::open(&root).expect("opens");
        let tidy = open();
        assert!(tidy.alone_now().is_some(), "there is nothing yet");
        // The folder comes with the first file.
        let (one, other) = (open(), open());
        one.keep_in_use();
        one.put_archive(&b"wheel"[..]).expect("kept");
        assert!(tidy.alone_now().is_none());
        other.keep_in_use();
        drop(one);
        assert!(tidy.alone_now().is_none(), "one of two has ended");
        drop(other.clone());
        assert!(tidy.alone_now().is_none(), "a clone is the same store");
        drop(other);
        let alone = tidy.alone();
        assert!(open().alone_now().is_none());
        drop(alone);
        assert!(tidy.alone_now().is_some());
    }
}
