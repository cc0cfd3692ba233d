//! Python: requirements, indexes, metadata, resolution, wheels into trees

pub mod build;
pub mod compatibility;
mod escaped;
pub mod index;
pub mod installed;
mod lenient;
pub mod lockfile;
pub mod manifest;
pub mod metadata;
pub mod resolve;
mod stdlib;
pub mod wheel;
pub mod wheel_name;

pub use compatibility::{Compatibility, Mismatch};
pub use lenient::Dependency;
pub use metadata::{Metadata, MetadataError};
pub use wheel_name::{SdistFormat, SdistName, WheelName, WheelNameError, WheelParts};
