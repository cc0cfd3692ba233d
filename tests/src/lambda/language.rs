//! [`Language`]: what differs between the runtimes in a root like Lambda's.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::glibc;
use super::interpreter::Interpreter;
use super::node::{self, Node};
use super::root::LIBRARIES;

/// A runtime's language, found on this machine or brought to it.
#[derive(Debug, Clone)]
pub(crate) enum Language {
    /// A CPython of this machine.
    Python(Interpreter),
    /// A Node.js out of a package.
    Node(Node),
}

impl Language {
    /// The language of a runtime, with what must be brought here kept below `folder`.
    ///
    /// # Errors
    ///
    /// A sentence that says why it cannot be had.
    pub(crate) fn find(runtime: &str, folder: &Path) -> Result<Self, String> {
        if runtime.starts_with("nodejs") {
            Node::find(runtime, folder).map(Self::Node)
        } else {
            Interpreter::find(runtime)
                .map(Self::Python)
                .ok_or_else(|| "it is not on this machine".to_owned())
        }
    }

    /// `python3.13`, `node22`
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Python(python) => format!("python{}", python.version),
            Self::Node(node) => format!("node{}", node.major),
        }
    }

    /// The runtime's name as Lambda's environment has it.
    pub(crate) fn runtime(&self) -> String {
        match self {
            Self::Python(python) => format!("python{}", python.version),
            Self::Node(node) => format!("nodejs{}.x", node.major),
        }
    }

    /// The minor version of glibc that the base image has: Amazon Linux 2 for Python up to 3.11,
    /// Amazon Linux 2023 for all others here.
    pub(crate) fn ceiling(&self) -> u32 {
        let Self::Python(python) = self else {
            return 34;
        };
        let minor = python.version.strip_prefix("3.");
        match minor.and_then(|minor| minor.parse::<u32>().ok()) {
            Some(..=11) => 26,
            _ => 34,
        }
    }

    /// The executable of this machine.
    pub(crate) fn executable(&self) -> &Path {
        match self {
            Self::Python(python) => &python.executable,
            Self::Node(node) => &node.executable,
        }
    }

    /// The name of the function's file.
    pub(crate) fn function(&self, is_module: bool) -> &'static str {
        match self {
            Self::Python(_) => "function.py",
            Self::Node(_) if is_module => "function.mjs",
            Self::Node(_) => "function.cjs",
        }
    }

    /// Code that shows that the language works at all.
    pub(crate) fn try_out(&self) -> &'static str {
        match self {
            Self::Python(_) => "import ssl, sqlite3, zlib",
            Self::Node(_) => "require('node:crypto').randomUUID()",
        }
    }

    /// The arguments that run the function: all but the executable.
    pub(crate) fn arguments(&self, opt: &Path, function: &Path) -> Vec<String> {
        let (opt, function) = (opt.display().to_string(), function.display().to_string());
        match self {
            Self::Python(_) => {
                // The code arranges `sys.path` as the base image's `bootstrap.py` does.
                let task = function.trim_end_matches("/function.py");
                let code = format!(
                    "import site, sys, runpy\n\
                     versioned = {opt:?} + '/python/lib/python%d.%d/site-packages' % sys.version_info[:2]\n\
                     sys.path[:0] = [{task:?}, versioned, {opt:?} + '/python']\n\
                     site.addsitedir(versioned); site.addsitedir({opt:?} + '/python')\n\
                     runpy.run_path({function:?}, run_name='function')\n"
                );
                vec!["-B".to_owned(), "-c".to_owned(), code]
            }
            Self::Node(node) => node.arguments(&function),
        }
    }

    /// The variables that only this language has.
    pub(crate) fn variables(&self, opt: &str) -> Vec<(&'static str, String)> {
        match self {
            Self::Python(_) => Vec::new(),
            Self::Node(node) => vec![("NODE_PATH", node.path(opt))],
        }
    }

    /// The executable's place in the root.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Python(python) => format!("/var/lang/bin/python{}", python.version),
            Self::Node(_) => "/var/lang/bin/node".to_owned(),
        }
    }

    /// A folder of this machine that is mounted over `/var/lang/lib/<name>`, and the name.
    pub(crate) fn library(&self) -> Option<(&Path, String)> {
        match self {
            Self::Python(python) => Some((&python.library, format!("python{}", python.version))),
            Self::Node(_) => None,
        }
    }

    /// Lays out what of the language must be patched for a glibc. The rest is mounted from where it
    /// is.
    pub(crate) fn lay_out(&self, folder: &Path, ceiling: u32) -> io::Result<()> {
        match self {
            Self::Python(python) => lay_out_python(python, folder, ceiling),
            Self::Node(node) => node::lay_out(node, folder, ceiling),
        }
    }
}

/// The executable, libpython, its extension modules, and the libraries that these need beyond the
/// base image's.
fn lay_out_python(python: &Interpreter, folder: &Path, ceiling: u32) -> io::Result<()> {
    let version = &python.version;
    for name in ["bin", "dynload", &format!("lib/python{version}")] {
        fs::create_dir_all(folder.join(name))?;
    }
    let executable = folder.join("bin").join(format!("python{version}"));
    let mut natives = vec![(python.executable.clone(), executable)];
    if let Some(shared) = &python.shared {
        let name = shared.file_name().unwrap_or_default();
        natives.push((shared.clone(), folder.join("lib").join(name)));
    }
    for entry in fs::read_dir(python.library.join("lib-dynload"))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        natives.push((path.clone(), folder.join("dynload").join(name)));
    }
    let needed = Command::new("ldd")
        .args(natives.iter().map(|(from, _)| from))
        .output()?;
    for line in String::from_utf8_lossy(&needed.stdout).lines() {
        // `	libffi.so.8 => /lib/x86_64-linux-gnu/libffi.so.8 (0x00007f…)`
        if let Some((name, path)) = line.trim().split_once(" => ")
            && !LIBRARIES.contains(&name)
            && let Some((path, _)) = path.split_once(" (")
        {
            natives.push((PathBuf::from(path), folder.join("lib").join(name)));
        }
    }
    for (from, to) in natives {
        if from.is_file() {
            glibc::copy_below(&from, &to, ceiling)?;
        }
    }
    Ok(())
}
