//! The arguments of `shrink`.

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};

use layerpress_compile::TraceKeep;

use super::build::JobsArgs;
use super::inspect::MadeForArgs;
use super::press::PressingArgs;

/// What stays beside what a traced command opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TraceKeepArg {
    /// Nothing
    Files,
    /// The data of packages that were touched
    Data,
    /// Packages that were touched, whole
    Packages,
}

impl From<TraceKeepArg> for TraceKeep {
    fn from(argument: TraceKeepArg) -> Self {
        match argument {
            TraceKeepArg::Files => Self::Files,
            TraceKeepArg::Data => Self::Data,
            TraceKeepArg::Packages => Self::Packages,
        }
    }
}

/// The arguments of `layerpress shrink`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  layerpress shrink layer.zip
  layerpress shrink layer.zip -o smaller.zip --profile small
  layerpress shrink layer.zip --in-place --json
  layerpress shrink build/python -o layer.zip
  layerpress shrink layer.zip --smoke 'import pandas, pyarrow'
  layerpress shrink layer.zip --trace 'python3.13 -m pytest tests'

The layer may be anybody's. What is not understood is kept as it is, and said;
links inside the layer stay links.")]
pub(crate) struct ShrinkArgs {
    /// A layer zip, whoever made it, or a folder that is to be one
    #[arg(value_name = "LAYER")]
    pub layer: PathBuf,

    /// A `.zip` file, or a folder for one [default: beside the input, with `.small.zip` at its end]
    #[arg(
        short,
        long,
        value_name = "OUT",
        env = "LAYERPRESS_OUTPUT",
        hide_env = true
    )]
    pub output: Option<PathBuf>,

    /// Replace the layer itself, whole or not at all [default: off]
    #[arg(long, env = "LAYERPRESS_IN_PLACE", hide_env = true, value_parser = FalseyValueParser::new(), conflicts_with = "output")]
    pub in_place: bool,

    #[command(flatten)]
    pub pressing: PressingArgs,

    #[command(flatten)]
    pub made_for: MadeForArgs,

    /// Run this command with the unpacked layer in `LAYERPRESS_LAYER` and on the search paths, and leave out
    /// what it does not open
    #[arg(
        long,
        value_name = "COMMAND",
        env = "LAYERPRESS_TRACE",
        hide_env = true
    )]
    pub trace: Option<String>,

    /// What stays beside what the traced command opens, and what packages say of themselves: nothing
    /// (`files`), what is no code in packages of which something was opened (`data`), or all
    /// of those packages (`packages`)
    #[arg(
        long,
        value_name = "WHAT",
        value_enum,
        default_value = "data",
        env = "LAYERPRESS_TRACE_KEEP",
        hide_env = true,
        hide_possible_values = true,
        requires = "trace"
    )]
    pub trace_keep: TraceKeepArg,

    #[command(flatten)]
    pub jobs: JobsArgs,
}
