//! The primitive comparator, `>=1.2.3`, that every range comes down to.

use std::fmt;

use super::scan;
use super::version::Version;

/// How a comparator holds a version against its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Operator {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// One condition on a version.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Comparator {
    /// No condition; npm writes it as the empty text.
    Any,
    /// A version compared with this one.
    Versus(Operator, Version),
}

/// Why a text is no comparator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is something else; loose ranges pass over it.
    NotOne,
    /// It is one, with a number that npm refuses.
    Number,
}

impl Comparator {
    /// Reads one word: an operator and a whole version.
    pub(super) fn read(text: &str, loose: bool) -> Result<Comparator, Fault> {
        if text.is_empty() {
            return Ok(Comparator::Any);
        }
        let (operator, rest) = operator(text);
        match Version::read(rest, loose) {
            Some(version) => Ok(Comparator::Versus(operator, version)),
            None if scan::version(rest, loose).is_some() => Err(Fault::Number),
            None => Err(Fault::NotOne),
        }
    }

    pub(super) fn admits(&self, version: &Version) -> bool {
        let Comparator::Versus(operator, other) = self else {
            return true;
        };
        match operator {
            Operator::Equal => version == other,
            Operator::Less => version < other,
            Operator::LessOrEqual => version <= other,
            Operator::Greater => version > other,
            Operator::GreaterOrEqual => version >= other,
        }
    }

    /// Whether this is the comparator that npm writes for "nothing at all".
    pub(super) fn is_null(&self) -> bool {
        matches!(self, Comparator::Versus(Operator::Less, version) if version.is_lowest())
    }
}

impl fmt::Display for Comparator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Comparator::Versus(operator, version) = self else {
            return Ok(());
        };
        let sign = match operator {
            Operator::Equal => "",
            Operator::Less => "<",
            Operator::LessOrEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterOrEqual => ">=",
        };
        write!(f, "{sign}{version}")
    }
}

/// The operator that a text begins with; none and `=` are the same.
pub(super) fn operator(text: &str) -> (Operator, &str) {
    for (sign, operator) in [
        (">=", Operator::GreaterOrEqual),
        ("<=", Operator::LessOrEqual),
        (">", Operator::Greater),
        ("<", Operator::Less),
        ("=", Operator::Equal),
    ] {
        if let Some(rest) = text.strip_prefix(sign) {
            return (operator, rest);
        }
    }
    (Operator::Equal, text)
}
