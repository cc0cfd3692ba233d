//! [`Scratch`]: the folder that one build works in, gone when the build is, however it ends.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

/// The folders of the builds under way in this process.
static UNDER_WAY: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Removes the folder of every build that is under way in this process.
///
/// For handlers of Ctrl-C and the like, right before they end the process: ending it runs no
/// destructors, which would remove the folders otherwise.
pub fn remove_unfinished_builds() {
    remove(|_| true);
}

fn remove(which: impl Fn(&Path) -> bool) {
    under_way().retain(|folder| {
        let goes = which(folder);
        if goes {
            // The process ends: there is nobody left to tell.
            let _ = fs::remove_dir_all(folder);
        }
        !goes
    });
}

/// A panic elsewhere leaves the list as good as it was.
fn under_way() -> MutexGuard<'static, Vec<PathBuf>> {
    UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A folder of a build's own, removed when it is dropped.
#[derive(Debug)]
pub(super) struct Scratch(TempDir);

impl Scratch {
    /// Makes one in `temporary`.
    pub(super) fn new_in(temporary: &Path) -> io::Result<Self> {
        let mut list = under_way();
        let folder = tempfile::Builder::new()
            .prefix("layerpress-build-")
            .tempdir_in(temporary)?;
        list.push(folder.path().to_owned());
        Ok(Self(folder))
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        under_way().retain(|path| path != self.0.path());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_goes_with_its_build_or_when_told() {
        let place = tempfile::tempdir().expect("a place for tests");
        let done = Scratch::new_in(place.path()).expect("made");
        let path = done.path().to_owned();
        assert!(path.is_dir());
        drop(done);
        assert!(!path.exists());
        let under_way = Scratch::new_in(place.path()).expect("made");
        fs::write(under_way.path().join("half"), "written").expect("a file");
        // Only this one: other tests build at the same time.
        remove(|folder| folder == under_way.path());
        assert!(!under_way.path().exists());
    }
}
