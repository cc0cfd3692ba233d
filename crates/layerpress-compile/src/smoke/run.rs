//! [`to_the_end`]: a program of somebody else's, run in a clean environment and within its time.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use layerpress_scratch::Program;

use super::Code;
use super::interpreter::Interpreter;

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ran {
    /// Its exit code; nothing where a signal ended it, or its time was up.
    pub(crate) code: Option<i32>,
    /// Whether its time was up.
    pub(crate) timed_out: bool,
    /// What it wrote to stdout.
    pub(crate) stdout: Vec<u8>,
    /// The end of what it wrote to stderr.
    pub(crate) stderr: String,
    /// How long it took.
    pub(crate) took: Duration,
}

impl Ran {
    /// Whether it ended well.
    pub(crate) fn is_well(&self) -> bool {
        self.code == Some(0)
    }

    /// Whether both did the same.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (self.code, self.timed_out, &self.stdout) == (other.code, other.timed_out, &other.stdout)
    }

    /// How it ended, for display: `ends with exit code 1: ImportError: …`.
    pub(crate) fn end(&self) -> String {
        let how = match (self.code, self.timed_out) {
            (_, true) => "does not end in time".to_owned(),
            (Some(0), _) => "ends well, but writes something else to stdout".to_owned(),
            (Some(code), _) => format!("ends with exit code {code}"),
            (None, _) => "is ended by a signal".to_owned(),
        };
        match said(&self.stderr).filter(|_| !self.is_well()) {
            Some(said) => format!("{how}: {}", said.chars().take(200).collect::<String>()),
            None => how,
        }
    }
}

/// The line that says what went wrong: the last one that names an exception, as Python writes it at the end
/// of a traceback and Node.js before the stack; else the last one.
fn said(stderr: &str) -> Option<&str> {
    let lines = || stderr.lines().map(str::trim_end);
    let last = lines().rfind(|line| !line.is_empty());
    lines()
        .rfind(|line| names_exception(line))
        .or(last)
        .map(str::trim)
}

/// `ModuleNotFoundError: …`, `Error [ERR_MODULE_NOT_FOUND]: …`, `a.b.SomeException: …`, at a line's beginning.
fn names_exception(line: &str) -> bool {
    let head = line.split(':').next().unwrap_or(line);
    let name = head.split(" [").next().unwrap_or(head);
    let is_name = |it: char| it.is_alphanumeric() || it == '_' || it == '.';
    let ends = ["Error", "Exception"].iter().any(|it| name.ends_with(it));
    ends && line.len() > head.len() && name.chars().all(is_name)
}

/// How much of its output is looked at; the rest is read and forgotten.
const MOST_OUTPUT: usize = 1 << 20;

/// Runs Python as Lambda does: the layer's folders before all others but the standard library's, their
/// `.pth` files obeyed, and nothing of this machine's own packages.
const PYTHON: &str = "\
import site, sys
kind, code, *folders = sys.argv[1:]
sys.argv[:] = [code if kind == 'file' else '-c']
sys.path[:0] = folders
for folder in folders:
    site.addsitedir(folder)
site.setquit()
if kind == 'file':
    import os, runpy
    sys.path.insert(0, os.path.dirname(code))
    runpy.run_path(code, run_name='__main__')
else:
    exec(compile(code, '<smoke>', 'exec'), {'__name__': '__main__'})
";

/// The command that runs Python code.
pub(super) fn python(interpreter: &Interpreter, code: &Code, path: &[PathBuf]) -> Command {
    let mut command = clean(&interpreter.program);
    command.args(["-I", "-S", "-B", "-c", PYTHON]);
    match code {
        Code::Text(text) => command.args(["text", text]),
        Code::File(file) => command.arg("file").arg(file),
    };
    command
        .args(path)
        .env("PYTHONPATH", joined(path))
        .env("PYTHONHASHSEED", "0")
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// The command that runs JavaScript, a file of which lies at `script`.
pub(super) fn node(interpreter: &Interpreter, code: &Code, script: Option<&Path>) -> Command {
    let mut command = clean(&interpreter.program);
    match code {
        Code::Text(text) => {
            let first = text.trim_start();
            if first.starts_with("import ") || first.starts_with("import{") {
                command.arg("--input-type=module");
            }
            command.args(["-e", text])
        }
        Code::File(file) => command.arg(script.unwrap_or(file)),
    };
    command
}

/// Folders as one variable.
pub(crate) fn joined(folders: &[PathBuf]) -> OsString {
    // A folder whose name holds the separator cannot be named in a variable at all.
    std::env::join_paths(folders).unwrap_or_default()
}

fn clean(program: &Path) -> Command {
    let mut command = Command::new(program);
    let own = program.parent().unwrap_or(Path::new("/usr/bin"));
    command
        .env_clear()
        .env(
            "PATH",
            joined(&[
                own.to_owned(),
                "/usr/local/bin".into(),
                "/usr/bin".into(),
                "/bin".into(),
            ]),
        )
        .env("LANG", "C.UTF-8")
        .env("TZ", "UTC")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
}

/// Runs the command; what it started itself ends with it.
///
/// # Errors
/// What the system says where it cannot be started.
pub(crate) fn to_the_end(command: &mut Command, timeout: Duration) -> io::Result<Ran> {
    let begun = Instant::now();
    let (mut child, program) =
        Program::start(|| command.spawn(), |child: &Child| Some(child.id()))?;
    let stdout = child.stdout.take().map(gather);
    let stderr = child.stderr.take().map(gather);
    let (done, ended) = mpsc::channel();
    let waiter = thread::spawn(move || {
        let status = child.wait();
        // Whoever waits may have stopped to.
        let _unheard = done.send(());
        status
    });
    let timed_out = ended.recv_timeout(timeout).is_err();
    // What it left behind would hold its output open.
    program.end();
    let status = waiter
        .join()
        .map_err(|_| io::Error::other("a thread died"))??;
    let gathered = |reader: Option<thread::JoinHandle<Vec<u8>>>| {
        reader.and_then(|it| it.join().ok()).unwrap_or_default()
    };
    Ok(Ran {
        code: status.code().filter(|_| !timed_out),
        timed_out,
        stdout: gathered(stdout),
        stderr: String::from_utf8_lossy(&gathered(stderr)).into_owned(),
        took: begun.elapsed(),
    })
}

fn gather(mut from: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut kept = Vec::new();
        let mut piece = [0; 8 << 10];
        // An error ends it as the end does.
        while let Ok(count @ 1..) = from.read(&mut piece) {
            if kept.len() < MOST_OUTPUT {
                kept.extend_from_slice(&piece[..count]);
            }
        }
        kept
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_told_that_says_what_went_wrong() {
        let python = "Traceback (most recent call last):\n  File \"<smoke>\", line 1\nModuleNotFoundError: No module named 'a'\n";
        let chained = "KeyError: 1\n\nDuring handling, another exception occurred:\n\na.b.BotoCoreError: no\n\nsee above\n";
        let node = "node:internal/modules/cjs/loader:1228\n  throw err;\n  ^\n\nError: Cannot find module 'a'\nRequire stack:\n- /x\n    at b (c:1) {\n  code: 'MODULE_NOT_FOUND'\n}\n\nNode.js v20.20.2\n";
        let esm = "    at a\nError [ERR_MODULE_NOT_FOUND]: Cannot find package 'a'\n    at b\n\nNode.js v20.20.2\n";
        let other = "something\nwas wrong: Error\n\n";
        let told = [python, chained, node, esm, other, "\n"].map(|it| said(it).unwrap_or("-"));
        insta::assert_snapshot!(told.join("\n"), @r"
        ModuleNotFoundError: No module named 'a'
        a.b.BotoCoreError: no
        Error: Cannot find module 'a'
        Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'a'
        was wrong: Error
        -
        ");
    }
}
