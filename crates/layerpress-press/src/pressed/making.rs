//! [`Pressing`]: an archive's files on their way into a pressed zip.

use std::collections::BTreeMap;

use bytes::Bytes;
use layerpress_fetch::{Namespace, Store, StoreError, facts_key, let_go};
use layerpress_pack::{
    Archive, ArchiveError, ContentError, Limits, compress, read_all, write_undigested,
};
use layerpress_tree::{Conflict, Content, Encoding, Entry, LayerPath, LayerTree, Mode, Sha256};
use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::facts::{ChangeFacts, Facts, FactsBytes, FileFacts, RefusalFacts};
use super::remake::{Change, Made, Refusal, Remade, Stream, remake};
use super::{Pressed, Recipe};
use crate::Binary;

/// How many bytes of files are gathered before they are pressed side by side: enough for all cores,
/// and little beside the archive that they come from.
const BATCH_BYTES: usize = 16 << 20;

/// Takes an archive's files one by one and presses them on all cores.
///
/// The zip depends on the files and the recipe alone, in whatever order and time they came, but for
/// this: of one path given twice the last file counts.
#[derive(Debug)]
pub struct Pressing {
    recipe: Recipe,
    /// In the order in which they came.
    waiting: Vec<Waiting>,
    /// What the waiting files take in memory of their own.
    waiting_bytes: usize,
    done: BTreeMap<LayerPath, Done>,
    refused: Vec<Refusal>,
    /// What could not be pressed; told when all is saved.
    failed: Option<PressError>,
}

#[derive(Debug)]
struct Waiting {
    path: LayerPath,
    mode: Mode,
    file: File,
}

/// A file as it was given.
#[derive(Debug)]
enum File {
    Bytes(Vec<u8>),
    /// A stream of a mapped archive: it takes no memory until it is inflated.
    Stream(Content),
}

#[derive(Debug)]
struct Done {
    entry: Entry,
    binary: Option<Binary>,
    change: Option<Change>,
}

/// A pressed archive, and why the store does not keep it, if so.
#[derive(Debug)]
pub struct Saved {
    /// What was pressed.
    pub pressed: Pressed,
    /// Why it will have to be pressed again the next time: the store could not be written.
    pub unkept: Option<StoreError>,
}

/// Why files cannot be pressed into one zip.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum PressError {
    /// A path that is a file and a folder.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// More than a zip without 64-bit sizes takes.
    #[error("its files take 4 GiB or more")]
    TooLarge,
    /// The zip that was just written cannot be read: a fault of this program, or of the memory.
    #[error("the pressed zip cannot be read: {0}")]
    Unreadable(ArchiveError),
    /// A file's stream does not hold what it is said to.
    #[error("`{path}` cannot be read: {fault}")]
    Stream {
        /// The file.
        path: LayerPath,
        /// What is wrong with its stream.
        fault: ContentError,
    },
}

impl Pressing {
    /// Starts with no file.
    #[must_use]
    pub fn new(recipe: Recipe) -> Self {
        Self {
            recipe,
            waiting: Vec::new(),
            waiting_bytes: 0,
            done: BTreeMap::new(),
            refused: Vec::new(),
            failed: None,
        }
    }

    /// Takes a file; one that had the same path is forgotten.
    pub fn add(&mut self, path: LayerPath, mode: Mode, bytes: Vec<u8>) {
        self.waiting_bytes += bytes.len();
        let file = File::Bytes(bytes);
        self.waiting.push(Waiting { path, mode, file });
        if self.waiting_bytes >= BATCH_BYTES {
            self.press_waiting();
        }
    }

    /// Takes a file as the stream in which it arrived, which is inflated when its turn comes; one
    /// that had the same path is forgotten.
    pub fn add_stream(&mut self, path: LayerPath, mode: Mode, stream: Content) {
        let file = File::Stream(stream);
        self.waiting.push(Waiting { path, mode, file });
    }

    /// Takes a file that went through the passes already.
    pub fn add_made(&mut self, path: LayerPath, mode: Mode, made: Made) {
        let entry = Entry {
            mode,
            content: made.content,
        };
        let (binary, change) = (made.binary, made.change);
        self.done.insert(
            path,
            Done {
                entry,
                binary,
                change,
            },
        );
    }

    /// Takes note of a file that a pass left as it was.
    pub fn add_refusal(&mut self, refusal: Refusal) {
        self.refused.push(refusal);
    }

    /// Presses what is left, and gives the files so far with what passes did to them, by path.
    pub fn files(&mut self) -> impl Iterator<Item = (&LayerPath, &Entry, Option<&Change>)> {
        self.press_waiting();
        let files = self.done.iter();
        files.map(|(path, done)| (path, &done.entry, done.change.as_ref()))
    }

    /// Makes the file at `path` executable, if there is one.
    pub fn make_executable(&mut self, path: &str) {
        for file in &mut self.waiting {
            if file.path.as_str() == path {
                file.mode = Mode::Executable;
            }
        }
        if let Some(done) = self.done.get_mut(path) {
            done.entry.mode = Mode::Executable;
        }
    }

    /// Presses what is left and puts the zip into the store, with `notes` for whoever opens it.
    ///
    /// A store that cannot be written is no error: the zip is then held in memory.
    ///
    /// # Errors
    /// [`PressError::Conflict`] if a path is a file and a folder, [`PressError::TooLarge`], and
    /// [`PressError::Stream`] for the first stream by path that is damaged.
    pub fn save(
        mut self,
        store: &Store,
        archive: Sha256,
        notes: Vec<u8>,
    ) -> Result<Saved, PressError> {
        self.press_waiting();
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        let recipe = self.recipe;
        let mut known = BTreeMap::new();
        let mut tree = LayerTree::new();
        for (path, done) in self.done {
            if done.binary.is_some() || done.change.is_some() {
                known.insert(path.clone(), (done.binary, done.change));
            }
            tree.insert(path, done.entry)?;
        }
        self.refused.sort();
        if tree.is_empty() {
            return save_empty(store, archive, recipe, &self.refused, notes);
        }
        let mut unkept = None;
        let new = match store.new_pressed(|file| write_undigested(&tree, file)) {
            Ok(new) => Some(new),
            Err(error) => {
                unkept = Some(error);
                None
            }
        };
        let zip = match &new {
            Some(new) => new.bytes(),
            None => in_memory(&tree)?,
        };
        drop(tree);
        let facts = facts(&zip, &known, &self.refused, notes)?;
        let facts = FactsBytes::new_held(&facts).ok_or(PressError::TooLarge)?;
        if let Some(new) = new {
            let recipe = recipe.id();
            // The facts first: a zip without them is taken for damaged.
            let kept = store
                .put_blob(Namespace::Facts, &facts_key(archive, &recipe), &facts)
                .and_then(|()| store.keep_pressed(new, archive, &recipe));
            unkept = kept.err();
        }
        let pressed = Pressed {
            archive,
            facts,
            zip,
        };
        Ok(Saved { pressed, unkept })
    }

    fn press_waiting(&mut self) {
        self.waiting_bytes = 0;
        let mut waiting: Vec<_> = std::mem::take(&mut self.waiting)
            .into_iter()
            .enumerate()
            .collect();
        // The largest first: whoever comes last to a large file makes all others wait.
        waiting.sort_by_key(|(_, file)| std::cmp::Reverse(file.file.size()));
        let recipe = self.recipe;
        let mut pressed: Vec<_> = waiting
            .into_par_iter()
            .with_max_len(1)
            .map(|(at, file)| (at, press(file, recipe)))
            .collect();
        // In the order in which they came, so that the last file of a path stays.
        pressed.sort_by_key(|(at, _)| *at);
        for (_, outcome) in pressed {
            match outcome {
                Ok((path, done, refusal)) => {
                    self.refused.retain(|it| it.path != path.as_str());
                    self.refused.extend(refusal);
                    self.done.insert(path, done);
                }
                Err(fault) => self.failed = Some(first(self.failed.take(), fault)),
            }
        }
    }
}

impl File {
    fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Stream(content) => content.size,
        }
    }
}

/// A file by `recipe`, and why it is not smaller, where that is to be told.
type PressedFile = (LayerPath, Done, Option<Refusal>);

fn press(waiting: Waiting, recipe: Recipe) -> Result<PressedFile, PressError> {
    let Waiting { path, mode, file } = waiting;
    let (bytes, stream) = match file {
        File::Bytes(bytes) => (bytes, None),
        File::Stream(content) => match read_all(&content) {
            Ok(bytes) => (bytes, Some(content)),
            Err(fault) => return Err(PressError::Stream { path, fault }),
        },
    };
    let old = stream.as_ref().map(|content| Stream {
        content,
        is_poor: false,
    });
    let (content, binary, change, refusal) = match remake(path.as_str(), &bytes, old, recipe) {
        Remade::Changed(made) => (made.content, made.binary, made.change, None),
        remade => {
            let refusal = match remade {
                Remade::Refused(refusal) => Some(refusal),
                _ => None,
            };
            let content = compress(&bytes, recipe.compression);
            (content, Binary::of(&bytes), None, refusal)
        }
    };
    if let Some(stream) = stream {
        let_go(&stream.data);
    }
    let entry = Entry { mode, content };
    let done = Done {
        entry,
        binary,
        change,
    };
    Ok((path, done, refusal))
}

/// Of two faults the one whose path comes first, so that the same one is told however threads run.
fn first(one: Option<PressError>, other: PressError) -> PressError {
    match (one, &other) {
        (Some(PressError::Stream { path, fault }), PressError::Stream { path: later, .. })
            if path <= *later =>
        {
            PressError::Stream { path, fault }
        }
        _ => other,
    }
}

fn in_memory(tree: &LayerTree) -> Result<Bytes, PressError> {
    let mut zip = Vec::new();
    write_undigested(tree, &mut zip).map_err(|_| PressError::TooLarge)?;
    Ok(zip.into())
}

/// Keeps that there is nothing to keep, for which no zip is needed.
fn save_empty(
    store: &Store,
    archive: Sha256,
    recipe: Recipe,
    refused: &[Refusal],
    notes: Vec<u8>,
) -> Result<Saved, PressError> {
    let facts = Facts {
        zip_bytes: 0,
        files: Vec::new(),
        refused: refused.iter().map(RefusalFacts::new).collect(),
        notes,
    };
    let facts = FactsBytes::new_held(&facts).ok_or(PressError::TooLarge)?;
    let key = facts_key(archive, &recipe.id());
    let unkept = store.put_blob(Namespace::Facts, &key, &facts).err();
    let pressed = Pressed {
        archive,
        facts,
        zip: Bytes::new(),
    };
    Ok(Saved { pressed, unkept })
}

/// What is known of a file beside what its zip says.
type Known = (Option<Binary>, Option<Change>);

/// What the zip holds, as the strict reader finds it.
fn facts(
    zip: &Bytes,
    known: &BTreeMap<LayerPath, Known>,
    refused: &[Refusal],
    notes: Vec<u8>,
) -> Result<Facts, PressError> {
    let limits = Limits {
        entries: u32::MAX,
        total_bytes: u64::MAX,
        ratio: u32::MAX,
    };
    let archive = Archive::open(zip.clone(), &limits).map_err(PressError::Unreadable)?;
    let files = archive.entries().par_iter().map(|file| {
        let content = &file.content;
        let (binary, change) = known.get(&file.path).copied().unwrap_or_default();
        FileFacts {
            path: file.path.as_str().to_owned(),
            executable: file.to_entry().mode == Mode::Executable,
            deflated: content.encoding == Encoding::Deflate,
            offset: offset(zip, content),
            stream_bytes: content.stream_size(),
            stream_xxh3: xxh3_64(&content.data),
            size_bytes: content.size,
            crc32: content.crc32,
            binary: binary.map_or(0, Binary::code),
            change: change.map(|change| ChangeFacts {
                pass: change.pass.name.to_owned(),
                size_before: change.size_before,
                sha256: change.sha256,
            }),
        }
    });
    Ok(Facts {
        zip_bytes: zip.len() as u64,
        files: files.collect(),
        refused: refused.iter().map(RefusalFacts::new).collect(),
        notes,
    })
}

impl RefusalFacts {
    fn new(refusal: &Refusal) -> Self {
        Self {
            path: refusal.path.clone(),
            pass: refusal.pass.to_owned(),
            why: refusal.why.clone(),
        }
    }
}

/// Where in `zip` a content begins that the reader found there; an empty one may lie anywhere.
fn offset(zip: &Bytes, content: &Content) -> u64 {
    if content.data.is_empty() {
        0
    } else {
        (content.data.as_ptr() as usize).wrapping_sub(zip.as_ptr() as usize) as u64
    }
}
