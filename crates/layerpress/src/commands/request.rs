//! From arguments and settings to the library's requests.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use layerpress_compile::{
    BuildRequest, FetchRequest, Layout, LockRequest, NodeOptions, Overrides, PythonOptions,
    Services, Smoke, Sources, Trace, TraceKeep, Upgrade,
};
use layerpress_fetch::Clock;
use layerpress_python::index::IndexStrategy;
use layerpress_python::manifest::{Extras, Settings};
use layerpress_python::resolve::Strategy;
use layerpress_target::TargetError;
use layerpress_tree::Sha256;
use pep508_rs::{ExtraName, PackageName};

use crate::args::{
    BuildArgs, FetchArgs, FetchingArgs, GlobalArgs, IndexStrategyArg, LayoutArg, LockArgs,
    LockingArgs, PressingArgs, ResolutionArg, ResolveArgs, SetArgs, SmokeArgs, TraceArgs,
    TraceKeepArg,
};
use crate::environment::Environment;
use crate::settings::{self, SettingsError};
use crate::threads;

/// What requests are made from, beside the arguments of the command.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around<'a> {
    /// The options of every command.
    pub global: &'a GlobalArgs,
    /// Variables and folders.
    pub environment: &'a Environment,
}

impl Around<'_> {
    /// The request of `layerpress build`.
    ///
    /// # Errors
    ///
    /// The first option or setting that cannot be used.
    pub(super) fn build(&self, arguments: &BuildArgs) -> Result<BuildRequest, SettingsError> {
        let mut lock = self.locking(&arguments.locking, &arguments.inputs)?;
        lock.node.prebuilt = names("--prebuilt", &arguments.prebuilt)?;
        Ok(BuildRequest {
            lock,
            output: arguments.output.clone(),
            layout: match arguments.layout {
                LayoutArg::Flat => Layout::Flat,
                LayoutArg::Versioned => Layout::Versioned,
            },
            profile: arguments.pressing.press.profile(),
            overrides: overrides(&arguments.pressing)?,
            explain: arguments.pressing.explain.clone(),
            trace: self.trace(&arguments.pressing.trace),
            smoke: self.smoke(&arguments.pressing.smoke),
            compression: arguments.pressing.press.level(),
            scripts: arguments.scripts,
            bytecode: arguments.pressing.bytecode.into(),
            check_digest: arguments.check_digest.as_deref().map(digest).transpose()?,
        })
    }

    /// What must run with a layer.
    pub(super) fn smoke(&self, arguments: &SmokeArgs) -> Option<Smoke> {
        arguments.smoke.clone().map(|code| Smoke {
            code,
            timeout: Duration::from_secs(arguments.smoke_timeout),
            interpreters: settings::interpreter_candidates(None, self.environment),
            temporary: Environment::temporary(),
        })
    }

    /// What is run to see which files of a layer are needed.
    pub(super) fn trace(&self, arguments: &TraceArgs) -> Option<Trace> {
        arguments.trace.clone().map(|command| Trace {
            command,
            keep: trace_keep(&arguments.trace_keep),
            variables: self.environment.raw().clone(),
            temporary: Environment::temporary(),
        })
    }

    /// The request of `layerpress lock`.
    ///
    /// # Errors
    ///
    /// The first option or setting that cannot be used.
    pub(super) fn lock(&self, arguments: &LockArgs) -> Result<LockRequest, SettingsError> {
        Ok(LockRequest {
            lockfile: arguments.output.clone(),
            ..self.locking(&arguments.locking, &arguments.inputs)?
        })
    }

    /// The request of `layerpress fetch`.
    ///
    /// # Errors
    ///
    /// The first option or setting that cannot be used.
    pub(super) fn fetch(&self, arguments: &FetchArgs) -> Result<FetchRequest, SettingsError> {
        let FetchArgs {
            lock,
            target,
            sets,
            press,
            fetching,
        } = arguments;
        let configured = settings::configured(self.environment)?;
        Ok(FetchRequest {
            lockfile: lock.clone(),
            profile: press.profile(),
            compression: press.level(),
            runtimes: parsed("--runtime", &target.runtime)?,
            archs: parsed("--arch", &target.arch)?,
            sources: self.sources(fetching, &configured)?,
            node: self.node(fetching, sets, None)?,
            python: self.python(fetching, sets, None, configured)?,
        })
    }

    /// How the lock of `inputs` is made, or brought up to date.
    ///
    /// # Errors
    ///
    /// The first option or setting that cannot be used.
    pub(super) fn locking(
        &self,
        arguments: &LockingArgs,
        inputs: &[PathBuf],
    ) -> Result<LockRequest, SettingsError> {
        let LockingArgs {
            target,
            resolve,
            sets,
            fetching,
        } = arguments;
        let configured = settings::configured(self.environment)?;
        Ok(LockRequest {
            inputs: inputs.to_owned(),
            lockfile: None,
            runtimes: parsed("--runtime", &target.runtime)?,
            archs: parsed("--arch", &target.arch)?,
            upgrade: upgrade(resolve)?,
            locked: resolve.locked,
            exclude: names("--exclude", &resolve.exclude)?,
            sources: self.sources(fetching, &configured)?,
            node: self.node(fetching, sets, Some(resolve))?,
            python: self.python(fetching, sets, Some(resolve), configured)?,
        })
    }

    fn sources(
        &self,
        fetching: &FetchingArgs,
        configured: &Settings,
    ) -> Result<Sources, SettingsError> {
        let jobs = threads::bounded(fetching.jobs.jobs);
        let refresh = fetching.index.refresh;
        settings::sources(self.global, refresh, jobs, configured, self.environment)
    }

    fn node(
        &self,
        fetching: &FetchingArgs,
        sets: &SetArgs,
        resolve: Option<&ResolveArgs>,
    ) -> Result<NodeOptions, SettingsError> {
        let typed = resolve.and_then(|resolve| resolve.exclude_newer.as_deref());
        Ok(NodeOptions {
            registry: settings::registry(&fetching.index)?,
            before: typed.map(cutoff).transpose()?,
            dev: sets.dev,
            prebuilt: BTreeSet::new(),
            variables: self.environment.variables().clone(),
            process: self.environment.raw().clone(),
            temporary: Environment::temporary(),
            home: self.environment.home(),
            now: now(),
        })
    }

    fn python(
        &self,
        fetching: &FetchingArgs,
        sets: &SetArgs,
        resolve: Option<&ResolveArgs>,
        configured: Settings,
    ) -> Result<PythonOptions, SettingsError> {
        let FetchingArgs { index, policy, .. } = fetching;
        let pre = resolve.is_some_and(|resolve| resolve.pre);
        let mut options = PythonOptions {
            flags: settings::flags(index, Some(policy), pre)?,
            index_strategy: match index.index_strategy {
                IndexStrategyArg::FirstIndex => IndexStrategy::FirstIndex,
                IndexStrategyArg::UnsafeFirstMatch => IndexStrategy::UnsafeFirstMatch,
                IndexStrategyArg::UnsafeBestMatch => IndexStrategy::UnsafeBestMatch,
            },
            interpreters: settings::interpreter_candidates(
                policy.python.as_deref(),
                self.environment,
            ),
            process: self.environment.raw().clone(),
            temporary: Environment::temporary(),
            variables: self.environment.variables().clone().into_iter().collect(),
            extras: extras(&sets.extra)?,
            groups: sets.group.clone(),
            ..PythonOptions::default()
        };
        if sets.dev {
            options.groups.push("dev".to_owned());
        }
        if let Some(resolve) = resolve {
            let typed = resolve.exclude_newer.as_deref();
            let date = typed.or(configured.exclude_newer.as_deref());
            options.exclude_newer = date.map(cutoff).transpose()?;
            options.strategy = match resolve.resolution {
                ResolutionArg::Highest => Strategy::Highest,
                ResolutionArg::Lowest => Strategy::Lowest,
                ResolutionArg::LowestDirect => Strategy::LowestDirect,
            };
            options.with_project = resolve.with_project;
        }
        options.configured = configured;
        Ok(options)
    }
}

/// What the user says beside the rules.
///
/// # Errors
///
/// The first choice that is no pattern, or names no rule.
pub(super) fn overrides(arguments: &PressingArgs) -> Result<Overrides, SettingsError> {
    let overrides = Overrides::parse(&arguments.overrides.choices)?;
    Ok(overrides.with_services(Services::new(&arguments.aws_services)))
}

/// What stays beside what a traced command opens.
fn trace_keep(arguments: &[TraceKeepArg]) -> TraceKeep {
    let has = |it| arguments.contains(&it);
    TraceKeep {
        data: has(TraceKeepArg::Data),
        entry_points: has(TraceKeepArg::EntryPoints),
        packages: has(TraceKeepArg::Packages),
    }
}

/// Parses each value of a repeatable option; a repeated one counts once.
pub(super) fn parsed<T>(option: &'static str, values: &[String]) -> Result<Vec<T>, SettingsError>
where
    T: FromStr<Err = TargetError> + PartialEq,
{
    let mut found = Vec::new();
    for value in values {
        let value = value
            .trim()
            .parse()
            .map_err(|fault: TargetError| SettingsError::Target {
                option,
                hint: fault.hint(),
                fault,
            })?;
        if !found.contains(&value) {
            found.push(value);
        }
    }
    Ok(found)
}

fn upgrade(arguments: &ResolveArgs) -> Result<Upgrade, SettingsError> {
    let packages = names("--upgrade-package", &arguments.upgrade_package)?;
    Ok(if arguments.upgrade {
        Upgrade::Everything
    } else if packages.is_empty() {
        Upgrade::Nothing
    } else {
        Upgrade::Packages(packages)
    })
}

/// The values of an option as names of packages of either ecosystem, as they were written.
fn names(option: &'static str, values: &[String]) -> Result<BTreeSet<String>, SettingsError> {
    values
        .iter()
        .map(|value| {
            let name = value.trim();
            let known = PackageName::from_str(name).is_ok()
                || layerpress_node::PackageName::parse(name).is_ok();
            known
                .then(|| name.to_owned())
                .ok_or_else(|| SettingsError::Option {
                    option,
                    found: value.clone(),
                    problem: "is not the name of a package".to_owned(),
                    hint: Some(format!("as `{option} boto3`, without a version")),
                })
        })
        .collect()
}

fn extras(values: &[String]) -> Result<Extras, SettingsError> {
    if values.is_empty() {
        return Ok(Extras::None);
    }
    let names = values.iter().map(|value| {
        ExtraName::from_str(value.trim()).map_err(|_| SettingsError::Option {
            option: "--extra",
            found: value.clone(),
            problem: "is not the name of an extra".to_owned(),
            hint: None,
        })
    });
    Ok(Extras::Named(names.collect::<Result<_, _>>()?))
}

fn now() -> Timestamp {
    let millis = i64::try_from(Clock::System.now_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}

fn cutoff(text: &str) -> Result<Timestamp, SettingsError> {
    settings::parse_cutoff(text, now()).map_err(|problem| SettingsError::Option {
        option: "--exclude-newer",
        found: text.to_owned(),
        problem,
        hint: Some("as `2026-11-01`, `2026-11-01T12:00:00Z` or `7 days`".to_owned()),
    })
}

fn digest(text: &str) -> Result<Sha256, SettingsError> {
    let text = text.trim();
    let digits = text.trim_start_matches("sha256:");
    let hex = digits.parse::<Sha256>().ok();
    hex.or_else(|| Sha256::from_base64(digits))
        .ok_or_else(|| SettingsError::Option {
            option: "--check-digest",
            found: text.to_owned(),
            problem: "is not a sha256".to_owned(),
            hint: Some(
                "a sha256 has 64 hexadecimal digits, or 44 of base64 as Lambda reports it"
                    .to_owned(),
            ),
        })
}
