//! The arguments of `inspect` and `diff`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::FalseyValueParser;

use super::press::ProfileArgs;
use crate::size::Growth;

/// The arguments of `layerpress inspect`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  layerpress inspect dist/api-python3.13-x86_64.zip
  layerpress inspect layer.zip --html layer.html
  layerpress inspect layer.zip --rules --profile small
  layerpress inspect layer.zip --rules --html layer.html
  layerpress inspect layer.zip --json | jq '.packages[0]'

With `-v` every package and folder is listed, not only the heaviest.")]
pub(crate) struct InspectArgs {
    /// A layer zip, whoever made it, or a folder that is to be one
    #[arg(value_name = "LAYER")]
    pub layer: PathBuf,

    /// Also write a page with a picture of the layer, which needs nothing but a browser
    #[arg(long, value_name = "FILE", env = "LAYERPRESS_HTML", hide_env = true)]
    pub html: Option<PathBuf>,

    /// Also tell what each rule and pass of `--profile` would save, in the page too; every file is read for that
    /// [default: off]
    #[arg(long, env = "LAYERPRESS_RULES", hide_env = true, value_parser = FalseyValueParser::new())]
    pub rules: bool,

    #[command(flatten)]
    pub profile: ProfileArgs,

    #[command(flatten)]
    pub made_for: MadeForArgs,
}

/// What a layer is for, where its own files do not tell it.
#[derive(Debug, Args)]
pub(crate) struct MadeForArgs {
    /// The Lambda runtime that the layer is for [default: what the layer's own files tell]
    #[arg(
        long,
        value_name = "RUNTIME",
        env = "LAYERPRESS_RUNTIME",
        hide_env = true
    )]
    pub runtime: Option<String>,

    /// The architecture that the layer is for [default: what the layer's own files tell]
    #[arg(long, value_name = "ARCH", env = "LAYERPRESS_ARCH", hide_env = true)]
    pub arch: Option<String>,
}

/// The arguments of `layerpress diff`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  layerpress diff old.zip new.zip
  layerpress diff old.zip new.zip --max-growth 5%
  layerpress diff old.zip new.zip --json | jq '.packages'
  layerpress diff old.zip new.zip --runtime python3.13 --arch arm64

With `-v` every file is listed, not only the first.")]
pub(crate) struct DiffArgs {
    /// The layer zip that was
    #[arg(value_name = "BEFORE")]
    pub before: PathBuf,

    /// The layer zip that is
    #[arg(value_name = "AFTER")]
    pub after: PathBuf,

    /// Fail with exit code 1 if the layer grew by more than this, zipped or unzipped: `5%`, `2MB`
    #[arg(long, value_name = "GROWTH", value_parser = crate::size::parse_growth, env = "LAYERPRESS_MAX_GROWTH", hide_env = true)]
    pub max_growth: Option<Growth>,

    #[command(flatten)]
    pub made_for: MadeForArgs,
}
