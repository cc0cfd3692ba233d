//! [`Blob`]: a small file of the store that notices its own damage.
//!
//! All numbers are little-endian. The contents begin at a multiple of 16, so that they can be used
//! in place as an rkyv archive.
//!
//! | at | bytes | |
//! |---|---|---|
//! | 0 | 8 | magic |
//! | 8 | 8 | XXH3-64 of everything after it |
//! | 16 | 4 | version of this layout |
//! | 20 | 4 | flags: 1 = the page is missing |
//! | 24 | 8 | length of the contents |
//! | 32 | 8 | fetched at, milliseconds since 1970 |
//! | 40 | 8 | fresh for, seconds |
//! | 48 | 32 | the digest of the key: a file moved to another name is damaged too |
//! | 80 | 4 | length of the ETag |
//! | 84 | 4 | length of Last-Modified |
//! | 88 | 8 | zero |
//! | 96 | | contents, then ETag, then Last-Modified |

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::ops::{Deref, Range};
use std::path::Path;
use std::sync::Arc;

use layerpress_tree::Sha256;
use memmap2::Mmap;
use rkyv::util::AlignedVec;
use sha2::Digest as _;
use xxhash_rust::xxh3::xxh3_64;

use super::Namespace;
use crate::freshness::Freshness;
use crate::map;

const MAGIC: &[u8; 8] = b"\x89LPblob\n";
const VERSION: u32 = 1;
const HEADER: usize = 96;
const HASHED_FROM: usize = 16;
const MISSING: u32 = 1;

/// From this size on a map costs less than a copy.
const MAPPED_FROM: u64 = 128 * 1024;

/// What a blob's file is called: the SHA-256 of its namespace and key.
///
/// A strong hash, since keys hold text from index pages and nobody may choose two that collide.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name([u8; 32]);

impl Name {
    pub(super) fn of(namespace: Namespace, key: &str) -> Self {
        let mut hash = sha2::Sha256::new();
        hash.update(namespace.folder());
        hash.update([0]);
        hash.update(key);
        Self(hash.finalize().into())
    }

    fn from_hex(hex: &str) -> Option<Self> {
        Some(Self(hex.parse::<Sha256>().ok()?.0))
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.try_into().ok()?))
    }

    /// The name that the path of a blob in the store stands for.
    pub(super) fn of_path(path: &Path) -> Option<Self> {
        let tail = path.file_name()?.to_str()?;
        let head = path.parent()?.file_name()?.to_str()?;
        Self::from_hex(&format!("{head}{tail}"))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn hex(&self) -> String {
        Sha256(self.0).hex()
    }
}

/// A blob's contents: bytes that begin at a multiple of 16, and their freshness.
///
/// Cheap to clone.
#[derive(Clone)]
pub struct Blob {
    shared: Arc<Shared>,
}

struct Shared {
    file: Bytes,
    contents: usize,
    freshness: Freshness,
}

/// The whole file, header included.
enum Bytes {
    Read(AlignedVec<16>),
    Mapped(Mmap),
    /// Within the contents of another blob.
    Part(Blob, Range<usize>),
}

impl Blob {
    /// When it was fetched and how long it is fresh; all zero for a blob that was not fetched.
    #[must_use]
    pub fn freshness(&self) -> &Freshness {
        &self.shared.freshness
    }

    /// Whether it stands for a page that does not exist; its contents are then empty.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.shared.freshness.missing
    }

    pub(super) fn new(name: &Name, contents: &[u8], freshness: Freshness) -> Self {
        let etag = freshness.etag.as_deref().unwrap_or_default();
        let modified = freshness.last_modified.as_deref().unwrap_or_default();
        let mut file =
            AlignedVec::with_capacity(HEADER + contents.len() + etag.len() + modified.len());
        let flags = if freshness.missing { MISSING } else { 0 };
        file.extend_from_slice(MAGIC);
        file.extend_from_slice(&[0; 8]);
        file.extend_from_slice(&VERSION.to_le_bytes());
        file.extend_from_slice(&flags.to_le_bytes());
        file.extend_from_slice(&(contents.len() as u64).to_le_bytes());
        file.extend_from_slice(&freshness.fetched_at.to_le_bytes());
        file.extend_from_slice(&freshness.fresh_for.to_le_bytes());
        file.extend_from_slice(&name.0);
        for text in [etag, modified] {
            // Both were cut to a kilobyte at most when they were read from the answer.
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
            file.extend_from_slice(&length.to_le_bytes());
        }
        file.extend_from_slice(&[0; 8]);
        file.extend_from_slice(contents);
        file.extend_from_slice(etag.as_bytes());
        file.extend_from_slice(modified.as_bytes());
        let hash = xxh3_64(&file[HASHED_FROM..]);
        file.as_mut_slice()[8..16].copy_from_slice(&hash.to_le_bytes());
        Self {
            shared: Arc::new(Shared {
                file: Bytes::Read(file),
                contents: contents.len(),
                freshness,
            }),
        }
    }

    /// A blob that is not kept under any name.
    pub(crate) fn unkept(contents: &[u8], freshness: Freshness) -> Self {
        Self::new(&Name([0; 32]), contents, freshness)
    }

    /// Reads and checks a blob's file of so many bytes.
    pub(super) fn read(file: &File, length: u64, name: &Name) -> io::Result<Self> {
        let bytes = if length >= MAPPED_FROM {
            Bytes::Mapped(map::map_blob(file)?)
        } else {
            let mut buffer = AlignedVec::new();
            buffer.resize(usize::try_from(length).unwrap_or(0), 0);
            (&mut &*file).read_exact(buffer.as_mut_slice())?;
            Bytes::Read(buffer)
        };
        Self::check(bytes, name).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// The blob that lies at `path`; `None` if it is damaged.
    pub(super) fn at(path: &Path) -> io::Result<Option<Self>> {
        let Some(name) = Name::of_path(path) else {
            return Ok(None);
        };
        let file = File::open(path)?;
        match Self::read(&file, file.metadata()?.len(), &name) {
            Ok(blob) => Ok(Some(blob)),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The blob that lies in the contents of `whole`, if it is there and not damaged.
    pub(super) fn part(whole: &Self, place: Range<usize>, name: &Name) -> Option<Self> {
        whole.get(place.clone())?;
        Self::check(Bytes::Part(whole.clone(), place), name)
    }

    /// The file's bytes, header included.
    pub(super) fn file_bytes(&self) -> &[u8] {
        &self.shared.file
    }

    fn check(file: Bytes, name: &Name) -> Option<Self> {
        let u64_at = |at: usize| Some(u64::from_le_bytes(file.get(at..at + 8)?.try_into().ok()?));
        let u32_at = |at: usize| Some(u32::from_le_bytes(file.get(at..at + 4)?.try_into().ok()?));
        let length_at = |at: usize| usize::try_from(u32_at(at)?).ok();
        if file.get(..8)? != MAGIC || u32_at(16)? != VERSION || file.get(48..80)? != name.0 {
            return None;
        }
        if u64_at(8)? != xxh3_64(file.get(HASHED_FROM..)?) {
            return None;
        }
        let contents = usize::try_from(u64_at(24)?).ok()?;
        let etag_at = HEADER.checked_add(contents)?;
        let modified_at = etag_at.checked_add(length_at(80)?)?;
        let end = modified_at.checked_add(length_at(84)?)?;
        let flags = u32_at(20)?;
        if end != file.len() || flags & !MISSING != 0 {
            return None;
        }
        let text = |from, to| {
            let text = std::str::from_utf8(file.get(from..to)?).ok()?;
            (!text.is_empty()).then(|| text.to_owned())
        };
        let freshness = Freshness {
            fetched_at: u64_at(32)?,
            fresh_for: u64_at(40)?,
            etag: text(etag_at, modified_at),
            last_modified: text(modified_at, end),
            missing: flags & MISSING != 0,
        };
        Some(Self {
            shared: Arc::new(Shared {
                file,
                contents,
                freshness,
            }),
        })
    }
}

impl Deref for Blob {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.shared.file[HEADER..HEADER + self.shared.contents]
    }
}

impl AsRef<[u8]> for Blob {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// The size and freshness; the contents are binary.
impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blob")
            .field("bytes", &self.len())
            .field("freshness", self.freshness())
            .finish()
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Read(bytes) => bytes,
            Self::Mapped(map) => map,
            Self::Part(whole, place) => &whole[place.clone()],
        }
    }
}
