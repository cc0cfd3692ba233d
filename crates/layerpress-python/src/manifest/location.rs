//! Local paths and URLs that requirements name: what they look like and what is there.

use std::path::{Path, PathBuf};

use pep508_rs::PackageName;
use url::Url;

use super::mistake::Mistake;
use super::requirement::Source;
use super::shown::shown;
use crate::index::FindLinks;

/// pip's `filetypes.py`; `.egg` and `.exe` are none.
const ARCHIVES: [&str; 11] = [
    ".whl",
    ".zip",
    ".tar.gz",
    ".tgz",
    ".tar",
    ".tar.bz2",
    ".tbz",
    ".tar.xz",
    ".txz",
    ".tar.lz",
    ".tar.lzma",
];

/// Whether `text` starts with a scheme, as in `https://…`, `file:…` or `git+ssh://…`.
pub(crate) fn scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(':')?;
    let valid = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let file = scheme.eq_ignore_ascii_case("file");
    (valid && scheme.len() > 1 && (file || rest.starts_with("//"))).then_some(scheme)
}

/// Whether `name` ends like a wheel or source distribution.
pub(crate) fn is_archive(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ARCHIVES.iter().any(|ending| name.ends_with(ending))
}

/// Whether `text` can only be a path: it starts with a dot or holds a slash.
pub(crate) fn is_path(text: &str) -> bool {
    text.starts_with('.') || text.contains('/')
}

/// Whether `text` is a path as Windows writes it: `C:\x`, `C:/x`, `.\x`, `\\server\x`, `a\b`.
pub(crate) fn is_windows_path(text: &str) -> bool {
    let bytes = text.as_bytes();
    let drive = bytes.len() >= 3
        && bytes[0].is_ascii_alphabetic()
        && bytes[1] == b':'
        && matches!(bytes[2], b'\\' | b'/');
    drive || (text.contains('\\') && scheme(text).is_none())
}

/// `text` with forward slashes, if it is a relative Windows path.
pub(crate) fn with_slashes(text: &str) -> Option<String> {
    let relative = !text.starts_with('\\') && !text.contains(':');
    relative.then(|| text.replace('\\', "/"))
}

/// The package that a wheel's file name names (PEP 427: name and version have no hyphen).
pub(crate) fn wheel_package(file_name: &str) -> Option<PackageName> {
    let stem = file_name.strip_suffix(".whl")?;
    let parts = stem.split('-').count();
    if !(5..=6).contains(&parts) {
        return None;
    }
    stem.split('-').next()?.parse().ok()
}

/// The last component of a URL's path, percent-decoded where that gives text.
pub(crate) fn url_file_name(url: &Url) -> Option<String> {
    let last = url.path_segments()?.rfind(|segment| !segment.is_empty())?;
    Some(percent_decoded(last))
}

/// The path of a `file:` URL; relative forms (`file:./x`) are what pip and uv take too.
pub(crate) fn file_url_path(text: &str) -> Option<String> {
    let after = text.get("file:".len()..)?;
    let path = match after.strip_prefix("//") {
        None => after,
        Some(rest) => {
            let slash = rest.find('/')?;
            let host = &rest[..slash];
            if !host.is_empty() && !host.eq_ignore_ascii_case("localhost") {
                return None;
            }
            &rest[slash..]
        }
    };
    (!path.is_empty()).then(|| percent_decoded(path))
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten();
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

/// The file or folder that `path` names: as pip, from the current folder; where nothing is there,
/// from the folder `base` of the file that names it.
pub(crate) fn find(path: &str, base: Option<&Path>) -> Option<PathBuf> {
    let from_here = PathBuf::from(path);
    if from_here.exists() || from_here.is_absolute() {
        return from_here.exists().then_some(from_here);
    }
    base.map(|base| base.join(path))
        .filter(|path| path.exists())
}

/// The project folder, wheel or source distribution at `path`.
pub(crate) fn local_source(path: &str, base: Option<&Path>) -> Result<Source, Mistake> {
    let Some(found) = find(path, base) else {
        return Err(missing(path, base));
    };
    if found.is_dir() {
        let project = found.join("pyproject.toml").is_file() || found.join("setup.py").is_file();
        return if project {
            Ok(Source::Folder(found))
        } else {
            Err(Mistake::NotAProject { path: shown(path) })
        };
    }
    if is_archive(path) && found.is_file() {
        Ok(Source::File(found))
    } else {
        Err(Mistake::NotAnArchive { path: shown(path) })
    }
}

fn missing(path: &str, base: Option<&Path>) -> Mistake {
    let from = base.filter(|_| Path::new(path).is_relative()).map(|base| {
        if [Path::new(""), Path::new(".")].contains(&base) {
            "the current folder".to_owned()
        } else {
            let base = base.display().to_string();
            format!("the current folder, then from `{}`", shown(&base))
        }
    });
    Mistake::MissingPath {
        path: shown(path),
        from,
    }
}

/// What `--find-links` names; `Ok(None)` for a local path with nothing there, which pip passes over.
pub(crate) fn find_links(
    value: &str,
    base: Option<&Path>,
) -> Result<Option<FindLinks>, &'static str> {
    const EXPECTED: &str = "a folder or a URL to look for files in";
    let path = match scheme(value) {
        None => value.to_owned(),
        Some(scheme) if scheme.eq_ignore_ascii_case("file") => {
            file_url_path(value).ok_or(EXPECTED)?
        }
        Some("http" | "https") => {
            return Url::parse(value)
                .map(|url| Some(FindLinks::Url(url)))
                .map_err(|_| EXPECTED);
        }
        Some(_) => return Err(EXPECTED),
    };
    // Beside the file first, unlike requirements: that is pip's order here.
    let beside = base
        .map(|base| base.join(&path))
        .filter(|path| path.exists());
    let Some(found) = beside.or_else(|| find(&path, None)) else {
        return Ok(None);
    };
    if found.is_dir() {
        return Ok(Some(FindLinks::Folder(found)));
    }
    let page = found
        .canonicalize()
        .ok()
        .and_then(|path| Url::from_file_path(path).ok());
    Ok(page.map(FindLinks::Url))
}

/// The index that `value` names: a URL, or a local folder laid out as one.
pub(crate) fn index_url(value: &str, base: Option<&Path>) -> Option<Url> {
    match scheme(value) {
        Some("http" | "https" | "file") => Url::parse(value)
            .ok()
            .filter(|url| url.scheme() == "file" || url.has_host()),
        Some(_) => None,
        None => {
            let folder = find(value, base)?.canonicalize().ok()?;
            Url::from_directory_path(folder).ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_text_looks_like() {
        assert_eq!(scheme("https://a.example/x"), Some("https"));
        assert_eq!(scheme("git+ssh://a"), Some("git+ssh"));
        assert_eq!(scheme("file:./x"), Some("file"));
        assert_eq!(scheme("C:/x"), None);
        assert_eq!(scheme("requests: x"), None);
        assert!(is_windows_path("C:\\x") && is_windows_path("..\\x") && is_windows_path("c:/x"));
        assert!(!is_windows_path("https://a") && !is_windows_path("./x"));
        assert!(is_archive("a-1.TAR.GZ") && !is_archive("a.egg") && !is_archive("targz"));
    }

    #[test]
    fn names_in_files_and_urls() {
        let name = |text| wheel_package(text).map(|name| name.to_string());
        assert_eq!(
            name("Foo_bar-1.0-py3-none-any.whl").as_deref(),
            Some("foo-bar")
        );
        assert_eq!(name("foo-1.0-1-py3-none-any.whl").as_deref(), Some("foo"));
        assert_eq!(name("foo-1.0.whl"), None);
        let url = Url::parse("https://a.example/x/foo%2B1.whl?q").expect("valid");
        assert_eq!(url_file_name(&url).as_deref(), Some("foo+1.whl"));
        assert_eq!(file_url_path("file:///a%20b").as_deref(), Some("/a b"));
        assert_eq!(file_url_path("file:../x").as_deref(), Some("../x"));
        assert_eq!(file_url_path("file://server/x"), None);
        assert_eq!(percent_decoded("%zz%"), "%zz%");
    }
}
