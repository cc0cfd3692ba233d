//! Source distributions, folders and git repositories into wheels.
//!
//! A [`Builder`] takes a [`Request`] and gives a [`BuiltWheel`], which lies in the store like any
//! wheel that was fetched:
//!
//! 1. a Python of this machine is found ([`find_interpreter`]), best of the target's own version;
//! 2. the source is extracted or copied, and what its backend needs is asked for through
//!    [`BuildRequirements`] and laid out in a fresh environment by our own installer;
//! 3. the backend's hooks run in processes of their own, with a clean environment and a time budget;
//! 4. the wheel is packed again, so that its bytes do not hang on the host's compressor, and kept
//!    by what it was made of;
//! 5. a wheel with compiled code that the target cannot load is refused, and the reason given.
//!
//! What a source says of itself is read without a build where the standards allow it
//! ([`archive_metadata`], [`folder_metadata`]). Building runs the package's own code: whoever calls
//! this decides whether it may.

mod backend;
mod builder;
mod environment;
mod error;
mod fit;
mod folder;
mod hooks;
mod host_tags;
mod interpreter;
mod metadata;
mod remedies;
mod repack;
mod session;
mod source;
#[cfg(test)]
mod tests;

use layerpress_scratch::Naming;

pub use builder::{Builder, BuiltWheel, Request, Source};
pub use error::{BuildError, BuildErrorKind};
pub use interpreter::{Candidates, Interpreter, Libc, find_interpreter};
pub use metadata::{archive_metadata, folder_metadata};
pub use session::{BuildRequirements, RequiredWheel, RequirementsError};

/// The folders that builds work in.
const SCRATCH: Naming = Naming {
    prefix: "layerpress-build-",
    suffix: "",
};
