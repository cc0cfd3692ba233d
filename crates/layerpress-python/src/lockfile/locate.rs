//! [`locate`]: where the files are that another tool's lock pins by digest alone.
//!
//! The index is asked which files it has of exactly the locked version, never for versions. What it
//! answered is kept in the store for good, since a digest's file cannot change: a second build asks
//! nobody.

use layerpress_fetch::{Namespace, Store};
use layerpress_lock::{File, ForeignPackage, Listed, Location, LockPath, Package, Source};
use layerpress_tree::{Digest, Sha256};
use pep440_rs::Version;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use url::Url;

use super::error::LockfileError;
use crate::index::{FileRecord, FileView, Registry};

/// A listed file and where it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Found {
    name: String,
    digest: String,
    url: String,
    size: Option<u64>,
}

/// The package with the addresses of its files filled in, as the package's index tells them.
///
/// # Errors
/// An index that cannot be asked, or that has no listed file of the version.
pub async fn locate(
    foreign: ForeignPackage,
    registry: &Registry,
) -> Result<Package, LockfileError> {
    let ForeignPackage {
        mut package,
        listed,
    } = foreign;
    let (false, Some(version)) = (listed.is_empty(), package.version.clone()) else {
        return Ok(package);
    };
    let store = registry.client().store();
    let key = key(&package, &version, &listed, registry);
    let found = match remembered(store, &key) {
        Some(found) => found,
        None => {
            let found = ask(&package, &version, &listed, registry).await?;
            remember(store, &key, &found);
            found
        }
    };
    let (wheels, sdists): (Vec<File>, Vec<File>) = found
        .into_iter()
        .filter_map(Found::into_file)
        .partition(|file| file.name.ends_with(".whl"));
    package.source = Source::Files {
        // `.tar.gz` before `.zip`, where a release of old has both.
        sdist: sdists.into_iter().min_by(|a, b| a.name.cmp(&b.name)),
        wheels,
    };
    Ok(package)
}

/// A package whose files are to be looked for elsewhere than the lock says: by name and digest on
/// the registry's indexes.
#[must_use]
pub fn relocated(package: Package) -> ForeignPackage {
    let listed = |file: &File| {
        let is_remote = matches!(file.location, Location::Url(_));
        let digest = file.hashes.first().filter(|_| is_remote)?;
        Some(Listed {
            name: Some(file.name.clone()),
            digest: digest.clone(),
        })
    };
    let files = package.sdist().into_iter().chain(package.wheels());
    let listed: Vec<Listed> = files.filter_map(listed).collect();
    ForeignPackage { package, listed }
}

async fn ask(
    package: &Package,
    version: &Version,
    listed: &[Listed],
    registry: &Registry,
) -> Result<Vec<Found>, LockfileError> {
    let versions = registry
        .versions(&package.name)
        .await
        .map_err(|error| LockfileError::Index(Box::new(error)))?;
    let mut asked = String::new();
    let mut records = Vec::new();
    for record in versions.files(version).filter_map(FileView::record) {
        if let Some(index) = &record.index {
            asked = layerpress_fetch::redacted(index);
        }
        records.push(record);
    }
    if records.is_empty() {
        return Err(LockfileError::NoRelease {
            package: package.name.clone(),
            version: version.clone(),
        });
    }
    let found: Vec<Found> = records
        .iter()
        .filter_map(|record| Some(Found::new(record, matching(record, listed)?)))
        .collect();
    if found.is_empty() {
        return Err(LockfileError::OtherFiles {
            package: package.name.clone(),
            version: version.clone(),
            index: asked,
            files: records.into_iter().map(|it| it.file_name).collect(),
        });
    }
    Ok(found)
}

/// The digest that the lock has for a file of the index. One of the file's name that the index gives
/// another digest of is taken by the lock's word: fetching it tells both.
fn matching<'a>(record: &FileRecord, listed: &'a [Listed]) -> Option<&'a Digest> {
    let by_name = |file: &&Listed| file.name.as_deref() == Some(&record.file_name);
    let by_digest = |file: &&Listed| record.hashes.contains(&file.digest);
    let found = listed.iter().find(by_digest);
    found
        .or_else(|| listed.iter().find(by_name))
        .map(|file| &file.digest)
}

impl Found {
    fn new(record: &FileRecord, digest: &Digest) -> Self {
        Self {
            name: record.file_name.clone(),
            digest: digest.to_string(),
            url: without_login(record.url.clone()).into(),
            size: record.size,
        }
    }

    fn into_file(self) -> Option<File> {
        let url: Url = self.url.parse().ok()?;
        let location = match url.scheme() {
            "file" => Location::Path(LockPath::new(url.to_file_path().ok()?.to_str()?).ok()?),
            _ => Location::url(url),
        };
        Some(File {
            name: self.name,
            upload_time: None,
            location,
            size: self.size,
            hashes: vec![self.digest.parse().ok()?],
        })
    }
}

/// The client knows the logins of the indexes; the store is to know none.
fn without_login(url: Url) -> Url {
    match Location::url(url.clone()) {
        Location::Url(bare) => bare,
        Location::Path(_) => url,
    }
}

/// Depends on all that the answer depends on.
fn key(package: &Package, version: &Version, listed: &[Listed], registry: &Registry) -> String {
    let mut digest = sha2::Sha256::new();
    let mut listed: Vec<&Listed> = listed.iter().collect();
    listed.sort();
    for file in listed {
        digest.update(file.name.as_deref().unwrap_or_default());
        digest.update("\n");
        digest.update(file.digest.to_string());
        digest.update("\n");
    }
    for place in registry.places(&package.name) {
        digest.update(place);
        digest.update("\n");
    }
    let digest = Sha256(digest.finalize().into());
    format!("files/{}/{version}/{}", package.name, digest.hex())
}

fn remembered(store: &Store, key: &str) -> Option<Vec<Found>> {
    let blob = store.blob(Namespace::Alias, key)?;
    serde_json::from_slice(&blob).ok()
}

/// A store that cannot be written costs a question next time, and nothing else.
fn remember(store: &Store, key: &str, found: &[Found]) {
    if let Ok(bytes) = serde_json::to_vec(found) {
        let _ = store.put_blob(Namespace::Alias, key, &bytes);
    }
}
