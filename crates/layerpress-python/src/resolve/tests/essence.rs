//! That what is told of a proof is true, and enough.

use std::str::FromStr as _;

use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::{MarkerTree, PackageName};
use proptest::prelude::*;
use pubgrub::Ranges;

use crate::resolve::essence::essence;
use crate::resolve::facts::Fact;
use crate::resolve::package::{NameId, Names, Package};
use crate::resolve::ranges::admitted;

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// `1` to `4` exist of each package.
fn known(_: NameId) -> Vec<Version> {
    (1..5).map(|number| Version::new([number])).collect()
}

fn packages() -> Vec<Package> {
    let mut names = Names::new();
    let always = names.marker(&MarkerTree::TRUE);
    NAMES
        .iter()
        .map(|name| {
            let name = names.package(&PackageName::from_str(name).unwrap());
            Package::required(name, None, always)
        })
        .collect()
}

fn range(text: &str) -> Ranges<Version> {
    admitted(&VersionSpecifiers::from_str(text).unwrap())
}

fn any_range() -> impl Strategy<Value = Ranges<Version>> {
    let number = 1u8..5;
    prop_oneof![
        Just(range("")),
        number.clone().prop_map(|it| range(&format!("=={it}"))),
        number.clone().prop_map(|it| range(&format!(">={it}"))),
        number.clone().prop_map(|it| range(&format!("<={it}"))),
        number.prop_map(|it| range(&format!("!={it}"))),
    ]
}

fn any_fact() -> impl Strategy<Value = Fact> {
    let name = || 0..NAMES.len();
    prop_oneof![
        2 => (name(), any_range()).prop_map(|(at, range)| Fact::Asked {
            line: at,
            package: packages()[at],
            range,
            required: true,
        }),
        1 => (name(), any_range()).prop_filter_map("a range", |(at, range)| {
            Some(Fact::NoVersions { name: packages()[at].name()?, range })
        }),
        8 => (name(), any_range(), name(), any_range())
            .prop_filter("two packages", |(package, _, needed, _)| package != needed)
            .prop_map(|(package, versions, needed, range)| Fact::Needs {
                package: packages()[package],
                versions,
                needed: packages()[needed],
                range,
            }),
    ]
}

/// Whether a choice of versions (0 is none) agrees with a fact.
fn agrees(choice: &[u64], fact: &Fact) -> bool {
    let of = |package: Package| {
        let at = packages().iter().position(|it| it.name() == package.name());
        let number = at.map_or(0, |at| choice[at]);
        (number > 0).then(|| Version::new([number]))
    };
    let within = |package, range: &Ranges<Version>| {
        of(package).is_some_and(|version| range.contains(&version))
    };
    match fact {
        Fact::Asked { package, range, .. } => within(*package, range),
        Fact::NoVersions { name, range } => !within(Package::plain(*name), range),
        Fact::Needs {
            package,
            versions,
            needed,
            range,
        } => !within(*package, versions) || within(*needed, range),
        _ => true,
    }
}

fn satisfiable(facts: &[Fact]) -> bool {
    (0..5u64.pow(4)).any(|code| {
        let choice: Vec<u64> = (0..4).map(|at| code / 5u64.pow(at) % 5).collect();
        facts.iter().all(|fact| agrees(&choice, fact))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn what_is_told_is_enough_and_true(facts in prop::collection::vec(any_fact(), 2..14)) {
        let Some(told) = essence(&facts, &known) else {
            return Ok(());
        };
        prop_assert!(!satisfiable(&told), "{told:#?} can be met");
        for fact in &told {
            // Whatever the facts admit must agree with each that is told.
            let mut others = facts.clone();
            others.retain(|other| !matches!(other, Fact::Asked { .. }));
            if matches!(fact, Fact::Asked { .. }) {
                prop_assert!(facts.contains(fact));
                continue;
            }
            let wrong = (0..5u64.pow(4)).find(|code| {
                let choice: Vec<u64> = (0..4).map(|at| code / 5u64.pow(at) % 5).collect();
                others.iter().all(|other| agrees(&choice, other)) && !agrees(&choice, fact)
            });
            prop_assert!(wrong.is_none(), "{fact:?} does not follow");
        }
    }
}
