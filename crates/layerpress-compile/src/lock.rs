//! [`lock`]: the lockfile of each input brought up to date, whichever ecosystem it is of.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use layerpress_fetch::Reporter;
use layerpress_scratch::replace;
use layerpress_target::{Ecosystem, Runtime, Target};

use crate::error::CompileError;
use crate::input::{Input, find};
use crate::pins::Pins;
use crate::project::Project;
use crate::report::{Change, LockReport, LockfileReport};
use crate::request::{LockRequest, Upgrade};
use crate::session::Session;
use crate::{node, python};

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
    for mut locked in lock_projects(request, Coverage::Exact, reporter)? {
        locked.write()?;
        report.seconds.resolve += locked.seconds;
        report.lockfiles.extend(locked.lockfile.take());
        // The process may end before what follows does.
        locked.session.say_unkept();
        // Whoever waits for the report has no need to wait until all of this is taken apart.
        rayon::spawn(move || drop(locked));
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
    /// The input.
    pub project: Project,
    /// What its lock says.
    pub pins: Box<dyn Pins>,
    /// The targets asked for.
    pub targets: Vec<Target>,
    /// What becomes of the lockfile; `None` if the input is one.
    pub lockfile: Option<LockfileReport>,
    /// The lockfile's new text, if it changes.
    pub new_text: Option<String>,
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
    let mut inputs = Vec::new();
    for path in &request.inputs {
        inputs.extend(find(path)?);
    }
    let mut all: Vec<Locked> = Vec::new();
    for (input, runtimes) in runtimes_of(&inputs, &request.runtimes)? {
        let own = LockRequest {
            runtimes,
            ..request.clone()
        };
        let locked = lock_project(input, &own, coverage, reporter)?;
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
    for message in unknown_names(request, &all) {
        reporter.warn(message);
    }
    Ok(all)
}

/// The runtimes asked for that are of each input's ecosystem. Half of a folder for which none is
/// asked is left out; a file that is named by itself is not.
fn runtimes_of<'a>(
    inputs: &'a [Input],
    asked: &[Runtime],
) -> Result<Vec<(&'a Input, Vec<Runtime>)>, CompileError> {
    let mut all = Vec::new();
    for &runtime in asked {
        let is_for = |input: &&Input| input.ecosystem == runtime.ecosystem();
        if let (None, Some(input)) = (inputs.iter().find(is_for), inputs.first()) {
            return Err(CompileError::OtherEcosystem {
                runtime,
                ecosystem: input.ecosystem,
            });
        }
    }
    for input in inputs {
        let is_own = |runtime: &Runtime| runtime.ecosystem() == input.ecosystem;
        let own: Vec<Runtime> = asked.iter().copied().filter(is_own).collect();
        match (own.is_empty(), asked.first()) {
            (true, Some(_)) if !input.other_half.is_empty() => {}
            (true, Some(&runtime)) => {
                return Err(CompileError::OtherEcosystem {
                    runtime,
                    ecosystem: input.ecosystem,
                });
            }
            _ => all.push((input, own)),
        }
    }
    Ok(all)
}

/// A sentence for each package that an option names and no lock has.
fn unknown_names(request: &LockRequest, all: &[Locked]) -> Vec<String> {
    let excluded = request.exclude.iter().map(|name| ("--exclude", name));
    let upgraded = match &request.upgrade {
        Upgrade::Packages(names) => Some(names),
        Upgrade::Nothing | Upgrade::Everything => None,
    };
    let upgraded = upgraded
        .into_iter()
        .flatten()
        .map(|name| ("--upgrade-package", name));
    let prebuilt = request.node.prebuilt.iter();
    let prebuilt = prebuilt.map(|name| ("--prebuilt", name));
    excluded
        .chain(upgraded)
        .chain(prebuilt)
        .filter(|(_, name)| !all.iter().any(|locked| locked.pins.has(name)))
        .map(|(option, name)| format!("`{option} {name}`: nothing of that name is in the lock"))
        .collect()
}

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
    match input.ecosystem {
        Ecosystem::Python => python::lock_project(input, request, coverage, reporter),
        Ecosystem::Node => node::lock_project(input, request, coverage, reporter),
    }
}

impl Locked {
    /// Writes the lockfile, if it changes. Whoever builds does so once every artifact has proved
    /// sound: a lock that pins a broken archive would only make the fault last.
    ///
    /// # Errors
    /// A lockfile that cannot be written.
    pub(crate) fn write(&self) -> Result<(), CompileError> {
        if let Some(text) = &self.new_text {
            write(&self.project.lockfile, text)?;
        }
        self.pins.write()
    }
}

fn write(path: &Path, text: &str) -> Result<(), CompileError> {
    replace(path, |file| file.write_all(text.as_bytes())).map_err(|source| CompileError::Write {
        error: format!("`{}` cannot be written: {source}", path.display()),
    })
}

/// Makes sure that a lockfile which is used as it is was not to be upgraded.
///
/// # Errors
/// [`CompileError::NothingMoves`] if it was.
pub(crate) fn refuse_upgrade(request: &LockRequest, lockfile: &Path) -> Result<(), CompileError> {
    match request.upgrade {
        Upgrade::Nothing => Ok(()),
        Upgrade::Packages(_) | Upgrade::Everything => Err(CompileError::NothingMoves {
            path: lockfile.to_owned(),
        }),
    }
}

/// The answer to who wants a lockfile locked.
pub(crate) fn nothing_to_lock(lockfile: &Path) -> CompileError {
    CompileError::NothingToLock {
        path: lockfile.to_owned(),
    }
}

/// The versions of each package that a lock pins, by name.
pub(crate) type Versions = BTreeMap<String, BTreeSet<String>>;

/// What moved between two locks, by name; a first lock moves nothing.
pub(crate) fn changes(before: Option<&Versions>, after: &Versions) -> Vec<Change> {
    let Some(before) = before else {
        return Vec::new();
    };
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
