//! What a command is asked to do: values only, every default already decided.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use layerpress_fetch::ProxyAddress;
use layerpress_pack::Level;
use layerpress_press::Profile;
use layerpress_press::rules::Overrides;
use layerpress_python::build::Candidates;
use layerpress_python::index::IndexStrategy;
use layerpress_python::manifest::{Environment, Extras, Settings};
use layerpress_python::resolve::Strategy;
use layerpress_target::{Arch, Runtime};
use layerpress_tree::Sha256;
use url::Url;

use crate::bytecode::Bytecode;
use crate::smoke::Smoke;
use crate::trace::Trace;

/// What to lock, and how.
#[derive(Debug, Clone)]
pub struct LockRequest {
    /// Manifests, lockfiles, or folders that hold them, as the user named them.
    pub inputs: Vec<PathBuf>,
    /// The lockfile to write; `None`: beside the manifest.
    pub lockfile: Option<PathBuf>,
    /// The runtimes asked for; empty: the lock's, else the newest of the ecosystem.
    pub runtimes: Vec<Runtime>,
    /// The architectures asked for; empty: the lock's, else x86_64.
    pub archs: Vec<Arch>,
    /// Which of the lock's versions may move.
    pub upgrade: Upgrade,
    /// Use the lockfile as it is, and fail if it does not meet the manifest.
    pub locked: bool,
    /// Packages to leave out, with what only they needed; names as the user writes them.
    pub exclude: BTreeSet<String>,
    /// What Python manifests need: indexes, builds, versions, dependency sets.
    pub python: PythonOptions,
    /// What Node.js manifests need: the registry, npm's settings, dependency sets.
    pub node: NodeOptions,
    /// The store and the network.
    pub sources: Sources,
}

/// What a Node.js manifest is resolved and built with.
#[derive(Debug, Clone, Default)]
pub struct NodeOptions {
    /// The registry, before whatever npm's settings say; those of scopes stay.
    pub registry: Option<Url>,
    /// Leave out what was published after this moment.
    pub before: Option<jiff::Timestamp>,
    /// Whether what only developers need goes into the layer too.
    pub dev: bool,
    /// The packages whose machine code is downloaded from where their authors publish it, and pinned;
    /// names as the user writes them. What is pinned already needs no name here.
    pub prebuilt: BTreeSet<String>,
    /// The variables of the process: npm's settings among them, and what `${NAME}` stands for.
    pub variables: BTreeMap<String, String>,
    /// The same as they are, for git.
    pub process: BTreeMap<OsString, OsString>,
    /// Where repositories are checked out.
    pub temporary: PathBuf,
    /// The user's home folder.
    pub home: Option<PathBuf>,
    /// What time it is, for settings that count from now.
    pub now: jiff::Timestamp,
}

/// What a Python manifest is resolved and built with.
#[derive(Debug, Clone, Default)]
pub struct PythonOptions {
    /// Indexes, build policy and the like: flags over variables over configuration files. A
    /// manifest's own lines come between flags and the rest.
    pub flags: Settings,
    /// The same from variables and configuration files, for where neither flag nor manifest speaks.
    pub configured: Settings,
    /// What to do when several indexes have a package.
    pub index_strategy: IndexStrategy,
    /// Which of several versions to try first.
    pub strategy: Strategy,
    /// Leave out what was uploaded at this moment or later.
    pub exclude_newer: Option<jiff::Timestamp>,
    /// The extras of a `pyproject.toml` that are wanted.
    pub extras: Extras,
    /// Its dependency groups that are wanted.
    pub groups: Vec<String>,
    /// Whether the project of a `pyproject.toml` goes into the layer too.
    pub with_project: bool,
    /// Where interpreters to build source distributions with may be found.
    pub interpreters: Candidates,
    /// The variables of the program's own process: builds and git see those that hold no secret.
    pub process: BTreeMap<OsString, OsString>,
    /// Where builds unpack and work; it must allow programs to run.
    pub temporary: PathBuf,
    /// What `${NAME}` in a requirements file may stand for.
    pub variables: Environment,
}

/// The store and the network, as plain values.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The store's folder.
    pub cache_dir: PathBuf,
    /// Use the store alone.
    pub offline: bool,
    /// Ask indexes anew for what the store still holds as fresh.
    pub refresh: bool,
    /// How many threads wait for the network, how many pages are parsed and archives unpacked at
    /// once, and how many packages are built from source. What an archive's files are worked on
    /// with, rayon's pool, is the whole program's to bound.
    pub jobs: NonZeroUsize,
    /// Certificates to trust beside the system's, each a PEM bundle.
    pub certificates: Vec<Vec<u8>>,
    /// The proxy for everything, if `HTTPS_PROXY` and its like are not what counts.
    pub proxy: Option<ProxyAddress>,
    /// The hosts and domains that `proxy` is not for, if those of `NO_PROXY` are not what counts.
    pub no_proxy: Vec<String>,
    /// The text of the user's netrc, or why it cannot be read.
    pub netrc: Option<Result<String, String>>,
    /// Whether the `keyring` program is asked for passwords.
    pub keyring: bool,
    /// User and password for servers by URL.
    pub logins: Vec<Login>,
}

/// A login that goes to one server only.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The server; scheme, host and port count.
    pub url: Url,
    /// The user.
    pub user: String,
    /// The password, if there is one.
    pub password: Option<String>,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A password has no business in a log, and a user name may be a token.
        f.debug_struct("Login").finish_non_exhaustive()
    }
}

/// What to put into the store for a later offline build.
#[derive(Debug, Clone)]
pub struct FetchRequest {
    /// The lockfile.
    pub lockfile: PathBuf,
    /// The runtimes asked for; empty: the lock's.
    pub runtimes: Vec<Runtime>,
    /// The architectures asked for; empty: the lock's.
    pub archs: Vec<Arch>,
    /// What may be left out of packages by the build to come.
    pub profile: Profile,
    /// How hard files will be compressed.
    pub compression: Level,
    /// What source distributions are built with.
    pub python: PythonOptions,
    /// Which registry is asked for what the lock does not say.
    pub node: NodeOptions,
    /// The store and the network.
    pub sources: Sources,
}

/// What to build, and how.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    /// From manifest to lock.
    pub lock: LockRequest,
    /// A `.zip` file for one layer, else a folder; `None`: `dist/` beside the input.
    pub output: Option<PathBuf>,
    /// Where packages lie in the layer.
    pub layout: Layout,
    /// What may be left out of packages.
    pub profile: Profile,
    /// What the user says must stay or may go, before any rule.
    pub overrides: Overrides,
    /// Files of which the report is to say why they go or stay, by path in the layer.
    pub explain: Vec<String>,
    /// What is run to see which files are needed; what it does not open is left out.
    pub trace: Option<Trace>,
    /// What must run with the layer.
    pub smoke: Option<Smoke>,
    /// How hard files are compressed.
    pub compression: Level,
    /// Put entry points into `python/bin`.
    pub scripts: bool,
    /// Which modules come with bytecode.
    pub bytecode: Bytecode,
    /// The digest that the zip must have; anything else fails the build, and nothing is written.
    pub check_digest: Option<Sha256>,
}

/// Which of a lockfile's versions may move although the manifest does not demand it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Upgrade {
    /// None.
    #[default]
    Nothing,
    /// These packages', by name as the user writes it.
    Packages(BTreeSet<String>),
    /// All.
    Everything,
}

/// Where packages lie in the layer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Layout {
    /// `python` or `nodejs/node_modules`: good for any runtime that the packages are good for.
    #[default]
    Flat,
    /// `python/lib/pythonX.Y/site-packages` or `nodejs/nodeX/node_modules`: seen by one runtime
    /// only, and before the flat folder.
    Versioned,
}
