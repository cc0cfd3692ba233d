//! Which Pythons a lock of another tool serves, and which the manifest admits.

use std::cmp::Reverse;
use std::path::Path;
use std::str::FromStr as _;

use layerpress_fetch::Reporter;
use layerpress_lock::{Pylock, Selection};
use layerpress_python::lockfile::pins;
use layerpress_python::manifest::Manifest;
use layerpress_target::{Arch, Ecosystem, Runtime, Status, Target, newest};
use pep440_rs::Version;

use super::error::PythonError;
use crate::project::parent;

/// The target that another tool's lock serves, where the user names no runtime: the newest available
/// one for which it holds a file of every package. Nothing if there is none, or nothing to go by.
pub(crate) fn inferred(
    lock: &Pylock,
    selection: &Selection,
    archs: &[Arch],
    lockfile: &Path,
    reporter: &dyn Reporter,
) -> Vec<Target> {
    newest_served(archs, lockfile, reporter, |target| {
        lock.select(target, selection)
            .is_ok_and(|packages| pins(lock, &packages, target, &parent(lockfile)).is_ok())
    })
}

/// The newest available runtime that `serves` says a lock serves.
pub(crate) fn newest_served(
    archs: &[Arch],
    lockfile: &Path,
    reporter: &dyn Reporter,
    serves: impl Fn(&Target) -> bool,
) -> Vec<Target> {
    let arch = archs.first().copied().unwrap_or(Arch::X86_64);
    let found: Vec<Target> = newest_first(arch)
        .into_iter()
        .find(serves)
        .into_iter()
        .collect();
    if let [target] = found[..]
        && target.runtime != newest(Ecosystem::Python)
    {
        reporter.warn(format!(
            "`{}` names no runtime; it is taken for {}, the newest that it serves",
            lockfile.display(),
            target.runtime
        ));
    }
    found
}

/// The targets of an architecture that Lambda offers and the manifest admits, the newest first.
pub(crate) fn available(arch: Arch, manifest: &Manifest) -> Vec<Target> {
    let mut targets = newest_first(arch);
    targets.retain(|target| admits(manifest, target.runtime));
    targets
}

fn newest_first(arch: Arch) -> Vec<Target> {
    let mut targets: Vec<Target> = Runtime::all()
        .filter(|runtime| runtime.ecosystem() == Ecosystem::Python && runtime.runs_on(arch))
        .filter(|runtime| matches!(runtime.status(), Status::Available { .. }))
        .map(|runtime| Target { runtime, arch })
        .collect();
    targets.sort_by_key(|target| Reverse(target.runtime.version()));
    targets
}

fn admits(manifest: &Manifest, runtime: Runtime) -> bool {
    let Some((specifiers, _)) = &manifest.requires_python else {
        return true;
    };
    Version::from_str(runtime.full_version()).is_ok_and(|version| specifiers.contains(&version))
}

/// Whether the manifest admits the Python of each target.
///
/// # Errors
/// The first target whose Python `requires-python` shuts out.
pub(crate) fn admitted(manifest: &Manifest, targets: &[Target]) -> Result<(), PythonError> {
    let Some((_, origin)) = &manifest.requires_python else {
        return Ok(());
    };
    let fits = |runtime: Runtime| admits(manifest, runtime);
    let Some(refused) = targets.iter().find(|target| !fits(target.runtime)) else {
        return Ok(());
    };
    let mut others: Vec<Runtime> = Runtime::all()
        .filter(|runtime| runtime.ecosystem() == Ecosystem::Python && fits(*runtime))
        .collect();
    others.sort_by_key(|runtime| runtime.version());
    Err(PythonError::OtherPython {
        origin: Box::new(origin.clone()),
        target: *refused,
        newest: others.pop(),
    })
}
