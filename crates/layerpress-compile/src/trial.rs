//! [`try_out`]: the user's smoke test of a layer that was just built, before it is written.

use layerpress_press::Profile;
use layerpress_press::rules::{Choice, Overrides, Removal};
use layerpress_tree::LayerTree;

use crate::build::{Prepared, prepare};
use crate::error::CompileError;
use crate::lock::Locked;
use crate::report::Seconds;
use crate::request::BuildRequest;
use crate::smoke::{Bench, culprit};

/// Runs the smoke test against `layer`. Where it fails, the layer as it was before each of `steps`, and with
/// nothing left out, tells whose fault that is; and halving the rules which one's.
///
/// # Errors
/// [`CompileError::Smoke`] where it fails; what keeps it from being run.
pub(crate) fn try_out(
    bench: &mut Bench,
    request: &BuildRequest,
    locked: &Locked,
    layer: &Prepared,
    steps: &[(&'static str, LayerTree)],
) -> Result<(), CompileError> {
    let ran = bench.run(&layer.gathered.tree)?;
    if ran.is_well() {
        return Ok(());
    }
    let failed = |by: Option<String>| CompileError::Smoke {
        path: layer.path.clone(),
        end: ran.end(),
        by,
    };
    for (step, before) in steps.iter().rev() {
        if bench.run(before)?.is_well() {
            return Err(failed(Some((*step).to_owned())));
        }
    }
    let mut fails = |profile: Profile, kept: &[&'static str]| -> Result<bool, CompileError> {
        let keep = kept.iter().map(|rule| Choice {
            keep: true,
            pattern: format!("rule:{rule}"),
        });
        // The names of rules and passes are no mistakes.
        let keep = Overrides::parse(&keep.collect::<Vec<_>>()).unwrap_or_default();
        let other = BuildRequest {
            profile,
            overrides: match profile {
                Profile::None => keep,
                _ => request.overrides.clone().without_drops().followed_by(keep),
            },
            explain: Vec::new(),
            ..request.clone()
        };
        let path = layer.path.clone();
        let other = prepare(&other, locked, layer.target, path, &mut Seconds::default())?;
        match other {
            Some(other) => Ok(!bench.run(&other.gathered.tree)?.is_well()),
            None => Ok(true),
        }
    };
    if fails(Profile::None, &[])? {
        return Err(failed(None));
    }
    let drop = Removal::Choice.name();
    let rules = layer.gathered.removed.iter().map(|it| it.rule);
    let rules = rules.filter(|rule| *rule != drop);
    let passes = layer.gathered.account.gains.keys().copied();
    let rules: Vec<&'static str> = rules.chain(passes).collect();
    if !fails(request.profile, &[])? {
        return Err(failed(Some(format!("`{drop}`"))));
    }
    let first = culprit(rules.len(), |first| fails(request.profile, &rules[first..]))?;
    Err(failed(rules.get(first).map(|rule| format!("`{rule}`"))))
}
