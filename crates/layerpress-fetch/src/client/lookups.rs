//! [`Lookups`]: the addresses of hosts, each host looked up once for all connections to it.
//!
//! Without this, fifty connections to a registry are fifty look-ups of its name at once, each on a
//! thread of its own. Name servers drop some of so many, and the system then waits out five seconds
//! before it asks again: longer than the downloads take that the connection was meant for.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::OnceCell;
use tokio::time::Instant;

/// How long addresses are used for new connections. The system does not say how long they are good;
/// names whose addresses change in the course of a day are seldom good for less.
const GOOD_FOR: Duration = Duration::from_secs(60);

/// The addresses of hosts. Cheap to clone; all clones know the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Lookups {
    known: Arc<Mutex<HashMap<String, Lookup>>>,
}

/// One look-up, under way or done; whoever needs its answer waits for the same one.
#[derive(Clone, Debug)]
struct Lookup {
    begun: Instant,
    found: Arc<OnceCell<Vec<SocketAddr>>>,
}

impl Lookups {
    fn of(&self, host: &str, now: Instant) -> Lookup {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lookup) = known.get(host)
            && now.duration_since(lookup.begun) < GOOD_FOR
        {
            return lookup.clone();
        }
        let lookup = Lookup {
            begun: now,
            found: Arc::default(),
        };
        known.insert(host.to_owned(), lookup.clone());
        lookup
    }
}

impl Resolve for Lookups {
    fn resolve(&self, name: Name) -> Resolving {
        let lookup = self.of(name.as_str(), Instant::now());
        Box::pin(async move {
            // A failure is not kept: the next connection asks again.
            let found = lookup.found.get_or_try_init(async || {
                // Ports are put in by those who connect.
                let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
                Ok::<_, std::io::Error>(found.collect())
            });
            let addresses: Addrs = Box::new(found.await?.clone().into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn resolved(lookups: &Lookups, host: &str) -> Option<Vec<SocketAddr>> {
        let name = host.parse().expect("a name");
        Some(lookups.resolve(name).await.ok()?.collect())
    }

    #[test]
    fn connections_to_one_host_share_a_look_up_for_a_while() {
        let (lookups, now) = (Lookups::default(), Instant::now());
        let first = lookups.of("h.example", now);
        let same = |host, after| Arc::ptr_eq(&first.found, &lookups.of(host, now + after).found);
        assert!(!same("o.example", Duration::ZERO));
        assert!(same("h.example", GOOD_FOR - Duration::from_millis(1)));
        assert!(!same("h.example", GOOD_FOR));
    }

    #[tokio::test]
    async fn addresses_are_the_system_s_and_failures_are_not_kept() {
        let lookups = Lookups::default();
        let found = resolved(&lookups, "127.0.0.1").await.expect("an address");
        assert_eq!(found, [SocketAddr::from(([127, 0, 0, 1], 0))]);
        assert!(lookups.of("127.0.0.1", Instant::now()).found.initialized());
        // No name may have a part of more than 63 letters (RFC 1035, 2.3.4): nobody is asked.
        let absurd = "a".repeat(64);
        assert_eq!(resolved(&lookups, &absurd).await, None);
        assert!(!lookups.of(&absurd, Instant::now()).found.initialized());
    }
}
