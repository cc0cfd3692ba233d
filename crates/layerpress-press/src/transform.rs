//! [`transform`]: a file made smaller, or left as it is; never a file that does something else.
//!
//! Each pass looks at one file alone, so that what it makes of an archive can be kept with the archive
//! ([`crate::pressed`]). A pass proves its own work: where the proof fails the file stays as it
//! was, and that is said.

mod botocore;
mod elf;
mod gzip;
mod javascript;
mod json;
mod python;

use crate::Profile;

pub use self::elf::elf_sections_removed;

/// A pass over single files.
#[derive(Debug, Clone, Copy)]
pub struct Transform {
    /// Its name in accounts: `elf-strip`.
    pub name: &'static str,
    /// Why nothing is lost, as a lowercase sentence.
    pub reason: &'static str,
    /// The first profile that has it.
    pub profile: Profile,
    /// Whether it may be for a file with this path; what is in the file may tell that it is not.
    looks_at: fn(&str) -> bool,
    apply: fn(&str, &[u8]) -> Outcome,
}

/// Some of the passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Passes(u8);

impl Passes {
    /// None: files stay as they are.
    pub const NONE: Self = Self(0);

    /// Those of a profile.
    #[must_use]
    pub fn of(profile: Profile) -> Self {
        let passes = TRANSFORMS.iter().filter(|pass| pass.profile <= profile);
        passes.fold(Self::NONE, Self::with)
    }

    /// Every set of passes that there can be.
    pub fn sets() -> impl Iterator<Item = Self> {
        (0..1 << TRANSFORMS.len()).map(Self)
    }

    /// These, and one more.
    #[must_use]
    pub fn with(self, pass: &Transform) -> Self {
        Self(self.0 | Self::bit(pass))
    }

    /// These but one.
    #[must_use]
    pub fn without(self, pass: &Transform) -> Self {
        Self(self.0 & !Self::bit(pass))
    }

    /// Whether a pass is among them.
    #[must_use]
    pub fn has(self, pass: &Transform) -> bool {
        self.0 & Self::bit(pass) != 0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    /// The passes, in the order in which they are asked.
    pub fn iter(self) -> impl Iterator<Item = &'static Transform> {
        let passes = TRANSFORMS.iter();
        passes.filter(move |pass| self.has(pass))
    }

    fn bit(pass: &Transform) -> u8 {
        let at = TRANSFORMS.iter().position(|it| it == pass);
        at.map_or(0, |at| 1 << at)
    }
}

impl Transform {
    /// The pass of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        TRANSFORMS.iter().find(|pass| pass.name == name)
    }

    /// Whether a file at `path` may be one that it makes smaller, as far as its name tells.
    #[must_use]
    pub fn may_take(&self, path: &str) -> bool {
        (self.looks_at)(path)
    }
}

impl PartialEq for Transform {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Transform {}

/// What a pass made of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is no file for this pass.
    NotMine,
    /// There is nothing to gain.
    Nothing,
    /// The file as it may stand in its place, smaller.
    Smaller(Vec<u8>),
    /// The pass could not prove its work, and why: the file stays.
    Refused(String),
}

/// A file after the passes.
#[derive(Debug, Clone)]
pub struct Transformed {
    /// The pass that took it.
    pub by: &'static Transform,
    /// Never [`Outcome::NotMine`].
    pub outcome: Outcome,
}

/// The largest file that is looked at, in bytes: what a function may hold in all
/// (AWS Lambda quotas, "Deployment package size", unzipped).
pub(crate) const MOST_BYTES: u64 = 262_144_000;

/// Every pass, in the order in which they are asked.
pub static TRANSFORMS: &[Transform] = &[
    Transform {
        name: "elf-strip",
        reason: "no loader reads what no program header covers; every loaded byte stays in its place",
        profile: Profile::Safe,
        looks_at: elf::may_be_elf,
        apply: elf::elf_strip,
    },
    Transform {
        name: "botocore-docs",
        reason: "botocore makes docstrings of it and nothing else",
        profile: Profile::Safe,
        looks_at: botocore::is_data,
        apply: botocore::botocore_docs,
    },
    Transform {
        name: "python-source",
        reason: "Python runs the same code on the same lines; only docstrings that nothing reads are empty",
        profile: Profile::Small,
        looks_at: |path| path.ends_with(".py"),
        apply: python::python_source,
    },
    Transform {
        name: "json-minify",
        reason: "white space between tokens of JSON means nothing",
        profile: Profile::Small,
        looks_at: |path| path.strip_suffix(".gz").unwrap_or(path).ends_with(".json"),
        apply: json::json_minify,
    },
    Transform {
        name: "gzip-recompress",
        reason: "the file unpacks to the same bytes",
        profile: Profile::Small,
        looks_at: |path| path.ends_with(".gz"),
        apply: gzip::gzip_recompress,
    },
    Transform {
        name: "js-whitespace",
        reason: "comments and white space of JavaScript do nothing, and the syntax tree stays",
        profile: Profile::Small,
        looks_at: javascript::is_script,
        apply: javascript::whitespace,
    },
];

/// Gives the file at `path`, relative to its package's archive, to the first of `passes` that takes it.
#[must_use]
pub fn transform(path: &str, bytes: &[u8], passes: Passes) -> Option<Transformed> {
    passes
        .iter()
        .map(|by| Transformed {
            by,
            outcome: (by.apply)(path, bytes),
        })
        .find(|it| it.outcome != Outcome::NotMine)
}
