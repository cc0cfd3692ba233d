//! What would help when nothing fits, found out where it is cheap to know.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pep440_rs::Version;
use pubgrub::Ranges;

use super::desk::Desk;
use super::explain::Context;
use super::facts::Fact;
use super::guesses::{guesses, other_names};
use super::package::NameId;
use super::provider::{Missing, Provider, Release, Unusable};
use super::ranges;
use super::reach::reach;
use super::stock::Stock;
use crate::stdlib::{Standing, standing};

/// Packages that ship the same thing with wheels.
const WITH_WHEELS: &[(&str, &str)] = &[
    ("mysqlclient", "pymysql"),
    ("opencv-python", "opencv-python-headless"),
    ("psycopg2", "psycopg2-binary"),
    ("pycrypto", "pycryptodome"),
    ("python-ldap", "ldap3"),
    ("sklearn", "scikit-learn"),
];

/// How many hints are given.
const HINTS: usize = 3;

/// How many releases are looked at to find one that the target can use.
const RELEASES: usize = 300;

/// What the facts of a proof call for, without repeating itself: first about what the user asks for
/// by name, then about what that needs.
pub(crate) async fn hints<P: Provider>(
    context: &Context<'_>,
    facts: &[Fact],
    desk: &Arc<Desk<P>>,
) -> Vec<String> {
    let asked: BTreeSet<NameId> = facts.iter().filter_map(Fact::asked_for).collect();
    let (mut near, mut far): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut spoken_of = BTreeSet::new();
    for fact in facts {
        let Some(name) = fact.subject() else { continue };
        let hint = match fact {
            Fact::Missing { missing, .. } => missing_hint(context, name, *missing, desk).await,
            Fact::NeedsPython { .. } => newest_usable(context, name, desk),
            Fact::Unusable { why, versions, .. } => {
                let only = facts.iter().filter(|other| other.subject() == Some(name));
                let only = only.count() == 1;
                unusable(context, name, versions, why, desk)
                    .filter(|_| only || !matches!(**why, Unusable::Yanked { .. }))
            }
            Fact::Asked { .. }
            | Fact::Needs { .. }
            | Fact::NoVersions { .. }
            | Fact::Contradiction { .. } => None,
        };
        // What exists under such a name was made for a Python of long ago.
        let own = |package: &pep508_rs::PackageName| no_package(package.as_ref(), context);
        let hint = match fact {
            Fact::NoVersions { .. } | Fact::NeedsPython { .. } | Fact::Unusable { .. } => {
                own(context.names.package_name(name)).or(hint)
            }
            _ => hint,
        };
        if let Some(hint) = hint
            && spoken_of.insert(name)
        {
            if asked.contains(&name) {
                near.push(hint);
            } else {
                far.push(hint);
            }
        }
    }
    near.append(&mut far);
    near.extend(on_another_index(context, facts, desk).await);
    near.truncate(HINTS);
    near
}

/// That an index has what is asked for, but another one with a package of that name goes first.
async fn on_another_index<P: Provider>(
    context: &Context<'_>,
    facts: &[Fact],
    desk: &Arc<Desk<P>>,
) -> Option<String> {
    for (name, wanted) in wanted(facts) {
        let package = context.names.package_name(name);
        for passed_over in desk.passed_over(package).await {
            let stock = Stock::new(passed_over.listing);
            let found = desk.selector().best(package, &wanted, &stock);
            let Some(found) = found.filter(|it| matches!(it.release, Release::Usable(_))) else {
                continue;
            };
            return Some(format!(
                "`{}` has {package} {}, but is not asked for it: `{}` goes first and has a package \
                 of that name; `--index-strategy unsafe-best-match` asks both",
                passed_over.index, found.version, passed_over.before
            ));
        }
    }
    None
}

/// What is asked and needed of each package, where that can be met at all.
fn wanted(facts: &[Fact]) -> BTreeMap<NameId, Ranges<Version>> {
    let mut wanted: BTreeMap<NameId, Ranges<Version>> = BTreeMap::new();
    for fact in facts {
        let (package, range) = match fact {
            Fact::Asked { package, range, .. } => (package, range),
            Fact::Needs { needed, range, .. } => (needed, range),
            _ => continue,
        };
        if let Some(name) = package.name() {
            let all = wanted.entry(name).or_insert_with(Ranges::full);
            *all = all.intersection(range);
        }
    }
    wanted.retain(|_, range| !range.is_empty());
    wanted
}

async fn missing_hint<P: Provider>(
    context: &Context<'_>,
    name: NameId,
    missing: Missing,
    desk: &Arc<Desk<P>>,
) -> Option<String> {
    match missing {
        Missing::Unknown => meant(context, name, desk).await,
        Missing::Offline => Some("run it once with the network allowed".to_owned()),
        Missing::NoIndex => Some(
            "leave out `--no-index`, or add a place that has it with `--find-links`".to_owned(),
        ),
    }
}

/// The package that a name which does not exist was meant for.
async fn meant<P: Provider>(
    context: &Context<'_>,
    name: NameId,
    desk: &Arc<Desk<P>>,
) -> Option<String> {
    let wrong = context.names.package_name(name);
    if let Some(hint) = no_package(wrong.as_ref(), context) {
        return Some(hint);
    }
    for guess in guesses(wrong, context.request) {
        if let Ok(stock) = desk.stock_later(&guess).await
            && !stock.known().is_empty()
        {
            return Some(format!("did you mean `{guess}`?"));
        }
    }
    None
}

/// What is to be said of Python itself and of its standard library.
fn no_package(name: &str, context: &Context<'_>) -> Option<String> {
    if matches!(name, "python" | "python3" | "cpython") {
        return Some(format!(
            "Python comes with the runtime, here {}: leave the line out, and choose another with \
             `--runtime`",
            context.request.target
        ));
    }
    let python = context.request.environment.python_version();
    let [major, minor, ..] = python.version.release()[..] else {
        return None;
    };
    let told = |python: (u64, u64)| format!("Python {}.{}", python.0, python.1);
    Some(match standing(name, (major, minor))? {
        Standing::Part => {
            format!("`{name}` is part of Python's standard library: leave the line out")
        }
        Standing::Until(last, now) => {
            let now = now.map_or(String::new(), |now| {
                format!("; the package `{now}` has it now")
            });
            let last = told(last);
            format!("`{name}` was part of the standard library up to {last}{now}")
        }
        Standing::From(first, before) => {
            let before = before.map_or(String::new(), |before| {
                format!("; the package `{before}` is for older ones")
            });
            let first = told(first);
            format!("`{name}` is part of the standard library from {first} on{before}")
        }
    })
}

fn unusable<P: Provider>(
    context: &Context<'_>,
    name: NameId,
    versions: &Ranges<Version>,
    why: &Unusable,
    desk: &Arc<Desk<P>>,
) -> Option<String> {
    let package = context.names.package_name(name);
    let example = || context.existing(name, versions).pop();
    match why {
        Unusable::NoWheel { .. } => {
            let has = wheels_of_newest(context, name, versions, desk);
            let other = other_names(WITH_WHEELS, package.as_ref()).next();
            let other = other.map(|other| format!("`{other}` ships wheels"));
            let newest = newest_usable(context, name, desk);
            let parts: Vec<String> = [has, other, newest].into_iter().flatten().collect();
            (!parts.is_empty()).then(|| parts.join("; "))
        }
        Unusable::NoBuild => {
            let other = other_names(WITH_WHEELS, package.as_ref()).next();
            Some(match other {
                Some(other) => format!("`{other}` ships wheels; or allow {package} to be built"),
                None => format!("allow {package} to be built: it only comes as source"),
            })
        }
        Unusable::NoBinary => Some(format!("allow wheels for {package}")),
        Unusable::Yanked { .. } => example()
            .map(|version| format!("to have it all the same, pin it: `{package}=={version}`")),
        Unusable::Python { .. } => newest_usable(context, name, desk),
        Unusable::UrlDependency { requirement } => Some(format!(
            "if you trust it, add `{requirement}` to your requirements"
        )),
        Unusable::Unhashed => Some(format!(
            "add {package} with its hashes to your requirements"
        )),
        Unusable::OtherHashes { .. } => Some(format!(
            "compare the hashes given for {package} with those on the index; each file has its own"
        )),
        Unusable::Metadata { .. } | Unusable::Contradiction { .. } => None,
    }
}

/// The newest version of a package that the target can use, whatever anybody asks for.
fn newest_usable<P: Provider>(
    context: &Context<'_>,
    name: NameId,
    desk: &Arc<Desk<P>>,
) -> Option<String> {
    let package = context.names.package_name(name);
    let stock: Arc<Stock<P::File>> = desk.stock_seen(package)?;
    let target = &context.request.target;
    let mut left = Ranges::full();
    for _ in 0..RELEASES {
        let Some(candidate) = desk.selector().best(package, &left, &stock) else {
            break;
        };
        if let Release::Usable(pick) = candidate.release {
            let python = desk.python();
            let fits = pick
                .requires_python
                .as_ref()
                .is_none_or(|specifiers| ranges::python_admitted(specifiers, python));
            if fits {
                let version = candidate.version;
                return Some(format!(
                    "the newest version of {package} for {target} is {version}"
                ));
            }
        }
        left = left.difference(&Ranges::singleton(candidate.version.clone()));
    }
    Some(format!("no version of {package} can be used on {target}"))
}

/// For whom the newest of the versions that have no wheel for the target has wheels.
fn wheels_of_newest<P: Provider>(
    context: &Context<'_>,
    name: NameId,
    versions: &Ranges<Version>,
    desk: &Arc<Desk<P>>,
) -> Option<String> {
    let package = context.names.package_name(name);
    let stock: Arc<Stock<P::File>> = desk.stock_seen(package)?;
    let newest = desk.selector().best(package, versions, &stock)?;
    let Release::Unusable(Unusable::NoWheel { platforms, pythons }) = newest.release else {
        return None;
    };
    let reach = reach(platforms, pythons, &context.request.environment)?;
    let version = newest.version;
    Some(format!("{package} {version} has wheels for {reach} only"))
}
