//! [`CompiledPage`]: an index page in the form in which the store keeps it, without a client.

use std::ops::Deref;
use std::sync::Arc;

use pep508_rs::PackageName;
use rkyv::util::AlignedVec;
use url::Url;

use super::error::PageFault;
use super::json;
use super::page::{Page, compile};
use super::versions::Versions;

/// The page of one package, read and made compact. Cheap to clone and to open.
#[derive(Debug, Clone)]
pub struct CompiledPage {
    package: PackageName,
    bytes: Arc<AlignedVec>,
}

struct Shared(Arc<AlignedVec>);

impl Deref for Shared {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl CompiledPage {
    /// Reads a PEP 691 page of `package`; `url` is where it came from, after redirects.
    ///
    /// # Errors
    /// [`PageFault`] if it is no such page. A file that is not as it should be is left out.
    pub fn from_json(package: PackageName, json: &[u8], url: &Url) -> Result<Self, PageFault> {
        let links = json::parse(json, url)?;
        let bytes = Arc::new(compile(&package, &links));
        Ok(Self { package, bytes })
    }

    /// Its size in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The releases on it, as those of the index at `index`.
    ///
    /// # Errors
    /// [`PageFault::Stored`] if the form is damaged.
    pub fn open(&self, index: &Url) -> Result<Versions, PageFault> {
        let bytes = Box::new(Shared(Arc::clone(&self.bytes)));
        let page = Page::open(bytes, Some(index)).ok_or(PageFault::Stored)?;
        Ok(Versions::new(self.package.clone(), [vec![page]], None))
    }
}
