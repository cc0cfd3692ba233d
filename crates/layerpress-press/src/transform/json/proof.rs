//! [`same`]: whether one text may stand for another, read token by token, side by side.

use std::str;

/// How deep values may lie in each other; hardly a reader goes as deep.
const MOST_DEPTH: usize = 10_000;

/// Why a text cannot stand for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in super::super) enum Fault {
    /// What was there is no JSON to the letter (RFC 8259).
    #[error("it is no JSON from byte {at} on")]
    NoJson {
        /// Where the first fault lies.
        at: usize,
    },
    /// What would take its place says something else.
    #[error("it would read differently from byte {at} on")]
    Differs {
        /// Where, in the text that was there.
        at: usize,
    },
}

/// Holds `after` against `before`: the same tokens, as they are written and in the same order, but for
/// texts under the name `except` (with its quotes), which are empty in `after`.
///
/// `before` is read to the letter. Of `after` the tokens are enough: what has the same ones has the same
/// grammar.
pub(super) fn same(before: &[u8], after: &[u8], except: Option<&[u8]>) -> Result<(), Fault> {
    str::from_utf8(before).map_err(|error| Fault::NoJson {
        at: error.valid_up_to(),
    })?;
    let (mut was, mut is) = (Tokens::of(before), Tokens::of(after));
    let mut grammar = Grammar::new();
    // Whether what comes next belongs to the name `except`.
    let mut is_excepted = false;
    loop {
        let token = was.next();
        let at = was.start;
        let token = token.ok_or(Fault::NoJson { at })?;
        if !grammar.take(token) {
            return Err(Fault::NoJson { at });
        }
        let expected = match token {
            [b'"', ..] if is_excepted => b"\"\"",
            token => token,
        };
        if is.next() != Some(expected) {
            return Err(Fault::Differs { at });
        }
        is_excepted = match grammar.next {
            Next::End if token.is_empty() => return Ok(()),
            Next::Colon => except == Some(token),
            Next::Value => is_excepted && token == b":",
            _ => false,
        };
    }
}

/// Reads a text's tokens.
struct Tokens<'a> {
    json: &'a [u8],
    /// Where the last token begins.
    start: usize,
    /// Where it ends.
    end: usize,
}

impl<'a> Tokens<'a> {
    fn of(json: &'a [u8]) -> Self {
        Self {
            json,
            start: 0,
            end: 0,
        }
    }

    /// The next token as it is written; an empty one at the end, and nothing where there is none to be
    /// made out. Texts are read to the letter, words as they come.
    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = &self.json[self.end..];
        let space = rest.iter().take_while(|byte| is_space(**byte)).count();
        self.start = self.end + space;
        let rest = &rest[space..];
        let length = match rest.first() {
            None => 0,
            Some(b'{' | b'}' | b'[' | b']' | b':' | b',') => 1,
            Some(b'"') => text_length(rest)?,
            Some(_) => {
                let ends = |byte: &u8| is_space(*byte) || b"{}[]:,\"".contains(byte);
                rest.iter().position(ends).unwrap_or(rest.len())
            }
        };
        self.end = self.start + length;
        Some(&rest[..length])
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// How long the text is that `json` begins with, with its quotes (RFC 8259, 7).
fn text_length(json: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += plain_length(json.get(at..)?);
        at += match json.get(at..)? {
            [b'"', ..] => return Some(at + 1),
            [b'\\', b'u', digits @ ..] => {
                let digits = digits.get(..4)?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return None;
                }
                6
            }
            [
                b'\\',
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't',
                ..,
            ] => 2,
            _ => return None,
        };
    }
}

/// How many bytes stand for themselves within a text. Most of a model is prose, so eight are looked at at
/// once.
fn plain_length(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks();
    for (at, word) in words.iter().enumerate() {
        let found = first_special(u64::from_le_bytes(*word));
        if found < 8 {
            return at * 8 + found;
        }
    }
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
    let found = rest.iter().position(is_special).unwrap_or(rest.len());
    words.len() * 8 + found
}

/// The first byte of a word, from its lowest on, that is a quote, a backslash or below 32; or 8.
///
/// Taking `n` from a byte below `n` borrows from its highest bit, and the first borrow is no other byte's
/// doing; the highest bits of bytes that had them do not count. A byte is another's equal if what differs
/// is below 1.
fn first_special(word: u64) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let below = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word;
    let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let special = (equal(b'"') | equal(b'\\') | below(word, 0x20)) & (ONES << 7);
    special.trailing_zeros() as usize / 8
}

/// What may come next (RFC 8259, 2, 4 and 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Value,
    ValueOrClose,
    Name,
    NameOrClose,
    Colon,
    CommaOrClose,
    End,
}

/// Where in a text its reader is.
struct Grammar {
    next: Next,
    /// What closes the arrays and objects that are open.
    open: Vec<u8>,
}

impl Grammar {
    fn new() -> Self {
        Self {
            next: Next::Value,
            open: Vec::new(),
        }
    }

    /// Goes on behind `token`, if it may stand here; the empty one is the end.
    fn take(&mut self, token: &[u8]) -> bool {
        let Some(&first) = token.first() else {
            return self.next == Next::End;
        };
        self.next = match (self.next, first) {
            (Next::Value | Next::ValueOrClose, b'{' | b'[') if self.open.len() < MOST_DEPTH => {
                // Both close with the character after the next (RFC 20).
                self.open.push(first + 2);
                match first {
                    b'{' => Next::NameOrClose,
                    _ => Next::ValueOrClose,
                }
            }
            (Next::ValueOrClose | Next::NameOrClose | Next::CommaOrClose, b'}' | b']')
                if self.open.last() == Some(&first) =>
            {
                self.open.pop();
                self.behind_value()
            }
            (Next::Name | Next::NameOrClose, b'"') => Next::Colon,
            (Next::Colon, b':') => Next::Value,
            (Next::CommaOrClose, b',') => match self.open.last() {
                Some(b'}') => Next::Name,
                _ => Next::Value,
            },
            (Next::Value | Next::ValueOrClose, b'"') => self.behind_value(),
            (Next::Value | Next::ValueOrClose, _) if is_word(token) => self.behind_value(),
            _ => return false,
        };
        true
    }

    fn behind_value(&self) -> Next {
        match self.open.is_empty() {
            true => Next::End,
            false => Next::CommaOrClose,
        }
    }
}

/// Whether a token is a number (RFC 8259, 6) or one of the three names (3).
fn is_word(token: &[u8]) -> bool {
    if matches!(token, b"true" | b"false" | b"null") {
        return true;
    }
    let token = token.strip_prefix(b"-").unwrap_or(token);
    let (whole, rest) = digits(token);
    let rest = match rest {
        [b'.', rest @ ..] => match digits(rest) {
            ([], _) => return false,
            (_, rest) => rest,
        },
        rest => rest,
    };
    let rest = match rest {
        [b'e' | b'E', b'+' | b'-', rest @ ..] | [b'e' | b'E', rest @ ..] => match digits(rest) {
            ([], _) => return false,
            (_, rest) => rest,
        },
        rest => rest,
    };
    rest.is_empty() && matches!(whole, [b'0'] | [b'1'..=b'9', ..])
}

/// The digits that `bytes` begin with, and what follows.
fn digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    let is_other = |byte: &u8| !byte.is_ascii_digit();
    bytes.split_at(bytes.iter().position(is_other).unwrap_or(bytes.len()))
}

#[cfg(test)]
mod tests;
