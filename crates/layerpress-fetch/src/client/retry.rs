//! [`Fault`] and [`Tries`]: which failures pass by themselves, and how often to try again.
//!
//! Waits grow by a fixed factor and hold no chance: two runs against the same server behave alike.

use std::time::Duration;

use super::options::Retries;
use crate::error::FetchError;

/// How one try failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// Another try would end the same way.
    Lasting(FetchError),
    /// Another try may do better.
    Passing {
        /// What is said if no try is left.
        error: FetchError,
        /// Nothing came at all: each such try has cost a whole timeout.
        silent: bool,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
}

impl Fault {
    pub(super) fn passing(error: FetchError) -> Self {
        Self::Passing {
            error,
            silent: false,
            retry_after: None,
        }
    }

    pub(super) fn silent(error: FetchError) -> Self {
        Self::Passing {
            error,
            silent: true,
            retry_after: None,
        }
    }
}

impl<E: Into<FetchError>> From<E> for Fault {
    fn from(error: E) -> Self {
        Self::Lasting(error.into())
    }
}

/// The tries of one request.
#[derive(Debug)]
pub(super) struct Tries<'a> {
    rules: &'a Retries,
    failed: u32,
    silent: u32,
}

impl<'a> Tries<'a> {
    pub(super) fn new(rules: &'a Retries) -> Self {
        Self {
            rules,
            failed: 0,
            silent: 0,
        }
    }

    /// How long to wait before the next try, or the error if there is none.
    pub(super) fn again(&mut self, fault: Fault) -> Result<Duration, FetchError> {
        let (error, silent, retry_after) = match fault {
            Fault::Lasting(error) => return Err(error),
            Fault::Passing {
                error,
                silent,
                retry_after,
            } => (error, silent, retry_after),
        };
        self.failed += 1;
        self.silent += u32::from(silent);
        if self.failed >= self.rules.tries || self.silent >= self.rules.silent_tries {
            return Err(error);
        }
        let backoff = self.rules.backoff * 4u32.saturating_pow(self.failed - 1);
        let Some(asked) = retry_after else {
            return Ok(backoff);
        };
        match error {
            FetchError::Status { url, status } if asked > self.rules.retry_after_cap => {
                Err(FetchError::Wait {
                    url,
                    status,
                    seconds: asked.as_secs(),
                    cap: self.rules.retry_after_cap.as_secs(),
                })
            }
            _ => Ok(asked.max(backoff)),
        }
    }

    /// Much has come since the last failure: the next one counts as the first.
    pub(super) fn progressed(&mut self) {
        self.failed = 0;
        self.silent = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(seconds: Option<u64>) -> Fault {
        Fault::Passing {
            error: FetchError::Status {
                url: "https://h.example/a".into(),
                status: 429,
            },
            silent: false,
            retry_after: seconds.map(Duration::from_secs),
        }
    }

    #[test]
    fn waits_grow_and_end() {
        let rules = Retries::default();
        let mut tries = Tries::new(&rules);
        let waits: Vec<_> = (0..2)
            .map(|_| tries.again(refused(None)).expect("tries again"))
            .collect();
        assert_eq!(waits, [Duration::from_millis(250), Duration::from_secs(1)]);
        tries.again(refused(None)).expect_err("three tries are all");
        tries.progressed();
        tries.again(refused(None)).expect("counts anew");
    }

    #[test]
    fn silence_is_tried_twice_only() {
        let rules = Retries::default();
        let mut tries = Tries::new(&rules);
        let silent = || {
            Fault::silent(FetchError::Silent {
                url: "https://h.example/a".into(),
                waited: Duration::from_secs(12),
            })
        };
        tries.again(silent()).expect("tries again");
        let error = tries.again(silent()).expect_err("two tries are all");
        insta::assert_snapshot!(error, @"`https://h.example/a`: no answer within 12 s");
    }

    #[test]
    fn retry_after_is_honoured_up_to_the_cap() {
        let rules = Retries::default();
        let wait = |seconds| Tries::new(&rules).again(refused(Some(seconds)));
        assert_eq!(wait(60).expect("waits"), Duration::from_secs(60));
        assert_eq!(wait(0).expect("waits"), rules.backoff);
        let error = wait(61).expect_err("is too long");
        insta::assert_snapshot!(error, @"`https://h.example/a`: the server answered 429 and asks to wait 61 s; no more than 60 s are waited");
    }
}
