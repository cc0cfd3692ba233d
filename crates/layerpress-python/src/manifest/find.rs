//! [`find_manifest`]: which file of a folder says what its layer needs.

use std::path::{Path, PathBuf};

use layerpress_lock::ForeignFormat;

use super::read::read_text;
use super::toml_file::{TomlFile, table};

/// Where manifests are looked for in a folder, best first: what `pip` and `sam build` install from
/// before a project's description; `python/` is where AWS's layer guide puts it.
const MANIFESTS: [&str; 4] = [
    "requirements.txt",
    "python/requirements.txt",
    "pyproject.toml",
    "python/pyproject.toml",
];

/// PEP 751's name for the lockfile.
const LOCKFILE: &str = "pylock.toml";

/// Other tools' names for theirs, in the order in which they are looked for.
const FOREIGN: [ForeignFormat; 4] = [
    ForeignFormat::Uv,
    ForeignFormat::Poetry,
    ForeignFormat::Pdm,
    ForeignFormat::Pipfile,
];

/// All places in a folder that are looked at, for who found nothing there.
pub const LOOKED_FOR: [&str; 10] = [
    MANIFESTS[0],
    MANIFESTS[1],
    MANIFESTS[2],
    MANIFESTS[3],
    LOCKFILE,
    "python/pylock.toml",
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "Pipfile.lock",
];

/// What a folder holds to build a layer from; at least a manifest or a lockfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundManifest {
    /// The manifest.
    pub manifest: Option<PathBuf>,
    /// The lockfile beside it, or wherever one is if there is no manifest.
    pub lockfile: Option<PathBuf>,
    /// Other manifests of the folder, which do not count.
    pub passed_over: Vec<PathBuf>,
    /// Whether the folder is laid out as a layer, so that what lies beside the manifest belongs
    /// into it. A `pyproject.toml` at the top describes a project, which is not part of the layer.
    pub own_code: bool,
}

/// Looks for the manifest in `folder`; `None` if it has none, nor a lockfile.
#[must_use]
pub fn find_manifest(folder: &Path) -> Option<FoundManifest> {
    let mut found = MANIFESTS
        .into_iter()
        .map(|name| (name, folder.join(name)))
        .filter(|(_, path)| path.is_file())
        .filter(|(name, path)| name.ends_with(".txt") || has_dependencies(path));
    let Some((name, manifest)) = found.next() else {
        return without_manifest(folder);
    };
    let lockfile = manifest.with_file_name(LOCKFILE);
    if name.ends_with(".toml")
        && !lockfile.is_file()
        && let Some(foreign) = foreign_lock(&manifest)
    {
        // The team's own pins, made by the tool that the manifest is written for.
        return Some(FoundManifest {
            passed_over: found.map(|(_, path)| path).chain([manifest]).collect(),
            lockfile: Some(foreign),
            own_code: name != "pyproject.toml",
            manifest: None,
        });
    }
    Some(FoundManifest {
        passed_over: found.map(|(_, path)| path).collect(),
        lockfile: lockfile.is_file().then_some(lockfile),
        own_code: name != "pyproject.toml",
        manifest: Some(manifest),
    })
}

fn without_manifest(folder: &Path) -> Option<FoundManifest> {
    let folders = [folder.to_owned(), folder.join("python")];
    let found = folders.iter().find_map(|folder| {
        let lockfile = folder.join(LOCKFILE);
        match lockfile.is_file() {
            true => Some((lockfile, true)),
            false => foreign_lock(&lockfile).map(|path| (path, false)),
        }
    });
    let (lockfile, own_code) = found?;
    Some(FoundManifest {
        manifest: None,
        lockfile: Some(lockfile),
        passed_over: Vec::new(),
        own_code,
    })
}

/// Another tool's lock beside a file.
fn foreign_lock(file: &Path) -> Option<PathBuf> {
    let mut paths = FOREIGN.iter().map(|it| file.with_file_name(it.file_name()));
    paths.find(|path| path.is_file())
}

/// Whether a `pyproject.toml` is more than the settings of some tools. One that cannot be read
/// counts, so that its fault is reported and not passed over.
fn has_dependencies(path: &Path) -> bool {
    let name = path.display().to_string();
    let Ok(file) = read_text(path, &name, None).and_then(|text| TomlFile::parse(path, name, &text))
    else {
        return true;
    };
    let root = file.root();
    root.contains_key("project")
        || root.contains_key("dependency-groups")
        || table(root, "tool").is_some_and(|tool| tool.contains_key("poetry"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("below the folder")).expect("created");
            fs::write(path, text).expect("written");
        }
        folder
    }

    fn found(files: &[(&str, &str)]) -> (Option<String>, Option<String>, Vec<String>, bool) {
        let folder = folder(files);
        let relative = |path: PathBuf| {
            let path = path.strip_prefix(folder.path()).expect("inside");
            path.display().to_string()
        };
        let found = find_manifest(folder.path()).expect("found");
        (
            found.manifest.map(relative),
            found.lockfile.map(relative),
            found.passed_over.into_iter().map(relative).collect(),
            found.own_code,
        )
    }

    #[test]
    fn the_layout_of_the_layer_guide() {
        let files = [
            ("python/requirements.txt", ""),
            ("utils/common_util.py", ""),
        ];
        assert_eq!(
            found(&files),
            (Some("python/requirements.txt".into()), None, vec![], true)
        );
    }

    #[test]
    fn requirements_come_before_a_project_and_settings_are_no_project() {
        let project = ("pyproject.toml", "[project]\nname = \"a\"");
        let settings = ("pyproject.toml", "[tool.black]\n");
        let requirements = ("requirements.txt", "");
        let lock = ("pylock.toml", "");
        assert_eq!(
            found(&[project, requirements, lock]),
            (
                Some("requirements.txt".into()),
                Some("pylock.toml".into()),
                vec!["pyproject.toml".into()],
                true
            )
        );
        assert_eq!(
            found(&[project]),
            (Some("pyproject.toml".into()), None, vec![], false)
        );
        assert_eq!(
            found(&[settings, lock]),
            (None, Some("pylock.toml".into()), vec![], true)
        );
        assert_eq!(
            found(&[("pyproject.toml", "[")]).0.as_deref(),
            Some("pyproject.toml")
        );
    }

    #[test]
    fn settings_of_tools_are_no_manifest() {
        let folder = folder(&[("pyproject.toml", "[tool.black]")]);
        assert_eq!(find_manifest(folder.path()), None);
    }
}
