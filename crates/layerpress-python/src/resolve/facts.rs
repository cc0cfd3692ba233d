//! What the proof that nothing fits rests on, as facts that people can check.
//!
//! A proof comes in: a tree of derived incompatibilities, most of them about proxies and merged
//! ranges. Its leaves come out: what the user asks for, what releases need, what is missing.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::ops::Bound;
use std::sync::Arc;

use pep440_rs::Version;
use pubgrub::{DerivationTree, External, Ranges};
use rustc_hash::FxHashSet;

use super::demands::Dependency;
use super::inputs::{Need, Request, Wanted};
use super::package::{NameId, Names, Package};
use super::provider::{Missing, Unusable};
use super::ranges::admitted;
use super::solver::{Proof, Reason};

/// A leaf of the proof.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fact {
    /// A line of the user's asks for a package, or only bounds it.
    Asked {
        /// The line's position.
        line: usize,
        package: Package,
        range: Ranges<Version>,
        /// Whether it is a requirement, and no mere constraint.
        required: bool,
    },
    /// Versions of one package need certain versions of another.
    Needs {
        package: Package,
        versions: Ranges<Version>,
        needed: Package,
        range: Ranges<Version>,
    },
    /// Versions of a package do not fit the target's Python.
    NeedsPython {
        name: NameId,
        versions: Ranges<Version>,
        pythons: Ranges<Version>,
    },
    /// There is no version in a range.
    NoVersions {
        name: NameId,
        range: Ranges<Version>,
    },
    /// There is nothing of that name.
    Missing { name: NameId, missing: Missing },
    /// Versions that cannot be used.
    Unusable {
        name: NameId,
        versions: Ranges<Version>,
        why: Arc<Unusable>,
    },
    /// The user's requirements contradict themselves.
    Contradiction { why: Arc<Unusable> },
}

/// What the facts are read with.
pub(crate) struct Reader<'a> {
    pub(crate) names: &'a Names,
    pub(crate) request: &'a Request,
    /// What the root requires.
    pub(crate) user: &'a [Dependency],
    /// The one version of a package that the user has named outright.
    pub(crate) fixed: &'a dyn Fn(NameId) -> Option<Version>,
}

impl Reader<'_> {
    /// The leaves of a proof, in the order in which they are told.
    pub(crate) fn facts(&self, proof: &Proof) -> Vec<Fact> {
        let mut facts: Vec<Fact> = Vec::new();
        for leaf in leaves(proof) {
            for fact in self.read(leaf) {
                if !facts.iter_mut().any(|known| known.absorb(&fact)) {
                    facts.push(fact);
                }
            }
        }
        in_order(facts)
    }

    fn read(&self, leaf: &External<Package, Ranges<Version>, Reason>) -> Vec<Fact> {
        let fact = match leaf {
            External::NotRoot(..) => None,
            External::NoVersions(package, range) => package.name().map(|name| Fact::NoVersions {
                name,
                range: range.clone(),
            }),
            External::FromDependencyOf(package, versions, needed, range) => {
                return self.dependency(*package, versions, *needed, range);
            }
            External::Custom(package, versions, reason) => match (package.name(), reason) {
                (None, Reason::Unusable(why)) => Some(Fact::Contradiction {
                    why: Arc::clone(why),
                }),
                (None, Reason::Missing(_)) => None,
                (Some(name), Reason::Missing(missing)) => Some(Fact::Missing {
                    name,
                    missing: *missing,
                }),
                (Some(name), Reason::Unusable(why)) => Some(Fact::Unusable {
                    name,
                    versions: versions.clone(),
                    why: Arc::clone(why),
                }),
            },
        };
        fact.into_iter().collect()
    }

    fn dependency(
        &self,
        package: Package,
        versions: &Ranges<Version>,
        needed: Package,
        range: &Ranges<Version>,
    ) -> Vec<Fact> {
        let Some(dependent) = package.name() else {
            return self.asked(needed, range).into_iter().collect();
        };
        if needed == Package::Python {
            return vec![Fact::NeedsPython {
                name: dependent,
                versions: versions.clone(),
                pythons: range.clone(),
            }];
        }
        // A proxy and its package: no news.
        if needed.name() == Some(dependent) {
            return Vec::new();
        }
        let needs = |range: Ranges<Version>| Fact::Needs {
            package,
            versions: versions.clone(),
            needed,
            range,
        };
        // No release says of itself what a constraint of the user's bounds.
        match self.constraint(needed, range) {
            Some(line) => vec![
                Fact::Asked {
                    line,
                    package: needed,
                    range: range.clone(),
                    required: false,
                },
                needs(Ranges::full()),
            ],
            None => vec![needs(range.clone())],
        }
    }

    fn asked(&self, needed: Package, range: &Ranges<Version>) -> Option<Fact> {
        let edge = self
            .user
            .iter()
            .find(|edge| edge.package == needed && edge.range == *range);
        let line = edge.and_then(|edge| edge.line)?;
        let fixed = needed.name().and_then(self.fixed);
        let range = match fixed {
            Some(version) => range.intersection(&Ranges::singleton(version)),
            None => range.clone(),
        };
        Some(Fact::Asked {
            line,
            package: needed,
            range,
            required: line < self.request.requirements.len(),
        })
    }

    /// The constraint that bounds a package just so.
    fn constraint(&self, needed: Package, range: &Ranges<Version>) -> Option<usize> {
        let first = self.request.requirements.len();
        let name = self.names.package_name(needed.name()?);
        let bounds = |wanted: &Wanted| {
            let Need::Versions(specifiers) = &wanted.need else {
                return false;
            };
            wanted.name.as_ref() == Some(name)
                && !specifiers.is_empty()
                && admitted(specifiers) == *range
        };
        let constraints = &self.request.constraints;
        constraints.iter().position(bounds).map(|at| first + at)
    }
}

/// What a fact is about; facts of one kind follow each other.
pub(crate) type Kind = (u8, NameId, Option<NameId>);

impl Fact {
    pub(crate) fn kind(&self) -> Option<Kind> {
        match self {
            Self::Asked { .. } | Self::Contradiction { .. } => None,
            Self::Needs {
                package, needed, ..
            } => package.name().map(|name| (0, name, needed.name())),
            Self::NeedsPython { name, .. } => Some((1, *name, None)),
            Self::NoVersions { name, .. } => Some((2, *name, None)),
            Self::Missing { name, .. } => Some((3, *name, None)),
            Self::Unusable { name, .. } => Some((4, *name, None)),
        }
    }

    /// Takes in a fact that says the same of other versions; whether it did.
    fn absorb(&mut self, other: &Self) -> bool {
        if self == other {
            return true;
        }
        let both = self.kind().is_some()
            && self.kind() == other.kind()
            && match (&*self, other) {
                (
                    Self::Needs {
                        package,
                        needed,
                        range,
                        ..
                    },
                    Self::Needs {
                        package: other_package,
                        needed: other_needed,
                        range: other_range,
                        ..
                    },
                ) => {
                    package.extra() == other_package.extra()
                        && needed.extra() == other_needed.extra()
                        && range == other_range
                }
                (
                    Self::NeedsPython { pythons, .. },
                    Self::NeedsPython {
                        pythons: other_pythons,
                        ..
                    },
                ) => pythons == other_pythons,
                (Self::Unusable { why, .. }, Self::Unusable { why: other_why, .. }) => {
                    why.to_string() == other_why.to_string()
                }
                _ => false,
            };
        if both && let (Some(versions), Some(others)) = (self.versions_mut(), other.versions()) {
            *versions = versions.union(others);
        }
        both
    }

    /// The versions of which the fact says something.
    pub(crate) fn versions(&self) -> Option<&Ranges<Version>> {
        match self {
            Self::Needs { versions, .. }
            | Self::NeedsPython { versions, .. }
            | Self::Unusable { versions, .. } => Some(versions),
            Self::Asked { .. }
            | Self::NoVersions { .. }
            | Self::Missing { .. }
            | Self::Contradiction { .. } => None,
        }
    }

    fn versions_mut(&mut self) -> Option<&mut Ranges<Version>> {
        match self {
            Self::Needs { versions, .. }
            | Self::NeedsPython { versions, .. }
            | Self::Unusable { versions, .. } => Some(versions),
            Self::Asked { .. }
            | Self::NoVersions { .. }
            | Self::Missing { .. }
            | Self::Contradiction { .. } => None,
        }
    }

    /// The same fact, said of fewer versions.
    pub(crate) fn about(mut self, versions: Ranges<Version>) -> Self {
        if let Some(own) = self.versions_mut() {
            *own = versions;
        }
        self
    }

    /// The newest of the versions that the fact speaks about; nothing is newer than an open end.
    fn newest(&self) -> Option<(bool, Version)> {
        let (_, high) = self.versions()?.bounding_range()?;
        match high {
            Bound::Included(version) | Bound::Excluded(version) => Some((false, version.clone())),
            Bound::Unbounded => Some((true, Version::new([0]))),
        }
    }

    /// The package that the fact speaks about.
    pub(crate) fn subject(&self) -> Option<NameId> {
        self.kind().map(|(_, name, _)| name)
    }

    /// Whether it might be otherwise for another Python.
    pub(crate) fn is_about_python(&self) -> bool {
        match self {
            Self::NeedsPython { .. } => true,
            Self::Unusable { why, .. } => {
                matches!(**why, Unusable::NoWheel { .. } | Unusable::Python { .. })
            }
            _ => false,
        }
    }

    /// Whether files were there, only not those that the user vouches for.
    pub(crate) fn is_about_hashes(&self) -> bool {
        matches!(self, Self::Unusable { why, .. } if matches!(**why, Unusable::OtherHashes { .. }))
    }

    /// The line of the user's that it is about.
    pub(crate) fn line(&self) -> Option<usize> {
        match self {
            Self::Asked { line, .. } => Some(*line),
            _ => None,
        }
    }

    /// The package that a line of the user's asks for.
    pub(crate) fn asked_for(&self) -> Option<NameId> {
        match self {
            Self::Asked { package, .. } => package.name(),
            _ => None,
        }
    }
}

/// The user's lines in their order, then whatever is known of the packages that they lead to,
/// nearest first.
pub(crate) fn in_order(facts: Vec<Fact>) -> Vec<Fact> {
    let (mut ordered, mut rest): (Vec<Fact>, Vec<Fact>) = facts
        .into_iter()
        .partition(|fact| matches!(fact, Fact::Asked { .. } | Fact::Contradiction { .. }));
    ordered.sort_by_key(|fact| fact.line().unwrap_or(usize::MAX));
    let mut queue: VecDeque<NameId> = ordered.iter().filter_map(Fact::asked_for).collect();
    let mut seen = FxHashSet::default();
    while let Some(name) = queue.pop_front() {
        if !seen.insert(name) {
            continue;
        }
        let (mut about, others): (Vec<Fact>, Vec<Fact>) = rest
            .into_iter()
            .partition(|fact| fact.subject() == Some(name));
        rest = others;
        about.sort_by_cached_key(|fact| (fact.kind(), Reverse(fact.newest())));
        for fact in &about {
            if let Fact::Needs { needed, .. } = fact {
                queue.extend(needed.name());
            }
        }
        ordered.extend(about);
    }
    ordered.extend(rest);
    ordered
}

/// The leaves of a proof from left to right; proofs are too deep for recursion.
fn leaves(proof: &Proof) -> Vec<&External<Package, Ranges<Version>, Reason>> {
    let mut leaves = Vec::new();
    let mut shared = FxHashSet::default();
    let mut stack = vec![proof];
    while let Some(node) = stack.pop() {
        match node {
            DerivationTree::External(leaf) => leaves.push(leaf),
            DerivationTree::Derived(derived) => {
                if derived.shared_id.is_some_and(|id| !shared.insert(id)) {
                    continue;
                }
                stack.push(&derived.cause2);
                stack.push(&derived.cause1);
            }
        }
    }
    leaves
}
