//! The proof that nothing fits, in sentences.
//!
//! The proof is a tree of derived facts, most of them about proxies and merged ranges. People get
//! its leaves: what they wrote themselves first, then what releases need, then what is missing,
//! with every range told in versions that exist.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::ops::Bound;
use std::sync::Arc;

use pep440_rs::Version;
use pubgrub::{DerivationTree, External, Ranges};
use rustc_hash::FxHashSet;

use super::demands::Dependency;
use super::inputs::{Need, Request, Wanted};
use super::package::{NameId, Names, Package};
use super::provider::{Missing, Unusable};
use super::ranges::{admitted, describe};
use super::solver::{Proof, Reason};

/// How many facts of one kind about one pair of packages are told in full.
const FACTS_OF_A_KIND: usize = 3;

/// How many facts are told in all.
const FACTS: usize = 20;

/// A leaf of the proof.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fact {
    /// The user asks for something; the line's position and what it asks for.
    Asked { line: usize, name: NameId },
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

/// What the sentences are made with.
pub(crate) struct Context<'a> {
    pub(crate) names: &'a Names,
    pub(crate) request: &'a Request,
    /// What the root requires.
    pub(crate) user: &'a [Dependency],
    /// The versions that exist of a package, ascending.
    pub(crate) known: &'a (dyn Fn(NameId) -> Vec<Version> + Sync),
}

impl Context<'_> {
    /// The leaves of a proof, in the order in which they are told.
    pub(crate) fn facts(&self, proof: &Proof) -> Vec<Fact> {
        let mut facts: Vec<Fact> = Vec::new();
        for leaf in leaves(proof) {
            let Some(fact) = self.fact(leaf) else {
                continue;
            };
            if !facts.iter_mut().any(|known| known.absorb(&fact)) {
                facts.push(fact);
            }
        }
        in_order(facts)
    }

    /// All of it as text.
    pub(crate) fn explanation(&self, facts: &[Fact]) -> String {
        let target = &self.request.target;
        let asked = facts
            .iter()
            .filter(|fact| matches!(fact, Fact::Asked { .. }))
            .count();
        let mut text = if asked <= 1 {
            format!("a requirement cannot be met for {target}:")
        } else {
            format!("the requirements cannot be met together for {target}:")
        };
        let mut told = 0;
        for alike in facts.chunk_by(|a, b| a.kind().is_some() && a.kind() == b.kind()) {
            let room = FACTS_OF_A_KIND.min(FACTS - told);
            for fact in alike.iter().take(room) {
                let _ = write!(text, "\n  {}", self.sentence(fact));
                told += 1;
            }
            let left = alike.len().saturating_sub(room);
            if left > 0 && room > 0 {
                let _ = write!(text, "\n  … and {left} more like these");
            }
        }
        text
    }

    fn fact(&self, leaf: &External<Package, Ranges<Version>, Reason>) -> Option<Fact> {
        match leaf {
            External::NotRoot(..) => None,
            External::NoVersions(package, range) => {
                let name = package.name()?;
                let range = range.clone();
                Some(Fact::NoVersions { name, range })
            }
            External::FromDependencyOf(package, versions, needed, range) => {
                self.dependency(*package, versions, *needed, range)
            }
            External::Custom(package, versions, reason) => {
                let Some(name) = package.name() else {
                    return match reason {
                        Reason::Unusable(why) => Some(Fact::Contradiction {
                            why: Arc::clone(why),
                        }),
                        Reason::Missing(_) => None,
                    };
                };
                Some(match reason {
                    Reason::Missing(missing) => Fact::Missing {
                        name,
                        missing: *missing,
                    },
                    Reason::Unusable(why) => Fact::Unusable {
                        name,
                        versions: versions.clone(),
                        why: Arc::clone(why),
                    },
                })
            }
        }
    }

    fn dependency(
        &self,
        package: Package,
        versions: &Ranges<Version>,
        needed: Package,
        range: &Ranges<Version>,
    ) -> Option<Fact> {
        let by_line = |edges: &[Dependency]| {
            edges
                .iter()
                .find(|edge| edge.package == needed && edge.range == *range)
                .and_then(|edge| edge.line)
        };
        let Some(dependent) = package.name() else {
            let line = by_line(self.user)?;
            let name = needed.name()?;
            return Some(Fact::Asked { line, name });
        };
        if needed == Package::Python {
            return Some(Fact::NeedsPython {
                name: dependent,
                versions: versions.clone(),
                pythons: range.clone(),
            });
        }
        // A proxy and its package: no news.
        if needed.name() == Some(dependent) {
            return None;
        }
        if let Some(line) = self.constraint(needed, range) {
            let name = needed.name()?;
            return Some(Fact::Asked { line, name });
        }
        Some(Fact::Needs {
            package,
            versions: versions.clone(),
            needed,
            range: range.clone(),
        })
    }

    /// The constraint that bounds a package just so, for what no release says of itself.
    fn constraint(&self, needed: Package, range: &Ranges<Version>) -> Option<usize> {
        let first = self.request.requirements.len();
        let name = self.names.package_name(needed.name()?);
        let bounds = |wanted: &Wanted| {
            let Need::Versions(specifiers) = &wanted.need else {
                return false;
            };
            wanted.name.as_ref() == Some(name) && admitted(specifiers) == *range
        };
        let constraints = &self.request.constraints;
        constraints.iter().position(bounds).map(|at| first + at)
    }

    fn sentence(&self, fact: &Fact) -> String {
        let names = self.names;
        match fact {
            Fact::Asked { line, .. } => {
                let wanted = self.line(*line);
                let place = wanted.map_or("", |wanted| wanted.place.as_str());
                let text = wanted.map_or("", |wanted| wanted.text.as_str());
                format!("{place} asks for `{text}`")
            }
            Fact::Needs {
                package,
                versions,
                needed,
                range,
            } => {
                let who = self.versions(*package, versions);
                let verb = self.verb(*package, versions);
                let needed = names.text(*needed);
                format!("{who} {verb} {needed}{}", describe(range))
            }
            Fact::NeedsPython {
                name,
                versions,
                pythons,
            } => {
                let package = Package::plain(*name);
                let who = self.versions(package, versions);
                let verb = self.verb(package, versions);
                format!("{who} {verb} Python {}", describe(pythons))
            }
            Fact::NoVersions { name, range } => {
                let newest = (self.known)(*name).pop();
                let newest = newest.map_or(String::new(), |version| {
                    format!("; the newest version is {version}")
                });
                let package = names.package_name(*name);
                if *range == Ranges::full() {
                    format!("{package} has no version that can be used")
                } else {
                    format!(
                        "there is no version of {package} {}{newest}",
                        describe(range)
                    )
                }
            }
            Fact::Missing { name, missing } => {
                let package = names.package_name(*name);
                match missing {
                    Missing::Unknown => format!("there is no package `{package}` on the index"),
                    Missing::NoIndex => {
                        format!(
                            "`{package}` is in none of the places given, and no index may be asked"
                        )
                    }
                    Missing::Offline => {
                        format!("`{package}` is not in the cache, and the network may not be used")
                    }
                }
            }
            Fact::Unusable {
                name,
                versions,
                why,
            } => {
                let package = Package::plain(*name);
                let who = self.versions(package, versions);
                let why = why.to_string();
                if self.verb(package, versions) == "needs" {
                    format!("{who} {why}")
                } else {
                    format!("{who} {}", in_plural(&why))
                }
            }
            Fact::Contradiction { why } => {
                let line = self.request.requirements.iter().find(|wanted| {
                    matches!(&wanted.need, Need::Versions(specifiers)
                        if admitted(specifiers).is_empty())
                });
                match line {
                    Some(wanted) => format!(
                        "{} asks for `{}`, which no version can meet",
                        wanted.place, wanted.text
                    ),
                    None => format!("your own list {why}"),
                }
            }
        }
    }

    pub(crate) fn line(&self, line: usize) -> Option<&Wanted> {
        let request = self.request;
        let all = [
            &request.requirements,
            &request.constraints,
            &request.overrides,
        ];
        all.into_iter().flatten().nth(line)
    }

    /// Those of the versions that exist and lie in `range`, first to last.
    pub(crate) fn existing(&self, name: NameId, range: &Ranges<Version>) -> Vec<Version> {
        let mut known = (self.known)(name);
        known.retain(|version| range.contains(version));
        known
    }

    fn verb(&self, package: Package, versions: &Ranges<Version>) -> &'static str {
        let count = package
            .name()
            .map_or(1, |name| self.existing(name, versions).len());
        if count == 1 { "needs" } else { "need" }
    }

    /// `flask 1.0 to 1.1.4`: the versions of a package that a range covers.
    fn versions(&self, package: Package, range: &Ranges<Version>) -> String {
        let text = self.names.text(package);
        let Some(name) = package.name() else {
            return text;
        };
        let known = (self.known)(name);
        let runs = runs(&known, range);
        let count: usize = runs.iter().map(|(start, end)| end - start + 1).sum();
        if count == 0 {
            return format!("{text}{}", describe(range));
        }
        if count == known.len() && count > 1 {
            return format!("all versions of {text}");
        }
        if runs.len() > 3 {
            let (first, last) = (runs[0].0, runs[runs.len() - 1].1);
            let (first, last) = (&known[first], &known[last]);
            return format!("{count} versions of {text} from {first} to {last}");
        }
        let mut parts = runs.iter().map(|&(start, end)| match end - start {
            0 => known[start].to_string(),
            1 if runs.len() == 1 => format!("{} and {}", known[start], known[end]),
            _ => format!("{} to {}", known[start], known[end]),
        });
        let first = parts.next().unwrap_or_default();
        let rest: Vec<String> = parts.collect();
        match rest.split_last() {
            None => format!("{text} {first}"),
            Some((last, [])) => format!("{text} {first} and {last}"),
            Some((last, middle)) => format!("{text} {first}, {} and {last}", middle.join(", ")),
        }
    }
}

impl Fact {
    /// Facts of one kind follow each other; after a few of them the rest is only counted.
    fn kind(&self) -> Option<(u8, NameId, Option<NameId>)> {
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
        let both = match (&*self, other) {
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
                (package.name(), package.extra()) == (other_package.name(), other_package.extra())
                    && (needed.name(), needed.extra())
                        == (other_needed.name(), other_needed.extra())
                    && range == other_range
            }
            (
                Self::NeedsPython { name, pythons, .. },
                Self::NeedsPython {
                    name: other_name,
                    pythons: other_pythons,
                    ..
                },
            ) => name == other_name && pythons == other_pythons,
            (
                Self::Unusable { name, why, .. },
                Self::Unusable {
                    name: other_name,
                    why: other_why,
                    ..
                },
            ) => name == other_name && why.to_string() == other_why.to_string(),
            _ => false,
        };
        if both && let (Some(versions), Some(others)) = (self.versions_mut(), other.versions()) {
            *versions = versions.union(others);
        }
        both
    }

    fn versions(&self) -> Option<&Ranges<Version>> {
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
        match self {
            Self::Asked { .. } | Self::Contradiction { .. } => None,
            Self::Needs { package, .. } => package.name(),
            Self::NeedsPython { name, .. }
            | Self::NoVersions { name, .. }
            | Self::Missing { name, .. }
            | Self::Unusable { name, .. } => Some(*name),
        }
    }
}

/// `has no wheel` → `have no wheel`, for what is said of several versions.
fn in_plural(verb: &str) -> String {
    for (one, many) in [("has ", "have "), ("was ", "were "), ("needs ", "need ")] {
        if let Some(rest) = verb.strip_prefix(one) {
            return format!("{many}{rest}");
        }
    }
    verb.to_owned()
}

/// The runs of neighbouring versions that a range covers, as first and last positions.
fn runs(known: &[Version], range: &Ranges<Version>) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (at, version) in known.iter().enumerate() {
        if !range.contains(version) {
            continue;
        }
        match runs.last_mut() {
            Some((_, end)) if *end + 1 == at => *end = at,
            _ => runs.push((at, at)),
        }
    }
    runs
}

/// The user's lines in their order, then whatever is known of the packages that they lead to,
/// nearest first.
fn in_order(facts: Vec<Fact>) -> Vec<Fact> {
    let (mut ordered, mut rest): (Vec<Fact>, Vec<Fact>) = facts
        .into_iter()
        .partition(|fact| matches!(fact, Fact::Asked { .. } | Fact::Contradiction { .. }));
    ordered.sort_by_key(|fact| match fact {
        Fact::Asked { line, .. } => *line,
        _ => usize::MAX,
    });
    let mut queue: VecDeque<NameId> = ordered
        .iter()
        .filter_map(|fact| match fact {
            Fact::Asked { name, .. } => Some(*name),
            _ => None,
        })
        .collect();
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
