//! [`Recorder`]: which files of a folder were read, as the file system notes it.
//!
//! Linux notes the time of access at the first read or map of a file whose last access is not younger than
//! its last change (`relatime`, mount(8)). So every file is given an access long past; whose is
//! another afterwards was read. Looking at a name, a size or a listing is no access.

use std::collections::BTreeSet;
use std::fs::{self, File, FileTimes};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use layerpress_tree::{LayerPath, LayerTree, Mode};
use rayon::prelude::*;

use super::TraceError;

/// 1980-01-01, as in a layer's zip.
const LONG_AGO: Duration = Duration::from_secs(315_532_800);

/// Any time after that.
const CHANGED: Duration = Duration::from_secs(315_619_200);

/// Watches the files of a layer in a folder.
#[derive(Debug)]
pub(crate) struct Recorder<'a> {
    folder: &'a Path,
    paths: Vec<&'a LayerPath>,
}

impl<'a> Recorder<'a> {
    /// Begins to watch the files of `layer`, which was unpacked to `folder`.
    ///
    /// # Errors
    /// [`TraceError::NotNoted`] where nothing would be seen.
    pub(crate) fn begin(folder: &'a Path, layer: &'a LayerTree) -> Result<Self, TraceError> {
        probe(folder)?;
        let files = layer.iter().filter(|(_, entry)| entry.mode != Mode::Link);
        let paths: Vec<&LayerPath> = files.map(|(path, _)| path).collect();
        paths
            .par_iter()
            .try_for_each(|path| age(&folder.join(path.as_str())))?;
        Ok(Self { folder, paths })
    }

    /// The files that were read since.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn read(&self) -> io::Result<BTreeSet<LayerPath>> {
        let mut read = BTreeSet::new();
        for path in &self.paths {
            match is_read(&self.folder.join(path.as_str())) {
                Ok(false) => {}
                Ok(true) => {
                    read.insert((*path).clone());
                }
                // The command's own affair, and a sign of use.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    read.insert((*path).clone());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(read)
    }
}

/// Makes sure that a read is noted.
fn probe(folder: &Path) -> Result<(), TraceError> {
    let file = tempfile::NamedTempFile::new_in(folder)?;
    fs::write(file.path(), "probe")?;
    age(file.path())?;
    fs::read(file.path())?;
    if is_read(file.path())? {
        Ok(())
    } else {
        let folder = folder.to_owned();
        Err(TraceError::NotNoted { folder })
    }
}

fn age(path: &Path) -> io::Result<()> {
    let times = FileTimes::new()
        .set_accessed(UNIX_EPOCH + LONG_AGO)
        .set_modified(UNIX_EPOCH + CHANGED);
    File::open(path)?.set_times(times)
}

fn is_read(path: &Path) -> io::Result<bool> {
    let accessed: SystemTime = fs::metadata(path)?.accessed()?;
    Ok(accessed != UNIX_EPOCH + LONG_AGO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use layerpress_pack::stored;
    use layerpress_tree::Entry;

    #[test]
    fn what_is_read_is_seen_and_what_is_only_looked_at_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let names = ["a/listed.py", "a/read.py", "asked.py", "mapped.so"];
        let mut layer = LayerTree::new();
        for name in names {
            let place = folder.path().join(name);
            fs::create_dir_all(place.parent().expect("a folder")).expect("made");
            fs::write(&place, name).expect("written");
            let content = stored(name.as_bytes().to_vec().into());
            let mode = Mode::File;
            let path = LayerPath::new(name).expect("a path");
            layer.insert(path, Entry { mode, content }).expect("new");
        }
        let recorder = Recorder::begin(folder.path(), &layer).expect("times of access are noted");
        assert!(recorder.read().expect("readable").is_empty());
        fs::read(folder.path().join("a/read.py")).expect("readable");
        fs::metadata(folder.path().join("asked.py")).expect("there");
        assert!(
            fs::read_dir(folder.path().join("a"))
                .expect("there")
                .count()
                > 0
        );
        fs::remove_file(folder.path().join("mapped.so")).expect("removed");
        let read = recorder.read().expect("readable");
        let read: Vec<&str> = read.iter().map(LayerPath::as_str).collect();
        assert_eq!(read, ["a/read.py", "mapped.so"]);
    }
}
