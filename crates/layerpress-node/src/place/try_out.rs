//! Trying a package out: what an edge asks for, with its peers, in a virtual root of whoever asks.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use super::build::{Builder, unreadable};
use super::collate;
use super::error::{Failure, PlaceError};
use super::tree::{EdgeId, Kind, NodeId, Seed, Set};
use super::valid::{Read, plain_path};
use super::{Ask, Peers, Source};
use crate::manifest::Manifest;
use crate::spec::Spec;

/// How long a row of peers may be; real ones have under twenty.
const MAX_PEERS_IN_A_ROW: usize = 200;

/// What a source said.
pub(super) type Fetched = Result<Arc<Manifest>, Arc<Failure>>;

type Answer<'b> = Pin<Box<dyn Future<Output = Result<NodeId, PlaceError>> + 'b>>;

impl<S: Source> Builder<'_, S> {
    /// Makes a node of what an edge asks for and tries it out together with its peers. A second
    /// edge may prefer another version; that one is taken if both are content with it.
    pub(super) fn node_from_edge<'b>(
        &'b mut self,
        edge: EdgeId,
        parent: Option<NodeId>,
        second_edge: Option<EdgeId>,
        required: &'b mut Set<NodeId>,
    ) -> Answer<'b> {
        Box::pin(async move {
            let from = self.tree[edge].from;
            if parent.is_none()
                && let Some(node) = self.node_apart(edge, required).await
            {
                return Ok(node);
            }
            let parent = parent.unwrap_or_else(|| self.new_virtual_root(from));
            let first = self.node_from_spec(edge, parent).await;
            let mut node = first;
            if let Some(second_edge) = second_edge.filter(|edge| !self.tree.is_valid(*edge)) {
                let second = self.node_from_spec(second_edge, parent).await;
                if self.tree.is_valid(edge) {
                    node = second;
                }
            }
            if self.tree[node].root != self.tree[parent].root {
                self.tree.attach(node, parent);
            }
            let needs = |edge: EdgeId| {
                required.contains(&self.tree[edge].from)
                    && self.tree[edge].kind != Kind::PeerOptional
            };
            if needs(edge) || second_edge.is_some_and(needs) {
                required.insert(node);
            }
            if let Some(source) = self.tree[parent].source {
                self.peer_source.insert(node, source);
            }
            self.peers_in_a_row += 1;
            if self.peers_in_a_row > MAX_PEERS_IN_A_ROW {
                let name = self.tree[node].name.clone();
                return Err(PlaceError::PeersWithoutEnd {
                    name,
                    limit: MAX_PEERS_IN_A_ROW,
                });
            }
            let node = self.load_peer_set(node, required).await?;
            self.peers_in_a_row -= 1;
            Ok(node)
        })
    }

    async fn node_from_spec(&mut self, edge: EdgeId, parent: NodeId) -> NodeId {
        let name = self.tree[edge].name.clone();
        let spec = self.tree.spec(edge);
        let read = self.read(edge);
        let read = read.as_ref().map(|read| &read.spec);
        if let Some(Spec::Folder(path)) = read {
            return self.folder(&name, &plain_path(path), parent).await;
        }
        let fetched = self.fetched(&name, &spec, read).await;
        let seed = found_seed(name, fetched);
        let is_failed = seed.failure.is_some();
        let node = self.tree.placed(seed, parent);
        if is_failed {
            self.failed.insert(node);
        }
        node
    }

    /// What the source says of a specifier, asked once.
    async fn fetched(&mut self, name: &Arc<str>, spec: &Arc<str>, read: Option<&Spec>) -> Fetched {
        let key = (name.clone(), spec.clone());
        if let Some(known) = self.manifests.get(&key) {
            return known.clone();
        }
        let Some(spec) = read else {
            return Err(Arc::new(unreadable(name, spec)));
        };
        let fetched = self.source.manifest(&Ask { name, spec }).await;
        let fetched = fetched.map_err(Arc::new);
        self.manifests.insert(key, fetched.clone());
        fetched
    }

    /// What an edge asks for, where it has no peers: nothing else comes into its virtual root then,
    /// so that of what the root and the package ask for only this edge is of any interest. Most
    /// packages are of that kind.
    async fn node_apart(&mut self, edge: EdgeId, required: &mut Set<NodeId>) -> Option<NodeId> {
        let of = &self.tree[edge];
        if self.tree.rules.root().is_some() || of.kind == Kind::Workspace {
            return None;
        }
        let (name, from) = (of.name.clone(), of.from);
        let needs = required.contains(&from) && of.kind != Kind::PeerOptional;
        let spec = self.tree.spec(edge);
        let read = self.read(edge);
        let read = read.as_ref().map(|read| &read.spec);
        if matches!(read, Some(Spec::Folder(_))) {
            return None;
        }
        let fetched = self.fetched(&name, &spec, read).await;
        let has_peers = |it: &Arc<Manifest>| !it.peer_dependencies.is_empty();
        if self.tree.peers != Peers::Left && fetched.as_ref().is_ok_and(has_peers) {
            return None;
        }
        let seed = found_seed(name, fetched);
        let is_failed = seed.failure.is_some();
        let (root, node) = self.tree.apart(edge, seed);
        self.virtual_roots.insert(from, root);
        if is_failed {
            self.failed.insert(node);
        }
        if needs {
            required.insert(node);
        }
        self.peer_source.insert(node, from);
        Some(node)
    }

    /// A link to a folder of the disk, which brings its own package.json.
    async fn folder(&mut self, name: &Arc<str>, location: &str, parent: NodeId) -> NodeId {
        let location: Arc<str> = location.into();
        let target = match self.tree.tops.get(&location).copied() {
            Some(known) => known,
            None => {
                let package = self.source.folder(&location).await.unwrap_or_default();
                let seed = Seed {
                    name: location.rsplit('/').next().unwrap_or_default().into(),
                    manifest: Arc::new(package.manifest.clone()),
                    dev_dependencies: Arc::new(package.dev_dependencies.clone()),
                    failure: None,
                    overrides: None,
                };
                let node = self.tree.loose(seed);
                self.tree[node].location = location;
                node
            }
        };
        self.tree.link(name, target, parent)
    }

    pub(super) fn read(&mut self, edge: EdgeId) -> Option<Rc<Read>> {
        let spec = self.tree.spec(edge);
        self.tree.specs.get(&spec)
    }

    /// Brings all peers of a node, and theirs, into its virtual root.
    async fn load_peer_set(
        &mut self,
        node: NodeId,
        required: &mut Set<NodeId>,
    ) -> Result<NodeId, PlaceError> {
        let tree = &self.tree;
        let unmet = |edge: &EdgeId| {
            let of = &tree[*edge];
            of.kind.is_peer() && !(of.to.is_some() && tree.is_valid(*edge))
        };
        let mut edges: Vec<EdgeId> = tree[node]
            .edges_out
            .values()
            .copied()
            .filter(unmet)
            .collect();
        edges.sort_by_cached_key(|edge| collate::key(&tree[*edge].name));
        for edge in edges {
            let Some(parent) = self.tree[node].parent else {
                break;
            };
            if self.tree[edge].to.is_some() && self.tree.is_valid(edge) {
                continue;
            }
            let name = self.tree[edge].name.clone();
            let parent_edge = self.tree.edge_out(parent, &name);
            let mine = self.tree.peers == Peers::Strict
                || self.tree[parent].source.is_some_and(|source| {
                    self.tree.is_project_root(source) || self.tree.is_workspace(source)
                });
            let Some(current) = self.tree[edge].to else {
                let Some(parent_edge) = parent_edge else {
                    self.node_from_edge(edge, Some(parent), None, required)
                        .await?;
                    continue;
                };
                let dep = self
                    .node_from_edge(parent_edge, Some(parent), Some(edge), required)
                    .await?;
                if self.tree.is_valid(edge) {
                    continue;
                }
                if !mine || !required.contains(&dep) {
                    self.tree[edge].peer_conflicted = true;
                    continue;
                }
                if self.tree[node].parent.is_none() {
                    break;
                }
                return Err(self.conflict(edge));
            };
            let dep = self.node_from_edge(edge, None, None, required).await?;
            if self.tree.can_replace(dep, current, &[]) {
                self.node_from_edge(edge, Some(parent), None, required)
                    .await?;
                continue;
            }
            let from = self.tree[edge].from;
            if !mine || !required.contains(&from) {
                continue;
            }
            return Err(self.conflict(edge));
        }
        Ok(node)
    }
}

fn found_seed(name: Arc<str>, fetched: Fetched) -> Seed {
    let (manifest, failure) = match fetched {
        Ok(manifest) => (manifest, None),
        Err(failure) => (Arc::default(), Some(failure)),
    };
    Seed {
        name,
        manifest,
        dev_dependencies: Arc::default(),
        failure,
        overrides: None,
    }
}
