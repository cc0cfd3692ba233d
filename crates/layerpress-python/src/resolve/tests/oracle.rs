//! The solver against trying everything.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use pep440_rs::Version;
use pep508_rs::{PackageName, VersionOrUrl};
use proptest::prelude::*;

use super::universe::{Universe, environment, request, wanted};
use crate::Dependency;
use crate::resolve::{Need, Wanted, ranges};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

type Choice = BTreeMap<PackageName, Version>;

/// A requirement on one of the packages.
fn any_requirement() -> impl Strategy<Value = String> {
    let bound = prop_oneof![
        2 => Just(String::new()),
        2 => (1u8..4).prop_map(|version| format!("=={version}")),
        2 => (1u8..4).prop_map(|version| format!("<={version}")),
        2 => (1u8..4).prop_map(|version| format!(">={version}")),
        1 => (1u8..4).prop_map(|version| format!("!={version}")),
    ];
    let extra = prop_oneof![4 => Just(""), 1 => Just("[x]")];
    (0..NAMES.len(), extra, bound)
        .prop_map(|(name, extra, bound)| format!("{}{extra}{bound}", NAMES[name]))
}

/// A requirement of a release, sometimes under its extra or under a marker.
fn any_dependency() -> impl Strategy<Value = String> {
    let marker = prop_oneof![
        6 => Just(""),
        2 => Just("; extra == 'x'"),
        1 => Just("; sys_platform == 'linux'"),
        1 => Just("; sys_platform == 'win32'"),
    ];
    (any_requirement(), marker).prop_map(|(requirement, marker)| format!("{requirement}{marker}"))
}

fn any_universe() -> impl Strategy<Value = String> {
    prop::collection::btree_map(
        (0..NAMES.len(), 1u8..4),
        prop::collection::vec(any_dependency(), 0..3),
        3..15,
    )
    .prop_map(|releases| {
        let mut lines = String::new();
        for ((name, version), requires) in releases {
            lines.push_str(&format!(
                "{} {version}: {}\n",
                NAMES[name],
                requires.join(" | ")
            ));
        }
        lines
    })
}

/// Every requirement that a choice of versions brings about, with whether it is met.
fn holds(universe: &Universe, roots: &[Wanted], choice: &Choice) -> bool {
    let environment = environment("3.12.9");
    let mut queue: Vec<(PackageName, Vec<pep508_rs::ExtraName>, Need)> = roots
        .iter()
        .map(|wanted| {
            (
                wanted.name.clone().unwrap(),
                wanted.extras.clone(),
                wanted.need.clone(),
            )
        })
        .collect();
    let mut seen = Vec::new();
    while let Some((name, extras, need)) = queue.pop() {
        let Some(version) = choice.get(&name) else {
            return false;
        };
        if let Need::Versions(specifiers) = &need
            && !ranges::admitted(specifiers).contains(version)
        {
            return false;
        }
        if seen.contains(&(name.clone(), extras.clone())) {
            continue;
        }
        seen.push((name.clone(), extras.clone()));
        let releases = universe.releases(&name);
        let Some((_, metadata)) = releases.iter().find(|(known, _)| known == version) else {
            return false;
        };
        let applies = |dependency: &&Dependency| dependency.marker.evaluate(&environment, &extras);
        for dependency in metadata.requires_dist().filter(applies) {
            let need = match &dependency.version_or_url {
                Some(VersionOrUrl::VersionSpecifier(specifiers)) => {
                    Need::Versions(specifiers.clone())
                }
                _ => Need::Versions(pep440_rs::VersionSpecifiers::empty()),
            };
            queue.push((dependency.name.clone(), dependency.extras.clone(), need));
        }
    }
    true
}

/// Whether any choice of versions meets the requirements.
fn solvable(universe: &Universe, roots: &[Wanted]) -> bool {
    let names: Vec<PackageName> = NAMES
        .iter()
        .map(|name| PackageName::from_str(name).unwrap())
        .collect();
    let mut choices = vec![Choice::new()];
    for name in names {
        let releases = universe.releases(&name);
        choices = choices
            .into_iter()
            .flat_map(|choice| {
                let mut more: Vec<Choice> = releases
                    .iter()
                    .map(|(version, _)| {
                        let mut choice = choice.clone();
                        choice.insert(name.clone(), version.clone());
                        choice
                    })
                    .collect();
                more.push(choice);
                more
            })
            .collect();
    }
    choices.iter().any(|choice| holds(universe, roots, choice))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_solution_is_found_if_there_is_one(
        lines in any_universe(),
        roots in prop::collection::vec(any_requirement(), 1..4),
        cold in any::<bool>(),
    ) {
        let mut universe = Universe::of(&lines);
        universe.cold = cold;
        let roots: Vec<&str> = roots.iter().map(String::as_str).collect();
        let wanted = wanted("requirements.txt", &roots);
        match universe.run(request(&roots)) {
            Ok(resolution) => {
                let choice: Choice = resolution
                    .packages
                    .iter()
                    .map(|package| (package.name.clone(), package.version.clone()))
                    .collect();
                prop_assert!(
                    holds(&universe, &wanted, &choice),
                    "{:?} does not meet {:?} in\n{}", choice, roots, lines
                );
            }
            Err(error) => {
                prop_assert!(
                    !solvable(&universe, &wanted),
                    "{} is solvable, but:\n{}\n{}", roots.join(" "), error, lines
                );
                // Explanations always begin with a line of the user's.
                prop_assert!(error.to_string().contains("requirements.txt:"), "{}", error);
            }
        }
    }
}
