//! The program: what was typed becomes settings, settings become the library's options, and the
//! library's events and reports become text.
//!
//! [`args`] → [`settings`] → [`commands`], which call `layerpress-compile`; [`printer`] owns stdout
//! and stderr, [`progress`] draws the events, [`account`] and [`json`] the reports, [`shrunk`] what
//! became of a layer, [`weights`] what one holds, [`changes`] what is new in it, [`graph`] who asks for whom, [`exit`] names the exit codes.

mod account;
mod args;
mod changes;
mod commands;
mod environment;
mod exit;
mod failure;
mod graph;
mod interrupt;
mod json;
mod panic;
mod printer;
mod progress;
mod settings;
mod shrunk;
mod size;
mod threads;
mod usage;
mod weights;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;

use crate::args::Cli;
use crate::environment::Environment;
use crate::exit::Outcome;
use crate::failure::Failure;
use crate::printer::Printer;
use crate::usage::Mistake;

/// Trees and packuments are many small pieces made on one thread and read on another, which the
/// systems' own allocators are slow at, musl's above all.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let environment = Environment::of_process();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    match Cli::try_parse_from(&arguments) {
        Ok(cli) => run(&cli, &environment),
        Err(error) => not_understood(&error, &arguments, &environment),
    }
}

fn run(cli: &Cli, environment: &Environment) -> ExitCode {
    let options = settings::printer_options(&cli.global, environment);
    let printer = Arc::new(Printer::new(options));
    let on_panic = Arc::clone(&printer);
    panic::install(move || leave_at_once(&on_panic));
    let on_interrupt = Arc::clone(&printer);
    interrupt::install(move || leave_at_once(&on_interrupt));
    let done = commands::run(cli, environment, &printer);
    interrupt::yield_to();
    let outcome = match done {
        Ok(()) => Outcome::Done,
        Err(failure) => {
            tell(&failure, &printer);
            failure.outcome()
        }
    };
    ExitCode::from(outcome.code())
}

/// What must be done before the process ends without unwinding: no half-written file stays, and no
/// progress bar.
fn leave_at_once(printer: &Printer) {
    layerpress_scratch::remove_all();
    printer.clear_bars();
}

/// Tells a failure on stderr, and with `--json` on stdout too.
fn tell(failure: &Failure, printer: &Printer) {
    let hint = failure.hint();
    printer.clear_bars();
    printer.error(failure, hint.as_deref());
    if printer.json() && !failure.is_in_report() {
        let outcome = failure.outcome();
        let message = failure.sentence();
        let document = json::of_error(failure.code(), &message, hint.as_deref(), outcome);
        // It has been said on stderr; an stdout that takes nothing cannot hear why.
        let _unheard = printer.data(&format!("{document}\n"));
    }
}

/// Answers a command line that clap did not turn into a command: help and version on stdout with
/// success, mistakes on stderr with [`exit::USAGE`].
fn not_understood(
    error: &clap::Error,
    arguments: &[OsString],
    environment: &Environment,
) -> ExitCode {
    let Some(mistake) = Mistake::of(error) else {
        // A reader that has gone wants no help.
        let _unheard = error.print();
        let code = if error.use_stderr() {
            exit::USAGE
        } else {
            exit::DONE
        };
        return ExitCode::from(code);
    };
    let printer = Printer::new(settings::printer_options_of_words(arguments, environment));
    printer.error(&mistake, mistake.hint.as_deref());
    if printer.json() {
        let message = mistake.to_string();
        let document = json::of_error("usage", &message, mistake.hint.as_deref(), Outcome::Usage);
        let _unheard = printer.data(&format!("{document}\n"));
    }
    ExitCode::from(exit::USAGE)
}
