//! What a finished command has to say for itself: plain data, drawn by the program.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use layerpress_press::pressed::Refusal;
use layerpress_press::rules::Explanation;
use layerpress_target::Target;
use layerpress_tree::Sha256;

/// What a build did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildReport {
    /// The layers written, by input, then by target in the order asked for.
    pub layers: Vec<LayerReport>,
    /// The lockfiles that the layers were built from, each once.
    pub lockfiles: Vec<LockfileReport>,
    /// How long the stages took.
    pub seconds: Seconds,
    /// Things worth a line at the end, such as a target without a layer.
    pub notes: Vec<String>,
    /// Which of the user's `--keep` and `--drop`, by place, meant any file of any layer.
    pub matched: BTreeSet<usize>,
}

/// One layer zip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerReport {
    /// The file written.
    pub path: PathBuf,
    /// What it was built for.
    pub target: Target,
    /// The zip's size in bytes.
    pub zipped_bytes: u64,
    /// The sum of its files' sizes in bytes.
    pub unzipped_bytes: u64,
    /// How many files it holds.
    pub files: u64,
    /// The zip's SHA-256.
    pub digest: Sha256,
    /// The other targets for which it is sure to be the same, byte for byte, in order.
    pub same_for: BTreeSet<Target>,
    /// What it holds, by normalised name.
    pub packages: Vec<PackageReport>,
    /// What of the packages was left out, by rule.
    pub removed: Vec<RemovedReport>,
    /// What in the packages' files was made smaller, by pass.
    pub shrunk: Vec<RemovedReport>,
    /// The files that a pass left as they were for want of a proof, by package and path.
    pub refused: Vec<Refusal>,
    /// Why files go or stay, as far as it was asked.
    pub explained: Vec<Explanation>,
    /// How many of the packages' archives were in the store already.
    pub cached: usize,
    /// How many bytes of archives were downloaded for it.
    pub downloaded_bytes: u64,
}

/// One package of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageReport {
    /// `python` or `node`.
    pub ecosystem: &'static str,
    /// The normalised name.
    pub name: String,
    /// The version.
    pub version: String,
    /// Its files' compressed streams in the zip, in bytes.
    pub zipped_bytes: u64,
    /// Its files' sizes, in bytes.
    pub unzipped_bytes: u64,
}

/// What a rule left out of a layer, or a pass out of its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovedReport {
    /// The rule's or the pass's name.
    pub rule: &'static str,
    /// How many files.
    pub files: u64,
    /// Their sizes, in bytes; of a pass, by how much they are smaller.
    pub bytes: u64,
}

/// A lockfile that a command wrote, or used as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockfileReport {
    /// The file.
    pub path: PathBuf,
    /// Whether this run wrote it: `false` when it already said what is needed.
    pub written: bool,
    /// How many packages it pins.
    pub packages: usize,
    /// What moved since the lockfile before, in the order of names.
    pub changes: Vec<Change>,
}

/// A package whose pin moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The normalised name.
    pub name: String,
    /// The version before; `None` for a package that is new.
    pub before: Option<String>,
    /// The version now; `None` for a package that went.
    pub after: Option<String>,
}

/// Wall time by stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seconds {
    /// From manifest to lockfile.
    pub resolve: Duration,
    /// From lockfile to verified archives; downloads overlap with unpacking.
    pub fetch: Duration,
    /// From archives to finished zips.
    pub pack: Duration,
    /// The whole command.
    pub total: Duration,
}

/// What a `lock` did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LockReport {
    /// The lockfiles, by input.
    pub lockfiles: Vec<LockfileReport>,
    /// How long it took.
    pub seconds: Seconds,
}

/// What a `fetch` did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchReport {
    /// How many archives the lockfile's targets need.
    pub archives: usize,
    /// How many of them were in the store already.
    pub cached: usize,
    /// How many bytes were downloaded.
    pub downloaded_bytes: u64,
    /// How long it took.
    pub seconds: Seconds,
}
