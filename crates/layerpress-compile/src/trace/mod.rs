//! Tracing: which files of a layer a command of the team's own opens, and what of the others may go.
//!
//! The layer is unpacked into a folder of its own and the command run with search paths that lead
//! there ([`run`]); the file system itself notes which files were read or mapped ([`Recorder`]), by
//! whatever process, in whatever way. What was not opened may go, but for what no such
//! command would show to be needed ([`keep`]).

mod keep;
mod recorder;
mod run;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use layerpress_target::Arch;

pub use keep::TraceKeep;
pub(crate) use keep::{Untouched, untouched};
pub(crate) use recorder::Recorder;
pub(crate) use run::{Scene, opened};

/// The rule by which files go that a traced command did not open.
pub(crate) const NOT_OPENED: &str = "not-opened";

/// The same as a part of a sentence.
pub(crate) const TRACED: &str = "what `--trace` left out";

/// The remedy where a traced command opened too little.
pub(crate) const KEEP_MORE: &str =
    "trace a command that does more, or keep more with `--trace-keep packages`";

/// What to run, and what to keep.
#[derive(Debug, Clone)]
pub struct Trace {
    /// A command for the shell.
    pub command: String,
    /// What stays beside what was opened.
    pub keep: TraceKeep,
    /// The variables of the user's own process, which the command sees.
    pub variables: BTreeMap<OsString, OsString>,
    /// The folder to unpack in.
    pub temporary: PathBuf,
}

/// Why a layer could not be traced.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// The command failed, so what it opened says nothing.
    #[error("the traced command {end}; it printed last:\n{output}")]
    Failed {
        /// How it ended.
        end: String,
        /// The end of what it wrote.
        output: String,
    },
    /// It opened nothing of the layer.
    #[error("the traced command opened no file of the layer")]
    Nothing,
    /// The file system does not note when files are read.
    #[error("the file system of `{}` does not note which files are read", folder.display())]
    NotNoted {
        /// The folder for temporary files.
        folder: PathBuf,
    },
    /// Machine code for another machine.
    #[error(
        "the layer is for {arch} and this machine is {machine}, so nothing in it can be traced here"
    )]
    OtherMachine {
        /// What the layer is for.
        arch: Arch,
        /// What this machine is.
        machine: &'static str,
    },
    /// The layer cannot be unpacked, or the command not be started.
    #[error("the command cannot be traced: {0}")]
    System(#[from] io::Error),
}

impl TraceError {
    /// A short name that scripts can hold on to.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Failed { .. } => "trace-failed",
            _ => "no-trace",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Failed { .. } => Some(
                "nothing was left out and nothing written; it runs in this folder, with the unpacked layer \
                 in `LAYERPRESS_LAYER` and on `PYTHONPATH`, `NODE_PATH` and `LD_LIBRARY_PATH`"
                    .to_owned(),
            ),
            Self::Nothing => Some(
                "it may find the same packages elsewhere first; the unpacked layer is on `PYTHONPATH` and \
                 `NODE_PATH`"
                    .to_owned(),
            ),
            Self::NotNoted { .. } => Some(
                "it is mounted with `noatime`, or keeps no such times; name a folder on another one with \
                 `TMPDIR`, such as `/dev/shm`"
                    .to_owned(),
            ),
            Self::OtherMachine { .. } => {
                Some("leave `--trace` out, or run it on such a machine".to_owned())
            }
            Self::System(_) => None,
        }
    }
}
