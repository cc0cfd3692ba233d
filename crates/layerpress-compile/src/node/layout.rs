//! [`lay_out`]: packages at their places in a layer, as npm lays out `node_modules`.

use std::collections::BTreeMap;
use std::sync::Arc;

use layerpress_node::package_lock::Pin;
use layerpress_node::tarball::PackageTree;
use layerpress_press as press;
use layerpress_target::{self as target, Target};
use layerpress_tree::{Entry, LayerPath, LayerTree};

use super::error::NodeError;
use crate::pins::Job;
use crate::prune::{Account, Pruned};
use crate::report::{PackageReport, RemovedReport};
use crate::request::Layout;

/// The packages of a layer at their places.
#[derive(Debug)]
pub(crate) struct Laid {
    /// Every file, at its place below `/opt`.
    pub tree: LayerTree,
    /// What each package weighs, in the order of names; several copies of one are one.
    pub packages: Vec<PackageReport>,
    /// What is left out.
    pub removed: Vec<RemovedReport>,
    /// What passes did to the packages' files.
    pub account: press::Account,
    /// How much of it is no package's, in bytes.
    pub own_bytes: u64,
}

/// Where packages go, and for what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LayOut {
    /// What the layer is for.
    pub target: Target,
    /// Where packages lie in it.
    pub layout: Layout,
}

impl LayOut {
    /// Where a job's packages go.
    pub(crate) fn of(job: &Job<'_>) -> Self {
        Self {
            target: job.target,
            layout: job.layout,
        }
    }

    /// The folder that stands for the project's `node_modules`, from the layer's root.
    pub(crate) fn prefix(self) -> String {
        self.target.runtime.layer_prefix(match self.layout {
            Layout::Flat => target::Layout::Flat,
            Layout::Versioned => target::Layout::Versioned,
        })
    }
}

/// Name and version of a package.
type Identity = (String, String);

/// Puts the package behind each pin below the folder that stands for the project's `node_modules`,
/// and what was `generated` beside them, less what is `pruned` of each, in this order.
///
/// Commands in `.bin` are links in npm's folders, and left out: a layer has no links.
///
/// # Errors
/// Two packages that write one path.
pub(crate) fn lay_out(
    pins: &[Pin],
    packages: &[Option<Arc<PackageTree>>],
    generated: &PackageTree,
    pruned: &Pruned,
    how: LayOut,
) -> Result<Laid, NodeError> {
    let mut builder = Builder {
        prefix: how.prefix(),
        pruned,
        locations: pins.iter().map(|pin| (&*pin.location, pin)).collect(),
        tree: LayerTree::new(),
        weights: BTreeMap::new(),
        account: Account::default(),
        pressed: press::Account::default(),
    };
    for (index, (pin, package)) in pins.iter().zip(packages).enumerate() {
        if let Some(package) = package {
            builder.package(index, pin, package)?;
            builder.pressed.add(package.account.clone().of(&pin.name));
        }
    }
    builder.pressed.add(generated.account.clone());
    let own_bytes = builder.generated(pins.len(), generated)?;
    let packages = builder.weights.into_iter();
    let packages = packages.map(|((name, version), (zipped, unzipped))| PackageReport {
        ecosystem: "node",
        name,
        version,
        zipped_bytes: zipped,
        unzipped_bytes: unzipped,
    });
    Ok(Laid {
        removed: builder.account.removed(&builder.tree),
        tree: builder.tree,
        packages: packages.collect(),
        account: builder.pressed,
        own_bytes,
    })
}

/// A layer under construction.
struct Builder<'a> {
    prefix: String,
    pruned: &'a Pruned,
    locations: BTreeMap<&'a str, &'a Pin>,
    tree: LayerTree,
    weights: BTreeMap<Identity, (u64, u64)>,
    account: Account,
    pressed: press::Account,
}

impl Builder<'_> {
    fn package(&mut self, index: usize, pin: &Pin, package: &PackageTree) -> Result<(), NodeError> {
        let place = place(&pin.location, &self.prefix)?;
        self.weights.entry(identity(pin)).or_default();
        for (path, entry) in package.tree.iter() {
            let inner = path.as_str();
            let owner = match inner.starts_with("node_modules/") {
                true => owner(pin, package, inner, &self.locations),
                false => Some(identity(pin)),
            };
            let path = path.under(&place);
            let Some(owner) = owner.filter(|_| self.is_kept(index, &path, entry)) else {
                continue;
            };
            let (zipped, unzipped) = self.weights.entry(owner).or_default();
            *zipped += entry.content.stream_size();
            *unzipped += entry.content.size;
            if self.tree.insert(path.clone(), entry.clone()).is_err() {
                return Err(conflict(path, pin, &self.locations, &self.prefix));
            }
        }
        Ok(())
    }

    /// Adds generated files and returns their size in bytes.
    fn generated(&mut self, index: usize, package: &PackageTree) -> Result<u64, NodeError> {
        let place = place("", &self.prefix)?;
        let mut bytes = 0;
        for (path, entry) in package.tree.iter() {
            let path = path.under(&place);
            if !self.is_kept(index, &path, entry) {
                continue;
            }
            bytes += entry.content.size;
            if self.tree.insert(path.clone(), entry.clone()).is_err() {
                return Err(NodeError::Conflict {
                    first: "a package".to_owned(),
                    second: "generated code".to_owned(),
                    path,
                });
            }
        }
        Ok(bytes)
    }

    /// Whether a file of the package at `index` goes into the layer; one that does not is counted.
    fn is_kept(&mut self, index: usize, path: &LayerPath, entry: &Entry) -> bool {
        let removal = self.pruned.removal(index, path.as_str());
        if let Some(removal) = removal {
            self.account.add(path.clone(), removal, entry);
        }
        removal.is_none()
    }
}

fn identity(pin: &Pin) -> Identity {
    let version = pin.version.as_deref().unwrap_or("local");
    (pin.name.to_string(), version.to_owned())
}

/// Where a location of the lockfile is in the layer.
pub(crate) fn place(location: &str, prefix: &str) -> Result<LayerPath, NodeError> {
    let below = location.strip_prefix("node_modules/").unwrap_or(location);
    let whole = format!("{prefix}/{below}");
    LayerPath::new(whole.trim_end_matches('/')).map_err(|error| NodeError::PackedName {
        path: location.into(),
        reason: error.to_string(),
    })
}

/// Whose a file in a package's own `node_modules` is: of the package that is bundled there, or of
/// nobody where another pin takes that place.
fn owner(
    pin: &Pin,
    package: &PackageTree,
    inner: &str,
    locations: &BTreeMap<&str, &Pin>,
) -> Option<Identity> {
    if inner.contains("node_modules/.bin/") || inner.ends_with("node_modules/.package-lock.json") {
        return None;
    }
    let mut owner = identity(pin);
    let mut longest = 0;
    for bundled in &package.bundled {
        let location = &bundled.location;
        let below = inner.strip_prefix(&**location);
        if location.len() > longest && below.is_some_and(|below| below.starts_with('/')) {
            longest = location.len();
            let facts = &bundled.package;
            let name = location.rsplit("node_modules/").next().unwrap_or(location);
            owner = (
                facts.name.clone().unwrap_or_else(|| name.to_owned()),
                facts.version.clone().unwrap_or_else(|| "local".to_owned()),
            );
        }
    }
    // A pin of its own, deeper than this package, brings its own files.
    let whole = format!("{}/{inner}", pin.location);
    let folders = whole.match_indices('/').map(|(at, _)| &whole[..at]);
    let deeper = folders.filter(|folder| folder.len() > pin.location.len());
    let replaced = deeper
        .filter_map(|folder| locations.get(folder))
        .any(|other| other.bundled_in.as_deref() != Some(&*pin.location));
    (!replaced).then_some(owner)
}

fn conflict(
    path: LayerPath,
    second: &Pin,
    locations: &BTreeMap<&str, &Pin>,
    prefix: &str,
) -> NodeError {
    let below = path.as_str().strip_prefix(prefix).unwrap_or_default();
    let whole = format!("node_modules{below}");
    let folders = whole.match_indices('/').map(|(at, _)| &whole[..at]);
    let first = folders
        .filter_map(|folder| locations.get(folder))
        .rfind(|pin| pin.location != second.location);
    NodeError::Conflict {
        first: first.map_or_else(
            || second.location.to_string(),
            |pin| pin.location.to_string(),
        ),
        second: second.location.to_string(),
        path,
    }
}

#[cfg(test)]
mod tests {
    use layerpress_node::package_lock::Resolved;
    use layerpress_node::tarball::{Bundled, Facts};
    use layerpress_pack::stored;
    use layerpress_target::Arch;
    use layerpress_tree::Mode;

    use super::*;

    fn pin(location: &str, name: &str, version: &str) -> Pin {
        Pin {
            location: location.into(),
            entry: location.into(),
            name: name.into(),
            version: Some(version.into()),
            resolved: Resolved::Registry,
            integrity: Default::default(),
            has_install_script: false,
            is_optional: false,
            bundled_in: None,
            node: None,
            deprecated: None,
        }
    }

    fn package(files: &[&str]) -> PackageTree {
        let mut tree = LayerTree::new();
        for path in files {
            let entry = Entry {
                mode: Mode::File,
                content: stored(path.as_bytes().to_vec().into()),
            };
            let path = LayerPath::new(path).expect("a path");
            tree.insert(path, entry).expect("distinct");
        }
        PackageTree {
            tree,
            ..PackageTree::default()
        }
    }

    fn how(layout: Layout) -> LayOut {
        LayOut {
            target: Target {
                runtime: "nodejs22.x".parse().expect("a runtime"),
                arch: Arch::Arm64,
            },
            layout,
        }
    }

    fn laid(pins: &[Pin], packages: Vec<PackageTree>, how: LayOut) -> Laid {
        let packages: Vec<_> = packages.into_iter().map(|it| Some(Arc::new(it))).collect();
        lay_out(pins, &packages, &package(&[]), &Pruned::default(), how).expect("no conflict")
    }

    fn paths(laid: &Laid) -> Vec<&str> {
        laid.tree.iter().map(|(path, _)| path.as_str()).collect()
    }

    fn weights(laid: &Laid) -> Vec<String> {
        let told =
            |it: &PackageReport| format!("{} {}: {}", it.name, it.version, it.unzipped_bytes);
        laid.packages.iter().map(told).collect()
    }

    #[test]
    fn packages_lie_where_the_lock_has_them_in_either_layout() {
        let pins = [
            pin("node_modules/@s/a", "@s/a", "1.0.0"),
            pin("node_modules/@s/a/node_modules/old", "b", "2.0.0"),
            pin("node_modules/b", "b", "2.0.0"),
        ];
        let packages = || vec![package(&["i.js"]), package(&["b.js"]), package(&["b.js"])];
        let flat = laid(&pins, packages(), how(Layout::Flat));
        assert_eq!(
            paths(&flat),
            [
                "nodejs/node_modules/@s/a/i.js",
                "nodejs/node_modules/@s/a/node_modules/old/b.js",
                "nodejs/node_modules/b/b.js",
            ]
        );
        assert_eq!(weights(&flat), ["@s/a 1.0.0: 4", "b 2.0.0: 8"]);
        let versioned = laid(&pins, packages(), how(Layout::Versioned));
        assert_eq!(paths(&versioned)[0], "nodejs/node22/node_modules/@s/a/i.js");
    }

    #[test]
    fn what_a_tarball_bundles_counts_for_itself_and_gives_way_to_a_pin() {
        let mut bundled = pin("node_modules/a/node_modules/in", "in", "3.0.0");
        bundled.bundled_in = Some("node_modules/a".into());
        let pins = [
            pin("node_modules/a", "a", "1.0.0"),
            bundled,
            pin("node_modules/a/node_modules/own", "own", "4.0.0"),
        ];
        let mut outer = package(&[
            "a.js",
            "node_modules/.bin/tool",
            "node_modules/.package-lock.json",
            "node_modules/in/package.json",
            "node_modules/own/old.js",
        ]);
        outer.bundled.push(Bundled {
            location: "node_modules/in".to_owned(),
            package: Facts {
                name: Some("in".to_owned()),
                version: Some("3.0.0".to_owned()),
                ..Facts::default()
            },
        });
        let packages = [Some(outer), None, Some(package(&["new.js"]))].map(|it| it.map(Arc::new));
        let laid = lay_out(
            &pins,
            &packages,
            &package(&[".prisma/client/index.js"]),
            &Pruned::default(),
            how(Layout::Flat),
        )
        .expect("no conflict");
        assert_eq!(
            paths(&laid),
            [
                "nodejs/node_modules/.prisma/client/index.js",
                "nodejs/node_modules/a/a.js",
                "nodejs/node_modules/a/node_modules/in/package.json",
                "nodejs/node_modules/a/node_modules/own/new.js",
            ]
        );
        assert_eq!(
            weights(&laid),
            ["a 1.0.0: 4", "in 3.0.0: 28", "own 4.0.0: 6"]
        );
        assert_eq!(laid.own_bytes, 23);
    }

    #[test]
    fn two_packages_that_write_one_path_are_named() {
        let pins = [
            pin("node_modules/a", "a", "1.0.0"),
            pin("node_modules/a/lib", "odd", "1.0.0"),
        ];
        let packages = [package(&["lib/x.js"]), package(&["x.js"])].map(|it| Some(Arc::new(it)));
        let how = how(Layout::Flat);
        let error = lay_out(&pins, &packages, &package(&[]), &Pruned::default(), how)
            .expect_err("a conflict");
        insta::assert_snapshot!(error, @"`node_modules/a` and `node_modules/a/lib` would both write `nodejs/node_modules/a/lib/x.js`");
    }
}
