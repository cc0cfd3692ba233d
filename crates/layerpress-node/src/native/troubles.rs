//! [`judge`]: which packages of a layer need what an install script would have made.

use std::collections::BTreeSet;
use std::fmt;

use layerpress_press::Binary;
use layerpress_target::{Arch, Target};
use layerpress_tree::LayerPath;

use super::foreign::{engine_target, foreign, is_engine, is_own_engine};
use super::node_versions::fits_node;
use super::rows::{Known, known};
use super::scripts::{Purpose, purpose};
use crate::prebuilt::downloads;
use crate::tarball::{Facts, PackageTree};

/// What helps every package that is built or downloaded by its script.
const BUILD_IT: &str = "install it on Amazon Linux and put its folder below `nodejs/node_modules` of a \
                        layer folder, whose machine code is taken";

/// A package at its place in a layer.
#[derive(Debug, Clone, Copy)]
pub struct Installed<'a> {
    /// The folder's name below `node_modules`, which an alias gives: `sharp`, `@img/sharp-linux-x64`.
    pub folder: &'a str,
    /// Its files and facts.
    pub tree: &'a PackageTree,
}

/// What is said of a layer's install scripts, none of which is run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// The packages that do not or may not work, by name and version; each once.
    pub troubles: Vec<Trouble>,
    /// The packages whose scripts are not missed, likewise.
    pub skipped: Vec<Skipped>,
}

/// A package that does not or may not work without its install script.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trouble {
    /// The package's name.
    pub name: String,
    /// Its version, where it has one.
    pub version: String,
    /// How sure it is.
    pub severity: Severity,
    /// What is wrong: a lowercase sentence that follows the package's name and version.
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
}

/// How sure a trouble is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The package cannot work in the layer: an error unless the user says otherwise.
    Broken,
    /// It may not work: worth a line at the end.
    Doubtful,
}

/// A package whose install scripts are not missed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// The package's name.
    pub name: String,
    /// Its version, where it has one.
    pub version: String,
    /// Why they are not missed.
    pub reason: &'static str,
}

/// `` `sharp@0.32.6`: … ``
impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}@{}`: {}", self.name, self.version, self.reason)
    }
}

/// Judges the install scripts of all `packages` of a layer, bundled ones included; `own` are the
/// paths of all other files in the layer.
#[must_use]
pub fn judge(packages: &[Installed<'_>], own: &[LayerPath], target: Target) -> Judgement {
    let units: Vec<Unit<'_>> = packages.iter().flat_map(Unit::all).collect();
    let court = Court {
        present: units.iter().map(|unit| unit.folder).collect(),
        ready: units
            .iter()
            .filter(|unit| unit.is_for_platform() && unit.has_binary(target, false))
            .map(|unit| unit.folder)
            .collect(),
        own,
        target,
    };
    let mut troubles = BTreeSet::new();
    let mut skipped = BTreeSet::new();
    for unit in &units {
        match court.judge(unit) {
            Verdict::Fine => {}
            Verdict::Trouble(severity, reason, remedy) => {
                troubles.insert(Trouble {
                    name: unit.name(),
                    version: unit.version(),
                    severity,
                    reason,
                    remedy,
                });
            }
            Verdict::Skipped(reason) => {
                skipped.insert(Skipped {
                    name: unit.name(),
                    version: unit.version(),
                    reason,
                });
            }
        }
    }
    Judgement {
        troubles: troubles.into_iter().collect(),
        skipped: skipped.into_iter().collect(),
    }
}

/// Whether a package has machine code of Node.js's own kind (`.node`) that the target can load.
#[must_use]
pub fn has_addon(package: &PackageTree, target: Target) -> bool {
    let whole = Unit {
        folder: "",
        facts: &package.package,
        tree: package,
        prefix: "",
    };
    whole.has_binary(target, true)
}

/// A package, installed or bundled by another.
struct Unit<'a> {
    folder: &'a str,
    facts: &'a Facts,
    tree: &'a PackageTree,
    /// Where its files are in `tree`; empty for all of it.
    prefix: &'a str,
}

impl<'a> Unit<'a> {
    fn all(installed: &Installed<'a>) -> impl Iterator<Item = Self> + use<'a> {
        let Installed { folder, tree } = *installed;
        let outer = Unit {
            folder,
            facts: &tree.package,
            tree,
            prefix: "",
        };
        let bundled = tree.bundled.iter().map(move |bundled| Unit {
            folder: folder_of(&bundled.location),
            facts: &bundled.package,
            tree,
            prefix: &bundled.location,
        });
        std::iter::once(outer).chain(bundled)
    }

    fn name(&self) -> String {
        shown(self.facts.name.as_deref().unwrap_or(self.folder))
    }

    fn version(&self) -> String {
        shown(self.facts.version.as_deref().unwrap_or("?"))
    }

    /// The remedy of a package of its own whose authors publish what they built, where that is known.
    fn download(&self) -> String {
        let known = self.prefix.is_empty()
            && self
                .facts
                .scripts
                .iter()
                .any(|(_, script)| downloads(script));
        match known {
            true => format!(
                " or have what its authors built downloaded, with `--prebuilt {}`;",
                self.name()
            ),
            false => String::new(),
        }
    }

    fn is_for_platform(&self) -> bool {
        !self.facts.os.is_empty() || !self.facts.cpu.is_empty()
    }

    /// Whether it has machine code that the target can load; `addon` asks for Node's own kind.
    fn has_binary(&self, target: Target, addon: bool) -> bool {
        let fits = |path: &LayerPath, binary: Binary| {
            foreign(binary, target.arch).is_none()
                && matches!(binary, Binary::Elf { .. })
                && (!addon || path.as_str().ends_with(".node"))
                && fits_node(path, target)
        };
        self.tree.binaries.iter().any(|(path, binary)| {
            (self.prefix.is_empty() || path.strip_prefix(self.prefix).is_some())
                && fits(path, *binary)
        })
    }
}

/// The folder's name in a location: `@s/b` of `node_modules/a/node_modules/@s/b`.
fn folder_of(location: &str) -> &str {
    let marker = "node_modules/";
    location
        .rfind(marker)
        .map_or(location, |at| &location[at + marker.len()..])
}

enum Verdict {
    Fine,
    Trouble(Severity, String, String),
    Skipped(&'static str),
}

/// What is known of the whole layer.
struct Court<'a> {
    /// The folders' names of all packages.
    present: BTreeSet<&'a str>,
    /// Those for one platform, with machine code for the target.
    ready: BTreeSet<&'a str>,
    own: &'a [LayerPath],
    target: Target,
}

impl Court<'_> {
    fn judge(&self, unit: &Unit<'_>) -> Verdict {
        if unit.facts.name.as_deref() == Some("@prisma/client") {
            return self.judge_prisma(unit);
        }
        let known = unit.facts.name.as_deref().and_then(known);
        if let Some(wanted) = self.missing_platform_package(unit) {
            let severity = match known {
                Some(Known::Needed(_)) => Severity::Broken,
                _ => Severity::Doubtful,
            };
            let reason = format!(
                "none of its optional dependencies for {} is there",
                self.system()
            );
            let name = unit.facts.name.as_deref().unwrap_or("the package");
            let remedy = format!(
                "`{wanted}` should be there: take `omit=optional` out of npm's settings, or remove a lockfile that was made for another platform only and lock again; where the registry has none of that version, choose another version of `{name}`"
            );
            return Verdict::Trouble(severity, reason, remedy);
        }
        let scripts: Vec<(&str, &str)> = unit.facts.scripts.iter().collect();
        let Some((first, text)) = scripts.first() else {
            return Verdict::Fine;
        };
        if let Some(Known::Idle(reason)) = known {
            return Verdict::Skipped(reason);
        }
        if let Some(Known::Browser(remedy)) = known {
            let reason = "it works with a browser that its install script downloads, and no install script is run";
            return Verdict::Trouble(Severity::Broken, reason.into(), remedy.into());
        }
        let purposes: Vec<Purpose> = scripts.iter().map(|(_, text)| purpose(text)).collect();
        let is_native = purposes.contains(&Purpose::Native);
        let optional = &unit.facts.optional_dependencies;
        if unit.has_binary(self.target, is_native)
            || optional
                .iter()
                .any(|name| self.ready.contains(name.as_str()))
        {
            return Verdict::Skipped("its native part is there");
        }
        let download = unit.download();
        if let Some(Known::Needed(remedy)) = known {
            let reason = format!(
                "its native part for {} comes by an install script, and no install script is run",
                self.system()
            );
            let remedy = format!("{remedy};{download} or {BUILD_IT}");
            return Verdict::Trouble(Severity::Broken, reason, remedy);
        }
        if is_native {
            let reason = format!(
                "its native part for {} would be built or downloaded by `{}`, which is not run",
                self.system(),
                shown(text)
            );
            let remedy =
                format!("look for a version or a package that carries it;{download} or {BUILD_IT}");
            return Verdict::Trouble(Severity::Doubtful, reason, remedy);
        }
        if purposes.contains(&Purpose::Unknown) {
            let reason = format!("its `{first}` script `{}` is not run", shown(text));
            let remedy = "see whether it works without";
            return Verdict::Trouble(Severity::Doubtful, reason, remedy.into());
        }
        Verdict::Skipped("prints, checks, or may fail")
    }

    /// The optional dependency that would bring the machine code for the target, if none of that kind
    /// is there: npm once wrote lockfiles for one platform only.
    fn missing_platform_package<'u>(&self, unit: &Unit<'u>) -> Option<&'u str> {
        let names = unit.facts.optional_dependencies.iter().map(String::as_str);
        let mut wanted = names
            .clone()
            .filter(|name| self.is_for_target(name))
            .peekable();
        let first = *wanted.peek()?;
        let is_there = wanted.any(|name| self.present.contains(name))
            || names
                .filter(|name| name.contains("wasm"))
                .any(|name| self.present.contains(name));
        (!is_there).then_some(first)
    }

    /// Whether a package's name says that it is for the target.
    fn is_for_target(&self, name: &str) -> bool {
        let words: Vec<&str> = name.split(['-', '/', '_', '.', '@']).collect();
        words.contains(&"linux")
            && words.contains(&self.target.arch.npm_cpu())
            && !words.contains(&"musl")
    }

    /// `@prisma/client` is only what the generated client stands on.
    fn judge_prisma(&self, unit: &Unit<'_>) -> Verdict {
        let generated: Vec<&LayerPath> = self
            .own
            .iter()
            .filter(|path| path.as_str().contains("/.prisma/client/"))
            .collect();
        let engines = || generated.iter().filter(|path| is_engine(path));
        if engines().next().is_some() && !engines().any(|path| is_own_engine(path, self.target)) {
            let engine = engine_target(self.target);
            let reason = format!("the generated client has no engine for {}", self.system());
            let remedy = format!(
                "add `binaryTargets = [\"native\", \"{engine}\"]` to the generator in `schema.prisma` and run `prisma generate` again"
            );
            return Verdict::Trouble(Severity::Broken, reason, remedy);
        }
        // From version 7 on, the client is generated into the project's own code.
        let major = unit
            .facts
            .version
            .as_deref()
            .and_then(|it| it.split('.').next());
        let beside = major
            .and_then(|it| it.parse::<u32>().ok())
            .is_some_and(|it| it < 7);
        if beside && generated.is_empty() {
            let reason =
                "its client is generated from the project's schema, and the layer has none";
            let remedy = "run `prisma generate` and copy `node_modules/.prisma` to `layer/nodejs/node_modules/.prisma`";
            return Verdict::Trouble(Severity::Broken, reason.into(), remedy.into());
        }
        Verdict::Fine
    }

    fn system(&self) -> &'static str {
        match self.target.arch {
            Arch::X86_64 => "Linux on x86_64",
            Arch::Arm64 => "Linux on arm64",
        }
    }
}

/// A foreign text as it may be shown.
fn shown(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(100)
        .flat_map(char::escape_default)
        .collect();
    if text.chars().nth(100).is_some() {
        shown.push('…');
    }
    shown
}
