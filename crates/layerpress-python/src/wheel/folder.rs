//! [`write_folder`]: a tree on disk, for build environments.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

use layerpress_tree::{LayerTree, Mode};
use rayon::prelude::*;

/// Unpacks `tree` into the existing folder `root`, on all cores. No file may be there already.
///
/// # Errors
/// The first file that cannot be written, or whose stream is damaged.
pub fn write_folder(tree: &LayerTree, root: &Path) -> io::Result<()> {
    let mut last = None;
    for (path, _) in tree.iter() {
        if path.parent() != last {
            last = path.parent();
            fs::create_dir_all(root.join(last.unwrap_or_default()))?;
        }
    }
    tree.iter().par_bridge().try_for_each(|(path, entry)| {
        let file = root.join(path.as_str());
        let write = || -> io::Result<()> {
            let mut out = create(&file, entry.mode)?;
            io::copy(&mut layerpress_pack::reader(&entry.content), &mut out)?;
            Ok(())
        };
        write()
            .map_err(|error| io::Error::new(error.kind(), format!("`{}`: {error}", file.display())))
    })
}

#[cfg(unix)]
fn create(path: &Path, mode: Mode) -> io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode.bits())
        .open(path)
}

#[cfg(not(unix))]
fn create(path: &Path, _: Mode) -> io::Result<fs::File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use layerpress_pack::{Level, compress};
    use layerpress_tree::{Entry, LayerPath};

    #[test]
    fn files_lie_where_the_tree_has_them_and_are_never_overwritten() {
        let mut tree = LayerTree::new();
        for (path, mode) in [("a/b/c.py", Mode::File), ("run", Mode::Executable)] {
            let content = compress(path.as_bytes(), Level::Fast);
            tree.insert(
                LayerPath::new(path).expect("valid"),
                Entry { mode, content },
            )
            .expect("no conflict");
        }
        let root = tempfile::tempdir().expect("temporary folder");
        write_folder(&tree, root.path()).expect("written");
        let text = fs::read_to_string(root.path().join("a/b/c.py")).expect("readable");
        assert_eq!(text, "a/b/c.py");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let metadata = fs::metadata(root.path().join("run")).expect("there");
            assert_eq!(metadata.permissions().mode() & 0o100, 0o100);
        }
        let error = write_folder(&tree, root.path()).expect_err("they are there");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    }
}
