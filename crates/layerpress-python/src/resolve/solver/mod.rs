//! The solver: PubGrub's loop of propagating, choosing and learning, with uv's order of choices.
//!
//! It runs on a thread of its own and is handed a [`Desk`] for its questions. What comes out is the
//! set of chosen releases, or the proof that there is none.

use std::cmp::Reverse;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use pep440_rs::Version;
use pep508_rs::PackageName;
use pubgrub::{
    ConflictId, Dependencies, DependencyProvider, DerivationTree, Id, PackageResolutionStatistics,
    Ranges, State, Term,
};
use rustc_hash::{FxHashMap, FxHashSet};

use super::conflicts::Conflicts;
use super::demands::{Demands, Dependency};
use super::desk::Desk;
use super::inputs::Budget;
use super::package::{NameId, Names, Package};
use super::priority::{Priorities, Priority};
use super::provider::{Fixed, Missing, Pick, ProvideError, Provider, Unusable};
use super::ranges;
use super::stock::Stock;
use crate::Metadata;

mod ahead;
mod choose;

/// A conflict that propagation met.
pub(crate) type Conflict = ConflictId<Types>;

/// The proof that nothing fits.
pub(crate) type Proof = DerivationTree<Package, Ranges<Version>, Reason>;

/// Why a package or some of its versions are out, other than by dependencies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reason {
    Missing(Missing),
    Unusable(Arc<Unusable>),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(missing) => write!(f, "{missing:?}"),
            Self::Unusable(unusable) => unusable.fmt(f),
        }
    }
}

/// A problem for [`Solver::solve`].
pub(crate) struct Problem<P: Provider> {
    pub(crate) desk: Arc<Desk<P>>,
    pub(crate) demands: Demands,
    pub(crate) fixed: FxHashMap<PackageName, Fixed<P::File>>,
    pub(crate) require_hashes: bool,
    pub(crate) budget: Budget,
}

/// What was chosen.
#[derive(Debug)]
pub(crate) struct Solution<F> {
    pub(crate) names: Names,
    /// Every package and extra with its version.
    pub(crate) chosen: Vec<(Package, Version)>,
    /// What each of those brought in.
    pub(crate) edges: FxHashMap<(Package, Version), Vec<Dependency>>,
    /// The file that told each package's dependencies.
    pub(crate) picks: FxHashMap<(NameId, Version), Pick<F>>,
    /// The metadata of each package.
    pub(crate) metadata: FxHashMap<(NameId, Version), Arc<Metadata>>,
}

/// Why nothing was chosen.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nothing fits.
    NoSolution(Box<Refuted>),
    /// Out of patience.
    Budget {
        decisions: u64,
        busiest: Vec<String>,
    },
    /// An answer failed to come.
    Provide {
        name: PackageName,
        version: Option<Version>,
        error: ProvideError,
    },
    /// Nobody waits any more.
    Cancelled,
}

/// A proof, and what it takes to read it.
#[derive(Debug)]
pub(crate) struct Refuted {
    pub(crate) proof: Proof,
    pub(crate) names: Names,
    /// What the user's lines ask for.
    pub(crate) user: Vec<Dependency>,
}

/// What to do about the package at hand.
enum Choice {
    Version(Version),
    Unusable(Version, Arc<Unusable>),
    NoneInRange,
    NoneAtAll(Missing),
}

/// PubGrub's types; its own loop is not used.
#[derive(Debug, Clone)]
pub(crate) struct Types;

impl DependencyProvider for Types {
    type P = Package;
    type V = Version;
    type VS = Ranges<Version>;
    type Priority = Priority;
    type M = Reason;
    type Err = std::convert::Infallible;

    fn prioritize(
        &self,
        package: &Package,
        _range: &Ranges<Version>,
        _conflicts: &PackageResolutionStatistics,
    ) -> Priority {
        Priorities::default().of(*package)
    }

    fn choose_version(
        &self,
        _package: &Package,
        _range: &Ranges<Version>,
    ) -> Result<Option<Version>, Self::Err> {
        Ok(None)
    }

    fn get_dependencies(
        &self,
        _package: &Package,
        _version: &Version,
    ) -> Result<Dependencies<Package, Ranges<Version>, Reason>, Self::Err> {
        Ok(Dependencies::Available(std::iter::empty().collect()))
    }
}

pub(crate) struct Solver<P: Provider> {
    problem: Problem<P>,
    names: Names,
    state: State<Types>,
    priorities: Priorities,
    conflicts: Conflicts,
    /// The package in hand.
    next: Id<Package>,
    stocks: FxHashMap<NameId, Arc<Stock<P::File>>>,
    picks: FxHashMap<(NameId, Version), Pick<P::File>>,
    metadata: FxHashMap<(NameId, Version), Arc<Metadata>>,
    edges: FxHashMap<(Package, Version), Vec<Dependency>>,
    selected: FxHashMap<Id<Package>, (Ranges<Version>, Version)>,
    tried: FxHashMap<NameId, FxHashSet<Version>>,
    prefetched: FxHashMap<NameId, usize>,
    guessed: FxHashMap<Id<Package>, Ranges<Version>>,
    /// Whether something had to be waited for: from then on it pays to fetch ahead.
    cold: bool,
    user: Vec<Dependency>,
}

impl<P: Provider> Solver<P> {
    pub(crate) fn new(problem: Problem<P>) -> Self {
        let state = State::init(Package::Root, root_version());
        Self {
            next: state.root_package,
            state,
            problem,
            names: Names::new(),
            priorities: Priorities::default(),
            conflicts: Conflicts::default(),
            stocks: FxHashMap::default(),
            picks: FxHashMap::default(),
            metadata: FxHashMap::default(),
            edges: FxHashMap::default(),
            selected: FxHashMap::default(),
            tried: FxHashMap::default(),
            prefetched: FxHashMap::default(),
            guessed: FxHashMap::default(),
            cold: false,
            user: Vec::new(),
        }
    }

    /// Chooses a release for everything that is required.
    pub(crate) fn solve(mut self) -> Result<Solution<P::File>, Failure> {
        let start = Instant::now();
        let mut decisions = 0;
        loop {
            self.check_budget(start, decisions)?;
            decisions += 1;
            match self.state.unit_propagation(self.next) {
                Err(proof) => {
                    return Err(Failure::NoSolution(Box::new(Refuted {
                        proof,
                        names: self.names,
                        user: self.user,
                    })));
                }
                Ok(conflicts) => {
                    for (affected, conflict) in conflicts {
                        self.conflicts
                            .record(&self.state, self.next, affected, &conflict);
                    }
                }
            }
            self.fetch_likely();
            self.conflicts
                .reprioritize(&mut self.state, &mut self.priorities);

            let (priorities, packages) = (&self.priorities, &self.state.package_store);
            let highest = self
                .state
                .partial_solution
                .pick_highest_priority_pkg(|id, _| priorities.of(packages[id]));
            let Some((next, _)) = highest else {
                return Ok(self.into_solution());
            };
            self.next = next;
            self.decide()?;
        }
    }

    fn decide(&mut self) -> Result<(), Failure> {
        let package = self.state.package_store[self.next];
        let Some(Term::Positive(range)) = self
            .state
            .partial_solution
            .term_intersection_for_package(self.next)
        else {
            // Only what is required is ever picked.
            return Ok(());
        };
        let range = range.clone();
        match self.choose(package, &range)? {
            Choice::Version(version) => {
                self.fetch_neighbours(package, &version, &range);
                self.note_tried(package, &version);
                self.take(package, version)?;
            }
            Choice::Unusable(version, why) => self.rule_out(package, version, why),
            Choice::NoneInRange => self.state.add_no_versions(self.next, range),
            Choice::NoneAtAll(missing) => {
                self.state
                    .add_unavailable(self.next, range, Reason::Missing(missing));
            }
        }
        Ok(())
    }

    /// Decides for a version, together with what it brings in.
    fn take(&mut self, package: Package, version: Version) -> Result<(), Failure> {
        let key = (package, version.clone());
        if self.edges.contains_key(&key) {
            self.state.partial_solution.add_decision(self.next, version);
            return Ok(());
        }
        let edges = match self.dependencies(package, &version)? {
            Ok(edges) => edges,
            Err(unusable) => {
                let versions = self.around(package, &version);
                let reason = Reason::Unusable(Arc::new(unusable));
                self.state.add_unavailable(self.next, versions, reason);
                return Ok(());
            }
        };
        if package == Package::Root {
            self.user.clone_from(&edges);
        }
        for edge in &edges {
            self.welcome(edge);
        }
        for edge in &edges {
            if let Some(base) = edge.package.behind_proxy() {
                let proxy = self.state.package_store.alloc(edge.package);
                let base = self.state.package_store.alloc(base);
                self.state
                    .add_dependency(proxy, edge.range.clone(), (base, edge.range.clone()));
            }
        }
        let versions = self.around(package, &version);
        let pairs: Vec<_> = edges
            .iter()
            .map(|edge| (edge.package, edge.range.clone()))
            .collect();
        let conflict = self
            .state
            .add_package_version_dependencies(self.next, version, versions, pairs);
        if let Some(conflict) = conflict {
            self.conflicts
                .record(&self.state, self.next, self.next, &conflict);
        }
        self.edges.insert(key, edges);
        Ok(())
    }

    /// Shuts out a version that cannot be used.
    fn rule_out(&mut self, package: Package, version: Version, why: Arc<Unusable>) {
        let versions = self.around(package, &version);
        let Unusable::Python { specifiers } = &*why else {
            let reason = Reason::Unusable(why);
            self.state.add_unavailable(self.next, versions, reason);
            return;
        };
        // A dependency on Python, of which there are no other versions: so that the proof can say
        // which Pythons would do.
        let pythons = specifiers
            .iter()
            .map(ranges::python_range)
            .fold(Ranges::full(), |all, part| all.intersection(&part));
        let python = self.state.package_store.alloc(Package::Python);
        self.state
            .add_dependency(self.next, versions, (python, pythons));
        self.state.partial_solution.add_decision(self.next, version);
    }

    /// The version together with the gaps around it, so that neighbours merge into one range.
    fn around(&self, package: Package, version: &Version) -> Ranges<Version> {
        let only = Ranges::singleton(version.clone());
        let stock = package.name().and_then(|name| self.stocks.get(&name));
        match stock.map(|stock| stock.known()) {
            Some(known) if !known.is_empty() => only.widen_versions(known),
            _ => only,
        }
    }

    /// First sight of a requirement: its rank, and a start on fetching it.
    fn welcome(&mut self, edge: &Dependency) {
        let Some(name) = edge.package.name() else {
            return;
        };
        let fixed = self.fixed(name).is_some();
        self.priorities.see(edge.package, &edge.range, fixed);
        if let Some(base) = edge.package.behind_proxy() {
            self.priorities.see(base, &edge.range, fixed);
        }
        if !fixed {
            self.announce(name);
        }
    }

    fn fixed(&self, name: NameId) -> Option<&Fixed<P::File>> {
        let fixed = &self.problem.fixed;
        if fixed.is_empty() {
            return None;
        }
        fixed.get(self.names.package_name(name))
    }

    fn check_budget(&self, start: Instant, decisions: u64) -> Result<(), Failure> {
        let Problem { desk, budget, .. } = &self.problem;
        if desk.is_cancelled() {
            return Err(Failure::Cancelled);
        }
        let thinking = || start.elapsed().saturating_sub(desk.waited());
        // Reading the clock at every step would be a good part of a warm run's time.
        let late = decisions % 64 == 63 && thinking() > budget.thinking;
        if decisions < budget.decisions && !late {
            return Ok(());
        }
        let mut busiest: Vec<_> = self.tried.iter().collect();
        busiest.sort_unstable_by_key(|(name, versions)| (Reverse(versions.len()), **name));
        let text = |(name, versions): (&NameId, &FxHashSet<Version>)| {
            format!(
                "{} ({} versions)",
                self.names.package_name(*name),
                versions.len()
            )
        };
        Err(Failure::Budget {
            decisions,
            busiest: busiest.into_iter().take(3).map(text).collect(),
        })
    }

    fn into_solution(self) -> Solution<P::File> {
        let packages = &self.state.package_store;
        let chosen = self.state.partial_solution.extract_solution();
        let chosen = chosen
            .map(|(id, version)| (packages[id], version))
            .collect();
        Solution {
            chosen,
            names: self.names,
            edges: self.edges,
            picks: self.picks,
            metadata: self.metadata,
        }
    }
}

/// The manifest has one version; which, does not matter.
fn root_version() -> Version {
    Version::new([0])
}
