//! Source archives on disk: a build needs a real folder, the one thing here that is ever extracted.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use layerpress_fetch::let_go;
use layerpress_pack::tarball::{self, Kind, Member};
use layerpress_pack::{Archive, Limits, TarballError};
use layerpress_tree::{Entry, LayerPath, LayerTree, Mode};

use super::error::BuildError;
use crate::wheel::write_folder;

/// What a source archive may hold: some bring models and browsers along.
pub(super) const LIMITS: Limits = Limits {
    entries: 250_000,
    total_bytes: 4 << 30,
    ratio: 200,
};

/// Extracts the source archive `file` into the existing empty folder `into`; gives the source tree:
/// `subdirectory` of the one folder that a source distribution holds, or of `into` itself.
///
/// Links and devices are refused; every path is a [`LayerPath`], so nothing leads outside.
pub(super) fn extract(
    file: &str,
    bytes: &Bytes,
    into: &Path,
    subdirectory: Option<&str>,
) -> Result<PathBuf, BuildError> {
    if bytes.starts_with(b"PK") {
        extract_zip(file, bytes, into)?;
    } else if [".tar.gz", ".tgz", ".tar"]
        .iter()
        .any(|end| file.ends_with(end))
        || bytes.starts_with(&[0x1f, 0x8b])
    {
        extract_tarball(file, bytes, into)?;
    } else {
        return Err(BuildError::Format {
            file: file.to_owned(),
        });
    }
    let root = only_folder(into).unwrap_or_else(|| into.to_owned());
    below(&root, subdirectory, file)
}

/// The folder `subdirectory` of `root`, if it is one.
pub(super) fn below(
    root: &Path,
    subdirectory: Option<&str>,
    package: &str,
) -> Result<PathBuf, BuildError> {
    let Some(subdirectory) = subdirectory else {
        return Ok(root.to_owned());
    };
    let refused = |problem| BuildError::Path {
        package: package.to_owned(),
        path: subdirectory.escape_debug().to_string(),
        problem,
    };
    let path = LayerPath::new(subdirectory.trim_matches('/'))
        .map_err(|_| refused("leads out of the source tree"))?;
    let folder = root.join(path.as_str());
    let inside = folder
        .canonicalize()
        .ok()
        .zip(root.canonicalize().ok())
        .is_some_and(|(folder, root)| folder.is_dir() && folder.starts_with(root));
    if inside {
        Ok(folder)
    } else {
        Err(refused("is no folder of the source tree"))
    }
}

fn only_folder(folder: &Path) -> Option<PathBuf> {
    let mut entries = fs::read_dir(folder).ok()?;
    let only = entries.next()?.ok()?.path();
    (entries.next().is_none() && only.is_dir()).then_some(only)
}

fn extract_zip(file: &str, bytes: &Bytes, into: &Path) -> Result<(), BuildError> {
    let refused = |error| BuildError::Archive {
        file: file.to_owned(),
        error,
    };
    let archive = Archive::open(bytes.clone(), &LIMITS).map_err(refused)?;
    let mut tree = LayerTree::new();
    for entry in archive.entries() {
        let file = Entry {
            mode: Mode::from_bits(entry.mode),
            content: entry.content.clone(),
        };
        // The strict reader has refused duplicates and files that are folders.
        let _ = tree.insert(entry.path.clone(), file);
    }
    write_folder(&tree, into).map_err(BuildError::io(into))
}

fn extract_tarball(file: &str, bytes: &Bytes, into: &Path) -> Result<(), BuildError> {
    let options = tarball::Options {
        limits: LIMITS,
        ..tarball::Options::default()
    };
    let mut since = 0;
    let write = |member: Member<'_>| {
        since += write_member(member, into)?;
        if since >= LET_GO_AFTER_BYTES {
            since = 0;
            let_go(bytes);
        }
        Ok(())
    };
    tarball::read(bytes, &options, write).map_err(|fault| match fault {
        Fault::Tarball(error) => BuildError::Tarball {
            file: file.to_owned(),
            error,
        },
        Fault::Io(path, error) => BuildError::Io { path, error },
    })
}

enum Fault {
    Tarball(TarballError),
    Io(PathBuf, io::Error),
}

impl From<TarballError> for Fault {
    fn from(error: TarballError) -> Self {
        Self::Tarball(error)
    }
}

/// How many bytes of files it takes to look at the memory that the archive takes.
pub(super) const LET_GO_AFTER_BYTES: u64 = 32 << 20;

/// Writes a member; the bytes written.
fn write_member(member: Member<'_>, into: &Path) -> Result<u64, Fault> {
    let path = into.join(member.path.as_str());
    let io = |error| Fault::Io(path.clone(), error);
    match member.kind {
        Kind::Folder => fs::create_dir_all(&path).map(|()| 0).map_err(io),
        Kind::File { mode, data, .. } => {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(io)?;
            }
            // A path that comes twice: the last one counts.
            let mut out = fs::File::create(&path).map_err(io)?;
            let written = io::copy(data, &mut out).map_err(io)?;
            if mode == Mode::Executable {
                make_executable(&out).map_err(io)?;
            }
            Ok(written)
        }
        // Links are refused by the reader's defaults.
        Kind::Link { .. } => Ok(0),
    }
}

#[cfg(unix)]
fn make_executable(file: &fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(Mode::Executable.bits()))
}

#[cfg(not(unix))]
fn make_executable(_: &fs::File) -> io::Result<()> {
    Ok(())
}
