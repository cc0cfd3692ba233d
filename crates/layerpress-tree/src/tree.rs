//! [`LayerTree`]: an ordered map from path to entry that can always be written to disk.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::{Entry, LayerPath};

/// The files of a layer, ordered by the raw bytes of their paths.
///
/// No path is at once a file and the folder of another, so every tree can be unpacked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LayerTree {
    entries: BTreeMap<LayerPath, Entry>,
}

/// Two files that cannot stand in one tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// The path is there already, with other bytes or another mode.
    #[error("`{path}` is there twice, with different contents")]
    Different {
        /// The path of both.
        path: LayerPath,
    },
    /// One path is a file where the other needs a folder.
    #[error("`{file}` is a file, and a folder of `{below}`")]
    FileAndFolder {
        /// The file.
        file: LayerPath,
        /// The path that needs it to be a folder.
        below: LayerPath,
    },
}

impl LayerTree {
    /// A tree with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A tree of many entries at once, which costs a fraction of inserting them one by one, least
    /// where they come in the order of their paths' raw bytes. The same file twice is fine: it stands
    /// once.
    ///
    /// # Errors
    /// A [`Conflict`] if a path is there twice with different contents, or is a file and the folder
    /// of another.
    pub fn from_entries(mut entries: Vec<(LayerPath, Entry)>) -> Result<Self, Conflict> {
        if !entries.is_sorted_by(|a, b| a.0 <= b.0) {
            entries.sort_by(|a, b| a.0.cmp(&b.0));
        }
        if let Some(twins) = entries
            .windows(2)
            .find(|it| it[0].0 == it[1].0 && !same_file(&it[0].1, &it[1].1))
        {
            let path = twins[0].0.clone();
            return Err(Conflict::Different { path });
        }
        entries.dedup_by(|later, first| later.0 == first.0);
        let is_file = |path: &str| entries.binary_search_by(|it| it.0.as_str().cmp(path)).ok();
        let mut folder = None;
        for (path, _) in &entries {
            // Neighbours mostly share their folder, and its ancestors were looked up with the first.
            let parent = path.parent();
            if parent == folder {
                continue;
            }
            folder = parent;
            let mut above = parent;
            while let Some(file) = above {
                if let Some(at) = is_file(file) {
                    let (file, below) = (entries[at].0.clone(), path.clone());
                    return Err(Conflict::FileAndFolder { file, below });
                }
                above = file.rsplit_once('/').map(|(above, _)| above);
            }
        }
        Ok(Self {
            entries: entries.into_iter().collect(),
        })
    }

    /// Puts `entry` at `path`. The same file twice is fine: it stands once.
    ///
    /// # Errors
    /// A [`Conflict`] if the path holds a different file, or is a folder, or lies below a file;
    /// the tree is then as it was.
    pub fn insert(&mut self, path: LayerPath, entry: Entry) -> Result<(), Conflict> {
        if let Some(there) = self.entries.get(&path) {
            return if same_file(there, &entry) {
                Ok(())
            } else {
                Err(Conflict::Different { path })
            };
        }
        if let Some(file) = self.file_above(&path) {
            return Err(Conflict::FileAndFolder { file, below: path });
        }
        if let Some(below) = self.first_below(&path) {
            return Err(Conflict::FileAndFolder { file: path, below });
        }
        self.entries.insert(path, entry);
        Ok(())
    }

    /// Takes the entry at `path` out, if there is one.
    pub fn remove(&mut self, path: &LayerPath) -> Option<Entry> {
        self.entries.remove(path)
    }

    /// Keeps the entries for which `keep` says so; it is asked in the order of their paths' raw bytes.
    pub fn retain(&mut self, mut keep: impl FnMut(&LayerPath, &Entry) -> bool) {
        self.entries.retain(|path, entry| keep(path, entry));
    }

    /// The entry at `path`.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// The entries in the order of their paths' raw bytes.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&LayerPath, &Entry)> {
        self.entries.iter()
    }

    /// How many files there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no file.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The sum of the files' sizes, in bytes: what Lambda counts against its unzipped limit.
    #[must_use]
    pub fn unzipped_size(&self) -> u64 {
        self.entries.values().map(|entry| entry.content.size).sum()
    }

    fn file_above(&self, path: &LayerPath) -> Option<LayerPath> {
        // Files mostly come in order: where one of the same folder stands, all above are folders.
        let up_to = (Bound::Unbounded, Bound::Excluded(path.as_str()));
        let before = self.entries.range::<str, _>(up_to).next_back();
        if before.is_some_and(|(before, _)| before.parent() == path.parent()) {
            return None;
        }
        path.as_str()
            .match_indices('/')
            .find_map(|(end, _)| self.entries.get_key_value(&path.as_str()[..end]))
            .map(|(file, _)| file.clone())
    }

    fn first_below(&self, path: &LayerPath) -> Option<LayerPath> {
        let after = (Bound::Excluded(path.as_str()), Bound::Unbounded);
        let (next, _) = self.entries.range::<str, _>(after).next()?;
        if !next.as_str().starts_with(path.as_str()) {
            return None;
        }
        // What begins with the path, such as `a.py`, may come before what lies below it.
        let start = format!("{path}/");
        let from = (Bound::Included(start.as_str()), Bound::Unbounded);
        let (next, _) = self.entries.range::<str, _>(from).next()?;
        next.as_str().starts_with(&start).then(|| next.clone())
    }
}

impl IntoIterator for LayerTree {
    type Item = (LayerPath, Entry);
    type IntoIter = std::collections::btree_map::IntoIter<LayerPath, Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

/// Size and CRC-32 stand for the bytes here: every entry's CRC was verified when it was read, and
/// two files that one layer would hold at one path are no attack on each other.
fn same_file(a: &Entry, b: &Entry) -> bool {
    a.mode == b.mode && a.content.size == b.content.size && a.content.crc32 == b.content.crc32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Content, Encoding, Mode};
    use bytes::Bytes;

    fn entry(text: &'static str) -> Entry {
        let content = Content {
            data: Bytes::from_static(text.as_bytes()),
            encoding: Encoding::Stored,
            size: text.len() as u64,
            crc32: text.bytes().map(u32::from).sum(),
        };
        Entry {
            mode: Mode::File,
            content,
        }
    }

    fn path(text: &str) -> LayerPath {
        LayerPath::new(text).expect("valid")
    }

    #[test]
    fn entries_come_out_by_raw_bytes() {
        let mut tree = LayerTree::new();
        for name in ["b", "a/b", "a.py", "a-b", "B"] {
            tree.insert(path(name), entry("x")).expect(name);
        }
        let order: Vec<_> = tree
            .iter()
            .map(|(path, _)| path.as_str().to_owned())
            .collect();
        assert_eq!(order, ["B", "a-b", "a.py", "a/b", "b"]);
        assert_eq!(tree.unzipped_size(), 5);
    }

    #[test]
    fn one_path_holds_one_file() {
        let mut tree = LayerTree::new();
        tree.insert(path("a"), entry("x")).expect("first");
        tree.insert(path("a"), entry("x")).expect("the same again");
        let conflict = tree.insert(path("a"), entry("yy")).expect_err("different");
        assert_eq!(conflict, Conflict::Different { path: path("a") });
    }

    #[test]
    fn many_at_once_are_the_same_as_one_by_one() {
        let trees: [&[&str]; 7] = [
            &[],
            &["a", "a-b", "a.b/c", "b/c/d", "b/c/e", "b/d"],
            &["b", "a/b", "a/c"],
            &["a", "b", "a"],
            &["a", "a-c", "a/b"],
            &["a/b/c", "a/b-c", "a/b"],
            &["x/y/z", "x/y/a/b", "x"],
        ];
        for names in trees {
            let entries = names.iter().map(|name| (path(name), entry(name)));
            let together = LayerTree::from_entries(entries.collect());
            let mut tree = LayerTree::new();
            let mut alone = names
                .iter()
                .map(|name| tree.insert(path(name), entry(name)));
            let is_tree = alone.all(|inserted| inserted.is_ok());
            assert_eq!(together.ok(), is_tree.then_some(tree), "{names:?}");
        }
        let different = vec![(path("a"), entry("x")), (path("a"), entry("yy"))];
        let conflict = Conflict::Different { path: path("a") };
        assert_eq!(LayerTree::from_entries(different), Err(conflict));
    }

    #[test]
    fn a_file_is_no_folder() {
        let mut tree = LayerTree::new();
        tree.insert(path("a/b"), entry("x")).expect("first");
        assert!(tree.insert(path("a"), entry("x")).is_err());
        assert!(tree.insert(path("a/b/c"), entry("x")).is_err());
        tree.insert(path("a-c"), entry("x"))
            .expect("sorts between `a` and `a/`");
        assert!(tree.insert(path("a"), entry("x")).is_err());
        assert_eq!(tree.len(), 2);
    }
}
