//! The pressed store: for each archive and [`Recipe`] one zip that holds every file of the archive.
//!
//! # Format
//! `pressed/ab/abcdef…-fast-6.zip`, named by the archive's SHA-256 and the recipe, is a plain zip that
//! any tool reads, written by the same writer as a layer: files in the order of their paths' bytes,
//! relative to the archive's root, modes 0644 or 0755, no times. Each stream is what libdeflate makes
//! of the file at the recipe's level, or the file itself where that is not larger; what the
//! recipe's passes make smaller ([`transform`](crate::transform)) is in it as they made it. What is
//! in the zip depends on the archive and the recipe alone; what is chosen of it for a layer, and where
//! it goes, is decided when layers are merged.
//!
//! An ecosystem whose archives are zips may press an overlay: the files alone that a pass changed or whose
//! streams were poor, and what depends on them. All else is then taken from the archive, with the streams that it has. Nothing
//! in the format tells an overlay from a whole archive; whoever presses knows.
//!
//! The blob under `<archive>-<recipe>` in the namespace [`Namespace::Facts`] says what is in the zip,
//! so that nobody has to parse it: for each file path, mode, size, CRC-32, place, length and XXH3-64
//! of the stream, whether it is machine code ([`Binary`]), and which pass made it smaller from what size,
//! with its SHA-256; the files that a pass refused and why; the zip's length; and bytes that mean
//! something to the ecosystem which pressed the archive. The facts come into their place first and leave
//! it last: without a zip they mean that nothing is there, and a zip without them is damaged. Where
//! nothing is to be kept the zip's length is 0 and there is none.
//!
//! # Damage
//! The blob carries its own checksum. Streams are verified when they are taken
//! ([`Contents::entries`]); whoever finds that a zip is not what its facts say presses the archive
//! again, which replaces it.

mod facts;
mod making;
mod remake;
#[cfg(test)]
mod tests;
mod upkeep;

use bytes::Bytes;
use layerpress_fetch::{Namespace, Store, facts_key};
use layerpress_pack::Level;
use layerpress_tree::{Content, Encoding, Entry, LayerPath, LayerTree, Mode, Sha256};
use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use self::facts::{ArchivedFacts, ArchivedFileFacts, ArchivedRefusalFacts, FactsBytes};
use crate::{Binary, Passes};

pub use making::{PressError, Pressing, Saved};
pub use remake::{
    Account, Change, Gain, Made, Refusal, Remade, Stream, has_passes, has_poor_streams, remake,
};
pub use upkeep::verify;

/// How the files of an archive are pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Recipe {
    /// How hard each file is compressed.
    pub compression: Level,
    /// Which passes go over each file first.
    pub passes: Passes,
}

/// Part of every recipe's name: zips or facts of another shape are not found. To be raised whenever a
/// pass makes something else of a file than before.
const FORMAT: u32 = 6;

impl Recipe {
    /// Every recipe.
    pub fn all() -> impl Iterator<Item = Self> {
        let levels = [Level::Fast, Level::Best].into_iter();
        levels.flat_map(|compression| {
            Passes::sets().map(move |passes| Self {
                compression,
                passes,
            })
        })
    }

    /// The recipe's name in the store: `fast-6`, or `best-6-` and a number for the passes that go over the
    /// files.
    #[must_use]
    pub fn id(self) -> String {
        let level = match self.compression {
            Level::Fast => "fast",
            Level::Best => "best",
        };
        if self.passes.is_empty() {
            return format!("{level}-{FORMAT}");
        }
        let passes: Vec<&str> = self.passes.iter().map(|pass| pass.name).collect();
        let passes = xxh3_64(passes.join(" ").as_bytes()) & 0xffff;
        format!("{level}-{FORMAT}-{passes:04x}")
    }
}

/// A pressed archive: what is in it, and its streams where they lie in the mapped zip.
#[derive(Debug, Clone)]
pub struct Pressed {
    archive: Sha256,
    facts: FactsBytes,
    zip: Bytes,
}

/// One file of a pressed archive, as its facts have it; the stream was not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PressedFile<'a> {
    /// Its path, relative to the archive's root; a valid [`LayerPath`] when it was pressed.
    pub path: &'a str,
    /// Its mode.
    pub mode: Mode,
    /// Its size in bytes, unpacked.
    pub size: u64,
    /// What it takes in a zip, in bytes.
    pub stream_size: u64,
    /// What machine it is for, if it is machine code.
    pub binary: Option<Binary>,
    /// What a pass did to it.
    pub change: Option<Change>,
}

/// The pressed copy of an archive is not what it was when it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the pressed copy of the archive {archive} in the cache is damaged")]
pub struct Damaged {
    /// The archive, which is to be pressed again.
    pub archive: Sha256,
}

/// The pressed copy of `archive`, if the store holds one; maps it and looks at no stream.
///
/// # Errors
/// [`Damaged`] if there is a zip of which nothing is known any more.
pub fn open(store: &Store, archive: Sha256, recipe: Recipe) -> Result<Option<Pressed>, Damaged> {
    let facts = store
        .blob(Namespace::Facts, &facts_key(archive, &recipe.id()))
        .and_then(FactsBytes::new_kept);
    let Some(facts) = facts else {
        return match store.pressed_path(archive, &recipe.id()).exists() {
            true => Err(Damaged { archive }),
            false => Ok(None),
        };
    };
    let zip = match facts.get().zip_bytes.to_native() {
        0 => Some(Bytes::new()),
        _ => store.pressed(archive, &recipe.id()),
    };
    Ok(zip.map(|zip| Pressed {
        archive,
        facts,
        zip,
    }))
}

/// What is in a pressed archive.
#[derive(Debug, Clone, Copy)]
pub struct Contents<'a> {
    pressed: &'a Pressed,
    facts: &'a ArchivedFacts,
}

impl Pressed {
    /// What is in it. Costs a look at all facts, so it is worth keeping.
    #[must_use]
    pub fn contents(&self) -> Contents<'_> {
        Contents {
            pressed: self,
            facts: self.facts.get(),
        }
    }
}

impl<'a> Contents<'a> {
    /// The files, by the raw bytes of their paths.
    pub fn files(self) -> impl ExactSizeIterator<Item = PressedFile<'a>> {
        self.facts.files.iter().map(|file| PressedFile {
            path: &file.path,
            mode: mode(file),
            size: file.size_bytes.into(),
            stream_size: file.stream_bytes.into(),
            binary: file.binary(),
            change: file.change(),
        })
    }

    /// What the passes did to its files.
    #[must_use]
    pub fn account(self) -> Account {
        let mut account = Account::default();
        for file in self.files() {
            if let Some(change) = file.change {
                account.count(&change, file.size);
            }
        }
        let refused = self.facts.refused.iter();
        account.refused = refused.filter_map(ArchivedRefusalFacts::refusal).collect();
        account
    }

    /// What the ecosystem that pressed the archive noted beside its files; begins at no particular
    /// alignment.
    #[must_use]
    pub fn notes(self) -> &'a [u8] {
        &self.facts.notes
    }

    /// What all files take unpacked, in bytes.
    #[must_use]
    pub fn unpacked_size(self) -> u64 {
        self.files().map(|file| file.size).sum()
    }

    /// The files with their streams, verified, as views into the mapped zip; by the raw bytes of
    /// their paths.
    ///
    /// # Errors
    /// [`Damaged`] if the zip was changed or cut.
    pub fn entries(self) -> Result<Vec<(LayerPath, Entry)>, Damaged> {
        let zip = &self.pressed.zip;
        let damaged = Damaged {
            archive: self.pressed.archive,
        };
        if zip.len() as u64 != self.facts.zip_bytes {
            return Err(damaged);
        }
        let files = self.facts.files.as_slice();
        let entries: Option<Vec<_>> = if files.len() < MANY {
            files.iter().map(|file| take(zip, file)).collect()
        } else {
            files.par_iter().map(|file| take(zip, file)).collect()
        };
        entries.ok_or(damaged)
    }

    /// As [`Contents::entries`], as a tree.
    ///
    /// # Errors
    /// As [`Contents::entries`]'s.
    pub fn tree(self) -> Result<LayerTree, Damaged> {
        // It was a tree when it was pressed; what is none any more is damaged.
        LayerTree::from_entries(self.entries()?).map_err(|_| Damaged {
            archive: self.pressed.archive,
        })
    }
}

/// From this many files on, all cores check them. Most packages have fewer, and callers have many
/// packages to share out.
const MANY: usize = 512;

/// One file with its stream, if that is what it was.
fn take(zip: &Bytes, file: &ArchivedFileFacts) -> Option<(LayerPath, Entry)> {
    let start = usize::try_from(file.offset.to_native()).ok()?;
    let length = usize::try_from(file.stream_bytes.to_native()).ok()?;
    let end = start.checked_add(length)?;
    if xxh3_64(zip.get(start..end)?) != file.stream_xxh3 {
        return None;
    }
    let content = Content {
        data: zip.slice(start..end),
        encoding: if file.deflated {
            Encoding::Deflate
        } else {
            Encoding::Stored
        },
        size: file.size_bytes.into(),
        crc32: file.crc32.into(),
    };
    let path = LayerPath::new(&file.path).ok()?;
    let mode = mode(file);
    Some((path, Entry { mode, content }))
}

fn mode(file: &ArchivedFileFacts) -> Mode {
    if file.executable {
        Mode::Executable
    } else {
        Mode::File
    }
}
