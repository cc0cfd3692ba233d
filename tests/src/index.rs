//! [`LoopbackIndex`]: a package index on 127.0.0.1 that can misbehave.
//!
//! It has the ways of real indexes: PEP 503 HTML and PEP 691 JSON by negotiation, PEP 700 sizes and
//! upload times, PEP 658 metadata, ETags, `Cache-Control: max-age=600`, gzip, range requests. A
//! [`Fault`] takes the place of the right answer where a test says so, and every request is logged.

mod answer;
mod fault;
mod server;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use fault::{Fault, On};
pub use server::Request;

use crate::package::BuiltPackage;
use fault::PlannedFault;

/// A package index on 127.0.0.1; it ends with the value.
#[derive(Debug)]
pub struct LoopbackIndex {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// Which of a real index's ways it has; all by default but a login.
#[derive(Debug, Clone)]
pub struct IndexFeatures {
    /// PEP 691 JSON, where asked for.
    pub json: bool,
    /// PEP 503 HTML.
    pub html: bool,
    /// METADATA beside each wheel, and announced (PEP 658 and 714).
    pub core_metadata: bool,
    /// ETags, and 304 for those who know them.
    pub etags: bool,
    /// The value of `Cache-Control` on pages.
    pub cache_control: Option<String>,
    /// Compressed pages.
    pub gzip: bool,
    /// Answers to range requests.
    pub ranges: bool,
    /// Digests in file URLs and JSON.
    pub hashes: bool,
    /// The user and password without which nothing is served.
    pub login: Option<(String, String)>,
}

impl Default for IndexFeatures {
    fn default() -> Self {
        Self {
            json: true,
            html: true,
            core_metadata: true,
            etags: true,
            cache_control: Some("max-age=600, public".to_owned()),
            gzip: true,
            ranges: true,
            hashes: true,
            login: None,
        }
    }
}

/// What the test and the server's threads both see.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    world: Mutex<World>,
}

/// The index's content and its moods.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) features: IndexFeatures,
    pub(crate) projects: BTreeMap<String, Vec<BuiltPackage>>,
    pub(crate) faults: Vec<PlannedFault>,
    pub(crate) log: Vec<Request>,
    pub(crate) closed: bool,
}

impl Shared {
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        // A thread that panicked left the world as it was before its request.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LoopbackIndex {
    /// An empty index.
    ///
    /// # Panics
    ///
    /// If no port can be had.
    pub fn start() -> Self {
        Self::with(IndexFeatures::default())
    }

    /// An empty index with some ways of its own.
    ///
    /// # Panics
    ///
    /// If no port can be had.
    pub fn with(features: IndexFeatures) -> Self {
        let shared = Arc::<Shared>::default();
        shared.world().features = features;
        let address = server::start(Arc::clone(&shared));
        Self { address, shared }
    }

    /// Adds packages.
    pub fn add(&self, packages: impl IntoIterator<Item = BuiltPackage>) -> &Self {
        let mut world = self.shared.world();
        for package in packages {
            world
                .projects
                .entry(package.name.clone())
                .or_default()
                .push(package);
        }
        drop(world);
        self
    }

    /// Lets every answer to `on` be `fault`.
    pub fn fault(&self, on: On, fault: Fault) -> &Self {
        self.plan(on, fault, None)
    }

    /// Lets the first `times` answers to `on` be `fault`, and the later ones right.
    pub fn fault_times(&self, on: On, fault: Fault, times: u32) -> &Self {
        self.plan(on, fault, Some(times))
    }

    fn plan(&self, on: On, fault: Fault, times: Option<u32>) -> &Self {
        let planned = PlannedFault { on, fault, times };
        self.shared.world().faults.push(planned);
        self
    }

    /// Forgets all faults.
    pub fn heal(&self) {
        self.shared.world().faults.clear();
    }

    /// The address of the index's root, as `--index-url` takes it.
    pub fn url(&self) -> String {
        format!("http://{}/simple/", self.address)
    }

    /// The same with a user and a password in it.
    pub fn url_with_login(&self, user: &str, password: &str) -> String {
        format!("http://{user}:{password}@{}/simple/", self.address)
    }

    /// The address of a file.
    pub fn file_url(&self, file_name: &str) -> String {
        format!("http://{}/files/{file_name}", self.address)
    }

    /// The port, for redaction.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Every request so far, in order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.world().log.clone()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.shared.world().log.clear();
    }
}

impl Drop for LoopbackIndex {
    fn drop(&mut self) {
        self.shared.world().closed = true;
        // Wakes the thread that waits for connections, so that it sees that it is over.
        let _woken = std::net::TcpStream::connect(self.address);
    }
}
