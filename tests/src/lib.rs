//! The end-to-end tests' harness: everything a test needs to run the real program in a world of
//! its own.
//!
//! - [`Wheel`] and [`Sdist`] build packages in code, tiny and the same every time;
//! - [`LoopbackIndex`] serves them on 127.0.0.1 as a package index does, and misbehaves on demand;
//! - [`NpmPackage`] and [`LoopbackRegistry`] are the same for npm;
//! - [`TestContext`] is a folder with a home, a cache and a clean environment, which runs the built
//!   program and redacts what differs between machines;
//! - [`foreign_zip`] writes layers as other tools do;
//! - [`Layer`] looks into a finished layer zip;
//! - [`LambdaRoot`] imports from a layer in a root like Lambda's.

mod context;
mod foreign_zip;
mod index;
mod lambda;
mod layer;
mod loopback;
mod npm_package;
mod package;
mod registry;

pub use context::{Run, TestContext, not_run};
pub use foreign_zip::{LINK, foreign_zip};
pub use index::{IndexFeatures, LoopbackIndex, PackageIndex};
pub use lambda::{Imported, LambdaRoot};
pub use layer::{Layer, LayerEntry};
pub use loopback::{Fault, Loopback, On, Request};
pub use npm_package::{BuiltTarball, NpmPackage};
pub use package::{BuiltPackage, Sdist, Wheel};
pub use registry::{Digests, Login, LoopbackRegistry, NpmRegistry, RegistryFeatures};
