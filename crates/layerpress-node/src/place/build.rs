//! The queue: shallow packages first, each gets what it asks for and lacks.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::can_place::Verdict;
use super::collate;
use super::error::{Failure, PeerConflict, PlaceError};
use super::flags;
use super::load::{recalculate, root_seed};
use super::place_dep::{label, place};
use super::queue::Queue;
use super::rules::Rules;
use super::tree::{EdgeId, NodeId, Seed, Set, Tree};
use super::try_out::Fetched;
use super::{Ask, Project, Source};
use crate::package_lock::split;
use crate::spec::Spec;

/// How many packages a tree may have; the largest real ones have a few thousand.
const MAX_PACKAGES: usize = 100_000;

/// A tree under construction.
pub(super) struct Builder<'s, S> {
    pub(super) tree: Tree,
    pub(super) source: &'s S,
    queue: Queue,
    seen: Set<NodeId>,
    links: Set<NodeId>,
    /// For a package that came along as a peer: for whom.
    pub(super) peer_source: FxHashMap<NodeId, NodeId>,
    pub(super) virtual_roots: FxHashMap<NodeId, NodeId>,
    pub(super) failed: Set<NodeId>,
    pub(super) manifests: FxHashMap<(Arc<str>, Arc<str>), Fetched>,
    pub(super) overridden: Vec<PeerConflict>,
    pub(super) peers_in_a_row: usize,
    /// Whether there was a lockfile; what nothing asks for any more goes then.
    pub(super) prunes: bool,
    /// The packages that may move although they fit.
    pub(super) moving: FxHashSet<Arc<str>>,
    /// The packages whose tarballs were looked into.
    opened: Set<NodeId>,
}

impl<'s, S: Source> Builder<'s, S> {
    pub(super) fn new(project: &Project, source: &'s S) -> Builder<'s, S> {
        let package = &project.package;
        let rules = Rules::new(&package.overrides);
        let tree = Tree::new(rules, root_seed(package), project);
        Builder::on(tree, source)
    }

    /// A builder that goes on with a tree.
    pub(super) fn on(tree: Tree, source: &'s S) -> Builder<'s, S> {
        Builder {
            tree,
            source,
            queue: Queue::default(),
            seen: Set::default(),
            links: Set::default(),
            peer_source: FxHashMap::default(),
            virtual_roots: FxHashMap::default(),
            failed: Set::default(),
            manifests: FxHashMap::default(),
            overridden: Vec::new(),
            peers_in_a_row: 0,
            prunes: false,
            moving: FxHashSet::default(),
            opened: Set::default(),
        }
    }

    /// Builds the whole tree.
    pub(super) async fn build(&mut self) -> Result<(), PlaceError> {
        self.check_overrides()?;
        self.push(self.tree.root);
        while let Some(node) = self.pop() {
            if self.tree[node].root == self.tree.root && self.seen.insert(node) {
                self.step(node).await?;
                if self.seen.len() > MAX_PACKAGES {
                    return Err(PlaceError::TooManyPackages {
                        limit: MAX_PACKAGES,
                    });
                }
            }
        }
        if self.prunes {
            recalculate(&mut self.tree);
        } else {
            flags::calculate(&mut self.tree);
        }
        self.drop_failed_optional()
    }

    fn check_overrides(&self) -> Result<(), PlaceError> {
        let root = self.tree.root;
        for rule in self.tree.rules.iter() {
            if let Some(reference) = rule.value.strip_prefix('$')
                && self.tree.reference(root, reference).is_none()
            {
                let (name, reference) = (rule.name.clone(), reference.into());
                return Err(PlaceError::OverrideReference { name, reference });
            }
        }
        for edge in self.tree[root].edges_out.values() {
            let (spec, raw) = (self.tree.spec(*edge), &self.tree[*edge].raw_spec);
            if spec != *raw {
                let name = self.tree[*edge].name.clone();
                return Err(PlaceError::OverrideOfDirect {
                    name,
                    spec: raw.clone(),
                });
            }
        }
        Ok(())
    }

    pub(super) fn push(&mut self, node: NodeId) {
        self.queue.push(node, &self.tree);
    }

    /// The shallowest package, of equally deep ones the first by path.
    fn pop(&mut self) -> Option<NodeId> {
        if self.queue.is_empty() {
            self.queue_links();
        }
        self.queue.pop(&self.tree)
    }

    /// When nothing else is left, the folders that links lead to get what they ask for.
    fn queue_links(&mut self) {
        for link in std::mem::take(&mut self.links) {
            let Some(target) = self.tree[link].target else {
                continue;
            };
            if self.tree[link].root == self.tree.root
                && self.tree.is_descendant(target, self.tree.root)
                && self.tree.above(target).is_some()
                && !self.seen.contains(&target)
            {
                if let rule @ Some(_) = self.tree[link].overrides {
                    self.tree.override_added(target, rule);
                }
                self.push(target);
            }
        }
    }

    /// Lays out what comes inside a package's tarball (npm's `complete`, as for a lockfile alone).
    async fn open(&mut self, node: NodeId) -> Result<(), PlaceError> {
        let manifest = self.tree[node].manifest.clone();
        let holds_more = !manifest.bundled.is_empty() || manifest.has_shrinkwrap;
        let is_fetched = manifest.tarball.is_some() && !self.tree[node].inert;
        if !holds_more || !is_fetched || node == self.tree.root || !self.opened.insert(node) {
            return Ok(());
        }
        let inside = match self.source.inside(&manifest).await {
            Ok(inside) => inside,
            Err(failure) => {
                self.tree[node].failure = Some(Arc::new(failure));
                return Err(self.unavailable(node));
            }
        };
        let locked = inside.shrinkwrap.iter().flat_map(|lock| &lock.packages);
        let locked = locked.filter(|(_, locked)| locked.link.is_none());
        let locked = locked.map(|(location, locked)| (location, &locked.manifest));
        let mut places = FxHashMap::from_iter([("", node)]);
        for (location, manifest) in locked.chain(&inside.bundled) {
            // What is above comes first in both; what is above nothing is none of the package's.
            let place = split(location);
            let place = place.and_then(|(above, name)| Some((*places.get(above)?, name)));
            if let Some((parent, name)) = place {
                let seed = Seed {
                    name: name.into(),
                    manifest: manifest.clone(),
                    dev_dependencies: Arc::default(),
                    failure: None,
                    overrides: None,
                };
                places.insert(location, self.tree.placed(seed, parent));
            }
        }
        Ok(())
    }

    /// Gives one package what it lacks.
    async fn step(&mut self, node: NodeId) -> Result<(), PlaceError> {
        self.open(node).await?;
        let mut tasks = Vec::new();
        let peer_source = self.peer_source.get(&node).copied().unwrap_or(node);
        let problems = self.problems(node);
        self.prefetch(&problems);
        for edge in problems {
            if self.tree[edge].peer_conflicted {
                continue;
            }
            let is_peer = self.tree[edge].kind.is_peer();
            let source = if is_peer { peer_source } else { node };
            let name = self.tree[edge].name.clone();
            // Where nothing was tried out yet, nothing is known.
            let virtual_root = self.virtual_roots.get(&source).copied();
            let known = virtual_root
                .and_then(|root| self.tree.edge_out(root, &name))
                .filter(|e| self.tree.is_valid(*e));
            let known = known.and_then(|e| self.tree[e].to);
            let mut dep = known.filter(|to| self.tree.satisfied_by(edge, *to));
            let moves = self.moving.contains(&name);
            if dep.is_none() && self.tree.may_be_missing(edge) && !moves {
                let from = self.tree.above(node).unwrap_or(node);
                dep = self.hoistable(from, edge);
            }
            let dep = match dep {
                Some(dep) => dep,
                None => {
                    let parent = is_peer.then(|| self.virtual_root(source));
                    let mut required = Set::from_iter([node]);
                    self.node_from_edge(edge, parent, None, &mut required)
                        .await?
                }
            };
            tasks.push((edge, dep));
        }
        tasks.sort_by_cached_key(|(edge, _)| collate::key(&self.tree[*edge].name));
        for (edge, dep) in tasks {
            let moves = self.moving.contains(&self.tree[edge].name);
            let outcome = place(&mut self.tree, edge, dep, moves)?;
            self.overridden.extend(outcome.overridden);
            for placement in outcome.placements {
                self.follow(placement);
            }
        }
        let out = self.tree[node].edges_out.values();
        let to: Vec<NodeId> = out.filter_map(|edge| self.tree[*edge].to).collect();
        self.links
            .extend(to.into_iter().filter(|to| self.tree[*to].target.is_some()));
        Ok(())
    }

    /// Queues what a placement concerns: the package itself, and those that it fails.
    fn follow(&mut self, placement: super::place_dep::Placement) {
        let node = placement.node;
        if self.tree[node].failure.is_some() {
            self.failed.insert(node);
        }
        if matches!(placement.own, Verdict::Free | Verdict::Replace) {
            for edge in self.tree[node].edges_in.clone() {
                let of = &self.tree[edge];
                if edge != placement.edge && !of.peer_conflicted && !self.tree.is_valid(edge) {
                    let from = of.from;
                    self.seen.shift_remove(&from);
                    self.push(from);
                }
            }
        }
        self.push(node);
        for node in placement.look_again {
            self.seen.shift_remove(&node);
            self.push(node);
        }
        let problems = self.problems(node);
        self.prefetch(&problems);
    }

    fn prefetch(&mut self, edges: &[EdgeId]) {
        for edge in edges {
            let read = self.read(*edge);
            if let Some(read) = read.filter(|read| !matches!(read.spec, Spec::Folder(_))) {
                self.source.prefetch_below(&Ask {
                    name: &self.tree[*edge].name,
                    spec: &read.spec,
                });
            }
        }
    }

    fn problems(&self, node: NodeId) -> Vec<EdgeId> {
        let tree = &self.tree;
        let own = tree.is_project_root(node) || tree.is_workspace(node);
        let bundled: &[Arc<str>] = if own {
            &[]
        } else {
            &tree[node].manifest.bundled
        };
        let is_problem = |edge: &EdgeId| match tree[*edge].to {
            _ if bundled.contains(&tree[*edge].name) => false,
            None => !tree.may_be_missing(*edge),
            Some(to) if self.failed.contains(&to) || tree.in_shrinkwrap(to) => false,
            Some(to) => {
                let moves = || self.moving.contains(&tree[*edge].name) && !tree.is_workspace(to);
                !tree.is_valid(*edge) || moves()
            }
        };
        tree[node]
            .edges_out
            .values()
            .copied()
            .filter(is_problem)
            .collect()
    }

    /// The virtual root of a node, with all that it asks for.
    fn virtual_root(&mut self, node: NodeId) -> NodeId {
        match self.virtual_roots.get(&node).copied() {
            Some(root) => {
                self.tree.complete(root);
                root
            }
            None => self.new_virtual_root(node),
        }
    }

    pub(super) fn new_virtual_root(&mut self, node: NodeId) -> NodeId {
        let root = self.tree.virtual_root(node);
        self.virtual_roots.insert(node, root);
        root
    }

    /// The nearest package below a folder that an optional peer would be content with.
    fn hoistable(&self, root: NodeId, edge: EdgeId) -> Option<NodeId> {
        let tree = &self.tree;
        let mut queue: Vec<NodeId> = tree[root].children.values().copied().collect();
        let mut at = 0;
        while let Some(node) = queue.get(at).copied() {
            if tree.satisfied_by(edge, node) && !tree.in_dependency_bundle(node) {
                return Some(node);
            }
            queue.extend(tree[node].children.values());
            at += 1;
        }
        None
    }

    pub(super) fn conflict(&self, edge: EdgeId) -> PlaceError {
        let dep = self.tree[edge].to.unwrap_or(self.tree[edge].from);
        PlaceError::PeerConflict(Box::new(PeerConflict::of(&self.tree, edge, dep, &[])))
    }

    /// What could not be had is an error, or takes its optional set out.
    fn drop_failed_optional(&mut self) -> Result<(), PlaceError> {
        for node in self.failed.clone() {
            if !self.tree[node].flags.optional {
                return Err(self.unavailable(node));
            }
            for member in self.tree.optional_set(node) {
                self.tree[member].inert = true;
            }
        }
        Ok(())
    }

    fn unavailable(&self, node: NodeId) -> PlaceError {
        let of = &self.tree[node];
        let edge = of.edges_in.first().copied();
        PlaceError::Unavailable {
            by: edge.map_or_else(
                || "the project".into(),
                |e| label(&self.tree, self.tree[e].from),
            ),
            name: of.name.clone(),
            spec: edge.map_or_else(|| "*".into(), |edge| self.tree.spec(edge)),
            failure: of
                .failure
                .clone()
                .unwrap_or_else(|| Arc::new(unreadable(&of.name, "*"))),
        }
    }
}

pub(super) fn unreadable(name: &str, spec: &str) -> Failure {
    match Spec::parse(name, spec) {
        Err(error) => Failure {
            message: error.to_string(),
            hint: error.hint().to_owned(),
            is_input: true,
        },
        Ok(_) => Failure {
            message: format!("`{name}@{spec}` cannot be read"),
            hint: "check what it is asked for by".to_owned(),
            is_input: true,
        },
    }
}
