//! [`remake`]: a file by the passes of a recipe, compressed where one of them changed it.

use std::collections::BTreeMap;

use layerpress_pack::{Level, compress, splice};
use layerpress_tree::Content;
use sha2::Digest as _;

use super::Recipe;
use crate::transform::{MOST_BYTES, Outcome, TRANSFORMS, Transform, Transformed, transform};
use crate::{Binary, Profile};

/// What the passes of a recipe make of a file.
#[derive(Debug, Clone)]
pub enum Remade {
    /// It stays as it is.
    Same,
    /// A pass could not prove its work, so it stays as it is.
    Refused(Refusal),
    /// It is smaller.
    Changed(Box<Made>),
}

/// A file that a pass made smaller, compressed.
#[derive(Debug, Clone)]
pub struct Made {
    pub(super) content: Content,
    pub(super) binary: Option<Binary>,
    pub(super) change: Change,
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
/// compressed again ([`splice`]), and a file whose stream would grow stays as it is.
#[must_use]
pub fn remake(path: &str, bytes: &[u8], stream: Option<&Content>, recipe: Recipe) -> Remade {
    if !has_passes(recipe.profile, bytes.len() as u64) {
        return Remade::Same;
    }
    let Some(Transformed { by, outcome }) = transform(path, bytes, recipe.profile) else {
        return Remade::Same;
    };
    match outcome {
        Outcome::NotMine | Outcome::Nothing => Remade::Same,
        Outcome::Refused(why) => Remade::Refused(Refusal {
            path: path.to_owned(),
            pass: by.name,
            why,
        }),
        Outcome::Smaller(file) => {
            let old = stream.filter(|_| recipe.compression == Level::Fast);
            let spliced = old.and_then(|old| splice(old, bytes, &file));
            let content = spliced.unwrap_or_else(|| compress(&file, recipe.compression));
            if old.is_some_and(|old| old.stream_size() < content.stream_size()) {
                return Remade::Same;
            }
            Remade::Changed(Box::new(Made {
                content,
                // By the whole file: passes change nothing that this goes by.
                binary: Binary::of(bytes),
                change: Change {
                    pass: by,
                    size_before: bytes.len() as u64,
                    sha256: sha2::Sha256::digest(&file).into(),
                },
            }))
        }
    }
}

/// Whether files of `size` bytes go through any pass of `profile`.
#[must_use]
pub fn has_passes(profile: Profile, size: u64) -> bool {
    (1..=MOST_BYTES).contains(&size) && TRANSFORMS.iter().any(|pass| pass.profile <= profile)
}
