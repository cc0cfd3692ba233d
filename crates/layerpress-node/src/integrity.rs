//! What npm writes as `integrity`: digests of a tarball in the form of Subresource Integrity,
//! `sha512-<base64>`, several of them parted by spaces.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use layerpress_fetch::FetchError;
use layerpress_tree::{Algorithm, Digest};

/// The digests of a tarball.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Integrity {
    /// Those strong enough to trust; the tarball has to match the strongest algorithm's, of several
    /// by one algorithm any (`ssri`).
    pub digests: Vec<Digest>,
    /// A SHA-1, all that old packages have; never enough alone.
    pub sha1: Option<[u8; 20]>,
}

/// Why a text is no integrity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IntegrityError {
    /// There is nothing.
    #[error("holds no digest")]
    Empty,
    /// No algorithm that is known, or one that anybody can forge.
    #[error("`{0}` is too weak or not known")]
    Algorithm(String),
    /// No base64, or not as many bytes as the algorithm has.
    #[error("`{0}` is not a whole digest")]
    Damaged(String),
}

impl Integrity {
    /// Reads an `integrity`; unknown algorithms are passed over beside known ones.
    ///
    /// # Errors
    /// When no usable digest is in it, or a known one is damaged.
    pub fn parse(text: &str) -> Result<Integrity, IntegrityError> {
        let mut read = Integrity::default();
        let mut unknown = None;
        for word in text.split_ascii_whitespace() {
            let (name, value) = word.split_once('-').unwrap_or((word, ""));
            let value = value.split('?').next().unwrap_or_default();
            let damaged = || IntegrityError::Damaged(shown(word));
            if name == "sha1" {
                let bytes = STANDARD.decode(value).map_err(|_| damaged())?;
                read.sha1 = Some(bytes.try_into().map_err(|_| damaged())?);
            } else if let Ok(algorithm) = name.parse::<Algorithm>() {
                let bytes = STANDARD.decode(value).map_err(|_| damaged())?;
                let digest = Digest::from_bytes(algorithm, &bytes).ok_or_else(damaged)?;
                read.digests.push(digest);
            } else {
                unknown.get_or_insert(name);
            }
        }
        match unknown {
            _ if !read.digests.is_empty() || read.sha1.is_some() => Ok(read),
            Some(name) => Err(IntegrityError::Algorithm(shown(name))),
            None => Err(IntegrityError::Empty),
        }
    }

    /// The digests of the strongest algorithm, one of which the tarball must have; none when there
    /// is no strong one.
    #[must_use]
    pub fn strongest(&self) -> Vec<&Digest> {
        let best = self.digests.iter().map(Digest::algorithm).max();
        let of_best = |digest: &&Digest| Some(digest.algorithm()) == best;
        self.digests.iter().filter(of_best).collect()
    }

    /// Whether there is a digest that pins the tarball; a SHA-1 does not.
    #[must_use]
    pub fn is_strong(&self) -> bool {
        !self.digests.is_empty()
    }
}

/// Writes a digest as npm does: `sha512-<base64>`.
#[must_use]
pub fn written(digest: &Digest) -> String {
    format!(
        "{}-{}",
        digest.algorithm().name(),
        STANDARD.encode(digest.as_bytes())
    )
}

/// What [`FetchError`] says, its digests as lockfiles write them.
pub(crate) fn told(error: &FetchError) -> String {
    match error {
        FetchError::Mismatch {
            url,
            expected,
            found,
            ..
        } => {
            let (expected, found) = (written(expected), written(found));
            format!("`{url}`: expected `{expected}`, found `{found}`")
        }
        other => other.to_string(),
    }
}

impl fmt::Display for Integrity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sha1 = self
            .sha1
            .map(|bytes| format!("sha1-{}", STANDARD.encode(bytes)));
        let all: Vec<String> = self.digests.iter().map(written).chain(sha1).collect();
        f.write_str(&all.join(" "))
    }
}

/// The text with what a terminal would act on escaped, cut at 100 characters.
fn shown(text: &str) -> String {
    text.chars()
        .take(100)
        .flat_map(char::escape_debug)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA1: &str = "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=";
    const SHA512: &str = "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==";

    #[test]
    fn digests_are_read_and_written_as_npm_does() {
        let read = Integrity::parse(SHA512).unwrap();
        assert_eq!(read.to_string(), SHA512);
        assert!(read.is_strong());
        let both = Integrity::parse(&format!("  {SHA1}\n{SHA512}?x md5-AAAA ")).unwrap();
        assert_eq!(both.to_string(), format!("{SHA512} {SHA1}"));
        assert_eq!(both.strongest(), read.digests.iter().collect::<Vec<_>>());
        let weak = Integrity::parse(SHA1).unwrap();
        assert!(!weak.is_strong() && weak.strongest().is_empty());
    }

    #[test]
    fn what_pins_nothing_is_refused() {
        let refused = |text: &str| Integrity::parse(text).unwrap_err().to_string();
        insta::assert_snapshot!(refused(""), @"holds no digest");
        insta::assert_snapshot!(refused("md5-1B2M2Y8AsgTpgAmY7PhCfg=="), @"`md5` is too weak or not known");
        insta::assert_snapshot!(refused("sha512-AAAA"), @"`sha512-AAAA` is not a whole digest");
        insta::assert_snapshot!(refused("sha512-\u{1b}["), @r"`sha512-\u{1b}[` is not a whole digest");
        insta::assert_snapshot!(refused("deadbeef"), @"`deadbeef` is too weak or not known");
    }
}
