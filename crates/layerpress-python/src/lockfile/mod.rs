//! Between resolutions and the lockfile: [`Release`]s become a [`Pylock`], and its entries [`Pin`]s.
//!
//! - [`compose`]: what was resolved for one or several targets, as one lock;
//! - [`pins`]: which artifact of each entry a target gets, chosen among the files that the lock lists;
//! - [`unmet`]: the first line of a manifest that a lock does not meet;
//! - [`has_leftovers`]: whether it holds what no line asks for;
//! - [`hashed`]: the pins of a requirements file that is a lock already, and [`unlisted`]: what it lacks;
//! - [`reachable`]: the part of a lock that a manifest's lines lead to.
//!
//! Nothing here asks an index for versions: a lock is used by what it says. Only [`locate`] asks one
//! for files, where another tool's lock does not say where they are.

mod compose;
mod error;
mod folders;
mod hashed;
mod locate;
mod meets;
mod pins;
mod reach;
mod release;
mod unlisted;

pub use compose::compose;
pub use error::{LockfileError, Unmeetable, Unmet};
pub use hashed::hashed;
pub use locate::{locate, relocated};
pub use meets::{has_leftovers, roots_in, unmet};
pub use pins::{ArchivePin, Artifact, Pin, Place, best_name, pins};
pub use reach::{Roots, reachable, roots};
pub use release::{Origin, Release};
pub use unlisted::{Unlisted, unlisted};

#[doc(no_inline)]
pub use layerpress_lock::Pylock;
