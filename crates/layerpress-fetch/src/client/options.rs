//! [`ClientOptions`]: what can be set about fetching, with the defaults that are promised.

use std::fmt;
use std::time::Duration;

use crate::clock::Clock;
use crate::credentials::Credentials;

/// How a [`Client`](crate::Client) behaves.
#[derive(Debug)]
pub struct ClientOptions {
    /// The `User-Agent` header. Default: `layerpress/` and this version.
    pub user_agent: String,
    /// How many requests for archives and parts of files are in flight at once. Default: 50.
    pub concurrency: usize,
    /// How many requests for pages are in flight at once. Most pages are small, so that time goes by
    /// in waiting for them. Default: 100, the number of streams that a server should allow on one
    /// connection at least (RFC 9113, 6.5.2).
    pub page_concurrency: usize,
    /// How many turns there are at the processor, for [`Client::turn`] and for parsing pages.
    /// Default: as many as the machine has processors.
    ///
    /// [`Client::turn`]: crate::Client::turn
    pub turns: usize,
    /// Use the store alone. Default: off.
    pub offline: bool,
    /// Ask anew for pages that the store still holds as fresh. Default: off.
    pub refresh: bool,
    /// What to send to which server. Default: nothing.
    pub credentials: Credentials,
    /// Certificates to trust beside the system's, each a PEM bundle. Default: none.
    pub extra_certificates: Vec<Vec<u8>>,
    /// Hosts (`name` or `name:port`) whose certificates are not checked. Default: none.
    pub trusted_hosts: Vec<String>,
    /// Whether `HTTPS_PROXY` and its like are heeded. Default: yes.
    pub system_proxy: bool,
    /// The proxy for all hosts but those of `NO_PROXY`, before `HTTPS_PROXY` and its like. Default:
    /// none.
    pub proxy: Option<ProxyAddress>,
    /// Hosts and domains that `proxy` is not for, in place of those of `NO_PROXY`. Default: none are
    /// named.
    pub no_proxy: Vec<String>,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// How often to try again.
    pub retries: Retries,
    /// How many redirects of one request are followed. Default: 10.
    pub redirects: u32,
    /// How large an archive may be, in bytes. Default: 4 GiB.
    pub max_archive_bytes: u64,
    /// The clock that freshness goes by. Default: the machine's.
    pub clock: Clock,
}

/// The address of a proxy, perhaps with a user and a password in it, which `{:?}` does not tell.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyAddress(pub String);

impl fmt::Debug for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ProxyAddress").finish_non_exhaustive()
    }
}

/// How long to wait before something counts as dead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection. Default: 10 s.
    pub connect: Duration,
    /// For the head of an answer, connecting included. Default: 12 s, so that two tries of a
    /// request that is never answered end within 25 s.
    pub answer: Duration,
    /// Between two pieces of an answer. Default: 10 s.
    pub idle: Duration,
    /// The pace below which an answer counts as standing still, in bytes per second, measured over
    /// `floor_over`. Default: 1,000.
    pub floor: u64,
    /// What the pace is measured over. Default: 15 s.
    pub floor_over: Duration,
}

/// How often to try again, and how long to wait before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retries {
    /// Tries altogether when connections fail or break or the server errs. Default: 3.
    pub tries: u32,
    /// Tries altogether when nothing comes at all. Default: 2.
    pub silent_tries: u32,
    /// The wait before the second try; before the third it is four times as long. Default: 250 ms.
    pub backoff: Duration,
    /// The longest `Retry-After` that is honoured. Default: 60 s.
    pub retry_after_cap: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            user_agent: concat!("layerpress/", env!("CARGO_PKG_VERSION")).to_owned(),
            concurrency: 50,
            page_concurrency: 100,
            turns: std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
            offline: false,
            refresh: false,
            credentials: Credentials::new(),
            extra_certificates: Vec::new(),
            trusted_hosts: Vec::new(),
            system_proxy: true,
            proxy: None,
            no_proxy: Vec::new(),
            timeouts: Timeouts::default(),
            retries: Retries::default(),
            redirects: 10,
            max_archive_bytes: 4 << 30,
            clock: Clock::System,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(12),
            idle: Duration::from_secs(10),
            floor: 1_000,
            floor_over: Duration::from_secs(15),
        }
    }
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            tries: 3,
            silent_tries: 2,
            backoff: Duration::from_millis(250),
            retry_after_cap: Duration::from_secs(60),
        }
    }
}
