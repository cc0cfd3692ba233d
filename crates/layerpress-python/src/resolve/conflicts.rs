//! Learning from conflicts whom to decide first.
//!
//! Two packages that keep getting into each other's way are decided early and the culprit after
//! the one that it shuts out; the solver goes back to before the culprit was chosen. That spares
//! trying every version of one against every version of the other. The threshold is uv's.

use pubgrub::{Id, State};
use rustc_hash::FxHashMap;

use super::package::Package;
use super::priority::Priorities;
use super::solver::{Conflict, Types};

/// How often a package may be part of a conflict before it is moved.
const THRESHOLD: u32 = 5;

/// Who conflicted how often.
#[derive(Debug, Default)]
pub(crate) struct Conflicts {
    affected: FxHashMap<Id<Package>, u32>,
    culprits: FxHashMap<Id<Package>, u32>,
    to_prioritize: Vec<Id<Package>>,
    to_postpone: Vec<Id<Package>>,
}

impl Conflicts {
    /// Notes a conflict of `affected` that arose while `at_hand` was worked on.
    pub(crate) fn record(
        &mut self,
        state: &State<Types>,
        at_hand: Id<Package>,
        affected: Id<Package>,
        conflict: &Conflict,
    ) {
        let name = state.package_store[affected].name();
        let mut real = false;
        for culprit in state.conflict_packages(conflict) {
            // A proxy and its own package only hand on each other's bounds.
            if culprit == affected || state.package_store[culprit].name() == name {
                continue;
            }
            real = true;
            let count = self.culprits.entry(culprit).or_default();
            *count += 1;
            if *count == THRESHOLD {
                self.to_postpone.push(culprit);
            }
        }
        if real {
            let count = self.affected.entry(at_hand).or_default();
            *count += 1;
            if *count == THRESHOLD {
                self.to_prioritize.push(at_hand);
            }
        }
    }

    /// Moves those who have passed the threshold, and goes back to before a culprit was chosen.
    pub(crate) fn reprioritize(&mut self, state: &mut State<Types>, priorities: &mut Priorities) {
        for id in self.to_prioritize.drain(..) {
            priorities.mark_affected(state.package_store[id]);
        }
        for id in self.to_postpone.drain(..) {
            if priorities.mark_culprit(state.package_store[id]) {
                // `None`: it is not chosen at the moment, so there is nothing to go back on.
                let _ = state.backtrack_package(id);
            }
        }
    }
}
