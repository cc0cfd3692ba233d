//! Node: from a package.json to npm's own answer for it.
//!
//! [`package_json`] reads what the project wants, [`spec`] what a dependency is asked for by,
//! [`semver`] versions and ranges as npm does, [`packument`] what a registry says of a package;
//! [`pick`] chooses the version that npm would choose and [`place`] the folder that it goes into;
//! [`package_lock`] writes it all down, and [`foreign`] reads what other tools wrote. [`npmrc`] reads npm's settings, [`registry`] asks the
//! registries, [`source`] gives the tree its manifests, and [`resolve`] is all of that in one call.
//! [`tarball`] unpacks what was chosen, [`native`] tells what of it is for other platforms and what
//! would have needed a script, [`prebuilt`] where that can be had; [`installed`] finds the packages of a layer that is there already.

mod fields;
pub mod foreign;
pub mod installed;
pub mod integrity;
mod json;
mod manifest;
mod name;
pub mod native;
pub mod npmrc;
pub mod package_json;
pub mod package_lock;
pub mod packument;
pub mod pick;
pub mod place;
pub mod prebuilt;
pub mod registry;
mod resolve;
mod seek;
pub mod semver;
pub mod source;
pub mod spec;
pub mod tarball;
mod trail;

pub use manifest::{Extra, Lone, Manifest, Pairs};
pub use name::{NameFault, PackageName};
pub use resolve::{Resolution, ResolveOptions, resolve};
