//! The beginning of a tree that a lockfile gives (npm's `initTree`): the lockfile laid out, and those
//! packages queued that lack something.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::build::Builder;
use super::load::load;
use super::tree::{NodeId, Set, Tree};
use super::{Ask, Project, Source, Update};
use crate::package_json::PackageJson;
use crate::package_lock::{Lacking, PackageLock};
use crate::spec::Spec;

impl<'s, S: Source> Builder<'s, S> {
    /// A builder that begins with a lockfile, as far as the update leaves it in force.
    pub(super) async fn from_lock(
        project: &Project,
        previous: &PackageLock,
        update: &Update,
        source: &'s S,
    ) -> Builder<'s, S> {
        let names: &[Arc<str>] = match update {
            Update::All => {
                let mut builder = Builder::new(project, source);
                builder.prunes = true;
                return builder;
            }
            Update::Packages(names) => names,
            Update::None => &[],
        };
        let inflated = inflated(previous, source).await;
        let lock = inflated.as_ref().unwrap_or(previous);
        let folders = folders(lock, source).await;
        let tree = load(project, lock, &|location| folders.get(location).cloned());
        let incomplete = incomplete(&tree);
        let mut builder = Builder::on(tree, source);
        builder.prunes = true;
        builder.moving = FxHashSet::from_iter(names.iter().cloned());
        for node in incomplete {
            builder.push(node);
        }
        builder.queue_moving();
        builder
    }

    /// Queues whoever asks for a package that may move.
    fn queue_moving(&mut self) {
        for node in self.tree.all() {
            let tree = &self.tree;
            if !self.moving.contains(&tree[node].name)
                || tree.is_top(node)
                || tree.in_dependency_bundle(node)
                || tree.in_shrinkwrap(node)
            {
                continue;
            }
            let askers: Vec<NodeId> = tree[node].edges_in.iter().map(|e| tree[*e].from).collect();
            for asker in askers {
                self.push(asker);
            }
        }
    }
}

/// The packages that lack something, of those that the project leads to without passing a link:
/// what links lead to is looked at anyway.
fn incomplete(tree: &Tree) -> Vec<NodeId> {
    let mut reached: Set<NodeId> = Set::from_iter([tree.root]);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(node) = reached.get_index(at).copied() {
        at += 1;
        let mut lacks = false;
        for edge in tree[node].edges_out.values() {
            lacks |= tree[*edge].to.is_none() || !tree.is_valid(*edge);
            reached.extend(tree[*edge].to);
        }
        if lacks {
            found.push(node);
        }
    }
    found
}

/// The package.json files of the folders that links lead to.
async fn folders(lock: &PackageLock, source: &impl Source) -> FxHashMap<Arc<str>, PackageJson> {
    let mut folders = FxHashMap::default();
    for locked in lock.packages.values() {
        if let Some(target) = &locked.link
            && !folders.contains_key(target)
            && let Some(package) = source.folder(target).await
        {
            folders.insert(target.clone(), package);
        }
    }
    folders
}

/// The lockfile with the manifests that an old version of the format leaves out; what cannot be had
/// stays as it is, as with npm.
async fn inflated(lock: &PackageLock, source: &impl Source) -> Option<PackageLock> {
    let lacking = lock.lacking();
    if lacking.is_empty() {
        return None;
    }
    let asks: Vec<(Lacking, Spec)> = lacking
        .into_iter()
        .filter_map(|lacking| {
            let wanted = lacking.version.as_deref().or(lacking.resolved.as_deref())?;
            let spec = Spec::parse(&lacking.name, wanted).ok()?;
            Some((lacking, spec))
        })
        .collect();
    for (lacking, spec) in &asks {
        source.prefetch(&Ask {
            name: &lacking.name,
            spec,
        });
    }
    let mut lock = lock.clone();
    for (lacking, spec) in asks {
        let ask = Ask {
            name: &lacking.name,
            spec: &spec,
        };
        if let Ok(manifest) = source.manifest(&ask).await {
            lock.supply(&lacking.location, &manifest);
        }
    }
    Some(lock)
}

#[cfg(test)]
mod tests;
