//! [`Token`]: what a registry gave its user, bound to the registry's part of a server.

use std::fmt;
use std::sync::{PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::RequestBuilder;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use url::{Origin, Url};

use super::Login;
use crate::error::{Known, Sent};

/// What proves who is asking, beside a user name and a password. Its `Debug` form is empty.
#[derive(Clone, PartialEq, Eq)]
pub enum Token {
    /// Sent as `Authorization: Bearer …` (RFC 6750).
    Bearer(String),
    /// A user name and a password in the form in which they are sent, `Authorization: Basic …`
    /// (RFC 7617).
    Basic(String),
}

/// What a request is signed with.
#[derive(Clone)]
pub(crate) enum Grant {
    Login(Login),
    Token(Token),
}

/// Tokens and the places that they are for.
#[derive(Default)]
pub(super) struct Tokens(RwLock<Vec<Bound>>);

struct Bound {
    origin: Origin,
    /// Without a slash at its end.
    path: String,
    token: Token,
}

impl Tokens {
    pub(super) fn add(&self, below: &Url, token: Token) {
        let origin = below.origin();
        let path = below.path().trim_end_matches('/').to_owned();
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|bound| bound.origin != origin || bound.path != path);
        known.push(Bound {
            origin,
            path,
            token,
        });
    }

    pub(super) fn of(&self, url: &Url) -> Option<Token> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if known.is_empty() {
            return None;
        }
        let origin = url.origin();
        let below = |bound: &&Bound| {
            let rest = url.path().strip_prefix(bound.path.as_str());
            bound.origin == origin
                && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let found = known
            .iter()
            .filter(below)
            .max_by_key(|bound| bound.path.len());
        found.map(|bound| bound.token.clone())
    }

    pub(super) fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Grant {
    /// What it is, without its secret.
    pub(crate) fn sent(&self) -> Sent {
        match self {
            Self::Login(login) => Sent {
                from: login.from,
                secret: login.password.as_ref().is_some_and(|it| !it.is_empty()),
            },
            Self::Token(_) => Sent {
                from: Known::Token,
                secret: true,
            },
        }
    }

    /// The request with its `Authorization`; a token that cannot stand in a header is not sent.
    pub(crate) fn sign(&self, request: RequestBuilder) -> RequestBuilder {
        match HeaderValue::try_from(self.header()) {
            Ok(mut value) => {
                value.set_sensitive(true);
                request.header(AUTHORIZATION, value)
            }
            Err(_) => request,
        }
    }

    pub(super) fn header(&self) -> String {
        match self {
            Self::Login(Login { user, password, .. }) => {
                let password = password.as_deref().unwrap_or_default();
                format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
            }
            Self::Token(Token::Bearer(token)) => format!("Bearer {token}"),
            Self::Token(Token::Basic(encoded)) => format!("Basic {encoded}"),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bearer(_) => "Bearer(..)",
            Self::Basic(_) => "Basic(..)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Credentials;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    async fn found(credentials: &Credentials, text: &str, redirected: bool) -> String {
        match credentials.grant(&url(text), redirected).await {
            None => "nothing".to_owned(),
            Some(Grant::Login(login)) => format!("login {}", login.user),
            Some(Grant::Token(Token::Bearer(token) | Token::Basic(token))) => token,
        }
    }

    #[tokio::test]
    async fn a_token_is_bound_to_scheme_host_port_and_path() {
        let credentials = Credentials::new();
        credentials.add_token(&url("https://h.example/npm/"), Token::Bearer("npm".into()));
        credentials.add_token(
            &url("https://h.example/npm/mine"),
            Token::Basic("mine".into()),
        );
        for (asked, sent) in [
            ("https://h.example/npm", "npm"),
            ("https://h.example/npm/a/-/a-1.tgz?x=1", "npm"),
            ("https://h.example/npm/mine/a", "mine"),
            ("https://h.example/npm/mined", "npm"),
            ("https://h.example/npmx/", "nothing"),
            ("https://h.example/", "nothing"),
            ("https://h.example/npm/../other", "nothing"),
            ("http://h.example/npm/", "nothing"),
            ("https://h.example:8443/npm/", "nothing"),
            ("https://sub.h.example/npm/", "nothing"),
            ("https://me@h.example/npm/", "login me"),
        ] {
            assert_eq!(found(&credentials, asked, false).await, sent, "{asked}");
        }
        assert_eq!(
            found(&credentials, "https://h.example/npm/", true).await,
            "nothing"
        );
    }

    #[test]
    fn no_token_is_printed() {
        let shown = format!(
            "{:?} {:?}",
            Token::Bearer("hush".into()),
            Token::Basic("hush".into())
        );
        assert_eq!(shown, "Bearer(..) Basic(..)");
    }
}
