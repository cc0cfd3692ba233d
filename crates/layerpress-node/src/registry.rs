//! [`Registry`]: what the registries of a run say of packages.
//!
//! In come names, out go [`Packument`]s: from memory, from the store, or from the network, each
//! asked for once per run. Which version is taken is [`pick`](crate::pick)'s business.

mod error;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use layerpress_fetch::{
    Blob, Client, FetchError, Freshness, Namespace, Page, PageError, PageRequest, redacted,
};
use rustc_hash::FxHashMap;
use tokio::sync::OnceCell;
use url::Url;

use crate::manifest::Manifest;
use crate::name::PackageName;
use crate::npmrc::default_registry;
use crate::packument::{self, Packument, PackumentError};
use crate::semver::Version;

pub use error::RegistryError;

/// What registries are asked for: the abbreviated form where they have one (npm's
/// `pacote/lib/registry.js`).
const ACCEPT: &str = "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*";

/// The full form, which alone has the times of publication.
const ACCEPT_FULL: &str = "application/json";

/// The largest answer that is read, in bytes; the largest real ones have under 150 MB.
const MAX_BYTES: u64 = 512 << 20;

/// The largest document of one version that is read, in bytes.
const MAX_LATEST: u64 = 1 << 20;

/// Which registries are asked, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryOptions {
    /// The registry of packages whose scope has none of its own. Default: npm's.
    pub registry: Url,
    /// The registries of scopes, by `@scope`. Default: none.
    pub scopes: BTreeMap<String, Url>,
    /// Leave out versions published after this moment. Default: none are.
    pub before: Option<Timestamp>,
    /// The packages that `before` does not hold for: names or globs. Default: none.
    pub before_exempt: Vec<String>,
    /// Which addresses of tarballs lead to the registry that is asked instead.
    pub replace_host: ReplaceHost,
}

/// Whose tarballs are fetched from the registry that is asked, whatever host a lockfile or packument
/// names (npm's `replace-registry-host`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ReplaceHost {
    /// Those of npm's own registry.
    #[default]
    Npm,
    /// Nobody's.
    Never,
    /// Everybody's.
    Always,
    /// Those of one host.
    Host(String),
}

impl Default for RegistryOptions {
    fn default() -> Self {
        Self {
            registry: default_registry(),
            scopes: BTreeMap::new(),
            before: None,
            before_exempt: Vec::new(),
            replace_host: ReplaceHost::default(),
        }
    }
}

/// The registries of a run. Shared by reference or in an [`Arc`].
#[derive(Debug)]
pub struct Registry {
    client: Client,
    options: RegistryOptions,
    exempt: globset::GlobSet,
    known: Mutex<FxHashMap<PackageName, Cell>>,
    /// Set once a registry proves to have no documents of single versions.
    only_whole: AtomicBool,
    /// Set once a packument proves to be in full, though the abbreviated form was asked for.
    is_in_full: AtomicBool,
    /// For how long all is fresh that was taken from the store or the network.
    freshness: Mutex<Option<Freshness>>,
}

/// What is known of a package: a failure is not asked for again either.
type Cell = Arc<OnceCell<Result<Arc<Packument>, RegistryError>>>;

impl Registry {
    /// The registries that the options name; nothing is asked yet.
    #[must_use]
    pub fn new(options: RegistryOptions, client: Client) -> Self {
        let mut exempt = globset::GlobSetBuilder::new();
        for glob in &options.before_exempt {
            // A pattern that is none matches nothing.
            if let Ok(glob) = globset::Glob::new(glob) {
                exempt.add(glob);
            }
        }
        Self {
            client,
            exempt: exempt.build().unwrap_or_default(),
            options,
            known: Mutex::default(),
            only_whole: AtomicBool::new(false),
            is_in_full: AtomicBool::new(false),
            freshness: Mutex::default(),
        }
    }

    /// What it was made with.
    #[must_use]
    pub fn options(&self) -> &RegistryOptions {
        &self.options
    }

    /// For how long everything that it said in this run is fresh; `None` if it said nothing.
    pub(crate) fn freshness(&self) -> Option<Freshness> {
        let known = self.freshness.lock();
        known.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes the freshness of something that it says.
    pub(crate) fn note(&self, freshness: &Freshness) {
        let mut known = self
            .freshness
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *known = Some(match &*known {
            Some(known) => known.and(freshness),
            None => freshness.and(freshness),
        });
    }

    /// The client that everything is fetched with.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The registry that has a package.
    #[must_use]
    pub fn registry_of(&self, name: &PackageName) -> &Url {
        name.scope()
            .and_then(|scope| self.options.scopes.get(scope))
            .unwrap_or(&self.options.registry)
    }

    /// The moment after which no version of a package is taken, in seconds since 1970.
    #[must_use]
    pub fn before(&self, name: &PackageName) -> Option<i64> {
        let before = self.options.before?.as_second();
        (!self.exempt.is_match(name.as_str())).then_some(before)
    }

    /// What its registry says of a package, if that is known without asking anybody.
    #[must_use]
    pub fn packument_now(&self, name: &PackageName) -> Option<Arc<Packument>> {
        let cell = self.cell(name);
        if let Some(known) = cell.get() {
            return known.as_ref().ok().cloned();
        }
        let found = Arc::new(self.stored(name)?);
        // If another task was quicker, its answer is the same.
        let _ = cell.set(Ok(Arc::clone(&found)));
        Some(found)
    }

    /// What its registry says of a package.
    ///
    /// # Errors
    /// [`RegistryError`] if the registry does not have it, cannot be asked or gives something else
    /// than a packument.
    pub async fn packument(&self, name: &PackageName) -> Result<Arc<Packument>, RegistryError> {
        let cell = self.cell(name);
        cell.get_or_init(|| self.found(name)).await.clone()
    }

    async fn found(&self, name: &PackageName) -> Result<Arc<Packument>, RegistryError> {
        let found = match self.stored(name) {
            Some(found) => found,
            None => self.ask(name).await?,
        };
        if found
            .versions()
            .next()
            .is_some_and(|it| it.published().is_some())
        {
            self.is_in_full.store(true, Ordering::Relaxed);
        }
        Ok(Arc::new(found))
    }

    /// What its registry says of a package, if it was asked for that and is known to tell all there is to
    /// tell: then a document of a version alone says nothing more, and is one request more.
    pub(crate) async fn coming_in_full(&self, name: &PackageName) -> Option<Arc<Packument>> {
        if !self.is_in_full.load(Ordering::Relaxed) {
            return None;
        }
        let cell = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.get(name)?)
        };
        let asked = cell.get_or_init(|| self.found(name)).await;
        asked.as_ref().ok().cloned()
    }

    /// A single version, by the registry's document of it alone, which is far smaller than the whole
    /// packument. `None` when the registry has no such document: the packument may still have the
    /// version.
    ///
    /// # Errors
    /// [`RegistryError`] if the registry cannot be asked or gives something else.
    pub async fn version(
        &self,
        name: &PackageName,
        version: &str,
    ) -> Result<Option<Arc<Manifest>>, RegistryError> {
        let plain = Version::strict(version).filter(|read| read.to_string() == version);
        if plain.is_none() || self.only_whole.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let Some(mut request) = self.request(name, ACCEPT_FULL) else {
            return Ok(None);
        };
        request
            .url
            .set_path(&format!("{}/{version}", request.url.path()));
        let parse = |page: &Page| packument::compile_version(name, &page.bytes);
        let blob = match self.client.cached(&request, parse).await {
            Ok(blob) => blob,
            Err(PageError::Fetch(FetchError::Status {
                status: 400 | 405 | 406,
                ..
            })) => return Ok(None),
            Err(error) => return Err(self.failed(name, error)),
        };
        if blob.is_missing() {
            return Ok(None);
        }
        let read = self.open(name, blob)?;
        Ok(read
            .version(version)
            .and_then(|found| found.manifest())
            .map(Arc::new))
    }

    /// Says that a registry had a version but no document of it: none is asked for any more.
    pub(crate) fn lacks_documents(&self) {
        self.only_whole.store(true, Ordering::Relaxed);
    }

    /// Where the tarball of a version is by custom, for lockfiles that do not say.
    #[must_use]
    pub fn tarball_url(&self, name: &PackageName, version: &str) -> Option<Url> {
        let base = name.as_str().rsplit('/').next().unwrap_or_default();
        let registry = self.registry_of(name).as_str().trim_end_matches('/');
        Url::parse(&format!("{registry}/{name}/-/{base}-{version}.tgz")).ok()
    }

    /// Where a tarball is fetched from: at the registry that is asked, if its address is one of
    /// those that lead there.
    #[must_use]
    pub fn fetched_from(&self, name: &PackageName, tarball: &Url) -> Url {
        let host = tarball.host_str().unwrap_or_default();
        let replaced = match &self.options.replace_host {
            ReplaceHost::Npm => default_registry().host_str() == Some(host),
            ReplaceHost::Never => false,
            ReplaceHost::Always => true,
            ReplaceHost::Host(other) => other == host,
        };
        let registry = self.registry_of(name);
        if !replaced || registry.origin() == tarball.origin() {
            return tarball.clone();
        }
        let base = registry.as_str().trim_end_matches('/');
        Url::parse(&format!("{base}{}", tarball.path())).unwrap_or_else(|_| tarball.clone())
    }

    /// Where the registry that is asked has a tarball that a lockfile has at another one: by custom,
    /// registries keep a version at `<name>/-/<name>-<version>.tgz`. `None` for what is from there
    /// already, does not stand where registries keep their tarballs, or is of a scope that has a
    /// registry of its own.
    #[must_use]
    pub fn rebased(&self, name: &PackageName, tarball: &Url) -> Option<Url> {
        let registry = self.registry_of(name);
        if *registry != self.options.registry || registry.origin() == tarball.origin() {
            return None;
        }
        let (folder, file) = tarball.path().rsplit_once("/-/")?;
        let base = name.as_str().rsplit('/').next().unwrap_or_default();
        let is_own = file.strip_prefix(base)?.starts_with('-') && file.ends_with(".tgz");
        let folder = folder.to_ascii_lowercase().replace("%2f", "/");
        let is_of_name = folder.ends_with(&format!("/{}", name.as_str().to_ascii_lowercase()));
        let base = registry.as_str().trim_end_matches('/');
        (is_own && is_of_name)
            .then(|| Url::parse(&format!("{base}/{name}/-/{file}")).ok())
            .flatten()
    }

    /// Those of some names that their registries have, asked for all at once by their small documents
    /// of the latest version. A name that only keeps others from taking it does not count.
    pub async fn existing(&self, names: &[PackageName]) -> Vec<String> {
        let asked = names.iter().map(async |name| {
            let request = self.request(name, ACCEPT_FULL)?;
            let url = Url::parse(&format!("{}/latest", request.url)).ok()?;
            let page = self.client.document(&url, ACCEPT_FULL, MAX_LATEST).await;
            let latest: Latest = serde_json::from_slice(&page.ok()?.bytes).ok()?;
            (!latest.version.contains("-security")).then(|| name.to_string())
        });
        let found = futures_util::future::join_all(asked).await;
        found.into_iter().flatten().collect()
    }

    /// A name near to this one that the registry has, by its search.
    pub async fn similar(&self, name: &PackageName) -> Option<String> {
        let mut url = self.registry_of(name).clone();
        let path = format!("{}/-/v1/search", url.path().trim_end_matches('/'));
        url.set_path(&path);
        url.query_pairs_mut()
            .append_pair("text", name.as_str())
            .append_pair("size", "10");
        let page = self
            .client
            .document(&url, ACCEPT_FULL, 1 << 20)
            .await
            .ok()?;
        let found: Search = serde_json::from_slice(&page.bytes).ok()?;
        let names = found.objects.iter().map(|object| &*object.package.name);
        let near = nearest(name.as_str(), names)?;
        PackageName::parse(near).ok().map(|name| name.to_string())
    }

    async fn ask(&self, name: &PackageName) -> Result<Packument, RegistryError> {
        let accept = match self.before(name) {
            Some(_) => ACCEPT_FULL,
            None => ACCEPT,
        };
        let request = self
            .request(name, accept)
            .ok_or_else(|| self.unknown(name))?;
        let parse = |page: &Page| packument::compile(name, &page.bytes);
        match self.client.cached(&request, parse).await {
            Ok(blob) => self.open(name, blob),
            Err(error) => Err(self.failed(name, error)),
        }
    }

    /// A packument that the store holds and that may be used.
    fn stored(&self, name: &PackageName) -> Option<Packument> {
        let usable = |accept| {
            let blob = self.client.cached_now(&self.request(name, accept)?)?;
            self.note(blob.freshness());
            if blob.is_missing() {
                return None;
            }
            Packument::open(name.clone(), Box::new(blob))
        };
        if self.before(name).is_none() {
            return usable(ACCEPT);
        }
        let has_times = |found: &Packument| {
            let mut versions = found.versions();
            versions.all(|version| version.published().is_some())
        };
        // Some registries answer in full whatever they are asked for.
        usable(ACCEPT_FULL).or_else(|| usable(ACCEPT).filter(has_times))
    }

    fn open(&self, name: &PackageName, blob: Blob) -> Result<Packument, RegistryError> {
        self.note(blob.freshness());
        if blob.is_missing() {
            return Err(self.unknown(name));
        }
        Packument::open(name.clone(), Box::new(blob)).ok_or_else(|| RegistryError::Stored {
            name: name.to_string(),
            registry: redacted(self.registry_of(name)),
        })
    }

    fn request(&self, name: &PackageName, accept: &'static str) -> Option<PageRequest> {
        let base = self.registry_of(name).as_str().trim_end_matches('/');
        let url = Url::parse(&format!("{base}/{}", name.escaped())).ok()?;
        let mut request = PageRequest::new(url, accept, packument::FORM);
        request.namespace = Namespace::Packuments;
        request.max_bytes = MAX_BYTES;
        // What is missing is remembered for as long as what is there.
        request.may_be_missing = true;
        Some(request)
    }

    fn failed(&self, name: &PackageName, error: PageError<PackumentError>) -> RegistryError {
        match error {
            PageError::Fetch(cause) => RegistryError::Unreachable {
                name: name.to_string(),
                cause,
            },
            PageError::Parse(PackumentError::NoVersions { .. }) => RegistryError::Unpublished {
                name: name.to_string(),
                registry: redacted(self.registry_of(name)),
            },
            PageError::Parse(cause) => RegistryError::Packument {
                registry: redacted(self.registry_of(name)),
                cause,
            },
        }
    }

    fn unknown(&self, name: &PackageName) -> RegistryError {
        RegistryError::Unknown {
            name: name.to_string(),
            registry: redacted(self.registry_of(name)),
        }
    }

    fn cell(&self, name: &PackageName) -> Cell {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = known.get(name) {
            return Arc::clone(cell);
        }
        Arc::clone(known.entry(name.clone()).or_default())
    }
}

/// What is read of a registry's document of a version.
#[derive(serde::Deserialize)]
struct Latest {
    version: String,
}

/// What a registry's search answers (npm's `/-/v1/search`).
#[derive(serde::Deserialize)]
struct Search {
    objects: Vec<Found>,
}

#[derive(serde::Deserialize)]
struct Found {
    package: Named,
}

#[derive(serde::Deserialize)]
struct Named {
    name: String,
}

/// The name nearest to `name`, if it is near enough to be what was meant.
pub(crate) fn nearest<'n>(
    name: &str,
    candidates: impl IntoIterator<Item = &'n str>,
) -> Option<&'n str> {
    // One slip in a short name, a third of the letters in a long one.
    let allowed = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(name, candidate), candidate))
        .filter(|(distance, _)| (1..=allowed).contains(distance))
        .min()
        .map(|(_, candidate)| candidate)
}
