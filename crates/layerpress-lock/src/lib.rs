//! Lockfiles: what was resolved, pinned so that it can be fetched and verified without asking again.
//!
//! Python's is `pylock.toml` (PEP 751), ours and everybody's:
//! - text → [`Pylock`]: [`Pylock::parse`], strict, with line and field in every error;
//! - [`Pylock`] → text: [`Pylock::write`], which changes only what must change in an existing file;
//! - [`Pylock`] and a [`Target`](layerpress_target::Target) → what to install:
//!   [`Pylock::select`];
//! - several targets in one lock: [`marker_for`], [`marker_for_targets`].
//!
//! Other tools' locks are read into the same packages: [`ForeignLock`].
//!
//! Nothing here reads a file or asks the network.

mod canonical;
mod document;
mod error;
mod fields;
mod foreign;
mod location;
mod marker;
mod model;
mod poetry_constraint;
mod read;
mod requirement;
mod select;
mod targets;
mod write;

pub use error::{Fault, LockError, LockWarning, SelectError};
pub use foreign::{ForeignFormat, ForeignLock, ForeignPackage, Listed, Root};
pub use location::{Location, LockPath, PathError};
pub use marker::{MarkerError, in_extra, in_group, parse_marker, shown_marker};
pub use model::{
    Archive, ConfigSetting, DependencyRef, Directory, File, GroupName, LockVersion, Package,
    Pylock, Source, UploadTime, Vcs,
};
pub use poetry_constraint::alternatives as poetry_alternatives;
pub use requirement::ill_named;
pub use select::{Selection, environment_of, marker_environment};
pub use targets::{marker_for, marker_for_targets};
