//! npm's own lockfile: `package-lock.json`, or `npm-shrinkwrap.json`, which is the same.
//!
//! [`read()`] takes versions 1 to 3 and gives a [`PackageLock`]; [`unmet()`] says whether it serves a
//! package.json, as `npm ci` judges; [`PackageLock::rebase`] has its tarballs come from the registry that
//! the user names, as any lock's do by [`Registry::rebased`](crate::registry::Registry::rebased);
//! [`pins()`] chooses what of it goes into a layer for a target.
//! [`write()`] gives the text that npm would write for a tree: npm's keys, npm's order, so that
//! `npm ci` takes it and `npm install` leaves it alone. One entry is not npm 11's: that of an optional
//! package that no registry has, without which `npm ci` refuses the file.

mod error;
mod legacy;
mod location;
mod model;
mod nice;
mod read;
#[cfg(test)]
mod tests;
mod v1;
mod write;

pub use crate::place::load::Folders;
pub use crate::place::pins::{Pin, PinError, PinOptions, Resolved, chosen, chosen_alike, pins};
pub use crate::place::unmet::{Unmet, UnmetReason, unmet};
pub use error::PackageLockError;
pub(crate) use location::{fault, folder_name, split};
pub use model::{Lacking, Locked, PackageLock};
pub use read::read;
pub(crate) use read::{MAX_BYTES, MAX_PACKAGES};
pub use write::{Style, count, with_integrity, write};
