//! Everything that can be wrong with an archive, a content, or the writing of a layer.
//!
//! None of these knows the archive's own name: whoever opened it puts that in front.

use std::io;
use std::path::PathBuf;

use layerpress_tree::{LayerPath, LinkError, PathError};

/// Why a zip archive is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// There is no end record, so this is no zip archive or only the beginning of one.
    #[error("not a whole zip archive: there is no end record")]
    NoEnd,
    /// Something follows the end record.
    #[error("{bytes} bytes follow the archive's end record")]
    Trailing {
        /// How much.
        bytes: u64,
    },
    /// The archive's comment holds a zip signature.
    #[error("the archive's comment hides another archive")]
    Comment,
    /// More bytes than the end record accounts for: in front of the entries, or a second archive.
    #[error("the archive holds {bytes} bytes that its end record does not know of")]
    Foreign {
        /// How many.
        bytes: u64,
    },
    /// Something precedes the first entry.
    #[error("{bytes} bytes precede the archive's first entry")]
    Prepended {
        /// How much.
        bytes: u64,
    },
    /// A part of an archive over several files.
    #[error("the archive is one of several parts")]
    Disks,
    /// The end record does not describe the archive it ends.
    #[error("the archive's end record states a {field} of {found} instead of {expected}")]
    End {
        /// Which of its fields.
        field: &'static str,
        /// What it states.
        found: u64,
        /// What it would have to state.
        expected: u64,
    },
    /// The zip64 records before the end record are malformed.
    #[error("the archive's zip64 end record is malformed")]
    Zip64End,
    /// The central directory is not a row of headers.
    #[error("the archive's central directory is malformed at byte {offset}")]
    Directory {
        /// Where, from the archive's beginning.
        offset: u64,
    },
    /// Bytes that belong to no entry.
    #[error("`{after}` is followed by {bytes} bytes that belong to no entry")]
    Gap {
        /// The entry before them, escaped for display.
        after: String,
        /// How many.
        bytes: u64,
    },
    /// Two entries share bytes.
    #[error("`{first}` and `{second}` overlap in the archive")]
    Overlap {
        /// The entry that begins first, escaped for display.
        first: String,
        /// The other one.
        second: String,
    },
    /// A name that leads out of the archive or is no path.
    #[error("an entry's name is no path inside the archive: {0}")]
    Path(PathError),
    /// One entry is at fault.
    #[error("`{name}`: {fault}")]
    Entry {
        /// Its name, escaped for display.
        name: String,
        /// What is wrong with it.
        fault: EntryFault,
    },
    /// More entries than [`Limits::entries`](crate::Limits::entries).
    #[error("the archive holds {found} entries, more than {limit}")]
    TooManyEntries {
        /// How many there are.
        found: u64,
        /// How many there may be.
        limit: u32,
    },
    /// More bytes than [`Limits::total_bytes`](crate::Limits::total_bytes).
    #[error("the archive's files take {found} bytes unzipped, more than {limit}")]
    TooLarge {
        /// How many bytes they take.
        found: u64,
        /// How many they may take.
        limit: u64,
    },
    /// Denser than [`Limits::ratio`](crate::Limits::ratio).
    #[error("the archive inflates to {found} times its size, more than {limit} times")]
    Ratio {
        /// The ratio.
        found: u64,
        /// The highest allowed.
        limit: u32,
    },
}

/// What is wrong with one entry of a zip archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryFault {
    /// The name is marked as UTF-8 and is not.
    #[error("the name is marked as UTF-8 and is not")]
    NotUtf8,
    /// The Info-ZIP Unicode path names another file than the header.
    #[error("the name differs from its Unicode form")]
    UnicodePath,
    /// The name is there twice.
    #[error("the name is there twice")]
    Duplicate,
    /// The name is a file, and a folder of another entry.
    #[error("the name is a file, and a folder of `{below}`")]
    FileAndFolder {
        /// An entry in that folder, or the folder itself.
        below: String,
    },
    /// A symbolic link that leads to no place inside the archive.
    #[error("the entry is a link to `{target}`, which {source}")]
    Link {
        /// Where it leads, escaped for display.
        target: String,
        /// Why that is no place inside.
        source: LinkError,
    },
    /// A link, a device, a pipe, or a folder whose name is a file's.
    #[error("the entry is a {0}, not a file")]
    Kind(&'static str),
    /// A folder with contents of its own.
    #[error("the entry is a folder and holds {0} bytes")]
    FolderContent(u64),
    /// Encrypted in any way.
    #[error("the entry is encrypted")]
    Encrypted,
    /// Neither stored nor deflated.
    #[error("the compression method {method} ({name}) is not supported")]
    Method {
        /// Its number.
        method: u16,
        /// Its name, where it is a known one.
        name: &'static str,
    },
    /// The entry is a patch for another archive.
    #[error("the entry is a patch of another file")]
    Patch,
    /// The size of a stored entry, or one that no stream of this length can inflate to.
    #[error("{compressed} compressed bytes cannot hold {size} bytes")]
    Size {
        /// The stream's size.
        compressed: u64,
        /// The declared size of the file.
        size: u64,
    },
    /// The extra fields are no row of records, or state a thing twice.
    #[error("the extra fields are malformed")]
    Extra,
    /// There is no local header where the central directory points.
    #[error("there is no local header at byte {offset}")]
    NoLocalHeader {
        /// Where it should be.
        offset: u64,
    },
    /// The entry runs into the central directory.
    #[error("the entry runs past the end of the archive's entries")]
    OutOfBounds,
    /// The local header and the central directory differ.
    #[error("the local header and the central directory differ in the {field}")]
    Differs {
        /// Which field.
        field: &'static str,
    },
    /// The data descriptor is missing, or differs from the central directory.
    #[error("the data descriptor and the central directory differ")]
    Descriptor,
}

/// Why a file inside an archive cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContentError {
    /// No deflate stream.
    #[error("the deflate stream is damaged")]
    Damaged,
    /// The stream ends early.
    #[error("the file ends after {found} of {expected} bytes")]
    Short {
        /// How many bytes came.
        found: u64,
        /// How many were declared.
        expected: u64,
    },
    /// The stream goes on after the declared size.
    #[error("the file is longer than the declared {expected} bytes")]
    Long {
        /// How many bytes were declared.
        expected: u64,
    },
    /// The deflate stream ends before its bytes do.
    #[error("{bytes} bytes follow the end of the deflate stream")]
    Trailing {
        /// How many.
        bytes: u64,
    },
    /// The checksum is another.
    #[error("the CRC-32 is {found:08x} instead of {expected:08x}")]
    Crc {
        /// The checksum of the bytes.
        found: u32,
        /// The declared one.
        expected: u32,
    },
}

/// Why a tarball is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TarballError {
    /// Another archive format.
    #[error("{format} archives are not supported as source archives, only `.tar.gz` and `.zip`")]
    Format {
        /// Its name.
        format: &'static str,
    },
    /// No archive at all.
    #[error("not a gzip or tar archive")]
    NotTar,
    /// The stream is damaged or cut short.
    #[error("the archive is damaged: {reason}")]
    Damaged {
        /// What the decoder found.
        reason: String,
    },
    /// A name that leads out of the archive or is no path.
    #[error("an entry's name is no path inside the archive: {0}")]
    Path(PathError),
    /// A path that is no UTF-8.
    #[error("`{path}`: the name is not UTF-8")]
    NotUtf8 {
        /// The path, escaped for display.
        path: String,
    },
    /// A file beside the one folder that all else stands in.
    #[error("`{path}` stands outside of the archive's root folder")]
    NoRoot {
        /// The path.
        path: String,
    },
    /// A link where none is allowed.
    #[error("`{path}` is a {kind} to `{target}`")]
    Link {
        /// The link's own path.
        path: LayerPath,
        /// `symbolic link` or `hard link`.
        kind: &'static str,
        /// Where it leads, escaped for display.
        target: String,
    },
    /// A device, a pipe, a sparse file or something unknown.
    #[error("`{path}` is a {kind}, not a file")]
    Kind {
        /// The entry's path.
        path: LayerPath,
        /// What it is.
        kind: &'static str,
    },
    /// More entries than [`Limits::entries`](crate::Limits::entries).
    #[error("the archive holds more than {limit} entries")]
    TooManyEntries {
        /// How many there may be.
        limit: u32,
    },
    /// More bytes than [`Limits::total_bytes`](crate::Limits::total_bytes).
    #[error("the archive's files take more than {limit} bytes unpacked")]
    TooLarge {
        /// How many they may take.
        limit: u64,
    },
    /// Denser than [`Limits::ratio`](crate::Limits::ratio).
    #[error("the archive inflates to more than {limit} times its size")]
    Ratio {
        /// The highest allowed.
        limit: u32,
    },
    /// A name or attribute record far longer than any path, or much behind the last entry.
    #[error("the archive has more than {limit} bytes of headers for one entry or behind the last")]
    Slack {
        /// How many bytes there may be.
        limit: u64,
    },
}

/// Why a layer could not be written to its file; whatever stood there stands there still.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The system refused.
    #[error("`{}` cannot be written", path.display())]
    Io {
        /// The output's path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is something else at the path: a folder, a device, a pipe.
    #[error("`{}` is not a file, so it is not replaced by the layer", path.display())]
    NotAFile {
        /// The output's path.
        path: PathBuf,
    },
}

/// A tree that no zip without 64-bit sizes can hold; what Lambda takes is 16 times smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the layer would take {bytes} bytes, more than the 4,294,967,294 of a plain zip")]
pub struct LayerTooLarge {
    /// What the layer would take, zipped or unzipped, whichever is more.
    pub bytes: u64,
}

impl ArchiveError {
    pub(crate) fn entry(name: &str, fault: EntryFault) -> Self {
        Self::Entry {
            name: shown(name),
            fault,
        }
    }

    /// Whether the archive is only too big for the [`Limits`](crate::Limits) it was opened with,
    /// and not known to be wrong in itself.
    #[must_use]
    pub fn is_over_budget(&self) -> bool {
        matches!(
            self,
            Self::TooManyEntries { .. } | Self::TooLarge { .. } | Self::Ratio { .. }
        )
    }

    /// What to do about it, where there is something to do.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoEnd => Some("the file may be cut short, or be another format: fetch it again"),
            Self::Path(error) => Some(match error {
                PathError::Character {
                    character: '\\', ..
                } => {
                    "some tools for Windows write `\\` where zips have `/`, and on Lambda that is part of a name: pack the archive again with another"
                }
                PathError::Character { .. } | PathError::TooLong { .. } => {
                    "a file needs another name before it can stand in a layer: rename it, and pack the archive again"
                }
                PathError::Empty | PathError::Absolute { .. } | PathError::Component { .. } => {
                    "it names a place outside of itself: it is broken or hostile, so take another version"
                }
            }),
            Self::Entry {
                fault: EntryFault::Link { .. },
                ..
            } => Some(
                "a link may lead to what lies in the same layer, as `libz.so.1` or `/opt/lib/libz.so.1`",
            ),
            Self::TooLarge { .. } => Some("leave out what the function does not need"),
            Self::Entry {
                fault: EntryFault::Encrypted | EntryFault::Method { .. },
                ..
            } => Some("pack the archive again, unencrypted and with the deflate method"),
            Self::Trailing { .. }
            | Self::Comment
            | Self::Foreign { .. }
            | Self::Prepended { .. }
            | Self::Disks
            | Self::End { .. }
            | Self::Zip64End
            | Self::Directory { .. }
            | Self::Gap { .. }
            | Self::Overlap { .. }
            | Self::Entry { .. } => Some(
                "zip readers would disagree about this archive; if it is yours, pack it again with any zip tool",
            ),
            Self::TooManyEntries { .. } | Self::Ratio { .. } => None,
        }
    }
}

impl TarballError {
    /// Whether the archive is only too big for the [`Limits`](crate::Limits) it was read with, and
    /// not known to be wrong in itself.
    #[must_use]
    pub fn is_over_budget(&self) -> bool {
        matches!(
            self,
            Self::TooManyEntries { .. } | Self::TooLarge { .. } | Self::Ratio { .. }
        )
    }
}

impl WriteError {
    /// What to do about it, where there is something to do.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        let Self::Io { source, .. } = self else {
            return Some("name a file that does not exist yet, or a layer to replace");
        };
        match source.kind() {
            io::ErrorKind::NotFound => Some("the folder it should stand in does not exist"),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Some("choose another place with `--output`")
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Some("the disk is full: make room or choose another place with `--output`")
            }
            _ => None,
        }
    }
}

impl From<ContentError> for io::Error {
    fn from(error: ContentError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// A foreign string as it may be shown: escaped, and cut after 140 characters.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(140)
        .map(|c| {
            if c.is_control() {
                c.escape_default().to_string()
            } else {
                c.to_string()
            }
        })
        .collect();
    if text.chars().nth(140).is_some() {
        shown.push('…');
    }
    shown
}
