//! The commands: settings in, the library's calls, reports out.

mod cache;
mod graph;
mod inspect;
mod layers;
mod man;
mod request;
mod shrink;

use clap::CommandFactory;

use crate::args::{Cli, Command};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::printer::Printer;
use std::sync::Arc;

/// Does what was asked.
///
/// # Errors
///
/// Whatever kept it from being done.
pub(crate) fn run(
    cli: &Cli,
    environment: &Environment,
    printer: &Arc<Printer>,
) -> Result<(), Failure> {
    let command = layers::Command {
        global: &cli.global,
        environment,
        printer,
    };
    match &cli.command {
        Command::Build(arguments) => command.build(arguments),
        Command::Lock(arguments) => command.lock(arguments),
        Command::Fetch(arguments) => command.fetch(arguments),
        Command::Shrink(arguments) => command.shrink(arguments),
        Command::Inspect(arguments) => inspect::inspect(arguments, printer),
        Command::Diff(arguments) => inspect::diff(arguments, printer),
        Command::Tree(arguments) => command.tree(arguments),
        Command::Why(arguments) => command.why(arguments),
        Command::Cache { command } => cache::run(command, &cli.global, environment, printer),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "layerpress", &mut script);
            write(printer, &script)
        }
        Command::Man { command } => write(printer, &man::page(command.as_deref())?),
    }
}

fn write(printer: &Printer, bytes: &[u8]) -> Result<(), Failure> {
    printer
        .data(&String::from_utf8_lossy(bytes))
        .map_err(Failure::Output)
}
