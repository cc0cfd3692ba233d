//! Packages that are git repositories: a commit is found, checked out and packed into the store,
//! where it is found by its address the next time.
//!
//! npm would run the `prepare` script of such a package, with all its developers' dependencies;
//! nothing is run here, and that is said.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use layerpress_fetch::git::{Commit, GitError, Repository as Program};
use layerpress_fetch::{Client, Event, FetchError, Namespace, StoredArchive};
use layerpress_scratch::{Naming, ScratchFolder, sweep};
use layerpress_tree::{LayerPath, Sha256};
use url::Url;

use super::archive;
use super::error::SourceError;
use crate::manifest::Manifest;
use crate::semver::{Range, Reading, Version};
use crate::spec::{Git, Reference, Repository, Spec};
use crate::tarball::manifests_of;

/// Part of every key: what was packed in another way is packed again.
const FORMAT: &str = "git-package-1";

/// The folders that repositories are checked out into.
const SCRATCH: Naming = Naming {
    prefix: "layerpress-package-",
    suffix: "",
};

/// The scripts that npm runs before it packs a repository (`pacote/lib/git.js`).
const PREPARING: [&str; 6] = [
    "preinstall",
    "install",
    "postinstall",
    "build",
    "prepack",
    "prepare",
];

/// The files of a package's folder that belong to the package: where each goes, and where it lies.
pub type Packing = dyn Fn(&Path) -> io::Result<Vec<(LayerPath, PathBuf)>> + Send + Sync;

/// What repositories are read with.
#[derive(Clone)]
pub struct GitOptions {
    /// The variables of the process that runs this program: git finds its settings by them.
    pub variables: BTreeMap<OsString, OsString>,
    /// Where temporary folders are made.
    pub temporary: PathBuf,
    /// How long each of git's commands may take.
    pub budget: Duration,
    /// Chooses the files of a package, as `npm pack` does.
    pub packing: Arc<Packing>,
}

impl fmt::Debug for GitOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitOptions")
            .field("temporary", &self.temporary)
            .finish_non_exhaustive()
    }
}

/// The manifest of what a specifier leads to now.
pub(super) async fn manifest(
    client: &Client,
    options: &GitOptions,
    git: &Git,
) -> Result<Arc<Manifest>, SourceError> {
    let mut failure = None;
    for address in addresses(git)? {
        match commit(client, options, &address, &git.reference).await {
            Ok(commit) => {
                let resolved = resolved(git, &commit);
                let stored = stored(client, options, git, &commit, &resolved).await?;
                let bytes = client.store().archive(stored.digest);
                let bytes = bytes.ok_or_else(|| damaged(&resolved))?;
                let manifests = manifests_of(&shown(&resolved), &bytes)
                    .map_err(|error| SourceError::Tarball(Arc::new(error)))?;
                let package = archive::foreign(&shown(&resolved), &manifests.package_json)?;
                return Ok(Arc::new(Manifest {
                    tarball: Some(resolved.into()),
                    integrity: None,
                    ..package
                }));
            }
            // The next address may be another way to the same repository.
            Err(error @ SourceError::Git(GitError::Failed { .. })) => failure = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(failure.unwrap_or_else(|| unfit(git)))
}

/// The package that a lockfile's address stands for, packed, in the store.
pub(super) async fn package(
    client: &Client,
    options: &GitOptions,
    resolved: &str,
) -> Result<StoredArchive, SourceError> {
    let unfit = || SourceError::Unsupported {
        what: shown(resolved),
    };
    let Ok(Spec::Git(git)) = Spec::parse("package", resolved) else {
        return Err(unfit());
    };
    let commit = match &git.reference {
        Reference::Name(name) => name.parse().map_err(|_| unfit())?,
        _ => return Err(unfit()),
    };
    stored(client, options, &git, &commit, resolved).await
}

async fn commit(
    client: &Client,
    options: &GitOptions,
    address: &Url,
    reference: &Reference,
) -> Result<Commit, SourceError> {
    if let Reference::Name(name) = reference
        && let Ok(commit) = name.parse()
    {
        return Ok(commit);
    }
    online(client, address)?;
    let program = options.program(address);
    let listed = program.references().await?;
    let found = match reference {
        Reference::Head => named(&listed, "HEAD"),
        Reference::Name(name) => named(&listed, name),
        Reference::Range(range) => in_range(&listed, range),
    };
    match (found, reference) {
        (Some(commit), _) => Ok(commit.clone()),
        (None, Reference::Name(name)) => Ok(program.resolve(Some(name)).await?),
        (None, Reference::Head | Reference::Range(_)) => {
            let reference = match reference {
                Reference::Range(range) => format!("semver:{range}"),
                _ => "HEAD".to_owned(),
            };
            let repository = layerpress_fetch::redacted(address);
            Err(GitError::Unknown {
                repository,
                reference,
            }
            .into())
        }
    }
}

/// The commit of a reference as npm finds it: of a branch and a tag of one name it is the tag's.
fn named<'r>(listed: &'r [(String, Commit)], name: &str) -> Option<&'r Commit> {
    let is_it = |full: &str| {
        full == name
            || full.strip_prefix("refs/tags/") == Some(name)
            || full.strip_prefix("refs/heads/") == Some(name)
            || full
                .strip_prefix("refs/")
                .filter(|pull| pull.starts_with("pull/"))
                .is_some_and(|pull| pull == name || pull.strip_suffix("/head") == Some(name))
    };
    let found = listed.iter().rfind(|(full, _)| is_it(full));
    found.map(|(_, commit)| commit)
}

/// The commit of the highest tag that is a version in a range, `v1.2.3` and `name-1.2.3` included; of
/// one that fits and stands where `latest` or the head does, that one.
fn in_range<'r>(listed: &'r [(String, Commit)], range: &str) -> Option<&'r Commit> {
    let range = Range::parse(range, Reading::LOOSE).ok()?;
    let versions = listed.iter().filter_map(|(name, commit)| {
        let version = version(name.strip_prefix("refs/tags/")?)?;
        Some((version, commit))
    });
    let fitting = versions.filter(|(version, _)| range.admits(version));
    let fitting: Vec<_> = fitting.collect();
    let latest = named(listed, "latest").or_else(|| named(listed, "HEAD"));
    if let Some((_, commit)) = fitting.iter().find(|(_, commit)| Some(*commit) == latest) {
        return Some(commit);
    }
    let best = fitting.iter().max_by(|(a, _), (b, _)| a.compare_build(b));
    best.map(|(_, commit)| *commit)
}

/// The version that a tag ends with.
fn version(tag: &str) -> Option<Version> {
    let starts = tag
        .char_indices()
        .filter(|(_, letter)| letter.is_ascii_digit());
    starts.map(|(at, _)| &tag[at..]).find_map(Version::strict)
}

/// The package of a commit, packed, in the store.
async fn stored(
    client: &Client,
    options: &GitOptions,
    git: &Git,
    commit: &Commit,
    resolved: &str,
) -> Result<StoredArchive, SourceError> {
    let key = format!("{FORMAT}\n{resolved}");
    let store = client.store();
    if let Some(blob) = store.blob(Namespace::Built, &key)
        && let Ok(digest) = <[u8; 32]>::try_from(&blob[..])
        && let Some(size) = store.archive_size(Sha256(digest))
    {
        return Ok(StoredArchive {
            digest: Sha256(digest),
            size,
            cached: true,
        });
    }
    sweep(&options.temporary, &SCRATCH);
    let mut failure = None;
    for address in addresses(git)? {
        online(client, &address)?;
        let failed = |source: io::Error| SourceError::Io {
            path: options.temporary.clone(),
            source: Arc::new(source),
        };
        let scratch = ScratchFolder::create(&options.temporary, &SCRATCH).map_err(failed)?;
        let program = options.program(&address);
        match program.check_out(commit, scratch.path(), |_| false).await {
            Ok(()) => {}
            Err(error @ GitError::Failed { .. }) => {
                failure = Some(SourceError::Git(error));
                continue;
            }
            Err(error) => return Err(error.into()),
        }
        let folder = below(scratch.path(), git, resolved)?;
        tell_scripts(client, &folder, resolved);
        let packed = pack(&folder, options).map_err(failed)?;
        let stored = store.put_archive(&packed[..]).map_err(FetchError::from);
        let stored = stored.map_err(SourceError::Fetch)?;
        // Without it the commit is checked out again the next time.
        let _ = store.put_blob(Namespace::Built, &key, &stored.digest.0);
        return Ok(stored);
    }
    Err(failure.unwrap_or_else(|| unfit(git)))
}

impl GitOptions {
    fn program<'a>(&'a self, url: &'a Url) -> Program<'a> {
        Program {
            url,
            variables: &self.variables,
            temporary: &self.temporary,
            budget: self.budget,
        }
    }
}

/// Where a repository may be had: of a known host by https, and then by ssh unless there are
/// credentials for https.
fn addresses(git: &Git) -> Result<Vec<Url>, SourceError> {
    let texts = match &git.repository {
        Repository::Hosted(hosted) => {
            let mut texts = vec![hosted.https_address()];
            if hosted.auth.is_none() {
                texts.push(hosted.ssh_address().replacen("git+", "", 1));
            }
            texts
        }
        Repository::Address(address) if address.contains("://") => vec![address.clone()],
        // `user@host:path`, which is no URL.
        Repository::Address(address) => vec![format!("ssh://{}", address.replacen(':', "/", 1))],
    };
    let urls = texts.iter().map(|text| Url::parse(text));
    urls.collect::<Result<_, _>>().map_err(|_| unfit(git))
}

/// How a lockfile names a commit of a repository (`pacote/lib/util/add-git-sha.js`), and the folder
/// in it.
fn resolved(git: &Git, commit: &Commit) -> String {
    let base = match &git.repository {
        Repository::Hosted(hosted) if hosted.auth.is_some() => {
            format!("git+{}", hosted.https_address())
        }
        Repository::Hosted(hosted) => hosted.ssh_address(),
        Repository::Address(address) if address.starts_with("git:") => address.clone(),
        Repository::Address(address) if address.contains("://") => format!("git+{address}"),
        Repository::Address(address) => format!("git+ssh://{address}"),
    };
    let folder = git.folder.as_ref();
    let folder = folder.map(|folder| format!("::path:{folder}"));
    format!("{base}#{commit}{}", folder.unwrap_or_default())
}

/// The folder of a checkout that holds the package; no way out of the checkout.
fn below(root: &Path, git: &Git, resolved: &str) -> Result<PathBuf, SourceError> {
    let Some(folder) = git.folder.as_deref().filter(|folder| !folder.is_empty()) else {
        return Ok(root.to_owned());
    };
    let missing = || SourceError::NotFound {
        path: Path::new(&shown(resolved)).join(folder),
        folder: true,
    };
    let path = LayerPath::new(folder.trim_end_matches('/')).map_err(|_| missing())?;
    let found = fs::canonicalize(root.join(path.as_str())).map_err(|_| missing())?;
    let root = fs::canonicalize(root).map_err(|_| missing())?;
    match found.starts_with(root) && found.is_dir() {
        true => Ok(found),
        false => Err(missing()),
    }
}

/// Warns of what npm would run before it packs.
fn tell_scripts(client: &Client, folder: &Path, resolved: &str) {
    let text = fs::read(folder.join("package.json")).unwrap_or_default();
    let package: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    let has = |script: &&&str| {
        package["scripts"][**script]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    };
    let scripts: Vec<String> = PREPARING
        .iter()
        .filter(has)
        .map(|name| format!("`{name}`"))
        .collect();
    if !scripts.is_empty() {
        client.reporter().report(Event::Warning {
            message: format!(
                "`{}`: its {} would be run by npm before it is packed, and is not run here",
                shown(resolved),
                scripts.join(", ")
            ),
            hint: Some("if files are missing, take a published version of the package".to_owned()),
        });
    }
}

/// A tarball of a package's files: the same for the same commit.
fn pack(folder: &Path, options: &GitOptions) -> io::Result<Vec<u8>> {
    let mut files = (options.packing)(folder)?;
    files.sort();
    let encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let mut tar = tar::Builder::new(encoder);
    for (path, place) in files {
        let bytes = fs::read(&place)?;
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(mode(&place)?);
        header.set_mtime(0);
        tar.append_data(&mut header, format!("package/{path}"), &bytes[..])?;
    }
    tar.into_inner()?.finish()
}

#[cfg(unix)]
fn mode(place: &Path) -> io::Result<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(place)?.permissions().mode();
    Ok(if mode & 0o111 == 0 { 0o644 } else { 0o755 })
}

#[cfg(not(unix))]
fn mode(_: &Path) -> io::Result<u32> {
    Ok(0o644)
}

fn online(client: &Client, address: &Url) -> Result<(), SourceError> {
    if client.offline() && address.scheme() != "file" {
        return Err(SourceError::Fetch(FetchError::Offline {
            url: layerpress_fetch::redacted(address),
            what: "this repository".to_owned(),
        }));
    }
    Ok(())
}

/// An address of a lockfile without credentials.
fn shown(resolved: &str) -> String {
    let address = resolved.split('#').next().unwrap_or_default();
    let commit = resolved.get(address.len()..).unwrap_or_default();
    match Url::parse(address) {
        Ok(mut url) => {
            let user = url.username().to_owned();
            let is_secret = url.password().is_some() || !matches!(user.as_str(), "" | "git");
            if is_secret {
                // Whatever has a user has a place for one.
                let _ = url.set_username("");
                let _ = url.set_password(None);
            }
            format!("{url}{commit}")
        }
        Err(_) => resolved.to_owned(),
    }
}

fn unfit(git: &Git) -> SourceError {
    let what = match &git.repository {
        Repository::Hosted(hosted) => hosted.ssh_address(),
        Repository::Address(address) => shown(address),
    };
    SourceError::Unsupported { what }
}

fn damaged(resolved: &str) -> SourceError {
    SourceError::Damaged {
        name: shown(resolved),
    }
}
