//! `pdm.lock`, versions 4.0 to 4.5.
//!
//! With the strategy `inherit_metadata` (the default since 4.4.2) each package tells its groups and its
//! marker; without it the lock is a graph whose beginning only `pyproject.toml` knows. A package with
//! extras has an entry of its own for them.

use std::collections::BTreeMap;

use pep440_rs::Version;
use pep508_rs::{ExtraName, MarkerTree, PackageName, VersionOrUrl};

use super::Listed;
use super::graph::{Asked, Edge, Graph, Node, SetKind, Wanted};
use super::source::{
    address, git, hash_of, inner_path, marker, marker_of, named, parsed, path, python_marker,
    value, version,
};
use crate::document::document;
use crate::fields::{Fields, Place};
use crate::read::file_name;
use crate::{
    Archive, Directory, Fault, File, GroupName, Location, LockError, Source, ill_named,
    parse_marker,
};

/// The group of what is always installed.
const DEFAULT: &str = "default";

/// Reads the text of a `pdm.lock`.
pub(super) fn read(text: &str) -> Result<Graph, LockError> {
    document(text, graph)
}

fn graph(fields: &Fields<'_>) -> Result<Graph, LockError> {
    let metadata = fields.table("metadata")?;
    let metadata = metadata.ok_or_else(|| fields.missing("metadata"))?;
    check_version(&metadata)?;
    let mut nodes: BTreeMap<(PackageName, Option<Version>), Node> = BTreeMap::new();
    let mut tells_groups = true;
    for table in fields.tables("package")?.unwrap_or_default() {
        let (name, fields) = named(table)?;
        let version = version(&fields)?;
        let key = (name.clone(), version.clone());
        tells_groups &= fields.has("groups");
        let edges = edges(&fields)?;
        let member_of = member_of(&fields)?;
        let extras = names::<ExtraName>(&fields, "extras", "the name of an extra")?;
        let node = nodes.entry(key).or_insert_with(|| Node::new(name, version));
        node.member_of.extend(member_of);
        if extras.is_empty() {
            node.edges.extend(edges);
        } else {
            for extra in extras {
                node.extras.entry(extra).or_default().extend(edges.clone());
            }
        }
        if let Some(specifiers) = fields.parsed("requires_python", "versions such as `>=3.10`")? {
            node.package.marker = python_marker(&specifiers);
        }
        take_files(node, &fields)?;
    }
    let groups = names::<GroupName>(&metadata, "groups", "the name of a group")?;
    Ok(Graph {
        requires_python: None,
        environments: targets(&metadata)?,
        nodes: nodes.into_values().collect(),
        asked: tells_groups.then_some(Asked::Members {
            extras: groups.clone(),
            groups,
        }),
    })
}

/// `targets`, since version 4.5: the Pythons and platforms that were locked for.
fn targets(metadata: &Fields<'_>) -> Result<Vec<MarkerTree>, LockError> {
    let mut all = Vec::new();
    for target in metadata.tables("targets")?.unwrap_or_default() {
        let specifiers = target.parsed("requires_python", "versions such as `>=3.10`")?;
        let mut marker = specifiers.map_or(MarkerTree::TRUE, |it| python_marker(&it));
        if let Some(platform) = target.string("platform")? {
            marker.and(platform_marker(platform));
        }
        all.push(marker);
    }
    Ok(all)
}

/// A platform as PDM names it (`linux`, `manylinux_2_17_x86_64`, `macos_arm64`, `windows`): what a
/// marker can tell of it. Wheels tell the rest.
fn platform_marker(platform: &str) -> MarkerTree {
    let (system, machine) = platform.split_once('_').unwrap_or((platform, ""));
    let system = match system {
        "windows" => "sys_platform == 'win32'",
        "macos" => "sys_platform == 'darwin'",
        _ => "sys_platform == 'linux'",
    };
    let machines = [
        ("x86_64", "platform_machine == 'x86_64'"),
        ("amd64", "platform_machine == 'x86_64'"),
        ("aarch64", "platform_machine == 'aarch64'"),
        ("arm64", "platform_machine == 'aarch64'"),
    ];
    let machine = machines.iter().find(|(name, _)| machine.ends_with(name));
    let texts = [Some(system), machine.map(|(_, text)| *text)];
    let mut marker = MarkerTree::TRUE;
    for text in texts.into_iter().flatten() {
        marker.and(parse_marker(text).expect("the markers above are markers"));
    }
    marker
}

fn check_version(metadata: &Fields<'_>) -> Result<(), LockError> {
    let text = metadata.required_string("lock_version")?;
    if text == "4" || text.starts_with("4.") {
        return Ok(());
    }
    Err(metadata
        .place_of("lock_version")
        .fault(Fault::FormatVersion {
            found: crate::error::shown(text),
            known: "`4.0` to `4.5`",
        }))
}

fn names<T: std::str::FromStr>(
    fields: &Fields<'_>,
    key: &'static str,
    expected: &'static str,
) -> Result<Vec<T>, LockError> {
    let strings = fields.strings(key)?.unwrap_or_default().into_iter();
    strings
        // A group's name may begin with `:` in no version; what stands for all groups is not kept.
        .map(|(text, place)| parsed(text, &place, expected))
        .collect()
}

/// The groups of a package. PDM has one namespace for extras and groups, so each is both.
fn member_of(fields: &Fields<'_>) -> Result<Vec<(SetKind, MarkerTree)>, LockError> {
    let when = marker(fields, "marker")?;
    let mut member_of = Vec::new();
    for (group, place) in fields.strings("groups")?.unwrap_or_default() {
        if group == DEFAULT {
            member_of.push((SetKind::Production, when.clone()));
            continue;
        }
        let name: GroupName = parsed(group, &place, "the name of a group")?;
        member_of.push((SetKind::Extra(name.clone()), when.clone()));
        member_of.push((SetKind::Group(name), when.clone()));
    }
    Ok(member_of)
}

fn edges(fields: &Fields<'_>) -> Result<Vec<Edge>, LockError> {
    let strings = fields.strings("dependencies")?.unwrap_or_default();
    let edges = strings.into_iter().map(|(text, place)| edge(text, &place));
    edges.collect()
}

/// A dependency as PEP 508 has it.
fn edge(text: &str, place: &Place<'_>) -> Result<Edge, LockError> {
    let (what, when) = marker_of(text);
    let expected = "a requirement such as `urllib3>=2`";
    if ill_named(what).is_some() {
        return Err(value(place, what, expected));
    }
    let requirement: pep508_rs::Requirement<url::Url> = parsed(what, place, expected)?;
    Ok(Edge {
        name: requirement.name,
        wanted: match requirement.version_or_url {
            Some(VersionOrUrl::VersionSpecifier(specifiers)) => Wanted::Within(vec![specifiers]),
            Some(VersionOrUrl::Url(_)) | None => Wanted::Any,
        },
        marker: match when {
            Some(text) => crate::parse_marker(text).map_err(|error| place.fault(error))?,
            None => MarkerTree::TRUE,
        },
        extras: requirement.extras,
    })
}

/// Fills in where an entry's files are, or which there are. An entry that only adds extras repeats
/// its package's.
fn take_files(node: &mut Node, fields: &Fields<'_>) -> Result<(), LockError> {
    let inner = fields.string("subdirectory")?;
    if let Some(url) = fields.string("git")? {
        let commit = fields.required_string("revision")?;
        let place = fields.place_of("git");
        node.package.source = git(url, commit, fields.string("ref")?, inner, &place)?;
        return Ok(());
    }
    let files = fields.tables("files")?.unwrap_or_default();
    let named_itself = match (fields.string("url")?, fields.string("path")?) {
        (Some(url), _) => Some(Location::url(address(url, &fields.place_of("url"))?)),
        (None, Some(text)) => Some(Location::Path(path(text, &fields.place_of("path"))?)),
        (None, None) => None,
    };
    match (named_itself, files.first()) {
        (Some(location), Some(file)) => {
            node.package.source = Source::Archive(Archive {
                location,
                size: None,
                upload_time: None,
                hashes: vec![hash_of(file)?],
                subdirectory: inner_path(inner, fields.place())?,
            });
        }
        (Some(Location::Path(path)), None) => {
            node.package.source = Source::Directory(Directory {
                path,
                editable: fields.boolean("editable")?.unwrap_or(false),
                subdirectory: inner_path(inner, fields.place())?,
            });
        }
        (Some(Location::Url(_)), None) => {
            return Err(fields.place_of("files").fault(Fault::NoHash));
        }
        (None, None) if node.listed.is_empty() && node.package.wheels().is_empty() => {
            return Err(fields.place_of("files").fault(Fault::NoHash));
        }
        (None, None) => {}
        (None, Some(first)) if first.has("url") => {
            let (mut sdist, mut wheels) = (None, Vec::new());
            for file in &files {
                let location = file.required_string("url")?;
                let location = Location::url(address(location, &file.place_of("url"))?);
                let file = File {
                    name: file_name(file, "file", &location)?,
                    upload_time: None,
                    location,
                    size: None,
                    hashes: vec![hash_of(file)?],
                };
                match file.name.ends_with(".whl") {
                    true => wheels.push(file),
                    false => sdist = Some(file),
                }
            }
            node.package.source = Source::Files { sdist, wheels };
        }
        (None, Some(_)) => {
            node.listed = files
                .iter()
                .map(|file| {
                    Ok(Listed {
                        name: Some(file.required_string("file")?.to_owned()),
                        digest: hash_of(file)?,
                    })
                })
                .collect::<Result<_, LockError>>()?;
        }
    }
    Ok(())
}
