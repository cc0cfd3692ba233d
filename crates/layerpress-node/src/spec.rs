//! What a dependency is asked for by: `^1.2`, `latest`, `npm:other@2`, `user/repo`, `file:../x`.
//!
//! In come a name and a specifier as package.json has them; out comes a [`Spec`]. Nothing is looked
//! up: paths stay as written, relative to whoever asks (npm's `npm-package-arg`).

mod error;
mod git;
#[cfg(test)]
mod tests;

use url::Url;

use crate::name::{PackageName, goes_into_an_address};
use crate::semver::{Range, Reading, Version};

pub use error::SpecError;
pub use git::{Git, Host, Hosted, Reference, Repository};

/// What a dependency is asked for by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spec {
    /// Something a registry has under the dependency's own name.
    Registry(Wanted),
    /// A registry package under another name (`npm:name@range`).
    Alias {
        /// The package's real name.
        name: PackageName,
        /// Which version of it.
        wanted: Wanted,
    },
    /// A git repository.
    Git(Git),
    /// A tarball at an address.
    Tarball(Url),
    /// A tarball on the disk, relative to whoever asks.
    File(String),
    /// A folder on the disk, relative to whoever asks.
    Folder(String),
    /// A workspace of the project, by range (`workspace:^1`): not npm's own, but common.
    Workspace(String),
}

/// Which version of a registry package is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Exactly this one, as written.
    Version(String),
    /// The best one in a range; the text is as written, trimmed.
    Range(Range, String),
    /// What a tag points at.
    Tag(String),
}

impl Wanted {
    /// What is wanted, as written.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Wanted::Version(text) | Wanted::Range(_, text) | Wanted::Tag(text) => text,
        }
    }
}

impl Spec {
    /// Reads what the dependency `name` is asked for by. Nothing at all is any version.
    ///
    /// # Errors
    /// A hostile or impossible name, tag, address or alias.
    pub fn parse(name: &str, spec: &str) -> Result<Spec, SpecError> {
        package_name(name)?;
        let lower = spec.to_ascii_lowercase();
        let after = |prefix: &str| lower.starts_with(prefix).then(|| &spec[prefix.len()..]);
        if let Some(path) = after("file:") {
            return path_spec(name, spec, path);
        }
        if is_path(spec) {
            return Ok(by_ending(spec.to_owned()));
        }
        if let Some(target) = after("npm:") {
            return alias(name, spec, target);
        }
        if let Some(range) = after("workspace:") {
            return Ok(Spec::Workspace(range.to_owned()));
        }
        if let Some(path) = after("link:") {
            return Ok(Spec::Folder(path.to_owned()));
        }
        let contradiction = || SpecError::GitReference {
            name: name.to_owned(),
            spec: shown(spec),
        };
        if let Some((hosted, fragment)) = git::hosted(spec) {
            let (reference, folder) =
                git::reference(fragment.as_deref()).ok_or_else(contradiction)?;
            return Ok(Spec::Git(Git {
                repository: Repository::Hosted(hosted),
                reference,
                folder,
            }));
        }
        if let Some(scheme) = scheme(spec) {
            return by_scheme(name, spec, &scheme);
        }
        if let Some(address) = over_ssh(spec) {
            return git_at(name, spec, address);
        }
        if spec.contains('/') || is_tarball(spec) {
            return Ok(by_ending(spec.to_owned()));
        }
        wanted(name, spec).map(Spec::Registry)
    }
}

/// Reads a version, a range or a tag of a registry package.
///
/// # Errors
/// When the text is none of the three.
pub fn wanted(name: &str, spec: &str) -> Result<Wanted, SpecError> {
    let text = spec.trim();
    if Version::loose(text).is_some() {
        return Ok(Wanted::Version(text.to_owned()));
    }
    if let Ok(range) = Range::parse(text, Reading::LOOSE) {
        return Ok(Wanted::Range(range, text.to_owned()));
    }
    if text.chars().all(goes_into_an_address) {
        return Ok(Wanted::Tag(text.to_owned()));
    }
    Err(SpecError::Tag {
        name: name.to_owned(),
        spec: shown(spec),
    })
}

fn package_name(name: &str) -> Result<PackageName, SpecError> {
    PackageName::parse(name).map_err(|fault| SpecError::Name {
        name: shown(name),
        fault,
    })
}

fn alias(name: &str, spec: &str, target: &str) -> Result<Spec, SpecError> {
    let unfit = || SpecError::Alias {
        name: name.to_owned(),
        spec: shown(spec),
    };
    let (real, range) = match target.char_indices().skip(1).find(|(_, c)| *c == '@') {
        Some((at, _)) => (&target[..at], &target[at + 1..]),
        None => (target, "*"),
    };
    let real = PackageName::parse(real).map_err(|_| unfit())?;
    let range = if range.is_empty() { "*" } else { range };
    match Spec::parse(real.as_str(), range)? {
        Spec::Registry(wanted) => Ok(Spec::Alias { name: real, wanted }),
        _ => Err(unfit()),
    }
}

/// A path after `file:`, as written; one, two or three slashes before it are one, or none before a
/// path that is relative or begins at home.
fn path_spec(name: &str, spec: &str, path: &str) -> Result<Spec, SpecError> {
    let slashes = path.len() - path.trim_start_matches('/').len();
    let rest = &path[slashes..];
    let dots = rest.starts_with("./") || rest.starts_with("../") || rest == "." || rest == "..";
    let path = match slashes {
        1..=3 if dots || rest.starts_with("~/") => rest.to_owned(),
        1..=3 => format!("/{rest}"),
        _ => path.to_owned(),
    };
    if path.contains('\0') {
        return Err(SpecError::Url {
            name: name.to_owned(),
            spec: shown(spec),
        });
    }
    Ok(by_ending(path))
}

fn by_scheme(name: &str, spec: &str, scheme: &str) -> Result<Spec, SpecError> {
    let invalid = || SpecError::Url {
        name: name.to_owned(),
        spec: shown(spec),
    };
    match scheme {
        "http" | "https" => Url::parse(spec).map(Spec::Tarball).map_err(|_| invalid()),
        "git+ssh" if spec.get(10..).and_then(over_ssh).is_some() => {
            git_at(name, spec, &spec["git+ssh://".len()..])
        }
        "git" | "git+http" | "git+https" | "git+rsync" | "git+ftp" | "git+file" | "git+ssh" => {
            Url::parse(spec).map_err(|_| invalid())?;
            git_at(name, spec, spec.strip_prefix("git+").unwrap_or(spec))
        }
        _ => Err(SpecError::Protocol {
            name: name.to_owned(),
            spec: shown(spec),
            protocol: format!("{scheme}:"),
        }),
    }
}

fn git_at(name: &str, spec: &str, address: &str) -> Result<Spec, SpecError> {
    let (address, fragment) = git::split_fragment(address);
    let (reference, folder) = git::reference(fragment).ok_or_else(|| SpecError::GitReference {
        name: name.to_owned(),
        spec: shown(spec),
    })?;
    let repository = Repository::Address(address.to_owned());
    Ok(Spec::Git(Git {
        repository,
        reference,
        folder,
    }))
}

/// `user@host.tld:path`, which is no URL; a number after the colon is a port, and then it is one.
fn over_ssh(text: &str) -> Option<&str> {
    let (user, rest) = git::split_fragment(text).0.split_once('@')?;
    let (host, path) = rest.split_once(':')?;
    let port = path.split('/').next()?;
    let plain = |part: &str| !part.is_empty() && !part.contains(['/', ':', '@']);
    (plain(user)
        && plain(host)
        && host.contains('.')
        && !path.is_empty()
        && !port.bytes().all(|b| b.is_ascii_digit()))
    .then_some(text)
}

/// The scheme of an address, lowercase, `git+` included.
fn scheme(text: &str) -> Option<String> {
    let scheme = text.split_once(':')?.0.to_ascii_lowercase();
    let letters = scheme.strip_prefix("git+").unwrap_or(&scheme);
    (!letters.is_empty() && letters.bytes().all(|b| b.is_ascii_lowercase())).then_some(scheme)
}

fn is_path(text: &str) -> bool {
    let drive =
        text.len() > 1 && text.as_bytes()[0].is_ascii_alphabetic() && text.as_bytes()[1] == b':';
    text.starts_with(['.', '/']) || text.starts_with("~/") || drive
}

fn by_ending(path: String) -> Spec {
    if is_tarball(&path) {
        Spec::File(path)
    } else {
        Spec::Folder(path)
    }
}

fn is_tarball(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    [".tgz", ".tar.gz", ".tar"]
        .iter()
        .any(|ending| path.ends_with(ending))
}

/// The text with control characters escaped, cut at 200 characters.
fn shown(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().take(200) {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}
