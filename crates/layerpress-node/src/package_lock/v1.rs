//! From `dependencies` of lockfileVersion 1 to entries by folder (npm's `Shrinkwrap`, `loadAll` and
//! `fixDependencies`).
//!
//! It nests where folders nest, and calls by `version` whatever a package came from.

use std::sync::Arc;

use indexmap::IndexMap;

use super::error::PackageLockError;
use super::location::{fault, folder_name};
use super::model::Locked;
use super::read::{MAX_PACKAGES, Place};
use crate::integrity::Integrity;
use crate::json::Json;
use crate::manifest::{Manifest, Pairs};
use crate::name::PackageName;
use crate::place::plain_path;
use crate::spec::{Spec, Wanted};

/// The entries of all packages, in the order of the file.
pub(super) fn packages(
    place: &Place<'_>,
    dependencies: &Json<'_>,
) -> Result<IndexMap<Arc<str>, Locked>, PackageLockError> {
    let mut collected = Collected {
        place: *place,
        packages: IndexMap::new(),
        requires: Vec::new(),
    };
    collected.below("", &["dependencies".to_owned()], dependencies)?;
    let Collected {
        mut packages,
        requires,
        ..
    } = collected;
    // Only now is known what is optional.
    for (location, asks) in requires {
        let own = packages
            .get(&location)
            .is_some_and(|locked| locked.is_optional);
        let (optional, needed): (Pairs, Pairs) = asks
            .into_iter()
            .partition(|(name, _)| !own && found(&packages, &location, name));
        if let Some(locked) = packages.get_mut(&location) {
            let manifest = Arc::make_mut(&mut locked.manifest);
            (manifest.optional_dependencies, manifest.dependencies) = (optional, needed);
        }
    }
    Ok(packages)
}

/// Whether what a package finds by a name is optional.
fn found(packages: &IndexMap<Arc<str>, Locked>, from: &str, name: &str) -> bool {
    let mut folder = from;
    loop {
        let slash = if folder.is_empty() { "" } else { "/" };
        let place = format!("{folder}{slash}node_modules/{name}");
        if let Some(locked) = packages.get(place.as_str()) {
            return locked.is_optional;
        }
        if folder.is_empty() {
            return false;
        }
        folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
    }
}

/// A path with one field more.
fn and(path: &[String], field: &str) -> Vec<String> {
    [path, &[field.to_owned()]].concat()
}

struct Collected<'f> {
    place: Place<'f>,
    packages: IndexMap<Arc<str>, Locked>,
    requires: Vec<(Arc<str>, Pairs)>,
}

impl Collected<'_> {
    fn below(
        &mut self,
        folder: &str,
        path: &[String],
        dependencies: &Json<'_>,
    ) -> Result<(), PackageLockError> {
        for (name, entry) in dependencies.entries() {
            let path = and(path, name);
            if PackageName::parse(name).is_err() {
                return Err(self.fault(&path, "is no name of a package"));
            }
            if !matches!(entry, Json::Object(_)) {
                return Err(self.fault(&path, "expected an entry: an object"));
            }
            if self.packages.len() > MAX_PACKAGES {
                let (file, limit) = (self.place.file.to_owned(), MAX_PACKAGES);
                return Err(PackageLockError::TooManyPackages { file, limit });
            }
            let slash = if folder.is_empty() { "" } else { "/" };
            let location = format!("{folder}{slash}node_modules/{name}");
            let inside = self.entry(name, location, &path, entry)?;
            match entry.get("dependencies") {
                Json::Null => {}
                nested @ Json::Object(_) => {
                    self.below(&inside, &and(&path, "dependencies"), nested)?;
                }
                _ => {
                    let path = and(&path, "dependencies");
                    return Err(self.fault(&path, "expected an object of packages"));
                }
            }
        }
        Ok(())
    }

    /// Adds one entry and gives the folder that its own dependencies are in.
    fn entry(
        &mut self,
        name: &str,
        location: String,
        path: &[String],
        entry: &Json<'_>,
    ) -> Result<String, PackageLockError> {
        let integrity = self.text(path, entry, "integrity")?;
        let resolved = self.text(path, entry, "resolved")?;
        let version = self.text(path, entry, "version")?;
        let from = self.text(path, entry, "from")?;
        let spec = origin(name, version, integrity, from, resolved);
        let mut locked = Locked {
            is_dev: entry.get("dev").is_true(),
            is_optional: entry.get("optional").is_true(),
            in_bundle: entry.get("bundled").is_true(),
            lacks_manifest: true,
            ..Locked::default()
        };
        let mut manifest = Manifest {
            name: Some(name.into()),
            integrity: integrity.map(Arc::from),
            ..Manifest::default()
        };
        if let Some(text) = integrity {
            let read = Integrity::parse(text);
            locked.integrity =
                read.map_err(|error| self.fault(&and(path, "integrity"), &error.to_string()))?;
        }
        let mut inside = location.clone();
        match &spec {
            Some(Spec::Folder(folder)) => {
                let target = plain_path(folder);
                if let Some(fault) = fault(&target) {
                    return Err(self.fault(&and(path, "version"), fault));
                }
                let link = Locked {
                    link: Some(target.as_str().into()),
                    manifest: Arc::new(manifest.clone()),
                    ..Locked::default()
                };
                self.packages.insert(location.into(), link);
                if self.packages.contains_key(target.as_str()) {
                    return Ok(target);
                }
                manifest.name = Some(folder_name(&target).into());
                locked.lacks_manifest = false;
                inside.clone_from(&target);
            }
            Some(Spec::Alias { name, wanted }) => {
                manifest.name = Some(name.as_str().into());
                manifest.version = Some(wanted.text().into());
                manifest.tarball = resolved.map(Arc::from);
            }
            Some(Spec::Registry(Wanted::Version(_))) | None => {
                manifest.version = version.map(Arc::from);
                manifest.tarball = resolved.map(Arc::from);
            }
            // A range or a tag names no version: what was resolved may.
            Some(Spec::Registry(_)) => manifest.tarball = resolved.map(Arc::from),
            Some(Spec::Git(_) | Spec::Workspace(_)) => {
                manifest.tarball = version.or(resolved).map(Arc::from);
            }
            Some(Spec::Tarball(url)) => manifest.tarball = Some(url.as_str().into()),
            Some(Spec::File(file)) => {
                manifest.tarball = Some(format!("file:{}", plain_path(file)).into());
            }
        }
        if manifest.version.is_none() {
            manifest.version = manifest
                .tarball
                .as_deref()
                .and_then(|url| version_in(name, url));
        }
        let requires: Pairs = entry
            .get("requires")
            .pairs()
            .into_iter()
            .map(|(name, spec)| (name.into(), spec.into()))
            .collect();
        if !requires.is_empty() {
            self.requires.push((inside.as_str().into(), requires));
        }
        locked.manifest = Arc::new(manifest);
        self.packages.insert(inside.as_str().into(), locked);
        Ok(inside)
    }

    fn text<'j>(
        &self,
        path: &[String],
        entry: &'j Json<'_>,
        key: &str,
    ) -> Result<Option<&'j str>, PackageLockError> {
        match entry.get(key) {
            Json::Text(text) if !text.is_empty() => Ok(Some(text)),
            Json::Text(_) | Json::Null | Json::Bool(false) => Ok(None),
            _ => Err(self.fault(&and(path, key), "expected a text")),
        }
    }

    fn fault(&self, path: &[String], message: &str) -> PackageLockError {
        self.place.fault(path, message.to_owned())
    }
}

/// What the entry was asked for by, from the fields that say it in one way or another (npm's
/// `spec-from-lock`).
fn origin(
    name: &str,
    version: Option<&str>,
    integrity: Option<&str>,
    from: Option<&str>,
    resolved: Option<&str>,
) -> Option<Spec> {
    let read = |text: &str| Spec::parse(name, text).ok();
    if let Some(spec) = version.and_then(read)
        && (integrity.is_some() || matches!(spec, Spec::Git(_)))
    {
        return Some(spec);
    }
    if let Some(spec) =
        from.and_then(|from| read(from.strip_prefix(&format!("{name}@")).unwrap_or(from)))
    {
        let registry = matches!(spec, Spec::Registry(_) | Spec::Alias { .. });
        if registry && version.is_some() {
            return version.and_then(read);
        }
        if resolved.is_none() {
            return Some(spec);
        }
    }
    // What has no digest is named by where it came from, unless the version says more.
    match (version.and_then(read), resolved.and_then(read)) {
        (Some(spec @ Spec::Registry(Wanted::Version(_))), _) | (Some(spec), None) => Some(spec),
        (_, resolved) => resolved,
    }
}

/// The version in the name of a tarball: `a-1.2.3.tgz` (npm's `version-from-tgz`).
fn version_in(name: &str, url: &str) -> Option<Arc<str>> {
    let file = url.split(['?', '#']).next()?.rsplit('/').next()?;
    let stem = file
        .strip_suffix(".tgz")
        .or_else(|| file.strip_suffix(".tar.gz"))?;
    let base = name.rsplit('/').next()?;
    let version = stem.strip_prefix(base)?.strip_prefix('-')?;
    crate::semver::Version::loose(version).map(|version| version.to_string().into())
}
