//! [`Desk`]: where a project's manifests come from, the [`Source`] of its tree.
//!
//! Registry packages come from a [`Registry`], tarballs from an address or the disk, repositories by
//! the `git` program, folders from the disk. The tree is built one question at a time; so that it
//! seldom waits, the desk looks ahead: as soon as it knows what a package needs, it asks for all of
//! that too.

mod ahead;
mod answers;
mod archive;
mod error;
mod folder;
mod git;
mod guesses;
#[cfg(test)]
mod tests;
mod workspaces;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use layerpress_fetch::{ErrorKind, StoredArchive};
use tokio::sync::Notify;

use crate::manifest::{Manifest, Pairs};
use crate::name::PackageName;
use crate::package_json::PackageJson;
use crate::place::{Ask, Failure, Inside, Peers, PlaceError, Project, Source};
use crate::registry::Registry;
use crate::semver::Version;
use crate::spec::Spec;
use ahead::Ahead;
use answers::Answers;
use guesses::guesses;

pub use error::{ResolveError, SourceError, WorkspaceError};
pub use git::{GitOptions, Packing};

/// How many names are proposed for one that does not exist.
const SIMILAR: usize = 3;

/// Where the manifests of one project come from.
///
/// It spawns tasks: everything that is asynchronous here has to run inside a tokio runtime with
/// more than one thread, in its `block_on` (the futures are not [`Send`]).
#[derive(Debug)]
pub struct Desk {
    folder: PathBuf,
    ahead: Ahead,
    git: Option<GitOptions>,
    /// What ends the whole resolution: a failure that says nothing about the package.
    broken: Mutex<Option<ResolveError>>,
    is_broken: Notify,
}

impl Desk {
    /// The desk of the project in `folder`; versions are chosen for this version of Node.js.
    #[must_use]
    pub fn new(folder: &Path, registry: Registry, node: Version) -> Self {
        Self {
            folder: folder.to_owned(),
            ahead: Ahead::new(registry, node),
            git: None,
            broken: Mutex::new(None),
            is_broken: Notify::new(),
        }
    }

    /// The desk that also takes packages out of git repositories, with these options.
    #[must_use]
    pub fn with_git(self, options: GitOptions) -> Self {
        Self {
            git: Some(options),
            ..self
        }
    }

    /// The package that a lockfile's address of a commit stands for (`git+ssh://…#<commit>`), packed
    /// as npm packs it, in the store; checked out if the store does not hold it.
    ///
    /// # Errors
    /// [`SourceError`] if there are no [options](Desk::with_git) for git, the address is none, or the
    /// commit cannot be had.
    pub async fn git_package(&self, resolved: &str) -> Result<StoredArchive, SourceError> {
        let options = self.git.as_ref().ok_or_else(|| no_git(resolved))?;
        git::package(self.registry().client(), options, resolved).await
    }

    /// The registries that it asks.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        self.ahead.registry()
    }

    /// The project of a package.json: its workspaces are looked for on the disk.
    ///
    /// # Errors
    /// [`WorkspaceError`] if a pattern is none, two workspaces have one name, or a package.json
    /// among them cannot be read.
    pub fn project(&self, package: PackageJson) -> Result<Project, WorkspaceError> {
        let workspaces = workspaces::find(&self.folder, &package.workspaces)?;
        Ok(Project {
            package,
            workspaces,
            ..Project::default()
        })
    }

    /// Names and folders of the workspaces that globs lead to.
    ///
    /// # Errors
    /// As [`project`](Desk::project).
    pub fn workspaces(&self, globs: &[Arc<str>]) -> Result<Pairs, WorkspaceError> {
        workspaces::find(&self.folder, globs)
    }

    /// Builds a tree with this desk as its source, `build` being one of [`place`](crate::place)'s
    /// ways.
    ///
    /// # Errors
    /// [`ResolveError`]: what keeps the tree from being built, or the failure of a registry or of
    /// the network, which no package is left out for.
    pub async fn build<T>(
        &self,
        project: &Project,
        build: impl Future<Output = Result<T, PlaceError>>,
    ) -> Result<T, ResolveError> {
        if project.peers == Peers::Left {
            self.ahead.leave_peers();
        }
        self.ahead.own(own_names(project));
        let answers = self.answers(project);
        if let Some(answers) = &answers {
            self.ahead.remember(answers);
        }
        let built = tokio::select! {
            built = build => built,
            () = self.is_broken.notified() => return Err(self.failure()),
        };
        match built {
            Ok(tree) => {
                if let Some(answers) = &answers {
                    self.ahead.keep(answers);
                }
                Ok(tree)
            }
            Err(error) => Err(ResolveError::Place {
                similar: self.similar(project, &error).await,
                error,
            }),
        }
    }

    /// Where the answers to this project's questions are kept. Those of a run without network come from
    /// whatever there is, and those up to a date depend on more than what registries say.
    fn answers(&self, project: &Project) -> Option<Answers> {
        let registry = self.registry();
        if registry.client().offline() || registry.options().before.is_some() {
            return None;
        }
        let circumstances = (registry.options(), self.ahead.node(), asked(project));
        Some(Answers::new(
            registry.client(),
            &format!("{circumstances:?}"),
        ))
    }

    fn failure(&self) -> ResolveError {
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        broken.take().unwrap_or(ResolveError::Stopped)
    }

    /// Ends the resolution.
    async fn give_up<T>(&self, error: ResolveError) -> T {
        *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        self.is_broken.notify_one();
        std::future::pending().await
    }

    /// What the tree can do without is a failure; all else ends the resolution.
    async fn or_failure<T>(&self, found: Result<T, SourceError>) -> Result<T, Failure> {
        match found {
            Ok(found) => Ok(found),
            Err(error) if error.is_about_the_package() => Err(Failure {
                message: error.to_string(),
                hint: error.hint().unwrap_or_default(),
                is_input: error.kind() == Some(ErrorKind::Input),
            }),
            Err(error) => self.give_up(ResolveError::Source(error)).await,
        }
    }

    /// Packages whose names are near to that of a missing one, the likeliest first.
    async fn similar(&self, project: &Project, error: &PlaceError) -> Vec<String> {
        let Some(name) = missing(error) else {
            return Vec::new();
        };
        if !self.ahead.is_absent(&name).await {
            return Vec::new();
        }
        if let Some(near) = self.ahead.nearest(&name) {
            return vec![near];
        }
        for guesses in guesses(&name, own_names(project)) {
            let mut found = self.registry().existing(&guesses).await;
            if !found.is_empty() {
                found.truncate(SIMILAR);
                return found;
            }
        }
        self.registry().similar(&name).await.into_iter().collect()
    }
}

/// What a project asks for itself.
fn asked(project: &Project) -> [&Pairs; 4] {
    let package = &project.package;
    [
        &package.manifest.dependencies,
        &package.manifest.optional_dependencies,
        &package.manifest.peer_dependencies,
        &package.dev_dependencies,
    ]
}

fn own_names(project: &Project) -> impl Iterator<Item = &str> {
    asked(project)
        .into_iter()
        .flatten()
        .map(|(name, _)| &**name)
}

/// The registry package that could not be had, whatever an alias calls it.
fn missing(error: &PlaceError) -> Option<PackageName> {
    let PlaceError::Unavailable { name, spec, .. } = error else {
        return None;
    };
    match Spec::parse(name, spec).ok()? {
        Spec::Registry(_) => PackageName::parse(name).ok(),
        Spec::Alias { name, .. } => Some(name),
        _ => None,
    }
}

impl Source for Desk {
    async fn manifest(&self, ask: &Ask<'_>) -> Result<Arc<Manifest>, Failure> {
        let found = match ask.spec {
            Spec::Registry(wanted) => match PackageName::parse(ask.name) {
                Ok(name) => self.ahead.answer(&name, wanted).await,
                Err(fault) => Err(SourceError::Name {
                    name: ask.name.to_owned(),
                    fault,
                }),
            },
            Spec::Alias { name, wanted } => self.ahead.answer(name, wanted).await,
            Spec::Tarball(url) => archive::remote(self.registry().client(), url).await,
            Spec::File(path) => archive::local(&self.folder, path),
            Spec::Git(git) => match &self.git {
                Some(options) => git::manifest(self.registry().client(), options, git).await,
                None => Err(no_git(ask.name)),
            },
            Spec::Workspace(_) => Err(SourceError::NoWorkspace {
                name: ask.name.to_owned(),
            }),
            Spec::Folder(path) => Err(SourceError::NotFound {
                path: self.folder.join(path),
                folder: true,
            }),
        };
        self.or_failure(found).await
    }

    async fn folder(&self, location: &str) -> Option<PackageJson> {
        match folder::package_json(&self.folder, location) {
            Ok(found) => found,
            Err(error) => self.give_up(ResolveError::Source(error)).await,
        }
    }

    async fn inside(&self, manifest: &Manifest) -> Result<Inside, Failure> {
        let inside = archive::inside(self.registry(), &self.folder, manifest);
        self.or_failure(inside.await).await
    }

    fn prefetch(&self, ask: &Ask<'_>) {
        self.ahead.ask(ask.name, ask.spec);
    }

    fn prefetch_below(&self, ask: &Ask<'_>) {
        self.ahead.look(ask.name, ask.spec);
    }
}

fn no_git(what: &str) -> SourceError {
    SourceError::Unsupported {
        what: what.to_owned(),
    }
}
