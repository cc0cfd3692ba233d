//! [`decide`]: which files of a layer go, over all of its packages at once.

use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;

use super::evidence::{Candidate, Reach, is_at, leads_to};
use super::leftovers::leftover;
use super::overrides::Subject;
use super::{Ecosystem, Evidence, Kind, Overrides, Owner, code, node, python};
use crate::{Profile, Transform};

/// One package of a layer, or the team's own code in it.
#[derive(Debug, Clone)]
pub struct Part<'a> {
    /// Whose package it is.
    pub ecosystem: Ecosystem,
    /// The name by which the user may mean it; nothing for the team's own code.
    pub name: &'a str,
    /// The folder from which its evidence was gathered, from the layer's root.
    pub place: &'a str,
    /// What was found in it.
    pub evidence: &'a Evidence,
    /// Which of its files are of no use on the target, below `place`, and what they are for.
    pub foreign: Vec<(String, String)>,
    /// All of its files, from the layer's root. May be left out where there are no overrides: they count
    /// for what those mean beside candidates.
    pub files: Vec<String>,
    /// Whether it is the team's own, of which no rule takes anything.
    pub is_own: bool,
}

impl<'a> Part<'a> {
    /// Whose its files are.
    #[must_use]
    pub fn owner(&self) -> Owner<'a> {
        Owner {
            ecosystem: self.ecosystem,
            package: self.name,
            place: self.place,
        }
    }
}

/// Why a file is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Removal {
    /// By a rule.
    Rule(Kind),
    /// Because the user said so.
    Choice,
}

/// What goes of a layer.
#[derive(Debug, Clone, Default)]
pub struct Decision {
    removed: Vec<BTreeMap<String, Removal>>,
    /// Which of the user's choices meant any file, in their order.
    pub matched: Vec<bool>,
}

/// Why a file goes or stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The file, from the layer's root.
    pub path: String,
    /// The package that it is of; nothing for the team's own code.
    pub package: String,
    /// Whether it is in the layer.
    pub is_kept: bool,
    /// The rule that would take it, or took it.
    pub rule: Option<&'static str>,
    /// Why, as a lowercase sentence.
    pub reason: String,
    /// The pass that made it smaller, if it stays.
    pub smaller: Option<Smaller>,
    /// What the user said of passes that may be for it, a lowercase sentence each.
    pub choices: Vec<String>,
}

/// What a pass did to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Smaller {
    /// The pass.
    pub pass: &'static Transform,
    /// The file's size before, in bytes.
    pub before: u64,
    /// The file's size now, in bytes.
    pub after: u64,
    /// Of machine code: the sections that are gone, and their sizes in bytes.
    pub sections: Vec<(String, u64)>,
}

impl Removal {
    /// The name under which accounts have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rule(kind) => kind.rule().name,
            Self::Choice => "your-drop",
        }
    }

    /// Whether nothing that names the file brings it back: the user asked for it, or it runs on another
    /// platform alone.
    #[must_use]
    pub fn is_final(self) -> bool {
        let kinds = [Kind::AwsServices, Kind::OtherPlatforms];
        match self {
            Self::Rule(kind) => kinds.contains(&kind),
            Self::Choice => true,
        }
    }
}

impl Decision {
    /// What goes of the part at `index`: paths from the layer's root.
    #[must_use]
    pub fn of_part(&self, index: usize) -> Option<&BTreeMap<String, Removal>> {
        self.removed.get(index)
    }

    /// Lets the file at `path`, from the layer's root, stay, whichever part has it.
    pub fn put_back(&mut self, path: &str) {
        for part in &mut self.removed {
            part.remove(path);
        }
    }
}

/// Decides what goes of the layer that consists of `parts`.
#[must_use]
pub fn decide(parts: &[Part<'_>], profile: Profile, overrides: &Overrides) -> Decision {
    let mut decision = Decision {
        removed: Vec::with_capacity(parts.len()),
        matched: vec![false; overrides.len()],
    };
    // With nothing to do nothing is looked up.
    if profile == Profile::None && overrides.is_empty() {
        decision.removed.resize_with(parts.len(), BTreeMap::new);
        return decision;
    }
    let reached = Reached::new(parts);
    for (index, part) in parts.iter().enumerate() {
        let mut removed = BTreeMap::new();
        let judge = Judge {
            part,
            index,
            profile,
            overrides,
            reached: &reached,
        };
        for (path, suspect) in judge.suspects(&mut decision.matched) {
            let fate = judge.fate(&path, Some(&suspect), &mut decision.matched);
            if let Fate::Goes(removal) = fate {
                removed.insert(path, removal);
            }
        }
        if !overrides.is_empty() {
            let known = judge.known();
            for path in &part.files {
                overrides.note_passes(judge.subject(path, None), &mut decision.matched);
                if known.contains_key(path.as_str()) {
                    continue;
                }
                let fate = judge.fate(path, None, &mut decision.matched);
                if let Fate::Goes(removal) = fate {
                    removed.insert(path.clone(), removal);
                }
            }
        }
        decision.removed.push(removed);
    }
    decision
}

/// Why the file at `path` goes or stays; the path may be written from the layer's root or from where
/// packages lie. One for each part that has it.
#[must_use]
pub fn explain(
    parts: &[Part<'_>],
    profile: Profile,
    overrides: &Overrides,
    path: &str,
) -> Vec<Explanation> {
    let reached = Reached::new(parts);
    let mut told = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let judge = Judge {
            part,
            index,
            profile,
            overrides,
            reached: &reached,
        };
        let modules = match part.ecosystem {
            Ecosystem::Python => part.place,
            Ecosystem::Node => match part.place.rfind("node_modules/") {
                Some(start) => &part.place[..start + "node_modules".len()],
                None => part.place,
            },
        };
        let whole = format!("{modules}/{path}");
        let known = judge.known();
        let here = part.files.iter().filter(|it| **it == path || **it == whole);
        for file in here {
            let candidate = known.get(file.as_str());
            let mut matched = vec![false; overrides.len()];
            let fate = judge.fate(file, candidate, &mut matched);
            told.push(judge.explanation(file, candidate, fate));
        }
    }
    told
}

/// What becomes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    Goes(Removal),
    /// With the choice that decided, or what speaks against taking it.
    Stays(Stay),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Stay {
    Always,
    Choice(usize),
    Evidence(String),
    Profile,
    NoRule,
}

/// One part on trial.
struct Judge<'a> {
    part: &'a Part<'a>,
    index: usize,
    profile: Profile,
    overrides: &'a Overrides,
    reached: &'a Reached<'a>,
}

/// A candidate, or a file that is of no use on the target.
#[derive(Clone)]
struct Suspect<'a> {
    kind: Kind,
    candidate: Option<&'a Candidate>,
    note: Option<&'a str>,
}

impl<'a> Judge<'a> {
    /// The files of this part that something speaks against, by their paths from the layer's root; notes
    /// in `matched` that there are services.
    fn suspects(&self, matched: &mut [bool]) -> Vec<(String, Suspect<'a>)> {
        let part = self.part;
        let alone = |kind| Suspect {
            kind,
            candidate: None,
            note: None,
        };
        let mut better: BTreeMap<String, Suspect<'a>> = BTreeMap::new();
        // Whoever lets boto3 lie about without its metadata means the same by it.
        if part.ecosystem == Ecosystem::Python {
            for path in &part.files {
                if self.overrides.takes_service(path, matched) {
                    better.insert(path.clone(), alone(Kind::AwsServices));
                }
            }
        }
        let own = part.files.iter().filter(|_| part.is_own);
        better.extend(own.filter_map(|path| Some((path.clone(), alone(leftover(path)?)))));
        for (path, note) in part.foreign.iter().filter(|_| !part.is_own) {
            let suspect = Suspect {
                note: Some(note),
                ..alone(Kind::OtherPlatforms)
            };
            better.insert(self.layer_path(path), suspect);
        }
        // Of the team's own code only that goes which Python itself passes over.
        let candidates = part.evidence.candidates.iter();
        let candidates = candidates.filter(|it| !part.is_own || it.kind == Kind::StaleBytecode);
        let candidates = candidates.map(|candidate| {
            let suspect = Suspect {
                candidate: Some(candidate),
                ..alone(candidate.kind)
            };
            (self.layer_path(&candidate.path), suspect)
        });
        let mut suspects: Vec<_> = candidates
            .filter(|(path, _)| !better.contains_key(path))
            .collect();
        suspects.extend(better);
        suspects
    }

    fn known(&self) -> BTreeMap<String, Suspect<'a>> {
        self.suspects(&mut []).into_iter().collect()
    }

    fn layer_path(&self, path: &str) -> String {
        match self.part.place {
            "" => path.to_owned(),
            place => format!("{place}/{path}"),
        }
    }

    fn subject<'p>(&'p self, path: &'p str, kind: Option<Kind>) -> Subject<'p> {
        let subject = self.part.owner().subject(path);
        Subject { kind, ..subject }
    }

    fn fate(&self, path: &str, suspect: Option<&Suspect<'_>>, matched: &mut [bool]) -> Fate {
        let subject = self.subject(path, suspect.map(|it| it.kind));
        if let Some(choice) = self.overrides.of(subject, matched) {
            if self.overrides.keeps(choice) {
                return Fate::Stays(Stay::Choice(choice));
            }
            if self.stays_always(path) {
                return Fate::Stays(Stay::Always);
            }
            return Fate::Goes(match suspect {
                Some(suspect) if !self.overrides.is_of_paths(choice) => Removal::Rule(suspect.kind),
                _ => Removal::Choice,
            });
        }
        let Some(suspect) = suspect else {
            let always = self.stays_always(path);
            return Fate::Stays(if always { Stay::Always } else { Stay::NoRule });
        };
        if suspect.kind == Kind::AwsServices {
            return Fate::Goes(Removal::Rule(suspect.kind));
        }
        if suspect
            .kind
            .rule()
            .profile
            .is_none_or(|it| it > self.profile)
        {
            return Fate::Stays(Stay::Profile);
        }
        match self.evidence_against(suspect) {
            Some(reason) => Fate::Stays(Stay::Evidence(reason)),
            None => Fate::Goes(Removal::Rule(suspect.kind)),
        }
    }

    fn evidence_against(&self, suspect: &Suspect<'_>) -> Option<String> {
        let candidate = suspect.candidate?;
        if let Some(reason) = &candidate.kept {
            return Some(reason.clone());
        }
        if candidate.kind == Kind::InstallNotes && candidate.path.ends_with("/RECORD") {
            return self.reached.asks_records.clone();
        }
        let group = usize::try_from(candidate.group?).ok()?;
        self.reached.kept.get(&(self.index, group)).cloned()
    }

    fn stays_always(&self, path: &str) -> bool {
        let inner = match self.part.place {
            "" => Some(path),
            place => path.strip_prefix(place).and_then(|it| it.strip_prefix('/')),
        };
        !self.part.is_own
            && inner.is_some_and(|inner| match self.part.ecosystem {
                Ecosystem::Python => python::stays_always(inner),
                Ecosystem::Node => node::stays_always(inner),
            })
    }

    fn explanation(&self, path: &str, suspect: Option<&Suspect<'_>>, fate: Fate) -> Explanation {
        let rule = suspect.map(|it| it.kind.rule());
        let note = suspect.and_then(|it| it.note);
        let because = rule.map_or("", |rule| rule.reason);
        let (is_kept, reason) = match fate {
            Fate::Goes(Removal::Choice) => (false, "you said so".to_owned()),
            Fate::Goes(Removal::Rule(_)) => (
                false,
                note.map_or_else(|| because.to_owned(), |note| format!("it is {note}")),
            ),
            Fate::Stays(Stay::Always) => (true, "its package is found by it".to_owned()),
            Fate::Stays(Stay::Choice(choice)) => {
                (true, format!("`{}` says so", self.overrides.shown(choice)))
            }
            Fate::Stays(Stay::Evidence(reason)) => (true, reason),
            Fate::Stays(Stay::Profile) => (
                true,
                match rule.and_then(|rule| rule.profile) {
                    Some(profile) => format!("the rule is for the profile `{}`", profile.name()),
                    None => because.to_owned(),
                },
            ),
            Fate::Stays(Stay::NoRule) => (true, "no rule is for such files".to_owned()),
        };
        Explanation {
            path: path.to_owned(),
            package: self.part.name.to_owned(),
            is_kept,
            rule: rule.map(|rule| rule.name),
            reason,
            smaller: None,
            choices: match is_kept {
                true => self.overrides.told_of_passes(self.subject(path, None)),
                false => Vec::new(),
            },
        }
    }
}

/// Which groups of a layer code reaches, and from where.
struct Reached<'a> {
    /// By part and group: why it stays.
    kept: BTreeMap<(usize, usize), String>,
    /// By ecosystem: what is named, and the file that does.
    names: [BTreeMap<String, &'a str>; 2],
    asks_records: Option<String>,
}

impl<'a> Reached<'a> {
    fn new(parts: &'a [Part<'a>]) -> Self {
        let asks = parts
            .iter()
            .find_map(|it| it.evidence.asks_records.as_ref());
        let mut reached = Self {
            kept: BTreeMap::new(),
            names: Default::default(),
            asks_records: asks
                .map(|file| format!("`{file}` asks which distribution brought a module")),
        };
        let mut waiting: Vec<(usize, usize, String)> = Vec::new();
        let mut modules = HashSet::new();
        for (index, part) in parts.iter().enumerate() {
            reached.add(part, &part.evidence.reaches);
            for (group, it) in part.evidence.groups.iter().enumerate() {
                let key = full(part, &it.key);
                if it.within.is_some() {
                    modules.insert(key.clone());
                }
                if let Some(reason) = &it.kept {
                    reached.kept.insert((index, group), reason.clone());
                    reached.add(part, &it.reaches);
                } else {
                    waiting.push((index, group, key));
                }
            }
        }
        // What stays may reach more.
        loop {
            let before = waiting.len();
            let mut still = Vec::new();
            for (index, group, key) in waiting {
                let part = &parts[index];
                let of = part.evidence.groups[group].within;
                let whole = of.and_then(|it| reached.kept.get(&(index, it as usize)));
                let reason = match whole {
                    Some(reason) => Some(reason.clone()),
                    None => reached.by(part.ecosystem, &key, of.is_none().then_some(&modules)),
                };
                match reason {
                    Some(reason) => {
                        reached.kept.insert((index, group), reason);
                        reached.add(part, &part.evidence.groups[group].reaches);
                    }
                    None => still.push((index, group, key)),
                }
            }
            waiting = still;
            if waiting.len() == before {
                return reached;
            }
        }
    }

    fn add(&mut self, part: &'a Part<'a>, reaches: &'a [Reach]) {
        let names = &mut self.names[part.ecosystem as usize];
        for reach in reaches {
            let name = full(part, &reach.to);
            names.entry(name).or_insert(&reach.from);
        }
    }

    /// Who reaches a group, if anybody does. A name that leads to one of `modules` does not reach the folder
    /// that it lies in.
    fn by(
        &self,
        ecosystem: Ecosystem,
        key: &str,
        modules: Option<&HashSet<String>>,
    ) -> Option<String> {
        let names = &self.names[ecosystem as usize];
        let separator = code::separator(ecosystem);
        let from = (Bound::Included(key), Bound::Unbounded);
        let mut after = names
            .range::<str, _>(from)
            .take_while(|(name, _)| name.starts_with(key));
        let leads_further =
            |name: &str| modules.is_some_and(|modules| leads_to(name, key, separator, modules));
        let found = after.find(|(name, _)| is_at(name, key, separator) && !leads_further(name));
        // `a.test` stands for `a.test.js`.
        let shorter = || {
            let stem = key.rsplit_once('.').map(|(stem, _)| stem)?;
            (ecosystem == Ecosystem::Node)
                .then(|| names.get_key_value(stem))
                .flatten()
        };
        let (name, by) = found.or_else(shorter)?;
        Some(format!("`{by}` names `{name}`"))
    }
}

/// A name as the whole layer knows it: `/test` is the package's own, and `/` all of it.
fn full(part: &Part<'_>, name: &str) -> String {
    match name.starts_with('/') {
        true if name == "/" => part.name.to_owned(),
        true => format!("{}{name}", part.name),
        false => name.to_owned(),
    }
}
