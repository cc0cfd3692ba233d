//! One resolution from beginning to end: looking into what lines name outright, solving on a thread
//! of its own, and making sense of the outcome.

use std::sync::Arc;
use std::thread;

use futures_util::future::try_join_all;
use layerpress_fetch::redacted;
use pep440_rs::Version;
use pep508_rs::{PackageName, VersionOrUrl};
use rustc_hash::{FxHashMap, FxHashSet};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::demands::{Demands, Dependency};
use super::desk::Desk;
use super::error::ResolveError;
use super::explain::{Context, Fact};
use super::hints::hints;
use super::inputs::{Need, Request, Wanted};
use super::package::{NameId, Names};
use super::provider::{Fixed, Provider};
use super::resolution::Resolution;
use super::solver::{Failure, Problem, Refuted, Solution, Solver};
use super::stock::Selector;
use crate::manifest::{Origin, parse_requirement};

/// The solver's thread takes apart proofs that may be as deep as its budget allows.
const STACK_BYTES: usize = 256 << 20;

/// How far URLs that lead to URLs are followed.
const DEPTH: usize = 64;

/// Chooses one release for each package that the request needs.
///
/// # Errors
/// When nothing fits, with an explanation; when the provider fails; when it takes too long.
pub async fn resolve<P: Provider>(
    mut request: Request,
    provider: Arc<P>,
) -> Result<Resolution<P::File>, ResolveError> {
    let fixed = look_into(&mut request, &provider).await?;
    let names_of_fixed: FxHashSet<PackageName> = fixed.keys().cloned().collect();
    let python = request
        .environment
        .python_full_version()
        .version
        .only_release();
    let desk = Arc::new(Desk::new(
        provider,
        Selector::new(&request),
        python,
        Handle::current(),
    ));
    let problem = Problem {
        desk: Arc::clone(&desk),
        demands: Demands::new(&request, names_of_fixed),
        fixed: fixed.clone(),
        require_hashes: request.require_hashes,
        budget: request.budget,
    };
    let request = Arc::new(request);
    let outcome = on_a_thread(problem, Arc::clone(&request), Arc::clone(&desk)).await;
    let result = match outcome {
        Ok(solution) => Ok(Resolution::new(&solution, &request, &fixed)),
        Err(Problematic::NoSolution(refusal)) => Err(refusal.into_error(&request, &desk).await),
        Err(Problematic::Other(error)) => Err(error),
    };
    desk.close();
    result
}

/// What the solver's thread hands back when nothing was chosen.
enum Problematic {
    NoSolution(Box<Refusal>),
    Other(ResolveError),
}

/// A proof, boiled down to what can be told.
struct Refusal {
    names: Names,
    user: Vec<Dependency>,
    facts: Vec<Fact>,
    explanation: String,
}

impl Refusal {
    async fn into_error<P: Provider>(
        self: Box<Self>,
        request: &Request,
        desk: &Arc<Desk<P>>,
    ) -> ResolveError {
        let known = |name: NameId| known_versions(&self.names, desk, name);
        let context = Context {
            names: &self.names,
            request,
            user: &self.user,
            known: &known,
        };
        ResolveError::NoSolution {
            hints: hints(&context, &self.facts, desk).await,
            explanation: self.explanation,
        }
    }
}

/// Runs the solver, and stops it when nobody waits any more.
async fn on_a_thread<P: Provider>(
    problem: Problem<P>,
    request: Arc<Request>,
    desk: Arc<Desk<P>>,
) -> Result<Solution<P::File>, Problematic> {
    let guard = StopOnDrop(Arc::clone(&desk));
    let (answer, answered) = oneshot::channel();
    let spawned = thread::Builder::new()
        .name("resolve".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            let outcome = Solver::new(problem)
                .solve()
                .map_err(|failure| boil_down(failure, &request, &desk));
            // Nobody may be there to hear it.
            let _ = answer.send(outcome);
        });
    let outcome = match spawned {
        Ok(_) => answered.await,
        Err(_) => return Err(Problematic::Other(ResolveError::Interrupted)),
    };
    drop(guard);
    // No answer means that the thread has panicked, and has said so.
    outcome.unwrap_or(Err(Problematic::Other(ResolveError::Interrupted)))
}

struct StopOnDrop<P: Provider>(Arc<Desk<P>>);

impl<P: Provider> Drop for StopOnDrop<P> {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

fn boil_down<P: Provider>(failure: Failure, request: &Request, desk: &Desk<P>) -> Problematic {
    match failure {
        Failure::NoSolution(refuted) => {
            let Refuted { proof, names, user } = *refuted;
            let known = |name: NameId| known_versions(&names, desk, name);
            let context = Context {
                names: &names,
                request,
                user: &user,
                known: &known,
            };
            let facts = context.facts(&proof);
            let explanation = context.explanation(&facts);
            Problematic::NoSolution(Box::new(Refusal {
                names,
                user,
                facts,
                explanation,
            }))
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

/// Looks into every archive, folder and checkout that the request names, and those that these name
/// in turn; gives nameless lines their names.
async fn look_into<P: Provider>(
    request: &mut Request,
    provider: &Arc<P>,
) -> Result<FxHashMap<PackageName, Fixed<P::File>>, ResolveError> {
    let mut found: FxHashMap<PackageName, Fixed<P::File>> = FxHashMap::default();
    let mut lines: FxHashMap<PackageName, String> = FxHashMap::default();
    let environment = request.environment.clone();
    let applies = |wanted: &Wanted| {
        matches!(wanted.need, Need::Fixed(_)) && wanted.marker.evaluate(&environment, &[])
    };
    let named = [
        &mut request.requirements,
        &mut request.constraints,
        &mut request.overrides,
    ];
    let mut wanted: Vec<&mut Wanted> = named
        .into_iter()
        .flatten()
        .filter(|wanted| applies(wanted))
        .collect();
    let mut led_to: Vec<Wanted> = Vec::new();
    let looked = try_join_all(wanted.iter().map(|wanted| look(wanted, provider))).await?;
    for (wanted, fixed) in wanted.iter_mut().zip(looked) {
        wanted.name = Some(fixed.metadata.name.clone());
        keep(wanted, &fixed, &mut found, &mut lines)?;
        led_to.extend(urls_of(wanted, &fixed, &environment));
    }
    for _ in 0..DEPTH {
        led_to.retain(|wanted| {
            wanted
                .name
                .as_ref()
                .is_none_or(|name| !found.contains_key(name))
        });
        if led_to.is_empty() {
            break;
        }
        let looked = try_join_all(led_to.iter().map(|wanted| look(wanted, provider))).await?;
        let mut next = Vec::new();
        for (wanted, fixed) in led_to.iter().zip(looked) {
            keep(wanted, &fixed, &mut found, &mut lines)?;
            next.extend(urls_of(wanted, &fixed, &environment));
        }
        led_to = next;
    }
    Ok(found)
}

async fn look<P: Provider>(
    wanted: &Wanted,
    provider: &Arc<P>,
) -> Result<Fixed<P::File>, ResolveError> {
    let fixed = provider
        .fixed(wanted)
        .await
        .map_err(|error| ResolveError::Provide {
            what: wanted.to_string(),
            error,
        })?;
    let actual = &fixed.metadata.name;
    if wanted.name.as_ref().is_some_and(|name| name != actual) {
        return Err(ResolveError::NameMismatch {
            line: wanted.to_string(),
            actual: actual.clone(),
        });
    }
    Ok(fixed)
}

fn keep<F: Clone>(
    wanted: &Wanted,
    fixed: &Fixed<F>,
    found: &mut FxHashMap<PackageName, Fixed<F>>,
    lines: &mut FxHashMap<PackageName, String>,
) -> Result<(), ResolveError> {
    let name = &fixed.metadata.name;
    if let (Some(before), Some(first)) = (found.get(name), lines.get(name)) {
        if before.identity == fixed.identity {
            return Ok(());
        }
        return Err(ResolveError::ConflictingSources {
            name: name.clone(),
            first: first.clone(),
            second: wanted.to_string(),
        });
    }
    found.insert(name.clone(), fixed.clone());
    lines.insert(name.clone(), wanted.to_string());
    Ok(())
}

/// What the metadata of something that the user named outright names outright itself.
fn urls_of<F>(
    wanted: &Wanted,
    fixed: &Fixed<F>,
    environment: &pep508_rs::MarkerEnvironment,
) -> Vec<Wanted> {
    let metadata = &fixed.metadata;
    let applies = metadata
        .dependencies(&wanted.extras)
        .filter(|requirement| requirement.marker.evaluate(environment, &wanted.extras));
    applies
        .filter_map(|requirement| {
            let Some(VersionOrUrl::Url(url)) = &requirement.version_or_url else {
                return None;
            };
            let place = format!("{} {}", metadata.name, metadata.version);
            let text = format!("{} @ {url}", requirement.name);
            let origin = Origin::new(&place, None, &text);
            // One that cannot be read is not followed, and refused if it comes up.
            let source = parse_requirement(&text, &origin, None).ok()?.source;
            Some(Wanted {
                name: Some(requirement.name.clone()),
                extras: requirement.extras.clone(),
                marker: pep508_rs::MarkerTree::TRUE,
                need: Need::Fixed(source),
                hashes: Vec::new(),
                config_settings: Vec::new(),
                place,
                text: format!("{} @ {}", requirement.name, redacted(url)),
            })
        })
        .collect()
}
