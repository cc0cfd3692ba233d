//! What a layer must hold to for Lambda to take it and load it.
//!
//! In comes what a layer weighs, by package; out comes nothing, or the reason why Lambda would
//! refuse it and what weighs most. [`infer`] tells from a layer's files alone which runtimes and which
//! machine it was made for.

mod infer;
mod limits;

pub use infer::{Found, Inferred, infer};
pub use limits::{OverLimit, Weight, grouped, unzipped_limit};
