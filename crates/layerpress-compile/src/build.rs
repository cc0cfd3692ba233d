//! [`build`]: from inputs to finished layer zips.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use layerpress_fetch::{Reporter, Stage};
use layerpress_lock::{Package, Pylock, Selection};
use layerpress_pack::{write_file, write_layer};
use layerpress_python::lockfile::{LockfileError, Roots, pins, reachable, roots_in};
use layerpress_python::wheel::{self, Scripts, UnpackOptions};
use layerpress_target::Target;
use layerpress_tree::{LayerTree, Sha256};
use pep508_rs::PackageName;

use crate::archives::{Tally, unpack_all};
use crate::assemble::{Assembled, assemble};
use crate::error::CompileError;
use crate::lock::{Coverage, Locked, lock_projects};
use crate::project::{Project, parent};
use crate::report::{BuildReport, LayerReport, Seconds};
use crate::request::{BuildRequest, Layout};

/// Builds a layer zip for each input and each target, by way of a lockfile.
///
/// # Errors
/// The first thing that stands in the way. Of that input nothing is written, neither lockfile nor
/// layer; what earlier inputs gave stays.
pub fn build(
    request: &BuildRequest,
    reporter: &Arc<dyn Reporter>,
) -> Result<BuildReport, CompileError> {
    let begun = Instant::now();
    let mut report = BuildReport::default();
    let all = lock_projects(&request.lock, Coverage::AtLeast, reporter)?;
    let outputs = all_outputs(request, &all)?;
    for (locked, outputs) in all.iter().zip(outputs) {
        report.seconds.resolve += locked.seconds;
        report.lockfiles.extend(locked.lockfile.clone());
        build_layers(request, locked, outputs, &mut report)?;
    }
    report.notes.extend(equal_layers(&report.layers));
    report.seconds.total = begun.elapsed();
    Ok(report)
}

fn build_layers(
    request: &BuildRequest,
    locked: &Locked,
    outputs: Vec<PathBuf>,
    report: &mut BuildReport,
) -> Result<(), CompileError> {
    if is_empty(locked) {
        let shown = &locked.project.shown;
        report.notes.push(format!(
            "{shown}: nothing is asked for, so there is no layer"
        ));
        return locked.write();
    }
    let mut layers = Vec::new();
    for (target, path) in locked.targets.iter().zip(outputs) {
        match prepare(request, locked, *target, path, &mut report.seconds)? {
            Some(layer) => layers.push(layer),
            None => report.notes.push(format!(
                "{}: nothing is left for {target}, so it has no layer",
                locked.project.shown
            )),
        }
    }
    // Nothing is written until everything has proved sound.
    let begun = Instant::now();
    for layer in &layers {
        make_room(&layer.path)?;
    }
    locked.write()?;
    for layer in layers {
        report.layers.push(layer.write()?);
    }
    report.seconds.pack += begun.elapsed();
    Ok(())
}

/// A layer of which everything is known but its zip's bytes.
struct Prepared {
    path: PathBuf,
    target: Target,
    assembled: Assembled,
    tally: Tally,
}

/// Unpacks what the lock pins for `target`, and assembles it; `None` if that is nothing at all.
fn prepare(
    request: &BuildRequest,
    locked: &Locked,
    target: Target,
    path: PathBuf,
    seconds: &mut Seconds,
) -> Result<Option<Prepared>, CompileError> {
    let Locked {
        session,
        project,
        lock,
        builds,
        ..
    } = locked;
    let begun = Instant::now();
    let fetching = session.stage(Stage::Fetch, target);
    let wanted = wanted(request, project, lock, target)?;
    if wanted.is_empty() && project.own.is_empty() {
        return Ok(None);
    }
    let pins = pins(&wanted, &target, &parent(&project.lockfile))?;
    let tally = Tally::default();
    let options = unpack_options(request, target);
    let wheels = unpack_all(session, &builds.for_target(target), &pins, &options, &tally)?;
    drop(fetching);
    seconds.fetch += begun.elapsed();

    let begun = Instant::now();
    let packing = session.stage(Stage::Pack, target);
    let mut assembled = assemble(target, wheels, &project.own)?;
    session.warn_all(std::mem::take(&mut assembled.warnings));
    if let Some(expected) = request.check_digest {
        check_digest(&assembled.tree, expected, &path)?;
    }
    drop(packing);
    seconds.pack += begun.elapsed();
    Ok(Some(Prepared {
        path,
        target,
        assembled,
        tally,
    }))
}

impl Prepared {
    fn write(self) -> Result<LayerReport, CompileError> {
        let written = write_file(&self.assembled.tree, &self.path)?;
        Ok(LayerReport {
            path: self.path,
            target: self.target,
            zipped_bytes: written.bytes,
            unzipped_bytes: written.unzipped_bytes,
            files: written.files,
            digest: written.digest,
            packages: self.assembled.packages,
            cached: self.tally.cached.load(Ordering::Relaxed),
            downloaded_bytes: self.tally.downloaded_bytes.load(Ordering::Relaxed),
        })
    }
}

/// The entries of the lock that this layer holds: what the manifest leads to, less what the user
/// excludes. Another tool's lock says what to install by its markers alone.
fn wanted<'a>(
    request: &BuildRequest,
    project: &Project,
    lock: &'a Pylock,
    target: Target,
) -> Result<Vec<&'a Package>, CompileError> {
    let packages = lock
        .select(&target, &Selection::default())
        .map_err(LockfileError::from)?;
    let excluded: BTreeSet<PackageName> = request
        .lock
        .exclude
        .iter()
        .filter_map(|name| name.parse().ok())
        .collect();
    let ours = !lock.roots.is_empty();
    if !ours && excluded.is_empty() {
        return Ok(packages);
    }
    let asked = match &project.manifest {
        Some(manifest) if ours => roots_in(lock, manifest, &[target], &parent(&project.lockfile)),
        None if ours => Roots::from_lines(&lock.roots),
        _ => unasked(&packages),
    };
    Ok(reachable(packages, &asked, &excluded))
}

/// In a lock that names no roots: the packages that no other one needs.
fn unasked(packages: &[&Package]) -> Roots {
    let needed: BTreeSet<&PackageName> = packages
        .iter()
        .flat_map(|package| &package.dependencies)
        .map(|it| &it.name)
        .collect();
    let mut roots = Roots::default();
    for package in packages
        .iter()
        .filter(|package| !needed.contains(&package.name))
    {
        roots.add(package.name.clone(), []);
    }
    roots
}

fn unpack_options(request: &BuildRequest, target: Target) -> UnpackOptions {
    UnpackOptions {
        layout: match request.layout {
            Layout::Flat => wheel::Layout::Flat,
            Layout::Versioned => wheel::Layout::Versioned {
                python: target.runtime.version(),
            },
        },
        scripts: request.scripts.then(|| Scripts {
            interpreter: target.runtime.interpreter(),
            extras: BTreeSet::new(),
        }),
        ..UnpackOptions::default()
    }
}

/// Whether there is nothing to put into a layer.
fn is_empty(locked: &Locked) -> bool {
    locked.lock.packages.is_empty() && locked.project.own.is_empty()
}

/// Where the layers of each project go, no two to one file.
fn all_outputs(request: &BuildRequest, all: &[Locked]) -> Result<Vec<Vec<PathBuf>>, CompileError> {
    let mut taken: BTreeMap<PathBuf, String> = BTreeMap::new();
    let mut outputs = Vec::new();
    for locked in all {
        if is_empty(locked) {
            outputs.push(Vec::new());
            continue;
        }
        let project = &locked.project;
        let files = self::outputs(request.output.as_deref(), project, &locked.targets)?;
        for path in &files {
            if let Some(first) = taken.insert(path.clone(), project.shown.clone()) {
                return Err(CompileError::SameFile {
                    path: path.clone(),
                    first,
                    second: project.shown.clone(),
                });
            }
        }
        outputs.push(files);
    }
    Ok(outputs)
}

/// Where the layer of each target goes.
fn outputs(
    output: Option<&Path>,
    project: &Project,
    targets: &[Target],
) -> Result<Vec<PathBuf>, CompileError> {
    let is_zip = |path: &Path| {
        path.extension()
            .is_some_and(|it| it.eq_ignore_ascii_case("zip"))
    };
    match output {
        Some(file) if is_zip(file) && targets.len() == 1 => Ok(vec![file.to_owned()]),
        Some(file) if is_zip(file) => Err(CompileError::OneFileForSeveral {
            path: file.to_owned(),
            layers: targets.len(),
        }),
        folder => {
            let folder = folder.map_or_else(|| project.folder.join("dist"), Path::to_owned);
            let file = |target: &Target| {
                folder.join(format!(
                    "{}-{}-{}.zip",
                    project.name, target.runtime, target.arch
                ))
            };
            Ok(targets.iter().map(file).collect())
        }
    }
}

/// Makes the output's folder, and sure that a file can be put there.
fn make_room(output: &Path) -> Result<(), CompileError> {
    let folder = parent(output);
    let failed = |error: String| Err(CompileError::Write { error });
    let file = folder.ancestors().find(|it| it.exists() && !it.is_dir());
    if let Some(file) = file {
        return failed(format!(
            "`{}` cannot be written: `{}` is a file, not a folder",
            output.display(),
            file.display()
        ));
    }
    if output.is_dir() {
        return failed(format!(
            "`{}` is a folder, so it is not replaced by the layer",
            output.display()
        ));
    }
    if let Err(source) = std::fs::create_dir_all(&folder) {
        return failed(format!(
            "the folder `{}` cannot be made: {source}",
            folder.display()
        ));
    }
    match tempfile::tempfile_in(&folder) {
        Ok(_) => Ok(()),
        Err(source) => failed(format!(
            "`{}` cannot be written: {}",
            output.display(),
            source.kind()
        )),
    }
}

fn check_digest(tree: &LayerTree, expected: Sha256, output: &Path) -> Result<(), CompileError> {
    let written =
        write_layer(tree, &mut std::io::sink()).map_err(|source| CompileError::Write {
            error: format!("`{}`: {source}", output.display()),
        })?;
    if written.digest == expected {
        return Ok(());
    }
    Err(CompileError::OtherDigest {
        path: output.to_owned(),
        expected,
        found: written.digest,
    })
}

/// A line for each group of layers that came out as the same bytes: one upload serves them all.
fn equal_layers(layers: &[LayerReport]) -> Vec<String> {
    let mut groups: BTreeMap<Sha256, Vec<String>> = BTreeMap::new();
    for layer in layers {
        groups
            .entry(layer.digest)
            .or_default()
            .push(layer.target.to_string());
    }
    let mut equal: Vec<String> = groups
        .into_values()
        .filter(|targets| targets.len() > 1)
        .map(|targets| {
            format!(
                "one zip serves {}: the bytes are the same",
                targets.join(", ")
            )
        })
        .collect();
    equal.sort();
    equal
}
