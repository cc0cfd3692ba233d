//! What the projects in local folders depend on: lines that a manifest does not show, and that change
//! without it.
//!
//! Read from `pyproject.toml` where it says so without a build; a project whose dependencies only
//! its build backend knows is taken as the lock has it.

use std::collections::BTreeSet;
use std::path::Path;

use pep440_rs::VersionSpecifiers;
use pep508_rs::PackageName;

use crate::manifest::{Extras, Manifest, PyprojectOptions, Requirement, Source, read_pyproject};

/// The dependencies of every folder that `manifest` names, as if they were lines of their own.
pub(super) fn lines(manifest: &Manifest) -> Vec<Requirement> {
    manifest
        .requirements
        .iter()
        .filter_map(|requirement| Some((requirement, dependencies(requirement)?)))
        .flat_map(|(requirement, lines)| {
            lines.into_iter().map(|mut line| {
                line.marker.and(requirement.marker.clone());
                line
            })
        })
        .collect()
}

/// Whether a folder's project has dropped a dependency that `locked` still gives for the folder.
pub(super) fn depends_on_less<'a>(
    manifest: &Manifest,
    locked: impl Fn(&Path) -> Option<BTreeSet<&'a PackageName>>,
) -> bool {
    manifest.requirements.iter().any(|requirement| {
        let Source::Folder(folder) = &requirement.source else {
            return false;
        };
        let (Some(lines), Some(locked)) = (dependencies(requirement), locked(folder)) else {
            return false;
        };
        let named: BTreeSet<&PackageName> =
            lines.iter().filter_map(|line| line.name.as_ref()).collect();
        !named.is_superset(&locked)
    })
}

/// What the project in a folder depends on with the extras asked for; `None` if the requirement is
/// no folder, or the folder does not say without a build.
fn dependencies(requirement: &Requirement) -> Option<Vec<Requirement>> {
    let Source::Folder(folder) = &requirement.source else {
        return None;
    };
    let sets = PyprojectOptions {
        extras: Extras::Named(requirement.extras.clone()),
        groups: Vec::new(),
    };
    // Whatever is wrong with it is told when the folder is resolved or built.
    let inner = read_pyproject(&folder.join("pyproject.toml"), &sets).ok()?;
    inner.project.as_ref()?;
    let mut lines = inner.requirements;
    for line in &mut lines {
        // Where uv's own tables find it does not bind whoever depends on the project.
        if !matches!(line.source, Source::Index(_)) {
            line.source = Source::Index(VersionSpecifiers::default());
        }
    }
    Some(lines)
}
