//! [`Project`]: what an input is called, and where its lockfile and its layers go.

use std::path::{Path, PathBuf};

use crate::own_code::OwnFile;

/// One input, opened.
#[derive(Debug)]
pub(crate) struct Project {
    /// What its layers are called: the folder's name, made fit for a layer's.
    pub name: String,
    /// The folder beside which layers go.
    pub folder: PathBuf,
    /// The manifest as the user would name it, for messages.
    pub shown: String,
    /// Its lockfile, whether it is there yet or not.
    pub lockfile: PathBuf,
    /// The team's own files, for a folder laid out as a layer.
    pub own: Vec<OwnFile>,
}

/// The folder's own name, made fit for a layer's.
pub(crate) fn layer_name(folder: &Path) -> String {
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let name = whole.file_name().unwrap_or_default();
    name_of(&name.to_string_lossy())
}

/// A name with what a layer's name may not hold replaced by `-`.
pub(crate) fn name_of(name: &str) -> String {
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

/// What to say of lockfiles that might have been meant; nothing where there are none.
pub(crate) fn passed_over(taken: &Path, others: &[String]) -> Option<String> {
    let are = match others {
        [] => return None,
        [_] => "is",
        _ => "are",
    };
    Some(format!(
        "`{}` is taken, and {} {are} passed over: name the one to build from",
        taken.display(),
        others.join(", ")
    ))
}
