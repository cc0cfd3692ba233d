//! `poetry.lock`, versions 1.0 to 2.1, and the one before them, which has no number.
//!
//! Version 2.1 (Poetry 2) tells each package's groups and markers, so it can be used alone. Older ones
//! are a graph whose beginning only `pyproject.toml` knows. No version says where a file is.

use layerpress_tree::Digest;
use pep508_rs::{ExtraName, MarkerTree, PackageName};

use super::Listed;
use super::graph::{Asked, Edge, Graph, Node, SetKind, Wanted};
use super::source::{
    address, constraint, digest, git, hash_of, inner_path, marker, named, parsed, path, version,
};
use crate::document::document;
use crate::fields::Fields;
use crate::{Archive, Directory, Fault, GroupName, Location, LockError, Source};

/// The group of what is always installed.
const MAIN: &str = "main";

/// Reads the text of a `poetry.lock`.
pub(super) fn read(text: &str) -> Result<Graph, LockError> {
    document(text, graph)
}

fn graph(fields: &Fields<'_>) -> Result<Graph, LockError> {
    let metadata = fields.table("metadata")?;
    let metadata = metadata.ok_or_else(|| fields.missing("metadata"))?;
    let tells_groups = lock_version(&metadata)? >= (2, 1);
    let mut nodes = Vec::new();
    let mut groups: Vec<GroupName> = Vec::new();
    for table in fields.tables("package")?.unwrap_or_default() {
        let (name, fields) = named(table)?;
        let mut node = Node::new(name, version(&fields)?);
        node.package.marker = python(&fields)?;
        node.edges = edges(&fields)?;
        take_files(&mut node, &fields, &metadata)?;
        if tells_groups {
            node.member_of = member_of(&fields)?;
            groups.extend(node.member_of.iter().filter_map(|(kind, _)| match kind {
                SetKind::Group(name) => Some(name.clone()),
                _ => None,
            }));
        }
        nodes.push(node);
    }
    groups.sort();
    groups.dedup();
    let extras = match fields.table("extras")? {
        Some(extras) => names(&extras)?,
        None => Vec::new(),
    };
    Ok(Graph {
        requires_python: None,
        // The manifest's, alternatives and all.
        environments: vec![python(&metadata)?],
        nodes,
        asked: tells_groups.then_some(Asked::Members { extras, groups }),
    })
}

/// `lock-version`; the first ones had none.
fn lock_version(metadata: &Fields<'_>) -> Result<(u32, u32), LockError> {
    let Some(text) = metadata.string("lock-version")? else {
        return Ok((1, 0));
    };
    let numbers = text.split_once('.').unwrap_or((text, "0"));
    match (numbers.0.parse(), numbers.1.parse()) {
        (Ok(major @ (1 | 2)), Ok(minor)) => Ok((major, minor)),
        _ => Err(metadata
            .place_of("lock-version")
            .fault(Fault::FormatVersion {
                found: crate::error::shown(text),
                known: "`1.0` to `2.1`",
            })),
    }
}

fn names(table: &Fields<'_>) -> Result<Vec<ExtraName>, LockError> {
    let keys = table.keys().into_iter();
    keys.map(|key| parsed(key, &table.place_of(key), "the name of an extra"))
        .collect()
}

/// `python-versions` as a marker: of two entries of one name it tells which one is meant.
fn python(fields: &Fields<'_>) -> Result<MarkerTree, LockError> {
    let Some(text) = fields.string("python-versions")? else {
        return Ok(MarkerTree::TRUE);
    };
    let alternatives = constraint(text, &fields.place_of("python-versions"))?;
    let mut any = MarkerTree::FALSE;
    for specifiers in alternatives {
        any.or(super::source::python_marker(&specifiers));
    }
    Ok(any)
}

/// The groups that a package belongs to, each with its marker.
fn member_of(fields: &Fields<'_>) -> Result<Vec<(SetKind, MarkerTree)>, LockError> {
    let groups = fields.strings("groups")?;
    let groups = groups.ok_or_else(|| fields.missing("groups"))?;
    let by_group = match fields.string("markers") {
        Ok(_) => None,
        Err(_) => fields.table("markers")?,
    };
    groups
        .into_iter()
        .map(|(group, place)| {
            let kind = match group {
                MAIN => SetKind::Production,
                _ => SetKind::Group(parsed(group, &place, "the name of a group")?),
            };
            let marker = match &by_group {
                None => marker(fields, "markers")?,
                Some(table) => marker(table, group)?,
            };
            Ok((kind, marker))
        })
        .collect()
}

fn edges(fields: &Fields<'_>) -> Result<Vec<Edge>, LockError> {
    let Some(table) = fields.table("dependencies")? else {
        return Ok(Vec::new());
    };
    let mut edges = Vec::new();
    for key in table.keys() {
        let name: PackageName = parsed(key, &table.place_of(key), "the name of a package")?;
        if let Ok(Some(text)) = table.string(key) {
            let admitted = constraint(text, &table.place_of(key))?;
            edges.push(Edge {
                name,
                wanted: Wanted::Within(admitted),
                marker: MarkerTree::TRUE,
                extras: Vec::new(),
            });
        } else if let Ok(Some(one)) = table.table(key) {
            edges.push(edge(name, &one)?);
        } else {
            // One of several, by marker.
            for one in table.tables(key)?.unwrap_or_default() {
                edges.push(edge(name.clone(), &one)?);
            }
        }
    }
    Ok(edges)
}

fn edge(name: PackageName, fields: &Fields<'_>) -> Result<Edge, LockError> {
    let wanted = match fields.string("version")? {
        Some(text) => Wanted::Within(constraint(text, &fields.place_of("version"))?),
        // By URL, path or repository.
        None => Wanted::Any,
    };
    let mut when = marker(fields, "markers")?;
    if let Some(text) = fields.string("python")? {
        let mut any = MarkerTree::FALSE;
        for specifiers in constraint(text, &fields.place_of("python"))? {
            any.or(super::source::python_marker(&specifiers));
        }
        when.and(any);
    }
    let extras = fields.strings("extras")?.unwrap_or_default().into_iter();
    Ok(Edge {
        name,
        wanted,
        marker: when,
        extras: extras
            .map(|(text, place)| parsed(text, &place, "the name of an extra"))
            .collect::<Result<_, _>>()?,
    })
}

/// Fills in where an entry's files are, or which there are.
fn take_files(
    node: &mut Node,
    fields: &Fields<'_>,
    metadata: &Fields<'_>,
) -> Result<(), LockError> {
    let Some(source) = fields.table("source")? else {
        node.listed = files(fields, metadata, &node.package.name)?;
        return Ok(());
    };
    let url = source.required_string("url")?;
    let place = source.place_of("url");
    let inner = source.string("subdirectory")?;
    match source.required_string("type")? {
        "git" => {
            let commit = source.required_string("resolved_reference")?;
            let requested = source.string("reference")?;
            node.package.source = git(url, commit, requested, inner, &place)?;
        }
        "directory" => {
            node.package.source = Source::Directory(Directory {
                path: path(url, &place)?,
                editable: fields.boolean("develop")?.unwrap_or(false),
                subdirectory: None,
            });
        }
        kind @ ("file" | "url") => {
            let location = match kind {
                "file" => Location::Path(path(url, &place)?),
                _ => Location::url(address(url, &place)?),
            };
            let file = files(fields, metadata, &node.package.name)?;
            let hashes: Vec<Digest> = file.into_iter().map(|file| file.digest).collect();
            if hashes.is_empty() {
                return Err(fields.place_of("files").fault(Fault::NoHash));
            }
            node.package.source = Source::Archive(Archive {
                location,
                size: None,
                upload_time: None,
                hashes: hashes.into_iter().take(1).collect(),
                subdirectory: inner_path(inner, &place)?,
            });
        }
        // `legacy`: an index.
        _ => {
            node.package.index = Some(address(url, &place)?);
            node.listed = files(fields, metadata, &node.package.name)?;
            if node.listed.is_empty() {
                return Err(fields.place_of("files").fault(Fault::NoHash));
            }
        }
    }
    Ok(())
}

/// `files` of the package; before version 2.0 they stand in `metadata`, and before 1.0 there are only
/// their digests there.
fn files(
    fields: &Fields<'_>,
    metadata: &Fields<'_>,
    name: &PackageName,
) -> Result<Vec<Listed>, LockError> {
    if let (Some(hashes), None) = (metadata.table("hashes")?, metadata.table("files")?) {
        let key = key_of(&hashes, name).ok_or_else(|| fields.missing("hashes"))?;
        return bare_hashes(&hashes, key);
    }
    let tables = match fields.tables("files")? {
        Some(tables) => tables,
        None => {
            let all = metadata.table("files")?;
            let all = all.ok_or_else(|| fields.missing("files"))?;
            match key_of(&all, name) {
                Some(key) => all.tables(key)?.unwrap_or_default(),
                None => return Err(fields.missing("files")),
            }
        }
    };
    let listed = tables.iter().map(|file| {
        Ok(Listed {
            name: Some(file.required_string("file")?.to_owned()),
            digest: hash_of(file)?,
        })
    });
    let listed: Vec<Listed> = listed.collect::<Result<_, LockError>>()?;
    match listed.is_empty() {
        true if fields.table("source")?.is_none() => {
            Err(fields.place_of("files").fault(Fault::NoHash))
        }
        _ => Ok(listed),
    }
}

/// The key of a package in a table of `metadata`, however its name is written.
fn key_of<'a>(all: &Fields<'a>, name: &PackageName) -> Option<&'a str> {
    let mut keys = all.keys().into_iter();
    keys.find(|key| key.parse::<PackageName>().is_ok_and(|it| it == *name))
}

/// The digests of a package, without algorithm or file name: what Poetry wrote before 1.0, always
/// SHA-256.
fn bare_hashes<'a>(hashes: &Fields<'a>, key: &'a str) -> Result<Vec<Listed>, LockError> {
    let listed = hashes.strings(key)?.unwrap_or_default().into_iter();
    let listed = listed.map(|(hash, place)| {
        Ok(Listed {
            name: None,
            digest: digest(&format!("sha256:{hash}"), &place)?,
        })
    });
    let listed: Vec<Listed> = listed.collect::<Result<_, LockError>>()?;
    match listed.is_empty() {
        true => Err(hashes.place_of(key).fault(Fault::NoHash)),
        false => Ok(listed),
    }
}
