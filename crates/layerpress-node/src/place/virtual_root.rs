//! Virtual roots: where a package is tried out with its peers, apart from the project's own tree.

use super::tree::{EdgeId, NodeId, Seed, Tree};

impl Tree {
    /// A root that stands in for `source`: it asks for the same, and nothing is in it.
    pub(super) fn virtual_root(&mut self, source: NodeId) -> NodeId {
        let root = self.blank_virtual_root(source);
        self.load_edges(root);
        root
    }

    fn blank_virtual_root(&mut self, source: NodeId) -> NodeId {
        let of = &self[source];
        let seed = Seed {
            name: of.name.clone(),
            manifest: of.manifest.clone(),
            dev_dependencies: of.dev_dependencies.clone(),
            failure: None,
            overrides: of.overrides,
        };
        let root = self.blank(seed);
        self[root].source = Some(source);
        root
    }

    /// A node alone in a virtual root of whoever asks for it by `edge`. Of what both ask for, nothing
    /// but that edge is loaded; [`complete`](Tree::complete) loads the rest.
    pub(super) fn apart(&mut self, edge: EdgeId, seed: Seed) -> (NodeId, NodeId) {
        let of = &self[edge];
        let (from, kind) = (of.from, of.kind);
        let (name, spec, accept) = (of.name.clone(), of.raw_spec.clone(), of.accept.clone());
        let root = self.blank_virtual_root(from);
        self.add_edge(root, &name, &spec, accept, kind);
        let node = self.blank(seed);
        self.attach(node, root);
        self.incomplete.insert(root);
        (root, node)
    }

    /// Loads all that a virtual root and the node in it ask for.
    pub(super) fn complete(&mut self, root: NodeId) {
        if self.incomplete.remove(&root) {
            self.load_edges(root);
            let children: Vec<NodeId> = self[root].children.values().copied().collect();
            for child in children {
                self.load_edges(child);
            }
        }
    }
}
