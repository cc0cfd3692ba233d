//! From what a manifest says to what is to be resolved for a target.

use layerpress_lock::environment_of;
use layerpress_target::Target;

use super::inputs::{Budget, Need, Prereleases, Request, Strategy, Wanted};
use crate::manifest::{Manifest, Requirement, Source};

impl Request {
    /// The manifest's requirements and choices for a target, with everything else at its default.
    ///
    /// `None` if the target's version numbers are none that markers can hold, as those of a Node.js
    /// runtime.
    #[must_use]
    pub fn new(manifest: &Manifest, target: &Target) -> Option<Self> {
        let wanted = |all: &[Requirement]| all.iter().map(Wanted::from).collect();
        Some(Self {
            requirements: wanted(&manifest.requirements),
            constraints: wanted(&manifest.constraints),
            overrides: wanted(&manifest.overrides),
            preferences: Vec::new(),
            environment: environment_of(&target.markers())?,
            target: target.to_string(),
            strategy: Strategy::Highest,
            prereleases: if manifest.pre {
                Prereleases::Allow
            } else {
                Prereleases::IfNecessary
            },
            prefer_binary: manifest.prefer_binary,
            require_hashes: manifest.require_hashes,
            budget: Budget::default(),
        })
    }
}

impl From<&Requirement> for Wanted {
    fn from(requirement: &Requirement) -> Self {
        Self {
            name: requirement.name.clone(),
            extras: requirement.extras.clone(),
            marker: requirement.marker.clone(),
            need: match &requirement.source {
                Source::Index(specifiers) => Need::Versions(specifiers.clone()),
                source => Need::Fixed(source.clone()),
            },
            hashes: requirement.hashes.clone(),
            config_settings: requirement.config_settings.clone(),
            place: requirement.origin.to_string(),
            text: requirement.origin.text.clone(),
        }
    }
}
