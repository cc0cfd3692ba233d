//! [`settle`]: what is expected beside a package is found with whoever asks for it.
//!
//! Yarn's lockfile has one entry for a package, whoever asks for it; but two that ask may have
//! different versions of what it expects beside it. Then it is two packages, as Yarn's *virtual*
//! ones are.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::ForeignLockError;
use super::graph::{Edge, Graph, Kind, Package, To};
use super::wishes::is_peer;
use crate::package_lock::MAX_PACKAGES;

/// What a package finds of what it expects, by name: the entries of the lockfile.
type Provided = BTreeMap<Arc<str>, To>;

/// Tells packages apart by what they find, and makes what they expect part of what they ask for.
///
/// # Errors
/// When there would be more packages than any project has.
pub(super) fn settle(graph: &Graph, file: &str) -> Result<Graph, ForeignLockError> {
    let mut settled = Settled {
        file,
        old: &graph.packages,
        new: Vec::new(),
        origins: Vec::new(),
        known: BTreeMap::new(),
        waiting: Vec::new(),
    };
    let mut importers = graph.importers.clone();
    for importer in &mut importers {
        let own = importer.name.clone();
        importer.edges = settled.edges(&importer.edges, own.as_ref(), &Provided::new())?;
    }
    while let Some((index, provided)) = settled.waiting.pop() {
        let old = settled.origins[index];
        let package = &settled.old[old];
        let own = package.manifest.name.clone();
        let edges = settled.edges(&package.edges, own.as_ref(), &provided)?;
        settled.new[index].edges = edges;
    }
    let same = settled.same();
    let edges_of_packages = settled.new.iter_mut().map(|it| &mut it.edges);
    let edges_of_importers = importers.iter_mut().map(|it| &mut it.edges);
    for edge in edges_of_importers.chain(edges_of_packages).flatten() {
        if let Some(To::Package(index)) = &mut edge.to {
            *index = same[*index];
        }
    }
    Ok(Graph {
        importers,
        packages: settled.new,
        places: None,
        overrides: graph.overrides.clone(),
    })
}

struct Settled<'g> {
    file: &'g str,
    old: &'g [Package],
    new: Vec<Package>,
    /// The entry that each new package is of.
    origins: Vec<usize>,
    known: BTreeMap<(usize, Provided), usize>,
    waiting: Vec<(usize, Provided)>,
}

impl Settled<'_> {
    /// Which package stands in for each: one that finds the same of what it expects, and perhaps
    /// more. A package that is there twice may not know itself.
    fn same(&self) -> Vec<usize> {
        let mut same: Vec<usize> = (0..self.new.len()).collect();
        let mut variants: BTreeMap<usize, Vec<(&Provided, usize)>> = BTreeMap::new();
        for ((old, provided), index) in &self.known {
            variants.entry(*old).or_default().push((provided, *index));
        }
        for of_one in variants.values_mut() {
            of_one.sort_by_key(|(provided, index)| (Reverse(provided.len()), *index));
            let mut kept: Vec<(&Provided, usize)> = Vec::new();
            for (provided, index) in of_one.iter() {
                let holds_all =
                    |more: &Provided| provided.iter().all(|(name, to)| more.get(name) == Some(to));
                match kept.iter().find(|(more, _)| holds_all(more)) {
                    Some((_, more)) => same[*index] = *more,
                    None => kept.push((provided, *index)),
                }
            }
        }
        same
    }

    /// The edges of somebody who finds `provided` beside them.
    fn edges(
        &mut self,
        edges: &[Edge],
        own: Option<&Arc<str>>,
        provided: &Provided,
    ) -> Result<Vec<Edge>, ForeignLockError> {
        // What whoever is asked for finds here.
        let mut here = provided.clone();
        for edge in edges.iter().filter(|edge| !is_peer(edge.kind)) {
            if let Some(to) = &edge.to {
                here.insert(edge.name.clone(), to.clone());
            }
        }
        let mut settled = Vec::new();
        for edge in edges {
            let (to, kind) = match is_peer(edge.kind) {
                false => (edge.to.clone(), edge.kind),
                true => match here.get(&edge.name) {
                    Some(to) => (
                        Some(to.clone()),
                        match edge.kind {
                            Kind::OptionalPeer => Kind::Optional,
                            _ => Kind::Needed,
                        },
                    ),
                    None => continue,
                },
            };
            let is_own = Some(&edge.name) == own;
            if is_peer(edge.kind) && is_own {
                continue;
            }
            let to = match to {
                Some(To::Package(old)) => Some(To::Package(self.package(old, &here)?)),
                other => other,
            };
            settled.push(Edge {
                to,
                kind,
                ..edge.clone()
            });
        }
        Ok(settled)
    }

    /// The package that an entry is for somebody who has `here` beside it.
    fn package(&mut self, old: usize, here: &Provided) -> Result<usize, ForeignLockError> {
        let package = &self.old[old];
        let expected = package.edges.iter().filter(|edge| is_peer(edge.kind));
        let provided: Provided = expected
            .filter_map(|edge| Some((edge.name.clone(), here.get(&edge.name)?.clone())))
            .collect();
        let key = (old, provided);
        if let Some(known) = self.known.get(&key) {
            return Ok(*known);
        }
        if self.new.len() >= MAX_PACKAGES {
            return Err(ForeignLockError::TooManyPackages {
                file: self.file.to_owned(),
                limit: MAX_PACKAGES,
            });
        }
        let index = self.new.len();
        self.new.push(Package {
            edges: Vec::new(),
            ..package.clone()
        });
        self.origins.push(old);
        self.waiting.push((index, key.1.clone()));
        self.known.insert(key, index);
        Ok(index)
    }
}
