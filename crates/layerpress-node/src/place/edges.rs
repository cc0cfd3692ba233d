//! How edges turn when the tree changes, and how the project's overrides travel along them.

use std::sync::Arc;

use super::rules::RuleId;
use super::tree::{EdgeId, NodeId, State, Tree, folded};

impl Tree {
    /// Turns the edges that lead across the border of a tree.
    pub(super) fn reload_strays(&mut self, family: &[NodeId]) {
        for node in family {
            let root = self[*node].root;
            for edge in self[*node].edges_in.clone() {
                if self[self[edge].from].root != root {
                    self.reload(edge, false);
                }
            }
            let out: Vec<EdgeId> = self[*node].edges_out.values().copied().collect();
            for edge in out {
                if self[edge].to.is_none_or(|to| self[to].root != root) {
                    self.reload(edge, false);
                }
            }
        }
    }

    /// Turns the edges by a name, of a node and all below it, that lead elsewhere now: in the order
    /// of the folders, because that is the order in which they are entered at their new end.
    pub(super) fn reload_named(&mut self, top: NodeId, name: &Arc<str>) {
        let inside: Arc<str> = format!("{}/node_modules/{name}", self[top].location).into();
        let root = self[top].root;
        let asking = self.asking(&folded(name)).iter().copied();
        let below = asking.filter(|edge| {
            let of = &self[*edge];
            of.state.get() != State::Detached
                && self[of.from].root == root
                && self.is_descendant(of.from, top)
        });
        let mut below: Vec<EdgeId> = below.collect();
        below.sort_by_cached_key(|edge| self.way(top, self[*edge].from));
        for edge in below {
            let (from, to) = (self[edge].from, self[edge].to);
            let below_top = to.is_some_and(|to| self[to].location == inside);
            if below_top || self.resolve(from, name) != to {
                self.reload(edge, true);
            }
        }
    }

    /// The places of the folders on the way down from one to another: those in `node_modules`
    /// before others.
    fn way(&self, top: NodeId, node: NodeId) -> Vec<(bool, usize)> {
        let mut way = Vec::new();
        let mut at = node;
        while at != top {
            let Some(above) = self.above(at) else { break };
            let is_child = self[at].parent.is_some();
            let place = if is_child {
                self[above].children.get_index_of(&*folded(&self[at].name))
            } else {
                self[above]
                    .fs_children
                    .iter()
                    .position(|child| *child == at)
            };
            way.push((!is_child, place.unwrap_or_default()));
            at = above;
        }
        way.reverse();
        way
    }

    /// Lets an edge lead to what is found now. A `hard` reload forgets what was known of it.
    pub(super) fn reload(&mut self, edge: EdgeId, hard: bool) {
        if self[edge].state.get() == State::Detached {
            return;
        }
        let from = self[edge].from;
        let mut turned = None;
        if let Some(rules) = self[from].overrides {
            let new = self.rule_for(rules, edge);
            let old = self[edge].overrides.replace(new);
            if old != Some(new) {
                turned = Some((old, new));
            }
        } else {
            self[edge].overrides = None;
        }
        let name = self[edge].name.clone();
        let (old_to, new_to) = (self[edge].to, self.resolve(from, &name));
        if old_to != new_to {
            if let Some(to) = old_to {
                self.delete_edge_in(to, edge);
            }
            self[edge].to = new_to;
            self[edge].state.set(State::Unknown);
            if let Some(to) = new_to {
                let rule = self[edge].overrides;
                if self[to].overrides.is_none() || self[to].overrides != rule {
                    self.override_added(to, rule);
                }
                self[to].edges_in.insert(edge);
            }
        } else if hard {
            self[edge].state.set(State::Unknown);
        } else if let (Some((old, new)), Some(to)) = (turned, new_to) {
            self.override_removed(to, old);
            self.override_added(to, Some(new));
        }
    }

    pub(super) fn delete_edge_in(&mut self, to: NodeId, edge: EdgeId) {
        self[to].edges_in.shift_remove(&edge);
        if self[edge].overrides.is_some() {
            self.override_removed(to, self[edge].overrides);
        }
    }

    pub(super) fn rule_for(&mut self, rules: RuleId, edge: EdgeId) -> RuleId {
        let (name, spec) = (self[edge].name.clone(), self[edge].raw_spec.clone());
        match self.specs.get(&spec) {
            Some(read) => self.rules.for_dependency(rules, &name, &read.spec),
            None => rules,
        }
    }

    pub(super) fn override_added(&mut self, node: NodeId, rule: Option<RuleId>) {
        let Some(rule) = rule else { return };
        let new = match self[node].overrides {
            None => rule,
            Some(own) if own == rule => return,
            Some(own) => match self.rules.more_specific(own, rule) {
                Some(new) if new != own => new,
                _ => return,
            },
        };
        self[node].overrides = Some(new);
        self.override_edges(node);
    }

    fn override_removed(&mut self, node: NodeId, rule: Option<RuleId>) {
        let own = self[node].overrides;
        if own.is_none() || own != rule {
            return;
        }
        let mut new: Option<RuleId> = None;
        for edge in &self[node].edges_in {
            let of_edge = self[*edge].overrides;
            new = match (new, of_edge) {
                (Some(new), Some(of_edge)) => self.rules.more_specific(of_edge, new),
                _ => of_edge,
            };
        }
        if own != new {
            self[node].overrides = new;
            if new.is_some() {
                self.override_edges(node);
            }
        }
    }

    /// Applies a node's rules to what it asks for, and lets them reach what that leads to.
    fn override_edges(&mut self, node: NodeId) {
        let out: Vec<EdgeId> = self[node].edges_out.values().copied().collect();
        for edge in out {
            self.reload(edge, true);
            if let Some(to) = self[edge].to {
                let rule = self[edge].overrides;
                self.override_added(to, rule);
            }
        }
        if let (Some(target), rule @ Some(_)) = (self[node].target, self[node].overrides) {
            self.override_added(target, rule);
        }
    }
}
