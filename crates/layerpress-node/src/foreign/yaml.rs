//! YAML, as pnpm and Yarn write it: maps, lists and texts.
//!
//! Anchors and aliases are refused: neither tool writes them, and a few lines of them can stand for
//! gigabytes. Depth is bounded; nothing here recurses.

use std::collections::HashSet;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::error::ForeignLockError;
use super::value::{Document, Kind, MAX_DEPTH, Value, syntax};

/// Reads one document.
pub(super) fn read(
    file: &str,
    text: &str,
    remedy: &'static str,
) -> Result<Document, ForeignLockError> {
    let fault = |at: (usize, usize), message: &str| syntax(file, text, at, message, remedy);
    let mut stack: Vec<Open> = Vec::new();
    let mut root = None;
    let mut parser = Parser::new_from_str(text);
    while let Some(next) = parser.next_event() {
        let (event, span) = next.map_err(|error| {
            let mark = error.marker();
            fault((mark.line(), mark.col() + 1), error.info())
        })?;
        let at = (span.start.line(), span.start.col() + 1);
        let line = at.0;
        let done = match event {
            Event::Alias(_) => return Err(fault(at, "an alias, which no lockfile needs")),
            Event::Scalar(_, _, anchor, _)
            | Event::SequenceStart(anchor, _)
            | Event::MappingStart(anchor, _)
                if anchor != 0 =>
            {
                return Err(fault(at, "an anchor, which no lockfile needs"));
            }
            Event::Scalar(text, style, ..) => {
                let is_null = style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null");
                let kind = match is_null {
                    true => Kind::Null,
                    false => Kind::Text(text.into_owned()),
                };
                Value { line, kind }
            }
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                if stack.len() >= MAX_DEPTH {
                    return Err(fault(at, "nests too deep"));
                }
                let is_map = matches!(event, Event::MappingStart(..));
                stack.push(Open::new(line, is_map));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match stack.pop() {
                Some(open) => open.close(),
                None => continue,
            },
            Event::DocumentStart(_) if root.is_some() => {
                return Err(fault(at, "a second document"));
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => continue,
        };
        match stack.last_mut() {
            Some(open) => open.take(done).map_err(|message| fault(at, &message))?,
            None => root = Some(done),
        }
    }
    Ok(Document {
        file: file.to_owned(),
        root: root.unwrap_or(Value {
            line: 1,
            kind: Kind::Null,
        }),
        remedy,
    })
}

/// A list or map that is still being read.
struct Open {
    line: usize,
    is_map: bool,
    list: Vec<Value>,
    entries: Vec<(String, Value)>,
    keys: HashSet<String>,
    key: Option<String>,
}

impl Open {
    fn new(line: usize, is_map: bool) -> Self {
        Open {
            line,
            is_map,
            list: Vec::new(),
            entries: Vec::new(),
            keys: HashSet::new(),
            key: None,
        }
    }

    fn take(&mut self, value: Value) -> Result<(), String> {
        if !self.is_map {
            self.list.push(value);
            return Ok(());
        }
        if let Some(key) = self.key.take() {
            self.entries.push((key, value));
            return Ok(());
        }
        let Kind::Text(key) = value.kind else {
            return Err("a key that is no text".to_owned());
        };
        if !self.keys.insert(key.clone()) {
            return Err(format!("`{key}` is given twice"));
        }
        self.key = Some(key);
        Ok(())
    }

    fn close(self) -> Value {
        let kind = match self.is_map {
            true => Kind::Map(self.entries),
            false => Kind::List(self.list),
        };
        Value {
            line: self.line,
            kind,
        }
    }
}
