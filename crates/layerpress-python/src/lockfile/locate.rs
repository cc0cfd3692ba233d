//! [`locate`]: where the files are that another tool's lock pins by digest alone.
//!
//! The index is asked which files it has of exactly the locked version, never for versions. What it
//! answered is kept in the store for good, since a digest's file cannot change: a second build asks
//! nobody.

use layerpress_fetch::{ArchiveRequest, Namespace, Store};
use layerpress_lock::{File, ForeignPackage, Listed, Location, LockPath, Package, Source};
use layerpress_target::Target;
use layerpress_tree::{Digest, Sha256};
use pep440_rs::Version;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use url::Url;

use super::error::LockfileError;
use super::pins::{best, best_name};
use crate::compatibility::Compatibility;
use crate::index::{FileRecord, FileView, Registry, digest_matches};

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
/// An index that gives no digests (a folder of wheels, a plain listing) tells less: of its files the
/// one that fits `target` best is fetched, and its bytes say whether it is listed.
///
/// # Errors
/// An index that cannot be asked, or that has no listed file of the version.
pub async fn locate(
    foreign: ForeignPackage,
    registry: &Registry,
    target: &Target,
) -> Result<Package, LockfileError> {
    let ForeignPackage {
        mut package,
        listed,
    } = foreign;
    let (false, Some(version)) = (listed.is_empty(), package.version.clone()) else {
        return Ok(package);
    };
    let store = registry.client().store();
    // Where only a target's best file is known, the answer is that target's.
    let keys = [None, Some(target)].map(|target| {
        let places = registry.places(&package.name);
        // Who asks nobody needs no address: the store knows files by their digests.
        let anywhere = key(&package, &version, &listed, target, []);
        (key(&package, &version, &listed, target, places), anywhere)
    });
    let known = keys.iter().find_map(|(there, anywhere)| {
        let offline = registry.client().offline();
        let anywhere = || remembered(store, anywhere).filter(|_| offline);
        remembered(store, there).or_else(anywhere)
    });
    let found = match known {
        Some(found) => found,
        None => {
            let question = Question {
                package: &package,
                version: &version,
                listed: &listed,
            };
            let (found, for_all) = question.ask(registry, target).await?;
            let (there, anywhere) = &keys[usize::from(!for_all)];
            remember(store, there, &found);
            remember(store, anywhere, &found);
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

/// A package whose file for a target is to be looked for elsewhere than the lock says: by name and
/// digest on the registry's indexes. Which file that is, the lock alone decides, so that a mirror that
/// lacks some changes nothing.
#[must_use]
pub fn relocated(package: Package, target: &Target) -> ForeignPackage {
    let listed = |file: &File| {
        let is_remote = matches!(file.location, Location::Url(_));
        // Indexes tell this one, if any.
        let sha256 = file.hashes.iter().find(|hash| hash.sha256().is_some());
        let digest = sha256.or(file.hashes.first()).filter(|_| is_remote)?;
        Some(Listed {
            name: Some(file.name.clone()),
            digest: digest.clone(),
        })
    };
    let compatibility = Compatibility::new(target);
    let file = best(package.wheels(), |wheel| &wheel.name, &compatibility).or(package.sdist());
    let listed = file.and_then(listed).into_iter().collect();
    ForeignPackage { package, listed }
}

/// Which files an index has of what a lock lists.
struct Question<'a> {
    package: &'a Package,
    version: &'a Version,
    listed: &'a [Listed],
}

impl Question<'_> {
    /// The files, and whether they are those for all targets.
    async fn ask(
        &self,
        registry: &Registry,
        target: &Target,
    ) -> Result<(Vec<Found>, bool), LockfileError> {
        let versions = registry
            .versions(&self.package.name)
            .await
            .map_err(|error| LockfileError::Index(Box::new(error)))?;
        let files = versions.files(self.version);
        let records: Vec<FileRecord> = files.filter_map(FileView::record).collect();
        if records.is_empty() {
            return Err(LockfileError::NoRelease {
                package: self.package.name.clone(),
                version: self.version.clone(),
            });
        }
        let found: Vec<Found> = records
            .iter()
            .filter_map(|record| Some(Found::new(record, matching(record, self.listed)?)))
            .collect();
        if !found.is_empty() {
            return Ok((found, true));
        }
        let names: Vec<&str> = records.iter().map(|it| it.file_name.as_str()).collect();
        let best = best_name(&names, &Compatibility::new(target));
        let is_best = |record: &&FileRecord| Some(record.file_name.as_str()) == best;
        let best = records.iter().find(is_best).unwrap_or(&records[0]);
        match &best.hashes[..] {
            [] => {
                let found = self.weigh(best, registry).await?;
                Ok((vec![found], false))
            }
            [digest, ..] => Err(self.other(best, digest)),
        }
    }

    /// A file that only its bytes tell the digest of.
    async fn weigh(
        &self,
        record: &FileRecord,
        registry: &Registry,
    ) -> Result<Found, LockfileError> {
        let request = ArchiveRequest {
            url: record.url.clone(),
            file_name: record.file_name.clone(),
            digests: Vec::new(),
            size: record.size,
        };
        let stored = registry.client().archive(&request).await;
        let stored = stored.map_err(Box::new)?;
        let bytes = registry.client().store().archive(stored.digest);
        let bytes = bytes.unwrap_or_default();
        let mut listed = self.listed.iter();
        match listed.find(|it| digest_matches(&it.digest, &bytes)) {
            Some(listed) => Ok(Found::new(record, &listed.digest)),
            None => Err(self.other(record, &Digest::from(stored.digest))),
        }
    }

    fn other(&self, record: &FileRecord, found: &Digest) -> LockfileError {
        LockfileError::OtherFiles {
            package: self.package.name.clone(),
            version: self.version.clone(),
            url: layerpress_fetch::redacted(&record.url),
            found: found.clone(),
            listed: self.listed.iter().map(|it| it.digest.clone()).collect(),
        }
    }
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
fn key(
    package: &Package,
    version: &Version,
    listed: &[Listed],
    target: Option<&Target>,
    places: impl IntoIterator<Item = String>,
) -> String {
    let mut digest = sha2::Sha256::new();
    if let Some(target) = target {
        digest.update(target.to_string());
        digest.update("\n");
    }
    let mut listed: Vec<&Listed> = listed.iter().collect();
    listed.sort();
    for file in listed {
        digest.update(file.name.as_deref().unwrap_or_default());
        digest.update("\n");
        digest.update(file.digest.to_string());
        digest.update("\n");
    }
    for place in places {
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
