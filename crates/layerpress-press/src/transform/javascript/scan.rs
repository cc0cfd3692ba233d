//! [`Scan`]: a script's tokens, each with the gap before it.
//!
//! Only the gaps matter to what reads this, so a token here may be a part of one (`===` comes as three),
//! and must only never take in a gap, nor a gap a token. The one hard question of that kind is
//! whether a `/` divides or opens a regular expression (ECMA-262, 12 "Lexical Grammar", goal symbols).
//! It is answered where the tokens before it answer it; where they do not, the scan gives up
//! ([`Unclear`]) rather than guess.
//!
//! The scan also bounds how deep a parser has to go ([`Scan::depth`]), which it must be told before it
//! starts: parsers descend by calling themselves, and a hostile file would be their stack's end.

mod levels;
mod slash;

use levels::Levels;
pub(super) use levels::Opener;

/// What sort of token it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name, a keyword, or a private name with its `#`.
    Word,
    /// A number.
    Number,
    /// A string in quotes.
    Text,
    /// A template, or its part up to the next `${`, or from a `}` on.
    Template,
    /// A regular expression with its flags.
    Pattern,
    /// `#!` and the rest of the first line.
    Hashbang,
    /// Anything else: one character, or `++`, `--`, `=>`, `...`, `?.`.
    Mark,
}

/// A token and what is known of the gap before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    /// White space and comments since the token before.
    pub(super) gap: &'a str,
    /// The gap has a line's end, in a comment or outside.
    pub(super) newline: bool,
    /// The gap has a comment.
    pub(super) comment: bool,
}

/// What this scan cannot tell apart, or what is no JavaScript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unclear;

/// The tokens of a script.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    source: &'a str,
    at: usize,
    /// Where the last gap began.
    gap_start: usize,
    levels: Levels,
    /// The last two tokens, the later one first.
    last: Option<(Kind, &'a str)>,
    before_last: Option<(Kind, &'a str)>,
}

impl<'a> Scan<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self {
            source,
            at: 0,
            gap_start: 0,
            levels: Levels::new(),
            last: None,
            before_last: None,
        }
    }

    /// The next token; nothing at the end, where every bracket must be closed.
    pub(super) fn token(&mut self) -> Result<Option<Token<'a>>, Unclear> {
        self.gap_start = self.at;
        let (newline, comment) = self.gap()?;
        let start = self.at;
        let Some(&first) = self.bytes().get(start) else {
            return if self.levels.all_closed() {
                Ok(None)
            } else {
                Err(Unclear)
            };
        };
        let kind = self.end_of(first, newline || self.last.is_none())?;
        let text = &self.source[start..self.at];
        self.levels.saw(kind, text, self.last, self.before_last)?;
        self.before_last = self.last;
        self.last = Some((kind, text));
        Ok(Some(Token {
            kind,
            text,
            gap: &self.source[self.gap_start..start],
            newline,
            comment,
        }))
    }

    /// The gap at the end of the file, once there are no tokens any more.
    pub(super) fn tail(&self) -> &'a str {
        &self.source[self.gap_start..]
    }

    /// An upper bound of how many rules of the grammar stand within each other anywhere so far.
    pub(super) fn depth(&self) -> usize {
        self.levels.deepest()
    }

    fn bytes(&self) -> &'a [u8] {
        self.source.as_bytes()
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes().get(self.at + ahead).copied()
    }

    /// Goes past white space and comments; says whether there was a line's end, and a comment.
    fn gap(&mut self) -> Result<(bool, bool), Unclear> {
        let (mut newline, mut comment) = (false, false);
        while let Some(byte) = self.peek(0) {
            match byte {
                b' ' | b'\t' | 0x0b | 0x0c => self.at += 1,
                b'\n' | b'\r' => {
                    newline = true;
                    self.at += 1;
                }
                b'/' if self.peek(1) == Some(b'/') => {
                    comment = true;
                    self.at += self.rest().find(is_line_end).unwrap_or(self.rest().len());
                }
                b'/' if self.peek(1) == Some(b'*') => {
                    comment = true;
                    let end = self.rest()[2..].find("*/").ok_or(Unclear)? + 4;
                    newline |= self.rest()[..end].contains(is_line_end);
                    self.at += end;
                }
                0x80.. => {
                    let Some(it) = self.rest().chars().next().filter(|it| is_wide_space(*it))
                    else {
                        break;
                    };
                    newline |= is_line_end(it);
                    self.at += it.len_utf8();
                }
                _ => break,
            }
        }
        Ok((newline, comment))
    }

    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    /// Goes to the end of the token that starts with `first`. `fresh` is whether it is the first of its line.
    fn end_of(&mut self, first: u8, fresh: bool) -> Result<Kind, Unclear> {
        match first {
            b'#' if self.at == 0 && self.peek(1) == Some(b'!') => {
                self.at = self.source.find(is_line_end).unwrap_or(self.source.len());
                Ok(Kind::Hashbang)
            }
            b'"' | b'\'' => self.text(first),
            b'`' => {
                self.at += 1;
                self.template()
            }
            b'}' if self.levels.innermost() == Some(Opener::Template) => {
                self.at += 1;
                self.template()
            }
            b'0'..=b'9' => Ok(self.number()),
            b'.' if self.peek(1).is_some_and(|it| it.is_ascii_digit()) => Ok(self.number()),
            b'/' => match slash::meaning(self.last, self.before_last, &self.levels, self.rest())? {
                slash::Meaning::Division => {
                    self.at += 1;
                    Ok(Kind::Mark)
                }
                slash::Meaning::Pattern { length } => {
                    self.at += length;
                    Ok(Kind::Pattern)
                }
            },
            _ if first == b'#' || first == b'\\' || is_word_byte(first) => self.word(),
            _ => self.mark(fresh),
        }
    }

    fn text(&mut self, quote: u8) -> Result<Kind, Unclear> {
        loop {
            self.at += 1;
            match self.peek(0).ok_or(Unclear)? {
                b'\\' => self.at += 1,
                b'\n' | b'\r' => {
                    // Only after a backslash, of which `\r\n` is one line's end.
                    let escaped = self.peek_back() == Some(b'\r') && self.peek(0) == Some(b'\n');
                    if !escaped {
                        return Err(Unclear);
                    }
                }
                byte if byte == quote => {
                    self.at += 1;
                    return Ok(Kind::Text);
                }
                _ => {}
            }
        }
    }

    fn peek_back(&self) -> Option<u8> {
        self.at.checked_sub(1).map(|at| self.bytes()[at])
    }

    /// Goes to the end of a template's part, which begins here.
    fn template(&mut self) -> Result<Kind, Unclear> {
        loop {
            match self.peek(0).ok_or(Unclear)? {
                b'\\' => self.at += 2,
                b'`' => {
                    self.at += 1;
                    return Ok(Kind::Template);
                }
                b'$' if self.peek(1) == Some(b'{') => {
                    self.at += 2;
                    return Ok(Kind::Template);
                }
                _ => self.at += 1,
            }
        }
    }

    fn number(&mut self) -> Kind {
        let prefix = (self.peek(0), self.peek(1).map(|it| it.to_ascii_lowercase()));
        if matches!(prefix, (Some(b'0'), Some(b'x' | b'o' | b'b'))) {
            self.skip(|it| it.is_ascii_alphanumeric() || it == b'_');
            return Kind::Number;
        }
        let digits = |it: u8| it.is_ascii_digit() || it == b'_';
        self.skip(digits);
        if self.peek(0) == Some(b'.') {
            self.at += 1;
            self.skip(digits);
        }
        if matches!(self.peek(0), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(0), Some(b'+' | b'-')) {
                self.at += 1;
            }
        }
        self.skip(|it| it.is_ascii_alphanumeric() || it == b'_');
        Kind::Number
    }

    fn skip(&mut self, wanted: impl Fn(u8) -> bool) {
        while self.peek(0).is_some_and(&wanted) {
            self.at += 1;
        }
    }

    fn word(&mut self) -> Result<Kind, Unclear> {
        self.at += usize::from(self.peek(0) == Some(b'#'));
        let start = self.at;
        while let Some(byte) = self.peek(0) {
            match byte {
                // `\u{61}`: the braces are the name's.
                b'\\' if self.rest().starts_with("\\u{") => {
                    self.at += self.rest().find('}').ok_or(Unclear)? + 1;
                }
                b'\\' => self.at += 1,
                0x80.. => {
                    let Some(it) = self.rest().chars().next().filter(|it| !is_wide_space(*it))
                    else {
                        break;
                    };
                    self.at += it.len_utf8();
                }
                _ if is_word_byte(byte) => self.at += 1,
                _ => break,
            }
        }
        // A `#` alone, or what only looked like a letter.
        if self.at == start {
            return Err(Unclear);
        }
        Ok(Kind::Word)
    }

    fn mark(&mut self, fresh: bool) -> Result<Kind, Unclear> {
        let rest = self.rest().as_bytes();
        // Comments of scripts in web pages (ECMA-262, annex B.1.1), but two operators in modules.
        if rest.starts_with(b"<!--") || fresh && rest.starts_with(b"-->") {
            return Err(Unclear);
        }
        let digit = rest.get(2).is_some_and(u8::is_ascii_digit);
        self.at += match rest {
            [b'.', b'.', b'.', ..] => 3,
            [b'?', b'.', ..] if !digit => 2,
            [b'+', b'+', ..] | [b'-', b'-', ..] | [b'=', b'>', ..] => 2,
            [byte, ..] if byte.is_ascii_graphic() => 1,
            _ => return Err(Unclear),
        };
        Ok(Kind::Mark)
    }
}

/// Whether it may stand in a name, all that is not ASCII being taken for a letter.
pub(super) fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'$' | b'_' | 0x80..)
}

/// ECMA-262, 12.3 "Line Terminators".
pub(super) fn is_line_end(it: char) -> bool {
    matches!(it, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

/// White space and line ends past ASCII (ECMA-262, 12.2 "White Space" and 12.3).
fn is_wide_space(it: char) -> bool {
    !it.is_ascii() && it != '\u{85}' && (it.is_whitespace() || it == '\u{feff}')
}
