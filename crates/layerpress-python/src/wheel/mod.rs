//! Wheels into trees: what a wheel holds, verified, and where each file lies in a layer.
//!
//! In comes a wheel's archive, out comes a [`WheelTree`], whose files are still the wheel's own
//! deflate streams, or were pressed harder where that was asked for:
//!
//! 1. the archive is opened by the strict reader of `layerpress-pack`, and the dist-info folder
//!    must say what the file name says;
//! 2. every file is inflated once and held against RECORD; the outcome is kept in the store as a
//!    receipt, so that the next time a checksum of the compressed streams is all that is asked;
//! 3. the files go where [`Layout`] wants them, RECORD is written anew for what is really there;
//! 4. [`merge`] puts the trees of several distributions into one.
//!
//! [`write_folder`] unpacks a tree to disk, which is how build environments are laid out.

#[cfg(test)]
mod damage;
mod dist_info;
mod error;
mod folder;
mod layout;
mod merge;
mod pressed;
mod receipt;
mod record;
mod scripts;
mod spared;
#[cfg(test)]
pub(crate) mod testing;
mod unpack;
mod verify;

pub use error::{MergeError, RecordProblem, WheelError, WheelFault};
pub use folder::write_folder;
pub use layout::Layout;
pub use merge::{Merged, merge};
pub(crate) use record::recorded;
pub use spared::Spared;
pub use unpack::{KnownWheel, Scripts, UnpackOptions, WheelFile, WheelTree, unpack, unpacked};
