//! [`Answer`]: what goes back over the wire, and what HTTP itself does to it.

use std::collections::BTreeMap;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

use super::http::Request;
use crate::package::hex;

/// An answer before it is written.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn plain(status: u16, text: &str) -> Self {
        Self::new(
            status,
            "text/plain; charset=utf-8",
            text.as_bytes().to_vec(),
        )
    }

    pub(crate) fn new(status: u16, media_type: &str, body: Vec<u8>) -> Self {
        let headers = BTreeMap::from([("Content-Type".to_owned(), media_type.to_owned())]);
        Self {
            status,
            headers,
            body,
        }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With an ETag; 304 and no body for those who know it.
    pub(crate) fn tagged(self, request: &Request) -> Self {
        let tag = format!("\"{}\"", &hex(&Sha256::digest(&self.body))[..16]);
        let mut answer = self.with("ETag", &tag);
        if request.headers.get("if-none-match") == Some(&tag) {
            answer.status = 304;
            answer.body.clear();
        }
        answer
    }

    /// Compressed, for those who take that.
    pub(crate) fn compressed(mut self, request: &Request) -> Self {
        let accepted = request.headers.get("accept-encoding");
        if self.status == 304 || !accepted.is_some_and(|accepted| accepted.contains("gzip")) {
            return self;
        }
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder
            .write_all(&self.body)
            .expect("memory takes everything");
        self.body = encoder.finish().expect("memory takes everything");
        self.with("Content-Encoding", "gzip")
    }

    pub(crate) fn reason(&self) -> &'static str {
        match self.status {
            200 => "OK",
            206 => "Partial Content",
            301 | 302 => "Moved",
            304 => "Not Modified",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            416 => "Range Not Satisfiable",
            429 => "Too Many Requests",
            _ => "As Asked",
        }
    }
}
