//! What the readers of several formats share: names, digests, repositories.

use std::str::FromStr;

use layerpress_tree::{Digest, DigestError};
use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::{MarkerExpression, MarkerTree, MarkerValueVersion, PackageName};
use url::Url;

use crate::error::shown;
use crate::fields::{Fields, Place};
use crate::location::strip_credentials;
use crate::poetry_constraint::alternatives;
use crate::{Fault, LockError, LockPath, Source, Vcs, parse_marker};

/// The table's package, and the table with its name for messages.
pub(super) fn named<'a>(fields: Fields<'a>) -> Result<(PackageName, Fields<'a>), LockError> {
    let text = fields.required_string("name")?;
    let fields = fields.of_package(text);
    let name = text
        .parse()
        .map_err(|_| value(&fields.place_of("name"), text, "the name of a package"))?;
    Ok((name, fields))
}

/// `text` as what `expected` says.
pub(super) fn parsed<T: FromStr>(
    text: &str,
    place: &Place<'_>,
    expected: &'static str,
) -> Result<T, LockError> {
    text.parse().map_err(|_| value(place, text, expected))
}

/// That `text` is not what `expected` says.
pub(super) fn value(place: &Place<'_>, text: &str, expected: &'static str) -> LockError {
    place.fault(Fault::Value {
        value: shown(text),
        expected,
    })
}

/// A version.
pub(super) fn version(fields: &Fields<'_>) -> Result<Option<Version>, LockError> {
    fields.parsed("version", "a version such as `1.2.3`")
}

/// A marker of the table.
pub(super) fn marker<'a>(fields: &Fields<'a>, key: &'a str) -> Result<MarkerTree, LockError> {
    match fields.string(key)? {
        Some(text) if !text.trim().is_empty() => {
            parse_marker(text).map_err(|error| fields.place_of(key).fault(error))
        }
        _ => Ok(MarkerTree::TRUE),
    }
}

/// A requirement's text without its marker, and the marker's. Behind a URL, which may hold a
/// semicolon, PEP 508 demands a space before it.
pub(super) fn marker_of(requirement: &str) -> (&str, Option<&str>) {
    let parted = match requirement.contains('@') {
        true => requirement.split_once(" ;"),
        false => requirement.split_once(';'),
    };
    match parted {
        Some((what, when)) => (what, Some(when)),
        None => (requirement, None),
    }
}

/// Poetry's words for Python versions or a dependency's: any of these has to hold.
pub(super) fn constraint(
    text: &str,
    place: &Place<'_>,
) -> Result<Vec<VersionSpecifiers>, LockError> {
    alternatives(text).map_err(|clause| value(place, &clause, "a version constraint"))
}

/// The digest of a file's table, which each has to have.
pub(super) fn hash_of(file: &Fields<'_>) -> Result<Digest, LockError> {
    let place = file.place_of("hash");
    match file.string("hash")? {
        Some(text) if !text.is_empty() => digest(text, &place),
        _ => Err(place.fault(Fault::NoHash)),
    }
}

/// A digest as all of these locks write it, `sha256:…`.
pub(super) fn digest(text: &str, place: &Place<'_>) -> Result<Digest, LockError> {
    text.parse().map_err(|error| match error {
        // What pins nothing is told as in our own lock.
        DigestError::Algorithm(algorithm) => place.fault(Fault::WeakHash {
            algorithms: vec![algorithm.split(':').next().unwrap_or_default().to_owned()],
        }),
        error @ DigestError::Value { .. } => place.fault(error),
    })
}

/// A commit of a git repository.
pub(super) fn git(
    repository: &str,
    commit: &str,
    requested: Option<&str>,
    subdirectory: Option<&str>,
    place: &Place<'_>,
) -> Result<Source, LockError> {
    // It becomes an argument of the version control program: nothing that reads as an option.
    let plain = commit.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !plain || !(7..=64).contains(&commit.len()) {
        return Err(value(place, commit, "the identifier of a commit"));
    }
    Ok(Source::Vcs(Vcs {
        kind: "git".to_owned(),
        location: crate::Location::url(address(repository, place)?),
        requested_revision: requested.map(str::to_owned),
        commit_id: commit.to_owned(),
        subdirectory: inner_path(subdirectory, place)?,
    }))
}

/// A URL, without the credentials that a tool may have left in it.
pub(super) fn address(text: &str, place: &Place<'_>) -> Result<Url, LockError> {
    let text = text.strip_prefix("git+").unwrap_or(text);
    // `git@host:owner/name`, which is no URL, means the same over SSH.
    let scp = text.split_once(':').filter(|(host, path)| {
        host.contains('@') && !host.contains('/') && !path.starts_with("//")
    });
    let text = match scp {
        Some((host, path)) => format!("ssh://{host}/{}", path.trim_start_matches('/')),
        None => text.to_owned(),
    };
    let mut url: Url = text.parse().map_err(|error: url::ParseError| {
        place.fault(Fault::Url {
            message: error.to_string(),
        })
    })?;
    strip_credentials(&mut url);
    Ok(url)
}

/// A path of the lock.
pub(super) fn path(text: &str, place: &Place<'_>) -> Result<LockPath, LockError> {
    LockPath::new(text).map_err(|error| place.fault(error))
}

/// A path inside a source tree.
pub(super) fn inner_path(
    text: Option<&str>,
    place: &Place<'_>,
) -> Result<Option<LockPath>, LockError> {
    let inner = text.filter(|text| !text.is_empty() && *text != ".");
    inner
        .map(|text| LockPath::new(text).and_then(LockPath::inside))
        .transpose()
        .map_err(|error| place.fault(error))
}

/// True for the Pythons that these admit.
pub(super) fn python_marker(specifiers: &VersionSpecifiers) -> MarkerTree {
    let mut all = MarkerTree::TRUE;
    for specifier in specifiers.iter() {
        all.and(MarkerTree::expression(MarkerExpression::Version {
            key: MarkerValueVersion::PythonFullVersion,
            specifier: specifier.clone(),
        }));
    }
    all
}
