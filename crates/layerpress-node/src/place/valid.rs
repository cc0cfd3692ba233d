//! Whether a package is what an edge asks for.

use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::tree::{EdgeId, Kind, NodeId, State, Tree};
use crate::semver::{Range, Reading};
use crate::spec::{Git, Reference, Repository, Spec, Wanted};

/// A specifier, read once.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) spec: Spec,
    /// The versions of a registry package that meet it.
    range: Option<Range>,
}

/// All specifiers that were met so far.
#[derive(Debug, Default)]
pub(super) struct Specs(FxHashMap<Arc<str>, Option<Rc<Read>>>);

impl Specs {
    /// A specifier; `None` when nothing can ever meet it.
    pub(super) fn get(&mut self, text: &Arc<str>) -> Option<Rc<Read>> {
        if let Some(found) = self.0.get(text) {
            return found.clone();
        }
        let read = read(text);
        self.0.insert(text.clone(), read.clone());
        read
    }

    fn known(&self, text: &Arc<str>) -> Option<Rc<Read>> {
        self.0.get(text).cloned().unwrap_or_else(|| read(text))
    }
}

fn read(text: &Arc<str>) -> Option<Rc<Read>> {
    // What the dependency is called plays no part in what its specifier means.
    let spec = Spec::parse("any", if text.is_empty() { "*" } else { text }).ok()?;
    let range = match &spec {
        Spec::Registry(wanted) | Spec::Alias { wanted, .. } => match wanted {
            Wanted::Range(range, _) => Some(range.clone()),
            Wanted::Version(text) => Range::parse(text, Reading::LOOSE).ok(),
            Wanted::Tag(_) => None,
        },
        _ => None,
    };
    Some(Rc::new(Read { spec, range }))
}

impl Tree {
    /// What an edge asks for, the project's overrides applied.
    pub(super) fn spec(&self, edge: EdgeId) -> Arc<str> {
        let of = &self[edge];
        let rule = of.overrides.map(|rule| self.rules.get(rule));
        let Some(rule) = rule.filter(|rule| rule.name == of.name && &*rule.value != "*") else {
            return of.raw_spec.clone();
        };
        let Some(reference) = rule.value.strip_prefix('$') else {
            return rule.value.clone();
        };
        self.reference(self.root, reference)
            .or_else(|| self.reference(of.from, reference))
            .unwrap_or_else(|| of.raw_spec.clone())
    }

    /// What a package itself asks for by a name.
    pub(super) fn reference(&self, node: NodeId, name: &str) -> Option<Arc<str>> {
        let of = &self[node];
        let lists = [
            &*of.dev_dependencies,
            &of.manifest.optional_dependencies,
            &of.manifest.dependencies,
            &of.manifest.peer_dependencies,
        ];
        let found = lists
            .into_iter()
            .flatten()
            .find(|(other, _)| **other == *name);
        found.map(|(_, spec)| spec.clone())
    }

    /// What is wrong with an edge; nothing when it is fine.
    pub(super) fn fault(&self, edge: EdgeId) -> Option<State> {
        let of = &self[edge];
        if of.state.get() == State::Unknown {
            let state = match of.to {
                None if of.kind.is_optional() => return None,
                None => State::Missing,
                Some(to)
                    if of.kind.is_peer()
                        && self[to].parent == Some(of.from)
                        && !self.is_top(of.from) =>
                {
                    State::PeerLocal
                }
                Some(to) if !self.satisfied_by(edge, to) => State::Invalid,
                Some(to) if self.rules_contradict(edge, to) => State::Invalid,
                Some(_) => State::Fine,
            };
            of.state.set(state);
        }
        Some(of.state.get()).filter(|state| *state != State::Fine)
    }

    pub(super) fn is_valid(&self, edge: EdgeId) -> bool {
        self.fault(edge).is_none()
    }

    fn rules_contradict(&self, edge: EdgeId, to: NodeId) -> bool {
        match (self[edge].overrides, self[to].overrides) {
            (Some(a), Some(b)) => {
                !self[to].edges_out.is_empty()
                    && self.rules.more_specific(a, b).is_none()
                    && self.rules.contradict(a, b)
            }
            _ => false,
        }
    }

    /// Whether a node, wherever it is, is what the edge asks for.
    pub(super) fn satisfied_by(&self, edge: EdgeId, node: NodeId) -> bool {
        let of = &self[edge];
        if self[node].name != of.name {
            return false;
        }
        let meets = |spec: &Arc<str>| {
            (self.meets(node, spec) && !self.names_another_reference(edge, spec))
                || of
                    .accept
                    .as_ref()
                    .is_some_and(|accept| self.meets(node, accept))
        };
        let rule = of
            .overrides
            .map(|rule| self.rules.get(rule))
            .filter(|rule| rule.parent.is_some());
        let Some(rule) = rule else {
            return meets(&self.spec(edge));
        };
        let is_fixed = self[node].manifest.has_shrinkwrap || self.in_shrinkwrap(node);
        if is_fixed || (self.has_bundles && self.bundler(node).is_some()) {
            return meets(&of.raw_spec);
        }
        // Either what is put in its place, or what was asked for unless that is to be replaced.
        meets(&self.spec(edge)) || (meets(&of.raw_spec) && !meets(&rule.key_spec))
    }

    /// Whether a branch or tag is asked for, and another one was when the lockfile was written: what
    /// commit that is now, only the repository knows (npm's `lockedGitCommittish`).
    fn names_another_reference(&self, edge: EdgeId, spec: &Arc<str>) -> bool {
        let of = &self[edge];
        if self.locked_wishes.is_empty() || self[of.from].root != self.root {
            return false;
        }
        let wish = (self[of.from].location.clone(), of.name.clone());
        let Some(before) = self
            .locked_wishes
            .get(&wish)
            .filter(|before| *before != spec)
        else {
            return false;
        };
        let reference = |spec: &Arc<str>| match &self.specs.known(spec)?.spec {
            Spec::Git(git) => Some(git.reference.clone()),
            _ => None,
        };
        match (reference(before), reference(spec)) {
            (Some(_), Some(Reference::Range(_))) => false,
            (Some(_), Some(Reference::Name(name))) if is_commit(&name) => false,
            (Some(before), Some(now)) => before != now,
            _ => false,
        }
    }

    fn meets(&self, node: NodeId, spec: &Arc<str>) -> bool {
        let Some(read) = self.specs.known(spec) else {
            return false;
        };
        let of = &self[node];
        // A link comes from the folder that it leads to, wherever that came from.
        let tarball = of.manifest.tarball.as_deref();
        let resolved = tarball.filter(|_| of.target.is_none());
        match &read.spec {
            Spec::Registry(Wanted::Tag(_))
            | Spec::Alias {
                wanted: Wanted::Tag(_),
                ..
            } => resolved.is_some_and(|url| url.starts_with("http:") || url.starts_with("https:")),
            Spec::Registry(Wanted::Range(_, text))
            | Spec::Alias {
                wanted: Wanted::Range(_, text),
                ..
            } if text == "*" => true,
            Spec::Registry(_) | Spec::Alias { .. } => {
                let version = of
                    .target
                    .map_or(&of.version, |target| &self[target].version);
                match (version, &read.range) {
                    (Some(version), Some(range)) => range.admits(version),
                    _ => false,
                }
            }
            Spec::Workspace(_) => of.target.is_some_and(|target| self.is_workspace(target)),
            Spec::Folder(path) => of.target.is_some_and(|target| {
                // Paths of the project's own manifest are relative to its root, as locations are.
                *self[target].location == *plain_path(path)
            }),
            Spec::File(path) => {
                resolved.and_then(|url| url.strip_prefix("file:")) == Some(&*plain_path(path))
            }
            Spec::Tarball(_) => resolved == Some(&**spec),
            Spec::Git(git) => {
                is_repository(resolved, git)
                    && match (&git.reference, &of.version) {
                        (Reference::Range(range), Some(version)) => {
                            Range::parse(range, Reading::LOOSE)
                                .is_ok_and(|range| range.admits(version))
                        }
                        (Reference::Range(_), None) => false,
                        _ => true,
                    }
            }
        }
    }

    /// Whether two nodes hold the same package.
    pub(super) fn matches(&self, a: NodeId, b: NodeId) -> bool {
        if a == b {
            return true;
        }
        let (one, other) = (&self[a], &self[b]);
        if one.name != other.name {
            return false;
        }
        match (one.target, other.target) {
            (Some(a), Some(b)) => return self.matches(a, b),
            (Some(_), None) => return false,
            _ => {}
        }
        let (a, b) = (&one.manifest, &other.manifest);
        if a.integrity.is_some() && b.integrity.is_some() {
            return a.integrity == b.integrity;
        }
        if a.tarball.is_some() && b.tarball.is_some() {
            return a.tarball == b.tarball;
        }
        a.name.is_some() && a.name == b.name && a.version.is_some() && a.version == b.version
    }

    /// Whether an edge may be left alone when nothing is there.
    pub(super) fn may_be_missing(&self, edge: EdgeId) -> bool {
        self[edge].kind == Kind::PeerOptional
    }
}

/// Whether what a git package was resolved to is the repository, and the commit if one is named.
fn is_repository(resolved: Option<&str>, git: &Git) -> bool {
    let Some(Ok(Spec::Git(found))) = resolved.map(|url| Spec::parse("any", url)) else {
        return false;
    };
    let commit = match &git.reference {
        Reference::Name(name) if is_commit(name) => Some(&git.reference),
        _ => None,
    };
    let same = match (&found.repository, &git.repository) {
        (Repository::Hosted(a), Repository::Hosted(b)) => a.ssh() == b.ssh(),
        (Repository::Address(a), Repository::Address(b)) => a == b,
        _ => false,
    };
    same && commit.is_none_or(|commit| *commit == found.reference)
}

fn is_commit(name: &str) -> bool {
    (40..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_hexdigit())
}

/// A relative path without `.` parts and needless `..`: as locations are written.
pub(crate) fn plain_path(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            "" if !parts.is_empty() || !path.starts_with('/') => {}
            ".." if parts
                .last()
                .is_some_and(|last| !last.is_empty() && *last != "..") =>
            {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
