//! What the readers have in common: names, digests, paths and addresses.

use std::sync::Arc;

use url::Url;

use super::error::ForeignLockError;
use super::value::{Document, Value};
use crate::integrity::Integrity;
use crate::name::PackageName;
use crate::package_lock::fault;
use crate::place::plain_path;

/// A name that may stand in a path.
pub(super) fn package_name<'n>(
    document: &Document,
    at: &Value,
    name: &'n str,
) -> Result<&'n str, ForeignLockError> {
    match PackageName::parse(name) {
        Ok(_) => Ok(name),
        Err(reason) => {
            let name = crate::trail::shown(name);
            Err(document.fault(at, format!("`{name}` is no name of a package: {reason}")))
        }
    }
}

/// The digests in a field; none where it is missing.
pub(super) fn integrity(
    document: &Document,
    of: &Value,
    key: &str,
) -> Result<Integrity, ForeignLockError> {
    of.get(key).map_or_else(
        || Ok(Integrity::default()),
        |value| integrity_of(document, value),
    )
}

/// The digests that a value holds.
pub(super) fn integrity_of(
    document: &Document,
    value: &Value,
) -> Result<Integrity, ForeignLockError> {
    Integrity::parse(document.text(value)?).map_err(|error| document.fault(value, error))
}

/// The texts in a field.
pub(super) fn list(
    document: &Document,
    of: &Value,
    key: &str,
) -> Result<Vec<Arc<str>>, ForeignLockError> {
    let texts = document.texts_of(of, key)?;
    Ok(texts.into_iter().map(Arc::from).collect())
}

/// A path relative to the project, of one relative to a folder of it.
pub(super) fn folder(above: &str, path: &str) -> Result<Arc<str>, &'static str> {
    if path.starts_with('/') || path.starts_with('~') {
        return Err("the folder is not relative to the project");
    }
    let joined = plain_path(&format!("{above}/{path}"));
    let joined = joined.trim_start_matches('/');
    match fault(joined) {
        Some(message) => Err(message),
        None => Ok(joined.into()),
    }
}

/// The address of a commit as npm's lockfile has it.
pub(super) fn git_address(repository: &str, commit: &str) -> String {
    let has_scheme = repository.starts_with("git+") || repository.starts_with("git:");
    match repository.split_once("://") {
        _ if has_scheme => format!("{repository}#{commit}"),
        Some(_) => format!("git+{repository}#{commit}"),
        // `git@host:path`, which is no URL.
        None => format!("git+ssh://{}#{commit}", repository.replacen(':', "/", 1)),
    }
}

/// The commit that a hoster's tarball is made of: the tarballs themselves have no lasting digest.
pub(super) fn commit_of(tarball: &str) -> Option<String> {
    let url = Url::parse(tarball).ok()?;
    let parts: Vec<&str> = url.path_segments()?.collect();
    let ("codeload.github.com", [user, repository, "tar.gz", commit]) = (url.host_str()?, &*parts)
    else {
        return None;
    };
    let is_commit = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_commit.then(|| format!("git+https://github.com/{user}/{repository}.git#{commit}"))
}
