//! One resolution from beginning to end: solving on a thread of its own, and making sense of the
//! outcome.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use pep440_rs::Version;
use pep508_rs::PackageName;
use rustc_hash::FxHashMap;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::demands::Demands;
use super::desk::Desk;
use super::error::ResolveError;
use super::essence::essence;
use super::explain::Context;
use super::facts::{Fact, Reader};
use super::hints::hints;
use super::inputs::Request;
use super::outright::{Outright, look_into};
use super::package::{NameId, Names};
use super::provider::{Missing, Provider};
use super::relaxed::what_would_do;
use super::resolution::Resolution;
use super::solver::{Failure, Problem, Refuted, Solution, Solver};
use super::stock::Selector;

/// The solver's thread takes apart proofs that may be as deep as its budget allows.
const STACK_BYTES: usize = 256 << 20;

/// Chooses one release for each package that the request needs.
///
/// Runs within a tokio runtime whose clock is switched on.
///
/// # Errors
/// When nothing fits, with an explanation; when the provider fails; when it takes too long.
pub async fn resolve<P: Provider>(
    mut request: Request,
    provider: Arc<P>,
) -> Result<Resolution<P::File>, ResolveError> {
    let fixed = look_into(&mut request, &provider).await?;
    let request = Arc::new(request);
    let attempt = Attempt::new(Arc::clone(&request), provider, fixed);
    let result = match attempt.run().await {
        Ok(solution) => Ok(Resolution::new(&solution, &request, &attempt.fixed)),
        Err(Problematic::NoSolution(refusal)) => Err(refusal.into_error(&attempt).await),
        Err(Problematic::Other(error)) => Err(error),
    };
    attempt.desk.close();
    result
}

/// A request that is being tried.
pub(super) struct Attempt<P: Provider> {
    pub(super) request: Arc<Request>,
    pub(super) provider: Arc<P>,
    pub(super) fixed: Outright<P::File>,
    pub(super) desk: Arc<Desk<P>>,
}

impl<P: Provider> Attempt<P> {
    pub(super) fn new(request: Arc<Request>, provider: Arc<P>, fixed: Outright<P::File>) -> Self {
        let python = &request.environment.python_full_version().version;
        let desk = Desk::new(
            Arc::clone(&provider),
            Selector::new(&request),
            python.only_release(),
            Handle::current(),
        );
        Self {
            request,
            provider,
            fixed,
            desk: Arc::new(desk),
        }
    }

    fn fixed_version(&self, name: &PackageName) -> Option<Version> {
        let fixed = self.fixed.get(name)?;
        Some(fixed.metadata.version.clone())
    }

    pub(super) async fn run(&self) -> Result<Solution<P::File>, Problematic> {
        let problem = Problem {
            desk: Arc::clone(&self.desk),
            demands: Demands::new(&self.request, self.fixed.keys().cloned().collect()),
            fixed: self.fixed.clone(),
            require_hashes: self.request.require_hashes,
            budget: self.request.budget,
        };
        on_a_thread(problem, Arc::clone(&self.request), Arc::clone(&self.desk)).await
    }
}

/// What the solver's thread hands back when nothing was chosen.
pub(super) enum Problematic {
    NoSolution(Box<Refusal>),
    Other(ResolveError),
}

/// A proof, boiled down to what can be told.
pub(super) struct Refusal {
    names: Names,
    facts: Vec<Fact>,
}

impl Refusal {
    async fn into_error<P: Provider>(self: Box<Self>, attempt: &Attempt<P>) -> ResolveError {
        let desk = &attempt.desk;
        let fixed = |name: NameId| attempt.fixed_version(self.names.package_name(name));
        let known = |name: NameId| match fixed(name) {
            Some(version) => vec![version],
            None => known_versions(&self.names, desk, name),
        };
        let context = Context {
            names: &self.names,
            request: &attempt.request,
            known: &known,
            fixed: &fixed,
            places: &|name| desk.places(self.names.package_name(name)),
            all: &self.facts,
        };
        let essential = essence(&self.facts, &known);
        let told = essential.as_deref().unwrap_or(&self.facts);
        let mut ways = what_would_do(attempt, told).await;
        ways.extend(hints(&context, told, desk).await);
        let offline = |fact: &Fact| {
            let missing = Missing::Offline;
            matches!(fact, Fact::Missing { missing: why, .. } if *why == missing)
        };
        ResolveError::NoSolution {
            other_python: told.iter().any(Fact::is_about_python),
            other_hashes: told.iter().any(Fact::is_about_hashes),
            offline: self.facts.iter().any(offline),
            hints: ways,
            explanation: context.explanation(told),
        }
    }
}

/// Runs the solver, and stops it when nobody waits any more.
async fn on_a_thread<P: Provider>(
    problem: Problem<P>,
    request: Arc<Request>,
    desk: Arc<Desk<P>>,
) -> Result<Solution<P::File>, Problematic> {
    let stop = Arc::clone(&desk);
    let (answer, answered) = oneshot::channel();
    let fixed: FxHashMap<PackageName, Version> = problem
        .fixed
        .iter()
        .map(|(name, fixed)| (name.clone(), fixed.metadata.version.clone()))
        .collect();
    let spawned = thread::Builder::new()
        .name("resolve".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            let outcome = Solver::new(problem)
                .solve()
                .map_err(|failure| boil_down(failure, &request, &fixed));
            // Nobody may be there to hear it.
            let _ = answer.send(outcome);
        });
    let Ok(thread) = spawned else {
        return Err(Problematic::Other(ResolveError::Interrupted));
    };
    let running = Running {
        thread: Some(thread),
        desk: stop,
    };
    let outcome = answered.await;
    drop(running);
    // No answer means that the thread has panicked, and has said so.
    outcome.unwrap_or(Err(Problematic::Other(ResolveError::Interrupted)))
}

/// A solver at work. It must not outlive whoever waits for it: the runtime that it waits on may be
/// gone by then.
struct Running<P: Provider> {
    thread: Option<JoinHandle<()>>,
    desk: Arc<Desk<P>>,
}

impl<P: Provider> Drop for Running<P> {
    fn drop(&mut self) {
        self.desk.cancel();
        if let Some(thread) = self.thread.take() {
            // It stops at its next step; a panic of its own has been told already.
            let _ = thread.join();
        }
    }
}

fn boil_down(
    failure: Failure,
    request: &Request,
    fixed: &FxHashMap<PackageName, Version>,
) -> Problematic {
    match failure {
        Failure::NoSolution(refuted) => {
            let Refuted { proof, names, user } = *refuted;
            let reader = Reader {
                names: &names,
                request,
                user: &user,
                fixed: &|name| fixed.get(names.package_name(name)).cloned(),
            };
            let facts = reader.facts(&proof);
            Problematic::NoSolution(Box::new(Refusal { names, facts }))
        }
        Failure::Budget { decisions, busiest } => {
            Problematic::Other(ResolveError::Budget { decisions, busiest })
        }
        Failure::Provide {
            name,
            version,
            error,
        } => {
            let what =
                version.map_or_else(|| name.to_string(), |version| format!("{name} {version}"));
            Problematic::Other(ResolveError::Provide { what, error })
        }
        Failure::Cancelled => Problematic::Other(ResolveError::Interrupted),
    }
}

fn known_versions<P: Provider>(names: &Names, desk: &Desk<P>, name: NameId) -> Vec<Version> {
    desk.stock_seen(names.package_name(name))
        .map(|stock| stock.known().to_vec())
        .unwrap_or_default()
}
