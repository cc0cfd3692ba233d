//! A lockfile as a tree: every entry in its folder, and what each asks for (npm's `loadVirtual`).
//!
//! What the project and its folders ask for comes from their package.json, whatever the lockfile
//! says of them; everything else is as locked.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::Project;
use super::flags;
use super::rules::Rules;
use super::tree::{Flags, NodeId, Seed, Tree};
use crate::manifest::{Manifest, Pairs};
use crate::package_json::PackageJson;
use crate::package_lock::{Locked, PackageLock, folder_name, split};
use crate::spec::Spec;

/// Reads the package.json of a folder, relative to the project; `None` when it has none.
pub type Folders<'f> = dyn Fn(&str) -> Option<PackageJson> + 'f;

/// What the root of a project's tree is made of.
pub(super) fn root_seed(package: &PackageJson) -> Seed {
    Seed {
        name: package
            .manifest
            .name
            .clone()
            .unwrap_or_else(|| "project".into()),
        manifest: Arc::new(package.manifest.clone()),
        dev_dependencies: Arc::new(package.dev_dependencies.clone()),
        failure: None,
        overrides: None,
    }
}

/// Lays out a lockfile.
pub(super) fn load(project: &Project, lock: &PackageLock, folders: &Folders<'_>) -> Tree {
    let rules = Rules::new(&project.package.overrides);
    let tree = Tree::new(rules, root_seed(&project.package), project);
    let mut loader = Loader {
        nodes: FxHashMap::from_iter([("", tree.root)]),
        tree,
        lock,
        folders,
        targets: lock
            .packages
            .values()
            .filter_map(|locked| locked.link.as_deref())
            .collect(),
    };
    loader.wishes();
    loader.packages();
    loader.links();
    loader.tree
}

/// Finds anew what is only for development, only optional and so on, and drops what nothing asks
/// for.
pub(super) fn recalculate(tree: &mut Tree) {
    let all = tree.all();
    for node in &all {
        tree[*node].flags = Flags::ALL;
    }
    flags::calculate(tree);
    for node in all {
        if tree[node].flags.extraneous && tree[node].parent.is_some() {
            tree.detach(node);
        }
    }
}

struct Loader<'l> {
    tree: Tree,
    lock: &'l PackageLock,
    folders: &'l Folders<'l>,
    nodes: FxHashMap<&'l str, NodeId>,
    /// The folders that links lead to.
    targets: FxHashSet<&'l str>,
}

impl<'l> Loader<'l> {
    fn packages(&mut self) {
        let lock = self.lock;
        let real = |(location, locked): &(&'l Arc<str>, &'l Locked)| {
            !location.is_empty() && locked.link.is_none()
        };
        let mut waiting: Vec<(&Arc<str>, &Locked)> = lock.packages.iter().filter(real).collect();
        while !waiting.is_empty() {
            let before = waiting.len();
            // npm writes what is above first; other programs need not.
            waiting.retain(|(location, locked)| !self.package(location, locked));
            if waiting.len() == before {
                for (location, locked) in std::mem::take(&mut waiting) {
                    self.top(location, locked);
                }
            }
        }
    }

    /// Remembers which branches and tags were asked for.
    fn wishes(&mut self) {
        for (location, locked) in &self.lock.packages {
            if split(location).is_some() || locked.link.is_some() {
                continue;
            }
            let manifest = &locked.manifest;
            // Of one name the last list counts.
            let lists = [
                &manifest.peer_dependencies,
                &*locked.dev_dependencies,
                &manifest.optional_dependencies,
                &manifest.dependencies,
            ];
            for (name, spec) in lists.into_iter().flatten() {
                if matches!(Spec::parse(name, spec), Ok(Spec::Git(_))) {
                    let wish = (location.clone(), name.clone());
                    self.tree.locked_wishes.insert(wish, spec.clone());
                }
            }
        }
    }

    /// Adds a package, unless the one above it has to come first.
    fn package(&mut self, location: &'l Arc<str>, locked: &Locked) -> bool {
        let Some((above, name)) = split(location) else {
            self.top(location, locked);
            return true;
        };
        let Some(parent) = self.nodes.get(above).copied() else {
            let is_coming = self
                .lock
                .packages
                .get(above)
                .is_some_and(|above| above.link.is_none());
            if !is_coming {
                self.top(location, locked);
            }
            return !is_coming;
        };
        let seed = seed(
            name.into(),
            locked.manifest.clone(),
            locked.dev_dependencies.clone(),
        );
        let node = self.tree.placed(seed, parent);
        self.nodes.insert(location, node);
        true
    }

    /// Adds a folder that is in no `node_modules` of the tree.
    fn top(&mut self, location: &'l Arc<str>, locked: &Locked) {
        let on_disk = self
            .targets
            .contains(&**location)
            .then(|| (self.folders)(location))
            .flatten();
        let (manifest, dev_dependencies) = match on_disk {
            Some(package) => (
                Arc::new(package.manifest),
                Arc::new(package.dev_dependencies),
            ),
            None => (locked.manifest.clone(), locked.dev_dependencies.clone()),
        };
        let name = folder_name(location).into();
        let node = self.tree.loose(seed(name, manifest, dev_dependencies));
        self.tree.settle(node, location);
        self.nodes.insert(location, node);
    }

    fn links(&mut self) {
        for (location, locked) in &self.lock.packages {
            let Some(target) = &locked.link else { continue };
            let Some((above, name)) = split(location) else {
                continue;
            };
            if let Some(parent) = self.nodes.get(above).copied()
                && let Some(target) = self.nodes.get(&**target).copied()
            {
                self.tree.link(&name.into(), target, parent);
            }
        }
    }
}

fn seed(name: Arc<str>, manifest: Arc<Manifest>, dev_dependencies: Arc<Pairs>) -> Seed {
    Seed {
        name,
        manifest,
        dev_dependencies,
        failure: None,
        overrides: None,
    }
}
