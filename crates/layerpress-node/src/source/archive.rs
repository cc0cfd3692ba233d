//! Packages that are tarballs: at an address, or on the disk.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use layerpress_fetch::{ArchiveRequest, Client, redacted};
use rkyv::util::AlignedVec;
use sha2::{Digest as _, Sha512};
use url::Url;

use super::error::SourceError;
use crate::manifest::Manifest;
use crate::name::PackageName;
use crate::package_json::PackageJson;
use crate::packument::{self, Packument};
use crate::tarball::manifests_of;

/// The manifest of a tarball at an address.
pub(super) async fn remote(client: &Client, url: &Url) -> Result<Arc<Manifest>, SourceError> {
    let name = url.path_segments().and_then(|mut parts| parts.next_back());
    let request = ArchiveRequest {
        url: url.clone(),
        file_name: name.unwrap_or("package").to_owned(),
        digests: Vec::new(),
        size: None,
    };
    let stored = client.archive(&request).await.map_err(SourceError::Fetch)?;
    let shown = redacted(url);
    let bytes = client.store().archive(stored.digest);
    let bytes = bytes.ok_or_else(|| SourceError::Damaged {
        name: shown.clone(),
    })?;
    manifest(&bytes, &shown, url.as_str())
}

/// The manifest of a tarball on the disk, its path relative to the project.
pub(super) fn local(project: &Path, path: &str) -> Result<Arc<Manifest>, SourceError> {
    let file = project.join(path);
    let bytes = match fs::read(&file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(SourceError::NotFound {
                path: file,
                folder: false,
            });
        }
        Err(error) => {
            return Err(SourceError::Io {
                path: file,
                source: Arc::new(error),
            });
        }
    };
    manifest(
        &bytes,
        path,
        &format!("file:{}", crate::place::plain_path(path)),
    )
}

/// The manifest that a tarball holds. `shown` is what messages call it, `resolved` what a lockfile
/// does.
fn manifest(archive: &[u8], shown: &str, resolved: &str) -> Result<Arc<Manifest>, SourceError> {
    let text = manifests_of(shown, archive)
        .map_err(|error| SourceError::Tarball(Arc::new(error)))?
        .package_json;
    let integrity = format!("sha512-{}", STANDARD.encode(Sha512::digest(archive)));
    Ok(Arc::new(Manifest {
        tarball: Some(resolved.into()),
        integrity: Some(integrity.into()),
        ..foreign(shown, &text)?
    }))
}

/// What the package.json of somebody else's package says, read as leniently as a registry's: what a
/// field cannot hold is passed over, and what its developers need plays no part.
pub(super) fn foreign(shown: &str, text: &[u8]) -> Result<Manifest, SourceError> {
    let named: Named = serde_json::from_slice(text).unwrap_or_default();
    if let (Some(name), Some(version)) = (&named.name, &named.version)
        && let Ok(name) = PackageName::parse(name)
        && let Ok(bytes) = packument::compile_version(&name, text)
        && let Some(read) = Packument::open(name, Box::new(aligned(&bytes)))
        && let Some(manifest) = read.version(version).and_then(|found| found.manifest())
    {
        return Ok(manifest);
    }
    let file = format!("{shown}: package.json");
    match PackageJson::parse(&file, text) {
        Ok(package) => Ok(package.manifest),
        Err(error) => Err(SourceError::PackageJson(Arc::new(error))),
    }
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Named {
    name: Option<String>,
    version: Option<String>,
}

fn aligned(bytes: &[u8]) -> AlignedVec<16> {
    let mut aligned = AlignedVec::with_capacity(bytes.len());
    aligned.extend_from_slice(bytes);
    aligned
}
