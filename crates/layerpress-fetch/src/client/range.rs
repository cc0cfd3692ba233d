//! Parts of files, for the tail of a wheel when its metadata is all that is wanted.

use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::{self, HeaderMap};
use url::Url;

use super::local::{self, LocalFile};
use super::retry::{Fault, Tries};
use super::send::Ask;
use super::{Client, set};
use crate::error::FetchError;

/// Which part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RangeSpec {
    /// Its last so many bytes, or all of it if it is shorter.
    Last(u64),
    /// So many bytes from `start` on, or as many of them as there are.
    Part {
        /// Where it begins.
        start: u64,
        /// How many bytes; not 0.
        length: u64,
    },
}

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeResponse {
    /// The part's bytes.
    pub bytes: Bytes,
    /// Where it begins in the file.
    pub start: u64,
    /// The file's size in bytes.
    pub total: u64,
}

impl Client {
    /// A part of a file.
    ///
    /// # Errors
    /// [`FetchError::RangeUnsupported`] if the server gives the whole file, or nothing, when asked
    /// for a part; otherwise whatever kept it from coming.
    pub async fn range(&self, url: &Url, spec: RangeSpec) -> Result<RangeResponse, FetchError> {
        if local::is_local(url) {
            return local_range(url, spec);
        }
        self.refuse_offline(url, "this file")?;
        let mut headers = HeaderMap::new();
        set(&mut headers, header::RANGE, &spec.header());
        set(&mut headers, header::ACCEPT_ENCODING, "identity");
        let ask = Ask {
            url: url.clone(),
            headers,
        };
        let mut tries = Tries::new(&self.shared.options.retries);
        loop {
            match self.range_once(&ask, spec).await {
                Ok(part) => return Ok(part),
                Err(fault) => tokio::time::sleep(tries.again(fault)?).await,
            }
        }
    }

    async fn range_once(&self, ask: &Ask, spec: RangeSpec) -> Result<RangeResponse, Fault> {
        let unsupported = |url: &str| {
            Fault::Lasting(FetchError::RangeUnsupported {
                url: url.to_owned(),
            })
        };
        let answer = self.send(ask, &self.shared.permits).await?;
        let shown = answer.body.shown().to_owned();
        let part = ContentRange::of(&answer.headers).filter(|part| part.is_within(spec));
        let Some(part) = part.filter(|_| answer.status == StatusCode::PARTIAL_CONTENT) else {
            return Err(unsupported(&shown));
        };
        let bytes = answer.body.all(part.length()).await?;
        if bytes.len() as u64 != part.length() {
            return Err(Fault::passing(FetchError::Interrupted {
                url: shown,
                received: bytes.len() as u64,
                cause: format!("{} bytes were announced", part.length()),
            }));
        }
        Ok(RangeResponse {
            bytes: bytes.into(),
            start: part.first,
            total: part.total,
        })
    }
}

impl RangeSpec {
    fn header(self) -> String {
        match self {
            Self::Last(count) => format!("bytes=-{count}"),
            Self::Part { start, length } => {
                let last = start.saturating_add(length.saturating_sub(1));
                format!("bytes={start}-{last}")
            }
        }
    }

    /// First byte and the one after the last, in a file of `total` bytes.
    fn bounds(self, total: u64) -> (u64, u64) {
        match self {
            Self::Last(count) => (total.saturating_sub(count), total),
            Self::Part { start, length } => (start, start.saturating_add(length).min(total)),
        }
    }
}

/// A `Content-Range` header (RFC 9110, 14.4) that names all three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ContentRange {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) total: u64,
}

impl ContentRange {
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
        let (part, total) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = part.split_once('-')?;
        let range = Self {
            first: first.trim().parse().ok()?,
            last: last.trim().parse().ok()?,
            total: total.trim().parse().ok()?,
        };
        (range.first <= range.last && range.last < range.total).then_some(range)
    }

    fn length(self) -> u64 {
        self.last - self.first + 1
    }

    fn is_within(self, spec: RangeSpec) -> bool {
        spec.bounds(self.total) == (self.first, self.last + 1)
    }
}

fn local_range(url: &Url, spec: RangeSpec) -> Result<RangeResponse, FetchError> {
    use std::io::{Read, Seek, SeekFrom};
    let local = LocalFile::open(url)?;
    let mut file = &local.file;
    let mut read = || {
        let total = file.metadata()?.len();
        let (start, end) = spec.bounds(total);
        let length = end.saturating_sub(start);
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(start))?;
        file.take(length).read_to_end(&mut bytes)?;
        Ok(RangeResponse {
            bytes: bytes.into(),
            start,
            total,
        })
    };
    read().map_err(|error| local::failed(&local.path, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(value: &str) -> Option<ContentRange> {
        let value = header::HeaderValue::from_str(value).expect("a value");
        ContentRange::of(&HeaderMap::from_iter([(header::CONTENT_RANGE, value)]))
    }

    #[test]
    fn content_ranges() {
        let part = parsed("bytes 2-4/10").expect("is one");
        assert_eq!((part.first, part.last, part.total), (2, 4, 10));
        for other in [
            "bytes */10",
            "bytes 2-4/*",
            "bytes 4-2/10",
            "bytes 2-10/10",
            "2-4/10",
            "",
        ] {
            assert_eq!(parsed(other), None, "{other}");
        }
    }

    #[test]
    fn only_the_asked_part_will_do() {
        let part = parsed("bytes 2-4/10").expect("is one");
        let asked = |start, length| RangeSpec::Part { start, length };
        assert!(part.is_within(asked(2, 3)));
        assert!(!part.is_within(asked(2, 4)) && !part.is_within(asked(1, 3)));
        assert!(!part.is_within(RangeSpec::Last(3)));
        let tail = parsed("bytes 7-9/10").expect("is one");
        assert!(tail.is_within(RangeSpec::Last(3)));
        assert!(tail.is_within(asked(7, 100)));
    }

    proptest! {
        #[test]
        fn hostile_headers_do_no_harm(value in "(bytes )?[0-9*/ -]{0,30}") {
            if let Some(part) = parsed(&value) {
                prop_assert!(part.length() <= part.total);
                part.is_within(RangeSpec::Last(u64::MAX));
                part.is_within(RangeSpec::Part { start: u64::MAX, length: u64::MAX });
            }
        }
    }
}
