//! Where something stands in a JSON text that could not be read.
//!
//! The parser tells how far it came, a reader's [trail](crate::trail) which field it was in; this
//! finds that field's first byte, and says it as line and column. The text may be no JSON behind it.

/// Where a field stands: offsets in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Its name.
    pub(crate) key: usize,
    /// What it holds.
    pub(crate) value: usize,
}

/// Where a parser stopped, in bytes: at what it did not expect, or at the end of the text.
pub(crate) fn stopped(text: &[u8], error: &serde_json::Error) -> usize {
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    let before: usize = lines
        .take(error.line().saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    let taken = (before + error.column()).min(text.len());
    // At the end there is nothing to take, and a bare control character is taken or left.
    let is_behind = error.is_eof()
        || error.to_string().starts_with("control character")
            && text.get(taken).is_some_and(u8::is_ascii_control);
    taken - usize::from(!is_behind && taken > 0)
}

/// Line and column of an offset, in characters, both counted from one.
pub(crate) fn position(text: &[u8], offset: usize) -> (usize, usize) {
    let before = &text[..offset.min(text.len())];
    let line = before.iter().filter(|byte| **byte == b'\n').count();
    let start = before.iter().rposition(|byte| *byte == b'\n');
    let column = String::from_utf8_lossy(&before[start.map_or(0, |at| at + 1)..])
        .chars()
        .count();
    (line + 1, column + 1)
}

/// The field at the end of a path of names, of several the last that begins before `until`.
pub(crate) fn field(text: &[u8], path: &[String], until: usize) -> Option<Found> {
    let scan = Scan { text, until };
    scan.below(scan.blank(0), path)
}

/// The first byte of the value that a text is.
pub(crate) fn root(text: &[u8]) -> usize {
    Scan { text, until: 0 }.blank(0)
}

struct Scan<'t> {
    text: &'t [u8],
    until: usize,
}

impl Scan<'_> {
    /// Looks for a path in the object that begins at `at`. It goes no deeper than the path is long.
    fn below(&self, at: usize, path: &[String]) -> Option<Found> {
        let (first, rest) = path.split_first()?;
        let mut at = self.enter(at, b'{')?;
        let mut found = None;
        while let Some(end) = self.string(at) {
            let key = at;
            let name = serde_json::from_slice::<String>(&self.text[key..end]);
            let Some(value) = self.enter(self.blank(end), b':') else {
                break;
            };
            if key > self.until {
                break;
            }
            if name.is_ok_and(|name| name == *first) {
                found = match rest {
                    [] => Some(Found { key, value }),
                    rest => self.below(value, rest).or(found),
                };
            }
            let Some(next) = self.enter(self.blank(self.value(value)), b',') else {
                break;
            };
            at = next;
        }
        found
    }

    /// Behind a byte that has to stand at `at`, and the blanks that follow it.
    fn enter(&self, at: usize, byte: u8) -> Option<usize> {
        (self.text.get(at) == Some(&byte)).then(|| self.blank(at + 1))
    }

    fn blank(&self, mut at: usize) -> usize {
        while self.text.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        at
    }

    /// Behind the string at `at`, if there is a whole one.
    fn string(&self, at: usize) -> Option<usize> {
        if self.text.get(at) != Some(&b'"') {
            return None;
        }
        let mut end = at + 1;
        loop {
            match self.text.get(end)? {
                b'"' => return Some(end + 1),
                b'\\' => end += 2,
                _ => end += 1,
            }
        }
    }

    /// Behind the value at `at`, whatever it is.
    fn value(&self, mut at: usize) -> usize {
        let mut depth = 0_usize;
        while let Some(byte) = self.text.get(at) {
            match byte {
                b'"' => {
                    at = self.string(at).unwrap_or(self.text.len());
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' | b',' if depth == 0 => return at,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            at += 1;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str, path: &[&str]) -> Option<(usize, usize)> {
        let path: Vec<String> = path.iter().map(|&part| part.to_owned()).collect();
        let found = field(text.as_bytes(), &path, text.len())?;
        Some((found.key, found.value))
    }

    #[test]
    fn a_field_is_found_by_its_path() {
        let text =
            r#"{"a": {"b": ["}", {"c": 1}], "c": 2}, "\u0062": 3, "a": {"c" : "x"} , "e": tru"#;
        assert_eq!(at(text, &["a", "b"]), Some((7, 12)));
        assert_eq!(at(text, &["b"]), Some((38, 48)));
        // Of two the last, and what only the first holds there.
        assert_eq!(at(text, &["a", "c"]), Some((57, 63)));
        assert_eq!(at(text, &["e"]), Some((70, 75)));
        for path in [&["c"][..], &["a", "b", "c"], &["a", "x"], &[]] {
            assert_eq!(at(text, path), None, "{path:?}");
        }
        let path = ["a".to_owned(), "c".to_owned()];
        let found = field(text.as_bytes(), &path, 40);
        assert_eq!(found, Some(Found { key: 29, value: 34 }));
    }

    #[test]
    fn what_is_not_expected_is_pointed_at() {
        let place = |text: &str| {
            let error = serde_json::from_str::<serde_json::Value>(text).unwrap_err();
            position(text.as_bytes(), stopped(text.as_bytes(), &error))
        };
        for (text, expected) in [
            ("", (1, 1)),
            ("  ", (1, 3)),
            ("{\n", (2, 1)),
            ("x", (1, 1)),
            ("\n\n x", (3, 2)),
            ("{\"é\": }", (1, 7)),
            ("{\"a\": 1,}", (1, 9)),
            ("{\"a\": 1 \"b\"}", (1, 9)),
            ("{\"a\": \"\n\"}", (1, 8)),
            ("{\"a\": tru}", (1, 10)),
            ("{\"a\": 01}", (1, 8)),
            ("{} x", (1, 4)),
            ("{'a'}", (1, 2)),
        ] {
            assert_eq!(place(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_fail(text in "[\\[\\]{}:,\"\\\\a \n]{0,40}", until in 0_usize..50) {
            let path = ["a".to_owned(), "a".to_owned()];
            if let Some(found) = field(text.as_bytes(), &path, until) {
                prop_assert!(found.key < found.value && found.value <= text.len());
            }
            let (line, column) = position(text.as_bytes(), until);
            prop_assert!(line >= 1 && column >= 1);
        }
    }
}
