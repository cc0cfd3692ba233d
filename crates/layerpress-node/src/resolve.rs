//! From a project's package.json to its tree, in one call.

use std::path::Path;

use layerpress_fetch::Client;

use crate::package_json::PackageJson;
use crate::place::{IdealTree, Project, ideal_tree};
use crate::registry::{Registry, RegistryOptions};
use crate::semver::Version;
use crate::source::{Desk, ResolveError};

/// What a project is resolved for, and from where.
#[derive(Clone, Debug)]
pub struct ResolveOptions {
    /// The version of Node.js that will run it.
    pub node: Version,
    /// Which registries are asked, and up to which date.
    pub registry: RegistryOptions,
}

/// A resolved project.
#[derive(Clone, Debug)]
pub struct Resolution {
    /// The project with its workspaces, as the lockfile's writer takes it.
    pub project: Project,
    /// Its tree.
    pub tree: IdealTree,
}

/// Resolves the project in `folder` from nothing, as `npm install` does without a lockfile.
///
/// The future is not [`Send`]: run it by `block_on` of a tokio runtime with several threads, which
/// fetch and read what it asks for. A tree on top of a lockfile is built with a [`Desk`] of one's
/// own: [`Desk::project`], then [`Desk::build`] around the function of [`place`](crate::place).
///
/// # Errors
/// [`ResolveError`]: what cannot be had or does not fit together, or the failure of a registry, the
/// network or the disk.
pub async fn resolve(
    folder: &Path,
    package: PackageJson,
    options: &ResolveOptions,
    client: &Client,
) -> Result<Resolution, ResolveError> {
    let registry = Registry::new(options.registry.clone(), client.clone());
    let desk = Desk::new(folder, registry, options.node.clone());
    let project = desk.project(package)?;
    let tree = desk.build(&project, ideal_tree(&project, &desk)).await?;
    Ok(Resolution { project, tree })
}
