//! [`Roots`] and [`reachable`]: which entries of a lock the user's own lines lead to.

use std::collections::{BTreeMap, BTreeSet};

use layerpress_lock::{Package, marker_environment};
use layerpress_target::Target;
use pep508_rs::{ExtraName, PackageName};

use crate::manifest::Manifest;

/// The packages that a manifest names itself, with the extras that it asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roots(BTreeMap<PackageName, BTreeSet<ExtraName>>);

/// The roots of a manifest on any of `targets`. Requirements whose name is not known yet are left
/// out.
#[must_use]
pub fn roots(manifest: &Manifest, targets: &[Target]) -> Roots {
    let environments: Vec<_> = targets.iter().map(marker_environment).collect();
    let mut roots = Roots::default();
    for requirement in &manifest.requirements {
        let Some(name) = &requirement.name else {
            continue;
        };
        if environments
            .iter()
            .any(|environment| requirement.marker.evaluate(environment, &[]))
        {
            roots.add(name.clone(), requirement.extras.iter().cloned());
        }
    }
    roots
}

impl Roots {
    /// Adds a package, or extras to one.
    pub fn add(&mut self, name: PackageName, extras: impl IntoIterator<Item = ExtraName>) {
        self.0.entry(name).or_default().extend(extras);
    }

    /// The packages with their extras, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&PackageName, &BTreeSet<ExtraName>)> {
        self.0.iter()
    }

    /// The packages, in order.
    pub fn names(&self) -> impl Iterator<Item = &PackageName> {
        self.0.keys()
    }

    /// Whether every package and extra of `other` is here too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.0.iter().all(|(name, extras)| {
            self.0
                .get(name)
                .is_some_and(|here| here.is_superset(extras))
        })
    }

    /// As a lock keeps them: `name` or `name[extra,extra]`.
    #[must_use]
    pub fn to_lines(&self) -> Vec<String> {
        let line = |(name, extras): (&PackageName, &BTreeSet<ExtraName>)| {
            let extras: Vec<&str> = extras.iter().map(AsRef::as_ref).collect();
            match extras.as_slice() {
                [] => name.to_string(),
                extras => format!("{name}[{}]", extras.join(",")),
            }
        };
        self.0.iter().map(line).collect()
    }

    /// Reads what [`Roots::to_lines`] wrote; a line that is none is passed over, so that a lock
    /// edited by hand is at worst resolved anew.
    #[must_use]
    pub fn from_lines(lines: &[String]) -> Self {
        let mut roots = Self::default();
        for line in lines {
            let (name, extras) = line
                .strip_suffix(']')
                .and_then(|line| line.split_once('['))
                .unwrap_or((line, ""));
            let extras = extras.split(',').filter(|extra| !extra.is_empty());
            if let (Ok(name), Ok(extras)) = (
                name.parse(),
                extras.map(str::parse).collect::<Result<Vec<_>, _>>(),
            ) {
                roots.add(name, extras);
            }
        }
        roots
    }
}

/// The part of `packages` that `roots` lead to without passing through an `excluded` one.
///
/// Packages come back in their order. Dependencies are the lock's own word for them.
#[must_use]
pub fn reachable<'a>(
    packages: Vec<&'a Package>,
    roots: &Roots,
    excluded: &BTreeSet<PackageName>,
) -> Vec<&'a Package> {
    let by_name: BTreeMap<&PackageName, &Package> = packages
        .iter()
        .map(|package| (&package.name, *package))
        .collect();
    let mut seen: BTreeSet<&PackageName> = BTreeSet::new();
    let mut queue: Vec<&PackageName> = roots.names().collect();
    while let Some(name) = queue.pop() {
        let Some((&name, package)) = by_name.get_key_value(name) else {
            continue;
        };
        if !excluded.contains(name) && seen.insert(name) {
            queue.extend(
                package
                    .dependencies
                    .iter()
                    .map(|dependency| &dependency.name),
            );
        }
    }
    packages
        .into_iter()
        .filter(|package| seen.contains(&package.name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_read_as_they_were_written() {
        let lines: Vec<String> = ["a", "b[x,y]"].map(str::to_owned).to_vec();
        assert_eq!(Roots::from_lines(&lines).to_lines(), lines);
        assert!(
            Roots::from_lines(&["no name".to_owned(), "c[".to_owned()])
                .to_lines()
                .is_empty()
        );
    }

    #[test]
    fn more_extras_cover_fewer() {
        let of = |lines: &[&str]| {
            Roots::from_lines(
                &lines
                    .iter()
                    .map(|&line| line.to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert!(of(&["a[x,y]", "b"]).covers(&of(&["a[x]"])));
        assert!(!of(&["a"]).covers(&of(&["a[x]"])));
        assert!(!of(&["a"]).covers(&of(&["b"])));
    }
}
