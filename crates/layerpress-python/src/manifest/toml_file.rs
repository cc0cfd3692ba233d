//! [`TomlFile`]: a parsed TOML file that knows where its values stand, and how to read them.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use pep508_rs::ExtraName;
use toml_edit::{Document, Item, TableLike};

use super::error::ManifestError;
use super::nearest;
use super::requirement::Origin;
use super::shown::shown;

/// A parsed TOML file that knows where its values stand.
pub(crate) struct TomlFile {
    path: PathBuf,
    pub(crate) name: String,
    document: Document<String>,
}

impl TomlFile {
    pub(crate) fn parse(path: &Path, name: String, text: &str) -> Result<Self, ManifestError> {
        let at = |span: Option<Range<usize>>, text: &str| {
            let line = span.map(|span| line_at(text, span.start));
            let quoted = line.and_then(|line| text.lines().nth(line as usize - 1));
            Origin::new(&name, line, quoted.unwrap_or_default())
        };
        match Document::parse(text.to_owned()) {
            Ok(document) => Ok(Self {
                path: path.to_owned(),
                name,
                document,
            }),
            Err(error) => Err(ManifestError::Toml {
                origin: Box::new(at(error.span(), text)),
                reason: shown(error.message().lines().next().unwrap_or_default()),
            }),
        }
    }

    pub(crate) fn root(&self) -> &dyn TableLike {
        self.document.as_table()
    }

    /// The folder that relative paths start from.
    pub(crate) fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }

    pub(crate) fn origin(&self, span: Option<Range<usize>>, text: &str) -> Origin {
        let line = span.map(|span| line_at(self.document.raw(), span.start));
        Origin::new(&self.name, line, text)
    }

    /// The error for a value of the wrong type.
    pub(crate) fn wrong_type(&self, item: &Item, field: &str, expected: &str) -> ManifestError {
        let origin = self.origin(item.span(), "");
        ManifestError::field(
            &origin,
            field,
            format!("is {}, not {expected}", article(item.type_name())),
        )
    }
}

impl fmt::Debug for TomlFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TomlFile").field(&self.path).finish()
    }
}

fn article(kind: &str) -> String {
    let vowel = kind.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {kind}", if vowel { "an" } else { "a" })
}

fn line_at(text: &str, at: usize) -> u32 {
    let before = text.get(..at).unwrap_or(text);
    let ends = before.bytes().filter(|b| *b == b'\n').count();
    u32::try_from(ends).unwrap_or(u32::MAX - 1) + 1
}

pub(crate) fn table<'a>(parent: &'a dyn TableLike, key: &str) -> Option<&'a dyn TableLike> {
    parent.get(key).and_then(Item::as_table_like)
}

/// The string at `key`, with its place.
pub(crate) fn text_at<'a>(
    file: &TomlFile,
    parent: &'a dyn TableLike,
    key: &str,
    field: &str,
) -> Result<Option<(&'a str, Origin)>, ManifestError> {
    match parent.get(key) {
        None => Ok(None),
        Some(item) => match item.as_str() {
            Some(text) => Ok(Some((text, file.origin(item.span(), text)))),
            None => Err(file.wrong_type(item, field, "a string")),
        },
    }
}

/// The strings of an array, each with its place.
pub(crate) fn strings<'a>(
    file: &TomlFile,
    item: &'a Item,
    field: &str,
) -> Result<Vec<(&'a str, Origin)>, ManifestError> {
    let Some(array) = item.as_array() else {
        let mut error = file.wrong_type(item, field, "an array of strings");
        if let ManifestError::Field { remedy, .. } = &mut error
            && item.is_table_like()
        {
            *remedy = Some("tables of versions are Poetry's form; write `[\"name>=1.0\"]`".into());
        }
        return Err(error);
    };
    array
        .iter()
        .map(|value| match value.as_str() {
            Some(text) => Ok((text, file.origin(value.span(), text))),
            None => {
                let origin = file.origin(value.span(), "");
                let fault = format!("holds {}, not strings only", article(value.type_name()));
                Err(ManifestError::field(&origin, field, fault))
            }
        })
        .collect()
}

/// Whether a name that was asked for is `key`, by PEP 503.
pub(crate) fn same_name(key: &str, name: &str) -> bool {
    match (key.parse::<ExtraName>(), name.parse::<ExtraName>()) {
        (Ok(key), Ok(name)) => key == name,
        _ => false,
    }
}

/// The hint for a key of a table that is not known.
pub(crate) fn nearest_key<'a>(
    key: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest::nearest(key, known).map(|nearest| format!("did you mean `{nearest}`?"))
}
