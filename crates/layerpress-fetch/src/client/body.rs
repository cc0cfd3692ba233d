//! [`Body`]: an answer's bytes, piece by piece, with an eye on the pace.
//!
//! Dozens of answers share one line. On a slow line one of them may well see nothing for a while
//! because the others take it all, and that is no reason to give up: silence only counts as death
//! while the client as a whole is not visibly working through a slow line.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use tokio::sync::SemaphorePermit;
use tokio::time::Instant;

use super::retry::Fault;
use super::{Client, transport};
use crate::error::FetchError;

/// How often silence is forgiven on a slow line.
const FORGIVEN: u32 = 12;

/// What counts as a slow line, in bytes per second over all answers. A faster one has room for
/// everybody, and who is silent on it is dead.
const SLOW_LINE: u64 = 512 * 1024;

/// The bytes of an answer that are still to come.
#[derive(Debug)]
pub(super) struct Body<'a> {
    client: &'a Client,
    response: Response,
    shown: String,
    received: u64,
    window: Window,
    forgiven: u32,
    _permit: SemaphorePermit<'a>,
}

/// The stretch over which the pace is measured.
#[derive(Debug)]
struct Window {
    since: Instant,
    received: u64,
    traffic: u64,
}

impl<'a> Body<'a> {
    pub(super) fn new(
        client: &'a Client,
        response: Response,
        shown: String,
        permit: SemaphorePermit<'a>,
    ) -> Self {
        Self {
            window: Window {
                since: Instant::now(),
                received: 0,
                traffic: client.traffic(),
            },
            client,
            response,
            shown,
            received: 0,
            forgiven: 0,
            _permit: permit,
        }
    }

    /// The address it comes from, redacted.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// The length that the head announced.
    pub(super) fn announced(&self) -> Option<u64> {
        self.response.content_length()
    }

    /// The next piece; `None` at the end. An answer shorter than announced is a fault.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        let idle = self.client.shared.options.timeouts.idle;
        let piece = match self.client.patiently(idle, self.response.chunk()).await {
            None => return Err(self.stalled()),
            Some(Err(error)) => return Err(transport::fault(error, &self.shown, self.received)),
            Some(Ok(piece)) => piece,
        };
        if let Some(piece) = &piece {
            let count = piece.len() as u64;
            self.received += count;
            self.client
                .shared
                .traffic
                .fetch_add(count, Ordering::Relaxed);
            self.watch_pace()?;
        }
        Ok(piece)
    }

    /// The rest in memory, `limit` bytes at most.
    pub(super) async fn all(mut self, limit: u64) -> Result<Vec<u8>, Fault> {
        let announced = self.announced().unwrap_or(0);
        let mut bytes = Vec::with_capacity(usize::try_from(announced.min(limit)).unwrap_or(0));
        while let Some(piece) = self.next().await? {
            if (bytes.len() + piece.len()) as u64 > limit {
                return Err(Fault::Lasting(FetchError::TooLarge {
                    url: self.shown,
                    limit,
                }));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    fn watch_pace(&mut self) -> Result<(), Fault> {
        let timeouts = &self.client.shared.options.timeouts;
        let elapsed = self.window.since.elapsed();
        if elapsed < timeouts.floor_over {
            return Ok(());
        }
        let came = self.received - self.window.received;
        let traffic = self.client.traffic() - self.window.traffic;
        if per_second(came, elapsed) < timeouts.floor {
            let others = traffic.saturating_sub(came);
            if self.forgiven >= FORGIVEN || !is_slow_line(others, elapsed, timeouts.floor) {
                return Err(self.stalled());
            }
            self.forgiven += 1;
        }
        self.window = Window {
            since: Instant::now(),
            received: self.received,
            traffic: self.client.traffic(),
        };
        Ok(())
    }

    fn stalled(&self) -> Fault {
        Fault::silent(FetchError::Stalled {
            url: self.shown.clone(),
            received: self.received,
        })
    }
}

impl Client {
    /// Waits for `future` as long as `limit`, and longer while others keep a slow line busy.
    pub(super) async fn patiently<T>(
        &self,
        limit: Duration,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        let mut future = std::pin::pin!(future);
        let floor = self.shared.options.timeouts.floor;
        for _ in 0..=FORGIVEN {
            let before = self.traffic();
            if let Ok(value) = tokio::time::timeout(limit, &mut future).await {
                return Some(value);
            }
            if !is_slow_line(self.traffic() - before, limit, floor) {
                return None;
            }
        }
        None
    }

    /// How many bytes of answers have come so far, over all requests.
    pub(super) fn traffic(&self) -> u64 {
        self.shared.traffic.load(Ordering::Relaxed)
    }
}

fn is_slow_line(bytes: u64, during: Duration, floor: u64) -> bool {
    (floor..SLOW_LINE).contains(&per_second(bytes, during))
}

fn per_second(bytes: u64, during: Duration) -> u64 {
    let millis = u64::try_from(during.as_millis()).unwrap_or(u64::MAX).max(1);
    bytes.saturating_mul(1000) / millis
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_slow_between_the_floor_and_half_a_megabyte() {
        let second = Duration::from_secs(1);
        assert!(!is_slow_line(0, second, 1000));
        assert!(!is_slow_line(9_999, 10 * second, 1000));
        assert!(is_slow_line(80_000, second, 1000));
        assert!(!is_slow_line(5_000_000, second, 1000));
    }
}
