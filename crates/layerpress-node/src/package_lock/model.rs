//! What a lockfile says.

use std::sync::Arc;

use indexmap::IndexMap;
use url::Url;

use crate::integrity::Integrity;
use crate::manifest::{Manifest, Pairs};
use crate::name::PackageName;
use crate::package_json::PackageJson;
use crate::place::Project;
use crate::registry::Registry;

/// A lockfile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageLock {
    /// The version of its format as found: 1, 2 or 3.
    pub version: u8,
    /// Its entries by folder, relative to the project, in the order of the file; the project itself
    /// is the empty one. Every link leads to an entry.
    pub packages: IndexMap<Arc<str>, Locked>,
    /// The project's version when the file was written.
    pub project_version: Option<Arc<str>>,
    /// Fields beside npm's own, as JSON texts; npm keeps them.
    pub other: Vec<(Arc<str>, Arc<str>)>,
}

/// An entry: one package in one folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locked {
    /// What is known of the package. Its name is the real one, whatever the folder is called;
    /// `tarball` is what the file calls `resolved`, which may be missing.
    pub manifest: Arc<Manifest>,
    /// What only its developers need; none but for the project and its folders.
    pub dev_dependencies: Arc<Pairs>,
    /// The digests of the tarball.
    pub integrity: Integrity,
    /// For a link, the folder that it leads to.
    pub link: Option<Arc<str>>,
    /// Only for development.
    pub is_dev: bool,
    /// Only where it can be had.
    pub is_optional: bool,
    /// For development, and optional, but needed by neither alone.
    pub is_dev_optional: bool,
    /// Only as a peer.
    pub is_peer: bool,
    /// Nothing asks for it but an optional peer.
    pub is_extraneous: bool,
    /// It comes inside the tarball of a package above it.
    pub in_bundle: bool,
    /// The file does not hold its manifest: what it is for, its peers, what is optional
    /// (lockfileVersion 1).
    pub lacks_manifest: bool,
    /// Of the project: the globs of its workspaces.
    pub workspaces: Vec<Arc<str>>,
}

/// A package whose manifest the lockfile does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lacking {
    /// Its folder.
    pub location: Arc<str>,
    /// Its real name.
    pub name: Arc<str>,
    /// Its version, as registries have it; nothing for what came from elsewhere.
    pub version: Option<Arc<str>>,
    /// Where it came from, if the file says.
    pub resolved: Option<Arc<str>>,
}

impl PackageLock {
    /// The entry of the project itself; lockfileVersion 1 has none.
    #[must_use]
    pub fn root(&self) -> Option<&Locked> {
        self.packages.get("")
    }

    /// The packages whose manifests have to be fetched before [`pins`](super::pins()) can say which
    /// of them fit a target.
    #[must_use]
    pub fn lacking(&self) -> Vec<Lacking> {
        let lacking = self
            .packages
            .iter()
            .filter(|(_, locked)| locked.lacks_manifest);
        lacking
            .map(|(location, locked)| Lacking {
                location: location.clone(),
                name: locked
                    .manifest
                    .name
                    .clone()
                    .unwrap_or_else(|| location.clone()),
                version: locked.manifest.version.clone(),
                resolved: locked.manifest.tarball.clone(),
            })
            .collect()
    }

    /// Gives an entry the manifest that it lacks. Where it came from and its digests stay as locked.
    pub fn supply(&mut self, location: &str, manifest: &Manifest) {
        if let Some(locked) = self.packages.get_mut(location) {
            let old = &locked.manifest;
            locked.manifest = Arc::new(Manifest {
                tarball: old.tarball.clone().or_else(|| manifest.tarball.clone()),
                integrity: old.integrity.clone().or_else(|| manifest.integrity.clone()),
                ..manifest.clone()
            });
            locked.lacks_manifest = false;
        }
    }

    /// Has every tarball of a registry come from the one that is asked, which stands in for those that
    /// the file was written with. Its digests stay as locked.
    pub fn rebase(&mut self, registry: &Registry) {
        for locked in self.packages.values_mut() {
            let manifest = &locked.manifest;
            let name = manifest.name.as_deref().map(PackageName::parse);
            let tarball = manifest.tarball.as_deref().map(Url::parse);
            if let (Some(Ok(name)), Some(Ok(tarball))) = (name, tarball)
                && let Some(rebased) = registry.rebased(&name, &tarball)
            {
                Arc::make_mut(&mut locked.manifest).tarball = Some(rebased.as_str().into());
            }
        }
    }

    /// The project as it was when the file was written, for using the file without a package.json.
    /// Its overrides are not known. Of lockfileVersion 1, which says nothing of the project, it asks
    /// for every package at the top.
    #[must_use]
    pub fn project(&self) -> Project {
        let root = match self.root() {
            Some(root) => root.clone(),
            None => self.as_if_all_were_asked_for(),
        };
        let links = self
            .packages
            .iter()
            .filter(|(location, _)| is_top(location));
        let workspaces = links.filter_map(|(location, locked)| {
            let folder = locked.link.clone()?;
            let name = location.strip_prefix("node_modules/")?;
            // A workspace is a link that the project does not ask for.
            let asks = |pairs: &Pairs| pairs.iter().any(|(other, _)| **other == *name);
            let of = &root.manifest;
            let lists = [
                &of.dependencies,
                &of.optional_dependencies,
                &root.dev_dependencies,
            ];
            let is_asked = lists.into_iter().any(asks);
            (!is_asked && !root.workspaces.is_empty()).then(|| (name.into(), folder))
        });
        Project {
            workspaces: workspaces.collect(),
            package: PackageJson {
                manifest: (*root.manifest).clone(),
                dev_dependencies: (*root.dev_dependencies).clone(),
                overrides: Vec::new(),
                workspaces: root.workspaces.clone(),
            },
            ..Project::default()
        }
    }

    /// An entry for a project that asks for every package at the top, the way its flags say.
    fn as_if_all_were_asked_for(&self) -> Locked {
        let mut root = Manifest::default();
        let mut dev_dependencies = Pairs::new();
        for (location, locked) in &self.packages {
            let Some(folder) = location.strip_prefix("node_modules/") else {
                continue;
            };
            if !is_top(location) || locked.in_bundle {
                continue;
            }
            let of = &locked.manifest;
            let spec = match (&of.version, &of.name) {
                (Some(version), Some(name)) if **name != *folder => {
                    format!("npm:{name}@{version}").into()
                }
                (Some(version), _) => version.clone(),
                (None, _) => of.tarball.clone().unwrap_or_else(|| "*".into()),
            };
            let pairs = match (locked.is_dev, locked.is_optional) {
                (true, _) => &mut dev_dependencies,
                (false, true) => &mut root.optional_dependencies,
                (false, false) => &mut root.dependencies,
            };
            pairs.push((folder.into(), spec));
        }
        Locked {
            manifest: Arc::new(root),
            dev_dependencies: Arc::new(dev_dependencies),
            ..Locked::default()
        }
    }
}

fn is_top(location: &str) -> bool {
    location.matches("node_modules/").count() == 1
}

#[cfg(test)]
mod tests {
    use crate::package_lock::read;

    #[test]
    fn version_1_asks_for_what_is_at_the_top() {
        let text = br#"{"lockfileVersion": 1, "dependencies": {
            "a": {"version": "1.0.0", "dependencies": {"b": {"version": "1.0.0"}}},
            "b": {"version": "2.0.0", "optional": true},
            "c": {"version": "npm:d@3.0.0"},
            "tool": {"version": "1.0.0", "dev": true}}}"#;
        let project = read("package-lock.json", text)
            .expect("a lockfile")
            .project();
        let shown = |pairs: &crate::Pairs| {
            let all = pairs.iter().map(|(name, spec)| format!("{name} {spec}"));
            all.collect::<Vec<_>>().join(", ")
        };
        let asked = &project.package;
        assert_eq!(
            shown(&asked.manifest.dependencies),
            "a 1.0.0, c npm:d@3.0.0"
        );
        assert_eq!(shown(&asked.manifest.optional_dependencies), "b 2.0.0");
        assert_eq!(shown(&asked.dev_dependencies), "tool 1.0.0");
    }
}
