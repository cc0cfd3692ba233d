//! [`ShrinkError`]: why a layer cannot be made smaller; it is as it was then, and nothing is written.

use std::io;
use std::path::PathBuf;

use layerpress_pack::ContentError;
use layerpress_press::rules::Removal;

use crate::bytecode::{BYTECODE, BytecodeError, NAME_A_RUN};
use crate::error::{CompileError, ExitClass};
use crate::existing::InspectError;
use crate::smoke::SmokeError;
use crate::trace::{KEEP_MORE, NOT_OPENED, TraceError};

/// Why a layer cannot be made smaller.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShrinkError {
    /// The layer cannot be opened.
    #[error(transparent)]
    Layer(#[from] InspectError),
    /// A zip or folder that is something else.
    #[error("{}: it {looks_like}", path.display())]
    NotALayer {
        /// The zip or folder.
        path: PathBuf,
        /// What it is instead.
        looks_like: String,
        /// Where to go with that.
        hint: String,
    },
    /// A target that the layer's own files speak against.
    #[error("{}: it is for {told}, as its {by} tell, and not for {asked}", path.display())]
    OtherTarget {
        /// The layer.
        path: PathBuf,
        /// What it is for.
        told: &'static str,
        /// What tells it.
        by: &'static str,
        /// What it was said to be for.
        asked: &'static str,
        /// The option that says so.
        option: &'static str,
    },
    /// A file of the layer that cannot be read.
    #[error("{}: `{path}`: {fault}", layer.display())]
    Damaged {
        /// The layer.
        layer: PathBuf,
        /// The file in it.
        path: String,
        /// What is wrong with its stream.
        fault: ContentError,
    },
    /// The result would replace the input.
    #[error("`{}` is the layer itself, which is not replaced unasked", path.display())]
    SameFile {
        /// The output.
        path: PathBuf,
    },
    /// `--in-place` of a folder.
    #[error("`{}` is a folder, so it cannot be replaced by a zip", path.display())]
    FolderInPlace {
        /// The folder.
        path: PathBuf,
    },
    /// The output's folder takes no file.
    #[error("`{}` cannot be written: {}", path.display(), source.kind())]
    Unwritable {
        /// The output.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A smoke test that passed before and does not after.
    #[error(
        "the smoke test passes with the layer as it came and not with the smaller one: it {end}{}",
        blamed(by, path.as_deref(), *alone)
    )]
    Smoke {
        /// How it ended.
        end: String,
        /// What it wrote to stderr.
        stderr: String,
        /// The rule or pass that did it.
        by: &'static str,
        /// The file, if it was looked for.
        path: Option<String>,
        /// Whether that file by itself is at fault, and not others as well.
        alone: bool,
    },
    /// A smoke test that cannot be run.
    #[error(transparent)]
    NoSmoke(#[from] SmokeError),
    /// A layer that cannot be traced.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// Bytecode that cannot be made.
    #[error(transparent)]
    Bytecode(#[from] BytecodeError),
    /// Bytecode for a Python that nobody names.
    #[error(
        "which Python the layer is for cannot be told from its files, and bytecode is for one alone"
    )]
    NoVersion,
    /// Bytecode of what is loaded, where nothing says what that is.
    #[error(
        "which modules a function loads is not known, so `--bytecode hot` has nothing to go by"
    )]
    NothingLoaded,
    /// The output.
    #[error(transparent)]
    Write(Box<CompileError>),
}

impl From<CompileError> for ShrinkError {
    fn from(error: CompileError) -> Self {
        Self::Write(Box::new(error))
    }
}

impl ShrinkError {
    /// Which class of failure it is.
    #[must_use]
    pub fn exit_class(&self) -> ExitClass {
        match self {
            Self::Layer(InspectError::Unreadable { .. })
            | Self::Unwritable { .. }
            | Self::NoSmoke(SmokeError::Unreadable { .. } | SmokeError::System(_))
            | Self::Trace(TraceError::System(_) | TraceError::NotNoted { .. }) => ExitClass::Io,
            Self::SameFile { .. }
            | Self::FolderInPlace { .. }
            | Self::NothingLoaded
            | Self::NoSmoke(SmokeError::Nothing) => ExitClass::Usage,
            Self::Smoke { .. }
            | Self::NoSmoke(_)
            | Self::Trace(_)
            | Self::Bytecode(_)
            | Self::NoVersion
            | Self::OtherTarget { .. } => ExitClass::Unmet,
            Self::Layer(_) | Self::NotALayer { .. } | Self::Damaged { .. } => ExitClass::Input,
            Self::Write(error) => error.exit_class(),
        }
    }

    /// A short name that scripts can hold on to.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Layer(InspectError::Unreadable { .. }) => "unreadable",
            Self::Layer(_) | Self::NotALayer { .. } => "no-layer",
            Self::OtherTarget { .. } => "other-target",
            Self::Damaged { .. } => "damaged",
            Self::SameFile { .. } => "same-file",
            Self::FolderInPlace { .. } => "folder-in-place",
            Self::Unwritable { .. } => "unwritable",
            Self::Smoke { .. } => "smoke-failed",
            Self::NoSmoke(_) => "no-smoke",
            Self::Trace(error) => error.code(),
            Self::Bytecode(_) | Self::NoVersion => "bytecode",
            Self::NothingLoaded => "nothing-loaded",
            Self::Write(error) => error.code(),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Layer(error) => error.hint(),
            Self::NotALayer { hint, .. } => Some(hint.clone()),
            Self::OtherTarget { asked, option, .. } => Some(format!(
                "leave `{option}` out; for {asked} the layer has to be made anew, since what is for another is not loaded there"
            )),
            Self::Damaged { .. } => Some("make or fetch the layer again".to_owned()),
            Self::SameFile { .. } => {
                Some("`--in-place` replaces it; else name another file with `--output`".to_owned())
            }
            Self::FolderInPlace { .. } => Some("name a zip file with `--output`".to_owned()),
            Self::Unwritable { .. } => Some("name another place with `--output`".to_owned()),
            Self::Smoke {
                by, path, alone, ..
            } => Some(match path {
                _ if *by == BYTECODE => "leave `--bytecode` out; nothing was written".to_owned(),
                _ if *by == NOT_OPENED => format!("{KEEP_MORE}; nothing was written"),
                Some(path) if *alone => {
                    format!("`--keep '{path}'` keeps it as it was; nothing was written")
                }
                _ if *by == Removal::Choice.name() => {
                    "take back the `--drop` that means these files; nothing was written".to_owned()
                }
                _ => format!("`--keep rule:{by}` keeps such files; nothing was written"),
            }),
            Self::NoSmoke(error) => error.hint(),
            Self::Trace(error) => error.hint(),
            Self::Bytecode(error) => error.hint(),
            Self::NoVersion => Some("name it with `--runtime`".to_owned()),
            Self::NothingLoaded => Some(NAME_A_RUN.to_owned()),
            Self::Write(error) => error.hint(),
        }
    }
}

fn blamed(by: &str, path: Option<&str>, alone: bool) -> String {
    match path {
        Some(path) if alone => format!(" ({by} did it, on `{path}`)"),
        Some(path) => format!(" ({by} did it, on `{path}` and on others)"),
        None => format!(" ({by} did it)"),
    }
}
