//! A wheel that a backend wrote, packed again: the bytes that reach the layer hang on what the
//! package is, not on the version of zlib in the Python that built it.

use std::fs::File;
use std::io;
use std::path::Path;

use layerpress_fetch::{Store, StoredArchive};
use layerpress_pack::{Archive, Level, Limits, compress, read_all, write_layer};
use layerpress_tree::{Content, Entry, LayerTree, Mode};
use rayon::prelude::*;

use super::error::BuildError;
use super::fit::{self, Need};

/// What one wheel may hold; a layer's own limit is checked where all of it is known.
const LIMITS: Limits = Limits {
    entries: 262_144,
    total_bytes: 4 << 30,
    ratio: 1000,
};

/// Streams from this size on wait in a file instead of memory.
const SPILLED_BYTES: u64 = 1 << 20;

/// Packs the wheel at `path` again and puts it into `store`; also tells what its compiled code
/// needs. `scratch` is a folder for the files on the way.
pub(super) fn repack(
    path: &Path,
    scratch: &Path,
    store: &Store,
) -> Result<(StoredArchive, Vec<Need>), BuildError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // A store of its own maps what is too large to hold; it goes with the folder.
    let spill = Store::open(&scratch.join("spill")).map_err(BuildError::Store)?;
    let file = File::open(path).map_err(BuildError::io(path))?;
    let written = spill.put_archive(file).map_err(BuildError::Store)?;
    let bytes = spill.archive(written.digest).unwrap_or_default();
    let archive = Archive::open(bytes, &LIMITS).map_err(|error| BuildError::Archive {
        file: name.into_owned(),
        error,
    })?;
    let needs = fit::needs(&archive);
    let contents: Vec<Content> = archive
        .entries()
        .par_iter()
        .map(|entry| press(&entry.content, &spill))
        .collect::<io::Result<_>>()
        .map_err(BuildError::io(path))?;
    let mut tree = LayerTree::new();
    for (entry, content) in archive.entries().iter().zip(contents) {
        let mode = Mode::from_bits(entry.mode);
        // The strict reader has refused duplicates and files that are folders.
        let _ = tree.insert(entry.path.clone(), Entry { mode, content });
    }
    let packed = scratch.join("packed.whl");
    let mut out = File::create(&packed).map_err(BuildError::io(&packed))?;
    write_layer(&tree, &mut out).map_err(BuildError::io(&packed))?;
    let packed = File::open(&packed).map_err(BuildError::io(&packed))?;
    let stored = store.put_archive(packed).map_err(BuildError::Store)?;
    Ok((stored, needs))
}

fn press(content: &Content, spill: &Store) -> io::Result<Content> {
    let pressed = compress(&read_all(content)?, Level::Fast);
    if pressed.stream_size() < SPILLED_BYTES {
        return Ok(pressed);
    }
    let stored = spill
        .put_archive(&pressed.data[..])
        .map_err(io::Error::other)?;
    let data = spill
        .archive(stored.digest)
        .ok_or_else(|| io::Error::other("a temporary file is gone"))?;
    Ok(Content { data, ..pressed })
}

/// The text of METADATA of the wheel at `path`.
pub(super) fn metadata_of(path: &Path) -> Result<Vec<u8>, BuildError> {
    let package = || path.file_name().unwrap_or_default().to_string_lossy();
    let bytes = std::fs::read(path).map_err(BuildError::io(path))?;
    let archive = Archive::open(bytes.into(), &LIMITS).map_err(|error| BuildError::Archive {
        file: package().into_owned(),
        error,
    })?;
    let entry = archive.entries().iter().find(|entry| {
        let path = entry.path.as_str();
        path.matches('/').count() == 1 && path.ends_with(".dist-info/METADATA")
    });
    entry
        .and_then(|entry| read_all(&entry.content).ok())
        .ok_or_else(|| BuildError::Answer {
            package: package().into_owned(),
            problem: "wrote a wheel without METADATA".to_owned(),
        })
}
