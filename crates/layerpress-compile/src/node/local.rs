//! [`local_package`]: a folder that is a package, copied into the layer as `npm pack` would pack it.

use std::path::{Path, PathBuf};

use layerpress_node::package_lock::Pin;
use layerpress_node::tarball::{Facts, PackageTree};
use layerpress_tree::{LayerPath, Mode};
use rayon::prelude::*;
use serde_json::Value;

use super::error::NodeError;
use super::pack_list::pack_list;
use super::pressing::Pressing;
use crate::assemble::read_file;
use crate::error::CompileError;
use crate::pins::Job;

/// The package of `pin` in a folder, its location relative to the project.
///
/// # Errors
/// A folder without a package.json, or files that cannot be read or named in a layer.
pub(crate) fn local_package(
    job: &Job<'_>,
    project: &Path,
    location: &str,
    pin: &Pin,
) -> Result<PackageTree, CompileError> {
    let folder = project.join(location);
    let file = folder.join("package.json");
    let text = std::fs::read(&file).map_err(|_| NodeError::NoPackage {
        path: folder.clone(),
        by: String::new(),
    })?;
    let package: Value = serde_json::from_slice(without_bom(&text)).unwrap_or_default();
    let list = pack_list(&folder, &package, &above(project, location))?;
    let commands = commands(&package);
    let pressing = Pressing::new(job, &pin.location)?;
    let files: Vec<_> = list
        .files
        .par_iter()
        .map(|(path, file)| {
            let (mut mode, bytes) = read_file(file)?;
            // npm makes commands executable.
            if commands.iter().any(|command| command == path.as_str()) {
                mode = Mode::Executable;
            }
            let pressed = pressing.press(path.clone(), mode, &bytes);
            Ok::<_, CompileError>((path, pressed))
        })
        .collect::<Result<_, _>>()?;
    let mut tree = PackageTree {
        package: facts(&package),
        ..PackageTree::default()
    };
    if let Some(main) = list.lonely_main {
        tree.warnings.push(format!(
            "{}: `.gitignore` leaves out what lies beside its entry `{main}`, as for `npm pack`; \
             name in `files` of its package.json what it needs",
            file.display()
        ));
    }
    for (path, pressed) in files {
        let conflict = |_| NodeError::PackedName {
            path: folder.join(path.as_str()),
            reason: "it is a file and a folder".to_owned(),
        };
        pressed.add_to(&mut tree).map_err(conflict)?;
    }
    Ok(tree)
}

/// The files of a package's folder that belong to the package: where each goes, and where it lies.
///
/// # Errors
/// A folder without a package.json, or files that cannot be listed or named in a layer.
pub(crate) fn packed_files(folder: &Path) -> Result<Vec<(LayerPath, PathBuf)>, NodeError> {
    let text = std::fs::read(folder.join("package.json")).map_err(|_| NodeError::NoPackage {
        path: folder.to_owned(),
        by: String::new(),
    })?;
    let package: Value = serde_json::from_slice(without_bom(&text)).unwrap_or_default();
    Ok(pack_list(folder, &package, &[])?.files)
}

fn without_bom(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

/// The folders above a package inside of the project: their ignore files hold for it too.
fn above(project: &Path, location: &str) -> Vec<PathBuf> {
    let parts: Vec<&str> = location
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    if parts.contains(&"..") {
        return Vec::new();
    }
    (0..parts.len())
        .map(|count| project.join(parts[..count].join("/")))
        .collect()
}

/// The files of a package's commands.
fn commands(package: &Value) -> Vec<String> {
    let plain = |path: &str| {
        path.trim_start_matches("./")
            .trim_start_matches('/')
            .to_owned()
    };
    match &package["bin"] {
        Value::String(file) => vec![plain(file)],
        Value::Object(all) => all.values().filter_map(Value::as_str).map(plain).collect(),
        _ => Vec::new(),
    }
}

fn facts(package: &Value) -> Facts {
    let text = |key: &str| package[key].as_str().map(str::to_owned);
    Facts {
        name: text("name"),
        version: text("version"),
        is_module: package["type"] == "module",
        ..Facts::default()
    }
}
