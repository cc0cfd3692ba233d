//! Releases on an index: which of its files a target can use, and which of them tells the metadata.
//!
//! A wheel that fits is installed, the best of several by hash, tag and build; else the source
//! distribution. Any wheel of a release tells its metadata, even one for another platform: all of
//! them are built from the same source, and reading beats building.

use std::cmp::Reverse;
use std::sync::Arc;

use layerpress_fetch::redacted;
use layerpress_tree::Digest;
use pep440_rs::Version;

use super::Artifact;
use crate::Compatibility;
use crate::index::{self, Agreement, FileRecord, FileView};
use crate::manifest::Formats;
use crate::resolve::provider::{FileRules, Pick, Release, Shelf, Unusable};
use crate::wheel_name::{BuildTag, WheelParts};

/// A release on an index.
#[derive(Debug)]
pub struct ListedFile {
    /// The file whose metadata counts: a wheel where there is one.
    pub told_by: FileRecord,
    /// The file to install: a wheel that fits, else the source distribution.
    pub installed: FileRecord,
    /// The hashes of which a file must have one; empty if any will do.
    pub allowed: Vec<Digest>,
    shelf: Arc<index::Shelf>,
    position: usize,
    compatibility: Arc<Compatibility>,
    formats: Formats,
}

impl ListedFile {
    /// The files of the release that a lockfile lists: wheels that fit the target, best first, and
    /// the source distribution, as far as wheels and builds are allowed and their hashes may do.
    #[must_use]
    pub fn usable_files(&self) -> Vec<FileRecord> {
        let mut wheels = Vec::new();
        let mut sources = Vec::new();
        for file in self.shelf.files(self.position) {
            let yanked = file.yanked().is_some();
            if yanked && self.installed.yanked.is_none() {
                continue;
            }
            if Agreement::of(&file.hashes(), &self.allowed) == Agreement::No {
                continue;
            }
            match file.wheel() {
                Some(parts) => {
                    let rank = self.compatibility.rank_parts(&parts);
                    let rank = rank.filter(|_| self.formats.wheel);
                    wheels.extend(rank.zip(file.record()));
                }
                None => sources.extend(file.record().filter(|_| self.formats.sdist)),
            }
        }
        wheels.sort_by_key(|(rank, _)| *rank);
        let wheels = wheels.into_iter().map(|(_, record)| record);
        wheels.chain(sources).collect()
    }
}

/// The releases of one package on one index, seen from a target.
#[derive(Debug)]
pub(super) struct ListedShelf {
    shelf: Arc<index::Shelf>,
    compatibility: Arc<Compatibility>,
    formats: Formats,
}

/// How good a wheel is; greater is better.
type Worth = (Agreement, Reverse<u32>, Option<(u64, String)>);

/// What the files of a release have come to.
#[derive(Default)]
struct Sorted<'a> {
    wheel: Option<(Worth, FileView<'a>)>,
    source: Option<(Agreement, FileView<'a>)>,
    /// A wheel that does not fit or may not be used, for its metadata.
    other_wheel: Option<FileView<'a>>,
    yanked: Option<&'a str>,
    platforms: Vec<String>,
    pythons: Vec<String>,
    has_source: bool,
    any: bool,
}

impl ListedShelf {
    pub(super) fn new(
        shelf: Arc<index::Shelf>,
        compatibility: Arc<Compatibility>,
        formats: Formats,
    ) -> Self {
        Self {
            shelf,
            compatibility,
            formats,
        }
    }

    fn sort<'a>(&'a self, position: usize, rules: &FileRules) -> Sorted<'a> {
        let mut sorted = Sorted::default();
        for file in self.shelf.files(position) {
            sorted.any = true;
            let refused = file.yanked().filter(|_| !rules.allow_yanked);
            sorted.yanked = sorted.yanked.or(refused);
            match file.wheel() {
                Some(parts) => self.sort_wheel(&mut sorted, file, &parts, refused, rules),
                None => {
                    sorted.has_source = true;
                    if refused.is_some() || !self.formats.sdist {
                        continue;
                    }
                    let agreement = agreement(&file, rules);
                    if sorted
                        .source
                        .as_ref()
                        .is_none_or(|(best, _)| agreement > *best)
                    {
                        sorted.source = Some((agreement, file));
                    }
                }
            }
        }
        sorted
    }

    fn sort_wheel<'a>(
        &self,
        sorted: &mut Sorted<'a>,
        file: FileView<'a>,
        parts: &WheelParts<'a>,
        refused: Option<&str>,
        rules: &FileRules,
    ) {
        let rank = if refused.is_some() || !self.formats.wheel {
            None
        } else {
            self.compatibility.rank_parts(parts)
        };
        let Some(rank) = rank else {
            sorted.other_wheel = sorted.other_wheel.or(Some(file));
            if refused.is_none() {
                add_tags(&mut sorted.platforms, parts.platform);
                add_tags(&mut sorted.pythons, parts.python);
            }
            return;
        };
        let build = parts.build.and_then(BuildTag::parse);
        let build = build.map(|tag| (tag.number, tag.suffix));
        let worth = (agreement(&file, rules), Reverse(rank), build);
        if sorted.wheel.as_ref().is_none_or(|(best, _)| worth > *best) {
            sorted.wheel = Some((worth, file));
        }
    }

    fn pick(
        &self,
        position: usize,
        told_by: FileView<'_>,
        installed: FileView<'_>,
        rules: &FileRules,
    ) -> Option<Pick<Artifact>> {
        let requires_python = installed.requires_python().cloned().map(Arc::new);
        let yanked = installed.yanked().map(str::to_owned);
        let listed = ListedFile {
            told_by: told_by.record()?,
            installed: installed.record()?,
            allowed: rules.hashes.clone(),
            shelf: Arc::clone(&self.shelf),
            position,
            compatibility: Arc::clone(&self.compatibility),
            formats: self.formats,
        };
        Some(Pick {
            wheel: listed.told_by.is_wheel(),
            built: !listed.installed.is_wheel(),
            file: Artifact::Listed(Arc::new(listed)),
            requires_python,
            yanked,
        })
    }
}

impl Shelf<Artifact> for ListedShelf {
    fn versions(&self) -> &[Version] {
        self.shelf.versions()
    }

    fn release(&self, position: usize, rules: &FileRules) -> Release<Artifact> {
        let sorted = self.sort(position, rules);
        if !sorted.any {
            return Release::Hidden;
        }
        let best = sorted.wheel.as_ref().map(|(worth, _)| worth.0);
        let best = best.max(sorted.source.as_ref().map(|(agreement, _)| *agreement));
        if best == Some(Agreement::No) {
            return sorted.other_hashes();
        }
        let (told_by, installed) = match (&sorted.wheel, &sorted.source) {
            // A source distribution with the right hash beats a wheel with a wrong one.
            (Some((worth, _)), Some((agreement, source))) if *agreement > worth.0 => {
                (*source, *source)
            }
            (Some((_, wheel)), _) => (*wheel, *wheel),
            (None, Some((_, source))) => (sorted.other_wheel.unwrap_or(*source), *source),
            (None, None) => return Release::Unusable(sorted.fault(self.formats)),
        };
        match self.pick(position, told_by, installed, rules) {
            Some(pick) => Release::Usable(pick),
            None => Release::Hidden,
        }
    }
}

impl Sorted<'_> {
    fn other_hashes(self) -> Release<Artifact> {
        let wheel = self.wheel.map(|(_, file)| file);
        let file = wheel.or(self.source.map(|(_, file)| file));
        match file.and_then(FileView::record) {
            Some(record) => Release::Unusable(Unusable::OtherHashes {
                url: redacted(&record.url),
                file_name: record.file_name,
                found: record.hashes,
            }),
            None => Release::Hidden,
        }
    }

    fn fault(self, formats: Formats) -> Unusable {
        if !self.platforms.is_empty() && formats.wheel {
            return Unusable::NoWheel {
                platforms: self.platforms,
                pythons: self.pythons,
            };
        }
        match self.yanked {
            Some(reason) => Unusable::Yanked {
                reason: reason.to_owned(),
            },
            None if self.has_source => Unusable::NoBuild,
            None => Unusable::NoBinary,
        }
    }
}

fn agreement(file: &FileView<'_>, rules: &FileRules) -> Agreement {
    Agreement::of(&file.hashes(), &rules.hashes)
}

fn add_tags(tags: &mut Vec<String>, compressed: &str) {
    for tag in compressed.split('.') {
        if !tags.iter().any(|known| known == tag) {
            tags.push(tag.to_owned());
        }
    }
}
