//! [`local_package`]: a folder that is a package, copied into the layer as `npm pack` would pack it.

use std::path::{Path, PathBuf};

use layerpress_node::tarball::{Facts, PackageTree};
use layerpress_pack::Level;
use layerpress_press::Binary;
use layerpress_tree::{LayerPath, LayerTree, Mode};
use rayon::prelude::*;
use serde_json::Value;

use super::error::NodeError;
use super::pack_list::pack_list;
use crate::assemble::read_entry;
use crate::error::CompileError;

/// The package in a folder, its location relative to the project.
///
/// # Errors
/// A folder without a package.json, or files that cannot be read or named in a layer.
pub(crate) fn local_package(
    project: &Path,
    location: &str,
    level: Level,
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
    let entries: Vec<_> = list
        .files
        .par_iter()
        .map(|(path, file)| {
            let (mut entry, bytes) = read_entry(file, level)?;
            // npm makes commands executable.
            if commands.iter().any(|command| command == path.as_str()) {
                entry.mode = Mode::Executable;
            }
            Ok::<_, CompileError>((path.clone(), entry, Binary::of(&bytes)))
        })
        .collect::<Result<_, _>>()?;
    let mut tree = PackageTree {
        archive: None,
        tree: LayerTree::new(),
        package: facts(&package),
        bundled: Vec::new(),
        binaries: Default::default(),
        account: Default::default(),
        warnings: Vec::new(),
    };
    if let Some(main) = list.lonely_main {
        tree.warnings.push(format!(
            "{}: `.gitignore` leaves out what lies beside its entry `{main}`, as for `npm pack`; \
             name in `files` of its package.json what it needs",
            file.display()
        ));
    }
    for (path, entry, binary) in entries {
        if let Some(binary) = binary {
            tree.binaries.insert(path.clone(), binary);
        }
        let conflict = |path: &LayerPath| NodeError::PackedName {
            path: folder.join(path.as_str()),
            reason: "it is a file and a folder".to_owned(),
        };
        if tree.tree.insert(path.clone(), entry).is_err() {
            return Err(conflict(&path).into());
        }
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
