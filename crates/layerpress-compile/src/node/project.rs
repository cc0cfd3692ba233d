//! [`open`]: a package.json, a lockfile or a folder that holds one, read.

use std::path::{Path, PathBuf};

use layerpress_node::foreign::ForeignFormat;
use layerpress_node::package_json::PackageJson;

use super::error::NodeError;
use crate::error::CompileError;
use crate::input::{InFolder, Input};
use crate::own_code::own_files;
use crate::project::{Project, layer_name, name_of, parent, passed_over};

/// Where manifests and lockfiles are looked for in a folder, best first: npm prefers a shrinkwrap to
/// a lock, and `nodejs/` is where AWS's layer guide puts the manifest.
pub(crate) const LOOKED_FOR: [&str; 14] = [
    "package.json",
    "nodejs/package.json",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "pnpm-lock.yaml",
    "yarn.lock",
    "bun.lock",
    "bun.lockb",
    "nodejs/npm-shrinkwrap.json",
    "nodejs/package-lock.json",
    "nodejs/pnpm-lock.yaml",
    "nodejs/yarn.lock",
    "nodejs/bun.lock",
    "nodejs/bun.lockb",
];

/// npm's lockfiles, the one that counts first (npm's documentation, "npm-shrinkwrap.json").
const LOCKFILES: [&str; 2] = ["npm-shrinkwrap.json", "package-lock.json"];

/// Whether a file is a Node.js manifest or lockfile, by its name.
pub(crate) fn is_known(name: &str) -> bool {
    let is_lock = LOCKFILES.contains(&name) || ForeignFormat::of_file_name(name).is_some();
    name == "package.json" || is_lock
}

/// All lockfiles that may lie beside a manifest, the one that counts first.
fn lockfiles_beside(manifest: &Path) -> impl Iterator<Item = PathBuf> {
    let names = LOCKFILES.into_iter().chain(ForeignFormat::FILE_NAMES);
    names
        .map(|name| manifest.with_file_name(name))
        .filter(|path| path.is_file())
}

/// A sentence if there are other lockfiles beside the one that an input means, unless it was named
/// by itself.
pub(crate) fn several_locks(input: &Input, taken: &Path) -> Option<String> {
    if input.file == taken && input.folder.is_none() {
        return None;
    }
    let others: Vec<String> = lockfiles_beside(taken)
        .filter(|path| path.as_path() != taken)
        .map(|path| format!("`{}`", path.display()))
        .collect();
    match taken.is_file() {
        true => passed_over(taken, &others),
        false => None,
    }
}

/// What a folder holds of Node.js. In a folder `of_another` ecosystem a package.json counts only if
/// it asks for packages of its own: many hold nothing but tools for development.
pub(crate) fn find_in(folder: &Path, of_another: bool) -> Option<InFolder> {
    let there = |name: &&str| folder.join(name).is_file();
    let counts = |name: &&str| !of_another || name.contains('/') || asks(&folder.join(name));
    let mut found = LOOKED_FOR.into_iter().filter(there);
    let name = found.find(|name| !name.ends_with("package.json") || counts(name))?;
    let file = folder.join(name);
    let others = lockfiles_beside(&file).filter(|lockfile| *lockfile != file);
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

/// Where an input's packages are named.
#[derive(Debug)]
pub(crate) enum Found {
    /// In a package.json, which npm's lockfile follows.
    Manifest(Box<Opened>),
    /// In npm's lockfile alone.
    Lockfile,
    /// In another tool's lockfile, which is taken as it is.
    Foreign(ForeignFormat),
}

/// Reads the package.json that an input names, unless a lockfile alone is there or counts: one of
/// another tool does where npm has none, if it `serves`.
///
/// # Errors
/// A manifest that cannot be read or is wrong in itself, or the team's own files that cannot go into
/// a layer.
pub(crate) fn open(input: &Input, foreign_serves: bool) -> Result<(Project, Found), CompileError> {
    let file = &input.file;
    let shown = file.display().to_string();
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let is_manifest = name == "package.json";
    let text = is_manifest.then(|| read(file)).transpose()?;
    // What only its own tool understands of a package.json is told where its lockfile is read.
    let json: serde_json::Value = text
        .as_deref()
        .and_then(|text| serde_json::from_slice(text).ok())
        .unwrap_or_default();
    let lockfile = match is_manifest {
        true => lockfile_of(file, manager(&json), foreign_serves),
        false => file.clone(),
    };
    let lock_name = lockfile.file_name().unwrap_or_default().to_string_lossy();
    let found = match (ForeignFormat::of_file_name(&lock_name), &text) {
        (Some(format), _) => Found::Foreign(format),
        (None, Some(text)) => Found::Manifest(Box::new(Opened::read(&shown, text)?)),
        (None, None) => Found::Lockfile,
    };
    let folder = input.folder.clone().unwrap_or_else(|| parent(file));
    let name = match json["name"].as_str() {
        Some(name) => name_of(name),
        None => layer_name(&folder),
    };
    let built_from = lockfiles_beside(file).chain([file.clone(), lockfile.clone()]);
    let mut own = own_files(input, built_from.collect())?;
    if json["type"] == "module"
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
    Ok((project, found))
}

fn read(file: &Path) -> Result<Vec<u8>, CompileError> {
    std::fs::read(file).map_err(|source| CompileError::Unreadable {
        path: file.to_owned(),
        source,
    })
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
    fn read(shown: &str, bytes: &[u8]) -> Result<Self, CompileError> {
        let package = PackageJson::parse(shown, bytes).map_err(NodeError::from)?;
        Ok(Self {
            package,
            text: String::from_utf8_lossy(bytes).into_owned(),
        })
    }
}

/// The tool that a package.json says the project is installed with: `packageManager` (Node.js's
/// documentation, "Corepack"), else `devEngines` (npm's, "package.json").
fn manager(json: &serde_json::Value) -> Option<&str> {
    let named = json["packageManager"].as_str();
    named
        .and_then(|named| named.split('@').next())
        .or_else(|| json["devEngines"]["packageManager"]["name"].as_str())
}

/// The lockfile beside a manifest: npm's, a shrinkwrap before a lock; another tool's where there is
/// none or the project is installed with that tool, if such a one `serves`.
fn lockfile_of(manifest: &Path, manager: Option<&str>, foreign_serves: bool) -> PathBuf {
    let [_, lock] = LOCKFILES;
    let is_npms = |path: &PathBuf| LOCKFILES.iter().any(|name| path.ends_with(name));
    let there: Vec<PathBuf> = lockfiles_beside(manifest)
        .filter(|path| foreign_serves || is_npms(path))
        .collect();
    let is_managers = |path: &&PathBuf| match manager {
        Some("npm") => is_npms(path),
        Some(tool @ ("pnpm" | "yarn" | "bun")) => path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(tool)),
        _ => false,
    };
    let found = there.iter().find(is_managers).or(there.first());
    found
        .cloned()
        .unwrap_or_else(|| manifest.with_file_name(lock))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tool_that_a_manifest_names_tells_which_lockfile_counts() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let names = ["package-lock.json", "pnpm-lock.yaml", "yarn.lock"];
        for name in names {
            std::fs::write(folder.path().join(name), "").expect("written");
        }
        let manifest = folder.path().join("package.json");
        let taken = |json: serde_json::Value, foreign_serves| {
            let lockfile = lockfile_of(&manifest, manager(&json), foreign_serves);
            let name = lockfile.file_name().expect("a name").to_string_lossy();
            name.into_owned()
        };
        let pnpm = serde_json::json!({ "packageManager": "pnpm@10.1.0+sha512.00" });
        let yarn = serde_json::json!({ "devEngines": { "packageManager": { "name": "yarn" } } });
        let bun = serde_json::json!({ "packageManager": "bun@1.2.0" });
        assert_eq!(taken(serde_json::json!({}), true), "package-lock.json");
        assert_eq!(taken(pnpm.clone(), true), "pnpm-lock.yaml");
        assert_eq!(taken(yarn, true), "yarn.lock");
        assert_eq!(taken(bun, true), "package-lock.json", "bun has none here");
        assert_eq!(
            taken(pnpm, false),
            "package-lock.json",
            "`lock` writes npm's"
        );
    }
}
