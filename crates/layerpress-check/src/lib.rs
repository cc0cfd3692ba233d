//! What a layer must hold to for Lambda to take it and load it.
//!
//! In comes what a layer weighs, by package; out comes nothing, or the reason why Lambda would
//! refuse it and what weighs most.

mod limits;

pub use limits::{OverLimit, Weight, unzipped_limit};
