//! The name of a package, checked before it meets a path or an address.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// A name that npm takes for a package, old ones included: capitals and `~'!()*` are allowed.
///
/// Cheap to clone. A scoped name has exactly one slash, any other none; no part begins with a
/// period, so `node_modules/<name>` is always a folder below `node_modules`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageName(Arc<str>);

/// Why a text is no name of a package; [`Display`](fmt::Display) says it in a few words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameFault {
    /// There is nothing.
    Empty,
    /// More than 214 characters (npm's own limit for new packages).
    TooLong,
    /// It begins with this character, which npm reserves.
    Begins(char),
    /// White space before or after it.
    Padded,
    /// `node_modules` or `favicon.ico`.
    Reserved,
    /// A character that does not go into an address as it is, or a slash too many.
    Character,
}

impl PackageName {
    /// Takes a text as a name (`validate-npm-package-name`: valid for old packages).
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<PackageName, NameFault> {
        if text.is_empty() {
            return Err(NameFault::Empty);
        }
        if text.len() > 214 && text.chars().count() > 214 {
            return Err(NameFault::TooLong);
        }
        if let Some(first) = text.chars().next().filter(|c| ".-_".contains(*c)) {
            return Err(NameFault::Begins(first));
        }
        if text.trim() != text {
            return Err(NameFault::Padded);
        }
        if ["node_modules", "favicon.ico"]
            .iter()
            .any(|reserved| text.eq_ignore_ascii_case(reserved))
        {
            return Err(NameFault::Reserved);
        }
        let parts = match text.strip_prefix('@') {
            Some(scoped) => scoped.split_once('/').ok_or(NameFault::Character)?,
            None => ("scope", text),
        };
        for part in [parts.0, parts.1] {
            if part.is_empty() || !part.chars().all(goes_into_an_address) {
                return Err(NameFault::Character);
            }
        }
        if parts.1.starts_with('.') {
            return Err(NameFault::Begins('.'));
        }
        Ok(PackageName(text.into()))
    }

    /// The name as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The scope with its `@`, if there is one.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.0
            .starts_with('@')
            .then(|| self.0.split('/').next())
            .flatten()
    }

    /// The name as one segment of a registry's address: the slash of a scope is `%2f`.
    #[must_use]
    pub fn escaped(&self) -> String {
        self.0.replace('/', "%2f")
    }
}

/// What JavaScript's `encodeURIComponent` leaves alone.
pub(crate) fn goes_into_an_address(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.!~*'()".contains(c)
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Borrow<str> for PackageName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NameFault::Empty => f.write_str("it is empty"),
            NameFault::TooLong => f.write_str("it has more than 214 characters"),
            NameFault::Begins(first) => write!(f, "it begins with `{first}`"),
            NameFault::Padded => f.write_str("white space surrounds it"),
            NameFault::Reserved => f.write_str("npm reserves it"),
            NameFault::Character => {
                f.write_str("it holds a character that a registry address cannot")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_npm_takes_are_taken() {
        for text in [
            "a",
            "lodash.get",
            "JSONStream",
            "@scope/name",
            "@a.b/c_d",
            "x~'!()*",
            "@../x",
        ] {
            assert_eq!(PackageName::parse(text).unwrap().as_str(), text);
        }
        let scoped = PackageName::parse("@aws-sdk/client-s3").unwrap();
        assert_eq!(scoped.scope(), Some("@aws-sdk"));
        assert_eq!(scoped.escaped(), "@aws-sdk%2fclient-s3");
        assert_eq!(PackageName::parse("express").unwrap().scope(), None);
    }

    #[test]
    fn hostile_names_are_refused() {
        for text in [
            "",
            ".bin",
            "..",
            "-rf",
            "_x",
            " a",
            "a ",
            "node_modules",
            "Node_Modules",
            "favicon.ico",
            "a/b",
            "../a",
            "@a/../b",
            "@a/.b",
            "@a/..",
            "@/b",
            "@a/",
            "@a",
            "a\\b",
            "a b",
            "a\0",
            "é",
            "@a/b/c",
            "a?b",
            "a%2fb",
            "http://x",
            "\u{202e}a",
        ] {
            assert!(PackageName::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(
            PackageName::parse(&"a".repeat(215)),
            Err(NameFault::TooLong)
        );
    }
}
