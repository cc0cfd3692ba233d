//! [`PrebuiltPins`]: the file beside a lockfile that pins what was downloaded.
//!
//! ```json
//! {
//!   "version": 1,
//!   "prebuilt": [
//!     {
//!       "package": "better-sqlite3",
//!       "packageVersion": "11.10.0",
//!       "runtime": "nodejs22.x",
//!       "arch": "x86_64",
//!       "url": "https://…",
//!       "sha256": "64 hexadecimal digits"
//!     }
//!   ]
//! }
//! ```
//!
//! It is a file of its own: no lockfile has a place for it that its own tool would leave alone.

use std::collections::BTreeMap;

use layerpress_target::{Arch, Runtime, Target};
use layerpress_tree::Sha256;
use serde::{Deserialize, Serialize};
use url::Url;

/// The version of the form that is read and written.
const VERSION: u32 = 1;

/// What such a file pins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrebuiltPins(BTreeMap<Subject, PinnedBinary>);

/// Which package's machine code, for what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// The package's name, not an alias.
    pub package: String,
    /// Its version.
    pub version: String,
    /// What it is for.
    pub target: Target,
}

/// Where it came from and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinnedBinary {
    /// Where its tarball was, without credentials.
    pub url: Url,
    /// What the tarball hashes to.
    pub sha256: Sha256,
}

/// A file of pins that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrebuiltPinsError {
    /// No JSON, or not of the form.
    #[error("{file}:{line}:{column}: {problem}")]
    Form {
        /// The file.
        file: String,
        /// The line, from one.
        line: usize,
        /// The column, from one.
        column: usize,
        /// What is wrong.
        problem: String,
    },
    /// A newer form.
    #[error("{file}: version {version} is not known, only {VERSION} is")]
    Version {
        /// The file.
        file: String,
        /// What it says.
        version: u32,
    },
    /// A value that is none.
    #[error("{file}: `{package}`: `{value}` is no {kind}")]
    Value {
        /// The file.
        file: String,
        /// The package whose entry it is.
        package: String,
        /// What stands there.
        value: String,
        /// What should.
        kind: &'static str,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    prebuilt: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Entry {
    package: String,
    package_version: String,
    runtime: String,
    arch: String,
    url: String,
    sha256: String,
}

impl PrebuiltPins {
    /// Reads a file of pins, called `file` in messages.
    ///
    /// # Errors
    /// [`PrebuiltPinsError`] if it is not of the form.
    pub fn parse(file: &str, text: &[u8]) -> Result<Self, PrebuiltPinsError> {
        let read: File = serde_json::from_slice(text).map_err(|error| {
            let told = error.to_string();
            let problem = told.split(" at line ").next().unwrap_or_default();
            PrebuiltPinsError::Form {
                file: file.to_owned(),
                line: error.line(),
                column: error.column(),
                problem: problem.to_owned(),
            }
        })?;
        if read.version != VERSION {
            return Err(PrebuiltPinsError::Version {
                file: file.to_owned(),
                version: read.version,
            });
        }
        let mut pins = BTreeMap::new();
        for entry in read.prebuilt {
            let wrong = |value: &str, kind| PrebuiltPinsError::Value {
                file: file.to_owned(),
                package: entry.package.clone(),
                value: value.escape_default().to_string(),
                kind,
            };
            let runtime: Runtime = entry
                .runtime
                .parse()
                .map_err(|_| wrong(&entry.runtime, "runtime"))?;
            let arch: Arch = entry
                .arch
                .parse()
                .map_err(|_| wrong(&entry.arch, "architecture"))?;
            let url = Url::parse(&entry.url).ok();
            let web = |url: &Url| matches!(url.scheme(), "http" | "https");
            let url = url
                .filter(web)
                .ok_or_else(|| wrong(&entry.url, "address"))?;
            let sha256 = entry
                .sha256
                .parse()
                .map_err(|_| wrong(&entry.sha256, "sha256"))?;
            let subject = Subject {
                package: entry.package,
                version: entry.package_version,
                target: Target { runtime, arch },
            };
            pins.insert(subject, PinnedBinary { url, sha256 });
        }
        Ok(Self(pins))
    }

    /// What is pinned for a subject.
    #[must_use]
    pub fn get(&self, subject: &Subject) -> Option<&PinnedBinary> {
        self.0.get(subject)
    }

    /// Pins the machine code of a subject. Credentials of its address are left out.
    pub fn insert(&mut self, subject: Subject, mut pinned: PinnedBinary) {
        // Neither fails for an address of the web.
        let _ = pinned.url.set_username("");
        let _ = pinned.url.set_password(None);
        self.0.insert(subject, pinned);
    }

    /// Keeps what is pinned for some packages, by name and version, and forgets all else.
    pub fn retain(&mut self, keep: impl Fn(&str, &str) -> bool) {
        self.0
            .retain(|subject, _| keep(&subject.package, &subject.version));
    }

    /// Whether nothing is pinned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text of the file, its entries in order.
    #[must_use]
    pub fn text(&self) -> String {
        let entry = |(subject, pinned): (&Subject, &PinnedBinary)| Entry {
            package: subject.package.clone(),
            package_version: subject.version.clone(),
            runtime: subject.target.runtime.to_string(),
            arch: subject.target.arch.to_string(),
            url: pinned.url.to_string(),
            sha256: pinned.sha256.hex(),
        };
        let file = File {
            version: VERSION,
            prebuilt: self.0.iter().map(entry).collect(),
        };
        let text = serde_json::to_string_pretty(&file);
        format!("{}\n", text.expect("plain texts and numbers"))
    }
}
