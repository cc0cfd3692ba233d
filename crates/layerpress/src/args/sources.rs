//! Where packages may come from, and in which form.

use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};

/// Which indexes are asked.
#[derive(Debug, Args)]
#[command(next_help_heading = "Index options")]
pub(crate) struct IndexArgs {
    /// The package index [default: pip's settings, else PyPI]
    #[arg(
        short = 'i',
        long,
        value_name = "URL",
        env = "LAYERPRESS_INDEX_URL",
        hide_env = true,
        hide_env_values = true
    )]
    pub index_url: Option<String>,

    /// A further index, asked before `--index-url` (repeatable)
    #[arg(
        long,
        value_name = "URL",
        env = "LAYERPRESS_EXTRA_INDEX_URL",
        hide_env = true,
        hide_env_values = true,
        value_delimiter = ' '
    )]
    pub extra_index_url: Vec<String>,

    /// A folder or page of archives to choose from as well (repeatable)
    #[arg(
        short = 'f',
        long,
        value_name = "WHERE",
        env = "LAYERPRESS_FIND_LINKS",
        hide_env = true,
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub find_links: Vec<String>,

    /// Ask no index; only `--find-links` and direct URLs [default: off]
    #[arg(long, env = "LAYERPRESS_NO_INDEX", hide_env = true, value_parser = FalseyValueParser::new())]
    pub no_index: bool,

    /// How several indexes go together
    #[arg(
        long,
        value_name = "STRATEGY",
        value_enum,
        default_value = "first-index",
        env = "LAYERPRESS_INDEX_STRATEGY",
        hide_env = true
    )]
    pub index_strategy: IndexStrategyArg,

    /// The npm registry [default: npm's settings, else npm's own]; scopes keep theirs
    #[arg(
        long,
        value_name = "URL",
        env = "LAYERPRESS_REGISTRY",
        hide_env = true,
        hide_env_values = true
    )]
    pub registry: Option<String>,

    /// Ask indexes and registries anew, whatever the cache holds [default: off]
    #[arg(long, env = "LAYERPRESS_REFRESH", hide_env = true, value_parser = FalseyValueParser::new())]
    pub refresh: bool,
}

/// How several indexes go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum IndexStrategyArg {
    /// The first index that has the name is the only one asked for it
    FirstIndex,
    /// All are asked; the first with a version that fits wins
    UnsafeFirstMatch,
    /// All are asked; the best version of all wins
    UnsafeBestMatch,
}

/// Which forms of archives may be used.
#[derive(Debug, Args)]
#[command(next_help_heading = "Build options")]
pub(crate) struct BuildPolicyArgs {
    /// Build nothing from source: the same as `--only-binary :all:` [default: off]
    #[arg(long, env = "LAYERPRESS_NO_BUILD", hide_env = true, value_parser = FalseyValueParser::new())]
    pub no_build: bool,

    /// Take wheels only for these packages, or `:all:` (repeatable)
    #[arg(
        long,
        value_name = "PACKAGES",
        env = "LAYERPRESS_ONLY_BINARY",
        hide_env = true,
        value_delimiter = ','
    )]
    pub only_binary: Vec<String>,

    /// Take source distributions only for these packages, or `:all:` (repeatable)
    #[arg(
        long,
        value_name = "PACKAGES",
        env = "LAYERPRESS_NO_BINARY",
        hide_env = true,
        value_delimiter = ','
    )]
    pub no_binary: Vec<String>,

    /// The Python that builds source distributions: a path, a version or a command [default: one
    /// of the target's version, found on this machine]
    #[arg(
        long,
        value_name = "PYTHON",
        env = "LAYERPRESS_PYTHON",
        hide_env = true
    )]
    pub python: Option<String>,
}
