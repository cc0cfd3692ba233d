//! [`Receipt`]: what the first look at an archive found, kept in the store so that the next one
//! neither inflates nor parses anything.

use std::collections::BTreeMap;
use std::str::FromStr;

use bytes::Bytes;
use layerpress_fetch::{Namespace, Store, StoreError};
use layerpress_pack::{Level, Limits, compress};
use layerpress_tree::{Content, Encoding, Mode, Sha256};
use pep440_rs::Version;
use pep508_rs::PackageName;
use rayon::prelude::*;
use rkyv::rancor;
use xxhash_rust::xxh3::xxh3_64;

use super::dist_info::DistInfo;
use super::layout::{self, Laid};
use super::scripts::{EntryPoint, parse_entry_points};
use super::verify::Verified;

/// Part of the key: a receipt of another shape is not found.
pub(super) const FORMAT: u32 = 2;

/// What is known of a verified wheel. Everything but the streams themselves.
#[derive(Debug, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub(super) struct Receipt {
    name: String,
    version: String,
    /// The dist-info folder's name.
    pub(super) dist_info: String,
    /// The names of top-level folders whose files go where their scheme says.
    pub(super) data_folders: Vec<String>,
    pub(super) root_is_purelib: bool,
    /// Console and graphical ones; what cannot be read is told when scripts are asked for.
    pub(super) entry_points: Vec<EntryPoint>,
    /// The files, by the raw bytes of their paths.
    pub(super) files: Vec<ReceiptFile>,
    /// How long the archive is.
    pub(super) archive_bytes: u64,
    /// RECORD as a layer without scripts has it, pressed fast; nothing where the files cannot lie
    /// in a layer.
    record: Option<Record>,
}

/// A file that is no part of the archive.
#[derive(Debug, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
struct Record {
    stream: Vec<u8>,
    deflated: bool,
    size_bytes: u64,
    crc32: u32,
}

/// One file of the wheel, and where in the archive its stream lies.
#[derive(Debug, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub(super) struct ReceiptFile {
    /// As in the wheel; it was a valid [`LayerPath`] when it was written.
    pub(super) path: String,
    executable: bool,
    /// Of the file, for RECORD.
    pub(super) sha256: [u8; 32],
    offset: u64,
    stream_bytes: u64,
    stream_xxh3: u64,
    deflated: bool,
    size_bytes: u64,
    crc32: u32,
}

impl Receipt {
    /// The receipt of a wheel just verified, and its files' contents in the same order. `files` are
    /// in the order of their paths.
    pub(super) fn new(info: DistInfo, files: &[Verified], archive: &Bytes) -> (Self, Vec<Laid>) {
        let data_folders = data_folders(&info, files);
        let (files, contents): (Vec<_>, Vec<_>) = files
            .iter()
            .map(|file| {
                let laid = Laid::own(file.content.clone());
                (ReceiptFile::new(file, archive), laid)
            })
            .unzip();
        let mut receipt = Self {
            name: info.name.to_string(),
            version: info.version.to_string(),
            dist_info: info.folder,
            data_folders,
            root_is_purelib: info.root_is_purelib,
            entry_points: parse_entry_points(&info.entry_points),
            files,
            archive_bytes: archive.len() as u64,
            record: None,
        };
        // Wheels that cannot lie in a layer are refused where they shall lie in one.
        receipt.record = layout::layer_record(&receipt, &contents)
            .ok()
            .map(|text| Record::new(compress(text.as_bytes(), Level::Fast)));
        (receipt, contents)
    }

    /// The receipt that `store` keeps of the archive.
    pub(super) fn load(store: &Store, archive: Sha256) -> Option<Self> {
        let blob = store.blob(Namespace::Verified, &key(archive))?;
        rkyv::from_bytes::<Self, rancor::Error>(&blob).ok()
    }

    /// Keeps the receipt.
    pub(super) fn save(&self, store: &Store, archive: Sha256) -> Result<(), StoreError> {
        match rkyv::to_bytes::<rancor::Error>(self) {
            Ok(bytes) => store.put_blob(Namespace::Verified, &key(archive), &bytes),
            // Only a receipt larger than memory cannot be written; it is done without.
            Err(_) => Ok(()),
        }
    }

    /// Whether the wheel is the one that a file name states.
    pub(super) fn is_of(&self, name: &PackageName, version: &Version) -> bool {
        self.name == name.as_ref() && Version::from_str(&self.version).as_ref() == Ok(version)
    }

    /// Whether the wheel is within limits that may be tighter than those it was opened with.
    pub(super) fn fits(&self, limits: &Limits) -> bool {
        let total: u64 = self.files.iter().map(|file| file.size_bytes).sum();
        total <= limits.total_bytes && self.files.len() as u64 <= u64::from(limits.entries)
    }

    /// The files' contents out of `archive`, if every stream is still what it was; those that
    /// `replaced` has by path instead of them.
    pub(super) fn contents(
        &self,
        archive: &Bytes,
        replaced: &BTreeMap<&str, Laid>,
    ) -> Option<Vec<Laid>> {
        if archive.len() as u64 != self.archive_bytes {
            return None;
        }
        let content = |file: &ReceiptFile| match replaced.get(file.path.as_str()) {
            Some(laid) => Some(laid.clone()),
            None => file.content(archive).map(Laid::own),
        };
        self.files.par_iter().map(content).collect()
    }
}

impl Receipt {
    /// RECORD as a layer without scripts has it, pressed fast.
    pub(super) fn record(&self) -> Option<Content> {
        self.record.as_ref().map(|record| Content {
            data: Bytes::copy_from_slice(&record.stream),
            encoding: encoding(record.deflated),
            size: record.size_bytes,
            crc32: record.crc32,
        })
    }

    /// Where the wheel has its own RECORD.
    pub(super) fn record_path(&self) -> String {
        format!("{}/RECORD", self.dist_info)
    }
}

impl Record {
    fn new(content: Content) -> Self {
        Self {
            deflated: content.encoding == Encoding::Deflate,
            size_bytes: content.size,
            crc32: content.crc32,
            stream: content.data.into(),
        }
    }
}

impl ReceiptFile {
    /// Its mode in a layer.
    pub(super) fn mode(&self) -> Mode {
        if self.executable {
            Mode::Executable
        } else {
            Mode::File
        }
    }

    fn new(file: &Verified, archive: &Bytes) -> Self {
        let content = &file.content;
        Self {
            path: file.path.as_str().to_owned(),
            executable: file.mode == Mode::Executable,
            sha256: file.sha256,
            offset: offset(archive, &content.data),
            stream_bytes: content.stream_size(),
            stream_xxh3: file.stream_xxh3,
            deflated: content.encoding == Encoding::Deflate,
            size_bytes: content.size,
            crc32: content.crc32,
        }
    }

    fn content(&self, archive: &Bytes) -> Option<Content> {
        let start = usize::try_from(self.offset).ok()?;
        let end = start.checked_add(usize::try_from(self.stream_bytes).ok()?)?;
        let data = archive.get(start..end)?;
        (xxh3_64(data) == self.stream_xxh3).then(|| Content {
            data: archive.slice(start..end),
            encoding: encoding(self.deflated),
            size: self.size_bytes,
            crc32: self.crc32,
        })
    }
}

fn encoding(deflated: bool) -> Encoding {
    if deflated {
        Encoding::Deflate
    } else {
        Encoding::Stored
    }
}

/// Where in `archive` its slice `data` begins: the reader's contents are views into the archive.
/// An empty stream may lie anywhere.
fn offset(archive: &Bytes, data: &Bytes) -> u64 {
    if data.is_empty() {
        0
    } else {
        (data.as_ptr() as usize).wrapping_sub(archive.as_ptr() as usize) as u64
    }
}

fn key(archive: Sha256) -> String {
    format!("{archive}-{FORMAT}")
}

/// The `.data` folders of this very distribution: any other folder of such a name is a plain one.
fn data_folders(info: &DistInfo, files: &[Verified]) -> Vec<String> {
    let is_own = |folder: &str| {
        let Some((name, version)) = folder
            .strip_suffix(".data")
            .and_then(|stem| stem.rsplit_once('-'))
        else {
            return false;
        };
        PackageName::from_str(name).as_ref() == Ok(&info.name)
            && (info.folder.starts_with(&format!("{name}-{version}."))
                || Version::from_str(version).as_ref() == Ok(&info.version))
    };
    let mut folders: Vec<&str> = files
        .iter()
        .filter_map(|file| Some(file.path.as_str().split_once('/')?.0))
        .filter(|folder| folder.ends_with(".data"))
        .collect();
    folders.sort_unstable();
    folders.dedup();
    folders.retain(|folder| is_own(folder));
    folders.into_iter().map(str::to_owned).collect()
}
