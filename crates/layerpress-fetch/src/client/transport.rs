//! The HTTP client below: one pool of connections, set up on the first request.

use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::sync::OnceLock;

use reqwest::{Certificate, NoProxy, Proxy, redirect};
use url::Url;

use super::lookups::Lookups;
use super::options::{ClientOptions, ProxyAddress};
use super::retry::Fault;
use crate::error::FetchError;

/// HTTP/2 windows: what may be under way before the server waits for us. With the protocol's
/// 64 KiB a download crawls on every connection with some latency.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;

/// The HTTP clients, which share the addresses of hosts alone and are built when first needed: reading
/// the system's certificates takes longer than a whole warm run.
#[derive(Debug, Default)]
pub(super) struct Transport {
    lookups: Lookups,
    strict: OnceLock<Result<reqwest::Client, String>>,
    lax: OnceLock<Result<reqwest::Client, String>>,
}

impl Transport {
    pub(super) fn client(
        &self,
        url: &Url,
        options: &ClientOptions,
    ) -> Result<&reqwest::Client, FetchError> {
        let trusted = is_trusted(url, &options.trusted_hosts);
        let slot = if trusted { &self.lax } else { &self.strict };
        slot.get_or_init(|| build(options, trusted, &self.lookups).map_err(|error| cause(&error)))
            .as_ref()
            .map_err(|cause| FetchError::Setup {
                cause: cause.clone(),
            })
    }
}

/// What went wrong below, as a fault of the request for `url` (redacted).
pub(super) fn fault(error: reqwest::Error, url: &str, received: u64) -> Fault {
    let error = error.without_url();
    let url = url.to_owned();
    let cause = cause(&error);
    if is_certificate_fault(&error) {
        return Fault::Lasting(FetchError::Certificate { url, cause });
    }
    if cause.contains("proxy authorization required") {
        return Fault::Lasting(FetchError::Status { url, status: 407 });
    }
    if error.is_builder() {
        return Fault::Lasting(FetchError::Setup { cause });
    }
    if error.is_connect() {
        let silent = error.is_timeout();
        let error = FetchError::Connect { url, cause };
        return if silent {
            Fault::silent(error)
        } else {
            Fault::passing(error)
        };
    }
    Fault::passing(FetchError::Interrupted {
        url,
        received,
        cause,
    })
}

fn build(
    options: &ClientOptions,
    trusted: bool,
    lookups: &Lookups,
) -> reqwest::Result<reqwest::Client> {
    // Fails only if the program installed one before, which then is the one to use.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut certificates = Vec::new();
    for bundle in &options.extra_certificates {
        certificates.extend(Certificate::from_pem_bundle(bundle)?);
    }
    let timeouts = &options.timeouts;
    let mut builder = reqwest::Client::builder()
        .user_agent(&options.user_agent)
        // Followed by our own rules, see `send`.
        .redirect(redirect::Policy::none())
        .referer(false)
        // Archives must arrive as they are; pages are inflated by us.
        .gzip(false)
        .connect_timeout(timeouts.connect)
        .dns_resolver(lookups.clone())
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        // A connection that died unnoticed must not swallow the second try as well.
        .http2_keep_alive_interval(timeouts.idle / 2)
        .http2_keep_alive_timeout(timeouts.idle / 2)
        .tls_certs_merge(certificates)
        .tls_danger_accept_invalid_certs(trusted);
    if let Some(ProxyAddress(address)) = &options.proxy {
        let address = match address.contains("://") {
            true => address.clone(),
            false => format!("http://{address}"),
        };
        let without = match options.no_proxy.as_slice() {
            [] => NoProxy::from_env(),
            hosts => NoProxy::from_string(&hosts.join(",")),
        };
        builder = builder.proxy(Proxy::all(address)?.no_proxy(without));
    } else if !options.system_proxy {
        builder = builder.no_proxy();
    }
    builder.build()
}

fn is_trusted(url: &Url, hosts: &[String]) -> bool {
    let Some(host) = url.host_str() else {
        return false;
    };
    let with_port = format!("{host}:{}", url.port_or_known_default().unwrap_or(0));
    hosts.iter().any(|trusted| {
        trusted.eq_ignore_ascii_case(host) || trusted.eq_ignore_ascii_case(&with_port)
    })
}

/// Every error below, those inside of [`io::Error`]s included.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(below(error), |error| below(*error))
}

fn below<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

fn is_certificate_fault(error: &(dyn Error + 'static)) -> bool {
    chain(error)
        .filter_map(|error| error.downcast_ref::<rustls::Error>())
        .any(|error| {
            matches!(
                error,
                rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented
            )
        })
}

/// The chain of causes in one line, without the layers that only say that there is a cause.
fn cause(error: &reqwest::Error) -> String {
    let mut text = String::new();
    for cause in chain(error) {
        let part = cause.to_string();
        if part.starts_with("client error (") || text.contains(&part) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        // Escaped, since parts of it may come from the other side.
        for letter in part.chars() {
            if letter.is_control() {
                let _ = write!(text, "{}", letter.escape_default());
            } else {
                text.push(letter);
            }
        }
    }
    if text.is_empty() {
        text = error.to_string();
    }
    text
}
