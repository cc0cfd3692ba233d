//! [`LazyLock`]: a lock that is read when somebody looks into it.

use std::sync::OnceLock;

use layerpress_node::package_lock::{self, PackageLock};

use crate::error::CompileError;

/// A lock, known or only as the text of its file: whoever writes it and no more need not wait until it
/// is read.
#[derive(Debug)]
pub(crate) struct LazyLock {
    known: OnceLock<PackageLock>,
    file: String,
    text: String,
}

impl LazyLock {
    /// A lock that is known.
    pub(crate) fn known(lock: PackageLock) -> Self {
        Self {
            known: OnceLock::from(lock),
            file: String::new(),
            text: String::new(),
        }
    }

    /// The lock that a text is, which goes into `file`.
    pub(crate) fn written(file: String, text: String) -> Self {
        Self {
            known: OnceLock::new(),
            file,
            text,
        }
    }

    /// The lock.
    ///
    /// # Errors
    /// A text that is none.
    pub(crate) fn get(&self) -> Result<&PackageLock, CompileError> {
        if let Some(known) = self.known.get() {
            return Ok(known);
        }
        let read = package_lock::read(&self.file, self.text.as_bytes())?;
        Ok(self.known.get_or_init(|| read))
    }

    /// The lock, if it was known from the beginning or is read already.
    pub(crate) fn known_mut(&mut self) -> Option<&mut PackageLock> {
        self.known.get_mut()
    }
}
