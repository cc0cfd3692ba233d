//! What of a lockfile goes into a layer for a target: what `npm ci --omit=dev` lays out there.

use std::collections::BTreeSet;
use std::sync::Arc;

use layerpress_target::Target;

use super::load::{Folders, load, recalculate};
use super::place_dep::label;
use super::tree::{Flags, NodeId, Set, Tree};
use super::{Placed, Project, placed};
use crate::integrity::Integrity;
use crate::manifest::Manifest;
use crate::npmrc::Omit;
use crate::package_lock::PackageLock;
use crate::pick::node_admits;
use crate::semver::Version;

/// What is chosen from a lockfile, and for what.
#[derive(Clone, Debug)]
pub struct PinOptions {
    /// The runtime and processor.
    pub target: Target,
    /// What is left out: a package goes if all that it is there for does.
    pub omit: BTreeSet<Omit>,
    /// Packages to leave out, with what only they need: real names or those of their folders.
    pub exclude: Vec<Arc<str>>,
}

/// A package that goes into the layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The folder that it goes into, `node_modules/a/node_modules/b`; always below `node_modules`:
    /// what is beside a linked folder goes with it.
    pub location: Arc<str>,
    /// The folder of its entry in the lockfile; another than `location` only below a linked folder.
    pub entry: Arc<str>,
    /// Its real name, whatever the folder is called.
    pub name: Arc<str>,
    /// Its version; a folder need not have one.
    pub version: Option<Arc<str>>,
    /// Where it comes from.
    pub resolved: Resolved,
    /// The digests of its tarball.
    pub integrity: Integrity,
    /// Whether npm would run a script of it.
    pub has_install_script: bool,
    /// Whether the project works without it.
    pub is_optional: bool,
    /// Comes inside the tarball of this pin, by location, and needs no tarball of its own.
    pub bundled_in: Option<Arc<str>>,
    /// The versions of Node.js that it is for, if it says.
    pub node: Option<Arc<str>>,
    /// Why it should not be used any more.
    pub deprecated: Option<Arc<str>>,
}

/// Where a package comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// From the registry, by name and version; the lockfile does not say where its tarball is.
    Registry,
    /// A tarball at an address.
    Tarball(Arc<str>),
    /// A tarball on the disk, relative to the project.
    File(Arc<str>),
    /// A git repository at a commit: `git+ssh://…#<commit>`.
    Git(Arc<str>),
    /// A folder on the disk, relative to the project; it is copied.
    Folder(Arc<str>),
}

/// A lockfile that cannot be laid out for a target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PinError {
    /// A package that is needed is not for the target.
    #[error("{package} does not run on {target}: it is for {wanted}; {}", way(.chain))]
    Platform {
        /// The package with its version.
        package: Arc<str>,
        /// The operating system, processor and C library of the target.
        target: String,
        /// What the package is for.
        wanted: String,
        /// How the project comes to need it, the package last.
        chain: Vec<String>,
    },
    /// An entry says neither a version nor where it came from.
    #[error("`{location}` has neither a version nor an address in the lockfile")]
    Unknown {
        /// Its folder.
        location: Arc<str>,
    },
}

/// `the project needs a@1.0.0, which needs b@2.0.0`
fn way(chain: &[String]) -> String {
    match chain {
        [first, rest @ ..] => format!("{first} needs {}", rest.join(", which needs ")),
        [] => String::new(),
    }
}

impl PinError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            PinError::Platform { package, .. } => format!(
                "have it as an optional dependency, replace it, or leave it out with `--exclude {}`",
                package
                    .rsplit_once('@')
                    .map_or(&**package, |(name, _)| name)
            ),
            PinError::Unknown { .. } => {
                "delete the file and have it written again from package.json".to_owned()
            }
        }
    }
}

/// Chooses what goes into a layer, by location in byte order.
///
/// Flags of the lockfile are not believed: what is only for development, only optional or asked for
/// by nothing follows from the project as it is. An optional package that does not fit the target
/// takes out everything that cannot do without it and what only that needs. Packages whose manifests
/// [are lacking](PackageLock::lacking) are taken to fit.
///
/// # Errors
/// When a package that is needed does not fit the target, or an entry cannot be fetched.
pub fn pins(
    project: &Project,
    lock: &PackageLock,
    folders: &Folders<'_>,
    options: &PinOptions,
) -> Result<Vec<Pin>, PinError> {
    let Kept { tree, out } = Kept::of(project, lock, folders, options)?;
    let mut pins = Vec::new();
    let mut chosen = Chosen {
        tree: &tree,
        lock,
        out: &out,
        pins: &mut pins,
    };
    chosen.below(tree.root, "", &mut Vec::new())?;
    pins.sort_by(|a: &Pin, b: &Pin| a.location.cmp(&b.location));
    Ok(pins)
}

/// What [`pins`] goes by: the project first, then each package that is chosen, with what it asks for and
/// where that is; nowhere if that is not chosen. Links are there as such.
///
/// # Errors
/// As [`pins`], but for what cannot be fetched.
pub fn chosen(
    project: &Project,
    lock: &PackageLock,
    folders: &Folders<'_>,
    options: &PinOptions,
) -> Result<Vec<Placed>, PinError> {
    let Kept { tree, out } = Kept::of(project, lock, folders, options)?;
    let nodes = tree.all().into_iter().filter(|node| !out.contains(node));
    let mut chosen: Vec<Placed> = nodes.map(|node| placed(&tree, node)).collect();
    chosen.retain(|it| !it.location.is_empty());
    chosen.sort_by(|a, b| a.location.cmp(&b.location));
    chosen.insert(0, placed(&tree, tree.root));
    let there: BTreeSet<Arc<str>> = chosen.iter().map(|it| it.location.clone()).collect();
    for dependency in chosen.iter_mut().flat_map(|it| &mut it.dependencies) {
        dependency.location.take_if(|it| !there.contains(it));
    }
    Ok(chosen)
}

/// A lockfile as a tree, and what of it is not for a target, or not wanted.
struct Kept {
    tree: Tree,
    out: Set<NodeId>,
}

impl Kept {
    fn of(
        project: &Project,
        lock: &PackageLock,
        folders: &Folders<'_>,
        options: &PinOptions,
    ) -> Result<Self, PinError> {
        let mut tree = load(project, lock, folders);
        recalculate(&mut tree);
        let platform = Platform::of(&options.target);
        let omitted = |tree: &Tree, node: NodeId| is_omitted(&tree[node].flags, &options.omit);
        let all = tree.all();
        for node in all.iter().copied() {
            let flags = tree[node].flags;
            if tree[node].target.is_some() || omitted(&tree, node) {
                continue;
            }
            if flags.optional {
                // What could not be had has an entry all the same in old versions of the format.
                let of = &tree[node].manifest;
                let is_lost = of.version.is_none() && of.tarball.is_none() && !tree.is_top(node);
                if !tree[node].inert && (is_lost || !platform.fits(of)) {
                    for member in tree.optional_set(node) {
                        tree[member].inert = true;
                    }
                }
            } else if !platform.fits_the_machine(&tree[node].manifest)
                && !is_named(&tree, node, &options.exclude)
            {
                return Err(platform.error(&tree, node));
            }
        }
        let out: Set<NodeId> = all
            .iter()
            .copied()
            .filter(|node| tree[*node].inert || omitted(&tree, *node))
            .collect();
        let out = excluded(&tree, out, &options.exclude);
        Ok(Self { tree, out })
    }
}

/// Whether [`pins`] chooses the same of a lockfile for both targets: every package that is for one of
/// them is for the other.
#[must_use]
pub fn chosen_alike(lock: &PackageLock, one: &Target, other: &Target) -> bool {
    let (one, other) = (Platform::of(one), Platform::of(other));
    lock.packages.values().all(|locked| {
        let of = &locked.manifest;
        one.fits(of) == other.fits(of) && one.fits_the_machine(of) == other.fits_the_machine(of)
    })
}

/// npm's `arborist/reify.js`, where it marks what is omitted.
fn is_omitted(flags: &Flags, omit: &BTreeSet<Omit>) -> bool {
    let [dev, optional, peer] =
        [Omit::Dev, Omit::Optional, Omit::Peer].map(|kind| omit.contains(&kind));
    flags.dev && dev
        || flags.optional && optional
        || flags.peer && peer
        || flags.dev_optional && dev && optional
}

fn is_named(tree: &Tree, node: NodeId, names: &[Arc<str>]) -> bool {
    let of = &tree[node];
    names
        .iter()
        .any(|name| *name == of.name || Some(name) == of.manifest.name.as_ref())
}

/// What is out once the named packages are: they, and what only they or others that are out need.
fn excluded(tree: &Tree, mut out: Set<NodeId>, names: &[Arc<str>]) -> Set<NodeId> {
    if names.is_empty() {
        return out;
    }
    out.extend(
        tree.all()
            .into_iter()
            .filter(|node| is_named(tree, *node, names)),
    );
    let start = out.clone();
    tree.gather(out, move |tree, edge| {
        tree[edge].to.is_none_or(|to| !start.contains(&to))
    })
}

/// Walks the folders that are laid out.
struct Chosen<'c> {
    tree: &'c Tree,
    lock: &'c PackageLock,
    out: &'c Set<NodeId>,
    pins: &'c mut Vec<Pin>,
}

impl Chosen<'_> {
    /// Adds what is in the `node_modules` of a folder that itself is laid out at `place`. `links` are
    /// the linked folders on the way here: one that links to itself is not copied into itself.
    fn below(
        &mut self,
        node: NodeId,
        place: &str,
        links: &mut Vec<NodeId>,
    ) -> Result<(), PinError> {
        let slash = if place.is_empty() { "" } else { "/" };
        for child in self.tree[node].children.values().copied() {
            if self.out.contains(&child) {
                continue;
            }
            let location = format!("{place}{slash}node_modules/{}", self.tree[child].name);
            let Some(target) = self.tree[child].target else {
                self.pin(child, &location)?;
                self.below(child, &location, links)?;
                continue;
            };
            if links.contains(&target) || target == self.tree.root {
                continue;
            }
            self.pin_link(child, target, &location)?;
            // What is below a package of the tree, the link's or another's, is already there.
            if self.tree.is_top(target) {
                links.push(target);
                self.below(target, &location, links)?;
                links.pop();
            }
        }
        Ok(())
    }

    fn pin_link(&mut self, link: NodeId, target: NodeId, location: &str) -> Result<(), PinError> {
        let tree = self.tree;
        self.pin(target, location)?;
        if let Some(pin) = self.pins.last_mut() {
            pin.entry = tree[link].location.clone();
            pin.is_optional = tree[link].flags.optional;
            if tree.is_top(target) {
                pin.resolved = Resolved::Folder(tree[target].location.clone());
            }
        }
        Ok(())
    }

    fn pin(&mut self, node: NodeId, location: &str) -> Result<(), PinError> {
        let of = &self.tree[node];
        let manifest = &of.manifest;
        let bundler = self
            .tree
            .bundler(node)
            .filter(|node| *node != self.tree.root);
        let bundled_in = bundler.map(|above| {
            // It stays where it is below the bundler, wherever that goes.
            let below = of.location.len() - self.tree[above].location.len();
            location[..location.len() - below].into()
        });
        let resolved = match manifest.tarball.as_deref() {
            Some(url) if url.starts_with("git") => Resolved::Git(url.into()),
            Some(url) => match url.strip_prefix("file:") {
                Some(path) => Resolved::File(path.into()),
                None => Resolved::Tarball(url.into()),
            },
            None => Resolved::Registry,
        };
        let is_known = manifest.version.is_some() || resolved != Resolved::Registry;
        if !is_known && bundled_in.is_none() && !self.tree.is_top(node) {
            let location = of.location.clone();
            return Err(PinError::Unknown { location });
        }
        let locked = self.lock.packages.get(&of.location);
        self.pins.push(Pin {
            location: location.into(),
            entry: of.location.clone(),
            name: manifest.name.clone().unwrap_or_else(|| of.name.clone()),
            version: manifest.version.clone(),
            resolved,
            integrity: locked
                .map(|locked| locked.integrity.clone())
                .unwrap_or_default(),
            has_install_script: manifest.has_install_script,
            is_optional: of.flags.optional,
            bundled_in,
            node: manifest.node.clone(),
            deprecated: manifest.deprecated.clone(),
        });
        Ok(())
    }
}

/// What a target is, in npm's words.
struct Platform {
    os: &'static str,
    cpu: &'static str,
    libc: &'static str,
    node: Option<Version>,
}

impl Platform {
    fn of(target: &Target) -> Platform {
        Platform {
            os: "linux",
            cpu: target.arch.npm_cpu(),
            libc: "glibc",
            node: Version::loose(target.runtime.full_version()),
        }
    }

    /// `npm-install-checks`: the machine, and the version of Node.js.
    fn fits(&self, manifest: &Manifest) -> bool {
        let runs = match (&manifest.node, &self.node) {
            (Some(engines), Some(node)) if !engines.is_empty() => node_admits(engines, node),
            _ => true,
        };
        runs && self.fits_the_machine(manifest)
    }

    fn fits_the_machine(&self, manifest: &Manifest) -> bool {
        admits(&manifest.os, self.os)
            && admits(&manifest.cpu, self.cpu)
            && admits(&manifest.libc, self.libc)
    }

    fn error(&self, tree: &Tree, node: NodeId) -> PinError {
        let of = &tree[node].manifest;
        let lists = [("os", &of.os), ("cpu", &of.cpu), ("libc", &of.libc)];
        let wanted = lists.iter().filter(|(_, list)| !list.is_empty());
        let wanted: Vec<String> = wanted
            .map(|(field, list)| format!("{field} `{}`", list.join("`, `")))
            .collect();
        let mut chain = vec![label(tree, node).to_string()];
        let mut seen: Set<NodeId> = Set::from_iter([node]);
        let mut at = node;
        // The shortest way need not be found: any that leads to the project tells enough.
        while let Some(from) = tree[at]
            .edges_in
            .iter()
            .filter(|edge| !tree[**edge].kind.is_optional())
            .map(|edge| tree[*edge].from)
            .find(|from| !seen.contains(from))
        {
            seen.insert(from);
            chain.push(label(tree, from).to_string());
            at = from;
            if tree.is_project_root(from) {
                break;
            }
        }
        chain.reverse();
        PinError::Platform {
            package: label(tree, node),
            target: format!("{} {} {}", self.os, self.cpu, self.libc),
            wanted: wanted.join(" and "),
            chain,
        }
    }
}

/// Whether a list, in which `!` stands before what is not meant, admits a value.
fn admits(list: &[Arc<str>], value: &str) -> bool {
    if list.is_empty() || (list.len() == 1 && &*list[0] == "any") {
        return true;
    }
    let (mut denied, mut named) = (0, false);
    for entry in list {
        match entry.strip_prefix('!') {
            Some(other) if other == value => return false,
            Some(_) => denied += 1,
            None => named |= &**entry == value,
        }
    }
    named || denied == list.len()
}

#[cfg(test)]
mod tests;
