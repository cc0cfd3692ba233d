//! Reads a lockfile, and remembers which field it was in when something failed.
//!
//! What npm writes is taken, versions 1 to 3; a field of the wrong kind, a folder that leads
//! elsewhere or a digest that proves nothing is refused with its place. The JSON parser's own limit
//! on nesting, 128, bounds all recursion here.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use super::error::{PackageLockError, REWRITE};
use super::location::{fault, folder_name, is_outside};
use super::model::{Locked, PackageLock};
use super::v1;
use crate::fields::{Specs, Wrong, texts};
use crate::integrity::Integrity;
use crate::json::Json;
use crate::manifest::{Manifest, without_optional};
use crate::name::PackageName;
use crate::place::plain_path;
use crate::seek;
use crate::trail::{Fault, Trail, path, shown};

/// More than any real lockfile; 10 MiB is already rare.
pub(crate) const MAX_BYTES: usize = 256 * 1024 * 1024;
/// More packages than any real lockfile has; a few thousand are many.
pub(crate) const MAX_PACKAGES: usize = 100_000;

/// Where something stands that npm never writes.
const ALIEN: &str = "the file was not written by npm: look who did";

/// Reads a lockfile; `file` is what messages call it.
///
/// # Errors
/// What is no JSON, of an unknown version, or holds what it cannot hold; links that lead nowhere.
pub fn read(file: &str, text: &[u8]) -> Result<PackageLock, PackageLockError> {
    if text.len() > MAX_BYTES {
        let (file, bytes) = (file.to_owned(), text.len());
        return Err(PackageLockError::TooLarge {
            file,
            bytes,
            limit: MAX_BYTES,
        });
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let trail = Trail::default();
    let mut json = serde_json::Deserializer::from_slice(text);
    let read = Document(&trail)
        .deserialize(&mut json)
        .and_then(|read| json.end().map(|()| read));
    let document = read.map_err(|error| located(file, text, trail.located(text, &error)))?;
    let place = Place { file, text };
    let lock = understood(&place, document)?;
    links_lead_somewhere(&place, lock)
}

/// The file, for what is wrong with whole entries: known only when all of them are.
#[derive(Clone, Copy)]
pub(super) struct Place<'t> {
    pub(super) file: &'t str,
    text: &'t [u8],
}

impl Place<'_> {
    /// A fault in the field at the end of a path.
    pub(super) fn fault(&self, fields: &[String], message: String) -> PackageLockError {
        let found = seek::field(self.text, fields, self.text.len());
        let offset = found.map_or_else(|| seek::root(self.text), |found| found.key);
        let (line, column) = seek::position(self.text, offset);
        PackageLockError::Field {
            file: self.file.to_owned(),
            line,
            column,
            field: path(fields),
            message,
            hint: REWRITE,
        }
    }
}

/// The whole file, before its version is known.
#[derive(Default)]
struct Parts<'de> {
    version: Json<'de>,
    project_version: Option<Arc<str>>,
    packages: Option<IndexMap<Arc<str>, Locked>>,
    dependencies: Option<Json<'de>>,
    other: Vec<(Arc<str>, Arc<str>)>,
}

fn understood(place: &Place<'_>, document: Parts<'_>) -> Result<PackageLock, PackageLockError> {
    let version = match &document.version {
        Json::Number(number) => number
            .parse()
            .ok()
            .filter(|version| (1..=3).contains(version)),
        // npm before 5 wrote none.
        Json::Null if document.packages.is_some() || document.dependencies.is_some() => Some(1),
        _ => None,
    };
    let Some(version) = version else {
        let found = match &document.version {
            Json::Null => "missing".to_owned(),
            other => shown(&other.to_string()),
        };
        let file = place.file.to_owned();
        return Err(PackageLockError::Version { file, found });
    };
    let packages = match (document.packages, &document.dependencies) {
        (Some(packages), _) => packages,
        (None, Some(dependencies)) => v1::packages(place, dependencies)?,
        (None, None) => IndexMap::new(),
    };
    if packages.len() > MAX_PACKAGES {
        let (file, limit) = (place.file.to_owned(), MAX_PACKAGES);
        return Err(PackageLockError::TooManyPackages { file, limit });
    }
    Ok(PackageLock {
        version,
        packages,
        project_version: document.project_version,
        other: document.other,
    })
}

/// Every link leads to an entry that is none, and nothing else is outside of the project.
fn links_lead_somewhere(
    place: &Place<'_>,
    lock: PackageLock,
) -> Result<PackageLock, PackageLockError> {
    let fault = |location: &str, message: String| {
        place.fault(&["packages".to_owned(), location.to_owned()], message)
    };
    let mut led_to = Vec::new();
    for (location, locked) in &lock.packages {
        let Some(target) = &locked.link else { continue };
        match lock.packages.get(target) {
            Some(entry) if entry.link.is_none() => led_to.push(target.clone()),
            // The project itself need have no entry.
            None if target.is_empty() => {}
            Some(_) => {
                return Err(fault(
                    location,
                    format!("leads to another link, `{target}`"),
                ));
            }
            None => {
                let message = format!("leads to `{target}`, which the file does not have");
                return Err(fault(location, message));
            }
        }
    }
    for location in lock.packages.keys() {
        if is_outside(location) && !led_to.contains(location) {
            return Err(fault(location, "is outside of the project".to_owned()));
        }
    }
    Ok(lock)
}

fn located(file: &str, text: &[u8], fault: Fault) -> PackageLockError {
    let file = file.to_owned();
    let Fault {
        line,
        column,
        message,
        ..
    } = fault;
    if let Some(field) = fault.field {
        return PackageLockError::Field {
            file,
            line,
            column,
            field,
            message,
            hint: fault.hint.unwrap_or(REWRITE),
        };
    }
    let merged = text
        .split(|byte| *byte == b'\n')
        .any(|line| line.starts_with(b"<<<<<<< "));
    let hint = if merged {
        "the file holds both sides of a merge: take one of them, then have it written again"
    } else {
        REWRITE
    };
    PackageLockError::Json {
        file,
        line,
        column,
        message,
        hint,
    }
}

struct Document<'r>(&'r Trail);

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = Parts<'de>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Parts<'de>, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = Parts<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parts<'de>, A::Error> {
        let trail = self.0;
        let mut out = Parts::default();
        let mut seen: Vec<String> = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            trail.below(&key, || -> Result<(), A::Error> {
                if seen.contains(&key) {
                    return Err(trail.fault_of_name("is given twice", REWRITE));
                }
                match key.as_str() {
                    // It is the project's, which says it itself.
                    "name" => drop(text::<A>(&mut map)?),
                    "version" => out.project_version = text::<A>(&mut map)?,
                    "lockfileVersion" => out.version = map.next_value()?,
                    // It is written anew.
                    "requires" => drop(map.next_value::<serde::de::IgnoredAny>()?),
                    "packages" => out.packages = Some(map.next_value_seed(Packages(trail))?),
                    "dependencies" => {
                        let dependencies = map.next_value::<Json<'de>>()?;
                        if !matches!(dependencies, Json::Object(_)) {
                            return Err(A::Error::custom("expected an object of packages"));
                        }
                        out.dependencies = Some(dependencies);
                    }
                    _ => {
                        let value = map.next_value::<Json<'de>>()?.to_string();
                        out.other.push((key.as_str().into(), value.into()));
                    }
                }
                Ok(())
            })?;
            seen.push(key);
        }
        Ok(out)
    }
}

/// The entries by folder.
struct Packages<'r>(&'r Trail);

impl<'de> DeserializeSeed<'de> for Packages<'_> {
    type Value = IndexMap<Arc<str>, Locked>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Packages<'_> {
    type Value = IndexMap<Arc<str>, Locked>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of folders")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let trail = self.0;
        let mut packages = IndexMap::new();
        while let Some(location) = map.next_key::<String>()? {
            let entry = trail.below(&location, || -> Result<Locked, A::Error> {
                if packages.contains_key(location.as_str()) {
                    return Err(trail.fault_of_name("is given twice", REWRITE));
                }
                if let Some(fault) = fault(&location) {
                    return Err(trail.fault_of_name(fault, ALIEN));
                }
                map.next_value_seed(Entry {
                    trail,
                    location: &location,
                })
            })?;
            packages.insert(location.into(), entry);
        }
        Ok(packages)
    }
}

/// One entry.
struct Entry<'r> {
    trail: &'r Trail,
    location: &'r str,
}

impl<'de> DeserializeSeed<'de> for Entry<'_> {
    type Value = Locked;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Locked, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Entry<'_> {
    type Value = Locked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an entry: an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Locked, A::Error> {
        let trail = self.trail;
        let (mut manifest, mut locked) = (Manifest::default(), Locked::default());
        let (mut bin, mut bundled, mut is_link) = (Json::Null, Json::Null, false);
        while let Some(key) = map.next_key::<String>()? {
            trail.below(&key, || -> Result<(), A::Error> {
                match key.as_str() {
                    "name" => manifest.name = text::<A>(&mut map)?,
                    "version" => manifest.version = text::<A>(&mut map)?,
                    "resolved" => manifest.tarball = text::<A>(&mut map)?,
                    "integrity" => {
                        manifest.integrity = text::<A>(&mut map)?;
                        if let Some(text) = &manifest.integrity {
                            locked.integrity = Integrity::parse(text).map_err(|error| {
                                trail.fault(error, "the entry would prove nothing: delete it")
                            })?;
                        }
                    }
                    "link" => is_link = flag::<A>(&mut map)?,
                    "dev" => locked.is_dev = flag::<A>(&mut map)?,
                    "optional" => locked.is_optional = flag::<A>(&mut map)?,
                    "devOptional" => locked.is_dev_optional = flag::<A>(&mut map)?,
                    "peer" => locked.is_peer = flag::<A>(&mut map)?,
                    "extraneous" => locked.is_extraneous = flag::<A>(&mut map)?,
                    "inBundle" => locked.in_bundle = flag::<A>(&mut map)?,
                    "hasInstallScript" => manifest.has_install_script = flag::<A>(&mut map)?,
                    "hasShrinkwrap" => manifest.has_shrinkwrap = flag::<A>(&mut map)?,
                    "dependencies" => manifest.dependencies = map.next_value_seed(specs(trail))?,
                    "optionalDependencies" => {
                        manifest.optional_dependencies = map.next_value_seed(specs(trail))?;
                    }
                    "peerDependencies" => {
                        manifest.peer_dependencies = map.next_value_seed(specs(trail))?;
                    }
                    "devDependencies" => {
                        locked.dev_dependencies = Arc::new(map.next_value_seed(specs(trail))?);
                        manifest.extra.has_dev_dependencies = true;
                    }
                    "acceptDependencies" => {
                        manifest.accept_dependencies = map.next_value_seed(specs(trail))?;
                    }
                    "peerDependenciesMeta" => {
                        let meta = map.next_value::<Json<'de>>()?;
                        let optional = meta.optional_peers().into_iter().map(Arc::from);
                        manifest.optional_peers = optional.collect();
                        manifest.extra.peer_dependencies_meta = meta.kept().map(Arc::from);
                    }
                    "os" => (manifest.os, manifest.extra.lone.os) = texts::<A>(&mut map)?,
                    "cpu" => (manifest.cpu, manifest.extra.lone.cpu) = texts::<A>(&mut map)?,
                    "libc" => (manifest.libc, manifest.extra.lone.libc) = texts::<A>(&mut map)?,
                    "workspaces" => {
                        let globs = map.next_value::<Json<'de>>()?;
                        manifest.extra.workspaces = globs.kept().map(Arc::from);
                        let globs = match globs.get("packages") {
                            Json::Null => globs.texts(),
                            packages => packages.texts(),
                        };
                        locked.workspaces = globs.into_iter().map(Arc::from).collect();
                    }
                    "bundleDependencies" | "bundledDependencies" => bundled = map.next_value()?,
                    "bin" => bin = map.next_value()?,
                    "engines" => {
                        let engines = map.next_value::<Json<'de>>()?;
                        manifest.node = engines.get("node").text().map(Arc::from);
                        manifest.extra.engines = engines.kept().map(Arc::from);
                    }
                    "license" => {
                        let license = map.next_value::<Json<'de>>()?;
                        manifest.extra.license = license.license().map(Arc::from);
                    }
                    "funding" => {
                        let funding = map.next_value::<Json<'de>>()?;
                        manifest.extra.funding = funding.funding().map(Arc::from);
                    }
                    "deprecated" => {
                        let why = map.next_value::<Json<'de>>()?;
                        manifest.deprecated = why.text().map(Arc::from);
                    }
                    _ => drop(map.next_value::<serde::de::IgnoredAny>()?),
                }
                Ok(())
            })?;
        }
        if is_link {
            // npm leaves nothing where the link leads to the project itself.
            let target = manifest.tarball.take().unwrap_or_default();
            let target = plain_path(target.strip_prefix("file:").unwrap_or(&target));
            if let Some(fault) = fault(&target) {
                return trail.below("resolved", || Err(trail.fault(fault, ALIEN)));
            }
            locked.link = Some(target.into());
        }
        if manifest.name.is_none() && !self.location.is_empty() {
            manifest.name = Some(folder_name(self.location).into());
        }
        manifest.bin = bin.bin(manifest.name.as_deref());
        let names = manifest.dependencies.iter().map(|(name, _)| &**name);
        manifest.bundled = bundled.bundled(names);
        without_optional(&mut manifest.dependencies, &manifest.optional_dependencies);
        locked.manifest = Arc::new(manifest);
        Ok(locked)
    }
}

/// A text; nothing for null, false and an empty one, as npm takes them.
fn text<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<Arc<str>>, A::Error> {
    match map.next_value::<Json<'de>>()? {
        Json::Text(text) if !text.is_empty() => Ok(Some(text.as_ref().into())),
        Json::Text(_) | Json::Null | Json::Bool(false) => Ok(None),
        _ => Err(A::Error::custom("expected a text")),
    }
}

fn flag<'de, A: MapAccess<'de>>(map: &mut A) -> Result<bool, A::Error> {
    match map.next_value::<Json<'de>>()? {
        Json::Bool(flag) => Ok(flag),
        Json::Null => Ok(false),
        _ => Err(A::Error::custom("expected `true` or `false`")),
    }
}

/// Names and specifiers.
fn specs(trail: &Trail) -> Specs<'_, impl Fn(&str, &str) -> Result<(), Wrong>> {
    let check = |name: &str, _: &str| match PackageName::parse(name) {
        Ok(_) => Ok(()),
        Err(_) => Err(Wrong {
            in_name: true,
            message: "is no name of a package".to_owned(),
            hint: REWRITE,
        }),
    };
    Specs { trail, check }
}

#[cfg(test)]
mod tests;
