//! Builds that cannot succeed, told before they begin.
//!
//! A release whose wheels are all compiled will be compiled from source too. On a machine of another
//! architecture the result cannot fit the target; and where the project's own Linux wheels need a
//! newer glibc than the target has, so most likely will what is compiled here. An hour of compiling
//! would only prove it, so it is begun only for a package that the user names in `--no-binary`.

use std::env::consts::ARCH;

use layerpress_python::Compatibility;
use layerpress_python::build::BuildError;
use layerpress_python::index::{FileView, Registry, Versions};
use layerpress_python::manifest::BuildPolicy;
use layerpress_python::resolve::{Artifact, Resolution};
use layerpress_python::{Mismatch, WheelParts};
use layerpress_target::Target;
use pep440_rs::Version;

use super::error::PythonError;

/// Looks for a source that would have to be compiled for another machine than this one.
///
/// # Errors
/// The first such package, with the nearest version that has a wheel.
pub(crate) fn refuse_foreign_builds(
    resolution: &Resolution<Artifact>,
    registry: &Registry,
    policy: &BuildPolicy,
    target: Target,
) -> Result<(), PythonError> {
    let compatibility = Compatibility::new(&target);
    for package in &resolution.packages {
        let Artifact::Listed(listed) = &package.file else {
            continue;
        };
        if listed.installed.is_wheel() || !policy.formats(&package.name).wheel {
            continue;
        }
        let Some(versions) = registry.versions_now(&package.name) else {
            continue;
        };
        let wheels: Vec<WheelParts<'_>> = versions
            .files(&package.version)
            .filter_map(FileView::wheel)
            .collect();
        let Some(reason) = why_foreign(&wheels, &compatibility, target) else {
            continue;
        };
        let error = BuildError::Foreign {
            package: format!("{} {}", package.name, package.version),
            target: target.to_string(),
            reason,
        };
        return Err(PythonError::ForeignBuild {
            error: Box::new(error),
            package: package.name.to_string(),
            with_wheel: newest_with_wheel(&versions, &compatibility).map(|it| it.to_string()),
        });
    }
    Ok(())
}

/// Why what is compiled here would not fit, going by the release's wheels.
fn why_foreign(
    wheels: &[WheelParts<'_>],
    compatibility: &Compatibility,
    target: Target,
) -> Option<String> {
    if wheels.is_empty() || wheels.iter().any(|wheel| wheel.platform == "any") {
        return None;
    }
    // The names are the same: `x86_64` and `aarch64`.
    let machine = target.arch.machine();
    if ARCH != machine {
        return Some(format!("its code is compiled, and this machine is {ARCH}"));
    }
    let newer = |wheel: &&WheelParts<'_>| {
        compatibility.mismatch(wheel) == Some(Mismatch::Platform)
            && wheel.platform.contains("manylinux")
            && wheel.platform.ends_with(machine)
    };
    let newer = wheels.iter().find(newer)?;
    let (major, minor) = target.runtime.glibc();
    Some(format!(
        "its wheels are for `{}`, and the target has glibc {major}.{minor}",
        newer.platform
    ))
}

/// The newest stable version that has a wheel for the target.
fn newest_with_wheel(versions: &Versions, compatibility: &Compatibility) -> Option<Version> {
    let fits = |version: &&Version| {
        versions
            .files(version)
            .filter(|file| file.yanked().is_none())
            .filter_map(FileView::wheel)
            .any(|wheel| compatibility.rank_parts(&wheel).is_some())
    };
    let all = versions
        .shelves()
        .iter()
        .flat_map(|shelf| shelf.versions().iter().rev());
    all.filter(|version| !version.any_prerelease())
        .find(fits)
        .cloned()
}
