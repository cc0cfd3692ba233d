//! The gate between the gzip and the tar decoder: budgets hold while inflating.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use crate::{Limits, TarballError};

/// How long all name and attribute records before one entry may be together, and all that follows
/// the last entry. The tar decoder holds the former in memory; a path has 4 kB.
const SLACK_BYTES: u64 = 1 << 20;

/// Watches a tar stream, and stops one that goes on for longer than it may.
#[derive(Clone, Default)]
pub(super) struct Gate(Rc<State>);

#[derive(Default)]
struct State {
    /// How many bytes the tar decoder has read.
    position: Cell<u64>,
    /// Up to where it may read at present.
    allowed: Cell<u64>,
    /// Where the next header begins, as far as it is known.
    next_header: Cell<u64>,
    /// Why it was stopped.
    stopped: Cell<Option<Stop>>,
}

#[derive(Debug, Clone, Copy)]
enum Stop {
    TooFar,
    Ratio(u32),
}

impl Gate {
    /// The stream `inner`, inflated from `archive_bytes`, behind this gate.
    pub(super) fn guard<R: Read>(&self, inner: R, archive_bytes: u64, limits: Limits) -> Guard<R> {
        Guard {
            inner,
            archive_bytes,
            limits,
            state: Rc::clone(&self.0),
        }
    }

    /// What is left of the current entry is skipped, and a header follows.
    pub(super) fn expect_header(&self) {
        self.0.allowed.set(self.0.next_header.get() + SLACK_BYTES);
    }

    /// The data of an entry follow: `size` bytes at `start`, which the tar decoder sticks to.
    pub(super) fn expect_data(&self, start: u64, size: u64) {
        let end = start.saturating_add(size).saturating_add(511) & !511;
        self.0.next_header.set(end);
        self.0.allowed.set(end);
    }

    /// The entries are over; only padding may follow.
    pub(super) fn expect_rest(&self) {
        self.0.allowed.set(self.0.position.get() + SLACK_BYTES);
    }

    /// What `error`, come from behind this gate, means.
    pub(super) fn fault(&self, error: &io::Error) -> TarballError {
        match self.0.stopped.get() {
            Some(Stop::Ratio(limit)) => TarballError::Ratio { limit },
            Some(Stop::TooFar) => TarballError::Slack { limit: SLACK_BYTES },
            None => TarballError::Damaged {
                reason: error.to_string(),
            },
        }
    }
}

/// A stream behind a [`Gate`].
pub(super) struct Guard<R> {
    inner: R,
    archive_bytes: u64,
    limits: Limits,
    state: Rc<State>,
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let position = self.state.position.get() + count as u64;
        self.state.position.set(position);
        let stop = if position > self.state.allowed.get() {
            Stop::TooFar
        } else if self
            .limits
            .ratio_over(position, self.archive_bytes)
            .is_some()
        {
            Stop::Ratio(self.limits.ratio)
        } else {
            return Ok(count);
        };
        self.state.stopped.set(Some(stop));
        Err(io::Error::other("the archive is over its budget"))
    }
}
