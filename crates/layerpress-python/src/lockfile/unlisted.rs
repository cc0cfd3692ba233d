//! [`unlisted`]: what the packages of a hashed requirements file need and the file does not list.
//!
//! pip, too, refuses such a file: it would have to take a package whose hash nobody noted. Only that
//! it is listed counts; in which version is for whoever wrote the file.

use std::collections::{BTreeMap, BTreeSet};

use layerpress_lock::marker_environment;
use layerpress_target::Target;
use pep508_rs::{ExtraName, PackageName};

use crate::installed::text;
use crate::manifest::Manifest;
use crate::metadata::Metadata;
use crate::wheel::WheelTree;

/// A package that is needed and not listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlisted {
    /// The package.
    pub name: PackageName,
    /// The listed one that needs it, with its version.
    pub needed_by: String,
}

/// Everything that `wheels`, asked for by the lines of `manifest`, need on `target` and that is
/// neither among them nor `excluded`; by name, each once.
#[must_use]
pub fn unlisted(
    wheels: &[WheelTree],
    manifest: &Manifest,
    target: &Target,
    excluded: &BTreeSet<PackageName>,
) -> Vec<Unlisted> {
    let environment = marker_environment(target);
    let metadata: BTreeMap<&PackageName, Metadata> = wheels
        .iter()
        .filter_map(|wheel| Some((&wheel.name, metadata(wheel)?)))
        .collect();
    let mut asked: Vec<(&PackageName, BTreeSet<ExtraName>)> = Vec::new();
    for wheel in wheels {
        let lines = manifest.requirements.iter().filter(|line| {
            line.name.as_ref() == Some(&wheel.name) && line.marker.evaluate(&environment, &[])
        });
        let extras = lines.flat_map(|line| line.extras.iter().cloned());
        asked.push((&wheel.name, extras.collect()));
    }
    let mut active: BTreeMap<&PackageName, BTreeSet<ExtraName>> = BTreeMap::new();
    let mut missing: BTreeMap<PackageName, Unlisted> = BTreeMap::new();
    while let Some((name, extras)) = asked.pop() {
        let Some((&name, metadata)) = metadata.get_key_value(name) else {
            continue;
        };
        let is_new = !active.contains_key(name);
        let known = active.entry(name).or_default();
        let before = known.len();
        known.extend(extras);
        if !is_new && known.len() == before {
            continue;
        }
        let extras: Vec<ExtraName> = known.iter().cloned().collect();
        for dependency in metadata.dependencies(&extras) {
            if !dependency.marker.evaluate(&environment, &extras) {
                continue;
            }
            match wheels.iter().find(|wheel| wheel.name == dependency.name) {
                Some(wheel) => {
                    asked.push((&wheel.name, dependency.extras.iter().cloned().collect()));
                }
                None if excluded.contains(&dependency.name) => {}
                None => {
                    let name = dependency.name.clone();
                    missing.entry(name.clone()).or_insert_with(|| Unlisted {
                        name,
                        needed_by: format!("{} {}", metadata.name, metadata.version),
                    });
                }
            }
        }
    }
    missing.into_values().collect()
}

/// What a distribution says of itself; nothing if it cannot be read, which others complain of.
fn metadata(wheel: &WheelTree) -> Option<Metadata> {
    let mut paths = wheel.tree.iter().map(|(path, _)| path.as_str());
    let path = paths.find(|path| path.ends_with(".dist-info/METADATA"))?;
    Metadata::parse(text(&wheel.tree, path)?.as_bytes()).ok()
}
