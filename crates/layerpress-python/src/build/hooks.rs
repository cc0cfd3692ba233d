//! The hooks of a build backend (PEP 517), each called in a process of its own.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::backend::BuildSystem;
use super::environment::{Environment, Outcome, Running};
use super::error::BuildError;

const SCRIPT: &str = include_str!("hook.py");

/// A backend ready to be called.
#[derive(Debug)]
pub(super) struct Backend<'a> {
    /// What is built, for errors.
    pub(super) package: &'a str,
    /// The source tree, in which the hooks run.
    pub(super) source: &'a Path,
    pub(super) system: &'a BuildSystem,
    pub(super) environment: &'a Environment,
    pub(super) running: Running<'a>,
    /// The `config_settings` of every hook.
    pub(super) config_settings: &'a Value,
}

impl Backend<'_> {
    /// What else the build needs; a backend without the hook needs nothing.
    pub(super) async fn requires_for_wheel(&self) -> Result<Vec<String>, BuildError> {
        let hook = "get_requires_for_build_wheel";
        let Some(value) = self.call(hook, &json!([self.config_settings])).await? else {
            return Ok(Vec::new());
        };
        let strings = value.as_array().and_then(|items| {
            items
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect()
        });
        strings.ok_or_else(|| self.answer(hook, "gave no list of strings"))
    }

    /// The dist-info folder below `into`, without a build; nothing if the backend cannot.
    pub(super) async fn prepare_metadata(
        &self,
        into: &Path,
    ) -> Result<Option<PathBuf>, BuildError> {
        let hook = "prepare_metadata_for_build_wheel";
        let arguments = json!([self.text(into)?, self.config_settings]);
        match self.call(hook, &arguments).await? {
            None => Ok(None),
            Some(value) => self.named(hook, into, &value).map(Some),
        }
    }

    /// Builds the wheel into the folder `into`.
    pub(super) async fn build_wheel(&self, into: &Path) -> Result<PathBuf, BuildError> {
        let hook = "build_wheel";
        let arguments = json!([self.text(into)?, self.config_settings]);
        match self.call(hook, &arguments).await? {
            None => Err(self.answer(hook, "is missing")),
            Some(value) => self.named(hook, into, &value),
        }
    }

    /// Calls a hook; nothing if the backend does not have it.
    async fn call(&self, hook: &str, arguments: &Value) -> Result<Option<Value>, BuildError> {
        let folder = tempfile::tempdir_in(self.running.scratch)
            .map_err(BuildError::io(self.running.scratch))?;
        let script = folder.path().join("hook.py");
        let (call, answer) = (folder.path().join("call"), folder.path().join("answer"));
        let backend_path = self
            .system
            .backend_path
            .iter()
            .map(|below| self.text(&self.source.join(below)))
            .collect::<Result<Vec<_>, _>>()?;
        let request = json!({
            "backend": self.system.backend,
            "backend_path": backend_path,
            "hook": hook,
            "arguments": arguments,
        });
        fs::write(&script, SCRIPT).map_err(BuildError::io(&script))?;
        fs::write(&call, request.to_string()).map_err(BuildError::io(&call))?;
        let arguments = [
            OsStr::new("-s"),
            OsStr::new("-B"),
            script.as_os_str(),
            call.as_os_str(),
            answer.as_os_str(),
        ];
        let outcome = self
            .environment
            .run(&arguments, self.source, &self.running)
            .await
            .map_err(BuildError::io(self.environment.python()))?;
        match outcome {
            Outcome::TimedOut => Err(BuildError::TimedOut {
                package: self.package.to_owned(),
                command: self.shown(hook),
                budget: self.running.budget,
            }),
            Outcome::Ended { status, output } if !status.success() => Err(BuildError::Backend {
                package: self.package.to_owned(),
                command: self.shown(hook),
                outcome: status.to_string(),
                output,
                note: None,
            }),
            Outcome::Ended { .. } => self.read_answer(hook, &answer),
        }
    }

    fn read_answer(&self, hook: &str, path: &Path) -> Result<Option<Value>, BuildError> {
        let text = fs::read(path).map_err(|_| self.answer(hook, "ended without an answer"))?;
        let mut answer: Value =
            serde_json::from_slice(&text).map_err(|_| self.answer(hook, "gave no JSON"))?;
        if answer.get("missing").is_some() {
            return Ok(None);
        }
        Ok(answer.get_mut("value").map(Value::take))
    }

    /// The file or folder directly below `into` whose name the hook gave.
    fn named(&self, hook: &str, into: &Path, value: &Value) -> Result<PathBuf, BuildError> {
        let name = value
            .as_str()
            .filter(|name| !name.is_empty() && !name.contains(['/', '\\']) && *name != "..")
            .ok_or_else(|| self.answer(hook, "gave no name"))?;
        let path = into.join(name);
        if path.exists() {
            Ok(path)
        } else {
            Err(self.answer(hook, "did not write what it named"))
        }
    }

    fn answer(&self, hook: &str, problem: &str) -> BuildError {
        BuildError::Answer {
            package: self.package.to_owned(),
            problem: format!("`{}`: `{hook}` {problem}", self.system.backend),
        }
    }

    fn text(&self, path: &Path) -> Result<String, BuildError> {
        path.to_str()
            .map(str::to_owned)
            .ok_or_else(|| BuildError::Path {
                package: self.package.to_owned(),
                path: path.display().to_string(),
                problem: "is not UTF-8, which build backends are told paths in",
            })
    }

    fn shown(&self, hook: &str) -> String {
        format!("{hook} of {}", self.system.backend)
    }
}
