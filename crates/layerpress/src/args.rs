//! The command line as it was typed: one struct per command, one doc comment per option.
//!
//! Nothing is looked up here. Every option also has a `LAYERPRESS_*` variable, which a flag beats;
//! [`crate::settings`] turns all of it into what the library is asked for.

mod build;
mod graph;
mod inspect;
mod overrides;
mod press;
mod run;
mod shrink;
mod sources;

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

pub(crate) use build::{
    BuildArgs, FetchArgs, FetchingArgs, LayoutArg, LockArgs, LockingArgs, ResolutionArg,
    ResolveArgs, SetArgs,
};
pub(crate) use graph::{TreeArgs, WalkArgs, WhyArgs};
pub(crate) use inspect::{DiffArgs, InspectArgs, MadeForArgs};
pub(crate) use press::PressingArgs;
pub(crate) use run::{SmokeArgs, TraceArgs, TraceKeepArg};
pub(crate) use shrink::ShrinkArgs;
pub(crate) use sources::{BuildPolicyArgs, IndexArgs, IndexStrategyArg};

use crate::printer::ColorChoice;

/// Turn a requirements file, a package.json or a lockfile into an AWS Lambda layer: resolved for the
/// Lambda runtime, pinned by a lockfile, checked, and the same bytes every time.
#[derive(Debug, Parser)]
#[command(
    name = "layerpress",
    version,
    arg_required_else_help = true,
    propagate_version = true,
    after_help = "\
Examples:
  layerpress build requirements.txt
  layerpress build requirements.txt --arch arm64 -o layer.zip
  layerpress build package.json --runtime nodejs22.x
  layerpress build layer/python --locked --json
  layerpress lock pyproject.toml --runtime python3.12,python3.13
  layerpress shrink layer.zip

Each option also has a variable, which a flag beats: LAYERPRESS_INDEX_URL is
`--index-url`.

Exit codes:
  0   done
  1   the request cannot be met: no solution, lock out of date, layer too large
  2   the command line cannot be understood
  3   the network
  4   a manifest, lockfile or archive is wrong, or names what is not there
  5   a file that the command line names cannot be read or written
  70  a bug"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub global: GlobalArgs,
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build one layer zip per runtime and architecture
    Build(Box<BuildArgs>),
    /// Resolve a manifest and write its lockfile, without building
    Lock(Box<LockArgs>),
    /// Fill the cache with what a lockfile names, for a later offline build
    Fetch(Box<FetchArgs>),
    /// Make a layer smaller, whoever made it
    Shrink(Box<ShrinkArgs>),
    /// Show what a layer zip holds and what weighs how much
    Inspect(InspectArgs),
    /// Show what changed from one layer zip to another
    Diff(DiffArgs),
    /// Show which packages need which
    Tree(Box<TreeArgs>),
    /// Show who asks for a package
    Why(Box<WhyArgs>),
    /// Look at or tidy the cache
    Cache {
        #[command(subcommand)]
        command: CacheCommand,
    },
    /// Print a completion script
    #[command(after_help = "\
Example:
  layerpress completions bash > \\
    ~/.local/share/bash-completion/completions/layerpress")]
    Completions {
        /// The shell to complete for
        shell: Shell,
    },
    /// Print the manual page
    #[command(after_help = "\
Example:
  layerpress man > ~/.local/share/man/man1/layerpress.1
  layerpress man build > ~/.local/share/man/man1/layerpress-build.1")]
    Man {
        /// The command whose page is wanted [default: the program's]
        command: Option<String>,
    },
}

/// What to do with the cache.
#[derive(Debug, Subcommand)]
pub(crate) enum CacheCommand {
    /// Print the cache's folder
    Dir,
    /// Print how many bytes the cache holds
    Size,
    /// Remove everything from the cache
    Clean,
    /// Check every file of the cache, and remove what is damaged; exit code 1 if any was
    Verify,
    /// Remove what has not been used for long, or the least recently used beyond a size; waits for
    /// builds under way
    Prune {
        /// Keep at most this much, as `5GB` [default: no limit]
        #[arg(long, value_name = "SIZE", value_parser = crate::size::parse, env = "LAYERPRESS_MAX_SIZE", hide_env = true)]
        max_size: Option<u64>,
        /// Remove what has not been used for so many days [default: 30, without `--max-size`]
        #[arg(long, value_name = "DAYS", value_parser = days, env = "LAYERPRESS_UNUSED", hide_env = true)]
        unused: Option<u32>,
    },
}

fn days(text: &str) -> Result<u32, &'static str> {
    text.trim()
        .parse()
        .map_err(|_| "is not a whole number of days")
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// Where downloads and what was learnt from them are kept [default: `layerpress` in the user's
    /// cache folder]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "LAYERPRESS_CACHE_DIR",
        hide_env = true
    )]
    pub cache_dir: Option<PathBuf>,

    /// Use the cache only; what it does not hold is an error [default: off]
    #[arg(long, global = true, env = "LAYERPRESS_OFFLINE", hide_env = true, value_parser = FalseyValueParser::new())]
    pub offline: bool,

    /// Print one JSON document on stdout, for errors too [default: off]
    #[arg(long, global = true, env = "LAYERPRESS_JSON", hide_env = true, value_parser = FalseyValueParser::new())]
    pub json: bool,

    /// Print data and errors only [default: off]
    #[arg(short, long, global = true, env = "LAYERPRESS_QUIET", hide_env = true, value_parser = FalseyValueParser::new(), overrides_with = "verbose")]
    pub quiet: bool,

    /// Say what each step does, and the weight of each package [default: off]
    #[arg(short, long, global = true, env = "LAYERPRESS_VERBOSE", hide_env = true, value_parser = FalseyValueParser::new())]
    pub verbose: bool,

    /// When to use colour: `auto` (on a terminal, unless `NO_COLOR` is set), `always` or `never`
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        value_enum,
        default_value = "auto",
        env = "LAYERPRESS_COLOR",
        hide_env = true,
        hide_possible_values = true
    )]
    pub color: ColorChoice,

    /// Draw no progress bars [default: drawn where stderr is a terminal]
    #[arg(long, global = true, env = "LAYERPRESS_NO_PROGRESS", hide_env = true, value_parser = FalseyValueParser::new())]
    pub no_progress: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;

    #[test]
    fn examples_and_exit_codes_fit_a_narrow_terminal() {
        let mut commands = vec![Cli::command()];
        while let Some(command) = commands.pop() {
            let below = command.get_after_help().map(ToString::to_string);
            for line in below.iter().flat_map(|text| text.lines()) {
                assert!(line.chars().count() <= 80, "{line}");
            }
            commands.extend(command.get_subcommands().cloned());
        }
    }
}
