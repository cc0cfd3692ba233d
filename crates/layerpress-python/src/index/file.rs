//! [`FileRecord`]: one file of a release, with all that its index says about it.

use std::str::FromStr;

use jiff::Timestamp;
use layerpress_tree::{Algorithm, Digest, Sha256};
use pep440_rs::VersionSpecifiers;
use sha2::Digest as _;
use url::Url;

use crate::wheel_name::{WheelName, WheelNameError};

/// A wheel or source distribution on an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    /// Its name, percent-decoded.
    pub file_name: String,
    /// Where it is, absolute and without fragment.
    pub url: Url,
    /// Its hashes, SHA-256 first; often one, sometimes none.
    pub hashes: Vec<Digest>,
    /// Its size in bytes, if the index says so.
    pub size: Option<u64>,
    /// When it was uploaded, if the index says so.
    pub upload_time: Option<Timestamp>,
    /// The Pythons it is for; `None` is every one.
    pub requires_python: Option<VersionSpecifiers>,
    /// Whether it was yanked, and the reason if there is one.
    pub yanked: Option<Option<String>>,
    /// What the index says about the metadata beside it.
    pub core_metadata: CoreMetadata,
    /// The index that lists it: the URL before the package's name. `None` for find-links and for
    /// files named by their URL.
    pub index: Option<Url>,
}

/// What an index says about the `.metadata` file beside a wheel (PEP 658, PEP 714).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum CoreMetadata {
    /// Nothing: it may be there all the same.
    #[default]
    Unsaid,
    /// It is there; with its hash, if one of a known algorithm is given.
    Advertised(Option<Digest>),
}

impl FileRecord {
    /// A file of which only the URL is known, as in `name @ https://…`.
    ///
    /// Hashes in the URL's fragment are taken over. `None` if the URL does not end in a name.
    #[must_use]
    pub fn from_url(url: &Url) -> Option<Self> {
        let (link, fragment) = super::link::Link::new(url, url.as_str())?;
        let hashes = fragment
            .as_deref()
            .unwrap_or_default()
            .split('&')
            .filter_map(|part| Digest::from_str(&part.replacen('=', ":", 1)).ok())
            .collect();
        Some(Self {
            file_name: link.file_name,
            url: link.url.parse().ok()?,
            hashes,
            size: None,
            upload_time: None,
            requires_python: None,
            yanked: None,
            core_metadata: CoreMetadata::Unsaid,
            index: None,
        })
    }

    /// Whether it is a wheel; otherwise it is a source distribution.
    #[must_use]
    pub fn is_wheel(&self) -> bool {
        self.file_name.ends_with(".whl")
    }

    /// Its name, taken apart, if it is a wheel.
    ///
    /// # Errors
    /// [`WheelNameError`] if it is none.
    pub fn wheel_name(&self) -> Result<WheelName, WheelNameError> {
        self.file_name.parse()
    }

    /// Its SHA-256, if the index gives it: its address in the store.
    #[must_use]
    pub fn sha256(&self) -> Option<Sha256> {
        self.hashes.iter().find_map(Digest::sha256)
    }
}

/// How well a file's hashes agree with those that the user allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Agreement {
    /// None is among them.
    No,
    /// They are of other algorithms, or there are none: only the bytes tell.
    Unknown,
    /// One of them is allowed, or any is.
    Yes,
}

impl Agreement {
    /// Of the hashes of a file with those that are allowed; an empty list allows any file.
    #[must_use]
    pub fn of(hashes: &[Digest], allowed: &[Digest]) -> Self {
        if allowed.is_empty() || hashes.iter().any(|hash| allowed.contains(hash)) {
            return Self::Yes;
        }
        let comparable = |allowed: &Digest| {
            hashes
                .iter()
                .any(|hash| hash.algorithm() == allowed.algorithm())
        };
        if allowed.iter().all(comparable) {
            Self::No
        } else {
            Self::Unknown
        }
    }
}

/// Whether a digest is that of these bytes.
#[must_use]
pub fn digest_matches(expected: &Digest, bytes: &[u8]) -> bool {
    match expected.algorithm() {
        Algorithm::Sha256 => expected.as_bytes() == sha2::Sha256::digest(bytes).as_slice(),
        Algorithm::Sha384 => expected.as_bytes() == sha2::Sha384::digest(bytes).as_slice(),
        Algorithm::Sha512 => expected.as_bytes() == sha2::Sha512::digest(bytes).as_slice(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_gives_name_and_hash() {
        let sha = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let of = |text: &str| FileRecord::from_url(&Url::parse(text).expect("valid"));
        let url = format!("https://a.example/x/a-1%2Bcpu-py3-none-any.whl#egg=a&sha256={sha}");
        let file = of(&url).expect("has a name");
        assert_eq!(file.file_name, "a-1+cpu-py3-none-any.whl");
        assert_eq!(file.url.fragment(), None);
        assert_eq!(file.sha256().expect("given").hex(), sha);
        assert_eq!(of("https://a.example/x/"), None);
    }
}
