//! [`opened`]: a command run against an unpacked layer, and what it opened.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use layerpress_check::Inferred;
use layerpress_scratch::{Naming, ScratchFolder, sweep};
use layerpress_tree::{LayerPath, LayerTree};

use super::{Recorder, Trace, TraceError};
use crate::smoke::{Unpacked, joined, other_machine, to_the_end};

const WORK: Naming = Naming {
    prefix: "layerpress-trace-",
    suffix: "",
};

/// A command that takes longer hangs.
const BUDGET: Duration = Duration::from_secs(3600);

/// How many lines of a failed command's output are shown.
const SHOWN_LINES: usize = 40;

/// A layer that a command is to be run with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scene<'a> {
    layer: &'a LayerTree,
    made_for: &'a Inferred,
    is_function: bool,
}

impl<'a> Scene<'a> {
    /// `is_function`: whether packages lie at the layer's top.
    pub(crate) fn new(layer: &'a LayerTree, made_for: &'a Inferred, is_function: bool) -> Self {
        Self {
            layer,
            made_for,
            is_function,
        }
    }
}

/// Runs the command, and gives the files of the layer that it opened.
///
/// # Errors
/// A command that fails, or opens nothing; a file system that does not say what is read.
pub(crate) fn opened(trace: &Trace, scene: &Scene<'_>) -> Result<BTreeSet<LayerPath>, TraceError> {
    let layer = scene.layer;
    if let Some(arch) = other_machine(scene.made_for, layer) {
        let machine = std::env::consts::ARCH;
        return Err(TraceError::OtherMachine { arch, machine });
    }
    sweep(&trace.temporary, &WORK);
    let work = ScratchFolder::create(&trace.temporary, &WORK)?;
    let mut unpacked = Unpacked::new(work.path().join("opt"))?;
    unpacked.put(layer)?;
    let folder = unpacked.folder();
    let recorder = Recorder::begin(folder, layer)?;
    let ran = to_the_end(&mut command(trace, scene, folder), BUDGET)?;
    if !ran.is_well() {
        let output = [
            String::from_utf8_lossy(&ran.stdout).into_owned(),
            ran.stderr.clone(),
        ];
        return Err(TraceError::Failed {
            end: ran.end(),
            output: last_lines(&output.concat()),
        });
    }
    let opened = recorder.read()?;
    if opened.is_empty() {
        return Err(TraceError::Nothing);
    }
    Ok(opened)
}

/// Where Lambda looks for packages in a layer, or a function, that lies in `folder`; `versions` are the
/// folders that are named by a runtime's version.
fn paths_in(folder: &Path, layer: &LayerTree, is_function: bool) -> Vec<PathBuf> {
    if is_function {
        return vec![folder.to_owned(), folder.join("node_modules")];
    }
    let versioned = layer.iter().filter_map(|(path, _)| {
        let path = path.as_str();
        let end = ["/site-packages/", "/node_modules/"]
            .iter()
            .filter_map(|name| Some(path.find(name)? + name.len() - 1))
            .min()?;
        let place = &path[..end];
        let is_place = (place.starts_with("python/lib/python") && place.ends_with("site-packages"))
            || (place.starts_with("nodejs/node") && place.ends_with("node_modules"));
        is_place.then_some(place)
    });
    let versioned: BTreeSet<&str> = versioned.collect();
    let flat = ["python", "nodejs/node_modules"];
    let all = versioned
        .into_iter()
        .filter(|it| !flat.contains(it))
        .chain(flat);
    all.map(|place| folder.join(place)).collect()
}

fn command(trace: &Trace, scene: &Scene<'_>, folder: &Path) -> Command {
    let paths = paths_in(folder, scene.layer, scene.is_function);
    let mut command = Command::new("sh");
    let before = |name: &str, own: &[PathBuf]| {
        let own = joined(own);
        let theirs = trace.variables.iter().find(|(it, _)| *it == name);
        match theirs.map(|(_, value)| value).filter(|it| !it.is_empty()) {
            Some(theirs) => {
                let mut all = own;
                all.push(":");
                all.push(theirs);
                all
            }
            None => own,
        }
    };
    let of = |modules: bool| -> Vec<PathBuf> {
        let wanted = paths
            .iter()
            .filter(|it| it.ends_with("node_modules") == modules);
        wanted.cloned().collect()
    };
    command
        .arg("-c")
        .arg(&trace.command)
        .env_clear()
        .envs(&trace.variables)
        .env("LAYERPRESS_LAYER", folder)
        .env("PYTHONPATH", before("PYTHONPATH", &of(false)))
        .env("NODE_PATH", before("NODE_PATH", &of(true)))
        .env(
            "LD_LIBRARY_PATH",
            before("LD_LIBRARY_PATH", &[folder.join("lib")]),
        )
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let made_for = scene.made_for;
    for runtime in made_for.python.into_iter().chain(made_for.node) {
        command.env("LAYERPRESS_RUNTIME", runtime.value.name());
    }
    if let Some(arch) = made_for.arch {
        command.env("LAYERPRESS_ARCH", arch.value.name());
    }
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::TraceKeep;
    use layerpress_pack::stored;
    use layerpress_tree::{Entry, Mode};

    fn layer(paths: &[&str]) -> LayerTree {
        let entry = |path: &&str| {
            let content = stored(b"text".to_vec().into());
            let mode = Mode::File;
            (
                LayerPath::new(path).expect("a path"),
                Entry { mode, content },
            )
        };
        LayerTree::from_entries(paths.iter().map(entry).collect()).expect("no conflict")
    }

    fn opened_by(command: &str) -> Result<BTreeSet<LayerPath>, TraceError> {
        let trace = Trace {
            command: command.to_owned(),
            keep: TraceKeep::default(),
            variables: std::env::vars_os().collect(),
            temporary: std::env::temp_dir(),
        };
        let layer = layer(&[
            "python/a.py",
            "python/b.py",
            "nodejs/node_modules/c/index.js",
        ]);
        opened(&trace, &Scene::new(&layer, &Inferred::default(), false))
    }

    #[test]
    fn what_a_command_and_its_children_open_is_known() {
        let opened =
            opened_by("sh -c 'cat \"$LAYERPRESS_LAYER\"/python/b.py' && ls \"$PYTHONPATH\"");
        let opened = opened.expect("it runs");
        assert_eq!(
            opened.iter().map(LayerPath::as_str).collect::<Vec<_>>(),
            ["python/b.py"]
        );
    }

    #[test]
    fn a_command_that_fails_or_opens_nothing_proves_nothing() {
        let failed = opened_by("cat \"$LAYERPRESS_LAYER\"/python/a.py; echo ' broken' >&2; exit 3");
        insta::assert_snapshot!(failed.expect_err("it fails"), @r"
        the traced command ends with exit code 3: broken; it printed last:
        text broken
        ");
        let nothing = opened_by("true");
        insta::assert_snapshot!(nothing.expect_err("nothing is open"), @"the traced command opened no file of the layer");
    }

    #[test]
    fn packages_are_looked_for_where_lambda_does() {
        let layer = layer(&[
            "python/lib/python3.13/site-packages/a/b.py",
            "nodejs/node22/node_modules/c/node_modules/d/e.js",
        ]);
        let paths = paths_in(Path::new("/t"), &layer, false);
        let shown: Vec<_> = paths.iter().map(|it| it.display().to_string()).collect();
        assert_eq!(
            shown,
            [
                "/t/nodejs/node22/node_modules",
                "/t/python/lib/python3.13/site-packages",
                "/t/python",
                "/t/nodejs/node_modules"
            ]
        );
    }
}
