//! Between the solver, which must wait, and the network, which must not.
//!
//! Each question is asked once, whoever asks first; the solver takes what is at hand without
//! leaving its thread, has what it will need fetched ahead of time, and only waits for what it
//! needs now.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pep440_rs::Version;
use pep508_rs::PackageName;
use pubgrub::Ranges;
use rustc_hash::FxHashMap;
use tokio::runtime::Handle;
use tokio::sync::{OnceCell, watch};
use tokio::task::JoinSet;

use super::provider::{Listing, MetadataFault, PassedOver, Pick, ProvideError, Provider, Release};
use super::ranges;
use super::stock::{Selector, Stock};
use crate::Metadata;

type StockCell<F> = Arc<OnceCell<Result<Arc<Stock<F>>, ProvideError>>>;
type MetadataCell = Arc<OnceCell<Result<Arc<Metadata>, MetadataFault>>>;

/// Everything learnt from the provider so far, and what is under way.
#[derive(Debug)]
pub(crate) struct Desk<P: Provider> {
    provider: Arc<P>,
    selector: Selector,
    python: Version,
    runtime: Handle,
    stocks: Mutex<FxHashMap<PackageName, StockCell<P::File>>>,
    metadata: Mutex<FxHashMap<(PackageName, Version), MetadataCell>>,
    under_way: Mutex<JoinSet<()>>,
    cancelled: watch::Sender<bool>,
    waited: Mutex<Duration>,
}

impl<P: Provider> Desk<P> {
    pub(crate) fn new(
        provider: Arc<P>,
        selector: Selector,
        python: Version,
        runtime: Handle,
    ) -> Self {
        Self {
            provider,
            selector,
            python,
            runtime,
            stocks: Mutex::default(),
            metadata: Mutex::default(),
            under_way: Mutex::default(),
            cancelled: watch::Sender::new(false),
            waited: Mutex::default(),
        }
    }

    pub(crate) fn selector(&self) -> &Selector {
        &self.selector
    }

    /// The target's Python, release numbers only.
    pub(crate) fn python(&self) -> &Version {
        &self.python
    }

    /// Tells the solver to stop: nobody waits for its answer.
    pub(crate) fn cancel(&self) {
        self.cancelled.send_replace(true);
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        *self.cancelled.borrow()
    }

    /// How long the solver has waited for answers.
    pub(crate) fn waited(&self) -> Duration {
        *lock(&self.waited)
    }

    /// The releases of a package, if they are at hand.
    pub(crate) fn stock_now(
        &self,
        name: &PackageName,
    ) -> Option<Result<Arc<Stock<P::File>>, ProvideError>> {
        let cell = self.stock_cell(name);
        if let Some(known) = cell.get() {
            return Some(known.clone());
        }
        let stock = Arc::new(Stock::new(self.provider.releases_now(name)?));
        // Somebody else may have been faster; either answer will do.
        let _ = cell.set(Ok(Arc::clone(&stock)));
        Some(Ok(stock))
    }

    /// The releases of a package; waits for them, unless it is told to stop.
    pub(crate) fn stock(
        &self,
        name: &PackageName,
    ) -> Option<Result<Arc<Stock<P::File>>, ProvideError>> {
        let cell = self.stock_cell(name);
        self.wait(fill_stock(&self.provider, name, &cell))
    }

    /// What is known of a package's releases when everything is over.
    pub(crate) fn stock_seen(&self, name: &PackageName) -> Option<Arc<Stock<P::File>>> {
        // A cell can be empty although the solver had an answer: while somebody else was still
        // filling it, nothing could be put into it.
        self.stock_now(name)?.ok()
    }

    /// The releases of a package, for those who may wait.
    pub(crate) async fn stock_later(
        &self,
        name: &PackageName,
    ) -> Result<Arc<Stock<P::File>>, ProvideError> {
        let cell = self.stock_cell(name);
        fill_stock(&self.provider, name, &cell).await
    }

    /// The releases of a package that are not looked at.
    pub(crate) async fn passed_over(&self, name: &PackageName) -> Vec<PassedOver<P::File>> {
        self.provider.passed_over(name).await
    }

    /// The places where a package is looked for, for display.
    pub(crate) fn places(&self, name: &PackageName) -> Vec<String> {
        self.provider.places(name)
    }

    /// The metadata of a release, if it is at hand.
    pub(crate) fn metadata_now(
        &self,
        name: &PackageName,
        version: &Version,
        pick: &Pick<P::File>,
    ) -> Option<Result<Arc<Metadata>, MetadataFault>> {
        let cell = self.metadata_cell(name, version);
        if let Some(known) = cell.get() {
            return Some(known.clone());
        }
        let found = self.provider.metadata_now(name, version, &pick.file)?;
        let _ = cell.set(found.clone());
        Some(found)
    }

    /// The metadata of a release; waits for it, unless it is told to stop.
    pub(crate) fn metadata(
        &self,
        name: &PackageName,
        version: &Version,
        pick: &Pick<P::File>,
    ) -> Option<Result<Arc<Metadata>, MetadataFault>> {
        let cell = self.metadata_cell(name, version);
        self.wait(fill_metadata(
            &self.provider,
            name,
            version,
            &pick.file,
            &cell,
        ))
    }

    /// Has the releases of a package fetched, and then the metadata of the one that `range` would
    /// lead to, if a range is given.
    pub(crate) fn fetch_ahead(
        self: &Arc<Self>,
        name: &PackageName,
        range: Option<Ranges<Version>>,
    ) {
        let desk = Arc::clone(self);
        let name = name.clone();
        self.start(async move {
            let Ok(stock) = desk.stock_later(&name).await else {
                return;
            };
            let Some(range) = range else { return };
            let Some(candidate) = desk.selector.select(&name, &range, &stock) else {
                return;
            };
            let Some(pick) = desk.worth_fetching(candidate.release) else {
                return;
            };
            let cell = desk.metadata_cell(&name, candidate.version);
            // A fault is kept and shows when the solver comes for it.
            let _ =
                fill_metadata(&desk.provider, &name, candidate.version, &pick.file, &cell).await;
        });
    }

    /// Has the metadata of one release fetched, unless it is at hand.
    pub(crate) fn fetch_metadata_ahead(
        self: &Arc<Self>,
        name: &PackageName,
        version: &Version,
        release: &Release<P::File>,
    ) {
        let Some(pick) = self.worth_fetching(release) else {
            return;
        };
        if self.metadata_now(name, version, pick).is_some() {
            return;
        }
        let desk = Arc::clone(self);
        let (name, version, file) = (name.clone(), version.clone(), pick.file.clone());
        self.start(async move {
            let cell = desk.metadata_cell(&name, &version);
            let _ = fill_metadata(&desk.provider, &name, &version, &file, &cell).await;
        });
    }

    /// Only wheels are worth getting on a guess: a source distribution may have to be built.
    fn worth_fetching<'r>(&self, release: &'r Release<P::File>) -> Option<&'r Pick<P::File>> {
        let Release::Usable(pick) = release else {
            return None;
        };
        let fits = |specifiers: &Arc<_>| ranges::python_admitted(specifiers, &self.python);
        (pick.wheel && pick.requires_python.as_ref().is_none_or(fits)).then_some(pick)
    }

    fn start(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut under_way = lock(&self.under_way);
        while under_way.try_join_next().is_some() {}
        under_way.spawn_on(work, &self.runtime);
    }

    fn wait<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        let start = Instant::now();
        let mut cancelled = self.cancelled.subscribe();
        let answer = self.runtime.block_on(async {
            tokio::select! {
                // First, since the answer's own timers must not be touched once the runtime goes.
                biased;
                _ = cancelled.wait_for(|cancelled| *cancelled) => None,
                answer = answer => Some(answer),
            }
        });
        *lock(&self.waited) += start.elapsed();
        answer
    }

    fn stock_cell(&self, name: &PackageName) -> StockCell<P::File> {
        let mut cells = lock(&self.stocks);
        if let Some(cell) = cells.get(name) {
            return Arc::clone(cell);
        }
        Arc::clone(cells.entry(name.clone()).or_default())
    }

    fn metadata_cell(&self, name: &PackageName, version: &Version) -> MetadataCell {
        let key = (name.clone(), version.clone());
        Arc::clone(lock(&self.metadata).entry(key).or_default())
    }

    /// Ends what is still under way.
    pub(crate) fn close(&self) {
        lock(&self.under_way).abort_all();
    }
}

async fn fill_stock<P: Provider>(
    provider: &Arc<P>,
    name: &PackageName,
    cell: &StockCell<P::File>,
) -> Result<Arc<Stock<P::File>>, ProvideError> {
    let ask = || async {
        let listing: Listing<P::File> = provider.releases(name).await?;
        Ok(Arc::new(Stock::new(listing)))
    };
    cell.get_or_init(ask).await.clone()
}

async fn fill_metadata<P: Provider>(
    provider: &Arc<P>,
    name: &PackageName,
    version: &Version,
    file: &P::File,
    cell: &MetadataCell,
) -> Result<Arc<Metadata>, MetadataFault> {
    let ask = || provider.metadata(name, version, file);
    cell.get_or_init(ask).await.clone()
}

/// Nothing here panics while it holds a lock, and a half-done insertion would do no harm.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
