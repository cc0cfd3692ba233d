//! Node: from a package.json to npm's own answer for it.
//!
//! [`semver`] reads versions and ranges as npm does.

pub mod semver;
