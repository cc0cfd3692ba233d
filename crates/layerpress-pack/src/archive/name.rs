//! Entry names: from raw bytes to text.

use std::borrow::Cow;

use super::extra::Extra;
use crate::EntryFault;
use crate::format::FLAG_UTF8;

/// The upper half of IBM code page 437, the encoding of names that are not marked as UTF-8
/// (APPNOTE appendix D.1; the Unicode Consortium's mapping `VENDORS/MICSFT/PC/CP437.TXT`).
const CP437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// The text of `raw`, a name from a header with these `flags` and `extra` fields.
///
/// An unmarked name that is valid UTF-8 is taken as UTF-8: that is what macOS, Python 2 and Info-ZIP
/// write and what `unzip` reads, where other readers show code page 437. Either reading has the
/// same separators and dots, so no reader can be led to another folder.
pub(super) fn decode<'a>(
    raw: &'a [u8],
    flags: u16,
    extra: &Extra<'a>,
) -> Result<Cow<'a, str>, EntryFault> {
    let unicode = extra
        .unicode_path(raw)
        .map_err(|()| EntryFault::UnicodePath)?;
    match (str::from_utf8(raw), unicode) {
        (Ok(name), Some(unicode)) if name != unicode => Err(EntryFault::UnicodePath),
        (Ok(name), _) => Ok(Cow::Borrowed(name)),
        (Err(_), _) if flags & FLAG_UTF8 != 0 => Err(EntryFault::NotUtf8),
        (Err(_), None) => Ok(Cow::Owned(from_cp437(raw))),
        (Err(_), Some(unicode)) if same_shape(raw, unicode) => Ok(Cow::Borrowed(unicode)),
        (Err(_), Some(_)) => Err(EntryFault::UnicodePath),
    }
}

/// Whether the readers of the raw and of the Unicode name meet the same ASCII characters, and so
/// the same folders.
fn same_shape(raw: &[u8], unicode: &str) -> bool {
    let raw = raw.iter().filter(|byte| byte.is_ascii());
    let unicode = unicode.as_bytes().iter().filter(|byte| byte.is_ascii());
    raw.eq(unicode)
}

fn from_cp437(raw: &[u8]) -> String {
    let upper: Vec<char> = CP437.chars().collect();
    raw.iter()
        .map(|byte| match byte.checked_sub(128) {
            None => char::from(*byte),
            Some(index) => upper[usize::from(index)],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(raw: &[u8], flags: u16) -> Result<Cow<'_, str>, EntryFault> {
        decode(raw, flags, &Extra::default())
    }

    #[test]
    fn names_are_utf8_or_code_page_437() {
        assert_eq!(CP437.chars().count(), 128);
        assert_eq!(plain(b"a/b.py", 0).as_deref(), Ok("a/b.py"));
        assert_eq!(plain("ü".as_bytes(), FLAG_UTF8).as_deref(), Ok("ü"));
        assert_eq!(plain("ü".as_bytes(), 0).as_deref(), Ok("ü"));
        assert_eq!(plain(b"\x81.py", 0).as_deref(), Ok("ü.py"));
        assert_eq!(plain(b"\xff", 0).as_deref(), Ok("\u{a0}"));
        assert_eq!(plain(b"\x81", FLAG_UTF8), Err(EntryFault::NotUtf8));
    }

    fn with_unicode(raw: &[u8], unicode: &str) -> Result<String, EntryFault> {
        let length = u16::try_from(5 + unicode.len()).expect("short");
        let field = [
            &0x7075u16.to_le_bytes()[..],
            &length.to_le_bytes(),
            &[1],
            &crc32fast::hash(raw).to_le_bytes(),
            unicode.as_bytes(),
        ]
        .concat();
        let extra = Extra::parse(&field).expect("well formed");
        decode(raw, 0, &extra).map(Cow::into_owned)
    }

    #[test]
    fn a_unicode_path_cannot_name_another_file() {
        assert_eq!(
            with_unicode(b"b/\xfc.py", "b/ü.py").as_deref(),
            Ok("b/ü.py")
        );
        assert_eq!(with_unicode(b"a.py", "a.py").as_deref(), Ok("a.py"));
        assert_eq!(with_unicode(b"a.py", "b.py"), Err(EntryFault::UnicodePath));
        assert_eq!(with_unicode(b"\xfc", "../ü"), Err(EntryFault::UnicodePath));
    }
}
