//! What can go wrong between a URL and verified bytes.
//!
//! Every message names the place first: a URL (always [`redacted`](crate::redacted)) or a path.
//! The errors can be cloned, since callers that share one download share its failure too.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use layerpress_tree::Digest;

/// Why no verified bytes came for a URL.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The network is switched off and the store does not hold it.
    #[error("`{url}`: {what} is not in the cache, and the network is switched off")]
    Offline {
        /// Where it would have been fetched.
        url: String,
        /// What it is, for display: `` `six-1.17.0-py2.py3-none-any.whl` `` or `this page`.
        what: String,
    },
    /// No connection came about.
    #[error("`{url}`: cannot connect: {cause}")]
    Connect {
        /// What was asked for.
        url: String,
        /// What the system said.
        cause: String,
    },
    /// The server's certificate is not trusted.
    #[error("`{url}`: the server's certificate is not trusted: {cause}")]
    Certificate {
        /// What was asked for.
        url: String,
        /// What the verifier said.
        cause: String,
    },
    /// Nothing came back at all.
    #[error("`{url}`: no answer within {} s", seconds(*.waited))]
    Silent {
        /// What was asked for.
        url: String,
        /// How long the last try waited.
        waited: Duration,
    },
    /// The answer began and then stood still or crept.
    #[error("`{url}`: the answer stopped coming after {received} bytes")]
    Stalled {
        /// What was asked for.
        url: String,
        /// How much had come.
        received: u64,
    },
    /// The connection broke off, or the answer ended early.
    #[error("`{url}`: the answer broke off after {received} bytes: {cause}")]
    Interrupted {
        /// What was asked for.
        url: String,
        /// How much had come.
        received: u64,
        /// What the transport said.
        cause: String,
    },
    /// The answer was a refusal.
    #[error("`{url}`: {}", sentence(*.status))]
    Status {
        /// What was asked for.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The server does not let this user in: 401 or 403.
    #[error("`{url}`: {}", refusal(*.status, *.sent))]
    Refused {
        /// What was asked for.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What was sent to prove who asks.
        sent: Option<Sent>,
    },
    /// The server wants to be left alone for longer than this program waits.
    #[error(
        "`{url}`: the server answered {status} and asks to wait {seconds} s; no more than {cap} s are waited"
    )]
    Wait {
        /// What was asked for.
        url: String,
        /// The HTTP status, 429 or 503.
        status: u16,
        /// What it asked for.
        seconds: u64,
        /// What is honoured.
        cap: u64,
    },
    /// Redirects without an end.
    #[error("`{url}`: redirected more than {limit} times")]
    Redirects {
        /// What was asked for.
        url: String,
        /// How many are followed.
        limit: u32,
    },
    /// A redirect that must not be followed.
    #[error("`{url}`: redirects to `{to}`, {reason}")]
    Redirect {
        /// What was asked for.
        url: String,
        /// Where it pointed.
        to: String,
        /// Why that is not followed.
        reason: &'static str,
    },
    /// The bytes are not the promised ones, twice.
    #[error("`{url}`: expected `{expected}`, found `{found}`")]
    Mismatch {
        /// Where the bytes came from.
        url: String,
        /// What they were promised to be.
        expected: Digest,
        /// What they are.
        found: Digest,
        /// They came as a web page.
        html: bool,
    },
    /// The bytes are the promised ones, but not as many as was said.
    #[error("`{url}`: expected {expected} bytes, found {found}")]
    OtherSize {
        /// Where the bytes came from.
        url: String,
        /// How many were promised.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// More came than is taken.
    #[error("`{url}`: larger than {limit} bytes")]
    TooLarge {
        /// Where the bytes came from.
        url: String,
        /// How many are taken.
        limit: u64,
    },
    /// The server does not serve parts of this file.
    #[error("`{url}`: the server does not serve parts of it")]
    RangeUnsupported {
        /// What was asked for.
        url: String,
    },
    /// The answer's compression is damaged or unknown.
    #[error("`{url}`: the answer cannot be decoded: {cause}")]
    Encoding {
        /// What was asked for.
        url: String,
        /// What is wrong with it.
        cause: String,
    },
    /// A URL of a kind that nothing is fetched from.
    #[error("`{url}`: `{scheme}` is not one of `https`, `http`, `file`")]
    Scheme {
        /// The URL.
        url: String,
        /// Its scheme.
        scheme: String,
    },
    /// A local file could not be read.
    #[error("{}: cannot be read: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// A `file` URL names something other than a file.
    #[error("{}: not a regular file", .path.display())]
    NotAFile {
        /// What it names.
        path: PathBuf,
    },
    /// The HTTP client could not be set up.
    #[error("the network client cannot be set up: {cause}")]
    Setup {
        /// What is wrong.
        cause: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a request was signed with: never the secret, only where it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Where the user name, or the token, came from.
    pub from: Known,
    /// Whether it was more than a user name.
    pub secret: bool,
}

/// Where credentials are known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// The URL of the index or of the file.
    Url,
    /// Settings that name an index.
    Settings,
    /// The user's `.netrc`.
    Netrc,
    /// The keyring gave the password.
    Keyring,
    /// A registry's token.
    Token,
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = match self.from {
            Known::Url => "in the URL",
            Known::Settings => "in `UV_INDEX_<NAME>_USERNAME`",
            Known::Netrc => "in `.netrc`",
            Known::Keyring => return f.write_str("the password in the keyring"),
            Known::Token => return f.write_str("the token in `.npmrc`"),
        };
        match (self.secret, self.from) {
            (true, Known::Settings) => {
                write!(f, "the user name and password {from} and `_PASSWORD`")
            }
            (true, _) => write!(f, "the user name and password {from}"),
            (false, _) => write!(f, "the user name {from} without a password"),
        }
    }
}

/// What sort of failure it is; exit codes are mapped from this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorKind {
    /// The network or a server failed or refused.
    Network,
    /// The network would have been needed but is switched off.
    Offline,
    /// The bytes or the URL are wrong in themselves.
    Input,
    /// A local file or the store failed.
    Io,
}

impl FetchError {
    /// What sort of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Offline { .. } => ErrorKind::Offline,
            Self::Connect { .. }
            | Self::Certificate { .. }
            | Self::Silent { .. }
            | Self::Stalled { .. }
            | Self::Interrupted { .. }
            | Self::Status { .. }
            | Self::Refused { .. }
            | Self::Wait { .. }
            | Self::Redirects { .. }
            | Self::Redirect { .. }
            | Self::RangeUnsupported { .. }
            | Self::Encoding { .. }
            | Self::Setup { .. } => ErrorKind::Network,
            Self::Mismatch { .. }
            | Self::OtherSize { .. }
            | Self::TooLarge { .. }
            | Self::Scheme { .. } => ErrorKind::Input,
            Self::File { .. } | Self::NotAFile { .. } | Self::Store(_) => ErrorKind::Io,
        }
    }

    /// The HTTP status, if the failure is a server's refusal.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. }
            | Self::Refused { status, .. }
            | Self::Wait { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// What the user could do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Offline { .. } => {
                "run once without `--offline`, or fill the cache with `layerpress fetch`"
            }
            Self::Connect { .. } => "check the address, the network and `HTTPS_PROXY`",
            Self::Certificate { .. } => {
                "if a company proxy signs connections, name its certificates in `SSL_CERT_FILE`"
            }
            Self::Silent { .. } | Self::Stalled { .. } | Self::Interrupted { .. } => {
                "try again; what was fetched already stays in the cache"
            }
            Self::Refused { sent, .. } => refusal_hint(*sent),
            Self::Status { status, .. } => return status_hint(*status).map(str::to_owned),
            Self::Wait { .. } => "try again later; what was fetched already stays in the cache",
            Self::Mismatch { html: true, .. } => {
                "a web page came instead of the file: is there a login page in between?"
            }
            Self::Mismatch { .. } => {
                "the file was replaced since its digest was recorded, or something on the way changes downloads"
            }
            Self::OtherSize { .. } => {
                "its digest is right: correct the `size` in the lockfile, or lock again"
            }
            Self::Store(error) => return error.hint(),
            Self::Redirects { .. } => {
                "the server sends requests in a circle: check the address, and whether a login is asked for on the way"
            }
            Self::Redirect { .. }
            | Self::TooLarge { .. }
            | Self::RangeUnsupported { .. }
            | Self::Encoding { .. }
            | Self::Scheme { .. }
            | Self::File { .. }
            | Self::NotAFile { .. }
            | Self::Setup { .. } => return None,
        };
        Some(hint.to_owned())
    }
}

/// Why a page could not be had: the fetching failed, or the caller's parser.
#[derive(Debug, thiserror::Error)]
pub enum PageError<E> {
    /// Fetching failed.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The caller's parser refused the page.
    #[error("{0}")]
    Parse(E),
}

/// Why the store could not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The disk is full.
    #[error("{}: no space left for the cache", .path.display())]
    Full {
        /// The file or folder.
        path: PathBuf,
    },
    /// The store may not be written.
    #[error("{}: the cache cannot be written: {source}", .path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// Something in the store cannot be read.
    #[error("{}: the cache cannot be read: {source}", .path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// The cache folder's place is taken by something else.
    #[error("{}: the cache folder's place is taken by something that is not a folder", .path.display())]
    NotAFolder {
        /// The place.
        path: PathBuf,
    },
    /// What should have gone into the store could not be read.
    #[error("cannot be read: {source}")]
    Input {
        /// What the system said.
        source: Arc<io::Error>,
    },
}

impl StoreError {
    /// What the user could do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Full { .. } => {
                "free some space (`layerpress cache prune`), or name another place with `--cache-dir`"
            }
            Self::Write { .. } | Self::Read { .. } | Self::NotAFolder { .. } => {
                "name another place with `--cache-dir` or `LAYERPRESS_CACHE_DIR`"
            }
            Self::Input { .. } => return None,
        };
        Some(hint.to_owned())
    }

    pub(crate) fn writing(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        let source = without_path(source);
        match source.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::Full { path },
            _ => Self::Write {
                path,
                source: Arc::new(source),
            },
        }
    }

    pub(crate) fn reading(path: &Path, source: io::Error) -> Self {
        Self::Read {
            path: path.to_owned(),
            source: Arc::new(source),
        }
    }
}

/// The error without the random path of a temporary file, which the `tempfile` crate puts into it.
fn without_path(error: io::Error) -> io::Error {
    match error.get_ref() {
        Some(_) => error.kind().into(),
        None => error,
    }
}

fn seconds(duration: Duration) -> String {
    let tenths = (duration.as_millis() + 50) / 100;
    match tenths % 10 {
        0 => format!("{}", tenths / 10),
        rest => format!("{}.{rest}", tenths / 10),
    }
}

fn sentence(status: u16) -> String {
    match status {
        404 => "there is no such file (404)".into(),
        407 => "the proxy asks for a user name and password (407)".into(),
        410 => "the file was removed (410)".into(),
        429 => "the server says there were too many requests (429)".into(),
        500..=599 => format!("the server failed ({status})"),
        _ => format!("unexpected answer ({status})"),
    }
}

fn refusal(status: u16, sent: Option<Sent>) -> String {
    match (status, sent) {
        (401, None) => "the server asks for a user name and password (401)".into(),
        (401, Some(sent)) => format!("the server does not accept {sent} (401)"),
        (_, None) => format!("the server refuses access ({status})"),
        (_, Some(sent)) => format!("the server refuses access ({status}), with {sent}"),
    }
}

fn refusal_hint(sent: Option<Sent>) -> &'static str {
    match sent {
        None => {
            "give credentials in the index URL, in `.netrc`, or in `UV_INDEX_<NAME>_USERNAME` and `_PASSWORD`"
        }
        Some(Sent { secret: false, .. }) => {
            "give the password too: in the index URL, in `.netrc`, or in `UV_INDEX_<NAME>_PASSWORD`"
        }
        Some(_) => "are they current, and meant for this server?",
    }
}

fn status_hint(status: u16) -> Option<&'static str> {
    match status {
        407 => {
            Some("give the proxy's credentials in `HTTPS_PROXY`: `http://user:password@proxy:port`")
        }
        404 | 410 => Some(
            "check the address; what was removed from a registry or index needs another version: lock again",
        ),
        429 | 500..=599 => Some("try again later; what was fetched already stays in the cache"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_become_sentences() {
        let shown: Vec<String> = [404, 407, 410, 429, 503, 418]
            .into_iter()
            .map(|status| {
                let error = FetchError::Status {
                    url: "https://h.example/a".into(),
                    status,
                };
                format!("{error}\n  hint: {}", error.hint().unwrap_or_default())
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        `https://h.example/a`: there is no such file (404)
          hint: check the address; what was removed from a registry or index needs another version: lock again
        `https://h.example/a`: the proxy asks for a user name and password (407)
          hint: give the proxy's credentials in `HTTPS_PROXY`: `http://user:password@proxy:port`
        `https://h.example/a`: the file was removed (410)
          hint: check the address; what was removed from a registry or index needs another version: lock again
        `https://h.example/a`: the server says there were too many requests (429)
          hint: try again later; what was fetched already stays in the cache
        `https://h.example/a`: the server failed (503)
          hint: try again later; what was fetched already stays in the cache
        `https://h.example/a`: unexpected answer (418)
          hint:
        ");
    }

    #[test]
    fn a_refusal_tells_what_was_sent() {
        let sent = |from, secret| Some(Sent { from, secret });
        let shown: Vec<String> = [
            (401, None),
            (403, None),
            (401, sent(Known::Netrc, true)),
            (403, sent(Known::Url, true)),
            (401, sent(Known::Url, false)),
            (401, sent(Known::Settings, true)),
            (403, sent(Known::Keyring, true)),
            (401, sent(Known::Token, true)),
        ]
        .into_iter()
        .map(|(status, sent)| {
            let error = FetchError::Refused {
                url: "https://h.example/a".into(),
                status,
                sent,
            };
            format!("{error}\n  hint: {}", error.hint().unwrap_or_default())
        })
        .collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        `https://h.example/a`: the server asks for a user name and password (401)
          hint: give credentials in the index URL, in `.netrc`, or in `UV_INDEX_<NAME>_USERNAME` and `_PASSWORD`
        `https://h.example/a`: the server refuses access (403)
          hint: give credentials in the index URL, in `.netrc`, or in `UV_INDEX_<NAME>_USERNAME` and `_PASSWORD`
        `https://h.example/a`: the server does not accept the user name and password in `.netrc` (401)
          hint: are they current, and meant for this server?
        `https://h.example/a`: the server refuses access (403), with the user name and password in the URL
          hint: are they current, and meant for this server?
        `https://h.example/a`: the server does not accept the user name in the URL without a password (401)
          hint: give the password too: in the index URL, in `.netrc`, or in `UV_INDEX_<NAME>_PASSWORD`
        `https://h.example/a`: the server does not accept the user name and password in `UV_INDEX_<NAME>_USERNAME` and `_PASSWORD` (401)
          hint: are they current, and meant for this server?
        `https://h.example/a`: the server refuses access (403), with the password in the keyring
          hint: are they current, and meant for this server?
        `https://h.example/a`: the server does not accept the token in `.npmrc` (401)
          hint: are they current, and meant for this server?
        ");
    }

    #[test]
    fn store_errors_name_the_place() {
        let path = Path::new("/cache/index");
        let full = StoreError::writing(path, io::ErrorKind::StorageFull.into());
        let denied = StoreError::writing(path, io::ErrorKind::PermissionDenied.into());
        insta::assert_snapshot!(format!("{full}\n{denied}"), @r"
        /cache/index: no space left for the cache
        /cache/index: the cache cannot be written: permission denied
        ");
    }

    #[test]
    fn durations_are_short() {
        assert_eq!(seconds(Duration::from_secs(12)), "12");
        assert_eq!(seconds(Duration::from_millis(1_250)), "1.3");
    }
}
