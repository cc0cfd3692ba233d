//! The order in which the solver decides, and how conflicts change it.
//!
//! Fixed sources first, then pins, then packages that conflicts have moved forward, then the rest;
//! among equals whoever was seen first. The order decides which of several valid answers is found,
//! so it is part of what users see: it is uv's order, so that versions equal uv's.

use std::cmp::Reverse;

use pep440_rs::Version;
use pubgrub::Ranges;
use rustc_hash::FxHashMap;

use super::package::{NameId, Package};
use super::ranges;

/// How urgent a package is; greater is decided earlier.
pub(crate) type Priority = (Urgency, Reverse<u32>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Urgency {
    class: Class,
    seen: Reverse<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Ordinary,
    /// Its versions often shut others out: after those that it shuts out, before the rest.
    Culprit,
    /// Its versions were often rejected.
    Affected,
    Pinned,
    Fixed,
    Root,
}

/// The urgencies of all packages seen so far.
#[derive(Debug, Default)]
pub(crate) struct Priorities {
    names: FxHashMap<NameId, Urgency>,
    nodes: FxHashMap<Package, u32>,
}

impl Priorities {
    /// Notes that `package` is required in `range`.
    pub(crate) fn see(&mut self, package: Package, range: &Ranges<Version>, fixed: bool) {
        let next = count(self.nodes.len());
        self.nodes.entry(package).or_insert(next);
        let Some(name) = package.name() else { return };
        let class = if fixed {
            Class::Fixed
        } else if ranges::is_pin(range) {
            Class::Pinned
        } else {
            Class::Ordinary
        };
        let seen = Reverse(count(self.names.len()));
        let urgency = self.names.entry(name).or_insert(Urgency { class, seen });
        // What conflicts have moved stays moved: going back would lead into the same conflicts.
        if class > urgency.class {
            urgency.class = class;
        }
    }

    pub(crate) fn of(&self, package: Package) -> Priority {
        let root = Urgency {
            class: Class::Root,
            seen: Reverse(0),
        };
        match package {
            Package::Root => (root, Reverse(0)),
            Package::Python => (root, Reverse(1)),
            _ => {
                let last = Urgency {
                    class: Class::Ordinary,
                    seen: Reverse(u32::MAX),
                };
                let urgency = package.name().and_then(|name| self.names.get(&name));
                let order = self.nodes.get(&package).copied().unwrap_or(u32::MAX);
                (urgency.copied().unwrap_or(last), Reverse(order))
            }
        }
    }

    /// Moves a package forward whose versions are often rejected.
    pub(crate) fn mark_affected(&mut self, package: Package) {
        if let Some(name) = package.name() {
            self.entry(name).class = Class::Affected;
        }
    }

    /// Moves a package whose versions often shut others out; whether that changed anything.
    pub(crate) fn mark_culprit(&mut self, package: Package) -> bool {
        let Some(name) = package.name() else {
            return false;
        };
        let urgency = self.entry(name);
        if matches!(urgency.class, Class::Culprit | Class::Affected) {
            return false;
        }
        urgency.class = Class::Culprit;
        true
    }

    fn entry(&mut self, name: NameId) -> &mut Urgency {
        let seen = Reverse(count(self.names.len()));
        self.names.entry(name).or_insert(Urgency {
            class: Class::Ordinary,
            seen,
        })
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
