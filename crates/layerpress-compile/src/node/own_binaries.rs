//! [`with_own_binaries`]: machine code that the team built for a package whose tarball lacks it.
//!
//! It lies where `npm install` on a fitting machine left it, below the layer folder's own
//! `node_modules`, of which nothing else is taken. It counts for exactly the version that is locked.

use std::fs;
use std::path::{Path, PathBuf};

use layerpress_node::package_lock::Pin;
use layerpress_node::tarball::PackageTree;
use layerpress_tree::LayerPath;
use serde_json::Value;

use super::error::NodeError;
use super::pressing::Pressing;
use crate::assemble::read_file;
use crate::error::CompileError;
use crate::pins::Job;

/// How deep folders may lie in a package.
const MOST_DEPTH: usize = 16;

/// A package with what the team built for it below `modules`; `None` when it needs no script, or
/// there is nothing for it.
///
/// # Errors
/// A folder or file that cannot be read.
pub(crate) fn with_own_binaries(
    job: &Job<'_>,
    modules: &Path,
    pin: &Pin,
    package: &PackageTree,
) -> Result<Option<PackageTree>, CompileError> {
    if package.package.scripts.iter().next().is_none() {
        return Ok(None);
    }
    let location = &*pin.location;
    let folder = modules.join(location.strip_prefix("node_modules/").unwrap_or(location));
    if !is_of(&folder, pin) {
        return Ok(None);
    }
    let mut found = Vec::new();
    walk(&folder, "", 0, &mut found)?;
    // A folder's order is the file system's.
    found.sort();
    let pressing = Pressing::new(job, location)?;
    let mut package = package.clone();
    let mut is_more = false;
    for (path, file) in found {
        let Ok(path) = LayerPath::new(&path) else {
            continue;
        };
        let (mode, bytes) = read_file(&file)?;
        let pressed = pressing.press(path, mode, &bytes);
        is_more |= pressed.binary.is_some() && pressed.add_to(&mut package).is_ok();
    }
    Ok(is_more.then_some(package))
}

/// Whether a folder holds the version of the package that is locked.
fn is_of(folder: &Path, pin: &Pin) -> bool {
    let text = fs::read(folder.join("package.json")).unwrap_or_default();
    let read: Value = serde_json::from_slice(&text).unwrap_or_default();
    read["name"] == *pin.name && read["version"].as_str() == pin.version.as_deref()
}

/// The files that Node.js loads as machine code, but for what their build left in between.
fn walk(
    folder: &Path,
    prefix: &str,
    depth: usize,
    files: &mut Vec<(String, PathBuf)>,
) -> Result<(), NodeError> {
    let unreadable = |source| NodeError::Folder {
        path: folder.to_owned(),
        source,
    };
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            continue;
        };
        let kind = entry.file_type().map_err(unreadable)?;
        let is_between = ["node_modules", "obj.target", "obj"].contains(&name);
        if kind.is_dir() && depth < MOST_DEPTH && !is_between {
            walk(&entry.path(), &format!("{prefix}{name}/"), depth + 1, files)?;
        } else if kind.is_file() && name.ends_with(".node") {
            files.push((format!("{prefix}{name}"), entry.path()));
        }
    }
    Ok(())
}
