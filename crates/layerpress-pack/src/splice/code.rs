//! Huffman codes of deflate (RFC 1951, 3.2.2), as tables that say how far a code leads and not what it
//! stands for.

/// A canonical code: any prefix of at most 15 bits finds its symbol, bit by bit.
#[derive(Debug)]
pub(super) struct Code {
    /// How many codes there are of each length.
    counts: [u16; 16],
    /// The symbols in the order of their codes.
    symbols: Vec<u16>,
}

impl Code {
    /// The code with these lengths, 0 for symbols without one; nothing if there are too many short ones.
    pub(super) fn new(lengths: &[u8]) -> Option<Self> {
        let mut counts = [0u16; 16];
        for length in lengths {
            *counts.get_mut(usize::from(*length))? += 1;
        }
        counts[0] = 0;
        let mut left = 1i32;
        let mut starts = [0u16; 16];
        let mut start = 0;
        for length in 1..16 {
            left = left * 2 - i32::from(counts[length]);
            if left < 0 {
                return None;
            }
            starts[length] = start;
            start += counts[length];
        }
        let mut symbols = vec![0; usize::from(start)];
        for (symbol, length) in lengths.iter().enumerate().filter(|(_, it)| **it > 0) {
            let place = &mut starts[usize::from(*length)];
            symbols[usize::from(*place)] = u16::try_from(symbol).ok()?;
            *place += 1;
        }
        Some(Self { counts, symbols })
    }

    /// The symbol whose code `bits` begin with, and how long that is.
    pub(super) fn find(&self, mut bits: u64) -> Option<(usize, u32)> {
        let (mut code, mut first, mut index) = (0i32, 0i32, 0i32);
        for length in 1..16 {
            code |= i32::from(bits & 1 == 1);
            bits >>= 1;
            let count = i32::from(self.counts[length as usize]);
            if code - first < count {
                let at = usize::try_from(index + code - first).ok()?;
                return Some((usize::from(*self.symbols.get(at)?), length));
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        None
    }

    /// Each symbol with its code's length and bits, the first one lowest, in the order of the codes.
    fn codes(&self) -> impl Iterator<Item = (usize, u32, usize)> {
        let mut symbols = self.symbols.iter();
        let mut code = 0usize;
        (1..16u32).flat_map(move |length| {
            let count = usize::from(self.counts[length as usize]);
            code <<= 1;
            let first = code;
            code += count;
            let found: Vec<_> = symbols.by_ref().take(count).collect();
            found.into_iter().enumerate().map(move |(at, symbol)| {
                let bits = (first + at).reverse_bits() >> (usize::BITS - length);
                (usize::from(*symbol), length, bits)
            })
        })
    }
}

/// What a code leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Some literal bytes, as many as [`Found::value`] says.
    Literals,
    /// A length or a distance: [`Found::value`] and [`Found::extra`] bits more.
    Reference,
    /// The end of the block.
    End,
}

/// What a code says, in one word: eight bits each for how long it is, its kind and its extra bits, and
/// the upper half for its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found(u64);

impl Found {
    /// No code of the table's width.
    const NONE: Self = Self(0);

    fn new(bits: u32, kind: Kind, extra: u32, value: usize) -> Self {
        let kind = kind as u64;
        Self(u64::from(bits) | kind << 8 | u64::from(extra) << 16 | (value as u64) << 32)
    }

    /// How long the code is, or the codes are.
    #[inline(always)]
    pub(super) fn bits(self) -> u32 {
        (self.0 & 0xff) as u32
    }

    #[inline(always)]
    pub(super) fn kind(self) -> Kind {
        match self.0 >> 8 & 0xff {
            0 => Kind::Literals,
            1 => Kind::Reference,
            _ => Kind::End,
        }
    }

    /// How many bits follow that belong to the value.
    #[inline(always)]
    pub(super) fn extra(self) -> u32 {
        (self.0 >> 16 & 0xff) as u32
    }

    #[inline(always)]
    pub(super) fn value(self) -> usize {
        (self.0 >> 32) as usize
    }
}

/// The code for literal bytes, lengths and the end of a block.
#[derive(Debug)]
pub(super) struct Literals {
    table: Table<LITERAL_BITS>,
}

/// The code for distances.
#[derive(Debug)]
pub(super) struct Distances {
    table: Table<DISTANCE_BITS>,
}

/// As wide as most codes are; wider tables take longer to fill than they save.
const LITERAL_BITS: u32 = 11;
const DISTANCE_BITS: u32 = 9;

impl Literals {
    pub(super) fn new(lengths: &[u8]) -> Option<Self> {
        let mut table = Table::new(lengths, literal)?;
        table.join_literals();
        Some(Self { table })
    }

    #[inline(always)]
    pub(super) fn find(&self, bits: u64) -> Option<Found> {
        self.table.find(bits, literal)
    }
}

impl Distances {
    pub(super) fn new(lengths: &[u8]) -> Option<Self> {
        let table = Table::new(lengths, distance)?;
        Some(Self { table })
    }

    #[inline(always)]
    pub(super) fn find(&self, bits: u64) -> Option<Found> {
        self.table.find(bits, distance)
    }
}

/// RFC 1951, 3.2.5, first table.
fn literal(symbol: usize, bits: u32) -> Option<Found> {
    const BASES: [u16; 29] = [
        3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115,
        131, 163, 195, 227, 258,
    ];
    const EXTRA: [u8; 29] = [
        0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
    ];
    match symbol {
        0..256 => Some(Found::new(bits, Kind::Literals, 0, 1)),
        256 => Some(Found::new(bits, Kind::End, 0, 0)),
        symbol => {
            let (base, extra) = (*BASES.get(symbol - 257)?, EXTRA[symbol - 257]);
            Some(Found::new(bits, Kind::Reference, extra.into(), base.into()))
        }
    }
}

/// RFC 1951, 3.2.5, second table.
fn distance(symbol: usize, bits: u32) -> Option<Found> {
    let symbol = u32::try_from(symbol).ok().filter(|symbol| *symbol < 30)?;
    let extra = (symbol / 2).saturating_sub(1);
    let base = if symbol < 4 {
        symbol + 1
    } else {
        ((2 + symbol % 2) << extra) + 1
    };
    Some(Found::new(bits, Kind::Reference, extra, base as usize))
}

/// Finds by `BITS` bits at once, and longer codes bit by bit.
#[derive(Debug)]
struct Table<const BITS: u32> {
    short: Vec<Found>,
    code: Code,
}

/// What a symbol with a code of so many bits says; nothing for those that are none.
type Meaning = fn(usize, u32) -> Option<Found>;

impl<const BITS: u32> Table<BITS> {
    fn new(lengths: &[u8], meaning: Meaning) -> Option<Self> {
        let code = Code::new(lengths)?;
        let mut short = vec![Found::NONE; 1 << BITS];
        for (symbol, length, bits) in code.codes().filter(|(_, length, _)| *length <= BITS) {
            if let Some(found) = meaning(symbol, length) {
                for place in short.iter_mut().skip(bits).step_by(1 << length) {
                    *place = found;
                }
            }
        }
        Some(Self { short, code })
    }

    /// Lets an entry stand for all literals whose codes fit into its bits one behind the other.
    fn join_literals(&mut self) {
        let is_literal = |found: Found| found != Found::NONE && found.kind() == Kind::Literals;
        // Entries are looked up in lower places, so these are to be changed later.
        for place in (0..self.short.len()).rev() {
            let first = self.short[place];
            if !is_literal(first) {
                continue;
            }
            let (mut bits, mut count) = (first.bits(), 1);
            loop {
                let next = self.short[place >> bits];
                if !is_literal(next) || bits + next.bits() > BITS {
                    break;
                }
                bits += next.bits();
                count += 1;
            }
            self.short[place] = Found::new(bits, Kind::Literals, 0, count);
        }
    }

    #[inline(always)]
    fn find(&self, bits: u64, meaning: Meaning) -> Option<Found> {
        let place = (bits & ((1 << BITS) - 1)) as usize;
        match self.short[place] {
            Found::NONE => self.find_long(bits, meaning),
            found => Some(found),
        }
    }

    #[cold]
    fn find_long(&self, bits: u64, meaning: Meaning) -> Option<Found> {
        let (symbol, length) = self.code.find(bits)?;
        meaning(symbol, length)
    }
}
