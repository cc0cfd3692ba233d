//! The compact form of a packument, looked at without parsing it.
//!
//! ```text
//! header     16 bytes: magic, format, offset of the directory, offset of the texts
//! versions   one rkyv archive each, aligned to 16 bytes, checked when it is looked at
//! directory  one rkyv archive: where the texts end; what choosing a version needs of each
//! texts      all of them, each once, without separators
//! ```
//!
//! A damaged buffer reads as absent, never as something else.

use rkyv::rancor;
use rkyv::util::AlignedVec;
use rkyv::{Archive, Deserialize, Serialize};
use rustc_hash::FxHashMap;

const MAGIC: [u8; 4] = *b"lpnp";
/// What stored buffers are kept under; its number is to be raised with every change of the form.
/// Other formats read as absent.
pub(crate) const FORM: &str = "packument-3";
const FORMAT: u32 = number(FORM);
const HEADER: usize = 16;

/// A text's number in the directory, counted from one; zero is none.
pub(super) type TextId = u32;

#[derive(Archive, Serialize, Deserialize)]
pub(super) struct Directory {
    /// Where each text ends.
    pub(super) ends: Vec<u32>,
    /// Tags and the versions that they point at.
    pub(super) tags: Vec<(TextId, TextId)>,
    /// The versions, highest first.
    pub(super) entries: Vec<Entry>,
}

/// What choosing needs of a version.
#[derive(Archive, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) version: TextId,
    /// Where its [`Stored`] lies.
    pub(super) offset: u32,
    pub(super) length: u32,
    /// `engines.node`
    pub(super) node: TextId,
    pub(super) deprecated: TextId,
    /// Seconds since 1970; [`NO_TIME`] when the registry does not say.
    pub(super) published: i64,
}

pub(super) const NO_TIME: i64 = i64::MIN;

/// The rest of what is known of a version. Pairs lie flat, name then value.
#[derive(Archive, Serialize, Deserialize, Default)]
pub(super) struct Stored {
    pub(super) dependencies: Vec<TextId>,
    pub(super) optional_dependencies: Vec<TextId>,
    pub(super) peer_dependencies: Vec<TextId>,
    pub(super) optional_peers: Vec<TextId>,
    pub(super) accept_dependencies: Vec<TextId>,
    pub(super) bundled: Vec<TextId>,
    pub(super) os: Vec<TextId>,
    pub(super) cpu: Vec<TextId>,
    pub(super) libc: Vec<TextId>,
    pub(super) bin: Vec<TextId>,
    pub(super) flags: u8,
    /// The address, or what comes before `/name-version.tgz` (see [`flag::USUAL_TARBALL`]).
    pub(super) tarball: TextId,
    pub(super) integrity: TextId,
    pub(super) license: TextId,
    pub(super) funding: TextId,
    pub(super) engines: TextId,
    pub(super) peer_dependencies_meta: TextId,
    pub(super) workspaces: TextId,
}

/// The bits of [`Stored::flags`].
pub(super) mod flag {
    pub(in super::super) const INSTALL_SCRIPT: u8 = 1;
    pub(in super::super) const SHRINKWRAP: u8 = 2;
    pub(in super::super) const USUAL_TARBALL: u8 = 4;
    pub(in super::super) const LONE_OS: u8 = 8;
    pub(in super::super) const LONE_CPU: u8 = 16;
    pub(in super::super) const LONE_LIBC: u8 = 32;
}

/// The number at the end of a text.
const fn number(text: &str) -> u32 {
    let bytes = text.as_bytes();
    let (mut at, mut number) = (0, 0);
    while at < bytes.len() {
        if bytes[at].is_ascii_digit() {
            number = number * 10 + (bytes[at] - b'0') as u32;
        }
        at += 1;
    }
    number
}

/// Collects the parts of a packument, every text once.
#[derive(Default)]
pub(super) struct Builder {
    ids: FxHashMap<Box<str>, TextId>,
    text: String,
    ends: Vec<u32>,
}

impl Builder {
    /// The number of a text.
    pub(super) fn id(&mut self, text: &str) -> TextId {
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        self.text.push_str(text);
        let end = u32::try_from(self.text.len()).expect("the JSON it comes from has under 4 GiB");
        self.ends.push(end);
        let id = u32::try_from(self.ends.len()).expect("there are fewer texts than bytes");
        self.ids.insert(text.into(), id);
        id
    }

    /// The number of a text that may be missing.
    pub(super) fn maybe(&mut self, text: Option<&str>) -> TextId {
        text.map_or(0, |text| self.id(text))
    }

    /// Lays everything out in one buffer. The entries' places are filled in here.
    pub(super) fn finish(
        self,
        tags: Vec<(TextId, TextId)>,
        versions: Vec<(Entry, Stored)>,
    ) -> Result<Vec<u8>, rancor::Error> {
        let mut buffer = AlignedVec::<16>::new();
        buffer.extend_from_slice(&[0; HEADER]);
        let mut entries = Vec::with_capacity(versions.len());
        for (mut entry, stored) in versions {
            let bytes = rkyv::to_bytes::<rancor::Error>(&stored)?;
            entry.offset = place(&buffer);
            entry.length = u32::try_from(bytes.len()).unwrap_or(0);
            buffer.extend_from_slice(&bytes);
            align(&mut buffer);
            entries.push(entry);
        }
        let directory = Directory {
            ends: self.ends,
            tags,
            entries,
        };
        let directory_at = place(&buffer);
        buffer.extend_from_slice(&rkyv::to_bytes::<rancor::Error>(&directory)?);
        let texts_at = place(&buffer);
        buffer.extend_from_slice(self.text.as_bytes());
        let words = [u32::from_le_bytes(MAGIC), FORMAT, directory_at, texts_at];
        for (at, word) in words.iter().enumerate() {
            buffer[at * 4..][..4].copy_from_slice(&word.to_le_bytes());
        }
        Ok(buffer.into_vec())
    }
}

/// The directory of a buffer and where its texts begin.
pub(super) fn directory(bytes: &[u8]) -> Option<(Directory, usize)> {
    let word = |at: usize| -> Option<u32> {
        Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
    };
    if bytes.get(..4)? != MAGIC || word(4)? != FORMAT {
        return None;
    }
    let place = |at| word(at).and_then(|place| usize::try_from(place).ok());
    let (start, texts) = (place(8)?, place(12)?);
    let directory = rkyv::from_bytes::<Directory, rancor::Error>(bytes.get(start..texts)?).ok()?;
    let end = texts.checked_add(usize::try_from(*directory.ends.last()?).ok()?)?;
    (end == bytes.len()).then_some((directory, texts))
}

/// The rest of what is known of a version.
pub(super) fn stored<'b>(bytes: &'b [u8], entry: &Entry) -> Option<&'b ArchivedStored> {
    let start = usize::try_from(entry.offset).ok()?;
    let end = start.checked_add(usize::try_from(entry.length).ok()?)?;
    rkyv::access::<ArchivedStored, rancor::Error>(bytes.get(start..end)?).ok()
}

fn place(buffer: &AlignedVec<16>) -> u32 {
    u32::try_from(buffer.len()).expect("a packument of at most 512 MiB is compacted")
}

fn align(buffer: &mut AlignedVec<16>) {
    let padding = buffer.len().next_multiple_of(16) - buffer.len();
    buffer.extend_from_slice(&[0; 16][..padding]);
}
