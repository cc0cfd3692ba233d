//! Node: from a package.json to npm's own answer for it.
//!
//! [`spec`] reads what a dependency is asked for by, [`semver`] versions and ranges as npm does.

mod name;
pub mod semver;
pub mod spec;

pub use name::{NameFault, PackageName};
