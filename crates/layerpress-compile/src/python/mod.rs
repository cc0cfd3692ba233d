//! Python projects in the pipeline: from a manifest to its `pylock.toml`, from pins to wheels.
//!
//! [`lock_project`] opens an input and brings its lock up to date; [`PythonPins`] is what the lock
//! says, which fetches and unpacks itself for a target.

mod archives;
mod builds;
mod error;
mod flights;
mod foreign;
mod foreign_lock;
mod graph;
mod located;
mod lock;
mod pins;
mod previous;
mod project;
mod registry;
mod releases;
mod shelf;
mod targets;

pub use error::PythonError;
pub(crate) use graph::{installed_graph, normalised};
pub(crate) use layerpress_python::manifest::LOOKED_FOR;
pub(crate) use lock::lock_project;
pub(crate) use pins::PythonPins;
pub(crate) use project::{find_in, is_known};
