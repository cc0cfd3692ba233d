//! [`canonical`]: CPython's serialised code in the one form that does not depend on how it was made.
//!
//! `marshal` marks each object that it may refer to later, and whether an object is marked depends on how
//! many others held it at that moment: on what the interpreter did before. So all marks that nothing
//! refers to are taken off here, and what is left is counted anew (CPython, `Python/marshal.c`).

/// Deeper nesting is refused by `marshal` itself.
const MOST_LEVELS: usize = 1000;

/// Set in an object's type when it can be referred to.
const FLAG_REF: u8 = 0x80;

/// The same code with no mark that nothing refers to; `None` if `code` is not what a CPython of `version`
/// writes, with nothing behind it.
pub(super) fn canonical(code: &[u8], version: (u8, u8)) -> Option<Vec<u8>> {
    let mut reader = Reader {
        bytes: code,
        at: 0,
        has_spans: version >= (3, 11),
        marks: Vec::new(),
        references: Vec::new(),
    };
    reader.object(0)?;
    let Reader {
        at,
        marks,
        references,
        ..
    } = reader;
    if at != code.len() {
        return None;
    }
    let mut is_used = vec![false; marks.len()];
    for (_, mark) in &references {
        *is_used.get_mut(*mark)? = true;
    }
    let mut numbers = Vec::with_capacity(marks.len());
    let mut used = 0u32;
    for is_used in &is_used {
        numbers.push(used);
        used += u32::from(*is_used);
    }
    let mut out = code.to_vec();
    for (at, _) in marks.iter().zip(&is_used).filter(|(_, is_used)| !**is_used) {
        out[*at] &= !FLAG_REF;
    }
    for (at, mark) in references {
        out[at..at + 4].copy_from_slice(&numbers[mark].to_le_bytes());
    }
    Some(out)
}

/// Walks over one serialised object after the other.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Whether code objects are laid out as from Python 3.11 on.
    has_spans: bool,
    /// Where the type of each marked object stands, in the order by which they are referred to.
    marks: Vec<usize>,
    /// Where the number of each reference stands, and the mark it is.
    references: Vec<(usize, usize)>,
}

impl Reader<'_> {
    fn object(&mut self, level: usize) -> Option<u8> {
        if level > MOST_LEVELS {
            return None;
        }
        let start = self.at;
        let byte = self.byte()?;
        if byte & FLAG_REF != 0 {
            self.marks.push(start);
        }
        let kind = byte & !FLAG_REF;
        let inner = level + 1;
        match kind {
            b'0' | b'N' | b'T' | b'F' | b'S' | b'.' => {}
            b'i' => self.skip(4)?,
            b'g' => self.skip(8)?,
            b'y' => self.skip(16)?,
            b'f' | b'z' | b'Z' => self.short()?,
            b'x' => {
                self.short()?;
                self.short()?;
            }
            b'l' => {
                let digits = self.number()?.cast_signed().unsigned_abs();
                self.skip(usize::try_from(digits).ok()?.checked_mul(2)?)?;
            }
            b's' | b't' | b'u' | b'a' | b'A' => {
                let length = self.number()?;
                self.skip(usize::try_from(length).ok()?)?;
            }
            b')' => {
                let items = self.byte()?;
                self.objects(items.into(), inner)?;
            }
            b'(' | b'[' | b'<' | b'>' => {
                let items = self.number()?;
                self.objects(items, inner)?;
            }
            b':' => self.objects(3, inner)?,
            b'{' => {
                while self.object(inner)? != b'0' {
                    self.object(inner)?;
                }
            }
            b'r' => {
                let at = self.at;
                let mark = self.number()?;
                self.references.push((at, usize::try_from(mark).ok()?));
            }
            b'c' => self.code(inner)?,
            _ => return None,
        }
        Some(kind)
    }

    fn code(&mut self, level: usize) -> Option<()> {
        // Counts and flags; code, constants and names; the number of the first line; tables.
        let (counts, before, after) = if self.has_spans { (5, 8, 2) } else { (6, 8, 1) };
        self.skip(counts * 4)?;
        self.objects(before, level)?;
        self.skip(4)?;
        self.objects(after, level)
    }

    fn objects(&mut self, items: u32, level: usize) -> Option<()> {
        for _ in 0..items {
            self.object(level)?;
        }
        Some(())
    }

    fn short(&mut self) -> Option<()> {
        let length = self.byte()?;
        self.skip(length.into())
    }

    fn number(&mut self) -> Option<u32> {
        let bytes = self.bytes.get(self.at..self.at.checked_add(4)?)?;
        self.at += 4;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn skip(&mut self, bytes: usize) -> Option<()> {
        let end = self.at.checked_add(bytes)?;
        (end <= self.bytes.len()).then(|| self.at = end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `('ab', 7, 'ab')` as `marshal` writes it when others hold the tuple and its items too.
    const MARKED: &[u8] = b"\xa9\x03\xda\x02ab\xe9\x07\0\0\0r\x01\0\0\0";

    #[test]
    fn marks_that_nothing_refers_to_go_and_references_follow() {
        let plain = b"\x29\x03\xda\x02abi\x07\0\0\0r\0\0\0\0";
        assert_eq!(canonical(MARKED, (3, 13)).as_deref(), Some(&plain[..]));
        assert_eq!(canonical(plain, (3, 13)).as_deref(), Some(&plain[..]));
    }

    #[test]
    fn what_is_cut_or_goes_on_or_refers_to_nothing_is_no_code() {
        for length in 0..MARKED.len() {
            assert_eq!(canonical(&MARKED[..length], (3, 13)), None, "{length}");
        }
        assert_eq!(canonical(b"NN", (3, 13)), None);
        assert_eq!(canonical(b"r\x01\0\0\0", (3, 13)), None);
        assert_eq!(canonical(b"?", (3, 13)), None);
        assert_eq!(canonical(b"l\0\0\0\x80", (3, 13)), None);
        assert_eq!(canonical(&b")\x01".repeat(100_000), (3, 13)), None);
    }
}
