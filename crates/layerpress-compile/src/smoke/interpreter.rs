//! [`find`]: an interpreter of this machine that fits a layer.

use std::fmt;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use layerpress_check::Inferred;
use layerpress_target::{Ecosystem, Runtime};

use super::{Language, Smoke, SmokeError};

/// An interpreter.
#[derive(Debug)]
pub(super) struct Interpreter {
    pub(super) language: Language,
    pub(super) program: PathBuf,
    /// Major and minor version; of Node.js the minor is 0.
    pub(super) version: (u8, u8),
}

impl fmt::Display for Interpreter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = named(self.language, Some(self.version));
        write!(f, "{name} ({})", self.program.display())
    }
}

/// The first interpreter of the layer's version; where the layer tells none, of the newest version that
/// Lambda has.
///
/// # Errors
/// [`SmokeError::NoInterpreter`].
pub(super) fn find(
    language: Language,
    inferred: &Inferred,
    smoke: &Smoke,
) -> Result<Interpreter, SmokeError> {
    let (ecosystem, known) = match language {
        Language::Python => (Ecosystem::Python, inferred.python),
        Language::Node => (Ecosystem::Node, inferred.node),
    };
    let versions: Vec<(u8, u8)> = match known {
        Some(known) => vec![known.value.version()],
        None => {
            let runtimes = Runtime::all().filter(|it| it.ecosystem() == ecosystem);
            let mut versions: Vec<_> = runtimes.map(Runtime::version).collect();
            versions.sort_unstable();
            versions.reverse();
            versions
        }
    };
    let places = &smoke.interpreters;
    let mut looked_in: Vec<PathBuf> = places.path_folders.clone();
    let installed = places
        .version_folders
        .iter()
        .flat_map(|folder| installations(folder));
    if language == Language::Python {
        looked_in.extend(installed);
    }
    for version in versions {
        let mut programs = looked_in.iter().map(|folder| {
            folder.join(match language {
                Language::Python => format!("python{}.{}", version.0, version.1),
                Language::Node => "node".to_owned(),
            })
        });
        let fits =
            |program: &PathBuf| is_program(program) && is_version(language, program, version);
        if let Some(program) = programs.find(fits) {
            return Ok(Interpreter {
                language,
                program,
                version,
            });
        }
    }
    Err(SmokeError::NoInterpreter {
        wanted: named(language, known.map(|it| it.value.version())),
        code: smoke.code.chars().take(60).collect(),
        looked_in,
    })
}

fn named(language: Language, version: Option<(u8, u8)>) -> String {
    match (language, version) {
        (Language::Python, Some((major, minor))) => format!("Python {major}.{minor}"),
        (Language::Python, None) => "Python".to_owned(),
        (Language::Node, Some((major, _))) => format!("Node.js {major}"),
        (Language::Node, None) => "Node.js".to_owned(),
    }
}

/// The `bin` folders of the installations in a folder, the last by name first.
fn installations(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries.map(|it| it.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    folders
}

/// Whether it is a program itself: a script, as version managers put in its place, starts whatever the
/// folder it runs in asks for.
fn is_program(path: &Path) -> bool {
    let mut head = [0; 2];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head != *b"#!"
}

/// A Python's version is in its name, a Node.js has to be asked.
fn is_version(language: Language, program: &Path, version: (u8, u8)) -> bool {
    if language == Language::Python {
        return true;
    }
    let asked = Command::new(program)
        .arg("--version")
        .env_clear()
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    asked.is_ok_and(|said| {
        said.stdout
            .starts_with(format!("v{}.", version.0).as_bytes())
    })
}
