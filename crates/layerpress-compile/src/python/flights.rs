//! [`Flights`]: one build of a source at a time, and none that waits for itself.
//!
//! Builds need builds: with `--no-binary :all:` a dozen of them want `setuptools`, which is built for the
//! first and then taken from the store. Whoever waits is noted, so that packages that need each other
//! end in an error and not in a wait without end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;

/// What tells sources apart: the digest of an archive, the path of a folder, ….
pub(super) type Key = Arc<str>;

/// The builds that are under way.
#[derive(Debug, Default)]
pub(super) struct Flights {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Held by whoever builds.
    turns: BTreeMap<Key, Arc<tokio::sync::Mutex<()>>>,
    /// What each build waits for, as often as it does.
    needs: Vec<(Key, Key)>,
}

/// The right to build one source; over when dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    flights: &'a Flights,
    need: Option<(Key, Key)>,
    _turn: OwnedMutexGuard<()>,
}

/// The build would wait for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Circle;

impl Flights {
    /// Waits for the right to build `key`, which the build of `parent` needs.
    ///
    /// # Errors
    /// [`Circle`] if `key` is `parent`, or its build waits for that of `parent`.
    pub(super) async fn turn(&self, parent: Option<&Key>, key: &Key) -> Result<Turn<'_>, Circle> {
        let need = parent.map(|parent| (Arc::clone(parent), Arc::clone(key)));
        let turn = {
            let mut known = self.known();
            if let Some(parent) = parent
                && known.leads(key, parent)
            {
                return Err(Circle);
            }
            known.needs.extend(need.clone());
            Arc::clone(known.turns.entry(Arc::clone(key)).or_default())
        };
        // Taken back even if nobody waits for the turn any more.
        let mut noted = Noted {
            flights: self,
            need,
        };
        let turn = turn.lock_owned().await;
        Ok(Turn {
            flights: self,
            need: noted.need.take(),
            _turn: turn,
        })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Both lists hold whole values at all times.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, need: Option<&(Key, Key)>) {
        let mut known = self.known();
        if let Some(at) = known.needs.iter().position(|it| Some(it) == need) {
            known.needs.swap_remove(at);
        }
    }
}

impl Known {
    /// Whether the build of `from` is that of `to`, or waits for it.
    fn leads(&self, from: &Key, to: &Key) -> bool {
        let mut seen = vec![from];
        let mut at = 0;
        while let Some(&key) = seen.get(at) {
            if key == to {
                return true;
            }
            for (_, needed) in self.needs.iter().filter(|(needs, _)| needs == key) {
                if !seen.contains(&needed) {
                    seen.push(needed);
                }
            }
            at += 1;
        }
        false
    }
}

struct Noted<'a> {
    flights: &'a Flights,
    need: Option<(Key, Key)>,
}

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        self.flights.forget(self.need.as_ref());
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.flights.forget(self.need.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn one_builds_and_the_others_wait() {
        let flights = Flights::default();
        let a: Key = "a".into();
        let first = flights.turn(None, &a).now_or_never();
        assert!(matches!(first, Some(Ok(_))));
        assert!(flights.turn(None, &a).now_or_never().is_none());
        drop(first);
        assert!(flights.turn(None, &a).now_or_never().is_some());
    }

    #[test]
    fn who_would_wait_for_itself_is_told() {
        let flights = Flights::default();
        let [a, b, c]: [Key; 3] = ["a", "b", "c"].map(Into::into);
        let turn = |parent, key| flights.turn(parent, key).now_or_never();
        let _a = turn(None, &a);
        let of_b = turn(Some(&a), &b);
        assert!(matches!(turn(Some(&a), &a), Some(Err(Circle))));
        assert!(matches!(turn(Some(&b), &a), Some(Err(Circle))));
        assert!(matches!(turn(Some(&b), &c), Some(Ok(_))));
        // Done waiting: no circle any more, though it still has to wait.
        drop(of_b);
        let _b = turn(None, &b);
        assert!(turn(Some(&b), &a).is_none());
        assert_eq!(flights.known().needs, []);
    }
}
