//! The arguments of `shrink`.

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};

use layerpress_compile::TraceKeep;

use super::build::{BytecodeArg, CompressionArg, JobsArgs, ProfileArg};
use super::inspect::MadeForArgs;
use super::overrides::OverrideArgs;

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

    /// How much may be left out of packages or made smaller in them: `none`, `safe` or `small`, as
    /// for `build`
    #[arg(
        long,
        value_name = "PROFILE",
        value_enum,
        default_value = "safe",
        env = "LAYERPRESS_PROFILE",
        hide_env = true,
        hide_possible_values = true
    )]
    pub profile: ProfileArg,

    #[command(flatten)]
    pub overrides: OverrideArgs,

    /// How hard files are compressed: only what is new or was not compressed (`fast`), or everything
    /// as small as it gets (`best`); no stream ever becomes larger than it was
    #[arg(
        long,
        value_name = "HOW",
        value_enum,
        default_value = "best",
        env = "LAYERPRESS_COMPRESSION",
        hide_env = true,
        hide_possible_values = true
    )]
    pub compression: CompressionArg,

    #[command(flatten)]
    pub made_for: MadeForArgs,

    /// Put bytecode into the layer, so that Python need not compile on every cold start: for every
    /// module beside its source (`hashed`), for those alone that `--smoke` or `--trace` loads
    /// (`hot`), or for every one in place of its source (`only`); made by a Python of the layer's
    /// version that is found on this machine
    #[arg(
        long,
        value_name = "WHICH",
        value_enum,
        default_value = "none",
        env = "LAYERPRESS_BYTECODE",
        hide_env = true,
        hide_possible_values = true
    )]
    pub bytecode: BytecodeArg,

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
    pub smoke: SmokeArgs,

    #[command(flatten)]
    pub jobs: JobsArgs,
}

/// What must run with the layer.
#[derive(Debug, Args)]
pub(crate) struct SmokeArgs {
    /// Run this with the layer, and write nothing unless it runs as well as with nothing left out:
    /// Python or JavaScript, or a file of it that needs nothing but the layer
    #[arg(long, value_name = "CODE", env = "LAYERPRESS_SMOKE", hide_env = true)]
    pub smoke: Option<String>,

    /// How long that may take, in seconds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 120,
        env = "LAYERPRESS_SMOKE_TIMEOUT",
        hide_env = true
    )]
    pub smoke_timeout: u64,
}
