//! Which Pythons a lock of another tool serves, and which the manifest admits.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr as _;

use layerpress_fetch::Reporter;
use layerpress_lock::{Pylock, Selection};
use layerpress_python::Compatibility;
use layerpress_python::lockfile::{best_name, pins};
use layerpress_python::manifest::Manifest;
use layerpress_target::{Arch, Ecosystem, Runtime, Status, Target, newest};
use pep440_rs::Version;

use super::error::PythonError;
use crate::project::parent;

/// How well a lock serves a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Serves {
    /// Something is missing.
    Not,
    /// Something that has wheels for others would have to be built for it.
    ByBuilding,
    /// It has all, as far as its files' names tell.
    Fully,
}

impl Serves {
    /// Of one package with files of these names, if the lock tells any.
    pub(crate) fn by_names<'a>(names: impl Iterator<Item = &'a str>, target: &Target) -> Self {
        let compatibility = Compatibility::new(target);
        let names: Vec<&str> = names.collect();
        let has_wheels = names.iter().any(|name| name.ends_with(".whl"));
        match best_name(&names, &compatibility) {
            None if names.is_empty() => Self::Fully,
            None => Self::Not,
            Some(source) if has_wheels && !source.ends_with(".whl") => Self::ByBuilding,
            Some(_) => Self::Fully,
        }
    }

    /// Of a `pylock.toml`.
    pub(crate) fn by_pylock(
        lock: &Pylock,
        selection: &Selection,
        lockfile: &Path,
        target: &Target,
    ) -> Self {
        let Ok(packages) = lock.select(target, selection) else {
            return Self::Not;
        };
        if pins(lock, &packages, target, &parent(lockfile)).is_err() {
            return Self::Not;
        }
        let each = packages.iter().map(|package| {
            let sdist = package.sdist().map(|sdist| sdist.name.as_str());
            let wheels = package.wheels().iter().map(|wheel| wheel.name.as_str());
            Self::by_names(wheels.chain(sdist), target)
        });
        each.min().unwrap_or(Self::Fully)
    }
}

/// The target that another tool's lock serves, where the user names no runtime: the newest available
/// one, on x86_64 rather than on another architecture, for which it holds a file of every package; a
/// wheel, if there is such a target. Nothing if there is none, or nothing to go by.
pub(crate) fn newest_served(
    archs: &[Arch],
    lockfile: &Path,
    reporter: &dyn Reporter,
    serves: impl Fn(&Target) -> Serves,
) -> Vec<Target> {
    let archs = match archs {
        [] => &Arch::ALL[..],
        asked => &asked[..1],
    };
    let all: Vec<(Target, Serves)> = archs
        .iter()
        .flat_map(|arch| newest_first(*arch))
        .map(|target| (target, serves(&target)))
        .collect();
    let of = |wanted| all.iter().find(|(_, serves)| *serves == wanted);
    let found = of(Serves::Fully).or_else(|| of(Serves::ByBuilding));
    let Some(&(target, _)) = found else {
        return Vec::new();
    };
    if target.runtime != newest(Ecosystem::Python) || target.arch != archs[0] {
        reporter.warn(format!(
            "`{}` names no runtime; it is taken for {target}, the newest that it serves",
            lockfile.display()
        ));
    }
    vec![target]
}

/// All available targets that a lock serves, in words; empty if there is none.
pub(crate) fn all_served(serves: impl Fn(&Target) -> Serves) -> String {
    let mut archs_of: BTreeMap<Vec<Runtime>, Vec<String>> = BTreeMap::new();
    for arch in Arch::ALL {
        let mut targets = newest_first(arch);
        targets.retain(|target| serves(target) == Serves::Fully);
        let runtimes = targets.iter().rev().map(|target| target.runtime);
        let archs = archs_of.entry(runtimes.collect()).or_default();
        archs.push(arch.to_string());
    }
    archs_of.remove(&Vec::new());
    let all = archs_of.iter().map(|(runtimes, archs)| {
        let runtimes: Vec<String> = runtimes.iter().map(ToString::to_string).collect();
        format!("{} on {}", runtimes.join(", "), archs.join(" and "))
    });
    all.collect::<Vec<_>>().join(", and ")
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
