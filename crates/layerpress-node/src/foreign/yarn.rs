//! What both kinds of `yarn.lock` have in common: entries are found by what somebody asks for, and
//! what the project asks for stands in its package.json alone.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::error::ForeignLockError;
use super::graph::{Edge, Importer, Kind, To};
use super::wishes::{Beside, Wishes};

/// Which entry is meant by a name and what it is asked for by.
#[derive(Debug, Default)]
pub(super) struct Asked<'d>(HashMap<&'d str, To>);

impl<'d> Asked<'d> {
    /// Adds the keys of an entry, which are parted by commas.
    pub(super) fn add(&mut self, keys: &'d str, to: &To) {
        for key in keys.split(',') {
            self.0.insert(key.trim(), to.clone());
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&To> {
        self.0.get(key)
    }

    /// What is meant by a key that goes on with the workspace which it is bound to: the one in the
    /// folder `above`, or that of the only workspace that asks so.
    pub(super) fn bound(&self, begin: &str, above: &str) -> Option<&To> {
        let bound = self.0.iter().filter(|(key, _)| key.starts_with(begin));
        let bound: BTreeMap<&str, &To> = bound.map(|(key, to)| (*key, to)).collect();
        let path = if above.is_empty() { "." } else { above };
        let end = path.replace('/', "%2F");
        let end = format!("%40workspace%3A{end}");
        let own = bound.iter().find(|(key, _)| key.ends_with(&end));
        own.or_else(|| bound.iter().next().filter(|_| bound.len() == 1))
            .map(|(_, to)| *to)
    }
}

/// The package.json of the project, which has to be there.
pub(super) fn wishes_of_project(
    beside: &Beside<'_>,
    file: &str,
) -> Result<Wishes, ForeignLockError> {
    beside
        .wishes("")?
        .ok_or_else(|| ForeignLockError::NoManifest {
            file: file.to_owned(),
            tool: "Yarn",
        })
}

/// The project or a workspace as an importer. `find` says where a wish leads.
///
/// # Errors
/// A wish that the lockfile does not have.
pub(super) fn importer(
    folder: Arc<str>,
    wishes: &Wishes,
    file: &str,
    find: impl Fn(&Edge) -> Option<To>,
) -> Result<Importer, ForeignLockError> {
    let mut edges = Vec::new();
    for wish in &wishes.edges {
        let to = find(wish);
        // What is expected of whoever installs a workspace is nobody's to bring.
        if to.is_none() && matches!(wish.kind, Kind::Needed | Kind::Optional | Kind::Dev) {
            return Err(ForeignLockError::Outdated {
                file: file.to_owned(),
                manifest: wishes.file.clone(),
                unmet: format!("`{}@{}` is not in it", wish.name, wish.spec),
                command: "yarn install",
            });
        }
        edges.push(Edge { to, ..wish.clone() });
    }
    Ok(Importer {
        folder,
        name: wishes.name.clone(),
        version: wishes.version.clone(),
        edges,
    })
}
