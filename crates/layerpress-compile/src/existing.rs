//! [`open`]: a layer that somebody made, zip or folder, as a tree.
//!
//! A zip must be one that every reader understands alike. A folder stands for `/opt`, or for the part of
//! it that its name or what lies in it tells: `python`, `site-packages`, `node_modules`. Symbolic links
//! are kept as they are, those that lead out are refused.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use layerpress_pack::{Archive, ArchiveError, Level, Limits, compress, stored, zip_size};
use layerpress_tree::{Conflict, Entry, LayerPath, LayerTree, LinkError, Mode, PathError, follow};
use rayon::prelude::*;

/// A layer as it was found.
#[derive(Debug)]
pub(crate) struct Existing {
    /// Its files.
    pub(crate) tree: LayerTree,
    /// The zip's size in bytes, headers and directory included; of a folder that of the zip that it
    /// would be.
    pub(crate) zipped_bytes: u64,
    /// The part of `/opt` that a folder was taken for, if not for all of it.
    pub(crate) part: Option<&'static str>,
    /// Files that nobody but their owner could have read on Lambda.
    pub(crate) unreadable: Vec<LayerPath>,
}

/// Why a layer cannot be looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// The file cannot be read.
    #[error("`{}` cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no zip, or one that no two readers need agree on.
    #[error("{}: {source}", path.display())]
    NoLayer {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ArchiveError,
        /// What it looks like instead.
        looks_like: Option<&'static str>,
    },
    /// A file of a folder whose name cannot stand in a layer.
    #[error("{}: cannot stand in a layer: {source}", path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// What is wrong with its name.
        source: PathError,
    },
    /// A file of a folder whose name is no text.
    #[error("{}: its name is not UTF-8, as names in a layer are", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// A link in a folder that leads to no place inside of it.
    #[error("{}: a link to `{target}`, which {source}", path.display())]
    Link {
        /// The link.
        path: PathBuf,
        /// What it names.
        target: String,
        /// What is wrong with that.
        source: LinkError,
    },
    /// A device, pipe or socket.
    #[error("{}: not a regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
}

/// A layer may be far over the limit that makes somebody look at it; what is a bomb is refused.
const LIMITS: Limits = Limits {
    entries: 1_000_000,
    total_bytes: 16 << 30,
    ratio: 1_000,
};

/// Opens the layer at `path`.
///
/// # Errors
/// What cannot be read; a zip that not every reader understands alike; a folder that holds what
/// cannot stand in a layer.
pub(crate) fn open(path: &Path) -> Result<Existing, InspectError> {
    let unreadable = |source| InspectError::Unreadable {
        path: path.to_owned(),
        source,
    };
    if fs::metadata(path).map_err(unreadable)?.is_dir() {
        return open_folder(path);
    }
    let bytes = fs::read(path).map_err(unreadable)?;
    let zipped_bytes = bytes.len() as u64;
    let looks_like = looks_like(&bytes);
    let archive = Archive::open_layer(bytes.into(), &LIMITS);
    let archive = archive.map_err(|source| InspectError::NoLayer {
        path: path.to_owned(),
        source,
        looks_like,
    })?;
    let entries = archive.entries().iter();
    let unreadable = entries.filter(|entry| !entry.is_link && is_unreadable(entry.mode));
    Ok(Existing {
        tree: archive.to_tree(),
        zipped_bytes,
        part: None,
        unreadable: unreadable.map(|entry| entry.path.clone()).collect(),
    })
}

/// Whether a folder is laid out as a layer, or as a part of one that packages were installed into.
pub(crate) fn looks_like_layer(folder: &Path) -> bool {
    let has = |name: &str| folder.join(name).is_dir();
    has("python") || has("nodejs") || part(folder).is_ok_and(|part| part.is_some())
}

/// Whether a file is a zip, by its name or its first bytes (APPNOTE 4.3.7).
pub(crate) fn is_zip(path: &Path) -> bool {
    let is_named = path
        .extension()
        .is_some_and(|it| it.eq_ignore_ascii_case("zip"));
    let starts_so = || {
        let mut first = [0; 4];
        let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut first));
        read.is_ok() && first == *b"PK\x03\x04"
    };
    is_named || starts_so()
}

impl InspectError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable { .. } => None,
            Self::NotAFile { .. } => Some("leave it out: a layer holds files and links".to_owned()),
            Self::NoLayer {
                looks_like: Some(it),
                ..
            } => Some(format!("it looks like {it}; a layer is a zip file")),
            Self::NoLayer { source, .. } => source.hint().map(str::to_owned),
            Self::Name { .. } | Self::NotText { .. } => {
                Some("rename the file, or leave it out".to_owned())
            }
            Self::Link { .. } => Some("put in its place what it leads to".to_owned()),
        }
    }
}

/// Whether the mode keeps others from reading; 0 is that of an archive without modes.
fn is_unreadable(mode: u32) -> bool {
    mode != 0 && mode & 0o004 == 0
}

fn open_folder(folder: &Path) -> Result<Existing, InspectError> {
    let part = part(folder)?;
    let mut files = Vec::new();
    let walk = WalkBuilder::new(folder)
        .standard_filters(false)
        .follow_links(false)
        .build();
    for found in walk {
        let found = found.map_err(|error| {
            let text = error.to_string();
            let source = error.into_io_error();
            InspectError::Unreadable {
                path: folder.to_owned(),
                source: source.unwrap_or_else(|| io::Error::other(text)),
            }
        })?;
        if !found.file_type().is_some_and(|kind| kind.is_dir()) {
            files.push(found.into_path());
        }
    }
    let read: Vec<(LayerPath, Entry, bool)> = files
        .par_iter()
        .map(|file| read_file(folder, part, file))
        .collect::<Result<_, _>>()?;
    let unreadable = read.iter().filter(|(_, _, unreadable)| *unreadable);
    let mut unreadable: Vec<LayerPath> = unreadable.map(|(path, ..)| path.clone()).collect();
    unreadable.sort();
    let entries = read.into_iter().map(|(path, entry, _)| (path, entry));
    let tree = LayerTree::from_entries(entries.collect());
    let tree = tree.map_err(|conflict: Conflict| InspectError::Unreadable {
        path: folder.to_owned(),
        source: io::Error::other(conflict),
    })?;
    check_links(folder, part, &tree)?;
    Ok(Existing {
        zipped_bytes: zip_size(&tree),
        tree,
        part,
        unreadable,
    })
}

/// The part of `/opt` that `folder` is, if not all of it.
fn part(folder: &Path) -> Result<Option<&'static str>, InspectError> {
    let unreadable = |source| InspectError::Unreadable {
        path: folder.to_owned(),
        source,
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        names.push(entry.map_err(unreadable)?.file_name());
    }
    let has = |name: &str| names.iter().any(|it| it == name);
    if has("python") || has("nodejs") {
        return Ok(None);
    }
    let is_info = |name: &std::ffi::OsString| {
        let name = name.to_string_lossy();
        name.ends_with(".dist-info") || name.ends_with(".egg-info")
    };
    let own = folder.canonicalize().map_err(unreadable)?;
    let own = own.file_name().map(|name| name.to_string_lossy());
    Ok(match own.as_deref() {
        Some("python" | "site-packages") => Some("python"),
        _ if names.iter().any(is_info) => Some("python"),
        Some("nodejs") => Some("nodejs"),
        Some("node_modules") => Some("nodejs/node_modules"),
        _ => None,
    })
}

/// A file of the folder as the layer has it; and whether others may not read it.
fn read_file(
    folder: &Path,
    part: Option<&str>,
    file: &Path,
) -> Result<(LayerPath, Entry, bool), InspectError> {
    let unreadable = |source| InspectError::Unreadable {
        path: file.to_owned(),
        source,
    };
    let relative = file.strip_prefix(folder).unwrap_or(file);
    let parts = relative.components().map(|it| it.as_os_str().to_str());
    let parts = part.map(Some).into_iter().chain(parts);
    let parts = parts.collect::<Option<Vec<_>>>();
    let parts = parts.ok_or_else(|| InspectError::NotText {
        path: file.to_owned(),
    })?;
    let path = LayerPath::new(&parts.join("/"));
    let path = path.map_err(|source| InspectError::Name {
        path: file.to_owned(),
        source,
    })?;
    let metadata = fs::symlink_metadata(file).map_err(unreadable)?;
    if metadata.is_symlink() {
        let target = fs::read_link(file).map_err(unreadable)?;
        let target = target.to_string_lossy().into_owned().into_bytes();
        let (mode, content) = (Mode::Link, stored(target.into()));
        return Ok((path, Entry { mode, content }, false));
    }
    if !metadata.is_file() {
        return Err(InspectError::NotAFile {
            path: file.to_owned(),
        });
    }
    // Compressed at once, since a whole folder's files would take hundreds of megabytes.
    let content = compress(&fs::read(file).map_err(unreadable)?, Level::Fast);
    let bits = mode_bits(&metadata);
    let mode = Mode::from_bits(bits);
    Ok((path, Entry { mode, content }, is_unreadable(bits)))
}

#[cfg(unix)]
fn mode_bits(metadata: &fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777
}

#[cfg(not(unix))]
fn mode_bits(_: &fs::Metadata) -> u32 {
    0
}

/// Refuses links that leave the folder.
fn check_links(folder: &Path, part: Option<&str>, tree: &LayerTree) -> Result<(), InspectError> {
    let links = links(tree);
    for (path, target) in &links {
        match follow(path, target, |at| links.get(at).map(|it| &**it)) {
            Ok(_) | Err(LinkError::Circle) => {}
            Err(source) => {
                let below = part.map_or("", |part| part);
                let inside = path.strip_prefix(below).unwrap_or(path);
                return Err(InspectError::Link {
                    path: folder.join(inside.trim_start_matches('/')),
                    target: target.clone(),
                    source,
                });
            }
        }
    }
    Ok(())
}

/// The links of a tree, by path, and what they name.
pub(crate) fn links(tree: &LayerTree) -> BTreeMap<&str, String> {
    let links = tree.iter().filter(|(_, entry)| entry.mode == Mode::Link);
    links
        .map(|(path, entry)| {
            // Whoever opened the layer has read each link.
            let target = layerpress_pack::read_all(&entry.content).unwrap_or_default();
            (path.as_str(), String::from_utf8_lossy(&target).into_owned())
        })
        .collect()
}

/// What a file is that is no zip, by its first bytes.
fn looks_like(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [] => Some("an empty file"),
        [0x1f, 0x8b, ..] => Some("a gzip file, perhaps a `.tar.gz` or a package of npm"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("a zstandard file"),
        [b'7', b'z', 0xbc, 0xaf, ..] => Some("a 7z archive"),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => Some("an xz file"),
        [b'{' | b'[', ..] => Some("JSON"),
        [b'<', ..] => Some("HTML or XML, perhaps an error page that was saved"),
        _ if bytes.get(257..262) == Some(b"ustar") => Some("a tar archive"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_zip_is_named() {
        assert_eq!(
            looks_like(b"\x1f\x8b\x08"),
            Some("a gzip file, perhaps a `.tar.gz` or a package of npm")
        );
        assert_eq!(looks_like(b"PK\x03\x04"), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_is_the_layer_or_the_part_that_it_looks_like() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let root = tempfile::tempdir().expect("a folder");
        let put = |path: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(&path, "x").expect("a file");
            path
        };
        let tool = put("layer/python/bin/tool");
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o700)).expect("a mode");
        symlink("tool", root.path().join("layer/python/bin/link")).expect("a link");
        put("target/six.py");
        put("target/six-1.dist-info/METADATA");
        put("node_modules/a/index.js");
        put("python/mine.py");
        let told = |folder: &str| {
            let existing = open(&root.path().join(folder)).expect("readable");
            let told = |(path, entry): (&LayerPath, &Entry)| format!("{path} {:?}", entry.mode);
            let files: Vec<_> = existing.tree.iter().map(told).collect();
            format!("{}; {:?}", files.join(", "), existing.unreadable)
        };
        assert_eq!(
            told("layer"),
            "python/bin/link Link, python/bin/tool Executable; [\"python/bin/tool\"]"
        );
        assert_eq!(
            told("target"),
            "python/six-1.dist-info/METADATA File, python/six.py File; []"
        );
        assert_eq!(
            told("node_modules"),
            "nodejs/node_modules/a/index.js File; []"
        );
        assert_eq!(told("python"), "python/mine.py File; []");
        symlink("../../../etc", root.path().join("layer/python/out")).expect("a link");
        let error = open(&root.path().join("layer")).expect_err("leaves the folder");
        let text = error.to_string();
        assert!(
            text.ends_with("a link to `../../../etc`, which leads out of the layer"),
            "{text}"
        );
    }
}
