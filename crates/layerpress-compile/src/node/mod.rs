//! Node.js projects in the pipeline: from a package.json to its `package-lock.json`, from pins to
//! `node_modules`.
//!
//! [`lock_project`] opens an input and brings its lock up to date; [`NodePins`](pins::NodePins) is
//! what the lock says, which fetches, unpacks and lays itself out for a target.

mod archives;
mod below;
mod digests;
mod error;
mod foreign_lock;
mod generated;
mod graph;
mod layout;
mod lazy_lock;
mod local;
mod lock;
mod own_binaries;
mod pack_list;
mod pins;
mod prebuilt;
mod prebuilt_error;
mod pressing;
mod project;
mod spared;

pub use error::{NodeError, OtherDigest};
pub(crate) use graph::installed_graph;
pub(crate) use lock::lock_project;
pub use prebuilt_error::PrebuiltError;
pub(crate) use project::{LOOKED_FOR, find_in, is_known};
