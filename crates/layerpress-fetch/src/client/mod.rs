//! The client: pages, parts of files and whole archives, by URL, verified and kept.

mod archive;
mod body;
mod keeping;
mod local;
mod lookups;
mod options;
mod page;
mod range;
mod retry;
mod send;
mod transport;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use reqwest::header::{self, HeaderMap, HeaderValue};
use tokio::sync::{Semaphore, SemaphorePermit};
use url::Url;

use crate::credentials::Credentials;
use crate::error::{FetchError, StoreError};
use crate::events::{Event, Reporter};
use crate::store::Store;

pub use archive::ArchiveRequest;
pub use options::{ClientOptions, ProxyAddress, Retries, Timeouts};
pub use page::{Page, PageRequest};
pub use range::{RangeResponse, RangeSpec};

/// Fetches what the store does not hold. Cheap to clone; all clones are the same client.
///
/// Making one costs nothing: connections, TLS and certificates are set up on the first request.
/// Its asynchronous methods need a tokio runtime with time and I/O.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    options: ClientOptions,
    store: Store,
    keeping: keeping::Keeping,
    reporter: Arc<dyn Reporter>,
    transport: transport::Transport,
    permits: Semaphore,
    page_permits: Semaphore,
    turns: Semaphore,
    /// When this client was made, in milliseconds since 1970: a page confirmed since then is not
    /// asked for again in this run, whatever its headers say.
    started: u64,
    /// Bytes of answers so far.
    traffic: AtomicU64,
    downloads: Mutex<HashMap<String, archive::SharedDownload>>,
    next_download: AtomicU64,
    unwritable_said: AtomicBool,
}

impl Client {
    /// A client that keeps what it fetches in `store` and tells `reporter` about it.
    #[must_use]
    pub fn new(options: ClientOptions, store: Store, reporter: Arc<dyn Reporter>) -> Self {
        Self {
            shared: Arc::new(Shared {
                transport: transport::Transport::default(),
                permits: permits(options.concurrency),
                page_permits: permits(options.page_concurrency),
                turns: permits(options.turns),
                started: options.clock.now_millis(),
                traffic: AtomicU64::new(0),
                downloads: Mutex::default(),
                next_download: AtomicU64::new(0),
                unwritable_said: AtomicBool::new(false),
                options,
                keeping: keeping::Keeping::new(store.clone()),
                store,
                reporter,
            }),
        }
    }

    /// The store that it fills.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// Where its events go.
    #[must_use]
    pub fn reporter(&self) -> &dyn Reporter {
        &*self.shared.reporter
    }

    /// Whether the network is switched off.
    #[must_use]
    pub fn offline(&self) -> bool {
        self.shared.options.offline
    }

    /// The credentials that it sends; more may be added at any time.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.shared.options.credentials
    }

    /// How many bytes have come over the network so far.
    #[must_use]
    pub fn bytes_received(&self) -> u64 {
        self.traffic()
    }

    /// A turn at the processor, for work of some length; the next has its turn when the value is
    /// dropped. Nothing that needs another turn may be waited for meanwhile.
    pub async fn turn(&self) -> Turn<'_> {
        let permit = self.shared.turns.acquire().await;
        Turn {
            _permit: permit.expect("the semaphore is never closed"),
        }
    }

    /// Waits until all that was fetched has been written to the store, and says once if it could not be.
    /// Whoever drops the last client waits too, but nothing is said any more then.
    pub fn settle(&self) {
        if let Some(error) = self.shared.keeping.settle() {
            self.say_unkept(&error);
        }
    }

    /// Says once that what was fetched, or made of it, cannot be kept.
    pub fn say_unkept(&self, error: &StoreError) {
        if !self.shared.unwritable_said.swap(true, Ordering::Relaxed) {
            self.reporter().report(Event::Warning {
                message: format!("{error}; what is new is fetched and unpacked again next time"),
                hint: error.hint(),
            });
        }
    }

    fn refuse_offline(&self, url: &Url, what: &str) -> Result<(), FetchError> {
        if self.offline() {
            return Err(FetchError::Offline {
                url: crate::redact::redacted(url),
                what: what.to_owned(),
            });
        }
        Ok(())
    }
}

/// A turn at the processor.
#[derive(Debug)]
pub struct Turn<'a> {
    _permit: SemaphorePermit<'a>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("store", &self.shared.store.root())
            .field("offline", &self.offline())
            .finish_non_exhaustive()
    }
}

fn permits(count: usize) -> Semaphore {
    Semaphore::new(count.clamp(1, Semaphore::MAX_PERMITS))
}

/// A header value from outside text; what cannot be one is left out.
fn set(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Does work of some length without holding up the runtime's other tasks, where it has any.
fn beside_others<T>(work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

#[cfg(test)]
mod fault_server;
#[cfg(test)]
mod tests;
