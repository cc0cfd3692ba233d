//! [`Unpacked`]: a layer on disk, of which only the differences to the next one are written.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use layerpress_pack::read_all;
use layerpress_tree::{Entry, LayerPath, LayerTree, Mode, follow};
use rayon::prelude::*;

use crate::existing::links;

/// A layer on disk.
#[derive(Debug)]
pub(crate) struct Unpacked {
    folder: PathBuf,
    held: BTreeMap<LayerPath, Held>,
}

/// What tells files apart.
type Held = (Mode, u64, u32);

impl Unpacked {
    /// An empty layer.
    pub(crate) fn new(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir(&folder)?;
        let held = BTreeMap::new();
        Ok(Self { folder, held })
    }

    /// Where it lies.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes what lies there `layer`.
    pub(crate) fn put(&mut self, layer: &LayerTree) -> io::Result<()> {
        let held = |entry: &Entry| (entry.mode, entry.content.size, entry.content.crc32);
        for (path, was) in &self.held {
            if layer.get(path.as_str()).map(held) != Some(*was) {
                // A link in a circle was not made.
                match fs::remove_file(self.folder.join(path.as_str())) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
                self.remove_empty(path);
            }
        }
        let links = links(layer);
        let new = layer
            .iter()
            .filter(|(path, entry)| self.held.get(*path) != Some(&held(entry)));
        let new: Vec<_> = new.collect();
        new.into_par_iter()
            .try_for_each(|(path, entry)| self.write(path, entry, &links))?;
        let now = layer
            .iter()
            .map(|(path, entry)| (path.clone(), held(entry)));
        self.held = now.collect();
        Ok(())
    }

    /// Removes the folders that a file was the last of: to Python an empty one is a package.
    fn remove_empty(&self, gone: &LayerPath) {
        for folder in gone.folders() {
            // One that is not empty ends it.
            if fs::remove_dir(self.folder.join(folder)).is_err() {
                break;
            }
        }
    }

    fn write(
        &self,
        path: &LayerPath,
        entry: &Entry,
        links: &BTreeMap<&str, String>,
    ) -> io::Result<()> {
        let place = self.folder.join(path.as_str());
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder)?;
        }
        if entry.mode != Mode::Link {
            fs::write(&place, read_all(&entry.content)?)?;
            return set_mode(&place, entry.mode);
        }
        // Each was found to stay inside the layer; here it leads to the same file from below this folder.
        let target = links.get(path.as_str()).map_or("", String::as_str);
        let link_at = |at: &str| links.get(at).map(String::as_str);
        match follow(path.as_str(), target, link_at) {
            Ok(found) => link(&self.folder.join(found), &place),
            Err(_) => Ok(()),
        }
    }
}

#[cfg(unix)]
fn set_mode(place: &Path, mode: Mode) -> io::Result<()> {
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode.bits());
    fs::set_permissions(place, permissions)
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: Mode) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn link(target: &Path, place: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, place)
}

#[cfg(not(unix))]
fn link(target: &Path, place: &Path) -> io::Result<()> {
    // Where links need a privilege, what they lead to is as good for a test.
    let _absent = fs::copy(target, place);
    Ok(())
}
