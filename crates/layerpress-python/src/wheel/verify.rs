//! Every file of a wheel against RECORD: hash, size and the archive's own checksum in one pass.

use std::collections::BTreeMap;
use std::io::Read as _;

use layerpress_fetch::let_go;
use layerpress_pack::{Archive, ArchiveEntry};
use layerpress_press::Recipe;
use layerpress_press::pressed::{Remade, Stream, has_passes, has_poor_streams, remake};
use layerpress_tree::{Algorithm, Content, Digest, LayerPath, Mode};
use rayon::prelude::*;
use sha2::Digest as _;
use xxhash_rust::xxh3::xxh3_64;

use super::dist_info::DistInfo;
use super::error::WheelFault;
use super::record::{self, Promise};

/// A file whose bytes are what RECORD promises.
#[derive(Debug, Clone)]
pub(super) struct Verified {
    pub(super) path: LayerPath,
    pub(super) mode: Mode,
    pub(super) content: Content,
    /// Of the file, for the RECORD that is written anew.
    pub(super) sha256: [u8; 32],
    /// Of the stream, for the next time.
    pub(super) stream_xxh3: u64,
    /// What the passes make of it, since its bytes are at hand.
    pub(super) remade: Remade,
}

/// What of a file is in memory while it is hashed.
const CHUNK_BYTES: usize = 64 << 10;

/// Holds every file of `archive` against RECORD, on all cores, and gives it to the passes of `recipe`.
///
/// A file that RECORD lists and the wheel lacks is an error too, as it is on the index that most
/// wheels come from: the distribution would be incomplete in a way that only a running function
/// notices. Byte code is not missed: tools that record an installed folder list what an interpreter
/// once wrote there.
pub(super) fn verify(
    archive: &Archive,
    info: &DistInfo,
    recipe: Recipe,
) -> Result<Vec<Verified>, WheelFault> {
    let promises = record::parse(&info.record)?;
    let unsigned = Unsigned::of(&info.folder);
    check_names(archive, &promises, &unsigned)?;
    let contents = archive.entries().iter().map(|entry| &entry.content);
    let is_poor = has_poor_streams(contents, recipe);
    let check = |entry: &ArchiveEntry| {
        let promise = promises.get(&entry.path);
        check_entry(entry, promise, &unsigned, (recipe, is_poor))
    };
    archive
        .entries()
        .par_iter()
        .map(check)
        // All are looked at, so that the same fault is named however the threads run.
        .collect::<Vec<_>>()
        .into_iter()
        .collect()
}

/// The files that cannot state their own hash (binary distribution format, "The .dist-info
/// directory"): RECORD and its signatures.
struct Unsigned([String; 3]);

impl Unsigned {
    fn of(folder: &str) -> Self {
        Self(["RECORD", "RECORD.jws", "RECORD.p7s"].map(|name| format!("{folder}/{name}")))
    }

    fn holds(&self, path: &LayerPath) -> bool {
        self.0.iter().any(|name| name == path.as_str())
    }
}

fn check_names(
    archive: &Archive,
    promises: &BTreeMap<LayerPath, Promise>,
    unsigned: &Unsigned,
) -> Result<(), WheelFault> {
    let mut unlisted = archive
        .entries()
        .iter()
        .map(|entry| &entry.path)
        .filter(|path| !promises.contains_key(*path) && !unsigned.holds(path));
    if let Some(path) = unlisted.next() {
        return Err(WheelFault::Unlisted {
            path: path.to_string(),
            others: unlisted.count(),
        });
    }
    let mut absent = promises.keys().filter(|path| {
        let byte_code = path.as_str().ends_with(".pyc");
        archive.find(path.as_str()).is_none() && !unsigned.holds(path) && !byte_code
    });
    match absent.next() {
        None => Ok(()),
        Some(path) => Err(WheelFault::Absent {
            path: path.to_string(),
            others: absent.count(),
        }),
    }
}

fn check_entry(
    entry: &ArchiveEntry,
    promise: Option<&Promise>,
    unsigned: &Unsigned,
    (recipe, is_poor): (Recipe, bool),
) -> Result<Verified, WheelFault> {
    let path = || entry.path.to_string();
    // The signatures' hashes are not looked at, even where one stands: whoever wrote it had to
    // guess it.
    let promise = promise.filter(|_| !unsigned.holds(&entry.path));
    let expected = promise.and_then(|promise| promise.digest.as_ref());
    if expected.is_none() && !unsigned.holds(&entry.path) {
        return Err(WheelFault::Unhashed { path: path() });
    }
    let size_bytes = promise.and_then(|promise| promise.size_bytes);
    if let Some(expected) = size_bytes.filter(|size| *size != entry.content.size) {
        return Err(WheelFault::Size {
            path: path(),
            found: entry.content.size,
            expected,
        });
    }
    let mut hashes = Hashes::for_promise(expected);
    let unreadable = |error: std::io::Error| WheelFault::Stream {
        path: path(),
        message: error.to_string(),
    };
    // Passes want a file as a whole; hashes are content with what is in the processor's cache.
    let whole = has_passes(recipe.passes, entry.content.size);
    let length = match whole {
        true => usize::try_from(entry.content.size).unwrap_or(0),
        false => CHUNK_BYTES,
    };
    let mut file = vec![0; length];
    let mut reader = layerpress_pack::reader(&entry.content);
    let mut filled = 0;
    loop {
        let end = length.min(filled + CHUNK_BYTES);
        let buffer = &mut file[filled..end];
        let count = reader.read(buffer).map_err(unreadable)?;
        if count == 0 {
            break;
        }
        hashes.update(&buffer[..count]);
        filled += if whole { count } else { 0 };
    }
    let sha256 = hashes.finish(expected, &entry.path)?;
    let stream = Stream {
        content: &entry.content,
        is_poor,
    };
    let remade = remake(entry.path.as_str(), &file[..filled], Some(stream), recipe);
    drop(file);
    let stream_xxh3 = xxh3_64(&entry.content.data);
    let_go(&entry.content.data);
    Ok(Verified {
        path: entry.path.clone(),
        mode: Mode::from_bits(entry.mode),
        content: entry.content.clone(),
        sha256,
        stream_xxh3,
        remade,
    })
}

/// SHA-256 always, for the RECORD that is written anew; the longer ones where the wheel's has them.
struct Hashes {
    sha256: sha2::Sha256,
    longer: Longer,
}

enum Longer {
    None,
    Sha384(Box<sha2::Sha384>),
    Sha512(Box<sha2::Sha512>),
}

impl Hashes {
    fn for_promise(expected: Option<&Digest>) -> Self {
        Self {
            sha256: sha2::Sha256::new(),
            longer: match expected.map(Digest::algorithm) {
                None | Some(Algorithm::Sha256) => Longer::None,
                Some(Algorithm::Sha384) => Longer::Sha384(Box::default()),
                Some(Algorithm::Sha512) => Longer::Sha512(Box::default()),
            },
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        match &mut self.longer {
            Longer::None => {}
            Longer::Sha384(hash) => hash.update(bytes),
            Longer::Sha512(hash) => hash.update(bytes),
        }
    }

    /// The SHA-256, if the bytes are those expected.
    fn finish(self, expected: Option<&Digest>, path: &LayerPath) -> Result<[u8; 32], WheelFault> {
        let sha256: [u8; 32] = self.sha256.finalize().into();
        let found = match self.longer {
            Longer::None => sha256.to_vec(),
            Longer::Sha384(hash) => hash.finalize().to_vec(),
            Longer::Sha512(hash) => hash.finalize().to_vec(),
        };
        match expected {
            Some(expected) if expected.as_bytes() != found => Err(WheelFault::Hash {
                path: path.to_string(),
                found: record::hash(expected.algorithm(), &found),
                expected: record::hash(expected.algorithm(), expected.as_bytes()),
            }),
            _ => Ok(sha256),
        }
    }
}
