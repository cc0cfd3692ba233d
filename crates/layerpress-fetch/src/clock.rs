//! The one place that asks the wall clock: freshness and last-use stamps need it, output never does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where the time of day comes from.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// A clock that stands at the held number of milliseconds since 1970 until it is set anew.
    Fixed(Arc<AtomicU64>),
}

impl Clock {
    /// A clock that stands at `millis` milliseconds since 1970.
    #[must_use]
    pub fn fixed(millis: u64) -> Self {
        Self::Fixed(Arc::new(AtomicU64::new(millis)))
    }

    /// The time of day; never before 1970.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        match self {
            Self::System => system_now(),
            Self::Fixed(millis) => {
                UNIX_EPOCH + Duration::from_millis(millis.load(Ordering::Relaxed))
            }
        }
    }

    /// The time of day in milliseconds since 1970.
    #[must_use]
    pub fn now_millis(&self) -> u64 {
        let since = self.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the wrapper that every other place goes through"
)]
fn system_now() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_stands_still_and_can_be_set() {
        let clock = Clock::fixed(1_500);
        assert_eq!(clock.now_millis(), 1_500);
        if let Clock::Fixed(millis) = &clock {
            millis.store(7, Ordering::Relaxed);
        }
        assert_eq!(clock.now(), UNIX_EPOCH + Duration::from_millis(7));
    }
}
