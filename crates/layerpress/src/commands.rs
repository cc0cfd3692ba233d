//! The commands: settings in, the library's calls, reports out.

mod cache;
mod layers;
mod request;

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
    match &cli.command {
        Command::Build(arguments) => layers::build(arguments, &cli.global, environment, printer),
        Command::Lock(arguments) => layers::lock(arguments, &cli.global, environment, printer),
        Command::Fetch(arguments) => layers::fetch(arguments, &cli.global, environment, printer),
        Command::Cache { command } => cache::run(command, &cli.global, environment, printer),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "layerpress", &mut script);
            write(printer, &script)
        }
        Command::Man { command } => write(printer, &manual(command.as_deref())?),
    }
}

/// The manual page of the program, or of one of its commands.
fn manual(name: Option<&str>) -> Result<Vec<u8>, Failure> {
    let mut program = Cli::command();
    program.build();
    let page = match name {
        None => program,
        Some(name) => program
            .find_subcommand(name)
            .cloned()
            .ok_or_else(|| Failure::no_such_command(name))?,
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page)
        .render(&mut text)
        .map_err(Failure::Output)?;
    Ok(text)
}

fn write(printer: &Printer, bytes: &[u8]) -> Result<(), Failure> {
    printer
        .data(&String::from_utf8_lossy(bytes))
        .map_err(Failure::Output)
}
