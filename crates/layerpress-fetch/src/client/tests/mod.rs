//! The client against a server that misbehaves.

mod archives;
mod pages;
mod requests;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use layerpress_tree::{Algorithm, Digest};
use url::Url;

use super::fault_server::{FaultServer, Reply, Request};
use super::*;
use crate::clock::Clock;
use crate::store::{Blob, digests_of};
use crate::{ArchiveRequest, FetchError, PageRequest};

/// Short enough that a dead server costs a test little, long enough for a busy machine.
const PATIENCE: Duration = Duration::from_millis(300);

/// Takes events down.
#[derive(Debug, Default)]
struct Recorder(Mutex<Vec<Event>>);

impl Reporter for Recorder {
    fn report(&self, event: Event) {
        self.0.lock().expect("lives").push(event);
    }
}

/// A server, a store and clients between them.
struct Bed {
    server: FaultServer,
    folder: tempfile::TempDir,
    events: Arc<Recorder>,
    clock: Clock,
}

impl Bed {
    async fn new(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self {
            server: FaultServer::start(answer).await,
            folder: tempfile::tempdir().expect("a folder"),
            events: Arc::default(),
            clock: Clock::fixed(1_800_000_000_000),
        }
    }

    fn options(&self) -> ClientOptions {
        ClientOptions {
            system_proxy: false,
            clock: self.clock.clone(),
            retries: Retries {
                backoff: Duration::from_millis(5),
                ..Retries::default()
            },
            ..ClientOptions::default()
        }
    }

    /// A client as a new run would have it.
    fn client(&self) -> Client {
        self.client_with(self.options())
    }

    fn client_with(&self, options: ClientOptions) -> Client {
        let store = Store::open(self.root()).expect("opens");
        Client::new(options, store, self.events.clone())
    }

    /// A client that soon takes a silent server for dead.
    fn impatient(&self) -> Client {
        self.client_with(ClientOptions {
            timeouts: Timeouts {
                connect: PATIENCE,
                answer: PATIENCE,
                idle: PATIENCE,
                floor: 1_000,
                floor_over: PATIENCE,
            },
            ..self.options()
        })
    }

    fn offline(&self) -> Client {
        self.client_with(ClientOptions {
            offline: true,
            ..self.options()
        })
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn pass(&self, seconds: u64) {
        if let Clock::Fixed(millis) = &self.clock {
            millis.fetch_add(seconds * 1000, Ordering::Relaxed);
        }
    }

    fn requests(&self) -> usize {
        self.server.seen().len()
    }

    fn events(&self) -> Vec<Event> {
        std::mem::take(&mut self.events.0.lock().expect("lives"))
    }

    fn warnings(&self) -> Vec<String> {
        let warning = |event| match event {
            Event::Warning { message, .. } => Some(message),
            _ => None,
        };
        self.events().into_iter().filter_map(warning).collect()
    }

    /// An error's text with its hint, the server's changing address masked.
    fn shown(&self, error: &FetchError) -> String {
        let address = self.server.url("/");
        let mut text = format!("{error}");
        if let Some(hint) = error.hint() {
            text += &format!("\nhint: {hint}");
        }
        text.replace(address.as_str(), "http://server/")
            .replace(&self.root().display().to_string(), "<cache>")
    }

    fn page(&self, path: &str) -> PageRequest {
        PageRequest::new(self.server.url(path), "application/json", "test-1")
    }

    fn archive(&self, path: &str, bytes: &[u8]) -> ArchiveRequest {
        ArchiveRequest {
            url: self.server.url(path),
            file_name: path.to_owned(),
            digests: digests_of(bytes, &[Algorithm::Sha256]),
            size: None,
        }
    }
}

/// Fetches a page; its parsed form is the page after `parsed:`.
async fn parsed(client: &Client, page: &PageRequest) -> Result<Blob, FetchError> {
    let parse =
        |page: &Page| Ok::<_, std::convert::Infallible>([b"parsed:", &page.bytes[..]].concat());
    client
        .cached(page, parse)
        .await
        .map_err(|error| match error {
            crate::PageError::Fetch(error) => error,
            crate::PageError::Parse(never) => match never {},
        })
}

/// Bytes that are long enough to come in several pieces.
fn wheel() -> Vec<u8> {
    (0..300_000u32).map(|n| (n % 253) as u8).collect()
}

fn sha512(bytes: &[u8]) -> Digest {
    digests_of(bytes, &[Algorithm::Sha512]).remove(0)
}
