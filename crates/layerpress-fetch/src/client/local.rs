//! `file` URLs: regular files of this machine, read as if they came from a server.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use url::Url;

use crate::error::FetchError;
use crate::redact::redacted;

/// An open regular file.
#[derive(Debug)]
pub(super) struct LocalFile {
    pub(super) path: PathBuf,
    pub(super) file: File,
    /// Changes when the file does: size and modification time, in the form of an entity tag.
    pub(super) stamp: String,
}

impl LocalFile {
    /// Opens what a `file` URL names.
    pub(super) fn open(url: &Url) -> Result<Self, FetchError> {
        let path = path(url)?;
        // Looked at before it is opened: opening a pipe would wait for a writer.
        let meta = fs::metadata(&path).map_err(|error| failed(&path, error))?;
        if !meta.is_file() {
            return Err(FetchError::NotAFile { path });
        }
        let file = File::open(&path).map_err(|error| failed(&path, error))?;
        Ok(Self {
            stamp: stamp(&meta),
            path,
            file,
        })
    }

    /// All of it, `limit` bytes at most.
    pub(super) fn all(&self, limit: u64) -> Result<Vec<u8>, FetchError> {
        let mut bytes = Vec::new();
        (&self.file)
            .take(limit.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| failed(&self.path, error))?;
        if bytes.len() as u64 > limit {
            return Err(FetchError::TooLarge {
                url: self.path.display().to_string(),
                limit,
            });
        }
        Ok(bytes)
    }
}

/// The stamp of the file that a URL names, as it is now.
pub(super) fn stamp_of(url: &Url) -> Option<String> {
    let meta = fs::metadata(path(url).ok()?).ok()?;
    meta.is_file().then(|| stamp(&meta))
}

pub(super) fn is_local(url: &Url) -> bool {
    url.scheme() == "file"
}

pub(super) fn failed(path: &Path, error: std::io::Error) -> FetchError {
    FetchError::File {
        path: path.to_owned(),
        source: Arc::new(error),
    }
}

fn path(url: &Url) -> Result<PathBuf, FetchError> {
    url.to_file_path().map_err(|()| FetchError::Scheme {
        url: redacted(url),
        scheme: "file with a host".to_owned(),
    })
}

fn stamp(meta: &fs::Metadata) -> String {
    let modified = meta
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .unwrap_or_default();
    format!("\"{}-{}\"", meta.len(), modified.as_nanos())
}
