//! [`open`]: a lockfile of another tool as the input of a build, read as it is and never rewritten.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use layerpress_fetch::Reporter;
use layerpress_lock::{
    ForeignFormat, ForeignLock, ForeignPackage, Package, Pylock, Root, Selection, Source,
};
use layerpress_python::lockfile::{LockfileError, reachable, roots};
use layerpress_python::manifest::{Extras, Manifest, PyprojectOptions, read_pyproject};
use layerpress_python::wheel::WheelTree;
use layerpress_python::{Compatibility, WheelName};
use layerpress_target::{Ecosystem, Target};
use layerpress_tree::Digest;
use pep508_rs::PackageName;

use super::builds::Builds;
use super::error::PythonError;
use super::located::{Shelves, located};
use super::lock::read_text;
use super::pins::{
    all_evidence, chosen, lay_out, same_for, unasked, unpack, unpack_options, wheels,
};
use super::project::several_locks;
use super::registry::{OwnIndexes, effective, registry};
use super::targets::newest_served;
use crate::error::CompileError;
use crate::input::Input;
use crate::lock::Locked;
use crate::own_code::own_files;
use crate::pins::{Gathered, Job, Pins};
use crate::project::{Project, layer_name, parent};
use crate::request::{LockRequest, PythonOptions};
use crate::targets::choose;

/// Opens the lockfile that an input names.
///
/// # Errors
/// A lock that is wrong in itself, that leaves what is asked for to a manifest that is not there, or
/// a target that does not exist.
pub(crate) fn open(
    format: ForeignFormat,
    input: &Input,
    request: &LockRequest,
    reporter: &Arc<dyn Reporter>,
) -> Result<Locked, CompileError> {
    let begun = Instant::now();
    let session = super::lock::session(request, reporter)?;
    let lock = read(format, &input.file)?;
    session.warn_all(several_locks(input, &input.file));
    let options = &request.python;
    let manifest = match lock.needs_roots() {
        true => Some(manifest_beside(&input.file, options)?),
        false => None,
    };
    let selection = selection(options, manifest.is_some());
    let pins =
        |target: &Target| lock.select(target, &selection, &roots_on(manifest.as_ref(), target));
    let served = match request.runtimes.is_empty() {
        true => newest_served(&request.archs, &input.file, session.reporter(), |target| {
            pins(target).is_ok_and(|packages| packages.iter().all(|it| fits(it, target)))
        }),
        false => Vec::new(),
    };
    let targets = choose(
        Ecosystem::Python,
        &request.runtimes,
        &request.archs,
        &served,
    )?;
    let packages: Vec<ForeignPackage> = targets
        .iter()
        .flat_map(|target| pins(target).unwrap_or_default())
        .collect();
    let settings = effective(None, options);
    // An index that the user names stands in for those of the lock, as a mirror does.
    let own = match settings.indexes.index_url {
        Some(_) => OwnIndexes::new(),
        None => own_indexes(&packages),
    };
    let registry = Arc::new(registry(&settings, own, options, &session));
    let builds = Builds::new(
        options,
        settings.build.clone(),
        Arc::clone(&registry),
        targets[0],
        request.sources.jobs,
    );
    let folder = input.folder.clone().unwrap_or_else(|| parent(&input.file));
    Ok(Locked {
        session,
        project: Project {
            name: layer_name(&folder),
            shown: input.file.display().to_string(),
            lockfile: input.file.clone(),
            own: own_files(input, vec![input.file.clone()])?,
            folder,
        },
        pins: Box::new(ForeignPins {
            lock,
            manifest,
            selection,
            shelves: Shelves::new(&settings, registry),
            builds,
        }),
        targets,
        lockfile: None,
        new_text: None,
        seconds: begun.elapsed(),
    })
}

fn read(format: ForeignFormat, path: &Path) -> Result<ForeignLock, CompileError> {
    let text = read_text(path)?;
    ForeignLock::parse(format, &text).map_err(|error| {
        let path = path.to_owned();
        PythonError::Lock {
            path,
            error: Box::new(error),
        }
        .into()
    })
}

/// The `pyproject.toml` that says what an older lock is for.
fn manifest_beside(lockfile: &Path, options: &PythonOptions) -> Result<Manifest, CompileError> {
    let path = lockfile.with_file_name("pyproject.toml");
    if !path.is_file() {
        return Err(PythonError::NoRoots {
            path: lockfile.to_owned(),
        }
        .into());
    }
    let sets = PyprojectOptions {
        extras: options.extras.clone(),
        groups: options.groups.clone(),
    };
    Ok(read_pyproject(&path, &sets)?)
}

/// The extras and groups that the user asks for; where the manifest decides, they are in its roots.
fn selection(options: &PythonOptions, by_manifest: bool) -> Selection {
    if by_manifest {
        return Selection::default();
    }
    let groups = options.groups.iter().filter_map(|name| name.parse().ok());
    Selection {
        extras: match &options.extras {
            Extras::Named(names) => names.clone(),
            Extras::None | Extras::All => Vec::new(),
        },
        groups: Some(groups.collect()),
    }
}

fn roots_on(manifest: Option<&Manifest>, target: &Target) -> Vec<Root> {
    let Some(manifest) = manifest else {
        return Vec::new();
    };
    roots(manifest, &[*target])
        .iter()
        .map(|(name, extras)| Root {
            name: name.clone(),
            extras: extras.iter().cloned().collect(),
        })
        .collect()
}

/// The files of a package by name and digest, as far as the lock names them.
fn files(foreign: &ForeignPackage) -> Vec<(&str, &Digest)> {
    let listed = foreign.listed.iter();
    let listed = listed.filter_map(|it| Some((it.name.as_deref()?, &it.digest)));
    listed.chain(wheels(&foreign.package)).collect()
}

/// Whether a lock has a file of a package for a target, as far as the names that it gives tell.
fn fits(foreign: &ForeignPackage, target: &Target) -> bool {
    let names: Vec<&str> = files(foreign).into_iter().map(|(name, _)| name).collect();
    let is_released = matches!(foreign.package.source, Source::Files { .. });
    let has_source =
        foreign.package.sdist().is_some() || names.iter().any(|name| !name.ends_with(".whl"));
    let compatibility = Compatibility::new(target);
    !is_released
        || names.is_empty()
        || has_source
        || names.iter().any(|name| {
            let wheel = name.parse::<WheelName>();
            wheel.is_ok_and(|wheel| compatibility.rank(&wheel).is_some())
        })
}

/// The indexes that the lock names for its packages.
fn own_indexes(packages: &[ForeignPackage]) -> OwnIndexes {
    let named = packages.iter().filter_map(|it| {
        let index = it.package.index.clone()?;
        Some((it.package.name.clone(), vec![index]))
    });
    named.collect()
}

/// Another tool's lock that serves.
#[derive(Debug)]
struct ForeignPins {
    lock: ForeignLock,
    /// Says what the lock is for, where it does not itself.
    manifest: Option<Manifest>,
    selection: Selection,
    shelves: Shelves,
    builds: Builds,
}

impl Pins for ForeignPins {
    fn is_empty(&self) -> bool {
        self.lock.is_empty()
    }

    fn has(&self, name: &str) -> bool {
        let name: Option<PackageName> = name.parse().ok();
        name.is_some_and(|name| self.lock.has(&name))
    }

    fn gather(&self, job: &Job<'_>) -> Result<Gathered, CompileError> {
        let trees = self.unpack(job)?;
        let same = same_for(job, |target| {
            let wanted = without(self.select(target).ok()?, job.exclude);
            chosen(
                wanted.iter().map(|it| (&it.package.name, files(it))),
                target,
            )
        });
        lay_out(trees, job, same)
    }

    fn fetch(&self, job: &Job<'_>) -> Result<usize, CompileError> {
        let trees = self.unpack(job)?;
        all_evidence(&trees, job);
        Ok(trees.len())
    }
}

impl ForeignPins {
    fn unpack(&self, job: &Job<'_>) -> Result<Vec<WheelTree>, CompileError> {
        let packages = self.packages(job)?;
        let packages: Vec<&Package> = packages.iter().collect();
        // These locks have nothing to tell a build.
        let settings = Pylock::new();
        unpack(
            &settings,
            &packages,
            &self.builds,
            job,
            &unpack_options(job),
        )
    }

    /// What the lock pins for the target, every file with its address.
    fn packages(&self, job: &Job<'_>) -> Result<Vec<Package>, CompileError> {
        located(
            without(self.select(&job.target)?, job.exclude),
            &self.shelves,
            job,
        )
    }

    fn select(&self, target: &Target) -> Result<Vec<ForeignPackage>, LockfileError> {
        let roots = roots_on(self.manifest.as_ref(), target);
        Ok(self.lock.select(target, &self.selection, &roots)?)
    }
}

/// The packages less the excluded ones and what only those need.
fn without(chosen: Vec<ForeignPackage>, exclude: &BTreeSet<String>) -> Vec<ForeignPackage> {
    let excluded: BTreeSet<PackageName> = exclude
        .iter()
        .filter_map(|name| name.parse().ok())
        .collect();
    if excluded.is_empty() {
        return chosen;
    }
    let packages: Vec<&Package> = chosen.iter().map(|it| &it.package).collect();
    let asked = unasked(&packages);
    let kept: BTreeSet<PackageName> = reachable(packages, &asked, &excluded)
        .into_iter()
        .map(|package| package.name.clone())
        .collect();
    chosen
        .into_iter()
        .filter(|it| kept.contains(&it.package.name))
        .collect()
}
