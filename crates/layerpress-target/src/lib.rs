//! The Lambda runtimes as data: what resolution and checks need to know about the machine that a
//! layer will be loaded on, whatever machine it is built on.
//!
//! In comes a name (`python3.13`, `arm64`); out comes a [`Runtime`], an [`Arch`] and, of the two, a
//! [`Target`] with its marker values ([`Target::markers`]) and wheel tags ([`Target::wheel_tags`]).
//! [`limits`] holds what Lambda refuses.

mod arch;
mod error;
pub mod limits;
mod runtime;
mod table;
mod target;
mod wheel_tags;

pub use arch::Arch;
pub use error::TargetError;
pub use runtime::{Date, Ecosystem, Layout, Runtime, Status, newest};
pub use target::{PythonMarkers, Target};
pub use wheel_tags::WheelTag;
