//! Yarn's lockfile of version 1 (yarn's `src/lockfile`).
//!
//! Every entry is found by name and range. It does not say for which platforms a package is, so
//! what is optional has to be asked for; workspaces and linked folders are not in it at all.

use std::collections::HashSet;
use std::sync::Arc;

use super::common::{commit_of, folder, git_address, integrity, package_name};
use super::error::ForeignLockError;
use super::graph::{Edge, Graph, Importer, Kind, Package, To};
use super::value::{Document, Value};
use super::wishes::{Beside, Wishes};
use super::yarn::{Asked, importer, wishes_of_project};
use crate::manifest::Manifest;
use crate::semver::{Range, Reading, Version};

/// The domain under which Yarn has a name of its own for npm's registry: every registry serves the same
/// paths.
const YARNS_DOMAIN: &str = "yarnpkg";

/// Reads a document.
pub(super) fn read(document: &Document, beside: &Beside<'_>) -> Result<Graph, ForeignLockError> {
    let project = wishes_of_project(beside, &document.file)?;
    let mut members: Vec<(Arc<str>, Wishes)> = Vec::new();
    for (_, folder) in (beside.workspaces)(&project.workspaces)? {
        if let Some(wishes) = beside.wishes(&folder)? {
            members.push((folder, wishes));
        }
    }
    let mut graph = Graph::default();
    let mut asked = Asked::default();
    let entries = document.map(&document.root)?;
    for (index, (keys, entry)) in entries.iter().enumerate() {
        asked.add(keys, &To::Package(index));
        graph.packages.push(package(document, keys, entry)?);
    }
    let found = |name: &str, spec: &str| -> Option<To> {
        let known = asked.get(&format!("{name}@{spec}")).or_else(|| {
            // What is asked for by nothing has a key without a range.
            spec.is_empty().then(|| asked.get(name)).flatten()
        });
        known.cloned().or_else(|| {
            let member = members
                .iter()
                .find(|(_, of)| of.name.as_deref() == Some(name))?;
            is_met(spec, &member.1).then(|| To::Folder(member.0.clone()))
        })
    };
    for (index, (_, entry)) in entries.iter().enumerate() {
        let lists = [
            ("dependencies", Kind::Needed),
            ("optionalDependencies", Kind::Optional),
        ];
        for (list, kind) in lists {
            for (name, value) in document.entries(entry, list)? {
                let (name, spec) = (package_name(document, value, name)?, document.text(value)?);
                let to = found(name, spec);
                if to.is_none() && kind == Kind::Needed {
                    let message = format!("leads to `{name}@{spec}`, which the file does not have");
                    return Err(document.fault(value, message));
                }
                graph.packages[index]
                    .edges
                    .retain(|edge| *edge.name != *name);
                graph.packages[index].edges.push(Edge {
                    name: name.into(),
                    spec: spec.into(),
                    kind,
                    to,
                });
            }
        }
    }
    let project = [(Arc::from(""), project)];
    for (place, wishes) in project.iter().chain(&members) {
        let mut linked = Vec::new();
        let member = importer(place.clone(), wishes, &document.file, |wish| {
            found(&wish.name, &wish.spec).or_else(|| link(place, wish))
        })?;
        for edge in &member.edges {
            if let Some(To::Folder(folder)) = &edge.to
                && members.iter().all(|(member, _)| member != folder)
            {
                linked.push(linked_folder(&edge.name, folder));
            }
        }
        graph.packages.extend(linked);
        graph.importers.push(member);
    }
    let optional = only_optional(&graph);
    for index in optional {
        graph.packages[index].lacks_manifest = graph.packages[index].folder.is_none();
    }
    Ok(graph)
}

/// Whether a workspace is what a range asks for.
fn is_met(spec: &str, member: &Wishes) -> bool {
    let version = member.version.as_deref().and_then(Version::loose);
    let range = Range::parse(spec, Reading::LOOSE);
    match (version, range) {
        (Some(version), Ok(range)) => range.admits(&version),
        (None, Ok(_)) => spec == "*" || spec.is_empty(),
        _ => false,
    }
}

/// `link:./x`, of which the lockfile says nothing.
fn link(above: &str, wish: &Edge) -> Option<To> {
    let path = wish.spec.strip_prefix("link:")?;
    folder(above, path).ok().map(To::Folder)
}

fn linked_folder(name: &Arc<str>, folder: &Arc<str>) -> Package {
    Package {
        manifest: Manifest {
            name: Some(name.clone()),
            ..Manifest::default()
        },
        folder: Some(folder.clone()),
        ..Package::default()
    }
}

fn package(document: &Document, keys: &str, entry: &Value) -> Result<Package, ForeignLockError> {
    let key = keys.split(',').next().unwrap_or_default().trim();
    let at = key
        .get(1..)
        .and_then(|rest| rest.find('@'))
        .map(|at| at + 1);
    let (name, spec) = at.map_or((key, ""), |at| (&key[..at], &key[at + 1..]));
    // The real name of what has another here.
    let name = match spec.strip_prefix("npm:") {
        Some(real) => {
            let at = real.get(1..).and_then(|rest| rest.find('@'));
            at.map_or(real, |at| &real[..=at])
        }
        None => name,
    };
    let name = package_name(document, entry, name)?;
    let Some(version) = document.text_of(entry, "version")? else {
        return Err(document.fault(entry, "has no `version`"));
    };
    let mut package = Package {
        manifest: Manifest {
            name: Some(name.into()),
            version: Some(version.into()),
            ..Manifest::default()
        },
        integrity: integrity(document, entry, "integrity")?,
        ..Package::default()
    };
    let Some(value) = entry.get("resolved") else {
        if let Some(path) = spec.strip_prefix("file:") {
            let path = folder("", path).map_err(|message| document.fault(entry, message))?;
            package.folder = Some(path);
        }
        return Ok(package);
    };
    let resolved = document.text(value)?;
    let (address, fragment) = resolved.split_once('#').unwrap_or((resolved, ""));
    let is_git = address.starts_with("git") || address.ends_with(".git");
    package.manifest.tarball = if let (true, false) = (is_git, fragment.is_empty()) {
        Some(git_address(address, fragment).into())
    } else if let Some(path) = address.strip_prefix("file:") {
        let path = folder("", path).map_err(|message| document.fault(value, message))?;
        Some(format!("file:{path}").into())
    } else if let Some(commit) = commit_of(address).filter(|_| !package.integrity.is_strong()) {
        Some(commit.into())
    } else {
        let url = url::Url::parse(address).ok();
        let host = url.as_ref().and_then(|url| url.host_str());
        let is_yarns = host.is_some_and(|host| host.split('.').any(|it| it == YARNS_DOMAIN));
        (!is_yarns).then(|| address.into())
    };
    if !package.integrity.is_strong() && package.integrity.sha1.is_none() && !fragment.is_empty() {
        package.integrity.sha1 = sha1(fragment);
    }
    Ok(package)
}

/// The SHA-1 after the address of a tarball, in hex.
fn sha1(fragment: &str) -> Option<[u8; 20]> {
    let pairs = fragment.as_bytes().chunks(2);
    let bytes: Option<Vec<u8>> = pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    bytes?.try_into().ok()
}

/// The packages that nobody needs who is needed himself.
fn only_optional(graph: &Graph) -> Vec<usize> {
    let mut needed: HashSet<usize> = HashSet::new();
    let mut waiting: Vec<usize> = Vec::new();
    let follow = |edges: &[Edge], waiting: &mut Vec<usize>| {
        for edge in edges {
            if let (Kind::Needed | Kind::Dev, Some(To::Package(index))) = (edge.kind, &edge.to) {
                waiting.push(*index);
            }
        }
    };
    for Importer { edges, .. } in &graph.importers {
        follow(edges, &mut waiting);
    }
    while let Some(index) = waiting.pop() {
        if needed.insert(index) {
            follow(&graph.packages[index].edges, &mut waiting);
        }
    }
    (0..graph.packages.len())
        .filter(|index| !needed.contains(index))
        .collect()
}
