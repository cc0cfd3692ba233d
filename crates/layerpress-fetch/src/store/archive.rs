//! [`ArchiveWriter`]: an archive on its way into the store, hashed while it is written.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::sync::Arc;

use layerpress_scratch::ScratchFile;
use layerpress_tree::{Algorithm, Digest, Sha256};
use sha2::Digest as _;

use super::{Store, put_in_place, unfinished};
use crate::error::StoreError;
use crate::map;

/// An archive that the store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredArchive {
    /// Its content address.
    pub digest: Sha256,
    /// Its size in bytes.
    pub size: u64,
    /// It was there already: nothing came over the network, nor from a file.
    pub cached: bool,
}

/// Takes an archive's bytes in order.
#[derive(Debug)]
pub(crate) struct ArchiveWriter {
    target: Target,
    hashes: Vec<Hash>,
    size: u64,
}

/// Where the bytes go until they are known to be right.
#[derive(Debug)]
enum Target {
    /// Into the store.
    Named(ScratchFile),
    /// Into a file without a name, because the store cannot be written or is full.
    Unnamed(File, StoreError),
}

/// An archive that arrived whole; nothing has been put in the store's final place yet.
#[derive(Debug)]
pub(crate) struct Finished {
    target: Target,
    digests: Vec<Digest>,
    digest: Sha256,
    size: u64,
}

impl ArchiveWriter {
    /// Starts an archive; SHA-256 is always computed, `also` names further algorithms.
    pub(crate) fn new(store: &Store, also: &[Algorithm]) -> Result<Self, StoreError> {
        let target = match store.temporary_file() {
            Ok(file) => Target::Named(file),
            Err(error) => match tempfile::tempfile() {
                Ok(file) => Target::Unnamed(file, error),
                Err(_) => return Err(error),
            },
        };
        let mut algorithms = vec![Algorithm::Sha256];
        algorithms.extend(also.iter().filter(|&&also| also != Algorithm::Sha256));
        algorithms.dedup();
        Ok(Self {
            target,
            hashes: algorithms.into_iter().map(Hash::new).collect(),
            size: 0,
        })
    }

    /// Takes the next bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.target.write_all(bytes)?;
        for hash in &mut self.hashes {
            hash.update(bytes);
        }
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Takes everything that a reader gives.
    pub(crate) fn take_all(&mut self, mut bytes: impl Read) -> Result<(), StoreError> {
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match bytes.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => self.write(&buffer[..count])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(StoreError::Input {
                        source: Arc::new(error),
                    });
                }
            }
        }
    }

    /// Forgets everything taken so far.
    pub(crate) fn restart(&mut self) -> Result<(), StoreError> {
        self.target.clear()?;
        for hash in &mut self.hashes {
            *hash = Hash::new(hash.algorithm());
        }
        self.size = 0;
        Ok(())
    }

    /// All bytes have come.
    pub(crate) fn finish(self) -> Finished {
        let digests: Vec<Digest> = self.hashes.into_iter().filter_map(Hash::finish).collect();
        let digest = digests
            .iter()
            .find_map(Digest::sha256)
            .expect("`new` always starts a SHA-256");
        Finished {
            target: self.target,
            digests,
            digest,
            size: self.size,
        }
    }
}

impl Finished {
    /// The first of `promised` that these bytes are not, with what they are instead.
    pub(crate) fn mismatch<'a>(&self, promised: &'a [Digest]) -> Option<(&'a Digest, Digest)> {
        first_mismatch(promised, &self.digests)
    }

    /// Why the archive cannot stay in the store, if so.
    pub(crate) fn unkept(&self) -> Option<&StoreError> {
        match &self.target {
            Target::Named(_) => None,
            Target::Unnamed(_, error) => Some(error),
        }
    }

    /// Puts the archive in its final place.
    pub(crate) fn keep(self, store: &Store) -> Result<StoredArchive, StoreError> {
        let stored = StoredArchive {
            digest: self.digest,
            size: self.size,
            cached: false,
        };
        let path = store.archive_path(self.digest);
        let (file, error) = match self.target {
            Target::Unnamed(file, error) => (file, error),
            Target::Named(file) => {
                // Before the rename: after a power cut a name must not lead to bytes that are not
                // there yet, since archives are not checked again.
                file.file()
                    .sync_data()
                    .map_err(|error| unfinished(&file, error))?;
                match put_in_place(file, &path) {
                    Ok(()) => return Ok(stored),
                    Err((error, file)) => (file.into_unnamed(), error),
                }
            }
        };
        let bytes = map::map_archive(&file).map_err(|_| error)?;
        store.lock_held().insert(self.digest, bytes);
        Ok(stored)
    }
}

/// The first of `promised` that differs from the digest of the same algorithm in `found`.
pub(crate) fn first_mismatch<'a>(
    promised: &'a [Digest],
    found: &[Digest],
) -> Option<(&'a Digest, Digest)> {
    promised.iter().find_map(|promised| {
        let found = found
            .iter()
            .find(|found| found.algorithm() == promised.algorithm())?;
        (found != promised).then(|| (promised, found.clone()))
    })
}

/// The digests of `bytes` by each of `algorithms`.
pub(crate) fn digests_of(bytes: &[u8], algorithms: &[Algorithm]) -> Vec<Digest> {
    let digest = |&algorithm| {
        let mut hash = Hash::new(algorithm);
        hash.update(bytes);
        hash.finish()
    };
    algorithms.iter().filter_map(digest).collect()
}

impl Target {
    fn write_all(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        match self {
            Self::Named(file) => {
                let before = file.file().stream_position();
                let Err(error) = file.file().write_all(bytes) else {
                    return Ok(());
                };
                let error = unfinished(file, error);
                // What came so far may fit where other temporary files go.
                let moved = before.and_then(|length| moved(file.file(), length));
                let Ok(mut elsewhere) = moved else {
                    return Err(error);
                };
                let written = elsewhere.write_all(bytes).map_err(|_| error.clone());
                *self = Self::Unnamed(elsewhere, error);
                written
            }
            Self::Unnamed(file, unwritable) => {
                file.write_all(bytes).map_err(|_| unwritable.clone())
            }
        }
    }

    fn clear(&mut self) -> Result<(), StoreError> {
        let clear = |mut file: &File| file.set_len(0).and_then(|()| file.rewind());
        match self {
            Self::Named(file) => clear(file.file()).map_err(|error| unfinished(file, error)),
            Self::Unnamed(file, unwritable) => clear(file).map_err(|_| unwritable.clone()),
        }
    }
}

/// The first `length` bytes of `file` in a file without a name.
fn moved(mut file: &File, length: u64) -> io::Result<File> {
    let mut elsewhere = tempfile::tempfile()?;
    file.rewind()?;
    io::copy(&mut file.take(length), &mut elsewhere)?;
    Ok(elsewhere)
}

/// A running hash of one of the algorithms that can pin an artifact.
#[derive(Debug)]
enum Hash {
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
}

impl Hash {
    fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(sha2::Sha256::new()),
            Algorithm::Sha384 => Self::Sha384(sha2::Sha384::new()),
            Algorithm::Sha512 => Self::Sha512(sha2::Sha512::new()),
        }
    }

    fn algorithm(&self) -> Algorithm {
        match self {
            Self::Sha256(_) => Algorithm::Sha256,
            Self::Sha384(_) => Algorithm::Sha384,
            Self::Sha512(_) => Algorithm::Sha512,
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hash) => hash.update(bytes),
            Self::Sha384(hash) => hash.update(bytes),
            Self::Sha512(hash) => hash.update(bytes),
        }
    }

    /// Always there: a hash is as long as its algorithm says.
    fn finish(self) -> Option<Digest> {
        let algorithm = self.algorithm();
        match self {
            Self::Sha256(hash) => Digest::from_bytes(algorithm, &hash.finalize()),
            Self::Sha384(hash) => Digest::from_bytes(algorithm, &hash.finalize()),
            Self::Sha512(hash) => Digest::from_bytes(algorithm, &hash.finalize()),
        }
    }
}
