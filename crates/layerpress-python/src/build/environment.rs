//! [`Environment`]: a folder that is a virtual environment in all that builds ask of one, laid out
//! by our own installer; and running programs in it.
//!
//! PEP 405 says what makes one: `pyvenv.cfg` beside `bin/python`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use layerpress_scratch::Program;

use super::interpreter::Interpreter;
use crate::wheel::{Layout, Scripts, UnpackOptions};

/// An environment for one build; its folder is somebody else's to remove.
#[derive(Debug)]
pub(super) struct Environment {
    root: PathBuf,
    python: PathBuf,
    version: (u8, u8),
}

/// How programs are run.
#[derive(Debug, Clone)]
pub(super) struct Running<'a> {
    /// The variables of the process that runs this program.
    pub(super) variables: &'a BTreeMap<OsString, OsString>,
    pub(super) budget: Duration,
    /// A folder for logs and temporary files.
    pub(super) scratch: &'a Path,
}

/// How a program ended.
#[derive(Debug)]
pub(super) enum Outcome {
    Ended {
        status: ExitStatus,
        /// The last lines of what it printed, on either stream.
        output: String,
    },
    TimedOut,
}

/// 1980-01-01, the first time that a zip can state: what builders stamp files with
/// (reproducible-builds.org, `SOURCE_DATE_EPOCH`).
const SOURCE_DATE_EPOCH: &str = "315532800";

/// How much of a build's output an error shows.
const SHOWN_LINES: usize = 20;
const SHOWN_BYTES: u64 = 16 << 10;
const SHOWN_LINE_CHARACTERS: usize = 400;

impl Environment {
    /// Makes one in the existing empty folder `root`.
    pub(super) fn create(root: &Path, interpreter: &Interpreter) -> std::io::Result<Self> {
        let (major, minor) = interpreter.minor();
        let bin = root.join("bin");
        fs::create_dir_all(&bin)?;
        fs::create_dir_all(root.join(packages(interpreter)))?;
        let home = interpreter
            .executable()
            .parent()
            .unwrap_or_else(|| Path::new("/"));
        fs::write(
            root.join("pyvenv.cfg"),
            format!(
                "home = {}\ninclude-system-site-packages = false\nversion = {}\n",
                home.display(),
                interpreter.version()
            ),
        )?;
        let python = bin.join("python");
        link(interpreter.executable(), &python)?;
        for name in ["python3".to_owned(), format!("python{major}.{minor}")] {
            link(Path::new("python"), &bin.join(name))?;
        }
        Ok(Self {
            root: root.to_owned(),
            python,
            version: (major, minor),
        })
    }

    /// Its interpreter.
    pub(super) fn python(&self) -> &Path {
        &self.python
    }

    /// How wheels are unpacked into it.
    pub(super) fn unpack_options(&self) -> UnpackOptions {
        UnpackOptions {
            layout: Layout::Environment {
                python: self.version,
            },
            scripts: Some(Scripts {
                interpreter: self.python.display().to_string(),
                extras: BTreeSet::default(),
            }),
            ..UnpackOptions::default()
        }
    }

    /// The variables of a program that runs in it.
    fn variables(&self, running: &Running<'_>) -> BTreeMap<OsString, OsString> {
        let mut variables: BTreeMap<OsString, OsString> = running
            .variables
            .iter()
            .filter(|(name, _)| is_passed_on(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let path = running.variables.get(OsStr::new("PATH"));
        let folders = std::iter::once(self.root.join("bin")).chain(
            path.iter()
                .flat_map(|path| std::env::split_paths(path))
                // A relative folder would be one of the source tree.
                .filter(|folder| folder.is_absolute()),
        );
        if let Ok(path) = std::env::join_paths(folders) {
            variables.insert("PATH".into(), path);
        }
        for (name, value) in [
            ("VIRTUAL_ENV", self.root.as_os_str()),
            ("TMPDIR", running.scratch.as_os_str()),
            ("PYTHONDONTWRITEBYTECODE", OsStr::new("1")),
            ("PYTHONNOUSERSITE", OsStr::new("1")),
            ("PYTHONHASHSEED", OsStr::new("0")),
            ("PYTHONIOENCODING", OsStr::new("utf-8")),
            ("SOURCE_DATE_EPOCH", OsStr::new(SOURCE_DATE_EPOCH)),
            ("LC_ALL", OsStr::new("C.UTF-8")),
            ("TZ", OsStr::new("UTC")),
        ] {
            variables.insert(name.into(), value.to_owned());
        }
        variables
    }

    /// Runs its Python with `arguments` in `folder`.
    pub(super) async fn run(
        &self,
        arguments: &[&OsStr],
        folder: &Path,
        running: &Running<'_>,
    ) -> std::io::Result<Outcome> {
        // A file takes any amount of output and keeps the order of the two streams.
        let mut log = tempfile::tempfile_in(running.scratch)?;
        let mut command = tokio::process::Command::new(&self.python);
        command
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .envs(self.variables(running))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log.try_clone()?)
            .kill_on_drop(true);
        let (mut child, program) = start(&mut command)?;
        let Ok(status) = tokio::time::timeout(running.budget, child.wait()).await else {
            program.end();
            return Ok(Outcome::TimedOut);
        };
        let length = log.seek(SeekFrom::End(0))?;
        log.seek(SeekFrom::Start(length.saturating_sub(SHOWN_BYTES)))?;
        let mut output = Vec::new();
        log.read_to_end(&mut output)?;
        Ok(Outcome::Ended {
            status: status?,
            output: last_lines(&String::from_utf8_lossy(&output)),
        })
    }
}

/// Starts a program that ends, with all that it starts itself, when this process does.
pub(super) fn start(
    command: &mut tokio::process::Command,
) -> std::io::Result<(tokio::process::Child, Program)> {
    #[cfg(unix)]
    command.process_group(0);
    Program::start(|| command.spawn(), tokio::process::Child::id)
}

/// The packages' folder of an environment, relative to it.
fn packages(interpreter: &Interpreter) -> String {
    let python = interpreter.minor();
    Layout::Environment { python }.packages()
}

/// Whether a build may see a variable: somebody else's code runs there, so nothing that could be a
/// secret; and nothing that changes what Python imports or where installers look.
fn is_passed_on(name: &OsStr) -> bool {
    const PREFIXES: [&str; 9] = [
        "PYTHON",
        "PIP_",
        "UV_",
        "CONDA",
        "POETRY_",
        "PDM_",
        "AWS_",
        "LAYERPRESS_",
        "VIRTUAL_ENV",
    ];
    const PARTS: [&str; 8] = [
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "CREDENTIAL",
        "APIKEY",
        "_KEY",
        "_AUTH",
    ];
    let Some(name) = name.to_str().map(str::to_ascii_uppercase) else {
        return false;
    };
    !PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        && !PARTS.iter().any(|part| name.contains(part))
}

/// The end of a program's output, control characters (colours among them) escaped or dropped.
pub(super) fn last_lines(output: &str) -> String {
    let lines: Vec<String> = output
        .lines()
        .map(|line| {
            // A progress bar draws over itself: what stays is what came last.
            let line = line.trim_end().rsplit('\r').next().unwrap_or_default();
            without_colours(line)
                .chars()
                .take(SHOWN_LINE_CHARACTERS)
                .flat_map(|c| {
                    let escaped = c.is_control() && c != '\t';
                    let plain = (!escaped).then_some(c);
                    plain
                        .into_iter()
                        .chain(escaped.then(|| c.escape_default()).into_iter().flatten())
                })
                .collect()
        })
        .filter(|line: &String| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
}

/// Without the sequences that set colours (ECMA-48, SGR): `ESC [ … m`.
fn without_colours(line: &str) -> String {
    let mut plain = String::new();
    let mut parts = line.split("\u{1b}[");
    plain.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        match rest.strip_prefix(['m', 'K']) {
            Some(rest) => plain.push_str(rest),
            None => {
                plain.push_str("\u{1b}[");
                plain.push_str(part);
            }
        }
    }
    plain
}

#[cfg(unix)]
fn link(target: &Path, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(not(unix))]
fn link(target: &Path, link: &Path) -> std::io::Result<()> {
    fs::copy(link.parent().unwrap_or(link).join(target), link).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_see_no_secrets_and_no_other_python() {
        let passed: Vec<&str> = [
            "HOME",
            "CC",
            "https_proxy",
            "SSL_CERT_FILE",
            "PYTHONPATH",
            "PIP_INDEX_URL",
            "AWS_PROFILE",
            "GITHUB_TOKEN",
            "MY_API_KEY",
            "npm_config__auth",
            "VIRTUAL_ENV",
            "DB_PASSWORD",
        ]
        .into_iter()
        .filter(|name| is_passed_on(OsStr::new(name)))
        .collect();
        assert_eq!(passed, ["HOME", "CC", "https_proxy", "SSL_CERT_FILE"]);
    }

    #[test]
    fn output_is_cut_and_cleaned() {
        let many: String = (0..50).map(|n| format!("line {n}\n")).collect();
        let last = last_lines(&many);
        assert_eq!(last.lines().count(), SHOWN_LINES);
        assert!(last.starts_with("line 30") && last.ends_with("line 49"));
        assert_eq!(
            last_lines("10%\r100%\r\n\n\u{1b}[31;1mred\u{1b}[0m \u{1b}]0;x\u{7}\n"),
            "100%\nred \\u{1b}]0;x\\u{7}"
        );
    }
}
