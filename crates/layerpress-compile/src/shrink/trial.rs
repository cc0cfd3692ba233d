//! [`trial`]: the smoke test, before and after; and whose fault it is.

use std::collections::BTreeSet;
use std::time::Duration;

use layerpress_check::Inferred;
use layerpress_tree::{LayerPath, LayerTree};

use super::passes::Changes;
use super::report::Finding;
use super::shape::Shape;
use super::{ShrinkError, ShrinkRequest};
use crate::bytecode::BYTECODE;
use crate::smoke::{Bench, Ran, SmokeError, SmokeReport, culprit};

/// What takes longer is not run another dozen times to find the one file at fault.
const QUICK: Duration = Duration::from_secs(10);

/// What the user's code runs on, if there is some.
///
/// # Errors
/// What keeps it from being run.
pub(super) fn bench(
    request: &ShrinkRequest,
    shape: Shape,
    inferred: &Inferred,
    before: &LayerTree,
) -> Result<Option<Bench>, ShrinkError> {
    let is_function = shape == Shape::Function;
    let smoke = request.smoke.as_ref();
    let bench = smoke.map(|smoke| Bench::new(smoke, before, inferred, is_function));
    Ok(bench.transpose()?)
}

/// Runs what the user asked for against the layer before and `after`, which is what `changes` made of
/// it, with bytecode where that is asked for.
///
/// # Errors
/// [`ShrinkError::Smoke`] where only the latter fails, with what did it; what keeps the test from being
/// run.
pub(super) fn trial(
    mut bench: Bench,
    before: &LayerTree,
    changes: &Changes,
    after: &LayerTree,
) -> Result<(SmokeReport, Option<Finding>), ShrinkError> {
    let was = bench.run(before)?;
    let is = bench.run(after)?;
    let report = SmokeReport {
        interpreter: bench.interpreter(),
        failed_before: (!was.is_well()).then(|| was.end()),
    };
    if let Some(end) = &report.failed_before {
        let finding = Finding::warning(
            "smoke-failed-before",
            format!(
                "the smoke test fails with the layer as it came, too, so it proves nothing: it {end}"
            ),
        );
        return Ok((report, Some(finding)));
    }
    if is.is_same(&was) {
        return Ok((report, None));
    }
    if is.is_well() && !bench.run(before)?.is_same(&was) {
        let finding = Finding::warning(
            "smoke-varies",
            "the smoke test writes something else each time, so only its exit code was compared"
                .into(),
        );
        return Ok((report, Some(finding)));
    }
    // Bytecode comes last, so what is well without it is its fault.
    let plain = changes.tree(before);
    let blamed = match bench.run(&plain)?.is_same(&was) {
        true => Blamed::whole(BYTECODE),
        false => blame(&mut bench, &was, is.took <= QUICK, before, changes)?,
    };
    Err(ShrinkError::Smoke {
        end: is.end(),
        stderr: is.stderr,
        by: blamed.by,
        path: blamed.path.map(|path| path.to_string()),
        alone: blamed.alone,
    })
}

/// What made the test fail.
struct Blamed {
    /// The rule or pass.
    by: &'static str,
    /// A file that it took or changed, without which the test fails.
    path: Option<LayerPath>,
    /// Whether the test passes as soon as that file alone is as it was.
    alone: bool,
}

impl Blamed {
    /// A rule or pass of which the files were not tried one by one.
    fn whole(by: &'static str) -> Self {
        Self {
            by,
            path: None,
            alone: false,
        }
    }
}

/// The rule or pass that makes the test fail, and where `each_file` may be tried the file.
fn blame(
    bench: &mut Bench,
    was: &Ran,
    each_file: bool,
    before: &LayerTree,
    changes: &Changes,
) -> Result<Blamed, SmokeError> {
    let by = |path: &LayerPath| changes.changed.get(path).map(|change| change.by);
    let all: BTreeSet<&'static str> = changes.changed.values().map(|change| change.by).collect();
    let all: Vec<&'static str> = all.into_iter().collect();
    let first = culprit(all.len(), |first| {
        let tree = changes.tree_with(before, |path| {
            by(path).is_some_and(|by| all[..first].contains(&by))
        });
        bench.run(&tree).map(|ran| !ran.is_same(was))
    })?;
    let Some(name) = all.get(first).copied() else {
        return Ok(Blamed::whole(""));
    };
    if !each_file {
        return Ok(Blamed::whole(name));
    }
    let files: Vec<&LayerPath> = changes
        .changed
        .keys()
        .filter(|path| by(path) == Some(name))
        .collect();
    let at = culprit(files.len(), |count| {
        let last = files.get(count);
        let tree = changes.tree_with(before, |path| match by(path) {
            Some(by) if by == name => last.is_none_or(|last| path < *last),
            by => by.is_some_and(|by| all[..first].contains(&by)),
        });
        bench.run(&tree).map(|ran| !ran.is_same(was))
    })?;
    let Some(path) = files.get(at).copied() else {
        return Ok(Blamed::whole(name));
    };
    // Halving finds one of several that are each enough.
    let all_but = changes.tree_with(before, |it| it != path);
    Ok(Blamed {
        by: name,
        path: Some(path.clone()),
        alone: bench.run(&all_but)?.is_same(was),
    })
}
