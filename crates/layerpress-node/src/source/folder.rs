//! Packages that are folders on the disk.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::error::SourceError;
use crate::package_json::PackageJson;

/// The package.json of a folder, relative to the project; `None` when there is none in it, or no such
/// folder.
pub(super) fn package_json(
    project: &Path,
    location: &str,
) -> Result<Option<PackageJson>, SourceError> {
    let path = project.join(location).join("package.json");
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(error) => {
            return Err(SourceError::Io {
                path,
                source: Arc::new(error),
            });
        }
    };
    let shown = format!("{location}/package.json");
    match PackageJson::parse(&shown, &text) {
        Ok(package) => Ok(Some(package)),
        Err(error) => Err(SourceError::PackageJson(Arc::new(error))),
    }
}
