//! [`Class`]: what sort of file a layer's file is, by its path and its first bytes.

/// What sort of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Machine code: shared libraries, extension modules, programs.
    Native,
    /// Python source.
    Python,
    /// Compiled Python.
    Bytecode,
    /// JavaScript.
    JavaScript,
    /// WebAssembly.
    Wasm,
    /// Types for checkers and editors: `.pyi`, `.d.ts`, and TypeScript itself.
    Types,
    /// Source maps.
    SourceMap,
    /// Sources and headers of compiled languages, and what is linked from them.
    Source,
    /// What lies in a folder of tests.
    Tests,
    /// Documentation and examples.
    Docs,
    /// Licences and notices.
    Licence,
    /// What an installer notes about a distribution: dist-info folders, `package.json`.
    Metadata,
    /// Anything else that code may read.
    Data,
}

/// The first bytes of an ELF file.
const ELF: &[u8] = b"\x7fELF";

/// Machine code that says so by its name alone.
const NATIVE: [&str; 6] = ["so", "node", "dylib", "pyd", "dll", "exe"];

/// Sources of compiled languages, and what only a linker reads.
const SOURCE: [&str; 24] = [
    "c", "cc", "cpp", "cxx", "h", "hh", "hpp", "hxx", "inc", "pyx", "pxd", "pxi", "rs", "go", "f",
    "f90", "cu", "cuh", "asm", "s", "a", "lib", "o", "gyp",
];

impl Class {
    /// Every class, in the order in which they are told.
    pub const ALL: [Self; 13] = [
        Self::Native,
        Self::Python,
        Self::Bytecode,
        Self::JavaScript,
        Self::Wasm,
        Self::Types,
        Self::SourceMap,
        Self::Source,
        Self::Tests,
        Self::Docs,
        Self::Licence,
        Self::Metadata,
        Self::Data,
    ];

    /// Its name, for reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Python => "python",
            Self::Bytecode => "bytecode",
            Self::JavaScript => "javascript",
            Self::Wasm => "wasm",
            Self::Types => "types",
            Self::SourceMap => "source-map",
            Self::Source => "source",
            Self::Tests => "tests",
            Self::Docs => "docs",
            Self::Licence => "licence",
            Self::Metadata => "metadata",
            Self::Data => "data",
        }
    }

    /// The class of the file at `path`. `head` gives its first four bytes, and is asked only where
    /// the name says nothing.
    #[must_use]
    pub fn of(path: &str, head: impl FnOnce() -> Vec<u8>) -> Self {
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        let lower = name.to_ascii_lowercase();
        let extension = lower
            .rsplit_once('.')
            .map_or("", |(_, extension)| extension);
        // A test may be machine code, and a licence lie in a dist-info folder: the more telling
        // place wins.
        if is_licence(&lower) {
            return Self::Licence;
        }
        if lower == "package.json" || folders.split('/').any(is_info) {
            return Self::Metadata;
        }
        if folders.split('/').any(is_tests) || lower.starts_with("test_") && extension == "py" {
            return Self::Tests;
        }
        if NATIVE.contains(&extension) || is_versioned_library(&lower) {
            return Self::Native;
        }
        match extension {
            "py" => Self::Python,
            "pyc" | "pyo" => Self::Bytecode,
            "pyi" | "ts" | "mts" | "cts" | "tsx" => Self::Types,
            "js" | "mjs" | "cjs" | "jsx" => Self::JavaScript,
            "wasm" => Self::Wasm,
            "map" => Self::SourceMap,
            "md" | "markdown" | "rst" => Self::Docs,
            _ if lower == "py.typed" => Self::Types,
            _ if folders.split('/').any(is_docs) => Self::Docs,
            _ if SOURCE.contains(&extension) => Self::Source,
            _ if head().starts_with(ELF) => Self::Native,
            _ => Self::Data,
        }
    }
}

pub(crate) fn is_licence(lower: &str) -> bool {
    ["license", "licence", "copying", "notice", "copyright"]
        .iter()
        .any(|word| lower.starts_with(word))
        && !lower.ends_with(".py")
        && !lower.ends_with(".js")
}

fn is_info(folder: &str) -> bool {
    folder.ends_with(".dist-info") || folder.ends_with(".egg-info")
}

fn is_tests(folder: &str) -> bool {
    ["tests", "test", "__tests__"].contains(&folder)
}

fn is_docs(folder: &str) -> bool {
    ["docs", "doc", "examples", "example"].contains(&folder)
}

/// `libssl.so.3`: the version after the extension.
fn is_versioned_library(lower: &str) -> bool {
    lower
        .rsplit_once(".so.")
        .is_some_and(|(_, version)| version.bytes().all(|it| it.is_ascii_digit() || it == b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str) -> Class {
        Class::of(path, || b"text".to_vec())
    }

    #[test]
    fn files_are_told_apart_by_place_and_name() {
        use Class::{
            Bytecode, Data, Docs, JavaScript, Licence, Metadata, Native, Python, Source, SourceMap,
            Tests, Types,
        };
        for (path, class) in [
            ("python/six.py", Python),
            (
                "python/numpy/core/_a.cpython-313-x86_64-linux-gnu.so",
                Native,
            ),
            ("python/numpy.libs/libopenblas-1.so.0", Native),
            ("python/numpy/tests/test_a.py", Tests),
            ("python/numpy/tests/data/a.npz", Tests),
            ("python/a/test_b.py", Tests),
            ("python/six-1.dist-info/METADATA", Metadata),
            ("python/six-1.dist-info/LICENSE", Licence),
            ("python/a/license.py", Python),
            ("python/a/__init__.pyi", Types),
            ("python/a/py.typed", Types),
            ("python/a/__pycache__/b.cpython-313.pyc", Bytecode),
            ("python/a/b.pxd", Source),
            ("nodejs/node_modules/a/index.js", JavaScript),
            ("nodejs/node_modules/a/index.d.ts", Types),
            ("nodejs/node_modules/a/index.js.map", SourceMap),
            ("nodejs/node_modules/a/package.json", Metadata),
            ("nodejs/node_modules/a/README.md", Docs),
            ("nodejs/node_modules/a/examples/x.json", Docs),
            ("python/botocore/data/s3/service-2.json.gz", Data),
        ] {
            assert_eq!(of(path), class, "{path}");
        }
    }

    #[test]
    fn a_program_without_an_extension_is_known_by_its_bytes() {
        let elf = || b"\x7fELF\x02".to_vec();
        assert_eq!(Class::of("nodejs/a/bin/esbuild", elf), Class::Native);
        assert_eq!(of("nodejs/a/bin/esbuild"), Class::Data);
    }

    #[test]
    fn each_class_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = Class::ALL.map(Class::name).into();
        assert_eq!(names.len(), Class::ALL.len());
    }
}
