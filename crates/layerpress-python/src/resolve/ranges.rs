//! Version specifiers as sets of versions, the only form that the solver computes with.
//!
//! `VersionSpecifiers` come in, `Ranges<Version>` go out, and ranges come back as text for people.
//! A set holds exactly the versions that PEP 440 admits, local ones included: `==1.0` admits
//! `1.0+cpu`. PEP 440 versions are dense almost everywhere, but every version has a least
//! successor above all of its local variants (`1.0` → `1.0.post0.dev0`), so that equal sets can
//! always be written with equal bounds; the solver relies on it.

use std::fmt::Write as _;
use std::ops::Bound;

use pep440_rs::{Operator, Prerelease, Version, VersionSpecifier, VersionSpecifiers};
use pubgrub::Ranges;

/// The versions that every one of `specifiers` admits.
#[must_use]
pub fn admitted(specifiers: &VersionSpecifiers) -> Ranges<Version> {
    let mut parts = specifiers.iter().map(admitted_by);
    let Some(first) = parts.next() else {
        return Ranges::full();
    };
    parts.fold(first, |all, part| all.intersection(&part))
}

/// The versions that one specifier admits (PEP 440, "Version specifiers").
fn admitted_by(specifier: &VersionSpecifier) -> Ranges<Version> {
    let version = specifier.version().clone();
    match specifier.operator() {
        Operator::Equal => equal_to(version),
        Operator::NotEqual => equal_to(version).complement(),
        Operator::ExactEqual => Ranges::singleton(version),
        Operator::EqualStar => starting_with(&version),
        Operator::NotEqualStar => starting_with(&version).complement(),
        Operator::GreaterThanEqual => Ranges::higher_than(version),
        Operator::LessThanEqual => {
            let end = above_locals(&version);
            Ranges::strictly_lower_than(end)
        }
        Operator::TildeEqual => compatible_with(version),
        Operator::LessThan => Ranges::strictly_lower_than(first_of(version)),
        Operator::GreaterThan => above(version),
    }
}

/// A version without a local label stands for all of its local variants too.
fn equal_to(version: Version) -> Ranges<Version> {
    if version.is_local() {
        return Ranges::singleton(version);
    }
    let end = above_locals(&version);
    Ranges::from_range_bounds(version..end)
}

/// The least version above `version` and all of its local variants.
fn above_locals(version: &Version) -> Version {
    let version = version.clone().without_local();
    match (version.dev(), version.post()) {
        (Some(dev), _) => version.with_dev(Some(dev.saturating_add(1))),
        (None, Some(post)) => version
            .with_post(Some(post.saturating_add(1)))
            .with_dev(Some(0)),
        (None, None) => version.with_post(Some(0)).with_dev(Some(0)),
    }
}

/// The least version that `<version` shuts out: pre-releases of a final version are not before it.
fn first_of(version: Version) -> Version {
    if version.any_prerelease() {
        version
    } else {
        version.with_dev(Some(0))
    }
}

/// What is greater than `version`: not its local variants, nor its post-releases unless it is one.
fn above(version: Version) -> Ranges<Version> {
    if version.is_dev() || version.is_post() {
        return Ranges::higher_than(above_locals(&version));
    }
    if let Some(pre) = version.pre() {
        let next = Prerelease {
            kind: pre.kind,
            number: pre.number.saturating_add(1),
        };
        return Ranges::higher_than(version.with_pre(Some(next)).with_dev(Some(0)));
    }
    // No version is the least above all post-releases of a final one; `max` stands for that place.
    Ranges::strictly_higher_than(version.without_local().with_max(Some(0)))
}

/// `==1.2.*`: every version whose release starts so, from its first development release on.
fn starting_with(prefix: &Version) -> Ranges<Version> {
    let low = prefix.clone().without_local().with_dev(Some(0));
    let mut release = low.release().to_vec();
    let Some(last) = release.last_mut() else {
        return Ranges::full();
    };
    let Some(next) = last.checked_add(1) else {
        return Ranges::higher_than(low);
    };
    *last = next;
    let high = low.clone().with_release(release);
    Ranges::from_range_bounds(low..high)
}

/// `~=1.2.3`: at least that, and below the next `1.3`.
fn compatible_with(version: Version) -> Ranges<Version> {
    let Some((_, kept)) = version.release().split_last() else {
        return Ranges::full();
    };
    let mut release = kept.to_vec();
    let Some(next) = release.last().and_then(|last| last.checked_add(1)) else {
        return Ranges::higher_than(version);
    };
    if let Some(last) = release.last_mut() {
        *last = next;
    }
    let end = Version::new(release)
        .with_epoch(version.epoch())
        .with_dev(Some(0));
    Ranges::from_range_bounds(version..end)
}

/// Whether the set pins one version, its local variants aside.
pub(crate) fn is_pin(range: &Ranges<Version>) -> bool {
    range.as_singleton().is_some()
        || range.iter().all(|(low, high)| match (low, high) {
            (Bound::Included(low), Bound::Excluded(high)) => {
                !low.is_local() && above_locals(low) == *high
            }
            _ => false,
        })
}

/// Whether a `Requires-Python` lets `python` in.
///
/// Only its lower end counts, on release numbers alone, as uv has it: upper bounds there say what
/// was known when the file was published, and honouring them picks ancient releases instead.
#[must_use]
pub fn python_admitted(specifiers: &VersionSpecifiers, python: &Version) -> bool {
    let python = python.only_release();
    let range = specifiers
        .iter()
        .map(python_range)
        .fold(Ranges::full(), |all: Ranges<Version>, part| {
            all.intersection(&part)
        });
    match range.bounding_range().map(|(low, _)| low) {
        Some(Bound::Included(low)) => *low <= python,
        Some(Bound::Excluded(low)) => *low < python,
        Some(Bound::Unbounded) | None => true,
    }
}

/// The Pythons that a `Requires-Python` names, on release numbers alone.
pub(crate) fn python_range(specifier: &VersionSpecifier) -> Ranges<Version> {
    let version = specifier.version().only_release();
    match specifier.operator() {
        Operator::Equal | Operator::ExactEqual => Ranges::singleton(version),
        Operator::NotEqual => Ranges::singleton(version).complement(),
        Operator::LessThan => Ranges::strictly_lower_than(version),
        Operator::LessThanEqual => Ranges::lower_than(version),
        Operator::GreaterThan => Ranges::strictly_higher_than(version),
        Operator::GreaterThanEqual => Ranges::higher_than(version),
        Operator::TildeEqual => only_releases(&compatible_with(version)),
        Operator::EqualStar => only_releases(&starting_with(&version)),
        Operator::NotEqualStar => only_releases(&starting_with(&version)).complement(),
    }
}

fn only_releases(range: &Ranges<Version>) -> Ranges<Version> {
    let plain = |bound: Bound<&Version>| bound.map(Version::only_release);
    range
        .iter()
        .map(|(low, high)| (plain(low), plain(high)))
        .collect()
}

/// The set as a person would write it: `>=1.0,<2` or `==1.4.2`, single versions and series that are
/// left out as `!=1.5` or `!=1.5.*`, other alternatives joined by `or`.
pub(crate) fn describe(range: &Ranges<Version>) -> String {
    let mut text = String::new();
    let mut segments = range.iter().peekable();
    while let Some((low, mut high)) = segments.next() {
        let mut left_out = String::new();
        while let Some((next_low, next_high)) = segments.peek().copied()
            && let Some(hole) = hole(high, next_low)
        {
            left_out.push(',');
            left_out.push_str(&hole);
            high = next_high;
            segments.next();
        }
        if !text.is_empty() {
            text.push_str(" or ");
        }
        let start = text.len();
        describe_segment(&mut text, low, high);
        let joined = text.len() > start;
        text.push_str(if joined {
            &left_out
        } else {
            left_out.trim_start_matches(',')
        });
    }
    text
}

/// What `!=` would leave out just so.
fn hole(start: Bound<&Version>, end: Bound<&Version>) -> Option<String> {
    let (Bound::Excluded(start), Bound::Included(end)) = (start, end) else {
        return None;
    };
    if above_locals(start) == *end {
        return Some(format!("!={start}"));
    }
    let prefix = plain_start(start);
    let series = starting_with(&prefix);
    (series == Ranges::from_range_bounds(start.clone()..end.clone()))
        .then(|| format!("!={prefix}.*"))
}

fn describe_segment(text: &mut String, low: Bound<&Version>, high: Bound<&Version>) {
    if let (Bound::Included(low), Bound::Excluded(high)) = (low, high)
        && above_locals(low) == *high
    {
        let _ = write!(text, "=={low}");
        return;
    }
    if let (Bound::Included(low), Bound::Included(high)) = (low, high)
        && low == high
    {
        let _ = write!(text, "=={low}");
        return;
    }
    let start = text.len();
    match low {
        Bound::Included(low) => {
            let _ = match below_successor(low) {
                Some(version) => write!(text, ">{version}"),
                None => write!(text, ">={}", plain_start(low)),
            };
        }
        Bound::Excluded(low) => {
            let _ = write!(text, ">{}", low.clone().with_max(None));
        }
        Bound::Unbounded => {}
    }
    let comma = if text.len() > start { "," } else { "" };
    match high {
        Bound::Included(high) => {
            let _ = write!(text, "{comma}<={}", high.clone().with_max(None));
        }
        Bound::Excluded(high) => {
            let _ = match below_successor(high) {
                Some(version) => write!(text, "{comma}<={version}"),
                None => write!(text, "{comma}<{}", plain_start(high)),
            };
        }
        Bound::Unbounded => {}
    }
}

/// `1.0.post0.dev0` as a bound came from `<=1.0` or `>1.0`.
fn below_successor(end: &Version) -> Option<Version> {
    if end.dev() != Some(0) {
        return None;
    }
    let end = end.clone().with_dev(None);
    match end.post() {
        Some(0) => Some(end.with_post(None)),
        Some(post) => Some(end.with_post(Some(post - 1))),
        None => None,
    }
}

/// `1.0.dev0` as a bound came from `1.0` or `1.0.*`.
fn plain_start(bound: &Version) -> Version {
    if bound.dev() == Some(0) && !bound.is_pre() && !bound.is_post() {
        bound.clone().with_dev(None)
    } else {
        bound.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use proptest::prelude::*;

    use super::*;

    fn version(text: &str) -> Version {
        Version::from_str(text).unwrap()
    }

    fn range(text: &str) -> Ranges<Version> {
        admitted(&VersionSpecifiers::from_str(text).unwrap())
    }

    #[test]
    fn a_pin_admits_local_variants() {
        assert!(range("==1.0").contains(&version("1.0+cpu")));
        assert!(range("<=1.0").contains(&version("1.0+cpu")));
        assert!(!range("!=1.0").contains(&version("1.0+cpu")));
        assert!(!range(">1.0").contains(&version("1.0+cpu")));
        assert!(!range("==1.0+cpu").contains(&version("1.0")));
        assert!(!range("==1.0").contains(&version("1.0.post0.dev0")));
    }

    #[test]
    fn equal_sets_are_written_alike() {
        assert_eq!(range(">1.0a1"), range(">=1.0a2.dev0"));
        assert_eq!(range("<=1.0"), range("<1.0.post0.dev0"));
        assert_eq!(range("==1.0"), range(">=1.0,<=1.0"));
        assert_eq!(range("==1.2.*"), range(">=1.2.dev0,<1.3.dev0"));
    }

    #[test]
    fn boundaries_follow_pep_440() {
        for (specifiers, admitted, refused) in [
            ("<0.2.0", "0.1.9", "0.2.0a1"),
            ("<0.2.0b1", "0.2.0a1", "0.2.0b1"),
            ("<1.0.post1", "1.0.post0", "1.0.post1.dev0"),
            (">1.0", "1.0.1.dev0", "1.0.post1"),
            (">1.0.post0", "1.0.post1.dev0", "1.0.post0+a"),
            (">1.0.dev1", "1.0.dev2", "1.0.dev1+x"),
            ("~=1.4.5", "1.4.9", "1.5"),
            ("~=2.2.post3", "2.3", "2.2.post2"),
            ("==1!1.*", "1!1.5", "1.5"),
        ] {
            assert!(
                range(specifiers).contains(&version(admitted)),
                "{specifiers} admits {admitted}"
            );
            assert!(
                !range(specifiers).contains(&version(refused)),
                "{specifiers} refuses {refused}"
            );
        }
    }

    #[test]
    fn pins_are_recognised() {
        assert!(is_pin(&range("==1.0")));
        assert!(is_pin(&range("==1.0+cpu")));
        assert!(is_pin(&range(">=1.0,<=1.0")));
        assert!(!is_pin(&range("==1.*")));
        assert!(!is_pin(&Ranges::full()));
    }

    #[test]
    fn only_the_lower_end_of_requires_python_counts() {
        let python = version("3.13.2");
        for (specifiers, fits) in [
            (">=3.8", true),
            (">=3.8,<3.12", true),
            ("!=3.13.*", true),
            (">=3.14", false),
            (">3.13.2", false),
            (">=3.13.0b1", true),
            ("~=3.13", true),
            ("==3.14.*", false),
            ("", true),
        ] {
            let parsed = VersionSpecifiers::from_str(specifiers).unwrap();
            assert_eq!(python_admitted(&parsed, &python), fits, "{specifiers}");
        }
    }

    #[test]
    fn ranges_read_as_people_write_them() {
        for text in [
            "==1.0",
            ">=1.0,<2",
            "<=1.5",
            ">1.0",
            "<2",
            "==1.0+cpu",
            ">=1.0a1",
        ] {
            assert_eq!(describe(&range(text)), text);
        }
        assert_eq!(describe(&range("==1.2.*")), ">=1.2,<1.3");
        for text in ["!=1.5", ">=1.0,<2,!=1.5,!=1.6.*", ">=1,!=1.5.1", "!=1.*"] {
            assert_eq!(describe(&range(text)), text);
        }
        let two = range("<1.5").union(&range(">1.7,!=1.9"));
        assert_eq!(describe(&two), "<1.5 or >1.7,!=1.9");
    }

    fn any_version() -> impl Strategy<Value = Version> {
        let release = prop_oneof![
            Just("1"),
            Just("1.0"),
            Just("1.1"),
            Just("1.0.1"),
            Just("2")
        ];
        let pre = prop_oneof![3 => Just(""), 1 => Just("a1"), 1 => Just("rc2")];
        let post = prop_oneof![3 => Just(""), 1 => Just(".post0"), 1 => Just(".post1")];
        let dev = prop_oneof![3 => Just(""), 1 => Just(".dev0"), 1 => Just(".dev1")];
        let local = prop_oneof![3 => Just(""), 1 => Just("+cpu"), 1 => Just("+cu118.1")];
        let epoch = prop_oneof![4 => Just(""), 1 => Just("1!")];
        (epoch, release, pre, post, dev, local).prop_map(
            |(epoch, release, pre, post, dev, local)| {
                version(&format!("{epoch}{release}{pre}{post}{dev}{local}"))
            },
        )
    }

    proptest! {
        /// `VersionSpecifier::contains` is the measure, except where it departs from PEP 440: `<`
        /// and `>` of a pre- or post-release, or of another epoch.
        #[test]
        fn sets_agree_with_the_specifier(
            operator in prop_oneof![
                Just("=="), Just("!="), Just(">="), Just("<="), Just("<"), Just(">"),
            ],
            bound in any_version(),
            candidate in any_version(),
        ) {
            let bound = match operator {
                "==" | "!=" => bound,
                "<" | ">" => Version::new(bound.release()).with_epoch(bound.epoch()),
                _ => bound.without_local(),
            };
            prop_assume!(!matches!(operator, "<" | ">") || bound.epoch() == candidate.epoch());
            let text = format!("{operator}{bound}");
            let specifier = VersionSpecifier::from_str(&text).unwrap();
            prop_assert_eq!(
                admitted_by(&specifier).contains(&candidate),
                specifier.contains(&candidate),
                "{} and {}", text, candidate
            );
        }

        #[test]
        fn star_and_compatible_agree_with_the_specifier(
            operator in prop_oneof![Just("==1.0.*"), Just("!=1.1.*"), Just("~=1.0.0"), Just("==1!1.*")],
            candidate in any_version(),
        ) {
            let specifier = VersionSpecifier::from_str(operator).unwrap();
            // `contains` takes `1` for part of every `1.x.*` series, and ignores epochs in `!=`.
            prop_assume!(candidate.epoch() == specifier.version().epoch());
            prop_assume!(candidate.release().len() >= specifier.version().release().len());
            prop_assert_eq!(
                admitted_by(&specifier).contains(&candidate),
                specifier.contains(&candidate),
                "{} and {}", operator, candidate
            );
        }

        #[test]
        fn the_successor_is_above_every_local_variant(base in any_version()) {
            let base = base.without_local();
            let local = version(&format!("{base}+zzz.999"));
            let successor = above_locals(&base);
            prop_assert!(local < successor);
            prop_assert!(base < local);
        }
    }
}
