//! bun's lockfile as text (bun's `src/install/lockfile/bun.lock.zig`).
//!
//! Its keys are folders, `express/debug/ms`, so nothing is left to be placed. What is an alias, a
//! folder or a repository the first text of an entry tells.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::common::{folder, git_address, integrity_of, list, package_name};
use super::error::ForeignLockError;
use super::graph::{Graph, Importer, Package};
use super::hoist::{Holds, Place};
use super::value::{Document, Kind as ValueKind, Value};
use super::wishes::edges;
use crate::manifest::Manifest;

/// Reads a document.
pub(super) fn read(document: &Document) -> Result<Graph, ForeignLockError> {
    let root = &document.root;
    let version = document.text_of(root, "lockfileVersion")?;
    if !matches!(version, Some("0" | "1" | "2" | "3")) {
        return Err(ForeignLockError::Version {
            file: document.file.clone(),
            field: "lockfileVersion",
            found: version.map_or_else(|| "missing".to_owned(), crate::trail::shown),
            known: "0 to 3",
            hint: "have it written again with `bun install`",
        });
    }
    if let Some(patched) = root.get("patchedDependencies")
        && let Some((name, _)) = document.map(patched)?.first()
    {
        return Err(document.unsupported(
            patched,
            format!("`{name}` is patched, which bun alone can do"),
            "take the patch out of package.json, or vendor the package",
        ));
    }
    let is_old = matches!(version, Some("0" | "1"));
    let mut graph = Graph::default();
    let workspaces = root.get("workspaces").unwrap_or(root);
    for (path, workspace) in document.entries(root, "workspaces")? {
        let path = folder("", path).map_err(|message| document.fault(workspaces, message))?;
        graph.importers.push(Importer {
            folder: path,
            name: document.text_of(workspace, "name")?.map(Arc::from),
            version: document.text_of(workspace, "version")?.map(Arc::from),
            edges: edges(document, workspace)?,
        });
    }
    graph.importers.sort_by(|a, b| a.folder.cmp(&b.folder));
    if graph
        .importers
        .first()
        .is_none_or(|it| !it.folder.is_empty())
    {
        return Err(document.fault(workspaces, "has no entry of the project itself"));
    }
    let mut entries: Vec<(Vec<&str>, &Value)> = Vec::new();
    for (key, entry) in document.entries(root, "packages")? {
        let names = names(key).filter(|names| {
            let is_name = |name: &&str| crate::name::PackageName::parse(name).is_ok();
            !names.is_empty() && names.iter().all(is_name)
        });
        let Some(names) = names else {
            let message = "the key is no path of names of packages";
            return Err(document.fault(entry, message));
        };
        entries.push((names, entry));
    }
    // What is above comes first.
    entries.sort_by_key(|(names, _)| names.len());
    let mut places: Vec<Place> = importers(&graph);
    let mut known: HashMap<Vec<&str>, Arc<str>> = HashMap::new();
    for (names, entry) in entries {
        let above = match names.len() {
            1 => Some(Arc::from("")),
            length => known.get(&names[..length - 1]).cloned(),
        };
        let Some(above) = above else {
            return Err(document.fault(entry, "the file does not have what it is in"));
        };
        let (package, leads_to) = package(document, entry, is_old)?;
        let slash = if above.is_empty() { "" } else { "/" };
        let name = names.last().copied().unwrap_or_default();
        let location: Arc<str> = format!("{above}{slash}node_modules/{name}").into();
        let Some(leads_to) = leads_to else {
            if package.in_bundle {
                bundle(&mut graph, &places, &above, name);
            }
            let holds = Holds::Package(graph.packages.len());
            graph.packages.push(package);
            known.insert(names, location.clone());
            places.push(Place { location, holds });
            continue;
        };
        if places.iter().all(|place| place.location != leads_to) {
            let holds = Holds::Folder(graph.packages.len());
            graph.packages.push(package);
            let location = leads_to.clone();
            places.push(Place { location, holds });
        }
        known.insert(names, leads_to.clone());
        let holds = Holds::Link(leads_to);
        places.push(Place { location, holds });
    }
    graph.places = Some(places);
    let overrides = document.entries(root, "overrides")?.iter();
    let overrides = overrides.map(|(name, put)| {
        let put = match &put.kind {
            ValueKind::Text(put) => put.as_str(),
            _ => "",
        };
        (Arc::from(name.as_str()), Arc::from(put))
    });
    graph.overrides = overrides.collect::<BTreeMap<_, _>>();
    Ok(graph)
}

fn importers(graph: &Graph) -> Vec<Place> {
    let places = graph.importers.iter().enumerate();
    let place = |(index, importer): (usize, &Importer)| Place {
        location: importer.folder.clone(),
        holds: Holds::Importer(index),
    };
    places.map(place).collect()
}

/// Notes on the package above that it brings one along.
fn bundle(graph: &mut Graph, places: &[Place], above: &str, name: &str) {
    let place = places.iter().find(|place| *place.location == *above);
    if let Some(Place {
        holds: Holds::Package(index),
        ..
    }) = place
    {
        graph.packages[*index].manifest.bundled.push(name.into());
    }
}

/// The names of a key; those with a scope have a slash of their own.
fn names(key: &str) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    let mut rest = key;
    while !rest.is_empty() {
        let skipped = match rest.starts_with('@') {
            true => rest.find('/')? + 1,
            false => 0,
        };
        let end = rest[skipped..].find('/').map(|at| at + skipped);
        let (name, more) = end.map_or((rest, ""), |end| (&rest[..end], &rest[end + 1..]));
        names.push(name);
        rest = more;
    }
    Some(names)
}

/// A package, and the folder that it is a link to, if it is one.
fn package(
    document: &Document,
    entry: &Value,
    is_old: bool,
) -> Result<(Package, Option<Arc<str>>), ForeignLockError> {
    let ValueKind::List(parts) = &entry.kind else {
        return Err(document.fault(entry, "expected a list"));
    };
    let Some(first) = parts.first() else {
        return Err(document.fault(entry, "expected what the package is"));
    };
    let text = document.text(first)?;
    let at = text.get(1..).and_then(|rest| rest.find('@'));
    let Some((name, reference)) = at.map(|at| (&text[..=at], &text[at + 2..])) else {
        return Err(document.fault(first, "expected a name, `@` and a version or an address"));
    };
    let name = package_name(document, first, name)?;
    let empty = Value {
        line: entry.line,
        kind: ValueKind::Map(Vec::new()),
    };
    let is_map = |part: &&Value| matches!(part.kind, ValueKind::Map(_));
    let facts = parts.iter().find(is_map).unwrap_or(&empty);
    let mut package = Package {
        manifest: Manifest {
            name: Some(name.into()),
            os: list(document, facts, "os")?,
            cpu: list(document, facts, "cpu")?,
            libc: list(document, facts, "libc")?,
            ..Manifest::default()
        },
        edges: edges(document, facts)?,
        in_bundle: facts.is_true("bundled"),
        ..Package::default()
    };
    // Older ones do not tell C libraries apart.
    let is_for = |list: &[Arc<str>], value: &str| list.iter().any(|it| **it == *value);
    package.lacks_manifest = is_old && is_for(&package.manifest.os, "linux");
    let is_folder = ["workspace:", "file:", "link:"]
        .iter()
        .find_map(|protocol| reference.strip_prefix(protocol));
    if let Some(path) = is_folder.filter(|path| !is_tarball(path)) {
        let path = folder("", path).map_err(|message| document.fault(first, message))?;
        return Ok((package, Some(path)));
    }
    let digest = parts[1..]
        .iter()
        .rev()
        .find(|part| matches!(&part.kind, ValueKind::Text(text) if text.starts_with("sha")));
    if let Some(digest) = digest {
        package.integrity = integrity_of(document, digest)?;
    }
    let tarball = if reference == "root:" {
        return Ok((package, Some("".into())));
    } else if let Some(repository) = reference.strip_prefix("github:") {
        let (repository, commit) = repository.split_once('#').unwrap_or((repository, ""));
        let address = format!("https://github.com/{repository}.git");
        package.integrity = Default::default();
        Some(git_address(&address, commit))
    } else if reference.starts_with("git") {
        let (repository, commit) = reference.split_once('#').unwrap_or((reference, ""));
        Some(git_address(repository, commit))
    } else if reference.contains("://") {
        Some(reference.to_owned())
    } else if is_tarball(reference) {
        let path = reference.strip_prefix("file:").unwrap_or(reference);
        let path = folder("", path).map_err(|message| document.fault(first, message))?;
        Some(format!("file:{path}"))
    } else {
        package.manifest.version = Some(reference.into());
        // Where the default registry has it is left out; an address may be a registry's alone.
        let address = parts.get(1).and_then(|part| match &part.kind {
            ValueKind::Text(text) => Some(text.as_str()),
            _ => None,
        });
        address
            .filter(|address| address.contains("://") && is_tarball(address))
            .map(str::to_owned)
    };
    package.manifest.tarball = tarball.map(Arc::from);
    Ok((package, None))
}

fn is_tarball(path: &str) -> bool {
    [".tgz", ".tar.gz", ".tar"]
        .iter()
        .any(|ending| path.ends_with(ending))
}
