//! [`NodePins`]: a `package-lock.json` as the pipeline uses it, from pins to `node_modules`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use layerpress_fetch::Event;
use layerpress_node::native::{Installed, Severity, Trouble, judge};
use layerpress_node::npmrc::{Npmrc, Omit};
use layerpress_node::package_lock::{
    self, Folders, PackageLock, Pin, PinError, PinOptions, Resolved,
};
use layerpress_node::pick::node_admits;
use layerpress_node::place::Project;
use layerpress_node::semver::Version;
use layerpress_node::source::Desk;
use layerpress_node::tarball::PackageTree;
use layerpress_press::Recipe;
use layerpress_press::rules::{Ecosystem, Evidence, Owner};
use layerpress_target::Target;
use layerpress_tree::LayerPath;
use rayon::prelude::*;

use super::archives::{Archive, Origin, archive, folder_name, label, unpack_all};
use super::error::NodeError;
use super::generated;
use super::graph::graph;
use super::layout::{LayOut, lay_out, place};
use super::lazy_lock::LazyLock;
use super::local::local_package;
use super::lock::package_of;
use super::own_binaries::with_own_binaries;
use super::prebuilt::Prebuilts;
use super::spared::spared;
use crate::error::CompileError;
use crate::explain::explain_passes;
use crate::graph::Graph;
use crate::own_code::OwnFile;
use crate::pins::{Gathered, Job, Pins};
use crate::proven::decided;
use crate::prune::{Pruned, Unpacked, evidence_of};
use crate::session::Session;
use crate::targets::others;

/// How many packages a warning names.
const NAMED: usize = 5;

/// A lock that serves, with what it was made from.
#[derive(Debug)]
pub(crate) struct NodePins {
    asked: Project,
    lock: LazyLock,
    desk: Desk,
    /// The project's folder.
    folder: PathBuf,
    /// Files that a tool wrote: where they go below `node_modules`, and where they lie.
    generated: Vec<OwnFile>,
    /// The layer folder's own `node_modules`, where there is a layer folder.
    modules: Option<PathBuf>,
    /// The machine code that is downloaded by choice.
    prebuilts: Prebuilts,
    omit: BTreeSet<Omit>,
    engine_strict: bool,
    ignore_scripts: bool,
    /// Warnings that were given already: several targets have them in common.
    told: Mutex<BTreeSet<String>>,
}

/// What a lock and its surroundings give.
#[derive(Debug)]
pub(crate) struct Parts {
    /// What is asked for.
    pub asked: Project,
    /// What is locked.
    pub lock: LazyLock,
    /// The registries.
    pub desk: Desk,
    /// The project's folder.
    pub folder: PathBuf,
    /// Files that a tool wrote: where they go below `node_modules`, and where they lie.
    pub generated: Vec<OwnFile>,
    /// The layer folder's own `node_modules`, where there is a layer folder.
    pub modules: Option<PathBuf>,
    /// The machine code that is downloaded by choice.
    pub prebuilts: Prebuilts,
}

impl Pins for NodePins {
    fn is_empty(&self) -> bool {
        // What cannot be read is told of where it is gathered.
        let locations = self.lock.get().map(|lock| lock.packages.keys());
        locations.is_ok_and(|mut all| all.all(|location| location.is_empty()))
    }

    fn has(&self, name: &str) -> bool {
        let is_it = |(location, locked): (&Arc<str>, &package_lock::Locked)| {
            locked.manifest.name.as_deref() == Some(name)
                || location.ends_with(&format!("node_modules/{name}"))
        };
        let lock = self.lock.get();
        lock.is_ok_and(|lock| lock.packages.iter().any(is_it))
    }

    fn gather(&self, job: &Job<'_>) -> Result<Gathered, CompileError> {
        let pins = self.pins(job)?;
        self.tell(job.session, &pins, job.target)?;
        let packages = self.packages(job, &pins)?;
        let how = LayOut::of(job);
        let generated = generated::read(job, &self.generated)?;
        let (pruned, needed) = prune(job, &pins, &packages, &generated, &how.prefix())?;
        let laid = lay_out(&pins, &packages, &generated, &pruned, how)?;
        self.judge(job, &pins, &packages)?;
        Ok(Gathered {
            same_for: self.same_for(job, &packages, &generated)?,
            tree: laid.tree,
            packages: laid.packages,
            removed: laid.removed,
            account: laid.account,
            own_gone: pruned.own(),
            matched: pruned.matched().to_vec(),
            explained: pruned.explained,
            own_bytes: laid.own_bytes,
            warnings: needed,
        })
    }

    fn fetch(&self, job: &Job<'_>) -> Result<usize, CompileError> {
        let pins = self.pins(job)?;
        let wanted = Wanted::new(self, job, &pins)?;
        // Unpacked and let go: a bad archive is found now, and pressed copies make the build quick.
        let trees = unpack_all(job, &self.desk, &wanted.archives)?;
        let mut archives = trees.len();
        for (pin, index) in pins.iter().zip(&wanted.of_pins) {
            let Some(index) = index else { continue };
            let added = self.prebuilts.with_binaries(job, pin, &trees[*index])?;
            archives += usize::from(added.is_some());
        }
        let trees = trees.par_iter().zip(&wanted.archives);
        trees.for_each(|(tree, archive)| drop(evidence(job, tree, archive.recipe)));
        Ok(archives)
    }

    fn graph(&self, job: &Job<'_>, _: bool) -> Result<Graph, CompileError> {
        graph(self, job)
    }

    fn write(&self) -> Result<(), CompileError> {
        self.prebuilts.write(&self.lock)
    }
}

/// How something is chosen of a lock.
type Choose<T> = fn(&Project, &PackageLock, &Folders<'_>, &PinOptions) -> Result<T, PinError>;

impl NodePins {
    /// What a lock gives to a project. Packages for development come along with `dev` alone: a layer
    /// is for production, whatever npm's settings include.
    pub(crate) fn new(parts: Parts, dev: bool, npmrc: &Npmrc) -> Self {
        let Parts {
            asked,
            lock,
            desk,
            folder,
            generated,
            modules,
            prebuilts,
        } = parts;
        let mut omit = npmrc.omitted().unwrap_or_default();
        match dev {
            true => omit.remove(&Omit::Dev),
            false => omit.insert(Omit::Dev),
        };
        Self {
            asked,
            lock,
            desk,
            folder,
            generated,
            modules,
            prebuilts,
            omit,
            engine_strict: npmrc.switch("engine-strict") == Some(true),
            ignore_scripts: npmrc.switch("ignore-scripts") == Some(true),
            told: Mutex::default(),
        }
    }

    /// Whether what only developers need is taken, too.
    pub(super) fn takes_dev(&self) -> bool {
        !self.omit.contains(&Omit::Dev)
    }

    /// The packages that go into the layer of a job.
    fn pins(&self, job: &Job<'_>) -> Result<Vec<Pin>, CompileError> {
        Ok(self
            .choose(job, package_lock::pins)?
            .map_err(NodeError::from)?)
    }

    /// What of the lock is for a job.
    ///
    /// # Errors
    /// A lock that cannot be read; within, what `choose` says.
    pub(super) fn choose<T>(
        &self,
        job: &Job<'_>,
        choose: Choose<T>,
    ) -> Result<Result<T, PinError>, CompileError> {
        let folders = |location: &str| package_of(&self.folder, location);
        let options = PinOptions {
            target: job.target,
            omit: self.omit.clone(),
            exclude: job
                .exclude
                .iter()
                .map(|name| name.as_str().into())
                .collect(),
        };
        Ok(choose(&self.asked, self.lock.get()?, &folders, &options))
    }

    /// Unpacks what is behind each pin; nothing for what comes inside another's tarball.
    fn packages(
        &self,
        job: &Job<'_>,
        pins: &[Pin],
    ) -> Result<Vec<Option<Arc<PackageTree>>>, CompileError> {
        let wanted = Wanted::new(self, job, pins)?;
        let trees = unpack_all(job, &self.desk, &wanted.archives)?;
        let of_pins = wanted.of_pins.iter();
        let of_pins =
            of_pins.map(|index| index.map(|index| (&wanted.archives[index], &trees[index])));
        let of_pins: Vec<_> = pins.iter().zip(of_pins).collect();
        let trees = spared(job, &self.desk, &of_pins)?;
        let package = |(pin, tree): (&Pin, Option<Arc<PackageTree>>)| match (tree, &pin.resolved) {
            (Some(tree), _) => self.built(job, pin, &tree).map(Some),
            (None, Resolved::Folder(location)) if pin.bundled_in.is_none() => {
                let local = local_package(job, &self.folder, location, pin)?;
                self.warn(job.session, local.warnings.iter().cloned());
                Ok(Some(Arc::new(local)))
            }
            (None, _) => Ok(None),
        };
        pins.iter().zip(trees).map(package).collect()
    }

    /// A package with what the team built for it, or what its authors did where that is wanted.
    fn built(
        &self,
        job: &Job<'_>,
        pin: &Pin,
        package: &Arc<PackageTree>,
    ) -> Result<Arc<PackageTree>, CompileError> {
        if let Some(modules) = &self.modules
            && let Some(built) = with_own_binaries(job, modules, pin, package)?
        {
            let from = modules.display();
            let message = format!("`{}`: its native part is taken from `{from}`", label(pin));
            self.warn(job.session, [message]);
            return Ok(Arc::new(built));
        }
        let downloaded = self.prebuilts.with_binaries(job, pin, package)?;
        Ok(downloaded.map_or_else(|| Arc::clone(package), Arc::new))
    }

    /// The targets for which the layer is the same: what is no machine code goes into the layer of any
    /// target for which the same packages are chosen.
    fn same_for(
        &self,
        job: &Job<'_>,
        packages: &[Option<Arc<PackageTree>>],
        generated: &PackageTree,
    ) -> Result<Vec<Target>, CompileError> {
        let trees = packages.iter().flatten().map(|it| &**it);
        let mut trees = trees.chain([generated]);
        if !trees.all(|tree| tree.binaries.is_empty()) {
            return Ok(Vec::new());
        }
        let lock = self.lock.get()?;
        let mut others = others(job);
        others.retain(|target| package_lock::chosen_alike(lock, &job.target, target));
        Ok(others)
    }

    /// Tells of packages that are not for the target's Node.js, and of deprecated ones.
    fn tell(&self, session: &Session, pins: &[Pin], target: Target) -> Result<(), CompileError> {
        let version = target.runtime.full_version();
        let Some(node) = Version::loose(version) else {
            return Ok(());
        };
        let own = self.asked.package.manifest.node.as_deref();
        if let Some(wanted) = own.filter(|wanted| !node_admits(wanted, &node)) {
            self.engine(session, "package.json", wanted, target)?;
        }
        let mut others = Vec::new();
        for pin in pins {
            if let Some(wanted) = pin.node.as_deref()
                && !node_admits(wanted, &node)
            {
                if self.engine_strict {
                    self.engine(session, &label(pin), wanted, target)?;
                }
                others.push(format!("{} (for {wanted})", label(pin)));
            }
        }
        if !others.is_empty() {
            let which = named(&others);
            let message = format!("not for Node.js {version} by what they say themselves: {which}");
            self.warn(session, [message]);
        }
        let deprecated = pins.iter().filter(|pin| pin.deprecated.is_some());
        let deprecated: BTreeSet<String> = deprecated.map(label).collect();
        if !deprecated.is_empty() {
            let deprecated: Vec<String> = deprecated.into_iter().collect();
            self.warn(session, [format!("deprecated: {}", named(&deprecated))]);
        }
        Ok(())
    }

    /// Tells of packages that need what an install script would have made; those that cannot work
    /// without are an error, unless npm's own settings switch scripts off too, or nobody insists on
    /// them.
    fn judge(
        &self,
        job: &Job<'_>,
        pins: &[Pin],
        packages: &[Option<Arc<PackageTree>>],
    ) -> Result<(), NodeError> {
        let installed: Vec<Installed<'_>> = pins
            .iter()
            .zip(packages)
            .filter_map(|(pin, package)| {
                Some(Installed {
                    folder: pin.location.rsplit("node_modules/").next()?,
                    tree: package.as_deref()?,
                })
            })
            .collect();
        let modules = LayerPath::new("nodejs/node_modules").expect("it is a plain path");
        let generated = self.generated.iter().map(|(path, _)| path.under(&modules));
        let own = job.project.own.iter().map(|(path, _)| path.clone());
        let own: Vec<LayerPath> = own.chain(generated).collect();
        let needed = |trouble: &Trouble| {
            let mut same = pins.iter().filter(|pin| {
                *pin.name == *trouble.name && pin.version.as_deref() == Some(&*trouble.version)
            });
            same.any(|pin| !pin.is_optional)
        };
        let mut broken = Vec::new();
        for trouble in judge(&installed, &own, job.target).troubles {
            let fatal = trouble.severity == Severity::Broken && !self.ignore_scripts;
            if fatal && needed(&trouble) {
                broken.push(trouble);
                continue;
            }
            let message = trouble.to_string();
            if self.is_new(&message) {
                job.session.reporter().report(Event::Warning {
                    message,
                    hint: Some(trouble.remedy),
                });
            }
        }
        match broken.is_empty() {
            true => Ok(()),
            false => Err(NodeError::Broken { troubles: broken }),
        }
    }

    /// A version of Node.js that something is not for: a warning, or an error if npm's settings say
    /// so.
    fn engine(
        &self,
        session: &Session,
        package: &str,
        wanted: &str,
        target: Target,
    ) -> Result<(), NodeError> {
        let error = NodeError::Engine {
            package: package.to_owned(),
            wanted: wanted.to_owned(),
            target,
        };
        if self.engine_strict {
            return Err(error);
        }
        self.warn(session, [error.to_string()]);
        Ok(())
    }

    /// Warns of each of `messages` once.
    fn warn(&self, session: &Session, messages: impl IntoIterator<Item = String>) {
        let new = messages.into_iter().filter(|message| self.is_new(message));
        session.warn_all(new);
    }

    /// Whether a warning was not given yet; it is taken for given from now on.
    fn is_new(&self, message: &str) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert(message.to_owned())
    }
}

/// What goes of each package, and of what was generated, which comes last.
///
/// # Errors
/// A location that cannot stand in a layer.
fn prune(
    job: &Job<'_>,
    pins: &[Pin],
    packages: &[Option<Arc<PackageTree>>],
    generated: &PackageTree,
    prefix: &str,
) -> Result<(Pruned, Vec<String>), NodeError> {
    let empty = PackageTree::default();
    let trees = packages.iter().map(|package| package.as_deref());
    let trees: Vec<&PackageTree> = trees
        .map(|package| package.unwrap_or(&empty))
        .chain([generated])
        .collect();
    let locations = pins.iter().map(|pin| &*pin.location).chain([""]);
    let places: Vec<LayerPath> = locations
        .map(|location| place(location, prefix))
        .collect::<Result<_, _>>()?;
    let names: Vec<&str> = places.iter().map(|it| folder_name(it.as_str())).collect();
    let recipe = |name: &str| job.recipe(Ecosystem::Node, name);
    let evidence: Vec<Evidence> = trees
        .par_iter()
        .zip(&names)
        .map(|(tree, name)| evidence(job, tree, recipe(name)))
        .collect();
    let unpacked: Vec<Unpacked<'_>> = trees
        .iter()
        .zip(&places)
        .zip(&evidence)
        .map(|((tree, place), evidence)| Unpacked {
            name: folder_name(place.as_str()).to_owned(),
            place: place.to_string(),
            evidence,
            tree: &tree.tree,
            tree_place: place,
            archive: tree.archive.filter(|_| !tree.is_altered),
            binaries: tree.binaries.clone(),
        })
        .collect();
    let (mut pruned, needed) = decided(job, Ecosystem::Node, &unpacked);
    for ((tree, place), name) in trees.iter().zip(&places).zip(&names) {
        if let Some(archive) = tree.archive {
            let owner = Owner {
                ecosystem: Ecosystem::Node,
                package: name,
                place: place.as_str(),
            };
            explain_passes(job, archive, owner, &mut pruned.explained);
        }
    }
    Ok((pruned, needed))
}

/// What a package's code says about files that could be left out.
fn evidence(job: &Job<'_>, package: &PackageTree, recipe: Recipe) -> Evidence {
    let archive = package.archive.filter(|_| !package.is_altered);
    let archive = archive.map(|archive| (archive, recipe));
    evidence_of(job, Ecosystem::Node, archive, (&package.tree, ""))
}

/// The archives behind pins, each once.
struct Wanted<'a> {
    archives: Vec<Archive<'a>>,
    /// Which of them each pin needs.
    of_pins: Vec<Option<usize>>,
}

impl<'a> Wanted<'a> {
    fn new(of: &NodePins, job: &Job<'_>, pins: &'a [Pin]) -> Result<Self, CompileError> {
        let mut known: BTreeMap<(Origin<'_>, String, Recipe), usize> = BTreeMap::new();
        let mut wanted = Self {
            archives: Vec::new(),
            of_pins: Vec::new(),
        };
        for pin in pins {
            let index = archive(job, pin, of.desk.registry(), &of.folder)?.map(|archive| {
                let integrity = pin.integrity.to_string();
                let key = (archive.origin.clone(), integrity, archive.recipe);
                *known.entry(key).or_insert_with(|| {
                    wanted.archives.push(archive);
                    wanted.archives.len() - 1
                })
            });
            wanted.of_pins.push(index);
        }
        Ok(wanted)
    }
}

/// The first of several names, and how many there are beside.
fn named(all: &[String]) -> String {
    let first = all
        .iter()
        .take(NAMED)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    match all.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
