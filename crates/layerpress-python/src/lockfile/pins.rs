//! [`pins`]: the artifact that a target gets of each entry of a lock.

use std::path::{Path, PathBuf};

use layerpress_lock::{File, Location, Package, Pylock, Source};
use layerpress_target::Target;
use layerpress_tree::Digest;
use pep440_rs::Version;
use pep508_rs::PackageName;
use url::Url;

use super::error::LockfileError;
use crate::compatibility::Compatibility;
use crate::wheel_name::{WheelName, WheelParts};

/// One package of a layer, pinned to its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The normalised name.
    pub name: PackageName,
    /// The version; `None` for a source tree, whose build says it.
    pub version: Option<Version>,
    /// What it is made from.
    pub artifact: Artifact,
    /// What its build backend is to be told, if it has to be built: keys may come several times.
    pub config_settings: Vec<(String, String)>,
}

/// What a package is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Artifact {
    /// A wheel.
    Wheel(ArchivePin),
    /// A source distribution, or any packed source tree, to be built.
    Sdist {
        /// The archive.
        archive: ArchivePin,
        /// The project's folder in it.
        subdirectory: Option<String>,
    },
    /// A folder to be built.
    Folder {
        /// The folder.
        path: PathBuf,
        /// The project's folder in it.
        subdirectory: Option<String>,
    },
    /// A commit to be checked out and built.
    Git {
        /// The repository.
        repository: Url,
        /// The commit.
        commit: String,
        /// The project's folder in it.
        subdirectory: Option<String>,
    },
}

/// An archive, and what its bytes must hash to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivePin {
    /// Its file name.
    pub file_name: String,
    /// Where it is.
    pub place: Place,
    /// Its digests, at least one; all must match.
    pub hashes: Vec<Digest>,
    /// Its size in bytes.
    pub size: Option<u64>,
}

/// Where an archive is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// At a URL.
    Url(Url),
    /// On this machine.
    Path(PathBuf),
}

/// Chooses for each of `packages`, which are some of `lock`'s, the file that fits `target` best, among those the lock lists.
///
/// `lock_folder` is where the lock's relative paths start.
///
/// # Errors
/// The packages of which the lock lists no file for the target, or a kind of repository other than git.
pub fn pins(
    lock: &Pylock,
    packages: &[&Package],
    target: &Target,
    lock_folder: &Path,
) -> Result<Vec<Pin>, LockfileError> {
    let compatibility = Compatibility::new(target);
    let mut pins = Vec::new();
    let mut lacking = Vec::new();
    for package in packages {
        let artifact = match artifact(package, target, &compatibility, lock_folder) {
            Ok(artifact) => artifact,
            Err(error @ LockfileError::NoFile { .. }) => {
                lacking.push((error, package.name.clone()));
                continue;
            }
            Err(error) => return Err(error),
        };
        pins.push(Pin {
            name: package.name.clone(),
            version: package.version.clone(),
            artifact,
            config_settings: lock
                .config_settings_of(&package.name)
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
        });
    }
    // All that is missing is told at once.
    let mut lacking = lacking.into_iter();
    let Some((mut first, _)) = lacking.next() else {
        return Ok(pins);
    };
    if let LockfileError::NoFile { also, .. } = &mut first {
        also.extend(lacking.map(|(_, name)| name));
    }
    Err(first)
}

fn artifact(
    package: &Package,
    target: &Target,
    compatibility: &Compatibility,
    lock_folder: &Path,
) -> Result<Artifact, LockfileError> {
    let inner = |path: &Option<layerpress_lock::LockPath>| path.as_ref().map(ToString::to_string);
    match &package.source {
        Source::Files { sdist, wheels } => match best(wheels, |wheel| &wheel.name, compatibility) {
            Some(wheel) => Ok(Artifact::Wheel(pin_file(wheel, lock_folder))),
            None => match sdist {
                Some(sdist) => Ok(Artifact::Sdist {
                    archive: pin_file(sdist, lock_folder),
                    subdirectory: None,
                }),
                None => Err(LockfileError::NoFile {
                    package: package.name.clone(),
                    version: package.version.clone(),
                    target: *target,
                    listed: nearest_first(wheels, target, compatibility),
                    also: Vec::new(),
                }),
            },
        },
        Source::Archive(archive) => {
            let file_name = archive
                .location
                .file_name()
                .unwrap_or_else(|| package.name.to_string());
            let is_wheel = file_name.ends_with(".whl");
            let pin = ArchivePin {
                file_name,
                place: place(&archive.location, lock_folder),
                hashes: archive.hashes.clone(),
                size: archive.size,
            };
            if !is_wheel {
                return Ok(Artifact::Sdist {
                    archive: pin,
                    subdirectory: inner(&archive.subdirectory),
                });
            }
            let fits = pin
                .file_name
                .parse::<WheelName>()
                .is_ok_and(|wheel| compatibility.rank(&wheel).is_some());
            match fits {
                true => Ok(Artifact::Wheel(pin)),
                false => Err(LockfileError::NoFile {
                    package: package.name.clone(),
                    version: package.version.clone(),
                    target: *target,
                    listed: vec![pin.file_name],
                    also: Vec::new(),
                }),
            }
        }
        Source::Directory(directory) => Ok(Artifact::Folder {
            path: directory.path.in_folder(lock_folder),
            subdirectory: inner(&directory.subdirectory),
        }),
        Source::Vcs(vcs) if vcs.kind == "git" => Ok(Artifact::Git {
            repository: match place(&vcs.location, lock_folder) {
                Place::Url(url) => url,
                Place::Path(path) => std::path::absolute(&path)
                    .ok()
                    .and_then(|path| Url::from_file_path(path).ok())
                    .ok_or_else(|| LockfileError::Repository {
                        package: package.name.clone(),
                        path,
                    })?,
            },
            commit: vcs.commit_id.clone(),
            subdirectory: inner(&vcs.subdirectory),
        }),
        Source::Vcs(vcs) => Err(LockfileError::Vcs {
            package: package.name.clone(),
            kind: vcs.kind.clone(),
        }),
    }
}

/// Of several files of one release the one that a target gets, going by their names; a source where
/// no wheel fits.
#[must_use]
pub fn best_name<'a>(names: &[&'a str], target: &Compatibility) -> Option<&'a str> {
    let sources = names.iter().filter(|name| !name.ends_with(".whl"));
    best(names, |name| name, target).or(sources.min()).copied()
}

/// The wheel of the best tag; of several builds of it the latest (binary distribution format, "build
/// number"); then the first by name, so that the order in the lock does not matter.
pub(super) fn best<'a, F>(
    files: &'a [F],
    name: impl Fn(&'a F) -> &'a str,
    compatibility: &Compatibility,
) -> Option<&'a F> {
    files
        .iter()
        .filter_map(|file| {
            let name = name(file);
            let wheel: WheelName = name.parse().ok()?;
            let rank = compatibility.rank(&wheel)?;
            Some(((rank, std::cmp::Reverse(wheel.build), name), file))
        })
        .min_by(|(a, _), (b, _)| a.cmp(b))
        .map(|(_, file)| file)
}

/// The names of wheels that do not fit, those first that miss the target by the least.
fn nearest_first(wheels: &[File], target: &Target, compatibility: &Compatibility) -> Vec<String> {
    let machine = target.arch.machine();
    let distance = |name: &str| {
        let parts = WheelParts::split(name).ok();
        let reason = parts.as_ref().and_then(|it| compatibility.mismatch(it));
        let platform = parts.map_or("", |it| it.platform);
        (
            std::cmp::Reverse(reason),
            !platform.contains("linux"),
            !platform.ends_with(machine),
        )
    };
    let mut names: Vec<String> = wheels.iter().map(|wheel| wheel.name.clone()).collect();
    names.sort_by_key(|name| distance(name));
    names
}

fn pin_file(file: &File, lock_folder: &Path) -> ArchivePin {
    ArchivePin {
        file_name: file.name.clone(),
        place: place(&file.location, lock_folder),
        hashes: file.hashes.clone(),
        size: file.size,
    }
}

fn place(location: &Location, lock_folder: &Path) -> Place {
    match location {
        Location::Url(url) => Place::Url(url.clone()),
        Location::Path(path) => Place::Path(path.in_folder(lock_folder)),
    }
}
