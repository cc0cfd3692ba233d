//! [`PythonPins`]: a `pylock.toml` as the pipeline uses it, from pins to the files of a layer.

use std::collections::{BTreeMap, BTreeSet};

use layerpress_lock::{ForeignPackage, Package, Pylock, Selection};
use layerpress_press::rules::{Ecosystem, Evidence, Owner};
use layerpress_press::{self as press, Binary};
use layerpress_python::Compatibility;
use layerpress_python::lockfile::{LockfileError, Roots, best_name, pins, reachable, roots_in};
use layerpress_python::manifest::Manifest;
use layerpress_python::wheel::{self, Scripts, UnpackOptions, WheelTree, merge};
use layerpress_target::Target;
use layerpress_tree::{Content, Digest, LayerPath, LayerTree};
use pep508_rs::{ExtraName, PackageName};
use rayon::prelude::*;

use super::archives::unpack_all;
use super::builds::Builds;
use super::error::PythonError;
use super::graph::{graph, lines};
use super::located::{Shelves, located};
use super::targets::{Serves, all_served};
use crate::error::CompileError;
use crate::explain::explain_passes;
use crate::graph::{Graph, Need};
use crate::pins::{Gathered, Job, Pins};
use crate::project::parent;
use crate::proven::decided;
use crate::prune::{Account, Unpacked, evidence_of};
use crate::report::PackageReport;
use crate::request::Layout;
use crate::targets::others;

/// A lock that serves, with what it was made from.
#[derive(Debug)]
pub(crate) struct PythonPins {
    /// What is asked for; `None` where only a lockfile is there.
    pub manifest: Option<Manifest>,
    /// The lock.
    pub lock: Pylock,
    /// The extras and groups of a lock without a manifest that are wanted.
    pub selection: Selection,
    /// Where its files are looked for.
    pub shelves: Shelves,
    /// Builds of sources, for any target.
    pub builds: Builds,
}

impl Pins for PythonPins {
    fn is_empty(&self) -> bool {
        self.lock.packages.is_empty()
    }

    fn has(&self, name: &str) -> bool {
        let name: Option<PackageName> = name.parse().ok();
        name.is_some_and(|name| self.lock.packages.iter().any(|it| it.name == name))
    }

    fn gather(&self, job: &Job<'_>) -> Result<Gathered, CompileError> {
        let trees = self
            .wanted(job, &job.target)
            .and_then(|wanted| self.unpack(&wanted, job, &unpack_options(job)))
            .map_err(|error| self.in_lock(error, job))?;
        let same = same_for(job, |target| {
            let wanted = self.wanted(job, target).ok()?;
            chosen(wanted.iter().map(|it| (&it.name, wheels(it))), target)
        });
        lay_out(trees, job, same)
    }

    fn fetch(&self, job: &Job<'_>) -> Result<usize, CompileError> {
        let selected = self.lock.select(&job.target, &self.selection);
        // Unpacked and let go: a bad archive is found now, and the receipts make the build quick.
        let trees = selected
            .map_err(|error| LockfileError::from(error).into())
            .and_then(|packages| self.unpack(&packages, job, &unpack_options(job)))
            .map_err(|error| self.in_lock(error, job))?;
        all_evidence(&trees, job);
        Ok(trees.len())
    }

    fn graph(&self, job: &Job<'_>, requirements: bool) -> Result<Graph, CompileError> {
        let wanted = self.wanted(job, &job.target);
        let wanted = wanted.map_err(|error| self.in_lock(error, job))?;
        let foreign = |package: &&Package| ForeignPackage {
            package: (*package).clone(),
            listed: Vec::new(),
        };
        let packages: Vec<ForeignPackage> = wanted.iter().map(foreign).collect();
        let asked = match &self.manifest {
            Some(manifest) => lines(manifest, &job.target),
            None => asked(&Roots::from_lines(&self.lock.roots)),
        };
        let registry = self.shelves.registry();
        Ok(graph(&packages, asked, registry, job, requirements))
    }
}

/// What the roots of a lock ask for.
fn asked(roots: &Roots) -> Vec<Need> {
    let need = |(name, extras): (&PackageName, &BTreeSet<ExtraName>)| Need {
        name: name.to_string(),
        extras: extras.iter().map(ToString::to_string).collect(),
        ..Need::default()
    };
    roots.iter().map(need).collect()
}

impl PythonPins {
    /// The error with the lock that it is about, and what that is good for.
    fn in_lock(&self, error: CompileError, job: &Job<'_>) -> CompileError {
        if !self.lock.targets.is_empty() {
            return error;
        }
        let path = &job.project.lockfile;
        in_lock(
            error,
            job,
            |_| None,
            || all_served(|target| Serves::by_pylock(&self.lock, &self.selection, path, target)),
        )
    }

    /// Unpacks the wheel of each package, in their order, from where the user wants it to come.
    fn unpack(
        &self,
        packages: &[&Package],
        job: &Job<'_>,
        options: &UnpackOptions,
    ) -> Result<Vec<WheelTree>, CompileError> {
        if !self.shelves.stand_in() {
            return unpack(&self.lock, packages, &self.builds, job, options);
        }
        let foreign = |package: &&Package| ForeignPackage {
            package: (*package).clone(),
            listed: Vec::new(),
        };
        let located = located(packages.iter().map(foreign).collect(), &self.shelves, job)?;
        let packages: Vec<&Package> = located.iter().collect();
        unpack(&self.lock, &packages, &self.builds, job, options)
    }

    /// The entries of the lock that this layer holds: what the manifest leads to, less what the user
    /// excludes. Another tool's lock says what to install by its markers alone.
    fn wanted(&self, job: &Job<'_>, target: &Target) -> Result<Vec<&Package>, CompileError> {
        let lock = &self.lock;
        let packages = lock
            .select(target, &self.selection)
            .map_err(LockfileError::from)?;
        let excluded: BTreeSet<PackageName> = job
            .exclude
            .iter()
            .filter_map(|name| name.parse().ok())
            .collect();
        let ours = !lock.roots.is_empty();
        if !ours && excluded.is_empty() {
            return Ok(packages);
        }
        let asked = match &self.manifest {
            Some(manifest) if ours => {
                let folder = parent(&job.project.lockfile);
                roots_in(lock, manifest, &[*target], &folder)
            }
            None if ours => Roots::from_lines(&lock.roots),
            _ => unasked(&packages),
        };
        Ok(reachable(packages, &asked, &excluded))
    }
}

/// The error of a lock that another tool keeps, with the `line` that it is about, else the lock's
/// name; `serves` tells the targets that the lock is good for.
pub(super) fn in_lock(
    error: CompileError,
    job: &Job<'_>,
    line: impl Fn(&LockfileError) -> Option<String>,
    serves: impl Fn() -> String,
) -> CompileError {
    let CompileError::Python(PythonError::Lockfile(error)) = error else {
        return error;
    };
    let place = line(&error).unwrap_or_else(|| job.project.lockfile.display().to_string());
    PythonError::InLock {
        place,
        serves: match error.is_of_target() {
            true => serves(),
            false => String::new(),
        },
        error: Box::new(error),
    }
    .into()
}

/// Unpacks the wheel of each package, in their order.
pub(super) fn unpack(
    lock: &Pylock,
    packages: &[&Package],
    builds: &Builds,
    job: &Job<'_>,
    options: &UnpackOptions,
) -> Result<Vec<WheelTree>, CompileError> {
    let pins = pins(lock, packages, &job.target, &parent(&job.project.lockfile))?;
    let builds = builds.for_target(job.target);
    unpack_all(job, &builds, &pins, options)
}

/// Puts unpacked distributions where Python finds them, less what the rules take; `same_for` are the other
/// targets that get the same distributions.
///
/// # Errors
/// Two distributions that write one path differently.
pub(super) fn lay_out(
    mut wheels: Vec<WheelTree>,
    job: &Job<'_>,
    mut same_for: Vec<Target>,
) -> Result<Gathered, CompileError> {
    // The versioned layout is already in the trees' paths: all wheels lie below `python`.
    let prefix = job
        .target
        .runtime
        .layer_prefix(layerpress_target::Layout::Flat);
    let prefix = LayerPath::new(&prefix).expect("a runtime's prefix is a layer path");
    let evidence = all_evidence(&wheels, job);
    let unpacked: Vec<Unpacked<'_>> = wheels
        .iter()
        .zip(&evidence)
        .map(|(wheel, evidence)| Unpacked {
            name: wheel.name.to_string(),
            place: job.target.runtime.layer_prefix(layout(job)),
            evidence,
            tree: &wheel.tree,
            tree_place: &prefix,
            archive: (!wheel.is_spared).then_some(wheel.archive),
            binaries: binaries(evidence),
        })
        .collect();
    let foreign = |target| unpacked.iter().map(move |it| it.foreign(target));
    let own: Vec<_> = foreign(job.target).collect();
    same_for.retain(|target| foreign(*target).eq(own.iter().cloned()));
    job.pruning.check_services(&unpacked)?;
    let (mut pruned, needed) = decided(job, Ecosystem::Python, &unpacked);
    drop(unpacked);
    let place = job.target.runtime.layer_prefix(layout(job));
    for wheel in &wheels {
        let owner = Owner {
            ecosystem: Ecosystem::Python,
            package: wheel.name.as_ref(),
            place: &place,
        };
        explain_passes(job, wheel.archive, owner, &mut pruned.explained);
    }
    let mut account = Account::default();
    for (index, wheel) in wheels.iter_mut().enumerate() {
        if pruned.is_touched(index) {
            wheel.tree.retain(|path, entry| {
                let path = path.under(&prefix);
                let removal = pruned.removal(index, path.as_str());
                if let Some(removal) = removal {
                    account.add(path, removal, entry);
                }
                removal.is_none()
            });
        }
    }
    let packages: Vec<PackageReport> = wheels.iter().map(weigh).collect();
    let mut pressed = press::Account::default();
    for wheel in &wheels {
        pressed.add(wheel.account.clone().of(wheel.name.as_ref()));
    }
    let merged = merge(wheels)?;
    let files = merged.tree.into_iter();
    let files = files.map(|(path, entry)| (path.under(&prefix), entry));
    let tree = LayerTree::from_entries(files.collect())
        .expect("one prefix keeps distinct paths distinct, and a tree a tree");
    Ok(Gathered {
        removed: account.removed(&tree),
        own_gone: pruned.own(),
        matched: pruned.matched().to_vec(),
        explained: pruned.explained,
        tree,
        packages,
        account: pressed,
        own_bytes: 0,
        same_for,
        warnings: merged.warnings.into_iter().chain(needed).collect(),
    })
}

/// What the code of each distribution says about files that could be left out.
pub(super) fn all_evidence(wheels: &[WheelTree], job: &Job<'_>) -> Vec<Evidence> {
    let flat = job
        .target
        .runtime
        .layer_prefix(layerpress_target::Layout::Flat);
    let place = job.target.runtime.layer_prefix(layout(job));
    let root = place
        .strip_prefix(&flat)
        .unwrap_or_default()
        .trim_start_matches('/');
    let of = |wheel: &WheelTree| {
        let recipe = job.recipe(Ecosystem::Python, wheel.name.as_ref());
        evidence_of(
            job,
            Ecosystem::Python,
            (!wheel.is_spared).then_some((wheel.archive, recipe)),
            (&wheel.tree, root),
        )
    };
    wheels.par_iter().map(of).collect()
}

pub(super) fn layout(job: &Job<'_>) -> layerpress_target::Layout {
    match job.layout {
        Layout::Flat => layerpress_target::Layout::Flat,
        Layout::Versioned => layerpress_target::Layout::Versioned,
    }
}

fn binaries(evidence: &Evidence) -> BTreeMap<LayerPath, Binary> {
    let binaries = evidence.binaries();
    binaries
        .filter_map(|(path, binary)| Some((LayerPath::new(path).ok()?, binary)))
        .collect()
}

/// The wheels that a lock gives to a target: package, file and digest, sorted.
type Wheels = Vec<(PackageName, String, Digest)>;

/// The targets for which a lock gives the same wheels as for a job's own, going by what `wheels` says
/// that it gives: what lies in the layer depends on nothing else.
pub(super) fn same_for(job: &Job<'_>, wheels: impl Fn(&Target) -> Option<Wheels>) -> Vec<Target> {
    let Some(own) = wheels(&job.target) else {
        return Vec::new();
    };
    let mut others = others(job);
    others.retain(|target| wheels(target).as_ref() == Some(&own));
    others
}

/// The wheel that a target gets of each package, given the names and digests of its files. Nothing if
/// one has none: what is built depends on more than its source.
pub(super) fn chosen<'a>(
    packages: impl Iterator<Item = (&'a PackageName, Vec<(&'a str, &'a Digest)>)>,
    target: &Target,
) -> Option<Wheels> {
    let compatibility = Compatibility::new(target);
    let mut wheels = packages
        .map(|(package, files)| {
            let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
            let name = best_name(&names, &compatibility).filter(|name| name.ends_with(".whl"))?;
            let (_, digest) = files.iter().find(|(other, _)| *other == name)?;
            Some((package.clone(), name.to_owned(), (*digest).clone()))
        })
        .collect::<Option<Wheels>>()?;
    wheels.sort();
    Some(wheels)
}

/// The wheels of a package by name and digest.
pub(super) fn wheels(package: &Package) -> Vec<(&str, &Digest)> {
    let wheels = package.wheels().iter();
    wheels
        .filter_map(|wheel| Some((wheel.name.as_str(), wheel.hashes.first()?)))
        .collect()
}

/// In a lock that names no roots: the packages that no other one needs.
pub(super) fn unasked(packages: &[&Package]) -> Roots {
    let needed: BTreeSet<&PackageName> = packages
        .iter()
        .flat_map(|package| &package.dependencies)
        .map(|it| &it.name)
        .collect();
    let mut roots = Roots::default();
    for package in packages
        .iter()
        .filter(|package| !needed.contains(&package.name))
    {
        roots.add(package.name.clone(), []);
    }
    roots
}

/// How wheels are unpacked for a job, but for how the files of each are pressed.
pub(super) fn unpack_options(job: &Job<'_>) -> UnpackOptions {
    let runtime = job.target.runtime;
    UnpackOptions {
        layout: match job.layout {
            Layout::Flat => wheel::Layout::Flat,
            Layout::Versioned => wheel::Layout::Versioned {
                python: runtime.version(),
            },
        },
        scripts: job.scripts.then(|| Scripts {
            interpreter: runtime.interpreter(),
            extras: BTreeSet::new(),
        }),
        ..UnpackOptions::default()
    }
}

fn weigh(wheel: &WheelTree) -> PackageReport {
    let contents = || wheel.tree.iter().map(|(_, entry)| &entry.content);
    PackageReport {
        ecosystem: "python",
        name: wheel.name.to_string(),
        version: wheel.version.to_string(),
        zipped_bytes: contents().map(Content::stream_size).sum(),
        unzipped_bytes: contents().map(|content| content.size).sum(),
    }
}
