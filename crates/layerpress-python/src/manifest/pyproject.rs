//! [`read_pyproject`]: a project's own description as a manifest (PEP 621, PEP 735, uv, Poetry).

use std::path::{Path, PathBuf};

use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::{ExtraName, MarkerTree, PackageName};
use toml_edit::{Item, TableLike, Value};

use super::error::ManifestError;
use super::pyproject_groups::group_dependencies;
use super::read::read_text;
use super::requirement::{Origin, Requirement};
use super::requirement_text::{parse_requirement, parse_specifiers};
use super::requirements::read_requirements;
use super::shown::shown;
use super::toml_file::{TomlFile, strings, table, text_at};
use super::{Environment, Manifest, poetry, pyproject_uv};

/// Which sets of dependencies are wanted besides the production ones. Default: none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PyprojectOptions {
    /// The extras (`[project.optional-dependencies]`).
    pub extras: Extras,
    /// The dependency groups (PEP 735, or Poetry's), by any spelling of their names.
    pub groups: Vec<String>,
}

/// A choice of extras.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Extras {
    /// None of them.
    #[default]
    None,
    /// All that the project declares.
    All,
    /// These.
    Named(Vec<ExtraName>),
}

/// The project that a `pyproject.toml` describes. It is not installed unless asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its name, if it has one.
    pub name: Option<PackageName>,
    /// Its version, if it is written down and not computed by the build backend.
    pub version: Option<Version>,
    /// The folder that holds the `pyproject.toml`.
    pub folder: PathBuf,
}

/// Reads the `pyproject.toml` at `path`: the project's dependencies and the sets asked for.
///
/// # Errors
/// A [`ManifestError`] for TOML that cannot be parsed, a field that is not as its specification has
/// it, dependencies that only a build would tell, or a set that does not exist.
pub fn read_pyproject(path: &Path, options: &PyprojectOptions) -> Result<Manifest, ManifestError> {
    let name = shown(&path.display().to_string());
    let text = read_text(path, &name, None)?;
    let file = TomlFile::parse(path, name, &text)?;
    let root = file.root();
    let project = table(root, "project");
    let poetry = root.get("tool").and_then(|tool| tool.get("poetry"));
    let mut manifest = match (project, poetry) {
        (Some(project), poetry) => {
            let mut manifest = read_project(&file, project, options)?;
            let leaves_to_poetry = project.get("dependencies").is_none()
                && poetry.is_some_and(|poetry| poetry.get("dependencies").is_some());
            if let Some(poetry) = poetry.filter(|_| leaves_to_poetry) {
                manifest = manifest.merge(poetry::read(&file, poetry, options)?);
            }
            manifest
        }
        (None, Some(poetry)) => poetry::read(&file, poetry, options)?,
        (None, None) => Manifest::default(),
    };
    add_groups(&file, options, poetry, &mut manifest)?;
    pyproject_uv::apply(&file, &mut manifest)?;
    manifest.files_read.insert(0, path.to_owned());
    Ok(manifest)
}

fn read_project(
    file: &TomlFile,
    project: &dyn TableLike,
    options: &PyprojectOptions,
) -> Result<Manifest, ManifestError> {
    let mut manifest = Manifest::default();
    let name = match text_at(file, project, "name", "`project.name`")? {
        None => None,
        Some((name, origin)) => Some(name.parse().map_err(|_| {
            ManifestError::field(
                &origin,
                "`project.name`",
                format!("holds `{}`, which is not a package name", shown(name)),
            )
        })?),
    };
    let version = text_at(file, project, "version", "`project.version`")?;
    if let Some((text, origin)) = text_at(
        file,
        project,
        "requires-python",
        "`project.requires-python`",
    )? {
        let specifiers: VersionSpecifiers =
            parse_specifiers(text).map_err(|mistake| ManifestError::line(&origin, mistake))?;
        manifest.requires_python = Some((specifiers, origin));
    }
    let dynamic = dynamic_fields(file, project)?;
    let poetry_has_them = file
        .root()
        .get("tool")
        .and_then(|tool| tool.get("poetry")?.get("dependencies"))
        .is_some();
    if dynamic.contains(&"dependencies") && !poetry_has_them {
        manifest = manifest.merge(dynamic_dependencies(file, project)?);
    }
    let sets = ProjectSets {
        file,
        project: name.clone(),
        optional: table(project, "optional-dependencies"),
        optional_is_dynamic: dynamic.contains(&"optional-dependencies"),
    };
    if let Some(dependencies) = project.get("dependencies") {
        let dependencies = strings(file, dependencies, "`project.dependencies`")?;
        sets.expand(&dependencies, &mut manifest.requirements)?;
    }
    for extra in sets.wanted(&options.extras) {
        sets.extra(
            &extra,
            None,
            &MarkerTree::TRUE,
            &mut Vec::new(),
            &mut manifest.requirements,
        )?;
    }
    manifest.project = Some(Project {
        name,
        version: version.and_then(|(version, _)| version.parse().ok()),
        folder: file.folder().to_owned(),
    });
    Ok(manifest)
}

fn dynamic_fields<'a>(
    file: &TomlFile,
    project: &'a dyn TableLike,
) -> Result<Vec<&'a str>, ManifestError> {
    let Some(dynamic) = project.get("dynamic") else {
        return Ok(Vec::new());
    };
    let strings = strings(file, dynamic, "`project.dynamic`")?;
    Ok(strings.into_iter().map(|(text, _)| text).collect())
}

/// Dependencies that setuptools reads from files; any other backend would have to be run.
fn dynamic_dependencies(
    file: &TomlFile,
    project: &dyn TableLike,
) -> Result<Manifest, ManifestError> {
    let files = file.root().get("tool").and_then(|tool| {
        tool.get("setuptools")?
            .get("dynamic")?
            .get("dependencies")?
            .get("file")
    });
    let names = match files {
        Some(Item::Value(Value::String(name))) => vec![name.value().as_str()],
        Some(list) => strings(file, list, "`tool.setuptools.dynamic.dependencies.file`")?
            .into_iter()
            .map(|(name, _)| name)
            .collect(),
        None => {
            let origin = file.origin(project.get("dynamic").and_then(Item::span), "dynamic");
            return Err(ManifestError::Field {
                origin: Box::new(origin),
                field: "`project.dynamic`".into(),
                fault: "leaves `dependencies` to the build backend, which is not run to find out".into(),
                remedy: Some(
                    "list them under `[project] dependencies`, or give a requirements file or lockfile instead"
                        .into(),
                ),
            });
        }
    };
    let mut manifest = Manifest::default();
    let no_fetch = |_: &url::Url| Err("setuptools reads local files only".into());
    for name in names {
        let path = file.folder().join(name);
        manifest = manifest.merge(read_requirements(
            &path,
            &Environment::default(),
            &no_fetch,
        )?);
    }
    Ok(manifest)
}

fn add_groups(
    file: &TomlFile,
    options: &PyprojectOptions,
    poetry: Option<&Item>,
    manifest: &mut Manifest,
) -> Result<(), ManifestError> {
    let project = table(file.root(), "project");
    let sets = ProjectSets {
        file,
        project: manifest
            .project
            .as_ref()
            .and_then(|project| project.name.clone()),
        optional: project.and_then(|project| table(project, "optional-dependencies")),
        optional_is_dynamic: false,
    };
    for group in &options.groups {
        let dependencies = match group_dependencies(file, group) {
            Err(ManifestError::NoSuchSet { .. })
                if let Some(poetry) = poetry
                    && let Some(found) = poetry::group(file, poetry, group)? =>
            {
                manifest.requirements.extend(found);
                continue;
            }
            dependencies => dependencies?,
        };
        sets.expand(&dependencies, &mut manifest.requirements)?;
    }
    Ok(())
}

/// The extras of a project, which its dependencies may refer to: `proj[a]`.
struct ProjectSets<'a> {
    file: &'a TomlFile,
    project: Option<PackageName>,
    optional: Option<&'a dyn TableLike>,
    optional_is_dynamic: bool,
}

impl<'a> ProjectSets<'a> {
    fn wanted(&self, extras: &Extras) -> Vec<ExtraName> {
        match extras {
            Extras::None => Vec::new(),
            Extras::Named(names) => names.clone(),
            Extras::All => {
                let keys = self.optional.into_iter().flat_map(TableLike::iter);
                keys.filter_map(|(key, _)| key.parse().ok()).collect()
            }
        }
    }

    fn expand(
        &self,
        dependencies: &[(&'a str, Origin)],
        out: &mut Vec<Requirement>,
    ) -> Result<(), ManifestError> {
        self.expand_below(dependencies, &MarkerTree::TRUE, &mut Vec::new(), out)
    }

    /// Parses `dependencies`; one on the project itself stands for the extras it names.
    fn expand_below(
        &self,
        dependencies: &[(&'a str, Origin)],
        condition: &MarkerTree,
        open: &mut Vec<ExtraName>,
        out: &mut Vec<Requirement>,
    ) -> Result<(), ManifestError> {
        for (text, origin) in dependencies {
            let mut requirement = parse_requirement(text, origin, Some(self.file.folder()))?;
            requirement.marker.and(condition.clone());
            if requirement.name.is_some() && requirement.name == self.project {
                for extra in &requirement.extras {
                    self.extra(extra, Some(origin), &requirement.marker, open, out)?;
                }
            } else {
                out.push(requirement);
            }
        }
        Ok(())
    }

    /// The dependencies of one extra, under a condition.
    fn extra(
        &self,
        extra: &ExtraName,
        named_by: Option<&Origin>,
        condition: &MarkerTree,
        open: &mut Vec<ExtraName>,
        out: &mut Vec<Requirement>,
    ) -> Result<(), ManifestError> {
        if open.contains(extra) {
            let origin = named_by
                .cloned()
                .unwrap_or_else(|| self.file.origin(None, extra.as_ref()));
            let chain: Vec<String> = open
                .iter()
                .chain([extra])
                .map(|e| format!("`{e}`"))
                .collect();
            return Err(ManifestError::SetCycle {
                origin: Box::new(origin),
                kind: "extra",
                chain: chain.join(" → "),
            });
        }
        let entries = self.optional.into_iter().flat_map(TableLike::iter);
        let found = entries
            .filter(|(key, _)| key.parse().as_ref() == Ok(extra))
            .map(|(_, item)| item)
            .next();
        let Some(item) = found else {
            if self.optional_is_dynamic {
                let origin = self.file.origin(None, "optional-dependencies");
                let fault = "leaves `optional-dependencies` to the build backend, which is not run to find out";
                return Err(ManifestError::field(
                    &origin,
                    "`project.dynamic`",
                    fault.into(),
                ));
            }
            let keys = self.optional.into_iter().flat_map(TableLike::iter);
            return Err(no_such_set(
                self.file,
                "extra",
                extra.as_ref(),
                keys.map(|(key, _)| key),
            ));
        };
        let field = format!("`project.optional-dependencies.{extra}`");
        let dependencies = strings(self.file, item, &field)?;
        open.push(extra.clone());
        self.expand_below(&dependencies, condition, open, out)?;
        open.pop();
        Ok(())
    }
}

pub(crate) fn no_such_set<'a>(
    file: &TomlFile,
    kind: &'static str,
    name: &str,
    known: impl Iterator<Item = &'a str>,
) -> ManifestError {
    let mut known: Vec<String> = known.map(shown).collect();
    known.sort();
    ManifestError::NoSuchSet {
        file: file.name.clone(),
        kind,
        name: shown(name),
        known,
    }
}
