//! The facts that refute a request, in sentences.
//!
//! People get what they wrote themselves first, then what releases need, then what is missing, with
//! every range told in versions that exist.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::Bound;

use pep440_rs::Version;
use pubgrub::Ranges;

use super::facts::Fact;
use super::inputs::{Need, Request, Wanted};
use super::package::{NameId, Names, Package};
use super::provider::{Missing, Unusable};
use super::ranges::{admitted, describe};

/// How many facts of one kind about one pair of packages are told in full.
const FACTS_OF_A_KIND: usize = 3;

/// How many facts are told in all.
const FACTS: usize = 12;

/// How many runs of versions are told one by one.
const RUNS: usize = 3;

/// What the sentences are made with.
pub(crate) struct Context<'a> {
    pub(crate) names: &'a Names,
    pub(crate) request: &'a Request,
    /// The versions that exist of a package, ascending.
    pub(crate) known: &'a (dyn Fn(NameId) -> Vec<Version> + Sync),
    /// The version of what the user has named outright.
    pub(crate) fixed: &'a (dyn Fn(NameId) -> Option<Version> + Sync),
    /// Where a package was looked for; nowhere but on the default index if there are none.
    pub(crate) places: &'a (dyn Fn(NameId) -> Vec<String> + Sync),
    /// Every fact of the proof, told or not.
    pub(crate) all: &'a [Fact],
}

impl Context<'_> {
    /// All of it as text.
    pub(crate) fn explanation(&self, facts: &[Fact]) -> String {
        let target = &self.request.target;
        let asked: BTreeSet<usize> = facts.iter().filter_map(Fact::line).collect();
        let mut text = if asked.len() <= 1 {
            format!("a requirement cannot be met for {target}:")
        } else {
            format!("the requirements cannot be met together for {target}:")
        };
        let mut told: Vec<&Fact> = facts.iter().filter(|fact| !is_noise(fact, facts)).collect();
        // A line may ask for several extras.
        told.dedup_by(|a, b| a.line().is_some() && a.line() == b.line());
        let mut room = FACTS;
        for alike in told.chunk_by(|a, b| a.kind().is_some() && a.kind() == b.kind()) {
            let most = match alike[0].kind() {
                Some(_) => FACTS_OF_A_KIND.min(room),
                None => alike.len(),
            };
            for fact in alike.iter().take(most) {
                let _ = write!(text, "\n  {}", self.sentence(fact));
            }
            let left = alike.len().saturating_sub(most);
            if left > 0 && most > 0 {
                let _ = write!(text, "\n  … and {left} more like these");
            }
            room = room.saturating_sub(most);
        }
        text
    }

    fn sentence(&self, fact: &Fact) -> String {
        let names = self.names;
        match fact {
            Fact::Asked {
                line,
                package,
                required,
                ..
            } => self.asked(*line, *package, *required),
            Fact::Needs {
                package,
                versions,
                needed,
                range,
            } => {
                let who = self.versions(*package, versions);
                let verb = self.verb(*package, versions);
                let range = self.without_gaps(*needed, range);
                let needed = names.text(*needed);
                format!("{who} {verb} {needed}{}", describe(&range))
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
            Fact::NoVersions { name, range } => self.no_versions(*name, range),
            Fact::Missing { name, missing } => {
                let package = names.package_name(*name);
                match missing {
                    Missing::Unknown => {
                        let places = (self.places)(*name);
                        format!("there is no package `{package}` {}", on(&places))
                    }
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

    fn asked(&self, line: usize, package: Package, required: bool) -> String {
        let wanted = self.line(line);
        let place = wanted.map_or("", |wanted| wanted.place.as_str());
        let text = wanted.map_or("", |wanted| wanted.text.as_str());
        let verb = if required { "asks for" } else { "allows only" };
        let outright = wanted.is_some_and(|wanted| matches!(wanted.need, Need::Fixed(_)));
        let fixed = package.name().filter(|_| outright).and_then(self.fixed);
        match fixed {
            Some(version) if !text.contains(&version.to_string()) => {
                let name = self.names.text(package);
                format!("{place} {verb} `{text}`, which is {name} {version}")
            }
            _ => format!("{place} {verb} `{text}`"),
        }
    }

    fn no_versions(&self, name: NameId, range: &Ranges<Version>) -> String {
        let package = self.names.package_name(name);
        if *range == Ranges::full() {
            return format!("{package} has no version that can be used");
        }
        if let Some(version) = (self.fixed)(name) {
            let named = |wanted: &&Wanted| {
                matches!(wanted.need, Need::Fixed(_)) && wanted.name.as_ref() == Some(package)
            };
            return match self.lines().find(named) {
                Some(wanted) => {
                    let Wanted { place, text, .. } = wanted;
                    format!("{package} is {version}, from `{text}` ({place})")
                }
                None => format!("{package} is {version}, from where another package has it"),
            };
        }
        let known = (self.known)(name);
        let none = format!("there is no version of {package}{}", describe(range));
        match (known.first(), known.last()) {
            (Some(oldest), _) if lies_below(range, oldest) => {
                format!("{none}; the oldest version is {oldest}")
            }
            (_, Some(newest)) => format!("{none}; the newest version is {newest}"),
            _ => none,
        }
    }

    /// A range of alternatives without the gaps between them in which no version lies.
    fn without_gaps(&self, package: Package, range: &Ranges<Version>) -> Ranges<Version> {
        let known = package.name().map(self.known).unwrap_or_default();
        let gaps: Vec<_> = range
            .complement()
            .iter()
            .filter(|(low, high)| *low != Bound::Unbounded && *high != Bound::Unbounded)
            .map(|(low, high)| Ranges::from_range_bounds((low.cloned(), high.cloned())))
            .filter(|gap| !known.iter().any(|version| gap.contains(version)))
            .collect();
        gaps.iter().fold(range.clone(), |all, gap| all.union(gap))
    }

    fn line(&self, line: usize) -> Option<&Wanted> {
        self.lines().nth(line)
    }

    fn lines(&self) -> impl Iterator<Item = &Wanted> {
        let request = self.request;
        let all = [
            &request.requirements,
            &request.constraints,
            &request.overrides,
        ];
        all.into_iter().flatten()
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
        if count <= 1 { "needs" } else { "need" }
    }

    /// `flask 1.0 to 1.1.4`: the versions of a package that a range covers.
    fn versions(&self, package: Package, range: &Ranges<Version>) -> String {
        let text = self.names.text(package);
        let Some(name) = package.name() else {
            return text;
        };
        let mut known = (self.known)(name);
        let all = known.iter().all(|version| range.contains(version)) && known.len() > 1;
        let whole = runs(&known, range);
        if whole.len() > 1 {
            // Versions that nobody gets anyhow do not divide a run.
            let unavailable = self.unavailable(name);
            known.retain(|it| range.contains(it) || !unavailable.contains(it));
        }
        let runs = runs(&known, range);
        let count: usize = runs.iter().map(|(start, end)| end - start + 1).sum();
        if count == 0 {
            return format!("{text}{}", describe(range));
        }
        if all {
            return format!("all versions of {text}");
        }
        if runs.len() > RUNS {
            let (first, last) = (runs[0].0, runs[runs.len() - 1].1);
            let (first, last) = (&known[first], &known[last]);
            return format!("{count} versions of {text} from {first} to {last}");
        }
        let mut parts = runs.iter().map(|&(start, end)| {
            let (start, end) = finals(&known, start, end);
            match end - start {
                0 => known[start].to_string(),
                1 if runs.len() == 1 => format!("{} and {}", known[start], known[end]),
                _ => format!("{} to {}", known[start], known[end]),
            }
        });
        let first = parts.next().unwrap_or_default();
        let rest: Vec<String> = parts.collect();
        match rest.split_last() {
            None => format!("{text} {first}"),
            Some((last, [])) => format!("{text} {first} and {last}"),
            Some((last, middle)) => format!("{text} {first}, {} and {last}", middle.join(", ")),
        }
    }

    /// The versions of a package that were taken back.
    fn unavailable(&self, name: NameId) -> Ranges<Version> {
        let yanked = self
            .all
            .iter()
            .filter(|fact| fact.subject() == Some(name) && is_yank(fact))
            .filter_map(Fact::versions);
        yanked.fold(Ranges::empty(), |all, more| all.union(more))
    }
}

/// Whether a range ends before a version.
fn lies_below(range: &Ranges<Version>, version: &Version) -> bool {
    let high = range.bounding_range().map(|(_, high)| high);
    match high {
        Some(Bound::Included(high) | Bound::Excluded(high)) => high <= version,
        Some(Bound::Unbounded) | None => false,
    }
}

/// `on` the indexes that were asked.
fn on(places: &[String]) -> String {
    let quoted: Vec<String> = places.iter().map(|place| format!("`{place}`")).collect();
    match quoted.split_last() {
        None => "on the index".to_owned(),
        Some((last, [])) => format!("on {last}"),
        Some((last, others)) => format!("on {} or {last}", others.join(", ")),
    }
}

fn is_yank(fact: &Fact) -> bool {
    matches!(fact, Fact::Unusable { why, .. } if matches!(**why, Unusable::Yanked { .. }))
}

/// That versions were yanked explains nothing where others of the same package are told of.
fn is_noise(fact: &Fact, facts: &[Fact]) -> bool {
    is_yank(fact)
        && facts
            .iter()
            .any(|other| other.subject() == fact.subject() && !is_yank(other))
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

/// A run without the pre-releases at its ends, if anything else is in it.
fn finals(known: &[Version], start: usize, end: usize) -> (usize, usize) {
    let is_final = |at: &usize| !known[*at].any_prerelease();
    let first = (start..=end).find(is_final);
    let last = (start..=end).rev().find(is_final);
    match (first, last) {
        (Some(first), Some(last)) => (first, last),
        _ => (start, end),
    }
}
