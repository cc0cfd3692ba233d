//! [`Ahead`]: answers about registry packages, and the looking ahead of them.
//!
//! Every question (a package and what is wanted of it) is answered once per run. When it is, what
//! the chosen version needs is asked for in its turn, on the other threads, until everything that
//! the project may need has been asked for. Peers that may be missing are needed too, with their
//! own peers alone: npm makes sure that they would fit.

use std::sync::atomic::{AtomicBool, Ordering};
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
    /// Whether peers come along.
    with_peers: AtomicBool,
    questions: Mutex<FxHashMap<Question, Asked>>,
    /// The manifests of versions that were chosen, each once.
    manifests: Mutex<FxHashMap<Question, Arc<Manifest>>>,
}

/// A package, and what is wanted of it or which version it is.
type Question = (PackageName, Box<str>);

pub(super) type Answer = Result<Arc<Manifest>, SourceError>;

type Cell = Arc<OnceCell<Answer>>;

/// What became of a question.
#[derive(Debug, Default)]
struct Asked {
    cell: Cell,
    /// How far was looked ahead from it.
    reach: Option<Reach>,
}

/// How far to look ahead from a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// Not at all.
    Alone,
    /// To its peers.
    Peers,
    /// To all that it needs.
    All,
}

impl Ahead {
    pub(super) fn new(registry: Registry, node: Version) -> Self {
        Self {
            shared: Arc::new(Shared {
                registry,
                node,
                with_peers: AtomicBool::new(true),
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
        let cell = self
            .shared
            .asked(name, wanted, |asked| Arc::clone(&asked.cell));
        self.shared.answer(&cell, name, wanted).await
    }

    /// Says that peers are left where they are.
    pub(super) fn leave_peers(&self) {
        self.shared.with_peers.store(false, Ordering::Relaxed);
    }

    /// Asks for a dependency alone.
    pub(super) fn ask(&self, name: &str, spec: &Spec) {
        look(&self.shared, &self.tasks, Reach::Alone, name, spec);
    }

    /// Asks for a dependency, and then for all that it needs.
    pub(super) fn look(&self, name: &str, spec: &Spec) {
        look(&self.shared, &self.tasks, Reach::All, name, spec);
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
    /// Looks at what became of a question.
    fn asked<T>(
        &self,
        name: &PackageName,
        wanted: &Wanted,
        look: impl FnOnce(&mut Asked) -> T,
    ) -> T {
        let question = (name.clone(), Box::from(wanted.text()));
        look(lock(&self.questions).entry(question).or_default())
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
fn look(
    shared: &Arc<Shared>,
    tasks: &Arc<Mutex<JoinSet<()>>>,
    reach: Reach,
    name: &str,
    spec: &Spec,
) {
    let (name, wanted) = match spec {
        Spec::Registry(wanted) => match PackageName::parse(name) {
            Ok(name) => (name, wanted),
            Err(_) => return,
        },
        Spec::Alias { name, wanted } => (name.clone(), wanted),
        _ => return,
    };
    let cell = shared.asked(&name, wanted, |asked| {
        let is_new = asked.reach < Some(reach);
        asked.reach = asked.reach.max(Some(reach));
        is_new.then(|| Arc::clone(&asked.cell))
    });
    let Some(cell) = cell else {
        return;
    };
    let (below, wanted) = (Arc::clone(shared), wanted.clone());
    let more = Arc::downgrade(tasks);
    let task = async move {
        let answer = below.answer(&cell, &name, &wanted).await;
        if let (Ok(manifest), Some(tasks)) = (answer, more.upgrade()) {
            look_below(&below, &tasks, reach, &manifest);
        }
    };
    lock(tasks).spawn(task);
}

/// Asks for what a package needs: all but what its tarball holds.
fn look_below(
    shared: &Arc<Shared>,
    tasks: &Arc<Mutex<JoinSet<()>>>,
    reach: Reach,
    manifest: &Manifest,
) {
    let own = [&manifest.dependencies, &manifest.optional_dependencies];
    let own = own.into_iter().flatten().filter(|_| reach == Reach::All);
    let own = own.map(|(name, spec)| (name, spec, reach));
    let with_peers = reach > Reach::Alone && shared.with_peers.load(Ordering::Relaxed);
    let peers = manifest.peer_dependencies.iter().filter(|_| with_peers);
    let peers = peers.map(|(name, spec)| {
        let may_be_missing = manifest.optional_peers.contains(name);
        let reach = if may_be_missing { Reach::Peers } else { reach };
        (name, spec, reach)
    });
    for (name, spec, reach) in own.chain(peers) {
        if !manifest.bundled.contains(name)
            && let Ok(spec) = Spec::parse(name, spec)
        {
            look(shared, tasks, reach, name, &spec);
        }
    }
}

/// What is behind a lock here is whole at all times: a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
