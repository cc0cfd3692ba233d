//! What the solver solves for: packages, their extras, and small numbers for their names.
//!
//! A requirement with extras or with a marker becomes a *proxy* that depends on the package itself
//! and on its variant, both at the same version. So the solver learns about the package before it
//! commits to the extra, and versions of one name always agree.

use std::fmt;
use std::hash::Hash;

use pep508_rs::{ExtraName, MarkerTree, PackageName};
use rustc_hash::FxHashMap;

/// A package as the solver knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Package {
    /// The manifest.
    Root,
    /// The target's Python; only a release that does not fit it depends on this.
    Python,
    /// A package with the dependencies that it always has.
    Plain(NameId, MarkerId),
    /// A package with the dependencies of one extra.
    Feature(NameId, ExtraId, MarkerId),
    /// A requirement under a marker.
    MarkerProxy(NameId, MarkerId),
    /// A requirement with an extra.
    ExtraProxy(NameId, ExtraId, MarkerId),
}

impl Package {
    /// The package itself, without extra or marker.
    pub(crate) fn plain(name: NameId) -> Self {
        Self::Plain(name, MarkerId::ALWAYS)
    }

    /// The node for one requirement.
    pub(crate) fn required(name: NameId, extra: Option<ExtraId>, marker: MarkerId) -> Self {
        match extra {
            Some(extra) => Self::ExtraProxy(name, extra, marker),
            None if marker == MarkerId::ALWAYS => Self::plain(name),
            None => Self::MarkerProxy(name, marker),
        }
    }

    pub(crate) fn name(self) -> Option<NameId> {
        match self {
            Self::Root | Self::Python => None,
            Self::Plain(name, _)
            | Self::Feature(name, ..)
            | Self::MarkerProxy(name, _)
            | Self::ExtraProxy(name, ..) => Some(name),
        }
    }

    pub(crate) fn extra(self) -> Option<ExtraId> {
        match self {
            Self::Feature(_, extra, _) | Self::ExtraProxy(_, extra, _) => Some(extra),
            Self::Root | Self::Python | Self::Plain(..) | Self::MarkerProxy(..) => None,
        }
    }

    /// The package behind a proxy.
    pub(crate) fn behind_proxy(self) -> Option<Self> {
        match self {
            Self::MarkerProxy(name, _) | Self::ExtraProxy(name, ..) => Some(Self::plain(name)),
            Self::Root | Self::Python | Self::Plain(..) | Self::Feature(..) => None,
        }
    }

    /// The variants that a proxy binds to one version, in the order in which they are required.
    pub(crate) fn variants(self) -> Vec<Self> {
        let markers = |marker: MarkerId| {
            let both = [MarkerId::ALWAYS, marker];
            both.into_iter()
                .take(if marker == MarkerId::ALWAYS { 1 } else { 2 })
        };
        match self {
            Self::MarkerProxy(name, marker) => markers(marker)
                .map(|marker| Self::Plain(name, marker))
                .collect(),
            Self::ExtraProxy(name, extra, marker) => markers(marker)
                .flat_map(|marker| {
                    [
                        Self::Plain(name, marker),
                        Self::Feature(name, extra, marker),
                    ]
                })
                .collect(),
            Self::Root | Self::Python | Self::Plain(..) | Self::Feature(..) => Vec::new(),
        }
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Numbers for what has a name, given in the order of first sight.
#[derive(Debug)]
pub(crate) struct Names {
    packages: Table<PackageName>,
    extras: Table<ExtraName>,
    markers: Table<MarkerTree>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NameId(u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ExtraId(u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct MarkerId(u32);

impl MarkerId {
    /// The marker that always holds.
    pub(crate) const ALWAYS: Self = Self(0);
}

impl Names {
    pub(crate) fn new() -> Self {
        let mut markers = Table::default();
        markers.number(&MarkerTree::TRUE);
        Self {
            packages: Table::default(),
            extras: Table::default(),
            markers,
        }
    }

    pub(crate) fn package(&mut self, name: &PackageName) -> NameId {
        NameId(self.packages.number(name))
    }

    pub(crate) fn extra(&mut self, extra: &ExtraName) -> ExtraId {
        ExtraId(self.extras.number(extra))
    }

    pub(crate) fn marker(&mut self, marker: &MarkerTree) -> MarkerId {
        MarkerId(self.markers.number(marker))
    }

    pub(crate) fn package_name(&self, id: NameId) -> &PackageName {
        &self.packages.values[id.0 as usize]
    }

    pub(crate) fn extra_name(&self, id: ExtraId) -> &ExtraName {
        &self.extras.values[id.0 as usize]
    }

    /// `name`, `name[extra]`, or what stands for the two others.
    pub(crate) fn text(&self, package: Package) -> String {
        match (package.name(), package.extra()) {
            (Some(name), Some(extra)) => {
                format!("{}[{}]", self.package_name(name), self.extra_name(extra))
            }
            (Some(name), None) => self.package_name(name).to_string(),
            (None, _) if package == Package::Python => "Python".to_owned(),
            (None, _) => "your requirements".to_owned(),
        }
    }
}

#[derive(Debug)]
struct Table<T> {
    numbers: FxHashMap<T, u32>,
    values: Vec<T>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            numbers: FxHashMap::default(),
            values: Vec::new(),
        }
    }
}

impl<T: Clone + Eq + Hash> Table<T> {
    fn number(&mut self, value: &T) -> u32 {
        if let Some(&number) = self.numbers.get(value) {
            return number;
        }
        // Four thousand million distinct names do not fit into memory.
        let number = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        self.numbers.insert(value.clone(), number);
        self.values.push(value.clone());
        number
    }
}
