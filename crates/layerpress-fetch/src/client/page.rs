//! Pages: index pages and packuments, kept in their parsed form for as long as HTTP allows.

use std::io::Read;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use reqwest::StatusCode;
use reqwest::header::{self, HeaderMap};
use url::Url;

use super::local::{self, LocalFile};
use super::retry::{Fault, Tries};
use super::send::Ask;
use super::{Client, beside_others, set};
use crate::error::{FetchError, PageError};
use crate::freshness::{Freshness, Keep};
use crate::redact::without_userinfo;
use crate::store::{Blob, Namespace, Store};

/// Below this size inflating and parsing is quicker than handing the thread's other work over.
const QUICK_BYTES: usize = 64 * 1024;

/// A page to ask for, and how its parsed form is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// Where it is. Credentials in it are used for its scheme, host and port from then on, and
    /// are no part of what it is kept under.
    pub url: Url,
    /// The `Accept` header; also part of what it is kept under.
    pub accept: &'static str,
    /// Where its parsed form is kept.
    pub namespace: Namespace,
    /// Name and version of the parsed form, such as `simple-1`: another form is another blob.
    pub form: &'static str,
    /// How large the page may be once inflated, in bytes.
    pub max_bytes: u64,
    /// Whether a 404 or 410 is an answer like any other: an empty blob that
    /// [is missing](Blob::is_missing), kept for as long as a page would be.
    pub may_be_missing: bool,
}

/// A page as it came.
#[derive(Debug, Clone)]
pub struct Page {
    /// Where it came from after redirects, without credentials: what relative links start from.
    pub url: Url,
    /// Its `Content-Type`, as it stood.
    pub content_type: Option<String>,
    /// The page, inflated.
    pub bytes: Bytes,
}

impl PageRequest {
    /// A request for an index page of at most 256 MiB.
    #[must_use]
    pub fn new(url: Url, accept: &'static str, form: &'static str) -> Self {
        Self {
            url,
            accept,
            namespace: Namespace::Index,
            form,
            max_bytes: 256 << 20,
            may_be_missing: false,
        }
    }

    fn key(&self) -> String {
        let mut url = self.url.clone();
        without_userinfo(&mut url);
        url.set_fragment(None);
        format!("{}\n{}\n{url}", self.form, self.accept)
    }
}

impl Client {
    /// A page's parsed form, if the store holds one that may be used without asking: fresh, or of
    /// any age when the network is switched off.
    #[must_use]
    pub fn cached_now(&self, page: &PageRequest) -> Option<Blob> {
        let blob = self.shared.keeping.blob(page.namespace, &page.key())?;
        let usable = if local::is_local(&page.url) {
            local::stamp_of(&page.url) == blob.freshness().etag
        } else {
            self.may_use(blob.freshness())
        };
        let wanted = page.may_be_missing || !blob.is_missing();
        (usable && wanted).then_some(blob)
    }

    /// Whether what was made of pages of this freshness may be used without asking.
    #[must_use]
    pub fn is_fresh(&self, freshness: &Freshness) -> bool {
        self.may_use(freshness)
    }

    /// Keeps what was made of pages, with their freshness.
    pub fn keep_blob(&self, namespace: Namespace, key: &str, bytes: &[u8], freshness: Freshness) {
        let kept = self
            .store()
            .put_fresh_blob(namespace, key, bytes, freshness);
        if let (_, Err(error)) = kept {
            self.say_unkept(&error);
        }
    }

    /// A page's parsed form: from the store if it may be used, else asked for, parsed and kept.
    ///
    /// # Errors
    /// [`PageError::Fetch`] if it cannot be had, [`PageError::Parse`] if `parse` refuses it.
    pub async fn cached<E>(
        &self,
        request: &PageRequest,
        parse: impl FnOnce(&Page) -> Result<Vec<u8>, E> + Send,
    ) -> Result<Blob, PageError<E>> {
        self.credentials().add_url(&request.url);
        if let Some(blob) = self.cached_now(request) {
            return Ok(blob);
        }
        let old = self.shared.keeping.blob(request.namespace, &request.key());
        let (page, freshness, keep) = match self.fresh(request, old.as_ref()).await? {
            Fetched::Page(page, freshness, keep) => (page, freshness, keep),
            Fetched::Unchanged(blob, freshness, keep) => {
                return Ok(self.keep(request, &blob, freshness, keep));
            }
            Fetched::Missing(freshness, keep) => {
                return Ok(self.keep(request, &[], freshness, keep));
            }
        };
        let work = || {
            let parsed = parse(&page)?;
            Ok(self.keep(request, &parsed, freshness, keep))
        };
        let parsed = if page.bytes.len() < QUICK_BYTES {
            work()
        } else {
            let _turn = self.turn().await;
            beside_others(work)
        };
        parsed.map_err(PageError::Parse)
    }

    /// A small document that is not kept: metadata beside a wheel, a requirements file by URL.
    ///
    /// # Errors
    /// [`FetchError`] if it cannot be had or is larger than `max_bytes`.
    pub async fn bytes(&self, url: &Url, max_bytes: u64) -> Result<Bytes, FetchError> {
        Ok(self.document(url, "*/*", max_bytes).await?.bytes)
    }

    /// As [`Client::bytes`], with where it came from and its type.
    ///
    /// # Errors
    /// [`FetchError`] if it cannot be had or is larger than `max_bytes`.
    pub async fn document(
        &self,
        url: &Url,
        accept: &str,
        max_bytes: u64,
    ) -> Result<Page, FetchError> {
        if local::is_local(url) {
            return local_page(url, &LocalFile::open(url)?, max_bytes);
        }
        self.refuse_offline(url, "this file")?;
        let mut headers = HeaderMap::new();
        set(&mut headers, header::ACCEPT, accept);
        let ask = Ask {
            url: url.clone(),
            headers,
        };
        let (_, _, page) = self.whole(ask, max_bytes).await?;
        Ok(page)
    }

    async fn fresh(
        &self,
        request: &PageRequest,
        old: Option<&Blob>,
    ) -> Result<Fetched, FetchError> {
        let url = &request.url;
        if local::is_local(url) {
            let file = match LocalFile::open(url) {
                Err(FetchError::File { source, .. })
                    if request.may_be_missing && source.kind() == std::io::ErrorKind::NotFound =>
                {
                    return Ok(Fetched::Missing(missing(Freshness::default()), Keep::No));
                }
                file => file?,
            };
            let freshness = Freshness {
                etag: Some(file.stamp.clone()),
                ..Freshness::default()
            };
            let page = local_page(url, &file, request.max_bytes)?;
            return Ok(Fetched::Page(page, freshness, Keep::Yes));
        }
        self.refuse_offline(url, "this page")?;
        let ask = Ask {
            url: url.clone(),
            headers: self.page_headers(request, old),
        };
        let now = || self.shared.options.clock.now_millis();
        match self.whole(ask, request.max_bytes).await {
            Ok((StatusCode::NOT_MODIFIED, headers, page)) => match old {
                Some(old) => {
                    let (freshness, keep) = old.freshness().confirmed(&headers, now());
                    Ok(Fetched::Unchanged(old.clone(), freshness, keep))
                }
                None => Err(unexpected(&page.url, StatusCode::NOT_MODIFIED)),
            },
            Ok((_, headers, page)) => {
                let (freshness, keep) = Freshness::of(&headers, now());
                Ok(Fetched::Page(page, freshness, keep))
            }
            Err(FetchError::Status {
                status: 404 | 410, ..
            }) if request.may_be_missing => {
                let (freshness, keep) = Freshness::of(&HeaderMap::new(), now());
                Ok(Fetched::Missing(missing(freshness), keep))
            }
            Err(error) => Err(error),
        }
    }

    fn page_headers(&self, request: &PageRequest, old: Option<&Blob>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        set(&mut headers, header::ACCEPT, request.accept);
        if self.shared.options.refresh {
            set(&mut headers, header::CACHE_CONTROL, "no-cache");
        }
        if let Some(old) = old.map(Blob::freshness).filter(|old| !old.missing) {
            if let Some(etag) = &old.etag {
                set(&mut headers, header::IF_NONE_MATCH, etag);
            }
            if let Some(date) = &old.last_modified {
                set(&mut headers, header::IF_MODIFIED_SINCE, date);
            }
        }
        headers
    }

    /// A whole answer in memory, tried as often as it is worth; 2xx or 304.
    async fn whole(
        &self,
        mut ask: Ask,
        limit: u64,
    ) -> Result<(StatusCode, HeaderMap, Page), FetchError> {
        set(&mut ask.headers, header::ACCEPT_ENCODING, "gzip");
        let mut tries = Tries::new(&self.shared.options.retries);
        loop {
            match self.whole_once(&ask, limit).await {
                Ok(answer) => return Ok(answer),
                Err(fault) => tokio::time::sleep(tries.again(fault)?).await,
            }
        }
    }

    async fn whole_once(
        &self,
        ask: &Ask,
        limit: u64,
    ) -> Result<(StatusCode, HeaderMap, Page), Fault> {
        let answer = self.send(ask, &self.shared.page_permits).await?;
        let wanted = answer.status == StatusCode::OK || answer.status == StatusCode::NOT_MODIFIED;
        if !wanted {
            return Err(Fault::Lasting(unexpected(&answer.url, answer.status)));
        }
        let shown = answer.body.shown().to_owned();
        let raw = answer.body.all(limit).await?;
        let text = |name| Some(answer.headers.get(name)?.to_str().ok()?.to_owned());
        let bytes = match text(header::CONTENT_ENCODING).as_deref() {
            // A 304 has no body, whatever its head says of one.
            _ if answer.status == StatusCode::NOT_MODIFIED => raw,
            None | Some("" | "identity") => raw,
            Some("gzip" | "x-gzip") if raw.len() < QUICK_BYTES => inflate(&raw, limit, &shown)?,
            Some("gzip" | "x-gzip") => beside_others(|| inflate(&raw, limit, &shown))?,
            Some(other) => {
                return Err(Fault::Lasting(FetchError::Encoding {
                    url: shown,
                    cause: format!("`{}` was not asked for", other.escape_default()),
                }));
            }
        };
        let page = Page {
            url: answer.url,
            content_type: text(header::CONTENT_TYPE),
            bytes: bytes.into(),
        };
        Ok((answer.status, answer.headers, page))
    }

    /// Whether something of this freshness may be used without asking.
    pub(super) fn may_use(&self, freshness: &Freshness) -> bool {
        let now = self.shared.options.clock.now_millis();
        let this_run = (self.shared.started..=now).contains(&freshness.fetched_at);
        self.offline() || this_run || (!self.shared.options.refresh && freshness.is_fresh(now))
    }

    fn keep(&self, request: &PageRequest, parsed: &[u8], freshness: Freshness, keep: Keep) -> Blob {
        let (kind, key) = (request.namespace, request.key());
        let keeping = &self.shared.keeping;
        if keep == Keep::No {
            keeping.put(kind, key, None);
            return Blob::unkept(parsed, freshness);
        }
        let blob = Store::made_blob(kind, &key, parsed, freshness);
        keeping.put(kind, key, Some(blob.clone()));
        blob
    }
}

enum Fetched {
    Page(Page, Freshness, Keep),
    Unchanged(Blob, Freshness, Keep),
    Missing(Freshness, Keep),
}

fn missing(freshness: Freshness) -> Freshness {
    Freshness {
        missing: true,
        ..freshness
    }
}

fn local_page(url: &Url, file: &LocalFile, limit: u64) -> Result<Page, FetchError> {
    Ok(Page {
        url: url.clone(),
        content_type: None,
        bytes: file.all(limit)?.into(),
    })
}

fn unexpected(url: &Url, status: StatusCode) -> FetchError {
    FetchError::Status {
        url: crate::redact::redacted(url),
        status: status.as_u16(),
    }
}

/// Inflates an answer; one that is cut short may come whole the next time.
fn inflate(raw: &[u8], limit: u64, shown: &str) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::with_capacity(raw.len().saturating_mul(4));
    let mut decoder = MultiGzDecoder::new(raw).take(limit.saturating_add(1));
    if let Err(error) = decoder.read_to_end(&mut bytes) {
        return Err(Fault::passing(FetchError::Encoding {
            url: shown.to_owned(),
            cause: error.to_string(),
        }));
    }
    if bytes.len() as u64 > limit {
        return Err(Fault::Lasting(FetchError::TooLarge {
            url: shown.to_owned(),
            limit,
        }));
    }
    Ok(bytes)
}
