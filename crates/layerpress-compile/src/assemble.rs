//! From unpacked packages and the team's own files to one layer tree, and whether that is within the limit.

use std::path::Path;

use layerpress_check::{Weight, unzipped_limit};
use layerpress_pack::{Level, compress};
use layerpress_press::Profile;
use layerpress_target::limits::UNZIPPED_BYTES;
use layerpress_tree::{Conflict, Entry, LayerTree, Mode};
use rayon::prelude::*;

use crate::bytecode::BytecodeReport;
use crate::error::CompileError;
use crate::own_code::OwnFile;
use crate::pins::Gathered;

/// Adds `own` to what was gathered for a layer.
///
/// # Errors
/// A package and the team's own code that write one path differently; an own file that cannot be
/// read.
pub(crate) fn assemble(
    gathered: &mut Gathered,
    own: &[OwnFile],
    level: Level,
) -> Result<(), CompileError> {
    let own: Vec<&OwnFile> = own
        .iter()
        .filter(|(path, _)| !gathered.own_gone.contains(path.as_str()))
        .collect();
    gathered.own_bytes += add_own(&mut gathered.tree, &own, level)?;
    Ok(())
}

/// Weighs a layer with all that goes into it.
///
/// # Errors
/// A layer larger than Lambda allows.
pub(crate) fn weigh(
    gathered: &Gathered,
    bytecode: Option<&BytecodeReport>,
    profile: Profile,
) -> Result<(), CompileError> {
    if gathered.tree.unzipped_size() <= UNZIPPED_BYTES {
        return Ok(());
    }
    let mut weights = package_weights(gathered);
    let mut add = |name: &str, unzipped_bytes: u64| {
        if unzipped_bytes > 0 {
            let name = name.to_owned();
            weights.push(Weight {
                name,
                unzipped_bytes,
            });
        }
    };
    add("your own code", gathered.own_bytes);
    let grown = bytecode.and_then(|it| u64::try_from(it.unzipped_bytes).ok());
    add("bytecode", grown.unwrap_or_default());
    unzipped_limit(weights).map_err(|over| CompileError::OverLimit {
        over: Box::new(over),
        profile,
    })
}

fn package_weights(gathered: &Gathered) -> Vec<Weight> {
    let packages = gathered.packages.iter().map(|package| Weight {
        name: format!("{} {}", package.name, package.version),
        unzipped_bytes: package.unzipped_bytes,
    });
    packages.collect()
}

/// Adds the team's own files and returns their size in bytes.
fn add_own(tree: &mut LayerTree, own: &[&OwnFile], level: Level) -> Result<u64, CompileError> {
    let entries: Vec<Entry> = own
        .par_iter()
        .map(|(_, file)| Ok(read_entry(file, level)?.0))
        .collect::<Result<_, CompileError>>()?;
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

/// A file of the disk as the layer has it, compressed by `level`, with its bytes.
///
/// # Errors
/// A file that cannot be read.
pub(crate) fn read_entry(file: &Path, level: Level) -> Result<(Entry, Vec<u8>), CompileError> {
    let (mode, bytes) = read_file(file)?;
    let content = compress(&bytes, level);
    Ok((Entry { mode, content }, bytes))
}

/// A file of the disk: the mode that it has in a layer, and its bytes.
///
/// # Errors
/// A file that cannot be read.
pub(crate) fn read_file(file: &Path) -> Result<(Mode, Vec<u8>), CompileError> {
    let unreadable = |source| CompileError::Unreadable {
        path: file.to_owned(),
        source,
    };
    let bytes = std::fs::read(file).map_err(unreadable)?;
    let mode = own_mode(&std::fs::metadata(file).map_err(unreadable)?);
    Ok((mode, bytes))
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
