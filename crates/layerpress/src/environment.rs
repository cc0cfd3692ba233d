//! [`Environment`]: the process's variables and folders, read once.
//!
//! The only place that asks the operating system for them; everything else is handed what it
//! needs, so that it can be tested with a map.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use etcetera::BaseStrategy;

/// The process's environment as it was at the start.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<String, String>,
    raw: BTreeMap<OsString, OsString>,
}

impl Environment {
    /// The environment of this process; variables that are not Unicode are left out, none of those
    /// that layerpress knows can be meant by them.
    pub(crate) fn of_process() -> Self {
        let raw: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
        let text = |(name, value): (&OsString, &OsString)| {
            Some((name.to_str()?.to_owned(), value.to_str()?.to_owned()))
        };
        Self {
            variables: raw.iter().filter_map(text).collect(),
            raw,
        }
    }

    /// An environment of the given variables.
    #[cfg(test)]
    pub(crate) fn of(variables: &[(&str, &str)]) -> Self {
        Self {
            variables: variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            raw: BTreeMap::new(),
        }
    }

    /// The value of a variable; one that is set to nothing counts as not set.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// All variables, for `${NAME}` in requirements files.
    pub(crate) fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    /// All variables as they are, for the programs that builds start.
    pub(crate) fn raw(&self) -> &BTreeMap<OsString, OsString> {
        &self.raw
    }

    /// The system's folder for temporary files.
    pub(crate) fn temporary() -> PathBuf {
        std::env::temp_dir()
    }

    /// The user's home folder.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        self.value("HOME")
            .map(PathBuf::from)
            .or_else(|| etcetera::home_dir().ok())
    }

    /// The user's cache folder, by the rules of the XDG base directories (or the platform's).
    pub(crate) fn cache_home(&self) -> Option<PathBuf> {
        if let Some(folder) = self.value("XDG_CACHE_HOME").map(PathBuf::from)
            && folder.is_absolute()
        {
            return Some(folder);
        }
        if cfg!(unix) {
            return Some(self.home()?.join(".cache"));
        }
        Some(etcetera::choose_base_strategy().ok()?.cache_dir())
    }

    /// The user's settings folder: `$XDG_CONFIG_HOME`, else `~/.config` (or the platform's).
    pub(crate) fn config_home(&self) -> Option<PathBuf> {
        if let Some(folder) = self.value("XDG_CONFIG_HOME").map(PathBuf::from)
            && folder.is_absolute()
        {
            return Some(folder);
        }
        if cfg!(unix) {
            return Some(self.home()?.join(".config"));
        }
        Some(etcetera::choose_base_strategy().ok()?.config_dir())
    }
}
