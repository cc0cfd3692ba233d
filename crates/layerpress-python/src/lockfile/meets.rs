//! [`unmet`] and [`has_leftovers`]: whether a lock's pins satisfy every line of a manifest, and hold
//! nothing besides.

use std::path::Path;

use layerpress_lock::{
    Archive, Location, Package, Pylock, Selection, Source as Locked, marker_environment,
};
use layerpress_target::Target;
use url::Url;

use super::error::{Unmeetable, Unmet};
use super::folders;
use super::pins::{Artifact, pins};
use super::reach::Roots;
use crate::index::{Agreement, digest_matches};
use crate::manifest::{Manifest, Requirement, Source};
use crate::wheel_name::WheelName;

/// The first requirement, constraint or override that the lock does not satisfy on one of `targets`.
///
/// Only pins count: where they came from and how they were chosen plays no part. What the project in
/// a local folder depends on counts as lines of the manifest, where its `pyproject.toml` says it.
/// `lock_folder` is where the lock's relative paths start.
#[must_use]
pub fn unmet(
    lock: &Pylock,
    manifest: &Manifest,
    targets: &[Target],
    lock_folder: &Path,
) -> Option<Unmet> {
    let inner = folders::lines(manifest);
    for target in targets {
        let packages = match lock.select(target, &Selection::default()) {
            Ok(packages) => packages,
            Err(source) => return Some(Unmet::Target { source }),
        };
        let environment = marker_environment(target);
        let applies = |requirement: &&Requirement| requirement.marker.evaluate(&environment, &[]);
        for requirement in required(manifest, &inner).filter(applies) {
            let why = match find(requirement, &packages, lock_folder) {
                None => Unmeetable::Missing,
                Some(package) => {
                    let why = mismatch(requirement, package, lock_folder)
                        .or_else(|| other_hashes(lock, requirement, package, target, lock_folder))
                        .or_else(|| other_settings(lock, requirement, package));
                    match why {
                        Some(why) => why,
                        None => continue,
                    }
                }
            };
            return Some(Unmet::Line {
                origin: requirement.origin.clone(),
                why,
                target: *target,
            });
        }
        let limits = manifest.constraints.iter().chain(&manifest.overrides);
        for constraint in limits.filter(applies) {
            let Some(package) = find(constraint, &packages, lock_folder) else {
                continue;
            };
            if let Some(why) = mismatch(constraint, package, lock_folder) {
                return Some(Unmet::Line {
                    origin: constraint.origin.clone(),
                    why,
                    target: *target,
                });
            }
        }
    }
    extras_unmet(lock, manifest, targets, lock_folder)
}

/// Whether a lock of ours has entries that nothing in the manifest asks for any more. Of another
/// tool's lock this is not known.
#[must_use]
pub fn has_leftovers(lock: &Pylock, manifest: &Manifest, lock_folder: &Path) -> bool {
    if lock.roots.is_empty() {
        return false;
    }
    let asked = roots_in(lock, manifest, &lock.targets, lock_folder);
    let asked_settings: usize = manifest
        .requirements
        .iter()
        .map(|requirement| requirement.config_settings.len())
        .sum();
    Roots::from_lines(&lock.roots) != asked
        // What the manifest tells is in the lock, or it would be unmet: only more can be there.
        || lock.config_settings.len() > asked_settings
        || folders::depends_on_less(manifest, |folder| {
            let entry = lock.packages.iter().find(|package| match &package.source {
                Locked::Directory(locked) => same_file(&locked.path.in_folder(lock_folder), folder),
                _ => false,
            })?;
            Some(entry.dependencies.iter().map(|it| &it.name).collect())
        })
}

/// The roots of a manifest on any of `targets`, as [`roots`](super::roots) finds them; what the
/// manifest does not name goes by the name that `lock` has for it.
#[must_use]
pub fn roots_in(
    lock: &Pylock,
    manifest: &Manifest,
    targets: &[Target],
    lock_folder: &Path,
) -> Roots {
    let mut roots = Roots::default();
    for target in targets {
        let environment = marker_environment(target);
        let packages = lock.select(target, &Selection::default());
        let packages = packages.unwrap_or_default();
        for requirement in &manifest.requirements {
            if !requirement.marker.evaluate(&environment, &[]) {
                continue;
            }
            let locked = || {
                let package = find(requirement, &packages, lock_folder);
                package.map(|package| package.name.clone())
            };
            if let Some(name) = requirement.name.clone().or_else(locked) {
                roots.add(name, requirement.extras.iter().cloned());
            }
        }
    }
    roots
}

/// What is asked for, with overrides in place of the lines that they stand for.
fn required<'a>(
    manifest: &'a Manifest,
    inner: &'a [Requirement],
) -> impl Iterator<Item = &'a Requirement> {
    let lines = manifest.requirements.iter().chain(inner);
    lines.flat_map(|requirement| {
        let overrides = manifest.overrides.iter();
        let mut standing: Vec<&Requirement> = overrides
            .filter(|other| other.name.is_some() && other.name == requirement.name)
            .collect();
        if standing.is_empty() {
            standing.push(requirement);
        }
        standing
    })
}

/// A lock of ours names the extras that it was resolved with; another tool's does not, and then its
/// pins are taken at their word.
fn extras_unmet(
    lock: &Pylock,
    manifest: &Manifest,
    targets: &[Target],
    lock_folder: &Path,
) -> Option<Unmet> {
    if lock.roots.is_empty() {
        return None;
    }
    let known = Roots::from_lines(&lock.roots);
    for target in targets {
        let environment = marker_environment(target);
        let packages = lock.select(target, &Selection::default());
        let packages = packages.unwrap_or_default();
        for requirement in &manifest.requirements {
            if requirement.extras.is_empty() || !requirement.marker.evaluate(&environment, &[]) {
                continue;
            }
            let Some(package) = find(requirement, &packages, lock_folder) else {
                continue;
            };
            let mut wanted = Roots::default();
            wanted.add(package.name.clone(), requirement.extras.iter().cloned());
            if !known.covers(&wanted) {
                return Some(Unmet::Line {
                    origin: requirement.origin.clone(),
                    why: Unmeetable::Extras,
                    target: *target,
                });
            }
        }
    }
    None
}

/// The entry that a requirement speaks of: by name, or by what it names outright.
fn find<'a>(
    requirement: &Requirement,
    packages: &[&'a Package],
    lock_folder: &Path,
) -> Option<&'a Package> {
    let name = requirement
        .name
        .clone()
        .or_else(|| match &requirement.source {
            Source::File(path) => {
                let name: WheelName = path.file_name()?.to_str()?.parse().ok()?;
                Some(name.name)
            }
            _ => None,
        });
    packages
        .iter()
        .find(|package| match &name {
            Some(name) => &package.name == name,
            None => mismatch(requirement, package, lock_folder).is_none(),
        })
        .copied()
}

/// What keeps `package` from satisfying `requirement`, if anything does.
fn mismatch(
    requirement: &Requirement,
    package: &Package,
    lock_folder: &Path,
) -> Option<Unmeetable> {
    let elsewhere = || {
        Some(Unmeetable::Elsewhere {
            locked: package.version.as_ref().map(ToString::to_string),
        })
    };
    let same_path = |locked: &Location, path: &Path| match locked {
        Location::Path(locked) => same_file(&locked.in_folder(lock_folder), path),
        Location::Url(_) => false,
    };
    match (&requirement.source, &package.source) {
        (Source::Index(specifiers), _) => {
            // A source tree's version is not in the lock; the build will tell.
            let version = package.version.as_ref()?;
            let fits = specifiers.contains(version)
                || (version.is_local() && specifiers.contains(&version.clone().without_local()));
            if !fits {
                return Some(Unmeetable::Version {
                    locked: version.to_string(),
                });
            }
            let own = requirement.index.as_ref().zip(package.index.as_ref());
            own.filter(|(wanted, locked)| !same_index(wanted, locked))
                .and_then(|_| elsewhere())
        }
        (Source::Url { url, .. }, Locked::Archive(archive)) => (archive.location
            != Location::url(url.clone()))
        .then(elsewhere)
        .flatten(),
        (Source::File(path), Locked::Archive(archive)) => {
            if same_path(&archive.location, path) {
                changed(path, archive).then_some(Unmeetable::Changed)
            } else {
                elsewhere()
            }
        }
        (Source::Folder(path), Locked::Directory(directory)) => {
            (!same_file(&directory.path.in_folder(lock_folder), path))
                .then(elsewhere)
                .flatten()
        }
        (
            Source::Git {
                repository,
                reference,
                ..
            },
            Locked::Vcs(vcs),
        ) => {
            let same_place = match &vcs.location {
                Location::Url(_) => vcs.location == Location::url(repository.clone()),
                location => repository
                    .to_file_path()
                    .is_ok_and(|path| same_path(location, &path)),
            };
            let same_reference = reference.as_ref().is_none_or(|reference| {
                vcs.requested_revision.as_ref() == Some(reference) || &vcs.commit_id == reference
            });
            (!(same_place && same_reference)).then(elsewhere).flatten()
        }
        _ => elsewhere(),
    }
}

/// The file that the target gets, if the line gives hashes and none of them is the file's.
fn other_hashes(
    lock: &Pylock,
    requirement: &Requirement,
    package: &Package,
    target: &Target,
    lock_folder: &Path,
) -> Option<Unmeetable> {
    if requirement.hashes.is_empty() {
        return None;
    }
    let pins = pins(lock, &[package], target, lock_folder).ok()?;
    let archive = match pins.into_iter().next()?.artifact {
        Artifact::Wheel(archive) | Artifact::Sdist { archive, .. } => archive,
        Artifact::Folder { .. } | Artifact::Git { .. } => return None,
    };
    let agrees = Agreement::of(&archive.hashes, &requirement.hashes) == Agreement::Yes;
    (!agrees).then_some(Unmeetable::Hashes {
        file: archive.file_name,
    })
}

/// Whether the line tells the build backend what the lock does not.
fn other_settings(
    lock: &Pylock,
    requirement: &Requirement,
    package: &Package,
) -> Option<Unmeetable> {
    let told = |(key, value): &(String, String)| {
        let mut locked = lock.config_settings_of(&package.name);
        locked.any(|locked| locked == (key, value))
    };
    let all = requirement.config_settings.iter().all(told);
    (!all).then_some(Unmeetable::ConfigSettings)
}

/// Whether a file on this machine is no longer the one that the lock pins; one that cannot be read
/// is left to whoever needs it.
fn changed(path: &Path, archive: &Archive) -> bool {
    let Ok(bytes) = std::fs::read(path) else {
        return false;
    };
    let sizes_differ = archive.size.is_some_and(|size| size != bytes.len() as u64);
    let mut hashes = archive.hashes.iter();
    sizes_differ || hashes.any(|hash| !digest_matches(hash, &bytes))
}

/// Whether two URLs are those of one index, whoever logs in to it.
fn same_index(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme()
        && a.host_str() == b.host_str()
        && a.port_or_known_default() == b.port_or_known_default()
        && a.path().trim_end_matches('/') == b.path().trim_end_matches('/')
        && a.query() == b.query()
}

/// Whether two paths lead to one place; by text where they cannot be followed.
fn same_file(a: &Path, b: &Path) -> bool {
    let followed = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path));
    match (followed(a), followed(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Origin, parse_requirement};

    const LOCK: &str = r#"
lock-version = "1.0"
created-by = "layerpress"

[[packages]]
name = "a"
version = "2"
index = "https://index.example/simple/"
wheels = [{ url = "https://files.example/a-2-py3-none-any.whl", hashes = { sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" } }]
"#;

    fn lines(file: &str, lines: &[&str]) -> Vec<Requirement> {
        let line = |(at, text): (usize, &&str)| {
            let origin = Origin::new(file, u32::try_from(at + 1).ok(), text);
            parse_requirement(text, &origin, None).expect("valid")
        };
        lines.iter().enumerate().map(line).collect()
    }

    fn answer(requirements: &[&str], overrides: &[&str]) -> Option<String> {
        let manifest = Manifest {
            requirements: lines("requirements.txt", requirements),
            overrides: lines("overrides.txt", overrides),
            ..Manifest::default()
        };
        told(&manifest)
    }

    fn told(manifest: &Manifest) -> Option<String> {
        let target = Target {
            runtime: "python3.13".parse().expect("a runtime"),
            arch: layerpress_target::Arch::X86_64,
        };
        let lock = Pylock::parse(LOCK).expect("valid");
        unmet(&lock, manifest, &[target], Path::new("/")).map(|unmet| unmet.to_string())
    }

    #[test]
    fn a_package_bound_to_an_index_must_be_locked_from_there() {
        let of = |index: &str| {
            let mut manifest = Manifest {
                requirements: lines("pyproject.toml", &["a"]),
                ..Manifest::default()
            };
            manifest.requirements[0].index = Some(index.parse().expect("a URL"));
            told(&manifest)
        };
        assert_eq!(of("https://me:pw@index.example/simple"), None);
        assert_eq!(
            of("https://other.example/simple"),
            Some("pyproject.toml:1 `a`: the lock has 2 from another place".to_owned())
        );
    }

    #[test]
    fn what_the_backend_is_told_must_be_locked() {
        let line = "a --config-settings k=v";
        let mut manifest = Manifest {
            requirements: lines("requirements.txt", &["a"]),
            ..Manifest::default()
        };
        let target = Target {
            runtime: "python3.13".parse().expect("a runtime"),
            arch: layerpress_target::Arch::X86_64,
        };
        let asked = |lock: &Pylock, manifest: &Manifest| {
            let unmet = unmet(lock, manifest, &[target], Path::new("/"));
            unmet.map(|unmet| unmet.to_string())
        };
        let told = "[tool.layerpress]\nroots = ['a']\n\
                    targets = [{ runtime = 'python3.13', arch = 'x86_64' }]\n\
                    config-settings = [{ package = 'a', key = 'k', value = 'v' }]\n";
        let told = Pylock::parse(&format!("{LOCK}{told}")).expect("valid");
        let untold = Pylock::parse(LOCK).expect("valid");
        assert!(has_leftovers(&told, &manifest, Path::new("/")));
        assert_eq!(asked(&told, &manifest), None);
        manifest.requirements[0].config_settings = vec![("k".to_owned(), "v".to_owned())];
        manifest.requirements[0].origin = Origin::new("requirements.txt", Some(1), line);
        assert!(!has_leftovers(&told, &manifest, Path::new("/")));
        assert_eq!(asked(&told, &manifest), None);
        assert_eq!(
            asked(&untold, &manifest),
            Some(format!(
                "requirements.txt:1 `{line}`: the lock was made with other `--config-settings`"
            ))
        );
    }

    #[test]
    fn an_override_stands_for_the_lines_on_its_package() {
        assert!(answer(&["a<2"], &[]).is_some());
        assert_eq!(answer(&["a<2"], &["a==2"]), None);
        assert!(answer(&["a"], &["a>2"]).is_some());
        // One that switches its package off, and one on what nobody asks for by name.
        assert_eq!(answer(&["a", "b"], &["b ; os_name == 'never'"]), None);
        assert!(answer(&["a", "b"], &["b ; os_name == 'posix'"]).is_some());
        assert!(answer(&[], &["a>2"]).is_some());
    }
}
