//! Pressed archives: every file of an archive, compressed by some recipe, in one zip.
//!
//! The store knows their names and how they appear, not what is in them. They are not synced to
//! disk: whoever takes a stream out of one verifies it, so a file that a power cut left half
//! written is noticed and made again.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use layerpress_tree::Sha256;

use super::upkeep::{Area, list};
use super::{PRESSED, Store, put_in_place, unfinished};
use crate::error::StoreError;
use crate::map;

/// A pressed archive that lies in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PressedFile {
    /// The archive that it was made of.
    pub archive: Sha256,
    /// The recipe that it was made by.
    pub recipe: String,
    /// Where it lies.
    pub path: PathBuf,
}

impl Store {
    /// What `archive` became by `recipe`, mapped; `None` if the store does not hold it.
    #[must_use]
    pub fn pressed(&self, archive: Sha256, recipe: &str) -> Option<Bytes> {
        let file = File::open(self.pressed_path(archive, recipe)).ok()?;
        let bytes = map::map_archive(&file).ok()?;
        self.stamp(&file);
        Some(bytes)
    }

    /// Keeps what `write` writes as what `archive` becomes by `recipe`, replacing what was there;
    /// readers see the old or the new, whole. A recipe's name is of lower-case letters, digits and
    /// hyphens.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be written or the disk is full.
    pub fn put_pressed(
        &self,
        archive: Sha256,
        recipe: &str,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<(), StoreError> {
        let mut file = self.temporary_file()?;
        write(file.file_mut()).map_err(|error| unfinished(&file, error))?;
        put_in_place(file, &self.pressed_path(archive, recipe)).map_err(|(error, _)| error)
    }

    /// Removes a pressed archive that turned out to be damaged.
    pub fn forget_pressed(&self, archive: Sha256, recipe: &str) {
        // If it cannot be removed it is overwritten, or found damaged again.
        let _ = fs::remove_file(self.pressed_path(archive, recipe));
    }

    /// Where a pressed archive lies, or would lie.
    #[must_use]
    pub fn pressed_path(&self, archive: Sha256, recipe: &str) -> PathBuf {
        let hex = archive.hex();
        let folder = self.root().join(PRESSED).join(&hex[..2]);
        folder.join(format!("{hex}-{recipe}.zip"))
    }

    /// All pressed archives, by path; what has no name of theirs is left out.
    ///
    /// # Errors
    /// [`StoreError::Read`] if a folder cannot be listed.
    pub fn all_pressed(&self) -> Result<Vec<PressedFile>, StoreError> {
        let folder = self.root().join(PRESSED);
        let files =
            list(&folder, Area::Pressed, 1).map_err(|error| StoreError::reading(&folder, error))?;
        let mut pressed: Vec<PressedFile> = files
            .into_iter()
            .filter_map(|file| named(file.path))
            .collect();
        pressed.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(pressed)
    }
}

fn named(path: PathBuf) -> Option<PressedFile> {
    let stem = Path::new(path.file_name()?)
        .file_name()?
        .to_str()?
        .strip_suffix(".zip")?;
    let (hex, recipe) = stem.split_once('-')?;
    let (archive, recipe) = (hex.parse().ok()?, recipe.to_owned());
    Some(PressedFile {
        archive,
        recipe,
        path,
    })
}
