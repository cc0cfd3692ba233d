//! [`NodeError`]: why a Node.js layer cannot be built, and which class of failure that is.

use std::io;
use std::path::PathBuf;

use layerpress_fetch::ErrorKind;
use layerpress_node::foreign::ForeignLockError;
use layerpress_node::native::Trouble;
use layerpress_node::npmrc::NpmrcError;
use layerpress_node::package_json::PackageJsonError;
use layerpress_node::package_lock::{PackageLockError, PinError};
use layerpress_node::registry::RegistryError;
use layerpress_node::source::{ResolveError, SourceError, WorkspaceError};
use layerpress_node::tarball::TarballError;
use layerpress_target::Target;
use layerpress_tree::LayerPath;

use super::prebuilt_error::PrebuiltError;
use crate::error::{CompileError, ExitClass};

/// Why a Node.js layer cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// npm's settings.
    #[error(transparent)]
    Npmrc(#[from] NpmrcError),
    /// A package.json.
    #[error(transparent)]
    PackageJson(#[from] PackageJsonError),
    /// The lockfile.
    #[error(transparent)]
    Lock(#[from] PackageLockError),
    /// Another tool's lockfile.
    #[error("{source}")]
    ForeignLock {
        /// What is wrong with it.
        source: Box<ForeignLockError>,
    },
    /// The resolution.
    #[error("{source}")]
    Resolve {
        /// Why there is none.
        source: Box<ResolveError>,
    },
    /// A registry that says nothing of a package that the lockfile names.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Between lockfile and artifacts.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// A tarball.
    #[error(transparent)]
    Tarball(#[from] TarballError),
    /// A version of Node.js that a package is not for, where that counts.
    #[error("{package} is for Node.js {wanted}, and {target} has {}", target.runtime.full_version())]
    Engine {
        /// The package with its version, or the manifest.
        package: String,
        /// What it says that it is for.
        wanted: String,
        /// The target.
        target: Target,
    },
    /// A lock entry whose archive nothing but a broken or no digest vouches for.
    #[error(
        "`{location}`: the lockfile has no digest of it that can be trusted{}",
        reason(because)
    )]
    NoDigest {
        /// Its folder.
        location: String,
        /// Why no better one was found.
        because: String,
    },
    /// A lock entry whose address is none.
    #[error("`{location}`: `{address}` is no address of a tarball")]
    Address {
        /// Its folder.
        location: String,
        /// What stands there, without credentials.
        address: String,
    },
    /// A tarball that is not what the lockfile or the registry says.
    #[error(transparent)]
    OtherDigest(Box<OtherDigest>),
    /// A folder that cannot be read.
    #[error("`{}` cannot be read: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A local package whose folder is not there, or has no package.json.
    #[error("{}`{}` is no folder with a package.json", asked(by), path.display())]
    NoPackage {
        /// The folder.
        path: PathBuf,
        /// Who asks for it, and by what: `the project needs a@file:../a`. Empty where nobody knows.
        by: String,
    },
    /// A file of a local package that cannot be named in a layer.
    #[error("`{}` cannot stand in a layer: {reason}", path.display())]
    PackedName {
        /// The file.
        path: PathBuf,
        /// What is wrong with its name.
        reason: String,
    },
    /// Packages that cannot work without what their install scripts would have made.
    #[error("{}", told(troubles))]
    Broken {
        /// What is wrong with each, and what to do about it; never empty.
        troubles: Vec<Trouble>,
    },
    /// Machine code that is downloaded by choice.
    #[error(transparent)]
    Prebuilt(Box<PrebuiltError>),
    /// Two packages that write one path.
    #[error("`{first}` and `{second}` would both write `{path}`")]
    Conflict {
        /// The path in the layer.
        path: LayerPath,
        /// One package's folder.
        first: String,
        /// The other's.
        second: String,
    },
}

/// A tarball that is not what the lockfile or the registry says.
#[derive(Debug, thiserror::Error)]
#[error("`{archive}` from `{url}`: expected `{expected}`, found `{found}`")]
pub struct OtherDigest {
    /// The package.
    pub archive: String,
    /// Where it came from, without credentials.
    pub url: String,
    /// What was promised, as a lockfile writes it.
    pub expected: String,
    /// What it has, likewise.
    pub found: String,
    /// What to do about it.
    pub hint: String,
}

fn told(troubles: &[Trouble]) -> String {
    match troubles {
        [one] => one.to_string(),
        several => {
            let lines = several.iter().map(|trouble| format!("\n  {trouble}"));
            format!(
                "{} packages cannot work without their install scripts, and none is run:{}",
                several.len(),
                lines.collect::<String>()
            )
        }
    }
}

fn asked(by: &str) -> String {
    match by {
        "" => String::new(),
        by => format!("{by}, but "),
    }
}

fn reason(because: &str) -> String {
    match because {
        "" => String::new(),
        because => format!(": {because}"),
    }
}

/// A conversion by way of [`NodeError`] for each error of the crates below.
macro_rules! by_way_of_node {
    ($($error:ty),*) => {$(
        impl From<$error> for CompileError {
            fn from(error: $error) -> Self {
                Self::Node(error.into())
            }
        }
    )*};
}

by_way_of_node!(
    NpmrcError,
    PackageJsonError,
    PackageLockError,
    RegistryError,
    PinError,
    TarballError,
    ResolveError,
    WorkspaceError
);

impl From<ForeignLockError> for NodeError {
    fn from(source: ForeignLockError) -> Self {
        Self::ForeignLock {
            source: Box::new(source),
        }
    }
}

impl From<ResolveError> for NodeError {
    fn from(source: ResolveError) -> Self {
        Self::Resolve {
            source: Box::new(source),
        }
    }
}

impl From<SourceError> for NodeError {
    fn from(error: SourceError) -> Self {
        ResolveError::from(error).into()
    }
}

impl From<WorkspaceError> for NodeError {
    fn from(error: WorkspaceError) -> Self {
        ResolveError::from(error).into()
    }
}

impl NodeError {
    /// Which class of failure it is.
    pub(crate) fn exit_class(&self) -> ExitClass {
        match self {
            Self::Npmrc(NpmrcError::Read { .. }) | Self::Folder { .. } => ExitClass::Io,
            Self::ForeignLock { source } if source.is_outdated() => ExitClass::Unmet,
            Self::Npmrc(_)
            | Self::PackageJson(_)
            | Self::Lock(_)
            | Self::ForeignLock { .. }
            | Self::Tarball(_)
            | Self::Address { .. }
            | Self::OtherDigest(_)
            | Self::NoDigest { .. }
            | Self::NoPackage { .. }
            | Self::PackedName { .. }
            | Self::Pin(PinError::Unknown { .. }) => ExitClass::Input,
            Self::Pin(_) | Self::Engine { .. } | Self::Broken { .. } | Self::Conflict { .. } => {
                ExitClass::Unmet
            }
            Self::Prebuilt(error) => error.exit_class(),
            Self::Registry(error) => class(error.kind()),
            Self::Resolve { source } => class(source.kind()),
        }
    }

    /// A short name that scripts can hold on to.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Npmrc(_) => "npmrc",
            Self::PackageJson(_) | Self::NoPackage { .. } | Self::PackedName { .. } => "manifest",
            Self::ForeignLock { source } if source.is_outdated() => "lockfile-outdated",
            Self::Lock(_)
            | Self::ForeignLock { .. }
            | Self::Address { .. }
            | Self::Pin(PinError::Unknown { .. }) => "lockfile",
            Self::Pin(_) => "lockfile-target",
            Self::Tarball(_) => "tarball",
            Self::OtherDigest(_) => "artifact",
            Self::Engine { .. } => "engine",
            Self::Broken { .. } => "install-script",
            Self::NoDigest { .. } => "no-digest",
            Self::Folder { .. } => "unreadable",
            Self::Conflict { .. } => "package-conflict",
            Self::Prebuilt(error) => error.code(),
            Self::Registry(error) => code(error.kind()),
            Self::Resolve { source } => code(source.kind()),
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Npmrc(error) => return error.hint().map(str::to_owned),
            Self::PackageJson(error) => error.hint().to_owned(),
            Self::Lock(error) => error.hint().to_owned(),
            Self::ForeignLock { source } => source.hint(),
            Self::Resolve { source } => return source.hint(),
            Self::Registry(error) => return error.hint(),
            Self::Pin(error) => error.hint(),
            Self::Tarball(error) => return error.hint().map(str::to_owned),
            Self::Engine { .. } => {
                "name another `--runtime`, or take `engine-strict` out of npm's settings".into()
            }
            Self::Broken { troubles } => {
                let mut remedies: Vec<&str> = troubles.iter().map(|it| &*it.remedy).collect();
                remedies.dedup();
                remedies.push("to build it as it is, set `ignore-scripts=true` in `.npmrc`");
                remedies.join("\n")
            }
            Self::NoDigest { .. } => {
                "write the lockfile anew with `layerpress lock`, or run it with a network".into()
            }
            Self::Address { .. } => {
                "delete the lockfile and have it written again from package.json".into()
            }
            Self::OtherDigest(error) => error.hint.clone(),
            Self::Prebuilt(error) => error.hint(),
            Self::NoPackage { .. } => {
                "paths of `file:` and `workspaces` are relative to the project's package.json"
                    .into()
            }
            Self::PackedName { .. } => {
                "rename it, or name it in `.npmignore` to leave it out".into()
            }
            Self::Conflict { .. } => "leave one of them out with `--exclude`".into(),
            Self::Folder { .. } => return None,
        };
        Some(hint)
    }
}

fn class(kind: Option<ErrorKind>) -> ExitClass {
    match kind {
        None => ExitClass::Unmet,
        Some(ErrorKind::Network | ErrorKind::Offline) => ExitClass::Network,
        Some(ErrorKind::Input) => ExitClass::Input,
        Some(ErrorKind::Io) => ExitClass::Io,
    }
}

fn code(kind: Option<ErrorKind>) -> &'static str {
    match kind {
        None => "no-solution",
        Some(ErrorKind::Network) => "network",
        Some(ErrorKind::Offline) => "offline",
        Some(ErrorKind::Input) => "metadata",
        Some(ErrorKind::Io) => "unreadable",
    }
}
