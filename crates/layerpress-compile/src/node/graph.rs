//! What a Node.js lock or layer says of who asks for whom.

use std::collections::BTreeMap;
use std::sync::Arc;

use layerpress_check::Inferred;
use layerpress_node::installed::described;
use layerpress_node::package_lock::chosen;
use layerpress_node::place::{Dependency, Placed};
use layerpress_tree::LayerTree;

use super::error::NodeError;
use super::pins::NodePins;
use crate::error::CompileError;
use crate::existing::links;
use crate::graph::{Graph, GraphPackage, Need, NeedKind};
use crate::pins::Job;

/// The packages that a lock gives to a target, and who asks for whom.
///
/// # Errors
/// A package that is needed and not for the target.
pub(super) fn graph(pins: &NodePins, job: &Job<'_>) -> Result<Graph, CompileError> {
    let placed = pins.choose(job, chosen)?.map_err(NodeError::from)?;
    // A link stands for the folder that it leads to, which is copied into its place.
    let real: BTreeMap<&Arc<str>, &Arc<str>> = placed
        .iter()
        .filter_map(|it| Some((&it.location, it.link.as_ref()?)))
        .collect();
    let mut shown: BTreeMap<&Arc<str>, &Arc<str>> = BTreeMap::new();
    for (link, folder) in &real {
        shown.entry(folder).or_insert(link);
    }
    let packages: Vec<&Placed> = placed
        .iter()
        .filter(|it| it.link.is_none() && !it.location.is_empty())
        .collect();
    let places: BTreeMap<&Arc<str>, usize> = packages
        .iter()
        .enumerate()
        .map(|(index, it)| (&it.location, index))
        .collect();
    let dev = pins.takes_dev();
    let needs = |of: &Placed| -> Vec<Need> {
        let needs = of.dependencies.iter().filter_map(|dependency| {
            let location = dependency.location.as_ref();
            let location = location.map(|it| real.get(it).copied().unwrap_or(it));
            let to = location.and_then(|it| places.get(it)).copied()?;
            let is_dev = is_dev(of, dependency);
            (dev || !is_dev).then(|| need(dependency, Some(to), is_dev))
        });
        needs.collect()
    };
    let package = |of: &&Placed| GraphPackage {
        name: of.manifest.name.as_ref().unwrap_or(&of.name).to_string(),
        version: of.manifest.version.as_ref().map(ToString::to_string),
        place: Some(shown.get(&of.location).unwrap_or(&&of.location).to_string()),
        needs: needs(of),
    };
    Ok(Graph {
        ecosystem: layerpress_target::Ecosystem::Node,
        root: job.project.shown.clone(),
        is_layer: false,
        runtime: Some(job.target.runtime),
        arch: Some(job.target.arch),
        made_for: Inferred::default(),
        asked: placed.first().map(needs).unwrap_or_default(),
        packages: packages.iter().map(package).collect(),
    })
}

/// What a layer's own package.json asks for, if it has one, and the packages that it holds.
pub(crate) fn installed_graph(tree: &LayerTree) -> (Vec<Need>, Vec<GraphPackage>) {
    let described = described(tree, &links(tree));
    let (homes, packages): (Vec<_>, Vec<_>) = described
        .iter()
        .partition(|it| !it.folder.contains("node_modules/"));
    let places: BTreeMap<&Arc<str>, usize> = packages
        .iter()
        .enumerate()
        .map(|(index, it)| (&it.folder, index))
        .collect();
    let needs = |dependencies: &[Dependency]| -> Vec<Need> {
        let needs = dependencies.iter().filter_map(|dependency| {
            let location = dependency.location.as_ref();
            let to = location.and_then(|it| places.get(it)).copied();
            // What may be missing and is was not for this layer.
            (to.is_some() || !dependency.is_optional).then(|| need(dependency, to, false))
        });
        needs.collect()
    };
    let asked = homes.iter().flat_map(|home| needs(&home.dependencies));
    let package = |of: &&layerpress_node::installed::Described| GraphPackage {
        name: of.name.clone(),
        version: of.version.clone(),
        place: Some(of.folder.to_string()),
        needs: needs(&of.dependencies),
    };
    (asked.collect(), packages.iter().map(package).collect())
}

/// Whether only the developers of a package need what it asks for.
fn is_dev(of: &Placed, dependency: &Dependency) -> bool {
    let has =
        |pairs: &layerpress_node::Pairs| pairs.iter().any(|(name, _)| *name == dependency.name);
    has(&of.dev_dependencies)
        && !has(&of.manifest.dependencies)
        && !has(&of.manifest.optional_dependencies)
        && !dependency.is_peer
}

fn need(dependency: &Dependency, to: Option<usize>, is_dev: bool) -> Need {
    Need {
        name: dependency.name.to_string(),
        requirement: Some(dependency.spec.to_string()),
        kind: match (dependency.is_peer, dependency.is_optional) {
            _ if is_dev => NeedKind::Dev,
            (true, true) => NeedKind::OptionalPeer,
            (true, false) => NeedKind::Peer,
            (false, true) => NeedKind::Optional,
            (false, false) => NeedKind::Required,
        },
        to,
        ..Need::default()
    }
}
