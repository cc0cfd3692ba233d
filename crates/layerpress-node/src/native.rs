//! Native packages: which of their files are for other platforms, and which of them need what an
//! install script would have made.
//!
//! No script is ever run. Most packages with machine code do not need one: they ship it in their
//! tarball, or in an optional dependency for each platform. [`foreign_files`] finds what is of no use
//! on the target among those; [`judge`] finds the packages whose machine code is not there.

mod foreign;
mod node_versions;
mod rows;
mod scripts;
#[cfg(test)]
mod tests;
mod troubles;

pub use foreign::{Foreign, ForeignFile, foreign_files};
pub(crate) use scripts::executables;
pub use troubles::{Installed, Judgement, Severity, Skipped, Trouble, has_addon, judge};
