//! Fetching ahead of need, so that a cold run waits for the depth of the graph and not for its
//! size.
//!
//! Three guesses: a name that has come up will be looked up; of a package in line, the release that
//! its range leads to will be read; and of a package that keeps being refused, the versions next to
//! the one at hand will follow. A run that finds everything at hand makes no guesses at all.

use std::collections::HashSet;
use std::sync::Arc;

use pep440_rs::Version;
use pubgrub::{Ranges, Term};

use super::super::package::{MarkerId, NameId, Package};
use super::super::provider::{Provider, Release};
use super::Solver;

/// The most metadata that is asked for at once for one package.
const BATCH: usize = 50;

impl<P: Provider> Solver<P> {
    /// A name has come up.
    pub(super) fn announce(&mut self, name: NameId) {
        if self.stocks.contains_key(&name) {
            return;
        }
        let desk = Arc::clone(&self.problem.desk);
        let package_name = self.names.package_name(name);
        match desk.stock_now(package_name) {
            Some(Ok(stock)) => {
                self.stocks.insert(name, stock);
            }
            // The fault shows when the solver comes for it, if it ever does.
            Some(Err(_)) => {}
            None => {
                self.cold = true;
                desk.fetch_ahead(package_name, None);
            }
        }
    }

    /// Gets the metadata that the packages in line will need next.
    pub(super) fn fetch_likely(&mut self) {
        if !self.cold {
            return;
        }
        let desk = Arc::clone(&self.problem.desk);
        let in_line: Vec<_> = self
            .state
            .partial_solution
            .prioritized_packages()
            .filter(|(id, range)| self.guessed.get(id) != Some(*range))
            .map(|(id, range)| (id, range.clone()))
            .collect();
        for (id, range) in in_line {
            let Package::Plain(name, MarkerId::ALWAYS) = self.state.package_store[id] else {
                continue;
            };
            if self.fixed(name).is_some() {
                continue;
            }
            let package_name = self.names.package_name(name);
            match self.stocks.get(&name) {
                None => desk.fetch_ahead(package_name, Some(range.clone())),
                Some(stock) => {
                    if let Some(candidate) = desk.selector().select(package_name, &range, stock) {
                        let (version, release) = (candidate.version, candidate.release);
                        desk.fetch_metadata_ahead(package_name, version, release);
                    }
                }
            }
            self.guessed.insert(id, range);
        }
    }

    /// Counts the versions of a package that were tried.
    pub(super) fn note_tried(&mut self, package: Package, version: &Version) {
        if let Package::Plain(name, MarkerId::ALWAYS) = package {
            self.tried.entry(name).or_default().insert(version.clone());
        }
    }

    /// After 5, 10, 20, 40, 60… versions of a package: gets as many more, up to a batch.
    pub(super) fn fetch_neighbours(
        &mut self,
        package: Package,
        version: &Version,
        range: &Ranges<Version>,
    ) {
        let Package::Plain(name, MarkerId::ALWAYS) = package else {
            return;
        };
        if !self.cold || self.fixed(name).is_some() {
            return;
        }
        let tried = self.tried.get(&name).map_or(0, HashSet::len);
        let before = self.prefetched.get(&name).copied().unwrap_or_default();
        let passed = |mark| tried >= mark && before < mark;
        if !(passed(5) || passed(10) || passed(20) || tried >= 20 && tried - before >= 20) {
            return;
        }
        self.prefetched.insert(name, tried);
        let Some(stock) = self.stocks.get(&name).cloned() else {
            return;
        };
        let desk = Arc::clone(&self.problem.desk);
        let selector = desk.selector();
        let package_name = self.names.package_name(name);
        let highest = selector.prefers_highest(package_name);

        // First what the range at hand leads to, then whatever comes next in order: the range may
        // be as narrow as one version because of a package that will change in step (botocore).
        let lasting = self
            .state
            .partial_solution
            .unchanging_term_for_package(self.next);
        let mut left = range.clone();
        let mut last = version.clone();
        let mut in_order = false;
        for _ in 0..tried.min(BATCH) {
            if in_order {
                left = if highest {
                    Ranges::strictly_lower_than(last.clone())
                } else {
                    Ranges::strictly_higher_than(last.clone())
                };
                left = match lasting {
                    Some(Term::Positive(lasting)) => left.intersection(lasting),
                    Some(Term::Negative(lasting)) => left.difference(lasting),
                    None => left,
                };
            }
            let Some(candidate) = selector.best(package_name, &left, &stock) else {
                if in_order {
                    break;
                }
                in_order = true;
                continue;
            };
            last = candidate.version.clone();
            left = left.difference(&Ranges::singleton(last.clone()));
            if let release @ Release::Usable(_) = candidate.release {
                desk.fetch_metadata_ahead(package_name, candidate.version, release);
            }
        }
    }
}
