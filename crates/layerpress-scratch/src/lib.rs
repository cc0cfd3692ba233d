//! What must not outlive this process half-done: files and folders in the making are finished or
//! vanish, and programs that it started end with it.
//!
//! - Dropped, files and folders are removed.
//! - [`remove_all`] removes all of this process at once and ends its programs, before an end that runs no destructors.
//! - After a death that nobody could act on, [`sweep`] finds them: each is locked by its maker for
//!   as long as it is in the making, and the system takes the lock away from the dead.
//!
//! [`ScratchFile`] is renamed to its place, [`replace`] does so for an output; [`ScratchFolder`] is
//! never finished, only used.

mod file;
mod folder;
mod list;
mod naming;
mod program;
mod replace;
mod sweep;

pub use file::ScratchFile;
pub use folder::ScratchFolder;
pub use list::remove_all;
pub use naming::Naming;
pub use program::Program;
pub use replace::replace;
pub use sweep::{Swept, sweep, sweep_one};
