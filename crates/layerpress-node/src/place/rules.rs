//! The project's `overrides`, as npm applies them: a rule holds for a package wherever it is asked
//! for, and the rules below it hold below that package only.

use std::sync::Arc;

use crate::package_json::Override;
use crate::semver::{Range, Reading};
use crate::spec::{Reference, Spec, Wanted};

/// A rule's place among the [`Rules`]. Equal rules are the same rule, since keys are unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct RuleId(usize);

/// All rules of a project; the first is the root, which names no package.
#[derive(Debug, Default)]
pub(super) struct Rules(Vec<Rule>);

#[derive(Debug)]
pub(super) struct Rule {
    pub(super) parent: Option<RuleId>,
    /// The package it is for; empty for the root.
    pub(super) name: Arc<str>,
    key: Arc<str>,
    /// The versions it is for, `*` for all.
    pub(super) key_spec: Arc<str>,
    /// What is put in their place; the versions themselves when nothing is.
    pub(super) value: Arc<str>,
    children: Vec<RuleId>,
    /// The rules that hold below this one, nearest first, each key once.
    in_force: Vec<RuleId>,
}

impl Rules {
    /// Lays out the rules of a project.
    pub(super) fn new(overrides: &[(Arc<str>, Override)]) -> Rules {
        let mut rules = Rules::default();
        if !overrides.is_empty() {
            rules.add(None, "", None, overrides);
            for at in 0..rules.0.len() {
                rules.0[at].in_force = rules.in_force(RuleId(at));
            }
        }
        rules
    }

    /// The root rule, if there is any rule.
    pub(super) fn root(&self) -> Option<RuleId> {
        (!self.0.is_empty()).then_some(RuleId(0))
    }

    pub(super) fn get(&self, id: RuleId) -> &Rule {
        &self.0[id.0]
    }

    /// The rules other than the root.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter().skip(1)
    }

    fn add(
        &mut self,
        parent: Option<RuleId>,
        key: &str,
        value: Option<&Arc<str>>,
        children: &[(Arc<str>, Override)],
    ) -> RuleId {
        let id = RuleId(self.0.len());
        let (name, spec) = match key.char_indices().skip(1).find(|(_, c)| *c == '@') {
            Some((at, _)) if at + 1 < key.len() => (&key[..at], &key[at + 1..]),
            Some((at, _)) => (&key[..at], "*"),
            None => (key, "*"),
        };
        let value = match value.map(|value| &**value) {
            None => spec,
            Some("") => "*",
            Some(value) => value,
        };
        self.0.push(Rule {
            parent,
            name: name.into(),
            key: key.into(),
            key_spec: spec.into(),
            value: value.into(),
            children: Vec::new(),
            in_force: Vec::new(),
        });
        for (key, child) in children {
            let child = self.add(Some(id), key, child.value.as_ref(), &child.children);
            self.0[id.0].children.push(child);
        }
        id
    }

    fn in_force(&self, id: RuleId) -> Vec<RuleId> {
        let mut found: Vec<RuleId> = Vec::new();
        for ancestor in self.ancestry(id) {
            let own = self.get(ancestor).parent.is_some().then_some(ancestor);
            for rule in self.get(ancestor).children.iter().copied().chain(own) {
                if !found
                    .iter()
                    .any(|other| self.get(*other).key == self.get(rule).key)
                {
                    found.push(rule);
                }
            }
        }
        found
    }

    fn ancestry(&self, id: RuleId) -> impl Iterator<Item = RuleId> {
        std::iter::successors(Some(id), |id| self.get(*id).parent)
    }

    /// The rule that holds for a dependency asked for below `of`; `of` itself when none names it.
    pub(super) fn for_dependency(&self, of: RuleId, name: &str, spec: &Spec) -> RuleId {
        let applies = |rule: &Rule| {
            if *rule.name != *name {
                return false;
            }
            let range = match spec {
                Spec::Registry(wanted) | Spec::Alias { wanted, .. } => match wanted {
                    Wanted::Version(text) | Wanted::Range(_, text) => text.as_str(),
                    Wanted::Tag(_) => return true,
                },
                Spec::Git(git) => match &git.reference {
                    Reference::Range(range) => range.as_str(),
                    _ => return &*rule.key_spec == "*",
                },
                _ => return true,
            };
            &*rule.key_spec == "*" || meet(range, &rule.key_spec)
        };
        let in_force = &self.get(of).in_force;
        in_force
            .iter()
            .copied()
            .find(|id| applies(self.get(*id)))
            .unwrap_or(of)
    }

    /// Of two sets of rules the one that holds more, or what both share; `None` when they
    /// contradict each other.
    pub(super) fn more_specific(&self, first: RuleId, second: RuleId) -> Option<RuleId> {
        if self.ancestry(second).any(|id| id == first) {
            return Some(second);
        }
        if self.ancestry(first).any(|id| id == second) {
            return Some(first);
        }
        if self.contradict(first, second) {
            return None;
        }
        self.ancestry(second)
            .find(|id| self.ancestry(first).any(|other| other == *id))
    }

    /// Whether two sets of rules demand of one package what cannot both be.
    pub(super) fn contradict(&self, first: RuleId, second: RuleId) -> bool {
        self.get(first).in_force.iter().any(|a| {
            let one = self.get(*a);
            let same_key = |b: &&RuleId| self.get(**b).key == one.key;
            let Some(b) = self.get(second).in_force.iter().find(same_key) else {
                return false;
            };
            let other = self.get(*b);
            let reference = one.value.starts_with('$') || other.value.starts_with('$');
            a != b
                && !reference
                && is_range(&one.value)
                && is_range(&other.value)
                && !meet(&one.value, &other.value)
        })
    }
}

/// Whether two ranges have versions in common; what cannot be read meets nothing.
fn meet(a: &str, b: &str) -> bool {
    match (
        Range::parse(a, Reading::STRICT),
        Range::parse(b, Reading::STRICT),
    ) {
        (Ok(a), Ok(b)) => a.intersects(&b),
        _ => false,
    }
}

fn is_range(text: &str) -> bool {
    Range::parse(text, Reading::STRICT).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package_json::PackageJson;

    fn rules(json: &str) -> Rules {
        let text = format!(r#"{{"overrides": {json}}}"#);
        Rules::new(
            &PackageJson::parse("package.json", text.as_bytes())
                .unwrap()
                .overrides,
        )
    }

    fn found(rules: &Rules, of: RuleId, name: &str, spec: &str) -> (RuleId, String) {
        let id = rules.for_dependency(of, name, &Spec::parse(name, spec).unwrap());
        (id, rules.get(id).value.to_string())
    }

    #[test]
    fn a_rule_holds_for_the_versions_it_names() {
        let rules = rules(r#"{"a": "1.0.0", "b@^2": "2.5.0", "@s/c@1": {".": "1.1.0"}}"#);
        let root = rules.root().unwrap();
        assert_eq!(found(&rules, root, "a", "^3").1, "1.0.0");
        assert_eq!(found(&rules, root, "b", "^2.1").1, "2.5.0");
        assert_eq!(found(&rules, root, "b", "^3").0, root);
        assert_eq!(found(&rules, root, "b", "latest").1, "2.5.0");
        assert_eq!(found(&rules, root, "@s/c", "~1.0").1, "1.1.0");
        assert_eq!(found(&rules, root, "d", "1").0, root);
    }

    #[test]
    fn a_nested_rule_holds_below_its_package_and_the_outer_ones_with_it() {
        let rules = rules(r#"{"a": {"b": "2.0.0"}, "b": "1.0.0", "c": ""}"#);
        let root = rules.root().unwrap();
        let (below_a, value) = found(&rules, root, "a", "^1");
        assert_eq!(value, "*");
        assert_eq!(found(&rules, below_a, "b", "^9").1, "2.0.0");
        assert_eq!(found(&rules, below_a, "c", "^9").1, "*");
        assert_eq!(found(&rules, root, "b", "^9").1, "1.0.0");
        assert_eq!(rules.more_specific(root, below_a), Some(below_a));
        let (b, _) = found(&rules, root, "b", "^9");
        assert!(rules.contradict(below_a, b));
        assert_eq!(rules.more_specific(below_a, b), None);
    }

    #[test]
    fn without_overrides_there_is_no_rule() {
        assert_eq!(rules("{}").root(), None);
    }
}
