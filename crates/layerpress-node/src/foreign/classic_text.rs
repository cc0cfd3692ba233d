//! Yarn's own syntax of version 1: keys and values parted by a space, nesting by two spaces
//! (yarn's `src/lockfile/parse.js`).

use std::collections::HashSet;

use super::error::ForeignLockError;
use super::value::{Document, Kind, MAX_DEPTH, Value, syntax};

/// Reads a whole text. The keys of an entry, parted by commas, stay one text.
pub(super) fn read(
    file: &str,
    text: &str,
    remedy: &'static str,
) -> Result<Document, ForeignLockError> {
    let fault = |line: usize, column: usize, message: &str| {
        syntax(file, text, (line, column), message, remedy)
    };
    // What is still open: how far its key is indented, its key, what it holds.
    let mut open = vec![Open::new(String::new(), 1)];
    for (index, whole) in text.lines().enumerate() {
        let line = index + 1;
        let content = whole.trim_start_matches(' ');
        if content.trim().is_empty() || content.starts_with('#') {
            continue;
        }
        let indent = whole.len() - content.len();
        let depth = indent / 2 + 1;
        if indent % 2 != 0 || depth > open.len() || depth > MAX_DEPTH {
            return Err(fault(line, indent + 1, "is indented too far"));
        }
        while open.len() > depth {
            close(&mut open).map_err(|(line, message)| fault(line, 1, &message))?;
        }
        let content = content.trim_end();
        if let Some(keys) = content.strip_suffix(':') {
            let keys = key(keys).ok_or_else(|| fault(line, indent + 1, "expected a key"))?;
            open.push(Open::new(keys, line));
            continue;
        }
        let entry = pair(content).ok_or_else(|| {
            fault(
                line,
                indent + 1,
                "expected a key and a value, or a key and `:`",
            )
        })?;
        if let Some(top) = open.last_mut() {
            let value = Value {
                line,
                kind: Kind::Text(entry.1),
            };
            top.add(entry.0, value)
                .map_err(|message| fault(line, indent + 1, &message))?;
        }
    }
    while open.len() > 1 {
        close(&mut open).map_err(|(line, message)| fault(line, 1, &message))?;
    }
    let entries = open.pop().map(|whole| whole.entries).unwrap_or_default();
    Ok(Document {
        file: file.to_owned(),
        root: Value {
            line: 1,
            kind: Kind::Map(entries),
        },
        remedy,
    })
}

/// A map that is still being read.
struct Open {
    key: String,
    line: usize,
    entries: Vec<(String, Value)>,
    keys: HashSet<String>,
}

impl Open {
    fn new(key: String, line: usize) -> Self {
        Open {
            key,
            line,
            entries: Vec::new(),
            keys: HashSet::new(),
        }
    }

    fn add(&mut self, key: String, value: Value) -> Result<(), String> {
        if !self.keys.insert(key.clone()) {
            return Err(format!("`{key}` is given twice"));
        }
        self.entries.push((key, value));
        Ok(())
    }
}

/// Puts the innermost map into the one around it.
fn close(open: &mut Vec<Open>) -> Result<(), (usize, String)> {
    let Some(done) = open.pop() else {
        return Ok(());
    };
    let value = Value {
        line: done.line,
        kind: Kind::Map(done.entries),
    };
    match open.last_mut() {
        Some(around) => around
            .add(done.key, value)
            .map_err(|message| (done.line, message)),
        None => Ok(()),
    }
}

/// One key, or several with `, ` between them; quotes are taken off.
fn key(text: &str) -> Option<String> {
    let mut keys = Vec::new();
    let mut rest = text;
    loop {
        let (word, after) = word(rest)?;
        keys.push(word);
        match after.strip_prefix(", ") {
            Some(more) => rest = more,
            None if after.is_empty() => break,
            None => return None,
        }
    }
    Some(keys.join(", "))
}

fn pair(text: &str) -> Option<(String, String)> {
    let (key, rest) = word(text)?;
    let rest = rest.strip_prefix(' ')?;
    let (value, after) = word(rest)?;
    // An address may hold what would end a word elsewhere.
    match after.is_empty() {
        true => Some((key, value)),
        false => Some((key, rest.to_owned())),
    }
}

/// The first word, in quotes or not, and what follows it.
fn word(text: &str) -> Option<(String, &str)> {
    if !text.starts_with('"') {
        let end = text.find([' ', ',']).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    }
    let bytes = text.as_bytes();
    let mut end = 1;
    loop {
        match bytes.get(end)? {
            b'"' => break,
            b'\\' => end += 2,
            _ => end += 1,
        }
    }
    let quoted = text.get(..=end)?;
    let read = serde_json::from_str(quoted).ok()?;
    Some((read, &text[end + 1..]))
}
