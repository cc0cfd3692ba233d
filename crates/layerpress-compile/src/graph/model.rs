//! [`Graph`]: which packages there are, and who asks for whom. Of no ecosystem in particular.

use std::collections::{BTreeMap, VecDeque};

use layerpress_check::Inferred;
use layerpress_target::{Arch, Ecosystem, Runtime};

/// The packages of one target, or of one layer, and what leads to them.
///
/// Every package is reached from [`asked`](Graph::asked).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    /// Whose packages these are.
    pub ecosystem: Ecosystem,
    /// What asks first: the manifest or lockfile, as the user would name it, or the layer.
    pub root: String,
    /// Whether the root holds packages without asking for any: a layer does.
    pub is_layer: bool,
    /// The runtime that the packages are for; of a layer what its own files tell, if they do.
    pub runtime: Option<Runtime>,
    /// The architecture, likewise.
    pub arch: Option<Arch>,
    /// Of a layer the same two with what told them; empty where they were asked for or locked.
    pub made_for: Inferred,
    /// What the root asks for.
    pub asked: Vec<Need>,
    /// The packages, by name and place.
    pub packages: Vec<GraphPackage>,
}

/// A package at a place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GraphPackage {
    /// Its own name, normalised.
    pub name: String,
    /// Its version; a folder need not have one.
    pub version: Option<String>,
    /// The folder that it lies in, where packages of one name can lie in several.
    pub place: Option<String>,
    /// What it asks for.
    pub needs: Vec<Need>,
}

/// One thing asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Need {
    /// What it is asked for by: an alias is not the package's own name.
    pub name: String,
    /// In which versions or from where (`>=2`, `@ https://…`, `^4`), as written and without the name; nothing
    /// where that is not known.
    pub requirement: Option<String>,
    /// The extras asked for with it.
    pub extras: Vec<String>,
    /// How much it is needed.
    pub kind: NeedKind,
    /// Where it is asked for, if more than the asker's name is known: `requirements.txt:3`.
    pub place: Option<String>,
    /// Which of the packages it leads to; nothing if it is not there.
    pub to: Option<usize>,
}

/// How much something is needed.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum NeedKind {
    /// In any case.
    #[default]
    Required,
    /// Only for an extra that is asked for.
    Extra(String),
    /// Only where it can be had.
    Optional,
    /// Beside the asker.
    Peer,
    /// Beside the asker, if it is there at all.
    OptionalPeer,
    /// For development.
    Dev,
}

impl NeedKind {
    /// The word for it in documents.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Extra(_) => "extra",
            Self::Optional => "optional",
            Self::Peer => "peer",
            Self::OptionalPeer => "optional-peer",
            Self::Dev => "dev",
        }
    }

    /// Whether the asker can do without.
    #[must_use]
    pub fn is_optional(&self) -> bool {
        matches!(self, Self::Optional | Self::OptionalPeer)
    }
}

impl Graph {
    /// Puts packages and needs into their order, and has the root ask for what nothing else leads to.
    #[must_use]
    pub(crate) fn finished(mut self) -> Self {
        self.sort();
        let count = self.packages.len();
        merge(&mut self.asked);
        for (index, package) in self.packages.iter_mut().enumerate() {
            // Extras that ask for others of the same package say nothing of any other.
            package.needs.retain(|need| need.to != Some(index));
            merge(&mut package.needs);
        }
        let mut is_needed = vec![false; count];
        let needs = self.packages.iter().flat_map(|package| &package.needs);
        for to in needs.filter_map(|need| need.to) {
            is_needed[to] = true;
        }
        let mut distances = self.distances();
        // Of those in a circle that nothing leads to, the first stands for all.
        let unneeded = (0..count).filter(|index| !is_needed[*index]);
        for index in unneeded.chain(0..count) {
            if distances[index].is_none() {
                self.asked.push(Need {
                    name: self.packages[index].name.clone(),
                    to: Some(index),
                    ..Need::default()
                });
                self.reach(index, 1, &mut distances);
            }
        }
        merge(&mut self.asked);
        self
    }

    /// How many steps each package is from the root by the shortest way.
    pub(crate) fn distances(&self) -> Vec<Option<usize>> {
        let mut distances = vec![None; self.packages.len()];
        let mut queue: VecDeque<usize> = VecDeque::new();
        for to in self.asked.iter().filter_map(|need| need.to) {
            if distances[to].is_none() {
                distances[to] = Some(1);
                queue.push_back(to);
            }
        }
        self.spread(queue, &mut distances);
        distances
    }

    fn reach(&self, from: usize, distance: usize, distances: &mut [Option<usize>]) {
        distances[from] = Some(distance);
        self.spread(VecDeque::from([from]), distances);
    }

    fn spread(&self, mut queue: VecDeque<usize>, distances: &mut [Option<usize>]) {
        while let Some(at) = queue.pop_front() {
            let next = distances[at].map(|steps| steps + 1);
            for to in self.packages[at].needs.iter().filter_map(|need| need.to) {
                if distances[to].is_none() {
                    distances[to] = next;
                    queue.push_back(to);
                }
            }
        }
    }

    fn sort(&mut self) {
        let mut order: Vec<usize> = (0..self.packages.len()).collect();
        order.sort_by_key(|index| {
            let of = &self.packages[*index];
            (of.name.clone(), of.place.clone(), of.version.clone())
        });
        let mut places = vec![0; order.len()];
        for (place, index) in order.iter().enumerate() {
            places[*index] = place;
        }
        let mut packages: Vec<Option<GraphPackage>> = self.packages.drain(..).map(Some).collect();
        self.packages = order
            .into_iter()
            .filter_map(|index| packages[index].take())
            .collect();
        let needs = self.packages.iter_mut().flat_map(|it| &mut it.needs);
        for need in needs.chain(&mut self.asked) {
            need.to = need.to.map(|to| places[to]);
        }
    }

    /// Whether there are other packages of the same name.
    #[must_use]
    pub fn is_several(&self, index: usize) -> bool {
        let name = &self.packages[index].name;
        let same = |other: Option<&GraphPackage>| other.is_some_and(|it| it.name == *name);
        same(self.packages.get(index + 1)) || index > 0 && same(self.packages.get(index - 1))
    }
}

/// Makes one of what is asked for several times, and sorts what is left by name.
fn merge(needs: &mut Vec<Need>) {
    let mut merged: BTreeMap<(String, Option<usize>), Need> = BTreeMap::new();
    for need in needs.drain(..) {
        let key = (need.name.clone(), need.to);
        let Some(known) = merged.get_mut(&key) else {
            merged.insert(key, need);
            continue;
        };
        for extra in need.extras {
            if !known.extras.contains(&extra) {
                known.extras.push(extra);
            }
        }
        known.kind = need.kind.min(known.kind.clone());
        known.requirement = match (known.requirement.take(), need.requirement) {
            (Some(one), Some(other)) if one != other && !other.is_empty() => {
                Some(match one.is_empty() {
                    true => other,
                    false => format!("{one},{other}"),
                })
            }
            (one, other) => one.or(other),
        };
        known.place = match (known.place.take(), need.place) {
            (Some(one), Some(other)) if one != other => Some(format!("{one}, {other}")),
            (one, other) => one.or(other),
        };
    }
    needs.extend(merged.into_values());
}
