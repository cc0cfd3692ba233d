//! [`lock_project`]: from a Python manifest to its `pylock.toml`, moving no version without need.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use layerpress_fetch::{Reporter, Stage};
use layerpress_lock::{ConfigSetting, ForeignFormat, GroupName, Pylock, Selection};
use layerpress_python::index::Registry;
use layerpress_python::lockfile::{compose, has_leftovers, hashed, roots, unmet};
use layerpress_python::manifest::{
    Extras, Manifest, Requirement, Settings, read_settings_constraints,
};
use layerpress_python::resolve::{self, RegistryProvider, Resolution};
use layerpress_target::{Ecosystem, Runtime, Target};
use pep440_rs::Version;
use pep508_rs::PackageName;

use super::PythonPins;
use super::builds::Builds;
use super::error::PythonError;
use super::foreign::refuse_foreign_builds;
use super::foreign_lock;
use super::located::Shelves;
use super::previous::Previous;
use super::project::{fetch_text, open, several_locks};
use super::registry::{OwnIndexes, effective, own_indexes, registry};
use super::releases::releases;
use super::targets::{Serves, admitted, available, newest_served};
use crate::error::CompileError;
use crate::input::Input;
use crate::lock::{Coverage, Locked, Versions, changes, nothing_to_lock, refuse_upgrade};
use crate::project::parent;
use crate::report::LockfileReport;
use crate::request::{LockRequest, PythonOptions, Upgrade};
use crate::session::Session;
use crate::targets::choose;

/// Opens an input and makes sure of its lock.
///
/// # Errors
/// An input that cannot be used, a lock that must not but would have to change, a set without a
/// solution.
pub(crate) fn lock_project(
    input: &Input,
    request: &LockRequest,
    coverage: Coverage,
    reporter: &Arc<dyn Reporter>,
) -> Result<Locked, CompileError> {
    let name = input.file.file_name().unwrap_or_default();
    let name = name.to_string_lossy();
    if let Some(format) = ForeignFormat::of_file_name(&name) {
        let manifest = input.file.with_file_name("pyproject.toml");
        return match coverage {
            Coverage::AtLeast => foreign_lock::open(format, input, request, reporter),
            // `lock` writes a `pylock.toml`, whoever else keeps a lock of the same folder.
            Coverage::Exact if input.folder.is_some() && manifest.is_file() => {
                let file = manifest;
                let input = Input {
                    file,
                    ..input.clone()
                };
                lock_project(&input, request, coverage, reporter)
            }
            Coverage::Exact => Err(nothing_to_lock(&input.file)),
        };
    }
    let begun = Instant::now();
    let session = session(request, reporter)?;
    let (mut project, mut manifest) =
        open(input, &request.python, &|url| fetch_text(&session, url))?;
    if let Some(lockfile) = &request.lockfile {
        let read = manifest.iter().flat_map(|it| &it.files_read);
        if let Some(read) = read.into_iter().find(|read| same_file(read, lockfile)) {
            return Err(CompileError::OverManifest { path: read.clone() });
        }
        project.lockfile.clone_from(lockfile);
    }
    let hosts = manifest
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
    let settings = effective(manifest.as_ref(), &request.python);
    if let Some(manifest) = &mut manifest {
        // Flags, variables and configuration may ask for what the manifest does not.
        manifest.pre |= settings.pre;
        manifest.prefer_binary |= settings.prefer_binary;
        manifest.require_hashes |= settings.require_hashes;
        for named in &settings.constraints {
            let read = read_settings_constraints(named, &request.python.variables, &|url| {
                fetch_text(&session, url)
            })?;
            manifest.constraints.extend(read.constraints);
            manifest.warnings.extend(read.warnings);
        }
        session.warn_all(manifest.warnings.iter().cloned());
        manifest.check_hashes()?;
    }
    let is_for_building = coverage == Coverage::AtLeast && request.lockfile.is_none();
    if is_for_building {
        session.warn_all(several_locks(input, &project.lockfile));
    }
    if is_for_building && !project.lockfile.is_file() {
        manifest = match manifest.map(|it| (hashed(&it), it)) {
            Some((Some(packages), lines)) => {
                let listed = (packages, lines);
                project.lockfile.clone_from(&input.file);
                return foreign_lock::open_hashed(
                    listed, project, settings, session, request, begun,
                );
            }
            other => other.map(|(_, manifest)| manifest),
        };
    }
    let previous = Previous::read(&project.lockfile, &session)?;
    let selection = match (&previous, &manifest) {
        // Where there is a manifest, extras and groups are those of its own that it asks for.
        (Some(previous), None) => selection(&previous.lock, &request.python),
        _ => Selection::default(),
    };
    let locked_targets = match &previous {
        Some(previous) if previous.lock.targets.is_empty() && request.runtimes.is_empty() => {
            let path = &project.lockfile;
            newest_served(&request.archs, path, session.reporter(), |target| {
                Serves::by_pylock(&previous.lock, &selection, path, target)
            })
        }
        Some(previous) => previous.lock.targets.clone(),
        None => Vec::new(),
    };
    let targets = choose(
        Ecosystem::Python,
        &request.runtimes,
        &request.archs,
        &locked_targets,
    )?;
    if let Some(manifest) = &manifest {
        admitted(manifest, &targets)?;
    }
    let own = match &manifest {
        Some(manifest) => own_indexes(manifest, targets[0])?,
        None => OwnIndexes::new(),
    };
    let registry = registry(&settings, own.clone(), &request.python, &session);
    let registry = Arc::new(registry);
    let builds = Builds::new(
        &request.python,
        settings.build.clone(),
        Arc::clone(&registry),
        targets[0],
        request.sources.jobs,
    );
    let work = Work {
        request,
        session: &session,
        manifest: manifest.as_ref(),
        path: &project.lockfile,
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
    Ok(Locked {
        session,
        project,
        pins: Box::new(PythonPins {
            shelves: Shelves::new(&settings, registry),
            manifest,
            lock,
            selection,
            builds,
        }),
        targets,
        lockfile,
        new_text,
        seconds: begun.elapsed(),
    })
}

/// The extras and groups of a lock that the user asks for. A group is asked for beside those that
/// the lock installs in any case, as one of a manifest is.
fn selection(lock: &Pylock, options: &PythonOptions) -> Selection {
    let asked: Vec<GroupName> = options
        .groups
        .iter()
        .filter_map(|name| name.parse().ok())
        .collect();
    Selection {
        extras: match &options.extras {
            Extras::Named(names) => names.clone(),
            Extras::None => Vec::new(),
            Extras::All => lock.extras.clone().unwrap_or_default(),
        },
        groups: (!asked.is_empty()).then(|| {
            let all = lock.default_groups.iter().cloned().chain(asked);
            all.collect()
        }),
    }
}

/// Opens the store and makes ready to fetch, by what flags and configuration say.
///
/// # Errors
/// As [`Session::open`].
pub(super) fn session(
    request: &LockRequest,
    reporter: &Arc<dyn Reporter>,
) -> Result<Session, CompileError> {
    let trusted = request.python.flags.trusted_hosts.iter();
    let trusted = trusted
        .chain(&request.python.configured.trusted_hosts)
        .cloned()
        .collect();
    Session::open(&request.sources, trusted, Arc::clone(reporter))
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
    manifest: Option<&'a Manifest>,
    /// The lockfile, whether it is there yet or not.
    path: &'a Path,
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
        let path = self.path;
        let missing = || CompileError::NoLock {
            path: path.to_owned(),
        };
        let Some(manifest) = self.manifest else {
            refuse_upgrade(self.request, path)?;
            if coverage == Coverage::Exact {
                return Err(nothing_to_lock(path));
            }
            let lock = previous.ok_or_else(missing)?.lock;
            return Ok(Outcome {
                lock,
                lockfile: None,
                new_text: None,
            });
        };
        let unchanged = |lock: Pylock| Outcome {
            lockfile: Some(LockfileReport {
                path: path.to_owned(),
                written: false,
                packages: lock.packages.len(),
                changes: Vec::new(),
            }),
            lock,
            new_text: None,
        };
        if self.request.locked {
            let lock = previous.ok_or_else(missing)?.lock;
            if let Some(unmet) = unmet(&lock, manifest, targets, &parent(path)) {
                return Err(CompileError::LockOutdated {
                    path: path.to_owned(),
                    unmet: unmet.to_string(),
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
        let before = previous.as_ref().map(|previous| versions(&previous.lock));
        let changes = changes(before.as_ref(), &versions(&lock));
        let report = LockfileReport {
            path: path.to_owned(),
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
        let folder = parent(self.path);
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
        let mut told: Vec<ConfigSetting> = Vec::new();
        for target in targets {
            let _running = self.session.stage(Stage::Resolve, *target);
            let mut preferences = previous
                .map(|lock| self.kept(lock, target))
                .unwrap_or_default();
            preferences.extend(chosen.iter().cloned());
            let registry = self.registry_for(manifest, *target)?;
            let resolution = self.resolve_one(manifest, *target, &registry, preferences)?;
            refuse_foreign_builds(&resolution, &registry, self.builds.policy(), *target)?;
            self.session
                .warn_all(resolution.warnings.iter().map(ToString::to_string));
            for package in &resolution.packages {
                chosen.push((package.name.clone(), package.version.clone()));
                if !package.requested_by.is_empty() {
                    let lines: Vec<&Requirement> = package
                        .requested_by
                        .iter()
                        .filter_map(|&line| manifest.requirements.get(line))
                        .collect();
                    found.add(
                        package.name.clone(),
                        lines.iter().flat_map(|line| line.extras.clone()),
                    );
                    for (key, value) in lines.iter().flat_map(|line| &line.config_settings) {
                        let setting = ConfigSetting {
                            package: package.name.clone(),
                            key: key.clone(),
                            value: value.clone(),
                        };
                        if !told.contains(&setting) {
                            told.push(setting);
                        }
                    }
                }
            }
            answers.push((*target, releases(self.session, &resolution)?));
        }
        let folder = parent(self.path);
        let folder = std::path::absolute(&folder).map_err(|source| CompileError::Unreadable {
            path: folder,
            source,
        })?;
        let mut lock = compose(&answers, &found, &folder)?;
        lock.config_settings = told;
        lock.check_portable().map_err(|error| PythonError::Lock {
            path: self.path.to_owned(),
            error: Box::new(error),
        })?;
        Ok(lock)
    }

    /// The one registry, unless some package has another index of its own on this target.
    fn registry_for(
        &self,
        manifest: &Manifest,
        target: Target,
    ) -> Result<Arc<Registry>, PythonError> {
        let own = own_indexes(manifest, target)?;
        if own == *self.own {
            return Ok(Arc::clone(self.registry));
        }
        let options = &self.request.python;
        Ok(Arc::new(registry(
            self.settings,
            own,
            options,
            self.session,
        )))
    }

    fn resolve_one(
        &self,
        manifest: &Manifest,
        target: Target,
        registry: &Arc<Registry>,
        preferences: Vec<(PackageName, Version)>,
    ) -> Result<Resolution<resolve::Artifact>, CompileError> {
        let (mut request, provider) = self.question(manifest, target, registry);
        request.preferences = preferences;
        let resolved = self
            .session
            .wait(resolve::resolve(request, Arc::new(provider)));
        resolved.map_err(|mut error| {
            if error.may_be_the_python()
                && let Some(runtime) = self.runtime_that_would_do(manifest, target)
            {
                error.add_hint(format!("with `--runtime {runtime}` it would do"));
            }
            CompileError::from(PythonError::Resolve {
                source: Box::new(error),
            })
        })
    }

    /// What the resolver is asked for a target, and whom it asks.
    fn question(
        &self,
        manifest: &Manifest,
        target: Target,
        registry: &Arc<Registry>,
    ) -> (resolve::Request, RegistryProvider) {
        let mut request = resolve::Request::new(manifest, &target)
            .expect("the markers of every Python runtime are versions");
        request.strategy = self.request.python.strategy;
        let builder = Arc::new(self.builds.for_target(target));
        let provider = RegistryProvider::new(
            Arc::clone(registry),
            target,
            self.builds.policy().clone(),
            Some(builder),
        )
        .with_config_settings(config_settings(manifest));
        (request, provider)
    }

    /// The newest other runtime for which the manifest can be met, where that is quick to find out.
    fn runtime_that_would_do(&self, manifest: &Manifest, target: Target) -> Option<Runtime> {
        let mut others = available(target.arch, manifest);
        others.retain(|other| *other != target);
        let mut targets = Vec::new();
        let questions = others.iter().filter_map(|&other| {
            let registry = self.registry_for(manifest, other).ok()?;
            targets.push(other);
            Some(self.question(manifest, other, &registry))
        });
        let found = self.session.wait(resolve::first_that_would_do(questions));
        found.map(|at| targets[at].runtime)
    }

    /// The versions of a lock that may not move without need.
    fn kept(&self, lock: &Pylock, target: &Target) -> Vec<(PackageName, Version)> {
        let moves = |name: &PackageName| match &self.request.upgrade {
            Upgrade::Nothing => false,
            Upgrade::Packages(names) => names
                .iter()
                .any(|it| it.parse().ok().as_ref() == Some(name)),
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

/// What the manifest tells the build backends of the packages that it names.
fn config_settings(manifest: &Manifest) -> BTreeMap<PackageName, Vec<(String, String)>> {
    let mut told: BTreeMap<PackageName, Vec<(String, String)>> = BTreeMap::new();
    for requirement in &manifest.requirements {
        if let Some(name) = &requirement.name
            && !requirement.config_settings.is_empty()
        {
            told.entry(name.clone())
                .or_default()
                .extend(requirement.config_settings.iter().cloned());
        }
    }
    told
}

/// The versions of a lock's packages, by name.
fn versions(lock: &Pylock) -> Versions {
    let mut versions = Versions::new();
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
}

fn union(some: &[Target], more: &[Target]) -> Vec<Target> {
    let set: BTreeSet<Target> = some.iter().chain(more).copied().collect();
    set.into_iter().collect()
}

/// Whether both paths lead to one file that is there.
fn same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
