//! [`Archive`]: the one strict zip reader, for every way in.

mod directory;
mod end;
mod extra;
mod links;
mod local;
mod name;

#[cfg(test)]
mod forge;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use layerpress_tree::{Content, Encoding, Entry, LayerPath, LayerTree, Mode};

use self::directory::Central;
use self::local::Local;
use crate::format::METHOD_STORED;
use crate::{ArchiveError, EntryFault, Limits, read_all};

/// A zip archive whose structure was proven: every reader would find the same files in it.
///
/// Proven means: the end record is at the very end (a comment is allowed and ignored, unless it
/// holds zip records itself); the central directory fills the space before it; each local header
/// says what the directory says of name, method, sizes and CRC; entries and their data descriptors
/// fill the space before the directory, from the first byte on, without gap or overlap; no name is
/// there twice, or both file and folder; every name is a [`LayerPath`]; entries are plain files or
/// folders (in a layer also links), stored or deflated, unencrypted; and all of it is within the [`Limits`].
///
/// Contents are not inflated here: their sizes and CRCs are verified by whoever reads them
/// ([`reader`](crate::reader), [`read_all`](crate::read_all)).
///
/// # Where it is lenient
/// Honest writers differ, and nothing that follows can make two readers see two files:
/// - a data descriptor may lack its signature, and may have 32-bit sizes beside a zip64 record;
///   a header that announces one may state sizes and CRC already (Go, Java) or leave them at zero;
/// - a zip64 record may stand beside numbers that need none (Python's `force_zip64`, the `zip`
///   crate's large files), so long as it states the same ones; the same goes for the end records;
/// - extra fields of any kind may differ between the two headers, and end in up to three zero
///   bytes (zipalign);
/// - versions, times, compression hints, internal attributes and comments are not looked at;
/// - a folder entry may have an empty deflate stream (Java's `jar`), and a deflated entry of no
///   bytes may have no stream at all;
/// - unmarked names that are valid UTF-8 are UTF-8 (macOS, Python 2), others code page 437.
#[derive(Debug, Clone)]
pub struct Archive {
    entries: Vec<ArchiveEntry>,
    /// Indices into `entries`, by the raw bytes of their paths.
    by_path: Vec<u32>,
}

/// One file of an [`Archive`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveEntry {
    /// Where it lies.
    pub path: LayerPath,
    /// Its Unix permission bits, without the file type; 0 if the archive has none.
    pub mode: u32,
    /// Whether it is a symbolic link, and its bytes are the path that it leads to.
    pub is_link: bool,
    /// Its bytes, a view into the archive.
    pub content: Content,
}

impl ArchiveEntry {
    /// The entry as a layer has it, its mode reduced to 0644, 0755 or a link's.
    #[must_use]
    pub fn to_entry(&self) -> Entry {
        Entry {
            mode: match self.is_link {
                true => Mode::Link,
                false => Mode::from_bits(self.mode),
            },
            content: self.content.clone(),
        }
    }
}

impl Archive {
    /// Reads the archive's structure and proves it. It holds no links.
    ///
    /// # Errors
    /// An [`ArchiveError`] that names the entry at fault; `bytes` need not be a zip at all.
    pub fn open(bytes: Bytes, limits: &Limits) -> Result<Self, ArchiveError> {
        let archive = Self::read(bytes, limits)?;
        match archive.entries.iter().find(|entry| entry.is_link) {
            None => Ok(archive),
            Some(link) => {
                let fault = EntryFault::Kind("symbolic link");
                Err(ArchiveError::entry(link.path.as_str(), fault))
            }
        }
    }

    /// As [`Archive::open`], for layers: they may hold symbolic links that lead to places inside of
    /// them, wherever other links lead on the way.
    ///
    /// # Errors
    /// As [`Archive::open`]'s, and for links that lead elsewhere.
    pub fn open_layer(bytes: Bytes, limits: &Limits) -> Result<Self, ArchiveError> {
        let archive = Self::read(bytes, limits)?;
        links::check(&archive.entries)?;
        Ok(archive)
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "the archive is handed over: its entries hold on to it"
    )]
    fn read(bytes: Bytes, limits: &Limits) -> Result<Self, ArchiveError> {
        let directory = end::locate(&bytes)?;
        let centrals = directory::read(&bytes, &directory, limits)?;
        let locals = read_locals(&bytes[..directory.start], &centrals)?;
        check_tiling(&bytes[..directory.start], &centrals, &locals)?;
        check_names(&centrals)?;
        let entries = files(&bytes, centrals, &locals)?;
        // The sum of entries is limited by a u32.
        let mut by_path: Vec<u32> = (0..).take(entries.len()).collect();
        by_path.sort_unstable_by_key(|index| &entries[*index as usize].path);
        Ok(Self { entries, by_path })
    }

    /// The files, in the archive's own order; folders are left out.
    #[must_use]
    pub fn entries(&self) -> &[ArchiveEntry] {
        &self.entries
    }

    /// The file at `path`.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&ArchiveEntry> {
        let entry = |index: u32| &self.entries[index as usize];
        self.by_path
            .binary_search_by_key(&path, |index| entry(*index).path.as_str())
            .ok()
            .map(|position| entry(self.by_path[position]))
    }

    /// The files as a layer tree, under the same paths.
    #[must_use]
    pub fn to_tree(&self) -> LayerTree {
        let mut tree = LayerTree::new();
        for index in &self.by_path {
            let entry = &self.entries[*index as usize];
            let inserted = tree.insert(entry.path.clone(), entry.to_entry());
            debug_assert!(inserted.is_ok(), "names were checked by `open`");
        }
        tree
    }
}

fn read_locals(entries: &[u8], centrals: &[Central<'_>]) -> Result<Vec<Local>, ArchiveError> {
    centrals
        .iter()
        .map(|central| {
            local::read(entries, central)
                .map_err(|fault| ArchiveError::entry(central.path.as_str(), fault))
        })
        .collect()
}

/// Entries must fill `entries`, the archive's bytes before the central directory, side by side.
fn check_tiling(
    entries: &[u8],
    centrals: &[Central<'_>],
    locals: &[Local],
) -> Result<(), ArchiveError> {
    let mut order: Vec<usize> = (0..locals.len()).collect();
    order.sort_unstable_by_key(|index| locals[*index].start);
    let first = order.first().map_or(entries.len(), |i| locals[*i].start);
    if first != 0 {
        return Err(ArchiveError::Prepended {
            bytes: first as u64,
        });
    }
    for (position, index) in order.iter().enumerate() {
        let next = order.get(position + 1);
        let end = next.map_or(entries.len(), |next| locals[*next].start);
        let Some(between) = entries.get(locals[*index].data.end..end) else {
            let name = |index: usize| crate::error::shown(centrals[index].path.as_str());
            return Err(ArchiveError::Overlap {
                first: name(*index),
                second: next.map_or_else(String::new, |next| name(*next)),
            });
        };
        local::check_after(&locals[*index], between, &centrals[*index])?;
    }
    Ok(())
}

/// No name may be there twice, or be a file and a folder at once.
fn check_names(centrals: &[Central<'_>]) -> Result<(), ArchiveError> {
    let mut sorted: Vec<&Central<'_>> = centrals.iter().collect();
    sorted.sort_unstable_by_key(|central| &central.path);
    for pair in sorted.windows(2) {
        if pair[0].path == pair[1].path {
            let fault = if pair[0].is_folder == pair[1].is_folder {
                EntryFault::Duplicate
            } else {
                EntryFault::FileAndFolder {
                    below: format!("{}/", pair[0].path),
                }
            };
            return Err(ArchiveError::entry(pair[0].path.as_str(), fault));
        }
    }
    let is_file = |path: &str| {
        sorted
            .binary_search_by_key(&path, |central| central.path.as_str())
            .is_ok_and(|at| !sorted[at].is_folder)
    };
    let mut checked = None;
    for central in &sorted {
        // Neighbours mostly share their folder, and its ancestors were looked up with the first.
        let parent = central.path.parent();
        if parent == checked {
            continue;
        }
        checked = parent;
        let mut folder = parent;
        while let Some(path) = folder {
            if is_file(path) {
                let below = crate::error::shown(central.path.as_str());
                return Err(ArchiveError::entry(
                    path,
                    EntryFault::FileAndFolder { below },
                ));
            }
            folder = path.rsplit_once('/').map(|(above, _)| above);
        }
    }
    Ok(())
}

/// The entries that are files; folders are proven empty and dropped.
fn files(
    archive: &Bytes,
    centrals: Vec<Central<'_>>,
    locals: &[Local],
) -> Result<Vec<ArchiveEntry>, ArchiveError> {
    let mut files = Vec::with_capacity(centrals.len());
    for (central, local) in centrals.into_iter().zip(locals) {
        let content = Content {
            data: archive.slice(local.data.clone()),
            encoding: match central.method {
                METHOD_STORED => Encoding::Stored,
                // A deflated nothing without a stream: leniently, it is the same as a stored one.
                _ if central.compressed == 0 => Encoding::Stored,
                _ => Encoding::Deflate,
            },
            size: central.size,
            crc32: central.crc32,
        };
        if !central.is_folder {
            files.push(ArchiveEntry {
                path: central.path,
                mode: central.mode,
                is_link: central.is_link,
                content,
            });
        } else if read_all(&content).is_err() {
            let held = EntryFault::FolderContent(content.stream_size());
            return Err(ArchiveError::entry(central.path.as_str(), held));
        }
    }
    Ok(files)
}
