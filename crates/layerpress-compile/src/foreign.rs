//! Builds that cannot succeed, told before they begin.
//!
//! A release whose wheels are all compiled will be compiled from source too. On a machine of another
//! architecture the result cannot fit the target, and an hour of compiling would only prove it.

use std::env::consts::ARCH;
use std::sync::Arc;

use layerpress_python::Compatibility;
use layerpress_python::build::BuildError;
use layerpress_python::index::{FileView, Registry, Versions};
use layerpress_python::resolve::{Artifact, Resolution};
use layerpress_target::Target;
use pep440_rs::Version;

use crate::error::CompileError;

/// Looks for a source that would have to be compiled for another machine than this one.
///
/// # Errors
/// The first such package, with the nearest version that has a wheel.
pub(crate) fn refuse_foreign_builds(
    resolution: &Resolution<Artifact>,
    registry: &Registry,
    target: Target,
) -> Result<(), CompileError> {
    // The names are the same: `x86_64` and `aarch64`.
    if ARCH == target.arch.machine() {
        return Ok(());
    }
    for package in &resolution.packages {
        let Artifact::Listed(listed) = &package.file else {
            continue;
        };
        if listed.installed.is_wheel() {
            continue;
        }
        let Some(versions) = registry.versions_now(&package.name) else {
            continue;
        };
        if !is_compiled(&versions, &package.version) {
            continue;
        }
        let error = BuildError::Foreign {
            package: format!("{} {}", package.name, package.version),
            target: target.to_string(),
            reason: format!("its code is compiled, and this machine is {ARCH}"),
        };
        let nearest = newest_with_wheel(&versions, target);
        let nearest = nearest.map(|version| format!("{}=={version}", package.name));
        return Err(CompileError::ForeignBuild {
            error: Box::new(error),
            nearest,
        });
    }
    Ok(())
}

/// Whether a release has wheels, and every one of them is for one platform.
fn is_compiled(versions: &Arc<Versions>, version: &Version) -> bool {
    let mut wheels = versions
        .files(version)
        .filter_map(FileView::wheel)
        .peekable();
    wheels.peek().is_some() && wheels.all(|wheel| wheel.platform != "any")
}

/// The newest stable version that has a wheel for `target`.
fn newest_with_wheel(versions: &Versions, target: Target) -> Option<Version> {
    let compatibility = Compatibility::new(&target);
    let fits = |version: &&Version| {
        versions
            .files(version)
            .filter(|file| file.yanked().is_none())
            .filter_map(FileView::wheel)
            .any(|wheel| compatibility.rank_parts(&wheel).is_some())
    };
    let stable = |version: &&Version| !version.any_prerelease();
    let all = versions
        .shelves()
        .iter()
        .flat_map(|shelf| shelf.versions().iter().rev());
    all.filter(stable).find(fits).cloned()
}
