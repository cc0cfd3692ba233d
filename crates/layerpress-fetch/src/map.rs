//! Memory maps: the one place of this workspace that needs `unsafe`.
//!
//! A map is sound while nobody changes or shortens the file below it. The store keeps that promise
//! for its own files: they are written under a temporary name, renamed into place once, never
//! written again, and removed only by unlinking, which leaves existing maps intact. Whoever edits
//! the cache folder's files in place by hand breaks it.

use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use memmap2::{Mmap, MmapOptions};

/// Maps and parts of them below this size are not worth a call to the system.
const WORTH_BYTES: usize = 256 << 10;

/// The maps of archives that are worth it.
static MAPS: Mutex<Vec<Weak<Mmap>>> = Mutex::new(Vec::new());

/// A map that its bytes keep alive.
struct Owner(Arc<Mmap>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Maps a whole file of the store for reading; an empty file gives empty bytes.
pub(crate) fn map_archive(file: &File) -> io::Result<Bytes> {
    map_sized(file, file.metadata()?.len())
}

/// The same, where it is known how long the file is.
pub(crate) fn map_sized(file: &File, length: u64) -> io::Result<Bytes> {
    if length == 0 {
        // An empty map is an error on most systems.
        return Ok(Bytes::new());
    }
    let mut options = MmapOptions::new();
    options.len(usize::try_from(length).map_err(|_| io::ErrorKind::FileTooLarge)?);
    let map = Arc::new(map(options, file)?);
    if map.len() >= WORTH_BYTES {
        let mut maps = MAPS.lock().unwrap_or_else(PoisonError::into_inner);
        maps.retain(|map| map.strong_count() > 0);
        maps.push(Arc::downgrade(&map));
    }
    Ok(Bytes::from_owner(Owner(map)))
}

/// Gives back the memory that a part of a mapped archive takes, after it was read; the disk gives it
/// again when it is looked at once more. Does nothing to bytes that are no part of an archive, nor
/// to small ones.
///
/// Mapped pages count as the process's memory until somebody else needs it: whoever reads gigabytes
/// once, and only to check them, looks large without need.
pub fn let_go(part: &[u8]) {
    if part.len() < WORTH_BYTES {
        return;
    }
    let maps = MAPS.lock().unwrap_or_else(PoisonError::into_inner);
    let owner = maps.iter().filter_map(Weak::upgrade).find_map(|map| {
        let start = (part.as_ptr() as usize).checked_sub(map.as_ptr() as usize)?;
        (start + part.len() <= map.len()).then_some((map, start))
    });
    drop(maps);
    if let Some((map, start)) = owner {
        forget_pages(&map, start, part.len());
    }
}

#[cfg(unix)]
#[expect(
    unsafe_code,
    reason = "the same call would empty memory that no file is behind; see below"
)]
fn forget_pages(map: &Mmap, start: usize, length: usize) {
    // SAFETY: the map is a shared one of a file, for reading only: its pages come back from the
    // file, which is never written to after its rename.
    let done =
        unsafe { map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, start, length) };
    // It is a kindness: where it is refused, the pages stay until the map goes.
    drop(done);
}

#[cfg(not(unix))]
fn forget_pages(_: &Mmap, _: usize, _: usize) {}

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

    #[test]
    fn what_is_let_go_comes_back() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        let content: Vec<u8> = (0..3 * WORTH_BYTES).map(|at| (at / 7) as u8).collect();
        file.write_all(&content).expect("writes");
        let bytes = map_archive(file.as_file()).expect("maps");
        assert_eq!(bytes, content);
        for part in [0..bytes.len(), 1..WORTH_BYTES + 1, 5_000..2 * WORTH_BYTES] {
            let_go(&bytes.slice(part));
            assert_eq!(bytes, content);
        }
        // Not of a map: left alone.
        let own = content.clone();
        let_go(&own);
        assert_eq!(own, content);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_let_go_takes_no_memory() {
        const BYTES: usize = 64 << 20;
        let file = tempfile::NamedTempFile::new().expect("a file");
        file.as_file().set_len(BYTES as u64).expect("sparse");
        let bytes = map_archive(file.as_file()).expect("maps");
        assert!(bytes.iter().all(|byte| *byte == 0));
        let resident = || {
            let maps = std::fs::read_to_string("/proc/self/smaps").expect("Linux has it");
            let address = format!("{:x}-", bytes.as_ptr() as usize);
            let own = maps.lines().skip_while(|line| !line.starts_with(&address));
            let line = own.skip(1).find(|line| line.starts_with("Rss:"));
            let words = line.expect("a map has it").split_whitespace();
            words
                .filter_map(|word| word.parse::<usize>().ok())
                .sum::<usize>()
        };
        assert!(resident() > BYTES / 2048, "{} kB", resident());
        let_go(&bytes);
        assert_eq!(resident(), 0);
    }
}
