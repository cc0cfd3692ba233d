//! The layer tree: what a layer is, as plain values.
//!
//! Everything after fetching is a question put to, or a change made to, a [`LayerTree`]: an ordered
//! map from [`LayerPath`] to [`Entry`]. This crate knows no disk, no clock and no network; what it
//! holds is valid by construction, so nothing above it checks a path or a digest twice.

mod digest;
mod entry;
mod link;
mod path;
mod tree;

pub use digest::{Algorithm, Digest, DigestError, Sha256};
pub use entry::{Content, Encoding, Entry, Mode};
pub use link::{LinkError, follow};
pub use path::{LayerPath, PathError, seen_from};
pub use tree::{Conflict, LayerTree};
