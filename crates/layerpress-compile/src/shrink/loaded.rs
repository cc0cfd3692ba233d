//! What a function loads of a layer: traced, to leave out the rest; or for bytecode of that alone.

use std::collections::{BTreeMap, BTreeSet};

use layerpress_check::Inferred;
use layerpress_tree::{LayerPath, LayerTree};

use super::passes::{Change, Changes};
use super::shape::Shape;
use super::{ShrinkError, ShrinkRequest};
use crate::bytecode::{self, Bytecode, BytecodeReport};
use crate::smoke::Bench;
use crate::trace::{self, Trace};

/// The rule by which files go that a traced command did not open.
const TRACED: &str = "not-opened";

/// How many folders are named of what goes.
const NAMED: usize = 8;

/// The files of the layer that the traced command opens, if there is one.
///
/// # Errors
/// A command that fails or opens nothing.
pub(super) fn traced(
    request: &ShrinkRequest,
    shape: Shape,
    layer: &LayerTree,
) -> Result<Option<BTreeSet<LayerPath>>, ShrinkError> {
    let Some(trace) = &request.trace else {
        return Ok(None);
    };
    let is_function = shape == Shape::Function;
    let paths = |folder: &_| trace::paths_in(folder, layer, is_function);
    Ok(Some(trace::opened(trace, layer, paths)?))
}

/// Leaves out what was not opened and need not stay, and tells what that is.
pub(super) fn drop_unopened(
    layer: &LayerTree,
    changes: &mut Changes,
    opened: &BTreeSet<LayerPath>,
    trace: &Trace,
    shape: Shape,
) -> String {
    let is_function = shape == Shape::Function;
    let untouched = trace::untouched(layer, opened, trace.keep, is_function);
    let mut folders: BTreeMap<String, u64> = BTreeMap::new();
    let mut bytes = 0;
    for path in &untouched {
        let size = layer.get(path.as_str()).map_or(0, |it| it.content.size);
        bytes += size;
        *folders
            .entry(trace::package(path.as_str()).to_owned())
            .or_default() += size;
    }
    let files = untouched.len();
    for path in untouched {
        let by = TRACED;
        changes.changed.insert(path, Change { by, entry: None });
    }
    let mut folders: Vec<_> = folders.into_iter().collect();
    folders.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    let named: Vec<String> = folders
        .iter()
        .take(NAMED)
        .map(|(folder, size)| format!("`{folder}` {}", megabytes(*size)))
        .collect();
    let most = match named.as_slice() {
        [] => String::new(),
        some => format!(", most of it in {}", some.join(", ")),
    };
    format!(
        "the traced command opened {} of {} files; {files} that it did not open are left out, {} unzipped{most}",
        opened.len(),
        layer.len(),
        megabytes(bytes)
    )
}

/// Compiles what is to come with bytecode.
///
/// # Errors
/// No interpreter that fits; nothing that tells what is loaded.
pub(super) fn add_bytecode(
    request: &ShrinkRequest,
    shape: Shape,
    inferred: &Inferred,
    opened: Option<&BTreeSet<LayerPath>>,
    tree: &mut LayerTree,
) -> Result<Option<BytecodeReport>, ShrinkError> {
    if request.bytecode == Bytecode::None {
        return Ok(None);
    }
    let python = inferred.python.ok_or(ShrinkError::NoVersion)?;
    let is_function = shape == Shape::Function;
    let loaded = match (request.bytecode, opened, &request.smoke) {
        (Bytecode::Hot, Some(opened), _) => opened.clone(),
        (Bytecode::Hot, None, Some(smoke)) => {
            let mut bench = Bench::new(smoke, tree, inferred, is_function)?;
            bench.run_recorded(tree)?.1
        }
        (Bytecode::Hot, None, None) => return Err(ShrinkError::NothingLoaded),
        _ => BTreeSet::new(),
    };
    let job = bytecode::Job {
        bytecode: request.bytecode,
        version: python.value.version(),
        interpreters: &request.interpreters,
        level: request.compression,
        loaded: &loaded,
        is_function,
    };
    Ok(bytecode::compile(tree, &job)?)
}

fn megabytes(bytes: u64) -> String {
    // Tenths, rounded; whole numbers alone, so that no float is in the way.
    let tenths = (bytes + 50_000) / 100_000;
    format!("{}.{} MB", tenths / 10, tenths % 10)
}
