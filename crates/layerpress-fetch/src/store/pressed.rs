//! Pressed archives: every file of an archive, compressed by some recipe, in one zip.
//!
//! The store knows their names and how they appear, not what is in them. They are not synced to
//! disk: whoever takes a stream out of one verifies it, so a file that a power cut left half
//! written is noticed and made again.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use layerpress_scratch::ScratchFile;
use layerpress_tree::Sha256;

use super::blob::Name;
use super::upkeep::{Area, list};
use super::{Namespace, PRESSED, Store, put_in_place, unfinished};
use crate::error::StoreError;
use crate::map;

/// A pressed archive that was written and has no place yet; dropped, it is gone.
#[derive(Debug)]
pub struct NewPressed {
    file: ScratchFile,
    bytes: Bytes,
}

impl NewPressed {
    /// Its bytes, mapped; good whether it is kept or not.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }
}

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
        self.map_used(&file)
    }

    /// Writes what `write` writes as a pressed archive that nobody sees yet.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be written or the disk is full.
    pub fn new_pressed(
        &self,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<NewPressed, StoreError> {
        let make = || {
            let mut file = self.temporary_file()?;
            let bytes = write(file.file_mut()).and_then(|()| map::map_archive(file.file()));
            let bytes = bytes.map_err(|error| unfinished(&file, error))?;
            Ok(NewPressed { file, bytes })
        };
        self.noting(make())
    }

    /// Keeps `new` as what `archive` becomes by `recipe`, replacing what was there; readers see the old
    /// or the new, whole. A recipe's name is of lower-case letters, digits and hyphens.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be written or the disk is full.
    pub fn keep_pressed(
        &self,
        new: NewPressed,
        archive: Sha256,
        recipe: &str,
    ) -> Result<(), StoreError> {
        let path = self.pressed_path(archive, recipe);
        self.noting(put_in_place(new.file, &path).map_err(|(error, _)| error))
    }

    /// Removes a pressed archive that turned out to be damaged, and what is known of it.
    pub fn forget_pressed(&self, archive: Sha256, recipe: &str) {
        // If it cannot be removed it is overwritten, or found damaged again. It goes first: what is
        // known of nothing is harmless.
        let _ = fs::remove_file(self.pressed_path(archive, recipe));
        self.forget_blob(Namespace::Facts, &facts_key(archive, recipe));
    }

    /// Where what is known of a pressed archive lies, or would lie.
    pub(super) fn facts_path(&self, pressed: &PressedFile) -> PathBuf {
        let key = facts_key(pressed.archive, &pressed.recipe);
        let name = Name::of(Namespace::Facts, &key);
        self.blob_path(Namespace::Facts, &name)
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

/// The key in [`Namespace::Facts`] under which stands what is known of a pressed archive.
#[must_use]
pub fn facts_key(archive: Sha256, recipe: &str) -> String {
    format!("{archive}-{recipe}")
}

/// What a path of the store says that it is.
pub(super) fn named(path: PathBuf) -> Option<PressedFile> {
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
