//! Reading manifests from disk: regular files of a bounded size.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::decode::decode;
use super::error::ManifestError;
use super::requirement::Origin;
use super::shown::shown;

/// Larger than any requirements file or project file; the largest known lists are under 2 MiB.
pub(crate) const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// The text of the manifest at `path`, which the user knows as `name`.
///
/// A pipe or device is refused before it is opened, since opening one may block.
pub(crate) fn read_text(
    path: &Path,
    name: &str,
    included_by: Option<&Origin>,
) -> Result<String, ManifestError> {
    let cannot_read = |source: io::Error| match included_by {
        Some(origin) if is_missing(&source) => ManifestError::NoSuchFile {
            origin: Box::new(origin.clone()),
            file: shown(name),
        },
        _ => ManifestError::Read {
            file: shown(name),
            source,
        },
    };
    let not_a_file = || ManifestError::NotAFile { file: shown(name) };
    if !fs::metadata(path).map_err(cannot_read)?.is_file() {
        return Err(not_a_file());
    }
    let file = File::open(path).map_err(cannot_read)?;
    if !file.metadata().map_err(cannot_read)?.is_file() {
        return Err(not_a_file());
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(cannot_read)?;
    check_size(bytes.len(), name)?;
    // APPNOTE.TXT 4.3.7 and RFC 1952: the marks of a zip and of gzip.
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\x1f\x8b") {
        return Err(ManifestError::WrongKind {
            file: shown(name),
            kind: "an archive",
            remedy: "to install a wheel, name its path in a requirements file",
        });
    }
    decode(&bytes).map_err(|fault| ManifestError::Decode {
        file: match &fault {
            super::decode::DecodeError::Invalid {
                line: Some(line), ..
            } => {
                format!("{}:{line}", shown(name))
            }
            _ => shown(name),
        },
        fault,
    })
}

fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Refuses what is larger than [`MAX_BYTES`].
pub(crate) fn check_size(bytes: usize, name: &str) -> Result<(), ManifestError> {
    if u64::try_from(bytes).is_ok_and(|bytes| bytes <= MAX_BYTES) {
        return Ok(());
    }
    Err(ManifestError::TooBig {
        file: shown(name),
        limit: MAX_BYTES,
    })
}
