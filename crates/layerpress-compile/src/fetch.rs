//! [`fetch`]: what a lockfile's targets need, into the store, for a later offline build.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use layerpress_fetch::{Reporter, Stage};
use layerpress_press::rules::Overrides;

use crate::error::CompileError;
use crate::lock::{Coverage, lock_projects};
use crate::pins::{Job, Tally};
use crate::prune::{OwnCode, Pruning};
use crate::report::FetchReport;
use crate::request::{FetchRequest, Layout, LockRequest, Upgrade};

/// Puts every archive that the lock's targets need into the store, and verifies it.
///
/// # Errors
/// A lockfile that cannot be used, or the first archive that cannot be had.
pub fn fetch(
    request: &FetchRequest,
    reporter: &Arc<dyn Reporter>,
) -> Result<FetchReport, CompileError> {
    let begun = Instant::now();
    let lock = LockRequest {
        inputs: vec![request.lockfile.clone()],
        lockfile: None,
        runtimes: request.runtimes.clone(),
        archs: request.archs.clone(),
        upgrade: Upgrade::Nothing,
        locked: true,
        exclude: Default::default(),
        python: request.python.clone(),
        node: request.node.clone(),
        sources: request.sources.clone(),
    };
    // A build by the same profile shall find all it needs.
    let overrides = Overrides::default();
    let pruning = Pruning {
        profile: request.profile,
        overrides: &overrides,
        explain: &[],
        own: OwnCode::default(),
    };
    let mut report = FetchReport::default();
    for locked in lock_projects(&lock, Coverage::AtLeast, reporter)? {
        for &target in &locked.targets {
            let _running = locked.session.stage(Stage::Fetch, target);
            let tally = Tally::default();
            let job = Job {
                session: &locked.session,
                project: &locked.project,
                target,
                layout: Layout::Flat,
                pruning: &pruning,
                compression: request.compression,
                scripts: false,
                exclude: &lock.exclude,
                tally: &tally,
            };
            report.archives += job.bundled(|| locked.pins.fetch(&job))?;
            locked.session.say_unkept();
            report.cached += tally.cached.load(Ordering::Relaxed);
            report.downloaded_bytes += tally.downloaded_bytes.load(Ordering::Relaxed);
        }
    }
    report.seconds.total = begun.elapsed();
    report.seconds.fetch = report.seconds.total;
    Ok(report)
}
