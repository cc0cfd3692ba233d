//! Where in a JSON file a reader is, so that a fault can name its place.
//!
//! The parser knows how far it came; this knows the field, its parents before it.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::Error;

use crate::seek;

/// Where the reader is, for the error.
#[derive(Default)]
pub(crate) struct Trail {
    fields: RefCell<Vec<String>>,
    hint: Cell<Option<&'static str>>,
    /// Whether the fault lies in the last field's name.
    in_name: Cell<bool>,
}

/// A fault at its place.
pub(crate) struct Fault {
    /// Counted from one.
    pub(crate) line: usize,
    /// In characters, counted from one.
    pub(crate) column: usize,
    /// The field as a path is written: `packages["node_modules/a"].version`; none when the text is
    /// no JSON, or something else than an object.
    pub(crate) field: Option<String>,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do about it, where the reader knows.
    pub(crate) hint: Option<&'static str>,
}

impl Trail {
    /// Reads one value below `field`. After a failure the trail still leads to it.
    pub(crate) fn below<T, E>(
        &self,
        field: &str,
        read: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        self.fields.borrow_mut().push(field.to_owned());
        let value = read()?;
        self.fields.borrow_mut().pop();
        Ok(value)
    }

    /// A fault in what the field holds.
    pub(crate) fn fault<E: Error>(&self, message: impl fmt::Display, hint: &'static str) -> E {
        self.hint.set(Some(hint));
        E::custom(message)
    }

    /// A fault in the field's name.
    pub(crate) fn fault_of_name<E: Error>(
        &self,
        message: impl fmt::Display,
        hint: &'static str,
    ) -> E {
        self.in_name.set(true);
        self.fault(message, hint)
    }

    /// The fault that ended the reading of `text`, at its place.
    pub(crate) fn located(&self, text: &[u8], error: &serde_json::Error) -> Fault {
        let stopped = seek::stopped(text, error);
        let fields = self.fields.borrow();
        let is_known = error.is_data() && !fields.is_empty();
        let offset = if !error.is_data() {
            stopped
        } else if fields.is_empty() {
            seek::root(text)
        } else {
            let found = seek::field(text, &fields, stopped);
            found.map_or(stopped, |found| match self.in_name.get() {
                true => found.key,
                false => found.value,
            })
        };
        let (line, column) = seek::position(text, offset);
        let message = error.to_string();
        let words = message.split(" at line ").next().unwrap_or_default();
        Fault {
            line,
            column,
            field: is_known.then(|| path(&fields)),
            message: in_the_fields_terms(words),
            hint: self.hint.get(),
        }
    }
}

/// The parser's words with JSON's names for what it met: `expected an object, found a list`.
fn in_the_fields_terms(words: &str) -> String {
    let parts = words.strip_prefix("invalid type: ");
    let Some((found, expected)) = parts.and_then(|it| it.rsplit_once(", expected ")) else {
        return words.to_owned();
    };
    let found = match found {
        "sequence" => "a list",
        "map" => "an object",
        // `integer `3``, `string "x"`: the value says what it is.
        value => match value.split_once(['`', '"']) {
            Some((kind, _)) => &value[kind.len()..],
            None => value,
        },
    };
    format!("expected {expected}, found {found}")
}

/// A path of names as it is written: `dependencies.express`, `packages["node_modules/a"].version`.
pub(crate) fn path(fields: &[String]) -> String {
    let path: String = fields.iter().map(|field| step(field)).collect();
    path.trim_start_matches('.').to_owned()
}

pub(crate) fn step(key: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if key.bytes().all(plain) && !key.is_empty() {
        format!(".{key}")
    } else {
        format!("[\"{}\"]", shown(key))
    }
}

/// The text with control characters escaped, cut at 200 characters.
pub(crate) fn shown(text: &str) -> String {
    text.chars()
        .take(200)
        .flat_map(char::escape_debug)
        .collect()
}
