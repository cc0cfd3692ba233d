//! A version as npm reads it, strictly (`1.2.3-rc.1`) or loosely (`=v1.2.3rc1`).

use std::cmp::Ordering;
use std::fmt;

use node_semver::Identifier;

use super::scan::{self, Parts, is_space};

/// JavaScript's largest exact integer; npm refuses larger numbers.
pub(super) const MAX_NUMBER: u64 = 9_007_199_254_740_991;
/// The longest version that npm reads (semver `internal/constants.js`, `MAX_LENGTH`).
const MAX_LENGTH: usize = 256;

/// A version. Order and equality are precedence: build metadata takes no part in them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(node_semver::Version);

impl Version {
    /// Reads a version as the specification of Semantic Versioning writes it, a leading `v`
    /// apart. `None` for anything else.
    #[must_use]
    pub fn strict(text: &str) -> Option<Version> {
        Version::read(text, false)
    }

    /// Reads a version as npm reads what registries hold: `=`, `v` and spaces before it, leading
    /// zeros, and a prerelease without its hyphen are taken.
    #[must_use]
    pub fn loose(text: &str) -> Option<Version> {
        Version::read(text, true)
    }

    /// Reads what a person asks for as a version: as [`Version::loose`], signs before the number
    /// dropped.
    #[must_use]
    pub fn clean(text: &str) -> Option<Version> {
        Version::loose(text.trim_matches(is_space).trim_start_matches(['=', 'v']))
    }

    /// The first number.
    #[must_use]
    pub fn major(&self) -> u64 {
        self.0.major
    }

    /// Whether there is a prerelease part.
    #[must_use]
    pub fn is_prerelease(&self) -> bool {
        self.0.is_prerelease()
    }

    /// Orders by precedence and, of equal ones, by build metadata; none comes first.
    #[must_use]
    pub fn compare_build(&self, other: &Version) -> Ordering {
        self.cmp(other)
            .then_with(|| self.0.build.cmp(&other.0.build))
    }

    pub(super) fn same_numbers(&self, other: &Version) -> bool {
        (self.0.major, self.0.minor, self.0.patch) == (other.0.major, other.0.minor, other.0.patch)
    }

    /// Whether this is `0.0.0-0`, below which nothing is.
    pub(super) fn is_lowest(&self) -> bool {
        (self.0.major, self.0.minor, self.0.patch) == (0, 0, 0)
            && self.0.pre_release == [Identifier::Numeric(0)]
    }

    /// Whether the text of the version begins with `0.0.0`.
    pub(super) fn begins_with_zeros(&self) -> bool {
        (self.0.major, self.0.minor, self.0.patch) == (0, 0, 0)
    }

    pub(super) fn read(text: &str, loose: bool) -> Option<Version> {
        // There are never more UTF-16 units than bytes.
        if text.len() > MAX_LENGTH && text.encode_utf16().count() > MAX_LENGTH {
            return None;
        }
        Version::from_parts(&scan::version(text.trim_matches(is_space), loose)?)
    }

    fn from_parts(parts: &Parts<'_>) -> Option<Version> {
        let number = |text: Option<&str>| text?.parse().ok().filter(|n| *n <= MAX_NUMBER);
        Some(Version(node_semver::Version {
            major: number(Some(parts.major))?,
            minor: number(parts.minor)?,
            patch: number(parts.patch)?,
            pre_release: identifiers(parts.prerelease, identifier),
            build: identifiers(parts.build, |id| Identifier::AlphaNumeric(id.to_owned())),
        }))
    }
}

/// Writes the version without its build metadata, as npm does.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0.major, self.0.minor, self.0.patch)?;
        for (at, id) in self.0.pre_release.iter().enumerate() {
            write!(f, "{}{id}", if at == 0 { '-' } else { '.' })?;
        }
        Ok(())
    }
}

fn identifiers(text: Option<&str>, read: impl Fn(&str) -> Identifier) -> Vec<Identifier> {
    text.map(|text| text.split('.').map(read).collect())
        .unwrap_or_default()
}

fn identifier(id: &str) -> Identifier {
    let number = id
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| id.parse().ok())
        .flatten();
    match number {
        Some(number) if number < MAX_NUMBER => Identifier::Numeric(number),
        _ => Identifier::AlphaNumeric(id.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strict(text: &str) -> Option<String> {
        Version::strict(text).map(|v| v.to_string())
    }

    fn loose(text: &str) -> Option<String> {
        Version::loose(text).map(|v| v.to_string())
    }

    #[test]
    fn strict_versions_are_the_specifications_and_a_v() {
        for (text, read) in [
            ("1.2.3", Some("1.2.3")),
            ("v1.2.3", Some("1.2.3")),
            ("  1.2.3-rc.1+build.5 ", Some("1.2.3-rc.1")),
            ("1.2.3--", Some("1.2.3--")),
            ("=1.2.3", None),
            ("1.2", None),
            ("01.2.3", None),
            ("1.2.3-01", None),
            ("1.2.3-", None),
            ("1.2.3.4", None),
            ("1.2.9007199254740991", Some("1.2.9007199254740991")),
            ("1.2.9007199254740992", None),
            ("", None),
        ] {
            assert_eq!(strict(text).as_deref(), read, "{text:?}");
        }
    }

    #[test]
    fn loose_versions_are_what_registries_hold() {
        for (text, read) in [
            ("=v 1.2.3", Some("1.2.3")),
            ("01.02.03", Some("1.2.3")),
            ("1.2.3alpha.1", Some("1.2.3-alpha.1")),
            ("1.2.3-007", Some("1.2.3-7")),
            ("1.2.3-", Some("1.2.3--")),
            ("1.2.34.5", Some("1.2.3-4.5")),
            ("1.2.3.4", None),
            ("1.2beta4", None),
            ("V1.2.3", None),
        ] {
            assert_eq!(loose(text).as_deref(), read, "{text:?}");
        }
    }

    #[test]
    fn a_version_of_more_than_256_characters_is_refused() {
        let text = format!("1.2.3-{}", "a".repeat(250));
        assert_eq!(text.len(), 256);
        assert!(Version::strict(&text).is_some());
        assert!(Version::strict(&format!("{text}a")).is_none());
    }

    #[test]
    fn precedence_is_the_specifications() {
        let order = [
            "0.0.0-0",
            "0.0.0",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.1",
            "1.10.0",
            "10.0.0",
        ];
        for pair in order.windows(2) {
            let [a, b] = [pair[0], pair[1]].map(|text| Version::strict(text).unwrap());
            assert!(a < b, "{a} < {b}");
        }
        let [a, b] = ["1.0.0+a", "1.0.0+b"].map(|text| Version::strict(text).unwrap());
        assert_eq!(a, b);
        assert_eq!(a.compare_build(&b), Ordering::Less);
    }

    #[test]
    fn what_a_person_types_is_cleaned() {
        assert_eq!(Version::clean(" =v1.2.3 ").unwrap().to_string(), "1.2.3");
        assert_eq!(Version::clean("1.2"), None);
    }
}
