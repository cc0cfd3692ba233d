//! [`Project`]: what one input turns out to be, and where its lockfile and its layers go.

use std::path::{Path, PathBuf};

use layerpress_python::manifest::{
    self, FetchText, Manifest, PyprojectOptions, Requirement, find_manifest, own_code,
    read_pyproject, read_requirements,
};

use crate::assemble::OwnFile;
use crate::error::CompileError;
use crate::request::PythonOptions;

/// One input, read.
#[derive(Debug)]
pub(crate) struct Project {
    /// What its layers are called: the folder's name, made fit for a layer's.
    pub name: String,
    /// The folder beside which layers go.
    pub folder: PathBuf,
    /// What is asked for; `None` where only a lockfile is there, which then says it all.
    pub manifest: Option<Manifest>,
    /// The manifest as the user would name it, for messages.
    pub shown: String,
    /// Its lockfile, whether it is there yet or not.
    pub lockfile: PathBuf,
    /// The team's own files, for a folder laid out as a layer.
    pub own: Vec<OwnFile>,
}

impl Project {
    /// Reads the manifest, lockfile or folder that the user named.
    ///
    /// # Errors
    /// An input that does not exist or is of no known kind, or is wrong in itself.
    pub(crate) fn open(
        input: &Path,
        options: &PythonOptions,
        fetch_text: FetchText<'_>,
    ) -> Result<Self, CompileError> {
        let metadata = std::fs::metadata(input).map_err(|source| CompileError::Unreadable {
            path: input.to_owned(),
            source,
        })?;
        if metadata.is_dir() {
            return Self::open_folder(input, options, fetch_text);
        }
        Self::open_file(input, options, fetch_text)
    }

    fn open_folder(
        folder: &Path,
        options: &PythonOptions,
        fetch_text: FetchText<'_>,
    ) -> Result<Self, CompileError> {
        let found = find_manifest(folder)?;
        let Some(file) = found.manifest.or(found.lockfile) else {
            return Err(CompileError::UnknownInput {
                path: folder.to_owned(),
            });
        };
        let mut project = Self::open_file(&file, options, fetch_text)?;
        if found.own_code {
            let mut built_from = vec![project.lockfile.clone()];
            built_from.extend(
                project
                    .manifest
                    .iter()
                    .flat_map(|manifest| manifest.files_read.clone()),
            );
            project.own = own_code(folder, &built_from)?;
        }
        project.name = layer_name(folder);
        project.folder = folder.to_owned();
        Ok(project)
    }

    fn open_file(
        file: &Path,
        options: &PythonOptions,
        fetch_text: FetchText<'_>,
    ) -> Result<Self, CompileError> {
        let name = file
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        let folder = parent(file);
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
        Ok(Self {
            name: layer_name(&folder),
            folder,
            manifest,
            shown: file.display().to_string(),
            lockfile,
            own: Vec::new(),
        })
    }
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

/// The folder's own name, with what a layer's name may not hold replaced by `-`.
fn layer_name(folder: &Path) -> String {
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let name = whole
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let fit = |c: char| {
        if c.is_ascii_alphanumeric() || c == '_' {
            c
        } else {
            '-'
        }
    };
    let name: String = name.chars().map(fit).collect();
    let name = name.trim_matches('-');
    let name: String = name
        .chars()
        .take(layerpress_target::limits::NAME_CHARACTERS)
        .collect();
    if name.is_empty() {
        "layer".to_owned()
    } else {
        name
    }
}

/// The folder that a file lies in, never empty.
pub(crate) fn parent(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
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
