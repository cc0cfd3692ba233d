//! `uv.lock`, version 1.
//!
//! One graph for all environments: every dependency has a marker, and names version and source where
//! several entries share a name. The project's own entries (workspace members) say what is asked for.

use std::collections::BTreeMap;

use pep440_rs::Version;
use pep508_rs::{ExtraName, MarkerTree, PackageName};

use super::graph::{Asked, Edge, Graph, Node, Set, SetKind, Wanted};
use super::source::{address, git, hash_of, inner_path, marker, named, path, version};
use crate::document::document;
use crate::fields::Fields;
use crate::read::file_name;
use crate::{Archive, Directory, Fault, File, Location, LockError, LockPath, Source, parse_marker};

/// What a project's entry is called in messages about its sets.
const SETS: [&str; 2] = ["dev-dependencies", "dependency-groups"];

/// Reads the text of a `uv.lock`.
pub(super) fn read(text: &str) -> Result<Graph, LockError> {
    document(text, graph)
}

fn graph(fields: &Fields<'_>) -> Result<Graph, LockError> {
    check_version(fields)?;
    let mut nodes = Vec::new();
    let mut projects = Vec::new();
    // Until uv 0.3 the key was `distribution`, in the same version of the format.
    let key = if fields.has("distribution") {
        "distribution"
    } else {
        "package"
    };
    for table in fields.tables(key)?.unwrap_or_default() {
        let (name, fields) = named(table)?;
        let origin = origin(&fields)?;
        let mut node = Node::new(name, version(&fields)?);
        node.edges = edges(&fields, "dependencies")?;
        node.extras = sets(&fields, "optional-dependencies")?;
        if let Origin::Folder { path, .. } = &origin {
            projects.push((path.as_str() == ".", project(&fields, &node)?));
        }
        take_files(&mut node, &fields, origin)?;
        nodes.push(node);
    }
    // The project in the lock's own folder; a workspace without one stands for all its members.
    let members = members(fields)?;
    let root = projects.iter().any(|(is_root, _)| *is_root);
    let asked = projects
        .into_iter()
        .filter(|(is_root, (name, _))| match root {
            true => *is_root,
            false => members.is_empty() || members.contains(name),
        })
        .flat_map(|(_, (_, sets))| sets)
        .collect();
    Ok(Graph {
        requires_python: fields.parsed("requires-python", "versions such as `>=3.10`")?,
        environments: environments(fields)?,
        nodes,
        asked: Some(Asked::Edges(asked)),
    })
}

fn check_version(fields: &Fields<'_>) -> Result<(), LockError> {
    match fields.count("version")? {
        Some(1) => Ok(()),
        Some(other) => Err(fields.place_of("version").fault(Fault::FormatVersion {
            found: other.to_string(),
            known: "`1`",
        })),
        None => Err(fields.missing("version")),
    }
}

/// `supported-markers`: where alone the project is to be installed (`[tool.uv] environments`).
fn environments(fields: &Fields<'_>) -> Result<Vec<MarkerTree>, LockError> {
    let markers = fields.strings("supported-markers")?.unwrap_or_default();
    let markers = markers.into_iter();
    markers
        .map(|(text, place)| parse_marker(text).map_err(|error| place.fault(error)))
        .collect()
}

/// The workspace's packages.
fn members(fields: &Fields<'_>) -> Result<Vec<PackageName>, LockError> {
    let Some(manifest) = fields.table("manifest")? else {
        return Ok(Vec::new());
    };
    let members = manifest.strings("members")?.unwrap_or_default();
    let members = members.into_iter();
    members
        .map(|(text, place)| super::source::parsed(text, &place, "the name of a package"))
        .collect()
}

/// Where an entry comes from.
enum Origin {
    Index(String),
    /// An index that is a folder.
    Shelf(LockPath),
    Git(String),
    Url {
        url: String,
        subdirectory: Option<String>,
    },
    File(LockPath),
    Folder {
        path: LockPath,
        is_editable: bool,
    },
}

fn origin(fields: &Fields<'_>) -> Result<Origin, LockError> {
    let source = fields.table("source")?;
    let source = source.ok_or_else(|| fields.missing("source"))?;
    if let Some(index) = source.string("registry")? {
        // A scheme has two letters at least: `C:` is a drive.
        let is_url = index.split_once("://").is_some_and(|(it, _)| it.len() > 1);
        return match is_url {
            true => Ok(Origin::Index(index.to_owned())),
            false => Ok(Origin::Shelf(path(index, &source.place_of("registry"))?)),
        };
    }
    if let Some(url) = source.string("git")? {
        return Ok(Origin::Git(url.to_owned()));
    }
    if let Some(url) = source.string("url")? {
        return Ok(Origin::Url {
            url: url.to_owned(),
            subdirectory: source.string("subdirectory")?.map(str::to_owned),
        });
    }
    if let Some(file) = source.string("path")? {
        return Ok(Origin::File(path(file, &source.place_of("path"))?));
    }
    for (key, is_editable) in [("editable", true), ("directory", false), ("virtual", false)] {
        if let Some(folder) = source.string(key)? {
            return Ok(Origin::Folder {
                path: path(folder, &source.place_of(key))?,
                is_editable,
            });
        }
    }
    Err(source.place().fault(Fault::NoSource))
}

/// A project of the workspace and its dependency sets.
fn project(fields: &Fields<'_>, node: &Node) -> Result<(PackageName, Vec<Set>), LockError> {
    let name = &node.package.name;
    let tag = |kind: &str, rest: &str| {
        let length = name.as_ref().len();
        format!("{kind}-{length}-{name}{rest}").parse().ok()
    };
    let mut all = vec![Set {
        kind: SetKind::Production,
        tag: tag("project", ""),
        edges: node.edges.clone(),
    }];
    for (extra, edges) in &node.extras {
        all.push(Set {
            tag: tag("extra", &format!("-{extra}")),
            kind: SetKind::Extra(extra.clone()),
            edges: edges.clone(),
        });
    }
    for key in SETS {
        for (group, edges) in sets(fields, key)? {
            all.push(Set {
                tag: tag("group", &format!("-{group}")),
                kind: SetKind::Group(group),
                edges,
            });
        }
    }
    Ok((name.clone(), all))
}

fn sets(
    fields: &Fields<'_>,
    key: &'static str,
) -> Result<BTreeMap<ExtraName, Vec<Edge>>, LockError> {
    let Some(table) = fields.table(key)? else {
        return Ok(BTreeMap::new());
    };
    let keys = table.keys().into_iter();
    keys.map(|key| {
        let name = super::source::parsed(key, &table.place_of(key), "the name of a set")?;
        Ok((name, edges(&table, key)?))
    })
    .collect()
}

fn edges<'a>(fields: &Fields<'a>, key: &'a str) -> Result<Vec<Edge>, LockError> {
    let tables = fields.tables(key)?.unwrap_or_default().into_iter();
    tables.map(edge).collect()
}

fn edge(table: Fields<'_>) -> Result<Edge, LockError> {
    let (name, fields) = named(table)?;
    let version: Option<Version> = version(&fields)?;
    let extras = fields.strings("extra")?.unwrap_or_default().into_iter();
    Ok(Edge {
        name,
        wanted: version.map_or(Wanted::Any, Wanted::Exactly),
        marker: marker(&fields, "marker")?,
        extras: extras
            .map(|(text, place)| super::source::parsed(text, &place, "the name of an extra"))
            .collect::<Result<_, _>>()?,
    })
}

/// Fills in where an entry's files are.
fn take_files(node: &mut Node, fields: &Fields<'_>, origin: Origin) -> Result<(), LockError> {
    let place = fields.place_of("source");
    node.package.source = match origin {
        Origin::Index(index) => {
            node.package.index = Some(address(&index, &place)?);
            files(fields, None)?
        }
        Origin::Shelf(folder) => files(fields, Some(&folder))?,
        Origin::Git(url) => repository(&url, fields)?,
        Origin::Url { url, subdirectory } => {
            let location = Location::url(address(&url, &place)?);
            archive(fields, location, subdirectory.as_deref())?
        }
        Origin::File(file) => archive(fields, Location::Path(file), None)?,
        Origin::Folder { path, is_editable } => Source::Directory(Directory {
            path,
            editable: is_editable,
            subdirectory: None,
        }),
    };
    Ok(())
}

/// `https://host/repository?rev=main&subdirectory=x#<commit>`.
fn repository(text: &str, fields: &Fields<'_>) -> Result<Source, LockError> {
    let place = fields.place_of("source");
    let mut url = address(text, &place)?;
    let commit = url.fragment().unwrap_or_default().to_owned();
    let (mut requested, mut subdirectory) = (None, None);
    for (key, value) in url.query_pairs() {
        match &*key {
            "rev" | "tag" | "branch" => requested = Some(value.into_owned()),
            "subdirectory" => subdirectory = Some(value.into_owned()),
            _ => {}
        }
    }
    url.set_fragment(None);
    url.set_query(None);
    git(
        url.as_str(),
        &commit,
        requested.as_deref(),
        subdirectory.as_deref(),
        &place,
    )
}

/// The one file of an entry that was named by URL or path: its digest stands with the file.
fn archive(
    fields: &Fields<'_>,
    location: Location,
    subdirectory: Option<&str>,
) -> Result<Source, LockError> {
    let sdist = fields.table("sdist")?;
    let wheels = fields.tables("wheels")?.unwrap_or_default();
    let file = sdist.into_iter().chain(wheels).next();
    let file = file.ok_or_else(|| fields.place().fault(Fault::NoSource))?;
    Ok(Source::Archive(Archive {
        location,
        size: file.count("size")?,
        upload_time: None,
        hashes: vec![hash_of(&file)?],
        subdirectory: inner_path(subdirectory, fields.place())?,
    }))
}

/// The files of a release; paths are relative to `shelf`, where the index is a folder.
fn files(fields: &Fields<'_>, shelf: Option<&LockPath>) -> Result<Source, LockError> {
    let sdist = fields.table("sdist")?;
    let sdist = sdist.map(|table| file(&table, shelf)).transpose()?;
    let wheels = fields.tables("wheels")?.unwrap_or_default();
    let wheels = wheels.iter().map(|table| file(table, shelf));
    Ok(Source::Files {
        sdist,
        wheels: wheels.collect::<Result<_, _>>()?,
    })
}

fn file(fields: &Fields<'_>, shelf: Option<&LockPath>) -> Result<File, LockError> {
    let location = match (fields.string("url")?, fields.string("path")?, shelf) {
        (Some(url), _, _) => Location::url(address(url, &fields.place_of("url"))?),
        (None, Some(text), Some(shelf)) => {
            Location::Path(path(&format!("{shelf}/{text}"), &fields.place_of("path"))?)
        }
        (None, Some(text), None) => Location::Path(path(text, &fields.place_of("path"))?),
        (None, None, _) => return Err(fields.place().fault(Fault::NoLocation)),
    };
    Ok(File {
        name: file_name(fields, "filename", &location)?,
        upload_time: None,
        location,
        size: fields.count("size")?,
        hashes: vec![hash_of(fields)?],
    })
}
