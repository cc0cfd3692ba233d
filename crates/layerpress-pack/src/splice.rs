//! [`splice`]: a deflate stream for a file of which a part changed, out of the stream that it had.
//!
//! A deflate stream is a row of blocks (RFC 1951, 3.2.3), each with codes of its own, which refer back to
//! at most 32 KiB of what came before. A block whose bytes are the same, and all that it refers to,
//! says the same in the new stream. So the blocks are walked over once without writing a byte of what is
//! in them; those that still hold are copied as they are, bit by bit since blocks begin anywhere in a
//! byte, and only what lies between is compressed.

mod blocks;
mod code;

use std::ops::Range;

use layerpress_tree::{Content, Encoding};

use self::blocks::{Block, blocks};
use crate::{Level, compress};

/// The bytes of the file `after` as a deflate stream that keeps as much as it can of `stream`, which holds
/// `before`; what is new is compressed as by [`Level::Fast`]. Bytes count as kept where they are equal
/// and in the same place in both.
///
/// Nothing where `stream` is not compressed, or less than half of `after` would be kept, or the result is
/// not smaller than `after`: then it is better compressed anew.
#[must_use]
pub fn splice(stream: &Content, before: &[u8], after: &[u8]) -> Option<Content> {
    if stream.encoding != Encoding::Deflate || after.is_empty() {
        return None;
    }
    let old = blocks(&stream.data, before.len())?;
    let pieces = pieces(old, before, after);
    let kept = pieces.iter().filter_map(|piece| match piece {
        Piece::Kept(block) => Some(block.bytes.len()),
        Piece::New(_) => None,
    });
    if kept.sum::<usize>() < after.len() / 2 {
        return None;
    }
    let mut writer = Writer::with_capacity(stream.data.len());
    let last = pieces.len() - 1;
    for (at, piece) in pieces.into_iter().enumerate() {
        let is_last = at == last;
        match piece {
            Piece::Kept(block) => writer.block(&stream.data, &block, is_last)?,
            Piece::New(range) => writer.compressed(&after[range], is_last)?,
        }
    }
    let data = writer.finish();
    (data.len() < after.len()).then(|| Content {
        data: data.into(),
        encoding: Encoding::Deflate,
        size: after.len() as u64,
        crc32: crc32fast::hash(after),
    })
}

/// A part of the new stream.
enum Piece {
    /// A block of the old one.
    Kept(Block),
    /// Bytes of the new file.
    New(Range<usize>),
}

/// What the new stream is made of, in order; never nothing for a file that is not empty.
fn pieces(old: Vec<Block>, before: &[u8], after: &[u8]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut new = 0..0;
    // Since where both files are equal up to the block that is looked at.
    let mut equal_since = 0;
    for block in old {
        let range = block.bytes.clone();
        let Some(now) = after.get(range.clone()) else {
            break;
        };
        let then = &before[range.clone()];
        if then != now {
            let tail = then.iter().rev().zip(now.iter().rev());
            equal_since = range.end - tail.take_while(|(a, b)| a == b).count();
        }
        if equal_since <= block.reach {
            if !new.is_empty() {
                pieces.push(Piece::New(new));
            }
            new = range.end..range.end;
            // An empty block says nothing.
            if !range.is_empty() {
                pieces.push(Piece::Kept(block));
            }
        } else {
            new.end = range.end;
        }
    }
    new.end = after.len();
    if !new.is_empty() {
        pieces.push(Piece::New(new));
    }
    pieces
}

/// A deflate stream in the making.
struct Writer {
    stream: Vec<u8>,
    /// Bits that do not fill a byte yet, the first one lowest.
    pending: u64,
    /// How many they are, below 8.
    count: u32,
}

/// A stored block holds no more (RFC 1951, 3.2.4), with as much before its bytes.
const STORED_HEADER: usize = 4;

impl Writer {
    fn with_capacity(bytes: usize) -> Self {
        Self {
            stream: Vec::with_capacity(bytes),
            pending: 0,
            count: 0,
        }
    }

    /// Adds `bytes`, compressed; nothing if that cannot be read.
    fn compressed(&mut self, bytes: &[u8], is_last: bool) -> Option<()> {
        let content = compress(bytes, Level::Fast);
        if content.encoding == Encoding::Stored {
            let mut parts = bytes.chunks(usize::from(u16::MAX)).peekable();
            while let Some(part) = parts.next() {
                self.stored(part, is_last && parts.peek().is_none());
            }
            return Some(());
        }
        let new = blocks(&content.data, bytes.len())?;
        let last = new.len() - 1;
        for (at, block) in new.iter().enumerate() {
            self.block(&content.data, block, is_last && at == last)?;
        }
        Some(())
    }

    /// Adds a block of `stream`, as the last one or not.
    fn block(&mut self, stream: &[u8], block: &Block, is_last: bool) -> Option<()> {
        if let Some(bytes) = &block.stored {
            // Its bytes begin with a byte of the stream, wherever that is now.
            self.stored(stream.get(bytes.clone())?, is_last);
            return Some(());
        }
        self.bits(u64::from(is_last), 1);
        self.copy(stream, block.bits.start + 1..block.bits.end)
    }

    fn stored(&mut self, bytes: &[u8], is_last: bool) {
        self.bits(u64::from(is_last), 3);
        self.fill_byte();
        let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        let mut header = [0; STORED_HEADER];
        header[..2].copy_from_slice(&length.to_le_bytes());
        header[2..].copy_from_slice(&(!length).to_le_bytes());
        self.stream.extend_from_slice(&header);
        self.stream.extend_from_slice(&bytes[..usize::from(length)]);
    }

    /// Adds the bits `range` of `stream`.
    fn copy(&mut self, stream: &[u8], range: Range<usize>) -> Option<()> {
        let Range { mut start, end } = range;
        // Eight bytes hold 57 bits at least from any bit of the first one on.
        while end - start >= 56 {
            let Some(word) = stream.get(start / 8..)?.first_chunk() else {
                break;
            };
            let word = u64::from_le_bytes(*word) >> (start % 8) & ((1 << 56) - 1);
            self.pending |= word << self.count;
            self.stream
                .extend_from_slice(&self.pending.to_le_bytes()[..7]);
            self.pending = word >> (56 - self.count);
            start += 56;
        }
        while start < end {
            let length = (end - start).min(8 - start % 8);
            let byte = u64::from(*stream.get(start / 8)?) >> (start % 8) & ((1 << length) - 1);
            self.bits(byte, u32::try_from(length).ok()?);
            start += length;
        }
        Some(())
    }

    /// Adds the lowest `count` bits of `bits`, at most eight, the others being 0.
    fn bits(&mut self, bits: u64, count: u32) {
        self.pending |= bits << self.count;
        self.count += count;
        if self.count >= 8 {
            self.stream.push(self.pending.to_le_bytes()[0]);
            self.pending >>= 8;
            self.count -= 8;
        }
    }

    fn fill_byte(&mut self) {
        if self.count > 0 {
            self.bits(0, 8 - self.count);
        }
    }

    fn finish(mut self) -> Vec<u8> {
        self.fill_byte();
        self.stream.shrink_to_fit();
        self.stream
    }
}

#[cfg(test)]
mod tests;
