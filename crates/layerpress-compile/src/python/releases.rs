//! From a resolution to what a lockfile records of it.

use std::path::{Path, PathBuf};

use futures_util::future::try_join_all;
use layerpress_python::index::{Agreement, FileRecord, digest_matches};
use layerpress_python::lockfile::{Origin, Release};
use layerpress_python::manifest::Source;
use layerpress_python::resolve::{Artifact, FixedFile, ListedFile, Resolution, Resolved};
use layerpress_tree::Digest;

use super::archives::{self, record_request};
use super::error::PythonError;
use crate::error::CompileError;
use crate::session::Session;

/// Each package of a resolution with the files that its target could use, every one pinned.
///
/// # Errors
/// A path that has no absolute form, or an archive whose digest is not known.
pub(crate) fn releases(
    session: &Session,
    resolution: &Resolution<Artifact>,
) -> Result<Vec<Release>, CompileError> {
    let releases = resolution
        .packages
        .iter()
        .map(|package| release(session, package));
    session.wait(try_join_all(releases))
}

async fn release(session: &Session, package: &Resolved<Artifact>) -> Result<Release, CompileError> {
    let origin = match &package.file {
        Artifact::Listed(listed) => from_index(listed, pinned(session, listed).await?),
        Artifact::Fixed(fixed) => named(session, fixed)?,
    };
    Ok(Release {
        name: package.name.clone(),
        version: package.version.clone(),
        requires_python: package.metadata.requires_python.clone(),
        dependencies: package.dependencies.clone(),
        origin,
    })
}

/// Wheels, if one of them will be installed: a lock that names the source beside them would only
/// invite a build. `installed` is the one of them whose digest is known in any case; others that the
/// index gives no digest of are left out.
fn from_index(listed: &ListedFile, installed: FileRecord) -> Origin {
    let files = listed.usable_files();
    let index = installed.index.clone();
    if !installed.is_wheel() {
        return Origin::Index {
            index,
            wheels: Vec::new(),
            sdist: Some(Box::new(installed)),
        };
    }
    let known = |file: &FileRecord| {
        let agreement = Agreement::of(&file.hashes, &listed.allowed);
        !file.hashes.is_empty() && agreement == Agreement::Yes
    };
    let mut wheels: Vec<FileRecord> = files
        .into_iter()
        .filter(|file| file.is_wheel() && file.file_name != installed.file_name && known(file))
        .collect();
    wheels.insert(0, installed);
    Origin::Index {
        index,
        wheels,
        sdist: None,
    }
}

/// The file to install with a digest that the user allows: as the index tells it, else as its bytes
/// do, which find-links and older indexes make necessary.
async fn pinned(session: &Session, listed: &ListedFile) -> Result<FileRecord, CompileError> {
    let mut record = listed.installed.clone();
    let agreement = Agreement::of(&record.hashes, &listed.allowed);
    if !record.hashes.is_empty() && agreement == Agreement::Yes {
        return Ok(record);
    }
    let stored = session.client.archive(&record_request(&record)).await?;
    let digest = Digest::from(stored.digest);
    let bytes = archives::stored(session, stored.digest, &record.file_name)?;
    let mut genuine = listed.allowed.iter();
    let genuine = genuine.find(|allowed| digest_matches(allowed, &bytes));
    if genuine.is_none() && !listed.allowed.is_empty() {
        return Err(PythonError::OtherHash {
            file_name: record.file_name,
            found: digest,
        }
        .into());
    }
    for digest in [Some(&digest), genuine].into_iter().flatten() {
        if !record.hashes.contains(digest) {
            record.hashes.push(digest.clone());
        }
    }
    record.size = Some(stored.size);
    Ok(record)
}

fn named(session: &Session, fixed: &FixedFile) -> Result<Origin, CompileError> {
    let absolute = |path: &Path| -> Result<PathBuf, CompileError> {
        std::path::absolute(path).map_err(|source| CompileError::Unreadable {
            path: path.to_owned(),
            source,
        })
    };
    let hashes = || -> Vec<Digest> {
        let stored = fixed.stored.map(Digest::from);
        match stored {
            Some(digest) => vec![digest],
            None => fixed
                .record
                .iter()
                .flat_map(|record| record.hashes.clone())
                .collect(),
        }
    };
    let size = || {
        let stored = fixed
            .stored
            .and_then(|digest| session.store().archive_size(digest));
        stored.or(fixed.record.as_ref().and_then(|record| record.size))
    };
    Ok(match &fixed.source {
        Source::Url { url, subdirectory } => Origin::Url {
            url: url.clone(),
            subdirectory: subdirectory.clone(),
            hashes: hashes(),
            size: size(),
        },
        Source::File(path) => Origin::File {
            path: absolute(path)?,
            hashes: hashes(),
            size: size(),
        },
        Source::Folder(path) => Origin::Folder {
            path: absolute(path)?,
            editable: false,
        },
        Source::Git {
            repository,
            reference,
            subdirectory,
        } => Origin::Git {
            repository: repository.clone(),
            requested: reference.clone(),
            commit: fixed.commit.clone().unwrap_or_default(),
            subdirectory: subdirectory.clone(),
        },
        Source::Index(_) => Origin::Index {
            index: None,
            wheels: Vec::new(),
            sdist: None,
        },
    })
}
