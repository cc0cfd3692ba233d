//! The members of a tarball: all of them for pressing, or the manifests alone.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use layerpress_pack::tarball::{self, Kind, Links, Member, Root};
use layerpress_pack::{Limits, TarballError as ArchiveFault};
use layerpress_press::Pressing;
use layerpress_tree::{LayerPath, Mode};

use super::error::{TarballError, TarballFault};
use super::facts::{Bundled, Facts, Notes};
use super::{UnpackOptions, default_limits};
use crate::native::executables;

/// No file is given more room than this before its bytes come: headers can lie.
const MOST_RESERVED: u64 = 64 << 20;

/// The largest manifest or shrinkwrap that is read; real ones have at most a few megabytes.
const MOST_MANIFEST_BYTES: u64 = 64 << 20;

/// The manifests inside a tarball, as their bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifests {
    /// Its `package.json`.
    pub package_json: Vec<u8>,
    /// Its `npm-shrinkwrap.json`, if it was published with one.
    pub shrinkwrap: Option<Vec<u8>>,
    /// The package.json of each package in its own `node_modules`, by location relative to it:
    /// `node_modules/a/node_modules/@s/b`.
    pub bundled: BTreeMap<String, Vec<u8>>,
}

/// Reads the manifests of a tarball, which need not be in the store; `name` is what messages call
/// it.
///
/// # Errors
/// A [`TarballError`] that says what is wrong with the tarball, or that it has no `package.json`.
pub fn manifests_of(name: &str, archive: &[u8]) -> Result<Manifests, TarballError> {
    read_manifests(archive).map_err(|fault| TarballError::new(name, fault))
}

fn read_manifests(archive: &[u8]) -> Result<Manifests, TarballFault> {
    let mut package_json = None;
    let mut found = Manifests::default();
    tarball::read(archive, &reading(default_limits()), |member| {
        let Kind::File { size, data, .. } = member.kind else {
            return Ok::<_, TarballFault>(());
        };
        let path = member.path.as_str();
        if size > MOST_MANIFEST_BYTES {
        } else if path == "package.json" {
            package_json = Some(bytes(size, data)?);
        } else if path == "npm-shrinkwrap.json" {
            found.shrinkwrap = Some(bytes(size, data)?);
        } else if let Some(location) = bundled_location(path) {
            let location = location.to_owned();
            found.bundled.insert(location, bytes(size, data)?);
        }
        Ok(())
    })?;
    found.package_json = package_json.ok_or(TarballFault::NoManifest)?;
    Ok(found)
}

/// Reads all files of `archive` into a pressing, and notes what the manifests say.
pub(super) fn press(
    archive: &[u8],
    options: &UnpackOptions,
) -> Result<(Pressing, Notes), TarballFault> {
    let mut all = Members {
        pressing: Pressing::new(options.recipe),
        files: BTreeSet::new(),
        folders: BTreeSet::new(),
        manifests: BTreeMap::new(),
    };
    tarball::read(archive, &reading(options.limits), |member| all.take(member))?;
    all.finish()
}

fn reading(limits: Limits) -> tarball::Options {
    tarball::Options {
        limits,
        root: Root::StripOrDrop,
        links: Links::Refuse,
    }
}

/// What was met so far.
struct Members {
    pressing: Pressing,
    files: BTreeSet<LayerPath>,
    /// Those with a member of their own.
    folders: BTreeSet<LayerPath>,
    /// By location; the package's own has the empty one.
    manifests: BTreeMap<String, Vec<u8>>,
}

impl Members {
    fn take(&mut self, member: Member<'_>) -> Result<(), TarballFault> {
        match member.kind {
            Kind::File { mode, size, data } => self.file(member.path, mode, bytes(size, data)?),
            Kind::Folder => drop(self.folders.insert(member.path)),
            Kind::Link { .. } => unreachable!("links are refused by the reader"),
        }
        Ok(())
    }

    fn file(&mut self, path: LayerPath, mode: Mode, bytes: Vec<u8>) {
        let text = path.as_str();
        let location = if text == "package.json" {
            Some("")
        } else {
            bundled_location(text)
        };
        if let Some(location) = location {
            self.manifests.insert(location.to_owned(), bytes.clone());
        }
        self.files.insert(path.clone());
        self.pressing.add(path, mode, bytes);
    }

    fn finish(mut self) -> Result<(Pressing, Notes), TarballFault> {
        if self.files.is_empty() {
            return Err(TarballFault::Empty);
        }
        if let Some(path) = self.folders.intersection(&self.files).next() {
            return Err(TarballFault::FileAndFolder(path.clone()));
        }
        let mut notes = Notes::default();
        if !self.manifests.contains_key("") {
            let warning = "there is no `package.json` in its tarball";
            notes.warnings.push(warning.to_owned());
        }
        for (location, text) in &self.manifests {
            let below = |path: &str| match location.as_str() {
                "" => path.to_owned(),
                location => format!("{location}/{path}"),
            };
            let has_gyp = self.files.contains(below("binding.gyp").as_str());
            let package = match Facts::parse(text, has_gyp) {
                Ok(package) => package,
                Err(error) => {
                    let file = below("package.json");
                    let warning = format!("the `{file}` in its tarball cannot be read: {error}");
                    notes.warnings.push(warning);
                    Facts::default()
                }
            };
            // npm makes commands executable, whatever mode they were packed with; and what a script
            // would make so and no more, needs no script.
            let commands = package.bin.iter().map(|(_, path)| path.as_str());
            let scripts = package.scripts.iter();
            let others = scripts.flat_map(|(_, script)| executables(script));
            for path in commands.chain(others) {
                let path = path.strip_prefix("./").unwrap_or(path);
                self.pressing.make_executable(&below(path));
            }
            if location.is_empty() {
                notes.package = package;
            } else {
                notes.bundled.push(Bundled {
                    location: location.clone(),
                    package,
                });
            }
        }
        Ok((self.pressing, notes))
    }
}

/// The package whose manifest `path` is, if it lies in a `node_modules` at a place of its own.
fn bundled_location(path: &str) -> Option<&str> {
    let location = path.strip_suffix("/package.json")?;
    let mut rest = location;
    loop {
        rest = rest.strip_prefix("node_modules/")?;
        let scoped = rest.starts_with('@');
        let mut parts = rest.splitn(if scoped { 3 } else { 2 }, '/');
        let (name, below) = if scoped {
            parts.next()?;
            (parts.next()?, parts.next())
        } else {
            (parts.next()?, parts.next())
        };
        if name.is_empty() || name.starts_with('.') {
            return None;
        }
        match below {
            None => return Some(location),
            Some(below) => rest = below,
        }
    }
}

/// A member's bytes.
fn bytes(size: u64, data: &mut dyn Read) -> Result<Vec<u8>, TarballFault> {
    // Within 64 MiB, so within a `usize`.
    let mut bytes = Vec::with_capacity(usize::try_from(size.min(MOST_RESERVED)).unwrap_or(0));
    data.read_to_end(&mut bytes).map_err(fault)?;
    Ok(bytes)
}

/// What the reader says through an `io::Error`.
fn fault(error: io::Error) -> TarballFault {
    let reason = error.to_string();
    let found = error
        .into_inner()
        .and_then(|inner| inner.downcast::<ArchiveFault>().ok());
    found.map_or_else(
        || ArchiveFault::Damaged { reason }.into(),
        |found| (*found).into(),
    )
}
