//! [`Interpreter`]: a CPython of a given version, wherever this machine keeps one.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A CPython that was found and asked about itself.
#[derive(Debug, Clone)]
pub(crate) struct Interpreter {
    /// The executable.
    pub(crate) executable: PathBuf,
    /// `3.13`
    pub(crate) version: String,
    /// The folder of the standard library.
    pub(crate) library: PathBuf,
    /// The shared libpython, where it is not linked into the executable.
    pub(crate) shared: Option<PathBuf>,
}

impl Interpreter {
    /// The interpreter of a runtime (`python3.13`): from `PATH`, pyenv, uv's folder, or the system.
    pub(crate) fn find(runtime: &str) -> Option<Self> {
        let version = runtime.strip_prefix("python")?;
        candidates(version)
            .into_iter()
            .find_map(|executable| Self::ask(&executable, version))
    }

    /// Asks an executable what it is; `None` if it is not that version.
    fn ask(executable: &Path, version: &str) -> Option<Self> {
        const QUESTION: &str = "import os, sys, sysconfig\n\
            print('%d.%d' % sys.version_info[:2])\n\
            print(os.path.realpath(sys.executable))\n\
            print(sysconfig.get_path('stdlib'))\n\
            print(os.path.join(sysconfig.get_config_var('LIBDIR') or '',\
            sysconfig.get_config_var('INSTSONAME') or ''))\n";
        let output = Command::new(executable)
            .args(["-I", "-c", QUESTION])
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        let text = String::from_utf8(output.stdout).ok()?;
        let mut lines = text.lines();
        if lines.next()? != version {
            return None;
        }
        Some(Self {
            executable: PathBuf::from(lines.next()?),
            version: version.to_owned(),
            library: PathBuf::from(lines.next()?),
            shared: lines
                .next()
                .map(PathBuf::from)
                .filter(|path| path.is_file() && path.to_string_lossy().contains(".so")),
        })
    }
}

/// Executables that may be Python `version`, the likeliest first.
fn candidates(version: &str) -> Vec<PathBuf> {
    let name = format!("python{version}");
    let home = env::home_dir().unwrap_or_default();
    let mut found = Vec::new();
    let pyenv = env::vars()
        .find(|(name, _)| name == "PYENV_ROOT")
        .map_or_else(|| home.join(".pyenv"), |(_, value)| PathBuf::from(value));
    for folder in [pyenv.join("versions"), home.join(".local/share/uv/python")] {
        let mut versions: Vec<_> = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path().join("bin").join(&name))
            .filter(|path| path.is_file())
            .collect();
        versions.sort();
        found.extend(versions.into_iter().rev());
    }
    let path = env::vars().find(|(name, _)| name == "PATH");
    let path = path.map(|(_, value)| value).unwrap_or_default();
    found.extend(
        env::split_paths(&path)
            .map(|folder| folder.join(&name))
            .filter(|path| path.is_file()),
    );
    found
}
