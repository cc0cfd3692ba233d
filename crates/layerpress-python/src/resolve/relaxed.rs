//! The nearest change that would make it work: which single bound of the user's, left out, lets
//! everything else be met.

use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use pep440_rs::{Version, VersionSpecifiers};
use tokio::time::timeout;

use super::facts::Fact;
use super::inputs::{Budget, Need, Request, Wanted};
use super::outright::look_into;
use super::provider::Provider;
use super::ranges;
use super::run::Attempt;

/// How many bounds are left out, one at a time, to see what becomes of it.
const TRIES: usize = 8;

/// How many ways out are told.
const WAYS: usize = 2;

/// How long looking for them may take altogether: the answer itself is there already.
const PATIENCE: Duration = Duration::from_secs(3);

/// How hard one try may be.
const EFFORT: Budget = Budget {
    decisions: 20_000,
    thinking: Duration::from_millis(500),
};

/// The lines without whose bound there would be a solution, with what would be chosen: newer versions
/// first, and older ones only if nobody has to build them or go back by an age.
pub(super) async fn what_would_do<P: Provider>(
    attempt: &Attempt<P>,
    facts: &[Fact],
) -> Vec<String> {
    let mut lines: Vec<usize> = facts.iter().filter_map(Fact::line).collect();
    lines.dedup();
    // A single line that cannot be met has been explained by what it asks for.
    if lines.len() < 2 {
        return Vec::new();
    }
    let mut ways: Vec<Way> = Vec::new();
    let search = async {
        for line in lines.into_iter().take(TRIES) {
            ways.extend(without_bound(attempt, line).await);
        }
    };
    // Whatever was found in time is told.
    let _ = timeout(PATIENCE, search).await;
    ways.sort_by_key(|way| way.back);
    ways.truncate(WAYS);
    ways.into_iter().map(|way| way.text).collect()
}

/// The first of several requests that can be met, as far as that is quick to find out; nothing is
/// built for it.
pub async fn first_that_would_do<P: Provider>(
    requests: impl IntoIterator<Item = (Request, P)>,
) -> Option<usize> {
    let search = async {
        for (at, (mut request, provider)) in requests.into_iter().enumerate() {
            request.budget = EFFORT;
            let provider = Arc::new(provider.without_builds());
            let Ok(fixed) = look_into(&mut request, &provider).await else {
                continue;
            };
            let attempt = Attempt::new(Arc::new(request), provider, fixed);
            let found = attempt.run().await;
            attempt.desk.close();
            if found.is_ok() {
                return Some(at);
            }
        }
        None
    };
    timeout(PATIENCE, search).await.ok().flatten()
}

/// A way out.
struct Way {
    /// Whether it leads to a version older than the line admits.
    back: bool,
    text: String,
}

async fn without_bound<P: Provider>(attempt: &Attempt<P>, line: usize) -> Option<Way> {
    let mut request = Request::clone(&attempt.request);
    let wanted = bounded_line(&mut request, line)?;
    let (place, text) = (wanted.place.clone(), wanted.text.clone());
    let name = wanted.name.clone()?;
    let Need::Versions(bound) = std::mem::replace(&mut wanted.need, no_bound()) else {
        return None;
    };
    request.budget = EFFORT;
    let relaxed = Attempt::new(
        Arc::new(request),
        Arc::new(attempt.provider.without_builds()),
        attempt.fixed.clone(),
    );
    let solution = relaxed.run().await.ok();
    relaxed.desk.close();
    let solution = solution?;
    let (id, chosen) = solution.chosen.iter().find_map(|(package, version)| {
        let id = package.name()?;
        (*solution.names.package_name(id) == name).then_some((id, version))
    })?;
    let lowest = lowest(&bound);
    let back = lowest.as_ref().is_some_and(|lowest| chosen < lowest);
    if let Some(lowest) = lowest.filter(|_| back) {
        let built = solution
            .picks
            .get(&(id, chosen.clone()))
            .is_some_and(|pick| pick.built);
        if built || is_an_age_back(chosen, &lowest) {
            return None;
        }
    }
    Some(Way {
        back,
        text: format!("{name} {chosen} would do instead of `{text}` ({place})"),
    })
}

fn no_bound() -> Need {
    Need::Versions(VersionSpecifiers::empty())
}

/// The least version that a bound admits, if it has a lower end.
fn lowest(bound: &VersionSpecifiers) -> Option<Version> {
    let admitted = ranges::admitted(bound);
    match admitted.bounding_range()?.0 {
        Bound::Included(low) | Bound::Excluded(low) => Some(low.clone()),
        Bound::Unbounded => None,
    }
}

/// Whether the first number that differs is less than half of what it was: 0.1 for 0.100.
fn is_an_age_back(version: &Version, before: &Version) -> bool {
    let (new, old) = (version.release(), before.release());
    let differing = new.iter().zip(old).find(|(new, old)| new != old);
    differing.is_some_and(|(new, old)| new.saturating_mul(2) < *old)
}

/// The line, if it bounds the versions of a package on an index.
fn bounded_line(request: &mut Request, line: usize) -> Option<&mut Wanted> {
    let all = [&mut request.requirements, &mut request.constraints];
    let wanted = all.into_iter().flatten().nth(line)?;
    matches!(&wanted.need, Need::Versions(specifiers) if !specifiers.is_empty()).then_some(wanted)
}
