//! [`Ahead`]: answers about registry packages, and the looking ahead of them.
//!
//! Every question (a package and what is wanted of it) is answered once per run. When it is, what
//! the chosen version needs is asked for in its turn, on the other threads, until everything that
//! the project may need has been asked for. Peers that may be missing are needed too, with their
//! own peers alone: npm makes sure that they would fit.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use rustc_hash::{FxHashMap, FxHashSet};
use tokio::sync::OnceCell;
use tokio::task::JoinSet;

use super::answers::Answers;
use super::error::SourceError;
use crate::manifest::Manifest;
use crate::name::PackageName;
use crate::pick::{PickOptions, pick};
use crate::registry::{Registry, nearest};
use crate::semver::Version;
use crate::spec::{Spec, Wanted};

/// From how many questions on another thread is given half of them.
const SHARED_FROM: usize = 32;

/// Answers about registry packages.
#[derive(Debug)]
pub(super) struct Ahead {
    shared: Arc<Shared>,
    /// What is being looked ahead at; ended with this.
    tasks: Tasks,
}

#[derive(Debug)]
struct Shared {
    registry: Registry,
    node: Version,
    /// Whether peers come along.
    with_peers: AtomicBool,
    /// What the project asks for itself.
    own: Mutex<FxHashSet<Box<str>>>,
    questions: Mutex<FxHashMap<Question, Asked>>,
    /// The manifests of versions that were chosen, each once.
    manifests: Mutex<FxHashMap<(Question, Told), Arc<Manifest>>>,
    /// What specifiers mean, each read once; `None` for what means nothing.
    specs: Mutex<FxHashMap<Arc<str>, Option<Arc<Spec>>>>,
}

/// A package, and what is wanted of it or which version it is.
type Question = (PackageName, Box<str>);

/// How much is said of a version. What an exact pin gets must not depend on whether a packument that says
/// less came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Told {
    /// All there is to say, as in the document of the version alone.
    InFull,
    /// What an abbreviated packument says.
    Briefly,
    /// What it was to an earlier run.
    Before,
}

pub(super) type Answer = Result<Arc<Manifest>, SourceError>;

type Cell = Arc<OnceCell<Answer>>;

/// What is being looked ahead at; ended when the last of its owners goes.
type Tasks = Arc<Mutex<JoinSet<()>>>;

/// A question to look ahead from, and how far.
struct Next {
    cell: Cell,
    name: PackageName,
    wanted: Wanted,
    reach: Reach,
}

/// What became of a question.
#[derive(Debug, Default)]
struct Asked {
    cell: Cell,
    /// How far was looked ahead from it.
    reach: Option<Reach>,
    /// Whether an earlier run was asked it too, and the answer still counts.
    is_remembered: bool,
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
                own: Mutex::default(),
                questions: Mutex::default(),
                manifests: Mutex::default(),
                specs: Mutex::default(),
            }),
            tasks: Arc::default(),
        }
    }

    pub(super) fn registry(&self) -> &Registry {
        &self.shared.registry
    }

    /// The version of Node.js that versions are chosen for.
    pub(super) fn node(&self) -> &Version {
        &self.shared.node
    }

    /// Takes up what an earlier run was answered, if that still counts; nothing need be looked ahead at
    /// from there.
    pub(super) fn remember(&self, answers: &Answers) {
        let Some((found, freshness)) = answers.read() else {
            return;
        };
        self.shared.registry.note(&freshness);
        let mut questions = lock(&self.shared.questions);
        let mut manifests = lock(&self.shared.manifests);
        for (name, wanted, manifest) in found {
            let Ok(name) = PackageName::parse(&name) else {
                continue;
            };
            let version = manifest.version.as_deref().unwrap_or_default();
            let version = (name.clone(), version.into());
            manifests.insert((version, Told::Before), Arc::clone(&manifest));
            let asked = Asked {
                cell: Arc::new(OnceCell::new_with(Some(Ok(manifest)))),
                reach: None,
                is_remembered: true,
            };
            questions.insert((name, (&*wanted).into()), asked);
        }
    }

    /// Keeps all answers for the next run, if there are new ones among them.
    pub(super) fn keep(&self, answers: &Answers) {
        let Some(freshness) = self.shared.registry.freshness() else {
            return;
        };
        let questions = lock(&self.shared.questions);
        let manifest = |asked: &Asked| asked.cell.get()?.as_ref().ok().cloned();
        let is_new = |asked: &Asked| !asked.is_remembered && manifest(asked).is_some();
        if !questions.values().any(is_new) {
            return;
        }
        let mut all: Vec<(&Question, Arc<Manifest>)> = questions
            .iter()
            .filter_map(|(question, asked)| Some((question, manifest(asked)?)))
            .collect();
        // The map's own order changes from run to run.
        all.sort_unstable_by_key(|(question, _)| *question);
        let all = all
            .iter()
            .map(|((name, wanted), manifest)| (name.as_str(), &**wanted, manifest));
        answers.write(all, freshness);
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

    /// Says what the project asks for itself. That it gets, whatever version a package would choose of its
    /// peer: nothing is looked ahead at from there.
    pub(super) fn own<'n>(&self, names: impl IntoIterator<Item = &'n str>) {
        let names = names.into_iter().map(Box::from);
        lock(&self.shared.own).extend(names);
    }

    /// Asks for a dependency alone.
    pub(super) fn ask(&self, name: &str, spec: &Spec) {
        self.follow(Reach::Alone, name, spec);
    }

    /// Asks for a dependency, and then for all that it needs.
    pub(super) fn look(&self, name: &str, spec: &Spec) {
        self.follow(Reach::All, name, spec);
    }

    fn follow(&self, reach: Reach, name: &str, spec: &Spec) {
        let next: Vec<Next> = self.shared.next(reach, name, spec).into_iter().collect();
        if !next.is_empty() {
            follow(&self.shared, &self.tasks, next);
        }
    }

    /// Whether a registry was asked for a package and has none of that name.
    pub(super) async fn is_absent(&self, name: &PackageName) -> bool {
        let asked = self.shared.registry.packument(name).await;
        asked.is_err_and(|error| error.is_absence())
    }

    /// The name nearest to a missing one among those that there are.
    pub(super) fn nearest(&self, name: &PackageName) -> Option<String> {
        let manifests = lock(&self.shared.manifests);
        let mut known: Vec<&str> = manifests
            .keys()
            .map(|((known, _), _)| known.as_str())
            .collect();
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
            if let Some(packument) = self.registry.coming_in_full(name).await
                && let Some(found) = packument.version(version)
                && found.published().is_some()
            {
                let manifest = || found.manifest().map(Arc::new);
                return self.shared(name, version, Told::InFull, manifest);
            }
            let found = self.registry.version(name, version).await;
            match found.map_err(SourceError::Registry)? {
                Some(manifest) => {
                    return self.shared(name, version, Told::InFull, || Some(manifest));
                }
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
        let told = match version.published() {
            Some(_) => Told::InFull,
            None => Told::Briefly,
        };
        let manifest = || version.manifest().map(Arc::new);
        self.shared(name, version.text(), told, manifest)
    }

    /// A version's manifest, the same for all who get that version.
    fn shared(
        &self,
        name: &PackageName,
        version: &str,
        told: Told,
        manifest: impl FnOnce() -> Option<Arc<Manifest>>,
    ) -> Answer {
        let key = ((name.clone(), Box::from(version)), told);
        if let Some(known) = lock(&self.manifests).get(&key) {
            return Ok(Arc::clone(known));
        }
        let manifest = manifest().ok_or_else(|| SourceError::Damaged {
            name: name.to_string(),
        })?;
        let mut manifests = lock(&self.manifests);
        Ok(Arc::clone(manifests.entry(key).or_insert(manifest)))
    }

    /// What a specifier means; what the dependency is called plays no part in it.
    fn spec(&self, text: &Arc<str>) -> Option<Arc<Spec>> {
        if let Some(known) = lock(&self.specs).get(text) {
            return known.clone();
        }
        let read = Spec::parse("any", text).ok().map(Arc::new);
        lock(&self.specs).insert(Arc::clone(text), read.clone());
        read
    }

    /// The question for a registry package, unless it was looked as far ahead from it before.
    fn next(&self, reach: Reach, name: &str, spec: &Spec) -> Option<Next> {
        let (name, wanted) = match spec {
            Spec::Registry(wanted) => (PackageName::parse(name).ok()?, wanted),
            Spec::Alias { name, wanted } => (name.clone(), wanted),
            _ => return None,
        };
        let cell = self.asked(&name, wanted, |asked| {
            // Whatever comes of a remembered answer is remembered too.
            let is_new = asked.reach < Some(reach) && !asked.is_remembered;
            asked.reach = asked.reach.max(Some(reach));
            is_new.then(|| Arc::clone(&asked.cell))
        })?;
        let wanted = wanted.clone();
        Some(Next {
            cell,
            name,
            wanted,
            reach,
        })
    }

    /// The questions for what a package needs: all but what its tarball holds.
    fn next_below(&self, reach: Reach, answer: &Answer) -> impl Iterator<Item = Next> {
        let manifest = answer.as_deref().ok();
        let own = manifest
            .into_iter()
            .flat_map(|it| [&it.dependencies, &it.optional_dependencies])
            .flatten()
            .filter(move |_| reach == Reach::All)
            .map(move |(name, spec)| (name, spec, reach));
        let with_peers = reach > Reach::Alone && self.with_peers.load(Ordering::Relaxed);
        let peers = manifest
            .filter(|_| with_peers)
            .into_iter()
            .flat_map(move |it| {
                let own = lock(&self.own);
                let others = it.peer_dependencies.iter();
                let others = others.filter(|(name, _)| !own.contains(&**name));
                let others: Vec<_> = others.collect();
                others.into_iter().map(move |(name, spec)| {
                    let may_be_missing = it.optional_peers.contains(name);
                    let reach = if may_be_missing { Reach::Peers } else { reach };
                    (name, spec, reach)
                })
            });
        own.chain(peers)
            .filter(move |(name, ..)| manifest.is_some_and(|it| !it.bundled.contains(name)))
            .filter_map(|(name, spec, reach)| self.next(reach, name, &*self.spec(spec)?))
    }
}

/// Answers questions on another thread, then those that come of them, and so on. What the store has is
/// answered there and then; what the network has to be asked for is waited for apart.
fn follow(shared: &Arc<Shared>, tasks: &Tasks, mut next: Vec<Next>) {
    let (below, more) = (Arc::clone(shared), Arc::downgrade(tasks));
    let work = async move {
        while let Some(question) = next.pop() {
            if next.len() >= SHARED_FROM
                && let Some(tasks) = more.upgrade()
            {
                follow(&below, &tasks, next.split_off(next.len() / 2));
            }
            let reach = question.reach;
            let mut answering = Box::pin(answer(Arc::clone(&below), question));
            match polled(&mut answering).await {
                Poll::Ready(answer) => next.extend(below.next_below(reach, &answer)),
                Poll::Pending => wait(&below, &more.upgrade(), reach, answering),
            }
        }
    };
    lock(tasks).spawn(work);
}

/// Waits for an answer, and follows the questions that come of it.
fn wait(
    shared: &Arc<Shared>,
    tasks: &Option<Tasks>,
    reach: Reach,
    answering: impl Future<Output = Answer> + Send + 'static,
) {
    let Some(tasks) = tasks else { return };
    let (below, more) = (Arc::clone(shared), Arc::downgrade(tasks));
    let work = async move {
        let answer = answering.await;
        if let Some(tasks) = more.upgrade() {
            let next: Vec<Next> = below.next_below(reach, &answer).collect();
            if !next.is_empty() {
                follow(&below, &tasks, next);
            }
        }
    };
    lock(tasks).spawn(work);
}

async fn answer(shared: Arc<Shared>, question: Next) -> Answer {
    let Next {
        cell, name, wanted, ..
    } = question;
    // One thread answers hundreds in a row, which tokio would interrupt now and then.
    tokio::task::unconstrained(shared.answer(&cell, &name, &wanted)).await
}

/// What becomes of a future when it is looked at once.
async fn polled<F: Future + ?Sized>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}

/// What is behind a lock here is whole at all times: a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
