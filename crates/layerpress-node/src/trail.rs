//! Where in a JSON file a reader is, so that a fault can name its place.
//!
//! The parser knows line and column; this knows the field, its parents before it.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::Error;

/// Where the reader is, for the error.
#[derive(Default)]
pub(crate) struct Trail {
    pub(crate) fields: RefCell<Vec<String>>,
    pub(crate) hint: Cell<Option<&'static str>>,
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

    pub(crate) fn fault<E: Error>(&self, message: impl fmt::Display, hint: &'static str) -> E {
        self.hint.set(Some(hint));
        E::custom(message)
    }
}
