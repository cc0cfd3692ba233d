//! [`open`]: a package.json, a lockfile or a folder that holds one, read.

use std::path::{Path, PathBuf};

use layerpress_node::package_json::PackageJson;

use super::error::NodeError;
use crate::error::CompileError;
use crate::input::{InFolder, Input};
use crate::own_code::own_files;
use crate::project::{Project, layer_name, name_of, parent};

/// Where manifests and lockfiles are looked for in a folder, best first: npm prefers a shrinkwrap to
/// a lock, and `nodejs/` is where AWS's layer guide puts the manifest.
pub(crate) const LOOKED_FOR: [&str; 6] = [
    "package.json",
    "nodejs/package.json",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "nodejs/npm-shrinkwrap.json",
    "nodejs/package-lock.json",
];

/// npm's lockfiles, the one that counts first (npm's documentation, "npm-shrinkwrap.json").
const LOCKFILES: [&str; 2] = ["npm-shrinkwrap.json", "package-lock.json"];

/// Whether a file is a Node.js manifest or lockfile, by its name.
pub(crate) fn is_known(name: &str) -> bool {
    name == "package.json" || LOCKFILES.contains(&name)
}

/// What a folder holds of Node.js. In a folder `of_another` ecosystem a package.json counts only if
/// it asks for packages of its own: many hold nothing but tools for development.
pub(crate) fn find_in(folder: &Path, of_another: bool) -> Option<InFolder> {
    let there = |name: &&str| folder.join(name).is_file();
    let counts = |name: &&str| !of_another || name.contains('/') || asks(&folder.join(name));
    let mut found = LOOKED_FOR.into_iter().filter(there);
    let name = found.find(|name| !name.ends_with("package.json") || counts(name))?;
    let file = folder.join(name);
    let others = LOCKFILES
        .into_iter()
        .map(|lockfile| file.with_file_name(lockfile))
        .filter(|lockfile| *lockfile != file && lockfile.is_file());
    // AWS's layer guide has the manifest in `nodejs/`, whichever of the two folders is named.
    let whole = folder.canonicalize().ok();
    let is_part = whole.is_some_and(|whole| whole.ends_with("nodejs")) && !name.contains('/');
    Some(InFolder {
        others: others.chain(found.map(|name| folder.join(name))).collect(),
        own_code: is_part || name.starts_with("nodejs/"),
        part: is_part.then_some("nodejs"),
        file,
    })
}

/// Whether a package.json asks for packages. One that cannot be read counts, so that its fault is
/// reported and not passed over.
fn asks(file: &Path) -> bool {
    let read =
        std::fs::read(file).map(|text| PackageJson::parse(&file.display().to_string(), &text));
    let Ok(Ok(package)) = read else {
        return true;
    };
    let manifest = &package.manifest;
    let asked = [
        &manifest.dependencies,
        &manifest.optional_dependencies,
        &manifest.peer_dependencies,
    ];
    asked.iter().any(|pairs| !pairs.is_empty()) || !package.workspaces.is_empty()
}

/// Reads the package.json that an input names, and its text; there is none where only a lockfile is
/// there, which then says it all.
///
/// # Errors
/// A manifest that cannot be read or is wrong in itself, or the team's own files that cannot go into
/// a layer.
pub(crate) fn open(input: &Input) -> Result<(Project, Option<Opened>), CompileError> {
    let file = &input.file;
    let shown = file.display().to_string();
    let is_lock = file
        .file_name()
        .is_some_and(|name| LOCKFILES.iter().any(|it| name == *it));
    let opened = match is_lock {
        true => None,
        false => Some(Opened::read(file, &shown)?),
    };
    let lockfile = match is_lock {
        true => file.clone(),
        false => lockfile_of(file),
    };
    let folder = input.folder.clone().unwrap_or_else(|| parent(file));
    let own_name = opened
        .as_ref()
        .and_then(|opened| opened.package.manifest.name.as_deref());
    let name = match own_name {
        Some(name) => name_of(name),
        None => layer_name(&folder),
    };
    let mut own = own_files(input, vec![file.clone(), lockfile.clone()])?;
    if let Some(opened) = &opened
        && opened.is_module()
        && own.iter().any(|(path, _)| is_read_by(path.as_str()))
        && let Ok(path) = layerpress_tree::LayerPath::new("nodejs/package.json")
    {
        // `.js` files beside it are ES modules only as long as it says so.
        own.push((path, file.clone()));
    }
    let project = Project {
        name,
        folder,
        shown,
        lockfile,
        own,
    };
    Ok((project, opened))
}

/// Whether a file of the layer is read by what `nodejs/package.json` says of its type.
fn is_read_by(path: &str) -> bool {
    path.ends_with(".js") && path.starts_with("nodejs/") && !path.contains("node_modules/")
}

/// A package.json, read.
#[derive(Debug)]
pub(crate) struct Opened {
    /// What it says.
    pub package: PackageJson,
    /// Its text.
    pub text: String,
}

impl Opened {
    fn read(file: &Path, shown: &str) -> Result<Self, CompileError> {
        let bytes = std::fs::read(file).map_err(|source| CompileError::Unreadable {
            path: file.to_owned(),
            source,
        })?;
        let package = PackageJson::parse(shown, &bytes).map_err(NodeError::from)?;
        Ok(Self {
            package,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        })
    }

    fn is_module(&self) -> bool {
        let json = serde_json::from_str::<serde_json::Value>(&self.text);
        json.is_ok_and(|json| json["type"] == "module")
    }
}

/// The lockfile beside a manifest: a shrinkwrap where there is one.
fn lockfile_of(manifest: &Path) -> PathBuf {
    let [shrinkwrap, lock] = LOCKFILES.map(|name| manifest.with_file_name(name));
    if shrinkwrap.is_file() {
        shrinkwrap
    } else {
        lock
    }
}
