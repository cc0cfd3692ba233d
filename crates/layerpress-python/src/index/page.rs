//! [`Page`]: one package on one index, in a compact form that is looked at without parsing it.
//!
//! In come the links of an index page; out goes a buffer for the store, and from that buffer the
//! versions, newest first, and the files of those that somebody asks for. A warm run opens a hundred
//! of these and looks at two or three versions of each, so that opening must cost next to nothing:
//!
//! ```text
//! header     16 bytes: magic, format, offset of the directory
//! releases   one rkyv archive each, aligned to 16 bytes, checked when it is looked at
//! directory  one rkyv archive: versions as text, where each one's release lies, shared strings
//! ```
//!
//! A damaged buffer reads as absent, never as something else.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Deref, Range};
use std::str::FromStr;
use std::sync::OnceLock;

use jiff::Timestamp;
use layerpress_tree::{Algorithm, Digest};
use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::PackageName;
use rkyv::rancor;
use rkyv::util::AlignedVec;
use rkyv::{Archive, Deserialize, Serialize};
use rustc_hash::FxHashMap;
use url::Url;

use super::file::{CoreMetadata, FileRecord};
use super::link::{Advertised, Link};
use crate::lenient;
use crate::wheel_name::{SdistName, WheelParts, package_name};

const MAGIC: [u8; 4] = *b"lpix";
/// To be raised with every change of the form: other formats read as absent.
const FORMAT: u32 = 1;
const HEADER: usize = 16;
const NO_SPECIFIERS: u32 = u32::MAX;

/// The buffer of one index page, aligned to 16 bytes: from the store, or compiled in this run.
pub(crate) type PageBytes = Box<dyn Deref<Target = [u8]> + Send + Sync>;

/// An open page.
pub(crate) struct Page {
    bytes: PageBytes,
    index: Option<Url>,
    versions: Vec<Version>,
    /// Where each version's release lies.
    releases: Vec<Range<usize>>,
    specifiers: Vec<(String, OnceLock<Option<VersionSpecifiers>>)>,
    url_prefix: String,
}

/// A file of a release, as the page has it.
#[derive(Clone, Copy)]
pub struct FileView<'a> {
    page: &'a Page,
    file: &'a ArchivedStoredFile,
}

#[derive(Archive, Serialize, Deserialize)]
struct Directory {
    /// All versions, ascending, without separators.
    text: String,
    /// Of each version: where its text ends, where its release starts, how many bytes that has.
    entries: Vec<(u32, u32, u32)>,
    /// The distinct `requires-python` of the page, repaired.
    specifiers: Vec<String>,
    /// What all URLs start with.
    url_prefix: String,
}

#[derive(Archive, Serialize, Deserialize)]
struct Release {
    files: Vec<StoredFile>,
}

#[derive(Archive, Serialize, Deserialize)]
struct StoredFile {
    name: String,
    /// The URL without the page's prefix, and without the name where it ends in that.
    url: String,
    /// Algorithm (see [`ALGORITHMS`]) and bytes.
    hashes: Vec<(u8, Vec<u8>)>,
    sha256: [u8; 32],
    size: u64,
    upload_time: i64,
    specifiers: u32,
    flags: u8,
    yanked: String,
    /// Empty, or the metadata's hash as `sha256:<hex>`.
    core_metadata: String,
}

const ALGORITHMS: [Algorithm; 3] = [Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512];

/// The bits of [`StoredFile::flags`].
mod flag {
    pub(super) const SHA256: u8 = 1;
    pub(super) const SIZE: u8 = 2;
    pub(super) const UPLOAD_TIME: u8 = 4;
    pub(super) const YANKED: u8 = 8;
    pub(super) const CORE_METADATA: u8 = 16;
    pub(super) const URL_ENDS_IN_NAME: u8 = 32;
    pub(super) const WHEEL: u8 = 64;
}

/// Brings the links of a page into the compact form.
///
/// Links to other packages, to what is neither wheel nor source distribution, and those whose
/// `requires-python` cannot be read even after repair are left out.
pub(crate) fn compile(package: &PackageName, links: &[Link]) -> AlignedVec {
    let mut specifiers = Specifiers::default();
    let mut releases = BTreeMap::<Version, (String, Vec<(&Link, bool, u32)>)>::new();
    for link in links {
        let Some((version, is_wheel)) = version_of(&link.file_name, package) else {
            continue;
        };
        let Some(index) = specifiers.index(link.requires_python.as_deref()) else {
            continue;
        };
        let text = version.to_string();
        let (_, files) = releases
            .entry(version)
            .or_insert_with(|| (text, Vec::new()));
        files.push((link, is_wheel, index));
    }
    let url_prefix = common_prefix(
        releases
            .values()
            .flat_map(|(_, files)| files)
            .map(|(link, ..)| link.url.as_str()),
    );

    let mut buffer = AlignedVec::<16>::new();
    buffer.extend_from_slice(&[0; HEADER]);
    let mut directory = Directory {
        text: String::new(),
        entries: Vec::with_capacity(releases.len()),
        specifiers: specifiers.list,
        url_prefix,
    };
    for (text, files) in releases.into_values() {
        let release = Release {
            files: files
                .into_iter()
                .map(|(link, is_wheel, index)| {
                    StoredFile::new(link, is_wheel, index, &directory.url_prefix)
                })
                .collect(),
        };
        let Some((start, length)) = append(&mut buffer, &release) else {
            continue;
        };
        directory.text.push_str(&text);
        let text_end = offset(directory.text.len());
        directory.entries.push((text_end, start, length));
    }
    if let Some((start, _)) = append(&mut buffer, &directory) {
        buffer[..4].copy_from_slice(&MAGIC);
        buffer[4..8].copy_from_slice(&FORMAT.to_le_bytes());
        buffer[8..12].copy_from_slice(&start.to_le_bytes());
    }
    buffer
}

fn append(
    buffer: &mut AlignedVec,
    value: &impl for<'a> rkyv::Serialize<
        rkyv::api::high::HighSerializer<
            AlignedVec,
            rkyv::ser::allocator::ArenaHandle<'a>,
            rancor::Error,
        >,
    >,
) -> Option<(u32, u32)> {
    let bytes = rkyv::to_bytes::<rancor::Error>(value).ok()?;
    buffer.resize(buffer.len().next_multiple_of(HEADER), 0);
    let start = u32::try_from(buffer.len()).ok()?;
    let length = u32::try_from(bytes.len()).ok()?;
    buffer.extend_from_slice(&bytes);
    Some((start, length))
}

/// The version of a file of `package`, and whether it is a wheel; `None` if it is neither wheel nor
/// source distribution of that package.
pub(crate) fn version_of(file_name: &str, package: &PackageName) -> Option<(Version, bool)> {
    if let Ok(parts) = WheelParts::split(file_name) {
        let version = (package_name(parts.name)? == *package)
            .then(|| parts.version.parse().ok())
            .flatten()?;
        return Some((version, true));
    }
    Some((SdistName::parse(file_name, package)?.version, false))
}

impl StoredFile {
    fn new(link: &Link, is_wheel: bool, specifiers: u32, url_prefix: &str) -> Self {
        let mut flags = if is_wheel { flag::WHEEL } else { 0 };
        let mut raise = |flag, condition| {
            if condition {
                flags |= flag;
            }
        };
        let url = link.url.strip_prefix(url_prefix).unwrap_or(&link.url);
        let stem = url.strip_suffix(&*link.file_name);
        raise(flag::URL_ENDS_IN_NAME, stem.is_some());
        raise(flag::SIZE, link.size.is_some());
        raise(flag::UPLOAD_TIME, link.upload_time.is_some());
        raise(flag::YANKED, link.yanked.is_some());
        raise(
            flag::CORE_METADATA,
            link.core_metadata != Advertised::Unsaid,
        );
        let mut sha256 = [0; 32];
        let mut hashes = Vec::new();
        for digest in link.hashes.iter().filter_map(|h| h.parse::<Digest>().ok()) {
            match digest.sha256() {
                Some(digest) => {
                    sha256 = digest.0;
                    raise(flag::SHA256, true);
                }
                None => hashes.extend(
                    (0..)
                        .zip(ALGORITHMS)
                        .find(|(_, algorithm)| *algorithm == digest.algorithm())
                        .map(|(code, _)| (code, digest.as_bytes().to_vec())),
                ),
            }
        }
        Self {
            name: link.file_name.clone(),
            url: stem.unwrap_or(url).to_owned(),
            hashes,
            sha256,
            size: link.size.unwrap_or_default(),
            upload_time: link.upload_time.unwrap_or_default(),
            specifiers,
            flags,
            yanked: link.yanked.clone().unwrap_or_default(),
            core_metadata: match &link.core_metadata {
                Advertised::Yes(Some(hash)) => hash.clone(),
                Advertised::Yes(None) | Advertised::Unsaid => String::new(),
            },
        }
    }
}

/// The distinct specifiers of a page.
#[derive(Default)]
struct Specifiers {
    list: Vec<String>,
    known: FxHashMap<String, Option<u32>>,
}

impl Specifiers {
    /// The index of a file's specifiers; `None` if they cannot be read.
    fn index(&mut self, text: Option<&str>) -> Option<u32> {
        let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
            return Some(NO_SPECIFIERS);
        };
        if let Some(known) = self.known.get(text) {
            return *known;
        }
        let index = lenient::specifiers(text).ok().map(|specifiers| {
            self.list.push(specifiers.to_string());
            offset(self.list.len() - 1)
        });
        self.known.insert(text.to_owned(), index);
        index
    }
}

/// A count or offset of the form; a page is capped far below 4 GiB when it is fetched.
fn offset(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// What all URLs start with, up to and with a `/`.
fn common_prefix<'a>(mut urls: impl Iterator<Item = &'a str>) -> String {
    let Some(first) = urls.next() else {
        return String::new();
    };
    let shared = urls.fold(first, |shared, url| {
        let length = shared
            .bytes()
            .zip(url.bytes())
            .take_while(|(a, b)| a == b)
            .count();
        // Both are ASCII: `Url` percent-encodes everything else.
        shared.get(..length).unwrap_or_default()
    });
    shared[..shared.rfind('/').map_or(0, |slash| slash + 1)].to_owned()
}

impl Page {
    /// Opens a buffer of the given index; `None` if it is damaged or of another format.
    pub(crate) fn open(bytes: PageBytes, index: Option<&Url>) -> Option<Self> {
        let header = bytes.get(..HEADER)?;
        let word = |at: usize| Some(u32::from_le_bytes(header[at..at + 4].try_into().ok()?));
        if header[..4] != MAGIC || word(4)? != FORMAT {
            return None;
        }
        let start = usize::try_from(word(8)?).ok()?;
        let directory =
            rkyv::access::<ArchivedDirectory, rancor::Error>(bytes.get(start..)?).ok()?;
        let mut versions = Vec::with_capacity(directory.entries.len());
        let mut releases = Vec::with_capacity(directory.entries.len());
        let mut text_start = 0;
        for entry in directory.entries.iter() {
            let text_end = usize::try_from(entry.0.to_native()).ok()?;
            let text = directory.text.get(text_start..text_end)?;
            text_start = text_end;
            let start = usize::try_from(entry.1.to_native()).ok()?;
            let length = usize::try_from(entry.2.to_native()).ok()?;
            let range = start..start.checked_add(length)?;
            bytes.get(range.clone())?;
            versions.push(Version::from_str(text).ok()?);
            releases.push(range);
        }
        let specifiers = directory
            .specifiers
            .iter()
            .map(|text| (text.as_str().to_owned(), OnceLock::new()))
            .collect();
        let url_prefix = directory.url_prefix.as_str().to_owned();
        Some(Self {
            bytes,
            index: index.cloned(),
            versions,
            releases,
            specifiers,
            url_prefix,
        })
    }

    /// The index that it is from; `None` for find-links.
    pub(crate) fn index(&self) -> Option<&Url> {
        self.index.as_ref()
    }

    /// Whether an index page lists a file without saying when it was uploaded.
    pub(crate) fn lacks_upload_times(&self) -> bool {
        self.index.is_some()
            && (0..self.releases.len())
                .flat_map(|at| self.files(at))
                .any(|file| !file.has(flag::UPLOAD_TIME))
    }

    /// Moves the versions out: a shelf keeps them in its own order.
    pub(crate) fn take_versions(&mut self) -> Vec<Version> {
        std::mem::take(&mut self.versions)
    }

    /// The files of the version at a place, in the page's order; none if the buffer is damaged there.
    pub(crate) fn files(&self, at: usize) -> impl Iterator<Item = FileView<'_>> {
        self.releases
            .get(at)
            .and_then(|range| {
                let bytes = self.bytes.get(range.clone())?;
                rkyv::access::<ArchivedRelease, rancor::Error>(bytes).ok()
            })
            .into_iter()
            .flat_map(|release| release.files.iter())
            .map(|file| FileView { page: self, file })
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("versions", &self.versions.len())
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for FileView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.file_name())
    }
}

impl<'a> FileView<'a> {
    /// The file's name.
    #[must_use]
    pub fn file_name(self) -> &'a str {
        self.file.name.as_str()
    }

    /// The index that lists it; `None` for find-links.
    #[must_use]
    pub fn index(self) -> Option<&'a Url> {
        self.page.index.as_ref()
    }

    /// Whether it is a wheel; otherwise it is a source distribution.
    #[must_use]
    pub fn is_wheel(self) -> bool {
        self.has(flag::WHEEL)
    }

    /// The parts of its name, if it is a wheel.
    #[must_use]
    pub fn wheel(self) -> Option<WheelParts<'a>> {
        self.is_wheel()
            .then(|| WheelParts::split(self.file_name()).ok())
            .flatten()
    }

    /// The Pythons it is for; `None` is every one.
    #[must_use]
    pub fn requires_python(self) -> Option<&'a VersionSpecifiers> {
        let index = usize::try_from(self.file.specifiers.to_native()).ok()?;
        let (text, parsed) = self.page.specifiers.get(index)?;
        parsed.get_or_init(|| text.parse().ok()).as_ref()
    }

    /// The reason for which it was yanked, often empty; `None` if it was not.
    #[must_use]
    pub fn yanked(self) -> Option<&'a str> {
        self.has(flag::YANKED).then(|| self.file.yanked.as_str())
    }

    /// Its size in bytes, if the page says so.
    #[must_use]
    pub fn size(self) -> Option<u64> {
        self.has(flag::SIZE).then(|| self.file.size.to_native())
    }

    /// When it was uploaded, if the page says so.
    #[must_use]
    pub fn upload_time(self) -> Option<Timestamp> {
        self.has(flag::UPLOAD_TIME)
            .then(|| Timestamp::from_millisecond(self.file.upload_time.to_native()).ok())
            .flatten()
    }

    /// Its hashes, SHA-256 first.
    #[must_use]
    pub fn hashes(self) -> Vec<Digest> {
        let sha256 = self
            .has(flag::SHA256)
            .then(|| Digest::from(layerpress_tree::Sha256(self.file.sha256)));
        let others = self.file.hashes.iter().filter_map(|hash| {
            let algorithm = ALGORITHMS.get(usize::from(hash.0))?;
            Digest::from_bytes(*algorithm, &hash.1)
        });
        sha256.into_iter().chain(others).collect()
    }

    /// All that is known about it, on its own; `None` if its URL cannot be read any more.
    #[must_use]
    pub fn record(self) -> Option<FileRecord> {
        let name = self.file_name();
        let ending = if self.has(flag::URL_ENDS_IN_NAME) {
            name
        } else {
            ""
        };
        let url = format!("{}{}{ending}", self.page.url_prefix, self.file.url.as_str());
        Some(FileRecord {
            file_name: name.to_owned(),
            url: Url::parse(&url).ok()?,
            hashes: self.hashes(),
            size: self.size(),
            upload_time: self.upload_time(),
            requires_python: self.requires_python().cloned(),
            yanked: self.yanked().map(|reason| {
                let said = !reason.is_empty();
                said.then(|| reason.to_owned())
            }),
            core_metadata: if self.has(flag::CORE_METADATA) {
                CoreMetadata::Advertised(self.file.core_metadata.parse().ok())
            } else {
                CoreMetadata::Unsaid
            },
            index: self.page.index.clone(),
        })
    }

    fn has(self, flag: u8) -> bool {
        self.file.flags & flag != 0
    }
}

#[cfg(test)]
mod tests;
