//! Manifests end to end: what is taken, and how every mistake reads.

mod mistakes;
mod properties;
mod pyproject;
mod requirements;

use std::fs;
use std::path::Path;

use url::Url;

use super::*;

/// A folder with files in it; `requirements.txt` is the one that is read.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("below the folder")).expect("created");
        fs::write(path, text).expect("written");
    }
    folder
}

fn no_fetch(url: &Url) -> Result<String, FetchTextError> {
    Err(format!("nothing at {}", url.path()).into())
}

fn read(folder: &Path) -> Result<Manifest, ManifestError> {
    let environment = [("TOKEN", "s3cret"), ("HOST", "pkg.example")]
        .into_iter()
        .collect();
    read_requirements(&folder.join("requirements.txt"), &environment, &no_fetch)
}

fn taken(files: &[(&str, &str)]) -> Manifest {
    let folder = folder(files);
    read(folder.path()).unwrap_or_else(|error| panic!("{error}"))
}

fn one(text: &str) -> Manifest {
    taken(&[("requirements.txt", text)])
}

/// The error as the program prints it, without the temporary folder's path.
fn printed(error: &ManifestError, folder: &Path) -> String {
    let mut text = error.to_string();
    if let Some(hint) = error.hint() {
        text.push_str("\nhint: ");
        text.push_str(&hint);
    }
    let folder = folder.display().to_string();
    text.replace(&format!("{folder}/"), "")
        .replace(&folder, "[FOLDER]")
}

fn refused(files: &[(&str, &str)]) -> String {
    let folder = folder(files);
    let error = read(folder.path()).expect_err("refused");
    printed(&error, folder.path())
}

fn wrong(line: &str) -> String {
    let text = refused(&[("requirements.txt", line)]);
    text.strip_prefix("requirements.txt:1: ")
        .unwrap_or(&text)
        .to_owned()
}

fn lines(manifest: &Manifest) -> Vec<String> {
    manifest
        .requirements
        .iter()
        .map(ToString::to_string)
        .collect()
}
