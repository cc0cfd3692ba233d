//! [`build`]: from inputs to finished layer zips.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use layerpress_fetch::{Event, Reporter, Stage};
use layerpress_pack::write_file;
use layerpress_press::Account;
use layerpress_target::Target;
use layerpress_tree::Sha256;

use crate::assemble::assemble;
use crate::bytecode::{Bytecode, BytecodeReport};
use crate::error::CompileError;
use crate::explain::is_at_end;
use crate::finish::finish;
use crate::lock::{Coverage, Locked, lock_projects};
use crate::pins::{Gathered, Job, Tally};
use crate::project::{Project, parent};
use crate::prune::{OwnCode, Pruning};
use crate::report::{BuildReport, LayerReport, RemovedReport, Seconds};
use crate::request::BuildRequest;

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
    if request.bytecode == Bytecode::Hot && request.trace.is_none() && request.smoke.is_none() {
        return Err(CompileError::NothingLoaded);
    }
    let mut report = BuildReport::default();
    let all = lock_projects(&request.lock, Coverage::AtLeast, reporter)?;
    let outputs = all_outputs(request, &all)?;
    for (locked, outputs) in all.iter().zip(outputs) {
        report.seconds.resolve += locked.seconds;
        report.lockfiles.extend(locked.lockfile.clone());
        build_layers(request, locked, outputs, &mut report)?;
    }
    tell_equal_layers(&mut report.layers);
    tell_unmatched(request, &report, &**reporter);
    tell_unexplained(request, &report, &**reporter);
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
            Some(layer) => {
                let matched = layer.gathered.matched.iter().enumerate();
                let matched = matched.filter(|(_, matched)| **matched);
                report.matched.extend(matched.map(|(index, _)| index));
                layers.push(layer);
            }
            None => report.notes.push(format!(
                "{}: nothing is left for {target}, so it has no layer",
                locked.project.shown
            )),
        }
    }
    let begun = Instant::now();
    for layer in &mut layers {
        finish(request, locked, layer)?;
    }
    report.seconds.pack += begun.elapsed();
    // Nothing is written until everything has proved sound.
    let begun = Instant::now();
    for layer in &layers {
        make_room(&layer.path)?;
    }
    locked.write()?;
    for layer in layers {
        let told = layer.bytecode.as_ref().map(BytecodeReport::told);
        report
            .notes
            .extend(told.map(|told| format!("{}: bytecode {told}", layer.target)));
        report.layers.push(layer.write()?);
    }
    report.seconds.pack += begun.elapsed();
    Ok(())
}

/// A layer of which everything is known but what a run of it tells, and its zip's bytes.
pub(crate) struct Prepared {
    pub(crate) path: PathBuf,
    pub(crate) target: Target,
    pub(crate) gathered: Gathered,
    pub(crate) bytecode: Option<BytecodeReport>,
    tally: Tally,
}

/// Gathers what the lock pins for `target`, and assembles it; `None` if that is nothing at all.
pub(crate) fn prepare(
    request: &BuildRequest,
    locked: &Locked,
    target: Target,
    path: PathBuf,
    seconds: &mut Seconds,
) -> Result<Option<Prepared>, CompileError> {
    let Locked {
        session, project, ..
    } = locked;
    let begun = Instant::now();
    let fetching = session.stage(Stage::Fetch, target);
    let tally = Tally::default();
    let pruning = Pruning {
        profile: request.profile,
        overrides: &request.overrides,
        explain: &request.explain,
        own: OwnCode::read(&project.own)?,
    };
    let job = Job {
        session,
        project,
        target,
        layout: request.layout,
        pruning: &pruning,
        compression: request.compression,
        scripts: request.scripts,
        exclude: &request.lock.exclude,
        tally: &tally,
    };
    let mut gathered = job.bundled(|| locked.pins.gather(&job))?;
    if gathered.packages.is_empty() && project.own.is_empty() {
        return Ok(None);
    }
    session.say_unkept();
    drop(fetching);
    seconds.fetch += begun.elapsed();

    let begun = Instant::now();
    let packing = session.stage(Stage::Pack, target);
    assemble(&mut gathered, &project.own, request.compression)?;
    session.warn_all(std::mem::take(&mut gathered.warnings));
    drop(packing);
    seconds.pack += begun.elapsed();
    Ok(Some(Prepared {
        path,
        target,
        gathered,
        tally,
        bytecode: None,
    }))
}

impl Prepared {
    fn write(self) -> Result<LayerReport, CompileError> {
        let written = write_file(&self.gathered.tree, &self.path)?;
        Ok(LayerReport {
            path: self.path,
            target: self.target,
            zipped_bytes: written.bytes,
            unzipped_bytes: written.unzipped_bytes,
            files: written.files,
            digest: written.digest,
            same_for: self.gathered.same_for.into_iter().collect(),
            packages: self.gathered.packages,
            removed: self.gathered.removed,
            shrunk: shrunk(&self.gathered.account),
            refused: self.gathered.account.refused,
            explained: self.gathered.explained,
            cached: self.tally.cached.load(Ordering::Relaxed),
            downloaded_bytes: self.tally.downloaded_bytes.load(Ordering::Relaxed),
        })
    }
}

/// What each pass gained.
fn shrunk(account: &Account) -> Vec<RemovedReport> {
    let gains = account.gains.iter().map(|(pass, gain)| RemovedReport {
        rule: pass,
        files: gain.files,
        bytes: gain.bytes,
    });
    gains.collect()
}

/// Whether there is nothing to put into a layer.
fn is_empty(locked: &Locked) -> bool {
    locked.pins.is_empty() && locked.project.own.is_empty()
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
pub(crate) fn make_room(output: &Path) -> Result<(), CompileError> {
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

/// Warns of files to be explained that no package has.
fn tell_unexplained(request: &BuildRequest, report: &BuildReport, reporter: &dyn Reporter) {
    for path in &request.explain {
        let told = report.layers.iter().flat_map(|layer| &layer.explained);
        if !report.layers.is_empty() && !told.map(|it| &*it.path).any(|it| is_at_end(it, path)) {
            reporter.warn(format!(
                "`--explain {path}`: there is no such file in what was built"
            ));
        }
    }
}

/// Warns of what the user said of files that no layer has: a slip, or news of a package.
fn tell_unmatched(request: &BuildRequest, report: &BuildReport, reporter: &dyn Reporter) {
    if report.layers.is_empty() {
        return;
    }
    for index in (0..request.overrides.len()).filter(|it| !report.matched.contains(it)) {
        let shown = request.overrides.shown(index);
        let packages = report.layers.iter().flat_map(|layer| &layer.packages);
        let packages = packages.map(|package| package.name.as_str());
        reporter.report(Event::Warning {
            message: format!("`{shown}` means no file of what was built"),
            hint: request.overrides.hint(index, packages),
        });
    }
}

/// Lets layers that came out as the same bytes know of each other: one upload serves them all.
fn tell_equal_layers(layers: &mut [LayerReport]) {
    let mut groups: BTreeMap<Sha256, BTreeSet<Target>> = BTreeMap::new();
    for layer in &*layers {
        groups.entry(layer.digest).or_default().insert(layer.target);
    }
    for layer in layers {
        let same = groups.get(&layer.digest).into_iter().flatten();
        let others = same.copied().filter(|target| *target != layer.target);
        layer.same_for.extend(others);
    }
}
