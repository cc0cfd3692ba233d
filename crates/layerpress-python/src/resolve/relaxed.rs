//! The nearest change that would make it work: which single bound of the user's, left out, lets
//! everything else be met.

use std::sync::Arc;
use std::time::Duration;

use pep440_rs::VersionSpecifiers;
use tokio::time::timeout;

use super::explain::Fact;
use super::inputs::{Budget, Need, Request, Wanted};
use super::provider::Provider;
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

/// The lines without whose bound there would be a solution, with what would be chosen.
pub(super) async fn what_would_do<P: Provider>(
    attempt: &Attempt<P>,
    facts: &[Fact],
) -> Vec<String> {
    let mut lines: Vec<usize> = facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Asked { line, .. } => Some(*line),
            _ => None,
        })
        .collect();
    lines.dedup();
    // A single line that cannot be met has been explained by what it asks for.
    if lines.len() < 2 {
        return Vec::new();
    }
    let mut ways = Vec::new();
    let search = async {
        for line in lines.into_iter().take(TRIES) {
            ways.extend(without_bound(attempt, line).await);
            if ways.len() == WAYS {
                break;
            }
        }
    };
    // Whatever was found in time is told.
    let _ = timeout(PATIENCE, search).await;
    ways
}

async fn without_bound<P: Provider>(attempt: &Attempt<P>, line: usize) -> Option<String> {
    let mut request = Request::clone(&attempt.request);
    let wanted = bounded_line(&mut request, line)?;
    let (place, text) = (wanted.place.clone(), wanted.text.clone());
    let name = wanted.name.clone()?;
    wanted.need = Need::Versions(VersionSpecifiers::empty());
    request.budget = EFFORT;
    let relaxed = Attempt::new(
        Arc::new(request),
        Arc::clone(&attempt.provider),
        attempt.fixed.clone(),
    );
    let solution = relaxed.run().await.ok();
    relaxed.desk.close();
    let solution = solution?;
    let chosen = solution.chosen.iter().find_map(|(package, version)| {
        let id = package.name()?;
        (*solution.names.package_name(id) == name).then_some(version)
    })?;
    Some(format!(
        "without the bound in `{text}` ({place}), {name} {chosen} would do"
    ))
}

/// The line, if it bounds the versions of a package on an index.
fn bounded_line(request: &mut Request, line: usize) -> Option<&mut Wanted> {
    let all = [&mut request.requirements, &mut request.constraints];
    let wanted = all.into_iter().flatten().nth(line)?;
    matches!(&wanted.need, Need::Versions(specifiers) if !specifiers.is_empty()).then_some(wanted)
}
