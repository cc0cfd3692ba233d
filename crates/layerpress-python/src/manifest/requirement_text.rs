//! One requirement as users write it: `name[extra]>=1 ; marker`, `name @ url`, a URL or a path.

use std::path::Path;

use layerpress_tree::{Algorithm, Digest};
use pep440_rs::{VersionSpecifier, VersionSpecifiers};
use pep508_rs::{ExtraName, MarkerTree, PackageName};
use url::Url;

use super::diagnose::{diagnose_clause, diagnose_named, diagnose_target, typographic};
use super::error::ManifestError;
use super::location::{
    file_url_path, is_archive, is_path, is_windows_path, local_source, scheme, url_file_name,
    wheel_package, with_slashes,
};
use super::marker::parse_marker;
use super::mistake::Mistake;
use super::requirement::{Origin, Requirement, Source};
use super::shown::shown;

/// Longer than any requirement without its options.
const MAX_BYTES: usize = 32 * 1024;

/// Reads one requirement, without options.
///
/// Local paths are looked for from the current folder, then from `base`, the folder of the file
/// that the text stands in.
///
/// # Errors
/// [`ManifestError::Line`] with what would be right.
pub fn parse_requirement(
    text: &str,
    origin: &Origin,
    base: Option<&Path>,
) -> Result<Requirement, ManifestError> {
    parse(text, base)
        .map(|parsed| parsed.into_requirement(origin.clone()))
        .map_err(|mistake| ManifestError::line(origin, mistake))
}

/// What the text of one requirement says.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) name: Option<PackageName>,
    pub(crate) extras: Vec<ExtraName>,
    pub(crate) marker: MarkerTree,
    pub(crate) source: Source,
    /// From a URL's fragment.
    pub(crate) hashes: Vec<Digest>,
}

impl Parsed {
    pub(crate) fn into_requirement(self, origin: Origin) -> Requirement {
        Requirement {
            name: self.name,
            extras: self.extras,
            marker: self.marker,
            source: self.source,
            hashes: self.hashes,
            editable: false,
            config_settings: Vec::new(),
            index: None,
            origin,
        }
    }
}

pub(crate) fn parse(text: &str, base: Option<&Path>) -> Result<Parsed, Mistake> {
    let text = text.trim();
    if text.len() > MAX_BYTES {
        return Err(Mistake::TooLong { limit: MAX_BYTES });
    }
    let (head, marker) = split_marker(text);
    let mut parsed = if scheme(head).is_some() {
        parse_url(head, base)?
    } else if let Some((name, extras, target)) = direct_reference(head)? {
        let target = parse_target(text, head, target, base)?;
        Parsed {
            name: Some(name),
            extras,
            ..target
        }
    } else if is_windows_path(head) {
        return Err(Mistake::WindowsPath {
            path: shown(head),
            right: with_slashes(head).map(|right| shown(&right)),
        });
    } else if head.to_ascii_lowercase().ends_with(".txt") {
        // A package could be called that; nobody's is.
        return Err(Mistake::IncludeWithoutOption { file: shown(head) });
    } else if is_path(head) || is_archive(without_extras(head).0) {
        parse_path(head, base)?
    } else {
        parse_named(head).map_err(|fault| diagnose_named(text, fault))?
    };
    parsed.marker = parse_marker(marker).map_err(|mistake| match typographic(marker) {
        Some(_) => typographic(text).unwrap_or(mistake),
        None => mistake,
    })?;
    Ok(parsed)
}

/// Parts a requirement from its marker: at the first `;`, or with a URL at the first `;` that has
/// white space beside it. After `name @ url` a bare `;` counts too if a marker follows, as in pip.
fn split_marker(text: &str) -> (&str, &str) {
    let bare_url = scheme(text).is_some();
    let first = text.find(';');
    let at = if bare_url || text.contains("://") {
        let spaced = text.match_indices(';').map(|(at, _)| at).find(|at| {
            let before = text[..*at].chars().next_back();
            let after = text[at + 1..].chars().next();
            before.is_some_and(char::is_whitespace) || after.is_none_or(char::is_whitespace)
        });
        let marker = |at: &usize| !bare_url && parse_marker(&text[at + 1..]).is_ok();
        spaced.or_else(|| first.filter(marker))
    } else {
        first
    };
    match at {
        Some(at) => (text[..at].trim_end(), &text[at + 1..]),
        None => (text, ""),
    }
}

/// `name[extras] @ target`.
type DirectReference<'a> = (PackageName, Vec<ExtraName>, &'a str);

/// The parts of a direct reference, where `text` has that shape.
fn direct_reference(text: &str) -> Result<Option<DirectReference<'_>>, Mistake> {
    let Some((before, target)) = text.split_once('@') else {
        return Ok(None);
    };
    let Ok((name, rest)) = lex_name(before) else {
        return Ok(None);
    };
    let (extras, rest) = lex_extras(rest)?;
    Ok(rest
        .trim()
        .is_empty()
        .then(|| (name, extras, target.trim())))
}

/// What stands after the `@` of `name @ target`.
fn parse_target(
    text: &str,
    head: &str,
    target: &str,
    base: Option<&Path>,
) -> Result<Parsed, Mistake> {
    if scheme(target).is_some() {
        return parse_url(target, base);
    }
    if is_windows_path(target) {
        return Err(Mistake::WindowsPath {
            path: shown(target),
            right: with_slashes(target).map(|right| shown(&right)),
        });
    }
    if let Some(mistake) = diagnose_target(text, head, target) {
        return Err(mistake);
    }
    // An extension that uv has too.
    let source = local_source(target, base)?;
    Ok(of_source(source))
}

fn of_source(source: Source) -> Parsed {
    Parsed {
        name: None,
        extras: Vec::new(),
        marker: MarkerTree::TRUE,
        source,
        hashes: Vec::new(),
    }
}

/// A path to a project folder, wheel or source distribution, with extras behind it.
fn parse_path(text: &str, base: Option<&Path>) -> Result<Parsed, Mistake> {
    let (path, extras) = without_extras(text);
    if path.to_ascii_lowercase().ends_with(".in") {
        return Err(Mistake::IncludeWithoutOption { file: shown(path) });
    }
    if let Some(mistake) = diagnose_target(path, path, path) {
        return Err(mistake);
    }
    let (extras, _) = lex_extras(extras)?;
    let source = local_source(path, base)?;
    let name = path.rsplit('/').next().and_then(wheel_package);
    Ok(Parsed {
        name,
        extras,
        ..of_source(source)
    })
}

/// Parts `./x[a,b]` before the bracket.
fn without_extras(text: &str) -> (&str, &str) {
    let inner_end = text.strip_suffix(']');
    match inner_end.and_then(|inner| inner.rfind('[')) {
        Some(at) if at > 0 => text.split_at(at),
        _ => (text, ""),
    }
}

fn parse_url(text: &str, base: Option<&Path>) -> Result<Parsed, Mistake> {
    let scheme = scheme(text).unwrap_or_default().to_ascii_lowercase();
    let (address, fragment) = text.split_once('#').unwrap_or((text, ""));
    let fragment = Fragment::parse(fragment)?;
    let source = match scheme.as_str() {
        "http" | "https" => {
            if let Some(mistake) = diagnose_target(text, text, text) {
                return Err(mistake);
            }
            Source::Url {
                url: parse_address(address)?,
                subdirectory: fragment.subdirectory,
            }
        }
        "file" => {
            let path = file_url_path(address).ok_or_else(|| Mistake::Url {
                url: shown(text),
                reason: "no path on this machine".into(),
            })?;
            local_source(&path, base)?
        }
        "git+https" | "git+http" | "git+ssh" | "git+git" | "git+file" => {
            parse_git(text, &address["git+".len()..], fragment.subdirectory)?
        }
        "git" | "ssh" => {
            return Err(Mistake::GitUrl {
                right: shown(&format!("git+{text}")),
            });
        }
        _ => return Err(Mistake::Scheme { scheme }),
    };
    let file_name = match &source {
        Source::Url { url, .. } => url_file_name(url),
        Source::File(path) => path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned()),
        Source::Git { .. } | Source::Folder(_) | Source::Index(_) => None,
    };
    Ok(Parsed {
        name: fragment.name.or_else(|| wheel_package(&file_name?)),
        extras: fragment.extras,
        hashes: fragment.hashes,
        ..of_source(source)
    })
}

fn parse_address(address: &str) -> Result<Url, Mistake> {
    Url::parse(address)
        .map_err(|error| error.to_string())
        .and_then(|url| match url.has_host() || url.scheme() == "file" {
            true => Ok(url),
            false => Err("it has no host".into()),
        })
        .map_err(|reason| Mistake::Url {
            url: shown(address),
            reason,
        })
}

/// A repository's URL without `git+`: the reference stands after the last `@` of its path.
fn parse_git(text: &str, address: &str, subdirectory: Option<String>) -> Result<Source, Mistake> {
    // `git+ssh://git@host:owner/name` mixes scp's form in; the colon starts no port there.
    if Url::parse(address).is_err()
        && let Some((scheme, rest)) = address.split_once("://")
        && let Some((host, path)) = rest.split_once(':')
        && !host.contains('/')
    {
        return Err(Mistake::GitUrl {
            right: shown(&format!("git+{scheme}://{host}/{path}")),
        });
    }
    let mut repository = parse_address(address)?;
    let path = repository.path().to_owned();
    let reference = match path.rsplit_once('@') {
        None => None,
        Some((_, "")) => return Err(Mistake::EmptyReference),
        Some((path, reference)) => {
            repository.set_path(path);
            Some(reference.to_owned())
        }
    };
    if reference.as_ref().is_some_and(|r| r.starts_with('-')) {
        // git would take it for an option.
        return Err(Mistake::Url {
            url: shown(text),
            reason: "a revision does not start with `-`".into(),
        });
    }
    Ok(Source::Git {
        repository,
        reference,
        subdirectory,
    })
}

/// What pip reads from a URL's fragment.
#[derive(Default)]
struct Fragment {
    name: Option<PackageName>,
    extras: Vec<ExtraName>,
    subdirectory: Option<String>,
    hashes: Vec<Digest>,
}

impl Fragment {
    fn parse(fragment: &str) -> Result<Self, Mistake> {
        let mut found = Self::default();
        for (key, value) in fragment.split('&').filter_map(|pair| pair.split_once('=')) {
            match key {
                "egg" => {
                    let (name, rest) = lex_name(value)?;
                    let (extras, rest) = lex_extras(rest)?;
                    if !rest.is_empty() {
                        return Err(Mistake::Name { name: shown(value) });
                    }
                    found.name = Some(name);
                    found.extras = extras;
                }
                "subdirectory" => found.subdirectory = Some(inner_folder(value)?),
                // pip's weak ones; a promise that is not kept must not be passed over.
                "md5" | "sha1" | "sha224" => {
                    return Err(Mistake::WeakHash {
                        algorithm: key.into(),
                    });
                }
                _ => {
                    if let Ok(algorithm) = key.parse::<Algorithm>() {
                        let digest = Digest::from_hex(algorithm, value).map_err(Mistake::Hash)?;
                        found.hashes.push(digest);
                    }
                }
            }
        }
        Ok(found)
    }
}

/// A relative path that stays where it starts, without empty parts and `.`.
pub(crate) fn inner_folder(path: &str) -> Result<String, Mistake> {
    let leaves = path.starts_with('/')
        || path.contains('\\')
        || path.split('/').any(|part| part == "..")
        || path.chars().any(char::is_control);
    if leaves {
        return Err(Mistake::Subdirectory { path: shown(path) });
    }
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    Ok(parts.join("/"))
}

/// `name[extras] versions`.
fn parse_named(text: &str) -> Result<Parsed, Mistake> {
    // Nothing in a name, extra or version is more than ASCII (PEP 508, PEP 440), nor is white space.
    if !text.is_ascii() {
        return Err(Mistake::Name { name: shown(text) });
    }
    let (name, rest) = lex_name(text)?;
    let (extras, rest) = lex_extras(rest)?;
    let specifiers = parse_specifiers(rest)?;
    Ok(Parsed {
        name: Some(name),
        extras,
        ..of_source(Source::Index(specifiers))
    })
}

/// Whether `text` is a named requirement as it should be: for suggestions, so nothing is diagnosed.
pub(crate) fn reads_as_named(text: &str) -> bool {
    let (head, marker) = split_marker(text);
    parse_named(head).is_ok() && parse_marker(marker).is_ok()
}

/// Version clauses joined by commas, in parentheses or not; empty for any version.
pub(crate) fn parse_specifiers(text: &str) -> Result<VersionSpecifiers, Mistake> {
    let text = text.trim();
    let bare = text
        .strip_prefix('(')
        .and_then(|text| text.strip_suffix(')'))
        .unwrap_or(text)
        .trim();
    if bare.is_empty() {
        return Ok(VersionSpecifiers::empty());
    }
    bare.split(',')
        .map(|clause| {
            clause
                .trim()
                .parse::<VersionSpecifier>()
                .map_err(|error| diagnose_clause(clause.trim(), &error.to_string()))
        })
        .collect()
}

/// The package name that `text` starts with, and the rest.
pub(crate) fn lex_name(text: &str) -> Result<(PackageName, &str), Mistake> {
    let text = text.trim_start();
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.'))
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    match name.parse() {
        Ok(parsed) if !name.is_empty() => Ok((parsed, rest)),
        _ => {
            let word = text.split_whitespace().next().unwrap_or(text);
            Err(Mistake::Name { name: shown(word) })
        }
    }
}

/// The extras in brackets that `text` starts with, each once, and the rest.
fn lex_extras(text: &str) -> Result<(Vec<ExtraName>, &str), Mistake> {
    let text = text.trim_start();
    let Some(inner) = text.strip_prefix('[') else {
        return Ok((Vec::new(), text));
    };
    let wrong = || Mistake::Extras {
        extras: shown(text),
    };
    let (inner, rest) = inner.split_once(']').ok_or_else(wrong)?;
    let mut extras = Vec::new();
    for word in inner.split(',').map(str::trim) {
        if word.is_empty() && inner.trim().is_empty() {
            break;
        }
        let extra: ExtraName = word
            .parse()
            .ok()
            .filter(|_| !word.is_empty())
            .ok_or_else(wrong)?;
        if !extras.contains(&extra) {
            extras.push(extra);
        }
    }
    Ok((extras, rest))
}
