//! Packages that are tarballs: at an address, or on the disk.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use layerpress_fetch::{ArchiveRequest, Client, redacted};
use layerpress_tree::Digest;
use rkyv::util::AlignedVec;
use sha2::{Digest as _, Sha512};
use url::Url;

use super::error::SourceError;
use crate::integrity::Integrity;
use crate::manifest::Manifest;
use crate::name::PackageName;
use crate::package_json::PackageJson;
use crate::package_lock;
use crate::packument::{self, Packument};
use crate::place::Inside;
use crate::registry::Registry;
use crate::tarball::manifests_of;

/// The manifest of a tarball at an address.
pub(super) async fn remote(client: &Client, url: &Url) -> Result<Arc<Manifest>, SourceError> {
    let bytes = fetch(client, url, Vec::new()).await?;
    manifest(&bytes, &redacted(url), url.as_str())
}

/// What comes inside a package's tarball.
pub(super) async fn inside(
    registry: &Registry,
    project: &Path,
    manifest: &Manifest,
) -> Result<Inside, SourceError> {
    let name = manifest.name.as_deref().unwrap_or_default();
    let version = manifest.version.as_deref().unwrap_or_default();
    let shown = format!("{name}@{version}");
    let address = manifest.tarball.as_deref().unwrap_or_default();
    let archive = if let Some(path) = address.strip_prefix("file:") {
        read(&project.join(path))?.into()
    } else {
        let url = Url::parse(address).map_err(|_| SourceError::Damaged {
            name: shown.clone(),
        })?;
        let url = match PackageName::parse(name) {
            Ok(name) => registry.fetched_from(&name, &url),
            Err(_) => url,
        };
        let integrity = manifest.integrity.as_deref().unwrap_or_default();
        let integrity = Integrity::parse(integrity).unwrap_or_default();
        // One of several would be enough, which a request cannot say; the layer's build checks.
        let digests = match integrity.strongest().as_slice() {
            [only] => vec![(*only).clone()],
            _ => Vec::new(),
        };
        fetch(registry.client(), &url, digests).await?
    };
    let found =
        manifests_of(&shown, &archive).map_err(|error| SourceError::Tarball(Arc::new(error)))?;
    let file = format!("{shown}: npm-shrinkwrap.json");
    let shrinkwrap = found.shrinkwrap.filter(|_| manifest.has_shrinkwrap);
    let shrinkwrap = shrinkwrap.map(|text| package_lock::read(&file, &text));
    let bundled = found.bundled.iter().filter_map(|(location, text)| {
        // npm, too, goes on without what it cannot read there.
        let manifest = foreign(&format!("{shown}: {location}"), text).ok()?;
        let manifest = Manifest {
            // Old npm wrote down where it had fetched a package from; that is not where this is.
            tarball: None,
            integrity: None,
            ..manifest
        };
        Some((Arc::from(location.as_str()), Arc::new(manifest)))
    });
    Ok(Inside {
        bundled: bundled.collect(),
        shrinkwrap: shrinkwrap
            .transpose()
            .map_err(|error| SourceError::Shrinkwrap(Arc::new(error)))?,
    })
}

async fn fetch(client: &Client, url: &Url, digests: Vec<Digest>) -> Result<Bytes, SourceError> {
    let name = url.path_segments().and_then(|mut parts| parts.next_back());
    let request = ArchiveRequest {
        url: url.clone(),
        file_name: name.unwrap_or("package").to_owned(),
        digests,
        size: None,
    };
    let stored = client.archive(&request).await.map_err(SourceError::Fetch)?;
    let bytes = client.store().archive(stored.digest);
    bytes.ok_or_else(|| SourceError::Damaged {
        name: redacted(url),
    })
}

/// The manifest of a tarball on the disk, its path relative to the project.
pub(super) fn local(project: &Path, path: &str) -> Result<Arc<Manifest>, SourceError> {
    let bytes = read(&project.join(path))?;
    manifest(
        &bytes,
        path,
        &format!("file:{}", crate::place::plain_path(path)),
    )
}

fn read(file: &Path) -> Result<Vec<u8>, SourceError> {
    fs::read(file).map_err(|error| {
        // As it would be written by hand.
        let path = file.components().collect();
        if error.kind() == std::io::ErrorKind::NotFound {
            return SourceError::NotFound {
                path,
                folder: false,
            };
        }
        let source = Arc::new(error);
        SourceError::Io { path, source }
    })
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
