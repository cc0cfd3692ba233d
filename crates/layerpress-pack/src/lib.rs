//! Archives in, layer zip out: strict readers and one deterministic writer.
//!
//! 1. [`Archive::open`] takes a zip's bytes (a wheel, a layer) and yields its files, or says what is
//!    wrong with it; nothing is inflated, every [`Content`](layerpress_tree::Content) is a view into
//!    the archive.
//! 2. [`tarball::read`] does the same for source distributions and npm tarballs, as a stream.
//! 3. [`reader`] and [`read_all`] inflate one content and verify its size and CRC-32.
//! 4. [`compress`] makes a content from bytes that are new, [`splice`] from bytes of which many are old;
//!    [`is_poor`] tells streams that are worth making anew.
//! 5. [`write_layer`] and [`write_file`] turn a [`LayerTree`](layerpress_tree::LayerTree) into a zip:
//!    the same tree gives the same bytes, on every machine.
//!
//! Nothing here is ever extracted to disk, and no archive is trusted: see [`Archive`] for the rules.

mod archive;
mod compress;
mod content;
mod error;
mod format;
mod layer;
mod limits;
mod output;
mod poor;
mod splice;
pub mod tarball;

pub use archive::{Archive, ArchiveEntry};
pub use compress::{Level, compress, stored};
pub use content::{ContentReader, read_all, reader};
pub use error::{ArchiveError, ContentError, EntryFault, LayerTooLarge, TarballError, WriteError};
pub use layer::{Written, write_layer, write_undigested, zip_size};
pub use limits::Limits;
pub use output::write_file;
pub use poor::is_poor;
pub use splice::splice;
