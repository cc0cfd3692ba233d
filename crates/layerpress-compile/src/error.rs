//! [`CompileError`]: why a command could not be carried out, and which class of failure that is.

use std::io;
use std::path::PathBuf;

use layerpress_check::OverLimit;
use layerpress_fetch::{ErrorKind, FetchError, StoreError};
use layerpress_pack::WriteError;
use layerpress_press::Profile;
use layerpress_press::rules::{OverrideError, Removal};
use layerpress_target::{Arch, Ecosystem, Runtime};
use layerpress_tree::{Conflict, Sha256};

use crate::bytecode::{BYTECODE, BytecodeError, NAME_A_RUN};
use crate::existing::InspectError;
use crate::node::NodeError;
use crate::own_code::OwnCodeError;
use crate::python::PythonError;
use crate::smoke::SmokeError;
use crate::trace::{KEEP_MORE, TRACED, TraceError};

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// An input or an own file that cannot be read.
    #[error("`{}` cannot be read: {source}", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An input of no kind that is known.
    #[error("`{}` is no manifest or lockfile that layerpress knows", path.display())]
    UnknownInput {
        /// The input.
        path: PathBuf,
    },
    /// A folder without a manifest.
    #[error("{}: no manifest in this folder", folder.display())]
    NoManifest {
        /// The folder.
        folder: PathBuf,
        /// What was looked for in it.
        looked_for: String,
    },
    /// A runtime of another ecosystem than the manifest.
    #[error("`{runtime}` is no runtime for a {} manifest", language(*ecosystem))]
    OtherEcosystem {
        /// The runtime.
        runtime: Runtime,
        /// The manifest's ecosystem.
        ecosystem: Ecosystem,
    },
    /// A runtime that does not exist on an architecture.
    #[error("Lambda has no `{runtime}` on {arch}")]
    NoSuchTarget {
        /// The runtime.
        runtime: Runtime,
        /// The architecture.
        arch: Arch,
    },
    /// No lockfile where one must be.
    #[error("there is no lockfile `{}`", path.display())]
    NoLock {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// `--locked` with a lockfile that does not meet the manifest.
    #[error("`{}` does not meet the manifest: {unmet}", path.display())]
    LockOutdated {
        /// The lockfile.
        path: PathBuf,
        /// The first line that is not met.
        unmet: String,
    },
    /// A layer in the place of a manifest.
    #[error(transparent)]
    Layer(#[from] InspectError),
    /// A Python project.
    #[error(transparent)]
    Python(#[from] PythonError),
    /// A Node.js project.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// Fetching.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An archive that was put into the store is gone again.
    #[error("`{file_name}` vanished from the cache: `{}` is not there any more", path.display())]
    Vanished {
        /// Its place in the store.
        path: PathBuf,
        /// The archive.
        file_name: String,
    },
    /// Bytecode that was asked for.
    #[error(transparent)]
    Bytecode(#[from] BytecodeError),
    /// The team's own code.
    #[error(transparent)]
    OwnCode(#[from] OwnCodeError),
    /// The team's own code and a distribution.
    #[error("`{}` cannot go into the layer: {source}", file.display())]
    OwnCodeConflict {
        /// The own file.
        file: PathBuf,
        /// What stands in its way.
        source: Conflict,
    },
    /// What the user says of files that are not there.
    #[error(transparent)]
    Override(#[from] OverrideError),
    /// A layer larger than Lambda takes.
    #[error("{over}")]
    OverLimit {
        /// By how much, and what weighs most.
        over: Box<OverLimit>,
        /// How much was left out of it.
        profile: Profile,
    },
    /// One zip file named for several layers.
    #[error("`{}` is one file, but {layers} layers are to be built", path.display())]
    OneFileForSeveral {
        /// The file.
        path: PathBuf,
        /// How many layers there are.
        layers: usize,
    },
    /// Two inputs that would be written to one file.
    #[error("`{}` would be written for `{first}` and for `{second}`", path.display())]
    SameFile {
        /// The layer or lockfile.
        path: PathBuf,
        /// One input.
        first: String,
        /// The other.
        second: String,
    },
    /// A lockfile that would replace what the user wrote.
    #[error("`{}` is the manifest, so no lockfile is written there", path.display())]
    OverManifest {
        /// The file.
        path: PathBuf,
    },
    /// An upgrade of a lockfile that is used as it is.
    #[error("`{}` is a lockfile and used as it is: no version in it moves", path.display())]
    NothingMoves {
        /// The lockfile.
        path: PathBuf,
    },
    /// A lockfile in the place of a manifest.
    #[error("`{}` is a lockfile already: there is nothing to lock", path.display())]
    NothingToLock {
        /// The lockfile.
        path: PathBuf,
    },
    /// An offline build whose archives are not all in the store.
    #[error("{}, and the network is switched off:{}", absent(files.len()), listed(files))]
    NotCached {
        /// Their file names.
        files: Vec<String>,
    },
    /// `--check-digest`.
    #[error("`{}` would have the digest {found}, not {expected}", path.display())]
    OtherDigest {
        /// The layer.
        path: PathBuf,
        /// The digest asked for.
        expected: Sha256,
        /// The digest it would have.
        found: Sha256,
    },
    /// A smoke test that fails.
    #[error("the smoke test fails with `{}`: it {end}{}", path.display(), blamed(by.as_deref()))]
    Smoke {
        /// The layer.
        path: PathBuf,
        /// How it ended.
        end: String,
        /// What did it; nothing where it fails with nothing left out, too.
        by: Option<String>,
    },
    /// A smoke test that cannot be run.
    #[error(transparent)]
    NoSmoke(#[from] SmokeError),
    /// A layer that cannot be traced.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// Bytecode of what is loaded, where nothing says what that is.
    #[error(
        "which modules a function loads is not known, so `--bytecode hot` has nothing to go by"
    )]
    NothingLoaded,
    /// An output.
    #[error("{error}")]
    Write {
        /// What happened, with its cause.
        error: String,
    },
    /// The machine refuses what every program needs.
    #[error("the system gives no threads: {source}")]
    Runtime {
        /// What it said.
        source: io::Error,
    },
}

/// Classes of failure; the program gives each its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExitClass {
    /// The request cannot be met: no solution, a lock out of date, a limit.
    Unmet,
    /// The request makes no sense.
    Usage,
    /// The network failed, or would have been needed.
    Network,
    /// Something that was read is wrong in itself, or hostile.
    Input,
    /// A file could not be read or written.
    Io,
    /// The program is at fault.
    Bug,
}

fn language(ecosystem: Ecosystem) -> &'static str {
    match ecosystem {
        Ecosystem::Python => "Python",
        Ecosystem::Node => "Node.js",
    }
}

fn blamed(by: Option<&str>) -> String {
    by.map_or_else(String::new, |by| format!(" ({by} did it)"))
}

fn absent(files: usize) -> String {
    match files {
        1 => "1 archive is not in the cache".to_owned(),
        more => format!("{more} archives are not in the cache"),
    }
}

fn listed(files: &[String]) -> String {
    files.iter().map(|file| format!("\n  {file}")).collect()
}

impl From<WriteError> for CompileError {
    fn from(error: WriteError) -> Self {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        Self::Write {
            error: format!("{error}{}", cause.unwrap_or_default()),
        }
    }
}

impl CompileError {
    /// Which class of failure it is.
    #[must_use]
    pub fn exit_class(&self) -> ExitClass {
        match self {
            Self::Unreadable { .. }
            | Self::Store(_)
            | Self::Write { .. }
            | Self::Vanished { .. }
            | Self::OwnCode(OwnCodeError::Read { .. })
            | Self::NoSmoke(SmokeError::Unreadable { .. } | SmokeError::System(_))
            | Self::Trace(TraceError::System(_) | TraceError::NotNoted { .. })
            | Self::Layer(InspectError::Unreadable { .. })
            | Self::Runtime { .. } => ExitClass::Io,
            Self::OtherEcosystem { .. }
            | Self::NoSuchTarget { .. }
            | Self::OneFileForSeveral { .. }
            | Self::SameFile { .. }
            | Self::NothingMoves { .. }
            | Self::NothingToLock { .. }
            | Self::NothingLoaded
            | Self::NoSmoke(SmokeError::Nothing)
            | Self::Override(_)
            | Self::OverManifest { .. } => ExitClass::Usage,
            Self::NotCached { .. } => ExitClass::Network,
            Self::UnknownInput { .. }
            | Self::NoManifest { .. }
            | Self::Layer(_)
            | Self::OwnCode(_)
            | Self::OwnCodeConflict { .. } => ExitClass::Input,
            Self::NoLock { .. }
            | Self::LockOutdated { .. }
            | Self::OverLimit { .. }
            | Self::Bytecode(_)
            | Self::Smoke { .. }
            | Self::NoSmoke(_)
            | Self::Trace(_)
            | Self::OtherDigest { .. } => ExitClass::Unmet,
            Self::Python(error) => error.exit_class(),
            Self::Node(error) => error.exit_class(),
            Self::Fetch(error) => match error.kind() {
                ErrorKind::Network | ErrorKind::Offline => ExitClass::Network,
                ErrorKind::Input => ExitClass::Input,
                ErrorKind::Io => ExitClass::Io,
            },
        }
    }

    /// A short name that scripts can hold on to.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } | Self::Layer(InspectError::Unreadable { .. }) => "unreadable",
            Self::Layer(_) => "no-layer",
            Self::UnknownInput { .. } => "unknown-input",
            // Manifests and what lies beside them had one name before they had two ecosystems.
            Self::NoManifest { .. } | Self::OwnCode(_) => "manifest",
            Self::OtherEcosystem { .. } => "other-ecosystem",
            Self::NoSuchTarget { .. } => "no-such-target",
            Self::Python(error) => error.code(),
            Self::Node(error) => error.code(),
            Self::NoLock { .. } => "no-lockfile",
            Self::LockOutdated { .. } => "lockfile-outdated",
            Self::Fetch(error) => match error.kind() {
                ErrorKind::Network => "network",
                ErrorKind::Offline => "offline",
                ErrorKind::Input => "artifact",
                ErrorKind::Io => "unreadable",
            },
            Self::Store(_) | Self::Vanished { .. } => "cache",
            Self::OwnCodeConflict { .. } => "own-code-conflict",
            Self::Override(_) => "usage",
            Self::OverLimit { .. } => "over-limit",
            Self::Bytecode(_) => "bytecode",
            Self::OneFileForSeveral { .. } | Self::SameFile { .. } => "one-file-for-several",
            Self::OverManifest { .. } => "over-manifest",
            Self::NothingMoves { .. } => "nothing-moves",
            Self::NothingToLock { .. } => "nothing-to-lock",
            Self::NotCached { .. } => "offline",
            Self::OtherDigest { .. } => "other-digest",
            Self::Smoke { .. } => "smoke-failed",
            Self::NoSmoke(_) => "no-smoke",
            Self::Trace(error) => error.code(),
            Self::NothingLoaded => "nothing-loaded",
            Self::Write { .. } => "unwritable",
            Self::Runtime { .. } => "runtime",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::UnknownInput { .. } => {
                "name a `requirements.txt` (any `*.txt` or `*.in`), a `pyproject.toml`, a \
                 `package.json`, a lockfile of pip or npm, or a folder that holds one"
                    .into()
            }
            Self::NoManifest { looked_for, .. } => format!("looked for {looked_for}"),
            Self::OtherEcosystem { ecosystem, .. } => {
                format!(
                    "the newest one for it is `{}`",
                    layerpress_target::newest(*ecosystem)
                )
            }
            Self::NoSuchTarget { .. } => "name another `--runtime` or `--arch`".into(),
            Self::NoLock { .. } => {
                "run `layerpress lock` first; `build` without `--locked` does so by itself".into()
            }
            Self::LockOutdated { .. } => {
                "run `layerpress lock` to bring it up to date, or leave `--locked` out".into()
            }
            Self::OwnCodeConflict { .. } => {
                "rename the file, or name it in `.layerpressignore` to leave it out".into()
            }
            Self::OneFileForSeveral { .. } => {
                "name a folder with `--output`, or one `--runtime` and one `--arch`".into()
            }
            Self::SameFile { .. } => {
                "give each input a run of its own with `--output`, or a folder of its own".into()
            }
            Self::OverManifest { .. } => {
                "name another file, such as `pylock.toml` or `package-lock.json`".into()
            }
            Self::NothingMoves { .. } => {
                "leave `--upgrade` out and upgrade with the tool that wrote it, or name the manifest \
                 with `layerpress lock`"
                    .into()
            }
            Self::NothingToLock { .. } => {
                "name the manifest that it was made from; `layerpress build` takes the lockfile as it is"
                    .into()
            }
            Self::Write { .. } => "name another place with `--output`".into(),
            Self::NotCached { .. } => {
                "run once without `--offline`, or fill the cache with `layerpress fetch`".into()
            }
            Self::OtherDigest {
                expected, found, ..
            } => format!(
                "lockfile, target or options differ from those of the expected layer; as Lambda reports \
                 them, the digests are {} and {}",
                found.base64(),
                expected.base64()
            ),
            Self::Vanished { .. } => {
                "another program may be cleaning the cache: run the command again".into()
            }
            Self::Smoke { by: Some(by), .. } => {
                let rule = by.trim_matches('`');
                match by.as_str() {
                    TRACED => format!("{KEEP_MORE}; nothing was written"),
                    BYTECODE => "leave `--bytecode` out; nothing was written".into(),
                    _ if rule == Removal::Choice.name() => {
                        "take back the `--drop` that means what is missed; nothing was written".into()
                    }
                    _ => format!("`--keep rule:{rule}` keeps what it takes; nothing was written"),
                }
            }
            Self::Smoke { by: None, .. } => {
                "it fails with nothing left out of the packages, too: something is missing in the manifest, \
                 or in the test's environment"
                    .into()
            }
            Self::NoSmoke(error) => return error.hint(),
            Self::Trace(error) => return error.hint(),
            Self::NothingLoaded => NAME_A_RUN.into(),
            Self::OverLimit { over, profile } => match profile {
                Profile::None => format!(
                    "`--profile safe` leaves out what no function reads, often a quarter; {}",
                    over.hint()
                ),
                Profile::Safe | Profile::Small => over.hint(),
            },
            Self::Bytecode(error) => return error.hint(),
            Self::Override(error) => return error.hint(),
            Self::OwnCode(error) => return error.hint(),
            Self::Layer(error) => return error.hint(),
            Self::Python(error) => return error.hint(),
            Self::Node(error) => return error.hint(),
            Self::Fetch(error) => return error.hint(),
            Self::Store(error) => return error.hint(),
            Self::Unreadable { .. } | Self::Runtime { .. } => return None,
        };
        Some(hint)
    }
}
