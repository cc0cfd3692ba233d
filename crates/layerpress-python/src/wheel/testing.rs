//! Tiny wheels, built in code.

use bytes::Bytes;
use layerpress_fetch::Store;
use layerpress_pack::{Level, compress, stored, write_layer};
use layerpress_tree::{Entry, LayerPath, LayerTree, Mode, Sha256};
use sha2::Digest as _;

use super::WheelError;
use super::record;
use super::unpack::{UnpackOptions, WheelFile, WheelTree, unpack};

/// A wheel to be built: files, and how RECORD lies about them.
#[derive(Debug, Clone)]
pub(crate) struct TestWheel {
    pub(crate) file_name: String,
    dist_info: String,
    files: Vec<(String, Vec<u8>, Mode)>,
    record: Option<String>,
    is_stored: bool,
}

impl TestWheel {
    /// `name` 1.0 with METADATA and WHEEL.
    pub(crate) fn new(name: &str) -> Self {
        Self::versioned(name, "1.0")
    }

    pub(crate) fn versioned(name: &str, version: &str) -> Self {
        Self {
            file_name: format!("{name}-{version}-py3-none-any.whl"),
            dist_info: format!("{name}-{version}.dist-info"),
            files: Vec::new(),
            record: None,
            is_stored: false,
        }
        .info(
            "METADATA",
            &format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"),
        )
        .info(
            "WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
    }

    pub(crate) fn named(mut self, file_name: &str) -> Self {
        file_name.clone_into(&mut self.file_name);
        self
    }

    /// Adds a file, or replaces it.
    pub(crate) fn file(self, path: &str, text: &str) -> Self {
        self.entry(path, text.as_bytes(), Mode::File)
    }

    pub(crate) fn entry(mut self, path: &str, bytes: &[u8], mode: Mode) -> Self {
        self.files.retain(|(there, ..)| there != path);
        self.files.push((path.to_owned(), bytes.to_vec(), mode));
        self
    }

    /// Adds a file of the dist-info folder.
    pub(crate) fn info(self, name: &str, text: &str) -> Self {
        let path = format!("{}/{name}", self.dist_info);
        self.file(&path, text)
    }

    pub(crate) fn without_info(mut self, name: &str) -> Self {
        let path = format!("{}/{name}", self.dist_info);
        self.files.retain(|(there, ..)| *there != path);
        self
    }

    /// Leaves all files uncompressed.
    pub(crate) fn stored(mut self) -> Self {
        self.is_stored = true;
        self
    }

    /// Changes the RECORD that the files so far deserve.
    pub(crate) fn record(mut self, change: impl FnOnce(String) -> String) -> Self {
        self.record = Some(change(self.true_record()));
        self
    }

    pub(crate) fn bytes(&self) -> Bytes {
        let record = self.record.clone().unwrap_or_else(|| self.true_record());
        let own = format!("{}/RECORD", self.dist_info);
        let mut tree = LayerTree::new();
        let record = (own, record.into_bytes(), Mode::File);
        for (path, bytes, mode) in self.files.iter().chain([&record]) {
            let entry = Entry {
                mode: *mode,
                content: match self.is_stored {
                    true => stored(bytes.clone().into()),
                    false => compress(bytes, Level::Fast),
                },
            };
            tree.insert(LayerPath::new(path).expect("valid"), entry)
                .expect("no conflict");
        }
        let mut zip = Vec::new();
        write_layer(&tree, &mut zip).expect("written to memory");
        zip.into()
    }

    pub(crate) fn unpack(&self, options: &UnpackOptions) -> Result<WheelTree, WheelError> {
        let folder = tempfile::tempdir().expect("temporary folder");
        self.unpack_in(options, &Store::open(folder.path()).expect("store"))
    }

    pub(crate) fn unpack_in(
        &self,
        options: &UnpackOptions,
        store: &Store,
    ) -> Result<WheelTree, WheelError> {
        unpack_bytes(&self.file_name, self.bytes(), options, store)
    }

    fn true_record(&self) -> String {
        let mut text = String::new();
        for (path, bytes, _) in &self.files {
            let hash = record::hash(
                layerpress_tree::Algorithm::Sha256,
                &sha2::Sha256::digest(bytes),
            );
            text += &format!("{path},{hash},{}\n", bytes.len());
        }
        text + &format!("{}/RECORD,,\n", self.dist_info)
    }
}

pub(crate) fn unpack_bytes(
    name: &str,
    archive: Bytes,
    options: &UnpackOptions,
    store: &Store,
) -> Result<WheelTree, WheelError> {
    let wheel = WheelFile {
        name,
        digest: Sha256(sha2::Sha256::digest(&archive).into()),
        archive,
    };
    unpack(&wheel, options, store)
}

/// One line for each file: mode, size and path.
pub(crate) fn listing(tree: &LayerTree) -> String {
    tree.iter()
        .map(|(path, entry)| {
            let bits = entry.mode.bits();
            format!("{bits:o} {:4} {path}\n", entry.content.size)
        })
        .collect()
}

pub(crate) fn text(tree: &LayerTree, path: &str) -> String {
    let entry = tree.get(path).expect(path);
    let bytes = layerpress_pack::read_all(&entry.content).expect("intact");
    String::from_utf8(bytes).expect("text")
}
