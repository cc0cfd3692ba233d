//! From the bytes of a requirements file to text: byte order marks and coding lines.

/// Why bytes are not text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The coding line names an encoding that is not known here.
    #[error("the coding line names `{0}`, which is not a known encoding")]
    UnknownEncoding(String),
    /// The bytes do not fit the encoding.
    #[error("not valid {encoding}")]
    Invalid {
        /// The encoding that was tried.
        encoding: &'static str,
        /// The line of the first byte at fault, from 1, where it is known.
        line: Option<u32>,
    },
}

/// The text of `bytes`, by byte order mark, then PEP 263 coding line, then as UTF-8.
///
/// pip falls back to the locale's encoding; the same file must mean the same everywhere here.
pub(crate) fn decode(bytes: &[u8]) -> Result<String, DecodeError> {
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return utf8(rest);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        return utf16(rest, u16::from_le_bytes);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        return utf16(rest, u16::from_be_bytes);
    }
    match coding_line(bytes) {
        None => utf8(bytes),
        Some(name) => match name.to_ascii_lowercase().replace('_', "-").as_str() {
            "ascii" | "us-ascii" if !bytes.is_ascii() => Err(DecodeError::Invalid {
                encoding: "ASCII",
                line: bytes
                    .iter()
                    .position(|b| !b.is_ascii())
                    .map(|at| line_at(bytes, at)),
            }),
            "utf-8" | "utf8" | "utf-8-sig" | "u8" | "ascii" | "us-ascii" => utf8(bytes),
            "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "l1" => {
                Ok(bytes.iter().copied().map(char::from).collect())
            }
            _ => Err(DecodeError::UnknownEncoding(name)),
        },
    }
}

/// The name in a comment like `# -*- coding: latin-1 -*-` in the first two lines (PEP 263).
fn coding_line(bytes: &[u8]) -> Option<String> {
    bytes.split(|b| *b == b'\n').take(2).find_map(|line| {
        let line = line.strip_prefix(b"#")?;
        let line: String = line.iter().copied().map(char::from).collect();
        line.match_indices("coding").find_map(|(at, word)| {
            let rest = line[at + word.len()..].strip_prefix([':', '='])?;
            let name: String = rest
                .trim_start()
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
                .collect();
            (!name.is_empty()).then_some(name)
        })
    })
}

fn utf8(bytes: &[u8]) -> Result<String, DecodeError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => Err(DecodeError::Invalid {
            encoding: "UTF-8",
            line: Some(line_at(bytes, error.valid_up_to())),
        }),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, DecodeError> {
    let invalid = DecodeError::Invalid {
        encoding: "UTF-16",
        line: None,
    };
    let pairs = bytes.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return Err(invalid);
    }
    char::decode_utf16(pairs.map(|pair| unit([pair[0], pair[1]])))
        .collect::<Result<String, _>>()
        .map_err(|_| invalid)
}

fn line_at(bytes: &[u8], at: usize) -> u32 {
    let ends = bytes[..at].iter().filter(|b| **b == b'\n').count();
    u32::try_from(ends).unwrap_or(u32::MAX - 1) + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn marks_and_coding_lines_are_followed() {
        assert_eq!(decode(b"\xef\xbb\xbfa").as_deref(), Ok("a"));
        assert_eq!(decode(b"\xff\xfea\0\n\0").as_deref(), Ok("a\n"));
        assert_eq!(decode(b"\xfe\xff\0a").as_deref(), Ok("a"));
        let latin = b"#!x\n# -*- coding: latin-1 -*-\n# caf\xe9";
        assert!(decode(latin).expect("valid").ends_with("café"));
        assert_eq!(
            decode(b"# vim: set fileencoding=utf-8 :")
                .as_deref()
                .map(str::len),
            Ok(31)
        );
        assert_eq!(
            decode(b"x\n# coding: koi8-r\n"),
            Err(DecodeError::UnknownEncoding("koi8-r".into()))
        );
        assert_eq!(
            decode(b"x\ny\n# coding: koi8-r").as_deref().map(str::len),
            Ok(20)
        );
    }

    #[test]
    fn a_byte_at_fault_is_located() {
        assert_eq!(
            decode(b"a\nb\xe9"),
            Err(DecodeError::Invalid {
                encoding: "UTF-8",
                line: Some(2)
            })
        );
        assert!(decode(b"\xff\xfea").is_err());
        assert!(decode(b"# coding: ascii\n\xe9").is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_give_text_or_an_error(bytes: Vec<u8>, text: String) {
            let _ = decode(&bytes);
            if !text.starts_with('\u{feff}') && !text.contains("coding") {
                prop_assert_eq!(decode(text.as_bytes()), Ok(text));
            }
        }
    }
}
