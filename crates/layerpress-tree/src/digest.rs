//! Digests: what an artifact promised to be ([`Digest`]), and what the store calls it ([`Sha256`]).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A SHA-256 digest: the content address of archives in the store, and of a finished layer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256(pub [u8; 32]);

/// The hash algorithms strong enough to pin an artifact.
///
/// PEP 751 and pip accept the SHA-2 family from 256 bits; npm's integrity strings are SHA-512.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-384, 48 bytes.
    Sha384,
    /// SHA-512, 64 bytes.
    Sha512,
}

/// A digest of a known strong algorithm; its length always fits the algorithm.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    algorithm: Algorithm,
    bytes: Box<[u8]>,
}

/// Why a string is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// The algorithm is unknown or too weak to pin anything (md5, sha1).
    #[error("`{0}` is not one of sha256, sha384, sha512")]
    Algorithm(String),
    /// The value is not lower- or upper-case hexadecimal of the algorithm's length.
    #[error("`{value}` is not {expected} hexadecimal digits")]
    Value {
        /// What stood there, escaped and cut for display.
        value: String,
        /// How many digits the algorithm has.
        expected: usize,
    },
}

impl Algorithm {
    /// The name in hash tables and `--hash` options: `sha256`, `sha384`, `sha512`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// The digest's length in bytes.
    #[must_use]
    pub fn length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

impl FromStr for Algorithm {
    type Err = DigestError;

    fn from_str(name: &str) -> Result<Self, DigestError> {
        [Self::Sha256, Self::Sha384, Self::Sha512]
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| DigestError::Algorithm(shown(name)))
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Digest {
    /// A digest from its algorithm and raw bytes, if the length fits.
    #[must_use]
    pub fn from_bytes(algorithm: Algorithm, bytes: &[u8]) -> Option<Self> {
        (bytes.len() == algorithm.length()).then(|| Self {
            algorithm,
            bytes: bytes.into(),
        })
    }

    /// A digest from its algorithm and hexadecimal value.
    ///
    /// # Errors
    /// [`DigestError::Value`] if `hex` is not hexadecimal of the right length.
    pub fn from_hex(algorithm: Algorithm, hex: &str) -> Result<Self, DigestError> {
        let expected = algorithm.length() * 2;
        let bytes = decode_hex(hex)
            .filter(|_| hex.len() == expected)
            .ok_or_else(|| DigestError::Value {
                value: shown(hex),
                expected,
            })?;
        Ok(Self {
            algorithm,
            bytes: bytes.into(),
        })
    }

    /// The algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The raw bytes, as many as the algorithm has.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The value in lower-case hexadecimal.
    #[must_use]
    pub fn hex(&self) -> String {
        encode_hex(&self.bytes)
    }

    /// The digest as a content address, if it is a SHA-256.
    #[must_use]
    pub fn sha256(&self) -> Option<Sha256> {
        Some(Sha256(<[u8; 32]>::try_from(&*self.bytes).ok()?))
    }
}

/// `sha256:<hex>`, the form of pip's `--hash` option and of messages.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm, self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads `sha256:<hex>` and the like.
impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let (algorithm, hex) = text
            .split_once(':')
            .ok_or_else(|| DigestError::Algorithm(shown(text)))?;
        Self::from_hex(algorithm.parse()?, hex)
    }
}

impl From<Sha256> for Digest {
    fn from(digest: Sha256) -> Self {
        Self {
            algorithm: Algorithm::Sha256,
            bytes: digest.0.into(),
        }
    }
}

impl Sha256 {
    /// The value in lower-case hexadecimal, 64 digits.
    #[must_use]
    pub fn hex(&self) -> String {
        encode_hex(&self.0)
    }

    /// The value in base64, 44 characters: what Lambda calls the `CodeSha256` of a zip.
    #[must_use]
    pub fn base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// Reads what [`base64`](Self::base64) writes.
    #[must_use]
    pub fn from_base64(text: &str) -> Option<Self> {
        Some(Self(STANDARD.decode(text).ok()?.try_into().ok()?))
    }
}

impl FromStr for Sha256 {
    type Err = DigestError;

    /// Reads 64 hexadecimal digits.
    fn from_str(hex: &str) -> Result<Self, DigestError> {
        let digest = Digest::from_hex(Algorithm::Sha256, hex)?;
        digest.sha256().ok_or_else(|| DigestError::Value {
            value: shown(hex),
            expected: 64,
        })
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn shown(text: &str) -> String {
    text.chars()
        .take(140)
        .flat_map(char::escape_default)
        .collect()
}

fn encode_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| char::from(DIGITS[usize::from(nibble)]))
        .collect()
}

fn decode_hex(hex: &str) -> Option<Vec<u8>> {
    let nibble = |digit: u8| {
        char::from(digit)
            .to_digit(16)
            .and_then(|n| u8::try_from(n).ok())
    };
    let pairs = hex.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs
        .map(|pair| Some(nibble(pair[0])? << 4 | nibble(pair[1])?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn reads_what_it_writes() {
        let digest: Digest = format!("sha256:{EMPTY}").parse().expect("valid");
        assert_eq!(digest.to_string(), format!("sha256:{EMPTY}"));
        assert_eq!(digest.sha256().expect("is sha256").hex(), EMPTY);
        assert_eq!(
            EMPTY.to_uppercase().parse::<Sha256>().expect("valid").hex(),
            EMPTY
        );
    }

    #[test]
    fn base64_is_read_back_whole_or_not_at_all() {
        let digest: Sha256 = EMPTY.parse().expect("valid");
        let text = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        assert_eq!(digest.base64(), text);
        assert_eq!(Sha256::from_base64(text), Some(digest));
        for wrong in ["", "47DEQpj8HBSa", &text[..43], &text.replace('=', "A")] {
            assert_eq!(Sha256::from_base64(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn weak_and_malformed_digests_are_refused() {
        for text in [
            "md5:d41d8cd98f00b204e9800998ecf8427e",
            "sha1:00",
            "sha256",
            "sha256:zz",
            "sha256:00",
        ] {
            assert!(text.parse::<Digest>().is_err(), "{text} was taken");
        }
        assert!(format!("sha512:{EMPTY}").parse::<Digest>().is_err());
    }
}
