//! [`Wheel`] and [`Sdist`]: packages built in code, the same bytes every time.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A package's archive, ready to be served or written to a folder.
#[derive(Debug, Clone)]
pub struct BuiltPackage {
    /// The project's name, normalised.
    pub name: String,
    /// The archive's file name.
    pub file_name: String,
    /// The archive.
    pub bytes: Vec<u8>,
    /// Its METADATA, where an index would publish that beside it: of wheels.
    pub metadata: Option<String>,
    /// What the index says of `Requires-Python`.
    pub requires_python: Option<String>,
    /// When it was uploaded, RFC 3339.
    pub uploaded: String,
    /// The reason for which it was yanked.
    pub yanked: Option<String>,
}

impl BuiltPackage {
    /// The archive's sha256 in hexadecimal.
    pub fn sha256(&self) -> String {
        hex(&Sha256::digest(&self.bytes))
    }

    /// The same archive, uploaded at another time (RFC 3339).
    #[must_use]
    pub fn uploaded(mut self, time: &str) -> Self {
        time.clone_into(&mut self.uploaded);
        self
    }

    /// The same archive, yanked.
    #[must_use]
    pub fn yanked(mut self, reason: &str) -> Self {
        self.yanked = Some(reason.to_owned());
        self
    }
}

/// A wheel under construction.
#[derive(Debug, Clone)]
pub struct Wheel {
    name: String,
    version: String,
    tag: String,
    metadata: Vec<String>,
    requires_python: Option<String>,
    files: Vec<(String, Vec<u8>)>,
    unlisted: Vec<(String, Vec<u8>)>,
    lies: Vec<String>,
}

impl Wheel {
    /// A pure wheel that holds one module of the package's name, whose `VERSION` is its version.
    pub fn new(name: &str, version: &str) -> Self {
        let module = module_name(name);
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            tag: "py3-none-any".to_owned(),
            metadata: Vec::new(),
            requires_python: None,
            files: vec![(
                format!("{module}/__init__.py"),
                format!("VERSION = {version:?}\n").into_bytes(),
            )],
            unlisted: Vec::new(),
            lies: Vec::new(),
        }
    }

    /// A wheel without any module of its own.
    #[must_use]
    pub fn without_module(mut self) -> Self {
        self.files.clear();
        self
    }

    /// Sets the compatibility tag: `cp313-cp313-manylinux_2_28_x86_64`.
    #[must_use]
    pub fn tag(mut self, tag: &str) -> Self {
        tag.clone_into(&mut self.tag);
        self
    }

    /// Adds a requirement.
    #[must_use]
    pub fn requires(self, requirement: &str) -> Self {
        self.metadata_line(&format!("Requires-Dist: {requirement}"))
    }

    /// Adds an extra and one requirement of it.
    #[must_use]
    pub fn extra(self, extra: &str, requirement: &str) -> Self {
        self.metadata_line(&format!("Provides-Extra: {extra}"))
            .metadata_line(&format!(
                "Requires-Dist: {requirement} ; extra == '{extra}'"
            ))
    }

    /// Sets the Pythons it is for: `>=3.9`.
    #[must_use]
    pub fn requires_python(mut self, specifiers: &str) -> Self {
        self.requires_python = Some(specifiers.to_owned());
        self.metadata_line(&format!("Requires-Python: {specifiers}"))
    }

    /// Adds a line to METADATA's headers.
    #[must_use]
    pub fn metadata_line(mut self, line: &str) -> Self {
        self.metadata.push(line.to_owned());
        self
    }

    /// Adds a file.
    #[must_use]
    pub fn file(mut self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.files
            .push((path.to_owned(), content.as_ref().to_vec()));
        self
    }

    /// Adds a console entry point: `tool = package:main`.
    #[must_use]
    pub fn console_script(self, line: &str) -> Self {
        let path = format!("{}/entry_points.txt", self.dist_info());
        self.file(&path, format!("[console_scripts]\n{line}\n"))
    }

    /// Adds a file that RECORD does not list.
    #[must_use]
    pub fn unlisted(mut self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.unlisted
            .push((path.to_owned(), content.as_ref().to_vec()));
        self
    }

    /// Gives a file a wrong hash in RECORD.
    #[must_use]
    pub fn lie_about(mut self, path: &str) -> Self {
        self.lies.push(path.to_owned());
        self
    }

    /// The finished wheel.
    ///
    /// # Panics
    ///
    /// If two files have one path.
    pub fn build(self) -> BuiltPackage {
        let dist_info = self.dist_info();
        let metadata = metadata_text(&self.name, &self.version, &self.metadata);
        let wheel = format!(
            "Wheel-Version: 1.0\nGenerator: layerpress-tests\nRoot-Is-Purelib: {}\nTag: {}\n",
            self.tag.ends_with("-any"),
            self.tag
        );
        let mut files = self.files.clone();
        files.push((
            format!("{dist_info}/METADATA"),
            metadata.clone().into_bytes(),
        ));
        files.push((format!("{dist_info}/WHEEL"), wheel.into_bytes()));
        let mut record = String::new();
        for (path, content) in &files {
            let digest = if self.lies.contains(path) {
                Sha256::digest(b"a lie")
            } else {
                Sha256::digest(content)
            };
            writeln!(
                record,
                "{path},sha256={},{}",
                URL_SAFE_NO_PAD.encode(digest),
                content.len()
            )
            .expect("a string takes everything");
        }
        writeln!(record, "{dist_info}/RECORD,,").expect("a string takes everything");
        files.extend(self.unlisted.iter().cloned());
        files.push((format!("{dist_info}/RECORD"), record.into_bytes()));
        BuiltPackage {
            name: normalized(&self.name),
            file_name: format!(
                "{}-{}-{}.whl",
                module_name(&self.name),
                self.version,
                self.tag
            ),
            bytes: zipped(&files),
            metadata: Some(metadata),
            requires_python: self.requires_python,
            uploaded: UPLOADED.to_owned(),
            yanked: None,
        }
    }

    fn dist_info(&self) -> String {
        format!("{}-{}.dist-info", module_name(&self.name), self.version)
    }
}

/// A source distribution under construction.
///
/// It builds without anything but a Python: its backend is a module of its own (PEP 517's
/// `backend-path`) that writes a pure wheel with the standard library.
#[derive(Debug, Clone)]
pub struct Sdist {
    name: String,
    version: String,
    metadata: Vec<String>,
    requires_python: Option<String>,
    is_static: bool,
    backend: String,
}

impl Sdist {
    /// A source distribution of one module of the package's name.
    pub fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            metadata: Vec::new(),
            requires_python: None,
            is_static: true,
            backend: BACKEND.to_owned(),
        }
    }

    /// Adds a requirement.
    #[must_use]
    pub fn requires(mut self, requirement: &str) -> Self {
        self.metadata.push(format!("Requires-Dist: {requirement}"));
        self
    }

    /// Sets the Pythons it is for.
    #[must_use]
    pub fn requires_python(mut self, specifiers: &str) -> Self {
        self.requires_python = Some(specifiers.to_owned());
        self.metadata.push(format!("Requires-Python: {specifiers}"));
        self
    }

    /// Makes its requirements known only by building: an old PKG-INFO (before PEP 643).
    #[must_use]
    pub fn dynamic(mut self) -> Self {
        self.is_static = false;
        self
    }

    /// Makes its build fail with this message.
    #[must_use]
    pub fn failing(mut self, message: &str) -> Self {
        self.backend = format!("raise SystemExit({message:?})\n");
        self
    }

    /// Built by a backend of this text, a module of Python.
    #[must_use]
    pub fn backend(mut self, module: &str) -> Self {
        self.backend = module.to_owned();
        self
    }

    /// The finished source distribution.
    ///
    /// # Panics
    ///
    /// If a path is too long for a tar header.
    pub fn build(self) -> BuiltPackage {
        let module = module_name(&self.name);
        let root = format!("{module}-{}", self.version);
        let full = metadata_text(&self.name, &self.version, &self.metadata);
        let pkg_info = if self.is_static {
            full.clone()
        } else {
            metadata_text(&self.name, &self.version, &[]).replace("2.2", "2.1")
        };
        let backend = self
            .backend
            .replace("@MODULE@", &module)
            .replace("@VERSION@", &self.version);
        let files = [
            ("PKG-INFO", pkg_info),
            (
                "pyproject.toml",
                "[build-system]\nrequires = []\nbuild-backend = \"backend\"\n\
                 backend-path = [\"build_tools\"]\n"
                    .to_owned(),
            ),
            ("build_tools/backend.py", backend),
            ("build_tools/METADATA", full),
            ("module.py", format!("VERSION = {:?}\n", self.version)),
        ];
        let encoder = GzEncoder::new(Vec::new(), Compression::default());
        let mut archive = tar::Builder::new(encoder);
        for (path, content) in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            archive
                .append_data(&mut header, format!("{root}/{path}"), content.as_bytes())
                .expect("a valid tar entry");
        }
        let bytes = archive
            .into_inner()
            .and_then(GzEncoder::finish)
            .expect("memory takes everything");
        BuiltPackage {
            name: normalized(&self.name),
            file_name: format!("{root}.tar.gz"),
            bytes,
            metadata: None,
            requires_python: self.requires_python,
            uploaded: UPLOADED.to_owned(),
            yanked: None,
        }
    }
}

/// When packages are uploaded, if a test does not say otherwise.
const UPLOADED: &str = "2024-01-02T03:04:05.000000Z";

/// A PEP 517 backend that needs nothing: it zips one module.
const BACKEND: &str = r#"
import base64, hashlib, os, zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
INFO = "@MODULE@-@VERSION@.dist-info"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def text(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def prepare_metadata_for_build_wheel(folder, config_settings=None):
    os.makedirs(os.path.join(folder, INFO), exist_ok=True)
    with open(os.path.join(folder, INFO, "METADATA"), "w", encoding="utf-8") as file:
        file.write(text(os.path.join(HERE, "METADATA")))
    return INFO


def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "@MODULE@-@VERSION@-py3-none-any.whl"
    files = {
        "@MODULE@/__init__.py": text(os.path.join(HERE, "..", "module.py")),
        INFO + "/METADATA": text(os.path.join(HERE, "METADATA")),
        INFO + "/WHEEL": WHEEL,
    }
    record = ""
    for path, content in files.items():
        digest = hashlib.sha256(content.encode()).digest()
        digest = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        record += "%s,sha256=%s,%d\n" % (path, digest, len(content.encode()))
    files[INFO + "/RECORD"] = record + INFO + "/RECORD,,\n"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return name
"#;

fn metadata_text(name: &str, version: &str, lines: &[String]) -> String {
    let mut text = format!("Metadata-Version: 2.2\nName: {name}\nVersion: {version}\n");
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    text
}

fn zipped(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().unix_permissions(0o644);
    for (path, content) in files {
        writer
            .start_file(path.as_str(), options)
            .expect("a new path");
        writer.write_all(content).expect("memory takes everything");
    }
    writer
        .finish()
        .expect("memory takes everything")
        .into_inner()
}

/// PEP 503's normal form.
pub(crate) fn normalized(name: &str) -> String {
    module_name(name).replace('_', "-").to_ascii_lowercase()
}

/// The name as file names spell it.
fn module_name(name: &str) -> String {
    name.replace(['-', '.'], "_")
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wheel_is_the_same_every_time() {
        let build = || {
            Wheel::new("Some.Package", "1.0")
                .requires("other>=2")
                .build()
        };
        assert_eq!(build().bytes, build().bytes);
        assert_eq!(build().name, "some-package");
        assert_eq!(build().file_name, "Some_Package-1.0-py3-none-any.whl");
    }
}
