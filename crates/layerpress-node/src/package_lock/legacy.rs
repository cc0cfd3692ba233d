//! The second half of lockfileVersion 2: every package once more, nested as folders are, for npm
//! before 7 (npm's `Shrinkwrap`, `buildLegacyLockfile`).

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use super::location::split;
use super::write::Fields;
use crate::json::Json;
use crate::place::collate;
use crate::place::{Dependency, IdealTree, Placed, plain_path};
use crate::spec::Spec;

/// The `dependencies` of a tree; none when it has no package. `omits` tells whose address is left
/// out.
pub(super) fn dependencies<'p>(
    tree: &'p IdealTree,
    omits: &dyn Fn(&Placed) -> bool,
) -> Option<Json<'p>> {
    let mut nested = Nested {
        by_location: FxHashMap::default(),
        below: FxHashMap::default(),
        asks: FxHashMap::default(),
        omits,
    };
    for placed in &tree.packages {
        nested.by_location.insert(&placed.location, placed);
        if let Some((above, _)) = split(&placed.location) {
            nested.below.entry(above).or_default().push(placed);
        }
        for dependency in &placed.dependencies {
            if let Some(to) = &dependency.location {
                nested
                    .asks
                    .entry(to)
                    .or_default()
                    .push((placed, dependency));
            }
        }
    }
    nested.children("", &mut Vec::new())
}

struct Nested<'p, 'o> {
    by_location: FxHashMap<&'p str, &'p Placed>,
    below: FxHashMap<&'p str, Vec<&'p Placed>>,
    asks: FxHashMap<&'p str, Vec<(&'p Placed, &'p Dependency)>>,
    omits: &'o dyn Fn(&Placed) -> bool,
}

impl<'p> Nested<'p, '_> {
    /// `path` are the folders on the way here: a circle of links ends.
    fn children(&self, folder: &'p str, path: &mut Vec<&'p str>) -> Option<Json<'p>> {
        let mut fields = Fields::default();
        path.push(folder);
        for child in self.below.get(folder).into_iter().flatten() {
            let real: &str = child.link.as_deref().unwrap_or(&child.location);
            if !path.contains(&real) || real == folder {
                let entry = self.entry(child, path);
                fields.put(&child.name, entry);
            }
        }
        path.pop();
        (!fields.0.is_empty()).then_some(Json::Object(fields.0))
    }

    fn entry(&self, placed: &'p Placed, path: &mut Vec<&'p str>) -> Json<'p> {
        let manifest = &placed.manifest;
        let real = placed
            .link
            .as_deref()
            .and_then(|to| self.by_location.get(to).copied());
        let real = real.unwrap_or(placed);
        let mut fields = Fields::default();
        let resolved = manifest.tarball.as_deref();
        let from = resolved.and_then(|url| Spec::parse("any", url).ok());
        let asked = self.first_ask(placed);
        let spec = match asked {
            Some(ask) => Spec::parse(&ask.name, &ask.spec).ok(),
            None => from.clone(),
        };
        let is_git = matches!(from, Some(Spec::Git(_))) || matches!(spec, Some(Spec::Git(_)));
        let version: Option<Cow<'p, str>> = match (&spec, &manifest.name, &manifest.version) {
            _ if placed.link.is_some() => Some(format!("file:{}", real.location).into()),
            (Some(Spec::File(path)), ..) => Some(format!("file:{}", plain_path(path)).into()),
            (Some(Spec::Tarball(url)), ..) => Some(url.to_string().into()),
            _ if is_git => {
                if let Some(ask) = asked {
                    fields.own("from", format!("{}@{}", ask.name, ask.spec));
                }
                resolved.map(Cow::from)
            }
            (_, Some(name), version) if *name != placed.name => {
                let version = version.as_deref().unwrap_or_default();
                Some(format!("npm:{name}@{version}").into())
            }
            (_, _, version) => version.as_deref().map(Cow::from),
        };
        if let Some(version) = version {
            fields.own("version", version);
        }
        fields.flag("bundled", placed.in_bundle);
        let elsewhere = |spec: &Option<Spec>| {
            matches!(spec, Some(Spec::Git(_) | Spec::File(_) | Spec::Folder(_)))
        };
        let named = placed.link.is_some() || elsewhere(&from) || elsewhere(&spec);
        if !named && !matches!(spec, Some(Spec::Tarball(_))) && !(self.omits)(placed) {
            fields.text("resolved", resolved);
        }
        if placed.link.is_none() {
            fields.text("integrity", manifest.integrity.as_deref());
        }
        fields.flag("extraneous", placed.is_extraneous);
        if !placed.is_extraneous && placed.link.is_none() {
            let both = placed.is_dev_optional && !placed.is_dev && !placed.is_optional;
            fields.flag("peer", placed.is_peer);
            fields.flag("devOptional", both);
            fields.flag("dev", placed.is_dev);
            fields.flag("optional", placed.is_optional);
        }
        if !real.dependencies.is_empty() {
            let mut requires = Fields::default();
            for ask in real.dependencies.iter().filter(|ask| !ask.is_peer) {
                match ask.spec.strip_prefix("file:") {
                    Some(path) => {
                        requires.own(&ask.name, format!("file:{}", plain_path(path)));
                    }
                    None => requires.put(&ask.name, Json::Text((&*ask.spec).into())),
                }
            }
            fields.put("requires", Json::Object(requires.0));
        }
        if let Some(dependencies) = self.children(&real.location, path) {
            fields.put("dependencies", dependencies);
        }
        Json::Object(fields.0)
    }

    /// Of all who ask for a package the one nearest to the project, then the first by name.
    fn first_ask(&self, placed: &Placed) -> Option<&'p Dependency> {
        let asks = self.asks.get(&*placed.location)?;
        let order = |(from, _): &&(&Placed, &Dependency)| {
            let parts: Vec<&str> = from.location.split("node_modules").collect();
            (parts.len(), parts.last().map(|last| collate::key(last)))
        };
        asks.iter().min_by_key(order).map(|(_, ask)| *ask)
    }
}
