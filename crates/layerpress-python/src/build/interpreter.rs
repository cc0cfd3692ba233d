//! [`Interpreter`]: a Python of this machine, which runs the builds; and how one is found.
//!
//! The program hands in where to look ([`Candidates`]); each interpreter is asked once what it is,
//! and the answer is kept in the store for as long as its file does not change.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::str::FromStr;
use std::time::{Duration, UNIX_EPOCH};

use layerpress_fetch::{Namespace, Store};
use layerpress_target::WheelTag;
use pep440_rs::Version;
use serde::{Deserialize, Serialize};

use super::error::BuildError;
use super::host_tags;

/// Where Pythons may lie, in the order in which they are preferred.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidates {
    /// What the user named: a path, a version (`3.12`), or a command (`python3.12`). Nothing else
    /// is looked at then.
    pub request: Option<String>,
    /// The folders of `PATH`.
    pub path_folders: Vec<PathBuf>,
    /// Folders that hold one installation each, as `~/.pyenv/versions` does.
    pub version_folders: Vec<PathBuf>,
}

/// A Python of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    facts: Facts,
    version: Version,
    minor: (u8, u8),
}

/// What an interpreter says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Facts {
    executable: PathBuf,
    version: String,
    implementation: String,
    free_threaded: bool,
    bits: u8,
    platform: String,
    libc: String,
    libc_version: String,
    os_name: String,
    sys_platform: String,
    platform_machine: String,
    platform_python_implementation: String,
    platform_release: String,
    platform_system: String,
    platform_version: String,
}

/// The C library that an interpreter is linked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Libc {
    /// The GNU one, with its version.
    Glibc(u16, u16),
    /// Another one, or none that Linux knows.
    Other,
}

/// The oldest version that builds anything today: what setuptools and pip stopped supporting before
/// it cannot run a current backend.
const OLDEST: (u8, u8) = (3, 8);

/// An interpreter that takes longer to say what it is hangs.
const ASKING_BUDGET: Duration = Duration::from_secs(20);

const SCRIPT: &str = include_str!("interpreter.py");

impl Interpreter {
    /// The full version: `3.12.1`.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Major and minor version.
    #[must_use]
    pub fn minor(&self) -> (u8, u8) {
        self.minor
    }

    /// The program itself, links resolved.
    #[must_use]
    pub fn executable(&self) -> &Path {
        &self.facts.executable
    }

    /// The machine it is compiled for, as Linux names it: `x86_64`, `aarch64`.
    #[must_use]
    pub fn machine(&self) -> &str {
        // The kernel may be 64-bit below a 32-bit interpreter; the platform's name is the latter's.
        self.facts
            .platform
            .rsplit_once('-')
            .map_or(&*self.facts.platform_machine, |(_, machine)| machine)
    }

    /// The C library it is linked with.
    #[must_use]
    pub fn libc(&self) -> Libc {
        let version = self
            .facts
            .libc_version
            .split_once('.')
            .and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
        match version {
            Some((major, minor)) if self.facts.libc == "glibc" => Libc::Glibc(major, minor),
            _ => Libc::Other,
        }
    }

    /// The values of the environment markers (PEP 508), for build requirements.
    #[must_use]
    pub fn markers(&self) -> layerpress_target::PythonMarkers {
        let facts = self.facts.clone();
        layerpress_target::PythonMarkers {
            implementation_name: facts.implementation,
            implementation_version: facts.version.clone(),
            os_name: facts.os_name,
            platform_machine: facts.platform_machine,
            platform_python_implementation: facts.platform_python_implementation,
            platform_release: facts.platform_release,
            platform_system: facts.platform_system,
            platform_version: facts.platform_version,
            python_full_version: facts.version,
            python_version: format!("{}.{}", self.minor.0, self.minor.1),
            sys_platform: facts.sys_platform,
        }
    }

    /// The tags of the wheels that it loads, best first.
    #[must_use]
    pub fn wheel_tags(&self) -> Vec<WheelTag> {
        let facts = &self.facts;
        let abi = if facts.free_threaded { "t" } else { "" };
        let python = (facts.implementation == "cpython").then_some(abi);
        host_tags::tags(self.minor, python, &facts.platform, self.libc())
    }

    fn from_json(json: &[u8]) -> Option<Self> {
        let facts: Facts = serde_json::from_slice(json).ok()?;
        let version = Version::from_str(&facts.version).ok()?;
        let number = |at: usize| u8::try_from(*version.release().get(at)?).ok();
        let minor = (number(0)?, number(1)?);
        Some(Self {
            facts,
            version,
            minor,
        })
    }
}

/// Finds the interpreter for builds that a target with Python `wanted` will use: one of the same
/// minor version, whose compiled results may fit; else the nearest that can build pure wheels.
///
/// # Errors
/// [`BuildError::NoPython`] if there is none, [`BuildError::RequestedPython`] if the one that was
/// asked for is not there or too old.
pub async fn find_interpreter(
    candidates: &Candidates,
    wanted: (u8, u8),
    store: &Store,
) -> Result<Interpreter, BuildError> {
    if let Some(request) = &candidates.request {
        return requested(candidates, request, store).await;
    }
    let exact = format!("python{}.{}", wanted.0, wanted.1);
    for path in candidates.paths(&[&exact]) {
        if let Some(found) = ask(&path, store).await.filter(|it| it.minor == wanted) {
            return Ok(found);
        }
    }
    let names: Vec<String> = (OLDEST.1..=30)
        .map(|minor| format!("python3.{minor}"))
        .chain(["python3".to_owned(), "python".to_owned()])
        .filter(|name| *name != exact)
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut best: Option<Interpreter> = None;
    for path in candidates.paths(&names) {
        // A shim only leads to what is found without it.
        if best.is_some() && is_script(&path) {
            continue;
        }
        let Some(found) = ask(&path, store).await.filter(|it| it.minor >= OLDEST) else {
            continue;
        };
        // Of two equally near ones the newer.
        let rank = |it: &Interpreter| (it.minor.1.abs_diff(wanted.1), u8::MAX - it.minor.1);
        if best.as_ref().is_none_or(|best| rank(&found) < rank(best)) {
            best = Some(found);
        }
    }
    best.ok_or(BuildError::NoPython { wanted })
}

async fn requested(
    candidates: &Candidates,
    request: &str,
    store: &Store,
) -> Result<Interpreter, BuildError> {
    let refused = |problem| BuildError::RequestedPython {
        request: request.to_owned(),
        problem,
    };
    let version = Version::from_str(request).ok();
    let paths = if request.contains(['/', '\\']) {
        vec![program_at(request)]
    } else if let Some(version) = &version {
        let release = version.release();
        let name = match release {
            [major] => format!("python{major}"),
            _ => format!("python{}.{}", release[0], release[1]),
        };
        candidates.paths(&[&name, "python3", "python"])
    } else {
        candidates.paths(&[request])
    };
    let fits = |it: &Interpreter| {
        version
            .as_ref()
            .is_none_or(|version| it.version.release().starts_with(version.release()))
    };
    let mut too_old = None;
    for path in paths {
        match ask(&path, store).await {
            Some(found) if !fits(&found) => {}
            Some(found) if found.minor < OLDEST => too_old = Some(found),
            Some(found) => return Ok(found),
            None => {}
        }
    }
    Err(refused(match too_old {
        Some(found) => format!(
            "is Python {}, and builds need {}.{} or newer",
            found.version, OLDEST.0, OLDEST.1
        ),
        None => "is no Python that runs here".to_owned(),
    }))
}

/// The program at a path that the user named; the folder of an installation or a virtual environment
/// names its Python.
fn program_at(path: &str) -> PathBuf {
    let path = PathBuf::from(path);
    if path.is_dir() {
        path.join("bin/python")
    } else {
        path
    }
}

impl Candidates {
    /// The programs that may be Python `wanted`; if the user named one, that alone. None of them
    /// was asked.
    #[must_use]
    pub fn of_version(&self, wanted: (u8, u8)) -> Vec<PathBuf> {
        let name = format!("python{}.{}", wanted.0, wanted.1);
        match &self.request {
            Some(path) if path.contains(['/', '\\']) => vec![program_at(path)],
            // A version may be another one, which is for builds.
            Some(command) if Version::from_str(command).is_err() => self.paths(&[command]),
            _ => self.paths(&[&name]),
        }
    }

    /// The files of the given names, in every folder; of one folder in the order of the names.
    /// Shims come last: they take their time, and what they answer cannot be kept.
    fn paths(&self, names: &[&str]) -> Vec<PathBuf> {
        let mut folders = self.path_folders.clone();
        for folder in &self.version_folders {
            let Ok(installations) = fs::read_dir(folder) else {
                continue;
            };
            let mut installations: Vec<PathBuf> = installations
                .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
                .collect();
            installations.sort();
            folders.extend(installations);
        }
        let (shims, mut programs): (Vec<PathBuf>, Vec<PathBuf>) = folders
            .iter()
            .filter(|folder| folder.is_absolute())
            .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
            .filter(|path| path.is_file())
            .partition(|path| is_script(path));
        programs.extend(shims);
        programs
    }
}

/// What the program at `path` says it is; nothing if it is no Python that runs.
async fn ask(path: &Path, store: &Store) -> Option<Interpreter> {
    let key = cache_key(path);
    if let Some(known) = key
        .as_deref()
        .and_then(|key| store.blob(Namespace::Built, key))
        .and_then(|blob| Interpreter::from_json(&blob))
        .filter(|known| known.executable().is_file())
    {
        return Some(known);
    }
    let json = run(path).await?;
    let found = Interpreter::from_json(&json)?;
    if let Some(key) = key {
        // Without a store that can be written it is asked again the next time.
        let _ = store.put_blob(Namespace::Built, &key, &json);
    }
    Some(found)
}

async fn run(path: &Path) -> Option<Vec<u8>> {
    let output = tokio::process::Command::new(path)
        .args(["-I", "-c", SCRIPT])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .env_remove("PYTHONHOME")
        .env_remove("PYTHONPATH")
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(ASKING_BUDGET, output)
        .await
        .ok()?
        .ok()?;
    output.status.success().then_some(output.stdout)
}

/// The key of what is known of the interpreter at `path`; nothing for a shim.
fn cache_key(path: &Path) -> Option<String> {
    if is_script(path) {
        return None;
    }
    // Two links to one program may be two environments: the path that was asked for counts.
    let metadata = fs::metadata(path).ok()?;
    let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(format!(
        "interpreter-1 {} {} {}",
        path.to_str()?,
        modified.as_nanos(),
        metadata.len()
    ))
}

/// Whether `path` is a shim: a script that picks an interpreter by the folder it runs in.
fn is_script(path: &Path) -> bool {
    let mut start = [0; 2];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == *b"#!"
}
