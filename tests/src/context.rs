//! [`TestContext`]: a world of its own for one test.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::index::LoopbackIndex;
use crate::layer::Layer;
use crate::package::BuiltPackage;
use crate::registry::LoopbackRegistry;

/// A folder to work in, a home, a cache and a clean environment.
#[derive(Debug)]
pub struct TestContext {
    root: TempDir,
    cache: PathBuf,
    variables: BTreeMap<String, String>,
    redactions: Vec<(String, String)>,
}

/// How a run of the program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to stdout, redacted.
    pub stdout: String,
    /// What it wrote to stderr, redacted.
    pub stderr: String,
    /// What it wrote to stdout, as it was.
    pub raw_stdout: String,
}

impl TestContext {
    /// An empty world.
    ///
    /// # Panics
    ///
    /// If no folder can be made.
    pub fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary folder");
        for folder in ["work", "home", "cache", "tmp"] {
            fs::create_dir(root.path().join(folder)).expect("a folder");
        }
        let cache = root.path().join("cache");
        let place = root.path().display().to_string();
        Self {
            cache,
            variables: BTreeMap::new(),
            redactions: vec![(place, "[ROOT]".to_owned())],
            root,
        }
    }

    /// The same world with a cache that others share, for what takes long to download.
    #[must_use]
    pub fn sharing_cache(mut self, cache: &Path) -> Self {
        cache.clone_into(&mut self.cache);
        self
    }

    /// The same world that knows no index but this one.
    #[must_use]
    pub fn with_index(mut self, index: &LoopbackIndex) -> Self {
        self.redactions
            .push((index.port().to_string(), "[PORT]".to_owned()));
        self.with_variable("LAYERPRESS_INDEX_URL", &index.url())
    }

    /// The same world that knows no npm registry but this one.
    #[must_use]
    pub fn with_registry(self, registry: &LoopbackRegistry) -> Self {
        self.with_registry_port(registry)
            .with_variable("LAYERPRESS_REGISTRY", &registry.url())
    }

    /// The same world, in whose output a registry's port is redacted.
    #[must_use]
    pub fn with_registry_port(mut self, registry: &LoopbackRegistry) -> Self {
        self.redactions
            .push((registry.port().to_string(), "[PORT]".to_owned()));
        self
    }

    /// The same world with one more variable.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The folder that the program runs in.
    pub fn folder(&self) -> PathBuf {
        self.root.path().join("work")
    }

    /// The home folder.
    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// The cache folder.
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// The folder for temporary files.
    pub fn temporary(&self) -> PathBuf {
        self.root.path().join("tmp")
    }

    /// Writes a file below the working folder.
    ///
    /// # Panics
    ///
    /// If it cannot be written.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.folder().join(path);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
        fs::write(path, content).expect("a file");
        self
    }

    /// Reads a file below the working folder.
    ///
    /// # Panics
    ///
    /// If it cannot be read.
    pub fn read(&self, path: &str) -> String {
        let path = self.folder().join(path);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Writes a package's archive into a folder below the working folder.
    pub fn put(&self, folder: &str, package: &BuiltPackage) -> &Self {
        self.write(&format!("{folder}/{}", package.file_name), &package.bytes)
    }

    /// Unpacks a source distribution's content into a folder below the working folder.
    ///
    /// # Panics
    ///
    /// If it is none.
    pub fn unpack(&self, folder: &str, sdist: &BuiltPackage) {
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&sdist.bytes[..]));
        for entry in archive.entries().expect("a tar archive") {
            let mut entry = entry.expect("an entry");
            let path = entry.path().expect("a path").into_owned();
            let inner = path.components().skip(1).collect::<PathBuf>();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).expect("its bytes");
            self.write(&format!("{folder}/{}", inner.display()), content);
        }
    }

    /// Builds a layer of `requirements.txt` for the newest runtime but one, and opens it.
    ///
    /// # Panics
    ///
    /// If that does not succeed.
    pub fn build(&self, options: &[&str]) -> Layer {
        let build = ["build", "requirements.txt", "-o", "out.zip"];
        let target = ["--runtime", "python3.13"];
        self.run(build.iter().chain(&target).chain(options))
            .expect_code(0);
        self.layer("out.zip")
    }

    /// Opens a layer below the working folder.
    pub fn layer(&self, path: &str) -> Layer {
        Layer::open(&self.folder().join(path))
    }

    /// Every file below the working folder, sorted: what a failed run must have left as it was.
    pub fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        collect(&self.folder(), &self.folder(), &mut files);
        files.sort();
        files
    }

    /// Runs the program to its end.
    pub fn run<I>(&self, arguments: I) -> Run
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        let output = self
            .command(arguments)
            .output()
            .expect("the program can be started");
        let raw_stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        Run {
            code: output.status.code(),
            stdout: self.redact(&raw_stdout),
            stderr: self.redact(&String::from_utf8_lossy(&output.stderr)),
            raw_stdout,
        }
    }

    /// The program, ready to be started in this world.
    pub fn command<I>(&self, arguments: I) -> Command
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        let mut command = Command::new(program());
        command
            .args(arguments)
            .current_dir(self.folder())
            .env_clear()
            .env("HOME", self.home())
            .env("TMPDIR", self.root.path().join("tmp"))
            .env("LAYERPRESS_CACHE_DIR", &self.cache)
            // The machine's own settings of pip are not the test's.
            .env("PIP_CONFIG_FILE", "/dev/null")
            .envs(inherited())
            .envs(&self.variables);
        command
    }

    /// Runs the program by way of others, such as a shell that changes something first; what stands
    /// in `wrapper` gets its path and arguments at its end.
    ///
    /// # Errors
    ///
    /// What keeps the first of them from being started.
    pub fn wrapped(&self, wrapper: &[&str], arguments: &[&str]) -> io::Result<Output> {
        let program = self.command(arguments);
        let variables = program.get_envs();
        Command::new(wrapper[0])
            .args(&wrapper[1..])
            .arg(program.get_program())
            .args(program.get_args())
            .current_dir(self.folder())
            .env_clear()
            .envs(variables.filter_map(|(name, value)| Some((name, value?))))
            .output()
    }

    /// `text` with paths, ports, times and sizes of this machine and run replaced.
    pub fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (found, replacement) in &self.redactions {
            text = text.replace(found, replacement);
        }
        without_times(&text)
    }
}

impl Default for TestContext {
    fn default() -> Self {
        Self::new()
    }
}

impl Run {
    /// Fails unless the run ended with this exit code.
    ///
    /// # Panics
    ///
    /// With all the output, if it did not.
    pub fn expect_code(&self, code: i32) -> &Self {
        assert_eq!(
            self.code,
            Some(code),
            "\n--- stdout\n{}--- stderr\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Fails unless stderr tells of an error, with each of these words.
    ///
    /// # Panics
    ///
    /// With all of stderr, if it does not.
    pub fn expect_words(&self, words: &[&str]) -> &Self {
        let stderr = &self.stderr;
        let has_error = stderr.starts_with("error: ") || stderr.contains("\nerror: ");
        assert!(has_error, "no error in:\n{stderr}");
        self.says(words)
    }

    /// Fails unless stderr holds each of these words.
    ///
    /// # Panics
    ///
    /// With all of stderr, if it does not.
    pub fn says(&self, words: &[&str]) -> &Self {
        let stderr = &self.stderr;
        for word in words {
            assert!(stderr.contains(word), "no `{word}` in:\n{stderr}");
        }
        self
    }

    /// The JSON document on stdout.
    ///
    /// # Panics
    ///
    /// If stdout is no such document.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.raw_stdout)
            .unwrap_or_else(|error| panic!("{error} in {:?}", self.stdout))
    }
}

/// Says which part of a test cannot run on this machine and why, on a stderr that the test runner
/// does not capture: it must be seen.
pub fn not_run(what: &str) {
    // With stderr closed there is nobody left to tell.
    let _unheard = writeln!(io::stderr().lock(), "NOT RUN: {what}");
}

/// The built program: two folders above the test's own executable.
fn program() -> PathBuf {
    let test = env::current_exe().expect("a test is a program");
    let folder = test
        .ancestors()
        .nth(2)
        .expect("target/<profile>/deps/<test>");
    let program = folder.join(format!("layerpress{}", env::consts::EXE_SUFFIX));
    assert!(
        program.exists(),
        "{} is not there: `cargo build -p layerpress` makes it",
        program.display()
    );
    program
}

/// The machine's variables without which programs are not found and servers not trusted.
fn inherited() -> impl Iterator<Item = (String, String)> {
    const NAMES: [&str; 11] = [
        "PATH",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "NO_PROXY",
        "https_proxy",
        "http_proxy",
        "no_proxy",
        "PYENV_ROOT",
        "SYSTEMROOT",
    ];
    env::vars().filter(|(name, _)| NAMES.contains(&name.as_str()))
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let relative = path.strip_prefix(root).expect("it was found below");
            files.push(relative.display().to_string());
        }
    }
}

/// `text` with every number before ` s` as a unit of time replaced: `1.24 s` is `[TIME]`.
fn without_times(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|character: char| character.is_ascii_digit()) {
        let (before, number) = rest.split_at(start);
        let end = number
            .find(|character: char| !character.is_ascii_digit() && character != '.')
            .unwrap_or(number.len());
        let (number, after) = number.split_at(end);
        result.push_str(before);
        let unit = [" s", " ms"]
            .iter()
            .find_map(|unit| after.strip_prefix(unit));
        match unit.filter(|after| !after.starts_with(|next: char| next.is_alphanumeric())) {
            Some(after) => {
                result.push_str("[TIME]");
                rest = after;
            }
            None => {
                result.push_str(number);
                rest = after;
            }
        }
    }
    result + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_redacted_and_other_numbers_are_not() {
        assert_eq!(
            without_times("took 1.24 s (resolve 12 ms), 3 shapes, v2.0, 7 s"),
            "took [TIME] (resolve [TIME]), 3 shapes, v2.0, [TIME]"
        );
    }
}
