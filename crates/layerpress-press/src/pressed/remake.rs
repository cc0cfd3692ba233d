//! [`remake`]: a file by the passes of a recipe, compressed where one of them changed it.

use std::collections::BTreeMap;

use layerpress_pack::{Level, compress, is_poor, splice};
use layerpress_tree::Content;
use sha2::Digest as _;

use super::Recipe;
use crate::Binary;
use crate::transform::{MOST_BYTES, Outcome, Passes, Transform, Transformed, transform};

/// What the passes of a recipe make of a file.
#[derive(Debug, Clone)]
pub enum Remade {
    /// It stays as it is.
    Same,
    /// A pass could not prove its work, so it stays as it is.
    Refused(Refusal),
    /// It is smaller, or the same in a smaller stream.
    Changed(Box<Made>),
}

/// How a file lies in an archive that is a zip.
#[derive(Debug, Clone, Copy)]
pub struct Stream<'a> {
    /// The file as it lies there.
    pub content: &'a Content,
    /// Whether the archive's streams are worth making anew
    /// ([`is_poor`](layerpress_pack::is_poor)).
    pub is_poor: bool,
}

/// A file as it goes into a layer, compressed.
#[derive(Debug, Clone)]
pub struct Made {
    pub(super) content: Content,
    pub(super) binary: Option<Binary>,
    pub(super) change: Option<Change>,
}

impl Made {
    /// What stands in the file's place, what machine it is for, and what a pass did to it.
    #[must_use]
    pub fn into_parts(self) -> (Content, Option<Binary>, Option<Change>) {
        (self.content, self.binary, self.change)
    }
}

/// What a pass did to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The pass.
    pub pass: &'static Transform,
    /// The file's size before, in bytes.
    pub size_before: u64,
    /// SHA-256 of the file as it is now.
    pub sha256: [u8; 32],
}

/// Why a file stays as it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// The file, relative to its archive's root.
    pub path: String,
    /// The pass that would have made it smaller.
    pub pass: &'static str,
    /// What it could not prove: a lowercase fragment about the file, without its name.
    pub why: String,
}

impl Refusal {
    /// Whether the pass is one of `passes`; one that there is no more counts as if it were.
    #[must_use]
    pub fn is_of(&self, passes: Passes) -> bool {
        Transform::named(self.pass).is_none_or(|pass| passes.has(pass))
    }
}

/// What passes did, in all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// By the name of the pass.
    pub gains: BTreeMap<&'static str, Gain>,
    /// The files that stayed as they were.
    pub refused: Vec<Refusal>,
}

/// What a pass gained.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gain {
    /// How many files it made smaller.
    pub files: u64,
    /// By how much, in bytes, unpacked.
    pub bytes: u64,
}

impl Account {
    /// Adds a file that is `size` bytes long now.
    pub fn count(&mut self, change: &Change, size: u64) {
        let gain = self.gains.entry(change.pass.name).or_default();
        gain.files += 1;
        gain.bytes += change.size_before.saturating_sub(size);
    }

    /// Takes back a file that is `size` bytes long with what a pass did to it.
    pub fn discount(&mut self, change: &Change, size: u64) {
        if let Some(gain) = self.gains.get_mut(change.pass.name) {
            gain.files = gain.files.saturating_sub(1);
            let bytes = change.size_before.saturating_sub(size);
            gain.bytes = gain.bytes.saturating_sub(bytes);
        }
        self.gains.retain(|_, gain| gain.files > 0);
    }

    /// The same, each file below the name of its package.
    #[must_use]
    pub fn of(mut self, package: &str) -> Self {
        for refusal in &mut self.refused {
            refusal.path.insert(0, '/');
            refusal.path.insert_str(0, package);
        }
        self
    }

    /// Adds what `other` tells.
    pub fn add(&mut self, other: Self) {
        for (pass, gain) in other.gains {
            let sum = self.gains.entry(pass).or_default();
            sum.files += gain.files;
            sum.bytes += gain.bytes;
        }
        self.refused.extend(other.refused);
    }
}

/// Gives the file at `path`, relative to its archive's root, to the passes of `recipe`.
///
/// `stream` is how the file lies in its archive, if that is a zip. What a fast recipe can keep of it is not
/// compressed again ([`splice`]), unless it is poor, and a file whose stream would grow stays as it is.
#[must_use]
pub fn remake(path: &str, bytes: &[u8], stream: Option<Stream<'_>>, recipe: Recipe) -> Remade {
    if !has_passes(recipe.passes, bytes.len() as u64) {
        return Remade::Same;
    }
    let old = stream.filter(|_| recipe.compression == Level::Fast);
    let Some(Transformed { by, outcome }) = transform(path, bytes, recipe.passes) else {
        return repacked(bytes, old, recipe);
    };
    match outcome {
        Outcome::NotMine | Outcome::Nothing => repacked(bytes, old, recipe),
        Outcome::Refused(why) => Remade::Refused(Refusal {
            path: path.to_owned(),
            pass: by.name,
            why,
        }),
        Outcome::Smaller(file) => {
            let good = old.filter(|old| !old.is_poor);
            let spliced = good.and_then(|old| splice(old.content, bytes, &file));
            let content = spliced.unwrap_or_else(|| compress(&file, recipe.compression));
            if old.is_some_and(|old| old.content.stream_size() < content.stream_size()) {
                return Remade::Same;
            }
            Remade::Changed(Box::new(Made {
                content,
                // By the whole file: passes change nothing that this goes by.
                binary: Binary::of(bytes),
                change: Some(Change {
                    pass: by,
                    size_before: bytes.len() as u64,
                    sha256: sha2::Sha256::digest(&file).into(),
                }),
            }))
        }
    }
}

/// A file that stays as it is, in a smaller stream if the one that it has is poor.
fn repacked(bytes: &[u8], old: Option<Stream<'_>>, recipe: Recipe) -> Remade {
    let Some(old) = old.filter(|old| old.is_poor) else {
        return Remade::Same;
    };
    let content = compress(bytes, recipe.compression);
    if old.content.stream_size() <= content.stream_size() {
        return Remade::Same;
    }
    Remade::Changed(Box::new(Made {
        content,
        binary: Binary::of(bytes),
        change: None,
    }))
}

/// Whether the streams of an archive with `contents` are made anew by `recipe`; one that leaves files as
/// they are leaves them as they came.
#[must_use]
pub fn has_poor_streams<'a>(
    contents: impl IntoIterator<Item = &'a Content>,
    recipe: Recipe,
) -> bool {
    recipe.compression == Level::Fast && !recipe.passes.is_empty() && is_poor(contents)
}

/// Whether files of `size` bytes go through any of `passes`.
#[must_use]
pub fn has_passes(passes: Passes, size: u64) -> bool {
    (1..=MOST_BYTES).contains(&size) && !passes.is_empty()
}
