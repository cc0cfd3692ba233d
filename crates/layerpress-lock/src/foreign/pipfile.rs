//! `Pipfile.lock`, `pipfile-spec` 6.
//!
//! Flat: `default` is production, `develop` is for developers, any other section is a category of the
//! user's. A package has a version, markers and digests, but neither file names nor addresses.

use layerpress_tree::DigestError;
use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::{MarkerTree, PackageName};
use serde_json::{Map, Value};
use url::Url;

use super::Listed;
use super::graph::{Asked, Graph, Node, SetKind};
use super::source::{address, git, inner_path, path};
use crate::document::{bounded, conflict};
use crate::error::shown;
use crate::fields::Place;
use crate::{Archive, Directory, Fault, GroupName, Location, LockError, Source, parse_marker};

/// What developers need; asked for as the group `dev` or by this name.
const DEVELOP: &str = "develop";

/// Reads the text of a `Pipfile.lock`.
pub(super) fn read(text: &str) -> Result<Graph, LockError> {
    bounded(text)?;
    let parsed = |error: serde_json::Error| LockError {
        line: u32::try_from(error.line()).ok().filter(|line| *line > 0),
        field: String::new(),
        package: None,
        fault: Fault::Syntax {
            language: "JSON",
            message: message(&error),
        },
    };
    let document: Value = serde_json::from_str(text)
        .map_err(|error| conflict(text).unwrap_or_else(|| parsed(error)))?;
    let at = At {
        text,
        keys: Vec::new(),
        package: None,
    };
    graph(at.object(&document)?, &at)
}

/// The parser's words without the place that it appends.
fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let words = text.split(" at line ").next().unwrap_or_default();
    shown(words)
}

/// Where in the document a value stands.
#[derive(Clone)]
struct At<'t> {
    text: &'t str,
    keys: Vec<String>,
    package: Option<String>,
}

impl At<'_> {
    fn key(&self, key: &str) -> Self {
        let mut at = self.clone();
        at.keys.push(key.to_owned());
        at
    }

    /// The line of the last key that is there, each looked for behind the one before it: Pipenv
    /// writes one to a line.
    fn line(&self) -> Option<u32> {
        let mut place = 0;
        for key in &self.keys {
            let quoted = format!("\"{key}\":");
            match self.text[place..].find(&quoted) {
                Some(at) => place += at + quoted.len(),
                None => break,
            }
        }
        let before = self.text[..place].matches('\n').count();
        u32::try_from(before + 1).ok().filter(|_| place > 0)
    }

    fn fault(&self, fault: impl Into<Fault>) -> LockError {
        LockError {
            line: self.line(),
            field: shown(&self.keys.join(".")),
            package: self.package.as_deref().map(shown),
            fault: fault.into(),
        }
    }

    fn wrong(&self, found: &Value, expected: &'static str) -> LockError {
        self.fault(Fault::Type {
            found: match found {
                Value::Null => "null",
                Value::Bool(_) => "a boolean",
                Value::Number(_) => "a number",
                Value::String(_) => "a string",
                Value::Array(_) => "an array",
                Value::Object(_) => "an object",
            },
            expected,
        })
    }

    fn object<'v>(&self, value: &'v Value) -> Result<&'v Map<String, Value>, LockError> {
        value
            .as_object()
            .ok_or_else(|| self.wrong(value, "an object"))
    }

    fn string<'v>(
        &self,
        map: &'v Map<String, Value>,
        key: &str,
    ) -> Result<Option<&'v str>, LockError> {
        match map.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.key(key).wrong(other, "a string")),
        }
    }
}

fn graph(document: &Map<String, Value>, at: &At<'_>) -> Result<Graph, LockError> {
    let meta_at = at.key("_meta");
    let meta = document
        .get("_meta")
        .ok_or_else(|| meta_at.fault(Fault::Missing))?;
    let meta = meta_at.object(meta)?;
    check_version(meta, &meta_at)?;
    let indexes = sources(meta, &meta_at)?;
    let mut groups: Vec<GroupName> = Vec::new();
    let mut nodes: Vec<Node> = Vec::new();
    for (section, packages) in document {
        if section == "_meta" {
            continue;
        }
        let at = at.key(section);
        let kinds = kinds(section, &at)?;
        groups.extend(kinds.iter().filter_map(|kind| match kind {
            SetKind::Group(name) => Some(name.clone()),
            _ => None,
        }));
        for (name, entry) in at.object(packages)? {
            let at = At {
                package: Some(name.clone()),
                ..at.key(name)
            };
            let mut node = node(name, at.object(entry)?, &indexes, &at)?;
            node.member_of = kinds
                .iter()
                .map(|kind| (kind.clone(), MarkerTree::TRUE))
                .collect();
            merge(&mut nodes, node);
        }
    }
    Ok(Graph {
        requires_python: requires_python(meta, &meta_at)?,
        environments: Vec::new(),
        nodes,
        asked: Some(Asked::Members {
            extras: Vec::new(),
            groups,
        }),
    })
}

/// Version 6 is the only one since Pipenv 2018.
fn check_version(meta: &Map<String, Value>, at: &At<'_>) -> Result<(), LockError> {
    match meta.get("pipfile-spec") {
        Some(Value::Number(number)) if number.as_u64() == Some(6) => Ok(()),
        None => Err(at.key("pipfile-spec").fault(Fault::Missing)),
        Some(other) => Err(at.key("pipfile-spec").fault(Fault::FormatVersion {
            found: shown(&other.to_string()),
            known: "`6`",
        })),
    }
}

/// The indexes by name. One that has no name of its own is the default and left to the settings.
fn sources(meta: &Map<String, Value>, at: &At<'_>) -> Result<Vec<(String, Url)>, LockError> {
    let at = at.key("sources");
    let sources = match meta.get("sources") {
        Some(Value::Array(sources)) => sources,
        None => return Ok(Vec::new()),
        Some(other) => return Err(at.wrong(other, "an array")),
    };
    let mut indexes = Vec::new();
    for source in sources {
        let source = at.object(source)?;
        if let (Some(name), Some(url)) = (at.string(source, "name")?, at.string(source, "url")?) {
            indexes.push((name.to_owned(), in_place(&at, |place| address(url, place))?));
        }
    }
    Ok(indexes)
}

/// `requires`: the minor version that the lock was made on and for.
fn requires_python(
    meta: &Map<String, Value>,
    at: &At<'_>,
) -> Result<Option<VersionSpecifiers>, LockError> {
    let at = at.key("requires");
    let Some(requires) = meta.get("requires") else {
        return Ok(None);
    };
    let requires = at.object(requires)?;
    let full = at.string(requires, "python_full_version")?;
    let Some(text) = at.string(requires, "python_version")?.or(full) else {
        return Ok(None);
    };
    let minor: Vec<&str> = text.split('.').take(2).collect();
    let specifiers = format!("=={}.*", minor.join("."));
    specifiers.parse().map(Some).map_err(|_| {
        at.fault(Fault::Value {
            value: shown(text),
            expected: "a version such as `3.13`",
        })
    })
}

fn kinds(section: &str, at: &At<'_>) -> Result<Vec<SetKind>, LockError> {
    let group = |name: &str| {
        name.parse().map(SetKind::Group).map_err(|_| {
            at.fault(Fault::Value {
                value: shown(name),
                expected: "the name of a section",
            })
        })
    };
    match section {
        "default" => Ok(vec![SetKind::Production]),
        DEVELOP => Ok(vec![group(DEVELOP)?, group("dev")?, group("dev-packages")?]),
        other => Ok(vec![group(other)?]),
    }
}

/// Adds a package, or another section to one that is there: Pipenv locks all sections together.
fn merge(nodes: &mut Vec<Node>, node: Node) {
    let same = nodes.iter_mut().find(|it| {
        it.package.name == node.package.name && it.package.version == node.package.version
    });
    match same {
        Some(known) => {
            known.member_of.extend(node.member_of);
            // In one section it may be needed on more machines than in the other.
            known.package.marker.or(node.package.marker);
        }
        None => nodes.push(node),
    }
}

fn node(
    name: &str,
    entry: &Map<String, Value>,
    indexes: &[(String, Url)],
    at: &At<'_>,
) -> Result<Node, LockError> {
    let name: PackageName = name.parse().map_err(|_| {
        at.fault(Fault::Value {
            value: shown(name),
            expected: "the name of a package",
        })
    })?;
    let mut node = Node::new(name, version(entry, at)?);
    if let Some(text) = at.string(entry, "markers")? {
        node.package.marker = parse_marker(text).map_err(|error| at.key("markers").fault(error))?;
    }
    if let Some(index) = at.string(entry, "index")? {
        let known = indexes.iter().find(|(name, _)| name == index);
        node.package.index = known.map(|(_, url)| url.clone());
    }
    take_files(&mut node, entry, at)?;
    Ok(node)
}

fn version(entry: &Map<String, Value>, at: &At<'_>) -> Result<Option<Version>, LockError> {
    let Some(text) = at.string(entry, "version")? else {
        return Ok(None);
    };
    // Not wanted on the machine that locked, so left unlocked: `select` says so if it is wanted here.
    if text == "*" {
        return Ok(None);
    }
    let plain = text.trim_start_matches('=').trim();
    plain.parse().map(Some).map_err(|_| {
        at.key("version").fault(Fault::Value {
            value: shown(text),
            expected: "a version such as `==1.2.3`",
        })
    })
}

/// Fills in where an entry's files are, or what they hash to.
fn take_files(node: &mut Node, entry: &Map<String, Value>, at: &At<'_>) -> Result<(), LockError> {
    let inner = at.string(entry, "subdirectory")?;
    if let Some(url) = at.string(entry, "git")? {
        let commit = at.string(entry, "ref")?;
        let commit = commit.ok_or_else(|| at.key("ref").fault(Fault::Missing))?;
        node.package.source =
            in_place(&at.key("git"), |place| git(url, commit, None, inner, place))?;
        return Ok(());
    }
    let listed = hashes(entry, at)?;
    let file = at.string(entry, "file")?.or(at.string(entry, "path")?);
    let Some(file) = file else {
        if listed.is_empty() && node.package.version.is_some() {
            return Err(at.key("hashes").fault(Fault::NoHash));
        }
        node.listed = listed;
        return Ok(());
    };
    let at = at.key("file");
    let is_url = file.contains("://");
    let location = match is_url {
        true => Location::url(in_place(&at, |place| address(file, place))?),
        false => Location::Path(in_place(&at, |place| path(file, place))?),
    };
    let subdirectory = in_place(&at, |place| inner_path(inner, place))?;
    node.package.source = match (location, listed.into_iter().next()) {
        (location, Some(first)) => Source::Archive(Archive {
            location,
            size: None,
            upload_time: None,
            hashes: vec![first.digest],
            subdirectory,
        }),
        (Location::Path(path), None) => Source::Directory(Directory {
            path,
            editable: entry.get("editable") == Some(&Value::Bool(true)),
            subdirectory,
        }),
        (Location::Url(_), None) => return Err(at.fault(Fault::NoHash)),
    };
    Ok(())
}

fn hashes(entry: &Map<String, Value>, at: &At<'_>) -> Result<Vec<Listed>, LockError> {
    let at = at.key("hashes");
    let hashes = match entry.get("hashes") {
        None => return Ok(Vec::new()),
        Some(Value::Array(hashes)) => hashes,
        Some(other) => return Err(at.wrong(other, "an array")),
    };
    let mut listed = Vec::new();
    let mut weak = Vec::new();
    for hash in hashes {
        let text = hash.as_str().ok_or_else(|| at.wrong(hash, "a string"))?;
        match text.parse() {
            Ok(digest) => listed.push(Listed { name: None, digest }),
            // Pipenv lists every file by each algorithm that the index gives.
            Err(DigestError::Algorithm(_)) => {
                weak.push(shown(text.split(':').next().unwrap_or_default()));
            }
            Err(error @ DigestError::Value { .. }) => return Err(at.fault(error)),
        }
    }
    if listed.is_empty() && !weak.is_empty() {
        return Err(at.fault(Fault::WeakHash { algorithms: weak }));
    }
    Ok(listed)
}

/// Runs a reader of TOML locks on a value of this JSON one.
fn in_place<T>(
    at: &At<'_>,
    read: impl FnOnce(&Place<'_>) -> Result<T, LockError>,
) -> Result<T, LockError> {
    read(&Place::root("")).map_err(|error| at.fault(error.fault))
}
