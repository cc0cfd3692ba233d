//! [`find`]: which file an input means, and which ecosystem it is of.

use std::path::{Path, PathBuf};

use layerpress_python::manifest::find_manifest;
use layerpress_target::Ecosystem;

use crate::error::CompileError;
use crate::python;

/// What one input turns out to be.
#[derive(Debug, Clone)]
pub(crate) struct Input {
    /// What it asks for packages of.
    pub ecosystem: Ecosystem,
    /// The manifest or lockfile.
    pub file: PathBuf,
    /// The folder that the user named in its place.
    pub folder: Option<PathBuf>,
    /// Whether the folder is laid out as a layer, so that what lies beside the manifest belongs
    /// into it.
    pub own_code: bool,
}

/// Finds the manifest, or lockfile, that the user named by itself or by its folder.
///
/// # Errors
/// An input that does not exist or is of no known kind.
pub(crate) fn find(path: &Path) -> Result<Input, CompileError> {
    let unknown = || CompileError::UnknownInput {
        path: path.to_owned(),
    };
    let metadata = std::fs::metadata(path).map_err(|source| CompileError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    if metadata.is_dir() {
        let found = find_manifest(path)?;
        return Ok(Input {
            ecosystem: Ecosystem::Python,
            file: found.manifest.or(found.lockfile).ok_or_else(unknown)?,
            folder: Some(path.to_owned()),
            own_code: found.own_code,
        });
    }
    let name = path.file_name().map(|name| name.to_string_lossy());
    if !name.is_some_and(|name| python::is_known(&name)) {
        return Err(unknown());
    }
    Ok(Input {
        ecosystem: Ecosystem::Python,
        file: path.to_owned(),
        folder: None,
        own_code: false,
    })
}
