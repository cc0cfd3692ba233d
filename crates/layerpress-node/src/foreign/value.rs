//! The text of a lockfile as plain values that know their lines, whichever syntax it has.

use std::fmt::Display;

use super::error::ForeignLockError;
use crate::trail::{shown, step};

/// How deep values may nest.
pub(super) const MAX_DEPTH: usize = 128;

/// A value and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    /// Counted from one.
    pub(super) line: usize,
    pub(super) kind: Kind,
}

/// What a value is. Numbers and truth values are texts as written: no lockfile needs more of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Text(String),
    List(Vec<Value>),
    /// No key twice, in the order of the file.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// A field of a map; nothing where it is missing or null, or this is no map.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        let Kind::Map(entries) = &self.kind else {
            return None;
        };
        let found = entries.iter().find(|(other, _)| other == key);
        found
            .map(|(_, value)| value)
            .filter(|value| value.kind != Kind::Null)
    }

    /// Whether a field is `true`.
    pub(super) fn is_true(&self, key: &str) -> bool {
        self.get(key)
            .is_some_and(|value| value.kind == Kind::Text("true".to_owned()))
    }
}

/// A file that was read.
#[derive(Clone, Debug)]
pub(super) struct Document {
    /// What messages call it.
    pub(super) file: String,
    pub(super) root: Value,
    /// The way out of a damaged file.
    pub(super) remedy: &'static str,
}

impl Document {
    /// The entries of a map.
    pub(super) fn map<'d>(
        &self,
        value: &'d Value,
    ) -> Result<&'d [(String, Value)], ForeignLockError> {
        match &value.kind {
            Kind::Map(entries) => Ok(entries),
            _ => Err(self.fault(value, "expected a map")),
        }
    }

    /// The entries of the map in a field; none where it is missing.
    pub(super) fn entries<'d>(
        &self,
        of: &'d Value,
        key: &str,
    ) -> Result<&'d [(String, Value)], ForeignLockError> {
        of.get(key).map_or(Ok(&[]), |value| self.map(value))
    }

    pub(super) fn text<'d>(&self, value: &'d Value) -> Result<&'d str, ForeignLockError> {
        match &value.kind {
            Kind::Text(text) => Ok(text),
            _ => Err(self.fault(value, "expected a text")),
        }
    }

    /// The text in a field; nothing where it is missing.
    pub(super) fn text_of<'d>(
        &self,
        of: &'d Value,
        key: &str,
    ) -> Result<Option<&'d str>, ForeignLockError> {
        of.get(key).map(|value| self.text(value)).transpose()
    }

    /// A list of texts in a field, or one alone; none where it is missing.
    pub(super) fn texts_of<'d>(
        &self,
        of: &'d Value,
        key: &str,
    ) -> Result<Vec<&'d str>, ForeignLockError> {
        let Some(value) = of.get(key) else {
            return Ok(Vec::new());
        };
        match &value.kind {
            Kind::List(list) => list.iter().map(|value| self.text(value)).collect(),
            _ => Ok(vec![self.text(value)?]),
        }
    }

    /// Something wrong with a value of this document.
    pub(super) fn fault(&self, at: &Value, message: impl Display) -> ForeignLockError {
        ForeignLockError::Field {
            file: self.file.clone(),
            line: at.line,
            field: self.path(at),
            message: message.to_string(),
            hint: self.remedy.to_owned(),
        }
    }

    /// Something that only the tool itself can do.
    pub(super) fn unsupported(
        &self,
        at: &Value,
        what: impl Display,
        hint: impl Display,
    ) -> ForeignLockError {
        ForeignLockError::Unsupported {
            file: self.file.clone(),
            line: at.line,
            field: self.path(at),
            what: what.to_string(),
            hint: hint.to_string(),
        }
    }

    /// The way to a value of this document: looked for only when it has to be told.
    fn path(&self, at: &Value) -> String {
        let mut steps = Vec::new();
        way(&self.root, at, &mut steps);
        let path = steps.concat();
        path.trim_start_matches('.').to_owned()
    }
}

/// Whether a value is below another, and by which steps.
fn way(from: &Value, to: &Value, steps: &mut Vec<String>) -> bool {
    if std::ptr::eq(from, to) {
        return true;
    }
    let mut try_below = |value: &Value, name: &dyn Fn() -> String| {
        steps.push(name());
        let found = way(value, to, steps);
        if !found {
            steps.pop();
        }
        found
    };
    match &from.kind {
        Kind::Map(entries) => entries
            .iter()
            .any(|(key, value)| try_below(value, &|| step(key))),
        Kind::List(list) => list
            .iter()
            .enumerate()
            .any(|(index, value)| try_below(value, &|| format!("[{index}]"))),
        Kind::Null | Kind::Text(_) => false,
    }
}

/// A fault of the syntax. A file that holds both sides of a merge is told so.
pub(super) fn syntax(
    file: &str,
    text: &str,
    (line, column): (usize, usize),
    message: &str,
    remedy: &str,
) -> ForeignLockError {
    let is_merged = text.lines().any(|line| line.starts_with("<<<<<<< "));
    ForeignLockError::Syntax {
        file: file.to_owned(),
        line,
        column,
        message: shown(message),
        hint: if is_merged {
            "the file holds both sides of a merge: take one of them, then have it written again"
        } else {
            remedy
        }
        .to_owned(),
    }
}
