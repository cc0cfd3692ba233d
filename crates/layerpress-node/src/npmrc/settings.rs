//! What is asked of npm's settings.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::{Npmrc, NpmrcError, Origin, Setting, below_home, default_registry};
use crate::place::Peers;
use crate::registry::{RegistryOptions, ReplaceHost};

/// What is left out of a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Omit {
    /// What only developers need.
    Dev,
    /// What can be done without.
    Optional,
    /// What is expected beside a package.
    Peer,
}

/// The proxy that the settings name.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// The one for everything: `https-proxy`, else `proxy`.
    pub address: Option<String>,
    /// Hosts and domains that are reached without one (`noproxy`), whoever named it.
    pub without: Vec<String>,
}

impl std::fmt::Debug for Proxies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxies").finish_non_exhaustive()
    }
}

impl Npmrc {
    /// Which registries are asked and for what, at the time `now`.
    ///
    /// # Errors
    /// [`NpmrcError`] if an address, a date or a number of days is none. Asking another registry than
    /// the one that was meant would be worse than stopping.
    pub fn registry_options(&self, now: Timestamp) -> Result<RegistryOptions, NpmrcError> {
        let registry = match self.setting("registry").filter(|set| set.text().is_some()) {
            Some(setting) => setting.address("registry")?,
            None => default_registry(),
        };
        let mut scopes = BTreeMap::new();
        for (scope, key) in self.scopes() {
            if let Some(setting) = self.setting(&key).filter(|set| set.text().is_some()) {
                scopes.insert(scope, setting.address(&key)?);
            }
        }
        let exempt = self.setting("min-release-age-exclude");
        let exempt = exempt.map(|setting| setting.list().to_vec());
        Ok(RegistryOptions {
            registry,
            scopes,
            before: self.before(now)?,
            before_exempt: exempt.unwrap_or_default(),
            replace_host: self.replaced_host(),
        })
    }

    /// A switch, such as `engine-strict` or `legacy-peer-deps`; `None` when nobody sets it.
    #[must_use]
    pub fn switch(&self, key: &str) -> Option<bool> {
        self.all(key).find_map(|setting| match setting.text() {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        })
    }

    /// The mirror for what a package's install script downloads: `better_sqlite3_binary_host`, or the
    /// same with `_mirror` after it (prebuild-install `util.js`, node-pre-gyp `lib/util/versioning.js`).
    #[must_use]
    pub fn binary_host(&self, package: &str) -> Option<&str> {
        let plain = |text: &str| -> String {
            let word = |c: char| match c.is_ascii_alphanumeric() {
                true => c.to_ascii_lowercase(),
                false => '_',
            };
            text.trim_start_matches('@').chars().map(word).collect()
        };
        let name = plain(package);
        let keys = [
            format!("{name}_binary_host"),
            format!("{name}_binary_host_mirror"),
        ];
        self.layers.iter().find_map(|layer| {
            keys.iter().find_map(|key| {
                let mut settings = layer.settings.iter().rev();
                let (_, value) = settings.find(|(name, _)| plain(name) == *key)?;
                Setting { value, layer }.text()
            })
        })
    }

    /// What becomes of peers: `legacy-peer-deps` goes before `strict-peer-deps`.
    #[must_use]
    pub fn peers(&self) -> Peers {
        match (
            self.switch("legacy-peer-deps"),
            self.switch("strict-peer-deps"),
        ) {
            (Some(true), _) => Peers::Left,
            (_, Some(true)) => Peers::Strict,
            _ => Peers::Installed,
        }
    }

    /// What is left out; `None` when no setting says so. What `include` names never is.
    #[must_use]
    pub fn omitted(&self) -> Option<BTreeSet<Omit>> {
        let named = |key: &str| -> Option<BTreeSet<Omit>> {
            let list = self.setting(key)?.list();
            Some(list.iter().filter_map(|text| kind(text)).collect())
        };
        let mut omitted = named("omit");
        let production = self.switch("production") == Some(true)
            || self
                .setting("only")
                .and_then(|set| set.text())
                .is_some_and(|only| only.starts_with("prod"));
        if production {
            omitted.get_or_insert_default().insert(Omit::Dev);
        }
        if self.switch("optional") == Some(false) {
            omitted.get_or_insert_default().insert(Omit::Optional);
        }
        let included = named("include").unwrap_or_default();
        if self.switch("dev") == Some(true) {
            omitted.get_or_insert_default().remove(&Omit::Dev);
        }
        if let Some(omitted) = &mut omitted {
            omitted.retain(|kind| !included.contains(kind));
        } else if included.contains(&Omit::Dev) {
            return Some(BTreeSet::new());
        }
        omitted
    }

    /// The proxy, where a setting names one.
    #[must_use]
    pub fn proxies(&self) -> Proxies {
        let address = |key| {
            let text = self.setting(key)?.text()?;
            (text != "false" && text != "true").then(|| text.to_owned())
        };
        let without = self
            .setting("noproxy")
            .into_iter()
            .flat_map(|setting| setting.list());
        let without = without.flat_map(|text| text.split(',')).map(str::trim);
        Proxies {
            address: address("https-proxy").or_else(|| address("proxy")),
            without: without
                .filter(|host| !host.is_empty())
                .map(str::to_owned)
                .collect(),
        }
    }

    /// The certificates that are trusted beside the system's, each a PEM bundle: `ca` and what
    /// stands in `cafile`, which has the last word.
    ///
    /// # Errors
    /// [`NpmrcError::Read`] if `cafile` is there and cannot be read; one that is missing is passed
    /// over, as by npm.
    pub fn certificates(&self) -> Result<Vec<Vec<u8>>, NpmrcError> {
        if let Some(setting) = self.setting("cafile")
            && let Some(text) = setting.text()
        {
            let path = self.path(&setting, text);
            return match fs::read(&path) {
                Ok(bundle) => Ok(vec![bundle]),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
                Err(source) => Err(NpmrcError::Read { path, source }),
            };
        }
        let texts = self
            .setting("ca")
            .filter(|set| set.text().is_some() || set.list().len() > 1);
        let texts = texts.into_iter().flat_map(|setting| setting.list());
        Ok(texts
            .map(|text| text.replace("\\n", "\n").into_bytes())
            .collect())
    }

    /// The hosts (`name:port`) whose certificates are not checked: those of the registries, where
    /// `strict-ssl` is switched off.
    #[must_use]
    pub fn trusted_hosts(&self) -> Vec<String> {
        if self.switch("strict-ssl") != Some(false) {
            return Vec::new();
        }
        let keys = self
            .scopes()
            .map(|(_, key)| key)
            .chain(["registry".to_owned()]);
        let mut hosts = BTreeSet::new();
        for key in keys {
            let Some(setting) = self.setting(&key) else {
                continue;
            };
            if let Ok(url) = setting.address(&key)
                && let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default())
            {
                hosts.insert(format!("{host}:{port}"));
            }
        }
        hosts.into_iter().collect()
    }

    /// The moment after which versions are too new: `before`, or `min-release-age` days ago; of the
    /// two the one whose origin counts more, in one origin `before`.
    fn before(&self, now: Timestamp) -> Result<Option<Timestamp>, NpmrcError> {
        let (date, age) = (self.setting("before"), self.setting("min-release-age"));
        let origin = |setting: &Option<Setting<'_>>| setting.as_ref().map(|set| set.layer.origin);
        let by_age = match (origin(&date), origin(&age)) {
            (Some(date), Some(age)) => age < date,
            (None, Some(_)) => true,
            _ => false,
        };
        let setting = if by_age { age } else { date };
        let Some(setting) = setting else {
            return Ok(None);
        };
        let Some(text) = setting.text() else {
            return Ok(None);
        };
        let (place, found) = (setting.place(), text.to_owned());
        if !by_age {
            let key = "before".to_owned();
            return match timestamp(text) {
                Some(time) => Ok(Some(time)),
                None => Err(NpmrcError::Date { place, key, found }),
            };
        }
        let key = "min-release-age".to_owned();
        let days = text
            .parse::<f64>()
            .ok()
            .filter(|days| days.is_finite() && *days >= 0.0);
        let Some(days) = days else {
            return Err(NpmrcError::Days { place, key, found });
        };
        if days == 0.0 {
            return Ok(None);
        }
        let age = SignedDuration::try_from_secs_f64(days * 86_400.0).ok();
        match age.and_then(|age| now.checked_sub(age).ok()) {
            Some(time) => Ok(Some(time)),
            None => Err(NpmrcError::Days { place, key, found }),
        }
    }

    fn replaced_host(&self) -> ReplaceHost {
        match self
            .setting("replace-registry-host")
            .and_then(|setting| setting.text())
        {
            None | Some("npmjs") => ReplaceHost::Npm,
            Some("never") => ReplaceHost::Never,
            Some("always") => ReplaceHost::Always,
            Some(host) => ReplaceHost::Host(host.to_owned()),
        }
    }

    /// The scopes that have a registry of their own, and the setting that names it.
    pub(super) fn scopes(&self) -> impl Iterator<Item = (String, String)> {
        let settings = self.layers.iter().flat_map(|layer| &layer.settings);
        let scopes: BTreeMap<String, String> = settings
            .filter_map(|(key, _)| {
                let scope = key
                    .strip_suffix(":registry")
                    .filter(|scope| scope.starts_with('@'))?;
                Some((scope.to_owned(), key.clone()))
            })
            .collect();
        scopes.into_iter()
    }

    /// A path in a setting: below the home folder, or relative to its file.
    fn path(&self, setting: &Setting<'_>, text: &str) -> PathBuf {
        below_home(text, self.home.as_deref()).unwrap_or_else(|| {
            let folder = match setting.layer.origin {
                Origin::Environment => None,
                _ => setting.layer.path.parent(),
            };
            folder.unwrap_or(Path::new("")).join(text)
        })
    }
}

impl Setting<'_> {
    /// The address of a registry, with a slash at its end.
    pub(super) fn address(&self, key: &str) -> Result<Url, NpmrcError> {
        let text = self.text().unwrap_or_default();
        let wrong = |cause: &str| NpmrcError::Registry {
            place: self.place(),
            key: key.to_owned(),
            cause: cause.to_owned(),
        };
        if let Some((_, rest)) = text.split_once("${") {
            return Err(NpmrcError::Variable {
                place: self.place(),
                key: key.to_owned(),
                variable: rest.split('}').next().unwrap_or_default().to_owned(),
            });
        }
        let mut url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(wrong("it is neither `https` nor `http`"));
        }
        url.set_fragment(None);
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        Ok(url)
    }
}

fn kind(text: &str) -> Option<Omit> {
    match text {
        "dev" => Some(Omit::Dev),
        "optional" => Some(Omit::Optional),
        "peer" => Some(Omit::Peer),
        _ => None,
    }
}

/// A moment as JavaScript's `Date` reads the forms that people use: a day (at midnight, UTC), or
/// a day and a time with its offset.
fn timestamp(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let day = match text.parse::<Date>() {
        Ok(day) => DateTime::from(day),
        Err(_) => text.parse::<DateTime>().ok()?,
    };
    TimeZone::UTC.to_timestamp(day).ok()
}
