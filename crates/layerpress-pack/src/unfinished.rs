//! The temporary files of writes that are under way, for a program that has to end at once.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::NamedTempFile;

/// Removes the temporary file of every [`write_file`](crate::write_file) that is under way in this
/// process, and lets none finish or begin from now on.
///
/// For handlers of Ctrl-C and the like, right before they end the process: ending it runs no
/// destructors, which would remove the files otherwise.
pub fn remove_unfinished() {
    UNFINISHED.remove_all();
}

/// The writes of this process.
pub(crate) static UNFINISHED: Unfinished = Unfinished::new();

/// A list of temporary files, and whether it is closed.
#[derive(Debug)]
pub(crate) struct Unfinished(Mutex<State>);

#[derive(Debug)]
struct State {
    closed: bool,
    paths: Vec<PathBuf>,
}

impl Unfinished {
    const fn new() -> Self {
        Self(Mutex::new(State {
            closed: false,
            paths: Vec::new(),
        }))
    }

    /// Makes a temporary file and lists it.
    pub(crate) fn begin(
        &self,
        create: impl FnOnce() -> io::Result<NamedTempFile>,
    ) -> io::Result<Begun<'_>> {
        let mut state = self.open()?;
        let file = create()?;
        let path = file.path().to_owned();
        state.paths.push(path.clone());
        Ok(Begun {
            file,
            listing: Listing { list: self, path },
        })
    }

    fn remove_all(&self) {
        let mut state = self.lock();
        state.closed = true;
        for path in state.paths.drain(..) {
            // The process ends: there is nobody left to tell.
            let _ = fs::remove_file(path);
        }
    }

    fn open(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.lock();
        if state.closed {
            return Err(io::ErrorKind::Interrupted.into());
        }
        Ok(state)
    }

    /// A panic elsewhere leaves the list as good as it was.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A temporary file on the list; dropped, it is removed from the disk and then from the list.
#[derive(Debug)]
pub(crate) struct Begun<'a> {
    pub(crate) file: NamedTempFile,
    listing: Listing<'a>,
}

impl Begun<'_> {
    /// Renames the file to `target`, unless the list was closed meanwhile.
    pub(crate) fn finish(self, target: &Path) -> io::Result<()> {
        let Self { file, listing } = self;
        // Held while renaming; released before `listing` is dropped, which takes the lock itself.
        let _open = listing.list.open()?;
        file.persist(target).map_err(|error| error.error)?;
        Ok(())
    }
}

#[derive(Debug)]
struct Listing<'a> {
    list: &'a Unfinished,
    path: PathBuf,
}

impl Drop for Listing<'_> {
    fn drop(&mut self) {
        self.list.lock().paths.retain(|path| *path != self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_under_way_is_removed_and_does_not_finish() {
        let folder = tempfile::tempdir().expect("a place for tests");
        let create = || NamedTempFile::new_in(folder.path());
        let count = || fs::read_dir(folder.path()).expect("readable").count();
        let list = Unfinished::new();
        let done = folder.path().join("done");
        let finished = list.begin(create).expect("open");
        finished.finish(&done).expect("open");
        let under_way = list.begin(create).expect("open");
        assert_eq!(count(), 2);
        list.remove_all();
        assert_eq!(count(), 1);
        let late = under_way.finish(&folder.path().join("late"));
        assert_eq!(late.expect_err("closed").kind(), io::ErrorKind::Interrupted);
        let next = list.begin(create).expect_err("closed");
        assert_eq!(next.kind(), io::ErrorKind::Interrupted);
        assert!(done.is_file());
        assert_eq!(count(), 1);
    }

    #[test]
    fn what_is_dropped_is_gone_from_disk_and_list() {
        let folder = tempfile::tempdir().expect("a place for tests");
        let list = Unfinished::new();
        let begun = list.begin(|| NamedTempFile::new_in(folder.path()));
        drop(begun.expect("open"));
        assert_eq!(list.lock().paths, Vec::<PathBuf>::new());
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 0);
    }
}
