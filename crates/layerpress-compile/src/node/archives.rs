//! From pins to unpacked packages: what is in the store at once, the rest as it arrives.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use layerpress_fetch::{ArchiveRequest, FetchError, StoredArchive, redacted};
use layerpress_node::PackageName;
use layerpress_node::integrity::written;
use layerpress_node::package_lock::{Pin, Resolved};
use layerpress_node::registry::Registry;
use layerpress_node::source::Desk;
use layerpress_node::tarball::{self, PackageTree, UnpackOptions};
use layerpress_press::Recipe;
use layerpress_press::rules::Ecosystem;
use layerpress_tree::Digest;
use url::Url;

use super::digests::{self, Vouched};
use super::error::{NodeError, OtherDigest};
use crate::error::CompileError;
use crate::pins::{Job, Tally};
use crate::session::Session;

/// How many archives are on their way or being unpacked at once; the client bounds the requests.
const AT_ONCE: usize = 64;

/// An archive that goes to one or more places.
#[derive(Debug)]
pub(crate) struct Archive<'a> {
    /// The package, for messages: `sharp@0.34.4`.
    pub label: String,
    /// One of the pins that it is for.
    pub pin: &'a Pin,
    /// Where it comes from.
    pub origin: Origin<'a>,
    /// How its files are pressed.
    pub recipe: Recipe,
}

/// Where an archive comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin<'a> {
    /// An address, of the disk too.
    Url(Url),
    /// A commit of a git repository, as the lockfile names it; packed when it is checked out.
    Git(&'a str),
}

/// Where the archive of a pin is; `None` for what is no archive or comes inside another.
///
/// # Errors
/// An address that is none.
pub(crate) fn archive<'a>(
    job: &Job<'_>,
    pin: &'a Pin,
    registry: &Registry,
    folder: &Path,
) -> Result<Option<Archive<'a>>, CompileError> {
    if pin.bundled_in.is_some() {
        return Ok(None);
    }
    let wrong = |address: &str| NodeError::Address {
        location: pin.entry.to_string(),
        address: address.to_owned(),
    };
    let name = PackageName::parse(&pin.name).ok();
    let url = match &pin.resolved {
        Resolved::Folder(_) => return Ok(None),
        Resolved::Git(address) => {
            return Ok(Some(Archive {
                label: label(pin),
                pin,
                origin: Origin::Git(address),
                recipe: recipe(job, pin),
            }));
        }
        Resolved::Registry => name
            .as_ref()
            .zip(pin.version.as_deref())
            .and_then(|(name, version)| registry.tarball_url(name, version))
            .ok_or_else(|| wrong(&pin.name))?,
        Resolved::Tarball(address) => {
            let url = Url::parse(address).map_err(|_| wrong("what stands there"))?;
            if !matches!(url.scheme(), "http" | "https") {
                return Err(wrong(&redacted(&url)).into());
            }
            match &name {
                Some(name) => registry.fetched_from(name, &url),
                None => url,
            }
        }
        Resolved::File(path) => {
            let path = folder.join(&**path);
            std::path::absolute(&path)
                .ok()
                .and_then(|path| Url::from_file_path(path).ok())
                .ok_or_else(|| wrong(&path.display().to_string()))?
        }
    };
    Ok(Some(Archive {
        label: label(pin),
        pin,
        origin: Origin::Url(url),
        recipe: recipe(job, pin),
    }))
}

/// How the files of a pin are pressed, by the name by which it is required.
pub(crate) fn recipe(job: &Job<'_>, pin: &Pin) -> Recipe {
    job.recipe(Ecosystem::Node, folder_name(&pin.location))
}

/// The name by which a package in this folder is required.
pub(crate) fn folder_name(place: &str) -> &str {
    place.rsplit("node_modules/").next().unwrap_or(place)
}

/// A package as messages name it.
pub(crate) fn label(pin: &Pin) -> String {
    match &pin.version {
        Some(version) => format!("{}@{version}", pin.name),
        None => pin.name.to_string(),
    }
}

/// Unpacks each archive, in their order, fetching what the store lacks.
///
/// # Errors
/// The first archive that cannot be had, is not what its digest promises, or is no sound tarball.
pub(crate) fn unpack_all(
    job: &Job<'_>,
    desk: &Desk,
    archives: &[Archive<'_>],
) -> Result<Vec<Arc<PackageTree>>, CompileError> {
    let (session, tally) = (job.session, job.tally);
    let options_of = |archive: &Archive<'_>| UnpackOptions {
        recipe: archive.recipe,
        ..UnpackOptions::default()
    };
    crate::archives::unpack_all(
        session,
        archives,
        AT_ONCE,
        tally,
        |archive| Ok(from_store(session, archive, &options_of(archive))),
        |archive| not_stored(session, archive),
        |index| async move {
            let archive = &archives[index];
            let tree = arrive(session, desk, archive, &options_of(archive), tally).await?;
            Ok(Arc::new(tree))
        },
    )
}

/// The package, if it was unpacked before and the pin vouches for its digest; its archive need not
/// be there any more.
fn from_store(
    session: &Session,
    archive: &Archive<'_>,
    options: &UnpackOptions,
) -> Option<Arc<PackageTree>> {
    let Origin::Url(url) = &archive.origin else {
        return None;
    };
    // What the bytes have to match beside their digest can be told of the archive alone.
    if archive.pin.integrity.sha1.is_some() {
        return None;
    }
    archive
        .pin
        .integrity
        .strongest()
        .into_iter()
        .find_map(|digest| {
            let request = request(&archive.label, url, Some(digest));
            let known = session.client.known_digest(&request)?;
            // A damaged copy is told, and made anew, where the archive is at hand.
            let tree = tarball::unpacked(known, session.store(), options).ok()??;
            session.warn_all(tree.warnings.iter().cloned());
            Some(Arc::new(tree))
        })
}

/// The label of a remote archive that the store does not hold.
fn not_stored(session: &Session, archive: &Archive<'_>) -> Option<String> {
    let Origin::Url(url) = &archive.origin else {
        // What a commit was packed into is known to the desk alone.
        return None;
    };
    if !archive.pin.integrity.is_strong() {
        // Under which digest it would be there is for its registry to say.
        return None;
    }
    let is_there = archive.pin.integrity.strongest().into_iter().any(|digest| {
        let request = request(&archive.label, url, Some(digest));
        matches!(session.client.archive_now(&request), Ok(Some(_)))
    });
    (url.scheme() != "file" && !is_there).then(|| archive.label.clone())
}

/// The package, from wherever the pin says.
async fn arrive(
    session: &Session,
    desk: &Desk,
    archive: &Archive<'_>,
    options: &UnpackOptions,
    tally: &Tally,
) -> Result<PackageTree, CompileError> {
    let vouched = match &archive.origin {
        Origin::Url(_) => digests::vouched(desk.registry(), archive.pin).await?,
        // The commit's own name vouches for what it holds.
        Origin::Git(_) => Vouched::default(),
    };
    let again = async || {
        let stored = match &archive.origin {
            Origin::Url(url) => {
                let mut outcome = fetch(session, &archive.label, url, &vouched).await;
                if let Err(CompileError::Fetch(FetchError::Status { status: 404, .. })) = &outcome
                    && let Some(url) = told(desk.registry(), archive.pin, url).await
                {
                    outcome = fetch(session, &archive.label, &url, &vouched).await;
                }
                outcome?
            }
            Origin::Git(address) => desk.git_package(address).await.map_err(NodeError::from)?,
        };
        if stored.cached {
            tally.cached.fetch_add(1, Ordering::Relaxed);
        } else {
            tally
                .downloaded_bytes
                .fetch_add(stored.size, Ordering::Relaxed);
        }
        let bytes = self::stored(session, &stored, &archive.label)?;
        if let Origin::Url(url) = &archive.origin {
            vouched.check_sha1(&archive.label, redacted(url), &bytes)?;
        }
        unpack_beside(session, archive, &stored, bytes, options).await
    };
    match again().await {
        Err(CompileError::Node(NodeError::Tarball(error))) if error.is_damage() => {
            session
                .reporter()
                .warn(format!("{error}; it is fetched again"));
            again().await
        }
        outcome => outcome,
    }
}

/// Where the registry says that its version is, if that is not where registries have it by custom.
async fn told(registry: &Registry, pin: &Pin, tried: &Url) -> Option<Url> {
    let name = PackageName::parse(&pin.name).ok()?;
    if registry.registry_of(&name).origin() != tried.origin() {
        return None;
    }
    let version = pin.version.as_deref()?;
    let manifest = digests::manifest(registry, &name, version).await.ok()??;
    let told = Url::parse(manifest.tarball.as_deref()?).ok()?;
    let told = registry.fetched_from(&name, &told);
    (told != *tried).then_some(told)
}

/// Inflating and pressing takes all cores; the network goes on beside it.
async fn unpack_beside(
    session: &Session,
    archive: &Archive<'_>,
    stored: &StoredArchive,
    bytes: Bytes,
    options: &UnpackOptions,
) -> Result<PackageTree, CompileError> {
    let (store, digest) = (session.store().clone(), stored.digest);
    let (label, options) = (archive.label.clone(), options.clone());
    let _turn = session.client.turn().await;
    let work = move || tarball::unpack(&label, &bytes, digest, &store, &options);
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(tree)) => {
            session.warn_all(tree.warnings.iter().cloned());
            Ok(tree)
        }
        Ok(Err(error)) => Err(error.into()),
        Err(stopped) => std::panic::resume_unwind(stopped.into_panic()),
    }
}

/// Brings an archive into the store; of several digests by one algorithm any may be its.
async fn fetch(
    session: &Session,
    label: &str,
    url: &Url,
    vouched: &Vouched,
) -> Result<StoredArchive, CompileError> {
    let mut mismatch = None;
    for digest in &vouched.digests {
        let request = request(label, url, Some(digest));
        match session.client.archive(&request).await {
            Err(error @ FetchError::Mismatch { .. }) => mismatch = Some(error),
            other => return Ok(other?),
        }
    }
    let Some(error) = mismatch else {
        return Ok(session.client.archive(&request(label, url, None)).await?);
    };
    let hint = error.hint().unwrap_or_default();
    match error {
        FetchError::Mismatch { url, found, .. } => {
            let expected: Vec<String> = vouched.digests.iter().map(written).collect();
            Err(CompileError::Node(NodeError::OtherDigest(Box::new(
                OtherDigest {
                    archive: label.to_owned(),
                    url,
                    expected: expected.join(" "),
                    found: written(&found),
                    hint,
                },
            ))))
        }
        other => Err(other.into()),
    }
}

fn request(label: &str, url: &Url, digest: Option<&Digest>) -> ArchiveRequest {
    ArchiveRequest {
        url: url.clone(),
        file_name: label.to_owned(),
        digests: digest.cloned().into_iter().collect(),
        size: None,
    }
}

/// An archive that was put into the store a moment ago.
pub(crate) fn stored(
    session: &Session,
    stored: &StoredArchive,
    label: &str,
) -> Result<Bytes, CompileError> {
    session
        .store()
        .archive(stored.digest)
        .ok_or_else(|| CompileError::Vanished {
            path: session.store().archive_path(stored.digest),
            file_name: label.to_owned(),
        })
}
