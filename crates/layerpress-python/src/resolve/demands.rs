//! From requirement lines to what the solver must add for one release: markers evaluated for the
//! target, extras followed, constraints and overrides applied.

use layerpress_fetch::redacted;
use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::{ExtraName, MarkerEnvironment, MarkerTree, PackageName, VersionOrUrl};
use pubgrub::Ranges;
use rustc_hash::{FxHashMap, FxHashSet};

use super::inputs::{Need, Request, Wanted};
use super::package::{Names, Package};
use super::provider::Unusable;
use super::ranges;
use crate::Metadata;

/// One edge of the graph: `package` must be chosen from `range`.
#[derive(Debug, Clone)]
pub(crate) struct Dependency {
    pub(crate) package: Package,
    pub(crate) range: Ranges<Version>,
    /// The line of the user's that asks for it, counted over requirements, constraints and
    /// overrides in turn.
    pub(crate) line: Option<usize>,
}

/// The rules by which requirement lines become edges.
#[derive(Debug)]
pub(crate) struct Demands {
    environment: MarkerEnvironment,
    requirements: Vec<Line>,
    constraints: FxHashMap<PackageName, Vec<Line>>,
    overrides: FxHashMap<PackageName, Vec<Line>>,
    /// Packages whose one candidate the user has named.
    fixed: FxHashSet<PackageName>,
    evaluated: FxHashMap<MarkerTree, bool>,
}

/// A requirement line, whoever wrote it.
#[derive(Debug, Clone)]
struct Line {
    name: PackageName,
    extras: Vec<ExtraName>,
    marker: MarkerTree,
    need: LineNeed,
    line: Option<usize>,
}

#[derive(Debug, Clone)]
enum LineNeed {
    Any,
    Versions(VersionSpecifiers),
    /// Never told with its credentials.
    Url(String),
}

impl Demands {
    /// The rules of a request; `fixed` are the packages whose one candidate the user has named.
    pub(crate) fn new(request: &Request, fixed: FxHashSet<PackageName>) -> Self {
        let mut count = 0;
        let mut lines = |all: &[Wanted]| {
            let first = count;
            count += all.len();
            all.iter()
                .enumerate()
                .filter_map(|(at, wanted)| Line::from_user(wanted, first + at))
                .collect::<Vec<_>>()
        };
        let requirements = lines(&request.requirements);
        let constraints = lines(&request.constraints)
            .into_iter()
            .filter(|line| !matches!(line.need, LineNeed::Any))
            .map(|line| Line {
                extras: Vec::new(),
                ..line
            });
        let constraints = by_name(constraints);
        let overrides = by_name(lines(&request.overrides));
        Self {
            environment: request.environment.clone(),
            requirements,
            constraints,
            overrides,
            fixed,
            evaluated: FxHashMap::default(),
        }
    }

    /// What the user's requirements ask for.
    pub(crate) fn of_user(&mut self, names: &mut Names) -> Result<Vec<Dependency>, Unusable> {
        let mut lines = std::mem::take(&mut self.requirements);
        lines.retain(|line| self.may_count(&line.name, &line.marker, None));
        let applicable = self.applicable(lines, None);
        self.edges(names, applicable)
    }

    /// What a release asks for: always, or on top of that for one extra.
    pub(crate) fn of_release(
        &mut self,
        names: &mut Names,
        metadata: &Metadata,
        extra: Option<&ExtraName>,
    ) -> Result<Vec<Dependency>, Unusable> {
        let own = &metadata.name;
        let lines = self.relevant(metadata, extra);
        let mut applicable = self.applicable(lines, extra);
        let refers_to_itself = |line: &Line| line.name == *own && !line.extras.is_empty();
        if applicable.iter().any(refers_to_itself) {
            self.follow_extras(metadata, &mut applicable);
        }
        self.edges(names, applicable)
    }

    /// `pkg[all]` that asks for `pkg[a]` and `pkg[b]`: their lines join in, the detour goes.
    fn follow_extras(&mut self, metadata: &Metadata, applicable: &mut Vec<Line>) {
        let own = &metadata.name;
        let asked = |lines: &[Line], under: &MarkerTree| {
            let own = lines.iter().filter(|line| line.name == *own);
            own.flat_map(|line| {
                let marker = both(&line.marker, under);
                line.extras
                    .iter()
                    .map(move |extra| (extra.clone(), marker.clone()))
            })
            .collect::<Vec<_>>()
        };
        let mut queue = asked(applicable, &MarkerTree::TRUE);
        let mut seen = FxHashSet::default();
        let mut at = 0;
        while let Some((extra, under)) = queue.get(at).cloned() {
            at += 1;
            if !seen.insert((extra.clone(), under.clone())) {
                continue;
            }
            let lines = self.relevant(metadata, Some(&extra));
            let mut found = self.applicable(lines, Some(&extra));
            for line in &mut found {
                line.marker = both(&line.marker, &under);
            }
            queue.extend(asked(&found, &MarkerTree::TRUE));
            applicable.append(&mut found);
        }
        // `pkg[all]` may ask for `pkg[a]>1`: the bound stays.
        let bounds: Vec<Line> = applicable
            .iter()
            .filter(|line| line.name == *own && !line.extras.is_empty())
            .filter(|line| !matches!(line.need, LineNeed::Any))
            .map(|line| Line {
                extras: Vec::new(),
                ..line.clone()
            })
            .collect();
        applicable.retain(|line| line.name != *own || line.extras.is_empty());
        applicable.extend(bounds);
    }

    /// The lines of a release that hold on the target, always or only thanks to `extra`, and those
    /// that overrides stand for.
    fn relevant(&mut self, metadata: &Metadata, extra: Option<&ExtraName>) -> Vec<Line> {
        metadata
            .dependencies(extra.map_or(&[][..], std::slice::from_ref))
            .filter(|dependency| self.may_count(&dependency.name, &dependency.marker, extra))
            .map(Line::from_metadata)
            .collect()
    }

    /// Whether a line holds, or is overridden: then the override's marker says when it counts.
    fn may_count(
        &mut self,
        name: &PackageName,
        marker: &MarkerTree,
        extra: Option<&ExtraName>,
    ) -> bool {
        self.overrides.contains_key(name) || self.holds(marker, extra)
    }

    /// Lines as they stand in the graph: overridden, and each followed by the constraints on it.
    ///
    /// As in uv, an override replaces all of a line, its marker too; only the extra that brings a
    /// line in still has to be asked for.
    fn applicable(&mut self, lines: Vec<Line>, extra: Option<&ExtraName>) -> Vec<Line> {
        let mut applicable = Vec::with_capacity(lines.len());
        for line in lines {
            let Some(overrides) = self.overrides.get(&line.name) else {
                self.add_line(line, extra, &mut applicable);
                continue;
            };
            let extra_of_line = line.marker.top_level_extra().map(MarkerTree::expression);
            let under = |new: &Line| Line {
                marker: match &extra_of_line {
                    Some(extra) => both(extra, &new.marker),
                    None => new.marker.clone(),
                },
                ..new.clone()
            };
            let replacing: Vec<Line> = overrides.iter().map(under).collect();
            for line in replacing {
                if self.holds(&line.marker, extra) {
                    self.add_line(line, extra, &mut applicable);
                }
            }
        }
        applicable
    }

    fn add_line(&self, mut line: Line, extra: Option<&ExtraName>, lines: &mut Vec<Line>) {
        line.marker = without_extras(&line.marker);
        let constraints = self.constraints_on(&line, extra);
        lines.push(line);
        lines.extend(constraints);
    }

    fn constraints_on(&self, line: &Line, extra: Option<&ExtraName>) -> Vec<Line> {
        let Some(constraints) = self.constraints.get(&line.name) else {
            return Vec::new();
        };
        let extras = extra.map_or(&[][..], std::slice::from_ref);
        constraints
            .iter()
            .filter(|constraint| constraint.marker.evaluate(&self.environment, extras))
            .map(|constraint| Line {
                marker: without_extras(&both(&constraint.marker, &line.marker)),
                ..constraint.clone()
            })
            .collect()
    }

    /// Whether a marker holds on the target: as it is, or only thanks to `extra`.
    fn holds(&mut self, marker: &MarkerTree, extra: Option<&ExtraName>) -> bool {
        if marker.is_true() {
            return extra.is_none();
        }
        let environment = &self.environment;
        let plain = *self
            .evaluated
            .entry(marker.clone())
            .or_insert_with(|| marker.evaluate(environment, &[]));
        match extra {
            None => plain,
            Some(extra) => {
                !plain && marker.evaluate(&self.environment, std::slice::from_ref(extra))
            }
        }
    }

    fn edges(&self, names: &mut Names, lines: Vec<Line>) -> Result<Vec<Dependency>, Unusable> {
        let mut edges = Vec::with_capacity(lines.len());
        for line in lines {
            let range = match &line.need {
                LineNeed::Any => Ranges::full(),
                LineNeed::Versions(specifiers) => {
                    let range = ranges::admitted(specifiers);
                    if range.is_empty() {
                        let requirement = format!("{}{specifiers}", line.name);
                        return Err(Unusable::Contradiction { requirement });
                    }
                    range
                }
                LineNeed::Url(_) if self.fixed.contains(&line.name) => Ranges::full(),
                LineNeed::Url(url) => {
                    let requirement = format!("{} @ {url}", line.name);
                    return Err(Unusable::UrlDependency { requirement });
                }
            };
            let name = names.package(&line.name);
            let marker = names.marker(&line.marker);
            let extras: Vec<_> = if line.extras.is_empty() {
                vec![None]
            } else {
                let number = |extra| Some(names.extra(extra));
                line.extras.iter().map(number).collect()
            };
            edges.extend(extras.into_iter().map(|extra| Dependency {
                package: Package::required(name, extra, marker),
                range: range.clone(),
                line: line.line,
            }));
        }
        Ok(edges)
    }
}

impl Line {
    fn from_user(wanted: &Wanted, line: usize) -> Option<Self> {
        let need = match &wanted.need {
            Need::Versions(specifiers) if specifiers.is_empty() => LineNeed::Any,
            Need::Versions(specifiers) => LineNeed::Versions(specifiers.clone()),
            Need::Fixed(_) => LineNeed::Any,
        };
        Some(Self {
            name: wanted.name.clone()?,
            extras: wanted.extras.clone(),
            marker: wanted.marker.clone(),
            need,
            line: Some(line),
        })
    }

    fn from_metadata(requirement: &crate::Dependency) -> Self {
        let need = match &requirement.version_or_url {
            None => LineNeed::Any,
            Some(VersionOrUrl::VersionSpecifier(specifiers)) if specifiers.is_empty() => {
                LineNeed::Any
            }
            Some(VersionOrUrl::VersionSpecifier(specifiers)) => {
                LineNeed::Versions(specifiers.clone())
            }
            Some(VersionOrUrl::Url(url)) => LineNeed::Url(redacted(url)),
        };
        Self {
            name: requirement.name.clone(),
            extras: requirement.extras.clone(),
            marker: requirement.marker.clone(),
            need,
            line: None,
        }
    }
}

fn by_name(lines: impl IntoIterator<Item = Line>) -> FxHashMap<PackageName, Vec<Line>> {
    let mut grouped: FxHashMap<PackageName, Vec<Line>> = FxHashMap::default();
    for line in lines {
        grouped.entry(line.name.clone()).or_default().push(line);
    }
    grouped
}

fn both(left: &MarkerTree, right: &MarkerTree) -> MarkerTree {
    if right.is_true() {
        return left.clone();
    }
    let mut marker = left.clone();
    marker.and(right.clone());
    marker
}

/// A marker that holds, without what it says about extras: two lines that differ only in the extra
/// that brings them in speak of the same package.
fn without_extras(marker: &MarkerTree) -> MarkerTree {
    if marker.is_true() {
        return MarkerTree::TRUE;
    }
    marker.clone().simplify_extras_with(|_| true)
}
