//! The arguments of `build`, `lock` and `fetch`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};

use super::press::{PressArgs, PressingArgs};
use super::sources::{BuildPolicyArgs, IndexArgs};

/// The arguments of `layerpress build`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  layerpress build requirements.txt
  layerpress build requirements.txt --runtime python3.12,python3.13 --arch arm64
  layerpress build pyproject.toml --extra s3 -o dist/api.zip
  layerpress build requirements.txt --smoke 'import pandas, pyarrow'
  layerpress build requirements.txt --bytecode hot --smoke handler.py
  layerpress build package.json --runtime nodejs22.x --arch x86_64,arm64
  layerpress build layer/python --locked --offline --json

The lockfile is written beside the manifest; without `--locked` it is brought up
to date first.

Lockfiles of other tools are built as they are and never rewritten: `uv.lock`,
`poetry.lock`, `pdm.lock`, `Pipfile.lock`; `npm-shrinkwrap.json`,
`pnpm-lock.yaml`, `yarn.lock`, `bun.lock`.")]
pub(crate) struct BuildArgs {
    /// A requirements file, a `pyproject.toml`, a `package.json`, a lockfile, or a folder that
    /// holds them
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,

    /// A `.zip` file for one layer, else a folder [default: `dist` beside the input]
    #[arg(
        short,
        long,
        value_name = "OUT",
        env = "LAYERPRESS_OUTPUT",
        hide_env = true
    )]
    pub output: Option<PathBuf>,

    /// Where packages lie in the layer
    #[arg(
        long,
        value_name = "LAYOUT",
        value_enum,
        default_value = "flat",
        env = "LAYERPRESS_LAYOUT",
        hide_env = true
    )]
    pub layout: LayoutArg,

    #[command(flatten)]
    pub pressing: PressingArgs,

    /// Put the packages' commands into `python/bin` [default: off]
    #[arg(long, env = "LAYERPRESS_SCRIPTS", hide_env = true, value_parser = FalseyValueParser::new())]
    pub scripts: bool,

    /// Download the machine code of a Node.js package from where its install script would, and pin
    /// its sha256 in `layerpress-prebuilt.json` beside the lockfile (repeatable; what is pinned there
    /// needs no option any more) [default: no install script is run, and nothing is downloaded for it]
    #[arg(
        long,
        value_name = "PACKAGE",
        env = "LAYERPRESS_PREBUILT",
        hide_env = true,
        value_delimiter = ','
    )]
    pub prebuilt: Vec<String>,

    /// Fail, and write nothing, unless the layer's sha256 is this one, in hex or base64
    #[arg(
        long,
        value_name = "SHA256",
        env = "LAYERPRESS_CHECK_DIGEST",
        hide_env = true
    )]
    pub check_digest: Option<String>,

    #[command(flatten)]
    pub locking: LockingArgs,
}

/// The arguments of `layerpress lock`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  layerpress lock requirements.txt
  layerpress lock requirements.txt --runtime python3.13 --arch x86_64,arm64
  layerpress lock requirements.txt --upgrade-package boto3
  layerpress lock requirements.txt --locked
  layerpress lock package.json --registry https://npm.example/

Versions that the lockfile holds stay until `--upgrade` or the manifest moves
them.")]
pub(crate) struct LockArgs {
    /// A requirements file, a `pyproject.toml`, a `package.json`, or a folder that holds them
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,

    /// The lockfile to write [default: `pylock.toml` or `package-lock.json` beside the input]
    #[arg(
        short,
        long,
        value_name = "FILE",
        env = "LAYERPRESS_LOCK_OUTPUT",
        hide_env = true
    )]
    pub output: Option<PathBuf>,

    #[command(flatten)]
    pub locking: LockingArgs,
}

/// The arguments of `layerpress fetch`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  layerpress fetch pylock.toml && layerpress build pylock.toml --offline
  layerpress fetch package-lock.json --arch x86_64,arm64
  layerpress fetch uv.lock --compression best

The lockfile may be another tool's, as for `build`.")]
pub(crate) struct FetchArgs {
    /// The lockfile
    #[arg(value_name = "LOCK")]
    pub lock: PathBuf,

    #[command(flatten)]
    pub target: TargetArgs,
    #[command(flatten)]
    pub sets: SetArgs,
    #[command(flatten)]
    pub press: PressArgs,
    #[command(flatten)]
    pub fetching: FetchingArgs,
}

/// What a lockfile is made by.
#[derive(Debug, Args)]
pub(crate) struct LockingArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    #[command(flatten)]
    pub resolve: ResolveArgs,
    #[command(flatten)]
    pub sets: SetArgs,
    #[command(flatten)]
    pub fetching: FetchingArgs,
}

/// Where packages come from, and how.
#[derive(Debug, Args)]
pub(crate) struct FetchingArgs {
    #[command(flatten)]
    pub index: IndexArgs,
    #[command(flatten)]
    pub policy: BuildPolicyArgs,
    #[command(flatten)]
    pub jobs: JobsArgs,
}

/// What the layer is for.
#[derive(Debug, Args)]
#[command(next_help_heading = "Target options")]
pub(crate) struct TargetArgs {
    /// A Lambda runtime, as `python3.13` or `nodejs22.x` (repeatable) [default: the lockfile's, else the newest
    /// generally available one]
    #[arg(
        long,
        value_name = "RUNTIME",
        env = "LAYERPRESS_RUNTIME",
        hide_env = true,
        value_delimiter = ','
    )]
    pub runtime: Vec<String>,

    /// `x86_64` (also `amd64`, `x64`) or `arm64` (also `aarch64`) (repeatable) [default: the
    /// lockfile's, else x86_64]
    #[arg(
        long,
        value_name = "ARCH",
        env = "LAYERPRESS_ARCH",
        hide_env = true,
        value_delimiter = ','
    )]
    pub arch: Vec<String>,
}

/// What is resolved, and how.
#[derive(Debug, Args)]
#[command(next_help_heading = "Resolver options")]
pub(crate) struct ResolveArgs {
    /// Use the lockfile as it is; fail if it is missing or does not meet the manifest
    /// [default: off]
    #[arg(long, env = "LAYERPRESS_LOCKED", hide_env = true, value_parser = FalseyValueParser::new(), conflicts_with_all = ["upgrade", "upgrade_package"])]
    pub locked: bool,

    /// Forget the versions that the lockfile holds [default: off]
    #[arg(short = 'U', long, env = "LAYERPRESS_UPGRADE", hide_env = true, value_parser = FalseyValueParser::new())]
    pub upgrade: bool,

    /// Forget the lockfile's version of this package (repeatable)
    #[arg(
        short = 'P',
        long,
        value_name = "PACKAGE",
        env = "LAYERPRESS_UPGRADE_PACKAGE",
        hide_env = true,
        value_delimiter = ','
    )]
    pub upgrade_package: Vec<String>,

    /// Which versions are preferred
    #[arg(
        long,
        value_name = "WHICH",
        value_enum,
        default_value = "highest",
        env = "LAYERPRESS_RESOLUTION",
        hide_env = true
    )]
    pub resolution: ResolutionArg,

    /// Take prereleases of every package [default: only where a requirement asks for them]
    #[arg(long, env = "LAYERPRESS_PRE", hide_env = true, value_parser = FalseyValueParser::new())]
    pub pre: bool,

    /// Leave out what was uploaded after a date (`2026-11-01`, its end in UTC), a time (RFC 3339),
    /// or an age (`7 days`)
    #[arg(
        long,
        value_name = "DATE",
        env = "LAYERPRESS_EXCLUDE_NEWER",
        hide_env = true
    )]
    pub exclude_newer: Option<String>,

    /// Leave out this package, with what only it needed (repeatable)
    #[arg(
        long,
        value_name = "PACKAGE",
        env = "LAYERPRESS_EXCLUDE",
        hide_env = true,
        value_delimiter = ','
    )]
    pub exclude: Vec<String>,

    /// Add the project itself, not only its dependencies [default: off]
    #[arg(long, env = "LAYERPRESS_WITH_PROJECT", hide_env = true, value_parser = FalseyValueParser::new())]
    pub with_project: bool,
}

/// What beside the plain dependencies is wanted.
#[derive(Debug, Args)]
#[command(next_help_heading = "Resolver options")]
pub(crate) struct SetArgs {
    /// Add the development dependencies: the group `dev`, or `devDependencies` [default: off]
    #[arg(long, env = "LAYERPRESS_DEV", hide_env = true, value_parser = FalseyValueParser::new())]
    pub dev: bool,

    /// Add an extra of the project (repeatable)
    #[arg(
        long,
        value_name = "EXTRA",
        env = "LAYERPRESS_EXTRA",
        hide_env = true,
        value_delimiter = ','
    )]
    pub extra: Vec<String>,

    /// Add a dependency group of the project (repeatable)
    #[arg(
        long,
        value_name = "GROUP",
        env = "LAYERPRESS_GROUP",
        hide_env = true,
        value_delimiter = ','
    )]
    pub group: Vec<String>,
}

/// How much is done at once.
#[derive(Debug, Args)]
pub(crate) struct JobsArgs {
    /// How many threads parse, unpack and compress, and how many packages are built from source at
    /// once; how many downloads are under way is not bounded by it [default: one per core]
    #[arg(long, value_name = "N", env = "LAYERPRESS_JOBS", hide_env = true, value_parser = jobs)]
    pub jobs: Option<NonZeroUsize>,
}

fn jobs(text: &str) -> Result<NonZeroUsize, &'static str> {
    let jobs = text.trim().parse();
    jobs.map_err(|_| "is not a whole number from 1 on")
}

/// Where packages lie in a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LayoutArg {
    /// In `python`, or `nodejs/node_modules`
    Flat,
    /// In `python/lib/pythonX.Y/site-packages`, or `nodejs/nodeX/node_modules`
    Versioned,
}

/// Which versions are preferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ResolutionArg {
    /// The highest that fit
    Highest,
    /// The lowest that fit
    Lowest,
    /// The lowest that fit of what the manifest names, the highest of the rest
    LowestDirect,
}
