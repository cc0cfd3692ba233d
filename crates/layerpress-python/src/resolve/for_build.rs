//! From what a build needs to what is to be resolved for the interpreter that runs it.

use layerpress_lock::environment_of;
use layerpress_target::PythonMarkers;
use pep440_rs::VersionSpecifiers;
use pep508_rs::VersionOrUrl;

use super::inputs::{Budget, Need, Prereleases, Request, Strategy, Wanted};
use crate::Dependency;
use crate::manifest::Source;

impl Request {
    /// The requirements of `package`'s build, for an interpreter of this machine.
    ///
    /// `None` if the interpreter's version numbers are none that markers can hold.
    #[must_use]
    pub fn for_build(
        package: &str,
        requirements: &[Dependency],
        interpreter: &PythonMarkers,
    ) -> Option<Self> {
        let wanted = requirements
            .iter()
            .map(|requirement| wanted(package, requirement));
        Some(Self {
            requirements: wanted.collect(),
            constraints: Vec::new(),
            overrides: Vec::new(),
            preferences: Vec::new(),
            environment: environment_of(interpreter)?,
            target: format!("the build of {package}"),
            strategy: Strategy::Highest,
            prereleases: Prereleases::IfNecessary,
            prefer_binary: false,
            require_hashes: false,
            budget: Budget::default(),
        })
    }
}

fn wanted(package: &str, requirement: &Dependency) -> Wanted {
    let need = match &requirement.version_or_url {
        None => Need::Versions(VersionSpecifiers::empty()),
        Some(VersionOrUrl::VersionSpecifier(specifiers)) => Need::Versions(specifiers.clone()),
        Some(VersionOrUrl::Url(url)) => Need::Fixed(Source::Url {
            url: url.clone(),
            subdirectory: None,
        }),
    };
    Wanted {
        name: Some(requirement.name.clone()),
        extras: requirement.extras.clone(),
        marker: requirement.marker.clone(),
        need,
        hashes: Vec::new(),
        config_settings: Vec::new(),
        place: format!("the build of {package}"),
        text: requirement.to_string(),
    }
}
