//! [`is_same`]: the proof that a module's text compiles to the same code.

use std::ops::Range;

use ruff_python_ast::token::{Token, TokenKind, Tokens};

use super::docstrings::Docstring;
use super::writer::count_lines;
use super::{EMPTY, docstring_at};
use crate::python::{parsed, span};

/// Proves that `new` parses to the tree of `text` but for `docstrings` and columns: it has the same
/// tokens, each on the same line.
///
/// # Errors
/// Where it does not.
pub(super) fn is_same(
    text: &str,
    tokens: &Tokens,
    docstrings: &[Docstring],
    new: &str,
) -> Result<(), String> {
    parsed(new, |module| {
        let mut old = Lines::of(text, tokens);
        let mut new = Lines::of(new, module.tokens());
        let mut line = 1;
        loop {
            let (was, is) = (old.next(), new.next());
            let is_same = match (&was, &is) {
                (None, None) => return Ok(()),
                (Some(was), Some(is)) => {
                    let docstring = docstring_at(docstrings, was.start);
                    let is_empty = was.kind == TokenKind::String && docstring.is_some();
                    let wanted = if is_empty { EMPTY } else { was.word };
                    was.kind == is.kind && wanted == is.word && was.line == is.line
                }
                _ => false,
            };
            line = was.map_or(line, |it| it.line.max(line));
            if !is_same {
                return Err(format!("it reads differently at line {line}"));
            }
        }
    })
    .unwrap_or_else(|| Err("it is no Python any more".into()))
}

/// A token, where it counts.
struct Placed<'a> {
    kind: TokenKind,
    word: &'a str,
    /// Where it begins in its text.
    start: usize,
    /// From 1 on; 0 for what only separates.
    line: usize,
}

/// The tokens of a text that make its tree, with their lines.
struct Lines<'a> {
    text: &'a str,
    tokens: std::slice::Iter<'a, Token>,
    counted: usize,
    line: usize,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str, tokens: &'a Tokens) -> Self {
        Self {
            text,
            tokens: tokens.iter(),
            counted: 0,
            line: 1,
        }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Placed<'a>;

    fn next(&mut self) -> Option<Placed<'a>> {
        let is_code = |kind| !matches!(kind, TokenKind::Comment | TokenKind::NonLogicalNewline);
        let token = self.tokens.find(|token| is_code(token.kind()))?;
        let kind = token.kind();
        let Range { start, end } = span(token);
        if matches!(
            kind,
            TokenKind::Newline | TokenKind::Indent | TokenKind::Dedent | TokenKind::EndOfFile
        ) {
            return Some(Placed {
                kind,
                word: "",
                start,
                line: 0,
            });
        }
        self.line += count_lines(&self.text[self.counted..start]);
        self.counted = start;
        let word = &self.text[start..end];
        Some(Placed {
            kind,
            word,
            start,
            line: self.line,
        })
    }
}
