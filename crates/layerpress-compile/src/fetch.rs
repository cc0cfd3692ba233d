//! [`fetch`]: what a lockfile's targets need, into the store, for a later offline build.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use layerpress_fetch::{Reporter, Stage};
use layerpress_lock::Selection;
use layerpress_python::lockfile::{LockfileError, pins};
use layerpress_python::wheel::UnpackOptions;

use crate::archives::{Tally, unpack_all};
use crate::error::CompileError;
use crate::lock::{Coverage, lock_project};
use crate::project::parent;
use crate::report::FetchReport;
use crate::request::{FetchRequest, LockRequest, Upgrade};

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
        sources: request.sources.clone(),
    };
    let locked = lock_project(&request.lockfile, &lock, Coverage::AtLeast, reporter)?;
    let mut report = FetchReport::default();
    for target in &locked.targets {
        let _running = locked.session.stage(Stage::Fetch, *target);
        let packages = locked
            .lock
            .select(target, &Selection::default())
            .map_err(LockfileError::from)?;
        let pins = pins(&packages, target, &parent(&locked.project.lockfile))?;
        let tally = Tally::default();
        let builds = locked.builds.for_target(*target);
        // Unpacked and let go: a bad archive is found now, and the receipts make the build quick.
        unpack_all(
            &locked.session,
            &builds,
            &pins,
            &UnpackOptions::default(),
            &tally,
        )?;
        report.archives += pins.len();
        report.cached += tally.cached.load(Ordering::Relaxed);
        report.downloaded_bytes += tally.downloaded_bytes.load(Ordering::Relaxed);
    }
    report.seconds.total = begun.elapsed();
    report.seconds.fetch = report.seconds.total;
    Ok(report)
}
