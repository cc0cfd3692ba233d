//! [`generated`]: code that a tool wrote into a layer folder's own `node_modules`, where nothing else
//! is the team's: Prisma's client, which no registry has.

use std::path::{Path, PathBuf};

use layerpress_node::tarball::PackageTree;
use layerpress_tree::LayerPath;
use rayon::prelude::*;

use super::below::below;
use super::error::NodeError;
use super::pressing::{Pressed, Pressing};
use crate::assemble::read_file;
use crate::error::CompileError;
use crate::pins::Job;

/// Where Prisma writes its client, below `node_modules`.
const FOLDER: &str = ".prisma";

/// The generated files of a layer's folder `nodejs`: where each goes below `node_modules`, and
/// where it lies; in order.
///
/// # Errors
/// What cannot be read, links, and names that cannot stand in a layer.
pub(crate) fn generated(nodejs: &Path) -> Result<Vec<(LayerPath, PathBuf)>, NodeError> {
    let folder = nodejs.join("node_modules").join(FOLDER);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let refused = |path: PathBuf, reason: String| NodeError::PackedName { path, reason };
    let found = below(&folder, &[])?;
    if let Some((path, reason)) = found.others.into_iter().next() {
        return Err(refused(path, reason.to_owned()));
    }
    let files = found.files.into_iter().map(|(path, file)| {
        let placed = LayerPath::new(&format!("{FOLDER}/{path}"));
        match placed {
            Ok(path) => Ok((path, file)),
            Err(error) => Err(refused(file, error.to_string())),
        }
    });
    files.collect()
}

/// The files with what they hold, as a package's are.
///
/// # Errors
/// A file that cannot be read.
pub(crate) fn read(
    job: &Job<'_>,
    files: &[(LayerPath, PathBuf)],
) -> Result<PackageTree, CompileError> {
    let pressing = Pressing::new(job, "")?;
    let pressed: Vec<Pressed> = files
        .par_iter()
        .map(|(path, file)| {
            let (mode, bytes) = read_file(file)?;
            Ok::<_, CompileError>(pressing.press(path.clone(), mode, &bytes))
        })
        .collect::<Result<_, _>>()?;
    let mut package = PackageTree::default();
    for file in pressed {
        file.add_to(&mut package)
            .expect("files of one folder have paths of their own");
    }
    Ok(package)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_generated_client_is_found_and_nothing_beside_it() {
        let layer = tempfile::tempdir().expect("a temporary folder");
        let modules = layer.path().join("node_modules");
        for name in [".prisma/client/index.js", "express/index.js", ".bin/x"] {
            let path = modules.join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("created");
            fs::write(path, "").expect("written");
        }
        let found = generated(layer.path()).expect("readable");
        let paths: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, [".prisma/client/index.js"]);
    }
}
