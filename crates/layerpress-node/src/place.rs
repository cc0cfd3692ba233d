//! Where every package goes: npm's *ideal tree*, which decides what `node_modules` looks like.
//!
//! In come a project and a [`Source`] of manifests; out comes the [`IdealTree`], the same that
//! `npm install` builds. The way there is npm's own: a queue of packages, shallow ones first, each
//! of whose dependencies is tried out with its peers and put into the highest folder where nothing
//! is in the way. It is naive by design, and its order decides what is hoisted.

mod build;
mod can_place;
pub(crate) mod collate;
mod edges;
mod error;
mod flags;
mod from_lock;
pub(crate) mod load;
pub(crate) mod pins;
mod place_dep;
mod queue;
mod rules;
mod sets;
#[cfg(test)]
pub(crate) mod tests;
mod tree;
mod try_out;
pub(crate) mod unmet;
mod valid;
mod virtual_root;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::manifest::{Manifest, Pairs};
use crate::package_json::PackageJson;
use crate::package_lock::PackageLock;
use crate::spec::Spec;
use tree::{Kind, NodeId, Tree};

pub(crate) use valid::plain_path;

pub use error::{Failure, PeerConflict, PlaceError, UnmetPeer};

/// What a tree is built for.
#[derive(Clone, Debug, Default)]
pub struct Project {
    /// Its package.json.
    pub package: PackageJson,
    /// Its workspaces: names and folders, relative to the project, in npm's order.
    pub workspaces: Vec<(Arc<str>, Arc<str>)>,
    /// What becomes of peers. Default: they come along.
    pub peers: Peers,
}

/// What becomes of the packages that others expect beside them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Peers {
    /// They come along; those of the project's own dependencies have to fit together.
    #[default]
    Installed,
    /// They come along, and all have to fit together (npm's `strict-peer-deps`).
    Strict,
    /// They come only if something else asks for them (npm's `legacy-peer-deps`).
    Left,
}

/// One package that is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// What the dependency is called; an alias has its real name in the specifier.
    pub name: &'a str,
    /// What it is asked for by; a folder never is.
    pub spec: &'a Spec,
}

/// Where manifests come from.
pub trait Source {
    /// The manifest of what is asked for, its `tarball` and `integrity` as a lockfile has them.
    ///
    /// # Errors
    /// Why it cannot be had; where it was optional the tree goes on without it.
    fn manifest(&self, ask: &Ask<'_>) -> impl Future<Output = Result<Arc<Manifest>, Failure>>;

    /// The package.json of a folder, relative to the project; `None` when it has none.
    fn folder(&self, location: &str) -> impl Future<Output = Option<PackageJson>>;

    /// What comes inside the tarball of a package that bundles others or has a lockfile of its own.
    ///
    /// # Errors
    /// Why the tarball cannot be had.
    fn inside(&self, manifest: &Manifest) -> impl Future<Output = Result<Inside, Failure>>;

    /// Says that something will be asked for soon.
    fn prefetch(&self, ask: &Ask<'_>);

    /// Says that something will be asked for soon, and after it what it needs in its turn.
    fn prefetch_below(&self, ask: &Ask<'_>) {
        self.prefetch(ask);
    }
}

/// What comes inside a package's tarball.
#[derive(Clone, Debug, Default)]
pub struct Inside {
    /// The packages in its own `node_modules`, by folder relative to it.
    pub bundled: BTreeMap<Arc<str>, Arc<Manifest>>,
    /// The lockfile that it was published with.
    pub shrinkwrap: Option<PackageLock>,
}

/// All packages of a project and their places.
#[derive(Clone, Debug)]
pub struct IdealTree {
    /// The project first, then by location in npm's order.
    pub packages: Vec<Placed>,
    /// Peers that do not get what they ask for, which npm warns of.
    pub overridden: Vec<PeerConflict>,
}

/// A package at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The folder, relative to the project: `node_modules/a/node_modules/@s/b`; empty for the
    /// project itself.
    pub location: Arc<str>,
    /// The folder's name, which an alias gives.
    pub name: Arc<str>,
    /// What is known of it.
    pub manifest: Arc<Manifest>,
    /// What only its developers need; none but for the project and its folders.
    pub dev_dependencies: Arc<Pairs>,
    /// For a link, the folder that it leads to.
    pub link: Option<Arc<str>>,
    /// Only for development.
    pub is_dev: bool,
    /// Only where it can be had.
    pub is_optional: bool,
    /// For development, and optional, but needed by neither alone.
    pub is_dev_optional: bool,
    /// Only as a peer.
    pub is_peer: bool,
    /// Nothing asks for it but an optional peer.
    pub is_extraneous: bool,
    /// It could not be had, or what it needs could not; not to be laid out.
    pub is_inert: bool,
    /// It comes inside the tarball of a package above it, or the project bundles it.
    pub in_bundle: bool,
    /// What it asks for and where that is.
    pub dependencies: Vec<Dependency>,
}

/// What a package asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// What it is called.
    pub name: Arc<str>,
    /// What it is asked for by, overrides applied.
    pub spec: Arc<str>,
    /// Whether the package can do without it.
    pub is_optional: bool,
    /// Whether it is expected beside the package rather than below it.
    pub is_peer: bool,
    /// Where it is; nowhere when it may be missing and is.
    pub location: Option<Arc<str>>,
}

/// Which packages of a lockfile may move although they are what is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Update {
    /// None: only what is missing or does not fit any more is chosen anew (`npm install`).
    #[default]
    None,
    /// All: the lockfile counts for nothing (`npm update`).
    All,
    /// Those with these names, wherever they are, by what their folders are called
    /// (`npm update NAME`).
    Packages(Vec<Arc<str>>),
}

/// Builds the tree of a project on top of its lockfile, as `npm install` does: what is there and
/// fits stays, what is missing is added, what nothing asks for any more goes.
///
/// # Errors
/// The same as from nothing.
pub async fn ideal_tree_from(
    project: &Project,
    previous: &PackageLock,
    update: &Update,
    source: &impl Source,
) -> Result<IdealTree, PlaceError> {
    let mut builder = build::Builder::from_lock(project, previous, update, source).await;
    builder.build().await?;
    Ok(finished(&builder.tree, builder.overridden))
}

/// Builds the tree of a project from nothing, as `npm install` does without a lockfile.
///
/// # Errors
/// When peers of the project's own dependencies contradict each other, a package that is needed
/// cannot be had, or an override makes no sense.
pub async fn ideal_tree(project: &Project, source: &impl Source) -> Result<IdealTree, PlaceError> {
    let mut builder = build::Builder::new(project, source);
    builder.build().await?;
    Ok(finished(&builder.tree, builder.overridden))
}

fn finished(tree: &Tree, overridden: Vec<PeerConflict>) -> IdealTree {
    let mut nodes = tree.all();
    nodes.sort_by_cached_key(|node| collate::key(&tree[*node].location));
    nodes.insert(0, tree.root);
    let packages = nodes.into_iter().map(|node| placed(tree, node)).collect();
    IdealTree {
        packages,
        overridden,
    }
}

fn placed(tree: &Tree, id: NodeId) -> Placed {
    let node = &tree[id];
    let dependency = |edge: &tree::EdgeId| {
        let of = &tree[*edge];
        Dependency {
            name: of.name.clone(),
            spec: tree.spec(*edge),
            is_optional: matches!(of.kind, Kind::Optional | Kind::PeerOptional),
            is_peer: of.kind.is_peer(),
            location: of.to.map(|to| tree[to].location.clone()),
        }
    };
    Placed {
        location: node.location.clone(),
        name: node.name.clone(),
        manifest: node.manifest.clone(),
        dev_dependencies: node.dev_dependencies.clone(),
        link: node.target.map(|target| tree[target].location.clone()),
        is_dev: node.flags.dev,
        is_optional: node.flags.optional,
        is_dev_optional: node.flags.dev_optional,
        is_peer: node.flags.peer,
        is_extraneous: node.flags.extraneous,
        is_inert: node.inert,
        in_bundle: tree.has_bundles && tree.bundler(id).is_some(),
        dependencies: node.edges_out.values().map(dependency).collect(),
    }
}
