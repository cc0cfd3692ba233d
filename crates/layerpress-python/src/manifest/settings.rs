//! [`Settings`]: pip's and uv's configuration as values.
//!
//! Which of several sources counts, strongest first: flags, `LAYERPRESS_*` variables, what the
//! manifest says, `UV_*` variables, `PIP_*` variables, `pip.conf`. The program reads flags and its
//! own variables; [`Settings::configured`] puts the last three together, option by option.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ini::{Ini, ParseOption};
use layerpress_fetch::ProxyAddress;
use url::Url;

use super::error::ManifestError;
use super::index_options::{BuildPolicy, IndexOptions};
use super::location::{find_links, index_url};
use super::shown::shown;

/// Options that pip and uv also take from files and variables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Where packages are looked for.
    pub indexes: IndexOptions,
    /// In which form packages may come.
    pub build: BuildPolicy,
    /// Prereleases are taken like any other release.
    pub pre: bool,
    /// An older wheel is preferred to a newer source distribution.
    pub prefer_binary: bool,
    /// Every requirement must have a hash.
    pub require_hashes: bool,
    /// Hosts that may be talked to without a valid certificate.
    pub trusted_hosts: Vec<String>,
    /// A file of certificates to trust.
    pub certificate: Option<PathBuf>,
    /// A proxy for all requests.
    pub proxy: Option<ProxyAddress>,
    /// Constraint files, which pip and uv read besides the ones that a manifest names.
    pub constraints: Vec<SettingsFile>,
    /// No release after this date, as written.
    pub exclude_newer: Option<String>,
    /// Ask the `keyring` program for credentials.
    pub keyring: bool,
    /// Credentials for indexes by name.
    pub credentials: Vec<IndexCredentials>,
    /// What was passed over, as sentences for the user.
    pub warnings: Vec<String>,
}

/// User and password for the index of a name, from `UV_INDEX_<NAME>_USERNAME` and `…_PASSWORD`.
#[derive(Clone, PartialEq, Eq)]
pub struct IndexCredentials {
    /// The index's name as variables spell it: upper case, `_` for all but letters and digits.
    pub index: String,
    /// The user, empty if only a password is given.
    pub user: String,
    /// The password, if one is given.
    pub password: Option<String>,
}

/// A file that a setting names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsFile {
    /// The setting, as messages name it.
    pub place: String,
    /// A path from the current folder, or a URL.
    pub file: String,
}

/// A password must not reach a log by way of `{:?}`.
impl std::fmt::Debug for IndexCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IndexCredentials")
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// The settings of `UV_*` over those of `PIP_*` over those of `pip.conf`.
    ///
    /// `variables` is the environment; `pip_conf` holds name and text of each of pip's files,
    /// strongest first.
    ///
    /// # Errors
    /// [`ManifestError::Setting`] for a value that cannot be used.
    pub fn configured(
        variables: &BTreeMap<String, String>,
        pip_conf: &[(String, String)],
    ) -> Result<Settings, ManifestError> {
        let uv = Self::from_uv_variables(variables)?;
        let mut settings = uv.over(Self::from_pip_variables(variables)?);
        for (name, text) in pip_conf {
            settings = settings.over(Self::from_pip_conf(name, text)?);
        }
        Ok(settings)
    }

    /// The settings of one `pip.conf`: `[global]`, with `[install]` over it.
    ///
    /// # Errors
    /// [`ManifestError::Setting`] for a file or value that cannot be used.
    pub fn from_pip_conf(name: &str, text: &str) -> Result<Settings, ManifestError> {
        let options = ParseOption {
            enabled_quote: false,
            enabled_escape: false,
            enabled_indented_mutiline_value: true,
            enabled_preserve_key_leading_whitespace: false,
        };
        let file =
            Ini::load_from_str_opt(text, options).map_err(|error| ManifestError::Setting {
                place: format!("{}:{}", shown(name), error.line),
                value: shown(
                    text.lines()
                        .nth(error.line.saturating_sub(1))
                        .unwrap_or_default(),
                ),
                expected: "a section or a `key = value` pair",
            })?;
        let mut settings = Settings::default();
        for section in ["install", "global"] {
            let mut layer = Settings::default();
            for (key, value) in file
                .section(Some(section))
                .into_iter()
                .flat_map(|s| s.iter())
            {
                let place = format!("{}: `{key}`", shown(name));
                layer.set_pip(&pip_name(key), value, &place)?;
            }
            settings = settings.over(layer);
        }
        Ok(settings)
    }

    /// The settings of `PIP_*` variables; `PIP_INDEX_URL` is `--index-url`, and so on.
    ///
    /// # Errors
    /// [`ManifestError::Setting`] for a value that cannot be used.
    pub fn from_pip_variables(
        variables: &BTreeMap<String, String>,
    ) -> Result<Settings, ManifestError> {
        let mut settings = Settings::default();
        for (name, value) in variables.iter().filter(|(_, value)| !value.is_empty()) {
            if let Some(key) = name.strip_prefix("PIP_") {
                settings.set_pip(&pip_name(key), value, &format!("`{name}`"))?;
            }
        }
        Ok(settings)
    }

    /// The settings of `UV_*` variables (uv's reference, "Environment variables", 0.9).
    ///
    /// # Errors
    /// [`ManifestError::Setting`] for a value that cannot be used.
    pub fn from_uv_variables(
        variables: &BTreeMap<String, String>,
    ) -> Result<Settings, ManifestError> {
        let mut settings = Settings::default();
        // Indexes of the newer variable come before those of `UV_EXTRA_INDEX_URL`.
        if let Some(value) = variables.get("UV_INDEX") {
            settings.set_uv("INDEX", value, "`UV_INDEX`")?;
        }
        for (name, value) in variables.iter().filter(|(_, value)| !value.is_empty()) {
            if let Some(key) = name.strip_prefix("UV_") {
                settings.set_uv(key, value, &format!("`{name}`"))?;
            }
        }
        // The older name gives way to the newer one.
        if let Some(value) = variables
            .get("UV_DEFAULT_INDEX")
            .filter(|value| !value.is_empty())
        {
            settings.set_uv("DEFAULT_INDEX", value, "`UV_DEFAULT_INDEX`")?;
        }
        Ok(settings)
    }

    /// These settings where they say something, else those of `lower`, option by option.
    #[must_use]
    pub fn over(self, lower: Settings) -> Settings {
        let list = |ours: Vec<String>, theirs| if ours.is_empty() { theirs } else { ours };
        let build = if self.build == BuildPolicy::default() {
            lower.build
        } else {
            self.build
        };
        let constraints = if self.constraints.is_empty() {
            lower.constraints
        } else {
            self.constraints
        };
        Settings {
            indexes: self.indexes.over(lower.indexes),
            build,
            pre: self.pre || lower.pre,
            prefer_binary: self.prefer_binary || lower.prefer_binary,
            require_hashes: self.require_hashes || lower.require_hashes,
            trusted_hosts: list(self.trusted_hosts, lower.trusted_hosts),
            certificate: self.certificate.or(lower.certificate),
            proxy: self.proxy.or(lower.proxy),
            constraints,
            exclude_newer: self.exclude_newer.or(lower.exclude_newer),
            keyring: self.keyring || lower.keyring,
            credentials: [self.credentials, lower.credentials].concat(),
            warnings: [self.warnings, lower.warnings].concat(),
        }
    }

    /// The credentials that belong to indexes of `indexes`, each with its index's URL.
    #[must_use]
    pub fn credentials_for(&self, indexes: &IndexOptions) -> Vec<(Url, &IndexCredentials)> {
        let mut found = Vec::new();
        for (name, url) in &indexes.named {
            let variable = variable_name(name);
            let own = self
                .credentials
                .iter()
                .find(|credentials| credentials.index == variable);
            found.extend(own.map(|credentials| (url.clone(), credentials)));
        }
        found
    }

    fn set_pip(&mut self, key: &str, value: &str, place: &str) -> Result<(), ManifestError> {
        let words = || value.split_whitespace();
        match key {
            "index-url" | "pypi-url" => self.indexes.index_url = Some(index(value.trim(), place)?),
            "extra-index-url" => {
                for word in words() {
                    self.indexes.add_extra(index(word, place)?);
                }
            }
            "no-index" => self.indexes.no_index = switch(value, place)?,
            "find-links" => self.add_find_links(words(), place)?,
            "no-binary" | "only-binary" => self.add_formats(key == "no-binary", words(), place)?,
            "pre" => self.pre = switch(value, place)?,
            "prefer-binary" => self.prefer_binary = switch(value, place)?,
            "require-hashes" => self.require_hashes = switch(value, place)?,
            "trusted-host" => self.trusted_hosts.extend(words().map(str::to_owned)),
            "cert" => self.certificate = Some(PathBuf::from(value.trim())),
            "client-cert" => self.warnings.push(format!(
                "{place}: servers that ask for a client's certificate are not supported"
            )),
            "proxy" => self.proxy = Some(ProxyAddress(value.trim().to_owned())),
            "constraint" => self.add_constraints(value, place),
            "keyring-provider" => {
                self.keyring = matches!(value.trim(), "subprocess" | "auto" | "import");
            }
            // The rest steers pip itself.
            _ => {}
        }
        Ok(())
    }

    fn set_uv(&mut self, key: &str, value: &str, place: &str) -> Result<(), ManifestError> {
        let words = || value.split_whitespace();
        match key {
            "INDEX_URL" => self.indexes.index_url = Some(index(value.trim(), place)?),
            "DEFAULT_INDEX" => {
                let url = self.named_index(value.trim(), place)?;
                self.indexes.index_url = Some(url);
            }
            "INDEX" | "EXTRA_INDEX_URL" => {
                for word in words() {
                    let url = self.named_index(word, place)?;
                    self.indexes.add_extra(url);
                }
            }
            "NO_INDEX" => self.indexes.no_index = switch(value, place)?,
            "FIND_LINKS" => {
                let places = value
                    .split(',')
                    .map(str::trim)
                    .filter(|word| !word.is_empty());
                self.add_find_links(places, place)?;
            }
            "NO_BUILD" if switch(value, place)? => {
                self.add_formats(false, [":all:"].into_iter(), place)?;
            }
            "NO_BINARY" if switch(value, place)? => {
                self.add_formats(true, [":all:"].into_iter(), place)?;
            }
            "NO_BUILD_PACKAGE" => self.add_formats(false, words(), place)?,
            "NO_BINARY_PACKAGE" => self.add_formats(true, words(), place)?,
            "PRERELEASE" => self.pre = value.trim() == "allow",
            "REQUIRE_HASHES" => self.require_hashes = switch(value, place)?,
            "INSECURE_HOST" => self.trusted_hosts.extend(words().map(str::to_owned)),
            "CONSTRAINT" => self.add_constraints(value, place),
            "EXCLUDE_NEWER" => self.exclude_newer = Some(value.trim().to_owned()),
            "KEYRING_PROVIDER" => self.keyring = value.trim() == "subprocess",
            _ => {
                let name = key.strip_prefix("INDEX_");
                if let Some(index) = name.and_then(|name| name.strip_suffix("_USERNAME")) {
                    value.clone_into(&mut self.credentials_of(index).user);
                } else if let Some(index) = name.and_then(|name| name.strip_suffix("_PASSWORD")) {
                    self.credentials_of(index).password = Some(value.to_owned());
                }
            }
        }
        Ok(())
    }

    fn credentials_of(&mut self, index: &str) -> &mut IndexCredentials {
        let at = self
            .credentials
            .iter()
            .position(|known| known.index == index);
        let at = at.unwrap_or_else(|| {
            self.credentials.push(IndexCredentials {
                index: index.to_owned(),
                user: String::new(),
                password: None,
            });
            self.credentials.len() - 1
        });
        &mut self.credentials[at]
    }

    /// `name=URL` or `URL`.
    fn named_index(&mut self, value: &str, place: &str) -> Result<Url, ManifestError> {
        let (name, url) = match value.split_once('=') {
            Some((name, url)) if !name.contains([':', '/']) => (Some(name), url),
            _ => (None, value),
        };
        let url = index(url, place)?;
        if let Some(name) = name {
            self.indexes.named.insert(name.to_owned(), url.clone());
        }
        Ok(url)
    }

    fn add_find_links<'a>(
        &mut self,
        values: impl Iterator<Item = &'a str>,
        place: &str,
    ) -> Result<(), ManifestError> {
        for value in values {
            let found =
                find_links(value, None).map_err(|expected| setting(place, value, expected))?;
            match found {
                Some(found) => self.indexes.add_find_links(found),
                None => self.warnings.push(format!(
                    "{place}: nothing is at `{}`; passed over as pip does",
                    shown(value)
                )),
            }
        }
        Ok(())
    }

    fn add_constraints(&mut self, value: &str, place: &str) {
        let files = value.split_whitespace().map(|file| SettingsFile {
            place: place.to_owned(),
            file: file.to_owned(),
        });
        self.constraints.extend(files);
    }

    fn add_formats<'a>(
        &mut self,
        no_binary: bool,
        values: impl Iterator<Item = &'a str>,
        place: &str,
    ) -> Result<(), ManifestError> {
        for value in values {
            let added = if no_binary {
                self.build.add_no_binary(value)
            } else {
                self.build.add_only_binary(value)
            };
            added.map_err(|word| setting(place, &word, "a package name, `:all:` or `:none:`"))?;
        }
        Ok(())
    }
}

/// `PIP_INDEX_URL`, `index_url` and `index-url` are one option.
fn pip_name(key: &str) -> String {
    key.trim()
        .trim_start_matches('-')
        .to_ascii_lowercase()
        .replace('_', "-")
}

/// uv's rule for the names of indexes in variables.
fn variable_name(index: &str) -> String {
    let upper = index.to_ascii_uppercase();
    upper
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect()
}

fn setting(place: &str, value: &str, expected: &'static str) -> ManifestError {
    ManifestError::Setting {
        place: place.to_owned(),
        value: shown(value),
        expected,
    }
}

fn index(value: &str, place: &str) -> Result<Url, ManifestError> {
    index_url(value, None::<&Path>).ok_or_else(|| setting(place, value, "the URL of an index"))
}

/// Python's configparser and `strtobool` have these words; uv takes them too.
fn switch(value: &str, place: &str) -> Result<bool, ManifestError> {
    match value.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "t" | "yes" | "y" | "on" => Ok(true),
        "0" | "false" | "f" | "no" | "n" | "off" | "" => Ok(false),
        _ => Err(setting(place, value, "a yes or no")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn conf(text: &str) -> Settings {
        Settings::from_pip_conf("pip.conf", text).expect("valid")
    }

    fn urls(urls: &[Url]) -> Vec<&str> {
        urls.iter().map(Url::as_str).collect()
    }

    #[test]
    fn pip_conf_with_lists_comments_and_sections() {
        let settings = conf(concat!(
            "# a comment\n[global]\nindex-url = https://u:p@pkg.example/simple\n",
            "extra-index-url =\n    https://one.example/simple\n    https://two.example/simple\n",
            "trusted_host = pkg.example\n; another\npre = no\nno-binary = a,b\n",
            "[install]\npre: yes\n[freeze]\npre = nonsense\n"
        ));
        assert_eq!(
            settings.indexes.index_url.as_ref().map(Url::as_str),
            Some("https://u:p@pkg.example/simple")
        );
        assert_eq!(
            urls(&settings.indexes.extra_index_urls),
            ["https://one.example/simple", "https://two.example/simple"]
        );
        assert_eq!(settings.trusted_hosts, ["pkg.example"]);
        assert!(settings.pre);
        assert!(!settings.build.formats(&"a".parse().expect("valid")).wheel);
    }

    #[test]
    fn stronger_sources_replace_weaker_ones_option_by_option() {
        let variables = variables(&[
            ("PIP_INDEX_URL", "https://pip.example/simple"),
            (
                "PIP_EXTRA_INDEX_URL",
                "https://a.example/simple https://b.example/simple",
            ),
            ("UV_DEFAULT_INDEX", "https://uv.example/simple"),
            ("UV_INDEX_URL", "https://old.example/simple"),
            ("UV_EMPTY", ""),
            ("PIP_PRE", ""),
        ]);
        let files = [(
            "pip.conf".to_owned(),
            "[global]\nextra-index-url = https://c.example/simple\nno-index = false\ncert = /ca.pem".to_owned(),
        )];
        let settings = Settings::configured(&variables, &files).expect("valid");
        assert_eq!(
            settings.indexes.index_url.as_ref().map(Url::as_str),
            Some("https://uv.example/simple")
        );
        assert_eq!(
            urls(&settings.indexes.extra_index_urls),
            ["https://a.example/simple", "https://b.example/simple"]
        );
        assert_eq!(settings.certificate, Some(PathBuf::from("/ca.pem")));
        assert!(!settings.indexes.no_index && !settings.pre);
    }

    #[test]
    fn credentials_find_their_index_by_name_and_stay_out_of_debug_output() {
        let variables = variables(&[
            (
                "UV_INDEX",
                "my-proxy=https://proxy.example/simple https://other.example/simple",
            ),
            ("UV_INDEX_MY_PROXY_USERNAME", "me"),
            ("UV_INDEX_MY_PROXY_PASSWORD", "s3cret"),
        ]);
        let settings = Settings::from_uv_variables(&variables).expect("valid");
        let found = settings.credentials_for(&settings.indexes);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0.as_str(), "https://proxy.example/simple");
        assert_eq!(
            (found[0].1.user.as_str(), found[0].1.password.as_deref()),
            ("me", Some("s3cret"))
        );
        assert!(!format!("{:?}", settings.credentials).contains("s3cret"));
    }

    #[test]
    fn a_find_links_folder_that_is_gone_is_a_warning() {
        let variables = variables(&[("PIP_FIND_LINKS", "/nowhere/wheels")]);
        let settings = Settings::from_pip_variables(&variables).expect("valid");
        assert!(settings.indexes.find_links.is_empty());
        insta::assert_snapshot!(settings.warnings[0], @"`PIP_FIND_LINKS`: nothing is at `/nowhere/wheels`; passed over as pip does");
    }

    #[test]
    fn values_that_cannot_be_used_name_their_place() {
        let error = |text| {
            Settings::from_pip_conf("pip.conf", text)
                .expect_err("refused")
                .to_string()
        };
        insta::assert_snapshot!(error("[global]\nindex-url = https://u:p@\n"), @"pip.conf: `index-url`: `https://***@` is not the URL of an index");
        insta::assert_snapshot!(error("[global]\nno-index = maybe\n"), @"pip.conf: `no-index`: `maybe` is not a yes or no");
        insta::assert_snapshot!(error("[global\n"), @"pip.conf:2: `` is not a section or a `key = value` pair");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}|[\\[\\]a-z=:#; \\n-]{0,60}") {
            let _ = Settings::from_pip_conf("pip.conf", &text);
        }
    }
}
