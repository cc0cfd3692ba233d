//! Find-links: folders and pages that hold files of any package.

use std::path::{Path, PathBuf};

use layerpress_fetch::{Client, PageError, PageRequest, redacted};
use pep508_rs::PackageName;
use rkyv::rancor;
use rustc_hash::FxHashMap;
use tokio::sync::OnceCell;
use url::Url;

use super::error::{IndexError, PageFault};
use super::link::Link;
use super::page::{self, Page};
use super::registry::links;
use crate::wheel_name::{WheelParts, package_name};

/// One place of files that is not an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FindLinks {
    /// A page with links, by `http`, `https` or `file`.
    Url(Url),
    /// A folder with files.
    Folder(PathBuf),
}

/// Name and version of the stored form: a list of [`Link`]s.
const FORM: &str = "links-1";

/// The places of a run, looked into when a package is first asked for.
#[derive(Debug)]
pub(super) struct FlatLinks {
    places: Vec<FindLinks>,
    all: OnceCell<ByPackage>,
}

/// The files of all places under the names that they may be of.
///
/// A source distribution's name does not tell where the package's name ends: it stands under each
/// possible one, and is looked at closely when that package is asked for.
#[derive(Debug, Default)]
pub(super) struct ByPackage {
    links: FxHashMap<PackageName, Vec<Link>>,
}

impl FlatLinks {
    pub(super) fn new(places: Vec<FindLinks>) -> Self {
        Self {
            places,
            all: OnceCell::new(),
        }
    }

    /// The places, for display.
    pub(super) fn places(&self) -> impl Iterator<Item = String> {
        self.places.iter().map(|place| match place {
            FindLinks::Url(url) => redacted(url),
            FindLinks::Folder(path) => path.display().to_string(),
        })
    }

    /// All files, if that needs nobody to be asked.
    pub(super) fn now(&self, client: &Client) -> Option<&ByPackage> {
        if self.all.get().is_none() {
            // Pages first: where one must be asked for, no folder is read in vain.
            let pages = self.places.iter().filter_map(|place| match place {
                FindLinks::Url(url) => Some(client.cached_now(&request(url))),
                FindLinks::Folder(_) => None,
            });
            let mut pages = pages.collect::<Option<Vec<_>>>()?.into_iter();
            let mut found = ByPackage::default();
            for place in &self.places {
                let links = match place {
                    FindLinks::Folder(path) => folder(path, client),
                    FindLinks::Url(_) => stored(&pages.next()?)?,
                };
                links.into_iter().for_each(|link| found.add(link));
            }
            // If another task was quicker, its answer is the same.
            let _ = self.all.set(found);
        }
        self.all.get()
    }

    /// All files.
    pub(super) async fn get(&self, client: &Client) -> Result<&ByPackage, IndexError> {
        self.all
            .get_or_try_init(async || {
                let mut found = ByPackage::default();
                for place in &self.places {
                    let links = match place {
                        FindLinks::Folder(path) => folder(path, client),
                        FindLinks::Url(url) => fetched(url, client).await?,
                    };
                    links.into_iter().for_each(|link| found.add(link));
                }
                Ok(found)
            })
            .await
    }
}

impl ByPackage {
    /// The page of one package; `None` if no place has a file of it.
    pub(super) fn page(&self, package: &PackageName) -> Option<Page> {
        let links = self.links.get(package)?;
        let any = links
            .iter()
            .any(|link| page::version_of(&link.file_name, package).is_some());
        any.then(|| Page::open(Box::new(page::compile(package, links)), None))?
    }

    fn add(&mut self, link: Link) {
        if let Ok(parts) = WheelParts::split(&link.file_name) {
            if let Some(name) = package_name(parts.name) {
                self.links.entry(name).or_default().push(link);
            }
            return;
        }
        let hyphens = link.file_name.match_indices('-');
        let mut names: Vec<_> = hyphens
            .filter_map(|(at, _)| package_name(&link.file_name[..at]))
            .collect();
        names.dedup();
        for name in names {
            self.links.entry(name).or_default().push(link.clone());
        }
    }
}

/// The files of a folder, by name. One that is missing or cannot be read is worth a warning, since
/// the same configuration is used on many machines.
fn folder(path: &Path, client: &Client) -> Vec<Link> {
    let files = std::fs::canonicalize(path).and_then(|absolute| {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(absolute)? {
            let entry = entry?;
            if std::fs::metadata(entry.path()).is_ok_and(|found| found.is_file()) {
                files.push(entry.path());
            }
        }
        files.sort();
        Ok(files)
    });
    match files {
        Ok(files) => files
            .iter()
            .filter_map(|file| {
                let url = Url::from_file_path(file).ok()?;
                Some(Link::new(&url, url.as_str())?.0)
            })
            .collect(),
        Err(error) => {
            client.reporter().warn(format!(
                "{}: find-links folder cannot be read: {error}",
                path.display()
            ));
            Vec::new()
        }
    }
}

fn request(url: &Url) -> PageRequest {
    PageRequest::new(url.clone(), "text/html, */*;q=0.1", FORM)
}

async fn fetched(url: &Url, client: &Client) -> Result<Vec<Link>, IndexError> {
    let refused = |fault| IndexError::Page {
        url: redacted(url),
        fault,
    };
    let parse = |page: &layerpress_fetch::Page| {
        let links = links(page)?;
        rkyv::to_bytes::<rancor::Error>(&links)
            .map(rkyv::util::AlignedVec::into_vec)
            .map_err(|_| PageFault::Stored)
    };
    match client.cached(&request(url), parse).await {
        Ok(blob) => stored(&blob).ok_or_else(|| refused(PageFault::Stored)),
        Err(PageError::Fetch(cause)) => Err(IndexError::FindLinks { cause }),
        Err(PageError::Parse(fault)) => Err(refused(fault)),
    }
}

fn stored(bytes: &[u8]) -> Option<Vec<Link>> {
    rkyv::from_bytes::<Vec<Link>, rancor::Error>(bytes).ok()
}
