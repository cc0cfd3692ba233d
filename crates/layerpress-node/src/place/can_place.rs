//! Whether a package, with its peers, can be put into a folder. Nothing is changed here.

use std::sync::Arc;

use super::tree::{EdgeId, NodeId, Set, Tree};

/// What putting a package into a folder comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing stands there.
    Free,
    /// What stands there does.
    Keep,
    /// What stands there can go.
    Replace,
    /// It cannot.
    Conflict,
}

/// The answer for one folder.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) target: NodeId,
    /// With all its peers.
    pub(super) whole: Verdict,
    /// Its peers apart.
    pub(super) own: Verdict,
    /// The peers that were in the way: the edge and what it met.
    pub(super) conflicts: Vec<(EdgeId, Option<NodeId>)>,
}

/// What is asked: may `dep`, which `edge` wants, stand in `target`?
#[derive(Clone, Copy)]
pub(super) struct Question<'q> {
    pub(super) dep: NodeId,
    pub(super) edge: EdgeId,
    pub(super) target: NodeId,
    /// The edges that led here: the first entered the set of peers, the last is `edge`.
    pub(super) chain: &'q [EdgeId],
    /// The packages whose peers are being looked at.
    pub(super) path: &'q [NodeId],
    pub(super) prefer_dedupe: bool,
}

pub(super) fn can_place(tree: &Tree, question: &Question<'_>) -> Answer {
    let mut check = Check {
        tree,
        question,
        name: tree[question.edge].name.clone(),
        own: None,
        peers: None,
        conflicts: Vec::new(),
    };
    let whole = check.verdict();
    Answer {
        target: question.target,
        whole,
        own: check.own.unwrap_or(whole),
        conflicts: check.conflicts,
    }
}

struct Check<'q> {
    tree: &'q Tree,
    question: &'q Question<'q>,
    name: Arc<str>,
    own: Option<Verdict>,
    peers: Option<Verdict>,
    conflicts: Vec<(EdgeId, Option<NodeId>)>,
}

impl Check<'_> {
    fn verdict(&mut self) -> Verdict {
        let (
            tree,
            Question {
                dep, edge, target, ..
            },
        ) = (self.tree, *self.question);
        let current = tree.child(target, &self.name);
        if tree[dep].failure.is_some() {
            return if current.is_some() {
                Verdict::Replace
            } else {
                Verdict::Free
            };
        }
        let target_edge = tree.edge_out(target, &self.name);
        if let Some(target_edge) = target_edge {
            if tree[target_edge].kind.is_peer() && !tree.is_top(target) {
                return Verdict::Conflict;
            }
            if current.is_none() && target_edge != edge && !tree.satisfied_by(target_edge, dep) {
                return Verdict::Conflict;
            }
        }
        match current {
            Some(current) => self.beside(current),
            None => self.alone(),
        }
    }

    /// Nothing stands there; those who look through this folder must not lose what they find.
    fn alone(&mut self) -> Verdict {
        let (tree, Question { dep, target, .. }) = (self.tree, *self.question);
        let entry = self
            .question
            .chain
            .first()
            .copied()
            .unwrap_or(self.question.edge);
        if target != tree[entry].from
            && let Some(current) = tree.resolve(target, &self.name)
        {
            for edge in &tree[current].edges_in {
                if tree.is_descendant(tree[*edge].from, target)
                    && tree.is_valid(*edge)
                    && !tree.satisfied_by(*edge, dep)
                {
                    return Verdict::Conflict;
                }
            }
        }
        self.with_peers(Verdict::Free)
    }

    /// Something stands there.
    fn beside(&mut self, current: NodeId) -> Verdict {
        let (
            tree,
            Question {
                dep, edge, target, ..
            },
        ) = (self.tree, *self.question);
        let fits = tree.satisfied_by(edge, current);
        let prefer_dedupe = self.question.prefer_dedupe || tree[edge].kind.is_peer();
        if tree.matches(dep, current) && (fits || !tree.satisfied_by(edge, dep)) {
            return Verdict::Keep;
        }
        let newer = match (tree.version(dep), tree.version(current)) {
            (Some(new), Some(old)) => new >= old,
            _ => false,
        };
        if newer && tree.can_replace(dep, current, &[]) {
            let verdict = self.with_peers(Verdict::Replace);
            if verdict != Verdict::Conflict {
                return verdict;
            }
        }
        if fits {
            return Verdict::Keep;
        }
        if prefer_dedupe && !newer && tree.can_replace(dep, current, &[]) {
            let verdict = self.with_peers(Verdict::Replace);
            if verdict != Verdict::Conflict {
                return verdict;
            }
        }
        // What can stand deeper leaves the place alone.
        if target != self.deepest() {
            return Verdict::Conflict;
        }
        if !tree[edge].kind.is_peer() && target == tree[edge].from {
            return self.with_peers(Verdict::Replace);
        }
        if self.question.chain.len() < 2 && !tree[edge].kind.is_peer() {
            return Verdict::Conflict;
        }
        if self.sets_give_way(current) {
            self.with_peers(Verdict::Replace)
        } else {
            Verdict::Conflict
        }
    }

    /// Whether every set of peers around `current` can be replaced by the new one or stand deeper.
    fn sets_give_way(&self, current: NodeId) -> bool {
        let (
            tree,
            Question {
                dep, edge, target, ..
            },
        ) = (self.tree, *self.question);
        let entry = self.question.chain.first().copied().unwrap_or(edge);
        let beside: Vec<NodeId> = tree[dep]
            .parent
            .map(|p| tree[p].children.values().copied().collect())
            .unwrap_or_default();
        let replacement = |name: &Arc<str>| tree[dep].parent.and_then(|p| tree.child(p, name));
        let mut give_way = true;
        for (entry_edge, peers) in tree.peer_sets(current) {
            if entry_edge == edge || entry_edge == entry {
                continue;
            }
            let Some(node) = tree[entry_edge].to else {
                continue;
            };
            match replacement(&tree[node].name) {
                Some(new) if tree.can_replace(new, node, &beside) => continue,
                None if self.can_clobber(node) => continue,
                _ => {}
            }
            for peer in peers {
                let deepest = tree.deepest_target(tree[entry_edge].from, &tree[peer].name);
                if deepest == target || tree.is_descendant(target, deepest) {
                    give_way = false;
                    break;
                }
            }
        }
        give_way
    }

    /// Whether the new set has something fitting for every peer, from `entry` on, that it replaces.
    fn can_clobber(&self, entry: NodeId) -> bool {
        let (tree, dep) = (self.tree, self.question.dep);
        let mut walk: Set<NodeId> = Set::from_iter([entry]);
        let mut at = 0;
        while let Some(peer) = walk.get_index(at).copied() {
            at += 1;
            for edge in tree[peer].edges_out.values() {
                if !tree[*edge].kind.is_peer() || !tree.is_valid(*edge) {
                    continue;
                }
                match tree[dep]
                    .parent
                    .and_then(|p| tree.child(p, &tree[*edge].name))
                {
                    None => walk.extend(tree[*edge].to),
                    Some(new) if !tree.satisfied_by(*edge, new) => return false,
                    Some(_) => {}
                }
            }
        }
        true
    }

    /// The verdict, unless a peer cannot come along.
    fn with_peers(&mut self, verdict: Verdict) -> Verdict {
        self.own = Some(verdict);
        if let Some(known) = self.peers {
            return known;
        }
        let (tree, Question { dep, target, .. }) = (self.tree, *self.question);
        let mut path = self.question.path.to_vec();
        path.push(dep);
        let mut conflict = false;
        for edge in tree[dep].edges_out.values().copied() {
            let Some(peer) = tree[edge]
                .to
                .filter(|to| tree[edge].kind.is_peer() && !path.contains(to))
            else {
                continue;
            };
            let mut chain = self.question.chain.to_vec();
            chain.push(edge);
            let answer = can_place(
                tree,
                &Question {
                    dep: peer,
                    edge,
                    target: tree.deepest_target(target, &tree[peer].name),
                    chain: &chain,
                    path: &path,
                    prefer_dedupe: true,
                },
            );
            if answer.whole == Verdict::Conflict {
                conflict = true;
                self.conflicts
                    .push((edge, tree.child(answer.target, &tree[edge].name)));
                self.conflicts.extend(answer.conflicts);
            }
        }
        let verdict = if conflict { Verdict::Conflict } else { verdict };
        self.peers = Some(verdict);
        verdict
    }

    fn deepest(&self) -> NodeId {
        deepest_of_chain(self.tree, self.question.chain)
    }
}

/// The deepest folder for the last edge of a chain, each of whose edges stands no deeper than the
/// one before.
pub(super) fn deepest_of_chain(tree: &Tree, chain: &[EdgeId]) -> NodeId {
    let mut start = tree[chain[0]].from;
    for edge in chain {
        start = tree.deepest_target(start, &tree[*edge].name);
    }
    start
}
