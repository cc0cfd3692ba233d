//! The package.json files beside a lockfile: their names, and whether the lockfile is still theirs.
//!
//! They are read without regard to what npm would make of their specifiers: `catalog:` and
//! `portal:` mean something to their own tools.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::ForeignLockError;
use super::graph::{Edge, Graph, Kind};
use super::jsonc;
use super::value::{Document, Kind as ValueKind, Value};
use crate::manifest::Pairs;
use crate::source::WorkspaceError;

/// A file relative to the project; `None` when it cannot be read.
type Files<'b> = dyn Fn(&str) -> Option<Vec<u8>> + 'b;

/// Names and folders of the workspaces that globs lead to.
type Globs<'b> = dyn Fn(&[Arc<str>]) -> Result<Pairs, WorkspaceError> + 'b;

/// What lies beside a lockfile.
pub struct Beside<'b> {
    /// A file relative to the project; `None` when it cannot be read.
    pub files: &'b Files<'b>,
    /// Names and folders of the workspaces that globs lead to.
    pub workspaces: &'b Globs<'b>,
}

impl std::fmt::Debug for Beside<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Beside").finish_non_exhaustive()
    }
}

/// What one of them says.
#[derive(Clone, Debug, Default)]
pub(super) struct Wishes {
    /// What messages call the file.
    pub(super) file: String,
    pub(super) name: Option<Arc<str>>,
    pub(super) version: Option<Arc<str>>,
    /// The versions of Node.js it is for.
    pub(super) node: Option<Arc<str>>,
    /// What it asks for, each name once.
    pub(super) edges: Vec<Edge>,
    /// What stands in the place of dependencies, for Yarn.
    pub(super) resolutions: Pairs,
    /// The globs of its workspaces.
    pub(super) workspaces: Vec<Arc<str>>,
}

impl Beside<'_> {
    /// What the package.json of a folder says, if it has one.
    ///
    /// # Errors
    /// One that cannot be read.
    pub(super) fn wishes(&self, folder: &str) -> Result<Option<Wishes>, ForeignLockError> {
        let slash = if folder.is_empty() { "" } else { "/" };
        let file = format!("{folder}{slash}package.json");
        let Some(bytes) = (self.files)(&file) else {
            return Ok(None);
        };
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_start_matches('\u{feff}');
        let remedy = "package.json is strict JSON: no comments, no comma after the last entry";
        Wishes::read(&jsonc::read(&file, text, remedy)?).map(Some)
    }

    /// Gives the importers that the lockfile knows by their folders alone their names.
    ///
    /// # Errors
    /// A package.json that cannot be read.
    pub(super) fn name_importers(&self, graph: &mut Graph) -> Result<(), ForeignLockError> {
        for importer in &mut graph.importers {
            if let Some(wishes) = self.wishes(&importer.folder)? {
                importer.name = importer.name.take().or(wishes.name);
                importer.version = importer.version.take().or(wishes.version);
            }
        }
        Ok(())
    }

    /// Makes sure that a lockfile is what its package.json files ask for now.
    ///
    /// # Errors
    /// The first difference.
    pub(super) fn check(
        &self,
        graph: &Graph,
        file: &str,
        command: &'static str,
        is_same: fn(&str, &str, Option<&str>) -> bool,
    ) -> Result<(), ForeignLockError> {
        for importer in &graph.importers {
            let Some(wishes) = self.wishes(&importer.folder)? else {
                continue;
            };
            let outdated = |unmet: String| ForeignLockError::Outdated {
                file: file.to_owned(),
                manifest: wishes.file.clone(),
                unmet,
                command,
            };
            let locked: BTreeMap<&str, &Edge> = importer
                .edges
                .iter()
                .map(|edge| (&*edge.name, edge))
                .collect();
            for wish in wishes.edges.iter().filter(|it| !is_peer(it.kind)) {
                let (name, spec) = (&wish.name, &wish.spec);
                let put = graph.overrides.get(name).map(|put| &**put);
                match locked.get(&**name) {
                    None if put == Some("-") => {}
                    None => {
                        return Err(outdated(format!("`{name}@{spec}` is not in it")));
                    }
                    Some(edge) if !is_same(spec, &edge.spec, put) => {
                        let before = &edge.spec;
                        return Err(outdated(format!(
                            "`{name}@{spec}` is asked for, and it was written for `{before}`"
                        )));
                    }
                    Some(edge) if (edge.kind == Kind::Dev) != (wish.kind == Kind::Dev) => {
                        return Err(outdated(format!(
                            "`{name}` is for development in only one of both"
                        )));
                    }
                    Some(_) => {}
                }
            }
            for (name, edge) in locked {
                let is_asked = wishes.edges.iter().any(|wish| *wish.name == *name);
                if !is_asked && !is_peer(edge.kind) {
                    return Err(outdated(format!(
                        "it holds `{name}`, which is not asked for"
                    )));
                }
            }
        }
        Ok(())
    }
}

pub(super) fn is_peer(kind: Kind) -> bool {
    matches!(kind, Kind::Peer | Kind::OptionalPeer)
}

impl Wishes {
    fn read(document: &Document) -> Result<Wishes, ForeignLockError> {
        let root = &document.root;
        document.map(root)?;
        let text = |of: &Value, key| -> Result<Option<Arc<str>>, ForeignLockError> {
            Ok(document.text_of(of, key)?.map(Arc::from))
        };
        Ok(Wishes {
            file: document.file.clone(),
            name: text(root, "name")?,
            version: text(root, "version")?,
            node: match root.get("engines") {
                Some(engines) => text(engines, "node")?,
                None => None,
            },
            edges: edges(document, root)?,
            resolutions: pairs(document, root, "resolutions")?,
            workspaces: match root.get("workspaces") {
                Some(globs) if matches!(globs.kind, ValueKind::Map(_)) => {
                    super::common::list(document, globs, "packages")?
                }
                _ => super::common::list(document, root, "workspaces")?,
            },
        })
    }
}

fn pairs(document: &Document, of: &Value, key: &str) -> Result<Pairs, ForeignLockError> {
    let mut pairs = Pairs::new();
    for (name, value) in document.entries(of, key)? {
        pairs.push((name.as_str().into(), document.text(value)?.into()));
    }
    Ok(pairs)
}

/// What the lists of a package.json, or of what repeats it, ask for: of one name what is optional
/// comes before what is needed, and that before what is for development or expected beside it.
pub(super) fn edges(document: &Document, of: &Value) -> Result<Vec<Edge>, ForeignLockError> {
    let lists = [
        ("optionalDependencies", Kind::Optional),
        ("dependencies", Kind::Needed),
        ("devDependencies", Kind::Dev),
        ("peerDependencies", Kind::Peer),
    ];
    let optional_peers = optional_peers(document, of)?;
    let mut edges: Vec<Edge> = Vec::new();
    for (list, kind) in lists {
        for (name, value) in document.entries(of, list)? {
            let name = super::common::package_name(document, value, name)?;
            if edges.iter().any(|edge| *edge.name == *name) {
                continue;
            }
            let is_optional = kind == Kind::Peer && optional_peers.contains(&name);
            edges.push(Edge {
                name: name.into(),
                spec: document.text(value)?.into(),
                kind: if is_optional {
                    Kind::OptionalPeer
                } else {
                    kind
                },
                to: None,
            });
        }
    }
    Ok(edges)
}

/// The peers that may be missing: in `peerDependenciesMeta`, or in bun's `optionalPeers`.
fn optional_peers<'d>(
    document: &Document,
    of: &'d Value,
) -> Result<Vec<&'d str>, ForeignLockError> {
    let mut names = document.texts_of(of, "optionalPeers")?;
    for (name, meta) in document.entries(of, "peerDependenciesMeta")? {
        if meta.is_true("optional") {
            names.push(name);
        }
    }
    Ok(names)
}
