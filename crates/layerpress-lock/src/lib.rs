//! Lockfiles: read, written and updated with minimal diffs
