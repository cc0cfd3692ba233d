//! What `[tool.uv]` of a `pyproject.toml` says about where dependencies come from.
//!
//! Source: uv's reference, "Settings" and "Managing dependencies", 0.9. Read are `sources` (git, url,
//! path, index), `index`, `index-url`, `extra-index-url`, `find-links`, `no-index`,
//! `constraint-dependencies`, `override-dependencies`, `no-build`, `no-build-package`, `no-binary`,
//! `no-binary-package` and `prerelease`. The rest steers uv itself.

use pep508_rs::MarkerTree;
use toml_edit::{Item, TableLike};
use url::Url;

use super::Manifest;
use super::error::ManifestError;
use super::location::{find_links, index_url, local_source};
use super::marker::parse_marker;
use super::requirement::{Origin, Requirement, Source};
use super::requirement_text::{inner_folder, parse_requirement};
use super::shown::shown;
use super::toml_file::{TomlFile, nearest_key, same_name, strings, table, text_at};

/// Applies `[tool.uv]` to a manifest read from the same file.
pub(crate) fn apply(file: &TomlFile, manifest: &mut Manifest) -> Result<(), ManifestError> {
    let Some(uv) = table(file.root(), "tool").and_then(|tool| table(tool, "uv")) else {
        return Ok(());
    };
    let indexes = indexes(file, uv, manifest)?;
    for (key, list) in [
        ("constraint-dependencies", true),
        ("override-dependencies", false),
    ] {
        let Some(item) = uv.get(key) else { continue };
        for (text, origin) in strings(file, item, &format!("`tool.uv.{key}`"))? {
            let requirement = parse_requirement(text, &origin, Some(file.folder()))?;
            if list {
                manifest.constraints.push(requirement);
            } else {
                manifest.overrides.push(requirement);
            }
        }
    }
    build_policy(file, uv, manifest)?;
    if let Some(sources) = table(uv, "sources") {
        let sources = Sources {
            file,
            sources,
            indexes: &indexes,
        };
        // As in uv, a source is one for constraints and overrides too.
        for lines in [
            &mut manifest.requirements,
            &mut manifest.constraints,
            &mut manifest.overrides,
        ] {
            for requirement in std::mem::take(lines) {
                sources.apply(requirement, lines)?;
            }
        }
    }
    Ok(())
}

struct NamedIndex {
    name: String,
    url: Url,
}

/// Takes over the indexes; the named ones are returned for `sources`.
fn indexes(
    file: &TomlFile,
    uv: &dyn TableLike,
    manifest: &mut Manifest,
) -> Result<Vec<NamedIndex>, ManifestError> {
    let url = |text: &str, origin: &Origin, field: &str| {
        index_url(text, Some(file.folder())).ok_or_else(|| {
            ManifestError::field(
                origin,
                field,
                format!("holds `{}`, which is not the URL of an index", shown(text)),
            )
        })
    };
    let mut named = Vec::new();
    let tables = uv.get("index").and_then(Item::as_array_of_tables);
    for index in tables.into_iter().flatten() {
        let Some((text, origin)) = text_at(file, index, "url", "`tool.uv.index.url`")? else {
            let origin = file.origin(index.span(), "[[tool.uv.index]]");
            return Err(ManifestError::field(
                &origin,
                "`tool.uv.index`",
                "has no `url`".into(),
            ));
        };
        let url = url(text, &origin, "`tool.uv.index.url`")?;
        let is = |key| index.get(key).and_then(Item::as_bool).unwrap_or(false);
        if is("default") {
            manifest.indexes.index_url = Some(url.clone());
        } else if !is("explicit") {
            manifest.indexes.add_extra(url.clone());
        }
        if let Some((name, _)) = text_at(file, index, "name", "`tool.uv.index.name`")? {
            manifest.indexes.named.insert(name.to_owned(), url.clone());
            named.push(NamedIndex {
                name: name.to_owned(),
                url,
            });
        }
    }
    if let Some((text, origin)) = text_at(file, uv, "index-url", "`tool.uv.index-url`")? {
        manifest.indexes.index_url = Some(url(text, &origin, "`tool.uv.index-url`")?);
    }
    if let Some(item) = uv.get("extra-index-url") {
        for (text, origin) in strings(file, item, "`tool.uv.extra-index-url`")? {
            manifest
                .indexes
                .add_extra(url(text, &origin, "`tool.uv.extra-index-url`")?);
        }
    }
    if let Some(item) = uv.get("find-links") {
        for (text, origin) in strings(file, item, "`tool.uv.find-links`")? {
            let place = find_links(text, Some(file.folder())).map_err(|expected| {
                ManifestError::field(
                    &origin,
                    "`tool.uv.find-links`",
                    format!("holds `{}`, which is not {expected}", shown(text)),
                )
            })?;
            match place {
                Some(place) => manifest.indexes.add_find_links(place),
                None => manifest.warnings.push(format!(
                    "{origin}: nothing is at `{}`, which `find-links` names; passed over",
                    shown(text)
                )),
            }
        }
    }
    manifest.indexes.no_index |= uv.get("no-index").and_then(Item::as_bool).unwrap_or(false);
    Ok(named)
}

fn build_policy(
    file: &TomlFile,
    uv: &dyn TableLike,
    manifest: &mut Manifest,
) -> Result<(), ManifestError> {
    let is = |key| uv.get(key).and_then(Item::as_bool).unwrap_or(false);
    let mut words: Vec<(&str, Origin, bool)> = Vec::new();
    for (all, some, no_build) in [
        ("no-build", "no-build-package", true),
        ("no-binary", "no-binary-package", false),
    ] {
        if is(all) {
            words.push((":all:", file.origin(None, all), no_build));
        }
        if let Some(item) = uv.get(some) {
            let names = strings(file, item, &format!("`tool.uv.{some}`"))?;
            words.extend(
                names
                    .into_iter()
                    .map(|(name, origin)| (name, origin, no_build)),
            );
        }
    }
    for (word, origin, no_build) in words {
        let added = if no_build {
            manifest.build.add_only_binary(word)
        } else {
            manifest.build.add_no_binary(word)
        };
        added.map_err(|word| {
            ManifestError::field(
                &origin,
                "`tool.uv`",
                format!("names `{}`, which is not a package name", shown(&word)),
            )
        })?;
    }
    manifest.pre |= uv.get("prerelease").and_then(Item::as_str) == Some("allow");
    Ok(())
}

/// `[tool.uv.sources]`: where single dependencies come from instead of an index.
struct Sources<'a> {
    file: &'a TomlFile,
    sources: &'a dyn TableLike,
    indexes: &'a [NamedIndex],
}

impl Sources<'_> {
    /// Puts `requirement` into `out`, once for each source that its package has.
    fn apply(
        &self,
        requirement: Requirement,
        out: &mut Vec<Requirement>,
    ) -> Result<(), ManifestError> {
        let found = match (&requirement.name, &requirement.source) {
            (Some(name), Source::Index(_)) => self
                .sources
                .iter()
                .find(|(key, _)| same_name(key, name.as_ref())),
            _ => None,
        };
        let Some((_, item)) = found else {
            out.push(requirement);
            return Ok(());
        };
        let field = format!(
            "`tool.uv.sources.{}`",
            requirement
                .name
                .iter()
                .map(ToString::to_string)
                .collect::<String>()
        );
        let tables: Vec<&dyn TableLike> = if let Some(one) = item.as_table_like() {
            vec![one]
        } else if let Some(several) = item.as_array() {
            several
                .iter()
                .filter_map(|value| value.as_inline_table())
                .map(|table| table as _)
                .collect()
        } else if let Some(several) = item.as_array_of_tables() {
            several.iter().map(|table| table as _).collect()
        } else {
            return Err(self.file.wrong_type(item, &field, "a table"));
        };
        let mut elsewhere = MarkerTree::TRUE;
        for table in tables {
            let mut here = requirement.clone();
            let marker = self.read(table, item, &field, &mut here)?;
            if !marker.is_disjoint(&elsewhere.negate()) {
                let origin = self.file.origin(item.span(), item.to_string().trim());
                return Err(ManifestError::Field {
                    origin: Box::new(origin),
                    field,
                    fault: "names two sources that are for one machine".into(),
                    remedy: Some("give each a `marker` that shuts the others out".into()),
                });
            }
            here.marker.and(marker.clone());
            elsewhere.and(marker.negate());
            if !here.marker.is_false() {
                out.push(here);
            }
        }
        let mut rest = requirement;
        rest.marker.and(elsewhere);
        if !rest.marker.is_false() {
            out.push(rest);
        }
        Ok(())
    }

    /// Sets the source of `requirement` from one table and returns where that counts.
    fn read(
        &self,
        source: &dyn TableLike,
        item: &Item,
        field: &str,
        requirement: &mut Requirement,
    ) -> Result<MarkerTree, ManifestError> {
        const KEYS: [&str; 12] = [
            "git",
            "url",
            "path",
            "index",
            "rev",
            "tag",
            "branch",
            "subdirectory",
            "marker",
            "editable",
            "package",
            "lfs",
        ];
        let file = self.file;
        let origin = file.origin(item.span(), item.to_string().trim());
        let fault = |fault: String, remedy: Option<String>| ManifestError::Field {
            origin: Box::new(origin.clone()),
            field: field.to_owned(),
            fault,
            remedy,
        };
        if let Some((key, _)) = source.iter().find(|(key, _)| !KEYS.contains(key)) {
            let remedy = match key {
                "workspace" => Some("name the member's folder: `{ path = \"…\" }`".to_owned()),
                "extra" | "group" => {
                    Some("give the package one source for all its uses".to_owned())
                }
                _ => nearest_key(key, KEYS),
            };
            return Err(fault(
                format!("has `{}`, which is not read here", shown(key)),
                remedy,
            ));
        }
        let text = |key| text_at(file, source, key, field).map(|found| found.map(|(text, _)| text));
        let subdirectory = match text("subdirectory")? {
            None => None,
            Some(folder) => Some(
                inner_folder(folder).map_err(|mistake| ManifestError::line(&origin, mistake))?,
            ),
        };
        let url = |text: &str| {
            Url::parse(text)
                .map_err(|error| fault(format!("holds `{}`: {error}", shown(text)), None))
        };
        if let Some(repository) = text("git")? {
            let reference = text("rev")?.or(text("tag")?).or(text("branch")?);
            requirement.source = Source::Git {
                repository: url(repository.strip_prefix("git+").unwrap_or(repository))?,
                reference: reference.map(str::to_owned),
                subdirectory,
            };
        } else if let Some(archive) = text("url")? {
            requirement.source = Source::Url {
                url: url(archive)?,
                subdirectory,
            };
        } else if let Some(path) = text("path")? {
            let path = file.folder().join(path).display().to_string();
            requirement.source = local_source(&path, None)
                .map_err(|mistake| ManifestError::line(&origin, mistake))?;
            requirement.editable = source
                .get("editable")
                .and_then(Item::as_bool)
                .unwrap_or(false);
        } else if let Some(name) = text("index")? {
            let index = self.indexes.iter().find(|index| index.name == name);
            let names = self.indexes.iter().map(|index| index.name.as_str());
            requirement.index = Some(
                index
                    .ok_or_else(|| {
                        let remedy = nearest_key(name, names).unwrap_or_else(|| {
                            format!(
                                "declare it: `[[tool.uv.index]]` with `name = \"{}\"`",
                                shown(name)
                            )
                        });
                        fault(
                            format!("names the index `{}`, which is not declared", shown(name)),
                            Some(remedy),
                        )
                    })?
                    .url
                    .clone(),
            );
        } else {
            return Err(fault(
                "names no `git`, `url`, `path` or `index`".into(),
                None,
            ));
        }
        let marker = text("marker")?.unwrap_or_default();
        parse_marker(marker).map_err(|mistake| ManifestError::line(&origin, mistake))
    }
}
