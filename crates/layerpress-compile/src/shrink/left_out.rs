//! [`LeftOut`]: which files go, by the rules and by the user's choice, and the proof that none of them
//! is missed.

use std::collections::{BTreeMap, BTreeSet};

use layerpress_check::Inferred;
use layerpress_node::native::{Foreign, foreign_files};
use layerpress_pack::read_all;
use layerpress_press::rules::{
    self, Ecosystem, Evidence, Explanation, Kind, OverrideError, Overrides, Part, Removal, decide,
    evidence,
};
use layerpress_press::{Binary, Passes, Profile, may_be_linked};
use layerpress_target::{Target, newest};
use layerpress_tree::{Entry, LayerPath, LayerTree};
use rayon::prelude::*;

use super::report::Finding;
use super::shape::Shape;
use crate::proven::{needed, told};

/// What of a layer goes.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    /// The files, and the rule that takes each.
    pub(super) removed: BTreeMap<LayerPath, &'static str>,
    /// Files that the user wants as they are.
    pub(super) kept: BTreeSet<LayerPath>,
    /// The passes that go over files, where they are not those of the profile.
    pub(super) passes: BTreeMap<LayerPath, Passes>,
    /// What there is to say of it.
    pub(super) findings: Vec<Finding>,
    /// What the user asked to be explained, as far as the rules decide it.
    pub(super) explained: Vec<Explanation>,
}

/// A package of the layer, or the code in it that is no package's.
struct Found {
    ecosystem: Ecosystem,
    name: String,
    place: String,
    files: Vec<LayerPath>,
    is_own: bool,
}

/// Decides over the whole layer.
///
/// # Errors
/// A service that the layer's botocore does not know.
pub(super) fn left_out(
    tree: &LayerTree,
    shape: Shape,
    inferred: &Inferred,
    profile: Profile,
    overrides: &Overrides,
    explain: &[String],
) -> Result<LeftOut, OverrideError> {
    if profile == Profile::None && overrides.is_empty() && explain.is_empty() {
        return Ok(LeftOut::default());
    }
    overrides.check_services(tree.iter().map(|(path, _)| path.as_str()))?;
    let found = found(tree, shape);
    let evidence: Vec<Evidence> = found
        .par_iter()
        .with_max_len(1)
        .map(|it| evidence(it.ecosystem, &part_of(tree, &it.files), &it.place))
        .collect();
    let parts: Vec<Part<'_>> = found
        .iter()
        .zip(&evidence)
        .map(|(it, evidence)| part(it, evidence, foreign(tree, it, evidence, inferred)))
        .collect();
    let decision = decide(&parts, profile, overrides);
    let explained = explain.iter();
    let explained = explained.flat_map(|path| rules::explain(&parts, profile, overrides, path));
    let mut left_out = LeftOut {
        explained: explained.collect(),
        ..LeftOut::default()
    };
    left_out.explained.dedup();
    let gone = (0..parts.len()).filter_map(|index| decision.of_part(index));
    let mut reasons: BTreeMap<LayerPath, Removal> = BTreeMap::new();
    for (path, removal) in gone.flatten() {
        reasons.extend(LayerPath::new(path).map(|path| (path, *removal)));
    }
    // What the user drops is not put back: it may be missed on purpose.
    let by_rule = reasons.iter().filter(|(_, it)| !it.is_final());
    let mut removed: BTreeSet<LayerPath> = by_rule.map(|(path, _)| path.clone()).collect();
    let all = removed.clone();
    let needed = needed(tree, &mut removed);
    for it in &needed {
        left_out.let_stay(&it.path, &it.why);
    }
    let told = told(&needed).into_iter();
    let told = told.map(|(path, sentence)| Finding {
        path,
        ..Finding::warning("still-needed", sentence)
    });
    left_out.findings.extend(told);
    left_out.removed = reasons
        .into_iter()
        .filter(|(path, _)| removed.contains(path) || !all.contains(path))
        .map(|(path, removal)| (path, removal.name()))
        .collect();
    for (index, matched) in decision.matched.iter().enumerate() {
        if !matched {
            let text = format!("`{}` means no file of the layer", overrides.shown(index));
            left_out.findings.push(Finding {
                hint: overrides.hint(index, parts.iter().map(|it| it.name)),
                ..Finding::warning("no-such-file", text)
            });
        }
    }
    left_out.kept = kept_of(&parts, overrides);
    left_out.passes = passes_of(&parts, profile, overrides);
    Ok(left_out)
}

impl LeftOut {
    /// Puts back what a traced command opened, but for what the user drops, and bytecode whose time stamp
    /// Python looked at only to compile the source anew.
    pub(super) fn put_back(&mut self, opened: &BTreeSet<LayerPath>) {
        let never = [
            Removal::Choice,
            Removal::Rule(Kind::AwsServices),
            Removal::Rule(Kind::StaleBytecode),
        ];
        let never = never.map(Removal::name);
        self.removed
            .retain(|path, by| never.contains(by) || !opened.contains(path));
        for path in opened {
            if !self.removed.contains_key(path) {
                self.let_stay(path.as_str(), "the traced command opens it");
            }
        }
    }

    /// Says why a file stays that a rule would have taken.
    fn let_stay(&mut self, path: &str, why: &str) {
        let gone = self.explained.iter_mut().filter(|it| !it.is_kept);
        for it in gone.filter(|it| it.path == path) {
            it.is_kept = true;
            why.clone_into(&mut it.reason);
        }
    }
}

/// The files of a layer that the user wants as they are.
pub(crate) fn kept(tree: &LayerTree, overrides: &Overrides) -> BTreeSet<LayerPath> {
    if overrides.is_empty() {
        return BTreeSet::new();
    }
    let evidence = Evidence::default();
    let found = found(tree, Shape::Layer);
    let parts = found.iter().map(|it| part(it, &evidence, Vec::new()));
    kept_of(&parts.collect::<Vec<_>>(), overrides)
}

fn kept_of(parts: &[Part<'_>], overrides: &Overrides) -> BTreeSet<LayerPath> {
    if overrides.is_empty() {
        return BTreeSet::new();
    }
    let kept = parts.iter().flat_map(|part| {
        let files = part.files.iter();
        files.filter(|path| overrides.is_kept(part, path))
    });
    kept.filter_map(|path| LayerPath::new(path).ok()).collect()
}

/// The passes that go over files by what the user says, where they are not those of the profile.
fn passes_of(
    parts: &[Part<'_>],
    profile: Profile,
    overrides: &Overrides,
) -> BTreeMap<LayerPath, Passes> {
    if overrides.is_empty() {
        return BTreeMap::new();
    }
    let usual = Passes::of(profile);
    let files = parts.iter().flat_map(|part| {
        let files = part.files.iter();
        files.map(|path| (path, overrides.passes_of_file(profile, part.owner(), path)))
    });
    files
        .filter(|(_, passes)| *passes != usual)
        .filter_map(|(path, passes)| Some((LayerPath::new(path).ok()?, passes)))
        .collect()
}

fn part<'a>(found: &'a Found, evidence: &'a Evidence, foreign: Vec<(String, String)>) -> Part<'a> {
    Part {
        ecosystem: found.ecosystem,
        name: &found.name,
        place: &found.place,
        evidence,
        foreign,
        files: found.files.iter().map(ToString::to_string).collect(),
        is_own: found.is_own,
    }
}

/// The packages of the layer, and what code is beside them.
fn found(tree: &LayerTree, shape: Shape) -> Vec<Found> {
    let mut found = Vec::new();
    let mut owned: BTreeSet<LayerPath> = BTreeSet::new();
    for it in layerpress_python::installed::distributions(tree) {
        let is_info = |it: &&str| it.ends_with(".dist-info") || it.ends_with(".egg-info");
        let infos = it
            .files
            .iter()
            .filter_map(|path| path.folders().find(is_info));
        // Some distributions bring others inside of their own folders.
        let info = infos.min_by_key(|it| it.matches('/').count());
        let place = info.and_then(|it| it.rsplit_once('/'));
        let place = place.map(|(place, _)| place.to_owned());
        owned.extend(it.files.iter().cloned());
        found.push(Found {
            ecosystem: Ecosystem::Python,
            name: it.name,
            place: place.unwrap_or_default(),
            files: it.files,
            is_own: false,
        });
    }
    for mut it in layerpress_node::installed::packages(tree) {
        it.files.retain(|path| !owned.contains(path));
        let packages = it
            .files
            .iter()
            .filter(|path| path.file_name() == "package.json");
        let Some(place) = packages
            .filter_map(|path| path.parent())
            .min_by_key(|it| it.len())
        else {
            continue;
        };
        let place = place.to_owned();
        owned.extend(it.files.iter().cloned());
        found.push(Found {
            ecosystem: Ecosystem::Node,
            name: it.name,
            place,
            files: it.files,
            is_own: false,
        });
    }
    // What is nobody's stands there for both ecosystems: it may be code of either.
    let own = tree.iter().map(|(path, _)| path);
    let own = own.filter(|path| !owned.contains(*path) && shape.inside(path.as_str()).is_some());
    let own: Vec<LayerPath> = own.cloned().collect();
    for ecosystem in [Ecosystem::Python, Ecosystem::Node] {
        found.push(Found {
            ecosystem,
            name: String::new(),
            place: String::new(),
            files: own.clone(),
            is_own: true,
        });
    }
    found
}

/// The files of `tree` that are named.
fn part_of(tree: &LayerTree, files: &[LayerPath]) -> LayerTree {
    let entries = files.iter().filter_map(|path| {
        let entry: &Entry = tree.get(path.as_str())?;
        Some((path.clone(), entry.clone()))
    });
    // A part of a tree is a tree.
    LayerTree::from_entries(entries.collect()).unwrap_or_default()
}

/// The machine code of a package that cannot run on what the layer is for, as far as that is known.
fn foreign(
    tree: &LayerTree,
    found: &Found,
    evidence: &Evidence,
    inferred: &Inferred,
) -> Vec<(String, String)> {
    let Some(arch) = inferred.arch.filter(|_| !found.is_own) else {
        return Vec::new();
    };
    let (ecosystem, runtime) = match found.ecosystem {
        Ecosystem::Python => (layerpress_target::Ecosystem::Python, inferred.python),
        Ecosystem::Node => (layerpress_target::Ecosystem::Node, inferred.node),
    };
    let target = Target {
        runtime: runtime.map_or_else(|| newest(ecosystem), |it| it.value),
        arch: arch.value,
    };
    let below = |path: &LayerPath| LayerPath::new(path.strip_prefix(&found.place)?).ok();
    let binaries: BTreeMap<LayerPath, Binary> = match found.ecosystem {
        Ecosystem::Python => evidence
            .binaries()
            .filter_map(|(path, binary)| Some((LayerPath::new(path).ok()?, binary)))
            .collect(),
        Ecosystem::Node => {
            let native = found.files.par_iter().filter(|path| may_be_native(path));
            let native = native.filter_map(|path| {
                let bytes = read_all(&tree.get(path.as_str())?.content).ok()?;
                Some((below(path)?, Binary::of(&bytes)?))
            });
            native.collect()
        }
    };
    let files: Vec<LayerPath> = match found.place.as_str() {
        "" => found.files.clone(),
        _ => found.files.iter().filter_map(below).collect(),
    };
    let files: Vec<&LayerPath> = files.iter().collect();
    let foreign = foreign_files(&files, &binaries, target).into_iter();
    foreign
        // Of which version of Node.js and which Linux it is, only a known runtime tells.
        .filter(|it| {
            runtime.is_some() || !matches!(it.reason, Foreign::OtherNode | Foreign::Engine)
        })
        .map(|it| (it.path.to_string(), it.reason.to_string()))
        .collect()
}

/// Whether a file may be machine code of any system by its name.
fn may_be_native(path: &LayerPath) -> bool {
    let endings = [".dylib", ".dll", ".exe"];
    may_be_linked(path) || endings.iter().any(|it| path.file_name().ends_with(it))
}
