//! Markers that tell targets apart, so that one lock serves several.

use std::collections::BTreeSet;

use layerpress_target::{Arch, Runtime, Target};
use pep440_rs::{Operator, Version, VersionSpecifier};
use pep508_rs::{
    MarkerExpression, MarkerOperator, MarkerTree, MarkerValueString, MarkerValueVersion,
};

/// The marker of one target: its Python version, on Linux, on its machine.
///
/// Of two different targets the markers exclude each other, so they serve as a lock's
/// `environments`.
#[must_use]
pub fn marker_for(target: &Target) -> MarkerTree {
    let mut marker = python(Operator::Equal, target.runtime);
    marker.and(machine(target.arch));
    marker.and(is(MarkerValueString::SysPlatform, "linux"));
    marker
}

/// The simplest marker that is true on `some` of the targets of a lock and false on the others of
/// `all`; what it says elsewhere is of no account, as the lock's `environments` rule that out.
///
/// True if `some` is all of them; false if it is none.
#[must_use]
pub fn marker_for_targets(some: &[Target], all: &[Target]) -> MarkerTree {
    let all: BTreeSet<Target> = all.iter().copied().collect();
    let some: BTreeSet<Target> = some.iter().copied().filter(|it| all.contains(it)).collect();
    if some == all {
        return MarkerTree::TRUE;
    }
    let runtimes: BTreeSet<Runtime> = some.iter().map(|target| target.runtime).collect();
    let arches: BTreeSet<Arch> = some.iter().map(|target| target.arch).collect();
    let of_runtimes = |it: &&Target| runtimes.contains(&it.runtime);
    let of_arches = |it: &&Target| arches.contains(&it.arch);
    if all.iter().filter(of_runtimes).eq(&some) {
        return any_of(&runtimes, &all);
    }
    if all.iter().filter(of_arches).eq(&some) {
        return any_machine(&arches);
    }
    if all.iter().filter(of_runtimes).filter(of_arches).eq(&some) {
        let mut marker = any_of(&runtimes, &all);
        marker.and(any_machine(&arches));
        return marker;
    }
    let mut marker = MarkerTree::FALSE;
    for arch in arches {
        let on_arch = |targets: &BTreeSet<Target>| -> BTreeSet<Target> {
            targets
                .iter()
                .copied()
                .filter(|it| it.arch == arch)
                .collect()
        };
        let runtimes = on_arch(&some).iter().map(|target| target.runtime).collect();
        let mut term = any_of(&runtimes, &on_arch(&all));
        term.and(machine(arch));
        marker.or(term);
    }
    marker
}

/// True on these of the runtimes of the targets: one range of versions for each unbroken run.
fn any_of(some: &BTreeSet<Runtime>, all: &BTreeSet<Target>) -> MarkerTree {
    let all: BTreeSet<Runtime> = all.iter().map(|target| target.runtime).collect();
    let mut marker = MarkerTree::FALSE;
    let mut run: Option<MarkerTree> = None;
    for (index, runtime) in all.into_iter().enumerate() {
        match (some.contains(&runtime), run.take()) {
            (true, None) if index == 0 => run = Some(MarkerTree::TRUE),
            (true, None) => run = Some(python(Operator::GreaterThanEqual, runtime)),
            (true, begun) => run = begun,
            (false, Some(mut begun)) => {
                begun.and(python(Operator::LessThan, runtime));
                marker.or(begun);
            }
            (false, None) => {}
        }
    }
    if let Some(begun) = run {
        marker.or(begun);
    }
    marker
}

fn any_machine(arches: &BTreeSet<Arch>) -> MarkerTree {
    let mut marker = MarkerTree::FALSE;
    for arch in arches {
        marker.or(machine(*arch));
    }
    marker
}

fn machine(arch: Arch) -> MarkerTree {
    is(MarkerValueString::PlatformMachine, arch.machine())
}

fn is(key: MarkerValueString, value: &str) -> MarkerTree {
    MarkerTree::expression(MarkerExpression::String {
        key,
        operator: MarkerOperator::Equal,
        value: value.to_owned(),
    })
}

fn python(operator: Operator, runtime: Runtime) -> MarkerTree {
    let (major, minor) = runtime.version();
    let version = Version::new([u64::from(major), u64::from(minor)]);
    let specifier = VersionSpecifier::from_version(operator, version)
        .expect("a version of two numbers goes with every comparison");
    MarkerTree::expression(MarkerExpression::Version {
        key: MarkerValueVersion::PythonVersion,
        specifier,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::{marker_environment, shown_marker};

    use super::*;

    fn targets(names: &[&str]) -> Vec<Target> {
        let target = |name: &&str| {
            let (runtime, arch) = name.split_once(' ').expect("two words");
            Target {
                runtime: runtime.parse().expect("a runtime"),
                arch: arch.parse().expect("an architecture"),
            }
        };
        names.iter().map(target).collect()
    }

    fn shown(some: &[&str], all: &[&str]) -> String {
        let marker = marker_for_targets(&targets(some), &targets(all));
        shown_marker(&marker).unwrap_or_else(|| "always".to_owned())
    }

    const FOUR: [&str; 4] = [
        "python3.12 x86_64",
        "python3.12 arm64",
        "python3.13 x86_64",
        "python3.13 arm64",
    ];

    #[test]
    fn a_target_is_its_python_its_machine_and_linux() {
        let marker = marker_for(&targets(&["python3.13 arm64"])[0]);
        insta::assert_snapshot!(shown_marker(&marker).expect("is not always true"), @"python_full_version == '3.13.*' and platform_machine == 'aarch64' and sys_platform == 'linux'");
    }

    #[test]
    fn the_simplest_difference_is_written() {
        insta::assert_snapshot!(shown(&FOUR, &FOUR), @"always");
        insta::assert_snapshot!(shown(&FOUR[..2], &FOUR), @"python_full_version < '3.13'");
        insta::assert_snapshot!(shown(&FOUR[2..], &FOUR), @"python_full_version >= '3.13'");
        insta::assert_snapshot!(shown(&[FOUR[1], FOUR[3]], &FOUR), @"platform_machine == 'aarch64'");
        insta::assert_snapshot!(shown(&FOUR[3..], &FOUR), @"python_full_version >= '3.13' and platform_machine == 'aarch64'");
        insta::assert_snapshot!(shown(&[FOUR[0], FOUR[3]], &FOUR), @"(python_full_version < '3.13' and platform_machine == 'x86_64') or (python_full_version >= '3.13' and platform_machine == 'aarch64')");
        let pythons = ["python3.11 arm64", "python3.12 arm64", "python3.13 arm64"];
        insta::assert_snapshot!(shown(&pythons[1..2], &pythons), @"python_full_version == '3.12.*'");
        insta::assert_snapshot!(shown(&[pythons[0], pythons[2]], &pythons), @"python_full_version != '3.12.*'");
    }

    proptest! {
        #[test]
        fn a_marker_is_true_on_its_targets_alone(all in any::<u16>(), some in any::<u16>()) {
            let pythons = Runtime::all().take(8);
            let grid: Vec<Target> = pythons
                .flat_map(|runtime| Arch::ALL.map(|arch| Target { runtime, arch }))
                .collect();
            let chosen = |bits: u16| -> Vec<Target> {
                let numbered = (0..16).zip(&grid);
                numbered.filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, it)| *it).collect()
            };
            let (some, all) = (chosen(some & all), chosen(all));
            let marker = marker_for_targets(&some, &all);
            for target in &all {
                let environment = marker_environment(target);
                prop_assert_eq!(marker.evaluate(&environment, &[]), some.contains(target));
                for other in &grid {
                    let own = marker_for(target).evaluate(&marker_environment(other), &[]);
                    prop_assert_eq!(own, other == target);
                }
            }
        }
    }
}
