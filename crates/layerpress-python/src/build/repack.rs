//! A wheel that a backend wrote, packed again: the bytes that reach the layer hang on what the
//! package is, not on the version of zlib in the Python that built it.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use layerpress_fetch::{Store, StoredArchive, let_go};
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
    let (archive, spill) = open(path, scratch)?;
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
    write_layer(&tree, &mut Passing(&mut out)).map_err(BuildError::io(&packed))?;
    let packed = File::open(&packed).map_err(BuildError::io(&packed))?;
    let stored = store.put_archive(packed).map_err(BuildError::Store)?;
    Ok((stored, needs))
}

/// Opens the wheel at `path`, mapped by a store of its own that takes what is too large to hold; it
/// goes with the folder.
fn open(path: &Path, scratch: &Path) -> Result<(Archive, Store), BuildError> {
    let spill = Store::open(&scratch.join("spill")).map_err(BuildError::Store)?;
    let file = File::open(path).map_err(BuildError::io(path))?;
    let written = spill.put_archive(file).map_err(BuildError::Store)?;
    let bytes = spill.archive(written.digest).unwrap_or_default();
    let archive = Archive::open(bytes, &LIMITS).map_err(|error| BuildError::Archive {
        file: file_name(path),
        error,
    })?;
    Ok((archive, spill))
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn press(content: &Content, spill: &Store) -> io::Result<Content> {
    let pressed = compress(&read_all(content)?, Level::Fast);
    let_go(&content.data);
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

/// Writes archives' bytes and lets go of what is written.
struct Passing<'a>(&'a mut File);

impl Write for Passing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.write(bytes)?;
        let_go(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The text of METADATA of the wheel at `path`; `scratch` as for [`repack`].
pub(super) fn metadata_of(path: &Path, scratch: &Path) -> Result<Vec<u8>, BuildError> {
    let (archive, _spill) = open(path, scratch)?;
    let entry = archive.entries().iter().find(|entry| {
        let path = entry.path.as_str();
        path.matches('/').count() == 1 && path.ends_with(".dist-info/METADATA")
    });
    entry
        .and_then(|entry| read_all(&entry.content).ok())
        .ok_or_else(|| BuildError::Answer {
            package: file_name(path),
            problem: "wrote a wheel without METADATA".to_owned(),
        })
}
