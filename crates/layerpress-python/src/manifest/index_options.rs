//! [`IndexOptions`] and [`BuildPolicy`]: where packages come from, and in which form.

use std::collections::{BTreeMap, BTreeSet};

use pep508_rs::PackageName;
use url::Url;

use crate::index::FindLinks;

/// Where packages are looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IndexOptions {
    /// The main index; `None` for the default one.
    pub index_url: Option<Url>,
    /// Further indexes, in the order given, each once.
    pub extra_index_urls: Vec<Url>,
    /// No index at all: only `find_links`.
    pub no_index: bool,
    /// Folders and pages of files, in the order given, each once.
    pub find_links: Vec<FindLinks>,
    /// Indexes by the names that they were given, which variables with credentials refer to. An
    /// index that is only here is for packages that name it.
    pub named: BTreeMap<String, Url>,
}

/// Which packages may come as wheels, and which as source distributions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildPolicy {
    /// Never as wheels.
    pub no_binary: Names,
    /// Never as source distributions.
    pub only_binary: Names,
}

/// A set of packages as pip's format options name it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Names {
    /// None of them.
    #[default]
    None,
    /// All of them (`:all:`).
    All,
    /// These; never empty.
    Named(BTreeSet<PackageName>),
}

/// The forms that one package may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Formats {
    /// As a wheel.
    pub wheel: bool,
    /// As a source distribution.
    pub sdist: bool,
}

impl IndexOptions {
    /// These options and `other` together; the index URL of `other` wins, as a later line does.
    #[must_use]
    pub fn merge(mut self, other: IndexOptions) -> IndexOptions {
        self.index_url = other.index_url.or(self.index_url);
        self.no_index |= other.no_index;
        for url in other.extra_index_urls {
            self.add_extra(url);
        }
        for place in other.find_links {
            self.add_find_links(place);
        }
        self.named.extend(other.named);
        self
    }

    /// These options where they say something, else those of `lower`, option by option.
    ///
    /// For the layers of configuration: a flag replaces a variable, a variable replaces a file.
    #[must_use]
    pub fn over(mut self, lower: IndexOptions) -> IndexOptions {
        self.index_url = self.index_url.or(lower.index_url);
        self.no_index |= lower.no_index;
        if self.extra_index_urls.is_empty() {
            self.extra_index_urls = lower.extra_index_urls;
        }
        if self.find_links.is_empty() {
            self.find_links = lower.find_links;
        }
        for (name, url) in lower.named {
            self.named.entry(name).or_insert(url);
        }
        self
    }

    pub(crate) fn add_extra(&mut self, url: Url) {
        if !self.extra_index_urls.contains(&url) {
            self.extra_index_urls.push(url);
        }
    }

    pub(crate) fn add_find_links(&mut self, place: FindLinks) {
        if !self.find_links.contains(&place) {
            self.find_links.push(place);
        }
    }
}

impl BuildPolicy {
    /// The forms that `name` may come in. A name counts more than `:all:`, as in pip.
    #[must_use]
    pub fn formats(&self, name: &PackageName) -> Formats {
        let named = |names: &Names| matches!(names, Names::Named(set) if set.contains(name));
        let (wheel, sdist) = if named(&self.only_binary) {
            (true, false)
        } else if named(&self.no_binary) {
            (false, true)
        } else if self.only_binary == Names::All {
            (true, false)
        } else {
            (self.no_binary != Names::All, true)
        };
        Formats { wheel, sdist }
    }

    /// Applies the value of one `--no-binary`: names by comma, `:all:`, `:none:`.
    ///
    /// # Errors
    /// The word that is not a package name.
    pub fn add_no_binary(&mut self, value: &str) -> Result<(), String> {
        apply(value, &mut self.no_binary, &mut self.only_binary)
    }

    /// Applies the value of one `--only-binary`: names by comma, `:all:`, `:none:`.
    ///
    /// # Errors
    /// The word that is not a package name.
    pub fn add_only_binary(&mut self, value: &str) -> Result<(), String> {
        apply(value, &mut self.only_binary, &mut self.no_binary)
    }

    /// This policy and `other` together, as if the options of `other` had come later.
    #[must_use]
    pub fn merge(mut self, other: BuildPolicy) -> BuildPolicy {
        add(other.no_binary, &mut self.no_binary, &mut self.only_binary);
        add(
            other.only_binary,
            &mut self.only_binary,
            &mut self.no_binary,
        );
        self
    }
}

/// pip's rule: a set's new member leaves the other set; `:all:` empties the other set; what follows
/// `:all:` only counts after a `:none:`.
fn apply(value: &str, target: &mut Names, other: &mut Names) -> Result<(), String> {
    let mut words: Vec<&str> = value.split(',').map(str::trim).collect();
    if let Some(at) = words.iter().rposition(|word| *word == ":all:") {
        add(Names::All, target, other);
        words.drain(..=at);
        if !words.contains(&":none:") {
            return Ok(());
        }
    }
    for word in words.into_iter().filter(|word| !word.is_empty()) {
        if word == ":none:" {
            *target = Names::None;
            continue;
        }
        let name: PackageName = word.parse().map_err(|_| word.to_owned())?;
        add(Names::Named(BTreeSet::from([name])), target, other);
    }
    Ok(())
}

fn add(added: Names, target: &mut Names, other: &mut Names) {
    match added {
        Names::None => {}
        Names::All => {
            *other = Names::None;
            *target = Names::All;
        }
        Names::Named(names) => {
            if let Names::Named(others) = other {
                others.retain(|name| !names.contains(name));
                if others.is_empty() {
                    *other = Names::None;
                }
            }
            match target {
                Names::All => {}
                Names::Named(all) => all.extend(names),
                Names::None => *target = Names::Named(names),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formats(options: &[(&str, &str)], name: &str) -> (bool, bool) {
        let mut policy = BuildPolicy::default();
        for (option, value) in options {
            match *option {
                "no" => policy.add_no_binary(value),
                _ => policy.add_only_binary(value),
            }
            .expect("valid");
        }
        let formats = policy.formats(&name.parse().expect("valid"));
        (formats.wheel, formats.sdist)
    }

    #[test]
    fn names_beat_all_and_later_options_beat_earlier_ones() {
        assert_eq!(formats(&[], "a"), (true, true));
        assert_eq!(
            formats(&[("only", ":all:"), ("no", "Docopt")], "docopt"),
            (false, true)
        );
        assert_eq!(
            formats(&[("only", ":all:"), ("no", "docopt")], "a"),
            (true, false)
        );
        assert_eq!(
            formats(&[("no", "a"), ("only", ":all:")], "a"),
            (true, false)
        );
        assert_eq!(formats(&[("no", "a,b"), ("only", "b")], "b"), (true, false));
        assert_eq!(formats(&[("no", "x,:all:,y")], "y"), (false, true));
        assert_eq!(formats(&[("no", ":all:,:none:,y")], "x"), (true, true));
        assert_eq!(
            formats(&[("no", ":all:"), ("no", ":none:")], "x"),
            (true, true)
        );
    }

    #[test]
    fn words_that_are_no_names_are_named() {
        assert_eq!(
            BuildPolicy::default().add_no_binary("a,b c"),
            Err("b c".into())
        );
    }

    #[test]
    fn later_manifests_win_and_lower_layers_give_way() {
        let url = |text: &str| Url::parse(text).expect("valid");
        let one = IndexOptions {
            index_url: Some(url("https://one.example/simple")),
            extra_index_urls: vec![url("https://extra.example/simple")],
            ..IndexOptions::default()
        };
        let two = IndexOptions {
            index_url: Some(url("https://two.example/simple")),
            no_index: true,
            ..IndexOptions::default()
        };
        let merged = one.clone().merge(two.clone());
        assert_eq!(merged.index_url, two.index_url);
        assert_eq!(merged.extra_index_urls, one.extra_index_urls);
        assert_eq!(two.clone().over(one.clone()).index_url, two.index_url);
        assert_eq!(two.over(one.clone()).extra_index_urls, one.extra_index_urls);
    }
}
