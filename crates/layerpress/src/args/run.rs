//! The arguments that name what is run with a layer: a traced command, a smoke test.

use clap::{Args, ValueEnum};

/// What stays beside what a traced command opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TraceKeepArg {
    /// Nothing
    Files,
    /// The data of packages that were touched
    Data,
    /// What packages that were touched offer others by name
    EntryPoints,
    /// Packages that were touched, whole
    Packages,
}

/// What is run to see which files are needed.
#[derive(Debug, Args)]
pub(crate) struct TraceArgs {
    /// Run this command with the unpacked layer in `LAYERPRESS_LAYER` and on the search paths, and leave
    /// out what it does not open; what that is, is said before anything is written
    #[arg(
        long,
        value_name = "COMMAND",
        env = "LAYERPRESS_TRACE",
        hide_env = true
    )]
    pub trace: Option<String>,

    /// What stays beside what the traced command opens, the libraries that this is linked with, and what
    /// packages say of themselves: nothing (`files`); of packages of which something was opened what is
    /// no code (`data`), the modules that they offer others as entry points (`entry-points`), or all
    /// (`packages`)
    #[arg(
        long,
        value_name = "WHAT",
        value_enum,
        value_delimiter = ',',
        default_values = ["data", "entry-points"],
        env = "LAYERPRESS_TRACE_KEEP",
        hide_env = true,
        hide_possible_values = true,
        requires = "trace"
    )]
    pub trace_keep: Vec<TraceKeepArg>,
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
