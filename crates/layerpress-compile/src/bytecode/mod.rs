//! Bytecode for a layer: what Python would otherwise compile anew on every cold start.
//!
//! A layer is read-only and its files have no times that mean anything, so only `.pyc` files that say of
//! themselves that nobody need look at the source are any use (PEP 552, unchecked by hash). They are
//! made by a CPython of the target's own minor version, found on this machine, from the source as it is in
//! the layer, under the name it will have there; no line of it is run. The same source gives the same
//! bytes in whatever order and on how many cores it is compiled ([`marshal`]).

mod marshal;
mod python;

use std::collections::BTreeSet;
use std::path::PathBuf;

use layerpress_pack::{ContentError, Level, compress, read_all};
use layerpress_python::build::Candidates;
use layerpress_tree::{Entry, LayerPath, LayerTree, Mode};
use rayon::prelude::*;

use self::python::{Compiler, Module};

/// Which modules of a layer come with bytecode.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Bytecode {
    /// None: the layer's bytes depend on no Python of this machine.
    #[default]
    None,
    /// Every one, beside its source.
    Hashed,
    /// Those that the function loads, beside their source.
    Hot,
    /// Every one, in place of its source.
    Only,
}

/// What bytecode made of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BytecodeReport {
    /// How many modules have it.
    pub modules: usize,
    /// What the layer has grown by unzipped, in bytes; less than nothing where the source is gone.
    pub unzipped_bytes: i64,
    /// The same of the zip's streams.
    pub zipped_bytes: i64,
    /// The Python that compiled it.
    pub python: PathBuf,
}

impl BytecodeReport {
    /// What it costs and what it gains, in one line.
    #[must_use]
    pub fn told(&self) -> String {
        let size = |bytes: i64| {
            // To a tenth of a megabyte no sum of files is out of a float's reach.
            let megabytes = bytes.unsigned_abs() as f64 / 1e6;
            let direction = if bytes < 0 { "less" } else { "more" };
            format!("{megabytes:.1} MB {direction}")
        };
        format!(
            "of {} modules by `{}`: {} in the zip, {} unzipped; what is imported is not compiled anew \
             on every cold start",
            self.modules,
            self.python.display(),
            size(self.zipped_bytes),
            size(self.unzipped_bytes)
        )
    }
}

/// What is said to be at fault where a smoke test fails with bytecode alone.
pub(crate) const BYTECODE: &str = "bytecode";

/// The remedy where nothing tells what is loaded.
pub(crate) const NAME_A_RUN: &str =
    "give it `--smoke CODE` or `--trace COMMAND`: what that loads is compiled";

/// Why there is no bytecode.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BytecodeError {
    /// No interpreter makes the bytecode that the runtime takes.
    #[error("no CPython {}.{} was found on this machine to compile with", version.0, version.1)]
    NoPython {
        /// Major and minor version.
        version: (u8, u8),
        /// The programs that were asked.
        looked_at: Vec<PathBuf>,
    },
    /// The interpreter failed.
    #[error("`{}` cannot compile: {problem}", program.display())]
    Compiler {
        /// The interpreter.
        program: PathBuf,
        /// How.
        problem: String,
    },
    /// A module that cannot be read.
    #[error("`{path}` cannot be read: {fault}")]
    Damaged {
        /// The module.
        path: LayerPath,
        /// What is wrong with its stream.
        fault: ContentError,
    },
}

impl BytecodeError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let Self::NoPython { version, looked_at } = self else {
            return None;
        };
        let name = format!("python{}.{}", version.0, version.1);
        let looked = if looked_at.is_empty() {
            format!("there is no `{name}` on `PATH`, nor where pyenv and uv keep theirs")
        } else {
            let asked: Vec<_> = looked_at
                .iter()
                .map(|it| it.display().to_string())
                .collect();
            format!("none of these is one: {}", asked.join(", "))
        };
        Some(format!(
            "{looked}; bytecode fits one minor version only: install that one, or leave `--bytecode` out"
        ))
    }
}

/// What to compile, and with what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Job<'a> {
    pub(crate) bytecode: Bytecode,
    /// Major and minor version of the runtime's Python.
    pub(crate) version: (u8, u8),
    /// Where interpreters may lie.
    pub(crate) interpreters: &'a Candidates,
    /// How hard the bytecode is compressed.
    pub(crate) level: Level,
    /// The files that the function loads, for [`Bytecode::Hot`].
    pub(crate) loaded: &'a BTreeSet<LayerPath>,
    /// Whether packages lie at the top, as in a function's own zip.
    pub(crate) is_function: bool,
}

/// Compiles the modules of a layer, as `job` says; nothing if it has none.
///
/// # Errors
/// No interpreter that fits, or one that fails; the layer is then as it was.
pub(crate) fn compile(
    tree: &mut LayerTree,
    job: &Job<'_>,
) -> Result<Option<BytecodeReport>, BytecodeError> {
    let sources = sources(tree, job);
    if sources.is_empty() {
        return Ok(None);
    }
    let compiler = Compiler::find(job.interpreters, job.version)?;
    let compiled = compiled(tree, &sources, &compiler, job)?;
    let mut report = BytecodeReport {
        modules: 0,
        unzipped_bytes: 0,
        zipped_bytes: 0,
        python: compiler.program,
    };
    for (path, entry) in sources.into_iter().zip(compiled) {
        let Some(entry) = entry else { continue };
        let (Some(beside), Some(cached)) = (beside(&path), cached(&path, job.version)) else {
            continue;
        };
        let (place, outdated) = match job.bytecode {
            Bytecode::Only => (beside, vec![path, cached]),
            _ => (cached.clone(), vec![cached]),
        };
        let gone: Vec<Entry> = outdated.iter().filter_map(|it| tree.remove(it)).collect();
        let (size, stream) = (entry.content.size, entry.content.stream_size());
        if tree.insert(place, entry).is_err() {
            // A file lies where its folder would be; Python does without.
            continue;
        }
        report.modules += 1;
        report.unzipped_bytes += size.cast_signed();
        report.zipped_bytes += stream.cast_signed();
        for old in gone {
            report.unzipped_bytes -= old.content.size.cast_signed();
            report.zipped_bytes -= old.content.stream_size().cast_signed();
        }
    }
    Ok(Some(report))
}

/// The modules to compile.
fn sources(tree: &LayerTree, job: &Job<'_>) -> Vec<LayerPath> {
    let is_wanted = |path: &LayerPath| match job.bytecode {
        Bytecode::None => false,
        Bytecode::Hashed | Bytecode::Only => true,
        // A module that has bytecode already is loaded from that.
        Bytecode::Hot => {
            let cached = cached(path, job.version);
            let is_loaded = |path: &LayerPath| job.loaded.contains(path);
            is_loaded(path) || cached.as_ref().is_some_and(is_loaded)
        }
    };
    let files = tree.iter().filter(|(_, entry)| entry.mode != Mode::Link);
    let modules = files
        .map(|(path, _)| path)
        .filter(|path| is_module(path, job));
    modules.filter(|path| is_wanted(path)).cloned().collect()
}

/// Whether a file is one that Python imports: in `bin` lie programs.
fn is_module(path: &LayerPath, job: &Job<'_>) -> bool {
    let path = path.as_str();
    let is_found = job.is_function || path.starts_with("python/");
    path.ends_with(".py") && is_found && !path.starts_with("python/bin/")
}

/// How many modules one interpreter compiles at a time, so that a few large packages do not lie in
/// memory twice.
const MODULES_AT_A_TIME: usize = 256;

/// The entry of each module's bytecode; none of what does not compile.
fn compiled(
    tree: &LayerTree,
    sources: &[LayerPath],
    compiler: &Compiler,
    job: &Job<'_>,
) -> Result<Vec<Option<Entry>>, BytecodeError> {
    let parts = sources.par_chunks(MODULES_AT_A_TIME).map(|sources| {
        let modules: Vec<Module> = sources
            .iter()
            .filter_map(|path| Some((path, tree.get(path.as_str())?)))
            .map(|(path, entry)| module(path, entry, job.is_function))
            .collect::<Result<_, _>>()?;
        let files = compiler.compile(&modules)?;
        let entries = files.into_iter().map(|file| {
            Some(Entry {
                mode: Mode::File,
                content: compress(&file?, job.level),
            })
        });
        Ok(entries.collect::<Vec<_>>())
    });
    let parts: Vec<Vec<Option<Entry>>> = parts.collect::<Result<_, BytecodeError>>()?;
    Ok(parts.into_iter().flatten().collect())
}

fn module(path: &LayerPath, entry: &Entry, is_function: bool) -> Result<Module, BytecodeError> {
    let source = read_all(&entry.content).map_err(|fault| BytecodeError::Damaged {
        path: path.clone(),
        fault,
    })?;
    // Where Lambda unpacks layers and functions.
    let folder = if is_function { "/var/task" } else { "/opt" };
    let name = format!("{folder}/{path}");
    Ok(Module { name, source })
}

/// Where Python looks for the bytecode of the source at `path` (PEP 3147).
fn cached(path: &LayerPath, (major, minor): (u8, u8)) -> Option<LayerPath> {
    let (folder, file) = path.as_str().rsplit_once('/')?;
    let name = file.strip_suffix(".py")?;
    LayerPath::new(&format!(
        "{folder}/__pycache__/{name}.cpython-{major}{minor}.pyc"
    ))
    .ok()
}

/// Where it looks for a module that has no source.
fn beside(path: &LayerPath) -> Option<LayerPath> {
    LayerPath::new(&format!("{path}c")).ok()
}

#[cfg(test)]
mod tests;
