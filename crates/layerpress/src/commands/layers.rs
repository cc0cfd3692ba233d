//! `build`, `lock` and `fetch`: requests in, reports out.

use std::env;
use std::path::PathBuf;
use std::sync::Arc;

use layerpress_compile as compile;
use layerpress_fetch::Reporter;
use serde_json::Value;

use super::request::Around;
use crate::args::{BuildArgs, FetchArgs, GlobalArgs, LockArgs};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::printer::{Printer, Verbosity};
use crate::progress::Progress;
use crate::{account, json};

/// `layerpress build`: prints the layers' paths on stdout.
///
/// # Errors
///
/// What the settings or the library found wrong.
pub(super) fn build(
    arguments: &BuildArgs,
    global: &GlobalArgs,
    environment: &Environment,
    printer: &Arc<Printer>,
) -> Result<(), Failure> {
    let request = Around {
        global,
        environment,
    }
    .build(arguments)?;
    tell_passed_over(printer, &request.lock.python.configured.warnings);
    let report = compile::build(&request, &progress(printer))?;
    let folder = here();
    let paths = report.layers.iter().map(|layer| &layer.path);
    let paths: String = paths
        .map(|path| format!("{}\n", account::shown(path, &folder)))
        .collect();
    let verbose = printer.verbosity() == Verbosity::Verbose;
    let told = || account::of_build(&report, &folder, verbose);
    finish(printer, told, || json::of_build(&report, &folder), &paths)
}

/// `layerpress lock`: prints the lockfiles' paths on stdout.
///
/// # Errors
///
/// What the settings or the library found wrong.
pub(super) fn lock(
    arguments: &LockArgs,
    global: &GlobalArgs,
    environment: &Environment,
    printer: &Arc<Printer>,
) -> Result<(), Failure> {
    let request = Around {
        global,
        environment,
    }
    .lock(arguments)?;
    tell_passed_over(printer, &request.python.configured.warnings);
    let report = compile::lock(&request, &progress(printer))?;
    let folder = here();
    let paths = report.lockfiles.iter().map(|lockfile| &lockfile.path);
    let paths: String = paths
        .map(|path| format!("{}\n", account::shown(path, &folder)))
        .collect();
    let told = || account::of_lock(&report, &folder);
    finish(printer, told, || json::of_lock(&report, &folder), &paths)
}

/// `layerpress fetch`: has nothing to say on stdout.
///
/// # Errors
///
/// What the settings or the library found wrong.
pub(super) fn fetch(
    arguments: &FetchArgs,
    global: &GlobalArgs,
    environment: &Environment,
    printer: &Arc<Printer>,
) -> Result<(), Failure> {
    let request = Around {
        global,
        environment,
    }
    .fetch(arguments)?;
    tell_passed_over(printer, &request.python.configured.warnings);
    let report = compile::fetch(&request, &progress(printer))?;
    let told = || account::of_fetch(&report);
    finish(printer, told, || json::of_fetch(&report), "")
}

/// Tells what was passed over in settings that hold for all that the machine does: worth a word to
/// who asks for details, noise on every run to anybody else.
fn tell_passed_over(printer: &Printer, warnings: &[String]) {
    for warning in warnings {
        printer.detail(warning);
    }
}

fn progress(printer: &Arc<Printer>) -> Arc<dyn Reporter> {
    Arc::new(Progress::new(Arc::clone(printer)))
}

/// Tells what was done: with `--json` the document alone, else the account, then the data.
fn finish(
    printer: &Printer,
    account: impl FnOnce() -> String,
    document: impl FnOnce() -> Value,
    data: &str,
) -> Result<(), Failure> {
    printer.clear_bars();
    if printer.json() {
        let document = document();
        printer.data(&format!("{document}\n"))
    } else {
        printer.note(account().trim_end());
        printer.data(data)
    }
    .map_err(Failure::Output)
}

/// The folder that paths are shown relative to; without one they are shown whole.
fn here() -> PathBuf {
    env::current_dir().unwrap_or_default()
}
