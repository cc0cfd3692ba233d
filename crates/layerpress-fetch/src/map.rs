//! Memory maps: the one place of this workspace that needs `unsafe`.
//!
//! A map is sound while nobody changes or shortens the file below it. The store keeps that promise
//! for its own files: they are written under a temporary name, renamed into place once, never
//! written again, and removed only by unlinking, which leaves existing maps intact. Whoever edits
//! the cache folder's files in place by hand breaks it.

use std::fs::File;
use std::io;

use bytes::Bytes;
use memmap2::{Mmap, MmapOptions};

/// Maps a whole file of the store for reading; an empty file gives empty bytes.
pub(crate) fn map_archive(file: &File) -> io::Result<Bytes> {
    if file.metadata()?.len() == 0 {
        // An empty map is an error on most systems.
        return Ok(Bytes::new());
    }
    Ok(Bytes::from_owner(map(MmapOptions::new(), file)?))
}

/// Maps a blob for reading, all its pages at once since all are about to be hashed.
pub(crate) fn map_blob(file: &File) -> io::Result<Mmap> {
    let mut options = MmapOptions::new();
    options.populate();
    map(options, file)
}

#[expect(
    unsafe_code,
    reason = "mapping a file is unsafe by nature; see the module's head for why this use is sound"
)]
#[expect(clippy::needless_pass_by_value, reason = "built for this one call")]
fn map(options: MmapOptions, file: &File) -> io::Result<Mmap> {
    // SAFETY: the file is one of the store's, which are never written to after their rename.
    unsafe { options.map(file) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn maps_hold_the_file_and_outlive_its_name() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        assert_eq!(map_archive(file.as_file()).expect("maps"), Bytes::new());
        file.write_all(b"wheel").expect("writes");
        let bytes = map_archive(file.as_file()).expect("maps");
        drop(file);
        assert_eq!(&bytes[..], b"wheel");
    }
}
