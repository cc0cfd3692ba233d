//! [`Freshness`]: how long a page may be used without asking, and how to ask whether it changed.
//!
//! RFC 9111 (HTTP caching) as far as a single user's cache of index pages needs it.

use std::time::Duration;

use reqwest::header::{self, HeaderMap};

/// How long a page counts as fresh when its answer says nothing about it.
pub(crate) const DEFAULT_LIFETIME: Duration = Duration::from_secs(600);

/// How long `immutable` without `max-age` lasts (RFC 8246 leaves it open).
const IMMUTABLE_LIFETIME: Duration = Duration::from_secs(365 * 24 * 3600);

/// When something was fetched and how long it stays fresh.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Freshness {
    /// When it was fetched or last confirmed, in milliseconds since 1970; 0 for what did not come
    /// over the network.
    pub fetched_at: u64,
    /// How many seconds from then on it needs no question.
    pub fresh_for: u64,
    /// The answer's `ETag`, as it stood.
    pub etag: Option<String>,
    /// The answer's `Last-Modified`, as it stood.
    pub last_modified: Option<String>,
    /// The answer was that there is no such page (404 or 410).
    pub missing: bool,
}

impl Freshness {
    /// What an answer's headers say, and whether it may be kept on disk at all.
    pub(crate) fn of(headers: &HeaderMap, now: u64) -> (Self, Keep) {
        let text = |name| Some(headers.get(name)?.to_str().ok()?.trim().to_owned());
        let control = Control::of(headers);
        let age = text(header::AGE)
            .and_then(|age| age.parse().ok())
            .unwrap_or(0);
        let lifetime = if control.no_cache || control.no_store {
            0
        } else if let Some(seconds) = control.max_age {
            seconds
        } else if control.immutable {
            IMMUTABLE_LIFETIME.as_secs()
        } else if let Some(expires) = text(header::EXPIRES) {
            // An unreadable date, such as `0`, means already expired (RFC 9111, 5.3).
            let since = text(header::DATE)
                .and_then(|date| unix_seconds(&date))
                .unwrap_or(i64::try_from(now / 1000).unwrap_or(i64::MAX));
            let until = unix_seconds(&expires).unwrap_or(since);
            u64::try_from(until.saturating_sub(since)).unwrap_or(0)
        } else {
            DEFAULT_LIFETIME.as_secs()
        };
        let freshness = Self {
            fetched_at: now,
            fresh_for: lifetime.saturating_sub(age),
            etag: text(header::ETAG).filter(|etag| etag.len() <= 1024),
            last_modified: text(header::LAST_MODIFIED).filter(|date| date.len() <= 64),
            missing: false,
        };
        let keep = if control.no_store {
            Keep::No
        } else {
            Keep::Yes
        };
        (freshness, keep)
    }

    /// Whether it may be used without asking, at `now` (milliseconds since 1970).
    ///
    /// What was fetched in the future is not fresh: a clock set back must not make it last.
    #[must_use]
    pub fn is_fresh(&self, now: u64) -> bool {
        now.checked_sub(self.fetched_at)
            .is_some_and(|age| age < self.fresh_for.saturating_mul(1000))
    }

    /// For how long both this and another are fresh; without what tells either apart.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let end = |of: &Self| {
            of.fetched_at
                .saturating_add(of.fresh_for.saturating_mul(1000))
        };
        let fetched_at = self.fetched_at.max(other.fetched_at);
        let left = end(self).min(end(other)).saturating_sub(fetched_at);
        Self {
            fetched_at,
            fresh_for: left / 1000,
            ..Self::default()
        }
    }

    /// The same page, confirmed by an answer 304 with these headers.
    pub(crate) fn confirmed(&self, headers: &HeaderMap, now: u64) -> (Self, Keep) {
        let (mut new, keep) = Self::of(headers, now);
        new.etag = new.etag.or_else(|| self.etag.clone());
        new.last_modified = new.last_modified.or_else(|| self.last_modified.clone());
        new.missing = self.missing;
        (new, keep)
    }

    /// What proves that two answers are byte for byte the same, for `If-Range` (RFC 9110, 13.1.5):
    /// a strong entity tag, else nothing.
    pub(crate) fn strong_validator(&self) -> Option<&str> {
        self.etag.as_deref().filter(|etag| etag.starts_with('"'))
    }
}

/// Whether an answer may be written to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    Yes,
    No,
}

#[derive(Default)]
struct Control {
    max_age: Option<u64>,
    no_cache: bool,
    no_store: bool,
    immutable: bool,
}

impl Control {
    fn of(headers: &HeaderMap) -> Self {
        let mut control = Self::default();
        let values = headers.get_all(header::CACHE_CONTROL).iter();
        for directive in values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
        {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                // `no-cache="field"` speaks of one header only.
                "no-cache" if value.is_empty() => control.no_cache = true,
                "no-store" => control.no_store = true,
                "immutable" => control.immutable = true,
                // An unreadable age is an age of nothing: ask rather than trust.
                "max-age" => control.max_age = Some(value.parse().unwrap_or(0)),
                _ => {}
            }
        }
        control
    }
}

/// An HTTP date (RFC 9110, 5.6.7) in seconds since 1970.
pub(crate) fn unix_seconds(date: &str) -> Option<i64> {
    let zoned = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_zoned(date)
        .ok()?;
    Some(zoned.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};

    const NOW: u64 = 1_800_000_000_000;

    fn of(lines: &[(&str, &str)]) -> (Freshness, Keep) {
        Freshness::of(&headers(lines), NOW)
    }

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_bytes(name.as_bytes()).expect("a name"),
                    HeaderValue::from_str(value).expect("a value"),
                )
            })
            .collect()
    }

    #[test]
    fn lifetimes() {
        let life = |lines: &[(&str, &str)]| of(lines).0.fresh_for;
        assert_eq!(life(&[]), 600);
        assert_eq!(life(&[("cache-control", "max-age=60, public")]), 60);
        assert_eq!(
            life(&[("cache-control", "Max-Age=\"60\""), ("age", "50")]),
            10
        );
        assert_eq!(life(&[("cache-control", "max-age=60"), ("age", "90")]), 0);
        assert_eq!(life(&[("cache-control", "no-cache, max-age=60")]), 0);
        assert_eq!(life(&[("cache-control", "max-age=soon")]), 0);
        assert_eq!(life(&[("cache-control", "public, immutable")]), 31_536_000);
        assert_eq!(life(&[("expires", "0")]), 0);
        let date = ("date", "Tue, 01 Dec 2026 10:00:00 GMT");
        assert_eq!(
            life(&[date, ("expires", "Tue, 01 Dec 2026 10:02:00 GMT")]),
            120
        );
        assert_eq!(
            life(&[date, ("expires", "Tue, 01 Dec 2026 09:00:00 GMT")]),
            0
        );
        assert_eq!(of(&[("cache-control", "no-store")]).1, Keep::No);
        assert_eq!(of(&[("cache-control", "private")]).1, Keep::Yes);
    }

    #[test]
    fn a_clock_set_back_does_not_keep_things_fresh() {
        let (page, _) = of(&[("cache-control", "max-age=60")]);
        assert!(page.is_fresh(NOW) && page.is_fresh(NOW + 59_999));
        assert!(!page.is_fresh(NOW + 60_000));
        assert!(!page.is_fresh(NOW - 1));
        assert!(
            !Freshness {
                fresh_for: u64::MAX,
                ..page
            }
            .is_fresh(0)
        );
    }

    #[test]
    fn what_is_made_of_two_pages_is_as_fresh_as_both() {
        let page = |fetched_at, fresh_for| Freshness {
            fetched_at,
            fresh_for,
            etag: Some("\"a\"".to_owned()),
            ..Freshness::default()
        };
        let (first, second) = (page(NOW, 60), page(NOW + 20_000, 600));
        let both = first.and(&second);
        assert_eq!(both, second.and(&first));
        assert_eq!((both.fetched_at, both.fresh_for), (NOW + 20_000, 40));
        assert_eq!(both.etag, None);
        // One is stale before the other begins.
        let never = first.and(&page(NOW + 60_000, 600));
        assert!(!never.is_fresh(NOW + 60_000));
        let endless = page(NOW, u64::MAX);
        assert!(endless.and(&endless).is_fresh(NOW + 1));
    }

    #[test]
    fn a_confirmation_keeps_the_validators_it_does_not_repeat() {
        let (old, _) = of(&[("etag", "\"a\""), ("last-modified", "then")]);
        let (new, _) = old.confirmed(&headers(&[("cache-control", "max-age=5")]), NOW + 9);
        assert_eq!(new.etag.as_deref(), Some("\"a\""));
        assert_eq!(new.last_modified.as_deref(), Some("then"));
        assert_eq!((new.fetched_at, new.fresh_for), (NOW + 9, 5));
    }

    #[test]
    fn weak_tags_prove_nothing_about_ranges() {
        assert_eq!(of(&[("etag", "W/\"a\"")]).0.strong_validator(), None);
        assert_eq!(of(&[("etag", "\"a\"")]).0.strong_validator(), Some("\"a\""));
    }
}
