//! [`shrink`]: a layer that somebody made, smaller, and proven to be the same to who runs it.
//!
//! 1. [`open`](crate::existing::open): a zip or a folder becomes a tree.
//! 2. [`shape`](shape::shape): what the tree is, and what a zip is that is no layer.
//! 3. [`left_out::left_out`]: the rules decide over the whole layer which files go, and the files that
//!    stay prove that they miss none.
//! 4. [`passes::press`]: each file goes through the passes of the profile and is compressed; a stream that is
//!    larger than the one that was there is not taken.
//!    With a trace, what the traced command did not open goes.
//! 5. [`loaded::add_bytecode`]: bytecode, if it is asked for.
//! 6. [`trial::trial`]: the user's own test of it, before and after.
//! 7. The tree is written as a zip, whole or not at all.

mod error;
mod left_out;
mod loaded;
mod output;
mod passes;
mod report;
mod request;
mod shape;
mod trial;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use layerpress_check::{Found, Inferred, grouped, infer};
use layerpress_fetch::{Event, Reporter, Stage};
use layerpress_pack::write_file;
use layerpress_press::Profile;
use layerpress_press::rules::Overrides;
use layerpress_target::limits::UNZIPPED_BYTES;
use layerpress_target::{Arch, Ecosystem, Runtime};
use layerpress_tree::{LayerPath, LayerTree};

pub use error::ShrinkError;
pub(crate) use left_out::kept;
pub(crate) use report::by_rule;
pub use report::{Finding, Severity, ShrinkReport, ShrunkPackage, Size};
pub use request::ShrinkRequest;

use self::left_out::left_out;
use self::report::{packages, removed, untouched};
use self::shape::{Shape, shape};
use crate::build::make_room;
use crate::bytecode::Bytecode;
use crate::existing::{self, Existing};
use crate::explain::is_at_end;
use crate::inspect::{Doubt, Saving};
use crate::trace;

/// Makes the layer that `request` names smaller, and writes it.
///
/// The output is written even where nothing was gained, and where it is still larger than Lambda takes, which is
/// a finding then; a layer that went through this once comes
/// out of it again as it went in, byte for byte.
///
/// # Errors
/// What stands in the way; nothing is written then, and the input is as it was.
pub fn shrink(
    request: &ShrinkRequest,
    reporter: &Arc<dyn Reporter>,
) -> Result<ShrinkReport, ShrinkError> {
    let begun = Instant::now();
    if request.bytecode == Bytecode::Hot && request.trace.is_none() && request.smoke.is_none() {
        return Err(ShrinkError::NothingLoaded);
    }
    let output = output::place(request)?;
    let existing = existing::open(&request.input)?;
    let shape = shape(&request.input, &existing.tree)?;
    output::probe(&output)?;
    let told = infer(&existing.tree);
    let inferred = asked(told, request.runtime, request.arch);
    agree(&request.input, &told, &inferred)?;
    reporter.report(Event::StageStarted {
        stage: Stage::Pack,
        subject: request.input.display().to_string(),
    });
    let mut findings = findings(&existing);
    findings.extend(other_machine(&told, &inferred));
    // What keeps a test from being run at all is told before the long work.
    let mut bench = trial::bench(request, shape, &inferred, &existing.tree)?;
    let opened = loaded::traced(request, shape, &inferred, &existing.tree)?;
    let mut left_out = left_out(
        &existing.tree,
        shape,
        &inferred,
        request.profile,
        &request.overrides,
        &request.explain,
    )
    .map_err(crate::CompileError::from)?;
    if let Some(opened) = &opened {
        left_out.put_back(opened);
    }
    let mut changes = passes::press(&existing.tree, shape, &left_out, request)?;
    if let (Some(opened), Some(trace)) = (&opened, &request.trace) {
        let is_function = shape == Shape::Function;
        let untouched = trace::untouched(&existing.tree, opened, trace.keep, is_function);
        let untouched = untouched.without(&left_out.kept);
        let told = loaded::drop_unopened(&existing.tree, &mut changes, opened, &untouched);
        reporter.warn(told);
    }
    let explained = changes.explained(&existing.tree, std::mem::take(&mut left_out.explained));
    let mut tree = changes.tree(&existing.tree);
    reporter.report(Event::StageFinished { stage: Stage::Pack });
    findings.extend(left_out.findings);
    for path in &request.explain {
        if !explained.iter().any(|it| is_at_end(&it.path, path)) {
            let message = format!("`--explain {path}`: there is no such file in the layer");
            findings.push(Finding::warning("no-such-file", message));
        }
    }
    findings.extend(changes.findings());
    let made_for = (shape, &inferred);
    let opened = opened.as_ref();
    let bytecode = loaded::add_bytecode(request, made_for, opened, bench.as_mut(), &mut tree)?;
    let smoke = bench.map(|bench| trial::trial(bench, &existing.tree, &changes, &tree));
    let (smoke, finding) = smoke.transpose()?.unzip();
    findings.extend(finding.flatten());
    findings.extend(over_limit(&tree));
    make_room(&output)?;
    let written = write_file(&tree, &output).map_err(crate::CompileError::from)?;
    Ok(ShrinkReport {
        before: Size {
            zipped_bytes: existing.zipped_bytes,
            unzipped_bytes: existing.tree.unzipped_size(),
            files: existing.tree.len() as u64,
        },
        after: Size {
            zipped_bytes: written.bytes,
            unzipped_bytes: written.unzipped_bytes,
            files: written.files,
        },
        digest: written.digest,
        removed: removed(&existing.tree, &changes),
        packages: packages(&existing.tree, &tree),
        untouched: untouched(&existing.tree, shape),
        explained,
        path: output,
        part: existing.part,
        is_function: shape == Shape::Function,
        inferred,
        findings,
        smoke,
        bytecode,
        seconds: begun.elapsed(),
    })
}

/// What rules would leave out of a tree and passes save in it, file by file.
pub(crate) fn savings(
    path: &Path,
    tree: &LayerTree,
    inferred: &Inferred,
    profile: Profile,
) -> BTreeMap<LayerPath, Saving> {
    // What is no layer is looked at as what a function would bring.
    let shape = shape(path, tree).unwrap_or(Shape::Function);
    // Nothing is asked for that could be wrong.
    let overrides = Overrides::default();
    let left_out = left_out(tree, shape, inferred, profile, &overrides, &[]).unwrap_or_default();
    passes::savings(tree, shape, &left_out, profile)
}

/// Why a tree is no layer, and where to go with it.
pub(crate) fn doubt(path: &Path, tree: &LayerTree) -> Option<Doubt> {
    let error = shape(path, tree).err()?;
    Some(Doubt {
        hint: error.hint(),
        message: error.to_string(),
    })
}

/// What a layer is for: what was asked for, else what its files tell.
pub(crate) fn targets(tree: &LayerTree, runtime: Option<Runtime>, arch: Option<Arch>) -> Inferred {
    asked(infer(tree), runtime, arch)
}

fn asked(mut inferred: Inferred, runtime: Option<Runtime>, arch: Option<Arch>) -> Inferred {
    if let Some(runtime) = runtime {
        let found = Some(Found {
            value: runtime,
            by: "`--runtime`",
        });
        match runtime.ecosystem() {
            Ecosystem::Python => inferred.python = found,
            Ecosystem::Node => inferred.node = found,
        }
    }
    if let Some(arch) = arch {
        inferred.arch = Some(Found {
            value: arch,
            by: "`--arch`",
        });
    }
    inferred
}

/// Refuses a target that the layer speaks against: what is for another one would be left out, or be of no use.
fn agree(path: &Path, told: &Inferred, wanted: &Inferred) -> Result<(), ShrinkError> {
    let runtime = |it: Found<Runtime>| (it.value.name(), it.by, it.is_certain());
    let arch = |it: Found<Arch>| (it.value.name(), it.by, it.is_certain());
    for (told, wanted, option) in [
        (
            told.python.map(runtime),
            wanted.python.map(runtime),
            "--runtime",
        ),
        (
            told.node.map(runtime),
            wanted.node.map(runtime),
            "--runtime",
        ),
        (told.arch.map(arch), wanted.arch.map(arch), "--arch"),
    ] {
        if let (Some((told, by, true)), Some((asked, ..))) = (told, wanted)
            && told != asked
        {
            return Err(ShrinkError::OtherTarget {
                path: path.to_owned(),
                told,
                by,
                asked,
                option,
            });
        }
    }
    Ok(())
}

/// Machine code for another machine than the one that was asked for; what it belongs to may do without.
fn other_machine(told: &Inferred, wanted: &Inferred) -> Option<Finding> {
    let (told, wanted) = (told.arch?, wanted.arch?);
    let is_other = told.is_by_machine_code() && told.value != wanted.value;
    let message = || {
        format!(
            "all machine code in the layer is for {}, and it was said to be for {}, where none of that runs",
            told.value.name(),
            wanted.value.name()
        )
    };
    is_other.then(|| Finding {
        hint: Some("without `--arch` it is taken for what it is".to_owned()),
        ..Finding::warning("other-arch", message())
    })
}

/// What was wrong with the layer as it came, and is right now or cannot be helped.
fn findings(existing: &Existing) -> Vec<Finding> {
    let unreadable = existing.unreadable.first().map(|first| Finding {
        severity: Severity::Warning,
        code: "unreadable-mode",
        path: Some(first.to_string()),
        message: match existing.unreadable.len() {
            1 => format!("`{first}` was readable for its owner alone: on Lambda nobody could have read it; it is readable now"),
            more => format!("{more} files, `{first}` the first, were readable for their owner alone: on Lambda nobody could have read them; they are readable now"),
        },
        hint: None,
    });
    let links = existing::links(&existing.tree);
    let links = links.iter().next().map(|(first, target)| Finding {
        severity: Severity::Warning,
        code: "links",
        path: Some((*first).to_owned()),
        message: match links.len() {
            1 => format!("`{first}` is a link to `{target}` and stays one"),
            more => format!("{more} symbolic links, `{first}` the first, stay as they are"),
        },
        hint: Some("Lambda unpacks links; SAM and Terraform do not take them".to_owned()),
    });
    unreadable.into_iter().chain(links).collect()
}

fn over_limit(tree: &LayerTree) -> Option<Finding> {
    let size = tree.unzipped_size();
    (size > UNZIPPED_BYTES).then(|| Finding {
        severity: Severity::Error,
        code: "over-limit",
        path: None,
        message: format!(
            "the layer is still {} bytes unzipped, more than the {} that Lambda takes",
            grouped(size),
            grouped(UNZIPPED_BYTES)
        ),
        hint: Some("the packages that weigh most are named above; `--profile small` and `--drop` take more out".to_owned()),
    })
}
