//! [`Graph`]: what every foreign lock comes down to, and what of it a target gets.

use std::collections::{BTreeMap, BTreeSet};

use layerpress_target::Target;
use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::{ExtraName, MarkerEnvironment, MarkerTree, PackageName};

use super::{ForeignPackage, Listed, Root};
use crate::{DependencyRef, GroupName, Package, SelectError, Selection, Source};

/// A lock's packages and what leads to them.
#[derive(Debug, Clone)]
pub(super) struct Graph {
    /// The Python versions that the lock is for.
    pub requires_python: Option<VersionSpecifiers>,
    /// The environments that the lock is for; none: all.
    pub environments: Vec<MarkerTree>,
    /// The packages.
    pub nodes: Vec<Node>,
    /// What the project asks for; `None` where only its manifest knows.
    pub asked: Option<Asked>,
}

/// What a project asks for.
#[derive(Debug, Clone)]
pub(super) enum Asked {
    /// Dependencies, from which the walk begins.
    Edges(Vec<Set>),
    /// Every package says itself which sets it belongs to.
    Members {
        /// The extras and groups that the lock was made with.
        extras: Vec<ExtraName>,
        /// The same for groups.
        groups: Vec<GroupName>,
    },
}

/// One of a project's dependency sets.
#[derive(Debug, Clone)]
pub(super) struct Set {
    /// Which one.
    pub kind: SetKind,
    /// What a marker in the lock calls it, where extras or groups may conflict.
    pub tag: Option<ExtraName>,
    /// What it asks for.
    pub edges: Vec<Edge>,
}

/// The kinds of dependency sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SetKind {
    /// What is always installed.
    Production,
    /// An extra.
    Extra(ExtraName),
    /// A dependency group.
    Group(GroupName),
}

/// A package of the lock.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// What it is; its marker says where it may be installed at all.
    pub package: Package,
    /// Files without addresses.
    pub listed: Vec<Listed>,
    /// The sets it belongs to, each with its marker, for [`Asked::Members`].
    pub member_of: Vec<(SetKind, MarkerTree)>,
    /// What it always needs.
    pub edges: Vec<Edge>,
    /// What each of its extras needs.
    pub extras: BTreeMap<ExtraName, Vec<Edge>>,
}

/// What one package needs of another.
#[derive(Debug, Clone)]
pub(super) struct Edge {
    /// The other package.
    pub name: PackageName,
    /// Which of its entries, where there are several.
    pub wanted: Wanted,
    /// When. `extra == …` asks for an extra of the package that needs.
    pub marker: MarkerTree,
    /// With which extras.
    pub extras: Vec<ExtraName>,
}

/// Which of several entries of one name is meant.
#[derive(Debug, Clone)]
pub(super) enum Wanted {
    /// The one that is installed on the target.
    Any,
    /// The one of this version.
    Exactly(Version),
    /// One that any of these admits.
    Within(Vec<VersionSpecifiers>),
}

impl Wanted {
    fn admits(&self, version: Option<&Version>) -> bool {
        match (self, version) {
            (Self::Any, _) | (_, None) => true,
            (Self::Exactly(wanted), Some(version)) => wanted == version,
            (Self::Within(any), Some(version)) => {
                any.iter().any(|specifiers| specifiers.contains(version))
            }
        }
    }
}

impl Graph {
    /// All of the packages, for production.
    pub(super) fn of_list(packages: Vec<ForeignPackage>) -> Self {
        let node = |foreign: ForeignPackage| Node {
            package: foreign.package,
            listed: foreign.listed,
            member_of: vec![(SetKind::Production, MarkerTree::TRUE)],
            edges: Vec::new(),
            extras: BTreeMap::new(),
        };
        Self {
            requires_python: None,
            environments: Vec::new(),
            nodes: packages.into_iter().map(node).collect(),
            asked: Some(Asked::Members {
                extras: Vec::new(),
                groups: Vec::new(),
            }),
        }
    }

    pub(super) fn select(
        &self,
        target: &Target,
        environment: &MarkerEnvironment,
        selection: &Selection,
        roots: &[Root],
    ) -> Result<Vec<ForeignPackage>, SelectError> {
        self.check_sets(selection)?;
        let walk = Walk {
            graph: self,
            by_name: self.by_name(),
            environment,
            target,
        };
        let chosen = match &self.asked {
            Some(Asked::Members { .. }) => walk.members(selection),
            Some(Asked::Edges(sets)) => {
                let asked: Vec<&Set> = sets
                    .iter()
                    .filter(|set| is_asked(&set.kind, selection))
                    .collect();
                let tags: Vec<ExtraName> = asked.iter().filter_map(|set| set.tag.clone()).collect();
                walk.reach(asked.iter().flat_map(|set| &set.edges), &tags)?
            }
            None => {
                let edges: Vec<Edge> = roots.iter().map(Edge::to_root).collect();
                walk.reach(&edges, &[])?
            }
        };
        walk.distinct(chosen)
    }

    fn by_name(&self) -> BTreeMap<&PackageName, Vec<usize>> {
        let mut by_name: BTreeMap<&PackageName, Vec<usize>> = BTreeMap::new();
        for (index, node) in self.nodes.iter().enumerate() {
            by_name.entry(&node.package.name).or_default().push(index);
        }
        by_name
    }

    /// Whether the lock knows every extra and group that is asked for. A lock without sets of its
    /// own leaves that to the manifest.
    fn check_sets(&self, selection: &Selection) -> Result<(), SelectError> {
        let (extras, groups): (Vec<&ExtraName>, Vec<&GroupName>) = match &self.asked {
            None => return Ok(()),
            Some(Asked::Members { extras, groups }) => {
                (extras.iter().collect(), groups.iter().collect())
            }
            Some(Asked::Edges(sets)) => {
                let (mut extras, mut groups) = (Vec::new(), Vec::new());
                for set in sets {
                    match &set.kind {
                        SetKind::Production => {}
                        SetKind::Extra(name) => extras.push(name),
                        SetKind::Group(name) => groups.push(name),
                    }
                }
                (extras, groups)
            }
        };
        let shown = |names: &[&ExtraName]| names.iter().map(ToString::to_string).collect();
        if let Some(extra) = selection.extras.iter().find(|it| !extras.contains(it)) {
            return Err(SelectError::Extra {
                extra: extra.to_string(),
                known: shown(&extras),
            });
        }
        let asked = selection.groups.iter().flatten();
        if let Some(group) = asked.into_iter().find(|it| !groups.contains(it)) {
            return Err(SelectError::Group {
                group: group.to_string(),
                known: shown(&groups),
            });
        }
        Ok(())
    }
}

/// Whether a selection asks for a set. A foreign lock's default groups are development's, and no
/// layer needs those unasked.
fn is_asked(kind: &SetKind, selection: &Selection) -> bool {
    match kind {
        SetKind::Production => true,
        SetKind::Extra(name) => selection.extras.contains(name),
        SetKind::Group(name) => selection
            .groups
            .as_ref()
            .is_some_and(|it| it.contains(name)),
    }
}

impl Edge {
    fn to_root(root: &Root) -> Self {
        Self {
            name: root.name.clone(),
            wanted: Wanted::Any,
            marker: MarkerTree::TRUE,
            extras: root.extras.clone(),
        }
    }
}

/// One look at a graph, for one target.
struct Walk<'a> {
    graph: &'a Graph,
    by_name: BTreeMap<&'a PackageName, Vec<usize>>,
    environment: &'a MarkerEnvironment,
    target: &'a Target,
}

/// The nodes to install, each with what it needs among them.
type Chosen = BTreeMap<usize, BTreeSet<DependencyRef>>;

impl<'a> Walk<'a> {
    /// The packages that say themselves that they belong to what is asked for.
    fn members(&self, selection: &Selection) -> Chosen {
        let asked = |(kind, marker): &(SetKind, MarkerTree)| {
            is_asked(kind, selection) && marker.evaluate(self.environment, &selection.extras)
        };
        let nodes = self.graph.nodes.iter().enumerate();
        let mut chosen: Chosen = nodes
            .filter(|(_, node)| node.member_of.iter().any(asked))
            .filter(|(_, node)| node.package.marker.evaluate(self.environment, &[]))
            .map(|(index, _)| (index, BTreeSet::new()))
            .collect();
        // What they need of each other, for whoever leaves one of them out.
        let present: BTreeSet<&PackageName> = chosen
            .keys()
            .map(|index| &self.graph.nodes[*index].package.name)
            .collect();
        for (index, needs) in &mut chosen {
            let node = &self.graph.nodes[*index];
            let edges = node.edges.iter().chain(node.extras.values().flatten());
            needs.extend(
                edges
                    .filter(|edge| present.contains(&edge.name))
                    .map(|edge| reference(&edge.name)),
            );
        }
        chosen
    }

    /// What `edges` lead to, step by step. An extra that comes to a package later than the package
    /// itself has its edges walked then.
    fn reach(
        &self,
        edges: impl IntoIterator<Item = &'a Edge>,
        tags: &[ExtraName],
    ) -> Result<Chosen, SelectError> {
        let mut chosen = Chosen::new();
        let mut extras: BTreeMap<usize, BTreeSet<ExtraName>> = BTreeMap::new();
        let mut queue: Vec<(Option<usize>, &Edge)> = edges
            .into_iter()
            .filter(|edge| edge.marker.evaluate(self.environment, tags))
            .map(|edge| (None, edge))
            .collect();
        while let Some((from, edge)) = queue.pop() {
            let to = self.find(edge, from)?;
            if let Some(from) = from {
                let needs = chosen.entry(from).or_default();
                needs.insert(reference(&edge.name));
            }
            let is_new = !chosen.contains_key(&to);
            chosen.entry(to).or_default();
            let active = extras.entry(to).or_default();
            let before = active.len();
            active.extend(edge.extras.iter().cloned());
            if is_new || active.len() > before {
                let needs = self.needs(&self.graph.nodes[to], active, tags);
                queue.extend(needs.map(|edge| (Some(to), edge)));
            }
        }
        Ok(chosen)
    }

    /// What a package needs with these of its extras.
    fn needs(
        &self,
        node: &'a Node,
        active: &BTreeSet<ExtraName>,
        tags: &[ExtraName],
    ) -> impl Iterator<Item = &'a Edge> {
        let of_extras = active.iter().filter_map(|extra| node.extras.get(extra));
        let edges: Vec<&Edge> = node.edges.iter().chain(of_extras.flatten()).collect();
        let sets: Vec<ExtraName> = active.iter().chain(tags).cloned().collect();
        edges
            .into_iter()
            .filter(move |edge| edge.marker.evaluate(self.environment, &sets))
    }

    /// The entry that an edge means on this target.
    fn find(&self, edge: &Edge, from: Option<usize>) -> Result<usize, SelectError> {
        let named = self.by_name.get(&edge.name).map_or(&[][..], Vec::as_slice);
        let fits = |index: &&usize| {
            let package = &self.graph.nodes[**index].package;
            edge.wanted.admits(package.version.as_ref())
                && package.marker.evaluate(self.environment, &[])
        };
        // A lock with one entry of a name means that one, whatever an edge says of versions.
        let only = match named {
            [only] => Some(only),
            _ => named.iter().find(fits),
        };
        only.copied().ok_or_else(|| SelectError::Missing {
            package: edge.name.clone(),
            needed_by: from.map(|index| self.graph.nodes[index].package.name.clone()),
            target: self.target.to_string(),
        })
    }

    /// The chosen nodes as packages.
    fn distinct(&self, chosen: Chosen) -> Result<Vec<ForeignPackage>, SelectError> {
        let mut packages: BTreeMap<PackageName, ForeignPackage> = BTreeMap::new();
        for (index, dependencies) in chosen {
            let node = &self.graph.nodes[index];
            if node.is_unpinned() {
                return Err(SelectError::Unpinned {
                    package: node.package.name.clone(),
                    target: self.target.to_string(),
                });
            }
            let mut package = node.package.clone();
            package.marker = MarkerTree::TRUE;
            package.dependencies = dependencies.into_iter().collect();
            let name = package.name.clone();
            let foreign = ForeignPackage {
                package,
                listed: node.listed.clone(),
            };
            if let Some(first) = packages.get(&name) {
                return Err(SelectError::Ambiguous {
                    package: name,
                    target: self.target.to_string(),
                    one: first.package.edition(),
                    other: foreign.package.edition(),
                });
            }
            packages.insert(name, foreign);
        }
        Ok(packages.into_values().collect())
    }
}

fn reference(name: &PackageName) -> DependencyRef {
    DependencyRef {
        name: name.clone(),
        version: None,
    }
}

impl Node {
    /// Whether the lock names the package but none of its files.
    fn is_unpinned(&self) -> bool {
        let has_no_files = matches!(
            &self.package.source,
            Source::Files { sdist: None, wheels } if wheels.is_empty()
        );
        has_no_files && self.listed.is_empty()
    }

    /// A package of an index, whose files are told by digest alone, or not told yet.
    pub(super) fn new(name: PackageName, version: Option<Version>) -> Self {
        Self {
            package: Package {
                name,
                version,
                marker: MarkerTree::TRUE,
                requires_python: None,
                dependencies: Vec::new(),
                index: None,
                source: Source::Files {
                    sdist: None,
                    wheels: Vec::new(),
                },
            },
            listed: Vec::new(),
            member_of: Vec::new(),
            edges: Vec::new(),
            extras: BTreeMap::new(),
        }
    }
}
