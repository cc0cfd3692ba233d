//! What vouches for a tarball: a digest in the lockfile that can be trusted, else its registry's.
//!
//! Old lockfiles have SHA-1 alone, which anybody can forge, and some have nothing. What is written
//! into a lock is a sha512 in any case: [`strengthen`]. A lock that is used as it is gets the
//! registry's for exactly that version; a SHA-1 beside it has to match too.

use std::path::Path;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use layerpress_fetch::{ArchiveRequest, redacted};
use layerpress_node::integrity::{Integrity, written};
use layerpress_node::package_lock::{PackageLock, Pin, Resolved};
use layerpress_node::place::IdealTree;
use layerpress_node::registry::Registry;
use layerpress_node::{Manifest, PackageName};
use layerpress_tree::{Algorithm, Digest};
use sha1::Digest as _;
use url::Url;

use super::archives;
use super::error::{NodeError, OtherDigest};
use crate::error::CompileError;
use crate::session::Session;

/// How many archives are fetched at once for their digests.
const AT_ONCE: usize = 16;

/// What a tarball must hash to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vouched {
    /// One of these.
    pub digests: Vec<Digest>,
    /// And this, where there is one.
    pub sha1: Option<[u8; 20]>,
}

impl Vouched {
    /// Holds the bytes of an archive, which came from `url`, against its SHA-1.
    ///
    /// # Errors
    /// [`NodeError::OtherDigest`] if it has another.
    pub(crate) fn check_sha1(
        &self,
        archive: &str,
        url: String,
        bytes: &[u8],
    ) -> Result<(), NodeError> {
        let found: [u8; 20] = sha1::Sha1::digest(bytes).into();
        let told = |sha1| {
            let only = Integrity {
                digests: Vec::new(),
                sha1: Some(sha1),
            };
            only.to_string()
        };
        match self.sha1 {
            Some(expected) if expected != found => Err(NodeError::OtherDigest(Box::new(OtherDigest {
                archive: archive.to_owned(),
                url,
                expected: told(expected),
                found: told(found),
                hint: "the archive was replaced since it was locked, or the lockfile was changed by hand"
                    .to_owned(),
            }))),
            _ => Ok(()),
        }
    }
}

/// What vouches for the archive of a pin.
///
/// # Errors
/// A pin whose digests cannot be trusted, where the registry has no better one; a registry that
/// cannot be asked.
pub(crate) async fn vouched(registry: &Registry, pin: &Pin) -> Result<Vouched, CompileError> {
    let sha1 = pin.integrity.sha1;
    if pin.integrity.is_strong() {
        let digests = pin.integrity.strongest().into_iter().cloned().collect();
        return Ok(Vouched { digests, sha1 });
    }
    let untrusted = |because: &str| NodeError::NoDigest {
        location: pin.entry.to_string(),
        because: because.to_owned(),
    };
    let name = PackageName::parse(&pin.name).ok();
    let (Some(name), Some(version)) = (name, pin.version.as_deref()) else {
        return Err(untrusted("").into());
    };
    if !is_of_registry(&pin.resolved, registry, &name, version) {
        return Err(untrusted("it comes from no registry that could tell").into());
    }
    let manifest = match manifest(registry, &name, version).await {
        // What it told before may be at hand even so.
        Err(_) if registry.client().offline() => {
            let because = "its registry could tell, but the network is switched off";
            return Err(untrusted(because).into());
        }
        told => told?,
    };
    let told = manifest.as_ref().and_then(|manifest| integrity(manifest));
    match told {
        Some(told) if told.is_strong() => Ok(Vouched {
            digests: told.strongest().into_iter().cloned().collect(),
            sha1,
        }),
        _ => Err(untrusted("its registry has no better one").into()),
    }
}

/// Whether a registry vouches for what an entry's address leads to.
fn is_of_registry(
    resolved: &Resolved,
    registry: &Registry,
    name: &PackageName,
    version: &str,
) -> bool {
    let Resolved::Tarball(address) = resolved else {
        return *resolved == Resolved::Registry;
    };
    let at_registry = Url::parse(address).map(|url| registry.fetched_from(name, &url));
    let known = registry.tarball_url(name, version);
    at_registry.is_ok_and(|url| known.is_some_and(|known| known.origin() == url.origin()))
}

/// The manifest of one version: the document of it alone where the registry has one.
///
/// # Errors
/// A registry that cannot be asked.
pub(crate) async fn manifest(
    registry: &Registry,
    name: &PackageName,
    version: &str,
) -> Result<Option<Arc<Manifest>>, NodeError> {
    if let Some(manifest) = registry.version(name, version).await? {
        return Ok(Some(manifest));
    }
    let packument = registry.packument(name).await?;
    let found = packument.version(version);
    Ok(found.and_then(|found| found.manifest()).map(Arc::new))
}

/// Gives every tarball of a lockfile that cannot be rewritten the digest that its registry has for
/// exactly that version, where the lockfile has none or a SHA-1 alone, which then has to match too.
/// Others stay without: they are refused when they are needed.
///
/// # Errors
/// A registry that cannot be asked.
pub(crate) fn strengthen_lock(
    session: &Session,
    registry: &Registry,
    path: &Path,
    lock: &mut PackageLock,
) -> Result<(), CompileError> {
    let asked: Vec<(Arc<str>, PackageName, Arc<str>)> = lock
        .packages
        .iter()
        // Folders of the project's own are nobody else's business.
        .filter(|(location, locked)| location.contains("node_modules/") && locked.link.is_none())
        .filter(|(_, locked)| !locked.integrity.is_strong() && !locked.in_bundle)
        .filter_map(|(location, locked)| {
            let of = &locked.manifest;
            let name = PackageName::parse(of.name.as_deref()?).ok()?;
            let version = of.version.clone()?;
            let resolved = match &of.tarball {
                Some(address) => Resolved::Tarball(address.clone()),
                None => Resolved::Registry,
            };
            let is_told = is_of_registry(&resolved, registry, &name, &version);
            is_told.then(|| (location.clone(), name, version))
        })
        .collect();
    if asked.is_empty() {
        return Ok(());
    }
    let found: Vec<(&Arc<str>, Option<Arc<Manifest>>)> = session.wait(
        stream::iter(&asked)
            .map(|(location, name, version)| async move {
                let manifest = manifest(registry, name, version).await?;
                Ok::<_, CompileError>((location, manifest))
            })
            .buffered(AT_ONCE)
            .try_collect(),
    )?;
    let mut told = 0;
    for (location, manifest) in found {
        let integrity = manifest.and_then(|manifest| integrity(&manifest));
        if let Some(locked) = lock.packages.get_mut(location)
            && let Some(integrity) = integrity.filter(Integrity::is_strong)
        {
            locked.integrity.digests = integrity.digests;
            told += 1;
        }
    }
    session.warn_all((told > 0).then(|| {
        format!(
            "{}: for {told} of its packages it has no digest of the tarball that can be trusted: \
             the registry's is taken",
            path.display()
        )
    }));
    Ok(())
}

/// Gives every tarball of a tree that is about to be written a digest that can be trusted: those
/// whose registry has none are fetched, held against their SHA-1, and hashed.
///
/// # Errors
/// A tarball that cannot be had, or is not what its SHA-1 promises.
pub(crate) fn strengthen(
    session: &Session,
    registry: &Registry,
    tree: &mut IdealTree,
) -> Result<(), CompileError> {
    let weak: Vec<usize> = (0..tree.packages.len())
        .filter(|&index| {
            let placed = &tree.packages[index];
            placed.link.is_none() && is_weak(&placed.manifest)
        })
        .collect();
    let packages = &tree.packages;
    let found: Vec<(usize, String)> = session.wait(
        stream::iter(weak)
            .map(|index| async move {
                let integrity = hashed(session, registry, &packages[index].manifest).await?;
                Ok::<_, CompileError>((index, integrity))
            })
            .buffer_unordered(AT_ONCE)
            .try_collect(),
    )?;
    for (index, integrity) in found {
        let manifest = &mut tree.packages[index].manifest;
        Arc::make_mut(manifest).integrity = Some(integrity.into());
    }
    Ok(())
}

/// Whether a package is a tarball from afar that no good digest vouches for.
fn is_weak(manifest: &Manifest) -> bool {
    let address = manifest.tarball.as_deref();
    let remote = address.is_some_and(|address| address.starts_with("http"));
    let strong = integrity(manifest).is_some_and(|integrity| integrity.is_strong());
    remote && !strong
}

fn integrity(manifest: &Manifest) -> Option<Integrity> {
    Integrity::parse(manifest.integrity.as_deref()?).ok()
}

/// The sha512 of a tarball, as a lockfile has it.
async fn hashed(
    session: &Session,
    registry: &Registry,
    manifest: &Manifest,
) -> Result<String, CompileError> {
    let name = manifest.name.as_deref().unwrap_or_default();
    let version = manifest.version.as_deref().unwrap_or_default();
    let label = format!("{name}@{version}");
    let address = manifest.tarball.as_deref().unwrap_or_default();
    let url = Url::parse(address).map_err(|_| NodeError::Address {
        location: label.clone(),
        address: "what stands there".to_owned(),
    })?;
    let url = match PackageName::parse(name) {
        Ok(name) => registry.fetched_from(&name, &url),
        Err(_) => url,
    };
    let request = ArchiveRequest {
        url,
        file_name: label.clone(),
        digests: Vec::new(),
        size: None,
    };
    let stored = session.client.archive(&request).await?;
    let bytes = archives::stored(session, &stored, &label)?;
    let vouched = Vouched {
        digests: Vec::new(),
        sha1: integrity(manifest).and_then(|integrity| integrity.sha1),
    };
    vouched.check_sha1(&label, redacted(&request.url), &bytes)?;
    let sha512 = sha2::Sha512::digest(&bytes);
    let digest = Digest::from_bytes(Algorithm::Sha512, &sha512);
    Ok(digest.as_ref().map(written).unwrap_or_default())
}
