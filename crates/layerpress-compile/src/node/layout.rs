//! [`lay_out`]: packages at their places in a layer, as npm lays out `node_modules`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use layerpress_node::native::{RULE, foreign_files};
use layerpress_node::package_lock::Pin;
use layerpress_node::tarball::PackageTree;
use layerpress_target::{self as target, Target};
use layerpress_tree::{Entry, LayerPath, LayerTree};

use super::error::NodeError;
use crate::report::{PackageReport, RemovedReport};
use crate::request::{Layout, Profile};

/// The packages of a layer at their places.
#[derive(Debug)]
pub(crate) struct Laid {
    /// Every file, at its place below `/opt`.
    pub tree: LayerTree,
    /// What each package weighs, in the order of names; several copies of one are one.
    pub packages: Vec<PackageReport>,
    /// What is of no use on the target, and left out.
    pub removed: Vec<RemovedReport>,
}

/// Where packages go, and for what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LayOut {
    /// What the layer is for.
    pub target: Target,
    /// Where packages lie in it.
    pub layout: Layout,
    /// What may be left out.
    pub profile: Profile,
}

/// Name and version of a package.
type Identity = (String, String);

/// Puts the package behind each pin below the folder that stands for the project's `node_modules`.
///
/// Commands in `.bin` are links in npm's folders, and left out: a layer has no links.
///
/// # Errors
/// Two packages that write one path.
pub(crate) fn lay_out(
    pins: &[Pin],
    packages: &[Option<Arc<PackageTree>>],
    how: LayOut,
) -> Result<Laid, NodeError> {
    let prefix = how.target.runtime.layer_prefix(match how.layout {
        Layout::Flat => target::Layout::Flat,
        Layout::Versioned => target::Layout::Versioned,
    });
    let locations: BTreeMap<&str, &Pin> = pins.iter().map(|pin| (&*pin.location, pin)).collect();
    let mut tree = LayerTree::new();
    let mut weights: BTreeMap<Identity, (u64, u64)> = BTreeMap::new();
    let mut removed = RemovedReport {
        rule: RULE,
        files: 0,
        bytes: 0,
    };
    for (pin, package) in pins.iter().zip(packages) {
        let Some(package) = package else {
            continue;
        };
        let place = place(&pin.location, &prefix)?;
        let useless = match how.profile {
            Profile::None => BTreeSet::new(),
            Profile::Safe => useless(package, how.target),
        };
        weights.entry(identity(pin)).or_default();
        for (path, entry) in package.tree.iter() {
            let inner = path.as_str();
            let owner = if inner.starts_with("node_modules/") {
                match owner(pin, package, inner, &locations) {
                    Some(owner) => owner,
                    None => continue,
                }
            } else {
                identity(pin)
            };
            if useless.contains(path) {
                removed.files += 1;
                removed.bytes += entry.content.size;
                continue;
            }
            weigh(weights.entry(owner).or_default(), entry);
            let path = path.under(&place);
            if tree.insert(path.clone(), entry.clone()).is_err() {
                return Err(conflict(path, pin, &locations, &prefix));
            }
        }
    }
    let packages = weights
        .into_iter()
        .map(|((name, version), (zipped, unzipped))| PackageReport {
            ecosystem: "node",
            name,
            version,
            zipped_bytes: zipped,
            unzipped_bytes: unzipped,
        });
    Ok(Laid {
        tree,
        packages: packages.collect(),
        removed: Some(removed)
            .into_iter()
            .filter(|it| it.files > 0)
            .collect(),
    })
}

/// The files of a package that are for other platforms than the target.
fn useless(package: &PackageTree, target: Target) -> BTreeSet<LayerPath> {
    let files: Vec<&LayerPath> = package.tree.iter().map(|(path, _)| path).collect();
    let foreign = foreign_files(&files, &package.binaries, target);
    foreign.into_iter().map(|file| file.path).collect()
}

fn identity(pin: &Pin) -> Identity {
    let version = pin.version.as_deref().unwrap_or("local");
    (pin.name.to_string(), version.to_owned())
}

/// Where a location of the lockfile is in the layer.
fn place(location: &str, prefix: &str) -> Result<LayerPath, NodeError> {
    let below = location.strip_prefix("node_modules/").unwrap_or(location);
    LayerPath::new(&format!("{prefix}/{below}")).map_err(|error| NodeError::PackedName {
        path: location.into(),
        reason: error.to_string(),
    })
}

/// Whose a file in a package's own `node_modules` is: of the package that is bundled there, or of
/// nobody where another pin takes that place.
fn owner(
    pin: &Pin,
    package: &PackageTree,
    inner: &str,
    locations: &BTreeMap<&str, &Pin>,
) -> Option<Identity> {
    if inner.contains("node_modules/.bin/") || inner.ends_with("node_modules/.package-lock.json") {
        return None;
    }
    let mut owner = identity(pin);
    let mut longest = 0;
    for bundled in &package.bundled {
        let location = &bundled.location;
        let below = inner.strip_prefix(&**location);
        if location.len() > longest && below.is_some_and(|below| below.starts_with('/')) {
            longest = location.len();
            let facts = &bundled.package;
            let name = location.rsplit("node_modules/").next().unwrap_or(location);
            owner = (
                facts.name.clone().unwrap_or_else(|| name.to_owned()),
                facts.version.clone().unwrap_or_else(|| "local".to_owned()),
            );
        }
    }
    // A pin of its own, deeper than this package, brings its own files.
    let whole = format!("{}/{inner}", pin.location);
    let folders = whole.match_indices('/').map(|(at, _)| &whole[..at]);
    let deeper = folders.filter(|folder| folder.len() > pin.location.len());
    let replaced = deeper
        .filter_map(|folder| locations.get(folder))
        .any(|other| other.bundled_in.as_deref() != Some(&*pin.location));
    (!replaced).then_some(owner)
}

fn weigh((zipped, unzipped): &mut (u64, u64), entry: &Entry) {
    *zipped += entry.content.stream_size();
    *unzipped += entry.content.size;
}

fn conflict(
    path: LayerPath,
    second: &Pin,
    locations: &BTreeMap<&str, &Pin>,
    prefix: &str,
) -> NodeError {
    let below = path.as_str().strip_prefix(prefix).unwrap_or_default();
    let whole = format!("node_modules{below}");
    let folders = whole.match_indices('/').map(|(at, _)| &whole[..at]);
    let first = folders
        .filter_map(|folder| locations.get(folder))
        .rfind(|pin| pin.location != second.location);
    NodeError::Conflict {
        first: first.map_or_else(
            || second.location.to_string(),
            |pin| pin.location.to_string(),
        ),
        second: second.location.to_string(),
        path,
    }
}
