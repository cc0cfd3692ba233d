//! Whether two ranges have anything in common, by npm's own reckoning.
//!
//! npm compares comparators pair by pair, which is not exact (`<0.0.0-x` is taken for empty, three
//! comparators may only meet in pairs); overrides are chosen by its answer, so its answer it is.

use super::comparator::{Comparator, Operator};
use super::range::{Range, Reading};
use super::version::Version;

impl Range {
    /// Whether npm takes the two ranges to have versions in common.
    #[must_use]
    pub fn intersects(&self, other: &Range) -> bool {
        let reading = self.reading;
        self.alternatives.iter().any(|mine| {
            satisfiable(mine, reading)
                && other.alternatives.iter().any(|theirs| {
                    satisfiable(theirs, reading)
                        && mine
                            .iter()
                            .all(|a| theirs.iter().all(|b| meet(a, b, reading)))
                })
        })
    }
}

fn satisfiable(comparators: &[Comparator], reading: Reading) -> bool {
    let mut rest = comparators;
    while let Some((last, before)) = rest.split_last() {
        if !before.iter().all(|other| meet(last, other, reading)) {
            return false;
        }
        rest = before;
    }
    true
}

fn meet(a: &Comparator, b: &Comparator, reading: Reading) -> bool {
    use Operator::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
    let Comparator::Versus(a_sign, a_version) = a else {
        return true;
    };
    if *a_sign == Equal {
        // Asked even of "any", which does not admit a prerelease: npm's answer has a direction.
        return alone(b, a_version, reading);
    }
    let Comparator::Versus(b_sign, b_version) = b else {
        return true;
    };
    if *b_sign == Equal {
        return alone(a, b_version, reading);
    }
    if nothing_below(*a_sign, a_version, reading) || nothing_below(*b_sign, b_version, reading) {
        return false;
    }
    let up = |sign| matches!(sign, Greater | GreaterOrEqual);
    if up(*a_sign) == up(*b_sign) {
        return true;
    }
    let inclusive = |sign| matches!(sign, LessOrEqual | GreaterOrEqual);
    let is_below = |sign| matches!(sign, Less | LessOrEqual);
    (a_version == b_version && inclusive(*a_sign) && inclusive(*b_sign))
        || (a_version < b_version && up(*a_sign) && is_below(*b_sign))
        || (a_version > b_version && is_below(*a_sign) && up(*b_sign))
}

/// Whether a version is in the range of one comparator.
fn alone(comparator: &Comparator, version: &Version, reading: Reading) -> bool {
    Range {
        alternatives: vec![vec![comparator.clone()]],
        reading,
    }
    .admits(version)
}

fn nothing_below(sign: Operator, version: &Version, reading: Reading) -> bool {
    match (sign, reading.prereleases) {
        (Operator::Less, true) => version.is_lowest(),
        (Operator::Less, false) => version.begins_with_zeros(),
        _ => false,
    }
}
