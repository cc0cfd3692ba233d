//! [`assemble`]: what npm's own lockfile would say of a graph and its folders.

use std::sync::Arc;

use indexmap::IndexMap;

use super::Foreign;
use super::error::ForeignLockError;
use super::graph::{Edge, Graph, Kind};
use super::hoist::{Holds, Place, place};
use super::wishes::Beside;
use crate::manifest::{Manifest, Pairs};
use crate::package_json::PackageJson;
use crate::package_lock::{Locked, PackageLock};
use crate::place::Project;

/// Lays a graph out, unless its tool did, and writes it down as npm would.
///
/// # Errors
/// A graph that no tree of folders can hold; a package.json that cannot be read.
pub(super) fn assemble(
    graph: &Graph,
    file: &str,
    beside: &Beside<'_>,
) -> Result<Foreign, ForeignLockError> {
    let places = match &graph.places {
        Some(places) => places.clone(),
        None => place(graph, file)?,
    };
    let mut packages = IndexMap::new();
    for Place { location, holds } in places {
        packages.insert(location, locked(graph, &holds));
    }
    let lock = PackageLock {
        version: 3,
        packages,
        ..PackageLock::default()
    };
    let project = project(&lock, graph, beside)?;
    Ok(Foreign { lock, project })
}

/// What the lockfile is for: with its workspaces, which are linked at the top.
fn project(
    lock: &PackageLock,
    graph: &Graph,
    beside: &Beside<'_>,
) -> Result<Project, ForeignLockError> {
    let root = lock.root().cloned().unwrap_or_default();
    let mut manifest = (*root.manifest).clone();
    manifest.node = beside.wishes("")?.and_then(|wishes| wishes.node);
    let workspaces = graph.importers.iter().skip(1).filter_map(|importer| {
        let name = importer.name.clone()?;
        let link = lock.packages.get(&*format!("node_modules/{name}"))?;
        let is_linked = link.link.as_ref() == Some(&importer.folder);
        is_linked.then(|| (name, importer.folder.clone()))
    });
    Ok(Project {
        workspaces: workspaces.collect(),
        package: PackageJson {
            manifest,
            dev_dependencies: (*root.dev_dependencies).clone(),
            ..PackageJson::default()
        },
        ..Project::default()
    })
}

fn locked(graph: &Graph, holds: &Holds) -> Locked {
    match holds {
        Holds::Link(folder) => Locked {
            link: Some(folder.clone()),
            ..Locked::default()
        },
        Holds::Importer(index) => {
            let importer = &graph.importers[*index];
            let manifest = Manifest {
                name: importer.name.clone(),
                version: importer.version.clone(),
                ..Manifest::default()
            };
            entry(manifest, &importer.edges)
        }
        Holds::Folder(index) | Holds::Package(index) => {
            let package = &graph.packages[*index];
            Locked {
                integrity: package.integrity.clone(),
                lacks_manifest: package.lacks_manifest,
                in_bundle: package.in_bundle,
                ..entry(package.manifest.clone(), &package.edges)
            }
        }
    }
}

fn entry(mut manifest: Manifest, edges: &[Edge]) -> Locked {
    let of_kind = |kinds: &[Kind]| -> Pairs {
        let of_kind = edges.iter().filter(|edge| kinds.contains(&edge.kind));
        of_kind
            .map(|edge| (edge.name.clone(), edge.spec.clone()))
            .collect()
    };
    manifest.dependencies = of_kind(&[Kind::Needed]);
    manifest.optional_dependencies = of_kind(&[Kind::Optional]);
    manifest.peer_dependencies = of_kind(&[Kind::Peer, Kind::OptionalPeer]);
    let optional = of_kind(&[Kind::OptionalPeer]).into_iter();
    manifest.optional_peers = optional.map(|(name, _)| name).collect();
    Locked {
        manifest: Arc::new(manifest),
        dev_dependencies: Arc::new(of_kind(&[Kind::Dev])),
        ..Locked::default()
    }
}
