//! npm's own lockfile, `package-lock.json` with lockfileVersion 3.
//!
//! [`write()`] gives the text that npm would write for a tree: npm's keys, npm's order, so that
//! `npm ci` takes it and `npm install` leaves it alone.

mod nice;
#[cfg(test)]
mod tests;
mod write;

pub use write::{Style, write};
