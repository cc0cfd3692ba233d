//! `pylock.toml` → [`Pylock`]: strict about what the format says, with line and field in every error.
//!
//! Section by section the order of PEP 751. Looser than the PEP in two things, as other tools' files
//! need: names may be unnormalised, and unknown keys are warned of, whatever the minor version.

use std::path::Path;

use layerpress_target::Target;
use layerpress_tree::{Algorithm, Digest};
use pep440_rs::Version;
use pep508_rs::{MarkerTree, PackageName};
use url::Url;

use crate::document::document;
use crate::error::shown;
use crate::fields::{Fields, Place};
use crate::location::strip_credentials;
use crate::{
    Archive, ConfigSetting, DependencyRef, Directory, Fault, File, GroupName, Location, LockError,
    LockPath, LockVersion, LockWarning, Package, Pylock, Source, UploadTime, Vcs, model,
    parse_marker,
};

/// Warnings that are worth anybody's time.
const MAX_WARNINGS: usize = 32;

const TOP_KEYS: [&str; 9] = [
    "lock-version",
    "environments",
    "requires-python",
    "extras",
    "dependency-groups",
    "default-groups",
    "created-by",
    "packages",
    "tool",
];

const PACKAGE_KEYS: [&str; 13] = [
    "name",
    "version",
    "marker",
    "requires-python",
    "dependencies",
    "vcs",
    "directory",
    "archive",
    "index",
    "sdist",
    "wheels",
    "attestation-identities",
    "tool",
];

impl Pylock {
    /// Reads a lockfile.
    ///
    /// # Errors
    /// [`LockError`] with the first thing that is wrong.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        Self::parse_with_warnings(text).map(|(lock, _)| lock)
    }

    /// Reads a lockfile, and says what was passed over in it.
    ///
    /// # Errors
    /// [`LockError`] with the first thing that is wrong.
    pub fn parse_with_warnings(text: &str) -> Result<(Self, Vec<LockWarning>), LockError> {
        let mut warnings = Vec::new();
        let lock = document(text, |fields| pylock(fields, &mut warnings))?;
        Ok((lock, warnings))
    }
}

fn pylock(fields: &Fields<'_>, warnings: &mut Vec<LockWarning>) -> Result<Pylock, LockError> {
    let lock_version = lock_version(fields)?;
    if lock_version > LockVersion::CURRENT {
        warnings.push(LockWarning::NewerMinor {
            found: lock_version.to_string(),
        });
    }
    warn_of_others(fields, &TOP_KEYS, warnings);
    let environments = fields.strings("environments")?.unwrap_or_default();
    let tables = fields.tables("packages")?;
    let tables = tables.ok_or_else(|| fields.missing("packages"))?;
    let mut packages: Vec<Package> = Vec::with_capacity(tables.len());
    let mut places = Vec::with_capacity(tables.len());
    let mut seen = std::collections::HashMap::with_capacity(tables.len());
    for (index, table) in tables.into_iter().enumerate() {
        let (package, place) = package(table, warnings)?;
        // Two entries that always apply together could never be told apart; whether entries of
        // one name only overlap is asked when a target is known.
        let same = seen.insert((package.name.clone(), package.marker.clone()), index);
        if let Some(first) = same {
            return Err(place.fault(Fault::Repeated { first }));
        }
        packages.push(package);
        places.push(place);
    }
    let roots = roots(fields)?;
    if !roots.is_empty() {
        whole(&packages, &places)?;
    }
    Ok(Pylock {
        lock_version,
        environments: environments
            .into_iter()
            .map(|(text, place)| parse_marker(text).map_err(|error| place.fault(error)))
            .collect::<Result<_, _>>()?,
        requires_python: fields.parsed("requires-python", VERSION_SPECIFIERS)?,
        extras: names(fields, "extras", "the name of an extra")?,
        dependency_groups: names(fields, "dependency-groups", "the name of a group")?,
        default_groups: names(fields, "default-groups", "the name of a group")?.unwrap_or_default(),
        created_by: fields.required_string("created-by")?.to_owned(),
        packages,
        targets: targets(fields)?,
        roots,
        config_settings: config_settings(fields)?,
    })
}

/// A lock with roots is installed along its dependencies: an entry that is gone would be missing
/// from the layer without a word.
fn whole(packages: &[Package], places: &[Place<'_>]) -> Result<(), LockError> {
    let held: std::collections::HashSet<&PackageName> =
        packages.iter().map(|package| &package.name).collect();
    for (package, place) in packages.iter().zip(places) {
        for needed in &package.dependencies {
            if !held.contains(&needed.name) {
                return Err(place.fault(Fault::Dangling {
                    name: needed.name.to_string(),
                }));
            }
        }
    }
    Ok(())
}

const VERSION_SPECIFIERS: &str = "version specifiers such as `>=3.10`";

fn lock_version(fields: &Fields<'_>) -> Result<LockVersion, LockError> {
    let text = fields.required_string("lock-version")?;
    let place = fields.place_of("lock-version");
    let version = || {
        let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
        Some(LockVersion {
            major: major.parse().ok()?,
            minor: minor.parse().ok()?,
        })
    };
    match version() {
        Some(version) if version.major == LockVersion::CURRENT.major => Ok(version),
        Some(_) => Err(place.fault(Fault::FormatVersion {
            found: shown(text),
            known: "`1.0`",
        })),
        None => Err(place.fault(Fault::Value {
            value: shown(text),
            expected: "`1.0`",
        })),
    }
}

fn names(
    fields: &Fields<'_>,
    key: &str,
    expected: &'static str,
) -> Result<Option<Vec<GroupName>>, LockError> {
    let Some(strings) = fields.strings(key)? else {
        return Ok(None);
    };
    let names = strings.into_iter().map(|(text, place)| {
        model::name(text).ok_or_else(|| {
            place.fault(Fault::Value {
                value: shown(text),
                expected,
            })
        })
    });
    names.collect::<Result<_, _>>().map(Some)
}

/// `[tool.layerpress]`; the rest of `[tool]` is nobody's business here.
fn own<'a>(fields: &Fields<'a>) -> Result<Option<Fields<'a>>, LockError> {
    match fields.table("tool")? {
        Some(tool) => tool.table("layerpress"),
        None => Ok(None),
    }
}

/// The `roots` in `[tool.layerpress]`.
fn roots(fields: &Fields<'_>) -> Result<Vec<String>, LockError> {
    let Some(own) = own(fields)? else {
        return Ok(Vec::new());
    };
    let roots = own.strings("roots")?.unwrap_or_default();
    Ok(roots.into_iter().map(|(root, _)| root.to_owned()).collect())
}

/// The `targets` in `[tool.layerpress]`.
fn targets(fields: &Fields<'_>) -> Result<Vec<Target>, LockError> {
    let Some(own) = own(fields)? else {
        return Ok(Vec::new());
    };
    let mut targets = Vec::new();
    for table in own.tables("targets")?.unwrap_or_default() {
        let part = |key: &'static str| table.string(key)?.ok_or_else(|| table.missing(key));
        let (runtime, arch) = (part("runtime")?, part("arch")?);
        targets.push(Target {
            runtime: runtime.parse().map_err(|_| {
                table.place_of("runtime").fault(Fault::Value {
                    value: shown(runtime),
                    expected: "a runtime such as `python3.13`",
                })
            })?,
            arch: arch.parse().map_err(|_| {
                table.place_of("arch").fault(Fault::Value {
                    value: shown(arch),
                    expected: "`x86_64` or `arm64`",
                })
            })?,
        });
    }
    Ok(targets)
}

/// The `config-settings` in `[tool.layerpress]`.
fn config_settings(fields: &Fields<'_>) -> Result<Vec<ConfigSetting>, LockError> {
    let Some(own) = own(fields)? else {
        return Ok(Vec::new());
    };
    let tables = own.tables("config-settings")?.unwrap_or_default();
    let setting = |table: Fields<'_>| {
        let package = table.parsed("package", "the name of a package")?;
        Ok(ConfigSetting {
            package: package.ok_or_else(|| table.missing("package"))?,
            key: table.required_string("key")?.to_owned(),
            value: table.required_string("value")?.to_owned(),
        })
    };
    tables.into_iter().map(setting).collect()
}

fn package<'a>(
    fields: Fields<'a>,
    warnings: &mut Vec<LockWarning>,
) -> Result<(Package, Place<'a>), LockError> {
    let name = fields.required_string("name")?;
    let fields = fields.of_package(name);
    warn_of_others(&fields, &PACKAGE_KEYS, warnings);
    let name: PackageName = model::name(name).ok_or_else(|| {
        fields.place_of("name").fault(Fault::Value {
            value: shown(name),
            expected: "the name of a package",
        })
    })?;
    let version: Option<Version> = fields.parsed("version", VERSION)?;
    let marker = match fields.string("marker")? {
        Some(text) => parse_marker(text).map_err(|error| fields.place_of("marker").fault(error))?,
        None => MarkerTree::TRUE,
    };
    let package = Package {
        source: source(&fields, &name, version.as_ref())?,
        marker,
        requires_python: fields.parsed("requires-python", VERSION_SPECIFIERS)?,
        dependencies: dependencies(&fields)?,
        index: fields
            .string("index")?
            .map(|text| url(text, || fields.place_of("index")))
            .transpose()?,
        name,
        version,
    };
    Ok((package, fields.place().clone()))
}

const VERSION: &str = "a version such as `1.2.3`";

fn dependencies(fields: &Fields<'_>) -> Result<Vec<DependencyRef>, LockError> {
    let tables = fields.tables("dependencies")?.unwrap_or_default();
    let mut dependencies = Vec::with_capacity(tables.len());
    for table in tables {
        let name: Option<PackageName> = table.parsed("name", "the name of a package")?;
        // The PEP asks for whatever tells the entry; one without a name is somebody's invention,
        // and what stands here is for readers only.
        if let Some(name) = name {
            dependencies.push(DependencyRef {
                name,
                version: table.parsed("version", VERSION)?,
            });
        }
    }
    Ok(dependencies)
}

fn source(
    fields: &Fields<'_>,
    name: &PackageName,
    version: Option<&Version>,
) -> Result<Source, LockError> {
    let wheels = fields.tables("wheels")?.unwrap_or_default();
    let kinds = [
        ("vcs", fields.has("vcs")),
        ("directory", fields.has("directory")),
        ("archive", fields.has("archive")),
        ("sdist", fields.has("sdist")),
        ("wheels", !wheels.is_empty()),
    ];
    let mut given = kinds.into_iter().filter(|(_, given)| *given);
    let (first, second) = (given.next(), given.next());
    match (first, second) {
        (None, _) => return Err(fields.place().fault(Fault::NoSource)),
        (Some((one, _)), Some((other, _))) if (one, other) != ("sdist", "wheels") => {
            return Err(fields.place().fault(Fault::Sources { one, other }));
        }
        _ => {}
    }
    if let Some(table) = fields.table("vcs")? {
        return Ok(Source::Vcs(Vcs {
            kind: table.required_string("type")?.to_owned(),
            location: location(&table)?,
            requested_revision: table.string("requested-revision")?.map(str::to_owned),
            commit_id: commit_id(&table)?,
            subdirectory: subdirectory(&table)?,
        }));
    }
    if let Some(table) = fields.table("directory")? {
        let path = table.required_string("path")?;
        return Ok(Source::Directory(Directory {
            path: LockPath::new(path).map_err(|error| table.place_of("path").fault(error))?,
            editable: table.boolean("editable")?.unwrap_or(false),
            subdirectory: subdirectory(&table)?,
        }));
    }
    if let Some(table) = fields.table("archive")? {
        return Ok(Source::Archive(Archive {
            location: file_location(&table)?,
            size: table.count("size")?,
            upload_time: upload_time(&table)?,
            hashes: hashes(&table)?,
            subdirectory: subdirectory(&table)?,
        }));
    }
    let sdist = fields
        .table("sdist")?
        .map(|table| file(&table))
        .transpose()?;
    let wheels = wheels.into_iter().map(|table| wheel(&table, name, version));
    Ok(Source::Files {
        sdist,
        wheels: wheels.collect::<Result<_, _>>()?,
    })
}

fn commit_id(fields: &Fields<'_>) -> Result<String, LockError> {
    let commit = fields.required_string("commit-id")?;
    // It becomes an argument of the version control program: nothing that reads as an option.
    let plain = commit.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if commit.is_empty() || !plain {
        return Err(fields.place_of("commit-id").fault(Fault::Value {
            value: shown(commit),
            expected: "the full identifier of a commit",
        }));
    }
    Ok(commit.to_owned())
}

/// A wheel, whose name must be that of the package.
fn wheel(
    fields: &Fields<'_>,
    name: &PackageName,
    version: Option<&Version>,
) -> Result<File, LockError> {
    let file = file(fields)?;
    let fits = || {
        let parts: Vec<&str> = file.name.strip_suffix(".whl")?.split('-').collect();
        let (5 | 6) = parts.len() else { return None };
        let own_name: PackageName = parts[0].parse().ok()?;
        let own_version: Version = parts[1].parse().ok()?;
        let same_version = version.is_none_or(|version| *version == own_version);
        Some(own_name == *name && same_version)
    };
    if fits() == Some(true) {
        return Ok(file);
    }
    let version = version
        .map(|version| format!(" {version}"))
        .unwrap_or_default();
    Err(fields.place().fault(Fault::ForeignWheel {
        file: shown(&file.name),
        expected: format!("{name}{version}"),
    }))
}

fn file(fields: &Fields<'_>) -> Result<File, LockError> {
    let location = file_location(fields)?;
    Ok(File {
        name: file_name(fields, "name", &location)?,
        upload_time: upload_time(fields)?,
        location,
        size: fields.count("size")?,
        hashes: hashes(fields)?,
    })
}

/// The name of a file, which stands under `key` where its location does not say it.
pub(crate) fn file_name<'a>(
    fields: &Fields<'a>,
    key: &'a str,
    location: &Location,
) -> Result<String, LockError> {
    let name = match fields.string(key)? {
        Some(name) => name.to_owned(),
        None => location.file_name().ok_or_else(|| fields.missing(key))?,
    };
    let is_one_part = Path::new(&name)
        .file_name()
        .is_some_and(|part| part == name.as_str());
    if !is_one_part || name.contains(['\\', ':']) || name.chars().any(char::is_control) {
        return Err(fields.place_of(key).fault(Fault::Value {
            value: shown(&name),
            expected: "the name of a file",
        }));
    }
    Ok(name)
}

/// Where a file is: what cannot be fetched from is refused before anything is.
fn file_location(fields: &Fields<'_>) -> Result<Location, LockError> {
    let location = location(fields)?;
    match &location {
        Location::Url(url) if !matches!(url.scheme(), "https" | "http" | "file") => {
            Err(fields.place_of("url").fault(Fault::Value {
                value: format!("{}:", shown(url.scheme())),
                expected: "a URL that begins with `https:`, `http:` or `file:`",
            }))
        }
        _ => Ok(location),
    }
}

/// `path`, or else `url`: the order in which an installer tries them.
fn location(fields: &Fields<'_>) -> Result<Location, LockError> {
    let address = fields
        .string("url")?
        .map(|text| url(text, || fields.place_of("url")))
        .transpose()?;
    match (fields.string("path")?, address) {
        (Some(path), _) => match LockPath::new(path) {
            Ok(path) => Ok(Location::Path(path)),
            Err(error) => Err(fields.place_of("path").fault(error)),
        },
        (None, Some(url)) => Ok(Location::Url(url)),
        (None, None) => Err(fields.place().fault(Fault::NoLocation)),
    }
}

/// A URL, without the credentials that a foreign tool may have left in it.
fn url<'a>(text: &str, place: impl FnOnce() -> Place<'a>) -> Result<Url, LockError> {
    let mut url: Url = text.parse().map_err(|error: url::ParseError| {
        place().fault(Fault::Url {
            message: error.to_string(),
        })
    })?;
    strip_credentials(&mut url);
    Ok(url)
}

fn subdirectory(fields: &Fields<'_>) -> Result<Option<LockPath>, LockError> {
    let Some(text) = fields.string("subdirectory")? else {
        return Ok(None);
    };
    let path = LockPath::new(text).and_then(LockPath::inside);
    path.map(Some)
        .map_err(|error| fields.place_of("subdirectory").fault(error))
}

fn upload_time(fields: &Fields<'_>) -> Result<Option<UploadTime>, LockError> {
    let Some(time) = fields.datetime("upload-time")? else {
        return Ok(None);
    };
    let place = fields.place_of("upload-time");
    let time = time.to_string();
    time.parse().map(Some).map_err(|_| {
        place.fault(Fault::Value {
            value: time,
            expected: "a date with a time of day",
        })
    })
}

/// The digests of known strong algorithms; the others are not needed beside one of those.
fn hashes(fields: &Fields<'_>) -> Result<Vec<Digest>, LockError> {
    let table = fields
        .table("hashes")?
        .ok_or_else(|| fields.place_of("hashes").fault(Fault::NoHash))?;
    let keys = table.keys();
    if keys.is_empty() {
        return Err(table.place().fault(Fault::NoHash));
    }
    let mut digests = Vec::new();
    for key in &keys {
        let value = table.required_string(key)?;
        if let Ok(algorithm) = key.parse::<Algorithm>() {
            let digest = Digest::from_hex(algorithm, value);
            digests.push(digest.map_err(|error| table.place_of(key).fault(error))?);
        }
    }
    if digests.is_empty() {
        return Err(table.place().fault(Fault::WeakHash {
            algorithms: keys.into_iter().map(shown).collect(),
        }));
    }
    digests.sort();
    digests.dedup();
    Ok(digests)
}

fn warn_of_others(fields: &Fields<'_>, known: &[&str], warnings: &mut Vec<LockWarning>) {
    let room = MAX_WARNINGS.saturating_sub(warnings.len());
    warnings.extend(fields.others(known).into_iter().take(room).map(|place| {
        LockWarning::UnknownKey {
            line: place.line(),
            field: shown(&place.path()),
        }
    }));
}

#[cfg(test)]
mod tests;
