//! [`Pylock`]: a Python lockfile as values, whoever wrote it.
//!
//! The fields are those of PEP 751 and carry its names. What the format calls mutually exclusive is
//! one enum here ([`Source`]), and what it calls required is there.

use std::fmt;
use std::str::FromStr;

use layerpress_target::Target;
use layerpress_tree::Digest;
use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::{ExtraName, MarkerTree, PackageName};
use url::Url;

use crate::{Fault, Location, LockError, LockPath};

/// The name of a dependency group. PEP 735 normalises it as PEP 685 does the name of an extra.
pub type GroupName = ExtraName;

/// A name of a package, an extra or a group; `pep508_rs` takes an empty text for one too.
pub(crate) fn name<N: FromStr>(text: &str) -> Option<N> {
    text.parse().ok().filter(|_| !text.is_empty())
}

/// A `pylock.toml` (PEP 751).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pylock {
    /// The version of the format.
    pub lock_version: LockVersion,
    /// The environments that the lock is for, as markers that exclude each other; empty: any.
    pub environments: Vec<MarkerTree>,
    /// The Python versions that the lock is for.
    pub requires_python: Option<VersionSpecifiers>,
    /// The extras that can be asked for. `Some` of nothing: the project has none; `None`: unknown.
    pub extras: Option<Vec<ExtraName>>,
    /// The dependency groups that can be asked for; nothing and `None` as for the extras.
    pub dependency_groups: Option<Vec<GroupName>>,
    /// The groups that are installed when none is asked for.
    pub default_groups: Vec<GroupName>,
    /// The tool that wrote the lock.
    pub created_by: String,
    /// The packages; several of one name if their markers tell them apart. [`Pylock::write`] sorts
    /// them by name and version.
    pub packages: Vec<Package>,
    /// The targets that the lock was made for, from `[tool.layerpress]`; empty in other tools' locks.
    pub targets: Vec<Target>,
    /// What the manifest asked for, as `name` or `name[extra,extra]`, from `[tool.layerpress]`:
    /// tells a lock that must be resolved anew, because a root or an extra came or went, from one
    /// that still serves. Empty in other tools' locks.
    pub roots: Vec<String>,
    /// What build backends are to be told, from `[tool.layerpress]`: without it, a source could not
    /// be built again as it was. Of one package in the order in which it is told.
    pub config_settings: Vec<ConfigSetting>,
}

/// What the build backend of one package is told (PEP 517, `config_settings`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigSetting {
    /// The package.
    pub package: PackageName,
    /// The key; one that comes several times has several values.
    pub key: String,
    /// The value.
    pub value: String,
}

/// The version of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LockVersion {
    /// Always 1: other major versions are not read.
    pub major: u32,
    /// 0, or more in a lock of a later tool.
    pub minor: u32,
}

/// One entry of `packages`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The name, normalised.
    pub name: PackageName,
    /// The version, where it is certain: never for a source tree.
    pub version: Option<Version>,
    /// When to install it.
    pub marker: MarkerTree,
    /// The Python versions that it runs on.
    pub requires_python: Option<VersionSpecifiers>,
    /// What it depends on, for readers: nothing is installed by it.
    pub dependencies: Vec<DependencyRef>,
    /// The index that its files were found on.
    pub index: Option<Url>,
    /// Where it comes from.
    pub source: Source,
}

/// A reference from one package to another entry of the same lock.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DependencyRef {
    /// The other package's name, normalised.
    pub name: PackageName,
    /// Its version, where the name alone does not say which entry is meant.
    pub version: Option<Version>,
}

/// Where a package comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The files of a release on an index (or beside the lock): at least one.
    Files {
        /// The source distribution.
        sdist: Option<File>,
        /// The wheels.
        wheels: Vec<File>,
    },
    /// An archive that was named itself: a wheel, a source distribution, any packed source tree.
    Archive(Archive),
    /// A folder with a source tree.
    Directory(Directory),
    /// A repository.
    Vcs(Vcs),
}

/// A wheel or source distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The file's name, which for a wheel says what it fits.
    pub name: String,
    /// When it was uploaded.
    pub upload_time: Option<UploadTime>,
    /// Where it is.
    pub location: Location,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// Its digests, at least one, in order; every one must match.
    pub hashes: Vec<Digest>,
}

/// An archive that a requirement named itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// Where it is.
    pub location: Location,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// When it was uploaded.
    pub upload_time: Option<UploadTime>,
    /// Its digests, at least one, in order; every one must match.
    pub hashes: Vec<Digest>,
    /// The folder of the project in it; `None`: its root.
    pub subdirectory: Option<LockPath>,
}

/// A folder with a source tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// Where it is.
    pub path: LockPath,
    /// Whether the project was asked for as editable.
    pub editable: bool,
    /// The folder of the project in it; `None`: its root.
    pub subdirectory: Option<LockPath>,
}

/// A source tree in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vcs {
    /// The kind of repository: `git`, `hg`, …
    pub kind: String,
    /// Where it is.
    pub location: Location,
    /// What was asked for: a branch, a tag, … For readers: only the commit counts.
    pub requested_revision: Option<String>,
    /// The commit.
    pub commit_id: String,
    /// The folder of the project in it; `None`: its root.
    pub subdirectory: Option<LockPath>,
}

/// When a file was uploaded: a TOML date-time, in UTC. Reads and writes `2025-01-25T11:30:10Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UploadTime(pub(crate) toml_edit::Datetime);

impl LockVersion {
    /// The version that is written: 1.0.
    pub const CURRENT: Self = Self { major: 1, minor: 0 };
}

impl Pylock {
    /// A lock without packages, as this program writes it.
    #[must_use]
    pub fn new() -> Self {
        Self {
            lock_version: LockVersion::CURRENT,
            environments: Vec::new(),
            requires_python: None,
            extras: None,
            dependency_groups: None,
            default_groups: Vec::new(),
            created_by: "layerpress".to_owned(),
            packages: Vec::new(),
            targets: Vec::new(),
            roots: Vec::new(),
            config_settings: Vec::new(),
        }
    }

    /// What the build backend of a package is to be told, in order.
    pub fn config_settings_of(&self, package: &PackageName) -> impl Iterator<Item = (&str, &str)> {
        self.config_settings
            .iter()
            .filter(move |setting| setting.package == *package)
            .map(|setting| (setting.key.as_str(), setting.value.as_str()))
    }

    /// Whether a file of this name is a lock: `pylock.toml`, or `pylock.<name>.toml` with a name
    /// without dots (PEP 751, "File Name").
    #[must_use]
    pub fn is_file_name(name: &str) -> bool {
        let named = name.strip_prefix("pylock.");
        let named = named.and_then(|rest| rest.strip_suffix(".toml"));
        name == "pylock.toml" || named.is_some_and(|it| !it.is_empty() && !it.contains('.'))
    }

    /// Checks that the lock means the same on every machine: no path in it is absolute.
    ///
    /// Credentials need no check: [`Pylock::write`] removes them from every URL.
    ///
    /// # Errors
    /// [`LockError`] with the first path that is absolute.
    pub fn check_portable(&self) -> Result<(), LockError> {
        for (index, package) in self.packages.iter().enumerate() {
            for (field, path) in package.source.paths() {
                if path.is_absolute() {
                    return Err(LockError {
                        line: None,
                        field: format!("packages[{index}].{field}"),
                        package: Some(package.name.to_string()),
                        fault: Fault::AbsolutePath {
                            path: crate::error::shown(path.as_str()),
                        },
                    });
                }
            }
        }
        Ok(())
    }
}

impl Default for Pylock {
    fn default() -> Self {
        Self::new()
    }
}

impl Package {
    /// The source distribution of a release.
    #[must_use]
    pub fn sdist(&self) -> Option<&File> {
        match &self.source {
            Source::Files { sdist, .. } => sdist.as_ref(),
            _ => None,
        }
    }

    /// The wheels of a release.
    #[must_use]
    pub fn wheels(&self) -> &[File] {
        match &self.source {
            Source::Files { wheels, .. } => wheels,
            _ => &[],
        }
    }

    /// The version, or else the kind of source: what tells entries of one name apart for a reader.
    pub(crate) fn edition(&self) -> String {
        match (&self.version, &self.source) {
            (Some(version), _) => version.to_string(),
            (None, Source::Files { .. }) => "files without a version".to_owned(),
            (None, Source::Archive(_)) => "an archive".to_owned(),
            (None, Source::Directory(_)) => "a folder".to_owned(),
            (None, Source::Vcs(_)) => "a repository".to_owned(),
        }
    }
}

impl Source {
    /// Every path, with the field that holds it.
    fn paths(&self) -> Vec<(String, &LockPath)> {
        let mut locations: Vec<(String, &Location)> = Vec::new();
        match self {
            Self::Files { sdist, wheels } => {
                let sdist = sdist.iter().map(|file| ("sdist".to_owned(), file));
                let wheels = (0..).zip(wheels);
                let wheels = wheels.map(|(index, file)| (format!("wheels[{index}]"), file));
                locations.extend(
                    sdist
                        .chain(wheels)
                        .map(|(field, file)| (field, &file.location)),
                );
            }
            Self::Archive(archive) => locations.push(("archive".to_owned(), &archive.location)),
            Self::Vcs(vcs) => locations.push(("vcs".to_owned(), &vcs.location)),
            Self::Directory(directory) => {
                return vec![("directory.path".to_owned(), &directory.path)];
            }
        }
        let paths = locations
            .into_iter()
            .filter_map(|(field, location)| match location {
                Location::Path(path) => Some((format!("{field}.path"), path)),
                Location::Url(_) => None,
            });
        paths.collect()
    }

    /// Every location.
    pub(crate) fn locations_mut(&mut self) -> Vec<&mut Location> {
        match self {
            Self::Files { sdist, wheels } => {
                let files = sdist.iter_mut().chain(wheels);
                files.map(|file| &mut file.location).collect()
            }
            Self::Archive(archive) => vec![&mut archive.location],
            Self::Vcs(vcs) => vec![&mut vcs.location],
            Self::Directory(_) => Vec::new(),
        }
    }
}

impl fmt::Display for LockVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl fmt::Display for UploadTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Reads RFC 3339; a time without an offset is UTC, as the format demands.
impl FromStr for UploadTime {
    type Err = toml_edit::DatetimeParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut time: toml_edit::Datetime = text.parse()?;
        // A date alone, or a time of day alone, is no point in time: read as midnight or refused.
        if time.time.is_none() || time.date.is_none() {
            time = format!("{text}T00:00:00Z").parse()?;
        }
        let utc = Some(toml_edit::Offset::Custom { minutes: 0 });
        if time.offset.is_none() || time.offset == utc {
            time.offset = Some(toml_edit::Offset::Z);
        }
        Ok(Self(time))
    }
}
