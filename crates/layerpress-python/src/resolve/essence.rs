//! The few facts of a proof that are enough to see why nothing fits.
//!
//! The leaves of a proof come in, often hundreds, since the solver tries versions one by one. They
//! are grouped into rules ("versions of this package need that one"), and a rule is dropped when
//! the others still refute the request by plain narrowing: what is asked for bounds a package, and
//! every version left of it needs something, and so on, until nothing is left of one of them. What
//! remains is said as briefly as still refutes: the versions of a package in one go, and ranges
//! without their irrelevant holes.

use std::collections::BTreeSet;
use std::ops::Bound;

use pep440_rs::Version;
use pubgrub::Ranges;
use rustc_hash::{FxHashMap, FxHashSet};

use super::facts::{Fact, in_order};
use super::package::{ExtraId, NameId, Package};

/// Beyond that many facts, looking for the essential ones would take too long.
const FACTS: usize = 6000;

/// How often the rules are gone through before narrowing is given up.
const ROUNDS: usize = 100;

/// The facts that refute the request by themselves, in the order in which they are told; `None` if
/// that takes more than narrowing. `known` tells the versions that exist of a package.
pub(crate) fn essence(facts: &[Fact], known: &dyn Fn(NameId) -> Vec<Version>) -> Option<Vec<Fact>> {
    if facts.len() > FACTS {
        return None;
    }
    let mut rules = rules(facts, known);
    refute(&rules)?;
    drop_needless(&mut rules);
    drop_unused_items(&mut rules)?;
    for at in 0..rules.len() {
        shorten(&mut rules, at);
    }
    let uses = refute(&rules)?;
    let told = rules.into_iter().enumerate().flat_map(|(at, rule)| {
        let applied = uses.get(&at).map(|(_, versions)| versions);
        rule.told(applied)
    });
    Some(in_order(told.collect()))
}

/// A package, or an extra of it.
type Node = (NameId, Option<ExtraId>);

/// What may be left out or told as a whole.
#[derive(Debug, Clone)]
enum Rule {
    /// The user bounds a package, and perhaps requires it.
    Bound {
        fact: Fact,
        name: NameId,
        range: Ranges<Version>,
        required: Option<Node>,
    },
    /// Versions of a package are out.
    Out {
        fact: Fact,
        name: NameId,
        versions: Ranges<Version>,
    },
    /// Versions of one package need another.
    Needs {
        package: Package,
        needed: Package,
        from: Node,
        to: Node,
        items: Vec<Item>,
        /// All versions that the items speak about.
        covered: Ranges<Version>,
    },
}

/// What some versions of a package need of another.
#[derive(Debug, Clone)]
struct Item {
    versions: Ranges<Version>,
    range: Ranges<Version>,
}

/// The parts of the rules that took part in refuting: of each rule the items, and the versions to
/// which they applied.
type Uses = FxHashMap<usize, (BTreeSet<usize>, Ranges<Version>)>;

impl Rule {
    fn needs(package: Package, needed: Package, items: Vec<Item>) -> Option<Self> {
        Some(Self::Needs {
            package,
            needed,
            from: (package.name()?, package.extra()),
            to: (needed.name()?, needed.extra()),
            covered: union(items.iter().map(|item| &item.versions)),
            items,
        })
    }

    /// Takes in an item about versions of which it says nothing yet; whether it did.
    fn takes(&mut self, item: &Item, known: &[Version]) -> bool {
        let Self::Needs { items, covered, .. } = self else {
            return false;
        };
        let both = covered.intersection(&item.versions);
        // Ranges that reach into one gap between versions have no version in common.
        if !both.is_empty() && known.iter().any(|version| both.contains(version)) {
            return false;
        }
        *covered = covered.union(&item.versions);
        items.push(item.clone());
        true
    }

    /// As facts about the versions to which it applied.
    fn told(self, applied: Option<&Ranges<Version>>) -> Vec<Fact> {
        let within = |versions: Ranges<Version>| match applied {
            Some(applied) => versions.intersection(applied),
            None => versions,
        };
        match self {
            Self::Bound { fact, .. } => vec![fact],
            Self::Out { fact, versions, .. } => vec![fact.about(within(versions))],
            Self::Needs {
                package,
                needed,
                items,
                ..
            } => {
                let fact = |item: Item| Fact::Needs {
                    package,
                    versions: within(item.versions),
                    needed,
                    range: item.range,
                };
                items.into_iter().map(fact).collect()
            }
        }
    }
}

fn rules(facts: &[Fact], known: &dyn Fn(NameId) -> Vec<Version>) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    // What is only missing goes first when rules are dropped from the end.
    let (gaps, others): (Vec<&Fact>, Vec<&Fact>) = facts
        .iter()
        .partition(|fact| matches!(fact, Fact::NoVersions { .. }));
    let mut groups: FxHashMap<(Node, Node), Vec<usize>> = FxHashMap::default();
    let mut versions_of: FxHashMap<NameId, Vec<Version>> = FxHashMap::default();
    for fact in others.into_iter().chain(gaps) {
        let out = |name: NameId, versions: Ranges<Version>| Rule::Out {
            fact: fact.clone(),
            name,
            versions,
        };
        let rule = match fact {
            Fact::Asked {
                package,
                range,
                required,
                ..
            } => package.name().map(|name| Rule::Bound {
                fact: fact.clone(),
                name,
                range: range.clone(),
                required: required.then_some((name, package.extra())),
            }),
            Fact::NeedsPython { name, versions, .. } | Fact::Unusable { name, versions, .. } => {
                Some(out(*name, versions.clone()))
            }
            Fact::NoVersions { name, range } => Some(out(*name, range.clone())),
            Fact::Missing { name, .. } => Some(out(*name, Ranges::full())),
            Fact::Contradiction { .. } => None,
            Fact::Needs {
                package,
                versions,
                needed,
                range,
            } => {
                let item = Item {
                    versions: versions.clone(),
                    range: range.clone(),
                };
                let (Some(from), Some(to)) = (package.name(), needed.name()) else {
                    continue;
                };
                let key = ((from, package.extra()), (to, needed.extra()));
                let same = groups.entry(key).or_default();
                // One version may need two things of one package: then both hold.
                let known = versions_of.entry(from).or_insert_with(|| known(from));
                if same.iter().any(|&at| rules[at].takes(&item, known)) {
                    continue;
                }
                same.push(rules.len());
                Rule::needs(*package, *needed, vec![item])
            }
        };
        rules.extend(rule);
    }
    rules
}

/// Narrows what each package may be until nothing is left of one that is required; what took part
/// in it, or `None` if it does not come to that.
fn refute(rules: &[Rule]) -> Option<Uses> {
    let mut left = Left::default();
    let mut uses = Uses::default();
    for _ in 0..ROUNDS {
        let mut changed = false;
        for (at, rule) in rules.iter().enumerate() {
            changed |= left.apply(at, rule, &mut uses);
            if left.refuted {
                return Some(uses);
            }
        }
        if !changed {
            return None;
        }
    }
    None
}

/// What each package may still be.
#[derive(Default)]
struct Left {
    versions: FxHashMap<NameId, Ranges<Version>>,
    required: FxHashSet<Node>,
    refuted: bool,
}

impl Left {
    /// Whether anything was learnt.
    fn apply(&mut self, at: usize, rule: &Rule, uses: &mut Uses) -> bool {
        match rule {
            Rule::Bound {
                name,
                range,
                required,
                ..
            } => {
                let new = required.is_some_and(|node| self.require(node));
                self.narrow(*name, range) | new
            }
            Rule::Out { name, versions, .. } => {
                let hit = self.of(*name).intersection(versions);
                if hit.is_empty() {
                    return false;
                }
                note(uses, at, None, &hit);
                self.narrow(*name, &versions.complement())
            }
            Rule::Needs {
                from,
                to,
                items,
                covered,
                ..
            } => {
                let forward = self.forward(at, *from, *to, items, covered, uses);
                let backward = !self.refuted && self.backward(at, *from, *to, items, uses);
                forward | backward
            }
        }
    }

    /// Every version left of a required package needs some version of another.
    fn forward(
        &mut self,
        at: usize,
        from: Node,
        to: Node,
        items: &[Item],
        covered: &Ranges<Version>,
        uses: &mut Uses,
    ) -> bool {
        let left = self.of(from.0);
        if !self.required.contains(&from) || !left.subset_of(covered) {
            return false;
        }
        let hit = |(_, item): &(usize, &Item)| !item.versions.is_disjoint(&left);
        let hits: Vec<(usize, &Item)> = items.iter().enumerate().filter(hit).collect();
        let range = union(hits.iter().map(|(_, item)| &item.range));
        let new = self.require(to);
        let changed = self.narrow(to.0, &range) | new;
        if changed {
            for (item, _) in hits {
                note(uses, at, Some(item), &left);
            }
        }
        changed
    }

    /// Versions that need what is not left are out.
    fn backward(
        &mut self,
        at: usize,
        from: Node,
        to: Node,
        items: &[Item],
        uses: &mut Uses,
    ) -> bool {
        if from.1.is_some() && !self.required.contains(&from) {
            return false;
        }
        let (left, wanted) = (self.of(from.0), self.of(to.0));
        let mut out = Vec::new();
        for (number, item) in items.iter().enumerate() {
            let hit = item.versions.intersection(&left);
            if !hit.is_empty() && item.range.is_disjoint(&wanted) {
                note(uses, at, Some(number), &hit);
                out.push(&item.versions);
            }
        }
        !out.is_empty() && self.narrow(from.0, &union(out.into_iter()).complement())
    }

    fn of(&self, name: NameId) -> Ranges<Version> {
        self.versions
            .get(&name)
            .cloned()
            .unwrap_or_else(Ranges::full)
    }

    fn require(&mut self, node: Node) -> bool {
        let new = self.required.insert(node) | self.required.insert((node.0, None));
        self.refuted |= self.of(node.0).is_empty();
        new
    }

    fn narrow(&mut self, name: NameId, range: &Ranges<Version>) -> bool {
        let before = self.of(name);
        let after = before.intersection(range);
        if after == before {
            return false;
        }
        self.refuted |= after.is_empty() && self.required.contains(&(name, None));
        self.versions.insert(name, after);
        true
    }
}

fn note(uses: &mut Uses, rule: usize, item: Option<usize>, versions: &Ranges<Version>) {
    let (items, all) = uses
        .entry(rule)
        .or_insert_with(|| (BTreeSet::new(), Ranges::empty()));
    items.extend(item);
    *all = all.union(versions);
}

/// Drops what is not needed to refute, what is furthest from the user first: in large pieces, then
/// in ever smaller ones.
fn drop_needless(rules: &mut Vec<Rule>) {
    let mut piece = rules.len().div_ceil(2);
    while piece > 0 {
        let mut end = rules.len();
        while end > 0 {
            let start = end.saturating_sub(piece);
            let mut fewer = rules[..start].to_vec();
            fewer.extend_from_slice(&rules[end..]);
            if refute(&fewer).is_some() {
                *rules = fewer;
            }
            end = start;
        }
        piece /= 2;
    }
}

/// Keeps of each rule the items that take part in refuting.
fn drop_unused_items(rules: &mut [Rule]) -> Option<()> {
    let uses = refute(rules)?;
    for (at, rule) in rules.iter_mut().enumerate() {
        if let (Rule::Needs { items, covered, .. }, Some((used, _))) = (rule, uses.get(&at)) {
            let mut number = 0;
            items.retain(|_| {
                number += 1;
                used.contains(&(number - 1))
            });
            *covered = union(items.iter().map(|item| &item.versions));
        }
    }
    refute(rules).map(|_| ())
}

/// Says in one go what all versions of a package need, and without holes that play no part.
fn shorten(rules: &mut [Rule], at: usize) {
    let Rule::Needs {
        package,
        needed,
        items,
        covered,
        ..
    } = &rules[at]
    else {
        return;
    };
    let (package, needed, covered) = (*package, *needed, covered.clone());
    let mut range = union(items.iter().map(|item| &item.range));
    let mut refutes = |range: &Ranges<Version>| {
        let item = Item {
            versions: covered.clone(),
            range: range.clone(),
        };
        let Some(short) = Rule::needs(package, needed, vec![item]) else {
            return false;
        };
        let long = std::mem::replace(&mut rules[at], short);
        let refutes = refute(rules).is_some();
        if !refutes {
            rules[at] = long;
        }
        refutes
    };
    if refutes(&range) {
        let holes = range.iter().count().saturating_sub(1);
        fill_holes(&mut range, holes, &mut refutes);
    }
}

/// Fills the holes between the segments of a range, as many as may be; those at the low end last.
fn fill_holes(
    range: &mut Ranges<Version>,
    holes: usize,
    refutes: &mut dyn FnMut(&Ranges<Version>) -> bool,
) {
    let mut pieces = vec![(0, holes)];
    while let Some((start, end)) = pieces.pop() {
        if start == end {
            continue;
        }
        // Holes above `end` may have been filled; those below it have kept their places.
        let filled = without_holes(range, start, end);
        if refutes(&filled) {
            *range = filled;
        } else if end - start > 1 {
            let middle = start.midpoint(end);
            pieces.push((start, middle));
            pieces.push((middle, end));
        }
    }
}

/// The range with the holes from the `start`th up to the `end`th filled.
fn without_holes(range: &Ranges<Version>, start: usize, end: usize) -> Ranges<Version> {
    let mut segments: Vec<(Bound<Version>, Bound<Version>)> = range
        .iter()
        .map(|(low, high)| (low.cloned(), high.cloned()))
        .collect();
    let end = end.min(segments.len().saturating_sub(1));
    if start < end {
        let high = segments[end].1.clone();
        segments[start].1 = high;
        segments.drain(start + 1..=end);
    }
    segments.into_iter().collect()
}

fn union<'r>(ranges: impl Iterator<Item = &'r Ranges<Version>>) -> Ranges<Version> {
    ranges
        .flat_map(Ranges::iter)
        .map(|(low, high)| (low.cloned(), high.cloned()))
        .collect()
}
