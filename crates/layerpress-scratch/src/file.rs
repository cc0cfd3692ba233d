//! [`ScratchFile`]: a file that is renamed to its place once it is whole.

use std::fs::File;
use std::io;
use std::path::Path;

use tempfile::NamedTempFile;

use crate::list::{LIST, Listing, Thing};
use crate::naming::Naming;
use crate::sweep;

/// A file in the making; dropped, it is removed.
#[derive(Debug)]
pub struct ScratchFile {
    // Dropped before it is struck off the list.
    file: NamedTempFile,
    listing: Listing,
}

impl ScratchFile {
    /// Makes an empty one in the existing folder `folder`, with the mode that the umask leaves of
    /// 0666.
    ///
    /// # Errors
    /// What the system says, or [`io::ErrorKind::Interrupted`] after [`remove_all`].
    ///
    /// [`remove_all`]: crate::remove_all
    pub fn create(folder: &Path, naming: &Naming) -> io::Result<Self> {
        let mut builder = naming.builder();
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let create = || {
            for _ in 0..sweep::TRIES {
                let file = builder.tempfile_in(folder)?;
                if sweep::claimed(file.as_file(), file.path()) {
                    return Ok(file);
                }
            }
            Err(io::ErrorKind::ResourceBusy.into())
        };
        let (file, listing) = LIST.begin(create, |file| Thing::of(file.path()))?;
        Ok(Self { file, listing })
    }

    /// The open file.
    #[must_use]
    pub fn file(&self) -> &File {
        self.file.as_file()
    }

    /// The open file, to be written.
    pub fn file_mut(&mut self) -> &mut File {
        self.file.as_file_mut()
    }

    /// Where it stands while it is in the making.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Renames it to `target`, which it replaces.
    ///
    /// # Errors
    /// What the system says, or [`io::ErrorKind::Interrupted`] after
    /// [`remove_all`](crate::remove_all); with the file, which is still in the making.
    pub fn persist(self, target: &Path) -> Result<(), (io::Error, Self)> {
        let Self { file, listing } = self;
        // Held while renaming.
        let open = match listing.open() {
            Ok(open) => open,
            Err(error) => return Err((error, Self { file, listing })),
        };
        let renamed = file.persist(target);
        drop(open);
        match renamed {
            Ok(_) => Ok(()),
            Err(failed) => {
                let (error, file) = (failed.error, failed.file);
                Err((error, Self { file, listing }))
            }
        }
    }

    /// The open file alone: it loses its name.
    #[must_use]
    pub fn into_unnamed(self) -> File {
        self.file.into_file()
    }
}
