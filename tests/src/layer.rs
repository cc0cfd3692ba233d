//! [`Layer`]: a finished layer zip, looked into with other code than wrote it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use object::Object;
use sha2::{Digest as _, Sha256};
use zip::ZipArchive;

use crate::package::hex;

/// A layer zip's content.
#[derive(Debug)]
pub struct Layer {
    /// The zip's sha256 in hexadecimal.
    pub sha256: String,
    /// The zip's size in bytes.
    pub zipped_bytes: u64,
    /// Its files in the zip's own order.
    pub entries: Vec<LayerEntry>,
}

/// A file of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerEntry {
    /// Its path.
    pub path: String,
    /// Its Unix mode with the file type's bits.
    pub mode: u32,
    /// Its modification time as the zip says it.
    pub time: String,
    /// Its bytes.
    pub content: Vec<u8>,
}

impl Layer {
    /// Reads a zip, every byte of it, checksums included.
    ///
    /// # Panics
    ///
    /// If it is no sound zip.
    pub fn open(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut archive = ZipArchive::new(File::open(path).expect("it was just read"))
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let entries = (0..archive.len())
            .map(|index| {
                let mut file = archive.by_index(index).expect("a sound entry");
                let path = file.name().expect("a name in UTF-8").into_owned();
                let mut content = Vec::new();
                file.read_to_end(&mut content)
                    .unwrap_or_else(|error| panic!("{path}: {error}"));
                LayerEntry {
                    path,
                    mode: file.unix_mode().unwrap_or(0),
                    time: file
                        .last_modified()
                        .map(|time| time.to_string())
                        .unwrap_or_default(),
                    content,
                }
            })
            .collect();
        Self {
            sha256: hex(&Sha256::digest(&bytes)),
            zipped_bytes: bytes.len() as u64,
            entries,
        }
    }

    /// The golden listing: one line per file with its mode, size, digest and path.
    pub fn listing(&self) -> String {
        self.entries
            .iter()
            .map(|entry| {
                format!(
                    "{:04o} {:>6} {} {}\n",
                    entry.mode & 0o7777,
                    entry.content.len(),
                    &hex(&Sha256::digest(&entry.content))[..12],
                    entry.path
                )
            })
            .collect()
    }

    /// The paths alone.
    pub fn paths(&self) -> Vec<&str> {
        self.entries
            .iter()
            .map(|entry| entry.path.as_str())
            .collect()
    }

    /// The text of one file.
    ///
    /// # Panics
    ///
    /// If there is no such file.
    pub fn text(&self, path: &str) -> String {
        let entry = self
            .entries
            .iter()
            .find(|entry| entry.path == path)
            .unwrap_or_else(|| panic!("no `{path}` in {:?}", self.paths()));
        String::from_utf8_lossy(&entry.content).into_owned()
    }

    /// The bytes that Lambda counts.
    pub fn unzipped_bytes(&self) -> u64 {
        self.entries
            .iter()
            .map(|entry| entry.content.len() as u64)
            .sum()
    }

    /// The machine of every ELF file, by path: `x86_64`, `aarch64`, or the number.
    pub fn machines(&self) -> BTreeMap<&str, String> {
        self.entries
            .iter()
            .filter(|entry| entry.content.starts_with(b"\x7fELF"))
            .map(|entry| {
                let machine = match object::File::parse(entry.content.as_slice()) {
                    Ok(file) => match file.architecture() {
                        object::Architecture::X86_64 => "x86_64".to_owned(),
                        object::Architecture::Aarch64 => "aarch64".to_owned(),
                        other => format!("{other:?}"),
                    },
                    Err(error) => error.to_string(),
                };
                (entry.path.as_str(), machine)
            })
            .collect()
    }

    /// Fails unless every file is one that Lambda's user can read, lies under one of `folders` and is
    /// no link; and unless the zip is sorted and timeless.
    ///
    /// # Panics
    ///
    /// With the first file that is not so.
    pub fn assert_safe_to_attach(&self, folders: &[&str]) {
        let mut previous = "";
        for entry in &self.entries {
            let LayerEntry {
                path, mode, time, ..
            } = entry;
            assert!(
                matches!(mode, 0o100_644 | 0o100_755),
                "{path} has mode {mode:o}"
            );
            assert!(
                folders.iter().any(|folder| path.starts_with(folder)),
                "{path} lies outside {folders:?}"
            );
            assert!(previous < path.as_str(), "{path} comes after {previous}");
            assert!(
                time.starts_with("1980-01-01 00:00:00"),
                "{path} has time {time}"
            );
            previous = path;
        }
    }

    /// The paths of compiled Python: none, unless a wheel holds some itself.
    pub fn bytecode(&self) -> Vec<&str> {
        let paths = self.paths().into_iter();
        paths.filter(|path| path.ends_with(".pyc")).collect()
    }

    /// Unpacks the layer as Lambda does: every file under `folder`, with its mode.
    ///
    /// # Panics
    ///
    /// If a file cannot be written, or would be written outside of `folder`.
    pub fn unpack(&self, folder: &Path) {
        for entry in &self.entries {
            assert!(
                !entry
                    .path
                    .split('/')
                    .any(|part| part == ".." || part.is_empty()),
                "{} points outside",
                entry.path
            );
            let path = folder.join(&entry.path);
            let parent = path.parent().expect("a file has a folder");
            fs::create_dir_all(parent).expect("a folder");
            fs::write(&path, &entry.content).expect("a file");
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                fs::set_permissions(&path, fs::Permissions::from_mode(entry.mode & 0o777))
                    .expect("a mode");
            }
        }
    }
}
