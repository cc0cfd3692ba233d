//! [`blocks`]: where the blocks of a deflate stream lie, and what of the file each one holds.

use std::ops::Range;

use super::code::{Code, Distances, Kind, Literals};

/// A block of a deflate stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// Where it lies in the stream, in bits, with its header.
    pub(super) bits: Range<usize>,
    /// What it holds of the file, in bytes.
    pub(super) bytes: Range<usize>,
    /// The first byte of the file that it holds or refers to.
    pub(super) reach: usize,
    /// Where its bytes lie in the stream, if they are not compressed.
    pub(super) stored: Option<Range<usize>>,
}

/// With blocks of the usual size this is a file of 3 GB; a stream with more is made to take room.
const MOST_BLOCKS: usize = 1 << 16;

/// The blocks of `stream`, which holds a file of `size` bytes; nothing if it is no such stream, or more
/// follows it.
pub(super) fn blocks(stream: &[u8], size: usize) -> Option<Vec<Block>> {
    let mut walk = Walk {
        bits: Bits::new(stream),
        at: 0,
        reach: 0,
        size,
    };
    let mut blocks = Vec::new();
    let mut fixed = None;
    loop {
        let start = (walk.bits.position(), walk.at);
        walk.reach = walk.at;
        walk.bits.refill()?;
        let is_last = walk.bits.take(1) == 1;
        let mut stored = None;
        match walk.bits.take(2) {
            0 => stored = Some(walk.stored()?),
            1 => {
                let codes = fixed.get_or_insert_with(fixed_codes);
                let (literals, distances) = codes.as_ref()?;
                walk.coded(literals, distances)?;
            }
            2 => {
                let (literals, distances) = walk.codes()?;
                walk.coded(&literals, &distances)?;
            }
            _ => return None,
        }
        let end = walk.bits.position();
        if blocks.len() == MOST_BLOCKS || end > stream.len() * 8 || walk.at > size {
            return None;
        }
        blocks.push(Block {
            bits: start.0..end,
            bytes: start.1..walk.at,
            reach: walk.reach,
            stored,
        });
        if is_last {
            let whole = walk.at == size && end.div_ceil(8) == stream.len();
            return whole.then_some(blocks);
        }
    }
}

struct Walk<'a> {
    bits: Bits<'a>,
    /// How many bytes the file has so far.
    at: usize,
    /// The first byte that the current block refers to.
    reach: usize,
    size: usize,
}

impl Walk<'_> {
    /// RFC 1951, 3.2.4, behind the block's header.
    fn stored(&mut self) -> Option<Range<usize>> {
        let start = self.bits.position().div_ceil(8);
        let [a, b, c, d] = *self.bits.stream.get(start..)?.first_chunk()?;
        let length = u16::from_le_bytes([a, b]);
        if length != !u16::from_le_bytes([c, d]) {
            return None;
        }
        let bytes = start + 4..start + 4 + usize::from(length);
        self.bits.stream.get(bytes.clone())?;
        self.bits.jump(bytes.end);
        self.at += bytes.len();
        Some(bytes)
    }

    /// The codes of a block that brings its own (RFC 1951, 3.2.7).
    fn codes(&mut self) -> Option<(Literals, Distances)> {
        const ORDER: [usize; 19] = [
            16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
        ];
        self.bits.refill()?;
        let literals = self.bits.take(5) + 257;
        let distances = self.bits.take(5) + 1;
        let count = self.bits.take(4) + 4;
        let mut lengths = [0; 19];
        for place in ORDER.iter().take(count) {
            self.bits.refill()?;
            lengths[*place] = u8::try_from(self.bits.take(3)).ok()?;
        }
        let code = Code::new(&lengths)?;
        let mut lengths = [0; 286 + 32 + 138];
        let all = literals + distances;
        let mut filled = 0;
        while filled < all {
            self.bits.refill()?;
            let (symbol, length) = code.find(self.bits.buffer)?;
            self.bits.skip(length);
            let (value, repeat) = match symbol {
                16 => {
                    let before = *lengths.get(filled.checked_sub(1)?)?;
                    (before, 3 + self.bits.take(2))
                }
                17 => (0, 3 + self.bits.take(3)),
                18 => (0, 11 + self.bits.take(7)),
                length => (u8::try_from(length).ok()?, 1),
            };
            lengths.get_mut(filled..filled + repeat)?.fill(value);
            filled += repeat;
        }
        if filled > all || literals > 286 {
            return None;
        }
        let (literals, rest) = lengths.split_at(literals);
        Some((
            Literals::new(literals)?,
            Distances::new(&rest[..distances])?,
        ))
    }

    /// What stands in a block of codes, up to its end (RFC 1951, 3.2.5).
    fn coded(&mut self, literals: &Literals, distances: &Distances) -> Option<()> {
        loop {
            self.bits.refill()?;
            let mut found = literals.find(self.bits.buffer)?;
            while found.kind() == Kind::Literals {
                self.bits.skip(found.bits());
                self.at += found.value();
                if self.bits.count < MOST_BITS {
                    self.bits.refill()?;
                }
                found = literals.find(self.bits.buffer)?;
            }
            self.bits.skip(found.bits());
            if found.kind() == Kind::End {
                return Some(());
            }
            let length = found.value() + self.bits.take(found.extra());
            let found = distances.find(self.bits.buffer)?;
            self.bits.skip(found.bits());
            let distance = found.value() + self.bits.take(found.extra());
            self.reach = self.reach.min(self.at.checked_sub(distance)?);
            self.at += length;
            if self.at > self.size {
                return None;
            }
        }
    }
}

/// What a length and its distance take at most, with their extra bits: 15 + 5 + 15 + 13.
const MOST_BITS: u32 = 48;

/// RFC 1951, 3.2.6.
fn fixed_codes() -> Option<(Literals, Distances)> {
    let mut lengths = [8; 288];
    lengths[144..256].fill(9);
    lengths[256..280].fill(7);
    Some((Literals::new(&lengths)?, Distances::new(&[5; 32])?))
}

/// A stream's bits in order; zeros behind its end.
struct Bits<'a> {
    stream: &'a [u8],
    /// The byte that is next to go into the buffer.
    next: usize,
    /// The next bits, the first one lowest. There may be more than are counted, and they are right.
    buffer: u64,
    /// How many bits of the buffer count.
    count: u32,
}

impl<'a> Bits<'a> {
    fn new(stream: &'a [u8]) -> Self {
        Self {
            stream,
            next: 0,
            buffer: 0,
            count: 0,
        }
    }

    /// Fills the buffer with 56 bits or more; nothing far behind the stream's end.
    #[inline(always)]
    fn refill(&mut self) -> Option<()> {
        let rest = self.stream.get(self.next..).unwrap_or_default();
        if let Some(word) = rest.first_chunk() {
            self.buffer |= u64::from_le_bytes(*word) << self.count;
            let bytes = (63 - self.count) / 8;
            self.next += bytes as usize;
            self.count += bytes * 8;
            return Some(());
        }
        self.refill_at_end()
    }

    #[cold]
    fn refill_at_end(&mut self) -> Option<()> {
        while self.count <= 56 {
            let byte = self.stream.get(self.next).copied().unwrap_or(0);
            self.buffer |= u64::from(byte) << self.count;
            self.next += 1;
            self.count += 8;
        }
        (self.next <= self.stream.len() + 16).then_some(())
    }

    /// The next `count` bits, which must be in the buffer.
    #[inline(always)]
    fn take(&mut self, count: u32) -> usize {
        let bits = self.buffer & ((1 << count) - 1);
        self.skip(count);
        // At most 13 bits.
        bits as usize
    }

    #[inline(always)]
    fn skip(&mut self, count: u32) {
        self.buffer >>= count;
        self.count -= count;
    }

    /// Where in the stream the next bit is.
    fn position(&self) -> usize {
        self.next * 8 - self.count as usize
    }

    /// Goes on with the byte `at`.
    fn jump(&mut self, at: usize) {
        (self.next, self.buffer, self.count) = (at, 0, 0);
    }
}
