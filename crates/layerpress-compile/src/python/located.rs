//! [`located`]: the packages of a lock, each file with the address that it is fetched from.
//!
//! Most locks say it. Where one has digests alone, the index is asked for files, never for versions;
//! and where the user names an index, it stands in for those that the lock was made from, as a mirror
//! does. Which file a target gets, and its digest, is the lock's word in any case.

use std::sync::Arc;

use futures_util::future::join_all;
use layerpress_lock::{ForeignPackage, Package, Pylock, Source};
use layerpress_python::Compatibility;
use layerpress_python::index::Registry;
use layerpress_python::lockfile::{LockfileError, best_name, locate, pins, relocated};
use layerpress_python::manifest::Settings;
use layerpress_target::Target;
use url::Url;

use super::archives::not_stored;
use crate::error::CompileError;
use crate::pins::Job;
use crate::project::parent;

/// Where a lock's files are looked for.
#[derive(Debug)]
pub(crate) struct Shelves {
    registry: Arc<Registry>,
    /// The indexes that the user names; nothing if the lock's own addresses count.
    named: Option<Vec<Url>>,
}

impl Shelves {
    /// What settings make of the indexes of a lock.
    pub(super) fn new(settings: &Settings, registry: Arc<Registry>) -> Self {
        let indexes = &settings.indexes;
        let all = indexes
            .index_url
            .iter()
            .chain(&indexes.extra_index_urls)
            .chain(indexes.named.values());
        Self {
            registry,
            named: (indexes.index_url.is_some() || indexes.no_index)
                .then(|| all.cloned().collect()),
        }
    }

    /// Who is asked for files.
    pub(super) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Whether some files may have to be looked for elsewhere than the lock says.
    pub(super) fn stand_in(&self) -> bool {
        self.named.is_some()
    }

    /// Whether a package's files are to be looked for on the indexes that the user names.
    fn stand_in_for(&self, package: &Package) -> bool {
        let Some(named) = &self.named else {
            return false;
        };
        let is_released = matches!(package.source, Source::Files { .. });
        let is_from_there = package
            .index
            .as_ref()
            .is_some_and(|index| named.iter().any(|it| bare(it) == bare(index)));
        is_released && !is_from_there
    }
}

/// An index's address without what two of one index may differ in.
fn bare(index: &Url) -> String {
    let mut index = index.clone();
    // An address that has no user has nothing to lose.
    let _ = index.set_username("");
    let _ = index.set_password(None);
    index.as_str().trim_end_matches('/').to_owned()
}

/// The packages with an address of every file that matters, in their order.
///
/// # Errors
/// An index that cannot be asked, or that has no listed file of a version; offline, all that neither
/// the store nor the lock tells the place of.
pub(super) fn located(
    packages: Vec<ForeignPackage>,
    shelves: &Shelves,
    job: &Job<'_>,
) -> Result<Vec<Package>, CompileError> {
    let offline = job.session.client.offline();
    let moved = packages.into_iter().map(|foreign| {
        let elsewhere = !offline && foreign.listed.is_empty();
        match elsewhere && shelves.stand_in_for(&foreign.package) && is_absent(&foreign, job) {
            true => relocated(foreign.package, &job.target),
            false => foreign,
        }
    });
    let moved: Vec<ForeignPackage> = moved.collect();
    let names: Vec<String> = moved.iter().map(|it| shown(it, &job.target)).collect();
    let asked = moved
        .into_iter()
        .map(|it| locate(it, &shelves.registry, &job.target));
    let answers = job.session.wait(join_all(asked));
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for (name, answer) in names.into_iter().zip(answers) {
        match answer {
            Ok(package) => {
                if offline {
                    missing.extend(absent(&package, job));
                }
                found.push(package);
            }
            Err(LockfileError::Index(_)) if offline => missing.push(name),
            Err(error) => return Err(error.into()),
        }
    }
    match missing.is_empty() {
        true => Ok(found),
        false => Err(CompileError::NotCached { files: missing }),
    }
}

/// Whether the store lacks the file that the target gets.
fn is_absent(foreign: &ForeignPackage, job: &Job<'_>) -> bool {
    absent(&foreign.package, job).is_some()
}

/// The file that the target gets of a package, if it is remote and the store lacks it. One that the
/// lock has no file of is told of elsewhere.
fn absent(package: &Package, job: &Job<'_>) -> Option<String> {
    let folder = parent(&job.project.lockfile);
    let pins = pins(&Pylock::new(), &[package], &job.target, &folder).ok()?;
    not_stored(job, pins.first()?)
}

/// What a package that cannot be located is called: the file that the target gets, if the lock names
/// it.
fn shown(foreign: &ForeignPackage, target: &Target) -> String {
    let listed = foreign.listed.iter().filter_map(|it| it.name.as_deref());
    match best_name(&listed.collect::<Vec<_>>(), &Compatibility::new(target)) {
        Some(name) => name.to_owned(),
        None => match &foreign.package.version {
            Some(version) => format!("{} {version}", foreign.package.name),
            None => foreign.package.name.to_string(),
        },
    }
}
