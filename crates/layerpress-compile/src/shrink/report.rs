//! [`ShrinkReport`]: what became of a layer, in numbers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use layerpress_check::Inferred;
use layerpress_press::rules::Explanation;
use layerpress_tree::{Entry, LayerPath, LayerTree, Sha256};

use super::passes::Changes;
use super::shape::Shape;
use crate::bytecode::BytecodeReport;
use crate::inspect::{self, FoundPackage, Weight};
use crate::report::RemovedReport;
use crate::smoke::SmokeReport;

/// What became of a layer.
#[derive(Debug, Clone)]
pub struct ShrinkReport {
    /// The file written.
    pub path: PathBuf,
    /// The part of `/opt` that a folder was taken for, if not for all of it.
    pub part: Option<&'static str>,
    /// Whether packages lie at its top, where a function's own code has them.
    pub is_function: bool,
    /// What the layer was.
    pub before: Size,
    /// What it is.
    pub after: Size,
    /// The zip's SHA-256.
    pub digest: Sha256,
    /// What it is for, as far as was found out or told.
    pub inferred: Inferred,
    /// What rules left out and passes saved, the largest first.
    pub removed: Vec<RemovedReport>,
    /// Its packages, the heaviest first.
    pub packages: Vec<ShrunkPackage>,
    /// Folders that are neither Python's nor Node.js's, whose files stay as they are.
    pub untouched: Vec<(String, Weight)>,
    /// What the user asked to be explained.
    pub explained: Vec<Explanation>,
    /// What there is to say of it.
    pub findings: Vec<Finding>,
    /// How the smoke test went, if there was one.
    pub smoke: Option<SmokeReport>,
    /// The bytecode, if there is some.
    pub bytecode: Option<BytecodeReport>,
    /// How long it took.
    pub seconds: Duration,
}

/// How large a layer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// The zip, in bytes; of a folder the zip that it would be.
    pub zipped_bytes: u64,
    /// Its files, in bytes.
    pub unzipped_bytes: u64,
    /// How many files.
    pub files: u64,
}

/// A package of a layer, before and after.
#[derive(Debug, Clone)]
pub struct ShrunkPackage {
    /// Which it is; nothing for files of no package.
    pub package: Option<FoundPackage>,
    /// What it weighed.
    pub before: Weight,
    /// What it weighs.
    pub after: Weight,
}

/// Something worth knowing of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Its name for scripts.
    pub code: &'static str,
    /// The file, if it is about one.
    pub path: Option<String>,
    /// A lowercase sentence without a final period.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Finding {
    /// A warning about no file, with no hint.
    pub(super) fn warning(code: &'static str, message: String) -> Self {
        Self {
            severity: Severity::Warning,
            code,
            path: None,
            message,
            hint: None,
        }
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The layer will not do.
    Error,
    /// The layer will do, but for this.
    Warning,
}

impl Severity {
    /// Its name, for reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// What each rule left out and each pass saved, in bytes unzipped, the largest first.
pub(super) fn removed(before: &LayerTree, changes: &Changes) -> Vec<RemovedReport> {
    let saved = changes.changed.iter().map(|(path, change)| {
        let size = |entry: &Entry| entry.content.size;
        let was = before.get(path.as_str()).map_or(0, size);
        let is = change.entry.as_ref().map_or(0, size);
        (change.by, was.saturating_sub(is))
    });
    by_rule(saved)
}

/// Bytes that were saved, summed up by who saved them, the most first.
pub(crate) fn by_rule(saved: impl IntoIterator<Item = (&'static str, u64)>) -> Vec<RemovedReport> {
    let mut rows: BTreeMap<&'static str, (u64, u64)> = BTreeMap::new();
    for (rule, saved) in saved {
        let (files, bytes) = rows.entry(rule).or_default();
        *files += 1;
        *bytes += saved;
    }
    let rows = rows.into_iter();
    let mut rows: Vec<_> = rows
        .map(|(rule, (files, bytes))| RemovedReport { rule, files, bytes })
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.bytes));
    rows
}

/// The packages of `before`, with what is left of each in `after`.
pub(super) fn packages(before: &LayerTree, after: &LayerTree) -> Vec<ShrunkPackage> {
    let (found, owners) = inspect::packages(before);
    let mut weights: BTreeMap<Option<usize>, (Weight, Weight)> = BTreeMap::new();
    for (path, entry) in before.iter() {
        let (was, is) = weights.entry(owners.get(path).copied()).or_default();
        was.add(weight(entry));
        if let Some(entry) = after.get(path.as_str()) {
            is.add(weight(entry));
        }
    }
    let weights = weights.into_iter();
    let mut packages: Vec<_> = weights
        .map(|(index, (before, after))| ShrunkPackage {
            package: index.and_then(|index| found.get(index).cloned()),
            before,
            after,
        })
        .collect();
    packages.sort_by_key(|it| std::cmp::Reverse(it.after.unzipped_bytes));
    packages
}

/// The folders whose files no pass looks at.
pub(super) fn untouched(tree: &LayerTree, shape: Shape) -> Vec<(String, Weight)> {
    let mut folders: BTreeMap<&str, Weight> = BTreeMap::new();
    let unknown = |(path, _): &(&LayerPath, &Entry)| shape.inside(path.as_str()).is_none();
    for (path, entry) in tree.iter().filter(unknown) {
        let folder = path
            .as_str()
            .split_once('/')
            .map_or("", |(folder, _)| folder);
        folders.entry(folder).or_default().add(weight(entry));
    }
    let folders = folders.into_iter();
    folders
        .map(|(folder, weight)| (folder.to_owned(), weight))
        .collect()
}

fn weight(entry: &Entry) -> Weight {
    Weight {
        files: 1,
        zipped_bytes: entry.content.stream_size(),
        unzipped_bytes: entry.content.size,
    }
}
