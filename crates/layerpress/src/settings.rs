//! What was asked, resolved once: flags and `LAYERPRESS_*` variables (from [`crate::args`]), then
//! pip's and uv's settings, netrc and the user's folders.
//!
//! In come the arguments and the [`Environment`]; out go plain values that the library takes. After
//! this nothing asks the environment again.

mod cutoff;
mod error;
mod interpreters;
mod pip;

use std::ffi::OsString;
use std::fs;
use std::io::{self, IsTerminal};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use layerpress_compile::{Login, Sources};
use layerpress_python::manifest::{FindLinks, IndexOptions, Settings};
use url::Url;

pub(crate) use cutoff::parse as parse_cutoff;
pub(crate) use error::SettingsError;
pub(crate) use interpreters::candidates as interpreter_candidates;

use crate::args::{BuildPolicyArgs, GlobalArgs, IndexArgs};
use crate::environment::Environment;
use crate::printer::{ColorChoice, PrinterOptions, Verbosity, wants_color};

/// How the program speaks, from the options of every command.
pub(crate) fn printer_options(global: &GlobalArgs, environment: &Environment) -> PrinterOptions {
    PrinterOptions {
        verbosity: if global.verbose {
            Verbosity::Verbose
        } else if global.quiet {
            Verbosity::Quiet
        } else {
            Verbosity::Normal
        },
        color: color_wanted(global.color, environment),
        json: global.json,
        progress: !global.no_progress && io::stderr().is_terminal(),
    }
}

/// How the program speaks of a command line that it did not understand: what can be told from its
/// words and the variables.
pub(crate) fn printer_options_of_words(
    words: &[OsString],
    environment: &Environment,
) -> PrinterOptions {
    let said = |word: &str| words.iter().any(|it| it == word);
    let choice = |word: &str| {
        let after = words
            .windows(2)
            .any(|it| it[0] == "--color" && it[1] == word);
        after
            || said(&format!("--color={word}"))
            || environment.value("LAYERPRESS_COLOR") == Some(word)
    };
    let color = if choice("always") {
        ColorChoice::Always
    } else if choice("never") {
        ColorChoice::Never
    } else {
        ColorChoice::Auto
    };
    PrinterOptions {
        verbosity: Verbosity::Normal,
        color: color_wanted(color, environment),
        json: said("--json") || environment.value("LAYERPRESS_JSON").is_some(),
        progress: false,
    }
}

fn color_wanted(choice: ColorChoice, environment: &Environment) -> bool {
    wants_color(
        choice,
        environment.value("NO_COLOR").is_some(),
        environment.value("TERM"),
    )
}

/// The cache's folder: `--cache-dir`, else `layerpress` in the user's cache folder.
///
/// # Errors
///
/// [`SettingsError::NoCacheFolder`] where there is no such folder.
pub(crate) fn cache_folder(
    global: &GlobalArgs,
    environment: &Environment,
) -> Result<PathBuf, SettingsError> {
    match &global.cache_dir {
        Some(folder) => Ok(folder.clone()),
        None => Ok(environment
            .cache_home()
            .ok_or(SettingsError::NoCacheFolder)?
            .join("layerpress")),
    }
}

/// What the flags and `LAYERPRESS_*` say of where packages come from, and in which form.
///
/// # Errors
///
/// The first option that cannot be used.
pub(crate) fn flags(
    index: &IndexArgs,
    policy: Option<&BuildPolicyArgs>,
    pre: bool,
) -> Result<Settings, SettingsError> {
    let mut settings = Settings {
        pre,
        indexes: IndexOptions {
            index_url: index
                .index_url
                .as_deref()
                .filter(|text| !text.is_empty())
                .map(|text| index_url("--index-url", text))
                .transpose()?,
            extra_index_urls: index
                .extra_index_url
                .iter()
                .filter(|text| !text.is_empty())
                .map(|text| index_url("--extra-index-url", text))
                .collect::<Result<_, _>>()?,
            no_index: index.no_index,
            find_links: index
                .find_links
                .iter()
                .filter(|text| !text.is_empty())
                .map(|text| find_links(text))
                .collect::<Result<_, _>>()?,
            ..IndexOptions::default()
        },
        ..Settings::default()
    };
    if let Some(policy) = policy {
        let wrong = |option| {
            move |word| SettingsError::Option {
                option,
                found: word,
                problem: "is not the name of a package".to_owned(),
                hint: Some("names are separated by commas; `:all:` names all".to_owned()),
            }
        };
        for names in &policy.no_binary {
            settings
                .build
                .add_no_binary(names)
                .map_err(wrong("--no-binary"))?;
        }
        for names in &policy.only_binary {
            settings
                .build
                .add_only_binary(names)
                .map_err(wrong("--only-binary"))?;
        }
        if policy.no_build {
            settings
                .build
                .add_only_binary(":all:")
                .map_err(wrong("--no-build"))?;
        }
    }
    Ok(settings)
}

/// The npm registry that the flag or its variable names.
///
/// # Errors
///
/// What is no address on the web.
pub(crate) fn registry(index: &IndexArgs) -> Result<Option<Url>, SettingsError> {
    let Some(text) = index.registry.as_deref().filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let url = web_or_file(text).filter(|url| url.scheme() != "file");
    url.map(Some).ok_or_else(|| SettingsError::Option {
        option: "--registry",
        // What stands before an `@` may be a password.
        found: text.rsplit('@').next().unwrap_or_default().to_owned(),
        problem: "is neither an http nor an https URL".to_owned(),
        hint: Some("as `--registry https://npm.example/`".to_owned()),
    })
}

/// What pip's and uv's variables and pip's files say.
///
/// # Errors
///
/// A file that cannot be read, or a value that cannot be used.
pub(crate) fn configured(environment: &Environment) -> Result<Settings, SettingsError> {
    let files = pip::files(environment)?;
    Ok(Settings::configured(environment.variables(), &files)?)
}

/// The store and the network.
///
/// # Errors
///
/// A file of certificates or logins that cannot be read, or no place for the cache.
pub(crate) fn sources(
    global: &GlobalArgs,
    refresh: bool,
    jobs: NonZeroUsize,
    configured: &Settings,
    environment: &Environment,
) -> Result<Sources, SettingsError> {
    let certificates = configured
        .certificate
        .iter()
        // The file that the whole machine trusts is read where TLS is set up.
        .filter(|path| environment.value("SSL_CERT_FILE").map(Path::new) != Some(path))
        .map(|path| {
            fs::read(path).map_err(|source| SettingsError::Unreadable {
                path: path.clone(),
                source,
            })
        })
        .collect::<Result<_, _>>()?;
    let logins = configured.credentials_for(&configured.indexes);
    Ok(Sources {
        cache_dir: cache_folder(global, environment)?,
        offline: global.offline,
        refresh,
        jobs,
        certificates,
        proxy: configured.proxy.clone(),
        no_proxy: Vec::new(),
        netrc: netrc(environment),
        keyring: configured.keyring,
        logins: logins
            .into_iter()
            .map(|(url, login)| Login {
                url,
                user: login.user.clone(),
                password: login.password.clone(),
            })
            .collect(),
    })
}

/// An index's address as typed: an http, https or file URL, or a folder that is laid out like an
/// index.
fn index_url(option: &'static str, text: &str) -> Result<Url, SettingsError> {
    if let Some(url) = web_or_file(text) {
        return Ok(url);
    }
    let folder = Path::new(text);
    if folder.is_dir()
        && let Ok(folder) = folder.canonicalize()
        && let Ok(url) = Url::from_directory_path(folder)
    {
        return Ok(url);
    }
    Err(SettingsError::Option {
        option,
        // What stands before an `@` may be a password.
        found: text.rsplit('@').next().unwrap_or_default().to_owned(),
        problem: "is neither an http, https or file URL nor a folder".to_owned(),
        hint: Some(format!("as `{option} https://index.example/simple`")),
    })
}

/// A page or folder of archives as typed.
fn find_links(text: &str) -> Result<FindLinks, SettingsError> {
    if let Some(url) = web_or_file(text) {
        return Ok(FindLinks::Url(url));
    }
    let path = Path::new(text);
    if path.exists() {
        return Ok(FindLinks::Folder(path.to_owned()));
    }
    Err(SettingsError::Option {
        option: "--find-links",
        found: text.rsplit('@').next().unwrap_or_default().to_owned(),
        problem: "is neither an http, https or file URL nor a folder".to_owned(),
        hint: None,
    })
}

fn web_or_file(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    matches!(url.scheme(), "http" | "https" | "file").then_some(url)
}

/// The text of `$NETRC`, else of `~/.netrc` (`_netrc` on Windows). One that cannot be read is no reason to
/// stop, as it is none for pip and uv: most indexes want no password.
fn netrc(environment: &Environment) -> Option<Result<String, String>> {
    let name = if cfg!(windows) { "_netrc" } else { ".netrc" };
    let path = environment
        .value("NETRC")
        .map(PathBuf::from)
        .or_else(|| Some(environment.home()?.join(name)))?;
    match fs::read(&path) {
        Ok(bytes) => Some(Ok(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound
                    | io::ErrorKind::NotADirectory
                    | io::ErrorKind::IsADirectory
            ) =>
        {
            None
        }
        Err(error) => Some(Err(format!("`{}` cannot be read: {error}", path.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments() -> IndexArgs {
        IndexArgs {
            index_url: None,
            extra_index_url: Vec::new(),
            find_links: Vec::new(),
            no_index: false,
            index_strategy: crate::args::IndexStrategyArg::FirstIndex,
            registry: None,
            refresh: false,
        }
    }

    #[test]
    fn an_option_that_is_no_url_does_not_repeat_its_password() {
        let index = IndexArgs {
            index_url: Some("user:secret@index".to_owned()),
            ..arguments()
        };
        let error = flags(&index, None, false).map(|_| ()).unwrap_err();
        insta::assert_snapshot!(error, @r#"`--index-url`: "index" is neither an http, https or file URL nor a folder"#);
        assert_eq!(error.outcome(), crate::exit::Outcome::Usage);
    }

    #[test]
    fn a_variable_that_is_set_to_nothing_says_nothing() {
        let index = IndexArgs {
            index_url: Some(String::new()),
            extra_index_url: vec![String::new()],
            find_links: vec![String::new()],
            ..arguments()
        };
        let settings = flags(&index, None, false).expect("nothing is wrong with nothing");
        assert_eq!(settings, Settings::default());
    }

    #[test]
    fn settings_of_pip_give_logins_to_named_indexes_only() {
        let environment = Environment::of(&[
            ("HOME", "/nonexistent"),
            ("PIP_CONFIG_FILE", "/dev/null"),
            ("UV_INDEX", "internal=https://index.example/simple"),
            ("UV_INDEX_INTERNAL_USERNAME", "user"),
            ("UV_INDEX_INTERNAL_PASSWORD", "secret"),
            ("UV_INDEX_OTHER_PASSWORD", "other"),
        ]);
        let configured = configured(&environment).expect("valid settings");
        let global = GlobalArgs {
            cache_dir: Some("cache".into()),
            offline: false,
            json: false,
            quiet: false,
            verbose: false,
            color: crate::printer::ColorChoice::Never,
            no_progress: true,
        };
        let sources =
            sources(&global, false, NonZeroUsize::MIN, &configured, &environment).expect("sources");
        let hosts: Vec<_> = sources.logins.iter().map(|it| it.url.host_str()).collect();
        assert_eq!(hosts, [Some("index.example")]);
        assert!(!format!("{sources:?}").contains("secret"));
    }

    #[test]
    fn the_cache_follows_the_users_cache_folder() {
        let home = Environment::of(&[("HOME", "/home/user")]);
        let moved = Environment::of(&[
            ("HOME", "/home/user"),
            ("XDG_CACHE_HOME", "/var/cache/user"),
        ]);
        let relative = Environment::of(&[("HOME", "/home/user"), ("XDG_CACHE_HOME", "cache")]);
        let folder = |environment: &Environment| environment.cache_home().expect("a folder");
        assert_eq!(folder(&home), Path::new("/home/user/.cache"));
        assert_eq!(folder(&moved), Path::new("/var/cache/user"));
        assert_eq!(folder(&relative), Path::new("/home/user/.cache"));
    }
}
