//! [`Registry`]: all the places of a run where packages are looked for.
//!
//! In come package names; out go their [`Versions`], from memory, from the store, or from the network,
//! each page asked for once per run. What is on the pages is other modules' business.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::DerefMut;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use layerpress_fetch::{Blob, Client, FetchError, PageError, PageRequest, redacted};
use pep508_rs::PackageName;
use rustc_hash::FxHashMap;
use tokio::sync::OnceCell;
use url::Url;

use super::defaults::DEFAULT_INDEX_URL;
use super::error::{IndexError, PageFault};
use super::find_links::{FindLinks, FlatLinks};
use super::page::{self, Page};
use super::sources::Sources;
use super::versions::Versions;
use super::{html, json};

use crate::escaped::escaped;

/// What indexes are asked to answer with, JSON first (PEP 691, "Content-Types").
const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, \
    application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01";

/// Name and version of the stored form; see [`page`].
const FORM: &str = "simple-1";

/// Where packages are looked for, and how.
#[derive(Debug, Clone, Default)]
pub struct RegistryOptions {
    /// The main index; `None` for [the default one](super::DEFAULT_INDEX).
    pub index_url: Option<Url>,
    /// Further indexes; they are asked before the main one, as uv does.
    pub extra_index_urls: Vec<Url>,
    /// Ask no index at all.
    pub no_index: bool,
    /// Folders and pages of files, of equal standing with the first index that is asked.
    pub find_links: Vec<FindLinks>,
    /// The indexes of packages that may come from nowhere else.
    pub own_indexes: BTreeMap<PackageName, Vec<Url>>,
    /// What to do when several indexes have a package.
    pub strategy: IndexStrategy,
    /// Leave out files uploaded at this moment or later.
    pub exclude_newer: Option<Timestamp>,
}

/// What to do when several indexes have a package.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IndexStrategy {
    /// The first index that has the name gives all versions; the others are not asked. The only one
    /// that is safe against dependency confusion.
    #[default]
    FirstIndex,
    /// All are asked; the first one with a version that fits gives it.
    UnsafeFirstMatch,
    /// All are asked; the best version counts, wherever it is.
    UnsafeBestMatch,
}

/// The indexes of a run. Shared by reference or in an [`Arc`].
#[derive(Debug)]
pub struct Registry {
    client: Client,
    indexes: Vec<Url>,
    own_indexes: BTreeMap<PackageName, Vec<Url>>,
    no_index: bool,
    strategy: IndexStrategy,
    exclude_newer: Option<Timestamp>,
    flat: FlatLinks,
    known: Mutex<FxHashMap<PackageName, Arc<OnceCell<Arc<Versions>>>>>,
    /// The indexes of which it was said that they give no upload times.
    ageless: Mutex<BTreeSet<String>>,
    pub(super) sources: Sources,
}

/// What an index has of a package that it is not asked for.
#[derive(Debug)]
pub struct PassedOver {
    /// The index, redacted.
    pub index: String,
    /// The index that is asked instead, redacted.
    pub before: String,
    /// What it has.
    pub versions: Versions,
}

/// A page on one index.
enum Found {
    Page(Page),
    Missing,
}

impl Registry {
    /// The places that the options name; nothing is asked yet.
    #[must_use]
    pub fn new(options: RegistryOptions, client: Client) -> Self {
        let mut indexes = Vec::new();
        if !options.no_index {
            let main = options
                .index_url
                .unwrap_or_else(|| DEFAULT_INDEX_URL.clone());
            for url in options.extra_index_urls.into_iter().chain([main]) {
                if !indexes.contains(&url) {
                    indexes.push(url);
                }
            }
        }
        Self {
            flat: FlatLinks::new(options.find_links),
            indexes,
            own_indexes: options.own_indexes,
            no_index: options.no_index,
            strategy: options.strategy,
            exclude_newer: options.exclude_newer,
            known: Mutex::default(),
            ageless: Mutex::default(),
            sources: Sources::default(),
            client,
        }
    }

    /// The client that everything is fetched with.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The indexes that a package may come from, redacted.
    pub fn places(&self, package: &PackageName) -> impl Iterator<Item = String> {
        self.indexes_of(package).iter().map(redacted)
    }

    /// What the indexes have of a package, if that is known without asking anybody.
    #[must_use]
    pub fn versions_now(&self, package: &PackageName) -> Option<Arc<Versions>> {
        let cell = self.cell(package);
        if let Some(versions) = cell.get() {
            return Some(Arc::clone(versions));
        }
        let flat = match self.may_be_flat(package) {
            true => self.flat.now(&self.client)?.page(package),
            false => None,
        };
        let mut pages = Vec::new();
        for index in self.indexes_of(package) {
            let blob = self.client.cached_now(&request(index, package))?;
            match open(blob, index).ok()? {
                Found::Page(page) => pages.push(page),
                Found::Missing => {}
            }
            if self.strategy == IndexStrategy::FirstIndex && !pages.is_empty() {
                break;
            }
        }
        let versions = self.gathered(package, flat, pages).ok()?;
        // If another task was quicker, its answer is the same.
        let _ = cell.set(Arc::clone(&versions));
        Some(versions)
    }

    /// What the indexes have of a package.
    ///
    /// # Errors
    /// [`IndexError`] if an index cannot be asked or gives something else than a page, or none has
    /// the package.
    pub async fn versions(&self, package: &PackageName) -> Result<Arc<Versions>, IndexError> {
        if let Some(versions) = self.versions_now(package) {
            return Ok(versions);
        }
        let cell = self.cell(package);
        let versions = cell.get_or_try_init(|| self.ask(package)).await?;
        Ok(Arc::clone(versions))
    }

    async fn ask(&self, package: &PackageName) -> Result<Arc<Versions>, IndexError> {
        let flat = match self.may_be_flat(package) {
            true => self.flat.get(&self.client).await?.page(package),
            false => None,
        };
        let indexes = self.indexes_of(package);
        let mut pages = Vec::new();
        if self.strategy == IndexStrategy::FirstIndex {
            for index in indexes {
                if let Found::Page(page) = self.page(index, package).await? {
                    pages.push(page);
                    break;
                }
            }
        } else {
            let asked = indexes.iter().map(|index| self.page(index, package));
            for found in futures_util::future::try_join_all(asked).await? {
                if let Found::Page(page) = found {
                    pages.push(page);
                }
            }
        }
        self.gathered(package, flat, pages)
    }

    /// What the indexes have of a package that are not asked for it, since one before them has its
    /// name; those that cannot be asked are left out.
    pub async fn passed_over(&self, package: &PackageName) -> Vec<PassedOver> {
        let mut before: Option<&Url> = None;
        let mut passed_over = Vec::new();
        if self.strategy != IndexStrategy::FirstIndex {
            return passed_over;
        }
        for index in self.indexes_of(package) {
            let Ok(Found::Page(page)) = self.page(index, package).await else {
                continue;
            };
            let Some(before) = before else {
                before = Some(index);
                continue;
            };
            let shelves = [vec![page]];
            passed_over.push(PassedOver {
                index: redacted(index),
                before: redacted(before),
                versions: Versions::new(package.clone(), shelves, self.exclude_newer),
            });
        }
        passed_over
    }

    /// The places that are asked for a package, redacted; none if that is only the default index.
    #[must_use]
    pub fn unusual_places(&self, package: &PackageName) -> Vec<String> {
        let indexes = self.indexes_of(package);
        let flat = self.flat.places().filter(|_| self.may_be_flat(package));
        let places: Vec<String> = indexes.iter().map(redacted).chain(flat).collect();
        let is_default = |index: &Url| {
            let default = DEFAULT_INDEX_URL.as_str();
            index.as_str().trim_end_matches('/') == default.trim_end_matches('/')
        };
        match indexes {
            [only] if places.len() == 1 && is_default(only) => Vec::new(),
            _ => places,
        }
    }

    /// The indexes that are asked for a package: its own, else all.
    fn indexes_of(&self, package: &PackageName) -> &[Url] {
        match self.own_indexes.get(package) {
            Some(own) if !self.no_index => own,
            _ => &self.indexes,
        }
    }

    /// Whether find-links may give a package: not one that has an index of its own.
    fn may_be_flat(&self, package: &PackageName) -> bool {
        self.no_index || !self.own_indexes.contains_key(package)
    }

    async fn page(&self, index: &Url, package: &PackageName) -> Result<Found, IndexError> {
        let request = request(index, package);
        let parse = |page: &layerpress_fetch::Page| {
            let links = links(page)?;
            Ok(page::compile(package, &links).into_vec())
        };
        match self.client.cached(&request, parse).await {
            Ok(blob) => open(blob, index),
            Err(PageError::Fetch(FetchError::File { source, .. }))
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                Ok(Found::Missing)
            }
            Err(PageError::Fetch(cause)) => Err(IndexError::Unreachable {
                package: package.clone(),
                cause,
            }),
            Err(PageError::Parse(fault)) => Err(IndexError::Page {
                url: redacted(&request.url),
                fault,
            }),
        }
    }

    /// Puts pages on shelves: each index on its own, or all on one, find-links on the first.
    fn gathered(
        &self,
        package: &PackageName,
        flat: Option<Page>,
        pages: Vec<Page>,
    ) -> Result<Arc<Versions>, IndexError> {
        if flat.is_none() && pages.is_empty() {
            let asked = self.indexes_of(package).iter().map(redacted);
            let places = self.flat.places().filter(|_| self.may_be_flat(package));
            return Err(IndexError::Unknown {
                package: package.clone(),
                asked: asked.chain(places).collect(),
                no_index: self.no_index,
            });
        }
        let mut shelves: Vec<Vec<Page>> = match self.strategy {
            IndexStrategy::UnsafeBestMatch => vec![pages],
            IndexStrategy::FirstIndex | IndexStrategy::UnsafeFirstMatch => {
                pages.into_iter().map(|page| vec![page]).collect()
            }
        };
        match (flat, shelves.first_mut()) {
            (Some(flat), Some(first)) => first.insert(0, flat),
            (Some(flat), None) => shelves.push(vec![flat]),
            (None, _) => {}
        }
        let versions = Versions::new(package.clone(), shelves, self.exclude_newer);
        self.say_ageless(&versions);
        Ok(Arc::new(versions))
    }

    fn say_ageless(&self, versions: &Versions) {
        for index in versions.without_upload_times() {
            let index = redacted(index);
            if lock(&self.ageless).insert(index.clone()) {
                self.client.reporter().warn(format!(
                    "`{index}`: does not say when files were uploaded; by `--exclude-newer` \
                     those files are left out"
                ));
            }
        }
    }

    fn cell(&self, package: &PackageName) -> Arc<OnceCell<Arc<Versions>>> {
        let mut known = lock(&self.known);
        if let Some(cell) = known.get(package) {
            return Arc::clone(cell);
        }
        Arc::clone(known.entry(package.clone()).or_default())
    }
}

/// A map behind a lock holds whole values at all times: a panic elsewhere does not spoil it.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> impl DerefMut<Target = T> + '_ {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The page of a package: `{index}/{name}/` (PEP 503), in a folder of pages `index.html` of that.
fn request(index: &Url, package: &PackageName) -> PageRequest {
    let mut url = index.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push(package.as_ref());
        path.push(if index.scheme() == "file" {
            "index.html"
        } else {
            ""
        });
    }
    let mut request = PageRequest::new(url, ACCEPT, FORM);
    request.may_be_missing = true;
    request
}

fn open(blob: Blob, index: &Url) -> Result<Found, IndexError> {
    if blob.is_missing() {
        return Ok(Found::Missing);
    }
    let mut shown = index.clone();
    // Only `mailto:` and the like have no place for them, and those are no indexes.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    Page::open(Box::new(blob), Some(&shown))
        .map(Found::Page)
        .ok_or_else(|| IndexError::Page {
            url: redacted(index),
            fault: PageFault::Stored,
        })
}

/// The links of a page in whatever format the server chose.
pub(super) fn links(page: &layerpress_fetch::Page) -> Result<Vec<super::link::Link>, PageFault> {
    let content_type = page.content_type.as_deref().unwrap_or_default();
    let media_type = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    // Servers of static files send all sorts of types: the first character tells the two apart.
    let first = page.bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    match media_type.as_str() {
        "application/vnd.pypi.simple.v1+json" if first == Some(&b'<') => {
            Err(PageFault::ContentType {
                content_type: "text/html".to_owned(),
            })
        }
        "application/vnd.pypi.simple.v1+json" => json::parse(&page.bytes, &page.url),
        "application/json" if first == Some(&b'{') => json::parse(&page.bytes, &page.url),
        "application/vnd.pypi.simple.v1+html" | "text/html" | "application/xhtml+xml" => {
            html::parse(&String::from_utf8_lossy(&page.bytes), &page.url)
        }
        other => match other.strip_prefix("application/vnd.pypi.simple.v") {
            Some(version) => Err(PageFault::ApiVersion {
                found: escaped(version.split('+').next().unwrap_or_default()),
            }),
            None if matches!(other, "" | "text/plain" | "application/octet-stream")
                && first == Some(&b'<') =>
            {
                html::parse(&String::from_utf8_lossy(&page.bytes), &page.url)
            }
            None => Err(PageFault::ContentType {
                content_type: escaped(content_type),
            }),
        },
    }
}

#[cfg(test)]
mod tests;
