//! [`with_own_binaries`]: machine code that the team built for a package whose tarball lacks it.
//!
//! It lies where `npm install` on a fitting machine left it, below the layer folder's own
//! `node_modules`, of which nothing else is taken. It counts for exactly the version that is locked.

use std::fs;
use std::path::Path;

use layerpress_node::package_lock::Pin;
use layerpress_node::tarball::PackageTree;
use layerpress_tree::LayerPath;
use serde_json::Value;

use super::below::below;
use super::pressing::Pressing;
use crate::assemble::read_file;
use crate::error::CompileError;
use crate::pins::Job;

/// What builds leave between their sources and what they make, and what is another package's.
const BETWEEN: [&str; 3] = ["node_modules", "obj", "obj.target"];

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
    let found = below(&folder, &BETWEEN)?.files.into_iter();
    // Node.js loads as machine code what is called so.
    let found = found.filter(|(path, _)| path.ends_with(".node"));
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
