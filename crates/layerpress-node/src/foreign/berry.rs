//! Yarn's lockfile since version 2, which is YAML with a `__metadata` (yarn's `Project.ts`,
//! `structUtils.ts`).
//!
//! Entries are found by descriptors, `name@npm:^1.0.0`, and are locators, `name@npm:1.0.0`. What is
//! expected beside a package differs by who asks for it, so that one entry may stand for several
//! packages: [`peers`](super::peers) tells them apart. The checksums are of Yarn's own archives, so
//! the tarballs' digests have to come from the registry.

use std::collections::BTreeMap;
use std::sync::Arc;

use url::Url;

use super::common::{commit_of, folder, git_address, package_name};
use super::error::ForeignLockError;
use super::graph::{Edge, Graph, Importer, Kind, Package, To};
use super::value::{Document, Value};
use super::wishes::{Beside, Wishes, edges};
use super::yaml;
use super::yarn::{Asked, importer, wishes_of_project};
use crate::manifest::{Manifest, Pairs};
use crate::semver::Version;

/// Reads a document.
pub(super) fn read(document: &Document, beside: &Beside<'_>) -> Result<Graph, ForeignLockError> {
    let metadata = document.root.get("__metadata");
    let version = metadata.map_or(Ok(None), |it| document.text_of(it, "version"))?;
    let number: Option<u8> = version.and_then(|version| version.parse().ok());
    if !number.is_some_and(|number| (4..=10).contains(&number)) {
        return Err(ForeignLockError::Version {
            file: document.file.clone(),
            field: "__metadata.version",
            found: version.map_or_else(|| "missing".to_owned(), crate::trail::shown),
            known: "4 to 10, and Yarn 1's format",
            hint: "have it written again by Yarn 2 to 4, or newer",
        });
    }
    let project = wishes_of_project(beside, &document.file)?;
    let mut reader = Reader {
        document,
        asked: Asked::default(),
        resolutions: resolutions(&project),
        catalogs: catalogs(beside)?,
        graph: Graph::default(),
    };
    let mut workspaces = Vec::new();
    let mut entries = Vec::new();
    for (keys, entry) in document.map(&document.root)? {
        if keys == "__metadata" {
            continue;
        }
        let locator = reader.locator(entry)?;
        let to = match locator.reference.strip_prefix("workspace:") {
            Some(path) => {
                let path = reader.folder(entry, "", path)?;
                workspaces.push(path.clone());
                To::Folder(path)
            }
            None => {
                let index = reader.graph.packages.len();
                let package = reader.package(keys, entry, &locator)?;
                reader.graph.packages.push(package);
                entries.push((entry, locator));
                To::Package(index)
            }
        };
        reader.asked.add(keys, &to);
    }
    for (index, (entry, locator)) in entries.iter().enumerate() {
        let edges = reader.edges(entry, locator)?;
        reader.graph.packages[index].edges = edges;
    }
    workspaces.sort();
    for path in workspaces {
        let wishes = match path.is_empty() {
            true => project.clone(),
            false => beside
                .wishes(&path)?
                .ok_or_else(|| ForeignLockError::NoManifest {
                    file: format!("{}: workspace `{path}`", document.file),
                    tool: "Yarn",
                })?,
        };
        let importer = reader.importer(path, &wishes)?;
        reader.graph.importers.push(importer);
    }
    if reader
        .graph
        .importers
        .first()
        .is_none_or(|it| !it.folder.is_empty())
    {
        return Err(document.fault(&document.root, "has no entry of the project itself"));
    }
    Ok(reader.graph)
}

/// What an entry is: `name@npm:1.0.0::params`.
struct Locator<'d> {
    name: &'d str,
    /// Without the parameters.
    reference: &'d str,
    parameters: Vec<(String, String)>,
}

/// What stands in the place of a dependency (yarn's `parseResolution`).
struct Resolution {
    /// By whom it has to be asked for, and in which version, if that matters.
    from: Option<(Arc<str>, Option<Arc<str>>)>,
    name: Arc<str>,
    /// What it has to be asked for by, if that matters.
    spec: Option<Arc<str>>,
    put: Arc<str>,
}

struct Reader<'d> {
    document: &'d Document,
    asked: Asked<'d>,
    resolutions: Vec<Resolution>,
    catalogs: Catalogs,
    graph: Graph,
}

/// What `catalog:` and `catalog:NAME` stand for, by the catalog's name and the package's.
type Catalogs = BTreeMap<(String, String), String>;

impl<'d> Reader<'d> {
    fn locator(&self, entry: &'d Value) -> Result<Locator<'d>, ForeignLockError> {
        let document = self.document;
        let Some(text) = document.text_of(entry, "resolution")? else {
            return Err(document.fault(entry, "has no `resolution`"));
        };
        let Some((name, range)) = split(text) else {
            return Err(document.fault(entry, "`resolution` is no name and reference"));
        };
        let name = package_name(document, entry, name)?;
        let (reference, parameters) = range.split_once("::").unwrap_or((range, ""));
        let parameters = url::form_urlencoded::parse(parameters.as_bytes());
        Ok(Locator {
            name,
            reference,
            parameters: parameters.into_owned().collect(),
        })
    }

    fn folder(&self, at: &Value, above: &str, path: &str) -> Result<Arc<str>, ForeignLockError> {
        folder(above, path).map_err(|message| self.document.fault(at, message))
    }

    fn package(
        &self,
        keys: &str,
        entry: &'d Value,
        locator: &Locator<'d>,
    ) -> Result<Package, ForeignLockError> {
        let document = self.document;
        let mut package = Package {
            manifest: Manifest {
                name: Some(locator.name.into()),
                version: document.text_of(entry, "version")?.map(Arc::from),
                ..Manifest::default()
            },
            ..Package::default()
        };
        if let Some(value) = entry.get("conditions") {
            conditions(document.text(value)?, &mut package.manifest);
        }
        let (protocol, rest) = protocol(locator.reference);
        match protocol {
            "npm" => {
                package.manifest.version = Some(rest.into());
                let address = locator
                    .parameters
                    .iter()
                    .find(|(key, _)| key == "__archiveUrl");
                package.manifest.tarball = address.map(|(_, address)| address.as_str().into());
            }
            "file" | "link" => {
                let path = rest.split('#').next().unwrap_or_default();
                let path = self.folder(entry, &above(locator), path)?;
                if path.ends_with(".tgz") || path.ends_with(".tar.gz") {
                    package.manifest.tarball = Some(format!("file:{path}").into());
                } else {
                    package.folder = Some(path);
                }
            }
            "patch" if rest.contains("builtin<compat/") => {
                // Yarn's own, for what has to know of its Plug'n'Play: everything else is the same.
                package.manifest.version = document.text_of(entry, "version")?.map(Arc::from);
            }
            "patch" => {
                return Err(document.unsupported(
                    entry,
                    format!("`{}` is patched, which Yarn alone can do", locator.name),
                    "take the patch out of package.json, or vendor the package",
                ));
            }
            "portal" | "exec" => {
                let hint = match protocol {
                    "portal" => "ask for the folder with `file:` or `link:`, or as a workspace",
                    _ => "publish what the script makes, or have it as a folder with `file:`",
                };
                let what = format!("`{protocol}:` is known to Yarn alone");
                return Err(document.unsupported(entry, what, hint));
            }
            _ => {
                let (address, fragment) = locator
                    .reference
                    .split_once('#')
                    .unwrap_or((locator.reference, ""));
                let commit = fragment
                    .split('&')
                    .find_map(|it| it.strip_prefix("commit="));
                package.manifest.tarball = match commit {
                    Some(_) if fragment.contains("workspace=") => {
                        return Err(document.unsupported(
                            entry,
                            "one workspace of a repository, which Yarn alone can pack",
                            "publish the package, or have it as a folder with `file:`",
                        ));
                    }
                    Some(commit) => Some(git_address(address, commit).into()),
                    None if Url::parse(address).is_ok() => Some(
                        commit_of(address)
                            .unwrap_or_else(|| address.to_owned())
                            .into(),
                    ),
                    None => {
                        let keys = crate::trail::shown(keys);
                        return Err(document.unsupported(
                            entry,
                            format!("`{keys}` comes from where only a plugin of Yarn gets it"),
                            "have it from a registry, a repository or a folder",
                        ));
                    }
                };
            }
        }
        Ok(package)
    }

    /// What an entry asks for.
    fn edges(
        &self,
        entry: &'d Value,
        locator: &Locator<'d>,
    ) -> Result<Vec<Edge>, ForeignLockError> {
        let document = self.document;
        let optional = optional(document, entry)?;
        let above = above(locator);
        let mut edges = edges(document, entry)?;
        // Yarn adds it to whatever has an install script, and none is run here.
        edges.retain(|edge| !(&*edge.name == "node-gyp" && &*edge.spec == "npm:latest"));
        for edge in &mut edges {
            if super::wishes::is_peer(edge.kind) {
                continue;
            }
            if edge.kind == Kind::Needed && optional.contains(&&*edge.name) {
                edge.kind = Kind::Optional;
            }
            let from = (locator.name, locator.reference.strip_prefix("npm:"));
            edge.to = self.find(from, &above, &edge.name, &edge.spec);
            if edge.to.is_none() && edge.kind == Kind::Needed {
                let at = entry.get("dependencies").and_then(|it| it.get(&edge.name));
                let (name, spec) = (&edge.name, &edge.spec);
                let message = format!("leads to `{name}@{spec}`, which the file does not have");
                return Err(document.fault(at.unwrap_or(entry), message));
            }
        }
        Ok(edges)
    }

    fn importer(&self, path: Arc<str>, wishes: &Wishes) -> Result<Importer, ForeignLockError> {
        let name = wishes.name.as_deref().unwrap_or_default();
        let above = path.clone();
        importer(path, wishes, &self.document.file, |wish| {
            self.find((name, None), &above, &wish.name, &wish.spec)
        })
    }

    /// The entry that is meant by a descriptor, which `from` writes in the folder `above`.
    fn find(&self, from: (&str, Option<&str>), above: &str, name: &str, spec: &str) -> Option<To> {
        let put = self
            .resolutions
            .iter()
            .find(|it| it.is_for(from, name, spec));
        let spec = put.map_or(spec, |it| &*it.put);
        let catalog = spec.strip_prefix("catalog:").map(str::to_owned);
        let of_catalog = catalog.and_then(|catalog| self.catalogs.get(&(catalog, name.to_owned())));
        let spec = of_catalog.map_or(spec, String::as_str);
        let with_protocol = match spec.contains(':') || is_repository(spec) {
            true => spec.to_owned(),
            false => format!("npm:{spec}"),
        };
        let key = format!("{name}@{with_protocol}");
        if let Some(to) = self
            .asked
            .get(&key)
            .or_else(|| self.asked.get(&format!("{name}@{spec}")))
        {
            return Some(to.clone());
        }
        // What is relative is bound to whoever asks.
        let bound = self.asked.bound(&format!("{key}::"), above);
        bound.cloned()
    }
}

impl Resolution {
    fn is_for(&self, from: (&str, Option<&str>), name: &str, spec: &str) -> bool {
        let plain = |spec: &str| spec.strip_prefix("npm:").unwrap_or(spec).to_owned();
        let by = self.from.as_ref().is_none_or(|(by, version)| {
            let of_version = version
                .as_deref()
                .is_none_or(|it| Some(&*plain(it)) == from.1);
            **by == *from.0 && of_version
        });
        let asked = self
            .spec
            .as_deref()
            .is_none_or(|own| plain(own) == plain(spec));
        by && *self.name == *name && asked
    }
}

/// The catalogs, which stand in Yarn's settings.
fn catalogs(beside: &Beside<'_>) -> Result<Catalogs, ForeignLockError> {
    const FILE: &str = ".yarnrc.yml";
    let mut catalogs = Catalogs::new();
    let Some(bytes) = (beside.files)(FILE) else {
        return Ok(catalogs);
    };
    let text = String::from_utf8_lossy(&bytes);
    let document = yaml::read(FILE, &text, "see Yarn's documentation of its settings")?;
    let root = &document.root;
    let default = root.get("catalog").map(|catalog| ("", catalog));
    let mut all: Vec<(&str, &Value)> = default.into_iter().collect();
    if let Some(named) = root.get("catalogs") {
        let named = document.map(named)?.iter();
        all.extend(named.map(|(name, catalog)| (name.as_str(), catalog)));
    }
    for (catalog, entries) in all {
        for (name, spec) in document.map(entries)? {
            let key = (catalog.to_owned(), name.clone());
            catalogs.insert(key, document.text(spec)?.to_owned());
        }
    }
    Ok(catalogs)
}

/// `resolutions` of the project: `a`, `a@npm:^1`, `b/a`, `b@npm:1.0.0/a`.
fn resolutions(project: &Wishes) -> Vec<Resolution> {
    let read = |(pattern, put): &(Arc<str>, Arc<str>)| {
        let pattern = pattern.strip_prefix("**/").unwrap_or(pattern);
        // The last name begins after the last slash that is no scope's.
        let begins = pattern.match_indices('/').map(|(at, _)| at).rev();
        let is_of_scope = |before: &str| {
            let last = before.rsplit('/').next().unwrap_or_default();
            last.strip_prefix('@')
                .is_some_and(|last| !last.contains('@'))
        };
        // A protocol's range may hold slashes of its own: `a@patch:…/a.patch`.
        let is_of_range = |before: &str| {
            let last = before.rsplit('@').next().unwrap_or_default();
            last.contains(':') && !last.starts_with("npm:")
        };
        let at = begins.into_iter().find(|at| {
            let before = &pattern[..*at];
            !is_of_scope(before) && !is_of_range(before)
        });
        let (from, own) = at.map_or((None, pattern), |at| {
            (Some(&pattern[..at]), &pattern[at + 1..])
        });
        let both = |text: &str| match split(text) {
            Some((name, spec)) => (Arc::from(name), Some(Arc::from(spec))),
            None => (Arc::from(text), None),
        };
        let (name, spec) = both(own);
        Resolution {
            from: from.map(both),
            name,
            spec,
            put: put.clone(),
        }
    };
    let pairs: &Pairs = &project.resolutions;
    pairs.iter().map(read).collect()
}

/// A name and what follows its `@`.
fn split(text: &str) -> Option<(&str, &str)> {
    let at = text.get(1..)?.find('@')? + 1;
    Some((&text[..at], &text[at + 1..]))
}

/// `npm` and `1.0.0` of `npm:1.0.0`; addresses have no protocol of Yarn's.
fn protocol(reference: &str) -> (&str, &str) {
    match reference.split_once(':') {
        Some((protocol, rest)) if !rest.starts_with("//") => (protocol, rest),
        _ => ("", reference),
    }
}

/// The folder of the workspace that a locator is bound to.
fn above(locator: &Locator<'_>) -> String {
    let bound = locator.parameters.iter().find(|(key, _)| key == "locator");
    let above = bound.and_then(|(_, locator)| locator.split_once("@workspace:"));
    let above = above.map_or("", |(_, path)| path);
    match above {
        "." => String::new(),
        path => path.to_owned(),
    }
}

/// `user/repository`, as a dependency may be written.
fn is_repository(spec: &str) -> bool {
    spec.contains('/') && Version::loose(spec).is_none()
}

/// The dependencies that may be missing.
fn optional<'d>(document: &Document, entry: &'d Value) -> Result<Vec<&'d str>, ForeignLockError> {
    let metas = document.entries(entry, "dependenciesMeta")?;
    let optional = metas.iter().filter(|(_, meta)| meta.is_true("optional"));
    Ok(optional.map(|(name, _)| &**name).collect())
}

/// `os=linux & cpu=x64 & libc=glibc`; of several, in brackets and parted by `|`.
fn conditions(text: &str, manifest: &mut Manifest) {
    for part in text.split('&') {
        let part = part.trim().trim_start_matches('(').trim_end_matches(')');
        for one in part.split('|') {
            let Some((field, value)) = one.trim().split_once('=') else {
                continue;
            };
            let list = match field {
                "os" => &mut manifest.os,
                "cpu" => &mut manifest.cpu,
                "libc" => &mut manifest.libc,
                _ => continue,
            };
            list.push(value.into());
        }
    }
}
