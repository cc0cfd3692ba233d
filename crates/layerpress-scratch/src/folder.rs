//! [`ScratchFolder`]: a folder to work in, gone when the work is.

use std::fs::File;
use std::io;
use std::path::Path;

use tempfile::TempDir;

use crate::list::{LIST, Listing, Thing};
use crate::naming::Naming;
use crate::sweep;

/// A folder that is removed, with all that is in it, when it is dropped.
#[derive(Debug)]
pub struct ScratchFolder {
    // Dropped before it is struck off the list, and before the lock is released.
    folder: TempDir,
    _listing: Listing,
    /// What holds the lock, where folders can be locked.
    _lock: Option<File>,
}

impl ScratchFolder {
    /// Makes an empty one in the existing folder `parent`, for its maker alone.
    ///
    /// # Errors
    /// What the system says, or [`io::ErrorKind::Interrupted`] after [`remove_all`].
    ///
    /// [`remove_all`]: crate::remove_all
    pub fn create(parent: &Path, naming: &Naming) -> io::Result<Self> {
        let builder = naming.builder();
        let create = || {
            for _ in 0..sweep::TRIES {
                let folder = builder.tempdir_in(parent)?;
                let Ok(lock) = File::open(folder.path()) else {
                    return Ok((folder, None));
                };
                if sweep::claimed(&lock, folder.path()) {
                    return Ok((folder, Some(lock)));
                }
            }
            Err(io::ErrorKind::ResourceBusy.into())
        };
        let ((folder, lock), listing) =
            LIST.begin(create, |(folder, _)| Thing::of(folder.path()))?;
        Ok(Self {
            folder,
            _listing: listing,
            _lock: lock,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}
