//! What every one of these lockfiles says, in one form: folders of the project and packages, and
//! which package each of them means by a name.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::hoist::Place;
use crate::integrity::Integrity;
use crate::manifest::Manifest;

/// The project, its workspaces and all packages.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    /// The project itself first, then its workspaces.
    pub(super) importers: Vec<Importer>,
    /// In the order of the file.
    pub(super) packages: Vec<Package>,
    /// The folders that the tool gave the packages, where the file says it.
    pub(super) places: Option<Vec<Place>>,
    /// What stands in the place of dependencies by name, where it does so everywhere.
    pub(super) overrides: BTreeMap<Arc<str>, Arc<str>>,
}

/// The project or one of its workspaces.
#[derive(Clone, Debug, Default)]
pub(super) struct Importer {
    /// The folder relative to the project; empty for the project itself.
    pub(super) folder: Arc<str>,
    /// The package's name, where it is known.
    pub(super) name: Option<Arc<str>>,
    /// The package's version, where it is known.
    pub(super) version: Option<Arc<str>>,
    pub(super) edges: Vec<Edge>,
}

/// A package in one version.
#[derive(Clone, Debug, Default)]
pub(super) struct Package {
    /// What the file says of it; `tarball` is where it comes from, as npm's lockfile has it.
    /// Dependencies are in `edges`.
    pub(super) manifest: Manifest,
    pub(super) integrity: Integrity,
    pub(super) edges: Vec<Edge>,
    /// The folder that it is, relative to the project, if it is no tarball.
    pub(super) folder: Option<Arc<str>>,
    /// The file does not say for which platforms it is.
    pub(super) lacks_manifest: bool,
    /// It comes inside the tarball of the package above it.
    pub(super) in_bundle: bool,
}

/// What is meant by a name.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    /// The folder's name, which an alias gives.
    pub(super) name: Arc<str>,
    /// What is asked for, as far as the file says it.
    pub(super) spec: Arc<str>,
    pub(super) kind: Kind,
    /// Where the name leads; nothing where what is optional was not to be had.
    pub(super) to: Option<To>,
}

/// Why something is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Needed,
    Optional,
    Dev,
    Peer,
    OptionalPeer,
}

/// Where a name leads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum To {
    /// A package, by its place in the graph's list.
    Package(usize),
    /// A folder, relative to the project.
    Folder(Arc<str>),
}
