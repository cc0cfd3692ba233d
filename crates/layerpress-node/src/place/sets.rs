//! Sets of packages that come and go together.

use super::tree::{EdgeId, Kind, Map, NodeId, Set, Tree};

impl Tree {
    /// What depends on nothing but the given nodes: they and all below them by the edges that
    /// `counts`, without what something outside needs.
    pub(super) fn gather(
        &self,
        start: impl IntoIterator<Item = NodeId>,
        counts: impl Fn(&Tree, EdgeId) -> bool,
    ) -> Set<NodeId> {
        let mut set: Set<NodeId> = start.into_iter().collect();
        let mut at = 0;
        while let Some(node) = set.get_index(at).copied() {
            at += 1;
            for edge in self[node].edges_out.values() {
                if let Some(to) = self[*edge].to
                    && counts(self, *edge)
                {
                    set.insert(to);
                }
            }
        }
        loop {
            let needed = |node: &NodeId| {
                self[*node]
                    .edges_in
                    .iter()
                    .any(|edge| !set.contains(&self[*edge].from) && counts(self, *edge))
            };
            let outside: Vec<NodeId> = set.iter().copied().filter(needed).collect();
            if outside.is_empty() {
                return set;
            }
            for node in outside {
                set.shift_remove(&node);
            }
        }
    }

    /// Whether `new` can stand where `old` stands. Peers named in `ignored` beside it are taken to
    /// be replaced too.
    pub(super) fn can_replace(&self, new: NodeId, old: NodeId, ignored: &[NodeId]) -> bool {
        let (a, b) = (&self[new], &self[old]);
        if a.name != b.name || a.manifest.name != b.manifest.name {
            return false;
        }
        if !b.edges_out.is_empty() && a.overrides != b.overrides {
            return false;
        }
        let own = self.gather([old], |tree, edge| {
            tree[edge].to != Some(old) && tree.is_valid(edge)
        });
        b.edges_in.iter().all(|edge| {
            let from = self[*edge].from;
            let beside = !self.is_top(old)
                && self[from].parent == b.parent
                && self[*edge].kind.is_peer()
                && ignored
                    .iter()
                    .any(|other| self[*other].name == self[from].name);
            beside || own.contains(&from) || self.satisfied_by(*edge, new)
        })
    }

    /// Whether a node is needless, because what is found above it does as well.
    pub(super) fn can_dedupe(&self, node: NodeId) -> bool {
        let Some(grand) = self.above(node).and_then(|parent| self.above(parent)) else {
            return false;
        };
        if self.in_dependency_bundle(node) || self.in_shrinkwrap(node) {
            return false;
        }
        if self[node].edges_in.is_empty() {
            return true;
        }
        let Some(other) = self.resolve(grand, &self[node].name.clone()) else {
            return false;
        };
        if self.matches(other, node) {
            return true;
        }
        if !self.can_replace(other, node, &[]) {
            return false;
        }
        match (self.version(other), self.version(node)) {
            (Some(other), Some(own)) => other == own || (other > own && !self.is_overridden(node)),
            _ => false,
        }
    }

    pub(super) fn version(&self, node: NodeId) -> Option<&crate::semver::Version> {
        let of = self[node].target.unwrap_or(node);
        self[of].version.as_ref()
    }

    fn is_overridden(&self, node: NodeId) -> bool {
        let of = &self[node];
        let names = |rule| *self.rules.get(rule).name == *of.name;
        of.overrides.is_some_and(names)
            && of.edges_in.iter().any(|edge| {
                let edge = &self[*edge];
                edge.overrides.is_some_and(|rule| {
                    names(rule)
                        && Some(&*self.rules.get(rule).value) == of.manifest.version.as_deref()
                        && self[edge.from].overrides != Some(rule)
                })
            })
    }

    /// The deepest folder in which a package asked for by `start` may stand: a peer stands beside
    /// or above, never inside.
    pub(super) fn deepest_target(&self, start: NodeId, name: &std::sync::Arc<str>) -> NodeId {
        for target in self.ancestry(start) {
            if self.is_project_root(target) || self.above(target).is_none() {
                return target;
            }
            let edge = self.edge_out(target, name);
            if edge.is_none_or(|edge| !self[edge].kind.is_peer()) {
                return target;
            }
        }
        start
    }

    /// The sets of peers that a node belongs to, by the edges through which they were entered.
    pub(super) fn peer_sets(&self, node: NodeId) -> Map<EdgeId, Set<NodeId>> {
        let peers_of = |of: NodeId| {
            self[of].edges_out.values().copied().filter_map(|edge| {
                let to = self[edge].to.filter(|_| self[edge].kind.is_peer())?;
                self.is_valid(edge).then_some(to)
            })
        };
        let mut union: Set<NodeId> = Set::from_iter([node]);
        let mut at = 0;
        while let Some(member) = union.get_index(at).copied() {
            at += 1;
            union.extend(peers_of(member));
            union.extend(self[member].edges_in.iter().filter_map(|edge| {
                let of = &self[*edge];
                (of.kind.is_peer() && self.is_valid(*edge)).then_some(of.from)
            }));
        }
        let mut sets = Map::default();
        for peer in union {
            for edge in &self[peer].edges_in {
                let of = &self[*edge];
                if !self.is_valid(*edge) || (of.kind.is_peer() && !self.is_top(of.from)) {
                    continue;
                }
                let mut set: Set<NodeId> = Set::from_iter([peer]);
                let mut at = 0;
                while let Some(member) = set.get_index(at).copied() {
                    at += 1;
                    set.extend(peers_of(member));
                }
                if set.contains(&node) {
                    sets.insert(*edge, set);
                }
            }
        }
        sets
    }

    /// What goes when an optional package cannot be had: everything that needs it, up to where it
    /// was optional, and what only that needs.
    pub(super) fn optional_set(&self, node: NodeId) -> Set<NodeId> {
        let mut set: Set<NodeId> = Set::from_iter([node]);
        let mut at = 0;
        while let Some(member) = set.get_index(at).copied() {
            at += 1;
            for edge in &self[member].edges_in {
                if !matches!(self[*edge].kind, Kind::Optional | Kind::PeerOptional) {
                    set.insert(self[*edge].from);
                }
            }
        }
        let boundary = set.clone();
        self.gather(set, move |tree, edge| {
            let edge = &tree[edge];
            edge.to.is_none_or(|to| !boundary.contains(&to)) && !tree[edge.from].inert
        })
    }

    /// The package whose tarball holds this one, or the project where it bundles it itself (npm's
    /// `getBundler`).
    pub(super) fn bundler(&self, node: NodeId) -> Option<NodeId> {
        self.bundler_on(node, &mut Vec::new())
    }

    fn bundler_on(&self, node: NodeId, path: &mut Vec<NodeId>) -> Option<NodeId> {
        if path.contains(&node) {
            return None;
        }
        path.push(node);
        let parent = self[node].parent?;
        if let above @ Some(_) = self.bundler_on(parent, path) {
            return above;
        }
        if self[parent].manifest.bundled.contains(&self[node].name) {
            return Some(parent);
        }
        // What a bundled package needs comes along when it stands beside it.
        let by = self[node].edges_in.iter();
        let found = by.map(|edge| self[*edge].from);
        found
            .collect::<Vec<_>>()
            .into_iter()
            .any(|from| self.bundler_on(from, path) == Some(parent))
            .then_some(parent)
    }

    /// Whether a package comes inside the tarball of another.
    pub(super) fn in_dependency_bundle(&self, node: NodeId) -> bool {
        self.has_bundles && self.bundler(node).is_some_and(|by| by != self.root)
    }

    /// Whether a package above brings its own lockfile.
    pub(super) fn in_shrinkwrap(&self, node: NodeId) -> bool {
        let above = std::iter::successors(self[node].parent, |node| self[*node].parent);
        above
            .into_iter()
            .any(|node| self[node].manifest.has_shrinkwrap)
    }
}
