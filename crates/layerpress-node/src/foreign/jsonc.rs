//! JSON, as bun writes its lockfile: commas after the last entry, and comments, are allowed.

use std::collections::HashSet;

use super::error::ForeignLockError;
use super::value::{Document, Kind, MAX_DEPTH, Value, syntax};

/// Reads a whole text.
pub(super) fn read(
    file: &str,
    text: &str,
    remedy: &'static str,
) -> Result<Document, ForeignLockError> {
    let mut reader = Reader {
        text,
        at: 0,
        line: 1,
    };
    let root = reader.value(0).and_then(|root| {
        reader.space()?;
        match reader.peek() {
            None => Ok(root),
            Some(_) => Err("something follows the end".to_owned()),
        }
    });
    let root = root.map_err(|message| {
        let begin = text[..reader.at].rfind('\n').map_or(0, |at| at + 1);
        let column = text[begin..reader.at].chars().count() + 1;
        syntax(file, text, (reader.line, column), &message, remedy)
    })?;
    Ok(Document {
        file: file.to_owned(),
        root,
        remedy,
    })
}

struct Reader<'t> {
    text: &'t str,
    /// In bytes, between two characters.
    at: usize,
    line: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn step(&mut self) {
        if let Some(c) = self.peek() {
            self.line += usize::from(c == '\n');
            self.at += c.len_utf8();
        }
    }

    fn skip_while(&mut self, is_skipped: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&is_skipped) {
            self.step();
        }
    }

    /// Passes over white space and comments.
    fn space(&mut self) -> Result<(), String> {
        loop {
            self.skip_while(|c| matches!(c, ' ' | '\t' | '\r' | '\n'));
            if self.rest().starts_with("//") {
                self.skip_while(|c| c != '\n');
            } else if self.rest().starts_with("/*") {
                let Some(end) = self.rest().find("*/") else {
                    return Err("a comment without an end".to_owned());
                };
                let end = self.at + end + 2;
                while self.at < end {
                    self.step();
                }
            } else {
                return Ok(());
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        self.space()?;
        let line = self.line;
        let kind = match self.peek() {
            None => return Err("the file ends too early".to_owned()),
            Some('{' | '[') if depth >= MAX_DEPTH => return Err("nests too deep".to_owned()),
            Some('{') => Kind::Map(self.map(depth)?),
            Some('[') => Kind::List(self.list(depth)?),
            Some('"') => Kind::Text(self.string()?),
            Some(_) => self.word()?,
        };
        Ok(Value { line, kind })
    }

    fn map(&mut self, depth: usize) -> Result<Vec<(String, Value)>, String> {
        let (mut entries, mut keys) = (Vec::new(), HashSet::new());
        self.step();
        loop {
            self.space()?;
            match self.peek() {
                Some('}') => break,
                Some('"') => {}
                _ => return Err("expected a key in double quotes or `}`".to_owned()),
            }
            let key = self.string()?;
            if !keys.insert(key.clone()) {
                return Err(format!("`{key}` is given twice"));
            }
            self.space()?;
            if self.peek() != Some(':') {
                return Err("expected `:`".to_owned());
            }
            self.step();
            entries.push((key, self.value(depth + 1)?));
            if !self.comma('}')? {
                break;
            }
        }
        self.step();
        Ok(entries)
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Value>, String> {
        let mut list = Vec::new();
        self.step();
        loop {
            self.space()?;
            if self.peek() == Some(']') {
                break;
            }
            list.push(self.value(depth + 1)?);
            if !self.comma(']')? {
                break;
            }
        }
        self.step();
        Ok(list)
    }

    /// Whether a comma follows, and not the end.
    fn comma(&mut self, end: char) -> Result<bool, String> {
        self.space()?;
        match self.peek() {
            Some(',') => {
                self.step();
                Ok(true)
            }
            Some(c) if c == end => Ok(false),
            _ => Err(format!("expected `,` or `{end}`")),
        }
    }

    /// A string: what JSON means by its escapes the JSON library knows.
    fn string(&mut self) -> Result<String, String> {
        let bytes = self.rest().as_bytes();
        let mut end = 1;
        loop {
            match bytes.get(end) {
                None | Some(b'\n') => return Err("a text without an end".to_owned()),
                Some(b'"') => break,
                Some(b'\\') => end += 2,
                Some(_) => end += 1,
            }
        }
        let quoted = self.rest().get(..=end).unwrap_or_default();
        let text = serde_json::from_str(quoted);
        let text = text.map_err(|_| "a text with an escape that JSON does not have".to_owned())?;
        self.at += quoted.len();
        Ok(text)
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Result<Kind, String> {
        let rest = self.rest();
        let is_of_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        let end = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
        let word = &rest[..end];
        match serde_json::from_str::<serde_json::Value>(word) {
            Ok(value) => {
                self.at += end;
                Ok(match value {
                    serde_json::Value::Null => Kind::Null,
                    _ => Kind::Text(word.to_owned()),
                })
            }
            Err(_) => Err("expected a value".to_owned()),
        }
    }
}
