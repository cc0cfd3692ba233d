//! [`Npmrc`]: npm's settings, as far as they bear on where packages come from and what is built.
//!
//! In come the texts of the project's, the user's and the machine's `.npmrc` and the variables of
//! the process, handed in; out come a [`Registry`](crate::registry::Registry)'s options, tokens for
//! the client, and a few switches. These count, with npm's meaning:
//!
//! - where packages come from: `registry`, `@scope:registry`, `replace-registry-host`, `before`,
//!   `min-release-age`, `min-release-age-exclude`;
//! - how they are fetched: `_authToken`, `_auth`, `username` and `_password` of a registry,
//!   `https-proxy`, `proxy`, `noproxy`, `ca`, `cafile`, `strict-ssl`;
//! - what is chosen: `legacy-peer-deps`, `strict-peer-deps`, `engine-strict`, `ignore-scripts`,
//!   `omit-lockfile-registry-resolved`;
//! - what is laid out: `omit`, `include`, `production`, `only`, `optional`. A layer is for production:
//!   what only developers need comes by `--dev` alone, whatever the settings include.
//!
//! All others are passed over quietly.
//!
//! A project may come from anybody. Its own file can choose registries, but not where the user's
//! tokens go: a token is bound to host and path as npm has it, and here to https too, unless a file
//! of the user's own names that registry by http.

mod error;
mod ini;
mod secrets;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use url::Url;

use self::ini::Value;

pub use error::NpmrcError;
pub use settings::{Omit, Proxies};

/// More than any `.npmrc`, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// npm's own registry, which is asked when nobody names another.
#[must_use]
pub fn default_registry() -> Url {
    static URL: LazyLock<Url> = LazyLock::new(|| {
        Url::parse(npmrc_config_rs::registry::DEFAULT_REGISTRY)
            .expect("the crate's constant is a URL")
    });
    URL.clone()
}

/// Where a setting comes from, the one that counts most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// A variable of the process, `npm_config_…`.
    Environment,
    /// The `.npmrc` beside the project's package.json.
    Project,
    /// The user's: `~/.npmrc`.
    User,
    /// The machine's: `etc/npmrc` where Node.js is installed.
    Global,
}

/// A file of settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NpmrcFile {
    /// Whose it is.
    pub origin: Origin,
    /// Where it is; paths in it are relative to its folder.
    pub path: PathBuf,
    /// What stands in it.
    pub text: String,
}

/// What npm's settings are looked for with.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The folder of the project's package.json.
    pub project: &'a Path,
    /// The user's home folder.
    pub home: Option<&'a Path>,
    /// The variables of the process.
    pub variables: &'a BTreeMap<String, String>,
}

/// npm's settings. Their `Debug` form holds no values, since tokens are among them.
#[derive(Clone, Default)]
pub struct Npmrc {
    /// What counts most first.
    layers: Vec<Layer>,
    home: Option<PathBuf>,
}

#[derive(Clone)]
struct Layer {
    origin: Origin,
    path: PathBuf,
    settings: Vec<(String, Value)>,
}

/// A setting and where it comes from.
#[derive(Clone, Copy)]
struct Setting<'n> {
    value: &'n Value,
    layer: &'n Layer,
}

impl Npmrc {
    /// Reads the files that there are: the project's, the user's (`npm_config_userconfig`, else
    /// `~/.npmrc`) and the machine's (`npm_config_globalconfig`, else `etc/npmrc` below npm's
    /// prefix, which is where `node` is installed unless it is set).
    ///
    /// # Errors
    /// [`NpmrcError::Read`] if a file is there and cannot be read.
    pub fn load(around: &Surroundings<'_>) -> Result<Self, NpmrcError> {
        let environment = environment(around.variables);
        let set = |key: &str| match environment.iter().find(|(name, _)| name == key) {
            Some((_, Value::Text(text))) => Some(around.below_home(text)),
            _ => None,
        };
        let user = set("userconfig").or_else(|| Some(around.home?.join(".npmrc")));
        let mut files = Vec::new();
        let project = around.project.join(".npmrc");
        if user.as_ref() != Some(&project) {
            files.extend(file(Origin::Project, project)?);
        }
        if let Some(user) = user {
            files.extend(file(Origin::User, user)?);
        }
        let global = set("globalconfig").or_else(|| {
            let prefix = set("prefix").or_else(|| around.prefix(&files))?;
            Some(prefix.join("etc/npmrc"))
        });
        if let Some(global) = global {
            files.extend(file(Origin::Global, global)?);
        }
        Ok(Self::new(files, around.variables, around.home))
    }

    /// The settings of these files, with `npm_config_…` among the variables before them all.
    #[must_use]
    pub fn new(
        files: impl IntoIterator<Item = NpmrcFile>,
        variables: &BTreeMap<String, String>,
        home: Option<&Path>,
    ) -> Self {
        let variable = |name: &str| variables.get(name).map(String::as_str);
        let put = |text: &str| ini::expanded(text, variable);
        let mut layers = vec![Layer {
            origin: Origin::Environment,
            path: PathBuf::new(),
            settings: environment(variables),
        }];
        layers.extend(files.into_iter().map(|file| Layer {
            origin: file.origin,
            settings: ini::parse(&file.text),
            path: file.path,
        }));
        for (key, value) in layers.iter_mut().flat_map(|layer| &mut layer.settings) {
            *key = put(key);
            match value {
                Value::Text(text) => *text = put(text.trim()),
                Value::List(list) => list.iter_mut().for_each(|text| *text = put(text.trim())),
            }
        }
        layers.sort_by_key(|layer| layer.origin);
        Self {
            layers,
            home: home.map(Path::to_owned),
        }
    }

    /// The settings of a key, what counts most first.
    fn all<'n>(&'n self, key: &'n str) -> impl Iterator<Item = Setting<'n>> {
        self.layers.iter().filter_map(move |layer| {
            let (_, value) = layer.settings.iter().rfind(|(name, _)| name == key)?;
            Some(Setting { value, layer })
        })
    }

    /// The setting that counts.
    fn setting<'n>(&'n self, key: &'n str) -> Option<Setting<'n>> {
        self.all(key).next()
    }
}

impl<'n> Setting<'n> {
    /// The one text; nothing for `null` and the empty text.
    fn text(&self) -> Option<&'n str> {
        match self.value {
            Value::Text(text) if !matches!(text.as_str(), "" | "null" | "undefined") => Some(text),
            _ => None,
        }
    }

    /// The texts of a list, or the one that stands in its place.
    fn list(&self) -> &'n [String] {
        match self.value {
            Value::Text(text) => std::slice::from_ref(text),
            Value::List(list) => list,
        }
    }

    fn place(&self) -> String {
        match self.layer.origin {
            Origin::Environment => "the environment".to_owned(),
            _ => self.layer.path.display().to_string(),
        }
    }
}

impl Surroundings<'_> {
    fn below_home(&self, path: &str) -> PathBuf {
        below_home(path, self.home).unwrap_or_else(|| self.project.join(path))
    }

    /// npm's prefix: the user's setting, else the folder above the one that holds `node`.
    fn prefix(&self, files: &[NpmrcFile]) -> Option<PathBuf> {
        if let Some(prefix) = self.variables.get("PREFIX") {
            return Some(prefix.into());
        }
        let user = files.iter().find(|file| file.origin == Origin::User);
        if let Some(user) = user {
            let own = Npmrc::new([user.clone()], self.variables, self.home);
            if let Some(prefix) = own.setting("prefix").and_then(|setting| setting.text()) {
                return Some(self.below_home(prefix));
            }
        }
        let path = self.variables.get("PATH")?;
        let programs = path.split(':').filter(|folder| !folder.is_empty());
        let node = programs
            .map(|folder| Path::new(folder).join("node"))
            .find_map(|program| fs::canonicalize(program).ok())?;
        node.parent()?.parent().map(Path::to_owned)
    }
}

impl std::fmt::Debug for Npmrc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let paths = self.layers.iter().map(|layer| (layer.origin, &layer.path));
        f.debug_map().entries(paths).finish()
    }
}

/// The settings that variables make (`@npmcli/config`, `loadEnv`).
fn environment(variables: &BTreeMap<String, String>) -> Vec<(String, Value)> {
    let setting = |(name, value): (&String, &String)| {
        let key = name
            .get(..11)
            .filter(|prefix| prefix.eq_ignore_ascii_case("npm_config_"))?;
        let key = &name[key.len()..];
        if value.is_empty() {
            return None;
        }
        if key.starts_with("//") {
            return Some((key.to_owned(), Value::Text(value.clone())));
        }
        let mut plain = key.to_ascii_lowercase();
        if let Some(first) = plain.chars().next() {
            let rest = plain.split_off(first.len_utf8()).replace('_', "-");
            plain.push_str(&rest);
        }
        let value = if value.contains("\n\n") {
            Value::List(value.split("\n\n").map(str::to_owned).collect())
        } else {
            Value::Text(value.clone())
        };
        Some((plain, value))
    };
    variables.iter().filter_map(setting).collect()
}

fn file(origin: Origin, path: PathBuf) -> Result<Option<NpmrcFile>, NpmrcError> {
    let failed = |source: io::Error| NpmrcError::Read {
        path: path.clone(),
        source,
    };
    let text = match fs::metadata(&path) {
        Ok(meta) if meta.is_dir() => return Ok(None),
        Ok(meta) if meta.len() > MAX_BYTES => {
            return Err(failed(io::Error::other("it is larger than 1 MiB")));
        }
        Ok(_) => fs::read(&path).map_err(failed)?,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(failed(error)),
    };
    Ok(Some(NpmrcFile {
        origin,
        text: String::from_utf8_lossy(&text).into_owned(),
        path,
    }))
}

fn below_home(path: &str, home: Option<&Path>) -> Option<PathBuf> {
    Some(home?.join(path.strip_prefix("~/")?))
}
