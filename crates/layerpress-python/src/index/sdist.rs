//! What a source distribution says about itself without being built.

use std::sync::Arc;

use bytes::Bytes;
use layerpress_fetch::Namespace;
use layerpress_pack::tarball::{self, Kind, Links, Member};
use layerpress_pack::{Limits, TarballError};
use pep440_rs::Version;
use pep508_rs::PackageName;

use super::error::IndexError;
use super::file::FileRecord;
use super::registry::Registry;
use super::sources::parsed;
use super::tail::{self, ArchiveFault, Part, Progress, Wanted};
use crate::metadata::Metadata;
use crate::wheel_name::SdistFormat;

/// To be raised with every change of the stored form, or of what counts as binding.
const FORM: &str = "sdist-1";

/// How large PKG-INFO may be, in bytes.
const MAX_METADATA: u64 = 16 * 1024 * 1024;

/// What PKG-INFO is good for.
#[derive(Debug, Clone)]
pub enum SdistMetadata {
    /// Every wheel built from this will say the same (PEP 643).
    Static(Arc<Metadata>),
    /// Only a build tells.
    NeedsBuild,
}

impl Registry {
    /// The metadata of a source distribution, as far as it is binding without a build. The archive is
    /// fetched into the store.
    ///
    /// # Errors
    /// [`IndexError`] if the archive cannot be had or read, or is that of something else.
    pub async fn sdist_metadata(
        &self,
        file: &FileRecord,
        name: &PackageName,
        version: &Version,
    ) -> Result<SdistMetadata, IndexError> {
        let store = self.client().store();
        let key = file.sha256().map(|digest| format!("{FORM}\n{digest}"));
        if let Some(blob) = key
            .as_ref()
            .and_then(|k| store.blob(Namespace::Metadata, k))
        {
            match (blob.is_empty(), Metadata::from_stored(&blob)) {
                (true, _) => return Ok(SdistMetadata::NeedsBuild),
                (false, Some(metadata)) => return Ok(SdistMetadata::Static(Arc::new(metadata))),
                (false, None) => {}
            }
        }
        let archive = self.archive(file).await?;
        let metadata = match pkg_info(file, archive).await? {
            Some(bytes) => parsed(file, &bytes, None).ok().filter(Metadata::is_static),
            None => None,
        };
        if let Some(metadata) = &metadata
            && (&metadata.name, &metadata.version) != (name, version)
        {
            return Err(IndexError::Mismatch {
                file_name: file.file_name.clone(),
                found: format!("{} {}", metadata.name, metadata.version),
            });
        }
        if let Some(key) = key {
            let stored = metadata.as_ref().map(Metadata::to_stored);
            // A store that cannot be written costs later runs time, not this one its result.
            let _ = store.put_blob(Namespace::Metadata, &key, &stored.unwrap_or_default());
        }
        Ok(match metadata {
            Some(metadata) => SdistMetadata::Static(Arc::new(metadata)),
            None => SdistMetadata::NeedsBuild,
        })
    }
}

/// PKG-INFO of the archive; `None` if it has none, as old ones do.
async fn pkg_info(file: &FileRecord, archive: Bytes) -> Result<Option<Vec<u8>>, IndexError> {
    let format = SdistFormat::of(&file.file_name);
    let read = tokio::task::spawn_blocking(move || match format {
        Some(SdistFormat::TarGz) => from_tarball(&archive),
        Some(SdistFormat::Zip) => from_zip(archive),
        None => Err(ArchiveFault::Damaged(
            "its extension is none of `.tar.gz` and `.zip`",
        )),
    });
    let read = read
        .await
        .unwrap_or(Err(ArchiveFault::Damaged("reading it failed")));
    match read {
        Ok(bytes) => Ok(Some(bytes)),
        Err(ArchiveFault::Absent(_)) => Ok(None),
        Err(fault) => Err(IndexError::Archive {
            file_name: file.file_name.clone(),
            fault,
        }),
    }
}

/// How the reading of a tarball ends before its end.
enum Stop {
    Found(Vec<u8>),
    Fault,
}

impl From<TarballError> for Stop {
    fn from(_: TarballError) -> Self {
        Self::Fault
    }
}

fn from_tarball(archive: &[u8]) -> Result<Vec<u8>, ArchiveFault> {
    let options = tarball::Options {
        // Only as far as PKG-INFO, which stands near the front of most: a build has limits of its own.
        limits: Limits {
            total_bytes: 8 << 30,
            ..Limits::default()
        },
        links: Links::Report,
        ..tarball::Options::default()
    };
    let ended = tarball::read::<Stop>(archive, &options, |member| match member {
        Member {
            path,
            kind: Kind::File { size, data, .. },
        } if is_pkg_info(path.as_str()) && size <= MAX_METADATA => {
            let mut bytes = Vec::new();
            data.read_to_end(&mut bytes).map_err(|_| Stop::Fault)?;
            Err(Stop::Found(bytes))
        }
        _ => Ok(()),
    });
    match ended {
        Ok(()) => Err(ArchiveFault::Absent("PKG-INFO")),
        Err(Stop::Found(bytes)) => Ok(bytes),
        Err(Stop::Fault) => Err(ArchiveFault::Damaged("it is no sound tarball")),
    }
}

fn from_zip(archive: Bytes) -> Result<Vec<u8>, ArchiveFault> {
    let total = archive.len() as u64;
    let part = Part {
        start: 0,
        bytes: archive,
    };
    let wanted = Wanted {
        what: "PKG-INFO",
        fit: &|path| is_pkg_info(path).then_some(0),
    };
    match tail::advance(&[part], total, &wanted)? {
        Progress::Done(bytes) => Ok(bytes),
        Progress::Need(_) => Err(ArchiveFault::Damaged("an entry lies outside")),
    }
}

/// `{name}-{version}/PKG-INFO`; deeper ones are those of `.egg-info` folders and vendored packages.
fn is_pkg_info(path: &str) -> bool {
    path.split_once('/')
        .is_some_and(|(_, rest)| rest == "PKG-INFO")
}
