//! [`Ahead`]: answers about registry packages, and the looking ahead of them.
//!
//! Every question (a package and what is wanted of it) is answered once per run. When it is, what
//! the chosen version needs is asked for in its turn, on the other threads, until everything that
//! the project may need has been asked for.

use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;
use tokio::sync::OnceCell;
use tokio::task::JoinSet;

use super::error::SourceError;
use crate::manifest::Manifest;
use crate::name::PackageName;
use crate::pick::{PickOptions, pick};
use crate::registry::{Registry, nearest};
use crate::semver::Version;
use crate::spec::{Spec, Wanted};

/// Answers about registry packages.
#[derive(Debug)]
pub(super) struct Ahead {
    shared: Arc<Shared>,
    /// What is being looked ahead at; ended with this.
    tasks: Arc<Mutex<JoinSet<()>>>,
}

#[derive(Debug)]
struct Shared {
    registry: Registry,
    node: Version,
    questions: Mutex<FxHashMap<Question, Cell>>,
    /// The manifests of versions that were chosen, each once.
    manifests: Mutex<FxHashMap<Question, Arc<Manifest>>>,
}

/// A package, and what is wanted of it or which version it is.
type Question = (PackageName, Box<str>);

pub(super) type Answer = Result<Arc<Manifest>, SourceError>;

type Cell = Arc<OnceCell<Answer>>;

impl Ahead {
    pub(super) fn new(registry: Registry, node: Version) -> Self {
        Self {
            shared: Arc::new(Shared {
                registry,
                node,
                questions: Mutex::default(),
                manifests: Mutex::default(),
            }),
            tasks: Arc::default(),
        }
    }

    pub(super) fn registry(&self) -> &Registry {
        &self.shared.registry
    }

    /// The manifest of the version that npm would choose.
    pub(super) async fn answer(&self, name: &PackageName, wanted: &Wanted) -> Answer {
        let (cell, is_new) = self.shared.cell(name, wanted);
        if let Some(known) = cell.get() {
            return known.clone();
        }
        let answer = self.shared.answer(&cell, name, wanted).await;
        if is_new && let Ok(manifest) = &answer {
            look_below(&self.shared, &self.tasks, manifest);
        }
        answer
    }

    /// Looks ahead at a dependency.
    pub(super) fn look(&self, name: &str, spec: &str) {
        if let Ok(spec) = Spec::parse(name, spec) {
            self.look_at(name, &spec);
        }
    }

    pub(super) fn look_at(&self, name: &str, spec: &Spec) {
        look(&self.shared, &self.tasks, name, spec);
    }

    /// Whether a registry was asked for a package and has none of that name.
    pub(super) async fn is_absent(&self, name: &PackageName) -> bool {
        let asked = self.shared.registry.packument(name).await;
        asked.is_err_and(|error| error.is_absence())
    }

    /// The name nearest to a missing one among those that there are.
    pub(super) fn nearest(&self, name: &PackageName) -> Option<String> {
        let manifests = lock(&self.shared.manifests);
        let mut known: Vec<&str> = manifests.keys().map(|(known, _)| known.as_str()).collect();
        known.sort_unstable();
        nearest(name.as_str(), known).map(str::to_owned)
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        lock(&self.tasks).abort_all();
    }
}

impl Shared {
    /// The place of an answer, and whether the question is new.
    fn cell(&self, name: &PackageName, wanted: &Wanted) -> (Cell, bool) {
        let question = (name.clone(), Box::from(wanted.text()));
        let mut questions = lock(&self.questions);
        let count = questions.len();
        let cell = Arc::clone(questions.entry(question).or_default());
        (cell, questions.len() > count)
    }

    async fn answer(&self, cell: &Cell, name: &PackageName, wanted: &Wanted) -> Answer {
        cell.get_or_init(|| self.choose(name, wanted)).await.clone()
    }

    async fn choose(&self, name: &PackageName, wanted: &Wanted) -> Answer {
        let exact = match wanted {
            Wanted::Version(text) => Version::clean(text).map(|version| version.to_string()),
            _ => None,
        };
        let before = self.registry.before(name);
        let mut lacks_document = false;
        if let (Some(version), None) = (&exact, before) {
            let found = self.registry.version(name, version).await;
            match found.map_err(SourceError::Registry)? {
                Some(manifest) => return self.shared(name, version, || Some(manifest)),
                None => lacks_document = true,
            }
        }
        let packument = self.registry.packument(name).await;
        let packument = packument.map_err(SourceError::Registry)?;
        let options = PickOptions {
            node: self.node.clone(),
            before,
        };
        let version = pick(&packument, wanted, &options).map_err(SourceError::Pick)?;
        if lacks_document {
            self.registry.lacks_documents();
        }
        self.shared(name, version.text(), || version.manifest().map(Arc::new))
    }

    /// A version's manifest, the same for all who get that version.
    fn shared(
        &self,
        name: &PackageName,
        version: &str,
        manifest: impl FnOnce() -> Option<Arc<Manifest>>,
    ) -> Answer {
        let key = (name.clone(), Box::from(version));
        if let Some(known) = lock(&self.manifests).get(&key) {
            return Ok(Arc::clone(known));
        }
        let manifest = manifest().ok_or_else(|| SourceError::Damaged {
            name: name.to_string(),
        })?;
        let mut manifests = lock(&self.manifests);
        Ok(Arc::clone(manifests.entry(key).or_insert(manifest)))
    }
}

/// Asks for a registry package, and then for what it needs.
fn look(shared: &Arc<Shared>, tasks: &Arc<Mutex<JoinSet<()>>>, name: &str, spec: &Spec) {
    let (name, wanted) = match spec {
        Spec::Registry(wanted) => match PackageName::parse(name) {
            Ok(name) => (name, wanted),
            Err(_) => return,
        },
        Spec::Alias { name, wanted } => (name.clone(), wanted),
        _ => return,
    };
    let (cell, is_new) = shared.cell(&name, wanted);
    if !is_new {
        return;
    }
    let (below, wanted) = (Arc::clone(shared), wanted.clone());
    let more = Arc::downgrade(tasks);
    let task = async move {
        let answer = below.answer(&cell, &name, &wanted).await;
        if let (Ok(manifest), Some(tasks)) = (answer, more.upgrade()) {
            look_below(&below, &tasks, &manifest);
        }
    };
    lock(tasks).spawn(task);
}

/// Asks for what a package needs: all but what its tarball holds and what may be missing.
fn look_below(shared: &Arc<Shared>, tasks: &Arc<Mutex<JoinSet<()>>>, manifest: &Manifest) {
    let peers = manifest.peer_dependencies.iter();
    let peers = peers.filter(|(name, _)| !manifest.optional_peers.contains(name));
    let needed = manifest
        .dependencies
        .iter()
        .chain(&manifest.optional_dependencies);
    for (name, spec) in needed.chain(peers) {
        if !manifest.bundled.contains(name)
            && let Ok(spec) = Spec::parse(name, spec)
        {
            look(shared, tasks, name, &spec);
        }
    }
}

/// What is behind a lock here is whole at all times: a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
