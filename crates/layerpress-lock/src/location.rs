//! [`Location`]: where a locked artifact is: a URL without secrets, or a path beside the lock.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use url::Url;

use crate::error::shown;

/// Where an artifact or a source tree is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Location {
    /// On a server (or, for a repository, wherever its URL says).
    Url(Url),
    /// In the file system.
    Path(LockPath),
}

/// A path in a lockfile: relative to the folder of the lock, with `/` between its parts, unless a
/// foreign tool wrote an absolute one.
///
/// PEP 751 lets a path lead out of that folder (`../shared`), as monorepos need.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LockPath(String);

/// Why a text cannot be a path in a lockfile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing is there.
    #[error("it is empty")]
    Empty,
    /// A NUL or another control character.
    #[error("`{0}` holds a control character")]
    Control(String),
    /// A subdirectory that is not inside its source tree.
    #[error("`{0}` leads out of the source tree")]
    Outside(String),
    /// Not UTF-8, or on another drive than the lock.
    #[error("`{0}` cannot be written relative to the lockfile")]
    NotRelative(String),
}

impl Location {
    /// A URL, without the user name and password that it may hold.
    #[must_use]
    pub fn url(mut url: Url) -> Self {
        strip_credentials(&mut url);
        Self::Url(url)
    }

    /// The last part of the URL's or path's name, percent-decoded in a URL: a file's name.
    #[must_use]
    pub fn file_name(&self) -> Option<String> {
        let name = match self {
            Self::Url(url) => percent_decoded(url.path().rsplit('/').next()?)?,
            Self::Path(path) => path.as_str().rsplit('/').next()?.to_owned(),
        };
        (!name.is_empty()).then_some(name)
    }
}

impl LockPath {
    /// A path as it stands in a lockfile; backslashes become slashes.
    ///
    /// # Errors
    /// [`PathError`] if it is empty or holds a control character.
    pub fn new(text: &str) -> Result<Self, PathError> {
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        if text.chars().any(char::is_control) {
            return Err(PathError::Control(shown(text)));
        }
        Ok(Self(text.replace('\\', "/")))
    }

    /// The way from the lock's folder to a file or folder. Both paths are absolute; neither needs to
    /// exist, and links are not followed.
    ///
    /// # Errors
    /// [`PathError::NotRelative`] if there is no such way (another drive), or it is not UTF-8.
    pub fn between(lock_folder: &Path, path: &Path) -> Result<Self, PathError> {
        let not_relative = || PathError::NotRelative(shown(&path.to_string_lossy()));
        let (from, to) = (normal(lock_folder), normal(path));
        let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
        let drives_differ = |part: Option<&Component>| {
            matches!(part, Some(Component::Prefix(_) | Component::RootDir))
        };
        if drives_differ(from.get(shared)) || drives_differ(to.get(shared)) {
            return Err(not_relative());
        }
        let mut parts = vec![".."; from.len() - shared];
        for part in &to[shared..] {
            parts.push(part.as_os_str().to_str().ok_or_else(not_relative)?);
        }
        if parts.is_empty() {
            parts.push(".");
        }
        Self::new(&parts.join("/"))
    }

    /// The text, with `/` between the parts.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it means something on one machine only: `/x`, `C:/x`, `//server/x`, `~/x`.
    #[must_use]
    pub fn is_absolute(&self) -> bool {
        let drive = self.0.as_bytes();
        self.0.starts_with('/')
            || self.0 == "~"
            || self.0.starts_with("~/")
            || (drive.len() > 1 && drive[1] == b':' && drive[0].is_ascii_alphabetic())
    }

    /// Where it is, for a lock in this folder.
    #[must_use]
    pub fn in_folder(&self, lock_folder: &Path) -> PathBuf {
        lock_folder.join(&self.0)
    }

    /// Checks that the path stays inside the tree that it is relative to.
    pub fn inside(self) -> Result<Self, PathError> {
        if self.is_absolute() || self.0.split('/').any(|part| part == "..") {
            return Err(PathError::Outside(shown(&self.0)));
        }
        Ok(self)
    }
}

impl fmt::Display for LockPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Removes user name and password. A user name alone goes too, as it may be a token, unless it is the
/// `git` of `ssh://git@…`, which names no person and is needed.
pub(crate) fn strip_credentials(url: &mut Url) {
    // Both setters fail only for URLs without a host, which cannot hold either.
    let _ = url.set_password(None);
    if !(url.username() == "git" && url.scheme().ends_with("ssh")) {
        let _ = url.set_username("");
    }
}

/// The parts of a path with `.` and `..` resolved by name alone.
fn normal(path: &Path) -> Vec<Component<'_>> {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(parts.last(), Some(Component::Normal(_))) => {
                parts.pop();
            }
            Component::ParentDir if matches!(parts.last(), Some(Component::RootDir)) => {}
            part => parts.push(part),
        }
    }
    parts
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte == b'%'
            && let Some((digits, tail)) = rest.split_at_checked(2)
            && let Some(decoded) = std::str::from_utf8(digits)
                .ok()
                .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
                .and_then(|digits| u8::from_str_radix(digits, 16).ok())
        {
            bytes.push(decoded);
            rest = tail;
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> String {
        match Location::url(text.parse().expect("a URL")) {
            Location::Url(url) => url.to_string(),
            Location::Path(path) => path.to_string(),
        }
    }

    #[test]
    fn credentials_are_not_kept() {
        assert_eq!(
            url("https://u:p@files.example/a"),
            "https://files.example/a"
        );
        assert_eq!(
            url("https://token@files.example/a"),
            "https://files.example/a"
        );
        assert_eq!(
            url("ssh://git@files.example/a"),
            "ssh://git@files.example/a"
        );
        assert_eq!(
            url("ssh://git:p@files.example/a"),
            "ssh://git@files.example/a"
        );
    }

    #[test]
    fn file_names_are_decoded() {
        let name = |text: &str| Location::url(text.parse().expect("a URL")).file_name();
        assert_eq!(
            name("https://files.example/torch-2.0%2Bcpu-py3-none-any.whl#sha256=00").as_deref(),
            Some("torch-2.0+cpu-py3-none-any.whl")
        );
        assert_eq!(
            name("https://files.example/a%zz%+1").as_deref(),
            Some("a%zz%+1")
        );
        assert_eq!(name("https://files.example/"), None);
        assert_eq!(name("https://files.example/%ff"), None);
    }

    #[test]
    fn paths_are_relative_to_the_lock() {
        let between = |from: &str, to: &str| {
            let path = LockPath::between(Path::new(from), Path::new(to)).expect("is relative");
            path.as_str().to_owned()
        };
        assert_eq!(between("/a/b", "/a/b/wheels/x.whl"), "wheels/x.whl");
        assert_eq!(between("/a/b", "/a/shared/x"), "../shared/x");
        assert_eq!(between("/a/b", "/a/./c/../b"), ".");
        assert_eq!(between("/a/b", "/../x"), "../../x");
        assert!(LockPath::between(Path::new("a"), Path::new("/x")).is_err());
    }

    #[test]
    fn absolute_and_escaping_paths_are_told() {
        for absolute in ["/x", "C:\\x", "c:/x", "\\\\server\\x", "~/x"] {
            let path = LockPath::new(absolute).expect("is a path");
            assert!(path.is_absolute(), "{absolute}");
            assert!(path.inside().is_err(), "{absolute}");
        }
        for relative in ["x", "./x", "../x", "a\\b", "~x"] {
            assert!(!LockPath::new(relative).expect("is a path").is_absolute());
        }
        assert_eq!(LockPath::new("a\\b").expect("is a path").as_str(), "a/b");
        assert!(
            LockPath::new("a/../b")
                .expect("is a path")
                .inside()
                .is_err()
        );
        assert_eq!(LockPath::new(""), Err(PathError::Empty));
        assert!(LockPath::new("a\0b").is_err());
    }
}
