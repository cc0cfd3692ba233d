//! [`LayerPath`]: a path inside a layer, relative and safe by construction.

use std::borrow::Borrow;
use std::fmt;

/// A path inside a layer or an archive: relative, `/`-separated, never empty.
///
/// No component is empty, `.` or `..`; there is no backslash, NUL, control character or drive
/// letter. Ordered by raw bytes, which is the order of entries in a layer zip.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LayerPath(Box<str>);

/// Why a string is not a [`LayerPath`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing is left of the path.
    #[error("the path is empty")]
    Empty,
    /// The path starts at a root or a drive.
    #[error("`{path}` is an absolute path")]
    Absolute {
        /// The path, escaped for display.
        path: String,
    },
    /// A component is empty, `.` or `..`.
    #[error("`{path}` holds the component `{component}`")]
    Component {
        /// The path, escaped for display.
        path: String,
        /// The component at fault.
        component: String,
    },
    /// A backslash, a NUL or another control character.
    #[error("`{path}` holds the character {character:?}")]
    Character {
        /// The path, escaped for display.
        path: String,
        /// The character at fault.
        character: char,
    },
    /// Longer than any file system of a Lambda runtime takes.
    #[error("`{path}…` is longer than {limit} bytes")]
    TooLong {
        /// The path's beginning, escaped for display.
        path: String,
        /// The limit, in bytes.
        limit: usize,
    },
}

/// Linux `PATH_MAX`, less the room for `/opt/` and the final NUL (limits.h).
const MAX_BYTES: usize = 4096 - 6;

/// Linux `NAME_MAX`: the longest single component (limits.h).
const MAX_COMPONENT_BYTES: usize = 255;

impl LayerPath {
    /// Takes `path` if it is relative and has only plain components.
    ///
    /// # Errors
    /// A [`PathError`] that names what is wrong with it.
    pub fn new(path: &str) -> Result<Self, PathError> {
        validate(path)?;
        Ok(Self(path.into()))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// This path below `prefix`: `python` and `six.py` give `python/six.py`.
    #[must_use]
    pub fn under(&self, prefix: &LayerPath) -> Self {
        Self(format!("{}/{}", prefix.0, self.0).into())
    }

    /// The components, outermost first; there is at least one.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// The last component.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&*self.0, |(_, name)| name)
    }

    /// What stands before the last component, if there is more than one.
    #[must_use]
    pub fn parent(&self) -> Option<&str> {
        self.0.rsplit_once('/').map(|(parent, _)| parent)
    }

    /// The folders it lies in, the innermost first.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        let mut rest = &*self.0;
        std::iter::from_fn(move || {
            rest = rest.rsplit_once('/')?.0;
            Some(rest)
        })
    }

    /// The rest of this path below `prefix`, if it lies there.
    #[must_use]
    pub fn strip_prefix(&self, prefix: &str) -> Option<&str> {
        self.0.strip_prefix(prefix)?.strip_prefix('/')
    }
}

fn validate(path: &str) -> Result<(), PathError> {
    let shown = || path.escape_default().to_string();
    if path.is_empty() {
        return Err(PathError::Empty);
    }
    if path.len() > MAX_BYTES {
        return Err(too_long(path, MAX_BYTES));
    }
    if let Some(character) = path.chars().find(|c| *c == '\\' || c.is_control()) {
        return Err(PathError::Character {
            path: shown(),
            character,
        });
    }
    let bytes = path.as_bytes();
    let drive = bytes.len() >= 2 && bytes[1] == b':' && bytes[0].is_ascii_alphabetic();
    if bytes[0] == b'/' || drive {
        return Err(PathError::Absolute { path: shown() });
    }
    for component in path.split('/') {
        if matches!(component, "" | "." | "..") {
            return Err(PathError::Component {
                path: shown(),
                component: component.into(),
            });
        }
        if component.len() > MAX_COMPONENT_BYTES {
            return Err(too_long(component, MAX_COMPONENT_BYTES));
        }
    }
    Ok(())
}

fn too_long(text: &str, limit: usize) -> PathError {
    PathError::TooLong {
        path: text
            .chars()
            .take(60)
            .flat_map(char::escape_default)
            .collect(),
        limit,
    }
}

impl fmt::Display for LayerPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for LayerPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Borrow<str> for LayerPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for LayerPath {
    type Err = PathError;

    fn from_str(path: &str) -> Result<Self, PathError> {
        Self::new(path)
    }
}

/// The path that `path` means as seen from `folder`, by its words alone; `None` if it leads out of the
/// root that `folder` is told from.
#[must_use]
pub fn seen_from(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_relative_paths_are_taken_as_they_are() {
        for path in [
            "a",
            "a/b.py",
            "numpy.libs/libx-1.2.so.3",
            "a b/ü",
            "..a/b..",
            ".hidden",
        ] {
            assert_eq!(LayerPath::new(path).expect(path).as_str(), path);
        }
    }

    #[test]
    fn paths_that_could_leave_the_layer_are_refused() {
        for path in [
            "", "/a", "a/../b", "..", "a/..", "./a", "a//b", "a/", "a\\b", "C:/a", "c:", "a\0b",
            "a\nb",
        ] {
            assert!(LayerPath::new(path).is_err(), "{path:?} was taken");
        }
        assert!(LayerPath::new(&"a".repeat(256)).is_err());
        assert!(LayerPath::new(&"a/".repeat(3000)).is_err());
    }

    #[test]
    fn parts_of_a_path() {
        let path = LayerPath::new("python/numpy/core.py").expect("valid");
        assert_eq!(path.file_name(), "core.py");
        assert_eq!(path.parent(), Some("python/numpy"));
        assert_eq!(path.strip_prefix("python"), Some("numpy/core.py"));
        assert_eq!(path.strip_prefix("pyth"), None);
        assert_eq!(LayerPath::new("six.py").expect("valid").parent(), None);
    }

    proptest! {
        #[test]
        fn whatever_is_taken_stays_below_its_root(path in "\\PC{0,40}") {
            if let Ok(path) = LayerPath::new(&path) {
                prop_assert!(path.components().all(|c| !c.is_empty() && c != ".." && c != "."));
                prop_assert!(!path.as_str().starts_with('/'));
            }
        }
    }

    #[test]
    fn what_is_seen_from_a_folder_stays_inside_the_root() {
        for (folder, path, meant) in [
            ("a/b", "c", Some("a/b/c")),
            ("a/b", "./c//d/", Some("a/b/c/d")),
            ("a/b", "../../c", Some("c")),
            ("", "a/..", Some("")),
            ("a", "../..", None),
        ] {
            assert_eq!(seen_from(folder, path).as_deref(), meant, "{folder} {path}");
        }
    }
}
