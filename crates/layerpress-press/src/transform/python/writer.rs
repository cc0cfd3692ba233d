//! [`write`]: a module's tokens with as little as may be between them, each on its line.

use ruff_python_ast::token::{TokenKind, Tokens};

use super::docstrings::Docstring;
use super::{EMPTY, docstring_at, guards};
use crate::python::span;

/// The module without `docstrings` and comments.
///
/// # Errors
/// Text between two tokens that is not understood.
pub(super) fn write(
    text: &str,
    tokens: &Tokens,
    docstrings: &[Docstring],
) -> Result<String, String> {
    let mut writer = Writer {
        out: String::with_capacity(text.len()),
        levels: 0,
        begins_line: true,
        owed_lines: 0,
        continued: 0,
        interpolated: 0,
    };
    let keeps_types = text.contains("torch");
    let mut end = 0;
    for token in tokens.iter() {
        let range = span(token);
        let gap = &text[end.min(range.start)..range.start];
        end = range.end;
        let word = &text[range.clone()];
        match token.kind() {
            TokenKind::Indent => writer.levels += 1,
            TokenKind::Dedent => writer.levels = writer.levels.saturating_sub(1),
            TokenKind::Newline => {
                writer.owed_lines += count_lines(gap);
                writer.line(!word.is_empty());
            }
            TokenKind::NonLogicalNewline if writer.interpolated == 0 => {
                let owed = std::mem::take(&mut writer.continued) + count_lines(gap);
                writer.lines(owed + 1);
            }
            TokenKind::EndOfFile => {}
            TokenKind::Comment if writer.interpolated == 0 => {
                writer.continued += count_lines(gap);
                if stays(text, range.start, word, keeps_types) {
                    writer.comment(gap, word.trim_end());
                }
            }
            kind => {
                let docstring = docstring_at(docstrings, range.start);
                let lines = docstring.map_or(0, |_| count_lines(word));
                writer.word(gap, if docstring.is_some() { EMPTY } else { word })?;
                writer.owed_lines += lines;
                writer.count_interpolated(kind);
            }
        }
    }
    // Nobody's line depends on what follows the last one.
    let used = writer.out.trim_end_matches('\n').len();
    writer.out.truncate(used);
    if used > 0 {
        writer.out.push('\n');
    }
    Ok(writer.out)
}

struct Writer {
    out: String,
    /// How deep the code is indented: one space for each level.
    levels: usize,
    begins_line: bool,
    /// Lines that a docstring took, to come after its statement.
    owed_lines: usize,
    /// Lines that were continued up to a comment that is gone.
    continued: usize,
    /// How many f-strings are open: within them every space may count.
    interpolated: usize,
}

impl Writer {
    /// Ends a statement.
    fn line(&mut self, is_written: bool) {
        let owed = std::mem::take(&mut self.owed_lines) + std::mem::take(&mut self.continued);
        self.lines(owed + usize::from(is_written));
    }

    fn lines(&mut self, lines: usize) {
        self.out.extend(std::iter::repeat_n('\n', lines));
        self.begins_line = true;
    }

    fn word(&mut self, gap: &str, word: &str) -> Result<(), String> {
        if self.interpolated > 0 {
            self.out.push_str(gap);
        } else if self.begins_line {
            if gap.contains('\\') {
                return Err("a line is continued before it begins".into());
            }
            // Those within brackets too: who reads a function's source takes off what its lines have
            // in common.
            self.indent();
        } else if gap.contains('\\') {
            for _ in 0..count_lines(gap) {
                self.out.push_str("\\\n");
            }
            self.indent();
        } else if !gap.is_empty() && needs_space(&self.out, word) {
            self.out.push(' ');
        }
        self.out.push_str(word);
        self.begins_line = false;
        Ok(())
    }

    /// A comment may stand before the line that deepens the indentation, so it keeps its own.
    fn comment(&mut self, gap: &str, comment: &str) {
        self.out.push_str(if self.begins_line { gap } else { " " });
        self.out.push_str(comment);
        self.begins_line = false;
    }

    fn indent(&mut self) {
        self.out.extend(std::iter::repeat_n(' ', self.levels));
    }

    fn count_interpolated(&mut self, kind: TokenKind) {
        match kind {
            TokenKind::FStringStart | TokenKind::TStringStart => self.interpolated += 1,
            TokenKind::FStringEnd | TokenKind::TStringEnd => {
                self.interpolated = self.interpolated.saturating_sub(1);
            }
            _ => {}
        }
    }
}

/// Whether a comment says something to Python, or to who compiles TorchScript from source.
fn stays(text: &str, start: usize, comment: &str, keeps_types: bool) -> bool {
    let is_shebang = start == 0 && comment.starts_with("#!");
    let names_encoding = guards::encoding(comment).is_some() && count_lines(&text[..start]) < 2;
    let is_type = keeps_types && comment[1..].trim_start().starts_with("type:");
    is_shebang || names_encoding || is_type
}

/// Whether `word` would run into what stands before it. Only brackets and commas never do; of the
/// rest this errs on the side of a space.
fn needs_space(out: &str, word: &str) -> bool {
    let is_closed = |it: char| "()[]{},;".contains(it);
    let (Some(before), Some(after)) = (out.chars().next_back(), word.chars().next()) else {
        return false;
    };
    if is_closed(before) || is_closed(after) {
        return false;
    }
    let kind = |it: char| match it {
        '\'' | '"' => Kind::Word,
        it if it.is_ascii_punctuation() && it != '_' => Kind::Operator,
        _ => Kind::Word,
    };
    // `1 .real` and `. .5`, too, read otherwise without the space.
    kind(before) == kind(after) || before == '.' || after == '.'
}

#[derive(PartialEq, Eq)]
enum Kind {
    Word,
    Operator,
}

/// How many lines end in `text`, as Python counts them.
pub(super) fn count_lines(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_end = |at: usize| match bytes[at] {
        b'\n' => true,
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    };
    (0..bytes.len()).filter(|at| is_end(*at)).count()
}
