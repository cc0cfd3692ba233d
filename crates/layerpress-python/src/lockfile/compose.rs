//! [`compose`]: the resolutions of several targets as one `pylock.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use layerpress_lock::{
    Archive, DependencyRef, Directory, File, Location, LockPath, Package, Pylock, Source,
    UploadTime, Vcs, marker_for, marker_for_targets,
};
use layerpress_target::Target;
use pep440_rs::Version;
use pep508_rs::PackageName;

use super::error::LockfileError;
use super::reach::Roots;
use super::release::{Origin, Release};
use crate::index::FileRecord;

/// Joins the answers for each target into one lock that lies in `lock_folder`.
///
/// A release that several targets share is one entry, with the files that any of them could use. An
/// entry that not all targets have carries the simplest marker that tells them apart.
///
/// # Errors
/// A path that cannot be told from the lock's folder, or a file that nothing pins.
pub fn compose(
    answers: &[(Target, Vec<Release>)],
    roots: &Roots,
    lock_folder: &Path,
) -> Result<Pylock, LockfileError> {
    let all: Vec<Target> = answers.iter().map(|(target, _)| *target).collect();
    let mut entries: Vec<Shared<'_>> = Vec::new();
    for (target, releases) in answers {
        for release in releases {
            match entries.iter_mut().find(|entry| entry.is_of(release)) {
                Some(entry) => entry.join(*target, release),
                None => entries.push(Shared {
                    targets: vec![*target],
                    releases: vec![release],
                }),
            }
        }
    }
    let mut versions: BTreeMap<&PackageName, BTreeSet<&Version>> = BTreeMap::new();
    for entry in &entries {
        versions
            .entry(&entry.first().name)
            .or_default()
            .insert(&entry.first().version);
    }
    let packages = entries
        .iter()
        .map(|entry| {
            let needed = entry.dependencies(answers, &versions);
            let marker = marker_for_targets(&entry.targets, &all);
            Ok(Package {
                name: entry.first().name.clone(),
                version: entry.version(),
                marker,
                requires_python: entry.first().requires_python.clone(),
                dependencies: needed,
                index: entry.index(),
                source: entry.source(lock_folder)?,
            })
        })
        .collect::<Result<Vec<_>, LockfileError>>()?;
    Ok(Pylock {
        environments: all.iter().map(marker_for).collect(),
        packages,
        targets: all,
        roots: roots.to_lines(),
        ..Pylock::new()
    })
}

/// One release, as one or several targets resolved it.
struct Shared<'a> {
    targets: Vec<Target>,
    releases: Vec<&'a Release>,
}

impl<'a> Shared<'a> {
    fn first(&self) -> &'a Release {
        self.releases[0]
    }

    /// Whether `release` is the same release: files of an index may differ, what was named may not.
    fn is_of(&self, release: &Release) -> bool {
        let first = self.first();
        let same_origin = match (&first.origin, &release.origin) {
            (Origin::Index { index: a, .. }, Origin::Index { index: b, .. }) => a == b,
            (a, b) => a == b,
        };
        first.name == release.name && first.version == release.version && same_origin
    }

    fn join(&mut self, target: Target, release: &'a Release) {
        self.targets.push(target);
        self.releases.push(release);
    }

    fn version(&self) -> Option<Version> {
        match self.first().origin {
            // PEP 751: the version of a source tree must not be recorded where it may change.
            Origin::Folder { .. } => None,
            _ => Some(self.first().version.clone()),
        }
    }

    fn index(&self) -> Option<url::Url> {
        match &self.first().origin {
            Origin::Index { index, .. } => index.clone(),
            _ => None,
        }
    }

    /// What it needs on any of its targets. A version is named where the name alone would not say
    /// which entry is meant.
    fn dependencies(
        &self,
        answers: &[(Target, Vec<Release>)],
        versions: &BTreeMap<&PackageName, BTreeSet<&Version>>,
    ) -> Vec<DependencyRef> {
        let mut refs = BTreeSet::new();
        for (target, release) in self.targets.iter().zip(&self.releases) {
            for name in &release.dependencies {
                let ambiguous = versions
                    .get(name)
                    .is_some_and(|versions| versions.len() > 1);
                let version = ambiguous
                    .then(|| {
                        let (_, releases) = answers.iter().find(|(of, _)| of == target)?;
                        let needed = releases.iter().find(|release| &release.name == name)?;
                        Some(needed.version.clone())
                    })
                    .flatten();
                refs.insert(DependencyRef {
                    name: name.clone(),
                    version,
                });
            }
        }
        refs.into_iter().collect()
    }

    fn source(&self, lock_folder: &Path) -> Result<Source, LockfileError> {
        let package = &self.first().name;
        let relative = |path: &Path| {
            LockPath::between(lock_folder, path).map_err(|source| LockfileError::Path {
                package: package.clone(),
                path: path.to_owned(),
                source,
            })
        };
        let inner = |folder: &Option<String>| {
            folder
                .as_deref()
                .map(LockPath::new)
                .transpose()
                .map_err(|source| LockfileError::Path {
                    package: package.clone(),
                    path: folder.clone().unwrap_or_default().into(),
                    source,
                })
        };
        Ok(match &self.first().origin {
            Origin::Index { .. } => self.files(lock_folder)?,
            Origin::Url {
                url,
                subdirectory,
                hashes,
                size,
            } => Source::Archive(Archive {
                location: Location::url(url.clone()),
                size: *size,
                upload_time: None,
                hashes: hashes.clone(),
                subdirectory: inner(subdirectory)?,
            }),
            Origin::File { path, hashes, size } => Source::Archive(Archive {
                location: Location::Path(relative(path)?),
                size: *size,
                upload_time: None,
                hashes: hashes.clone(),
                subdirectory: None,
            }),
            Origin::Folder { path, editable } => Source::Directory(Directory {
                path: relative(path)?,
                editable: *editable,
                subdirectory: None,
            }),
            Origin::Git {
                repository,
                requested,
                commit,
                subdirectory,
            } => Source::Vcs(Vcs {
                kind: "git".to_owned(),
                location: match repository.to_file_path() {
                    Ok(path) if repository.scheme() == "file" => Location::Path(relative(&path)?),
                    _ => Location::url(repository.clone()),
                },
                requested_revision: requested.clone(),
                commit_id: commit.clone(),
                subdirectory: inner(subdirectory)?,
            }),
        })
    }

    /// The files of all its targets, each once, by name.
    fn files(&self, lock_folder: &Path) -> Result<Source, LockfileError> {
        let mut listed: BTreeMap<&str, File> = BTreeMap::new();
        let mut source = None;
        for release in &self.releases {
            let Origin::Index { wheels, sdist, .. } = &release.origin else {
                continue;
            };
            for wheel in wheels {
                listed.insert(&wheel.file_name, file(release, wheel, lock_folder)?);
            }
            if let Some(sdist) = sdist {
                source = Some(file(release, sdist, lock_folder)?);
            }
        }
        Ok(Source::Files {
            sdist: source,
            wheels: listed.into_values().collect(),
        })
    }
}

fn file(release: &Release, record: &FileRecord, lock_folder: &Path) -> Result<File, LockfileError> {
    if record.hashes.is_empty() {
        return Err(LockfileError::Unhashed {
            package: release.name.clone(),
            file: record.file_name.clone(),
        });
    }
    let location = match record.url.to_file_path() {
        Ok(path) if record.url.scheme() == "file" => LockPath::between(lock_folder, &path)
            .map(Location::Path)
            .map_err(|source| LockfileError::Path {
                package: release.name.clone(),
                path,
                source,
            })?,
        _ => Location::url(record.url.clone()),
    };
    let mut hashes = record.hashes.clone();
    hashes.sort();
    Ok(File {
        name: record.file_name.clone(),
        upload_time: record
            .upload_time
            .and_then(|time| time.to_string().parse::<UploadTime>().ok()),
        location,
        size: record.size,
        hashes,
    })
}
