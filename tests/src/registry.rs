//! [`LoopbackRegistry`]: an npm registry on 127.0.0.1 that can misbehave.
//!
//! It has the ways of real registries: full and abbreviated packuments by `Accept`, the documents of
//! single versions and tags, `dist-tags`, `time` and `modified`, deprecations, ETags,
//! `Cache-Control`, gzip, scopes with an escaped slash, logins by token or password.

mod answer;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::loopback::{Answer, Loopback, Request, Site};
use crate::npm_package::BuiltTarball;

/// An npm registry on 127.0.0.1; it ends with the value.
pub type LoopbackRegistry = Loopback<NpmRegistry>;

/// What the registry holds, and its ways.
#[derive(Debug)]
pub struct NpmRegistry {
    features: RegistryFeatures,
    packages: BTreeMap<String, Published>,
    /// What else its host serves, by path.
    files: BTreeMap<String, Vec<u8>>,
}

/// A package's versions in the order in which they came, and its tags.
#[derive(Debug, Default)]
struct Published {
    versions: Vec<BuiltTarball>,
    tags: BTreeMap<String, String>,
}

/// Which of a real registry's ways it has; all by default but a login and a path.
#[derive(Debug, Clone)]
pub struct RegistryFeatures {
    /// Abbreviated packuments, where asked for.
    pub abbreviated: bool,
    /// The documents of single versions.
    pub versions: bool,
    /// `time` in full packuments.
    pub time: bool,
    /// ETags, and 304 for those who know them.
    pub etags: bool,
    /// The value of `Cache-Control` on packuments.
    pub cache_control: Option<String>,
    /// Compressed packuments.
    pub gzip: bool,
    /// Which digests `dist` tells.
    pub digests: Digests,
    /// The folder that the registry lies in: `/team`; empty for the host's root.
    pub path: String,
    /// Where tarballs are said to be, if not here: `http://127.0.0.1:1234`.
    pub tarballs_at: Option<String>,
    /// Without which nothing is served.
    pub login: Option<Login>,
}

/// Digests of a tarball.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digests {
    /// `integrity` with SHA-512, and `shasum`.
    Both,
    /// `shasum` alone: what was published before 2017.
    Sha1,
}

/// Who may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// Who has this token.
    Token(String),
    /// Who knows this user's password.
    Password(String, String),
}

impl Login {
    /// The value of `Authorization` that lets in.
    fn header(&self) -> String {
        match self {
            Self::Token(token) => format!("Bearer {token}"),
            Self::Password(user, password) => {
                format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
            }
        }
    }
}

impl Default for RegistryFeatures {
    fn default() -> Self {
        Self {
            abbreviated: true,
            versions: true,
            time: true,
            etags: true,
            cache_control: Some("public, max-age=300".to_owned()),
            gzip: true,
            digests: Digests::Both,
            path: String::new(),
            tarballs_at: None,
            login: None,
        }
    }
}

impl Site for NpmRegistry {
    fn answer(&self, request: &Request) -> Answer {
        answer::right(self, request)
    }
}

impl LoopbackRegistry {
    /// An empty registry.
    ///
    /// # Panics
    ///
    /// If no port can be had.
    pub fn start() -> Self {
        Self::with(RegistryFeatures::default())
    }

    /// An empty registry with some ways of its own.
    ///
    /// # Panics
    ///
    /// If no port can be had.
    pub fn with(features: RegistryFeatures) -> Self {
        Self::serving(NpmRegistry {
            features,
            packages: BTreeMap::new(),
            files: BTreeMap::new(),
        })
    }

    /// Publishes packages; `latest` is then the last one of each name that is no prerelease, or the
    /// last one where all are.
    pub fn publish(&self, packages: impl IntoIterator<Item = BuiltTarball>) -> &Self {
        self.change(|registry| {
            for package in packages {
                let published = registry.packages.entry(package.name.clone()).or_default();
                let version = package.version.clone();
                let latest = published.tags.get("latest");
                if !version.contains('-') || latest.is_none_or(|latest| latest.contains('-')) {
                    published.tags.insert("latest".to_owned(), version);
                }
                published.versions.push(package);
            }
        })
    }

    /// Serves bytes that are no package's at a path below its address.
    pub fn serve(&self, path: &str, bytes: &[u8]) -> &Self {
        self.change(|registry| {
            registry.files.insert(path.to_owned(), bytes.to_vec());
        })
    }

    /// Gives a version a tag.
    pub fn tag(&self, name: &str, tag: &str, version: &str) -> &Self {
        self.change(|registry| {
            let published = registry.packages.entry(name.to_owned()).or_default();
            published.tags.insert(tag.to_owned(), version.to_owned());
        })
    }

    /// Changes its ways.
    pub fn reform(&self, reform: impl FnOnce(&mut RegistryFeatures)) -> &Self {
        self.change(|registry| reform(&mut registry.features))
    }

    /// The address of the registry, as `--registry` takes it.
    pub fn url(&self) -> String {
        let mut path = String::new();
        self.change(|registry| path.clone_from(&registry.features.path));
        format!("http://{}{path}/", self.address())
    }

    /// The same as `.npmrc` writes credentials for it: `//127.0.0.1:1234/`.
    pub fn nerf_dart(&self) -> String {
        self.url().replace("http:", "")
    }

    /// The address of a package's tarball.
    pub fn tarball_url(&self, package: &BuiltTarball) -> String {
        format!("{}{}/-/{}", self.url(), package.name, package.file_name())
    }
}
