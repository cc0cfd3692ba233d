//! What a registry says of a package: its versions, tags and times.
//!
//! In comes the registry's JSON, up to 10 MB for old packages; [`compile`] makes a buffer of it for
//! the store that a later run opens without parsing. [`Packument`] looks at such a buffer: versions
//! highest first, what choosing one needs, and the whole [`Manifest`] of the one chosen.

mod compile;
mod error;
mod stored;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use rkyv::vec::ArchivedVec;

use crate::manifest::{Extra, Lone, Manifest, Pairs};
use crate::name::PackageName;
use stored::{Directory, Entry, NO_TIME, TextId, flag};

pub use compile::{compile, compile_version};
pub use error::PackumentError;
pub(crate) use stored::FORM;

/// The buffer of a packument, aligned to 16 bytes: from the store, or compiled in this run.
pub type PackumentBytes = Box<dyn Deref<Target = [u8]> + Send + Sync>;

/// What a registry says of a package.
pub struct Packument {
    name: PackageName,
    bytes: PackumentBytes,
    directory: Directory,
    /// Where the texts begin.
    texts: usize,
}

/// One version of it.
#[derive(Clone, Copy)]
pub struct VersionView<'p> {
    packument: &'p Packument,
    entry: &'p Entry,
    version: &'p str,
}

impl Packument {
    /// Opens a buffer that [`compile`] made for this package. `None` when it is damaged, not
    /// aligned or of another format.
    #[must_use]
    pub fn open(name: PackageName, bytes: PackumentBytes) -> Option<Packument> {
        let (directory, texts) = stored::directory(&bytes)?;
        Some(Packument {
            name,
            bytes,
            directory,
            texts,
        })
    }

    /// The package.
    #[must_use]
    pub fn name(&self) -> &PackageName {
        &self.name
    }

    /// The versions, highest first; of equal precedence in the registry's order.
    pub fn versions(&self) -> impl Iterator<Item = VersionView<'_>> {
        self.directory.entries.iter().filter_map(|entry| {
            let version = self.text(entry.version)?;
            Some(VersionView {
                packument: self,
                entry,
                version,
            })
        })
    }

    /// The version that is written exactly so.
    #[must_use]
    pub fn version(&self, text: &str) -> Option<VersionView<'_>> {
        self.versions().find(|version| version.version == text)
    }

    /// The version that a tag points at, which need not exist.
    #[must_use]
    pub fn tag(&self, tag: &str) -> Option<&str> {
        self.tags()
            .find(|(name, _)| *name == tag)
            .map(|(_, version)| version)
    }

    /// The tags and the versions that they point at.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.directory.tags.iter();
        pairs.filter_map(|(tag, version)| Some((self.text(*tag)?, self.text(*version)?)))
    }

    /// The text of a number; none for zero or a number that there is not.
    fn text(&self, id: TextId) -> Option<&str> {
        let at = usize::try_from(id.checked_sub(1)?).ok()?;
        let ends = &self.directory.ends;
        let place = |end: u32| self.texts.checked_add(usize::try_from(end).ok()?);
        let end = place(*ends.get(at)?)?;
        let start = at
            .checked_sub(1)
            .map_or(Some(self.texts), |before| place(ends[before]))?;
        std::str::from_utf8(self.bytes.get(start..end)?).ok()
    }
}

impl<'p> VersionView<'p> {
    /// The version as the registry writes it.
    #[must_use]
    pub fn text(&self) -> &'p str {
        self.version
    }

    /// Why it should not be used any more.
    #[must_use]
    pub fn deprecated(&self) -> Option<&'p str> {
        self.packument.text(self.entry.deprecated)
    }

    /// The versions of Node.js it is for.
    #[must_use]
    pub fn node(&self) -> Option<&'p str> {
        self.packument.text(self.entry.node)
    }

    /// When it was published, in seconds since 1970; abbreviated packuments do not say.
    #[must_use]
    pub fn published(&self) -> Option<i64> {
        Some(self.entry.published).filter(|time| *time != NO_TIME)
    }

    /// All that is known of it. `None` when the buffer is damaged.
    #[must_use]
    pub fn manifest(&self) -> Option<Manifest> {
        let stored = stored::stored(&self.packument.bytes, self.entry)?;
        let text = |id: rkyv::rend::u32_le| self.packument.text(id.to_native());
        let maybe = |id| text(id).map(Arc::from);
        let list = |ids: &ArchivedVec<rkyv::rend::u32_le>| -> Vec<Arc<str>> {
            ids.iter().filter_map(|id| maybe(*id)).collect()
        };
        let pairs = |ids: &ArchivedVec<rkyv::rend::u32_le>| -> Pairs {
            ids.chunks_exact(2)
                .filter_map(|pair| Some((maybe(pair[0])?, maybe(pair[1])?)))
                .collect()
        };
        let name = &self.packument.name;
        let tarball = text(stored.tarball).map(|url| {
            if stored.flags & flag::USUAL_TARBALL == 0 {
                url.into()
            } else {
                format!("{url}{}", compile::usual_ending(name, self.version)).into()
            }
        });
        Some(Manifest {
            name: Some(name.as_str().into()),
            version: Some(self.version.into()),
            dependencies: pairs(&stored.dependencies),
            optional_dependencies: pairs(&stored.optional_dependencies),
            peer_dependencies: pairs(&stored.peer_dependencies),
            optional_peers: list(&stored.optional_peers),
            accept_dependencies: pairs(&stored.accept_dependencies),
            bundled: list(&stored.bundled),
            os: list(&stored.os),
            cpu: list(&stored.cpu),
            libc: list(&stored.libc),
            node: self.node().map(Arc::from),
            bin: pairs(&stored.bin),
            has_install_script: stored.flags & flag::INSTALL_SCRIPT != 0,
            has_shrinkwrap: stored.flags & flag::SHRINKWRAP != 0,
            deprecated: self.deprecated().map(Arc::from),
            tarball,
            integrity: maybe(stored.integrity),
            extra: Extra {
                license: maybe(stored.license),
                funding: maybe(stored.funding),
                engines: maybe(stored.engines),
                peer_dependencies_meta: maybe(stored.peer_dependencies_meta),
                has_dev_dependencies: false,
                workspaces: maybe(stored.workspaces),
                lone: Lone {
                    os: stored.flags & flag::LONE_OS != 0,
                    cpu: stored.flags & flag::LONE_CPU != 0,
                    libc: stored.flags & flag::LONE_LIBC != 0,
                },
            },
        })
    }
}

impl fmt::Debug for Packument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packument")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for VersionView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.packument.name, self.version)
    }
}
