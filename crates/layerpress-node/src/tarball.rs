//! Tarballs: from a package's archive to a [`PackageTree`], pressed once and cheap ever after.
//!
//! A tarball is read under the rules of [`layerpress_pack::tarball`]: exactly one leading component
//! is dropped, whatever its name, and what has only one is left out; links and devices are refused,
//! as are paths that lead out; of a path given twice the last file counts, as for every reader of
//! tarballs; paths that differ by case only are different. Modes become 0644 or 0755, and commands
//! (`bin`) executable, as npm makes them.
//!
//! The first time, every file is inflated and pressed into the store; after that nothing is
//! inflated and no JSON is parsed ([`layerpress_press::pressed`]).

mod error;
mod facts;
mod members;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use bytes::Bytes;
use layerpress_fetch::Store;
use layerpress_pack::{Level, Limits};
use layerpress_press::pressed::{self, Change, Contents, Damaged};
use layerpress_press::{Account, Binary, Passes, Recipe};
use layerpress_tree::{LayerPath, LayerTree, Sha256};
use sha2::Digest as _;

use self::error::TarballFault;
use self::facts::Notes;

pub use error::TarballError;
pub use facts::{Bundled, Facts, Scripts};
pub use members::{Manifests, manifests_of};

/// How tarballs are unpacked.
#[derive(Debug, Clone)]
pub struct UnpackOptions {
    /// What one tarball may hold. Default: 1 GiB in 250,000 files; a layer's own limit is checked
    /// where all of its packages are known.
    pub limits: Limits,
    /// How the files are pressed. Default: fast, and as they are.
    pub recipe: Recipe,
}

/// One package's files as they will lie in its folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackageTree {
    /// The archive that it came from; `None` for what came from a folder.
    pub archive: Option<Sha256>,
    /// The files, by paths relative to the package's folder.
    pub tree: LayerTree,
    /// What its package.json says.
    pub package: Facts,
    /// The packages in its own `node_modules`, by location.
    pub bundled: Vec<Bundled>,
    /// Which of its files are machine code.
    pub binaries: BTreeMap<LayerPath, Binary>,
    /// What passes did to its files.
    pub account: Account,
    /// Which of its files a pass changed.
    pub changes: BTreeMap<LayerPath, Change>,
    /// Whether some of its files are not the archive's, or others than its recipe would make of them.
    pub is_altered: bool,
    /// What the user should know: lowercase sentences without a final period.
    pub warnings: Vec<String>,
}

impl Default for UnpackOptions {
    fn default() -> Self {
        Self {
            limits: default_limits(),
            recipe: Recipe {
                compression: Level::Fast,
                passes: Passes::NONE,
            },
        }
    }
}

/// What a tarball may hold by default.
fn default_limits() -> Limits {
    Limits {
        total_bytes: 1 << 30,
        ..Limits::default()
    }
}

/// Unpacks `archive`, which the store holds under `digest`; `name` is what messages call it, such
/// as `sharp@0.34.4` or a file's path.
///
/// # Errors
/// A [`TarballError`] that says what is wrong with the tarball. If [`TarballError::is_damage`], the
/// store's copy had changed since it was put there; it has been forgotten, and may be fetched and
/// unpacked once more.
pub fn unpack(
    name: &str,
    archive: &Bytes,
    digest: Sha256,
    store: &Store,
    options: &UnpackOptions,
) -> Result<PackageTree, TarballError> {
    let mut warnings = Vec::new();
    match unpacked(digest, store, options) {
        Ok(Some(package)) => return Ok(package),
        Ok(None) => {}
        Err(_) => warnings.push(format!(
            "`{name}`: its pressed copy in the cache was damaged; it was pressed again"
        )),
    }
    let mut package = examine(archive, digest, store, options).map_err(|fault| {
        // Either the author's fault or the disk's: the digest knows.
        let damaged = sha2::Sha256::digest(archive).as_slice() != digest.0;
        if damaged {
            store.forget_archive(digest);
        }
        TarballError::new(
            name,
            if damaged {
                TarballFault::Damaged
            } else {
                fault
            },
        )
    })?;
    warnings.append(&mut package.warnings);
    package.warnings = warnings;
    Ok(package)
}

/// What [`unpack`] gave for the archive `digest`, if the store keeps it; the archive itself is not
/// needed.
///
/// # Errors
/// [`Damaged`] if the pressed copy had changed; [`unpack`] makes it anew, and says so.
pub fn unpacked(
    digest: Sha256,
    store: &Store,
    options: &UnpackOptions,
) -> Result<Option<PackageTree>, Damaged> {
    let Some(pressed) = pressed::open(store, digest, options.recipe)? else {
        return Ok(None);
    };
    let contents = pressed.contents();
    let within = contents.files().len() as u64 <= u64::from(options.limits.entries)
        && contents.unpacked_size() <= options.limits.total_bytes;
    // Beyond limits that are tighter than they were only a fresh look finds the right words.
    let Some(notes) = Notes::read(contents.notes()).filter(|_| within) else {
        return Ok(None);
    };
    package(digest, contents, notes).map(Some)
}

/// The first look at an archive.
fn examine(
    archive: &[u8],
    digest: Sha256,
    store: &Store,
    options: &UnpackOptions,
) -> Result<PackageTree, TarballFault> {
    let (pressing, notes) = members::press(archive, options)?;
    let saved = pressing.save(store, digest, notes.write())?;
    // A store that cannot be written costs speed, not correctness.
    package(digest, saved.pressed.contents(), notes).map_err(|_| TarballFault::Damaged)
}

fn package(digest: Sha256, contents: Contents<'_>, notes: Notes) -> Result<PackageTree, Damaged> {
    let binaries = contents.files().filter_map(|file| {
        let binary = file.binary?;
        Some((LayerPath::new(file.path).ok()?, binary))
    });
    let changes = contents.files().filter_map(|file| {
        let change = file.change?;
        Some((LayerPath::new(file.path).ok()?, change))
    });
    Ok(PackageTree {
        archive: Some(digest),
        binaries: binaries.collect(),
        changes: changes.collect(),
        is_altered: false,
        account: contents.account(),
        tree: contents.tree()?,
        package: notes.package,
        bundled: notes.bundled,
        warnings: notes.warnings,
    })
}
