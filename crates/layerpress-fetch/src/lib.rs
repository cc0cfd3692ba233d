//! Verified bytes for a URL: client, credentials, retries, the store.

mod events;

pub use events::{Event, Reporter, Silent, Stage};
