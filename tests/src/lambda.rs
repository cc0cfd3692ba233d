//! [`LambdaRoot`]: imports from a layer as Lambda would, as far as this machine allows.
//!
//! The layer is unpacked to `/opt`, read-only, in a root of its own that holds only the base image's
//! libraries, with glibc's newer version names hidden above the runtime's; the language lies at
//! `/var/lang`, `sys.path`, `NODE_PATH` and the environment are Lambda's, the user is not root, and
//! there is no network. That takes Linux, the right to make namespaces (root, or unprivileged ones),
//! `unshare` and glibc. Where one is missing, the interpreter found is run directly, with the layer
//! before its own packages; where even that is missing, nothing runs. Either is said on stderr,
//! uncaptured.

mod glibc;
mod interpreter;
mod language;
mod node;
mod root;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::context::not_run;
use crate::layer::Layer;
use language::Language;
use root::Root;

/// A place to import from layers in, for one runtime.
#[derive(Debug)]
pub struct LambdaRoot {
    language: Language,
    /// `None` where the interpreter must be run directly.
    root: Option<Root>,
}

/// What an import ended with.
#[derive(Debug, Clone)]
pub struct Imported {
    /// Whether the code ran to its end.
    pub ok: bool,
    /// What it printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

impl LambdaRoot {
    /// The place for a runtime (`python3.13`, `nodejs22.x`), with its root kept below `folder`
    /// between runs; `None`, and a line on stderr, where no such interpreter can be had.
    pub fn for_runtime(runtime: &str, folder: &Path) -> Option<Self> {
        let language = match Language::find(runtime, folder) {
            Ok(language) => language,
            Err(reason) => {
                not_run(&format!("nothing is imported by {runtime}: {reason}"));
                return None;
            }
        };
        let root = match Root::prepare(&language, folder) {
            Ok(root) => Some(root),
            Err(reason) => {
                not_run(&format!(
                    "a Lambda-like root, so that {runtime} runs directly: {reason}"
                ));
                None
            }
        };
        Some(Self { language, root })
    }

    /// Whether imports see only what Lambda's base image has.
    pub fn is_complete(&self) -> bool {
        self.root.is_some()
    }

    /// Runs code with the layer attached: Python, or CommonJS.
    ///
    /// # Panics
    ///
    /// If the machine does not let the test write or start programs.
    pub fn run(&self, layer: &Layer, code: &str) -> Imported {
        self.run_file(layer, code, self.language.function(false))
    }

    /// The same with an ES module.
    ///
    /// # Panics
    ///
    /// If the machine does not let the test write or start programs.
    pub fn run_module(&self, layer: &Layer, code: &str) -> Imported {
        self.run_file(layer, code, self.language.function(true))
    }

    fn run_file(&self, layer: &Layer, code: &str, file: &str) -> Imported {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let opt = folder.path().join("opt");
        let task = folder.path().join("task");
        for path in [&opt, &task] {
            fs::create_dir(path).expect("a folder");
        }
        layer.unpack(&opt);
        fs::write(task.join(file), code).expect("a file");
        let output = match &self.root {
            Some(root) => root.run(&self.language, &opt, &task, file),
            None => self.run_directly(&opt, &task.join(file)),
        };
        Imported {
            ok: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs code that must succeed, and returns what it printed.
    ///
    /// # Panics
    ///
    /// With what it complained of, if it does not.
    pub fn expect(&self, layer: &Layer, code: &str) -> String {
        self.run(layer, code).expect(code)
    }

    /// The same with an ES module.
    ///
    /// # Panics
    ///
    /// With what it complained of, if it does not.
    pub fn expect_module(&self, layer: &Layer, code: &str) -> String {
        self.run_module(layer, code).expect(code)
    }

    fn run_directly(&self, opt: &Path, function: &Path) -> Output {
        let mut command = Command::new(self.language.executable());
        if let Language::Python(_) = self.language {
            // Isolated: neither the user's packages nor variables; -S: nor the site's.
            command.args(["-I", "-S"]);
        }
        command
            .args(self.language.arguments(opt, function))
            .env_clear()
            .env("HOME", function.parent().unwrap_or(function))
            .envs(self.language.variables(&opt.display().to_string()))
            .output()
            .expect("an interpreter that was found can be started")
    }
}

impl Imported {
    fn expect(self, code: &str) -> String {
        assert!(
            self.ok,
            "{code}\n--- stdout\n{}--- stderr\n{}",
            self.stdout, self.stderr
        );
        self.stdout
    }
}
