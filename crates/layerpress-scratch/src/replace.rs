//! [`replace`]: a file of the user's that is there whole, the old or the new one.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::file::ScratchFile;
use crate::naming::Naming;
use crate::sweep::sweep;

/// Writes what is to be the file `path` beside it, then renames it; a link at `path` is followed.
///
/// Its folder must exist. What killed processes left half-written there is removed. Nothing is
/// synced to disk. What was there passes its mode on.
///
/// # Errors
/// Those of `write` and of the system; `path` is as it was then.
pub fn replace<T>(path: &Path, write: impl FnOnce(&mut File) -> io::Result<T>) -> io::Result<T> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::metadata(folder)?;
    sweep(folder, &Naming::OUTPUT);
    // The unfinished file's name, which the error would tell, means nothing to the user.
    let mut scratch = ScratchFile::create(folder, &Naming::OUTPUT)
        .map_err(|error| io::Error::from(error.kind()))?;
    let written = write(scratch.file_mut())?;
    // Who could not read what was there can read no more now.
    if let Ok(there) = fs::metadata(&target) {
        scratch.file_mut().set_permissions(there.permissions())?;
    }
    scratch.persist(&target).map_err(|(error, _)| error)?;
    Ok(written)
}
