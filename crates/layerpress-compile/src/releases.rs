//! From a resolution to what a lockfile records of it.

use std::path::{Path, PathBuf};

use layerpress_python::index::FileRecord;
use layerpress_python::lockfile::{Origin, Release};
use layerpress_python::manifest::Source;
use layerpress_python::resolve::{Artifact, FixedFile, ListedFile, Resolution, Resolved};
use layerpress_tree::Digest;

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
    resolution
        .packages
        .iter()
        .map(|package| release(session, package))
        .collect()
}

fn release(session: &Session, package: &Resolved<Artifact>) -> Result<Release, CompileError> {
    let origin = match &package.file {
        Artifact::Listed(listed) => from_index(listed),
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
/// invite a build. Files without a digest cannot be pinned and are left to [`compose`] to refuse if
/// nothing else is there.
///
/// [`compose`]: layerpress_python::lockfile::compose
fn from_index(listed: &ListedFile) -> Origin {
    let files = listed.usable_files();
    let installed = &listed.installed;
    let index = installed.index.clone();
    if !installed.is_wheel() {
        return Origin::Index {
            index,
            wheels: Vec::new(),
            sdist: Some(Box::new(installed.clone())),
        };
    }
    let pinned =
        |file: &FileRecord| !file.hashes.is_empty() || file.file_name == installed.file_name;
    let wheels = files
        .into_iter()
        .filter(|file| file.is_wheel() && pinned(file))
        .collect();
    Origin::Index {
        index,
        wheels,
        sdist: None,
    }
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
