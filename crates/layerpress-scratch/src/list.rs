//! The list of what this process has under way, for a program that has to end at once.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::program;

/// Ends every [`Program`](crate::Program) of this process and removes everything that it has in the
/// making, and lets nothing be finished or begun from now on.
///
/// For handlers of Ctrl-C and the like, right before they end the process: ending it runs no
/// destructors, which would remove the files otherwise.
pub fn remove_all() {
    LIST.remove_all();
}

/// What this process has under way.
pub(crate) static LIST: List = List::new();

/// What must not outlive its maker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Thing {
    /// A file or folder.
    Path(PathBuf),
    /// A group of processes.
    Group(u32),
}

/// A list of things, and whether it is closed.
#[derive(Debug)]
pub(crate) struct List(Mutex<State>);

#[derive(Debug)]
struct State {
    closed: bool,
    things: Vec<Thing>,
}

impl Thing {
    pub(crate) fn of(path: &Path) -> Self {
        Self::Path(path.to_owned())
    }
}

impl List {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(State {
            closed: false,
            things: Vec::new(),
        }))
    }

    /// Makes something and lists it; nothing can come in between.
    pub(crate) fn begin<T>(
        &'static self,
        create: impl FnOnce() -> io::Result<T>,
        thing: impl FnOnce(&T) -> Thing,
    ) -> io::Result<(T, Listing)> {
        let mut state = self.open()?;
        let made = create()?;
        let thing = thing(&made);
        state.things.push(thing.clone());
        Ok((made, Listing { list: self, thing }))
    }

    pub(crate) fn remove_all(&self) {
        let mut state = self.lock();
        state.closed = true;
        // Programs first: they may still be writing.
        for thing in &state.things {
            if let Thing::Group(group) = thing {
                program::end(*group);
            }
        }
        for thing in state.things.drain(..) {
            if let Thing::Path(path) = thing {
                // The process ends: there is nobody left to tell.
                let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
            }
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

/// The list cannot be closed while this is there.
#[derive(Debug)]
pub(crate) struct Open {
    _state: MutexGuard<'static, State>,
}

/// An entry of the list; dropped, it is struck off.
#[derive(Debug)]
pub(crate) struct Listing {
    list: &'static List,
    thing: Thing,
}

impl Listing {
    /// Keeps the list open, so that the thing can be finished; an error if it was closed.
    pub(crate) fn open(&self) -> io::Result<Open> {
        Ok(Open {
            _state: self.list.open()?,
        })
    }
}

impl Drop for Listing {
    fn drop(&mut self) {
        self.list.lock().things.retain(|thing| *thing != self.thing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::{NamedTempFile, TempDir};

    #[test]
    fn what_is_under_way_is_removed_and_nothing_more_begins() {
        static LIST: List = List::new();
        let folder = tempfile::tempdir().expect("a place for tests");
        let file = || {
            LIST.begin(
                || NamedTempFile::new_in(folder.path()),
                |file| Thing::of(file.path()),
            )
        };
        let count = || fs::read_dir(folder.path()).expect("readable").count();
        let (_file, listing) = file().expect("open");
        let (inner, _listed) = LIST
            .begin(|| TempDir::new_in(folder.path()), |it| Thing::of(it.path()))
            .expect("open");
        fs::write(inner.path().join("half"), "written").expect("a file");
        assert_eq!(count(), 2);
        assert!(listing.open().is_ok());
        LIST.remove_all();
        assert_eq!(count(), 0);
        let late = listing.open().expect_err("closed");
        assert_eq!(late.kind(), io::ErrorKind::Interrupted);
        let next = file().expect_err("closed");
        assert_eq!(next.kind(), io::ErrorKind::Interrupted);
        assert_eq!(count(), 0);
    }

    #[test]
    fn what_is_dropped_is_struck_off() {
        static LIST: List = List::new();
        let folder = tempfile::tempdir().expect("a place for tests");
        let begun = LIST.begin(
            || NamedTempFile::new_in(folder.path()),
            |file| Thing::of(file.path()),
        );
        drop(begun.expect("open"));
        assert_eq!(LIST.lock().things, []);
    }
}
