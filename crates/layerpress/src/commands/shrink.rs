//! `layerpress shrink`: a layer in, a smaller one out.

use std::env;
use std::sync::Arc;

use layerpress_compile::{self as compile, Level, Severity, ShrinkRequest};
use layerpress_fetch::Reporter;

use super::layers::{Command, finish};
use super::request::{overrides, parsed};
use crate::args::ShrinkArgs;
use crate::failure::Failure;
use crate::printer::Verbosity;
use crate::progress::Progress;
use crate::settings::interpreter_candidates;
use crate::{account, shrunk, threads};

impl Command<'_> {
    /// `layerpress shrink`: prints the written layer's path on stdout.
    ///
    /// # Errors
    ///
    /// A layer that cannot be read or is none; an output that cannot be written, and one that was and is still
    /// larger than Lambda takes.
    pub(super) fn shrink(&self, arguments: &ShrinkArgs) -> Result<(), Failure> {
        threads::bounded(arguments.jobs.jobs);
        let pressing = &arguments.pressing;
        let request = ShrinkRequest {
            input: arguments.layer.clone(),
            output: arguments.output.clone(),
            in_place: arguments.in_place,
            profile: pressing.press.profile(),
            overrides: overrides(pressing)?,
            explain: pressing.explain.clone(),
            compression: pressing.press.level_or(Level::Best),
            runtime: parsed("--runtime", arguments.made_for.runtime.as_slice())?.pop(),
            arch: parsed("--arch", arguments.made_for.arch.as_slice())?.pop(),
            bytecode: pressing.bytecode.into(),
            interpreters: interpreter_candidates(None, self.environment),
            trace: self.around().trace(&pressing.trace),
            smoke: self.around().smoke(&pressing.smoke),
        };
        let progress: Arc<dyn Reporter> = Arc::new(Progress::new(Arc::clone(self.printer)));
        let report = compile::shrink(&request, &progress)?;
        let folder = env::current_dir().unwrap_or_default();
        let path = format!("{}\n", account::shown(&report.path, &folder));
        let path = path + &account::explained(&report.explained);
        let (errors, warnings): (Vec<_>, Vec<_>) = report
            .findings
            .iter()
            .partition(|it| it.severity == Severity::Error);
        for finding in warnings {
            self.printer
                .warning(&finding.message, finding.hint.as_deref());
        }
        let all = self.printer.verbosity() == Verbosity::Verbose;
        let told = || shrunk::account(&report, &folder, all);
        finish(
            self.printer,
            told,
            || shrunk::document(&report, &folder),
            &path,
        )?;
        match errors.first() {
            None => Ok(()),
            Some(finding) => Err(Failure::StillTooLarge {
                message: finding.message.clone(),
                hint: finding.hint.clone(),
            }),
        }
    }
}
