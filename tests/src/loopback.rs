//! [`Loopback`]: a site on 127.0.0.1 that can misbehave.
//!
//! A [`Site`] knows the right answers; a [`Fault`] takes the place of one where a test says so, and
//! every request is logged.

mod answer;
mod fault;
mod http;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use fault::{Fault, On};
pub use http::Request;

pub(crate) use answer::Answer;
use fault::PlannedFault;
pub(crate) use fault::decoded;

/// What a server holds: the right answer to each request.
pub(crate) trait Site: Send + 'static {
    /// What a well-behaved server answers.
    fn answer(&self, request: &Request) -> Answer;
}

/// A server on 127.0.0.1; it ends with the value.
#[derive(Debug)]
pub struct Loopback<S> {
    address: SocketAddr,
    shared: Arc<Shared<S>>,
}

/// What the test and the server's threads both see.
#[derive(Debug)]
struct Shared<S> {
    world: Mutex<World<S>>,
}

/// The server's content and its moods.
#[derive(Debug)]
struct World<S> {
    site: S,
    faults: Vec<PlannedFault>,
    log: Vec<Request>,
    closed: bool,
}

impl<S> Shared<S> {
    fn world(&self) -> MutexGuard<'_, World<S>> {
        // A thread that panicked left the world as it was before its request.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Loopback<S> {
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

    /// Serves a site on a free port.
    pub(crate) fn serving(site: S) -> Self
    where
        S: Site,
    {
        let world = World {
            site,
            faults: Vec::new(),
            log: Vec::new(),
            closed: false,
        };
        let shared = Arc::new(Shared {
            world: Mutex::new(world),
        });
        let address = http::start(Arc::clone(&shared));
        Self { address, shared }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes what it holds.
    pub(crate) fn change(&self, change: impl FnOnce(&mut S)) -> &Self {
        change(&mut self.shared.world().site);
        self
    }
}

impl<S> Drop for Loopback<S> {
    fn drop(&mut self) {
        self.shared.world().closed = true;
        // Wakes the thread that waits for connections, so that it sees that it is over.
        let _woken = std::net::TcpStream::connect(self.address);
    }
}
