//! The version that npm would choose (`npm-pick-manifest`).

use rustc_hash::FxHashMap;

use crate::packument::{Packument, VersionView};
use crate::semver::{Range, Reading, Version};
use crate::spec::Wanted;

/// What a version is chosen for.
#[derive(Clone, Debug)]
pub struct PickOptions {
    /// The version of Node.js that will run it.
    pub node: Version,
    /// Nothing published after this moment, in seconds since 1970, where the registry says when.
    pub before: Option<i64>,
}

/// No version of a package is what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: no version is `{wanted}`{}", if *.before { " and old enough" } else { "" })]
pub struct PickError {
    /// The package.
    pub name: String,
    /// What was asked for.
    pub wanted: String,
    /// Whether some versions were too new to be looked at.
    pub before: bool,
    /// Up to five existing versions near it, highest first.
    pub nearest: Vec<String>,
    /// The tags that exist, when one was asked for.
    pub tags: Vec<String>,
}

impl PickError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self.tags.as_slice() {
            [] => {}
            [only] => return format!("its only tag is `{only}`"),
            tags => return format!("its tags are {}", listed(tags)),
        }
        match self.nearest.as_slice() {
            [] => "no version is old enough".to_owned(),
            nearest => format!("the nearest are {}", listed(nearest)),
        }
    }
}

fn listed(names: &[String]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Chooses a version: exactly the one or the tag asked for; of a range what `latest` points at if
/// that is in it, else the highest, those before others that are neither deprecated nor for another
/// Node.js.
///
/// # Errors
/// When there is no such version.
pub fn pick<'p>(
    packument: &'p Packument,
    wanted: &Wanted,
    options: &PickOptions,
) -> Result<VersionView<'p>, PickError> {
    let chosen = match wanted {
        Wanted::Version(text) => Version::clean(text)
            .and_then(|version| packument.version(&version.to_string()))
            .filter(|version| is_old_enough(version, options)),
        Wanted::Tag(tag) => packument
            .tag(tag)
            .and_then(|text| match packument.version(text) {
                Some(version) if !is_old_enough(&version, options) => {
                    let range = Range::parse(&format!("<={text}"), Reading::LOOSE).ok()?;
                    in_range(packument, &range, false, options)
                }
                version => version,
            }),
        Wanted::Range(range, text) => {
            in_range(packument, range, matches!(text.as_str(), "" | "*"), options)
        }
    };
    chosen.ok_or_else(|| not_found(packument, wanted, options))
}

/// The best version in a range; `any` when it was written as `*`, which `latest` always meets.
fn in_range<'p>(
    packument: &'p Packument,
    range: &Range,
    any: bool,
    options: &PickOptions,
) -> Option<VersionView<'p>> {
    let mut engines = Engines {
        node: &options.node,
        known: FxHashMap::default(),
    };
    let latest = packument.tag("latest");
    if let Some(latest) = latest.filter(|latest| any || range.admits_text(latest))
        && let Some(version) = packument.version(latest)
        && is_old_enough(&version, options)
        && engines.admit(&version)
        && version.deprecated().is_none()
    {
        return Some(version);
    }
    let mut best: Option<((bool, bool, bool), VersionView<'p>)> = None;
    for version in packument.versions() {
        if !is_old_enough(&version, options) || !range.admits_text(version.text()) {
            continue;
        }
        let (runs, current) = (engines.admit(&version), version.deprecated().is_none());
        let rank = (runs && current, runs, current);
        if rank.0 && best.is_none() {
            return Some(version);
        }
        // Of equal rank the first stays: it is the highest.
        if best.is_none_or(|(found, _)| found < rank) {
            best = Some((rank, version));
        }
    }
    best.map(|(_, version)| version)
}

fn is_old_enough(version: &VersionView<'_>, options: &PickOptions) -> bool {
    match (options.before, version.published()) {
        (Some(before), Some(published)) => published <= before,
        _ => true,
    }
}

/// Which ranges of Node.js hold the target's; few texts serve many versions.
struct Engines<'p> {
    node: &'p Version,
    known: FxHashMap<&'p str, bool>,
}

impl<'p> Engines<'p> {
    fn admit(&mut self, version: &VersionView<'p>) -> bool {
        let Some(text) = version.node().filter(|text| !text.is_empty()) else {
            return true;
        };
        *self
            .known
            .entry(text)
            .or_insert_with(|| node_admits(text, self.node))
    }
}

/// Whether `engines.node` admits a version of Node.js; a range that cannot be read admits none.
#[must_use]
pub fn node_admits(engines: &str, node: &Version) -> bool {
    Range::parse(engines, Reading::ENGINES).is_ok_and(|range| range.admits(node))
}

fn not_found(packument: &Packument, wanted: &Wanted, options: &PickOptions) -> PickError {
    let tags = match wanted {
        Wanted::Tag(_) => packument
            .tags()
            .map(|(tag, _)| tag.to_owned())
            .take(10)
            .collect(),
        _ => Vec::new(),
    };
    let old_enough: Vec<VersionView<'_>> = packument
        .versions()
        .filter(|version| is_old_enough(version, options))
        .collect();
    let before = old_enough.len() < packument.versions().count();
    let at = near(wanted).map_or(0, |near| {
        old_enough
            .iter()
            .position(|v| Version::loose(v.text()).is_none_or(|version| version <= near))
            .unwrap_or(old_enough.len())
    });
    let start = at.saturating_sub(2).min(old_enough.len().saturating_sub(5));
    let nearest = old_enough
        .iter()
        .skip(start)
        .take(5)
        .map(|v| v.text().to_owned())
        .collect();
    PickError {
        name: packument.name().to_string(),
        wanted: wanted.text().to_owned(),
        before,
        nearest,
        tags,
    }
}

/// A version to look near to: the first whole one that the text names.
fn near(wanted: &Wanted) -> Option<Version> {
    let text = wanted.text();
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let text = &text[start..];
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !".-".contains(c));
    let text = &text[..end.unwrap_or(text.len())];
    [text.to_owned(), format!("{text}.0"), format!("{text}.0.0")]
        .iter()
        .find_map(|text| Version::loose(text))
}

#[cfg(test)]
mod tests {
    use rkyv::util::AlignedVec;

    use super::*;
    use crate::name::PackageName;
    use crate::packument::compile;
    use crate::spec::wanted;

    const OLD: &str = r#"{"dist-tags": {"latest": "1.5.0", "next": "2.0.0-rc.2", "gone": "9.0.0"},
        "time": {"1.0.0": "2020-01-01T00:00:00Z", "1.5.0": "2022-01-01T00:00:00Z",
                 "1.6.0": "2023-01-01T00:00:00Z", "2.0.0-rc.2": "2024-01-01T00:00:00Z"},
        "versions": {
            "1.0.0": {}, "1.1.0": {"engines": {"node": ">=4"}},
            "1.2.0": {"engines": {"node": ">=99"}}, "1.3.0": {"deprecated": "no"},
            "1.4.0": {"deprecated": "no", "engines": {"node": ">=99"}}, "1.5.0": {},
            "1.6.0": {}, "2.0.0-rc.1": {}, "2.0.0-rc.2": {}, "3.0.0": {"deprecated": "x"},
            "3.1.0": {"engines": {"node": "what"}}}}"#;

    fn packument(json: &str) -> Packument {
        let name = PackageName::parse("a").unwrap();
        let mut bytes = AlignedVec::<16>::new();
        bytes.extend_from_slice(&compile(&name, json.as_bytes()).unwrap());
        Packument::open(name, Box::new(bytes)).unwrap()
    }

    fn options(before: Option<&str>) -> PickOptions {
        let before = before.map(|text| text.parse::<jiff::Timestamp>().unwrap().as_second());
        PickOptions {
            node: Version::strict("22.11.0").unwrap(),
            before,
        }
    }

    fn picked(text: &str, before: Option<&str>) -> String {
        let packument = packument(OLD);
        let picked = pick(&packument, &wanted("a", text).unwrap(), &options(before));
        picked.map_or_else(
            |error| format!("{error}\nhint: {}", error.hint()),
            |v| v.text().into(),
        )
    }

    #[test]
    fn latest_is_preferred_then_what_runs_and_is_not_deprecated() {
        for (text, version) in [
            ("*", "1.5.0"),
            ("", "1.5.0"),
            ("^1", "1.5.0"),
            (">=1.5.1", "1.6.0"),
            ("^1.6", "1.6.0"),
            // Neither deprecated nor for another Node.js comes first, however old.
            (">=1.1.0 <1.5.0", "1.1.0"),
            // Deprecated before what does not run.
            (">=1.2.0 <1.5.0", "1.3.0"),
            // A range that cannot be read admits no Node.js.
            ("^3", "3.0.0"),
            ("^1.4 <1.5", "1.4.0"),
        ] {
            assert_eq!(picked(text, None), version, "{text}");
        }
    }

    #[test]
    fn exact_versions_and_tags_are_taken_as_they_are() {
        for (text, version) in [
            ("1.4.0", "1.4.0"),
            ("=v1.4.0", "1.4.0"),
            ("next", "2.0.0-rc.2"),
            ("2.0.0-rc.1", "2.0.0-rc.1"),
            ("^2.0.0-rc.1", "2.0.0-rc.2"),
        ] {
            assert_eq!(picked(text, None), version, "{text}");
        }
    }

    #[test]
    fn nothing_is_newer_than_the_date_where_the_registry_says() {
        assert_eq!(picked("*", Some("2021-06-01T00:00:00Z")), "1.1.0");
        assert_eq!(picked("^1.5", Some("2022-06-01T00:00:00Z")), "1.5.0");
        // A tag that is too new gives the highest below it.
        assert_eq!(picked("next", Some("2023-06-01T00:00:00Z")), "1.5.0");
    }

    #[test]
    fn what_there_is_not_is_named_with_what_there_is() {
        insta::assert_snapshot!(picked("^1.7", None), @r#"
        a: no version is `^1.7`
        hint: the nearest are `2.0.0-rc.2`, `2.0.0-rc.1`, `1.6.0`, `1.5.0`, `1.4.0`
        "#);
        insta::assert_snapshot!(picked("1.2.5", None), @r#"
        a: no version is `1.2.5`
        hint: the nearest are `1.4.0`, `1.3.0`, `1.2.0`, `1.1.0`, `1.0.0`
        "#);
        insta::assert_snapshot!(picked("beta", None), @r#"
        a: no version is `beta`
        hint: its tags are `latest`, `next`, `gone`
        "#);
        insta::assert_snapshot!(picked("gone", None), @r#"
        a: no version is `gone`
        hint: its tags are `latest`, `next`, `gone`
        "#);
        insta::assert_snapshot!(picked("1.6.0", Some("2020-06-01T00:00:00Z")), @r#"
        a: no version is `1.6.0` and old enough
        hint: the nearest are `3.0.0`, `2.0.0-rc.1`, `1.4.0`, `1.3.0`, `1.2.0`
        "#);
    }
}
