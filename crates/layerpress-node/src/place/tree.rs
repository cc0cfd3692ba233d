//! The tree under construction: packages in their folders, and what each asks for.
//!
//! Nodes and edges live in two lists and know each other by number. Beside the project's own tree
//! there are *virtual* ones, in which a package is tried out together with its peers before it gets
//! its place; they stand in for the package that asks (`source`) and are thrown away. An edge always
//! leads to what Node.js would find from there, and is turned round whenever that changes. What
//! comes and goes follows npm's `@npmcli/arborist` 9.9, orders of lists included, because the order
//! in which things are found decides the tree.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use super::rules::{RuleId, Rules};
use super::{Peers, Project};
use crate::manifest::{Manifest, Pairs};
use crate::semver::Version;

pub(super) type Map<K, V> = IndexMap<K, V, FxBuildHasher>;
pub(super) type Set<T> = IndexSet<T, FxBuildHasher>;

/// A package in its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct NodeId(u32);

/// What one package asks another for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct EdgeId(u32);

/// Why a dependency is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Prod,
    Dev,
    Optional,
    Peer,
    PeerOptional,
    Workspace,
}

impl Kind {
    pub(super) fn is_peer(self) -> bool {
        matches!(self, Kind::Peer | Kind::PeerOptional)
    }

    pub(super) fn is_optional(self) -> bool {
        matches!(self, Kind::Optional | Kind::PeerOptional)
    }
}

/// Whether an edge leads to what it asks for; kept until the edge turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Unknown,
    Fine,
    Missing,
    PeerLocal,
    Invalid,
    Detached,
}

#[derive(Debug)]
pub(super) struct Node {
    /// The folder's name, which an alias gives.
    pub(super) name: Arc<str>,
    pub(super) manifest: Arc<Manifest>,
    pub(super) dev_dependencies: Arc<Pairs>,
    pub(super) version: Option<Version>,
    pub(super) parent: Option<NodeId>,
    /// The nearest folder of the project above a folder that is in no `node_modules`.
    pub(super) fs_parent: Option<NodeId>,
    pub(super) root: NodeId,
    pub(super) children: Map<Arc<str>, NodeId>,
    pub(super) fs_children: Vec<NodeId>,
    pub(super) edges_out: Map<Arc<str>, EdgeId>,
    pub(super) edges_in: Set<EdgeId>,
    /// The path from the root of its tree.
    pub(super) location: Arc<str>,
    /// The folder that a link leads to.
    pub(super) target: Option<NodeId>,
    /// The package that a virtual root stands in for.
    pub(super) source: Option<NodeId>,
    /// Why there is no such package, when it could not be had.
    pub(super) failure: Option<Arc<super::Failure>>,
    pub(super) overrides: Option<RuleId>,
    pub(super) flags: Flags,
    /// An optional package that is not to be laid out.
    pub(super) inert: bool,
}

/// In which parts of the graph alone a package is; all true until the walk says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flags {
    pub(super) extraneous: bool,
    pub(super) dev: bool,
    pub(super) optional: bool,
    pub(super) dev_optional: bool,
    pub(super) peer: bool,
}

impl Flags {
    pub(super) const ALL: Flags = Flags {
        extraneous: true,
        dev: true,
        optional: true,
        dev_optional: true,
        peer: true,
    };
    pub(super) const NONE: Flags = Flags {
        extraneous: false,
        dev: false,
        optional: false,
        dev_optional: false,
        peer: false,
    };
}

#[derive(Debug)]
pub(super) struct Edge {
    pub(super) name: Arc<str>,
    /// What the package asks for; [`Tree::spec`] has the overrides applied.
    pub(super) raw_spec: Arc<str>,
    pub(super) accept: Option<Arc<str>>,
    pub(super) kind: Kind,
    pub(super) from: NodeId,
    pub(super) to: Option<NodeId>,
    pub(super) state: Cell<State>,
    pub(super) peer_conflicted: bool,
    pub(super) overrides: Option<RuleId>,
}

/// What a new node is made of.
#[derive(Clone, Debug)]
pub(super) struct Seed {
    pub(super) name: Arc<str>,
    pub(super) manifest: Arc<Manifest>,
    pub(super) dev_dependencies: Arc<Pairs>,
    pub(super) failure: Option<Arc<super::Failure>>,
    pub(super) overrides: Option<RuleId>,
}

#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    pub(super) rules: Rules,
    /// The project's own root.
    pub(super) root: NodeId,
    /// The nodes of the project's tree by their names, in the order in which they came.
    named: FxHashMap<Arc<str>, Set<NodeId>>,
    /// The folders of the project that are in no `node_modules`, by location.
    pub(super) tops: Map<Arc<str>, NodeId>,
    pub(super) specs: super::valid::Specs,
    /// What the project and its folders asked for by a name when the lockfile was written, by folder
    /// and name; only what came from git repositories.
    pub(super) locked_wishes: FxHashMap<(Arc<str>, Arc<str>), Arc<str>>,
    /// All edges that ever were, by what they ask for.
    asking: FxHashMap<Arc<str>, Vec<EdgeId>>,
    /// The virtual roots that hold one node apart.
    pub(super) incomplete: FxHashSet<NodeId>,
    /// Whether any package bundles others.
    pub(super) has_bundles: bool,
    pub(super) peers: Peers,
}

impl std::ops::Index<NodeId> for Tree {
    type Output = Node;

    fn index(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }
}

impl std::ops::IndexMut<NodeId> for Tree {
    fn index_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0 as usize]
    }
}

impl std::ops::Index<EdgeId> for Tree {
    type Output = Edge;

    fn index(&self, id: EdgeId) -> &Edge {
        &self.edges[id.0 as usize]
    }
}

impl std::ops::IndexMut<EdgeId> for Tree {
    fn index_mut(&mut self, id: EdgeId) -> &mut Edge {
        &mut self.edges[id.0 as usize]
    }
}

/// Names are one on file systems that do not tell capitals.
pub(super) fn folded(name: &Arc<str>) -> Cow<'_, Arc<str>> {
    // Looking at all of it is quicker than stopping: several bytes go at once.
    let has_capitals = name
        .bytes()
        .fold(false, |any, b| any | b.is_ascii_uppercase());
    if has_capitals {
        Cow::Owned(name.to_ascii_lowercase().into())
    } else {
        Cow::Borrowed(name)
    }
}

impl Tree {
    /// A tree that holds the project's root alone, its edges loaded.
    pub(super) fn new(rules: Rules, seed: Seed, project: &Project) -> Tree {
        let overrides = rules.root();
        let mut tree = Tree {
            nodes: Vec::new(),
            edges: Vec::new(),
            rules,
            root: NodeId(0),
            named: FxHashMap::default(),
            tops: Map::default(),
            specs: super::valid::Specs::default(),
            locked_wishes: FxHashMap::default(),
            asking: FxHashMap::default(),
            incomplete: FxHashSet::default(),
            has_bundles: false,
            peers: project.peers,
        };
        let root = tree.blank(Seed { overrides, ..seed });
        tree[root].flags = Flags::NONE;
        for (name, location) in &project.workspaces {
            tree.add_edge(
                root,
                name,
                &format!("file:{location}").into(),
                None,
                Kind::Workspace,
            );
        }
        tree.load_edges(root);
        tree
    }

    /// A node outside every tree, its edges loaded.
    pub(super) fn loose(&mut self, seed: Seed) -> NodeId {
        let node = self.blank(seed);
        self.load_edges(node);
        node
    }

    /// A node at its place, its edges loaded.
    pub(super) fn placed(&mut self, seed: Seed, parent: NodeId) -> NodeId {
        let node = self.blank(seed);
        self.attach(node, parent);
        self.load_edges(node);
        node
    }

    /// A link with its own place that leads to `target`.
    pub(super) fn link(&mut self, name: &Arc<str>, target: NodeId, parent: NodeId) -> NodeId {
        let of = &self[target];
        let seed = Seed {
            name: name.clone(),
            manifest: of.manifest.clone(),
            dev_dependencies: Arc::default(),
            failure: None,
            overrides: None,
        };
        let link = self.blank(seed);
        self[link].target = Some(target);
        self.attach(link, parent);
        link
    }

    pub(super) fn blank(&mut self, seed: Seed) -> NodeId {
        self.has_bundles |= !seed.manifest.bundled.is_empty();
        let id = NodeId(u32::try_from(self.nodes.len()).expect("fewer nodes than bytes read"));
        self.nodes.push(Node {
            name: seed.name,
            version: seed.manifest.version.as_deref().and_then(Version::loose),
            manifest: seed.manifest,
            dev_dependencies: seed.dev_dependencies,
            parent: None,
            fs_parent: None,
            root: id,
            children: Map::default(),
            fs_children: Vec::new(),
            edges_out: Map::default(),
            edges_in: Set::default(),
            location: "".into(),
            target: None,
            source: None,
            failure: seed.failure,
            overrides: seed.overrides,
            flags: Flags::ALL,
            inert: false,
        });
        id
    }

    /// Loads what a node asks for, in npm's order: of one name the last kind counts.
    pub(super) fn load_edges(&mut self, node: NodeId) {
        let manifest = self[node].manifest.clone();
        let accept = |name: &Arc<str>| {
            let found = manifest
                .accept_dependencies
                .iter()
                .find(|(other, _)| other == name);
            found.map(|(_, spec)| spec.clone())
        };
        let optional = |name: &Arc<str>| manifest.optional_peers.contains(name);
        let peers = match self.peers {
            Peers::Installed | Peers::Strict => &*manifest.peer_dependencies,
            Peers::Left => &[],
        };
        let dev = self[node].dev_dependencies.clone();
        let of_source = self[node].source.is_none_or(|source| self.is_top(source));
        let with_dev = self.is_top(node) && of_source;
        let all = (peers
            .iter()
            .filter(|(name, _)| !optional(name))
            .map(|pair| (pair, Kind::Peer)))
        .chain(
            peers
                .iter()
                .filter(|(name, _)| optional(name))
                .map(|pair| (pair, Kind::PeerOptional)),
        )
        .chain(manifest.dependencies.iter().map(|pair| (pair, Kind::Prod)))
        .chain(
            manifest
                .optional_dependencies
                .iter()
                .map(|pair| (pair, Kind::Optional)),
        )
        .chain(
            dev.iter()
                .filter(|_| with_dev)
                .map(|pair| (pair, Kind::Dev)),
        );
        for ((name, spec), kind) in all {
            self.add_edge(node, name, spec, accept(name), kind);
        }
    }

    /// Lets a node ask for something, in the place of what it asked for by that name; workspaces stay.
    pub(super) fn add_edge(
        &mut self,
        from: NodeId,
        name: &Arc<str>,
        spec: &Arc<str>,
        accept: Option<Arc<str>>,
        kind: Kind,
    ) {
        let key = folded(name).into_owned();
        if let Some(old) = self[from].edges_out.get(&key).copied() {
            if self[old].kind == Kind::Workspace && kind != Kind::Workspace {
                return;
            }
            if let Some(to) = self[old].to.take() {
                self.delete_edge_in(to, old);
            }
            self[old].state.set(State::Detached);
            self[from].edges_out.shift_remove(&key);
        }
        let id = EdgeId(u32::try_from(self.edges.len()).expect("fewer edges than bytes read"));
        self.edges.push(Edge {
            name: name.clone(),
            raw_spec: spec.clone(),
            accept,
            kind,
            from,
            to: None,
            state: Cell::new(State::Unknown),
            peer_conflicted: false,
            overrides: None,
        });
        if let Some(rules) = self[from].overrides {
            let rule = self.rule_for(rules, id);
            self[id].overrides = Some(rule);
        }
        self[from].edges_out.insert(key.clone(), id);
        self.asking.entry(key).or_default().push(id);
        self.reload(id, true);
    }

    pub(super) fn edge_out(&self, node: NodeId, name: &Arc<str>) -> Option<EdgeId> {
        self[node].edges_out.get(&*folded(name)).copied()
    }

    pub(super) fn child(&self, node: NodeId, name: &Arc<str>) -> Option<NodeId> {
        self[node].children.get(&*folded(name)).copied()
    }

    /// The edges that ask for a name, as [`folded`] writes it; some may be of no use any more.
    pub(super) fn asking(&self, name: &Arc<str>) -> &[EdgeId] {
        self.asking.get(name).map_or(&[], Vec::as_slice)
    }

    /// The nodes of the project's tree with a name.
    pub(super) fn named(&self, name: &str) -> Vec<NodeId> {
        self.named
            .get(name)
            .map(|nodes| nodes.iter().copied().collect())
            .unwrap_or_default()
    }

    /// All nodes of the project's tree but the root.
    pub(super) fn all(&self) -> Vec<NodeId> {
        let mut all = vec![self.root];
        let mut at = 0;
        while let Some(node) = all.get(at).copied() {
            all.extend(self[node].children.values());
            all.extend(&self[node].fs_children);
            at += 1;
        }
        all.extend(
            self.tops
                .values()
                .copied()
                .filter(|top| self[*top].fs_parent.is_none()),
        );
        all.remove(0);
        all
    }

    pub(super) fn is_top(&self, node: NodeId) -> bool {
        self[node].parent.is_none()
    }

    /// Whether the node is the root of its own tree: the project's or a virtual one.
    pub(super) fn is_project_root(&self, node: NodeId) -> bool {
        self[node].root == node
    }

    pub(super) fn is_workspace(&self, node: NodeId) -> bool {
        let of = &self[node];
        let Some(name) = of
            .manifest
            .name
            .as_ref()
            .filter(|_| !self.is_project_root(node))
        else {
            return false;
        };
        let edge = self.edge_out(of.root, name).map(|edge| &self[edge]);
        edge.is_some_and(|edge| {
            let to = edge.to;
            edge.kind == Kind::Workspace
                && (to == Some(node) || to.and_then(|to| self[to].target) == Some(node))
        })
    }

    /// The folder in which Node.js looks next.
    pub(super) fn above(&self, node: NodeId) -> Option<NodeId> {
        self[node].parent.or(self[node].fs_parent)
    }

    /// The node and all folders in which Node.js would look from it.
    pub(super) fn ancestry(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        std::iter::successors(Some(node), |node| self.above(*node))
    }

    pub(super) fn is_descendant(&self, node: NodeId, of: NodeId) -> bool {
        self.ancestry(node).any(|ancestor| ancestor == of)
    }

    pub(super) fn depth(&self, node: NodeId) -> usize {
        std::iter::successors(self[node].parent, |node| self[*node].parent).count()
    }

    /// What Node.js finds by a name from a node.
    pub(super) fn resolve(&self, node: NodeId, name: &Arc<str>) -> Option<NodeId> {
        let key = folded(name);
        self.ancestry(node)
            .find_map(|folder| self[folder].children.get(&*key).copied())
    }

    /// Gives a node its place in a folder; what stood there falls out of the tree.
    pub(super) fn attach(&mut self, node: NodeId, parent: NodeId) {
        let parent = self[parent].target.unwrap_or(parent);
        if self[node].parent == Some(parent) {
            return;
        }
        if let Some(old) = self[node].parent.take() {
            let key = folded(&self[node].name).into_owned();
            self[old].children.shift_remove(&key);
        }
        let key = folded(&self[node].name).into_owned();
        if let Some(old) = self[parent].children.get(&key).copied() {
            self.detach(old);
        }
        let root = self[parent].root;
        self[node].parent = Some(parent);
        self[parent].children.insert(key, node);
        let family = self.move_to(node, root);
        let name = self[node].name.clone();
        self.reload_named(parent, &name);
        self.reload_strays(&family);
    }

    /// Takes a node and all below it out of its tree.
    pub(super) fn detach(&mut self, node: NodeId) {
        if let Some(parent) = self[node].parent.take() {
            let key = folded(&self[node].name).into_owned();
            self[parent].children.shift_remove(&key);
        }
        if let Some(parent) = self[node].fs_parent.take() {
            self[parent].fs_children.retain(|child| *child != node);
        }
        let family = self.move_to(node, node);
        self.reload_strays(&family);
    }

    /// Puts a loose node in the place of another, whose name may be written with other capitals,
    /// and which leaves its children to it.
    pub(super) fn replace(&mut self, old: NodeId, node: NodeId) {
        let Some(parent) = self[old].parent else {
            return;
        };
        // They leave the tree one by one and come back together: on the way they lose what rules
        // the old node handed down.
        let kids: Vec<NodeId> = self[old].children.values().copied().collect();
        for kid in kids {
            self.attach(kid, node);
        }
        self.detach(old);
        self.attach(node, parent);
    }

    /// Gives a folder outside every `node_modules` its place by its path.
    pub(super) fn settle(&mut self, node: NodeId, location: &Arc<str>) {
        let inside = |folder: &str| {
            let rest = location.strip_prefix(folder);
            folder.is_empty() || rest.is_some_and(|rest| rest.starts_with('/'))
        };
        let nearest = self
            .tops
            .iter()
            .filter(|(folder, _)| inside(folder))
            .max_by_key(|(folder, _)| folder.len())
            .map_or(self.root, |(_, top)| *top);
        self[node].location = location.clone();
        if !location.starts_with("..") {
            self[node].fs_parent = Some(nearest);
            self[nearest].fs_children.push(node);
        }
        self.tops.insert(location.clone(), node);
        let family = self.move_to(node, self.root);
        self.reload_strays(&family);
    }

    /// Moves a node and all below it to another root; they keep or get their locations.
    fn move_to(&mut self, node: NodeId, root: NodeId) -> Vec<NodeId> {
        let mut family = vec![node];
        let mut at = 0;
        while let Some(member) = family.get(at).copied() {
            at += 1;
            let (before, name) = (self[member].root, self[member].name.clone());
            if before == self.root
                && root != self.root
                && let Some(nodes) = self.named.get_mut(&name)
            {
                nodes.shift_remove(&member);
            }
            if root == self.root && root != before {
                self.named.entry(name.clone()).or_default().insert(member);
            }
            self[member].root = root;
            if let Some(parent) = self[member].parent {
                let above = &self[parent].location;
                let slash = if above.is_empty() { "" } else { "/" };
                self[member].location = format!("{above}{slash}node_modules/{name}").into();
            }
            family.extend(self[member].children.values());
            family.extend(&self[member].fs_children);
        }
        family
    }
}
