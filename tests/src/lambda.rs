//! [`LambdaRoot`]: imports from a layer as Lambda would, as far as this machine allows.
//!
//! The layer is unpacked to `/opt`, read-only, in a root of its own that holds only the base image's
//! libraries, with glibc's newer version names hidden above the runtime's; the interpreter lies at
//! `/var/lang`, `sys.path` and the environment are Lambda's, the user is not root, and there is no
//! network. That takes Linux, the right to make namespaces (root, or unprivileged ones), `unshare`
//! and glibc. Where one is missing, the interpreter found is run directly, with the layer before its
//! own packages; where even that is missing, nothing runs. Either is said on stderr, uncaptured.

mod glibc;
mod interpreter;
mod root;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use crate::layer::Layer;
use interpreter::Interpreter;
use root::Root;

/// A place to import from layers in, for one Python runtime.
#[derive(Debug)]
pub struct LambdaRoot {
    interpreter: Interpreter,
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
    /// The place for a runtime (`python3.13`), with its root kept below `folder` between runs;
    /// `None`, and a line on stderr, where no such interpreter is found.
    pub fn for_runtime(runtime: &str, folder: &Path) -> Option<Self> {
        let Some(interpreter) = Interpreter::find(runtime) else {
            say(&format!(
                "NOT RUN: no {runtime} on this machine, so nothing can be imported by it"
            ));
            return None;
        };
        let root = match Root::prepare(&interpreter, folder) {
            Ok(root) => Some(root),
            Err(reason) => {
                say(&format!(
                    "ONLY IN PART: {runtime} runs directly, not in a Lambda-like root: {reason}"
                ));
                None
            }
        };
        Some(Self { interpreter, root })
    }

    /// Whether imports see only what Lambda's base image has.
    pub fn is_complete(&self) -> bool {
        self.root.is_some()
    }

    /// Runs Python code with the layer attached.
    ///
    /// # Panics
    ///
    /// If the machine does not let the test write or start programs.
    pub fn run(&self, layer: &Layer, code: &str) -> Imported {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let opt = folder.path().join("opt");
        let task = folder.path().join("task");
        for path in [&opt, &task] {
            fs::create_dir(path).expect("a folder");
        }
        layer.unpack(&opt);
        fs::write(task.join("function.py"), code).expect("a file");
        let output = match &self.root {
            Some(root) => root.run(&self.interpreter, &opt, &task),
            None => self.run_directly(&opt, &task),
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
        let imported = self.run(layer, code);
        assert!(
            imported.ok,
            "{code}\n--- stdout\n{}--- stderr\n{}",
            imported.stdout, imported.stderr
        );
        imported.stdout
    }

    fn run_directly(&self, opt: &Path, task: &Path) -> Output {
        Command::new(&self.interpreter.executable)
            // Isolated: neither the user's packages nor variables; -S: nor the site's.
            .args(["-I", "-S", "-B", "-c", &bootstrap(opt, task)])
            .env_clear()
            .env("HOME", task)
            .output()
            .expect("an interpreter that was found can be started")
    }
}

/// The code that arranges `sys.path` as the base image's `bootstrap.py` does and runs the
/// function's module.
fn bootstrap(opt: &Path, task: &Path) -> String {
    let (opt, task) = (opt.display().to_string(), task.display().to_string());
    format!(
        "import site, sys, runpy\n\
         versioned = {opt:?} + '/python/lib/python%d.%d/site-packages' % sys.version_info[:2]\n\
         sys.path[:0] = [{task:?}, versioned, {opt:?} + '/python']\n\
         site.addsitedir(versioned); site.addsitedir({opt:?} + '/python')\n\
         runpy.run_path({task:?} + '/function.py', run_name='function')\n"
    )
}

/// A line on stderr that the test runner does not capture: a part that did not run must be seen.
fn say(line: &str) {
    // With stderr closed there is nobody left to tell.
    let _unheard = writeln!(std::io::stderr().lock(), "{line}");
}
