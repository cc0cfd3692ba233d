//! pnpm's lockfile: `pnpm-lock.yaml`, versions 5.4, 6 and 9 (pnpm's `@pnpm/lockfile.types` and
//! `@pnpm/dependency-path`).
//!
//! Packages are keyed by name and version, and by the peers that they got; importers and packages
//! name each other by these keys. Nothing is left to be chosen.

use std::collections::HashMap;
use std::sync::Arc;

use super::common::{git_address, integrity, list, package_name};
use super::error::ForeignLockError;
use super::graph::{Edge, Graph, Importer, Kind, Package, To};
use super::value::{Document, Kind as ValueKind, Value};
use crate::manifest::Manifest;
use crate::place::plain_path;
use crate::spec::{Spec, Wanted};

/// Reads a document.
pub(super) fn read(document: &Document) -> Result<Graph, ForeignLockError> {
    let form = Form::of(document)?;
    let root = &document.root;
    if let Some(patched) = root.get("patchedDependencies")
        && let Some((name, _)) = document.map(patched)?.first()
    {
        return Err(document.unsupported(
            patched,
            format!("`{name}` is patched, which pnpm alone can do"),
            format!("take the patch out with `pnpm patch-remove {name}`, or vendor the package"),
        ));
    }
    let mut reader = Reader {
        document,
        form,
        keys: HashMap::new(),
        graph: Graph::default(),
    };
    let folders = reader.importers()?;
    reader.packages()?;
    reader.edges_of_importers(&folders)?;
    reader.edges_of_packages()?;
    for (name, put) in document.entries(root, "overrides")? {
        let put = document.text(put)?.into();
        reader.graph.overrides.insert(name.as_str().into(), put);
    }
    Ok(reader.graph)
}

/// How keys are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `/name/1.0.0_peer@1.0.0`
    V5,
    /// `/name@1.0.0(peer@1.0.0)`
    V6,
    /// `name@1.0.0(peer@1.0.0)`, and what differs by peers apart in `snapshots`.
    V9,
}

impl Form {
    fn of(document: &Document) -> Result<Form, ForeignLockError> {
        let found = document.text_of(&document.root, "lockfileVersion")?;
        let major = found.and_then(|found| found.split('.').next());
        match (found, major) {
            (Some("5.4"), _) => Ok(Form::V5),
            (_, Some("6")) => Ok(Form::V6),
            (_, Some("9")) => Ok(Form::V9),
            _ => Err(ForeignLockError::Version {
                file: document.file.clone(),
                field: "lockfileVersion",
                found: found.map_or_else(|| "missing".to_owned(), crate::trail::shown),
                known: "5.4, 6 and 9",
                hint: "have it written again by pnpm 7 to 10, or newer",
            }),
        }
    }

    /// The key that a reference leads to; nothing for a link.
    fn key(self, name: &str, reference: &str) -> Option<String> {
        if reference.starts_with("link:") {
            return None;
        }
        let bracket = reference.find('(').unwrap_or(reference.len());
        match self {
            Form::V9 => {
                let colon = reference.find(':').unwrap_or(reference.len());
                let is_key = reference
                    .find('@')
                    .is_some_and(|at| at == 0 || (at < colon && at < bracket));
                Some(match is_key {
                    true => reference.to_owned(),
                    false => format!("{name}@{reference}"),
                })
            }
            _ if reference.starts_with("file:") || reference[..bracket].contains('/') => {
                Some(reference.to_owned())
            }
            Form::V5 => Some(format!("/{name}/{reference}")),
            Form::V6 => Some(format!("/{name}@{reference}")),
        }
    }

    /// A key's name and version, or what stands in its place; the peers are left out.
    fn split(self, key: &str) -> Option<(&str, &str)> {
        let plain = &key[..key.find('(').unwrap_or(key.len())];
        match self {
            Form::V9 => plain
                .get(1..)?
                .find('@')
                .map(|at| (&plain[..=at], &plain[at + 2..])),
            Form::V6 => {
                let plain = plain.strip_prefix('/')?;
                plain
                    .get(1..)?
                    .find('@')
                    .map(|at| (&plain[..=at], &plain[at + 2..]))
            }
            Form::V5 => {
                let plain = plain.strip_prefix('/')?;
                let slash = match plain.starts_with('@') {
                    true => plain.find('/')? + 1,
                    false => 0,
                };
                let slash = slash + plain[slash..].find('/')?;
                let version = &plain[slash + 1..];
                let version = version.split('_').next().unwrap_or(version);
                Some((&plain[..slash], version))
            }
        }
    }
}

/// An importer as the file has it.
type Folders<'d> = Vec<(Arc<str>, &'d Value)>;

struct Reader<'d> {
    document: &'d Document,
    form: Form,
    /// Packages by their keys, peers included.
    keys: HashMap<&'d str, usize>,
    graph: Graph,
}

impl<'d> Reader<'d> {
    /// The project and its workspaces. Without workspaces older files have the project at the top.
    fn importers(&mut self) -> Result<Folders<'d>, ForeignLockError> {
        let root = &self.document.root;
        let mut folders = vec![(Arc::from(""), root)];
        for (folder, importer) in self.document.entries(root, "importers")? {
            if folder == "." {
                folders[0].1 = importer;
            } else {
                folders.push((self.folder(importer, "", folder)?, importer));
            }
        }
        for (folder, _) in &folders {
            self.graph.importers.push(Importer {
                folder: folder.clone(),
                ..Importer::default()
            });
        }
        Ok(folders)
    }

    /// A folder relative to the project.
    fn folder(&self, at: &Value, above: &str, path: &str) -> Result<Arc<str>, ForeignLockError> {
        super::common::folder(above, path).map_err(|message| self.document.fault(at, message))
    }

    fn packages(&mut self) -> Result<(), ForeignLockError> {
        let document = self.document;
        let entries = document.entries(&document.root, "packages")?;
        if self.form != Form::V9 {
            for (key, entry) in entries {
                let package = self.package(key, entry)?;
                self.add(key, package);
            }
            return Ok(());
        }
        let of_version: HashMap<&str, &Value> =
            entries.iter().map(|(key, entry)| (&**key, entry)).collect();
        for (key, snapshot) in document.entries(&document.root, "snapshots")? {
            let plain = &key[..key.find('(').unwrap_or(key.len())];
            let Some(entry) = of_version.get(plain) else {
                let message = format!("`packages` has no `{plain}`");
                return Err(document.fault(snapshot, message));
            };
            let package = self.package(key, entry)?;
            self.add(key, package);
        }
        Ok(())
    }

    fn add(&mut self, key: &'d str, package: Package) {
        self.keys.insert(key, self.graph.packages.len());
        self.graph.packages.push(package);
    }

    fn package(&self, key: &str, entry: &'d Value) -> Result<Package, ForeignLockError> {
        let document = self.document;
        let split = self.form.split(key);
        let name = document.text_of(entry, "name")?.or(split.map(|it| it.0));
        let name = package_name(document, entry, name.unwrap_or(key))?;
        let version = document.text_of(entry, "version")?;
        let of_key = split
            .map(|(_, version)| version)
            .filter(|version| crate::semver::Version::loose(version).is_some());
        let mut package = Package {
            manifest: Manifest {
                name: Some(name.into()),
                version: version.or(of_key).map(Arc::from),
                os: list(document, entry, "os")?,
                cpu: list(document, entry, "cpu")?,
                libc: list(document, entry, "libc")?,
                bundled: match entry.get("bundledDependencies") {
                    Some(value) if matches!(value.kind, ValueKind::Text(_)) => Vec::new(),
                    _ => list(document, entry, "bundledDependencies")?,
                },
                has_install_script: entry.is_true("requiresBuild"),
                deprecated: document.text_of(entry, "deprecated")?.map(Arc::from),
                node: match entry.get("engines") {
                    Some(engines) => document.text_of(engines, "node")?.map(Arc::from),
                    None => None,
                },
                ..Manifest::default()
            },
            ..Package::default()
        };
        if entry.get("patched").is_some() || key.contains("(patch_hash=") {
            return Err(document.unsupported(
                entry,
                "the package is patched, which pnpm alone can do",
                "take the patch out with `pnpm patch-remove`, or vendor the package",
            ));
        }
        let Some(resolution) = entry.get("resolution") else {
            return Err(document.fault(entry, "has no `resolution`"));
        };
        self.resolution(resolution, &mut package)?;
        Ok(package)
    }

    /// Where a package comes from.
    fn resolution(
        &self,
        resolution: &'d Value,
        package: &mut Package,
    ) -> Result<(), ForeignLockError> {
        let document = self.document;
        let text = |key| document.text_of(resolution, key);
        package.integrity = integrity(document, resolution, "integrity")?;
        match text("type")? {
            Some("directory") => {
                let folder = text("directory")?.unwrap_or_default();
                package.folder = Some(self.folder(resolution, "", folder)?);
            }
            Some("git") => {
                let (Some(repo), Some(commit)) = (text("repo")?, text("commit")?) else {
                    return Err(document.fault(resolution, "expected `repo` and `commit`"));
                };
                let mut address = git_address(repo, commit);
                if let Some(path) = text("path")? {
                    address = format!("{address}::path:{path}");
                }
                package.manifest.tarball = Some(address.into());
            }
            None => {
                let Some(tarball) = text("tarball")? else {
                    return Ok(());
                };
                package.manifest.tarball = Some(match tarball.strip_prefix("file:") {
                    Some(path) => format!("file:{}", self.folder(resolution, "", path)?).into(),
                    None => match super::common::commit_of(tarball) {
                        Some(address) if !package.integrity.is_strong() => address.into(),
                        _ => tarball.into(),
                    },
                });
            }
            Some(other) => {
                return Err(document.unsupported(
                    resolution,
                    format!("a package of the type `{other}`, which pnpm alone can install"),
                    "leave it to the function's runtime, and take it out of package.json",
                ));
            }
        }
        Ok(())
    }

    fn edges_of_importers(&mut self, folders: &Folders<'d>) -> Result<(), ForeignLockError> {
        let document = self.document;
        for (index, (folder, importer)) in folders.iter().enumerate() {
            let specifiers = importer.get("specifiers");
            let lists = [
                ("dependencies", Kind::Needed),
                ("optionalDependencies", Kind::Optional),
                ("devDependencies", Kind::Dev),
            ];
            for (list, kind) in lists {
                for (name, value) in document.entries(importer, list)? {
                    let (spec, reference) = match &value.kind {
                        ValueKind::Map(_) => (
                            document.text_of(value, "specifier")?,
                            document.text_of(value, "version")?,
                        ),
                        _ => (
                            specifiers.map_or(Ok(None), |specifiers| {
                                document.text_of(specifiers, name)
                            })?,
                            Some(document.text(value)?),
                        ),
                    };
                    let Some(reference) = reference else {
                        return Err(document.fault(value, "has no `version`"));
                    };
                    let spec = spec.unwrap_or(reference);
                    let to = self.to(value, name, reference, folder)?;
                    let name = package_name(document, value, name)?.into();
                    self.graph.importers[index].edges.push(Edge {
                        name,
                        spec: spec.into(),
                        kind,
                        to: Some(to),
                    });
                }
            }
        }
        Ok(())
    }

    fn edges_of_packages(&mut self) -> Result<(), ForeignLockError> {
        let document = self.document;
        let section = match self.form {
            Form::V9 => "snapshots",
            Form::V5 | Form::V6 => "packages",
        };
        for (index, (_, entry)) in document
            .entries(&document.root, section)?
            .iter()
            .enumerate()
        {
            let above = self.graph.packages[index]
                .folder
                .clone()
                .unwrap_or_default();
            let lists = [
                ("dependencies", Kind::Needed),
                ("optionalDependencies", Kind::Optional),
            ];
            for (list, kind) in lists {
                for (name, value) in document.entries(entry, list)? {
                    let reference = document.text(value)?;
                    let to = self.to(value, name, reference, &above)?;
                    let name = package_name(document, value, name)?.into();
                    self.graph.packages[index].edges.push(Edge {
                        name,
                        spec: reference.into(),
                        kind,
                        to: Some(to),
                    });
                }
            }
        }
        Ok(())
    }

    /// Where a reference leads. Links are relative to the folder that they stand in.
    fn to(
        &mut self,
        at: &Value,
        name: &str,
        reference: &str,
        above: &str,
    ) -> Result<To, ForeignLockError> {
        if let Some(path) = reference.strip_prefix("link:") {
            let folder = self.folder(at, above, path)?;
            let is_known = |importer: &Importer| importer.folder == folder;
            if !self.graph.importers.iter().any(is_known) {
                self.graph.packages.push(Package {
                    manifest: Manifest {
                        name: Some(name.into()),
                        ..Manifest::default()
                    },
                    folder: Some(folder.clone()),
                    ..Package::default()
                });
            }
            return Ok(To::Folder(folder));
        }
        let key = self.form.key(name, reference);
        let found = key.as_deref().and_then(|key| self.keys.get(key));
        found.map(|index| To::Package(*index)).ok_or_else(|| {
            let key = key.unwrap_or_default();
            let message = format!("leads to `{key}`, which the file does not have");
            self.document.fault(at, message)
        })
    }
}

/// Whether what package.json asks for is what a lockfile was written for.
pub(super) fn is_same(wanted: &str, locked: &str, overrides: Option<&str>) -> bool {
    wanted == locked
        || overrides.is_some_and(|put| put == locked)
        || matches!(
            (Spec::parse("any", wanted), Spec::parse("any", locked)),
            (Ok(Spec::Registry(Wanted::Range(a, _))), Ok(Spec::Registry(Wanted::Range(b, _)))) if a == b
        )
        || matches!(
            (wanted.strip_prefix("file:"), locked.strip_prefix("file:")),
            (Some(a), Some(b)) if plain_path(a) == plain_path(b)
        )
}
