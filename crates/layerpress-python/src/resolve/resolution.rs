//! What a resolution gives: one release for each package, and how they hang together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pep440_rs::Version;
use pep508_rs::{ExtraName, PackageName};
use rustc_hash::FxHashMap;

use super::inputs::Request;
use super::package::{NameId, Names, Package};
use super::provider::Fixed;
use super::solver::Solution;
use crate::Metadata;

/// One release for each package that the requirements need.
#[derive(Debug, Clone)]
pub struct Resolution<F> {
    /// The packages, in the order of their names.
    pub packages: Vec<Resolved<F>>,
    /// What the user should know all the same.
    pub warnings: Vec<Warning>,
}

/// A chosen release.
#[derive(Debug, Clone)]
pub struct Resolved<F> {
    /// The package.
    pub name: PackageName,
    /// The version.
    pub version: Version,
    /// The extras of it that something asked for, in order.
    pub extras: Vec<ExtraName>,
    /// The file that its metadata came from, with whatever the provider keeps beside it.
    pub file: F,
    /// Its metadata.
    pub metadata: Arc<Metadata>,
    /// Whether a line of the user's names its source outright.
    pub fixed: bool,
    /// The packages that it needs on this target, its chosen extras included, in order.
    pub dependencies: Vec<PackageName>,
    /// The user's lines that ask for it, as positions in [`Request::requirements`].
    pub requested_by: Vec<usize>,
}

/// What is odd about a resolution without making it wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// An extra was asked for that the release does not have.
    UnknownExtra {
        /// The package.
        name: PackageName,
        /// Its chosen version.
        version: Version,
        /// The extra.
        extra: ExtraName,
    },
    /// A yanked release was taken, because a pin demands it.
    Yanked {
        /// The package.
        name: PackageName,
        /// Its chosen version.
        version: Version,
        /// The reason given for the yank; may be empty.
        reason: String,
    },
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownExtra {
                name,
                version,
                extra,
            } => write!(f, "{name} {version} has no extra `{extra}`"),
            Self::Yanked {
                name,
                version,
                reason,
            } if reason.is_empty() => write!(f, "{name} {version} was yanked"),
            Self::Yanked {
                name,
                version,
                reason,
            } => write!(f, "{name} {version} was yanked: {reason}"),
        }
    }
}

impl<F: Clone> Resolution<F> {
    /// Reads the chosen releases out of the solver's answer.
    pub(crate) fn new(
        solution: &Solution<F>,
        request: &Request,
        fixed: &FxHashMap<PackageName, Fixed<F>>,
    ) -> Self {
        let names = &solution.names;
        let mut releases: BTreeMap<&PackageName, (NameId, &Version)> = BTreeMap::new();
        let mut extras: BTreeMap<&PackageName, BTreeSet<&ExtraName>> = BTreeMap::new();
        let mut needs: BTreeMap<&PackageName, BTreeSet<&PackageName>> = BTreeMap::new();
        for (package, version) in &solution.chosen {
            let Some(id) = package.name() else { continue };
            let name = names.package_name(id);
            releases.insert(name, (id, version));
            if let Package::Feature(_, extra, _) = package {
                extras
                    .entry(name)
                    .or_default()
                    .insert(names.extra_name(*extra));
            }
            if matches!(package, Package::Plain(..) | Package::Feature(..)) {
                let edges = solution.edges.get(&(*package, version.clone()));
                let needed = needs.entry(name).or_default();
                for edge in edges.into_iter().flatten() {
                    needed.extend(edge.package.name().map(|id| names.package_name(id)));
                }
            }
        }
        let requested_by = requested_by(solution, names, request.requirements.len());
        let mut resolution = Self {
            packages: Vec::with_capacity(releases.len()),
            warnings: Vec::new(),
        };
        for (name, (id, version)) in releases {
            let key = (id, version.clone());
            let (file, metadata, is_fixed) = match fixed.get(name) {
                Some(fixed) => (&fixed.file, &fixed.metadata, true),
                None => match (solution.picks.get(&key), solution.metadata.get(&key)) {
                    (Some(pick), Some(metadata)) => {
                        resolution
                            .warnings
                            .extend(pick.yanked.as_ref().map(|reason| Warning::Yanked {
                                name: name.clone(),
                                version: version.clone(),
                                reason: reason.clone(),
                            }));
                        (&pick.file, metadata, false)
                    }
                    // Nothing is decided without both.
                    _ => continue,
                },
            };
            let extras: Vec<ExtraName> = extras
                .get(name)
                .into_iter()
                .flatten()
                .copied()
                .cloned()
                .collect();
            for extra in extras
                .iter()
                .filter(|extra| !metadata.provides_extra.contains(extra))
            {
                resolution.warnings.push(Warning::UnknownExtra {
                    name: name.clone(),
                    version: version.clone(),
                    extra: extra.clone(),
                });
            }
            let needed = needs.get(name).into_iter().flatten();
            resolution.packages.push(Resolved {
                name: name.clone(),
                version: version.clone(),
                extras,
                file: file.clone(),
                metadata: Arc::clone(metadata),
                fixed: is_fixed,
                dependencies: needed
                    .copied()
                    .filter(|&needed| needed != name)
                    .cloned()
                    .collect(),
                requested_by: requested_by.get(name).cloned().unwrap_or_default(),
            });
        }
        resolution
    }
}

fn requested_by<'n, F>(
    solution: &Solution<F>,
    names: &'n Names,
    requirements: usize,
) -> BTreeMap<&'n PackageName, Vec<usize>> {
    let mut lines: BTreeMap<&PackageName, Vec<usize>> = BTreeMap::new();
    let root = solution
        .chosen
        .iter()
        .find(|(package, _)| *package == Package::Root);
    let edges = root.and_then(|root| solution.edges.get(root));
    for edge in edges.into_iter().flatten() {
        if let (Some(id), Some(line)) = (edge.package.name(), edge.line)
            && line < requirements
        {
            let lines = lines.entry(names.package_name(id)).or_default();
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    lines
}
