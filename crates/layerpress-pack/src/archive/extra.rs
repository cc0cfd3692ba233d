//! Extra fields: the few records in them that change what an entry is (APPNOTE section 4.5).

use crate::format::{u16_at, u32_at, u64_at};

/// Section 4.5.3: sizes and offset as 64-bit numbers.
const ZIP64: u16 = 0x0001;
/// Section 4.6.9: Info-ZIP Unicode path.
const UNICODE_PATH: u16 = 0x7075;

/// What stands instead of a 32-bit number that is given in the zip64 record.
const ONES: u32 = u32::MAX;

/// The records of one header that matter here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Extra<'a> {
    zip64: Option<&'a [u8]>,
    unicode_path: Option<&'a [u8]>,
}

impl<'a> Extra<'a> {
    /// Walks the records; `None` if they do not add up or one of ours is there twice.
    ///
    /// Up to three zero bytes at the end are let through: zipalign pads with them.
    pub(super) fn parse(mut field: &'a [u8]) -> Option<Self> {
        let mut extra = Self::default();
        while field.len() >= 4 {
            let id = u16_at(field, 0);
            let length = usize::from(u16_at(field, 2));
            let data = field.get(4..4 + length)?;
            field = &field[4 + length..];
            let slot = match id {
                ZIP64 => &mut extra.zip64,
                UNICODE_PATH => &mut extra.unicode_path,
                _ => continue,
            };
            if slot.replace(data).is_some() {
                return None;
            }
        }
        field.iter().all(|byte| *byte == 0).then_some(extra)
    }

    /// Whether there is a zip64 record, by which a data descriptor has 64-bit sizes too.
    pub(super) fn is_wide(&self) -> bool {
        self.zip64.is_some()
    }

    /// Replaces each of a header's `plain` numbers that is all ones by its 64-bit form, which
    /// stand in this order: size, compressed size, offset. `None` if the record has fewer or more.
    ///
    /// A record beside plain numbers alone must repeat them: some writers add one to every header.
    pub(super) fn widen<const N: usize>(&self, plain: [u32; N]) -> Option<[u64; N]> {
        let Some(record) = self.zip64 else {
            return Some(plain.map(u64::from));
        };
        let mut wide = record.chunks_exact(8).map(|chunk| u64_at(chunk, 0));
        let mut numbers = plain.map(u64::from);
        if !plain.contains(&ONES) {
            let repeats = numbers.iter().zip(wide).all(|(plain, wide)| *plain == wide);
            return repeats.then_some(numbers);
        }
        for (number, plain) in numbers.iter_mut().zip(plain) {
            if plain == ONES {
                *number = wide.next()?;
            }
        }
        let rest = wide.next().is_none() && record.len() % 8 == 0;
        rest.then_some(numbers)
    }

    /// The name's UTF-8 form, if there is one made for `raw_name`. `Err` if it was made for
    /// another name or is no UTF-8.
    pub(super) fn unicode_path(&self, raw_name: &[u8]) -> Result<Option<&'a str>, ()> {
        let Some(record) = self.unicode_path else {
            return Ok(None);
        };
        let Some((head, path)) = record.split_at_checked(5) else {
            return Err(());
        };
        if head[0] != 1 || u32_at(head, 1) != crc32fast::hash(raw_name) {
            return Err(());
        }
        str::from_utf8(path).map(Some).map_err(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: u16, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(data.len()).expect("short");
        [&id.to_le_bytes(), &length.to_le_bytes(), data].concat()
    }

    #[test]
    fn records_that_do_not_add_up_are_refused() {
        assert!(Extra::parse(&[]).is_some());
        assert!(Extra::parse(&[0, 0, 0]).is_some(), "padding of zipalign");
        assert!(Extra::parse(&[0, 0, 1]).is_none());
        assert!(Extra::parse(&[9, 9, 1, 0]).is_none());
        assert!(Extra::parse(&record(0x5455, &[3, 0, 0, 0, 0])).is_some());
        let twice = record(ZIP64, &[0; 16]).repeat(2);
        assert!(Extra::parse(&twice).is_none());
    }

    #[test]
    fn wide_numbers_stand_in_for_ones_alone() {
        let numbers: Vec<u8> = [5u64, 6, 7].iter().flat_map(|n| n.to_le_bytes()).collect();
        let wide = |bytes: usize, plain: [u32; 3]| {
            let field = record(ZIP64, &numbers[..bytes]);
            Extra::parse(&field).expect("well formed").widen(plain)
        };
        assert_eq!(wide(24, [ONES; 3]), Some([5, 6, 7]));
        assert_eq!(wide(8, [1, ONES, 3]), Some([1, 5, 3]));
        assert_eq!(wide(16, [ONES; 3]), None, "too short");
        assert_eq!(wide(24, [ONES, ONES, 1]), None, "too long");
        assert_eq!(wide(16, [5, 6, 9]), Some([5, 6, 9]), "repeats two");
        assert_eq!(wide(16, [5, 7, 9]), None, "differs");
        let none = Extra::parse(&[]).expect("empty");
        assert_eq!(none.widen([1, ONES]), Some([1, u64::from(ONES)]));
    }

    #[test]
    fn a_unicode_path_belongs_to_its_raw_name() {
        let data = [
            &[1][..],
            &crc32fast::hash(b"\x81").to_le_bytes(),
            "ü".as_bytes(),
        ]
        .concat();
        let field = record(UNICODE_PATH, &data);
        let extra = Extra::parse(&field).expect("well formed");
        assert_eq!(extra.unicode_path(b"\x81"), Ok(Some("ü")));
        assert_eq!(extra.unicode_path(b"u"), Err(()));
    }
}
