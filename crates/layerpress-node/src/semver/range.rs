//! A range of versions: alternatives, each a set of comparators that must all hold.

use std::fmt;

use super::comparator::Comparator;
use super::desugar;
use super::scan::is_space;
use super::version::Version;

/// How a range is read. npm reads what packages want [loosely](Reading::LOOSE), what their
/// `engines` want as [`Reading::ENGINES`], and the keys of overrides [strictly](Reading::STRICT).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reading {
    /// Loose forms are taken, and words that mean nothing are passed over.
    pub(super) loose: bool,
    /// A prerelease is in a range whenever it lies between its bounds.
    pub(super) prereleases: bool,
}

impl Reading {
    /// As npm reads dependencies: loose; a prerelease only where a comparator names one of the
    /// same three numbers.
    pub const LOOSE: Reading = Reading {
        loose: true,
        prereleases: false,
    };
    /// The same, without the loose forms.
    pub const STRICT: Reading = Reading {
        loose: false,
        prereleases: false,
    };
    /// As npm reads `engines`: strict, prereleases of Node.js included.
    pub const ENGINES: Reading = Reading {
        loose: false,
        prereleases: true,
    };
    /// Loose, prereleases included.
    pub const LOOSE_WITH_PRERELEASES: Reading = Reading {
        loose: true,
        prereleases: true,
    };
}

/// A range of versions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Range {
    /// Never empty; no alternative is empty.
    pub(super) alternatives: Vec<Vec<Comparator>>,
    pub(super) reading: Reading,
}

/// A text that npm does not take for a range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a range of versions")]
pub struct RangeError {
    /// The text, its white space reduced.
    pub text: String,
}

impl Range {
    /// Reads a range.
    ///
    /// # Errors
    /// When no alternative can be read, or one names a number above 2^53.
    pub fn parse(text: &str, reading: Reading) -> Result<Range, RangeError> {
        let words: Vec<&str> = text
            .split(is_space)
            .filter(|word| !word.is_empty())
            .collect();
        let text = words.join(" ");
        match read(&text, reading) {
            Some(alternatives) => Ok(Range {
                alternatives,
                reading,
            }),
            None => Err(RangeError { text }),
        }
    }

    /// Whether the version is in the range.
    #[must_use]
    pub fn admits(&self, version: &Version) -> bool {
        self.alternatives.iter().any(|comparators| {
            comparators
                .iter()
                .all(|comparator| comparator.admits(version))
                && (self.reading.prereleases
                    || !version.is_prerelease()
                    || comparators
                        .iter()
                        .any(|comparator| names(comparator, version)))
        })
    }

    /// Whether the text is a version, read as the range was, and in it.
    #[must_use]
    pub fn admits_text(&self, version: &str) -> bool {
        Version::read(version, self.reading.loose).is_some_and(|version| self.admits(&version))
    }

    /// The highest of the versions that is in the range; of equal ones the first.
    #[must_use]
    pub fn highest<'v>(
        &self,
        versions: impl IntoIterator<Item = &'v Version>,
    ) -> Option<&'v Version> {
        let mut highest: Option<&Version> = None;
        for version in versions {
            if self.admits(version) && highest.is_none_or(|found| found < version) {
                highest = Some(version);
            }
        }
        highest
    }

    /// Whether every version is in the range, prereleases apart.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.alternatives
            .iter()
            .any(|comparators| comparators.as_slice() == [Comparator::Any])
    }
}

/// Writes the primitive comparators, `||` between the alternatives.
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, comparators) in self.alternatives.iter().enumerate() {
            f.write_str(if at > 0 { "||" } else { "" })?;
            for (at, comparator) in comparators.iter().enumerate() {
                f.write_str(if at > 0 { " " } else { "" })?;
                comparator.fmt(f)?;
            }
        }
        Ok(())
    }
}

fn read(text: &str, reading: Reading) -> Option<Vec<Vec<Comparator>>> {
    let mut alternatives = Vec::new();
    for part in text.split("||") {
        let comparators = desugar::alternative(part.trim_matches(is_space), reading)?;
        if !comparators.is_empty() {
            alternatives.push(comparators);
        }
    }
    if alternatives.len() < 2 {
        return alternatives.into_iter().next().map(|only| vec![only]);
    }
    // Of several, those that admit nothing say nothing, and one that admits all says it all.
    let all_null = alternatives
        .iter()
        .all(|comparators| comparators[0].is_null());
    if all_null {
        alternatives.truncate(1);
        return Some(alternatives);
    }
    alternatives.retain(|comparators| !comparators[0].is_null());
    match alternatives
        .iter()
        .any(|comparators| comparators.as_slice() == [Comparator::Any])
    {
        true => Some(vec![vec![Comparator::Any]]),
        false => Some(alternatives),
    }
}

/// Whether the comparator names a prerelease of the same three numbers.
fn names(comparator: &Comparator, version: &Version) -> bool {
    matches!(comparator, Comparator::Versus(_, other)
        if other.is_prerelease() && other.same_numbers(version))
}
