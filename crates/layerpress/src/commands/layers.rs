//! `build`, `lock` and `fetch`: requests in, reports out.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use layerpress_compile::{self as compile, PythonOptions};
use layerpress_fetch::Reporter;
use serde_json::Value;

use super::request::Around;
use crate::args::{BuildArgs, FetchArgs, GlobalArgs, LockArgs};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::printer::{Printer, Verbosity};
use crate::progress::Progress;
use crate::{account, json};

/// What a command runs with, beside its own arguments.
#[derive(Debug, Clone, Copy)]
pub(super) struct Command<'a> {
    /// The options of every command.
    pub global: &'a GlobalArgs,
    /// Variables and folders.
    pub environment: &'a Environment,
    /// Where reports go.
    pub printer: &'a Arc<Printer>,
}

impl Command<'_> {
    /// `layerpress build`: prints the layers' paths on stdout.
    ///
    /// # Errors
    ///
    /// What the settings or the library found wrong.
    pub(super) fn build(&self, arguments: &BuildArgs) -> Result<(), Failure> {
        let request = self.around().build(arguments)?;
        self.tell_passed_over(&request.lock.python);
        let report = compile::build(&request, &progress(self.printer))?;
        let folder = here();
        let paths = lines(report.layers.iter().map(|it| &*it.path), &folder);
        let explained = report.layers.iter().flat_map(|layer| &layer.explained);
        let paths = paths + &account::explained(explained);
        let verbose = self.printer.verbosity() == Verbosity::Verbose;
        let told = || account::of_build(&report, &folder, verbose);
        let document = || json::of_build(&report, &folder);
        finish(self.printer, told, document, &paths)
    }

    /// `layerpress lock`: prints the lockfiles' paths on stdout.
    ///
    /// # Errors
    ///
    /// What the settings or the library found wrong.
    pub(super) fn lock(&self, arguments: &LockArgs) -> Result<(), Failure> {
        let request = self.around().lock(arguments)?;
        self.tell_passed_over(&request.python);
        let report = compile::lock(&request, &progress(self.printer))?;
        let folder = here();
        let paths = lines(report.lockfiles.iter().map(|it| &*it.path), &folder);
        let told = || account::of_lock(&report, &folder);
        let document = || json::of_lock(&report, &folder);
        finish(self.printer, told, document, &paths)
    }

    /// `layerpress fetch`: has nothing to say on stdout.
    ///
    /// # Errors
    ///
    /// What the settings or the library found wrong.
    pub(super) fn fetch(&self, arguments: &FetchArgs) -> Result<(), Failure> {
        let request = self.around().fetch(arguments)?;
        self.tell_passed_over(&request.python);
        let report = compile::fetch(&request, &progress(self.printer))?;
        let told = || account::of_fetch(&report);
        finish(self.printer, told, || json::of_fetch(&report), "")
    }

    /// What requests are made from.
    pub(super) fn around(&self) -> Around<'_> {
        Around {
            global: self.global,
            environment: self.environment,
        }
    }

    /// Tells what was passed over in settings that hold for all that the machine does: worth a word
    /// to who asks for details, noise on every run to anybody else.
    fn tell_passed_over(&self, options: &PythonOptions) {
        for warning in &options.configured.warnings {
            self.printer.detail(warning);
        }
    }
}

/// A line for each path.
fn lines<'a>(paths: impl Iterator<Item = &'a Path>, folder: &Path) -> String {
    paths
        .map(|path| format!("{}\n", account::shown(path, folder)))
        .collect()
}

/// Who draws the library's events.
pub(super) fn progress(printer: &Arc<Printer>) -> Arc<dyn Reporter> {
    Arc::new(Progress::new(Arc::clone(printer)))
}

/// Tells what was done: with `--json` the document alone, else the account, then the data.
pub(super) fn finish(
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
