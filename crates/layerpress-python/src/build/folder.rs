//! Local folders: copied before they are built, so that a build leaves nothing behind in them; and
//! their digest, by which the result is kept.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use layerpress_tree::Sha256;
use sha2::Digest as _;

use super::error::BuildError;

/// Folders that builds, tests and editors leave behind, wherever they lie.
const LEFTOVERS: [&str; 14] = [
    "__pycache__",
    ".venv",
    ".tox",
    ".nox",
    ".eggs",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".hypothesis",
    ".idea",
    ".vscode",
    ".svn",
    ".hg",
    "node_modules",
];

/// The same at the top of the folder only: packages may have a module of that name.
const TOP_LEFTOVERS: [&str; 2] = ["build", "dist"];

/// What a copy was made of.
#[derive(Debug)]
pub(super) struct Copied {
    /// Of paths, modes and contents; nothing if the result also hangs on the history, which is
    /// larger than what it is wanted for.
    pub(super) digest: Option<Sha256>,
    /// Links that lead out of the folder, relative to it: they were left out.
    pub(super) left_out: Vec<PathBuf>,
}

/// Copies the folder `from` into the existing empty folder `into`.
pub(super) fn copy(from: &Path, into: &Path) -> Result<Copied, BuildError> {
    let root = from.canonicalize().map_err(BuildError::io(from))?;
    let history = needs_history(&root);
    let mut copy = Copy {
        root,
        into: into.to_owned(),
        history,
        hash: sha2::Sha256::new(),
        left_out: Vec::new(),
    };
    copy.folder(Path::new(""))?;
    Ok(Copied {
        digest: (!history).then(|| Sha256(copy.hash.finalize().into())),
        left_out: copy.left_out,
    })
}

/// Whether a build of the tree asks its history for the version: the tools that do are named in its
/// build files.
pub(super) fn needs_history(root: &Path) -> bool {
    const TOOLS: [&str; 8] = [
        "scm",
        "vcs",
        "versioneer",
        "pbr",
        "dunamai",
        "dynamic-versioning",
        "versioningit",
        "git",
    ];
    let has_history = root.join(".git").exists();
    has_history
        && ["pyproject.toml", "setup.cfg", "setup.py"]
            .iter()
            .filter_map(|file| fs::read(root.join(file)).ok())
            .any(|bytes| {
                let text = String::from_utf8_lossy(&bytes);
                TOOLS.iter().any(|tool| text.contains(tool))
            })
}

struct Copy {
    root: PathBuf,
    into: PathBuf,
    history: bool,
    hash: sha2::Sha256,
    left_out: Vec<PathBuf>,
}

impl Copy {
    fn folder(&mut self, below: &Path) -> Result<(), BuildError> {
        let folder = self.root.join(below);
        let into = self.into.join(below);
        fs::create_dir_all(&into).map_err(BuildError::io(&into))?;
        let mut names: Vec<_> = fs::read_dir(&folder)
            .and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect())
            .map_err(BuildError::io(&folder))?;
        names.sort();
        for name in names {
            let path = below.join(&name);
            let real = self.root.join(&path);
            let metadata = fs::symlink_metadata(&real).map_err(BuildError::io(&real))?;
            if metadata.is_symlink() {
                self.link(&path)?;
            } else if metadata.is_dir() {
                if !self.is_left_over(&path) {
                    self.folder(&path)?;
                }
            } else if metadata.is_file() {
                self.file(&path)?;
            }
            // Sockets and pipes are no sources.
        }
        Ok(())
    }

    /// A link stays one if it stays inside.
    fn link(&mut self, path: &Path) -> Result<(), BuildError> {
        let real = self.root.join(path);
        let inside = real
            .canonicalize()
            .is_ok_and(|target| target.starts_with(&self.root));
        let target = fs::read_link(&real).map_err(BuildError::io(&real))?;
        if !inside || target.is_absolute() {
            self.left_out.push(path.to_owned());
            return Ok(());
        }
        self.note(path, b'l', target.as_os_str().as_encoded_bytes());
        let copy = self.into.join(path);
        link(&target, &copy).map_err(BuildError::io(&copy))
    }

    fn file(&mut self, path: &Path) -> Result<(), BuildError> {
        let (from, to) = (self.root.join(path), self.into.join(path));
        let mut source = fs::File::open(&from).map_err(BuildError::io(&from))?;
        let mut target = fs::File::create(&to).map_err(BuildError::io(&to))?;
        let mut hash = sha2::Sha256::new();
        let mut chunk = vec![0; 64 << 10];
        loop {
            let length = source.read(&mut chunk).map_err(BuildError::io(&from))?;
            if length == 0 {
                break;
            }
            hash.update(&chunk[..length]);
            let written = target.write_all(&chunk[..length]);
            written.map_err(BuildError::io(&to))?;
        }
        let executable = keep_executable(&source, &target).map_err(BuildError::io(&to))?;
        let kind = if executable { b'x' } else { b'f' };
        self.note(path, kind, &hash.finalize());
        Ok(())
    }

    fn note(&mut self, path: &Path, kind: u8, contents: &[u8]) {
        let path = path.as_os_str().as_encoded_bytes();
        for part in [path, &[kind], contents] {
            self.hash.update((part.len() as u64).to_le_bytes());
            self.hash.update(part);
        }
    }

    fn is_left_over(&self, path: &Path) -> bool {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return false;
        };
        let top = path.components().count() == 1;
        LEFTOVERS.contains(&name)
            || (top && TOP_LEFTOVERS.contains(&name))
            || (name == ".git" && !self.history)
            || name.ends_with(".egg-info")
            || self.root.join(path).join("pyvenv.cfg").is_file()
    }
}

#[cfg(unix)]
fn keep_executable(source: &fs::File, target: &fs::File) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    let executable = source.metadata()?.permissions().mode() & 0o100 != 0;
    if executable {
        target.set_permissions(fs::Permissions::from_mode(0o755))?;
    }
    Ok(executable)
}

#[cfg(not(unix))]
fn keep_executable(_: &fs::File, _: &fs::File) -> io::Result<bool> {
    Ok(false)
}

#[cfg(unix)]
fn link(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(not(unix))]
fn link(target: &Path, link: &Path) -> io::Result<()> {
    let target = link.parent().unwrap_or(link).join(target);
    fs::copy(target, link).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, files: &[(&str, &str)]) {
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("below the root")).expect("made");
            fs::write(path, text).expect("written");
        }
    }

    fn copied(from: &Path) -> (Vec<String>, Copied) {
        let into = tempfile::tempdir().expect("temporary folder");
        let copied = copy(from, into.path()).expect("copied");
        let mut found = Vec::new();
        let mut folders = vec![into.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("readable") {
                let path = entry.expect("readable").path();
                if path.is_dir() && !path.is_symlink() {
                    folders.push(path);
                } else {
                    let below = path.strip_prefix(into.path()).expect("below");
                    found.push(below.display().to_string());
                }
            }
        }
        found.sort();
        (found, copied)
    }

    #[test]
    fn leftovers_stay_behind_and_do_not_count() {
        let from = tempfile::tempdir().expect("temporary folder");
        let files = [("setup.py", "x"), ("pkg/build/a.py", ""), ("pkg/b.py", "")];
        write(from.path(), &files);
        let (found, clean) = copied(from.path());
        assert_eq!(found, ["pkg/b.py", "pkg/build/a.py", "setup.py"]);
        let leftovers = [
            ("build/lib/a.py", ""),
            ("dist/a.whl", ""),
            ("pkg/__pycache__/b.pyc", ""),
            ("pkg.egg-info/PKG-INFO", ""),
            (".git/HEAD", ""),
            ("env/pyvenv.cfg", ""),
        ];
        write(from.path(), &leftovers);
        let (found_later, later) = copied(from.path());
        assert_eq!((found_later, later.digest), (found, clean.digest));
        write(from.path(), &[("pkg/b.py", "changed")]);
        assert_ne!(copied(from.path()).1.digest, clean.digest);
    }

    #[test]
    fn the_history_comes_along_where_a_version_needs_it() {
        let from = tempfile::tempdir().expect("temporary folder");
        let files = [
            ("pyproject.toml", "requires=['setuptools-scm']"),
            (".git/HEAD", "x"),
        ];
        write(from.path(), &files);
        let (found, copied) = copied(from.path());
        assert_eq!(found, [".git/HEAD", "pyproject.toml"]);
        assert_eq!(copied.digest, None);
    }

    #[cfg(unix)]
    #[test]
    fn no_link_is_followed_out() {
        let outside = tempfile::tempdir().expect("temporary folder");
        write(outside.path(), &[("secret", "s")]);
        let from = tempfile::tempdir().expect("temporary folder");
        write(from.path(), &[("a/b", "b")]);
        link(outside.path(), &from.path().join("out")).expect("linked");
        link(Path::new("../a/b"), &from.path().join("a/in")).expect("linked");
        let (found, copied) = copied(from.path());
        assert_eq!(found, ["a/b", "a/in"]);
        assert_eq!(copied.left_out, [Path::new("out")]);
    }
}
