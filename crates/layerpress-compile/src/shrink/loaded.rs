//! What a function loads of a layer: traced, to leave out the rest; or for bytecode of that alone.

use std::collections::BTreeSet;

use layerpress_check::Inferred;
use layerpress_tree::{LayerPath, LayerTree};

use super::passes::{Change, Changes};
use super::shape::Shape;
use super::{ShrinkError, ShrinkRequest};
use crate::bytecode::{self, Bytecode, BytecodeReport};
use crate::smoke::Bench;
use crate::trace::{self, NOT_OPENED, Scene, Untouched};

/// The files of the layer that the traced command opens, if there is one.
///
/// # Errors
/// A command that fails or opens nothing.
pub(super) fn traced(
    request: &ShrinkRequest,
    shape: Shape,
    inferred: &Inferred,
    layer: &LayerTree,
) -> Result<Option<BTreeSet<LayerPath>>, ShrinkError> {
    let Some(trace) = &request.trace else {
        return Ok(None);
    };
    let scene = Scene::new(layer, inferred, shape == Shape::Function);
    Ok(Some(trace::opened(trace, &scene)?))
}

/// Leaves out what was not opened and need not stay, and tells what that is.
pub(super) fn drop_unopened(
    layer: &LayerTree,
    changes: &mut Changes,
    opened: &BTreeSet<LayerPath>,
    untouched: &Untouched,
) -> String {
    for path in &untouched.paths {
        let (by, entry) = (NOT_OPENED, None);
        changes.changed.insert(path.clone(), Change { by, entry });
    }
    untouched.told(layer, opened)
}

/// Compiles what is to come with bytecode.
///
/// # Errors
/// No interpreter that fits; nothing that tells what is loaded.
pub(super) fn add_bytecode(
    request: &ShrinkRequest,
    (shape, inferred): (Shape, &Inferred),
    opened: Option<&BTreeSet<LayerPath>>,
    bench: Option<&mut Bench>,
    tree: &mut LayerTree,
) -> Result<Option<BytecodeReport>, ShrinkError> {
    if request.bytecode == Bytecode::None {
        return Ok(None);
    }
    let python = inferred.python.ok_or(ShrinkError::NoVersion)?;
    let loaded = match (request.bytecode, opened, bench) {
        (Bytecode::Hot, Some(opened), _) => opened.clone(),
        // How it ends is told by the run with the bytecode.
        (Bytecode::Hot, None, Some(bench)) => bench.run_recorded(tree)?.1,
        (Bytecode::Hot, None, None) => return Err(ShrinkError::NothingLoaded),
        _ => BTreeSet::new(),
    };
    let job = bytecode::Job {
        bytecode: request.bytecode,
        version: python.value.version(),
        interpreters: &request.interpreters,
        level: request.compression,
        loaded: &loaded,
        is_function: shape == Shape::Function,
    };
    Ok(bytecode::compile(tree, &job)?)
}
