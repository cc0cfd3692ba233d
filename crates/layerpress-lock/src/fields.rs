//! [`Fields`]: a TOML table whose values are taken out by type, every fault with its line.

use std::ops::Range;
use std::rc::Rc;
use std::str::FromStr;

use toml_edit::{Datetime, Item, TableLike, Value};

use crate::error::shown;
use crate::{Fault, LockError};

/// A table of a lockfile, and where it stands.
#[derive(Clone)]
pub(crate) struct Fields<'a> {
    table: &'a dyn TableLike,
    place: Rc<Place<'a>>,
}

/// Where something stands in a lockfile. Cheap to make: the path is put into words only for a fault.
#[derive(Clone)]
pub(crate) struct Place<'a> {
    text: &'a str,
    outer: Option<Rc<Place<'a>>>,
    step: Step<'a>,
    package: Option<&'a str>,
    span: Option<Range<usize>>,
}

/// The last part of a path.
#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

impl<'a> Place<'a> {
    /// The file as a whole.
    pub(crate) fn root(text: &'a str) -> Self {
        Self {
            text,
            outer: None,
            step: Step::Root,
            package: None,
            span: None,
        }
    }

    pub(crate) fn at(&self, span: Option<Range<usize>>) -> Self {
        Self {
            span: span.or_else(|| self.span.clone()),
            ..self.clone()
        }
    }

    fn inner(self: &Rc<Self>, step: Step<'a>, span: Option<Range<usize>>) -> Self {
        Self {
            text: self.text,
            outer: Some(Rc::clone(self)),
            step,
            package: self.package,
            span: span.or_else(|| self.span.clone()),
        }
    }

    /// The path, such as `packages[3].wheels[0].hashes`; empty for the file.
    pub(crate) fn path(&self) -> String {
        let mut path = self
            .outer
            .as_ref()
            .map_or_else(String::new, |outer| outer.path());
        match self.step {
            Step::Root => {}
            Step::Key(key) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
            }
            Step::Index(index) => path.push_str(&format!("[{index}]")),
        }
        path
    }

    pub(crate) fn line(&self) -> Option<u32> {
        let start = self.span.as_ref()?.start.min(self.text.len());
        let newlines = self.text.as_bytes()[..start]
            .iter()
            .filter(|byte| **byte == b'\n');
        u32::try_from(newlines.count() + 1).ok()
    }

    pub(crate) fn fault(&self, fault: impl Into<Fault>) -> LockError {
        LockError {
            line: self.line(),
            field: shown(&self.path()),
            package: self.package.map(shown),
            fault: fault.into(),
        }
    }
}

impl<'a> Fields<'a> {
    pub(crate) fn new(table: &'a dyn TableLike, place: Place<'a>) -> Self {
        Self {
            table,
            place: Rc::new(place),
        }
    }

    pub(crate) fn place(&self) -> &Place<'a> {
        &self.place
    }

    /// Names the package that this table and what is in it belong to.
    pub(crate) fn of_package(mut self, name: &'a str) -> Self {
        self.place = Rc::new(Place {
            package: Some(name),
            ..(*self.place).clone()
        });
        self
    }

    pub(crate) fn place_of(&self, key: &'a str) -> Place<'a> {
        let span = self.table.get(key).and_then(Item::span);
        self.place.inner(Step::Key(key), span)
    }

    pub(crate) fn has(&self, key: &'a str) -> bool {
        self.table.contains_key(key)
    }

    /// The keys that are not among these, with their places.
    pub(crate) fn others(&self, known: &[&str]) -> Vec<Place<'a>> {
        let keys = self.table.iter().map(|(key, _)| key);
        keys.filter(|key| !known.contains(key))
            .map(|key| self.place_of(key))
            .collect()
    }

    pub(crate) fn missing(&self, key: &'a str) -> LockError {
        self.place_of(key).fault(Fault::Missing)
    }

    pub(crate) fn string(&self, key: &'a str) -> Result<Option<&'a str>, LockError> {
        self.typed(key, "a string", Item::as_str)
    }

    pub(crate) fn required_string(&self, key: &'a str) -> Result<&'a str, LockError> {
        self.string(key)?.ok_or_else(|| self.missing(key))
    }

    pub(crate) fn boolean(&self, key: &'a str) -> Result<Option<bool>, LockError> {
        self.typed(key, "a boolean", Item::as_bool)
    }

    pub(crate) fn datetime(&self, key: &'a str) -> Result<Option<Datetime>, LockError> {
        self.typed(key, "a date-time", |item| item.as_datetime().copied())
    }

    /// A count: an integer that is not negative.
    pub(crate) fn count(&self, key: &'a str) -> Result<Option<u64>, LockError> {
        let Some(integer) = self.typed(key, "an integer", Item::as_integer)? else {
            return Ok(None);
        };
        let count = u64::try_from(integer).map_err(|_| {
            self.place_of(key).fault(Fault::Value {
                value: integer.to_string(),
                expected: "a number of bytes",
            })
        })?;
        Ok(Some(count))
    }

    /// A string that is parsed further.
    pub(crate) fn parsed<T: FromStr>(
        &self,
        key: &'a str,
        expected: &'static str,
    ) -> Result<Option<T>, LockError> {
        let Some(text) = self.string(key)? else {
            return Ok(None);
        };
        let parsed = text.parse().map_err(|_| {
            self.place_of(key).fault(Fault::Value {
                value: shown(text),
                expected,
            })
        })?;
        Ok(Some(parsed))
    }

    /// The strings of an array, with their places.
    pub(crate) fn strings(
        &self,
        key: &'a str,
    ) -> Result<Option<Vec<(&'a str, Place<'a>)>>, LockError> {
        let Some(array) = self.typed(key, "an array", Item::as_array)? else {
            return Ok(None);
        };
        let place = Rc::new(self.place_of(key));
        let strings = array.iter().enumerate().map(|(index, value)| {
            let place = place.inner(Step::Index(index), value.span());
            match value.as_str() {
                Some(text) => Ok((text, place)),
                None => Err(place.fault(Fault::Type {
                    found: value_type(value),
                    expected: "a string",
                })),
            }
        });
        strings.collect::<Result<_, _>>().map(Some)
    }

    /// A table, in either notation.
    pub(crate) fn table(&self, key: &'a str) -> Result<Option<Fields<'a>>, LockError> {
        let table = self.typed(key, "a table", Item::as_table_like)?;
        Ok(table.map(|table| Fields::new(table, self.place_of(key))))
    }

    /// The tables of an array, in either notation; `None` if there is no such key.
    pub(crate) fn tables(&self, key: &'a str) -> Result<Option<Vec<Fields<'a>>>, LockError> {
        let Some(item) = self.table.get(key) else {
            return Ok(None);
        };
        let place = Rc::new(self.place_of(key));
        if let Some(tables) = item.as_array_of_tables() {
            let fields = tables.iter().enumerate().map(|(index, table)| {
                Fields::new(table, place.inner(Step::Index(index), table.span()))
            });
            return Ok(Some(fields.collect()));
        }
        let Some(array) = item.as_array() else {
            return Err(place.fault(Fault::Type {
                found: item_type(item),
                expected: "an array of tables",
            }));
        };
        let fields = array.iter().enumerate().map(|(index, value)| {
            let place = place.inner(Step::Index(index), value.span());
            match value.as_inline_table() {
                Some(table) => Ok(Fields::new(table, place)),
                None => Err(place.fault(Fault::Type {
                    found: value_type(value),
                    expected: "a table",
                })),
            }
        });
        fields.collect::<Result<_, _>>().map(Some)
    }

    /// The keys of the table, in its order.
    pub(crate) fn keys(&self) -> Vec<&'a str> {
        self.table.iter().map(|(key, _)| key).collect()
    }

    fn typed<T>(
        &self,
        key: &'a str,
        expected: &'static str,
        read: impl FnOnce(&'a Item) -> Option<T>,
    ) -> Result<Option<T>, LockError> {
        let Some(item) = self.table.get(key) else {
            return Ok(None);
        };
        match read(item) {
            Some(value) => Ok(Some(value)),
            None => Err(self.place_of(key).fault(Fault::Type {
                found: item_type(item),
                expected,
            })),
        }
    }
}

fn item_type(item: &Item) -> &'static str {
    match item {
        Item::None => "nothing",
        Item::Value(value) => value_type(value),
        Item::Table(_) => "a table",
        Item::ArrayOfTables(_) => "an array of tables",
    }
}

fn value_type(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a string",
        Value::Integer(_) => "an integer",
        Value::Float(_) => "a float",
        Value::Boolean(_) => "a boolean",
        Value::Datetime(_) => "a date-time",
        Value::Array(_) => "an array",
        Value::InlineTable(_) => "a table",
    }
}
