//! [`place`]: a folder for each package, so that everybody finds what the lockfile gives them.
//!
//! Every package goes as far up as it can, as npm has it: up to where another of its name is in the
//! way, or where it would hide from somebody what they find there now. Packages are laid out from
//! the outside in, in npm's order of names.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use super::error::ForeignLockError;
use super::graph::{Graph, To};
use crate::package_lock::MAX_PACKAGES;
use crate::place::collate;

/// How many folders may lie in one another.
const MAX_NESTED: usize = 64;

/// A folder and what is in it.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Relative to the project; empty for the project itself.
    pub(super) location: Arc<str>,
    pub(super) holds: Holds,
}

/// What a folder holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// An importer, by its place in the graph's list.
    Importer(usize),
    /// A folder of the disk that is no importer: its package.
    Folder(usize),
    /// A package, by its place in the graph's list.
    Package(usize),
    /// A link to a folder, relative to the project.
    Link(Arc<str>),
}

/// Lays a graph out; `file` is what messages call its lockfile.
///
/// # Errors
/// When no tree of folders can hold the graph, or it would be larger than any project is.
pub(super) fn place(graph: &Graph, file: &str) -> Result<Vec<Place>, ForeignLockError> {
    let mut tree = Tree {
        graph,
        file,
        nodes: Vec::new(),
    };
    tree.tops();
    let mut queue: VecDeque<usize> = (0..tree.nodes.len()).collect();
    tree.link_workspaces()?;
    while let Some(node) = queue.pop_front() {
        for (name, to) in tree.wishes(node) {
            if let Some(placed) = tree.wish(node, &name, &to)?
                && matches!(tree.nodes[placed].holds, Holds::Package(_))
            {
                queue.push_back(placed);
            }
        }
    }
    let places = tree.nodes.into_iter().map(|node| Place {
        location: node.location,
        holds: node.holds,
    });
    Ok(places.collect())
}

struct Node {
    location: Arc<str>,
    holds: Holds,
    /// The folder in which Node.js looks next.
    above: Option<usize>,
    depth: usize,
    /// What is in its `node_modules`, by names without regard to capitals.
    children: HashMap<String, usize>,
    /// The names that somebody below, or this itself, finds further up.
    found_above: HashMap<String, usize>,
}

struct Tree<'g> {
    graph: &'g Graph,
    file: &'g str,
    nodes: Vec<Node>,
}

impl Tree<'_> {
    /// The project, its workspaces and other folders that links lead to.
    fn tops(&mut self) {
        let graph = self.graph;
        for (index, importer) in graph.importers.iter().enumerate() {
            let location = importer.folder.clone();
            self.top(location, Holds::Importer(index));
        }
        for (index, package) in graph.packages.iter().enumerate() {
            let Some(folder) = &package.folder else {
                continue;
            };
            if self.nodes.iter().all(|node| node.location != *folder) {
                self.top(folder.clone(), Holds::Folder(index));
            }
        }
    }

    fn top(&mut self, location: Arc<str>, holds: Holds) {
        // From outside of the project nothing in it is seen; and what is not linked into its own
        // `node_modules` may not rely on that either.
        let is_inside = !location.is_empty() && !location.starts_with("..");
        let above = (is_inside && self.is_linked_at_the_top(&location)).then_some(0);
        self.nodes.push(Node {
            location,
            holds,
            above,
            depth: 0,
            children: HashMap::new(),
            found_above: HashMap::new(),
        });
    }

    /// Whether all links to a folder can be one, in the project's own `node_modules`.
    fn is_linked_at_the_top(&self, folder: &str) -> bool {
        let mut names = self.names_of(folder).into_iter();
        let (Some(name), None) = (names.next(), names.next()) else {
            return false;
        };
        let root = &self.graph.importers[0].edges;
        let asked = root.iter().find(|edge| edge.name == name);
        asked.is_none_or(|edge| self.folder_of(edge.to.as_ref()).as_deref() == Some(folder))
    }

    /// All names by which a folder is linked to, its own included.
    fn names_of(&self, folder: &str) -> std::collections::BTreeSet<Arc<str>> {
        let graph = self.graph;
        let own = graph.importers.iter().skip(1);
        let own = own
            .filter(|importer| *importer.folder == *folder)
            .filter_map(|importer| importer.name.clone());
        let lists = (graph.importers.iter().map(|it| &it.edges))
            .chain(graph.packages.iter().map(|it| &it.edges));
        let asked = lists
            .flatten()
            .filter(|edge| self.folder_of(edge.to.as_ref()).as_deref() == Some(folder))
            .map(|edge| edge.name.clone());
        own.chain(asked).collect()
    }

    fn folder_of(&self, to: Option<&To>) -> Option<Arc<str>> {
        match to? {
            To::Package(index) => self.graph.packages[*index].folder.clone(),
            To::Folder(folder) => Some(folder.clone()),
        }
    }

    /// Links the workspaces into the project's own `node_modules`, unless it asks for something else
    /// by their names.
    fn link_workspaces(&mut self) -> Result<(), ForeignLockError> {
        let graph = self.graph;
        for importer in graph.importers.iter().skip(1) {
            let Some(name) = &importer.name else { continue };
            let is_taken = graph.importers[0].edges.iter().any(|it| it.name == *name);
            if !is_taken && !self.nodes[0].children.contains_key(&folded(name)) {
                self.put(0, name, Holds::Link(importer.folder.clone()))?;
            }
        }
        Ok(())
    }

    /// What a folder's package asks for, in npm's order.
    fn wishes(&self, node: usize) -> Vec<(Arc<str>, To)> {
        let edges = match self.nodes[node].holds {
            Holds::Importer(index) => &self.graph.importers[index].edges,
            Holds::Folder(index) | Holds::Package(index) => &self.graph.packages[index].edges,
            Holds::Link(_) => return Vec::new(),
        };
        let mut wishes: BTreeMap<Vec<u8>, (Arc<str>, To)> = BTreeMap::new();
        for edge in edges {
            if let Some(to) = &edge.to {
                let wish = (edge.name.clone(), to.clone());
                wishes.insert(collate::key(&edge.name), wish);
            }
        }
        wishes.into_values().collect()
    }

    /// Makes sure that a node finds what it means by a name, and gives the folder if it is new.
    fn wish(
        &mut self,
        node: usize,
        name: &Arc<str>,
        to: &To,
    ) -> Result<Option<usize>, ForeignLockError> {
        let wanted = match self.folder_of(Some(to)) {
            Some(folder) => Holds::Link(folder),
            None => match to {
                To::Package(index) => Holds::Package(*index),
                To::Folder(folder) => Holds::Link(folder.clone()),
            },
        };
        let key = folded(name);
        // A package finds itself where it is.
        if self.nodes[node].holds == wanted && self.name(node) == key {
            self.nodes[node].found_above.insert(key, node);
            return Ok(None);
        }
        let mut best = node;
        let mut at = Some(node);
        while let Some(folder) = at {
            if let Some(found) = self.nodes[folder].children.get(&key).copied() {
                if self.nodes[found].holds == wanted {
                    self.finds(node, &key, folder, found);
                    return Ok(None);
                }
                break;
            }
            if !self.nodes[folder].found_above.contains_key(&key) {
                best = folder;
            }
            at = self.nodes[folder].above;
        }
        let placed = self.put(best, name, wanted)?;
        self.finds(node, &key, best, placed);
        Ok(Some(placed))
    }

    /// The name of a folder as [`folded`] has it.
    fn name(&self, node: usize) -> String {
        let location = &self.nodes[node].location;
        let name = location.rsplit("node_modules/").next();
        folded(name.unwrap_or_default())
    }

    /// Notes on the way from a node to the folder where it finds a name that nothing may come
    /// between them.
    fn finds(&mut self, node: usize, key: &str, folder: usize, found: usize) {
        let mut at = node;
        while at != folder {
            self.nodes[at].found_above.insert(key.to_owned(), found);
            match self.nodes[at].above {
                Some(above) => at = above,
                None => break,
            }
        }
    }

    fn put(
        &mut self,
        folder: usize,
        name: &Arc<str>,
        holds: Holds,
    ) -> Result<usize, ForeignLockError> {
        let above = &self.nodes[folder];
        if above.depth >= MAX_NESTED {
            return Err(ForeignLockError::TooDeep {
                file: self.file.to_owned(),
                package: name.to_string(),
                limit: MAX_NESTED,
            });
        }
        if self.nodes.len() >= MAX_PACKAGES {
            return Err(ForeignLockError::TooManyPackages {
                file: self.file.to_owned(),
                limit: MAX_PACKAGES,
            });
        }
        let slash = if above.location.is_empty() { "" } else { "/" };
        let location = format!("{}{slash}node_modules/{name}", above.location).into();
        let depth = above.depth + 1;
        let node = self.nodes.len();
        self.nodes.push(Node {
            location,
            holds,
            above: Some(folder),
            depth,
            children: HashMap::new(),
            found_above: HashMap::new(),
        });
        self.nodes[folder].children.insert(folded(name), node);
        Ok(node)
    }
}

/// Names are one on file systems that do not tell capitals.
fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}
