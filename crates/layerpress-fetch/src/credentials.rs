//! [`Credentials`]: which user name and password go to which server, and to no other.
//!
//! Everything is handed in by the program as values; nothing here reads the environment or a file.
//! What comes from a URL is bound to its scheme, host and port, and a token to a path as well. A
//! `.netrc` knows host names only, so its entries are offered to what the user asked for on that
//! host, but after a redirect to another origin only over https on the usual port.

mod token;

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fmt;
use std::process::Stdio;
use std::str::FromStr;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use netrc::Netrc;
use tokio::process::Command;
use tokio::sync::Mutex;
use url::{Origin, Url};

use self::token::Tokens;
use crate::error::Known;
use crate::redact::without_userinfo;

pub(crate) use self::token::Grant;
pub use self::token::Token;

/// How long the keyring may take; it may have to ask the user for its own password.
const KEYRING_PATIENCE: Duration = Duration::from_secs(60);

/// User names and passwords, each bound to the servers that may see it.
///
/// Their `Debug` form holds none of them.
#[derive(Default)]
pub struct Credentials {
    /// Behind a lock, since index addresses are met while others are being fetched.
    bound: RwLock<Vec<Bound>>,
    tokens: Tokens,
    netrc: BTreeMap<String, Login>,
    keyring: Option<Keyring>,
}

/// A `.netrc` that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid `.netrc`{}", .line.map(|line| format!(": line {line}")).unwrap_or_default())]
pub struct NetrcError {
    /// The line, where it is known. What stands there is not repeated: it may be a password.
    pub line: Option<u32>,
}

/// A user name and, mostly, a password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: Option<String>,
    pub(crate) from: Known,
}

#[derive(Clone)]
struct Bound {
    origin: Origin,
    /// Of several for one origin, the one whose path leads furthest towards a URL is meant for it.
    path: String,
    login: Login,
}

struct Keyring {
    program: OsString,
    /// What it answered, by address and user: it is asked once for each, one at a time.
    answers: Mutex<HashMap<(String, String), Option<String>>>,
}

impl Credentials {
    /// No credentials.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Binds a user name and password to the scheme, host and port of `url`.
    ///
    /// Where several are given for one origin, each serves the URLs below its path, and the first
    /// those that are below none.
    pub fn add(&self, url: &Url, user: &str, password: Option<&str>) {
        self.bind(
            url,
            Login {
                user: user.to_owned(),
                password: password.map(str::to_owned),
                from: Known::Settings,
            },
        );
    }

    fn bind(&self, url: &Url, login: Login) {
        let origin = url.origin();
        let mut path = url.path().to_owned();
        if !path.ends_with('/') {
            path.push('/');
        }
        let same = |bound: &&mut Bound| bound.origin == origin && bound.path == path;
        let mut known = self.bound.write().unwrap_or_else(PoisonError::into_inner);
        match known.iter_mut().find(same) {
            Some(bound) => bound.login = login,
            None => known.push(Bound {
                origin,
                path,
                login,
            }),
        }
    }

    /// Takes the user name and password of a URL, if it holds any that do not hold for it already.
    pub fn add_url(&self, url: &Url) {
        let Some(login) = Login::of(url) else { return };
        let known = self.bound_to(url).is_some_and(|bound| {
            bound.login.user == login.user
                && (login.password.is_none() || bound.login.password == login.password)
                && url.path().starts_with(&bound.path)
        });
        if !known {
            self.bind(url, login);
        }
    }

    /// Binds a token to everything below a URL: its scheme, host, port and path, up to the end of a
    /// path's part. Of several that hold for a URL the one with the longest path is sent. After a
    /// redirect to another origin none is.
    pub fn add_token(&self, below: &Url, token: Token) {
        self.tokens.add(below, token);
    }

    /// Takes the entries of a `.netrc`.
    ///
    /// # Errors
    /// [`NetrcError`] if it is malformed.
    pub fn add_netrc(&mut self, text: &str) -> Result<(), NetrcError> {
        let netrc = Netrc::from_str(text).map_err(|error| {
            let message = error.to_string();
            let line = message.rsplit_once("(line ").map(|(_, line)| line);
            NetrcError {
                line: line.and_then(|line| line.trim_end_matches(')').parse().ok()),
            }
        })?;
        self.netrc
            .extend(netrc.hosts.into_iter().map(|(host, entry)| {
                let login = Login {
                    user: entry.login,
                    password: Some(entry.password),
                    from: Known::Netrc,
                };
                (host.to_ascii_lowercase(), login)
            }));
        Ok(())
    }

    /// Asks this program (`keyring`) as `PROGRAM get URL USER` for passwords of known users.
    pub fn use_keyring(&mut self, program: impl Into<OsString>) {
        self.keyring = Some(Keyring {
            program: program.into(),
            answers: Mutex::default(),
        });
    }

    /// What to send to `url`; `redirected` says that another origin pointed there.
    pub(crate) async fn grant(&self, url: &Url, redirected: bool) -> Option<Grant> {
        if Login::of(url).is_none()
            && !redirected
            && let Some(token) = self.tokens.of(url)
        {
            return Some(Grant::Token(token));
        }
        let mut login = self.lookup(url, redirected)?;
        if login.password.is_none() {
            login.password = self.ask_keyring(url, &login.user).await;
            if login.password.is_some() {
                login.from = Known::Keyring;
            }
        }
        Some(Grant::Login(login))
    }

    /// The `Authorization` header that a request to `url` carries. It is a secret.
    pub async fn authorization(&self, url: &Url) -> Option<String> {
        Some(self.grant(url, false).await?.header())
    }

    fn lookup(&self, url: &Url, redirected: bool) -> Option<Login> {
        let netrc = || {
            let trusted = !redirected || (url.scheme() == "https" && url.port().is_none());
            let host = url.host_str()?.to_ascii_lowercase();
            let default = || self.netrc.get("default").filter(|_| !redirected);
            trusted.then(|| self.netrc.get(&host).or_else(default))?
        };
        let Some(login) = Login::of(url).or_else(|| self.bound_to(url).map(|bound| bound.login))
        else {
            return netrc().cloned();
        };
        if login.password.is_some() {
            return Some(login);
        }
        let known = netrc().filter(|known| known.user == login.user);
        Some(known.cloned().unwrap_or(login))
    }

    /// The password that the keyring holds for a login without one: by the address that the login is
    /// bound to, else by the first one of that server that is asked for, then by the host.
    async fn ask_keyring(&self, url: &Url, user: &str) -> Option<String> {
        let keyring = self.keyring.as_ref()?;
        let mut service = url.clone();
        without_userinfo(&mut service);
        service.set_query(None);
        service.set_fragment(None);
        let realm = match self.bound_to(url) {
            Some(bound) => {
                service.set_path(&bound.path);
                service.to_string()
            }
            None => url.origin().ascii_serialization(),
        };
        let services = [service.to_string(), url.host_str()?.to_owned()];
        keyring.password(realm, &services, user).await
    }

    fn bound_to(&self, url: &Url) -> Option<Bound> {
        let origin = url.origin();
        let known = self.bound.read().unwrap_or_else(PoisonError::into_inner);
        let same_origin = || known.iter().filter(|bound| bound.origin == origin);
        same_origin()
            .filter(|bound| url.path().starts_with(&bound.path))
            .max_by_key(|bound| bound.path.len())
            .or_else(|| same_origin().next())
            .cloned()
    }
}

impl Login {
    /// What a URL itself holds.
    pub(crate) fn of(url: &Url) -> Option<Self> {
        if url.username().is_empty() && url.password().is_none() {
            return None;
        }
        Some(Self {
            user: percent_decoded(url.username()),
            password: url.password().map(percent_decoded),
            from: Known::Url,
        })
    }
}

impl Keyring {
    /// What the first of `services` with an answer says; asked once for each realm and user.
    async fn password(&self, realm: String, services: &[String], user: &str) -> Option<String> {
        let mut answers = self.answers.lock().await;
        let key = (realm, user.to_owned());
        if let Some(known) = answers.get(&key) {
            return known.clone();
        }
        let mut password = None;
        for service in services {
            password = self.ask(service, user).await;
            if password.is_some() {
                break;
            }
        }
        answers.insert(key, password.clone());
        password
    }

    async fn ask(&self, service: &str, user: &str) -> Option<String> {
        let run = Command::new(&self.program)
            .args(["get", service, user])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .output();
        let answer = match tokio::time::timeout(KEYRING_PATIENCE, run).await {
            Ok(Ok(output)) if output.status.success() => String::from_utf8(output.stdout).ok(),
            // Not installed, nothing known, or no answer: the server's refusal says the rest.
            _ => None,
        };
        answer
            .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
            .filter(|text| !text.is_empty())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("tokens", &self.tokens.len())
            .field("netrc", &self.netrc.len())
            .field("keyring", &self.keyring.is_some())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(..)")
    }
}

/// Userinfo without its percent-encoding; bytes that are not UTF-8 stay encoded.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let decoded = match (first, tail) {
            (b'%', [high, low, ..]) => nibble(*high).zip(nibble(*low)),
            _ => None,
        };
        rest = match decoded {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                &tail[2..]
            }
            None => {
                bytes.push(*first);
                tail
            }
        };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn nibble(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    fn found(credentials: &Credentials, text: &str, redirected: bool) -> String {
        match credentials.lookup(&url(text), redirected) {
            None => "nothing".into(),
            Some(login) => format!("{}:{}", login.user, login.password.unwrap_or_default()),
        }
    }

    #[test]
    fn they_are_bound_to_scheme_host_and_port() {
        let credentials = Credentials::new();
        credentials.add_url(&url("https://me:p%40ss@h.example/simple"));
        let found = |text| found(&credentials, text, true);
        assert_eq!(found("https://h.example/files/a.whl"), "me:p@ss");
        assert_eq!(found("https://h.example:443/"), "me:p@ss");
        for other in [
            "http://h.example/",
            "https://h.example:8443/",
            "https://sub.h.example/",
            "https://example/",
        ] {
            assert_eq!(found(other), "nothing", "{other}");
        }
    }

    #[test]
    fn the_longest_path_is_meant() {
        let credentials = Credentials::new();
        credentials.add(&url("https://h.example/a"), "a", Some("1"));
        credentials.add(&url("https://h.example/a/b/"), "b", Some("2"));
        let found = |text| found(&credentials, text, false);
        assert_eq!(found("https://h.example/a/x"), "a:1");
        assert_eq!(found("https://h.example/a/b/x"), "b:2");
        assert_eq!(found("https://h.example/ab/x"), "a:1");
        assert_eq!(found("https://c:3@h.example/a/b/x"), "c:3");
    }

    #[test]
    fn a_netrc_serves_its_hosts_but_not_whoever_redirects() {
        let mut credentials = Credentials::new();
        credentials
            .add_netrc("machine h.example login me password secret\ndefault login any password x\n")
            .expect("is read");
        assert_eq!(
            found(&credentials, "http://h.example:8080/", false),
            "me:secret"
        );
        assert_eq!(found(&credentials, "https://h.example/", true), "me:secret");
        assert_eq!(
            found(&credentials, "http://h.example:8080/", true),
            "nothing"
        );
        assert_eq!(found(&credentials, "https://o.example/", false), "any:x");
        assert_eq!(found(&credentials, "https://o.example/", true), "nothing");
        assert_eq!(
            found(&credentials, "https://me@h.example/", false),
            "me:secret"
        );
        assert_eq!(found(&credentials, "https://you@h.example/", false), "you:");
    }

    #[test]
    fn nothing_secret_is_printed() {
        let mut credentials = Credentials::new();
        credentials.add_url(&url("https://me:hush@h.example/"));
        let error = credentials
            .add_netrc("machine h.example hush hush")
            .expect_err("is refused");
        let login = credentials.lookup(&url("https://h.example"), false);
        let shown = format!("{credentials:?} {login:?} {error:?} {error}");
        assert!(!shown.contains("hush"), "{shown}");
        insta::assert_snapshot!(error, @"not a valid `.netrc`: line 1");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_keyring_is_asked_once_by_url_then_by_host() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("keyring");
        let script = "#!/bin/sh\necho \"$@\" >> \"$0.log\"\n[ \"$2\" = h.example ] && echo hush\n";
        std::fs::write(&program, script).expect("writes");
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("sets");

        let mut credentials = Credentials::new();
        credentials.use_keyring(&program);
        credentials.add_url(&url("https://me@h.example/simple/"));
        for _ in 0..2 {
            for asked in [
                "https://me@h.example/simple/a/?x=1",
                "https://me@h.example/simple/b/",
            ] {
                let asked = url(asked);
                credentials.add_url(&asked);
                let password = credentials.ask_keyring(&asked, "me").await;
                assert_eq!(password.as_deref(), Some("hush"));
            }
        }
        let log = || std::fs::read_to_string(folder.path().join("keyring.log")).expect("reads");
        assert_eq!(
            log(),
            "get https://h.example/simple/ me\nget h.example me\n"
        );
        for asked in ["https://you@i.example/a.whl", "https://you@i.example/b.whl"] {
            assert_eq!(credentials.ask_keyring(&url(asked), "you").await, None);
        }
        let log = log();
        let others: Vec<&str> = log.lines().skip(2).collect();
        assert_eq!(
            others,
            ["get https://i.example/a.whl you", "get i.example you"]
        );
    }
}
