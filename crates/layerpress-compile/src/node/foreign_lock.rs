//! [`read`]: a lockfile of another tool as the input of a build, read as it is and never rewritten.

use std::path::Path;

use layerpress_node::foreign::{self, Beside, Foreign, ForeignFormat};
use layerpress_node::source::Desk;

use super::error::NodeError;
use crate::error::CompileError;
use crate::project::parent;

/// Reads a lockfile, and what lies beside it.
///
/// # Errors
/// A lockfile that cannot be used, or does not meet the package.json beside it.
pub(crate) fn read(
    format: ForeignFormat,
    path: &Path,
    desk: &Desk,
) -> Result<Foreign, CompileError> {
    let text = std::fs::read(path).map_err(|source| CompileError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let folder = parent(path);
    let beside = Beside {
        files: &|file| std::fs::read(folder.join(file)).ok(),
        workspaces: &|globs| desk.workspaces(globs),
    };
    let read = foreign::read(format, &path.display().to_string(), &text, &beside);
    Ok(read.map_err(NodeError::from)?)
}
