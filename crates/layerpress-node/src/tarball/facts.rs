//! [`Facts`]: what the package.json inside a tarball says that matters after unpacking.

use std::collections::BTreeSet;

use rkyv::rancor;
use rkyv::util::AlignedVec;

use crate::json::Json;
use crate::manifest::{Pairs, clean_bin};

/// Part of what is kept: notes of another shape are not read.
const FORMAT: u32 = 1;

/// What the package.json inside a tarball says; npm's registry may say otherwise.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct Facts {
    /// The package's name, as written.
    pub name: Option<String>,
    /// Its version, as written.
    pub version: Option<String>,
    /// What npm would run after unpacking.
    pub scripts: Scripts,
    /// The commands: their names and files, which stay inside the package.
    pub bin: Vec<(String, String)>,
    /// The operating systems it is for; `!` before those it is not for. Empty for all.
    pub os: Vec<String>,
    /// The processors, likewise.
    pub cpu: Vec<String>,
    /// The C libraries, likewise.
    pub libc: Vec<String>,
    /// Whether its `.js` files are ES modules (`"type": "module"`).
    pub is_module: bool,
    /// The names of its dependencies but for the optional ones, sorted.
    pub dependencies: Vec<String>,
    /// The names of its optional dependencies, sorted.
    pub optional_dependencies: Vec<String>,
}

/// The scripts that npm would run after unpacking a package; never empty texts.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct Scripts {
    /// `preinstall`.
    pub preinstall: Option<String>,
    /// `install`; `node-gyp rebuild` where npm would run that because there is a `binding.gyp` and
    /// nothing else to run.
    pub install: Option<String>,
    /// `postinstall`.
    pub postinstall: Option<String>,
}

/// A package in the `node_modules` of another one's tarball.
#[derive(Debug, Clone, PartialEq, Eq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct Bundled {
    /// The folder, relative to the package that bundles it: `node_modules/a/node_modules/@s/b`.
    pub location: String,
    /// What its own package.json says.
    pub package: Facts,
}

/// All that is kept beside a pressed tarball.
#[derive(Debug, Default, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub(super) struct Notes {
    pub(super) package: Facts,
    pub(super) bundled: Vec<Bundled>,
    pub(super) warnings: Vec<String>,
}

impl Notes {
    pub(super) fn write(&self) -> Vec<u8> {
        let mut bytes = FORMAT.to_le_bytes().to_vec();
        // Only notes larger than memory cannot be written; empty ones are made again.
        bytes.extend_from_slice(&rkyv::to_bytes::<rancor::Error>(self).unwrap_or_default());
        bytes
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let notes = bytes.strip_prefix(&FORMAT.to_le_bytes())?;
        let mut aligned = AlignedVec::<16>::new();
        aligned.extend_from_slice(notes);
        rkyv::from_bytes::<Self, rancor::Error>(&aligned).ok()
    }
}

impl Facts {
    /// Reads what it can of a package.json: fields of the wrong kind are passed over. `has_gyp` says
    /// that a `binding.gyp` lies beside it.
    ///
    /// # Errors
    /// What is no JSON.
    pub fn parse(text: &[u8], has_gyp: bool) -> Result<Self, serde_json::Error> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let json: Json<'_> = serde_json::from_slice(text)?;
        let owned = |field: &str| json.get(field).text().map(str::to_owned);
        let name = owned("name");
        let list = |field| json.get(field).texts().into_iter().map(str::to_owned);
        let bin = match json.get("bin") {
            // Without a `bin` npm takes all files of `directories.bin`, which no script needs here.
            bin @ (Json::Text(_) | Json::Object(_)) => bin.bin(name.as_deref()),
            _ => Pairs::new(),
        };
        let names = |field| {
            let names = json.get(field).entries().map(|(name, _)| name.to_owned());
            names.collect::<BTreeSet<_>>()
        };
        let optional = names("optionalDependencies");
        // Many manifests list optional ones twice.
        let dependencies = &names("dependencies") - &optional;
        Ok(Self {
            version: owned("version"),
            scripts: scripts(&json, has_gyp),
            bin: owned_pairs(&bin),
            os: list("os").collect(),
            cpu: list("cpu").collect(),
            libc: list("libc").collect(),
            is_module: json.get("type").text() == Some("module"),
            dependencies: dependencies.into_iter().collect(),
            optional_dependencies: optional.into_iter().collect(),
            name,
        })
    }
}

impl Scripts {
    /// The scripts in the order in which npm would run them, with their names.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("preinstall", &self.preinstall),
            ("install", &self.install),
            ("postinstall", &self.postinstall),
        ]
        .into_iter()
        .filter_map(|(name, script)| Some((name, script.as_deref()?)))
    }

    /// Whether npm would run nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

fn scripts(json: &Json<'_>, has_gyp: bool) -> Scripts {
    let script = |name| {
        let text = json.get("scripts").get(name).text()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let mut scripts = Scripts {
        preinstall: script("preinstall"),
        install: script("install"),
        postinstall: script("postinstall"),
    };
    // @npmcli/node-gyp and normalize-package-data: only where neither script is given.
    let gyp = has_gyp && *json.get("gypfile") != Json::Bool(false);
    if gyp && scripts.install.is_none() && scripts.preinstall.is_none() {
        scripts.install = Some("node-gyp rebuild".to_owned());
    }
    scripts
}

fn owned_pairs(pairs: &Pairs) -> Vec<(String, String)> {
    let all = pairs.iter().map(|(name, path)| (&**name, &**path));
    clean_bin(all)
        .iter()
        .map(|(name, path)| (name.to_string(), path.to_string()))
        .collect()
}
