//! The facts blob: what is in a pressed zip, in a form that is used as it lies.

use std::fmt;
use std::ops::Deref;

use layerpress_fetch::Blob;
use rkyv::rancor;
use rkyv::util::AlignedVec;

use super::{Change, Refusal};
use crate::{Binary, Transform};

/// What is known of a pressed archive.
#[derive(Debug, rkyv::Archive, rkyv::Serialize)]
#[rkyv(derive(Debug))]
pub(super) struct Facts {
    /// How long the zip is.
    pub(super) zip_bytes: u64,
    /// The files, by the raw bytes of their paths.
    pub(super) files: Vec<FileFacts>,
    /// The files that a pass left as they were, for want of a proof.
    pub(super) refused: Vec<RefusalFacts>,
    /// The ecosystem's own.
    pub(super) notes: Vec<u8>,
}

/// Why a file stayed as it was.
#[derive(Debug, rkyv::Archive, rkyv::Serialize)]
#[rkyv(derive(Debug))]
pub(super) struct RefusalFacts {
    pub(super) path: String,
    pub(super) pass: String,
    pub(super) why: String,
}

/// What a pass did to a file.
#[derive(Debug, rkyv::Archive, rkyv::Serialize)]
#[rkyv(derive(Debug))]
pub(super) struct ChangeFacts {
    pub(super) pass: String,
    pub(super) size_before: u64,
    pub(super) sha256: [u8; 32],
}

/// What is known of one file.
#[derive(Debug, rkyv::Archive, rkyv::Serialize)]
#[rkyv(derive(Debug))]
pub(super) struct FileFacts {
    pub(super) path: String,
    pub(super) executable: bool,
    pub(super) deflated: bool,
    /// Where the stream begins in the zip.
    pub(super) offset: u64,
    pub(super) stream_bytes: u64,
    pub(super) stream_xxh3: u64,
    pub(super) size_bytes: u64,
    pub(super) crc32: u32,
    /// A [`Binary`] as its code; 0 for none.
    pub(super) binary: u32,
    /// What made it smaller.
    pub(super) change: Option<ChangeFacts>,
}

impl ArchivedFileFacts {
    pub(super) fn binary(&self) -> Option<Binary> {
        Binary::from_code(self.binary.into())
    }

    pub(super) fn change(&self) -> Option<Change> {
        let change = self.change.as_ref()?;
        Some(Change {
            pass: Transform::named(&change.pass)?,
            size_before: change.size_before.into(),
            sha256: change.sha256,
        })
    }
}

impl ArchivedRefusalFacts {
    pub(super) fn refusal(&self) -> Option<Refusal> {
        Some(Refusal {
            path: self.path.to_string(),
            pass: Transform::named(&self.pass)?.name,
            why: self.why.to_string(),
        })
    }
}

/// Facts whose structure was checked, in the store's blob or in memory.
#[derive(Clone)]
pub(super) enum FactsBytes {
    Kept(Blob),
    Held(std::sync::Arc<AlignedVec<16>>),
}

impl FactsBytes {
    /// The facts in a blob, if they are some.
    pub(super) fn new_kept(blob: Blob) -> Option<Self> {
        access(&blob)?;
        Some(Self::Kept(blob))
    }

    /// The facts as they will be read; nothing if they do not fit into memory.
    pub(super) fn new_held(facts: &Facts) -> Option<Self> {
        let bytes = rkyv::to_bytes::<rancor::Error>(facts);
        Some(Self::Held(bytes.ok()?.into()))
    }

    pub(super) fn get(&self) -> &ArchivedFacts {
        access(self).expect("checked when it was made, and the bytes cannot change")
    }
}

fn access(bytes: &[u8]) -> Option<&ArchivedFacts> {
    rkyv::access::<ArchivedFacts, rancor::Error>(bytes).ok()
}

impl Deref for FactsBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Kept(blob) => blob,
            Self::Held(bytes) => bytes,
        }
    }
}

impl fmt::Debug for FactsBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = self.get().files.iter().map(|file| &file.path);
        f.debug_list().entries(files).finish()
    }
}
