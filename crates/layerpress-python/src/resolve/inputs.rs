//! What a resolution starts from: the user's requirements and the choices beside them.

use std::fmt;
use std::time::Duration;

use layerpress_tree::Digest;
use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::{ExtraName, MarkerEnvironment, MarkerTree, PackageName};

use crate::manifest::Source;

/// One requirement or constraint of the user's.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The package; `None` for `./x.whl` and the like until it has been looked into.
    pub name: Option<PackageName>,
    /// Extras asked for.
    pub extras: Vec<ExtraName>,
    /// Applies only where this holds.
    pub marker: MarkerTree,
    /// Which releases will do.
    pub need: Need,
    /// The digests allowed; empty if any will do.
    pub hashes: Vec<Digest>,
    /// What the user tells the build backend.
    pub config_settings: Vec<(String, String)>,
    /// Where it stands, as the user would say it: `requirements.txt:3`.
    pub place: String,
    /// How it was written.
    pub text: String,
}

/// Which releases a requirement admits.
#[derive(Debug, Clone)]
pub enum Need {
    /// Those of an index that these specifiers admit.
    Versions(VersionSpecifiers),
    /// What a URL or a path leads to.
    Fixed(Source),
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.place, self.text)
    }
}

/// What is to be resolved, for one target.
#[derive(Debug, Clone)]
pub struct Request {
    /// The requirements, in the order in which they were written.
    pub requirements: Vec<Wanted>,
    /// Constraints: they narrow what is required and install nothing.
    pub constraints: Vec<Wanted>,
    /// Overrides: for the names they hold, they stand instead of what anybody requires.
    pub overrides: Vec<Wanted>,
    /// Versions to keep where they still fit, those of the lockfile.
    pub preferences: Vec<(PackageName, Version)>,
    /// The target, as markers see it.
    pub environment: MarkerEnvironment,
    /// How the target is called in messages: `python3.13 x86_64`.
    pub target: String,
    /// Which of several versions to try first.
    pub strategy: Strategy,
    /// What to do with pre-releases.
    pub prereleases: Prereleases,
    /// Whether any version with a wheel for the target is tried before one that has to be built.
    pub prefer_binary: bool,
    /// Whether every package must have a hash among the requirements.
    pub require_hashes: bool,
    /// When to give up.
    pub budget: Budget,
}

/// Which of several versions that fit is tried first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Strategy {
    /// The highest; the default.
    #[default]
    Highest,
    /// The lowest.
    Lowest,
    /// The lowest of what the user requires, the highest of the rest.
    LowestDirect,
}

/// What to do with pre-releases.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Prereleases {
    /// Take one where no stable release fits; the default.
    #[default]
    IfNecessary,
    /// Treat them like any release.
    Allow,
}

/// When to give up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// How many times a version may be chosen.
    pub decisions: u64,
    /// How long the solver may think, waiting for the network apart.
    pub thinking: Duration,
}

impl Default for Budget {
    /// A hundred times what the hardest sets of real packages are known to need.
    fn default() -> Self {
        Self {
            decisions: 1_000_000,
            thinking: Duration::from_secs(120),
        }
    }
}
