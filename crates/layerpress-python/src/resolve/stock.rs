//! Choosing a release: what an index has, in the order in which it would be tried.
//!
//! A [`Stock`] remembers what became of each release, since the solver comes back to the same ones
//! again and again; a [`Selector`] holds the user's choices. Both are shared by the solver and by
//! the tasks that fetch ahead of it.

use std::ops::Bound;
use std::sync::{Arc, OnceLock};

use pep440_rs::{Operator, Version};
use pep508_rs::PackageName;
use pubgrub::Ranges;
use rustc_hash::{FxHashMap, FxHashSet};

use super::inputs::{Need, Prereleases, Request, Strategy};
use super::provider::{FileRules, Listing, Missing, Release, Shelf};

/// All releases of one package.
#[derive(Debug)]
pub(crate) struct Stock<F> {
    shelves: Vec<Stocked<F>>,
    missing: Option<Missing>,
    known: OnceLock<Arc<[Version]>>,
}

#[derive(Debug)]
struct Stocked<F> {
    shelf: Arc<dyn Shelf<F>>,
    releases: Box<[OnceLock<Release<F>>]>,
    has_locals: OnceLock<bool>,
}

/// A release that may be chosen.
#[derive(Debug)]
pub(crate) struct Candidate<'a, F> {
    pub(crate) version: &'a Version,
    pub(crate) release: &'a Release<F>,
}

impl<F> Clone for Candidate<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F> Copy for Candidate<'_, F> {}

impl<F> Stock<F> {
    pub(crate) fn new(listing: Listing<F>) -> Self {
        let (shelves, missing) = match listing {
            Listing::Found(shelves) => (shelves, None),
            Listing::Missing(missing) => (Vec::new(), Some(missing)),
        };
        let shelves = shelves.into_iter().map(Stocked::new).collect();
        Self {
            shelves,
            missing,
            known: OnceLock::new(),
        }
    }

    /// Why there is nothing at all.
    pub(crate) fn missing(&self) -> Option<Missing> {
        self.missing
    }

    /// Every version that might be chosen, ascending.
    pub(crate) fn known(&self) -> &[Version] {
        if let [only] = self.shelves.as_slice() {
            return only.shelf.versions();
        }
        self.known.get_or_init(|| {
            let mut all: Vec<Version> = self
                .shelves
                .iter()
                .flat_map(|stocked| stocked.shelf.versions().iter().cloned())
                .collect();
            all.sort_unstable();
            all.dedup();
            all.into()
        })
    }
}

impl<F> Stocked<F> {
    fn new(shelf: Arc<dyn Shelf<F>>) -> Self {
        let releases = std::iter::repeat_with(OnceLock::new)
            .take(shelf.versions().len())
            .collect();
        Self {
            shelf,
            releases,
            has_locals: OnceLock::new(),
        }
    }

    fn has_locals(&self) -> bool {
        *self
            .has_locals
            .get_or_init(|| self.shelf.versions().iter().any(Version::is_local))
    }
}

/// The user's choices about versions.
#[derive(Debug)]
pub(crate) struct Selector {
    strategy: Strategy,
    prereleases: Prereleases,
    prefer_binary: bool,
    direct: FxHashSet<PackageName>,
    preferences: FxHashMap<PackageName, Vec<Version>>,
    pinned: FxHashMap<PackageName, Vec<Version>>,
    hashes: FxHashMap<PackageName, Vec<layerpress_tree::Digest>>,
}

/// Which releases one pass over a shelf sees.
#[derive(Clone, Copy)]
enum Pass {
    All,
    Stable,
    Prereleases,
}

impl Selector {
    pub(crate) fn new(request: &Request) -> Self {
        let mut direct = FxHashSet::default();
        let mut pinned: FxHashMap<PackageName, Vec<Version>> = FxHashMap::default();
        let mut hashes: FxHashMap<PackageName, Vec<_>> = FxHashMap::default();
        let applies =
            |wanted: &&super::inputs::Wanted| wanted.marker.evaluate(&request.environment, &[]);
        let users = request.requirements.iter().filter(applies);
        direct.extend(users.filter_map(|wanted| wanted.name.clone()));
        let pinners = [
            &request.requirements,
            &request.constraints,
            &request.overrides,
        ];
        for wanted in pinners.into_iter().flatten().filter(applies) {
            let Some(name) = &wanted.name else { continue };
            if !wanted.hashes.is_empty() {
                let known = hashes.entry(name.clone()).or_default();
                known.extend(wanted.hashes.iter().cloned());
            }
            let Need::Versions(specifiers) = &wanted.need else {
                continue;
            };
            if let [only] = &specifiers[..]
                && matches!(only.operator(), Operator::Equal | Operator::ExactEqual)
            {
                let versions = pinned.entry(name.clone()).or_default();
                versions.push(only.version().clone());
            }
        }
        let mut preferences: FxHashMap<PackageName, Vec<Version>> = FxHashMap::default();
        for (name, version) in &request.preferences {
            preferences
                .entry(name.clone())
                .or_default()
                .push(version.clone());
        }
        Self {
            strategy: request.strategy,
            prereleases: request.prereleases,
            prefer_binary: request.prefer_binary,
            direct,
            preferences,
            pinned,
            hashes,
        }
    }

    /// The release to try next, the user's earlier choice first.
    pub(crate) fn select<'s, F>(
        &self,
        name: &PackageName,
        range: &Ranges<Version>,
        stock: &'s Stock<F>,
    ) -> Option<Candidate<'s, F>> {
        self.preferred(name, range, stock)
            .or_else(|| self.best(name, range, stock))
    }

    /// The release to try next as if nothing had been chosen before.
    pub(crate) fn best<'s, F>(
        &self,
        name: &PackageName,
        range: &Ranges<Version>,
        stock: &'s Stock<F>,
    ) -> Option<Candidate<'s, F>> {
        stock.shelves.iter().find_map(|stocked| {
            // As in pip: a wheel counts for more than a higher version, a final release for more
            // than either.
            let first = |pass| {
                let wheel = self.prefer_binary.then(|| {
                    self.first(
                        name,
                        range,
                        stocked,
                        pass,
                        |release| matches!(release, Release::Usable(pick) if !pick.built),
                    )
                });
                let any = || self.first(name, range, stocked, pass, |_| true);
                wheel.flatten().or_else(any)
            };
            match self.prereleases {
                Prereleases::Allow => first(Pass::All),
                Prereleases::IfNecessary => {
                    first(Pass::Stable).or_else(|| first(Pass::Prereleases))
                }
            }
        })
    }

    /// Whether the highest version of this package is tried first.
    pub(crate) fn prefers_highest(&self, name: &PackageName) -> bool {
        match self.strategy {
            Strategy::Highest => true,
            Strategy::Lowest => false,
            Strategy::LowestDirect => !self.direct.contains(name),
        }
    }

    /// Whether some hash of the user's speaks for this package.
    pub(crate) fn has_hash(&self, name: &PackageName) -> bool {
        self.hashes.contains_key(name)
    }

    fn preferred<'s, F>(
        &self,
        name: &PackageName,
        range: &Ranges<Version>,
        stock: &'s Stock<F>,
    ) -> Option<Candidate<'s, F>> {
        let highest = self.prefers_highest(name);
        let mut versions: Vec<&Version> = self.preferences.get(name)?.iter().collect();
        versions.sort_unstable();
        if highest {
            versions.reverse();
        }
        versions
            .into_iter()
            .filter(|version| range.contains(*version))
            .find_map(|version| {
                stock.shelves.iter().find_map(|stocked| {
                    let versions = stocked.shelf.versions();
                    let position = versions.binary_search(version).ok()?;
                    // A local variant of the version is the better match, as it is for `==`.
                    let variant = stocked.has_locals().then(|| {
                        (position + 1..versions.len())
                            .take_while(|&at| versions[at].clone().without_local() == *version)
                            .filter(|&at| range.contains(&versions[at]))
                            .last()
                    });
                    let position = variant.flatten().unwrap_or(position);
                    self.at(name, stocked, position)
                })
            })
    }

    /// The first release of a shelf that a pass sees, the range admits and `suits` accepts.
    fn first<'s, F>(
        &self,
        name: &PackageName,
        range: &Ranges<Version>,
        stocked: &'s Stocked<F>,
        pass: Pass,
        suits: impl Fn(&Release<F>) -> bool,
    ) -> Option<Candidate<'s, F>> {
        let (start, end) = span(stocked.shelf.versions(), range);
        let try_at = |position: usize| {
            let version = &stocked.shelf.versions()[position];
            let seen = match pass {
                Pass::All => true,
                Pass::Stable => !version.any_prerelease(),
                Pass::Prereleases => version.any_prerelease(),
            };
            if !seen || !range.contains(version) {
                return None;
            }
            self.at(name, stocked, position)
                .filter(|candidate| suits(candidate.release))
        };
        if self.prefers_highest(name) {
            (start..end).rev().find_map(try_at)
        } else {
            (start..end).find_map(try_at)
        }
    }

    fn at<'s, F>(
        &self,
        name: &PackageName,
        stocked: &'s Stocked<F>,
        position: usize,
    ) -> Option<Candidate<'s, F>> {
        let version = stocked.shelf.versions().get(position)?;
        let release = stocked.releases.get(position)?.get_or_init(|| {
            let rules = FileRules {
                allow_yanked: self.allows_yanked(name, version),
                hashes: self.hashes.get(name).cloned().unwrap_or_default(),
            };
            stocked.shelf.release(position, &rules)
        });
        match release {
            Release::Hidden => None,
            Release::Usable(_) | Release::Unusable(_) => Some(Candidate { version, release }),
        }
    }

    fn allows_yanked(&self, name: &PackageName, version: &Version) -> bool {
        let has = |versions: &FxHashMap<PackageName, Vec<Version>>| {
            versions.get(name).is_some_and(|all| all.contains(version))
        };
        has(&self.pinned) || has(&self.preferences)
    }
}

/// The positions between the outer bounds of a range.
fn span(versions: &[Version], range: &Ranges<Version>) -> (usize, usize) {
    let Some((low, high)) = range.bounding_range() else {
        return (0, 0);
    };
    let start = match low {
        Bound::Included(low) => versions.partition_point(|version| version < low),
        Bound::Excluded(low) => versions.partition_point(|version| version <= low),
        Bound::Unbounded => 0,
    };
    let end = match high {
        Bound::Included(high) => versions.partition_point(|version| version <= high),
        Bound::Excluded(high) => versions.partition_point(|version| version < high),
        Bound::Unbounded => versions.len(),
    };
    (start, end.max(start))
}
