//! [`lock_project`]: from a package.json to its `package-lock.json`, moving no version without need.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use layerpress_fetch::{ProxyAddress, Reporter, Stage};
use layerpress_node::PackageName;
use layerpress_node::npmrc::{Npmrc, Surroundings};
use layerpress_node::package_json::{PackageJson, line_of};
use layerpress_node::package_lock::{self, PackageLock, Style, Unmet};
use layerpress_node::place::{
    Dependency, IdealTree, Peers, Project, Update, ideal_tree, ideal_tree_from,
};
use layerpress_node::registry::Registry;
use layerpress_node::semver::Version;
use layerpress_node::source::{Desk, GitOptions};
use layerpress_target::{Ecosystem, Target};

use super::digests::{manifest, strengthen, strengthen_lock};
use super::error::NodeError;
use super::foreign_lock;
use super::generated::generated;
use super::lazy_lock::LazyLock;
use super::local::packed_files;
use super::pins::{NodePins, Parts};
use super::prebuilt::Prebuilts;
use super::project::{Found, Opened, open, several_locks};
use crate::error::CompileError;
use crate::input::Input;
use crate::lock::{Coverage, Locked, Versions, changes, nothing_to_lock, refuse_upgrade};
use crate::project::{layer_name, parent};
use crate::report::LockfileReport;
use crate::request::{LockRequest, NodeOptions, Sources, Upgrade};
use crate::session::Session;
use crate::targets::choose;

/// How long one of git's commands may take.
const GIT_BUDGET: Duration = Duration::from_secs(10 * 60);

/// How many manifests are asked for at once.
const AT_ONCE: usize = 32;

/// Opens an input and makes sure of its lock.
///
/// # Errors
/// An input that cannot be used, a lock that must not but would have to change, a tree that cannot
/// be built.
pub(crate) fn lock_project(
    input: &Input,
    request: &LockRequest,
    coverage: Coverage,
    reporter: &Arc<dyn Reporter>,
) -> Result<Locked, CompileError> {
    let begun = Instant::now();
    // A lockfile that another tool keeps is for building; `lock` writes npm's.
    let foreign_serves = coverage == Coverage::AtLeast && request.lockfile.is_none();
    let (mut project, found) = open(input, foreign_serves)?;
    if let Some(lockfile) = &request.lockfile {
        if same_file(&input.file, lockfile) {
            return Err(CompileError::OverManifest {
                path: input.file.clone(),
            });
        }
        project.lockfile.clone_from(lockfile);
    }
    let folder = parent(&input.file);
    let npmrc = settings(&folder, &request.node)?;
    let options = npmrc.registry_options(request.node.now)?;
    let session = Session::open(
        &sources(&request.sources, &npmrc, &request.node)?,
        npmrc.trusted_hosts(),
        Arc::clone(reporter),
    )?;
    session.warn_all(npmrc.add_tokens(session.client.credentials()));
    if foreign_serves {
        session.warn_all(several_locks(input, &project.lockfile));
    }
    let registry = Registry::new(options, session.client.clone());
    let targets = choose(Ecosystem::Node, &request.runtimes, &request.archs, &[])?;
    let desk = Desk::new(&folder, registry, oldest(&targets)).with_git(GitOptions {
        variables: request.node.process.clone(),
        temporary: request.node.temporary.clone(),
        budget: GIT_BUDGET,
        packing: Arc::new(|folder| packed_files(folder).map_err(std::io::Error::other)),
    });
    let work = Work {
        request,
        session: &session,
        desk: &desk,
        folder: &folder,
        path: &project.lockfile,
        target: targets[0],
        peers: npmrc.peers(),
        omits_resolved: npmrc.switch("omit-lockfile-registry-resolved") == Some(true),
    };
    let is_foreign = matches!(found, Found::Foreign(_));
    let mut done = match found {
        Found::Manifest(opened) => work.up_to_date(&opened, Previous::read(work.path)?)?,
        Found::Lockfile | Found::Foreign(_) if coverage == Coverage::Exact => {
            return Err(nothing_to_lock(work.path));
        }
        Found::Lockfile => {
            refuse_upgrade(request, work.path)?;
            let lock = Previous::read(work.path)?.ok_or_else(|| work.missing())?;
            let lock = lock.lock;
            Outcome {
                asked: lock.project(),
                lock: LazyLock::known(lock),
                lockfile: None,
                new_text: None,
            }
        }
        Found::Foreign(format) => {
            refuse_upgrade(request, work.path)?;
            let foreign = foreign_lock::read(format, work.path, &desk)?;
            Outcome {
                asked: foreign.project,
                lock: LazyLock::known(foreign.lock),
                lockfile: None,
                new_text: None,
            }
        }
    };
    done.asked.peers = npmrc.peers();
    // What was resolved just now lacks nothing, and is where its registry says.
    if let Some(lock) = done.lock.known_mut() {
        if done.new_text.is_none() && request.node.registry.is_some() {
            lock.rebase(desk.registry());
        }
        if is_foreign {
            strengthen_lock(&session, desk.registry(), work.path, lock)?;
        }
        supply(&session, desk.registry(), lock)?;
    }
    let nodejs = match (&input.folder, input.own_code) {
        (Some(part), true) if input.part.is_some() => Some(part.clone()),
        (Some(layer), true) => Some(layer.join("nodejs")),
        _ => None,
    };
    let generated = match &nodejs {
        Some(nodejs) => generated(nodejs)?,
        None => Vec::new(),
    };
    let prebuilts = Prebuilts::beside(
        &project.lockfile,
        request.node.prebuilt.clone(),
        request.locked,
        &npmrc,
    )?;
    let parts = Parts {
        asked: done.asked,
        lock: done.lock,
        desk,
        folder,
        generated,
        modules: nodejs.map(|nodejs| nodejs.join("node_modules")),
        prebuilts,
    };
    let pins = NodePins::new(parts, request.node.dev, &npmrc);
    Ok(Locked {
        session,
        project,
        pins: Box::new(pins),
        targets,
        lockfile: done.lockfile,
        new_text: done.new_text,
        seconds: begun.elapsed(),
    })
}

/// npm's settings around a project; what the command line says comes before them, as in npm.
fn settings(folder: &Path, options: &NodeOptions) -> Result<Npmrc, CompileError> {
    let mut variables = options.variables.clone();
    let typed = [
        (
            "npm_config_registry",
            options.registry.as_ref().map(ToString::to_string),
        ),
        (
            "npm_config_before",
            options.before.map(|moment| moment.to_string()),
        ),
    ];
    for (name, value) in typed {
        if let Some(value) = value {
            variables.retain(|other, _| !other.eq_ignore_ascii_case(name));
            variables.insert(name.to_owned(), value);
        }
    }
    Ok(Npmrc::load(&Surroundings {
        project: folder,
        home: options.home.as_deref(),
        variables: &variables,
    })?)
}

/// The store, and the network as npm's settings have it; those of pip and of netrc are not npm's.
fn sources(
    sources: &Sources,
    npmrc: &Npmrc,
    options: &NodeOptions,
) -> Result<Sources, CompileError> {
    let mut certificates = npmrc.certificates()?;
    // Node.js passes over a file that it cannot read, too ("Command-line API", NODE_EXTRA_CA_CERTS).
    if let Some(extra) = options.variables.get("NODE_EXTRA_CA_CERTS")
        && let Ok(bundle) = std::fs::read(extra)
    {
        certificates.push(bundle);
    }
    let proxies = npmrc.proxies();
    // `noproxy` is for the proxy of the environment as well.
    let variable = |name: &&str| options.variables.get(*name).cloned();
    let of_environment = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let of_environment = match proxies.without.is_empty() {
        true => None,
        false => of_environment.iter().find_map(variable),
    };
    Ok(Sources {
        certificates,
        proxy: proxies.address.or(of_environment).map(ProxyAddress),
        no_proxy: proxies.without,
        netrc: None,
        keyring: false,
        logins: Vec::new(),
        ..sources.clone()
    })
}

/// The Node.js that versions are chosen for: the oldest of all targets, since one lock serves them.
fn oldest(targets: &[Target]) -> Version {
    let oldest = targets.iter().map(|target| target.runtime).min();
    oldest
        .and_then(|runtime| Version::loose(runtime.full_version()))
        .expect("there is a target, and every Node.js runtime has a version")
}

/// A lockfile as it was found.
struct Previous {
    text: String,
    lock: PackageLock,
}

impl Previous {
    fn read(path: &Path) -> Result<Option<Self>, CompileError> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(CompileError::Unreadable {
                    path: path.to_owned(),
                    source,
                });
            }
        };
        let lock = package_lock::read(&path.display().to_string(), &bytes)?;
        Ok(Some(Self {
            text: String::from_utf8_lossy(&bytes).into_owned(),
            lock,
        }))
    }
}

/// A lock that serves, and what becomes of its file.
struct Outcome {
    asked: Project,
    lock: LazyLock,
    lockfile: Option<LockfileReport>,
    new_text: Option<String>,
}

/// What locking one project works with.
struct Work<'a> {
    request: &'a LockRequest,
    session: &'a Session,
    desk: &'a Desk,
    folder: &'a Path,
    /// The lockfile, whether it is there yet or not.
    path: &'a Path,
    /// The one that a stage is told for.
    target: Target,
    /// What becomes of peers.
    peers: Peers,
    /// Whether the lockfile is not to say where registries keep their tarballs.
    omits_resolved: bool,
}

impl Work<'_> {
    /// The lock that serves a project: the previous one where it does, else a new one with its text.
    fn up_to_date(
        &self,
        opened: &Opened,
        previous: Option<Previous>,
    ) -> Result<Outcome, CompileError> {
        let mut asked = self.desk.project(opened.package.clone())?;
        asked.peers = self.peers;
        let folders = |location: &str| package_of(self.folder, location);
        let Some(found) = previous else {
            return match self.request.locked {
                true => Err(self.missing()),
                false => self.resolve(asked, &opened.text, None),
            };
        };
        let unmet = package_lock::unmet(&asked, &found.lock, &folders);
        match unmet {
            Some(unmet) if self.request.locked => Err(CompileError::LockOutdated {
                path: self.path.to_owned(),
                unmet: self.told(&unmet),
            }),
            None if self.request.locked || self.may_stay(&asked, &found.lock) => {
                Ok(self.unchanged(asked, found.lock))
            }
            _ => self.resolve(asked, &opened.text, Some(&found)),
        }
    }

    /// Whether a lock that meets all wishes is to stay as it is.
    fn may_stay(&self, asked: &Project, lock: &PackageLock) -> bool {
        self.request.upgrade == Upgrade::Nothing
            && asks_the_same(asked, lock)
            && !lock.packages.values().any(is_weak)
    }

    fn missing(&self) -> CompileError {
        CompileError::NoLock {
            path: self.path.to_owned(),
        }
    }

    fn unchanged(&self, asked: Project, lock: PackageLock) -> Outcome {
        Outcome {
            asked,
            lockfile: Some(LockfileReport {
                path: self.path.to_owned(),
                written: false,
                packages: packages(&lock),
                changes: Vec::new(),
            }),
            lock: LazyLock::known(lock),
            new_text: None,
        }
    }

    fn resolve(
        &self,
        asked: Project,
        package_json: &str,
        previous: Option<&Previous>,
    ) -> Result<Outcome, CompileError> {
        let _running = self.session.stage(Stage::Resolve, self.target);
        let mut tree = self.tree(&asked, previous.map(|found| &found.lock))?;
        for conflict in &tree.overridden {
            self.session.warn_all([conflict.to_string()]);
        }
        self.are_there(&tree)?;
        strengthen(self.session, self.desk.registry(), &mut tree)?;
        let name = layer_name(self.folder);
        let mut style = Style::of(package_json);
        if let Some(found) = previous {
            style = style.keeping(&found.lock);
        }
        style.omits_resolved = self.omits_resolved;
        let text = package_lock::write(&asked, &tree, &name, &style);
        let packages = package_lock::count(&tree);
        // A tree is many small pieces: nobody waits until all of them are given back.
        rayon::spawn(move || drop(tree));
        let lock = LazyLock::written(self.path.display().to_string(), text.clone());
        let written = previous.is_none_or(|found| found.text != text);
        let changes = match previous {
            Some(found) => changes(Some(&versions(&found.lock)), &versions(lock.get()?)),
            None => Vec::new(),
        };
        Ok(Outcome {
            asked,
            lockfile: Some(LockfileReport {
                path: self.path.to_owned(),
                written,
                packages,
                changes,
            }),
            lock,
            new_text: written.then_some(text),
        })
    }

    /// Makes sure of the folders that packages of the tree are links to.
    fn are_there(&self, tree: &IdealTree) -> Result<(), NodeError> {
        for placed in &tree.packages {
            let Some(location) = &placed.link else {
                continue;
            };
            let path: PathBuf = self.folder.join(&**location).components().collect();
            if !path.join("package.json").is_file() {
                let by = asked_by(tree, &placed.location);
                return Err(NodeError::NoPackage { path, by });
            }
        }
        Ok(())
    }

    /// What a lockfile lacks, with the line of the package.json that asks for it.
    fn told(&self, unmet: &Unmet) -> String {
        let file = self.folder.join(&*unmet.location).join("package.json");
        let text = match unmet.location.contains("node_modules") {
            true => None,
            false => std::fs::read(&file).ok(),
        };
        match text.and_then(|text| line_of(&text, &unmet.path)) {
            Some(line) => {
                let file = file.strip_prefix(".").unwrap_or(&file);
                format!("{}:{line}: {unmet}", file.display())
            }
            None => format!("{}: {unmet}", unmet.path.join(".")),
        }
    }

    /// The tree that npm would build, on top of what is locked already.
    fn tree(&self, asked: &Project, lock: Option<&PackageLock>) -> Result<IdealTree, CompileError> {
        let update = match &self.request.upgrade {
            Upgrade::Nothing => Update::None,
            Upgrade::Everything => Update::All,
            Upgrade::Packages(names) => {
                Update::Packages(names.iter().map(|name| name.as_str().into()).collect())
            }
        };
        let built = self.session.wait(async {
            match lock.filter(|_| update != Update::All) {
                Some(lock) => {
                    let tree = ideal_tree_from(asked, lock, &update, self.desk);
                    self.desk.build(asked, tree).await
                }
                None => self.desk.build(asked, ideal_tree(asked, self.desk)).await,
            }
        });
        Ok(built?)
    }
}

/// Asks for the manifests that an old lockfile does not hold: what a package is for stands there
/// alone. What came from no registry is taken to fit any target.
fn supply(
    session: &Session,
    registry: &Registry,
    lock: &mut PackageLock,
) -> Result<(), CompileError> {
    let lacking = lock.lacking();
    let found = session.wait(
        stream::iter(&lacking)
            .map(|lacking| async move {
                let name = PackageName::parse(&lacking.name).ok();
                let (Some(name), Some(version)) = (name, lacking.version.as_deref()) else {
                    return Ok(None);
                };
                let manifest = manifest(registry, &name, version).await?;
                Ok::<_, CompileError>(manifest.map(|it| (&lacking.location, it)))
            })
            .buffered(AT_ONCE)
            .try_collect::<Vec<_>>(),
    )?;
    for (location, manifest) in found.into_iter().flatten() {
        lock.supply(location, &manifest);
    }
    Ok(())
}

/// The package.json of a folder, relative to the project.
pub(super) fn package_of(project: &Path, location: &str) -> Option<PackageJson> {
    let file = project.join(location).join("package.json");
    let text = std::fs::read(&file).ok()?;
    // One that cannot be read is told of where the folder is copied.
    PackageJson::parse(&file.display().to_string(), &text).ok()
}

/// Whether a lockfile was written for what the project asks for now, so that it holds nothing that
/// nobody wants any more.
fn asks_the_same(asked: &Project, lock: &PackageLock) -> bool {
    let Some(root) = lock.root() else {
        return false;
    };
    let (now, then) = (&asked.package.manifest, &root.manifest);
    let same = |a: &layerpress_node::Pairs, b: &layerpress_node::Pairs| {
        let set = |pairs: &layerpress_node::Pairs| pairs.iter().cloned().collect::<BTreeSet<_>>();
        set(a) == set(b)
    };
    same(&now.dependencies, &then.dependencies)
        && same(&now.optional_dependencies, &then.optional_dependencies)
        && same(&now.peer_dependencies, &then.peer_dependencies)
        && same(&asked.package.dev_dependencies, &root.dev_dependencies)
}

/// Whether an entry is a tarball from afar that no good digest vouches for.
fn is_weak(locked: &package_lock::Locked) -> bool {
    let address = locked.manifest.tarball.as_deref();
    address.is_some_and(|address| address.starts_with("http")) && !locked.integrity.is_strong()
}

/// Who asks for the package at a place, and by what.
fn asked_by(tree: &IdealTree, location: &str) -> String {
    let asks = tree.packages.iter().find_map(|placed| {
        let mut asked = placed.dependencies.iter();
        let here = |of: &&Dependency| of.location.as_deref() == Some(location);
        asked.find(here).map(|of| (placed, of))
    });
    match asks {
        Some((by, of)) if by.location.is_empty() => {
            format!("the project needs {}@{}", of.name, of.spec)
        }
        Some((by, of)) => format!("{} needs {}@{}", by.name, of.name, of.spec),
        None => String::new(),
    }
}

/// How many packages a lock pins.
fn packages(lock: &PackageLock) -> usize {
    let mut entries = lock.packages.iter();
    entries
        .by_ref()
        .filter(|(location, locked)| !location.is_empty() && locked.link.is_none())
        .count()
}

/// The versions of a lock's packages, by their real names.
fn versions(lock: &PackageLock) -> Versions {
    let mut versions = Versions::new();
    for (location, locked) in &lock.packages {
        let Some(name) = &locked.manifest.name else {
            continue;
        };
        if location.is_empty() || locked.link.is_some() {
            continue;
        }
        let version = locked.manifest.version.as_deref().unwrap_or("local");
        versions
            .entry(name.to_string())
            .or_default()
            .insert(version.to_owned());
    }
    versions
}

/// Whether both paths lead to one file that is there.
fn same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
