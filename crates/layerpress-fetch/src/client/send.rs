//! One try of one request: credentials, redirects, and what the answer's status means.

use std::time::Duration;

use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Response, StatusCode};
use tokio::sync::{Semaphore, SemaphorePermit};
use url::Url;

use super::body::Body;
use super::retry::Fault;
use super::{Client, transport};
use crate::credentials::Grant;
use crate::error::FetchError;
use crate::freshness::unix_seconds;
use crate::redact::{redacted, without_userinfo};

/// What is asked for.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
}

/// An answer whose head has come.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    /// 2xx, 304 or 416; all else is a fault.
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// Where it came from, after redirects and without credentials.
    pub(super) url: Url,
    pub(super) body: Body<'a>,
}

/// One request of a chain of redirects.
struct Hop {
    /// Without credentials.
    url: Url,
    /// For messages.
    shown: String,
    grant: Option<Grant>,
}

impl Client {
    /// Sends the request, once one of `permits` is free, and follows redirects until an answer begins.
    pub(super) async fn send<'a>(
        &'a self,
        ask: &Ask,
        permits: &'a Semaphore,
    ) -> Result<Answer<'a>, Fault> {
        let permit = permits.acquire().await;
        let permit = permit.expect("the semaphore is never closed");
        let mut url = ask.url.clone();
        let credentials = &self.shared.options.credentials;
        let mut grant = credentials.grant(&url, false).await;
        let mut crossed = false;
        for _ in 0..=self.shared.options.redirects {
            without_userinfo(&mut url);
            let shown = redacted(&url);
            let response = self.hop(&url, grant.as_ref(), &ask.headers).await?;
            if !is_redirect(response.status()) {
                return self.answer(response, Hop { url, shown, grant }, permit);
            }
            let next = redirect(response.headers().get(header::LOCATION), &url)?;
            crossed |= next.origin() != url.origin();
            url = next;
            grant = credentials.grant(&url, crossed).await;
        }
        Err(Fault::Lasting(FetchError::Redirects {
            url: redacted(&ask.url),
            limit: self.shared.options.redirects,
        }))
    }

    async fn hop(
        &self,
        url: &Url,
        grant: Option<&Grant>,
        headers: &HeaderMap,
    ) -> Result<Response, Fault> {
        let shown = redacted(url);
        if !matches!(url.scheme(), "https" | "http") {
            return Err(Fault::Lasting(FetchError::Scheme {
                scheme: url.scheme().to_owned(),
                url: shown,
            }));
        }
        let client = self.shared.transport.client(url, &self.shared.options)?;
        let mut request = client.get(url.clone()).headers(headers.clone());
        if let Some(grant) = grant {
            request = grant.sign(request);
        }
        let limit = self.shared.options.timeouts.answer;
        match self.patiently(limit, request.send()).await {
            Some(Ok(response)) => Ok(response),
            Some(Err(error)) => Err(transport::fault(error, &shown, 0)),
            None => Err(Fault::silent(FetchError::Silent {
                url: shown,
                waited: limit,
            })),
        }
    }

    fn answer<'a>(
        &'a self,
        response: Response,
        hop: Hop,
        permit: SemaphorePermit<'a>,
    ) -> Result<Answer<'a>, Fault> {
        let Hop { url, shown, grant } = hop;
        let status = response.status();
        if status.is_success()
            || matches!(
                status,
                StatusCode::NOT_MODIFIED | StatusCode::RANGE_NOT_SATISFIABLE
            )
        {
            let headers = response.headers().clone();
            return Ok(Answer {
                status,
                headers,
                url,
                body: Body::new(self, response, shown, permit),
            });
        }
        let error = match status.as_u16() {
            status @ (401 | 403) => FetchError::Refused {
                url: shown,
                status,
                sent: grant.as_ref().map(Grant::sent),
            },
            status => FetchError::Status { url: shown, status },
        };
        if !may_pass(status) {
            return Err(Fault::Lasting(error));
        }
        let now = self.shared.options.clock.now_millis() / 1000;
        Err(Fault::Passing {
            error,
            silent: false,
            retry_after: retry_after(response.headers(), now),
        })
    }
}

/// Where a redirect leads, if it may be followed.
fn redirect(location: Option<&HeaderValue>, url: &Url) -> Result<Url, FetchError> {
    let refuse = |to: String, reason| FetchError::Redirect {
        url: redacted(url),
        to,
        reason,
    };
    let location = location
        .and_then(|location| location.to_str().ok())
        .unwrap_or_default();
    let mut next = match url.join(location) {
        Ok(next) if !location.is_empty() => next,
        _ => {
            return Err(refuse(
                location.escape_default().to_string(),
                "which is no address",
            ));
        }
    };
    // Nobody but the user chooses what is sent where.
    without_userinfo(&mut next);
    match (url.scheme(), next.scheme()) {
        (_, "https") | ("http", "http") => Ok(next),
        ("https", "http") => Err(refuse(redacted(&next), "which is not encrypted")),
        _ => Err(refuse(
            redacted(&next),
            "which is neither `https` nor `http`",
        )),
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Whether the same request may be answered otherwise a little later.
fn may_pass(status: StatusCode) -> bool {
    match status.as_u16() {
        408 | 425 | 429 => true,
        // "Not implemented" and the like do not change by waiting.
        501 | 505 => false,
        code => code >= 500,
    }
}

/// `Retry-After` (RFC 9110, 10.2.3): seconds or a date.
fn retry_after(headers: &HeaderMap, now: u64) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = match value.parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => u64::try_from(unix_seconds(value)?)
            .ok()?
            .saturating_sub(now),
    };
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_go_nowhere_less_safe() {
        let follow = |from: &str, location: &str| {
            let location = HeaderValue::from_str(location).expect("a value");
            let next = redirect(Some(&location), &Url::parse(from).expect("a URL"));
            next.map_or_else(|error| error.to_string(), String::from)
        };
        let from = "https://h.example/a/b?token=hush";
        assert_eq!(follow(from, "../c"), "https://h.example/c");
        assert_eq!(follow(from, "//o.example/c"), "https://o.example/c");
        assert_eq!(
            follow(from, "https://me:pw@o.example/"),
            "https://o.example/"
        );
        assert_eq!(
            follow("http://h.example/", "https://h.example/"),
            "https://h.example/"
        );
        let refused = [
            follow(from, "http://h.example/c?sig=hush"),
            follow(from, "file:///etc/passwd"),
            follow(from, "https://"),
            follow(from, ""),
        ];
        insta::assert_snapshot!(refused.join("\n"), @r"
        `https://h.example/a/b?...`: redirects to `http://h.example/c?...`, which is not encrypted
        `https://h.example/a/b?...`: redirects to `file:///etc/passwd`, which is neither `https` nor `http`
        `https://h.example/a/b?...`: redirects to `https://`, which is no address
        `https://h.example/a/b?...`: redirects to ``, which is no address
        ");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let read = |value: &str| {
            let value = HeaderValue::from_str(value).expect("a value");
            let headers = HeaderMap::from_iter([(header::RETRY_AFTER, value)]);
            retry_after(&headers, 1_796_119_200)
        };
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        let date = "Tue, 01 Dec 2026 10:00:30 GMT";
        assert_eq!(read(date), Some(Duration::from_secs(30)));
        assert_eq!(read("Tue, 01 Dec 2020 10:00:30 GMT"), Some(Duration::ZERO));
        assert_eq!(read("soon"), None);
    }
}
