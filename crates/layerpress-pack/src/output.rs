//! [`write_file`]: the layer as a file that appears whole or not at all.

use std::fs;
use std::path::Path;

use layerpress_scratch::replace;
use layerpress_tree::LayerTree;

use crate::layer::{beside_digest, write_zip};
use crate::{WriteError, Written};

/// Writes `tree` as a zip to the file `path`, which it replaces.
///
/// The bytes go to a hidden temporary file beside it, which is then renamed: whoever
/// opens `path` finds the old file or the new one. The folder must exist. The mode is what the
/// umask leaves of 0666, as for any new file; a link at `path` is followed.
///
/// # Errors
/// A [`WriteError`] that names `path`; the temporary file is gone then. A program that ends without
/// unwinding removes it with [`layerpress_scratch::remove_all`]; what one that was killed left is
/// removed when the next layer is written there.
pub fn write_file(tree: &LayerTree, path: &Path) -> Result<Written, WriteError> {
    // A rename would replace a device or a pipe by a file. Links are followed: the file that they
    // lead to is the one meant.
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(WriteError::NotAFile {
            path: path.to_owned(),
        });
    }
    // Not synced: the rename already keeps half a layer from sight, and after a power failure a layer
    // is built again from its lock. Syncing would cost more than all the rest of a rebuild.
    replace(path, |file| beside_digest(tree, || write_zip(tree, file))).map_err(|source| {
        WriteError::Io {
            path: path.to_owned(),
            source,
        }
    })
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::PathBuf;

    use super::*;
    use crate::{Archive, Limits, stored};
    use bytes::Bytes;
    use layerpress_tree::{Entry, LayerPath, Mode};

    fn tree(size: u64) -> LayerTree {
        let mut content = stored(Bytes::from_static(b"hello"));
        content.size = size;
        let entry = Entry {
            mode: Mode::File,
            content,
        };
        let mut tree = LayerTree::new();
        tree.insert(LayerPath::new("a").expect("valid"), entry)
            .expect("empty before");
        tree
    }

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a place for tests");
        let path = folder.path().join("layer.zip");
        (folder, path)
    }

    fn names(folder: &tempfile::TempDir) -> Vec<String> {
        let entries = fs::read_dir(folder.path()).expect("readable");
        let name = |entry: io::Result<fs::DirEntry>| entry.expect("readable").file_name();
        let mut names: Vec<_> = entries
            .map(|entry| name(entry).into_string().expect("ascii"))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_whole() {
        let (folder, path) = folder();
        fs::write(&path, "old").expect("writable");
        let written = write_file(&tree(5), &path).expect("writable");
        let zip = fs::read(&path).expect("there");
        assert_eq!(zip.len() as u64, written.bytes);
        assert!(Archive::open(zip.into(), &Limits::default()).is_ok());
        assert_eq!(names(&folder), ["layer.zip"]);
    }

    #[test]
    fn a_failure_leaves_the_old_file_and_nothing_else() {
        let (folder, path) = folder();
        fs::write(&path, "old").expect("writable");
        let error = write_file(&tree(1 << 40), &path).expect_err("too large");
        assert_eq!(
            error.to_string(),
            format!("`{}` cannot be written", path.display())
        );
        let source = std::error::Error::source(&error).expect("the reason");
        insta::assert_snapshot!(source, @"the layer would take 1099511627776 bytes, more than the 4,294,967,294 of a plain zip");
        assert_eq!(fs::read(&path).expect("there"), b"old");
        assert_eq!(names(&folder), ["layer.zip"]);
    }

    #[test]
    fn what_is_no_file_is_not_replaced() {
        let (folder, path) = folder();
        fs::create_dir(&path).expect("creatable");
        let error = write_file(&tree(5), &path).expect_err("is a folder");
        assert!(matches!(error, WriteError::NotAFile { .. }), "{error}");
        let missing = folder.path().join("missing/layer.zip");
        let error = write_file(&tree(5), &missing).expect_err("no folder");
        insta::assert_snapshot!(error.hint().expect("says why"), @"the folder it should stand in does not exist");
        let source = std::error::Error::source(&error).expect("the reason");
        insta::assert_snapshot!(source, @"No such file or directory (os error 2)");
    }

    #[cfg(unix)]
    #[test]
    fn the_mode_is_that_of_a_new_file_and_links_are_followed() {
        use std::os::unix::fs::PermissionsExt;
        let (folder, path) = folder();
        let plain = folder.path().join("plain");
        fs::write(&plain, "").expect("writable");
        let mode = |path| fs::metadata(path).expect("there").permissions().mode();
        std::os::unix::fs::symlink(&plain, &path).expect("linkable");
        let expected = mode(&plain);
        write_file(&tree(5), &path).expect("writable");
        assert_eq!(mode(&plain), expected);
        assert!(path.is_symlink());
        assert!(fs::metadata(&plain).expect("there").len() > 0);
    }
}
