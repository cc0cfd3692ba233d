//! [`lock`]: from a manifest to the lockfile beside it, moving no version without need.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use layerpress_fetch::{Reporter, Stage};
use layerpress_lock::{Pylock, Selection};
use layerpress_python::index::Registry;
use layerpress_python::lockfile::{compose, has_leftovers, roots, unmet};
use layerpress_python::manifest::{Manifest, Settings, read_settings_constraints};
use layerpress_python::resolve::{self, RegistryProvider, Resolution};
use layerpress_target::{Ecosystem, Target};
use pep440_rs::Version;
use pep508_rs::PackageName;

use crate::builds::Builds;
use crate::error::CompileError;
use crate::foreign::refuse_foreign_builds;
use crate::project::{Project, parent};
use crate::registry::{OwnIndexes, effective, own_indexes, registry};
use crate::releases::releases;
use crate::report::{Change, LockReport, LockfileReport};
use crate::request::{LockRequest, Upgrade};
use crate::session::Session;
use crate::targets;

/// Brings the lockfile of each input up to date.
///
/// # Errors
/// The first thing that stands in the way; a lockfile is replaced whole or not at all.
pub fn lock(
    request: &LockRequest,
    reporter: &Arc<dyn Reporter>,
) -> Result<LockReport, CompileError> {
    let begun = Instant::now();
    let mut report = LockReport::default();
    for locked in lock_projects(request, Coverage::Exact, reporter)? {
        locked.write()?;
        report.seconds.resolve += locked.seconds;
        report.lockfiles.extend(locked.lockfile);
    }
    report.seconds.total = begun.elapsed();
    Ok(report)
}

/// What a lockfile's targets must be to serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coverage {
    /// The ones asked for and no others: `lock` was told what to lock.
    Exact,
    /// The ones asked for and perhaps others: `build` takes what it needs.
    AtLeast,
}

/// A project whose lock is at hand and up to date.
#[derive(Debug)]
pub(crate) struct Locked {
    /// What everything is fetched with.
    pub session: Session,
    /// Builds of sources, for any target.
    pub builds: Builds,
    /// The input.
    pub project: Project,
    /// Its lock.
    pub lock: Pylock,
    /// The targets asked for.
    pub targets: Vec<Target>,
    /// What becomes of the lockfile; `None` if the input is one.
    pub lockfile: Option<LockfileReport>,
    /// The lockfile's new text, if it changes.
    new_text: Option<String>,
    /// How long it took.
    pub seconds: Duration,
}

/// Opens all inputs and makes sure of their locks; no lockfile is written yet.
///
/// # Errors
/// As [`lock_project`], and two inputs that would have one lockfile.
pub(crate) fn lock_projects(
    request: &LockRequest,
    coverage: Coverage,
    reporter: &Arc<dyn Reporter>,
) -> Result<Vec<Locked>, CompileError> {
    let mut all: Vec<Locked> = Vec::new();
    for input in &request.inputs {
        let locked = lock_project(input, request, coverage, reporter)?;
        let path = &locked.project.lockfile;
        if let Some(other) = all.iter().find(|other| other.project.lockfile == *path) {
            return Err(CompileError::SameFile {
                path: path.clone(),
                first: other.project.shown.clone(),
                second: locked.project.shown,
            });
        }
        all.push(locked);
    }
    Ok(all)
}

/// Opens an input and makes sure of its lock.
///
/// # Errors
/// An input that cannot be used, a lock that must not but would have to change, a set without a
/// solution.
pub(crate) fn lock_project(
    input: &Path,
    request: &LockRequest,
    coverage: Coverage,
    reporter: &Arc<dyn Reporter>,
) -> Result<Locked, CompileError> {
    let begun = Instant::now();
    let trusted = request.python.flags.trusted_hosts.iter();
    let trusted = trusted
        .chain(&request.python.configured.trusted_hosts)
        .cloned()
        .collect();
    let session = Session::open(&request.sources, trusted, Arc::clone(reporter))?;
    let mut project = Project::open(input, &request.python, &|url| session.text(url))?;
    if let Some(lockfile) = &request.lockfile {
        let read = project.manifest.iter().flat_map(|it| &it.files_read);
        if let Some(read) = read.into_iter().find(|read| same_file(read, lockfile)) {
            return Err(CompileError::OverManifest { path: read.clone() });
        }
        project.lockfile.clone_from(lockfile);
    }
    let hosts = project
        .manifest
        .as_ref()
        .map(|manifest| manifest.trusted_hosts.as_slice());
    let session = match hosts {
        None | Some([]) => session,
        Some(hosts) => {
            let trusted = session
                .trusted_hosts()
                .iter()
                .chain(hosts)
                .cloned()
                .collect();
            Session::open(&request.sources, trusted, Arc::clone(reporter))?
        }
    };
    let settings = effective(project.manifest.as_ref(), &request.python);
    if let Some(manifest) = &mut project.manifest {
        // Flags, variables and configuration may ask for what the manifest does not.
        manifest.pre |= settings.pre;
        manifest.prefer_binary |= settings.prefer_binary;
        manifest.require_hashes |= settings.require_hashes;
        for named in &settings.constraints {
            let read = read_settings_constraints(named, &request.python.variables, &|url| {
                session.text(url)
            })?;
            manifest.constraints.extend(read.constraints);
            manifest.warnings.extend(read.warnings);
        }
        session.warn_all(manifest.warnings.iter().cloned());
        manifest.check_hashes()?;
    }
    let previous = Previous::read(&project.lockfile)?;
    let locked_targets = match &previous {
        Some(previous) if previous.lock.targets.is_empty() && request.runtimes.is_empty() => {
            targets::inferred(
                &previous.lock,
                &request.archs,
                &project.lockfile,
                session.reporter(),
            )
        }
        Some(previous) => previous.lock.targets.clone(),
        None => Vec::new(),
    };
    let targets = targets::choose(
        Ecosystem::Python,
        &request.runtimes,
        &request.archs,
        &locked_targets,
    )?;
    if let Some(manifest) = &project.manifest {
        targets::admitted(manifest, &targets)?;
    }
    let own = match &project.manifest {
        Some(manifest) => own_indexes(manifest, targets[0]),
        None => OwnIndexes::new(),
    };
    let registry = registry(&settings, own.clone(), &request.python, &session);
    let registry = Arc::new(registry);
    let builds = Builds::new(
        &request.python,
        settings.build.clone(),
        Arc::clone(&registry),
        targets[0],
    );
    let work = Work {
        request,
        session: &session,
        project: &project,
        settings: &settings,
        own: &own,
        registry: &registry,
        builds: &builds,
    };
    let Outcome {
        lock,
        lockfile,
        new_text,
    } = work.up_to_date(previous, &targets, coverage)?;
    session.warn_all(unknown_names(request, &lock));
    Ok(Locked {
        session,
        builds,
        project,
        lock,
        targets,
        lockfile,
        new_text,
        seconds: begun.elapsed(),
    })
}

/// A sentence for each package that an option names and the lock does not have.
fn unknown_names(request: &LockRequest, lock: &Pylock) -> Vec<String> {
    let excluded = request.exclude.iter().map(|name| ("--exclude", name));
    let upgraded = match &request.upgrade {
        Upgrade::Packages(names) => Some(names),
        Upgrade::Nothing | Upgrade::Everything => None,
    };
    let upgraded = upgraded
        .into_iter()
        .flatten()
        .map(|name| ("--upgrade-package", name));
    let known = |name: &str| {
        lock.packages
            .iter()
            .any(|package| package.name.as_ref() == name)
    };
    excluded
        .chain(upgraded)
        .filter(|(_, name)| !known(name))
        .map(|(option, name)| format!("`{option} {name}`: nothing of that name is in the lock"))
        .collect()
}

impl Locked {
    /// Writes the lockfile, if it changes. Whoever builds does so once every artifact has proved
    /// sound: a lock that pins a broken wheel would only make the fault last.
    ///
    /// # Errors
    /// A lockfile that cannot be written.
    pub(crate) fn write(&self) -> Result<(), CompileError> {
        match &self.new_text {
            Some(text) => write(&self.project.lockfile, text),
            None => Ok(()),
        }
    }
}

/// A lockfile as it was found.
struct Previous {
    text: String,
    lock: Pylock,
}

impl Previous {
    fn read(path: &Path) -> Result<Option<Self>, CompileError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(CompileError::Unreadable {
                    path: path.to_owned(),
                    source,
                });
            }
        };
        match Pylock::parse(&text) {
            Ok(lock) => Ok(Some(Self { text, lock })),
            Err(source) => Err(CompileError::Lock {
                path: path.to_owned(),
                source: Box::new(source),
            }),
        }
    }
}

/// A lock that serves, and what becomes of its file.
struct Outcome {
    lock: Pylock,
    lockfile: Option<LockfileReport>,
    new_text: Option<String>,
}

/// What locking one project works with.
struct Work<'a> {
    request: &'a LockRequest,
    session: &'a Session,
    project: &'a Project,
    settings: &'a Settings,
    /// The indexes that single packages have on the first target, which `registry` knows.
    own: &'a OwnIndexes,
    registry: &'a Arc<Registry>,
    builds: &'a Builds,
}

impl Work<'_> {
    /// The lock that serves `targets`: the previous one where it does, else a new one with its text.
    fn up_to_date(
        &self,
        previous: Option<Previous>,
        targets: &[Target],
        coverage: Coverage,
    ) -> Result<Outcome, CompileError> {
        let path = &self.project.lockfile;
        let Some(manifest) = &self.project.manifest else {
            let lock = previous
                .ok_or_else(|| CompileError::NoLock { path: path.clone() })?
                .lock;
            return Ok(Outcome {
                lock,
                lockfile: None,
                new_text: None,
            });
        };
        let unchanged = |lock: Pylock| Outcome {
            lockfile: Some(LockfileReport {
                path: path.clone(),
                written: false,
                packages: lock.packages.len(),
                changes: Vec::new(),
            }),
            lock,
            new_text: None,
        };
        if self.request.locked {
            let lock = previous
                .ok_or_else(|| CompileError::NoLock { path: path.clone() })?
                .lock;
            if let Some(unmet) = unmet(&lock, manifest, targets, &parent(path)) {
                return Err(CompileError::LockOutdated {
                    path: path.clone(),
                    unmet: Box::new(unmet),
                });
            }
            return Ok(unchanged(lock));
        }
        if let Some(previous) = &previous
            && self.serves(&previous.lock, manifest, targets, coverage)
        {
            return Ok(unchanged(previous.lock.clone()));
        }
        let all = match (&previous, coverage) {
            (Some(previous), Coverage::AtLeast) => union(&previous.lock.targets, targets),
            _ => targets.to_vec(),
        };
        let lock = self.resolve(
            manifest,
            &all,
            previous.as_ref().map(|previous| &previous.lock),
        )?;
        let before = previous.as_ref().map(|previous| previous.text.as_str());
        let text = lock.write(before);
        let written = before != Some(text.as_str());
        let changes = changes(previous.as_ref().map(|previous| &previous.lock), &lock);
        let report = LockfileReport {
            path: path.clone(),
            written,
            packages: lock.packages.len(),
            changes,
        };
        Ok(Outcome {
            lock,
            lockfile: Some(report),
            new_text: written.then_some(text),
        })
    }

    /// Whether a lock says all that is needed, and nothing that is not.
    fn serves(
        &self,
        lock: &Pylock,
        manifest: &Manifest,
        targets: &[Target],
        coverage: Coverage,
    ) -> bool {
        let same_targets = match coverage {
            Coverage::Exact => {
                lock.targets.len() == targets.len()
                    && union(&lock.targets, targets).len() == targets.len()
            }
            Coverage::AtLeast => true,
        };
        let folder = parent(&self.project.lockfile);
        same_targets
            && self.request.upgrade == Upgrade::Nothing
            && unmet(lock, manifest, targets, &folder).is_none()
            && !has_leftovers(lock, manifest, &folder)
    }

    /// Resolves each target in turn; earlier answers are preferences for later ones.
    fn resolve(
        &self,
        manifest: &Manifest,
        targets: &[Target],
        previous: Option<&Pylock>,
    ) -> Result<Pylock, CompileError> {
        let mut answers = Vec::new();
        let mut found = roots(manifest, targets);
        let mut chosen: Vec<(PackageName, Version)> = Vec::new();
        for target in targets {
            let _running = self.session.stage(Stage::Resolve, *target);
            let mut preferences = previous
                .map(|lock| self.kept(lock, target))
                .unwrap_or_default();
            preferences.extend(chosen.iter().cloned());
            let registry = self.registry_for(manifest, *target);
            let resolution = self.resolve_one(manifest, *target, &registry, preferences)?;
            refuse_foreign_builds(&resolution, &registry, self.builds.policy(), *target)?;
            self.session
                .warn_all(resolution.warnings.iter().map(ToString::to_string));
            for package in &resolution.packages {
                chosen.push((package.name.clone(), package.version.clone()));
                if !package.requested_by.is_empty() {
                    let lines = package
                        .requested_by
                        .iter()
                        .filter_map(|&line| manifest.requirements.get(line));
                    found.add(
                        package.name.clone(),
                        lines.flat_map(|line| line.extras.clone()),
                    );
                }
            }
            answers.push((*target, releases(self.session, &resolution)?));
        }
        let folder = parent(&self.project.lockfile);
        let folder = std::path::absolute(&folder).map_err(|source| CompileError::Unreadable {
            path: folder,
            source,
        })?;
        let lock = compose(&answers, &found, &folder)?;
        lock.check_portable().map_err(|source| CompileError::Lock {
            path: self.project.lockfile.clone(),
            source: Box::new(source),
        })?;
        Ok(lock)
    }

    /// The one registry, unless some package has another index of its own on this target.
    fn registry_for(&self, manifest: &Manifest, target: Target) -> Arc<Registry> {
        let own = own_indexes(manifest, target);
        if own == *self.own {
            return Arc::clone(self.registry);
        }
        let options = &self.request.python;
        Arc::new(registry(self.settings, own, options, self.session))
    }

    fn resolve_one(
        &self,
        manifest: &Manifest,
        target: Target,
        registry: &Arc<Registry>,
        preferences: Vec<(PackageName, Version)>,
    ) -> Result<Resolution<resolve::Artifact>, CompileError> {
        let failed = |source| CompileError::Resolve {
            source: Box::new(source),
        };
        let mut request = resolve::Request::new(manifest, &target)
            .expect("the markers of every Python runtime are versions");
        request.preferences = preferences;
        request.strategy = self.request.python.strategy;
        let builder = Arc::new(self.builds.for_target(target));
        let provider = RegistryProvider::new(
            Arc::clone(registry),
            target,
            self.builds.policy().clone(),
            Some(builder),
        );
        self.session
            .wait(resolve::resolve(request, Arc::new(provider)))
            .map_err(failed)
    }

    /// The versions of a lock that may not move without need.
    fn kept(&self, lock: &Pylock, target: &Target) -> Vec<(PackageName, Version)> {
        let moves = |name: &PackageName| match &self.request.upgrade {
            Upgrade::Nothing => false,
            Upgrade::Packages(names) => names.contains(&name.to_string()),
            Upgrade::Everything => true,
        };
        let of_target = lock.select(target, &Selection::default());
        let packages = of_target.unwrap_or_else(|_| lock.packages.iter().collect());
        packages
            .into_iter()
            .filter(|package| !moves(&package.name))
            .filter_map(|package| Some((package.name.clone(), package.version.clone()?)))
            .collect()
    }
}

fn union(some: &[Target], more: &[Target]) -> Vec<Target> {
    let set: BTreeSet<Target> = some.iter().chain(more).copied().collect();
    set.into_iter().collect()
}

/// Whether both paths lead to one file that is there.
fn same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

fn write(path: &Path, text: &str) -> Result<(), CompileError> {
    let failed = |source: std::io::Error| CompileError::Write {
        error: format!("`{}` cannot be written: {source}", path.display()),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".pylock.")
        .tempfile_in(parent(path))
        .map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    readable(file.as_file()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// A temporary file is its maker's alone; a lockfile is for the team.
#[cfg(unix)]
fn readable(file: &std::fs::File) -> std::io::Result<()> {
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}

/// What moved between two locks, by name.
fn changes(before: Option<&Pylock>, after: &Pylock) -> Vec<Change> {
    let versions = |lock: &Pylock| {
        let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for package in &lock.packages {
            let version = package
                .version
                .as_ref()
                .map_or_else(|| "local".to_owned(), ToString::to_string);
            versions
                .entry(package.name.to_string())
                .or_default()
                .insert(version);
        }
        versions
    };
    let Some(before) = before else {
        return Vec::new();
    };
    let (before, after) = (versions(before), versions(after));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let joined = |versions: Option<&BTreeSet<String>>| {
        versions.map(|versions| versions.iter().cloned().collect::<Vec<_>>().join(", "))
    };
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| Change {
            name: name.clone(),
            before: joined(before.get(name)),
            after: joined(after.get(name)),
        })
        .collect()
}
