//! npm's versions and ranges, to the letter.
//!
//! In come texts as packages and people write them; out come a [`Version`], ordered by precedence,
//! and a [`Range`], which tells whether a version is in it. The value and its order are
//! `node_semver`'s; everything about reading is done here, because that crate's own ranges misread
//! `""`, `||`, `<=0.7.x`, `^x`, `1.x - x` and the loose forms that npm takes, and join two
//! comparators that exclude each other by *or*. `desugar` brings every range down to primitive
//! comparators the way npm's `semver` 7.8 does, quirks included: what npm reads in a strange way
//! (`> =1.2.3` is `>=1.2.3`, `1.2.34.5` is `1.2.3-4.5`) is read in the same way here, because the
//! same package.json has to give the same tree.
//!
//! The one known difference: two numeric prerelease identifiers above 2^53 and of different length
//! are compared as texts.

mod comparator;
mod desugar;
mod intersect;
mod range;
mod scan;
#[cfg(test)]
mod tests;
mod version;

pub use range::{Range, RangeError, Reading};
pub use version::Version;
