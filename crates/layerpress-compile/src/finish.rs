//! [`finish`]: what is done to a layer that was just built by running something with it.
//!
//! 1. A traced command tells which files are needed, and the others go.
//! 2. It, or else the smoke test, tells which modules are loaded, for bytecode of those alone.
//! 3. The layer is weighed, with all that it holds.
//! 4. The smoke test runs with it.

use std::collections::{BTreeMap, BTreeSet};

use layerpress_check::{Found, Inferred};
use layerpress_pack::write_layer;
use layerpress_target::{Ecosystem, Target};
use layerpress_tree::{LayerPath, LayerTree, Sha256};

use crate::assemble::weigh;
use crate::build::Prepared;
use crate::bytecode::{self, BYTECODE, Bytecode};
use crate::error::CompileError;
use crate::inspect;
use crate::lock::Locked;
use crate::pins::Gathered;
use crate::report::RemovedReport;
use crate::request::BuildRequest;
use crate::shrink;
use crate::smoke::Bench;
use crate::trace::{self, NOT_OPENED, Scene, TRACED};
use crate::trial::try_out;

/// Runs with `layer` what the request says, and does to it what that tells.
///
/// # Errors
/// A run that fails or cannot be made; bytecode that cannot be; a layer that is too large, or not
/// the one that was expected.
pub(crate) fn finish(
    request: &BuildRequest,
    locked: &Locked,
    layer: &mut Prepared,
) -> Result<(), CompileError> {
    let made_for = made_for(layer.target);
    // What the layer was before each step, to tell which of them is at fault.
    let mut steps: Vec<(&'static str, LayerTree)> = Vec::new();
    let opened = match &request.trace {
        None => None,
        Some(trace) => {
            let tree = &layer.gathered.tree;
            let scene = Scene::new(tree, &made_for, false);
            let opened = trace::opened(trace, &scene)?;
            let untouched = trace::untouched(tree, &opened, trace.keep, false);
            let own = locked.project.own.iter().map(|(path, _)| path);
            let kept = shrink::kept(tree, &request.overrides);
            let untouched = untouched.without(own).without(&kept);
            locked
                .session
                .reporter()
                .warn(untouched.told(tree, &opened));
            steps.push((TRACED, tree.clone()));
            leave_out(&untouched.paths, &mut layer.gathered);
            Some(opened)
        }
    };
    let smoke = request.smoke.as_ref();
    let bench = smoke.map(|it| Bench::new(it, &layer.gathered.tree, &made_for, false));
    let mut bench = bench.transpose()?;
    if is_compiled(request, layer.target) {
        let loaded = loaded(request, opened, bench.as_mut(), &layer.gathered.tree)?;
        steps.push((BYTECODE, layer.gathered.tree.clone()));
        add_bytecode(request, &loaded, layer)?;
    }
    weigh(&layer.gathered, layer.bytecode.as_ref(), request.profile)?;
    if let Some(bench) = &mut bench {
        try_out(bench, request, locked, layer, &steps)?;
    }
    match request.check_digest {
        Some(expected) => check_digest(layer, expected),
        None => Ok(()),
    }
}

/// Takes files out of a layer, and off what its packages weigh.
fn leave_out(gone: &BTreeSet<LayerPath>, gathered: &mut Gathered) {
    let (found, owners) = inspect::packages(&gathered.tree);
    let mut less: BTreeMap<usize, (u64, u64)> = BTreeMap::new();
    let mut removed = RemovedReport {
        rule: NOT_OPENED,
        files: 0,
        bytes: 0,
    };
    for path in gone {
        let Some(entry) = gathered.tree.remove(path) else {
            continue;
        };
        removed.files += 1;
        removed.bytes += entry.content.size;
        match owners.get(path) {
            Some(owner) => {
                let (zipped, unzipped) = less.entry(*owner).or_default();
                *zipped += entry.content.stream_size();
                *unzipped += entry.content.size;
            }
            None => gathered.own_bytes = gathered.own_bytes.saturating_sub(entry.content.size),
        }
    }
    for (owner, (zipped, unzipped)) in less {
        let package = found.get(owner).and_then(|owner| {
            gathered.packages.iter_mut().find(|it| {
                (it.ecosystem, &it.name, &it.version)
                    == (owner.ecosystem, &owner.name, &owner.version)
            })
        });
        if let Some(package) = package {
            package.zipped_bytes = package.zipped_bytes.saturating_sub(zipped);
            package.unzipped_bytes = package.unzipped_bytes.saturating_sub(unzipped);
        }
    }
    if removed.files > 0 {
        gathered.removed.push(removed);
    }
    // What another target would open is not known.
    gathered.same_for.clear();
}

fn is_compiled(request: &BuildRequest, target: Target) -> bool {
    request.bytecode != Bytecode::None && target.runtime.ecosystem() == Ecosystem::Python
}

/// The files that are loaded, where bytecode is made for those alone.
fn loaded(
    request: &BuildRequest,
    opened: Option<BTreeSet<LayerPath>>,
    bench: Option<&mut Bench>,
    tree: &LayerTree,
) -> Result<BTreeSet<LayerPath>, CompileError> {
    match (request.bytecode, opened, bench) {
        (Bytecode::Hot, Some(opened), _) => Ok(opened),
        // How it ends is told by the run with the bytecode.
        (Bytecode::Hot, None, Some(bench)) => Ok(bench.run_recorded(tree)?.1),
        (Bytecode::Hot, None, None) => Err(CompileError::NothingLoaded),
        _ => Ok(BTreeSet::new()),
    }
}

fn add_bytecode(
    request: &BuildRequest,
    loaded: &BTreeSet<LayerPath>,
    layer: &mut Prepared,
) -> Result<(), CompileError> {
    let version = layer.target.runtime.version();
    let job = bytecode::Job {
        bytecode: request.bytecode,
        version,
        interpreters: &request.lock.python.interpreters,
        level: request.compression,
        loaded,
        is_function: false,
    };
    layer.bytecode = bytecode::compile(&mut layer.gathered.tree, &job)?;
    if layer.bytecode.is_some() {
        // It is for one minor version alone, and what another target would load is not known.
        let same_for = &mut layer.gathered.same_for;
        same_for.retain(|it| request.bytecode != Bytecode::Hot && it.runtime.version() == version);
    }
    Ok(())
}

fn check_digest(layer: &Prepared, expected: Sha256) -> Result<(), CompileError> {
    let written = write_layer(&layer.gathered.tree, &mut std::io::sink());
    let written = written.map_err(|source| CompileError::Write {
        error: format!("`{}`: {source}", layer.path.display()),
    })?;
    if written.digest == expected {
        return Ok(());
    }
    Err(CompileError::OtherDigest {
        path: layer.path.clone(),
        expected,
        found: written.digest,
    })
}

fn made_for(target: Target) -> Inferred {
    let by = "the build";
    let runtime = Some(Found {
        value: target.runtime,
        by,
    });
    let is_python = target.runtime.ecosystem() == Ecosystem::Python;
    Inferred {
        python: runtime.filter(|_| is_python),
        node: runtime.filter(|_| !is_python),
        arch: Some(Found {
            value: target.arch,
            by,
        }),
    }
}
