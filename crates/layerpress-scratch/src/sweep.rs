//! [`sweep`]: removes what dead processes left in the making.
//!
//! A maker holds an exclusive lock for as long as its file or folder is in the making. Whoever gets
//! that lock knows that the maker is dead, and removes the thing before letting go of the lock. The
//! one gap, between a thing's creation and its maker's lock, is closed by the maker: it begins anew
//! if it did not get the lock, or if what it locked is gone from its folder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use crate::naming::Naming;

/// How often a new file or folder may meet somebody who takes it for a dead process's.
pub(crate) const TRIES: usize = 16;

/// What became of something that looked like a dead process's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swept {
    /// Its maker was dead; it is removed.
    Removed,
    /// Its maker is at work, or nobody may remove it, or it is gone already.
    Left,
    /// Nothing can be locked there, so that nothing tells whether its maker lives.
    Unknown,
}

/// Removes the files and folders of one kind in `folder` whose makers are dead, and leaves all
/// others alone; what cannot be removed stays.
pub fn sweep(folder: &Path, naming: &Naming) {
    // A folder that cannot be listed has nothing that could be removed.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if naming.fits(&entry.file_name()) {
            sweep_one(&entry.path());
        }
    }
}

/// Removes the file or folder `path` if its maker is dead.
pub fn sweep_one(path: &Path) -> Swept {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return Swept::Left;
    };
    let opened = if metadata.is_dir() {
        File::open(path)
    } else if metadata.is_file() {
        // Some network file systems lock only what is open for writing.
        OpenOptions::new().read(true).write(true).open(path)
    } else {
        return Swept::Left;
    };
    let Ok(file) = opened else {
        return Swept::Left;
    };
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Swept::Left,
        Err(TryLockError::Error(_)) => Swept::Unknown,
        // Its maker may have finished it since it was listed, and then it is no longer this file.
        Ok(()) if !is_at(&file, path) => Swept::Left,
        Ok(()) => match remove(path, metadata.is_dir()) {
            Ok(()) => Swept::Removed,
            Err(_) => Swept::Left,
        },
    }
}

fn remove(path: &Path, is_folder: bool) -> io::Result<()> {
    if is_folder {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
}

/// Whether a new file or folder is its maker's from now on; where nothing can be locked, it is.
pub(crate) fn claimed(file: &File, path: &Path) -> bool {
    match file.try_lock() {
        Ok(()) => is_at(file, path),
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(_)) => true,
    }
}

/// Whether `path` still leads to `file`.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |metadata: &fs::Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(open), Ok(there)) => identity(&open) == identity(&there),
        _ => false,
    }
}

/// Whether `path` still leads to something: nobody else makes a file of that name.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ScratchFile, ScratchFolder};

    const NAMING: Naming = Naming::OUTPUT;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("readable");
        let name = |entry: io::Result<fs::DirEntry>| entry.expect("readable").file_name();
        let mut names: Vec<_> = entries
            .map(|entry| name(entry).into_string().expect("ascii"))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_living_keep_what_they_make() {
        let place = tempfile::tempdir().expect("a place for tests");
        let file = ScratchFile::create(place.path(), &NAMING).expect("made");
        let folder = ScratchFolder::create(place.path(), &NAMING).expect("made");
        fs::write(folder.path().join("half"), "written").expect("a file");
        sweep(place.path(), &NAMING);
        assert_eq!(names(place.path()).len(), 2);
        assert_eq!(sweep_one(file.path()), Swept::Left);
        let path = file.path().to_owned();
        drop((file, folder));
        assert_eq!(names(place.path()), Vec::<String>::new());
        assert_eq!(sweep_one(&path), Swept::Left);
    }

    #[test]
    fn the_dead_leave_nothing_and_others_are_left_alone() {
        let place = tempfile::tempdir().expect("a place for tests");
        let at = |name: &str| place.path().join(name);
        fs::write(at(".layerpress-aaaaaa.tmp"), "half").expect("a file");
        fs::create_dir(at(".layerpress-bbbbbb.tmp")).expect("a folder");
        fs::write(at(".layerpress-bbbbbb.tmp/half"), "written").expect("a file");
        fs::write(at("layer.zip"), "whole").expect("a file");
        fs::write(at(".layerpress-notes"), "the user's").expect("a file");
        sweep(place.path(), &NAMING);
        assert_eq!(names(place.path()), [".layerpress-notes", "layer.zip"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        let place = tempfile::tempdir().expect("a place for tests");
        let precious = place.path().join("precious");
        fs::create_dir(&precious).expect("a folder");
        fs::write(precious.join("file"), "").expect("a file");
        let link = place.path().join(".layerpress-cccccc.tmp");
        std::os::unix::fs::symlink(&precious, &link).expect("a link");
        assert_eq!(sweep_one(&link), Swept::Left);
        assert!(precious.join("file").exists());
    }

    #[test]
    fn makers_and_sweepers_do_not_harm_each_other() {
        let place = tempfile::tempdir().expect("a place for tests");
        let folder = place.path();
        let made = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while made.load(std::sync::atomic::Ordering::Relaxed) < 4 {
                        sweep(folder, &NAMING);
                    }
                });
            }
            for thread in 0..4 {
                let made = &made;
                scope.spawn(move || {
                    for number in 0..50 {
                        let file = ScratchFile::create(folder, &NAMING).expect("made");
                        let target = folder.join(format!("{thread}-{number}"));
                        file.persist(&target).expect("nobody took it");
                        assert!(target.exists());
                    }
                    made.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                });
            }
        });
        assert_eq!(names(folder).len(), 200);
    }
}
