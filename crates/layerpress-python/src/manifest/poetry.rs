//! Projects that speak Poetry's own tables: `[tool.poetry.dependencies]` and its groups.
//!
//! Source: Poetry's documentation, "The pyproject.toml file" and "Dependency specification",
//! version 2. What cannot be said in PEP 440 and PEP 508 is an error with the way out.

use layerpress_lock::poetry_alternatives;
use pep440_rs::{VersionSpecifier, VersionSpecifiers};
use pep508_rs::{MarkerTree, PackageName};
use toml_edit::{Item, TableLike, Value};
use url::Url;

use super::Manifest;
use super::error::ManifestError;
use super::location::{index_url, local_source};
use super::marker::parse_marker;
use super::pyproject::{Extras, Project, PyprojectOptions, no_such_set};
use super::requirement::{Origin, Requirement, Source};
use super::requirement_text::inner_folder;
use super::shown::shown;
use super::toml_file::{TomlFile, same_name, strings, table, text_at};

const WAY_OUT: &str =
    "move the dependencies to `[project]` (PEP 621), or give what `poetry export` writes";

/// The project's dependencies, its extras asked for, its indexes.
pub(crate) fn read(
    file: &TomlFile,
    poetry: &Item,
    options: &PyprojectOptions,
) -> Result<Manifest, ManifestError> {
    let Some(poetry) = poetry.as_table_like() else {
        return Err(file.wrong_type(poetry, "`tool.poetry`", "a table"));
    };
    let mut manifest = Manifest::default();
    let reader = Reader { file, poetry };
    reader.indexes(&mut manifest)?;
    let wanted = reader.wanted(&options.extras)?;
    for (key, item) in table(poetry, "dependencies")
        .into_iter()
        .flat_map(TableLike::iter)
    {
        if key == "python" {
            manifest.requires_python = Some(reader.python(item)?);
            continue;
        }
        let found = reader.dependency(key, item)?;
        let asked_for = wanted.iter().any(|name| same_name(name, key));
        manifest.requirements.extend(
            found
                .into_iter()
                .filter(|(_, optional)| !optional || asked_for)
                .map(|(r, _)| r),
        );
    }
    let name = text_at(file, poetry, "name", "`tool.poetry.name`")?;
    let version = text_at(file, poetry, "version", "`tool.poetry.version`")?;
    manifest.project = Some(Project {
        name: name.and_then(|(name, _)| name.parse().ok()),
        version: version.and_then(|(version, _)| version.parse().ok()),
        folder: file.folder().to_owned(),
    });
    Ok(manifest)
}

/// The dependencies of a group by Poetry's own tables; `None` if it has no such group.
pub(crate) fn group(
    file: &TomlFile,
    poetry: &Item,
    name: &str,
) -> Result<Option<Vec<Requirement>>, ManifestError> {
    let Some(poetry) = poetry.as_table_like() else {
        return Ok(None);
    };
    let groups = table(poetry, "group").into_iter().flat_map(TableLike::iter);
    let mut tables: Vec<&dyn TableLike> = groups
        .filter(|(key, _)| same_name(key, name))
        .filter_map(|(_, group)| {
            group
                .as_table_like()
                .and_then(|group| table(group, "dependencies"))
        })
        .collect();
    if name == "dev" {
        tables.extend(table(poetry, "dev-dependencies"));
    }
    if tables.is_empty() {
        return Ok(None);
    }
    let reader = Reader { file, poetry };
    let mut out = Vec::new();
    for (key, item) in tables.into_iter().flat_map(TableLike::iter) {
        out.extend(
            reader
                .dependency(key, item)?
                .into_iter()
                .map(|(requirement, _)| requirement),
        );
    }
    Ok(Some(out))
}

fn fault(origin: &Origin, key: &str, fault: String) -> ManifestError {
    ManifestError::Field {
        origin: Box::new(origin.clone()),
        field: format!("`tool.poetry.dependencies.{}`", shown(key)),
        fault,
        remedy: Some(WAY_OUT.into()),
    }
}

struct Reader<'a> {
    file: &'a TomlFile,
    poetry: &'a dyn TableLike,
}

impl Reader<'_> {
    /// The names of the dependencies that the extras asked for switch on.
    fn wanted(&self, extras: &Extras) -> Result<Vec<String>, ManifestError> {
        let declared = || {
            table(self.poetry, "extras")
                .into_iter()
                .flat_map(TableLike::iter)
        };
        let chosen: Vec<&Item> = match extras {
            Extras::None => Vec::new(),
            Extras::All => declared().map(|(_, item)| item).collect(),
            Extras::Named(names) => names
                .iter()
                .map(|name| {
                    let found = declared().find(|(key, _)| same_name(key, name.as_ref()));
                    found.map(|(_, item)| item).ok_or_else(|| {
                        no_such_set(
                            self.file,
                            "extra",
                            name.as_ref(),
                            declared().map(|(key, _)| key),
                        )
                    })
                })
                .collect::<Result<_, _>>()?,
        };
        let mut wanted = Vec::new();
        for item in chosen {
            let names = strings(self.file, item, "`tool.poetry.extras`")?;
            wanted.extend(names.into_iter().map(|(name, _)| name.to_owned()));
        }
        Ok(wanted)
    }

    fn python(&self, item: &Item) -> Result<(VersionSpecifiers, Origin), ManifestError> {
        let Some(text) = item.as_str() else {
            return Err(self.file.wrong_type(
                item,
                "`tool.poetry.dependencies.python`",
                "a string",
            ));
        };
        let origin = self
            .file
            .origin(item.span(), &format!("python = \"{text}\""));
        Ok((versions("python", text, &origin)?, origin))
    }

    /// One dependency in any of its forms, each with whether it is optional.
    fn dependency(
        &self,
        key: &str,
        item: &Item,
    ) -> Result<Vec<(Requirement, bool)>, ManifestError> {
        let text = format!("{key} = {}", item.to_string().trim());
        let origin = self.file.origin(item.span(), &text);
        let name: PackageName = key
            .parse()
            .map_err(|_| fault(&origin, key, "has a key that is not a package name".into()))?;
        if let Some(version) = item.as_str() {
            return Ok(vec![(plain(&name, version, &origin)?, false)]);
        }
        if let Some(one) = item.as_table_like() {
            return Ok(vec![self.detailed(&name, one, &origin)?]);
        }
        let several = item.as_array().ok_or_else(|| {
            self.file.wrong_type(
                item,
                &format!("`tool.poetry.dependencies.{key}`"),
                "a version or a table",
            )
        })?;
        several
            .iter()
            .map(|value| match value {
                Value::String(version) => Ok((plain(&name, version.value(), &origin)?, false)),
                Value::InlineTable(one) => self.detailed(&name, one, &origin),
                _ => Err(fault(
                    &origin,
                    key,
                    "is neither a version nor a table".into(),
                )),
            })
            .collect()
    }

    fn detailed(
        &self,
        name: &PackageName,
        details: &dyn TableLike,
        origin: &Origin,
    ) -> Result<(Requirement, bool), ManifestError> {
        let key = name.as_ref();
        let field = format!("`tool.poetry.dependencies.{key}`");
        let text =
            |key| text_at(self.file, details, key, &field).map(|found| found.map(|(text, _)| text));
        let line = |mistake| ManifestError::line(origin, mistake);
        let mut requirement = plain(name, text("version")?.unwrap_or("*"), origin)?;
        if let Some(extras) = details.get("extras") {
            for (extra, _) in strings(self.file, extras, &field)? {
                let extra = extra.parse().map_err(|_| {
                    fault(
                        origin,
                        key,
                        format!("names the extra `{}`, which is not a name", shown(extra)),
                    )
                })?;
                requirement.extras.push(extra);
            }
        }
        if let Some(marker) = text("markers")? {
            requirement.marker.and(parse_marker(marker).map_err(line)?);
        }
        if let Some(python) = text("python")? {
            requirement.marker.and(python_marker(key, python, origin)?);
        }
        if let Some(platform) = text("platform")? {
            let marker = format!("sys_platform == \"{platform}\"");
            requirement.marker.and(parse_marker(&marker).map_err(line)?);
        }
        let subdirectory = text("subdirectory")?
            .map(inner_folder)
            .transpose()
            .map_err(line)?;
        let url = |text: &str| {
            Url::parse(text)
                .map_err(|error| fault(origin, key, format!("holds `{}`: {error}", shown(text))))
        };
        if let Some(repository) = text("git")? {
            let reference = text("rev")?.or(text("tag")?).or(text("branch")?);
            requirement.source = Source::Git {
                repository: url(repository)?,
                reference: reference.map(str::to_owned),
                subdirectory,
            };
        } else if let Some(archive) = text("url")? {
            requirement.source = Source::Url {
                url: url(archive)?,
                subdirectory,
            };
        } else if let Some(path) = text("path")?.or(text("file")?) {
            let path = self.file.folder().join(path).display().to_string();
            requirement.source = local_source(&path, None).map_err(line)?;
            requirement.editable = details
                .get("develop")
                .and_then(Item::as_bool)
                .unwrap_or(false);
        } else if let Some(source) = text("source")? {
            requirement.index = self.index(source, key, origin)?;
        }
        let optional = details
            .get("optional")
            .and_then(Item::as_bool)
            .unwrap_or(false);
        Ok((requirement, optional))
    }

    /// The URL of a source by name; `None` for PyPI, which needs no declaration.
    fn index(&self, name: &str, key: &str, origin: &Origin) -> Result<Option<Url>, ManifestError> {
        if name.eq_ignore_ascii_case("pypi") {
            return Ok(None);
        }
        for source in self.sources() {
            let declared = text_at(self.file, source, "name", "`tool.poetry.source.name`")?;
            if declared.is_some_and(|(declared, _)| declared.eq_ignore_ascii_case(name)) {
                return self.source_url(source);
            }
        }
        Err(fault(
            origin,
            key,
            format!("names the source `{}`, which is not declared", shown(name)),
        ))
    }

    /// `[[tool.poetry.source]]`: the first primary one replaces the default index.
    fn indexes(&self, manifest: &mut Manifest) -> Result<(), ManifestError> {
        for source in self.sources() {
            let Some(url) = self.source_url(source)? else {
                continue;
            };
            if let Some((name, _)) =
                text_at(self.file, source, "name", "`tool.poetry.source.name`")?
            {
                manifest.indexes.named.insert(name.to_owned(), url.clone());
            }
            let priority = source
                .get("priority")
                .and_then(Item::as_str)
                .unwrap_or("primary");
            match priority {
                "explicit" => {}
                "primary" | "default" if manifest.indexes.index_url.is_none() => {
                    manifest.indexes.index_url = Some(url);
                }
                _ => manifest.indexes.add_extra(url),
            }
        }
        Ok(())
    }

    fn sources(&self) -> impl Iterator<Item = &dyn TableLike> {
        let tables = self.poetry.get("source").and_then(Item::as_array_of_tables);
        tables
            .into_iter()
            .flatten()
            .map(|table| table as &dyn TableLike)
    }

    fn source_url(&self, source: &dyn TableLike) -> Result<Option<Url>, ManifestError> {
        let Some((text, origin)) = text_at(self.file, source, "url", "`tool.poetry.source.url`")?
        else {
            return Ok(None);
        };
        index_url(text, Some(self.file.folder()))
            .map(Some)
            .ok_or_else(|| {
                ManifestError::field(
                    &origin,
                    "`tool.poetry.source.url`",
                    format!("holds `{}`, which is not the URL of an index", shown(text)),
                )
            })
    }
}

/// One clause on Python's version; three numbers or more speak of the full version.
fn python_clause(specifier: &VersionSpecifier) -> String {
    let variable = if specifier.version().release().len() > 2 {
        "python_full_version"
    } else {
        "python_version"
    };
    let text = specifier.to_string();
    let at = text.find(|c| !"<>=!~".contains(c)).unwrap_or(text.len());
    format!("{variable} {} \"{}\"", &text[..at], &text[at..])
}

fn versions(key: &str, text: &str, origin: &Origin) -> Result<VersionSpecifiers, ManifestError> {
    let found = poetry_alternatives(text).map_err(|clause| {
        fault(
            origin,
            key,
            format!(
                "holds `{}`, which is not a version constraint",
                shown(&clause)
            ),
        )
    })?;
    match <[_; 1]>::try_from(found) {
        Ok([one]) => Ok(one),
        Err(_) => Err(fault(
            origin,
            key,
            format!(
                "holds `{}`: alternatives with `||` cannot be said in PEP 440",
                shown(text)
            ),
        )),
    }
}

/// `python = "^3.8"` beside a dependency, as a marker.
fn python_marker(key: &str, python: &str, origin: &Origin) -> Result<MarkerTree, ManifestError> {
    let found = poetry_alternatives(python).map_err(|clause| {
        fault(
            origin,
            key,
            format!(
                "holds `{}`, which is not a version constraint",
                shown(&clause)
            ),
        )
    })?;
    let mut any = MarkerTree::FALSE;
    for specifiers in found {
        let clauses: Vec<String> = specifiers.iter().map(python_clause).collect();
        any.or(parse_marker(&clauses.join(" and ")).map_err(|m| ManifestError::line(origin, m))?);
    }
    Ok(any)
}

fn plain(name: &PackageName, version: &str, origin: &Origin) -> Result<Requirement, ManifestError> {
    Ok(Requirement {
        name: Some(name.clone()),
        extras: Vec::new(),
        marker: MarkerTree::TRUE,
        source: Source::Index(versions(name.as_ref(), version, origin)?),
        hashes: Vec::new(),
        editable: false,
        config_settings: Vec::new(),
        index: None,
        origin: origin.clone(),
    })
}
