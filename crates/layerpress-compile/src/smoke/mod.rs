//! [`Bench`]: the user's own line of code, run on a real interpreter against an unpacked layer.
//!
//! The layer is unpacked into a folder of its own, where search paths lead as they do on Lambda, and
//! nothing else of this machine is on them. What is compared is how the program ends and what it writes
//! to stdout, with the layer as it came and as it is; where only the latter fails, [`culprit`] halves
//! the changes until one is left.

mod bisect;
mod interpreter;
mod run;
mod script;
mod unpacked;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use layerpress_check::Inferred;
use layerpress_python::build::Candidates;
use layerpress_scratch::{Naming, ScratchFolder, sweep};
use layerpress_target::Arch;
use layerpress_tree::{LayerPath, LayerTree};

use crate::trace::{Recorder, TraceError};

pub(crate) use bisect::culprit;
pub(crate) use run::{Ran, joined, to_the_end};
pub(crate) use unpacked::Unpacked;

use self::interpreter::Interpreter;
use self::script::Script;

/// What to run against a layer, and with what.
#[derive(Debug, Clone)]
pub struct Smoke {
    /// Code, or the path of a file of code.
    pub code: String,
    /// How long it may take.
    pub timeout: Duration,
    /// Where interpreters lie.
    pub interpreters: Candidates,
    /// The folder to unpack in.
    pub temporary: PathBuf,
}

/// How a smoke test went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmokeReport {
    /// The interpreter: `Python 3.13 (/usr/bin/python3.13)`.
    pub interpreter: String,
    /// How it ended with the layer as it came, if not well.
    pub failed_before: Option<String>,
}

/// Why a smoke test could not be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SmokeError {
    /// No interpreter fits.
    #[error("no {wanted} was found to run `{code}` with")]
    NoInterpreter {
        /// `Python 3.13`
        wanted: String,
        /// The code, shortened.
        code: String,
        /// The folders that were looked through.
        looked_in: Vec<PathBuf>,
    },
    /// No code at all.
    #[error("there is nothing to run in `--smoke`")]
    Nothing,
    /// Machine code for another machine.
    #[error(
        "the layer is for {arch} and this machine is {machine}, so nothing in it can be run here"
    )]
    OtherMachine {
        /// What the layer is for.
        arch: Arch,
        /// What this machine is.
        machine: &'static str,
    },
    /// The file to run cannot be read.
    #[error("`{}` cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The layer cannot be unpacked, or the interpreter not be started.
    #[error("the smoke test cannot be run: {0}")]
    System(#[from] io::Error),
}

impl SmokeError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoInterpreter { looked_in, .. } => {
                let folders: Vec<_> = looked_in
                    .iter()
                    .map(|it| it.display().to_string())
                    .collect();
                Some(format!(
                    "looked in {}; `--runtime` names another one",
                    folders.join(", ")
                ))
            }
            Self::Nothing => Some(
                "give it code, as `--smoke 'import requests'`, or the path of a file".to_owned(),
            ),
            Self::OtherMachine { .. } => {
                Some("run it without `--smoke`, or on such a machine".to_owned())
            }
            Self::Unreadable { .. } | Self::System(_) => None,
        }
    }
}

/// The folders that layers are unpacked in.
const WORK: Naming = Naming {
    prefix: "layerpress-smoke-",
    suffix: "",
};

/// Which language the code is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Python,
    Node,
}

/// An interpreter and an unpacked layer, to run one piece of code again and again.
#[derive(Debug)]
pub(crate) struct Bench {
    interpreter: Interpreter,
    code: Code,
    /// The code's file with what it loads, if it is one of JavaScript.
    script: Option<Script>,
    timeout: Duration,
    /// Whether packages lie at the layer's top, as in a function.
    is_function: bool,
    unpacked: Unpacked,
    folder: ScratchFolder,
}

#[derive(Debug)]
enum Code {
    Text(String),
    File(PathBuf),
}

impl Bench {
    /// Finds what the code needs, and a place for the layer.
    ///
    /// # Errors
    /// What is missing.
    pub(crate) fn new(
        smoke: &Smoke,
        layer: &LayerTree,
        inferred: &Inferred,
        is_function: bool,
    ) -> Result<Self, SmokeError> {
        let code = code(&smoke.code)?;
        let language = language(&code, layer);
        if let Some(arch) = other_machine(inferred, layer) {
            let machine = std::env::consts::ARCH;
            return Err(SmokeError::OtherMachine { arch, machine });
        }
        let interpreter = interpreter::find(language, inferred, smoke)?;
        sweep(&smoke.temporary, &WORK);
        let folder = ScratchFolder::create(&smoke.temporary, &WORK)?;
        let unpacked = Unpacked::new(folder.path().join("opt"))?;
        let script = match &code {
            Code::File(file) if language == Language::Node => Some(Script::read(file)?),
            _ => None,
        };
        let bench = Self {
            interpreter,
            code,
            script,
            timeout: smoke.timeout,
            is_function,
            unpacked,
            folder,
        };
        let prefix = format!("nodejs/node{}/", bench.interpreter.version.0);
        let mut paths = layer.iter().map(|(path, _)| path.as_str());
        bench.lay_out(paths.any(|path| path.starts_with(&prefix)))?;
        Ok(bench)
    }

    /// The interpreter, for display.
    pub(crate) fn interpreter(&self) -> String {
        self.interpreter.to_string()
    }

    /// Runs the code against `layer`.
    ///
    /// # Errors
    /// What keeps it from being run at all.
    pub(crate) fn run(&mut self, layer: &LayerTree) -> Result<Ran, SmokeError> {
        self.unpacked.put(layer)?;
        self.run_unpacked()
    }

    /// As [`Bench::run`], with the files of `layer` that were read.
    ///
    /// # Errors
    /// Also a file system that does not note what is read.
    pub(crate) fn run_recorded(
        &mut self,
        layer: &LayerTree,
    ) -> Result<(Ran, BTreeSet<LayerPath>), TraceError> {
        self.unpacked.put(layer)?;
        let recorder = Recorder::begin(self.unpacked.folder(), layer)?;
        let ran = self.run_unpacked().map_err(io::Error::other)?;
        Ok((ran, recorder.read()?))
    }

    fn run_unpacked(&self) -> Result<Ran, SmokeError> {
        let task = self.folder.path().join("task");
        let mut command = match self.interpreter.language {
            Language::Python => run::python(&self.interpreter, &self.code, &self.search_path()),
            Language::Node => {
                let script = self.script.as_ref().map(|it| task.join(it.place()));
                run::node(&self.interpreter, &self.code, script.as_deref())
            }
        };
        let opt = self.unpacked.folder();
        command
            .current_dir(&task)
            .env("HOME", &task)
            .env("TMPDIR", self.folder.path().join("tmp"))
            .env("LD_LIBRARY_PATH", opt.join("lib"))
            .env("NODE_PATH", run::joined(&self.search_path()));
        Ok(run::to_the_end(&mut command, self.timeout)?)
    }

    /// Where Lambda would look for packages, the first place first.
    fn search_path(&self) -> Vec<PathBuf> {
        let opt = self.unpacked.folder();
        let (major, minor) = self.interpreter.version;
        match (self.interpreter.language, self.is_function) {
            (Language::Python, true) => vec![opt.to_owned()],
            (Language::Node, true) => vec![opt.join("node_modules")],
            (Language::Python, false) => vec![
                opt.join(format!("python/lib/python{major}.{minor}/site-packages")),
                opt.join("python"),
            ],
            (Language::Node, false) => vec![
                opt.join(format!("nodejs/node{major}/node_modules")),
                opt.join("nodejs/node_modules"),
            ],
        }
    }

    /// The folders around the layer, and the script with what it loads where there is one to copy.
    fn lay_out(&self, versioned_modules: bool) -> io::Result<()> {
        let root = self.folder.path();
        for folder in ["task", "tmp"] {
            std::fs::create_dir(root.join(folder))?;
        }
        if self.interpreter.language == Language::Python {
            return Ok(());
        }
        // `import` knows no NODE_PATH: what is imported is found beside the script.
        #[cfg(unix)]
        {
            let path = self.search_path();
            let versioned = path.first().filter(|_| !self.is_function);
            let modules = versioned.filter(|_| versioned_modules).or(path.last());
            if let Some(modules) = modules {
                std::os::unix::fs::symlink(modules, root.join("task/node_modules"))?;
            }
        }
        match &self.script {
            Some(script) => script.copy_to(&root.join("task")),
            None => Ok(()),
        }
    }
}

/// Whether what was asked for is a file or code.
fn code(text: &str) -> Result<Code, SmokeError> {
    if text.trim().is_empty() {
        return Err(SmokeError::Nothing);
    }
    let path = Path::new(text);
    let extension = path.extension().and_then(|it| it.to_str());
    if !matches!(extension, Some("py" | "js" | "mjs" | "cjs")) || text.contains(['\n', '(', ';']) {
        return Ok(Code::Text(text.to_owned()));
    }
    match path.canonicalize() {
        Ok(path) => Ok(Code::File(path)),
        Err(source) => Err(SmokeError::Unreadable {
            path: path.to_owned(),
            source,
        }),
    }
}

fn language(code: &Code, layer: &LayerTree) -> Language {
    match code {
        Code::File(path) if path.extension().is_some_and(|it| it == "py") => Language::Python,
        Code::File(_) => Language::Node,
        Code::Text(text) => {
            let is_script = |text: &str| {
                ["require(", "import(", "await ", "const ", "console."]
                    .iter()
                    .any(|word| text.contains(word))
                    || text.contains(" from '")
                    || text.contains(" from \"")
            };
            let has = |extension: &str| {
                let mut paths = layer.iter().map(|(path, _)| path.file_name());
                paths.any(|name| name.ends_with(extension))
            };
            match (has(".py") || has(".so"), has(".js") || has(".mjs")) {
                (true, false) => Language::Python,
                (false, true) => Language::Node,
                _ if is_script(text) => Language::Node,
                _ => Language::Python,
            }
        }
    }
}

/// What a layer is for, if it has machine code and that does not run here.
pub(crate) fn other_machine(inferred: &Inferred, layer: &LayerTree) -> Option<Arch> {
    let arch = inferred.arch?.value;
    let mut paths = layer.iter().map(|(path, _)| path.file_name());
    let is_native =
        |name: &str| name.ends_with(".so") || name.ends_with(".node") || name.contains(".so.");
    (arch.machine() != std::env::consts::ARCH && paths.any(is_native)).then_some(arch)
}
