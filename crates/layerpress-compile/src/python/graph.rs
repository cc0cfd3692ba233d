//! What a Python lock or layer says of who asks for whom.
//!
//! What a package needs stands in its own metadata, in versions and extras. A lock tells less, but it
//! tells without asking anybody: it counts for packages whose metadata is not at hand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::join_all;
use layerpress_check::Inferred;
use layerpress_fetch::redacted;
use layerpress_lock::{ForeignPackage, marker_environment};
use layerpress_python::index::Registry;
use layerpress_python::installed::{Described, described};
use layerpress_python::manifest::{Manifest, Source};
use layerpress_python::{Dependency, Metadata};
use layerpress_target::{Ecosystem, Target};
use layerpress_tree::LayerTree;
use pep508_rs::{ExtraName, MarkerEnvironment, PackageName, VersionOrUrl};

use super::shelf::Shelf;
use crate::graph::{Graph, GraphPackage, Need, NeedKind};
use crate::pins::Job;
use crate::project::parent;

/// What is known of a package before its needs are.
struct Known {
    name: String,
    version: Option<String>,
    place: Option<String>,
    metadata: Option<Arc<Metadata>>,
    /// What the lock says that it needs.
    locked: Vec<PackageName>,
}

/// What a lock pins for a job, and who asks for whom. `asked` are the lines that lead to it; metadata that
/// the store does not hold is fetched if `fetches`.
pub(super) fn graph(
    packages: &[ForeignPackage],
    asked: Vec<Need>,
    registry: &Registry,
    job: &Job<'_>,
    fetches: bool,
) -> Graph {
    // A list of pins tells nothing of who needs whom.
    let is_list = packages.iter().all(|it| it.package.dependencies.is_empty());
    let source = Shelf {
        registry,
        target: &job.target,
        folder: &parent(&job.project.lockfile),
        fetches: fetches || is_list,
    };
    let metadata = packages.iter().map(|foreign| source.metadata(foreign));
    let metadata = job.session.wait(join_all(metadata));
    let untold = metadata.iter().filter(|it| it.is_none()).count();
    if is_list && untold > 0 {
        job.session.warn_all([format!(
            "`{}` does not tell what its packages need, and of {untold} of them no metadata can be had: \
             what they need is not shown as such",
            job.project.lockfile.display()
        )]);
    }
    let known = packages.iter().zip(metadata).map(|(foreign, metadata)| {
        let package = &foreign.package;
        let of_metadata = metadata.as_ref().map(|it| &it.version);
        let version = package.version.as_ref().or(of_metadata);
        let needed = package.dependencies.iter().map(|it| it.name.clone());
        Known {
            name: package.name.to_string(),
            version: version.map(ToString::to_string),
            place: None,
            metadata,
            locked: needed.collect(),
        }
    });
    let known: Vec<Known> = known.collect();
    let (asked, packages) = connected(known, asked, &job.target, false);
    Graph {
        ecosystem: Ecosystem::Python,
        root: job.project.shown.clone(),
        is_layer: false,
        runtime: Some(job.target.runtime),
        arch: Some(job.target.arch),
        made_for: Inferred::default(),
        asked,
        packages,
    }
}

/// The distributions that a layer holds; it asks for none.
pub(crate) fn installed_graph(tree: &LayerTree, target: &Target) -> (Vec<Need>, Vec<GraphPackage>) {
    let known = described(tree).into_iter().map(|it| {
        let Described {
            name,
            version,
            root,
            metadata,
        } = it;
        Known {
            name,
            version: Some(version).filter(|it| !it.is_empty()),
            place: Some(root),
            metadata: metadata.map(Arc::new),
            locked: Vec::new(),
        }
    });
    connected(known.collect(), Vec::new(), target, true)
}

/// The lines of a manifest that count on a target.
pub(super) fn lines(manifest: &Manifest, target: &Target) -> Vec<Need> {
    let environment = marker_environment(target);
    let lines = manifest.requirements.iter();
    let lines = lines.filter(|line| line.marker.evaluate(&environment, &[]));
    let need = |line: &layerpress_python::manifest::Requirement| {
        let requirement = match &line.source {
            Source::Index(specifiers) => joined(specifiers.iter()),
            other => format!("@ {other}"),
        };
        Some(Need {
            name: line.name.as_ref()?.to_string(),
            requirement: Some(requirement),
            extras: line.extras.iter().map(ToString::to_string).collect(),
            place: Some(line.origin.to_string()),
            ..Need::default()
        })
    };
    lines.filter_map(need).collect()
}

/// A name as PEP 503 compares them; what can be none is left as it is.
pub(crate) fn normalised(name: &str) -> String {
    let parsed: Result<PackageName, _> = name.parse();
    parsed.map_or_else(|_| name.to_owned(), |name| name.to_string())
}

/// Finds what everything leads to. What is `missing` is told, or else passed over: it was left out on
/// purpose.
fn connected(
    known: Vec<Known>,
    mut asked: Vec<Need>,
    target: &Target,
    missing: bool,
) -> (Vec<Need>, Vec<GraphPackage>) {
    let environment = marker_environment(target);
    let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, of) in known.iter().enumerate() {
        by_name.entry(&of.name).or_default().push(index);
    }
    // What lies in the same folder is nearer than what lies in another.
    let find = |name: &str, from: Option<usize>| -> Option<usize> {
        let all = by_name.get(name)?;
        let place = from.map(|from| &known[from].place);
        let beside = all
            .iter()
            .find(|index| place == Some(&known[**index].place));
        beside.or(all.first()).copied()
    };
    let mut active: Vec<BTreeSet<ExtraName>> = vec![BTreeSet::new(); known.len()];
    for need in &mut asked {
        need.to = find(&need.name, None);
        if let Some(to) = need.to {
            active[to].extend(need.extras.iter().filter_map(|it| it.parse().ok()));
        }
    }
    asked.retain(|need| missing || need.to.is_some());
    let mut queue: Vec<usize> = (0..known.len()).collect();
    while let Some(from) = queue.pop() {
        let extras: Vec<ExtraName> = active[from].iter().cloned().collect();
        for (dependency, _) in applying(&known[from], &extras, &environment) {
            let Some(to) = find(dependency.name.as_ref(), Some(from)) else {
                continue;
            };
            let before = active[to].len();
            active[to].extend(dependency.extras.iter().cloned());
            if active[to].len() > before {
                queue.push(to);
            }
        }
    }
    let needs = |(from, of): (usize, &Known)| -> Vec<Need> {
        let extras: Vec<ExtraName> = active[from].iter().cloned().collect();
        let told = applying(of, &extras, &environment).into_iter();
        let told = told.map(|(dependency, kind)| Need {
            name: dependency.name.to_string(),
            requirement: Some(versions(dependency)),
            extras: dependency.extras.iter().map(ToString::to_string).collect(),
            kind,
            place: None,
            to: find(dependency.name.as_ref(), Some(from)),
        });
        let locked = of.locked.iter().filter_map(|name| {
            let (requirement, kind) = match &of.metadata {
                None => (None, NeedKind::Required),
                Some(metadata) => by_extra(metadata, name, &extras, &environment)?,
            };
            Some(Need {
                name: name.to_string(),
                requirement,
                kind,
                to: find(name.as_ref(), Some(from)),
                ..Need::default()
            })
        });
        let all = told.chain(locked);
        all.filter(|need| missing || need.to.is_some()).collect()
    };
    let packages: Vec<Vec<Need>> = known.iter().enumerate().map(needs).collect();
    let packages = known.into_iter().zip(packages);
    let packages = packages.map(|(of, needs)| GraphPackage {
        name: of.name,
        version: of.version,
        place: of.place,
        needs,
    });
    (asked, packages.collect())
}

/// What a package needs with these extras.
fn applying<'a>(
    of: &'a Known,
    extras: &[ExtraName],
    environment: &MarkerEnvironment,
) -> Vec<(&'a Dependency, NeedKind)> {
    let Some(metadata) = &of.metadata else {
        return Vec::new();
    };
    let kind = |dependency: &Dependency| {
        let holds = |extras: &[ExtraName]| dependency.marker.evaluate(environment, extras);
        if holds(&[]) {
            return Some(NeedKind::Required);
        }
        if !holds(extras) {
            return None;
        }
        let one = extras
            .iter()
            .find(|extra| holds(std::slice::from_ref(*extra)));
        Some(one.map_or(NeedKind::Required, |one| NeedKind::Extra(one.to_string())))
    };
    let all = metadata.dependencies(extras);
    all.filter_map(|dependency| Some((dependency, kind(dependency)?)))
        .collect()
}

/// How a package needs another that its lock says it does, for an extra that is not known to be asked for:
/// whose metadata is not at hand may ask for it.
fn by_extra(
    metadata: &Metadata,
    name: &PackageName,
    extras: &[ExtraName],
    environment: &MarkerEnvironment,
) -> Option<(Option<String>, NeedKind)> {
    let other = metadata.provides_extra.iter();
    let mut other = other.filter(|extra| !extras.contains(extra));
    other.find_map(|extra| {
        let asked = std::slice::from_ref(extra);
        let mut needed = metadata.dependencies(asked).filter(|it| it.name == *name);
        let needed = needed.find(|it| it.marker.evaluate(environment, asked))?;
        let is_told = needed.marker.evaluate(environment, extras);
        let kind = NeedKind::Extra(extra.to_string());
        (!is_told).then(|| (Some(versions(needed)), kind))
    })
}

/// The versions of a dependency, without its name and marker.
fn versions(dependency: &Dependency) -> String {
    match &dependency.version_or_url {
        None => String::new(),
        Some(VersionOrUrl::VersionSpecifier(specifiers)) => joined(specifiers.iter()),
        Some(VersionOrUrl::Url(url)) => format!("@ {}", redacted(url)),
    }
}

fn joined<T: ToString>(clauses: impl Iterator<Item = T>) -> String {
    let clauses: Vec<String> = clauses.map(|clause| clause.to_string()).collect();
    clauses.join(",")
}

#[cfg(test)]
mod tests {
    use layerpress_target::{Arch, newest};

    use super::*;

    fn known(name: &str, requires: Option<&[&str]>, locked: &[&str]) -> Known {
        let metadata = requires.map(|requires| {
            let lines = requires.iter().map(|line| format!("Requires-Dist: {line}\n"));
            let text = format!(
                "Metadata-Version: 2.1\nName: {name}\nVersion: 1\nProvides-Extra: x\nProvides-Extra: y\n{}",
                lines.collect::<String>()
            );
            Arc::new(Metadata::parse(text.as_bytes()).expect("metadata"))
        });
        Known {
            name: name.to_owned(),
            version: None,
            place: None,
            metadata,
            locked: locked
                .iter()
                .map(|name| name.parse().expect("a name"))
                .collect(),
        }
    }

    fn told(known: Vec<Known>) -> Vec<String> {
        let target = Target {
            runtime: newest(Ecosystem::Python),
            arch: Arch::X86_64,
        };
        let (_, packages) = connected(known, Vec::new(), &target, false);
        let need = |need: &Need| {
            let requirement = need.requirement.as_deref().unwrap_or("?");
            format!(" {}{requirement} {}", need.name, need.kind.name())
        };
        let package = |it: GraphPackage| {
            let needs: String = it.needs.iter().map(need).collect();
            format!("{}:{needs}", it.name)
        };
        packages.into_iter().map(package).collect()
    }

    #[test]
    fn metadata_counts_and_the_lock_where_there_is_none() {
        let found = told(vec![
            known("app", None, &["library"]),
            known(
                "library",
                Some(&[
                    "base>=1",
                    "fast>=2; extra == 'x'",
                    "gone",
                    "base<9; os_name == 'nt'",
                ]),
                &["base", "fast", "other"],
            ),
            known("base", Some(&["library[y]"]), &[]),
            known("fast", Some(&[]), &[]),
            known("other", Some(&[]), &["library"]),
        ]);
        assert_eq!(
            found,
            [
                "app: library? required",
                // Only `app` can have asked for the extra; `other` is another target's.
                "library: base>=1 required fast>=2 extra",
                "base: library required",
                "fast:",
                "other:",
            ]
        );
    }
}
