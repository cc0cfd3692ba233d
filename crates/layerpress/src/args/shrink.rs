//! The arguments of `shrink`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::FalseyValueParser;

use super::build::JobsArgs;
use super::inspect::MadeForArgs;
use super::press::PressingArgs;

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
links inside the layer stay links. A layer that is still too large for Lambda
is written too, and the exit code is 1.")]
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

    #[command(flatten)]
    pub jobs: JobsArgs,
}
