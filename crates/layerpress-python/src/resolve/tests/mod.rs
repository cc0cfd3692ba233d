//! The solver against small worlds: each rule, each explanation, and a brute-force oracle.

mod essence;
mod explanations;
mod oracle;
mod registry;
mod rules;
pub(super) mod universe;
