//! [`LockError`]: where a lockfile is wrong, and how. [`SelectError`]: why a sound one cannot serve.

use std::fmt;

use layerpress_tree::DigestError;
use pep508_rs::PackageName;

use crate::MarkerError;
use crate::location::PathError;

/// Where a lockfile is wrong, and how.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}{fault}", LineText(*.line), PlaceText(self))]
pub struct LockError {
    /// The line, counted from 1; `None` where the fault has no one line (a key that is missing from
    /// the file).
    pub line: Option<u32>,
    /// The field, such as `packages[3].wheels[0].hashes`; empty for the file as a whole.
    pub field: String,
    /// The package that the field belongs to, as far as it was read.
    pub package: Option<String>,
    /// What is wrong there.
    pub fault: Fault,
}

/// A way in which a field of a lockfile can be wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The text is not in the format's language.
    #[error("is not {language}: {message}")]
    Syntax {
        /// `TOML` or `JSON`.
        language: &'static str,
        /// The parser's words, on one line.
        message: String,
    },
    /// The bytes are no text.
    #[error("is not UTF-8 text")]
    NotText,
    /// Two versions of the file stand in it, between the marks that a merge leaves.
    #[error("holds the marks of a merge conflict")]
    Conflict,
    /// The file is larger than any lock.
    #[error("holds {bytes} bytes, the limit is {limit}")]
    TooLarge {
        /// The size found.
        bytes: usize,
        /// The size allowed.
        limit: usize,
    },
    /// A required key is not there.
    #[error("is missing")]
    Missing,
    /// A value of another type than the field has.
    #[error("is {found}, expected {expected}")]
    Type {
        /// The TOML type found, with its article.
        found: &'static str,
        /// The TOML type expected, with its article.
        expected: &'static str,
    },
    /// A text that is not what the field holds.
    #[error("is `{value}`, expected {expected}")]
    Value {
        /// What stands there, escaped and cut for display.
        value: String,
        /// What should stand there.
        expected: &'static str,
    },
    /// A marker that cannot be understood.
    #[error("is not a marker: {0}")]
    Marker(#[from] MarkerError),
    /// A path that cannot be used.
    #[error("is not a path to use: {0}")]
    Path(#[from] PathError),
    /// A URL that cannot be parsed. Its text is not shown: it may hold a password.
    #[error("is not a URL: {message}")]
    Url {
        /// Why not.
        message: String,
    },
    /// A later format that this version cannot read.
    #[error("is `{found}`, a format that this release cannot read: it knows {known}")]
    FormatVersion {
        /// The version found.
        found: String,
        /// The versions that are known, in words.
        known: &'static str,
    },
    /// No hash where one must be, or a `hashes` table without an entry.
    #[error("holds no hash, and an artifact without one cannot be verified")]
    NoHash,
    /// A `hashes` table without an algorithm that is known and strong.
    #[error("holds only {}, none of which pins an artifact", listed(.algorithms))]
    WeakHash {
        /// The algorithms found.
        algorithms: Vec<String>,
    },
    /// A hash that is malformed.
    #[error("is not a hash: {0}")]
    Hash(#[from] DigestError),
    /// Neither `url` nor `path`.
    #[error("has neither `url` nor `path`")]
    NoLocation,
    /// None of the keys that say where a package comes from.
    #[error("has none of `wheels`, `sdist`, `archive`, `directory`, `vcs`")]
    NoSource,
    /// Two keys that exclude each other.
    #[error("has both `{one}` and `{other}`, which exclude each other")]
    Sources {
        /// One of the keys.
        one: &'static str,
        /// The other.
        other: &'static str,
    },
    /// A wheel of another project or another version than its table says.
    #[error("names `{file}`, which is not a wheel of {expected}")]
    ForeignWheel {
        /// The file's name, escaped and cut for display.
        file: String,
        /// Name and version of the table.
        expected: String,
    },
    /// The same package twice, wherever the one is to be installed so is the other.
    #[error("repeats `packages[{first}]`: both apply in the same environments")]
    Repeated {
        /// The index of the first.
        first: usize,
    },
    /// A dependency that has no entry.
    #[error("depends on `{name}`, which the lockfile does not hold")]
    Dangling {
        /// The dependency's name.
        name: String,
    },
    /// A path that means something on one machine only, or leads out of the lock's folder tree.
    #[error("is `{path}`, an absolute path that no other machine has")]
    AbsolutePath {
        /// The path, escaped and cut for display.
        path: String,
    },
}

/// Something in a lockfile that was passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockWarning {
    /// A later minor version of the format: what it adds is not understood.
    NewerMinor {
        /// The version found, such as `1.1`.
        found: String,
    },
    /// A key that the format does not have.
    UnknownKey {
        /// The line, counted from 1.
        line: Option<u32>,
        /// The field, such as `packages[3].whels`.
        field: String,
    },
}

/// Why a lock that is sound in itself cannot serve a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// The lock as a whole is for other Python versions.
    #[error("the lock is for Python `{requires_python}`, {target} has {version}")]
    Python {
        /// What the lock requires.
        requires_python: String,
        /// The target asked for.
        target: String,
        /// The target's version.
        version: String,
    },
    /// None of the lock's `environments` is the target.
    #[error("the lock does not cover {target}")]
    Environment {
        /// The target asked for.
        target: String,
        /// The environments that it covers, as markers.
        covered: Vec<String>,
    },
    /// An extra that the lock was not made for.
    #[error("the lock has no extra `{extra}`")]
    Extra {
        /// The extra asked for.
        extra: String,
        /// Those that it has.
        known: Vec<String>,
    },
    /// A dependency group that the lock was not made for.
    #[error("the lock has no dependency group `{group}`")]
    Group {
        /// The group asked for.
        group: String,
        /// Those that it has.
        known: Vec<String>,
    },
    /// A package in the lock is for other Python versions.
    #[error(
        "{package}: the lock pins a release for Python `{requires_python}`, {target} has {version}"
    )]
    PackagePython {
        /// The package.
        package: PackageName,
        /// What the package requires.
        requires_python: String,
        /// The target asked for.
        target: String,
        /// The target's version.
        version: String,
    },
    /// The lock lacks what it says is needed.
    #[error("{package}: the lock has no entry of it for {target}{}", needed(.needed_by.as_ref()))]
    Missing {
        /// The package.
        package: PackageName,
        /// Which package needs it; `None`: the project.
        needed_by: Option<PackageName>,
        /// The target asked for.
        target: String,
    },
    /// The lock names a package that the target needs, but pins no file of it.
    #[error("{package}: the lock pins no file of it, and {target} needs it")]
    Unpinned {
        /// The package.
        package: PackageName,
        /// The target asked for.
        target: String,
    },
    /// Two entries of one package apply.
    #[error("{package}: two entries of the lock apply to {target}: {one} and {other}")]
    Ambiguous {
        /// The package.
        package: PackageName,
        /// The target asked for.
        target: String,
        /// The version or kind of source of one entry.
        one: String,
        /// The version or kind of source of the other.
        other: String,
    },
}

impl LockError {
    /// The error with the file that it is in: ``pylock.toml:3: `packages` is missing``.
    #[must_use]
    pub fn in_file(&self, file: &str) -> String {
        let line = self.line.map(|line| format!(":{line}")).unwrap_or_default();
        format!("{file}{line}: {}{}", PlaceText(self), self.fault)
    }

    /// What would be right, where the fault alone does not say it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match &self.fault {
            Fault::NotText | Fault::Syntax { .. } | Fault::Dangling { .. } => {
                Some("undo the last edit by hand, or delete the file and lock again")
            }
            Fault::Conflict => Some("take one side whole, or delete the file and lock again"),
            Fault::TooLarge { .. } => Some("is this the right file?"),
            Fault::Missing => Some("the format requires it; undo the last edit, or lock again"),
            Fault::FormatVersion { .. } => Some("use a newer release, or lock again with this one"),
            Fault::NoHash | Fault::WeakHash { .. } => {
                Some("lock again: every artifact needs a `sha256`, `sha384` or `sha512`")
            }
            Fault::Hash(_) => Some("lock again rather than edit hashes by hand"),
            Fault::NoLocation => Some("add the `url` that the file comes from"),
            Fault::NoSource => Some("add `wheels`, or delete the file and lock again"),
            Fault::Sources { .. } => Some(
                "a package comes from one place: an index, an archive, a folder or a repository",
            ),
            Fault::ForeignWheel { .. } => Some("was it pasted under the wrong package?"),
            Fault::Repeated { .. } => {
                Some("remove one of the two, or give both a `marker` that tells them apart")
            }
            Fault::AbsolutePath { .. } => Some("write it relative to the lockfile"),
            Fault::Type { .. }
            | Fault::Value { .. }
            | Fault::Marker(_)
            | Fault::Path(_)
            | Fault::Url { .. } => None,
        }
    }
}

impl SelectError {
    /// What would help.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Python { .. } | Self::PackagePython { .. } => {
                "lock again for this target".to_owned()
            }
            Self::Missing { .. } => {
                "is the lock older than its manifest? Lock again with the tool that wrote it"
                    .to_owned()
            }
            Self::Unpinned { .. } => {
                "lock again on a machine like the target, with the tool that wrote it".to_owned()
            }
            Self::Environment { covered, .. } => {
                format!(
                    "lock again for this target; the lock covers {}",
                    listed(covered)
                )
            }
            Self::Extra { known, .. } | Self::Group { known, .. } if known.is_empty() => {
                "it was made without any: lock again with it".to_owned()
            }
            Self::Extra { known, .. } | Self::Group { known, .. } => {
                format!("it has {}", listed(known))
            }
            Self::Ambiguous { .. } => {
                "give the entries markers that exclude each other, or lock again".to_owned()
            }
        }
    }
}

impl fmt::Display for LockWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NewerMinor { found } => write!(
                f,
                "`lock-version` is `{found}`: what that adds to `1.0` is not understood"
            ),
            Self::UnknownKey { line, field } => {
                if let Some(line) = line {
                    write!(f, "line {line}: ")?;
                }
                write!(
                    f,
                    "`{field}` is not a key of the format, and is passed over"
                )
            }
        }
    }
}

/// A text from outside, fit for a message: control and direction characters escaped, length capped.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::new();
    for character in text.chars().take(SHOWN) {
        match character {
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                shown.extend(character.escape_unicode());
            }
            control if control.is_control() => shown.extend(control.escape_default()),
            plain => shown.push(plain),
        }
    }
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// Characters of a text from outside that a message shows.
const SHOWN: usize = 120;

fn needed(by: Option<&PackageName>) -> String {
    by.map(|package| format!(", and {package} needs it"))
        .unwrap_or_default()
}

fn listed(texts: &[String]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| format!("`{text}`")).collect();
    quoted.join(", ")
}

/// `line 3: `, where it is known.
struct LineText(Option<u32>);

impl fmt::Display for LineText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(line) => write!(f, "line {line}: "),
            None => Ok(()),
        }
    }
}

/// `` `packages[0].wheels` of `numpy` ``, with whatever of it is known. Every fault is a predicate
/// that goes on from there.
struct PlaceText<'a>(&'a LockError);

impl fmt::Display for PlaceText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LockError { field, package, .. } = self.0;
        match (field.is_empty(), package) {
            (true, _) => f.write_str("the lockfile "),
            (false, None) => write!(f, "`{field}` "),
            (false, Some(package)) => write!(f, "`{field}` of `{package}` "),
        }
    }
}
