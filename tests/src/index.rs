//! [`LoopbackIndex`]: a package index on 127.0.0.1 that can misbehave.
//!
//! It has the ways of real indexes: PEP 503 HTML and PEP 691 JSON by negotiation, PEP 700 sizes and
//! upload times, PEP 658 metadata, ETags, `Cache-Control: max-age=600`, gzip, range requests. A
//! [`Fault`] takes the place of the right answer where a test says so, and every request is logged.

mod answer;

use std::collections::BTreeMap;

use crate::loopback::{Answer, Loopback, Request, Site};
use crate::package::{BuiltPackage, Wheel};

/// A package index on 127.0.0.1; it ends with the value.
pub type LoopbackIndex = Loopback<PackageIndex>;

/// What the index holds, and its ways.
#[derive(Debug)]
pub struct PackageIndex {
    features: IndexFeatures,
    projects: BTreeMap<String, Vec<BuiltPackage>>,
}

/// Which of a real index's ways it has; all by default but a login.
#[derive(Debug, Clone)]
pub struct IndexFeatures {
    /// PEP 691 JSON, where asked for.
    pub json: bool,
    /// PEP 503 HTML.
    pub html: bool,
    /// METADATA beside each wheel, and announced (PEP 658 and 714).
    pub core_metadata: bool,
    /// ETags, and 304 for those who know them.
    pub etags: bool,
    /// The value of `Cache-Control` on pages.
    pub cache_control: Option<String>,
    /// Compressed pages.
    pub gzip: bool,
    /// Answers to range requests.
    pub ranges: bool,
    /// Digests in file URLs and JSON.
    pub hashes: bool,
    /// The user and password without which nothing is served.
    pub login: Option<(String, String)>,
}

impl Default for IndexFeatures {
    fn default() -> Self {
        Self {
            json: true,
            html: true,
            core_metadata: true,
            etags: true,
            cache_control: Some("max-age=600, public".to_owned()),
            gzip: true,
            ranges: true,
            hashes: true,
            login: None,
        }
    }
}

impl Site for PackageIndex {
    fn answer(&self, request: &Request) -> Answer {
        answer::right(self, request)
    }
}

impl LoopbackIndex {
    /// An empty index.
    ///
    /// # Panics
    ///
    /// If no port can be had.
    pub fn start() -> Self {
        Self::with(IndexFeatures::default())
    }

    /// An index of some packages.
    ///
    /// # Panics
    ///
    /// If no port can be had.
    pub fn of(packages: impl IntoIterator<Item = BuiltPackage>) -> Self {
        let index = Self::start();
        index.add(packages);
        index
    }

    /// `app` 1.0 and 2.0, of which the newer needs `library`, 1.5 of which is the newest below 2.
    ///
    /// # Panics
    ///
    /// If no port can be had.
    pub fn small_world() -> Self {
        Self::of([
            Wheel::new("app", "1.0").build(),
            Wheel::new("app", "2.0").requires("library<2").build(),
            Wheel::new("library", "1.0").build(),
            Wheel::new("library", "1.5").build(),
            Wheel::new("library", "2.0").build(),
            Wheel::new("library", "1.9a1").build(),
        ])
    }

    /// An empty index with some ways of its own.
    ///
    /// # Panics
    ///
    /// If no port can be had.
    pub fn with(features: IndexFeatures) -> Self {
        Self::serving(PackageIndex {
            features,
            projects: BTreeMap::new(),
        })
    }

    /// Adds packages.
    pub fn add(&self, packages: impl IntoIterator<Item = BuiltPackage>) -> &Self {
        self.change(|index| {
            for package in packages {
                let versions = index.projects.entry(package.name.clone());
                versions.or_default().push(package);
            }
        })
    }

    /// The address of the index's root, as `--index-url` takes it.
    pub fn url(&self) -> String {
        format!("http://{}/simple/", self.address())
    }

    /// The same with a user and a password in it.
    pub fn url_with_login(&self, user: &str, password: &str) -> String {
        format!("http://{user}:{password}@{}/simple/", self.address())
    }

    /// The address of a file.
    pub fn file_url(&self, file_name: &str) -> String {
        format!("http://{}/files/{file_name}", self.address())
    }
}
