//! [`spared`]: packages with those of their files as they came which the user keeps by their path.

use std::collections::BTreeMap;
use std::sync::Arc;

use layerpress_node::package_lock::Pin;
use layerpress_node::source::Desk;
use layerpress_node::tarball::PackageTree;
use layerpress_press::rules::{Ecosystem, Owner};
use layerpress_press::{Passes, Recipe};
use layerpress_tree::LayerPath;

use super::archives::{Archive, folder_name, unpack_all};
use super::layout::{LayOut, place};
use crate::error::CompileError;
use crate::pins::Job;

/// An archive as the store has it pressed, and what is in it.
type Unpacked<'a> = (&'a Archive<'a>, &'a Arc<PackageTree>);

/// The package of each pin, a file that is to be spared from what was done to it as other passes make it.
///
/// By the place of the pin, not by its archive: one archive may lie in several places.
///
/// # Errors
/// Those of unpacking; a location that cannot stand in a layer.
pub(crate) fn spared(
    job: &Job<'_>,
    desk: &Desk,
    of_pins: &[(&Pin, Option<Unpacked<'_>>)],
) -> Result<Vec<Option<Arc<PackageTree>>>, CompileError> {
    let mut trees: Vec<Option<Arc<PackageTree>>> = of_pins
        .iter()
        .map(|(_, package)| package.map(|(_, tree)| Arc::clone(tree)))
        .collect();
    if !job.pruning.overrides.spare_files() {
        return Ok(trees);
    }
    let prefix = LayOut::of(job).prefix();
    let mut archives = Vec::new();
    let mut wanted = Vec::new();
    for (index, (pin, package)) in of_pins.iter().enumerate() {
        let Some((archive, tree)) = package else {
            continue;
        };
        let place = place(&pin.location, &prefix)?;
        let owner = Owner {
            ecosystem: Ecosystem::Node,
            package: folder_name(place.as_str()),
            place: place.as_str(),
        };
        let passes = |path: &LayerPath| job.passes(owner, path.under(&place).as_str());
        let refused = without_refusals(tree, passes);
        if let Some(tree) = refused {
            trees[index] = Some(Arc::new(tree));
        }
        let mut files: BTreeMap<Passes, Vec<LayerPath>> = BTreeMap::new();
        for (path, change) in &tree.changes {
            let passes = passes(path);
            if !passes.has(change.pass) {
                files.entry(passes).or_default().push(path.clone());
            }
        }
        for (passes, files) in files {
            archives.push(Archive {
                label: archive.label.clone(),
                pin: archive.pin,
                origin: archive.origin.clone(),
                recipe: Recipe {
                    passes,
                    ..archive.recipe
                },
            });
            wanted.push((index, files));
        }
    }
    let others = unpack_all(job, desk, &archives)?;
    for ((index, files), other) in wanted.iter().zip(others) {
        if let Some(tree) = &mut trees[*index] {
            let tree = Arc::make_mut(tree);
            for path in files {
                exchange(tree, &other, path);
            }
        }
    }
    Ok(trees)
}

/// The package without what it tells of files that passes could do nothing to and are not to; `None` if that
/// is none.
fn without_refusals(
    tree: &PackageTree,
    passes: impl Fn(&LayerPath) -> Passes,
) -> Option<PackageTree> {
    let mut refused = tree.account.refused.clone();
    refused.retain(|it| LayerPath::new(&it.path).map_or(true, |path| it.is_of(passes(&path))));
    if refused.len() == tree.account.refused.len() {
        return None;
    }
    let mut tree = tree.clone();
    tree.account.refused = refused;
    Some(tree)
}

/// Takes the file at `path` from `other`.
fn exchange(tree: &mut PackageTree, other: &PackageTree, path: &LayerPath) {
    let Some(entry) = other.tree.get(path.as_str()) else {
        return;
    };
    let before = tree.tree.get(path.as_str()).map(|it| it.content.size);
    if let Some(change) = tree.changes.remove(path) {
        tree.account.discount(&change, before.unwrap_or_default());
    }
    if let Some(change) = other.changes.get(path) {
        tree.account.count(change, entry.content.size);
        tree.changes.insert(path.clone(), *change);
    }
    let entry = entry.clone();
    tree.tree.remove(path);
    // Its place was a file's before.
    let _placed = tree.tree.insert(path.clone(), entry);
    tree.is_altered = true;
}
