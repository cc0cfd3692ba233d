//! Verified bytes for a URL: client, credentials, retries, the store.
//!
//! In come URLs, with what they are promised to be; out come pages in the form their reader gave
//! them ([`Client::cached`]) and archives by digest ([`Client::archive`], [`Store::archive`]).
//! Whatever lies in the [`Store`] was right when it was put there and is noticed when it is not
//! any more. Nothing here reads the environment, proxies apart, or prints: events go to a
//! [`Reporter`], and the clock is asked in one place ([`Clock`]).

mod client;
mod clock;
mod credentials;
mod error;
mod events;
mod freshness;
pub mod git;
mod map;
mod redact;
mod store;

pub use client::{
    ArchiveRequest, Client, ClientOptions, Page, PageRequest, ProxyAddress, RangeResponse,
    RangeSpec, Retries, Timeouts, Turn,
};
pub use clock::Clock;
pub use credentials::{Credentials, NetrcError, Token};
pub use error::{ErrorKind, FetchError, Known, PageError, Sent, StoreError};
pub use events::{Event, Reporter, Silent, Stage};
pub use freshness::Freshness;
pub use map::let_go;
pub use redact::redacted;
pub use store::{
    Alone, Area, Blob, Bundling, Namespace, NewPressed, PressedFile, Removed, Store, StoredArchive,
    Usage, Verification, facts_key,
};
