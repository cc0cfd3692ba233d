//! Which targets a command is for: asked for, else the lockfile's, else the newest runtime.

use layerpress_target::{Arch, Ecosystem, Runtime, Status, Target, newest};

use crate::error::CompileError;
use crate::pins::Job;
use crate::request::Layout;

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

/// The targets besides a job's own that a layer may be just as good for: those that Lambda offers, and
/// of which the layout tells nothing.
pub(crate) fn others(job: &Job<'_>) -> Vec<Target> {
    let own = job.target;
    let tells_runtime = job.scripts || job.layout == Layout::Versioned;
    let runtimes = Runtime::all().filter(|runtime| match *runtime == own.runtime {
        true => true,
        false => {
            !tells_runtime
                && runtime.ecosystem() == own.runtime.ecosystem()
                && matches!(runtime.status(), Status::Available { .. })
        }
    });
    let pairs = runtimes.flat_map(|runtime| Arch::ALL.map(|arch| Target { runtime, arch }));
    pairs
        .filter(|target| *target != own && target.runtime.runs_on(target.arch))
        .collect()
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
