//! From unpacked wheels and the team's own files to one layer tree, weighed and within the limit.

use std::path::{Path, PathBuf};

use layerpress_check::{Weight, unzipped_limit};
use layerpress_pack::{Level, compress};
use layerpress_python::wheel::{WheelTree, merge};
use layerpress_target::{Layout, Target};
use layerpress_tree::{Conflict, Entry, LayerPath, LayerTree, Mode};
use rayon::prelude::*;

use crate::error::CompileError;
use crate::report::PackageReport;

/// A layer before it is written.
#[derive(Debug)]
pub(crate) struct Assembled {
    /// Every file of the layer, at its place below `/opt`.
    pub tree: LayerTree,
    /// What each package weighs, in the order of names.
    pub packages: Vec<PackageReport>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// One of the team's own files: where it goes in the layer, and where it lies.
pub(crate) type OwnFile = (LayerPath, PathBuf);

/// Puts `wheels` below `python/` and `own` where its paths say.
///
/// # Errors
/// Two distributions, or a distribution and the team's own code, that write one path differently;
/// an own file that cannot be read; a layer larger than Lambda allows.
pub(crate) fn assemble(
    target: Target,
    wheels: Vec<WheelTree>,
    own: &[OwnFile],
) -> Result<Assembled, CompileError> {
    let packages: Vec<PackageReport> = wheels.iter().map(weigh).collect();
    let merged = merge(wheels)?;
    // The versioned layout is already in the trees' paths: all wheels lie below `python`.
    let prefix = LayerPath::new(&target.runtime.layer_prefix(Layout::Flat))
        .expect("a runtime's prefix is a layer path");
    let mut tree = LayerTree::new();
    for (path, entry) in merged.tree {
        tree.insert(path.under(&prefix), entry)
            .expect("one prefix keeps distinct paths distinct");
    }
    let own_bytes = add_own(&mut tree, own)?;
    let mut weights: Vec<Weight> = packages
        .iter()
        .map(|package| Weight {
            name: format!("{} {}", package.name, package.version),
            unzipped_bytes: package.unzipped_bytes,
        })
        .collect();
    if own_bytes > 0 {
        weights.push(Weight {
            name: "your own code".into(),
            unzipped_bytes: own_bytes,
        });
    }
    unzipped_limit(weights).map_err(|over| CompileError::OverLimit(Box::new(over)))?;
    Ok(Assembled {
        tree,
        packages,
        warnings: merged.warnings,
    })
}

fn weigh(wheel: &WheelTree) -> PackageReport {
    let contents = || wheel.tree.iter().map(|(_, entry)| &entry.content);
    PackageReport {
        ecosystem: "python",
        name: wheel.name.to_string(),
        version: wheel.version.to_string(),
        zipped_bytes: contents().map(layerpress_tree::Content::stream_size).sum(),
        unzipped_bytes: contents().map(|content| content.size).sum(),
    }
}

/// Adds the team's own files and returns their size in bytes.
fn add_own(tree: &mut LayerTree, own: &[OwnFile]) -> Result<u64, CompileError> {
    let entries: Vec<Entry> = own
        .par_iter()
        .map(|(_, file)| own_entry(file))
        .collect::<Result<_, _>>()?;
    let mut bytes = 0;
    for ((path, file), entry) in own.iter().zip(entries) {
        bytes += entry.content.size;
        tree.insert(path.clone(), entry)
            .map_err(|conflict: Conflict| CompileError::OwnCodeConflict {
                file: file.clone(),
                source: conflict,
            })?;
    }
    Ok(bytes)
}

fn own_entry(file: &Path) -> Result<Entry, CompileError> {
    let unreadable = |source| CompileError::Unreadable {
        path: file.to_owned(),
        source,
    };
    let bytes = std::fs::read(file).map_err(unreadable)?;
    Ok(Entry {
        mode: own_mode(&std::fs::metadata(file).map_err(unreadable)?),
        content: compress(&bytes, Level::Fast),
    })
}

#[cfg(unix)]
fn own_mode(metadata: &std::fs::Metadata) -> Mode {
    Mode::from_bits(std::os::unix::fs::PermissionsExt::mode(
        &metadata.permissions(),
    ))
}

#[cfg(not(unix))]
fn own_mode(_: &std::fs::Metadata) -> Mode {
    Mode::File
}
