//! Python: requirements, indexes, metadata, resolution, wheels into trees

pub mod compatibility;
pub mod wheel_name;

pub use compatibility::{Compatibility, Mismatch};
pub use wheel_name::{SdistFormat, SdistName, WheelName, WheelNameError, WheelParts};
