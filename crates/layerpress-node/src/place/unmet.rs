//! Whether a lockfile serves a project, as `npm ci` judges before it installs.

use std::fmt;
use std::sync::Arc;

use super::Project;
use super::load::{Folders, load};
use super::place_dep::label;
use super::tree::{EdgeId, Kind, NodeId, Set, Tree};
use crate::manifest::Pairs;
use crate::package_lock::PackageLock;

/// What a lockfile does not give to whoever asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmet {
    /// The folder of the package that asks; empty for the project.
    pub location: Arc<str>,
    /// Who asks, as people write it: `the project`, `react-dom@19.0.0`.
    pub by: Arc<str>,
    /// The fields of its package.json that lead to the wish: `dependencies`, `express`. Where that
    /// stands says [`line_of`](crate::package_json::line_of).
    pub path: Vec<String>,
    /// What it is called.
    pub name: Arc<str>,
    /// What it is asked for by, overrides applied.
    pub spec: Arc<str>,
    /// Why the lockfile does not serve.
    pub reason: UnmetReason,
}

/// Why a lockfile does not serve.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnmetReason {
    /// It has no such package.
    Missing,
    /// It has something else: a version, or what an alias or a link leads to.
    Other(Arc<str>),
}

/// Looks for the first thing that a lockfile does not give a project; nothing when it serves.
///
/// Like `npm ci` it takes a lockfile that holds more than is asked for, or holds it for another
/// reason. Beyond it: an optional package that could not be had when the lockfile was written is
/// not missed.
#[must_use]
pub fn unmet(project: &Project, lock: &PackageLock, folders: &Folders<'_>) -> Option<Unmet> {
    let tree = load(project, lock, folders);
    let mut reached: Set<NodeId> = Set::from_iter([tree.root]);
    let mut at = 0;
    while let Some(node) = reached.get_index(at).copied() {
        at += 1;
        for edge in tree[node].edges_out.values() {
            if let Some(reason) = fault(&tree, lock, *edge) {
                return Some(told(&tree, *edge, reason));
            }
            if let Some(to) = tree[*edge].to {
                reached.insert(to);
                reached.extend(tree[to].target);
            }
        }
    }
    None
}

fn fault(tree: &Tree, lock: &PackageLock, edge: EdgeId) -> Option<UnmetReason> {
    let of = &tree[edge];
    let own = tree.is_project_root(of.from) || tree.is_workspace(of.from) || tree.is_top(of.from);
    if !own && tree[of.from].manifest.bundled.contains(&of.name) {
        return None;
    }
    let Some(to) = of.to else {
        let is_known = || !own || could_not_be_had(tree, lock, edge);
        let fine = of.kind == Kind::PeerOptional || of.kind == Kind::Optional && is_known();
        return (!fine).then_some(UnmetReason::Missing);
    };
    // A peer of another package may have been passed over when the lockfile was written, and what a
    // package's own shrinkwrap brought is right.
    let passed_over = of.kind == Kind::PeerOptional || of.kind.is_peer() && !own;
    if passed_over || tree.is_valid(edge) || tree.in_shrinkwrap(to) {
        return None;
    }
    let found = &tree[to];
    let is_lost = found.manifest.version.is_none() && found.manifest.tarball.is_none();
    if is_lost && of.kind == Kind::Optional && found.target.is_none() {
        return None;
    }
    let other = match (&found.target, &found.manifest.version) {
        (Some(target), _) => format!("a link to `{}`", tree[*target].location).into(),
        (None, Some(version)) => {
            let real = found.manifest.name.as_ref().unwrap_or(&found.name);
            format!("{real}@{version}").into()
        }
        (None, None) => found
            .manifest
            .tarball
            .clone()
            .unwrap_or_else(|| found.name.clone()),
    };
    Some(UnmetReason::Other(other))
}

/// Whether the lockfile knew that the project, or one of its folders, may do without a package, and
/// does without it.
fn could_not_be_had(tree: &Tree, lock: &PackageLock, edge: EdgeId) -> bool {
    let of = &tree[edge];
    let Some(locked) = lock.packages.get(&tree[of.from].location) else {
        // Version 1 says nothing of the project.
        return lock.version == 1;
    };
    let same = |(name, spec): &(Arc<str>, Arc<str>)| *name == of.name && *spec == of.raw_spec;
    locked.manifest.optional_dependencies.iter().any(same)
}

fn told(tree: &Tree, edge: EdgeId, reason: UnmetReason) -> Unmet {
    let of = &tree[edge];
    let spec = tree.spec(edge);
    let from = &tree[of.from];
    let has = |pairs: &Pairs| pairs.iter().any(|(name, _)| *name == of.name);
    let field = match of.kind {
        _ if spec != of.raw_spec => "overrides",
        Kind::Workspace => "workspaces",
        Kind::Dev => "devDependencies",
        Kind::Optional => "optionalDependencies",
        Kind::Prod if has(&from.manifest.dependencies) => "dependencies",
        Kind::Prod | Kind::Peer | Kind::PeerOptional => "peerDependencies",
    };
    let by_name = (!matches!(field, "overrides" | "workspaces")).then(|| of.name.to_string());
    Unmet {
        location: from.location.clone(),
        by: label(tree, of.from),
        path: [field.to_owned()].into_iter().chain(by_name).collect(),
        name: of.name.clone(),
        spec,
        reason,
    }
}

/// Says it without the names of the files: `the project needs express@^5, which is missing`.
impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} needs {}@{}", self.by, self.name, self.spec)?;
        match &self.reason {
            UnmetReason::Missing => f.write_str(", which is missing"),
            UnmetReason::Other(found) => write!(f, ", but has {found}"),
        }
    }
}

#[cfg(test)]
mod tests;
