//! [`Difference`]: what changed from one layer to another.
//!
//! Files are the same if their bytes and modes are, however they are compressed; packages are told
//! apart by ecosystem, name and version.

use std::collections::{BTreeMap, BTreeSet};

use layerpress_check::Inferred;
use layerpress_press::Class;

use crate::inspect::{FoundFile, Inspection, Weight};

/// What changed between two layers.
#[derive(Debug, Clone)]
pub struct Difference {
    /// What the layers were made for, as far as that is known.
    pub made_for: Pair<Inferred>,
    /// The zips' sizes.
    pub zipped_bytes: Pair<u64>,
    /// What all files weigh.
    pub total: Pair<Weight>,
    /// Packages that came, went, moved or weigh otherwise; by ecosystem and name.
    pub packages: Vec<PackageDifference>,
    /// Classes of files that weigh otherwise.
    pub classes: Vec<(Class, Pair<Weight>)>,
    /// Files that came, went or are others, by the raw bytes of their paths.
    pub files: Vec<FileDifference>,
}

/// The same on both sides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pair<T> {
    /// In the first layer.
    pub before: T,
    /// In the second one.
    pub after: T,
}

/// A package that is not the same in both layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageDifference {
    /// `python` or `node`; nothing for files of no package.
    pub ecosystem: Option<&'static str>,
    /// The normalised name; nothing for files of no package.
    pub name: Option<String>,
    /// Its versions, in order; none where it is not there.
    pub versions: Pair<Vec<String>>,
    /// What it weighs.
    pub weight: Pair<Weight>,
}

/// A file that is not the same in both layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDifference {
    /// Where it lies.
    pub path: String,
    /// What it weighs; nothing where it is not there.
    pub weight: Pair<Option<Weight>>,
}

impl Difference {
    /// What leads from `before` to `after`.
    #[must_use]
    pub fn between(before: &Inspection, after: &Inspection) -> Self {
        Self {
            made_for: Pair {
                before: before.inferred,
                after: after.inferred,
            },
            zipped_bytes: Pair {
                before: before.zipped_bytes,
                after: after.zipped_bytes,
            },
            total: Pair {
                before: before.total(),
                after: after.total(),
            },
            packages: packages(before, after),
            classes: classes(before, after),
            files: files(before, after),
        }
    }

    /// Whether both hold the same files.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

/// What a package of a name is in a layer: its versions, and the weight of all of them.
type Held = (BTreeSet<String>, Weight);

fn packages(before: &Inspection, after: &Inspection) -> Vec<PackageDifference> {
    let changed = |(key, pair): (Key<'_>, Pair<Held>)| {
        let (ecosystem, name) = key.unzip();
        let same = pair.before.0 == pair.after.0
            && pair.before.1.unzipped_bytes == pair.after.1.unzipped_bytes;
        (!same).then(|| PackageDifference {
            ecosystem,
            name: name.map(str::to_owned),
            versions: Pair {
                before: pair.before.0.into_iter().collect(),
                after: pair.after.0.into_iter().collect(),
            },
            weight: Pair {
                before: pair.before.1,
                after: pair.after.1,
            },
        })
    };
    paired(held(before), held(after))
        .filter_map(changed)
        .collect()
}

/// A package's ecosystem and name.
type Key<'a> = Option<(&'static str, &'a str)>;

fn held(layer: &Inspection) -> BTreeMap<Key<'_>, Held> {
    let mut held: BTreeMap<Key<'_>, Held> = BTreeMap::new();
    for (package, weight) in layer.by_package() {
        let key = package.map(|it| (it.ecosystem, it.name.as_str()));
        let (versions, sum) = held.entry(key).or_default();
        versions.extend(package.map(|it| it.version.clone()));
        sum.add(weight);
    }
    held
}

fn classes(before: &Inspection, after: &Inspection) -> Vec<(Class, Pair<Weight>)> {
    let of = |layer: &Inspection| layer.by_class().into_iter().collect();
    paired(of(before), of(after))
        .filter(|(_, pair)| pair.before.unzipped_bytes != pair.after.unzipped_bytes)
        .collect()
}

fn files(before: &Inspection, after: &Inspection) -> Vec<FileDifference> {
    let of = |layer| -> BTreeMap<&str, Option<&FoundFile>> {
        let layer: &Inspection = layer;
        let files = layer.files.iter();
        files.map(|file| (file.path.as_str(), Some(file))).collect()
    };
    let what =
        |file: Option<&FoundFile>| file.map(|it| (it.weight.unzipped_bytes, it.crc32, it.mode));
    paired(of(before), of(after))
        .filter(|(_, pair)| what(pair.before) != what(pair.after))
        .map(|(path, pair)| FileDifference {
            path: path.to_owned(),
            weight: Pair {
                before: pair.before.map(|file| file.weight),
                after: pair.after.map(|file| file.weight),
            },
        })
        .collect()
}

/// Both sides of every key that either has, in the order of keys.
fn paired<K: Ord, V: Default>(
    before: BTreeMap<K, V>,
    after: BTreeMap<K, V>,
) -> impl Iterator<Item = (K, Pair<V>)> {
    let mut pairs: BTreeMap<K, Pair<V>> = BTreeMap::new();
    for (key, value) in before {
        pairs.entry(key).or_default().before = value;
    }
    for (key, value) in after {
        pairs.entry(key).or_default().after = value;
    }
    pairs.into_iter()
}
