//! What is wrong with a tarball.

use layerpress_pack::TarballError as ArchiveFault;
use layerpress_press::pressed::PressError;
use layerpress_tree::LayerPath;

/// A tarball that is refused.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{name}`: {fault}")]
pub struct TarballError {
    name: String,
    pub(super) fault: TarballFault,
}

/// Why.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum TarballFault {
    /// Another kind of archive.
    #[error("a package is a gzipped tar archive, and this is {0}")]
    Format(&'static str),
    /// The archive is malformed, hostile or too large.
    #[error(transparent)]
    Archive(ArchiveFault),
    /// A folder of its own entry and a file share a path.
    #[error("`{0}` is a file, and a folder")]
    FileAndFolder(LayerPath),
    /// The files do not go into one tree or zip.
    #[error(transparent)]
    Press(#[from] PressError),
    /// There is nothing in it.
    #[error("there is no file in it")]
    Empty,
    /// There is no package.json where one is needed.
    #[error("there is no `package.json` in it")]
    NoManifest,
    /// The copy in the store is not what was put there.
    #[error("the cached copy is damaged")]
    Damaged,
}

impl TarballError {
    pub(super) fn new(name: &str, fault: TarballFault) -> Self {
        let name = name.chars().flat_map(shown).collect();
        Self { name, fault }
    }

    /// Whether only the store's copy is at fault, which was forgotten.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        matches!(self.fault, TarballFault::Damaged)
    }

    /// What to do about it, where there is something to do.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match &self.fault {
            TarballFault::Archive(ArchiveFault::Link { .. }) => Some(
                "npm leaves links out of packages; take a version whose tarball holds files only, or pack it again with `npm pack`",
            ),
            TarballFault::Archive(fault) if fault.is_over_budget() => None,
            TarballFault::Archive(ArchiveFault::Damaged { .. } | ArchiveFault::NotTar)
            | TarballFault::Format(_)
            | TarballFault::Empty
            | TarballFault::NoManifest => {
                Some("the tarball is not what `npm pack` makes; take another version")
            }
            TarballFault::Archive(_) | TarballFault::FileAndFolder(_) | TarballFault::Press(_) => {
                Some("readers of tarballs would disagree about it; take another version")
            }
            TarballFault::Damaged => Some("run it again: the archive will be fetched anew"),
        }
    }
}

impl From<ArchiveFault> for TarballFault {
    fn from(fault: ArchiveFault) -> Self {
        match fault {
            ArchiveFault::Format { format } => Self::Format(format),
            fault => Self::Archive(fault),
        }
    }
}

fn shown(character: char) -> impl Iterator<Item = char> {
    let (plain, escaped) = if character.is_control() {
        (None, Some(character.escape_default()))
    } else {
        (Some(character), None)
    };
    plain.into_iter().chain(escaped.into_iter().flatten())
}
