//! [`open`]: a lockfile of another tool as the input of a build, read as it is and never rewritten;
//! [`open_hashed`]: the same for a requirements file that is one.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::join_all;
use layerpress_fetch::Reporter;
use layerpress_lock::{
    ForeignFormat, ForeignLock, ForeignPackage, Package, Pylock, Root, Selection, Source,
    marker_environment,
};
use layerpress_python::index::Registry;
use layerpress_python::lockfile::{LockfileError, hashed, locate, reachable, roots, unlisted};
use layerpress_python::manifest::{Extras, Manifest, PyprojectOptions, Settings, read_pyproject};
use layerpress_python::wheel::WheelTree;
use layerpress_target::{Arch, Ecosystem, Target, newest};
use layerpress_tree::Digest;
use pep508_rs::PackageName;

use super::builds::Builds;
use super::error::PythonError;
use super::graph::{graph, lines};
use super::located::{Shelves, located};
use super::pins::{
    all_evidence, chosen, in_lock, lay_out, same_for, unasked, unpack, unpack_options, wheels,
};
use super::previous::read_text;
use super::project::several_locks;
use super::registry::{OwnIndexes, effective, registry};
use super::targets::{Serves, all_served, newest_served};
use crate::error::CompileError;
use crate::graph::Graph;
use crate::input::Input;
use crate::lock::{Locked, refuse_upgrade};
use crate::own_code::own_files;
use crate::pins::{Gathered, Job, Pins};
use crate::project::{Project, layer_name, parent};
use crate::request::{LockRequest, PythonOptions};
use crate::session::Session;
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
    refuse_upgrade(request, &input.file)?;
    let session = super::lock::session(request, reporter)?;
    let lock = read(format, &input.file)?;
    session.warn_all(several_locks(input, &input.file));
    let options = &request.python;
    let (asked, selection) = match lock.needs_roots() {
        true => {
            let manifest = manifest_beside(&input.file, &sets(options))?;
            (Asked::Roots(manifest), Selection::default())
        }
        false => (Asked::Sets, selection(options)),
    };
    let folder = input.folder.clone().unwrap_or_else(|| parent(&input.file));
    let opened = Opened {
        project: Project {
            name: layer_name(&folder),
            shown: input.file.display().to_string(),
            lockfile: input.file.clone(),
            own: own_files(input, vec![input.file.clone()])?,
            folder,
        },
        settings: effective(None, options),
        selection,
        lock,
        named: None,
        asked,
    };
    decided(opened, session, request, begun)
}

/// Takes a requirements file for the lock that it is, since its lines pin everything to its bytes.
///
/// # Errors
/// A target that does not exist.
pub(super) fn open_hashed(
    (packages, manifest): (Vec<ForeignPackage>, Manifest),
    project: Project,
    settings: Settings,
    session: Session,
    request: &LockRequest,
    begun: Instant,
) -> Result<Locked, CompileError> {
    refuse_upgrade(request, &project.lockfile)?;
    let named = request.runtimes.is_empty().then(|| {
        let registry = registry(&settings, OwnIndexes::new(), &request.python, &session);
        named(&packages, &registry, &session)
    });
    let opened = Opened {
        project,
        lock: ForeignLock::of_list(packages),
        named,
        asked: Asked::Lines(manifest),
        selection: Selection::default(),
        settings,
    };
    decided(opened, session, request, begun)
}

/// A list of hashes with the names of the files that they are of, as far as the indexes tell: by
/// those it can be told which targets it serves.
fn named(packages: &[ForeignPackage], registry: &Registry, session: &Session) -> ForeignLock {
    let target = Target {
        runtime: newest(Ecosystem::Python),
        arch: Arch::X86_64,
    };
    let asked = packages
        .iter()
        .map(|foreign| locate(foreign.clone(), registry, &target));
    let answers = session.wait(join_all(asked));
    let told = packages
        .iter()
        .zip(answers)
        .map(|(foreign, answer)| match answer {
            Ok(package) => ForeignPackage {
                package,
                listed: Vec::new(),
            },
            // What is wrong is told where the file is needed.
            Err(_) => foreign.clone(),
        });
    ForeignLock::of_list(told.collect())
}

/// A lock as it was read, with what it is to be used by.
struct Opened {
    project: Project,
    lock: ForeignLock,
    /// The same with the names of its files, where it has digests alone and they are needed.
    named: Option<ForeignLock>,
    asked: Asked,
    selection: Selection,
    settings: Settings,
}

/// Who says what of a lock is asked for.
#[derive(Debug)]
enum Asked {
    /// The lock itself, by sets.
    Sets,
    /// A manifest beside it, whose requirements the lock is walked from.
    Roots(Manifest),
    /// A requirements file that is the lock: everything in it.
    Lines(Manifest),
}

/// Decides on targets and indexes.
fn decided(
    opened: Opened,
    session: Session,
    request: &LockRequest,
    begun: Instant,
) -> Result<Locked, CompileError> {
    let Opened {
        project,
        lock,
        named,
        asked,
        selection,
        settings,
    } = opened;
    let options = &request.python;
    let pins = |target: &Target| lock.select(target, &selection, &asked.roots_on(target));
    let served = match request.runtimes.is_empty() {
        true => {
            let lock = named.as_ref().unwrap_or(&lock);
            let path = &project.lockfile;
            newest_served(&request.archs, path, session.reporter(), |target| {
                asked.serves(lock, &selection, target)
            })
        }
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
    Ok(Locked {
        session,
        project,
        pins: Box::new(ForeignPins {
            lock,
            asked,
            selection,
            sets: sets(options),
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
fn manifest_beside(lockfile: &Path, sets: &PyprojectOptions) -> Result<Manifest, CompileError> {
    let path = lockfile.with_file_name("pyproject.toml");
    if !path.is_file() {
        return Err(PythonError::NoRoots {
            path: lockfile.to_owned(),
        }
        .into());
    }
    Ok(read_pyproject(&path, sets)?)
}

/// The extras and groups of a manifest that the user asks for.
fn sets(options: &PythonOptions) -> PyprojectOptions {
    PyprojectOptions {
        extras: options.extras.clone(),
        groups: options.groups.clone(),
    }
}

/// The extras and groups that the user asks for.
fn selection(options: &PythonOptions) -> Selection {
    let groups = options.groups.iter().filter_map(|name| name.parse().ok());
    Selection {
        extras: match &options.extras {
            Extras::Named(names) => names.clone(),
            Extras::None | Extras::All => Vec::new(),
        },
        groups: Some(groups.collect()),
    }
}

impl Asked {
    /// How well a lock serves a target, as far as it tells.
    fn serves(&self, lock: &ForeignLock, selection: &Selection, target: &Target) -> Serves {
        match lock.select(target, selection, &self.roots_on(target)) {
            Ok(packages) => serve(&packages, target),
            Err(_) => Serves::Not,
        }
    }

    /// The same, where a lock that has digests alone, which tell nothing, serves nobody.
    fn surely_serves(&self, lock: &ForeignLock, selection: &Selection, target: &Target) -> Serves {
        let is_told = |foreign: &ForeignPackage| foreign.listed.iter().all(|it| it.name.is_some());
        match lock.select(target, selection, &self.roots_on(target)) {
            Ok(packages) if packages.iter().all(is_told) => serve(&packages, target),
            _ => Serves::Not,
        }
    }

    /// What a lock that knows no sets is walked from.
    fn roots_on(&self, target: &Target) -> Vec<Root> {
        let Self::Roots(manifest) = self else {
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
}

/// The files of a package by name and digest, as far as the lock names them.
fn files(foreign: &ForeignPackage) -> Vec<(&str, &Digest)> {
    let listed = foreign.listed.iter();
    let listed = listed.filter_map(|it| Some((it.name.as_deref()?, &it.digest)));
    listed.chain(wheels(&foreign.package)).collect()
}

/// How well packages serve a target, as far as the names that their lock gives tell.
fn serve(packages: &[ForeignPackage], target: &Target) -> Serves {
    let each = packages.iter().map(|foreign| {
        let sdist = foreign.package.sdist().map(|sdist| sdist.name.as_str());
        let archive = match &foreign.package.source {
            Source::Archive(archive) => archive.location.file_name(),
            Source::Files { .. } | Source::Directory(_) | Source::Vcs(_) => None,
        };
        let names = files(foreign).into_iter().map(|(name, _)| name);
        Serves::by_names(names.chain(sdist).chain(archive.as_deref()), target)
    });
    each.min().unwrap_or(Serves::Fully)
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
    asked: Asked,
    selection: Selection,
    /// The same for the manifest beside it.
    sets: PyprojectOptions,
    shelves: Shelves,
    builds: Builds,
}

impl Pins for ForeignPins {
    fn is_empty(&self) -> bool {
        self.lock.is_empty()
    }

    fn has(&self, name: &str) -> bool {
        let name: Option<PackageName> = name.parse().ok();
        // A plain list does not tell what its packages need: any name may be one of those.
        let is_list = matches!(self.asked, Asked::Lines(_));
        name.is_some_and(|name| is_list || self.lock.has(&name))
    }

    fn gather(&self, job: &Job<'_>) -> Result<Gathered, CompileError> {
        let trees = self.unpack(job).map_err(|error| self.in_lock(error, job))?;
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
        let trees = self.unpack(job).map_err(|error| self.in_lock(error, job))?;
        all_evidence(&trees, job);
        Ok(trees.len())
    }

    fn graph(&self, job: &Job<'_>, requirements: bool) -> Result<Graph, CompileError> {
        let selected = self.select(&job.target).map_err(CompileError::from);
        let selected = selected.map_err(|error| self.in_lock(error, job))?;
        let packages = without(selected, job.exclude);
        let beside = || manifest_beside(&job.project.lockfile, &self.sets).ok();
        let asked = match &self.asked {
            Asked::Roots(manifest) => lines(manifest, &job.target),
            // Every package has a line here: what matters is who needs it.
            Asked::Lines(_) => Vec::new(),
            Asked::Sets => beside().map_or_else(Vec::new, |it| lines(&it, &job.target)),
        };
        let registry = self.shelves.registry();
        Ok(graph(&packages, asked, registry, job, requirements))
    }
}

impl ForeignPins {
    fn unpack(&self, job: &Job<'_>) -> Result<Vec<WheelTree>, CompileError> {
        let packages = self.packages(job)?;
        let packages: Vec<&Package> = packages.iter().collect();
        // These locks have nothing to tell a build.
        let settings = Pylock::new();
        let trees = unpack(
            &settings,
            &packages,
            &self.builds,
            job,
            &unpack_options(job),
        )?;
        if let Asked::Lines(manifest) = &self.asked {
            check_complete(&trees, manifest, job)?;
        }
        Ok(trees)
    }

    /// The error with the place in the lock that it is about, and what the lock is good for.
    fn in_lock(&self, error: CompileError, job: &Job<'_>) -> CompileError {
        let line = |error: &LockfileError| match &self.asked {
            Asked::Lines(manifest) => line_of(manifest, error.package()?, &job.target),
            Asked::Sets | Asked::Roots(_) => None,
        };
        in_lock(error, job, line, || {
            let named = match &self.asked {
                Asked::Lines(manifest) => hashed(manifest)
                    .map(|packages| named(&packages, self.shelves.registry(), job.session)),
                Asked::Sets | Asked::Roots(_) => None,
            };
            let lock = named.as_ref().unwrap_or(&self.lock);
            all_served(|target| self.asked.surely_serves(lock, &self.selection, target))
        })
    }

    /// What the lock pins for the target, every file with its address.
    fn packages(&self, job: &Job<'_>) -> Result<Vec<Package>, CompileError> {
        let wanted = without(self.select(&job.target)?, job.exclude);
        if !matches!(self.asked, Asked::Lines(_)) {
            return located(wanted, &self.shelves, job);
        }
        let mut packages = located(wanted, &self.shelves, job)?;
        for package in &mut packages {
            // `--no-binary` is one of the file's lines, or counts like one.
            if let Source::Files { wheels, .. } = &mut package.source
                && !self.builds.policy().formats(&package.name).wheel
            {
                wheels.clear();
            }
        }
        Ok(packages)
    }

    fn select(&self, target: &Target) -> Result<Vec<ForeignPackage>, LockfileError> {
        let roots = self.asked.roots_on(target);
        Ok(self.lock.select(target, &self.selection, &roots)?)
    }
}

/// The line of a requirements file that asks for a package on a target.
fn line_of(manifest: &Manifest, package: &PackageName, target: &Target) -> Option<String> {
    let environment = marker_environment(target);
    let mut lines = manifest.requirements.iter();
    let line = lines.find(|line| {
        line.name.as_ref() == Some(package) && line.marker.evaluate(&environment, &[])
    });
    line.map(|line| line.origin.to_string())
}

/// Makes sure that a requirements file lists all that its packages need.
fn check_complete(
    trees: &[WheelTree],
    manifest: &Manifest,
    job: &Job<'_>,
) -> Result<(), CompileError> {
    let missing = unlisted(trees, manifest, &job.target, &names(job.exclude));
    if missing.is_empty() {
        return Ok(());
    }
    Err(PythonError::Unlisted {
        file: job.project.shown.clone(),
        target: job.target,
        missing,
    }
    .into())
}

/// Names as the user writes them, normalised.
fn names(texts: &BTreeSet<String>) -> BTreeSet<PackageName> {
    texts.iter().filter_map(|name| name.parse().ok()).collect()
}

/// The packages less the excluded ones and what only those need.
fn without(chosen: Vec<ForeignPackage>, exclude: &BTreeSet<String>) -> Vec<ForeignPackage> {
    let excluded = names(exclude);
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
