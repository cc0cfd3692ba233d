//! [`graphs`]: which packages an input comes down to, and who asks for whom; nothing is written.
//!
//! A manifest is resolved first, unless a lock beside it meets it; a lock is taken as it is; a layer is
//! read from its own files. Each ecosystem fills the same [`Graph`], whose [`tree`](Graph::tree) and
//! [`why`](Graph::why) know of none.

mod model;
#[cfg(test)]
mod tests;
mod walk;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use layerpress_check::Inferred;
use layerpress_fetch::Reporter;
use layerpress_press::Profile;
use layerpress_press::rules::Overrides;
use layerpress_target::{Arch, Ecosystem, Runtime, Target, newest};

use crate::error::CompileError;
use crate::existing::{self, Existing};
use crate::input::find;
use crate::lock::{Coverage, Locked, lock_projects};
use crate::pins::{Job, Tally};
use crate::prune::{OwnCode, Pruning};
use crate::request::{Layout, LockRequest};
use crate::shrink::targets;
use crate::{node, python};

pub use model::{Graph, GraphPackage, Need, NeedKind};
pub use walk::{Asker, Needed, Row, WalkOptions, Way, Why};

/// Of what to tell who asks for whom.
#[derive(Debug, Clone)]
pub struct GraphRequest {
    /// A manifest, a lockfile, a folder that holds them, or a layer.
    pub input: PathBuf,
    /// How a manifest is resolved; its inputs do not count.
    pub lock: LockRequest,
    /// Whether the versions that are asked for are wanted, too, where packages' own metadata has to be
    /// fetched for that.
    pub requirements: bool,
}

/// The graphs of an input: one for each ecosystem, and for each target that is named.
///
/// # Errors
/// An input that cannot be used; a manifest without a solution.
pub fn graphs(
    request: &GraphRequest,
    reporter: &Arc<dyn Reporter>,
) -> Result<Vec<Graph>, CompileError> {
    if is_layer(&request.input)? {
        return of_layer(request);
    }
    let lock = LockRequest {
        inputs: vec![request.input.clone()],
        ..request.lock.clone()
    };
    let mut graphs = Vec::new();
    for locked in lock_projects(&lock, Coverage::AtLeast, reporter)? {
        if locked.new_text.is_some() && locked.project.lockfile.is_file() {
            locked.session.warn_all([format!(
                "`{}` would change: what is shown is what `layerpress lock` would write",
                locked.project.lockfile.display()
            )]);
        }
        let is_named = !lock.runtimes.is_empty() || !lock.archs.is_empty();
        let targets = &locked.targets[..];
        let targets = match (is_named, targets) {
            (false, [first, _, ..]) => {
                locked.session.warn_all([format!(
                    "`{}` is for {} targets; what is shown is for {first}",
                    locked.project.lockfile.display(),
                    targets.len(),
                )]);
                &targets[..1]
            }
            _ => targets,
        };
        for &target in targets {
            graphs.push(of_target(&locked, target, request)?);
        }
    }
    Ok(graphs)
}

/// The packages of `graph` that a user's word for one means.
#[must_use]
pub fn named(graph: &Graph, name: &str) -> Vec<usize> {
    match graph.ecosystem {
        Ecosystem::Python => graph.named(&python::normalised(name)),
        Ecosystem::Node => graph.named(name),
    }
}

/// The names of packages nearest to one that is not there, the nearest first.
#[must_use]
pub fn nearest(graphs: &[Graph], name: &str) -> Vec<String> {
    /// More would be no hint.
    const MOST: usize = 3;
    let name = name.to_lowercase();
    // One slip in a short name, a third of the letters in a long one; or a part of it.
    let allowed = match name.chars().count() {
        0..=3 => 1,
        letters => (letters / 3).max(2),
    };
    let packages = graphs.iter().flat_map(|graph| &graph.packages);
    let mut near: Vec<(usize, &str)> = packages
        .filter_map(|package| {
            let distance = strsim::osa_distance(&name, &package.name.to_lowercase());
            let is_part = name.len() > 2 && package.name.contains(&name);
            (distance <= allowed || is_part).then_some((distance, package.name.as_str()))
        })
        .collect();
    near.sort_unstable();
    near.dedup();
    let names = near.into_iter().map(|(_, name)| name.to_owned());
    names.take(MOST).collect()
}

/// Whether an input is a layer, made already, and no manifest of one.
fn is_layer(path: &Path) -> Result<bool, CompileError> {
    match find(path) {
        Ok(_) => Ok(false),
        Err(CompileError::NoManifest { .. }) if existing::looks_like_layer(path) => Ok(true),
        Err(CompileError::UnknownInput { .. }) if existing::is_zip(path) => Ok(true),
        Err(error) => Err(error),
    }
}

fn of_target(
    locked: &Locked,
    target: Target,
    request: &GraphRequest,
) -> Result<Graph, CompileError> {
    // Nothing is unpacked, so none of this decides anything.
    let overrides = Overrides::default();
    let pruning = Pruning {
        profile: Profile::None,
        overrides: &overrides,
        explain: &[],
        own: OwnCode::default(),
    };
    let tally = Tally::default();
    let graph = locked.pins.graph(
        &Job {
            session: &locked.session,
            project: &locked.project,
            target,
            layout: Layout::Flat,
            pruning: &pruning,
            compression: layerpress_pack::Level::Fast,
            scripts: false,
            exclude: &request.lock.exclude,
            tally: &tally,
        },
        request.requirements,
    )?;
    locked.session.say_unkept();
    Ok(graph.finished())
}

fn of_layer(request: &GraphRequest) -> Result<Vec<Graph>, CompileError> {
    let Existing { tree, .. } = existing::open(&request.input)?;
    let runtime = |ecosystem| {
        let of = |runtime: &&Runtime| runtime.ecosystem() == ecosystem;
        request.lock.runtimes.iter().find(of).copied()
    };
    let arch = request.lock.archs.first().copied();
    let root = request.input.display().to_string();
    let mut graphs = Vec::new();
    for ecosystem in [Ecosystem::Python, Ecosystem::Node] {
        let inferred = targets(&tree, runtime(ecosystem), arch);
        let found = match ecosystem {
            Ecosystem::Python => inferred.python,
            Ecosystem::Node => inferred.node,
        };
        let runtime = found.map(|found| found.value);
        let arch = inferred.arch.map(|found| found.value);
        let assumed = Target {
            runtime: runtime.unwrap_or_else(|| newest(ecosystem)),
            arch: arch.unwrap_or(Arch::X86_64),
        };
        let (asked, packages) = match ecosystem {
            Ecosystem::Python => python::installed_graph(&tree, &assumed),
            Ecosystem::Node => node::installed_graph(&tree),
        };
        if packages.is_empty() {
            continue;
        }
        let graph = Graph {
            ecosystem,
            root: root.clone(),
            is_layer: asked.is_empty(),
            runtime,
            arch,
            made_for: match ecosystem {
                Ecosystem::Python => Inferred {
                    node: None,
                    ..inferred
                },
                Ecosystem::Node => Inferred {
                    python: None,
                    ..inferred
                },
            },
            asked,
            packages,
        };
        graphs.push(graph.finished());
    }
    Ok(graphs)
}
