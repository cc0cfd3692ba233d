//! What requirement lines name outright: looked into before anything is chosen, since each is the one
//! candidate for its name.

use std::sync::Arc;

use futures_util::future::try_join_all;
use layerpress_fetch::redacted;
use pep508_rs::{PackageName, VersionOrUrl};
use rustc_hash::FxHashMap;

use super::error::ResolveError;
use super::inputs::{Need, Request, Wanted};
use super::provider::{Fixed, Provider};
use crate::manifest::{Origin, parse_requirement};

/// How far URLs that lead to URLs are followed.
const DEPTH: usize = 64;

/// The candidates that lines name outright, by name.
pub(super) type Outright<F> = FxHashMap<PackageName, Fixed<F>>;

/// Looks into every archive, folder and checkout that the request names, and those that these name
/// in turn; gives nameless lines their names.
pub(super) async fn look_into<P: Provider>(
    request: &mut Request,
    provider: &Arc<P>,
) -> Result<Outright<P::File>, ResolveError> {
    let mut found = Outright::default();
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
    found: &mut Outright<F>,
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
