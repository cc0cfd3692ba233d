//! [`Entry`]: one file of a layer, its bytes kept in the form in which they arrived.

use bytes::Bytes;

/// One file of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its permissions.
    pub mode: Mode,
    /// Its bytes.
    pub content: Content,
}

/// What a layer file is: one of two permissions, or a link.
///
/// Lambda runs functions as a user who owns nothing: what is not world-readable cannot be loaded,
/// so nothing finer than this is carried from an archive into a layer. Links come from layers that
/// others made; no package gets one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// `0644`.
    File,
    /// `0755`.
    Executable,
    /// A symbolic link: its bytes are the path that it leads to. Where it came in, that was found
    /// to stay inside the layer ([`follow`](crate::follow)).
    Link,
}

impl Mode {
    /// The permission bits; a link's own mean nothing.
    #[must_use]
    pub fn bits(self) -> u32 {
        match self {
            Self::File => 0o644,
            Self::Executable => 0o755,
            Self::Link => 0o777,
        }
    }

    /// The mode for a file that came with `bits`: executable if its owner may execute it.
    #[must_use]
    pub fn from_bits(bits: u32) -> Self {
        if bits & 0o100 == 0 {
            Self::File
        } else {
            Self::Executable
        }
    }
}

/// A file's bytes, in the form in which they travel.
///
/// A layer zip holds deflate streams and so does a wheel: content that nobody changes is never
/// inflated on its way from the one to the other. `size` and `crc32` always speak of the file as
/// it will lie on disk, not of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The stream: the file itself when stored, a raw deflate stream (RFC 1951) when deflated.
    /// A view into a mapped archive where the content came from one.
    pub data: Bytes,
    /// How `data` encodes the file.
    pub encoding: Encoding,
    /// The file's size in bytes.
    pub size: u64,
    /// The file's CRC-32 (ISO 3309, as zip has it).
    pub crc32: u32,
}

/// How a [`Content`]'s stream encodes its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Encoding {
    /// The bytes themselves.
    Stored,
    /// Raw deflate.
    Deflate,
}

impl Content {
    /// The size of the stream, in bytes: what the file weighs inside a zip.
    #[must_use]
    pub fn stream_size(&self) -> u64 {
        self.data.len() as u64
    }
}
