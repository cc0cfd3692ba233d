//! Verified bytes for a URL: client, credentials, retries, the store.

mod client;
mod clock;
mod credentials;
mod error;
mod events;
mod freshness;
mod map;
mod redact;
mod store;

pub use client::{
    ArchiveRequest, Client, ClientOptions, Page, PageRequest, RangeResponse, RangeSpec, Retries,
    Timeouts,
};
pub use clock::Clock;
pub use credentials::{Credentials, NetrcError};
pub use error::{ErrorKind, FetchError, PageError, StoreError};
pub use events::{Event, Reporter, Silent, Stage};
pub use freshness::Freshness;
pub use redact::redacted;
pub use store::{Area, Blob, Namespace, Removed, Store, StoredArchive, Usage, Verification};
