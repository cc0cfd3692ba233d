//! Pressing: what happens to an archive's files between unpacking and the layer.
//!
//! [`pressed`] keeps, for each archive and [`Recipe`], one zip with all of its files as they go into
//! a layer, so that nothing is inflated or deflated twice; [`Binary`] tells which files are machine
//! code, and for which machine, and [`Class`] what sort of file any other is; [`rules`] say what nothing
//! reads while a function runs, and [`transform`] makes a file smaller. No index is known here, and no
//! target.

mod binary;
mod class;
mod linked;
pub mod pressed;
mod profile;
pub mod proof;
mod python;
pub mod rules;
mod transform;

pub use binary::{Binary, Libc, Machine};
pub use class::Class;
pub use linked::{linked, may_be_linked};
pub use pressed::{Account, Pressed, Pressing, Recipe};
pub use profile::Profile;
pub use transform::{
    Outcome, Passes, TRANSFORMS, Transform, Transformed, elf_sections_removed, transform,
};
