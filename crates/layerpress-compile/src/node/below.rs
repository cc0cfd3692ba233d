//! [`below`]: what lies in a folder of the team's, whatever made it.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::NodeError;

/// How deep folders may lie in it.
const MOST_DEPTH: usize = 16;

/// What lies below a folder.
#[derive(Debug, Default)]
pub(crate) struct Below {
    /// The regular files, by their paths relative to the folder, and where they lie; in order.
    pub(crate) files: Vec<(String, PathBuf)>,
    /// What is none, and why; in order.
    pub(crate) others: Vec<(PathBuf, &'static str)>,
}

/// Lists a folder and those below it whose names are none of `left_out`.
///
/// # Errors
/// A folder that cannot be read.
pub(crate) fn below(folder: &Path, left_out: &[&str]) -> Result<Below, NodeError> {
    let mut found = Below::default();
    walk(folder, "", 0, left_out, &mut found)?;
    // A folder's order is the file system's.
    found.files.sort();
    found.others.sort();
    Ok(found)
}

fn walk(
    folder: &Path,
    prefix: &str,
    depth: usize,
    left_out: &[&str],
    found: &mut Below,
) -> Result<(), NodeError> {
    let unreadable = |source| NodeError::Folder {
        path: folder.to_owned(),
        source,
    };
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            found.others.push((entry.path(), "its name is not UTF-8"));
            continue;
        };
        let kind = entry.file_type().map_err(unreadable)?;
        if kind.is_file() {
            found.files.push((format!("{prefix}{name}"), entry.path()));
        } else if !kind.is_dir() {
            found.others.push((entry.path(), "it is no regular file"));
        } else if depth >= MOST_DEPTH {
            found.others.push((entry.path(), "it lies too deep"));
        } else if !left_out.contains(&name) {
            let prefix = format!("{prefix}{name}/");
            walk(&entry.path(), &prefix, depth + 1, left_out, found)?;
        }
    }
    Ok(())
}
