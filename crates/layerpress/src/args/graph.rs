//! The arguments of `tree` and `why`.

use std::path::PathBuf;

use clap::Args;

use super::build::LockingArgs;

/// The arguments of `layerpress tree`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  layerpress tree requirements.txt
  layerpress tree uv.lock --runtime python3.12 --arch arm64
  layerpress tree package.json --depth 1
  layerpress tree dist/api-python3.13-x86_64.zip
  layerpress tree pylock.toml --json | jq '.graphs[0].packages[].name'

A manifest is resolved, unless the lockfile beside it meets it; nothing is
written. What another package showed already stands there once more with (*).")]
pub(crate) struct TreeArgs {
    /// A requirements file, a `pyproject.toml`, a `package.json`, a lockfile, a folder that holds
    /// them, or a layer zip or folder, whoever made it
    #[arg(value_name = "INPUT")]
    pub input: PathBuf,

    #[command(flatten)]
    pub walk: WalkArgs,

    #[command(flatten)]
    pub locking: LockingArgs,
}

/// The arguments of `layerpress why`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  layerpress why requirements.txt urllib3
  layerpress why package-lock.json ms
  layerpress why layer.zip numpy --json

Whoever asks for the package stands below it with what they ask for, and below
them who asks for them, up to the manifest; the shortest way comes first. With
`-v` all of them are listed, not only the first ten. Exit code 1 if there is no
such package.")]
pub(crate) struct WhyArgs {
    /// A requirements file, a `pyproject.toml`, a `package.json`, a lockfile, a folder that holds
    /// them, or a layer zip or folder, whoever made it
    #[arg(value_name = "INPUT")]
    pub input: PathBuf,

    /// The package
    #[arg(value_name = "PACKAGE")]
    pub package: String,

    #[command(flatten)]
    pub walk: WalkArgs,

    #[command(flatten)]
    pub locking: LockingArgs,
}

/// How much of a tree is shown.
#[derive(Debug, Args)]
pub(crate) struct WalkArgs {
    /// How many levels to show: 1 is what the manifest itself asks for, or who asks for the package
    /// [default: all, up to 100]
    #[arg(long, value_name = "LEVELS", env = "LAYERPRESS_DEPTH", hide_env = true)]
    pub depth: Option<usize>,
}
