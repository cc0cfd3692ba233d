//! Which targets a command is for: asked for, else the lockfile's, else the newest runtime.

use std::cmp::Reverse;
use std::path::Path;
use std::str::FromStr as _;

use layerpress_fetch::Reporter;
use layerpress_lock::{Pylock, Selection};
use layerpress_python::lockfile::pins;
use layerpress_python::manifest::Manifest;
use layerpress_target::{Arch, Ecosystem, Runtime, Status, Target, newest};
use pep440_rs::Version;

use crate::error::CompileError;
use crate::project::parent;

/// Combines what the user asked for with what the lockfile was made for.
///
/// Each runtime goes with each architecture, in the order asked for. What is not asked for comes
/// from `locked`; a first lock is for the newest generally available runtime on x86_64.
///
/// # Errors
/// When a runtime is of another ecosystem than the manifest, or does not run on an architecture.
pub(crate) fn choose(
    ecosystem: Ecosystem,
    runtimes: &[Runtime],
    archs: &[Arch],
    locked: &[Target],
) -> Result<Vec<Target>, CompileError> {
    if let Some(&runtime) = runtimes
        .iter()
        .find(|runtime| runtime.ecosystem() != ecosystem)
    {
        return Err(CompileError::OtherEcosystem { runtime, ecosystem });
    }
    if runtimes.is_empty() && archs.is_empty() && !locked.is_empty() {
        return Ok(locked.to_vec());
    }
    let runtimes = match runtimes {
        [] if locked.is_empty() => vec![newest(ecosystem)],
        [] => distinct(locked.iter().map(|target| target.runtime)),
        asked => distinct(asked.iter().copied()),
    };
    let archs = match archs {
        [] if locked.is_empty() => vec![Arch::X86_64],
        [] => distinct(locked.iter().map(|target| target.arch)),
        asked => distinct(asked.iter().copied()),
    };
    let pairs = runtimes
        .iter()
        .flat_map(|&runtime| archs.iter().map(move |&arch| (runtime, arch)));
    pairs
        .map(|(runtime, arch)| match runtime.runs_on(arch) {
            true => Ok(Target { runtime, arch }),
            false => Err(CompileError::NoSuchTarget { runtime, arch }),
        })
        .collect()
}

/// The target that another tool's lock serves, where the user names no runtime: the newest available
/// one for which it holds a file of every package. Nothing if there is none, or nothing to go by.
pub(crate) fn inferred(
    lock: &Pylock,
    archs: &[Arch],
    lockfile: &Path,
    reporter: &dyn Reporter,
) -> Vec<Target> {
    let arch = archs.first().copied().unwrap_or(Arch::X86_64);
    let serves = |target: &Target| {
        lock.select(target, &Selection::default())
            .is_ok_and(|packages| pins(&packages, target, &parent(lockfile)).is_ok())
    };
    let mut targets: Vec<Target> = Runtime::all()
        .filter(|runtime| runtime.ecosystem() == Ecosystem::Python && runtime.runs_on(arch))
        .filter(|runtime| matches!(runtime.status(), Status::Available { .. }))
        .map(|runtime| Target { runtime, arch })
        .collect();
    targets.sort_by_key(|target| Reverse(target.runtime.version()));
    let found: Vec<Target> = targets.into_iter().find(serves).into_iter().collect();
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

/// Whether the manifest admits the Python of each target.
///
/// # Errors
/// The first target whose Python `requires-python` shuts out.
pub(crate) fn admitted(manifest: &Manifest, targets: &[Target]) -> Result<(), CompileError> {
    let Some((specifiers, origin)) = &manifest.requires_python else {
        return Ok(());
    };
    let fits = |runtime: Runtime| {
        Version::from_str(runtime.full_version()).is_ok_and(|version| specifiers.contains(&version))
    };
    let Some(refused) = targets.iter().find(|target| !fits(target.runtime)) else {
        return Ok(());
    };
    let mut others: Vec<Runtime> = Runtime::all()
        .filter(|runtime| runtime.ecosystem() == Ecosystem::Python && fits(*runtime))
        .collect();
    others.sort_by_key(|runtime| runtime.version());
    Err(CompileError::OtherPython {
        origin: Box::new(origin.clone()),
        target: *refused,
        newest: others.pop(),
    })
}

fn distinct<T: PartialEq>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut distinct = Vec::new();
    for item in items {
        if !distinct.contains(&item) {
            distinct.push(item);
        }
    }
    distinct
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(runtimes: &[&str], archs: &[Arch], locked: &[(&str, Arch)]) -> String {
        let runtime = |name: &str| name.parse::<Runtime>().expect("a runtime");
        let runtimes: Vec<Runtime> = runtimes.iter().map(|name| runtime(name)).collect();
        let locked: Vec<Target> = locked
            .iter()
            .map(|&(name, arch)| Target {
                runtime: runtime(name),
                arch,
            })
            .collect();
        match choose(Ecosystem::Python, &runtimes, archs, &locked) {
            Ok(targets) => targets
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", "),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_is_asked_for_goes_first_then_the_lock_then_the_newest() {
        use Arch::{Arm64, X86_64};
        let newest = newest(Ecosystem::Python);
        assert_eq!(chosen(&[], &[], &[]), format!("{newest} x86_64"));
        assert_eq!(chosen(&[], &[Arm64], &[]), format!("{newest} arm64"));
        let locked = [("python3.12", X86_64), ("python3.12", Arm64)];
        assert_eq!(
            chosen(&[], &[], &locked),
            "python3.12 x86_64, python3.12 arm64"
        );
        assert_eq!(chosen(&[], &[Arm64], &locked), "python3.12 arm64");
        assert_eq!(
            chosen(&["python3.13", "python3.11", "python3.13"], &[], &locked),
            "python3.13 x86_64, python3.13 arm64, python3.11 x86_64, python3.11 arm64"
        );
    }

    #[test]
    fn a_runtime_of_another_ecosystem_is_refused() {
        insta::assert_snapshot!(chosen(&["nodejs22.x"], &[], &[]), @"`nodejs22.x` is no runtime for a Python manifest");
    }
}
