//! [`Pins`]: what an ecosystem makes of its lock for the pipeline.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, AtomicUsize};

use layerpress_pack::Level;
use layerpress_press::rules::{Ecosystem, Explanation, Owner};
use layerpress_press::{Account, Passes, Recipe};
use layerpress_target::Target;
use layerpress_tree::LayerTree;

use crate::error::CompileError;
use crate::graph::Graph;
use crate::project::Project;
use crate::prune::Pruning;
use crate::report::{PackageReport, RemovedReport};
use crate::request::Layout;
use crate::session::Session;

/// A lock that serves.
pub(crate) trait Pins: std::fmt::Debug + Send {
    /// Whether it pins nothing at all.
    fn is_empty(&self) -> bool;

    /// Whether it has a package of a name, as the user writes it.
    fn has(&self, name: &str) -> bool;

    /// Fetches and unpacks what it pins for a target, and puts it where the layer has it.
    ///
    /// # Errors
    /// The first package that cannot be had or is not sound; two that write one path differently.
    fn gather(&self, job: &Job<'_>) -> Result<Gathered, CompileError>;

    /// Brings what it pins for a target into the store, and tells how many archives that is.
    ///
    /// # Errors
    /// The first archive that cannot be had or is not sound.
    fn fetch(&self, job: &Job<'_>) -> Result<usize, CompileError>;

    /// What it pins for a target, and who asks for whom. With `requirements` the versions that are asked
    /// for are wanted even if they have to be fetched.
    ///
    /// # Errors
    /// A lock that is not for the target.
    fn graph(&self, job: &Job<'_>, requirements: bool) -> Result<Graph, CompileError>;

    /// Writes what [`gather`](Pins::gather) pinned beside the lockfile; most pin nothing.
    ///
    /// # Errors
    /// A file that cannot be written.
    fn write(&self) -> Result<(), CompileError> {
        Ok(())
    }
}

/// What packages are gathered for.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    /// Store, client and reporter.
    pub session: &'a Session,
    /// Whose lock it is.
    pub project: &'a Project,
    /// What the layer is for.
    pub target: Target,
    /// Where packages lie in it.
    pub layout: Layout,
    /// What may be left out of packages.
    pub pruning: &'a Pruning<'a>,
    /// How hard files are compressed.
    pub compression: Level,
    /// Whether the packages' commands go into it.
    pub scripts: bool,
    /// Packages to leave out, with what only they needed; names as the user writes them.
    pub exclude: &'a BTreeSet<String>,
    /// Counts what is fetched.
    pub tally: &'a Tally,
}

impl Job<'_> {
    /// How the files of a package are pressed.
    pub(crate) fn recipe(&self, ecosystem: Ecosystem, package: &str) -> Recipe {
        let Pruning {
            overrides, profile, ..
        } = self.pruning;
        Recipe {
            compression: self.compression,
            passes: overrides.passes(*profile, ecosystem, package),
        }
    }

    /// The passes that go over a file, by its path from the layer's root.
    pub(crate) fn passes(&self, owner: Owner<'_>, path: &str) -> Passes {
        let Pruning {
            overrides, profile, ..
        } = self.pruning;
        overrides.passes_of_file(*profile, owner, path)
    }

    /// What `work` gives, which takes what the store knows of the lock's archives from one file.
    ///
    /// # Errors
    /// Those of `work`.
    pub(crate) fn bundled<T>(
        &self,
        work: impl FnOnce() -> Result<T, CompileError>,
    ) -> Result<T, CompileError> {
        // By the lock's place, not by what it says: when that changes, most of its archives stay.
        let lockfile = &self.project.lockfile;
        let lockfile = std::path::absolute(lockfile).unwrap_or_else(|_| lockfile.clone());
        // Nor by what is chosen for single packages: most are pressed alike.
        let (recipe, shape) = (self.recipe(Ecosystem::Python, "").id(), self.shape());
        let key = format!("{}\n{}\n{recipe}-{shape}", lockfile.display(), self.target);
        let bundling = self.session.store().bundling(key);
        let done = work()?;
        bundling.keep();
        Ok(done)
    }

    /// What tells apart what unpacking made of one archive, for what is kept of it.
    pub(crate) fn shape(&self) -> &'static str {
        match (self.layout, self.scripts) {
            (Layout::Flat, false) => "flat",
            (Layout::Flat, true) => "flat-scripts",
            (Layout::Versioned, false) => "versioned",
            (Layout::Versioned, true) => "versioned-scripts",
        }
    }
}

/// What fetching did, counted while it went on.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Archives that were in the store already.
    pub cached: AtomicUsize,
    /// Bytes of archives downloaded.
    pub downloaded_bytes: AtomicU64,
}

/// The packages of a layer.
#[derive(Debug)]
pub(crate) struct Gathered {
    /// Every file of the layer, at its place below `/opt`.
    pub tree: LayerTree,
    /// What each package weighs, in the order of names.
    pub packages: Vec<PackageReport>,
    /// What of them was left out.
    pub removed: Vec<RemovedReport>,
    /// What passes did to their files; the files named by package.
    pub account: Account,
    /// The team's own files that go, because the user says so.
    pub own_gone: BTreeSet<String>,
    /// Which of the user's choices meant any file, in their order.
    pub matched: Vec<bool>,
    /// What the user asked to be explained.
    pub explained: Vec<Explanation>,
    /// How much of the files is no package's but the team's own, in bytes.
    pub own_bytes: u64,
    /// The other targets for which it is sure to be the same, byte for byte.
    pub same_for: Vec<Target>,
    /// What the user should know.
    pub warnings: Vec<String>,
}
