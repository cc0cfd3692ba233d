//! [`Link`]: one file as an index page lists it, whatever the page's format.

use rkyv::{Archive, Deserialize, Serialize};
use url::Url;

use layerpress_tree::{Algorithm, Digest};

/// One file on a page, checked as far as it can be without knowing its package.
///
/// In simple types because a page of find-links is stored as a list of these.
#[derive(Debug, Clone, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub(crate) struct Link {
    /// The last segment of the URL's path, percent-decoded.
    pub(crate) file_name: String,
    /// Absolute, without fragment.
    pub(crate) url: String,
    /// In canonical form: `sha256:<hex>`; unknown algorithms are left out.
    pub(crate) hashes: Vec<String>,
    /// In bytes.
    pub(crate) size: Option<u64>,
    /// Milliseconds since 1970.
    pub(crate) upload_time: Option<i64>,
    /// As the page has it.
    pub(crate) requires_python: Option<String>,
    /// The reason, often empty, if it is yanked.
    pub(crate) yanked: Option<String>,
    /// What the page says about the metadata beside the file.
    pub(crate) core_metadata: Advertised,
}

/// What a page says about the `.metadata` file beside a wheel (PEP 658, PEP 714).
#[derive(Debug, Clone, Default, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub(crate) enum Advertised {
    /// Nothing: it may be there all the same.
    #[default]
    Unsaid,
    /// It is there; with its hash, `sha256:<hex>`, if the page gives one that is known.
    Yes(Option<String>),
}

impl Link {
    /// A link to `href` as found on a page with the given base; `None` if that is no file that
    /// could be fetched.
    pub(crate) fn new(base: &Url, href: &str) -> Option<(Self, Option<String>)> {
        let mut url = base.join(href.trim()).ok()?;
        if !matches!(url.scheme(), "http" | "https" | "file") {
            return None;
        }
        let fragment = url.fragment().map(str::to_owned);
        url.set_fragment(None);
        let file_name = percent_decoded(url.path_segments()?.next_back()?)?;
        if file_name.is_empty() || file_name.contains(['/', '\\', '\0']) {
            return None;
        }
        let link = Self {
            file_name,
            url: url.into(),
            hashes: Vec::new(),
            size: None,
            upload_time: None,
            requires_python: None,
            yanked: None,
            core_metadata: Advertised::Unsaid,
        };
        Some((link, fragment))
    }

    /// Adds a hash if its algorithm is known and its value fits.
    pub(crate) fn add_hash(&mut self, algorithm: &str, hex: &str) {
        self.hashes.extend(canonical_hash(algorithm, hex));
    }
}

/// `sha256:<hex>`, if the algorithm is known and the value fits.
pub(crate) fn canonical_hash(algorithm: &str, hex: &str) -> Option<String> {
    let algorithm: Algorithm = algorithm.parse().ok()?;
    Some(Digest::from_hex(algorithm, hex).ok()?.to_string())
}

/// Undoes percent-encoding; `None` if the result is not UTF-8.
pub(crate) fn percent_decoded(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let pair = digit(bytes.get(at + 1)).zip(digit(bytes.get(at + 2)));
        match pair.and_then(|(high, low)| u8::try_from(high * 16 + low).ok()) {
            Some(value) if *byte == b'%' => {
                decoded.push(value);
                at += 3;
            }
            _ => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).ok()
}

/// A yank's reason is somebody's free text, and becomes part of a sentence.
pub(crate) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(REASON_CHARACTERS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// How much of a yank's reason is kept.
const REASON_CHARACTERS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn link(href: &str) -> Option<(String, String)> {
        let base = Url::parse("https://index.example/simple/a/").expect("valid");
        Link::new(&base, href).map(|(link, _)| (link.file_name, link.url))
    }

    #[test]
    fn references_are_resolved_and_names_decoded() {
        assert_eq!(
            link("../../files/a-1%2Bcpu.whl?key=1#sha256=00"),
            Some((
                "a-1+cpu.whl".to_owned(),
                "https://index.example/files/a-1%2Bcpu.whl?key=1".to_owned()
            ))
        );
        assert_eq!(percent_decoded("a%2"), Some("a%2".to_owned()));
        assert_eq!(percent_decoded("a%zz%41"), Some("a%zzA".to_owned()));
        assert_eq!(percent_decoded("%ff"), None);
    }

    #[test]
    fn what_cannot_be_fetched_or_named_is_no_file() {
        for href in [
            "mailto:a@b.example",
            "javascript:1",
            "../",
            "https://",
            "x%2Fy.whl",
            "%00.whl",
        ] {
            assert_eq!(link(href), None, "{href}");
        }
    }
}
