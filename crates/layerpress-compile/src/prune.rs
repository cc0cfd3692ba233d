//! [`Pruning`]: what of the packages does not go into a layer, decided over all of them, for either
//! ecosystem.

use std::collections::{BTreeMap, BTreeSet};

use layerpress_fetch::Namespace;
use layerpress_node::native::foreign_files;
use layerpress_pack::stored;
use layerpress_press::rules::{
    self, Decision, Ecosystem, Evidence, Explanation, Overrides, Part, Removal, decide, evidence,
};
use layerpress_press::{Binary, Profile, Recipe, may_be_linked};
use layerpress_target::Target;
use layerpress_tree::{Entry, LayerPath, LayerTree, Mode, Sha256};
use rayon::prelude::*;

use crate::error::CompileError;
use crate::own_code::OwnFile;
use crate::pins::Job;
use crate::report::RemovedReport;

/// How machine code begins (System V ABI, chapter 4).
const ELF_MAGIC: &[u8] = b"\x7fELF";

/// What the user wants of the rules, and what the team's own code says.
#[derive(Debug)]
pub(crate) struct Pruning<'a> {
    /// How much may go.
    pub profile: Profile,
    /// What the user says beside.
    pub overrides: &'a Overrides,
    /// Files of which the user wants to know why they go or stay.
    pub explain: &'a [String],
    /// The team's own code.
    pub own: OwnCode,
}

/// The team's own files in a layer, of which no rule takes anything.
#[derive(Debug, Default)]
pub(crate) struct OwnCode {
    python: Evidence,
    node: Evidence,
    /// What the proof asks: code, and machine code.
    asked: LayerTree,
    files: Vec<String>,
}

/// A package as it was unpacked.
#[derive(Debug)]
pub(crate) struct Unpacked<'a> {
    /// Its name, as the user may mean it.
    pub name: String,
    /// The folder that its evidence is told from, from the layer's root.
    pub place: String,
    /// What its code says.
    pub evidence: &'a Evidence,
    /// Its files.
    pub tree: &'a LayerTree,
    /// Where its tree lies, from the layer's root.
    pub tree_place: &'a LayerPath,
    /// What it was unpacked from; nothing where that says not all of it.
    pub archive: Option<Sha256>,
    /// Which of them are machine code, below `place`.
    pub binaries: BTreeMap<LayerPath, Binary>,
}

/// What goes of a layer; by default nothing.
#[derive(Debug, Default)]
pub(crate) struct Pruned {
    decision: Decision,
    packages: usize,
    /// What the user asked to be explained.
    pub explained: Vec<Explanation>,
}

/// What became of files that go, by why.
#[derive(Debug, Default)]
pub(crate) struct Account {
    gone: BTreeMap<LayerPath, (Removal, u64)>,
}

impl OwnCode {
    /// Reads what the team's own code names, and what it is linked with.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(crate) fn read(own: &[OwnFile]) -> Result<Self, CompileError> {
        let is_code = |path: &LayerPath| {
            let endings = [".py", ".js", ".mjs", ".cjs", ".jsx"];
            endings.iter().any(|ending| path.as_str().ends_with(ending))
        };
        let asked = own
            .par_iter()
            .filter(|(path, _)| is_code(path) || may_be_linked(path));
        let entries = asked.filter_map(|(path, file)| {
            let bytes = match std::fs::read(file) {
                Ok(bytes) => bytes,
                Err(source) => {
                    let path = file.clone();
                    return Some(Err(CompileError::Unreadable { path, source }));
                }
            };
            let is_asked = is_code(path) || bytes.starts_with(ELF_MAGIC);
            let content = is_asked.then(|| stored(bytes.into()))?;
            let mode = Mode::File;
            Some(Ok((path.clone(), Entry { mode, content })))
        });
        let entries = entries.collect::<Result<Vec<_>, CompileError>>()?;
        // Two files of one path are told where the layer is put together.
        let tree = LayerTree::from_entries(entries).unwrap_or_default();
        let mut code = tree.clone();
        code.retain(|path, _| is_code(path));
        Ok(Self {
            python: evidence(Ecosystem::Python, &code, ""),
            node: evidence(Ecosystem::Node, &code, ""),
            asked: tree,
            files: own.iter().map(|(path, _)| path.to_string()).collect(),
        })
    }

    /// Those of its files that may need others: code, and machine code.
    pub(crate) fn asked(&self) -> &LayerTree {
        &self.asked
    }
}

impl Pruning<'_> {
    /// Whether nothing is asked of the rules, so that nobody needs to know of any file.
    pub(crate) fn is_idle(&self) -> bool {
        self.profile == Profile::None && self.overrides.is_empty() && self.explain.is_empty()
    }

    /// Makes sure that the services which the user names are known to the layer's botocore.
    ///
    /// # Errors
    /// The first that is not.
    pub(crate) fn check_services(&self, packages: &[Unpacked<'_>]) -> Result<(), CompileError> {
        if self.overrides.is_empty() {
            return Ok(());
        }
        let files: Vec<String> = packages.iter().flat_map(Unpacked::files).collect();
        let all = files.iter().chain(&self.own.files).map(String::as_str);
        Ok(self.overrides.check_services(all)?)
    }

    /// Decides over the packages of a layer.
    pub(crate) fn decide(
        &self,
        ecosystem: Ecosystem,
        packages: &[Unpacked<'_>],
        target: Target,
    ) -> Pruned {
        let wants_files = !self.overrides.is_empty() || !self.explain.is_empty();
        let mut parts: Vec<Part<'_>> = packages
            .iter()
            .map(|it| Part {
                ecosystem,
                name: &it.name,
                place: &it.place,
                evidence: it.evidence,
                foreign: it.foreign(target),
                files: match wants_files {
                    true => it.files().collect(),
                    false => Vec::new(),
                },
                is_own: false,
            })
            .collect();
        for (ecosystem, evidence) in [
            (Ecosystem::Python, &self.own.python),
            (Ecosystem::Node, &self.own.node),
        ] {
            parts.push(Part {
                ecosystem,
                name: "",
                place: "",
                evidence,
                foreign: Vec::new(),
                files: self.own.files.clone(),
                is_own: true,
            });
        }
        let explain = self.explain.iter();
        let mut explained: Vec<Explanation> = explain
            .flat_map(|path| rules::explain(&parts, self.profile, self.overrides, path))
            .collect();
        // The team's own files stand there for both ecosystems.
        explained.dedup();
        Pruned {
            decision: decide(&parts, self.profile, self.overrides),
            packages: packages.len(),
            explained,
        }
    }
}

impl Unpacked<'_> {
    /// Its files from the layer's root.
    fn files(&self) -> impl Iterator<Item = String> {
        let files = self.tree.iter();
        files.map(|(path, _)| path.under(self.tree_place).to_string())
    }

    /// The machine code that is of no use on `target`, and what it is for.
    pub(crate) fn foreign(&self, target: Target) -> Vec<(String, String)> {
        // Most packages have none.
        if self.binaries.is_empty() {
            return Vec::new();
        }
        let below = self.files().filter_map(|path| {
            let inner = path.strip_prefix(&self.place)?.strip_prefix('/')?;
            LayerPath::new(inner).ok()
        });
        let files: Vec<LayerPath> = below.collect();
        let files: Vec<&LayerPath> = files.iter().collect();
        let foreign = foreign_files(&files, &self.binaries, target);
        let foreign = foreign.into_iter();
        foreign
            .map(|it| (it.path.to_string(), it.reason.to_string()))
            .collect()
    }
}

impl Pruned {
    /// Why a file of the package at `index` goes, if it does.
    pub(crate) fn removal(&self, index: usize, path: &str) -> Option<Removal> {
        self.decision.of_part(index)?.get(path).copied()
    }

    /// The files of the package at `index` that go.
    pub(crate) fn gone(&self, index: usize) -> impl Iterator<Item = (&str, Removal)> {
        let gone = self.decision.of_part(index).into_iter().flatten();
        gone.map(|(path, removal)| (path.as_str(), *removal))
    }

    /// Those of them that stay after all if something needs them.
    pub(crate) fn by_rule(&self, index: usize) -> impl Iterator<Item = &str> {
        let by_rule = self.gone(index).filter(|(_, removal)| !removal.is_final());
        by_rule.map(|(path, _)| path)
    }

    /// Lets a file stay, and says why.
    pub(crate) fn put_back(&mut self, path: &str, why: &str) {
        self.decision.put_back(path);
        for it in self.explained.iter_mut().filter(|it| it.path == path) {
            it.is_kept = true;
            why.clone_into(&mut it.reason);
        }
    }

    /// Whether anything goes of the package at `index`.
    pub(crate) fn is_touched(&self, index: usize) -> bool {
        let gone = self.decision.of_part(index);
        gone.is_some_and(|gone| !gone.is_empty())
    }

    /// The team's own files that go, because the user says so.
    pub(crate) fn own(&self) -> BTreeSet<String> {
        let parts = [self.packages, self.packages + 1];
        let gone = parts.iter().filter_map(|&it| self.decision.of_part(it));
        gone.flat_map(BTreeMap::keys).cloned().collect()
    }

    /// Which of the user's choices meant any file.
    pub(crate) fn matched(&self) -> &[bool] {
        &self.decision.matched
    }
}

impl Account {
    /// Counts a file that goes.
    pub(crate) fn add(&mut self, path: LayerPath, removal: Removal, entry: &Entry) {
        self.gone.insert(path, (removal, entry.content.size));
    }

    /// What went of the layer that is `tree` now, by rule: what one package leaves out and another one
    /// brings is there.
    pub(crate) fn removed(&self, tree: &LayerTree) -> Vec<RemovedReport> {
        let mut by_rule: BTreeMap<Removal, RemovedReport> = BTreeMap::new();
        for (path, (removal, bytes)) in &self.gone {
            if tree.get(path.as_str()).is_some() {
                continue;
            }
            let report = by_rule.entry(*removal).or_insert(RemovedReport {
                rule: removal.name(),
                files: 0,
                bytes: 0,
            });
            report.files += 1;
            report.bytes += bytes;
        }
        by_rule.into_values().collect()
    }
}

/// What an archive's code says: as the store keeps it, else gathered and kept.
///
/// The archive comes with how it was pressed: what a pass takes out of code, it does not say any more.
pub(crate) fn evidence_of(
    job: &Job<'_>,
    ecosystem: Ecosystem,
    archive: Option<(Sha256, Recipe)>,
    (tree, root): (&LayerTree, &str),
) -> Evidence {
    if job.pruning.is_idle() {
        return Evidence::default();
    }
    let store = job.session.store();
    let key = archive.map(|(archive, recipe)| format!("{archive}-{}-{}", recipe.id(), job.shape()));
    let kept = key
        .as_ref()
        .and_then(|key| store.blob(Namespace::Evidence, key));
    if let Some(kept) = kept.and_then(|kept| Evidence::from_bytes(&kept)) {
        return kept;
    }
    let found = evidence(ecosystem, tree, root);
    if let Some(key) = key {
        // A store that cannot be written costs speed, not correctness.
        let _unkept = store.put_blob(Namespace::Evidence, &key, &found.to_bytes());
    }
    found
}

#[cfg(test)]
mod tests {
    use layerpress_press::rules::Choice;
    use layerpress_press::{Libc, Machine};
    use layerpress_target::Arch;

    use super::*;

    fn path(text: &str) -> LayerPath {
        LayerPath::new(text).expect("a path")
    }

    fn entry(text: &str) -> Entry {
        Entry {
            mode: Mode::File,
            content: stored(text.as_bytes().to_vec().into()),
        }
    }

    /// What goes of a package with machine code for both processors, and what is said of it.
    fn gone(profile: Profile, typed: &[Choice]) -> Vec<String> {
        let names = ["arm.node", "intel.node", "index.js", "index.d.ts"];
        let entries = names.map(|name| (path(name), entry(name)));
        let tree = LayerTree::from_entries(entries.into()).expect("a tree");
        let found = evidence(Ecosystem::Node, &tree, "");
        let elf = |name: &str, machine| {
            let libc = Libc::Glibc;
            (path(name), Binary::Elf { machine, libc })
        };
        let package = Unpacked {
            name: "a".to_owned(),
            place: "nodejs/node_modules/a".to_owned(),
            evidence: &found,
            tree: &tree,
            tree_place: &path("nodejs/node_modules/a"),
            archive: None,
            binaries: [
                elf("arm.node", Machine::Aarch64),
                elf("intel.node", Machine::X86_64),
            ]
            .into(),
        };
        let pruning = Pruning {
            profile,
            overrides: &Overrides::parse(typed).expect("patterns"),
            explain: &[],
            own: OwnCode::default(),
        };
        let target = Target {
            runtime: "nodejs22.x".parse().expect("a runtime"),
            arch: Arch::Arm64,
        };
        let pruned = pruning.decide(Ecosystem::Node, &[package], target);
        let mut account = Account::default();
        for name in names {
            let place = format!("nodejs/node_modules/a/{name}");
            if let Some(removal) = pruned.removal(0, &place) {
                account.add(path(&place), removal, &entry(name));
            }
        }
        let removed = account.removed(&LayerTree::new()).into_iter();
        removed
            .map(|it| format!("{} {} {}", it.rule, it.files, it.bytes))
            .collect()
    }

    #[test]
    fn machine_code_for_another_processor_stays_out_unless_nothing_may() {
        assert_eq!(
            gone(Profile::Safe, &[]),
            ["type-stubs 1 10", "other-platform-binaries 1 10"]
        );
        assert_eq!(gone(Profile::None, &[]), Vec::<String>::new());
        let drop = Choice {
            keep: false,
            pattern: "arm.node".to_owned(),
        };
        assert_eq!(gone(Profile::None, &[drop]), ["your-drop 1 8"]);
    }

    #[test]
    fn what_another_package_brings_is_not_gone() {
        let mut account = Account::default();
        let removal = Removal::Choice;
        for name in ["a", "b"] {
            account.add(path(name), removal, &entry("four"));
        }
        let tree = LayerTree::from_entries(vec![(path("b"), entry("four"))]).expect("a tree");
        let removed = RemovedReport {
            rule: "your-drop",
            files: 1,
            bytes: 4,
        };
        assert_eq!(account.removed(&tree), [removed]);
    }
}
