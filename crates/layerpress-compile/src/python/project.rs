//! [`open`]: a Python manifest, lockfile or folder, read.

use std::path::Path;

use layerpress_lock::ForeignFormat;
use layerpress_python::manifest::{
    self, FetchText, FetchTextError, Manifest, PyprojectOptions, Requirement, find_manifest,
    read_pyproject, read_requirements,
};
use url::Url;

use crate::error::CompileError;
use crate::input::{InFolder, Input};
use crate::own_code::own_files;
use crate::project::{Project, layer_name, parent, passed_over};
use crate::request::PythonOptions;
use crate::session::Session;

/// The largest requirements file that is read from a URL, in bytes.
const TEXT_BYTES: u64 = 16 << 20;

/// Reads the manifest that an input names; there is none where only a lockfile is there, which then
/// says it all.
///
/// # Errors
/// A manifest that is wrong in itself, or the team's own files that cannot go into a layer.
pub(crate) fn open(
    input: &Input,
    options: &PythonOptions,
    fetch_text: FetchText<'_>,
) -> Result<(Project, Option<Manifest>), CompileError> {
    let file = &input.file;
    let name = file
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    let (manifest, lockfile) = match kind(&name) {
        Some(Kind::Lockfile) => (None, file.to_owned()),
        Some(Kind::Requirements) => {
            let manifest = read_requirements(file, &options.variables, fetch_text)?;
            (Some(manifest), file.with_file_name(lockfile_name(&name)))
        }
        Some(Kind::Pyproject) => {
            let sets = PyprojectOptions {
                extras: options.extras.clone(),
                groups: options.groups.clone(),
            };
            let mut manifest = read_pyproject(file, &sets)?;
            if options.with_project {
                add_project(&mut manifest, file);
            }
            (Some(manifest), file.with_file_name(lockfile_name(&name)))
        }
        None => {
            return Err(CompileError::UnknownInput {
                path: file.to_owned(),
            });
        }
    };
    let folder = input.folder.clone().unwrap_or_else(|| parent(file));
    let read = manifest.iter().flat_map(|it| it.files_read.iter().cloned());
    let built_from = read.chain([lockfile.clone()]).collect();
    let project = Project {
        name: layer_name(&folder),
        folder,
        shown: file.display().to_string(),
        lockfile,
        own: own_files(input, built_from)?,
    };
    Ok((project, manifest))
}

/// What a folder holds of Python.
pub(crate) fn find_in(folder: &Path) -> Option<InFolder> {
    let found = find_manifest(folder)?;
    let beside = found.manifest.is_some().then_some(found.lockfile.clone());
    Some(InFolder {
        file: found.manifest.or(found.lockfile)?,
        others: beside
            .flatten()
            .into_iter()
            .chain(found.passed_over)
            .collect(),
        own_code: found.own_code,
        part: None,
    })
}

/// A sentence if there are other lockfiles beside what an input means: a folder, or the manifest that
/// they too are of. Another file that is named by itself is meant.
pub(crate) fn several_locks(input: &Input, lockfile: &Path) -> Option<String> {
    if input.folder.is_none() && !input.file.ends_with("pyproject.toml") {
        return None;
    }
    let taken = match lockfile.is_file() {
        true => lockfile,
        false => &input.file,
    };
    let names = [
        "pylock.toml",
        "uv.lock",
        "poetry.lock",
        "pdm.lock",
        "Pipfile.lock",
    ];
    let others: Vec<String> = names
        .iter()
        .map(|name| taken.with_file_name(name))
        .filter(|path| path.as_path() != taken && path.is_file())
        .map(|path| format!("`{}`", path.display()))
        .collect();
    passed_over(taken, &others)
}

/// A requirements file that is named by URL.
///
/// # Errors
/// Whatever keeps it from coming, or that it is not text.
pub(crate) fn fetch_text(session: &Session, url: &Url) -> Result<String, FetchTextError> {
    let bytes = session
        .wait(session.client.bytes(url, TEXT_BYTES))
        .map_err(FetchTextError::from)?;
    String::from_utf8(bytes.to_vec()).map_err(|_| FetchTextError::from("it is not UTF-8 text"))
}

/// Whether a file is a Python manifest or lockfile, by its name.
pub(crate) fn is_known(name: &str) -> bool {
    kind(name).is_some()
}

/// What a file is, by its name.
enum Kind {
    Lockfile,
    Requirements,
    Pyproject,
}

fn kind(name: &str) -> Option<Kind> {
    if name == "pyproject.toml" {
        return Some(Kind::Pyproject);
    }
    if ForeignFormat::of_file_name(name).is_some() {
        return Some(Kind::Lockfile);
    }
    // PEP 751, "File Name": `pylock.toml`, or `pylock.NAME.toml` for one of several.
    if name.starts_with("pylock.") && name.ends_with(".toml") {
        return Some(Kind::Lockfile);
    }
    let extension = Path::new(name).extension()?;
    ["txt", "in"]
        .iter()
        .any(|known| extension.eq_ignore_ascii_case(known))
        .then_some(Kind::Requirements)
}

/// The lockfile of a manifest: `pylock.toml`, or `pylock.NAME.toml` where the manifest has a name of
/// its own, so that two manifests in one folder have two locks. PEP 751 allows no dot in NAME.
fn lockfile_name(manifest: &str) -> String {
    let stem = manifest.rsplit_once('.').map_or(manifest, |(stem, _)| stem);
    match stem {
        "requirements" | "pyproject" => "pylock.toml".to_owned(),
        other => format!("pylock.{}.toml", other.replace('.', "-")),
    }
}

/// Asks for the project itself, as one more line of its own manifest.
fn add_project(manifest: &mut Manifest, file: &Path) {
    let Some(project) = manifest.project.clone() else {
        return;
    };
    manifest.requirements.push(Requirement {
        name: project.name,
        extras: Vec::new(),
        marker: pep508_rs::MarkerTree::default(),
        source: manifest::Source::Folder(project.folder),
        hashes: Vec::new(),
        editable: false,
        config_settings: Vec::new(),
        index: None,
        origin: manifest::Origin::new(&file.display().to_string(), None, "--with-project"),
    });
}
