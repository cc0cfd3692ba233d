//! Puts a package and its peers into the tree: in the highest folder where nothing is in the way.

use std::sync::Arc;

use super::Peers;
use super::can_place::{Answer, Question, Verdict, can_place, deepest_of_chain};
use super::collate;
use super::error::{PeerConflict, PlaceError};
use super::tree::{EdgeId, NodeId, Seed, Tree};

/// A package that got its place.
#[derive(Debug)]
pub(super) struct Placement {
    pub(super) node: NodeId,
    pub(super) edge: EdgeId,
    /// Whether it took the place of another.
    pub(super) own: Verdict,
    /// Packages whose peers were pushed out and that have to look again.
    pub(super) look_again: Vec<NodeId>,
}

/// What came of putting one package into the tree.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) placements: Vec<Placement>,
    /// Peers that do not get what they ask for.
    pub(super) overridden: Vec<PeerConflict>,
}

/// What is being placed, and for which package with that as its peer.
struct Frame<'f> {
    edge: EdgeId,
    dep: NodeId,
    chain: Vec<EdgeId>,
    parent: Option<&'f Frame<'f>>,
}

/// Places what `edge` asks for; `dep` is it, tried out in a virtual root with its peers. If it
/// `moves`, it is placed even though the edge is fine as it is.
pub(super) fn place(
    tree: &mut Tree,
    edge: EdgeId,
    dep: NodeId,
    moves: bool,
) -> Result<Outcome, PlaceError> {
    let mut placer = Placer {
        tree,
        moves,
        outcome: Outcome::default(),
    };
    placer.place(&Frame {
        edge,
        dep,
        chain: vec![edge],
        parent: None,
    })?;
    Ok(placer.outcome)
}

struct Placer<'t> {
    tree: &'t mut Tree,
    moves: bool,
    outcome: Outcome,
}

impl Placer<'_> {
    fn place(&mut self, frame: &Frame<'_>) -> Result<(), PlaceError> {
        let (edge, dep) = (frame.edge, frame.dep);
        let moves = self.moves && frame.parent.is_none();
        if self.tree[edge].to.is_some() && self.tree.is_valid(edge) && !moves {
            return Ok(());
        }
        let (best, own) = self.search(frame);
        let Some(answer) = best.or_else(|| own.clone()) else {
            if self.is_mine(frame) {
                return Err(self.conflict(frame, own.as_ref()));
            }
            self.override_peer(edge, dep);
            return Ok(());
        };
        if answer.whole == Verdict::Conflict && self.is_mine(frame) {
            return Err(self.conflict(frame, own.as_ref()));
        }
        let verdict = if answer.whole == Verdict::Conflict {
            answer.own
        } else {
            answer.whole
        };
        let target = answer.target;
        if verdict == Verdict::Keep {
            if self.tree[edge].kind.is_peer() && !self.tree.is_valid(edge) {
                self.override_peer(edge, dep);
            }
            self.prune_dedupable(target, true);
            return Ok(());
        }
        let at = self.outcome.placements.len();
        if let Some(twin) = self.twin_above(target, dep) {
            // The same package again inside itself would never end: a link closes the circle.
            let name = self.tree[dep].name.clone();
            let node = self.tree.link(&name, twin, target);
            self.outcome.placements.push(Placement {
                node,
                edge,
                own: answer.own,
                look_again: vec![],
            });
            return Ok(());
        }
        let (node, look_again) = self.put(dep, target);
        self.outcome.placements.insert(
            at,
            Placement {
                node,
                edge,
                own: answer.own,
                look_again,
            },
        );
        if self.tree[edge].kind.is_peer() && !self.tree.satisfied_by(edge, node) {
            self.override_peer(edge, dep);
        }
        self.prune_around(edge, node, target);
        self.place_peers(frame, node)
    }

    /// Walks up until the first conflict: the highest folder that takes all, and the highest that
    /// takes the package itself.
    fn search(&self, frame: &Frame<'_>) -> (Option<Answer>, Option<Answer>) {
        let tree = &*self.tree;
        let (mut best, mut own) = (None, None);
        let name = tree[frame.edge].name.clone();
        for target in tree.ancestry(deepest_of_chain(tree, &frame.chain)) {
            let peer_here = tree
                .edge_out(target, &name)
                .is_some_and(|e| tree[e].kind.is_peer());
            if peer_here && !tree.is_top(target) {
                continue;
            }
            let answer = can_place(
                tree,
                &Question {
                    dep: frame.dep,
                    edge: frame.edge,
                    target,
                    chain: &frame.chain,
                    path: &[],
                    prefer_dedupe: false,
                },
            );
            if answer.own != Verdict::Conflict {
                own = Some(answer.clone());
            }
            if answer.whole == Verdict::Conflict {
                break;
            }
            best = Some(answer);
            if tree[frame.dep].failure.is_some() {
                break;
            }
        }
        (best, own)
    }

    fn twin_above(&self, target: NodeId, dep: NodeId) -> Option<NodeId> {
        let tree = &*self.tree;
        tree.ancestry(target)
            .find(|above| tree.matches(*above, dep) && !tree.is_top(*above))
    }

    /// Makes the node and gives it its place, in which another may stand.
    fn put(&mut self, dep: NodeId, target: NodeId) -> (NodeId, Vec<NodeId>) {
        let of = &self.tree[dep];
        let name = of.name.clone();
        if let Some(folder) = of.target {
            let location = self.tree[folder].location.clone();
            let known = self.tree.tops.get(&location).copied();
            let folder = known.unwrap_or_else(|| {
                self.tree.settle(folder, &location);
                folder
            });
            return (self.tree.link(&name, folder, target), Vec::new());
        }
        let seed = Seed {
            name,
            manifest: of.manifest.clone(),
            dev_dependencies: of.dev_dependencies.clone(),
            failure: of.failure.clone(),
            overrides: of.overrides,
        };
        let there = self.tree.child(target, &seed.name);
        if there.is_none() && self.tree.rules.root().is_none() {
            // Without rules it is all one whether it asks before or after it has its place.
            return (self.tree.placed(seed, target), Vec::new());
        }
        let node = self.tree.loose(seed);
        match there {
            Some(old) => {
                let look_again = self.replace(old, node, target, dep);
                (node, look_again)
            }
            None => {
                self.tree.attach(node, target);
                (node, Vec::new())
            }
        }
    }

    fn replace(&mut self, old: NodeId, node: NodeId, target: NodeId, dep: NodeId) -> Vec<NodeId> {
        let tree = &*self.tree;
        let mut orphans: Vec<NodeId> = Vec::new();
        for edge in tree[old].edges_out.values() {
            if let Some(to) = tree[*edge].to
                && tree.edge_out(node, &tree[*edge].name).is_none()
            {
                orphans.extend(tree.gather([to], |tree, edge| tree[edge].to != Some(to)));
            }
        }
        let (mut pushed_out, mut overridden) = (Vec::new(), Vec::new());
        for edge in tree[old].edges_in.iter().copied() {
            let of = &tree[edge];
            if tree.satisfied_by(edge, node)
                || !of.kind.is_peer()
                || tree[of.from].parent != Some(target)
                || of.peer_conflicted
            {
                continue;
            }
            for entry in tree.peer_sets(of.from).keys().copied() {
                let Some(entered) = tree[entry].to else {
                    continue;
                };
                let deepest = tree.deepest_target(entered, &tree[entered].name);
                let from = tree[entry].from;
                if deepest != target && !tree.is_project_root(from) && !tree.is_workspace(from) {
                    pushed_out.extend(tree.gather([entered], |tree, edge| {
                        tree[edge].to != Some(entered) && !tree[edge].peer_conflicted
                    }));
                } else {
                    overridden.push(edge);
                }
            }
        }
        for edge in overridden {
            self.override_peer(edge, dep);
        }
        self.tree.replace(old, node);
        self.prune_replaced(node, &orphans);
        let mut look_again = Vec::new();
        for gone in pushed_out {
            look_again.extend(
                self.tree[gone]
                    .edges_in
                    .iter()
                    .map(|edge| self.tree[*edge].from),
            );
            self.tree.detach(gone);
        }
        look_again
    }

    /// Drops what only the replaced package needed.
    fn prune_replaced(&mut self, node: NodeId, orphans: &[NodeId]) {
        let tree = &*self.tree;
        let invalid = tree[node]
            .edges_out
            .values()
            .filter(|edge| !tree.is_valid(**edge));
        let mut invalid: Vec<NodeId> = invalid.filter_map(|edge| tree[*edge].to).collect();
        for orphan in orphans {
            invalid.extend(tree.gather([*orphan], |tree, edge| {
                tree[edge].to != Some(*orphan) && tree.is_valid(edge)
            }));
        }
        let gone = tree.gather(invalid, |tree, edge| {
            let of = &tree[edge];
            of.from != node && of.to != Some(node) && tree.is_valid(edge)
        });
        for gone in gone {
            self.tree.detach(gone);
        }
    }

    fn prune_around(&mut self, edge: EdgeId, node: NodeId, target: NodeId) {
        if let Some(to) = self.tree[edge].to.filter(|to| *to != node)
            && self.tree.is_valid(edge)
        {
            self.prune_dedupable(to, false);
        }
        let root = self.tree[target].root;
        for twin in self.tree.named(&self.tree[node].name.clone()) {
            let tree = &*self.tree;
            if tree[twin].root != root || tree.is_top(twin) || !tree.is_descendant(twin, target) {
                continue;
            }
            self.prune_dedupable(twin, false);
            if self.tree[twin].root == root {
                let kids: Vec<NodeId> = self.tree[twin].children.values().copied().collect();
                for kid in kids {
                    if self.tree[kid].root == root {
                        self.prune_dedupable(kid, false);
                    }
                }
            }
        }
    }

    /// Drops a node that is needless where it stands, else looks at those below it.
    fn prune_dedupable(&mut self, node: NodeId, descend: bool) {
        if self.tree.can_dedupe(node) {
            let gone = self.tree.gather([node], |tree, edge| {
                tree[edge].to != Some(node) && tree.is_valid(edge)
            });
            for gone in gone {
                self.tree.detach(gone);
            }
            return;
        }
        if !descend {
            return;
        }
        let tree = &*self.tree;
        let sorted = |nodes: Vec<NodeId>| {
            let mut nodes = nodes;
            nodes.sort_by_cached_key(|node| collate::key(&tree[*node].location));
            nodes
        };
        let mut below = sorted(tree[node].children.values().copied().collect());
        for folder in sorted(tree[node].fs_children.clone()) {
            below.extend(sorted(tree[folder].children.values().copied().collect()));
        }
        let root = tree[node].root;
        for child in below {
            if self.tree[child].root == root {
                self.prune_dedupable(child, true);
            }
        }
    }

    fn place_peers(&mut self, frame: &Frame<'_>, node: NodeId) -> Result<(), PlaceError> {
        let Some(virtual_root) = self.tree[frame.dep].parent else {
            return Ok(());
        };
        let edges: Vec<EdgeId> = self.tree[node].edges_out.values().copied().collect();
        for edge in edges {
            let tree = &*self.tree;
            let of = &tree[edge];
            if !of.kind.is_peer() || of.peer_conflicted || tree.is_valid(edge) {
                continue;
            }
            let Some(peer) = tree.child(virtual_root, &of.name) else {
                continue;
            };
            if !tree.satisfied_by(edge, peer) {
                continue;
            }
            let mut chain = frame.chain.clone();
            chain.push(edge);
            self.place(&Frame {
                edge,
                dep: peer,
                chain,
                parent: Some(frame),
            })?;
        }
        Ok(())
    }

    /// Whether the project itself asks for the set that is being placed, or conflicts are not to be
    /// let pass for anybody.
    fn is_mine(&self, frame: &Frame<'_>) -> bool {
        let tree = &*self.tree;
        if tree.peers == Peers::Strict {
            return true;
        }
        let top = std::iter::successors(Some(frame), |frame| frame.parent).last();
        let edge = top.map_or(frame.edge, |top| top.edge);
        let own = |node| tree.is_project_root(node) || tree.is_workspace(node);
        let from = tree[edge].from;
        if own(from) {
            return true;
        }
        if !tree[edge].kind.is_peer() {
            return false;
        }
        let edges = &tree[from].edges_in;
        let as_peer = edges.iter().any(|edge| tree[*edge].kind.is_peer());
        edges
            .iter()
            .any(|edge| !tree[*edge].kind.is_peer() && own(tree[*edge].from))
            || (as_peer
                && tree
                    .peer_sets(from)
                    .keys()
                    .any(|edge| own(tree[*edge].from)))
    }

    /// Notes that a peer does not get what it asks for.
    fn override_peer(&mut self, edge: EdgeId, dep: NodeId) {
        self.tree[edge].peer_conflicted = true;
        let conflict = PeerConflict::of(self.tree, edge, dep, &[]);
        self.outcome.overridden.push(conflict);
    }

    fn conflict(&self, frame: &Frame<'_>, own: Option<&Answer>) -> PlaceError {
        let top = std::iter::successors(Some(frame), |frame| frame.parent)
            .last()
            .unwrap_or(frame);
        let met: &[(EdgeId, Option<NodeId>)] =
            own.map_or(&[], |answer| answer.conflicts.as_slice());
        PlaceError::PeerConflict(Box::new(PeerConflict::of(
            self.tree, top.edge, top.dep, met,
        )))
    }
}

/// A name and version as people write them: `react@18.2.0`.
pub(super) fn label(tree: &Tree, node: NodeId) -> Arc<str> {
    let of = &tree[node];
    if tree.is_project_root(node) && of.source.is_none_or(|source| tree.is_project_root(source)) {
        return "the project".into();
    }
    match &of.manifest.version {
        Some(version) => format!("{}@{version}", of.name).into(),
        None => of.name.clone(),
    }
}
