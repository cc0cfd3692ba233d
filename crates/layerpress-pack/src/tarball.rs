//! Tarballs: source distributions and npm packages, read as a stream under the same promises.

mod gate;
mod gunzip;

#[cfg(test)]
mod tests;

use std::io::{self, Read};

use layerpress_tree::{LayerPath, Mode};
use tar::EntryType;

use self::gate::Gate;
use self::gunzip::Gunzip;
use crate::error::shown;
use crate::{Limits, TarballError};

/// How to read a tarball.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// How much it may hold.
    pub limits: Limits,
    /// What becomes of the folder that all else stands in. Default [`Root::Keep`].
    pub root: Root,
    /// What becomes of links. Default [`Links::Refuse`].
    pub links: Links,
}

/// What becomes of the folder that all else in a tarball stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Root {
    /// Paths are as in the archive.
    #[default]
    Keep,
    /// Exactly one leading component is dropped, whatever its name, as npm does. A file without
    /// one is an error.
    Strip,
    /// As [`Root::Strip`], but what has only one component is left out, as npm does: tools of old
    /// put `._package` beside the folder.
    StripOrDrop,
}

/// What becomes of links in a tarball.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Links {
    /// A link is an error.
    #[default]
    Refuse,
    /// A link is a [`Kind::Link`]; its target is not looked at.
    Report,
}

/// One member of a tarball.
#[derive(Debug)]
pub struct Member<'a> {
    /// Where it lies. A path may come twice: the last one counts, for every reader of tarballs.
    pub path: LayerPath,
    /// What it is.
    pub kind: Kind<'a>,
}

/// What a member of a tarball is.
pub enum Kind<'a> {
    /// A file.
    File {
        /// Its mode, reduced to 0644 or 0755.
        mode: Mode,
        /// Its size in bytes.
        size: u64,
        /// Its bytes, exactly as many; what is not read is skipped.
        data: &'a mut dyn Read,
    },
    /// A folder.
    Folder,
    /// A link, only by [`Links::Report`].
    Link {
        /// Where it leads, as the archive has it.
        target: String,
        /// Whether it is a hard link, whose target is a path in the archive.
        hard: bool,
    },
}

impl std::fmt::Debug for Kind<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File { mode, size, .. } => f
                .debug_struct("File")
                .field("mode", mode)
                .field("size", size)
                .finish_non_exhaustive(),
            Self::Folder => f.write_str("Folder"),
            Self::Link { target, hard } => f
                .debug_struct("Link")
                .field("target", target)
                .field("hard", hard)
                .finish(),
        }
    }
}

/// Reads a tarball, gzipped or plain, and hands each member to `sink` in the archive's order.
///
/// PAX and GNU records for long names are understood. Paths lose leading `./` and doubled slashes
/// and must then be [`LayerPath`]s. The whole stream is read to its end, so that gzip's checksum is
/// verified; members that came before a fault have been handed out by then.
///
/// # Errors
/// A [`TarballError`], turned into the sink's own error type; the sink's errors end the reading.
/// Errors of a member's `data` are [`io::Error`]s around a [`TarballError`].
pub fn read<E: From<TarballError>>(
    archive: &[u8],
    options: &Options,
    mut sink: impl FnMut(Member<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let source = open(archive)?;
    let gate = Gate::default();
    let guarded = gate.guard(source, archive.len() as u64, options.limits);
    let mut tar = tar::Archive::new(guarded);
    let damaged = |error: io::Error| gate.fault(&error);
    let mut entries = tar.entries().map_err(damaged)?;
    let mut budget = Budget::new(options.limits);
    loop {
        gate.expect_header();
        let Some(entry) = entries.next() else {
            break;
        };
        let mut entry = entry.map_err(damaged)?;
        let size = entry.size();
        budget.take(size)?;
        gate.expect_data(entry.raw_file_position(), size);
        let Some(plan) = plan(&mut entry, options).map_err(|fault| match fault {
            Fault::Tarball(error) => error,
            Fault::Io(error) => damaged(error),
        })?
        else {
            continue;
        };
        let mut data = Exact {
            inner: &mut entry,
            left: size,
            gate: &gate,
        };
        sink(plan.member(size, &mut data))?;
    }
    gate.expect_rest();
    io::copy(&mut tar.into_inner(), &mut io::sink()).map_err(damaged)?;
    Ok(())
}

/// Which decoder the first bytes call for.
fn open(archive: &[u8]) -> Result<Box<dyn Read + '_>, TarballError> {
    // Each format's own signature; `ustar` stands in the first header of every tar of this
    // century (POSIX.1-1988, section 10.1.1).
    let other = [
        (&b"BZh"[..], "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        (b"\x5d\0\0", "LZMA"),
        (b"\x28\xb5\x2f\xfd", "zstandard"),
        (b"\x1f\x9d", "compress (.Z)"),
        (b"PK\x03\x04", "zip"),
        (b"7z\xbc\xaf", "7-Zip"),
        (b"Rar!", "RAR"),
    ];
    if archive.starts_with(b"\x1f\x8b") {
        return Ok(Box::new(Gunzip::new(archive)));
    }
    if archive.get(257..262) == Some(b"ustar") {
        return Ok(Box::new(archive));
    }
    let known = other.iter().find(|(magic, _)| archive.starts_with(magic));
    Err(match known {
        Some((_, format)) => TarballError::Format { format },
        None => TarballError::NotTar,
    })
}

/// Counts entries and the bytes they declare.
struct Budget {
    limits: Limits,
    entries: u32,
    bytes: u64,
}

impl Budget {
    fn new(limits: Limits) -> Self {
        Self {
            limits,
            entries: 0,
            bytes: 0,
        }
    }

    fn take(&mut self, size: u64) -> Result<(), TarballError> {
        let Limits {
            entries,
            total_bytes,
            ..
        } = self.limits;
        self.entries += 1;
        if self.entries > entries {
            return Err(TarballError::TooManyEntries { limit: entries });
        }
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > total_bytes {
            return Err(TarballError::TooLarge { limit: total_bytes });
        }
        Ok(())
    }
}

/// What a header announces, without its data.
struct Plan {
    path: LayerPath,
    what: What,
}

enum What {
    File(Mode),
    Folder,
    Link { target: String, hard: bool },
}

enum Fault {
    Tarball(TarballError),
    Io(io::Error),
}

impl From<TarballError> for Fault {
    fn from(error: TarballError) -> Self {
        Self::Tarball(error)
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Plan {
    fn member<'a>(self, size: u64, data: &'a mut dyn Read) -> Member<'a> {
        let kind = match self.what {
            What::File(mode) => Kind::File { mode, size, data },
            What::Folder => Kind::Folder,
            What::Link { target, hard } => Kind::Link { target, hard },
        };
        Member {
            path: self.path,
            kind,
        }
    }
}

/// What to do with `entry`; `None` for what is no member: global attributes, the root folder.
fn plan<R: Read>(entry: &mut tar::Entry<'_, R>, options: &Options) -> Result<Option<Plan>, Fault> {
    let kind = entry.header().entry_type();
    if kind == EntryType::XGlobalHeader {
        return Ok(None);
    }
    let name = entry.path_bytes().into_owned();
    // Before POSIX there was no type for folders, only the slash.
    let folder = kind.is_dir() || (kind.is_file() && name.ends_with(b"/"));
    let Some(path) = path(&name, folder, options.root)? else {
        return Ok(None);
    };
    let refused = |kind| {
        Err(Fault::Tarball(TarballError::Kind {
            path: path.clone(),
            kind,
        }))
    };
    let what = match kind {
        _ if folder => What::Folder,
        EntryType::Regular | EntryType::Continuous if is_sparse(entry)? => {
            return refused("sparse file");
        }
        EntryType::Regular | EntryType::Continuous => {
            What::File(Mode::from_bits(entry.header().mode()?))
        }
        EntryType::Symlink | EntryType::Link => {
            let hard = kind == EntryType::Link;
            let target = entry.link_name_bytes().unwrap_or_default();
            let target = String::from_utf8_lossy(&target).into_owned();
            if options.links == Links::Refuse {
                return Err(Fault::Tarball(TarballError::Link {
                    path,
                    kind: if hard { "hard link" } else { "symbolic link" },
                    target: shown(&target),
                }));
            }
            What::Link { target, hard }
        }
        EntryType::Char => return refused("character device"),
        EntryType::Block => return refused("block device"),
        EntryType::Fifo => return refused("pipe"),
        EntryType::GNUSparse => return refused("sparse file"),
        _ => return refused("member of an unknown type"),
    };
    Ok(Some(Plan { path, what }))
}

/// A sparse file in PAX form looks like a regular one whose data are not the file's (GNU tar
/// manual, appendix D.2).
fn is_sparse<R: Read>(entry: &mut tar::Entry<'_, R>) -> io::Result<bool> {
    let Some(records) = entry.pax_extensions()? else {
        return Ok(false);
    };
    for record in records {
        if record?.key_bytes().starts_with(b"GNU.sparse.") {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The path that a member has for the caller; `None` for the root folder itself.
fn path(name: &[u8], folder: bool, root: Root) -> Result<Option<LayerPath>, TarballError> {
    let Ok(name) = str::from_utf8(name) else {
        return Err(TarballError::NotUtf8 {
            path: shown(&String::from_utf8_lossy(name)),
        });
    };
    // Empty and `.` components mean nothing in a tar; a first empty one means the file system's
    // root, and is left for `LayerPath` to refuse.
    let absolute = name.starts_with('/');
    let parts = name.split('/').filter(|part| !matches!(*part, "" | "."));
    let plain = parts.collect::<Vec<_>>().join("/");
    let plain = if absolute { format!("/{plain}") } else { plain };
    if plain.is_empty() && folder {
        return Ok(None);
    }
    let path = LayerPath::new(&plain).map_err(TarballError::Path)?;
    if root == Root::Keep {
        return Ok(Some(path));
    }
    match plain.split_once('/') {
        Some((_, below)) => Ok(Some(LayerPath::new(below).map_err(TarballError::Path)?)),
        None if folder || root == Root::StripOrDrop => Ok(None),
        None => Err(TarballError::NoRoot { path: plain }),
    }
}

/// A member's data: an archive that ends within them is damaged, where the decoder would only end.
struct Exact<'a> {
    inner: &'a mut dyn Read,
    left: u64,
    gate: &'a Gate,
}

impl Read for Exact<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = match self.inner.read(buffer) {
            Ok(0) if !buffer.is_empty() && self.left > 0 => {
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            result => result,
        };
        let count = result
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, self.gate.fault(&error)))?;
        self.left = self.left.saturating_sub(count as u64);
        Ok(count)
    }
}
