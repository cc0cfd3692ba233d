//! Dependency resolution: from requirements to one release for each package, for one target.
//!
//! 1. [`Request`] holds the user's lines and choices; a [`Provider`] answers for the world.
//! 2. [`resolve`] looks into what lines name outright (URLs, folders, checkouts).
//! 3. The solver chooses, learns from conflicts and goes back, with questions answered from what is
//!    at hand or fetched ahead; [`ranges`] is its arithmetic.
//! 4. A [`Resolution`] comes out, or a [`ResolveError`] whose explanation starts from the user's own
//!    lines.
//!
//! The versions chosen are those that uv chooses for the same index and options: which of several
//! valid answers is found depends on the order of decisions, and teams should not see their
//! versions move because they changed tools.

mod conflicts;
mod demands;
mod desk;
mod error;
mod essence;
mod explain;
mod facts;
mod for_build;
mod from_manifest;
mod guesses;
mod hints;
mod inputs;
mod outright;
mod package;
mod priority;
mod provider;
pub mod ranges;
mod reach;
mod registry;
mod relaxed;
mod resolution;
mod run;
mod solver;
mod stock;
#[cfg(test)]
mod tests;

pub use error::ResolveError;
pub use inputs::{Budget, Need, Prereleases, Request, Strategy, Wanted};
pub use provider::{
    FaultKind, FileRules, Fixed, Listing, MetadataFault, Missing, PassedOver, Pick, ProvideError,
    Provider, Release, Shelf, Unusable,
};
pub use registry::{
    Artifact, FixedFile, ListedFile, Place, Project, RegistryProvider, SdistBuilder, Told,
};
pub use relaxed::first_that_would_do;
pub use resolution::{Resolution, Resolved, Warning};
pub use run::resolve;
